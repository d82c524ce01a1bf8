//! What became of a recommendation, link by link.

use super::*;
use crate::explanation::decision::tests::record;

const RATIFIED: Revision = Revision { number: 4, hash: B256::repeat_byte(4) };

fn change(record: &DecisionRecord) -> CarriedChange {
    let change = &record.changes[0];
    CarriedChange {
        engine: change.engine.clone(),
        key: change.key.clone(),
        value: change.to.clone(),
        based_on: Some(record.based_on),
        digest: record.digest(),
    }
}

/// Proposed, executed, loaded and still in force.
fn carried_out() -> Carried {
    let change = change(&record());
    Carried {
        calls: vec![change.clone()],
        before: Some("18".into()),
        ended: None,
        executed: vec![CarriedChange { based_on: None, ..change }],
        ratified: Some(RATIFIED),
        superseded_by: None,
        stored: Some("25".into()),
        engine: Some(EngineReport { hash: RATIFIED.hash, revision: Some(4) }),
    }
}

fn states(carried: &Carried) -> [LinkState; 3] {
    carried_links(&record(), Some(carried)).map(|link| link.state)
}

#[test]
fn what_was_carried_out_as_recommended_holds() {
    let links = carried_links(&record(), Some(&carried_out()));
    assert!(links.iter().all(|link| link.state == LinkState::Holds), "{links:#?}");
    assert_eq!(links[2].sentence, "The engine reports the parameter set of revision 4, as ratified. The value is still in force.");
}

#[test]
fn what_has_not_happened_yet_is_pending_and_what_nobody_asked_is_unchecked() {
    use LinkState::*;
    assert_eq!(carried_links(&record(), None).map(|link| link.state), [Unchecked; 3]);
    assert_eq!(states(&Carried::default()), [Pending; 3]);
    let proposed = Carried { calls: vec![change(&record())], ..Carried::default() };
    assert_eq!(states(&proposed), [Holds, Pending, Pending]);
    let defeated = Carried { ended: Some("defeated".into()), ..proposed };
    assert_eq!(states(&defeated), [Holds, Unchecked, Unchecked]);
    let [_, executed, _] = carried_links(&record(), Some(&defeated));
    assert_eq!(executed.sentence, "The proposal was defeated, so nothing was executed.");
    assert_eq!(states(&Carried { engine: None, ..carried_out() }), [Holds, Holds, Pending]);
}

#[test]
fn one_altered_fact_breaks_one_link() {
    use LinkState::*;
    type Alter = fn(&mut Carried);
    let alterations: [(usize, Alter); 12] = [
        (0, |carried| carried.calls[0].value = "26".into()),
        (0, |carried| carried.calls[0].based_on = Some(B256::ZERO)),
        (0, |carried| carried.calls[0].based_on = None),
        (0, |carried| carried.calls[0].key = "mint.price".into()),
        (0, |carried| carried.calls[0].engine = "other".into()),
        (0, |carried| carried.calls.push(carried.calls[0].clone())),
        (1, |carried| carried.executed[0].digest = B256::ZERO),
        (1, |carried| carried.executed.push(CarriedChange { key: "mint.price".into(), ..carried.calls[0].clone() })),
        (2, |carried| carried.stored = Some("24".into())),
        (2, |carried| carried.engine = Some(EngineReport { hash: B256::repeat_byte(9), revision: None })),
        // A report cannot have the number of the ratified revision and another hash.
        (2, |carried| carried.engine = Some(EngineReport { hash: B256::repeat_byte(9), revision: Some(4) })),
        (1, |carried| carried.executed[0].value = "26".into()),
    ];
    for (at, alter) in alterations {
        let mut carried = carried_out();
        alter(&mut carried);
        // The stored value follows the event, and events follow the call, except where that is what was altered.
        if at == 0 {
            carried.executed = carried.calls.iter().take(1).cloned().collect();
            carried.stored = Some(carried.calls[0].value.clone());
        } else if at == 1 {
            carried.stored = Some(carried.executed[0].value.clone());
        }
        let found = states(&carried);
        assert_eq!(found[at], Mismatch, "{:#?}", carried_links(&record(), Some(&carried)));
        assert_eq!(found.iter().filter(|state| **state == Mismatch).count(), 1, "{:#?}", carried_links(&record(), Some(&carried)));
    }
}

#[test]
fn an_engine_may_be_behind_or_ahead_but_not_elsewhere() {
    use LinkState::*;
    let with =
        |number| Carried { engine: Some(EngineReport { hash: B256::repeat_byte(number as u8), revision: Some(number) }), ..carried_out() };
    assert_eq!(states(&with(3)), [Holds, Holds, Pending]);
    assert_eq!(states(&with(5)), [Holds, Holds, Holds]);
    let superseded = Carried { superseded_by: Some(5), stored: Some("22".into()), ..with(5) };
    let [_, _, engine] = carried_links(&record(), Some(&superseded));
    assert_eq!(engine.state, Holds);
    assert_eq!(
        engine.sentence,
        "The engine reports the parameter set of the later revision 5, as ratified. The value was superseded by revision 5."
    );
}

#[test]
fn recommending_nothing_leaves_nothing_to_carry_out() {
    let mut staying = record();
    staying.changes.clear();
    let links = carried_links(&staying, Some(&Carried::default()));
    assert!(links.iter().all(|link| link.state == LinkState::Holds), "{links:#?}");
    let called = Carried { calls: vec![change(&record())], ..Carried::default() };
    assert_eq!(carried_links(&staying, Some(&called))[0].state, LinkState::Mismatch);
}

#[test]
fn facts_survive_being_sent_to_the_browser() {
    let json = serde_json::to_string(&carried_out()).unwrap();
    assert_eq!(serde_json::from_str::<Carried>(&json).unwrap(), carried_out());
    assert_eq!(serde_json::from_str::<Carried>("{}").unwrap(), Carried::default());
}
