//! `LinearRegressor` and `LinearClassifier`, and linear models made of other operators.

use super::super::network::Operation;
use super::super::{Linear, MAX_OUTPUTS, ModelError, Network, malformed, unsupported};
use super::proto::NodeProto;
use super::{Numbers, Reader};

impl<'a> Reader<'a> {
    pub(super) fn linear_regressor(&mut self, node: &'a NodeProto) -> Result<Numbers, ModelError> {
        let input = self.columns(node, 0)?;
        let targets = match usize::try_from(node.int("targets", 1)) {
            Ok(targets @ 1..=MAX_OUTPUTS) => targets,
            _ => return Err(malformed("LinearRegressor", format!("{} targets", node.int("targets", 1)))),
        };
        let scores = self.weighted(node, input, targets)?;
        let transform = node.text("post_transform", "NONE")?;
        self.transformed(&transform, scores)
    }

    pub(super) fn linear_classifier(&mut self, node: &'a NodeProto) -> Result<Numbers, ModelError> {
        let input = self.columns(node, 0)?;
        let transform = node.text("post_transform", "NONE")?;
        self.labels = node.labels("classlabels_strings", "classlabels_ints")?;
        let width = self.width(input);
        let given = node.attribute("coefficients").map_or(0, |attribute| attribute.floats.len());
        let columns = given / width;
        if columns == 1 && self.labels.len() == 2 {
            if transform == "SOFTMAX" {
                return Err(unsupported("post_transform SOFTMAX of a LinearClassifier's single column"));
            }
            let score = self.weighted(node, input, 1)?;
            let second = self.transformed(&transform, score)?;
            return self.pair(second);
        }
        if columns != self.labels.len() || columns == 0 || columns > MAX_OUTPUTS {
            return Err(malformed("LinearClassifier", format!("{given} coefficients for {width} features, {} classes", self.labels.len())));
        }
        let scores = self.weighted(node, input, columns)?;
        self.transformed(&transform, scores)
    }

    fn weighted(&mut self, node: &NodeProto, input: Numbers, outputs: usize) -> Result<Numbers, ModelError> {
        let mut biases = node.floats("intercepts");
        if biases.is_empty() {
            biases = vec![0.0; outputs];
        }
        if biases.len() != outputs {
            return Err(malformed(&node.op_type, format!("{} intercepts for {outputs} outputs", biases.len())));
        }
        self.push(Operation::Dense { weights: node.floats("coefficients"), biases }, input)
    }
}

/// The linear model that a network without functions is.
pub(super) fn of(network: &Network) -> Linear {
    let (features, outputs) = (network.features(), network.outputs());
    let zero = vec![0.0; features];
    let mut intercepts = vec![0.0; outputs];
    network.predict_into(&zero, &mut intercepts);
    let weights = (0..outputs).flat_map(|output| network.gradient(&zero, output)).collect();
    Linear { features, weights, intercepts, means: None }
}

/// Whether the first of two outputs is the negative of the second, as scikit-learn's classifiers of two classes have it.
pub(super) fn is_one_score_and_its_negative(linear: &Linear) -> bool {
    let (first, second) = linear.weights.split_at(linear.features);
    linear.intercepts.len() == 2 && linear.intercepts[0] == -linear.intercepts[1] && first.iter().zip(second).all(|(a, b)| *a == -b)
}

pub(super) fn second_output(mut linear: Linear) -> Linear {
    linear.weights.drain(..linear.features);
    linear.intercepts.remove(0);
    linear
}
