//! Witnesses: real ones, and ones that are away, slow or lie.

use std::{
    net::SocketAddr,
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
    time::{Duration, Instant},
};

use axum::{
    Router,
    body::Bytes,
    http::StatusCode,
    response::{IntoResponse, Response},
    routing::post,
};
use governance::log::{Checkpoint, CosignerKey, Note, Policy, SigningKey, VerifierKey, witness::AddCheckpoint};
use server::{
    config::{LogConfig, WitnessConfig},
    witness::{self, Clock, Unsigned, Witness, wall_clock},
};
use tokio::{sync::oneshot, task::JoinHandle};

use crate::{
    log::grow,
    world::{Site, eventually},
};

pub const ORIGIN: &str = "saltmarsh.example/log";

/// A witness on a port, which stops when dropped.
pub struct Running {
    pub config: WitnessConfig,
    pub witness: Option<Arc<Witness>>,
    address: SocketAddr,
    stop: Option<oneshot::Sender<()>>,
    server: JoinHandle<()>,
}

impl Drop for Running {
    fn drop(&mut self) {
        self.server.abort();
    }
}

impl Running {
    /// Ends it and waits until it is gone, so that its folder and port are free.
    pub async fn stop(mut self) -> SocketAddr {
        // Connections that are kept alive end as well.
        drop(self.stop.take());
        let _ = (&mut self.server).await;
        self.address
    }
}

async fn serve(name: &str, vkey: String, address: SocketAddr, app: Router, witness: Option<Arc<Witness>>) -> Running {
    let listener = eventually(async || tokio::net::TcpListener::bind(address).await.ok()).await;
    let address = listener.local_addr().unwrap();
    let (stop, stopped) = oneshot::channel();
    let until = async move { drop(stopped.await) };
    let server = tokio::spawn(async move { axum::serve(listener, app).with_graceful_shutdown(until).await.unwrap() });
    let config = WitnessConfig { name: name.into(), url: format!("http://{address}"), vkey };
    Running { config, witness, address, stop: Some(stop), server }
}

fn anywhere() -> SocketAddr {
    SocketAddr::from(([127, 0, 0, 1], 0))
}

/// The verifier key of the log whose key is in `dir`, made if need be.
pub fn log_key(dir: &Path) -> VerifierKey {
    let file = dir.join("log.key");
    if !file.exists() {
        std::fs::write(&file, [5; 32]).unwrap();
    }
    SigningKey::from_seed(ORIGIN, &std::fs::read(file).unwrap().try_into().unwrap()).unwrap().verifier().clone()
}

/// A real witness of the log whose key is in `dir`.
pub async fn running(dir: &Path, name: &str) -> Running {
    running_at(dir, name, anywhere(), wall_clock()).await
}

async fn running_at(dir: &Path, name: &str, address: SocketAddr, clock: Clock) -> Running {
    let open = || Witness::open(&dir.join(name), &format!("{name}.example/witness"), vec![log_key(dir)], clock.clone());
    // The one before it may still be letting go of its folder.
    let witness = Arc::new(eventually(async || open().ok()).await);
    serve(name, witness.key().to_string(), address, witness::router(witness.clone()), Some(witness)).await
}

/// Something that answers every request for a cosignature with this.
async fn pretending<F>(name: &str, answer: impl Fn(AddCheckpoint, CosignerKey) -> F + Clone + Send + Sync + 'static) -> Running
where
    F: Future<Output = Response> + Send,
{
    let key = CosignerKey::from_seed(&format!("{name}.example/witness"), &[42; 32]).unwrap();
    let vkey = key.verifier().to_string();
    let handler = async move |body: Bytes| answer(AddCheckpoint::parse(&body).unwrap(), key).await;
    serve(name, vkey, anywhere(), Router::new().route("/add-checkpoint", post(handler)), None).await
}

fn asking(witnesses: &[&Running], quorum: usize) -> impl FnOnce(&mut LogConfig) + use<> {
    let witnesses = witnesses.iter().map(|running| running.config.clone()).collect();
    move |config| (config.witnesses, config.witness_quorum) = (witnesses, quorum)
}

fn now() -> u64 {
    server::wall_ms() / 1_000
}

fn problem_of(site: &Site, name: &str) -> Option<String> {
    site.bridge.log.assurance().witnesses.into_iter().find(|view| view.name == name).unwrap().problem
}

async fn served(site: &Site) -> (u64, Note) {
    let note = Note::parse(site.get("/log/checkpoint").await.bytes).unwrap();
    (Checkpoint::parse(&note.text).unwrap().size, note)
}

#[tokio::test]
async fn a_checkpoint_is_published_with_the_cosignatures_it_needs_and_the_policy_accepts_it() {
    let dir = tempfile::tempdir().unwrap();
    let (north, south) = (running(dir.path(), "north").await, running(dir.path(), "south").await);
    let site = Site::guarded(dir.path(), asking(&[&north, &south], 2)).await.unwrap();
    site.bridge.start().unwrap();
    for size in [1, 7, 300] {
        grow(&site.bridge.store, size).await;
        let committed = Instant::now();
        let note = eventually(async || Some(served(&site).await).filter(|(found, _)| *found == size)).await.1;
        assert!(committed.elapsed() < Duration::from_secs(5), "{:?}", committed.elapsed());
        let policy = Policy::parse(site.get("/log/policy").await.bytes).unwrap();
        let weighed = policy.weigh(&note).unwrap();
        assert!(weighed.holds(&policy));
        assert_eq!(weighed.cosigned.len(), 2);
        for (_, at) in weighed.cosigned {
            assert!(at.abs_diff(now()) < 60);
        }
    }
    for view in site.bridge.log.assurance().witnesses {
        assert_eq!((view.size, view.problem), (Some(300), None));
        assert!(view.at.unwrap().abs_diff(now()) < 60);
    }
    assert!(north.witness.as_ref().unwrap().newest(&governance::log::Hash::of(ORIGIN.as_bytes()).to_string()).await.is_some());
}

#[tokio::test]
async fn without_enough_witnesses_the_last_checkpoint_stays_and_pages_say_why() {
    let dir = tempfile::tempdir().unwrap();
    let (north, south) = (running(dir.path(), "north").await, running(dir.path(), "south").await);
    let site = Site::guarded(dir.path(), asking(&[&north, &south], 2)).await.unwrap();
    let log = &site.bridge.log;
    grow(&site.bridge.store, 2).await;
    assert_eq!(log.advance().await.unwrap().0, 2);

    let south_at = south.stop().await;
    grow(&site.bridge.store, 3).await;
    assert_eq!(log.advance().await.unwrap().0, 2);
    assert_eq!(served(&site).await.0, 2);
    // What no published checkpoint covers is not proved either.
    assert_eq!(site.get("/api/v1/log/2/proof").await.status, 404);
    assert_eq!(site.get("/api/v1/log/1/proof").await.status, 200);
    let warning = site.bridge.warnings().into_iter().find(|warning| warning.contains("1 of the 2 witnesses")).unwrap();
    assert!(warning.contains("south: it does not answer"), "{warning}");
    let page = site.get("/log").await.text();
    assert!(page.contains("1 of the 2 witnesses"), "the page does not say why");

    // It comes back with what it remembers.
    let _south = running_at(dir.path(), "south", south_at, wall_clock()).await;
    eventually(async || (log.advance().await.unwrap().0 == 3).then_some(())).await;
    assert_eq!(served(&site).await.0, 3);
    assert!(site.bridge.warnings().iter().all(|warning| !warning.contains("witnesses")));
}

#[tokio::test]
async fn a_bridge_that_was_never_witnessed_publishes_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let south = running(dir.path(), "south").await;
    let config = asking(&[&south], 1);
    south.stop().await;
    let site = Site::guarded(dir.path(), config).await.unwrap();
    let refusal = site.get("/log/checkpoint").await.problem(503);
    assert!(refusal.contains("0 of the 1 witnesses"), "{refusal}");
}

#[tokio::test]
async fn a_witness_that_lies_is_not_attached_and_holds_nothing_up() {
    let other_text = pretending("other-text", async |request, key| {
        let other = format!("{}more\n", request.note.text);
        key.cosign(&other, now()).unwrap().to_string().into_response()
    });
    let other_key = pretending("other-key", async |request, key| {
        let stranger = CosignerKey::from_seed(key.verifier().name(), &[43; 32]).unwrap();
        stranger.cosign(&request.note.text, now()).unwrap().to_string().into_response()
    });
    let mangled = pretending("mangled", async |request, key| {
        let mut line = key.cosign(&request.note.text, now()).unwrap();
        line.bytes[20] ^= 1;
        line.to_string().into_response()
    });
    let future =
        pretending("future", async |request, key| key.cosign(&request.note.text, now() + 86_400).unwrap().to_string().into_response());
    let past = pretending("past", async |request, key| key.cosign(&request.note.text, now() - 86_400).unwrap().to_string().into_response());
    let endless = pretending("endless", async |_, _| "— ".repeat(1 << 20).into_response());
    let vague = pretending("vague", async |_, _| (StatusCode::CONFLICT, "many").into_response());
    // At start the next two are modest.
    let fickle = pretending("fickle", async |request, _| {
        let size = if request.note.text.contains("\n0\n") { 0 } else { 1 - request.old };
        (StatusCode::CONFLICT, format!("{size}\n")).into_response()
    });
    let inventive = pretending("inventive", async |request, _| {
        let size = if request.note.text.contains("\n0\n") { 0 } else { 1_000_000 };
        (StatusCode::CONFLICT, format!("{size}\n")).into_response()
    });
    let gone = pretending("gone", async |_, _| StatusCode::NOT_FOUND.into_response());
    let liars = [
        (other_text.await, "does not fit the checkpoint"),
        (other_key.await, "no signature by its key"),
        (mangled.await, "does not fit the checkpoint"),
        (future.await, "its clock or ours is wrong"),
        (past.await, "its clock or ours is wrong"),
        (endless.await, "more than 65536 bytes"),
        (vague.await, "409 without the size"),
        (fickle.await, "changes its mind"),
        (inventive.await, "does not show our signature"),
        (gone.await, "does not follow this log"),
    ];
    for (liar, said) in &liars {
        let dir = tempfile::tempdir().unwrap();
        log_key(dir.path());
        let site = Site::guarded(dir.path(), asking(&[liar], 0)).await.unwrap();
        tokio::time::sleep(Duration::from_millis(1_100)).await;
        grow(&site.bridge.store, 2).await;
        assert_eq!(site.bridge.log.advance().await.unwrap().0, 2);
        let problem = problem_of(&site, &liar.config.name).unwrap_or_default();
        assert!(problem.contains(said), "{}: {problem}", liar.config.name);
        let (size, note) = served(&site).await;
        assert_eq!((size, note.signatures.len()), (2, 1), "{}", liar.config.name);
        assert_eq!(site.bridge.log.read_only(), None);
    }
}

#[tokio::test]
async fn a_slow_witness_delays_nothing_by_more_than_five_seconds() {
    let dir = tempfile::tempdir().unwrap();
    let north = running(dir.path(), "north").await;
    let slow = pretending("slow", async |_, _| {
        tokio::time::sleep(Duration::from_secs(60)).await;
        StatusCode::OK.into_response()
    })
    .await;
    let site = Site::guarded(dir.path(), asking(&[&north, &slow], 1)).await.unwrap();
    tokio::time::sleep(Duration::from_millis(1_100)).await;
    grow(&site.bridge.store, 2).await;
    let asked = Instant::now();
    let log = site.bridge.log.clone();
    let advancing = tokio::spawn(async move { log.advance().await.unwrap().0 });
    // One is enough, so the slow one is not waited for.
    eventually(async || (served(&site).await.0 == 2).then_some(())).await;
    assert!(asked.elapsed() < Duration::from_millis(1_500), "{:?}", asked.elapsed());
    assert_eq!(advancing.await.unwrap(), 2);
    assert!(asked.elapsed() < Duration::from_secs(5), "{:?}", asked.elapsed());
    assert!(problem_of(&site, "slow").unwrap().contains("slow"));
    assert_eq!(problem_of(&site, "north"), None);
}

/// What a log with this key would send, for a tree of `entries` that starts after `old`.
fn request(dir: &Path, old: u64, entries: &[&[u8]]) -> Vec<u8> {
    let key = SigningKey::from_seed(ORIGIN, &std::fs::read(dir.join("log.key")).unwrap().try_into().unwrap()).unwrap();
    let leaves: Vec<_> = entries.iter().map(|entry| governance::log::leaf_hash(entry)).collect();
    let read = |level: u8, number: u64| {
        let (from, to) = ((number << level) as usize, ((number + 1) << level) as usize);
        let mut frontier = governance::log::Frontier::new();
        for leaf in &leaves[from..to] {
            frontier.push(*leaf);
        }
        Ok::<_, governance::log::MerkleError>(frontier.root())
    };
    let size = leaves.len() as u64;
    let root = governance::log::merkle::root_at(size, read).unwrap();
    let note = Checkpoint { origin: ORIGIN.into(), size, root }.sign(&key).unwrap();
    let proof = governance::log::merkle::prove_consistency(old, size, read).unwrap();
    AddCheckpoint { old, proof, note }.to_string().into_bytes()
}

#[tokio::test]
async fn a_witness_remembers_across_restarts_and_never_cosigns_a_fork() {
    let dir = tempfile::tempdir().unwrap();
    let home = dir.path();
    let open = || Witness::open(&home.join("w"), "w.example/witness", vec![log_key(home)], wall_clock()).unwrap();
    let witness = open();
    let key = witness.key().clone();
    let line = witness.add_checkpoint(&request(home, 0, &[b"a", b"b", b"c"])).await.unwrap();
    assert!(line.starts_with("— w.example/witness "));
    drop(witness);

    let witness = open();
    assert_eq!(witness.key(), &key);
    let status = async |body: Vec<u8>| match witness.add_checkpoint(&body).await {
        Ok(_) => 200,
        Err(Unsigned::Refused(refusal)) => refusal.status(),
        Err(other) => panic!("{other}"),
    };
    assert_eq!(status(request(home, 0, &[b"a", b"b", b"c", b"d"])).await, 409);
    assert_eq!(status(request(home, 0, &[b"a"])).await, 409);
    assert_eq!(status(request(home, 3, &[b"a", b"b", b"x"])).await, 422);
    assert_eq!(status(request(home, 3, &[b"a", b"x", b"c", b"d"])).await, 422);
    assert_eq!(status(request(home, 3, &[b"a", b"b", b"c"])).await, 200);
    assert_eq!(status(request(home, 3, &[b"a", b"b", b"c", b"d"])).await, 200);
    assert_eq!(status(request(home, 3, &[b"a", b"b", b"c", b"d", b"e"])).await, 409);
    assert_eq!(status(vec![0; 100_000]).await, 400);

    // Two witnesses with one memory would contradict each other.
    assert!(Witness::open(&home.join("w"), "w.example/witness", vec![log_key(home)], wall_clock()).is_err());
    drop(witness);
    // And one that cannot read what it saw must not begin anew.
    let memory = std::fs::read_dir(home.join("w")).unwrap().map(|file| file.unwrap().path());
    let memory = memory.into_iter().find(|file| file.extension().is_some_and(|end| end == "checkpoint")).unwrap();
    let whole = std::fs::read(&memory).unwrap();
    std::fs::write(&memory, &whole[..whole.len() - 30]).unwrap();
    assert!(Witness::open(&home.join("w"), "w.example/witness", vec![log_key(home)], wall_clock()).is_err());
}

#[tokio::test]
async fn what_could_not_be_kept_is_not_cosigned() {
    let dir = tempfile::tempdir().unwrap();
    let home = dir.path();
    let witness = Witness::open(&home.join("w"), "w.example/witness", vec![log_key(home)], wall_clock()).unwrap();
    std::fs::rename(home.join("w"), home.join("away")).unwrap();
    let refused = witness.add_checkpoint(&request(home, 0, &[b"a"])).await;
    assert!(matches!(refused, Err(Unsigned::Disk)), "{refused:?}");
    assert_eq!(witness.newest(&governance::log::Hash::of(ORIGIN.as_bytes()).to_string()).await, None);
    std::fs::rename(home.join("away"), home.join("w")).unwrap();
    witness.add_checkpoint(&request(home, 0, &[b"b"])).await.unwrap();
}

#[tokio::test]
async fn a_clock_that_went_back_ends_cosigning_until_it_has_caught_up() {
    let dir = tempfile::tempdir().unwrap();
    let home = dir.path();
    let shift = Arc::new(AtomicI64::new(0));
    let clock: Clock = {
        let shift = shift.clone();
        Arc::new(move || now().saturating_add_signed(shift.load(Ordering::Relaxed)))
    };
    let open = || Witness::open(&home.join("w"), "w.example/witness", vec![log_key(home)], clock.clone()).unwrap();
    let witness = open();
    witness.add_checkpoint(&request(home, 0, &[b"a"])).await.unwrap();
    shift.store(-86_400, Ordering::Relaxed);
    assert!(matches!(witness.add_checkpoint(&request(home, 1, &[b"a", b"b"])).await, Err(Unsigned::Clock)));
    drop(witness);
    // Nor after a restart.
    let witness = open();
    assert!(matches!(witness.add_checkpoint(&request(home, 1, &[b"a", b"b"])).await, Err(Unsigned::Clock)));
    shift.store(86_400, Ordering::Relaxed);
    witness.add_checkpoint(&request(home, 1, &[b"a", b"b"])).await.unwrap();
    shift.store(0, Ordering::Relaxed);
    assert!(matches!(witness.add_checkpoint(&request(home, 2, &[b"a", b"b"])).await, Err(Unsigned::Clock)));
}

#[tokio::test]
async fn a_witness_on_http_answers_as_the_protocol_says() {
    let dir = tempfile::tempdir().unwrap();
    let home = dir.path();
    let running = running(home, "north").await;
    let http = reqwest::Client::new();
    let ask = async |body: Vec<u8>| http.post(format!("{}/add-checkpoint", running.config.url)).body(body).send().await.unwrap();
    assert_eq!(ask(request(home, 0, &[b"a", b"b"])).await.status(), 200);
    let conflict = ask(request(home, 0, &[b"a"])).await;
    assert_eq!((conflict.status().as_u16(), conflict.headers()["content-type"].to_str().unwrap()), (409, "text/x.tlog.size"));
    assert_eq!(conflict.text().await.unwrap(), "2\n");
    assert_eq!(ask(request(home, 2, &[b"a", b"x"])).await.status(), 422);
    assert_eq!(ask(b"old 0\n\n".to_vec()).await.status(), 400);
    assert_eq!(ask(vec![b'a'; 200_000]).await.status(), 413);
    let origin = governance::log::Hash::of(ORIGIN.as_bytes());
    let shown = http.get(format!("{}/{origin}/checkpoint", running.config.url)).send().await.unwrap().text().await.unwrap();
    let shown = Note::parse(shown).unwrap();
    assert!(shown.verify(&[log_key(home)]).is_ok());
    let key: governance::log::WitnessKey = running.config.vkey.parse().unwrap();
    assert!(key.cosigned(&shown).unwrap().is_some());
}
