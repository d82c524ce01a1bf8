//! One decision's page.

use crate::Browser;

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
}
