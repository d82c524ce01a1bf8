//! One entry of the log: what it says, its exact bytes, its body, its proof and its anchor, all checked as the page wakes.

use governance::{log::Entry, onchain::B256};
use leptos::prelude::*;
use leptos_meta::Title;
use leptos_router::hooks::use_params_map;
use serde_json::Value as Json;

use super::{
    anchored::{Anchored, Asked},
    bundle::Bundle,
    memory::{Alarmed, Memory},
    search::one_of_kind,
    steps::{Came, Checks, Step, check, check_actor},
};
use crate::{
    AppError, api,
    browser::outside,
    components::{Copy, EmptyState, Fold, Loaded, Moment, PageHead, ProofCard, ProofLine, Section},
    shell,
    views::{EntrySummary, EntryView, Site},
};

#[component]
pub fn EntryPage() -> impl IntoView {
    let params = use_params_map();
    let index = Memo::new(move |_| params.read().get("index").unwrap_or_default());
    let live = shell::live();
    let entry = Resource::new(
        move || (index.get(), live.get()),
        |(index, _)| async move {
            match index.parse() {
                Ok(index) => api::entry(index).await,
                Err(_) => Err(AppError::NotFound(format!("Log entry {index}"))),
            }
        },
    );
    let asked: Asked = RwSignal::new(None);
    let shown = RwSignal::new(None::<(String, String)>);
    Effect::new(move |before: Option<String>| {
        let now = index.get();
        if before.is_some_and(|before| before != now) {
            asked.set(None);
        }
        now
    });
    Effect::new(move |_| {
        let now = entry.get().and_then(Result::ok).map(|view| (view.proof.checkpoint, view.vkey));
        if shown.with_untracked(Option::is_none) && now.is_some() {
            shown.set(now);
        }
    });
    let told = RwSignal::new(None);
    view! {
        <Alarmed told/>
        <Loaded from=entry let:view>
            <LogEntry view asked/>
        </Loaded>
        <Memory shown told/>
    }
}

/// The decision that an entry is about, if it names one.
fn decision_of(leaf: &str) -> Option<String> {
    let entry = Entry::parse(leaf.as_bytes()).ok()?;
    let named = ["digest", "decision", "decisionDigest"].into_iter().find_map(|name| entry.facts.get(name).and_then(Json::as_str));
    // Only what is a digest becomes part of an address.
    let digest: B256 = named?.parse().ok()?;
    named.filter(|named| **named == digest.to_string()).map(str::to_owned)
}

/// Where the link to an entry's subject leads.
fn opens(kind: &str) -> &'static str {
    match kind {
        "decision" | "outcome" => "Open the decision",
        "verdict" => "Open the decision and all verdicts on it",
        "review" => "Open the draft",
        "proposal" | "queueing" | "execution" => "Open the proposal",
        "tally" => "Open the proposal and its votes",
        "application" => "Open the engine",
        "correction" => "Open the entry that it corrects",
        "erasure" => "Open the entry whose body is gone",
        _ => "Open what it is about",
    }
}

#[component]
fn LogEntry(view: EntryView, asked: Asked) -> impl IntoView {
    let EntrySummary { index, kind, sentence, at, subject, .. } = view.summary.clone();
    let path: Vec<_> = view.proof.path.iter().map(|hash| view! { <li class="hash">{hash.to_base64()}</li> }).collect();
    let lines = vec![
        ProofLine::new("Leaf hash", view.proof.leaf.to_base64()),
        ProofLine::new("Place", format!("{index} of {}, counted from 0", view.proof.size)),
        ProofLine::new("Verifier key", view.vkey.clone()),
    ];
    let bytes = view.leaf.len();
    let (leaf, checkpoint) = (view.leaf.clone(), view.proof.checkpoint.clone());
    let body = view! { <Body view=view.clone()/> };
    let has_body = view.body.is_some() || view.body_missing.is_some();
    let links = (!view.refs.is_empty() || !view.referred_by.is_empty())
        .then(|| view! { <References refs=view.refs.clone() referred_by=view.referred_by.clone()/> });
    let anchor = view! { <Anchor view=view.clone() asked/> };
    let bundle = decision_of(&view.leaf).map(|digest| view! { <Bundle digest vkey=Some(view.vkey.clone())/> });
    let neighbours =
        [index.checked_sub(1).map(|index| (index, "Earlier entry")), (index + 1 < view.proof.size).then_some((index + 1, "Later entry"))]
            .map(|neighbour| neighbour.map(|(index, words)| view! { <a href=format!("/log/{index}")>{words}</a> }));
    let registry = use_context::<Site>().map(|site| site.dao.registry).unwrap_or_default();
    let here = view! { <CheckHere view registry/> };
    view! {
        <Title text=format!("Log entry {index}")/>
        <PageHead kicker=format!("Log entry {index}: {}", one_of_kind(&kind).to_lowercase()) title=sentence>
            <p class="meta"><Moment at/></p>
            {subject.map(|subject| view! { <p><a href=subject>{opens(&kind)}</a></p> })}
        </PageHead>
        <Section id="check" title="Is it really there?" note="Checked in your browser, with nothing but the text, the proof and the log's key.">
            {here}
        </Section>
        <Section id="leaf" title="Exactly what was written" note=format!("{bytes} bytes. Large bodies are named here by their hash.")>
            <pre class="code" tabindex="0" id="leaf-text">{leaf}</pre>
            {links}
            <nav class="pager" aria-label="Neighbouring entries">{neighbours}</nav>
        </Section>
        {has_body.then(|| view! {
            <Section id="body" title="The body" note="What the entry names by its fingerprint, as far as it is kept.">
                {body}
            </Section>
        })}
        <Section id="proof" title="The proof" note="Keep it: it can be checked offline, years from now.">
            <ProofCard title="Inclusion" lines>
                <Fold summary=format!("Neighbouring hashes, from the leaf up ({})", path.len())>
                    <ol id="inclusion-path">{path}</ol>
                </Fold>
                <Fold summary="The signed checkpoint">
                    <pre class="code" tabindex="0">{checkpoint.clone()}</pre>
                    <p><Copy value=checkpoint/></p>
                </Fold>
                <p class="small"><a href=format!("/api/v1/log/{index}/proof") rel="external">"The proof for programs"</a></p>
            </ProofCard>
            {bundle}
        </Section>
        <Section id="anchor" title="On the chain" note="What the chain holds, nobody can rewrite: neither the bridge nor whoever has its key.">
            {anchor}
        </Section>
    }
}

#[component]
fn References(refs: Vec<EntrySummary>, referred_by: Vec<EntrySummary>) -> impl IntoView {
    let list = |title: &'static str, id: &'static str, entries: Vec<EntrySummary>| {
        let rows: Vec<_> = entries
            .into_iter()
            .map(|entry| view! { <li><a href=format!("/log/{}", entry.index)>{format!("Entry {}", entry.index)}</a>{format!(": {}", entry.sentence)}</li> })
            .collect();
        (!rows.is_empty()).then(
            || view! { <div class="stack stack-tight" id=id><h3>{title}</h3><ul class="plain-list stack stack-tight">{rows}</ul></div> },
        )
    };
    let (forward, backward) = (list("It refers to", "refers-to", refs), list("Later entries refer to it", "referred-by", referred_by));
    view! { <div class="grid">{forward}{backward}</div> }
}

#[component]
fn Body(view: EntryView) -> impl IntoView {
    let link = view.body_href.map(|href| view! { <p><a href=href rel="external" download="">"Download the body's bytes"</a></p> });
    let salt = (!view.body_salt.is_empty()).then(|| view! { <p class="small">"Its fingerprint is over a salt and the body. The salt: "<code class="hash">{view.body_salt}</code></p> });
    let text = view.body.map(|text| view! { <pre class="code" tabindex="0" id="body-text">{text}</pre> });
    let missing = view.body_missing.map(|why| view! { <p class="note" data-testid="body-missing">{why}</p> });
    view! { {missing}{text}{salt}{link} }
}

#[component]
fn Anchor(view: EntryView, asked: Asked) -> impl IntoView {
    match (view.anchor, use_context::<Site>()) {
        (Some(anchor), Some(site)) => {
            view! { <Anchored anchor checkpoint=view.proof.checkpoint vkey=view.vkey index=Some(view.summary.index) asked site/> }
                .into_any()
        }
        _ => view! {
            <EmptyState title="No anchor covers this entry yet.">
                <p>"Until one does, the signed checkpoint holds it, and everyone who remembers that."</p>
            </EmptyState>
        }
        .into_any(),
    }
}

#[component]
fn CheckHere(view: EntryView, registry: String) -> impl IntoView {
    let found = RwSignal::new(None::<(Vec<Step>, f64)>);
    let view = StoredValue::new(view);
    let registry = StoredValue::new(registry);
    let run = move || {
        let begun = outside::milliseconds();
        let steps = view.try_with_value(|view| {
            let mut steps = check(&view.leaf, &view.proof, &view.vkey);
            steps.extend(registry.try_with_value(|registry| check_actor(view, registry)).unwrap_or_default());
            steps
        });
        if let Some(steps) = steps {
            found.set(Some((steps, outside::milliseconds() - begun)));
        }
    };
    Effect::new(move |_| run());
    view! {
        <div class="stack" data-testid="entry-check">
            <noscript inner_html="<p class=\"note\">Checking here needs JavaScript. The command line checks the whole log: wherefore verify.</p>"></noscript>
            <div role="status" id="entry-check-outcome">
                {move || found.get().map(|(steps, took)| {
                    let holds = steps.iter().all(|step| step.came != Came::Fails);
                    let verdict = if holds {
                        format!("Verified here, in {took:.1} ms.")
                    } else {
                        "Something about this entry does not hold. The marks say what.".to_owned()
                    };
                    view! {
                        <p class=if holds { "note note-good" } else { "note note-bad" } data-outcome=if holds { "verified" } else { "refused" }>{verdict}</p>
                        <Checks steps/>
                    }
                })}
            </div>
            <p class="needs-js"><button class="button button-quiet button-small" type="button" id="check-entry" on:click=move |_| run()>"Check again here"</button></p>
        </div>
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use governance::log::EntryKind;

    #[test]
    fn only_a_digest_becomes_part_of_an_address() {
        let leaf = |fact: &str, value: &str| {
            String::from_utf8(Entry::new(EntryKind::Review, "a", 1).with_fact(fact, value).to_leaf().unwrap()).unwrap()
        };
        let digest = format!("0x{}", "ab".repeat(32));
        for fact in ["digest", "decision", "decisionDigest"] {
            assert_eq!(decision_of(&leaf(fact, &digest)), Some(digest.clone()));
        }
        for value in ["", "0xab", "../../evil", &digest.to_uppercase()] {
            assert_eq!(decision_of(&leaf("digest", value)), None, "{value}");
        }
        assert_eq!(decision_of(&leaf("engine", &digest)), None);
    }
}
