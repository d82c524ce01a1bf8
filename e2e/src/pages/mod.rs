//! The pages as people use them, in their words. Each lends the browser for a moment.

mod clock;
mod decisions;
mod draft;
mod log;
mod proposal;
mod wallet;

pub use clock::Clock;
pub use decisions::DecisionPage;
pub use draft::DraftPage;
pub use log::LogPage;
pub use proposal::ProposalPage;
pub use wallet::Wallet;

use crate::Browser;

impl Browser {
    pub fn wallet(&self) -> Wallet<'_> {
        Wallet(self)
    }

    pub fn clock(&self) -> Clock<'_> {
        Clock(self)
    }

    pub fn draft(&self) -> DraftPage<'_> {
        DraftPage(self)
    }

    pub fn proposal(&self) -> ProposalPage<'_> {
        ProposalPage(self)
    }

    pub fn log(&self) -> LogPage<'_> {
        LogPage(self)
    }

    pub fn decision(&self) -> DecisionPage<'_> {
        DecisionPage(self)
    }
}
