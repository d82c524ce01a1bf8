//! What needs the reader's browser: their wallet, live updates, and computing again what the server said.
//!
//! Every component renders the same first view on the server and in the browser, and wakes in effects. Only `js`
//! touches browser objects; `absent` stands in for it where there are none.

pub mod calls;
mod clock_control;
#[cfg(feature = "hydrate")]
mod explainer;
mod live;
#[cfg_attr(feature = "hydrate", path = "js.rs")]
#[cfg_attr(not(feature = "hydrate"), path = "absent.rs")]
pub(crate) mod outside;
mod recheck_ids;
mod refusal;
mod siwe;
mod verdict_box;
mod vote_box;
mod wallet;
mod wallet_bar;

pub use clock_control::ClockControl;
pub use live::Live;
pub use recheck_ids::RecheckIds;
pub use refusal::{RpcError, revert_in_words};
pub use verdict_box::{Verdict, VerdictBox, VerdictDraft};
pub use vote_box::VoteBox;
pub use wallet::{Connected, Offer, Sending, Wallet, named, problem};
pub use wallet_bar::{WalletBar, choose_wallet};
