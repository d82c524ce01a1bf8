use super::super::decision::tests::record;
use super::super::model::xgboost::tests::{model_file, read};
use super::*;
use crate::explanation::attribution::{Request, attribute};
use crate::explanation::links::CarriedChange;
use alloy_primitives::{Bytes, hex};

/// A model of the record's three inputs that interact in one tree, its file, and the file's hash.
pub(super) fn model_with(leaf: f32) -> (Vec<u8>, Model, B256) {
    let stump =
        |feature, threshold| vec![(1, 2, feature, threshold, true, 10.0), (-1, -1, 0, 2.0, false, 6.0), (-1, -1, 0, leaf, false, 4.0)];
    let both = vec![
        (1, 2, 0, 0.9, true, 10.0),
        (-1, -1, 0, 1.0, false, 6.0),
        (3, 4, 1, 40.0, true, 4.0),
        (-1, -1, 0, 0.5, false, 1.0),
        (-1, -1, 0, 4.0, false, 3.0),
    ];
    let mut file = model_file(3, &[stump(0, 0.9), stump(1, 40.0), stump(2, 0.1), both]);
    file["learner"]["feature_names"] = serde_json::json!(["fill_7d", "new_collectors_7d", "price_eth"]);
    let bytes = serde_json::to_vec(&file).unwrap();
    let hash = Model::sha256(&bytes);
    (bytes, read(&file).unwrap(), hash)
}

/// The record brought in line with such a model.
fn recomputable() -> (DecisionRecord, Model, B256) {
    let (_, model, hash) = model_with(9.0);
    let mut record = record();
    record.model.sha256 = hex::encode(hash);
    let explained = attribute(&model, &Rows::one(&[0.97, 58.0, 0.04]), &Request::default()).unwrap();
    record.output.value = explained.predictions[0];
    record.baseline.value = explained.base_values[0];
    for (one, value) in record.attributions.iter_mut().zip(explained.values) {
        one.value = value;
    }
    record.changes[0].to = record.rule.evaluate(record.output.value).value;
    (record, model, hash)
}

fn failed(verification: &Verification) -> Vec<&str> {
    verification.checks().filter(|check| !check.ok).map(|check| check.name.as_str()).collect()
}

#[test]
fn a_record_whose_model_is_not_published_is_claimed() {
    let verification = verify(&record(), None, None);
    assert_eq!(verification.state, VerificationState::Claimed);
    assert_eq!(failed(&verification), Vec::<&str>::new());
}

#[test]
fn a_record_that_the_model_confirms_is_recomputed() {
    let (record, model, hash) = recomputable();
    let verification = verify(&record, Some(&model), Some(hash));
    assert_eq!(verification.state, VerificationState::Recomputed, "{verification:#?}");
    assert_eq!(verification.clone().here().state, VerificationState::RecomputedHere);
    assert_eq!(verification.here().attested().state, VerificationState::Attested);
}

/// The links that do not hold.
pub(super) fn broken(verification: &Verification) -> Vec<LinkKind> {
    verification.links.iter().filter(|link| link.state == LinkState::Mismatch).map(|link| link.kind).collect()
}

fn state_of(verification: &Verification, kind: LinkKind) -> LinkState {
    verification.link(kind).unwrap().state
}

type Forge = fn(&mut DecisionRecord);

#[test]
fn one_altered_number_breaks_one_link() {
    use LinkKind::*;
    let (good, model, hash) = recomputable();
    let forgeries: [(LinkKind, Forge); 21] = [
        (Model, |record| record.model.sha256 = "00".repeat(32)),
        (Inputs, |record| record.inputs[0].value = Some(0.2)),
        (Inputs, |record| record.inputs[1].value = Some(3.0)),
        (Inputs, |record| record.inputs[1].name = "moon".into()),
        (Attributions, |record| record.attributions[0].value += 0.01),
        (Attributions, |record| record.attributions[2].value = 0.0),
        // The credit of one input given to another.
        (Attributions, |record| {
            record.attributions[0].value += 1.0;
            record.attributions[1].value -= 1.0;
        }),
        (Attributions, |record| record.baseline.value += 0.5),
        (Attributions, |record| {
            record.baseline.value += 1.0;
            record.attributions[1].value -= 1.0;
        }),
        (Attributions, |record| {
            record.baseline.value += record.attributions[2].value;
            record.attributions.remove(2);
        }),
        (Output, |record| record.output.value += 0.1),
        (Output, |record| record.output.value = 31.0),
        (Output, |record| record.output.value = 1e9),
        (Output, |record| record.output.name = Some("moon".into())),
        (Rule, |record| record.rule.factor = 0.5),
        (Rule, |record| record.rule.offset = -7.0),
        (Rule, |record| record.rule.max = "12".parse().unwrap()),
        (Rule, |record| record.rule.max_step = "1".parse().unwrap()),
        (Rule, |record| record.rule.current = "17".parse().unwrap()),
        (Value, |record| record.changes[0].to = "500".into()),
        (Value, |record| record.changes[0].to = "19.0".into()),
    ];
    for (kind, forge) in forgeries {
        let mut forged = good.clone();
        forge(&mut forged);
        let verification = verify(&forged, Some(&model), Some(hash));
        assert_eq!(broken(&verification), [kind], "{verification:#?}");
        assert_eq!(verification.broken(), Some(kind));
        assert_eq!(verification.state, VerificationState::Mismatch);
        assert_eq!(verification.here().attested().state, VerificationState::Mismatch);
    }
}

#[test]
fn one_altered_weight_breaks_the_model_alone() {
    let (record, _, _) = recomputable();
    let (file, other, other_hash) = model_with(9.5);
    // The file no longer has the recorded fingerprint, whatever it computes.
    let verification = verify(&record, Some(&other), Some(Model::sha256(&file)));
    assert_eq!(broken(&verification), [LinkKind::Model]);
    assert_eq!(state_of(&verification, LinkKind::Inputs), LinkState::Unchecked);
    assert_eq!(state_of(&verification, LinkKind::Attributions), LinkState::Unchecked);
    // Nor does it help to name the other file: its baseline is another.
    let mut renamed = record;
    renamed.model.sha256 = hex::encode(other_hash);
    let verification = verify(&renamed, Some(&other), Some(other_hash));
    assert_eq!(broken(&verification), [LinkKind::Model]);
    assert!(verification.link(LinkKind::Model).unwrap().sentence.contains("another model was explained"));
}

#[test]
fn without_the_model_a_broken_sum_is_blamed_on_whichever_side_the_rule_is_not() {
    let mut output = record();
    output.output.value = 35.0;
    assert_eq!(broken(&verify(&output, None, None)), [LinkKind::Output]);
    let mut attribution = record();
    attribution.attributions[0].value = 9.0;
    assert_eq!(broken(&verify(&attribution, None, None)), [LinkKind::Attributions]);
}

#[test]
fn two_altered_numbers_break_two_links() {
    let (good, model, hash) = recomputable();
    let mut forged = good;
    forged.inputs[0].value = Some(0.2);
    forged.rule.factor = 0.5;
    assert_eq!(broken(&verify(&forged, Some(&model), Some(hash))), [LinkKind::Inputs, LinkKind::Rule]);
}

#[test]
fn the_call_tells_an_altered_change_from_an_altered_rule() {
    let (good, model, hash) = recomputable();
    let carried = carried(&good);
    let look = |record: &DecisionRecord| {
        let known = Known { model: Some(&model), model_sha256: Some(hash), carried: Some(&carried), ..Known::default() };
        let verification = verify_with(record, &known);
        broken(&verification).into_iter().filter(|kind| *kind <= LinkKind::Value).collect::<Vec<_>>()
    };
    assert_eq!(look(&good), []);
    let mut value = good.clone();
    value.changes[0].to = "19".into();
    assert_eq!(look(&value), [LinkKind::Value]);
    let mut from = good.clone();
    from.changes[0].from = "17".into();
    assert_eq!(look(&from), [LinkKind::Value]);
    let mut rule = good.clone();
    rule.rule.factor = 0.97;
    assert_eq!(look(&rule), [LinkKind::Rule]);
    let mut current = good;
    current.rule.current = "19".parse().unwrap();
    assert_eq!(look(&current), [LinkKind::Rule]);
}

/// The facts of a record that was carried out.
fn carried(record: &DecisionRecord) -> Carried {
    let change = &record.changes[0];
    let call = CarriedChange {
        engine: change.engine.clone(),
        key: change.key.clone(),
        value: change.to.clone(),
        based_on: Some(record.based_on),
        digest: record.digest(),
    };
    Carried { calls: vec![call], before: Some(change.from.clone()), ..Carried::default() }
}

#[test]
fn the_seal_breaks_with_any_alteration_and_the_link_still_says_where() {
    let (good, model, hash) = recomputable();
    let known_as = good.digest();
    let verification = verify(&good, Some(&model), Some(hash)).with_digest(&good, known_as);
    assert_eq!(state_of(&verification, LinkKind::Record), LinkState::Holds);
    let mut forged = good;
    forged.inputs[0].value = Some(0.2);
    let verification = verify(&forged, Some(&model), Some(hash)).with_digest(&forged, known_as);
    assert_eq!(broken(&verification), [LinkKind::Record, LinkKind::Inputs]);
    assert_eq!(verification.broken(), Some(LinkKind::Inputs));
    // What arithmetic cannot see, the seal does.
    forged.inputs[0].value = Some(0.98);
    let verification = verify(&forged, Some(&model), Some(hash)).with_digest(&forged, known_as);
    assert_eq!(verification.broken(), Some(LinkKind::Record));
}

#[test]
fn every_link_is_there_once_and_says_a_sentence() {
    let (good, model, hash) = recomputable();
    for verification in [verify(&good, None, None), verify(&good, Some(&model), Some(hash))] {
        let kinds: Vec<LinkKind> = verification.links.iter().map(|link| link.kind).collect();
        assert_eq!(kinds, LinkKind::ALL);
        for link in &verification.links {
            assert!(link.sentence.ends_with('.') && !link.sentence.contains(".."), "{link:?}");
        }
    }
}

#[test]
fn the_badge_says_why() {
    let (good, model, hash) = recomputable();
    let recomputed = why(&verify(&good, Some(&model), Some(hash)).here());
    assert_eq!(recomputed[0], "Your browser recomputed every number from the published model and inputs.");
    assert!(
        recomputed.iter().any(|sentence| sentence.contains("3 attributions were computed again (tree-path-dependent)")),
        "{recomputed:#?}"
    );
    let claimed = why(&verify(&good, None, None));
    assert!(claimed.iter().any(|sentence| sentence.ends_with("The model is not published.")), "{claimed:#?}");
    let mut forged = good;
    forged.attributions[0].value += 1.0;
    let mismatch = why(&verify(&forged, Some(&model), Some(hash)));
    assert_eq!(mismatch[1], "The attribution of fill_7d is not what the method gives for this model and these inputs.");
    assert!(mismatch.iter().any(|sentence| sentence.starts_with("What still holds: inputs, model, output, rule, value")), "{mismatch:#?}");
    assert_eq!(why(&Verification::missing()), ["No decision record was found for this proposal."]);
}

#[test]
fn a_model_of_several_outputs_needs_to_be_told_which() {
    let (mut record, mut model, hash) = recomputable();
    model.output_names = vec!["few".into(), "many".into()];
    let verification = verify(&record, Some(&model), Some(hash));
    assert_eq!((broken(&verification), verification.state), (vec![], VerificationState::Claimed));
    record.output.name = Some("few".into());
    model.output_names = vec!["few".into()];
    assert_eq!(verify(&record, Some(&model), Some(hash)).state, VerificationState::Recomputed);
}

#[test]
fn inputs_may_stand_in_any_order_but_must_be_the_models() {
    let (mut record, model, hash) = recomputable();
    record.inputs.reverse();
    assert_eq!(verify(&record, Some(&model), Some(hash)).state, VerificationState::Recomputed);
    record.inputs[0].name = "moon".into();
    assert_eq!(failed(&verify(&record, Some(&model), Some(hash))), ["inputs"]);
}

#[test]
fn an_unknown_input_is_given_to_the_model_as_missing() {
    let (mut record, model, hash) = recomputable();
    record.inputs[2].value = None;
    assert_eq!(verify(&record, Some(&model), Some(hash)).state, VerificationState::Recomputed);
}

#[test]
fn a_method_we_cannot_recompute_stays_a_claim() {
    let (mut record, model, hash) = recomputable();
    record.method = "kernel".into();
    let verification = verify(&record, Some(&model), Some(hash));
    assert_eq!(verification.state, VerificationState::Claimed);
    assert_eq!(state_of(&verification, LinkKind::Output), LinkState::Holds);
    assert_eq!(state_of(&verification, LinkKind::Attributions), LinkState::Unchecked);
}

#[test]
fn a_model_whose_hash_nobody_computed_proves_nothing() {
    let (record, model, _) = recomputable();
    let verification = verify(&record, Some(&model), None);
    assert_eq!(verification.state, VerificationState::Claimed);
    assert_eq!(verification.link(LinkKind::Model).unwrap().sentence, "The fingerprint of the model's file was not computed.");
}

#[test]
fn recommending_no_change_needs_a_rule_that_stays() {
    let mut staying = record();
    staying.changes.clear();
    assert!(failed(&verify(&staying, None, None)).contains(&"rule"));
    staying.rule.current = "25".parse().unwrap();
    assert_eq!(verify(&staying, None, None).state, VerificationState::Claimed);
}

#[test]
fn a_change_that_no_rule_gives_is_a_mismatch() {
    let mut more = record();
    more.changes.push(more.changes[0].clone());
    more.changes[1].key = "royalty".into();
    assert_eq!(failed(&verify(&more, None, None)), ["rule of royalty"]);
}

#[test]
fn an_unsigned_record_fails_the_signature_check() {
    let verification = verify(&record(), None, None).with_signature(&record(), 31337, Address::repeat_byte(5));
    assert_eq!(failed(&verification), ["signature"]);
    assert_eq!(verification.checks().next().unwrap().found, "no signature");
    let mut garbage = record();
    garbage.signature = Some(super::super::decision::RecordSignature {
        scheme: "eip712".into(),
        signer: record().agent_address().unwrap(),
        value: Bytes::from(vec![1; 65]),
    });
    let verification = verify(&garbage, None, None).with_signature(&garbage, 31337, Address::repeat_byte(5));
    assert_eq!(verification.state, VerificationState::Mismatch);
}

#[test]
fn states_are_ordered_worst_first() {
    use VerificationState::*;
    let all = [Mismatch, Missing, Claimed, Recomputed, RecomputedHere, Attested];
    assert!(all.is_sorted());
    assert_eq!(serde_json::to_string(&RecomputedHere).unwrap(), "\"recomputed_here\"");
    assert_eq!(RecomputedHere.label(), "recomputed here");
    assert!(all.iter().all(|state| state.explain().ends_with('.')));
    assert_eq!(Verification::missing().attested().state, Missing);
}

#[test]
fn a_contract_accounts_signature_is_left_to_its_chain() {
    let mut signed = record();
    let signer = record().agent_address().unwrap();
    signed.signature = Some(super::super::decision::RecordSignature { scheme: "eip1271".into(), signer, value: Bytes::from(vec![1; 200]) });
    let verify = || verify(&signed, None, None).with_digest(&signed, signed.digest());
    let unasked = verify().with_signature(&signed, 31337, Address::repeat_byte(5));
    assert_eq!((state_of(&unasked, LinkKind::Record), unasked.state), (LinkState::Unchecked, VerificationState::Claimed));
    let confirmed = unasked.with_contract_answer(&signed, true);
    assert_eq!((state_of(&confirmed, LinkKind::Record), confirmed.state), (LinkState::Holds, VerificationState::Claimed));
    let refused = verify().with_contract_answer(&signed, false);
    assert_eq!((state_of(&refused, LinkKind::Record), refused.state), (LinkState::Mismatch, VerificationState::Mismatch));
    // Another contract's word is not the agent's.
    let mut other = signed.clone();
    other.signature.as_mut().unwrap().signer = Address::repeat_byte(7);
    assert_eq!(verify().with_contract_answer(&other, true).state, VerificationState::Mismatch);
    assert_eq!(verify().with_signature(&other, 31337, Address::repeat_byte(5)).state, VerificationState::Mismatch);
}
