//! What the journeys are told with: a world of its own for each of them, a browser in it, and the pages a person sees.
//!
//! The world is the real one: the built `wherefore` binary with its devnet, bridge, engine and agent. Nothing here
//! reads the database; whatever a test wants to know it asks the pages, the API or the chain.

pub mod browser;
pub mod chain;
pub mod forger;
pub mod outside;
pub mod pages;
pub mod world;

pub use browser::Browser;
pub use chain::Chain;
pub use world::World;

use std::{future::Future, time::Duration};

/// How long a person would wait before calling it broken. Generous, since tests share two cores.
pub const PATIENCE: Duration = Duration::from_secs(30);
const BETWEEN: Duration = Duration::from_millis(100);

/// Asks again until there is an answer.
///
/// # Panics
/// When there is none within [`PATIENCE`]; `what` completes "waited in vain for …".
pub async fn until<T, F: Future<Output = Option<T>>>(what: &str, mut ask: impl FnMut() -> F) -> T {
    let deadline = tokio::time::Instant::now() + PATIENCE;
    loop {
        if let Some(answer) = ask().await {
            return answer;
        }
        assert!(tokio::time::Instant::now() < deadline, "waited in vain for {what}");
        tokio::time::sleep(BETWEEN).await;
    }
}
