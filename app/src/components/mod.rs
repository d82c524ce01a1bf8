//! Parts of pages: props in, view out. None of them fetches, except `Loaded`, which waits for what a page fetches.

mod action_table;
mod address;
mod badge;
mod gallery;
mod icon;
mod loaded;
mod moment;
mod parameter_diff;
mod proof_card;
mod section;
mod sparkline;
mod state_timeline;
mod tally_bar;
mod text;

pub use action_table::ActionTable;
pub use address::{Address, Copy, Hash};
pub use badge::{BindingBadge, StateBadge, VerificationBadge, state_words};
pub use gallery::{BeforeAfter, Print};
pub use icon::{Glyph, Icon};
pub use loaded::{Failure, Loaded};
pub use moment::{Countdown, Moment, date_time, duration_words, iso, remaining_words};
pub use parameter_diff::{ParameterDiff, ParameterValue};
pub use proof_card::{ProofCard, ProofLine};
pub use section::{EmptyState, Fold, PageHead, Section};
pub use sparkline::Sparkline;
pub use state_timeline::StateTimeline;
pub use tally_bar::TallyBar;
pub use text::Markdown;

pub use crate::plots::Waterfall;
