//! `spoor check`: verifies every file, index, log segment and catalog row of a closed directory.

use std::collections::{BTreeMap, HashSet};
use std::fmt;
use std::sync::Arc;

use object_store::{ObjectStore, ObjectStoreExt};

use crate::buffer::times_of;
use crate::catalog::{Catalog, FileRow, FileState};
use crate::compaction::{read_file, verify_file};
use crate::engine::{StorageOptions, prepare_directory};
use crate::error::{ErrorKind, Result};
use crate::index::{IndexBuilder, verify};
use crate::layout::{Layout, index_path, parquet_path};
use crate::model::{Hour, Table, TenantId};
use crate::snapshot::DataFile;
use crate::store::Store;
use crate::wal::{SegmentReader, list_segments};

/// Something that is not as it should be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// The file it concerns, relative to the data directory.
    pub path: String,
    /// What is wrong.
    pub what: String,
    /// Whether this run put it right.
    pub repaired: bool,
}

/// What a check found.
#[derive(Debug, Clone, Default)]
pub struct CheckReport {
    /// Live data files read through.
    pub files: u64,
    /// Rows in them.
    pub rows: u64,
    /// Requests in the log that are not in files yet.
    pub wal_requests: u64,
    /// What is wrong, if anything.
    pub problems: Vec<Problem>,
    /// Rows that answers lack because their file is broken or missing, by tenant, table and hour.
    pub lost_rows: BTreeMap<(TenantId, Table, Hour), u64>,
}

impl CheckReport {
    /// Whether nothing is wrong that was not repaired.
    pub fn is_clean(&self) -> bool {
        self.problems.iter().all(|problem| problem.repaired)
    }

    fn problem(&mut self, path: impl fmt::Display, what: impl Into<String>, repaired: bool) {
        self.problems.push(Problem {
            path: path.to_string(),
            what: what.into(),
            repaired,
        });
    }

    fn lost(&mut self, file: &DataFile) {
        let place = (file.tenant.clone(), file.table, file.hour);
        *self.lost_rows.entry(place).or_default() += file.rows;
    }
}

impl fmt::Display for CheckReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "{} data files with {} rows read, {} requests wait in the log",
            self.files, self.rows, self.wal_requests
        )?;
        for problem in &self.problems {
            let state = if problem.repaired {
                "repaired"
            } else {
                "problem"
            };
            writeln!(f, "{state}: `{}`: {}", problem.path, problem.what)?;
        }
        for ((tenant, table, hour), rows) in &self.lost_rows {
            writeln!(
                f,
                "lost: {rows} {table} of {hour} (tenant `{tenant}`), unless their files come back from a backup"
            )?;
        }
        if self.is_clean() {
            write!(f, "clean")
        } else {
            let open = self
                .problems
                .iter()
                .filter(|problem| !problem.repaired)
                .count();
            write!(f, "{open} problems")
        }
    }
}

/// Reads everything in the data directory and compares it with the catalog. With `repair`,
/// missing and broken indexes are built again, broken data files are set aside, and files that were
/// set aside and are whole again (from a backup) are taken back. Errors with [`crate::ErrorKind::Conflict`] while
/// another process has the directory open.
pub async fn check(options: &StorageOptions, repair: bool) -> Result<CheckReport> {
    let layout = Layout::new(&options.data_dir);
    let _lock = prepare_directory(&layout)?;
    let store = Store::open(&options.store, &layout, options.store_cache_bytes)?;
    let catalog = Catalog::open(&options.catalog, &layout, &store).await?;
    let mut report = CheckReport::default();
    let mut known = HashSet::new();
    let listed = catalog.files().await?;
    for row in listed.broken {
        let path = parquet_path(&row.tenant, row.table, row.hour, row.id);
        known.insert(index_path(&row.tenant, row.table, row.hour, row.id));
        report.problem(&path, row.reason, false);
        known.insert(path);
    }
    for row in listed.files {
        known.insert(row.file.path.clone());
        known.insert(row.file.index_path.clone());
        match row.state {
            FileState::Removed => {}
            FileState::Quarantined => {
                check_set_aside(&store, &catalog, &row, repair, &mut report).await?;
            }
            FileState::Live => {
                check_file(&store, &catalog, &row.file, repair, &mut report).await?;
            }
        }
    }
    check_orphans(&store, &known, &mut report).await?;
    let mark = catalog.wal_mark().await?;
    check_log(&layout, mark, &mut report)?;
    catalog.close().await;
    Ok(report)
}

async fn check_set_aside(
    store: &Store,
    catalog: &Catalog,
    row: &FileRow,
    repair: bool,
    report: &mut CheckReport,
) -> Result<()> {
    let file = row.file.as_ref();
    let reason = row.reason.as_deref().unwrap_or_default();
    match verify_file(Arc::clone(store.objects()), file).await {
        // A store that does not answer says nothing about the file.
        Err(error) if error.kind() == ErrorKind::Unavailable => return Err(error),
        Err(_) => {
            report.problem(&file.path, format!("set aside: {reason}"), false);
            report.lost(file);
        }
        Ok(()) if repair => {
            catalog.restore(file.id).await?;
            let what = format!("was set aside ({reason}), is whole and taken back");
            report.problem(&file.path, what, true);
            check_file(store, catalog, file, repair, report).await?;
        }
        Ok(()) => {
            let what = format!("set aside ({reason}), but whole: --repair takes it back");
            report.problem(&file.path, what, false);
        }
    }
    Ok(())
}

async fn check_file(
    store: &Store,
    catalog: &Catalog,
    file: &DataFile,
    repair: bool,
    report: &mut CheckReport,
) -> Result<()> {
    let batches = match read_file(Arc::clone(store.objects()), file).await {
        Ok(batches) => batches,
        Err(error) if error.kind() == ErrorKind::Unavailable => return Err(error),
        Err(error) => {
            // Out of the way of queries, with its hour named in their answers.
            if repair && error.kind() == ErrorKind::Corrupt {
                catalog.quarantine(file.id, &error.to_string()).await?;
            }
            report.problem(&file.path, error.to_string(), false);
            report.lost(file);
            return Ok(());
        }
    };
    report.files += 1;
    report.rows += file.rows;
    for batch in &batches {
        let wrong = times_of(file.table, batch)?.iter().any(|time| {
            Hour::of(*time) != file.hour || *time < file.min_time_ns || *time > file.max_time_ns
        });
        if wrong {
            report.problem(
                &file.path,
                "has rows outside the times in the catalog",
                false,
            );
            break;
        }
    }
    let Some(what) = index_problem(store.objects(), file).await else {
        return Ok(());
    };
    if repair {
        let mut builder = IndexBuilder::new(file.table)?;
        for batch in &batches {
            builder.add(batch)?;
        }
        let bytes = builder.finish(file.id)?;
        let len = bytes.len() as u64;
        store.replace(&file.index_path, bytes).await?;
        catalog.set_index_bytes(file.id, len).await?;
    }
    report.problem(&file.index_path, what, repair);
    Ok(())
}

async fn index_problem(store: &Arc<dyn ObjectStore>, file: &DataFile) -> Option<String> {
    if file.index_bytes == 0 {
        return None;
    }
    let read = async { store.get(&file.index_path).await?.bytes().await };
    match read.await {
        Err(error) => Some(format!("index is not readable: {error}")),
        Ok(bytes) => verify(&bytes, file.id, file.rows)
            .err()
            .map(|what| format!("index is broken: {what}")),
    }
}

async fn check_orphans(
    store: &Store,
    known: &HashSet<object_store::path::Path>,
    report: &mut CheckReport,
) -> Result<()> {
    for (path, object) in store.data_files().await? {
        if !known.contains(&path) {
            let what = if store.is_rubbish(&object) {
                "left by a write that did not finish; the next start deletes it"
            } else {
                "left by a write that did not finish; a start after a day deletes it"
            };
            report.problem(&path, what, true);
        }
    }
    Ok(())
}

fn check_log(layout: &Layout, mark: u64, report: &mut CheckReport) -> Result<()> {
    for segment in list_segments(layout)? {
        let name = segment.path.display().to_string();
        let mut reader = match SegmentReader::open(&segment) {
            Ok(reader) => reader,
            Err(error) => {
                report.problem(name, error.to_string(), false);
                continue;
            }
        };
        while let Some(outcome) = reader.next()? {
            match outcome {
                Ok(record) if record.sequence > mark => report.wal_requests += 1,
                Ok(_) => {}
                Err(crate::wal::Damage::TornTail { valid_len }) => {
                    let what = format!(
                        "unfinished record at byte {valid_len}, never acknowledged; the next start cuts it"
                    );
                    report.problem(&name, what, true);
                }
                Err(crate::wal::Damage::Record { offset, .. }) => {
                    report.problem(&name, format!("broken record at byte {offset}"), false);
                }
            }
        }
    }
    Ok(())
}
