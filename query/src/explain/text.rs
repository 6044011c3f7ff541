//! A scan as a table of text, as `EXPLAIN` shows it.

use super::{Scan, Step};

const HEADINGS: [&str; 9] = [
    "step",
    "files",
    "row groups",
    "pages",
    "rows",
    "bytes",
    "read bytes",
    "ms",
    "why",
];

/// A line for each step below the name of the table. Numbers are as they are; what is not known is `-`.
pub(crate) fn table(scan: &Scan) -> String {
    let lines: Vec<[String; 9]> = std::iter::once(HEADINGS.map(str::to_owned))
        .chain(scan.steps.iter().map(cells))
        .collect();
    let width = |at: usize| lines.iter().map(|line| line[at].len()).max().unwrap_or(0);
    let widths: [usize; 9] = std::array::from_fn(width);
    let state = if scan.ran { "as it ran" } else { "as planned" };
    let mut text = format!("{}, {state}", scan.table);
    for line in &lines {
        text.push('\n');
        let padded = line.iter().zip(widths).enumerate();
        let padded: Vec<String> = padded
            .map(|(at, (cell, width))| match at {
                0 => format!("{cell:<width$}"),
                8 => cell.clone(),
                _ => format!("{cell:>width$}"),
            })
            .collect();
        text.push_str(padded.join("  ").trim_end());
    }
    text
}

fn cells(step: &Step) -> [String; 9] {
    let number = |number: Option<u64>| number.map_or_else(|| "-".to_owned(), |n| n.to_string());
    [
        step.name.as_str().to_owned(),
        number(step.files),
        number(step.row_groups),
        number(step.pages),
        number(step.rows),
        number(step.bytes),
        number(step.read_bytes),
        step.elapsed_ns.map_or_else(
            || "-".to_owned(),
            |ns| format!("{}.{:03}", ns / 1_000_000, ns / 1_000 % 1_000),
        ),
        step.detail.clone(),
    ]
}
