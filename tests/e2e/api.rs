//! The HTTP API as a client sees it.

use reqwest::header::{ACCEPT, AUTHORIZATION};
use reqwest::{Client, Method, RequestBuilder, StatusCode};
use serde_json::{Value, json};

/// What an API call answered.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) content_type: String,
    pub(crate) text: String,
}

impl Answer {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.text)
            .unwrap_or_else(|error| panic!("{error} in {}: {}", self.status, self.text))
    }
}

/// A client of one server.
#[derive(Debug, Clone)]
pub(crate) struct Api {
    base: String,
    token: Option<String>,
    client: Client,
}

impl Api {
    pub(crate) fn new(base: String) -> Self {
        crate::harness::install_crypto();
        Self {
            base,
            token: None,
            client: Client::builder().no_proxy().build().unwrap(),
        }
    }

    pub(crate) fn with_token(mut self, token: &str) -> Self {
        self.token = Some(token.to_owned());
        self
    }

    pub(crate) fn with_client(mut self, client: Client) -> Self {
        self.client = client;
        self
    }

    pub(crate) async fn is_ready(&self) -> bool {
        let answer = self
            .client
            .get(format!("{}/readyz", self.base))
            .send()
            .await;
        answer.is_ok_and(|answer| answer.status() == StatusCode::OK)
    }

    async fn send(&self, request: RequestBuilder) -> Answer {
        let request = match &self.token {
            Some(token) => request.header(AUTHORIZATION, format!("Bearer {token}")),
            None => request,
        };
        let response = request.send().await.unwrap();
        let content_type = response.headers().get("content-type");
        Answer {
            status: response.status(),
            content_type: content_type.map_or("", |v| v.to_str().unwrap()).to_owned(),
            text: response.text().await.unwrap(),
        }
    }

    /// GET, whatever the answer.
    pub(crate) async fn try_get(&self, path: &str, parameters: &[(&str, &str)]) -> Answer {
        self.send(
            self.client
                .get(format!("{}{path}", self.base))
                .query(parameters),
        )
        .await
    }

    /// GET of bytes in the form that `accept` names, which must succeed.
    pub(crate) async fn get_as(&self, path: &str, accept: &str) -> Vec<u8> {
        let request = self.client.get(format!("{}{path}", self.base));
        let response = request.header(ACCEPT, accept).send().await.unwrap();
        assert_eq!(response.status(), 200, "{path}");
        assert_eq!(response.headers()["content-type"], accept, "{path}");
        response.bytes().await.unwrap().to_vec()
    }

    /// GET that must succeed.
    pub(crate) async fn get(&self, path: &str, parameters: &[(&str, &str)]) -> Value {
        let answer = self.try_get(path, parameters).await;
        assert_eq!(answer.status, 200, "{path} {parameters:?}: {}", answer.text);
        let json = answer.json();
        if let Some(complete) = json.get("complete") {
            assert_eq!(
                complete, true,
                "{path} {parameters:?}: {}",
                json["incomplete_reasons"]
            );
        }
        json
    }

    /// A request that changes something, whatever the answer.
    pub(crate) async fn change(&self, method: Method, path: &str, body: &Value) -> Answer {
        let request = self.client.request(method, format!("{}{path}", self.base));
        self.send(request.json(body)).await
    }

    /// As [`Api::change`]; `None` if the server goes away meanwhile.
    pub(crate) async fn try_change(
        &self,
        method: Method,
        path: &str,
        body: &Value,
    ) -> Option<Answer> {
        let request = self.client.request(method, format!("{}{path}", self.base));
        let response = request.json(body).send().await.ok()?;
        Some(Answer {
            status: response.status(),
            content_type: String::new(),
            text: response.text().await.ok()?,
        })
    }

    /// SQL with a wish for the form of the answer.
    pub(crate) async fn try_sql(&self, query: &str, accept: &str) -> Answer {
        let request = self.client.post(format!("{}/api/v1/sql", self.base));
        self.send(
            request
                .header(ACCEPT, accept)
                .json(&json!({ "query": query })),
        )
        .await
    }

    /// The answer of a SQL query that must succeed; `None` if the server goes away meanwhile.
    pub(crate) async fn ask_sql(&self, query: &str) -> Option<Value> {
        let request = self.client.post(format!("{}/api/v1/sql", self.base));
        let response = request.json(&json!({ "query": query })).send().await.ok()?;
        let status = response.status();
        let text = response.text().await.ok()?;
        assert_eq!(status, 200, "{query}: {text}");
        Some(serde_json::from_str(&text).unwrap())
    }

    /// The rows of a SQL query that must succeed completely.
    pub(crate) async fn sql(&self, query: &str) -> Vec<Vec<Value>> {
        let answer = self.try_sql(query, "application/json").await;
        assert_eq!(answer.status, 200, "{query}: {}", answer.text);
        let json = answer.json();
        assert_eq!(
            json["complete"], true,
            "{query}: {}",
            json["incomplete_reasons"]
        );
        rows(&json["rows"])
    }

    /// The rows of a SQL query that may have more of them than one answer may hold: read in
    /// slices by `key`, an expression of its columns.
    pub(crate) async fn all_sql(&self, query: &str, key: &str) -> Vec<Vec<Value>> {
        const SLICE: usize = 5_000;
        let mut found = Vec::new();
        loop {
            let offset = found.len();
            let slice = self
                .sql(&format!(
                    "{query} ORDER BY {key} LIMIT {SLICE} OFFSET {offset}"
                ))
                .await;
            let last = slice.len() < SLICE;
            found.extend(slice);
            if last {
                return found;
            }
        }
    }

    /// The one number of a SQL query.
    pub(crate) async fn sql_number(&self, query: &str) -> i64 {
        let rows = self.sql(query).await;
        assert_eq!((rows.len(), rows[0].len()), (1, 1), "{query}: {rows:?}");
        number(&rows[0][0])
    }

    /// How many logs match, by the search language.
    pub(crate) async fn count_logs(&self, query: &str) -> i64 {
        self.get("/api/v1/logs/histogram", &[("query", query)])
            .await["total"]
            .as_i64()
            .unwrap()
    }

    /// All pages of a list; `key` names the list in the answer.
    pub(crate) async fn pages(
        &self,
        path: &str,
        key: &str,
        parameters: &[(&str, &str)],
    ) -> Vec<Vec<Value>> {
        let mut pages = Vec::new();
        let mut cursor: Option<String> = None;
        loop {
            let mut all = parameters.to_vec();
            if let Some(cursor) = &cursor {
                all.push(("cursor", cursor));
            }
            let mut page = self.get(path, &all).await;
            pages.push(serde_json::from_value(page[key].take()).unwrap());
            match page["next_cursor"].take() {
                Value::String(next) => {
                    assert_ne!(Some(&next), cursor.as_ref(), "the cursor moves");
                    cursor = Some(next);
                }
                Value::Null => return pages,
                other => panic!("next_cursor is {other}"),
            }
        }
    }

    /// All entries of a paged list.
    pub(crate) async fn all(
        &self,
        path: &str,
        key: &str,
        parameters: &[(&str, &str)],
    ) -> Vec<Value> {
        self.pages(path, key, parameters)
            .await
            .into_iter()
            .flatten()
            .collect()
    }

    /// An assembled trace.
    pub(crate) async fn timeline(&self, trace_id: &str) -> Value {
        self.get(
            &format!("/api/v1/traces/{trace_id}"),
            &[("view", "timeline")],
        )
        .await
    }
}

/// An array of arrays as Rust sees it.
pub(crate) fn rows(value: &Value) -> Vec<Vec<Value>> {
    value
        .as_array()
        .unwrap()
        .iter()
        .map(|row| row.as_array().unwrap().clone())
        .collect()
}

/// A 64-bit integer, which is a string where a double could not hold it. Null (a sum over
/// nothing) counts as zero.
pub(crate) fn number(value: &Value) -> i64 {
    match value {
        Value::Null => 0,
        Value::Number(number) => number
            .as_i64()
            .unwrap_or_else(|| panic!("`{number}` is no integer")),
        Value::String(text) => text.parse().unwrap(),
        other => panic!("`{other}` is no number"),
    }
}
