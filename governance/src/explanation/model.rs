//! Gradient-boosted trees as XGBoost saves them in JSON, read without trusting the file.
//!
//! A model comes from whoever published it, so everything is checked once on reading: sizes, child indices, cycles,
//! depth. After that, prediction and attribution need no further checks. What the file asks for and this reader cannot
//! do (categorical splits, several classes, dart) is refused by name rather than computed wrongly.
//!
//! Binary models, other libraries' formats and speed are left to others.

use alloy_primitives::B256;
use serde::de::{self, Deserialize, Deserializer, Visitor};
use sha2::{Digest, Sha256};
use std::fmt;

/// The largest model file that is read, in bytes.
pub const MAX_BYTES: usize = 64 * 1024 * 1024;
/// The most tree nodes a model may have, over all its trees.
pub const MAX_NODES: usize = 4_000_000;
/// The most splits between a root and a leaf. Attribution walks trees recursively, and a browser's stack is small.
pub const MAX_DEPTH: usize = 128;
/// The most features a model may have.
pub const MAX_FEATURES: usize = 65_536;

/// Share given at least to each side of a split, so that a side nobody was trained on cannot divide by zero.
const SMALLEST_SHARE: f64 = 1e-12;

/// Why a model was not accepted.
#[derive(Debug, thiserror::Error)]
pub enum ModelError {
    #[error("the model has {bytes} bytes, more than the {MAX_BYTES} that are read")]
    TooLarge { bytes: usize },
    #[error("the model is not XGBoost JSON")]
    NotXgboostJson(#[source] serde_json::Error),
    #[error("the model is malformed at {place}: {reason}")]
    Malformed { place: String, reason: String },
    #[error("unsupported model: {what}")]
    Unsupported { what: String },
}

fn malformed(place: impl Into<String>, reason: impl Into<String>) -> ModelError {
    ModelError::Malformed { place: place.into(), reason: reason.into() }
}

fn unsupported(what: impl Into<String>) -> ModelError {
    ModelError::Unsupported { what: what.into() }
}

/// A sum of trees over named features.
#[derive(Debug, Clone, PartialEq)]
pub struct Model {
    feature_names: Vec<String>,
    objective: String,
    base_margin: f64,
    trees: Vec<Tree>,
}

/// One tree; the root is node 0 and every child stands after its parent.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Tree {
    pub(super) nodes: Vec<Node>,
}

#[derive(Debug, Clone, PartialEq)]
pub(super) enum Node {
    Leaf { value: f64 },
    Split(Split),
}

#[derive(Debug, Clone, PartialEq)]
pub(super) struct Split {
    pub(super) feature: usize,
    threshold: f32,
    missing_goes_left: bool,
    pub(super) left: usize,
    pub(super) right: usize,
    /// The part of the training cover that went left.
    pub(super) left_share: f64,
}

impl Split {
    /// The side this row takes: smaller than the threshold, compared as 32-bit floats, is left.
    pub(super) fn goes_left(&self, row: &[f32]) -> bool {
        let value = row.get(self.feature).copied().unwrap_or(f32::NAN);
        if value.is_nan() { self.missing_goes_left } else { value < self.threshold }
    }
}

impl Model {
    /// Reads a model saved by XGBoost as JSON (`save_model("….json")`), version 1.0 or later.
    pub fn from_xgboost_json(bytes: &[u8]) -> Result<Self, ModelError> {
        if bytes.len() > MAX_BYTES {
            return Err(ModelError::TooLarge { bytes: bytes.len() });
        }
        let file: file::Model = serde_json::from_slice(bytes).map_err(ModelError::NotXgboostJson)?;
        file.learner.into_model()
    }

    /// The hash by which a decision record names its model: SHA-256 of the file as published.
    pub fn sha256(bytes: &[u8]) -> B256 {
        B256::from_slice(&Sha256::digest(bytes))
    }

    /// Names of the features, in the order in which a row holds them.
    pub fn feature_names(&self) -> &[String] {
        &self.feature_names
    }

    /// What the model was trained for, in XGBoost's words, such as `reg:squarederror`.
    pub fn objective(&self) -> &str {
        &self.objective
    }

    /// The model's output for one row: the regression output, or the margin (log-odds) of `binary:logistic`.
    ///
    /// NaN means missing, and so does everything beyond the end of a short row.
    pub fn predict(&self, row: &[f32]) -> f64 {
        self.base_margin + self.trees.iter().map(|tree| tree.predict(row)).sum::<f64>()
    }

    /// The output's mean, weighted by training cover, with no input known.
    pub fn base_value(&self) -> f64 {
        self.base_margin + self.trees.iter().map(Tree::mean).sum::<f64>()
    }

    pub(super) fn trees(&self) -> &[Tree] {
        &self.trees
    }
}

impl Tree {
    fn predict(&self, row: &[f32]) -> f64 {
        let mut at = 0;
        loop {
            match &self.nodes[at] {
                Node::Leaf { value } => return *value,
                Node::Split(split) => at = if split.goes_left(row) { split.left } else { split.right },
            }
        }
    }

    fn mean(&self) -> f64 {
        let mut means = vec![0.0; self.nodes.len()];
        for (at, node) in self.nodes.iter().enumerate().rev() {
            means[at] = match node {
                Node::Leaf { value } => *value,
                Node::Split(split) => split.left_share * means[split.left] + (1.0 - split.left_share) * means[split.right],
            };
        }
        means[0]
    }
}

/// 0, 1, false or true: XGBoost has written both.
#[derive(Debug, Clone, Copy)]
struct Flag(bool);

impl<'de> Deserialize<'de> for Flag {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct FlagVisitor;
        impl Visitor<'_> for FlagVisitor {
            type Value = Flag;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("0, 1, false or true")
            }
            fn visit_bool<E: de::Error>(self, value: bool) -> Result<Flag, E> {
                Ok(Flag(value))
            }
            fn visit_u64<E: de::Error>(self, value: u64) -> Result<Flag, E> {
                match value {
                    0 | 1 => Ok(Flag(value == 1)),
                    _ => Err(E::invalid_value(de::Unexpected::Unsigned(value), &self)),
                }
            }
        }
        deserializer.deserialize_any(FlagVisitor)
    }
}

/// The file's own shape, and the way from there to a checked model.
mod file {
    use super::{Flag, MAX_DEPTH, MAX_FEATURES, MAX_NODES, ModelError, Node, SMALLEST_SHARE, Split, malformed, unsupported};
    use serde::Deserialize;
    use serde::de::IgnoredAny;

    #[derive(Deserialize)]
    pub(super) struct Model {
        pub(super) learner: Learner,
    }

    #[derive(Deserialize)]
    pub(super) struct Learner {
        #[serde(default)]
        feature_names: Vec<String>,
        gradient_booster: Booster,
        learner_model_param: Parameters,
        objective: Objective,
    }

    #[derive(Deserialize)]
    struct Objective {
        name: String,
    }

    #[derive(Deserialize)]
    struct Parameters {
        base_score: String,
        #[serde(default)]
        num_class: Option<String>,
        #[serde(default)]
        num_target: Option<String>,
        num_feature: String,
    }

    // Other boosters lack most of these fields; they are optional so that such a file is refused by its name.
    #[derive(Deserialize)]
    struct Booster {
        name: String,
        model: Option<Trees>,
        weight_drop: Option<IgnoredAny>,
    }

    #[derive(Deserialize)]
    struct Trees {
        trees: Option<Vec<Tree>>,
        #[serde(default)]
        tree_info: Vec<i64>,
        weight_drop: Option<IgnoredAny>,
    }

    #[derive(Deserialize)]
    struct Tree {
        left_children: Vec<i32>,
        right_children: Vec<i32>,
        split_indices: Vec<u32>,
        split_conditions: Vec<f32>,
        default_left: Vec<Flag>,
        sum_hessian: Vec<f32>,
        #[serde(default)]
        split_type: Vec<Flag>,
        #[serde(default)]
        tree_param: TreeParameters,
    }

    /// A node of the file still to be read.
    struct Open {
        source: usize,
        depth: usize,
        /// The parent's new place, and whether this is its left child.
        parent: Option<(usize, bool)>,
    }

    #[derive(Deserialize, Default)]
    struct TreeParameters {
        size_leaf_vector: Option<String>,
    }

    impl Learner {
        pub(super) fn into_model(self) -> Result<super::Model, ModelError> {
            let booster = self.gradient_booster;
            if booster.name != "gbtree" {
                return Err(unsupported(format!("booster {}", booster.name)));
            }
            let source = booster.model.ok_or_else(|| malformed("gradient_booster.model", "missing"))?;
            if booster.weight_drop.is_some() || source.weight_drop.is_some() {
                return Err(unsupported("booster dart"));
            }
            let parameters = self.learner_model_param;
            let classes = whole("num_class", parameters.num_class.as_deref().unwrap_or("0"))?;
            if classes > 1 || source.tree_info.iter().any(|class| *class != 0) {
                return Err(unsupported(format!("multi-class output ({classes} classes)")));
            }
            let targets = whole("num_target", parameters.num_target.as_deref().unwrap_or("1"))?;
            if targets > 1 {
                return Err(unsupported(format!("multi-target output ({targets} targets)")));
            }
            let base_margin = base_margin(&self.objective.name, &parameters.base_score)?;

            let features = whole("num_feature", &parameters.num_feature)?;
            if features > MAX_FEATURES {
                return Err(malformed("num_feature", format!("{features} features, at most {MAX_FEATURES} are read")));
            }
            let feature_names = feature_names(self.feature_names, features)?;

            let sources = source.trees.ok_or_else(|| malformed("gradient_booster.model.trees", "missing"))?;
            let mut nodes = 0usize;
            let mut trees = Vec::with_capacity(sources.len());
            for (number, source) in sources.into_iter().enumerate() {
                nodes += source.left_children.len();
                if nodes > MAX_NODES {
                    return Err(malformed("trees", format!("more than {MAX_NODES} nodes")));
                }
                trees.push(source.into_tree(number, features)?);
            }
            Ok(super::Model { feature_names, objective: self.objective.name, base_margin, trees })
        }
    }

    /// The names the file gives, or `f0`, `f1`, … as XGBoost calls unnamed features.
    fn feature_names(given: Vec<String>, features: usize) -> Result<Vec<String>, ModelError> {
        if given.is_empty() {
            return Ok((0..features).map(|index| format!("f{index}")).collect());
        }
        if given.len() != features {
            return Err(malformed("feature_names", format!("{} names for {features} features", given.len())));
        }
        let mut seen = std::collections::HashSet::new();
        match given.iter().find(|name| !seen.insert(name.as_str())) {
            Some(twice) => Err(malformed("feature_names", format!("{twice} stands there twice"))),
            None => Ok(given),
        }
    }

    fn whole(place: &str, text: &str) -> Result<usize, ModelError> {
        text.parse().map_err(|_| malformed(place, format!("{text:?} is not a whole number")))
    }

    /// What every sum starts from. The file keeps it as an output, scalar before version 3.1 and `"[…]"` since.
    fn base_margin(objective: &str, text: &str) -> Result<f64, ModelError> {
        let inner = text.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(text);
        if inner.contains(',') {
            return Err(unsupported("a base score per class or target"));
        }
        let score: f32 = inner.trim().parse().map_err(|_| malformed("base_score", format!("{text:?} is not a number")))?;
        let score = f64::from(score);
        if !score.is_finite() {
            return Err(malformed("base_score", format!("{text:?} is not finite")));
        }
        match objective {
            "reg:squarederror"
            | "reg:linear"
            | "reg:squaredlogerror"
            | "reg:absoluteerror"
            | "reg:pseudohubererror"
            | "reg:quantileerror" => Ok(score),
            "binary:logistic" | "reg:logistic" if score > 0.0 && score < 1.0 => Ok((score / (1.0 - score)).ln()),
            "binary:logistic" | "reg:logistic" => Err(malformed("base_score", format!("{score} is not a probability between 0 and 1"))),
            other => Err(unsupported(format!("objective {other}"))),
        }
    }

    impl Tree {
        /// Keeps what can be reached from the root, parents first; XGBoost leaves pruned nodes in the file.
        fn into_tree(self, number: usize, features: usize) -> Result<super::Tree, ModelError> {
            let place = |what: &str, node: usize| format!("tree {number}, node {node}, {what}");
            let count = self.left_children.len();
            let lengths = [
                ("right_children", self.right_children.len()),
                ("split_indices", self.split_indices.len()),
                ("split_conditions", self.split_conditions.len()),
                ("default_left", self.default_left.len()),
                ("sum_hessian", self.sum_hessian.len()),
                ("split_type", if self.split_type.is_empty() { count } else { self.split_type.len() }),
            ];
            if count == 0 {
                return Err(malformed(format!("tree {number}"), "it has no nodes"));
            }
            if let Some((name, length)) = lengths.iter().find(|(_, length)| *length != count) {
                return Err(malformed(format!("tree {number}, {name}"), format!("{length} entries where left_children has {count}")));
            }
            if let Some(size) = &self.tree_param.size_leaf_vector
                && whole("size_leaf_vector", size)? > 1
            {
                return Err(unsupported("leaves with several values"));
            }

            let mut reached = vec![false; count];
            let mut nodes: Vec<Node> = Vec::new();
            let mut open = vec![Open { source: 0, depth: 0, parent: None }];
            while let Some(Open { source, depth, parent }) = open.pop() {
                if std::mem::replace(&mut reached[source], true) {
                    return Err(malformed(place("children", source), "it is reached twice"));
                }
                if depth > MAX_DEPTH {
                    return Err(unsupported(format!("tree {number} is deeper than {MAX_DEPTH}")));
                }
                let here = nodes.len();
                if let Some((above, is_left)) = parent
                    && let Node::Split(split) = &mut nodes[above]
                {
                    *(if is_left { &mut split.left } else { &mut split.right }) = here;
                }
                let condition = self.split_conditions[source];
                if !condition.is_finite() {
                    return Err(malformed(place("split_conditions", source), "it is not finite"));
                }
                let (left, right) = (self.left_children[source], self.right_children[source]);
                if left == -1 && right == -1 {
                    nodes.push(Node::Leaf { value: f64::from(condition) });
                    continue;
                }
                if self.split_type.get(source).is_some_and(|kind| kind.0) {
                    return Err(unsupported(format!("categorical split (tree {number}, node {source})")));
                }
                let child = |name: &str, index: i32| {
                    usize::try_from(index)
                        .ok()
                        .filter(|index| *index < count)
                        .ok_or_else(|| malformed(place(name, source), format!("there is no node {index}")))
                };
                let (left, right) = (child("left_children", left)?, child("right_children", right)?);
                let feature = self.split_indices[source] as usize;
                if feature >= features {
                    return Err(malformed(place("split_indices", source), format!("feature {feature} of a model with {features}")));
                }
                let cover = |node: usize| match f64::from(self.sum_hessian[node]) {
                    cover if cover.is_finite() && cover >= 0.0 => Ok(cover),
                    cover => Err(malformed(place("sum_hessian", node), format!("{cover} is not a cover"))),
                };
                nodes.push(Node::Split(Split {
                    feature,
                    threshold: condition,
                    missing_goes_left: self.default_left[source].0,
                    left: 0,
                    right: 0,
                    left_share: share(cover(left)?, cover(right)?),
                }));
                open.push(Open { source: right, depth: depth + 1, parent: Some((here, false)) });
                open.push(Open { source: left, depth: depth + 1, parent: Some((here, true)) });
            }
            Ok(super::Tree { nodes })
        }
    }

    fn share(left: f64, right: f64) -> f64 {
        if left + right <= 0.0 {
            return 0.5;
        }
        (left / (left + right)).clamp(SMALLEST_SHARE, 1.0 - SMALLEST_SHARE)
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use serde_json::{Value, json};

    /// A model file around the given trees, each as (left, right, feature, condition, default left, cover) per node.
    pub(in super::super) type NodeRow = (i32, i32, u32, f32, bool, f32);

    pub(in super::super) fn model_file(features: usize, trees: &[Vec<NodeRow>]) -> Value {
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

    pub(in super::super) fn read(file: &Value) -> Result<Model, ModelError> {
        Model::from_xgboost_json(&serde_json::to_vec(file).unwrap())
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
        assert_eq!(model.predict(&[0.099]), 1.5);
        assert_eq!(model.predict(&[0.1]), 2.5);
    }

    #[test]
    fn values_are_compared_as_32_bit_floats() {
        let model = read(&model_file(1, &[stump()])).unwrap();
        // As doubles, 0.1 is smaller than the float nearest to 0.1.
        assert_eq!(model.predict(&[0.1_f64 as f32]), 2.5);
    }

    #[test]
    fn a_missing_value_takes_the_default_side() {
        let mut right = stump();
        right[0].4 = false;
        let model = read(&model_file(1, &[stump(), right])).unwrap();
        assert_eq!(model.predict(&[f32::NAN]), 3.5);
        assert_eq!(model.predict(&[]), 3.5);
    }

    #[test]
    fn the_base_value_is_weighted_by_cover() {
        let model = read(&model_file(1, &[stump()])).unwrap();
        assert!((model.base_value() - (0.5 + 0.75 * 1.0 + 0.25 * 2.0)).abs() < 1e-12);
    }

    #[test]
    fn a_base_score_may_be_a_number_or_a_vector_of_one() {
        for text in ["5E-1", "[5E-1]", "0.5"] {
            let mut file = model_file(1, &[stump()]);
            file["learner"]["learner_model_param"]["base_score"] = json!(text);
            assert_eq!(read(&file).unwrap().predict(&[0.0]), 1.5);
        }
    }

    #[test]
    fn a_logistic_model_gives_its_margin() {
        let mut file = model_file(1, &[stump()]);
        file["learner"]["objective"]["name"] = json!("binary:logistic");
        file["learner"]["learner_model_param"]["base_score"] = json!("[7.5E-1]");
        assert!((read(&file).unwrap().predict(&[0.0]) - (3f64.ln() + 1.0)).abs() < 1e-12);
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
        assert_eq!(read(&file).unwrap().predict(&[f32::NAN]), 1.5);
    }

    #[test]
    fn what_is_not_supported_is_refused_by_name() {
        let change = |path: &str, value: Value| {
            let mut file = model_file(1, &[stump()]);
            let (parent, key) = path.rsplit_once('/').unwrap();
            file.pointer_mut(parent).unwrap()[key] = value;
            refusal(file)
        };
        let booster = "/learner/gradient_booster";
        assert!(change("/learner/gradient_booster", json!({"name": "dart", "gbtree": {}})).contains("dart"));
        assert!(change(&format!("{booster}/model/weight_drop"), json!([1.0])).contains("dart"));
        assert!(change("/learner/gradient_booster", json!({"name": "gblinear", "model": {"weights": []}})).contains("gblinear"));
        assert!(change("/learner/learner_model_param/num_class", json!("3")).contains("multi-class"));
        assert!(change("/learner/learner_model_param/num_target", json!("2")).contains("multi-target"));
        assert!(change("/learner/learner_model_param/base_score", json!("[1E0,2E0]")).contains("base score per class"));
        assert!(change("/learner/objective/name", json!("count:poisson")).contains("count:poisson"));
        assert!(change(&format!("{booster}/model/trees/0/split_type"), json!([1, 0, 0])).contains("categorical"));
        let leaves = format!("{booster}/model/trees/0/tree_param/size_leaf_vector");
        assert!(change(&leaves, json!("2")).contains("several values"));
    }

    #[test]
    fn a_malformed_tree_is_refused_with_its_place() {
        let with = |nodes: Vec<NodeRow>| refusal(model_file(1, &[nodes]));
        let mut outside = stump();
        outside[0].1 = 7;
        assert_eq!(with(outside), "the model is malformed at tree 0, node 0, right_children: there is no node 7");
        let mut itself = stump();
        itself[0].0 = 0;
        assert!(with(itself).contains("reached twice"));
        let mut shared = stump();
        shared[0].1 = 1;
        assert!(with(shared).contains("reached twice"));
        let mut one_child = stump();
        one_child[0].1 = -1;
        assert!(with(one_child).contains("no node -1"));
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
        assert_eq!(read(&model_file(1, &[nodes])).unwrap().predict(&[0.0]), 1.5);
    }

    #[test]
    fn what_is_not_json_or_too_large_is_refused() {
        assert!(matches!(Model::from_xgboost_json(b"[1"), Err(ModelError::NotXgboostJson(_))));
        assert!(matches!(Model::from_xgboost_json(&vec![b' '; MAX_BYTES + 1]), Err(ModelError::TooLarge { .. })));
    }
}
