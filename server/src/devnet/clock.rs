//! The chain's clock. It runs at the wall's pace by itself, and only ever forwards.

use std::time::{Duration, Instant};

use alloy::rpc::types::Block;
use serde_json::json;
use tokio::time::MissedTickBehavior;

use super::{DevnetError, rpc::Rpc};

/// A gap longer than this, such as a laptop's sleep, is not made up for.
const LONGEST_GAP: f64 = 5.0;

/// The time of the latest block, in unix seconds.
pub async fn now(rpc: &str) -> Result<u64, DevnetError> {
    latest(&Rpc::connect(rpc)?).await
}

/// Moves the clock on by so many seconds, mines a block there and returns its time.
pub async fn skip(rpc: &str, seconds: u64) -> Result<u64, DevnetError> {
    let node = Rpc::connect(rpc)?;
    advance(&node, seconds).await?;
    latest(&node).await
}

async fn latest(node: &Rpc) -> Result<u64, DevnetError> {
    let block: Block = node.call("eth_getBlockByNumber", json!(["latest", false])).await?;
    Ok(block.header.timestamp)
}

async fn advance(node: &Rpc, seconds: u64) -> Result<(), DevnetError> {
    if seconds > 0 {
        node.send("evm_increaseTime", json!([seconds])).await?;
    }
    node.send("evm_mine", json!([])).await
}

/// Mines a block every second of wall time and makes the clock run at `pace` chain seconds a second, until aborted.
///
/// Moving the clock by increases, not by fixed block intervals, leaves room for others to move it too. A node that does
/// not answer is asked again a second later.
pub(super) async fn keep_pace(node: Rpc, pace: f64) {
    let mut ticks = tokio::time::interval(Duration::from_secs(1));
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    ticks.tick().await;
    let mut last = Instant::now();
    let mut owed = 0.0;
    let mut answering = true;
    loop {
        ticks.tick().await;
        let passed = last.elapsed().as_secs_f64().min(LONGEST_GAP);
        last = Instant::now();
        // One second a second passes anyway.
        owed += passed * (pace - 1.0).max(0.0);
        let whole = owed.floor();
        owed -= whole;
        match advance(&node, whole as u64).await {
            Ok(()) => {
                if !answering {
                    tracing::info!("the devnet's node answers again");
                }
                answering = true;
            }
            Err(error) => {
                if answering {
                    tracing::warn!(error = &error as &dyn std::error::Error, "the devnet's node does not answer; its clock stands still");
                }
                answering = false;
            }
        }
    }
}
