//! The editor of a draft.

use crate::Browser;

#[derive(Clone, Copy, Debug)]
pub struct DraftPage<'a>(pub(super) &'a Browser);

fn field(key: &str) -> String {
    format!("[id=\"value-{key}\"]")
}

impl DraftPage<'_> {
    pub async fn begin(self) {
        self.0.visit("/drafts/new").await;
        self.0.sees("New draft").await;
    }

    async fn tick(self, key: &str) {
        self.0.click(&format!("[data-testid=\"change-{key}\"]")).await;
        self.0.find(&field(key)).await;
    }

    pub async fn choose(self, key: &str, option: &str) {
        self.tick(key).await;
        self.0.chooses(&field(key), option).await;
    }

    pub async fn change(self, key: &str, value: &str) {
        self.tick(key).await;
        self.retype(key, value).await;
    }

    pub async fn retype(self, key: &str, value: &str) {
        self.0.types(&field(key), value).await;
    }

    /// What is said against the value typed for a parameter.
    pub async fn refusal_of(self, key: &str) -> String {
        self.0.reads(&format!("[id=\"value-{key}-error\"]")).await
    }

    pub async fn write(self, title: &str, text: &str) {
        self.0.types("#draft-title", title).await;
        self.0.types("#draft-text", text).await;
    }

    pub async fn save(self) {
        self.0.click("#save-draft").await;
    }

    /// Proposes from the connected wallet and opens the proposal; its id.
    pub async fn propose(self) -> String {
        self.0.click("#propose").await;
        let asked = self.0.wallet().confirm().await;
        assert!(asked.contains("Make a proposal"), "{asked}");
        self.0.sees_in("#propose-told", "The chain has your proposal.").await;
        self.0.click("#proposal-link").await;
        self.0.sees("Exactly which calls").await;
        self.0.path().await.trim_start_matches("/proposals/").to_owned()
    }
}
