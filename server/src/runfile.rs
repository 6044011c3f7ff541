//! `spoor.json` in the data directory: where the server that holds the directory listens.
//!
//! Written when the server is ready and removed when it stops; a server that was killed leaves it
//! behind, so a reader must be ready to find nobody there.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

const NAME: &str = "spoor.json";

/// What a running server tells about itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct RunFile {
    /// Its process.
    pub(crate) pid: u32,
    /// Its version.
    pub(crate) version: String,
    /// Where OTLP/gRPC listens, with the real port.
    pub(crate) otlp_grpc_addr: SocketAddr,
    /// Where OTLP/HTTP listens.
    pub(crate) otlp_http_addr: SocketAddr,
    /// Where the UI and the API listen.
    pub(crate) http_addr: SocketAddr,
    /// Whether all three speak TLS.
    pub(crate) tls: bool,
}

impl RunFile {
    /// Replaces the file of `data_dir` in one step: a reader sees the old one or the new one.
    pub(crate) fn write(&self, data_dir: &Path) -> io::Result<()> {
        let temporary = data_dir.join(format!("{NAME}.{}", self.pid));
        let mut text = serde_json::to_vec_pretty(self)?;
        text.push(b'\n');
        std::fs::write(&temporary, text)?;
        std::fs::rename(&temporary, path(data_dir))
    }

    /// Removes the file of `data_dir`, if there is one.
    pub(crate) fn remove(data_dir: &Path) -> io::Result<()> {
        match std::fs::remove_file(path(data_dir)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        }
    }

    /// Removes the file of a server that is gone: a reader that waits for this one to be ready
    /// must not take the old addresses for ours.
    pub(crate) fn remove_stale(data_dir: &Path) {
        if let Some(old) = Self::read(data_dir)
            && !old.is_alive()
            && let Err(error) = Self::remove(data_dir)
        {
            tracing::warn!(%error, "cannot remove the {NAME} of a server that is gone");
        }
    }

    /// The file of `data_dir`, if there is a readable one.
    pub(crate) fn read(data_dir: &Path) -> Option<Self> {
        let text = std::fs::read(path(data_dir)).ok()?;
        serde_json::from_slice(&text).ok()
    }

    /// The server that runs on `data_dir`, if there is one.
    pub(crate) fn running(data_dir: &Path) -> Option<Self> {
        Self::read(data_dir).filter(Self::is_alive)
    }

    /// Whether the process is there. In a container every server is process 1, so our own number
    /// means an earlier one.
    fn is_alive(&self) -> bool {
        let Some(pid) = i32::try_from(self.pid)
            .ok()
            .and_then(rustix::process::Pid::from_raw)
        else {
            return false;
        };
        self.pid != std::process::id()
            && match rustix::process::test_kill_process(pid) {
                Ok(()) => true,
                Err(error) => error == rustix::io::Errno::PERM,
            }
    }

    /// The base address of the UI and the API, for a client on this machine.
    pub(crate) fn http_url(&self) -> String {
        url_of(self.http_addr, self.tls)
    }

    /// The base address of OTLP/HTTP, for a client on this machine.
    pub(crate) fn otlp_http_url(&self) -> String {
        url_of(self.otlp_http_addr, self.tls)
    }
}

/// The address a client on this machine uses for a listener.
pub(crate) fn url_of(address: SocketAddr, tls: bool) -> String {
    let ip = match address.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(ip) if ip.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
        ip => ip,
    };
    let scheme = if tls { "https" } else { "http" };
    format!("{scheme}://{}", SocketAddr::new(ip, address.port()))
}

fn path(data_dir: &Path) -> PathBuf {
    data_dir.join(NAME)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(pid: u32) -> RunFile {
        RunFile {
            pid,
            version: "1.2.3".to_owned(),
            otlp_grpc_addr: ([127, 0, 0, 1], 1).into(),
            otlp_http_addr: ([0, 0, 0, 0], 2).into(),
            http_addr: (Ipv6Addr::LOCALHOST, 3).into(),
            tls: false,
        }
    }

    #[test]
    fn a_file_of_a_server_that_is_gone_is_not_believed() {
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(RunFile::running(folder.path()), None);
        // Process numbers end at 2^22.
        file(i32::MAX as u32).write(folder.path()).unwrap();
        assert!(RunFile::read(folder.path()).is_some());
        assert_eq!(RunFile::running(folder.path()), None);
        RunFile::remove_stale(folder.path());
        assert_eq!(RunFile::read(folder.path()), None);

        let alive = file(std::os::unix::process::parent_id());
        alive.write(folder.path()).unwrap();
        RunFile::remove_stale(folder.path());
        assert_eq!(RunFile::running(folder.path()), Some(alive));
        RunFile::remove(folder.path()).unwrap();
        RunFile::remove(folder.path()).unwrap();
    }

    #[test]
    fn clients_connect_to_loopback_where_the_server_listens_everywhere() {
        assert_eq!(file(1).otlp_http_url(), "http://127.0.0.1:2");
        assert_eq!(file(1).http_url(), "http://[::1]:3");
    }
}
