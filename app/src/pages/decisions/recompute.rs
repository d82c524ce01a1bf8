//! Computing a decision again in the reader's browser: from the record's bytes and the model's, with nothing taken on trust.

use governance::{
    explanation::{Check, DecisionRecord, Model, Verification, VerificationState, verify},
    onchain::Address,
};
use leptos::{prelude::*, task::spawn_local};

use crate::{
    browser::outside,
    components::{Glyph, Icon, VerificationBadge},
    views::{DecisionView, Site},
};

/// What came of it.
#[derive(Clone, Debug, PartialEq)]
pub struct Recomputed {
    pub verification: Verification,
    /// Milliseconds of computing, without fetching.
    pub took: f64,
    pub model_bytes: Option<usize>,
    /// Largest distance between a number of the record and the one computed here.
    pub difference: f64,
}

/// Kept by the page, so that a live update does not take it away.
pub type Found = RwSignal<Option<Result<Recomputed, String>>>;

/// The state to show: a mismatch wins on either side, otherwise whichever saw more.
pub fn shown(server: VerificationState, here: Option<VerificationState>) -> VerificationState {
    match here {
        Some(VerificationState::Mismatch) => VerificationState::Mismatch,
        Some(here) if server != VerificationState::Mismatch => server.max(here),
        _ => server,
    }
}

#[component]
pub fn RecomputeHere(view: DecisionView, site: Site, found: Found) -> impl IntoView {
    let busy = RwSignal::new(false);
    let published = view.model_url.is_some();
    let view = StoredValue::new(view);
    let run = move |_| {
        let site = site.clone();
        let Some(view) = view.try_get_value() else { return };
        busy.set(true);
        spawn_local(async move {
            let outcome = recompute(&view, &site).await;
            found.set(Some(outcome));
            let _gone = busy.try_set(false);
        });
    };
    view! {
        <div class="panel stack" data-testid="recompute">
            <p>{if published {
                "Your browser can fetch the model, check its fingerprint, and compute the baseline, every contribution, the answer, the rule and the record's own fingerprint again."
            } else {
                "The model was not published. Your browser can still check that the numbers add up, that the rule gives the change, and that the record's fingerprint and signature hold."
            }}</p>
            <p class="needs-js">
                <button class="button" type="button" id="recompute" disabled=move || busy.get() on:click=run>
                    {move || if busy.get() { "Computing…" } else { "Recompute here" }}
                </button>
            </p>
            <div role="status" id="recompute-outcome">
                {move || found.get().map(|found| match found {
                    Err(why) => view! { <p class="note note-bad">{why}</p> }.into_any(),
                    Ok(found) => view! { <Outcome found/> }.into_any(),
                })}
            </div>
        </div>
    }
}

#[component]
fn Outcome(found: Recomputed) -> impl IntoView {
    let state = found.verification.state;
    let count = found.verification.checks.len();
    let failed = found.verification.checks.iter().filter(|check| !check.ok).count();
    let source = found
        .model_bytes
        .map_or_else(|| "without the model".to_owned(), |bytes| format!("from the model's {:.0} kB", (bytes as f64 / 1000.0).ceil()));
    let difference = if found.difference == 0.0 {
        "no difference at all".to_owned()
    } else {
        format!("the largest difference is {:.1e}", found.difference)
    };
    let line = if failed == 0 {
        format!("{count} checks hold, {source}, in {:.1} ms; {difference}.", found.took)
    } else {
        format!("{failed} of {count} checks do not hold, {source}, in {:.1} ms.", found.took)
    };
    view! {
        <div class=if failed == 0 { "note note-good" } else { "note note-bad" }>
            <p><VerificationBadge state plain=true/></p>
            <p>{line}</p>
        </div>
        <Checks checks=found.verification.checks/>
    }
}

/// Comparisons with what was expected and what was found.
#[component]
pub fn Checks(checks: Vec<Check>) -> impl IntoView {
    let rows = checks
        .into_iter()
        .map(|check| {
            view! {
                <li class=if check.ok { "check check-good" } else { "check check-bad" }>
                    <Icon glyph=if check.ok { Glyph::Check } else { Glyph::Cross }/>
                    <span>
                        <b>{check.name}</b>
                        <span class="visually-hidden">{if check.ok { " holds" } else { " does not hold" }}</span>
                        {if check.ok {
                            view! { " "<code class="hash">{check.found}</code> }.into_any()
                        } else {
                            view! { " should be "<code class="hash">{check.expected}</code>", is "<code class="hash">{check.found}</code> }.into_any()
                        }}
                    </span>
                </li>
            }
        })
        .collect_view();
    view! { <ul class="checks">{rows}</ul> }
}

async fn recompute(view: &DecisionView, site: &Site) -> Result<Recomputed, String> {
    let model = match &view.model_url {
        Some(url) => Some(outside::fetch_bytes(url).await?),
        None => None,
    };
    let registry = site.dao.registry.parse().map_err(|_| "The registry's address could not be read.")?;
    let begun = outside::milliseconds();
    let verification = compute(&view.raw, &view.summary.digest, model.as_deref(), site.dao.chain_id, registry)?;
    let took = outside::milliseconds() - begun;
    let difference = largest_difference(&verification);
    Ok(Recomputed { verification, took, model_bytes: model.map(|model| model.len()), difference })
}

fn compute(raw: &str, digest: &str, model: Option<&[u8]>, chain_id: u64, registry: Address) -> Result<Verification, String> {
    let record = DecisionRecord::parse(raw.as_bytes()).map_err(|error| format!("The record cannot be read: {error}."))?;
    let hash = model.map(Model::sha256);
    let model = model.map(Model::from_xgboost_json).transpose().map_err(|error| format!("The model cannot be read: {error}."))?;
    let mut verification = verify(&record, model.as_ref(), hash).with_signature(&record, chain_id, registry).here();
    let found = record.digest().to_string();
    let ok = found.eq_ignore_ascii_case(digest);
    verification.checks.insert(0, Check { name: "record digest".into(), expected: digest.to_owned(), found, ok });
    if !ok {
        verification.state = VerificationState::Mismatch;
    }
    Ok(verification)
}

fn largest_difference(verification: &Verification) -> f64 {
    verification
        .checks
        .iter()
        .filter(|check| matches!(check.name.as_str(), "additivity" | "output" | "baseline") || check.name.starts_with("attribution of "))
        .filter_map(|check| Some((check.expected.parse::<f64>().ok()? - check.found.parse::<f64>().ok()?).abs()))
        .fold(0.0, f64::max)
}

#[cfg(test)]
mod tests {
    use super::*;
    use VerificationState::{Attested, Claimed, Mismatch, Recomputed, RecomputedHere};

    #[test]
    fn a_mismatch_on_either_side_is_what_the_badge_says() {
        assert_eq!(shown(Recomputed, Some(Mismatch)), Mismatch);
        assert_eq!(shown(Mismatch, Some(RecomputedHere)), Mismatch);
        assert_eq!(shown(Recomputed, Some(RecomputedHere)), RecomputedHere);
        assert_eq!(shown(Attested, Some(RecomputedHere)), Attested);
        assert_eq!(shown(Claimed, None), Claimed);
    }

    #[test]
    fn what_is_no_record_is_refused_in_words() {
        assert!(compute("{}", "0x", None, 1, Address::ZERO).unwrap_err().starts_with("The record cannot be read"));
    }
}
