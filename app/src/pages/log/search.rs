//! Looking for entries: a plain form whose answer has an address of its own, and the conditions as chips to take away.

use governance::{log::EntryKind, parameter::label};
use leptos::prelude::*;

use crate::{
    components::{Glyph, Icon},
    log_filter::{LONGEST_TEXT, Unreadable, VERDICTS},
    views::{LogChoices, LogFilter},
};

/// A kind in the words of a reader.
fn kind_words(kind: &str) -> &'static str {
    match kind {
        "decision" => "Decisions",
        "review" => "Reviews",
        "proposal" => "Proposals",
        "tally" => "Vote results",
        "queueing" => "Timelock",
        "execution" => "Executions",
        "application" => "Engines",
        "outcome" => "Outcomes",
        "verdict" => "Verdicts",
        "correction" => "Corrections",
        "erasure" => "Erasures",
        _ => "Other",
    }
}

/// What one entry of a kind is, in the words that [`kind_words`] has for many.
pub fn one_of_kind(kind: &str) -> &'static str {
    match kind {
        "tally" => "Vote result",
        "queueing" => "Timelock",
        "application" => "Engine",
        _ => kind_words(kind).trim_end_matches('s'),
    }
}

/// A verdict in words.
pub fn verdict_words(verdict: &str) -> &'static str {
    match verdict {
        "holds" => "Holds",
        "doubtful" => "Doubtful",
        "fails" => "Does not hold",
        _ => "Unknown",
    }
}

/// What a condition says, for its chip.
fn chip_words(filter: &LogFilter, field: &str, choices: &LogChoices) -> String {
    let value = filter.get(field);
    match field {
        "kind" => kind_words(&value).to_owned(),
        "proposal" => match choices.proposals.iter().find(|proposal| proposal.proposal_id == value) {
            Some(proposal) => format!("Proposal {}: {}", proposal.number, proposal.title),
            None => format!("Proposal {}", shortened(&value)),
        },
        "agent" => choices.agents.iter().find(|(slug, _)| *slug == value).map_or_else(|| shortened(&value), |(_, name)| name.clone()),
        "parameter" => parameter_words(&value),
        "verdict" => format!("Verdict: {}", verdict_words(&value).to_lowercase()),
        "from" => format!("From {value}"),
        "until" => format!("Until {value}"),
        _ => format!("“{value}”"),
    }
}

fn parameter_words(parameter: &str) -> String {
    let (engine, key) = parameter.split_once('/').unwrap_or(("", parameter));
    format!("{}, {engine}", label(key))
}

fn shortened(text: &str) -> String {
    if text.chars().count() > 24 { text.chars().take(20).chain("…".chars()).collect() } else { text.to_owned() }
}

/// The conditions in force, each with a link to the same search without it.
#[component]
pub fn Chips(filter: LogFilter, choices: LogChoices) -> impl IntoView {
    if filter.is_empty() {
        return ().into_any();
    }
    let chips: Vec<_> = LogFilter::FIELDS
        .into_iter()
        .filter(|field| !filter.get(field).is_empty())
        .map(|field| {
            let words = chip_words(&filter, field, &choices);
            let href = filter.without(field).address("/log", "");
            view! {
                <li>
                    <a class="chip chip-gone" href=href data-condition=field>
                        <span>{words}</span>
                        <Icon glyph=Glyph::Cross/>
                        <span class="visually-hidden">", remove this condition"</span>
                    </a>
                </li>
            }
        })
        .collect();
    view! {
        <nav aria-label="Conditions">
            <ul class="chips" id="log-conditions">
                {chips}
                <li><a class="chip chip-all" href="/log">"Remove all"</a></li>
            </ul>
        </nav>
    }
    .into_any()
}

/// One `<option>` for each value and its words; `chosen` is selected, also where it is none of them.
fn options(chosen: &str, any: &'static str, known: Vec<(String, String)>) -> Vec<AnyView> {
    let unknown = (!chosen.is_empty() && known.iter().all(|(value, _)| value != chosen)).then(|| (chosen.to_owned(), shortened(chosen)));
    let all = [(String::new(), any.to_owned())].into_iter().chain(unknown).chain(known);
    all.map(|(value, words)| {
        let selected = value == chosen;
        view! { <option value=value selected=selected>{words}</option> }.into_any()
    })
    .collect()
}

/// The form. It is drawn anew only when the address changes, never by a live update, so that nothing typed is lost.
#[component]
pub fn SearchForm(filter: LogFilter, wrong: Vec<Unreadable>, choices: LogChoices) -> impl IntoView {
    let kinds = EntryKind::ALL.iter().map(|kind| (kind.name().to_owned(), kind_words(kind.name()).to_owned())).collect();
    let kinds = options(&filter.kind, "Every kind", kinds);
    let verdicts = VERDICTS.iter().map(|verdict| ((*verdict).to_owned(), verdict_words(verdict).to_owned())).collect();
    let verdicts = options(&filter.verdict, "Any or none", verdicts);
    let agents = options(&filter.agent, "Any or none", choices.agents);
    let parameters = choices.parameters.into_iter().map(|parameter| (parameter.clone(), parameter_words(&parameter))).collect();
    let parameters = options(&filter.parameter, "Any or none", parameters);
    let proposals = choices.proposals.into_iter();
    let proposals = proposals.map(|proposal| (proposal.proposal_id, format!("{}: {}", proposal.number, proposal.title))).collect();
    let proposals = options(&filter.proposal, "Any or none", proposals);
    let more = ["proposal", "agent", "parameter", "verdict", "from", "until"].iter().any(|field| !filter.get(field).is_empty());
    let wrong: Vec<_> = wrong.into_iter().map(|one| view! { <p>{one.detail}</p> }).collect();
    let wrong = (!wrong.is_empty()).then(|| view! { <div class="note note-bad" id="log-wrong">{wrong}</div> });
    // Days have a field of their own; a moment in seconds, which only programs write, stays what it is.
    let kind_of = |field: &str| if filter.get(field).contains('-') || filter.get(field).is_empty() { "date" } else { "text" };
    let (from_kind, until_kind) = (kind_of("from"), kind_of("until"));
    view! {
        <form method="get" action="/log" class="stack" role="search" aria-label="The log" id="log-search">
            {wrong}
            <div class="search">
                <div class="field">
                    <label for="log-text">"Words in an entry"</label>
                    <input id="log-text" name="text" type="search" value=filter.text.clone() maxlength=LONGEST_TEXT placeholder="an address, a hash, a word…"/>
                </div>
                <div class="field field-narrow">
                    <label for="log-kind">"Kind"</label>
                    <select id="log-kind" name="kind">{kinds}</select>
                </div>
                <button class="button" type="submit" id="log-find">"Find"</button>
            </div>
            <details class="fold" open=more id="log-more">
                <summary>"By proposal, agent, parameter, verdict or time"</summary>
                <div class="log-conditions">
                    <div class="field">
                        <label for="log-proposal">"Proposal"</label>
                        <select id="log-proposal" name="proposal">{proposals}</select>
                    </div>
                    <div class="field">
                        <label for="log-agent">"Agent"</label>
                        <select id="log-agent" name="agent">{agents}</select>
                    </div>
                    <div class="field">
                        <label for="log-parameter">"Parameter"</label>
                        <select id="log-parameter" name="parameter">{parameters}</select>
                    </div>
                    <div class="field">
                        <label for="log-verdict">"Auditor's verdict"</label>
                        <select id="log-verdict" name="verdict">{verdicts}</select>
                    </div>
                    <div class="field">
                        <label for="log-from">"From (UTC)"</label>
                        <input id="log-from" name="from" type=from_kind value=filter.get("from")/>
                    </div>
                    <div class="field">
                        <label for="log-until">"Until, that day included (UTC)"</label>
                        <input id="log-until" name="until" type=until_kind value=filter.get("until")/>
                    </div>
                </div>
            </details>
        </form>
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::views::ProposalRef;

    #[test]
    fn a_chip_says_what_is_meant_and_not_what_is_stored() {
        let choices = LogChoices {
            agents: vec![("cadence-steward".into(), "Cadence steward".into())],
            parameters: vec![],
            proposals: vec![ProposalRef { proposal_id: "77".into(), number: 4, title: "Winter storms".into() }],
        };
        let filter = LogFilter {
            proposal: "77".into(),
            agent: "cadence-steward".into(),
            verdict: "fails".into(),
            kind: "queueing".into(),
            ..Default::default()
        };
        let say = |field| chip_words(&filter, field, &choices);
        assert_eq!(
            [say("proposal"), say("agent"), say("verdict"), say("kind")],
            ["Proposal 4: Winter storms", "Cadence steward", "Verdict: does not hold", "Timelock"]
        );
        let unknown = LogFilter { proposal: "9".repeat(78), ..Default::default() };
        assert_eq!(chip_words(&unknown, "proposal", &choices).chars().count(), 30);
    }

    #[test]
    fn every_kind_has_words() {
        assert!(EntryKind::ALL.iter().all(|kind| kind_words(kind.name()) != "Other"));
        assert_eq!(["decision", "tally", "application", "nonsense"].map(one_of_kind), ["Decision", "Vote result", "Engine", "Other"]);
        assert!(VERDICTS.iter().all(|verdict| verdict_words(verdict) != "Unknown"));
    }
}
