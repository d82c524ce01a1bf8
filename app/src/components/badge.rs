//! Where something stands, in one word with a mark; never by colour alone.

use governance::explanation::{Binding, VerificationState};
use leptos::prelude::*;

use super::icon::{Glyph, Icon};

/// A proposal state in the governor's word and in plain words.
pub fn state_words(state: &str) -> (&'static str, &'static str) {
    match state {
        "pending" => ("Pending", "Voting has not opened yet"),
        "active" => ("Active", "Voting is open"),
        "canceled" => ("Canceled", "Withdrawn before it could pass"),
        "defeated" => ("Defeated", "It did not pass"),
        "succeeded" => ("Succeeded", "It passed; next it is placed in the timelock"),
        "queued" => ("Queued", "It passed and waits in the timelock"),
        "expired" => ("Expired", "It passed but was not carried out in time"),
        "executed" => ("Executed", "It passed and was carried out"),
        _ => ("Unknown", "The governor gave a state we do not know"),
    }
}

/// A proposal's state. `plain` adds what it means.
#[component]
pub fn StateBadge(#[prop(into)] state: String, #[prop(optional)] plain: bool) -> impl IntoView {
    let (word, meaning) = state_words(&state);
    let (class, glyph) = match state.as_str() {
        "active" => ("badge badge-now", Glyph::Dot),
        "queued" => ("badge badge-now", Glyph::Hourglass),
        "succeeded" => ("badge badge-good", Glyph::Check),
        "executed" => ("badge badge-solid", Glyph::Check),
        "defeated" => ("badge badge-bad", Glyph::Cross),
        "canceled" | "expired" => ("badge badge-quiet", Glyph::Dash),
        _ => ("badge badge-quiet", Glyph::Ring),
    };
    view! {
        <span class="cluster">
            <span class=class title=meaning><Icon glyph class=""/>{word}</span>
            {plain.then(|| view! { <span class="small muted">{meaning}</span> })}
        </span>
    }
}

/// How far an explanation has been checked.
#[component]
pub fn VerificationBadge(state: VerificationState, #[prop(optional)] plain: bool) -> impl IntoView {
    let (class, glyph) = match state {
        VerificationState::Mismatch => ("badge badge-bad", Glyph::Cross),
        VerificationState::Missing => ("badge badge-now", Glyph::Dash),
        VerificationState::Claimed => ("badge badge-quiet", Glyph::Ring),
        VerificationState::Recomputed => ("badge badge-good", Glyph::Check),
        VerificationState::RecomputedHere => ("badge badge-solid", Glyph::Check),
        VerificationState::Attested => ("badge badge-solid", Glyph::Seal),
    };
    view! {
        <span class="cluster">
            <span class=class title=state.explain()><Icon glyph class=""/>{state.label()}</span>
            {plain.then(|| view! { <span class="small muted">{state.explain()}</span> })}
        </span>
    }
}

/// Whether a proposal's text, its calls and the record shown with it name the same decision.
#[component]
pub fn BindingBadge(binding: Binding) -> impl IntoView {
    let (class, glyph) = match binding {
        Binding::Verified => ("badge badge-good", Glyph::Check),
        Binding::Missing => ("badge badge-now", Glyph::Dash),
        Binding::Mismatch => ("badge badge-bad", Glyph::Cross),
    };
    view! {
        <span class="cluster">
            <span class=class><Icon glyph class=""/>"binding "{binding.label()}</span>
            <span class="small muted">{binding.explain()}</span>
        </span>
    }
}
