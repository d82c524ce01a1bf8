//! The shape of the water: where each contour runs at each depth.
//!
//! A depth goes from 0 at the horizon to 1024 at the lower edge. Contours are a
//! continuous function of it, so more layers cut the same sea more finely.

use super::chance::{Chance, ONE, TURN, noise, sine, smooth};
use super::path::Point;
use super::scene::{BOTTOM, LEFT};

/// Contours are sampled here, from just outside one edge to just outside the other.
const KNOTS: i64 = 21;
const STEP: i64 = 420;

pub(super) struct Sea {
    horizon: i64,
    swell: i64,
    key: u64,
    phase: i64,
    /// How far crests drift sideways from the horizon to the shore.
    drift: i64,
    /// How long the waves are, per 1024.
    stretch: i64,
}

impl Sea {
    pub fn new(seed: &[u8; 32], horizon: i64, swell: u16) -> Self {
        let mut chance = Chance::new(seed, "sea");
        Self {
            horizon,
            swell: i64::from(swell),
            key: chance.word(),
            phase: chance.between(0, TURN - 1),
            drift: chance.between(-2 * TURN, 2 * TURN),
            stretch: chance.between(850, 1500),
        }
    }

    /// The height of still water at a depth; nearer depths stand further apart.
    pub fn level(&self, depth: i64) -> i64 {
        let eased = (depth * 380 + depth * depth / ONE * 644) / ONE;
        self.horizon + (BOTTOM - self.horizon) * eased / ONE
    }

    /// How large things are at a depth, per 1024.
    pub fn scale(&self, depth: i64) -> i64 {
        190 + 834 * depth / ONE
    }

    /// Where the contour of a depth stands at `x`. `calm` of 1024 is the full swell.
    pub fn crest(&self, x: i64, depth: i64, calm: i64) -> i64 {
        let length = (1500 + 2300 * depth / ONE) * self.stretch / ONE;
        let wander = noise(self.key, x * ONE / 2300, depth * 5);
        let angle = (x - 5000) * TURN / length + self.phase + self.drift * depth / ONE + wander * 6 / 5;
        // A train of waves: flat troughs, and crests the sharper the higher the swell.
        let round = sine(angle);
        let lifted = (round + ONE) / 2;
        let peaked = lifted * lifted / ONE * lifted / ONE * 2 - 760;
        let train = round + (peaked - round) * self.swell / 1000;
        let sets = 380 + 644 * smooth((noise(!self.key, x * ONE / 3600, depth * 4) + ONE) / 2) / ONE;
        let ground = noise(self.key ^ 7, x * ONE / 3000, depth * 7) * 3 / 4 + noise(self.key ^ 11, x * ONE / 1150, depth * 9) / 4;
        let height = train * sets / ONE * 11 / 16 + ground * 9 / 16;
        let run = self.swell * 720 / 1000 + self.swell * self.swell * 400 / 1_000_000;
        let reach = (22 + run) * self.scale(depth) / ONE * calm / ONE;
        self.level(depth) - height * reach / ONE
    }

    /// The contour of a depth from edge to edge.
    pub fn contour(&self, depth: i64, calm: i64) -> Vec<Point> {
        (0..KNOTS).map(|i| LEFT - 90 + i * STEP).map(|x| (x, self.crest(x, depth, calm))).collect()
    }
}
