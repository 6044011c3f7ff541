//! The real telemetry of `tests/data`, for unit tests.

use std::io::{BufRead, BufReader};
use std::path::PathBuf;

use flate2::read::MultiGzDecoder;

use crate::Signal;

fn folder(name: &str) -> PathBuf {
    PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/data")).join(name)
}

/// The lines (requests) of all files in `otlp/` whose name begins with `prefix`.
pub(crate) fn requests(prefix: &str, signal: Signal) -> Vec<Vec<u8>> {
    let mut files: Vec<PathBuf> = std::fs::read_dir(folder("otlp"))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| {
            let name = path.file_name().unwrap().to_str().unwrap();
            name.starts_with(prefix) && name.contains(&format!("-{}", signal.name()))
        })
        .collect();
    files.sort();
    assert!(!files.is_empty(), "no sample data of {prefix}");
    files.into_iter().flat_map(|path| lines(&path)).collect()
}

/// The records with impossible times.
pub(crate) fn poison() -> Vec<Vec<u8>> {
    lines(&folder("poison").join("nezha-tt-zerotime-logs.jsonl.gz"))
}

/// A file of the OTLP specification's repository.
pub(crate) fn untouched(name: &str) -> Vec<u8> {
    std::fs::read(folder("untouched").join(name)).unwrap()
}

/// Facts about the sample data.
pub(crate) fn expected() -> serde_json::Value {
    serde_json::from_slice(&std::fs::read(folder("expected.json")).unwrap()).unwrap()
}

fn lines(path: &std::path::Path) -> Vec<Vec<u8>> {
    let file = std::fs::File::open(path).unwrap();
    let reader = BufReader::new(MultiGzDecoder::new(file));
    reader
        .split(b'\n')
        .map(|line| line.unwrap())
        .filter(|line| !line.is_empty())
        .collect()
}
