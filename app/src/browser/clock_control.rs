//! The devnet's clock, which can be turned forward so that nobody has to wait for a vote to end.

use leptos::{prelude::*, task::spawn_local};
use serde_json::json;

use super::{outside, problem};
use crate::{
    api,
    components::{date_time, duration_words},
    shell::{LiveVersion, SiteResource},
    views::ProposalSummary,
};

const HOUR: u64 = 3_600;
const DAY: u64 = 86_400;

/// Turning the clock to exactly a deadline leaves the vote open for that second.
const JUST_AFTER: u64 = 1;

/// `told` is kept by the page, since the update that follows a turn draws this anew.
#[component]
pub fn ClockControl(told: RwSignal<String>) -> impl IntoView {
    let resource = expect_context::<SiteResource>();
    let LiveVersion(version) = expect_context();
    let busy = RwSignal::new(false);
    let chain_time = move || {
        resource.0.with_untracked(|site| site.as_ref().and_then(|site| site.as_ref().ok()).map(|site| site.chain_time)).unwrap_or_default()
    };
    let skip = move |seconds: u64| async move {
        let answer = outside::fetch("POST", "/devnet/skip", Some(&json!({ "seconds": seconds }))).await;
        let _gone = told.try_set(match answer {
            Ok((status, _)) if (200..300).contains(&status) => {
                version.update(|version| *version += 1);
                format!("The chain's clock went {} forward.", duration_words(seconds))
            }
            Ok((_, body)) => problem(&body),
            Err(why) => why,
        });
    };
    let turn = move |seconds: Option<u64>| {
        busy.set(true);
        spawn_local(async move {
            match seconds {
                Some(seconds) => skip(seconds).await,
                None => match api::proposals(String::new(), String::new()).await.map(|proposals| next_event(&proposals, chain_time())) {
                    Ok(Some((what, at))) => {
                        skip((at + JUST_AFTER).saturating_sub(chain_time())).await;
                        let _gone = told.try_update(|told| told.push_str(&format!(" {what}, {}.", date_time(at))));
                    }
                    Ok(None) => told.set("Nothing is waiting for the clock.".into()),
                    Err(error) => told.set(error.to_string()),
                },
            }
            let _gone = busy.try_set(false);
        });
    };
    let button = move |id: &'static str, words: &'static str, seconds: Option<u64>| {
        view! {
            <button class="button button-quiet button-small" type="button" id=id disabled=move || busy.get() on:click=move |_| turn(seconds)>{words}</button>
        }
    };
    view! {
        <div class="cluster needs-js" role="group" aria-label="The devnet's clock" data-testid="clock-control">
            {button("skip-hour", "Skip 1 hour", Some(HOUR))}
            {button("skip-day", "Skip 1 day", Some(DAY))}
            {button("skip-next", "Skip to the next event", None)}
            <span class="small" role="status" id="clock-told">{move || told.get()}</span>
        </div>
    }
}

/// The first moment after `now` at which something happens by time alone.
fn next_event(proposals: &[ProposalSummary], now: u64) -> Option<(String, u64)> {
    proposals
        .iter()
        .filter_map(|proposal| {
            let (what, at) = match proposal.state.as_str() {
                "pending" => ("Voting opened on", proposal.vote_start),
                "active" => ("Voting ended on", proposal.vote_end),
                "queued" => ("The delay ended for", proposal.eta?),
                _ => return None,
            };
            (at >= now).then(|| (format!("{what} “{}”", proposal.title), at))
        })
        .min_by_key(|(_, at)| *at)
}
