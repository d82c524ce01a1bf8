//! One decision's page.

use crate::{Browser, until};

#[derive(Clone, Copy, Debug)]
pub struct DecisionPage<'a>(pub(super) &'a Browser);

impl DecisionPage<'_> {
    pub async fn recompute_here(self) {
        self.0.click("#recompute").await;
        self.0.sees_in("#recompute-outcome", "checks hold").await;
        self.0.sees_in("#recompute-outcome", "What-ifs and stability came out the same here").await;
    }

    /// Recomputes what somebody altered on the way, and waits for the link that it breaks.
    pub async fn finds_broken(self, link: &str) {
        self.0.click("#recompute").await;
        self.0.sees_in("#recompute-outcome", "do not hold").await;
        self.0.sees_in("#recompute-outcome", &format!("The first link that breaks: {link}.")).await;
    }

    /// Moves an input, and reads what the model and the rule make of it.
    pub async fn tries(self, input: &str, value: &str) -> String {
        self.0.click("#what-if-title").await;
        self.0.types(&format!("#what-if-{input}"), value).await;
        self.0.reads("[data-testid=what-if-recommended]").await
    }

    /// Says what the connected account found, and waits until the chain has it; what the wallet asked.
    pub async fn publishes_verdict(self, verdict: &str, report: &str) -> String {
        self.0.click(&format!("[data-testid=verdict-{verdict}]")).await;
        self.0.types("#verdict-report", report).await;
        self.0.click("#publish-verdict").await;
        let asked = self.0.wallet().confirm().await;
        self.0.sees_in("#verdict-told", "Your verdict is on the chain").await;
        asked
    }

    /// Waits until a verdict of this auditor stands beside the decision with its entry in the log; the entry's place.
    pub async fn shows_verdict_of(self, auditor: &str) -> u64 {
        until(&format!("a logged verdict of {auditor}"), async || {
            let shown = self.0.reads("#verdicts-list").await;
            let (_, after) = shown.split_once(auditor)?.1.split_once("Log entry ")?;
            after.split_whitespace().next()?.parse().ok()
        })
        .await
    }
}
