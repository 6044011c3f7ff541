//! Batches as bytes.

use std::sync::Arc;

use arrow::datatypes::{Schema, SchemaRef};
use arrow::ipc::writer::StreamWriter;
use arrow::record_batch::RecordBatch;
use bytes::Bytes;
use parquet::arrow::ArrowWriter;
use parquet::basic::{Compression, ZstdLevel};
use parquet::errors::ParquetError;
use parquet::file::properties::WriterProperties;
use spoor_storage::{Error, Result};

use super::Format;
use crate::sql::text::{write_csv, write_csv_text, write_json, write_string};

/// A row group of Parquet has no more rows than this, and is written when it takes so much memory.
const GROUP_ROWS: usize = 128 << 10;
const GROUP_BYTES: usize = 16 << 20;

/// Writes batches of one schema; holds nothing of them, but of Parquet a row group.
pub(super) enum Writer {
    /// A header is written first.
    Csv {
        head: String,
    },
    NdJson,
    Arrow(Box<StreamWriter<Vec<u8>>>),
    Parquet(Box<ArrowWriter<Vec<u8>>>),
}

impl Writer {
    pub(super) fn new(format: Format, schema: &SchemaRef) -> Result<Self> {
        Ok(match format {
            Format::Csv => Self::Csv {
                head: csv_head(schema),
            },
            Format::NdJson => Self::NdJson,
            Format::Arrow => Self::Arrow(Box::new(StreamWriter::try_new(Vec::new(), schema)?)),
            Format::Parquet => {
                let properties = WriterProperties::builder()
                    .set_compression(Compression::ZSTD(ZstdLevel::default()))
                    .set_max_row_group_row_count(Some(GROUP_ROWS))
                    .build();
                let writer = ArrowWriter::try_new(Vec::new(), Arc::clone(schema), Some(properties));
                Self::Parquet(Box::new(writer.map_err(failed)?))
            }
        })
    }

    /// What is ready once the batch is written.
    pub(super) fn write(&mut self, batch: &RecordBatch) -> Result<Bytes> {
        match self {
            Self::Csv { head } => {
                let mut text = std::mem::take(head);
                write_csv_rows(&mut text, batch);
                Ok(text.into())
            }
            Self::NdJson => {
                let mut text = String::new();
                write_json_rows(&mut text, batch);
                Ok(text.into())
            }
            Self::Arrow(writer) => {
                writer.write(batch)?;
                Ok(std::mem::take(writer.get_mut()).into())
            }
            Self::Parquet(writer) => {
                writer.write(batch).map_err(failed)?;
                if writer.memory_size() >= GROUP_BYTES {
                    writer.flush().map_err(failed)?;
                }
                Ok(std::mem::take(writer.inner_mut()).into())
            }
        }
    }

    /// The end.
    pub(super) fn finish(self) -> Result<Bytes> {
        match self {
            Self::Csv { head } => Ok(head.into()),
            Self::NdJson => Ok(Bytes::new()),
            Self::Arrow(writer) => Ok(writer.into_inner()?.into()),
            Self::Parquet(writer) => Ok(writer.into_inner().map_err(failed)?.into()),
        }
    }
}

fn failed(error: ParquetError) -> Error {
    Error::internal("the rows cannot be written as Parquet").with_source(error)
}

fn csv_head(schema: &Schema) -> String {
    let mut head = String::new();
    for (place, field) in schema.fields().iter().enumerate() {
        if place > 0 {
            head.push(',');
        }
        write_csv_text(&mut head, field.name());
    }
    head.push_str("\r\n");
    head
}

fn write_csv_rows(out: &mut String, batch: &RecordBatch) {
    for row in 0..batch.num_rows() {
        for (place, column) in batch.columns().iter().enumerate() {
            if place > 0 {
                out.push(',');
            }
            write_csv(out, column, row);
        }
        out.push_str("\r\n");
    }
}

fn write_json_rows(out: &mut String, batch: &RecordBatch) {
    let schema = batch.schema();
    for row in 0..batch.num_rows() {
        out.push('{');
        for (place, (field, column)) in schema.fields().iter().zip(batch.columns()).enumerate() {
            if place > 0 {
                out.push(',');
            }
            write_string(out, field.name());
            out.push(':');
            write_json(out, column, row);
        }
        out.push_str("}\n");
    }
}
