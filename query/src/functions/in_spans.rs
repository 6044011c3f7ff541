//! `in_spans(span_id)`: whether a row belongs to one of many spans, which the function knows how to tell.
//!
//! What is below a span of a trace may be a million others: no list of ids is made of them.

use std::fmt::Debug;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, BooleanArray};
use arrow::datatypes::{DataType, Field, FieldRef};
use datafusion::common::{Result, exec_err};
use datafusion::logical_expr::expr::ScalarFunction;
use datafusion::logical_expr::{
    ColumnarValue, Expr, ReturnFieldArgs, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature,
    Volatility,
};
use spoor_storage::SpanId;

const NAME: &str = "in_spans";

/// Some spans.
pub(crate) trait SpanSet: Debug + Send + Sync {
    /// Whether one of them has this id.
    fn has(&self, id: SpanId) -> bool;
}

/// The condition that `span_id`, as text or as it is stored, is of one of the spans; null where it is null.
pub(crate) fn in_spans(span_id: Expr, spans: Arc<dyn SpanSet>) -> Expr {
    let function = InSpans {
        spans,
        signature: Signature::any(1, Volatility::Immutable),
    };
    Expr::ScalarFunction(ScalarFunction::new_udf(
        Arc::new(ScalarUDF::new_from_impl(function)),
        vec![span_id],
    ))
}

#[derive(Debug)]
struct InSpans {
    spans: Arc<dyn SpanSet>,
    signature: Signature,
}

impl PartialEq for InSpans {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.spans, &other.spans)
    }
}

impl Eq for InSpans {}

impl Hash for InSpans {
    fn hash<H: Hasher>(&self, state: &mut H) {
        Arc::as_ptr(&self.spans).cast::<()>().hash(state);
    }
}

impl ScalarUDFImpl for InSpans {
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
            return exec_err!("`in_spans` takes one argument");
        };
        let found = self.test(&ids.to_array(args.number_rows)?)?;
        Ok(ColumnarValue::Array(Arc::new(found)))
    }
}

impl InSpans {
    fn test(&self, ids: &ArrayRef) -> Result<BooleanArray> {
        let of_text = |text: &str| text.parse().is_ok_and(|id| self.spans.has(id));
        Ok(match ids.data_type() {
            DataType::FixedSizeBinary(8) => {
                let ids = ids.as_fixed_size_binary();
                let of_bytes =
                    |bytes: &[u8]| bytes.try_into().is_ok_and(|id| self.spans.has(SpanId(id)));
                ids.iter().map(|id| id.map(of_bytes)).collect()
            }
            DataType::Utf8 => {
                let ids = ids.as_string::<i32>();
                ids.iter().map(|id| id.map(of_text)).collect()
            }
            DataType::Utf8View => {
                let ids = ids.as_string_view();
                ids.iter().map(|id| id.map(of_text)).collect()
            }
            other => return exec_err!("`in_spans` takes ids, not {other}"),
        })
    }
}
