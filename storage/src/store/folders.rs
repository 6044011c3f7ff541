//! What lies in the folders below the data directory, in one walk over them.

use std::collections::HashMap;
use std::io;
use std::path::{Path as LocalPath, PathBuf};

use chrono::{DateTime, Utc};
use object_store::ObjectMeta;
use object_store::path::Path;

use crate::layout::{Layout, is_data_file};

/// In the names of half-written files: the local object store writes `<name>#<number>` and renames
/// it, and does not list those names.
const HALF_WRITTEN: char = '#';

/// Files of all tenants.
#[derive(Debug, Default)]
pub(crate) struct Found {
    /// Data files and indexes by their place in the store.
    pub(crate) objects: HashMap<Path, ObjectMeta>,
    /// What writes that did not finish have left.
    pub(crate) half_written: Vec<PathBuf>,
}

/// Every file below the folders of the tenants. A start waits for this, so nothing is asked twice.
pub(super) fn walk(layout: &Layout) -> io::Result<Found> {
    let mut found = Found::default();
    let mut folders = layout.tenants()?;
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder)? {
            let entry = entry?;
            let path = entry.path();
            let kind = entry.file_type()?;
            // Folders may be links to another disk.
            if kind.is_dir() || kind.is_symlink() && path.is_dir() {
                folders.push(path);
            } else if entry.file_name().to_string_lossy().contains(HALF_WRITTEN) {
                found.half_written.push(path);
            } else if let Some(object) = object(layout, &path)? {
                found.objects.insert(object.location.clone(), object);
            }
        }
    }
    Ok(found)
}

/// A data file or an index; `None` for files of others.
fn object(layout: &Layout, path: &LocalPath) -> io::Result<Option<ObjectMeta>> {
    let below = path.strip_prefix(layout.root()).ok();
    let Some(location) = below
        .and_then(|below| below.to_str())
        .and_then(|below| Path::parse(below).ok())
        .filter(is_data_file)
    else {
        return Ok(None);
    };
    let metadata = std::fs::metadata(path)?;
    Ok(Some(ObjectMeta {
        location,
        last_modified: DateTime::<Utc>::from(metadata.modified()?),
        size: metadata.len(),
        e_tag: None,
        version: None,
    }))
}

#[cfg(test)]
mod tests {
    use std::fs;

    use tempfile::TempDir;

    use super::*;

    #[test]
    fn tells_data_files_from_half_written_ones_and_from_those_of_others() {
        let dir = TempDir::new().unwrap();
        let elsewhere = TempDir::new().unwrap();
        let put = |path: PathBuf| {
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, b"12345").unwrap();
        };
        let hour = dir.path().join("tenant=a/logs/date=2026-11-02/hour=12");
        put(hour.join("x.parquet"));
        put(hour.join("x.idx"));
        put(hour.join("y.parquet#1"));
        put(hour.join("notes.txt"));
        put(dir.path().join("wal/1.wal"));
        put(elsewhere.path().join("date=2026-11-03/hour=00/z.parquet"));
        std::os::unix::fs::symlink(elsewhere.path(), dir.path().join("tenant=a/spans")).unwrap();
        let found = walk(&Layout::new(dir.path())).unwrap();
        let mut names: Vec<_> = found.objects.keys().map(Path::as_ref).collect();
        names.sort_unstable();
        assert_eq!(
            names,
            [
                "tenant=a/logs/date=2026-11-02/hour=12/x.idx",
                "tenant=a/logs/date=2026-11-02/hour=12/x.parquet",
                "tenant=a/spans/date=2026-11-03/hour=00/z.parquet",
            ]
        );
        assert!(found.objects.values().all(|object| object.size == 5));
        assert_eq!(found.half_written, [hour.join("y.parquet#1")]);
    }
}
