//! Cutting a tree into twigs: small subtrees whose leaves are answered by one look-up together.

use crate::explanation::model::forest::{Forest, Node, Tree};

/// The most splits in a twig. With more, tables grow faster than look-ups are saved.
const MOST_INSIDE: usize = 3;

/// A subtree of at most three splits, and the way to it.
///
/// A row's place in the twig's table has a bit for each feature tested on the way, set when the row fails one of its
/// tests, and above these a bit for each split inside, in `inside`'s order, set when the row goes right.
#[derive(Debug)]
pub(super) struct Twig {
    /// From the root down.
    pub way: Vec<Step>,
    /// The features tested on the way, in the order of their bits.
    pub features: Vec<u32>,
    /// The splits' places, every parent before its children.
    pub inside: Vec<u32>,
    pub leaves: Vec<Leaf>,
}

/// A split on the way to a twig, the side to take, and the feature's bit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Step {
    pub node: u32,
    pub right: bool,
    pub bit: u8,
}

/// A leaf of a twig: the splits inside that lead to it, each with the side to take, and where its values stand.
#[derive(Debug)]
pub(super) struct Leaf {
    pub turns: Vec<(u8, bool)>,
    pub values: u32,
}

impl Twig {
    pub fn bits(&self) -> usize {
        self.features.len() + self.inside.len()
    }

    /// The features tested on the way and inside; some perhaps twice.
    pub fn all_features(&self, forest: &Forest) -> impl Iterator<Item = u32> {
        let inside = self.inside.iter().filter_map(|at| match &forest.nodes[*at as usize] {
            Node::Split(split) => Some(split.feature),
            Node::Leaf { .. } => None,
        });
        self.features.iter().copied().chain(inside)
    }
}

/// Whether a subtree of so many splits makes a twig whose table has at most `most_bits` bits.
pub(super) fn is_twig(features: usize, splits: usize, most_bits: usize) -> bool {
    splits <= MOST_INSIDE && features + splits <= most_bits
}

/// Finds the twigs of a tree whose tables have at most `most_bits` bits, and the leaves that are in none.
pub(super) fn cut(forest: &Forest, tree: &Tree, most_bits: usize) -> (Vec<Twig>, Vec<u32>) {
    let first = tree.first as usize;
    let mut splits = vec![0u32; tree.count as usize];
    for at in (0..tree.count as usize).rev() {
        if let Node::Split(split) = &forest.nodes[first + at] {
            splits[at] = 1 + splits[split.left as usize - first] + splits[split.right as usize - first];
        }
    }
    let mut cutter =
        Cutter { forest, tree: *tree, splits, most_bits, way: Vec::new(), features: Vec::new(), twigs: Vec::new(), deep: Vec::new() };
    cutter.descend(tree.first);
    (cutter.twigs, cutter.deep)
}

struct Cutter<'a> {
    forest: &'a Forest,
    tree: Tree,
    /// Of the subtree at each node.
    splits: Vec<u32>,
    most_bits: usize,
    way: Vec<Step>,
    features: Vec<u32>,
    twigs: Vec<Twig>,
    deep: Vec<u32>,
}

impl Cutter<'_> {
    fn descend(&mut self, at: u32) {
        let splits = self.splits[(at - self.tree.first) as usize] as usize;
        if is_twig(self.features.len(), splits, self.most_bits) {
            let (mut inside, mut leaves) = (Vec::new(), Vec::new());
            gather(self.forest, at, &mut Vec::new(), &mut inside, &mut leaves);
            let (way, features) = (self.way.clone(), self.features.clone());
            self.twigs.push(Twig { way, features, inside, leaves });
            return;
        }
        let Node::Split(split) = &self.forest.nodes[at as usize] else {
            self.deep.push(at);
            return;
        };
        let met = self.features.iter().position(|feature| *feature == split.feature);
        let bit = met.unwrap_or(self.features.len()) as u8;
        if met.is_none() {
            self.features.push(split.feature);
        }
        for (child, right) in [(split.left, false), (split.right, true)] {
            self.way.push(Step { node: at, right, bit });
            self.descend(child);
            self.way.pop();
        }
        if met.is_none() {
            self.features.pop();
        }
    }
}

fn gather(forest: &Forest, at: u32, turns: &mut Vec<(u8, bool)>, inside: &mut Vec<u32>, leaves: &mut Vec<Leaf>) {
    match &forest.nodes[at as usize] {
        Node::Leaf { values } => leaves.push(Leaf { turns: turns.clone(), values: *values }),
        Node::Split(split) => {
            let number = inside.len() as u8;
            inside.push(at);
            for (child, right) in [(split.left, false), (split.right, true)] {
                turns.push((number, right));
                gather(forest, child, turns, inside, leaves);
                turns.pop();
            }
        }
    }
}
