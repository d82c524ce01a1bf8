//! The explanation log: a Merkle tree of entries that can only grow, in the
//! C2SP tile format, with signed checkpoints.
//!
//! Everything a log and its readers compute is here and is the same on the
//! server, in the command line and in the browser: hashes, tiles, proofs, signed
//! notes and the entries themselves. Storage, sequencing, publishing and the
//! fetching of tiles are left to whoever calls; so are keys, which arrive as
//! bytes, and time, which arrives in the entries.
//!
//! | module | is |
//! |---|---|
//! | [`merkle`] | RFC 6962 hashes, the growing edge of a tree, inclusion and consistency proofs |
//! | [`tile`] | tile paths, entry bundles, and subtree hashes read from tiles |
//! | [`note`] | signed notes and verifier keys |
//! | [`checkpoint`] | a tree's origin, size and root as a signed note |
//! | [`entry`] | the envelope that becomes a leaf |
//! | [`signed`] | whether an entry's actor signed for it |
//! | [`subject`] | what an entry is about, for those who search |
//! | [`proof`] | a proof a reader can keep and check offline |

pub mod checkpoint;
pub mod entry;
pub mod merkle;
pub mod note;
pub mod proof;
pub mod signed;
pub mod subject;
pub mod tile;

pub use checkpoint::{Checkpoint, CheckpointError};
pub use entry::{ActorSignature, Body, Entry, EntryError, EntryKind, EntryRef, SignatureScheme};
pub use merkle::{Frontier, Hash, MerkleError, empty_root, leaf_hash, node_hash};
pub use note::{Note, NoteError, SigningKey, VerifierKey};
pub use proof::{InclusionProof, ProofError, TlogProof, Verified};
pub use signed::{SignedError, check_record, check_signature};
pub use subject::{Subject, subjects};
pub use tile::{TileError, TileKind, TilePath, TileReader};
