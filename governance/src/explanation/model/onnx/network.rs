//! Operators that make numbers of numbers, row by row: layers of networks and steps of pipelines.

use super::super::network::{Function, Norm, Operation};
use super::super::{MAX_FEATURES, ModelError, malformed, unsupported};
use super::proto::{NodeProto, TensorProto, element};
use super::{Numbers, Reader, Value};

/// Parameters of `Selu` where the file does not give them.
const SELU_ALPHA: f64 = 1.673_263_192_176_818_8;
const SELU_GAMMA: f64 = 1.050_701_022_148_132_3;

impl<'a> Reader<'a> {
    /// What an operator that is neither an ensemble nor linear makes, or its name in a refusal.
    pub(super) fn numeric(&mut self, node: &'a NodeProto) -> Result<Numbers, ModelError> {
        let operator = node.op_type.as_str();
        if let Some(function) = function(node) {
            let input = self.numbers(node, 0)?;
            return self.push(Operation::Apply(function), input);
        }
        match operator {
            "Identity" => self.numbers(node, 0),
            "Dropout" => match self.constant(node, 2) {
                Some(training) if training.ints()?.iter().any(|flag| *flag != 0) => Err(unsupported("Dropout in training")),
                _ => self.numbers(node, 0),
            },
            "Cast" => self.cast(node),
            "Neg" => {
                let input = self.numbers(node, 0)?;
                self.push(Operation::Multiply(vec![-1.0]), input)
            }
            "Gemm" => self.gemm(node),
            "MatMul" => self.matmul(node),
            "Add" | "Sub" | "Mul" | "Div" | "Sum" => self.arithmetic(node),
            "Softmax" | "LogSoftmax" => {
                let input = self.columns(node, 0)?;
                match node.int("axis", -1) {
                    1 | -1 if operator == "Softmax" => self.push(Operation::Softmax, input),
                    1 | -1 => self.push(Operation::LogSoftmax, input),
                    axis => Err(unsupported(format!("{operator} over axis {axis}"))),
                }
            }
            "Clip" => self.clip(node),
            "BatchNormalization" => self.batch_normalization(node),
            "Flatten" => match node.int("axis", 1) {
                1 | -1 => self.columns(node, 0),
                axis => Err(unsupported(format!("Flatten from axis {axis}"))),
            },
            "Reshape" => self.reshape(node),
            "Concat" | "FeatureVectorizer" => {
                let axis = node.int("axis", 1);
                if axis != 1 && axis != -1 {
                    return Err(unsupported(format!("Concat over axis {axis}")));
                }
                let parts = (0..node.input.len()).map(|input| self.columns(node, input)).collect::<Result<Vec<_>, _>>()?;
                match parts.as_slice() {
                    [] => Err(malformed("Concat", "it puts nothing together")),
                    [one] => Ok(*one),
                    parts => self.push_all(Operation::Join, parts),
                }
            }
            "Gather" | "ArrayFeatureExtractor" => self.pick(node),
            "Scaler" => {
                let input = self.columns(node, 0)?;
                let offsets = node.floats("offset").into_iter().map(|offset| -offset).collect();
                let moved = self.push(Operation::Add(offsets), input)?;
                self.push(Operation::Multiply(node.floats("scale")), moved)
            }
            "Imputer" => self.imputer(node),
            "Normalizer" => {
                let input = self.columns(node, 0)?;
                match &*node.text("norm", "MAX")? {
                    "L1" => self.push(Operation::Normalize(Norm::L1), input),
                    "L2" => self.push(Operation::Normalize(Norm::L2), input),
                    other => Err(unsupported(format!("Normalizer by {other}"))),
                }
            }
            other => Err(unsupported(format!("operator {other}"))),
        }
    }

    fn cast(&mut self, node: &NodeProto) -> Result<Numbers, ModelError> {
        let input = self.numbers(node, 0)?;
        match i32::try_from(node.int("to", 0)) {
            Ok(element::FLOAT) if input.single => Ok(input),
            Ok(element::FLOAT) => self.push(Operation::Round, Numbers { single: true, ..input }),
            Ok(element::DOUBLE) => Ok(Numbers { single: false, ..input }),
            _ => Err(unsupported(format!("Cast of numbers to element type {}", node.int("to", 0)))),
        }
    }

    fn needed(&self, node: &NodeProto, input: usize) -> Result<&'a TensorProto, ModelError> {
        self.constant(node, input).ok_or_else(|| unsupported(format!("{} whose input {input} is no constant", node.op_type)))
    }

    /// A constant that is put together with values of this width place by place.
    fn list(&self, node: &NodeProto, tensor: &TensorProto) -> Result<Vec<f64>, ModelError> {
        let shape = tensor.shape()?;
        match shape.split_last() {
            Some((_, others)) if others.iter().any(|length| *length != 1) => {
                Err(unsupported(format!("{} with a constant of the shape {shape:?}", node.op_type)))
            }
            Some((length, _)) if *length > MAX_FEATURES => Err(malformed(&node.op_type, format!("a constant of {length} numbers"))),
            _ => tensor.floats(),
        }
    }

    /// Two dimensions, or a refusal.
    fn matrix(node: &NodeProto, tensor: &TensorProto) -> Result<[usize; 2], ModelError> {
        <[usize; 2]>::try_from(tensor.shape()?).map_err(|shape| unsupported(format!("{} by a tensor of the shape {shape:?}", node.op_type)))
    }

    /// Weights as they are kept, all of one output together, from a matrix with a row per input.
    fn dense(
        &mut self,
        node: &NodeProto,
        input: Numbers,
        weights: &[f64],
        shape: [usize; 2],
        transposed: bool,
        biases: Vec<f64>,
    ) -> Result<Numbers, ModelError> {
        let [inputs, outputs] = if transposed { [shape[1], shape[0]] } else { shape };
        if inputs != self.width(input) || outputs == 0 {
            return Err(malformed(
                &node.op_type,
                format!("weights for {inputs} numbers and {outputs} outputs where there are {}", self.width(input)),
            ));
        }
        let weights = match transposed {
            true => weights.to_vec(),
            false => (0..outputs).flat_map(|output| (0..inputs).map(move |from| weights[from * outputs + output])).collect(),
        };
        let biases = if biases.len() == 1 { vec![biases[0]; outputs] } else { biases };
        self.push(Operation::Dense { weights, biases }, input)
    }

    fn gemm(&mut self, node: &'a NodeProto) -> Result<Numbers, ModelError> {
        let input = self.columns(node, 0)?;
        if node.int("transA", 0) != 0 {
            return Err(unsupported("Gemm of a transposed input"));
        }
        let tensor = self.needed(node, 1)?;
        let shape = Self::matrix(node, tensor)?;
        let (alpha, beta) = (node.float("alpha", 1.0), node.float("beta", 1.0));
        let mut weights = tensor.floats()?;
        if alpha != 1.0 {
            weights.iter_mut().for_each(|weight| *weight *= alpha);
        }
        let biases = match node.input.get(2).is_some_and(|name| !name.is_empty()) {
            true => self.list(node, self.needed(node, 2)?)?.into_iter().map(|bias| bias * beta).collect(),
            false => vec![0.0],
        };
        self.dense(node, input, &weights, shape, node.int("transB", 0) != 0, biases)
    }

    fn matmul(&mut self, node: &'a NodeProto) -> Result<Numbers, ModelError> {
        let input = self.columns(node, 0)?;
        let tensor = self.needed(node, 1)?;
        // Without a second dimension there is one output, and it has no column.
        let (shape, flat) = match tensor.shape()?.as_slice() {
            [inputs] => ([*inputs, 1], true),
            _ => (Self::matrix(node, tensor)?, false),
        };
        let made = self.dense(node, input, &tensor.floats()?, shape, false, vec![0.0])?;
        Ok(Numbers { flat, ..made })
    }

    fn arithmetic(&mut self, node: &'a NodeProto) -> Result<Numbers, ModelError> {
        let operator = node.op_type.as_str();
        if node.input.len() == 1 && operator == "Sum" {
            return self.numbers(node, 0);
        }
        match (self.value(node, 0), self.value(node, 1)) {
            _ if node.input.len() != 2 => self.sum(node),
            (Some(Value::Numbers(_)), Some(Value::Numbers(_))) => {
                let (mut left, mut right) = (self.numbers(node, 0)?, self.numbers(node, 1)?);
                let width = self.width(left).max(self.width(right));
                left = self.widened(left, width)?;
                right = self.widened(right, width)?;
                let operation = match operator {
                    "Sub" => Operation::Difference,
                    "Mul" => Operation::Product,
                    "Div" => Operation::Quotient,
                    _ => Operation::Sum,
                };
                self.push_all(operation, &[left, right])
            }
            (Some(Value::Numbers(numbers)), Some(Value::Constant(tensor))) => {
                let (numbers, list) = (*numbers, self.list(node, tensor)?);
                let numbers = self.widened(numbers, list.len())?;
                match operator {
                    "Sub" => self.push(Operation::Add(list.into_iter().map(|number| -number).collect()), numbers),
                    "Mul" => self.push(Operation::Multiply(list), numbers),
                    "Div" => self.push(Operation::Divide(list), numbers),
                    _ => self.push(Operation::Add(list), numbers),
                }
            }
            (Some(Value::Constant(tensor)), Some(Value::Numbers(numbers))) => {
                let (numbers, list) = (*numbers, self.list(node, tensor)?);
                let numbers = self.widened(numbers, list.len())?;
                match operator {
                    "Sub" => {
                        let negated = self.push(Operation::Multiply(vec![-1.0]), numbers)?;
                        self.push(Operation::Add(list), negated)
                    }
                    "Mul" => self.push(Operation::Multiply(list), numbers),
                    "Div" => {
                        let inverse = self.push(Operation::Apply(Function::Reciprocal), numbers)?;
                        self.push(Operation::Multiply(list), inverse)
                    }
                    _ => self.push(Operation::Add(list), numbers),
                }
            }
            _ => Err(unsupported(format!("{operator} of constants"))),
        }
    }

    /// A sum of more than two.
    fn sum(&mut self, node: &NodeProto) -> Result<Numbers, ModelError> {
        if node.op_type != "Sum" || node.input.is_empty() {
            return Err(malformed(&node.op_type, format!("it has {} inputs", node.input.len())));
        }
        let parts = (0..node.input.len()).map(|input| self.columns(node, input)).collect::<Result<Vec<_>, _>>()?;
        self.push_all(Operation::Sum, &parts)
    }

    /// One column repeated, where it meets several.
    fn widened(&mut self, numbers: Numbers, width: usize) -> Result<Numbers, ModelError> {
        if self.width(numbers) != 1 || width <= 1 {
            return Ok(numbers);
        }
        if numbers.flat {
            return Err(unsupported("a list without columns together with columns"));
        }
        self.push(Operation::Pick(vec![0; width]), numbers)
    }

    fn clip(&mut self, node: &'a NodeProto) -> Result<Numbers, ModelError> {
        let input = self.numbers(node, 0)?;
        let bound = |place: usize, name: &str, default: f64| match node.input.get(place).is_some_and(|name| !name.is_empty()) {
            true => match self.needed(node, place)?.floats()?.as_slice() {
                [bound] => Ok(*bound),
                several => Err(malformed("Clip", format!("a bound of {} numbers", several.len()))),
            },
            false => Ok(node.float(name, default)),
        };
        let (low, high) = (bound(1, "min", f64::NEG_INFINITY)?, bound(2, "max", f64::INFINITY)?);
        self.push(Operation::Clip { low, high }, input)
    }

    fn batch_normalization(&mut self, node: &'a NodeProto) -> Result<Numbers, ModelError> {
        let input = self.columns(node, 0)?;
        if node.int("training_mode", 0) != 0 {
            return Err(unsupported("BatchNormalization in training"));
        }
        let epsilon = node.float("epsilon", f64::from(1e-5f32));
        let lists: Vec<Vec<f64>> = (1..5).map(|place| self.list(node, self.needed(node, place)?)).collect::<Result<_, _>>()?;
        let [scales, shifts, means, variances] = lists.try_into().expect("there are four");
        let width = self.width(input);
        if [&scales, &shifts, &means, &variances].iter().any(|list| list.len() != width) {
            return Err(malformed("BatchNormalization", format!("its parameters are not {width} each")));
        }
        let factors: Vec<f64> = scales.iter().zip(&variances).map(|(scale, variance)| scale / (variance + epsilon).sqrt()).collect();
        let shifts = shifts.iter().zip(means.iter().zip(&factors)).map(|(shift, (mean, factor))| shift - mean * factor).collect();
        let scaled = self.push(Operation::Multiply(factors), input)?;
        self.push(Operation::Add(shifts), scaled)
    }

    fn reshape(&mut self, node: &'a NodeProto) -> Result<Numbers, ModelError> {
        let input = self.numbers(node, 0)?;
        let shape = match self.constant(node, 1) {
            Some(tensor) if tensor.elements() <= 8 => tensor.ints()?,
            Some(_) => return Err(malformed("Reshape", "a shape of many dimensions")),
            None => node.ints("shape").to_vec(),
        };
        let width = self.width(input) as i64;
        match shape.as_slice() {
            // 0 keeps the number of rows, and a 1 says there is one row.
            [-1, columns] if *columns == width => Ok(Numbers { flat: false, ..input }),
            [0 | 1, columns] if !input.flat && (*columns == width || *columns == -1) => Ok(input),
            [-1] if width == 1 => Ok(Numbers { flat: true, ..input }),
            _ => Err(unsupported(format!("Reshape of {width} columns to {shape:?}"))),
        }
    }

    fn pick(&mut self, node: &'a NodeProto) -> Result<Numbers, ModelError> {
        let input = self.columns(node, 0)?;
        let tensor = self.needed(node, 1)?;
        let gathers = node.op_type == "Gather";
        if gathers && !matches!(node.int("axis", 0), 1 | -1) {
            return Err(unsupported(format!("Gather over axis {}", node.int("axis", 0))));
        }
        let shape = tensor.shape()?;
        let is_list = if gathers { shape.len() <= 1 } else { shape.iter().rev().skip(1).all(|length| *length == 1) };
        if !is_list || tensor.elements() > MAX_FEATURES {
            return Err(unsupported(format!("{} by indices of the shape {shape:?}", node.op_type)));
        }
        let width = self.width(input) as i64;
        let place = |index: i64| match index {
            index if (0..width).contains(&index) => Ok(index as u32),
            index if gathers && (-width..0).contains(&index) => Ok((index + width) as u32),
            index => Err(malformed(&node.op_type, format!("column {index} of {width}"))),
        };
        let places = tensor.ints()?.into_iter().map(place).collect::<Result<_, _>>()?;
        let made = self.push(Operation::Pick(places), input)?;
        Ok(Numbers { flat: gathers && shape.is_empty(), ..made })
    }

    fn imputer(&mut self, node: &NodeProto) -> Result<Numbers, ModelError> {
        let input = self.columns(node, 0)?;
        let replaced = node.float("replaced_value_float", 0.0);
        if !replaced.is_nan() || node.attribute("imputed_value_floats").is_none() {
            return Err(unsupported("Imputer of anything but missing floats"));
        }
        self.push(Operation::Fill(node.floats("imputed_value_floats")), input)
    }
}

/// The function of one number that an operator is.
fn function(node: &NodeProto) -> Option<Function> {
    Some(match node.op_type.as_str() {
        "Relu" => Function::Relu,
        "LeakyRelu" => Function::LeakyRelu { alpha: node.float("alpha", f64::from(0.01f32)) },
        "Elu" => Function::Elu { alpha: node.float("alpha", 1.0) },
        "Selu" => Function::Selu { alpha: node.float("alpha", SELU_ALPHA), gamma: node.float("gamma", SELU_GAMMA) },
        "Sigmoid" => Function::Sigmoid,
        "Tanh" => Function::Tanh,
        "Softplus" => Function::Softplus,
        "Softsign" => Function::Softsign,
        "Exp" => Function::Exp,
        "Log" => Function::Log,
        "Sqrt" => Function::Sqrt,
        "Reciprocal" => Function::Reciprocal,
        "Abs" => Function::Abs,
        _ => return None,
    })
}
