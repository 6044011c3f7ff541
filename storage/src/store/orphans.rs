//! Which objects that no catalog row names may be deleted: what a flush or a merge wrote that did
//! not finish.
//!
//! A local folder belongs to the process that holds its lock, so everything unnamed is rubbish. In
//! a bucket that is only said of objects that look like ours to the letter, that lie below our
//! prefix, and that are old: by the time in their name and by the store's clock. Whoever restores
//! a catalog from a backup has that long to see that newer files are missing.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use object_store::ObjectMeta;

use crate::layout::data_file_id;
use crate::model::FileId;

/// Younger objects in a bucket are left alone.
const GRACE: Duration = Duration::from_hours(24);

/// Whether an object in a bucket is certainly ours and nobody's any more.
pub(super) fn is_old(object: &ObjectMeta, now: SystemTime) -> bool {
    let now = now.duration_since(UNIX_EPOCH).unwrap_or_default();
    let Some(born) = data_file_id(&object.location).and_then(born) else {
        return false;
    };
    let stored = u64::try_from(object.last_modified.timestamp()).map(Duration::from_secs);
    [Some(born), stored.ok()]
        .iter()
        .all(|time| time.is_some_and(|time| now.saturating_sub(time) >= GRACE))
}

/// When a name was given, by the clock of the one who gave it.
fn born(id: FileId) -> Option<Duration> {
    let (seconds, nanoseconds) = id.0.get_timestamp()?.to_unix();
    Some(Duration::new(seconds, nanoseconds))
}

#[cfg(test)]
mod tests {
    use chrono::DateTime;
    use object_store::path::Path;
    use uuid::{NoContext, Timestamp, Uuid};

    use super::*;

    fn object(path: &str, stored_s: i64) -> ObjectMeta {
        ObjectMeta {
            location: Path::from(path),
            last_modified: DateTime::from_timestamp(stored_s, 0).unwrap(),
            size: 1,
            e_tag: None,
            version: None,
        }
    }

    #[test]
    fn only_what_is_old_by_both_clocks_and_named_like_ours_is_rubbish() {
        let (day, now) = (86_400, 1_700_000_000_u64);
        let name = |age: u64| {
            let id = Uuid::new_v7(Timestamp::from_unix(NoContext, now - age, 0));
            format!(
                "tenant=a/logs/date=2023-11-14/hour=22/{}.parquet",
                id.simple()
            )
        };
        let old = |path: &str, age: u64| {
            let stored = i64::try_from(now - age).unwrap();
            is_old(&object(path, stored), UNIX_EPOCH + Duration::from_secs(now))
        };
        assert!(old(&name(2 * day), 2 * day));
        assert!(!old(&name(2 * day), 60), "stored a minute ago");
        assert!(!old(&name(60), 2 * day), "named a minute ago");
        let theirs = name(2 * day).replace("tenant=a", "other/tenant=a");
        assert!(!old(&theirs, 2 * day), "in another's folder");
        let theirs = "tenant=a/logs/date=2023-11-14/hour=22/report.parquet";
        assert!(!old(theirs, 2 * day), "not a name of ours");
    }
}
