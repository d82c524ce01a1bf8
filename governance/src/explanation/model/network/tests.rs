use super::*;
use proptest::prelude::*;

fn chain(features: usize, operations: Vec<Operation>) -> Network {
    let mut builder = NetworkBuilder::new(features, Precision::Double);
    let mut at = 0;
    for operation in operations {
        at = builder.push(operation, &[at], false).unwrap();
    }
    builder.finish(at).unwrap()
}

fn predict(network: &Network, row: &[f64]) -> Vec<f64> {
    let mut margins = vec![0.0; network.outputs()];
    network.predict_into(row, &mut margins);
    margins
}

const FUNCTIONS: [Function; 13] = [
    Function::Relu,
    Function::LeakyRelu { alpha: 0.1 },
    Function::Elu { alpha: 1.5 },
    Function::Selu { alpha: 1.6, gamma: 1.05 },
    Function::Sigmoid,
    Function::Tanh,
    Function::Softplus,
    Function::Softsign,
    Function::Exp,
    Function::Log,
    Function::Sqrt,
    Function::Reciprocal,
    Function::Abs,
];

/// All operations of one input that keep three numbers three, none of them constant.
fn operations() -> Vec<Operation> {
    let mut all: Vec<Operation> = FUNCTIONS.into_iter().map(Operation::Apply).collect();
    all.extend([
        Operation::Pick(vec![2, 0, 2]),
        Operation::Dense { weights: vec![0.3, -0.2, 0.5, 1.1, 0.7, -0.4, 0.2, 0.9, -0.6], biases: vec![0.1, -0.3, 0.0] },
        Operation::Add(vec![0.5]),
        Operation::Multiply(vec![0.5, -2.0, 3.0]),
        Operation::Divide(vec![4.0]),
        Operation::Clip { low: -0.5, high: 1.4 },
        Operation::Softmax,
        Operation::LogSoftmax,
        Operation::Normalize(Norm::L1),
        Operation::Normalize(Norm::L2),
    ]);
    all
}

/// The greatest distance of the gradients from central differences, relative to their size.
fn gradient_error(network: &Network, row: &[f64]) -> f64 {
    const STEP: f64 = 1e-6;
    let mut error = 0f64;
    for output in 0..network.outputs() {
        let gradient = network.gradient(row, output);
        for feature in 0..row.len() {
            let moved = |by: f64| {
                let mut row = row.to_vec();
                row[feature] += by;
                predict(network, &row)[output]
            };
            let difference = (moved(STEP) - moved(-STEP)) / (2.0 * STEP);
            error = error.max((gradient[feature] - difference).abs() / (1.0 + difference.abs()));
        }
    }
    error
}

#[test]
fn every_operations_gradient_is_what_differences_say() {
    for operation in operations() {
        // Positive for logarithm and root; no corner near.
        let network = chain(3, vec![operation.clone()]);
        let error = gradient_error(&network, &[0.3, 1.2, 2.7]);
        assert!(error < 1e-7, "{operation:?}: {error}");
        if !matches!(operation, Operation::Apply(Function::Log | Function::Sqrt)) {
            let error = gradient_error(&network, &[-0.3, 1.2, -2.7]);
            assert!(error < 1e-7, "{operation:?}: {error}");
        }
    }
}

#[test]
fn operations_on_several_values_have_their_gradients_too() {
    for operation in [Operation::Join, Operation::Sum, Operation::Difference, Operation::Product, Operation::Quotient] {
        let mut builder = NetworkBuilder::new(3, Precision::Double);
        let one = builder.push(Operation::Apply(Function::Tanh), &[0], false).unwrap();
        let other = builder.push(Operation::Pick(vec![1, 2, 0]), &[0], false).unwrap();
        let both = builder.push(operation.clone(), &[one, other], false).unwrap();
        // The same value twice: both derivatives count.
        let twice = builder.push(Operation::Product, &[both, both], false).unwrap();
        let error = gradient_error(&builder.finish(twice).unwrap(), &[0.3, -1.2, 2.7]);
        assert!(error < 1e-7, "{operation:?}: {error}");
    }
}

#[test]
fn a_missing_input_makes_missing_what_depends_on_it() {
    for operation in operations().into_iter().filter(|operation| !matches!(operation, Operation::Pick(_))) {
        let network = chain(3, vec![operation.clone()]);
        let margins = predict(&network, &[f64::NAN, 1.0, 2.0]);
        assert!(margins[0].is_nan(), "{operation:?}: {margins:?}");
        assert!(network.gradient(&[f64::NAN, 1.0, 2.0], 0).iter().any(|slope| slope.is_nan()) || network.is_linear(), "{operation:?}");
    }
    // A short row misses its end.
    assert!(predict(&chain(3, vec![Operation::Add(vec![0.0])]), &[1.0])[2].is_nan());
}

#[test]
fn a_missing_input_is_filled_where_the_network_says_so() {
    let network = chain(2, vec![Operation::Fill(vec![7.0, 8.0]), Operation::Multiply(vec![2.0])]);
    assert_eq!(predict(&network, &[f64::NAN, 1.0]), [14.0, 2.0]);
    assert_eq!(network.gradient(&[f64::NAN, 1.0], 0), [0.0, 0.0]);
    assert_eq!(network.stand_ins(), [7.0, 8.0]);
}

#[test]
fn rows_are_rounded_where_the_file_takes_32_bit_inputs() {
    let mut builder = NetworkBuilder::new(1, Precision::Single);
    let at = builder.push(Operation::Add(vec![0.0]), &[0], true).unwrap();
    assert_eq!(predict(&builder.finish(at).unwrap(), &[0.1]), [f64::from(0.1f32)]);
}

#[test]
fn steps_that_the_output_does_not_need_are_left_out() {
    let mut builder = NetworkBuilder::new(2, Precision::Double);
    builder.push(Operation::Softmax, &[0], false).unwrap();
    let kept = builder.push(Operation::Add(vec![1.0]), &[0], false).unwrap();
    builder.push(Operation::Join, &[kept, kept], false).unwrap();
    let network = builder.finish(kept).unwrap();
    assert_eq!((network.steps.len(), network.outputs()), (1, 2));
    assert_eq!(predict(&network, &[1.0, 2.0]), [2.0, 3.0]);
}

#[test]
fn what_does_not_fit_together_is_refused() {
    let refusal = |operation: Operation| NetworkBuilder::new(2, Precision::Double).push(operation, &[0], false).unwrap_err().to_string();
    assert!(refusal(Operation::Pick(vec![2])).contains("place 2 of 2"));
    assert!(refusal(Operation::Dense { weights: vec![1.0; 3], biases: vec![0.0] }).contains("3 weights for 2 inputs"));
    assert!(refusal(Operation::Add(vec![1.0; 3])).contains("3 constants for 2 values"));
    assert!(refusal(Operation::Add(vec![f64::NAN])).contains("not a parameter"));
    assert!(refusal(Operation::Divide(vec![1.0, 0.0])).contains("division by zero"));
    assert!(refusal(Operation::Clip { low: 1.0, high: 0.0 }).contains("between 1 and 0"));
    assert!(refusal(Operation::Product).contains("place by place"));
    let mut wide = NetworkBuilder::new(60_000, Precision::Double);
    assert!(wide.push(Operation::Join, &[0, 0], false).is_err());
    let enough = (0..100).take_while(|_| wide.push(Operation::Softmax, &[0], false).is_ok()).count();
    assert_eq!(enough, MAX_VALUES / 60_000 - 1);
}

proptest! {
    #[test]
    fn gradients_of_whole_networks_are_what_differences_say(
        chosen in proptest::collection::vec(0..FUNCTIONS.len(), 3),
        weights in proptest::collection::vec(-1.0..1.0f64, 3 * 12),
        row in proptest::collection::vec(-2.0..2.0f64, 3),
    ) {
        let mut layers = Vec::new();
        for (function, weights) in chosen.iter().zip(weights.chunks_exact(12)) {
            layers.push(Operation::Dense { weights: weights[..9].to_vec(), biases: weights[9..].to_vec() });
            // These three have no derivative, or a huge one, somewhere a random network may be.
            let function = FUNCTIONS[*function];
            let wild = matches!(function, Function::Log | Function::Sqrt | Function::Reciprocal);
            layers.push(Operation::Apply(if wild { Function::Softplus } else { function }));
        }
        let network = chain(3, layers);
        // A corner just here makes the difference meaningless; then both sides' slopes differ.
        let near = [1e-5, -1e-5].map(|by| network.gradient(&row.iter().map(|x| x + by).collect::<Vec<_>>(), 0));
        prop_assume!(near[0].iter().zip(&near[1]).all(|(a, b)| (a - b).abs() < 1e-2));
        prop_assert!(gradient_error(&network, &row) < 1e-4);
    }
}
