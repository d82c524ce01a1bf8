//! `IGovernor.ProposalState`, as the chain reports it. It is read from `state()`, never recomputed.

use serde::{Deserialize, Serialize};

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ProposalState {
    Pending,
    Active,
    Canceled,
    Defeated,
    Succeeded,
    Queued,
    Expired,
    Executed,
}

impl ProposalState {
    pub const ALL: [Self; 8] =
        [Self::Pending, Self::Active, Self::Canceled, Self::Defeated, Self::Succeeded, Self::Queued, Self::Expired, Self::Executed];

    /// The contract's numbering; `None` for states that other governor families add.
    pub fn from_chain(number: u8) -> Option<Self> {
        Self::ALL.get(usize::from(number)).copied()
    }

    pub fn name(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Active => "active",
            Self::Canceled => "canceled",
            Self::Defeated => "defeated",
            Self::Succeeded => "succeeded",
            Self::Queued => "queued",
            Self::Expired => "expired",
            Self::Executed => "executed",
        }
    }

    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.name() == name)
    }

    /// Whether nothing can change it any more, short of a reorg.
    pub fn is_final(self) -> bool {
        matches!(self, Self::Canceled | Self::Defeated | Self::Expired | Self::Executed)
    }
}
