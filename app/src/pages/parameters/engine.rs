//! One engine: what the chain ratified, what is served, what runs; every value with its limits and its past.

use leptos::prelude::*;
use leptos_meta::Title;
use leptos_router::hooks::use_params_map;

use crate::{
    api,
    components::{EmptyState, Fold, Hash, Loaded, Moment, PageHead, ParameterDiff, ParameterValue, Print, Section, Sparkline, date_time},
    shell,
    views::{EngineView, ParameterView, ProposalRef, RevisionView, Site},
};

#[component]
pub fn EnginePage() -> impl IntoView {
    let params = use_params_map();
    let id = Memo::new(move |_| params.read().get("engine").unwrap_or_default());
    let live = shell::live();
    let engine = Resource::new(move || (id.get(), live.get()), |(id, _)| api::engine(id));
    view! {
        <Loaded from=engine let:engine>
            <Engine engine/>
        </Loaded>
    }
}

#[component]
fn Engine(engine: EngineView) -> impl IntoView {
    let now = use_context::<Site>().map_or(engine.ratified.at, |site| site.chain_time);
    let title = format!("{}: parameters", engine.name);
    let parameters: Vec<_> = engine.parameters.iter().cloned().map(|parameter| view! { <Parameter parameter now/> }).collect();
    let revisions: Vec<_> = engine.history.iter().cloned().map(|revision| view! { <RevisionRow revision/> }).collect();
    let prints: Vec<_> = engine
        .samples
        .iter()
        .enumerate()
        .map(|(index, src)| view! { <li><Print src=src.clone() alt=format!("{}, sample {}", engine.name, index + 1)/></li> })
        .collect();
    let draft = format!("/drafts/new?engine={}", engine.id);
    view! {
        <Title text=title/>
        <PageHead kicker="What is in force" title=engine.name.clone()>
            <p class="lede">"Every value this engine draws with, the limits it cannot leave, and the vote behind each change."</p>
            <p><a class="button" href=draft>"Draft a change"</a></p>
        </PageHead>
        <Status engine=engine.clone()/>
        <Section id="values" title="Values" note="As ratified. The registry contract refuses anything outside the limits, whoever asks.">
            <ul class="parameters">{parameters}</ul>
        </Section>
        {(!prints.is_empty()).then(|| view! {
            <Section id="look" title="The look now" note="Drawn with exactly these values.">
                <ul class="walls">{prints}</ul>
            </Section>
        })}
        <Section id="revisions" title="Revisions" note="Every set that was ever in force, newest first.">
            {if revisions.is_empty() {
                view! { <EmptyState title="It still runs with the values it began with."/> }.into_any()
            } else {
                view! { <ol class="rows">{revisions}</ol> }.into_any()
            }}
        </Section>
    }
}

/// Ratified, served, running: three numbers that should be one.
#[component]
fn Status(engine: EngineView) -> impl IntoView {
    let served_apart = engine.served.hash != engine.ratified.hash;
    let running_apart = engine.running.as_ref().is_some_and(|running| running.hash != engine.ratified.hash);
    let in_step = engine.status == "in-step" && !served_apart && !running_apart;
    let (note, loud) = match (in_step, engine.status.as_str()) {
        (true, _) => ("note note-good", "In step."),
        (false, "silent") => ("note note-now", "No word from the engine."),
        (false, "refused") => ("note note-bad", "The engine refused what was ratified."),
        (false, _) => ("note note-bad", "They differ."),
    };
    let delivery = engine.delivery_ms.map(|milliseconds| {
        let time = if milliseconds < 1_000 { format!("{milliseconds} ms") } else { format!("{:.1} s", milliseconds as f64 / 1_000.0) };
        view! {
            <p class="small">"The latest change ran in the engine "<b class="num">{time}</b>" after its block arrived."</p>
        }
    });
    let running = match engine.running.clone() {
        Some(running) => view! {
            <dd class="strip-figure">{running.revision}</dd>
            <dd>{running.build}", "{if running.outcome == "accepted" { "accepted it" } else { "refused it" }}", "<Moment at=running.at brief=true/></dd>
            {(!running.detail.is_empty()).then(|| view! { <dd>{running.detail}</dd> })}
            <dd class="hash">{running.hash}</dd>
        }
        .into_any(),
        None => view! { <dd class="strip-figure">"–"</dd><dd>"no engine has reported yet"</dd> }.into_any(),
    };
    view! {
        <div class="stack" id="status">
            <div class=note role="status">
                <p><b>{loud}</b>" "{engine.status_sentence.clone()}</p>
                {delivery}
            </div>
            <dl class="strip">
                <div>
                    <dt>"Ratified on chain"</dt>
                    <dd class="strip-figure">{engine.ratified.revision}</dd>
                    <dd>"since "<Moment at=engine.ratified.at brief=true/></dd>
                    <dd class="hash">{engine.ratified.hash}</dd>
                </div>
                <div class=served_apart.then_some("strip-apart")>
                    <dt>"Served to engines"</dt>
                    <dd class="strip-figure">{engine.served.revision}</dd>
                    <dd>{if served_apart { "not what was ratified" } else { "the same set" }}</dd>
                    <dd class="hash">{engine.served.hash}</dd>
                </div>
                <div class=running_apart.then_some("strip-apart")>
                    <dt>"Running in the engine"</dt>
                    {running}
                </div>
            </dl>
        </div>
    }
}

#[component]
fn Parameter(parameter: ParameterView, now: u64) -> impl IntoView {
    let mut points: Vec<(u64, f64)> =
        parameter.history.iter().filter_map(|change| change.number.map(|number| (change.at, number))).collect();
    points.sort_by_key(|point| point.0);
    let charted = matches!(parameter.kind.as_str(), "integer" | "decimal") && points.len() > 1;
    let label = format!("{} over time, from {} changes; now {} {}", parameter.label, points.len(), parameter.value, parameter.unit);
    let changes: Vec<_> = parameter
        .history
        .iter()
        .cloned()
        .map(|change| {
            view! {
                <li class="stack stack-tight">
                    <p>
                        <b class="num">{change.from}</b>" → "<b class="num">{change.to}</b>
                        <span class="muted">{format!(", revision {}, {}", change.revision, date_time(change.at))}</span>
                    </p>
                    {change.why.map(|why| view! { <p>{why}</p> })}
                    {change.proposal.map(|proposal| view! { <p>"By "<Ratifier proposal/></p> })}
                </li>
            }
        })
        .collect();
    let past = !changes.is_empty();
    view! {
        <li class="parameter" id=parameter.key.clone()>
            <div class="diff-key"><b>{parameter.label.clone()}</b><code>{parameter.key.clone()}</code></div>
            <p class="parameter-value">
                <ParameterValue kind=parameter.kind.clone() value=parameter.value.clone()/>
                {(!parameter.unit.is_empty()).then(|| view! { <span class="diff-unit">{parameter.unit.clone()}</span> })}
            </p>
            {charted.then(|| view! { <Sparkline points now label/> })}
            <p class="small muted">{sentence(&parameter.bounds)}</p>
            <p class="small">
                {match parameter.changed_by {
                    Some(proposal) => view! {
                        "Changed "<Moment at=parameter.changed_at brief=true/>" by "<Ratifier proposal/>
                    }
                    .into_any(),
                    None => view! { <span class="muted">"As it was at the beginning"</span> }.into_any(),
                }}
            </p>
            {past.then(|| view! { <Fold summary=format!("Its past ({})", changes.len())><ol class="plain-list stack small">{changes}</ol></Fold> })}
            <Fold summary="As engines receive it">
                <p><code>{parameter.json.to_string()}</code></p>
                <p class="small muted">"Canonical bytes"</p>
                <Hash value=parameter.canonical/>
            </Fold>
        </li>
    }
}

#[component]
fn Ratifier(proposal: ProposalRef) -> impl IntoView {
    view! { <a href=format!("/proposals/{}", proposal.proposal_id)>{format!("proposal {}, {}", proposal.number, proposal.title)}</a> }
}

#[component]
fn RevisionRow(revision: RevisionView) -> impl IntoView {
    let digest = revision.decision_digest.clone().filter(|digest| digest.trim_start_matches("0x").chars().any(|digit| digit != '0'));
    view! {
        <li class="row">
            <div class="spread">
                <h3>{format!("Revision {}", revision.revision)}</h3>
                <span class="small muted"><Moment at=revision.at/></span>
            </div>
            <ParameterDiff changes=revision.changes small=true/>
            <p class="meta">
                {revision.proposal.map(|proposal| view! { <span>"Ratified by "<Ratifier proposal/></span> })}
                {digest.map(|digest| view! { <a href=format!("/decisions/{digest}")>"The decision behind it"</a> })}
            </p>
            <Fold summary="Fingerprint and transaction">
                <p class="small">"Parameter set: "<Hash value=revision.hash/></p>
                <p class="small">"Transaction: "<Hash value=revision.transaction/></p>
            </Fold>
        </li>
    }
}

/// Bounds come as a clause; on the page they stand as a sentence.
fn sentence(clause: &str) -> String {
    let mut letters = clause.chars();
    match letters.next() {
        Some(first) => format!("{}{}", first.to_uppercase(), letters.as_str()),
        None => "No limits beyond its type".into(),
    }
}

#[cfg(test)]
mod tests {
    use super::sentence;

    #[test]
    fn bounds_stand_as_a_sentence() {
        assert_eq!(sentence("between 1 and 60"), "Between 1 and 60");
        assert_eq!(sentence(""), "No limits beyond its type");
    }
}
