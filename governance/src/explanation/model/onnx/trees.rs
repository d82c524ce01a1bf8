//! `TreeEnsembleRegressor`, `TreeEnsembleClassifier` and, since version 5 of `ai.onnx.ml`, `TreeEnsemble`.

use super::super::forest::{Builder, Forest, Missing, Precision, RawKind, RawNode};
use super::super::network::{Elementary, NetworkBuilder, Operation, Trace};
use super::super::{MAX_NODES, MAX_OUTPUTS, ModelError, malformed, unsupported};
use super::proto::NodeProto;
use super::thresholds::{self, Mode, Question, Widths, too_much_scaling};
use super::{Numbers, Reader, Stage};
use std::collections::HashMap;

/// How many elementary steps may be tried to fold pipelines into thresholds.
const MAX_TRIES: usize = 1 << 30;
/// How many elementary steps may be kept for that, over all features.
const MAX_KEPT: usize = 1 << 20;
/// Leaves that add to few of many outputs would take memory for all; this many values per node are allowed on average.
const VALUES_PER_NODE: usize = 16;

impl<'a> Reader<'a> {
    pub(super) fn tree_regressor(&mut self, node: &'a NodeProto) -> Result<Numbers, ModelError> {
        let input = self.columns(node, 0)?;
        let outputs = outputs_of(node.int("n_targets", 0))?;
        let table = Table::read(node, "target")?;
        let average = match &*node.text("aggregate_function", "SUM")? {
            "SUM" => false,
            "AVERAGE" => true,
            other => return Err(unsupported(format!("a tree ensemble's aggregate_function {other}"))),
        };
        let base = match node.floats_or_tensor("base_values")? {
            base if base.is_empty() => vec![0.0; outputs],
            base if base.len() == outputs => base,
            base => return Err(malformed("base_values", format!("{} for {outputs} targets", base.len()))),
        };
        let mut ensemble = Ensemble::new(self, input, base)?;
        table.add_to(&mut ensemble, average)?;
        let forest = ensemble.builder.finish();
        let margins = self.begin_stage(forest, input.single);
        let transform = node.text("post_transform", "NONE")?;
        self.transformed(&transform, margins)
    }

    pub(super) fn tree_classifier(&mut self, node: &'a NodeProto) -> Result<Numbers, ModelError> {
        let input = self.columns(node, 0)?;
        let transform = node.text("post_transform", "NONE")?;
        if node.attribute("aggregate_function").is_some() {
            return Err(unsupported("aggregate_function of a TreeEnsembleClassifier"));
        }
        self.labels = node.labels("classlabels_strings", "classlabels_int64s")?;
        let classes = outputs_of(self.labels.len() as i64)?;
        let table = Table::read(node, "class")?;
        let base = node.floats_or_tensor("base_values")?;
        // Two classes and weights for the first only: they are the score of the second.
        let single = classes == 2 && table.weights.iter().all(|weight| weight.output == 0);
        let outputs = if single { 1 } else { classes };
        let base = match base.len() {
            0 => vec![0.0; outputs],
            1 if single => base,
            length if length == outputs && classes != 2 => base,
            length => return Err(unsupported(format!("{length} base values for {classes} classes, which programs take differently"))),
        };
        let mut ensemble = Ensemble::new(self, input, base)?;
        table.add_to(&mut ensemble, false)?;
        let forest = ensemble.builder.finish();
        let margins = self.begin_stage(forest, input.single);
        if !single {
            return self.transformed(&transform, margins);
        }
        if transform == "SOFTMAX" {
            return Err(unsupported("post_transform SOFTMAX of a TreeEnsembleClassifier's single column"));
        }
        let second = self.transformed(&transform, margins)?;
        self.pair(second)
    }

    pub(super) fn tree_ensemble(&mut self, node: &'a NodeProto) -> Result<Numbers, ModelError> {
        let input = self.columns(node, 0)?;
        let outputs = outputs_of(node.int("n_targets", 0))?;
        let average = match node.int("aggregate_function", 1) {
            0 => true,
            1 => false,
            other => return Err(unsupported(format!("a tree ensemble's aggregate_function {other} (minimum or maximum)"))),
        };
        let transform = match node.int("post_transform", 0) {
            0 => "NONE",
            1 => "SOFTMAX",
            2 => "LOGISTIC",
            3 => "SOFTMAX_ZERO",
            4 => "PROBIT",
            other => return Err(malformed("TreeEnsemble", format!("post_transform {other}"))),
        };
        let mut ensemble = Ensemble::new(self, input, vec![0.0; outputs])?;
        Rooted::read(node)?.add_to(&mut ensemble, average)?;
        let forest = ensemble.builder.finish();
        let margins = self.begin_stage(forest, input.single);
        self.transformed(transform, margins)
    }

    /// The ensemble's margins, for what comes behind it.
    fn begin_stage(&mut self, forest: Forest, single: bool) -> Numbers {
        let network = NetworkBuilder::new(forest.outputs(), Precision::Double);
        self.stages.push(Stage { network, forest: Some(forest) });
        Numbers { stage: self.stages.len() - 1, at: 0, single, flat: false }
    }
}

fn outputs_of(count: i64) -> Result<usize, ModelError> {
    match usize::try_from(count) {
        Ok(outputs @ 1..=MAX_OUTPUTS) => Ok(outputs),
        _ => Err(malformed("a tree ensemble", format!("{count} outputs, from 1 to {MAX_OUTPUTS} are read"))),
    }
}

/// A forest under construction, and where its features come from.
struct Ensemble<'n> {
    builder: Builder,
    /// For each column of the ensemble's input.
    traces: HashMap<usize, Trace>,
    network: &'n NetworkBuilder,
    input: Numbers,
    widths: Widths,
    outputs: usize,
    /// How many more elementary steps may be kept, and how many tried.
    steps: usize,
    tries: usize,
    /// How many more values leaves may have.
    values: usize,
}

impl<'n> Ensemble<'n> {
    fn new(reader: &'n Reader<'_>, input: Numbers, base: Vec<f64>) -> Result<Self, ModelError> {
        if input.stage != 0 {
            return Err(unsupported("a tree ensemble behind another"));
        }
        if base.iter().any(|value| !value.is_finite()) {
            return Err(malformed("base_values", "one is not finite"));
        }
        let network = &reader.stages[0].network;
        let precision = network.precision();
        let outputs = base.len();
        Ok(Self {
            builder: Builder::new(network.width(0), base, precision, false),
            traces: HashMap::new(),
            network,
            input,
            widths: Widths { row: precision, single: input.single },
            outputs,
            steps: MAX_KEPT,
            tries: MAX_TRIES,
            values: 0,
        })
    }

    /// The question a node asks of the row, and the feature it asks about.
    fn ask(&mut self, column: i64, mode: Mode, threshold: f64, members: &[f64], track: bool) -> Result<(usize, Question), ModelError> {
        let width = self.network.width(self.input.at);
        let column = usize::try_from(column).ok().filter(|column| *column < width);
        let column = column.ok_or_else(|| malformed("a tree node", format!("a feature beyond the {width} there are")))?;
        if !self.traces.contains_key(&column) {
            let in_front = |operation: &Operation| unsupported(format!("{} in front of a tree ensemble", operation.name()));
            let trace = self.network.trace(self.input.at, column).map_err(in_front)?;
            self.steps = self.steps.checked_sub(trace.path.len()).ok_or_else(too_much_scaling)?;
            if trace.path.iter().any(|(elementary, _)| matches!(elementary, Elementary::Multiply(0.0))) {
                return Err(unsupported("a feature multiplied by zero in front of a tree ensemble"));
            }
            self.traces.insert(column, trace);
        }
        let trace = &self.traces[&column];
        let question = thresholds::question(trace, self.widths, mode, threshold, members, track, &mut self.tries)?;
        Ok((trace.feature, question))
    }

    fn split(
        &mut self,
        (column, mode, threshold): (i64, Mode, f64),
        members: &[f64],
        track: bool,
        children: [usize; 2],
    ) -> Result<RawNode<'static>, ModelError> {
        let (feature, question) = self.ask(column, mode, threshold, members, track)?;
        let [left, right] = if question.straight { children } else { [children[1], children[0]] };
        let missing = if question.missing == question.straight { Missing::Left } else { Missing::Right };
        Ok(RawNode { cover: None, kind: RawKind::Split { feature, test: question.test, missing, left, right } })
    }

    /// Adds a tree of `count` nodes, whose leaves add to the outputs in `targets`.
    fn add(
        &mut self,
        count: usize,
        targets: std::ops::RangeInclusive<usize>,
        mut node: impl FnMut(&mut Self, usize, std::ops::Range<usize>) -> Result<RawNode<'static>, ModelError>,
    ) -> Result<(), ModelError> {
        let span = if targets.is_empty() { 0..1 } else { *targets.start()..targets.end() + 1 };
        // The builder is lent out while nodes ask for their features.
        let mut builder = std::mem::replace(&mut self.builder, Builder::new(0, Vec::new(), Precision::Double, false));
        let made = builder.tree(span.start, span.len(), count, |at| node(self, at, span.clone()));
        self.builder = builder;
        made
    }

    /// A leaf that adds these to the outputs of its tree.
    fn leaf(
        &mut self,
        weights: impl Iterator<Item = (usize, f64)>,
        targets: &std::ops::Range<usize>,
    ) -> Result<RawNode<'static>, ModelError> {
        self.values = self.values.checked_sub(targets.len()).ok_or_else(|| unsupported("leaves that add to few of very many outputs"))?;
        let mut values = vec![0.0; targets.len()];
        weights.for_each(|(output, weight)| values[output - targets.start] += weight);
        Ok(RawNode { cover: None, kind: RawKind::Leaf(values.into()) })
    }
}

/// What a leaf adds to an output.
#[derive(Clone, Copy)]
struct Weight {
    node: u32,
    output: u32,
    value: f64,
}

/// Nodes of all trees as versions 1 and 3 of the operators list them.
struct Table<'a> {
    node_ids: &'a [i64],
    features: &'a [i64],
    modes: Vec<Option<Mode>>,
    thresholds: Vec<f64>,
    yes: &'a [i64],
    no: &'a [i64],
    /// Empty where missing values always answer no.
    track: &'a [i64],
    /// From where to where each tree's nodes go; the first is its root.
    trees: Vec<std::ops::Range<usize>>,
    /// For each tree.
    ids: Vec<Ids>,
    /// In the order of their nodes.
    weights: Vec<Weight>,
}

impl<'a> Table<'a> {
    fn read(node: &'a NodeProto, kind: &str) -> Result<Self, ModelError> {
        let tree_ids = node.ints("nodes_treeids");
        let count = tree_ids.len();
        if count == 0 || count > MAX_NODES {
            return Err(malformed("a tree ensemble", format!("{count} nodes, from 1 to {MAX_NODES} are read")));
        }
        let modes = node.strings("nodes_modes").iter().map(|name| mode_of(name)).collect::<Result<Vec<_>, _>>()?;
        let thresholds = node.floats_or_tensor("nodes_values")?;
        let lists = [
            ("nodes_nodeids", node.ints("nodes_nodeids")),
            ("nodes_featureids", node.ints("nodes_featureids")),
            ("nodes_truenodeids", node.ints("nodes_truenodeids")),
            ("nodes_falsenodeids", node.ints("nodes_falsenodeids")),
        ];
        let track = node.ints("nodes_missing_value_tracks_true");
        let lengths = lists.iter().map(|(name, list)| (*name, list.len()));
        let others = [("nodes_modes", modes.len()), ("nodes_values", thresholds.len())];
        let tracked = (!track.is_empty()).then_some(("nodes_missing_value_tracks_true", track.len()));
        if let Some((name, length)) = lengths.chain(others).chain(tracked).find(|(_, length)| *length != count) {
            return Err(malformed(name, format!("{length} entries where nodes_treeids has {count}")));
        }
        let mut trees: Vec<std::ops::Range<usize>> = Vec::new();
        for at in 0..count {
            match trees.last_mut().filter(|tree| tree_ids[tree.start] == tree_ids[at]) {
                Some(tree) => tree.end = at + 1,
                None => trees.push(at..at + 1),
            }
        }
        let [(_, node_ids), (_, features), (_, yes), (_, no)] = lists;
        let mut table = Self { node_ids, features, modes, thresholds, yes, no, track, trees, ids: Vec::new(), weights: Vec::new() };
        table.ids = (0..table.trees.len()).map(|tree| table.name_nodes(tree)).collect::<Result<_, _>>()?;
        table.weights = table.read_weights(node, kind, tree_ids)?;
        Ok(table)
    }

    fn read_weights(&self, node: &NodeProto, kind: &str, tree_ids: &[i64]) -> Result<Vec<Weight>, ModelError> {
        let list = |name: &str| node.ints(&format!("{kind}_{name}"));
        let (trees, nodes, outputs) = (list("treeids"), list("nodeids"), list("ids"));
        let values = node.floats_or_tensor(&format!("{kind}_weights"))?;
        if [trees.len(), nodes.len(), outputs.len()] != [values.len(); 3] {
            return Err(malformed(format!("{kind}_weights"), format!("{} entries beside lists of another length", values.len())));
        }
        let mut places = HashMap::with_capacity(self.trees.len());
        for (number, tree) in self.trees.iter().enumerate() {
            if places.insert(tree_ids[tree.start], number).is_some() {
                return Err(malformed("nodes_treeids", format!("the nodes of tree {} do not stand together", tree_ids[tree.start])));
            }
        }
        let mut weights = Vec::with_capacity(values.len());
        for (at, value) in values.into_iter().enumerate() {
            let place = || format!("{kind}_weights, entry {at}");
            let tree = *places.get(&trees[at]).ok_or_else(|| malformed(place(), format!("there is no tree {}", trees[at])))?;
            let found = self.ids[tree].find(nodes[at]).map(|found| found + self.trees[tree].start);
            let found = found.filter(|found| self.modes[*found].is_none());
            let found = found.ok_or_else(|| malformed(place(), format!("tree {} has no leaf {}", trees[at], nodes[at])))?;
            let output = usize::try_from(outputs[at]).ok().filter(|output| *output < MAX_OUTPUTS);
            let output = output.ok_or_else(|| malformed(place(), format!("output {}", outputs[at])))?;
            weights.push(Weight { node: found as u32, output: output as u32, value });
        }
        weights.sort_by_key(|weight| (weight.node, weight.output));
        match weights.windows(2).find(|pair| (pair[0].node, pair[0].output) == (pair[1].node, pair[1].output)) {
            Some(pair) => Err(unsupported(format!("two weights of one leaf for output {}", pair[0].output))),
            None => Ok(weights),
        }
    }

    fn name_nodes(&self, tree: usize) -> Result<Ids, ModelError> {
        let ids = &self.node_ids[self.trees[tree].clone()];
        if ids.iter().enumerate().all(|(at, id)| *id == at as i64) {
            return Ok(Ids::Counted(ids.len()));
        }
        let mut named = HashMap::with_capacity(ids.len());
        for (at, id) in ids.iter().enumerate() {
            if named.insert(*id, at).is_some() {
                return Err(malformed(format!("tree {tree}"), format!("two nodes {id}")));
            }
        }
        Ok(Ids::Named(named))
    }

    fn add_to(&self, ensemble: &mut Ensemble<'_>, average: bool) -> Result<(), ModelError> {
        if let Some(weight) = self.weights.iter().find(|weight| weight.output as usize >= ensemble.outputs) {
            return Err(malformed("a tree ensemble", format!("a leaf adds to output {} of {}", weight.output, ensemble.outputs)));
        }
        ensemble.values = VALUES_PER_NODE * (self.modes.len() + self.weights.len()) + MAX_OUTPUTS;
        let share = if average { 1.0 / self.trees.len() as f64 } else { 1.0 };
        for (number, tree) in self.trees.iter().enumerate() {
            let [from, to] = [tree.start, tree.end].map(|end| self.weights.partition_point(|weight| (weight.node as usize) < end));
            let own = &self.weights[from..to];
            let (least, most) = own
                .iter()
                .fold((usize::MAX, 0), |(least, most), weight| (least.min(weight.output as usize), most.max(weight.output as usize)));
            let mut walk = Walk {
                table: self,
                number,
                start: tree.start,
                ids: &self.ids[number],
                weights: own,
                share,
                reached: vec![false; tree.len()],
            };
            ensemble.add(tree.len(), least..=most, |ensemble, at, targets| walk.node(ensemble, at, &targets))?;
        }
        Ok(())
    }
}

/// One tree of a table; its nodes are named by their place in the tree.
struct Walk<'t, 'a> {
    table: &'t Table<'a>,
    number: usize,
    start: usize,
    ids: &'t Ids,
    weights: &'t [Weight],
    share: f64,
    /// Those read by themselves or as part of a chain.
    reached: Vec<bool>,
}

impl Walk<'_, '_> {
    fn node(&mut self, ensemble: &mut Ensemble<'_>, at: usize, targets: &std::ops::Range<usize>) -> Result<RawNode<'static>, ModelError> {
        let table = self.table;
        let node = self.start + at;
        self.reach(at)?;
        let Some(mode) = table.modes[node] else {
            let first = self.weights.partition_point(|weight| (weight.node as usize) < node);
            let here = self.weights[first..].iter().take_while(|weight| weight.node as usize == node);
            return ensemble.leaf(here.map(|weight| (weight.output as usize, weight.value * self.share)), targets);
        };
        let (column, yes) = (table.features[node], self.child(at, table.yes[node])?);
        let (mut no, mut track) = (self.child(at, table.no[node])?, self.tracks(at));
        // Converters write "is one of" as a chain of questions that share their "yes".
        let mut members = Vec::new();
        while mode == Mode::Equal && self.continues(node, self.start + no) {
            self.reach(no)?;
            members.push(table.thresholds[self.start + no]);
            track |= self.tracks(no);
            no = self.child(no, table.no[self.start + no])?;
        }
        if members.is_empty() {
            return ensemble.split((column, mode, table.thresholds[node]), &[], track, [yes, no]);
        }
        members.push(table.thresholds[node]);
        if members.iter().any(|member| member.is_nan()) {
            return Err(malformed(self.place(at), "its threshold is not a number"));
        }
        ensemble.split((column, Mode::Member, 0.0), &members, track, [yes, no])
    }

    fn place(&self, at: usize) -> String {
        format!("tree {}, node {at}", self.number)
    }

    fn reach(&mut self, at: usize) -> Result<(), ModelError> {
        match std::mem::replace(&mut self.reached[at], true) {
            true => Err(malformed(self.place(at), "it is reached twice")),
            false => Ok(()),
        }
    }

    fn child(&self, at: usize, id: i64) -> Result<usize, ModelError> {
        self.ids.find(id).ok_or_else(|| malformed(self.place(at), format!("there is no node {id}")))
    }

    fn tracks(&self, at: usize) -> bool {
        self.table.track.get(self.start + at).is_some_and(|track| *track != 0)
    }

    fn continues(&self, node: usize, next: usize) -> bool {
        let same = |list: &[i64]| list[node] == list[next];
        self.table.modes[next] == Some(Mode::Equal) && same(self.table.features) && same(self.table.yes)
    }
}

/// What the nodes of a tree are called.
enum Ids {
    /// By their place.
    Counted(usize),
    Named(HashMap<i64, usize>),
}

impl Ids {
    fn find(&self, id: i64) -> Option<usize> {
        match self {
            Self::Counted(count) => usize::try_from(id).ok().filter(|at| at < count),
            Self::Named(named) => named.get(&id).copied(),
        }
    }
}

/// What a node does; nothing for leaves.
fn mode_of(name: &[u8]) -> Result<Option<Mode>, ModelError> {
    Ok(Some(match name {
        b"BRANCH_LEQ" => Mode::AtMost,
        b"BRANCH_LT" => Mode::Below,
        b"BRANCH_GTE" => Mode::AtLeast,
        b"BRANCH_GT" => Mode::Above,
        b"BRANCH_EQ" => Mode::Equal,
        b"BRANCH_NEQ" => Mode::NotEqual,
        b"LEAF" => return Ok(None),
        other => {
            let other: String = String::from_utf8_lossy(other).chars().take(40).collect();
            return Err(unsupported(format!("tree nodes of mode {other}")));
        }
    }))
}

/// Nodes and leaves of all trees as version 5 lists them, apart.
struct Rooted<'a> {
    roots: &'a [i64],
    features: &'a [i64],
    modes: Vec<Mode>,
    thresholds: Vec<f64>,
    /// Where each node's members begin and end among all of them.
    members: Vec<(u32, u32)>,
    all_members: Vec<f64>,
    track: &'a [i64],
    /// Where "yes" and "no" lead, and whether that is a leaf.
    branches: [(&'a [i64], &'a [i64]); 2],
    targets: &'a [i64],
    weights: Vec<f64>,
}

/// A node of one tree: a leaf's place, or a split's with its children.
enum Place {
    Leaf(usize),
    Split(usize, [usize; 2]),
}

impl<'a> Rooted<'a> {
    fn read(node: &'a NodeProto) -> Result<Self, ModelError> {
        let needed = |name: &str| node.tensor(name).ok_or_else(|| malformed("TreeEnsemble", format!("it has no {name}")));
        let codes = needed("nodes_modes")?.ints()?;
        let count = codes.len();
        let weights = needed("leaf_weights")?.floats()?;
        if count == 0 || count + weights.len() > MAX_NODES {
            return Err(malformed("TreeEnsemble", format!("{count} nodes and {} leaves, from 1 to {MAX_NODES} are read", weights.len())));
        }
        let mode = |code: &i64| {
            let modes = [Mode::AtMost, Mode::Below, Mode::AtLeast, Mode::Above, Mode::Equal, Mode::NotEqual, Mode::Member];
            usize::try_from(*code)
                .ok()
                .and_then(|code| modes.get(code).copied())
                .ok_or_else(|| unsupported(format!("tree nodes of mode {code}")))
        };
        let modes = codes.iter().map(mode).collect::<Result<Vec<_>, _>>()?;
        let all_members = node.tensor("membership_values").map_or(Ok(Vec::new()), |tensor| tensor.floats())?;
        let rooted = Self {
            roots: node.ints("tree_roots"),
            features: node.ints("nodes_featureids"),
            members: members(&modes, &all_members)?,
            modes,
            thresholds: needed("nodes_splits")?.floats()?,
            all_members,
            track: node.ints("nodes_missing_value_tracks_true"),
            branches: [
                (node.ints("nodes_truenodeids"), node.ints("nodes_trueleafs")),
                (node.ints("nodes_falsenodeids"), node.ints("nodes_falseleafs")),
            ],
            targets: node.ints("leaf_targetids"),
            weights,
        };
        let [yes, no] = &rooted.branches;
        let lengths = [
            ("nodes_featureids", rooted.features.len(), count),
            ("nodes_splits", rooted.thresholds.len(), count),
            ("nodes_truenodeids", yes.0.len(), count),
            ("nodes_trueleafs", yes.1.len(), count),
            ("nodes_falsenodeids", no.0.len(), count),
            ("nodes_falseleafs", no.1.len(), count),
            ("nodes_missing_value_tracks_true", if rooted.track.is_empty() { count } else { rooted.track.len() }, count),
            ("leaf_targetids", rooted.targets.len(), rooted.weights.len()),
        ];
        if let Some((name, length, needed)) = lengths.iter().find(|(_, length, needed)| length != needed) {
            return Err(malformed(*name, format!("{length} entries where there are {needed} nodes or leaves")));
        }
        if rooted.roots.is_empty() {
            return Err(malformed("tree_roots", "there are none"));
        }
        Ok(rooted)
    }

    fn child(&self, node: usize, branch: usize) -> Result<(bool, usize), ModelError> {
        let (places, leafs) = self.branches[branch];
        let (is_leaf, place) = (leafs[node] != 0, places[node]);
        let count = if is_leaf { self.weights.len() } else { self.modes.len() };
        match usize::try_from(place) {
            Ok(place) if place < count => Ok((is_leaf, place)),
            _ => Err(malformed(format!("TreeEnsemble, node {node}"), format!("its child is {place} of {count}"))),
        }
    }

    /// The nodes of the tree below a root, the root first. No node may be in two trees, or twice in one.
    fn places(&self, root: i64, seen: &mut [bool]) -> Result<Vec<Place>, ModelError> {
        let outside = || malformed("tree_roots", format!("there is no node {root}"));
        let root = usize::try_from(root).ok().filter(|root| *root < self.modes.len()).ok_or_else(outside)?;
        let both = [self.child(root, 0)?, self.child(root, 1)?];
        // This is how a tree that is a single leaf is written.
        if both[0] == both[1] && both[0].0 {
            return Ok(vec![Place::Leaf(both[0].1)]);
        }
        let mut places = vec![Place::Split(root, [0; 2])];
        let mut next = 0;
        while next < places.len() {
            if let Place::Split(node, _) = places[next] {
                if std::mem::replace(&mut seen[node], true) {
                    return Err(malformed(format!("TreeEnsemble, node {node}"), "it is reached twice"));
                }
                let mut children = [0; 2];
                for (branch, child) in children.iter_mut().enumerate() {
                    *child = places.len();
                    places.push(match self.child(node, branch)? {
                        (true, leaf) => Place::Leaf(leaf),
                        (false, node) => Place::Split(node, [0; 2]),
                    });
                }
                places[next] = Place::Split(node, children);
            }
            next += 1;
        }
        Ok(places)
    }

    fn add_to(&self, ensemble: &mut Ensemble<'_>, average: bool) -> Result<(), ModelError> {
        ensemble.values = VALUES_PER_NODE * (self.modes.len() + self.weights.len()) + MAX_OUTPUTS;
        let share = if average { 1.0 / self.roots.len() as f64 } else { 1.0 };
        let mut seen = vec![false; self.modes.len()];
        for root in self.roots {
            let places = self.places(*root, &mut seen)?;
            let (mut least, mut most) = (usize::MAX, 0);
            for place in &places {
                if let Place::Leaf(leaf) = place {
                    let target = usize::try_from(self.targets[*leaf]).ok().filter(|target| *target < ensemble.outputs);
                    let target = target.ok_or_else(|| {
                        malformed(format!("leaf {leaf}"), format!("it adds to output {} of {}", self.targets[*leaf], ensemble.outputs))
                    })?;
                    (least, most) = (least.min(target), most.max(target));
                }
            }
            ensemble.add(places.len(), least..=most, |ensemble, at, targets| match places[at] {
                Place::Leaf(leaf) => {
                    let weight = (self.targets[leaf] as usize, self.weights[leaf] * share);
                    ensemble.leaf(std::iter::once(weight), &targets)
                }
                Place::Split(node, children) => {
                    let (from, to) = self.members[node];
                    let members = &self.all_members[from as usize..to as usize];
                    let track = self.track.get(node).is_some_and(|track| *track != 0);
                    ensemble.split((self.features[node], self.modes[node], self.thresholds[node]), members, track, children)
                }
            })?;
        }
        Ok(())
    }
}

/// Where each node's members stand; sets are separated by NaN, in the order of the nodes that ask for them.
fn members(modes: &[Mode], all: &[f64]) -> Result<Vec<(u32, u32)>, ModelError> {
    let mut next = 0;
    let mut found = Vec::with_capacity(modes.len());
    for mode in modes {
        if *mode != Mode::Member {
            found.push((0, 0));
            continue;
        }
        let rest = all
            .get(next..)
            .filter(|rest| !rest.is_empty())
            .ok_or_else(|| malformed("membership_values", "fewer sets than nodes that ask for one"))?;
        let length = rest.iter().position(|value| value.is_nan()).unwrap_or(rest.len());
        found.push((next as u32, (next + length) as u32));
        next += length + 1;
    }
    Ok(found)
}
