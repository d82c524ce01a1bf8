//! One tree, walked for a block of rows at once: a row in every lane.
//!
//! All rows take the same steps, and what a step computes for a row uses that row's lane alone, in the same order
//! whatever the width of the vectors, with products and sums rounded one by one. So a row's result has the same bits on
//! every machine and beside any neighbours.

use super::columns::members;
use super::program::{Kind, NONE, Program, Split, Step, Tree, padded};
use crate::explanation::model::forest::CategorySet;
use fearless_simd::{ExtractToken, Select, Simd, SimdBase, SimdFloat, SimdFloatElement, f32x4, f64x4};

/// Vectors in a block, which share the work of reading a step.
pub(super) const VECTORS: usize = 8;

/// A float that lanes hold.
pub(super) trait Real: SimdFloatElement + Send + Sync {
    /// Four of them.
    type Four<S: Simd>: SimdFloat<S, Element = Self>;
    fn near(value: f64) -> Self;
    fn wide(self) -> f64;
    /// Carries a leaf's place through lanes, where it is only ever chosen or not.
    fn carry(place: u32) -> Self;
    fn carried(self) -> u32;
}

impl Real for f32 {
    type Four<S: Simd> = f32x4<S>;
    fn near(value: f64) -> Self {
        value as f32
    }
    fn wide(self) -> f64 {
        f64::from(self)
    }
    fn carry(place: u32) -> Self {
        Self::from_bits(place)
    }
    fn carried(self) -> u32 {
        self.to_bits()
    }
}

impl Real for f64 {
    type Four<S: Simd> = f64x4<S>;
    fn near(value: f64) -> Self {
        value
    }
    fn wide(self) -> f64 {
        self
    }
    fn carry(place: u32) -> Self {
        Self::from_bits(u64::from(place))
    }
    fn carried(self) -> u32 {
        self.to_bits() as u32
    }
}

type Vector<S, T> = <T as SimdFloatElement>::Native<S>;

/// A number for each row of a block.
#[derive(Clone, Copy)]
pub(super) struct Lanes<S: Simd, T: Real>(pub [Vector<S, T>; VECTORS]);

impl<S: Simd, T: Real> Lanes<S, T> {
    /// Rows in a block.
    pub const COUNT: usize = VECTORS * Vector::<S, T>::LEN;

    #[inline(always)]
    pub fn splat(simd: S, value: T) -> Self {
        Self([Vector::<S, T>::splat(simd, value); VECTORS])
    }

    /// As many numbers as there are lanes.
    #[inline(always)]
    pub fn from_slice(simd: S, values: &[T]) -> Self {
        Self(std::array::from_fn(|v| Vector::<S, T>::from_slice(simd, &values[v * Vector::<S, T>::LEN..][..Vector::<S, T>::LEN])))
    }
}

/// What a walk writes while it is under way.
pub(super) struct Room<S: Simd, T: Real> {
    /// Per depth and point, what of the points' weights reaches the split.
    reaching: Vec<Lanes<S, T>>,
    /// Per result that waits and point, the output below.
    outputs: Vec<Lanes<S, T>>,
    /// Per result that waits, the place of the leaf a row falls into.
    leaves: Vec<Lanes<S, T>>,
    /// Factors that are not stored, of the up to three splits of a step.
    factors: [Vec<T>; 3],
}

impl<S: Simd, T: Real> Room<S, T> {
    /// Room for trees of this depth, walked with this many points.
    pub fn new(simd: S, depth: usize, points: usize) -> Self {
        let zero = Lanes::splat(simd, T::near(0.0));
        let levels = depth + 1;
        Self {
            reaching: vec![zero; levels * points],
            outputs: vec![zero; levels * points],
            leaves: vec![zero; levels + 1],
            factors: std::array::from_fn(|_| vec![T::near(0.0); 2 * points]),
        }
    }

    /// The places of the leaves the block's rows fell into, after a walk.
    #[inline(always)]
    pub fn leaves(&self) -> &Lanes<S, T> {
        &self.leaves[0]
    }
}

/// What a walk reads.
#[derive(Clone, Copy)]
pub(super) struct Walk<'a, T> {
    pub program: &'a Program<T>,
    pub tree: &'a Tree<T>,
    /// The constants of the tree's leaves for one output.
    pub constants: &'a [T],
    pub sets: &'a [CategorySet],
    /// How many of the block's vectors hold rows.
    pub vectors: usize,
}

/// An affine function of r, with a choice made for every row.
#[derive(Clone, Copy)]
struct Affine<S: Simd, T: Real> {
    base: Vector<S, T>,
    slope: Vector<S, T>,
}

impl<S: Simd, T: Real> Affine<S, T> {
    #[inline(always)]
    fn at(self, simd: S, r: T) -> Vector<S, T> {
        self.base + self.slope * Vector::<S, T>::splat(simd, r)
    }

    /// The same for rows whose values are within bounds. Where there is no bound, it is NaN.
    #[inline(always)]
    fn within(self, simd: S, values: Vector<S, T>, lower: T, upper: T, elsewhere: Self) -> Self {
        // Comparisons with NaN are false.
        let low = values.simd_lt(Vector::<S, T>::splat(simd, lower));
        let high = values.simd_ge(Vector::<S, T>::splat(simd, upper));
        Self {
            base: low.select(elsewhere.base, high.select(elsewhere.base, self.base)),
            slope: low.select(elsewhere.slope, high.select(elsewhere.slope, self.slope)),
        }
    }
}

impl<'a, T: Real> Walk<'a, T> {
    /// Walks the tree for one block, adding to the block's totals per feature.
    ///
    /// `POINTS` is how many points the tree has, or 0 for code that takes any number. Columns have room at the end for
    /// what steps look up.
    #[inline(always)]
    pub fn run<S: Simd, const POINTS: usize>(
        self,
        simd: S,
        columns: &mut [Lanes<S, T>],
        totals: &mut [Lanes<S, T>],
        room: &mut Room<S, T>,
    ) {
        for (reaching, weight) in room.reaching.iter_mut().zip(&self.tree.weights) {
            *reaching = Lanes::splat(simd, *weight);
        }
        let (first, last) = self.tree.steps;
        if first == last {
            room.leaves[0] = Lanes::splat(simd, T::carry(0));
        }
        for step in &self.program.steps[first as usize..last as usize] {
            if step.kind == Kind::Lookup {
                self.look_up(simd, step, columns);
            } else if step.plain {
                self.step::<S, POINTS, true>(simd, step, columns, totals, room);
            } else {
                self.step::<S, POINTS, false>(simd, step, columns, totals, room);
            }
        }
    }

    #[inline(always)]
    fn step<S: Simd, const POINTS: usize, const PLAIN: bool>(
        self,
        simd: S,
        step: &Step,
        columns: &[Lanes<S, T>],
        totals: &mut [Lanes<S, T>],
        room: &mut Room<S, T>,
    ) {
        let zero = Vector::<S, T>::splat(simd, T::near(0.0));
        let Room { reaching, outputs, leaves, factors: [own, own_one, own_two] } = room;
        let points = if POINTS == 0 { self.tree.points.len() } else { POINTS };
        let vectors = self.vectors.min(VECTORS);
        let (depth, waiting) = (step.depth as usize, step.waiting as usize);
        let splits = &self.program.splits[step.split as usize..];
        let split = &splits[0];
        let values = &columns[split.column as usize];
        let constants = &self.constants[step.constant as usize..];
        match step.kind {
            Kind::Down => {
                let (r, _) = self.factors::<POINTS, PLAIN>(split, own);
                let (above, below) = reaching[depth * points..][..2 * points].split_at_mut(points);
                for v in 0..vectors {
                    let (part, _) = self.part::<S, PLAIN>(simd, split, values.0[v], [zero, zero], columns, v);
                    for q in 0..points {
                        below[q].0[v] = above[q].0[v] * part.at(simd, r[q]);
                    }
                }
            }
            Kind::Across => {
                let (above, below) = reaching[depth * points..][..2 * points].split_at_mut(points);
                for v in 0..vectors {
                    for q in 0..points {
                        below[q].0[v] = above[q].0[v] - below[q].0[v];
                    }
                }
            }
            Kind::Nodes => {
                let (r, g) = self.factors::<POINTS, PLAIN>(split, own);
                let reaching = &reaching[depth * points..][..points];
                let (one, two) = outputs[waiting * points..][..2 * points].split_at_mut(points);
                let total = &mut totals[split.feature as usize];
                let (leaf_one, leaf_two) = leaves[waiting..].split_at_mut(1);
                for v in 0..vectors {
                    let (part, leaf) = self.part::<S, PLAIN>(simd, split, values.0[v], [leaf_one[0].0[v], leaf_two[0].0[v]], columns, v);
                    leaf_one[0].0[v] = leaf;
                    let mut moved = zero;
                    for q in 0..points {
                        let difference = one[q].0[v] - two[q].0[v];
                        one[q].0[v] = two[q].0[v] + part.at(simd, r[q]) * difference;
                        moved = sum(q, moved, weigh::<_, _, PLAIN>(simd, reaching[q].0[v], g[q]) * difference);
                    }
                    total.0[v] -= part.slope * moved;
                }
            }
            Kind::NodePair => {
                let [split, pair] = splits.first_chunk().expect("a step has its splits");
                let values_pair = &columns[pair.column as usize];
                let (r, g) = self.factors::<POINTS, PLAIN>(split, own);
                let (r2, g2) = self.factors::<POINTS, PLAIN>(pair, own_two);
                let (above, below) = reaching[depth * points..][..2 * points].split_at(points);
                let outputs = &mut outputs[waiting * points..][..points];
                let leaves = &mut leaves[waiting];
                let constants = five(constants);
                for v in 0..vectors {
                    let (two, leaf) = self.pair::<S, PLAIN>(simd, pair, values_pair.0[v], constants, columns, v);
                    let (part, leaf) = self.part::<S, PLAIN>(simd, split, values.0[v], [leaves.0[v], leaf], columns, v);
                    leaves.0[v] = leaf;
                    let (mut moved, mut reaching_two) = (zero, zero);
                    for q in 0..points {
                        let reaching = above[q].0[v];
                        reaching_two = sum(q, reaching_two, weigh::<_, _, PLAIN>(simd, reaching - below[q].0[v], g2[q]));
                        let second = two.at(simd, r2[q]);
                        let difference = outputs[q].0[v] - second;
                        outputs[q].0[v] = second + part.at(simd, r[q]) * difference;
                        moved = sum(q, moved, weigh::<_, _, PLAIN>(simd, reaching, g[q]) * difference);
                    }
                    take(totals, split, v, part.slope * moved);
                    take(totals, pair, v, two.slope * reaching_two);
                }
            }
            Kind::NodeLeaf => {
                let (r, g) = self.factors::<POINTS, PLAIN>(split, own);
                let second = Vector::<S, T>::splat(simd, constants[0]);
                let reaching = &reaching[depth * points..][..points];
                let outputs = &mut outputs[waiting * points..][..points];
                let leaves = &mut leaves[waiting];
                for v in 0..vectors {
                    let leaf = Vector::<S, T>::splat(simd, T::carry(split.leaf));
                    let (part, leaf) = self.part::<S, PLAIN>(simd, split, values.0[v], [leaves.0[v], leaf], columns, v);
                    leaves.0[v] = leaf;
                    let mut moved = zero;
                    for q in 0..points {
                        let difference = outputs[q].0[v] - second;
                        outputs[q].0[v] = second + part.at(simd, r[q]) * difference;
                        moved = sum(q, moved, weigh::<_, _, PLAIN>(simd, reaching[q].0[v], g[q]) * difference);
                    }
                    take(totals, split, v, part.slope * moved);
                }
            }
            Kind::Pairs => {
                let [split, split_one, split_two] = splits.first_chunk().expect("a step has its splits");
                let (values_one, values_two) = (&columns[split_one.column as usize], &columns[split_two.column as usize]);
                let (r, g) = self.factors::<POINTS, PLAIN>(split, own);
                let (r1, g1) = self.factors::<POINTS, PLAIN>(split_one, own_one);
                let (r2, g2) = self.factors::<POINTS, PLAIN>(split_two, own_two);
                let (constants_one, constants_two) = (five(constants), five(&constants[5..]));
                let reaching = &reaching[depth * points..][..points];
                let outputs = &mut outputs[waiting * points..][..points];
                let leaves = &mut leaves[waiting];
                for v in 0..vectors {
                    let (one, leaf_one) = self.pair::<S, PLAIN>(simd, split_one, values_one.0[v], constants_one, columns, v);
                    let (two, leaf_two) = self.pair::<S, PLAIN>(simd, split_two, values_two.0[v], constants_two, columns, v);
                    let (part, leaf) = self.part::<S, PLAIN>(simd, split, values.0[v], [leaf_one, leaf_two], columns, v);
                    leaves.0[v] = leaf;
                    let (mut moved, mut reaching_one, mut reaching_two) = (zero, zero, zero);
                    for q in 0..points {
                        let reaching = reaching[q].0[v];
                        let share = part.at(simd, r[q]);
                        let to_one = reaching * share;
                        reaching_one = sum(q, reaching_one, weigh::<_, _, PLAIN>(simd, to_one, g1[q]));
                        reaching_two = sum(q, reaching_two, weigh::<_, _, PLAIN>(simd, reaching - to_one, g2[q]));
                        let second = two.at(simd, r2[q]);
                        let difference = one.at(simd, r1[q]) - second;
                        outputs[q].0[v] = second + share * difference;
                        moved = sum(q, moved, weigh::<_, _, PLAIN>(simd, reaching, g[q]) * difference);
                    }
                    take(totals, split, v, part.slope * moved);
                    take(totals, split_one, v, one.slope * reaching_one);
                    take(totals, split_two, v, two.slope * reaching_two);
                }
            }
            Kind::PairLeaf => {
                let [split, pair] = splits.first_chunk().expect("a step has its splits");
                let values_pair = &columns[pair.column as usize];
                let (r, g) = self.factors::<POINTS, PLAIN>(split, own);
                let (r1, g1) = self.factors::<POINTS, PLAIN>(pair, own_one);
                let second = Vector::<S, T>::splat(simd, constants[5]);
                let constants = five(constants);
                let reaching = &reaching[depth * points..][..points];
                let outputs = &mut outputs[waiting * points..][..points];
                let leaves = &mut leaves[waiting];
                for v in 0..vectors {
                    let (one, leaf) = self.pair::<S, PLAIN>(simd, pair, values_pair.0[v], constants, columns, v);
                    let leaf_two = Vector::<S, T>::splat(simd, T::carry(split.leaf));
                    let (part, leaf) = self.part::<S, PLAIN>(simd, split, values.0[v], [leaf, leaf_two], columns, v);
                    leaves.0[v] = leaf;
                    let (mut moved, mut reaching_one) = (zero, zero);
                    for q in 0..points {
                        let reaching = reaching[q].0[v];
                        let share = part.at(simd, r[q]);
                        reaching_one = sum(q, reaching_one, weigh::<_, _, PLAIN>(simd, reaching * share, g1[q]));
                        let difference = one.at(simd, r1[q]) - second;
                        outputs[q].0[v] = second + share * difference;
                        moved = sum(q, moved, weigh::<_, _, PLAIN>(simd, reaching, g[q]) * difference);
                    }
                    take(totals, split, v, part.slope * moved);
                    take(totals, pair, v, one.slope * reaching_one);
                }
            }
            Kind::Pair => {
                let constants = five(constants);
                for v in 0..vectors {
                    let (pair, leaf) = self.pair::<S, PLAIN>(simd, split, values.0[v], constants, columns, v);
                    leaves[waiting].0[v] = leaf;
                    let mut all = zero;
                    for reaching in &reaching[..points] {
                        all += reaching.0[v];
                    }
                    take(totals, split, v, pair.slope * all);
                }
            }
            Kind::Lookup => {}
        }
    }

    /// The part of what reaches a split that it sends to its first child; and which of two leaves is fallen into, that of
    /// the first child or that of the second.
    #[inline(always)]
    fn part<S: Simd, const PLAIN: bool>(
        self,
        simd: S,
        split: &Split<T>,
        values: Vector<S, T>,
        [leaf_one, leaf_two]: [Vector<S, T>; 2],
        columns: &[Lanes<S, T>],
        v: usize,
    ) -> (Affine<S, T>, Vector<S, T>) {
        let [base_left, base_right, share] = split.base;
        let left = values.simd_lt(Vector::<S, T>::splat(simd, split.threshold));
        let base = left.select(Vector::<S, T>::splat(simd, base_left), Vector::<S, T>::splat(simd, base_right));
        let slope = left.select(Vector::<S, T>::splat(simd, split.slope[0]), Vector::<S, T>::splat(simd, split.slope[1]));
        // The base is 1 for rows that go to the first child, or else 0.
        let leaf = base.simd_gt(Vector::<S, T>::splat(simd, T::near(0.5))).select(leaf_one, leaf_two);
        (self.elsewhere::<S, PLAIN>(split, values, Affine { base, slope }, share, columns, v), leaf)
    }

    /// The output of a pair, and the leaves its rows fall into.
    #[inline(always)]
    fn pair<S: Simd, const PLAIN: bool>(
        self,
        simd: S,
        split: &Split<T>,
        values: Vector<S, T>,
        [left_value, right_value, mean, left_slope, right_slope]: &[T; 5],
        columns: &[Lanes<S, T>],
        v: usize,
    ) -> (Affine<S, T>, Vector<S, T>) {
        let left = values.simd_lt(Vector::<S, T>::splat(simd, split.threshold));
        let base = left.select(Vector::<S, T>::splat(simd, *left_value), Vector::<S, T>::splat(simd, *right_value));
        let slope = left.select(Vector::<S, T>::splat(simd, *left_slope), Vector::<S, T>::splat(simd, *right_slope));
        let leaf = left.select(Vector::<S, T>::splat(simd, T::carry(split.leaf)), Vector::<S, T>::splat(simd, T::carry(split.leaf + 1)));
        (self.elsewhere::<S, PLAIN>(split, values, Affine { base, slope }, *mean, columns, v), leaf)
    }

    /// Settles rows that a split above, for the same feature, sent elsewhere.
    #[inline(always)]
    fn elsewhere<S: Simd, const PLAIN: bool>(
        self,
        split: &Split<T>,
        values: Vector<S, T>,
        chosen: Affine<S, T>,
        base: T,
        columns: &[Lanes<S, T>],
        v: usize,
    ) -> Affine<S, T> {
        if PLAIN {
            return chosen;
        }
        let simd = values.token();
        let elsewhere = Affine { base: Vector::<S, T>::splat(simd, base), slope: Vector::<S, T>::splat(simd, T::near(0.0)) };
        let mut chosen = chosen.within(simd, values, split.lower, split.upper, elsewhere);
        let (first, count) = split.bounds;
        if count > 0 {
            for other in &self.program.bounds[first as usize..][..count as usize] {
                chosen = chosen.within(simd, columns[other.column as usize].0[v], other.lower, other.upper, elsewhere);
            }
        }
        chosen
    }

    /// r and g of a split at every point.
    #[inline(always)]
    fn factors<'b, const POINTS: usize, const PLAIN: bool>(self, split: &Split<T>, own: &'b mut [T]) -> (&'b [T], &'b [T])
    where
        'a: 'b,
    {
        let points = if POINTS == 0 { self.tree.points.len() } else { POINTS };
        if PLAIN {
            return (&self.tree.u[..points], &self.tree.u[..points]);
        }
        if split.factors != NONE {
            let factors = &self.program.factors[split.factors as usize..];
            return (&factors[..points], &factors[padded(points)..][..points]);
        }
        let (r, g) = own[..2 * points].split_at_mut(points);
        for (q, t) in self.tree.points[..points].iter().enumerate() {
            let (factor, slope) = split.again(*t);
            (r[q], g[q]) = (T::near(factor), T::near(slope));
        }
        (r, g)
    }

    /// Writes a column of its own for a split by categories: 0 for rows that go left, or else 1.
    #[inline(always)]
    fn look_up<S: Simd>(self, simd: S, step: &Step, columns: &mut [Lanes<S, T>]) {
        let (set, from) = (step.split as usize, step.constant as usize);
        let to = self.program.first_lookup as usize + step.waiting as usize;
        for v in 0..self.vectors.min(VECTORS) {
            let mut answers = Vector::<S, T>::splat(simd, T::near(0.0));
            members(columns[from].0[v].as_slice(), &self.sets[set], answers.as_mut_slice());
            columns[to].0[v] = answers;
        }
    }
}

/// Adds to a sum, or begins it.
#[inline(always)]
fn sum<V: std::ops::Add<Output = V>>(q: usize, before: V, more: V) -> V {
    if q == 0 { more } else { before + more }
}

/// What a split moved comes off with the sign of r's slope.
#[inline(always)]
fn take<S: Simd, T: Real>(totals: &mut [Lanes<S, T>], split: &Split<T>, v: usize, moved: Vector<S, T>) {
    let total = &mut totals[split.feature as usize];
    total.0[v] -= moved;
}

#[inline(always)]
fn weigh<S: Simd, T: Real, const PLAIN: bool>(simd: S, reaching: Vector<S, T>, g: T) -> Vector<S, T> {
    if PLAIN { reaching } else { reaching * Vector::<S, T>::splat(simd, g) }
}

#[inline(always)]
fn five<T>(constants: &[T]) -> &[T; 5] {
    constants.first_chunk().expect("a pair has five constants")
}
