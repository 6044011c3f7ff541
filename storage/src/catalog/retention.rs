//! The retention policy and the pins, as rows of the catalog.

use std::str::FromStr;

use super::database::Statement;
use super::{Catalog, schema};
use crate::error::{Error, Result};
use crate::model::{TenantId, TraceId};
use crate::retention::{Pin, PolicyRecord};

const POLICY: &str = "retention_policy";
const PINS: &str = "SELECT tenant, trace_id, document FROM pins";
const PIN: &str = "INSERT INTO pins (tenant, trace_id, document) VALUES ($1, $2, $3)
    ON CONFLICT (tenant, trace_id) DO UPDATE SET document = excluded.document";
const UNPIN: &str = "DELETE FROM pins WHERE tenant = $1 AND trace_id = $2";

impl Catalog {
    pub(crate) async fn policy(&self) -> Result<PolicyRecord> {
        let Some(text) = self.database.meta(POLICY).await? else {
            return Ok(PolicyRecord::default());
        };
        serde_json::from_str(&text).map_err(|source| {
            Error::corrupt("the retention policy in the catalog is not readable")
                .with_source(source)
        })
    }

    pub(crate) async fn set_policy(&self, policy: &PolicyRecord) -> Result<()> {
        let set = schema::set_meta(POLICY, serde_json::to_string(policy)?);
        self.database.apply(&[set]).await
    }

    pub(crate) async fn pins(&self) -> Result<Vec<(TenantId, TraceId, Pin)>> {
        let rows = self.database.fetch(PINS, &[]).await?;
        rows.iter()
            .map(|row| {
                let pin = serde_json::from_str(row.text("document")?).map_err(|source| {
                    Error::corrupt("a pin in the catalog is not readable").with_source(source)
                })?;
                let tenant = TenantId::new(row.text("tenant")?)?;
                Ok((tenant, TraceId::from_str(row.text("trace_id")?)?, pin))
            })
            .collect()
    }

    pub(crate) async fn put_pin(&self, tenant: &TenantId, trace: TraceId, pin: &Pin) -> Result<()> {
        let values = vec![
            tenant.as_str().into(),
            trace.to_string().into(),
            serde_json::to_string(pin)?.into(),
        ];
        self.database.apply(&[Statement::new(PIN, values)]).await
    }

    pub(crate) async fn remove_pin(&self, tenant: &TenantId, trace: TraceId) -> Result<()> {
        let values = vec![tenant.as_str().into(), trace.to_string().into()];
        self.database.apply(&[Statement::new(UNPIN, values)]).await
    }
}
