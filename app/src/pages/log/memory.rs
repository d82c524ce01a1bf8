//! What this browser saw of the log before, compared with what it is shown now. A log that was rewritten, or that shows
//! different readers different things, cannot get past somebody who remembers.

use governance::log::{Checkpoint, VerifierKey};
use leptos::{prelude::*, task::spawn_local};
use serde::{Deserialize, Serialize};

use super::growth::{self, Broken, Tiles};
use crate::{browser::outside, components::Section};

/// A checkpoint that was seen here.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Seen {
    /// The signed note.
    pub note: String,
    pub vkey: String,
    /// The reader's clock, unix seconds.
    pub at: u64,
}

/// Two checkpoints that cannot both be of one log that only grows: whoever has both can show it to anyone.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Evidence {
    pub earlier: Seen,
    pub later: Seen,
    /// What is wrong, as a sentence.
    pub why: String,
}

/// What the memory says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Told {
    /// Nothing was remembered.
    First {
        size: u64,
    },
    /// The log contains what was seen before.
    Grew {
        from: u64,
        to: u64,
    },
    Contradicts(Evidence),
    /// It could not be compared; why.
    Unknown(String),
}

/// Where it is kept. One log for each origin.
fn place(origin: &str) -> String {
    format!("wherefore.log.{origin}")
}

fn evidence_place(origin: &str) -> String {
    format!("wherefore.log-evidence.{origin}")
}

/// The keys of a log, one on each line: while a key is being replaced there are two.
fn keys(vkey: &str) -> Result<Vec<VerifierKey>, String> {
    vkey.lines().map(|line| line.trim().parse().map_err(|error| format!("its key cannot be read: {error}"))).collect()
}

/// Opens a checkpoint that one of the keys signed.
fn open_with(note: &str, keys: &[VerifierKey]) -> Result<Checkpoint, String> {
    let mut why = "it comes without a key".to_owned();
    for key in keys {
        match Checkpoint::open(note, key, key.name()) {
            Ok(checkpoint) => return Ok(checkpoint),
            Err(error) => why = error.to_string(),
        }
    }
    Err(why)
}

/// Opens what the log says of itself now.
fn open(seen: &Seen) -> Result<Checkpoint, String> {
    open_with(&seen.note, &keys(&seen.vkey)?)
}

/// Compares two checkpoints, both of which are signed; `tiles` are of the later.
fn compare(earlier: &Seen, later: &Seen, tiles: &Tiles) -> Result<Told, String> {
    let (before, now) = (open(earlier)?, open(later)?);
    let contradicts = |why: String| Ok(Told::Contradicts(Evidence { earlier: earlier.clone(), later: later.clone(), why }));
    match growth::grew(before.size, before.root, &now, tiles) {
        // While a key is being replaced both sign, and whoever comes by then has seen the new one vouched for.
        Ok(()) if open_with(&later.note, &keys(&earlier.vkey)?).is_err() => Err(format!(
            "The log contains what you saw before, but it is signed with another key than then. Its operators should have announced \
             that: compare /log/vkey with what they say, and with the key that the chain holds. The key was {}.",
            earlier.vkey.trim()
        )),
        Ok(()) => Ok(Told::Grew { from: before.size, to: now.size }),
        Err(broken @ (Broken::Shorter { .. } | Broken::Other { .. })) => contradicts(broken.sentence()),
    }
}

/// Whether a log contains what an earlier checkpoint of it says; tiles are fetched.
async fn ask(earlier: &Seen, later: &Seen) -> Result<Told, String> {
    let size = |seen: &Seen| open(seen).map(|checkpoint| checkpoint.size);
    let tiles = growth::fetch(growth::needed(size(earlier)?, size(later)?)).await?;
    compare(earlier, later, &tiles)
}

/// Reads the log's checkpoint, past every cache, and compares it with what was remembered and with the checkpoint that the
/// page was drawn with. What is consistent is remembered from then on; what is not never replaces what was.
async fn look(shown: Option<Seen>) -> Told {
    let read = async {
        let text = |answer: (u16, Vec<u8>)| match answer {
            (200, bytes) if bytes.len() <= 65_536 => String::from_utf8(bytes).map_err(|_| "The log's checkpoint is no text.".to_owned()),
            (status, _) => Err(format!("The log did not give out its checkpoint ({status}).")),
        };
        let vkey = text(outside::fetch_bytes("/log/vkey", true).await?)?.trim().to_owned();
        let note = text(outside::fetch_bytes("/log/checkpoint", true).await?)?;
        let now = Seen { note, vkey, at: outside::unix_seconds() };
        let checkpoint = open(&now).map_err(|why| format!("What the log says of itself does not hold: {why}."))?;
        Ok::<_, String>((now, checkpoint))
    };
    let (now, checkpoint) = match read.await {
        Ok(read) => read,
        Err(why) => return Told::Unknown(why),
    };
    let recalled = |place: &str| outside::recall(place);
    if let Some(evidence) = recalled(&evidence_place(&checkpoint.origin)).and_then(|kept| serde_json::from_str(&kept).ok()) {
        return Told::Contradicts(evidence);
    }
    let kept: Option<Seen> = recalled(&place(&checkpoint.origin)).and_then(|kept| serde_json::from_str(&kept).ok());
    // A memory that was damaged here says nothing about the log.
    let kept = kept.filter(|kept| open(kept).is_ok());
    let mut told = Told::First { size: checkpoint.size };
    for (earlier, mine) in [(shown, false), (kept, true)] {
        let Some(earlier) = earlier else { continue };
        match ask(&earlier, &now).await {
            Ok(Told::Contradicts(evidence)) => {
                if let Ok(text) = serde_json::to_string(&evidence) {
                    outside::remember(&evidence_place(&checkpoint.origin), Some(&text));
                }
                return Told::Contradicts(evidence);
            }
            Ok(found) if mine => told = found,
            Ok(_) => {}
            Err(why) => return Told::Unknown(why),
        }
    }
    if let Ok(text) = serde_json::to_string(&now) {
        outside::remember(&place(&checkpoint.origin), Some(&text));
    }
    told
}

/// What the memory says, kept by the page; `None` until it has compared.
pub type Remembered = RwSignal<Option<Told>>;

/// A word at the top of the page where the log contradicts itself, so that nobody reads on as if nothing were the matter.
#[component]
pub fn Alarmed(told: Remembered) -> impl IntoView {
    move || {
        told.with(|told| matches!(told, Some(Told::Contradicts(_)))).then(|| {
            view! {
                <div class="note note-bad" role="alert" id="log-alarm">
                    <p><b>"This log has been rewritten, or you are shown another one than before. "</b><a href="#memory" rel="external">"See both signed checkpoints"</a></p>
                </div>
            }
        })
    }
}

/// The memory as a section of a page. `shown` is the checkpoint that the page was drawn with, and its key, once known.
#[component]
pub fn Memory(#[prop(into)] shown: Signal<Option<(String, String)>>, told: Remembered) -> impl IntoView {
    let begun = StoredValue::new(false);
    Effect::new(move |_| {
        let Some((note, vkey)) = shown.get() else { return };
        if begun.get_value() {
            return;
        }
        begun.set_value(true);
        spawn_local(async move {
            let _gone = told.try_set(Some(look(Some(Seen { note, vkey, at: outside::unix_seconds() })).await));
        });
    });
    view! {
        <Section id="memory" title="What you saw before" note="Your browser remembers the log's last checkpoint, and holds the log to it.">
            <div data-testid="log-memory" class="stack">
                <p class="small muted without-js">"Comparing with what was seen before needs JavaScript."</p>
                <div role="status">
                    {move || match told.get() {
                        None => view! { <p class="small muted needs-js">"Comparing…"</p> }.into_any(),
                        Some(told) => view! { <Telling told/> }.into_any(),
                    }}
                </div>
            </div>
        </Section>
    }
}

#[component]
fn Telling(told: Told) -> impl IntoView {
    match told {
        Told::First { size } => view! {
            <p class="note" data-outcome="first">
                {format!("This is the first time that this browser sees this log. It remembers the checkpoint over {size} entries; from now on every visit is compared with the last.")}
            </p>
        }
        .into_any(),
        Told::Grew { from, to } => {
            let words = if from == to {
                format!("Nothing was added since this browser was here: the same root over the same {to} entries.")
            } else {
                format!("When this browser was last here the log had {from} entries. All of them are still there, unchanged and in the same places, below {} new. Proved here from the log's tiles.", to - from)
            };
            view! { <p class="note note-good" data-outcome="grew">{words}</p> }.into_any()
        }
        Told::Unknown(why) => {
            view! { <p class="note note-now" data-outcome="unknown">{format!("It could not be compared with what was seen before. {why}")}</p> }.into_any()
        }
        Told::Contradicts(evidence) => view! { <Alarm evidence/> }.into_any(),
    }
}

#[component]
fn Alarm(evidence: Evidence) -> impl IntoView {
    let origin = open(&evidence.earlier).map(|checkpoint| checkpoint.origin).unwrap_or_default();
    let file = |seen: &Seen| format!("data:text/plain;charset=utf-8,{}", percent(&format!("{}\n{}", seen.note, seen.vkey)));
    let (earlier, later) = (file(&evidence.earlier), file(&evidence.later));
    let notes = (evidence.earlier.note.clone(), evidence.later.note.clone());
    let forgotten = RwSignal::new(false);
    let forget = move |_| {
        outside::remember(&evidence_place(&origin), None);
        outside::remember(&place(&origin), None);
        forgotten.set(true);
    };
    view! {
        <div class="note note-bad" data-outcome="contradicts">
            <p><b>"This log has been rewritten, or you are shown another one than before."</b></p>
            <p>{evidence.why}</p>
            <p>"Both checkpoints below are signed by the log's key, and cannot both be of one log that only grows. Keep them: together they prove it to anyone. Do not rely on what this site says, and tell the DAO."</p>
            <p class="cluster">
                <a class="button button-small" href=earlier download="checkpoint-before.txt" rel="external">"Download what was seen before"</a>
                <a class="button button-small" href=later download="checkpoint-now.txt" rel="external">"Download what is shown now"</a>
            </p>
            <h3>"Seen before"</h3>
            <pre class="code" tabindex="0" data-testid="note-before">{notes.0}</pre>
            <h3>"Shown now"</h3>
            <pre class="code" tabindex="0" data-testid="note-now">{notes.1}</pre>
            <p>
                <button class="button button-danger button-small" type="button" on:click=forget disabled=move || forgotten.get()>"I have kept both: begin anew"</button>
                <span class="small" role="status">{move || if forgotten.get() { " Forgotten; the next visit is the first." } else { "" }}</span>
            </p>
        </div>
    }
}

/// For a data address.
fn percent(text: &str) -> String {
    let one = |byte: u8| if byte.is_ascii_alphanumeric() { char::from(byte).to_string() } else { format!("%{byte:02X}") };
    text.bytes().map(one).collect()
}

#[cfg(test)]
mod tests {
    use super::super::growth::tests::{checkpoint, tiles_of};
    use super::*;
    use governance::log::{Hash, SigningKey, leaf_hash};

    fn seen(leaves: &[Hash], seed: u8) -> Seen {
        let key = SigningKey::from_seed("log.example", &[seed; 32]).unwrap();
        Seen { note: checkpoint(leaves).sign(&key).unwrap().to_string(), vkey: key.verifier().to_string(), at: 5 }
    }

    fn leaves(last: u8) -> Vec<Hash> {
        [0, 1, 2, 3, last].iter().map(|leaf| leaf_hash(&[*leaf])).collect()
    }

    #[test]
    fn a_fork_is_kept_as_two_signed_notes() {
        let (mine, theirs) = (leaves(4), leaves(9));
        let tiles = tiles_of(&theirs, growth::needed(4, 5));
        assert_eq!(compare(&seen(&mine[..4], 7), &seen(&theirs, 7), &tiles), Ok(Told::Grew { from: 4, to: 5 }));
        let Ok(Told::Contradicts(evidence)) = compare(&seen(&mine, 7), &seen(&theirs, 7), &Tiles::new()) else { panic!("a fork") };
        assert_eq!((&evidence.earlier, &evidence.later), (&seen(&mine, 7), &seen(&theirs, 7)));
        assert!(evidence.why.contains("another root over the same 5 entries"), "{}", evidence.why);
    }

    #[test]
    fn a_shorter_log_contradicts_and_a_false_note_does_not() {
        let all = leaves(4);
        assert!(matches!(compare(&seen(&all, 7), &seen(&all[..4], 7), &Tiles::new()), Ok(Told::Contradicts(_))));
        // Whoever has no key of the log cannot accuse it.
        let unsigned = Seen { vkey: seen(&all, 8).vkey, ..seen(&all, 7) };
        assert!(compare(&unsigned, &seen(&all, 7), &Tiles::new()).is_err());
    }

    #[test]
    fn a_key_that_was_replaced_in_two_steps_alarms_nobody() {
        let all = leaves(4);
        let tiles = || tiles_of(&all, growth::needed(4, 5));
        let (old, new) = (seen(&all, 7), seen(&all, 8));
        // Halfway both keys sign and both are told, the new one first.
        let extra = new.note.lines().last().unwrap();
        let both = Seen { note: format!("{}{extra}\n", old.note), vkey: format!("{}\n{}\n", new.vkey, old.vkey), at: 6 };
        assert_eq!(compare(&seen(&all[..4], 7), &both, &tiles()), Ok(Told::Grew { from: 4, to: 5 }));
        assert_eq!(compare(&both, &new, &Tiles::new()), Ok(Told::Grew { from: 5, to: 5 }));
        // Without the step between, the reader is told to ask, and nothing is taken for a fork.
        let asked = compare(&seen(&all[..4], 7), &new, &tiles()).unwrap_err();
        assert!(asked.contains("signed with another key than then"), "{asked}");
    }

    #[test]
    fn a_note_survives_being_a_file() {
        assert_eq!(percent("a\n— b+/="), "a%0A%E2%80%94%20b%2B%2F%3D");
    }
}
