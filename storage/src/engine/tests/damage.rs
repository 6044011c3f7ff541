//! Damage anywhere in a data directory, at random from a seed: the engine opens and answers, or says
//! what is wrong. It never panics, never gives a record twice, and never makes one up.

use std::path::PathBuf;

use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

use super::matrix::fast_folder;
use super::*;

/// Directories that are damaged.
const ROUNDS: u32 = 60;
const SEED: u64 = 20_261_125;

fn files_of(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(files_of(&path));
        } else if std::fs::metadata(&path).unwrap().len() > 0 {
            found.push(path);
        }
    }
    found.sort();
    found
}

/// Cuts a file, overwrites a stretch of it, or flips some of its bits; says what it did.
fn damage(folder: &Path, random: &mut StdRng) -> String {
    let files = files_of(folder);
    let path = &files[random.random_range(0..files.len())];
    let mut bytes = std::fs::read(path).unwrap();
    let at = random.random_range(0..bytes.len());
    let what = match random.random_range(0..4) {
        0 => {
            bytes.truncate(at);
            "cut"
        }
        1 => {
            let end = (at + random.random_range(1..64)).min(bytes.len());
            bytes[at..end].fill(random.random());
            "overwritten"
        }
        _ => {
            for _ in 0..random.random_range(1..4) {
                let at = random.random_range(0..bytes.len());
                bytes[at] ^= 1 << random.random_range(0..8);
            }
            "flipped"
        }
    };
    std::fs::write(path, bytes).unwrap();
    format!(
        "`{}` {what} at {at}",
        path.strip_prefix(folder).unwrap().display()
    )
}

fn options(folder: &Path) -> StorageOptions {
    StorageOptions {
        index_from_rows: 0,
        ..StorageOptions::new(folder)
    }
}

/// Four requests in two files of two hours, two more in the log.
async fn directory() -> (tempfile::TempDir, BTreeSet<String>) {
    let folder = fast_folder();
    let storage = open_with(options(folder.path())).await;
    let mut sent = BTreeSet::new();
    for number in 0..6 {
        let body = format!("request {number} of the directory that is damaged");
        let time = number * HOUR_NS / 2;
        send(&storage, &format!("{time} {body}")).await.unwrap();
        sent.insert(body);
        if number == 3 {
            storage.flush().await.unwrap();
        }
    }
    // SQLite ends in the background; nothing may write while the test does.
    storage.shared.catalog.close().await;
    crash(storage).await;
    (folder, sent)
}

/// As [`Lines`], of bytes that may be any.
struct Careful;

impl Decode for Careful {
    fn decode(&self, table: Table, time: i64, payload: &[u8]) -> Result<RecordBatch> {
        let text = std::str::from_utf8(payload).map_err(|_| Error::invalid("not text"))?;
        Lines.decode(table, time, text.as_bytes())
    }
}

/// Opens what can be opened and reads what can be read; the bodies found.
async fn read(folder: &Path) -> Result<Vec<String>> {
    let storage = Storage::open(options(folder), Arc::new(Careful)).await?;
    let snapshot = storage.snapshot();
    let tenant = TenantId::default();
    for file in snapshot.files(&tenant, Table::Logs, TimeRange::ALL) {
        storage.set_aside_if_broken(&file).await?;
    }
    drop(snapshot);
    let bodies = rows(&storage).await.into_iter().map(|row| row.1).collect();
    storage.close().await?;
    crash(storage).await;
    Ok(bodies)
}

#[tokio::test]
async fn damage_anywhere_is_survived_or_named() {
    let mut random = StdRng::seed_from_u64(SEED);
    let (mut opened, mut whole) = (0, 0);
    let rounds = ROUNDS * model::soak();
    for round in 0..rounds {
        let (folder, sent) = directory().await;
        let context = format!("round {round}, {}", damage(folder.path(), &mut random));
        match read(folder.path()).await {
            Ok(found) => {
                opened += 1;
                let distinct: BTreeSet<_> = found.iter().cloned().collect();
                assert_eq!(distinct.len(), found.len(), "{context}: doubled");
                let made_up: Vec<_> = distinct.difference(&sent).collect();
                assert!(made_up.is_empty(), "{context}: {made_up:?}");
                whole += u32::from(found.len() == sent.len());
            }
            Err(error) => assert!(!error.to_string().is_empty(), "{context}"),
        }
        // The check reads everything too, and must come to an end; twice, for it may repair.
        for _ in 0..2 {
            drop(crate::check(&options(folder.path()), &Lines, true).await);
        }
    }
    assert!(opened > rounds / 2, "only {opened} of {rounds} opened");
    assert!(whole > 0 && whole < rounds, "{whole} of {rounds} are whole");
}
