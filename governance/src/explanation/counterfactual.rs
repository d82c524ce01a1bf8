//! The smallest change of the inputs that would have changed the recommendation.
//!
//! A change is as large as the sum of its inputs' changes, each as a part of its input's range; an input that was not
//! known counts as changed by its whole range. For trees, the smallest change of one input is exact: an output can only
//! change at a threshold, and all that are in reach are looked at. Changes of several inputs are searched nearest first, the
//! last of them exactly, until nothing nearer can be left or the budget is spent; the result says which. Other models are
//! looked at on a grid, whose steps are then halved.

use super::decision::DecisionRecord;
use super::model::Model;
use super::profile::{GRID, Piece, all_pieces, profile};
use super::ranges::InputRange;
use super::rule::Decimal;
use super::setting::{Setting, SettingError, compare};
use serde::{Deserialize, Serialize};
use std::cell::Cell;
use std::cmp::{Ordering, Reverse};
use std::collections::BinaryHeap;

/// A change of inputs and what it would have led to.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Counterfactual {
    pub changes: Vec<InputChange>,
    /// The output and the recommendation it would have led to.
    pub output: f64,
    pub recommended: String,
    /// Sum of the changes, each as a part of its input's range.
    pub distance: f64,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct InputChange {
    pub name: String,
    pub label: String,
    pub unit: String,
    pub from: Option<f64>,
    pub to: f64,
}

/// How the recommended value is to be different.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Goal {
    /// Any other value.
    DifferentValue,
    /// The parameter would be moved the other way; from no move, either way.
    OppositeDirection,
    /// The parameter would stay.
    NoChange,
    AtLeast(Decimal),
    AtMost(Decimal),
}

/// How far to search.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// The most inputs to change together; at most [`MOST_INPUTS`].
    pub inputs: usize,
    /// The most walks through a tree, or evaluations of another model.
    pub budget: u64,
}

/// More inputs than this are no explanation.
pub const MOST_INPUTS: usize = 3;

impl Default for Limits {
    fn default() -> Self {
        Self { inputs: MOST_INPUTS, budget: 400_000 }
    }
}

/// What was found, and how sure that is.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Nearest {
    /// The recommendation is that way already, so nothing needs to change.
    pub already: bool,
    /// For every input that can do it alone, the smallest change that does; smallest first.
    pub single: Vec<Counterfactual>,
    /// Whether no smaller change of a single input exists.
    pub single_proven: bool,
    /// A change of several inputs that is smaller than any found of one.
    pub several: Option<Counterfactual>,
    /// Whether no smaller change exists, of as many inputs as were asked for.
    pub several_proven: bool,
}

impl Nearest {
    /// The smallest change found.
    pub fn smallest(&self) -> Option<&Counterfactual> {
        self.several.as_ref().or(self.single.first())
    }
}

/// The smallest changes that would have led this decision to any other value.
pub fn nearest(record: &DecisionRecord, model: &Model, ranges: &[InputRange]) -> Result<Nearest, SettingError> {
    Ok(search(&Setting::of(record, model, ranges)?, Goal::DifferentValue, Limits::default()))
}

/// The smallest changes that reach a goal. The same setting always gives the same answer.
pub fn search(setting: &Setting<'_>, goal: Goal, limits: Limits) -> Nearest {
    let is_forest = setting.model.forest().is_some();
    let search = Search::of(setting, goal);
    if search.reached(setting.output_for(&setting.row)) {
        return Nearest { already: true, single: Vec::new(), single_proven: true, several: None, several_proven: true };
    }
    let changeable = (0..setting.row.len()).filter(|feature| setting.can_change(*feature));
    let mut single: Vec<Plan> =
        changeable.filter_map(|feature| search.complete(&setting.row, feature, f64::INFINITY)).map(Plan::of_one).collect();
    single.sort_by(|a, b| a.distance.total_cmp(&b.distance));
    let (several, several_proven) = match limits.inputs {
        0 | 1 => (None, is_forest),
        more => search.several(more.min(MOST_INPUTS), limits.budget, single.first().map_or(f64::INFINITY, |plan| plan.distance)),
    };
    Nearest {
        already: false,
        single: single.iter().map(|plan| search.told(plan)).collect(),
        single_proven: is_forest,
        several: several.map(|plan| search.told(&plan)),
        several_proven: several_proven && is_forest,
    }
}

/// Changes of some inputs.
#[derive(Debug, Clone, PartialEq)]
struct Plan {
    /// Input and its new value, in rising order of the input.
    changes: Vec<(usize, f64)>,
    distance: f64,
}

impl Plan {
    fn of_one((feature, to, distance): (usize, f64, f64)) -> Self {
        Self { changes: vec![(feature, to)], distance }
    }
}

/// One value an input may be given.
#[derive(Debug, Clone, Copy)]
struct Choice {
    distance: f64,
    value: f64,
    /// Place among the input's pieces.
    piece: usize,
}

struct Search<'a> {
    setting: &'a Setting<'a>,
    goal: Goal,
    /// What is recommended without any change.
    before: Decimal,
    /// Between which outputs the goal is missed, as far as is known: one range of outputs whose recommendation is above
    /// the current value, one of all others. A rule never falls where its output rises (or the other way round), so all
    /// between two that miss the goal on the same side miss it too, and need not be judged.
    missed: [Cell<(f64, f64)>; 2],
}

/// Changes of all but the last input: for each, its place among the inputs in search order and among that input's pieces.
/// Ordered by distance, then by place, so that a heap gives them in one order only.
#[derive(Debug, Clone, PartialEq)]
struct Start {
    distance: f64,
    places: Vec<(usize, usize)>,
}

impl Eq for Start {}

impl Ord for Start {
    fn cmp(&self, other: &Self) -> Ordering {
        self.distance.total_cmp(&other.distance).then_with(|| self.places.cmp(&other.places))
    }
}

impl PartialOrd for Start {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl<'a> Search<'a> {
    fn of(setting: &'a Setting<'a>, goal: Goal) -> Self {
        let before = setting.recommended(setting.output_for(&setting.row));
        Self { setting, goal, before, missed: [const { Cell::new((f64::INFINITY, f64::NEG_INFINITY)) }; 2] }
    }

    fn reached(&self, output: f64) -> bool {
        if self.missed.iter().map(Cell::get).any(|(low, high)| low <= output && output <= high) {
            return false;
        }
        let value = self.setting.recommended(output);
        let reached = self.is_reached_by(value);
        // Without a number the rule keeps the current value, wherever that lies.
        if !reached && output.is_finite() {
            let side = &self.missed[usize::from(compare(value, self.setting.rule.current).is_gt())];
            let (low, high) = side.get();
            side.set((low.min(output), high.max(output)));
        }
        reached
    }

    fn is_reached_by(&self, value: Decimal) -> bool {
        let current = self.setting.rule.current;
        match self.goal {
            Goal::DifferentValue => compare(value, self.before).is_ne(),
            Goal::NoChange => compare(value, current).is_eq(),
            Goal::OppositeDirection => match compare(self.before, current) {
                Ordering::Equal => compare(value, current).is_ne(),
                way => compare(value, current) == way.reverse(),
            },
            Goal::AtLeast(least) => compare(value, least).is_ge(),
            Goal::AtMost(most) => compare(value, most).is_le(),
        }
    }

    fn distance(&self, feature: usize, to: f64) -> f64 {
        let from = self.setting.row[feature];
        if from.is_nan() { 1.0 } else { (to - from).abs() / self.setting.ranges[feature].width() }
    }

    /// The smallest change of one input that reaches the goal from this row, if it is below `within`.
    fn complete(&self, row: &[f64], feature: usize, within: f64) -> Option<(usize, f64, f64)> {
        let pieces = profile(self.setting, row, feature);
        let mut near = self.by_distance(&pieces, feature);
        near.retain(|choice| choice.distance > 0.0 && choice.distance < within);
        let value = near.into_iter().find(|choice| self.reached(pieces[choice.piece].output))?.value;
        let value = if self.setting.model.forest().is_some() { value } else { self.halved(row, feature, &pieces, value) };
        Some((feature, value, self.distance(feature, value)))
    }

    /// The nearest value of each piece, nearest first.
    fn by_distance(&self, pieces: &[Piece], feature: usize) -> Vec<Choice> {
        let choice = |(at, piece): (usize, &Piece)| {
            let value = piece.nearest(self.setting.row[feature]);
            Choice { distance: self.distance(feature, value), value, piece: at }
        };
        let mut near: Vec<Choice> = pieces.iter().enumerate().map(choice).collect();
        near.sort_by(|a, b| a.distance.total_cmp(&b.distance).then(a.piece.cmp(&b.piece)));
        near
    }

    /// Moves a point of the grid that reaches the goal towards the input's own value for as long as it does.
    fn halved(&self, row: &[f64], feature: usize, pieces: &[Piece], reaches: f64) -> f64 {
        let (from, range) = (self.setting.row[feature], &self.setting.ranges[feature]);
        if from.is_nan() {
            return reaches;
        }
        let between = |value: &f64| (from.min(reaches)..from.max(reaches)).contains(value) && *value != reaches;
        let nearer = pieces.iter().map(|piece| piece.first).filter(between);
        let mut fails = nearer.min_by(|a, b| (a - reaches).abs().total_cmp(&(b - reaches).abs())).unwrap_or(from);
        let mut reaches = reaches;
        let mut row = row.to_vec();
        for _ in 0..60 {
            let middle = range.nearest(reaches + (fails - reaches) / 2.0);
            if middle == reaches || middle == fails {
                break;
            }
            row[feature] = middle;
            if self.reached(self.setting.output_for(&row)) { reaches = middle } else { fails = middle }
        }
        reaches
    }

    /// The smallest change of two inputs or more below `within`, and whether no smaller one is left.
    fn several(&self, inputs: usize, budget: u64, within: f64) -> (Option<Plan>, bool) {
        let setting = self.setting;
        let each = setting.model.forest().map_or(GRID, |forest| forest.trees().max(1)) as u64;
        let mut left = budget / each;
        // Pieces that change nothing are no change. Inputs with the fewest come first, as the last of a combination is
        // looked at as a whole.
        let mut choices: Vec<(usize, Vec<Choice>)> = (0..setting.row.len())
            .filter(|feature| setting.can_change(*feature))
            .map(|feature| {
                let mut near = self.by_distance(&all_pieces(setting, feature), feature);
                near.retain(|choice| choice.distance > 0.0);
                (feature, near)
            })
            .filter(|(_, near)| !near.is_empty())
            .collect();
        choices.sort_by_key(|(feature, near)| (near.len(), *feature));

        let mut best = self.guess(inputs, within, &mut left);
        let mut within = best.as_ref().map_or(within, |plan| plan.distance);
        let mut open = BinaryHeap::new();
        let distance = |places: &[(usize, usize)]| places.iter().map(|(input, piece)| choices[*input].1[*piece].distance).sum::<f64>();
        let open_up = |open: &mut BinaryHeap<Reverse<Start>>, places: Vec<(usize, usize)>, within: f64| {
            let (input, piece) = *places.last().expect("a start has a first change");
            // The last input of all has none after it to complete the change.
            if input + 1 < choices.len() && piece < choices[input].1.len() {
                let distance = distance(&places);
                if distance < within {
                    open.push(Reverse(Start { distance, places }));
                }
            }
        };
        (0..choices.len()).for_each(|input| open_up(&mut open, vec![(input, 0)], within));
        while let Some(Reverse(start)) = open.pop() {
            if start.distance >= within {
                return (best, true);
            }
            let mut row = setting.row.clone();
            let mut changes: Vec<(usize, f64)> = Vec::new();
            for (input, piece) in &start.places {
                let (feature, near) = &choices[*input];
                row[*feature] = near[*piece].value;
                changes.push((*feature, near[*piece].value));
            }
            let (last, piece) = start.places[start.places.len() - 1];
            for (feature, _) in &choices[last + 1..] {
                if left == 0 {
                    return (best, false);
                }
                left -= 1;
                if let Some((feature, to, more)) = self.complete(&row, *feature, within - start.distance) {
                    let mut changes = changes.clone();
                    changes.push((feature, to));
                    changes.sort_by_key(|(feature, _)| *feature);
                    within = start.distance + more;
                    best = Some(Plan { changes, distance: within });
                }
            }
            let mut next = start.places.clone();
            next[start.places.len() - 1] = (last, piece + 1);
            open_up(&mut open, next, within);
            if start.places.len() + 1 < inputs {
                for input in last + 1..choices.len() {
                    let mut more = start.places.clone();
                    more.push((input, 0));
                    open_up(&mut open, more, within);
                }
            }
        }
        (best, true)
    }

    /// A good change of two inputs or more below `within`, to begin with: the inputs that move the output furthest one
    /// way are moved as far as they do, another completes, and each is then moved back as far as it may.
    fn guess(&self, inputs: usize, within: f64, left: &mut u64) -> Option<Plan> {
        let changeable: Vec<usize> = (0..self.setting.row.len()).filter(|feature| self.setting.can_change(*feature)).collect();
        let (mut best, mut within) = (None, within);
        for way in [1.0, -1.0] {
            let mut row = self.setting.row.clone();
            let mut changes: Vec<(usize, f64)> = Vec::new();
            for _ in 1..inputs {
                let others = || changeable.iter().copied().filter(|feature| changes.iter().all(|(changed, _)| changed != feature));
                // A whole round and the way back of what it finds, or nothing.
                let cost = (others().count() * (2 + 4 * inputs)) as u64;
                if *left < cost {
                    return best;
                }
                *left -= cost;
                let furthest = |feature| {
                    let pieces = profile(self.setting, &row, feature);
                    let near =
                        self.by_distance(&pieces, feature).into_iter().map(|choice| (way * pieces[choice.piece].output, choice.value));
                    // The nearest of equals.
                    near.reduce(|best, next| if next.0 > best.0 { next } else { best }).map(|(output, value)| (output, feature, value))
                };
                let all = others().filter_map(furthest);
                let Some((_, feature, value)) = all.reduce(|best, next| if next.0 > best.0 { next } else { best }) else {
                    break;
                };
                row[feature] = value;
                changes.push((feature, value));
                for last in changeable.iter().copied().filter(|feature| changes.iter().all(|(changed, _)| changed != feature)) {
                    if let Some((_, to, _)) = self.complete(&row, last, f64::INFINITY) {
                        let plan = self.moved_back(changes.iter().copied().chain([(last, to)]).collect());
                        if plan.changes.len() > 1 && plan.distance < within {
                            within = plan.distance;
                            best = Some(plan);
                        }
                    }
                }
            }
        }
        best
    }

    /// Makes each change in turn as small as the others let it be, as long as that helps.
    fn moved_back(&self, mut changes: Vec<(usize, f64)>) -> Plan {
        for _ in 0..3 {
            let before = changes.clone();
            for at in (0..changes.len()).rev() {
                let (feature, to) = changes[at];
                let mut row = self.setting.row.clone();
                changes.iter().filter(|(other, _)| *other != feature).for_each(|(other, to)| row[*other] = *to);
                if self.reached(self.setting.output_for(&row)) {
                    changes.remove(at);
                } else if let Some((_, nearer, _)) = self.complete(&row, feature, self.distance(feature, to)) {
                    changes[at] = (feature, nearer);
                }
            }
            if changes == before {
                break;
            }
        }
        changes.sort_by_key(|(feature, _)| *feature);
        let distance = changes.iter().map(|(feature, to)| self.distance(*feature, *to)).sum();
        Plan { changes, distance }
    }

    fn told(&self, plan: &Plan) -> Counterfactual {
        let setting = self.setting;
        let mut row = setting.row.clone();
        let change = |&(feature, to): &(usize, f64)| {
            let range = &setting.ranges[feature];
            let from = Some(std::mem::replace(&mut row[feature], to)).filter(|value| !value.is_nan());
            InputChange { name: range.name.clone(), label: range.label.clone(), unit: range.unit.clone(), from, to }
        };
        let changes = plan.changes.iter().map(change).collect();
        let output = setting.output_for(&row);
        Counterfactual { changes, output, recommended: setting.recommended(output).to_string(), distance: plan.distance }
    }
}

#[cfg(test)]
mod tests;
