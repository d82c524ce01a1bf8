//! Random numbers that are the same everywhere: from one seed, the same draws on every platform.
//!
//! xoshiro256** (Blackman and Vigna, *Scrambled Linear Pseudorandom Number Generators*, 2021), its state filled by
//! SplitMix64 as its authors advise. Good for sampling; not for secrets.

/// A stream of draws from a seed.
#[derive(Debug, Clone)]
pub struct Random {
    state: [u64; 4],
}

impl Random {
    pub fn new(seed: u64) -> Self {
        let mut at = seed;
        // SplitMix64: never leaves all four words zero, which xoshiro could not leave again.
        let state = std::array::from_fn(|_| {
            at = at.wrapping_add(0x9e37_79b9_7f4a_7c15);
            let mut word = at;
            word = (word ^ (word >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
            word = (word ^ (word >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
            word ^ (word >> 31)
        });
        Self { state }
    }

    /// 64 random bits.
    pub fn bits(&mut self) -> u64 {
        let [a, b, c, d] = &mut self.state;
        let drawn = b.wrapping_mul(5).rotate_left(7).wrapping_mul(9);
        let kept = *b << 17;
        *c ^= *a;
        *d ^= *b;
        *b ^= *c;
        *a ^= *d;
        *c ^= kept;
        *d = d.rotate_left(45);
        drawn
    }

    /// A whole number below `bound`, each as likely as any other.
    ///
    /// # Panics
    /// When `bound` is 0.
    pub fn below(&mut self, bound: usize) -> usize {
        let bound = bound as u64;
        // Lemire, *Fast Random Integer Generation in an Interval* (2019): the few products that would favour some
        // numbers are drawn again.
        let unfair = bound.wrapping_neg() % bound;
        loop {
            let product = u128::from(self.bits()) * u128::from(bound);
            if product as u64 >= unfair {
                return (product >> 64) as usize;
            }
        }
    }

    /// A number from 0 (included) to 1 (not included), a multiple of 2⁻⁵³.
    pub fn unit(&mut self) -> f64 {
        (self.bits() >> 11) as f64 / (1u64 << 53) as f64
    }

    /// A number of mean 0 and standard deviation 1, nearly normal and never beyond ±6: twelve uniform draws less six.
    ///
    /// The exact methods need a logarithm, which is not the same to the last bit on every platform.
    pub fn nearly_normal(&mut self) -> f64 {
        (0..12).map(|_| self.unit()).sum::<f64>() - 6.0
    }

    /// Puts the items in a random order (Fisher and Yates).
    pub fn shuffle<T>(&mut self, items: &mut [T]) {
        for end in (1..items.len()).rev() {
            let chosen = self.below(end + 1);
            items.swap(end, chosen);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_state_begins_as_splitmix64_gives_it() {
        // The first outputs of SplitMix64 for seed 1234567, as its reference code prints them.
        assert_eq!(Random::new(1_234_567).state[..3], [6_457_827_717_110_365_317, 3_203_168_211_198_807_973, 9_817_491_932_198_370_423]);
    }

    #[test]
    fn the_draws_are_those_of_the_reference_code() {
        // xoshiro256** from the state 1, 2, 3, 4.
        let mut random = Random { state: [1, 2, 3, 4] };
        let drawn: Vec<u64> = (0..5).map(|_| random.bits()).collect();
        assert_eq!(drawn, [11_520, 0, 1_509_978_240, 1_215_971_899_390_074_240, 1_216_172_134_540_287_360]);
    }

    #[test]
    fn draws_below_a_bound_are_evenly_spread() {
        let mut random = Random::new(7);
        let mut counts = [0u32; 6];
        (0..60_000).for_each(|_| counts[random.below(6)] += 1);
        // Five standard deviations of a count are 456.
        assert!(counts.iter().all(|count| count.abs_diff(10_000) < 456), "{counts:?}");
    }

    #[test]
    fn every_order_is_as_likely() {
        let mut random = Random::new(11);
        let mut counts = std::collections::BTreeMap::new();
        for _ in 0..24_000 {
            let mut order = [0, 1, 2, 3];
            random.shuffle(&mut order);
            *counts.entry(order).or_insert(0u32) += 1;
        }
        assert_eq!(counts.len(), 24);
        assert!(counts.values().all(|count| count.abs_diff(1000) < 160), "{counts:?}");
    }

    #[test]
    fn nearly_normal_draws_have_mean_0_and_deviation_1() {
        let mut random = Random::new(3);
        let draws: Vec<f64> = (0..40_000).map(|_| random.nearly_normal()).collect();
        let mean = draws.iter().sum::<f64>() / 40_000.0;
        let variance = draws.iter().map(|draw| (draw - mean).powi(2)).sum::<f64>() / 40_000.0;
        let within = draws.iter().filter(|draw| draw.abs() < 1.96).count() as f64 / 40_000.0;
        assert!(mean.abs() < 0.025 && (variance - 1.0).abs() < 0.04 && (within - 0.95).abs() < 0.01, "{mean} {variance} {within}");
    }
}
