//! What a step of a network computes, and its derivative.

use super::Inputs;

/// A step: an operation and the values it is applied to.
#[derive(Debug, Clone, PartialEq)]
pub struct Step {
    pub(in super::super::super) operation: Operation,
    /// Values made before, by their number; 0 is the row.
    pub(in super::super::super) inputs: Vec<u32>,
    /// How many numbers it makes.
    pub(in super::super::super) width: usize,
    /// Whether the file computes it in 32-bit floats. It is computed in 64 all the same; who folds it into thresholds
    /// has to know.
    pub(in super::super::super) single: bool,
}

/// Lists of constants hold one number for all places or one for each.
#[derive(Debug, Clone, PartialEq)]
pub enum Operation {
    /// These places of the input.
    Pick(Vec<u32>),
    /// All inputs, one after another.
    Join,
    /// A weighted sum per output, whose weights stand together, plus its bias.
    Dense {
        weights: Vec<f64>,
        biases: Vec<f64>,
    },
    Add(Vec<f64>),
    Multiply(Vec<f64>),
    Divide(Vec<f64>),
    /// Puts a number where one is missing.
    Fill(Vec<f64>),
    /// To 32-bit floats; its derivative is taken to be 1.
    Round,
    Clip {
        low: f64,
        high: f64,
    },
    Apply(Function),
    Softmax,
    LogSoftmax,
    Normalize(Norm),
    /// Two or more inputs, place by place.
    Sum,
    /// The first input less the second, place by place; so for the next two.
    Difference,
    Product,
    Quotient,
}

/// What an input is divided by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Norm {
    /// The sum of its absolute values.
    L1,
    /// Its Euclidean length.
    L2,
}

/// Functions of one number.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Function {
    Relu,
    LeakyRelu { alpha: f64 },
    Elu { alpha: f64 },
    Selu { alpha: f64, gamma: f64 },
    Sigmoid,
    Tanh,
    Softplus,
    Softsign,
    Exp,
    Log,
    Sqrt,
    Reciprocal,
    Abs,
}

impl Function {
    /// NaN stays NaN in all of them.
    fn of(self, x: f64) -> f64 {
        match self {
            Self::Relu => {
                if x <= 0.0 {
                    0.0
                } else {
                    x
                }
            }
            Self::LeakyRelu { alpha } => {
                if x < 0.0 {
                    alpha * x
                } else {
                    x
                }
            }
            Self::Elu { alpha } => {
                if x < 0.0 {
                    alpha * x.exp_m1()
                } else {
                    x
                }
            }
            Self::Selu { alpha, gamma } => gamma * if x <= 0.0 { alpha * x.exp_m1() } else { x },
            Self::Sigmoid => {
                if x < 0.0 {
                    x.exp() / (1.0 + x.exp())
                } else {
                    1.0 / (1.0 + (-x).exp())
                }
            }
            Self::Tanh => x.tanh(),
            Self::Softplus => {
                if x > 0.0 {
                    x + (-x).exp().ln_1p()
                } else {
                    x.exp().ln_1p()
                }
            }
            Self::Softsign => x / (1.0 + x.abs()),
            Self::Exp => x.exp(),
            Self::Log => x.ln(),
            Self::Sqrt => x.sqrt(),
            Self::Reciprocal => 1.0 / x,
            Self::Abs => x.abs(),
        }
    }

    /// The derivative at `x`, where the function is `y`.
    fn slope(self, x: f64, y: f64) -> f64 {
        match self {
            _ if x.is_nan() => x,
            Self::Relu => {
                if x > 0.0 {
                    1.0
                } else {
                    0.0
                }
            }
            Self::LeakyRelu { alpha } => {
                if x < 0.0 {
                    alpha
                } else {
                    1.0
                }
            }
            Self::Elu { alpha } => {
                if x < 0.0 {
                    y + alpha
                } else {
                    1.0
                }
            }
            Self::Selu { alpha, gamma } => {
                if x <= 0.0 {
                    y + gamma * alpha
                } else {
                    gamma
                }
            }
            Self::Sigmoid => y * (1.0 - y),
            Self::Tanh => 1.0 - y * y,
            Self::Softplus => Self::Sigmoid.of(x),
            Self::Softsign => (1.0 + x.abs()).powi(-2),
            Self::Exp => y,
            Self::Log => 1.0 / x,
            Self::Sqrt => 0.5 / y,
            Self::Reciprocal => -y * y,
            Self::Abs => {
                if x > 0.0 {
                    1.0
                } else if x < 0.0 {
                    -1.0
                } else {
                    0.0
                }
            }
        }
    }
}

/// The constant for a place, from a list of one or of all.
fn constant(list: &[f64], place: usize) -> f64 {
    if list.len() == 1 { list[0] } else { list[place] }
}

fn softmax_into(input: &[f64], output: &mut [f64]) {
    let largest = input.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let mut sum = 0.0;
    for (out, x) in output.iter_mut().zip(input) {
        *out = (x - largest).exp();
        sum += *out;
    }
    output.iter_mut().for_each(|out| *out /= sum);
}

impl Norm {
    fn of(self, input: &[f64]) -> f64 {
        match self {
            Self::L1 => input.iter().map(|x| x.abs()).sum(),
            Self::L2 => input.iter().map(|x| x * x).sum::<f64>().sqrt(),
        }
    }
}

impl Operation {
    /// What it is called in a refusal.
    pub(in super::super::super) fn name(&self) -> &'static str {
        match self {
            Self::Pick(_) => "a choice of columns",
            Self::Join => "a concatenation",
            Self::Dense { .. } => "a weighted sum",
            Self::Add(_) | Self::Sum | Self::Difference => "a sum",
            Self::Multiply(_) | Self::Product => "a product",
            Self::Divide(_) | Self::Quotient => "a quotient",
            Self::Fill(_) => "an imputation",
            Self::Round => "a rounding",
            Self::Clip { .. } => "a clipping",
            Self::Apply(_) => "an activation function",
            Self::Softmax | Self::LogSoftmax => "a softmax",
            Self::Normalize(_) => "a normalization",
        }
    }

    /// How many numbers it holds.
    pub(super) fn parameters(&self) -> usize {
        match self {
            Self::Pick(places) => places.len(),
            Self::Dense { weights, biases } => weights.len() + biases.len(),
            Self::Add(list) | Self::Multiply(list) | Self::Divide(list) | Self::Fill(list) => list.len(),
            _ => 0,
        }
    }

    pub(super) fn forward(&self, inputs: &Inputs<'_>, output: &mut [f64]) {
        let input = inputs.get(0);
        let each = |output: &mut [f64], of: &dyn Fn(usize, f64) -> f64| {
            for (place, (out, x)) in output.iter_mut().zip(input).enumerate() {
                *out = of(place, *x);
            }
        };
        match self {
            Self::Pick(places) => output.iter_mut().zip(places).for_each(|(out, place)| *out = input[*place as usize]),
            Self::Join => {
                let mut rest = output;
                for number in 0..inputs.count() {
                    let (here, after) = rest.split_at_mut(inputs.get(number).len());
                    here.copy_from_slice(inputs.get(number));
                    rest = after;
                }
            }
            Self::Dense { weights, biases } => {
                for (out, (weights, bias)) in output.iter_mut().zip(weights.chunks_exact(input.len()).zip(biases)) {
                    *out = bias + weights.iter().zip(input).map(|(weight, x)| weight * x).sum::<f64>();
                }
            }
            Self::Add(list) => each(output, &|place, x| x + constant(list, place)),
            Self::Multiply(list) => each(output, &|place, x| x * constant(list, place)),
            Self::Divide(list) => each(output, &|place, x| x / constant(list, place)),
            Self::Fill(list) => each(output, &|place, x| if x.is_nan() { constant(list, place) } else { x }),
            Self::Round => each(output, &|_, x| f64::from(x as f32)),
            Self::Clip { low, high } => each(output, &|_, x| x.clamp(*low, *high)),
            Self::Apply(function) => each(output, &|_, x| function.of(x)),
            Self::Softmax => softmax_into(input, output),
            Self::LogSoftmax => {
                let largest = input.iter().copied().fold(f64::NEG_INFINITY, f64::max);
                let sum = largest + input.iter().map(|x| (x - largest).exp()).sum::<f64>().ln();
                each(output, &|_, x| x - sum);
            }
            Self::Normalize(norm) => {
                let by = norm.of(input);
                each(output, &|_, x| if by == 0.0 { x } else { x / by });
            }
            Self::Sum => {
                output.copy_from_slice(input);
                for number in 1..inputs.count() {
                    output.iter_mut().zip(inputs.get(number)).for_each(|(out, x)| *out += x);
                }
            }
            Self::Difference => each(output, &|place, x| x - inputs.get(1)[place]),
            Self::Product => each(output, &|place, x| x * inputs.get(1)[place]),
            Self::Quotient => each(output, &|place, x| x / inputs.get(1)[place]),
        }
    }

    /// Adds what the output's `slopes` mean for the inputs to `before`, where all values before this one have theirs.
    pub(super) fn backward(&self, inputs: &Inputs<'_>, output: &[f64], slopes: &[f64], before: &mut [f64]) {
        let input = inputs.get(0);
        let first = inputs.span(0).start;
        let each = |before: &mut [f64], of: &dyn Fn(usize, f64) -> f64| {
            for (place, slope) in slopes.iter().enumerate() {
                before[first + place] += of(place, *slope);
            }
        };
        match self {
            Self::Pick(places) => slopes.iter().zip(places).for_each(|(slope, place)| before[first + *place as usize] += slope),
            Self::Join => {
                let mut slopes = slopes;
                for number in 0..inputs.count() {
                    let span = inputs.span(number);
                    let (here, after) = slopes.split_at(span.len());
                    before[span].iter_mut().zip(here).for_each(|(to, slope)| *to += slope);
                    slopes = after;
                }
            }
            Self::Dense { weights, .. } => {
                let before = &mut before[inputs.span(0)];
                for (slope, weights) in slopes.iter().zip(weights.chunks_exact(input.len())) {
                    // Most are zero behind a Relu and for all outputs but one.
                    if *slope != 0.0 {
                        before.iter_mut().zip(weights).for_each(|(to, weight)| *to += slope * weight);
                    }
                }
            }
            Self::Add(_) | Self::Round => each(before, &|_, slope| slope),
            Self::Multiply(list) => each(before, &|place, slope| slope * constant(list, place)),
            Self::Divide(list) => each(before, &|place, slope| slope / constant(list, place)),
            Self::Fill(_) => each(before, &|place, slope| if input[place].is_nan() { 0.0 } else { slope }),
            Self::Clip { low, high } => each(before, &|place, slope| match input[place] {
                x if x.is_nan() => x,
                x if x > *low && x < *high => slope,
                _ => 0.0,
            }),
            Self::Apply(function) => each(before, &|place, slope| slope * function.slope(input[place], output[place])),
            Self::Softmax => {
                let mean: f64 = slopes.iter().zip(output).map(|(slope, share)| slope * share).sum();
                each(before, &|place, slope| output[place] * (slope - mean));
            }
            Self::LogSoftmax => {
                let sum: f64 = slopes.iter().sum();
                each(before, &|place, slope| slope - output[place].exp() * sum);
            }
            Self::Normalize(norm) => {
                let by = norm.of(input);
                if by == 0.0 {
                    return each(before, &|_, slope| slope);
                }
                let along: f64 = slopes.iter().zip(output).map(|(slope, y)| slope * y).sum();
                each(before, &|place, slope| {
                    let turn = match norm {
                        Norm::L1 => Function::Abs.slope(input[place], 0.0),
                        Norm::L2 => output[place],
                    };
                    (slope - turn * along) / by
                });
            }
            Self::Sum => {
                for number in 0..inputs.count() {
                    before[inputs.span(number)].iter_mut().zip(slopes).for_each(|(to, slope)| *to += slope);
                }
            }
            Self::Difference => {
                each(before, &|_, slope| slope);
                before[inputs.span(1)].iter_mut().zip(slopes).for_each(|(to, slope)| *to -= slope);
            }
            Self::Product => {
                let other = inputs.get(1);
                each(before, &|place, slope| slope * other[place]);
                let second = before[inputs.span(1)].iter_mut();
                second.zip(slopes.iter().zip(input)).for_each(|(to, (slope, x))| *to += slope * x);
            }
            Self::Quotient => {
                let other = inputs.get(1);
                each(before, &|place, slope| slope / other[place]);
                let second = before[inputs.span(1)].iter_mut();
                second.zip(slopes.iter().zip(output.iter().zip(other))).for_each(|(to, (slope, (y, by)))| *to -= slope * y / by);
            }
        }
    }
}
