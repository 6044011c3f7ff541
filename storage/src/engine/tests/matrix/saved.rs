//! Saved searches in the crash matrix: what was answered is there, an attempt that failed may be.

use super::*;
use crate::searches::SearchView;

/// Queries of the one search that may be saved; `None` for no search.
#[derive(Debug)]
pub(super) struct Searches(Vec<Option<String>>);

impl Default for Searches {
    fn default() -> Self {
        Self(vec![None])
    }
}

impl World {
    /// Saves a search, changes it, and deletes it.
    pub(super) async fn change_searches(&mut self) -> Result<()> {
        let tenant = TenantId::default();
        let asking = |query: &str| crate::SearchContent {
            query: query.to_owned(),
            ..searches::content("the one", SearchView::Logs)
        };
        self.searches.0.push(Some("first".to_owned()));
        let saved = self.storage().save_search(&tenant, asking("first"));
        let id = saved.await?.id;
        self.searches.0 = vec![Some("first".to_owned()), Some("second".to_owned())];
        let storage = self.storage();
        storage
            .replace_saved_search(&tenant, id, asking("second"))
            .await?;
        self.searches.0 = vec![Some("second".to_owned()), None];
        self.storage().delete_saved_search(&tenant, id).await?;
        self.searches.0 = vec![None];
        Ok(())
    }

    /// What is saved is what may be, and settles what was not known.
    pub(super) async fn verify_searches(&mut self, context: &str) {
        let tenant = TenantId::default();
        let mut found = self.storage().saved_searches(&tenant, None).await.unwrap();
        let saved = found.pop().map(|search| search.content.query);
        assert!(found.is_empty(), "{context}: {found:?}");
        let may_be = &self.searches.0;
        assert!(may_be.contains(&saved), "{context}: {saved:?}, {may_be:?}");
        self.searches.0 = vec![saved];
    }
}
