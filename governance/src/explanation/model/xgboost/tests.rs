//! Files as XGBoost writes them, and as it does not.

use super::*;
use crate::explanation::model::{MAX_BYTES, MAX_DEPTH};
use proptest::prelude::*;
use serde_json::{Value, json};

/// A model file around the given trees, each as (left, right, feature, condition, default left, cover) per node.
pub(in crate::explanation) type NodeRow = (i32, i32, u32, f32, bool, f32);

pub(in crate::explanation) fn model_file(features: usize, trees: &[Vec<NodeRow>]) -> Value {
    let trees: Vec<Value> = trees
        .iter()
        .map(|nodes| {
            json!({
                "left_children": nodes.iter().map(|n| n.0).collect::<Vec<_>>(),
                "right_children": nodes.iter().map(|n| n.1).collect::<Vec<_>>(),
                "split_indices": nodes.iter().map(|n| n.2).collect::<Vec<_>>(),
                "split_conditions": nodes.iter().map(|n| n.3).collect::<Vec<_>>(),
                "default_left": nodes.iter().map(|n| u8::from(n.4)).collect::<Vec<_>>(),
                "sum_hessian": nodes.iter().map(|n| n.5).collect::<Vec<_>>(),
                "split_type": nodes.iter().map(|_| 0).collect::<Vec<_>>(),
                "tree_param": {"size_leaf_vector": "1"},
            })
        })
        .collect();
    json!({
        "learner": {
            "feature_names": [],
            "gradient_booster": {"name": "gbtree", "model": {
                "tree_info": trees.iter().map(|_| 0).collect::<Vec<_>>(), "trees": trees}},
            "learner_model_param": {
                "base_score": "[5E-1]", "num_class": "0", "num_target": "1", "num_feature": features.to_string()},
            "objective": {"name": "reg:squarederror"},
        },
        "version": [3, 2, 0],
    })
}

pub(in crate::explanation) fn read(file: &Value) -> Result<Model, ModelError> {
    Model::read(&serde_json::to_vec(file).unwrap())
}

/// One split at 0.1 on feature 0: left 1, right 2, missing left.
fn stump() -> Vec<NodeRow> {
    vec![(1, 2, 0, 0.1, true, 4.0), (-1, -1, 0, 1.0, false, 3.0), (-1, -1, 0, 2.0, false, 1.0)]
}

fn refusal(file: Value) -> String {
    read(&file).unwrap_err().to_string()
}

#[test]
fn smaller_than_the_threshold_goes_left_and_equal_goes_right() {
    let model = read(&model_file(1, &[stump()])).unwrap();
    assert_eq!(model.predict(&[0.099])[0], 1.5);
    assert_eq!(model.predict(&[0.1])[0], 2.5);
}

#[test]
fn values_are_compared_as_32_bit_floats() {
    let model = read(&model_file(1, &[stump()])).unwrap();
    // As doubles, 0.1 is smaller than the float nearest to 0.1.
    assert_eq!(model.predict(&[0.1])[0], 2.5);
}

#[test]
fn a_missing_value_takes_the_default_side() {
    let mut right = stump();
    right[0].4 = false;
    let model = read(&model_file(1, &[stump(), right])).unwrap();
    assert_eq!(model.predict(&[f64::NAN])[0], 3.5);
    assert_eq!(model.predict(&[])[0], 3.5);
}

#[test]
fn the_base_value_is_weighted_by_cover() {
    let model = read(&model_file(1, &[stump()])).unwrap();
    assert!((model.forest().unwrap().base_values()[0] - (0.5 + 0.75 * 1.0 + 0.25 * 2.0)).abs() < 1e-12);
}

#[test]
fn a_base_score_may_be_a_number_or_a_vector_of_one() {
    for text in ["5E-1", "[5E-1]", "0.5"] {
        let mut file = model_file(1, &[stump()]);
        file["learner"]["learner_model_param"]["base_score"] = json!(text);
        assert_eq!(read(&file).unwrap().predict(&[0.0])[0], 1.5);
    }
}

#[test]
fn a_logistic_model_gives_its_margin() {
    let mut file = model_file(1, &[stump()]);
    file["learner"]["objective"]["name"] = json!("binary:logistic");
    file["learner"]["learner_model_param"]["base_score"] = json!("[7.5E-1]");
    assert!((read(&file).unwrap().predict(&[0.0])[0] - (3f64.ln() + 1.0)).abs() < 1e-12);
    file["learner"]["learner_model_param"]["base_score"] = json!("[1E0]");
    assert!(refusal(file).contains("not a probability"));
}

#[test]
fn unnamed_features_are_numbered() {
    assert_eq!(read(&model_file(2, &[stump()])).unwrap().feature_names(), ["f0", "f1"]);
}

#[test]
fn flags_may_be_booleans_as_older_files_have_them() {
    let mut file = model_file(1, &[stump()]);
    file["learner"]["gradient_booster"]["model"]["trees"][0]["default_left"] = json!([true, false, false]);
    assert_eq!(read(&file).unwrap().predict(&[f64::NAN])[0], 1.5);
}

/// The stump's file with the value at `path` (a JSON pointer) replaced.
fn changed(path: &str, value: Value) -> Value {
    let mut file = model_file(1, &[stump()]);
    let (parent, key) = path.rsplit_once('/').unwrap();
    file.pointer_mut(parent).unwrap()[key] = value;
    file
}

const BOOSTER: &str = "/learner/gradient_booster";
const MODEL: &str = "/learner/gradient_booster/model";
const TREE: &str = "/learner/gradient_booster/model/trees/0";
const PARAMETERS: &str = "/learner/learner_model_param";

#[test]
fn what_is_not_supported_is_refused_by_name() {
    let refusal = |path: &str, value: Value| refusal(changed(path, value));
    assert!(refusal(&format!("{BOOSTER}/name"), json!("gbforest")).contains("booster gbforest"));
    assert!(refusal("/learner/objective/name", json!("custom:mine")).contains("objective custom:mine"));
    let mut both = changed(&format!("{PARAMETERS}/num_class"), json!("3"));
    both["learner"]["learner_model_param"]["num_target"] = json!("2");
    assert!(super::tests::refusal(both).contains("2 targets of 3 classes"));
    assert!(refusal(&format!("{PARAMETERS}/num_target"), json!("4000000000")).contains("4000000000 outputs"));
    assert!(refusal(&format!("{PARAMETERS}/num_feature"), json!("4000000000")).contains("4000000000 features"));
}

#[test]
fn numbers_that_do_not_fit_together_are_refused_with_their_place() {
    let refusal = |path: &str, value: Value| refusal(changed(path, value));
    assert!(refusal(&format!("{PARAMETERS}/base_score"), json!("[1E0,2E0]")).contains("2 numbers for 1 outputs"));
    assert!(refusal(&format!("{PARAMETERS}/base_score"), json!("[]")).contains("not a finite number"));
    assert!(refusal(&format!("{PARAMETERS}/base_score"), json!("1E99")).contains("not a finite number"));
    assert!(refusal(&format!("{TREE}/tree_param/size_leaf_vector"), json!("2")).contains("2 values for 1 outputs"));
    assert!(refusal(&format!("{TREE}/split_type"), json!([1, 0, 0])).contains("categories are not in the file"));
    assert!(refusal(&format!("{TREE}/split_type"), json!([1, 0])).contains("2 entries where left_children has 3"));
    assert!(refusal(&format!("{TREE}/split_indices"), json!([-1, 0, 0])).contains("feature -1"));
    assert!(refusal(&format!("{TREE}/categories_nodes"), json!([0])).contains("as many segments and sizes"));
    assert!(refusal(&format!("{MODEL}/weight_drop"), json!([1.0, 1.0])).contains("2 entries for 1 trees"));
    assert!(refusal(&format!("{MODEL}/tree_info"), json!([1])).contains("output 1 of 1"));
    assert!(refusal(&format!("{MODEL}/tree_info"), json!([-1])).contains("output -1"));
    assert!(refusal(&format!("{TREE}/left_children"), json!([1.5, -1, -1])).contains("left_children: a whole number"));
    assert!(refusal("/learner", json!(3)).contains("learner: "));
    assert!(refusal(BOOSTER, json!({"name": "gblinear", "model": {"weights": [1.0]}})).contains("1 numbers for 1 features"));
    assert!(refusal(BOOSTER, json!({"name": "gblinear"})).contains("missing"));
    let mut log = changed("/learner/objective/name", json!("count:poisson"));
    log["learner"]["learner_model_param"]["base_score"] = json!("0E0");
    assert!(super::tests::refusal(log).contains("not a rate"));
}

#[test]
fn dart_scales_trees_wherever_its_weights_stand() {
    let inside = changed(&format!("{MODEL}/weight_drop"), json!([0.25]));
    let booster = json!({"name": "dart", "weight_drop": [0.25], "gbtree": model_file(1, &[stump()])["learner"]["gradient_booster"]});
    for file in [inside, changed(BOOSTER, booster.clone())] {
        assert_eq!(read(&file).unwrap().predict(&[0.0])[0], 0.75);
    }
    // A dart within a dart would have to be read recursively.
    let mut nested = booster.clone();
    nested["gbtree"] = booster;
    assert!(read(&changed(BOOSTER, nested)).is_err());
}

#[test]
fn a_set_of_categories_goes_right_and_what_is_not_in_it_left() {
    let mut file = changed(&format!("{TREE}/split_type"), json!([1, 0, 0]));
    let tree = file.pointer_mut(TREE).unwrap();
    (tree["categories"], tree["categories_nodes"]) = (json!([0, 2]), json!([0]));
    (tree["categories_segments"], tree["categories_sizes"]) = (json!([0]), json!([2]));
    tree["split_conditions"][0] = json!(1e-45);
    let model = read(&file).unwrap();
    for (value, expected) in [(0.0, 2.5), (0.5, 2.5), (2.0, 2.5), (1.0, 1.5), (-0.5, 1.5), (-1.0, 1.5), (1e9, 1.5), (f64::NAN, 1.5)] {
        assert_eq!(model.predict(&[value])[0], expected, "{value}");
    }
    assert!((model.forest().unwrap().base_values()[0] - 1.75).abs() < 1e-12);
    file.pointer_mut(TREE).unwrap()["default_left"] = json!([0, 0, 0]);
    assert_eq!(read(&file).unwrap().predict(&[f64::NAN])[0], 2.5);
    for (field, wrong) in [("categories_sizes", json!([3])), ("categories_segments", json!([-1])), ("categories", json!([0, -2]))] {
        let mut file = file.clone();
        file.pointer_mut(TREE).unwrap()[field] = wrong;
        assert!(refusal(file).contains("its categories"));
    }
}

#[test]
fn leaves_with_several_values_are_read_as_old_and_new_files_have_them() {
    let mut file = changed(&format!("{PARAMETERS}/num_target"), json!("2"));
    let tree = file.pointer_mut(TREE).unwrap();
    tree["tree_param"]["size_leaf_vector"] = json!("2");
    let mut old = file.clone();
    let tree = file.pointer_mut(TREE).unwrap();
    (tree["right_children"], tree["leaf_weights"]) = (json!([2, 1, 0]), json!([1.0, 2.0, 3.0, 4.0]));
    let model = read(&file).unwrap();
    assert_eq!((model.predict(&[0.0]), model.predict(&[1.0])), (vec![3.5, 4.5], vec![1.5, 2.5]));
    assert_eq!(model.output_names(), ["target 0", "target 1"]);
    file.pointer_mut(TREE).unwrap()["leaf_weights"] = json!([1.0, 2.0, 3.0]);
    assert!(refusal(file).contains("its values are not in the file"));

    let tree = old.pointer_mut(TREE).unwrap();
    (tree["base_weights"], tree["sum_hessian"]) = (json!([0.0, 0.0, 1.0, 2.0, 3.0, 4.0]), json!([]));
    let model = read(&old).unwrap();
    assert_eq!((model.predict(&[0.0]), model.predict(&[1.0])), (vec![1.5, 2.5], vec![3.5, 4.5]));
    assert!(!model.forest().unwrap().has_covers());
}

#[test]
fn a_linear_booster_is_a_linear_model() {
    let mut file = changed(BOOSTER, json!({"name": "gblinear", "model": {"weights": [1.0, 10.0, 2.0, 20.0, 3.0, 30.0]}}));
    let parameters = file.pointer_mut(PARAMETERS).unwrap();
    (parameters["num_class"], parameters["num_feature"], parameters["base_score"]) = (json!("2"), json!("2"), json!("[5E-1,0E0]"));
    file["learner"]["objective"]["name"] = json!("multi:softprob");
    let model = read(&file).unwrap();
    assert_eq!(model.predict(&[1.0, 2.0]), [8.5, 80.5]);
    assert_eq!((model.output_names()[1].as_str(), model.link()), ("class 1", Link::Softmax));
}

#[test]
fn a_field_that_stands_there_twice_is_refused() {
    let text = model_file(1, &[stump()]).to_string().replace("\"sum_hessian\"", "\"left_children\":[],\"sum_hessian\"");
    assert!(Model::read(text.as_bytes()).unwrap_err().to_string().contains("left_children: it stands there twice"));
}

#[test]
fn a_malformed_tree_is_refused_with_its_place() {
    let with = |nodes: Vec<NodeRow>| refusal(model_file(1, &[nodes]));
    let mut outside = stump();
    outside[0].1 = 7;
    assert_eq!(with(outside), "the model is malformed at tree 0, node 0: its child is node 7 of 3");
    let mut itself = stump();
    itself[0].0 = 0;
    assert!(with(itself).contains("reached twice"));
    let mut shared = stump();
    shared[0].1 = 1;
    assert!(with(shared).contains("reached twice"));
    let mut one_child = stump();
    one_child[0].1 = -1;
    assert!(with(one_child).contains("node -1"));
    let mut feature = stump();
    feature[0].2 = 1;
    assert!(with(feature).contains("feature 1 of a model with 1"));
    let mut cover = stump();
    cover[1].5 = -1.0;
    assert!(with(cover).contains("not a cover"));
    assert!(with(vec![]).contains("no nodes"));
}

#[test]
fn a_tree_deeper_than_the_limit_is_refused_without_overflow() {
    let deep = |levels: i32| {
        let mut nodes = Vec::new();
        for level in 0..levels {
            nodes.push((2 * level + 1, 2 * level + 2, 0, 0.0, false, 2.0));
            nodes.push((-1, -1, 0, 1.0, false, 1.0));
        }
        nodes.push((-1, -1, 0, 1.0, false, 1.0));
        // Children of level n stand at 2n+1 (a leaf) and 2n+2 (the next level).
        read(&model_file(1, &[nodes]))
    };
    assert!(deep(MAX_DEPTH as i32).is_ok());
    assert!(deep(100_000).unwrap_err().to_string().contains("deeper than"));
}

#[test]
fn pruned_nodes_left_in_the_file_do_not_matter() {
    let mut nodes = stump();
    nodes.push((99, 98, 77, 0.0, false, -5.0));
    assert_eq!(read(&model_file(1, &[nodes])).unwrap().predict(&[0.0])[0], 1.5);
}

/// A small file of every kind of content the reader knows.
fn rich_file() -> Vec<u8> {
    let mut file = model_file(2, &[stump(), stump()]);
    let model = file.pointer_mut(MODEL).unwrap();
    model["weight_drop"] = json!([0.5, 1.0]);
    let tree = &mut model["trees"][0];
    (tree["split_type"], tree["categories"], tree["categories_nodes"]) = (json!([1, 0, 0]), json!([0, 2]), json!([0]));
    (tree["categories_segments"], tree["categories_sizes"]) = (json!([0]), json!([2]));
    serde_json::to_vec(&file).unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn whatever_becomes_of_a_file_it_is_read_or_refused(
        cut in 0usize..4000,
        changes in prop::collection::vec((any::<prop::sample::Index>(), prop::sample::select(b"0123456789-.,:[]{}\"eE \x00\xFF".to_vec())), 0..4),
    ) {
        let mut bytes = rich_file();
        for (at, byte) in changes {
            let at = at.index(bytes.len());
            bytes[at] = byte;
        }
        bytes.truncate(cut.max(1));
        if let Ok(model) = Model::read(&bytes) {
            model.predict(&[0.5, f64::NAN]);
        }
    }
}

#[test]
fn what_is_not_json_or_too_large_is_refused() {
    assert!(matches!(Model::read(b"{1"), Err(ModelError::NotThatFormat { .. })));
    assert!(matches!(Model::read(&vec![b' '; MAX_BYTES + 1]), Err(ModelError::UnknownFormat)));
}
