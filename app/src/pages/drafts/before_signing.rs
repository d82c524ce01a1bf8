//! Everything a proposer can know before the wallet asks: ids, exact text, dates, and what will be signed.

use governance::proposal::Compiled;
use leptos::prelude::*;

use crate::{
    components::{Fold, Hash, ProofCard, ProofLine, date_time, duration_words},
    views::Site,
};

/// `bound` says whether a proposer's address stands in the text already.
#[component]
pub fn BeforeSigning(compiled: Compiled, site: Site, bound: bool) -> impl IntoView {
    let dao = site.dao;
    let opens = site.chain_time + dao.voting_delay;
    let ends = opens + dao.voting_period;
    let earliest = ends + dao.timelock_delay;
    let calls = compiled.calls.len();
    let sent = format!(
        "Your wallet will ask you to send one transaction to the governor: propose, with {calls} {}. It sends no ETH and changes nothing by itself. You need {} {} of votes.",
        if calls == 1 { "call" } else { "calls" },
        dao.proposal_threshold,
        dao.token_symbol,
    );
    let ids = vec![
        ProofLine::new("Proposal id", compiled.proposal_id.clone()),
        ProofLine::new("Fingerprint of the text (description hash)", compiled.description_hash.to_string()),
        ProofLine::new("Operation in the timelock, OpenZeppelin 5 rule", compiled.operation_v5.to_string()),
        ProofLine::new("Operation in the timelock, OpenZeppelin 4 rule", compiled.operation_v4.to_string()),
    ];
    let bytes = compiled.description.len();
    view! {
        <div class="stack" data-testid="before-signing">
            <ul class="stack stack-tight">
                <li>{sent}</li>
                <li>{format!(
                    "Proposed now, voting opens about {} and ends about {}. If it passes and is queued at once, it waits {} in the timelock and can be carried out from about {}.",
                    date_time(opens), date_time(ends), duration_words(dao.timelock_delay), date_time(earliest),
                )}</li>
                <li>{if bound {
                    "The text ends with your address, so that nobody else can propose the same and withdraw it."
                } else {
                    "Connect your wallet: your address becomes the last line of the text, and only then are these ids final."
                }}</li>
            </ul>
            <ProofCard title=if bound { "The ids it will have" } else { "Its ids, without a proposer" } lines=ids>
                <Fold summary=format!("The exact text, {bytes} bytes")>
                    <pre class="code" tabindex="0" id="exact-text">{compiled.description.clone()}</pre>
                </Fold>
                <Fold summary="The exact transaction">
                    <p class="small">"To the governor "<Hash value=dao.governor.clone()/></p>
                    <pre class="code" tabindex="0">{compiled.propose_calldata.to_string()}</pre>
                </Fold>
            </ProofCard>
        </div>
    }
}
