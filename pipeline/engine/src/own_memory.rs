//! What batches share is copied out before a sort holds it.
//!
//! What groups or joins give are slices of one large result, and each slice names all its bytes. A sort counts what each batch names: forty slices of
//! twenty megabytes would send it to the disk.

use std::fmt;
use std::sync::Arc;

use datafusion::arrow::array::{Array, ArrayRef, AsArray, MutableArrayData, RecordBatch, make_array};
use datafusion::arrow::datatypes::SchemaRef;
use datafusion::common::config::ConfigOptions;
use datafusion::common::tree_node::{Transformed, TransformedResult, TreeNode, TreeNodeRecursion};
use datafusion::error::Result;
use datafusion::execution::{SendableRecordBatchStream, TaskContext};
use datafusion::physical_expr::PhysicalExpr;
use datafusion::physical_optimizer::PhysicalOptimizerRule;
use datafusion::physical_plan::sorts::sort::SortExec;
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use datafusion::physical_plan::{DisplayAs, DisplayFormatType, ExecutionPlan, PlanProperties, replace_children_if_necessary};
use futures::TryStreamExt;

/// Puts [`OwnMemoryExec`] below sorts. Runs last: no other rule knows it.
#[derive(Debug)]
pub(crate) struct OwnMemory;

impl PhysicalOptimizerRule for OwnMemory {
    fn optimize(&self, plan: Arc<dyn ExecutionPlan>, _config: &ConfigOptions) -> Result<Arc<dyn ExecutionPlan>> {
        plan.transform_up(|plan| {
            let Some(sort) = plan.downcast_ref::<SortExec>() else { return Ok(Transformed::no(plan)) };
            if sort.fetch().is_some() {
                return Ok(Transformed::no(plan));
            }
            let input = Arc::new(OwnMemoryExec { input: Arc::clone(sort.input()) });
            replace_children_if_necessary(plan, vec![input]).map(Transformed::yes)
        })
        .data()
    }

    fn name(&self) -> &'static str {
        "own_memory"
    }

    fn schema_check(&self) -> bool {
        true
    }
}

#[derive(Debug)]
struct OwnMemoryExec {
    input: Arc<dyn ExecutionPlan>,
}

impl DisplayAs for OwnMemoryExec {
    fn fmt_as(&self, _kind: DisplayFormatType, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("OwnMemoryExec")
    }
}

impl ExecutionPlan for OwnMemoryExec {
    fn name(&self) -> &'static str {
        "OwnMemoryExec"
    }

    fn properties(&self) -> &Arc<PlanProperties> {
        self.input.properties()
    }

    fn maintains_input_order(&self) -> Vec<bool> {
        vec![true]
    }

    fn children(&self) -> Vec<&Arc<dyn ExecutionPlan>> {
        vec![&self.input]
    }

    fn apply_expressions(&self, _visit: &mut dyn FnMut(&Arc<dyn PhysicalExpr>) -> Result<TreeNodeRecursion>) -> Result<TreeNodeRecursion> {
        Ok(TreeNodeRecursion::Continue)
    }

    fn with_new_children(self: Arc<Self>, mut children: Vec<Arc<dyn ExecutionPlan>>) -> Result<Arc<dyn ExecutionPlan>> {
        Ok(children.pop().map_or(self.clone(), |input| Arc::new(Self { input })))
    }

    fn execute(&self, partition: usize, context: Arc<TaskContext>) -> Result<SendableRecordBatchStream> {
        let schema: SchemaRef = self.schema();
        let rows = self.input.execute(partition, context)?.and_then(|batch| async move { with_own_memory(&batch) });
        Ok(Box::pin(RecordBatchStreamAdapter::new(schema, rows)))
    }
}

fn with_own_memory(batch: &RecordBatch) -> Result<RecordBatch> {
    Ok(RecordBatch::try_new(batch.schema(), own_columns(batch)?)?)
}

/// The columns of a batch that names no more than twice the memory of its rows.
pub(crate) fn own_columns(batch: &RecordBatch) -> Result<Vec<ArrayRef>> {
    batch.columns().iter().map(own).collect()
}

/// The column, or a copy of its rows where they are less than half of what it names.
fn own(column: &ArrayRef) -> Result<ArrayRef> {
    match column.as_string_view_opt() {
        None => own_buffers(column, column.to_data().get_slice_memory_size()?),
        Some(texts) => {
            let rows = size_of_val(texts.views().as_ref()) + texts.total_buffer_bytes_used();
            let own = if is_shared(column, rows) { Arc::new(texts.gc()) } else { Arc::clone(column) };
            // Views of texts that stand in them are not copied by that.
            own_buffers(&own, rows)
        }
    }
}

fn own_buffers(column: &ArrayRef, bytes_of_rows: usize) -> Result<ArrayRef> {
    if !is_shared(column, bytes_of_rows) {
        return Ok(Arc::clone(column));
    }
    let data = column.to_data();
    let mut copy = MutableArrayData::new(vec![&data], false, data.len());
    copy.try_extend(0, 0, data.len())?;
    Ok(make_array(copy.freeze()))
}

fn is_shared(column: &ArrayRef, bytes_of_rows: usize) -> bool {
    column.get_buffer_memory_size() > 2 * bytes_of_rows
}

#[cfg(test)]
mod tests {
    use datafusion::arrow::array::{Decimal128Array, Int64Array, StringViewArray};
    use datafusion::datasource::MemTable;
    use datafusion::execution::SessionStateBuilder;
    use datafusion::execution::runtime_env::RuntimeEnvBuilder;
    use datafusion::physical_optimizer::optimizer::PhysicalOptimizer;
    use datafusion::physical_plan::collect;
    use datafusion::prelude::{SessionConfig, SessionContext};

    use super::*;

    /// Bytes that a sort of 60,000 groups sends to the disk, under a limit of 45 MB.
    async fn spilled(with_rule: bool) -> usize {
        let mut rules = PhysicalOptimizer::new().rules;
        if with_rule {
            rules.push(Arc::new(OwnMemory));
        }
        let runtime = RuntimeEnvBuilder::new().with_memory_limit(45_000_000, 1.0).build_arc().unwrap();
        let config = SessionConfig::new().with_target_partitions(1);
        let state = SessionStateBuilder::new().with_config(config).with_runtime_env(runtime).with_default_features();
        let context = SessionContext::new_with_state(state.with_physical_optimizer_rules(rules).build());
        let numbers = RecordBatch::try_from_iter([("n", Arc::new(Int64Array::from_iter_values(0..60_000)) as ArrayRef)]).unwrap();
        context.register_table("numbers", Arc::new(MemTable::try_new(numbers.schema(), vec![vec![numbers]]).unwrap())).unwrap();
        let sql =
            "select t, n, count(*) as c from (select arrow_cast(concat('a text of number ', n), 'Utf8View') as t, n from numbers) group by t, n order by t";
        let plan = context.sql(sql).await.unwrap().create_physical_plan().await.unwrap();
        assert_eq!(collect(Arc::clone(&plan), context.task_ctx()).await.unwrap().iter().map(RecordBatch::num_rows).sum::<usize>(), 60_000);
        let mut spilled = 0;
        let sorts = plan.apply(|node| {
            spilled += node.downcast_ref::<SortExec>().and_then(SortExec::metrics).and_then(|metrics| metrics.spilled_bytes()).unwrap_or(0);
            Ok(TreeNodeRecursion::Continue)
        });
        sorts.unwrap();
        spilled
    }

    #[tokio::test]
    async fn groups_that_fit_into_memory_are_sorted_there() {
        assert!(spilled(false).await > 0, "slices are counted once each now: the rule is not needed any more");
        assert_eq!(spilled(true).await, 0);
    }

    #[test]
    fn slices_get_their_own_memory_and_keep_their_rows() {
        let texts = StringViewArray::from_iter((0..1000).map(|row| (row % 7 > 0).then(|| format!("a text of some length {row}"))));
        let amounts = Decimal128Array::from_iter((0..1000).map(|row| (row % 5 > 0).then_some(row))).with_precision_and_scale(18, 4).unwrap();
        let short = StringViewArray::from_iter((0..1000).map(|row| (row % 3 > 0).then(|| row.to_string())));
        let columns: [(&str, ArrayRef); 3] = [("texts", Arc::new(texts)), ("short", Arc::new(short)), ("amounts", Arc::new(amounts))];
        let whole = RecordBatch::try_from_iter(columns).unwrap();
        let slice = whole.slice(300, 10);
        let own = with_own_memory(&slice).unwrap();
        assert_eq!(own, slice);
        let bytes = |batch: &RecordBatch| batch.get_array_memory_size();
        assert!(bytes(&slice) > 50_000 && bytes(&own) < 3_000, "{} and {}", bytes(&slice), bytes(&own));
        let again = with_own_memory(&whole).unwrap();
        assert!(whole.columns().iter().zip(again.columns()).all(|(before, after)| Arc::ptr_eq(before, after)), "what is its own is not copied");
    }
}
