//! A PostgreSQL server of the tests' own: started in a temporary folder on a free port, and stopped when this process ends, however it ends.

use std::net::TcpListener;
use std::os::unix::fs::chown;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;

use tempfile::TempDir;

pub struct Server {
    folder: PathBuf,
    programs: PathBuf,
    /// Whom it runs as; a server refuses to run as root.
    user: Option<(u32, u32)>,
    pub port: u16,
    /// Stops the server when this end of its pipe is closed.
    _watch: Child,
}

/// The server that tests share, a database for each. `None` where none can be started: said loudly.
pub fn shared() -> Option<&'static Server> {
    static SERVER: OnceLock<Result<Server, String>> = OnceLock::new();
    available(SERVER.get_or_init(|| Server::start("")).as_ref())
}

/// A server for a test that stops it, or needs it to be set up in another way.
pub fn own(settings: &str) -> Option<Server> {
    available(Server::start(settings))
}

fn available<T>(server: Result<T, impl std::fmt::Display>) -> Option<T> {
    match server {
        Ok(server) => Some(server),
        Err(why) => {
            eprintln!("\nNOT RUN: the ledger was not tested on PostgreSQL: {why}\n");
            None
        }
    }
}

impl Server {
    fn start(settings: &str) -> Result<Self, String> {
        let programs = programs()?;
        let user = (run(Command::new("id").arg("-u"))? == "0").then(postgres_user).transpose()?;
        let folder = TempDir::new().map_err(|error| error.to_string())?.keep();
        if let Some((uid, gid)) = user {
            chown(&folder, Some(uid), Some(gid)).map_err(|error| error.to_string())?;
        }
        // Its own group: what a terminal sends to this process is not for it.
        let watch = Command::new("sh")
            .args([
                "-c",
                "read -r end; pid=$(head -n 1 \"$0/data/postmaster.pid\") && kill -INT \"$pid\" && while kill -0 \"$pid\"; do sleep 0.1; done; rm -rf \"$0\"",
            ])
            .arg(&folder)
            .process_group(0)
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .map_err(|error| format!("sh: {error}"))?;
        let mut server = Self { folder, programs, user, port: 0, _watch: watch };
        server.program("initdb", &["-A", "trust", "-U", "takings", "-E", "UTF8", "--locale=C", "--no-sync", "-D", &server.data()])?;
        let access = "local all all trust\nhost all guarded 127.0.0.1/32 scram-sha-256\nhost all all 127.0.0.1/32 trust\n";
        std::fs::write(server.folder.join("data/pg_hba.conf"), access).map_err(|error| error.to_string())?;
        if settings.contains("ssl=on") {
            server.make_certificate()?;
        }
        let mut tries = 1;
        loop {
            server.port = free_port()?;
            let options = format!("-p {} -k {} -c listen_addresses=127.0.0.1 -c fsync=off {settings}", server.port, server.folder.display());
            match server.program("pg_ctl", &["-D", &server.data(), "-l", &server.path("log"), "-o", &options, "-w", "start"]) {
                Ok(_) => return Ok(server),
                // Somebody else may have taken the port.
                Err(why) if tries == 3 => return Err(format!("{why}\n{}", std::fs::read_to_string(server.folder.join("log")).unwrap_or_default())),
                Err(_) => tries += 1,
            }
        }
    }

    /// Stops it and starts it again. `how`: fast, or immediate, as after a crash.
    pub fn restart(&self, how: &str) {
        self.program("pg_ctl", &["-D", &self.data(), "-l", &self.path("log"), "-m", how, "-w", "restart"]).unwrap();
    }

    pub fn url(&self, database: &str) -> String {
        format!("postgres://takings@127.0.0.1:{}/{database}", self.port)
    }

    /// Runs SQL in a database. It may be called where nothing can be awaited.
    pub fn sql(&self, database: &str, sql: &str) -> String {
        self.program("psql", &["-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", "-d", &self.url(database), "-c", sql]).unwrap()
    }

    pub fn certificate(&self) -> String {
        self.path("data/server.crt")
    }

    fn make_certificate(&self) -> Result<(), String> {
        let (key, certificate) = (self.path("data/server.key"), self.certificate());
        run(self.as_user(Command::new("openssl")).args(["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=127.0.0.1"]).args([
            "-addext",
            "basicConstraints=critical,CA:FALSE",
            "-addext",
            "subjectAltName=IP:127.0.0.1",
            "-keyout",
            &key,
            "-out",
            &certificate,
        ]))
        .map(drop)
    }

    fn data(&self) -> String {
        self.path("data")
    }

    fn path(&self, name: &str) -> String {
        self.folder.join(name).display().to_string()
    }

    fn program(&self, name: &str, arguments: &[&str]) -> Result<String, String> {
        run(self.as_user(Command::new(self.programs.join(name))).current_dir(&self.folder).args(arguments))
    }

    fn as_user(&self, mut command: Command) -> Command {
        if let Some((uid, gid)) = self.user {
            command.uid(uid).gid(gid).env("HOME", &self.folder);
        }
        command
    }
}

/// The folder of the newest installed server; Debian's package is installed where there is none.
fn programs() -> Result<PathBuf, String> {
    if let Some(found) = installed() {
        return Ok(found);
    }
    let install = run(Command::new("apt-get").args(["install", "-y", "--no-install-recommends", "postgresql"]).env("DEBIAN_FRONTEND", "noninteractive"));
    installed().ok_or_else(|| format!("it is not installed, and `apt-get install -y postgresql` did not help: {}", install.err().unwrap_or_default()))
}

fn installed() -> Option<PathBuf> {
    let version = |folder: &Path| folder.file_name().and_then(|name| name.to_str()?.parse::<u32>().ok());
    let folders = std::fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten().map(|entry| entry.path());
    let newest = folders.filter(|folder| folder.join("bin/initdb").exists()).max_by_key(|folder| version(folder)).map(|folder| folder.join("bin"));
    newest.or_else(|| run(Command::new("pg_config").arg("--bindir")).ok().map(PathBuf::from).filter(|folder| folder.join("initdb").exists()))
}

fn postgres_user() -> Result<(u32, u32), String> {
    let id = |which| run(Command::new("id").args([which, "postgres"]))?.parse::<u32>().map_err(|error| error.to_string());
    Ok((id("-u")?, id("-g")?))
}

fn free_port() -> Result<u16, String> {
    let listener = TcpListener::bind("127.0.0.1:0").map_err(|error| error.to_string())?;
    Ok(listener.local_addr().map_err(|error| error.to_string())?.port())
}

fn run(command: &mut Command) -> Result<String, String> {
    let name = command.get_program().to_string_lossy().into_owned();
    let output = command.stdin(Stdio::null()).output().map_err(|error| format!("{name}: {error}"))?;
    if output.status.success() {
        Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
    } else {
        Err(format!("{name}: {}", String::from_utf8_lossy(&output.stderr).trim()))
    }
}
