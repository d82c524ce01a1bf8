//! The Merkle tree of RFC 6962 and RFC 9162, section 2: how leaves become a
//! root, how the root grows, and how inclusion and growth are proved.
//!
//! Proofs are built from the hashes of *complete subtrees*: the one at `(level,
//! index)` covers the leaves from `index · 2^level` up to the next. Where those
//! hashes come from is the caller's business; [`super::tile`] answers from tiles.

use std::fmt;
use std::str::FromStr;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use sha2::{Digest as _, Sha256};

/// A SHA-256 hash in the tree. Shown and serialised as 64 lower-case hex digits.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Hash(pub [u8; 32]);

/// A text that should have been a hash and is not.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum MalformedHash {
    #[error("a hash is written as 64 lower-case hex digits")]
    Hex,
    #[error("a hash is written as 32 bytes in padded base64")]
    Base64,
}

impl Hash {
    /// The hash as notes and checkpoints write it: padded base64.
    pub fn to_base64(&self) -> String {
        BASE64.encode(self.0)
    }

    /// Reads the one base64 spelling of a hash.
    pub fn from_base64(text: &str) -> Result<Self, MalformedHash> {
        let bytes = BASE64.decode(text).map_err(|_| MalformedHash::Base64)?;
        bytes.try_into().map(Self).map_err(|_| MalformedHash::Base64)
    }

    /// The SHA-256 of some bytes, without the tree's prefixes: what a body in the
    /// content store is known by.
    pub fn of(bytes: &[u8]) -> Self {
        Self(Sha256::digest(bytes).into())
    }
}

impl fmt::Display for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Hash({self})")
    }
}

impl FromStr for Hash {
    type Err = MalformedHash;

    /// Reads 64 lower-case hex digits; a hash has one spelling only.
    fn from_str(text: &str) -> Result<Self, MalformedHash> {
        fn digit(c: u8) -> Result<u8, MalformedHash> {
            match c {
                b'0'..=b'9' => Ok(c - b'0'),
                b'a'..=b'f' => Ok(c - b'a' + 10),
                _ => Err(MalformedHash::Hex),
            }
        }
        let text = text.as_bytes();
        if text.len() != 64 {
            return Err(MalformedHash::Hex);
        }
        let mut hash = [0; 32];
        for (byte, pair) in hash.iter_mut().zip(text.chunks_exact(2)) {
            *byte = digit(pair[0])? << 4 | digit(pair[1])?;
        }
        Ok(Self(hash))
    }
}

impl Serialize for Hash {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Hash {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

/// The hash of an entry as a leaf: SHA-256 of `0x00` and the entry.
pub fn leaf_hash(entry: &[u8]) -> Hash {
    Hash(Sha256::new().chain_update([0]).chain_update(entry).finalize().into())
}

/// The hash of two neighbours: SHA-256 of `0x01`, the left one and the right one.
pub fn node_hash(left: &Hash, right: &Hash) -> Hash {
    Hash(Sha256::new().chain_update([1]).chain_update(left.0).chain_update(right.0).finalize().into())
}

/// The root of a tree without leaves: SHA-256 of nothing.
pub fn empty_root() -> Hash {
    Hash::of(&[])
}

/// Why a proof could not be built, or does not prove what it claims.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum MerkleError {
    #[error("entry {index} is not in a tree of {size}")]
    Outside { index: u64, size: u64 },
    #[error("a tree of {new} cannot have grown from one of {old}")]
    Shrunk { old: u64, new: u64 },
    #[error("the proof has {found} hashes where its tree needs {needed}")]
    Length { found: usize, needed: usize },
    #[error("the proof leads to root {computed}, the tree's root is {claimed}")]
    Root { computed: Hash, claimed: Hash },
    #[error("a stored frontier of {bytes} bytes does not fit its tree size")]
    Frontier { bytes: usize },
}

/// The right edge of a growing tree: its size, and the roots of the complete
/// subtrees it consists of, widest first. Enough to append and to know the root.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Frontier {
    size: u64,
    edge: Vec<Hash>,
}

impl Frontier {
    /// The frontier of a tree without leaves.
    pub fn new() -> Self {
        Self::default()
    }

    /// The frontier of a stored tree, from the few subtrees on its right edge.
    pub fn at<E>(size: u64, mut read: impl FnMut(u8, u64) -> Result<Hash, E>) -> Result<Self, E> {
        let edge = (0..64u8)
            .rev()
            .filter(|level| size >> level & 1 == 1)
            .map(|level| read(level, (size >> level) - 1))
            .collect::<Result<_, E>>()?;
        Ok(Self { size, edge })
    }

    /// How many leaves the tree has.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// Appends a leaf, given its hash, and returns its index.
    pub fn push(&mut self, leaf: Hash) -> u64 {
        self.push_each(leaf, |_, _, _| {})
    }

    /// Appends a leaf and reports every subtree this completes as `(level, index,
    /// hash)`, the leaf itself first. Those whose level is a multiple of 8 are
    /// the hashes that tiles hold.
    pub fn push_each(&mut self, leaf: Hash, mut completed: impl FnMut(u8, u64, Hash)) -> u64 {
        let mut hash = leaf;
        completed(0, self.size, hash);
        for level in 0..self.size.trailing_ones() as u8 {
            let left = self.edge.pop().expect("the edge has one hash for each bit set in the size");
            hash = node_hash(&left, &hash);
            completed(level + 1, self.size >> (level + 1), hash);
        }
        self.edge.push(hash);
        self.size += 1;
        self.size - 1
    }

    /// The root of the tree as it is now.
    pub fn root(&self) -> Hash {
        let rightmost_first = self.edge.iter().rev().copied();
        rightmost_first.reduce(|right, left| node_hash(&left, &right)).unwrap_or_else(empty_root)
    }

    /// The frontier for storage: the size as eight big-endian bytes, then the edge.
    pub fn to_bytes(&self) -> Vec<u8> {
        let size = self.size.to_be_bytes();
        size.into_iter().chain(self.edge.iter().flat_map(|hash| hash.0)).collect()
    }

    /// Reads what [`Frontier::to_bytes`] wrote.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, MerkleError> {
        let malformed = MerkleError::Frontier { bytes: bytes.len() };
        let (size, edge) = bytes.split_first_chunk::<8>().ok_or(malformed)?;
        let size = u64::from_be_bytes(*size);
        let (edge, rest) = edge.as_chunks::<32>();
        if edge.len() != size.count_ones() as usize || !rest.is_empty() {
            return Err(malformed);
        }
        Ok(Self { size, edge: edge.iter().copied().map(Hash).collect() })
    }
}

/// Where RFC 6962 splits `leaves` (two or more): the largest power of two below.
fn split(leaves: u64) -> u64 {
    1 << (leaves - 1).ilog2()
}

/// The root over leaves `from..to`, a range that the tree's own splits produced.
fn range_root<E>(from: u64, to: u64, read: &mut impl FnMut(u8, u64) -> Result<Hash, E>) -> Result<Hash, E> {
    let leaves = to - from;
    if leaves.is_power_of_two() {
        let level = leaves.ilog2() as u8;
        return read(level, from >> level);
    }
    let middle = from + split(leaves);
    let left = range_root(from, middle, read)?;
    Ok(node_hash(&left, &range_root(middle, to, read)?))
}

/// The root of a tree of `size`, from its complete subtrees.
pub fn root_at<E>(size: u64, mut read: impl FnMut(u8, u64) -> Result<Hash, E>) -> Result<Hash, E> {
    if size == 0 { Ok(empty_root()) } else { range_root(0, size, &mut read) }
}

/// Builds the proof that leaf `index` is in the tree of `size`: the hashes beside
/// the way from the leaf to the root, the leaf's neighbour first.
pub fn prove_inclusion<E: From<MerkleError>>(
    index: u64,
    size: u64,
    mut read: impl FnMut(u8, u64) -> Result<Hash, E>,
) -> Result<Vec<Hash>, E> {
    if index >= size {
        return Err(MerkleError::Outside { index, size }.into());
    }
    let (mut from, mut to) = (0, size);
    let mut path = Vec::new();
    while to - from > 1 {
        let middle = from + split(to - from);
        if index < middle {
            path.push(range_root(middle, to, &mut read)?);
            to = middle;
        } else {
            path.push(range_root(from, middle, &mut read)?);
            from = middle;
        }
    }
    path.reverse();
    Ok(path)
}

/// Builds the proof that the tree of `old` leaves is the beginning of the tree of
/// `new`. From an empty tree, and between equal sizes, the proof is empty.
pub fn prove_consistency<E: From<MerkleError>>(
    old: u64,
    new: u64,
    mut read: impl FnMut(u8, u64) -> Result<Hash, E>,
) -> Result<Vec<Hash>, E> {
    if old > new {
        return Err(MerkleError::Shrunk { old, new }.into());
    }
    if old == 0 || old == new {
        return Ok(Vec::new());
    }
    let (mut from, mut to) = (0, new);
    let mut proof = Vec::new();
    while to != old {
        let middle = from + split(to - from);
        if old <= middle {
            proof.push(range_root(middle, to, &mut read)?);
            to = middle;
        } else {
            proof.push(range_root(from, middle, &mut read)?);
            from = middle;
        }
    }
    // A subtree that starts at the first leaf is the old tree itself, whose root
    // the verifier already has.
    if from > 0 {
        proof.push(range_root(from, to, &mut read)?);
    }
    proof.reverse();
    Ok(proof)
}

/// How many hashes an inclusion proof of `index` (below `size`) has: one for each
/// level at which the way to the leaf leaves the right edge, and one for each
/// subtree to the left once it runs along that edge.
fn inclusion_length(index: u64, size: u64) -> usize {
    let inner = u64::BITS - (index ^ (size - 1)).leading_zeros();
    let border = index.checked_shr(inner).unwrap_or(0).count_ones();
    (inner + border) as usize
}

/// The way from a node to the root: its place in its level, and the last place
/// there.
struct WayUp {
    position: u64,
    last: u64,
}

/// Where a sibling stands.
enum Side {
    Left,
    Right,
}

impl WayUp {
    /// Says where the next sibling of the proof stands, and goes up past it.
    fn sibling_side(&mut self) -> Side {
        let side = if self.position & 1 == 1 || self.position == self.last { Side::Left } else { Side::Right };
        if let Side::Left = side {
            // A node without a right neighbour rises, unchanged, until it is a
            // right child itself.
            let alone = self.position.trailing_zeros().min(63);
            self.position >>= alone;
            self.last >>= alone;
        }
        self.position >>= 1;
        self.last >>= 1;
        side
    }
}

/// Checks that `leaf` is entry `index` of the tree of `size` with this root.
pub fn verify_inclusion(leaf: Hash, index: u64, size: u64, proof: &[Hash], root: Hash) -> Result<(), MerkleError> {
    if index >= size {
        return Err(MerkleError::Outside { index, size });
    }
    let needed = inclusion_length(index, size);
    if proof.len() != needed {
        return Err(MerkleError::Length { found: proof.len(), needed });
    }
    let mut way = WayUp { position: index, last: size - 1 };
    let computed = proof.iter().fold(leaf, |below, sibling| match way.sibling_side() {
        Side::Left => node_hash(sibling, &below),
        Side::Right => node_hash(&below, sibling),
    });
    same_root(computed, root)
}

/// Checks that the tree of `old` leaves with `old_root` is the beginning of the
/// tree of `new` leaves with `new_root`.
pub fn verify_consistency(old: u64, new: u64, proof: &[Hash], old_root: Hash, new_root: Hash) -> Result<(), MerkleError> {
    if old > new {
        return Err(MerkleError::Shrunk { old, new });
    }
    if old == 0 || old == new {
        if !proof.is_empty() {
            return Err(MerkleError::Length { found: proof.len(), needed: 0 });
        }
        let computed = if old == 0 { empty_root() } else { new_root };
        return same_root(computed, old_root);
    }
    // The old tree's last complete subtree: every step of the proof starts from it.
    let level = old.trailing_zeros();
    let mut way = WayUp { position: (old - 1) >> level, last: (new - 1) >> level };
    let seed_in_proof = usize::from(!old.is_power_of_two());
    let needed = seed_in_proof + inclusion_length(way.position, way.last + 1);
    if proof.len() != needed {
        return Err(MerkleError::Length { found: proof.len(), needed });
    }
    let (mut from_old, steps) = match proof.split_first() {
        Some((seed, steps)) if seed_in_proof == 1 => (*seed, steps),
        _ => (old_root, proof),
    };
    let mut from_new = from_old;
    for sibling in steps {
        match way.sibling_side() {
            Side::Left => {
                from_old = node_hash(sibling, &from_old);
                from_new = node_hash(sibling, &from_new);
            }
            // What is to the right was not there yet.
            Side::Right => from_new = node_hash(&from_new, sibling),
        }
    }
    same_root(from_old, old_root)?;
    same_root(from_new, new_root)
}

fn same_root(computed: Hash, claimed: Hash) -> Result<(), MerkleError> {
    if computed == claimed { Ok(()) } else { Err(MerkleError::Root { computed, claimed }) }
}

/// A whole tree in memory, for tests of this module and its neighbours.
#[cfg(test)]
pub(super) mod testing {
    use super::*;

    /// Every complete subtree of a tree, by level and index.
    pub struct Forest {
        pub frontier: Frontier,
        pub levels: Vec<Vec<Hash>>,
    }

    impl Forest {
        /// A tree whose entry `i` is the eight big-endian bytes of `i`.
        pub fn of(size: u64) -> Self {
            Self::from_entries((0..size).map(|i| i.to_be_bytes().to_vec()))
        }

        pub fn from_entries(entries: impl IntoIterator<Item = Vec<u8>>) -> Self {
            let mut forest = Self { frontier: Frontier::new(), levels: Vec::new() };
            for entry in entries {
                let Self { frontier, levels } = &mut forest;
                frontier.push_each(leaf_hash(&entry), |level, index, hash| {
                    if levels.len() <= level as usize {
                        levels.push(Vec::new());
                    }
                    let row = &mut levels[level as usize];
                    assert_eq!(row.len() as u64, index, "subtrees complete in order");
                    row.push(hash);
                });
            }
            forest
        }

        /// The root when the tree had this size.
        pub fn root(&self, size: u64) -> Hash {
            root_at(size, |level, index| self.read(level, index)).unwrap()
        }

        pub fn read(&self, level: u8, index: u64) -> Result<Hash, MerkleError> {
            Ok(self.levels[level as usize][index as usize])
        }

        pub fn size(&self) -> u64 {
            self.frontier.size()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::testing::Forest;
    use super::*;
    use proptest::prelude::*;
    use std::sync::LazyLock;

    /// One tree for all sizes up to just past two levels of tiles.
    static LARGE: LazyLock<Forest> = LazyLock::new(|| Forest::of(65_537));

    /// The leaves of the reference tests of Certificate Transparency.
    fn reference_tree() -> Forest {
        let leaves: [&[u8]; 8] = [
            b"",
            b"\x00",
            b"\x10",
            b"\x20\x21",
            b"\x30\x31",
            b"\x40\x41\x42\x43",
            b"\x50\x51\x52\x53\x54\x55\x56\x57",
            b"\x60\x61\x62\x63\x64\x65\x66\x67\x68\x69\x6a\x6b\x6c\x6d\x6e\x6f",
        ];
        Forest::from_entries(leaves.map(<[u8]>::to_vec))
    }

    fn hash(text: &str) -> Hash {
        text.parse().unwrap()
    }

    #[test]
    fn roots_match_the_reference_tests_of_certificate_transparency() {
        let roots = [
            "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
            "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
            "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
            "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
            "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
            "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
            "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
            "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
            "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
        ];
        let mut frontier = Frontier::new();
        for (size, root) in roots.map(hash).into_iter().enumerate() {
            assert_eq!(reference_tree().root(size as u64), root);
            assert_eq!(frontier.root(), root);
            reference_tree().levels[0].get(size).map(|leaf| frontier.push(*leaf));
        }
    }

    #[test]
    fn proofs_match_the_reference_tests_of_certificate_transparency() {
        let tree = reference_tree();
        let path = prove_inclusion(0, 8, |l, i| tree.read(l, i)).unwrap();
        let expected = [
            "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
            "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
            "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4",
        ];
        assert_eq!(path, expected.map(hash));
        let growth = prove_consistency(6, 8, |l, i| tree.read(l, i)).unwrap();
        let expected = [
            "0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a",
            "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
            "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
        ];
        assert_eq!(growth, expected.map(hash));
    }

    #[test]
    fn every_proof_of_every_small_tree_holds() {
        let tree = Forest::of(40);
        for size in 0..=40 {
            for index in 0..size {
                let proof = prove_inclusion(index, size, |l, i| tree.read(l, i)).unwrap();
                let leaf = tree.levels[0][index as usize];
                verify_inclusion(leaf, index, size, &proof, tree.root(size)).unwrap();
            }
            for old in 0..=size {
                let proof = prove_consistency(old, size, |l, i| tree.read(l, i)).unwrap();
                let (old_root, new_root) = (tree.root(old), tree.root(size));
                verify_consistency(old, size, &proof, old_root, new_root).unwrap();
            }
        }
    }

    #[test]
    fn proofs_hold_at_the_sizes_where_tiles_fill_up() {
        let sizes = [1, 255, 256, 257, 65_535, 65_536, 65_537];
        for size in sizes {
            for index in [0, 1, 254, 255, 256, 65_279, 65_280, 65_534, 65_535, 65_536] {
                if index >= size {
                    continue;
                }
                let proof = prove_inclusion(index, size, |l, i| LARGE.read(l, i)).unwrap();
                let leaf = LARGE.levels[0][index as usize];
                verify_inclusion(leaf, index, size, &proof, LARGE.root(size)).unwrap();
            }
            for old in sizes.into_iter().chain([0]).filter(|old| *old <= size) {
                let proof = prove_consistency(old, size, |l, i| LARGE.read(l, i)).unwrap();
                let (old_root, new_root) = (LARGE.root(old), LARGE.root(size));
                verify_consistency(old, size, &proof, old_root, new_root).unwrap();
            }
        }
    }

    #[test]
    fn an_empty_tree_has_no_entries_and_is_the_beginning_of_any_other() {
        let tree = Forest::of(3);
        let read = |l, i| tree.read(l, i);
        assert_eq!(prove_inclusion(0, 0, read), Err(MerkleError::Outside { index: 0, size: 0 }));
        assert_eq!(prove_consistency(0, 3, read), Ok(vec![]));
        verify_consistency(0, 3, &[], empty_root(), tree.root(3)).unwrap();
        verify_consistency(0, 0, &[], empty_root(), empty_root()).unwrap();
        assert!(verify_consistency(0, 3, &[], tree.root(1), tree.root(3)).is_err());
        assert!(verify_consistency(0, 3, &[tree.root(1)], empty_root(), tree.root(3)).is_err());
    }

    #[test]
    fn a_tree_cannot_shrink() {
        let refusal = Err(MerkleError::Shrunk { old: 3, new: 2 });
        assert_eq!(prove_consistency(3, 2, |_, _| Ok::<_, MerkleError>(empty_root())), refusal.clone());
        let tree = Forest::of(3);
        assert_eq!(verify_consistency(3, 2, &[], tree.root(3), tree.root(2)).map(|()| vec![]), refusal);
    }

    #[test]
    fn two_trees_of_one_size_and_different_roots_are_a_fork() {
        let (ours, theirs) = (Forest::of(9), Forest::from_entries((0..9u8).map(|i| vec![i])));
        assert!(verify_consistency(9, 9, &[], ours.root(9), theirs.root(9)).is_err());
        let proof = prove_consistency(5, 9, |l, i| ours.read(l, i)).unwrap();
        assert!(verify_consistency(5, 9, &proof, ours.root(5), theirs.root(9)).is_err());
        assert!(verify_consistency(5, 9, &proof, theirs.root(5), ours.root(9)).is_err());
    }

    #[test]
    fn proofs_at_the_largest_sizes_are_refused_without_overflow() {
        let root = empty_root();
        let needed = |result: Result<(), MerkleError>| match result {
            Err(MerkleError::Length { needed, .. }) => needed,
            other => panic!("{other:?}"),
        };
        assert_eq!(needed(verify_inclusion(root, 0, u64::MAX, &[], root)), 64);
        assert_eq!(needed(verify_inclusion(root, u64::MAX - 1, u64::MAX, &[], root)), 63);
        assert!(verify_inclusion(root, 0, u64::MAX, &[root; 64], root).is_err());
        assert!(verify_inclusion(root, u64::MAX - 1, u64::MAX, &[root; 63], root).is_err());
        assert!(verify_consistency(1 << 63, u64::MAX, &[root; 1], root, root).is_err());
        assert!(verify_consistency(u64::MAX - 1, u64::MAX, &[root; 64], root, root).is_err());
    }

    #[test]
    fn a_frontier_survives_storage() {
        let mut frontier = Frontier::new();
        for i in 0..300u64 {
            assert_eq!(Frontier::from_bytes(&frontier.to_bytes()).as_ref(), Ok(&frontier));
            assert_eq!(frontier.root(), LARGE.root(i));
            assert_eq!(frontier.push(leaf_hash(&i.to_be_bytes())), i);
        }
        let bytes = frontier.to_bytes();
        assert!(Frontier::from_bytes(&bytes[..bytes.len() - 1]).is_err());
        assert!(Frontier::from_bytes(&bytes[..bytes.len() - 32]).is_err());
        assert!(Frontier::from_bytes(&[&bytes[..], &[0; 32]].concat()).is_err());
        assert!(Frontier::from_bytes(&[]).is_err());
    }

    #[test]
    fn a_frontier_is_restored_from_the_right_edge_of_a_stored_tree() {
        for size in [0, 1, 2, 255, 256, 257, 65_535, 65_536, 65_537] {
            let restored = Frontier::at(size, |l, i| LARGE.read(l, i)).unwrap();
            assert_eq!(restored.root(), LARGE.root(size));
        }
        assert_eq!(Frontier::at(65_537, |l, i| LARGE.read(l, i)).unwrap(), LARGE.frontier);
    }

    #[test]
    fn a_hash_has_one_spelling() {
        let hash = leaf_hash(b"tide");
        assert_eq!(hash.to_string().parse(), Ok(hash));
        assert_eq!(Hash::from_base64(&hash.to_base64()), Ok(hash));
        assert_eq!(serde_json::from_str::<Hash>(&serde_json::to_string(&hash).unwrap()).unwrap(), hash);
        assert!(hash.to_string().to_uppercase().parse::<Hash>().is_err());
        assert!(format!("0x{hash}").parse::<Hash>().is_err());
        assert!(Hash::from_base64(hash.to_base64().trim_end_matches('=')).is_err());
    }

    proptest! {
        #[test]
        fn an_entry_of_any_tree_is_proved_included((size, index) in (1u64..=65_537).prop_flat_map(|s| (Just(s), 0..s))) {
            let proof = prove_inclusion(index, size, |l, i| LARGE.read(l, i)).unwrap();
            let (leaf, root) = (LARGE.levels[0][index as usize], LARGE.root(size));
            prop_assert_eq!(verify_inclusion(leaf, index, size, &proof, root), Ok(()));
        }

        #[test]
        fn any_growth_is_proved_consistent((new, old) in (0u64..=65_537).prop_flat_map(|s| (Just(s), 0..=s))) {
            let proof = prove_consistency(old, new, |l, i| LARGE.read(l, i)).unwrap();
            let (old_root, new_root) = (LARGE.root(old), LARGE.root(new));
            prop_assert_eq!(verify_consistency(old, new, &proof, old_root, new_root), Ok(()));
        }
    }

    proptest! {
        // Each case tries every bit of the proof.
        #![proptest_config(ProptestConfig::with_cases(12))]

        #[test]
        fn an_inclusion_proof_holds_for_nothing_else((size, index) in (1u64..=600).prop_flat_map(|s| (Just(s), 0..s))) {
            let proof = prove_inclusion(index, size, |l, i| LARGE.read(l, i)).unwrap();
            let (leaf, root) = (LARGE.levels[0][index as usize], LARGE.root(size));
            for bit in 0..proof.len() * 256 {
                let mut corrupt = proof.clone();
                corrupt[bit / 256].0[bit % 256 / 8] ^= 1 << (bit % 8);
                prop_assert!(verify_inclusion(leaf, index, size, &corrupt, root).is_err());
            }
            for bit in 0..256 {
                let mut other = leaf;
                other.0[bit / 8] ^= 1 << (bit % 8);
                prop_assert!(verify_inclusion(other, index, size, &proof, root).is_err());
            }
            for other in (0..size).filter(|other| *other != index) {
                prop_assert!(verify_inclusion(leaf, other, size, &proof, root).is_err());
            }
            let longer = [&proof[..], &[leaf]].concat();
            prop_assert!(verify_inclusion(leaf, index, size, &longer, root).is_err());
            if let Some((_, shorter)) = proof.split_last() {
                prop_assert!(verify_inclusion(leaf, index, size, shorter, root).is_err());
            }
        }

        #[test]
        fn a_consistency_proof_holds_for_nothing_else((new, old) in (2u64..=600).prop_flat_map(|s| (Just(s), 1..s))) {
            let proof = prove_consistency(old, new, |l, i| LARGE.read(l, i)).unwrap();
            let (old_root, new_root) = (LARGE.root(old), LARGE.root(new));
            for bit in 0..proof.len() * 256 {
                let mut corrupt = proof.clone();
                corrupt[bit / 256].0[bit % 256 / 8] ^= 1 << (bit % 8);
                prop_assert!(verify_consistency(old, new, &corrupt, old_root, new_root).is_err());
            }
            let longer = [&proof[..], &[old_root]].concat();
            prop_assert!(verify_consistency(old, new, &longer, old_root, new_root).is_err());
            prop_assert!(verify_consistency(old, new, &proof[..proof.len() - 1], old_root, new_root).is_err());
            prop_assert!(verify_consistency(old, new, &proof, new_root, old_root).is_err());
        }
    }
}
