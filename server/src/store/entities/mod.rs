//! One table per file, as the migrations make them.

pub mod background;
pub mod block;
pub mod cursor;
pub mod decision;
pub mod draft;
pub mod engine_report;
pub mod event;
pub mod log_body;
pub mod log_checkpoint;
pub mod log_entry;
pub mod log_head;
pub mod log_node;
pub mod log_subject;
pub mod model;
pub mod proposal;
pub mod revision_seen;
pub mod session;
pub mod submission;
