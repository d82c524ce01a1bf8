//! The record itself: what the agent knew, its model, and where the record is bound in.

use governance::explanation::{DecisionRecord, summary::value_text};
use leptos::prelude::*;

use crate::{
    components::{Address, BindingBadge, Hash},
    plots::number::number,
    views::{DecisionView, Party},
};

#[component]
pub fn Inputs(record: DecisionRecord) -> impl IntoView {
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
pub fn ModelFacts(record: DecisionRecord, url: Option<String>, background_url: Option<String>) -> impl IntoView {
    let model = record.model;
    let metrics = model
        .metrics
        .iter()
        .map(|metric| format!("{} {} {}", metric.name, number(metric.value), metric.unit))
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
            {record.baseline.background.map(|background| view! {
                <dt>"Background"</dt>
                <dd>
                    {format!("{} rows: {} ", background.rows, background.description)}
                    {background_url.map(|url| view! { <a href=url rel="external">"Fetch it"</a> })}
                    <Hash value=background.sha256/>
                </dd>
            })}
        </dl>
    }
}

#[component]
pub fn Bound(view: DecisionView) -> impl IntoView {
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
