//! What people do with the bridge, from beginning to end, in a real browser against the real thing.

use std::time::Duration;

use e2e::{Browser, World, chain::Member, forger, outside};
use serde_json::json;

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
}

#[tokio::test]
async fn an_explanation_is_recomputed_in_the_readers_browser() {
    let world = World::start().await;
    let page = world.open_browser().await;
    page.visit("/decisions").await;
    page.is_accessible().await;
    let decisions = world.api("/api/v1/decisions").await;
    let digest = decisions["items"][0]["digest"].as_str().expect("a decision");

    page.visit(&format!("/decisions/{digest}")).await;
    page.sees_in("[data-testid=decision-state]", "Recomputed").await;
    for section in ["#contributions", "#links", "#otherwise", "#certainty"] {
        page.find(section).await;
    }
    page.decision().recompute_here().await;
    page.sees_in("[data-testid=decision-state]", "Recomputed here").await;
    let said = page.decision().tries("price_eth", "0.2").await;
    assert!(said.contains("the rule would make that"), "{said}");
    page.is_accessible().await;
    page.is_without_trouble().await;
}

/// Whatever is altered on the way to the reader, the reader's own browser says so, and where.
#[tokio::test]
async fn a_tampered_record_or_model_is_a_mismatch_at_its_link() {
    let world = World::start().await;
    let decision = world.api("/api/v1/decisions").await["items"][0].clone();
    let digest = decision["digest"].as_str().expect("a digest").to_owned();
    let record = world.api(&format!("/api/v1/decisions/{digest}/record")).await;
    let model = record["model"]["sha256"].as_str().expect("a model").to_owned();

    type Alter = fn(&mut serde_json::Value);
    let record_path = format!("/api/v1/decisions/{digest}/record");
    let forgeries: [(&str, String, Alter); 4] = [
        ("inputs", record_path.clone(), |record| record["inputs"][0]["value"] = json!(0.01)),
        ("attributions", record_path.clone(), |record| {
            let value = record["attributions"][0]["value"].as_f64().expect("a number");
            record["attributions"][0]["value"] = json!(value + 1.0);
        }),
        ("rule", record_path, |record| record["rule"]["factor"] = json!(0.25)),
        ("model", format!("/api/v1/models/{model}"), |model| {
            let leaf = model["learner"]["gradient_booster"]["model"]["trees"][0]["split_conditions"].as_array_mut();
            let leaf = leaf.and_then(|conditions| conditions.last_mut()).expect("a leaf");
            *leaf = json!(leaf.as_f64().expect("its value") + 1.0);
        }),
    ];
    for (link, path, alter) in forgeries {
        let forged = forger::before(&world, &path, move |bytes| {
            let mut value: serde_json::Value = serde_json::from_slice(&bytes).expect("it is JSON");
            alter(&mut value);
            serde_json::to_vec(&value).expect("it is JSON still")
        })
        .await;
        let page = Browser::open(&forged).await;
        page.visit(&format!("/decisions/{digest}")).await;
        page.sees_in("[data-testid=decision-state]", "Recomputed").await;
        page.decision().finds_broken(link).await;
        page.sees_in("[data-testid=decision-state]", "Mismatch").await;
        page.is_accessible().await;
    }
}

#[tokio::test]
async fn a_member_takes_up_what_an_agent_drafted() {
    let world = World::start().await;
    let draft = world.draft_nobody_took_up().await;
    let digest = draft["draft"]["decisionDigest"].as_str().expect("an agent's draft rests on a decision");
    let page = world.open_browser().await;
    page.visit(&format!("/decisions/{digest}")).await;
    page.click("#take-up").await;
    page.sees("Public draft of an agent").await;
    page.is_accessible().await;
    page.wallet().connect_as(world.chain.account(Member::Ines)).await;
    let id = page.draft().propose().await;

    page.sees_in("#why", "Cadence steward").await;
    let proposal = world.proposal(&id).await;
    assert_eq!(
        (&proposal["binding"], &proposal["decisionDigest"]),
        (&json!("verified"), &json!(digest)),
        "text, call and record name the same decision"
    );
    page.find("[data-testid=recheck-ids] [data-outcome=agrees]").await;
    page.is_without_trouble().await;
}

#[tokio::test]
async fn a_log_entry_is_checked_in_the_readers_browser() {
    let world = World::start().await;
    let page = world.open_browser().await;
    page.visit("/log").await;
    page.is_accessible().await;
    page.click("#log-entries tbody tr:first-child a").await;
    page.find("[data-testid=entry-check] [data-outcome=verified]").await;
    page.click("#check-entry").await;
    page.find("[data-testid=entry-check] [data-outcome=verified]").await;
    page.is_accessible().await;
    page.is_without_trouble().await;
}

#[tokio::test]
async fn an_auditor_searches_the_log_and_verifies_an_entry_here() {
    let world = World::start().await;
    let page = world.open_browser().await;
    page.visit("/log").await;
    page.log().is_remembered_as("first").await;
    page.sees_in("#honest", "No witness is configured.").await;

    // What was found has an address of its own, which says the same without any script.
    page.log().finds_kind("decision").await;
    page.sees_in("#log-count", "found, of").await;
    page.is_accessible().await;
    let decisions = world.api("/api/v1/log/entries?kind=decision").await;
    let count = decisions["items"].as_array().expect("a list").len();
    page.sees_in("#log-count", &format!("{count} entr")).await;
    let plain = world.text("/log?kind=decision").await;
    assert!(plain.contains("Remove all") && plain.contains("log-entries"), "a reader without JavaScript finds the same");
    page.log().finds_words("no such word anywhere").await;
    page.sees_in("#entries", "No entry matches.").await;
    page.is_accessible().await;
    page.log().removes("text").await;
    page.sees_in("#log-count", &format!("{count} entr")).await;

    // One of them: in the log, signed by its agent, about this record.
    page.log().opens_newest().await;
    page.find("[data-testid=entry-check] [data-outcome=verified]").await;
    page.sees_in("#entry-check-outcome", "whom it names as its actor").await;
    page.sees_in("#entry-check-outcome", "What was signed is this decision record").await;
    page.sees_in("#entry-check-outcome", "The body below has").await;
    page.sees_in("#body-text", "attributions").await;
    page.find("[data-testid=bundle] a[download]").await;
    page.log().is_remembered_as("grew").await;
    page.is_accessible().await;

    // And from it to whatever refers to it.
    page.click("#referred-by a").await;
    page.find("#refers-to a").await;
    page.is_without_trouble().await;
    assert_eq!(page.asked_elsewhere().await, [""; 0]);

    // On a phone, too.
    page.is_wide(390, 844).await;
    for path in ["/log?kind=decision&from=2026-01-01", "/log/0"] {
        page.visit(path).await;
        page.is_accessible().await;
        assert!(page.fits_its_width().await, "{path} is wider than a phone");
    }
}

/// Vera has recomputed it, and says so where nobody can take it back.
#[tokio::test]
async fn an_auditor_publishes_a_verdict_from_the_browser() {
    let world = World::start().await;
    let decisions = world.api("/api/v1/decisions").await;
    let judged = world.api("/api/v1/log/entries?kind=verdict").await;
    let is_judged = |digest: &str| judged["items"].as_array().expect("a list").iter().any(|item| item["facts"]["decision"] == digest);
    let digest = decisions["items"]
        .as_array()
        .expect("decisions")
        .iter()
        .filter_map(|decision| decision["digest"].as_str())
        .find(|digest| !is_judged(digest));
    let digest = digest.expect("a decision that nobody has judged").to_owned();
    let page = world.open_browser().await;
    page.visit(&format!("/decisions/{digest}")).await;
    page.sees_in("#verdicts", "No auditor has published a verdict.").await;
    page.sees_in("[data-testid=decision-state]", "Recomputed").await;
    page.wallet().connect_as(world.chain.account(Member::Vera)).await;
    page.wallet().close().await;

    let asked = page.decision().publishes_verdict("holds", "https://audit.example/cadence").await;
    assert!(asked.contains("Publish a verdict on a decision: it holds (100 of 100)"), "the wallet says what is signed: {asked}");
    let entry = page.decision().shows_verdict_of("Vera Lindqvist").await;
    page.sees_in("#verdicts-list", "Holds").await;
    page.sees_in("#verdicts-list", "listed by the DAO").await;
    page.find("#verdicts-list a[href='https://audit.example/cadence']").await;
    page.sees_in("[data-testid=decision-state]", "Attested").await;
    page.is_accessible().await;
    assert_eq!(world.api(&format!("/api/v1/decisions/{digest}")).await["verification"], "attested");

    // Whoever looks for verdicts finds it, and from there the decision.
    page.visit("/log").await;
    page.log().finds_kind("verdict").await;
    page.find(&format!("#log-entries a[href='/log/{entry}']")).await;
    page.sees_in("#log-entries", "Vera Lindqvist looked into a decision of").await;
    page.find(&format!("#log-entries a[href='/decisions/{digest}']")).await;
    page.click(&format!("#log-entries a[href='/log/{entry}']")).await;
    page.find("[data-testid=entry-check] [data-outcome=verified]").await;
    page.sees_in("#leaf-text", &digest).await;
    page.is_without_trouble().await;
}

/// The chain's word, read by the auditor's own wallet, and a file that convinces without the bridge.
#[tokio::test]
async fn an_auditor_reads_the_anchor_and_takes_a_bundle_away() {
    let world = World::start().await;
    let decision =
        world.api("/api/v1/log/entries?kind=decision").await["items"].as_array().expect("a list").last().expect("a decision").clone();
    let index = decision["index"].as_u64().expect("its place");
    let page = world.open_browser().await;
    page.visit(&format!("/log/{index}")).await;
    page.find("[data-testid=entry-check] [data-outcome=verified]").await;
    // The demo anchors every few seconds.
    page.sees_in("[data-testid=anchor]", "holds the root over the first").await;
    page.is_accessible().await;
    let by_node = page.log().reads_anchor_through_devnet().await;
    assert!(by_node.contains(&format!("Entry {index} is among them")), "{by_node}");
    page.wallet().connect_as(world.chain.account(Member::Vera)).await;
    page.wallet().close().await;
    let by_wallet = page.log().reads_anchor_through_wallet().await;
    assert!(by_wallet.contains("worked out here from its tiles") && by_wallet.contains("The chain holds root"), "{by_wallet}");
    page.is_accessible().await;

    let link = page.find("[data-testid=bundle] a[download]").await.attr("href").await.ok().flatten().expect("a link to the bundle");
    let bundle = world.text(&link).await;
    let (file, vkey) = (world.dir().join("bundle.json"), world.text("/log/vkey").await);
    std::fs::write(&file, &bundle).expect("the bundle is kept");
    let (code, said) = outside::verify_bundle(&file, &vkey).await;
    assert_eq!(code, Some(0), "{said}");

    // One byte of the record, and it says which part is wrong.
    let mut forged: serde_json::Value = serde_json::from_str(&bundle).expect("JSON");
    let record = forged["record"].as_str().expect("a record").to_owned();
    let title = record.find("\"value\":").expect("a value in the record") + "\"value\":".len();
    let mut bytes = record.into_bytes();
    let digit = bytes[title..].iter().position(u8::is_ascii_digit).expect("a digit") + title;
    bytes[digit] = if bytes[digit] == b'7' { b'8' } else { b'7' };
    forged["record"] = String::from_utf8(bytes).expect("text").into();
    std::fs::write(&file, forged.to_string()).expect("the forged bundle is kept");
    let (code, said) = outside::verify_bundle(&file, &vkey).await;
    assert_eq!(code, Some(1), "{said}");
    assert!(said.contains("WRONG") && said.contains("record"), "it names what is wrong: {said}");
    page.is_without_trouble().await;
    assert_eq!(page.asked_elsewhere().await, [""; 0]);
}

/// An operator with the log's key rewrites it. Whoever was there before notices, and has both signed notes.
#[tokio::test]
async fn a_log_that_was_rewritten_is_noticed_by_whoever_remembers_it() {
    use std::sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    };

    let world = World::start().await;
    let (key, lies) = (world.log_key(), Arc::new(AtomicBool::new(false)));
    let lying = lies.clone();
    let base = forger::before(&world, "/log/checkpoint", move |note| {
        if !lying.load(Ordering::SeqCst) {
            return note;
        }
        let text = String::from_utf8(note).expect("a note");
        let size: u64 = text.lines().nth(1).expect("a size").parse().expect("a number");
        let root = governance::log::leaf_hash(b"another history");
        let forged = governance::log::Checkpoint { origin: key.name().to_owned(), size, root };
        forged.sign(&key).expect("a signed note").to_string().into_bytes()
    })
    .await;
    let page = Browser::open(&base).await;
    page.visit("/log").await;
    page.log().is_remembered_as("first").await;
    page.visit("/log/0").await;
    page.log().is_remembered_as("grew").await;
    lies.store(true, Ordering::SeqCst);
    page.visit("/log").await;
    page.log().is_remembered_as("contradicts").await;
    page.sees_in("#log-alarm", "This log has been rewritten").await;
    let (before, now) = (page.reads("[data-testid=note-before]").await, page.reads("[data-testid=note-now]").await);
    assert!(before.contains("saltmarsh.example/log") && now.contains("saltmarsh.example/log") && before != now, "both notes are there");
    page.is_accessible().await;
    // Telling the truth again does not make it forget.
    lies.store(false, Ordering::SeqCst);
    page.visit("/log/0").await;
    page.log().is_remembered_as("contradicts").await;
}

#[tokio::test]
async fn every_page_reads_without_javascript() {
    let world = World::start().await;
    let cadence = world.proposal_titled(CADENCE).await;
    let proposal = format!("/proposals/{}", cadence["proposalId"].as_str().expect("an id"));
    let named = |list: &serde_json::Value, member: &str| list["items"][0][member].as_str().expect("one in the list").to_owned();
    let decision = format!("/decisions/{}", named(&world.api("/api/v1/decisions").await, "digest"));
    let draft = format!("/drafts/{}", named(&world.api("/api/v1/drafts").await, "id"));
    let pages: [(&str, &[&str]); 14] = [
        ("/", &["Saltmarsh Collective", "Being decided", "Winter storms", "What changed lately"]),
        ("/proposals", &["before the holidays", "Winter storms", "Bloom for midsummer"]),
        (&proposal, &["Exactly which calls", "setParameters", "Mint cadence", "Marlowe", "Check it yourself"]),
        ("/parameters", &["Tideline"]),
        ("/parameters/tideline", &["In step.", "mint.cadence", "season.closes", "Revision 1"]),
        ("/drafts", &["By agents", "Cadence steward"]),
        ("/drafts/new", &["New draft", "Change parameters", "needs JavaScript"]),
        (&draft, &["Public draft of an agent", "Mint cadence"]),
        ("/decisions", &["Cadence steward"]),
        (&decision, &["What moved the answer", "From answer to value", "What it knew"]),
        ("/agents", &["Cadence steward"]),
        ("/agents/cadence-steward", &["Cadence steward"]),
        ("/log", &["Checkpoint", "saltmarsh.example/log"]),
        ("/log/0", &["Exactly what was written", "The proof"]),
    ];
    for (path, essentials) in pages {
        let answer = world.fetch(path).await;
        assert!(answer.status().is_success(), "{path}: {}", answer.status());
        let policy = answer.headers()["content-security-policy"].to_str().expect("a readable policy").to_owned();
        let scripts = policy
            .split(';')
            .find(|directive| directive.trim().starts_with("script-src"))
            .unwrap_or_else(|| panic!("{path} has no policy for scripts: {policy}"));
        assert!(scripts.contains("'nonce-") && !scripts.contains("'unsafe-"), "{path}: {scripts}");
        let html = answer.text().await.expect("a whole page");
        assert_eq!(html.matches("<h1").count(), 1, "{path} has one heading above the others");
        for essential in essentials {
            assert!(html.contains(essential), "{path} does not say “{essential}”");
        }
    }
    let zero = format!("/decisions/0x{}", "0".repeat(64));
    for path in [
        "/proposals/1",
        "/proposals/none",
        &zero,
        "/agents/nobody",
        "/log/999999",
        "/log/none",
        "/parameters/nothing",
        "/drafts/none",
        "/no/such/page",
        "/api/v1/proposals/1",
        "/api/v1/nothing",
    ] {
        assert_eq!(world.fetch(path).await.status(), 404, "{path}");
    }
}

#[tokio::test]
async fn quick_steps_between_pages_break_nothing() {
    let world = World::start().await;
    let page = world.open_browser().await;
    page.visit("/").await;
    for round in 0..4 {
        // A leap of the clock makes every open page read its contents again.
        world.chain.skip(700 + round).await;
        for (link, title) in [
            ("/proposals", "Proposals"),
            ("/parameters", "Parameters"),
            ("/decisions", "Decisions"),
            ("/agents", "Agents"),
            ("/drafts", "Drafts"),
            ("/log", "Log"),
        ] {
            page.click(&format!("nav[aria-label=Main] a[href='{link}']")).await;
            page.is_titled(&format!("{title} · Wherefore")).await;
            tokio::time::sleep(Duration::from_millis(round * 120)).await;
        }
    }
    page.visit("/parameters").await;
    for _ in 0..3 {
        world.chain.skip(700).await;
        tokio::time::sleep(Duration::from_millis(400)).await;
    }
    page.sees("Tideline").await;
    page.is_without_trouble().await;
}

/// Browsers make six connections to one place, and keep pages that were left for coming back to.
#[tokio::test]
async fn a_page_that_was_left_keeps_no_connection() {
    let world = World::start().await;
    let page = world.open_browser().await;
    let begun = std::time::Instant::now();
    for path in ["/", "/proposals", "/parameters", "/decisions", "/agents", "/drafts", "/log", "/"] {
        page.visit(path).await;
    }
    assert!(begun.elapsed() < Duration::from_secs(20), "eight pages took {:?}", begun.elapsed());

    // Back on a kept page, it is read again, and live updates go on.
    for _ in 0..6 {
        page.goes_back().await;
    }
    page.is_titled("Proposals · Wherefore").await;
    world.chain.propose_words(Member::Ines, "# Told to a page that came back").await;
    page.sees("Told to a page that came back").await;
    page.is_without_trouble().await;
}

#[tokio::test]
async fn hostile_text_does_no_harm() {
    let world = World::start().await;
    let text = "# <script>alert('title')</script> Free plates\n\n<script>alert(1)</script>\n\n<img src=x onerror=alert(2)>\n\n[a link](javascript:alert(3)) and [another](data:text/html,<script>alert(4)</script>)\n\n![a picture](https://pictures.example/track.png)\n\n<iframe src=\"https://frames.example\"></iframe>\n\n<svg onload=alert(5)>\n\n</main></body><h1>Not the heading</h1>";
    let id = world.chain.propose_words(Member::Ines, text).await;
    world.becomes(&id, "pending").await;

    let page = world.open_browser().await;
    page.before_every_page("window.alert = () => { document.documentElement.dataset.harmed = 'true' }").await;
    for path in ["/", "/proposals", &format!("/proposals/{id}")] {
        page.visit(path).await;
        page.sees("<script>alert('title')</script> Free plates").await;
        for harm in [
            "[data-harmed]",
            "main script",
            "iframe",
            "main [onerror], main [onload]",
            "a[href^='javascript:'], a[href^='data:']",
            "main img[src^='http']",
        ] {
            assert!(!page.has(harm).await, "{path} has {harm}");
        }
    }
    page.sees_in("#why", "onerror=alert(2)").await;
    page.find("[data-testid=recheck-ids] [data-outcome=agrees]").await;
    assert_eq!(page.asked_elsewhere().await, [""; 0]);
    page.is_accessible().await;
    page.is_without_trouble().await;
}

#[tokio::test]
async fn sign_in_keeps_a_draft_private() {
    let world = World::start().await;
    let page = world.open_browser().await;
    page.visit("/drafts").await;
    page.wallet().connect_as(world.chain.account(Member::Wen)).await;
    page.wallet().sign_in().await;
    page.is_accessible().await;

    page.draft().begin().await;
    page.draft().change("moon.rarity", "12").await;
    page.draft().write("Rarer moons", "A moon should be an event.").await;
    page.draft().save().await;
    page.sees("Private draft").await;
    let path = page.path().await;
    page.reload().await;
    page.find("[data-testid=\"change-moon.rarity\"]:checked").await;
    page.sees_in("#effect", "12").await;
    page.visit("/drafts").await;
    page.sees_in("#mine", "Rarer moons").await;

    // Nobody else learns of it.
    assert_eq!(world.fetch(&path).await.status(), 404);
    assert!(!world.text("/api/v1/drafts").await.contains("Rarer moons"));
    assert!(!world.text("/drafts").await.contains("Rarer moons"));
    page.is_without_trouble().await;

    page.wallet().sign_out().await;
    page.sees_in("#mine", "Sign in to keep drafts here.").await;
    page.visit(&path).await;
    page.sees("There is nothing at this address").await;
}

/// A wallet as any may be installed, which is on another chain when the page finds it.
const FOREIGN_WALLET: &str = r#"(() => {
    let chain = "0x1";
    const listeners = [];
    const provider = {
        async request({ method, params }) {
            if (method === "eth_requestAccounts" || method === "eth_accounts") return ["0xf39fd6e51aad88f6f4ce6ab8827279cfffb92266"];
            if (method === "eth_chainId") return chain;
            if (method === "wallet_switchEthereumChain") throw Object.assign(new Error("Unrecognized chain"), { code: 4902 });
            if (method === "wallet_addEthereumChain") { chain = params[0].chainId; listeners.forEach((tell) => tell(chain)); return null; }
            throw Object.assign(new Error("Not here"), { code: 4200 });
        },
        on(event, listener) { if (event === "chainChanged") listeners.push(listener); },
    };
    const info = { uuid: "350670db-19fa-4704-a166-e52e178b59d2", name: "Foreign wallet", icon: "data:image/svg+xml,<svg xmlns='http://www.w3.org/2000/svg'/>", rdns: "example.foreign" };
    const announce = () => window.dispatchEvent(new CustomEvent("eip6963:announceProvider", { detail: Object.freeze({ info, provider }) }));
    window.addEventListener("eip6963:requestProvider", announce);
    announce();
})()"#;

#[tokio::test]
async fn another_chain_in_the_wallet_is_explained() {
    let world = World::start().await;
    let page = world.open_browser().await;
    page.before_every_page(FOREIGN_WALLET).await;
    page.visit("/").await;
    page.click("#connect-wallet").await;
    page.click("#wallet-dialog button[data-rdns='example.foreign']").await;
    page.wallet().open().await;
    page.sees_in(
        "#wrong-chain",
        "Your wallet is on chain 1, but Saltmarsh Collective lives on local devnet (chain 31337). Switch before you vote or propose.",
    )
    .await;
    page.is_accessible().await;
    page.click("#switch-chain").await;
    page.no_longer_shows("#wrong-chain").await;
    page.is_without_trouble().await;
}

#[tokio::test]
async fn time_skipped_from_outside_is_enough() {
    let world = World::start().await;
    let cadence = world.proposal_titled(CADENCE).await;
    let id = cadence["proposalId"].as_str().expect("an id");
    let (picture_before, log_before, flag_before) = (world.picture("1").await, world.log_size().await, world.flag("mint.cadence").await);
    world.chain.vote_for(id, &[Member::Ines, Member::Teodor]).await;

    let revision = let_the_storms_pass(&world).await;
    assert_ne!(world.picture("1").await, picture_before, "the storms are drawn");
    world.chain.skip_past(cadence["voteEnd"].as_u64().expect("an end")).await;
    let queued = world.becomes(id, "queued").await;
    world.chain.skip_past(queued["eta"].as_u64().expect("a queued proposal has an eta")).await;
    world.becomes(id, "executed").await;

    let engine = world.in_step_after(revision).await;
    assert_eq!(world.flag("mint.cadence").await, json!(14));
    assert_ne!(world.flag("mint.cadence").await, flag_before);
    assert!(world.log_size().await > log_before);
    println!("the engine ran the new parameters {} ms after their block", engine["deliveryMs"]);
}

/// Numbers that look random and are the same for the same seed.
struct Dice(u64);

impl Dice {
    fn below(&mut self, most: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % most
    }
}

/// Ends processes at moments that differ from seed to seed; `WHEREFORE_SEED` repeats a run.
async fn strike(world: &World, dice: &mut Dice, victims: &[&str]) {
    for victim in victims {
        tokio::time::sleep(Duration::from_millis(dice.below(700))).await;
        println!("{victim} is killed: {}", world.kill(victim));
    }
}

#[tokio::test]
async fn killed_processes_come_back_and_nothing_happens_twice() {
    let seed = std::env::var("WHEREFORE_SEED").ok().and_then(|seed| seed.parse().ok()).unwrap_or(7);
    println!("seed {seed}");
    let mut dice = Dice(seed);
    let world = World::start().await;
    let (storms, cadence) = (world.proposal_titled(STORMS).await, world.proposal_titled(CADENCE).await);
    let [storms_id, id] = [&storms, &cadence].map(|proposal| proposal["proposalId"].as_str().expect("an id"));
    world.chain.vote_for(id, &[Member::Ines, Member::Teodor]).await;

    // While the storms are executed.
    world.chain.skip_past(storms["eta"].as_u64().expect("an eta")).await;
    strike(&world, &mut dice, &["serve", "engine"]).await;
    world.becomes(storms_id, "executed").await;
    // While the vote ends and the proposal is queued.
    world.chain.skip_past(cadence["voteEnd"].as_u64().expect("an end")).await;
    strike(&world, &mut dice, &["serve"]).await;
    let queued = world.becomes(id, "queued").await;
    // The chain's own process, and with it everybody's connection.
    let node = world.node();
    strike(&world, &mut dice, &["devnet"]).await;
    world.node_after(node).await;
    world.chain.skip_past(queued["eta"].as_u64().expect("an eta")).await;
    strike(&world, &mut dice, &["engine", "serve", "agent"]).await;
    world.becomes(id, "executed").await;

    world.in_step().await;
    assert_eq!(world.flag("mint.cadence").await, json!(14));

    // The node itself, once it has written its state down, which it does every five seconds.
    tokio::time::sleep(Duration::from_secs(7)).await;
    let node = world.node();
    assert!(world.kill_node(), "there is a node to kill");
    world.node_after(node).await;

    world.in_step().await;
    assert_eq!(world.chain.executions(storms_id).await, 1);
    assert_eq!(world.chain.executions(id).await, 1);
    println!("{}", outside::verify_log(&world.base).await);
}

#[tokio::test]
async fn published_clients_read_every_parameter_type() {
    let world = World::start().await;
    for client in ["ofrep-web.mjs", "ofrep-server.mjs", "flagd.mjs"] {
        print!("{}", outside::javascript_client(client, &world.base).await);
    }
    print!("{}", outside::python_client("ofrep.py", &world.base).await);
}

#[tokio::test]
async fn an_independent_verifier_accepts_the_log() {
    let world = World::start().await;
    let said = outside::verify_log(&world.base).await;
    assert!(said.contains("the log holds"), "{said}");
}

/// Kept in the repository when `WHEREFORE_UPDATE_SCREENSHOTS` is 1, for its README.
#[tokio::test]
async fn every_page_can_be_shown_in_light_dark_and_on_a_phone() {
    let world = World::start().await;
    let_the_storms_pass(&world).await;
    let cadence = world.proposal_titled(CADENCE).await;
    let proposal = format!("/proposals/{}", cadence["proposalId"].as_str().expect("an id"));
    let decision = format!("/decisions/{}", world.api("/api/v1/decisions").await["items"][0]["digest"].as_str().expect("a digest"));
    let page = world.open_browser().await;
    for (scheme, width, height, path, name) in [
        ("light", 1280, 900, "/", "home"),
        ("light", 1280, 900, &proposal, "proposal"),
        ("light", 1280, 900, &decision, "decision"),
        ("dark", 1280, 900, "/parameters/tideline", "parameters-dark"),
        ("dark", 1280, 900, &proposal, "proposal-dark"),
        ("light", 390, 844, "/", "home-phone"),
        ("light", 390, 844, &proposal, "proposal-phone"),
        ("dark", 390, 844, "/drafts/new", "draft-phone-dark"),
    ] {
        page.prefers(scheme).await;
        page.is_wide(width, height).await;
        page.visit(path).await;
        page.is_accessible().await;
        assert!(page.fits_its_width().await, "{path} is wider than {width} pixels");
        page.keeps_picture(name).await;
    }
    page.is_without_trouble().await;
}
