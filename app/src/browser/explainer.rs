//! What the second thread computes: the same rules the bridge runs, over bytes that it fetched itself. `explainer.js`
//! calls it.

use std::collections::BTreeMap;

use governance::explanation::{
    DecisionRecord, Model, Request, Rows, attribute,
    links::Carried,
    model::table,
    setting::output_of,
    summary::waterfall,
    verification::{Known, verify_with, why},
    what_if::what_ifs,
};
use serde_json::json;
use wasm_bindgen::prelude::*;

/// A decision with what it rests on, read once and asked many times.
#[wasm_bindgen]
#[derive(Debug)]
pub struct Explainer {
    record: DecisionRecord,
    model: Option<(Model, governance::onchain::B256)>,
    background: Option<(Rows, governance::onchain::B256)>,
}

fn failed(what: &str, error: impl std::fmt::Display) -> JsError {
    JsError::new(&format!("{what}: {error}."))
}

#[wasm_bindgen]
impl Explainer {
    /// Reads a record, and its model and background where they are published.
    #[wasm_bindgen(constructor)]
    pub fn new(record: &[u8], model: Option<Vec<u8>>, background: Option<Vec<u8>>) -> Result<Self, JsError> {
        console_error_panic_hook::set_once();
        let record = DecisionRecord::parse(record).map_err(|error| failed("The record cannot be read", error))?;
        let model = match model {
            None => None,
            Some(bytes) => {
                let hash = Model::sha256(&bytes);
                Some((Model::read(&bytes).map_err(|error| failed("The model cannot be read", error))?, hash))
            }
        };
        let background = match (background, &model) {
            (Some(bytes), Some((model, _))) => {
                let hash = Model::sha256(&bytes);
                let rows = table::read(&bytes, model.feature_names()).map_err(|error| failed("The background cannot be read", error))?.rows;
                Some((rows, hash))
            }
            _ => None,
        };
        Ok(Self { record, model, background })
    }

    /// Every link, the reasons for the badge, and the what-ifs, as JSON. `carried` is what the page knows of chain and
    /// engine.
    pub fn verify(&self, digest: &str, chain_id: f64, registry: &str, carried: &str) -> Result<String, JsError> {
        let digest = digest.parse().map_err(|error| failed("The digest cannot be read", error))?;
        let registry = registry.parse().map_err(|error| failed("The registry's address cannot be read", error))?;
        let carried: Option<Carried> = serde_json::from_str(carried).map_err(|error| failed("The chain's facts cannot be read", error))?;
        let known = Known {
            model: self.model.as_ref().map(|(model, _)| model),
            model_sha256: self.model.as_ref().map(|(_, hash)| *hash),
            background: self.background.as_ref().map(|(rows, _)| rows),
            background_sha256: self.background.as_ref().map(|(_, hash)| *hash),
            carried: carried.as_ref(),
        };
        let verification = verify_with(&self.record, &known)
            .with_digest(&self.record, digest)
            .with_signature(&self.record, chain_id as u64, registry)
            .here();
        let what_ifs = self.model.as_ref().map(|(model, _)| what_ifs(&self.record, model).unwrap_or_default());
        let answer = json!({ "why": why(&verification), "verification": verification, "whatIfs": what_ifs });
        Ok(answer.to_string())
    }

    /// What the model and the rule say to the given inputs (a JSON object of name and number, null where not known).
    pub fn what_if(&self, values: &str) -> Result<String, JsError> {
        let values: BTreeMap<String, Option<f64>> =
            serde_json::from_str(values).map_err(|error| failed("The inputs cannot be read", error))?;
        let (model, _) = self.model.as_ref().ok_or_else(|| JsError::new("The model was not published."))?;
        let mut record = self.record.clone();
        for input in &mut record.inputs {
            if let Some(value) = values.get(&input.name) {
                input.value = *value;
            }
        }
        let row: Vec<f64> =
            model.feature_names().iter().map(|name| record.input(name).and_then(|input| input.value).unwrap_or(f64::NAN)).collect();
        let request = Request { background: self.background.as_ref().map(|(rows, _)| rows), ..Request::default() };
        let found = attribute(model, &Rows::one(&row), &request).map_err(|error| failed("This cannot be computed", error))?;
        let output = output_of(&record, model).unwrap_or(0);
        let values = found.values(0, output);
        for one in &mut record.attributions {
            if let Some(place) = model.feature_names().iter().position(|name| *name == one.name) {
                one.value = values[place];
            }
        }
        record.baseline.value = found.base_values[output];
        record.output.value = found.predictions(0)[output];
        let recommended = record.rule.evaluate(record.output.value).value;
        let answer = json!({
            "output": record.output.value,
            "baseline": record.baseline.value,
            "recommended": recommended,
            "bars": waterfall(&record),
        });
        Ok(answer.to_string())
    }
}
