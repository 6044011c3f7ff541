//! `table`: results side by side.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, ensure};
use serde_json::Value;

/// What `table` is told.
#[derive(Debug, Clone, clap::Args)]
pub(crate) struct TableArgs {
    /// Results: files of `run`, or folders of them.
    #[arg(required = true)]
    results: Vec<PathBuf>,
    /// Results to compare with: a folder of them.
    #[arg(long)]
    against: Option<PathBuf>,
}

/// The figures worth showing: their path in a part of a result, and how they are told (`#` is the value).
const FIGURES: [(&str, &str, f64); 17] = [
    ("records_per_second", "# records/s", 1.0),
    ("request_ms.p50", "p50 # ms", 1.0),
    ("request_ms.p99", "p99 # ms", 1.0),
    ("cpu_seconds_per_million_records", "# CPU-s a million", 1.0),
    ("peak_rss_bytes", "peak # MB", 1e-6),
    ("rss_bytes_at_the_end", "then # MB", 1e-6),
    ("ready_ms", "ready after # ms", 1.0),
    ("answered_ms.p50", "answer p50 # ms", 1.0),
    ("answered_ms.p99", "answer p99 # ms", 1.0),
    ("answers_by_status.200", "# answers", 1.0),
    ("given_up", "# not answered", 1.0),
    ("median", "median # ms", 1.0),
    ("p95", "p95 # ms", 1.0),
    ("first", "first # ms", 1.0),
    ("bytes_per_span", "# bytes a span", 1.0),
    ("bytes_per_log", "# bytes a log record", 1.0),
    (
        "written_bytes_per_byte_kept",
        "# bytes written a byte kept",
        1.0,
    ),
];

/// Figures in the order of [`FIGURES`] by place: a phase, or what is in it.
type Places = BTreeMap<String, Vec<(&'static str, f64)>>;

/// A Markdown table.
pub(crate) fn table(args: &TableArgs) -> anyhow::Result<String> {
    let new = read_all(&args.results)?;
    let old = match &args.against {
        Some(folder) if folder.is_dir() => read_all(std::slice::from_ref(folder))?,
        _ => BTreeMap::new(),
    };
    ensure!(!new.is_empty(), "no results there");
    let mut text = String::from("| case | where | figures (change) |\n|---|---|---|\n");
    for (case, result) in &new {
        let before = old.get(case).map(figures).unwrap_or_default();
        for (place, figures) in figures(result) {
            let was = before.get(&place);
            let cells: Vec<_> = figures
                .iter()
                .map(|(title, value)| {
                    let was =
                        was.and_then(|figures| figures.iter().find(|(other, _)| other == title));
                    cell(title, *value, was.map(|(_, was)| *was))
                })
                .collect();
            writeln!(text, "| {case} | {place} | {} |", cells.join(", "))?;
        }
    }
    Ok(text)
}

/// `median 4.00 ms (-50 %)`
fn cell(title: &str, value: f64, was: Option<f64>) -> String {
    let shown = title.replacen('#', &number(value), 1);
    match was {
        Some(was) if was > 0.0 => format!("{shown} ({:+.0} %)", (value / was - 1.0) * 100.0),
        _ => shown,
    }
}

fn read_all(paths: &[PathBuf]) -> anyhow::Result<BTreeMap<String, Value>> {
    let mut results = BTreeMap::new();
    for path in paths {
        let files = if path.is_dir() {
            let mut files = fs::read_dir(path)?
                .map(|entry| Ok(entry?.path()))
                .collect::<anyhow::Result<Vec<_>>>()?;
            files.retain(|file| file.extension().is_some_and(|ending| ending == "json"));
            files
        } else {
            vec![path.clone()]
        };
        for file in files {
            let result = read(&file)?;
            let case = result["case"].as_str().unwrap_or_default().to_owned();
            results.insert(case, result);
        }
    }
    Ok(results)
}

fn read(file: &Path) -> anyhow::Result<Value> {
    let text = fs::read(file).with_context(|| format!("cannot read {}", file.display()))?;
    serde_json::from_slice(&text).with_context(|| format!("{} is no result", file.display()))
}

/// The figures of a result.
fn figures(result: &Value) -> Places {
    let mut places = Places::new();
    for phase in result["phases"].as_array().into_iter().flatten() {
        let name = phase["name"].as_str().unwrap_or_default();
        for load in phase["load"].as_array().into_iter().flatten() {
            let signal = load["signal"].as_str().unwrap_or_default();
            collect(load, &format!("{name}: {signal}"), &mut places);
        }
        for (query, times) in phase["milliseconds"].as_object().into_iter().flatten() {
            collect(times, &format!("{name}: {query}"), &mut places);
        }
        collect(&phase["crowd"], &format!("{name}: crowd"), &mut places);
        collect(&phase["server"], name, &mut places);
        collect(phase, name, &mut places);
    }
    collect(&result["life"], "whole life", &mut places);
    collect(&result["disk"], "on disk", &mut places);
    places
}

fn collect(of: &Value, place: &str, places: &mut Places) {
    for (path, title, factor) in FIGURES {
        let value = path.split('.').fold(of, |value, name| &value[name]);
        if let Some(value) = value.as_f64() {
            let figures = places.entry(place.to_owned()).or_default();
            figures.push((title, value * factor));
        }
    }
}

/// Three digits that count.
fn number(value: f64) -> String {
    if value >= 100.0 {
        format!("{value:.0}")
    } else if value >= 10.0 {
        format!("{value:.1}")
    } else {
        format!("{value:.2}")
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn figures_are_found_and_compared() {
        let folder = tempfile::tempdir().unwrap();
        let result = |rate: f64, median: f64| {
            json!({
                "case": "x",
                "phases": [{
                    "name": "send",
                    "load": [{"signal": "logs", "records_per_second": rate, "request_ms": {"p99": 5.0}}],
                    "milliseconds": {"needle_word": {"median": median}},
                    "server": {"peak_rss_bytes": 5_000_000},
                }],
                "disk": {"bytes_per_span": null, "bytes_per_log": 41.25},
            })
        };
        let path = |name: &str| {
            let path = folder.path().join(name);
            fs::create_dir(&path).unwrap();
            path
        };
        let (old, new) = (path("old"), path("new"));
        fs::write(old.join("x.json"), result(1000.0, 8.0).to_string()).unwrap();
        fs::write(new.join("x.json"), result(1500.0, 4.0).to_string()).unwrap();
        let text = table(&TableArgs {
            results: vec![new],
            against: Some(old),
        })
        .unwrap();
        for line in [
            "| x | send: logs | 1500 records/s (+50 %), p99 5.00 ms (+0 %) |",
            "| x | send: needle_word | median 4.00 ms (-50 %) |",
            "| x | send | peak 5.00 MB (+0 %) |",
            "| x | on disk | 41.2 bytes a log record (+0 %) |",
        ] {
            assert!(text.contains(line), "{text}");
        }
    }
}
