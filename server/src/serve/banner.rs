//! What a user sees first: where to send what, where to look.

use std::io::Write;
use std::net::SocketAddr;

use crate::colour;
use crate::logging::LogFormat;
use crate::runfile::{RunFile, url_of};
use crate::settings::{Access, Settings};

/// Tells that the server is ready; to a log collector in one event, to people in a few lines.
pub(super) fn show(settings: &Settings, server: &RunFile) {
    if settings.log.format == LogFormat::Json {
        tracing::info!(
            version = server.version,
            data_dir = %settings.data_dir().display(),
            otlp_grpc_addr = %server.otlp_grpc_addr,
            otlp_http_addr = %server.otlp_http_addr,
            http_addr = %server.http_addr,
            tls = server.tls,
            "ready"
        );
        return;
    }
    let data_dir = settings.data_dir().display().to_string();
    let text = render(
        server,
        &data_dir,
        &settings.access,
        colour::suits(&std::io::stderr()),
    );
    // A banner that cannot be shown is no reason not to serve.
    drop(std::io::stderr().write_all(text.as_bytes()));
}

fn render(server: &RunFile, data_dir: &str, access: &Access, colour: bool) -> String {
    let (title, dim, link, end) = if colour {
        ("\x1b[1;35m", "\x1b[2m", "\x1b[1;36m", "\x1b[0m")
    } else {
        ("", "", "", "")
    };
    let address = |address: SocketAddr| {
        let everywhere = if address.ip().is_unspecified() {
            " and all other addresses of this machine"
        } else {
            ""
        };
        format!(
            "{link}{}{end}{dim}{everywhere}{end}",
            url_of(address, server.tls)
        )
    };
    let demo = match url_of(server.otlp_http_addr, server.tls).as_str() {
        "http://127.0.0.1:4318" => "spoor demo".to_owned(),
        url => format!("spoor demo --endpoint {url}"),
    };
    let lines = [
        ("look", "UI and API", address(server.http_addr)),
        ("send", "OTLP/gRPC ", address(server.otlp_grpc_addr)),
        ("", "OTLP/HTTP ", address(server.otlp_http_addr)),
        ("data", "", data_dir.to_owned()),
        ("access", "", access_line(access).to_owned()),
        ("try", "", format!("{demo} {dim}(in another terminal){end}")),
    ];
    let lines = lines
        .into_iter()
        .map(|(label, what, value)| {
            let gap = if what.is_empty() { "" } else { "  " };
            format!("  {dim}{label:<8}{end}{what}{gap}{value}\n")
        })
        .collect::<Vec<_>>()
        .concat();
    format!(
        "\n  {title}spoor{end} {dim}{}{end}\n\n{lines}\n",
        server.version
    )
}

fn access_line(access: &Access) -> &'static str {
    match (access.ingest.is_open(), access.read.is_open()) {
        (true, true) => "whoever reaches the addresses may write and read; no tokens are set",
        (false, true) => "writers need a token; readers do not",
        (true, false) => "readers need a token; writers do not",
        (false, false) => "writers and readers need a token",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn server() -> RunFile {
        RunFile {
            pid: 1,
            version: "0.1.0".to_owned(),
            otlp_grpc_addr: ([127, 0, 0, 1], 4317).into(),
            otlp_http_addr: ([0, 0, 0, 0], 4318).into(),
            http_addr: ([127, 0, 0, 1], 4320).into(),
            tls: true,
        }
    }

    #[test]
    fn plain_when_it_is_not_for_a_terminal() {
        let text = render(&server(), "./data", &Access::default(), false);
        assert!(!text.contains('\x1b'));
        assert!(
            text.contains("look    UI and API  https://127.0.0.1:4320\n"),
            "{text}"
        );
        assert!(
            text.contains("https://127.0.0.1:4318 and all other addresses"),
            "{text}"
        );
        assert!(
            text.contains("spoor demo --endpoint https://127.0.0.1:4318 "),
            "{text}"
        );
        assert!(render(&server(), "./data", &Access::default(), true).contains("\x1b["));
    }
}
