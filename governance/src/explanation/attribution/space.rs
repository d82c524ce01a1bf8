//! What attributions add up to: the margin, or the probability a reader thinks in.
//!
//! Exact and sampled attributions can be of the probability itself. Methods that follow a model's own sums cannot; theirs
//! are stretched so that they lead from the baseline's probability to the row's, and say so.

use super::{AttributionError, Attributions};
use crate::explanation::model::Link;
use serde::{Deserialize, Serialize};

/// The numbers that attributions add up to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Space {
    /// What the model sums up before its link.
    #[default]
    Margin,
    /// What the link makes of it: a probability, or a rate. Asked of a method that cannot, it becomes `Rescaled`.
    Probability,
    /// Attributions of the margin, all times one factor per row and output, so that they lead from the link of the base
    /// value to the link of the prediction. An approximation: their order and shares are the margin's.
    Rescaled,
}

impl Space {
    /// The name the command line uses.
    pub fn name(self) -> &'static str {
        match self {
            Self::Margin => "margin",
            Self::Probability => "probability",
            Self::Rescaled => "rescaled",
        }
    }

    pub fn from_name(name: &str) -> Option<Self> {
        [Self::Margin, Self::Probability, Self::Rescaled].into_iter().find(|space| space.name() == name)
    }

    /// What a reader must know of the numbers, where there is something to know.
    pub fn note(self) -> Option<&'static str> {
        match self {
            Self::Margin => None,
            Self::Probability => Some("Attributions of the probability itself; the baseline is the background's mean probability."),
            Self::Rescaled => Some(
                "Attributions of the margin, rescaled to the probability: an approximation that keeps their shares. The baseline is the probability at the mean margin, not the mean probability.",
            ),
        }
    }
}

/// Refuses models whose link makes nothing of the margin.
pub(super) fn check(link: Link) -> Result<(), AttributionError> {
    match link {
        Link::Identity => Err(AttributionError::NoProbability { found: "margins only" }),
        Link::Logistic | Link::Softmax | Link::OneVersusAll | Link::Log => Ok(()),
    }
}

/// Stretches attributions of margins to what the link makes of them.
pub(super) fn rescale(found: &mut Attributions, link: Link) -> Result<(), AttributionError> {
    if !matches!(link, Link::Logistic | Link::Log) {
        return Err(AttributionError::NoProbability {
            found: "one per class, which rescaling cannot share out; give a background and use exact or permutation",
        });
    }
    let linked = |margin: f64| {
        let mut one = [margin];
        link.apply(&mut one);
        one[0]
    };
    for row in 0..found.rows() {
        for output in 0..found.outputs {
            let at = row * found.outputs + output;
            let (base, margin) = (found.base_values[output], found.predictions[at]);
            let factor = factor(link, base, margin, linked);
            let values = at * found.features..(at + 1) * found.features;
            found.values[values.clone()].iter_mut().for_each(|value| *value *= factor);
            if let Some(errors) = &mut found.standard_errors {
                errors[values].iter_mut().for_each(|error| *error *= factor);
            }
            found.predictions[at] = linked(margin);
        }
    }
    found.base_values.iter_mut().for_each(|base| *base = linked(*base));
    found.space = Space::Rescaled;
    Ok(())
}

/// The rise of the link between two margins, per unit of margin. Never negative.
fn factor(link: Link, base: f64, margin: f64, linked: impl Fn(f64) -> f64) -> f64 {
    let apart = margin - base;
    if apart.abs() > 1e-4 {
        return (linked(margin) - linked(base)) / apart;
    }
    // Nearer than that, the quotient loses digits and the slope between the two is the same to ten of them.
    let middle = linked(base + apart / 2.0);
    if link == Link::Log { middle } else { middle * (1.0 - middle) }
}

#[cfg(test)]
mod tests {
    use super::super::tests::{blends, linear_model, mean_over, shapley};
    use super::super::{Method, Request, attribute};
    use super::*;
    use crate::explanation::model::Rows;
    use proptest::prelude::*;

    fn logistic(margin: f64) -> f64 {
        1.0 / (1.0 + (-margin).exp())
    }

    #[test]
    fn rescaled_attributions_lead_from_probability_to_probability() {
        let model = linear_model(Link::Logistic, vec![2.0, -1.0], vec![0.5], Some(vec![0.0, 0.0]));
        let request = Request { space: Space::Probability, ..Request::default() };
        let found = attribute(&model, &Rows::from_values(2, vec![1.0, 1.0, 0.0, 0.0, 1e-9, 0.0]), &request).unwrap();
        assert_eq!(found.space, Space::Rescaled);
        assert!(found.space_note().unwrap().contains("an approximation"));
        assert_eq!((found.base_values[0], found.predictions[0]), (logistic(0.5), logistic(1.5)));
        assert!(found.residual(0, 0).abs() < 1e-15);
        assert!((found.values(0, 0)[0] / found.values(0, 0)[1] + 2.0).abs() < 1e-12);
        assert_eq!(found.values(1, 0), [0.0, 0.0]);
        // Next to the baseline the factor is the slope.
        let slope = logistic(0.5) * (1.0 - logistic(0.5));
        assert!((found.values(2, 0)[0] / 2e-9 / slope - 1.0).abs() < 1e-6);
    }

    #[test]
    fn a_rate_is_rescaled_too() {
        let model = linear_model(Link::Log, vec![2.0], vec![0.5], Some(vec![0.0]));
        let request = Request { space: Space::Probability, ..Request::default() };
        let found = attribute(&model, &Rows::from_values(1, vec![1.0, 1e-6]), &request).unwrap();
        assert!((found.values(0, 0)[0] - (2.5f64.exp() - 0.5f64.exp())).abs() < 1e-12);
        assert!(found.residual(1, 0).abs() < 1e-15);
    }

    #[test]
    fn without_a_link_there_is_no_probability() {
        let model = linear_model(Link::Identity, vec![1.0], vec![0.0], Some(vec![0.0]));
        let request = Request { space: Space::Probability, ..Request::default() };
        let refused = attribute(&model, &Rows::one(&[1.0]), &request).unwrap_err();
        assert_eq!(refused, AttributionError::NoProbability { found: "margins only" });
    }

    #[test]
    fn probabilities_of_classes_are_attributed_exactly_or_not_at_all() {
        let model = linear_model(Link::Softmax, vec![1.0, 0.0, 0.0, 1.0], vec![0.0, 0.0], Some(vec![0.0, 0.0]));
        let request = Request { space: Space::Probability, ..Request::default() };
        let refused = attribute(&model, &Rows::one(&[1.0, 2.0]), &request).unwrap_err();
        assert!(refused.to_string().contains("exact or permutation"));
        let background = Rows::from_values(2, vec![0.0, 0.0, 1.0, -1.0]);
        let found = attribute(&model, &Rows::one(&[1.0, 2.0]), &Request { background: Some(&background), ..request }).unwrap();
        assert_eq!((found.method, found.space), (Method::Exact, Space::Probability));
        assert!((found.predictions(0).iter().sum::<f64>() - 1.0).abs() < 1e-12);
        assert!(found.residual(0, 0).abs() < 1e-12 && found.residual(0, 1).abs() < 1e-12);
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(60))]

        #[test]
        fn exact_attributions_are_of_the_probability_itself(blend in blends(4, 3)) {
            let mut blend = blend;
            blend.model.link = Link::Logistic;
            let request = Request {
                method: Some(Method::Exact), background: Some(&blend.background), space: Space::Probability, ..Request::default()
            };
            let found = attribute(&blend.model, &blend.rows, &request).unwrap();
            let expected = shapley(4, |known| mean_over(&blend, 0, known));
            for (found, expected) in found.values(0, 0).iter().zip(expected) {
                prop_assert!((found - expected).abs() < 1e-12);
            }
        }
    }
}
