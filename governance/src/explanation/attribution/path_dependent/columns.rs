//! Rows, turned into what splits compare: columns in which nothing is missing any more.
//!
//! A split that sends missing values left reads another column of its feature than one that sends them right. In the
//! first, missing is smaller than everything, in the second it is larger, so that one comparison is all a split needs.
//! Where the forest compares doubles, a column holds ranks among its thresholds instead, which small floats can hold
//! and which are compared with the same result.

use super::kernel::Real;
use super::program::NONE;
use crate::explanation::model::forest::{CategorySet, Forest, Missing, NEARLY_ZERO, Node, Precision, Split, Test};

/// Stands for a category that is in no set.
const NOWHERE: u32 = u32::MAX;
/// Stands for one that goes left whatever the set. No library has categories this large.
const LEFT: u32 = u32::MAX - 1;
/// Ways of missing, each with and without categories.
const WAYS: usize = 10;

/// One feature with its missing values settled in one way.
#[derive(Debug)]
pub(super) struct Column {
    feature: u32,
    missing: Missing,
    scale: Scale,
}

#[derive(Debug)]
enum Scale {
    /// Values as they are.
    Values,
    /// How many of these thresholds are not above the value.
    Ranks(Vec<f64>),
    /// Categories, or [`NOWHERE`] or [`LEFT`], carried as bits.
    Categories,
}

/// Columns that splits need.
#[derive(Debug)]
pub(super) struct Columns {
    columns: Vec<Column>,
    /// Whether sets take values between -1 and 0 for category 0.
    cut_to_zero: bool,
    /// By feature, way of missing and whether they hold categories.
    places: Vec<[u32; WAYS]>,
}

/// What a split reads.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Question {
    pub column: u32,
    /// The answer is "left" below this, unless there is a set.
    pub threshold: f64,
    pub set: Option<u32>,
}

impl Columns {
    pub fn of(forest: &Forest) -> Self {
        let mut columns: Vec<Column> = Vec::new();
        let mut places = vec![[NONE; WAYS]; forest.features()];
        let single = forest.precision == Precision::Single;
        let splits = || {
            forest.nodes.iter().filter_map(|node| match node {
                Node::Split(split) => Some(split),
                Node::Leaf { .. } => None,
            })
        };
        for split in splits() {
            let place = &mut places[split.feature as usize][way(split)];
            if *place == NONE {
                *place = columns.len() as u32;
                let scale = match split.test {
                    Test::In(_) => Scale::Categories,
                    Test::Below(_) if single => Scale::Values,
                    Test::Below(_) => Scale::Ranks(Vec::new()),
                };
                columns.push(Column { feature: split.feature, missing: split.missing, scale });
            }
            // What is missing cannot be below minus infinity, but a rank can be below the first.
            let goes_left = matches!(split.missing, Missing::Left | Missing::ZeroToo { left: true });
            if goes_left && split.test == Test::Below(f64::NEG_INFINITY) {
                columns[*place as usize].scale = Scale::Ranks(Vec::new());
            }
        }
        for split in splits() {
            let column = &mut columns[places[split.feature as usize][way(split)] as usize];
            if let (Scale::Ranks(thresholds), Test::Below(threshold)) = (&mut column.scale, split.test) {
                thresholds.push(threshold);
            }
        }
        for column in &mut columns {
            if let Scale::Ranks(thresholds) = &mut column.scale {
                thresholds.sort_by(f64::total_cmp);
                thresholds.dedup();
            }
        }
        // Where no set has category 0, it makes no difference.
        let cut_to_zero = forest.sets.iter().any(|set| set.contains(-0.5));
        Self { columns, cut_to_zero, places }
    }

    pub fn len(&self) -> usize {
        self.columns.len()
    }

    pub fn question(&self, split: &Split) -> Question {
        let column = self.places[split.feature as usize][way(split)];
        match (split.test, &self.columns[column as usize].scale) {
            (Test::In(set), _) => Question { column, threshold: 0.0, set: Some(set) },
            (Test::Below(threshold), Scale::Ranks(thresholds)) => {
                // Zeroes of either sign are one threshold to a comparison.
                let rank = thresholds.partition_point(|other| *other < threshold);
                Question { column, threshold: rank as f64 + 0.5, set: None }
            }
            (Test::Below(threshold), _) => Question { column, threshold: not_below(threshold), set: None },
        }
    }

    /// Writes one column of these rows, lane by lane; lanes without a row keep what they hold.
    pub fn fill<'a, T: Real>(&self, column: usize, rounding: Rounding, rows: impl Iterator<Item = &'a [f64]>, lanes: &mut [T]) {
        let Column { feature, missing, scale } = &self.columns[column];
        let values = rows.map(|row| rounding.round(row.get(*feature as usize).copied().unwrap_or(f64::NAN)));
        for (lane, value) in lanes.iter_mut().zip(values) {
            // The side a missing value goes to, or what is there.
            let value = match *missing {
                Missing::Left if value.is_nan() => Err(true),
                Missing::Right if value.is_nan() => Err(false),
                Missing::AsZero if value.is_nan() => Ok(0.0),
                Missing::ZeroToo { left } if value.is_nan() || value.abs() <= NEARLY_ZERO => Err(left),
                _ => Ok(value),
            };
            *lane = match (scale, value) {
                (Scale::Categories, Err(left)) => T::carry(if left { LEFT } else { NOWHERE }),
                (Scale::Categories, Ok(value)) => T::carry(self.category(value)),
                (_, Err(left)) => T::near(if left { f64::NEG_INFINITY } else { f64::INFINITY }),
                (Scale::Ranks(thresholds), Ok(value)) => T::near(thresholds.partition_point(|threshold| *threshold <= value) as f64),
                (Scale::Values, Ok(value)) => T::near(value),
            };
        }
    }

    fn category(&self, value: f64) -> u32 {
        if value >= 0.0 && value < f64::from(LEFT) {
            value as u32
        } else if self.cut_to_zero && value > -1.0 && value < 0.0 {
            0
        } else {
            NOWHERE
        }
    }
}

/// How a forest rounds a row's values.
#[derive(Debug, Clone, Copy)]
pub(super) struct Rounding {
    pub single: bool,
}

impl Rounding {
    #[inline(always)]
    fn round(self, value: f64) -> f64 {
        if self.single { f64::from(value as f32) } else { value }
    }
}

/// For each of these categories, 0 if it goes left, or else 1.
#[inline(never)]
pub(super) fn members<T: Real>(categories: &[T], set: &CategorySet, answers: &mut [T]) {
    for (category, answer) in categories.iter().zip(answers) {
        let category = category.carried();
        let left = category == LEFT || category != NOWHERE && set.contains(f64::from(category));
        *answer = T::near(if left { 0.0 } else { 1.0 });
    }
}

fn way(split: &Split) -> usize {
    let way = match split.missing {
        Missing::Left => 0,
        Missing::Right => 1,
        Missing::AsZero => 2,
        Missing::ZeroToo { left: true } => 3,
        Missing::ZeroToo { left: false } => 4,
    };
    2 * way + usize::from(matches!(split.test, Test::In(_)))
}

/// The smallest 32-bit float that is not below this number. Rounded values are below the one when they are below the other.
fn not_below(threshold: f64) -> f64 {
    let near = threshold as f32;
    f64::from(if f64::from(near) < threshold { near.next_up() } else { near })
}
