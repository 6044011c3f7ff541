//! An HTTP client for a Spoor server: the one that `--url` names, or the one that holds the data
//! directory.

use std::time::Duration;

use anyhow::Context;
use reqwest::{Client, Response};
use spoor_storage::TenantId;
use url::Url;

use crate::failure::Hinted;
use crate::runfile::RunFile;

const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// A server to talk to.
#[derive(Debug, Clone)]
pub(crate) struct Server {
    client: Client,
    base: Url,
    /// Whose data is asked for or sent, if that was said.
    tenant: Option<TenantId>,
}

impl Server {
    /// The server at `base`, whose certificate must be good.
    pub(crate) fn at(base: Url) -> anyhow::Result<Self> {
        if !matches!(base.scheme(), "http" | "https") || !base.has_host() {
            let hint = "write it as `http://127.0.0.1:4320`";
            return Err(
                Hinted::new(format!("`{base}` is not the address of a server"), hint).into(),
            );
        }
        Self::new(base, false)
    }

    /// The server that wrote a `spoor.json`, at one of its addresses. Its certificate is made out
    /// to the name by which others know it, not to the loopback address by which we reach it; who
    /// can write to the data directory has no need to pose as its server.
    pub(crate) fn of(runfile: &RunFile, address: &str) -> anyhow::Result<Self> {
        let is_here =
            runfile.http_addr.ip().is_loopback() || runfile.http_addr.ip().is_unspecified();
        Self::new(address.parse()?, runfile.tls && is_here)
    }

    fn new(base: Url, any_certificate: bool) -> anyhow::Result<Self> {
        let client = Client::builder()
            .connect_timeout(CONNECT_TIMEOUT)
            .danger_accept_invalid_certs(any_certificate)
            // A proxy of the environment is for the outside world.
            .no_proxy()
            .build()
            .context("cannot set up an HTTP client")?;
        Ok(Self {
            client,
            base,
            tenant: None,
        })
    }

    /// The same server, asked about this tenant; `None` leaves the choice to it.
    pub(crate) fn of_tenant(mut self, tenant: Option<TenantId>) -> Self {
        self.tenant = tenant;
        self
    }

    /// Where it is.
    pub(crate) fn base(&self) -> &Url {
        &self.base
    }

    /// A POST to `path` below the base address, with `token` if there is one.
    pub(crate) fn post(&self, path: &str, token: Option<&str>) -> reqwest::RequestBuilder {
        self.request(reqwest::Method::POST, path, token)
    }

    /// A request of any method.
    pub(crate) fn request(
        &self,
        method: reqwest::Method,
        path: &str,
        token: Option<&str>,
    ) -> reqwest::RequestBuilder {
        let mut url = self.base.clone();
        let folder = url.path().trim_end_matches('/').to_owned();
        url.set_path(&format!("{folder}{path}"));
        let mut request = self.client.request(method, url);
        if let Some(tenant) = &self.tenant {
            request = request.header(TenantId::HEADER, tenant.as_str());
        }
        match token {
            Some(token) => request.bearer_auth(token),
            None => request,
        }
    }

    /// Why it could not be asked.
    pub(crate) fn unreachable(&self, error: &reqwest::Error) -> spoor_storage::Error {
        let reason = cause_of(error);
        let message = format!("cannot reach the server at {}: {reason}", self.base);
        spoor_storage::Error::new(spoor_storage::ErrorKind::Unavailable, message)
            .with_hint("start one with `spoor`, or name another with --url")
    }
}

/// What went wrong: reqwest's own message stops at "error sending request", the reason is its last cause.
pub(crate) fn cause_of(error: &reqwest::Error) -> &dyn std::error::Error {
    let mut reason: &dyn std::error::Error = error;
    while let Some(source) = reason.source() {
        reason = source;
    }
    reason
}

/// The body of an answer, for messages.
pub(crate) async fn body_of(response: Response) -> String {
    const SHOWN: usize = 2000;
    let text = response.text().await.unwrap_or_default();
    text.chars().take(SHOWN).collect()
}
