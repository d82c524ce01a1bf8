//! Path-dependent TreeSHAP, exactly: how much each input moved a forest's output, where what is not known is averaged over
//! by the cover the training data left on each side of a split.
//!
//! A Shapley value averages a feature's effect over how many of the others are known. Let each other be known with
//! probability t: then the value is the integral over t from 0 to 1, of a polynomial whose degree is below the number of
//! features on a path, and a quadrature with half as many points is exact (Quadrature-TreeSHAP, arXiv 2605.04497, after
//! Owen's multilinear extension). With t fixed, a tree is walked once: on the way down, what reaches a split is parted
//! among its sides; on the way up, outputs are put together, and each split adds what it moved. There is no division and
//! no factor above one, so nothing grows with depth.
//!
//! [`PathDependent`] works a forest's constants out once; `kernel` walks a tree with rows in the lanes of vectors. Other
//! ways of averaging, over a background data set, are left to others.

mod columns;
mod kernel;
mod program;
mod row;
mod table;

use super::lanes::with_vectors;
use super::{Arithmetic, AttributionError, Attributions, Method, Space};
use crate::explanation::model::Rows;
use crate::explanation::model::forest::{CategorySet, Forest, Precision};
use columns::{Columns, Rounding};
use fearless_simd::{Level, Simd, SimdBase};
use kernel::{Lanes, Real, Room, VECTORS, Walk};
use program::{Program, STORED};
use std::sync::Mutex;

/// Trees whose attributions are added up in floats of the chosen width before they are added to 64-bit sums.
const TREES_PER_SUM: usize = 16;
/// Blocks of rows that a tree is walked for while its constants are at hand.
const BLOCKS: usize = 4;
/// Up to so many rows are explained one by one, with points in the lanes instead of rows.
const FEW_ROWS: usize = 3;
/// The most 64-bit sums that are kept at once, so that models with very many features are explained fewer rows at a time.
const SUMS: usize = 1 << 20;

/// Attributes every output of every row to the forest's features. NaN means missing.
///
/// Callers that explain more than once keep a [`PathDependent`] instead.
pub fn path_dependent(forest: &Forest, rows: &Rows, arithmetic: Arithmetic, threads: usize) -> Result<Attributions, AttributionError> {
    Ok(PathDependent::new(forest, arithmetic)?.attribute(rows, threads))
}

/// A forest, made ready for path-dependent attributions of any number of rows.
///
/// A row's result does not depend on the rows beside it, the number of threads or the machine: it has the same bits
/// with AVX-512, AVX2, SSE, NEON and WebAssembly vectors and without any.
#[derive(Debug)]
pub struct PathDependent {
    features: usize,
    base: Vec<f64>,
    base_values: Vec<f64>,
    rounding: Rounding,
    columns: Columns,
    sets: Vec<CategorySet>,
    /// Trees that add to each output, and which of their leaves' values.
    outputs: Vec<Vec<Part>>,
    deepest: usize,
    constants: Constants,
}

#[derive(Debug)]
enum Constants {
    Single(Program<f32>),
    Double(Program<f64>),
}

/// One tree's part in one output.
#[derive(Debug, Clone, Copy)]
struct Part {
    tree: u32,
    offset: u32,
}

impl PathDependent {
    /// Works out a forest's constants for floats of one width, in about the time that a hundred rows take; tables of oblivious
    /// trees take longer, tens of microseconds per tree of six levels.
    pub fn new(forest: &Forest, arithmetic: Arithmetic) -> Result<Self, AttributionError> {
        if !forest.covers {
            return Err(AttributionError::NoCovers);
        }
        let columns = Columns::of(forest);
        let mut outputs = vec![Vec::new(); forest.outputs()];
        for (number, tree) in forest.trees.iter().enumerate() {
            for offset in 0..tree.width {
                outputs[(tree.output + offset) as usize].push(Part { tree: number as u32, offset });
            }
        }
        Ok(Self {
            features: forest.features(),
            base: forest.base.clone(),
            base_values: forest.base_values(),
            rounding: Rounding { single: forest.precision == Precision::Single },
            sets: forest.sets.clone(),
            outputs,
            deepest: forest.depth(),
            constants: match arithmetic {
                Arithmetic::Single => Constants::Single(Program::of(forest, &columns)),
                Arithmetic::Double => Constants::Double(Program::of(forest, &columns)),
            },
            columns,
        })
    }

    /// Attributes every output of every row to the features. NaN means missing, and so does what a short row lacks.
    ///
    /// Predictions are those of the forest, bit for bit.
    pub fn attribute(&self, rows: &Rows, threads: usize) -> Attributions {
        self.attribute_with(Level::new(), rows, threads)
    }

    fn attribute_with(&self, level: Level, rows: &Rows, threads: usize) -> Attributions {
        let outputs = self.base.len();
        let trees = match &self.constants {
            Constants::Single(program) => program.trees.len(),
            Constants::Double(program) => program.trees.len(),
        };
        let mut found = Attributions {
            method: Method::PathDependent,
            features: self.features,
            outputs,
            base_values: self.base_values.clone(),
            predictions: vec![0.0; rows.len() * outputs],
            values: vec![0.0; rows.len() * outputs * self.features],
            standard_errors: None,
            evaluations: (rows.len() * trees) as u64,
            space: Space::Margin,
        };
        match &self.constants {
            Constants::Single(program) => self.share_out(level, program, rows, threads, &mut found),
            Constants::Double(program) => self.share_out(level, program, rows, threads, &mut found),
        }
        found
    }

    /// Hands batches of rows to threads as they become free.
    fn share_out<T: Real>(&self, level: Level, program: &Program<T>, rows: &Rows, threads: usize, found: &mut Attributions) {
        if rows.is_empty() || self.base.is_empty() {
            return;
        }
        let points = program.trees.iter().map(|tree| tree.points.len()).max().unwrap_or(0);
        if rows.len() <= FEW_ROWS && points <= STORED {
            return with_vectors!(level, simd => self.explain_few(simd, program, points, rows, found));
        }
        let lanes = with_vectors!(level, simd => lanes::<_, T>(simd));
        let blocks = (SUMS / (lanes * self.features.max(1))).clamp(1, BLOCKS);
        // No larger than a thread's share.
        let batch = (lanes * blocks).min(rows.len().div_ceil(threads.max(1)).next_multiple_of(lanes));
        let outputs = self.base.len();
        let values = found.values.chunks_mut((batch * outputs * self.features).max(1)).map(Some).chain(std::iter::repeat_with(|| None));
        let work = found.predictions.chunks_mut(batch * outputs).zip(values).enumerate().map(|(number, (predictions, values))| Batch {
            first: number * batch,
            predictions,
            values: values.unwrap_or_default(),
        });
        let work = Mutex::new(work);
        // The lock is held while the next batch is taken, not while it is worked on.
        let next = || work.lock().ok()?.next();
        let work_off = || with_vectors!(level, simd => self.work_off(simd, program, points, rows, blocks, next));
        if threads > 1 {
            std::thread::scope(|scope| {
                for _ in 1..threads.min(rows.len().div_ceil(batch)) {
                    scope.spawn(work_off);
                }
                work_off();
            });
        } else {
            work_off();
        }
    }

    #[inline(always)]
    fn work_off<'b, S: Simd, T: Real>(
        &self,
        simd: S,
        program: &Program<T>,
        points: usize,
        rows: &Rows,
        blocks: usize,
        next: impl Fn() -> Option<Batch<'b>>,
    ) {
        let zero = Lanes::<S, T>::splat(simd, T::near(0.0));
        let lanes = Lanes::<S, T>::COUNT;
        let mut room = Room::new(simd, self.deepest, points);
        let columns = self.columns.len() + program.lookups;
        let mut inputs = vec![zero; blocks * columns];
        let mut totals = vec![zero; blocks * self.features];
        let mut sums = vec![0.0; blocks * self.features * lanes];
        let mut predictions = vec![0.0; blocks * lanes];
        let mut column = vec![T::near(0.0); lanes];
        while let Some(batch) = next() {
            let count = batch.predictions.len() / self.base.len();
            let blocks = count.div_ceil(lanes);
            for block in 0..blocks {
                let first = batch.first + block * lanes;
                let last = (first + lanes).min(batch.first + count);
                for number in 0..self.columns.len() {
                    self.columns.fill(number, self.rounding, (first..last).map(|row| rows.row(row)), &mut column);
                    inputs[block * columns + number] = Lanes::from_slice(simd, &column);
                }
            }
            for (output, parts) in self.outputs.iter().enumerate() {
                sums.fill(0.0);
                predictions.fill(self.base[output]);
                for group in parts.chunks(TREES_PER_SUM) {
                    totals.fill(zero);
                    for part in group {
                        for block in 0..blocks {
                            let used = block * lanes..((block + 1) * lanes).min(count);
                            let inputs = &mut inputs[block * columns..][..columns];
                            let totals = &mut totals[block * self.features..][..self.features];
                            self.walk(simd, program, *part, inputs, totals, &mut predictions[used], &mut room);
                        }
                    }
                    let used = blocks * self.features;
                    for (sums, totals) in sums.chunks_exact_mut(lanes).zip(&totals[..used]) {
                        let totals = totals.0.iter().flat_map(|vector| vector.as_slice());
                        sums.iter_mut().zip(totals).for_each(|(sum, total)| *sum += total.wide());
                    }
                }
                for row in 0..count {
                    batch.predictions[row * self.base.len() + output] = predictions[row];
                    let sums = sums[row / lanes * self.features * lanes..].iter().skip(row % lanes).step_by(lanes);
                    let values = &mut batch.values[(row * self.base.len() + output) * self.features..][..self.features];
                    values.iter_mut().zip(sums).for_each(|(value, sum)| *value = *sum);
                }
            }
        }
    }

    /// Explains rows one by one.
    #[inline(always)]
    fn explain_few<S: Simd, T: Real>(&self, simd: S, program: &Program<T>, points: usize, rows: &Rows, found: &mut Attributions) {
        let zero = T::near(0.0);
        let mut room = row::Room::new(simd, self.deepest, points);
        let mut inputs = vec![zero; self.columns.len() + program.lookups];
        let mut totals = vec![zero; self.features];
        for (number, row) in rows.iter().enumerate() {
            for (column, input) in inputs[..self.columns.len()].iter_mut().enumerate() {
                self.columns.fill(column, self.rounding, std::iter::once(row), std::slice::from_mut(input));
            }
            for (output, parts) in self.outputs.iter().enumerate() {
                let place = number * self.base.len() + output;
                let values = &mut found.values[place * self.features..][..self.features];
                let mut prediction = self.base[output];
                for group in parts.chunks(TREES_PER_SUM) {
                    totals.fill(zero);
                    for part in group {
                        let tree = &program.trees[part.tree as usize];
                        if let Some(table) = &tree.table {
                            prediction += table.explain_one(part.offset, &inputs, &mut totals);
                            continue;
                        }
                        let walk = row::Walk { program, tree, constants: program.constants(tree, part.offset), sets: &self.sets };
                        row::walk(simd, walk, &mut inputs, &mut totals, &mut room);
                        prediction += program.leaves(tree, part.offset)[room.leaf()];
                    }
                    values.iter_mut().zip(&totals).for_each(|(value, total)| *value += total.wide());
                }
                found.predictions[place] = prediction;
            }
        }
    }

    /// Walks a tree for one block, or looks it up, adding to the block's totals and to its rows' predictions.
    #[inline(always)]
    #[expect(clippy::too_many_arguments, reason = "they are what a walk reads and writes")]
    fn walk<S: Simd, T: Real>(
        &self,
        simd: S,
        program: &Program<T>,
        part: Part,
        inputs: &mut [Lanes<S, T>],
        totals: &mut [Lanes<S, T>],
        predictions: &mut [f64],
        room: &mut Room<S, T>,
    ) {
        let tree = &program.trees[part.tree as usize];
        if let Some(table) = &tree.table {
            return simd.vectorize(
                #[inline(always)]
                || table.explain(simd, part.offset, inputs, totals, predictions),
            );
        }
        let vectors = predictions.len().div_ceil(Lanes::<S, T>::COUNT / VECTORS);
        let walk = Walk { program, tree, constants: program.constants(tree, part.offset), sets: &self.sets, vectors };
        // Code for the commonest numbers of points in 32 bits, and for any.
        match tree.points.len() * usize::from(T::BITS == 32) {
            3 => simd.vectorize(
                #[inline(always)]
                || walk.run::<S, 3>(simd, inputs, totals, room),
            ),
            4 => simd.vectorize(
                #[inline(always)]
                || walk.run::<S, 4>(simd, inputs, totals, room),
            ),
            _ => simd.vectorize(
                #[inline(always)]
                || walk.run::<S, 0>(simd, inputs, totals, room),
            ),
        }
        let leaves = program.leaves(tree, part.offset);
        let fell = room.leaves().0.iter().flat_map(|vector| vector.as_slice());
        for (prediction, place) in predictions.iter_mut().zip(fell) {
            *prediction += leaves[place.carried() as usize];
        }
    }
}

/// Rows that one thread explains at a time.
struct Batch<'a> {
    first: usize,
    predictions: &'a mut [f64],
    values: &'a mut [f64],
}

#[inline(always)]
fn lanes<S: Simd, T: Real>(_: S) -> usize {
    Lanes::<S, T>::COUNT
}

#[cfg(test)]
mod tests;
