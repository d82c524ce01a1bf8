//! The wallet in the masthead, and the demo wallet behind it.

use crate::Browser;

#[derive(Clone, Copy, Debug)]
pub struct Wallet<'a>(pub(super) &'a Browser);

impl Wallet<'_> {
    /// Connects the demo wallet as one of the devnet's members.
    pub async fn connect_as(self, account: &str) {
        self.0.click("#connect-wallet").await;
        self.choose_demo_wallet(account).await;
    }

    pub async fn switch_to(self, account: &str) {
        self.open().await;
        self.0.click("#change-wallet").await;
        self.choose_demo_wallet(account).await;
    }

    async fn choose_demo_wallet(self, account: &str) {
        self.0.click("#wallet-dialog button[data-rdns='org.wherefore.demo']").await;
        self.0.click(&format!("#demo-wallet-dialog button[data-account='{account}']")).await;
        self.0.find("#wallet-menu").await;
        self.0.no_longer_shows("#demo-wallet-dialog").await;
    }

    /// Opens the menu behind the account's name.
    pub async fn open(self) {
        if !self.0.shows("#wallet-menu .wallet-panel").await {
            self.0.click("#wallet-menu > summary").await;
        }
        self.0.find("#wallet-menu .wallet-panel").await;
    }

    pub async fn close(self) {
        if self.0.shows("#wallet-menu .wallet-panel").await {
            self.0.click("#wallet-menu > summary").await;
        }
        self.0.no_longer_shows("#wallet-menu .wallet-panel").await;
    }

    /// What the account holds and votes with.
    pub async fn standing(self) -> String {
        self.open().await;
        self.0.reads("[data-testid=standing]").await
    }

    /// Says yes to what the demo wallet asks; what it asked.
    pub async fn confirm(self) -> String {
        let asked = self.0.reads("#demo-wallet-confirm-dialog").await;
        self.0.click("#demo-wallet-confirm").await;
        self.0.no_longer_shows("#demo-wallet-confirm-dialog").await;
        asked
    }

    pub async fn sign_in(self) {
        self.open().await;
        self.0.click("#sign-in").await;
        let asked = self.confirm().await;
        assert!(asked.contains("moves nothing"), "{asked}");
        self.0.sees_in("[data-testid=signed-in]", "You are signed in with this account.").await;
    }

    pub async fn sign_out(self) {
        self.open().await;
        self.0.click("#sign-out").await;
        self.0.sees_in("#wallet-told", "You are signed out.").await;
    }
}
