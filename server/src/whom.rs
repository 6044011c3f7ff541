//! Who answers a command's questions: the server that `--url` names; else the one that holds the
//! data directory; else the directory itself. All three speak the same HTTP API, the last without
//! a socket.

use std::sync::Arc;

use anyhow::Context;
use axum::Router;
use axum::body::Body;
use futures::TryStreamExt;
use http::header::{ACCEPT, CONTENT_TYPE};
use http::{Method, Request, StatusCode};
use serde::Deserialize;
use spoor_collector::OtlpDecoder;
use spoor_query::QueryEngine;
use spoor_query::admin::Caller;
use spoor_storage::{Error, ErrorKind, Storage, TenantId};
use tower::ServiceExt;
use url::{Url, form_urlencoded};

use crate::check::must_be_there;
use crate::client::Server;
use crate::failure::Hinted;
use crate::runfile::RunFile;
use crate::settings::Settings;

/// The media type of requests and of most answers.
pub(crate) const JSON: &str = "application/json";

/// Who answers.
pub(crate) enum Whom {
    /// A server, by HTTP.
    Server {
        server: Server,
        token: Option<String>,
    },
    /// The data directory, which this process has open.
    Directory {
        storage: Storage,
        api: Router,
        tenant: TenantId,
    },
}

/// A request to the API.
pub(crate) struct Question<'a> {
    pub(crate) method: Method,
    pub(crate) path: &'a str,
    /// What stands behind the path.
    pub(crate) parameters: &'a [(&'a str, String)],
    pub(crate) accept: &'a str,
    /// JSON, or nothing.
    pub(crate) body: String,
}

impl Whom {
    /// Finds out who it is. `token` is for a server; the questions are about `tenant`.
    pub(crate) async fn find(
        settings: &Settings,
        url: Option<Url>,
        token: Option<&str>,
        tenant: Option<TenantId>,
    ) -> anyhow::Result<Self> {
        let token = token.map(str::to_owned);
        if let Some(url) = url {
            let server = Server::at(url)?.of_tenant(tenant);
            return Ok(Self::Server { server, token });
        }
        must_be_there(settings)?;
        let decoder = Arc::new(OtlpDecoder::new(settings.collector.open_json_bodies));
        match Storage::open(settings.storage.clone(), decoder).await {
            Ok(storage) => {
                let engine = QueryEngine::new(storage.clone(), settings.query.clone())?;
                let admin = spoor_query::admin_router(engine.clone());
                let api = spoor_query::router(engine).merge(admin);
                Ok(Self::Directory {
                    storage,
                    api,
                    tenant: tenant.unwrap_or_default(),
                })
            }
            Err(error) if error.kind() == ErrorKind::Conflict => {
                let running = RunFile::running(settings.data_dir()).ok_or(error)?;
                let server = Server::of(&running, &running.http_url())?.of_tenant(tenant);
                Ok(Self::Server { server, token })
            }
            Err(error) => Err(error.into()),
        }
    }

    /// Asks; the answer may be a refusal.
    pub(crate) async fn ask(&self, question: Question<'_>) -> anyhow::Result<(StatusCode, Body)> {
        let Question {
            method,
            path,
            parameters,
            accept,
            body,
        } = question;
        match self {
            Self::Server { server, token } => {
                let response = server
                    .request(method, path, token.as_deref())
                    .query(parameters)
                    .header(CONTENT_TYPE, JSON)
                    .header(ACCEPT, accept)
                    .body(body)
                    .send()
                    .await
                    .map_err(|error| server.unreachable(&error))?;
                let status = response.status();
                Ok((status, Body::new(reqwest::Body::from(response))))
            }
            Self::Directory { api, tenant, .. } => {
                let request = Request::builder()
                    .method(method)
                    .uri(with_parameters(path, parameters))
                    .header(CONTENT_TYPE, JSON)
                    .header(ACCEPT, accept)
                    .header(TenantId::HEADER, tenant.as_str())
                    .extension(Caller(Some("the command line".to_owned())))
                    .body(Body::from(body))?;
                let Ok(response) = api.clone().oneshot(request).await;
                Ok((response.status(), response.into_body()))
            }
        }
    }

    /// Asks for JSON. A refusal is an error; `tokens` says how to give the token it may want.
    pub(crate) async fn ask_json(
        &self,
        method: Method,
        path: &str,
        body: String,
        tokens: &str,
    ) -> anyhow::Result<serde_json::Value> {
        let question = Question {
            method,
            path,
            parameters: &[],
            accept: JSON,
            body,
        };
        let (status, body) = self.ask(question).await?;
        if status != StatusCode::OK {
            return Err(refusal(status, body, tokens).await);
        }
        let text = read(body).await?;
        serde_json::from_slice(&text).context("the answer is not JSON")
    }

    /// Gives the directory back.
    pub(crate) async fn close(&self) -> spoor_storage::Result<()> {
        match self {
            Self::Server { .. } => Ok(()),
            Self::Directory { storage, .. } => storage.close().await,
        }
    }
}

fn with_parameters(path: &str, parameters: &[(&str, String)]) -> String {
    let mut query = form_urlencoded::Serializer::new(String::new());
    query.extend_pairs(parameters);
    format!("{path}?{}", query.finish())
}

/// The whole body of an answer.
pub(crate) async fn read(body: Body) -> anyhow::Result<Vec<u8>> {
    let chunks: Vec<_> = body
        .into_data_stream()
        .try_collect()
        .await
        .context("the answer broke off")?;
    Ok(chunks.concat())
}

/// The API's error as ours; `tokens` says how to give the token it may want.
pub(crate) async fn refusal(status: StatusCode, body: Body, tokens: &str) -> anyhow::Error {
    #[derive(Deserialize)]
    struct Refusal {
        error: Told,
    }
    #[derive(Deserialize)]
    struct Told {
        message: String,
        hint: Option<String>,
        position: Option<usize>,
    }
    let text = match read(body).await {
        Ok(text) => text,
        Err(error) => return error,
    };
    if status == StatusCode::UNAUTHORIZED {
        return Error::new(ErrorKind::Unauthenticated, "the server wants a token")
            .with_hint(format!("give it with {tokens}"))
            .into();
    }
    match serde_json::from_slice::<Refusal>(&text) {
        Ok(Refusal { error }) => {
            let message = match error.position {
                Some(position) => format!("{} (at character {position})", error.message),
                None => error.message,
            };
            match error.hint {
                Some(hint) => Hinted::new(message, hint).into(),
                None => anyhow::anyhow!(message),
            }
        }
        Err(_) => Hinted::new(
            format!(
                "the server answered {status}: {}",
                String::from_utf8_lossy(&text)
            ),
            "is this the address of Spoor's UI and API?",
        )
        .into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn an_error_of_the_api_keeps_its_hint_and_place() {
        let body = r#"{"error":{"code":"invalid","message":"no field `nam`","hint":"did you mean `name`?","position":7}}"#;
        let error = refusal(StatusCode::BAD_REQUEST, Body::from(body), "").await;
        assert_eq!(error.to_string(), "no field `nam` (at character 7)");
        assert!(error.is::<Hinted>());
        let error = refusal(StatusCode::NOT_FOUND, Body::from("<html>"), "").await;
        assert!(error.to_string().contains("404"));
    }
}
