//! Whether a log that was seen at one size grew into the one that is shown now, worked out from its tiles.

use std::collections::BTreeMap;

use governance::log::{
    Checkpoint, Hash, TileError, TilePath, TileReader,
    merkle::{prove_consistency, verify_consistency},
    tile::tiles_for_consistency,
};

use crate::browser::outside;

/// Tiles by their paths.
pub type Tiles = BTreeMap<TilePath, Vec<u8>>;

/// Why one log is not the other and what was appended since.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Broken {
    /// It has fewer entries than before.
    Shorter { from: u64, to: u64 },
    /// It has as many or more, and they are not the ones that were there.
    Other { from: u64, to: u64 },
}

impl Broken {
    pub fn sentence(&self) -> String {
        match self {
            Self::Shorter { from, to } => format!("The log had {from} entries, and now shows {to}: entries have been taken away."),
            Self::Other { from, to } if from == to => format!("The log showed another root over the same {from} entries."),
            Self::Other { from, to } => {
                format!(
                    "The log's {to} entries do not begin with the {from} that were there: it was rewritten, or another log is shown here."
                )
            }
        }
    }
}

/// The tiles to fetch for [`grew`], of the log at size `to`. At most a handful.
pub fn needed(from: u64, to: u64) -> Vec<TilePath> {
    if from == 0 || from >= to { Vec::new() } else { tiles_for_consistency(from, to).unwrap_or_default() }
}

/// Checks that the log of `now` is the log that had `root` at size `from`, and what was appended since.
pub fn grew(from: u64, root: Hash, now: &Checkpoint, tiles: &Tiles) -> Result<(), Broken> {
    let to = now.size;
    if from > to {
        return Err(Broken::Shorter { from, to });
    }
    if from == 0 {
        return Ok(());
    }
    let other = Broken::Other { from, to };
    let missing = || TileError::Incomplete { level: 0, index: 0, size: to };
    let mut reader = TileReader::new(to, |path| tiles.get(&path).cloned().ok_or_else(missing));
    let proof = if from == to {
        Vec::new()
    } else {
        prove_consistency(from, to, |level, index| reader.hash(level, index)).map_err(|_: TileError| other.clone())?
    };
    verify_consistency(from, to, &proof, root, now.root).map_err(|_| other)
}

/// Fetches tiles from this site's log.
///
/// # Errors
/// One sentence.
pub async fn fetch(paths: Vec<TilePath>) -> Result<Tiles, String> {
    let mut tiles = Tiles::new();
    for path in paths {
        let (status, bytes) = outside::fetch_bytes(&format!("/log/{path}"), false).await?;
        if status != 200 {
            return Err(format!("The log did not give out {path} ({status})."));
        }
        tiles.insert(path, bytes);
    }
    Ok(tiles)
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use governance::log::{Frontier, leaf_hash, tile::encode_hashes};

    fn leaves(count: u64, from: u64, salt: u8) -> Vec<Hash> {
        (0..count).map(|index| leaf_hash(&[if index >= from { salt } else { 0 }, index as u8, (index >> 8) as u8])).collect()
    }

    pub fn checkpoint(leaves: &[Hash]) -> Checkpoint {
        let mut tree = Frontier::new();
        for leaf in leaves {
            tree.push(*leaf);
        }
        Checkpoint { origin: "log.example".into(), size: leaves.len() as u64, root: tree.root() }
    }

    /// The tiles of level 0, which is all that logs below 256 entries have.
    pub fn tiles_of(leaves: &[Hash], paths: Vec<TilePath>) -> Tiles {
        let bytes = |path: &TilePath| encode_hashes(&leaves[path.start() as usize..][..path.width().into()]);
        paths.into_iter().map(|path| (path, bytes(&path))).collect()
    }

    #[test]
    fn a_log_that_only_grew_is_told_from_every_other() {
        for (from, to) in [(0, 5), (1, 2), (3, 7), (64, 200), (200, 200), (199, 200)] {
            let now = leaves(to, 0, 0);
            let (before, after) = (checkpoint(&now[..from as usize]), checkpoint(&now));
            let tiles = tiles_of(&now, needed(from, to));
            assert!(tiles.len() <= 2);
            assert_eq!(grew(from, before.root, &after, &tiles), Ok(()), "{from} to {to}");
            if from == 0 {
                continue;
            }
            // The last entry that was there is another one now.
            let forged = leaves(to, from - 1, 7);
            let broken = grew(from, before.root, &checkpoint(&forged), &tiles_of(&forged, needed(from, to)));
            assert_eq!(broken, Err(Broken::Other { from, to }));
            // Neither do true tiles help a forged root, nor forged tiles a true one.
            assert!(grew(from, before.root, &checkpoint(&forged), &tiles).is_err());
            if from < to {
                assert!(grew(from, before.root, &after, &tiles_of(&forged, needed(from, to))).is_err() || from.is_power_of_two());
                assert!(grew(from, before.root, &after, &Tiles::new()).is_err());
            }
        }
    }

    #[test]
    fn a_log_that_lost_entries_says_so() {
        let all = leaves(9, 0, 0);
        let broken = grew(9, checkpoint(&all).root, &checkpoint(&all[..8]), &Tiles::new()).unwrap_err();
        assert_eq!(broken, Broken::Shorter { from: 9, to: 8 });
        assert!(broken.sentence().contains("taken away"));
    }
}
