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
//! | [`cosignature`] | what a witness adds below a checkpoint |
//! | [`witness`] | what a witness is asked, and whether it may say yes |
//! | [`policy`] | how many of which witnesses a checkpoint needs |
//! | [`entry`] | the envelope that becomes a leaf |
//! | [`signed`] | whether an entry's actor signed for it |
//! | [`statement`] | what an actor signs to have entries logged |
//! | [`subject`] | what an entry is about, for those who search |
//! | [`bundle`] | a decision with all that the log says of it, to check offline |
//! | [`anchor`] | a checkpoint and a decision's proof as calls to the contract that keeps roots |
//! | [`proof`] | a proof a reader can keep and check offline |

pub mod anchor;
pub mod bundle;
pub mod checkpoint;
pub mod cosignature;
pub mod entry;
pub mod merkle;
pub mod note;
pub mod policy;
pub mod proof;
pub mod signed;
pub mod statement;
pub mod subject;
pub mod tile;
pub mod witness;

pub use anchor::{AnchorError, Anchoring, origin_hash};
pub use bundle::Bundle;
pub use checkpoint::{Checkpoint, CheckpointError};
pub use cosignature::{CosignerKey, WitnessKey};
pub use entry::{ActorSignature, Body, Entry, EntryError, EntryKind, EntryRef, SignatureScheme};
pub use merkle::{Frontier, Hash, MerkleError, empty_root, leaf_hash, node_hash};
pub use note::{Note, NoteError, Signature, SigningKey, VerifierKey};
pub use policy::{Policy, PolicyError};
pub use proof::{InclusionProof, ProofError, TlogProof, Verified};
pub use signed::{SignedError, check_record, check_signature};
pub use subject::{Subject, subjects};
pub use tile::{TileError, TileKind, TilePath, TileReader};
