//! What a plan asks of the stored columns, as questions to the columns that a file has.
//!
//! | over the stored schema | in a file with the key in a column |
//! |---|---|
//! | `attribute_value(attributes, 'k')` | `attributes.k`, followed by the map if rows may have it there |
//! | `TRY_CAST(attribute_value(attributes, 'k') AS BIGINT)` | `attributes.k` if it is one |
//! | `attribute_exists(attributes, 'k')` | the same on the column |
//! | `attributes`, `attribute_types` | put together again from all columns of the scope |
//!
//! A map that the file says has not the key is not read. The predicates that Parquet evaluates
//! while it decodes never touch maps (DataFusion pushes none that does), so what is changed here is
//! only what the scan puts out.

use std::sync::Arc;

use arrow::datatypes::{DataType, SchemaRef};
use datafusion::common::tree_node::{Transformed, TransformedResult, TreeNode, TreeNodeRecursion};
use datafusion::common::{DataFusionError, Result};
use datafusion::physical_expr::expressions::{CastExpr, Column, Literal, TryCastExpr};
use datafusion::physical_expr::{PhysicalExpr, ScalarFunctionExpr};
use datafusion::physical_expr_adapter::{
    DefaultPhysicalExprAdapterFactory, PhysicalExprAdapter, PhysicalExprAdapterFactory,
};
use spoor_storage::attributes::{ColumnKind, FileAttributes, PromotedKey};

use crate::functions::{call_on, map_call, restored_column};

/// Makes an adapter for each file.
#[derive(Debug)]
pub(super) struct FileColumns;

impl PhysicalExprAdapterFactory for FileColumns {
    fn create(
        &self,
        logical_file_schema: SchemaRef,
        physical_file_schema: SchemaRef,
    ) -> Result<Arc<dyn PhysicalExprAdapter>> {
        let attributes = FileAttributes::of(&physical_file_schema)
            .map_err(|error| DataFusionError::External(Box::new(error)))?;
        let plain = DefaultPhysicalExprAdapterFactory.create(
            Arc::clone(&logical_file_schema),
            Arc::clone(&physical_file_schema),
        )?;
        Ok(Arc::new(Adapter {
            attributes,
            stored: logical_file_schema,
            file: physical_file_schema,
            plain,
        }))
    }
}

/// Rewrites expressions for one file.
#[derive(Debug)]
struct Adapter {
    attributes: FileAttributes,
    stored: SchemaRef,
    file: SchemaRef,
    /// For the columns that files have as they are stored.
    plain: Arc<dyn PhysicalExprAdapter>,
}

impl PhysicalExprAdapter for Adapter {
    fn rewrite(&self, expr: Arc<dyn PhysicalExpr>) -> Result<Arc<dyn PhysicalExpr>> {
        expr.transform_down(|expr| {
            let read = if let Some(column) = expr.downcast_ref::<Column>() {
                Some(self.column(&expr, column)?)
            } else if let Some(call) = map_call(expr.as_ref()) {
                self.call(call)?
            } else if let Some(cast) = expr.downcast_ref::<TryCastExpr>() {
                self.number(cast)?
            } else {
                None
            };
            Ok(match read {
                Some(read) => Transformed::new(read, true, TreeNodeRecursion::Jump),
                None => Transformed::no(expr),
            })
        })
        .data()
    }
}

impl Adapter {
    fn column(
        &self,
        expr: &Arc<dyn PhysicalExpr>,
        column: &Column,
    ) -> Result<Arc<dyn PhysicalExpr>> {
        let name = column.name();
        let Some(scope) = self.attributes.restored(name) else {
            return self.plain.rewrite(Arc::clone(expr));
        };
        let arguments = scope
            .needed()
            .map(|name| self.of_file(name))
            .collect::<Result<_>>()?;
        let data_type = self.stored.field_with_name(name)?.data_type();
        Ok(restored_column(scope, name, data_type, arguments))
    }

    fn of_file(&self, name: &str) -> Result<Arc<dyn PhysicalExpr>> {
        Ok(Arc::new(Column::new_with_schema(name, &self.file)?))
    }

    /// A call with each map replaced by where the file has the key.
    fn call(&self, call: &ScalarFunctionExpr) -> Result<Option<Arc<dyn PhysicalExpr>>> {
        let Some((key, maps)) = key_and_maps(call) else {
            return Ok(None);
        };
        let mut parts = Vec::with_capacity(maps.len());
        for map in maps {
            let Some(scope) = self.attributes.scope(map.name()) else {
                parts.push(self.of_file(map.name())?);
                continue;
            };
            // A row has the key in one of the two, so that their order does not matter.
            if let Some(promoted) = scope.promoted(key) {
                parts.push(self.of_file(&promoted.column)?);
            }
            if scope.may_be_in_map(key) {
                parts.push(self.of_file(map.name())?);
            }
        }
        match parts.as_slice() {
            [only] if *call.return_type() == only.data_type(&self.file)? => {
                Ok(Some(Arc::clone(only)))
            }
            _ => Ok(Some(call_on(call, parts)?)),
        }
    }

    /// The number or boolean of an attribute, where a column has nothing else.
    fn number(&self, cast: &TryCastExpr) -> Result<Option<Arc<dyn PhysicalExpr>>> {
        let Some(promoted) = map_call(cast.expr().as_ref()).and_then(|call| self.only_place(call))
        else {
            return Ok(None);
        };
        let column = self.of_file(&promoted.column)?;
        Ok(match (promoted.kind, cast.cast_type()) {
            (ColumnKind::Int, DataType::Int64)
            | (ColumnKind::Double, DataType::Float64)
            | (ColumnKind::Bool, DataType::Boolean) => Some(column),
            // Rounds as reading the digits would.
            (ColumnKind::Int, DataType::Float64) => {
                Some(Arc::new(CastExpr::new(column, DataType::Float64, None)))
            }
            _ => None,
        })
    }

    /// The column that alone can have the key of a call.
    fn only_place(&self, call: &ScalarFunctionExpr) -> Option<&PromotedKey> {
        let (key, maps) = key_and_maps(call)?;
        let mut only = None;
        for map in maps {
            let scope = self.attributes.scope(map.name())?;
            match scope.promoted(key) {
                _ if scope.may_be_in_map(key) => return None,
                Some(promoted) if only.is_none() => only = Some(promoted),
                Some(_) => return None,
                None => {}
            }
        }
        only
    }
}

/// The key and the map columns of a call; `None` if it is on anything else.
fn key_and_maps(call: &ScalarFunctionExpr) -> Option<(&str, Vec<&Column>)> {
    let (key, maps) = call.args().split_last()?;
    let key = key.downcast_ref::<Literal>()?.value().try_as_str()??;
    let maps = maps.iter().map(|map| map.downcast_ref::<Column>());
    Some((key, maps.collect::<Option<_>>()?))
}

#[cfg(test)]
mod tests {
    use arrow::datatypes::{Field, Schema};
    use datafusion::common::DFSchema;
    use datafusion::logical_expr::{Expr, col, try_cast};
    use datafusion::prelude::SessionContext;
    use spoor_storage::Table;
    use spoor_storage::attributes::METADATA_KEY;
    use spoor_storage::model::schema_of;

    use super::*;
    use crate::functions::{attribute_exists, attribute_value, first_attribute_value};

    /// `expr` over the stored schema as it is read from a file with some promoted keys.
    fn read(expr: Expr) -> String {
        let stored = schema_of(Table::Spans);
        let mut fields: Vec<Field> = stored
            .fields()
            .iter()
            .rev()
            .map(|field| field.as_ref().clone())
            .collect();
        for (name, data_type) in [
            ("attribute_shape", DataType::Utf8),
            ("attributes.route", DataType::Utf8),
            ("attributes.size", DataType::Int64),
            ("attributes.both", DataType::Int64),
        ] {
            fields.push(Field::new(name, data_type, true));
        }
        let metadata = r#"{
            "attributes": {"columns": [{"key": "route"}, {"key": "size"}, {"key": "both", "in_map": true}],
                           "map_keys": ["both", "tail"]},
            "scope_attributes": {"columns": [], "map_keys": []}}"#;
        let metadata = [(METADATA_KEY.to_owned(), metadata.to_owned())];
        let file = Arc::new(Schema::new_with_metadata(fields, metadata.into()));
        let schema = DFSchema::try_from(stored.as_ref().clone()).unwrap();
        let expr = SessionContext::new()
            .create_physical_expr(expr, &schema)
            .unwrap();
        let adapter = FileColumns.create(stored, Arc::clone(&file)).unwrap();
        let read = adapter.rewrite(expr).unwrap();
        // Every column has its place in the file.
        read.apply(|expr| {
            if let Some(column) = expr.downcast_ref::<Column>() {
                assert_eq!(file.index_of(column.name()).unwrap(), column.index());
            }
            Ok(TreeNodeRecursion::Continue)
        })
        .unwrap();
        let shown = read.to_string();
        (0..file.fields().len())
            .rev()
            .fold(shown, |shown, at| shown.replace(&format!("@{at}"), ""))
    }

    #[test]
    fn attributes_are_read_from_where_the_file_has_them() {
        let value = |key: &str| attribute_value(col("attributes"), key);
        let cases = [
            (value("route"), "attributes.route"),
            (value("size"), "attribute_value(attributes.size, size)"),
            (
                value("both"),
                "attribute_value(attributes.both, attributes, both)",
            ),
            (value("tail"), "attribute_value(attributes, tail)"),
            (value("nowhere"), "NULL"),
            (try_cast(value("size"), DataType::Int64), "attributes.size"),
            (
                try_cast(value("size"), DataType::Float64),
                "CAST(attributes.size AS Float64)",
            ),
            (
                try_cast(value("both"), DataType::Int64),
                "TRY_CAST(attribute_value(attributes.both, attributes, both) AS Int64)",
            ),
            (attribute_exists(col("attributes"), "nowhere"), "false"),
            (
                first_attribute_value(vec![col("attributes"), col("scope_attributes")], "route"),
                "attributes.route",
            ),
            (
                first_attribute_value(
                    vec![col("scope_attributes"), col("resource_attributes")],
                    "x",
                ),
                "attribute_value(resource_attributes, x)",
            ),
            (
                col("attributes"),
                "restored(attributes, attribute_types, attribute_shape, attributes.route, attributes.size, attributes.both)",
            ),
            (col("scope_attributes"), "scope_attributes"),
            (col("name"), "name"),
        ];
        for (expr, expected) in cases {
            assert_eq!(read(expr.clone()), expected, "{expr}");
        }
    }
}
