//! Parameters on the move: what each was, what it becomes, drawn by its type.

use leptos::prelude::*;

use super::icon::{Glyph, Icon};
use crate::views::ChangeLine;

/// `small` is for lists, where the change is a detail of something else.
#[component]
pub fn ParameterDiff(changes: Vec<ChangeLine>, #[prop(optional)] small: bool) -> impl IntoView {
    let rows: Vec<_> = changes
        .into_iter()
        .map(|change| {
            let href = format!("/parameters/{}#{}", change.engine, change.key);
            view! {
                <li>
                    <div class="diff-key">
                        <b><a href=href>{change.label}</a></b>
                        <code>{change.key}</code>
                    </div>
                    <div class="diff-move">
                        <span class="diff-from">
                            <span class="visually-hidden">"from "</span>
                            <ParameterValue kind=change.kind.clone() value=change.from/>
                        </span>
                        <Icon glyph=Glyph::Arrow class="diff-arrow"/>
                        <span class="diff-to">
                            <span class="visually-hidden">"to "</span>
                            <ParameterValue kind=change.kind value=change.to/>
                        </span>
                        {(!change.unit.is_empty()).then(|| view! { <span class="diff-unit">{change.unit}</span> })}
                    </div>
                    {change.refusal.map(|why| view! { <p class="field-error">"The contract would refuse this now: "{why}</p> })}
                </li>
            }
        })
        .collect();
    view! { <ul class=if small { "diff diff-small" } else { "diff" }>{rows}</ul> }
}

/// A value with its swatch or switch, where its type has one.
#[component]
pub fn ParameterValue(#[prop(into)] kind: String, #[prop(into)] value: String) -> impl IntoView {
    let mark = match kind.as_str() {
        "colour" => Some(
            view! {
                <svg class="swatch" viewBox="0 0 10 10" aria-hidden="true"><rect width="10" height="10" fill=value.clone()/></svg>
            }
            .into_any(),
        ),
        "toggle" => {
            let on = matches!(value.as_str(), "true" | "on" | "yes" | "1");
            Some(
                view! {
                    <svg class=if on { "switch switch-on" } else { "switch" } viewBox="0 0 20 11" aria-hidden="true">
                        <rect x="1" y="1" width="18" height="9" rx="4.5"/>
                        <circle cx=if on { "14.5" } else { "5.5" } cy="5.5" r="3"/>
                    </svg>
                }
                .into_any(),
            )
        }
        _ => None,
    };
    let words = match (kind.as_str(), value.as_str()) {
        ("toggle", "true") => "on".to_owned(),
        ("toggle", "false") => "off".to_owned(),
        ("time", at) => at.parse().map_or_else(|_| value.clone(), governance::calendar::date_time),
        ("text", "") => "(empty)".to_owned(),
        ("text", text) => format!("“{text}”"),
        _ => value,
    };
    view! { {mark}<span>{words}</span> }
}
