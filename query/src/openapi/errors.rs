//! Errors, said once: which statuses there are, and which of them a kind of endpoint answers with.

use std::collections::BTreeMap;

use serde_json::json;
use utoipa::openapi::content::ContentBuilder;
use utoipa::openapi::header::HeaderBuilder;
use utoipa::openapi::response::{Response, ResponseBuilder};
use utoipa::openapi::schema::{ObjectBuilder, Type};
use utoipa::openapi::{Ref, RefOr};
use utoipa::{IntoResponses, ToSchema};

use crate::api::ErrorBody;

type Responses = BTreeMap<String, RefOr<Response>>;

/// One status of errors, and what such an error may say.
struct Status {
    number: u16,
    /// Of the response in the document.
    name: &'static str,
    description: &'static str,
    code: &'static str,
    message: &'static str,
    hint: Option<&'static str>,
}

const BUSY: u16 = 429;

const STATUSES: [Status; 11] = [
    Status {
        number: 400,
        name: "Invalid",
        description: "The request is malformed; the message says what is wrong with it.",
        code: "invalid",
        message: "`limit` is 0; it can be 1 to 10000",
        hint: None,
    },
    Status {
        number: 401,
        name: "Unauthenticated",
        description: "The bearer token is missing or not one of ours.",
        code: "unauthenticated",
        message: "a bearer token is missing",
        hint: Some("send `Authorization: Bearer <read token>`"),
    },
    Status {
        number: 403,
        name: "Forbidden",
        description: "The bearer token may read, not change stored data, or nobody may.",
        code: "forbidden",
        message: "the bearer token may read, not change stored data",
        hint: Some("send `Authorization: Bearer <admin token>`"),
    },
    Status {
        number: 404,
        name: "NotFound",
        description: "Nothing of this id is stored.",
        code: "not_found",
        message: "no span of trace `fe6b6f1c5a0f4d3b8a7e9c2d1b0a3f5e` is stored",
        hint: Some("check the id; its spans may not have been sent yet, or may be past retention"),
    },
    Status {
        number: 409,
        name: "Conflict",
        description: "Things are not as the request takes them to be, and nothing was changed; or (`cancelled`) somebody stopped the query.",
        code: "conflict",
        message: "430 rows match, not 429; nothing was changed",
        hint: Some("ask again with `dry_run`"),
    },
    Status {
        number: 413,
        name: "TooLarge",
        description: "The body, the answer, or the memory that it takes is larger than may be.",
        code: "too_large",
        message: "the query needs more than 512 MiB of memory",
        hint: Some("narrow the time range or add a filter"),
    },
    Status {
        number: 415,
        name: "Unsupported",
        description: "The body is not sent as JSON.",
        code: "unsupported",
        message: "the request has no JSON body",
        hint: Some("send `Content-Type: application/json`"),
    },
    Status {
        number: 429,
        name: "Busy",
        description: "Too much at once.",
        code: "busy",
        message: "too many queries are running and waiting",
        hint: Some("try again in a moment"),
    },
    Status {
        number: 500,
        name: "Broken",
        description: "A fault of the server (`internal`), or stored data cannot be read (`corrupt`): what is broken has been set aside, ask again.",
        code: "corrupt",
        message: "stored data cannot be read",
        hint: Some("what is broken has been set aside: ask again"),
    },
    Status {
        number: 503,
        name: "Unavailable",
        description: "Not now: the server starts or stops, cannot reach its files, or other queries have all memory that there is for queries (with `Retry-After`); or what is asked for may be in data that cannot be read.",
        code: "unavailable",
        message: "spoor is starting: the log is being replayed",
        hint: Some("try again in a moment"),
    },
    Status {
        number: 504,
        name: "Timeout",
        description: "The query took longer than it may.",
        code: "timeout",
        message: "the query took longer than 60 s",
        hint: Some("narrow the time range or add a filter"),
    },
];

/// What an endpoint that reads may answer.
#[derive(Debug)]
pub struct ReadErrors;

/// What an endpoint that changes stored data may answer.
#[derive(Debug)]
pub struct AdminErrors;

/// 401.
#[derive(Debug)]
pub struct Unauthenticated;

/// 404.
#[derive(Debug)]
pub struct NotFound;

/// 415.
#[derive(Debug)]
pub struct Unsupported;

/// 409.
#[derive(Debug)]
pub struct Conflict;

impl IntoResponses for ReadErrors {
    fn responses() -> Responses {
        named(&[400, 401, 409, 413, 429, 500, 503, 504])
    }
}

impl IntoResponses for AdminErrors {
    fn responses() -> Responses {
        named(&[400, 401, 403, 409, 413, 415, 429, 500, 503, 504])
    }
}

impl IntoResponses for Unauthenticated {
    fn responses() -> Responses {
        named(&[401])
    }
}

impl IntoResponses for NotFound {
    fn responses() -> Responses {
        named(&[404])
    }
}

impl IntoResponses for Unsupported {
    fn responses() -> Responses {
        named(&[415])
    }
}

impl IntoResponses for Conflict {
    fn responses() -> Responses {
        named(&[409])
    }
}

/// References to the responses of these statuses.
fn named(numbers: &[u16]) -> Responses {
    STATUSES
        .iter()
        .filter(|status| numbers.contains(&status.number))
        .map(|status| {
            let response = Ref::from_response_name(status.name);
            (status.number.to_string(), response.into())
        })
        .collect()
}

/// The responses themselves, by name.
pub(super) fn responses() -> Vec<(String, RefOr<Response>)> {
    STATUSES
        .iter()
        .map(|status| (status.name.to_owned(), status.response().into()))
        .collect()
}

impl Status {
    fn response(&self) -> Response {
        let content = ContentBuilder::new()
            .schema(Some(Ref::from_schema_name(ErrorBody::name())))
            .example(Some(json!({"error": {
                "code": self.code, "message": self.message, "hint": self.hint, "position": null,
            }})));
        let response = ResponseBuilder::new()
            .description(self.description)
            .content("application/json", content.build());
        if self.number != BUSY {
            return response.build();
        }
        let seconds = HeaderBuilder::new()
            .description(Some("When to come back, in seconds."))
            .schema(Some(ObjectBuilder::new().schema_type(Type::Integer)));
        response.header("Retry-After", seconds.build()).build()
    }
}
