//! Whether an id is one of those that a function holds or knows how to tell: what [`super::in_spans`] and
//! [`super::in_traces`] have in common.

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

/// Ids of one kind.
pub(super) trait IdSet: Debug + Send + Sync {
    /// The name of the function, for plans and errors.
    const NAME: &'static str;
    /// How many bytes an id has where it is stored.
    const ID_BYTES: i32;

    fn has_bytes(&self, id: &[u8]) -> bool;

    /// Whether an id written as text is one of them.
    fn has_text(&self, id: &str) -> bool;
}

/// The condition that `id`, as text or as it is stored, is in the set; null where it is null.
pub(super) fn in_ids<S: IdSet + ?Sized + 'static>(id: Expr, set: Arc<S>) -> Expr {
    let function = InIds {
        set,
        signature: Signature::any(1, Volatility::Immutable),
    };
    Expr::ScalarFunction(ScalarFunction::new_udf(
        Arc::new(ScalarUDF::new_from_impl(function)),
        vec![id],
    ))
}

/// The argument and the set of a call of a function of such sets.
pub(super) fn set_of<S: IdSet + ?Sized + 'static>(
    call: &ScalarFunction,
) -> Option<(&Expr, &Arc<S>)> {
    let function = call.func.inner().downcast_ref::<InIds<S>>()?;
    Some((call.args.first()?, &function.set))
}

#[derive(Debug)]
struct InIds<S: ?Sized> {
    set: Arc<S>,
    signature: Signature,
}

impl<S: ?Sized> PartialEq for InIds<S> {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.set, &other.set)
    }
}

impl<S: ?Sized> Eq for InIds<S> {}

impl<S: ?Sized> Hash for InIds<S> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        Arc::as_ptr(&self.set).cast::<()>().hash(state);
    }
}

impl<S: IdSet + ?Sized + 'static> ScalarUDFImpl for InIds<S> {
    fn name(&self) -> &'static str {
        S::NAME
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
        Ok(Arc::new(Field::new(S::NAME, DataType::Boolean, nullable)))
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let [ids] = args.args.as_slice() else {
            return exec_err!("`{}` takes one argument", S::NAME);
        };
        let found = self.test(&ids.to_array(args.number_rows)?)?;
        Ok(ColumnarValue::Array(Arc::new(found)))
    }
}

impl<S: IdSet + ?Sized> InIds<S> {
    fn test(&self, ids: &ArrayRef) -> Result<BooleanArray> {
        let of_text = |text: &str| self.set.has_text(text);
        Ok(match ids.data_type() {
            DataType::FixedSizeBinary(bytes) if *bytes == S::ID_BYTES => {
                let ids = ids.as_fixed_size_binary().iter();
                ids.map(|id| id.map(|id| self.set.has_bytes(id))).collect()
            }
            DataType::Utf8 => {
                let ids = ids.as_string::<i32>().iter();
                ids.map(|id| id.map(of_text)).collect()
            }
            DataType::Utf8View => {
                let ids = ids.as_string_view().iter();
                ids.map(|id| id.map(of_text)).collect()
            }
            other => return exec_err!("`{}` takes ids, not {other}", S::NAME),
        })
    }
}
