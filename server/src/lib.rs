//! What happens: the workflow, the follower and the executor, the store, the log, and the web around them.
//!
//! `governance` decides, this crate does, `app` shows. Start reading in `workflow`.

#![recursion_limit = "512"] // views are deeply nested types

pub mod agent;
pub mod bridge;
pub mod chain;
pub mod config;
pub mod decision;
pub mod demo;
pub mod devnet;
pub mod engine;
pub mod explain;
pub mod log;
pub mod reading;
pub mod source;
pub mod store;
pub mod verify;
pub mod web;
pub mod witness;
pub mod workflow;

/// Milliseconds since 1970 on this machine's clock; only for measuring and reporting, never for a rule.
pub fn wall_ms() -> u64 {
    std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).map_or(0, |since| since.as_millis() as u64)
}

/// Waits for Ctrl-C, a polite kill, or, in a supervised process, the supervisor's end.
pub async fn stopped() {
    use tokio::{
        io::AsyncReadExt,
        signal::unix::{SignalKind, signal},
    };
    let Ok(mut terminate) = signal(SignalKind::terminate()) else { return std::future::pending().await };
    let orphaned = async {
        if std::env::var_os(demo::SUPERVISED).is_none() {
            return std::future::pending().await;
        }
        let mut input = tokio::io::stdin();
        let mut ignored = [0; 64];
        while input.read(&mut ignored).await.is_ok_and(|read| read > 0) {}
    };
    tokio::select! {
        _ = tokio::signal::ctrl_c() => {}
        _ = terminate.recv() => {}
        () = orphaned => {}
    }
}
