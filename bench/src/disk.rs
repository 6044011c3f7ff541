//! What the files of a data directory weigh, by table and kind.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use anyhow::Context;
use serde_json::{Value, json};

/// What lies on disk.
#[derive(Debug)]
pub(crate) struct Disk {
    /// All of it.
    pub(crate) bytes: u64,
    /// Bytes and files by `table.extension` or, outside tables, by folder.
    pub(crate) report: Value,
}

/// Adds up the files below `data_dir`; `spans` and `logs` give bytes per record.
pub(crate) fn measure(
    data_dir: &Path,
    spans: Option<u64>,
    logs: Option<u64>,
) -> anyhow::Result<Disk> {
    let mut sums = BTreeMap::new();
    walk(data_dir, data_dir, &mut sums)?;
    let per = |table: &str, records: Option<u64>| {
        let records = records.filter(|records| *records > 0)?;
        let bytes: u64 = sums
            .iter()
            .filter(|(kind, _)| kind.starts_with(table))
            .map(|(_, (bytes, _))| bytes)
            .sum();
        Some(crate::ingest::as_f64(bytes) / crate::ingest::as_f64(records))
    };
    let kinds: serde_json::Map<String, Value> = sums
        .iter()
        .map(|(kind, (bytes, files))| (kind.clone(), json!({ "bytes": bytes, "files": files })))
        .collect();
    Ok(Disk {
        bytes: sums.values().map(|(bytes, _)| bytes).sum(),
        report: json!({
            "kinds": kinds,
            "bytes_per_span": per("spans.", spans),
            "bytes_per_log": per("logs.", logs),
        }),
    })
}

fn walk(root: &Path, folder: &Path, sums: &mut BTreeMap<String, (u64, u64)>) -> anyhow::Result<()> {
    let entries = fs::read_dir(folder)
        .with_context(|| format!("cannot read {}: is --data-dir right?", folder.display()))?;
    for entry in entries {
        let entry = entry?;
        let metadata = entry.metadata()?;
        if metadata.is_dir() {
            walk(root, &entry.path(), sums)?;
        } else {
            let path = entry.path();
            let kind = kind_of(path.strip_prefix(root).unwrap_or(&path));
            let sum = sums.entry(kind).or_default();
            sum.0 += metadata.len();
            sum.1 += 1;
        }
    }
    Ok(())
}

/// `tenant=default/logs/date=…/hour=…/x.idx` is `logs.idx`; `wal/7.wal` is `wal`.
fn kind_of(path: &Path) -> String {
    let parts: Vec<_> = path.iter().map(|part| part.to_string_lossy()).collect();
    let extension = path.extension().unwrap_or_default().to_string_lossy();
    match parts.as_slice() {
        [tenant, table, ..] if tenant.starts_with("tenant=") => format!("{table}.{extension}"),
        [folder, _, ..] => folder.to_string(),
        _ => "other".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_told_apart_by_table_and_extension() {
        let kind = |path| kind_of(Path::new(path));
        let file = "tenant=default/logs/date=2026-01-02/hour=03/a.parquet";
        assert_eq!(kind(file), "logs.parquet");
        assert_eq!(
            kind("tenant=default/spans/date=2026-01-02/hour=03/a.idx"),
            "spans.idx"
        );
        assert_eq!(kind("wal/000001.wal"), "wal");
        assert_eq!(kind("catalog.sqlite"), "other");
    }
}
