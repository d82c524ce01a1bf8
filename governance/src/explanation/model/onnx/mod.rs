//! ONNX: tree ensembles, linear operators and small feed-forward networks, with what scikit-learn's pipelines put around
//! them.
//!
//! A graph is read node by node. Numbers made from the row are steps of a [`Network`](super::Network) under construction;
//! behind a tree ensemble another one begins, over the ensemble's margins. At the end the last function, if it is a link,
//! is taken off; what remains is a forest, a linear model or a network. Labels a classifier makes of its scores are not
//! followed. An operator that is not known is refused by its name, but only where the scores depend on it.
//!
//! `x <= t` is turned into `x < next_up(t)` in the width of the inputs, and scaling in front of trees is folded into
//! their thresholds exactly, by bisecting over all floats of that width. ONNX has no covers.
//!
//! Where the specification and onnxruntime 1.31 differ, margins are the same in both. The link is the
//! specification's: onnxruntime leaves `LOGISTIC` out when there is one target, and takes the codes 1 and 2 of
//! `TreeEnsemble`'s `post_transform` the other way round.

mod linear;
mod network;
mod proto;
mod thresholds;
mod trees;

use super::forest::{Forest, Node, Precision};
use super::network::NetworkBuilder;
use super::network::{Function, Operation};
use super::{Body, Format, Link, MAX_FEATURES, Model, ModelError, Network, malformed, unsupported};
use proto::{AttributeProto, GraphProto, ModelProto, NodeProto, TensorProto, ValueInfo, element};
use std::collections::{HashMap, HashSet};

/// The most nodes a graph may have.
const MAX_GRAPH_NODES: usize = 1_024;
/// The most inputs and outputs its nodes may have together.
const MAX_USES: usize = 65_536;
/// The most work turning an affine network into a linear model may take, in multiplications.
const MAX_FOLDING: usize = 1 << 28;

pub(super) fn read(bytes: &[u8]) -> Result<Model, ModelError> {
    let file = proto::decode(bytes).map_err(|reason| ModelError::NotThatFormat { format: Format::Onnx, reason })?;
    let names = feature_names(&file)?;
    let mut graph = file.graph.ok_or(ModelError::NotThatFormat { format: Format::Onnx, reason: "it has no graph".into() })?;
    if graph.node.len() > MAX_GRAPH_NODES {
        return Err(unsupported(format!("a graph of {} nodes, more than {MAX_GRAPH_NODES}", graph.node.len())));
    }
    let uses: usize = graph.node.iter().map(|node| node.input.len() + node.output.len()).sum();
    if uses > MAX_USES {
        return Err(unsupported(format!("a graph whose nodes have {uses} inputs and outputs, more than {MAX_USES}")));
    }
    gather_constants(&mut graph)?;
    let inputs = Inputs::of(&graph, names.as_ref().map(Vec::len))?;
    let names = match names {
        Some(given) if given.len() != inputs.features => {
            return Err(malformed("metadata feature_names", format!("{} names for {} features", given.len(), inputs.features)));
        }
        Some(given) => given,
        None => inputs.names.clone(),
    };
    let mut seen = HashSet::new();
    if let Some(twice) = names.iter().find(|name| !seen.insert(name.as_str())) {
        return Err(malformed("the feature names", format!("{twice} stands there twice")));
    }
    let mut reader = Reader::new(&graph, &inputs)?;
    for node in &graph.node {
        reader.read_node(node)?;
    }
    reader.into_model(&graph, names)
}

/// The names the file's metadata give, as a JSON list under the key `feature_names`.
fn feature_names(file: &ModelProto) -> Result<Option<Vec<String>>, ModelError> {
    let Some(entry) = file.metadata_props.iter().find(|entry| entry.key == "feature_names") else { return Ok(None) };
    serde_json::from_str(&entry.value).map(Some).map_err(|error| malformed("metadata feature_names", error.to_string()))
}

/// Makes initializers of `Constant` nodes.
fn gather_constants(graph: &mut GraphProto) -> Result<(), ModelError> {
    let is_constant = |node: &NodeProto| node.op_type == "Constant" && matches!(node.domain.as_str(), "" | "ai.onnx");
    let (constants, nodes): (Vec<_>, Vec<_>) = std::mem::take(&mut graph.node).into_iter().partition(is_constant);
    graph.node = nodes;
    for mut node in constants {
        let (Some(attribute), Some(name)) = (node.attribute.pop(), node.output.pop()) else {
            return Err(malformed("a Constant", "it has no value or no name"));
        };
        let AttributeProto { name: kind, f, i, t, floats, ints, .. } = attribute;
        let list = |length: usize| vec![length as i64];
        let tensor = match (kind.as_str(), t) {
            ("value", Some(tensor)) => TensorProto { name, ..tensor },
            ("value_float", _) => {
                TensorProto { name, data_type: element::FLOAT, float_data: f.into_iter().collect(), ..Default::default() }
            }
            ("value_int", _) => TensorProto { name, data_type: element::INT64, int64_data: i.into_iter().collect(), ..Default::default() },
            ("value_floats", _) => {
                TensorProto { name, data_type: element::FLOAT, dims: list(floats.len()), float_data: floats, ..Default::default() }
            }
            ("value_ints", _) => {
                TensorProto { name, data_type: element::INT64, dims: list(ints.len()), int64_data: ints, ..Default::default() }
            }
            // Refused where it is used, if it is.
            _ => TensorProto { name, ..Default::default() },
        };
        graph.initializer.push(tensor);
    }
    Ok(())
}

/// What a row consists of.
struct Inputs<'a> {
    features: usize,
    names: Vec<String>,
    /// The graph's name for each part of the row, and its width.
    parts: Vec<(&'a str, usize)>,
    precision: Precision,
}

impl<'a> Inputs<'a> {
    fn of(graph: &'a GraphProto, named: Option<usize>) -> Result<Self, ModelError> {
        // Older files name initializers as inputs too.
        let constants: HashSet<&str> = graph.initializer.iter().map(|tensor| tensor.name.as_str()).collect();
        let inputs: Vec<&ValueInfo> = graph.input.iter().filter(|input| !constants.contains(input.name.as_str())).collect();
        let kept_wide = used_in_64_bits(graph);
        let (mut parts, mut precision) = (Vec::new(), None);
        for input in &inputs {
            let place = || format!("input {:?}", input.name);
            let tensor = input.r#type.as_ref().and_then(|kind| kind.tensor_type.as_ref());
            let tensor = tensor.ok_or_else(|| unsupported(format!("{} is no tensor", place())))?;
            let found = match tensor.elem_type {
                element::FLOAT | element::INT32 | element::INT64 => Precision::Single,
                // All that is done with it is to turn it into 32-bit floats.
                element::DOUBLE if !kept_wide.contains(input.name.as_str()) => Precision::Single,
                element::DOUBLE => Precision::Double,
                other => return Err(unsupported(format!("{} of element type {other}", place()))),
            };
            if *precision.get_or_insert(found) != found {
                return Err(unsupported("inputs of 32 bits beside inputs of 64"));
            }
            let dimensions = tensor.shape.as_ref().map(|shape| shape.dim.as_slice());
            let width = match dimensions {
                Some([_, width]) => width.dim_value,
                None => None,
                Some(other) => return Err(unsupported(format!("{} of {} dimensions; rows of features have 2", place(), other.len()))),
            };
            let width = match width.map(usize::try_from) {
                Some(Ok(width @ 1..=MAX_FEATURES)) => width,
                Some(_) => return Err(malformed(place(), format!("{} features, from 1 to {MAX_FEATURES} are read", width.unwrap_or(0)))),
                None if inputs.len() == 1 => named
                    .or_else(|| width_by_use(graph, &input.name))
                    .filter(|width| (1..=MAX_FEATURES).contains(width))
                    .ok_or_else(|| unsupported(format!("{}, whose number of features the file does not say", place())))?,
                None => return Err(unsupported(format!("{}, whose number of features the file does not say", place()))),
            };
            parts.push((input.name.as_str(), width));
        }
        let features = parts.iter().map(|(_, width)| width).sum();
        if features == 0 || features > MAX_FEATURES {
            return Err(malformed("the graph's inputs", format!("{features} features, from 1 to {MAX_FEATURES} are read")));
        }
        let numbered = |name: &str, width: usize| (0..width).map(|at| format!("{name}{at}")).collect::<Vec<_>>();
        let names = match parts.as_slice() {
            [(_, width)] => numbered("f", *width),
            several => several
                .iter()
                .flat_map(|(name, width)| if *width == 1 { vec![name.to_string()] } else { numbered(&format!("{name}."), *width) })
                .collect(),
        };
        Ok(Self { features, names, parts, precision: precision.unwrap_or(Precision::Single) })
    }
}

/// The names that something else is done with than turning them into 32-bit floats.
fn used_in_64_bits(graph: &GraphProto) -> HashSet<&str> {
    let narrows = |node: &&NodeProto| node.op_type == "Cast" && node.int("to", 0) == i64::from(element::FLOAT);
    graph.node.iter().filter(|node| !narrows(node)).flat_map(|node| node.input.iter().map(String::as_str)).collect()
}

/// How many features the first operator that takes the input needs, for files that leave it open.
fn width_by_use(graph: &GraphProto, name: &str) -> Option<usize> {
    let mut name = name;
    let mut nodes = graph.node.iter();
    // A name is made before it is used, so one pass is enough.
    let node = loop {
        let node = nodes.find(|node| node.input.first().is_some_and(|input| input == name))?;
        match node.op_type.as_str() {
            "Cast" | "Identity" => name = node.output.first()?,
            _ => break node,
        }
    };
    let weights = || graph.initializer.iter().find(|tensor| Some(&tensor.name) == node.input.get(1));
    let coefficients = || node.attribute("coefficients").map(|attribute| attribute.floats.len());
    match node.op_type.as_str() {
        "Scaler" => Some(node.attribute("offset")?.floats.len()).filter(|width| *width > 1),
        "MatMul" => usize::try_from(*weights()?.dims.first()?).ok(),
        "Gemm" => usize::try_from(*weights()?.dims.get(usize::from(node.int("transB", 0) != 0))?).ok(),
        "LinearRegressor" => coefficients()?.checked_div(usize::try_from(node.int("targets", 1)).ok()?),
        "LinearClassifier" => coefficients()?.checked_div(node.attribute("intercepts")?.floats.len()),
        operator if operator.starts_with("TreeEnsemble") => {
            usize::try_from(node.ints("nodes_featureids").iter().max()?.checked_add(1)?).ok()
        }
        _ => None,
    }
}

/// What a name in the graph stands for.
#[derive(Clone)]
enum Value<'a> {
    Constant(&'a TensorProto),
    Numbers(Numbers),
    /// What a classifier decides from its scores.
    Label,
    /// Made by what cannot be read; here is why.
    Refused(std::rc::Rc<str>),
}

/// Numbers made from the row.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Numbers {
    /// 0 for those made from the features, others for those made from an ensemble's margins.
    stage: usize,
    /// Their place in the stage's network.
    at: usize,
    /// Whether the file holds them as 32-bit floats.
    single: bool,
    /// Whether they are one number per row in a list without columns.
    flat: bool,
}

/// A network under construction and the forest whose margins it begins with.
struct Stage {
    network: NetworkBuilder,
    forest: Option<Forest>,
}

struct Reader<'a> {
    values: HashMap<&'a str, Value<'a>>,
    stages: Vec<Stage>,
    /// The classes of the last classifier.
    labels: Vec<String>,
    /// The operator that computes the margins.
    objective: &'a str,
}

impl<'a> Reader<'a> {
    fn new(graph: &'a GraphProto, inputs: &Inputs<'a>) -> Result<Self, ModelError> {
        let mut network = NetworkBuilder::new(inputs.features, inputs.precision);
        let single = inputs.precision == Precision::Single;
        let mut values: HashMap<&str, Value<'_>> =
            graph.initializer.iter().map(|tensor| (tensor.name.as_str(), Value::Constant(tensor))).collect();
        let mut first = 0;
        for (name, width) in &inputs.parts {
            let at = match inputs.parts.len() {
                1 => 0,
                _ => network.push(Operation::Pick((first..first + width).map(|place| place as u32).collect()), &[0], single)?,
            };
            first += width;
            values.insert(*name, Value::Numbers(Numbers { stage: 0, at, single, flat: false }));
        }
        Ok(Self { values, stages: vec![Stage { network, forest: None }], labels: Vec::new(), objective: "" })
    }

    fn read_node(&mut self, node: &'a NodeProto) -> Result<(), ModelError> {
        let made = match self.apply(node) {
            Ok(made) => made,
            // Nobody may ever ask for it.
            Err(ModelError::Unsupported { what }) => vec![Value::Refused(what.into()); node.output.len()],
            Err(error) => return Err(error),
        };
        for (name, value) in node.output.iter().zip(made).filter(|(name, _)| !name.is_empty()) {
            if self.values.insert(name, value).is_some() {
                return Err(malformed(format!("node {:?}", node.name), format!("{name} is made twice")));
            }
        }
        Ok(())
    }

    /// What a node's outputs are.
    fn apply(&mut self, node: &'a NodeProto) -> Result<Vec<Value<'a>>, ModelError> {
        let mut is_label = false;
        for name in node.input.iter().filter(|name| !name.is_empty()) {
            match self.values.get(name.as_str()) {
                None => return Err(malformed(format!("node {:?}", node.name), format!("its input {name} is not made before it"))),
                Some(Value::Refused(why)) => return Err(unsupported(&**why)),
                Some(Value::Label) => is_label = true,
                Some(_) => {}
            }
        }
        if is_label {
            return Ok(vec![Value::Label; node.output.len()]);
        }
        let operator = node.op_type.as_str();
        if !matches!(node.domain.as_str(), "" | "ai.onnx" | "ai.onnx.ml") {
            return Err(unsupported(format!("operator {operator} of {}", node.domain)));
        }
        match operator {
            "TreeEnsembleRegressor" | "TreeEnsemble" | "LinearRegressor" => {
                self.objective = operator;
                let numbers = match operator {
                    "TreeEnsembleRegressor" => self.tree_regressor(node)?,
                    "TreeEnsemble" => self.tree_ensemble(node)?,
                    _ => self.linear_regressor(node)?,
                };
                Ok(vec![Value::Numbers(numbers)])
            }
            "TreeEnsembleClassifier" | "LinearClassifier" => {
                self.objective = operator;
                let trees = operator == "TreeEnsembleClassifier";
                let scores = if trees { self.tree_classifier(node)? } else { self.linear_classifier(node)? };
                Ok(vec![Value::Label, Value::Numbers(scores)])
            }
            "ZipMap" => {
                self.labels = node.labels("classlabels_strings", "classlabels_int64s")?;
                Ok(vec![Value::Numbers(self.numbers(node, 0)?)])
            }
            "ArgMax" => Ok(vec![Value::Label]),
            "Identity" | "Cast" if self.constant(node, 0).is_some() => Ok(vec![self.values[node.input[0].as_str()].clone()]),
            _ => Ok(vec![Value::Numbers(self.numeric(node)?)]),
        }
    }

    fn value(&self, node: &NodeProto, input: usize) -> Option<&Value<'a>> {
        self.values.get(node.input.get(input)?.as_str())
    }

    /// An input made from the row.
    fn numbers(&self, node: &NodeProto, input: usize) -> Result<Numbers, ModelError> {
        match self.value(node, input) {
            Some(Value::Numbers(numbers)) => Ok(*numbers),
            Some(_) => Err(unsupported(format!("{} of a constant", node.op_type))),
            None => Err(malformed(format!("node {:?}", node.name), format!("{} without input {input}", node.op_type))),
        }
    }

    /// An input made from the row that has columns.
    fn columns(&self, node: &NodeProto, input: usize) -> Result<Numbers, ModelError> {
        match self.numbers(node, input)? {
            numbers if numbers.flat => Err(unsupported(format!("{} of a list without columns", node.op_type))),
            numbers => Ok(numbers),
        }
    }

    fn constant(&self, node: &NodeProto, input: usize) -> Option<&'a TensorProto> {
        match self.value(node, input) {
            Some(Value::Constant(tensor)) => Some(tensor),
            _ => None,
        }
    }

    fn width(&self, numbers: Numbers) -> usize {
        self.stages[numbers.stage].network.width(numbers.at)
    }

    /// Applies an operation to some numbers.
    fn push(&mut self, operation: Operation, to: Numbers) -> Result<Numbers, ModelError> {
        let at = self.stages[to.stage].network.push(operation, &[to.at], to.single)?;
        Ok(Numbers { at, ..to })
    }

    /// Applies an operation to several numbers.
    fn push_all(&mut self, operation: Operation, to: &[Numbers]) -> Result<Numbers, ModelError> {
        let first = to[0];
        if to.iter().any(|numbers| (numbers.stage, numbers.flat) != (first.stage, first.flat)) {
            return Err(unsupported("a tree ensemble's scores, or a list without columns, put together with other numbers"));
        }
        let places: Vec<usize> = to.iter().map(|numbers| numbers.at).collect();
        let at = self.stages[first.stage].network.push(operation, &places, to.iter().all(|numbers| numbers.single))?;
        Ok(Numbers { at, ..first })
    }

    /// Applies what an operator of `ai.onnx.ml` does to its scores at the end.
    fn transformed(&mut self, transform: &str, scores: Numbers) -> Result<Numbers, ModelError> {
        match transform {
            "LOGISTIC" => self.push(Operation::Apply(Function::Sigmoid), scores),
            // Of one score it would always be 1; onnxruntime leaves it out as well.
            "SOFTMAX" if self.width(scores) == 1 => Ok(scores),
            "SOFTMAX" => self.push(Operation::Softmax, scores),
            "NONE" => Ok(scores),
            other => Err(unsupported(format!("post_transform {other}"))),
        }
    }

    /// The two columns `1 − p` and `p`.
    fn pair(&mut self, second: Numbers) -> Result<Numbers, ModelError> {
        let negated = self.push(Operation::Multiply(vec![-1.0]), second)?;
        let first = self.push(Operation::Add(vec![1.0]), negated)?;
        self.push_all(Operation::Join, &[first, second])
    }

    fn into_model(mut self, graph: &GraphProto, feature_names: Vec<String>) -> Result<Model, ModelError> {
        let (name, scores) = self.scores(graph)?;
        let Stage { mut network, forest } = self.stages.swap_remove(scores.stage);
        let (at, mut link) = network.take_link(scores.at)?;
        let network = network.finish(at)?;
        let mut outputs = network.outputs();
        let body = match forest {
            Some(forest) => Body::Forest(scaled(forest, &network)?),
            None if network.is_linear() && outputs.saturating_mul(network.parameters() + network.values()) <= MAX_FOLDING => {
                let linear = linear::of(&network);
                match link {
                    Link::Logistic | Link::OneVersusAll if linear::is_one_score_and_its_negative(&linear) => {
                        (outputs, link) = (1, Link::Logistic);
                        Body::Linear(linear::second_output(linear))
                    }
                    _ => Body::Linear(linear),
                }
            }
            None => Body::Network(network),
        };
        let output_names = match self.labels.len() {
            labels if labels == outputs => self.labels,
            2 if outputs == 1 => vec![self.labels.swap_remove(1)],
            _ if outputs == 1 => vec![name.to_owned()],
            _ => (0..outputs).map(|output| format!("{name}{output}")).collect(),
        };
        Ok(Model { format: Format::Onnx, objective: self.objective.into(), feature_names, output_names, link, body })
    }

    /// The graph's output that is neither a label nor a constant.
    fn scores<'g>(&self, graph: &'g GraphProto) -> Result<(&'g str, Numbers), ModelError> {
        let mut found = None;
        for output in &graph.output {
            let kind = output.r#type.as_ref().and_then(|kind| kind.tensor_type.as_ref()).map(|tensor| tensor.elem_type);
            let is_label = matches!(kind, Some(element::INT64 | element::INT32 | element::STRING | element::BOOL));
            match self.values.get(output.name.as_str()) {
                None => return Err(malformed(format!("output {:?}", output.name), "nothing makes it")),
                Some(Value::Label) => {}
                Some(_) if is_label => {}
                Some(Value::Refused(what)) => return Err(unsupported(&**what)),
                Some(Value::Constant(_)) => return Err(unsupported(format!("output {:?}, a constant", output.name))),
                Some(Value::Numbers(_)) if found.is_some() => return Err(unsupported("several outputs beside labels")),
                Some(Value::Numbers(numbers)) => found = Some((output.name.as_str(), *numbers)),
            }
        }
        found.ok_or_else(|| unsupported("a graph without an output of numbers"))
    }
}

/// The forest whose margins are these after a network of factors and shifts.
fn scaled(mut forest: Forest, network: &Network) -> Result<Forest, ModelError> {
    use Operation::{Add, Divide, Multiply, Round};
    if network.steps.is_empty() {
        return Ok(forest);
    }
    let simple = |operation: &Operation| matches!(operation, Add(_) | Divide(_) | Multiply(_) | Round);
    if let Some(step) = network.steps.iter().find(|step| !simple(&step.operation)) {
        return Err(unsupported(format!("{} of a tree ensemble's scores", step.operation.name())));
    }
    let zero = vec![0.0; forest.outputs()];
    let mut shifts = zero.clone();
    network.predict_into(&zero, &mut shifts);
    let factors: Vec<f64> = (0..forest.outputs()).map(|output| factor(network, output)).collect();
    for tree in &forest.trees {
        for node in &forest.nodes[tree.first as usize..][..tree.count as usize] {
            if let Node::Leaf { values } = node {
                let leaf = &mut forest.leaf_values[*values as usize..][..tree.width as usize];
                leaf.iter_mut().zip(&factors[tree.output as usize..]).for_each(|(value, factor)| *value *= factor);
            }
        }
    }
    for (base, (factor, shift)) in forest.base.iter_mut().zip(factors.iter().zip(&shifts)) {
        *base = *base * factor + shift;
    }
    if forest.base.iter().chain(&forest.leaf_values).any(|value| !value.is_finite()) {
        return Err(malformed("the scores' factors", "with them leaves are not finite"));
    }
    Ok(forest)
}

/// What one number is multiplied by on its way through.
fn factor(network: &Network, place: usize) -> f64 {
    let constant = |list: &[f64]| list[if list.len() == 1 { 0 } else { place }];
    network.steps.iter().fold(1.0, |product, step| match &step.operation {
        Operation::Multiply(list) => product * constant(list),
        Operation::Divide(list) => product / constant(list),
        _ => product,
    })
}

#[cfg(test)]
mod tests;
