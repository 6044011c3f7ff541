//! A file's attribute map as it is in memory: `restored(map, types, shape, column, …)`.
//!
//! Only in plans over a file: nobody writes it.

use std::sync::Arc;

use arrow::datatypes::{DataType, Field};
use datafusion::common::config::ConfigOptions;
use datafusion::common::{DataFusionError, Result, plan_err};
use datafusion::logical_expr::{
    ColumnarValue, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, Volatility,
};
use datafusion::physical_expr::{PhysicalExpr, ScalarFunctionExpr};
use spoor_storage::attributes::ScopeColumns;

const NAME: &str = "restored";

/// The canonical form of `name`, the map or the types of `scope`; `arguments` are the columns that
/// [`ScopeColumns::needed`] names.
pub(crate) fn restored_column(
    scope: &ScopeColumns,
    name: &str,
    data_type: &DataType,
    arguments: Vec<Arc<dyn PhysicalExpr>>,
) -> Arc<dyn PhysicalExpr> {
    let function = Restored {
        scope: scope.clone(),
        types: name == scope.types,
        data_type: data_type.clone(),
        signature: Signature::variadic_any(Volatility::Immutable),
    };
    Arc::new(ScalarFunctionExpr::new(
        NAME,
        Arc::new(ScalarUDF::new_from_impl(function)),
        arguments,
        Arc::new(Field::new(name, data_type.clone(), false)),
        Arc::new(ConfigOptions::default()),
    ))
}

#[derive(Debug, PartialEq, Eq, Hash)]
struct Restored {
    scope: ScopeColumns,
    /// The types and not the map.
    types: bool,
    data_type: DataType,
    signature: Signature,
}

impl ScalarUDFImpl for Restored {
    fn name(&self) -> &str {
        NAME
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, arguments: &[DataType]) -> Result<DataType> {
        if arguments.len() == self.scope.needed().count() {
            Ok(self.data_type.clone())
        } else {
            plan_err!("`{NAME}` takes the columns of an attribute map")
        }
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let arrays = args
            .args
            .iter()
            .map(|argument| argument.to_array(args.number_rows))
            .collect::<Result<Vec<_>>>()?;
        let (map, types) = self
            .scope
            .restore(&arrays)
            .map_err(|error| DataFusionError::External(Box::new(error)))?;
        Ok(ColumnarValue::Array(if self.types { types } else { map }))
    }
}
