//! The three listening sockets and the servers on them.

use std::net::{SocketAddr, TcpListener};
use std::time::Duration;

use anyhow::Context;
use axum::Router;
use axum_server::accept::{DefaultAcceptor, NoDelayAcceptor};
use axum_server::tls_rustls::{RustlsAcceptor, RustlsConfig};
use axum_server::{Handle, Server};
use tokio::task::JoinSet;

use crate::failure::Hinted;
use crate::runfile::RunFile;
use crate::settings::{Listen, Problems, TlsFiles};

/// How long a client may take to send the head of a request, idle time between requests included.
const HEAD_TIMEOUT: Duration = Duration::from_secs(75);
/// HTTP/2: how often a silent connection is asked whether it is still there, and how long it may
/// take to answer.
const PING_INTERVAL: Duration = Duration::from_secs(30);
const PING_TIMEOUT: Duration = Duration::from_secs(20);
/// HTTP/2: bytes a client may send ahead, for one request and for a connection. hyper's 1 MiB makes
/// large requests wait for the round trip.
const STREAM_WINDOW: u32 = 4 << 20;
const CONNECTION_WINDOW: u32 = 16 << 20;

/// Sockets that are bound and not served yet.
pub(super) struct Bound {
    otlp_grpc: TcpListener,
    otlp_http: TcpListener,
    http: TcpListener,
}

impl Bound {
    /// Takes all three addresses. Errors with every address that cannot be had.
    pub(super) fn bind(listen: &Listen) -> Result<Self, Problems> {
        let mut problems = Problems::of_machine();
        let mut take = |flag: &str, address: SocketAddr| match TcpListener::bind(address) {
            Ok(listener) => Some(listener),
            Err(error) => {
                let hint = if error.kind() == std::io::ErrorKind::AddrInUse {
                    format!(
                        "another program listens there, perhaps a spoor or an OpenTelemetry Collector: stop it, or choose another address with --{flag} (port 0 takes any free one)"
                    )
                } else {
                    format!("choose another address with --{flag}")
                };
                problems.add(
                    format!("cannot listen on {address} (--{flag}): {error}"),
                    hint,
                );
                None
            }
        };
        let otlp_grpc = take("otlp-grpc-addr", listen.otlp_grpc);
        let otlp_http = take("otlp-http-addr", listen.otlp_http);
        let http = take("http-addr", listen.http);
        match (otlp_grpc, otlp_http, http) {
            (Some(otlp_grpc), Some(otlp_http), Some(http)) => Ok(Self {
                otlp_grpc,
                otlp_http,
                http,
            }),
            _ => Err(problems),
        }
    }

    /// Where we listen, with the ports that the system chose.
    pub(super) fn runfile(&self, tls: bool) -> std::io::Result<RunFile> {
        Ok(RunFile {
            pid: std::process::id(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            otlp_grpc_addr: self.otlp_grpc.local_addr()?,
            otlp_http_addr: self.otlp_http.local_addr()?,
            http_addr: self.http.local_addr()?,
            tls,
        })
    }
}

/// Reads certificate and key.
pub(super) async fn load_tls(files: &TlsFiles) -> anyhow::Result<RustlsConfig> {
    RustlsConfig::from_pem_file(&files.cert, &files.key)
        .await
        .with_context(|| {
            Hinted::new(
                format!(
                    "cannot use the certificate `{}` with the key `{}`",
                    files.cert.display(),
                    files.key.display()
                ),
                "both must be PEM files: the certificate first and then its issuers, and the key that belongs to it",
            )
        })
}

/// Servers at work.
pub(super) struct Running {
    handles: Vec<Handle<SocketAddr>>,
    servers: JoinSet<std::io::Result<()>>,
}

impl Running {
    /// Starts to serve on all three.
    pub(super) fn start(
        bound: Bound,
        otlp_grpc: Router,
        otlp_http: Router,
        http: Router,
        tls: Option<RustlsConfig>,
    ) -> std::io::Result<Self> {
        let mut running = Self {
            handles: Vec::new(),
            servers: JoinSet::new(),
        };
        running.serve(bound.otlp_grpc, otlp_grpc, tls.clone())?;
        running.serve(bound.otlp_http, otlp_http, tls.clone())?;
        running.serve(bound.http, http, tls)?;
        Ok(running)
    }

    fn serve(
        &mut self,
        listener: TcpListener,
        router: Router,
        tls: Option<RustlsConfig>,
    ) -> std::io::Result<()> {
        let handle = Handle::new();
        self.handles.push(handle.clone());
        let mut server = axum_server::from_tcp(listener)?.handle(handle);
        tune(&mut server);
        let router = router.layer(tower_http::catch_panic::CatchPanicLayer::new());
        let service = router.into_make_service_with_connect_info::<SocketAddr>();
        match tls {
            Some(config) => {
                let acceptor = RustlsAcceptor::new(config).acceptor(NoDelayAcceptor::new());
                self.servers.spawn(server.acceptor(acceptor).serve(service));
            }
            None => {
                self.servers
                    .spawn(server.acceptor(NoDelayAcceptor::new()).serve(service));
            }
        }
        Ok(())
    }

    /// Waits until a server ends by itself, which it should not.
    pub(super) async fn ended(&mut self) -> anyhow::Error {
        match self.servers.join_next().await {
            Some(Ok(Err(error))) => anyhow::Error::from(error).context("a listener failed"),
            Some(Err(error)) => anyhow::Error::from(error).context("a listener failed"),
            Some(Ok(Ok(()))) | None => anyhow::anyhow!("a listener ended"),
        }
    }

    /// Takes no more connections, lets requests under way go on for `patience`, and returns when
    /// all connections are closed.
    pub(super) async fn stop(mut self, patience: Duration) {
        for handle in &self.handles {
            handle.graceful_shutdown(Some(patience));
        }
        while let Some(ended) = self.servers.join_next().await {
            if let Err(error) = ended.map_err(std::io::Error::other).flatten() {
                tracing::warn!(%error, "a listener did not end well");
            }
        }
    }
}

fn tune(server: &mut Server<SocketAddr, DefaultAcceptor>) {
    let builder = server.http_builder();
    builder.http1().header_read_timeout(HEAD_TIMEOUT);
    builder
        .http2()
        .initial_stream_window_size(STREAM_WINDOW)
        .initial_connection_window_size(CONNECTION_WINDOW)
        .keep_alive_interval(PING_INTERVAL)
        .keep_alive_timeout(PING_TIMEOUT);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_busy_address_is_told_with_its_flag() {
        let taken = TcpListener::bind("127.0.0.1:0").unwrap();
        let busy = taken.local_addr().unwrap();
        let free = SocketAddr::from(([127, 0, 0, 1], 0));
        let listen = Listen {
            otlp_grpc: busy,
            otlp_http: free,
            http: busy,
        };
        let problems = Bound::bind(&listen).err().unwrap();
        let told: Vec<_> = problems.iter().collect();
        assert_eq!(told.len(), 2);
        assert!(told[0].what.contains("--otlp-grpc-addr") && told[1].what.contains("--http-addr"));
        assert!(told[0].hint.contains("another program"));
    }
}
