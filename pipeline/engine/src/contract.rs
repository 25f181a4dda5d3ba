//! Does a SELECT give what a contract says, and does it leave money as it is.

use std::sync::Arc;

use datafusion::arrow::array::{ArrayRef, RecordBatch};
use datafusion::arrow::compute::{CastOptions, cast_with_options};
use datafusion::arrow::datatypes::{DataType, FieldRef, Schema, SchemaRef, TimeUnit};
use datafusion::common::tree_node::{TreeNode, TreeNodeRecursion};
use datafusion::common::{DFSchema, DFSchemaRef};
use datafusion::logical_expr::{Expr, ExprSchemable, LogicalPlan};
use takings_definitions::Table;

use crate::{Error, Parsed, Result};

/// Functions that lose digits of a decimal.
const ROUNDING: [&str; 5] = ["round", "trunc", "ceil", "floor", "ceiling"];

/// Functions that cast, with the type as text.
const CASTING: [&str; 2] = ["arrow_cast", "arrow_try_cast"];

/// Checks that a mart's SELECT gives exactly the columns of its contract, in types that fit without loss.
pub fn output_schema(table: &Table, parsed: &Parsed, plan: &LogicalPlan) -> Result<()> {
    let contract = takings_lake::table_schema(table);
    let given = plan.schema();
    let sql = parsed.path.display();
    let wrong = |column: &str, key: &str, message: String| {
        let at = table.columns.iter().position(|known| known.name == column).map_or("columns".to_owned(), |at| format!("columns/{at}/{key}"));
        let place = takings_definitions::place_of(&table.text, &at).map(|(line, column)| (line as u64, column as u64));
        Err(Error::sql(&table.path, place, message))
    };
    for field in contract.fields() {
        let name = field.name();
        let Some(found) = given.fields().iter().find(|candidate| candidate.name() == name) else {
            let hint = takings_definitions::nearest(name, given.fields().iter().map(|field| field.name().as_str()))
                .map_or_else(String::new, |best| format!("; did you mean `{best}`?"));
            return wrong(name, "name", format!("column `{name}` is not given by {sql}{hint}"));
        };
        if !fits(found.data_type(), field.data_type()) {
            return wrong(name, "type", format!("column `{name}` is {} here and {} in {sql}", field.data_type(), found.data_type()));
        }
    }
    if let Some(extra) = given.fields().iter().find(|field| contract.field_with_name(field.name()).is_err()) {
        return wrong(extra.name(), "name", format!("{sql} gives column `{}`, which is not in this contract of {}", extra.name(), table.name));
    }
    Ok(())
}

/// A value of `from` always fits into `to`, or fails loudly: nothing is cut in silence.
fn fits(from: &DataType, to: &DataType) -> bool {
    match (from, to) {
        (DataType::Null, _) => true,
        (DataType::Utf8 | DataType::Utf8View | DataType::LargeUtf8, DataType::Utf8) => true,
        (DataType::Dictionary(_, value), to) => fits(value, to),
        (from, DataType::Int64) => from.is_integer(),
        (DataType::Decimal128(_, from), DataType::Decimal128(_, to)) => from <= to,
        (from, DataType::Decimal128(_, _)) if from.is_integer() => true,
        (
            DataType::Timestamp(TimeUnit::Second | TimeUnit::Millisecond | TimeUnit::Microsecond, Some(_)),
            DataType::Timestamp(TimeUnit::Microsecond, Some(_)),
        ) => true,
        (from, to) => from == to,
    }
}

/// A batch brought to the contract's columns and types, to be written at once: texts may stay views. A value that does not fit is an error.
pub fn conform(what: &str, schema: &SchemaRef, batch: &RecordBatch) -> Result<RecordBatch> {
    let strict = CastOptions { safe: false, ..CastOptions::default() };
    let conform = |field: &FieldRef| -> Result<(FieldRef, ArrayRef)> {
        let column = batch.column_by_name(field.name()).ok_or_else(|| Error::Data(format!("{what}: column `{}` is missing", field.name())))?;
        match (column.data_type(), field.data_type()) {
            (found, wanted) if found == wanted => Ok((Arc::clone(field), Arc::clone(column))),
            (DataType::Utf8View, DataType::Utf8) => Ok((Arc::new(field.as_ref().clone().with_data_type(DataType::Utf8View)), Arc::clone(column))),
            (_, wanted) => {
                let cast = cast_with_options(column, wanted, &strict);
                Ok((Arc::clone(field), cast.map_err(|error| Error::Data(format!("{what}, column `{}`: {error}", field.name())))?))
            }
        }
    };
    let (fields, columns): (Vec<FieldRef>, Vec<ArrayRef>) = schema.fields().iter().map(conform).collect::<Result<Vec<_>>>()?.into_iter().unzip();
    RecordBatch::try_new(Arc::new(Schema::new(fields)), columns).map_err(|error| Error::Data(format!("{what}: {error}")))
}

/// Refuses floats anywhere, and rounding or narrowing of decimals where `may_round` is false.
pub(crate) fn check_money(parsed: &Parsed, plan: &LogicalPlan, may_round: bool) -> Result<()> {
    let mut problem: Option<Error> = None;
    let walked = plan.apply_with_subqueries(|node| {
        let schema = input_schema(node);
        node.apply_expressions(|expression| {
            expression.apply(|inner| {
                if let Some(found) = money_problem(parsed, inner, &schema, may_round) {
                    problem = Some(found);
                    return Ok(TreeNodeRecursion::Stop);
                }
                Ok(TreeNodeRecursion::Continue)
            })
        })
    });
    walked.map_err(|error| Error::planning(&parsed.path, &error))?;
    problem.map_or(Ok(()), Err)
}

fn input_schema(node: &LogicalPlan) -> DFSchemaRef {
    let mut merged = DFSchema::empty();
    for input in node.inputs() {
        merged.merge(input.schema());
    }
    if node.inputs().is_empty() {
        return Arc::clone(node.schema());
    }
    Arc::new(merged)
}

fn money_problem(parsed: &Parsed, expression: &Expr, schema: &DFSchema, may_round: bool) -> Option<Error> {
    // What has no type before coercion has none to look at; a rounding function is refused all the same.
    let kind = expression.get_type(schema).unwrap_or(DataType::Null);
    if kind.is_floating() {
        let at = place(parsed, expression, is_float);
        return Some(Error::sql(&parsed.path, at, format!("`{expression}` is a {kind}; floats are not allowed near money: write decimals")));
    }
    if may_round {
        return None;
    }
    let narrowed = |inner: &Expr, to: &DataType| match (inner.get_type(schema).ok(), to) {
        (Some(DataType::Decimal128(_, from)), DataType::Decimal128(_, to)) => from > *to,
        (Some(DataType::Decimal128(_, scale)), to) => scale > 0 && to.is_integer(),
        _ => false,
    };
    let cuts = || {
        let at = place(parsed, expression, |target| !is_float(target));
        Some(Error::sql(&parsed.path, at, format!("`{expression}` cuts digits; rounding and narrowing stand only in sql/reports/")))
    };
    match expression {
        Expr::Cast(cast) if narrowed(&cast.expr, cast.field.data_type()) => cuts(),
        Expr::TryCast(cast) if narrowed(&cast.expr, cast.field.data_type()) => cuts(),
        Expr::ScalarFunction(call) if CASTING.contains(&call.name()) && call.args.first().is_some_and(|of| narrowed(of, &kind)) => cuts(),
        Expr::ScalarFunction(call) if ROUNDING.contains(&call.name()) => {
            let of_decimal = call.args.iter().any(|argument| matches!(argument.get_type(schema), Ok(DataType::Decimal128(..) | DataType::Decimal256(..))));
            let at = || place(parsed, expression, |_| false);
            of_decimal.then(|| Error::sql(&parsed.path, at(), format!("`{expression}` rounds money; rounding stands only in sql/reports/")))
        }
        _ => None,
    }
}

/// Where an expression stands in the SQL: its function, a cast to such a type, or the first column in it that has kept its place.
fn place(parsed: &Parsed, expression: &Expr, casts_to: impl Fn(&str) -> bool) -> Option<(u64, u64)> {
    let expression = if let Expr::Alias(alias) = expression { &alias.expr } else { expression };
    let of_function = match expression {
        Expr::ScalarFunction(call) => parsed.calls().into_iter().find(|found| found.name == call.name()).and_then(|found| found.at),
        Expr::Cast(_) | Expr::TryCast(_) => parsed.casts().into_iter().find(|found| casts_to(&found.name)).and_then(|found| found.at),
        _ => None,
    };
    let columns = expression.column_refs();
    let of_column = || columns.iter().find_map(|column| column.spans.first()).map(|span| (span.start.line, span.start.column));
    // An aggregate is computed below and comes up as a column of its name.
    let of_aggregate = || {
        let named = |name: &str| columns.iter().any(|column| column.name.split_once('(').is_some_and(|(function, _)| function == name));
        parsed.calls().into_iter().find(|found| named(&found.name)).and_then(|found| found.at)
    };
    of_function.or_else(of_column).or_else(of_aggregate)
}

/// Whether a type's name in SQL is that of a float.
fn is_float(name: &str) -> bool {
    ["float", "double", "real"].iter().any(|float| name.starts_with(float))
}
