//! A parameter's form field, made from its definition, with the limits shown and checked as one types.

use governance::parameter::{Kind, Value};
use leptos::prelude::*;

use super::{
    desk::{Desk, Field},
    time_field,
};
use crate::components::{ParameterValue, date_time};

/// Every parameter of every engine: chosen ones open their field.
#[component]
pub fn ParameterFields(desk: Desk) -> impl IntoView {
    let now = desk.site.with_value(|site| site.chain_time);
    let engines = desk.engines.get_value();
    engines
        .into_iter()
        .map(|engine| {
            let fields: Vec<_> = desk
                .fields
                .get_value()
                .into_iter()
                .filter(|field| field.engine == engine.id)
                .map(|field| view! { <li><ParameterField field now/></li> })
                .collect();
            view! {
                <fieldset class="fieldset">
                    <legend>{format!("Parameters of {}", engine.name)}</legend>
                    <ul class="draft-fields">{fields}</ul>
                </fieldset>
            }
        })
        .collect_view()
}

#[component]
fn ParameterField(field: Field, now: u64) -> impl IntoView {
    let id = format!("value-{}", field.view.key);
    let (hint_id, error_id) = (format!("{id}-hint"), format!("{id}-error"));
    let chosen = field.chosen;
    let shown_current = if field.view.kind == "time" {
        field.current.parse().map_or_else(|_| field.current.clone(), date_time)
    } else {
        field.current.clone()
    };
    let unit = field.view.unit.clone();
    let refusal = {
        let field = field.clone();
        Memo::new(move |_| field.chosen.get().then(|| field.refusal(now)).flatten())
    };
    let bounds = format!("Allowed: {}.", limits(&field));
    let open = {
        let field = field.clone();
        let (id, hint_id, error_id) = (id.clone(), hint_id, error_id);
        move || {
            chosen.get().then(|| {
                view! {
                    <div class="field draft-field">
                        <label for=id.clone()>{format!("New {}", field.view.label.to_lowercase())}</label>
                        <Control field=field.clone() id=id.clone() described=format!("{hint_id} {error_id}") invalid=refusal/>
                        <p class="field-hint" id=hint_id.clone()>{bounds.clone()}</p>
                        <p class="field-error" id=error_id.clone() role="status">{move || refusal.get()}</p>
                    </div>
                }
            })
        }
    };
    view! {
        <label class="choice">
            <input
                type="checkbox"
                data-testid=format!("change-{}", field.view.key)
                checked=chosen.get_untracked()
                prop:checked=move || chosen.get()
                on:change=move |event| chosen.set(event_target_checked(&event))
            />
            <span class="draft-parameter">
                <b>{field.view.label.clone()}</b>
                <span class="small muted">"now "<ParameterValue kind=field.view.kind.clone() value=shown_current/>" "{unit}</span>
            </span>
        </label>
        {open}
    }
}

/// The limits in words; moments as dates.
fn limits(field: &Field) -> String {
    let definition = &field.view.definition;
    match definition.kind {
        Kind::Time => {
            let moment = |raw: i128| u64::try_from(raw).map_or_else(|_| raw.to_string(), date_time);
            format!("between {} and {}", moment(definition.min), moment(definition.max))
        }
        _ => field.view.bounds.clone(),
    }
}

#[component]
fn Control(field: Field, id: String, described: String, invalid: Memo<Option<String>>) -> impl IntoView {
    let typed = field.typed;
    let definition = field.view.definition.clone();
    let aria_invalid = move || invalid.with(Option::is_some).then_some("true");
    match definition.kind {
        Kind::Choice => {
            let options = definition
                .options
                .into_iter()
                .map(|option| {
                    let selected = typed.get_untracked() == option;
                    view! { <option value=option.clone() selected=selected>{option.clone()}</option> }
                })
                .collect_view();
            view! {
                <select id=id aria-describedby=described aria-invalid=aria_invalid prop:value=move || typed.get() on:change=move |event| typed.set(event_target_value(&event))>
                    {options}
                </select>
            }
            .into_any()
        }
        Kind::Toggle => view! {
            <span class="choice">
                <input
                    id=id
                    type="checkbox"
                    role="switch"
                    aria-describedby=described
                    aria-invalid=aria_invalid
                    checked=typed.get_untracked() == "on"
                    prop:checked=move || typed.get() == "on"
                    on:change=move |event| typed.set(if event_target_checked(&event) { "on" } else { "off" }.to_owned())
                />
                <span>{move || typed.get()}</span>
            </span>
        }
        .into_any(),
        Kind::Integer | Kind::Decimal => {
            let number = |raw: i128| {
                match definition.kind {
                    Kind::Integer => Value::Integer(raw),
                    _ => Value::Decimal(raw),
                }
                .display(&definition)
            };
            // A half-typed number such as "1." has no value, so what is typed is never written back.
            let step = if definition.kind == Kind::Integer { "1".to_owned() } else { number(1) };
            view! {
                <span class="draft-number">
                    <input
                        id=id
                        type="number"
                        inputmode="decimal"
                        min=number(definition.min)
                        max=number(definition.max)
                        step=step
                        aria-describedby=described
                        aria-invalid=aria_invalid
                        value=typed.get_untracked()
                        on:input=move |event| typed.set(event_target_value(&event))
                    />
                    <span class="muted">{definition.unit.clone()}</span>
                </span>
            }
            .into_any()
        }
        Kind::Colour => view! {
            <span class="draft-number">
                <input
                    type="color"
                    aria-label="Pick the colour"
                    prop:value=move || typed.get().to_lowercase()
                    on:input=move |event| typed.set(event_target_value(&event).to_uppercase())
                />
                <input
                    id=id
                    type="text"
                    spellcheck="false"
                    aria-describedby=described
                    aria-invalid=aria_invalid
                    value=typed.get_untracked()
                    prop:value=move || typed.get()
                    on:input=move |event| typed.set(event_target_value(&event))
                />
            </span>
        }
        .into_any(),
        Kind::Time => {
            let moment = move || typed.get().parse().map(time_field::field_value).unwrap_or_default();
            let bound = |raw: i128| u64::try_from(raw).map(time_field::field_value).unwrap_or_default();
            view! {
                <span class="draft-number">
                    <input
                        id=id
                        type="datetime-local"
                        min=bound(definition.min)
                        max=bound(definition.max)
                        aria-describedby=described
                        aria-invalid=aria_invalid
                        prop:value=moment
                        on:change=move |event| typed.set(time_field::unix_seconds(&event_target_value(&event)).map(|at| at.to_string()).unwrap_or_default())
                    />
                    <span class="small muted">{move || format!("UTC; unix second {}", typed.get())}</span>
                </span>
            }
            .into_any()
        }
        Kind::Text => {
            let most = definition.max;
            view! {
                <input
                    id=id
                    type="text"
                    aria-describedby=described
                    aria-invalid=aria_invalid
                    value=typed.get_untracked()
                    prop:value=move || typed.get()
                    on:input=move |event| typed.set(event_target_value(&event))
                />
                <span class="small muted num">{move || format!("{} of {most} bytes", typed.get().len())}</span>
            }
            .into_any()
        }
    }
}
