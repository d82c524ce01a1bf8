//! Live updates: the server says what changed, the page reads it again.

use leptos::{prelude::*, task::spawn_local};
use serde_json::Value as Json;

use super::outside;
use crate::shell::LiveVersion;

const EVENTS: &str = "/api/v1/events";
/// Changes arrive in bursts, one block after another; the page is read again once per burst.
const SETTLE_MS: i32 = 250;
/// A stream that comes back within this time is not worth a word.
const PATIENCE_MS: i32 = 4_000;
/// Chain seconds between two blocks that only a clock moved by hand explains.
const LEAP: u64 = 600;

#[component]
pub fn Live() -> impl IntoView {
    let LiveVersion(version) = expect_context();
    let note = RwSignal::new(String::new());
    let away = RwSignal::new(false);
    let waiting = StoredValue::new(false);
    let connected = StoredValue::new(true);
    let chain_time = StoredValue::new(u64::MAX / 2);
    Effect::new(move |_| {
        outside::follow(
            EVENTS,
            "change",
            move |change| {
                let time = change.get("chainTime").and_then(Json::as_u64).unwrap_or_default();
                let leapt = time.abs_diff(chain_time.get_value()) > LEAP;
                chain_time.set_value(time);
                // A block in which nothing happened moves only the clock, and pages keep that by themselves.
                if is_quiet(&change) && !leapt {
                    return;
                }
                note.set(in_words(&change));
                if waiting.get_value() {
                    return;
                }
                waiting.set_value(true);
                spawn_local(async move {
                    outside::sleep(SETTLE_MS).await;
                    waiting.set_value(false);
                    version.update(|version| *version += 1);
                });
            },
            move |now| {
                let before = connected.get_value();
                connected.set_value(now);
                if now {
                    if away.get_untracked() || !before {
                        // Whatever happened meanwhile was not told.
                        version.update(|version| *version += 1);
                    }
                    away.set(false);
                } else {
                    spawn_local(async move {
                        outside::sleep(PATIENCE_MS).await;
                        away.set(!connected.get_value());
                    });
                }
            },
        );
    });
    view! {
        <p class="visually-hidden" role="status" id="live-note">{move || note.get()}</p>
        <div role="status" id="live-away">
            <Show when=move || away.get()>
                <div class="warning-strip"><p>"Live updates are interrupted; what you see may be older than the chain. Trying again…"</p></div>
            </Show>
        </div>
    }
}

/// Whether a block came by and nothing else.
fn is_quiet(change: &Json) -> bool {
    change.get("what").and_then(Json::as_array).is_some_and(|what| what.iter().all(|kind| kind == "block"))
}

/// A change in one sentence.
fn in_words(change: &Json) -> String {
    match (change.get("note").and_then(Json::as_str), change.get("block").and_then(Json::as_u64)) {
        (Some(note), _) if !note.is_empty() => note.to_owned(),
        (_, Some(block)) => format!("Updated at block {block}."),
        _ => "Updated.".into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_block_without_events_is_quiet() {
        assert!(is_quiet(&json!({ "block": 12, "what": ["block"] })));
        assert!(!is_quiet(&json!({ "block": 12, "what": ["proposals", "log"] })));
    }

    #[test]
    fn a_change_is_told_by_its_note_or_else_by_its_block() {
        assert_eq!(in_words(&json!({ "block": 12, "note": "Proposal 3 is queued." })), "Proposal 3 is queued.");
        assert_eq!(in_words(&json!({ "block": 12, "what": ["log"] })), "Updated at block 12.");
    }
}
