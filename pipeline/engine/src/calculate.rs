//! A channel file's SQL over decoded rows: calculations, named exclusions and equations, before anything is published.
//!
//! Row by row in meaning, batch by batch in work: where an expression fails on a batch, it is tried on each row alone, and only
//! the rows on which it fails are named. Results must fit their column without losing a digit.

use std::sync::Arc;

use datafusion::arrow::array::{Array, ArrayRef, AsArray, BooleanArray, RecordBatch, new_null_array};
use datafusion::arrow::compute::kernels::cmp::not_distinct;
use datafusion::arrow::compute::{CastOptions, cast_with_options, concat};
use datafusion::arrow::datatypes::{DataType, Schema, SchemaRef};
use datafusion::common::{DFSchema, ScalarValue};
use datafusion::logical_expr::simplify::SimplifyContext;
use datafusion::logical_expr::{BinaryExpr, Expr, Operator};
use datafusion::optimizer::simplify_expressions::ExprSimplifier;
use datafusion::physical_expr::PhysicalExpr;
use datafusion::prelude::{SessionContext, abs, lit};
use takings_definitions::{Calculation, CheckKind, ExcludeWhen, Export, Level};

use crate::{Engine, Error, Result};

/// The SQL of one layout, planned once for all its batches.
#[derive(Debug)]
pub struct Calculator {
    /// Contract columns and what decode adds, then scratch columns.
    schema: SchemaRef,
    steps: Vec<Step>,
    exclusions: Vec<(String, Arc<dyn PhysicalExpr>)>,
    pub equations: Vec<Equation>,
}

#[derive(Debug)]
struct Step {
    column: usize,
    when: Option<Arc<dyn PhysicalExpr>>,
    value: Arc<dyn PhysicalExpr>,
}

/// What must hold in every row.
#[derive(Debug)]
pub struct Equation {
    pub name: String,
    pub level: Level,
    pub sql: String,
    holds: Arc<dyn PhysicalExpr>,
}

/// A row that a calculation could not be made for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failed {
    pub row: usize,
    pub column: String,
    pub reason: String,
}

/// Rows after the calculations.
#[derive(Debug)]
pub struct Calculated {
    /// All columns, scratch behind.
    pub rows: RecordBatch,
    /// By row.
    pub failed: Vec<Failed>,
    /// By row the first rule that leaves it out.
    pub excluded: Vec<Option<usize>>,
}

impl Engine {
    /// Plans a layout's SQL over rows of these columns; none where it has no SQL. Every error is one of the channel file.
    pub fn calculator(&self, what: &str, export: &Export, rows: &Schema, scratch: &Schema) -> Result<Option<Calculator>> {
        let wheres = export.exclude.iter().filter_map(|rule| match &rule.when {
            ExcludeWhen::Where(sql) => Some((rule.name.as_str(), sql.as_str())),
            _ => None,
        });
        let has_equations = export.checks.iter().any(|check| matches!(check.kind, CheckKind::Equation { .. }));
        if export.calculate.is_empty() && !has_equations && wheres.clone().next().is_none() {
            return Ok(None);
        }
        let fields: Vec<_> = rows.fields().iter().chain(scratch.fields()).cloned().collect();
        let schema: SchemaRef = Arc::new(Schema::new(fields));
        let planner = Planner::new(self, what, &schema)?;
        let steps = export.calculate.iter().map(|calculation| planner.step(calculation)).collect::<Result<Vec<_>>>()?;
        let exclusions = wheres
            .map(|(name, sql)| Ok((name.to_owned(), planner.condition(&format!("exclude rule {name}"), planner.parse(sql)?)?)))
            .collect::<Result<Vec<_>>>()?;
        let equations = export
            .checks
            .iter()
            .filter_map(|check| match &check.kind {
                CheckKind::Equation { sql } => Some((check, sql)),
                _ => None,
            })
            .map(|(check, sql)| {
                let holds = planner.equation(&format!("check {}", check.name), sql, check.tolerance)?;
                Ok(Equation { name: check.name.clone(), level: check.level, sql: sql.clone(), holds })
            })
            .collect::<Result<Vec<_>>>()?;
        Ok(Some(Calculator { schema, steps, exclusions, equations }))
    }
}

impl Calculator {
    /// Does the SQL change rows, so that they must be looked at once more?
    pub fn changes_rows(&self) -> bool {
        !self.steps.is_empty()
    }

    pub fn rule(&self, at: usize) -> &str {
        self.exclusions.get(at).map_or("", |(name, _)| name.as_str())
    }

    /// Calculates and marks what is left out.
    pub fn run(&self, rows: &RecordBatch, scratch: &RecordBatch) -> Result<Calculated> {
        let mut columns: Vec<ArrayRef> = rows.columns().iter().chain(scratch.columns()).cloned().collect();
        let mut failed = Vec::new();
        for step in &self.steps {
            let all = self.batch(&columns)?;
            let applies = match &step.when {
                None => BooleanArray::from(vec![true; all.num_rows()]),
                Some(when) => {
                    let (values, broken) = evaluate(when, &all, &DataType::Boolean)?;
                    failed.extend(broken.into_iter().map(|(row, reason)| self.failure(row, step.column, reason)));
                    values.as_boolean().clone()
                }
            };
            columns[step.column] = self.set(step, &all, &applies, &mut failed)?;
        }
        let rows = self.batch(&columns)?;
        let mut excluded = vec![None; rows.num_rows()];
        for (at, (_, condition)) in self.exclusions.iter().enumerate() {
            let (holds, broken) = evaluate(condition, &rows, &DataType::Boolean)?;
            failed.extend(broken.into_iter().map(|(row, reason)| Failed { row, column: String::new(), reason: format!("rule {}: {reason}", self.rule(at)) }));
            let holds = holds.as_boolean();
            for (row, rule) in excluded.iter_mut().enumerate() {
                if rule.is_none() && holds.is_valid(row) && holds.value(row) {
                    *rule = Some(at);
                }
            }
        }
        failed.sort_by_key(|failed: &Failed| failed.row);
        Ok(Calculated { rows, failed, excluded })
    }

    fn batch(&self, columns: &[ArrayRef]) -> Result<RecordBatch> {
        let fields: Vec<_> = self.schema.fields().iter().map(|field| field.as_ref().clone().with_nullable(true)).collect();
        RecordBatch::try_new(Arc::new(Schema::new(fields)), columns.to_vec()).map_err(|error| Error::Data(error.to_string()))
    }

    /// The column with the step's value where the step applies.
    fn set(&self, step: &Step, all: &RecordBatch, applies: &BooleanArray, failed: &mut Vec<Failed>) -> Result<ArrayRef> {
        let before = all.column(step.column);
        let chosen: Vec<usize> = (0..all.num_rows()).filter(|row| applies.is_valid(*row) && applies.value(*row)).collect();
        if chosen.is_empty() {
            return Ok(Arc::clone(before));
        }
        let indices = datafusion::arrow::array::UInt64Array::from_iter_values(chosen.iter().map(|row| *row as u64));
        let subset = datafusion::arrow::compute::take_record_batch(all, &indices).map_err(|error| Error::Data(error.to_string()))?;
        let (values, broken) = evaluate(&step.value, &subset, before.data_type())?;
        failed.extend(broken.into_iter().map(|(row, reason)| self.failure(chosen[row], step.column, reason)));
        let mut next = 0;
        let places: Vec<(usize, usize)> = (0..all.num_rows())
            .map(|row| {
                if chosen.get(next) == Some(&row) {
                    next += 1;
                    (1, next - 1)
                } else {
                    (0, row)
                }
            })
            .collect();
        datafusion::arrow::compute::interleave(&[before.as_ref(), values.as_ref()], &places).map_err(|error| Error::Data(error.to_string()))
    }

    fn failure(&self, row: usize, column: usize, reason: String) -> Failed {
        Failed { row, column: self.schema.field(column).name().clone(), reason }
    }
}

impl Equation {
    /// The rows (of finished ones, scratch behind) in which it does not hold, with the reason where it can't be told. What is null holds.
    pub fn broken(&self, rows: &RecordBatch) -> Result<Vec<(usize, Option<String>)>> {
        let (holds, failed) = evaluate(&self.holds, rows, &DataType::Boolean)?;
        let holds = holds.as_boolean();
        let broken = (0..rows.num_rows()).filter(|row| holds.is_valid(*row) && !holds.value(*row)).map(|row| (row, None));
        let mut broken: Vec<_> = broken.chain(failed.into_iter().map(|(row, reason)| (row, Some(reason)))).collect();
        broken.sort_unstable();
        Ok(broken)
    }
}

/// SQL texts → expressions over one schema.
struct Planner<'a> {
    context: SessionContext,
    what: &'a str,
    schema: DFSchema,
    fields: &'a Schema,
}

impl<'a> Planner<'a> {
    fn new(engine: &Engine, what: &'a str, fields: &'a Schema) -> Result<Self> {
        let nullable: Vec<_> = fields.fields().iter().map(|field| field.as_ref().clone().with_nullable(true)).collect();
        let schema = DFSchema::try_from(Schema::new(nullable)).map_err(|error| Error::running(what, &error))?;
        Ok(Self { context: engine.plain_context(), what, schema, fields })
    }

    fn parse(&self, sql: &str) -> Result<Expr> {
        self.context.parse_sql_expr(sql, &self.schema).map_err(|error| Error::running(&format!("{}: `{sql}`", self.what), &error))
    }

    /// Some functions are rewritten by simplification only.
    fn physical(&self, expression: Expr) -> Result<Arc<dyn PhysicalExpr>> {
        let simplifier = ExprSimplifier::new(SimplifyContext::builder().with_schema(Arc::new(self.schema.clone())).build());
        let simple = simplifier.coerce(expression, &self.schema).and_then(|expression| simplifier.simplify(expression));
        simple.and_then(|simple| self.context.create_physical_expr(simple, &self.schema)).map_err(|error| Error::running(self.what, &error))
    }

    fn kind(&self, expression: &Arc<dyn PhysicalExpr>) -> Result<DataType> {
        expression.data_type(self.schema.as_arrow()).map_err(|error| Error::running(self.what, &error))
    }

    fn condition(&self, name: &str, expression: Expr) -> Result<Arc<dyn PhysicalExpr>> {
        let physical = self.physical(expression)?;
        match self.kind(&physical)? {
            DataType::Boolean | DataType::Null => Ok(physical),
            other => Err(Error::Data(format!("{}: {name} gives {other}; it must be true or false", self.what))),
        }
    }

    fn step(&self, calculation: &Calculation) -> Result<Step> {
        let Ok(column) = self.fields.index_of(&calculation.column) else {
            return Err(Error::Data(format!("{}: calculate sets `{}`, which is no column", self.what, calculation.column)));
        };
        let when = calculation.when.as_ref().map(|sql| self.condition(&format!("when of {}", calculation.column), self.parse(sql)?)).transpose()?;
        let value = self.physical(self.parse(&calculation.value)?)?;
        let (given, wanted) = (self.kind(&value)?, self.fields.field(column).data_type());
        if !fits(&given, wanted) {
            return Err(Error::Data(format!("{}: `{}` gives {given}, the column {} is {wanted}", self.what, calculation.value, calculation.column)));
        }
        Ok(Step { column, when, value })
    }

    /// `left = right`, or within a tolerance.
    fn equation(&self, name: &str, sql: &str, (tolerance, scale): (i128, u32)) -> Result<Arc<dyn PhysicalExpr>> {
        let parsed = self.parse(sql)?;
        let expression = match parsed {
            Expr::BinaryExpr(BinaryExpr { left, op: Operator::Eq, right }) if tolerance != 0 => {
                let scale = i8::try_from(scale).unwrap_or(i8::MAX);
                abs(*left - *right).lt_eq(lit(ScalarValue::Decimal128(Some(tolerance), 38, scale)))
            }
            other => other,
        };
        self.condition(name, expression)
    }
}

/// May a result of this type be put into a column of that one? No float comes near a column.
fn fits(given: &DataType, wanted: &DataType) -> bool {
    let number = |kind: &DataType| kind.is_integer() || matches!(kind, DataType::Decimal128(..) | DataType::Decimal256(..));
    let text = |kind: &DataType| matches!(kind, DataType::Utf8 | DataType::Utf8View | DataType::LargeUtf8);
    given == wanted
        || *given == DataType::Null
        || number(given) && number(wanted)
        || text(given) && text(wanted)
        || *given == DataType::Date32 && matches!(wanted, DataType::Timestamp(..))
        || matches!((given, wanted), (DataType::Timestamp(..), DataType::Timestamp(..)))
}

/// The values of an expression in the wanted type, and the rows on which it fails or would lose something.
fn evaluate(expression: &Arc<dyn PhysicalExpr>, rows: &RecordBatch, wanted: &DataType) -> Result<(ArrayRef, Vec<(usize, String)>)> {
    if let Ok(value) = expression.evaluate(rows).and_then(|value| value.into_array(rows.num_rows())) {
        return exactly(&value, wanted);
    }
    let mut failed = Vec::new();
    let mut values: Vec<ArrayRef> = Vec::with_capacity(rows.num_rows());
    for row in 0..rows.num_rows() {
        let one = expression.evaluate(&rows.slice(row, 1)).and_then(|value| value.into_array(1));
        match one {
            Ok(value) => {
                let (value, broken) = exactly(&value, wanted)?;
                failed.extend(broken.into_iter().map(|(_, reason)| (row, reason)));
                values.push(value);
            }
            Err(error) => {
                failed.push((row, error.strip_backtrace()));
                values.push(new_null_array(wanted, 1));
            }
        }
    }
    let values: Vec<&dyn Array> = values.iter().map(AsRef::as_ref).collect();
    let array = if values.is_empty() { new_null_array(wanted, 0) } else { concat(&values).map_err(|error| Error::Data(error.to_string()))? };
    Ok((array, failed))
}

/// A cast that says where it would change a value.
fn exactly(value: &ArrayRef, wanted: &DataType) -> Result<(ArrayRef, Vec<(usize, String)>)> {
    if value.data_type() == wanted {
        return Ok((Arc::clone(value), Vec::new()));
    }
    let options = CastOptions { safe: true, ..CastOptions::default() };
    let wrong = |error: datafusion::arrow::error::ArrowError| Error::Data(error.to_string());
    let array = cast_with_options(value, wanted, &options).map_err(wrong)?;
    let back = cast_with_options(&array, value.data_type(), &options).map_err(wrong)?;
    let same = not_distinct(&back, value).map_err(wrong)?;
    let failed = (0..same.len())
        .filter(|row| !same.value(*row))
        .map(|row| {
            let shown = datafusion::arrow::util::display::array_value_to_string(value, row).unwrap_or_default();
            (row, format!("the result {shown} does not fit {wanted} without losing something"))
        })
        .collect();
    Ok((array, failed))
}
