//! Does a SELECT give what a contract says, and does it leave money as it is.

use std::sync::Arc;

use datafusion::arrow::array::{ArrayRef, RecordBatch};
use datafusion::arrow::compute::{CastOptions, cast_with_options};
use datafusion::arrow::datatypes::{DataType, SchemaRef, TimeUnit};
use datafusion::common::tree_node::{TreeNode, TreeNodeRecursion};
use datafusion::common::{DFSchema, DFSchemaRef};
use datafusion::logical_expr::{Expr, ExprSchemable, LogicalPlan};
use takings_definitions::Table;

use crate::{Error, Parsed, Result};

/// Functions that lose digits of a decimal.
const ROUNDING: [&str; 5] = ["round", "trunc", "ceil", "floor", "ceiling"];

/// Checks that a mart's SELECT gives exactly the columns of its contract, in types that fit without loss.
pub fn output_schema(table: &Table, parsed: &Parsed, plan: &LogicalPlan) -> Result<()> {
    let contract = takings_lake::table_schema(table);
    let given = plan.schema();
    for field in contract.fields() {
        let Some(found) = given.fields().iter().find(|candidate| candidate.name() == field.name()) else {
            let names: Vec<&str> = given.fields().iter().map(|field| field.name().as_str()).collect();
            let hint = takings_definitions::nearest(field.name(), names.iter().copied()).map_or(String::new(), |best| format!("; it has `{best}`"));
            return Err(Error::sql(&parsed.path, None, format!("column `{}` of contract {} is missing{hint}", field.name(), table.path.display())));
        };
        if !fits(found.data_type(), field.data_type()) {
            let message = format!("column `{}` is {}, contract {} says {}", field.name(), found.data_type(), table.path.display(), field.data_type());
            return Err(Error::sql(&parsed.path, None, message));
        }
    }
    if let Some(extra) = given.fields().iter().find(|field| contract.field_with_name(field.name()).is_err()) {
        return Err(Error::sql(&parsed.path, None, format!("column `{}` is not in contract {}", extra.name(), table.path.display())));
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

/// A batch brought to the contract's columns and types; a value that does not fit is an error.
pub fn conform(what: &str, schema: &SchemaRef, batch: &RecordBatch) -> Result<RecordBatch> {
    let strict = CastOptions { safe: false, ..CastOptions::default() };
    let columns = schema
        .fields()
        .iter()
        .map(|field| -> Result<ArrayRef> {
            let column = batch.column_by_name(field.name()).ok_or_else(|| Error::Data(format!("{what}: column `{}` is missing", field.name())))?;
            if column.data_type() == field.data_type() {
                return Ok(Arc::clone(column));
            }
            cast_with_options(column, field.data_type(), &strict).map_err(|error| Error::Data(format!("{what}, column `{}`: {error}", field.name())))
        })
        .collect::<Result<Vec<_>>>()?;
    RecordBatch::try_new(Arc::clone(schema), columns).map_err(|error| Error::Data(format!("{what}: {error}")))
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
    let kind = expression.get_type(schema).ok()?;
    if kind.is_floating() {
        return Some(Error::sql(&parsed.path, None, format!("`{expression}` is a {kind}; floats are not allowed near money: write decimals")));
    }
    if may_round {
        return None;
    }
    let narrowed = |inner: &Expr, to: &DataType| match (inner.get_type(schema).ok(), to) {
        (Some(DataType::Decimal128(_, from)), DataType::Decimal128(_, to)) => from > *to,
        (Some(DataType::Decimal128(_, scale)), to) => scale > 0 && to.is_integer(),
        _ => false,
    };
    match expression {
        Expr::Cast(cast) if narrowed(&cast.expr, cast.field.data_type()) => {
            Some(Error::sql(&parsed.path, None, format!("`{expression}` cuts digits; rounding and narrowing stand only in sql/reports/")))
        }
        Expr::TryCast(cast) if narrowed(&cast.expr, cast.field.data_type()) => {
            Some(Error::sql(&parsed.path, None, format!("`{expression}` cuts digits; rounding and narrowing stand only in sql/reports/")))
        }
        Expr::ScalarFunction(call) if ROUNDING.contains(&call.name()) => {
            let of_decimal = call.args.iter().any(|argument| matches!(argument.get_type(schema), Ok(DataType::Decimal128(..) | DataType::Decimal256(..))));
            let at = parsed.calls().into_iter().find(|found| found.name == call.name()).and_then(|found| found.at);
            of_decimal.then(|| Error::sql(&parsed.path, at, format!("`{expression}` rounds money; rounding stands only in sql/reports/")))
        }
        _ => None,
    }
}
