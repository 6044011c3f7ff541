//! Saved searches.

use super::*;
use crate::model::SearchId;
use crate::searches::{SavedSearch, SearchContent, SearchView};

fn search(name: &str, view: SearchView) -> SavedSearch {
    SavedSearch {
        id: SearchId::generate(),
        content: SearchContent {
            name: name.to_owned(),
            view,
            query: "it's \"quoted\" ünd\n$1 \u{0}".to_owned(),
            parameters: BTreeMap::from([("start".to_owned(), "now-15m".to_owned())]),
        },
        created_ns: -1,
        updated_ns: i64::MAX,
    }
}

#[tokio::test]
async fn saved_searches_survive_reopening() {
    for place in Place::all().await {
        let catalog = place.open().await;
        let (mine, theirs) = (TenantId::default(), TenantId::new("other").unwrap());
        let (logs, sql) = (search("a", SearchView::Logs), search("a", SearchView::Sql));
        let mut changed = search("b", SearchView::Logs);
        for one in [&logs, &sql, &changed] {
            catalog.put_search(&mine, one).await.unwrap();
        }
        catalog.put_search(&theirs, &logs).await.unwrap();
        changed.content.name = "c".to_owned();
        changed.content.view = SearchView::Errors;
        catalog.put_search(&mine, &changed).await.unwrap();
        catalog.remove_search(&mine, sql.id).await.unwrap();
        let mut twice = search("a", SearchView::Logs);
        assert!(catalog.put_search(&mine, &twice).await.is_err());
        twice.content.name = "d".to_owned();
        catalog.put_search(&mine, &twice).await.unwrap();
        catalog.remove_search(&mine, twice.id).await.unwrap();
        catalog.close().await;

        let catalog = place.open().await;
        let mut found = catalog.saved_searches(&mine, None).await.unwrap();
        found.sort_by_key(|search| search.id);
        assert_eq!(found, [logs.clone(), changed.clone()]);
        let of_view = catalog.saved_searches(&mine, Some(SearchView::Logs)).await;
        assert_eq!(of_view.unwrap(), std::slice::from_ref(&logs));
        let one = async |tenant, id| catalog.saved_search(tenant, id).await.unwrap();
        assert_eq!(one(&mine, changed.id).await, Some(changed.clone()));
        assert_eq!(one(&theirs, changed.id).await, None);
        let names = catalog.search_names(&theirs).await.unwrap();
        assert_eq!(
            (names.len(), names[0].id, names[0].name.as_str()),
            (1, logs.id, "a")
        );
        catalog.close().await;
    }
}

#[tokio::test]
async fn one_that_cannot_be_read_says_which_it_is() {
    for place in Place::all().await {
        let catalog = place.open().await;
        let (tenant, broken) = (TenantId::default(), search("a", SearchView::Logs));
        catalog.put_search(&tenant, &broken).await.unwrap();
        let tear = "UPDATE saved_searches SET document = substr(document, 1, 9)";
        let tear = Statement::new(tear, Vec::new()).changes_one_row("no such row");
        catalog.database.apply(&[tear]).await.unwrap();
        let error = catalog.saved_searches(&tenant, None).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Corrupt);
        assert!(
            error.to_string().contains(&broken.id.to_string()),
            "{error}"
        );
        let names = catalog.search_names(&tenant).await.unwrap();
        assert_eq!(names[0].id, broken.id);
        catalog.remove_search(&tenant, broken.id).await.unwrap();
        assert!(
            catalog
                .saved_searches(&tenant, None)
                .await
                .unwrap()
                .is_empty()
        );
        catalog.close().await;
    }
}
