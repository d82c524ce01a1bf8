//! Asking witnesses to cosign: people of the DAO who remember what they saw of the log, so that it cannot be shown to one
//! reader in one version and to another in another.
//!
//! A witness is believed only as far as it can show: a cosignature that does not hold is not attached, and that it saw
//! more of the log than there is counts at once when it shows our own signature over it, otherwise only at start.

use std::{
    collections::BTreeSet,
    sync::{Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use app::views::WitnessView;
use futures::future::join_all;
use governance::log::{
    Checkpoint, Hash, Note, Policy, Signature, VerifierKey, WitnessKey,
    policy::PolicyWitness,
    witness::{AddCheckpoint, MOST_PROOF_LINES},
};
use reqwest::{Client, StatusCode};
use tokio::sync::mpsc::Sender;

use super::{Log, LogError, standing::Contradiction};
use crate::config::WitnessConfig;

/// How long one question may take, and all questions to one witness for one checkpoint.
const ANSWER: Duration = Duration::from_secs(2);
const ALL_ANSWERS: Duration = Duration::from_secs(4);
/// How far a witness's clock may be from ours, in seconds.
const CLOCKS_APART: u64 = 300;
/// After a failure a witness is left alone this long, twice as long after each further one, up to a minute.
const FIRST_PAUSE: Duration = Duration::from_secs(1);
const LONGEST_PAUSE: Duration = Duration::from_secs(60);
/// The largest answer that is read, in bytes.
const LARGEST_ANSWER: usize = 64 * 1024;

/// The witnesses of this log, and how many of them a checkpoint needs.
#[derive(Debug)]
pub(super) struct Witnesses {
    each: Vec<Witness>,
    policy: Policy,
    quorum: usize,
    http: Client,
}

#[derive(Debug)]
struct Witness {
    name: String,
    url: String,
    key: WitnessKey,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    /// The size that it says it cosigned last.
    told: Option<u64>,
    /// Size and time of the newest cosignature of it that is attached.
    cosigned: Option<(u64, u64)>,
    problem: Option<String>,
    failures: u32,
    not_before: Option<Instant>,
}

/// Why there is no cosignature.
enum Failed {
    /// It may answer better next time.
    Problem(String),
    /// The log must not go on.
    Log(LogError),
}

impl From<LogError> for Failed {
    fn from(error: LogError) -> Self {
        Self::Log(error)
    }
}

fn problem(text: impl Into<String>) -> Failed {
    Failed::Problem(text.into())
}

impl Witnesses {
    /// # Errors
    /// When a key is not one of a witness, two are the same, or there are fewer witnesses than `quorum`.
    pub fn new(configured: &[WitnessConfig], quorum: usize, logs: &[VerifierKey]) -> Result<Option<Self>, LogError> {
        let failed = |reason: String| LogError::Witnesses(reason);
        if configured.is_empty() && quorum == 0 {
            return Ok(None);
        }
        let mut each = Vec::new();
        for WitnessConfig { name, url, vkey } in configured {
            let key = vkey.trim().parse().map_err(|error| failed(format!("the vkey of {name:?} cannot be read: {error}")))?;
            url::Url::parse(url).map_err(|error| failed(format!("the url of {name:?} cannot be read: {error}")))?;
            each.push(Witness { name: name.clone(), url: url.trim_end_matches('/').to_owned(), key, state: Mutex::default() });
        }
        let named: Vec<_> =
            each.iter().map(|one| PolicyWitness { name: one.name.clone(), key: one.key.clone(), url: Some(one.url.clone()) }).collect();
        let policy = Policy::at_least(quorum, logs, &named).map_err(|error| failed(error.to_string()))?;
        let http = Client::builder().timeout(ANSWER).connect_timeout(ANSWER).redirect(reqwest::redirect::Policy::none()).build();
        Ok(Some(Self { each, policy, quorum, http: http.map_err(|error| failed(error.to_string()))? }))
    }

    /// The rule that readers may apply, as a C2SP tlog-policy.
    pub fn policy(&self) -> &Policy {
        &self.policy
    }

    pub fn views(&self) -> Vec<WitnessView> {
        let view = |one: &Witness| {
            let state = one.state();
            WitnessView {
                name: one.name.clone(),
                vkey: one.key.to_string(),
                size: state.cosigned.map(|(size, _)| size),
                at: state.cosigned.map(|(_, at)| at),
                problem: state.problem.clone(),
            }
        };
        self.each.iter().map(view).collect()
    }

    fn cosigned<'w>(&'w self, note: &Note) -> BTreeSet<&'w str> {
        self.each.iter().filter(|one| matches!(one.key.cosigned(note), Ok(Some(_)))).map(|one| one.name.as_str()).collect()
    }

    /// Whether a checkpoint with these cosignatures may be published.
    pub fn are_enough(&self, note: &Note) -> bool {
        self.policy.satisfied_by(&self.cosigned(note))
    }

    /// Whether a witness whose cosignature is missing may be asked now.
    pub fn have_more_to_ask(&self, note: &Note) -> bool {
        self.each.iter().any(|one| one.is_due() && !claimed(one, note))
    }

    /// Why a checkpoint with these cosignatures is not published yet.
    pub fn in_words(&self, note: &Note) -> String {
        let have = self.cosigned(note).len();
        let missing: Vec<String> =
            self.each.iter().filter_map(|one| one.state().problem.clone().map(|problem| format!("{}: {problem}", one.name))).collect();
        let size = Checkpoint::parse(&note.text).map_or(0, |checkpoint| checkpoint.size);
        format!("{have} of the {} witnesses that are needed have cosigned the log at {size} entries ({})", self.quorum, missing.join("; "))
    }

    /// Asks every witness that is due, at once, and hands its cosignature on as soon as it holds.
    ///
    /// # Errors
    /// Only when a witness shows that the log must not go on.
    pub async fn ask_all(&self, log: &Log, checkpoint: &Checkpoint, note: Note, tell: Sender<Signature>) -> Result<(), LogError> {
        let (note, tell) = (&note, &tell);
        let asked = self.each.iter().filter(|one| one.is_due() && !claimed(one, note)).map(async |one| {
            let asked = tokio::time::timeout(ALL_ANSWERS, self.ask(one, log, checkpoint, note)).await;
            match asked.unwrap_or_else(|_| Err(problem(format!("it did not answer within {} seconds", ALL_ANSWERS.as_secs())))) {
                Ok((cosignature, at)) => {
                    one.state().succeeded(checkpoint.size, at);
                    let _ = tell.send(cosignature).await;
                    Ok(())
                }
                Err(Failed::Problem(text)) => {
                    one.state().failed(&one.name, text);
                    Ok(())
                }
                Err(Failed::Log(error)) => {
                    one.state().failed(&one.name, error.to_string());
                    Err(error)
                }
            }
        });
        join_all(asked).await.into_iter().collect()
    }

    /// One cosignature. What the witness cosigned last is first assumed, and corrected once by its own answer.
    async fn ask(&self, one: &Witness, log: &Log, checkpoint: &Checkpoint, note: &Note) -> Result<(Signature, u64), Failed> {
        let assumed = one.state().told.unwrap_or(0).min(checkpoint.size);
        let (mut status, mut body) = self.submit(one, log, assumed, checkpoint.size, note).await?;
        if status == StatusCode::CONFLICT {
            let told = size_told(&body)?;
            if told > checkpoint.size {
                return Err(self.larger(one, log, told, false).await);
            }
            one.state().told = Some(told);
            (status, body) = self.submit(one, log, told, checkpoint.size, note).await?;
        }
        match status {
            StatusCode::OK => {}
            StatusCode::UNPROCESSABLE_ENTITY => return Err(self.contradicted(one, log, false).await),
            StatusCode::CONFLICT => return Err(problem("it changes its mind about what it cosigned last")),
            StatusCode::FORBIDDEN => return Err(problem("it does not know this log's key; give it the vkey")),
            StatusCode::NOT_FOUND => return Err(problem("it does not follow this log; give it the vkey")),
            other => return Err(problem(format!("it says {other}"))),
        }
        let (signature, at) = attached(&one.key, &note.text, &body)?;
        one.state().told = Some(checkpoint.size);
        Ok((signature, at))
    }

    async fn submit(&self, one: &Witness, log: &Log, old: u64, size: u64, note: &Note) -> Result<(StatusCode, Vec<u8>), Failed> {
        // From nothing to anything needs no proof.
        let proof = if old == 0 { vec![] } else { log.prove_growth(old, size).await? };
        debug_assert!(proof.len() <= MOST_PROOF_LINES);
        let own = |signature: &Signature| log.keys.verifiers().iter().any(|key| key.made(signature));
        // A witness needs our signatures only.
        let note = Note { text: note.text.clone(), signatures: note.signatures.iter().filter(|line| own(line)).cloned().collect() };
        let request = self.http.post(format!("{}/add-checkpoint", one.url)).body(AddCheckpoint { old, proof, note }.to_string());
        self.answer(request).await
    }

    async fn answer(&self, request: reqwest::RequestBuilder) -> Result<(StatusCode, Vec<u8>), Failed> {
        let away = |error: reqwest::Error| {
            problem(if error.is_timeout() { "it is too slow".to_owned() } else { format!("it does not answer ({})", root_cause(&error)) })
        };
        let mut answer = request.send().await.map_err(away)?;
        let mut body = Vec::new();
        while let Some(chunk) = answer.chunk().await.map_err(away)? {
            body.extend_from_slice(&chunk);
            if body.len() > LARGEST_ANSWER {
                return Err(problem(format!("it answers with more than {LARGEST_ANSWER} bytes")));
            }
        }
        Ok((answer.status(), body))
    }

    /// The checkpoint that the witness shows as its last, when a key of ours signed it.
    async fn shown(&self, one: &Witness, log: &Log) -> Option<Checkpoint> {
        let url = format!("{}/{}/checkpoint", one.url, Hash::of(log.origin().as_bytes()));
        let Ok((StatusCode::OK, body)) = self.answer(self.http.get(url)).await else { return None };
        let note = Note::parse(body).ok()?;
        note.verify(&log.keys.verifiers()).ok()?;
        Checkpoint::parse(&note.text).ok().filter(|checkpoint| checkpoint.origin == log.origin())
    }

    /// The witness saw a larger log than the checkpoint.
    async fn larger(&self, one: &Witness, log: &Log, told: u64, starting: bool) -> Failed {
        let copy = format!("the witness {}", one.name);
        if let Some(shown) = self.shown(one, log).await
            && let Err(error) = log.compare(&copy, shown.size, shown.root).await
        {
            return error.into();
        }
        let stored = match log.size().await {
            Ok(stored) => stored,
            Err(error) => return error.into(),
        };
        if told <= stored {
            // Another process of this log was faster.
            one.state().told = Some(told);
            return problem(format!("it has cosigned {told} entries already; it is asked again"));
        }
        if starting {
            return log.store.standing.end(Contradiction { copy, place: None, size: told, root: None, stored, computed: None }).into();
        }
        problem(format!("it says it cosigned {told} entries, and there are {stored}; it does not show our signature over them"))
    }

    /// The witness does not believe that the checkpoint continues what it saw.
    async fn contradicted(&self, one: &Witness, log: &Log, starting: bool) -> Failed {
        let copy = format!("the witness {}", one.name);
        let told = one.state().told.unwrap_or(0);
        match self.shown(one, log).await {
            Some(shown) => match log.compare(&copy, shown.size, shown.root).await {
                Err(error) => error.into(),
                Ok(()) => problem(format!("it refuses a proof that holds, from {} entries on", shown.size)),
            },
            None if starting => {
                let (stored, computed) = match (log.size().await, log.root_at(told).await) {
                    (Ok(stored), computed) => (stored, computed.ok()),
                    (Err(error), _) => return error.into(),
                };
                log.store.standing.end(Contradiction { copy, place: None, size: told, root: None, stored, computed }).into()
            }
            None => problem("it says that this log does not continue what it saw, and does not show what that was"),
        }
    }

    /// Asks every witness what it saw last, before anything is signed. One that does not answer says nothing.
    ///
    /// # Errors
    /// [`LogError::ReadOnly`] when one saw more of the log than the database has, or something else.
    pub async fn compare(&self, log: &Log) -> Result<(), LogError> {
        let newest = match log.published().await? {
            Some((_, note)) => Note::parse(note).map_err(|error| LogError::Sign(error.into()))?,
            // Every log begins like this, so saying it again is no fork; and a witness answers only what is signed.
            None => log.sign(&Checkpoint { origin: log.origin().to_owned(), size: 0, root: governance::log::empty_root() }).await?,
        };
        let checkpoint = Checkpoint::parse(&newest.text)?;
        let (newest, checkpoint) = (&newest, &checkpoint);
        let compared = self.each.iter().map(async |one| {
            if let Ok(Some(at)) = one.key.cosigned(newest) {
                let mut state = one.state();
                (state.told, state.cosigned) = (Some(checkpoint.size), Some((checkpoint.size, at)));
            }
            let seen = tokio::time::timeout(ALL_ANSWERS, self.compare_one(one, log, checkpoint, newest)).await;
            match seen.unwrap_or_else(|_| Err(problem("it is too slow"))) {
                Ok(()) => Ok(()),
                // It will be asked again for the next checkpoint, without a pause.
                Err(Failed::Problem(text)) => {
                    tracing::warn!(witness = %one.name, "witness {} could not be compared with: {text}", one.name);
                    one.state().problem = Some(text);
                    Ok(())
                }
                Err(Failed::Log(error)) => Err(error),
            }
        });
        join_all(compared).await.into_iter().collect()
    }

    async fn compare_one(&self, one: &Witness, log: &Log, checkpoint: &Checkpoint, note: &Note) -> Result<(), Failed> {
        if let Some(shown) = self.shown(one, log).await {
            log.compare(&format!("the witness {}", one.name), shown.size, shown.root).await?;
            one.state().told = Some(shown.size);
            return Ok(());
        }
        let assumed = one.state().told.unwrap_or(0).min(checkpoint.size);
        match self.submit(one, log, assumed, checkpoint.size, note).await? {
            (StatusCode::OK, _) => one.state().told = Some(checkpoint.size),
            (StatusCode::CONFLICT, body) => {
                let told = size_told(&body)?;
                if told > log.size().await? {
                    return Err(self.larger(one, log, told, true).await);
                }
                one.state().told = Some(told);
                if told <= checkpoint.size
                    && let (StatusCode::UNPROCESSABLE_ENTITY, _) = self.submit(one, log, told, checkpoint.size, note).await?
                {
                    return Err(self.contradicted(one, log, true).await);
                }
            }
            (StatusCode::UNPROCESSABLE_ENTITY, _) => return Err(self.contradicted(one, log, true).await),
            (other, _) => return Err(problem(format!("it says {other}"))),
        }
        Ok(())
    }
}

impl Witness {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn is_due(&self) -> bool {
        self.state().not_before.is_none_or(|moment| moment <= Instant::now())
    }
}

impl State {
    fn succeeded(&mut self, size: u64, at: u64) {
        *self = Self { told: Some(size), cosigned: Some((size, at)), ..Self::default() };
    }

    fn failed(&mut self, name: &str, text: String) {
        if self.problem.as_ref() != Some(&text) {
            tracing::warn!(witness = %name, "witness {name} did not cosign: {text}");
        }
        let pause = FIRST_PAUSE.saturating_mul(1 << self.failures.min(10)).min(LONGEST_PAUSE);
        self.failures += 1;
        self.not_before = Some(Instant::now() + pause);
        self.problem = Some(text);
    }
}

/// Whether the note has a line of this witness; only those that hold are ever attached.
fn claimed(one: &Witness, note: &Note) -> bool {
    note.signatures.iter().any(|signature| one.key.made(signature))
}

/// The size in a 409: decimal digits and a newline.
fn size_told(body: &[u8]) -> Result<u64, Failed> {
    let digits = std::str::from_utf8(body).ok().and_then(|text| text.strip_suffix('\n'));
    let plain = digits.filter(|text| *text == "0" || !text.starts_with('0') && text.bytes().all(|byte| byte.is_ascii_digit()));
    plain.and_then(|text| text.parse().ok()).ok_or_else(|| problem("it says 409 without the size that it cosigned last"))
}

/// The cosignature in an answer, with its time, if it holds and is of about now.
fn attached(key: &WitnessKey, text: &str, body: &[u8]) -> Result<(Signature, u64), Failed> {
    let lines = std::str::from_utf8(body).map_err(|_| problem("its answer is not text"))?;
    let theirs = lines.split_terminator('\n').take(100).filter_map(|line| Signature::parse(line).ok()).find(|line| key.made(line));
    let signature = theirs.ok_or_else(|| problem("its answer has no signature by its key"))?;
    let at = key.time_of(text, &signature).ok_or_else(|| problem("its cosignature does not fit the checkpoint"))?;
    let now = crate::wall_ms() / 1_000;
    if at.abs_diff(now) > CLOCKS_APART {
        return Err(problem(format!("it cosigned at {at}, and it is {now} here: its clock or ours is wrong")));
    }
    Ok((signature, at))
}

/// The last of an error's causes, which says most and names no address.
fn root_cause(error: &dyn std::error::Error) -> String {
    let mut cause = error;
    while let Some(deeper) = cause.source() {
        cause = deeper;
    }
    cause.to_string()
}
