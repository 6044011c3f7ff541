//! What the document says about the API as a whole.

use utoipa::ToSchema;
use utoipa::openapi::security::{Http, HttpAuthScheme, SecurityRequirement, SecurityScheme};
use utoipa::openapi::tag::TagBuilder;
use utoipa::openapi::{
    ComponentsBuilder, Info, LicenseBuilder, OpenApi, OpenApiBuilder, Paths, RefOr, Schema, Server,
};

use super::errors;
use super::words::{Cursor, SearchQuery, TableName};
use crate::api::ErrorBody;
use crate::parameters::{Order, TimeParameter};

const DESCRIPTION: &str = "\
Traces and logs: search, assemble, compare, count, delete.

**Times** in parameters are RFC 3339, Unix seconds to nanoseconds (told apart by size), or relative (`now-15m`). `start` is inclusive, \
`end` exclusive; without them the whole retention is searched. In answers, `…_unix_nano` fields are decimal strings, \
`…_ns` durations are numbers, other times are RFC 3339 with nanoseconds.

**Ids** are lower-case hex; parameters take either case.

**Every answer** that reads data says whether it is `complete`, and if not, why.

**Paging**: pass `next_cursor` back as `cursor` with the same other parameters. The order is total, so pages neither overlap \
nor leave gaps.

**Errors** are `{\"error\": {\"code\", \"message\", \"hint\", \"position\"}}` with the matching status. \
`X-Request-Id` is in every answer, and what the server's log says of the request has the same id.

**Attributes** are JSON objects in the order they were sent; int64 beyond 2^53 are strings, bytes are base64, arrays and \
kvlists are JSON arrays and objects. Which values are bytes, `bytes_in_attributes` (`bytes_in_resource`, …) beside them says, if some are.

Beside this API, the same address has what other programs speak: Jaeger's query API under `/jaeger` \
([its documentation](https://www.jaegertracing.io/docs/latest/architecture/apis/)), Tempo's under `/tempo` \
([its documentation](https://grafana.com/docs/tempo/latest/api_docs/)) and Loki's under `/loki` \
([its documentation](https://grafana.com/docs/loki/latest/reference/loki-http-api/)). How they differ is in `docs/api.md`. \
Telemetry is sent to other addresses: OTLP/gRPC to port 4317, OTLP/HTTP (`/v1/traces`, `/v1/logs`) and JSON lines \
(`/v1/logs/json`) to port 4318 unless set otherwise; `GET /api/v1/status` tells them.";

const TAGS: [(&str, &str); 12] = [
    (
        "Logs",
        "Records: search, live tail, counts over time, patterns.",
    ),
    (
        "Traces",
        "Search by search language or TraceQL, traces as OTLP JSON and as trees, comparison.",
    ),
    (
        "Services",
        "Who there is, who calls whom; rate, errors and duration.",
    ),
    (
        "Failures",
        "Exceptions, failing traces by where they break, what sets some rows apart.",
    ),
    ("Fields", "What can be asked for: names and values."),
    (
        "SQL",
        "Read-only SQL on `spans`, `logs`, `traces` and `services`.",
    ),
    (
        "Running queries",
        "What waits and runs now. Stopping a query needs an admin token.",
    ),
    (
        "Saved searches",
        "Searches under a name, for all who may read; the read token is enough to change them.",
    ),
    (
        "Deleting",
        "Deletes records and replaces values. What changes something needs an admin token.",
    ),
    (
        "Retention",
        "Rules of how long records stay, and traces that are kept. What changes something needs an admin token.",
    ),
    (
        "Tenants",
        "Whose data there is. A request is about one tenant: the header `X-Scope-OrgID` or the parameter `tenant`.",
    ),
    ("Health", "Whether it is up and ready, and how it is."),
];

/// No paths yet.
pub(super) fn document() -> OpenApi {
    let license = LicenseBuilder::new()
        .name("Apache-2.0")
        .identifier(Some("Apache-2.0"))
        .build();
    let mut info = Info::new("Spoor", env!("CARGO_PKG_VERSION"));
    info.description = Some(DESCRIPTION.to_owned());
    info.license = Some(license);
    let components = ComponentsBuilder::new()
        .schemas_from_iter(named_from_outside())
        .responses_from_iter(errors::responses())
        .security_scheme(
            READ_TOKEN,
            bearer("To read, if the server was started with a read token (`--read-token`)."),
        )
        .security_scheme(
            ADMIN_TOKEN,
            bearer(
                "To change stored data, and to read (`--admin-token`). A server on loopback that has no tokens at all asks for none.",
            ),
        );
    let tags = TAGS.map(|(name, description)| {
        TagBuilder::new()
            .name(name)
            .description(Some(description))
            .build()
    });
    OpenApiBuilder::new()
        .info(info)
        .servers(Some([Server::new("/")]))
        .paths(Paths::new())
        .components(Some(components.build()))
        .security(Some([
            SecurityRequirement::default(),
            SecurityRequirement::new(READ_TOKEN, [] as [&str; 0]),
            SecurityRequirement::new(ADMIN_TOKEN, [] as [&str; 0]),
        ]))
        .tags(Some(tags))
        .build()
}

const READ_TOKEN: &str = "read_token";
const ADMIN_TOKEN: &str = "admin_token";

fn bearer(description: &str) -> SecurityScheme {
    let mut http = Http::new(HttpAuthScheme::Bearer);
    http.description = Some(description.to_owned());
    SecurityScheme::Http(http)
}

/// Schemas that only parameters and common responses name: those are not gathered from handlers.
fn named_from_outside() -> Vec<(String, RefOr<Schema>)> {
    fn add<T: ToSchema>(schemas: &mut Vec<(String, RefOr<Schema>)>) {
        schemas.push((T::name().into_owned(), T::schema()));
        T::schemas(schemas);
    }
    let mut schemas = Vec::new();
    add::<SearchQuery>(&mut schemas);
    add::<Cursor>(&mut schemas);
    add::<TimeParameter>(&mut schemas);
    add::<Order>(&mut schemas);
    add::<TableName>(&mut schemas);
    add::<ErrorBody>(&mut schemas);
    schemas
}
