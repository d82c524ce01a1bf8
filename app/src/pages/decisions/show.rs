//! One decision: the recommendation in a line, the numbers behind it, the rule, and a button that computes all of it again.

use governance::{
    explanation::{DecisionRecord, RuleStep, summary::value_text},
    parameter::label,
};
use leptos::prelude::*;
use leptos_meta::Title;
use leptos_router::hooks::use_params_map;

use super::recompute::{Checks, Found, RecomputeHere, shown};
use crate::{
    api,
    components::{Address, BindingBadge, Fold, Hash, Loaded, Moment, PageHead, ParameterDiff, Section, VerificationBadge, Waterfall},
    shell,
    views::{ChangeLine, DecisionView, Party, Site},
};

#[component]
pub fn DecisionPage() -> impl IntoView {
    let params = use_params_map();
    let digest = Memo::new(move |_| params.read().get("digest").unwrap_or_default());
    let live = shell::live();
    let decision = Resource::new(move || (digest.get(), live.get()), |(digest, _)| api::decision(digest));
    let found: Found = RwSignal::new(None);
    Effect::new(move |before: Option<String>| {
        let now = digest.get();
        if before.is_some_and(|before| before != now) {
            found.set(None);
        }
        now
    });
    view! {
        <Loaded from=decision let:view>
            <Decision view found/>
        </Loaded>
    }
}

#[component]
fn Decision(view: DecisionView, found: Found) -> impl IntoView {
    let site = use_context::<Site>();
    let DecisionView { record, bars, rule_steps, checks, raw, model_url, .. } = view.clone();
    let (output, baseline, method, rule) =
        (record.output.clone(), record.baseline.clone(), record.method.clone(), record.rule.text.clone());
    let unit = output.unit;
    let usual = format!("{} {unit}: {}", short(baseline.value), baseline.description);
    let answer = format!("{} {unit}", short(output.value));
    let (changed, known, published) = (record.clone(), record.clone(), record);
    let (head, bound) = (view.clone(), view.clone());
    let checked = format!("What the bridge checked ({})", checks.len());
    view! {
        <Title text=view.summary.question.clone()/>
        <Head view=head found/>
        <Section id="contributions" title="What moved the answer" note="From the model's usual answer to this one, input by input, largest first.">
            <Waterfall bars baseline=baseline.value output=output.value unit/>
            <dl class="facts">
                <dt>"Usual answer"</dt><dd>{usual}</dd>
                <dt>{output.label}</dt><dd>{answer}</dd>
                <dt>"Method"</dt><dd>{method}</dd>
            </dl>
        </Section>
        <Section id="rule" title="From answer to value" note="The rule is stated beforehand; nobody chose the number by hand.">
            <p class="sentence">{rule}</p>
            <RuleSteps steps=rule_steps/>
            <Changes record=changed/>
        </Section>
        <Section id="inputs" title="What it knew" note="Every input, and where it can be read.">
            <Inputs record=known/>
        </Section>
        <Section id="recompute-it" title="Recompute it" note="The same code as the bridge's, in your browser.">
            {site.map(|site| view! { <RecomputeHere view site found/> })}
            <Fold summary=checked>
                <Checks checks/>
            </Fold>
        </Section>
        <Section id="model" title="The model">
            <ModelFacts record=published url=model_url/>
        </Section>
        <Section id="record" title="The record" note="Its fingerprint stands in the proposal's text and in the registry call.">
            <Bound view=bound/>
            <Fold summary="The record, as published">
                <pre class="code" tabindex="0" id="decision-record">{raw}</pre>
            </Fold>
        </Section>
    }
}

/// Numbers of a record with as many digits as help a reader; the exact ones are in the record.
fn short(value: f64) -> String {
    let text = format!("{value:.4}");
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

#[component]
fn Head(view: DecisionView, found: Found) -> impl IntoView {
    let server = view.summary.state;
    let agent = format!("/agents/{}", view.summary.agent_slug);
    let lines: Vec<_> =
        view.lines.iter().filter(|line| **line != view.summary.line).map(|line| view! { <li>{line.clone()}</li> }).collect();
    let state = Memo::new(move |_| {
        shown(server, found.with(|found| found.as_ref().and_then(|found| found.as_ref().ok()).map(|found| found.verification.state)))
    });
    view! {
        <PageHead kicker="Decision" title=view.summary.question.clone()>
            <p class="lede" data-testid="decision-line">{view.summary.line.clone()}</p>
            <ul class="reasons">{lines}</ul>
            <div data-testid="decision-state">{move || view! { <VerificationBadge state=state.get() plain=true/> }}</div>
            <p class="meta">
                <span>"by "<a href=agent>{view.summary.agent.label()}</a></span>
                <span><Moment at=view.summary.at/></span>
                <span>{format!("at block {}", view.record.block.number)}</span>
            </p>
        </PageHead>
    }
}

#[component]
fn RuleSteps(steps: Vec<RuleStep>) -> impl IntoView {
    let rows = steps
        .into_iter()
        .map(|step| view! { <tr><th scope="row">{step.label}</th><td class="num">{step.value.parse::<f64>().ok().filter(|_| step.value.len() > 12).map_or(step.value, short)}</td></tr> })
        .collect_view();
    view! {
        <div class="scroll" tabindex="0" role="group" aria-label="The rule, step by step">
            <table class="table">
                <thead><tr><th scope="col">"Step"</th><th scope="col" class="num">"Value"</th></tr></thead>
                <tbody>{rows}</tbody>
            </table>
        </div>
    }
}

#[component]
fn Changes(record: DecisionRecord) -> impl IntoView {
    if record.changes.is_empty() {
        return view! { <p>"It recommends no change."</p> }.into_any();
    }
    let changes = record
        .changes
        .into_iter()
        .map(|change| ChangeLine {
            label: label(&change.key),
            engine: change.engine,
            key: change.key,
            kind: String::new(),
            unit: String::new(),
            from: change.from,
            to: change.to,
            refusal: None,
        })
        .collect();
    view! { <ParameterDiff changes/> }.into_any()
}

#[component]
fn Inputs(record: DecisionRecord) -> impl IntoView {
    let rows = record
        .inputs
        .iter()
        .map(|input| {
            let source = input.source.clone();
            let source = if source.starts_with("https://") || source.starts_with("http://") {
                view! { <a href=source.clone() rel="external nofollow noopener">{source.clone()}</a> }.into_any()
            } else {
                view! { <code class="hash">{source}</code> }.into_any()
            };
            view! {
                <tr>
                    <th scope="row">{input.label.clone()}<br/><code class="muted">{input.name.clone()}</code></th>
                    <td class="num">{value_text(input)}</td>
                    <td>{input.unit.clone()}</td>
                    <td>{source}" "<span class="small muted">{input.at.clone()}</span></td>
                </tr>
            }
        })
        .collect_view();
    view! {
        <div class="scroll" tabindex="0" role="group" aria-label="Inputs">
            <table class="table">
                <thead><tr><th scope="col">"Input"</th><th scope="col" class="num">"Value"</th><th scope="col">"Unit"</th><th scope="col">"Source"</th></tr></thead>
                <tbody>{rows}</tbody>
            </table>
        </div>
    }
}

#[component]
fn ModelFacts(record: DecisionRecord, url: Option<String>) -> impl IntoView {
    let model = record.model;
    let metrics = model
        .metrics
        .iter()
        .map(|metric| format!("{} {} {}", metric.name, short(metric.value), metric.unit))
        .collect::<Vec<_>>()
        .join(", ");
    view! {
        <dl class="facts">
            <dt>"Name"</dt><dd>{format!("{} {}", model.name, model.version)}</dd>
            <dt>"Format"</dt><dd>{model.format}</dd>
            <dt>"Trained on"</dt><dd>{model.data_window}</dd>
            <dt>"Error, as its maker says"</dt><dd>{metrics}</dd>
            <dt>"Fingerprint (sha256)"</dt><dd><Hash value=model.sha256/></dd>
            <dt>"File"</dt>
            <dd>{match url {
                Some(url) => view! { <a href=url rel="external">"Fetch the model"</a> }.into_any(),
                None => view! { "Not published" }.into_any(),
            }}</dd>
        </dl>
    }
}

#[component]
fn Bound(view: DecisionView) -> impl IntoView {
    let summary = view.summary;
    let take_up = (summary.proposal.is_none() && !view.record.changes.is_empty()).then(|| match &summary.draft {
        Some(draft) => (format!("/drafts/{draft}"), "Open the agent's draft"),
        None => (format!("/drafts/new?decision={}", summary.digest), "Draft a proposal from it"),
    });
    let signature = view.record.signature.map(|signature| signature.signer.to_string());
    view! {
        <dl class="facts">
            <dt>"Fingerprint (sha256)"</dt><dd><Hash value=summary.digest/></dd>
            <dt>"Drafted on parameter set"</dt><dd><Hash value=view.record.based_on.to_string()/></dd>
            {signature.map(|signer| view! { <dt>"Signed by"</dt><dd><Address party=Party { address: signer, name: summary.agent.name.clone() } full=true/></dd> })}
            {view.entry.map(|entry| view! { <dt>"In the log"</dt><dd><a href=format!("/log/{}", entry.index)>{format!("Entry {}", entry.index)}</a>{format!(": {}", entry.sentence)}</dd> })}
            {summary.proposal.clone().map(|proposal| view! { <dt>"Proposal"</dt><dd><a href=format!("/proposals/{}", proposal.proposal_id)>{format!("{}: {}", proposal.number, proposal.title)}</a></dd> })}
        </dl>
        {summary.proposal.is_some().then(|| view! { <BindingBadge binding=view.binding/> })}
        {take_up.map(|(href, words)| view! { <p><a class="button" href=href id="take-up">{words}</a></p> })}
    }
}
