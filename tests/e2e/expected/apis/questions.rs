//! What is asked, and what was answered: a question that several facts have is asked once.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use serde_json::Value;
use tokio::sync::OnceCell;

use super::super::facts;
use crate::api::Api;

pub(super) enum Request {
    Get(String, Vec<(&'static str, String)>),
    Sql(String),
}

/// An answer, or what is wrong with it.
type Answer = Result<Arc<Value>, String>;

/// Questions to one server, and their answers.
pub(super) struct Questions<'a> {
    api: &'a Api,
    answers: Mutex<HashMap<String, Arc<OnceCell<Answer>>>>,
}

impl<'a> Questions<'a> {
    pub(super) fn to(api: &'a Api) -> Self {
        Self {
            api,
            answers: Mutex::default(),
        }
    }

    /// The answer, asked for or known; of SQL its rows.
    pub(super) async fn answer(&self, request: &Request) -> Answer {
        let answer = self.place_of(request);
        let answer = answer.get_or_init(|| async {
            let answer = match request {
                Request::Sql(query) => facts::sql(self.api, query).await,
                Request::Get(path, parameters) => {
                    let given = parameters.iter();
                    let given: Vec<(&str, &str)> =
                        given.map(|(name, value)| (*name, value.as_str())).collect();
                    facts::get(self.api, path, &given).await
                }
            };
            answer.map(Arc::new)
        });
        answer.await.clone()
    }

    fn place_of(&self, request: &Request) -> Arc<OnceCell<Answer>> {
        let mut answers = self.answers.lock().unwrap();
        Arc::clone(answers.entry(request.shown()).or_default())
    }
}

impl Request {
    /// As a failure names it.
    pub(super) fn shown(&self) -> String {
        match self {
            Self::Sql(query) => query.clone(),
            Self::Get(path, parameters) => {
                let all = parameters.iter();
                let all: Vec<String> = all.map(|(name, value)| format!("{name}={value}")).collect();
                format!("{path}?{}", all.join("&"))
            }
        }
    }
}
