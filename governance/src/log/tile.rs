//! The tiles in which a log is published (C2SP tlog-tiles): their paths, which
//! of them exist at a size, bundles of entries, and reading subtree hashes back.
//!
//! A tile at level `L` holds up to 256 neighbouring hashes, each over `256^L`
//! leaves. Fetching is left to the caller; a tile is trusted by nobody here,
//! since a proof made from it either leads to a signed root or does not.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::str::FromStr;

use super::merkle::{Hash, MerkleError, node_hash, prove_consistency, prove_inclusion, root_at};

/// How many hashes or entries a full tile or bundle has.
pub const FULL: u16 = 256;

/// How many levels of the tree one level of tiles spans.
const HEIGHT: u8 = 8;

/// The longest entry that a bundle can carry.
pub const LONGEST_ENTRY: usize = u16::MAX as usize;

/// What a tile holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum TileKind {
    /// Hashes, each over `256^level` leaves.
    Hashes { level: u8 },
    /// The entries themselves.
    Entries,
}

/// The path of a tile, below the log's prefix: `tile/<L>/<N>[.p/<W>]` or
/// `tile/entries/<N>[.p/<W>]`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TilePath {
    kind: TileKind,
    index: u64,
    width: u16,
}

/// What is wrong with a tile, a bundle or the path of one.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TileError {
    #[error("{path:?} is not the path of a tile: {reason}")]
    Path { path: String, reason: &'static str },
    #[error("no tile of level {level} and width {width} can exist")]
    Impossible { level: u8, width: u16 },
    #[error("a tree of {size} has no complete subtree {index} at level {level}")]
    Incomplete { level: u8, index: u64, size: u64 },
    #[error("{path} has {found} bytes, which are not {} or more whole hashes", path.width)]
    Hashes { path: TilePath, found: usize },
    #[error("an entry of {bytes} bytes does not fit a bundle, which takes {LONGEST_ENTRY}")]
    EntryTooLong { bytes: usize },
    #[error("a bundle takes 1 to {FULL} entries, not {found}")]
    BundleWidth { found: usize },
    #[error("the bundle ends inside entry {entry}")]
    BundleCutShort { entry: usize },
    #[error("the bundle goes on for {bytes} bytes after its last entry")]
    BundleTooLong { bytes: usize },
    #[error(transparent)]
    Merkle(#[from] MerkleError),
}

impl TilePath {
    /// A tile of hashes. Level 0 to 63, width 1 to 256.
    pub fn hashes(level: u8, index: u64, width: u16) -> Result<Self, TileError> {
        if level > 63 || !(1..=FULL).contains(&width) {
            return Err(TileError::Impossible { level, width });
        }
        Ok(Self { kind: TileKind::Hashes { level }, index, width })
    }

    /// A bundle of entries. Width 1 to 256.
    pub fn entries(index: u64, width: u16) -> Result<Self, TileError> {
        if !(1..=FULL).contains(&width) {
            return Err(TileError::Impossible { level: 0, width });
        }
        Ok(Self { kind: TileKind::Entries, index, width })
    }

    /// The tile in which a log of `size` publishes the hashes below the subtree at
    /// `(level, index)`.
    pub fn holding(level: u8, index: u64, size: u64) -> Result<Self, TileError> {
        if level > 63 || index >= size >> level {
            return Err(TileError::Incomplete { level, index, size });
        }
        let kind = TileKind::Hashes { level: level / HEIGHT };
        let index = (index << (level % HEIGHT)) / u64::from(FULL);
        Ok(Self { kind, index, width: kind.width_at(index, size) })
    }

    /// What the tile holds.
    pub fn kind(&self) -> TileKind {
        self.kind
    }

    /// Which tile of its level it is, from the left.
    pub fn index(&self) -> u64 {
        self.index
    }

    /// How many hashes or entries it holds.
    pub fn width(&self) -> u16 {
        self.width
    }

    /// True when fewer than 256 hashes or entries are in it.
    pub fn is_partial(&self) -> bool {
        self.width < FULL
    }

    /// The full tile that replaces a partial one in time.
    pub fn full(self) -> Self {
        Self { width: FULL, ..self }
    }

    /// The place of its first hash or entry among those of its level.
    pub fn start(&self) -> u64 {
        self.index.saturating_mul(u64::from(FULL))
    }

    /// True when a log of `size` has everything this tile holds.
    pub fn fits(&self, size: u64) -> bool {
        self.width <= self.kind.width_at(self.index, size)
    }
}

impl TileKind {
    /// How wide tile `index` of this kind is in a log of `size`; 0 when absent.
    pub fn width_at(self, index: u64, size: u64) -> u16 {
        let start = index.saturating_mul(u64::from(FULL));
        self.count_at(size).saturating_sub(start).min(u64::from(FULL)) as u16
    }

    /// How many hashes or entries of this kind a log of `size` has.
    fn count_at(self, size: u64) -> u64 {
        match self {
            Self::Entries => size,
            Self::Hashes { level } => size.checked_shr(u32::from(level) * u32::from(HEIGHT)).unwrap_or(0),
        }
    }

    /// The tiles of this kind that differ between a log of `old` and of `new`.
    fn between(self, old: u64, new: u64) -> impl Iterator<Item = TilePath> {
        let (old, count) = (self.count_at(old), self.count_at(new));
        let full = u64::from(FULL);
        let indexes = if old < count { old / full..count.div_ceil(full) } else { 0..0 };
        indexes.map(move |index| TilePath { kind: self, index, width: self.width_at(index, new) })
    }
}

/// The tiles of hashes to write when a log grows from `old` to `new`; all of a
/// log's tiles when `old` is 0.
pub fn tiles_between(old: u64, new: u64) -> impl Iterator<Item = TilePath> {
    (0..HEIGHT).flat_map(move |level| TileKind::Hashes { level }.between(old, new))
}

/// The bundles of entries to write when a log grows from `old` to `new`.
pub fn bundles_between(old: u64, new: u64) -> impl Iterator<Item = TilePath> {
    TileKind::Entries.between(old, new)
}

/// The tiles a reader needs to prove entry `index` included in a log of `size`.
pub fn tiles_for_inclusion(index: u64, size: u64) -> Result<Vec<TilePath>, TileError> {
    let mut tiles = BTreeSet::new();
    prove_inclusion(index, size, |level, index| note_tile(&mut tiles, level, index, size))?;
    Ok(tiles.into_iter().collect())
}

/// The tiles a reader needs to prove that a log of `old` grew into one of `new`.
pub fn tiles_for_consistency(old: u64, new: u64) -> Result<Vec<TilePath>, TileError> {
    let mut tiles = BTreeSet::new();
    prove_consistency(old, new, |level, index| note_tile(&mut tiles, level, index, new))?;
    Ok(tiles.into_iter().collect())
}

/// The tiles a reader needs to compute the root of a log of `size`.
pub fn tiles_for_root(size: u64) -> Result<Vec<TilePath>, TileError> {
    let mut tiles = BTreeSet::new();
    root_at(size, |level, index| note_tile(&mut tiles, level, index, size))?;
    Ok(tiles.into_iter().collect())
}

fn note_tile(tiles: &mut BTreeSet<TilePath>, level: u8, index: u64, size: u64) -> Result<Hash, TileError> {
    tiles.insert(TilePath::holding(level, index, size)?);
    Ok(Hash([0; 32]))
}

impl fmt::Display for TilePath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.kind {
            TileKind::Hashes { level } => write!(f, "tile/{level}")?,
            TileKind::Entries => write!(f, "tile/entries")?,
        }
        let mut unit = 1u64;
        while self.index / unit >= 1000 {
            unit *= 1000;
        }
        while unit > 1 {
            write!(f, "/x{:03}", self.index / unit % 1000)?;
            unit /= 1000;
        }
        write!(f, "/{:03}", self.index % 1000)?;
        if self.is_partial() { write!(f, ".p/{}", self.width) } else { Ok(()) }
    }
}

impl FromStr for TilePath {
    type Err = TileError;

    /// Reads a path in its only spelling; anything else is refused.
    fn from_str(text: &str) -> Result<Self, TileError> {
        let refuse = |reason| TileError::Path { path: text.chars().take(80).collect(), reason };
        let rest = text.strip_prefix("tile/").ok_or_else(|| refuse("it does not begin with tile/"))?;
        let (kind, rest) = rest.split_once('/').ok_or_else(|| refuse("it ends before the index"))?;
        let kind = match kind {
            "entries" => TileKind::Entries,
            level => match decimal(level) {
                Some(level @ 0..=63) => TileKind::Hashes { level: level as u8 },
                _ => return Err(refuse("the level is not a number from 0 to 63")),
            },
        };
        let (index, width) = match rest.split_once(".p/") {
            None => (rest, FULL),
            Some((index, width)) => match decimal(width) {
                Some(width @ 1..=255) => (index, width as u16),
                _ => return Err(refuse("the width is not a number from 1 to 255")),
            },
        };
        let index = parse_index(index).ok_or_else(|| refuse("the index is not in groups of three digits"))?;
        let path = Self { kind, index, width };
        // Leading zeros, in a group too many or before a number, are caught here.
        if path.to_string() == text { Ok(path) } else { Err(refuse("it has another, shorter spelling")) }
    }
}

/// A short decimal number, digits only.
fn decimal(text: &str) -> Option<u32> {
    let digits = !text.is_empty() && text.bytes().all(|c| c.is_ascii_digit());
    if digits { text.parse().ok() } else { None }
}

/// An index such as `x001/x234/067`.
fn parse_index(text: &str) -> Option<u64> {
    let (leading, last) = match text.rsplit_once('/') {
        None => (None, text),
        Some((leading, last)) => (Some(leading), last),
    };
    let leading = leading.into_iter().flat_map(|groups| groups.split('/')).map(|group| group.strip_prefix('x'));
    leading.chain([Some(last)]).try_fold(0u64, |index, group| {
        let group = group.filter(|group| group.len() == 3).and_then(decimal)?;
        index.checked_mul(1000)?.checked_add(u64::from(group))
    })
}

/// Writes entries as a bundle: each a big-endian `u16` length and its bytes.
pub fn encode_bundle<T: AsRef<[u8]>>(entries: impl IntoIterator<Item = T>) -> Result<Vec<u8>, TileError> {
    let mut bundle = Vec::new();
    let mut found = 0;
    for entry in entries {
        let entry = entry.as_ref();
        let length = u16::try_from(entry.len()).map_err(|_| TileError::EntryTooLong { bytes: entry.len() })?;
        bundle.extend(length.to_be_bytes());
        bundle.extend(entry);
        found += 1;
    }
    if (1..=usize::from(FULL)).contains(&found) { Ok(bundle) } else { Err(TileError::BundleWidth { found }) }
}

/// Reads the entries of a bundle that should hold exactly `width` of them.
pub fn decode_bundle(bundle: &[u8], width: u16) -> Result<Vec<&[u8]>, TileError> {
    if !(1..=FULL).contains(&width) {
        return Err(TileError::BundleWidth { found: width.into() });
    }
    let mut rest = bundle;
    let mut entries = Vec::with_capacity(width.into());
    for entry in 0..usize::from(width) {
        let cut = TileError::BundleCutShort { entry };
        let Some((length, after)) = rest.split_first_chunk::<2>() else {
            return Err(cut);
        };
        let Some((bytes, after)) = after.split_at_checked(u16::from_be_bytes(*length).into()) else {
            return Err(cut);
        };
        entries.push(bytes);
        rest = after;
    }
    if rest.is_empty() { Ok(entries) } else { Err(TileError::BundleTooLong { bytes: rest.len() }) }
}

/// Writes hashes as a tile.
pub fn encode_hashes<'a>(hashes: impl IntoIterator<Item = &'a Hash>) -> Vec<u8> {
    hashes.into_iter().flat_map(|hash| hash.0).collect()
}

/// Reads the hashes of a tile. A tile that has since grown is accepted, and cut
/// to the width asked for.
pub fn decode_hashes(path: TilePath, tile: &[u8]) -> Result<Vec<Hash>, TileError> {
    let (hashes, rest) = tile.as_chunks::<32>();
    if !rest.is_empty() || hashes.len() < path.width.into() || hashes.len() > FULL.into() {
        return Err(TileError::Hashes { path, found: tile.len() });
    }
    Ok(hashes[..path.width.into()].iter().copied().map(Hash).collect())
}

/// Answers for the complete subtrees of a log of one size from its tiles, each
/// of which it asks for once. Its answers serve as `read` for the proofs:
///
/// ```
/// use governance::log::tile::{TileError, TilePath, TileReader};
/// use governance::log::{leaf_hash, merkle};
///
/// let (low, high) = (leaf_hash(b"low tide"), leaf_hash(b"high tide"));
/// let tile = |path: TilePath| {
///     assert_eq!(path.to_string(), "tile/0/000.p/2");
///     Ok::<_, TileError>([low.0, high.0].concat())
/// };
/// let mut reader = TileReader::new(2, tile);
/// let path = merkle::prove_inclusion(0, 2, |level, index| reader.hash(level, index))?;
/// assert_eq!(path, [high]);
/// # Ok::<_, TileError>(())
/// ```
#[derive(Debug)]
pub struct TileReader<F> {
    size: u64,
    fetch: F,
    tiles: BTreeMap<TilePath, Vec<Hash>>,
}

impl<F, E> TileReader<F>
where
    F: FnMut(TilePath) -> Result<Vec<u8>, E>,
    E: From<TileError>,
{
    /// A reader of the log as it was at `size`, which gets tiles from `fetch`.
    pub fn new(size: u64, fetch: F) -> Self {
        Self { size, fetch, tiles: BTreeMap::new() }
    }

    /// The hash of the complete subtree at `(level, index)`.
    pub fn hash(&mut self, level: u8, index: u64) -> Result<Hash, E> {
        let path = TilePath::holding(level, index, self.size)?;
        if !self.tiles.contains_key(&path) {
            let tile = decode_hashes(path, &(self.fetch)(path)?)?;
            self.tiles.insert(path, tile);
        }
        let leaves = 1usize << (level % HEIGHT);
        let start = (index << (level % HEIGHT)) % u64::from(FULL);
        // `holding` has made sure that the subtree is complete, and a tile has
        // at least its width, so the range is there.
        let below = &self.tiles[&path][start as usize..][..leaves];
        Ok(perfect_root(below))
    }
}

/// The root over a power-of-two number of hashes.
fn perfect_root(hashes: &[Hash]) -> Hash {
    match hashes {
        [hash] => *hash,
        _ => {
            let (left, right) = hashes.split_at(hashes.len() / 2);
            node_hash(&perfect_root(left), &perfect_root(right))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::merkle::testing::Forest;
    use super::super::merkle::{root_at, verify_consistency, verify_inclusion};
    use super::*;
    use proptest::prelude::*;
    use std::sync::LazyLock;

    static FOREST: LazyLock<Forest> = LazyLock::new(|| Forest::of(70_000));

    /// The bytes of a tile of the forest.
    fn tile(path: TilePath) -> Result<Vec<u8>, TileError> {
        let TileKind::Hashes { level } = path.kind() else { panic!("a bundle was asked for") };
        let row = &FOREST.levels[usize::from(level * HEIGHT)];
        Ok(encode_hashes(&row[path.start() as usize..][..path.width().into()]))
    }

    fn paths(tiles: impl IntoIterator<Item = TilePath>) -> Vec<String> {
        tiles.into_iter().map(|path| path.to_string()).collect()
    }

    #[test]
    fn paths_are_written_as_in_the_specification() {
        let path = |level, index, width| TilePath::hashes(level, index, width).unwrap().to_string();
        assert_eq!(path(0, 1_234_067, 256), "tile/0/x001/x234/067");
        assert_eq!(path(0, 0, 1), "tile/0/000.p/1");
        assert_eq!(path(1, 999, 255), "tile/1/999.p/255");
        assert_eq!(path(63, 1000, 256), "tile/63/x001/000");
        assert_eq!(TilePath::entries(273, 112).unwrap().to_string(), "tile/entries/273.p/112");
        let last = TilePath::entries(u64::MAX, 256).unwrap();
        assert_eq!(last.to_string(), "tile/entries/x018/x446/x744/x073/x709/x551/615");
        assert_eq!(last.to_string().parse(), Ok(last));
    }

    #[test]
    fn a_path_in_any_other_spelling_is_refused() {
        let refused = [
            "",
            "tile",
            "tile/",
            "tile/0",
            "tile/0/",
            "/tile/0/000",
            "tile/0/000/",
            "tile/00/000",
            "tile/64/000",
            "tile/-1/000",
            "tile/+1/000",
            "tile/data/000",
            "tile/0/0",
            "tile/0/00",
            "tile/0/0000",
            "tile/0/x000",
            "tile/0/x000/000",
            "tile/0/x000/001",
            "tile/0/001/000",
            "tile/0/x001/x000",
            "tile/0/x01/000",
            "tile/0/X001/000",
            "tile/0/x0+1/000",
            "tile/0/000.p",
            "tile/0/000.p/",
            "tile/0/000.p/0",
            "tile/0/000.p/01",
            "tile/0/000.p/256",
            "tile/0/000.p/1/",
            "tile/0/000.p/1.p/1",
            "tile/0/000.P/1",
            "tile/0//000",
            "tile/0/x001//000",
            "tile/0/000 ",
            "tile/0/../000",
            "tile/entries",
            "tile/entries/x000/067",
            "tile/0/0٣0",
            "tile/٣/000",
            "tile/0/x018/x446/x744/x073/x709/x551/616",
            "tile/0/x999/x999/x999/x999/x999/x999/x999/999",
        ];
        for text in refused {
            assert!(matches!(text.parse::<TilePath>(), Err(TileError::Path { .. })), "{text}");
        }
    }

    #[test]
    fn a_log_of_seventy_thousand_has_the_tiles_of_the_specification() {
        let tiles: Vec<_> = tiles_between(0, 70_000).collect();
        assert_eq!(tiles.len(), 273 + 1 + 1 + 1 + 1);
        let partial = tiles.iter().copied().filter(TilePath::is_partial);
        assert_eq!(paths(partial), ["tile/0/273.p/112", "tile/1/001.p/17", "tile/2/000.p/1"]);
        assert_eq!(bundles_between(0, 70_000).count(), 274);
    }

    #[test]
    fn tiles_appear_where_they_fill_up() {
        assert_eq!(paths(tiles_between(0, 0)), [""; 0]);
        assert_eq!(paths(tiles_between(0, 1)), ["tile/0/000.p/1"]);
        assert_eq!(paths(tiles_between(0, 255)), ["tile/0/000.p/255"]);
        assert_eq!(paths(tiles_between(0, 256)), ["tile/0/000", "tile/1/000.p/1"]);
        assert_eq!(paths(tiles_between(0, 257)), ["tile/0/000", "tile/0/001.p/1", "tile/1/000.p/1"]);
        assert_eq!(paths(tiles_between(255, 257)), paths(tiles_between(0, 257)));
        assert_eq!(paths(tiles_between(256, 257)), ["tile/0/001.p/1"]);
        assert_eq!(paths(tiles_between(65_535, 65_536)), ["tile/0/255", "tile/1/000", "tile/2/000.p/1"]);
        assert_eq!(paths(bundles_between(255, 257)), ["tile/entries/000", "tile/entries/001.p/1"]);
        assert_eq!(paths(tiles_between(9, 9)), [""; 0]);
    }

    #[test]
    fn a_tile_that_the_log_has_not_reached_does_not_fit() {
        let fits = |path: &str, size| path.parse::<TilePath>().unwrap().fits(size);
        assert!(fits("tile/0/000.p/5", 5) && fits("tile/0/000.p/5", 500) && !fits("tile/0/000.p/5", 4));
        assert!(fits("tile/1/000.p/1", 256) && !fits("tile/1/000.p/1", 255));
        assert!(fits("tile/entries/001", 512) && !fits("tile/entries/001", 511));
        assert!(!fits("tile/8/000.p/1", u64::MAX) && !fits("tile/63/000.p/1", u64::MAX));
        assert!(!fits("tile/0/x018/x446/x744/x073/x709/x551/615", u64::MAX));
    }

    #[test]
    fn a_bundle_returns_its_entries() {
        let longest = vec![7; LONGEST_ENTRY];
        let entries: [&[u8]; 3] = [b"", b"tide", &longest];
        let bundle = encode_bundle(entries).unwrap();
        assert_eq!(decode_bundle(&bundle, 3).unwrap(), entries);
        assert_eq!(encode_bundle([&b"tide"[..]]).unwrap(), b"\x00\x04tide");
    }

    #[test]
    fn a_bundle_that_is_not_what_it_should_be_is_refused() {
        let bundle = encode_bundle(["low", "high"]).unwrap();
        assert_eq!(decode_bundle(&bundle, 1), Err(TileError::BundleTooLong { bytes: 6 }));
        assert_eq!(decode_bundle(&bundle, 3), Err(TileError::BundleCutShort { entry: 2 }));
        for end in 0..bundle.len() {
            assert!(decode_bundle(&bundle[..end], 2).is_err());
        }
        assert_eq!(decode_bundle(&[], 0), Err(TileError::BundleWidth { found: 0 }));
        assert_eq!(encode_bundle([vec![0; 65_536]]), Err(TileError::EntryTooLong { bytes: 65_536 }));
        assert_eq!(encode_bundle(vec![""; 257]), Err(TileError::BundleWidth { found: 257 }));
        assert_eq!(encode_bundle([""; 0]), Err(TileError::BundleWidth { found: 0 }));
    }

    #[test]
    fn a_tile_of_the_wrong_length_is_refused() {
        let path: TilePath = "tile/0/000.p/2".parse().unwrap();
        assert!(decode_hashes(path, &[0; 63]).is_err());
        assert!(decode_hashes(path, &[0; 32]).is_err());
        assert!(decode_hashes(path, &[0; 257 * 32]).is_err());
        assert_eq!(decode_hashes(path, &[0; 256 * 32]).unwrap().len(), 2);
    }

    #[test]
    fn a_reader_answers_only_for_subtrees_that_are_complete() {
        let mut reader = TileReader::new(257, tile);
        assert_eq!(reader.hash(8, 0), Ok(FOREST.levels[8][0]));
        assert_eq!(reader.hash(8, 1), Err(TileError::Incomplete { level: 8, index: 1, size: 257 }));
        assert_eq!(reader.hash(0, 257), Err(TileError::Incomplete { level: 0, index: 257, size: 257 }));
        assert!(reader.hash(64, 0).is_err() && reader.hash(9, 0).is_err());
    }

    #[test]
    fn a_reader_asks_for_each_tile_once() {
        let mut asked = Vec::new();
        let mut reader = TileReader::new(70_000, |path| {
            asked.push(path);
            tile(path)
        });
        prove_inclusion(12_345, 70_000, |level, index| reader.hash(level, index)).unwrap();
        prove_inclusion(12_346, 70_000, |level, index| reader.hash(level, index)).unwrap();
        asked.sort();
        assert_eq!(asked, tiles_for_inclusion(12_345, 70_000).unwrap());
        assert!(asked.len() <= 5, "{asked:?}");
    }

    proptest! {
        #[test]
        fn a_path_reads_back_as_itself(level in prop::option::of(0u8..=63), index in any::<u64>(), shift in 0u32..64, width in 1u16..=256) {
            let index = index >> shift;
            let path = match level {
                Some(level) => TilePath::hashes(level, index, width).unwrap(),
                None => TilePath::entries(index, width).unwrap(),
            };
            prop_assert_eq!(path.to_string().parse(), Ok(path));
        }

        #[test]
        fn no_text_is_read_as_a_path_it_does_not_spell(text in "tile/(entries|[0-9]{1,2})(/x?[0-9]{1,4}){1,3}(\\.p/[0-9]{1,3})?") {
            if let Ok(path) = text.parse::<TilePath>() {
                prop_assert_eq!(path.to_string(), text);
            }
        }

        #[test]
        fn proofs_made_from_tiles_hold((size, index) in (1u64..=70_000).prop_flat_map(|s| (Just(s), 0..s))) {
            let root = FOREST.root(size);
            let mut reader = TileReader::new(size, tile);
            prop_assert_eq!(root_at(size, |l, i| reader.hash(l, i)).unwrap(), root);
            let path = prove_inclusion(index, size, |l, i| reader.hash(l, i)).unwrap();
            prop_assert_eq!(verify_inclusion(FOREST.levels[0][index as usize], index, size, &path, root), Ok(()));
            let needed = tiles_for_consistency(index, size).unwrap();
            let mut reader = TileReader::new(size, |path| {
                assert!(needed.contains(&path));
                tile(path)
            });
            let growth = prove_consistency(index, size, |l, i| reader.hash(l, i)).unwrap();
            prop_assert_eq!(verify_consistency(index, size, &growth, FOREST.root(index), root), Ok(()));
        }

        #[test]
        fn growth_in_steps_writes_every_tile_of_the_whole(steps in prop::collection::vec(0u64..900, 0..8)) {
            let mut size = 0;
            let mut stored = BTreeMap::new();
            for step in steps {
                for path in tiles_between(size, size + step).chain(bundles_between(size, size + step)) {
                    stored.insert((path.kind(), path.index()), path.width());
                }
                size += step;
            }
            let whole = tiles_between(0, size).chain(bundles_between(0, size));
            let whole: BTreeMap<_, _> = whole.map(|path| ((path.kind(), path.index()), path.width())).collect();
            prop_assert_eq!(stored, whole);
        }

        #[test]
        fn any_bytes_are_a_bundle_or_an_error(bytes in prop::collection::vec(any::<u8>(), 0..200), width in 0u16..300) {
            if let Ok(entries) = decode_bundle(&bytes, width) {
                prop_assert_eq!(encode_bundle(entries).unwrap(), bytes);
            }
        }
    }
}
