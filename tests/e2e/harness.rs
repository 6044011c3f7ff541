//! Runs the real binary: in a folder of its own, on free ports, never longer than its test.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Output, Stdio};
use std::sync::Once;
use std::time::{Duration, Instant};

use serde_json::Value;
use tempfile::TempDir;

use crate::api::Api;
use crate::otlp::Otlp;

/// How long a start, a stop or a command may take on a busy machine before the test gives up.
const PATIENCE: Duration = Duration::from_mins(3);
const POLL: Duration = Duration::from_millis(15);

/// A `spoor` command that inherits no settings from the machine it runs on.
pub(crate) fn spoor() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_spoor"));
    for (name, _) in std::env::vars_os() {
        if name.to_string_lossy().starts_with("SPOOR_") {
            command.env_remove(name);
        }
    }
    command
}

/// Runs `spoor` with `arguments` to its end.
pub(crate) fn run(arguments: &[&str]) -> Output {
    spoor()
        .args(arguments)
        .stdin(Stdio::null())
        .output()
        .unwrap()
}

/// Runs `spoor` and insists that it succeeds; gives its standard output.
pub(crate) fn run_ok(arguments: &[&str]) -> String {
    let output = run(arguments);
    let stdout = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(
        output.status.success(),
        "`spoor {}` ended with {}\n{stdout}\n{}",
        arguments.join(" "),
        output.status,
        String::from_utf8_lossy(&output.stderr),
    );
    stdout
}

/// reqwest and tonic are built without a crypto provider of their own; both need one to start.
pub(crate) fn install_crypto() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        rustls::crypto::ring::default_provider()
            .install_default()
            .unwrap();
    });
}

/// A data directory that outlives the servers that use it.
pub(crate) struct Home {
    folder: TempDir,
}

impl Home {
    pub(crate) fn new() -> Self {
        Self {
            folder: tempfile::Builder::new()
                .prefix("spoor-e2e-")
                .tempdir()
                .unwrap(),
        }
    }

    pub(crate) fn data_dir(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    /// A place for other files of the test.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(crate) async fn serve(&self) -> Server {
        self.serve_with(&[]).await
    }

    /// Starts `spoor serve` with more flags and waits until it is ready.
    pub(crate) async fn serve_with(&self, flags: &[&str]) -> Server {
        let mut server = self.launch(flags);
        server.wait_until_ready(&self.data_dir()).await;
        server
    }

    /// Starts `spoor serve` and does not wait.
    pub(crate) fn launch(&self, flags: &[&str]) -> Server {
        install_crypto();
        let log_path = self.path(&format!("server-{}.log", next_number()));
        let log = File::create(&log_path).unwrap();
        let child = spoor()
            .arg("serve")
            .arg("--data-dir")
            .arg(self.data_dir())
            .args(["--otlp-grpc-addr", "127.0.0.1:0"])
            .args(["--otlp-http-addr", "127.0.0.1:0"])
            .args(["--http-addr", "127.0.0.1:0"])
            .args(flags)
            .stdin(Stdio::null())
            .stdout(log.try_clone().unwrap())
            .stderr(log)
            .spawn()
            .unwrap();
        Server {
            child,
            log_path,
            addresses: Value::Null,
        }
    }

    /// `spoor check` finds nothing wrong.
    pub(crate) fn assert_clean(&self) {
        let report = run_ok(&["check", "--data-dir", self.data_dir().to_str().unwrap()]);
        assert!(
            !report.trim().is_empty(),
            "`spoor check` says what it looked at"
        );
    }

    /// Every file below the data directory whose name ends in `suffix`.
    pub(crate) fn files(&self, suffix: &str) -> Vec<PathBuf> {
        let mut found = Vec::new();
        let mut open = vec![self.data_dir()];
        while let Some(folder) = open.pop() {
            let Ok(entries) = std::fs::read_dir(folder) else {
                continue;
            };
            for entry in entries {
                let path = entry.unwrap().path();
                if path.is_dir() {
                    open.push(path);
                } else if path.to_string_lossy().ends_with(suffix) {
                    found.push(path);
                }
            }
        }
        found
    }
}

/// Different each time in one process; log files are never shared between two servers.
fn next_number() -> usize {
    use std::sync::atomic::{AtomicUsize, Ordering};
    static NEXT: AtomicUsize = AtomicUsize::new(0);
    NEXT.fetch_add(1, Ordering::Relaxed)
}

/// A running `spoor serve`; killed when dropped.
pub(crate) struct Server {
    child: Child,
    log_path: PathBuf,
    addresses: Value,
}

impl Server {
    /// The API without credentials.
    pub(crate) fn api(&self) -> Api {
        Api::new(format!("http://{}", self.address("http_addr")))
    }

    /// The receivers without credentials.
    pub(crate) fn otlp(&self) -> Otlp {
        Otlp::new(
            format!("http://{}", self.address("otlp_http_addr")),
            format!("http://{}", self.address("otlp_grpc_addr")),
        )
    }

    /// One of `otlp_grpc_addr`, `otlp_http_addr`, `http_addr` as `host:port`.
    pub(crate) fn address(&self, name: &str) -> String {
        self.addresses[name]
            .as_str()
            .unwrap_or_else(|| panic!("no `{name}`"))
            .to_owned()
    }

    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// What it has printed so far.
    pub(crate) fn log(&self) -> String {
        std::fs::read_to_string(&self.log_path).unwrap()
    }

    /// Peak resident memory in bytes, where the system tells (Linux).
    pub(crate) fn peak_memory_bytes(&self) -> Option<u64> {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.pid())).ok()?;
        let line = status.lines().find(|line| line.starts_with("VmHWM:"))?;
        let kib: u64 = line.split_whitespace().nth(1)?.parse().ok()?;
        Some(kib * 1024)
    }

    /// `kill -9`.
    pub(crate) fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// Asks it to stop as a supervisor would.
    pub(crate) fn signal(&self, name: &str) {
        let status = Command::new("kill")
            .args([name, &self.pid().to_string()])
            .status()
            .unwrap();
        assert!(status.success());
    }

    /// SIGTERM, then the exit status.
    pub(crate) async fn stop(mut self) -> ExitStatus {
        self.signal("-TERM");
        let status = self.exited().await;
        assert!(
            status.success(),
            "ended with {status} after SIGTERM:\n{}",
            self.log()
        );
        status
    }

    /// Waits for the process to end by itself.
    pub(crate) async fn exited(&mut self) -> ExitStatus {
        let deadline = Instant::now() + PATIENCE;
        loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                return status;
            }
            assert!(Instant::now() < deadline, "still running:\n{}", self.log());
            tokio::time::sleep(POLL).await;
        }
    }

    pub(crate) fn is_running(&mut self) -> bool {
        self.child.try_wait().unwrap().is_none()
    }

    /// Until `spoor.json` of this very process is there and `/readyz` says 200.
    async fn wait_until_ready(&mut self, data_dir: &Path) {
        let deadline = Instant::now() + PATIENCE;
        let file = data_dir.join("spoor.json");
        loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                panic!("ended with {status} before it was ready:\n{}", self.log());
            }
            assert!(
                Instant::now() < deadline,
                "not ready in time:\n{}",
                self.log()
            );
            if let Some(addresses) = read_addresses(&file, self.pid()) {
                self.addresses = addresses;
                if self.addresses["tls"] == Value::Bool(true) || self.api().is_ready().await {
                    return;
                }
            }
            tokio::time::sleep(POLL).await;
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if self.child.kill().is_ok() {
            self.child.wait().unwrap();
        }
        if std::thread::panicking() {
            eprintln!("--- the server's log\n{}", self.log());
        }
    }
}

/// The file of an earlier, killed process is not ours: its pid is another.
fn read_addresses(file: &Path, pid: u32) -> Option<Value> {
    let text = std::fs::read_to_string(file).ok()?;
    let addresses: Value = serde_json::from_str(&text).ok()?;
    (addresses["pid"] == pid).then_some(addresses)
}
