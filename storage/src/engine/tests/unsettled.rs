//! A change whose commit is not answered, and the question what became of it neither.

use super::*;
use crate::fault::Point;
use crate::fault::script::{self, Fault};

#[tokio::test]
async fn a_deletion_of_which_nothing_is_known_takes_effect_once_the_catalog_says_so() {
    for (point, made) in [(Point::HideCommitted, true), (Point::HideCommit, false)] {
        let folder = tempfile::tempdir().unwrap();
        let faults = script::of(folder.path());
        let storage = open(&folder).await;
        send(&storage, "1 a\n2 b\n3 c").await.unwrap();
        let request = deletion::request(&storage, &["b"]).await;
        faults.plan(point, 0, Fault::Fail);
        faults.plan(Point::AskCatalog, 0, Fault::Fail);
        faults.plan(Point::AskCatalog, 0, Fault::Fail);
        storage.delete(request.clone(), 1).await.unwrap_err();
        assert_eq!(bodies(&rows(&storage).await), ["a", "b", "c"], "not known");
        // No other change is founded on what may not be so.
        // The background task may have asked in vain already.
        if let Err(error) = storage.retain().await {
            assert_eq!(error.kind(), ErrorKind::Unavailable, "{error}");
        }
        storage.retain().await.unwrap();
        let left: &[&str] = if made { &["a", "c"] } else { &["a", "b", "c"] };
        assert_eq!(bodies(&rows(&storage).await), left, "{point:?}");
        crash(storage).await;
        let storage = open(&folder).await;
        assert_eq!(bodies(&rows(&storage).await), left, "{point:?}, next start");
    }
}
