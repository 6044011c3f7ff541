//! What a field's name means for a table.

use arrow::datatypes::DataType;
use spoor_storage::Table;
use spoor_storage::model::schema_of;

use crate::table::{Place, map_columns};

/// A field with its meaning.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Meaning {
    /// The level of a log record.
    Level,
    /// `body` of logs, where `:` is full text.
    Body,
    /// Event, observed or received time.
    Time(&'static str),
    /// `duration_ns`.
    Duration,
    /// A column with an id as hex text.
    Id { column: &'static str, digits: usize },
    /// A column with one of these words.
    Word {
        column: &'static str,
        words: &'static [&'static str],
    },
    /// A text column.
    Text(String),
    /// A whole-number column.
    Number(String),
    /// An attribute of these keys in these map columns; any of them.
    Attribute {
        keys: Vec<String>,
        columns: Vec<&'static str>,
    },
}

const STATUS_WORDS: &[&str] = &["UNSET", "OK", "ERROR"];
const KIND_WORDS: &[&str] = &[
    "UNSPECIFIED",
    "INTERNAL",
    "SERVER",
    "CLIENT",
    "PRODUCER",
    "CONSUMER",
];

/// Names of the semantic conventions before and after they were renamed; each finds the other.
const RENAMED: &[(&str, &str)] = &[
    ("http.method", "http.request.method"),
    ("http.status_code", "http.response.status_code"),
    ("http.url", "url.full"),
    ("http.scheme", "url.scheme"),
    ("http.user_agent", "user_agent.original"),
    ("http.request_content_length", "http.request.body.size"),
    ("http.response_content_length", "http.response.body.size"),
    ("http.client_ip", "client.address"),
    ("net.peer.name", "server.address"),
    ("net.peer.port", "server.port"),
    ("net.protocol.name", "network.protocol.name"),
    ("net.protocol.version", "network.protocol.version"),
    ("net.sock.peer.addr", "network.peer.address"),
    ("net.sock.peer.port", "network.peer.port"),
    ("db.system", "db.system.name"),
    ("db.statement", "db.query.text"),
    ("db.operation", "db.operation.name"),
    ("db.name", "db.namespace"),
    ("db.sql.table", "db.collection.name"),
    ("messaging.operation", "messaging.operation.type"),
    ("deployment.environment", "deployment.environment.name"),
    ("faas.execution", "faas.invocation_id"),
    ("enduser.id", "user.id"),
];

/// Short names of columns; a table that lacks the column does not know the alias.
const ALIASES: &[(&str, &str)] = &[
    ("service", "service_name"),
    ("service.name", "service_name"),
    ("status", "status_code"),
    ("operation", "name"),
    ("duration", "duration_ns"),
    ("message", "body"),
    ("traceid", "trace_id"),
    ("spanid", "span_id"),
];

/// What `name` means for `table`.
pub(super) fn meaning(name: &str, table: Table) -> Meaning {
    let alias = ALIASES
        .iter()
        .find(|(short, _)| *short == name)
        .map(|(_, column)| *column);
    if let Some(found) = column(alias.unwrap_or(name), table) {
        return found;
    }
    if let Some((place, key)) = Place::split(name) {
        return Meaning::Attribute {
            keys: vec![key.to_owned()],
            columns: place.column(table).into_iter().collect(),
        };
    }
    Meaning::Attribute {
        keys: both_names(name),
        columns: map_columns(table).collect(),
    }
}

/// Whether `name` means an attribute and not a column of `table`.
pub(crate) fn is_attribute(name: &str, table: Table) -> bool {
    matches!(meaning(name, table), Meaning::Attribute { .. })
}

/// The key and its other name in the semantic conventions, if it was renamed.
fn both_names(key: &str) -> Vec<String> {
    let mut keys = vec![key.to_owned()];
    for (old, new) in RENAMED {
        if *old == key {
            keys.push((*new).to_owned());
        } else if *new == key {
            keys.push((*old).to_owned());
        }
    }
    keys
}

fn column(name: &str, table: Table) -> Option<Meaning> {
    if table == Table::Logs && matches!(name, "level" | "severity") {
        return Some(Meaning::Level);
    }
    let schema = schema_of(table);
    let field = schema.field_with_name(name).ok()?;
    Some(match (name, field.data_type()) {
        ("body", _) => Meaning::Body,
        ("duration_ns", _) => Meaning::Duration,
        ("trace_id", _) => Meaning::Id {
            column: "trace_id",
            digits: 32,
        },
        ("span_id", _) => Meaning::Id {
            column: "span_id",
            digits: 16,
        },
        ("parent_span_id", _) => Meaning::Id {
            column: "parent_span_id",
            digits: 16,
        },
        ("status_code", _) => Meaning::Word {
            column: "status_code",
            words: STATUS_WORDS,
        },
        ("kind", _) => Meaning::Word {
            column: "kind",
            words: KIND_WORDS,
        },
        ("time", _) => Meaning::Time("time"),
        ("start_time", _) => Meaning::Time("start_time"),
        ("observed_time", _) => Meaning::Time("observed_time"),
        ("received_time", _) => Meaning::Time("received_time"),
        (_, DataType::Utf8) => Meaning::Text(name.to_owned()),
        (_, kind) if kind.is_integer() => Meaning::Number(name.to_owned()),
        // Maps and lists are not fields; an attribute may have the name.
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn aliases_follow_the_table() {
        assert_eq!(
            meaning("service", Table::Logs),
            Meaning::Text("service_name".into())
        );
        assert_eq!(meaning("duration", Table::Spans), Meaning::Duration);
        assert_eq!(
            meaning("duration", Table::Logs),
            Meaning::Attribute {
                keys: vec!["duration".into()],
                columns: vec![
                    "attributes",
                    "body_fields",
                    "scope_attributes",
                    "resource_attributes"
                ],
            }
        );
        assert_eq!(meaning("level", Table::Logs), Meaning::Level);
        assert!(matches!(
            meaning("level", Table::Spans),
            Meaning::Attribute { .. }
        ));
        assert!(matches!(
            meaning("attributes", Table::Logs),
            Meaning::Attribute { .. }
        ));
    }

    #[test]
    fn prefixes_narrow_and_renamed_keys_widen() {
        assert_eq!(
            meaning("resource.host.name", Table::Spans),
            Meaning::Attribute {
                keys: vec!["host.name".into()],
                columns: vec!["resource_attributes"]
            }
        );
        let Meaning::Attribute { keys, .. } = meaning("http.status_code", Table::Spans) else {
            panic!("an attribute");
        };
        assert_eq!(keys, ["http.status_code", "http.response.status_code"]);
        assert_eq!(
            meaning("body.x", Table::Spans),
            Meaning::Attribute {
                keys: vec!["x".into()],
                columns: vec![]
            }
        );
    }
}
