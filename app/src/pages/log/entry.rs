//! One entry of the log: what it says, its exact bytes, and its proof, checked as the page wakes.

use leptos::prelude::*;
use leptos_meta::Title;
use leptos_router::hooks::use_params_map;

use super::steps::{Step, check};
use crate::{
    AppError, api,
    browser::outside,
    components::{Copy, Fold, Glyph, Icon, Loaded, Moment, PageHead, ProofCard, ProofLine, Section},
    shell,
    views::{EntrySummary, EntryView},
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
    view! {
        <Loaded from=entry let:view>
            <LogEntry view/>
        </Loaded>
    }
}

#[component]
fn LogEntry(view: EntryView) -> impl IntoView {
    let EntrySummary { index, kind, sentence, at, subject, .. } = view.summary.clone();
    let refs = view.refs.clone();
    let path: Vec<_> = view.proof.path.iter().map(|hash| view! { <li class="hash">{hash.to_base64()}</li> }).collect();
    let lines = vec![
        ProofLine::new("Leaf hash", view.proof.leaf.to_base64()),
        ProofLine::new("Place", format!("{index} of {}", view.proof.size)),
        ProofLine::new("Verifier key", view.vkey.clone()),
    ];
    let bytes = view.leaf.len();
    let (leaf, checkpoint) = (view.leaf.clone(), view.proof.checkpoint.clone());
    view! {
        <Title text=format!("Log entry {index}")/>
        <PageHead kicker=format!("Log entry {index}, {kind}") title=sentence>
            <p class="meta"><Moment at/></p>
            {subject.map(|subject| view! { <p><a href=subject>"Open what it is about"</a></p> })}
        </PageHead>
        <Section id="check" title="Is it really there?" note="Checked in your browser, with nothing but the text, the proof and the log's key.">
            <CheckHere view/>
        </Section>
        <Section id="leaf" title="Exactly what was written" note=format!("{bytes} bytes. Large bodies are named here by their hash.")>
            <pre class="code" tabindex="0" id="leaf-text">{leaf}</pre>
            {(!refs.is_empty()).then(|| view! {
                <div class="stack stack-tight">
                    <h3>"It refers to"</h3>
                    <ul class="plain-list stack stack-tight">
                        {refs.into_iter().map(|entry| view! { <li><a href=format!("/log/{}", entry.index)>{format!("Entry {}", entry.index)}</a>{format!(": {}", entry.sentence)}</li> }).collect_view()}
                    </ul>
                </div>
            })}
        </Section>
        <Section id="proof" title="The proof" note="Keep it: it can be checked offline, years from now.">
            <ProofCard title="Inclusion" lines>
                <Fold summary=format!("Neighbouring hashes, from the leaf up ({})", path.len())>
                    <ol id="inclusion-path">{path}</ol>
                </Fold>
                <Fold summary="The signed checkpoint">
                    <pre class="code" tabindex="0">{checkpoint.clone()}</pre>
                    <p><Copy value=checkpoint/></p>
                </Fold>
            </ProofCard>
        </Section>
    }
}

#[component]
fn CheckHere(view: EntryView) -> impl IntoView {
    let found = RwSignal::new(None::<(Vec<Step>, f64)>);
    let view = StoredValue::new(view);
    let run = move || {
        let begun = outside::milliseconds();
        let steps = view.with_value(|view| check(&view.leaf, &view.proof, &view.vkey));
        found.set(Some((steps, outside::milliseconds() - begun)));
    };
    Effect::new(move |_| run());
    view! {
        <div class="stack" data-testid="entry-check">
            <noscript inner_html="<p class=\"note\">Checking here needs JavaScript. The command line checks the whole log: wherefore verify.</p>"></noscript>
            <div role="status" id="entry-check-outcome">
                {move || found.get().map(|(steps, took)| {
                    let holds = steps.iter().all(|step| step.ok);
                    let verdict = if holds { format!("Verified here, in {took:.1} ms.") } else { "This entry is not proved to be in the log.".to_owned() };
                    view! {
                        <p class=if holds { "note note-good" } else { "note note-bad" } data-outcome=if holds { "verified" } else { "refused" }>{verdict}</p>
                        <ul class="checks">
                            {steps.into_iter().map(|step| view! {
                                <li class=if step.ok { "check check-good" } else { "check check-bad" }>
                                    <Icon glyph=if step.ok { Glyph::Check } else { Glyph::Cross }/>
                                    <span>{step.words}</span>
                                </li>
                            }).collect_view()}
                        </ul>
                    }
                })}
            </div>
            <p class="needs-js"><button class="button button-quiet button-small" type="button" id="check-entry" on:click=move |_| run()>"Check again here"</button></p>
        </div>
    }
}
