//! Who buys and passes on plates in the story: a crowd without names, the same on every run.
//!
//! Only how many would like one on a day is written down. What is minted follows from it and from the parameters then in
//! force, as on the contract: a shorter offer sells out, a higher price keeps people away.

use alloy_primitives::keccak256;

use super::story::DAY;

/// The first day on which anything is minted: 2026-08-17.
pub const OPENS: u64 = 20_682 * DAY;

/// From which day after the opening on, so many would like a plate each day.
const WANTED: &[(u64, u64)] = &[(0, 6), (12, 6), (25, 4), (36, 7), (46, 9), (58, 10), (70, 11), (76, 13), (83, 15), (88, 17)];

/// Chance with a memory of nothing: the same question always has the same answer, below `limit`.
pub fn chance(question: &str, number: u64, limit: u64) -> u64 {
    let hash = keccak256(format!("{question}/{number}"));
    u64::from_be_bytes(hash[..8].try_into().unwrap_or_default()) % limit.max(1)
}

/// How many would like a plate on the day that begins at `midnight`.
pub fn wanted(midnight: u64) -> u64 {
    let day = midnight.saturating_sub(OPENS) / DAY;
    let usual = WANTED.iter().rev().find(|(from, _)| *from <= day).map_or(0, |(_, count)| *count);
    // Some days nobody looks, some days everybody does.
    usual * (70 + chance("mood", day, 61)) / 100
}

/// A purchase: second of the day, how many, and whether the buyer is new.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Purchase {
    pub second: u64,
    pub quantity: u64,
    pub newcomer: bool,
}

/// The purchases of a day on which `count` plates go, in order of time.
pub fn purchases(midnight: u64, count: u64) -> Vec<Purchase> {
    let day = midnight / DAY;
    let mut left = count;
    let mut found = Vec::new();
    while left > 0 {
        let at = day * 100 + found.len() as u64;
        let quantity = [1, 1, 1, 2, 2, 3][chance("quantity", at, 6) as usize].min(left);
        // From six in the morning on, most of them before the evening.
        let second = 6 * 3_600 + chance("second", at, 10 * 3_600);
        found.push(Purchase { second, quantity, newcomer: chance("newcomer", at, 100) < 38 });
        left -= quantity;
    }
    found.sort_by_key(|purchase| purchase.second);
    found
}
