//! Computing a decision again in the reader's browser, on a thread of its own: from the record's bytes and the model's,
//! with nothing taken on trust.

use governance::explanation::{Verification, VerificationState, what_if::WhatIfs};
use leptos::{prelude::*, task::spawn_local};
use serde_json::{Value as Json, json};

use crate::{
    browser::outside,
    components::VerificationBadge,
    plots::Chain,
    views::{DecisionView, Site},
};

/// What came of it.
#[derive(Clone, Debug, PartialEq)]
pub struct Recomputed {
    pub verification: Verification,
    /// Why its badge is what it is, line by line.
    pub why: Vec<String>,
    /// Milliseconds of reading the model and of computing, without fetching.
    pub took: f64,
    pub model_bytes: Option<u64>,
    /// Largest distance between a number of the record and the one computed here.
    pub difference: f64,
    /// Whether the what-ifs came out as the page says them; `None` without a model.
    pub what_ifs_agree: Option<bool>,
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

/// The chain from inputs to engine as the bridge found it, and again as this browser finds it.
#[component]
pub fn RecomputeHere(view: DecisionView, site: Site, found: Found) -> impl IntoView {
    let progress = RwSignal::new(None::<String>);
    let published = view.model_url.is_some();
    let links = StoredValue::new(view.verification.links.clone());
    let view = StoredValue::new(view);
    let run = move |_| {
        let site = site.clone();
        let Some(view) = view.try_get_value() else { return };
        progress.set(Some("Starting…".into()));
        spawn_local(async move {
            let outcome = recompute(&view, &site, move |stage| {
                let _gone = progress.try_set(Some(stage));
            })
            .await;
            found.set(Some(outcome));
            let _gone = progress.try_set(None);
        });
    };
    view! {
        <div data-testid="chain">
            {move || {
                let here = found.with(|found| found.as_ref().and_then(|found| found.as_ref().ok()).map(|found| found.verification.links.clone()));
                let links = here.unwrap_or_else(|| links.try_get_value().unwrap_or_default());
                view! { <Chain links/> }
            }}
        </div>
        <div class="panel stack" data-testid="recompute">
            <p>{if published {
                "Your browser can fetch record and model, check their fingerprints, and compute the baseline, every contribution, the answer, the rule and the what-ifs again."
            } else {
                "The model was not published. Your browser can still check that the numbers add up, that the rule gives the change, and that the record's fingerprint and signature hold."
            }}</p>
            <p class="needs-js">
                <button class="button" type="button" id="recompute" disabled=move || progress.with(Option::is_some) on:click=run>
                    {move || if progress.with(Option::is_some) { "Computing…" } else { "Recompute here" }}
                </button>
            </p>
            <div role="status" id="recompute-outcome">
                {move || progress.get().map(|stage| view! { <p class="small muted">{stage}</p> })}
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
    let count = found.verification.checks().count();
    let failed = found.verification.checks().filter(|check| !check.ok).count();
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
        let broken = found.verification.broken().map_or_else(String::new, |link| format!(" The first link that breaks: {}.", link.label()));
        format!("{failed} of {count} checks do not hold, {source}, in {:.1} ms.{broken}", found.took)
    };
    let what_ifs = found.what_ifs_agree.map(|agree| {
        if agree {
            "What-ifs and stability came out the same here, to the last digit."
        } else {
            "What-ifs or stability came out differently here than the page says."
        }
    });
    let good = failed == 0 && found.what_ifs_agree != Some(false);
    view! {
        <div class=if good { "note note-good" } else { "note note-bad" }>
            <p><VerificationBadge state plain=true/></p>
            <p>{line}</p>
            {what_ifs.map(|line| view! { <p>{line}</p> })}
        </div>
    }
}

/// Has the other thread fetch and read what the decision rests on; how many bytes the model has, and the milliseconds
/// reading took.
pub async fn open(view: &DecisionView, progress: impl Fn(String) + 'static) -> Result<(Option<u64>, f64), String> {
    let body = json!({
        "record": format!("/api/v1/decisions/{}/record", view.summary.digest),
        "model": view.model_url,
        "background": view.background_url,
    });
    let opened = outside::on_another_thread("open", body, move |step| progress(stage(&step))).await?;
    Ok((opened["modelBytes"].as_u64(), opened["readMs"].as_f64().unwrap_or_default()))
}

fn stage(step: &Json) -> String {
    let stage = step["stage"].as_str().unwrap_or("Computing");
    match (step["done"].as_f64(), step["of"].as_f64()) {
        (Some(done), Some(of)) if of > 0.0 => format!("{stage}: {:.0}%", (done / of * 100.0).min(100.0)),
        (Some(done), _) if done > 0.0 => format!("{stage}: {:.0} kB", done / 1000.0),
        _ => format!("{stage}…"),
    }
}

async fn recompute(view: &DecisionView, site: &Site, progress: impl Fn(String) + Clone + 'static) -> Result<Recomputed, String> {
    let (model_bytes, read) = open(view, progress.clone()).await?;
    let body = json!({
        "digest": view.summary.digest,
        "chainId": site.dao.chain_id,
        "registry": site.dao.registry,
        "carried": view.carried,
    });
    let answer = outside::on_another_thread("verify", body, move |step| progress(stage(&step))).await?;
    let unread = |error: serde_json::Error| format!("The answer could not be read: {error}.");
    let verification: Verification = serde_json::from_value(answer["verification"].clone()).map_err(unread)?;
    let what_ifs: Option<WhatIfs> = serde_json::from_value(answer["whatIfs"].clone()).map_err(unread)?;
    Ok(Recomputed {
        difference: verification.largest_difference(),
        why: serde_json::from_value(answer["why"].clone()).map_err(unread)?,
        took: read + answer["tookMs"].as_f64().unwrap_or_default(),
        model_bytes,
        what_ifs_agree: what_ifs.map(|found| found == view.what_ifs),
        verification,
    })
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
    fn progress_is_told_in_the_words_that_are_known() {
        assert_eq!(stage(&json!({"stage": "Fetching the model", "done": 500, "of": 1000})), "Fetching the model: 50%");
        assert_eq!(stage(&json!({"stage": "Fetching the model", "done": 65_000, "of": 0})), "Fetching the model: 65 kB");
        assert_eq!(stage(&json!({"stage": "Computing", "done": 0, "of": 0})), "Computing…");
    }
}
