//! One proposal, in the order a member needs it: what it would do, why, what it would look like, exactly which calls,
//! who voted how, when what happens, and how to check all of it.

use leptos::prelude::*;
use leptos_meta::Title;
use leptos_router::hooks::use_params_map;

use crate::{
    api,
    browser::{RecheckIds, VoteBox},
    components::{
        ActionTable, Address, BeforeAfter, BindingBadge, Countdown, EmptyState, Fold, Hash, Loaded, Markdown, Moment, ParameterDiff,
        ProofCard, ProofLine, Section, StateBadge, StateTimeline, TallyBar, VerificationBadge, state_words,
    },
    shell,
    views::{EntrySummary, Ids, ProposalSummary, ProposalView, Site, VoteView},
};

#[component]
pub fn ProposalPage() -> impl IntoView {
    let params = use_params_map();
    let id = Memo::new(move |_| params.read().get("id").unwrap_or_default());
    let live = shell::live();
    let proposal = Resource::new(move || (id.get(), live.get()), |(id, _)| api::proposal(id));
    view! {
        <Loaded from=proposal let:view>
            <Proposal view/>
        </Loaded>
    }
}

#[component]
fn Proposal(view: ProposalView) -> impl IntoView {
    let site = use_context::<Site>();
    let title = format!("{}: {}", view.summary.number, view.summary.title);
    let gallery = view.gallery.clone();
    let actions = view.actions.clone();
    let count = actions.len();
    let timeline = view.timeline.clone();
    let changes = view.changes.clone();
    let sentence = view.summary.sentence.clone();
    let summary = view.summary.clone();
    let reasons = view.clone();
    let ballots = view.clone();
    view! {
        <Title text=title/>
        <Head summary/>
        <Section id="what" title="What it would change" note="Read from the calls themselves, not from the proposer's words.">
            <p class="sentence">{sentence}</p>
            {(!changes.is_empty()).then(|| view! { <ParameterDiff changes/> })}
        </Section>
        <Why view=reasons/>
        {gallery.map(|gallery| view! {
            <Section
                id="pictures"
                title="Before and after"
                note="The same seeds, drawn with the parameters as they are and as they would be."
            >
                <BeforeAfter gallery/>
            </Section>
        })}
        <Section id="calls" title="Exactly which calls" note=format!("{count} {}, carried out together or not at all.", if count == 1 { "call" } else { "calls" })>
            <ActionTable actions/>
        </Section>
        <Votes view=ballots site/>
        <Section id="timeline" title="When what happens" note="By the chain's clock.">
            <StateTimeline steps=timeline/>
        </Section>
        <Check ids=view.ids text=view.text text_digest=view.text_digest call_digest=view.call_digest entries=view.entries/>
    }
}

#[component]
fn Head(summary: ProposalSummary) -> impl IntoView {
    let countdown = match summary.state.as_str() {
        "pending" => Some((summary.vote_start, "Voting opens in", "Voting opens now")),
        "active" => Some((summary.vote_end, "Voting ends in", "Voting has ended")),
        "queued" => summary.eta.map(|eta| (eta, "Can be carried out in", "Can be carried out now")),
        _ => None,
    };
    let open = summary.state == "active";
    view! {
        <header class="page-head">
            <p class="kicker">{format!("Proposal {}", summary.number)}</p>
            <h1>{summary.title}</h1>
            <div class="cluster">
                <StateBadge state=summary.state plain=true/>
                {countdown.map(|(until, label, past)| view! { <Countdown until label past/> })}
            </div>
            <p class="meta">
                <span>"Proposed by "<Address party=summary.proposer/></span>
                {summary.by_agent.map(|agent| view! { <span>"on the advice of "<b>{agent}</b></span> })}
                <span><Moment at=summary.created_at/></span>
            </p>
            {open.then(|| view! { <p><a class="button" href="#votes" rel="external">"Read, then vote"</a></p> })}
        </header>
    }
}

#[component]
fn Why(view: ProposalView) -> impl IntoView {
    let reasons = view.decision.clone().map(|decision| {
        let href = decision.href();
        view! {
            <div class="panel stack">
                <div class="spread">
                    <p class="kicker">"The decision of "{decision.agent.label()}</p>
                    <VerificationBadge state=decision.state/>
                </div>
                <h3><a href=href.clone()>{decision.question}</a></h3>
                <ul class="reasons"><li>{decision.line}</li></ul>
                <p class="small muted">{decision.state.explain()}</p>
                <p><a href=href>"See the numbers, and recompute them"</a></p>
            </div>
        }
    });
    let has_decision = reasons.is_some();
    let claims_one = view.text_digest.is_some() || view.call_digest.is_some();
    view! {
        <Section id="why" title="Why" note="First what can be checked, then what the proposer says.">
            {reasons}
            {(!has_decision && claims_one).then(|| view! {
                <div class="note note-now">
                    <p>"It names a decision that the bridge does not hold. Ask the proposer to publish the record."</p>
                </div>
            })}
            <BindingBadge binding=view.binding/>
            {if view.text.trim().is_empty() {
                view! { <EmptyState title="The proposer wrote nothing."/> }.into_any()
            } else {
                view! {
                    <div class="stack">
                        <p class="kicker">"In the proposer's words"</p>
                        <Markdown text=view.text/>
                    </div>
                }
                .into_any()
            }}
        </Section>
    }
}

#[component]
fn Votes(view: ProposalView, site: Option<Site>) -> impl IntoView {
    let state = view.summary.state.clone();
    let tally = view.summary.tally.clone();
    let votes = view.votes.clone();
    let (_, meaning) = state_words(&state);
    let rows: Vec<_> = votes.into_iter().map(|vote| view! { <Vote vote/> }).collect();
    let open = state == "active";
    let ballot = site.filter(|_| open).map(|site| view! { <VoteBox view=view site/> });
    view! {
        <Section id="votes" title="Votes" note=format!("{meaning}.")>
            {ballot}
            {(state != "pending").then(|| view! { <TallyBar tally state=state.clone() large=true/> })}
            {if rows.is_empty() {
                (state != "pending").then(|| view! { <EmptyState title="Nobody has voted."/> }).into_any()
            } else {
                view! { <ol class="votes">{rows}</ol> }.into_any()
            }}
        </Section>
    }
}

#[component]
fn Vote(vote: VoteView) -> impl IntoView {
    let (class, word) = match vote.support.as_str() {
        "for" => ("vote-word vote-for", "For"),
        "against" => ("vote-word vote-against", "Against"),
        _ => ("vote-word muted", "Abstain"),
    };
    view! {
        <li>
            <span class="cluster">
                <span class=class>{word}</span>
                <Address party=vote.voter/>
                <span class="small muted"><Moment at=vote.at brief=true/></span>
            </span>
            <span class="num"><b>{vote.weight}</b>" votes"</span>
            {(!vote.reason.trim().is_empty()).then(|| view! { <blockquote>{vote.reason}</blockquote> })}
        </li>
    }
}

#[component]
fn Check(ids: Ids, text: String, text_digest: Option<String>, call_digest: Option<String>, entries: Vec<EntrySummary>) -> impl IntoView {
    let chain_ids = vec![
        ProofLine::new("Proposal id, as the governor counts", ids.proposal_id.clone()),
        ProofLine::new("Fingerprint of the text", ids.description_hash.clone()),
        ProofLine::new("Operation in the timelock, as scheduled on chain", ids.operation_on_chain.clone().unwrap_or_default()),
        ProofLine::new("Governor", ids.governor.clone()),
    ];
    let rules = vec![
        ProofLine::new("Operation id, OpenZeppelin 5 rule", ids.operation_v5.clone()),
        ProofLine::new("Operation id, OpenZeppelin 4 rule", ids.operation_v4.clone()),
        ProofLine::new("Decision named in the text", text_digest.unwrap_or_default()),
        ProofLine::new("Decision carried by the call", call_digest.unwrap_or_default()),
    ];
    let rows: Vec<_> = entries
        .into_iter()
        .map(|entry| {
            view! {
                <tr>
                    <th scope="row" class="num"><a href=format!("/log/{}", entry.index)>{entry.index}</a></th>
                    <td>{entry.sentence}</td>
                    <td><Moment at=entry.at brief=true/></td>
                    <td><Fold summary="Leaf hash"><Hash value=entry.leaf_hash/></Fold></td>
                </tr>
            }
        })
        .collect();
    let logged = !rows.is_empty();
    view! {
        <Section
            id="proofs"
            title="Check it yourself"
            note="The ids follow from the calls and the text alone. Your browser can compute them again."
        >
            <div class="grid grid-wide">
                <ProofCard title="On chain" lines=chain_ids>
                    <RecheckIds ids description=text/>
                </ProofCard>
                <ProofCard title="Derived and named" lines=rules/>
            </div>
            {if logged {
                view! {
                    <div class="scroll" tabindex="0" role="group" aria-label="Log entries">
                        <table class="table">
                            <caption>"What the explanation log holds about it; each entry has its own proof."</caption>
                            <thead><tr><th scope="col">"Entry"</th><th scope="col">"What it says"</th><th scope="col">"When"</th><th scope="col">"Hash"</th></tr></thead>
                            <tbody>{rows}</tbody>
                        </table>
                    </div>
                }
                .into_any()
            } else {
                view! { <p class="muted">"The explanation log has no entry about it yet."</p> }.into_any()
            }}
        </Section>
    }
}
