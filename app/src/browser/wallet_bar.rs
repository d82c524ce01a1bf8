//! The wallet in the masthead: choosing one, the right chain, one's own votes, signing in and out.

use leptos::{prelude::*, task::spawn_local};

use super::{Connected, Offer, Sending, Wallet, calls, named, outside};
use crate::{
    components::Address,
    shell::{LiveVersion, SiteResource},
    views::Site,
};

const DIALOG: &str = "wallet-dialog";

/// Opens the choice of wallets, from wherever one is needed.
pub fn choose_wallet() {
    outside::open_dialog(DIALOG);
}

#[component]
pub fn WalletBar() -> impl IntoView {
    let wallet = Wallet::here();
    let site = RwSignal::new(None::<Site>);
    let resource = expect_context::<SiteResource>();
    Effect::new(move |_| {
        if let Some(Ok(known)) = resource.0.get() {
            site.set(Some(known));
        }
    });
    Effect::new(move |_| wallet.discover());
    let connected = Memo::new(move |_| wallet.connected.get());
    view! {
        <div class="wallet" data-testid="wallet">
            <noscript inner_html="<p class=\"small muted\">Everything here can be read as it is; using a wallet needs JavaScript.</p>"></noscript>
            {move || match connected.get() {
                None => view! {
                    <button class="button button-quiet button-small needs-js" type="button" id="connect-wallet" aria-haspopup="dialog" on:click=move |_| choose_wallet()>
                        "Connect wallet"
                    </button>
                }.into_any(),
                Some(connected) => view! { <WalletMenu connected wallet site/> }.into_any(),
            }}
            <WalletChoice wallet/>
        </div>
    }
}

/// Every wallet that announced itself, by name.
#[component]
fn WalletChoice(wallet: Wallet) -> impl IntoView {
    let told = RwSignal::new(String::new());
    let connect = move |offer: Offer| {
        told.set(format!("Asking {}…", offer.name));
        // The choice of a wallet may be followed by a dialog of its own, which must not lie beneath this one.
        outside::close_dialog(DIALOG);
        spawn_local(async move {
            match wallet.connect(offer).await {
                Ok(()) => told.set(String::new()),
                Err(refused) => {
                    told.set(refused.sentence());
                    outside::open_dialog(DIALOG);
                }
            }
        });
    };
    let offers = move || {
        wallet
            .offers
            .get()
            .into_iter()
            .map(|offer| {
                let (name, icon, rdns) = (offer.name.clone(), offer.icon.clone(), offer.rdns.clone());
                view! {
                    <li>
                        <button class="button button-quiet wallet-offer" type="button" data-rdns=rdns on:click=move |_| connect(offer.clone())>
                            {(!icon.is_empty()).then(|| view! { <img src=icon.clone() alt="" width="28" height="28"/> })}
                            <span>{name}</span>
                        </button>
                    </li>
                }
            })
            .collect_view()
    };
    view! {
        <dialog class="dialog" id=DIALOG aria-labelledby="wallet-dialog-title">
            <div class="stack">
                <h2 id="wallet-dialog-title">"Choose a wallet"</h2>
                <p class="small muted">"Reading needs none. Voting, delegating and proposing are sent from your own wallet; this site holds no keys."</p>
                <ul class="plain-list stack stack-tight">{offers}</ul>
                <Show when=move || wallet.offers.with(Vec::is_empty)>
                    <p class="note">"No wallet was found in this browser. Install one that announces itself (EIP-6963), then load the page again."</p>
                </Show>
                <p class="field-error" role="status">{move || told.get()}</p>
                <form method="dialog">
                    <button class="button button-quiet button-small">"Close"</button>
                </form>
            </div>
        </dialog>
    }
}

/// The connected account, folded behind its name.
#[component]
fn WalletMenu(connected: Connected, wallet: Wallet, site: RwSignal<Option<Site>>) -> impl IntoView {
    let told = RwSignal::new(String::new());
    let account = StoredValue::new(connected.account.clone());
    let chain_id = connected.chain_id;
    let right_chain = move || site.with(|site| site.as_ref().is_none_or(|site| site.dao.chain_id == chain_id));
    let party = move || {
        site.with(|site| {
            account
                .with_value(|account| site.as_ref().map_or_else(|| named(&Default::default(), account), |site| named(&site.dao, account)))
        })
    };

    let switch = move |_| {
        let Some(site) = site.get_untracked() else { return };
        spawn_local(async move {
            told.set(match wallet.switch_chain(&site).await {
                Ok(()) => String::new(),
                Err(refused) => refused.sentence(),
            });
        });
    };
    view! {
        <details class="wallet-menu" id="wallet-menu">
            <summary class="button button-quiet button-small">
                <span class="wallet-account">{move || party().label()}</span>
                <Show when=move || !right_chain()><span class="badge badge-now">"wrong chain"</span></Show>
            </summary>
            <div class="panel stack wallet-panel">
                <p>{move || view! { <Address party=party()/> }}</p>
                <Show
                    when=right_chain
                    fallback=move || view! {
                        <div class="note note-now" id="wrong-chain">
                            <p>{move || site.with(|site| site.as_ref().map(|site| format!(
                                "Your wallet is on chain {chain_id}, but {} lives on {} (chain {}). Switch before you vote or propose.",
                                site.dao.name, site.dao.chain_name, site.dao.chain_id,
                            )))}</p>
                            <p><button class="button button-small" type="button" id="switch-chain" on:click=switch>"Switch"</button></p>
                        </div>
                    }
                >
                    <Votes wallet site account/>
                    <Session wallet site account told/>
                </Show>
                <p class="small" role="status" id="wallet-told">{move || told.get()}</p>
                <div class="cluster">
                    <button class="button button-quiet button-small" type="button" id="change-wallet" on:click=move |_| choose_wallet()>"Change wallet"</button>
                    <button class="button button-quiet button-small" type="button" id="disconnect-wallet" on:click=move |_| wallet.disconnect()>"Disconnect"</button>
                </div>
            </div>
        </details>
    }
}

/// What the account may decide with, as the chain says now.
#[derive(Clone, Debug, Default, PartialEq)]
struct Standing {
    balance: String,
    votes: String,
    /// It holds tokens that count for nobody.
    idle: bool,
}

#[component]
fn Votes(wallet: Wallet, site: RwSignal<Option<Site>>, account: StoredValue<String>) -> impl IntoView {
    let standing = RwSignal::new(None::<Standing>);
    let sending = RwSignal::new(Sending::Nothing);
    let token = Memo::new(move |_| site.with(|site| site.as_ref().map(|site| (site.dao.token.clone(), site.dao.token_symbol.clone()))));
    Effect::new(move |_| {
        let _again = (wallet.moved.get(), use_context::<LiveVersion>().map(LiveVersion::get));
        let Some((token, _)) = token.get() else { return };
        let account = account.get_value();
        spawn_local(async move {
            let balance = wallet.ask(&token, calls::balance(&account)).await.as_deref().and_then(calls::word);
            let votes = wallet.ask(&token, calls::votes(&account)).await.as_deref().and_then(calls::word);
            let delegate = wallet.ask(&token, calls::delegates(&account)).await;
            if let (Some(balance), Some(votes)) = (balance, votes) {
                let idle = !balance.is_zero() && delegate.as_deref().is_some_and(calls::is_nobody);
                let _gone =
                    standing.try_set(Some(Standing { balance: calls::whole_tokens(balance), votes: calls::whole_tokens(votes), idle }));
            }
        });
    });
    let delegate = move |_| {
        let Some((token, _)) = token.get_untracked() else { return };
        spawn_local(async move {
            wallet.send(&token, calls::delegate(&account.get_value()), sending).await;
        });
    };
    let symbol = move || token.get().map(|(_, symbol)| symbol).unwrap_or_default();
    view! {
        {move || standing.get().map(|standing| {
            let symbol = symbol();
            let line = format!("You hold {} {symbol} and vote with {}.", standing.balance, standing.votes);
            view! {
                <p class="small" data-testid="standing">{line}</p>
                {standing.idle.then(|| view! {
                    <div class="note note-now">
                        <p class="small">{format!("Your {symbol} count for nobody yet. Delegate them to yourself once, and they count in every proposal made after that.")}</p>
                        <p>
                            <button class="button button-small" type="button" id="delegate-to-self" disabled=move || sending.with(Sending::is_busy) on:click=delegate>
                                "Delegate to myself"
                            </button>
                        </p>
                    </div>
                })}
            }
        })}
        <p class="small" role="status">{move || sending.get().sentence("Your votes count from the next block on.")}</p>
    }
}

/// Signing in, for what only its author may see.
#[component]
fn Session(wallet: Wallet, site: RwSignal<Option<Site>>, account: StoredValue<String>, told: RwSignal<String>) -> impl IntoView {
    let actor = Memo::new(move |_| site.with(|site| site.as_ref().and_then(|site| site.actor.clone())));
    let mine = move || {
        actor.with(|actor| actor.as_ref().is_some_and(|actor| account.with_value(|account| actor.address.eq_ignore_ascii_case(account))))
    };
    let version = use_context::<LiveVersion>();
    let read_again = move || {
        if let Some(version) = version {
            version.0.update(|version| *version += 1);
        }
    };
    let sign_in = move |_| {
        let Some(site) = site.get_untracked() else { return };
        told.set("Look at your wallet: it asks you to sign a sentence. This costs nothing.".into());
        spawn_local(async move {
            match wallet.sign_in(&site.dao).await {
                Ok(()) => {
                    told.set("You are signed in.".into());
                    read_again();
                }
                Err(why) => told.set(why),
            }
        });
    };
    let sign_out = move |_| {
        spawn_local(async move {
            match wallet.sign_out().await {
                Ok(()) => {
                    told.set("You are signed out.".into());
                    read_again();
                }
                Err(why) => told.set(why),
            }
        });
    };
    view! {
        {move || actor.get().map(|actor| {
            let line = if mine() { "You are signed in with this account.".to_owned() } else { format!("You are signed in as {}, which is another account.", actor.label()) };
            view! {
                <div class="spread">
                    <p class="small" data-testid="signed-in">{line}</p>
                    <button class="button button-quiet button-small" type="button" id="sign-out" on:click=sign_out>"Sign out"</button>
                </div>
            }
        })}
        {move || (!mine()).then(|| view! {
            <div class="spread">
                <p class="small muted">"Sign in to keep drafts here."</p>
                <button class="button button-small" type="button" id="sign-in" on:click=sign_in>"Sign in"</button>
            </div>
        })}
    }
}
