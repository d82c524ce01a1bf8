//! Exact Shapley values of linear models: weight times distance from the mean.
//!
//! For a weighted sum, every definition of Shapley values with independent features comes to φ = w · (x − mean). The
//! mean is the background's where there is one, otherwise the one the file states. A linear model says nothing about a
//! row with a missing value, so such a row, or background row, is refused rather than filled in.

use super::{AttributionError, Attributions, Method, Space};
use crate::explanation::model::{Linear, Rows};

pub(super) fn linear(model: &Linear, rows: &Rows, background: Option<&Rows>) -> Result<Attributions, AttributionError> {
    let features = model.features;
    let means = match (background, &model.means) {
        (Some(background), _) => means(background)?,
        (None, Some(means)) => means.clone(),
        (None, None) => return Err(AttributionError::NoBackground { method: Method::Linear }),
    };
    complete("rows", rows)?;
    let outputs = model.intercepts.len();
    let mut found = Attributions {
        method: Method::Linear,
        features,
        outputs,
        base_values: vec![0.0; outputs],
        predictions: vec![0.0; rows.len() * outputs],
        values: Vec::with_capacity(rows.len() * outputs * features),
        standard_errors: None,
        evaluations: rows.len() as u64 + 1,
        space: Space::Margin,
    };
    model.predict_into(&means, &mut found.base_values);
    for (row, predictions) in rows.iter().zip(found.predictions.chunks_exact_mut(outputs)) {
        model.predict_into(row, predictions);
        for weights in model.weights.chunks_exact(features) {
            found.values.extend(weights.iter().zip(row).zip(&means).map(|((weight, value), mean)| weight * (value - mean)));
        }
    }
    Ok(found)
}

fn means(background: &Rows) -> Result<Vec<f64>, AttributionError> {
    complete("background", background)?;
    let mut means = vec![0.0; background.columns()];
    for row in background.iter() {
        for (mean, value) in means.iter_mut().zip(row) {
            *mean += value / background.len() as f64;
        }
    }
    Ok(means)
}

fn complete(what: &'static str, rows: &Rows) -> Result<(), AttributionError> {
    match rows.values().iter().position(|value| value.is_nan()) {
        Some(at) => Err(AttributionError::MissingValue { what, row: at / rows.columns(), feature: at % rows.columns() }),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::linear_model;
    use super::super::{Request, attribute};
    use super::*;
    use crate::explanation::model::Link;
    use proptest::prelude::*;

    fn rows(values: &[f64]) -> Rows {
        Rows::from_values(2, values.to_vec())
    }

    #[test]
    fn weights_count_by_the_distance_from_the_mean() {
        let model = linear_model(Link::Identity, vec![2.0, -1.0], vec![3.0], None);
        let background = rows(&[0.0, 10.0, 4.0, 20.0]);
        let found = attribute(&model, &rows(&[5.0, 10.0]), &Request { background: Some(&background), ..Request::default() }).unwrap();
        assert_eq!((found.method, &found.base_values[..], &found.predictions[..]), (Method::Linear, &[-8.0][..], &[3.0][..]));
        assert_eq!(found.values, [6.0, 5.0]);
    }

    #[test]
    fn the_files_means_stand_in_for_a_background() {
        let model = linear_model(Link::Identity, vec![2.0, -1.0], vec![3.0], Some(vec![1.0, 1.0]));
        let found = attribute(&model, &rows(&[2.0, 3.0]), &Request::default()).unwrap();
        assert_eq!((found.values, found.base_values), (vec![2.0, -2.0], vec![4.0]));
        let model = linear_model(Link::Identity, vec![2.0, -1.0], vec![3.0], None);
        let refused = attribute(&model, &rows(&[2.0, 3.0]), &Request::default()).unwrap_err();
        assert_eq!(refused, AttributionError::NoBackground { method: Method::Linear });
    }

    #[test]
    fn a_missing_value_is_refused_with_its_place() {
        let model = linear_model(Link::Identity, vec![2.0, -1.0], vec![3.0], Some(vec![1.0, 1.0]));
        let refused = attribute(&model, &rows(&[2.0, 3.0, 1.0, f64::NAN]), &Request::default()).unwrap_err();
        assert_eq!(refused, AttributionError::MissingValue { what: "rows", row: 1, feature: 1 });
        let background = rows(&[f64::NAN, 1.0]);
        let request = Request { background: Some(&background), ..Request::default() };
        let refused = attribute(&model, &rows(&[2.0, 3.0]), &request).unwrap_err();
        assert_eq!(refused, AttributionError::MissingValue { what: "background", row: 0, feature: 0 });
    }

    proptest! {
        #[test]
        fn enumeration_agrees(
            weights in prop::collection::vec(-5.0..5.0f64, 6),
            row in prop::collection::vec(-9.0..9.0f64, 3),
            background in prop::collection::vec(-9.0..9.0f64, 12),
        ) {
            let model = linear_model(Link::Identity, weights, vec![1.0, -2.0], None);
            let background = Rows::from_values(3, background);
            let request = |method| Request { method: Some(method), background: Some(&background), ..Request::default() };
            let quick = attribute(&model, &Rows::one(&row), &request(Method::Linear)).unwrap();
            let slow = attribute(&model, &Rows::one(&row), &request(Method::Exact)).unwrap();
            for (quick, slow) in quick.values.iter().chain(&quick.base_values).zip(slow.values.iter().chain(&slow.base_values)) {
                prop_assert!((quick - slow).abs() < 1e-9);
            }
        }
    }
}
