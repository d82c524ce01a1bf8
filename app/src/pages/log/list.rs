//! The log: what is looked for in it, what was found, newest first, and what keeps it honest.

use leptos::prelude::*;
use leptos_meta::Title;
use leptos_router::hooks::use_query_map;

use super::{
    anchored::{Anchored, Asked},
    honest::Honest,
    memory::{Alarmed, Memory},
    search::{Chips, SearchForm, one_of_kind},
};
use crate::{
    api,
    components::{Copy, EmptyState, Fold, Loaded, Moment, PageHead, ProofCard, ProofLine, Section},
    plots::LogGrowth,
    shell,
    views::{EntrySummary, LogFilter, LogView, Site},
};

#[component]
pub fn LogPage() -> impl IntoView {
    let query = use_query_map();
    let before = Memo::new(move |_| query.read().get("before").and_then(|index| index.parse::<u64>().ok()));
    let asked = Memo::new(move |_| query.with(|query| LogFilter::read(|name| query.get(name))));
    let live = shell::live();
    let log = Resource::new(move || (asked.get().0, before.get(), live.get()), |(filter, before, _)| api::log(filter, before));
    // What there is to choose from is not read again while somebody chooses.
    let choices = Resource::new(|| (), |()| api::log_choices());
    let anchor: Asked = RwSignal::new(None);
    let shown = RwSignal::new(None::<(String, String)>);
    Effect::new(move |_| {
        let now = log.get().and_then(Result::ok).map(|log| (log.checkpoint, log.vkey));
        if shown.with_untracked(Option::is_none) && now.is_some() {
            shown.set(now);
        }
    });
    let told = RwSignal::new(None);
    view! {
        <Title text="Log"/>
        <Alarmed told/>
        <PageHead kicker="What cannot be rewritten unseen" title="Log">
            <p class="lede">"Every decision, vote result, execution and outcome becomes an entry here. A signed checkpoint covers all entries; leaving one out or changing one would show."</p>
            <nav aria-label="On this page">
                <p class="meta">
                    <a href="#honest" rel="external">"What keeps it honest"</a>
                    <a href="#checkpoint" rel="external">"The checkpoint"</a>
                    <a href="#memory" rel="external">"What you saw before"</a>
                </p>
            </nav>
        </PageHead>
        <Transition fallback=|| view! { <p class="muted">"One moment…"</p> }>
            {move || {
                let (filter, wrong) = asked.get();
                Suspend::new(async move {
                    let choices = choices.await.unwrap_or_default();
                    view! {
                        <div class="stack">
                            <SearchForm filter=filter.clone() wrong choices=choices.clone()/>
                            <Chips filter choices/>
                        </div>
                    }
                })
            }}
        </Transition>
        <Loaded from=log let:log>
            <Found log first=before.get_untracked().is_none() left_out=!asked.get_untracked().1.is_empty() anchor/>
        </Loaded>
        <Memory shown told/>
    }
}

#[component]
fn Found(
    log: LogView,
    first: bool,
    /// Whether a condition could not be read.
    left_out: bool,
    anchor: Asked,
) -> impl IntoView {
    let filter = log.filter.clone();
    let rows: Vec<_> = log.entries.iter().cloned().map(|entry| view! { <Row signed=entry.index < log.size entry/> }.into_any()).collect();
    let table = if rows.is_empty() { view! { <Nothing log=log.clone() first/> }.into_any() } else { view! { <Table rows/> }.into_any() };
    let older = log.older.map(|older| {
        (filter.address("/log", &format!("before={older}")), if log.entries.is_empty() { "Look further back" } else { "Older entries" })
    });
    let newest = (!first).then(|| filter.address("/log", ""));
    let exports = [("jsonl", "JSON Lines"), ("csv", "CSV")].map(|(ending, word)| {
        let href = filter.address(&format!("/api/v1/log/export.{ending}"), "");
        view! { <li><a href=href rel="external" download="">{word}</a></li> }
    });
    let count = counted(&log, left_out);
    let keepers = view! { <Honest log=log.clone()/> };
    let site = use_context::<Site>();
    let newest_anchor = log.assurance.anchors.iter().max_by_key(|anchor| anchor.size).cloned();
    let anchored = newest_anchor.zip(site).map(|(newest, site)| {
        view! { <Anchored anchor=newest checkpoint=log.checkpoint.clone() vkey=log.vkey.clone() index=None asked=anchor site/> }
    });
    let growth = (log.growth.len() > 1).then(|| view! { <LogGrowth growth=log.growth.clone() anchors=log.assurance.anchors.clone()/> });
    let checkpoint = view! { <CheckpointCard log=log.clone()/> };
    view! {
        <Section id="entries" title="Entries" note="Newest first. Each has a page with its proof.">
            <p role="status" id="log-count" class="small muted">{count}</p>
            {table}
            {(newest.is_some() || older.is_some()).then(|| view! {
                <nav class="pager" aria-label="Pages of the log">
                    {newest.map(|href| view! { <a href=href>"Newest entries"</a> })}
                    {older.map(|(href, words)| view! { <a href=href id="older-entries">{words}</a> })}
                </nav>
            })}
            <div class="spread small">
                <span class="muted">"Take them away, with bodies and proofs:"</span>
                <ul class="plot-files" id="log-exports">{exports}</ul>
            </div>
        </Section>
        <Section id="honest" title="What keeps it honest" note="Who would notice if it were rewritten.">
            {keepers}
            {growth}
            {anchored.map(|anchored| view! { <div class="stack"><h3>"The newest anchor"</h3>{anchored}</div> })}
        </Section>
        <Section id="checkpoint" title="Checkpoint" note="The log's signature over all of its entries.">
            {checkpoint}
        </Section>
    }
}

/// How many were found, and what was not looked at.
fn counted(log: &LogView, left_out: bool) -> String {
    let entries = |count: u64| if count == 1 { "1 entry".to_owned() } else { format!("{count} entries") };
    let found = if log.filter.is_empty() {
        // While witnesses are awaited, or the log is read-only, something may be written that nothing signed covers.
        match log.found.saturating_sub(log.size) {
            0 => format!("{} in all.", entries(log.size)),
            more => format!("{} in all, and {more} more that no signed checkpoint covers yet.", entries(log.size)),
        }
    } else {
        format!("{} found, of {}.", entries(log.found), log.size)
    };
    let window = log
        .searched_from
        .map_or_else(String::new, |from| format!(" Words were looked for from entry {from} on; older pages look further back."));
    let left_out = if left_out { " A condition that could not be read was left out." } else { "" };
    format!("{found}{window}{left_out}")
}

#[component]
fn Nothing(log: LogView, first: bool) -> impl IntoView {
    if log.size == 0 {
        return view! { <EmptyState title="Nothing has been written yet."><p>"The first decision, proposal or engine's report will stand here."</p></EmptyState> }.into_any();
    }
    let title = if first { "No entry matches." } else { "No older entry matches." };
    view! {
        <EmptyState title=title>
            <p>"Take a condition away above, or "<a href="/log">"show all entries"</a>"."</p>
        </EmptyState>
    }
    .into_any()
}

#[component]
fn Table(rows: Vec<AnyView>) -> impl IntoView {
    view! {
        <div class="scroll" tabindex="0" role="group" aria-label="Log entries">
            // On a narrow screen its cells stand below each other, which would take their roles from them.
            <table class="table log-table" id="log-entries" role="table">
                <thead role="rowgroup"><tr role="row">
                    <th scope="col" role="columnheader" class="num">"Entry"</th>
                    <th scope="col" role="columnheader">"Kind"</th>
                    <th scope="col" role="columnheader">"What it says"</th>
                    <th scope="col" role="columnheader">"When"</th>
                </tr></thead>
                <tbody role="rowgroup">{rows}</tbody>
            </table>
        </div>
    }
}

#[component]
fn CheckpointCard(log: LogView) -> impl IntoView {
    let lines = vec![
        ProofLine::new("Entries", log.size.to_string()),
        ProofLine::new("Root hash", log.root),
        ProofLine::new("Origin", log.origin),
        ProofLine::new("Verifier key", log.vkey.clone()),
    ];
    view! {
        <ProofCard title="What the log signs" lines>
            <Fold summary="The signed checkpoint">
                <pre class="code" tabindex="0">{log.checkpoint.clone()}</pre>
                <p><Copy value=log.checkpoint/></p>
            </Fold>
            <p class="small">
                "The root hash is computed from every entry: change one byte of one of them, and it is another. The key's holder signs size and root as a C2SP signed note, which any verifier of transparency logs can check."
            </p>
            <p class="small">
                <a href="/log/checkpoint" rel="external">"/log/checkpoint"</a>" and "<a href="/log/vkey" rel="external">"/log/vkey"</a>
                " serve the same to machines; the command line checks the whole log: "
                <code>"wherefore verify"</code>
            </p>
        </ProofCard>
    }
}

#[component]
fn Row(
    entry: EntrySummary,
    /// Whether a checkpoint covers it: only then has it a page with a proof.
    signed: bool,
) -> impl IntoView {
    let index = if signed {
        view! { <a href=format!("/log/{}", entry.index)>{entry.index}</a> }.into_any()
    } else {
        view! { <span class="muted">{entry.index}<span class="visually-hidden">", not signed yet"</span></span> }.into_any()
    };
    view! {
        <tr role="row">
            <th scope="row" role="rowheader" class="num">{index}</th>
            <td role="cell" class="log-kind">{one_of_kind(&entry.kind)}</td>
            <td role="cell" class="log-says">{match entry.subject {
                Some(subject) => view! { <a href=subject>{entry.sentence}</a> }.into_any(),
                None => view! { {entry.sentence} }.into_any(),
            }}</td>
            <td role="cell" class="log-when"><Moment at=entry.at brief=true/></td>
        </tr>
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::views::Assurance;

    #[test]
    fn entries_that_nothing_signed_covers_are_counted_apart() {
        let mut log = LogView {
            size: 5,
            root: String::new(),
            origin: String::new(),
            vkey: String::new(),
            checkpoint: String::new(),
            entries: vec![],
            older: None,
            found: 5,
            filter: LogFilter::default(),
            searched_from: None,
            growth: vec![],
            assurance: Assurance::default(),
        };
        assert_eq!(counted(&log, false), "5 entries in all.");
        log.found = 7;
        assert_eq!(counted(&log, false), "5 entries in all, and 2 more that no signed checkpoint covers yet.");
        log.filter.kind = "verdict".into();
        log.found = 1;
        assert_eq!(counted(&log, true), "1 entry found, of 5. A condition that could not be read was left out.");
    }
}
