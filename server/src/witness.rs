//! `wherefore witness`: a C2SP tlog-witness that a member of the DAO can run. It remembers the newest checkpoint it saw of
//! each log it follows, and cosigns only one that continues it.
//!
//! What it saw is on disk before its cosignature leaves: the cosigned checkpoint itself, which it also shows to anybody
//! who asks. Whether it may cosign is decided in `governance::log::witness`.

use std::{
    collections::HashMap,
    fs::File,
    io::ErrorKind,
    net::{IpAddr, SocketAddr},
    path::{Path, PathBuf},
    sync::{Arc, Mutex as SyncMutex, PoisonError},
    time::Duration,
};

use axum::{
    Router,
    body::Bytes,
    extract::{ConnectInfo, DefaultBodyLimit, Path as PathPart, Request, State as Shared},
    http::{StatusCode, header},
    middleware::{self, Next},
    response::{IntoResponse, Response},
    routing::{get, post},
};
use clap::Args;
use governance::log::{
    Checkpoint, CosignerKey, Hash, Note, VerifierKey, WitnessKey,
    witness::{AddCheckpoint, LARGEST_REQUEST, Refusal, Seen, consider, origin_of},
};
use tokio::sync::Mutex;
use tower_http::timeout::TimeoutLayer;
use tracing::{error, info, warn};

use crate::log::durable;

/// Requests of one address in a minute.
const REQUESTS_A_MINUTE: u32 = 600;
/// Addresses that are counted in a minute; when there are more, counting begins again.
const MOST_ADDRESSES: usize = 100_000;
/// How long a request may take, its body included.
const PATIENCE: Duration = Duration::from_secs(10);

const TEXT: &str = "text/plain; charset=utf-8";

#[derive(Debug, Args)]
pub struct WitnessArgs {
    /// Where to listen for logs.
    #[arg(long, default_value = "127.0.0.1:3400")]
    pub listen: SocketAddr,
    /// Where its key and what it saw are kept. Losing what it saw makes it useless, so it belongs into the backup.
    #[arg(long)]
    pub dir: PathBuf,
    /// The name it signs under, such as `north.example/witness`.
    #[arg(long)]
    pub name: String,
    /// The verifier key of a log to follow; may be given several times.
    #[arg(long = "log-vkey", required = true)]
    pub log_vkeys: Vec<String>,
}

#[derive(Debug, thiserror::Error)]
pub enum WitnessError {
    #[error("{path} cannot be used: {reason}")]
    File { path: String, reason: String },
    #[error("--name {name:?}: {reason}")]
    Name { name: String, reason: String },
    #[error("--log-vkey {vkey}: {reason}")]
    LogKey { vkey: String, reason: String },
    #[error("{listen} cannot be used: {reason}. Stop what uses the port, or choose another with --listen.")]
    Listen { listen: SocketAddr, reason: String },
}

/// Tells the time in Unix seconds.
pub type Clock = Arc<dyn Fn() -> u64 + Send + Sync>;

/// This machine's clock.
pub fn wall_clock() -> Clock {
    Arc::new(|| crate::wall_ms() / 1_000)
}

/// A witness with its key and what it saw.
pub struct Witness {
    key: CosignerKey,
    followed: Vec<VerifierKey>,
    dir: PathBuf,
    clock: Clock,
    /// By origin. Held from the check until the answer is on disk, so that two requests cannot pass each other.
    saw: Mutex<Saw>,
    counts: SyncMutex<(u64, HashMap<IpAddr, u32>)>,
    /// Two witnesses with one memory would contradict each other.
    _lock: File,
}

#[derive(Default)]
struct Saw {
    logs: HashMap<String, Cosigned>,
    /// The latest time that was ever signed.
    latest: u64,
}

struct Cosigned {
    seen: Seen,
    note: Note,
}

/// Why a request is not answered with a cosignature.
#[derive(Debug, thiserror::Error)]
pub enum Unsigned {
    #[error(transparent)]
    Refused(#[from] Refusal),
    #[error("this witness's clock stands before its last cosignature")]
    Clock,
    #[error("what was seen could not be kept")]
    Disk,
}

impl Witness {
    /// Opens the witness in `dir`, making its key on first use.
    ///
    /// # Errors
    /// When what it saw cannot be read: it must not forget.
    pub fn open(dir: &Path, name: &str, followed: Vec<VerifierKey>, clock: Clock) -> Result<Self, WitnessError> {
        let failed = |path: &Path, reason: String| WitnessError::File { path: path.display().to_string(), reason };
        std::fs::create_dir_all(dir).map_err(|error| failed(dir, error.to_string()))?;
        let lock_file = dir.join("lock");
        let lock = File::create(&lock_file).map_err(|error| failed(&lock_file, error.to_string()))?;
        lock.try_lock().map_err(|error| failed(&lock_file, format!("another witness runs here ({error})")))?;

        let key_file = dir.join("witness.key");
        let mut saw = Saw::default();
        let seed: [u8; 32] = match std::fs::read(&key_file) {
            Ok(bytes) => {
                bytes.try_into().map_err(|bytes: Vec<u8>| failed(&key_file, format!("it has {} bytes, 32 are needed", bytes.len())))?
            }
            Err(error) if error.kind() == ErrorKind::NotFound => {
                let seed: [u8; 32] = rand::random();
                durable::create(&key_file, &seed).map_err(|error| failed(&key_file, error.to_string()))?;
                seed
            }
            Err(error) => return Err(failed(&key_file, error.to_string())),
        };
        let key =
            CosignerKey::from_seed(name, &seed).map_err(|error| WitnessError::Name { name: name.to_owned(), reason: error.to_string() })?;
        for origin in followed.iter().map(VerifierKey::name) {
            let file = memory(dir, origin);
            let bytes = match std::fs::read(&file) {
                Ok(bytes) => bytes,
                Err(error) if error.kind() == ErrorKind::NotFound => continue,
                Err(error) => return Err(failed(&file, error.to_string())),
            };
            let note = Note::parse(bytes).map_err(|error| failed(&file, error.to_string()))?;
            let checkpoint = Checkpoint::parse(&note.text).map_err(|error| failed(&file, error.to_string()))?;
            let at = match key.verifier().cosigned(&note) {
                Ok(Some(at)) if checkpoint.origin == origin => at,
                _ => return Err(failed(&file, "this witness did not cosign what it holds; was its key or --name changed?".into())),
            };
            saw.latest = saw.latest.max(at);
            let seen = Seen { size: checkpoint.size, root: checkpoint.root };
            saw.logs.insert(checkpoint.origin, Cosigned { seen, note });
        }
        let dir = dir.to_owned();
        Ok(Self { key, followed, dir, clock, saw: Mutex::new(saw), counts: SyncMutex::default(), _lock: lock })
    }

    /// The key that its cosignatures are checked with.
    pub fn key(&self) -> &WitnessKey {
        self.key.verifier()
    }

    /// Answers a request with the signature line, once what it says is on disk.
    pub async fn add_checkpoint(&self, body: &[u8]) -> Result<String, Unsigned> {
        let request = AddCheckpoint::parse(body)?;
        let origin = origin_of(&request)?;
        let mut saw = self.saw.lock().await;
        let seen = saw.logs.get(&origin).map(|cosigned| cosigned.seen).unwrap_or_default();
        let checkpoint = consider(&request, &self.followed, seen)?;
        let now = (self.clock)();
        if now < saw.latest {
            warn!(now, latest = saw.latest, "the clock says {now}, and a cosignature of {} is out: nothing is cosigned", saw.latest);
            return Err(Unsigned::Clock);
        }
        let cosignature = self.key.cosign(&request.note.text, now).map_err(|error| {
            error!("a checkpoint could not be cosigned: {error}");
            Unsigned::Clock
        })?;
        // Only what was verified is kept and shown on.
        let trusted = |line: &governance::log::Signature| self.followed.iter().any(|key| key.made(line));
        let signatures = request.note.signatures.iter().filter(|line| trusted(line)).cloned().chain([cosignature.clone()]).collect();
        let note = Note { text: request.note.text, signatures };
        let file = memory(&self.dir, &origin);
        // A few milliseconds; everybody else waits for the lock anyway.
        durable::replace(&file, note.to_string().as_bytes()).map_err(|error| {
            error!(file = %file.display(), "{} could not be written: {error}", file.display());
            Unsigned::Disk
        })?;
        info!(log.origin = %origin, log.size = checkpoint.size, "cosigned {origin} at {} entries", checkpoint.size);
        saw.latest = now;
        saw.logs.insert(origin, Cosigned { seen: Seen { size: checkpoint.size, root: checkpoint.root }, note });
        Ok(cosignature.to_string())
    }

    /// The newest checkpoint cosigned of the log whose origin has this SHA-256 in hex.
    pub async fn newest(&self, origin_hash: &str) -> Option<String> {
        let saw = self.saw.lock().await;
        let found = saw.logs.iter().find(|(origin, _)| Hash::of(origin.as_bytes()).to_string() == origin_hash);
        found.map(|(_, cosigned)| cosigned.note.to_string())
    }

    fn admit(&self, from: IpAddr, minute: u64) -> bool {
        let mut counts = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
        if counts.0 != minute || counts.1.len() > MOST_ADDRESSES {
            *counts = (minute, HashMap::new());
        }
        let count = counts.1.entry(from).or_default();
        *count += 1;
        *count <= REQUESTS_A_MINUTE
    }
}

/// The file with the checkpoint that was cosigned last.
fn memory(dir: &Path, origin: &str) -> PathBuf {
    dir.join(format!("{}.checkpoint", Hash::of(origin.as_bytes())))
}

/// The routes of the tlog-witness protocol; submission and monitoring prefix are the same.
pub fn router(witness: Arc<Witness>) -> Router {
    Router::new()
        .route("/add-checkpoint", post(add_checkpoint))
        .route("/{origin_hash}/checkpoint", get(newest))
        .route("/vkey", get(async |Shared(witness): Shared<Arc<Witness>>| ([(header::CONTENT_TYPE, TEXT)], format!("{}\n", witness.key()))))
        .layer(DefaultBodyLimit::max(LARGEST_REQUEST))
        .layer(middleware::from_fn_with_state(witness.clone(), not_too_many))
        .layer(TimeoutLayer::with_status_code(StatusCode::REQUEST_TIMEOUT, PATIENCE))
        .with_state(witness)
}

async fn add_checkpoint(Shared(witness): Shared<Arc<Witness>>, body: Bytes) -> Response {
    match witness.add_checkpoint(&body).await {
        Ok(line) => ([(header::CONTENT_TYPE, TEXT)], line).into_response(),
        Err(Unsigned::Refused(Refusal::Conflict { size })) => {
            (StatusCode::CONFLICT, [(header::CONTENT_TYPE, "text/x.tlog.size")], format!("{size}\n")).into_response()
        }
        Err(Unsigned::Refused(refusal)) => {
            (StatusCode::from_u16(refusal.status()).unwrap_or(StatusCode::BAD_REQUEST), format!("{refusal}\n")).into_response()
        }
        Err(other) => (StatusCode::SERVICE_UNAVAILABLE, format!("{other}\n")).into_response(),
    }
}

async fn newest(Shared(witness): Shared<Arc<Witness>>, PathPart(origin_hash): PathPart<String>) -> Response {
    match witness.newest(&origin_hash).await {
        Some(note) => ([(header::CONTENT_TYPE, TEXT), (header::ACCESS_CONTROL_ALLOW_ORIGIN, "*")], note).into_response(),
        None => (StatusCode::NOT_FOUND, "nothing was cosigned of a log with this origin\n").into_response(),
    }
}

async fn not_too_many(Shared(witness): Shared<Arc<Witness>>, request: Request, next: Next) -> Response {
    let from = request.extensions().get::<ConnectInfo<SocketAddr>>().map(|info| info.0.ip());
    if from.is_some_and(|from| !witness.admit(from, crate::wall_ms() / 60_000)) {
        return (StatusCode::TOO_MANY_REQUESTS, [(header::RETRY_AFTER, "60")], "too many requests; wait a minute\n").into_response();
    }
    next.run(request).await
}

/// Runs a witness until it is stopped.
pub async fn run(args: WitnessArgs, json: bool) -> Result<(), WitnessError> {
    let mut followed: Vec<VerifierKey> = Vec::new();
    for vkey in &args.log_vkeys {
        let key = vkey
            .trim()
            .parse()
            .map_err(|error: governance::log::NoteError| WitnessError::LogKey { vkey: vkey.clone(), reason: error.to_string() })?;
        followed.push(key);
    }
    let witness = Arc::new(Witness::open(&args.dir, &args.name, followed, wall_clock())?);
    let listen = |error: std::io::Error| WitnessError::Listen { listen: args.listen, reason: error.to_string() };
    let listener = tokio::net::TcpListener::bind(args.listen).await.map_err(listen)?;
    let at = listener.local_addr().map_err(listen)?;
    if json {
        println!("{}", serde_json::json!({"vkey": witness.key().to_string(), "url": format!("http://{at}")}));
    } else {
        println!("{}\nThe witness listens on http://{at}. Give its vkey above to those who run the log.", witness.key());
    }
    let app = router(witness).into_make_service_with_connect_info::<SocketAddr>();
    axum::serve(listener, app).with_graceful_shutdown(crate::stopped()).await.map_err(listen)
}
