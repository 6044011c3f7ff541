//! Every path of a data directory, in one place.
//!
//! ```text
//! <data-dir>/
//!   LOCK                                   held by the one process that has it open
//!   catalog.sqlite                         which files exist
//!   wal/<first sequence, 20 digits>.wal    requests not yet in files
//!   quarantine/                            broken bytes, kept for inspection
//!   tenant=<t>/<table>/date=<d>/hour=<hh>/<file id>.parquet
//!   tenant=<t>/<table>/date=<d>/hour=<hh>/<file id>.idx
//! ```

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};

use chrono::{DateTime, Utc};
use object_store::path::Path as StorePath;

use crate::error::Result;
use crate::fault::{Faults, Point};
use crate::model::{FileId, Hour, Table, TenantId};

/// Ending of Parquet files.
pub(crate) const PARQUET: &str = "parquet";
/// Ending of index files.
pub(crate) const INDEX: &str = "idx";
/// Ending of write-ahead log segments.
pub(crate) const SEGMENT: &str = "wal";

/// Paths below one data directory.
#[derive(Debug, Clone)]
pub(crate) struct Layout {
    root: PathBuf,
    faults: Faults,
}

impl Layout {
    pub(crate) fn new(root: &Path) -> Self {
        Self {
            root: root.to_owned(),
            faults: Faults::of(root),
        }
    }

    /// A fail point of this directory: passes, except where a test stops the engine.
    pub(crate) fn fault(&self, point: Point) -> Result<()> {
        self.faults.at(point)
    }

    /// As [`Layout::fault`], among I/O.
    pub(crate) fn io_fault(&self, point: Point) -> io::Result<()> {
        self.faults.io(point)
    }

    pub(crate) fn root(&self) -> &Path {
        &self.root
    }

    pub(crate) fn lock(&self) -> PathBuf {
        self.root.join("LOCK")
    }

    pub(crate) fn catalog(&self) -> PathBuf {
        self.root.join("catalog.sqlite")
    }

    /// The file with the id that the directory shares with its catalog.
    pub(crate) fn id(&self) -> PathBuf {
        self.root.join("ID")
    }

    /// What queries have read from a remote store.
    pub(crate) fn cache_dir(&self) -> PathBuf {
        self.root.join("cache")
    }

    pub(crate) fn wal_dir(&self) -> PathBuf {
        self.root.join("wal")
    }

    pub(crate) fn segment(&self, first_sequence: u64) -> PathBuf {
        self.wal_dir()
            .join(format!("{first_sequence:020}.{SEGMENT}"))
    }

    pub(crate) fn quarantine_dir(&self) -> PathBuf {
        self.root.join("quarantine")
    }

    /// The folders of all tenants.
    pub(crate) fn tenants(&self) -> io::Result<Vec<PathBuf>> {
        let mut folders = Vec::new();
        for entry in std::fs::read_dir(&self.root)? {
            let entry = entry?;
            if entry.file_name().to_string_lossy().starts_with("tenant=") {
                folders.push(entry.path());
            }
        }
        Ok(folders)
    }

    /// The local path of an object, for `fsync`.
    pub(crate) fn local(&self, path: &StorePath) -> PathBuf {
        self.root.join(path.as_ref())
    }
}

fn folder(tenant: &TenantId, table: Table, hour: Hour) -> String {
    let (date, hour_of_day) = match DateTime::<Utc>::from_timestamp(hour.0.saturating_mul(3600), 0)
    {
        Some(time) => (
            time.format("%Y-%m-%d").to_string(),
            time.format("%H").to_string(),
        ),
        None => (
            hour.0.div_euclid(24).to_string(),
            hour.0.rem_euclid(24).to_string(),
        ),
    };
    format!("tenant={tenant}/{table}/date={date}/hour={hour_of_day}")
}

/// Where a Parquet file lives in the object store.
pub(crate) fn parquet_path(tenant: &TenantId, table: Table, hour: Hour, id: FileId) -> StorePath {
    StorePath::from(format!("{}/{id}.{PARQUET}", folder(tenant, table, hour)))
}

/// Where its index lives.
pub(crate) fn index_path(tenant: &TenantId, table: Table, hour: Hour, id: FileId) -> StorePath {
    StorePath::from(format!("{}/{id}.{INDEX}", folder(tenant, table, hour)))
}

/// Whether an object is a Parquet or an index file of ours, by its name.
pub(crate) fn is_data_file(path: &StorePath) -> bool {
    path.as_ref().starts_with("tenant=") && matches!(path.extension(), Some(PARQUET | INDEX))
}

/// The id in the name of an object that lies exactly where a file of ours would.
pub(crate) fn data_file_id(path: &StorePath) -> Option<FileId> {
    let parts: Vec<_> = path.parts().collect();
    let [tenant, table, date, hour, name] = parts.as_slice() else {
        return None;
    };
    let placed = tenant.as_ref().starts_with("tenant=")
        && table.as_ref().parse::<Table>().is_ok()
        && date.as_ref().starts_with("date=")
        && hour.as_ref().starts_with("hour=");
    let (id, ending) = name.as_ref().split_once('.')?;
    let named = id.len() == 32 && matches!(ending, PARQUET | INDEX);
    if placed && named {
        id.parse().ok()
    } else {
        None
    }
}

/// Makes a written file and the folders that lead to it survive a power loss. The object store's
/// local implementation renames into place but does not sync.
pub(crate) fn sync_file(root: &Path, path: &Path) -> io::Result<()> {
    File::open(path)?.sync_all()?;
    let mut folder = path.parent();
    while let Some(current) = folder {
        sync_folder(current)?;
        if current == root {
            break;
        }
        folder = current.parent();
    }
    Ok(())
}

/// Makes the entries of a folder survive a power loss.
pub(crate) fn sync_folder(folder: &Path) -> io::Result<()> {
    File::open(folder)?.sync_all()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_lie_under_tenant_table_date_and_hour() {
        let hour = Hour::of(1_674_982_096_546_346_267);
        let id = FileId::generate();
        let path = parquet_path(&TenantId::default(), Table::Logs, hour, id);
        assert_eq!(
            path.as_ref(),
            format!("tenant=default/logs/date=2023-01-29/hour=08/{id}.parquet")
        );
    }
}
