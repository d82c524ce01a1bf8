//! A decision's bundle to take away: everything that is needed to check it offline, and how.

use leptos::prelude::*;

use crate::components::{Copy, Fold};

/// The link to the bundle of a decision, with the command that checks it. Without `vkey` the command says where to get it.
#[component]
pub fn Bundle(digest: String, #[prop(optional_no_strip)] vkey: Option<String>) -> impl IntoView {
    let href = format!("/api/v1/decisions/{digest}/bundle");
    let command = format!("wherefore verify bundle.json --vkey '{}'", vkey.as_deref().unwrap_or("THE-KEY-AT-/log/vkey").trim());
    view! {
        <div class="stack stack-tight" data-testid="bundle">
            <p>
                <a class="button button-quiet" href=href rel="external" download="bundle.json">"Download the bundle"</a>
            </p>
            <p class="small muted">"Record, entries, proofs and checkpoint in one file, to be checked offline, years from now."</p>
            <Fold summary="How to check it">
                <pre class="code" tabindex="0">{command.clone()}</pre>
                <p><Copy value=command/></p>
                <p class="small">"Take the key from somebody you trust, not from the place that you check: each member can compare theirs with "<a href="/log/vkey" rel="external">"/log/vkey"</a>"."</p>
            </Fold>
        </div>
    }
}
