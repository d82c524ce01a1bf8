//! Who, where and which bytes: names beside addresses, hashes in full, and a button to copy either.

use leptos::prelude::*;

use super::icon::{Glyph, Icon};
use crate::views::Party;

/// A name with its shortened address, or the shortened address alone. `full` writes out the address and lets it be copied.
#[component]
pub fn Address(party: Party, #[prop(optional)] full: bool) -> impl IntoView {
    let short = party.short();
    let code = if full {
        view! { <Hash value=party.address.clone()/> }.into_any()
    } else {
        view! { <code title=party.address.clone()>{short}</code> }.into_any()
    };
    view! {
        <span class="address">
            {party.name.map(|name| view! { <span class="address-name">{name}</span> })}
            {code}
        </span>
    }
}

/// A hash, id or address in full, with a copy button once the page is awake.
#[component]
pub fn Hash(#[prop(into)] value: String) -> impl IntoView {
    view! {
        <span class="hash-row">
            <code class="hash">{value.clone()}</code>
            <Copy value/>
        </span>
    }
}

/// Puts `value` on the clipboard and says so.
#[component]
pub fn Copy(#[prop(into)] value: String) -> impl IntoView {
    let copied = RwSignal::new(false);
    let copy = move |_| {
        copied.set(put_on_clipboard(&value));
        set_timeout(move || copied.set(false), std::time::Duration::from_millis(1600));
    };
    view! {
        <button class="copy needs-js" type="button" on:click=copy>
            <Icon glyph=Glyph::Copy/>
            <span class="visually-hidden" aria-live="polite">{move || if copied.get() { "Copied" } else { "Copy" }}</span>
            <span aria-hidden="true">{move || if copied.get() { " copied" } else { "" }}</span>
        </button>
    }
}

#[cfg(feature = "hydrate")]
fn put_on_clipboard(value: &str) -> bool {
    let _outcome = window().navigator().clipboard().write_text(value);
    true
}

#[cfg(not(feature = "hydrate"))]
fn put_on_clipboard(_value: &str) -> bool {
    false
}
