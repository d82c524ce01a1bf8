//! Proposals: how they are identified, where they stand, and how a draft becomes one.

mod draft;
mod file;
mod id;
mod state;

pub use draft::{Action, Call, Compiled, Draft, DraftError, Known, KnownParameters, MAX_TEXT, ParameterInput, compile};
pub use file::{FileError, ProposalFile, ProposalIds};
pub use id::{description_hash, operation_id, proposal_id, salt_v4, salt_v5};
pub use state::ProposalState;
