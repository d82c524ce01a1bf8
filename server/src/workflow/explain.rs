//! Explain: a signed decision record arrives, is recomputed and logged; its model and background are published when their
//! hashes were signed for.
//!
//! A record that does not hold is refused, and nothing of it is kept. That needs what it names: a record whose model is
//! not here yet is taken as *claimed*, since only a signed record gives anyone the right to publish a model. When the
//! model comes, the record becomes *recomputed* or a *mismatch*. The model is then taken in either case: it has the hash
//! that was signed for, and keeping it out would let a false claim stand. A mismatch found so late is never silent: the
//! answer to the upload names it, and a review entry that lists what differs is logged in the same transaction.

use alloy::eips::BlockId;
use alloy_primitives::{Address, B256};
use governance::{
    explanation::{DecisionError, DecisionRecord, Model, VerificationState, decision, model::table},
    log::{ActorSignature, Body, Entry, EntryKind, SignatureScheme},
};
use sea_orm::{ActiveValue::Set, ColumnTrait, ConnectionTrait, EntityTrait, PaginatorTrait, QueryFilter, TryInsertResult};

use super::{
    WorkflowError, draft,
    refusal::{Fault, Finding, Refusal},
};
use crate::{
    chain::{Node, signature},
    config::AgentConfig,
    log,
    reading::{Reading, decisions as recomputing},
    store::{
        Store, Tx,
        entities::{background, decision as stored, model},
    },
};

/// Largest model that is published here, in bytes.
pub const MAX_MODEL: usize = 32 << 20;
/// Largest background that is published here, in bytes.
pub const MAX_BACKGROUND: usize = 2 << 20;
/// Decisions that one agent may hand in within a day of chain time.
pub const MAX_A_DAY: u64 = 48;
/// How old a decision may be when it is handed in, in seconds of chain time.
pub const MAX_AGE: u64 = 7 * 86_400;
/// How far ahead of the chain it may be: agents and bridges do not read the same block at once.
pub const MAX_AHEAD: u64 = 15 * 60;

/// Who brings a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    /// An agent, over HTTP.
    Submitted,
    /// The operator, beside the configuration: also what happened before this bridge was there.
    Operator,
}

/// A decision that is here now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Accepted {
    pub digest: B256,
    /// False when it was here already.
    pub new: bool,
}

/// A file that is here now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Published {
    /// False when it was here already.
    pub new: bool,
    /// The decisions that name it, and what they have become.
    pub decisions: Vec<(B256, VerificationState)>,
}

/// Names a decision's log entry.
pub fn entry_id(digest: B256) -> String {
    format!("decision/{digest}")
}

/// Takes a decision record in. The same record again changes nothing.
pub async fn accept(
    store: &Store,
    reading: &Reading,
    node: Option<&Node>,
    bytes: &[u8],
    origin: Origin,
    now: u64,
) -> Result<Accepted, WorkflowError> {
    let record = DecisionRecord::parse(bytes).map_err(unreadable)?;
    let raw = std::str::from_utf8(bytes).map_err(|_| Refusal::of(Fault::Malformed, "the record", "the record is not UTF-8"))?;
    let digest = record.digest();
    if record.signature.is_none() {
        return Err(unreadable(DecisionError::Unsigned).into());
    }
    if already(&store.db, &record, digest).await? {
        return Ok(Accepted { digest, new: false });
    }
    if let Some(entry) = log::find(&store.db, &entry_id(digest)).await?
        && log::find(&store.db, &format!("erasure/{}", entry.index)).await?.is_some()
    {
        let detail = format!("Decision {digest} was erased here, as entry {} of the log tells; it is not taken in again.", entry.index);
        return Err(Refusal::new(Fault::Conflict, detail).into());
    }
    let (account, agent) = agent(reading, &record)?;
    let accepted_block = signed(reading, node, &record, account).await?;
    if origin == Origin::Submitted {
        timely(reading, node, &record, now).await?;
    }
    let tx = loop {
        let at_hand = recomputing::at_hand(&store.db, &record).await?;
        holds(&store.db, reading, &record, accepted_block).await?;
        let tx = store.begin().await?;
        // What was published in between would not have been looked at.
        if recomputing::at_hand(&tx.db, &record).await? == at_hand {
            break tx;
        }
    };
    if origin == Origin::Submitted {
        not_too_many(&tx, agent, account, now).await?;
    }
    let row = stored::ActiveModel {
        digest: Set(digest.to_string()),
        agent: Set(account.to_string()),
        record: Set(raw.to_owned()),
        received_at: Set(now as i64),
        accepted_block: Set(accepted_block.map(|block| block as i64)),
    };
    let insert = stored::Entity::insert(row).on_conflict_do_nothing_on([stored::Column::Digest]);
    if !inserted(&insert.exec_without_returning(&tx.db).await?) {
        // Somebody was faster, here or in another replica.
        already(&tx.db, &record, digest).await?;
        return Ok(Accepted { digest, new: false });
    }

    let source = &reading.source;
    let mut entry = Entry::new(EntryKind::Decision, entry_id(digest), record.at)
        .with_fact("digest", digest.to_string())
        .with_fact("agent", record.agent.account.clone())
        .with_fact("modelSha256", record.model.sha256.clone())
        .with_fact("basedOn", record.based_on.to_string())
        .with_fact("parameters", record.changes.iter().map(|change| format!("{}/{}", change.engine, change.key)).collect::<Vec<_>>());
    entry.actor = Some(format!("{}:{account}", source.chain()));
    entry.body = Some(Body::public(bytes, "application/json"));
    entry.signature = record.signature.as_ref().filter(|signature| signature.scheme == "eip712").map(|signature| ActorSignature {
        scheme: SignatureScheme::Eip712,
        over: record.signing_hash(source.chain_id, source.registry).to_string(),
        value: signature.value.to_string(),
    });
    let logged = log::append(&tx, &entry).await?;
    draft::from_decision(&tx, &record, digest, account, now).await?;
    // Records taken in before the chain was first read cannot be checked against what was in force.
    if reading.block > 0 {
        super::review::record(&tx, reading, &record, digest, logged, now).await?;
    }
    tx.commit().await?;
    tracing::info!(decision.digest = %digest, agent = %agent.slug, "decision {digest} of {} accepted", agent.name);
    Ok(Accepted { digest, new: true })
}

/// Whether a row went in, rather than being there already.
fn inserted(done: &TryInsertResult<u64>) -> bool {
    matches!(done, TryInsertResult::Inserted(rows) if *rows > 0)
}

fn unreadable(error: DecisionError) -> Refusal {
    match &error {
        DecisionError::Field { field, .. } => Refusal::of(Fault::Malformed, field.clone(), error.to_string()),
        DecisionError::TooLarge { .. } => Refusal::new(Fault::TooLarge, error.to_string()),
        DecisionError::Unsigned => Refusal::of(Fault::Unsigned, "signature", error.to_string()),
        _ => Refusal::of(Fault::Unsigned, "signature.value", error.to_string()),
    }
}

/// Whether this record is here, under the same signature.
async fn already(db: &impl ConnectionTrait, record: &DecisionRecord, digest: B256) -> Result<bool, WorkflowError> {
    let Some(row) = stored::Entity::find_by_id(digest.to_string()).one(db).await? else { return Ok(false) };
    if DecisionRecord::parse(row.record.as_bytes()).is_ok_and(|known| known.signature == record.signature) {
        return Ok(true);
    }
    Err(Refusal::of(Fault::Conflict, "signature", format!("Decision {digest} is here already, under another signature.")).into())
}

/// The account and name of the agent, if it is one of this DAO's on this DAO's chain.
fn agent<'a>(reading: &'a Reading, record: &DecisionRecord) -> Result<(Address, &'a AgentConfig), Refusal> {
    let chain = reading.source.chain();
    let elsewhere =
        |field: &str, found: &str| Refusal::of(Fault::Contradiction, field, format!("{field} is {found}; this DAO is on {chain}."));
    if record.block.chain != chain {
        return Err(elsewhere("block.chain", &record.block.chain));
    }
    if !record.agent.account.starts_with(&format!("{chain}:")) {
        return Err(elsewhere("agent.account", &record.agent.account));
    }
    let account = record.agent_address().unwrap_or_default();
    let agent = reading.dao.agent(account).ok_or_else(|| {
        let detail = format!("{account} is not an agent of this DAO. Its operators name agents in the configuration.");
        Refusal::of(Fault::NotAllowed, "agent.account", detail)
    })?;
    Ok((account, agent))
}

/// Checks the signature. For a contract account, returns the block as of which it accepted.
async fn signed(reading: &Reading, node: Option<&Node>, record: &DecisionRecord, account: Address) -> Result<Option<u64>, WorkflowError> {
    let source = &reading.source;
    let unsigned = |detail: String| Refusal::of(Fault::Unsigned, "signature", detail);
    let claimed = record.signature.as_ref().map(|signature| signature.signer);
    if claimed != Some(account) {
        let detail = format!("The record names agent {account}, but {} signed it.", claimed.unwrap_or_default());
        return Err(Refusal::of(Fault::Unsigned, "signature.signer", detail).into());
    }
    let Some((signature, preparation)) = recomputing::contract_signature(record) else {
        let signer = record.signer(source.chain_id, source.registry).map_err(unreadable)?;
        if signer != account {
            return Err(unsigned(format!("The record names agent {account}, but {signer} signed it.")).into());
        }
        return Ok(None);
    };
    let later = |detail: String| Refusal::of(Fault::NotNow, "signature", detail);
    let node = node.ok_or_else(|| later("A contract account signed this, and the chain cannot be asked right now.".into()))?;
    let asked = async {
        let head = node.head().await?;
        let hash = record.signing_hash(source.chain_id, source.registry);
        let valid = signature::check(node, account, hash, &signature, preparation.as_ref(), BlockId::number(head)).await?;
        Ok::<_, crate::chain::NodeError>((head, valid))
    };
    match asked.await {
        Ok((head, true)) => Ok(Some(head)),
        Ok((head, false)) => Err(unsigned(format!("{account} does not accept this signature as its own, as of block {head}.")).into()),
        Err(error) => Err(later(format!("A contract account signed this, and {}.", error.in_public())).into()),
    }
}

/// A decision is about now: an old one may not be kept back until it suits, and none is from the future.
async fn timely(reading: &Reading, node: Option<&Node>, record: &DecisionRecord, now: u64) -> Result<(), Refusal> {
    if reading.block == 0 {
        return Err(Refusal::new(Fault::NotNow, "The chain has not been read yet; try again in a moment."));
    }
    if record.at.saturating_add(MAX_AGE) < now || record.at > now.saturating_add(MAX_AHEAD) {
        let detail = format!(
            "at is {}, and the chain's clock says {now}; a decision may be {MAX_AGE} seconds older and {MAX_AHEAD} seconds newer.",
            record.at
        );
        return Err(Refusal::of(Fault::Contradiction, "at", detail));
    }
    if record.block.number <= reading.block {
        return Ok(());
    }
    // The agent may be quicker than our follower.
    let head = match node {
        Some(node) => node.head().await.map_err(|error| Refusal::new(Fault::NotNow, error.in_public()))?,
        None => reading.block,
    };
    if record.block.number <= head {
        return Ok(());
    }
    let detail = format!("Block {} does not exist yet; the latest is {head}.", record.block.number);
    Err(Refusal::of(Fault::Contradiction, "block.number", detail))
}

async fn not_too_many(tx: &Tx, agent: &AgentConfig, account: Address, now: u64) -> Result<(), WorkflowError> {
    let today = stored::Entity::find()
        .filter(stored::Column::Agent.eq(account.to_string()))
        .filter(stored::Column::ReceivedAt.gt(now.saturating_sub(86_400) as i64))
        .count(&tx.db)
        .await?;
    if today < MAX_A_DAY {
        return Ok(());
    }
    let detail = format!("{} has handed in {MAX_A_DAY} decisions within a day of chain time, which is the most.", agent.name);
    Err(Refusal::new(Fault::TooMany { retry_after: 3_600 }, detail).into())
}

/// Refuses a record that contradicts itself, or the model and background that are here.
async fn holds(
    db: &impl ConnectionTrait,
    reading: &Reading,
    record: &DecisionRecord,
    accepted_block: Option<u64>,
) -> Result<(), WorkflowError> {
    let verification = recomputing::recompute(db, &reading.source, record, accepted_block, &mut recomputing::Files::default()).await?;
    if verification.state != VerificationState::Mismatch {
        return Ok(());
    }
    let findings: Vec<Finding> = recomputing::failed(&verification)
        .map(|check| Finding {
            field: field_of(record, &check.name),
            detail: format!("{}: the record has {}, and {} was found", check.name, check.expected, check.found),
        })
        .collect();
    let names: Vec<&str> = recomputing::failed(&verification).map(|check| check.name.as_str()).take(5).collect();
    let detail = format!("The record does not hold: {} differ{}.", names.join(", "), if names.len() == 1 { "s" } else { "" });
    Err(Refusal { fault: Fault::Contradiction, detail, findings }.into())
}

/// The field that a check is about.
fn field_of(record: &DecisionRecord, check: &str) -> String {
    let change = |key: &str| record.changes.iter().position(|change| change.key == key);
    if let Some(name) = check.strip_prefix("attribution of ") {
        let at = record.attributions.iter().position(|one| one.name == name);
        return at.map_or_else(|| "attributions".into(), |at| format!("attributions[{at}].value"));
    }
    if let Some(at) = check.strip_prefix("rule of ").and_then(change) {
        return format!("changes[{at}]");
    }
    let ruled = || change(&record.rule.parameter);
    match check {
        "rule" => "rule".into(),
        "value" => ruled().map_or_else(|| "changes".into(), |at| format!("changes[{at}].to")),
        "current value" => "rule.current".into(),
        "additivity" => "attributions".into(),
        "model hash" => "model.sha256".into(),
        "baseline of the model" => "model".into(),
        "output" => "output.value".into(),
        "output name" => "output.name".into(),
        "output from these inputs" => "inputs".into(),
        "baseline" => "baseline.value".into(),
        "background hash" => "baseline.background.sha256".into(),
        "background rows" => "baseline.background.rows".into(),
        "inputs" | "signature" => check.into(),
        _ => "the record".into(),
    }
}

/// Whether a signed decision here names this model. Nobody needs a right of their own to publish it then.
pub fn model_is_named(reading: &Reading, sha256: &str) -> Result<(), Refusal> {
    named(reading, "model", sha256, |record| record.model.sha256 == sha256)
}

/// Whether a signed decision here names this background.
pub fn background_is_named(reading: &Reading, sha256: &str) -> Result<(), Refusal> {
    named(reading, "background", sha256, |record| recomputing::background_of(record).is_some_and(|named| named == sha256))
}

fn named(reading: &Reading, what: &str, sha256: &str, names: impl Fn(&DecisionRecord) -> bool) -> Result<(), Refusal> {
    if reading.decisions.all.values().any(|decided| names(&decided.record)) {
        return Ok(());
    }
    let detail = format!("no decision here names {what} {sha256}; hand the signed decision in first");
    Err(Refusal::new(Fault::NotAllowed, detail))
}

fn has_hash(sha256: &str, bytes: &[u8]) -> Result<(), Refusal> {
    let found = alloy_primitives::hex::encode(Model::sha256(bytes));
    if found == sha256 {
        return Ok(());
    }
    Err(Refusal::new(Fault::Contradiction, format!("the bytes have sha256 {found}, not {sha256}")))
}

pub(crate) fn too_large(what: &str, most: usize) -> Refusal {
    Refusal::new(Fault::TooLarge, format!("{what} may have {most} bytes at most"))
}

/// Publishes a model's bytes. Whoever brings them needs no right of their own: a signed decision already named this hash.
pub async fn publish_model(store: &Store, reading: &Reading, sha256: &str, bytes: &[u8], now: u64) -> Result<Published, WorkflowError> {
    model_is_named(reading, sha256)?;
    if bytes.len() > MAX_MODEL {
        return Err(too_large("a model", MAX_MODEL).into());
    }
    has_hash(sha256, bytes)?;
    let (copy, read) = (bytes.to_vec(), |bytes: &[u8]| Model::read(bytes).map(|_| ()));
    match tokio::task::spawn_blocking(move || read(&copy)).await {
        Ok(Ok(())) => {}
        Ok(Err(error)) => return Err(Refusal::new(Fault::Contradiction, format!("the model cannot be read: {error}")).into()),
        Err(stopped) => return Err(WorkflowError::Refused(format!("the model cannot be read: {stopped}"))),
    }
    let tx = store.begin().await?;
    let row = model::ActiveModel { sha256: Set(sha256.to_owned()), bytes: Set(bytes.to_vec()) };
    let insert = model::Entity::insert(row).on_conflict_do_nothing_on([model::Column::Sha256]);
    let new = inserted(&insert.exec_without_returning(&tx.db).await?);
    let decisions = now_seen(&tx, reading, new, now, |record| record.model.sha256 == sha256).await?;
    tx.commit().await?;
    Ok(Published { new, decisions })
}

/// Publishes a background's bytes, CSV or JSON rows, on the same terms as a model's.
pub async fn publish_background(
    store: &Store,
    reading: &Reading,
    sha256: &str,
    bytes: &[u8],
    now: u64,
) -> Result<Published, WorkflowError> {
    background_is_named(reading, sha256)?;
    if bytes.len() > MAX_BACKGROUND {
        return Err(too_large("a background", MAX_BACKGROUND).into());
    }
    has_hash(sha256, bytes)?;
    let names = |record: &DecisionRecord| recomputing::background_of(record).is_some_and(|named| named == sha256);
    for decided in reading.decisions.all.values().filter(|decided| names(&decided.record)) {
        let model = decided.record.model.sha256.as_str();
        let Some(row) = model::Entity::find_by_id(model).one(&store.db).await? else {
            let detail = format!("the columns of the background are those of model {model}, which is not here yet; publish that first");
            return Err(Refusal::new(Fault::Conflict, detail).into());
        };
        let names = Model::read(&row.bytes).map(|model| model.feature_names().to_vec()).unwrap_or_default();
        table::read(bytes, &names)
            .map_err(|error| Refusal::new(Fault::Contradiction, format!("the background cannot be read: {error}")))?;
    }
    let tx = store.begin().await?;
    let row = background::ActiveModel { sha256: Set(sha256.to_owned()), bytes: Set(bytes.to_vec()) };
    let insert = background::Entity::insert(row).on_conflict_do_nothing_on([background::Column::Sha256]);
    let new = inserted(&insert.exec_without_returning(&tx.db).await?);
    let decisions = now_seen(&tx, reading, new, now, names).await?;
    tx.commit().await?;
    Ok(Published { new, decisions })
}

/// Recomputes the decisions that a new file concerns, and logs those that turn out not to hold.
async fn now_seen(
    tx: &Tx,
    reading: &Reading,
    new: bool,
    now: u64,
    concerned: impl Fn(&DecisionRecord) -> bool,
) -> Result<Vec<(B256, VerificationState)>, WorkflowError> {
    let mut models = recomputing::Files::default();
    let mut seen = Vec::new();
    for decided in reading.decisions.all.values().filter(|decided| concerned(&decided.record)) {
        let verification = recomputing::recompute(&tx.db, &reading.source, &decided.record, decided.accepted_block, &mut models).await?;
        seen.push((decided.digest, verification.state));
        if !new || verification.state != VerificationState::Mismatch || decided.verification.state == VerificationState::Mismatch {
            continue;
        }
        let differs = recomputing::failed(&verification).map(|check| format!("{}: {}, found {}", check.name, check.expected, check.found));
        let differs: Vec<String> = differs.map(|finding| finding.chars().take(200).collect()).take(16).collect();
        let digest = decided.digest;
        let mut entry = Entry::new(EntryKind::Review, format!("review/{digest}/{}", VerificationState::Mismatch.label()), now)
            .with_fact("decision", digest.to_string())
            .with_fact("verification", VerificationState::Mismatch.label())
            .with_fact("findings", differs);
        entry.refs.extend(log::find(&tx.db, &entry_id(digest)).await?);
        log::append(tx, &entry).await?;
        tracing::warn!(decision.digest = %digest, "decision {digest} does not hold, now that it can be recomputed");
    }
    Ok(seen)
}

/// The largest record that is read, in bytes.
pub const MAX_RECORD: usize = decision::MAX_BYTES;
