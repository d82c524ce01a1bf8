//! What other inputs would have led to: the smallest change that matters, every input moved alone, and the reader's own.

use governance::explanation::{Bar, counterfactual::Counterfactual, ranges::InputRange};
use leptos::{prelude::*, task::spawn_local};
use serde_json::{Value as Json, json};

use super::recompute::open;
use crate::{
    browser::outside,
    plots::{
        Sensitivity, Waterfall,
        number::{number, with_unit},
    },
    views::DecisionView,
};

/// What a reader tries. Kept by the page, so that a live update does not take it away.
#[derive(Clone, Copy, Debug)]
pub struct Trial {
    open: RwSignal<bool>,
    /// The inputs as entered; empty until something is.
    values: RwSignal<Vec<(String, Option<f64>)>>,
    answer: RwSignal<Option<Result<Tried, String>>>,
    /// Whether the other thread has read record and model.
    ready: RwSignal<bool>,
    /// Counts the times that everything was put back; the fields are then drawn anew.
    put_back: RwSignal<u32>,
    /// How many questions were asked; only the last one's answer counts.
    asked: RwSignal<u32>,
}

impl Trial {
    pub fn new() -> Self {
        Self {
            open: RwSignal::new(false),
            values: RwSignal::new(vec![]),
            answer: RwSignal::new(None),
            ready: RwSignal::new(false),
            put_back: RwSignal::new(0),
            asked: RwSignal::new(0),
        }
    }

    /// Forgets everything: another decision is shown.
    pub fn forget(self) {
        self.values.set(vec![]);
        self.answer.set(None);
        self.ready.set(false);
        self.asked.update(|asked| *asked += 1);
    }
}

#[component]
pub fn Otherwise(view: DecisionView, trial: Trial) -> impl IntoView {
    let unit = view.rule_unit.clone();
    let output_unit = view.record.output.unit.clone();
    let export = format!("/api/v1/decisions/{}/plots/sensitivity", view.summary.digest);
    let curves = view.what_ifs.curves.clone();
    let changes = view.what_ifs.counterfactuals.clone();
    view! {
        <Counterfactuals changes unit=unit.clone()/>
        {(!curves.is_empty()).then(|| view! { <Sensitivity curves unit output_unit export/> })}
        {view.model_url.is_some().then(|| view! { <WhatIf view trial/> })}
    }
}

#[component]
fn Counterfactuals(changes: Vec<Counterfactual>, unit: String) -> impl IntoView {
    if changes.is_empty() {
        return view! { <p>"No change of up to three inputs within their ranges would have led to another recommendation, as far as the search went."</p> }.into_any();
    }
    let rows = changes
        .into_iter()
        .map(|one| {
            let moves: Vec<String> = one
                .changes
                .iter()
                .map(|change| {
                    let from = change.from.map_or_else(|| "not known".to_owned(), number);
                    format!("{}: {} instead of {from}", change.label, with_unit(number(change.to), &change.unit))
                })
                .collect();
            view! {
                <li class="row" data-testid="counterfactual">
                    <p><b>{moves.join(", and ")}</b></p>
                    <p class="small">{format!("The recommendation would have been {}.", with_unit(one.recommended, &unit))}</p>
                </li>
            }
        })
        .collect_view();
    view! {
        <p>"The smallest changes that would have led to another recommendation:"</p>
        <ul class="rows">{rows}</ul>
    }
    .into_any()
}

/// What the reader's own inputs lead to.
#[derive(Clone, Debug, PartialEq)]
pub struct Tried {
    output: f64,
    baseline: f64,
    recommended: String,
    bars: Vec<Bar>,
}

impl Tried {
    fn read(answer: &Json) -> Option<Self> {
        Some(Self {
            output: answer["output"].as_f64()?,
            baseline: answer["baseline"].as_f64()?,
            recommended: answer["recommended"].as_str()?.to_owned(),
            bars: serde_json::from_value(answer["bars"].clone()).ok()?,
        })
    }
}

/// A form of every input, answered by the model in the reader's browser.
#[component]
fn WhatIf(view: DecisionView, trial: Trial) -> impl IntoView {
    let unit = StoredValue::new((view.rule_unit.clone(), view.record.output.unit.clone()));
    let recommended = view.record.ruled_change().map_or_else(|| view.record.rule.current.to_string(), |change| change.to.clone());
    let fields = view.what_ifs.ranges.clone();
    let Trial { open: unfolded, values, answer: tried, ready, put_back, asked } = trial;
    let as_they_were = view.record.inputs.iter().map(|input| (input.name.clone(), input.value)).collect::<Vec<_>>();
    let first = StoredValue::new(as_they_were.clone());
    let view = StoredValue::new(view);
    let ask = move || {
        let number = asked.get_untracked() + 1;
        asked.set(number);
        spawn_local(async move {
            if !ready.get_untracked() {
                let Some(view) = view.try_get_value() else { return };
                if let Err(reason) = open(&view, |_| {}).await {
                    let _gone = tried.try_set(Some(Err(reason)));
                    return;
                }
                let _gone = ready.try_set(true);
            }
            let Some(values) = values.try_get_untracked() else { return };
            let body = json!({ "values": values.into_iter().collect::<std::collections::BTreeMap<_, _>>() });
            let answer = outside::on_another_thread("whatIf", body, |_| {}).await;
            // A later question's answer is on its way.
            if asked.try_get_untracked() == Some(number) {
                let found = answer.and_then(|answer| Tried::read(&answer).ok_or_else(|| "The answer could not be read.".to_owned()));
                let _gone = tried.try_set(Some(found));
            }
        });
    };
    let set = move |name: String, value: Option<f64>| {
        values.update(|values| {
            if values.is_empty() {
                *values = first.get_value();
            }
            if let Some((_, held)) = values.iter_mut().find(|(known, _)| *known == name) {
                *held = value;
            }
        });
        ask();
    };
    let rows = move || {
        put_back.get();
        let entered = values.get_untracked();
        let value_of = |name: &str| {
            let all = if entered.is_empty() { &as_they_were } else { &entered };
            all.iter().find(|(known, _)| known == name).and_then(|(_, value)| *value)
        };
        fields.iter().map(|range| view! { <WhatIfField range=range.clone() value=value_of(&range.name) set/> }).collect_view()
    };
    view! {
        <details class="fold needs-js" data-testid="what-if" prop:open=move || unfolded.get()>
            <summary id="what-if-title" on:click=move |event| {
                event.prevent_default();
                unfolded.update(|open| *open = !*open);
            }>"Try other inputs"</summary>
            <div class="panel stack">
            <p class="small">"The model answers in your browser. Nothing you enter here leaves it."</p>
            <div class="what-if-fields" role="group" aria-labelledby="what-if-title">{rows}</div>
            <p>
                <button class="button button-quiet button-small" type="button" on:click=move |_| {
                    values.set(vec![]);
                    put_back.update(|times| *times += 1);
                    tried.set(None);
                }>"As they were"</button>
            </p>
            <div role="status" id="what-if-answer">
                {move || match tried.get() {
                    None => view! { <p class="muted">{format!("As it was: {}.", with_unit(recommended.clone(), &unit.get_value().0))}</p> }.into_any(),
                    Some(Err(reason)) => view! { <p class="note note-bad">{reason}</p> }.into_any(),
                    Some(Ok(tried)) => {
                        let (rule_unit, output_unit) = unit.get_value();
                        view! {
                            <p class="sentence" data-testid="what-if-recommended">
                                {format!("The model would say {}, and the rule would make that {}.", with_unit(number(tried.output), &output_unit), with_unit(tried.recommended, &rule_unit))}
                            </p>
                            <Waterfall bars=tried.bars baseline=tried.baseline output=tried.output unit=output_unit/>
                        }
                        .into_any()
                    }
                }}
            </div>
            </div>
        </details>
    }
}

/// One input's field. What is typed is not written back, so that a number can be entered digit by digit.
#[component]
fn WhatIfField<F>(range: InputRange, value: Option<f64>, set: F) -> impl IntoView
where
    F: Fn(String, Option<f64>) + Copy + Send + Sync + 'static,
{
    let id = format!("what-if-{}", range.name);
    let name = range.name.clone();
    let step = if range.whole { "1" } else { "any" };
    let hint = format!("from {} to {}", number(range.low), with_unit(number(range.high), &range.unit));
    let hint_id = format!("{id}-hint");
    view! {
        <div class="field">
            <label for=id.clone()>{range.label.clone()}</label>
            <input
                id=id
                type="number"
                inputmode="decimal"
                step=step
                value=value.map(|value| value.to_string()).unwrap_or_default()
                aria-describedby=hint_id.clone()
                on:input=move |event| {
                    let text = event_target_value(&event);
                    set(name.clone(), text.trim().parse().ok().filter(|value: &f64| value.is_finite()));
                }
            />
            <p class="field-hint" id=hint_id>{hint}</p>
        </div>
    }
}
