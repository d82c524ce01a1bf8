//! Small feed-forward networks.
//!
//! A network is a list of steps over the values of one row. Value 0 is the row; every step makes the next value from
//! values before it, and the last value is the output. Everything is computed in 64-bit floats, also where the file
//! says 32: what differs from a 32-bit runtime is that runtime's rounding (below 2e-7 of the output's scale in all
//! fixtures), and a gradient is that of the function itself, not of its rounding. Only the row is rounded first where the file
//! takes 32-bit inputs.
//!
//! Missing inputs make everything missing that depends on them, unless the file says what to put in their place.

mod builder;
mod operation;

pub(in super::super) use builder::{Elementary, NetworkBuilder, Trace};
pub(in super::super) use operation::{Function, Norm, Operation, Step};

use super::forest::Precision;

/// The most numbers that all operations of a network may hold together.
pub const MAX_PARAMETERS: usize = 16_000_000;
/// The most numbers that all values of one row may hold together.
pub const MAX_VALUES: usize = 1 << 20;
/// The most steps a network may have.
pub const MAX_STEPS: usize = 8_192;

/// Operations applied one after another, each to values made before it.
#[derive(Debug, Clone, PartialEq)]
pub struct Network {
    pub(in super::super) features: usize,
    pub(in super::super) precision: Precision,
    pub(in super::super) steps: Vec<Step>,
    /// Where each value begins among all values of a row; one more than there are values.
    starts: Vec<usize>,
}

impl Network {
    pub fn features(&self) -> usize {
        self.features
    }

    pub fn outputs(&self) -> usize {
        let last = self.starts.len() - 1;
        self.starts[last] - self.starts[last - 1]
    }

    /// How many numbers the operations hold.
    pub fn parameters(&self) -> usize {
        self.steps.iter().map(|step| step.operation.parameters()).sum()
    }

    /// How many numbers are computed for one row, the row included.
    pub fn values(&self) -> usize {
        self.starts[self.starts.len() - 1]
    }

    /// The output margins of a row. NaN means missing, and so does everything beyond the end of a short row.
    pub fn predict_into(&self, row: &[f64], margins: &mut [f64]) {
        let mut values = Vec::new();
        self.forward(&self.rounded(row), &mut values);
        margins.copy_from_slice(self.output(&values));
    }

    /// The derivatives of one output's margin by the features, at this row; NaN where the output is missing.
    ///
    /// Where a function has a corner the derivative of one side is taken: at zero, a `Relu` counts as flat.
    ///
    /// # Panics
    /// When there is no such output.
    pub fn gradient(&self, row: &[f64], output: usize) -> Vec<f64> {
        let (mut values, mut slopes) = (Vec::new(), Vec::new());
        self.forward(&self.rounded(row), &mut values);
        self.backward(&values, output, &mut slopes);
        slopes.truncate(self.features);
        slopes
    }

    /// The row as the network sees it: of full length, in the width of the file's inputs.
    pub(in super::super) fn rounded(&self, row: &[f64]) -> Vec<f64> {
        let value = |at: usize| row.get(at).copied().unwrap_or(f64::NAN);
        match self.precision {
            Precision::Single => (0..self.features).map(|at| f64::from(value(at) as f32)).collect(),
            Precision::Double => (0..self.features).map(value).collect(),
        }
    }

    /// What the network puts in place of each feature that is missing; NaN where it puts nothing.
    pub(in super::super) fn stand_ins(&self) -> Vec<f64> {
        let mut found = vec![f64::NAN; self.features];
        // Which feature each number of a value is, for values that are features picked and put together.
        let mut origins: Vec<Option<Vec<u32>>> = vec![Some((0..self.features as u32).collect())];
        for step in &self.steps {
            let inputs: Option<Vec<&Vec<u32>>> = step.inputs.iter().map(|&value| origins[value as usize].as_ref()).collect();
            let origin = inputs.and_then(|inputs| match &step.operation {
                Operation::Pick(places) => Some(places.iter().map(|&place| inputs[0][place as usize]).collect()),
                Operation::Join => Some(inputs.into_iter().flatten().copied().collect()),
                Operation::Round => Some(inputs[0].clone()),
                Operation::Fill(with) => {
                    for (place, &feature) in inputs[0].iter().enumerate() {
                        let with = with[if with.len() == 1 { 0 } else { place }];
                        let slot = &mut found[feature as usize];
                        *slot = if slot.is_nan() { with } else { *slot };
                    }
                    None
                }
                _ => None,
            });
            origins.push(origin);
        }
        found
    }

    /// Computes all values of a row of full length, which is taken as it is.
    pub(in super::super) fn forward(&self, row: &[f64], values: &mut Vec<f64>) {
        values.clear();
        values.extend_from_slice(row);
        values.resize(self.starts[self.starts.len() - 1], 0.0);
        for (step, at) in self.steps.iter().zip(1..) {
            let (before, rest) = values.split_at_mut(self.starts[at]);
            let inputs = Inputs { values: before, starts: &self.starts, of: &step.inputs };
            step.operation.forward(&inputs, &mut rest[..self.starts[at + 1] - self.starts[at]]);
        }
    }

    /// The outputs among all values.
    pub(in super::super) fn output<'a>(&self, values: &'a [f64]) -> &'a [f64] {
        &values[self.starts[self.starts.len() - 2]..]
    }

    /// Derivatives of one output by all values that [`forward`](Self::forward) has left; the features' come first.
    pub(in super::super) fn backward(&self, values: &[f64], output: usize, slopes: &mut Vec<f64>) {
        assert!(output < self.outputs(), "output {output} of {}", self.outputs());
        slopes.clear();
        slopes.resize(values.len(), 0.0);
        slopes[self.starts[self.starts.len() - 2] + output] = 1.0;
        for (number, step) in self.steps.iter().enumerate().rev() {
            let at = number + 1;
            let span = self.starts[at]..self.starts[at + 1];
            let inputs = Inputs { values: &values[..span.start], starts: &self.starts, of: &step.inputs };
            let (before, rest) = slopes.split_at_mut(span.start);
            step.operation.backward(&inputs, &values[span.clone()], &rest[..span.len()], before);
        }
    }
}

/// The values a step works on.
pub(in super::super) struct Inputs<'a> {
    values: &'a [f64],
    starts: &'a [usize],
    of: &'a [u32],
}

impl<'a> Inputs<'a> {
    fn count(&self) -> usize {
        self.of.len()
    }

    /// Where the input stands among all values.
    fn span(&self, input: usize) -> std::ops::Range<usize> {
        let value = self.of[input] as usize;
        self.starts[value]..self.starts[value + 1]
    }

    fn get(&self, input: usize) -> &'a [f64] {
        &self.values[self.span(input)]
    }
}

#[cfg(test)]
mod tests;
