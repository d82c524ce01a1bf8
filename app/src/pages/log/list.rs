//! The log, newest entries first, with the checkpoint that covers all of them.

use leptos::prelude::*;
use leptos_meta::Title;
use leptos_router::hooks::use_query_map;

use crate::{
    api,
    components::{Copy, EmptyState, Fold, Loaded, Moment, PageHead, ProofCard, ProofLine, Section},
    shell,
    views::{EntrySummary, LogView},
};

#[component]
pub fn LogPage() -> impl IntoView {
    let query = use_query_map();
    let before = Memo::new(move |_| query.read().get("before").and_then(|index| index.parse::<u64>().ok()));
    let live = shell::live();
    let log = Resource::new(move || (before.get(), live.get()), |(before, _)| api::log(before));
    view! {
        <Title text="Log"/>
        <PageHead kicker="What cannot be rewritten unseen" title="Log">
            <p class="lede">"Every decision, vote result, execution and outcome becomes an entry here. A signed checkpoint covers all entries; leaving one out or changing one would show."</p>
        </PageHead>
        <Loaded from=log let:log>
            <Entries log first=before.get_untracked().is_none()/>
        </Loaded>
    }
}

#[component]
fn Entries(log: LogView, first: bool) -> impl IntoView {
    let rows = log.entries.into_iter().map(|entry| view! { <Row entry/> }).collect_view();
    let empty = log.size == 0;
    let lines = vec![
        ProofLine::new("Entries", log.size.to_string()),
        ProofLine::new("Root hash", log.root),
        ProofLine::new("Origin", log.origin),
        ProofLine::new("Verifier key", log.vkey.clone()),
    ];
    view! {
        <Section id="entries" title="Entries" note="Newest first. Each has a page with its proof.">
            {if empty {
                view! { <EmptyState title="Nothing has been written yet."/> }.into_any()
            } else {
                view! {
                    <div class="scroll" tabindex="0" role="group" aria-label="Log entries">
                        <table class="table" id="log-entries">
                            <thead><tr><th scope="col" class="num">"Entry"</th><th scope="col">"Kind"</th><th scope="col">"What it says"</th><th scope="col">"When"</th></tr></thead>
                            <tbody>{rows}</tbody>
                        </table>
                    </div>
                }.into_any()
            }}
            <nav class="pager" aria-label="Pages of the log">
                {(!first).then(|| view! { <a href="/log">"Newest entries"</a> })}
                {log.older.map(|older| view! { <a href=format!("/log?before={older}") id="older-entries">"Older entries"</a> })}
            </nav>
        </Section>
        <Section id="checkpoint" title="Checkpoint" note="A signed note (C2SP). Any tlog verifier can check it.">
            <ProofCard title="What the log signs" lines>
                <Fold summary="The signed checkpoint">
                    <pre class="code" tabindex="0">{log.checkpoint.clone()}</pre>
                    <p><Copy value=log.checkpoint/></p>
                </Fold>
                <p class="small">
                    <a href="/log/checkpoint" rel="external">"/log/checkpoint"</a>" and "<a href="/log/vkey" rel="external">"/log/vkey"</a>
                    " serve the same to machines; the command line checks the whole log: "
                    <code>"wherefore verify"</code>
                </p>
            </ProofCard>
        </Section>
    }
}

#[component]
fn Row(entry: EntrySummary) -> impl IntoView {
    view! {
        <tr>
            <th scope="row" class="num"><a href=format!("/log/{}", entry.index)>{entry.index}</a></th>
            <td>{entry.kind}</td>
            <td>{match entry.subject {
                Some(subject) => view! { <a href=subject>{entry.sentence}</a> }.into_any(),
                None => view! { {entry.sentence} }.into_any(),
            }}</td>
            <td><Moment at=entry.at brief=true/></td>
        </tr>
    }
}
