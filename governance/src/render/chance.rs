//! Where variety comes from: numbers drawn from the seed, smooth noise, and a sine table.
//!
//! Integers throughout, so every platform draws the same numbers. A fraction is
//! counted in 1024ths and a full turn is 4096 steps.

use sha2::{Digest, Sha256};

/// One in the fixed-point arithmetic of this engine.
pub(super) const ONE: i64 = 1024;
/// The steps of a full turn.
pub(super) const TURN: i64 = 4096;

/// A stream of numbers for one part of the picture.
///
/// Each part has its own stream, named by a label, so that a change to one part
/// leaves the others where they were.
pub(super) struct Chance {
    state: u64,
}

impl Chance {
    pub fn new(seed: &[u8; 32], label: &str) -> Self {
        let digest = Sha256::new().chain_update(b"tideline/1/").chain_update(label.as_bytes()).chain_update(seed).finalize();
        let word = digest.iter().take(8).fold(0, |word, byte| word << 8 | u64::from(*byte));
        Self { state: word }
    }

    /// The next 64 bits.
    pub fn word(&mut self) -> u64 {
        self.state = self.state.wrapping_add(0x9E37_79B9_7F4A_7C15);
        scatter(self.state)
    }

    /// A number from `low` to `high`, both included.
    pub fn between(&mut self, low: i64, high: i64) -> i64 {
        let span = (high - low).max(0) as u128 + 1;
        low + ((u128::from(self.word()) * span) >> 64) as i64
    }

    /// Like [`Self::between`], with the middle more likely than the ends.
    pub fn about(&mut self, low: i64, high: i64) -> i64 {
        (self.between(low, high) + self.between(low, high)) / 2
    }

    /// True `percent` times in a hundred.
    pub fn percent(&mut self, percent: i64) -> bool {
        self.between(0, 99) < percent
    }

    /// One of the choices, each as likely as its weight.
    pub fn pick<T: Copy, const N: usize>(&mut self, choices: [(i64, T); N]) -> T {
        let mut left = self.between(1, choices.iter().map(|(weight, _)| weight).sum());
        let mut found = choices[0].1;
        for (weight, choice) in choices {
            if left > 0 {
                found = choice;
            }
            left -= weight;
        }
        found
    }
}

/// Spreads the bits of a word over the whole word.
fn scatter(mut word: u64) -> u64 {
    word = (word ^ (word >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    word = (word ^ (word >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    word ^ (word >> 31)
}

/// Smooth noise over a plane, from -1024 to 1024; a lattice cell is 1024 wide.
pub(super) fn noise(key: u64, x: i64, y: i64) -> i64 {
    let corner = |i: i64, j: i64| {
        let mixed = scatter(key ^ (i as u64).wrapping_mul(0x9E37_79B9_7F4A_7C15));
        let mixed = scatter(mixed ^ (j as u64).wrapping_mul(0xC2B2_AE3D_27D4_EB4F));
        (mixed >> 53) as i64 - 1023
    };
    let (i, j) = (x.div_euclid(ONE), y.div_euclid(ONE));
    let (fx, fy) = (smooth(x.rem_euclid(ONE)), smooth(y.rem_euclid(ONE)));
    let blend = |a: i64, b: i64, share: i64| a + (b - a) * share / ONE;
    blend(blend(corner(i, j), corner(i + 1, j), fx), blend(corner(i, j + 1), corner(i + 1, j + 1), fx), fy)
}

/// Eases a fraction in and out.
pub(super) fn smooth(t: i64) -> i64 {
    let t = t.clamp(0, ONE);
    t * t * (3 * ONE - 2 * t) / (ONE * ONE)
}

/// A quarter of a sine wave in 64 steps.
const QUARTER: [i64; 65] = [
    0, 25, 50, 75, 100, 125, 150, 175, 200, 224, 249, 273, 297, 321, 345, 369, 392, 415, 438, 460, 483, 505, 526, 548, 569, 590, 610, 630,
    650, 669, 688, 706, 724, 742, 759, 775, 792, 807, 822, 837, 851, 865, 878, 891, 903, 915, 926, 936, 946, 955, 964, 972, 980, 987, 993,
    999, 1004, 1009, 1013, 1016, 1019, 1021, 1023, 1024, 1024,
];

/// The sine of an angle, from -1024 to 1024.
pub(super) fn sine(angle: i64) -> i64 {
    let angle = angle.rem_euclid(TURN);
    let half = angle.rem_euclid(TURN / 2);
    let folded = if half > TURN / 4 { TURN / 2 - half } else { half };
    let (step, rest) = ((folded / 16) as usize, folded % 16);
    let low = QUARTER[step];
    let high = QUARTER[(step + 1).min(64)];
    let value = low + (high - low) * rest / 16;
    if angle >= TURN / 2 { -value } else { value }
}

/// The cosine of an angle, from -1024 to 1024.
pub(super) fn cosine(angle: i64) -> i64 {
    sine(angle + TURN / 4)
}
