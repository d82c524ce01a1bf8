//! Publishing an auditor's verdict on a decision, from the reader's wallet.

use leptos::{prelude::*, task::spawn_local};

use super::{Sending, Wallet, calls, choose_wallet, outside};
use crate::{shell::LiveVersion, views::Site};

/// The longest address of a report that the bridge shows, in bytes; the contract takes 1,024, but a report nobody is shown
/// would be published in vain.
const LONGEST_REPORT: usize = 200;

/// What an auditor can say, with ERC-8004's number for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    Holds = 100,
    Doubtful = 50,
    Fails = 0,
}

impl Verdict {
    pub const ALL: [Self; 3] = [Self::Holds, Self::Doubtful, Self::Fails];

    pub fn name(self) -> &'static str {
        match self {
            Self::Holds => "holds",
            Self::Doubtful => "doubtful",
            Self::Fails => "fails",
        }
    }

    pub fn label(self) -> &'static str {
        match self {
            Self::Holds => "It holds",
            Self::Doubtful => "Doubtful",
            Self::Fails => "It does not hold",
        }
    }
}

/// A verdict being written. Live updates draw the page anew, so the page keeps it.
#[derive(Clone, Copy, Debug)]
pub struct VerdictDraft {
    verdict: RwSignal<Option<Verdict>>,
    report: RwSignal<String>,
    sending: RwSignal<Sending>,
}

impl VerdictDraft {
    pub fn new() -> Self {
        Self { verdict: RwSignal::new(None), report: RwSignal::new(String::new()), sending: RwSignal::new(Sending::Nothing) }
    }

    /// For another decision.
    pub fn forget(self) {
        self.verdict.set(None);
        self.report.set(String::new());
        self.sending.set(Sending::Nothing);
    }
}

impl Default for VerdictDraft {
    fn default() -> Self {
        Self::new()
    }
}

/// Why this cannot be the address of a report; `None` when it can be, or is left out.
fn wrong_with(report: &str) -> Option<String> {
    let report = report.trim();
    if report.is_empty() {
        return None;
    }
    if report.len() > LONGEST_REPORT {
        return Some(format!("The address has {} bytes; {LONGEST_REPORT} fit.", report.len()));
    }
    let known = ["https://", "http://", "ipfs://"].iter().any(|start| report.len() > start.len() && report.starts_with(start));
    let plain = report.chars().all(|letter| letter.is_ascii_graphic());
    (!known || !plain).then(|| "The address must begin with https://, http:// or ipfs:// and have no spaces.".into())
}

/// The form, where the DAO has a contract for verdicts.
#[component]
pub fn VerdictBox(digest: String, contract: String, draft: VerdictDraft, site: Site) -> impl IntoView {
    let wallet = Wallet::here();
    let version = use_context::<LiveVersion>();
    let awake = RwSignal::new(false);
    Effect::new(move |_| awake.set(true));
    let shown = (digest.clone(), contract.clone());
    let (digest, contract, site) = (StoredValue::new(digest), StoredValue::new(contract), StoredValue::new(site));
    let account = Memo::new(move |_| awake.get().then(|| wallet.connected.get()).flatten());
    let connected = Memo::new(move |_| account.with(Option::is_some));
    let right_chain = move || {
        account.with(|account| {
            account.as_ref().is_some_and(|account| site.try_with_value(|site| account.on_chain_of(&site.dao)).unwrap_or_default())
        })
    };
    let who = move || {
        account.with(|account| {
            let account = account.as_ref()?;
            site.try_with_value(|site| account.party(&site.dao).label())
        })
    };
    let wrong = move || wrong_with(&draft.report.get());
    let publish = move |_| {
        let Some(verdict) = draft.verdict.get_untracked() else {
            draft.sending.set(Sending::Failed("Choose what you found first.".into()));
            return;
        };
        let report = draft.report.get_untracked().trim().to_owned();
        if let Some(wrong) = wrong_with(&report) {
            draft.sending.set(Sending::Failed(wrong));
            return;
        }
        let (Some(digest), Some(contract)) = (digest.try_get_value(), contract.try_get_value()) else { return };
        let data = calls::publish_verdict(&digest, verdict as u8, &report);
        spawn_local(async move {
            if wallet.send(&contract, data, draft.sending).await {
                // The server follows the chain by itself; this only spares the wait where its note is late.
                outside::sleep(1_200).await;
                if let Some(version) = version {
                    version.0.update(|version| *version += 1);
                }
            }
        });
    };
    let choices: Vec<_> = Verdict::ALL
        .into_iter()
        .map(|verdict| {
            view! {
                <label>
                    <input
                        type="radio"
                        name="verdict"
                        value=verdict.name()
                        data-testid=format!("verdict-{}", verdict.name())
                        prop:checked=move || draft.verdict.get() == Some(verdict)
                        on:change=move |_| draft.verdict.set(Some(verdict))
                    />
                    {verdict.label()}
                </label>
            }
        })
        .collect();
    view! {
        <div class="panel stack" id="verdict-box" data-testid="verdict-box">
            <h3>"Publish a verdict"</h3>
            <p class="small">"Whoever has looked into a decision can say on chain what they found. Anyone may; only auditors whom the DAO lists make it "<i>"attested"</i>"."</p>
            <p class="small without-js">"Publishing needs JavaScript and a wallet."</p>
            <p class="needs-js" hidden=move || connected.get()>
                <button class="button button-quiet" type="button" id="verdict-connect" on:click=move |_| choose_wallet()>"Connect a wallet to publish"</button>
            </p>
            <p class="note note-now" hidden=move || !connected.get() || right_chain()>"Your wallet is on another chain than this DAO. Switch it in the wallet's menu above."</p>
            <div class="stack" hidden=move || !right_chain()>
                <fieldset class="fieldset">
                    <legend>"What did you find?"</legend>
                    <div class="segmented">{choices}</div>
                </fieldset>
                <div class="field">
                    <label for="verdict-report">"Address of your report (optional)"</label>
                    <input
                        id="verdict-report"
                        type="url"
                        inputmode="url"
                        autocomplete="off"
                        maxlength=LONGEST_REPORT
                        placeholder="https://…"
                        aria-describedby="verdict-report-hint"
                        aria-invalid=move || wrong().is_some().then_some("true")
                        value=draft.report.get_untracked()
                        on:input=move |event| draft.report.set(event_target_value(&event))
                    />
                    <p class=move || if wrong().is_some() { "field-error" } else { "field-hint" } id="verdict-report-hint">
                        {move || wrong().unwrap_or_else(|| "Your reasons, where anyone can read them.".into())}
                    </p>
                </div>
                <div class="note" data-testid="verdict-asks">
                    <p class="small">{move || format!(
                        "Your wallet will be asked to send one transaction from {}, of no value, which says:",
                        who().unwrap_or_else(|| "your account".into())
                    )}</p>
                    <dl class="facts">
                        <dt>"Function"</dt><dd><code>"validationResponse"</code></dd>
                        <dt>"Contract"</dt><dd><code class="hash">{shown.1}</code></dd>
                        <dt>"Decision"</dt><dd><code class="hash">{shown.0}</code></dd>
                        <dt>"Response"</dt>
                        <dd>{move || draft.verdict.get().map_or_else(|| "not chosen yet".to_owned(), |verdict| format!("{} of 100: {}", verdict as u8, verdict.label().to_lowercase()))}</dd>
                        <dt>"Report"</dt>
                        <dd>{move || { let report = draft.report.get(); if report.trim().is_empty() { "none".to_owned() } else { report.trim().to_owned() } }}</dd>
                    </dl>
                    <p class="small muted">"It stays on the chain in your name. A later verdict of yours replaces it; both remain readable."</p>
                </div>
                <p>
                    <button
                        class="button"
                        type="button"
                        id="publish-verdict"
                        disabled=move || draft.verdict.get().is_none() || wrong().is_some() || draft.sending.with(Sending::is_busy)
                        on:click=publish
                    >"Publish the verdict"</button>
                </p>
            </div>
            <p
                role="status"
                id="verdict-told"
                class=move || if matches!(draft.sending.get(), Sending::Failed(_)) { "field-error" } else { "small" }
            >
                {move || draft.sending.get().sentence("Your verdict is on the chain. It appears here and in the log in a moment.")}
            </p>
        </div>
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_report_has_an_address_that_a_reader_can_open() {
        for good in ["", "  ", "https://a.example/b?c=d", "ipfs://bafy", " https://a.example "] {
            assert_eq!(wrong_with(good), None, "{good}");
        }
        for bad in ["https://", "javascript:alert(1)", "a.example", "https://a b", &format!("https://{}", "x".repeat(193))] {
            assert!(wrong_with(bad).is_some(), "{bad}");
        }
    }

    #[test]
    fn verdicts_are_the_numbers_that_readers_turn_back_into_words() {
        assert_eq!(Verdict::ALL.map(|verdict| verdict as u8), [100, 50, 0]);
    }
}
