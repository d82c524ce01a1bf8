//! SHAP interaction values of trees: how much two features move an output together.
//!
//! The game is that of path-dependent TreeSHAP: what is not known is averaged by the training cover of each split. A pair's
//! value is the Shapley interaction index of Lundberg, Erion and Lee, *Consistent Individualized Feature Attribution for
//! Tree Ensembles* (2018), half of it on each side of the diagonal; the diagonal keeps what a feature does alone, so that
//! a feature's row sums up to its attribution.
//!
//! At a leaf of value v, let feature k's tests let pass x's flow by o (0 or 1) when k is known and a share z of the cover
//! when it is not. The leaf's part of the game is v·∏ (o or z), and with F = z·(1−t) + o·t,
//! the pair i, j gets ½·v·(o_i−z_i)·(o_j−z_j)·∫ ∏ F_k dt over [0, 1] and all k but i and j. The integrand is a polynomial
//! that a few Gauss–Legendre points integrate exactly. Only features of the same path meet, and nothing is divided by.

use super::AttributionError;
use super::quadrature::gauss_legendre;
use crate::explanation::model::Rows;
use crate::explanation::model::forest::{Forest, Node, Tree};

/// The most numbers that all matrices may have together.
const MOST_VALUES: usize = 1 << 26;
/// Integration points that are handled together.
const WIDE: usize = 4;

/// Interactions of all pairs of features, in margins.
#[derive(Debug, Clone, PartialEq)]
pub struct Interactions {
    pub features: usize,
    pub outputs: usize,
    /// One per output.
    pub base_values: Vec<f64>,
    /// Row after row, one per output.
    pub predictions: Vec<f64>,
    /// Row after row, output after output, a symmetric matrix: features × features.
    pub values: Vec<f64>,
}

/// Two features and what they do together: both halves of the matrix.
#[derive(Debug, Clone, PartialEq)]
pub struct Pair {
    pub features: [usize; 2],
    pub names: [String; 2],
    pub value: f64,
}

impl Interactions {
    pub fn rows(&self) -> usize {
        self.predictions.len() / self.outputs
    }

    /// The matrix of one output of one row; its rows sum up to the features' path-dependent attributions.
    pub fn matrix(&self, row: usize, output: usize) -> &[f64] {
        let size = self.features * self.features;
        &self.values[(row * self.outputs + output) * size..][..size]
    }

    /// The pairs that move an output of a row most, strongest first; those that do nothing are left out.
    ///
    /// `names` are the features'. Of equally strong pairs the one with earlier features comes first.
    pub fn strongest(&self, row: usize, output: usize, names: &[String], count: usize) -> Vec<Pair> {
        let matrix = self.matrix(row, output);
        let mut pairs: Vec<(usize, usize, f64)> = (0..self.features)
            .flat_map(|first| (first + 1..self.features).map(move |second| (first, second, 2.0 * matrix[first * self.features + second])))
            .filter(|(_, _, value)| *value != 0.0)
            .collect();
        pairs.sort_by(|one, other| other.2.abs().total_cmp(&one.2.abs()));
        pairs.truncate(count);
        let name = |feature: usize| names.get(feature).cloned().unwrap_or_else(|| format!("f{feature}"));
        pairs
            .into_iter()
            .map(|(first, second, value)| Pair { features: [first, second], names: [name(first), name(second)], value })
            .collect()
    }
}

/// Computes the interactions of all pairs of features, for every output of every row. NaN means missing.
///
/// # Errors
/// When the forest has no covers, the rows have other columns than it has features, or the matrices would not fit.
pub fn interactions(forest: &Forest, rows: &Rows) -> Result<Interactions, AttributionError> {
    if !forest.covers {
        return Err(AttributionError::NoCovers);
    }
    let (features, outputs) = (forest.features(), forest.outputs());
    if rows.columns() != features && !rows.is_empty() {
        return Err(AttributionError::Columns { what: "rows", found: rows.columns(), needed: features });
    }
    let per_row = features.saturating_mul(features).saturating_mul(outputs);
    let all = per_row.saturating_mul(rows.len());
    if all > MOST_VALUES {
        let what = format!(
            "interactions of {features} features for {outputs} outputs of {} rows are {all} numbers, at most {MOST_VALUES} are computed at once",
            rows.len()
        );
        return Err(AttributionError::TooMuch { what });
    }
    let mut found = Interactions {
        features,
        outputs,
        base_values: forest.base_values(),
        predictions: vec![0.0; rows.len() * outputs],
        values: vec![0.0; all],
    };
    let mut walk = Walk::new(forest);
    let parts = found.values.chunks_exact_mut(per_row.max(1)).zip(found.predictions.chunks_exact_mut(outputs));
    for (row, (values, predictions)) in rows.iter().zip(parts) {
        forest.predict_into(row, predictions);
        walk.attributions.fill(0.0);
        for tree in &forest.trees {
            walk.visit(tree, row, values, tree.first);
        }
        for (matrix, attributions) in values.chunks_exact_mut(features * features).zip(walk.attributions.chunks_exact(features)) {
            complete(matrix, attributions);
        }
    }
    Ok(found)
}

/// Mirrors the upper triangle and puts on the diagonal what is left of the attributions.
fn complete(matrix: &mut [f64], attributions: &[f64]) {
    let features = attributions.len();
    for first in 0..features {
        for second in first + 1..features {
            matrix[second * features + first] = matrix[first * features + second];
        }
    }
    for (feature, attribution) in attributions.iter().enumerate() {
        let row = &mut matrix[feature * features..][..features];
        row[feature] = 0.0;
        row[feature] = attribution - row.iter().sum::<f64>();
    }
}

/// A feature on the way to a node: its share of the cover, and whether x passes its tests (1) or not (0).
#[derive(Clone, Copy)]
struct Step {
    feature: u32,
    zero: f64,
    one: f64,
}

struct Walk<'a> {
    forest: &'a Forest,
    /// For each number of features on a path, points and weights, [`WIDE`] at a time.
    rules: Vec<Vec<[(f64, f64); WIDE]>>,
    path: Vec<Step>,
    /// F of each feature of the path at each point, and the product of all from a feature on.
    factors: Vec<[f64; WIDE]>,
    after: Vec<[f64; WIDE]>,
    /// The integrals for all pairs i ≤ j of the path; i = j leaves out only one.
    integrals: Vec<f64>,
    /// Of the present row, output after output.
    attributions: Vec<f64>,
}

impl<'a> Walk<'a> {
    fn new(forest: &'a Forest) -> Self {
        let rule = |features: usize| {
            let points = gauss_legendre(features.div_ceil(2));
            points.chunks(WIDE).map(|part| std::array::from_fn(|at| part.get(at).copied().unwrap_or((0.5, 0.0)))).collect()
        };
        Self {
            forest,
            rules: (0..=forest.depth()).map(rule).collect(),
            path: Vec::new(),
            factors: Vec::new(),
            after: Vec::new(),
            integrals: Vec::new(),
            attributions: vec![0.0; forest.outputs() * forest.features()],
        }
    }

    /// Visits a node; on return the path is as it was.
    fn visit(&mut self, tree: &Tree, row: &[f64], values: &mut [f64], at: u32) {
        let split = match &self.forest.nodes[at as usize] {
            Node::Leaf { values: leaf } => return self.earn(tree, values, *leaf),
            Node::Split(split) => split,
        };
        let met = self.path.iter().position(|step| step.feature == split.feature);
        let place = met.unwrap_or(self.path.len());
        if met.is_none() {
            self.path.push(Step { feature: split.feature, zero: 1.0, one: 1.0 });
        }
        let before = self.path[place];
        let left = self.forest.goes_left(split, row);
        for (child, share, goes) in [(split.left, split.left_share, left), (split.right, 1.0 - split.left_share, !left)] {
            self.path[place] = Step { zero: before.zero * share, one: if goes { before.one } else { 0.0 }, ..before };
            self.visit(tree, row, values, child);
        }
        self.path[place] = before;
        if met.is_none() {
            self.path.pop();
        }
    }

    /// Adds a leaf's part to all features and pairs of features on its path.
    fn earn(&mut self, tree: &Tree, values: &mut [f64], leaf: u32) {
        self.integrate();
        let (count, features) = (self.path.len(), self.forest.features);
        for (offset, value) in self.forest.leaf(tree, leaf).iter().enumerate() {
            let output = tree.output as usize + offset;
            let matrix = &mut values[output * features * features..][..features * features];
            let attributions = &mut self.attributions[output * features..][..features];
            for (first, one) in self.path.iter().enumerate() {
                let part = value * (one.one - one.zero);
                let integrals = &self.integrals[first * count..][..count];
                attributions[one.feature as usize] += part * integrals[first];
                for (other, integral) in self.path.iter().zip(integrals).skip(first + 1) {
                    let (upper, lower) = (one.feature.min(other.feature), one.feature.max(other.feature));
                    matrix[upper as usize * features + lower as usize] += 0.5 * part * (other.one - other.zero) * integral;
                }
            }
        }
    }

    fn integrate(&mut self) {
        let count = self.path.len();
        self.integrals.clear();
        self.integrals.resize(count * count, 0.0);
        for points in &self.rules[count] {
            self.factors.clear();
            self.factors.extend(self.path.iter().map(|step| points.map(|(t, _)| step.zero * (1.0 - t) + step.one * t)));
            self.after.clear();
            self.after.resize(count + 1, [1.0; WIDE]);
            for place in (0..count).rev() {
                self.after[place] = times(self.after[place + 1], self.factors[place]);
            }
            let mut before = points.map(|(_, weight)| weight);
            for first in 0..count {
                let integrals = &mut self.integrals[first * count..][..count];
                integrals[first] += sum(times(before, self.after[first + 1]));
                let mut between = before;
                for (second, integral) in integrals.iter_mut().enumerate().skip(first + 1) {
                    *integral += sum(times(between, self.after[second + 1]));
                    between = times(between, self.factors[second]);
                }
                before = times(before, self.factors[first]);
            }
        }
    }
}

fn times(one: [f64; WIDE], other: [f64; WIDE]) -> [f64; WIDE] {
    std::array::from_fn(|at| one[at] * other[at])
}

fn sum(points: [f64; WIDE]) -> f64 {
    (points[0] + points[1]) + (points[2] + points[3])
}

#[cfg(test)]
mod tests {
    use super::super::testing::{FEATURES, any_forest, any_forest_over, any_rows, any_rows_of};
    use super::super::{Arithmetic, path_dependent};
    use super::*;
    use proptest::prelude::*;

    /// An output's mean margin when only the features in `known` (a bit set) are known.
    fn expectation(forest: &Forest, row: &[f64], output: usize, known: u32) -> f64 {
        fn below(forest: &Forest, tree: &Tree, row: &[f64], offset: usize, known: u32, at: u32) -> f64 {
            match &forest.nodes[at as usize] {
                Node::Leaf { values } => forest.leaf(tree, *values)[offset],
                Node::Split(split) if known >> split.feature & 1 == 1 => {
                    below(forest, tree, row, offset, known, if forest.goes_left(split, row) { split.left } else { split.right })
                }
                Node::Split(split) => {
                    split.left_share * below(forest, tree, row, offset, known, split.left)
                        + (1.0 - split.left_share) * below(forest, tree, row, offset, known, split.right)
                }
            }
        }
        let trees = forest.trees.iter().filter(|tree| (tree.output..tree.output + tree.width).contains(&(output as u32)));
        trees.map(|tree| below(forest, tree, row, output - tree.output as usize, known, tree.first)).sum()
    }

    /// Half the Shapley interaction index, straight from its definition.
    fn by_enumeration(features: usize, worth: &[f64], one: usize, other: usize) -> f64 {
        let factorial = |n: usize| (1..=n).map(|factor| factor as f64).product::<f64>();
        let (one, other) = (1 << one, 1 << other);
        (0..1usize << features)
            .filter(|known| known & (one | other) == 0)
            .map(|known| {
                let size = known.count_ones() as usize;
                let weight = factorial(size) * factorial(features - size - 2) / (2.0 * factorial(features - 1));
                weight * (worth[known | one | other] - worth[known | one] - worth[known | other] + worth[known])
            })
            .sum()
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(200))]

        #[test]
        fn interactions_are_the_shapley_interaction_index(forest in any_forest(true), rows in any_rows(1..3)) {
            let found = interactions(&forest, &rows).unwrap();
            for (number, row) in rows.iter().enumerate() {
                for output in 0..forest.outputs() {
                    let worth: Vec<f64> = (0..1 << FEATURES).map(|known| expectation(&forest, row, output, known)).collect();
                    let matrix = found.matrix(number, output);
                    for one in 0..FEATURES {
                        for other in (0..FEATURES).filter(|other| *other != one) {
                            let (found, expected) = (matrix[one * FEATURES + other], by_enumeration(FEATURES, &worth, one, other));
                            prop_assert!((found - expected).abs() < 1e-9, "{found} is not {expected}");
                        }
                    }
                }
            }
        }

        #[test]
        fn a_features_row_sums_up_to_its_attribution(forest in any_forest_over(12, 9, true), rows in any_rows_of(12, 1..3)) {
            let found = interactions(&forest, &rows).unwrap();
            let attributed = path_dependent(&forest, &rows, Arithmetic::Double, 1).unwrap();
            for row in 0..rows.len() {
                for output in 0..forest.outputs() {
                    for (sums, value) in found.matrix(row, output).chunks_exact(12).zip(attributed.values(row, output)) {
                        prop_assert!((sums.iter().sum::<f64>() - value).abs() < 1e-9);
                    }
                }
            }
            prop_assert_eq!(found.predictions, attributed.predictions);
        }
    }

    #[test]
    fn the_strongest_pairs_come_first_and_by_name() {
        let values = vec![0.0, 0.5, -2.0, 0.5, 0.0, 0.0, -2.0, 0.0, 0.0];
        let found = Interactions { features: 3, outputs: 1, base_values: vec![0.0], predictions: vec![0.0], values };
        let names = ["a", "b", "c"].map(String::from);
        let pairs = found.strongest(0, 0, &names, 5);
        assert_eq!(pairs.iter().map(|pair| (pair.features, pair.value)).collect::<Vec<_>>(), [([0, 2], -4.0), ([0, 1], 1.0)]);
        assert_eq!(pairs[0].names, ["a", "c"]);
        assert_eq!(found.strongest(0, 0, &names, 1).len(), 1);
    }

    #[test]
    fn matrices_that_would_not_fit_are_refused_before_they_are_made() {
        use crate::explanation::model::forest::{Builder, Precision};
        let forest = Builder::new(60_000, vec![0.0], Precision::Double, true).finish();
        let refusal = interactions(&forest, &Rows::one(&vec![0.0; 60_000])).unwrap_err();
        assert!(matches!(refusal, AttributionError::TooMuch { .. }), "{refusal}");
        let forest = Builder::new(1, vec![0.0], Precision::Double, false).finish();
        assert_eq!(interactions(&forest, &Rows::one(&[0.0])), Err(AttributionError::NoCovers));
    }
}
