//! What DataFusion says about types and functions, without what means something only to those who write it.

use spoor_storage::Error;

/// What it adds to each error that it thinks its own.
const BUG_REPORT: &str = "\nThis issue was likely caused by a bug in DataFusion's code";
/// Where, after what is wrong, the ways follow in which a function may be called.
const NO_MATCH: &str = "No function matches the given name and argument types";
const CANDIDATES: &str = "Candidate functions:";
const VALUE_OF_MAP: &str = "ask for one of its values: attributes['key']";
/// Types that a message lists at most.
const MOST_TYPES: usize = 6;

/// A message about how a function was called, about a type that there is not, or about what cannot be done with a
/// type; `None` if it is about something else.
pub(super) fn plainly(message: &str) -> Option<Error> {
    no_signature(message)
        .or_else(|| no_candidate(message))
        .or_else(|| no_type(message))
        .or_else(|| not_for_type(message))
}

/// `Function 'sum' failed to match any signature, errors: … requires Int64, but received String (DataType: Utf8)., …`
fn no_signature(message: &str) -> Option<Error> {
    let (before, errors) = message.split_once(" failed to match any signature")?;
    let name = quoted(before)?;
    let errors = errors.split(NO_MATCH).next()?;
    let received = errors.split("but received ").nth(1)?;
    let received = received.split([' ', ',', '.', '(']).next()?;
    let mut wanted: Vec<&str> = errors
        .split("requires ")
        .skip(1)
        .filter_map(|rest| rest.split(',').next())
        .collect();
    wanted.dedup();
    wanted.truncate(MOST_TYPES);
    let (last, others) = wanted.split_last()?;
    let wanted = match others {
        [] => (*last).to_owned(),
        others => format!("{} or {last}", others.join(", ")),
    };
    let error = Error::invalid(format!("function '{name}' takes {wanted}, not {received}"));
    Some(error.with_hint(cast_hint(received)))
}

/// `Function 'abs' expects Numeric but received String. No function matches … Candidate functions: abs(Numeric(1))`
fn no_candidate(message: &str) -> Option<Error> {
    let (wrong, rest) = message.split_once(NO_MATCH)?;
    let wrong = wrong.trim().trim_end_matches('.');
    let calls: Vec<&str> = rest
        .split_once(CANDIDATES)?
        .1
        .split(['\n', '\t'])
        .map(str::trim)
        .filter(|call| call.ends_with(')'))
        .take(MOST_TYPES)
        .collect();
    let of = rest
        .split('\'')
        .nth(1)
        .and_then(|call| call.split('(').next());
    let error = if wrong.is_empty() {
        Error::invalid(format!("function '{}' is not called so", of?))
    } else {
        super::as_said(wrong)
    };
    Some(match calls.as_slice() {
        [] => error,
        calls => error.with_hint(format!("it is called as {}", calls.join(" or "))),
    })
}

/// `Unsupported SQL type foo`
fn no_type(message: &str) -> Option<Error> {
    let (_, name) = message.split_once("Unsupported SQL type ")?;
    let error = Error::invalid(format!("there is no type `{}`", name.trim()));
    Some(error.with_hint(
        "types are BIGINT, DOUBLE, DECIMAL(p, s), VARCHAR, BOOLEAN, TIMESTAMP, DATE and INTERVAL",
    ))
}

/// `Min/Max accumulator not implemented for type Map(…)`
fn not_for_type(message: &str) -> Option<Error> {
    let (_, rest) = message.split_once("not implemented for type ")?;
    let name = rest.split(['(', '.', '\n', ' ']).next()?;
    let what = match message.split_whitespace().find(|word| word.contains('/')) {
        Some("Min/Max") => "min and max do not take",
        _ => "this cannot be done with",
    };
    let error = Error::invalid(format!("{what} values of type {name}"));
    Some(match name {
        "Map" => error.with_hint(VALUE_OF_MAP),
        _ => error,
    })
}

/// A message without the request to report it.
pub(super) fn without_bug_report(message: &str) -> &str {
    message.split(BUG_REPORT).next().unwrap_or(message)
}

fn cast_hint(received: &str) -> &'static str {
    match received {
        "Map" => VALUE_OF_MAP,
        "String" => "TRY_CAST(… AS DOUBLE) makes numbers of texts, and null of those that are none",
        _ => "CAST(… AS …) makes another type of it",
    }
}

/// The last word in single quotes.
fn quoted(text: &str) -> Option<&str> {
    text.rsplit('\'').nth(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn said(message: &str) -> (String, String) {
        let error = plainly(message).unwrap();
        let hint = error.hint().unwrap_or_default().to_owned();
        (error.message().to_owned(), hint)
    }

    #[test]
    fn a_function_says_what_it_takes() {
        let (message, hint) = said(
            "Internal error: Function 'sum' failed to match any signature, errors: Error during planning: Function 'sum' \
             requires Decimal, but received String (DataType: Utf8).,Error during planning: Function 'sum' requires UInt64, \
             but received String (DataType: Utf8)..\nThis issue was likely caused by a bug in DataFusion's code. Please help \
             us. No function matches the given name and argument types 'sum(Utf8)'. You might need to add explicit type \
             casts.\n\tCandidate functions:\n\tsum(Coercion(TypeSignatureClass::Decimal))",
        );
        assert_eq!(
            message,
            "function 'sum' takes Decimal or UInt64, not String"
        );
        assert!(hint.contains("TRY_CAST"), "{hint}");
    }

    #[test]
    fn a_function_says_how_it_is_called() {
        let (message, hint) = said(
            "Function 'upper' expects 1 arguments but received 2. No function matches the given name and argument types \
             'upper(Int64, Int64)'. You might need to add explicit type casts.\n\tCandidate functions:\n\tupper(String)",
        );
        assert_eq!(
            message,
            "function 'upper' expects 1 arguments but received 2"
        );
        assert_eq!(hint, "it is called as upper(String)");
    }

    #[test]
    fn types_are_named() {
        assert_eq!(said("Unsupported SQL type foo").0, "there is no type `foo`");
        let (message, _) = said(
            "Min/Max accumulator not implemented for type Map(\"entries\": Struct(\"keys\": Utf8)).\nThis issue",
        );
        assert_eq!(message, "min and max do not take values of type Map");
    }

    #[test]
    fn other_messages_are_left_alone() {
        for message in [
            "order by column out of bounds",
            "",
            "No function matches the given name",
        ] {
            assert!(plainly(message).is_none(), "{message}");
        }
        let message =
            "it broke.\nThis issue was likely caused by a bug in DataFusion's code. Please";
        assert_eq!(without_bug_report(message), "it broke.");
    }
}
