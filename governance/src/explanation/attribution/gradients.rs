//! Integrated gradients, for networks.
//!
//! Sundararajan, Taly and Yan, *Axiomatic Attribution for Deep Networks* (2017): a feature's attribution is its distance
//! from the baseline times the mean of its derivative on the straight way from the baseline to the row. The mean is
//! taken by Gauss–Legendre quadrature. A network with corners, as `Relu` makes them, is smooth only piece by piece, so
//! the way is cut where it is needed: since the output is known at both ends of every piece, each piece's own error in
//! completeness is known too, and the piece that is furthest off is cut first, at the corner its slopes point to. What
//! is left over at the end is the residual of [`Attributions`]. Errors of two features that cancel each other within a
//! piece do not show in it.

use super::quadrature::gauss_legendre;
use super::{AttributionError, Attributions, Method};
use crate::explanation::model::{Network, Rows};

/// Gradients taken per piece of the way.
const POINTS: usize = 6;
/// A piece whose error is below this part of the output's scale is not cut any further.
const CLOSE_ENOUGH: f64 = 1e-12;
/// Corners nearer to an end than this part of a piece are not looked for.
const MARGIN: f64 = 1e-6;
/// Corners nearer to an end than this part of a piece are put between two cuts.
const NEAR: f64 = 0.2;

/// Attributes every output of every row to the network's features.
///
/// The baseline is the background's mean, feature by feature, over the rows in which the feature is there; without a
/// background it is zero for every feature, which whoever shows the result has to say. Features that are missing, in the
/// row or in all of the background, are taken for what the network puts in their place. Where it puts nothing the
/// output is missing, and so are all attributions.
///
/// `steps` is about how many gradients are taken at most per row and output; smooth networks need far fewer.
pub fn integrated_gradients(
    model: &Network,
    rows: &Rows,
    background: Option<&Rows>,
    steps: usize,
) -> Result<Attributions, AttributionError> {
    let (features, outputs) = (model.features(), model.outputs());
    let columns = [Some(("rows", rows)), background.map(|background| ("background rows", background))];
    for (what, rows) in columns.into_iter().flatten() {
        if rows.columns() != features {
            return Err(AttributionError::Columns { what, found: rows.columns(), needed: features });
        }
    }
    let stand_ins = model.stand_ins();
    let filled = |row: &[f64]| -> Vec<f64> {
        let row = model.rounded(row);
        row.into_iter().zip(&stand_ins).map(|(value, with)| if value.is_nan() { *with } else { value }).collect()
    };
    let baseline = match background {
        Some(background) if background.is_empty() => return Err(AttributionError::NoBackground { method: Method::IntegratedGradients }),
        Some(background) => filled(&means(background)),
        None => vec![0.0; features],
    };
    let mut values = Vec::new();
    model.forward(&baseline, &mut values);
    let mut found = Attributions {
        method: Method::IntegratedGradients,
        features,
        outputs,
        base_values: model.output(&values).to_vec(),
        predictions: Vec::with_capacity(rows.len() * outputs),
        values: vec![0.0; rows.len() * outputs * features],
        standard_errors: None,
        evaluations: 1,
        space: super::Space::Margin,
    };
    let rule = gauss_legendre(POINTS);
    for (number, row) in rows.iter().enumerate() {
        let row = filled(row);
        model.forward(&row, &mut values);
        found.evaluations += 1;
        found.predictions.extend_from_slice(model.output(&values));
        for output in 0..outputs {
            let ends = (found.base_values[output], found.predictions[number * outputs + output]);
            let into = &mut found.values[(number * outputs + output) * features..][..features];
            if ends.0.is_finite() && ends.1.is_finite() {
                let mut way = Way::new(model, &baseline, &row, output, &rule);
                way.integrate(ends, steps, into);
                found.evaluations += way.evaluations;
            } else {
                into.fill(f64::NAN);
            }
        }
    }
    Ok(found)
}

/// The mean of each column over the rows in which it is there; NaN where it never is.
fn means(rows: &Rows) -> Vec<f64> {
    let mut sums = vec![(0.0, 0.0); rows.columns()];
    for row in rows.iter() {
        for (sum, value) in sums.iter_mut().zip(row).filter(|(_, value)| !value.is_nan()) {
            *sum = (sum.0 + value, sum.1 + 1.0);
        }
    }
    sums.into_iter().map(|(sum, count)| sum / count).collect()
}

/// A point of the way, 0 being the baseline and 1 the row, with the output there and its slope along the way.
#[derive(Clone, Copy)]
struct Point {
    at: f64,
    output: f64,
    slope: f64,
}

/// A part of the way with what the features did on it.
struct Piece {
    from: Point,
    to: Point,
    parts: Vec<f64>,
    /// How far the parts are from what the output did.
    gap: f64,
}

/// The straight way from the baseline to a row, as one output sees it.
struct Way<'a> {
    model: &'a Network,
    from: &'a [f64],
    distance: Vec<f64>,
    output: usize,
    rule: &'a [(f64, f64)],
    place: Vec<f64>,
    values: Vec<f64>,
    slopes: Vec<f64>,
    evaluations: u64,
}

impl<'a> Way<'a> {
    fn new(model: &'a Network, from: &'a [f64], to: &[f64], output: usize, rule: &'a [(f64, f64)]) -> Self {
        // A feature that is missing at an end the output does not depend on does not move.
        let distance = from.iter().zip(to).map(|(from, to)| if from.is_nan() || to.is_nan() { 0.0 } else { to - from }).collect();
        Self { model, from, distance, output, rule, place: Vec::new(), values: Vec::new(), slopes: Vec::new(), evaluations: 0 }
    }

    /// Computes all values at a point of the way, and the output's derivatives by the features.
    fn visit(&mut self, at: f64) {
        self.place.clear();
        self.place.extend(self.from.iter().zip(&self.distance).map(|(from, distance)| from + at * distance));
        self.model.forward(&self.place, &mut self.values);
        self.model.backward(&self.values, self.output, &mut self.slopes);
        self.evaluations += 1;
    }

    fn point(&mut self, at: f64) -> Point {
        self.visit(at);
        let moving = self.slopes.iter().zip(&self.distance).filter(|(_, distance)| **distance != 0.0);
        let slope = moving.map(|(slope, distance)| slope * distance).sum();
        Point { at, output: self.model.output(&self.values)[self.output], slope }
    }

    fn piece(&mut self, from: Point, to: Point) -> Piece {
        let mut parts = vec![0.0; self.distance.len()];
        let length = to.at - from.at;
        for (at, weight) in self.rule {
            self.visit(from.at + length * at);
            for (part, (slope, distance)) in parts.iter_mut().zip(self.slopes.iter().zip(&self.distance)) {
                // A feature that does not move has no part, whatever its slope.
                if *distance != 0.0 {
                    *part += weight * length * slope * distance;
                }
            }
        }
        let gap = to.output - from.output - parts.iter().sum::<f64>();
        Piece { from, to, parts, gap }
    }

    fn integrate(&mut self, ends: (f64, f64), steps: usize, into: &mut [f64]) {
        let scale = ends.0.abs().max(ends.1.abs()).max((ends.1 - ends.0).abs());
        let (start, end) = (self.point(0.0), self.point(1.0));
        let mut pieces = vec![self.piece(start, end)];
        let most = steps / POINTS;
        let mut made = 1;
        loop {
            let worst = (0..pieces.len()).max_by(|a, b| pieces[*a].gap.abs().total_cmp(&pieces[*b].gap.abs())).expect("there is one");
            let gap = pieces[worst].gap.abs();
            // A gap that is not a number cannot be made smaller.
            if made + 2 > most || gap.is_nan() || gap <= CLOSE_ENOUGH * scale {
                break;
            }
            let piece = pieces.swap_remove(worst);
            let cut = self.point(piece.cut());
            pieces.push(self.piece(piece.from, cut));
            pieces.push(self.piece(cut, piece.to));
            made += 2;
        }
        for piece in pieces {
            into.iter_mut().zip(piece.parts).for_each(|(sum, part)| *sum += part);
        }
    }
}

impl Piece {
    /// Where the output's slopes at both ends meet: the corner, where there is just one. Else the middle.
    ///
    /// Near an end the cut is made at twice the distance. Where the output bends as well as it has a corner, the place is
    /// not quite right, and a cut just before the corner would leave it in a piece as long as before.
    fn cut(&self) -> f64 {
        let (from, to) = (self.from, self.to);
        let length = to.at - from.at;
        let meet = (to.output - from.output - to.slope * length) / (from.slope - to.slope) / length;
        let part = match meet {
            _ if meet > MARGIN && meet < NEAR => 2.0 * meet,
            _ if meet > 1.0 - NEAR && meet < 1.0 - MARGIN => 1.0 - 2.0 * (1.0 - meet),
            _ if (NEAR..=1.0 - NEAR).contains(&meet) => meet,
            _ => 0.5,
        };
        from.at + part * length
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::explanation::model::forest::Precision;
    use crate::explanation::model::network::{Function, NetworkBuilder, Operation};
    use proptest::prelude::*;

    fn finished(features: usize, steps: Vec<Operation>) -> Network {
        let mut builder = NetworkBuilder::new(features, Precision::Double);
        let mut at = 0;
        for step in steps {
            at = builder.push(step, &[at], false).unwrap();
        }
        builder.finish(at).unwrap()
    }

    fn dense(weights: &[f64], biases: &[f64]) -> Operation {
        Operation::Dense { weights: weights.to_vec(), biases: biases.to_vec() }
    }

    #[test]
    fn the_quadrature_is_exact_for_polynomials_up_to_its_degree() {
        for points in 1..12 {
            let rule = gauss_legendre(points);
            for power in 0..2 * points as i32 {
                let integral: f64 = rule.iter().map(|(at, weight)| weight * at.powi(power)).sum();
                assert!((integral - 1.0 / f64::from(power + 1)).abs() < 1e-14, "{points} points, power {power}: {integral}");
            }
        }
    }

    #[test]
    fn a_linear_network_gives_weight_times_distance_from_the_mean() {
        let network = finished(2, vec![dense(&[2.0, -3.0, 0.5, 1.0], &[1.0, 0.0])]);
        let background = Rows::from_values(2, vec![0.0, 4.0, 2.0, f64::NAN]);
        let found = integrated_gradients(&network, &Rows::one(&[5.0, 6.0]), Some(&background), 64).unwrap();
        assert_eq!(found.base_values, [2.0 - 12.0 + 1.0, 0.5 + 4.0]);
        for (value, expected) in found.values.iter().zip([8.0, -6.0, 2.0, 2.0]) {
            assert!((value - expected).abs() < 1e-12, "{:?}", found.values);
        }
    }

    #[test]
    fn a_corner_is_found_and_leaves_nothing_over() {
        // One Relu that opens on the way from 0 to 3 at x = 1.
        let network = finished(1, vec![dense(&[1.0], &[-1.0]), Operation::Apply(Function::Relu)]);
        let found = integrated_gradients(&network, &Rows::one(&[3.0]), None, 64).unwrap();
        assert!((found.values[0] - 2.0).abs() < 1e-12);
        assert!(found.residual(0, 0).abs() < 1e-12);
        assert!(found.evaluations < 30, "{} evaluations", found.evaluations);
    }

    #[test]
    fn a_product_shares_equally_between_its_factors() {
        let mut builder = NetworkBuilder::new(2, Precision::Double);
        let first = builder.push(Operation::Pick(vec![0]), &[0], false).unwrap();
        let second = builder.push(Operation::Pick(vec![1]), &[0], false).unwrap();
        let product = builder.push(Operation::Product, &[first, second], false).unwrap();
        let network = builder.finish(product).unwrap();
        let found = integrated_gradients(&network, &Rows::one(&[4.0, 3.0]), None, 6).unwrap();
        assert!((found.values[0] - 6.0).abs() < 1e-12 && (found.values[1] - 6.0).abs() < 1e-12);
    }

    #[test]
    fn what_is_missing_is_what_the_network_puts_there_or_nothing() {
        let filled = finished(1, vec![Operation::Fill(vec![2.0]), dense(&[3.0], &[0.0])]);
        let found = integrated_gradients(&filled, &Rows::one(&[f64::NAN]), None, 6).unwrap();
        assert!(found.predictions[0] == 6.0 && (found.values[0] - 6.0).abs() < 1e-12);
        let bare = finished(1, vec![dense(&[3.0], &[0.0])]);
        let found = integrated_gradients(&bare, &Rows::one(&[f64::NAN]), None, 6).unwrap();
        assert!(found.predictions[0].is_nan() && found.values[0].is_nan());
    }

    #[test]
    fn columns_that_do_not_fit_are_refused() {
        let network = finished(1, vec![dense(&[3.0], &[0.0])]);
        let error = integrated_gradients(&network, &Rows::one(&[1.0, 2.0]), None, 6).unwrap_err();
        assert_eq!(error, AttributionError::Columns { what: "rows", found: 2, needed: 1 });
        let error = integrated_gradients(&network, &Rows::one(&[1.0]), Some(&Rows::new(1)), 6).unwrap_err();
        assert_eq!(error, AttributionError::NoBackground { method: Method::IntegratedGradients });
    }

    proptest! {
        #[test]
        fn relu_and_tanh_networks_account_for_their_whole_output(
            weights in proptest::collection::vec(-2.0..2.0f64, 4 * 3 + 4 + 4 * 4 + 4 + 4 + 1),
            row in proptest::collection::vec(-5.0..5.0f64, 3),
            smooth in any::<bool>(),
        ) {
            let function = Operation::Apply(if smooth { Function::Tanh } else { Function::Relu });
            let (first, rest) = weights.split_at(12);
            let (first_biases, rest) = rest.split_at(4);
            let (second, rest) = rest.split_at(16);
            let (second_biases, rest) = rest.split_at(4);
            let layers = vec![
                dense(first, first_biases), function.clone(), dense(second, second_biases), function, dense(&rest[..4], &rest[4..]),
            ];
            let found = integrated_gradients(&finished(3, layers), &Rows::one(&row), None, 600).unwrap();
            prop_assert!(found.residual(0, 0).abs() < 1e-9, "residual {}", found.residual(0, 0));
        }
    }
}
