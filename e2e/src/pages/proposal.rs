//! One proposal's page.

use crate::Browser;

#[derive(Clone, Copy, Debug)]
pub struct ProposalPage<'a>(pub(super) &'a Browser);

impl ProposalPage<'_> {
    pub async fn open(self, id: &str) {
        self.0.visit(&format!("/proposals/{id}")).await;
        self.0.sees("Exactly which calls").await;
    }

    /// Votes from the connected wallet, and waits until the page shows it.
    pub async fn vote_for(self, reason: &str) {
        self.0.click("[data-testid=vote-for]").await;
        if !reason.is_empty() {
            self.0.types("#vote-reason", reason).await;
        }
        self.0.click("#cast-vote").await;
        let asked = self.0.wallet().confirm().await;
        assert!(asked.contains("Vote for on a proposal"), "{asked}");
        self.0.sees_in("[data-testid=voted]", "You voted for with").await;
    }

    /// Waits until the page says by itself that it is in this state.
    pub async fn becomes(self, state: &str) {
        self.0.sees_in("header.page-head", state).await;
    }
}
