//! What auditors said of a decision on chain, and a form to say something oneself.

use leptos::prelude::*;

use crate::{
    browser::{VerdictBox, VerdictDraft},
    components::{Address, EmptyState, Glyph, Icon, Moment},
    pages::log::verdict_words,
    views::{DecisionView, Site, VerdictView},
};

#[component]
pub fn Verdicts(view: DecisionView, draft: VerdictDraft, site: Option<Site>) -> impl IntoView {
    let empty = view.verdicts.is_empty();
    let rows: Vec<_> = view.verdicts.into_iter().map(|verdict| view! { <One verdict/> }).collect();
    let list = if empty {
        let words = if view.validations.is_some() {
            "Whoever recomputed it can be the first to say what they found."
        } else {
            "This DAO has no contract for verdicts. Recomputing here shows you the same as an auditor would see."
        };
        view! { <EmptyState title="No auditor has published a verdict."><p>{words}</p></EmptyState> }.into_any()
    } else {
        view! { <ul class="votes" id="verdicts-list">{rows}</ul> }.into_any()
    };
    let form = view.validations.zip(site).map(|(contract, site)| {
        view! { <VerdictBox digest=view.summary.digest contract draft site/> }
    });
    view! { {list}{form} }
}

#[component]
fn One(verdict: VerdictView) -> impl IntoView {
    let (class, glyph) = match verdict.verdict.as_str() {
        "holds" => ("badge badge-good", Glyph::Check),
        "fails" => ("badge badge-bad", Glyph::Cross),
        _ => ("badge badge-now", Glyph::Dash),
    };
    let listed = if verdict.listed { "listed by the DAO" } else { "not listed by the DAO" };
    let report = verdict.report.map(|report| {
        let opens = report.starts_with("https://") || report.starts_with("http://");
        if opens {
            view! { <span><a href=report rel="external nofollow noopener">"Read the report"</a></span> }.into_any()
        } else {
            view! { <span>"Report: "<code class="hash">{report}</code></span> }.into_any()
        }
    });
    view! {
        <li data-testid="verdict">
            <div class="stack stack-tight">
                <Address party=verdict.auditor/>
                <p class="meta">
                    <span>{listed}</span>
                    <span><Moment at=verdict.at brief=true/></span>
                    {report}
                    {verdict.entry.map(|index| view! { <span><a href=format!("/log/{index}")>{format!("Log entry {index}")}</a></span> })}
                </p>
            </div>
            <div><span class=class title=format!("{} of 100", verdict.response)><Icon glyph class=""/>{verdict_words(&verdict.verdict)}</span></div>
        </li>
    }
}
