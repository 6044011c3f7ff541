//! What a piece of text is: told by its content.

use serde::Deserialize;
use serde::de::IgnoredAny;
use spoor_collector::Signal;

/// A complete piece of text: a line, or a document over several lines.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Class {
    /// An OTLP request with records of these signals; several in one are unusual but legal.
    Otlp {
        signals: Vec<Signal>,
        /// A signal in it that Spoor does not take.
        not_taken: Option<&'static str>,
    },
    /// Anything else is log text.
    Log,
}

#[derive(Deserialize)]
struct Probe {
    #[serde(rename = "resourceSpans", alias = "resource_spans")]
    spans: Option<IgnoredAny>,
    #[serde(rename = "resourceLogs", alias = "resource_logs")]
    logs: Option<IgnoredAny>,
    #[serde(rename = "resourceMetrics", alias = "resource_metrics")]
    metrics: Option<IgnoredAny>,
    #[serde(rename = "resourceProfiles", alias = "resource_profiles")]
    profiles: Option<IgnoredAny>,
}

/// How far from its start a request says what it is, when it is too broken to be read.
const HEAD_BYTES: usize = 256;

/// Tells OTLP from log text.
pub(super) fn classify(text: &[u8]) -> Class {
    if text.first() != Some(&b'{') {
        return Class::Log;
    }
    let Ok(probe) = serde_json::from_slice::<Probe>(text) else {
        return classify_broken(text);
    };
    let mut signals = Vec::new();
    if probe.spans.is_some() {
        signals.push(Signal::Traces);
    }
    if probe.logs.is_some() {
        signals.push(Signal::Logs);
    }
    let not_taken = match (probe.metrics, probe.profiles) {
        (Some(_), _) => Some("metrics"),
        (None, Some(_)) => Some("profiles"),
        (None, None) => None,
    };
    if signals.is_empty() && not_taken.is_none() {
        return Class::Log;
    }
    Class::Otlp { signals, not_taken }
}

/// A cut-off OTLP request must be refused with a reason, not kept as a log line.
fn classify_broken(text: &[u8]) -> Class {
    let head = String::from_utf8_lossy(&text[..text.len().min(HEAD_BYTES)]);
    let is = |names: [&str; 2]| names.iter().any(|name| head.contains(name));
    let signal = if is(["\"resourceSpans\"", "\"resource_spans\""]) {
        Signal::Traces
    } else if is(["\"resourceLogs\"", "\"resource_logs\""]) {
        Signal::Logs
    } else {
        return Class::Log;
    };
    Class::Otlp {
        signals: vec![signal],
        not_taken: None,
    }
}

/// Whether `text` is the beginning of JSON that goes on in the next line.
pub(super) fn goes_on(text: &[u8]) -> bool {
    matches!(text.first(), Some(b'{' | b'['))
        && serde_json::from_slice::<IgnoredAny>(text).is_err_and(|error| error.is_eof())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn otlp(signals: &[Signal], not_taken: Option<&'static str>) -> Class {
        Class::Otlp {
            signals: signals.to_vec(),
            not_taken,
        }
    }

    #[test]
    fn otlp_is_told_from_logs() {
        assert_eq!(
            classify(br#"{"resourceSpans": []}"#),
            otlp(&[Signal::Traces], None)
        );
        assert_eq!(
            classify(br#"{"a": 1, "resource_logs": []}"#),
            otlp(&[Signal::Logs], None)
        );
        assert_eq!(
            classify(br#"{"resourceLogs": [], "resourceSpans": []}"#),
            otlp(&[Signal::Traces, Signal::Logs], None)
        );
        assert_eq!(
            classify(br#"{"resourceMetrics": []}"#),
            otlp(&[], Some("metrics"))
        );
        for log in [
            r#"{"msg": "the \"resourceSpans\" key"}"#,
            "plain",
            "[1]",
            "{broken",
            "{}",
        ] {
            assert_eq!(classify(log.as_bytes()), Class::Log, "{log}");
        }
    }

    #[test]
    fn a_cut_off_request_is_still_a_request() {
        assert_eq!(
            classify(br#"{"resourceSpans":[{"scope"#),
            otlp(&[Signal::Traces], None)
        );
    }

    #[test]
    fn documents_over_several_lines_are_seen_by_the_first() {
        assert!(goes_on(b"{") && goes_on(br#"{"resourceSpans": ["#) && goes_on(b"["));
        for whole in [
            "{}",
            "[1]",
            "[INFO] started",
            "plain",
            "",
            "[2023-01-01] x",
            "{nonsense",
        ] {
            assert!(!goes_on(whole.as_bytes()), "{whole}");
        }
    }
}
