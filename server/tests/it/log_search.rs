//! Looking for log entries: what is found, what is refused, and what an entry's page is given.

use app::backend::Backend;
use governance::log::{Body, Entry, EntryKind, EntryRef, Subject};
use sea_orm::{ActiveValue::Set, EntityTrait, PaginatorTrait};
use serde_json::{Value, json};
use server::{
    log::{self, Log, search::Conditions},
    store::{
        Store,
        entities::{log_body, log_subject},
    },
};

use crate::{postgres::Postgres, world::Site};

const AGENT: &str = "eip155:31337:0x70997970C51812dc3A010C7d01b50e0d17dc79C8";

async fn append(store: &Store, entries: &[Entry]) -> Vec<EntryRef> {
    let tx = store.begin().await.unwrap();
    let references = log::append_all(&tx, entries.iter().map(|entry| log::Prepared::new(entry).unwrap()).collect()).await.unwrap();
    tx.commit().await.unwrap();
    references
}

/// A decision of the agent, a review of it, the proposal that carries it, and a stranger's proposal.
async fn story(store: &Store) {
    let decision = Entry::new(EntryKind::Decision, "decision/1", 100)
        .with_fact("digest", "0xd1")
        .with_fact("agent", AGENT)
        .with_fact("parameters", json!(["tideline/palette", "tideline/swell"]));
    let first = append(store, &[decision]).await;
    let mut review = Entry::new(EntryKind::Review, "review/1", 200)
        .with_fact("decision", "0xd1")
        .with_fact("findings", json!(["100% _sure_ \"so\" c:\\tide Äpfel"]));
    review.refs = first;
    let proposal = |id: &str, at| Entry::new(EntryKind::Proposal, format!("proposal/{id}"), at).with_fact("proposalId", id);
    append(store, &[review, proposal("7", 300).with_fact("decisionDigest", "0xd1"), proposal("70", 400)]).await;
}

async fn indexes(log: &Log, conditions: Conditions) -> Vec<i64> {
    let found = log.search(&conditions, None, 100).await.unwrap();
    let (count, from) = log.count(&conditions).await.unwrap();
    assert_eq!((count as usize, from, found.older), (found.entries.len(), 0, None));
    found.entries.iter().map(|row| row.index).collect()
}

/// The same questions to any database.
async fn finds(url: &str) {
    let dir = tempfile::tempdir().unwrap();
    let store = Store::open(url).await.unwrap();
    let log = Log::open(store.clone(), "test.example/log", &dir.path().join("key")).await.unwrap();
    assert!(indexes(&log, Conditions::default()).await.is_empty());
    assert_eq!(log.growth(0).await.unwrap(), []);
    story(&store).await;
    let text = |text: &str| Conditions { text: text.into(), ..Default::default() };
    let about = |subject, value: &str| Conditions { about: vec![(subject, vec![value.to_owned()])], ..Default::default() };
    assert_eq!(indexes(&log, Conditions::default()).await, [3, 2, 1, 0]);
    assert_eq!(indexes(&log, Conditions { kind: Some("proposal".into()), ..Default::default() }).await, [3, 2]);
    assert_eq!(indexes(&log, about(Subject::Proposal, "7")).await, [2], "and not proposal 70");
    assert_eq!(indexes(&log, about(Subject::Parameter, "tideline/swell")).await, [0]);
    assert_eq!(
        indexes(&log, Conditions { agent: vec![AGENT.into()], ..Default::default() }).await,
        [2, 1, 0],
        "what names its decisions too"
    );
    assert_eq!(indexes(&log, Conditions { agent: vec!["0xother".into()], ..Default::default() }).await, [0; 0]);
    assert_eq!(indexes(&log, Conditions { from: Some(200), until: Some(400), ..Default::default() }).await, [2, 1]);
    let both = Conditions { kind: Some("proposal".into()), agent: vec![AGENT.into()], ..Default::default() };
    assert_eq!(indexes(&log, both).await, [2], "conditions hold together");
    for (words, found) in [
        ("PALETTE", vec![0]),
        ("decision swell", vec![0]),
        ("swell proposal", vec![]),
        ("100%", vec![1]),
        ("100_", vec![]),
        ("_sure_", vec![1]),
        ("\"so\"", vec![1]),
        ("Äpfel", vec![1]),
        ("%", vec![1]),
        ("'; DROP TABLE log_entry; --", vec![]),
        ("C:\\tide", vec![1]),
        ("\\", vec![1]),
        ("c:tide", vec![]),
    ] {
        assert_eq!(indexes(&log, text(words)).await, found, "{words}");
    }

    // Page by page, everything once.
    let mut seen = Vec::new();
    let mut before = None;
    loop {
        let page = log.search(&Conditions::default(), before, 3).await.unwrap();
        seen.extend(page.entries.iter().map(|row| row.index));
        before = page.older;
        if before.is_none() {
            break;
        }
    }
    assert_eq!(seen, [3, 2, 1, 0]);
    assert_eq!(log.growth(4).await.unwrap(), [(100, 1), (200, 2), (300, 3), (400, 4)]);
    let referring: Vec<i64> = log.referring(0, 9).await.unwrap().iter().map(|row| row.index).collect();
    assert_eq!(referring, [1], "the proposal names the decision, and does not refer to its entry");

    // As if logged before there was an index: found again once it is built, and built once.
    let count = async || log_subject::Entity::find().count(&store.db).await.unwrap();
    let whole = count().await;
    log_subject::Entity::delete_many().exec(&store.db).await.unwrap();
    assert_eq!(indexes(&log, about(Subject::Proposal, "7")).await, [0; 0]);
    assert_eq!(log.index_missing().await.unwrap(), 4);
    assert_eq!(indexes(&log, about(Subject::Proposal, "7")).await, [2]);
    assert_eq!((log.index_missing().await.unwrap(), count().await), (0, whole));

    // Several that start together index each thing once, and nothing can be there twice.
    log_subject::Entity::delete_many().exec(&store.db).await.unwrap();
    tokio::try_join!(log.index_missing(), log.index_missing(), log.index_missing()).unwrap();
    assert_eq!(count().await, whole);
    let row = log_subject::Entity::find().one(&store.db).await.unwrap().unwrap();
    let again = log_subject::ActiveModel { entry: Set(row.entry), subject: Set(row.subject), value: Set(row.value), ..Default::default() };
    log_subject::Entity::insert(again).exec_without_returning(&store.db).await.unwrap_err();
}

#[tokio::test]
async fn entries_about_many_things_are_indexed_in_statements_that_the_database_takes() {
    let dir = tempfile::tempdir().unwrap();
    let store = Store::open(&format!("sqlite://{}?mode=rwc", dir.path().join("log.db").display())).await.unwrap();
    let log = Log::open(store.clone(), "test.example/log", &dir.path().join("key")).await.unwrap();
    let parameters: Vec<String> = (0..30).map(|number| format!("tideline/{number}")).collect();
    let entries: Vec<Entry> = (0..500)
        .map(|number| Entry::new(EntryKind::Decision, format!("decision/{number}"), 1).with_fact("parameters", json!(parameters)))
        .collect();
    append(&store, &entries).await;
    log_subject::Entity::delete_many().exec(&store.db).await.unwrap();
    assert_eq!(log.index_missing().await.unwrap(), 500);
    assert_eq!(log_subject::Entity::find().count(&store.db).await.unwrap(), 15_000);
}

#[tokio::test]
async fn entries_are_found_by_what_they_are_about_and_say() {
    let dir = tempfile::tempdir().unwrap();
    finds(&format!("sqlite://{}?mode=rwc", dir.path().join("log.db").display())).await;
    if let Some(postgres) = Postgres::start().await {
        finds(&postgres.url).await;
    }
}

#[tokio::test]
async fn a_search_for_words_reads_a_window_and_says_where_to_go_on() {
    let dir = tempfile::tempdir().unwrap();
    let store = Store::open(&format!("sqlite://{}?mode=rwc", dir.path().join("log.db").display())).await.unwrap();
    let log = Log::open(store.clone(), "test.example/log", &dir.path().join("key")).await.unwrap();
    let needle = Entry::new(EntryKind::Outcome, "outcome/needle", 1);
    let hay = (0..40).map(|number| Entry::new(EntryKind::Outcome, format!("outcome/{number}"), 1));
    let entries: Vec<Entry> = [needle].into_iter().chain(hay).collect();
    append(&store, &entries).await;
    let wanted = Conditions { text: "needle".into(), window: Some(30), ..Default::default() };
    assert_eq!(log.count(&wanted).await.unwrap(), (0, 11), "nothing, from entry 11 on");
    let first = log.search(&wanted, None, 50).await.unwrap();
    assert_eq!((first.entries.len(), first.older), (0, Some(11)));
    let second = log.search(&wanted, first.older, 50).await.unwrap();
    assert_eq!((second.entries.iter().map(|row| row.index).collect::<Vec<_>>(), second.older), (vec![0], None));
    assert_eq!(log.growth(41).await.unwrap().last(), Some(&(1, 41)));
}

#[tokio::test]
async fn the_list_of_entries_is_searched_and_paged_over_http() {
    let dir = tempfile::tempdir().unwrap();
    let site = Site::without_chain(dir.path()).await;
    story(&site.bridge.store).await;
    let list = site.get("/api/v1/log/entries?limit=3").await.json();
    assert_eq!(list["next"], "/api/v1/log/entries?before=1&limit=3");
    let indexes = |list: &Value| list["items"].as_array().unwrap().iter().map(|item| item["index"].as_u64().unwrap()).collect::<Vec<_>>();
    assert_eq!(indexes(&list), [3, 2, 1]);
    let rest = site.get(list["next"].as_str().unwrap()).await.json();
    assert_eq!((indexes(&rest), &rest["next"]), (vec![0], &Value::Null));
    let entry = &rest["items"][0];
    assert_eq!(
        (&entry["kind"], &entry["at"], &entry["id"], &entry["facts"]["digest"]),
        (&json!("decision"), &json!(100), &json!("decision/1"), &json!("0xd1"))
    );
    assert_eq!(list["items"][2]["refs"][0], json!({"index": 0, "leaf": entry["leafHash"]}));
    assert!(entry["sentence"].is_string());
    let found = site.get(&format!("/api/v1/log/entries?agent={AGENT}&kind=proposal&text=0xD1&from=1970-01-01&limit=1")).await.json();
    assert_eq!(indexes(&found), [2]);
    let next = found["next"].as_str().unwrap();
    assert!(next.contains("kind=proposal&") && next.contains("from=1970-01-01&text=0xD1&before=2&limit=1"), "{next}");
    // A form sends also what was not filled in.
    assert_eq!(indexes(&site.get("/api/v1/log/entries?kind=&proposal=7&from=&before=").await.json()), [2]);

    for (query, field) in [
        ("kind=decisions", "kind"),
        ("proposal=0x7", "proposal"),
        ("parameter=palette", "parameter"),
        ("verdict=good", "verdict"),
        ("from=yesterday", "from"),
        ("until=2026-02-30", "until"),
        ("before=-1", "before"),
        ("limit=0", "limit"),
        ("limit=1001", "limit"),
        ("kinds=decision", "kinds"),
        ("kind=decision&kind=review", "kind"),
    ] {
        let refused = site.get(&format!("/api/v1/log/entries?{query}")).await;
        let problem = refused.json();
        assert_eq!((problem["field"].as_str(), problem["pointer"].as_str()), (Some(field), Some(format!("/{field}").as_str())), "{query}");
        let detail = refused.problem(400);
        assert!(detail.contains(field), "{query}: {detail}");
    }
}

#[tokio::test]
async fn an_erased_body_is_said_to_be_erased_and_is_gone() {
    let dir = tempfile::tempdir().unwrap();
    let site = Site::without_chain(dir.path()).await;
    let store = &site.bridge.store;
    let (salt, bytes) = ([9u8; 32], b"Ines, in person");
    let named = Body::erasable(&salt, bytes, "text/plain");
    let mut entry = Entry::new(EntryKind::Review, "review/1", 5);
    entry.body = Some(named.clone());
    append(store, &[entry, Entry::new(EntryKind::Review, "review/2", 6)]).await;
    let row = log_body::ActiveModel { sha256: Set(named.sha256.to_string()), salt: Set(salt.to_vec()), bytes: Set(bytes.to_vec()) };
    log_body::Entity::insert(row).exec_without_returning(&store.db).await.unwrap();

    let pages = server::web::Pages(site.bridge.clone());
    let view = pages.entry(0).await.unwrap();
    assert_eq!((view.body.as_deref(), view.body_missing, view.body_salt), (Some("Ines, in person"), None, "09".repeat(32)));
    let answer = site.get(&view.body_href.unwrap()).await;
    assert_eq!((answer.bytes.as_slice(), answer.header("content-type")), (bytes.as_slice(), "application/octet-stream"));
    assert!(answer.header("content-disposition").starts_with("attachment") && answer.header("cache-control") == "no-store");

    log_body::Entity::delete_many().exec(&store.db).await.unwrap();
    let view = pages.entry(0).await.unwrap();
    assert!(view.body.is_none() && view.body_salt.is_empty() && view.body_href.is_none());
    assert!(view.body_missing.unwrap().starts_with("Erased"));
    site.get("/api/v1/log/0/body").await.problem(404);
    let none = pages.entry(1).await.unwrap();
    assert_eq!((none.body, none.body_missing), (None, None), "an entry that names no body misses none");
    site.get("/api/v1/log/1/body").await.problem(404);
}
