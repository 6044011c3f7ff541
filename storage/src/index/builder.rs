//! Builds the index of a file while its rows are written.

use std::iter::Peekable;

use arrow::array::{Array, AsArray, FixedSizeBinaryArray, ListArray, MapArray, StringArray};
use arrow::record_batch::RecordBatch;

use super::ids::{IDS, IdsBuilder, LINKS};
use super::packed::Packer;
use super::segment::SegmentBuilder;
use super::terms::Attribute;
use super::words::{HashedWord, WordsBuilder};
use super::{BLOCK_ROWS, terms};
use crate::attributes::{Entries, runs};
use crate::error::{Error, Result};
use crate::model::{FileId, Table};
use crate::statistics::{BatchRuns, MAPS};

/// Collects words by row and terms by block. Rows must be added in file order.
pub(crate) struct IndexBuilder {
    table: Table,
    segment: SegmentBuilder,
    ids: IdsBuilder,
    /// Traces that spans link to; logs have no links.
    links: Option<IdsBuilder>,
    words: WordsBuilder,
    rows: u64,
    scratch: Vec<u8>,
}

impl std::fmt::Debug for IndexBuilder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("IndexBuilder")
            .field("rows", &self.rows)
            .finish_non_exhaustive()
    }
}

impl IndexBuilder {
    pub(crate) fn new(table: Table) -> Result<Self> {
        Ok(Self {
            table,
            segment: SegmentBuilder::new()?,
            ids: IdsBuilder::new(),
            links: (table == Table::Spans).then(IdsBuilder::new),
            words: WordsBuilder::new(),
            rows: 0,
            scratch: Vec::new(),
        })
    }

    /// Adds the rows of `batch` (stored schema).
    pub(crate) fn add(&mut self, batch: &RecordBatch) -> Result<()> {
        self.add_rows(batch, |_, map| runs(map).map(|rows| rows.start).collect())
    }

    /// Adds the rows of a batch whose runs are known.
    pub(crate) fn add_counted(&mut self, batch: &RecordBatch, found: &BatchRuns) -> Result<()> {
        self.add_rows(batch, |at, _| {
            found[at].iter().map(|run| run.rows.start).collect()
        })
    }

    /// `starts` says where the runs of a map, by its place in [`MAPS`], begin.
    fn add_rows(
        &mut self,
        batch: &RecordBatch,
        starts: impl Fn(usize, &MapArray) -> Vec<usize>,
    ) -> Result<()> {
        let mut columns = Columns::of(self.table, batch, starts)?;
        for row in 0..batch.num_rows() {
            self.add_row(&mut columns, row);
            self.rows += 1;
            if self.rows.is_multiple_of(BLOCK_ROWS) {
                self.end_block()?;
            }
        }
        Ok(())
    }

    /// The index file of the data file `id`.
    pub(crate) fn finish(mut self, id: FileId) -> Result<Vec<u8>> {
        if !self.rows.is_multiple_of(BLOCK_ROWS) {
            self.end_block()?;
        }
        let mut packer = Packer::new();
        self.words.finish(&mut packer)?;
        self.ids.finish(&mut packer, &IDS)?;
        if let Some(links) = self.links {
            links.finish(&mut packer, &LINKS)?;
        }
        self.segment.finish(&mut packer)?;
        Ok(packer.finish(id, self.rows))
    }

    fn end_block(&mut self) -> Result<()> {
        self.ids.end_block();
        self.links.iter_mut().for_each(IdsBuilder::end_block);
        self.segment.end_block()
    }

    fn add_row(&mut self, columns: &mut Columns<'_>, row: usize) {
        let (segment, ids, scratch) = (&mut self.segment, &mut self.ids, &mut self.scratch);
        let text = (!columns.text.is_null(row)).then(|| columns.text.value(row));
        self.words.add(text, |HashedWord(token)| {
            ids.add(terms::id(token));
            terms::stem_term(terms::stem(token), scratch);
            segment.add(scratch);
        });
        if !columns.trace_id.is_null(row) {
            ids.add(terms::trace(columns.trace_id.value(row)));
        }
        let in_block = !self.rows.is_multiple_of(BLOCK_ROWS);
        for (map, starts) in &mut columns.maps {
            let begins = starts.next_if_eq(&row).is_some();
            // What the row before it in the block had too is known of the block.
            if begins || !in_block {
                self.add_entries(map, row);
            }
        }
        if let (Some(links), Some((list, traces))) = (&mut self.links, &columns.links) {
            let offsets = list.value_offsets();
            for link in offsets[row] as usize..offsets[row + 1] as usize {
                links.add(terms::trace(traces.value(link)));
            }
        }
        if let Some((events, attributes)) = &columns.events {
            let offsets = events.value_offsets();
            for event in offsets[row] as usize..offsets[row + 1] as usize {
                self.add_entries(attributes, event);
            }
        }
    }

    fn add_entries(&mut self, entries: &Entries<'_>, row: usize) {
        for entry in entries.of_row(row) {
            if let Some(value) = entries.value(entry) {
                match terms::attribute(entries.key(entry), value, &mut self.scratch) {
                    Attribute::Term => self.segment.add(&self.scratch),
                    Attribute::Hash(hash) => self.ids.add(hash),
                }
            }
        }
    }
}

struct Columns<'a> {
    text: &'a StringArray,
    trace_id: &'a FixedSizeBinaryArray,
    /// And the rows where their runs begin.
    maps: Vec<(Entries<'a>, Peekable<std::vec::IntoIter<usize>>)>,
    events: Option<(&'a ListArray, Entries<'a>)>,
    links: Option<(&'a ListArray, &'a FixedSizeBinaryArray)>,
}

impl<'a> Columns<'a> {
    fn of(
        table: Table,
        batch: &'a RecordBatch,
        starts: impl Fn(usize, &MapArray) -> Vec<usize>,
    ) -> Result<Self> {
        let text = match table {
            Table::Spans => "name",
            Table::Logs => "body",
        };
        let maps = MAPS
            .iter()
            .enumerate()
            .filter(|(_, (name, ..))| batch.schema_ref().column_with_name(name).is_some())
            .map(|(at, (name, ..))| {
                let map = typed(batch, name)?;
                Ok((Entries::of(map), starts(at, map).into_iter().peekable()))
            })
            .collect::<Result<_>>()?;
        let (events, links) = match table {
            Table::Logs => (None, None),
            Table::Spans => (
                Some(list_with::<MapArray>(batch, "events", "attributes")?)
                    .map(|(events, map)| (events, Entries::of(map))),
                Some(list_with(batch, "links", "trace_id")?),
            ),
        };
        Ok(Self {
            text: typed(batch, text)?,
            trace_id: typed(batch, "trace_id")?,
            maps,
            events,
            links,
        })
    }
}

/// A list of structs, and one field of all of them.
fn list_with<'a, A: Array + 'static>(
    batch: &'a RecordBatch,
    list: &str,
    field: &str,
) -> Result<(&'a ListArray, &'a A)> {
    let of = typed::<ListArray>(batch, list)?;
    let values = of.values().as_struct().column_by_name(field);
    let values = values.and_then(|column| column.as_any().downcast_ref::<A>());
    let values = values.ok_or_else(|| Error::internal(format!("`{list}` without `{field}`")))?;
    Ok((of, values))
}

fn typed<'a, A: Array + 'static>(batch: &'a RecordBatch, name: &str) -> Result<&'a A> {
    batch
        .column_by_name(name)
        .and_then(|column| column.as_any().downcast_ref::<A>())
        .ok_or_else(|| Error::internal(format!("column `{name}` is not of its stored type")))
}
