//! Data tests of a contract, run on a mart's rows before they are committed.

use datafusion::arrow::array::{Array, RecordBatch};
use datafusion::arrow::util::display::{ArrayFormatter, FormatOptions};
use datafusion::common::tree_node::{TreeNode, TreeNodeRecursion};
use datafusion::dataframe::DataFrame;
use datafusion::logical_expr::expr_rewriter::unnormalize_col;
use datafusion::logical_expr::utils::disjunction;
use datafusion::logical_expr::{Expr, LogicalPlan};
use datafusion::prelude::lit;
use takings_definitions::{ColumnType, Severity, Table, TestKind};

use crate::{Error, Parsed, Result, Session};

/// How many violating rows a message shows.
const SHOWN: usize = 5;

/// A test that did not hold.
#[derive(Debug, Clone)]
pub struct TestFailure {
    pub table: String,
    pub test: String,
    pub severity: Severity,
    /// The first violating rows, one line each.
    pub rows: Vec<String>,
}

impl std::fmt::Display for TestFailure {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}: test `{}` does not hold; for example {}", self.table, self.test, self.rows.join(" | "))
    }
}

/// A test that is planned.
struct Planned {
    name: String,
    severity: Severity,
    violations: DataFrame,
    /// What a row that violates it fulfils, where it looks at each row by itself.
    violated: Option<Expr>,
}

/// Runs all tests of a table on the rows that the session sees under its name. Where `made` sees only those that were made now, and the others
/// have passed the same tests before, what a test says of each row by itself is asked of these alone.
pub async fn run_tests(session: &mut Session<'_>, mut made: Option<&mut Session<'_>>, table: &Table) -> Result<Vec<TestFailure>> {
    let mut tests = Vec::new();
    for (name, severity, sql) in queries(table) {
        let limited = Parsed::new(&table.path, &format!("select * from ({sql}) as violations limit {SHOWN}")).map_err(|error| in_test(table, &name, &error))?;
        let mut violations = session.plan(&limited).await.map_err(|error| in_test(table, &name, &error))?;
        let of_rows = is_of_rows(violations.logical_plan(), &table.name);
        if let Some(made) = made.as_mut().filter(|_| of_rows) {
            violations = made.plan(&limited).await.map_err(|error| in_test(table, &name, &error))?;
        }
        let violated = if of_rows { only_condition(violations.logical_plan()) } else { None };
        tests.push(Planned { name, severity, violations, violated });
    }
    let conditions = tests.iter().filter_map(|test| test.violated.clone()).collect();
    let all_rows_pass = match made {
        Some(made) => is_never(made, table, conditions).await,
        None => is_never(session, table, conditions).await,
    };
    let mut failures = Vec::new();
    for Planned { name, severity, violations, violated } in tests {
        if all_rows_pass && violated.is_some() {
            continue;
        }
        let batches = session.collect(&format!("{} test `{name}`", table.name), violations).await?;
        let rows = describe(&batches);
        if !rows.is_empty() {
            failures.push(TestFailure { table: table.name.clone(), test: name, severity, rows });
        }
    }
    Ok(failures)
}

/// Whether no row fulfils any of the conditions: one pass over the columns that they look at. What can't be told is told test by test.
async fn is_never(session: &mut Session<'_>, table: &Table, conditions: Vec<Expr>) -> bool {
    let Some(any) = disjunction(conditions) else { return true };
    let found = async {
        let rows = session.table(&table.name).await?;
        let failed = |error| Error::running(&table.name, &error);
        let found = rows.filter(any).and_then(|rows| rows.select([lit(1)])).and_then(|rows| rows.limit(0, Some(1))).map_err(failed)?;
        session.collect(&format!("tests of {}", table.name), found).await
    };
    found.await.is_ok_and(|batches| batches.iter().all(|batch| batch.num_rows() == 0))
}

/// The condition of the one WHERE of a query, by the names of the table's columns.
fn only_condition(plan: &LogicalPlan) -> Option<Expr> {
    let mut conditions = Vec::new();
    let walked = plan.apply(|node| {
        if let LogicalPlan::Filter(filter) = node {
            let of_table = matches!(&*filter.input, LogicalPlan::TableScan(_))
                || matches!(&*filter.input, LogicalPlan::SubqueryAlias(alias) if matches!(&*alias.input, LogicalPlan::TableScan(_)));
            conditions.push(of_table.then(|| unnormalize_col(filter.predicate.clone())));
        }
        Ok(TreeNodeRecursion::Continue)
    });
    match conditions.pop() {
        Some(condition) if walked.is_ok() && conditions.is_empty() => condition,
        _ => None,
    }
}

/// Whether a query looks at each row of one table by itself: it reads the table once, and has no other table, no join, no group and no subquery.
fn is_of_rows(plan: &LogicalPlan, table: &str) -> bool {
    let (mut holds, mut scans) = (true, 0);
    let walked = plan.apply_with_subqueries(|node| {
        holds = match node {
            LogicalPlan::Projection(_) | LogicalPlan::Filter(_) | LogicalPlan::SubqueryAlias(_) | LogicalPlan::Limit(_) => true,
            LogicalPlan::TableScan(scan) => {
                scans += 1;
                scans == 1 && scan.table_name.table() == table
            }
            _ => false,
        };
        Ok(if holds { TreeNodeRecursion::Continue } else { TreeNodeRecursion::Stop })
    });
    walked.is_ok() && holds
}

fn in_test(table: &Table, name: &str, error: &Error) -> Error {
    Error::sql(&table.path, None, format!("test `{name}`: {error}"))
}

/// Name, severity and violation query of the declared tests, and of what the columns themselves promise.
pub(crate) fn queries(table: &Table) -> Vec<(String, Severity, String)> {
    let name = &table.name;
    let mut queries: Vec<(String, Severity, String)> = table
        .tests
        .iter()
        .map(|test| {
            let sql = match &test.kind {
                TestKind::Unique { columns } => {
                    let columns = quoted(columns);
                    format!("select {columns}, count(*) as times from {name} group by {columns} having count(*) > 1")
                }
                TestKind::NotNull { columns } => {
                    let any = columns.iter().map(|column| format!("\"{column}\" is null")).collect::<Vec<_>>().join(" or ");
                    format!("select * from {name} where {any}")
                }
                TestKind::Relationship { column, to_table, to_column } => format!(
                    "select distinct t.\"{column}\" from {name} as t left anti join {to_table} as r on t.\"{column}\" = r.\"{to_column}\" where t.\"{column}\" is not null"
                ),
                TestKind::Expression { sql } => format!("select * from {name} where not ({sql})"),
                TestKind::NoRows { sql } => sql.clone(),
            };
            (test.name.clone(), test.severity, sql)
        })
        .collect();
    let promised: Vec<String> = table.columns.iter().filter(|column| !column.nullable).map(|column| format!("\"{}\" is null", column.name)).collect();
    if !promised.is_empty() {
        queries.push(("columns that are not nullable".to_owned(), Severity::Fail, format!("select * from {name} where {}", promised.join(" or "))));
    }
    for column in &table.columns {
        if let (Some(bound), ColumnType::Decimal { scale, .. }) = (column.bound, column.kind) {
            let limit = plain(bound, scale);
            let sql = format!("select * from {name} where \"{0}\" > {limit} or \"{0}\" < -{limit}", column.name);
            queries.push((format!("bound of {}", column.name), Severity::Fail, sql));
        }
    }
    queries
}

fn quoted(columns: &[String]) -> String {
    columns.iter().map(|column| format!("\"{column}\"")).collect::<Vec<_>>().join(", ")
}

/// A scaled integer as a decimal text.
fn plain(value: i128, scale: i8) -> String {
    let scale = usize::from(scale.unsigned_abs());
    let digits = format!("{value:0>width$}", width = scale + 1);
    let (whole, fraction) = digits.split_at(digits.len() - scale);
    if fraction.is_empty() { whole.to_owned() } else { format!("{whole}.{fraction}") }
}

fn describe(batches: &[RecordBatch]) -> Vec<String> {
    let options = FormatOptions::default().with_null("null");
    let mut rows = Vec::new();
    for batch in batches {
        let schema = batch.schema();
        for row in 0..batch.num_rows() {
            let cells: Vec<String> = schema
                .fields()
                .iter()
                .zip(batch.columns())
                .filter(|(_, column)| column.is_valid(row))
                .filter_map(|(field, column)| {
                    ArrayFormatter::try_new(column, &options).ok().map(|formatter| format!("{}={}", field.name(), formatter.value(row)))
                })
                .take(12)
                .collect();
            rows.push(cells.join(", "));
        }
    }
    rows
}

#[cfg(test)]
mod tests {
    use super::plain;

    #[test]
    fn a_bound_prints_as_it_is() {
        assert_eq!((plain(10_005, 1), plain(5, 3), plain(7, 0)), ("1000.5".to_owned(), "0.005".to_owned(), "7".to_owned()));
    }
}
