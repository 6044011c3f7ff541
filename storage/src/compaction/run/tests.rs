use std::collections::BTreeSet;

use arrow::array::AsArray;
use arrow::record_batch::RecordBatch;
use futures::TryStreamExt;
use object_store::ObjectStore;

use super::*;
use crate::buffer::{Place, times_of};
use crate::compaction::read_file;
use crate::layout::Layout;
use crate::model::{Hour, Table, TenantId};
use crate::statistics::FieldCounter;
use crate::store::Store;
use crate::test_rows::{LogRow, logs};

fn place() -> Place {
    (TenantId::default(), Table::Logs, Hour(0))
}

fn writer(folder: &tempfile::TempDir) -> FileWriter {
    let layout = Layout::new(folder.path());
    FileWriter::new(Store::local(&layout).unwrap(), layout, 2_000)
}

/// `count` rows, every `step` nanoseconds from `from` on, each with a body of its own.
fn rows(from: i64, step: i64, count: i64) -> RecordBatch {
    let rows: Vec<LogRow> = (0..count)
        .map(|row| LogRow {
            attributes: vec![("n".to_owned(), row.to_string())],
            ..LogRow::at(from + row * step)
        })
        .collect();
    logs(&rows)
}

/// Three files whose rows alternate, 6,000 rows.
async fn three(writer: &FileWriter) -> Vec<Arc<DataFile>> {
    let mut files = Vec::new();
    for from in 0..3 {
        let rows = vec![rows(from, 3, 2_000)];
        files.push(writer.write(&place(), (1, 1), rows).await.unwrap());
    }
    files
}

async fn objects(writer: &FileWriter) -> BTreeSet<String> {
    let listed: Vec<_> = writer
        .store
        .objects()
        .list(None)
        .try_collect()
        .await
        .unwrap();
    listed
        .into_iter()
        .map(|object| object.location.to_string())
        .collect()
}

/// Of one file with all rows the statistics follow from those of the files it is made of.
#[tokio::test]
async fn what_is_known_of_the_fields_is_what_the_rows_say() {
    let folder = tempfile::tempdir().unwrap();
    let writer = writer(&folder);
    let files = three(&writer).await;
    for rows_per_file in [6_000, 2_500] {
        let merge = Merge {
            place: place(),
            files: files.clone(),
            rows_per_file,
            indexed: false,
            stays: true,
        };
        let outcome = run(&writer, merge, async |_: Paced| Ok(())).await.unwrap();
        let Outcome::Merged(merged) = outcome else {
            panic!("nothing is broken");
        };
        for file in &merged.added {
            let mut counter = FieldCounter::new(Table::Logs);
            let objects = Arc::clone(writer.store.objects());
            for batch in read_file(objects, file).await.unwrap() {
                counter.add(&batch);
            }
            let fields = counter.finish().fields;
            assert_eq!(fields.len(), file.fields.fields.len());
            for (name, field) in fields {
                let found = &file.fields.fields[&name];
                assert_eq!(
                    (found.count, &found.types),
                    (field.count, &field.types),
                    "{name}"
                );
                assert_eq!(
                    (found.exact, &found.sketch),
                    (field.exact, &field.sketch),
                    "{name}"
                );
                assert!(!field.exact || *found == field, "{name}: {found:?}");
            }
        }
    }
}

#[tokio::test]
async fn a_merge_is_cut_in_time_and_keeps_every_row() {
    let folder = tempfile::tempdir().unwrap();
    let writer = writer(&folder);
    let files = three(&writer).await;
    let merge = Merge {
        place: place(),
        files: files.clone(),
        rows_per_file: 2_500,
        indexed: false,
        stays: true,
    };
    let (mut read, mut written) = (0, 0);
    let outcome = run(&writer, merge, async |step: Paced| {
        read += step.read;
        written += step.written;
        Ok(())
    });
    let Outcome::Merged(merged) = outcome.await.unwrap() else {
        panic!("nothing is broken");
    };
    let sizes: Vec<u64> = merged.added.iter().map(|file| file.rows).collect();
    assert_eq!(sizes, [2_500, 2_500, 1_000]);
    let mut times = Vec::new();
    for file in &merged.added {
        let batches = read_file(Arc::clone(writer.store.objects()), file)
            .await
            .unwrap();
        let from = times.len();
        for batch in &batches {
            times.extend_from_slice(times_of(Table::Logs, batch).unwrap());
            let bodies = batch.column_by_name("body").unwrap().as_string::<i32>();
            let at = times.len() - batch.num_rows();
            for (body, time) in bodies.iter().zip(&times[at..]) {
                assert_eq!(body.unwrap(), format!("line {time}"));
            }
        }
        times[from..].sort_unstable();
        assert_eq!(file.min_time_ns, times[from]);
        assert_eq!(file.max_time_ns, *times.last().unwrap());
        assert_eq!(file.level, 1);
        assert_eq!(file.fields.fields["attributes.n"].count, file.rows);
        let index = folder.path().join(file.index_path.as_ref());
        assert_eq!(std::fs::metadata(index).unwrap().len(), file.index_bytes);
    }
    assert_eq!(times, (0..6_000).collect::<Vec<_>>());
    let bytes = |files: &[Arc<DataFile>]| files.iter().map(|file| file.bytes).sum::<u64>();
    assert!(read <= bytes(&files) && read >= bytes(&files) * 99 / 100);
    assert!(written > bytes(&merged.added), "the indexes count too");
}

#[tokio::test]
async fn a_merge_that_is_stopped_leaves_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let writer = writer(&folder);
    let files = three(&writer).await;
    let before = objects(&writer).await;
    let merge = Merge {
        place: place(),
        files,
        rows_per_file: 2_500,
        indexed: false,
        stays: true,
    };
    let stopped = run(&writer, merge, async |_: Paced| {
        Err(Error::new(ErrorKind::Unavailable, "stopped"))
    });
    assert_eq!(stopped.await.unwrap_err().kind(), ErrorKind::Unavailable);
    assert_eq!(objects(&writer).await, before);
}

#[tokio::test]
async fn a_broken_input_is_named_and_leaves_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let writer = writer(&folder);
    let files = three(&writer).await;
    let before = objects(&writer).await;
    let broken = folder.path().join(files[1].path.as_ref());
    let whole = std::fs::read(&broken).unwrap();
    for (what, bytes) in [
        ("footer", {
            let mut bytes = whole.clone();
            let len = bytes.len();
            bytes[len - 6] ^= 0x55;
            bytes
        }),
        ("nothing", Vec::new()),
    ] {
        std::fs::write(&broken, bytes).unwrap();
        let merge = Merge {
            place: place(),
            files: files.clone(),
            rows_per_file: 2_500,
            indexed: false,
            stays: true,
        };
        let outcome = run(&writer, merge, async |_: Paced| Ok(())).await.unwrap();
        let Outcome::Broken(file, reason) = outcome else {
            panic!("{what}: the file is broken");
        };
        assert_eq!(file.id, files[1].id, "{what}");
        assert!(reason.contains(file.path.as_ref()), "{what}: {reason}");
        assert_eq!(objects(&writer).await, before, "{what}");
    }
}
