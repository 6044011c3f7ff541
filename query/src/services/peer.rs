//! What a span called or took from that sends no spans of its own, by the semantic conventions.

use std::sync::Arc;

use arrow::array::StringArray;
use arrow::record_batch::RecordBatch;
use datafusion::logical_expr::{Expr, in_list, when};
use datafusion::prelude::{col, lit};
use spoor_storage::{Result, Table};
use utoipa::ToSchema;

use crate::failure::from_datafusion;
use crate::language::field_text;
use crate::otlp::{optional_text, strings};

/// What a node of the service graph is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, ToSchema)]
#[schema(rename_all = "lowercase")]
pub(crate) enum NodeKind {
    /// Sends spans.
    Service,
    /// A database (`db.system.name`).
    Database,
    /// A queue or topic (`messaging.system`).
    Messaging,
    /// What remote calls go to (`rpc.service`).
    Server,
    /// Anything else that is called by name or address (`peer.service`, `server.address`).
    External,
    /// Whoever calls a service from outside.
    Client,
}

/// The other side of a call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Peer {
    pub(crate) kind: NodeKind,
    pub(crate) name: Arc<str>,
    /// The database or messaging system.
    pub(crate) system: Option<Arc<str>>,
    /// Whether the span takes from it rather than calls it.
    pub(crate) consumed: bool,
}

/// Columns computed from attributes that name the other side.
#[derive(Debug)]
pub(crate) struct PeerColumns {
    kinds: StringArray,
    /// In the order of [`FIELDS`].
    values: Vec<StringArray>,
}

/// The old names are found as well.
const FIELDS: [&str; 8] = [
    "attributes.db.system.name",
    "attributes.db.system",
    "attributes.messaging.system",
    "attributes.messaging.destination.name",
    "attributes.peer.service",
    "attributes.server.address",
    "attributes.net.peer.name",
    "attributes.rpc.service",
];

impl NodeKind {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Service => "service",
            Self::Database => "database",
            Self::Messaging => "messaging",
            Self::Server => "server",
            Self::External => "external",
            Self::Client => "client",
        }
    }
}

impl PeerColumns {
    /// What to select; spans that do not call have nulls.
    pub(crate) fn exprs() -> Result<Vec<Expr>> {
        let calls = ["CLIENT", "PRODUCER", "CONSUMER"].map(lit).to_vec();
        let calls = in_list(col("kind"), calls, false);
        FIELDS
            .iter()
            .map(|field| {
                let value = when(calls.clone(), field_text(field, Table::Spans)).end();
                Ok(value.map_err(from_datafusion)?.alias(*field))
            })
            .collect()
    }

    /// The columns of a batch that was selected so.
    pub(crate) fn open(batch: &RecordBatch) -> Result<Self> {
        let first = batch.num_columns().saturating_sub(FIELDS.len());
        let columns = batch.columns().get(first..).unwrap_or_default();
        let kinds = batch
            .column_by_name("kind")
            .ok_or_else(|| spoor_storage::Error::internal("rows of spans lack their kind"))?;
        Ok(Self {
            kinds: strings(kinds)?,
            values: columns.iter().map(strings).collect::<Result<_>>()?,
        })
    }

    /// What the span of a row called.
    pub(crate) fn peer(&self, row: usize) -> Option<Peer> {
        let value = |field: usize| {
            let text = optional_text(self.values.get(field)?, row)?;
            (!text.is_empty()).then_some(text)
        };
        let [database, messaging, destination, service, address, remote] = [
            value(0).or(value(1)),
            value(2),
            value(3),
            value(4),
            value(5).or(value(6)),
            value(7),
        ];
        let (kind, name, system) = match (database, messaging) {
            (Some(system), _) => (NodeKind::Database, service.unwrap_or(system), Some(system)),
            (None, Some(system)) => {
                let name = destination.or(service).unwrap_or(system);
                (NodeKind::Messaging, name, Some(system))
            }
            (None, None) => match (service.or(address), remote) {
                (Some(name), _) => (NodeKind::External, name, None),
                (None, Some(name)) => (NodeKind::Server, name, None),
                (None, None) => return None,
            },
        };
        let consumed = self.kinds.value(row) == "CONSUMER";
        // Only queues are taken from.
        (!consumed || kind == NodeKind::Messaging).then(|| Peer {
            kind,
            name: name.into(),
            system: system.map(Into::into),
            consumed,
        })
    }
}
