//! The log and its entries.

use crate::Browser;

#[derive(Clone, Copy, Debug)]
pub struct LogPage<'a>(pub(super) &'a Browser);

impl LogPage<'_> {
    /// Looks for entries of one kind, and waits for the answer.
    pub async fn finds_kind(self, kind: &str) {
        self.0.chooses("#log-kind", kind).await;
        self.0.click("#log-find").await;
        self.0.find("#log-conditions a[data-condition=kind]").await;
        self.0.is_awake().await;
    }

    pub async fn finds_words(self, words: &str) {
        self.0.types("#log-text", words).await;
        self.0.click("#log-find").await;
        self.0.find("#log-conditions a[data-condition=text]").await;
        self.0.is_awake().await;
    }

    /// Takes a condition away by its chip.
    pub async fn removes(self, condition: &str) {
        self.0.click(&format!("#log-conditions a[data-condition={condition}]")).await;
        self.0.no_longer_shows(&format!("#log-conditions a[data-condition={condition}]")).await;
    }

    pub async fn opens_newest(self) {
        self.0.click("#log-entries tbody tr:first-child th a").await;
        self.0.find("#leaf-text").await;
    }

    /// What the browser's memory of the log came to: `first`, `grew`, `unknown` or `contradicts`.
    pub async fn is_remembered_as(self, outcome: &str) {
        self.0.find(&format!("[data-testid=log-memory] [data-outcome={outcome}]")).await;
    }

    /// Has the chain read through the connected wallet; what it said, which agrees with what was computed here.
    pub async fn reads_anchor_through_wallet(self) -> String {
        self.0.sees_in("#anchor-wallet", "Read the anchor through my wallet").await;
        self.0.click("#anchor-wallet").await;
        self.0.find("#anchor-outcome [data-outcome=holds]").await;
        self.0.reads("#anchor-outcome").await
    }

    /// Has the chain read by the devnet's own node.
    pub async fn reads_anchor_through_devnet(self) -> String {
        self.0.click("#anchor-devnet").await;
        self.0.find("#anchor-outcome [data-outcome=holds]").await;
        self.0.reads("#anchor-outcome").await
    }
}
