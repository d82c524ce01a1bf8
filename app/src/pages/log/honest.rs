//! What keeps the log honest beside its own signature, as plain sentences: the chain, witnesses, the mirror.

use leptos::prelude::*;

use crate::{
    components::{Glyph, Icon, date_time},
    views::{AnchorView, Assurance, LogView, MirrorView, WitnessView},
};

/// How something stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stands {
    Well,
    /// It is on its way, as it should be.
    Waiting,
    /// It is there, and not as it should be.
    Badly,
    /// It is not there.
    Absent,
}

/// One thing that keeps the log honest, or would.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Keeper {
    pub what: &'static str,
    pub stands: Stands,
    pub sentence: String,
    /// What it protects from, or what its absence means.
    pub meaning: &'static str,
}

/// All of them, in the order in which a reader should know.
pub fn keepers(log: &LogView) -> Vec<Keeper> {
    let Assurance { anchors, witnesses, mirror, read_only } = &log.assurance;
    let mut all = Vec::new();
    all.push(match read_only {
        Some(why) => {
            Keeper { what: "Signature", stands: Stands::Badly, sentence: why.clone(), meaning: "Rather than sign two histories, it stops." }
        }
        None => Keeper {
            what: "Signature",
            stands: Stands::Well,
            sentence: format!("A checkpoint over all {} is signed by the log's key.", entries(log.size)),
            meaning: "Leaving an entry out, or changing one, would give another root under the same name.",
        },
    });
    all.push(anchored(anchors, log.size));
    all.extend(witnessed(witnesses, log.size));
    all.push(mirrored(mirror.as_ref(), log.size));
    all
}

fn anchored(anchors: &[AnchorView], size: u64) -> Keeper {
    // The farthest of those whose block is final; else of all.
    let best = |only_final: bool| anchors.iter().filter(|anchor| anchor.finalized || !only_final).max_by_key(|anchor| anchor.size);
    let Some(newest) = best(true).or_else(|| best(false)) else {
        return Keeper {
            what: "Chain",
            stands: Stands::Absent,
            sentence: "The chain holds no root of this log.".into(),
            meaning: "With an anchor, not even the key's holder could rewrite what is below it. Without one, only those who remember would notice.",
        };
    };
    let behind = match size.saturating_sub(newest.size) {
        0 => "nothing was added since".to_owned(),
        some => format!("{} were added since", entries(some)),
    };
    let not_final = if newest.finalized { "" } else { " The block is not final yet, so it could still leave the chain." };
    Keeper {
        what: "Chain",
        stands: if newest.finalized { Stands::Well } else { Stands::Waiting },
        sentence: format!("Block {} holds the root over the first {}; {behind}.{not_final}", newest.block, entries(newest.size)),
        meaning: "Not even the key's holder can rewrite what the chain holds.",
    }
}

fn witnessed(witnesses: &[WitnessView], size: u64) -> Vec<Keeper> {
    const MEANING: &str = "A witness signs only what grew from what it signed before, so that all readers are shown one log.";
    if witnesses.is_empty() {
        return vec![Keeper {
            what: "Witnesses",
            stands: Stands::Absent,
            sentence: "No witness is configured.".into(),
            meaning: "Without one, different readers could be shown different logs until the next anchor.",
        }];
    }
    let tell = |witness: &WitnessView| {
        let seen = match (witness.size, witness.at) {
            (Some(reached), at) => {
                let when = at.map_or_else(String::new, |at| format!(", {}", date_time(at)));
                let behind = match size.saturating_sub(reached) {
                    0 => String::new(),
                    behind => format!(", {behind} behind"),
                };
                format!("{} cosigned the checkpoint over {}{behind}{when}.", witness.name, entries(reached))
            }
            (None, _) => format!("{} has cosigned nothing yet.", witness.name),
        };
        let problem =
            witness.problem.as_ref().map_or_else(String::new, |problem| format!(" When it was last asked: {}", full_stop(problem)));
        let stands = if witness.problem.is_some() || witness.size.is_none() { Stands::Badly } else { Stands::Well };
        Keeper { what: "Witness", stands, sentence: format!("{seen}{problem}"), meaning: MEANING }
    };
    witnesses.iter().map(tell).collect()
}

fn mirrored(mirror: Option<&MirrorView>, size: u64) -> Keeper {
    let Some(mirror) = mirror else {
        return Keeper {
            what: "Mirror",
            stands: Stands::Absent,
            sentence: "No mirror is configured.".into(),
            meaning: "With one, the log could be rebuilt, byte for byte, where this machine and its backups are lost.",
        };
    };
    let behind = match size.saturating_sub(mirror.size) {
        0 => "all of them".to_owned(),
        some => format!("{some} are still to come"),
    };
    let problem = mirror.problem.as_ref().map_or_else(String::new, |problem| format!(" The last attempt failed: {}", full_stop(problem)));
    Keeper {
        what: "Mirror",
        stands: if mirror.problem.is_some() { Stands::Badly } else { Stands::Well },
        sentence: format!("{} are copied to {}; {behind}.{problem}", capital(&entries(mirror.size)), mirror.target),
        meaning: "The copies are the same bytes that verifiers read, and are never written over.",
    }
}

fn entries(count: u64) -> String {
    if count == 1 { "1 entry".into() } else { format!("{count} entries") }
}

fn full_stop(text: &str) -> String {
    format!("{}.", text.trim_end_matches('.'))
}

fn capital(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}

/// The keepers as a list.
#[component]
pub fn Honest(log: LogView) -> impl IntoView {
    let rows: Vec<_> = keepers(&log)
        .into_iter()
        .map(|keeper| {
            let (class, glyph, word) = match keeper.stands {
                Stands::Well => ("keeper keeper-well", Glyph::Check, "well"),
                Stands::Waiting => ("keeper keeper-waiting", Glyph::Dash, "on its way"),
                Stands::Badly => ("keeper keeper-badly", Glyph::Cross, "needs attention"),
                Stands::Absent => ("keeper keeper-absent", Glyph::Ring, "absent"),
            };
            view! {
                <li class=class>
                    <Icon glyph/>
                    <div class="stack stack-tight">
                        <h3>{keeper.what}<span class="visually-hidden">{format!(", {word}:")}</span></h3>
                        <p>{keeper.sentence}</p>
                        <p class="small muted">{keeper.meaning}</p>
                    </div>
                </li>
            }
        })
        .collect();
    view! { <ul class="keepers" data-testid="keepers">{rows}</ul> }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn log(assurance: Assurance) -> LogView {
        LogView {
            size: 12,
            root: String::new(),
            origin: String::new(),
            vkey: String::new(),
            checkpoint: String::new(),
            entries: vec![],
            older: None,
            found: 12,
            filter: Default::default(),
            searched_from: None,
            growth: vec![],
            assurance,
        }
    }

    fn anchor(size: u64, finalized: bool) -> AnchorView {
        AnchorView {
            chain: String::new(),
            contract: String::new(),
            account: Default::default(),
            origin: String::new(),
            size,
            root: String::new(),
            block: 100 + size,
            at: 0,
            transaction: String::new(),
            finalized,
        }
    }

    fn stands(assurance: Assurance) -> Vec<(Stands, String)> {
        keepers(&log(assurance)).into_iter().map(|keeper| (keeper.stands, keeper.sentence)).collect()
    }

    #[test]
    fn what_is_absent_is_said_and_not_hidden() {
        let told = stands(Assurance::default());
        assert_eq!(
            told.iter().map(|(stands, _)| *stands).collect::<Vec<_>>(),
            [Stands::Well, Stands::Absent, Stands::Absent, Stands::Absent]
        );
        assert_eq!(told[2].1, "No witness is configured.");
    }

    #[test]
    fn only_a_final_anchor_counts_while_there_is_one() {
        let told = |anchors: Vec<AnchorView>| stands(Assurance { anchors, ..Default::default() })[1].clone();
        let (state, sentence) = told(vec![anchor(12, false), anchor(9, true)]);
        assert_eq!(
            (state, sentence.as_str()),
            (Stands::Well, "Block 109 holds the root over the first 9 entries; 3 entries were added since.")
        );
        let (state, sentence) = told(vec![anchor(12, false)]);
        assert_eq!(state, Stands::Waiting);
        assert!(sentence.contains("The block is not final yet"), "{sentence}");
    }

    #[test]
    fn a_log_that_stopped_and_a_witness_that_failed_need_attention() {
        let witness = |size, problem: Option<&str>| WitnessView {
            name: "tide.example".into(),
            vkey: String::new(),
            size,
            at: None,
            problem: problem.map(str::to_owned),
        };
        let told = stands(Assurance {
            witnesses: vec![witness(Some(12), None), witness(Some(10), Some("it timed out")), witness(None, None)],
            mirror: Some(MirrorView { target: "s3://bucket".into(), size: 11, problem: None }),
            read_only: Some("the database is older than the mirror.".into()),
            ..Default::default()
        });
        let states: Vec<Stands> = told.iter().map(|(stands, _)| *stands).collect();
        assert_eq!(states, [Stands::Badly, Stands::Absent, Stands::Well, Stands::Badly, Stands::Badly, Stands::Well]);
        assert!(told[3].1.ends_with("2 behind. When it was last asked: it timed out."), "{}", told[3].1);
        assert_eq!(told[5].1, "11 entries are copied to s3://bucket; 1 are still to come.");
    }
}
