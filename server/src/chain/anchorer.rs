//! The anchorer: writes on chain what the log says, under the executor's account, which needs no right for it.
//!
//! The newest checkpoint is anchored on a schedule while the log grows, and at once when a decision waits for it: where the
//! registry asks that decisions be logged, a queued proposal cannot run before its decision was shown to be in an anchored
//! log. As with the executor, what is to be done is read from the chain's own state. What was sent counts once the
//! follower has seen its event; a reorg takes the event away, and the same bytes go out again.

use std::{
    collections::BTreeSet,
    time::{Duration, Instant},
};

use alloy_primitives::{Address, B256};
use alloy_sol_types::SolCall;
use governance::{
    log::{
        AnchorError, Anchoring, Checkpoint, CheckpointError, Note, VerifierKey,
        anchor::{key_hash, record_decision},
        origin_hash,
    },
    onchain::abi::LogAnchor,
};
use tracing::{error, info, warn};

use super::submit::{SubmitError, Submitter};
use crate::{
    log::{self, Log, LogError},
    reading::{Reading, Requirement},
    workflow::explain,
};

/// However long the schedule, a decision that waits is anchored this soon after the last anchor, and what failed is tried
/// again.
const SOON: Duration = Duration::from_secs(15);

#[derive(Debug, thiserror::Error)]
pub enum AnchorFailure {
    #[error(transparent)]
    Submit(#[from] SubmitError),
    #[error(transparent)]
    Log(#[from] LogError),
    #[error("the log's own checkpoint cannot be read: {0}")]
    Checkpoint(#[from] CheckpointError),
    #[error("the log's own proof does not hold: {0}")]
    Proof(#[from] AnchorError),
}

/// Anchors one log. Keep it from round to round: it remembers when it anchored last.
#[derive(Debug)]
pub struct Anchorer {
    log: Log,
    origin: B256,
    key: Option<B256>,
    every: Duration,
    /// When it anchored last.
    last: Option<Instant>,
    /// When something failed last.
    failed: Option<Instant>,
    /// The name of the announcement that was sent last, and when: the follower tells a little later that it is there.
    announced: Option<(String, Instant)>,
}

impl Anchorer {
    /// `every` is the time between two anchors of a log that grows.
    pub fn new(log: Log, every: Duration) -> Self {
        let key = log.vkey().parse::<VerifierKey>().ok().map(|key| key_hash(&key));
        Self {
            origin: origin_hash(log.origin()),
            key,
            log,
            every: every.max(Duration::from_secs(1)),
            last: None,
            failed: None,
            announced: None,
        }
    }

    /// Sends whatever is due. A failure is told, and tried again a little later.
    pub async fn round(&mut self, submitter: &Submitter, reading: &Reading) {
        let Some(contract) = reading.source.log_anchor else { return };
        if self.failed.is_some_and(|failed| failed.elapsed() < self.every.min(SOON)) {
            return;
        }
        self.failed = None;
        if let Err(failure) = self.announce(submitter, reading, contract).await {
            warn!("the log's key could not be announced: {failure}");
            self.failed = Some(Instant::now());
        }
        let mut waiting = false;
        for proposal in reading.facts.proposals.iter().filter(|proposal| proposal.state == "queued") {
            for (digest, asked) in reading.to_be_logged(proposal) {
                match self.show(submitter, reading, contract, digest, asked).await {
                    Ok(needs_anchor) => waiting |= needs_anchor,
                    Err(failure) => {
                        warn!(proposal.id = %proposal.id, decision.digest = %digest, "decision {digest} could not be shown to be logged: {failure}");
                        self.failed = Some(Instant::now());
                    }
                }
            }
        }
        if let Err(failure) = self.anchor(submitter, reading, contract, waiting).await {
            warn!("the log could not be anchored: {failure}");
            self.failed = Some(Instant::now());
        }
    }

    /// Says on chain which key signs the log, unless the chain has it.
    async fn announce(&mut self, submitter: &Submitter, reading: &Reading, contract: Address) -> Result<(), AnchorFailure> {
        let announced = reading.facts.log_keys.get(&(submitter.account(), self.origin)).map_or(&[][..], Vec::as_slice);
        let Some(key) = self.key.filter(|key| announced.last() != Some(key)) else { return Ok(()) };
        // A key may come back after another, even more than once, and each time it is announced anew.
        let known = announced.last().map_or_else(|| "none".to_owned(), B256::to_string);
        let about = format!("{}:{known}->{key}", announced.len());
        if self.announced.as_ref().is_some_and(|(sent, at)| *sent == about && at.elapsed() < SOON) {
            return Ok(());
        }
        let call = LogAnchor::announceKeyCall { origin: self.origin, vkeyHash: key };
        if let Some(transaction) = submitter.submit(&about, "announce", contract, call.abi_encode().into()).await? {
            info!(%transaction, "announced the log's key");
        }
        self.announced = Some((about, Instant::now()));
        Ok(())
    }

    /// Shows the contract a decision, where an anchor covers it already. Says whether one has to come first.
    async fn show(
        &self,
        submitter: &Submitter,
        reading: &Reading,
        contract: Address,
        digest: B256,
        asked: &Requirement,
    ) -> Result<bool, AnchorFailure> {
        if asked.anchor != contract || asked.origin != self.origin {
            // Another log's, or another contract's; not ours to show.
            return Ok(false);
        }
        let Some(logged) = log::find(&submitter.store.db, &explain::entry_id(digest)).await? else { return Ok(false) };
        let by = BTreeSet::from([asked.account]);
        for anchor in reading.facts.anchored(self.origin, &by).into_iter().filter(|anchor| anchor.size > logged.index) {
            let Some((path, root)) = self.log.prove_at(logged.index, anchor.size).await? else { continue };
            if B256::from(root.0) != anchor.root {
                error!(
                    size = anchor.size,
                    "{} anchored root {} for {} entries, and this log has {root}", anchor.account, anchor.root, anchor.size
                );
                continue;
            }
            let Some(entry) = self.log.entry(logged.index).await? else { continue };
            let anchored = Anchoring { contract, origin: anchor.origin, size: anchor.size, root: anchor.root };
            let call = record_decision(asked.account, &entry.leaf, logged.index, &path, &anchored)?;
            let about = format!("{digest}/{}", asked.account);
            if let Some(transaction) = submitter.submit(&about, "record", contract, call.abi_encode().into()).await? {
                info!(decision.digest = %digest, %transaction, "showed the chain that decision {digest} is entry {} of the log", logged.index);
            }
            return Ok(false);
        }
        Ok(asked.account == submitter.account())
    }

    /// Anchors the newest checkpoint if it is time and there is something new.
    async fn anchor(&mut self, submitter: &Submitter, reading: &Reading, contract: Address, waiting: bool) -> Result<(), AnchorFailure> {
        let pause = if waiting { self.every.min(SOON) } else { self.every };
        if self.last.is_some_and(|last| last.elapsed() < pause) {
            return Ok(());
        }
        let (_, note) = self.log.publish().await?;
        let checkpoint = Checkpoint::parse(&Note::parse(&note).map_err(CheckpointError::from)?.text)?;
        let Some(anchoring) = Anchoring::of(&checkpoint, contract) else { return Ok(()) };
        let own = BTreeSet::from([submitter.account()]);
        if reading.facts.anchored(self.origin, &own).first().is_some_and(|newest| newest.size >= anchoring.size) {
            return Ok(());
        }
        let about = format!("{}/{}", self.origin, anchoring.size);
        if let Some(transaction) = submitter.submit(&about, "anchor", contract, anchoring.calldata()).await? {
            info!(size = anchoring.size, %transaction, "anchored the log with {} entries", anchoring.size);
        }
        self.last = Some(Instant::now());
        Ok(())
    }
}
