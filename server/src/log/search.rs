//! Searching: conditions over what entries are about, their kind, their time and their text; newest first.
//!
//! What entries are about stands in an index, filled as they are appended. Their text is not indexed: words are looked
//! for in a window of entries at a time, so that no search reads a whole log of millions. The index can always be built
//! again from the leaves, and [`Log::index_missing`] does that for entries that are older than it.

use governance::log::{Entry, Subject, subjects};
use sea_orm::{
    ActiveValue::Set,
    ColumnTrait, DbBackend, EntityTrait, ExprTrait, PaginatorTrait, QueryFilter, QueryOrder, QuerySelect, Select,
    sea_query::{Alias, Expr, Query, SelectStatement, SimpleExpr},
};
use tokio::sync::Semaphore;

use super::{Log, LogError};
use crate::store::entities::{log_entry, log_subject};

/// Entries whose text one search reads.
pub const WINDOW: u64 = 100_000;
/// Words of a text that are looked for; more are not.
const WORDS: usize = 8;
/// Points at which the growth of a log is told.
const POINTS: u64 = 48;
/// Entries that are indexed in one transaction.
const BATCH: u64 = 500;
/// Rows that one statement writes. Three values each, and SQLite takes 32,766 values in a statement.
const ROWS: usize = 5_000;

/// Reading text takes a processor and a connection each; whoever comes later waits.
static READERS: Semaphore = Semaphore::const_new(2);

/// What is looked for. Conditions hold together; one that is empty holds for every entry.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Conditions {
    /// The name of a kind.
    pub kind: Option<String>,
    /// Entries about this, by any of the values.
    pub about: Vec<(Subject, Vec<String>)>,
    /// Entries by or about an agent, under any of these accounts, and entries about its decisions.
    pub agent: Vec<String>,
    /// Unix seconds, inclusive.
    pub from: Option<u64>,
    /// Unix seconds, exclusive.
    pub until: Option<u64>,
    /// Words, all of which stand in the leaf, upper and lower case alike in ASCII.
    pub text: String,
    /// How many entries' text one search reads, where that is fewer than [`WINDOW`].
    pub window: Option<u64>,
}

/// A page of what was found.
#[derive(Clone, Debug, Default)]
pub struct Found {
    /// Newest first.
    pub entries: Vec<log_entry::Model>,
    /// The index below which to go on looking; `None` when all was seen.
    pub older: Option<u64>,
}

impl Log {
    /// At most `limit` entries below `before`, newest first.
    pub async fn search(&self, conditions: &Conditions, before: Option<u64>, limit: u64) -> Result<Found, LogError> {
        let before = before.unwrap_or(self.size().await?);
        let (window, _turn) = conditions.window(before).await;
        let db = &self.store.db;
        let query = conditions.over(db.get_database_backend(), window, before).order_by_desc(log_entry::Column::Index);
        let entries = query.limit(limit).all(db).await?;
        let full = entries.len() as u64 == limit;
        let older = if full { entries.last().map(|row| row.index as u64) } else { Some(window) };
        Ok(Found { entries, older: older.filter(|index| *index > 0) })
    }

    /// How many entries there are, and the index from which on they were looked for.
    pub async fn count(&self, conditions: &Conditions) -> Result<(u64, u64), LogError> {
        let size = self.size().await?;
        let (window, _turn) = conditions.window(size).await;
        let db = &self.store.db;
        Ok((conditions.over(db.get_database_backend(), window, size).count(db).await?, window))
    }

    /// Entries that name this one among their references, oldest first and at most `limit`. They are looked for among those
    /// that share a subject with it, as all do that the workflow writes, and not in the whole log.
    pub async fn referring(&self, index: u64, limit: usize) -> Result<Vec<log_entry::Model>, LogError> {
        let (db, index) = (&self.store.db, index as i64);
        let pairs: Vec<(String, String)> = log_subject::Entity::find()
            .select_only()
            .columns([log_subject::Column::Subject, log_subject::Column::Value])
            .filter(log_subject::Column::Entry.eq(index))
            .filter(log_subject::Column::Subject.is_in([Subject::Proposal.name(), Subject::Decision.name()]))
            .into_tuple()
            .all(db)
            .await?;
        let mut found = Vec::new();
        for (subject, value) in pairs {
            let rows = log_entry::Entity::find()
                .filter(log_entry::Column::Index.gt(index))
                .filter(log_entry::Column::Index.in_subquery(entries_about(&subject, [value])))
                .order_by_asc(log_entry::Column::Index)
                .limit(200)
                .all(db)
                .await?;
            let refers = |row: &log_entry::Model| {
                Entry::parse(&row.leaf).is_ok_and(|entry| entry.refs.iter().any(|reference| reference.index == index as u64))
            };
            found.extend(rows.into_iter().filter(refers));
        }
        found.sort_by_key(|row| row.index);
        found.dedup_by_key(|row| row.index);
        found.truncate(limit);
        Ok(found)
    }

    /// How many entries tell of something until a moment: moments and counts, oldest first. From a sample of entries at
    /// equal distances, exact while there are few. An entry can tell of something that happened long before it was logged.
    pub async fn growth(&self, size: u64) -> Result<Vec<(u64, u64)>, LogError> {
        let steps = Ord::min(size, POINTS);
        let places: Vec<i64> = (0..steps).map(|step| (step * (size - 1) / Ord::max(steps - 1, 1)) as i64).collect();
        let mut moments: Vec<i64> = log_entry::Entity::find()
            .select_only()
            .column(log_entry::Column::At)
            .filter(log_entry::Column::Index.is_in(places))
            .into_tuple()
            .all(&self.store.db)
            .await?;
        moments.sort_unstable();
        let count = moments.len() as u64;
        Ok((1..).zip(moments).map(|(nth, at)| (at as u64, nth * size / count)).collect())
    }

    /// Indexes entries that were logged before there was an index; how many. Entries are indexed as they are appended, so
    /// those without are the oldest: this goes down from the oldest indexed one, and a start after a crash goes on there.
    /// Several processes may do it at once; what one has indexed, another leaves as it is.
    pub async fn index_missing(&self) -> Result<u64, LogError> {
        let oldest: Option<Option<i64>> = log_subject::Entity::find()
            .select_only()
            .column_as(log_subject::Column::Entry.min(), "oldest")
            .into_tuple()
            .one(&self.store.db)
            .await?;
        let mut below = match oldest.flatten() {
            Some(oldest) => oldest as u64,
            None => self.size().await?,
        };
        let mut indexed = 0;
        while below > 0 {
            let from = below.saturating_sub(BATCH);
            let rows = log_entry::Entity::find()
                .filter(log_entry::Column::Index.gte(from as i64))
                .filter(log_entry::Column::Index.lt(below as i64))
                .all(&self.store.db)
                .await?;
            let mut about = Vec::new();
            for row in &rows {
                let Ok(entry) = Entry::parse(&row.leaf) else {
                    tracing::error!(table = "log_entry", id = row.index, "log entry {} cannot be read, and is not indexed", row.index);
                    continue;
                };
                about.extend(subjects(&entry).into_iter().map(|(subject, value)| log_subject::ActiveModel {
                    entry: Set(row.index),
                    subject: Set(subject.name().to_owned()),
                    value: Set(value),
                    ..Default::default()
                }));
            }
            if !about.is_empty() {
                let tx = self.store.begin().await?;
                for some in about.chunks(ROWS) {
                    log_subject::Entity::insert_many(some.to_vec())
                        .on_conflict_do_nothing_on([log_subject::Column::Subject, log_subject::Column::Value, log_subject::Column::Entry])
                        .exec_without_returning(&tx.db)
                        .await?;
                }
                tx.commit().await?;
            }
            indexed += rows.len() as u64;
            below = from;
        }
        Ok(indexed)
    }
}

impl Conditions {
    /// From which index on entries are looked at, and, where their text is read, a turn at that.
    async fn window(&self, before: u64) -> (u64, Option<tokio::sync::SemaphorePermit<'static>>) {
        if self.words().is_empty() {
            return (0, None);
        }
        (before.saturating_sub(self.window.unwrap_or(WINDOW).clamp(1, WINDOW)), READERS.acquire().await.ok())
    }

    /// The words as they stand in canonical JSON.
    fn words(&self) -> Vec<String> {
        let quoted = self.text.split_whitespace().take(WORDS).filter_map(|word| serde_json::to_string(word).ok());
        quoted.map(|quoted| quoted[1..quoted.len() - 1].to_owned()).collect()
    }

    fn over(&self, backend: DbBackend, from: u64, before: u64) -> Select<log_entry::Entity> {
        let place = log_entry::Column::Index;
        let mut query = log_entry::Entity::find().filter(place.lt(before as i64));
        if from > 0 {
            query = query.filter(place.gte(from as i64));
        }
        if let Some(kind) = &self.kind {
            query = query.filter(log_entry::Column::Kind.eq(kind.as_str()));
        }
        for (at, earliest) in [(self.from, true), (self.until, false)] {
            let Some(at) = at else { continue };
            let at = i64::try_from(at).unwrap_or(i64::MAX);
            query = query.filter(if earliest { log_entry::Column::At.gte(at) } else { log_entry::Column::At.lt(at) });
        }
        for (subject, values) in &self.about {
            query = query.filter(place.in_subquery(entries_about(subject.name(), values.clone())));
        }
        if !self.agent.is_empty() {
            query = query.filter(self.by_agent());
        }
        for word in self.words() {
            query = query.filter(leaf_has(backend, &word));
        }
        query
    }

    /// By the agent, about it, or about one of its decisions.
    fn by_agent(&self) -> SimpleExpr {
        let place = log_entry::Column::Index;
        let of = |subject: Subject| entries_about(subject.name(), self.agent.clone());
        let decisions = Query::select()
            .column(log_subject::Column::Value)
            .from(log_subject::Entity)
            .and_where(log_subject::Column::Subject.eq(Subject::Decision.name()))
            .and_where(log_subject::Column::Entry.in_subquery(of(Subject::Agent)))
            .to_owned();
        let about_decisions = Query::select()
            .column(log_subject::Column::Entry)
            .from(log_subject::Entity)
            .and_where(log_subject::Column::Subject.eq(Subject::Decision.name()))
            .and_where(log_subject::Column::Value.in_subquery(decisions))
            .to_owned();
        place.in_subquery(of(Subject::Actor)).or(place.in_subquery(of(Subject::Agent))).or(place.in_subquery(about_decisions))
    }
}

/// The entries about any of these.
fn entries_about(subject: &str, values: impl IntoIterator<Item = String>) -> SelectStatement {
    Query::select()
        .column(log_subject::Column::Entry)
        .from(log_subject::Entity)
        .and_where(log_subject::Column::Subject.eq(subject))
        .and_where(log_subject::Column::Value.is_in(values))
        .to_owned()
}

/// Whether a word stands in the leaf. Leaves are stored as bytes, and what a pattern means by itself is escaped.
fn leaf_has(backend: DbBackend, word: &str) -> SimpleExpr {
    let pattern = format!("%{}%", word.replace('!', "!!").replace('%', "!%").replace('_', "!_"));
    let leaf = Expr::col((Alias::new("log_entry"), log_entry::Column::Leaf));
    match backend {
        // Bytes that are no UTF-8 would fail the whole search; no leaf has any unless somebody damaged it, and then the
        // escaped form finds what is ASCII.
        DbBackend::Postgres if word.is_ascii() => {
            Expr::cust_with_exprs("encode($1, 'escape') ILIKE $2 ESCAPE '!'", [leaf, pattern.replace('\\', "\\\\").into()])
        }
        DbBackend::Postgres => Expr::cust_with_exprs("convert_from($1, 'UTF8') ILIKE $2 ESCAPE '!'", [leaf, pattern.into()]),
        _ => Expr::cust_with_exprs("CAST(? AS TEXT) LIKE ? ESCAPE '!'", [leaf, pattern.into()]),
    }
}
