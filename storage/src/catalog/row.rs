//! One file as a row of the catalog.

use std::str::FromStr;
use std::sync::Arc;

use super::database::Statement;
use super::facts;
use super::packed::{self, Unpacker};
use super::value::Row;
use crate::error::{Error, ErrorKind, Result};
use crate::layout::{index_path, parquet_path};
use crate::model::{FileId, Hour, Table, TenantId};
use crate::snapshot::DataFile;

const INSERT: &str = "INSERT INTO files (id, tenant, table_name, hour, level, row_count, bytes, index_bytes, min_time_ns, max_time_ns, services, field_statistics, state) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)";

/// What may be done with a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum FileState {
    /// Part of every new snapshot.
    Live,
    /// Replaced; to be deleted when no snapshot holds it.
    Removed,
    /// Broken; kept for inspection.
    Quarantined,
}

impl FileState {
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Live => "live",
            Self::Removed => "removed",
            Self::Quarantined => "quarantined",
        }
    }

    fn of(word: &str) -> Result<Self> {
        match word {
            "live" => Ok(Self::Live),
            "removed" => Ok(Self::Removed),
            "quarantined" => Ok(Self::Quarantined),
            _ => Err(Error::corrupt(format!(
                "catalog column `state` is `{word}`"
            ))),
        }
    }
}

/// A row as read.
#[derive(Debug)]
pub(crate) struct FileRow {
    pub(crate) file: Arc<DataFile>,
    pub(crate) state: FileState,
    pub(crate) reason: Option<String>,
}

/// A row that cannot be used: its file is set aside, and neither is touched.
#[derive(Debug)]
pub(crate) struct BrokenRow {
    pub(crate) id: FileId,
    pub(crate) tenant: TenantId,
    pub(crate) table: Table,
    pub(crate) hour: Hour,
    pub(crate) reason: String,
}

impl FileRow {
    /// Reads a row; the error names the file.
    pub(crate) fn read(row: &Row, statistics: &mut Unpacker) -> Result<Self> {
        Self::decode(row, statistics).map_err(|error| {
            let id = row.text("id").unwrap_or("?");
            Error::new(
                ErrorKind::Corrupt,
                format!("the catalog's row of file `{id}` is broken: {error}"),
            )
        })
    }

    fn decode(row: &Row, statistics: &mut Unpacker) -> Result<Self> {
        let (id, tenant, table, hour) = place(row)?;
        let level = row.count("level")?;
        let file = DataFile {
            id,
            path: parquet_path(&tenant, table, hour, id),
            index_path: index_path(&tenant, table, hour, id),
            tenant,
            table,
            hour,
            level: u32::try_from(level)
                .map_err(|_| Error::corrupt(format!("catalog column `level` is {level}")))?,
            rows: row.count("row_count")?,
            bytes: row.count("bytes")?,
            index_bytes: row.count("index_bytes")?,
            min_time_ns: row.int("min_time_ns")?,
            max_time_ns: row.int("max_time_ns")?,
            services: serde_json::from_str(row.text("services")?)?,
            fields: statistics.unpack(row.bytes("field_statistics")?)?,
            facts: facts::read(row)?,
            hidden: None,
            held: Arc::default(),
        };
        Ok(Self {
            file: Arc::new(file),
            state: FileState::of(row.text("state")?)?,
            reason: row.optional_text("reason")?.map(str::to_owned),
        })
    }
}

impl BrokenRow {
    /// What is left of a row that [`FileRow::read`] refused with `error`; the same error if it
    /// does not even say which file it is about.
    pub(crate) fn read(row: &Row, error: &Error) -> Result<Self> {
        let reason = error.to_string();
        let (id, tenant, table, hour) = place(row).map_err(|_| {
            Error::corrupt(reason.clone()).with_hint(
                "restore the catalog from a backup: without the row it is not known what is missing",
            )
        })?;
        Ok(Self {
            id,
            tenant,
            table,
            hour,
            reason,
        })
    }
}

fn place(row: &Row) -> Result<(FileId, TenantId, Table, Hour)> {
    Ok((
        FileId::from_str(row.text("id")?)?,
        TenantId::new(row.text("tenant")?)?,
        Table::from_str(row.text("table_name")?)?,
        Hour(row.int("hour")?),
    ))
}

/// Adds a live file.
pub(super) fn insert(file: &DataFile) -> Result<Statement> {
    let values = vec![
        file.id.to_string().into(),
        file.tenant.as_str().into(),
        file.table.name().into(),
        file.hour.0.into(),
        file.level.into(),
        file.rows.into(),
        file.bytes.into(),
        file.index_bytes.into(),
        file.min_time_ns.into(),
        file.max_time_ns.into(),
        serde_json::to_string(&file.services)?.into(),
        packed::pack(&file.fields)?.into(),
        FileState::Live.word().into(),
    ];
    Ok(Statement::new(INSERT, values))
}
