//! The first page: whose engine this is, what is being decided about it, how it looks now, and what changed lately.

use leptos::prelude::*;
use leptos_meta::Title;

use crate::{
    api,
    components::{
        Countdown, EmptyState, Loaded, Moment, ParameterDiff, Print, Section, StateBadge, TallyBar, VerificationBadge, duration_words,
    },
    shell,
    views::{DecisionSummary, EngineView, Home, ProposalSummary, RevisionView, Site},
};

#[component]
pub fn HomePage() -> impl IntoView {
    let live = shell::live();
    let home = Resource::new(move || live.get(), |_| api::home());
    view! {
        <Title text=""/>
        <Loaded from=home let:home>
            <Front home/>
        </Loaded>
    }
}

#[component]
fn Front(home: Home) -> impl IntoView {
    let site = use_context::<Site>();
    let dao = site.as_ref().map_or_else(|| "The collective".to_owned(), |site| site.dao.name.clone());
    let delay = site.as_ref().map(|site| duration_words(site.dao.timelock_delay));
    let engine = home.engine.clone();
    let deciding: Vec<_> = home.deciding.iter().cloned().map(|proposal| view! { <Deciding proposal/> }).collect();
    let waiting: Vec<_> = home.waiting.iter().cloned().map(|proposal| view! { <Waiting proposal/> }).collect();
    let changes: Vec<_> = home.changes.iter().take(4).cloned().map(|revision| view! { <Changed revision/> }).collect();
    let decisions: Vec<_> = home.decisions.iter().take(5).cloned().map(|decision| view! { <Decided decision/> }).collect();
    let note = delay.map(|delay| format!("Passed, and public for {delay} before anyone can carry them out.")).unwrap_or_default();
    view! {
        <Frontispiece dao engine=engine.clone() home=home.clone()/>
        <KeyNumbers home/>
        <Section id="deciding" title="Being decided" note="Members of the collective vote from their own wallets.">
            {if deciding.is_empty() {
                view! {
                    <EmptyState title="No vote is open.">
                        <p><a href="/drafts">"Drafts"</a>" are where the next one begins."</p>
                    </EmptyState>
                }
                .into_any()
            } else {
                view! { <div class="grid grid-wide">{deciding}</div> }.into_any()
            }}
        </Section>
        {(!waiting.is_empty()).then(|| view! {
            <Section id="waiting" title="Waiting their time" note>
                <ul class="rows">{waiting}</ul>
            </Section>
        })}
        <Look engine/>
        <Section id="changes" title="What changed lately" note="Each change is one the chain ratified; nothing else reaches the engine.">
            {if changes.is_empty() {
                view! { <EmptyState title="Nothing has changed since the beginning."/> }.into_any()
            } else {
                view! { <ul class="rows">{changes}</ul> }.into_any()
            }}
        </Section>
        <Section id="decisions" title="Advice, checked" note="Agents recommend; the numbers behind a recommendation are computed again here.">
            {if decisions.is_empty() {
                view! { <EmptyState title="No agent has published a decision yet."/> }.into_any()
            } else {
                view! { <ul class="rows">{decisions}</ul><p><a href="/decisions">"All decisions"</a></p> }.into_any()
            }}
        </Section>
    }
}

#[component]
fn Frontispiece(dao: String, engine: EngineView, home: Home) -> impl IntoView {
    let open = home.deciding.iter().filter(|proposal| proposal.state == "active").count();
    let deciding = !home.deciding.is_empty();
    let call = match open {
        0 if deciding => "See what is coming up".to_owned(),
        0 => "See every proposal".to_owned(),
        1 => "Read the open vote".to_owned(),
        count => format!("Read the {count} open votes"),
    };
    let caption = format!("{} as it draws now, under revision {}", engine.name, engine.served.revision);
    view! {
        <div class="frontispiece">
            <div class="frontispiece-words">
                <h1>{dao}" decides how "<em>{engine.name.clone()}</em>" makes its images."</h1>
                <p class="lede">
                    "Members vote. What passes waits in public, then the engine receives exactly that, and nothing else. \
                     Every change comes with its reasons, and you can check them here."
                </p>
                <p class="cluster">
                    <a class="button" href=if deciding { "#deciding" } else { "/proposals" } rel=deciding.then_some("external")>{call}</a>
                    <a class="button button-quiet" href=format!("/parameters/{}", engine.id)>"What is in force"</a>
                </p>
            </div>
            {engine.samples.first().cloned().map(|src| view! {
                <figure>
                    <Print src alt=caption.clone() eager=true/>
                    <figcaption>{caption}</figcaption>
                </figure>
            })}
        </div>
    }
}

#[component]
fn KeyNumbers(home: Home) -> impl IntoView {
    view! {
        <dl class="figures">
            <div><dt>"images made"</dt><dd>{home.minted}</dd></div>
            <div><dt>"members with votes"</dt><dd>{home.members}</dd></div>
            <div><dt>"in the treasury"</dt><dd class="num">{home.treasury}</dd></div>
            <div><dt>"revision in force"</dt><dd>{home.engine.ratified.revision}</dd></div>
            <div><dt><a href="/log">"entries in the log"</a></dt><dd>{home.log_size}</dd></div>
        </dl>
    }
}

#[component]
fn Deciding(proposal: ProposalSummary) -> impl IntoView {
    let open = proposal.state == "active";
    let href = proposal.href();
    view! {
        <article class=if open { "card card-now" } else { "card" }>
            <div class="spread">
                <StateBadge state=proposal.state.clone()/>
                <span class="small muted num">{format!("No. {}", proposal.number)}</span>
            </div>
            <h3><a href=href>{proposal.title}</a></h3>
            <p>{proposal.sentence}</p>
            {proposal.by_agent.map(|agent| view! { <p class="small muted">"On the advice of "{agent}</p> })}
            <div class="stack stack-tight push">
                {open.then(|| view! { <TallyBar tally=proposal.tally state=proposal.state/> })}
                {if open {
                    view! { <Countdown until=proposal.vote_end label="Voting ends in" past="Voting has ended"/> }
                } else {
                    view! { <Countdown until=proposal.vote_start label="Voting opens in" past="Voting opens now"/> }
                }}
            </div>
        </article>
    }
}

#[component]
fn Waiting(proposal: ProposalSummary) -> impl IntoView {
    let href = proposal.href();
    view! {
        <li class="row">
            <div class="spread">
                <h3><a href=href>{proposal.title}</a></h3>
                {match proposal.eta {
                    Some(eta) => view! { <Countdown until=eta label="Can be carried out in" past="Can be carried out now"/> }.into_any(),
                    None => view! { <StateBadge state=proposal.state plain=true/> }.into_any(),
                }}
            </div>
            <p>{proposal.sentence}</p>
        </li>
    }
}

#[component]
fn Look(engine: EngineView) -> impl IntoView {
    let name = engine.name.clone();
    let prints: Vec<_> = engine
        .samples
        .iter()
        .skip(1)
        .enumerate()
        .map(|(index, src)| view! { <li><Print src=src.clone() alt=format!("{name}, sample {}", index + 2)/></li> })
        .collect();
    let href = format!("/parameters/{}", engine.id);
    (!prints.is_empty()).then(|| {
        view! {
            <Section id="look" title="The look now" note=engine.status_sentence.clone()>
                <ul class="walls">{prints}</ul>
                <p><a href=href>{format!("Every parameter of {}", engine.name)}</a></p>
            </Section>
        }
    })
}

#[component]
fn Changed(revision: RevisionView) -> impl IntoView {
    view! {
        <li class="row">
            <div class="spread">
                <p class="kicker">{format!("Revision {}", revision.revision)}</p>
                <span class="small muted"><Moment at=revision.at brief=true/></span>
            </div>
            <ParameterDiff changes=revision.changes small=true/>
            {revision.proposal.map(|proposal| view! {
                <p class="small">
                    "Ratified by "
                    <a href=format!("/proposals/{}", proposal.proposal_id)>{format!("proposal {}: {}", proposal.number, proposal.title)}</a>
                </p>
            })}
        </li>
    }
}

#[component]
fn Decided(decision: DecisionSummary) -> impl IntoView {
    let href = decision.href();
    view! {
        <li class="row">
            <div class="spread">
                <h3><a href=href>{decision.question}</a></h3>
                <VerificationBadge state=decision.state/>
            </div>
            <p>{decision.line}</p>
            <p class="meta">
                <a href=format!("/agents/{}", decision.agent_slug)>{decision.agent.label()}</a>
                <Moment at=decision.at brief=true/>
            </p>
        </li>
    }
}
