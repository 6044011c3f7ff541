//! The write-ahead log, as `spoor check` reads it: broken records, and requests that are gone.

use super::CheckReport;
use crate::catalog::Catalog;
use crate::error::Result;
use crate::layout::Layout;
use crate::recovery::{Loss, Losses};
use crate::wal::{Damage, SegmentReader, list_segments};

/// Reads the log through. Requests that are gone are lost, and noted down as at a start; with `repair`
/// the loss is acknowledged: answers do not say any more that they lack them.
pub(super) async fn check_log(
    layout: &Layout,
    catalog: &Catalog,
    repair: bool,
    report: &mut CheckReport,
) -> Result<()> {
    let mark = catalog.wal_mark().await?;
    let mut losses = Losses::read(catalog).await?;
    let (mut last, mut broken) = (mark, Vec::new());
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
                Ok(record) if record.sequence > last => {
                    if record.sequence > last + 1 {
                        losses.add(Loss::gap(last + 1, record.sequence - 1));
                    }
                    last = record.sequence;
                    report.wal_requests += 1;
                }
                Ok(_) => {}
                Err(Damage::TornTail { valid_len }) => {
                    let what = format!(
                        "unfinished record at byte {valid_len}, never acknowledged; the next start cuts it"
                    );
                    report.problem(&name, what, true);
                }
                Err(Damage::Record { offset, .. }) => broken.push((name.clone(), offset)),
            }
        }
    }
    let open: Vec<_> = losses.open().cloned().collect();
    for loss in &open {
        report.problem("wal", loss.problem(repair), repair);
    }
    if repair && !open.is_empty() {
        losses.acknowledge(catalog).await?;
    }
    // What was in them is in files, or it is a loss of which is known.
    let settled = repair || open.is_empty();
    for (name, offset) in broken {
        let what = format!("broken record at byte {offset}");
        report.problem(name, what, settled);
    }
    Ok(())
}
