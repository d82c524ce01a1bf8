//! One decision: the recommendation in a line, what moved it, how it was carried on, what else could have been, and how far
//! to trust it.

use governance::{
    explanation::{RuleStep, summary::LIMITS},
    parameter::label,
};
use leptos::prelude::*;
use leptos_meta::Title;
use leptos_router::hooks::use_params_map;

use super::{
    certainty::Certainty,
    head::Head,
    opinions::Opinions,
    otherwise::{Otherwise, Trial},
    recompute::{Found, RecomputeHere},
    record::{Bound, Inputs, ModelFacts},
    verdicts::Verdicts,
};
use crate::{
    api,
    browser::VerdictDraft,
    components::{Fold, Loaded, ParameterDiff, Section},
    pages::log::Bundle,
    plots::{
        Force, Waterfall,
        number::{number, with_unit},
    },
    shell,
    views::{ChangeLine, DecisionView, Site},
};

#[component]
pub fn DecisionPage() -> impl IntoView {
    let params = use_params_map();
    let digest = Memo::new(move |_| params.read().get("digest").unwrap_or_default());
    let live = shell::live();
    let decision = Resource::new(move || (digest.get(), live.get()), |(digest, _)| api::decision(digest));
    let found: Found = RwSignal::new(None);
    let trial = Trial::new();
    let verdict = VerdictDraft::new();
    Effect::new(move |before: Option<String>| {
        let now = digest.get();
        if before.is_some_and(|before| before != now) {
            found.set(None);
            trial.forget();
            verdict.forget();
        }
        now
    });
    view! {
        <Loaded from=decision let:view>
            <Decision view found trial verdict/>
        </Loaded>
    }
}

#[component]
fn Decision(view: DecisionView, found: Found, trial: Trial, verdict: VerdictDraft) -> impl IntoView {
    let record = view.record.clone();
    let reasons = view! { <Reasons view=view.clone()/> };
    let chain = use_context::<Site>().map(|site| view! { <RecomputeHere view=view.clone() site found/> });
    let rule = view! {
        <p class="sentence">{record.rule.text.clone()}</p>
        <RuleSteps steps=view.rule_steps.clone()/>
        <Changes view=view.clone()/>
    };
    let otherwise = (!view.what_ifs.curves.is_empty()).then(|| view! { <Otherwise view=view.clone() trial/> });
    let certain = view.what_ifs.stability.is_some() || view.outcome.is_some();
    let certainty = certain.then(|| view! { <Certainty view=view.clone()/> });
    let others = view.others.clone();
    let opinions = (!others.is_empty()).then(|| view! { <Opinions digest=view.summary.digest.clone() others/> });
    let inputs = view! { <Inputs record=record.clone()/> };
    let model = view! { <ModelFacts record url=view.model_url.clone() background_url=view.background_url.clone()/> };
    let full: Vec<_> = view.full.iter().map(|paragraph| view! { <p>{paragraph.clone()}</p> }).collect();
    let raw = view.raw.clone();
    let site = use_context::<Site>();
    let verdicts = view! { <Verdicts view=view.clone() draft=verdict site/> };
    let bundle = view! { <Bundle digest=view.summary.digest.clone()/> };
    view! {
        <Title text=view.summary.question.clone()/>
        <Head view=view.clone() found/>
        <Section id="contributions" title="What moved the answer" note="From the model's usual answer to this one, input by input, largest first.">
            {reasons}
        </Section>
        <Section id="links" title="From what was known to what runs" note="Every link was checked. Open one to see what was compared; recompute them all on your own machine.">
            {chain}
        </Section>
        <Section id="rule" title="From answer to value" note="The rule is stated beforehand; nobody chose the number by hand.">
            {rule}
        </Section>
        {otherwise.map(|otherwise| view! {
            <Section id="otherwise" title="What would have changed it" note="The model and the rule, asked again with other inputs.">
                {otherwise}
            </Section>
        })}
        {certainty.map(|certainty| view! {
            <Section id="certainty" title="How sure" note="Noise in the inputs, and what came of the prediction.">
                {certainty}
            </Section>
        })}
        {opinions.map(|opinions| view! {
            <Section id="opinions" title="Another opinion" note="What other agents answered to the same question at that time.">
                {opinions}
            </Section>
        })}
        <Section id="inputs" title="What it knew" note="Every input, and where it can be read.">
            {inputs}
        </Section>
        <Section id="model" title="The model">
            {model}
        </Section>
        <Section id="verdicts" title="Verdicts" note="What auditors say of it on the chain, in their own names.">
            {verdicts}
        </Section>
        <Section id="record" title="The record" note="Its fingerprint stands in the proposal's text and in the registry call.">
            <Bound view/>
            <Fold summary="All of it in words">
                {full}
            </Fold>
            <Fold summary="The record, as published">
                <pre class="code" tabindex="0" id="decision-record">{raw}</pre>
            </Fold>
            {bundle}
        </Section>
    }
}

#[component]
fn Reasons(view: DecisionView) -> impl IntoView {
    let record = view.record;
    let unit = record.output.unit.clone();
    let (baseline, output) = (record.baseline.value, record.output.value);
    let export = format!("/api/v1/decisions/{}/plots/waterfall", view.summary.digest);
    let force = format!("/api/v1/decisions/{}/plots/force", view.summary.digest);
    let usual = format!("{}: {}", with_unit(number(baseline), &unit), record.baseline.description);
    let pushes = view! { <Force bars=view.bars.clone() baseline output unit=unit.clone() export=force/> };
    view! {
        <Waterfall bars=view.bars baseline output unit=unit.clone() export/>
        <Fold summary="The same as one line of pushes">
            {pushes}
        </Fold>
        <dl class="facts">
            <dt>"Usual answer"</dt><dd>{usual}</dd>
            <dt>{record.output.label}</dt><dd>{with_unit(number(output), &unit)}</dd>
            <dt>"Method"</dt><dd>{record.method}</dd>
            <dt>"Left over by rounding"</dt><dd>{format!("{:.1e}", view.residual)}</dd>
        </dl>
        <div class="note" data-testid="limits">
            <p><b>"What this does not say. "</b>{LIMITS.join(" ")}</p>
        </div>
    }
}

#[component]
fn RuleSteps(steps: Vec<RuleStep>) -> impl IntoView {
    let shortened = |value: String| value.parse().ok().filter(|_| value.len() > 12).map_or(value, number);
    let rows = steps
        .into_iter()
        .map(|step| view! { <tr><th scope="row">{step.label}</th><td class="num">{shortened(step.value)}</td></tr> })
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
fn Changes(view: DecisionView) -> impl IntoView {
    if view.record.changes.is_empty() {
        return view! { <p>"It recommends no change."</p> }.into_any();
    }
    let changes = view
        .record
        .changes
        .into_iter()
        .map(|change| ChangeLine {
            label: label(&change.key),
            engine: change.engine,
            kind: String::new(),
            unit: if change.key == view.record.rule.parameter { view.rule_unit.clone() } else { String::new() },
            key: change.key,
            from: change.from,
            to: change.to,
            refusal: None,
        })
        .collect();
    view! { <ParameterDiff changes/> }.into_any()
}
