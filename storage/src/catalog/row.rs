//! One file as a row of the catalog.

use std::str::FromStr;
use std::sync::Arc;

use sqlx::sqlite::SqliteRow;
use sqlx::{Row, SqliteConnection};

use crate::error::{Error, Result};
use crate::layout::{index_path, parquet_path};
use crate::model::{FileId, Hour, Table, TenantId};
use crate::snapshot::{DataFile, FieldStatistics};

/// Level of compression of the statistics; they are text that repeats itself.
const ZSTD_LEVEL: i32 = 3;

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
                "catalog has a file in state `{word}`"
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

impl FileRow {
    pub(crate) fn read(row: &SqliteRow) -> Result<Self> {
        let id = FileId::from_str(row.try_get("id")?)?;
        let tenant = TenantId::new(row.try_get("tenant")?)?;
        let table = Table::from_str(row.try_get("table_name")?)?;
        let hour = Hour(row.try_get("hour")?);
        let packed: &[u8] = row.try_get("field_statistics")?;
        let fields: FieldStatistics = zstd::decode_all(packed)
            .map_err(|source| {
                Error::corrupt(format!("statistics of file `{id}` are not readable"))
                    .with_source(source)
            })
            .and_then(|json| Ok(serde_json::from_slice(&json)?))?;
        let number = |name: &str| -> Result<u64> {
            let value: i64 = row.try_get(name)?;
            u64::try_from(value).map_err(|_| {
                Error::corrupt(format!("catalog has `{name}` = {value} for file `{id}`"))
            })
        };
        let file = DataFile {
            id,
            path: parquet_path(&tenant, table, hour, id),
            index_path: index_path(&tenant, table, hour, id),
            tenant,
            table,
            hour,
            level: u32::try_from(number("level")?)
                .map_err(|_| Error::corrupt(format!("catalog has a wrong level for `{id}`")))?,
            rows: number("row_count")?,
            bytes: number("bytes")?,
            index_bytes: number("index_bytes")?,
            min_time_ns: row.try_get("min_time_ns")?,
            max_time_ns: row.try_get("max_time_ns")?,
            services: serde_json::from_str(row.try_get("services")?)?,
            fields,
        };
        Ok(Self {
            file: Arc::new(file),
            state: FileState::of(row.try_get("state")?)?,
            reason: row.try_get("reason")?,
        })
    }
}

/// Adds a live file.
pub(crate) async fn insert(connection: &mut SqliteConnection, file: &DataFile) -> Result<()> {
    let json = serde_json::to_vec(&file.fields)?;
    let packed = zstd::encode_all(json.as_slice(), ZSTD_LEVEL)
        .map_err(|source| Error::internal("cannot compress statistics").with_source(source))?;
    sqlx::query(
        "INSERT INTO files (id, tenant, table_name, hour, level, row_count, bytes, index_bytes, min_time_ns, max_time_ns, services, field_statistics, state) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
    )
    .bind(file.id.to_string())
    .bind(file.tenant.as_str())
    .bind(file.table.name())
    .bind(file.hour.0)
    .bind(i64::from(file.level))
    .bind(file.rows.cast_signed())
    .bind(file.bytes.cast_signed())
    .bind(file.index_bytes.cast_signed())
    .bind(file.min_time_ns)
    .bind(file.max_time_ns)
    .bind(serde_json::to_string(&file.services)?)
    .bind(packed)
    .bind(FileState::Live.word())
    .execute(connection)
    .await?;
    Ok(())
}
