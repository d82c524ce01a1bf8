//! Every agent that has decided something here.

use leptos::prelude::*;
use leptos_meta::Title;

use crate::{
    api,
    components::{Address, EmptyState, Loaded, PageHead, VerificationBadge},
    shell,
    views::AgentView,
};

#[component]
pub fn AgentsPage() -> impl IntoView {
    let live = shell::live();
    let agents = Resource::new(move || live.get(), |_| api::agents());
    view! {
        <Title text="Agents"/>
        <PageHead kicker="Who advises" title="Agents">
            <p class="lede">"Agents watch, compute and draft. They hold no votes and no keys of the collective: what they advise, members propose and decide."</p>
        </PageHead>
        <Loaded from=agents let:agents>
            {if agents.is_empty() {
                view! { <EmptyState title="No agent has spoken yet."><p>"An agent appears here with its first signed decision."</p></EmptyState> }.into_any()
            } else {
                view! { <ul class="grid grid-wide plain-list">{agents.into_iter().map(|agent| view! { <AgentCard agent/> }).collect_view()}</ul> }.into_any()
            }}
        </Loaded>
    }
}

#[component]
fn AgentCard(agent: AgentView) -> impl IntoView {
    let count = |number: usize, word: &str| format!("{number} {word}{}", if number == 1 { "" } else { "s" });
    let latest = agent.decisions.first().cloned();
    let figures = format!("{}, {}", count(agent.decisions.len(), "decision"), count(agent.proposals.len(), "proposal"));
    view! {
        <li class="card" data-testid="agent">
            <h3><a href=format!("/agents/{}", agent.slug)>{agent.party.label()}</a></h3>
            <p>{agent.about}</p>
            {latest.map(|latest| view! {
                <div class="stack stack-tight">
                    <p class="small muted">"Latest:"</p>
                    <p class="serif">{latest.line}</p>
                    <p><VerificationBadge state=latest.state/></p>
                </div>
            })}
            <p class="meta push">
                <span>{figures}</span>
                <span><Address party=agent.party/></span>
            </p>
        </li>
    }
}
