//! Computing a proposal's ids again in the reader's own browser, from the calls and the text on the page.

use governance::proposal::ProposalFile;
use leptos::prelude::*;
use serde_json::json;

use super::outside;
use crate::{
    components::{Glyph, Icon},
    views::Ids,
};

/// One id: what the page says and what was computed from the calls and the text.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Line {
    label: &'static str,
    said: String,
    computed: String,
}

impl Line {
    fn agrees(&self) -> bool {
        self.said.eq_ignore_ascii_case(&self.computed)
    }
}

#[component]
pub fn RecheckIds(ids: Ids, description: String) -> impl IntoView {
    let found = RwSignal::new(None::<(Result<Vec<Line>, String>, f64)>);
    let from = StoredValue::new((ids, description));
    let recompute = move |()| {
        let begun = outside::milliseconds();
        let lines = from.with_value(|(ids, description)| compute(ids, description));
        found.set(Some((lines, outside::milliseconds() - begun)));
    };
    Effect::new(move |_| recompute(()));
    view! {
        <div class="stack stack-tight" data-testid="recheck-ids">
            <p class="needs-js">
                <button class="button button-quiet button-small" type="button" on:click=move |_| recompute(())>"Compute again here"</button>
            </p>
            <div role="status">
                {move || found.get().map(|(found, took)| match found {
                    Err(why) => view! { <p class="note note-bad">{format!("These ids could not be computed here: {why}.")}</p> }.into_any(),
                    Ok(lines) => {
                        let all = lines.iter().all(Line::agrees);
                        let verdict = if all {
                            format!("Recomputed here from the calls and the text, in {took:.1} ms: all of them agree.")
                        } else {
                            "Recomputed here, and they do not agree. Do not rely on this page; compare with the chain.".to_owned()
                        };
                        view! {
                            <p class=if all { "note note-good" } else { "note note-bad" } data-outcome=if all { "agrees" } else { "mismatch" }>{verdict}</p>
                            <ul class="checks">{lines.into_iter().map(|line| view! { <Compared line/> }).collect_view()}</ul>
                        }
                        .into_any()
                    }
                })}
            </div>
        </div>
    }
}

#[component]
fn Compared(line: Line) -> impl IntoView {
    let agrees = line.agrees();
    view! {
        <li class=if agrees { "check check-good" } else { "check check-bad" }>
            <Icon glyph=if agrees { Glyph::Check } else { Glyph::Cross }/>
            <span>
                {format!("{} {}", line.label, if agrees { "agrees" } else { "does not agree; computed here:" })}
                {(!agrees).then(|| view! { " "<code class="hash">{line.computed.clone()}</code> })}
            </span>
        </li>
    }
}

fn compute(ids: &Ids, description: &str) -> Result<Vec<Line>, String> {
    let file = json!({ "governor": ids.governor, "targets": ids.targets, "values": ids.values, "calldatas": ids.calldatas, "description": description });
    let file: ProposalFile = serde_json::from_value(file).map_err(|error| error.to_string())?;
    let computed = file.ids().map_err(|error| error.to_string())?;
    let operations = [computed.operation_id.v4.to_string(), computed.operation_id.v5.to_string()];
    let mut lines = vec![
        Line { label: "Proposal id", said: ids.proposal_id.clone(), computed: computed.proposal_id },
        Line { label: "Description hash", said: ids.description_hash.clone(), computed: computed.description_hash.to_string() },
        Line { label: "Operation id (OpenZeppelin 4)", said: ids.operation_v4.clone(), computed: operations[0].clone() },
        Line { label: "Operation id (OpenZeppelin 5)", said: ids.operation_v5.clone(), computed: operations[1].clone() },
    ];
    if let Some(scheduled) = &ids.operation_on_chain {
        // The timelock uses one of the two rules; either is an answer.
        let computed = operations.iter().find(|operation| operation.eq_ignore_ascii_case(scheduled)).unwrap_or(&operations[1]).clone();
        lines.push(Line { label: "Operation that the timelock scheduled", said: scheduled.clone(), computed });
    }
    Ok(lines)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_changed_byte_of_the_text_is_noticed() {
        let ids = Ids {
            governor: "0x0101010101010101010101010101010101010101".into(),
            targets: vec!["0x0202020202020202020202020202020202020202".into()],
            values: vec!["0".into()],
            calldatas: vec!["0x".into()],
            ..Ids::default()
        };
        let first = compute(&ids, "# A").unwrap();
        let ids = Ids {
            proposal_id: first[0].computed.clone(),
            description_hash: first[1].computed.clone(),
            operation_v4: first[2].computed.clone(),
            operation_v5: first[3].computed.clone(),
            ..ids
        };
        assert!(compute(&ids, "# A").unwrap().iter().all(Line::agrees));
        assert!(compute(&ids, "# A\n").unwrap().iter().all(|line| !line.agrees()));
    }
}
