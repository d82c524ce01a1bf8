//! The way of a change, verb by verb: what is done, what is happening, what comes next.

use leptos::prelude::*;

use super::{
    address::Hash,
    moment::{Countdown, Moment},
    section::Fold,
};
use crate::views::TimelineStep;

#[component]
pub fn StateTimeline(steps: Vec<TimelineStep>) -> impl IntoView {
    let rows: Vec<_> = steps
        .into_iter()
        .map(|step| {
            let class = format!("timeline-{}", step.status);
            let current = (step.status == "now").then_some("step");
            let spoken = match step.status.as_str() {
                "done" => "Done: ",
                "now" => "Now: ",
                "failed" => "Ended here: ",
                _ => "Later: ",
            };
            let counts_down = matches!(step.status.as_str(), "now" | "next");
            view! {
                <li class=class aria-current=current>
                    <Mark status=step.status.clone()/>
                    <div class="timeline-step">
                        <p class="timeline-verb">{step.verb}</p>
                        <h3><span class="visually-hidden">{spoken}</span>{step.label}</h3>
                        {step.at.map(|at| view! { <p class="muted"><Moment at/></p> })}
                        {step.until.filter(|_| counts_down).map(|until| view! {
                            <p><Countdown until label="in" past="any moment now"/></p>
                        })}
                        {(!step.detail.is_empty()).then(|| view! { <p>{step.detail}</p> })}
                        {step.transaction.map(|hash| view! { <Fold summary="Transaction"><Hash value=hash/></Fold> })}
                    </div>
                </li>
            }
        })
        .collect();
    view! { <ol class="timeline">{rows}</ol> }
}

#[component]
fn Mark(status: String) -> impl IntoView {
    let inner = match status.as_str() {
        "done" => view! {
            <circle cx="12" cy="12" r="9" fill="currentColor"/>
            <path class="timeline-tick" d="M7.800 12.300l2.900 2.900 5.500-6" fill="none" stroke-width="2" stroke-linecap="round" stroke-linejoin="round"/>
        }
        .into_any(),
        "now" => view! {
            <circle cx="12" cy="12" r="9.500" fill="none" stroke="currentColor" stroke-width="2"/>
            <circle cx="12" cy="12" r="5" fill="currentColor"/>
        }
        .into_any(),
        "failed" => view! {
            <circle cx="12" cy="12" r="9" fill="currentColor"/>
            <path class="timeline-tick" d="M8.500 8.500l7 7M15.500 8.500l-7 7" fill="none" stroke-width="2" stroke-linecap="round"/>
        }
        .into_any(),
        _ => view! { <circle cx="12" cy="12" r="6" fill="none" stroke="currentColor" stroke-width="1.500"/> }.into_any(),
    };
    view! { <svg class="timeline-mark" viewBox="0 0 24 24" aria-hidden="true">{inner}</svg> }
}
