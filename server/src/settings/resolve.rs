//! From what was written to what it means.

use std::net::{SocketAddr, ToSocketAddrs};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use spoor_collector::CollectorOptions;
use spoor_query::QueryOptions;
use spoor_query::language::RuleQueries;
use spoor_storage::{FixedRetention, StorageOptions};

use super::machine::Machine;
use super::nearest::nearest;
use super::problem::Problems;
use super::quantity;
use super::raw::RawSettings;
use super::text::Text;
use super::tokens::TokenSet;
use crate::logging::{LogFormat, LogSettings};

/// Settings that can be used as they are.
pub(crate) struct Settings {
    pub(crate) log: LogSettings,
    pub(crate) listen: Listen,
    pub(crate) tls: Option<TlsFiles>,
    pub(crate) access: Access,
    /// How long requests may go on after a signal to stop.
    pub(crate) shutdown_timeout: Duration,
    pub(crate) storage: StorageOptions,
    pub(crate) collector: CollectorOptions,
    pub(crate) query: QueryOptions,
}

/// The three addresses; port 0 lets the system choose.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Listen {
    pub(crate) otlp_grpc: SocketAddr,
    pub(crate) otlp_http: SocketAddr,
    pub(crate) http: SocketAddr,
}

/// Who may come in.
#[derive(Clone, Default)]
pub(crate) struct Access {
    pub(crate) ingest: TokenSet,
    pub(crate) read: TokenSet,
    /// For deleting, redacting, retention and pins.
    pub(crate) admin: TokenSet,
    /// Names in the `Host` header that are ours, besides `localhost` and IP addresses.
    pub(crate) hosts: Vec<String>,
}

impl Access {
    /// The tokens that readers may send: who may delete may read. Open if no read token is set.
    pub(crate) fn readers(&self) -> TokenSet {
        if self.read.is_open() {
            TokenSet::default()
        } else {
            self.read.with(&self.admin)
        }
    }
}

/// Where certificate and key are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct TlsFiles {
    pub(crate) cert: PathBuf,
    pub(crate) key: PathBuf,
}

impl Settings {
    /// Reads the settings file that `arguments` name, if they name one, and makes sense of it all.
    pub(crate) fn load(arguments: RawSettings) -> Result<Self, Problems> {
        let mut resolver = Resolver::default();
        let raw = match arguments.config.clone() {
            Some(path) => {
                let file = resolver.file(&path);
                arguments.or(file)
            }
            None => arguments.or(RawSettings::default()),
        };
        let settings = resolver.settings(raw, Machine::detect());
        resolver.problems.into_result().map(|()| settings)
    }

    /// The folder that holds all data.
    pub(crate) fn data_dir(&self) -> &Path {
        &self.storage.data_dir
    }
}

/// Takes note of everything that is wrong and goes on with the default.
#[derive(Default)]
pub(super) struct Resolver {
    pub(super) problems: Problems,
    /// Of the settings file.
    retention: Option<FixedRetention>,
}

impl Resolver {
    fn file(&mut self, path: &Path) -> RawSettings {
        let shown = path.display();
        let text = match std::fs::read_to_string(path) {
            Ok(text) => text,
            Err(error) => {
                self.problems.add(
                    format!("cannot read the settings file `{shown}`: {error}"),
                    "name a file that can be read with --config or SPOOR_CONFIG",
                );
                return RawSettings::default();
            }
        };
        match toml::from_str::<RawSettings>(&text) {
            Ok(raw) => {
                self.retention = raw
                    .retention
                    .as_ref()
                    .and_then(|raw| raw.resolve(path, &text, &mut self.problems));
                let names = RawSettings::names();
                for key in raw.unknown.keys() {
                    let what = format!("`{key}` in `{shown}` is not a setting");
                    let hint = match nearest(key, &names) {
                        Some(name) => format!("did you mean `{name}`?"),
                        None => "`spoor serve --help` lists the settings".to_owned(),
                    };
                    self.problems.add(what, hint);
                }
                raw
            }
            Err(error) => {
                let place = error.span().map(|span| {
                    let line = text
                        .bytes()
                        .take(span.start)
                        .filter(|&byte| byte == b'\n')
                        .count();
                    format!(" line {}", line + 1)
                });
                self.problems.add(
                    format!(
                        "the settings file `{shown}`{} is wrong: {}",
                        place.unwrap_or_default(),
                        error.message().trim()
                    ),
                    "settings are written as `name = \"value\"`",
                );
                RawSettings::default()
            }
        }
    }

    fn settings(&mut self, raw: RawSettings, machine: Machine) -> Settings {
        let log = self.log(raw.log_level.clone(), raw.log_format.as_ref());
        let listen = Listen {
            otlp_grpc: self.address("otlp_grpc_addr", raw.otlp_grpc_addr.clone(), 4317),
            otlp_http: self.address("otlp_http_addr", raw.otlp_http_addr.clone(), 4318),
            http: self.address("http_addr", raw.http_addr.clone(), 4320),
        };
        let access = Access {
            ingest: self.tokens(
                "ingest_token",
                &raw.ingest_token,
                raw.ingest_token_file.clone(),
            ),
            read: self.tokens("read_token", &raw.read_token, raw.read_token_file.clone()),
            admin: self.tokens(
                "admin_token",
                &raw.admin_token,
                raw.admin_token_file.clone(),
            ),
            hosts: self.hosts(&raw.allowed_host),
        };
        let open_door = self.value(
            "allow_unauthenticated",
            raw.allow_unauthenticated.clone(),
            quantity::switch,
            false,
        );
        if !open_door {
            self.refuse_strangers(&listen, &access);
        }

        Settings {
            log,
            listen,
            tls: self.tls(raw.tls_cert.clone(), raw.tls_key.clone()),
            access,
            shutdown_timeout: self.time(
                "shutdown_timeout",
                raw.shutdown_timeout.clone(),
                Duration::from_secs(10),
            ),
            storage: StorageOptions {
                retention: self.retention.take(),
                filters: Some(Arc::new(RuleQueries)),
                ..self.storage(raw.clone(), machine)
            },
            collector: self.collector(raw.clone()),
            query: self.query(raw, machine),
        }
    }

    /// The value of a setting, or its default if it is not set or wrong.
    pub(super) fn value<T>(
        &mut self,
        name: &str,
        text: Option<Text>,
        read: impl FnOnce(&str) -> Result<T, &'static str>,
        default: T,
    ) -> T {
        let Some(Text(text)) = text else {
            return default;
        };
        read(&text).unwrap_or_else(|hint| {
            self.problems.add(format!("`{name}` is `{text}`"), hint);
            default
        })
    }

    /// A size of memory that is not zero.
    pub(super) fn bytes(&mut self, name: &str, text: Option<Text>, default: u64) -> usize {
        let read = |text: &str| match usize::try_from(quantity::size(text)?) {
            Ok(0) => Err("it must be more than nothing"),
            Ok(bytes) => Ok(bytes),
            Err(_) => Err("that is more memory than can be addressed"),
        };
        self.value(
            name,
            text,
            read,
            usize::try_from(default).unwrap_or(usize::MAX),
        )
    }

    pub(super) fn count(&mut self, name: &str, text: Option<Text>, default: usize) -> usize {
        let read = |text: &str| match quantity::count(text)? {
            0 => Err("it must be at least 1"),
            count => Ok(count),
        };
        self.value(name, text, read, default)
    }

    pub(super) fn time(&mut self, name: &str, text: Option<Text>, default: Duration) -> Duration {
        let read = |text: &str| match quantity::duration(text)? {
            Duration::ZERO => Err("it must be more than nothing"),
            time => Ok(time),
        };
        self.value(name, text, read, default)
    }

    fn address(&mut self, name: &str, text: Option<Text>, port: u16) -> SocketAddr {
        let read = |text: &str| {
            let hint = "write an address and a port: `127.0.0.1:4318`, `localhost:4318`, `[::1]:4318`, `0.0.0.0:4318` for all addresses of this machine";
            if let Ok(address) = text.parse() {
                return Ok(address);
            }
            let mut found: Vec<_> = text.to_socket_addrs().map_err(|_| hint)?.collect();
            // `localhost` is both: most clients try IPv4 first.
            found.sort_by_key(SocketAddr::is_ipv6);
            found.into_iter().next().ok_or(hint)
        };
        self.value(name, text, read, SocketAddr::from(([127, 0, 0, 1], port)))
    }

    fn tokens(&mut self, name: &str, tokens: &[Text], file: Option<Text>) -> TokenSet {
        let mut set = TokenSet::default();
        for Text(token) in tokens {
            if let Err(what) = set.add(token) {
                let hint = "use letters, digits and punctuation, as `openssl rand -hex 32` makes";
                self.problems
                    .add(format!("a token of `{name}` {what}"), hint);
            }
        }
        if let Some(Text(file)) = file
            && let Err(what) = set.add_file(Path::new(&file))
        {
            self.problems.add(
                format!("`{name}_file` is `{file}`: {what}"),
                "name a file with one token a line",
            );
        }
        set
    }

    fn tls(&mut self, cert: Option<Text>, key: Option<Text>) -> Option<TlsFiles> {
        match (cert, key) {
            (Some(Text(cert)), Some(Text(key))) => Some(TlsFiles {
                cert: cert.into(),
                key: key.into(),
            }),
            (None, None) => None,
            (cert, _) => {
                let (given, missing) = if cert.is_some() {
                    ("tls_cert", "tls_key")
                } else {
                    ("tls_key", "tls_cert")
                };
                self.problems.add(
                    format!("`{given}` is set and `{missing}` is not"),
                    "TLS needs both a certificate and its private key",
                );
                None
            }
        }
    }

    fn hosts(&mut self, names: &[Text]) -> Vec<String> {
        let (good, wrong): (Vec<_>, Vec<_>) = names.iter().partition(|Text(name)| {
            url::Host::parse(name).is_ok_and(|host| host.to_string() == name.to_ascii_lowercase())
        });
        for Text(name) in wrong {
            self.problems.add(
                format!("`allowed_host` is `{name}`"),
                "write a host name without scheme, port and path, as `spoor.example`",
            );
        }
        good.into_iter().map(|Text(name)| name.clone()).collect()
    }

    pub(super) fn origins(&mut self, origins: Vec<Text>) -> Vec<String> {
        let mut good = Vec::with_capacity(origins.len());
        for Text(origin) in origins {
            let is_origin = url::Url::parse(&origin)
                .is_ok_and(|url| url.has_host() && url.origin().ascii_serialization() == origin);
            if origin == "*" || is_origin {
                good.push(origin);
            } else {
                self.problems.add(
                    format!("`cors_origin` is `{origin}`"),
                    "write scheme, host and port without a path, as `https://shop.example`, or `*`",
                );
            }
        }
        good
    }

    fn log(&mut self, level: Option<Text>, format: Option<&Text>) -> LogSettings {
        let format = match format.map(|Text(text)| text.as_str()) {
            None | Some("text") => LogFormat::Text,
            Some("json") => LogFormat::Json,
            Some(other) => {
                self.problems.add(
                    format!("`log_format` is `{other}`"),
                    "write `text` or `json`",
                );
                LogFormat::Text
            }
        };
        let filter = level.map(|Text(level)| level).filter(|level| {
            let wrong = LogSettings::check(level).err();
            if let Some(what) = &wrong {
                self.problems.add(
                    format!("`log_level` is `{level}`: {what}"),
                    "write `error`, `warn`, `info`, `debug` or `trace`, or a filter such as `info,spoor_storage=debug`",
                );
            }
            wrong.is_none()
        });
        LogSettings { filter, format }
    }

    /// Beyond this machine only with tokens: promise P6.
    fn refuse_strangers(&mut self, listen: &Listen, access: &Access) {
        let doors = [
            ("otlp_grpc_addr", listen.otlp_grpc, "ingest", &access.ingest),
            ("otlp_http_addr", listen.otlp_http, "ingest", &access.ingest),
            ("http_addr", listen.http, "read", &access.read),
        ];
        for (name, address, kind, tokens) in doors {
            if !address.ip().is_loopback() && tokens.is_open() {
                let flag = name.replace('_', "-");
                self.problems.add(
                    format!("--{flag} {address} can be reached from other machines and no {kind} token is set"),
                    format!(
                        "set --{kind}-token-file or SPOOR_{}_TOKEN; or say --allow-unauthenticated if whoever reaches the port may {}",
                        kind.to_uppercase(),
                        if kind == "ingest" { "write" } else { "read everything" },
                    ),
                );
            }
        }
    }
}
