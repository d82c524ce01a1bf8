//! A PostgreSQL server of a test's own, where its programs are installed.

use std::{
    os::unix::{fs::PermissionsExt, process::CommandExt},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
};

use tempfile::TempDir;

use crate::world::eventually;

pub struct Postgres {
    pub url: String,
    server: Child,
    _dir: TempDir,
}

impl Drop for Postgres {
    fn drop(&mut self) {
        // Its polite way to end at once; its workers go with it.
        let _ = Command::new("kill").args(["-INT", &self.server.id().to_string()]).status();
        let _ = self.server.wait();
    }
}

/// The newest installed version's programs.
fn programs() -> Option<PathBuf> {
    let mut found: Vec<PathBuf> = std::fs::read_dir("/usr/lib/postgresql")
        .ok()?
        .flatten()
        .map(|version| version.path().join("bin"))
        .filter(|bin| bin.join("initdb").is_file())
        .collect();
    found.sort();
    found.pop()
}

/// User and group to run as: PostgreSQL refuses to run as root.
fn somebody_else() -> Option<(u32, u32)> {
    let id = |flag: &str, user: &[&str]| -> Option<u32> {
        let answer = Command::new("id").arg(flag).args(user).output().ok()?;
        String::from_utf8(answer.stdout).ok()?.trim().parse().ok()
    };
    (id("-u", &[])? == 0).then(|| Some((id("-u", &["postgres"])?, id("-g", &["postgres"])?)))?
}

impl Postgres {
    /// Starts one, or says why there is none.
    pub async fn start() -> Option<Self> {
        let Some(programs) = programs() else {
            println!("skipped on PostgreSQL: no initdb in /usr/lib/postgresql/*/bin");
            return None;
        };
        let user = somebody_else();
        let dir = tempfile::tempdir().unwrap();
        let data = dir.path().join("data");
        std::fs::create_dir(&data).unwrap();
        std::fs::set_permissions(dir.path(), std::fs::Permissions::from_mode(0o755)).unwrap();
        if let Some((user, group)) = user {
            std::os::unix::fs::chown(&data, Some(user), Some(group)).unwrap();
        }
        let command = |program: &str| {
            let mut command = Command::new(programs.join(program));
            command.current_dir(&data).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
            if let Some((user, group)) = user {
                command.uid(user).gid(group);
            }
            command
        };
        let made =
            command("initdb").arg("-D").arg(&data).args(["-U", "bridge", "-A", "trust", "-E", "UTF8", "--no-sync"]).status().unwrap();
        assert!(made.success(), "initdb: {made}");
        let port = free_port();
        let mut server = command("postgres");
        server.arg("-D").arg(&data).arg("-k").arg(&data).args([
            "-p",
            &port.to_string(),
            "-c",
            "listen_addresses=127.0.0.1",
            "-c",
            "fsync=off",
        ]);
        let postgres = Self { url: format!("postgres://bridge@127.0.0.1:{port}/postgres"), server: server.spawn().unwrap(), _dir: dir };
        let ready = Path::new(&programs).join("pg_isready");
        eventually(async || {
            Command::new(&ready).args(["-q", "-h", "127.0.0.1", "-p", &port.to_string()]).status().unwrap().success().then_some(())
        })
        .await;
        Some(postgres)
    }
}

pub fn free_port() -> u16 {
    std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}
