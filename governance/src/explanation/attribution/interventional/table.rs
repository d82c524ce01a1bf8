//! What a twig adds to each feature, for every way in which a row can pass or fail the twig's tests.
//!
//! Take a leaf with D features on its path, and f, the set of those whose tests row x fails. Only background rows z that
//! fail none of f count; let u be the set of features whose tests z fails. By the weights in `walk.rs`, and
//! (p−1)!·q!/(p+q)! = ∫ t^(p−1)·(1−t)^q dt over [0, 1], feature j earns Y(f) − X(f ∪ j), where
//!
//! * G(f, t) = Σ t^|u| over the background rows with u ∩ f = ∅,
//! * Y(f) = ∫ (1−t)^|f| / t · G(f, t) dt and X(f) = ∫ (1−t)^(|f|−1) / t · G(f, t) dt.
//!
//! If x passes j, the difference leaves the background rows that fail j; if x fails j, it is −∫ (1−t)^(|f|−1) G. Either
//! way it is a polynomial of degree below D, so that ⌈D/2⌉ Gauss–Legendre points integrate it exactly, and G for all
//! sets f at once takes a handful of vector additions per feature. Y and X of all leaves of a twig add up.

use super::ranks::Lanes;
use super::twigs::Twig;
use crate::explanation::attribution::quadrature::gauss_legendre;
use crate::explanation::model::forest::{Forest, Node};

/// Patterns next to each other that are handled together; a power of two.
const WIDE: usize = 8;
const WIDE_BITS: usize = WIDE.trailing_zeros() as usize;

/// Powers and weights for one number of points.
struct Rule {
    points: Vec<Point>,
}

struct Point {
    /// t^|u| where sets u and f of the lowest features have nothing in common, else 0; at [u][f].
    low: [[f64; WIDE]; WIDE],
    /// (1−t)^|f| for sets of the lowest features.
    low_failed: [f64; WIDE],
    /// t^n and weight/t·(1−t)^n.
    powers: Vec<f64>,
    failed: Vec<f64>,
    /// 1/(1−t).
    without: f64,
}

impl Rule {
    fn new(points: usize, most_bits: usize) -> Self {
        let points = gauss_legendre(points)
            .into_iter()
            .map(|(t, weight)| {
                let size = |set: usize| set.count_ones() as i32;
                Point {
                    low: std::array::from_fn(|u| std::array::from_fn(|f| if u & f == 0 { t.powi(size(u)) } else { 0.0 })),
                    low_failed: std::array::from_fn(|f| (1.0 - t).powi(size(f))),
                    powers: (0..=most_bits as i32).map(|n| t.powi(n)).collect(),
                    failed: (0..=most_bits as i32).map(|n| weight / t * (1.0 - t).powi(n)).collect(),
                    without: 1.0 / (1.0 - t),
                }
            })
            .collect();
        Self { points }
    }
}

/// Where tables are computed, to be used again and again.
pub(super) struct Workbench {
    /// By number of points.
    rules: Vec<Rule>,
    counts: Vec<[f64; WIDE]>,
    sums: Vec<[f64; WIDE]>,
    leaf_y: Vec<[f64; WIDE]>,
    leaf_x: Vec<[f64; WIDE]>,
    /// Of the whole twig, by place in its table.
    y: Vec<f64>,
    x: Vec<f64>,
    /// What features earn that are first tested inside the twig, one after another, by place.
    inner: Vec<f64>,
    inner_features: Vec<u32>,
}

impl Workbench {
    pub fn new(most_bits: usize) -> Self {
        let patterns = (1usize << most_bits).div_ceil(WIDE);
        Self {
            rules: (0..=most_bits.div_ceil(2)).map(|points| Rule::new(points, most_bits)).collect(),
            counts: vec![[0.0; WIDE]; patterns],
            sums: vec![[0.0; WIDE]; patterns],
            leaf_y: vec![[0.0; WIDE]; patterns],
            leaf_x: vec![[0.0; WIDE]; patterns],
            y: vec![0.0; 1 << most_bits],
            x: vec![0.0; 1 << most_bits],
            inner: vec![0.0; 3 << most_bits],
            inner_features: Vec::new(),
        }
    }

    /// Computes a twig's table for the component-th value of its leaves, given the places of `count` background rows.
    #[inline(always)]
    pub fn compute(&mut self, forest: &Forest, twig: &Twig, component: usize, places: &[Lanes], count: usize) {
        let above = twig.features.len();
        let size = 1usize << twig.bits();
        self.inner_features.clear();
        self.y[..size].fill(0.0);
        self.x[..size].fill(0.0);
        for leaf in &twig.leaves {
            // The features the leaf adds to those above, as numbers in `inner_features`.
            let mut added: Vec<usize> = Vec::with_capacity(3);
            let turns: Vec<(u8, bool, usize)> = leaf
                .turns
                .iter()
                .map(|(number, right)| {
                    let Node::Split(split) = &forest.nodes[twig.inside[*number as usize] as usize] else { unreachable!() };
                    let above_bit = twig.features.iter().position(|feature| *feature == split.feature);
                    let bit = above_bit.unwrap_or_else(|| {
                        let known = self.inner_features.iter().position(|feature| *feature == split.feature);
                        let inner = known.unwrap_or_else(|| {
                            self.inner[self.inner_features.len() * size..][..size].fill(0.0);
                            self.inner_features.push(split.feature);
                            self.inner_features.len() - 1
                        });
                        above
                            + added.iter().position(|other| *other == inner).unwrap_or_else(|| {
                                added.push(inner);
                                added.len() - 1
                            })
                    });
                    (*number, *right, bit)
                })
                .collect();
            // For each choice of sides inside, the leaf's features that fail by it.
            let mut failing = [0usize; 8];
            for (choice, failing) in failing.iter_mut().enumerate().take(1 << twig.inside.len()) {
                for (number, right, bit) in &turns {
                    *failing |= usize::from((choice >> number & 1 == 1) != *right) << bit;
                }
            }
            let features = above + added.len();
            let value = forest.leaf_values[leaf.values as usize + component];
            if features == 0 || value == 0.0 {
                continue;
            }
            self.integrate(features, value / count as f64, |counts| {
                let mask = (1usize << above) - 1;
                for place in &places.as_flattened()[..count] {
                    let place = usize::from(*place);
                    let pattern = (place & mask) | failing[place >> above & 7];
                    counts[pattern / WIDE][pattern % WIDE] += 1.0;
                }
            });
            self.add_leaf(above, twig.inside.len(), &failing, &added);
        }
    }

    /// Fills `leaf_y` and `leaf_x` for a leaf with so many features and such a value per background row.
    #[inline(always)]
    fn integrate(&mut self, features: usize, value: f64, count: impl FnOnce(&mut [[f64; WIDE]])) {
        let high = 1usize << features.saturating_sub(WIDE_BITS);
        let counts = &mut self.counts[..high];
        let sums = &mut self.sums[..high];
        let (leaf_y, leaf_x) = (&mut self.leaf_y[..high], &mut self.leaf_x[..high]);
        counts.fill([0.0; WIDE]);
        count(counts);
        leaf_y.fill([0.0; WIDE]);
        leaf_x.fill([0.0; WIDE]);
        for point in &self.rules[features.div_ceil(2)].points {
            for (set, (sum, counts)) in sums.iter_mut().zip(counts.iter()).enumerate() {
                let mut found = [0.0; WIDE];
                for (low, count) in point.low.iter().zip(counts) {
                    for lane in 0..WIDE {
                        found[lane] += low[lane] * count;
                    }
                }
                let power = point.powers[set.count_ones() as usize];
                for lane in 0..WIDE {
                    sum[lane] = found[lane] * power;
                }
            }
            let mut half = 1;
            while half < high {
                for pair in sums.chunks_exact_mut(2 * half) {
                    let (passed, failed) = pair.split_at_mut(half);
                    for (passed, failed) in passed.iter_mut().zip(failed) {
                        for lane in 0..WIDE {
                            let without = passed[lane];
                            passed[lane] += failed[lane];
                            failed[lane] = without;
                        }
                    }
                }
                half *= 2;
            }
            for (set, ((y, x), sum)) in leaf_y.iter_mut().zip(leaf_x.iter_mut()).zip(sums.iter()).enumerate() {
                let scale = value * point.failed[set.count_ones() as usize];
                for lane in 0..WIDE {
                    let part = scale * point.low_failed[lane] * sum[lane];
                    y[lane] += part;
                    x[lane] += part * point.without;
                }
            }
        }
    }

    /// Adds `leaf_y` and `leaf_x` to those of the twig.
    #[inline(always)]
    fn add_leaf(&mut self, above: usize, inside: usize, failing: &[usize; 8], added: &[usize]) {
        let each = 1usize << above;
        let size = each << inside;
        let (leaf_y, leaf_x) = (self.leaf_y.as_flattened(), self.leaf_x.as_flattened());
        for (choice, failing) in failing.iter().enumerate().take(1 << inside) {
            let (again, new) = (failing & (each - 1), failing & !(each - 1));
            let ours = choice * each..(choice + 1) * each;
            let (y, x) = (&mut self.y[ours.clone()], &mut self.x[ours.clone()]);
            if again == 0 {
                add(y, &leaf_y[new..][..each]);
                add(x, &leaf_x[new..][..each]);
            } else {
                for (set, (y, x)) in y.iter_mut().zip(x).enumerate() {
                    *y += leaf_y[new | again | set];
                    *x += leaf_x[new | again | set];
                }
            }
            for (number, inner) in added.iter().enumerate() {
                let inner = &mut self.inner[inner * size..][ours.clone()];
                let failed = new | each << number;
                if again == 0 {
                    let (y, x) = (&leaf_y[new..][..each], &leaf_x[failed..][..each]);
                    inner.iter_mut().zip(y.iter().zip(x)).for_each(|(inner, (y, x))| *inner += y - x);
                } else {
                    for (set, inner) in inner.iter_mut().enumerate() {
                        *inner += leaf_y[new | again | set] - leaf_x[failed | again | set];
                    }
                }
            }
        }
    }

    /// Writes the table that was computed last: at each place, what each feature earns, in the feature's slot.
    #[inline(always)]
    pub fn write<R: Real, const W: usize>(&self, twig: &Twig, slot: impl Fn(u32) -> usize, table: &mut [[R; W]]) {
        let size = table.len();
        let slots: Vec<usize> = twig.features.iter().map(|feature| slot(*feature)).collect();
        for (place, (row, y)) in table.iter_mut().zip(&self.y[..size]).enumerate() {
            *row = [R::default(); W];
            for (bit, slot) in slots.iter().enumerate() {
                row[*slot] = R::of(y - self.x[place | 1 << bit]);
            }
        }
        for (feature, earned) in self.inner_features.iter().zip(self.inner.chunks_exact(size)) {
            let slot = slot(*feature);
            for (row, earned) in table.iter_mut().zip(earned) {
                row[slot] = R::of(*earned);
            }
        }
    }
}

#[inline(always)]
fn add(to: &mut [f64], from: &[f64]) {
    to.iter_mut().zip(from).for_each(|(to, from)| *to += from);
}

/// The floating-point numbers tables are made of.
pub(super) trait Real: Copy + Default + Send + Sync + std::ops::AddAssign + 'static {
    fn of(value: f64) -> Self;
    fn wide(self) -> f64;
}

impl Real for f32 {
    #[inline(always)]
    fn of(value: f64) -> Self {
        value as f32
    }
    #[inline(always)]
    fn wide(self) -> f64 {
        f64::from(self)
    }
}

impl Real for f64 {
    #[inline(always)]
    fn of(value: f64) -> Self {
        value
    }
    #[inline(always)]
    fn wide(self) -> f64 {
        self
    }
}
