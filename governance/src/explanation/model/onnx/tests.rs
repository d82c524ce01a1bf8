use super::proto::{Dimension, Entry, Shape, TensorType, TypeProto};
use super::*;
use prost::Message;

fn value_info(name: &str, kind: i32, dims: &[Option<i64>]) -> ValueInfo {
    let shape = Shape { dim: dims.iter().map(|&dim_value| Dimension { dim_value }).collect() };
    ValueInfo { name: name.into(), r#type: Some(TypeProto { tensor_type: Some(TensorType { elem_type: kind, shape: Some(shape) }) }) }
}

/// A graph from `x`, of two features, to `y`.
fn file(nodes: Vec<NodeProto>, tensors: Vec<TensorProto>) -> ModelProto {
    ModelProto {
        ir_version: 8,
        graph: Some(GraphProto {
            node: nodes,
            initializer: tensors,
            input: vec![value_info("x", element::FLOAT, &[None, Some(2)])],
            output: vec![value_info("y", element::FLOAT, &[None, None])],
        }),
        ..Default::default()
    }
}

fn node(operator: &str, inputs: &[&str], outputs: &[&str], attribute: Vec<AttributeProto>) -> NodeProto {
    let texts = |list: &[&str]| list.iter().map(|text| text.to_string()).collect();
    NodeProto { input: texts(inputs), output: texts(outputs), op_type: operator.into(), attribute, ..Default::default() }
}

fn ints(name: &str, list: &[i64]) -> AttributeProto {
    AttributeProto { name: name.into(), ints: list.to_vec(), ..Default::default() }
}

fn floats(name: &str, list: &[f32]) -> AttributeProto {
    AttributeProto { name: name.into(), floats: list.to_vec(), ..Default::default() }
}

fn texts(name: &str, list: &[&str]) -> AttributeProto {
    AttributeProto { name: name.into(), strings: list.iter().map(|text| text.as_bytes().to_vec()).collect(), ..Default::default() }
}

fn text(name: &str, value: &str) -> AttributeProto {
    AttributeProto { name: name.into(), s: Some(value.into()), ..Default::default() }
}

fn int(name: &str, value: i64) -> AttributeProto {
    AttributeProto { name: name.into(), i: Some(value), ..Default::default() }
}

fn tensor(name: &str, dims: &[i64], list: &[f32]) -> TensorProto {
    TensorProto { name: name.into(), dims: dims.to_vec(), data_type: element::FLOAT, float_data: list.to_vec(), ..Default::default() }
}

fn read_file(file: &ModelProto) -> Result<Model, ModelError> {
    Model::read_as(&file.encode_to_vec(), Format::Onnx)
}

fn refusal(file: &ModelProto) -> String {
    match read_file(file) {
        Ok(model) => panic!("it was read: {model:?}"),
        Err(error) => error.to_string(),
    }
}

fn graph(nodes: Vec<NodeProto>) -> ModelProto {
    let tensors = vec![tensor("w", &[2, 1], &[1.0, 2.0]), tensor("b", &[1], &[0.5]), tensor("pair", &[2], &[10.0, 20.0])];
    file(nodes, tensors)
}

/// One split at 0.5 on feature 0: 1 where it is smaller, 2 otherwise.
fn stump() -> Vec<AttributeProto> {
    vec![
        ints("nodes_treeids", &[0, 0, 0]),
        ints("nodes_nodeids", &[0, 1, 2]),
        ints("nodes_featureids", &[0, 0, 0]),
        texts("nodes_modes", &["BRANCH_LT", "LEAF", "LEAF"]),
        floats("nodes_values", &[0.5, 0.0, 0.0]),
        ints("nodes_truenodeids", &[1, 0, 0]),
        ints("nodes_falsenodeids", &[2, 0, 0]),
        ints("target_treeids", &[0, 0]),
        ints("target_nodeids", &[1, 2]),
        ints("target_ids", &[0, 0]),
        floats("target_weights", &[1.0, 2.0]),
        int("n_targets", 1),
    ]
}

/// The stump with one attribute replaced or added.
fn stump_with(attribute: AttributeProto) -> ModelProto {
    let mut attributes = stump();
    attributes.retain(|other| other.name != attribute.name);
    attributes.push(attribute);
    graph(vec![node("TreeEnsembleRegressor", &["x"], &["y"], attributes)])
}

#[test]
fn a_tree_ensemble_is_read_and_compares_as_32_bit_floats() {
    let model = read_file(&graph(vec![node("TreeEnsembleRegressor", &["x"], &["y"], stump())])).unwrap();
    assert_eq!((model.predict(&[0.4])[0], model.predict(&[0.5])[0]), (1.0, 2.0));
    // In 32 bits this is 0.5.
    assert_eq!(model.predict(&[0.5 - 1e-9])[0], 2.0);
    assert_eq!(model.predict(&[f64::NAN])[0], 2.0);
    assert_eq!((model.output_names(), model.feature_names()), (&["y".to_owned()][..], &["f0".to_owned(), "f1".to_owned()][..]));
}

#[test]
fn malformed_trees_are_refused_with_what_is_wrong() {
    assert!(refusal(&stump_with(ints("nodes_nodeids", &[0, 1, 1]))).contains("two nodes 1"));
    assert!(refusal(&stump_with(ints("nodes_truenodeids", &[0, 0, 0]))).contains("reached twice"));
    assert!(refusal(&stump_with(ints("nodes_truenodeids", &[2, 0, 0]))).contains("reached twice"));
    assert!(refusal(&stump_with(ints("nodes_truenodeids", &[7, 0, 0]))).contains("there is no node 7"));
    assert!(refusal(&stump_with(ints("nodes_truenodeids", &[i64::MIN, 0, 0]))).contains("there is no node"));
    assert!(refusal(&stump_with(ints("nodes_truenodeids", &[1, 0]))).contains("2 entries where nodes_treeids has 3"));
    assert!(refusal(&stump_with(ints("nodes_missing_value_tracks_true", &[1]))).contains("1 entries"));
    assert!(refusal(&stump_with(ints("nodes_treeids", &[0, 1, 0]))).contains("do not stand together"));
    assert!(refusal(&stump_with(ints("nodes_treeids", &[]))).contains("0 nodes"));
    assert!(refusal(&stump_with(ints("nodes_featureids", &[2, 0, 0]))).contains("a feature beyond the 2"));
    assert!(refusal(&stump_with(ints("nodes_featureids", &[-1, 0, 0]))).contains("a feature beyond the 2"));
    assert!(refusal(&stump_with(floats("nodes_values", &[f32::NAN, 0.0, 0.0]))).contains("not a number"));
    assert!(refusal(&stump_with(floats("target_weights", &[f32::INFINITY, 0.0]))).contains("not finite"));
    assert!(refusal(&stump_with(floats("base_values", &[f32::NAN]))).contains("not finite"));
    assert!(refusal(&stump_with(floats("base_values", &[1.0, 2.0]))).contains("2 for 1 targets"));
    assert!(refusal(&stump_with(ints("target_nodeids", &[1, 9]))).contains("tree 0 has no leaf 9"));
    assert!(refusal(&stump_with(ints("target_nodeids", &[0, 1]))).contains("tree 0 has no leaf 0"));
    assert!(refusal(&stump_with(ints("target_nodeids", &[1, 1]))).contains("two weights of one leaf"));
    assert!(refusal(&stump_with(ints("target_treeids", &[0, 5]))).contains("there is no tree 5"));
    assert!(refusal(&stump_with(ints("target_ids", &[0, 1]))).contains("output 1 of 1"));
    assert!(refusal(&stump_with(ints("target_ids", &[0, -1]))).contains("output -1"));
    assert!(refusal(&stump_with(int("n_targets", 0))).contains("0 outputs"));
    assert!(refusal(&stump_with(int("n_targets", i64::MAX))).contains("outputs"));
}

#[test]
fn what_trees_cannot_be_is_refused_by_name() {
    assert!(refusal(&stump_with(texts("nodes_modes", &["BRANCH_NEAR", "LEAF", "LEAF"]))).contains("BRANCH_NEAR"));
    assert!(refusal(&stump_with(text("aggregate_function", "MIN"))).contains("MIN"));
    assert!(refusal(&stump_with(text("aggregate_function", "MAX"))).contains("MAX"));
    assert!(refusal(&stump_with(text("post_transform", "PROBIT"))).contains("PROBIT"));
    assert!(refusal(&stump_with(text("post_transform", "SOFTMAX_ZERO"))).contains("SOFTMAX_ZERO"));
}

#[test]
fn trees_deeper_than_the_limit_are_refused_without_overflow() {
    let deep = |levels: i64| {
        // Node 2n asks, its "yes" is the leaf 2n + 1, its "no" the next node.
        let nodes: Vec<i64> = (0..=2 * levels).collect();
        let asks = |node: i64| node % 2 == 0 && node < 2 * levels;
        let list = |of: &dyn Fn(i64) -> i64| nodes.iter().map(|&node| of(node)).collect::<Vec<_>>();
        let modes: Vec<&str> = nodes.iter().map(|&node| if asks(node) { "BRANCH_LEQ" } else { "LEAF" }).collect();
        graph(vec![node(
            "TreeEnsembleRegressor",
            &["x"],
            &["y"],
            vec![
                ints("nodes_treeids", &list(&|_| 0)),
                ints("nodes_nodeids", &nodes),
                ints("nodes_featureids", &list(&|_| 0)),
                texts("nodes_modes", &modes),
                floats("nodes_values", &vec![0.0; nodes.len()]),
                ints("nodes_truenodeids", &list(&|node| node + 1)),
                ints("nodes_falsenodeids", &list(&|node| node + 2)),
                int("n_targets", 1),
            ],
        )])
    };
    assert!(read_file(&deep(128)).is_ok());
    assert!(refusal(&deep(100_000)).contains("deeper than"));
}

fn rooted(change: impl FnOnce(&mut Vec<AttributeProto>)) -> ModelProto {
    let attribute = |name: &str, t: TensorProto| AttributeProto { name: name.into(), t: Some(t), ..Default::default() };
    let bytes = |list: &[i32]| TensorProto {
        dims: vec![list.len() as i64],
        data_type: element::UINT8,
        int32_data: list.to_vec(),
        ..Default::default()
    };
    let mut attributes = vec![
        ints("tree_roots", &[0]),
        ints("nodes_featureids", &[0, 1]),
        ints("nodes_truenodeids", &[1, 0]),
        ints("nodes_trueleafs", &[0, 1]),
        ints("nodes_falsenodeids", &[2, 1]),
        ints("nodes_falseleafs", &[1, 1]),
        ints("leaf_targetids", &[0, 0, 0]),
        int("n_targets", 1),
        attribute("nodes_modes", bytes(&[0, 6])),
        attribute("nodes_splits", tensor("", &[2], &[0.5, 0.0])),
        attribute("leaf_weights", tensor("", &[3], &[1.0, 2.0, 4.0])),
        attribute("membership_values", tensor("", &[2], &[2.0, 2.5])),
    ];
    change(&mut attributes);
    graph(vec![node("TreeEnsemble", &["x"], &["y"], attributes)])
}

#[test]
fn a_rooted_ensemble_is_read_with_its_sets() {
    let model = read_file(&rooted(|_| {})).unwrap();
    for (row, expected) in [([0.0, 2.0], 1.0), ([0.5, 2.5], 1.0), ([0.5, 2.2], 2.0), ([0.6, 2.0], 4.0), ([0.0, f64::NAN], 2.0)] {
        assert_eq!(model.predict(&row)[0], expected, "{row:?}");
    }
}

#[test]
fn malformed_rooted_ensembles_are_refused() {
    let with = |name: &'static str, list: &[i64]| {
        let replaced = ints(name, list);
        refusal(&rooted(|attributes| {
            attributes.retain(|attribute| attribute.name != name);
            attributes.push(replaced);
        }))
    };
    assert!(with("tree_roots", &[2]).contains("there is no node 2"));
    assert!(with("tree_roots", &[-1]).contains("there is no node -1"));
    assert!(with("tree_roots", &[]).contains("there are none"));
    assert!(with("tree_roots", &[0, 0]).contains("reached twice"));
    assert!(with("nodes_truenodeids", &[0, 0]).contains("reached twice"));
    assert!(with("nodes_falsenodeids", &[3, 1]).contains("its child is 3 of 3"));
    assert!(with("nodes_trueleafs", &[0]).contains("1 entries"));
    assert!(with("leaf_targetids", &[0, 0, 1]).contains("output 1 of 1"));
    let without = |name: &'static str| refusal(&rooted(|attributes| attributes.retain(|attribute| attribute.name != name)));
    assert!(without("nodes_modes").contains("it has no nodes_modes"));
    assert!(without("membership_values").contains("fewer sets"));
    assert!(refusal(&rooted(|attributes| attributes.push(int("aggregate_function", 2)))).contains("aggregate_function 2"));
}

#[test]
fn scores_may_be_scaled_and_linked_behind_trees() {
    let tree = || node("TreeEnsembleRegressor", &["x"], &["t"], stump());
    let shifted = vec![
        tree(),
        node("Mul", &["t", "b"], &["m"], vec![]),
        node("Sub", &["m", "b"], &["s"], vec![]),
        node("Sigmoid", &["s"], &["y"], vec![]),
    ];
    let model = read_file(&graph(shifted)).unwrap();
    assert_eq!((model.predict(&[1.0])[0], model.link()), (0.5, Link::Logistic));
    let relu = vec![tree(), node("Relu", &["t"], &["r"], vec![]), node("Add", &["r", "b"], &["y"], vec![])];
    assert!(refusal(&graph(relu)).contains("an activation function of a tree ensemble's scores"));
    let stacked = vec![tree(), node("TreeEnsembleRegressor", &["t"], &["y"], stump())];
    assert!(refusal(&graph(stacked)).contains("behind another"));
    let mixed = vec![tree(), node("Concat", &["t", "x"], &["y"], vec![int("axis", 1)])];
    assert!(refusal(&graph(mixed)).contains("put together with other numbers"));
}

#[test]
fn an_operator_that_is_not_known_is_refused_by_name_where_scores_depend_on_it() {
    for operator in ["LSTM", "If", "SVMRegressor", "OneHotEncoder"] {
        assert!(refusal(&graph(vec![node(operator, &["x"], &["y"], vec![])])).contains(&format!("operator {operator}")));
    }
    let mut foreign = node("Gelu", &["x"], &["y"], vec![]);
    foreign.domain = "com.example".into();
    assert!(refusal(&graph(vec![foreign])).contains("operator Gelu of com.example"));
    // Nobody asks for what this one makes.
    let unused = vec![node("LSTM", &["x"], &["z"], vec![]), node("MatMul", &["x", "w"], &["y"], vec![])];
    assert_eq!(read_file(&graph(unused)).unwrap().predict(&[1.0, 1.0]), [3.0]);
}

#[test]
fn what_is_not_a_chain_over_rows_is_refused() {
    let one = |operator: &str, inputs: &[&str], attributes| refusal(&graph(vec![node(operator, inputs, &["y"], attributes)]));
    assert!(one("MatMul", &["x", "x"], vec![]).contains("no constant"));
    assert!(one("MatMul", &["w", "x"], vec![]).contains("of a constant"));
    assert!(one("MatMul", &["x", "b"], vec![]).contains("weights for 1 numbers"));
    assert!(one("Gemm", &["x", "w"], vec![int("transA", 1)]).contains("transposed"));
    assert!(one("Concat", &["x", "x"], vec![int("axis", 0)]).contains("axis 0"));
    assert!(one("Softmax", &["x"], vec![int("axis", 0)]).contains("axis 0"));
    assert!(one("Add", &["x", "w"], vec![]).contains("shape [2, 1]"));
    assert!(one("Add", &["x"], vec![]).contains("1 inputs"));
    assert!(one("Identity", &["nothing"], vec![]).contains("nothing is not made before it"));
    assert!(one("Identity", &["w"], vec![]).contains("a constant"));
    assert!(one("Cast", &["x"], vec![int("to", 7)]).contains("element type 7"));
    assert!(one("Normalizer", &["x"], vec![]).contains("Normalizer by MAX"));
    assert!(one("Imputer", &["x"], vec![floats("imputed_value_floats", &[1.0])]).contains("missing floats"));
    let twice = vec![node("Identity", &["x"], &["y"], vec![]), node("Relu", &["x"], &["y"], vec![])];
    assert!(refusal(&graph(twice)).contains("y is made twice"));
    assert!(refusal(&graph(vec![])).contains("nothing makes it"));
    let mut several = graph(vec![node("Relu", &["x"], &["y"], vec![])]);
    several.graph.as_mut().unwrap().output.push(value_info("x", element::FLOAT, &[]));
    assert!(refusal(&several).contains("several outputs"));
}

#[test]
fn inputs_are_rows_of_a_number_of_features_the_file_says_or_shows() {
    let with = |input: ValueInfo| {
        let mut file = graph(vec![node("MatMul", &["x", "w"], &["y"], vec![])]);
        file.graph.as_mut().unwrap().input = vec![input];
        file
    };
    assert_eq!(read_file(&with(value_info("x", element::FLOAT, &[None, None]))).unwrap().features(), 2);
    assert!(refusal(&with(value_info("x", element::STRING, &[None, Some(2)]))).contains("element type 8"));
    assert!(refusal(&with(value_info("x", element::FLOAT, &[None, Some(2), Some(2)]))).contains("3 dimensions"));
    assert!(refusal(&with(value_info("x", element::FLOAT, &[None, Some(i64::MAX)]))).contains("features"));
    assert!(refusal(&with(value_info("x", element::FLOAT, &[None, Some(0)]))).contains("0 features"));
    assert!(refusal(&with(value_info("x", element::FLOAT, &[None, Some(3)]))).contains("weights for 2 numbers"));
    let mut none = graph(vec![]);
    none.graph.as_mut().unwrap().input.clear();
    assert!(refusal(&none).contains("0 features"));
}

#[test]
fn metadata_may_name_the_features() {
    let with = |names: &str| {
        let mut file = graph(vec![node("MatMul", &["x", "w"], &["y"], vec![])]);
        file.metadata_props.push(Entry { key: "feature_names".into(), value: names.into() });
        file
    };
    assert_eq!(read_file(&with(r#"["load","age"]"#)).unwrap().feature_names(), ["load", "age"]);
    assert!(refusal(&with(r#"["load"]"#)).contains("1 names for 2 features"));
    assert!(refusal(&with(r#"["load","load"]"#)).contains("load stands there twice"));
    assert!(refusal(&with("load, age")).contains("metadata feature_names"));
}

#[test]
fn classifiers_with_one_column_have_one_output_and_those_nobody_agrees_on_are_refused() {
    let classifier = |classes: &[i64], weights: &[f32], base: &[f32], transform: &str| {
        let mut attributes: Vec<AttributeProto> = stump().into_iter().filter(|attribute| attribute.name.starts_with("nodes")).collect();
        attributes.extend([
            ints("class_treeids", &vec![0; classes.len()]),
            ints("class_nodeids", &(0..classes.len()).map(|at| 1 + (2 * at / classes.len()) as i64).collect::<Vec<_>>()),
            ints("class_ids", classes),
            floats("class_weights", weights),
            floats("base_values", base),
            texts("classlabels_strings", &["no", "yes"]),
            text("post_transform", transform),
        ]);
        graph(vec![node("TreeEnsembleClassifier", &["x"], &["l", "y"], attributes)])
    };
    let model = read_file(&classifier(&[0, 0], &[-1.0, 2.0], &[0.25], "LOGISTIC")).unwrap();
    assert_eq!((model.predict(&[0.0]), model.link(), model.output_names()), (vec![-0.75], Link::Logistic, &["yes".to_owned()][..]));
    let model = read_file(&classifier(&[0, 1, 0, 1], &[0.25, 0.75, 1.0, 0.0], &[], "NONE")).unwrap();
    assert_eq!((model.predict(&[0.0]), model.output_names().len()), (vec![0.25, 0.75], 2));
    // As onnxruntime has it: the first class' score is zero.
    assert_eq!(read_file(&classifier(&[1, 1], &[-1.0, 2.0], &[], "LOGISTIC")).unwrap().predict(&[0.0]), [0.0, -1.0]);
    assert!(refusal(&classifier(&[0, 1, 0, 1], &[0.25, 0.75, 1.0, 0.0], &[0.1, 0.2], "NONE")).contains("2 base values for 2 classes"));
    assert!(refusal(&classifier(&[0, 0], &[-1.0, 2.0], &[], "SOFTMAX")).contains("single column"));
}

#[test]
fn tensors_that_are_not_what_they_say_are_refused() {
    let with = |weights: TensorProto| refusal(&file(vec![node("MatMul", &["x", "w"], &["y"], vec![])], vec![weights]));
    assert!(with(tensor("w", &[2, 1], &[1.0])).contains("1 elements in the shape [2, 1]"));
    assert!(with(tensor("w", &[2, i64::MAX], &[1.0])).contains("1 elements in the shape"));
    assert!(with(tensor("w", &[2, -1], &[1.0])).contains("a dimension of -1"));
    assert!(with(tensor("w", &[2, 1], &[1.0, f32::NAN])).contains("not a parameter"));
    assert!(with(TensorProto { raw_data: Some(vec![0; 7]), ..tensor("w", &[2, 1], &[]) }).contains("7 bytes are not whole elements"));
    assert!(with(TensorProto { data_location: 1, ..tensor("w", &[2, 1], &[]) }).contains("another file"));
    assert!(with(TensorProto { data_type: 10, ..tensor("w", &[2, 1], &[1.0, 2.0]) }).contains("element type 10"));
}

#[test]
fn files_that_would_grow_in_memory_are_refused() {
    // Two bytes each, and some hundred when decoded.
    let field = |tag: u8, inner: &[u8]| {
        let mut bytes = vec![tag << 3 | 2];
        prost::encode_length_delimiter(inner.len(), &mut bytes).unwrap();
        bytes.extend_from_slice(inner);
        bytes
    };
    let nodes = field(7, &[10, 0].repeat(1_000_000));
    assert!(Model::read_as(&nodes, Format::Onnx).unwrap_err().to_string().contains("messages"));
    let names = field(7, &field(1, &[10, 0].repeat(1_000_000)));
    assert!(Model::read_as(&names, Format::Onnx).unwrap_err().to_string().contains("short texts"));
    // Groups within groups, which ONNX does not have.
    assert!(Model::read_as(&vec![0x0b; 1_000_000], Format::Onnx).unwrap_err().to_string().contains("wire type 3"));
    assert!(Model::read_as(&[0xff; 30], Format::Onnx).is_err());
    // Twice as wide with every node.
    let names: Vec<String> = (0..40).map(|level| if level == 39 { "y".into() } else { format!("d{level}") }).collect();
    let double = |at: usize| {
        let from = if at == 0 { "x" } else { &names[at - 1] };
        node("Concat", &[from, from], &[&names[at]], vec![int("axis", 1)])
    };
    assert!(refusal(&graph((0..40).map(double).collect())).contains("values"));
    let many = (0..MAX_GRAPH_NODES + 1).map(|at| node("Relu", &["x"], &[&format!("n{at}")], vec![])).collect();
    assert!(refusal(&graph(many)).contains("nodes, more than"));
    // One large constant used again and again.
    let mut wide = file(
        (0..1_000)
            .map(|at| node("MatMul", &["x", "w"], &[if at == 999 { "y".into() } else { format!("n{at}") }.as_str()], vec![]))
            .collect(),
        vec![tensor("w", &[2, 50_000], &vec![1.0; 100_000])],
    );
    wide.metadata_props.clear();
    assert!(refusal(&wide).contains("values"));
}

#[test]
fn leaves_for_few_of_many_outputs_are_bounded() {
    let trees = 600i64;
    let three = |of: &dyn Fn(i64) -> [i64; 3]| (0..trees).flat_map(of).collect::<Vec<_>>();
    let attributes = vec![
        ints("nodes_treeids", &three(&|tree| [tree; 3])),
        ints("nodes_nodeids", &three(&|_| [0, 1, 2])),
        ints("nodes_featureids", &three(&|_| [0; 3])),
        texts("nodes_modes", &["BRANCH_LT", "LEAF", "LEAF"].repeat(trees as usize)),
        floats("nodes_values", &vec![0.0; 3 * trees as usize]),
        ints("nodes_truenodeids", &three(&|_| [1, 0, 0])),
        ints("nodes_falsenodeids", &three(&|_| [2, 0, 0])),
        ints("target_treeids", &(0..trees).flat_map(|tree| [tree; 2]).collect::<Vec<_>>()),
        ints("target_nodeids", &[1, 2].repeat(trees as usize)),
        ints("target_ids", &[0, 4_000].repeat(trees as usize)),
        floats("target_weights", &vec![1.0; 2 * trees as usize]),
        int("n_targets", 4_001),
    ];
    assert!(refusal(&graph(vec![node("TreeEnsembleRegressor", &["x"], &["y"], attributes)])).contains("few of very many outputs"));
}

#[test]
fn what_is_not_a_graph_is_not_onnx() {
    assert!(matches!(Model::read_as(b"", Format::Onnx), Err(ModelError::NotThatFormat { .. })));
    assert!(matches!(Model::read_as(b"{\"a\": 1}", Format::Onnx), Err(ModelError::NotThatFormat { .. })));
}

#[test]
fn a_chain_of_equalities_that_share_their_yes_is_one_question() {
    // 3 or 1.5 or 7 lead to leaf 3, all else to leaf 4; a missing value follows the second question's "yes".
    let chain = |yes: [i64; 3], no: [i64; 3]| {
        graph(vec![node(
            "TreeEnsembleRegressor",
            &["x"],
            &["y"],
            vec![
                ints("nodes_treeids", &[0; 5]),
                ints("nodes_nodeids", &[0, 1, 2, 3, 4]),
                ints("nodes_featureids", &[1, 1, 1, 0, 0]),
                texts("nodes_modes", &["BRANCH_EQ", "BRANCH_EQ", "BRANCH_EQ", "LEAF", "LEAF"]),
                floats("nodes_values", &[3.0, 1.5, 7.0, 0.0, 0.0]),
                ints("nodes_truenodeids", &[yes[0], yes[1], yes[2], 0, 0]),
                ints("nodes_falsenodeids", &[no[0], no[1], no[2], 0, 0]),
                ints("nodes_missing_value_tracks_true", &[0, 1, 0, 0, 0]),
                ints("target_treeids", &[0, 0]),
                ints("target_nodeids", &[3, 4]),
                ints("target_ids", &[0, 0]),
                floats("target_weights", &[1.0, 2.0]),
                int("n_targets", 1),
            ],
        )])
    };
    let model = read_file(&chain([3, 3, 3], [1, 2, 4])).unwrap();
    for (value, expected) in [(3.0, 1.0), (1.5, 1.0), (7.0, 1.0), (1.0, 2.0), (7.5, 2.0), (f64::NAN, 1.0)] {
        assert_eq!(model.predict(&[0.0, value])[0], expected, "{value}");
    }
    assert!(refusal(&chain([3, 3, 3], [1, 2, 0])).contains("reached twice"));
    assert!(refusal(&chain([3, 3, 3], [1, 1, 4])).contains("reached twice"));
    assert!(refusal(&chain([3, 3, 1], [1, 2, 4])).contains("reached twice"));
}
