//! Every method a record may name, run again from what the record says of it.

use crate::explanation::attribution::{Attributions, Method, Request, attribute};
use crate::explanation::decision::{Background, DecisionRecord, MethodDetails};
use crate::explanation::links::{LinkKind, LinkState};
use crate::explanation::model::{Model, Rows};
use crate::explanation::verification::tests::{broken, model_with};
use crate::explanation::verification::{Known, Verification, VerificationState, verify_with};
use alloy_primitives::{B256, hex};

const BACKGROUND: B256 = B256::repeat_byte(0xb6);

struct Case {
    record: DecisionRecord,
    model: Model,
    hash: B256,
    background: Rows,
    found: Attributions,
}

impl Case {
    /// A record of what the method itself says, over a background where it takes one.
    fn of(method: Method, details: Option<MethodDetails>) -> Self {
        let (_, model, hash) = model_with(9.0);
        let background = Rows::from_values(3, vec![0.1, 3.0, 0.04, 0.95, 60.0, 0.2, 0.5, 20.0, 0.04, f64::NAN, 45.0, 0.05]);
        let given = details.clone().unwrap_or_default();
        let request = Request {
            method: Some(method),
            background: (method != Method::PathDependent).then_some(&background),
            samples: given.samples.map_or(Request::default().samples, |samples| samples as usize),
            seed: given.seed.unwrap_or(99),
            ..Request::default()
        };
        let mut record = crate::explanation::decision::tests::record();
        let found = attribute(&model, &Rows::one(&[0.97, 58.0, 0.04]), &request).unwrap();
        record.method = method.record_name().into();
        record.method_details = details;
        record.model.sha256 = hex::encode(hash);
        record.output.value = found.predictions[0];
        record.baseline.value = found.base_values[0];
        if method != Method::PathDependent {
            let description = "every tenth week of the training data".into();
            record.baseline.background = Some(Background { sha256: hex::encode(BACKGROUND), rows: 4, description });
        }
        for (at, one) in record.attributions.iter_mut().enumerate() {
            one.value = found.values[at];
            one.standard_error = found.standard_errors(0, 0).map(|errors| errors[at]);
        }
        record.changes[0].to = record.rule.evaluate(record.output.value).value;
        Self { record, model, hash, background, found }
    }

    fn known(&self) -> Known<'_> {
        Known {
            model: Some(&self.model),
            model_sha256: Some(self.hash),
            background: Some(&self.background),
            background_sha256: Some(BACKGROUND),
            carried: None,
        }
    }

    fn verify(&self) -> Verification {
        verify_with(&self.record, &self.known())
    }
}

fn seeded() -> Option<MethodDetails> {
    Some(MethodDetails { samples: Some(32), seed: Some(7), ..MethodDetails::default() })
}

#[test]
fn every_method_for_trees_is_recomputed_and_its_forgeries_are_found() {
    for method in [Method::PathDependent, Method::Interventional, Method::Exact, Method::Permutation] {
        let case = Case::of(method, seeded());
        assert_eq!(case.verify().state, VerificationState::Recomputed, "{:#?}", case.verify());
        let mut forged = Case::of(method, seeded());
        forged.record.attributions[0].value += 0.3;
        forged.record.attributions[2].value -= 0.3;
        assert_eq!(broken(&forged.verify()), [LinkKind::Attributions], "{method:?}");
        let mut forged = Case::of(method, seeded());
        forged.record.inputs[0].value = Some(0.2);
        assert_eq!(broken(&forged.verify()), [LinkKind::Inputs], "{method:?}");
    }
}

#[test]
fn a_seeded_estimate_is_repeated_to_the_last_bit() {
    let mut case = Case::of(Method::Permutation, seeded());
    assert!(case.verify().link(LinkKind::Attributions).unwrap().sentence.contains("to the last bit"));
    case.record.attributions[0].value = case.record.attributions[0].value.next_up();
    assert_eq!(broken(&case.verify()), [LinkKind::Attributions]);
}

#[test]
fn an_estimate_without_its_seed_may_be_some_standard_errors_off() {
    let mut case = Case::of(Method::Permutation, Some(MethodDetails { samples: Some(32), ..MethodDetails::default() }));
    assert_eq!(case.verify().state, VerificationState::Recomputed, "{:#?}", case.verify());
    // However large an error it claims.
    let far = 12.0 * case.found.standard_errors(0, 0).map_or(0.0, |errors| errors.iter().copied().fold(0.0, f64::max)) + 1.0;
    for one in &mut case.record.attributions {
        one.standard_error = Some(1e9);
    }
    case.record.attributions[0].value += 2.0 * far;
    case.record.attributions[2].value -= 2.0 * far;
    assert_eq!(broken(&case.verify()), [LinkKind::Attributions]);
}

#[test]
fn another_background_is_the_attributions_fault() {
    let case = Case::of(Method::Interventional, None);
    let swapped = Known { background_sha256: Some(B256::ZERO), ..case.known() };
    let verification = verify_with(&case.record, &swapped);
    assert_eq!(broken(&verification), [LinkKind::Attributions]);
    let fewer = Rows::from_values(3, case.background.values()[..9].to_vec());
    assert_eq!(broken(&verify_with(&case.record, &Known { background: Some(&fewer), ..case.known() })), [LinkKind::Attributions]);
}

#[test]
fn what_is_not_at_hand_leaves_a_claim_and_says_so() {
    let case = Case::of(Method::Interventional, None);
    let mut unnamed = case.record.clone();
    unnamed.baseline.background = None;
    for (record, known, why) in [
        (&case.record, Known { background: None, background_sha256: None, ..case.known() }, "the background is not published"),
        (&case.record, Known { background_sha256: None, ..case.known() }, "the fingerprint of the background was not computed"),
        (&unnamed, case.known(), "the record does not name the background its method needs"),
    ] {
        let verification = verify_with(record, &known);
        assert_eq!(verification.state, VerificationState::Claimed, "{verification:#?}");
        let link = verification.link(LinkKind::Attributions).unwrap();
        assert_eq!(link.state, LinkState::Unchecked);
        assert!(link.sentence.contains(why), "{}", link.sentence);
        // The output needs no background.
        assert_eq!(verification.link(LinkKind::Output).unwrap().state, LinkState::Holds);
    }
}

#[test]
fn a_record_that_would_cost_its_verifiers_too_much_is_not_computed_again() {
    let case = Case::of(Method::Permutation, seeded());
    let many = Rows::from_values(3, case.background.values().repeat(1000));
    let work = |method, samples| super::work(&case.model, method, samples, Some(&many));
    // Four trees, three features, 4000 background rows.
    assert_eq!(work(Method::PathDependent, 256), 4);
    assert_eq!(work(Method::Interventional, 256), 4 * 4000);
    assert_eq!(work(Method::Exact, 256), 4 * 4000 * 8);
    assert_eq!(work(Method::Permutation, 256), 4 * 3 * (256 + 4 * 4000 + 64));
    assert!(super::affordable(work(Method::Permutation, 65_536)).is_ok());
    assert!(super::affordable(work(Method::Permutation, usize::MAX)).unwrap_err().ends_with("more than the 200000000 that are tried"));
}
