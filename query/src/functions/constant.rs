//! Tests of a column by a text constant: `matches(text, 'query')`, `links_to(links, 'trace id')`.
//!
//! The constant is read while a statement is planned, so that a malformed one is an error before anything runs.

use std::fmt::Debug;
use std::hash::Hash;
use std::sync::Arc;

use arrow::array::{ArrayRef, BooleanArray};
use arrow::datatypes::{DataType, Field, FieldRef};
use datafusion::common::{Result, ScalarValue, exec_err, plan_err};
use datafusion::logical_expr::expr::ScalarFunction;
use datafusion::logical_expr::{
    ColumnarValue, Expr, ReturnFieldArgs, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature,
    lit,
};

/// What one function tests.
pub(super) trait ConstantTest: Debug + Eq + Hash + Send + Sync + 'static {
    /// The function's name in SQL.
    const NAME: &'static str;

    /// What the constant says.
    type Constant;

    /// Reads the constant. Errors if it is malformed.
    fn read(text: &str) -> Result<Self::Constant>;

    /// Whether each value meets it; null where the value is. Errors if values are of a type that cannot be tested.
    fn test(values: &ArrayRef, constant: &Self::Constant) -> Result<BooleanArray>;
}

/// The function of a test; of its two arguments the second is the constant.
pub(super) fn constant_function<T: ConstantTest>(test: T, signature: Signature) -> Arc<ScalarUDF> {
    Arc::new(ScalarUDF::new_from_impl(ConstantFunction {
        test,
        signature,
    }))
}

/// A call of such a function.
pub(super) fn constant_call(function: Arc<ScalarUDF>, values: Expr, constant: &str) -> Expr {
    Expr::ScalarFunction(ScalarFunction::new_udf(
        function,
        vec![values, lit(constant)],
    ))
}

#[derive(Debug, PartialEq, Eq, Hash)]
struct ConstantFunction<T> {
    test: T,
    signature: Signature,
}

impl<T: ConstantTest> ConstantFunction<T> {
    fn read(constant: Option<&ScalarValue>) -> Result<T::Constant> {
        let Some(text) = constant.and_then(|constant| constant.try_as_str().flatten()) else {
            return plan_err!(
                "the second argument of `{}` must be a text constant",
                T::NAME
            );
        };
        T::read(text)
    }
}

impl<T: ConstantTest> ScalarUDFImpl for ConstantFunction<T> {
    fn name(&self) -> &str {
        T::NAME
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(DataType::Boolean)
    }

    fn return_field_from_args(&self, args: ReturnFieldArgs<'_>) -> Result<FieldRef> {
        Self::read(args.scalar_arguments.get(1).copied().flatten())?;
        let values = args.arg_fields.first();
        let nullable = values.is_none_or(|field| field.is_nullable());
        Ok(Arc::new(Field::new(T::NAME, DataType::Boolean, nullable)))
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let [values, ColumnarValue::Scalar(constant)] = args.args.as_slice() else {
            return exec_err!(
                "the second argument of `{}` must be a text constant",
                T::NAME
            );
        };
        let constant = Self::read(Some(constant))?;
        Ok(match values {
            ColumnarValue::Array(values) => {
                ColumnarValue::Array(Arc::new(T::test(values, &constant)?))
            }
            ColumnarValue::Scalar(value) if value.is_null() => {
                ColumnarValue::Scalar(ScalarValue::Boolean(None))
            }
            ColumnarValue::Scalar(value) => {
                let met = T::test(&value.to_array()?, &constant)?;
                ColumnarValue::Scalar(ScalarValue::try_from_array(&met, 0)?)
            }
        })
    }
}
