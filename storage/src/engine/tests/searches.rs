//! Saved searches: names are unique, limits are kept, and it says so.

use super::*;
use crate::model::SearchId;
use crate::searches::{MAX_SEARCHES, SearchContent, SearchView};

pub(super) fn content(name: &str, view: SearchView) -> SearchContent {
    SearchContent {
        name: name.to_owned(),
        view,
        query: "level:error".to_owned(),
        parameters: BTreeMap::from([("columns".to_owned(), "service,body".to_owned())]),
    }
}

#[tokio::test]
async fn saved_searches_come_by_name_and_survive_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let storage = open(&folder).await;
    let tenant = TenantId::default();
    let mut saved = Vec::new();
    for (name, view) in [
        ("  slow requests ", SearchView::Traces),
        ("errors", SearchView::Logs),
        ("errors", SearchView::Sql),
    ] {
        saved.push(
            storage
                .save_search(&tenant, content(name, view))
                .await
                .unwrap(),
        );
    }
    assert_eq!(saved[0].content.name, "slow requests");
    let renamed = content("aborted", SearchView::Traces);
    let renamed = storage
        .replace_saved_search(&tenant, saved[0].id, renamed)
        .await
        .unwrap();
    assert_eq!(renamed.id, saved[0].id);
    assert_eq!(renamed.created_ns, saved[0].created_ns);
    assert!(renamed.updated_ns >= saved[0].updated_ns);
    storage.close().await.unwrap();
    crash(storage).await;

    let storage = open(&folder).await;
    let all = storage.saved_searches(&tenant, None).await.unwrap();
    assert_eq!(all, [renamed.clone(), saved[1].clone(), saved[2].clone()]);
    let sql = storage
        .saved_searches(&tenant, Some(SearchView::Sql))
        .await
        .unwrap();
    assert_eq!(sql, [saved[2].clone()]);
    assert_eq!(
        storage.saved_search(&tenant, renamed.id).await.unwrap(),
        renamed
    );
    storage
        .delete_saved_search(&tenant, renamed.id)
        .await
        .unwrap();
    let gone = storage.saved_search(&tenant, renamed.id).await.unwrap_err();
    assert_eq!(gone.kind(), ErrorKind::NotFound);
    storage.close().await.unwrap();
    let report = {
        crash(storage).await;
        crate::check(&StorageOptions::new(folder.path()), &Lines, false)
            .await
            .unwrap()
    };
    assert!(report.is_clean(), "{report}");
}

#[tokio::test]
async fn a_name_is_there_once_in_a_view() {
    let folder = tempfile::tempdir().unwrap();
    let storage = open(&folder).await;
    let tenant = TenantId::default();
    // At the same time: one of them has the name.
    let both = tokio::join!(
        storage.save_search(&tenant, content("errors", SearchView::Logs)),
        storage.save_search(&tenant, content("errors ", SearchView::Logs)),
    );
    let (first, refused) = match both {
        (Ok(saved), Err(refused)) | (Err(refused), Ok(saved)) => (saved, refused),
        other => panic!("{other:?}"),
    };
    assert_eq!(refused.kind(), ErrorKind::Conflict);
    assert!(refused.message().contains("`errors`"), "{refused}");
    let other = storage
        .save_search(&tenant, content("other", SearchView::Logs))
        .await
        .unwrap();
    let taken = content("errors", SearchView::Logs);
    let refused = storage
        .replace_saved_search(&tenant, other.id, taken.clone())
        .await;
    assert_eq!(refused.unwrap_err().kind(), ErrorKind::Conflict);
    // Its own name is free for itself, and a name is free again when it is given up.
    storage
        .replace_saved_search(&tenant, first.id, taken.clone())
        .await
        .unwrap();
    storage
        .delete_saved_search(&tenant, first.id)
        .await
        .unwrap();
    storage
        .replace_saved_search(&tenant, other.id, taken)
        .await
        .unwrap();
    let never = SearchId::generate();
    for refused in [
        storage
            .replace_saved_search(&tenant, never, content("x", SearchView::Logs))
            .await
            .map(drop),
        storage.delete_saved_search(&tenant, never).await,
    ] {
        assert_eq!(refused.unwrap_err().kind(), ErrorKind::NotFound);
    }
}

#[tokio::test]
async fn what_is_too_long_or_has_no_name_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let storage = open(&folder).await;
    let tenant = TenantId::default();
    let named = |name: &str| content(name, SearchView::Logs);
    let with = |query: usize, parameter: usize| SearchContent {
        query: "q".repeat(query),
        parameters: BTreeMap::from([("k".to_owned(), "v".repeat(parameter))]),
        ..named(&format!("{query} {parameter}"))
    };
    for (refused, kind, what) in [
        (named(" \t "), ErrorKind::Invalid, "0 characters"),
        (
            named(&"ä".repeat(201)),
            ErrorKind::Invalid,
            "201 characters",
        ),
        (named("two\nlines"), ErrorKind::Invalid, "line break"),
        (named("nul\u{0}"), ErrorKind::Invalid, "control character"),
        (
            with((16 << 10) + 1, 0),
            ErrorKind::TooLarge,
            "`query` has 16385 bytes",
        ),
        (
            with(0, 4 << 10),
            ErrorKind::TooLarge,
            "`parameters` have 4097 bytes",
        ),
    ] {
        let error = storage.save_search(&tenant, refused).await.unwrap_err();
        assert_eq!(error.kind(), kind, "{error}");
        assert!(error.message().contains(what), "{error}");
    }
    assert!(
        storage
            .saved_searches(&tenant, None)
            .await
            .unwrap()
            .is_empty()
    );
    for taken in [named(&"ä".repeat(200)), with(16 << 10, (4 << 10) - 1)] {
        storage.save_search(&tenant, taken).await.unwrap();
    }
}

#[tokio::test]
async fn at_most_a_thousand_are_saved() {
    let folder = matrix::fast_folder();
    let storage = open(&folder).await;
    let tenant = TenantId::default();
    let mut last = None;
    for number in 0..MAX_SEARCHES {
        let saved = storage.save_search(&tenant, content(&number.to_string(), SearchView::Logs));
        last = Some(saved.await.unwrap().id);
    }
    let one_more = || storage.save_search(&tenant, content("one more", SearchView::Logs));
    let refused = one_more().await.unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::Conflict);
    assert!(refused.message().contains("1000 searches"), "{refused}");
    // Another tenant has its own, once it is there.
    let other = TenantId::new("other").unwrap();
    let of_other = || storage.save_search(&other, content("one more", SearchView::Logs));
    assert_eq!(of_other().await.unwrap_err().kind(), ErrorKind::NotFound);
    tenants::send_of(&storage, &other, "1 a").await.unwrap();
    of_other().await.unwrap();
    storage
        .delete_saved_search(&tenant, last.unwrap())
        .await
        .unwrap();
    one_more().await.unwrap();
}
