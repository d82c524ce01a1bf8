//! What another agent made of the same question.

use leptos::prelude::*;

use crate::{
    components::{Moment, VerificationBadge},
    plots::SideBySide,
    views::OtherOpinion,
};

#[component]
pub fn Opinions(digest: String, others: Vec<OtherOpinion>) -> impl IntoView {
    others
        .into_iter()
        .map(|other| {
            let href = other.summary.href();
            let export = format!("/api/v1/decisions/{digest}/plots/comparison-{}", other.summary.digest);
            view! {
                <article class="stack" data-testid="other-opinion">
                    <div class="spread">
                        <h3><a href=href>{other.summary.agent.label()}</a></h3>
                        <VerificationBadge state=other.summary.state/>
                    </div>
                    <p class="sentence">{other.comparison.sentence.clone()}</p>
                    <p class="meta"><span><Moment at=other.summary.at brief=true/></span></p>
                    <SideBySide comparison=other.comparison export/>
                </article>
            }
        })
        .collect_view()
}
