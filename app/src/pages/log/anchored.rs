//! What the chain holds of the log, read by the reader's own wallet or by the devnet's node, and compared here with the
//! log's own tiles.
//!
//! Pages may ask nobody but this site: that is their policy. A node of the reader's own is therefore asked through the
//! reader's wallet, or from a command line.

use std::sync::Arc;

use governance::log::{Checkpoint, Hash, VerifierKey};
use leptos::{prelude::*, task::spawn_local};
use serde_json::{Value as Json, json};

use super::{
    growth::{self, Tiles},
    steps::{Came, Checks, Step, short},
};
use crate::{
    browser::{Wallet, calls, choose_wallet, outside},
    components::{Copy, Fold, Hash as HashLine, Moment},
    views::{AnchorView, Site},
};

/// What came of asking; kept by the page, so that a live update does not take it away.
pub type Asked = RwSignal<Option<Vec<Step>>>;

/// Who is asked what the chain holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Through {
    Wallet,
    Devnet,
}

/// Compares what the chain answered with what the bridge said, and with the signed log. `tiles` are of the log at the
/// checkpoint's size.
fn judge(anchor: &AnchorView, answer: &str, now: &Checkpoint, index: Option<u64>, tiles: &Tiles) -> Vec<Step> {
    let Some(word) = calls::word(answer) else {
        return vec![Step::fails(format!("No log anchor answered at {}: there may be no such contract on that chain.", anchor.contract))];
    };
    if word.is_zero() {
        return vec![Step::fails(format!("The chain holds no root of this log at size {} under {}.", anchor.size, anchor.account.label()))];
    }
    let root = Hash(word.to_be_bytes());
    let held = governance::onchain::hex::encode_prefixed(root.0);
    let said = held.eq_ignore_ascii_case(&anchor.root);
    // Chains write bytes in hex and logs in base64: both are named, so that a reader finds them again.
    let mut steps = vec![Step::new(
        Came::Holds,
        format!(
            "The chain holds root {}…, {} in the log's writing, over the log's first {} entries.",
            held.get(..10).unwrap_or(&held),
            short(&root),
            anchor.size
        ),
    )];
    steps.push(if said {
        Step::new(Came::Holds, "That is the root which this page says was anchored.")
    } else {
        Step::fails(format!("This page says that another root was anchored: {}.", anchor.root))
    });
    steps.push(match growth::grew(anchor.size, root, now, tiles) {
        Ok(()) => Step::new(
            Came::Holds,
            format!("The log's {} signed entries begin with exactly those {}: worked out here from its tiles.", now.size, anchor.size),
        ),
        Err(broken) => Step::fails(format!("The log is not the one that was anchored. {}", broken.sentence())),
    });
    if let Some(index) = index {
        steps.push(if index < anchor.size {
            Step::new(Came::Holds, format!("Entry {index} is among them, so it was written before block {}.", anchor.block))
        } else {
            Step::new(Came::Open, format!("Entry {index} was written after this anchor; a later one will cover it."))
        });
    }
    steps
}

/// Asks, fetches the tiles, and judges.
async fn read(anchor: AnchorView, checkpoint: String, vkey: String, index: Option<u64>, through: Through) -> Result<Vec<Step>, String> {
    let key: VerifierKey = vkey.trim().parse().map_err(|error| format!("The log's key cannot be read: {error}."))?;
    let now = Checkpoint::open(&checkpoint, &key, key.name()).map_err(|error| format!("The log's checkpoint does not hold: {error}."))?;
    if origin_hash(&now.origin) != anchor.origin.to_lowercase() {
        return Ok(vec![Step::fails(format!("The anchor is of another log: its origin hashes to {}.", anchor.origin))]);
    }
    let data =
        calls::anchored_root(&anchor.account.address, &anchor.origin, anchor.size).ok_or("The anchor's addresses cannot be read.")?;
    let call = json!([{ "to": anchor.contract, "data": data }, "latest"]);
    let answer = match through {
        Through::Wallet => Wallet::here().request("eth_call", call).await.map_err(|refused| refused.sentence())?,
        Through::Devnet => {
            let asked = json!({"jsonrpc": "2.0", "id": 1, "method": "eth_call", "params": call});
            let (_, text) = outside::fetch("POST", "/devnet/rpc", Some(&asked)).await?;
            let answer: Json = serde_json::from_str(&text).map_err(|_| "The devnet's node gave no answer.".to_owned())?;
            answer["result"].clone()
        }
    };
    let tiles = growth::fetch(growth::needed(anchor.size, now.size)).await?;
    Ok(judge(&anchor, answer.as_str().unwrap_or_default(), &now, index, &tiles))
}

/// sha256 of the origin line, as contracts know a log.
fn origin_hash(origin: &str) -> String {
    governance::onchain::hex::encode_prefixed(Hash::of(origin.as_bytes()).0)
}

/// An anchor with what the chain itself says of it, on request. `index` is the entry that the page is about.
#[component]
pub fn Anchored(anchor: AnchorView, checkpoint: String, vkey: String, index: Option<u64>, asked: Asked, site: Site) -> impl IntoView {
    let wallet = Wallet::here();
    let busy = RwSignal::new(false);
    let awake = RwSignal::new(false);
    Effect::new(move |_| awake.set(true));
    let dao = StoredValue::new(site.dao.clone());
    let connected = Memo::new(move |_| awake.get() && wallet.connected.get().is_some());
    let elsewhere = Memo::new(move |_| {
        awake.get()
            && wallet.connected.with(|connected| {
                connected.as_ref().is_some_and(|connected| dao.try_with_value(|dao| !connected.on_chain_of(dao)).unwrap_or(true))
            })
    });
    // The buttons hold what they need: a live update disposes of this component's values a moment before its elements go.
    let parts = Arc::new((anchor.clone(), checkpoint, vkey));
    let ask = move |through: Through| {
        let (anchor, checkpoint, vkey) = parts.as_ref().clone();
        let _gone = busy.try_set(true);
        spawn_local(async move {
            let steps = read(anchor, checkpoint, vkey, index, through).await.unwrap_or_else(|why| vec![Step::new(Came::Open, why)]);
            let _gone = asked.try_set(Some(steps));
            let _gone = busy.try_set(false);
        });
    };
    let ask_devnet = ask.clone();
    let by_wallet = move |_| if wallet.connected.with_untracked(Option::is_some) { ask(Through::Wallet) } else { choose_wallet() };
    let devnet = site.devnet.is_some().then(|| {
        view! {
            <button class="button button-quiet button-small" type="button" id="anchor-devnet" disabled=move || busy.get() on:click=move |_| ask_devnet(Through::Devnet)>
                "Ask the devnet's node"
            </button>
        }
    });
    let data = calls::anchored_root(&anchor.account.address, &anchor.origin, anchor.size).unwrap_or_default();
    let question = json!({"jsonrpc": "2.0", "id": 1, "method": "eth_call", "params": [{"to": anchor.contract, "data": data}, "latest"]});
    let command = format!("curl -s -H 'content-type: application/json' -d '{question}' YOUR-NODE");
    let (root, copied) = (anchor.root.clone(), command.clone());
    let party = anchor.account.clone();
    view! {
        <div class="stack" data-testid="anchor">
            <p>
                {format!("Block {} holds the root over the first {} entries, put there by {}, ", anchor.block, anchor.size, party.label())}
                <Moment at=anchor.at brief=true/>
                {if anchor.finalized { ". The block is final." } else { ". The block is not final yet." }}
            </p>
            <dl class="facts">
                <dt>"Root on chain"</dt><dd><HashLine value=anchor.root/></dd>
                <dt>"Contract"</dt><dd><HashLine value=anchor.contract/></dd>
                <dt>"Transaction"</dt><dd><HashLine value=anchor.transaction/></dd>
            </dl>
            <div class="panel stack needs-js">
                <p class="small">"Do not take this page's word for it: have the chain read by something of your own."</p>
                <p class="cluster">
                    <button class="button button-small" type="button" id="anchor-wallet" disabled=move || busy.get() on:click=by_wallet>
                        {move || if connected.get() { "Read the anchor through my wallet" } else { "Connect a wallet to read the anchor" }}
                    </button>
                    {devnet}
                </p>
                <p class="small field-error" hidden=move || !elsewhere.get()>"Your wallet is on another chain than this DAO, and would find nothing there."</p>
                <div role="status" id="anchor-outcome">
                    {move || asked.get().map(|steps| {
                        let class = if steps.iter().any(|step| step.came == Came::Fails) {
                            "note note-bad"
                        } else if steps.iter().all(|step| step.came == Came::Open) {
                            "note note-now"
                        } else {
                            "note note-good"
                        };
                        let outcome = if class == "note note-good" { "holds" } else { "not" };
                        view! { <div class=class data-outcome=outcome><Checks steps/></div> }
                    })}
                </div>
            </div>
            <Fold summary="Ask a node of your own, from a command line">
                <p class="small">"The pages here may talk to no other site; that protects you, and keeps them from asking your node. This asks it:"</p>
                <pre class="code" tabindex="0">{command}</pre>
                <p><Copy value=copied/></p>
                <p class="small">"The answer must be "<code class="hash">{root}</code></p>
            </Fold>
        </div>
    }
}

#[cfg(test)]
mod tests {
    use super::super::growth::tests::{checkpoint, tiles_of};
    use super::*;
    use governance::log::leaf_hash;
    use governance::onchain::hex;

    fn leaves() -> Vec<Hash> {
        (0..9u8).map(|leaf| leaf_hash(&[leaf])).collect()
    }

    fn anchor(root: Hash) -> AnchorView {
        AnchorView {
            chain: "eip155:31337".into(),
            contract: format!("0x{}", "11".repeat(20)),
            account: Default::default(),
            origin: String::new(),
            size: 5,
            root: hex::encode_prefixed(root.0),
            block: 12,
            at: 5,
            transaction: String::new(),
            finalized: true,
        }
    }

    fn came(answer: &str, said: Hash, index: u64) -> Vec<Came> {
        let all = leaves();
        let steps = judge(&anchor(said), answer, &checkpoint(&all), Some(index), &tiles_of(&all, growth::needed(5, 9)));
        steps.into_iter().map(|step| step.came).collect()
    }

    #[test]
    fn what_the_chain_holds_is_what_counts() {
        use Came::{Fails, Holds, Open};
        let (root, other) = (checkpoint(&leaves()[..5]).root, leaf_hash(b"other"));
        let answer = |root: Hash| hex::encode_prefixed(root.0);
        assert_eq!(came(&answer(root), root, 4), [Holds, Holds, Holds, Holds]);
        assert_eq!(came(&answer(root), root, 5), [Holds, Holds, Holds, Open]);
        assert_eq!(came(&answer(root), other, 4), [Holds, Fails, Holds, Holds], "the bridge lies about the chain");
        assert_eq!(came(&answer(other), other, 4), [Holds, Holds, Fails, Holds], "the log was rewritten after it was anchored");
        assert_eq!(came(&answer(Hash([0; 32])), root, 4), [Fails]);
        assert_eq!(came("0x", root, 4), [Fails]);
    }

    #[test]
    fn contracts_know_a_log_by_the_hash_of_its_origin() {
        assert_eq!(origin_hash(""), "0xe3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    }
}
