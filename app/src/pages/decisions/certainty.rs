//! How far to trust it: whether small noise would have changed the story, and what came of it.

use governance::explanation::{stability::Stability as Found, track_record::Outcome};
use leptos::prelude::*;

use crate::{
    plots::{
        Stability,
        number::{number, with_unit},
    },
    views::DecisionView,
};

#[component]
pub fn Certainty(view: DecisionView) -> impl IntoView {
    let unit = view.record.output.unit.clone();
    let export = format!("/api/v1/decisions/{}/plots/stability", view.summary.digest);
    view! {
        {view.what_ifs.stability.clone().map(|found| {
            let sentence = in_words(&found, &view.rule_unit);
            let unit = unit.clone();
            view! {
                <p class="sentence">{sentence}</p>
                <Stability found unit export/>
            }
        })}
        {view.outcome.map(|outcome| view! { <CameOfIt outcome unit/> })}
        <p><a href=format!("/agents/{}#track-record", view.summary.agent_slug)>"How this agent's predictions did so far"</a></p>
    }
}

fn in_words(found: &Found, unit: &str) -> String {
    let noise = format!("{:.0}%", found.noise * 100.0);
    if found.same_value == found.trials {
        return format!(
            "In all of {} trials with every input a little off ({noise} of its range), the recommendation stayed the same.",
            found.trials
        );
    }
    format!(
        "In {} of {} trials with every input a little off ({noise} of its range), the recommendation stayed the same; it lay between {} and {}. The same input weighed most in {}.",
        found.same_value,
        found.trials,
        found.lowest,
        with_unit(found.highest.clone(), unit),
        found.same_main_reason,
    )
}

#[component]
fn CameOfIt(outcome: Outcome, unit: String) -> impl IntoView {
    let predicted = with_unit(number(outcome.predicted), &unit);
    let line = match (outcome.observed, outcome.why_not) {
        (Some(observed), _) => format!("Predicted {predicted}; observed {}.", with_unit(number(observed), &unit)),
        (None, Some(reason)) => format!("Predicted {predicted}. {reason}"),
        (None, None) => format!("Predicted {predicted}; nothing was observed."),
    };
    view! { <p data-testid="outcome"><b>"What came of it: "</b>{line}</p> }
}
