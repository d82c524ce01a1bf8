//! Features that belong together, such as the columns of a one-hot encoding, told as one.
//!
//! There are two ways, and they differ where members of one group interact with features outside of it. *Summing* adds
//! up what the members were attributed one by one; it costs nothing, works with every method, and the sum is as exact as
//! its parts. As *players*, members come and go together: the Shapley value of a game in which only the group can be known
//! or not. Exact and sampled attributions use players, all others sum; [`Groups::way`] says which.

use super::{Attributions, Method};
use crate::explanation::model::Rows;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Every feature of a model, in exactly one group each.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Groups {
    features: usize,
    names: Vec<String>,
    members: Vec<Vec<usize>>,
}

/// How a group's attribution comes about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Way {
    /// The sum of its members' attributions.
    Summed,
    /// The group's own attribution, its members known or unknown together.
    Players,
}

/// Why features were not grouped.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum GroupsError {
    #[error("the model has no feature {feature:?}, which the group {group:?} names")]
    NoSuchFeature { group: String, feature: String },
    #[error("feature {feature:?} is in the group {first:?} and in {second:?}; it can be in one only")]
    InTwo { feature: String, first: String, second: String },
    #[error("{text:?} is not a group such as colour: colour=red, colour=blue")]
    NotAGroup { text: String },
}

impl Groups {
    /// Every feature by itself.
    pub fn none(features: &[String]) -> Self {
        Self { features: features.len(), names: features.to_vec(), members: (0..features.len()).map(|at| vec![at]).collect() }
    }

    /// Groups by name with the indices of their members; features in none stay by themselves. A group stands where its
    /// first member stood.
    pub fn new(features: &[String], groups: &[(String, Vec<usize>)]) -> Result<Self, GroupsError> {
        let mut group_of: Vec<Option<usize>> = vec![None; features.len()];
        for (at, (name, members)) in groups.iter().enumerate() {
            if members.is_empty() {
                return Err(GroupsError::NotAGroup { text: name.clone() });
            }
            for &member in members {
                let Some(place) = group_of.get_mut(member) else {
                    return Err(GroupsError::NoSuchFeature { group: name.clone(), feature: format!("number {member}") });
                };
                if let Some(first) = place.replace(at) {
                    let (feature, first) = (features[member].clone(), groups[first].0.clone());
                    return Err(GroupsError::InTwo { feature, first, second: name.clone() });
                }
            }
        }
        let mut found = Self { features: features.len(), names: Vec::new(), members: Vec::new() };
        let mut place_of: Vec<Option<usize>> = vec![None; groups.len()];
        for (feature, group) in group_of.into_iter().enumerate() {
            let known = group.and_then(|group| place_of[group]);
            if let Some(place) = known {
                found.members[place].push(feature);
                continue;
            }
            if let Some(group) = group {
                place_of[group] = Some(found.names.len());
            }
            found.names.push(group.map_or_else(|| features[feature].clone(), |group| groups[group].0.clone()));
            found.members.push(vec![feature]);
        }
        Ok(found)
    }

    /// Reads groups as people write them, one to a line or set apart by `;`, such as
    /// `colour: colour=red, colour=blue; place: place_*`. A star at the end stands for every feature that begins so.
    pub fn parse(features: &[String], text: &str) -> Result<Self, GroupsError> {
        let mut groups = Vec::new();
        for line in text.split(['\n', ';']).map(str::trim).filter(|line| !line.is_empty()) {
            let not_a_group = || GroupsError::NotAGroup { text: line.chars().take(80).collect() };
            let (name, list) = line.split_once(':').ok_or_else(not_a_group)?;
            let name = name.trim();
            if name.is_empty() || list.trim().is_empty() {
                return Err(not_a_group());
            }
            let mut members = Vec::new();
            for word in list.split(',').map(str::trim) {
                let before = members.len();
                match word.strip_suffix('*') {
                    Some(start) => members.extend((0..features.len()).filter(|at| features[*at].starts_with(start))),
                    None => members.extend(features.iter().position(|feature| feature == word)),
                }
                if members.len() == before {
                    return Err(GroupsError::NoSuchFeature { group: name.into(), feature: word.into() });
                }
            }
            groups.push((name.to_owned(), members));
        }
        Self::new(features, &groups)
    }

    /// Groups columns that look like one-hot encodings by their names, `colour=red` or `colour_red`, and by what `rows`
    /// hold: only 0, 1 and missing, and never two ones in a row. To be asked for, never assumed: names can mislead.
    pub fn one_hot(features: &[String], rows: &Rows) -> Self {
        let mut taken = vec![false; features.len()];
        let mut groups: Vec<(String, Vec<usize>)> = Vec::new();
        let zero_or_one: Vec<bool> = (0..features.len())
            .map(|at| at < rows.columns() && rows.iter().all(|row| row[at].is_nan() || matches!(row[at], 0.0 | 1.0)))
            .collect();
        for separator in ['=', '_'] {
            // The shortest beginning first: state_new_york belongs with state_texas rather than with state_new_jersey.
            let mut candidates: BTreeMap<(usize, &str), Vec<usize>> = BTreeMap::new();
            for (at, name) in features.iter().enumerate().filter(|(at, _)| zero_or_one[*at]) {
                for (end, _) in name.match_indices(separator).filter(|(end, _)| *end > 0 && end + 1 < name.len()) {
                    candidates.entry((end, &name[..end])).or_default().push(at);
                }
            }
            for ((_, name), members) in candidates {
                let free: Vec<usize> = members.into_iter().filter(|at| !taken[*at]).collect();
                let one_at_most = |row: &[f64]| free.iter().filter(|at| row[**at] == 1.0).count() <= 1;
                if free.len() >= 2 && !rows.is_empty() && rows.iter().all(one_at_most) {
                    free.iter().for_each(|at| taken[*at] = true);
                    groups.push((name.to_owned(), free));
                }
            }
        }
        Self::new(features, &groups).unwrap_or_else(|_| Self::none(features))
    }

    /// How this method attributes to groups.
    pub fn way(method: Method) -> Way {
        match method {
            Method::Exact | Method::Permutation => Way::Players,
            _ => Way::Summed,
        }
    }

    /// How many groups there are, features by themselves included.
    pub fn len(&self) -> usize {
        self.names.len()
    }

    pub fn is_empty(&self) -> bool {
        self.names.is_empty()
    }

    /// How many features they group.
    pub fn features(&self) -> usize {
        self.features
    }

    pub fn names(&self) -> &[String] {
        &self.names
    }

    /// The features of a group, in rising order.
    pub fn members(&self, group: usize) -> &[usize] {
        &self.members[group]
    }

    /// Adds up the members' attributions, so that the result counts groups where it counted features.
    ///
    /// The standard error of a sum is at most the sum of its members' errors, and that is what it is given here.
    ///
    /// # Panics
    /// When the attributions are of another number of features.
    pub fn sum(&self, of: &Attributions) -> Attributions {
        assert_eq!(of.features, self.features, "groups of other features");
        let sums = |values: &[f64]| -> Vec<f64> {
            let rows = values.chunks_exact(self.features.max(1));
            rows.flat_map(|row| self.members.iter().map(|members| members.iter().map(|at| row[*at]).sum::<f64>())).collect()
        };
        Attributions {
            features: self.len(),
            values: sums(&of.values),
            standard_errors: of.standard_errors.as_deref().map(sums),
            base_values: of.base_values.clone(),
            predictions: of.predictions.clone(),
            ..*of
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::{blends, mean_over, shapley};
    use super::super::{Request, attribute};
    use super::*;
    use proptest::prelude::*;

    fn names(of: &[&str]) -> Vec<String> {
        of.iter().map(|name| (*name).to_owned()).collect()
    }

    #[test]
    fn groups_are_read_as_people_write_them() {
        let features = names(&["age", "colour=red", "size", "colour=blue", "place_north", "place_south"]);
        let groups = Groups::parse(&features, "colour: colour=red, colour=blue; where: place_*\n").unwrap();
        assert_eq!(groups.names(), ["age", "colour", "size", "where"]);
        assert_eq!([groups.members(0), groups.members(1), groups.members(3)], [&[0][..], &[1, 3], &[4, 5]]);
    }

    #[test]
    fn what_cannot_be_grouped_is_refused_by_name() {
        let features = names(&["a", "b"]);
        let refusal = |text| Groups::parse(&features, text).unwrap_err().to_string();
        assert_eq!(refusal("x: c"), "the model has no feature \"c\", which the group \"x\" names");
        assert_eq!(refusal("x: a; y: b, a"), "feature \"a\" is in the group \"x\" and in \"y\"; it can be in one only");
        assert!(refusal("a, b").contains("is not a group"));
        assert!(refusal("x: ").contains("is not a group"));
        assert!(Groups::new(&features, &[("x".into(), vec![2])]).is_err());
    }

    #[test]
    fn one_hot_columns_are_found_by_name_and_values_together() {
        let features =
            names(&["colour=red", "colour=blue", "state_new_york", "state_new_jersey", "state_texas", "is_new", "is_big", "x_1", "x_2"]);
        let mut rows = Rows::new(9);
        rows.push([1.0, 0.0, 1.0, 0.0, 0.0, 1.0, 1.0, 0.3, 0.0]);
        rows.push([0.0, 1.0, 0.0, 0.0, 1.0, 0.0, 1.0, 0.0, 0.0]);
        let groups = Groups::one_hot(&features, &rows);
        // Both "is_" were 1 at once, and x_1 holds 0.3.
        assert_eq!(groups.names(), ["colour", "state", "is_new", "is_big", "x_1", "x_2"]);
        assert_eq!(groups.members(1), [2, 3, 4]);
        assert_eq!(Groups::one_hot(&features, &Rows::new(9)), Groups::none(&features));
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(60))]

        #[test]
        fn a_group_is_either_the_sum_of_its_members_or_a_player(blend in blends(5, 3)) {
            let groups = Groups::new(blend.model.feature_names(), &[("both".into(), vec![1, 3])]).unwrap();
            let single = Request { method: Some(Method::Exact), background: Some(&blend.background), ..Request::default() };
            let by_feature = attribute(&blend.model, &blend.rows, &single).unwrap();
            let summed = groups.sum(&by_feature);
            prop_assert_eq!(summed.values(0, 0)[1], by_feature.values(0, 0)[1] + by_feature.values(0, 0)[3]);
            prop_assert!(summed.residual(0, 0).abs() < 1e-9);

            let grouped = attribute(&blend.model, &blend.rows, &Request { groups: Some(&groups), ..single }).unwrap();
            // The members of the groups in order: 0, {1, 3}, 2, 4.
            let features = [0b00001u32, 0b01010, 0b00100, 0b10000];
            let of_groups = |known: u32| (0..4).filter(|at| known >> at & 1 == 1).map(|at: usize| features[at]).sum::<u32>();
            let expected = shapley(4, |known| mean_over(&blend, 0, of_groups(known)));
            for (found, expected) in grouped.values(0, 0).iter().zip(expected) {
                prop_assert!((found - expected).abs() < 1e-9);
            }
        }

        #[test]
        fn tree_methods_sum(blend in blends(5, 2)) {
            let groups = Groups::new(blend.model.feature_names(), &[("both".into(), vec![1, 3])]).unwrap();
            let alone = attribute(&blend.model, &blend.rows, &Request::default()).unwrap();
            let grouped = attribute(&blend.model, &blend.rows, &Request { groups: Some(&groups), ..Request::default() }).unwrap();
            prop_assert_eq!(grouped, groups.sum(&alone));
        }
    }
}
