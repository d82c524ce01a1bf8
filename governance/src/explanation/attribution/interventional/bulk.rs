//! Many rows: one look-up per twig in a table made for the background.
//!
//! Trees are taken a few at a time, so that 32-bit sums stay short before they are added to 64-bit ones; their twigs in
//! batches whose tables fit into a cache together. A batch is computed once and serves a whole stretch of rows. Every sum
//! is made in one order, whatever the number of threads and wherever a row stands.

use super::ranks::{LANES, Lanes, Ranking};
use super::table::{Real, Workbench};
use super::turns::in_turns;
use super::twigs::{Step, Twig, cut};
use super::{Attributions, Interventional};
use crate::explanation::model::Rows;
use crate::explanation::model::forest::Tree;
use fearless_simd::dispatch;

/// The most rows that a table serves before it is forgotten, in blocks of [`LANES`].
const STRETCH: usize = 160;
/// Bytes that the ranks, or the sums, of a stretch of rows may take if it has more than one block.
const STRETCH_BYTES: usize = 64 << 20;
/// Blocks that are predicted together, one tree after another.
const PREDICTED: usize = 8;
/// Trees whose contributions are summed in table precision.
const TREES: usize = 16;
/// Bytes of the tables of a batch.
const BATCH_BYTES: usize = 256 << 10;
/// The most features a patch of twigs may have together: what a table's row may hold.
const MOST_SLOTS: usize = 32;

/// Trees that add to the same output, and which of their leaves' values do.
struct Task {
    output: usize,
    trees: Vec<(Tree, usize)>,
}

/// Predicts, and attributes what the twigs with tables of at most `most_bits` bits contribute.
pub(super) fn attribute<R: Real>(prepared: &Interventional<'_>, rows: &Rows, most_bits: usize, threads: usize, found: &mut Attributions) {
    let forest = prepared.forest;
    let (features, outputs) = (forest.features(), forest.outputs());
    let mut tasks: Vec<Task> = Vec::new();
    for output in 0..outputs {
        let adding = |tree: &Tree| (tree.output as usize..(tree.output + tree.width) as usize).contains(&output);
        let trees: Vec<_> = forest.trees.iter().filter(|tree| adding(tree)).map(|tree| (*tree, output - tree.output as usize)).collect();
        tasks.extend(trees.chunks(TREES).map(|trees| Task { output, trees: trees.to_vec() }));
    }
    let columns = prepared.ranking.columns();
    let block_bytes = (columns * size_of::<Lanes>()).max(features * LANES * size_of::<R>());
    let stretch = (STRETCH_BYTES / block_bytes).clamp(1, STRETCH) * LANES;
    for first in (0..rows.len()).step_by(stretch) {
        let count = (rows.len() - first).min(stretch);
        let blocks = count.div_ceil(LANES);
        let mut ranks = Vec::with_capacity(blocks * columns);
        let margins = &mut found.predictions[first * outputs..][..count * outputs];
        in_turns(
            threads,
            blocks.div_ceil(PREDICTED),
            || (vec![[0; LANES]; PREDICTED * columns], vec![0.0; PREDICTED * LANES * outputs]),
            |(ranks, margins), turn| {
                let blocks = (blocks - turn * PREDICTED).min(PREDICTED);
                ranks.truncate(blocks * columns);
                for (block, ranks) in ranks.chunks_exact_mut(columns).enumerate() {
                    prepared.ranking.rank(forest, rows, first + (turn * PREDICTED + block) * LANES, ranks);
                }
                dispatch!(prepared.level, _simd => prepared.ranking.predict(forest, ranks, margins));
            },
            |(turns_ranks, turns_margins), turn| {
                ranks.extend_from_slice(turns_ranks);
                let margins = &mut margins[turn * PREDICTED * LANES * outputs..];
                margins.iter_mut().zip(turns_margins).for_each(|(margin, found)| *margin = *found);
            },
        );
        let values = &mut found.values[first * outputs * features..][..count * outputs * features];
        in_turns(
            threads,
            tasks.len(),
            || Bench::<R>::new(prepared, &ranks, count, most_bits),
            |bench, task| bench.perform(&tasks[task]),
            |bench, task| {
                let output = tasks[task].output;
                for (row, sums) in values.chunks_exact_mut(outputs * features).zip(bench.sums.chunks_exact(features)) {
                    row[output * features..][..features].iter_mut().zip(sums).for_each(|(value, sum)| *value += sum.wide());
                }
            },
        );
    }
}

/// What one thread works with.
struct Bench<'a, R> {
    prepared: &'a Interventional<'a>,
    /// Of the rows, block after block.
    ranks: &'a [Lanes],
    rows: usize,
    most_bits: usize,
    workbench: Workbench,
    /// Row after row, one per feature.
    sums: Vec<R>,
}

impl<'a, R: Real> Bench<'a, R> {
    fn new(prepared: &'a Interventional<'a>, ranks: &'a [Lanes], rows: usize, most_bits: usize) -> Self {
        let sums = vec![R::default(); rows * prepared.forest.features()];
        Self { prepared, ranks, rows, most_bits, workbench: Workbench::new(most_bits), sums }
    }

    fn perform(&mut self, task: &Task) {
        self.sums.fill(R::default());
        let mut patch = Patch { features: Vec::new(), twigs: Vec::new() };
        for (tree, component) in &task.trees {
            for twig in cut(self.prepared.forest, tree, self.most_bits).0 {
                if twig.bits() == 0 {
                    continue;
                }
                if let Some((twig, component)) = patch.take(self.prepared, twig, *component) {
                    self.finish(&patch);
                    patch = Patch { features: Vec::new(), twigs: Vec::new() };
                    patch.take(self.prepared, twig, component);
                }
            }
        }
        self.finish(&patch);
    }

    fn finish(&mut self, patch: &Patch) {
        match patch.features.len().div_ceil(4) {
            0 => {}
            1 => self.sum_up::<4>(patch),
            2 => self.sum_up::<8>(patch),
            3 => self.sum_up::<12>(patch),
            4 => self.sum_up::<16>(patch),
            5 => self.sum_up::<20>(patch),
            6 => self.sum_up::<24>(patch),
            7 => self.sum_up::<28>(patch),
            _ => self.sum_up::<32>(patch),
        }
    }

    fn sum_up<const W: usize>(&mut self, patch: &Patch) {
        let level = self.prepared.level;
        let ranking = &self.prepared.ranking;
        let columns = ranking.columns();
        let mut slots = vec![0; self.prepared.forest.features()];
        for (slot, feature) in patch.features.iter().enumerate() {
            slots[*feature as usize] = slot;
        }
        let mut sums = vec![[R::default(); W]; self.rows.div_ceil(LANES) * LANES];
        let mut tables: Vec<[R; W]> = Vec::new();
        let mut rest = patch.twigs.as_slice();
        while !rest.is_empty() {
            let mut size = 0;
            let fitting = rest.iter().take_while(|(twig, _)| {
                size += size_of::<[R; W]>() << twig.bits();
                size <= BATCH_BYTES
            });
            let (batch, after) = rest.split_at(fitting.count().max(1));
            rest = after;

            let program = Program::new(ranking, batch);
            let mut starts = Vec::with_capacity(batch.len());
            tables.clear();
            // The background's places: twig after twig, block after block.
            let background = &self.prepared.background_ranks;
            let blocks = background.len() / columns;
            let mut places = vec![[0; LANES]; batch.len()];
            let mut of_twigs = vec![[0; LANES]; batch.len() * blocks];
            let mut levels = program.levels();
            for (block, ranks) in background.chunks_exact(columns).enumerate() {
                dispatch!(level, _simd => program.run(ranks, &mut levels, &mut places));
                for (twig, places) in places.iter().enumerate() {
                    of_twigs[twig * blocks + block] = *places;
                }
            }
            for ((twig, component), places) in batch.iter().zip(of_twigs.chunks_exact(blocks)) {
                let start = tables.len();
                starts.push(start);
                tables.resize(start + (1 << twig.bits()), [R::default(); W]);
                let (forest, workbench, table) = (self.prepared.forest, &mut self.workbench, &mut tables[start..]);
                let count = self.prepared.background.len();
                dispatch!(level, _simd => {
                    workbench.compute(forest, twig, *component, places, count);
                    workbench.write(twig, |feature| slots[feature as usize], table);
                });
            }
            for (ranks, sums) in self.ranks.chunks_exact(columns).zip(sums.chunks_exact_mut(LANES)) {
                dispatch!(level, _simd => {
                    program.run(ranks, &mut levels, &mut places);
                    look_up(&places, &starts, &tables, sums);
                });
            }
        }
        let features = self.prepared.forest.features();
        for (to, from) in self.sums.chunks_exact_mut(features).zip(&sums) {
            for (slot, feature) in patch.features.iter().enumerate() {
                to[*feature as usize] += from[slot];
            }
        }
    }
}

/// Adds the twigs' table rows for each row.
#[inline(always)]
fn look_up<R: Real, const W: usize>(places: &[Lanes], starts: &[usize], tables: &[[R; W]], sums: &mut [[R; W]]) {
    for (lane, sum) in sums.iter_mut().enumerate().take(LANES) {
        let mut total = *sum;
        for (places, start) in places.iter().zip(starts) {
            let found = &tables[start + usize::from(places[lane])];
            for (total, found) in total.iter_mut().zip(found) {
                *total += *found;
            }
        }
        *sum = total;
    }
}

/// Twigs that touch few enough features together for their table rows to be added as they are.
struct Patch {
    features: Vec<u32>,
    twigs: Vec<(Twig, usize)>,
}

impl Patch {
    /// Takes a twig in, or gives it back if it has too many other features.
    fn take(&mut self, prepared: &Interventional<'_>, twig: Twig, component: usize) -> Option<(Twig, usize)> {
        let before = self.features.len();
        for feature in twig.all_features(prepared.forest) {
            if !self.features.contains(&feature) {
                self.features.push(feature);
            }
        }
        if self.features.len() > MOST_SLOTS {
            self.features.truncate(before);
            return Some((twig, component));
        }
        self.twigs.push((twig, component));
        None
    }
}

/// How to find places in the tables of a batch of twigs: tests to make in order, each remembered by its depth, since
/// twigs share most of their ways.
struct Program {
    steps: Vec<Ask>,
    depth: usize,
}

/// One test: adds `bit` to what stands at `from` where it fails, and puts the result to `to`.
struct Ask {
    column: u32,
    rank: u16,
    /// All ones where going left fails, zero where going right does.
    left_fails: u16,
    bit: u16,
    level: u32,
    /// The twig whose place this is, or none if it is for the next level.
    twig: Option<u32>,
    first_of_twig: bool,
}

impl Program {
    fn new(ranking: &Ranking, batch: &[(Twig, usize)]) -> Self {
        let mut program = Self { steps: Vec::new(), depth: 0 };
        let mut way: &[Step] = &[];
        let ask = |node: u32| {
            let hop = ranking.hops[node as usize];
            Ask { column: hop.column, rank: hop.rank, left_fails: 0, bit: 0, level: 0, twig: None, first_of_twig: false }
        };
        for (number, (twig, _)) in batch.iter().enumerate() {
            let shared = way.iter().zip(&twig.way).take_while(|(before, now)| before == now).count();
            for (level, step) in twig.way.iter().enumerate().skip(shared) {
                let left_fails = if step.right { u16::MAX } else { 0 };
                program.steps.push(Ask { left_fails, bit: 1 << step.bit, level: level as u32, ..ask(step.node) });
            }
            way = &twig.way;
            program.depth = program.depth.max(way.len());
            let (level, twig_number) = (way.len() as u32, Some(number as u32));
            if twig.inside.is_empty() {
                program.steps.push(Ask { column: 0, rank: 0, left_fails: 0, bit: 0, level, twig: twig_number, first_of_twig: true });
            }
            for (inner, node) in twig.inside.iter().enumerate() {
                let bit = 1 << (twig.features.len() + inner);
                program.steps.push(Ask { bit, level, twig: twig_number, first_of_twig: inner == 0, ..ask(*node) });
            }
        }
        program
    }

    /// Room for what is found on the way.
    fn levels(&self) -> Vec<Lanes> {
        vec![[0; LANES]; self.depth + 1]
    }

    /// Finds the places of a block of rows, twig after twig.
    #[inline(always)]
    fn run(&self, ranks: &[Lanes], levels: &mut [Lanes], places: &mut [Lanes]) {
        for ask in &self.steps {
            let ranks = &ranks[ask.column as usize];
            let level = ask.level as usize;
            let (from, to) = match ask.twig {
                None => {
                    let (above, below) = levels.split_at_mut(level + 1);
                    (&above[level], &mut below[0])
                }
                Some(twig) if ask.first_of_twig => (&levels[level], &mut places[twig as usize]),
                Some(twig) => {
                    let to = &mut places[twig as usize];
                    for (to, rank) in to.iter_mut().zip(ranks) {
                        *to |= (if *rank > ask.rank { u16::MAX } else { 0 } ^ ask.left_fails) & ask.bit;
                    }
                    continue;
                }
            };
            for ((to, from), rank) in to.iter_mut().zip(from).zip(ranks) {
                *to = from | ((if *rank > ask.rank { u16::MAX } else { 0 } ^ ask.left_fails) & ask.bit);
            }
        }
    }
}
