//! Whether a decision's explanation holds: what was checked, what was found, and the one word for it.
//!
//! Any check that fails makes the whole a mismatch. What could not be checked, because the model is not published or
//! the method is not one we can recompute, leaves the explanation a claim. Whether a record exists, whose browser is
//! computing and what auditors say is known to the caller, who raises or sets the state accordingly.

use super::decision::{DecisionError, DecisionRecord};
use super::model::Model;
use super::tree_shap::explain;
use alloy_primitives::{Address, B256, hex};
use serde::{Deserialize, Serialize};
use std::fmt;

/// How far two numbers that should be equal may lie apart, as a part of the larger of 1, the output and the baseline.
///
/// XGBoost computes in 32-bit floats and stays within a tenth of this; a recomputation in 64 bits needs far less.
pub const TOLERANCE: f64 = 1e-5;

/// The attribution method that can be recomputed here.
pub const METHOD: &str = "tree-path-dependent";

/// How far an explanation can be trusted, worst first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum VerificationState {
    Mismatch,
    Missing,
    Claimed,
    Recomputed,
    RecomputedHere,
    Attested,
}

impl VerificationState {
    /// The word on the badge.
    pub fn label(self) -> &'static str {
        match self {
            Self::Mismatch => "mismatch",
            Self::Missing => "missing",
            Self::Claimed => "claimed",
            Self::Recomputed => "recomputed",
            Self::RecomputedHere => "recomputed here",
            Self::Attested => "attested",
        }
    }

    /// What the word means, in a sentence.
    pub fn explain(self) -> &'static str {
        match self {
            Self::Mismatch => "At least one number is not what it should be.",
            Self::Missing => "No decision record was found for this proposal.",
            Self::Claimed => "The numbers agree with each other, but nobody could recompute them from the model.",
            Self::Recomputed => "The bridge recomputed every number from the published model and inputs.",
            Self::RecomputedHere => "Your browser recomputed every number from the published model and inputs.",
            Self::Attested => "An independent auditor recomputed it and published a verdict on chain.",
        }
    }
}

impl fmt::Display for VerificationState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.label())
    }
}

/// One comparison of what the record says with what was found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Check {
    pub name: String,
    pub expected: String,
    pub found: String,
    pub ok: bool,
}

/// All comparisons, and what they come to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Verification {
    pub state: VerificationState,
    pub checks: Vec<Check>,
}

impl Verification {
    /// What is known when there is no record at all.
    pub fn missing() -> Self {
        Self { state: VerificationState::Missing, checks: Vec::new() }
    }

    /// Says that the computation ran on the reader's own machine.
    pub fn here(mut self) -> Self {
        if self.state == VerificationState::Recomputed {
            self.state = VerificationState::RecomputedHere;
        }
        self
    }

    /// Says that an independent auditor confirmed the record on chain. A mismatch stays one.
    pub fn attested(mut self) -> Self {
        if self.state >= VerificationState::Claimed {
            self.state = VerificationState::Attested;
        }
        self
    }

    /// Adds the check that the record's agent signed it for this registry. [`verify`] cannot do so by itself: a
    /// signature is made for one registry on one chain, which the record does not name.
    pub fn with_signature(mut self, record: &DecisionRecord, chain_id: u64, registry: Address) -> Self {
        let agent = record.agent_address();
        let recovered = record.signer(chain_id, registry);
        let claimed = record.signature.as_ref().map(|signature| signature.signer);
        let ok = matches!(&recovered, Ok(signer) if Some(*signer) == agent && Some(*signer) == claimed);
        let found = match recovered {
            Ok(signer) if ok || Some(signer) != agent => signer.to_string(),
            Ok(signer) => format!("{signer}, where the record names {}", claimed.unwrap_or_default()),
            Err(DecisionError::Unsigned) => "no signature".into(),
            Err(error) => error.to_string(),
        };
        self.add("signature", agent.unwrap_or_default().to_string(), found, ok);
        self
    }

    fn add(&mut self, name: impl Into<String>, expected: impl Into<String>, found: impl Into<String>, ok: bool) {
        self.checks.push(Check { name: name.into(), expected: expected.into(), found: found.into(), ok });
        if !ok {
            self.state = VerificationState::Mismatch;
        }
    }

    fn compare(&mut self, name: impl Into<String>, expected: f64, found: f64, tolerance: f64) {
        let ok = (expected - found).abs() <= tolerance;
        self.add(name, expected.to_string(), found.to_string(), ok);
    }
}

/// Compares a record with itself and, where the model is published, with what the model says.
///
/// `model_sha256` is the hash of the model file as it was fetched. The signature is a check of its own:
/// [`Verification::with_signature`].
pub fn verify(record: &DecisionRecord, model: Option<&Model>, model_sha256: Option<B256>) -> Verification {
    let mut verification = Verification { state: VerificationState::Claimed, checks: Vec::new() };
    let tolerance = tolerance(record);

    let attributed: f64 = record.attributions.iter().map(|one| one.value).sum();
    verification.compare("additivity", record.output.value, record.baseline.value + attributed, tolerance);
    check_rule(&mut verification, record);

    if let Some(found) = model_sha256 {
        let found = hex::encode(found);
        let ok = found == record.model.sha256;
        verification.add("model hash", record.model.sha256.as_str(), found, ok);
    }
    if let Some(model) = model {
        if model_sha256.is_none() {
            verification.add("model hash", record.model.sha256.as_str(), "not computed", false);
        }
        check_model(&mut verification, record, model, tolerance);
        if verification.state == VerificationState::Claimed && record.method == METHOD {
            verification.state = VerificationState::Recomputed;
        }
    }
    verification
}

fn tolerance(record: &DecisionRecord) -> f64 {
    TOLERANCE * record.output.value.abs().max(record.baseline.value.abs()).max(1.0)
}

/// The change must be what the rule makes of the output, starting from the value the rule names.
fn check_rule(verification: &mut Verification, record: &DecisionRecord) {
    let recommended = record.rule.evaluate(record.output.value).value;
    let current = record.rule.current.to_string();
    match record.ruled_change() {
        Some(change) => {
            verification.add("rule", change.to.as_str(), recommended.as_str(), change.to == recommended);
            verification.add("current value", change.from.as_str(), current.as_str(), change.from == current);
        }
        // Recommending no change is right when the rule arrives where it started.
        None => {
            let ok = recommended == current;
            verification.add("rule", format!("{current}, unchanged"), recommended, ok);
        }
    }
    for change in record.changes.iter().filter(|change| change.key != record.rule.parameter) {
        verification.add(format!("rule of {}", change.key), change.to.as_str(), "no rule gives this change", false);
    }
}

fn check_model(verification: &mut Verification, record: &DecisionRecord, model: &Model, tolerance: f64) {
    let names = model.feature_names();
    let given: Vec<&str> = record.inputs.iter().map(|input| input.name.as_str()).collect();
    let same = names.len() == given.len() && names.iter().all(|name| given.contains(&name.as_str()));
    verification.add("inputs", names.join(", "), given.join(", "), same);
    if !same {
        return;
    }
    let row: Vec<f32> =
        names.iter().map(|name| record.input(name).and_then(|input| input.value).map_or(f32::NAN, |value| value as f32)).collect();

    verification.compare("output", record.output.value, model.predict(&row), tolerance);
    if record.method != METHOD {
        return;
    }
    let explained = explain(model, &row);
    verification.compare("baseline", record.baseline.value, explained.base_value, tolerance);
    for (name, found) in names.iter().zip(explained.values) {
        let check = format!("attribution of {name}");
        match record.attributions.iter().find(|one| one.name == *name) {
            Some(one) => verification.compare(check, one.value, found, tolerance),
            None => verification.add(check, "none", found.to_string(), false),
        }
    }
}

/// Whether a proposal and its decision name each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Binding {
    /// Two of the text, the calls and the record disagree.
    Mismatch,
    /// At least one of them does not name a decision, or the record is not there.
    Missing,
    /// Text, calls and record name the same decision.
    Verified,
}

impl Binding {
    pub fn label(self) -> &'static str {
        match self {
            Self::Mismatch => "mismatch",
            Self::Missing => "missing",
            Self::Verified => "verified",
        }
    }

    /// What the word means, in a sentence.
    pub fn explain(self) -> &'static str {
        match self {
            Self::Mismatch => "The proposal's text, its calls and the published record do not name the same decision.",
            Self::Missing => "The proposal does not name a published decision both in its text and in its calls.",
            Self::Verified => "The proposal's text, its calls and the published record name the same decision.",
        }
    }
}

/// Compares the digest in a proposal's text with those in its registry calls and with the record itself.
///
/// A call's zero digest means that it rests on no decision. A record that recommends no change needs no call.
pub fn binding(text_digest: Option<B256>, call_digests: &[B256], record: Option<&DecisionRecord>) -> Binding {
    let text_digest = text_digest.filter(|digest| !digest.is_zero());
    let record_digest = record.map(DecisionRecord::digest);
    let in_calls = call_digests.iter().copied().filter(|digest| !digest.is_zero());
    let named: Vec<B256> = text_digest.into_iter().chain(in_calls).collect();
    if let Some(first) = record_digest.or_else(|| named.first().copied())
        && named.iter().any(|digest| *digest != first)
    {
        return Binding::Mismatch;
    }
    let Some(record) = record else {
        return Binding::Missing;
    };
    let every_call_names_one = call_digests.iter().all(|digest| !digest.is_zero());
    let a_call_is_needed = !record.changes.is_empty();
    if text_digest.is_some() && every_call_names_one && (!call_digests.is_empty() || !a_call_is_needed) {
        Binding::Verified
    } else {
        Binding::Missing
    }
}

#[cfg(test)]
mod tests {
    use super::super::decision::tests::record;
    use super::super::model::tests::{model_file, read};
    use super::*;
    use alloy_primitives::Bytes;

    /// A model of the record's three inputs, the record brought in line with it, and the model's hash.
    fn recomputable() -> (DecisionRecord, Model, B256) {
        let tree =
            |feature, threshold| vec![(1, 2, feature, threshold, true, 10.0), (-1, -1, 0, 2.0, false, 6.0), (-1, -1, 0, 9.0, false, 4.0)];
        let mut file = model_file(3, &[tree(0, 0.9), tree(1, 40.0), tree(2, 0.1)]);
        file["learner"]["feature_names"] = serde_json::json!(["fill_7d", "new_collectors_7d", "price_eth"]);
        let bytes = serde_json::to_vec(&file).unwrap();
        let model = read(&file).unwrap();
        let hash = Model::sha256(&bytes);

        let mut record = record();
        record.model.sha256 = hex::encode(hash);
        // 0.5 + 9 + 9 + 2, against a mean of 0.5 + 3 × 4.8.
        let explained = explain(&model, &[0.97, 58.0, 0.04]);
        record.output.value = explained.output;
        record.baseline.value = explained.base_value;
        for (one, value) in record.attributions.iter_mut().zip(explained.values) {
            one.value = value;
        }
        record.changes[0].to = "18".into();
        record.changes[0].to = record.rule.evaluate(record.output.value).value;
        (record, model, hash)
    }

    fn failed(verification: &Verification) -> Vec<&str> {
        verification.checks.iter().filter(|check| !check.ok).map(|check| check.name.as_str()).collect()
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

    #[test]
    fn any_number_that_was_changed_is_found_and_named() {
        let (good, model, hash) = recomputable();
        type Forge = fn(&mut DecisionRecord);
        let forgeries: [(&str, Forge); 7] = [
            ("additivity", |record| record.attributions[0].value += 0.01),
            ("attribution of fill_7d", |record| {
                record.attributions[0].value += 1.0;
                record.attributions[1].value -= 1.0;
            }),
            ("attribution of price_eth", |record| {
                record.baseline.value += record.attributions[2].value;
                record.attributions.remove(2);
            }),
            ("baseline", |record| {
                record.baseline.value += 1.0;
                record.attributions[1].value -= 1.0;
            }),
            ("output", |record| record.inputs[0].value = Some(0.2)),
            ("rule", |record| record.changes[0].to = "19".into()),
            ("model hash", |record| record.model.sha256 = "00".repeat(32)),
        ];
        for (name, forge) in forgeries {
            let mut forged = good.clone();
            forge(&mut forged);
            let verification = verify(&forged, Some(&model), Some(hash));
            assert_eq!(verification.state, VerificationState::Mismatch);
            assert!(failed(&verification).contains(&name), "{name} is not among {:?}", failed(&verification));
            assert_eq!(verification.here().attested().state, VerificationState::Mismatch);
        }
    }

    #[test]
    fn inputs_may_stand_in_any_order_but_must_be_the_models() {
        let (mut record, model, hash) = recomputable();
        record.inputs.reverse();
        assert_eq!(verify(&record, Some(&model), Some(hash)).state, VerificationState::Recomputed);
        record.inputs[0].name = "moon".into();
        assert!(failed(&verify(&record, Some(&model), Some(hash))).contains(&"inputs"));
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
        assert_eq!(verify(&record, Some(&model), Some(hash)).state, VerificationState::Claimed);
    }

    #[test]
    fn a_model_whose_hash_nobody_computed_proves_nothing() {
        let (record, model, _) = recomputable();
        assert_eq!(verify(&record, Some(&model), None).state, VerificationState::Mismatch);
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
        assert_eq!(verification.checks.last().unwrap().found, "no signature");
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
    fn a_proposal_is_bound_when_text_calls_and_record_agree() {
        let record = record();
        let (digest, other) = (record.digest(), B256::repeat_byte(7));
        let some = Some(&record);
        assert_eq!(binding(Some(digest), &[digest], some), Binding::Verified);
        assert_eq!(binding(Some(digest), &[digest, digest], some), Binding::Verified);

        assert_eq!(binding(None, &[], some), Binding::Missing);
        assert_eq!(binding(None, &[digest], some), Binding::Missing);
        assert_eq!(binding(Some(digest), &[], some), Binding::Missing);
        assert_eq!(binding(Some(digest), &[B256::ZERO], some), Binding::Missing);
        assert_eq!(binding(Some(digest), &[digest, B256::ZERO], some), Binding::Missing);
        assert_eq!(binding(Some(digest), &[digest], None), Binding::Missing);
        assert_eq!(binding(None, &[], None), Binding::Missing);

        assert_eq!(binding(Some(digest), &[other], some), Binding::Mismatch);
        assert_eq!(binding(Some(other), &[other], some), Binding::Mismatch);
        assert_eq!(binding(Some(digest), &[digest, other], some), Binding::Mismatch);
        assert_eq!(binding(Some(digest), &[other], None), Binding::Mismatch);
        assert_eq!(binding(None, &[other], some), Binding::Mismatch);
    }

    #[test]
    fn a_record_that_changes_nothing_is_bound_by_the_text_alone() {
        let mut staying = record();
        staying.changes.clear();
        assert_eq!(binding(Some(staying.digest()), &[], Some(&staying)), Binding::Verified);
    }
}
