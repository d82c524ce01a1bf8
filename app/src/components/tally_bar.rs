//! How a vote stands: a bar, the same in words, and how far it is from quorum.

use leptos::prelude::*;

use crate::views::Tally;

/// `state` decides the tense; `large` is for a proposal's own page.
#[component]
pub fn TallyBar(tally: Tally, #[prop(optional, into)] state: String, #[prop(optional)] large: bool) -> impl IntoView {
    if state == "pending" {
        return view! { <p class="tally tally-note">"Voting has not opened yet."</p> }.into_any();
    }
    let sides = [
        ("tally-for", "For", tally.for_share, tally.for_votes.clone()),
        ("tally-against", "Against", tally.against_share, tally.against_votes.clone()),
        ("tally-abstain", "Abstain", tally.abstain_share, tally.abstain_votes.clone()),
    ];
    let mut from = 0.0;
    let bars: Vec<_> = sides
        .iter()
        .map(|(class, _, share, _)| {
            let start = from;
            from += share.clamp(0.0, 1.0) * 100.0;
            view! { <rect class=*class x=format!("{start:.2}") width=format!("{:.2}", from - start) y="0" height="10"/> }
        })
        .collect();
    let legend: Vec<_> = sides
        .iter()
        .map(|(class, word, share, votes)| {
            view! {
                <li>
                    <svg viewBox="0 0 10 10" aria-hidden="true"><rect class=*class width="10" height="10" rx="1.5"/></svg>
                    <span>{*word}" "<b class="num">{votes.clone()}</b>" "<span class="muted num">{percent(*share)}</span></span>
                </li>
            }
        })
        .collect();
    let quorum = tally.quorum_share.clamp(0.0, 1.0) * 100.0;
    let voters = format!("{} {}", tally.voters, if tally.voters == 1 { "voter" } else { "voters" });
    let note = if tally.quorum.is_empty() {
        voters
    } else if tally.quorum_share >= 1.0 {
        format!("{voters}. Enough took part: {} votes were needed.", tally.quorum)
    } else {
        format!("{voters}. {} of the {} votes needed have taken part.", percent(tally.quorum_share), tally.quorum)
    };
    view! {
        <div class=if large { "tally tally-large" } else { "tally" }>
            <svg class="tally-bar" viewBox="0 0 100 10" preserveAspectRatio="none" aria-hidden="true">
                <rect class="tally-track" width="100" height="10"/>
                {bars}
            </svg>
            <ul class="tally-legend">{legend}</ul>
            <svg class="tally-quorum-bar" viewBox="0 0 100 4" preserveAspectRatio="none" aria-hidden="true">
                <rect class="tally-track" width="100" height="4"/>
                <rect class="tally-quorum" width=format!("{quorum:.2}") height="4"/>
            </svg>
            <p class="tally-note">{note}</p>
        </div>
    }
    .into_any()
}

/// A share as a whole percentage; what is almost all or almost nothing is not rounded into it.
fn percent(share: f64) -> String {
    let rounded = (share * 100.0).round();
    match rounded {
        100.0 if share < 1.0 => "over 99 %".into(),
        0.0 if share > 0.0 => "under 1 %".into(),
        _ => format!("{rounded} %"),
    }
}

#[cfg(test)]
mod tests {
    use super::percent;

    #[test]
    fn a_share_is_not_rounded_into_unanimity() {
        assert_eq!(percent(0.999), "over 99 %");
        assert_eq!(percent(0.001), "under 1 %");
        assert_eq!(percent(1.0), "100 %");
        assert_eq!(percent(0.0), "0 %");
        assert_eq!(percent(0.626), "63 %");
    }
}
