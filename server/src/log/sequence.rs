//! Group commit: entries that arrive at about the same time share one transaction, and so one wait for the disk.
//!
//! While one group is written the next one gathers, so that groups grow with the load and a lone entry waits for nobody.
//! Nobody is told an index before the transaction that holds it is durable. Workflow steps append in transactions of
//! their own; this is for entries that come one by one, from outside.

use std::{sync::Arc, time::Duration};

use governance::log::{Entry, EntryRef};
use tokio::sync::{mpsc, oneshot};

use super::{LogError, Prepared, append_all};
use crate::store::Store;

/// Entries that one transaction takes at most.
const MOST: usize = 4_096;
/// Entries that may wait; who comes then waits to be let in.
const ROOM: usize = 16 * MOST;
/// How often a group is tried again after another server moved the head, or the database was busy.
const TRIES: u32 = 5;

type Answer = Result<EntryRef, Arc<LogError>>;

/// Where entries queue for the next transaction. Cloning gives another way to the same queue.
#[derive(Clone, Debug)]
pub struct Sequencer {
    queue: mpsc::Sender<(Prepared, oneshot::Sender<Answer>)>,
}

impl Sequencer {
    /// Starts the one task that appends for all. It ends when the last sequencer is dropped.
    pub fn start(store: Store) -> Self {
        let (queue, waiting) = mpsc::channel(ROOM);
        tokio::spawn(append_groups(store, waiting));
        Self { queue }
    }

    /// Appends, and returns once the entry is durable. The same id again gives the same reference.
    pub async fn append(&self, entry: &Entry) -> Answer {
        let answer = self.enqueue(Prepared::new(entry)?).await?;
        answer.await.map_err(|_| LogError::Stopped)?
    }

    /// Appends several, in order. They need not share a transaction, so a failure may leave the first ones appended;
    /// sending all again completes the rest.
    pub async fn append_all(&self, entries: Vec<Prepared>) -> Result<Vec<EntryRef>, Arc<LogError>> {
        let mut answers = Vec::with_capacity(entries.len());
        for entry in entries {
            answers.push(self.enqueue(entry).await?);
        }
        let mut references = Vec::with_capacity(answers.len());
        for answer in answers {
            references.push(answer.await.map_err(|_| LogError::Stopped)??);
        }
        Ok(references)
    }

    async fn enqueue(&self, entry: Prepared) -> Result<oneshot::Receiver<Answer>, LogError> {
        let (answer, told) = oneshot::channel();
        self.queue.send((entry, answer)).await.map_err(|_| LogError::Stopped)?;
        Ok(told)
    }
}

async fn append_groups(store: Store, mut waiting: mpsc::Receiver<(Prepared, oneshot::Sender<Answer>)>) {
    let mut group = Vec::with_capacity(MOST);
    while waiting.recv_many(&mut group, MOST).await > 0 {
        let (entries, answers): (Vec<_>, Vec<_>) = group.drain(..).unzip();
        match commit(&store, &entries).await {
            Ok(references) => {
                for (answer, reference) in answers.into_iter().zip(references) {
                    // Whoever went away finds the entry by its id.
                    let _gone = answer.send(Ok(reference));
                }
            }
            Err(error) => {
                tracing::error!(entries = answers.len(), "entries could not be appended: {error}");
                // One that the database cannot take must not keep the others out.
                for (entry, answer) in entries.into_iter().zip(answers) {
                    let alone = commit(&store, &[entry]).await;
                    let _gone = answer.send(alone.map_err(Arc::new).and_then(|mut told| told.pop().ok_or(Arc::new(LogError::Stopped))));
                }
            }
        }
    }
}

async fn commit(store: &Store, entries: &[Prepared]) -> Result<Vec<EntryRef>, LogError> {
    let mut tries = 0;
    loop {
        tries += 1;
        let attempt = async {
            let tx = store.begin().await?;
            let references = append_all(&tx, entries.to_vec()).await?;
            tx.commit().await?;
            Ok(references)
        };
        match attempt.await {
            Err(LogError::HeadMoved(_) | LogError::Store(_)) if tries < TRIES => {
                tokio::time::sleep(Duration::from_millis(10 << tries)).await;
            }
            done => return done,
        }
    }
}
