//! Saved searches, as rows of the catalog.

use super::Catalog;
use super::value::Row;
use crate::error::{Error, Result};
use crate::model::{SearchId, TenantId};
use crate::searches::{SavedSearch, SearchView};

const NAMES: &str = "SELECT id, view_name, name FROM saved_searches WHERE tenant = $1";
const ALL: &str = "SELECT id, document FROM saved_searches WHERE tenant = $1";
const OF_VIEW: &str =
    "SELECT id, document FROM saved_searches WHERE tenant = $1 AND view_name = $2";
const ONE: &str = "SELECT id, document FROM saved_searches WHERE tenant = $1 AND id = $2";
const PUT: &str = "INSERT INTO saved_searches (tenant, id, view_name, name, document)
    VALUES ($1, $2, $3, $4, $5) ON CONFLICT (tenant, id) DO UPDATE SET
    view_name = excluded.view_name, name = excluded.name, document = excluded.document";
const REMOVE: &str = "DELETE FROM saved_searches WHERE tenant = $1 AND id = $2";

/// What a saved search is called; without what it says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct SearchName {
    pub(crate) id: SearchId,
    pub(crate) view: SearchView,
    pub(crate) name: String,
}

impl Catalog {
    /// What the saved searches of a tenant are called.
    pub(crate) async fn search_names(&self, tenant: &TenantId) -> Result<Vec<SearchName>> {
        let values = [tenant.as_str().into()];
        let rows = self.database.fetch(NAMES, &values).await?;
        let read = |row: &Row| {
            Ok(SearchName {
                id: row.text("id")?.parse()?,
                view: row.text("view_name")?.parse()?,
                name: row.text("name")?.to_owned(),
            })
        };
        rows.iter().map(read).collect()
    }

    /// The saved searches of a tenant, all or those of one view, in no order.
    pub(crate) async fn saved_searches(
        &self,
        tenant: &TenantId,
        view: Option<SearchView>,
    ) -> Result<Vec<SavedSearch>> {
        let tenant = tenant.as_str().into();
        let rows = match view {
            None => self.database.fetch(ALL, &[tenant]).await?,
            Some(view) => {
                let values = [tenant, view.word().into()];
                self.database.fetch(OF_VIEW, &values).await?
            }
        };
        rows.iter().map(read).collect()
    }

    pub(crate) async fn saved_search(
        &self,
        tenant: &TenantId,
        id: SearchId,
    ) -> Result<Option<SavedSearch>> {
        let values = [tenant.as_str().into(), id.to_string().into()];
        let rows = self.database.fetch(ONE, &values).await?;
        rows.first().map(read).transpose()
    }

    /// Adds a saved search, or replaces the one with its id.
    pub(crate) async fn put_search(&self, tenant: &TenantId, search: &SavedSearch) -> Result<()> {
        let values = vec![
            tenant.as_str().into(),
            search.id.to_string().into(),
            search.content.view.word().into(),
            search.content.name.as_str().into(),
            serde_json::to_string(search)?.into(),
        ];
        self.change(PUT, values).await
    }

    pub(crate) async fn remove_search(&self, tenant: &TenantId, id: SearchId) -> Result<()> {
        let values = vec![tenant.as_str().into(), id.to_string().into()];
        self.change(REMOVE, values).await
    }
}

fn read(row: &Row) -> Result<SavedSearch> {
    serde_json::from_str(row.text("document")?).map_err(|source| {
        let id = row.text("id").unwrap_or_default();
        Error::corrupt(format!(
            "the saved search `{id}` in the catalog is not readable"
        ))
        .with_hint("delete it by its id")
        .with_source(source)
    })
}
