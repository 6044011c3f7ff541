//! DataFusion's errors as ours: the kind says what the caller must do.

mod plain;

use std::time::Duration;

use datafusion::common::{Column, SchemaError};
use datafusion::error::DataFusionError;
use spoor_storage::{Error, ErrorKind};

use crate::engine::others_have_it;

/// When to ask again for what others have.
const MEMORY_SOON: Duration = Duration::from_secs(2);
/// Parser messages can quote the whole query; the user has it already.
const MAX_MESSAGE_CHARS: usize = 600;

/// Gives a DataFusion error its kind, a message for the user and, where we know one, a hint.
pub(crate) fn from_datafusion(error: DataFusionError) -> Error {
    match error {
        DataFusionError::Context(_, inner) | DataFusionError::Diagnostic(_, inner) => {
            from_datafusion(*inner)
        }
        DataFusionError::Collection(mut errors) if !errors.is_empty() => {
            from_datafusion(errors.swap_remove(0))
        }
        DataFusionError::External(source) => match source.downcast::<Error>() {
            Ok(ours) => *ours,
            Err(source) => match source.downcast::<DataFusionError>() {
                Ok(inner) => from_datafusion(*inner),
                Err(source) if regex_message(source.as_ref()).is_some() => {
                    by_source(source.as_ref())
                }
                Err(source) => Error::internal("the query failed").with_source(source),
            },
        },
        DataFusionError::ArrowError(arrow, _) => from_arrow(*arrow),
        other => by_reference(&other),
    }
}

fn from_arrow(error: arrow::error::ArrowError) -> Error {
    use arrow::error::ArrowError as A;
    match error {
        A::ExternalError(source) => from_datafusion(DataFusionError::External(source)),
        A::IoError(..) | A::ParquetError(_) | A::IpcError(_) => {
            Error::corrupt("stored data cannot be read").with_source(error)
        }
        other => invalid(&other.to_string()),
    }
}

/// What can be said without owning the error; a shared error is only ever seen by reference.
fn by_reference(error: &DataFusionError) -> Error {
    match error {
        DataFusionError::Shared(inner) => match inner.as_ref() {
            DataFusionError::External(source) => by_source(source.as_ref()),
            inner => by_reference(inner),
        },
        DataFusionError::Context(_, inner) | DataFusionError::Diagnostic(_, inner) => {
            by_reference(inner)
        }
        DataFusionError::SchemaError(schema, _) => from_schema(schema),
        DataFusionError::SQL(parser, _) => invalid(&format!(
            "the SQL cannot be read: {}",
            strip_prefix(&parser.to_string())
        )),
        DataFusionError::Plan(message)
        | DataFusionError::Execution(message)
        | DataFusionError::Configuration(message) => invalid(message),
        DataFusionError::NotImplemented(message) => invalid(&format!("not supported: {message}")),
        DataFusionError::ArrowError(arrow, _) => invalid(&arrow.to_string()),
        DataFusionError::ResourcesExhausted(message) if others_have_it(message) => Error::new(
            ErrorKind::Unavailable,
            "the queries that run have all the memory that there is for queries",
        )
        .with_hint("try again in a moment, or narrow the time range")
        .with_retry_after(MEMORY_SOON),
        DataFusionError::ResourcesExhausted(message) => Error::new(
            ErrorKind::TooLarge,
            "the query needs more memory than a query may have",
        )
        .with_hint("narrow the time range, select fewer columns or add a limit")
        .with_source(message.clone()),
        DataFusionError::ParquetError(parquet) => {
            Error::corrupt(format!("stored data cannot be read: {parquet}"))
        }
        DataFusionError::ObjectStore(store) => Error::new(
            ErrorKind::Unavailable,
            format!("stored data cannot be reached: {store}"),
        ),
        DataFusionError::IoError(io) => Error::new(
            ErrorKind::Unavailable,
            format!("stored data cannot be reached: {io}"),
        ),
        other => {
            let message = other.to_string();
            plain::plainly(&message).unwrap_or_else(|| {
                let message = plain::without_bug_report(strip_prefix(&message));
                Error::internal(format!("the query failed: {message}"))
            })
        }
    }
}

fn by_source(source: &(dyn std::error::Error + Send + Sync + 'static)) -> Error {
    if let Some(ours) = source.downcast_ref::<Error>() {
        return copy_of(ours);
    }
    match regex_message(source) {
        Some(message) => Error::invalid(format!("the regular expression is malformed: {message}"))
            .with_hint("a `\\` before a character makes it stand for itself"),
        None => Error::internal(format!("the query failed: {source}")),
    }
}

/// What is wrong with a regular expression of the statement, if that is what went wrong.
fn regex_message(source: &(dyn std::error::Error + Send + Sync + 'static)) -> Option<String> {
    let compiled = source.downcast_ref::<regex::Error>();
    let parsed = source.downcast_ref::<regex_syntax::Error>();
    compiled
        .map(ToString::to_string)
        .or_else(|| parsed.map(ToString::to_string))
}

fn copy_of(error: &Error) -> Error {
    let copy = Error::new(error.kind(), error.to_string());
    let copy = match error.retry_after() {
        Some(after) => copy.with_retry_after(after),
        None => copy,
    };
    match error.hint() {
        Some(hint) => copy.with_hint(hint),
        None => copy,
    }
}

fn from_schema(error: &SchemaError) -> Error {
    match error {
        SchemaError::FieldNotFound {
            field,
            valid_fields,
        } => {
            let error = Error::invalid(format!("there is no column `{}`", field.flat_name()));
            error.with_hint(column_hint(field, valid_fields))
        }
        SchemaError::AmbiguousReference { field } => Error::invalid(format!(
            "the column `{}` is in more than one table",
            field.flat_name()
        ))
        .with_hint(format!("write it as `table.\"{}\"`", field.name)),
        other => invalid(&other.to_string()),
    }
}

fn column_hint(field: &Column, valid: &[Column]) -> String {
    let names: Vec<&str> = valid.iter().map(|column| column.name.as_str()).collect();
    let near = nearest(&field.name, &names);
    if near.is_empty() {
        let shown = names
            .iter()
            .take(40)
            .copied()
            .collect::<Vec<_>>()
            .join(", ");
        format!(
            "the columns are: {shown}; an attribute is a quoted name: \"attributes.{}\"",
            field.name
        )
    } else {
        let shown: Vec<String> = near.iter().map(|name| format!("`{name}`")).collect();
        format!(
            "did you mean {}? An attribute is a quoted name: \"attributes.{}\"",
            shown.join(" or "),
            field.name
        )
    }
}

/// Up to three of `names` that look like `wanted`, nearest first.
pub(crate) fn nearest<'a>(wanted: &str, names: &[&'a str]) -> Vec<&'a str> {
    let wanted = wanted.to_lowercase();
    let mut found: Vec<(usize, &str)> = names
        .iter()
        .filter_map(|name| {
            let lower = name.to_lowercase();
            let distance =
                datafusion::common::utils::datafusion_strsim::levenshtein(&wanted, &lower);
            let contained = wanted.len() >= 3 && lower.contains(&wanted);
            (distance * 3 <= wanted.chars().count().max(3) || contained)
                .then_some((distance, *name))
        })
        .collect();
    found.sort_unstable();
    found.dedup();
    found.into_iter().take(3).map(|(_, name)| name).collect()
}

fn invalid(message: &str) -> Error {
    plain::plainly(message).unwrap_or_else(|| as_said(message))
}

fn as_said(message: &str) -> Error {
    Error::invalid(clean(message))
}

/// First lower-case, no stop at the end, no endless quotation, as all our messages are.
fn clean(message: &str) -> String {
    let message = plain::without_bug_report(strip_prefix(message));
    let message = message.trim().trim_end_matches('.');
    let mut chars = message.chars();
    let mut text: String = match chars.next() {
        // An acronym (`SQL …`) stays as it is.
        Some(first) if !chars.clone().next().is_some_and(char::is_uppercase) => first
            .to_lowercase()
            .chain(chars)
            .take(MAX_MESSAGE_CHARS)
            .collect(),
        _ => message.chars().take(MAX_MESSAGE_CHARS).collect(),
    };
    if message.chars().count() > MAX_MESSAGE_CHARS {
        text.push('…');
    }
    text
}

fn strip_prefix(message: &str) -> &str {
    [
        "sql parser error: ",
        "Error during planning: ",
        "Execution error: ",
        "Invalid argument error: ",
        "Parser error: ",
    ]
    .iter()
    .fold(message, |text, prefix| {
        text.strip_prefix(prefix).unwrap_or(text)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unknown_column_names_near_ones() {
        let error = from_datafusion(DataFusionError::SchemaError(
            Box::new(SchemaError::FieldNotFound {
                field: Box::new(Column::from_name("servce_name")),
                valid_fields: vec![Column::from_name("service_name"), Column::from_name("body")],
            }),
            Box::new(None),
        ));
        assert_eq!(error.kind(), ErrorKind::Invalid);
        assert_eq!(error.message(), "there is no column `servce_name`");
        assert!(error.hint().unwrap().contains("`service_name`"));
    }

    #[test]
    fn our_own_errors_come_back_through_datafusion() {
        let inside = DataFusionError::External(Box::new(Error::new(ErrorKind::Timeout, "late")));
        let error = from_datafusion(inside.context("while scanning"));
        assert_eq!(error.kind(), ErrorKind::Timeout);
        let shared = DataFusionError::Shared(std::sync::Arc::new(DataFusionError::External(
            Box::new(Error::corrupt("bad page")),
        )));
        assert_eq!(from_datafusion(shared).kind(), ErrorKind::Corrupt);
    }

    #[test]
    fn exhausted_memory_is_too_large() {
        let error = from_datafusion(DataFusionError::ResourcesExhausted("pool".into()));
        assert_eq!(error.kind(), ErrorKind::TooLarge);
    }
}
