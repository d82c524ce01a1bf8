//! CatBoost's JSON: what `save_model(…, format="json")` writes, of symmetric trees and of others.
//!
//! Only numbers are split on. Categorical features may stand among the columns; a split that asks for one needs
//! CatBoost's hashes of texts, or statistics of the training data, and is refused by name.

use super::forest::{Builder, Missing, Precision, RawKind, RawNode, RawTest};
use super::{Body, Format, Link, MAX_FEATURES, MAX_OUTPUTS, Model, ModelError, malformed, unsupported};
use serde::Deserialize;
use serde_json::Value;
use std::collections::{HashMap, HashSet};

pub(super) fn read(bytes: &[u8]) -> Result<Model, ModelError> {
    let bytes = bytes.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(bytes);
    let file: ModelFile = serde_json::from_slice(bytes)
        .map_err(|error| ModelError::NotThatFormat { format: Format::CatboostJson, reason: error.to_string() })?;
    file.into_model()
}

#[derive(Deserialize)]
struct ModelFile {
    features_info: FeaturesInfo,
    #[serde(default)]
    model_info: ModelInfo,
    oblivious_trees: Option<Vec<ObliviousTree>>,
    trees: Option<Vec<TreeNode>>,
    scale_and_bias: Option<(f64, OneOrMany)>,
}

#[derive(Deserialize)]
struct FeaturesInfo {
    #[serde(default)]
    float_features: Vec<Feature>,
    #[serde(default)]
    categorical_features: Vec<Feature>,
    #[serde(default)]
    text_features: Vec<Feature>,
    #[serde(default)]
    embedding_features: Vec<Feature>,
}

#[derive(Deserialize)]
struct Feature {
    /// Its place among features of its kind, and among all.
    feature_index: usize,
    flat_feature_index: usize,
    #[serde(default)]
    feature_id: String,
    #[serde(default)]
    nan_value_treatment: String,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct ModelInfo {
    params: Option<Parameters>,
    class_params: Option<ClassParameters>,
}

#[derive(Deserialize)]
struct Parameters {
    loss_function: Option<LossFunction>,
}

#[derive(Deserialize)]
struct LossFunction {
    #[serde(rename = "type")]
    kind: String,
}

#[derive(Deserialize)]
struct ClassParameters {
    #[serde(default)]
    class_names: Vec<Value>,
}

#[derive(Deserialize)]
struct ObliviousTree {
    #[serde(default)]
    splits: Option<Vec<Split>>,
    /// The outputs' values of the first leaf, of the second, ….
    leaf_values: Vec<f64>,
    #[serde(default)]
    leaf_weights: Vec<f64>,
}

#[derive(Deserialize)]
#[serde(try_from = "AnyNode")]
enum TreeNode {
    Split { split: Split, left: Box<TreeNode>, right: Box<TreeNode> },
    Leaf { value: OneOrMany, weight: Option<f64> },
}

/// A node as it stands in the file, where nothing but its fields says what it is.
#[derive(Deserialize)]
struct AnyNode {
    split: Option<Split>,
    left: Option<Box<TreeNode>>,
    right: Option<Box<TreeNode>>,
    value: Option<OneOrMany>,
    weight: Option<f64>,
}

impl TryFrom<AnyNode> for TreeNode {
    type Error = &'static str;

    fn try_from(node: AnyNode) -> Result<Self, Self::Error> {
        match node {
            AnyNode { split: Some(split), left: Some(left), right: Some(right), value: None, .. } => Ok(Self::Split { split, left, right }),
            AnyNode { split: None, left: None, right: None, value: Some(value), weight } => Ok(Self::Leaf { value, weight }),
            _ => Err("a node needs either a split with a left and a right side, or a value"),
        }
    }
}

#[derive(Deserialize)]
struct Split {
    split_type: String,
    float_feature_index: Option<usize>,
    border: Option<f64>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum OneOrMany {
    One(f64),
    Many(Vec<f64>),
}

impl OneOrMany {
    fn values(&self) -> &[f64] {
        match self {
            Self::One(value) => std::slice::from_ref(value),
            Self::Many(values) => values,
        }
    }
}

impl ModelFile {
    fn into_model(self) -> Result<Model, ModelError> {
        let columns = Columns::read(&self.features_info)?;
        let (scale, bias) = match &self.scale_and_bias {
            Some((scale, bias)) => (*scale, bias.values().to_vec()),
            None => (1.0, vec![0.0]),
        };
        if !scale.is_finite() || bias.iter().any(|bias| !bias.is_finite()) {
            return Err(malformed("scale_and_bias", "one is not finite"));
        }
        let (symmetric, others) = (self.oblivious_trees.unwrap_or_default(), self.trees.unwrap_or_default());
        if !symmetric.is_empty() && !others.is_empty() {
            return Err(malformed("trees", "they stand there beside oblivious_trees"));
        }
        let outputs = match (symmetric.first(), others.first()) {
            (Some(tree), _) => tree.leaf_values.len() / tree.leaves().unwrap_or(1),
            (_, Some(tree)) => tree.some_leaf().0.values().len(),
            _ => bias.len(),
        };
        if !(1..=MAX_OUTPUTS).contains(&outputs) {
            return Err(unsupported(format!("{outputs} outputs, at least 1 and at most {MAX_OUTPUTS} are read")));
        }
        let base = match bias.len() {
            1 => vec![bias[0]; outputs],
            length if length == outputs => bias,
            length => return Err(malformed("scale_and_bias", format!("{length} numbers for {outputs} outputs"))),
        };
        let covers = symmetric.iter().all(|tree| !tree.leaf_weights.is_empty()) && others.iter().all(|tree| tree.some_leaf().1.is_some());
        let mut builder = Builder::new(columns.names.len(), base, Precision::Single, covers);
        for (number, tree) in symmetric.iter().enumerate() {
            tree.add_to(&mut builder, &columns, number, outputs, scale)?;
        }
        for (number, tree) in others.iter().enumerate() {
            tree.add_to(&mut builder, &columns, number, outputs, scale)?;
        }
        let objective = self.model_info.params.and_then(|parameters| parameters.loss_function).map_or(String::new(), |loss| loss.kind);
        let classes = self.model_info.class_params.map_or(Vec::new(), |parameters| parameters.class_names);
        let output_names = match outputs {
            1 => vec!["output".into()],
            _ if classes.len() == outputs => classes.iter().map(class_name).collect(),
            _ => (0..outputs).map(|target| format!("target {target}")).collect(),
        };
        let link = match objective.as_str() {
            "Logloss" | "CrossEntropy" | "Focal" | "MultiClassOneVsAll" | "MultiLogloss" | "MultiCrossEntropy" => Link::Logistic,
            "MultiClass" => Link::Softmax,
            "Poisson" | "Tweedie" => Link::Log,
            // CatBoost itself gives margins as the predictions of all others.
            _ => Link::Identity,
        };
        Ok(Model {
            format: Format::CatboostJson,
            objective,
            feature_names: columns.names,
            output_names,
            link,
            body: Body::Forest(builder.finish()),
        })
    }
}

fn class_name(name: &Value) -> String {
    match name {
        Value::String(name) => format!("class {name}"),
        other => format!("class {other}"),
    }
}

/// The columns of a row, and which of them the float features are.
struct Columns {
    names: Vec<String>,
    /// By the feature's place among float features.
    floats: HashMap<usize, (usize, Missing)>,
}

impl Columns {
    fn read(info: &FeaturesInfo) -> Result<Self, ModelError> {
        let all = || {
            let kinds = [&info.float_features, &info.categorical_features, &info.text_features, &info.embedding_features];
            kinds.into_iter().flatten()
        };
        let count = all().map(|feature| feature.flat_feature_index.saturating_add(1)).max().unwrap_or(0);
        if count > MAX_FEATURES {
            return Err(unsupported(format!("{count} features, at most {MAX_FEATURES} are read")));
        }
        // CatBoost calls unnamed features by their number.
        let mut names: Vec<String> = (0..count).map(|index| index.to_string()).collect();
        let mut met = HashSet::new();
        for feature in all() {
            let index = feature.flat_feature_index;
            if !met.insert(index) {
                return Err(malformed("features_info", format!("feature {index} stands there twice")));
            }
            if !feature.feature_id.is_empty() {
                names[index].clone_from(&feature.feature_id);
            }
        }
        let mut seen = HashSet::new();
        if let Some(twice) = names.iter().find(|name| !seen.insert(name.as_str())) {
            return Err(malformed("features_info", format!("{twice:.40} stands there twice")));
        }
        let mut floats = HashMap::new();
        for feature in &info.float_features {
            let missing = match feature.nan_value_treatment.as_str() {
                "AsTrue" => Missing::Right,
                // NaN is greater than nothing.
                "AsFalse" | "AsIs" | "" => Missing::Left,
                other => return Err(unsupported(format!("nan_value_treatment {other:.40}"))),
            };
            if floats.insert(feature.feature_index, (feature.flat_feature_index, missing)).is_some() {
                return Err(malformed("features_info", format!("float feature {} stands there twice", feature.feature_index)));
            }
        }
        Ok(Self { names, floats })
    }

    /// A split whose right side is "greater than the border".
    fn split<'a>(&self, split: &Split, left: usize, right: usize, place: impl Fn() -> String) -> Result<RawKind<'a>, ModelError> {
        if split.split_type != "FloatFeature" {
            return Err(unsupported(format!("split by {:.40} ({})", split.split_type, place())));
        }
        let (Some(index), Some(border)) = (split.float_feature_index, split.border) else {
            return Err(malformed(place(), "a split without float_feature_index or border"));
        };
        let (feature, missing) =
            *self.floats.get(&index).ok_or_else(|| malformed(place(), format!("float feature {index}, which is not in features_info")))?;
        let border = border as f32;
        if !border.is_finite() {
            return Err(malformed(place(), format!("border {border}")));
        }
        // As a 32-bit float, so that it stays the next one after the border however the trees are walked.
        Ok(RawKind::Split { feature, test: RawTest::Below(border.next_up().into()), missing, left, right })
    }
}

impl ObliviousTree {
    fn splits(&self) -> &[Split] {
        self.splits.as_deref().unwrap_or_default()
    }

    /// How many leaves so many splits need.
    fn leaves(&self) -> Option<usize> {
        u32::try_from(self.splits().len()).ok().filter(|depth| *depth < 32).map(|depth| 1 << depth)
    }

    /// The first split decides the lowest bit of a leaf's place, so the last one stands at the root, as in CatBoost's own
    /// attributions.
    fn add_to(&self, builder: &mut Builder, columns: &Columns, number: usize, outputs: usize, scale: f64) -> Result<(), ModelError> {
        let splits = self.splits();
        let leaves = self.leaves().filter(|leaves| leaves.checked_mul(outputs) == Some(self.leaf_values.len()));
        let leaves = leaves.ok_or_else(|| {
            let reason = format!("{} values for {} splits and {outputs} outputs", self.leaf_values.len(), splits.len());
            malformed(format!("tree {number}, leaf_values"), reason)
        })?;
        let mut weights = Vec::new();
        if builder.has_covers() {
            if self.leaf_weights.len() != leaves {
                let reason = format!("{} weights for {leaves} leaves", self.leaf_weights.len());
                return Err(malformed(format!("tree {number}, leaf_weights"), reason));
            }
            // A node's children stand at twice its place, plus one and two; leaves come last.
            weights = vec![0.0; leaves - 1];
            weights.extend_from_slice(&self.leaf_weights);
            for at in (0..leaves - 1).rev() {
                weights[at] = weights[2 * at + 1] + weights[2 * at + 2];
            }
        }
        builder.tree(0, outputs, 2 * leaves - 1, |at| {
            let kind = if at >= leaves - 1 {
                let values = &self.leaf_values[(at + 1 - leaves) * outputs..][..outputs];
                RawKind::Leaf(values.iter().map(|value| value * scale).collect::<Vec<_>>().into())
            } else {
                let level = (at + 1).ilog2() as usize;
                let split = &splits[splits.len() - 1 - level];
                columns.split(split, 2 * at + 1, 2 * at + 2, || format!("tree {number}, split {}", splits.len() - 1 - level))?
            };
            Ok(RawNode { cover: weights.get(at).copied(), kind })
        })
    }
}

impl TreeNode {
    /// One of its leaves.
    fn some_leaf(&self) -> (&OneOrMany, Option<f64>) {
        let mut node = self;
        loop {
            match node {
                Self::Split { left, .. } => node = left,
                Self::Leaf { value, weight } => return (value, *weight),
            }
        }
    }

    fn add_to(&self, builder: &mut Builder, columns: &Columns, number: usize, outputs: usize, scale: f64) -> Result<(), ModelError> {
        let mut nodes = Vec::new();
        self.lay_out(&mut nodes);
        let covers = builder.has_covers();
        builder.tree(0, outputs, nodes.len(), |at| {
            let Laid { node, right, weight } = &nodes[at];
            let kind = match node {
                Self::Split { split, .. } => columns.split(split, at + 1, *right, || format!("tree {number}, node {at}"))?,
                Self::Leaf { value, .. } => RawKind::Leaf(value.values().iter().map(|value| value * scale).collect::<Vec<_>>().into()),
            };
            Ok(RawNode { cover: weight.filter(|_| covers), kind })
        })
    }

    /// Puts the tree's nodes one after another, every left child right after its parent, and returns the weight of the
    /// leaves. Recursion ends where the reader of JSON, which has a limit, has ended.
    fn lay_out<'a>(&'a self, nodes: &mut Vec<Laid<'a>>) -> Option<f64> {
        let here = nodes.len();
        nodes.push(Laid { node: self, right: 0, weight: None });
        nodes[here].weight = match self {
            Self::Leaf { weight, .. } => *weight,
            Self::Split { left, right, .. } => {
                let left = left.lay_out(nodes);
                nodes[here].right = nodes.len();
                let right = right.lay_out(nodes);
                left.zip(right).map(|(left, right)| left + right)
            }
        };
        nodes[here].weight
    }
}

/// A node with the place of its right child.
struct Laid<'a> {
    node: &'a TreeNode,
    right: usize,
    weight: Option<f64>,
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::json;

    fn split(feature: usize, border: f64) -> Value {
        json!({"split_type": "FloatFeature", "float_feature_index": feature, "border": border, "split_index": 0})
    }

    fn float(index: usize, flat: usize, missing: &str) -> Value {
        json!({"feature_index": index, "flat_feature_index": flat, "feature_id": "", "nan_value_treatment": missing, "borders": []})
    }

    fn file() -> Value {
        json!({
            "features_info": {
                "float_features": [float(0, 0, "AsFalse"), float(1, 2, "AsTrue")],
                "categorical_features": [{"feature_index": 0, "flat_feature_index": 1, "feature_id": "place"}],
            },
            "model_info": {"params": {"loss_function": {"type": "RMSE", "params": {}}}},
            "oblivious_trees": [{"splits": [split(0, 0.5), split(1, 1.5)], "leaf_values": [1, 2, 4, 8], "leaf_weights": [1, 2, 3, 4]}],
            "scale_and_bias": [2.0, [0.25]],
        })
    }

    fn other_file() -> Value {
        let mut file = file();
        file.as_object_mut().unwrap().remove("oblivious_trees");
        let leaf = |value: f64, weight: f64| json!({"value": value, "weight": weight});
        let inner = json!({"split": split(1, 1.5), "left": leaf(2.0, 1.0), "right": leaf(4.0, 1.0)});
        file["trees"] = json!([{"split": split(0, 0.5), "left": leaf(1.0, 2.0), "right": inner}]);
        file
    }

    fn read(file: &Value) -> Result<Model, ModelError> {
        Model::read(&serde_json::to_vec(file).unwrap())
    }

    fn predict(file: &Value, row: &[f64]) -> f64 {
        read(file).unwrap().predict(row)[0]
    }

    #[test]
    fn the_first_split_is_the_lowest_bit() {
        let nan = f64::NAN;
        for (row, expected) in [([0.0, nan, 0.0], 2.25), ([1.0, nan, 0.0], 4.25), ([0.0, nan, 2.0], 8.25), ([1.0, nan, 2.0], 16.25)] {
            assert_eq!(predict(&file(), &row), expected);
        }
        assert_eq!(read(&file()).unwrap().feature_names(), ["0", "place", "2"]);
    }

    #[test]
    fn equal_to_the_border_goes_left_as_32_bit_floats() {
        assert_eq!(predict(&file(), &[0.5, 0.0, 0.0]), 2.25);
        assert_eq!(predict(&file(), &[0.5 + 1e-12, 0.0, 0.0]), 2.25);
        assert_eq!(predict(&file(), &[0.500_000_1, 0.0, 0.0]), 4.25);
    }

    #[test]
    fn what_is_missing_goes_where_its_feature_says() {
        assert_eq!(predict(&file(), &[f64::NAN, 0.0, f64::NAN]), 8.25);
    }

    #[test]
    fn weights_are_covers() {
        assert!((read(&file()).unwrap().forest().unwrap().base_values()[0] - (0.25 + 2.0 * 4.9)).abs() < 1e-12);
        assert!((read(&other_file()).unwrap().forest().unwrap().base_values()[0] - (0.25 + 2.0 * 2.0)).abs() < 1e-12);
        let mut without = file();
        without["oblivious_trees"][0].as_object_mut().unwrap().remove("leaf_weights");
        assert!(!read(&without).unwrap().forest().unwrap().has_covers());
    }

    #[test]
    fn trees_need_not_be_symmetric() {
        for (row, expected) in [([0.0, 0.0, 9.0], 2.25), ([1.0, 0.0, 0.0], 4.25), ([1.0, 0.0, 2.0], 8.25)] {
            assert_eq!(predict(&other_file(), &row), expected);
        }
    }

    #[test]
    fn leaves_may_have_a_value_per_class() {
        let mut file = file();
        file["oblivious_trees"][0]["leaf_values"] = json!([1, -1, 2, -2, 4, -4, 8, -8]);
        file["scale_and_bias"] = json!([1.0, [0.0, 0.5]]);
        file["model_info"] = json!({"params": {"loss_function": {"type": "MultiClass"}}, "class_params": {"class_names": ["no", 1]}});
        let model = read(&file).unwrap();
        assert_eq!(model.predict(&[1.0, 0.0, 0.0]), [2.0, -1.5]);
        assert_eq!((model.output_names(), model.link()), (&["class no".to_owned(), "class 1".into()][..], Link::Softmax));
    }

    #[test]
    fn what_is_wrong_or_not_supported_is_said_with_its_place() {
        let refusal = |pointer: &str, value: Value| {
            let mut file = if pointer.starts_with("/trees") { other_file() } else { file() };
            *file.pointer_mut(pointer).unwrap() = value;
            read(&file).unwrap_err().to_string()
        };
        let tree = "/oblivious_trees/0";
        assert!(refusal(&format!("{tree}/splits/0/split_type"), json!("OnlineCtr")).contains("split by OnlineCtr (tree 0, split 0)"));
        assert!(refusal(&format!("{tree}/splits/1/split_type"), json!("OneHotFeature")).contains("split by OneHotFeature"));
        assert!(refusal(&format!("{tree}/splits/0/float_feature_index"), json!(2)).contains("float feature 2"));
        assert!(refusal(&format!("{tree}/splits/0/border"), json!(1e300)).contains("border inf"));
        assert!(refusal(&format!("{tree}/leaf_values"), json!([1, 2, 3])).contains("0 outputs"));
        assert!(refusal(&format!("{tree}/leaf_values"), json!([1, 2, 3, 4, 5])).contains("5 values for 2 splits"));
        assert!(refusal(&format!("{tree}/leaf_weights"), json!([1, 2, 3])).contains("3 weights for 4 leaves"));
        assert!(refusal(&format!("{tree}/leaf_weights"), json!([1, 2, 3, -4])).contains("not a cover"));
        assert!(refusal(&format!("{tree}/splits"), json!(vec![split(0, 0.0); 64])).contains("values for 64 splits"));
        assert!(refusal("/features_info/float_features/1/flat_feature_index", json!(0)).contains("feature 0 stands there twice"));
        assert!(refusal("/features_info/float_features/1/flat_feature_index", json!(1u64 << 60)).contains("features, at most"));
        assert!(refusal("/features_info/float_features/1/nan_value_treatment", json!("Forbidden")).contains("nan_value_treatment"));
        assert!(refusal("/scale_and_bias", json!([1.0, [0.0, 1.0]])).contains("2 numbers for 1 outputs"));
        assert!(refusal("/trees/0/left", Value::Null).contains("a left and a right side"));
        assert!(refusal("/trees/0/right/right", json!({"weight": 1.0})).contains("either a split"));
        assert!(refusal("/trees/0/right/right", json!({"value": 1.0})).contains("no cover"));
        assert!(refusal("/trees/0/right/right", json!({"value": [1.0, 2.0], "weight": 1})).contains("2 values in a leaf of 1"));
    }

    #[test]
    fn deep_nesting_is_refused_without_overflow() {
        let text = format!("{{\"features_info\":{{}},\"trees\":[{}", "{\"left\":".repeat(200_000));
        assert!(Model::read(text.as_bytes()).unwrap_err().to_string().contains("recursion limit"));
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2000))]

        #[test]
        fn whatever_becomes_of_a_file_it_is_read_or_refused(
            symmetric in any::<bool>(),
            cut in 0usize..2000,
            changes in prop::collection::vec((any::<prop::sample::Index>(), prop::sample::select(b"0123456789-.,:[]{}\"eE \xFF".to_vec())), 0..4),
        ) {
            let mut bytes = serde_json::to_vec(&if symmetric { file() } else { other_file() }).unwrap();
            for (at, byte) in changes {
                let at = at.index(bytes.len());
                bytes[at] = byte;
            }
            bytes.truncate(cut.max(1));
            if let Ok(model) = Model::read_as(&bytes, Format::CatboostJson) {
                model.predict(&[0.5, f64::NAN]);
            }
        }
    }
}
