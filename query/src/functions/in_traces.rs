//! `in_traces(trace_id)`: whether a row belongs to one of a set of traces, which the function holds.
//!
//! As a list in the plan, thousands of ids would be looked at by every rule of the optimizer.

use std::collections::HashSet;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, BooleanArray};
use arrow::datatypes::{DataType, Field, FieldRef};
use datafusion::common::{Result, exec_err};
use datafusion::execution::memory_pool::MemoryReservation;
use datafusion::logical_expr::expr::ScalarFunction;
use datafusion::logical_expr::{
    ColumnarValue, Expr, ReturnFieldArgs, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature,
    Volatility,
};
use spoor_storage::TraceId;

const NAME: &str = "in_traces";

/// Bytes that an id takes in a set: itself, and the room that a table keeps free.
const ID_BYTES: usize = 2 * size_of::<TraceId>();

/// A set of traces, in the memory of the query that found them.
#[derive(Debug)]
pub(crate) struct TraceSet {
    ids: Arc<HashSet<TraceId>>,
    _memory: MemoryReservation,
}

/// Collects a set; refuses what the query has no memory for.
#[derive(Debug)]
pub(crate) struct TraceSetBuilder {
    ids: HashSet<TraceId>,
    memory: MemoryReservation,
}

/// The condition that `trace_id`, as text or as it is stored, is in the set; null where it is null.
pub(crate) fn in_traces(trace_id: Expr, set: &Arc<TraceSet>) -> Expr {
    let function = InTraces {
        set: Arc::clone(set),
        signature: Signature::any(1, Volatility::Immutable),
    };
    Expr::ScalarFunction(ScalarFunction::new_udf(
        Arc::new(ScalarUDF::new_from_impl(function)),
        vec![trace_id],
    ))
}

/// The column and the set of a call of [`in_traces`].
pub(crate) fn traces_asked_for(call: &ScalarFunction) -> Option<(&Expr, &Arc<TraceSet>)> {
    let function = call.func.inner().downcast_ref::<InTraces>()?;
    Some((call.args.first()?, &function.set))
}

// === impl TraceSet ===

impl TraceSet {
    /// The ids.
    pub(crate) fn ids(&self) -> &Arc<HashSet<TraceId>> {
        &self.ids
    }

    pub(crate) fn len(&self) -> usize {
        self.ids.len()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.ids.is_empty()
    }
}

impl PartialEq for TraceSet {
    fn eq(&self, other: &Self) -> bool {
        self.ids == other.ids
    }
}

impl Eq for TraceSet {}

// === impl TraceSetBuilder ===

impl TraceSetBuilder {
    pub(crate) fn new(memory: MemoryReservation) -> Self {
        Self {
            ids: HashSet::new(),
            memory,
        }
    }

    /// Adds an id. Errors when the query has not the memory for it.
    pub(crate) fn insert(&mut self, id: TraceId) -> Result<()> {
        if self.ids.len() == self.ids.capacity() && !self.ids.contains(&id) {
            let room = (self.ids.capacity() * 2).max(64);
            self.memory.try_resize(room * ID_BYTES)?;
            self.ids.reserve(room - self.ids.len());
        }
        self.ids.insert(id);
        Ok(())
    }

    pub(crate) fn len(&self) -> usize {
        self.ids.len()
    }

    pub(crate) fn finish(self) -> Arc<TraceSet> {
        Arc::new(TraceSet {
            ids: Arc::new(self.ids),
            _memory: self.memory,
        })
    }
}

#[derive(Debug)]
struct InTraces {
    set: Arc<TraceSet>,
    signature: Signature,
}

impl PartialEq for InTraces {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.set, &other.set)
    }
}

impl Eq for InTraces {}

impl Hash for InTraces {
    fn hash<H: Hasher>(&self, state: &mut H) {
        Arc::as_ptr(&self.set).hash(state);
    }
}

impl ScalarUDFImpl for InTraces {
    fn name(&self) -> &'static str {
        NAME
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(DataType::Boolean)
    }

    fn return_field_from_args(&self, args: ReturnFieldArgs<'_>) -> Result<FieldRef> {
        let mut ids = args.arg_fields.iter();
        let nullable = ids.any(|field| field.is_nullable());
        Ok(Arc::new(Field::new(NAME, DataType::Boolean, nullable)))
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let [ids] = args.args.as_slice() else {
            return exec_err!("`in_traces` takes one argument");
        };
        let found = self.test(&ids.to_array(args.number_rows)?)?;
        Ok(ColumnarValue::Array(Arc::new(found)))
    }
}

impl InTraces {
    fn test(&self, ids: &ArrayRef) -> Result<BooleanArray> {
        let has = |id: TraceId| self.set.ids.contains(&id);
        // Ids in rows are 32 lower-case digits; a text of another form is none of them.
        let of_text = |text: &str| {
            let id = text.parse::<TraceId>().ok();
            id.is_some_and(|id| text.len() == 32 && has(id))
        };
        Ok(match ids.data_type() {
            DataType::FixedSizeBinary(16) => {
                let ids = ids.as_fixed_size_binary();
                let of_bytes = |bytes: &[u8]| bytes.try_into().is_ok_and(|id| has(TraceId(id)));
                ids.iter().map(|id| id.map(of_bytes)).collect()
            }
            DataType::Utf8 => ids
                .as_string::<i32>()
                .iter()
                .map(|id| id.map(of_text))
                .collect(),
            DataType::Utf8View => ids
                .as_string_view()
                .iter()
                .map(|id| id.map(of_text))
                .collect(),
            other => return exec_err!("`in_traces` takes ids, not {other}"),
        })
    }
}
