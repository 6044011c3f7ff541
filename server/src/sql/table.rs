//! Rows as a table for people.

use std::io::{self, Write};

use serde_json::Value;

/// Cells are cut off after this many characters on a terminal.
pub(super) const MAX_CELL_CHARS: usize = 100;

/// Writes a header, a line and the rows; numbers stand to the right. Cells longer than
/// `max_cell_chars` are cut off.
pub(super) fn write(
    out: &mut dyn Write,
    names: &[&str],
    rows: &[Vec<Value>],
    max_cell_chars: Option<usize>,
) -> io::Result<()> {
    let cells: Vec<Vec<String>> = rows
        .iter()
        .map(|row| {
            row.iter()
                .map(|value| shown(value, max_cell_chars))
                .collect()
        })
        .collect();
    let columns: Vec<Column> = names
        .iter()
        .enumerate()
        .map(|(index, name)| Column {
            width: cells
                .iter()
                .filter_map(|row| row.get(index))
                .map(|cell| cell.chars().count())
                .chain([name.chars().count()])
                .max()
                .unwrap_or_default(),
            is_number: rows
                .iter()
                .filter_map(|row| row.get(index))
                .all(|value| value.is_number() || value.is_null())
                && rows
                    .iter()
                    .any(|row| row.get(index).is_some_and(Value::is_number)),
        })
        .collect();
    let names: Vec<String> = names.iter().map(|&name| name.to_owned()).collect();
    line(out, &columns, &names)?;
    let rules: Vec<String> = columns
        .iter()
        .map(|column| "─".repeat(column.width))
        .collect();
    line(out, &columns, &rules)?;
    cells.iter().try_for_each(|row| line(out, &columns, row))
}

struct Column {
    width: usize,
    is_number: bool,
}

fn line(out: &mut dyn Write, columns: &[Column], cells: &[String]) -> io::Result<()> {
    let mut text = String::new();
    for (column, cell) in columns.iter().zip(cells) {
        let padding = " ".repeat(column.width.saturating_sub(cell.chars().count()));
        if column.is_number {
            text.push_str(&padding);
            text.push_str(cell);
        } else {
            text.push_str(cell);
            text.push_str(&padding);
        }
        text.push_str("  ");
    }
    writeln!(out, "{}", text.trim_end())
}

/// A value in one line. Control characters are escaped: a log line must not drive the terminal.
fn shown(value: &Value, max_chars: Option<usize>) -> String {
    let text = match value {
        Value::Null => return "NULL".to_owned(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    let mut line = String::with_capacity(text.len());
    for (count, c) in text.chars().enumerate() {
        if max_chars == Some(count) {
            line.push('…');
            break;
        }
        if c.is_control() {
            line.extend(c.escape_default());
        } else {
            line.push(c);
        }
    }
    line
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn table(rows: &[Vec<Value>], max: Option<usize>) -> String {
        let mut out = Vec::new();
        write(&mut out, &["name", "n"], rows, max).unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn numbers_stand_to_the_right() {
        let rows = [
            vec![json!("checkout"), json!(7)],
            vec![json!(null), json!(1234)],
        ];
        assert_eq!(
            table(&rows, None),
            "name         n\n────────  ────\ncheckout     7\nNULL      1234\n"
        );
        assert_eq!(table(&[], None), "name  n\n────  ─\n");
    }

    #[test]
    fn text_cannot_drive_the_terminal_and_is_cut_off() {
        let text = table(
            &[vec![json!("a\x1b[2Jb\nc"), json!("x".repeat(9))]],
            Some(8),
        );
        assert!(text.contains(r"a\u{1b}[2Jb\nc"), "{text}");
        assert!(text.contains("xxxxxxxx…"), "{text}");
    }
}
