//! Whether the months of a mart can be made apart: each from the files of its own month.

use std::collections::BTreeMap;

use chrono::{Datelike, NaiveDate};
use datafusion::arrow::array::RecordBatch;
use datafusion::arrow::datatypes::Date32Type;
use datafusion::catalog::Session;
use datafusion::common::ScalarValue;
use datafusion::common::tree_node::{TreeNode, TreeNodeRecursion};
use datafusion::dataframe::DataFrame;
use datafusion::datasource::{MemTable, source_as_provider};
use datafusion::logical_expr::expr_rewriter::unnormalize_cols;
use datafusion::logical_expr::{Expr, LogicalPlan, TableScan};

use crate::lake_table::LakeTable;
use crate::session::only_months;
use crate::{Error, Result};

/// What the partitioned tables that a SELECT reads hold: rows by month.
pub type RowsOfMonths = BTreeMap<NaiveDate, u64>;

/// The months of what a SELECT reads, of those that its own filters leave, if a filter by month reaches every partitioned table: the rows of a month are then made from that month's
/// files, and all months are made at the cost of one pass over the files. `None` where some table would be read again for each month.
///
/// Tables without months are read for each month; where that is the larger part, the answer is `None` too.
pub fn months_apart(what: &str, frame: &DataFrame) -> Result<Option<RowsOfMonths>> {
    let failed = |error: &datafusion::common::DataFusionError| Error::running(what, error);
    let (state, plan) = only_months(what, frame.clone(), &[month_of_nothing()].into())?.into_parts();
    let plan = state.optimize(&plan).map_err(|error| failed(&error))?;
    let (mut months, mut others, mut apart) = (RowsOfMonths::new(), 0_u64, true);
    let walked = plan.apply_with_subqueries(|node| {
        if let LogicalPlan::TableScan(scan) = node {
            apart = count(&state, scan, &mut months, &mut others)?;
        }
        Ok(if apart { TreeNodeRecursion::Continue } else { TreeNodeRecursion::Stop })
    });
    walked.map_err(|error| failed(&error))?;
    let again = others.saturating_mul(months.len() as u64);
    Ok((apart && again <= months.values().sum()).then_some(months))
}

/// A month of which nothing is there: files that a filter by it leaves were not reached.
fn month_of_nothing() -> NaiveDate {
    NaiveDate::default().with_year(1).unwrap_or_default()
}

/// Is it the filter by that month, and not one of the SELECT's own?
fn is_by_nothing(filter: &Expr) -> datafusion::error::Result<bool> {
    let nothing = ScalarValue::Date32(Some(Date32Type::from_naive_date(month_of_nothing())));
    filter.exists(|part| Ok(matches!(part, Expr::Literal(value, _) if *value == nothing)))
}

/// Counts the rows of a scanned table. False where its filters leave months, or it is no table of the lake.
fn count(state: &dyn Session, scan: &TableScan, months: &mut RowsOfMonths, others: &mut u64) -> datafusion::error::Result<bool> {
    let provider = source_as_provider(&scan.source)?;
    if let Some(held) = provider.downcast_ref::<MemTable>() {
        // A step or view whose rows are there already.
        let parts = held.batches.iter().filter_map(|part| part.try_read().ok());
        *others += parts.map(|part| part.iter().map(RecordBatch::num_rows).sum::<usize>() as u64).sum::<u64>();
        return Ok(true);
    }
    let Some(table) = provider.downcast_ref::<LakeTable>() else { return Ok(false) };
    let filters = unnormalize_cols(scan.filters.clone());
    let mut own = Vec::new();
    for filter in &filters {
        if !is_by_nothing(filter)? {
            own.push(filter.clone());
        }
    }
    for file in table.pruned(state, &own)? {
        match file.month {
            Some(month) => *months.entry(month).or_default() += file.rows,
            None => *others += file.rows,
        }
    }
    Ok(table.pruned(state, &filters)?.iter().all(|file| file.month.is_none()))
}
