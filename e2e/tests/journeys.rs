//! What people do with the bridge, from beginning to end, in a real browser against the real thing.

use e2e::{
    World,
    chain::{DAY, HOUR, Member},
    outside, until,
};
use serde_json::{Value as Json, json};

const STORMS: &str = "Winter storms";
const CADENCE: &str = "before the holidays";

/// The storms wait in the timelock and would overtake whatever is drafted before them.
async fn let_the_storms_pass(world: &World) -> u64 {
    let storms = world.proposal_titled(STORMS).await;
    let before = world.tideline().await["ratified"]["revision"].as_u64().expect("a revision");
    world.chain.skip_past(storms["eta"].as_u64().expect("storms are queued")).await;
    world.becomes(storms["proposalId"].as_str().expect("an id"), "executed").await;
    world.in_step_after(before).await["ratified"]["revision"].as_u64().expect("a revision")
}

#[tokio::test]
async fn a_ratified_change_reaches_the_engine() {
    let world = World::start().await;
    let revision = let_the_storms_pass(&world).await;
    let (picture_before, log_before) = (world.picture("1").await, world.log_size().await);
    let page = world.open_browser().await;

    // Ines connects and drafts.
    page.visit("/").await;
    page.is_accessible().await;
    page.wallet().connect_as(world.chain.account(Member::Ines)).await;
    let standing = page.wallet().standing().await;
    assert!(standing.contains("vote with 14,000"), "{standing}");
    page.is_accessible().await;
    page.wallet().close().await;
    page.draft().begin().await;
    page.draft().choose("palette", "bloom").await;
    page.draft().change("swell", "1.5").await;
    let refusal = page.draft().refusal_of("swell").await;
    assert!(refusal.contains("1.000") || refusal.contains("1.0"), "the bound is named: {refusal}");
    page.draft().retype("swell", "0.4").await;
    page.draft().write("Bloom, and a calmer swell", "The storms are over.\n\n- **Bloom** for spring\n- less *swell*").await;

    // What it would do, and what will be signed.
    page.sees_in("#effect", "bloom").await;
    page.sees_in("#effect", "After").await;
    page.sees_in("[data-testid=before-signing]", "Proposal id").await;
    page.sees_in("[data-testid=before-signing]", "Operation in the timelock, OpenZeppelin 5 rule").await;
    let before_signing = page.reads("[data-testid=before-signing]").await;
    page.is_accessible().await;
    let id = page.draft().propose().await;
    assert!(before_signing.contains(&id), "the id was known beforehand: {before_signing}");

    // Its page, before voting opens.
    page.find("[data-testid=recheck-ids] [data-outcome=agrees]").await;
    page.sees_in("#what", "bloom").await;
    page.sees_in("#why", "less swell").await;
    page.sees_in("#pictures", "After").await;
    page.is_accessible().await;
    for _ in 0..7 {
        page.clock().skip_hour().await;
    }

    // Ines votes, then Teodor; it takes both to reach the quorum.
    page.proposal().becomes("Voting is open").await;
    page.proposal().vote_for("It has been grey for long enough.").await;
    page.sees_in("#votes", "It has been grey for long enough.").await;
    page.is_accessible().await;
    page.wallet().switch_to(world.chain.account(Member::Teodor)).await;
    page.wallet().close().await;
    page.proposal().vote_for("").await;
    page.keeps_picture("proposal").await;

    // From here on nobody does anything: the bridge queues and executes, the engine follows.
    for _ in 0..3 {
        page.clock().skip_day().await;
    }
    let queued = world.becomes(&id, "queued").await;
    page.find("[data-testid=recheck-ids] [data-outcome=agrees]").await;
    world.chain.skip_past(queued["eta"].as_u64().expect("a queued proposal has an eta")).await;
    world.becomes(&id, "executed").await;
    page.proposal().becomes("Executed").await;
    page.is_accessible().await;

    let engine = world.in_step_after(revision).await;
    assert_eq!(engine["ratified"]["revision"], revision + 1);
    assert_eq!(world.flag("palette").await, "bloom");
    assert_eq!(world.flag("swell").await, json!(0.4));
    assert_ne!(world.picture("1").await, picture_before, "the engine draws with the new parameters");
    assert!(world.log_size().await > log_before);
    println!("the engine ran the new parameters {} ms after their block", engine["deliveryMs"]);

    page.visit("/parameters/tideline").await;
    page.sees_in("#status", "In step.").await;
    page.sees_in("#palette", "bloom").await;
    page.sees_in("#revisions", &format!("Revision {}", revision + 1)).await;
    page.is_accessible().await;
    assert_eq!(page.asked_elsewhere().await, [""; 0]);
    page.is_without_trouble().await;
    page.close().await;
}
