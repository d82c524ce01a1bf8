//! The explanation module against other people's code: XGBoost's predictions and attributions, an independent
//! canonicaliser's digest and an independent wallet's signature. `server/agents/cadence-steward/fixture.py` made them.

use alloy_primitives::{Address, B256};
use governance::explanation::decision::{DecisionRecord, digest_line, find_digest_line};
use governance::explanation::links::{LinkKind, LinkState};
use governance::explanation::model::Model;
use governance::explanation::summary::{one_line, three_lines, waterfall};
use governance::explanation::verification::{Binding, TOLERANCE, VerificationState, binding, verify};
use governance::explanation::{Request, Rows, attribute};
use serde::Deserialize;
use std::path::Path;

fn file(path: &str) -> Vec<u8> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(path);
    std::fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn model_bytes() -> Vec<u8> {
    file("../server/agents/cadence-steward/model.json")
}

fn model() -> Model {
    Model::read(&model_bytes()).unwrap()
}

#[derive(Deserialize)]
struct Steward {
    features: Vec<String>,
    cases: Vec<Case>,
}

#[derive(Deserialize)]
struct Case {
    row: Vec<Option<f64>>,
    prediction: f64,
    baseline: f64,
    attributions: Vec<f64>,
}

fn steward() -> Steward {
    serde_json::from_slice(&file("tests/fixtures/explanation/steward.json")).unwrap()
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Decision {
    chain_id: u64,
    registry: Address,
    digest: B256,
    signing_hash: B256,
    record: serde_json::Value,
}

impl Decision {
    fn read() -> Self {
        serde_json::from_slice(&file("tests/fixtures/explanation/decision.json")).unwrap()
    }

    fn record(&self) -> DecisionRecord {
        DecisionRecord::parse(&serde_json::to_vec(&self.record).unwrap()).unwrap()
    }
}

#[test]
fn the_stewards_model_names_its_features_in_order() {
    assert_eq!(model().feature_names(), steward().features);
}

#[test]
fn predictions_and_attributions_are_xgboosts_own() {
    let model = model();
    let cases = steward().cases;
    assert!(cases.len() >= 50);
    let (mut prediction_error, mut attribution_error, mut residual, mut scaled) = (0f64, 0f64, 0f64, 0f64);
    for case in &cases {
        let row: Vec<f64> = case.row.iter().map(|value| value.unwrap_or(f64::NAN)).collect();
        let explained = attribute(&model, &Rows::one(&row), &Request::default()).unwrap();
        let (output, base_value) = (explained.predictions[0], explained.base_values[0]);
        prediction_error = prediction_error.max((output - case.prediction).abs());
        attribution_error = attribution_error.max((base_value - case.baseline).abs());
        for (found, expected) in explained.values.iter().zip(&case.attributions) {
            attribution_error = attribution_error.max((found - expected).abs());
        }
        let scale = case.prediction.abs().max(case.baseline.abs()).max(1.0);
        scaled = scaled.max((output - case.prediction).abs() / scale);
        residual = residual.max(explained.residual(0, 0).abs());
    }
    println!(
        "largest differences: prediction {prediction_error:e}, attribution {attribution_error:e}, residual {residual:e}, scaled {scaled:e}"
    );
    assert!(prediction_error < 1e-4, "predictions differ by {prediction_error:e}");
    assert!(attribution_error < 1e-4, "attributions differ by {attribution_error:e}");
    assert!(scaled < TOLERANCE / 10.0, "the published tolerance is too tight for 32-bit floats: {scaled:e}");
    assert!(residual < 1e-10, "residual {residual:e}");
}

#[test]
fn a_fuller_week_never_means_less_demand_and_a_higher_price_never_more() {
    let model = model();
    let mut row = [0.0, 100.0, 100.0, 30.0, 20.0, 0.04, 18.0];
    let demand_by_fill: Vec<f64> = (0..=20)
        .map(|share| {
            row[0] = f64::from(share) / 20.0;
            model.predict(&row)[0]
        })
        .collect();
    assert!(demand_by_fill.is_sorted(), "{demand_by_fill:?}");
    let demand_by_price: Vec<f64> = (1..=40)
        .rev()
        .map(|step| {
            row[5] = f64::from(step) / 200.0;
            model.predict(&row)[0]
        })
        .collect();
    assert!(demand_by_price.is_sorted(), "{demand_by_price:?}");
}

#[test]
fn a_sold_out_week_means_more_demand_than_was_offered_and_an_idle_one_less() {
    let model = model();
    assert!(model.predict(&[1.0, 126.0, 120.0, 50.0, 30.0, 0.04, 18.0])[0] > 20.0);
    assert!(model.predict(&[0.1, 13.0, 20.0, 3.0, 6.0, 0.04, 18.0])[0] < 6.0);
}

#[test]
fn digest_and_signing_hash_are_what_others_compute() {
    let fixture = Decision::read();
    let record = fixture.record();
    assert_eq!(record.digest(), fixture.digest);
    assert_eq!(record.signing_hash(fixture.chain_id, fixture.registry), fixture.signing_hash);
}

#[test]
fn the_agent_is_recovered_from_its_signature() {
    let fixture = Decision::read();
    let record = fixture.record();
    let agent = record.agent_address().unwrap();
    assert_eq!(record.signer(fixture.chain_id, fixture.registry).unwrap(), agent);
    assert_ne!(record.signer(fixture.chain_id + 1, fixture.registry).unwrap(), agent);
    assert_ne!(record.signer(fixture.chain_id, Address::ZERO).unwrap(), agent);
}

#[test]
fn a_record_with_xgboosts_numbers_is_recomputed() {
    let fixture = Decision::read();
    let record = fixture.record();
    let hash = Model::sha256(&model_bytes());
    let verification = verify(&record, Some(&model()), Some(hash)).with_signature(&record, fixture.chain_id, fixture.registry);
    assert_eq!(verification.state, VerificationState::Recomputed, "{verification:#?}");
    assert_eq!(verification.here().state, VerificationState::RecomputedHere);
}

#[test]
fn a_record_changed_after_signing_is_a_mismatch_by_its_signature_alone() {
    let fixture = Decision::read();
    let mut record = fixture.record();
    record.question.push('!');
    let hash = Model::sha256(&model_bytes());
    let verification = verify(&record, Some(&model()), Some(hash)).with_signature(&record, fixture.chain_id, fixture.registry);
    let failed: Vec<_> = verification.checks().filter(|check| !check.ok).map(|check| &check.name).collect();
    assert_eq!(failed, ["signature"]);
}

#[test]
fn another_signature_of_the_same_record_is_refused_when_it_is_the_twin() {
    let fixture = Decision::read();
    let mut record = fixture.record();
    let signature = record.signature.as_mut().unwrap();
    let mut bytes = signature.value.to_vec();
    let order = alloy_primitives::uint!(0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141_U256);
    let s = order - alloy_primitives::U256::from_be_slice(&bytes[32..64]);
    bytes[32..64].copy_from_slice(&s.to_be_bytes::<32>());
    bytes[64] = if bytes[64] == 27 { 28 } else { 27 };
    signature.value = bytes.into();
    let error = record.signer(fixture.chain_id, fixture.registry).unwrap_err();
    assert!(error.to_string().contains("upper half"), "{error}");
}

#[test]
fn the_proposals_text_and_call_lead_to_the_record() {
    let record = Decision::read().record();
    let text = format!("# More mints\n\nPlease.\n\n{}\n", digest_line(record.digest()));
    assert_eq!(binding(find_digest_line(&text), &[record.digest()], Some(&record)), Binding::Verified);
}

#[test]
fn the_record_reads_as_a_sentence_and_a_waterfall() {
    let record = Decision::read().record();
    let line = one_line(&record);
    assert!(line.starts_with("Raise mints offered from 18 to "), "{line}");
    assert!(line.contains(", mainly because "), "{line}");
    println!("{}", three_lines(&record).join("\n"));
    let bars = waterfall(&record);
    assert_eq!(bars.len(), 7);
    assert!((bars[6].end - record.output.value).abs() < 1e-4);
    assert!(bars.iter().any(|bar| bar.value_text == "not known"));
}

/// The links that do not hold, of the steward's own record with one thing altered and no seal to compare.
fn broken_by(forge: impl FnOnce(&mut DecisionRecord)) -> Vec<LinkKind> {
    let mut record = Decision::read().record();
    forge(&mut record);
    let verification = verify(&record, Some(&model()), Some(Model::sha256(&model_bytes())));
    verification.links.into_iter().filter(|link| link.state == LinkState::Mismatch).map(|link| link.kind).collect()
}

#[test]
fn any_one_alteration_of_the_stewards_record_breaks_one_link() {
    assert_eq!(broken_by(|_| ()), []);
    let record = Decision::read().record();
    for at in 0..record.attributions.len() {
        for by in [-2.0, 0.01, 100.0] {
            assert_eq!(broken_by(|record| record.attributions[at].value += by), [LinkKind::Attributions]);
        }
    }
    for by in [-1.0, 0.01, 50.0] {
        assert_eq!(broken_by(|record| record.output.value += by), [LinkKind::Output]);
        assert_eq!(broken_by(|record| record.baseline.value += by), [LinkKind::Attributions]);
    }
    let mut told = 0;
    for at in 0..record.inputs.len() {
        for value in [Some(0.0), Some(0.3), Some(7.0), Some(60.0), None] {
            let mut inputs = record.inputs.clone();
            inputs[at].value = value;
            let row: Vec<f64> = inputs.iter().map(|input| input.value.unwrap_or(f64::NAN)).collect();
            // An alteration that the model does not answer differently is seen by the record's seal alone.
            if (model().predict(&row)[0] - record.output.value).abs() < 1e-3 {
                continue;
            }
            assert_eq!(broken_by(|record| record.inputs[at].value = value), [LinkKind::Inputs], "input {at} as {value:?}");
            told += 1;
        }
    }
    assert!(told > 20, "only {told} altered inputs changed the output");
    for factor in [0.1, 0.5, 2.0] {
        assert_eq!(broken_by(|record| record.rule.factor = factor), [LinkKind::Rule]);
    }
}

#[test]
fn one_altered_weight_of_the_stewards_model_breaks_the_model_alone() {
    let record = Decision::read().record();
    let mut file: serde_json::Value = serde_json::from_slice(&model_bytes()).unwrap();
    let weights = file["learner"]["gradient_booster"]["model"]["trees"][0]["split_conditions"].as_array_mut().unwrap();
    let leaf = weights.last_mut().unwrap();
    *leaf = serde_json::json!(leaf.as_f64().unwrap() + 5.0);
    let bytes = serde_json::to_vec(&file).unwrap();
    let other = Model::read(&bytes).unwrap();
    let broken = |record: &DecisionRecord| -> Vec<LinkKind> {
        let links = verify(record, Some(&other), Some(Model::sha256(&bytes))).links;
        links.into_iter().filter(|link| link.state == LinkState::Mismatch).map(|link| link.kind).collect()
    };
    assert_eq!(broken(&record), [LinkKind::Model]);
}
