//! Drafts: one's own, which nobody else sees, and the agents', which everybody may take up.

use leptos::prelude::*;
use leptos_meta::Title;

use crate::{
    api,
    components::{Address, EmptyState, Loaded, Moment, PageHead, Section, VerificationBadge},
    shell,
    views::{DraftView, Site},
};

#[component]
pub fn DraftsPage() -> impl IntoView {
    let live = shell::live();
    let drafts = Resource::new(move || live.get(), |_| api::drafts());
    view! {
        <Title text="Drafts"/>
        <PageHead kicker="What may be proposed next" title="Drafts">
            <p class="lede">"A draft becomes a proposal when a member with enough votes sends it from their wallet. Agents write drafts; only people can propose them."</p>
            <p><a class="button" href="/drafts/new" id="new-draft">"New draft"</a></p>
        </PageHead>
        <Loaded from=drafts let:drafts>
            <Drafts drafts/>
        </Loaded>
    }
}

#[component]
fn Drafts(drafts: Vec<DraftView>) -> impl IntoView {
    let actor = use_context::<Site>().and_then(|site| site.actor);
    let signed_in = actor.is_some();
    let (agents, mine): (Vec<_>, Vec<_>) = drafts.into_iter().partition(|draft| draft.public);
    view! {
        <Section id="agents" title="By agents" note="Public. Each rests on a decision whose numbers can be recomputed.">
            {if agents.is_empty() {
                view! { <EmptyState title="No agent has drafted anything yet."><p><a href="/agents">"See the agents"</a></p></EmptyState> }.into_any()
            } else {
                view! { <ul class="rows">{agents.into_iter().map(|draft| view! { <Row draft/> }).collect_view()}</ul> }.into_any()
            }}
        </Section>
        <Section id="mine" title="Yours" note="Private: only you see them, until you propose.">
            {match (signed_in, mine.is_empty()) {
                (false, _) => view! { <EmptyState title="Sign in to keep drafts here."><p>"Connect your wallet at the top of the page, then sign in. A draft can also be written and proposed without keeping it."</p></EmptyState> }.into_any(),
                (true, true) => view! { <EmptyState title="You have no drafts."><p><a href="/drafts/new">"Begin one"</a></p></EmptyState> }.into_any(),
                (true, false) => view! { <ul class="rows">{mine.into_iter().map(|draft| view! { <Row draft/> }).collect_view()}</ul> }.into_any(),
            }}
        </Section>
    }
}

#[component]
fn Row(draft: DraftView) -> impl IntoView {
    let href = format!("/drafts/{}", draft.id);
    let title = if draft.draft.title.trim().is_empty() { "Untitled draft".to_owned() } else { draft.draft.title };
    let open = draft.proposal.is_none();
    let stopped = draft.findings.len();
    view! {
        <li class="row" data-testid="draft">
            <div class="spread">
                <h3><a href=href>{title}</a></h3>
                <span class="cluster">
                    <span class="badge badge-quiet">{if draft.public { "public" } else { "private" }}</span>
                    {draft.decision.as_ref().map(|decision| view! { <VerificationBadge state=decision.state/> })}
                </span>
            </div>
            {draft.decision.map(|decision| view! { <p>{decision.line}</p> })}
            <p class="meta">
                <span>"by "<Address party=draft.author/></span>
                <span>"last changed "<Moment at=draft.updated_at brief=true/></span>
                {(open && stopped > 0).then(|| view! { <span class="badge badge-now">{format!("{stopped} {} to settle", if stopped == 1 { "thing" } else { "things" })}</span> })}
                {draft.proposal.map(|proposal| view! { <span>"became "<a href=format!("/proposals/{}", proposal.proposal_id)>{format!("proposal {}", proposal.number)}</a></span> })}
            </p>
        </li>
    }
}
