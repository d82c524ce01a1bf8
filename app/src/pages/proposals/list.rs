//! Every proposal, newest first, narrowed by state and words. The filters are links and a plain form.

use leptos::prelude::*;
use leptos_meta::Title;
use leptos_router::{components::Form, hooks::use_query_map};

use crate::{
    api,
    components::{Countdown, EmptyState, Loaded, Moment, PageHead, StateBadge, TallyBar},
    shell,
    views::ProposalSummary,
};

/// State as the governor names it, and the word on its chip.
const FILTERS: [(&str, &str); 9] = [
    ("", "All"),
    ("active", "Voting open"),
    ("pending", "Not open yet"),
    ("succeeded", "Passed"),
    ("queued", "Waiting in the timelock"),
    ("executed", "Carried out"),
    ("defeated", "Not passed"),
    ("canceled", "Withdrawn"),
    ("expired", "Lapsed"),
];

#[component]
pub fn ProposalsPage() -> impl IntoView {
    let query = use_query_map();
    let state = Memo::new(move |_| query.read().get("state").unwrap_or_default());
    let search = Memo::new(move |_| query.read().get("q").unwrap_or_default());
    let live = shell::live();
    let proposals = Resource::new(move || (state.get(), search.get(), live.get()), |(state, search, _)| api::proposals(state, search));
    let chips: Vec<_> = FILTERS
        .into_iter()
        .map(|(name, word)| {
            let href = move || address(name, &search.get());
            view! {
                <li><a class="chip" href=href aria-current=move || (state.get() == name).then_some("page")>{word}</a></li>
            }
        })
        .collect();
    view! {
        <Title text="Proposals"/>
        <PageHead kicker="What is and was decided" title="Proposals">
            <p class="lede">
                "Each is a set of calls that the collective may allow. If it passes, it waits in public before it is carried out."
            </p>
        </PageHead>
        <div class="stack stack-loose">
            <div class="stack">
                <Form method="GET" action="/proposals" attr:class="search" attr:role="search">
                    {move || (!state.get().is_empty()).then(|| view! { <input type="hidden" name="state" value=state.get()/> })}
                    <div class="field">
                        <label for="q">"Find by words, name or number"</label>
                        <input id="q" name="q" type="search" value=move || search.get() placeholder="swell, treasury, Ines…"/>
                    </div>
                    <button class="button button-quiet" type="submit">"Search"</button>
                </Form>
                <nav aria-label="By state"><ul class="chips">{chips}</ul></nav>
            </div>
            <Loaded from=proposals let:proposals>
                <ProposalList proposals/>
            </Loaded>
        </div>
    }
}

fn address(state: &str, search: &str) -> String {
    let words: String = search
        .bytes()
        .map(|byte| match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => char::from(byte).to_string(),
            other => format!("%{other:02X}"),
        })
        .collect();
    match (state.is_empty(), words.is_empty()) {
        (true, true) => "/proposals".into(),
        (false, true) => format!("/proposals?state={state}"),
        (true, false) => format!("/proposals?q={words}"),
        (false, false) => format!("/proposals?state={state}&q={words}"),
    }
}

#[component]
fn ProposalList(proposals: Vec<ProposalSummary>) -> impl IntoView {
    if proposals.is_empty() {
        return view! {
            <EmptyState title="No proposal matches.">
                <p><a href="/proposals">"Show all of them"</a></p>
            </EmptyState>
        }
        .into_any();
    }
    let rows: Vec<_> = proposals.into_iter().map(|proposal| view! { <Entry proposal/> }).collect();
    view! { <div>{rows}</div> }.into_any()
}

#[component]
fn Entry(proposal: ProposalSummary) -> impl IntoView {
    let href = proposal.href();
    let state = proposal.state.clone();
    let what = match (proposal.changes_parameters, proposal.calls_contracts) {
        (true, true) => "parameters and contracts",
        (true, false) => "parameters",
        _ => "contracts",
    };
    let when = match state.as_str() {
        "pending" => view! { <Countdown until=proposal.vote_start label="Voting opens in" past="Voting opens now"/> }.into_any(),
        "active" => view! { <Countdown until=proposal.vote_end label="Voting ends in" past="Voting has ended"/> }.into_any(),
        "queued" => {
            proposal.eta.map(|eta| view! { <Countdown until=eta label="Can be carried out in" past="Can be carried out now"/> }).into_any()
        }
        _ => view! { <span class="small muted">"Proposed "<Moment at=proposal.created_at brief=true/></span> }.into_any(),
    };
    view! {
        <article class="entry">
            <p class="entry-number">{proposal.number}</p>
            <div class="stack stack-tight">
                <h2><a href=href>{proposal.title}</a></h2>
                <p>{proposal.sentence}</p>
                <p class="meta">
                    <span>"by "{proposal.proposer.label()}</span>
                    {proposal.by_agent.map(|agent| view! { <span>"on the advice of "{agent}</span> })}
                    <span>"changes "{what}</span>
                </p>
            </div>
            <div class="stack stack-tight">
                <div class="spread"><StateBadge state=proposal.state/>{when}</div>
                {(state != "pending" && state != "canceled").then(|| view! { <TallyBar tally=proposal.tally state=state.clone()/> })}
            </div>
        </article>
    }
}

#[cfg(test)]
mod tests {
    use super::address;

    #[test]
    fn a_filter_keeps_the_words_that_were_searched() {
        assert_eq!(address("", ""), "/proposals");
        assert_eq!(address("active", "50 % tide&x"), "/proposals?state=active&q=50%20%25%20tide%26x");
    }
}
