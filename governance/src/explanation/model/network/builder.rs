//! Puts a network together step by step, checking widths and sizes, and knows what its end means.

use super::super::forest::Precision;
use super::super::{Link, MAX_FEATURES, MAX_OUTPUTS, ModelError, malformed, unsupported};
use super::{Function, MAX_PARAMETERS, MAX_STEPS, MAX_VALUES, Network, Norm, Operation, Step};

fn wrong<T>(reason: String) -> Result<T, ModelError> {
    Err(malformed("a network", reason))
}

/// A network under construction; values are named by their number, 0 being the row.
#[derive(Debug, Clone)]
pub struct NetworkBuilder {
    features: usize,
    precision: Precision,
    steps: Vec<Step>,
    parameters: usize,
    values: usize,
}

/// One number of a value, followed back to the feature it is made from alone.
#[derive(Debug, Clone, PartialEq)]
pub struct Trace {
    pub(in super::super::super) feature: usize,
    /// What is done to it, in order, and whether the result is a 32-bit float.
    pub(in super::super::super) path: Vec<(Elementary, bool)>,
}

/// What is done to a single number.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Elementary {
    Add(f64),
    Multiply(f64),
    Divide(f64),
    Fill(f64),
    Clip { low: f64, high: f64 },
    Round,
}

impl NetworkBuilder {
    pub fn new(features: usize, precision: Precision) -> Self {
        Self { features, precision, steps: Vec::new(), parameters: 0, values: features }
    }

    /// How many numbers a value has.
    pub fn width(&self, value: usize) -> usize {
        if value == 0 { self.features } else { self.steps[value - 1].width }
    }

    pub fn precision(&self) -> Precision {
        self.precision
    }

    /// Appends a step and names the value it makes. `single` says whether the file computes it in 32-bit floats.
    pub fn push(&mut self, operation: Operation, inputs: &[usize], single: bool) -> Result<usize, ModelError> {
        let width = self.width_of(&operation, inputs)?;
        let parameters = operation.parameters();
        if parameters > MAX_PARAMETERS - self.parameters {
            return Err(malformed("a network", format!("it has more than {MAX_PARAMETERS} parameters")));
        }
        if self.steps.len() >= MAX_STEPS || width > MAX_FEATURES || width > MAX_VALUES - self.values {
            return Err(malformed("a network", format!("it has more than {MAX_STEPS} steps or {MAX_VALUES} values")));
        }
        self.parameters += parameters;
        self.values += width;
        self.steps.push(Step { operation, inputs: inputs.iter().map(|&value| value as u32).collect(), width, single });
        Ok(self.steps.len())
    }

    /// The width of what an operation makes, if it can be applied to these inputs.
    fn width_of(&self, operation: &Operation, inputs: &[usize]) -> Result<usize, ModelError> {
        let widths: Vec<usize> = inputs.iter().map(|&value| self.width(value)).collect();
        let finite = |list: &[f64]| match list.iter().find(|number| !number.is_finite()) {
            Some(number) => wrong(format!("{number} is not a parameter")),
            None => Ok(()),
        };
        let one_or_each = |list: &[f64]| {
            finite(list)?;
            match list.len() {
                length if length == 1 || length == widths[0] => Ok(widths[0]),
                length => wrong(format!("{length} constants for {} values", widths[0])),
            }
        };
        if widths.is_empty() || widths.contains(&0) {
            return wrong("an operation on nothing".into());
        }
        match operation {
            Operation::Pick(places) => match places.iter().find(|&&place| place as usize >= widths[0]) {
                Some(place) => wrong(format!("place {place} of {}", widths[0])),
                None if places.is_empty() => wrong("nothing is picked".into()),
                None => Ok(places.len()),
            },
            Operation::Join => Ok(widths.iter().sum()),
            Operation::Dense { weights, biases } => {
                finite(weights)?;
                finite(biases)?;
                if weights.len() != biases.len() * widths[0] || biases.is_empty() {
                    return wrong(format!("{} weights for {} inputs and {} outputs", weights.len(), widths[0], biases.len()));
                }
                Ok(biases.len())
            }
            Operation::Add(list) | Operation::Multiply(list) | Operation::Fill(list) => one_or_each(list),
            Operation::Divide(list) if list.contains(&0.0) => wrong("a division by zero".into()),
            Operation::Divide(list) => one_or_each(list),
            Operation::Clip { low, high } if low <= high => Ok(widths[0]),
            Operation::Clip { low, high } => wrong(format!("values clipped to between {low} and {high}")),
            Operation::Sum | Operation::Difference | Operation::Product | Operation::Quotient => {
                let two = matches!(operation, Operation::Sum) || widths.len() == 2;
                if !two || widths.iter().any(|width| *width != widths[0]) {
                    return wrong(format!("widths {widths:?} are put together place by place"));
                }
                Ok(widths[0])
            }
            _ => Ok(widths[0]),
        }
    }

    /// Follows one number of a value back to the feature it is made from, if it is made from one alone by simple steps.
    ///
    /// Returns the operation in the way otherwise.
    pub fn trace(&self, value: usize, place: usize) -> Result<Trace, &Operation> {
        let (mut value, mut place) = (value, place);
        let mut path = Vec::new();
        while value != 0 {
            let step = &self.steps[value - 1];
            let constant = |list: &[f64]| list[if list.len() == 1 { 0 } else { place }];
            let mut below = place;
            let mut input = 0;
            let elementary = match &step.operation {
                Operation::Pick(places) => {
                    below = places[place] as usize;
                    None
                }
                Operation::Join => {
                    while below >= self.width(step.inputs[input] as usize) {
                        below -= self.width(step.inputs[input] as usize);
                        input += 1;
                    }
                    None
                }
                Operation::Add(list) => Some(Elementary::Add(constant(list))),
                Operation::Multiply(list) => Some(Elementary::Multiply(constant(list))),
                Operation::Divide(list) => Some(Elementary::Divide(constant(list))),
                Operation::Fill(list) => Some(Elementary::Fill(constant(list))),
                Operation::Clip { low, high } => Some(Elementary::Clip { low: *low, high: *high }),
                Operation::Round => Some(Elementary::Round),
                other => return Err(other),
            };
            path.extend(elementary.map(|elementary| (elementary, step.single)));
            place = below;
            value = step.inputs[input] as usize;
        }
        path.reverse();
        Ok(Trace { feature: place, path })
    }

    fn step(&self, value: usize) -> Option<&Step> {
        value.checked_sub(1).map(|at| &self.steps[at])
    }

    /// Takes the last function off where it is a link, so that what is before it are margins.
    ///
    /// A pair of columns `1 − p` and `p` is taken for `p` alone.
    pub fn take_link(&mut self, value: usize) -> Result<(usize, Link), ModelError> {
        let mut value = value;
        while let Some(Step { operation: Operation::Round, inputs, .. }) = self.step(value) {
            value = inputs[0] as usize;
        }
        if let Some(probability) = self.pair(value) {
            value = probability;
        }
        let Some(step) = self.step(value) else { return Ok((value, Link::Identity)) };
        let (inner, single) = (step.inputs[0] as usize, step.single);
        Ok(match &step.operation {
            Operation::Apply(Function::Sigmoid) => (inner, Link::Logistic),
            Operation::Apply(Function::Exp) => (inner, Link::Log),
            Operation::Softmax => (inner, Link::Softmax),
            // The logarithms of probabilities are margins themselves.
            Operation::LogSoftmax => (value, Link::Softmax),
            Operation::Normalize(Norm::L1) => match self.step(inner) {
                Some(Step { operation: Operation::Apply(Function::Sigmoid), inputs, width: 2.., .. }) => {
                    (inputs[0] as usize, Link::OneVersusAll)
                }
                Some(Step { operation: Operation::Softmax, inputs, .. }) => (inputs[0] as usize, Link::Softmax),
                _ => (value, Link::Identity),
            },
            // A rate times a constant: the constant's logarithm belongs to the margin.
            Operation::Multiply(list) if list.iter().all(|factor| *factor > 0.0) => match self.step(inner) {
                Some(Step { operation: Operation::Apply(Function::Exp), inputs, .. }) => {
                    let (margin, shift) = (inputs[0] as usize, list.iter().map(|factor| factor.ln()).collect());
                    (self.push(Operation::Add(shift), &[margin], single)?, Link::Log)
                }
                _ if list.iter().all(|factor| *factor == 1.0) => return self.take_link(inner),
                _ => (value, Link::Identity),
            },
            _ => (value, Link::Identity),
        })
    }

    /// The second of two columns of which the first is one less the second.
    fn pair(&self, value: usize) -> Option<usize> {
        let both = self.step(value).filter(|step| matches!(step.operation, Operation::Join) && step.inputs.len() == 2)?;
        let [first, second] = [both.inputs[0] as usize, both.inputs[1] as usize];
        let sum = self.step(first).filter(|step| step.width == 1 && step.operation == Operation::Add(vec![1.0]))?;
        let negated = self.step(sum.inputs[0] as usize).filter(|step| step.operation == Operation::Multiply(vec![-1.0]))?;
        (negated.inputs[0] as usize == second).then_some(second)
    }

    /// The network whose output is this value; steps it does not need are left out.
    pub fn finish(self, output: usize) -> Result<Network, ModelError> {
        let mut needed = vec![false; self.steps.len() + 1];
        needed[output] = true;
        for (at, step) in self.steps.iter().enumerate().rev() {
            if needed[at + 1] {
                step.inputs.iter().for_each(|&input| needed[input as usize] = true);
            }
        }
        let mut numbers = vec![0u32; self.steps.len() + 1];
        let mut network = Network { features: self.features, precision: self.precision, steps: Vec::new(), starts: vec![0, self.features] };
        let outputs = self.width(output);
        if outputs > MAX_OUTPUTS {
            return Err(unsupported(format!("{outputs} outputs, more than {MAX_OUTPUTS}")));
        }
        for (mut step, at) in self.steps.into_iter().zip(1..) {
            if needed[at] {
                step.inputs.iter_mut().for_each(|input| *input = numbers[*input as usize]);
                numbers[at] = network.steps.len() as u32 + 1;
                network.starts.push(network.starts[network.starts.len() - 1] + step.width);
                network.steps.push(step);
            }
        }
        Ok(network)
    }
}

impl Network {
    /// Whether every output is a weighted sum of the features and nothing more.
    pub(in super::super::super) fn is_linear(&self) -> bool {
        use Operation::{Add, Dense, Difference, Divide, Join, Multiply, Pick, Round, Sum};
        let linear = |step: &Step| {
            matches!(step.operation, Add(_) | Dense { .. } | Difference | Divide(_) | Join | Multiply(_) | Pick(_) | Round | Sum)
        };
        self.steps.iter().all(linear)
    }
}
