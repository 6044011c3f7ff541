//! `spoor check`: verifies every file, index, log segment and catalog row of a closed directory.

mod log;
mod remake;

use std::collections::{BTreeMap, HashSet};
use std::fmt;
use std::sync::Arc;

use object_store::{ObjectStore, ObjectStoreExt};

use crate::buffer::times_of;
use crate::catalog::{Catalog, FileRow, FileState};
use crate::compaction::{read_file, verify_file};
use crate::engine::{Decode, StorageOptions, prepare_directory};
use crate::error::{Error, ErrorKind, Result};
use crate::file::{FileWriter, NewerVersion};
use crate::index::{IndexBuilder, verify};
use crate::layout::{Layout, index_path, parquet_path};
use crate::model::{Hour, Table, TenantId};
use crate::snapshot::DataFile;
use crate::store::Store;

use log::check_log;
use remake::{InLog, Remaker};

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
/// missing and broken indexes are built again, data files that are lost are made anew if the log has
/// all their rows and set aside if not, files that were set aside and are whole again (from a backup) are taken
/// back, and requests that the log lost are acknowledged. `decoder` reads the log. Errors with [`crate::ErrorKind::Conflict`] while
/// another process has the directory open.
pub async fn check(
    options: &StorageOptions,
    decoder: &dyn Decode,
    repair: bool,
) -> Result<CheckReport> {
    let layout = Layout::new(&options.data_dir);
    let _lock = prepare_directory(&layout)?;
    let store = Store::open(&options.store, &layout, options.store_cache_bytes)?;
    let catalog = Catalog::open(&options.catalog, &layout, &store).await?;
    let checking = Checking {
        repair,
        store: &store,
        remaker: Remaker {
            layout: &layout,
            catalog: &catalog,
            decoder,
            writer: FileWriter::new(store.clone(), layout.clone(), options.index_from_rows),
        },
    };
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
                checking.set_aside(&row, &mut report).await?;
            }
            FileState::Live => {
                checking.file(&row.file, &mut report).await?;
            }
        }
    }
    check_orphans(&store, &known, &mut report).await?;
    check_log(&layout, &catalog, repair, &mut report).await?;
    catalog.close().await;
    Ok(report)
}

/// What files are checked with.
struct Checking<'a> {
    repair: bool,
    store: &'a Store,
    remaker: Remaker<'a>,
}

impl Checking<'_> {
    async fn set_aside(&self, row: &FileRow, report: &mut CheckReport) -> Result<()> {
        let file = row.file.as_ref();
        let reason = row.reason.as_deref().unwrap_or_default();
        match verify_file(Arc::clone(self.store.objects()), file).await {
            // A store that does not answer says nothing about the file.
            Err(error) if error.kind() == ErrorKind::Unavailable => return Err(error),
            Err(error) => {
                let what = format!("set aside: {reason}");
                if let Some(what) = self.not_remade(file, what, &error, report).await? {
                    report.problem(&file.path, what, false);
                    report.lost(file);
                }
            }
            Ok(()) if self.repair => {
                self.remaker.catalog.restore(file.id).await?;
                let what = format!("was set aside ({reason}), is whole and taken back");
                report.problem(&file.path, what, true);
                self.file(file, report).await?;
            }
            Ok(()) => {
                let what = format!("set aside ({reason}), but whole: --repair takes it back");
                report.problem(&file.path, what, false);
            }
        }
        Ok(())
    }

    async fn file(&self, file: &DataFile, report: &mut CheckReport) -> Result<()> {
        let batches = match read_file(Arc::clone(self.store.objects()), file).await {
            Ok(batches) => batches,
            Err(error) if error.kind() == ErrorKind::Unavailable => return Err(error),
            Err(error) => {
                let reason = error.to_string();
                let what = reason.clone();
                let Some(what) = self.not_remade(file, what, &error, report).await? else {
                    return Ok(());
                };
                // Out of the way of queries, with its hour named in their answers.
                if self.repair && error.kind() == ErrorKind::Corrupt {
                    self.remaker.catalog.quarantine(file.id, &reason).await?;
                }
                report.problem(&file.path, what, false);
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
                let what = "has rows outside the times in the catalog";
                report.problem(&file.path, what, false);
                break;
            }
        }
        let Some(what) = index_problem(self.store.objects(), file).await else {
            return Ok(());
        };
        if self.repair {
            let mut builder = IndexBuilder::new(file.table)?;
            for batch in &batches {
                builder.add(batch)?;
            }
            let bytes = builder.finish(file.id)?;
            let len = bytes.len() as u64;
            self.store.replace(&file.index_path, bytes).await?;
            self.remaker.catalog.set_index_bytes(file.id, len).await?;
        }
        report.problem(&file.index_path, what, self.repair);
        Ok(())
    }

    /// What is wrong with a file that cannot be read, because of `error`; `None` if it is not lost, because
    /// the log has its rows. Then that is in the report.
    async fn not_remade(
        &self,
        file: &DataFile,
        what: String,
        error: &Error,
        report: &mut CheckReport,
    ) -> Result<Option<String>> {
        // One of a newer version is whole, for who can read it.
        if NewerVersion::is_behind(error) || error.kind() != ErrorKind::Corrupt {
            return Ok(Some(what));
        }
        let rows = file.rows;
        match self.remaker.look(file, self.repair).await? {
            (InLog::Whole, Some(new)) => {
                report.files += 1;
                report.rows += new.rows;
                let what = format!("{what}; made anew: the log had all its {rows} rows");
                report.problem(&file.path, what, true);
                Ok(None)
            }
            (InLog::Whole, None) => {
                let what =
                    format!("{what}; the log has all its {rows} rows: --repair makes it anew");
                report.problem(&file.path, what, false);
                Ok(None)
            }
            (InLog::Part(in_log), _) => Ok(Some(format!(
                "{what}; the log has {in_log} of its {rows} rows"
            ))),
            (InLog::Unknown, _) => Ok(Some(what)),
        }
    }
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
    for (path, object) in store.data_files().await?.objects {
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
