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
    Ok(RecordBatch::try_new(batch.schema(), batch.columns().iter().map(own).collect::<Result<_>>()?)?)
}

/// The column, or a copy of its rows where they are less than half of what it names.
fn own(column: &ArrayRef) -> Result<ArrayRef> {
    if let Some(texts) = column.as_string_view_opt() {
        let rows = size_of_val(texts.views().as_ref()) + texts.total_buffer_bytes_used();
        return Ok(if is_shared(column, rows) { Arc::new(texts.gc()) } else { Arc::clone(column) });
    }
    let data = column.to_data();
    if !is_shared(column, data.get_slice_memory_size()?) {
        return Ok(Arc::clone(column));
    }
    let mut copy = MutableArrayData::new(vec![&data], false, data.len());
    copy.try_extend(0, 0, data.len())?;
    Ok(make_array(copy.freeze()))
}

fn is_shared(column: &ArrayRef, bytes_of_rows: usize) -> bool {
    column.get_buffer_memory_size() > 2 * bytes_of_rows
}

#[cfg(test)]
mod tests {
    use datafusion::arrow::array::{Decimal128Array, StringViewArray};

    use super::*;

    #[test]
    fn slices_get_their_own_memory_and_keep_their_rows() {
        let texts = StringViewArray::from_iter((0..1000).map(|row| (row % 7 > 0).then(|| format!("a text of some length {row}"))));
        let amounts = Decimal128Array::from_iter((0..1000).map(|row| (row % 5 > 0).then_some(row))).with_precision_and_scale(18, 4).unwrap();
        let whole = RecordBatch::try_from_iter([("texts", Arc::new(texts) as ArrayRef), ("amounts", Arc::new(amounts) as ArrayRef)]).unwrap();
        let slice = whole.slice(300, 10);
        let own = with_own_memory(&slice).unwrap();
        assert_eq!(own, slice);
        let bytes = |batch: &RecordBatch| batch.get_array_memory_size();
        assert!(bytes(&slice) > 50_000 && bytes(&own) < 3_000, "{} and {}", bytes(&slice), bytes(&own));
        let again = with_own_memory(&whole).unwrap();
        assert!(whole.columns().iter().zip(again.columns()).all(|(before, after)| Arc::ptr_eq(before, after)), "what is its own is not copied");
    }
}
