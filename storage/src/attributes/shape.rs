//! The order in which a row's columns and map entries follow each other, as text.

use std::collections::HashSet;
use std::fmt::Write;

use crate::error::{Error, Result};

/// A part of a row's order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Step {
    /// The value of a column, by its number in the scope.
    Column(usize),
    /// That many entries of the map.
    Map(usize),
}

/// Writes the order of a row.
#[derive(Debug, Default)]
pub(super) struct ShapeWriter {
    text: String,
    /// Map entries not written yet.
    run: usize,
}

impl ShapeWriter {
    pub(super) fn column(&mut self, column: usize) {
        self.end_run();
        self.separate();
        // Writing to a `String` cannot fail.
        write!(self.text, "{column}").unwrap_or_default();
    }

    pub(super) fn map_entry(&mut self) {
        self.run += 1;
    }

    /// The text of what was added; the writer is empty again after [`Self::clear`].
    pub(super) fn finish(&mut self) -> &str {
        self.end_run();
        &self.text
    }

    pub(super) fn clear(&mut self) {
        self.text.clear();
        self.run = 0;
    }

    fn separate(&mut self) {
        if !self.text.is_empty() {
            self.text.push(',');
        }
    }

    fn end_run(&mut self) {
        match std::mem::take(&mut self.run) {
            0 => {}
            1 => {
                self.separate();
                self.text.push('*');
            }
            run => {
                self.separate();
                write!(self.text, "*{run}").unwrap_or_default();
            }
        }
    }
}

/// Reads an order, in which no column may be twice.
pub(super) fn parse(text: &str) -> Result<Vec<Step>> {
    let step = |part: &str| match part.strip_prefix('*') {
        Some("") => Some(Step::Map(1)),
        Some(count) => count.parse().ok().map(Step::Map),
        None => part.parse().ok().map(Step::Column),
    };
    let steps: Vec<Step> = text
        .split(',')
        .filter(|part| !part.is_empty())
        .map(|part| step(part).ok_or_else(|| wrong(text)))
        .collect::<Result<_>>()?;
    let mut columns = HashSet::new();
    for step in &steps {
        if let Step::Column(column) = step
            && !columns.insert(*column)
        {
            return Err(wrong(text));
        }
    }
    Ok(steps)
}

/// The error for an order that its row does not have.
pub(super) fn wrong(text: &str) -> Error {
    let mut shown = text.to_owned();
    shown.truncate(shown.floor_char_boundary(80));
    Error::corrupt(format!("a row has no attributes in the order `{shown}`"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn orders_read_back() {
        let mut writer = ShapeWriter::default();
        writer.column(12);
        writer.map_entry();
        writer.column(0);
        writer.map_entry();
        writer.map_entry();
        assert_eq!(writer.finish(), "12,*,0,*2");
        assert_eq!(
            parse("12,*,0,*2").unwrap(),
            [
                Step::Column(12),
                Step::Map(1),
                Step::Column(0),
                Step::Map(2)
            ]
        );
        assert_eq!(parse("").unwrap(), []);
        for broken in ["x", "1,-2", "*x", "3,*,3", "99999999999999999999"] {
            assert!(parse(broken).is_err(), "{broken}");
        }
    }
}
