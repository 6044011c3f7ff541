//! One question to a server of ours.

use serde_json::json;
use url::form_urlencoded::byte_serialize;

use crate::http::{Answer, Connection};

/// A request.
#[derive(Debug, Clone)]
pub(crate) enum Ask {
    /// A path with its parameters, encoded.
    Get(String),
    /// A statement.
    Sql(String),
}

impl Ask {
    /// Sends it and waits for the answer, whatever its status.
    pub(crate) async fn send(&self, connection: &mut Connection) -> anyhow::Result<Answer> {
        match self {
            Self::Get(path) => connection.get(path).await,
            Self::Sql(query) => {
                let body = json!({ "query": query }).to_string();
                connection
                    .post("/api/v1/sql", "application/json", body.as_bytes())
                    .await
            }
        }
    }
}

/// A text as the value of a parameter.
pub(crate) fn encode(query: &str) -> String {
    byte_serialize(query.as_bytes()).collect()
}
