//! Voting on one proposal, from the reader's wallet.

use std::time::Duration;

use leptos::{html, prelude::*, task::spawn_local};

use super::{Sending, Wallet, calls, calls::Support, choose_wallet, outside};
use crate::{
    components::Countdown,
    shell::LiveVersion,
    views::{ProposalView, Site},
};

/// A vote being made. Live updates draw the page anew, so it is kept beside the page and outlives them.
#[derive(Clone, Copy, Debug)]
struct Ballot {
    support: RwSignal<Option<Support>>,
    reason: RwSignal<String>,
    /// Whether the reader is writing, so that the cursor can be put back.
    writing: RwSignal<bool>,
    sending: RwSignal<Sending>,
}

impl Ballot {
    fn new() -> Self {
        Self {
            support: RwSignal::new(None),
            reason: RwSignal::new(String::new()),
            writing: RwSignal::new(false),
            sending: RwSignal::new(Sending::Nothing),
        }
    }

    /// The ballot for a proposal: in the browser the same one each time, on the server a blank one.
    fn for_proposal(_proposal_id: &str) -> Self {
        #[cfg(feature = "hydrate")]
        {
            use std::{cell::RefCell, collections::BTreeMap};
            thread_local! {
                static BALLOTS: RefCell<BTreeMap<String, Ballot>> = const { RefCell::new(BTreeMap::new()) };
            }
            BALLOTS.with_borrow_mut(|ballots| *ballots.entry(_proposal_id.to_owned()).or_insert_with(|| super::wallet::lasting(Self::new)))
        }
        #[cfg(not(feature = "hydrate"))]
        Self::new()
    }
}

#[component]
pub fn VoteBox(view: ProposalView, site: Site) -> impl IntoView {
    let summary = view.summary;
    let body = match summary.state.as_str() {
        "pending" => {
            view! { <Countdown until=summary.vote_start label="Voting opens in" past="Voting opens with the next block"/> }.into_any()
        }
        "active" => {
            let voted = StoredValue::new(
                view.votes.into_iter().map(|vote| (vote.voter.address.to_lowercase(), vote.support, vote.weight)).collect::<Vec<_>>(),
            );
            view! { <Casting proposal_id=summary.proposal_id snapshot=summary.vote_start voted site/> }.into_any()
        }
        _ => return ().into_any(),
    };
    view! {
        <div class="panel stack" id="vote-box" data-testid="vote-box">
            <h3>"Your vote"</h3>
            {body}
        </div>
    }
    .into_any()
}

#[component]
fn Casting(proposal_id: String, snapshot: u64, voted: StoredValue<Vec<(String, String, String)>>, site: Site) -> impl IntoView {
    let wallet = Wallet::here();
    let ballot = Ballot::for_proposal(&proposal_id);
    let weight = RwSignal::new(None::<String>);
    let site = StoredValue::new(site);
    let proposal_id = StoredValue::new(proposal_id);
    let version = use_context::<LiveVersion>();
    // The wallet is known only after hydration; both sides draw the page of somebody without one first.
    let awake = RwSignal::new(false);
    Effect::new(move |_| awake.set(true));
    let account = Memo::new(move |_| awake.get().then(|| wallet.connected.get()).flatten());
    let right_chain =
        move || account.with(|account| account.as_ref().is_some_and(|account| site.with_value(|site| account.on_chain_of(&site.dao))));

    Effect::new(move |_| {
        let Some(connected) = account.get().filter(|_| right_chain()) else {
            weight.set(None);
            return;
        };
        let token = site.with_value(|site| site.dao.token.clone());
        spawn_local(async move {
            let votes = wallet.ask(&token, calls::past_votes(&connected.account, snapshot)).await.as_deref().and_then(calls::word);
            let _gone = weight.try_set(votes.map(calls::whole_tokens));
        });
    });

    let earlier = move || {
        let account = account.get()?.account.to_lowercase();
        voted.with_value(|voted| voted.iter().find(|(voter, ..)| *voter == account).cloned())
    };
    let cast = move |_| {
        let Some(support) = ballot.support.get_untracked() else {
            ballot.sending.set(Sending::Failed("Choose for, against or abstain first.".into()));
            return;
        };
        let governor = site.with_value(|site| site.dao.governor.clone());
        let data = proposal_id.with_value(|id| calls::cast_vote(id, support, &ballot.reason.get_untracked()));
        spawn_local(async move {
            if wallet.send(&governor, data, ballot.sending).await {
                // The server follows the chain by itself; this only spares the wait where its note is late.
                outside::sleep(1_200).await;
                if let Some(version) = version {
                    version.0.update(|version| *version += 1);
                }
            }
        });
    };
    let reason_box = NodeRef::<html::Textarea>::new();
    Effect::new(move |_| {
        if let Some(field) = reason_box.get()
            && ballot.writing.get_untracked()
        {
            set_timeout(
                move || {
                    let _focused = field.focus();
                },
                Duration::ZERO,
            );
        }
    });

    let choices = Support::ALL
        .into_iter()
        .map(|support| {
            view! {
                <label>
                    <input
                        type="radio"
                        name="support"
                        value=support.name()
                        data-testid=format!("vote-{}", support.name())
                        prop:checked=move || ballot.support.get() == Some(support)
                        on:change=move |_| ballot.support.set(Some(support))
                    />
                    {support.label()}
                </label>
            }
        })
        .collect_view();
    let symbol = StoredValue::new(site.with_value(|site| site.dao.token_symbol.clone()));
    view! {
        {move || match (awake.get(), account.get()) {
            (false, _) => view! { <p class="small muted">"Voting is done from a wallet, which needs JavaScript."</p> }.into_any(),
            (true, None) => view! {
                <p>"Votes are sent from your own wallet."</p>
                <p><button class="button" type="button" on:click=move |_| choose_wallet()>"Connect a wallet to vote"</button></p>
            }.into_any(),
            (true, Some(_)) if !right_chain() => view! { <p class="note note-now">"Your wallet is on another chain. Switch it in the wallet menu at the top, then vote here."</p> }.into_any(),
            _ => ().into_any(),
        }}
        <Show when=move || right_chain() && earlier().is_some()>
            <p class="note note-good" data-testid="voted">
                {move || earlier().map(|(_, support, weight)| format!("You voted {support} with {weight} {}.", symbol.get_value()))}
            </p>
        </Show>
        <Show when=move || right_chain() && earlier().is_none()>
            <p class="small" data-testid="weight">
                {move || weight.get().map_or_else(
                    || "Looking up your votes at the snapshot…".to_owned(),
                    |weight| if weight == "0" {
                        "This account had no votes at this proposal's snapshot, so its vote would count nothing. Delegating now counts from the next proposal on.".to_owned()
                    } else {
                        format!("You vote with {weight} {}, counted when voting opened.", symbol.get_value())
                    },
                )}
            </p>
        </Show>
        <div class="stack" hidden=move || !right_chain() || earlier().is_some()>
            <fieldset class="fieldset">
                <legend>"How do you vote?"</legend>
                <div class="segmented">{choices}</div>
            </fieldset>
            <div class="field">
                <label for="vote-reason">"Reason (optional)"</label>
                <textarea
                    id="vote-reason"
                    rows="3"
                    maxlength="2000"
                    aria-describedby="vote-reason-hint"
                    node_ref=reason_box
                    prop:value=move || ballot.reason.get()
                    on:input=move |event| ballot.reason.set(event_target_value(&event))
                    on:focus=move |_| ballot.writing.set(true)
                    on:blur=move |_| if reason_box.try_get_untracked().flatten().is_some_and(|field| field.is_connected()) { ballot.writing.set(false) }
                ></textarea>
                <p class="field-hint" id="vote-reason-hint">"It is written to the chain with your vote, and stays there for everybody to read."</p>
            </div>
            <p>
                <button
                    class="button"
                    type="button"
                    id="cast-vote"
                    disabled=move || ballot.support.get().is_none() || ballot.sending.with(Sending::is_busy)
                    on:click=cast
                >
                    {move || ballot.support.get().map_or("Vote", |support| match support {
                        Support::For => "Vote for",
                        Support::Against => "Vote against",
                        Support::Abstain => "Abstain",
                    })}
                </button>
            </p>
        </div>
        <p
            role="status"
            id="vote-told"
            class=move || if matches!(ballot.sending.get(), Sending::Failed(_)) { "field-error" } else { "small" }
        >
            {move || ballot.sending.get().sentence("Your vote is on the chain.")}
        </p>
    }
}
