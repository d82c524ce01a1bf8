//! What a decision recommends, in lines made from its numbers, and how far it has been checked.

use governance::explanation::VerificationState;
use leptos::prelude::*;

use super::recompute::{Found, shown};
use crate::{
    components::{Fold, Moment, PageHead, VerificationBadge},
    views::DecisionView,
};

#[component]
pub fn Head(view: DecisionView, found: Found) -> impl IntoView {
    let server = view.verification.state;
    let agent = format!("/agents/{}", view.summary.agent_slug);
    let lines: Vec<_> =
        view.lines.iter().filter(|line| **line != view.summary.line).map(|line| view! { <li>{line.clone()}</li> }).collect();
    let state = Memo::new(move |_| {
        shown(server, found.with(|found| found.as_ref().and_then(|found| found.as_ref().ok()).map(|found| found.verification.state)))
    });
    let why = StoredValue::new(view.why.clone());
    view! {
        <PageHead kicker="Decision" title=view.summary.question.clone()>
            <p class="lede" data-testid="decision-line">{view.summary.line.clone()}</p>
            <ul class="reasons">{lines}</ul>
            <div class="stack stack-tight">
                <div data-testid="decision-state">
                    {move || view! { <VerificationBadge state=state.get() plain=true/> }}
                </div>
                {view.stale.clone().map(|stale| view! { <Stale changes=stale.changes/> })}
                <Fold summary="Why this badge">
                    <div data-testid="why-badge">
                        {move || {
                            let here = found.with(|found| found.as_ref().and_then(|found| found.as_ref().ok()).map(|found| found.why.clone()));
                            let lines = here.unwrap_or_else(|| why.try_get_value().unwrap_or_default());
                            view! { <ul class="stack stack-tight">{lines.into_iter().map(|line| view! { <li>{line}</li> }).collect_view()}</ul> }
                        }}
                        <States/>
                    </div>
                </Fold>
            </div>
            <p class="meta">
                <span>"by "<a href=agent>{view.summary.agent.label()}</a></span>
                <span><Moment at=view.summary.at/></span>
                <span>{format!("at block {}", view.record.block.number)}</span>
            </p>
        </PageHead>
    }
}

/// What has changed since the decision was made.
#[component]
fn Stale(changes: Vec<String>) -> impl IntoView {
    view! {
        <div class="note note-now" data-testid="stale">
            <p><b>"Stale: "</b>"it was right about its own time, and things have changed since."</p>
            <ul>{changes.into_iter().map(|change| view! { <li>{change}</li> }).collect_view()}</ul>
        </div>
    }
}

/// Every badge there is, worst first, so that this one can be placed.
#[component]
fn States() -> impl IntoView {
    use VerificationState::{Attested, Claimed, Mismatch, Missing, Recomputed, RecomputedHere};
    let rows = [Mismatch, Missing, Claimed, Recomputed, RecomputedHere, Attested]
        .map(|state| view! { <li><VerificationBadge state plain=true/></li> })
        .collect_view();
    view! {
        <p class="small muted">"All badges, worst first:"</p>
        <ul class="plain-list stack stack-tight">{rows}</ul>
    }
}
