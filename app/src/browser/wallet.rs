//! The reader's wallet: which are here, which one is connected, and what it is asked to do.
//!
//! There is one per page. Its provider objects stay in `js`; signals hold only what is shown.

use leptos::{prelude::*, task::spawn_local};
use serde_json::{Value as Json, json};

use super::{RpcError, calls, outside as js, siwe::SignIn};
use crate::views::{Dao, Party, Site};

/// Where the reader's choice of wallet is kept between visits.
const CHOSEN: &str = "wherefore.wallet";
/// How long a transaction is watched, in polls of [`POLL_MS`].
const POLLS: u32 = 240;
const POLL_MS: i32 = 500;

/// A wallet that announced itself (EIP-6963).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Offer {
    pub uuid: String,
    pub name: String,
    /// Data URI, drawn only in `<img>`.
    pub icon: String,
    pub rdns: String,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Connected {
    pub offer: Offer,
    /// EIP-55 mixed case.
    pub account: String,
    pub chain_id: u64,
}

impl Connected {
    pub fn on_chain_of(&self, dao: &Dao) -> bool {
        self.chain_id == dao.chain_id
    }

    /// Named where the address book knows a name.
    pub fn party(&self, dao: &Dao) -> Party {
        named(dao, &self.account)
    }
}

/// An address with its name in the DAO's address book.
pub fn named(dao: &Dao, address: &str) -> Party {
    let name = dao.names.iter().find(|party| party.address.eq_ignore_ascii_case(address)).and_then(|party| party.name.clone());
    Party { address: address.to_owned(), name }
}

/// What becomes of something sent, as it is told to the reader.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Sending {
    #[default]
    Nothing,
    Asking,
    Pending(String),
    Done(String),
    Failed(String),
}

impl Sending {
    pub fn is_busy(&self) -> bool {
        matches!(self, Self::Asking | Self::Pending(_))
    }

    /// One sentence; `done` says what a success means.
    pub fn sentence(&self, done: &str) -> String {
        match self {
            Self::Nothing => String::new(),
            Self::Asking => "Look at your wallet: it asks you to confirm.".into(),
            Self::Pending(hash) => format!("Sent as {}. Waiting for the chain…", short_hash(hash)),
            Self::Done(_) => done.to_owned(),
            Self::Failed(why) => why.clone(),
        }
    }
}

fn short_hash(hash: &str) -> String {
    hash.get(..10).map_or_else(|| hash.to_owned(), |head| format!("{head}…"))
}

/// The page's wallet. Copies share the same signals.
#[derive(Clone, Copy, Debug)]
pub struct Wallet {
    pub offers: RwSignal<Vec<Offer>>,
    pub connected: RwSignal<Option<Connected>>,
    /// Grows when the account's votes may have changed.
    pub moved: RwSignal<u64>,
}

impl Wallet {
    fn new() -> Self {
        Self { offers: RwSignal::new(vec![]), connected: RwSignal::new(None), moved: RwSignal::new(0) }
    }

    /// The wallet of this page: in the browser always the same one, on the server an empty one for each use.
    pub fn here() -> Self {
        #[cfg(feature = "hydrate")]
        {
            thread_local! {
                static HERE: std::cell::OnceCell<Wallet> = const { std::cell::OnceCell::new() };
            }
            HERE.with(|here| *here.get_or_init(|| lasting(Self::new)))
        }
        #[cfg(not(feature = "hydrate"))]
        Self::new()
    }

    /// Begins listening for wallets; one that was connected on an earlier visit is taken up again without asking.
    pub fn discover(self) {
        js::discover(move |offer| {
            if self.offers.with_untracked(|offers| offers.iter().any(|known| known.uuid == offer.uuid)) {
                return;
            }
            self.offers.update(|offers| offers.push(offer.clone()));
            if js::recall(CHOSEN).as_deref() == Some(&offer.rdns) {
                spawn_local(async move {
                    if let Ok(accounts) = js::request(&offer.uuid, "eth_accounts", json!([])).await {
                        let _taken_up = self.take_up(offer, &accounts).await;
                    }
                });
            }
        });
    }

    /// Asks a wallet for its account.
    pub async fn connect(self, offer: Offer) -> Result<(), RpcError> {
        let accounts = js::request(&offer.uuid, "eth_requestAccounts", json!([])).await?;
        js::remember(CHOSEN, Some(&offer.rdns));
        self.take_up(offer, &accounts).await
    }

    async fn take_up(self, offer: Offer, accounts: &Json) -> Result<(), RpcError> {
        let Some(account) = first_account(accounts) else {
            return Ok(());
        };
        let chain_id = number(&js::request(&offer.uuid, "eth_chainId", json!([])).await?);
        let uuid = offer.uuid.clone();
        let known = self.connected.with_untracked(|connected| connected.as_ref().is_some_and(|connected| connected.offer.uuid == uuid));
        self.connected.set(Some(Connected { offer, account, chain_id }));
        if !known {
            js::on_wallet_event(&uuid, "accountsChanged", {
                let uuid = uuid.clone();
                move |accounts| self.revise(&uuid, |connected| first_account(&accounts).map(|account| Connected { account, ..connected }))
            });
            js::on_wallet_event(&uuid.clone(), "chainChanged", move |chain| {
                self.revise(&uuid, |connected| Some(Connected { chain_id: number(&chain), ..connected }))
            });
        }
        Ok(())
    }

    fn revise(self, uuid: &str, change: impl FnOnce(Connected) -> Option<Connected>) {
        if let Some(connected) = self.connected.get_untracked().filter(|connected| connected.offer.uuid == uuid) {
            self.connected.set(change(connected));
        }
    }

    /// Forgets the wallet here; the wallet itself is not told, since EIP-1193 has no word for it.
    pub fn disconnect(self) {
        js::remember(CHOSEN, None);
        self.connected.set(None);
    }

    pub async fn request(self, method: &str, params: Json) -> Result<Json, RpcError> {
        let Some(connected) = self.connected.get_untracked() else {
            return Err(RpcError { code: 4900, message: "No wallet is connected.".into(), data: None });
        };
        js::request(&connected.offer.uuid, method, params).await
    }

    /// Asks the wallet to move to the DAO's chain, and to learn it where the devnet's address is known.
    pub async fn switch_chain(self, site: &Site) -> Result<(), RpcError> {
        let chain_id = format!("{:#x}", site.dao.chain_id);
        match self.request("wallet_switchEthereumChain", json!([{ "chainId": chain_id }])).await {
            Ok(_) => {}
            Err(refused) if refused.is_unknown_chain() && site.devnet.is_some() => {
                let rpc = site.devnet.as_ref().map(|devnet| devnet.rpc.clone());
                let chain = json!([{
                    "chainId": chain_id,
                    "chainName": site.dao.chain_name,
                    "nativeCurrency": { "name": "Ether", "symbol": "ETH", "decimals": 18 },
                    "rpcUrls": [rpc],
                }]);
                self.request("wallet_addEthereumChain", chain).await?;
            }
            Err(refused) => return Err(refused),
        }
        let now = number(&self.request("eth_chainId", json!([])).await?);
        self.connected.update(|connected| {
            if let Some(connected) = connected {
                connected.chain_id = now;
            }
        });
        Ok(())
    }

    /// A question to the chain that changes nothing.
    pub async fn ask(self, to: &str, data: Option<String>) -> Option<String> {
        let answer = self.request("eth_call", json!([{ "to": to, "data": data? }, "latest"])).await.ok()?;
        answer.as_str().map(str::to_owned)
    }

    /// Signs in (EIP-4361). Afterwards the session is a cookie that no script can read.
    ///
    /// # Errors
    /// One plain sentence: the wallet's refusal or the server's.
    pub async fn sign_in(self, dao: &Dao) -> Result<(), String> {
        let connected = self.connected.get_untracked().ok_or("Connect a wallet first.")?;
        let (status, nonce) = js::fetch("GET", "/auth/nonce", None).await?;
        if status != 200 {
            return Err(problem(&nonce));
        }
        let (origin, host) = js::location();
        let address = calls::checksum(&connected.account).ok_or("The wallet named no proper address.")?;
        let message =
            SignIn { domain: &host, uri: &origin, address: &address, chain_id: dao.chain_id, nonce: nonce.trim(), now: js::unix_seconds() }
                .message();
        let bytes = governance::onchain::hex::encode_prefixed(&message);
        let signature = self.request("personal_sign", json!([bytes, connected.account])).await.map_err(|refused| refused.sentence())?;
        let (status, answer) = js::fetch("POST", "/auth/verify", Some(&json!({ "message": message, "signature": signature }))).await?;
        if (200..300).contains(&status) { Ok(()) } else { Err(problem(&answer)) }
    }

    pub async fn sign_out(self) -> Result<(), String> {
        let (status, answer) = js::fetch("POST", "/auth/logout", Some(&json!({}))).await?;
        if (200..300).contains(&status) { Ok(()) } else { Err(problem(&answer)) }
    }

    /// Sends a call and follows it until the chain has it, telling `told` at each turn. The call is tried first without
    /// sending, so that a refusal is known in words before the wallet is asked.
    pub async fn send(self, to: &str, data: Option<String>, told: RwSignal<Sending>) -> bool {
        let outcome = self.attempt(to, data, told).await;
        let succeeded = outcome.is_ok();
        let _gone = told.try_set(match outcome {
            Ok(hash) => Sending::Done(hash),
            Err(why) => Sending::Failed(why),
        });
        if succeeded {
            self.moved.update(|moved| *moved += 1);
        }
        succeeded
    }

    async fn attempt(self, to: &str, data: Option<String>, told: RwSignal<Sending>) -> Result<String, String> {
        let data = data.ok_or("This could not be put into a call.")?;
        let connected = self.connected.get_untracked().ok_or("Connect a wallet first.")?;
        let call = json!({ "from": connected.account, "to": to, "data": data });
        let _gone = told.try_set(Sending::Asking);
        if let Err(refused) = self.request("eth_call", json!([call, "latest"])).await
            && refused.data.is_some()
        {
            return Err(refused.sentence());
        }
        let sent = self.request("eth_sendTransaction", json!([call])).await.map_err(|refused| refused.sentence())?;
        let hash = sent.as_str().ok_or("The wallet answered without a transaction.")?.to_owned();
        let _gone = told.try_set(Sending::Pending(hash.clone()));
        for _ in 0..POLLS {
            let receipt = self.request("eth_getTransactionReceipt", json!([hash])).await.map_err(|refused| refused.sentence())?;
            match receipt.get("status").and_then(Json::as_str) {
                Some("0x1") => return Ok(hash),
                Some(_) => return Err(format!("The chain took transaction {} but refused what it asked.", short_hash(&hash))),
                None => js::sleep(POLL_MS).await,
            }
        }
        Err(format!("Transaction {} is still waiting; your wallet will tell when it is done.", short_hash(&hash)))
    }
}

/// Makes signals that outlive every component, by giving them an owner of their own.
#[cfg(feature = "hydrate")]
pub(super) fn lasting<T>(make: impl FnOnce() -> T) -> T {
    thread_local! {
        static OWNER: std::cell::OnceCell<Owner> = const { std::cell::OnceCell::new() };
    }
    OWNER.with(|owner| {
        let owner = owner.get_or_init(|| {
            let around = Owner::current();
            let owner = Owner::new_root(None);
            if let Some(around) = around {
                around.set();
            }
            owner
        });
        owner.with(make)
    })
}

fn first_account(accounts: &Json) -> Option<String> {
    let first = accounts.as_array()?.first()?.as_str()?;
    Some(calls::checksum(first).unwrap_or_else(|| first.to_owned()))
}

/// A JSON-RPC quantity; 0 when it is none.
fn number(quantity: &Json) -> u64 {
    quantity.as_str().and_then(|text| u64::from_str_radix(text.trim_start_matches("0x"), 16).ok()).unwrap_or_default()
}

/// The `detail` of an RFC 9457 problem.
pub fn problem(body: &str) -> String {
    let told = serde_json::from_str::<Json>(body).ok().and_then(|problem| {
        let of = |member: &str| problem.get(member)?.as_str().map(str::to_owned);
        of("detail").or_else(|| of("title"))
    });
    told.unwrap_or_else(|| "The server refused without saying why.".into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantities_and_problems_are_read_leniently() {
        assert_eq!(number(&json!("0x7a69")), 31_337);
        assert_eq!(number(&Json::Null), 0);
        assert_eq!(problem(r#"{"title":"No","detail":"The nonce is used up."}"#), "The nonce is used up.");
        assert_eq!(problem("<html>"), "The server refused without saying why.");
    }
}
