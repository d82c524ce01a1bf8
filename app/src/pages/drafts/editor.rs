//! Writing a draft: what would change, the calls in words, the pictures before and after, the text; then saving it, or
//! proposing it from one's own wallet.

use governance::proposal::{Compiled, Draft, DraftError, compile};
use leptos::{prelude::*, task::spawn_local};
use leptos_meta::Title;
use leptos_router::{
    NavigateOptions,
    hooks::{use_navigate, use_params_map, use_query_map},
};

use super::{
    before_signing::BeforeSigning,
    desk::{CallField, Desk, Start},
    fields::ParameterFields,
};
use crate::{
    AppError, api,
    browser::{Sending, Wallet, choose_wallet, outside},
    components::{
        ActionTable, Address, BeforeAfter, EmptyState, Failure, Hash, Markdown, Moment, PageHead, ParameterDiff, Section, VerificationBadge,
    },
    shell::LiveVersion,
    views::{ChangeLine, DecisionView, DraftView, Gallery, Site},
};

/// Typing settles for this long before pictures are drawn anew.
const SETTLE_MS: i32 = 400;
/// How often, and how many times, the bridge is asked for a proposal that was just made.
const APPEAR_MS: i32 = 700;
const APPEAR_TRIES: u32 = 90;

/// Where a draft comes from.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Source {
    id: Option<String>,
    decision: Option<String>,
    /// A draft to begin from.
    from: Option<String>,
}

async fn gather(source: Source) -> Result<Start, AppError> {
    let site = api::site().await?;
    let mut engines = Vec::new();
    for engine in &site.dao.engines {
        engines.push(api::engine(engine.clone()).await?);
    }
    let stored = match source.id.or(source.from) {
        Some(id) => Some(api::draft(id).await?),
        None => None,
    };
    let digest =
        source.decision.or_else(|| stored.as_ref().and_then(|stored| stored.draft.decision_digest).map(|digest| digest.to_string()));
    let decision = match digest {
        // A draft stays readable when the record it names is not here; its badge says so.
        Some(digest) => match api::decision(digest).await {
            Ok(decision) => Some(decision),
            Err(AppError::NotFound(_)) if stored.is_some() => None,
            Err(error) => return Err(error),
        },
        None => None,
    };
    Ok(Start { site, engines, stored, decision })
}

#[component]
pub fn NewDraftPage() -> impl IntoView {
    let query = use_query_map();
    let source = Memo::new(move |_| {
        let of = |name: &str| query.read().get(name).filter(|value| !value.is_empty());
        Source { id: None, decision: of("decision"), from: of("draft") }
    });
    view! { <Opened source/> }
}

#[component]
pub fn DraftPage() -> impl IntoView {
    let params = use_params_map();
    let source = Memo::new(move |_| Source { id: params.read().get("id"), ..Source::default() });
    view! { <Opened source/> }
}

/// Opens the editor once. Unlike other pages it is not drawn anew as the chain moves, which would take away what was typed.
#[component]
fn Opened(source: Memo<Source>) -> impl IntoView {
    let LiveVersion(version) = expect_context();
    // A draft that could not be opened may be openable after signing in.
    let closed = RwSignal::new(false);
    let start = Resource::new(move || (source.get(), closed.get().then(|| version.get())), |(source, _)| gather(source));
    Effect::new(move |_| {
        if let Some(opened) = start.get() {
            closed.set(opened.is_err());
        }
    });
    view! {
        <Transition fallback=|| view! { <p class="muted">"One moment…"</p> }>
            {move || Suspend::new(async move {
                match start.await {
                    Ok(start) => {
                        provide_context(start.site.clone());
                        view! { <Editor start/> }.into_any()
                    }
                    Err(error) => view! { <Failure error/> }.into_any(),
                }
            })}
        </Transition>
    }
}

/// A draft as typed and what the chain would see of it.
type Made = (Draft, Result<Compiled, Vec<String>>);

#[component]
fn Editor(start: Start) -> impl IntoView {
    let wallet = Wallet::here();
    let desk = Desk::open(&start);
    let stored = start.stored.clone();
    let heading = if stored.is_some() { "Draft" } else { "New draft" };
    let page_title = move || {
        let title = desk.title.get();
        if title.trim().is_empty() { heading.to_owned() } else { title }
    };
    let proposer = Memo::new(move |_| wallet.connected.get().map(|connected| connected.account));
    let made: Memo<Made> = Memo::new(move |_| {
        let (draft, unread) = desk.draft();
        let compiled = compile(&draft, &desk.known(), proposer.get().and_then(|account| account.parse().ok()))
            .map_err(|errors| errors.iter().map(DraftError::to_string).collect::<Vec<_>>());
        let compiled = match (compiled, unread.is_empty()) {
            (Ok(compiled), true) => Ok(compiled),
            (Ok(_), false) => Err(unread),
            (Err(errors), _) => Err([unread, errors].concat()),
        };
        (draft, compiled)
    });
    let changes = Memo::new(move |_| desk.changes());
    view! {
        <Title text=page_title/>
        <EditorHead start=start.clone() heading/>
        <Section id="parameters" title="Change parameters" note="Only what you tick changes. Limits are the registry contract's own.">
            <ParameterFields desk/>
        </Section>
        <Section id="calls" title="Call contracts" note="For what is no parameter: paying somebody, changing the rules of voting.">
            <CallFields desk/>
        </Section>
        <Section id="words" title="Say why" note="Members read this beside what the calls really do.">
            <TextFields desk/>
        </Section>
        <Section id="effect" title="What it would do" note="Decoded from the calls themselves, as every member will see it.">
            <Effects desk made changes decision=start.decision.clone()/>
        </Section>
        <Section id="before-signing" title="Before you sign" note="Computed in your browser with the same rules as the chain's.">
            {move || match made.get().1 {
                Ok(compiled) => view! { <BeforeSigning compiled site=desk.site.get_value() bound=proposer.get().is_some()/> }.into_any(),
                Err(errors) => view! {
                    <div class="note note-now" id="draft-findings">
                        <p>"Before this can be proposed:"</p>
                        <ul>{errors.into_iter().map(|error| view! { <li>{error}</li> }).collect_view()}</ul>
                    </div>
                }.into_any(),
            }}
            <Actions desk made stored=stored.clone() proposer/>
        </Section>
    }
}

#[component]
fn EditorHead(start: Start, heading: &'static str) -> impl IntoView {
    let Start { stored, decision, engines, .. } = start;
    let moved_on = stored.as_ref().is_some_and(|stored| stored.proposal.is_none() && rests_on_older_set(stored, &engines));
    let kicker = match stored.as_ref().map(|stored| stored.public) {
        Some(true) => "Public draft of an agent",
        Some(false) => "Private draft",
        None => "Only you see this until you propose it",
    };
    view! {
        <PageHead kicker title=heading>
            {stored.map(|stored| {
                let adopt = stored.public && stored.proposal.is_none();
                view! {
                    <p class="meta">
                        <span>"by "<Address party=stored.author/></span>
                        <span>"last changed "<Moment at=stored.updated_at/></span>
                    </p>
                    {stored.proposal.map(|proposal| view! {
                        <p class="note note-good">"This became "<a href=format!("/proposals/{}", proposal.proposal_id)>{format!("proposal {}: {}", proposal.number, proposal.title)}</a></p>
                    })}
                    {adopt.then(|| view! { <p class="lede">"An agent wrote this. It becomes a proposal only when a member adopts it: any member with enough votes can take it up and propose it from their own wallet."</p> })}
                }
            })}
            {moved_on.then(|| view! { <p class="note note-now">"The parameters have changed since this was written. The values below are held against the ones in force now."</p> })}
            {decision.map(|decision| view! { <RestsOn decision/> })}
            <noscript inner_html="<p class=\"note\">Writing a draft needs JavaScript: its ids are computed in your browser. Drafts can be read without it.</p>"></noscript>
        </PageHead>
    }
}

fn rests_on_older_set(stored: &DraftView, engines: &[crate::views::EngineView]) -> bool {
    stored.draft.actions.iter().any(|action| match action {
        governance::proposal::Action::Change { engine, based_on, .. } => {
            engines.iter().any(|known| known.id == *engine && known.ratified.hash.parse() != Ok(*based_on))
        }
        governance::proposal::Action::Call(_) => false,
    })
}

#[component]
fn RestsOn(decision: DecisionView) -> impl IntoView {
    let href = decision.summary.href();
    view! {
        <div class="panel stack stack-tight">
            <div class="spread">
                <p class="kicker">{format!("Rests on the decision of {}", decision.summary.agent.label())}</p>
                <VerificationBadge state=decision.summary.state/>
            </div>
            <p>{decision.summary.line}</p>
            <p class="small"><a href=href>"See the numbers, and recompute them"</a></p>
        </div>
    }
}

#[component]
fn CallFields(desk: Desk) -> impl IntoView {
    let remove = move |key: u64| desk.calls.update(|calls| calls.retain(|call| call.key != key));
    view! {
        <div class="stack">
            <For each=move || desk.calls.get() key=|call| call.key let:call>
                <OneCall call on_remove=move || remove(call.key)/>
            </For>
            <p class="needs-js">
                <button class="button button-quiet button-small" type="button" id="add-call" on:click=move |_| desk.add_call("", "", "")>"Add a call"</button>
            </p>
        </div>
    }
}

#[component]
fn OneCall(call: CallField, on_remove: impl Fn() + 'static) -> impl IntoView {
    let problem = Memo::new(move |_| call.read().err().filter(|_| !call.target.get().trim().is_empty()));
    let id = move |part: &str| format!("call-{}-{part}", call.key);
    let text = move |part: &'static str, label: &'static str, hint: &'static str, signal: RwSignal<String>| {
        view! {
            <div class="field">
                <label for=id(part)>{label}</label>
                <input
                    id=id(part)
                    type="text"
                    spellcheck="false"
                    autocomplete="off"
                    aria-describedby=format!("{} {}", id(&format!("{part}-hint")), id("problem"))
                    value=signal.get_untracked()
                    prop:value=move || signal.get()
                    on:input=move |event| signal.set(event_target_value(&event))
                />
                <p class="field-hint" id=id(&format!("{part}-hint"))>{hint}</p>
            </div>
        }
    };
    view! {
        <fieldset class="fieldset stack">
            <legend>{format!("Call {}", call.key + 1)}</legend>
            {text("target", "Contract or account", "An address: 0x and 40 hex digits.", call.target)}
            {text("value", "ETH to send", "From the treasury, which is the timelock. Empty for none.", call.value)}
            {text("calldata", "Calldata", "Hex, beginning with the function's 4 bytes. Empty to only send ETH.", call.calldata)}
            <p class="field-error" role="status" id=id("problem")>{move || problem.get()}</p>
            <p><button class="button button-quiet button-small" type="button" on:click=move |_| on_remove()>"Remove this call"</button></p>
        </fieldset>
    }
}

#[component]
fn TextFields(desk: Desk) -> impl IntoView {
    let preview = RwSignal::new(false);
    let tab = move |word: &'static str, shows: bool| {
        view! {
            <button
                class="button button-quiet button-small"
                type="button"
                aria-pressed=move || (preview.get() == shows).to_string()
                on:click=move |_| preview.set(shows)
            >
                {word}
            </button>
        }
    };
    view! {
        <div class="field">
            <label for="draft-title">"Title"</label>
            <input
                id="draft-title"
                type="text"
                maxlength="200"
                aria-describedby="draft-title-hint"
                value=desk.title.get_untracked()
                prop:value=move || desk.title.get()
                on:input=move |event| desk.title.set(event_target_value(&event))
            />
            <p class="field-hint" id="draft-title-hint">"One line that says what would change."</p>
        </div>
        <div class="field">
            <div class="spread">
                <label for="draft-text">"Text"</label>
                <span class="cluster needs-js">{tab("Write", false)}{tab("Preview", true)}</span>
            </div>
            <textarea
                id="draft-text"
                rows="12"
                aria-describedby="draft-text-hint"
                hidden=move || preview.get()
                prop:value=move || desk.text.get()
                on:input=move |event| desk.text.set(event_target_value(&event))
            >
                {desk.text.get_untracked()}
            </textarea>
            <Show when=move || preview.get()>
                <div class="panel" id="draft-preview">{move || view! { <Markdown text=desk.text.get()/> }}</div>
            </Show>
            <p class="field-hint" id="draft-text-hint">{move || format!("Markdown, {} of {} bytes.", desk.text.get().len(), governance::proposal::MAX_TEXT)}</p>
        </div>
    }
}

#[component]
fn Effects(desk: Desk, made: Memo<Made>, changes: Memo<Vec<ChangeLine>>, decision: Option<DecisionView>) -> impl IntoView {
    let galleries = RwSignal::new(desk.galleries(&changes.get_untracked()));
    let latest = StoredValue::new(0_u32);
    Effect::new(move |first: Option<()>| {
        let changed = changes.get();
        if first.is_none() {
            return;
        }
        let mine = latest.get_value().wrapping_add(1);
        latest.set_value(mine);
        spawn_local(async move {
            outside::sleep(SETTLE_MS).await;
            if latest.try_get_value() == Some(mine) {
                let now: Vec<Gallery> = desk.galleries(&changed);
                if galleries.with_untracked(|shown| *shown != now) {
                    galleries.set(now);
                }
            }
        });
    });
    let recommended = decision.map(|decision| decision.record.changes);
    let departs = move || {
        let recommended = recommended.as_ref()?;
        let bound = desk.decision.get().is_some();
        let same = changes.with(|changes| {
            changes.len() == recommended.len()
                && changes.iter().all(|change| {
                    recommended.iter().any(|wanted| wanted.engine == change.engine && wanted.key == change.key && wanted.to == change.to)
                })
        });
        (bound && !same).then(|| {
            view! {
                <div class="note note-now">
                    <p>"These are not the changes that the decision recommends, yet the proposal would name it as its reason."</p>
                    <p><button class="button button-quiet button-small" type="button" id="detach-decision" on:click=move |_| desk.decision.set(None)>"Propose it without the decision"</button></p>
                </div>
            }
        })
    };
    view! {
        {move || {
            let changes = changes.get();
            (!changes.is_empty()).then(|| view! { <ParameterDiff changes/> })
        }}
        {departs}
        {move || {
            let (draft, compiled) = made.get();
            match compiled {
                Ok(compiled) => view! { <ActionTable actions=desk.in_words(&compiled)/> }.into_any(),
                Err(_) if draft.actions.is_empty() => view! { <EmptyState title="Nothing yet."><p>"Tick a parameter or add a call, and it is told here in words."</p></EmptyState> }.into_any(),
                Err(_) => view! { <p class="muted">"The calls are told here once everything above can be read."</p> }.into_any(),
            }
        }}
        {move || galleries.get().into_iter().map(|gallery| view! { <BeforeAfter gallery/> }).collect_view()}
    }
}

#[component]
fn Actions(desk: Desk, made: Memo<Made>, stored: Option<DraftView>, proposer: Memo<Option<String>>) -> impl IntoView {
    let wallet = Wallet::here();
    let navigate = use_navigate();
    let site = desk.site.get_value();
    let told = RwSignal::new((false, String::new()));
    let sending = RwSignal::new(Sending::Nothing);
    // Set once the chain has it: the proposal's id, and whether its page is there.
    let proposed = RwSignal::new(None::<(String, bool)>);
    let busy = RwSignal::new(false);
    let owner = stored.as_ref().filter(|stored| !stored.public).map(|stored| stored.id.clone());
    let already = stored.as_ref().is_some_and(|stored| stored.proposal.is_some());
    let (owned, adopted) = (owner.is_some(), stored.as_ref().is_some_and(|stored| stored.public));
    let own_id = StoredValue::new(owner);

    let save = {
        let navigate = navigate.clone();
        move |_| {
            let navigate = navigate.clone();
            let (draft, _) = made.get_untracked();
            busy.set(true);
            spawn_local(async move {
                let answer = api::save_draft(own_id.get_value(), draft).await;
                let _gone = busy.try_set(false);
                match answer {
                    Ok(saved) => {
                        let _gone = told.try_set((true, "Saved.".into()));
                        if !owned {
                            navigate(&format!("/drafts/{}", saved.id), NavigateOptions { replace: true, ..NavigateOptions::default() });
                        }
                    }
                    Err(AppError::SignIn) => {
                        let _gone = told.try_set((
                            false,
                            "Sign in first: open the wallet menu at the top of the page. What you typed stays here.".into(),
                        ));
                    }
                    Err(error) => {
                        let _gone = told.try_set((false, error.to_string()));
                    }
                }
            });
        }
    };
    let delete = move |_| {
        let navigate = navigate.clone();
        let Some(id) = own_id.get_value() else { return };
        busy.set(true);
        spawn_local(async move {
            match api::delete_draft(id).await {
                Ok(()) => navigate("/drafts", NavigateOptions::default()),
                Err(error) => {
                    let _gone = busy.try_set(false);
                    let _gone = told.try_set((false, error.to_string()));
                }
            }
        });
    };
    let propose = move |_| {
        let site = site.clone();
        told.set((true, String::new()));
        busy.set(true);
        spawn_local(async move {
            let outcome = propose(wallet, &site, desk, made, sending, proposed).await;
            let _gone = busy.try_set(false);
            if let Err(why) = outcome {
                let _gone = told.try_set((false, why));
            }
        });
    };
    let ready = move || made.with(|(_, compiled)| compiled.is_ok());
    view! {
        <div class="cluster needs-js">
            <Show
                when=move || proposer.get().is_some()
                fallback=|| view! { <button class="button" type="button" id="propose-connect" on:click=move |_| choose_wallet()>"Connect a wallet to propose"</button> }
            >
                <button
                    class="button"
                    type="button"
                    id="propose"
                    disabled=move || !ready() || busy.get() || already || proposed.with(Option::is_some)
                    on:click=propose.clone()
                >
                    {if adopted { "Take it up and propose" } else { "Propose" }}
                </button>
            </Show>
            <button class="button button-quiet" type="button" id="save-draft" disabled=move || busy.get() on:click=save>
                {if adopted { "Save a copy as my draft" } else { "Save draft" }}
            </button>
            {owned.then(|| view! { <button class="button button-danger" type="button" id="delete-draft" disabled=move || busy.get() on:click=delete>"Delete"</button> })}
        </div>
        <p role="status" id="draft-told" class=move || if told.get().0 { "small" } else { "field-error" }>{move || told.get().1}</p>
        <p
            role="status"
            id="propose-told"
            class=move || if matches!(sending.get(), Sending::Failed(_)) { "field-error" } else { "small" }
        >
            {move || sending.get().sentence("The chain has your proposal.")}
        </p>
        {move || proposed.get().map(|(id, there)| {
            let href = format!("/proposals/{id}");
            view! {
                <div class="note note-good" role="status" data-testid="proposed">
                    {if there {
                        view! { <p>"It is public now: "<a href=href id="proposal-link">"open the proposal"</a>"."</p> }.into_any()
                    } else {
                        view! { <p>"Waiting for the bridge to read it from the chain…"</p> }.into_any()
                    }}
                    <p class="small">"Proposal "<Hash value=id/></p>
                </div>
            }
        })}
    }
}

/// Checks once more against what is in force, asks the wallet, and waits until the proposal has a page.
async fn propose(
    wallet: Wallet,
    site: &Site,
    desk: Desk,
    made: Memo<Made>,
    sending: RwSignal<Sending>,
    proposed: RwSignal<Option<(String, bool)>>,
) -> Result<(), String> {
    let (draft, compiled) = made.get_untracked();
    let compiled = compiled.map_err(|errors| errors.join(" "))?;
    let connected = wallet.connected.get_untracked().ok_or("Connect a wallet first.")?;
    if !connected.on_chain_of(&site.dao) {
        return Err(format!("Your wallet is on another chain. Switch it to {} in the wallet menu first.", site.dao.chain_name));
    }
    let known: Vec<(String, String)> =
        desk.engines.with_value(|engines| engines.iter().map(|engine| (engine.id.clone(), engine.ratified.hash.clone())).collect());
    for action in &draft.actions {
        if let governance::proposal::Action::Change { engine, .. } = action {
            let now = api::engine(engine.clone()).await.map_err(|error| error.to_string())?;
            if known.iter().any(|(id, hash)| *id == now.id && *hash != now.ratified.hash) {
                return Err("The parameters have changed while you were writing, so the registry would refuse this. Save the draft and open it again.".into());
            }
        }
    }
    if !wallet.send(&site.dao.governor, Some(compiled.propose_calldata.to_string()), sending).await {
        return Ok(());
    }
    let _gone = proposed.try_set(Some((compiled.proposal_id.clone(), false)));
    for _ in 0..APPEAR_TRIES {
        if api::proposals(String::new(), String::new())
            .await
            .is_ok_and(|all| all.iter().any(|proposal| proposal.proposal_id == compiled.proposal_id))
        {
            let _gone = proposed.try_set(Some((compiled.proposal_id, true)));
            return Ok(());
        }
        outside::sleep(APPEAR_MS).await;
    }
    Err("The chain has the proposal, but the bridge has not read it yet. It will be in the list of proposals soon.".into())
}
