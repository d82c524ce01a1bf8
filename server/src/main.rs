//! The `wherefore` binary: one command line for the bridge, its helpers and its files.

use std::path::PathBuf;

use clap::{Parser, Subcommand};
use governance::{explanation::VerificationState, proposal::ProposalFile};
use server::{
    agent::AgentArgs,
    bridge::{Bridge, StartError},
    config::Config,
    decision::{self, DecisionCommand, SubmitError},
    demo::DemoArgs,
    engine::EngineArgs,
    explain::{self, ExplainArgs, ExplainError},
    log::commands::{CommandError, LogCommand},
    store::Store,
    verify::{AuditCommand, VerifyError},
    web,
    witness::WitnessArgs,
};

/// Exit codes: 0 done, 1 checked and found wrong, 2 usage, 3 not reachable.
const WRONG: u8 = 1;
const USAGE: u8 = 2;
const UNREACHABLE: u8 = 3;

#[derive(Debug, Parser)]
#[command(
    name = "wherefore",
    version,
    about = "An explainable DAO governance bridge: what is ratified reaches the engine, and everyone can see why."
)]
struct Cli {
    /// Print JSON rather than text.
    #[arg(long, global = true)]
    json: bool,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Web app, follower, executor and log.
    Serve {
        #[arg(long, default_value = "wherefore.toml")]
        config: PathBuf,
    },
    /// Start Anvil with the seeded demo DAO and keep its clock going.
    Devnet {
        /// Where its state lives.
        #[arg(long, default_value = "devnet")]
        dir: PathBuf,
        #[arg(long, default_value_t = 8545)]
        port: u16,
        /// Chain seconds that pass in one second.
        #[arg(long, default_value_t = 20.0)]
        pace: f64,
        /// Keep the state when stopped, and go on with it next time.
        #[arg(long)]
        keep: bool,
    },
    /// Devnet, bridge, engine and agent together, each a process of its own: what `make run` starts.
    Demo(DemoArgs),
    /// Apply the database migrations.
    Migrate {
        /// `sqlite://file?mode=rwc` or `postgres://…`.
        #[arg(long, env = "DATABASE_URL", default_value = "sqlite://wherefore.db?mode=rwc")]
        database_url: String,
    },
    /// Proposal id, description hash and operation ids of a proposal in a JSON file (`-` reads standard input).
    Ids { file: PathBuf },
    /// Attributions of every row of a file, for a model of any format that is read here.
    Explain(ExplainArgs),
    /// Decision records as files: check one, or hand it in to a bridge.
    Decision {
        #[command(subcommand)]
        command: DecisionCommand,
    },
    /// Check a decision bundle offline, or a whole explanation log from outside. Exits 1 naming the first thing that is wrong.
    Verify {
        /// A bundle file (`-` reads standard input), or where a log is served, such as `http://127.0.0.1:3000/log`.
        target: String,
        /// The log's verifier key, from a source you trust. A bundle is checked against its own without it.
        #[arg(long)]
        vkey: Option<String>,
        /// A tlog-policy file from a source you trust: which witnesses must have cosigned the checkpoint, and how many.
        #[arg(long)]
        policy: Option<PathBuf>,
    },
    /// What auditors take away.
    Audit {
        #[command(subcommand)]
        command: AuditCommand,
    },
    /// The explanation log as its operator handles it: restore it, replace its key.
    Log {
        #[command(subcommand)]
        command: LogCommand,
    },
    /// A witness of logs, for a member to run: remembers what it saw and cosigns only what continues it.
    Witness(WitnessArgs),
    /// The embedded procedural engine: reads its parameters over OFREP and checks them against the chain.
    Engine(EngineArgs),
    /// A reference steward, which only uses the public API.
    Agent(AgentArgs),
}

/// A message for people and the exit code.
struct Failed(u8, String);

impl Failed {
    fn wrong(error: impl std::fmt::Display) -> Self {
        Self(WRONG, error.to_string())
    }

    fn unreachable(error: impl std::fmt::Display) -> Self {
        Self(UNREACHABLE, error.to_string())
    }
}

#[tokio::main]
async fn main() {
    let cli = Cli::parse();
    let filter = tracing_subscriber::EnvFilter::try_from_default_env()
        .unwrap_or_else(|_| "info,sqlx=warn,sea_orm_migration=warn,tower_sessions=warn".into());
    tracing_subscriber::fmt().with_env_filter(filter).with_target(false).with_writer(std::io::stderr).init();
    let code = match run(cli).await {
        Ok(()) => 0,
        Err(Failed(code, message)) => {
            eprintln!("wherefore: {message}");
            code
        }
    };
    // A supervised process still waits for its standard input to close, and the runtime would wait for that.
    std::process::exit(code.into());
}

async fn run(cli: Cli) -> Result<(), Failed> {
    match cli.command {
        Command::Serve { config } => serve(Config::load(&config).map_err(|error| Failed(USAGE, error.to_string()))?).await,
        Command::Devnet { dir, port, pace, keep } => devnet(dir, port, pace, keep, cli.json).await,
        Command::Demo(args) => server::demo::run(args).await.map_err(Failed::wrong),
        Command::Migrate { database_url } => {
            Store::open(&database_url)
                .await
                .map_err(|error| Failed::unreachable(format!("the database could not be migrated: {error}")))?;
            println!("{}", if cli.json { r#"{"migrated":true}"# } else { "The database is up to date." });
            Ok(())
        }
        Command::Ids { file } => ids(&file),
        Command::Explain(args) => explain(&args, cli.json),
        Command::Decision { command } => decision(command, cli.json).await,
        Command::Verify { target, vkey, policy } if target.starts_with("http://") || target.starts_with("https://") => {
            let vkey = vkey.ok_or_else(|| Failed(USAGE, "--vkey is needed: the log's verifier key, from a source you trust".into()))?;
            verify_log(&target, &vkey, policy.as_deref(), cli.json).await
        }
        Command::Verify { target, vkey, policy } => verify_bundle(&target, vkey.as_deref(), policy.as_deref(), cli.json),
        Command::Audit { command } => audit(command, cli.json).await,
        Command::Log { command } => {
            let told = server::log::commands::run(command, cli.json).await.map_err(|error| match error {
                CommandError::Usage(text) => Failed(USAGE, text),
                CommandError::Wrong(text) => Failed(WRONG, text),
                CommandError::Away(text) => Failed(UNREACHABLE, text),
            })?;
            println!("{told}");
            Ok(())
        }
        Command::Witness(args) => server::witness::run(args, cli.json).await.map_err(Failed::wrong),
        Command::Engine(args) => until_stopped(server::engine::run(args)).await.map_err(Failed::unreachable),
        Command::Agent(args) => until_stopped(server::agent::run(args)).await.map_err(Failed::unreachable),
    }
}

/// Runs a process that keeps nothing until it ends or is stopped.
async fn until_stopped<E>(work: impl Future<Output = Result<(), E>>) -> Result<(), E> {
    tokio::select! {
        done = work => done,
        () = server::stopped() => Ok(()),
    }
}

fn ids(file: &PathBuf) -> Result<(), Failed> {
    let text = if file.as_os_str() == "-" { std::io::read_to_string(std::io::stdin()) } else { std::fs::read_to_string(file) };
    let text = text.map_err(|error| Failed(USAGE, format!("{} could not be read: {error}", file.display())))?;
    let proposal: ProposalFile =
        serde_json::from_str(&text).map_err(|error| Failed::wrong(format!("{} is not a proposal: {error}", file.display())))?;
    let ids = proposal.ids().map_err(Failed::wrong)?;
    // JSON either way: it is made to be piped.
    println!("{}", serde_json::to_string_pretty(&ids).map_err(Failed::wrong)?);
    Ok(())
}

fn explain(args: &ExplainArgs, json: bool) -> Result<(), Failed> {
    match explain::run(args, json, &mut std::io::stdout().lock(), |remark| eprintln!("wherefore: {remark}")) {
        Ok(()) => Ok(()),
        // Whoever reads has seen enough, as with `| head`.
        Err(ExplainError::Output(error)) if error.kind() == std::io::ErrorKind::BrokenPipe => Ok(()),
        Err(ExplainError::Usage(text)) => Err(Failed(USAGE, text)),
        Err(other) => Err(Failed::wrong(other)),
    }
}

async fn decision(command: DecisionCommand, json: bool) -> Result<(), Failed> {
    let failed = |error: SubmitError| match error {
        SubmitError::Usage(text) => Failed(USAGE, text),
        SubmitError::Wrong(text) => Failed(WRONG, text),
        SubmitError::Away(text) => Failed(UNREACHABLE, text),
    };
    let wrong = match command {
        DecisionCommand::Check { file, model, background, registry } => {
            let checked = decision::check(&file, model.as_deref(), background.as_deref(), registry).map_err(failed)?;
            if json {
                println!("{}", serde_json::to_string(&checked).map_err(Failed::wrong)?);
            } else {
                print!("{}", decision::in_words(&checked));
            }
            checked.verification == VerificationState::Mismatch
        }
        DecisionCommand::Submit { file, bridge, model, background } => {
            let submitted = decision::submit(&file, &bridge, model.as_deref(), background.as_deref()).await.map_err(failed)?;
            if json {
                println!("{}", serde_json::to_string(&submitted).map_err(Failed::wrong)?);
            } else {
                let known = if submitted.new { "was taken in" } else { "was there already" };
                println!("Decision {} {known}, and is {}.\n{}", submitted.digest, submitted.verification, submitted.url);
            }
            submitted.verification == "mismatch"
        }
    };
    if wrong { Err(Failed(WRONG, "the decision does not hold".into())) } else { Ok(()) }
}

async fn verify_log(url: &str, vkey: &str, policy: Option<&std::path::Path>, json: bool) -> Result<(), Failed> {
    let report = server::verify::log(url, vkey, policy).await.map_err(|error| match error {
        VerifyError::Away { .. } => Failed::unreachable(error),
        VerifyError::Wrong(_) => Failed::wrong(error),
        VerifyError::Usage(text) => Failed(USAGE, text),
    })?;
    if json {
        println!("{}", serde_json::to_string(&report).map_err(Failed::wrong)?);
    } else {
        println!("The log holds: {} entries of {}, signed, with root {}.", report.size, report.origin, report.root);
    }
    Ok(())
}

fn verify_bundle(file: &str, vkey: Option<&str>, policy: Option<&std::path::Path>, json: bool) -> Result<(), Failed> {
    let report = server::verify::bundle(file, vkey, policy).map_err(|error| match error {
        VerifyError::Usage(text) => Failed(USAGE, text),
        other => Failed::wrong(other),
    })?;
    if json {
        println!("{}", serde_json::to_string(&report).map_err(Failed::wrong)?);
    } else {
        print!("{}", server::verify::in_words(&report));
    }
    match report.first_wrong() {
        Some(finding) => Err(Failed(WRONG, format!("the bundle does not hold: {}: {}", finding.about, finding.words))),
        None => Ok(()),
    }
}

async fn audit(command: AuditCommand, json: bool) -> Result<(), Failed> {
    let AuditCommand::Export { bridge, format, out } = command;
    let written = server::verify::export(&bridge, format, out.as_deref()).await.map_err(|error| match error {
        VerifyError::Usage(text) => Failed(USAGE, text),
        other => Failed::unreachable(other),
    })?;
    if let Some(out) = out {
        let words = format!("{written} bytes were written to {}.", out.display());
        println!("{}", if json { serde_json::json!({"bytes": written, "file": out}).to_string() } else { words });
    }
    Ok(())
}

async fn devnet(dir: PathBuf, port: u16, pace: f64, keep: bool, json: bool) -> Result<(), Failed> {
    let options = server::devnet::Options { dir, port, pace, anvil: None, keep };
    let mut running = server::devnet::start(options).await.map_err(Failed::unreachable)?;
    let deployment = serde_json::to_string_pretty(&running.deployment).map_err(Failed::wrong)?;
    if json {
        println!("{deployment}");
    } else {
        println!("The devnet runs.\n{deployment}\nStop it with Ctrl-C.");
    }
    tokio::select! {
        () = server::stopped() => {}
        status = running.ended() => return Err(Failed::unreachable(format!("Anvil ended by itself: {status}"))),
    }
    running.stop().await;
    Ok(())
}

async fn serve(config: Config) -> Result<(), Failed> {
    let listen = config.listen;
    let listener = tokio::net::TcpListener::bind(listen).await.map_err(|error| {
        Failed::unreachable(format!(
            "{listen} cannot be used: {error}. Stop what uses the port, or set another `listen` in the configuration."
        ))
    })?;
    let bridge = Bridge::open(config).await.map_err(|error| match error {
        // Whoever starts the bridge is told where the copy is, as no page tells.
        StartError::Log(server::log::LogError::ReadOnly(found)) => {
            Failed::wrong(format!("the explanation log is read-only: {}", found.for_operator()))
        }
        StartError::Log(error) if !matches!(error, server::log::LogError::Store(_)) => Failed::wrong(error),
        other => Failed::unreachable(other),
    })?;
    bridge.start().map_err(|error| Failed(USAGE, error.to_string()))?;
    tracing::info!("the bridge serves on http://{listen}");
    let app = web::router(bridge).into_make_service_with_connect_info::<std::net::SocketAddr>();
    axum::serve(listener, app).with_graceful_shutdown(stopped_soon()).await.map_err(Failed::wrong)
}

/// Open event streams never end by themselves, so stopping waits for them only a moment.
async fn stopped_soon() {
    server::stopped().await;
    tokio::spawn(async {
        tokio::time::sleep(std::time::Duration::from_millis(500)).await;
        std::process::exit(0);
    });
}
