//! Records that are read, and those that are refused.

use super::*;
use serde_json::json;

pub(in crate::explanation) fn record_json() -> Value {
    json!({
        "schema": "/schemas/decision/v1",
        "agent": {
            "account": "eip155:31337:0x70997970c51812dc3a010c7d01b50e0d17dc79c8",
            "name": "Cadence steward", "erc8004Id": null
        },
        "question": "How many tokens a day should be offered next week?",
        "at": 1763300000, "block": {"chain": "eip155:31337", "number": 123},
        "basedOn": format!("0x{}", "ab".repeat(32)),
        "model": {
            "name": "tideline-demand", "version": "1.0.0", "format": "xgboost-json", "sha256": "cd".repeat(32),
            "dataWindow": "simulated", "metrics": [{"name": "mae", "value": 1.2, "unit": "tokens/day"}]
        },
        "inputs": [
            {"name": "fill_7d", "label": "Share of offered mints taken, last 7 days", "value": 0.97, "unit": "",
             "source": "eip155:31337:0x1", "at": "block 123"},
            {"name": "new_collectors_7d", "label": "New collectors, last 7 days", "value": 58, "unit": "",
             "source": "eip155:31337:0x1", "at": "block 123"},
            {"name": "price_eth", "label": "Mint price", "value": 0.04, "unit": "ETH",
             "source": "eip155:31337:0x1", "at": "block 123"}
        ],
        "method": "tree-path-dependent",
        "baseline": {"value": 22.1, "description": "the model's mean prediction, weighted by training cover"},
        "attributions": [
            {"name": "fill_7d", "value": 4.1}, {"name": "new_collectors_7d", "value": 2.0},
            {"name": "price_eth", "value": -0.8}
        ],
        "output": {"label": "Demand expected next week", "value": 27.4, "unit": "tokens/day"},
        "rule": {
            "parameter": "mint.cadence", "text": "Offer nine tokens for every ten we expect to be wanted.",
            "factor": 0.9, "offset": 0.0, "decimals": 0, "current": "18", "min": "1", "max": "60", "maxStep": "12"
        },
        "changes": [{"engine": "tideline", "key": "mint.cadence", "from": "18", "to": "25"}],
        "evidence": []
    })
}

pub(in crate::explanation) fn record() -> DecisionRecord {
    DecisionRecord::parse(&serde_json::to_vec(&record_json()).unwrap()).unwrap()
}

fn refusal(change: impl FnOnce(&mut Value)) -> String {
    let mut value = record_json();
    change(&mut value);
    DecisionRecord::parse(&serde_json::to_vec(&value).unwrap()).unwrap_err().to_string()
}

fn refused_text(from: &str, to: &str) -> String {
    let text = record_json().to_string();
    assert!(text.contains(from), "{from} is not in the record");
    DecisionRecord::parse(text.replacen(from, to, 1).as_bytes()).unwrap_err().to_string()
}

#[test]
fn the_digest_does_not_depend_on_order_space_or_signature() {
    let mut signed = record_json();
    signed["signature"] = json!({
        "scheme": "eip712", "signer": format!("0x{}", "11".repeat(20)), "value": format!("0x{}", "22".repeat(65))});
    let pretty = serde_json::to_string_pretty(&signed).unwrap();
    let again = DecisionRecord::parse(pretty.as_bytes()).unwrap();
    assert_eq!(again.digest(), record().digest());
}

#[test]
fn the_digest_is_of_the_published_document_itself() {
    let canonical = serde_json_canonicalizer::to_vec(&record_json()).unwrap();
    assert_eq!(record().digest(), B256::from_slice(&Sha256::digest(canonical)));
}

#[test]
fn every_change_to_a_record_changes_its_digest() {
    let mut other = record();
    other.inputs[0].value = Some(0.98);
    assert_ne!(other.digest(), record().digest());
}

#[test]
fn a_record_survives_being_written_and_read() {
    let bytes = serde_json::to_vec(&record()).unwrap();
    assert_eq!(DecisionRecord::parse(&bytes).unwrap(), record());
}

#[test]
fn an_input_may_be_unknown_but_not_left_out() {
    let mut value = record_json();
    value["inputs"][0]["value"] = Value::Null;
    assert_eq!(DecisionRecord::parse(&serde_json::to_vec(&value).unwrap()).unwrap().inputs[0].value, None);
    let reason = refusal(|value| {
        value["inputs"][0].as_object_mut().unwrap().remove("value");
    });
    assert_eq!(reason, "inputs[0]: missing field `value`");
}

#[test]
fn duplicate_keys_are_refused_wherever_they_stand() {
    assert!(refused_text(r#""number":123"#, r#""number":123,"number":124"#).starts_with("block.number: it stands there twice"));
    assert!(refused_text(r#""at":1763300000"#, r#""at":1763300000,"at":1763300000"#).starts_with("at: "));
}

#[test]
fn numbers_that_readers_could_take_differently_are_refused() {
    assert!(refused_text("1763300000", "9007199254740993").starts_with("at: 9007199254740993 is beyond 2^53"));
    assert!(refused_text(r#""value":58"#, r#""value":-9007199254740993"#).starts_with("inputs[1].value: "));
    assert!(refused_text(r#""value":58"#, r#""value":1e300"#).starts_with("inputs[1].value: "));
    assert!(refused_text(r#""value":58"#, r#""value":NaN"#).starts_with("inputs[1].value: "));
    assert!(refused_text(r#""value":58"#, r#""value":1e999"#).starts_with("inputs[1].value: "));
    assert!(refused_text("1763300000", "1763300000.5").starts_with("at: "));
}

#[test]
fn a_refusal_names_the_field() {
    for (expected, reason) in [
        ("inputs[1].value: ", refusal(|v| v["inputs"][1]["value"] = json!("58"))),
        ("inputs[2]", refusal(|v| v["inputs"][2]["colour"] = json!(1))),
        ("rule.current: ", refusal(|v| v["rule"]["current"] = json!("18.0"))),
        ("rule.current: ", refusal(|v| v["rule"]["current"] = json!("eighteen"))),
        ("rule.maxStep: ", refusal(|v| v["rule"]["maxStep"] = json!("-1"))),
        ("rule.min: ", refusal(|v| v["rule"]["min"] = json!("61"))),
        ("rule.decimals: ", refusal(|v| v["rule"]["decimals"] = json!(19))),
        ("schema: ", refusal(|v| v["schema"] = json!("/schemas/decision/v2"))),
        ("agent.account: ", refusal(|v| v["agent"]["account"] = json!("eip155:31337:0x12"))),
        ("agent.erc8004Id: ", refusal(|v| v["agent"]["erc8004Id"] = json!(7))),
        ("block.chain: ", refusal(|v| v["block"]["chain"] = json!("bip122:1"))),
        ("basedOn: ", refusal(|v| v["basedOn"] = json!("0x12"))),
        ("basedOn: ", refusal(|v| v["basedOn"] = json!(format!("0x{}", "AB".repeat(32))))),
        ("model.sha256: ", refusal(|v| v["model"]["sha256"] = json!("CD".repeat(32)))),
        ("question: ", refusal(|v| v["question"] = json!("one\nDecision digest: sha256:"))),
        ("agent.name: ", refusal(|v| v["agent"]["name"] = json!(""))),
        ("inputs[1].name: ", refusal(|v| v["inputs"][1]["name"] = json!("fill_7d"))),
        ("attributions[1].name: ", refusal(|v| v["attributions"][1]["name"] = json!("moon"))),
        ("changes[1].key: ", refusal(|v| v["changes"] = json!([v["changes"][0], v["changes"][0]]))),
        ("inputs: ", refusal(|v| v["inputs"] = json!([]))),
        ("inputs: ", refusal(|v| v["inputs"] = json!(vec![v["inputs"][0].clone(); MAX_INPUTS + 1]))),
    ] {
        assert!(reason.starts_with(expected), "{reason:?} does not name {expected:?}");
    }
}

#[test]
fn a_record_that_is_too_large_or_no_record_is_refused() {
    let large = vec![b' '; MAX_BYTES + 1];
    assert_eq!(DecisionRecord::parse(&large), Err(DecisionError::TooLarge { bytes: MAX_BYTES + 1 }));
    for bytes in [&b"[]"[..], b"null", b"", b"{", b"\xff", b"{} {}", "[".repeat(10_000).as_bytes()] {
        assert!(DecisionRecord::parse(bytes).is_err());
    }
}

#[test]
fn the_text_names_its_decision_on_a_line_of_its_own() {
    let digest = record().digest();
    let line = digest_line(digest);
    assert_eq!(find_digest_line(&format!("# Title\n\nWhy.\n\n{line}\n")), Some(digest));
    assert_eq!(find_digest_line(&format!("# Title\r\n{line}\r\nmore")), Some(digest));
    assert_eq!(find_digest_line(&format!("{line}\n{line}")), Some(digest));
    assert_eq!(find_digest_line(&format!("See {line}")), None);
    assert_eq!(find_digest_line(&format!("{line}0")), None);
    assert_eq!(find_digest_line(&line.to_uppercase()), None);
    assert_eq!(find_digest_line(&format!("{line}\n{}", digest_line(B256::ZERO))), None);
    assert_eq!(find_digest_line(""), None);
}

#[test]
fn a_record_without_a_usable_signature_has_no_signer() {
    let registry = Address::repeat_byte(5);
    assert_eq!(record().signer(31337, registry), Err(DecisionError::Unsigned));
    let mut forged = record();
    forged.signature = Some(RecordSignature { scheme: "eip712".into(), signer: Address::ZERO, value: Bytes::from(vec![0xff; 65]) });
    assert!(matches!(forged.signer(31337, registry), Err(DecisionError::Signature { .. })));
}

/// A record as it was before methods had details must keep its digest for ever.
#[test]
fn fields_that_came_later_leave_old_records_as_they_were() {
    let written = serde_json::to_value(record()).unwrap();
    assert_eq!(canonical_bytes(&written), canonical_bytes(&record_json()));
}

fn detailed() -> Value {
    let mut value = record_json();
    value["method"] = json!("permutation");
    value["methodDetails"] = json!({"samples": 256, "seed": 7, "arithmetic": "double", "evaluations": 4096});
    value["baseline"]["background"] =
        json!({"sha256": "ef".repeat(32), "rows": 200, "description": "every tenth week of the training data"});
    value["output"]["name"] = json!("demand");
    value["attributions"][0]["standardError"] = json!(0.02);
    value
}

#[test]
fn a_record_says_how_its_baseline_was_drawn_and_its_sampling_seeded() {
    let bytes = serde_json::to_vec(&detailed()).unwrap();
    let read = DecisionRecord::parse(&bytes).unwrap();
    assert_eq!(read.baseline.background.as_ref().unwrap().rows, 200);
    assert_eq!(read.method_details.as_ref().unwrap().seed, Some(7));
    assert_eq!(read.attributions[0].standard_error, Some(0.02));
    assert_eq!(read.digest(), B256::from_slice(&Sha256::digest(serde_json_canonicalizer::to_vec(&detailed()).unwrap())));
}

#[test]
fn what_was_added_is_read_as_strictly_as_the_rest() {
    type Change = fn(&mut Value);
    let changes: [(&str, Change); 8] = [
        ("methodDetails.samples", |v| v["methodDetails"]["samples"] = json!(0)),
        ("methodDetails", |v| v["methodDetails"]["sampels"] = json!(1)),
        ("methodDetails.seed", |v| v["methodDetails"]["seed"] = json!(-1)),
        ("baseline.background.sha256", |v| v["baseline"]["background"]["sha256"] = json!("EF".repeat(32))),
        ("baseline.background", |v| v["baseline"]["background"] = json!({"rows": 2})),
        ("output.name", |v| v["output"]["name"] = json!("")),
        ("attributions[0].standardError", |v| v["attributions"][0]["standardError"] = json!(-0.1)),
        // Null and absent would read the same under two digests.
        ("output", |v| v["output"]["name"] = Value::Null),
    ];
    for (field, change) in changes {
        let mut value = detailed();
        change(&mut value);
        let refusal = DecisionRecord::parse(&serde_json::to_vec(&value).unwrap()).unwrap_err().to_string();
        assert!(refusal.starts_with(&format!("{field}: ")), "{refusal:?} does not name {field}");
    }
}
