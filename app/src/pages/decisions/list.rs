//! Every decision, newest first, each in one line made from its numbers.

use leptos::prelude::*;
use leptos_meta::Title;

use crate::{
    api,
    components::{EmptyState, Loaded, Moment, PageHead, VerificationBadge},
    shell,
    views::DecisionSummary,
};

#[component]
pub fn DecisionsPage() -> impl IntoView {
    let live = shell::live();
    let decisions = Resource::new(move || live.get(), |_| api::decisions());
    view! {
        <Title text="Decisions"/>
        <PageHead kicker="Why changes are proposed" title="Decisions">
            <p class="lede">"Each says what an agent was asked, what it knew, what its model made of that, and which rule turned the answer into a value. Every number can be recomputed in your browser."</p>
        </PageHead>
        <Loaded from=decisions let:decisions>
            {if decisions.is_empty() {
                view! { <EmptyState title="No agent has decided anything yet."><p><a href="/agents">"See the agents"</a></p></EmptyState> }.into_any()
            } else {
                view! { <DecisionRows decisions/> }.into_any()
            }}
        </Loaded>
    }
}

/// Decisions as rows, here and on an agent's page.
#[component]
pub fn DecisionRows(decisions: Vec<DecisionSummary>) -> impl IntoView {
    let rows = decisions
        .into_iter()
        .map(|decision| {
            let (href, agent) = (decision.href(), format!("/agents/{}", decision.agent_slug));
            view! {
                <li class="row" data-testid="decision">
                    <div class="spread">
                        <h3><a href=href>{decision.question}</a></h3>
                        <VerificationBadge state=decision.state/>
                    </div>
                    <p>{decision.line}</p>
                    <p class="meta">
                        <span>"by "<a href=agent>{decision.agent.label()}</a></span>
                        <span><Moment at=decision.at brief=true/></span>
                        {match (decision.proposal, decision.draft) {
                            (Some(proposal), _) => view! { <span>"became "<a href=format!("/proposals/{}", proposal.proposal_id)>{format!("proposal {}", proposal.number)}</a></span> }.into_any(),
                            (None, Some(draft)) => view! { <span>"waits as "<a href=format!("/drafts/{draft}")>"a draft"</a></span> }.into_any(),
                            (None, None) => ().into_any(),
                        }}
                    </p>
                </li>
            }
        })
        .collect_view();
    view! { <ul class="rows">{rows}</ul> }
}
