//! Drafts: where a change begins, by a person or by an agent, and how it becomes a proposal.

mod before_signing;
mod desk;
mod editor;
mod fields;
mod list;
mod time_field;

pub use editor::{DraftPage, NewDraftPage};
pub use list::DraftsPage;
