//! One agent: what it does, its model, its decisions and what they became.

use governance::explanation::{overview::Overview, track_record::TrackRecord};
use leptos::prelude::*;
use leptos_meta::Title;
use leptos_router::hooks::use_params_map;

use crate::{
    api,
    components::{Address, EmptyState, Loaded, Moment, PageHead, Section, StateBadge},
    pages::decisions::DecisionRows,
    plots::{Beeswarm, Calibration, Dependence, OverTime, Paths},
    shell,
    views::{AgentView, ProposalSummary},
};

#[component]
pub fn AgentPage() -> impl IntoView {
    let params = use_params_map();
    let slug = Memo::new(move |_| params.read().get("slug").unwrap_or_default());
    let live = shell::live();
    let agent = Resource::new(move || (slug.get(), live.get()), |(slug, _)| api::agent(slug));
    view! {
        <Loaded from=agent let:agent>
            <Agent agent/>
        </Loaded>
    }
}

#[component]
fn Agent(agent: AgentView) -> impl IntoView {
    let name = agent.party.label();
    let base = format!("/api/v1/agents/{}", agent.slug);
    let record = agent.track_record.map(|record| view! { <TrackRecordOf record base=format!("{base}/plots")/> });
    let overview = agent.overview.map(|overview| view! { <OverviewOf overview base=format!("{base}/plots")/> });
    view! {
        <Title text=name.clone()/>
        <PageHead kicker="Agent" title=name>
            <p class="lede">{agent.about}</p>
            <dl class="facts">
                <dt>"Account"</dt><dd><Address party=agent.party full=true/></dd>
                <dt>"Model"</dt><dd>{agent.model.unwrap_or_else(|| "not stated".into())}</dd>
                <dt>"First seen"</dt><dd><Moment at=agent.first_seen/></dd>
            </dl>
        </PageHead>
        {record.map(|record| view! {
            <Section id="track-record" title="Track record" note="What it predicted, beside what was seen afterwards.">
                {record}
            </Section>
        })}
        {overview.map(|overview| view! {
            <Section id="overview" title="What moves it" note="All of its decisions at once: which inputs weigh most, and which way.">
                {overview}
            </Section>
        })}
        <Section id="decisions" title="Decisions" note="Signed by this account; newest first.">
            {if agent.decisions.is_empty() {
                view! { <EmptyState title="It has decided nothing yet."/> }.into_any()
            } else {
                view! { <DecisionRows decisions=agent.decisions/> }.into_any()
            }}
        </Section>
        <Section id="proposals" title="What became of them" note="Proposals that rest on its decisions.">
            {if agent.proposals.is_empty() {
                view! { <EmptyState title="No member has proposed its advice yet."/> }.into_any()
            } else {
                view! { <ul class="rows">{agent.proposals.into_iter().map(|proposal| view! { <ProposalRow proposal/> }).collect_view()}</ul> }.into_any()
            }}
        </Section>
    }
}

#[component]
fn TrackRecordOf(record: TrackRecord, base: String) -> impl IntoView {
    let sentence = record.sentence.clone();
    let enough = record.known >= 2;
    view! {
        <p class="sentence" data-testid="track-record">{sentence}</p>
        <OverTime record=record.clone() export=format!("{base}/over-time")/>
        {enough.then(|| view! { <Calibration record export=format!("{base}/calibration")/> })}
    }
}

#[component]
fn OverviewOf(overview: Overview, base: String) -> impl IntoView {
    let inputs: Vec<(String, String)> = overview.inputs.iter().map(|input| (input.name.clone(), input.label.clone())).collect();
    let dependences = inputs
        .into_iter()
        .enumerate()
        .map(|(place, (name, label))| {
            let (overview, export) = (overview.clone(), format!("{base}/dependence-{name}"));
            view! {
                <details class="fold" open=place == 0>
                    <summary>{label}</summary>
                    <Dependence overview name export/>
                </details>
            }
        })
        .collect_view();
    view! {
        <Beeswarm overview=overview.clone() export=format!("{base}/beeswarm")/>
        <Paths overview=overview.clone() export=format!("{base}/paths")/>
        <h3>"Each input by itself"</h3>
        {dependences}
    }
}

#[component]
fn ProposalRow(proposal: ProposalSummary) -> impl IntoView {
    let href = proposal.href();
    view! {
        <li class="row">
            <div class="spread">
                <h3><a href=href>{format!("{}: {}", proposal.number, proposal.title)}</a></h3>
                <StateBadge state=proposal.state/>
            </div>
            <p>{proposal.sentence}</p>
            <p class="meta"><span>"proposed by "{proposal.proposer.label()}</span><span><Moment at=proposal.created_at brief=true/></span></p>
        </li>
    }
}
