//! Saved searches. The catalog alone has them: they are asked for seldom, and decide nothing.

use std::sync::Arc;

use super::{Shared, Storage};
use crate::catalog::SearchName;
use crate::error::{Error, ErrorKind, Result};
use crate::fault::Point;
use crate::model::{SearchId, TenantId};
use crate::searches::{MAX_SEARCHES, SavedSearch, SearchContent, SearchView};

impl Storage {
    /// The saved searches of a tenant, all or those of one view, by name.
    pub async fn saved_searches(
        &self,
        tenant: &TenantId,
        view: Option<SearchView>,
    ) -> Result<Vec<SavedSearch>> {
        let mut searches = self.shared.catalog.saved_searches(tenant, view).await?;
        searches.sort_unstable_by(|one, other| {
            let of = |search: &SavedSearch| (search.content.view, search.id);
            let by_name = one.content.name.cmp(&other.content.name);
            by_name.then_with(|| of(one).cmp(&of(other)))
        });
        Ok(searches)
    }

    /// One of them. Errors with [`ErrorKind::NotFound`] if there is none with this id.
    pub async fn saved_search(&self, tenant: &TenantId, id: SearchId) -> Result<SavedSearch> {
        let found = self.shared.catalog.saved_search(tenant, id).await?;
        found.ok_or_else(|| unknown(id))
    }

    /// Saves a search; it is durable when this returns. Errors with [`ErrorKind::Conflict`] if
    /// another of its view has its name, or if there are too many; with [`ErrorKind::NotFound`] if the
    /// tenant has no rows.
    pub async fn save_search(
        &self,
        tenant: &TenantId,
        content: SearchContent,
    ) -> Result<SavedSearch> {
        let content = content.checked()?;
        self.must_have_rows(tenant)?;
        let (shared, tenant) = (Arc::clone(&self.shared), tenant.clone());
        self.edit(async move {
            let _one_at_a_time = shared.saving.lock().await;
            let names = shared.catalog.search_names(&tenant).await?;
            if names.len() >= MAX_SEARCHES {
                return Err(Error::new(
                    ErrorKind::Conflict,
                    format!("{MAX_SEARCHES} searches are saved already"),
                )
                .with_hint("delete some"));
            }
            must_be_free(&names, &content)?;
            let now_ns = shared.options.clock.now_ns();
            let search = SavedSearch {
                id: SearchId::generate(),
                content,
                created_ns: now_ns,
                updated_ns: now_ns,
            };
            shared.keep_search(&tenant, &search).await?;
            Ok(search)
        })
        .await
    }

    /// Without rows there is no tenant, and whoever makes up names could save without end.
    fn must_have_rows(&self, tenant: &TenantId) -> Result<()> {
        if *tenant == TenantId::default() || self.shared.state.tenants().contains(tenant) {
            return Ok(());
        }
        let message = format!("there is nothing of tenant `{tenant}` to search");
        Err(Error::new(ErrorKind::NotFound, message)
            .with_hint("GET /api/v1/tenants lists those that have sent something"))
    }

    /// Puts other content in the place of a saved search's; durable when this returns. Errors with
    /// [`ErrorKind::NotFound`] if there is none with this id, with [`ErrorKind::Conflict`] if
    /// another of its view has its name.
    pub async fn replace_saved_search(
        &self,
        tenant: &TenantId,
        id: SearchId,
        content: SearchContent,
    ) -> Result<SavedSearch> {
        let content = content.checked()?;
        let (shared, tenant) = (Arc::clone(&self.shared), tenant.clone());
        self.edit(async move {
            let _one_at_a_time = shared.saving.lock().await;
            let before = shared.catalog.saved_search(&tenant, id).await?;
            let before = before.ok_or_else(|| unknown(id))?;
            let mut others = shared.catalog.search_names(&tenant).await?;
            others.retain(|other| other.id != id);
            must_be_free(&others, &content)?;
            let search = SavedSearch {
                content,
                updated_ns: shared.options.clock.now_ns(),
                ..before
            };
            shared.keep_search(&tenant, &search).await?;
            Ok(search)
        })
        .await
    }

    /// Deletes a saved search, for good when this returns. Errors with [`ErrorKind::NotFound`] if
    /// there is none with this id.
    pub async fn delete_saved_search(&self, tenant: &TenantId, id: SearchId) -> Result<()> {
        let (shared, tenant) = (Arc::clone(&self.shared), tenant.clone());
        self.edit(async move {
            let _one_at_a_time = shared.saving.lock().await;
            // Not its document: one that cannot be read can be deleted.
            let names = shared.catalog.search_names(&tenant).await?;
            if names.iter().all(|search| search.id != id) {
                return Err(unknown(id));
            }
            let commit = async {
                shared.layout.fault(Point::SearchCommit)?;
                shared.catalog.remove_search(&tenant, id).await?;
                shared.layout.fault(Point::SearchCommitted)
            };
            let Err(error) = commit.await else {
                return Ok(());
            };
            let made = async {
                shared.layout.fault(Point::AskCatalog)?;
                let names = shared.catalog.search_names(&tenant).await?;
                Ok(names.iter().all(|search| search.id != id))
            };
            unless(&made.await, error)
        })
        .await
    }
}

impl Shared {
    /// Adds or replaces a saved search. [`Shared::saving`] must be held.
    async fn keep_search(&self, tenant: &TenantId, search: &SavedSearch) -> Result<()> {
        let commit = async {
            self.layout.fault(Point::SearchCommit)?;
            self.catalog.put_search(tenant, search).await?;
            self.layout.fault(Point::SearchCommitted)
        };
        let Err(error) = commit.await else {
            return Ok(());
        };
        let made = async {
            self.layout.fault(Point::AskCatalog)?;
            let found = self.catalog.saved_search(tenant, search.id).await?;
            Ok(found.as_ref() == Some(search))
        };
        unless(&made.await, error)
    }
}

/// `error`, unless the change was made in spite of it.
fn unless(made: &Result<bool>, error: Error) -> Result<()> {
    match made {
        Ok(true) => {
            tracing::warn!(%error, "a saved search was recorded in spite of an error");
            Ok(())
        }
        _ => Err(error),
    }
}

fn must_be_free(taken: &[SearchName], content: &SearchContent) -> Result<()> {
    let mut taken = taken.iter();
    if taken.any(|other| other.view == content.view && other.name == content.name) {
        return Err(Error::new(
            ErrorKind::Conflict,
            format!(
                "a search of the view {} is called `{}` already",
                content.view, content.name
            ),
        )
        .with_hint("choose another name, or change that one"));
    }
    Ok(())
}

fn unknown(id: SearchId) -> Error {
    Error::new(
        ErrorKind::NotFound,
        format!("there is no saved search `{id}`"),
    )
}
