//! What the log did not give back, as an entry of the catalog.

use super::{Catalog, schema};
use crate::error::{Error, Result};
use crate::recovery::Loss;

const LOSSES: &str = "lost_requests";

impl Catalog {
    pub(crate) async fn losses(&self) -> Result<Vec<Loss>> {
        let Some(text) = self.database.meta(LOSSES).await? else {
            return Ok(Vec::new());
        };
        serde_json::from_str(&text).map_err(|source| {
            Error::corrupt("the list of lost requests in the catalog is not readable")
                .with_source(source)
        })
    }

    pub(crate) async fn set_losses(&self, losses: &[Loss]) -> Result<()> {
        let set = schema::set_meta(LOSSES, serde_json::to_string(losses)?);
        self.database.apply(&[set]).await
    }
}
