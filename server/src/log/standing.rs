//! Whether this log may still sign and append. Once a copy elsewhere was found to be ahead of the database, or to
//! contradict it, the answer is no until the process starts anew and finds them agree.
//!
//! A copy is compared by its root at its own size, worked out from the stored tiles. What copies there are is for
//! `high_water`, `witnesses` and whoever reads anchors from the chain.

use std::{
    fmt,
    sync::{Arc, OnceLock},
};

use governance::log::{Hash, merkle, tile::tiles_for_root};
use sea_orm::EntityTrait;

use super::{Log, LogError, append::read_frontier, high_water};
use crate::store::entities::log_head;

/// A copy that the database should contain, and does not.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Contradiction {
    /// Which copy it is, as messages call it.
    pub copy: String,
    /// Where its operator finds it, which no page says.
    pub place: Option<String>,
    /// The size it holds.
    pub size: u64,
    /// Its root at that size; `None` when it names only a size.
    pub root: Option<Hash>,
    /// The size that the database has.
    pub stored: u64,
    /// The database's root at the copy's size; `None` when it is not that large.
    pub computed: Option<Hash>,
}

impl fmt::Display for Contradiction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.found(f)?;
        write!(
            f,
            ". An older or another database is in use, or it was changed. Put the right database back, or an empty one and \
             fill it with `wherefore log restore`; if the copy is what is wrong, take it out of the configuration, and say so publicly"
        )
    }
}

impl Contradiction {
    fn found(&self, f: &mut impl fmt::Write) -> fmt::Result {
        let Self { copy, place: _, size, root, stored, computed } = self;
        write!(f, "{copy} holds the log at {size} entries")?;
        match (root, computed) {
            (Some(root), Some(computed)) => write!(f, " with root {root}, but the database has root {computed} at that size"),
            (_, Some(_)) => write!(f, ", and says that what the database holds is not what it saw"),
            (_, None) => write!(f, ", but the database has only {stored}"),
        }
    }

    /// What readers are told: the same facts, and what they mean for them rather than what an operator has to do.
    pub fn in_public(&self) -> String {
        let mut found = String::new();
        let _written = self.found(&mut found);
        format!(
            "The explanation log is read-only: {found}. Until its operator has put that right, nothing is signed or added. What was \
             signed before still holds, and can be checked."
        )
    }

    /// The same, and where the copy is: for the terminal and for the server's own log.
    pub fn for_operator(&self) -> String {
        match &self.place {
            Some(place) => format!("{self}. Here, {} is {place}", self.copy),
            None => self.to_string(),
        }
    }
}

/// Shared by all that sign or append: nothing, or why neither is done any more.
#[derive(Clone, Debug, Default)]
pub struct Standing(Arc<OnceLock<Contradiction>>);

impl Standing {
    /// # Errors
    /// [`LogError::ReadOnly`] once a contradiction was found.
    pub fn check(&self) -> Result<(), LogError> {
        self.0.get().map_or(Ok(()), |found| Err(LogError::ReadOnly(Box::new(found.clone()))))
    }

    /// Why nothing is signed or appended any more, for readers.
    pub fn reason(&self) -> Option<String> {
        self.0.get().map(Contradiction::in_public)
    }

    /// Ends signing and appending, for this process. The first reason stands.
    pub fn end(&self, found: Contradiction) -> LogError {
        tracing::error!(copy = %found.copy, size = found.size, "the log is read-only from now on: {}", found.for_operator());
        LogError::ReadOnly(Box::new(self.0.get_or_init(|| found).clone()))
    }
}

impl Log {
    /// Why nothing is signed or appended any more; `None` when all is well.
    pub fn read_only(&self) -> Option<String> {
        self.store.standing.reason()
    }

    /// Compares an anchor on chain, which should be final, with the database. Ahead or contradicting, it ends signing and
    /// appending. To be called at start, and whenever an anchor was read.
    pub async fn compare_anchor(&self, size: u64, root: Hash) -> Result<(), LogError> {
        self.compare("the anchor on chain", size, root).await
    }

    /// Compares a copy with the database. The copy must have been read before: the database only grows.
    pub(super) async fn compare(&self, copy: &str, size: u64, root: Hash) -> Result<(), LogError> {
        self.compare_at(copy, None, size, root).await
    }

    /// The same for a copy that its operator finds in a place.
    async fn compare_at(&self, copy: &str, place: Option<String>, size: u64, root: Hash) -> Result<(), LogError> {
        let stored = self.size().await?;
        let computed = if size > stored { None } else { Some(self.root_at(size).await?) };
        if computed == Some(root) {
            return Ok(());
        }
        Err(self.store.standing.end(Contradiction { copy: copy.to_owned(), place, size, root: Some(root), stored, computed }))
    }

    /// The root at `size`, which is not above the log's, from its stored tiles.
    pub(super) async fn root_at(&self, size: u64) -> Result<Hash, LogError> {
        let mut tiles = self.reader(size, tiles_for_root(size)?).await?;
        merkle::root_at::<LogError>(size, |level, number| tiles.hash(level, number))
    }

    /// Compares the high-water copy with the database, then reads the head: in this order, since both only grow.
    pub(super) async fn trusted_head(&self) -> Result<governance::log::Frontier, LogError> {
        let mark = match &self.around.high_water {
            Some(high_water) => high_water.read()?.map(|mark| (high_water.place(), mark)),
            None => None,
        };
        if let Some((place, mark)) = &mark {
            self.compare_at(high_water::NAME, Some(place.clone()), mark.size, mark.root).await?;
        }
        let head = log_head::Entity::find_by_id(1).one(&self.store.db).await?;
        let frontier = head.as_ref().map_or_else(|| Ok(governance::log::Frontier::new()), read_frontier)?;
        // The head is a row of its own; the tiles must lead to it from where the last signature was.
        if let Some((_, mark)) = mark {
            let growth = self.prove_growth(mark.size, frontier.size()).await?;
            merkle::verify_consistency(mark.size, frontier.size(), &growth, mark.root, frontier.root())?;
        } else if frontier.size() > 0 {
            let computed = self.root_at(frontier.size()).await?;
            if computed != frontier.root() {
                return Err(LogError::Damaged { found: frontier.root().to_string(), computed: computed.to_string() });
            }
        }
        Ok(frontier)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn readers_are_told_what_it_means_and_operators_what_to_do() {
        let found = Contradiction { copy: "the mirror".into(), place: None, size: 9, root: None, stored: 7, computed: None };
        for words in [found.to_string(), found.in_public()] {
            assert!(words.contains("the mirror holds the log at 9 entries, but the database has only 7."), "{words}");
        }
        assert!(found.to_string().contains("wherefore log restore"));
        assert!(!found.in_public().contains("restore") && found.in_public().contains("still holds"));
    }
}
