//! `anywhere(…, 'query')` and `anywhere_regex(…, 'pattern')`: whether any text of a row has what is
//! looked for. Only in plans of the search language: nobody writes them.
//!
//! | argument | what is looked at |
//! |---|---|
//! | text | itself |
//! | map, then the types of its entries | each value; of lists and maps of values each member, not the JSON around it |
//! | list of events or links | their names, and their attributes as above |
//!
//! The index has no words of these, so every row is looked at that other conditions leave.

use std::sync::{Arc, LazyLock};

use arrow::array::{
    Array, ArrayRef, AsArray, BooleanArray, ListArray, MapArray, StringArray, StructArray,
};
use arrow::datatypes::DataType;
use datafusion::common::{Result, exec_err, plan_err};
use datafusion::logical_expr::expr::ScalarFunction;
use datafusion::logical_expr::{
    ColumnarValue, Expr, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, Volatility, lit,
};
use regex::Regex;
use serde_json::Value;
use spoor_storage::ValueType;

use super::text_query::TextQuery;
use crate::attributes::value_json;

static WORDS: LazyLock<Arc<ScalarUDF>> = LazyLock::new(|| Anywhere::udf(Sought::Words));
static REGEX: LazyLock<Arc<ScalarUDF>> = LazyLock::new(|| Anywhere::udf(Sought::Regex));

/// Whether a text of `columns` meets the query of [`super::matches`]; never null.
pub(crate) fn anywhere(columns: Vec<Expr>, query: &str) -> Expr {
    call(&WORDS, columns, query)
}

/// Whether the regular expression is found in a text of `columns`; never null.
pub(crate) fn anywhere_regex(columns: Vec<Expr>, pattern: &str) -> Expr {
    call(&REGEX, columns, pattern)
}

fn call(function: &Arc<ScalarUDF>, columns: Vec<Expr>, sought: &str) -> Expr {
    let mut args = columns;
    args.push(lit(sought));
    Expr::ScalarFunction(ScalarFunction::new_udf(Arc::clone(function), args))
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Sought {
    Words,
    Regex,
}

#[derive(Debug, PartialEq, Eq, Hash)]
struct Anywhere {
    sought: Sought,
    signature: Signature,
}

impl Anywhere {
    fn udf(sought: Sought) -> Arc<ScalarUDF> {
        Arc::new(ScalarUDF::new_from_impl(Self {
            sought,
            signature: Signature::variadic_any(Volatility::Immutable),
        }))
    }
}

impl ScalarUDFImpl for Anywhere {
    fn name(&self) -> &str {
        match self.sought {
            Sought::Words => "anywhere",
            Sought::Regex => "anywhere_regex",
        }
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(DataType::Boolean)
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let rows = args.number_rows;
        let [columns @ .., ColumnarValue::Scalar(sought)] = args.args.as_slice() else {
            return exec_err!("what `{}` looks for must be a constant", self.name());
        };
        let Some(sought) = sought.try_as_str().flatten() else {
            return exec_err!("what `{}` looks for must be a text", self.name());
        };
        let test = Test::new(self.sought, sought)?;
        let arrays = columns
            .iter()
            .map(|column| column.to_array(rows))
            .collect::<Result<Vec<_>>>()?;
        let places = Place::all(&arrays)?;
        let found: BooleanArray = (0..rows)
            .map(|row| Some(places.iter().any(|place| place.has(row, &test))))
            .collect();
        Ok(ColumnarValue::Array(Arc::new(found)))
    }
}

/// What one text must have.
enum Test {
    Words(TextQuery),
    Regex(Regex),
}

impl Test {
    fn new(sought: Sought, text: &str) -> Result<Self> {
        match sought {
            Sought::Words => TextQuery::parse(text)
                .map(Self::Words)
                .or_else(|error| plan_err!("the query of `anywhere` is malformed: {error}")),
            Sought::Regex => Regex::new(text).map(Self::Regex).or_else(|error| {
                plan_err!("the pattern of `anywhere_regex` is malformed: {error}")
            }),
        }
    }

    fn meets(&self, text: &str) -> bool {
        match self {
            Self::Words(query) => query.matches(text),
            Self::Regex(regex) => regex.is_match(text),
        }
    }

    /// Whether a member of a list or map of values meets it.
    fn meets_member(&self, value: &Value) -> bool {
        match value {
            Value::Null => false,
            Value::String(text) => self.meets(text),
            Value::Array(members) => members.iter().any(|member| self.meets_member(member)),
            Value::Object(members) => members.values().any(|member| self.meets_member(member)),
            Value::Bool(_) | Value::Number(_) => self.meets(&value.to_string()),
        }
    }
}

/// Texts of a row.
enum Place<'a> {
    Text(&'a StringArray),
    Attributes {
        map: &'a MapArray,
        values: &'a StringArray,
        types: &'a StringArray,
    },
    /// A list of structs that have such places.
    List {
        list: &'a ListArray,
        places: Vec<Place<'a>>,
    },
}

impl<'a> Place<'a> {
    fn all(arrays: &'a [ArrayRef]) -> Result<Vec<Self>> {
        let mut arrays = arrays.iter();
        let mut places = Vec::new();
        while let Some(array) = arrays.next() {
            let place = if let Some(map) = array.as_map_opt() {
                Self::attributes(map, arrays.next())
            } else if let Some(list) = array.as_list_opt::<i32>() {
                Self::list(list)
            } else {
                array.as_string_opt().map(Self::Text)
            };
            let Some(place) = place else {
                return exec_err!("`anywhere` does not look into {}", array.data_type());
            };
            places.push(place);
        }
        Ok(places)
    }

    fn attributes(map: &'a MapArray, types: Option<&'a ArrayRef>) -> Option<Self> {
        Some(Self::Attributes {
            map,
            values: map.values().as_string_opt()?,
            types: types?.as_string_opt()?,
        })
    }

    fn list(list: &'a ListArray) -> Option<Self> {
        let members = list.values().as_struct_opt()?;
        let mut places = Vec::new();
        places.extend(
            members
                .column_by_name("name")
                .and_then(|names| names.as_string_opt())
                .map(Self::Text),
        );
        places.extend(Self::of_members(members));
        Some(Self::List { list, places })
    }

    fn of_members(members: &'a StructArray) -> Option<Self> {
        let map = members.column_by_name("attributes")?.as_map_opt()?;
        Self::attributes(map, members.column_by_name("attribute_types"))
    }

    fn has(&self, row: usize, test: &Test) -> bool {
        match self {
            Self::Text(texts) => texts.is_valid(row) && test.meets(texts.value(row)),
            Self::Attributes { map, values, types } => {
                let letters = types.value(row).as_bytes();
                entries(map.is_valid(row), map.value_offsets(), row)
                    .zip(letters.iter().map(Some).chain(std::iter::repeat(None)))
                    .filter(|(entry, _)| values.is_valid(*entry))
                    .any(|(entry, letter)| {
                        let text = values.value(entry);
                        match letter.copied().and_then(ValueType::from_letter) {
                            Some(kind @ (ValueType::Array | ValueType::KeyValueList)) => {
                                test.meets_member(&value_json(Some(text), kind))
                            }
                            _ => test.meets(text),
                        }
                    })
            }
            Self::List { list, places } => entries(list.is_valid(row), list.value_offsets(), row)
                .any(|member| places.iter().any(|place| place.has(member, test))),
        }
    }
}

/// The places of a row's members.
fn entries(is_valid: bool, offsets: &[i32], row: usize) -> std::ops::Range<usize> {
    let offset = |at: usize| {
        let offset = offsets.get(at).copied().unwrap_or_default();
        usize::try_from(offset).unwrap_or_default()
    };
    if is_valid {
        offset(row)..offset(row + 1)
    } else {
        0..0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn members_of_values_are_looked_at_and_not_the_json_around_them() {
        let list =
            r#"{"values":[{"stringValue":"say \"hi\""},{"intValue":"7"},{"boolValue":true}]}"#;
        let list = value_json(Some(list), ValueType::Array);
        let map = r#"{"values":[{"key":"inner","value":{"doubleValue":1.5}}]}"#;
        let map = value_json(Some(map), ValueType::KeyValueList);
        let found = |value: &Value, query: &str| {
            Test::new(Sought::Words, query).unwrap().meets_member(value)
        };
        for query in ["hi", "\"say hi\"", "7", "true"] {
            assert!(found(&list, query), "{query}");
        }
        assert!(found(&map, "1.5"));
        for query in ["stringValue", "values", "\"hi 7\""] {
            assert!(!found(&list, query), "{query}");
        }
        assert!(!found(&map, "inner"));
        let quoted = Test::new(Sought::Regex, "\"hi\"$").unwrap();
        assert!(quoted.meets_member(&list));
    }
}
