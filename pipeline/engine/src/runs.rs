//! Rows that follow one another with the same keys are added up before they are grouped.
//!
//! Exports are written line by line: what belongs to one transaction, customer or day stands together. To compare a row's keys with those of the row
//! above is far cheaper than to look them up in a table of all groups. Where a table's rows don't come in runs, they go through as they are.

use std::fmt;
use std::sync::Arc;

use datafusion::arrow::array::{Array, ArrayRef, AsArray, BooleanArray, RecordBatch, StringViewArray, UInt32Array, downcast_primitive_array};
use datafusion::arrow::compute::kernels::cmp::not_distinct;
use datafusion::arrow::compute::take;
use datafusion::arrow::datatypes::SchemaRef;
use datafusion::common::config::ConfigOptions;
use datafusion::common::tree_node::{Transformed, TransformedResult, TreeNode, TreeNodeRecursion};
use datafusion::datasource::source::DataSourceExec;
use datafusion::error::Result;
use datafusion::execution::{SendableRecordBatchStream, TaskContext};
use datafusion::logical_expr::{EmitTo, GroupsAccumulator};
use datafusion::physical_expr::aggregate::AggregateFunctionExpr;
use datafusion::physical_expr::expressions::Literal;
use datafusion::physical_expr::{EquivalenceProperties, PhysicalExpr};
use datafusion::physical_optimizer::PhysicalOptimizerRule;
use datafusion::physical_plan::aggregates::{AggregateExec, AggregateMode};
use datafusion::physical_plan::execution_plan::EmissionType;
use datafusion::physical_plan::filter::FilterExec;
use datafusion::physical_plan::metrics::{BaselineMetrics, ExecutionPlanMetricsSet, MetricsSet};
use datafusion::physical_plan::projection::ProjectionExec;
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use datafusion::physical_plan::{DisplayAs, DisplayFormatType, ExecutionPlan, ExecutionPlanProperties, PlanProperties};
use futures::StreamExt;

/// Aggregates whose partial results are exact and small.
const ADDED_UP: [&str; 4] = ["sum", "count", "min", "max"];

/// So many rows tell whether there are runs.
const LOOKED_AT: usize = 16_384;

/// Puts [`RunsExec`] before aggregates that see all rows of a plan. Runs last: no other rule knows it.
#[derive(Debug)]
pub(crate) struct Runs;

impl PhysicalOptimizerRule for Runs {
    fn optimize(&self, plan: Arc<dyn ExecutionPlan>, _config: &ConfigOptions) -> Result<Arc<dyn ExecutionPlan>> {
        plan.transform_up(|plan| {
            Ok(match in_two_steps(&plan)? {
                Some(steps) => Transformed::yes(steps),
                None => Transformed::no(plan),
            })
        })
        .data()
    }

    fn name(&self) -> &'static str {
        "runs"
    }

    fn schema_check(&self) -> bool {
        true
    }
}

/// The same aggregate over rows that are added up by runs.
fn in_two_steps(plan: &Arc<dyn ExecutionPlan>) -> Result<Option<Arc<dyn ExecutionPlan>>> {
    let Some(whole) = plan.downcast_ref::<AggregateExec>() else { return Ok(None) };
    let mode = match whole.mode() {
        AggregateMode::Single => AggregateMode::Final,
        AggregateMode::SinglePartitioned => AggregateMode::FinalPartitioned,
        _ => return Ok(None),
    };
    let keys = whole.group_expr();
    let simple = |function: &Arc<AggregateFunctionExpr>| {
        ADDED_UP.contains(&function.fun().name()) && !function.is_distinct() && function.order_bys().is_empty() && function.groups_accumulator_supported()
    };
    // What is planned above may count on an order, or on columns that are constant or equal: that would be lost.
    let known = plan.equivalence_properties();
    let names_a_column = known.eq_group().iter().any(|class| class.iter().any(|member| member.downcast_ref::<Literal>().is_none()));
    let counted_on = names_a_column || !known.oeq_class().is_empty();
    // Runs are in files. What groups or joins give has none, or few.
    if counted_on
        || !reads_files(whole.input())
        || keys.is_empty()
        || !keys.is_single()
        || whole.limit_options().is_some()
        || !whole.aggr_expr().iter().all(simple)
    {
        return Ok(None);
    }
    let runs = RunsExec::new(whole)?;
    let filters = vec![None; whole.aggr_expr().len()];
    let grouped = AggregateExec::try_new(mode, keys.as_final(), whole.aggr_expr().to_vec(), filters, Arc::new(runs), whole.input_schema())?;
    Ok((grouped.schema() == whole.schema()).then(|| Arc::new(grouped) as Arc<dyn ExecutionPlan>))
}

fn reads_files(plan: &Arc<dyn ExecutionPlan>) -> bool {
    let passes = plan.downcast_ref::<FilterExec>().is_some() || plan.downcast_ref::<ProjectionExec>().is_some();
    plan.downcast_ref::<DataSourceExec>().is_some() || (passes && plan.children().into_iter().all(reads_files))
}

/// The same keys and functions over raw rows.
fn like(whole: &AggregateExec, mode: AggregateMode, input: Arc<dyn ExecutionPlan>) -> Result<AggregateExec> {
    let (keys, functions, filters) = (whole.group_expr().clone(), whole.aggr_expr().to_vec(), whole.filter_expr().to_vec());
    AggregateExec::try_new(mode, keys, functions, filters, input, whole.input_schema())
}

/// Gives the keys of each run of rows and what its aggregates hold so far.
#[derive(Debug)]
struct RunsExec {
    /// What it is a first step of.
    whole: AggregateExec,
    properties: Arc<PlanProperties>,
    metrics: ExecutionPlanMetricsSet,
}

impl RunsExec {
    fn new(whole: &AggregateExec) -> Result<Self> {
        let input = whole.input();
        let partial = like(whole, AggregateMode::Partial, Arc::clone(input))?;
        let equivalences = EquivalenceProperties::new(partial.schema());
        let properties = PlanProperties::new(equivalences, partial.properties().output_partitioning().clone(), EmissionType::Incremental, input.boundedness());
        Ok(Self { whole: whole.clone(), properties: Arc::new(properties), metrics: ExecutionPlanMetricsSet::new() })
    }
}

impl DisplayAs for RunsExec {
    fn fmt_as(&self, _kind: DisplayFormatType, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<&str> = self.whole.group_expr().expr().iter().map(|(_, name)| name.as_str()).collect();
        write!(f, "RunsExec: keys=[{}]", names.join(", "))
    }
}

impl ExecutionPlan for RunsExec {
    fn name(&self) -> &'static str {
        "RunsExec"
    }

    fn properties(&self) -> &Arc<PlanProperties> {
        &self.properties
    }

    fn children(&self) -> Vec<&Arc<dyn ExecutionPlan>> {
        vec![self.whole.input()]
    }

    fn apply_expressions(&self, visit: &mut dyn FnMut(&Arc<dyn PhysicalExpr>) -> Result<TreeNodeRecursion>) -> Result<TreeNodeRecursion> {
        self.whole.apply_expressions(visit)
    }

    fn with_new_children(self: Arc<Self>, mut children: Vec<Arc<dyn ExecutionPlan>>) -> Result<Arc<dyn ExecutionPlan>> {
        let Some(input) = children.pop() else { return Ok(self) };
        Ok(Arc::new(Self::new(&like(&self.whole, *self.whole.mode(), input)?)?))
    }

    fn execute(&self, partition: usize, context: Arc<TaskContext>) -> Result<SendableRecordBatchStream> {
        let metrics = BaselineMetrics::new(&self.metrics, partition);
        let mut adder = Adder::new(&self.whole, self.schema())?;
        let rows = self.whole.input().execute(partition, context)?;
        let added_up = rows.map(move |batch| {
            let time = metrics.elapsed_compute().timer();
            let added_up = batch.and_then(|batch| adder.add_up(&batch));
            time.done();
            if let Ok(batch) = &added_up {
                metrics.record_output(batch.num_rows());
            }
            added_up
        });
        Ok(Box::pin(RecordBatchStreamAdapter::new(self.schema(), added_up)))
    }

    fn metrics(&self) -> Option<MetricsSet> {
        Some(self.metrics.clone_inner())
    }
}

/// One aggregate of a plan.
struct Function {
    arguments: Vec<Arc<dyn PhysicalExpr>>,
    filter: Option<Arc<dyn PhysicalExpr>>,
    accumulator: Box<dyn GroupsAccumulator>,
}

struct Adder {
    schema: SchemaRef,
    keys: Vec<Arc<dyn PhysicalExpr>>,
    functions: Vec<Function>,
    rows: usize,
    runs: usize,
    // What is used again from batch to batch.
    same: Vec<bool>,
    undecided: Vec<usize>,
    run_of: Vec<usize>,
}

impl Adder {
    fn new(whole: &AggregateExec, schema: SchemaRef) -> Result<Self> {
        let function = |(function, filter): (&Arc<AggregateFunctionExpr>, &Option<Arc<dyn PhysicalExpr>>)| {
            Ok(Function { arguments: function.expressions(), filter: filter.clone(), accumulator: function.create_groups_accumulator()? })
        };
        let functions = whole.aggr_expr().iter().zip(whole.filter_expr()).map(function).collect::<Result<_>>()?;
        let keys = whole.group_expr().expr().iter().map(|(key, _)| Arc::clone(key)).collect();
        Ok(Self { schema, keys, functions, rows: 0, runs: 0, same: Vec::new(), undecided: Vec::new(), run_of: Vec::new() })
    }

    /// Fewer than three rows of four begin a run, as far as is known.
    fn has_runs(&self) -> bool {
        self.rows < LOOKED_AT || self.runs < self.rows / 4 * 3
    }

    fn add_up(&mut self, batch: &RecordBatch) -> Result<RecordBatch> {
        let mut columns = self.keys.iter().map(|key| key.evaluate(batch)?.into_array(batch.num_rows())).collect::<Result<Vec<_>>>()?;
        let firsts = self.has_runs().then(|| self.look(&columns, batch.num_rows()));
        match firsts.filter(|firsts| firsts.len() < batch.num_rows()) {
            Some(firsts) => {
                let runs = firsts.len();
                let firsts = UInt32Array::from(firsts);
                columns = columns.iter().map(|column| Ok(take(column, &firsts, None)?)).collect::<Result<_>>()?;
                for function in &mut self.functions {
                    let (values, filter) = function.values(batch)?;
                    function.accumulator.update_batch(&values, &self.run_of, filter.as_ref(), runs)?;
                    columns.extend(function.accumulator.state(EmitTo::All)?);
                }
            }
            None => {
                for function in &self.functions {
                    let (values, filter) = function.values(batch)?;
                    columns.extend(function.accumulator.convert_to_state(&values, filter.as_ref())?);
                }
            }
        }
        Ok(RecordBatch::try_new(Arc::clone(&self.schema), columns)?)
    }

    /// Finds the runs of a batch and gives the first row of each.
    fn look(&mut self, keys: &[ArrayRef], rows: usize) -> Vec<u32> {
        self.same.clear();
        self.same.resize(rows, true);
        for key in keys {
            compare_with_row_above(key, &mut self.same, &mut self.undecided);
        }
        if let Some(first) = self.same.first_mut() {
            *first = false;
        }
        // Each place is written, and kept where a run begins: no branch to foretell.
        let mut firsts = vec![0; rows];
        let mut runs = 0;
        self.run_of.clear();
        self.run_of.extend((0_u32..).zip(&self.same).map(|(row, same)| {
            if let Some(first) = firsts.get_mut(runs) {
                *first = row;
            }
            runs += usize::from(!same);
            runs.wrapping_sub(1)
        }));
        firsts.truncate(runs);
        self.rows += rows;
        self.runs += runs;
        firsts
    }
}

impl Function {
    fn values(&self, batch: &RecordBatch) -> Result<(Vec<ArrayRef>, Option<BooleanArray>)> {
        let value = |expression: &Arc<dyn PhysicalExpr>| expression.evaluate(batch)?.into_array(batch.num_rows());
        let values = self.arguments.iter().map(value).collect::<Result<_>>()?;
        let filter = self.filter.as_ref().map(value).transpose()?;
        Ok((values, filter.map(|filter| filter.as_boolean().clone())))
    }
}

/// Takes back what differs from the row above; nulls are the same. Of the first row nothing is said.
fn compare_with_row_above(column: &ArrayRef, same: &mut [bool], undecided: &mut Vec<usize>) {
    let nulls = column.logical_nulls().filter(|nulls| nulls.null_count() > 0);
    let column = column.as_ref();
    if let Some(texts) = column.as_string_view_opt() {
        return match nulls {
            None => compare_texts(texts, |_| true, same, undecided),
            Some(nulls) => compare_texts(texts, |row| nulls.is_valid(row), same, undecided),
        };
    }
    if nulls.is_some() {
        return compare_by_kernel(column, same);
    }
    downcast_primitive_array!(
        column => {
            for (same, pair) in same.iter_mut().skip(1).zip(column.values().windows(2)) {
                *same &= pair[0] == pair[1];
            }
        },
        _ => compare_by_kernel(column, same)
    );
}

/// Views of the same bytes, short texts, and texts of other lengths or prefixes are decided by the views alone, without a branch; the rest after them.
fn compare_texts(texts: &StringViewArray, valid: impl Fn(usize) -> bool, same: &mut [bool], undecided: &mut Vec<usize>) {
    const LENGTH: u128 = u32::MAX as u128;
    const LENGTH_AND_PREFIX: u128 = u64::MAX as u128;
    const INLINED: u128 = 12;
    undecided.clear();
    undecided.resize(texts.len(), 0);
    let mut count = 0;
    let mut above_is_valid = !texts.is_empty() && valid(0);
    for (row, (same, pair)) in (1..).zip(same.iter_mut().skip(1).zip(texts.views().windows(2))) {
        let is_valid = valid(row);
        let (differ, long) = (pair[0] ^ pair[1], pair[1] & LENGTH > INLINED);
        let maybe = (differ != 0) & (differ & LENGTH_AND_PREFIX == 0) & long & above_is_valid & is_valid;
        *same &= (above_is_valid == is_valid) & (!is_valid | (differ == 0) | maybe);
        undecided[count] = row;
        count += usize::from(*same & maybe);
        above_is_valid = is_valid;
    }
    for row in &undecided[..count] {
        same[*row] = texts.value(row - 1) == texts.value(*row);
    }
}

fn compare_by_kernel(column: &dyn Array, same: &mut [bool]) {
    let rows = column.len();
    if rows < 2 {
        return;
    }
    match not_distinct(&column.slice(1, rows - 1), &column.slice(0, rows - 1)) {
        Ok(equal) => same.iter_mut().skip(1).zip(equal.values()).for_each(|(same, equal)| *same &= equal),
        // What can't be compared makes no runs.
        Err(_) => same.iter_mut().for_each(|same| *same = false),
    }
}

#[cfg(test)]
mod tests {
    use datafusion::arrow::array::{Date32Array, Decimal128Array, StringArray};
    use datafusion::arrow::compute::cast;
    use datafusion::arrow::datatypes::DataType;
    use datafusion::arrow::util::pretty::pretty_format_batches;
    use datafusion::datasource::MemTable;
    use datafusion::execution::SessionStateBuilder;
    use datafusion::physical_optimizer::optimizer::PhysicalOptimizer;
    use datafusion::physical_plan::displayable;
    use datafusion::prelude::{SessionConfig, SessionContext};

    use super::*;

    /// Lines in runs of up to `longest`, with nulls and texts that differ only behind their prefix; the same numbers on each call.
    fn lines(batches: usize, rows: usize, longest: u64) -> Vec<RecordBatch> {
        let mut state = 7_u64;
        let mut draw = |below: u64| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (state >> 33) % below
        };
        let (mut left, mut id) = (0, 0);
        let batch = |_| {
            let mut ids = Vec::new();
            for _ in 0..rows {
                if left == 0 {
                    (left, id) = (1 + draw(longest), draw(40));
                }
                left -= 1;
                ids.push(id);
            }
            let text = |id: &u64| (!id.is_multiple_of(5)).then(|| format!("a title with a long beginning {}", id % 9));
            let titles = cast(&StringArray::from_iter(ids.iter().map(text)), &DataType::Utf8View).unwrap();
            let tags = cast(&StringArray::from_iter_values(ids.iter().map(|id| format!("t{id}"))), &DataType::Utf8View).unwrap();
            let days = Date32Array::from_iter(ids.iter().map(|id| (!id.is_multiple_of(7)).then_some((id % 3) as i32)));
            let amounts = ids.iter().map(|_| Some(i128::from(draw(100_000)) - 50_000).filter(|amount| amount % 11 != 0));
            let amounts = Decimal128Array::from_iter(amounts).with_precision_and_scale(18, 4).unwrap();
            let columns: [(&str, ArrayRef, bool); 4] =
                [("tag", tags, true), ("title", titles, true), ("day", Arc::new(days), true), ("amount", Arc::new(amounts), true)];
            RecordBatch::try_from_iter_with_nullable(columns).unwrap()
        };
        (0..batches).map(batch).collect()
    }

    async fn answers(lines: &[RecordBatch], sql: &str, with_runs: bool) -> (String, String) {
        let mut rules = PhysicalOptimizer::new().rules;
        if with_runs {
            rules.push(Arc::new(Runs));
        }
        let config = SessionConfig::new().with_target_partitions(1);
        let state = SessionStateBuilder::new().with_config(config).with_default_features().with_physical_optimizer_rules(rules).build();
        let context = SessionContext::new_with_state(state);
        context.register_table("lines", Arc::new(MemTable::try_new(lines[0].schema(), vec![lines.to_vec()]).unwrap())).unwrap();
        let frame = context.sql(sql).await.unwrap();
        let plan = frame.clone().create_physical_plan().await.unwrap();
        let text = pretty_format_batches(&frame.collect().await.unwrap()).unwrap().to_string();
        (text, displayable(plan.as_ref()).indent(false).to_string())
    }

    #[tokio::test]
    async fn the_same_groups_come_with_and_without_it() {
        // The first has runs, the second has none and shows it after enough rows, the third is one batch of one row.
        for lines in [lines(9, 5000, 6), lines(9, 5000, 1), lines(1, 1, 1)] {
            for sql in [
                "select tag, title, day, sum(amount) as s, count(*) as n, count(amount) as c, min(amount) as l, max(title) as g from lines \
                 group by tag, title, day order by tag, title, day",
                "select title, sum(amount) filter (where day = 1) as s, count(*) filter (where amount > 0) as n from lines group by title order by title",
                "select distinct day, title from lines where tag > 't2' order by day, title",
                "select title, sum(amount) as s from lines where tag = 't3' group by title order by title",
                "select day + 1 as next, coalesce(title, 'none') as title, sum(-amount) as s from lines group by day + 1, coalesce(title, 'none') order by 1, 2",
            ] {
                let (expected, _) = answers(&lines, sql, false).await;
                let (found, plan) = answers(&lines, sql, true).await;
                assert!(plan.contains("RunsExec") && plan.contains("mode=Final"), "{plan}");
                assert_eq!(found, expected, "{sql}");
            }
        }
    }

    #[tokio::test]
    async fn what_depends_on_more_than_its_group_is_left_alone() {
        let lines = lines(2, 50, 3);
        for sql in [
            "select tag, first_value(amount order by amount) as f from lines group by tag order by tag",
            "select tag, sum(distinct amount) as s, count(distinct title) as n from lines group by tag order by tag",
            "select tag, day, sum(amount) as s from lines group by grouping sets ((tag), (day)) order by tag, day",
            "select sum(amount) as s from lines",
            // The window's order is planned with a key that is known to be one.
            "select day, s, row_number() over (partition by tag, day order by s) as nth from \
             (select tag, day, title, sum(amount) as s from lines where tag = 't3' group by tag, day, title) order by day, s",
        ] {
            let (expected, _) = answers(&lines, sql, false).await;
            let (found, plan) = answers(&lines, sql, true).await;
            assert_eq!(found, expected, "{sql}");
            assert!(!plan.contains("RunsExec"), "{plan}");
        }
    }

    #[test]
    fn rows_are_compared_with_those_above() {
        let same = |column: ArrayRef| {
            let mut same = vec![true; column.len()];
            compare_with_row_above(&column, &mut same, &mut Vec::new());
            same.split_off(1)
        };
        let texts =
            [Some("short"), Some("short"), None, None, Some("a long text that ends so"), Some("a long text that ends so"), Some("a long text that ends on")];
        let expected = [true, false, true, false, true, false];
        let views = StringViewArray::from_iter(texts);
        assert_eq!(same(Arc::new(views.clone())), expected);
        // The same without nulls, of a slice, and of another form.
        assert_eq!(same(Arc::new(views.slice(4, 3))), [true, false]);
        assert_eq!(same(Arc::new(StringArray::from_iter(texts))), expected);
        assert_eq!(same(Arc::new(Date32Array::from(vec![1, 1, 2]))), [true, false]);
        assert_eq!(same(Arc::new(Date32Array::from(vec![Some(1), None, None, Some(1)]))), [false, true, false]);
    }
}
