//! What an author is working on: the fields of a draft as typed, and the draft they make.
//!
//! Rules stay in `governance`; this only keeps what was typed beside what is in force.

use std::collections::BTreeMap;

use governance::{
    onchain::{Address, B256, Bytes, Context, U256, hex, in_words},
    parameter::{Definition, Kind, Value, label},
    proposal::{Action, Call, Compiled, Draft, Known, ParameterInput},
    render::Look,
};
use leptos::prelude::*;
use serde::{Deserialize, Serialize};

use crate::views::{
    ActionView, Argument, ChangeLine, DecisionView, DraftView, EngineView, Gallery, GalleryPair, ParameterView, Party, Site,
};

/// Seeds of the pictures that show a change; any text is a seed.
const SAMPLE_SEEDS: [&str; 3] = ["1", "2", "3"];

/// What the editor opens with.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Start {
    pub site: Site,
    pub engines: Vec<EngineView>,
    /// The stored draft, when there is one.
    pub stored: Option<DraftView>,
    /// The decision it rests on, when there is one.
    pub decision: Option<DecisionView>,
}

/// One parameter of an engine: what it is, and what it shall be.
#[derive(Clone, Debug)]
pub struct Field {
    pub engine: String,
    pub view: ParameterView,
    /// Its value now, as `Value::from_text` reads it.
    pub current: String,
    pub chosen: RwSignal<bool>,
    pub typed: RwSignal<String>,
}

/// A contract call as typed.
#[derive(Clone, Copy, Debug)]
pub struct CallField {
    pub key: u64,
    pub target: RwSignal<String>,
    /// In ETH.
    pub value: RwSignal<String>,
    pub calldata: RwSignal<String>,
}

#[derive(Clone, Copy, Debug)]
pub struct Desk {
    pub site: StoredValue<Site>,
    pub engines: StoredValue<Vec<EngineView>>,
    pub title: RwSignal<String>,
    pub text: RwSignal<String>,
    pub fields: StoredValue<Vec<Field>>,
    pub calls: RwSignal<Vec<CallField>>,
    pub decision: RwSignal<Option<B256>>,
    next_key: StoredValue<u64>,
}

/// The current value in the form people type, whatever form the page shows.
fn current_text(view: &ParameterView) -> String {
    Value::from_json(&view.definition, &view.json).map_or_else(|_| view.value.clone(), |value| value.display(&view.definition))
}

impl Desk {
    pub fn open(start: &Start) -> Self {
        let draft = match (&start.stored, &start.decision) {
            (Some(stored), _) => stored.draft.clone(),
            (None, Some(decision)) => from_decision(decision),
            (None, None) => Draft::default(),
        };
        let mut wanted: BTreeMap<(&str, &str), &str> = BTreeMap::new();
        let mut calls = Vec::new();
        for action in &draft.actions {
            match action {
                Action::Change { engine, changes, .. } => {
                    wanted.extend(changes.iter().map(|change| ((engine.as_str(), change.key.as_str()), change.value.as_str())))
                }
                Action::Call(call) => calls.push(call.clone()),
            }
        }
        let fields = start
            .engines
            .iter()
            .flat_map(|engine| engine.parameters.iter().map(move |view| (engine, view)))
            .map(|(engine, view)| {
                let current = current_text(view);
                let typed = wanted.get(&(engine.id.as_str(), view.key.as_str()));
                Field {
                    engine: engine.id.clone(),
                    chosen: RwSignal::new(typed.is_some()),
                    typed: RwSignal::new(typed.map_or_else(|| current.clone(), |typed| (*typed).to_owned())),
                    view: view.clone(),
                    current,
                }
            })
            .collect();
        let desk = Self {
            site: StoredValue::new(start.site.clone()),
            engines: StoredValue::new(start.engines.clone()),
            title: RwSignal::new(draft.title),
            text: RwSignal::new(draft.text),
            fields: StoredValue::new(fields),
            calls: RwSignal::new(vec![]),
            decision: RwSignal::new(draft.decision_digest),
            next_key: StoredValue::new(0),
        };
        for call in calls {
            desk.add_call(&call.target.to_checksum(None), &ether(call.value), &call.calldata.to_string());
        }
        desk
    }

    pub fn add_call(self, target: &str, value: &str, calldata: &str) {
        let key = self.next_key.get_value();
        self.next_key.set_value(key + 1);
        let field = |text: &str| RwSignal::new(text.to_owned());
        let call = CallField { key, target: field(target), value: field(value), calldata: field(calldata) };
        self.calls.update(|calls| calls.push(call));
    }

    /// The draft as typed, and what of it could not be read. Tracks every field.
    pub fn draft(self) -> (Draft, Vec<String>) {
        let mut actions = Vec::new();
        let mut unread = Vec::new();
        self.fields.with_value(|fields| {
            self.engines.with_value(|engines| {
                for engine in engines {
                    let changes: Vec<ParameterInput> = fields
                        .iter()
                        .filter(|field| field.engine == engine.id && field.chosen.get())
                        .map(|field| ParameterInput { key: field.view.key.clone(), value: field.typed.get() })
                        .collect();
                    if changes.is_empty() {
                        continue;
                    }
                    match engine.ratified.hash.parse() {
                        Ok(based_on) => actions.push(Action::Change { engine: engine.id.clone(), based_on, changes }),
                        Err(_) => unread.push(format!("The parameter set of {} has no readable hash.", engine.name)),
                    }
                }
            });
        });
        for (index, call) in self.calls.get().into_iter().enumerate() {
            match call.read() {
                Ok(call) => actions.push(Action::Call(call)),
                Err(why) => unread.push(format!("Call {}: {why}", index + 1)),
            }
        }
        (Draft { title: self.title.get(), text: self.text.get(), actions, decision_digest: self.decision.get() }, unread)
    }

    /// What compiling needs to know.
    pub fn known(self) -> Known {
        self.site.with_value(|site| Known {
            governor: site.dao.governor.parse().unwrap_or_default(),
            registry: site.dao.registry.parse().unwrap_or_default(),
            now: site.chain_time,
            log: site.log,
            engines: self.engines.with_value(|engines| {
                engines
                    .iter()
                    .filter_map(|engine| {
                        let parameters = engine
                            .parameters
                            .iter()
                            .map(|view| (view.key.clone(), (view.definition.clone(), current_text(view), view.changed_at)))
                            .collect();
                        Some((engine.id.clone(), (engine.ratified.hash.parse().ok()?, parameters)))
                    })
                    .collect()
            }),
        })
    }

    /// The chosen changes as they are shown; only those that can be read and differ.
    pub fn changes(self) -> Vec<ChangeLine> {
        self.fields.with_value(|fields| {
            fields
                .iter()
                .filter(|field| field.chosen.get())
                .filter_map(|field| {
                    let value = Value::from_text(&field.view.definition, &field.typed.get()).ok()?;
                    let to = value.display(&field.view.definition);
                    (to != field.current).then(|| ChangeLine {
                        engine: field.engine.clone(),
                        key: field.view.key.clone(),
                        label: label(&field.view.key),
                        kind: field.view.kind.clone(),
                        unit: field.view.unit.clone(),
                        from: field.current.clone(),
                        to,
                        refusal: None,
                    })
                })
                .collect()
        })
    }

    /// Pictures of the same seeds with what is in force and with what is chosen; one gallery per engine that changes.
    pub fn galleries(self, changes: &[ChangeLine]) -> Vec<Gallery> {
        self.engines.with_value(|engines| {
            engines
                .iter()
                .filter_map(|engine| {
                    let changed: Vec<&ChangeLine> = changes.iter().filter(|change| change.engine == engine.id).collect();
                    if changed.is_empty() {
                        return None;
                    }
                    let query: Vec<String> =
                        changed.iter().map(|change| format!("{}={}", encoded(&change.key), encoded(&change.to))).collect();
                    let before: BTreeMap<String, serde_json::Value> =
                        engine.parameters.iter().map(|view| (view.key.clone(), view.json.clone())).collect();
                    let mut after = before.clone();
                    for change in &changed {
                        if let Some(view) = engine.parameters.iter().find(|view| view.key == change.key)
                            && let Ok(value) = Value::from_text(&view.definition, &change.to)
                        {
                            after.insert(view.key.clone(), value.to_json(&view.definition));
                        }
                    }
                    let same = matches!((Look::from_flags(&before), Look::from_flags(&after)), (Ok(before), Ok(after)) if before == after);
                    let pairs = SAMPLE_SEEDS
                        .iter()
                        .map(|seed| GalleryPair {
                            label: format!("Seed {seed}"),
                            before: format!("/render/{}/{seed}.svg", engine.id),
                            after: format!("/render/{}/{seed}.svg?{}", engine.id, query.join("&")),
                        })
                        .collect();
                    Some(Gallery { engine: engine.id.clone(), pairs, same })
                })
                .collect()
        })
    }

    /// The compiled calls, told in words.
    pub fn in_words(self, compiled: &Compiled) -> Vec<ActionView> {
        let context = self.context();
        compiled
            .calls
            .iter()
            .map(|call| {
                let told = in_words(&context, call.target, call.value, &call.calldata);
                let address = call.target.to_checksum(None);
                ActionView {
                    target: Party { name: context.names.get(&call.target).cloned(), address },
                    value: if call.value.is_zero() { String::new() } else { ether(call.value) },
                    function: told.function,
                    words: told.words,
                    arguments: told.arguments.into_iter().map(|(name, kind, value)| Argument { name, kind, value }).collect(),
                    calldata: call.calldata.to_string(),
                    known: told.known,
                }
            })
            .collect()
    }

    fn context(self) -> Context {
        let definitions = self.engines.with_value(|engines| {
            engines
                .iter()
                .flat_map(|engine| engine.parameters.iter().map(|view| ((engine.id.clone(), view.key.clone()), view.definition.clone())))
                .collect()
        });
        self.site.with_value(|site| {
            let read = |address: &str| address.parse::<Address>().unwrap_or_default();
            let dao = &site.dao;
            Context {
                names: dao.names.iter().filter_map(|party| Some((party.address.parse().ok()?, party.name.clone()?))).collect(),
                definitions,
                registry: read(&dao.registry),
                governor: read(&dao.governor),
                log_anchor: site.log.map(|log| log.contract).unwrap_or_default(),
                timelock: read(&dao.timelock),
                token: read(&dao.token),
                art: dao.art.as_deref().map(read).unwrap_or_default(),
                token_symbol: dao.token_symbol.clone(),
                ..Context::default()
            }
        })
    }
}

impl Field {
    /// Why the value typed here would not be accepted, naming the bound; `None` when it would. Tracks the field.
    pub fn refusal(&self, now: u64) -> Option<String> {
        let definition: &Definition = &self.view.definition;
        let typed = self.typed.get();
        if typed.trim().is_empty() && definition.kind != Kind::Text {
            return Some(format!("Give it a value {}.", self.view.bounds));
        }
        let new = match Value::from_text(definition, &typed) {
            Ok(new) => new,
            Err(error) => return Some(format!("{error}.")),
        };
        let checked = match Value::from_text(definition, &self.current) {
            // An interval that is over before the timelock runs is no obstacle.
            Ok(current) => definition.check(
                &new,
                &current,
                self.view.changed_at,
                now.max(self.view.changed_at.saturating_add(definition.min_interval)),
            ),
            Err(_) => definition.check_bounds(&new),
        };
        checked.err().map(|refusal| sentence(&refusal.to_string()))
    }
}

fn sentence(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).chain(['.']).collect())
}

impl CallField {
    /// The call, or what of it cannot be read. Tracks its fields.
    pub fn read(self) -> Result<Call, String> {
        let target = self.target.get();
        let target: Address =
            target.trim().parse().map_err(|_| format!("“{}” is not an address of 0x and 40 hex digits.", target.trim()))?;
        let value = wei(&self.value.get()).ok_or("the amount is not a number of ETH with at most 18 decimals.")?;
        let calldata = self.calldata.get();
        let calldata: Bytes = match calldata.trim() {
            "" => Bytes::new(),
            hex => hex::decode(hex).map_err(|_| "the calldata is not hex with an even number of digits.".to_owned())?.into(),
        };
        Ok(Call { target, value, calldata })
    }
}

/// A draft that does what a decision recommends.
fn from_decision(decision: &DecisionView) -> Draft {
    let record = &decision.record;
    let mut actions: Vec<Action> = Vec::new();
    for change in &record.changes {
        let input = ParameterInput { key: change.key.clone(), value: change.to.clone() };
        match actions.iter_mut().find_map(|action| match action {
            Action::Change { engine, changes, .. } if *engine == change.engine => Some(changes),
            _ => None,
        }) {
            Some(changes) => changes.push(input),
            None => actions.push(Action::Change { engine: change.engine.clone(), based_on: record.based_on, changes: vec![input] }),
        }
    }
    let title = match record.changes.as_slice() {
        [only] => format!("Set {} to {}", label(&only.key).to_lowercase(), only.to),
        _ => record.question.clone(),
    };
    Draft { title, text: decision.lines.join("\n\n"), actions, decision_digest: Some(record.digest()) }
}

/// Wei of an amount in ETH; empty is none.
fn wei(text: &str) -> Option<U256> {
    let text = text.trim();
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    let plain = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
    if !plain(whole) || !plain(fraction) || fraction.len() > 18 {
        return None;
    }
    format!("0{whole}{fraction:0<18}").parse().ok()
}

fn ether(wei: U256) -> String {
    let digits = format!("{:0>19}", wei.to_string());
    let (whole, fraction) = digits.split_at(digits.len() - 18);
    let fraction = fraction.trim_end_matches('0');
    if fraction.is_empty() { whole.to_owned() } else { format!("{whole}.{fraction}") }
}

/// A value as part of a query.
pub fn encoded(text: &str) -> String {
    text.bytes()
        .map(|byte| match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => char::from(byte).to_string(),
            other => format!("%{other:02X}"),
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_of_ether_are_exact() {
        assert_eq!(wei("").unwrap(), U256::ZERO);
        assert_eq!(wei("2.5").unwrap().to_string(), "2500000000000000000");
        assert_eq!(ether(wei("0.000000000000000001").unwrap()), "0.000000000000000001");
        assert_eq!(ether(wei("12").unwrap()), "12");
        assert_eq!(wei("1.0000000000000000001"), None);
        assert_eq!(wei("1e3"), None);
    }

    #[test]
    fn a_colour_survives_a_query() {
        assert_eq!(encoded("#12324A"), "%2312324A");
    }
}
