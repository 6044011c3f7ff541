//! Builds the index of a file while its rows are written.

use std::collections::HashSet;
use std::path::Path;

use arrow::array::{Array, AsArray, FixedSizeBinaryArray, ListArray, MapArray, StringArray};
use arrow::record_batch::RecordBatch;
use tantivy::directory::RamDirectory;
use tantivy::indexer::SingleSegmentIndexWriter;
use tantivy::schema::{BytesOptions, Field, Schema};
use tantivy::store::Compressor;
use tantivy::{Directory, Index, IndexSettings, TantivyDocument};

use super::{BLOCK_ROWS, packed, terms};
use crate::error::{Error, Result};
use crate::model::Table;
use crate::statistics::MAPS;
use crate::text::tokens;

/// Memory tantivy may use for one segment before it would spill; far above what blocks need.
const MEMORY_BYTES: usize = 1 << 30;

/// Collects terms block by block. Rows must be added in file order.
pub(crate) struct IndexBuilder {
    table: Table,
    writer: SingleSegmentIndexWriter,
    directory: RamDirectory,
    field: Field,
    block: HashSet<Box<[u8]>>,
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
        let mut schema = Schema::builder();
        let field = schema.add_bytes_field("term", BytesOptions::default().set_indexed());
        let directory = RamDirectory::create();
        let settings = IndexSettings {
            docstore_compression: Compressor::None,
            docstore_compress_dedicated_thread: false,
            ..IndexSettings::default()
        };
        let writer = Index::builder()
            .schema(schema.build())
            .settings(settings)
            .single_segment_index_writer(directory.clone(), MEMORY_BYTES)?;
        Ok(Self {
            table,
            writer,
            directory,
            field,
            block: HashSet::new(),
            rows: 0,
            scratch: Vec::new(),
        })
    }

    /// Adds the rows of `batch` (stored schema).
    pub(crate) fn add(&mut self, batch: &RecordBatch) -> Result<()> {
        let columns = Columns::of(self.table, batch)?;
        for row in 0..batch.num_rows() {
            self.add_row(&columns, row);
            self.rows += 1;
            if self.rows.is_multiple_of(BLOCK_ROWS) {
                self.end_block()?;
            }
        }
        Ok(())
    }

    /// The packed index file.
    pub(crate) fn finish(mut self) -> Result<Vec<u8>> {
        if !self.rows.is_multiple_of(BLOCK_ROWS) {
            self.end_block()?;
        }
        let index = self.writer.finalize()?;
        let mut files = vec![("meta.json".to_owned(), read(&self.directory, "meta.json")?)];
        let mut names: Vec<String> = index
            .directory()
            .list_managed_files()
            .iter()
            .filter_map(|path| path.to_str().map(str::to_owned))
            .filter(|name| name != "meta.json")
            .collect();
        names.sort_unstable();
        for name in names {
            // Tantivy manages names of optional files too, which it then does not write.
            if self.directory.exists(Path::new(&name)).unwrap_or(false) {
                let bytes = read(&self.directory, &name)?;
                files.push((name, bytes));
            }
        }
        Ok(packed::pack(self.rows, &files))
    }

    fn end_block(&mut self) -> Result<()> {
        let mut document = TantivyDocument::default();
        for term in self.block.drain() {
            document.add_bytes(self.field, &term);
        }
        self.writer.add_document(document)?;
        Ok(())
    }

    fn add_row(&mut self, columns: &Columns<'_>, row: usize) {
        if !columns.text.is_null(row) {
            for token in tokens(columns.text.value(row)) {
                terms::token(&token, &mut self.scratch);
                self.keep();
            }
        }
        if !columns.trace_id.is_null(row) {
            terms::trace(columns.trace_id.value(row), &mut self.scratch);
            self.keep();
        }
        for map in &columns.maps {
            self.add_entries(map, row);
        }
        if let Some((events, attributes)) = &columns.events {
            let offsets = events.value_offsets();
            for event in offsets[row] as usize..offsets[row + 1] as usize {
                self.add_entries(attributes, event);
            }
        }
    }

    fn add_entries(&mut self, map: &MapArray, row: usize) {
        let keys = map.keys().as_string::<i32>();
        let values = map.values().as_string::<i32>();
        let offsets = map.value_offsets();
        for entry in offsets[row] as usize..offsets[row + 1] as usize {
            if !values.is_null(entry) {
                terms::attribute(keys.value(entry), values.value(entry), &mut self.scratch);
                self.keep();
            }
        }
    }

    fn keep(&mut self) {
        if !self.block.contains(self.scratch.as_slice()) {
            self.block.insert(self.scratch.as_slice().into());
        }
    }
}

struct Columns<'a> {
    text: &'a StringArray,
    trace_id: &'a FixedSizeBinaryArray,
    maps: Vec<&'a MapArray>,
    events: Option<(&'a ListArray, &'a MapArray)>,
}

impl<'a> Columns<'a> {
    fn of(table: Table, batch: &'a RecordBatch) -> Result<Self> {
        let text = match table {
            Table::Spans => "name",
            Table::Logs => "body",
        };
        let maps = MAPS
            .iter()
            .filter(|(name, _, _)| batch.schema_ref().column_with_name(name).is_some())
            .map(|(name, _, _)| typed::<MapArray>(batch, name))
            .collect::<Result<_>>()?;
        let events = match table {
            Table::Logs => None,
            Table::Spans => {
                let events = typed::<ListArray>(batch, "events")?;
                let attributes = events
                    .values()
                    .as_struct()
                    .column_by_name("attributes")
                    .and_then(|column| column.as_any().downcast_ref::<MapArray>())
                    .ok_or_else(|| Error::internal("events without attributes"))?;
                Some((events, attributes))
            }
        };
        Ok(Self {
            text: typed(batch, text)?,
            trace_id: typed(batch, "trace_id")?,
            maps,
            events,
        })
    }
}

fn typed<'a, A: Array + 'static>(batch: &'a RecordBatch, name: &str) -> Result<&'a A> {
    batch
        .column_by_name(name)
        .and_then(|column| column.as_any().downcast_ref::<A>())
        .ok_or_else(|| Error::internal(format!("column `{name}` is not of its stored type")))
}

fn read(directory: &RamDirectory, name: &str) -> Result<Vec<u8>> {
    directory
        .open_read(Path::new(name))
        .map_err(|source| Error::internal("cannot read back an index").with_source(source))?
        .read_bytes()
        .map(|bytes| bytes.as_slice().to_vec())
        .map_err(|source| Error::internal("cannot read back an index").with_source(source))
}
