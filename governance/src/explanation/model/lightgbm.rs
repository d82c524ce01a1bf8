//! LightGBM's text: what `save_model` and `model_to_string` write, versions 3 and 4.
//!
//! Margins are raw scores, except that where probabilities are `1 / (1 + exp(-sigmoid * score))` with a `sigmoid` other
//! than 1, they are `sigmoid * score`: log-odds in every case. Covers are counts of training rows, as in LightGBM's own
//! attributions. A categorical feature is given by its number.

use super::forest::{Builder, CategorySet, Missing, Precision, RawKind, RawNode, RawTest};
use super::{Body, Format, Link, MAX_FEATURES, MAX_OUTPUTS, Model, ModelError, malformed, unsupported};
use std::collections::{HashMap, HashSet};
use std::str::FromStr;

pub(super) fn read(bytes: &[u8]) -> Result<Model, ModelError> {
    let not_that = |reason: &str| ModelError::NotThatFormat { format: Format::LightgbmText, reason: reason.into() };
    let text = std::str::from_utf8(bytes).map_err(|_| not_that("it is not UTF-8 text"))?;
    let mut lines = text.strip_prefix('\u{FEFF}').unwrap_or(text).lines().map(str::trim_end);
    if lines.by_ref().find(|line| !line.is_empty()) != Some("tree") {
        return Err(not_that("its first line is not \"tree\""));
    }
    let mut blocks = Blocks { lines, next: Some("header".into()) };
    let header = blocks.next()?.ok_or_else(|| not_that("it is empty"))?;
    let mut trees = Vec::new();
    while let Some(tree) = blocks.next()? {
        let expected = format!("Tree={}", trees.len());
        if tree.place != expected {
            return Err(malformed(tree.place, format!("{expected} was expected")));
        }
        trees.push(tree);
    }
    if let Ok(sizes) = header.text("tree_sizes") {
        let told = sizes.split_ascii_whitespace().count();
        if told != trees.len() {
            return Err(malformed("tree_sizes", format!("{told} sizes for {} trees", trees.len())));
        }
    }
    into_model(&header, &trees)
}

/// The header, and then each tree.
struct Blocks<'a, L: Iterator<Item = &'a str>> {
    lines: L,
    /// What the next block is called, until the trees end.
    next: Option<String>,
}

/// Lines `name=value`.
struct Block<'a> {
    place: String,
    fields: HashMap<&'a str, &'a str>,
}

impl<'a, L: Iterator<Item = &'a str>> Blocks<'a, L> {
    fn next(&mut self) -> Result<Option<Block<'a>>, ModelError> {
        let Some(place) = self.next.take() else { return Ok(None) };
        let mut fields = HashMap::new();
        loop {
            let line = self.lines.next().ok_or_else(|| malformed(&*place, "the file ends before \"end of trees\""))?;
            match line {
                "" => continue,
                "end of trees" => break,
                tree if tree.starts_with("Tree=") => {
                    self.next = Some(tree.chars().take(40).collect());
                    break;
                }
                _ => {
                    let (name, value) = line.split_once('=').unwrap_or((line, ""));
                    if fields.insert(name, value).is_some() {
                        return Err(malformed(place, format!("{name:.40} stands there twice")));
                    }
                }
            }
        }
        Ok(Some(Block { place, fields }))
    }
}

impl<'a> Block<'a> {
    fn malformed(&self, name: &str, reason: impl Into<String>) -> ModelError {
        malformed(format!("{}, {name}", self.place), reason)
    }

    fn text(&self, name: &str) -> Result<&'a str, ModelError> {
        self.fields.get(name).copied().ok_or_else(|| self.malformed(name, "missing"))
    }

    fn whole(&self, name: &str) -> Result<usize, ModelError> {
        let text = self.text(name)?;
        text.parse().map_err(|_| self.malformed(name, format!("{text:.40?} is not a whole number")))
    }

    /// A list of so many numbers.
    fn list<N: FromStr>(&self, name: &str, length: usize) -> Result<Vec<N>, ModelError> {
        let numbers: Vec<N> = self.all(name)?;
        if numbers.len() != length {
            return Err(self.malformed(name, format!("{} numbers where {length} were expected", numbers.len())));
        }
        Ok(numbers)
    }

    fn all<N: FromStr>(&self, name: &str) -> Result<Vec<N>, ModelError> {
        let number = |text: &str| text.parse().map_err(|_| self.malformed(name, format!("{text:.40?} is not a number of the kind needed")));
        self.text(name)?.split_ascii_whitespace().map(number).collect()
    }
}

fn into_model(header: &Block<'_>, trees: &[Block<'_>]) -> Result<Model, ModelError> {
    let features = header.whole("max_feature_idx")?.saturating_add(1);
    if features > MAX_FEATURES {
        return Err(unsupported(format!("{features} features, at most {MAX_FEATURES} are read")));
    }
    let outputs = header.whole("num_tree_per_iteration")?;
    if !(1..=MAX_OUTPUTS).contains(&outputs) {
        return Err(unsupported(format!("{outputs} outputs, at least 1 and at most {MAX_OUTPUTS} are read")));
    }
    let objective = header.text("objective").unwrap_or("");
    let (link, sigmoid) = link(objective, outputs)?;
    let mut scale = sigmoid;
    // Random forests are averaged over their rounds.
    if header.fields.contains_key("average_output") && !trees.is_empty() {
        if !trees.len().is_multiple_of(outputs) {
            return Err(malformed("average_output", format!("{} trees are not whole rounds of {outputs}", trees.len())));
        }
        scale /= (trees.len() / outputs) as f64;
    }
    let covers = trees.iter().all(|tree| tree.fields.contains_key("leaf_count"));
    let mut builder = Builder::new(features, vec![0.0; outputs], Precision::Double, covers);
    for (number, tree) in trees.iter().enumerate() {
        Tree::read(tree, covers)?.add_to(&mut builder, number % outputs, scale)?;
    }
    Ok(Model {
        format: Format::LightgbmText,
        objective: objective.split(' ').next().unwrap_or("").into(),
        feature_names: feature_names(header, features)?,
        output_names: if outputs == 1 { vec!["output".into()] } else { (0..outputs).map(|class| format!("class {class}")).collect() },
        link,
        body: Body::Forest(builder.finish()),
    })
}

fn feature_names(header: &Block<'_>, features: usize) -> Result<Vec<String>, ModelError> {
    let names: Vec<&str> = header.text("feature_names")?.split_ascii_whitespace().collect();
    if names.len() != features {
        return Err(header.malformed("feature_names", format!("{} names for {features} features", names.len())));
    }
    let mut seen = HashSet::new();
    match names.iter().find(|name| !seen.insert(**name)) {
        Some(twice) => Err(header.malformed("feature_names", format!("{twice:.40} stands there twice"))),
        None => Ok(names.into_iter().map(String::from).collect()),
    }
}

/// The link of an objective such as `binary sigmoid:1`, and what its scores are multiplied with before it.
fn link(objective: &str, outputs: usize) -> Result<(Link, f64), ModelError> {
    let mut words = objective.split_ascii_whitespace();
    let name = words.next().unwrap_or("");
    let mut sigmoid = 1.0;
    for word in words {
        match word.split_once(':') {
            Some(("sigmoid", value)) => {
                let wrong = || malformed("objective", format!("a sigmoid of {value:.40}"));
                sigmoid = value.parse::<f64>().ok().filter(|value| value.is_finite() && *value > 0.0).ok_or_else(wrong)?;
            }
            Some(("num_class", value)) if value.parse() != Ok(outputs) => {
                return Err(malformed("objective", format!("{value:.40} classes where a round has {outputs} trees")));
            }
            // Parameters of the training alone.
            Some(_) => {}
            // Such as `regression sqrt`, which squares its outputs.
            None => return Err(unsupported(format!("objective {objective:.80}"))),
        }
    }
    Ok(match name {
        "binary" | "cross_entropy" | "xentropy" => (Link::Logistic, sigmoid),
        "multiclass" | "softmax" => (Link::Softmax, 1.0),
        "multiclassova" | "multiclass_ova" | "ova" | "ovr" => (Link::OneVersusAll, sigmoid),
        "poisson" | "gamma" | "tweedie" => (Link::Log, 1.0),
        // No name: a function of the trainer's own.
        "" | "none" | "custom" | "regression" | "regression_l1" | "huber" | "fair" | "quantile" | "mape" | "lambdarank" | "rank_xendcg" => {
            (Link::Identity, 1.0)
        }
        other => return Err(unsupported(format!("objective {other:.80}"))),
    })
}

/// A tree's splits and leaves; children below zero are leaves, counted down from -1.
struct Tree<'a> {
    block: &'a Block<'a>,
    split_feature: Vec<usize>,
    threshold: Vec<f64>,
    decision_type: Vec<u8>,
    left_child: Vec<i64>,
    right_child: Vec<i64>,
    internal_count: Vec<f64>,
    leaf_value: Vec<f64>,
    leaf_count: Vec<f64>,
    cat_boundaries: Vec<usize>,
    cat_threshold: Vec<u32>,
}

impl<'a> Tree<'a> {
    fn read(block: &'a Block<'a>, covers: bool) -> Result<Self, ModelError> {
        if block.fields.get("is_linear").is_some_and(|linear| *linear != "0") {
            return Err(unsupported(format!("linear trees ({})", block.place)));
        }
        let leaves = block.whole("num_leaves")?;
        if leaves == 0 {
            return Err(block.malformed("num_leaves", "a tree without leaves"));
        }
        let splits = leaves - 1;
        let categorical = block.whole("num_cat")? > 0;
        // A tree of one leaf leaves the lists of its splits out, or empty.
        let leaf_value = block.list("leaf_value", leaves)?;
        let alone = splits == 0;
        Ok(Self {
            block,
            split_feature: if alone { Vec::new() } else { block.list("split_feature", splits)? },
            threshold: if alone { Vec::new() } else { block.list("threshold", splits)? },
            decision_type: if alone { Vec::new() } else { block.list("decision_type", splits)? },
            left_child: if alone { Vec::new() } else { block.list("left_child", splits)? },
            right_child: if alone { Vec::new() } else { block.list("right_child", splits)? },
            internal_count: if alone || !covers { Vec::new() } else { block.list("internal_count", splits)? },
            leaf_count: if alone || !covers { vec![1.0; leaf_value.len()] } else { block.list("leaf_count", leaves)? },
            leaf_value,
            cat_boundaries: if categorical { block.all("cat_boundaries")? } else { Vec::new() },
            cat_threshold: if categorical { block.all("cat_threshold")? } else { Vec::new() },
        })
    }

    /// The categories that go left, 32 bits to a word of the file.
    fn set(&self, index: usize) -> Option<&[u32]> {
        let (start, end) = (*self.cat_boundaries.get(index)?, *self.cat_boundaries.get(index + 1)?);
        self.cat_threshold.get(start..end)
    }

    fn add_to(&self, builder: &mut Builder, output: usize, scale: f64) -> Result<(), ModelError> {
        let splits = self.split_feature.len();
        let covers = builder.has_covers();
        // Splits that shared a set could make sets cost more memory than the file.
        let mut used = 0;
        // Splits come first, then leaves.
        builder.tree(output, 1, splits + self.leaf_value.len(), |at| {
            if at >= splits {
                let leaf = at - splits;
                return Ok(RawNode { cover: Some(self.leaf_count[leaf]), kind: RawKind::Value(self.leaf_value[leaf] * scale) });
            }
            let wrong = |reason: String| self.block.malformed(&format!("split {at}"), reason);
            let child = |child: i64| {
                let place =
                    if child < 0 { usize::try_from(!child).ok().and_then(|leaf| leaf.checked_add(splits)) } else { child.try_into().ok() };
                // Between 0 and the splits, or behind them: a leaf must not be named as if it were a split.
                place.filter(|place| child < 0 || *place < splits).ok_or_else(|| wrong(format!("its child is node {child}")))
            };
            let (left, right) = (child(self.left_child[at])?, child(self.right_child[at])?);
            let (decision, threshold) = (self.decision_type[at], self.threshold[at]);
            let default_left = decision & 2 != 0;
            let (test, missing) = if decision & 1 != 0 {
                let index = (threshold >= 0.0 && threshold.fract() == 0.0 && threshold < 1e9).then_some(threshold as usize);
                let words = index.and_then(|index| self.set(index)).ok_or_else(|| wrong(format!("set {threshold} is not in the file")))?;
                used += words.len();
                if used > self.cat_threshold.len() {
                    return Err(wrong("its categories are those of another split".into()));
                }
                let words = words.chunks(2).map(|pair| u64::from(pair[0]) | u64::from(pair.get(1).copied().unwrap_or(0)) << 32);
                (RawTest::In(CategorySet::from_words(words.collect())), Missing::Right)
            } else {
                let missing = match (decision >> 2 & 3, default_left) {
                    (0, _) => Missing::AsZero,
                    (1, left) => Missing::ZeroToo { left },
                    (2, true) => Missing::Left,
                    (2, false) => Missing::Right,
                    _ => return Err(wrong(format!("decision type {decision}"))),
                };
                if !threshold.is_finite() {
                    return Err(wrong(format!("threshold {threshold}")));
                }
                // Left is "smaller or equal".
                (RawTest::Below(threshold.next_up()), missing)
            };
            let cover = self.internal_count.get(at).copied().filter(|_| covers);
            Ok(RawNode { cover, kind: RawKind::Split { feature: self.split_feature[at], test, missing, left, right } })
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// One split of feature 0 at 1.5 (missing: none) whose right side splits feature 1 by category.
    const TEXT: &str = "tree\nversion=v4\nnum_class=1\nnum_tree_per_iteration=1\nlabel_index=0\nmax_feature_idx=1\n\
        objective=binary sigmoid:1\nfeature_names=a b\nfeature_infos=[0:1] 0:1\ntree_sizes=400 80\n\n\
        Tree=0\nnum_leaves=3\nnum_cat=1\nsplit_feature=0 1\nsplit_gain=1 1\nthreshold=1.5 0\ndecision_type=0 1\n\
        left_child=-1 -2\nright_child=1 -3\nleaf_value=1 2 4\nleaf_weight=1 1 1\nleaf_count=50 25 25\ninternal_value=0 0\n\
        internal_weight=1 1\ninternal_count=100 50\ncat_boundaries=0 2\ncat_threshold=5 1\nis_linear=0\nshrinkage=1\n\n\n\
        Tree=1\nnum_leaves=1\nnum_cat=0\nsplit_feature=\nleaf_value=0.25\nleaf_count=\nis_linear=0\nshrinkage=1\n\n\n\
        end of trees\n\nfeature_importances:\na=1\n\nparameters:\n[boosting: gbdt]\n[boosting: gbdt]\nend of parameters\n";

    fn model(text: &str) -> Result<Model, ModelError> {
        Model::read(text.as_bytes())
    }

    fn predict(text: &str, row: &[f64]) -> f64 {
        model(text).unwrap().predict(row)[0]
    }

    #[test]
    fn equal_to_the_threshold_goes_left() {
        assert_eq!(predict(TEXT, &[1.5, 1.0]), 1.25);
        assert_eq!(predict(TEXT, &[1.5f64.next_up(), 1.0]), 4.25);
    }

    #[test]
    fn a_set_of_categories_goes_left_and_what_is_in_none_right() {
        for (category, expected) in [(0.0, 2.25), (2.0, 2.25), (32.9, 2.25), (-0.5, 2.25), (1.0, 4.25), (-1.0, 4.25), (64.0, 4.25)] {
            assert_eq!(predict(TEXT, &[2.0, category]), expected, "{category}");
        }
        assert_eq!(predict(TEXT, &[2.0, f64::NAN]), 4.25);
    }

    #[test]
    fn what_is_missing_depends_on_the_split() {
        let with =
            |decision: u8, value: f64| predict(&TEXT.replace("decision_type=0", &format!("decision_type={decision}")), &[value, 1.0]);
        let negative = |decision: u8, value: f64| {
            let text = TEXT.replace("decision_type=0", &format!("decision_type={decision}")).replace("threshold=1.5", "threshold=-1.5");
            predict(&text, &[value, 1.0])
        };
        // None: NaN is zero, which is left of 1.5 and right of -1.5, whatever the default side.
        assert_eq!((with(0, f64::NAN), negative(2, f64::NAN)), (1.25, 4.25));
        // Zero: zero is missing as well.
        assert_eq!((with(4, f64::NAN), with(4, 1e-36), with(4, 1e-34), negative(6, 0.0)), (4.25, 4.25, 1.25, 1.25));
        // NaN: zero is a number.
        assert_eq!((with(8, f64::NAN), with(8, 0.0), negative(10, f64::NAN), negative(10, 0.0)), (4.25, 1.25, 1.25, 4.25));
        assert!(model(&TEXT.replace("decision_type=0", "decision_type=12")).is_err());
    }

    #[test]
    fn covers_are_counts() {
        assert!((model(TEXT).unwrap().forest().unwrap().base_values()[0] - (0.25 + 0.5 + 0.5 + 1.0)).abs() < 1e-12);
        let without = TEXT.replace("leaf_count=50 25 25\n", "");
        assert!(!model(&without).unwrap().forest().unwrap().has_covers());
    }

    #[test]
    fn random_forests_are_averaged() {
        assert_eq!(predict(&TEXT.replace("label_index=0\n", "label_index=0\naverage_output\n"), &[0.0, 0.0]), 0.625);
    }

    #[test]
    fn margins_are_log_odds_whatever_the_sigmoid() {
        let text = TEXT.replace("sigmoid:1\n", "sigmoid:0.5\n");
        assert_eq!(predict(&text, &[0.0, 0.0]), 0.625);
        assert_eq!(model(&text).unwrap().link(), Link::Logistic);
        assert!(model(&TEXT.replace("sigmoid:1\n", "sigmoid:-1\n")).unwrap_err().to_string().contains("sigmoid of -1"));
    }

    #[test]
    fn trees_of_a_round_belong_to_the_classes() {
        let text =
            TEXT.replace("num_tree_per_iteration=1", "num_tree_per_iteration=2").replace("binary sigmoid:1", "multiclass num_class:2");
        let model = model(&text).unwrap();
        assert_eq!(model.predict(&[0.0, 0.0]), [1.0, 0.25]);
        assert_eq!((model.link(), model.output_names()[1].as_str()), (Link::Softmax, "class 1"));
    }

    #[test]
    fn what_is_wrong_or_not_supported_is_said_with_its_place() {
        let refusal = |from: &str, to: &str| {
            assert!(TEXT.contains(from), "{from}");
            model(&TEXT.replacen(from, to, 1)).unwrap_err().to_string()
        };
        assert!(refusal("is_linear=0", "is_linear=1").contains("linear trees (Tree=0)"));
        assert!(refusal("binary sigmoid:1", "regression sqrt").contains("objective regression sqrt"));
        assert!(refusal("binary", "cross_entropy_lambda").contains("objective cross_entropy_lambda"));
        assert!(refusal("left_child=-1", "left_child=-9").contains("tree 0, node 0"));
        assert!(refusal("left_child=-1", "left_child=3").contains("split 0: its child is node 3"));
        assert!(refusal("left_child=-1", "left_child=0").contains("reached twice"));
        assert!(refusal("left_child=-1 -2", "left_child=-1 -9223372036854775808").contains("tree 0, node 1"));
        assert!(refusal("threshold=1.5 0", "threshold=1.5").contains("Tree=0, threshold: 1 numbers where 2"));
        assert!(refusal("threshold=1.5 0", "threshold=1.5 7").contains("set 7 is not in the file"));
        assert!(refusal("threshold=1.5", "threshold=inf").contains("threshold inf"));
        assert!(refusal("cat_boundaries=0 2", "cat_boundaries=2 0").contains("set 0 is not in the file"));
        assert!(refusal("split_feature=0", "split_feature=2").contains("feature 2 of a model with 2"));
        assert!(refusal("leaf_value=1 2 4", "leaf_value=1 2 nan").contains("not finite"));
        assert!(refusal("num_leaves=3", "num_leaves=18446744073709551615").contains("leaf_value"));
        assert!(refusal("num_leaves=3", "num_leaves=3\nnum_leaves=3").contains("stands there twice"));
        assert!(refusal("Tree=1", "Tree=2").contains("Tree=1 was expected"));
        assert!(refusal("tree_sizes=400 80", "tree_sizes=400").contains("1 sizes for 2 trees"));
        let cut = &TEXT[..TEXT.find("end of trees").unwrap()];
        assert!(model(cut).unwrap_err().to_string().contains("before \"end of trees\""));
        assert!(refusal("feature_names=a b", "feature_names=a a").contains("a stands there twice"));
        assert!(refusal("max_feature_idx=1", "max_feature_idx=18446744073709551615").contains("features"));
        assert!(refusal("num_tree_per_iteration=1", "num_tree_per_iteration=0").contains("0 outputs"));
    }

    #[test]
    fn a_set_shared_by_many_splits_is_refused() {
        let shared = TEXT.replace("decision_type=0 1", "decision_type=1 1").replace("threshold=1.5 0", "threshold=0 0");
        assert!(model(&shared).unwrap_err().to_string().contains("those of another split"));
    }

    #[test]
    fn windows_line_ends_do_not_matter() {
        assert_eq!(predict(&TEXT.replace('\n', "\r\n"), &[1.5, 1.0]), 1.25);
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2000))]

        #[test]
        fn whatever_becomes_of_a_file_it_is_read_or_refused(
            cut in 0usize..2000,
            changes in prop::collection::vec((any::<prop::sample::Index>(), prop::sample::select(b"0123456789-.=: \neE\xFF".to_vec())), 0..4),
        ) {
            let mut bytes = TEXT.as_bytes().to_vec();
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
}
