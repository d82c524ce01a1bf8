//! XGBoost's own format: what `save_model` writes as JSON or UBJSON since version 1.0.
//!
//! Boosters `gbtree` and `dart` become forests, `gblinear` a linear model. All rounds count, whatever `best_iteration`
//! says. A feature that was categorical in training is given by its category's number: its place in the list of
//! categories the model was trained with, as XGBoost takes it from a plain matrix.

use super::document::{Broken, Document, Flag};
use super::forest::{Builder, CategorySet, Missing, Precision, RawKind, RawNode, RawTest};
use super::json::Json;
use super::linear::Linear;
use super::{Body, Format, Link, MAX_FEATURES, MAX_OUTPUTS, Model, ModelError, malformed, unsupported};

pub(super) fn read_json(bytes: &[u8]) -> Result<Model, ModelError> {
    read(Json::new(bytes), Format::XgboostJson)
}

pub(super) fn read<'a>(mut document: impl Document<'a>, format: Format) -> Result<Model, ModelError> {
    let mut learner = None;
    let read = document.object(|document, name| match name {
        "learner" => put(&mut learner, Some(Learner::read(document)?)),
        _ => document.skip(),
    });
    read.and_then(|()| document.end()).map_err(|broken| ModelError::NotThatFormat { format, reason: broken.to_string() })?;
    let learner = learner.ok_or_else(|| ModelError::NotThatFormat { format, reason: "it has no learner".into() })?;
    learner.into_model(format)
}

fn put<T>(place: &mut T, value: T) -> Result<(), Broken> {
    *place = value;
    Ok(())
}

#[derive(Default)]
struct Learner {
    feature_names: Vec<String>,
    booster: Booster,
    base_score: Option<String>,
    num_class: Option<String>,
    num_target: Option<String>,
    num_feature: Option<String>,
    objective: Option<String>,
}

impl Learner {
    fn read<'a>(document: &mut impl Document<'a>) -> Result<Self, Broken> {
        let mut learner = Self::default();
        document.object(|document, name| match name {
            "feature_names" => put(&mut learner.feature_names, document.texts()?),
            "gradient_booster" => learner.booster.read(document, false),
            "learner_model_param" => document.object(|document, name| {
                let parameter = match name {
                    "base_score" => &mut learner.base_score,
                    "num_class" => &mut learner.num_class,
                    "num_target" => &mut learner.num_target,
                    "num_feature" => &mut learner.num_feature,
                    _ => return document.skip(),
                };
                put(parameter, Some(document.text()?.into_owned()))
            }),
            "objective" => document.object(|document, name| match name {
                "name" => put(&mut learner.objective, Some(document.text()?.into_owned())),
                _ => document.skip(),
            }),
            _ => document.skip(),
        })?;
        Ok(learner)
    }

    fn into_model(self, format: Format) -> Result<Model, ModelError> {
        let required = |place: &str, value: Option<String>| value.ok_or_else(|| malformed(place, "missing"));
        let objective = required("objective.name", self.objective)?;
        let features = whole("num_feature", &required("num_feature", self.num_feature)?)?;
        if features > MAX_FEATURES {
            return Err(malformed("num_feature", format!("{features} features, at most {MAX_FEATURES} are read")));
        }
        let feature_names = feature_names(self.feature_names, features)?;
        let classes = whole("num_class", self.num_class.as_deref().unwrap_or("0"))?;
        let targets = whole("num_target", self.num_target.as_deref().unwrap_or("1"))?;
        if classes > 1 && targets > 1 {
            return Err(unsupported(format!("{targets} targets of {classes} classes each")));
        }
        let outputs = classes.max(targets).max(1);
        if outputs > MAX_OUTPUTS {
            return Err(unsupported(format!("{outputs} outputs, at most {MAX_OUTPUTS} are read")));
        }
        let output_names = match (classes, targets) {
            (2.., _) => (0..outputs).map(|class| format!("class {class}")).collect(),
            (_, 2..) => (0..outputs).map(|target| format!("target {target}")).collect(),
            _ => vec!["output".into()],
        };
        let (link, base) = base_margins(&objective, &required("base_score", self.base_score)?, outputs)?;
        let body = self.booster.into_body(features, base)?;
        Ok(Model { format, objective, feature_names, output_names, link, body })
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

/// The objective's link and what every sum starts from. The file keeps the latter as an output: one for all outputs
/// before version 3.1, `"[…]"` with one for each since.
fn base_margins(objective: &str, text: &str, outputs: usize) -> Result<(Link, Vec<f64>), ModelError> {
    let inner = text.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(text);
    let scores: Vec<f64> = inner
        .split(',')
        .map(|score| score.trim().parse::<f32>().map(f64::from).ok().filter(|score| score.is_finite()))
        .collect::<Option<_>>()
        .ok_or_else(|| malformed("base_score", format!("{text:?} is not a finite number, or a list of such")))?;
    let scores = match scores.len() {
        1 => vec![scores[0]; outputs],
        length if length == outputs => scores,
        length => return Err(malformed("base_score", format!("{length} numbers for {outputs} outputs"))),
    };
    let link = match objective {
        "reg:squarederror"
        | "reg:linear"
        | "reg:squaredlogerror"
        | "reg:absoluteerror"
        | "reg:pseudohubererror"
        | "reg:quantileerror"
        | "reg:expectileerror"
        | "rank:pairwise"
        | "rank:ndcg"
        | "rank:map"
        | "binary:logitraw"
        | "binary:hinge" => Link::Identity,
        "binary:logistic" | "reg:logistic" => Link::Logistic,
        "multi:softmax" | "multi:softprob" => Link::Softmax,
        "count:poisson" | "reg:gamma" | "reg:tweedie" | "survival:cox" | "survival:aft" => Link::Log,
        other => return Err(unsupported(format!("objective {other}"))),
    };
    let margin = |score: f64| match link {
        Link::Logistic if score > 0.0 && score < 1.0 => Ok((score / (1.0 - score)).ln()),
        Link::Logistic => Err(malformed("base_score", format!("{score} is not a probability between 0 and 1"))),
        Link::Log if score > 0.0 => Ok(score.ln()),
        Link::Log => Err(malformed("base_score", format!("{score} is not a rate above 0"))),
        _ => Ok(score),
    };
    Ok((link, scores.into_iter().map(margin).collect::<Result<_, _>>()?))
}

#[derive(Default)]
struct Booster {
    name: String,
    trees: Option<Vec<Tree>>,
    /// Which output each tree adds to.
    tree_info: Vec<i32>,
    /// What dart scales each tree by.
    weight_drop: Option<Vec<f32>>,
    /// Of a linear model.
    weights: Option<Vec<f32>>,
}

impl Booster {
    /// Until version 3.3, dart wrapped a gbtree; since, it is one, with `weight_drop` within its model.
    fn read<'a>(&mut self, document: &mut impl Document<'a>, within_dart: bool) -> Result<(), Broken> {
        document.object(|document, name| match name {
            "name" if within_dart => document.skip(),
            "name" => put(&mut self.name, document.text()?.into_owned()),
            "gbtree" if !within_dart => self.read(document, true),
            "model" if self.trees.is_some() || self.weights.is_some() => Err(document.broken("a second model")),
            "model" => document.object(|document, name| match name {
                "trees" => {
                    let mut trees = Vec::new();
                    document.array(|document| {
                        trees.push(Tree::read(document)?);
                        Ok(())
                    })?;
                    put(&mut self.trees, Some(trees))
                }
                "tree_info" => put(&mut self.tree_info, document.numbers()?),
                "weight_drop" => self.read_weight_drop(document),
                "weights" => put(&mut self.weights, Some(document.numbers()?)),
                _ => document.skip(),
            }),
            "weight_drop" => self.read_weight_drop(document),
            _ => document.skip(),
        })
    }

    fn read_weight_drop<'a>(&mut self, document: &mut impl Document<'a>) -> Result<(), Broken> {
        if self.weight_drop.is_some() {
            return Err(document.broken("it stands there twice"));
        }
        put(&mut self.weight_drop, Some(document.numbers()?))
    }

    fn into_body(self, features: usize, base: Vec<f64>) -> Result<Body, ModelError> {
        match self.name.as_str() {
            "gbtree" | "dart" => self.into_forest(features, base),
            "gblinear" => self.into_linear(features, base),
            other => Err(unsupported(format!("booster {other}"))),
        }
    }

    fn into_forest(self, features: usize, base: Vec<f64>) -> Result<Body, ModelError> {
        let trees = self.trees.ok_or_else(|| malformed("gradient_booster.model.trees", "missing"))?;
        let per_tree = |name: &str, found: usize| match found == trees.len() {
            true => Ok(()),
            false => Err(malformed(format!("gradient_booster {name}"), format!("{found} entries for {} trees", trees.len()))),
        };
        let outputs = base.len();
        if outputs > 1 || !self.tree_info.is_empty() {
            per_tree("tree_info", self.tree_info.len())?;
        }
        if let Some(weights) = &self.weight_drop {
            per_tree("weight_drop", weights.len())?;
        }
        // Trees with vectors for leaves had no covers before version 3.
        let covers = !trees.iter().any(|tree| tree.sum_hessian.is_empty());
        let mut builder = Builder::new(features, base, Precision::Single, covers);
        builder.expect(trees.iter().map(|tree| tree.left_children.len()).sum());
        for (number, tree) in trees.iter().enumerate() {
            let info = self.tree_info.get(number).copied().unwrap_or(0);
            let output = usize::try_from(info).map_err(|_| malformed(format!("tree_info {number}"), format!("output {info}")))?;
            let weight = self.weight_drop.as_ref().map_or(1.0, |weights| f64::from(weights[number]));
            tree.add_to(&mut builder, number, output, outputs, weight)?;
        }
        Ok(Body::Forest(builder.finish()))
    }

    /// The file holds the outputs' weights of the first feature, of the second, …, and the intercepts. XGBoost adds the
    /// first output's base score to all of them (versions 3.2 and 3.4 alike), and so must its readers.
    fn into_linear(self, features: usize, base: Vec<f64>) -> Result<Body, ModelError> {
        let (outputs, place) = (base.len(), "gradient_booster.model.weights");
        let weights = self.weights.ok_or_else(|| malformed(place, "missing"))?;
        if weights.len() != (features + 1) * outputs {
            return Err(malformed(place, format!("{} numbers for {features} features and {outputs} outputs", weights.len())));
        }
        if weights.iter().any(|weight| !weight.is_finite()) {
            return Err(malformed(place, "one is not finite"));
        }
        let weight = |feature: usize, output: usize| f64::from(weights[feature * outputs + output]);
        Ok(Body::Linear(Linear {
            features,
            weights: (0..outputs)
                .flat_map(|output| (0..features).map(move |feature| (feature, output)))
                .map(|(f, o)| weight(f, o))
                .collect(),
            intercepts: (0..outputs).map(|output| base[0] + weight(features, output)).collect(),
            means: None,
        }))
    }
}

#[derive(Default)]
struct Tree {
    left_children: Vec<i32>,
    right_children: Vec<i32>,
    split_indices: Vec<i32>,
    split_conditions: Vec<f32>,
    default_left: Vec<Flag>,
    sum_hessian: Vec<f32>,
    split_type: Vec<Flag>,
    /// Nodes that split by category; where in `categories` the set of each begins, and how many it has.
    categories_nodes: Vec<i32>,
    categories_segments: Vec<i64>,
    categories_sizes: Vec<i64>,
    categories: Vec<i32>,
    /// Values of leaves that have several: since version 3.1 by leaf, before by node in `base_weights`.
    leaf_weights: Vec<f32>,
    base_weights: Vec<f32>,
    size_leaf_vector: Option<String>,
}

impl Tree {
    fn read<'a>(document: &mut impl Document<'a>) -> Result<Self, Broken> {
        let mut tree = Self::default();
        let mut base_weights = None;
        document.object(|document, name| {
            match name {
                "left_children" => tree.left_children = document.numbers()?,
                "right_children" => tree.right_children = document.numbers()?,
                "split_indices" => tree.split_indices = document.numbers()?,
                "split_conditions" => tree.split_conditions = document.numbers()?,
                "default_left" => tree.default_left = document.numbers()?,
                "sum_hessian" => tree.sum_hessian = document.numbers()?,
                "split_type" => tree.split_type = document.numbers()?,
                "categories_nodes" => tree.categories_nodes = document.numbers()?,
                "categories_segments" => tree.categories_segments = document.numbers()?,
                "categories_sizes" => tree.categories_sizes = document.numbers()?,
                "categories" => tree.categories = document.numbers()?,
                "leaf_weights" => tree.leaf_weights = document.numbers()?,
                // Of use in few files, and long in all.
                "base_weights" => {
                    base_weights = Some(document.clone());
                    document.skip()?;
                }
                "tree_param" => document.object(|document, name| match name {
                    "size_leaf_vector" => put(&mut tree.size_leaf_vector, Some(document.text()?.into_owned())),
                    _ => document.skip(),
                })?,
                _ => document.skip()?,
            }
            Ok(())
        })?;
        // Said at once, since a tree costs more memory than the letters of an empty one.
        if tree.left_children.is_empty() {
            return Err(document.broken("it has no nodes"));
        }
        if let Some(mut document) = base_weights
            && tree.leaf_weights.is_empty()
            && !matches!(tree.size_leaf_vector.as_deref(), None | Some("0" | "1"))
        {
            tree.base_weights = document.numbers().map_err(|broken| broken.within("base_weights"))?;
        }
        Ok(tree)
    }

    /// How many values a leaf has.
    fn width(&self, number: usize, outputs: usize) -> Result<usize, ModelError> {
        let Some(size) = &self.size_leaf_vector else { return Ok(1) };
        match whole(&format!("tree {number}, size_leaf_vector"), size)? {
            0 | 1 => Ok(1),
            size if size == outputs => Ok(size),
            size => Err(malformed(format!("tree {number}, size_leaf_vector"), format!("{size} values for {outputs} outputs"))),
        }
    }

    fn check_lengths(&self, number: usize, covers: bool) -> Result<(), ModelError> {
        let count = self.left_children.len();
        let lengths = [
            ("right_children", self.right_children.len()),
            ("split_indices", self.split_indices.len()),
            ("split_conditions", self.split_conditions.len()),
            ("default_left", self.default_left.len()),
            ("sum_hessian", if covers { self.sum_hessian.len() } else { count }),
            ("split_type", if self.split_type.is_empty() { count } else { self.split_type.len() }),
        ];
        if let Some((name, length)) = lengths.iter().find(|(_, length)| *length != count) {
            return Err(malformed(format!("tree {number}, {name}"), format!("{length} entries where left_children has {count}")));
        }
        let sets = self.categories_nodes.len();
        if self.categories_segments.len() != sets || self.categories_sizes.len() != sets {
            return Err(malformed(format!("tree {number}, categories_nodes"), "as many segments and sizes were expected"));
        }
        Ok(())
    }

    /// The categories that go right at the place within `categories_nodes`.
    fn set(&self, at: usize) -> Option<CategorySet> {
        let start = usize::try_from(self.categories_segments[at]).ok()?;
        let size = usize::try_from(self.categories_sizes[at]).ok()?;
        let categories = self.categories.get(start..start.checked_add(size)?)?;
        categories.iter().map(|category| u32::try_from(*category).ok()).collect()
    }

    fn add_to(&self, builder: &mut Builder, number: usize, output: usize, outputs: usize, weight: f64) -> Result<(), ModelError> {
        let place = |at: usize| format!("tree {number}, node {at}");
        let width = self.width(number, outputs)?;
        let covers = builder.has_covers();
        self.check_lengths(number, covers)?;
        // Nodes that shared a segment could make sets cost more memory than the file.
        let mut used = 0usize;
        builder.tree(output, width, self.left_children.len(), |at| {
            let cover = covers.then(|| f64::from(self.sum_hessian[at]));
            let condition = self.split_conditions[at];
            let (left, right) = (self.left_children[at], self.right_children[at]);
            if left == -1 && width > 1 {
                let values = self.leaf(at, width).ok_or_else(|| malformed(place(at), "its values are not in the file"))?;
                let values: Vec<f64> = values.iter().map(|value| f64::from(*value) * weight).collect();
                return Ok(RawNode { cover, kind: RawKind::Leaf(values.into()) });
            }
            if left == -1 && right == -1 {
                return Ok(RawNode { cover, kind: RawKind::Value(f64::from(condition) * weight) });
            }
            let child = |index: i32| usize::try_from(index).map_err(|_| malformed(place(at), format!("its child is node {index}")));
            let (left, right) = (child(left)?, child(right)?);
            let feature = self.split_indices[at];
            let feature = usize::try_from(feature).map_err(|_| malformed(place(at), format!("feature {feature}")))?;
            let default_left = self.default_left[at].0;
            let kind = if self.split_type.get(at).is_some_and(|kind| kind.0) {
                let set = self.categories_nodes.binary_search(&(at as i32)).ok();
                used = used.saturating_add(set.map_or(0, |set| usize::try_from(self.categories_sizes[set]).unwrap_or(usize::MAX)));
                if used > self.categories.len() {
                    return Err(malformed(place(at), "its categories are those of another node"));
                }
                let set = set.and_then(|set| self.set(set)).ok_or_else(|| malformed(place(at), "its categories are not in the file"))?;
                // Here, what is in the set goes right.
                let missing = if default_left { Missing::Right } else { Missing::Left };
                RawKind::Split { feature, test: RawTest::In(set), missing, left: right, right: left }
            } else {
                let missing = if default_left { Missing::Left } else { Missing::Right };
                RawKind::Split { feature, test: RawTest::Below(condition.into()), missing, left, right }
            };
            Ok(RawNode { cover, kind })
        })
    }

    /// The values of a leaf that has several.
    fn leaf(&self, at: usize, width: usize) -> Option<&[f32]> {
        let (values, leaf) = match self.leaf_weights.is_empty() {
            // There, the right child of a leaf is its place among the leaves.
            false => (&self.leaf_weights, usize::try_from(self.right_children[at]).ok()?),
            true => (&self.base_weights, at),
        };
        let start = leaf.checked_mul(width)?;
        values.get(start..start.checked_add(width)?)
    }
}

#[cfg(test)]
pub(in super::super) mod tests;
