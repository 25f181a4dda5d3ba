//! Sorts rows that fit into memory as numbers, see [`Ordinals`]. What does not fit, or has no such numbers, is left to the engine's own sort, which
//! goes to the disk where it must.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use datafusion::arrow::array::{RecordBatch, UInt32Array};
use datafusion::arrow::compute::{concat_batches, take_record_batch};
use datafusion::arrow::datatypes::SchemaRef;
use datafusion::common::config::ConfigOptions;
use datafusion::common::internal_datafusion_err;
use datafusion::common::tree_node::{Transformed, TransformedResult, TreeNode, TreeNodeRecursion};
use datafusion::error::Result;
use datafusion::execution::memory_pool::{MemoryConsumer, MemoryReservation};
use datafusion::execution::{SendableRecordBatchStream, TaskContext};
use datafusion::physical_expr::{EquivalenceProperties, LexOrdering, Partitioning, PhysicalExpr};
use datafusion::physical_optimizer::PhysicalOptimizerRule;
use datafusion::physical_plan::execution_plan::{Boundedness, EmissionType};
use datafusion::physical_plan::metrics::{BaselineMetrics, Count, ExecutionPlanMetricsSet, MetricBuilder, MetricsSet};
use datafusion::physical_plan::sorts::sort::SortExec;
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use datafusion::physical_plan::{DisplayAs, DisplayFormatType, ExecutionPlan, PlanProperties, replace_children_if_necessary};
use futures::stream::{self, StreamExt, TryStreamExt};

use crate::ordinals::Ordinals;

/// Bytes per row while rows become numbers: the numbers so far, what tells the texts of one key apart, and their places.
const BYTES_PER_ROW: usize = 112;

/// The metric that says how many sorts were left to the engine.
const LEFT: &str = "left_to_the_engine";

/// Puts [`OrdinalSortExec`] in the place of sorts whose keys have ordinals. Runs last: no other rule knows it.
#[derive(Debug)]
pub(crate) struct OrdinalSort {
    /// A sort that needs more bytes is left to the engine: for a moment its rows are held by both, and counted for one.
    pub most: usize,
}

impl PhysicalOptimizerRule for OrdinalSort {
    fn optimize(&self, plan: Arc<dyn ExecutionPlan>, _config: &ConfigOptions) -> Result<Arc<dyn ExecutionPlan>> {
        plan.transform_up(|plan| {
            Ok(match plan.downcast_ref::<SortExec>() {
                Some(sort) if has_ordinals(sort)? => Transformed::yes(Arc::new(OrdinalSortExec::new(plan, self.most))),
                _ => Transformed::no(plan),
            })
        })
        .data()
    }

    fn name(&self) -> &'static str {
        "ordinal_sort"
    }

    fn schema_check(&self) -> bool {
        true
    }
}

fn has_ordinals(sort: &SortExec) -> Result<bool> {
    let schema = sort.input().schema();
    for key in sort.expr() {
        if !Ordinals::knows(&key.expr.data_type(&schema)?) {
            return Ok(false);
        }
    }
    // The first few of an order are found without sorting the rest.
    Ok(sort.fetch().is_none())
}

#[derive(Debug)]
struct OrdinalSortExec {
    /// What it stands for.
    sort: Arc<dyn ExecutionPlan>,
    most: usize,
    metrics: ExecutionPlanMetricsSet,
}

impl OrdinalSortExec {
    fn new(sort: Arc<dyn ExecutionPlan>, most: usize) -> Self {
        Self { sort, most, metrics: ExecutionPlanMetricsSet::new() }
    }
}

impl DisplayAs for OrdinalSortExec {
    fn fmt_as(&self, kind: DisplayFormatType, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Ordinal")?;
        self.sort.fmt_as(kind, f)
    }
}

impl ExecutionPlan for OrdinalSortExec {
    fn name(&self) -> &'static str {
        "OrdinalSortExec"
    }

    fn properties(&self) -> &Arc<PlanProperties> {
        self.sort.properties()
    }

    fn children(&self) -> Vec<&Arc<dyn ExecutionPlan>> {
        self.sort.children()
    }

    fn apply_expressions(&self, visit: &mut dyn FnMut(&Arc<dyn PhysicalExpr>) -> Result<TreeNodeRecursion>) -> Result<TreeNodeRecursion> {
        self.sort.apply_expressions(visit)
    }

    fn with_new_children(self: Arc<Self>, children: Vec<Arc<dyn ExecutionPlan>>) -> Result<Arc<dyn ExecutionPlan>> {
        Ok(Arc::new(Self::new(replace_children_if_necessary(Arc::clone(&self.sort), children)?, self.most)))
    }

    fn execute(&self, partition: usize, context: Arc<TaskContext>) -> Result<SendableRecordBatchStream> {
        let Some(sort) = self.sort.downcast_ref::<SortExec>() else { return self.sort.execute(partition, context) };
        let rows = sort.input().execute(partition, Arc::clone(&context))?;
        let work = Work {
            keys: sort.expr().clone(),
            most: self.most,
            reservation: MemoryConsumer::new("OrdinalSort").with_can_spill(true).register(context.memory_pool()),
            metrics: BaselineMetrics::new(&self.metrics, partition),
            left: MetricBuilder::new(&self.metrics).counter(LEFT, partition),
            batch_size: context.session_config().batch_size(),
            context,
        };
        let schema = self.schema();
        let sorted = stream::once(work.sort(rows, Arc::clone(&schema))).try_flatten();
        Ok(Box::pin(RecordBatchStreamAdapter::new(schema, sorted)))
    }

    fn metrics(&self) -> Option<MetricsSet> {
        Some(self.metrics.clone_inner())
    }
}

struct Work {
    keys: LexOrdering,
    most: usize,
    reservation: MemoryReservation,
    metrics: BaselineMetrics,
    left: Count,
    batch_size: usize,
    context: Arc<TaskContext>,
}

impl Work {
    async fn sort(self, mut rows: SendableRecordBatchStream, schema: SchemaRef) -> Result<SendableRecordBatchStream> {
        let (mut batches, mut count) = (Vec::new(), 0);
        while let Some(batch) = rows.try_next().await? {
            count += batch.num_rows();
            // Once as it came, once in order, and as numbers.
            let needed = 2 * batch.get_array_memory_size() + batch.num_rows() * BYTES_PER_ROW;
            let fits = self.reservation.size() + needed <= self.most && u32::try_from(count).is_ok() && self.reservation.try_grow(needed).is_ok();
            batches.push(batch);
            if !fits {
                return self.leave(batches, Some(rows), schema);
            }
        }
        let time = self.metrics.elapsed_compute().timer();
        let Some(order) = self.order(&batches, count)? else {
            drop(time);
            return self.leave(batches, None, schema);
        };
        let whole = concat_batches(&schema, &batches)?;
        drop(batches);
        time.done();
        self.reservation.resize(whole.get_array_memory_size() + size_of_val(order.as_slice()));
        let (metrics, reservation, size) = (self.metrics, self.reservation, self.batch_size);
        let in_order = (0..count).step_by(size).map(move |from| {
            let _held = &reservation;
            let time = metrics.elapsed_compute().timer();
            let batch = take_record_batch(&whole, &UInt32Array::from_iter_values(order.iter().copied().skip(from).take(size)))?;
            time.done();
            metrics.record_output(batch.num_rows());
            Ok(batch)
        });
        Ok(Box::pin(RecordBatchStreamAdapter::new(schema, stream::iter(in_order))))
    }

    /// The numbers of the rows in order; `None` where their keys have no ordinals.
    fn order(&self, batches: &[RecordBatch], count: usize) -> Result<Option<Vec<u32>>> {
        let mut ordinals = Ordinals::new(count);
        for key in &self.keys {
            let pieces = batches.iter().map(|batch| key.expr.evaluate(batch)?.into_array(batch.num_rows())).collect::<Result<Vec<_>>>()?;
            match ordinals.key(&pieces, key.options) {
                Some(more) => ordinals = more,
                None => return Ok(None),
            }
        }
        Ok(Some(ordinals.sorted()))
    }

    /// Leaves all rows to the engine's sort.
    fn leave(self, batches: Vec<RecordBatch>, rest: Option<SendableRecordBatchStream>, schema: SchemaRef) -> Result<SendableRecordBatchStream> {
        let Self { keys, reservation, metrics, left, context, .. } = self;
        left.add(1);
        tracing::debug!(bytes = reservation.size(), %keys, "a sort that is left to the engine");
        // The engine counts them as it takes them, and needs the room for that.
        reservation.free();
        let rows = stream::iter(batches.into_iter().map(Ok)).chain(stream::iter(rest).flatten());
        let rows: SendableRecordBatchStream = Box::pin(RecordBatchStreamAdapter::new(schema, rows));
        let sorted = SortExec::new(keys, Arc::new(GivenExec::new(rows))).execute(0, context)?;
        let schema = sorted.schema();
        let counted = sorted.inspect_ok(move |batch| {
            metrics.record_output(batch.num_rows());
        });
        Ok(Box::pin(RecordBatchStreamAdapter::new(schema, counted)))
    }
}

/// Rows that are on their way, as a plan.
struct GivenExec {
    rows: Mutex<Option<SendableRecordBatchStream>>,
    properties: Arc<PlanProperties>,
}

impl GivenExec {
    fn new(rows: SendableRecordBatchStream) -> Self {
        let known = EquivalenceProperties::new(rows.schema());
        let properties = PlanProperties::new(known, Partitioning::UnknownPartitioning(1), EmissionType::Incremental, Boundedness::Bounded);
        Self { rows: Mutex::new(Some(rows)), properties: Arc::new(properties) }
    }
}

impl fmt::Debug for GivenExec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("GivenExec")
    }
}

impl DisplayAs for GivenExec {
    fn fmt_as(&self, _kind: DisplayFormatType, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("GivenExec")
    }
}

impl ExecutionPlan for GivenExec {
    fn name(&self) -> &'static str {
        "GivenExec"
    }

    fn properties(&self) -> &Arc<PlanProperties> {
        &self.properties
    }

    fn children(&self) -> Vec<&Arc<dyn ExecutionPlan>> {
        Vec::new()
    }

    fn apply_expressions(&self, _visit: &mut dyn FnMut(&Arc<dyn PhysicalExpr>) -> Result<TreeNodeRecursion>) -> Result<TreeNodeRecursion> {
        Ok(TreeNodeRecursion::Continue)
    }

    fn with_new_children(self: Arc<Self>, _children: Vec<Arc<dyn ExecutionPlan>>) -> Result<Arc<dyn ExecutionPlan>> {
        Ok(self)
    }

    fn execute(&self, _partition: usize, _context: Arc<TaskContext>) -> Result<SendableRecordBatchStream> {
        let rows = self.rows.lock().unwrap_or_else(PoisonError::into_inner).take();
        rows.ok_or_else(|| internal_datafusion_err!("rows that are given are read once"))
    }
}

#[cfg(test)]
mod tests {
    use datafusion::arrow::array::{ArrayRef, Decimal128Array, Int64Array, StringViewArray};
    use datafusion::arrow::util::pretty::pretty_format_batches;
    use datafusion::datasource::MemTable;
    use datafusion::execution::SessionStateBuilder;
    use datafusion::execution::runtime_env::RuntimeEnvBuilder;
    use datafusion::physical_optimizer::optimizer::PhysicalOptimizer;
    use datafusion::physical_plan::{collect, displayable};
    use datafusion::prelude::{SessionConfig, SessionContext};

    use super::*;

    /// Rows of 30 customers in 20 batches, whose amounts lie far apart.
    fn lines() -> Vec<RecordBatch> {
        let batch = |at: i64| {
            let ids: Vec<i64> = (0..1000).map(|row| (row * 7919 + at * 104_729) % 30_011).collect();
            let customers = StringViewArray::from_iter(ids.iter().map(|id| (id % 11 > 0).then(|| format!("customer {}", id % 30))));
            let amounts = Decimal128Array::from_iter(ids.iter().map(|id| (id % 13 > 0).then_some(i128::from(*id - 15_000) << 80)));
            let columns: [(&str, ArrayRef); 3] = [
                ("customer", Arc::new(customers)),
                ("amount", Arc::new(amounts.with_precision_and_scale(38, 4).unwrap())),
                ("id", Arc::new(Int64Array::from(ids))),
            ];
            RecordBatch::try_from_iter_with_nullable(columns.map(|(name, column)| (name, column, true))).unwrap()
        };
        (0..20).map(batch).collect()
    }

    /// The rows of a SELECT, its plan, and how many sorts were left to the engine.
    async fn answer(sql: &str, with_rule: bool, partitions: usize, memory: usize) -> (String, String, usize) {
        let mut rules = PhysicalOptimizer::new().rules;
        if with_rule {
            rules.push(Arc::new(OrdinalSort { most: memory / 2 }));
        }
        let runtime = RuntimeEnvBuilder::new().with_memory_limit(memory, 1.0).build_arc().unwrap();
        let mut config = SessionConfig::new().with_target_partitions(partitions).with_batch_size(512);
        config.options_mut().execution.sort_spill_reservation_bytes = 100_000;
        let state = SessionStateBuilder::new().with_config(config).with_runtime_env(runtime).with_default_features();
        let context = SessionContext::new_with_state(state.with_physical_optimizer_rules(rules).build());
        let lines = lines();
        let parts = lines.chunks(lines.len() / partitions).map(<[RecordBatch]>::to_vec).collect();
        context.register_table("lines", Arc::new(MemTable::try_new(lines[0].schema(), parts).unwrap())).unwrap();
        let plan = context.sql(sql).await.unwrap().create_physical_plan().await.unwrap();
        let batches = collect(Arc::clone(&plan), context.task_ctx()).await.unwrap();
        assert!(batches.iter().all(|batch| batch.num_rows() <= 512));
        assert_eq!(context.runtime_env().memory_pool.reserved(), 0, "all memory is given back");
        let mut left = 0;
        let sorts = plan.apply(|node| {
            let metrics = node.downcast_ref::<OrdinalSortExec>().and_then(OrdinalSortExec::metrics);
            left += metrics.and_then(|metrics| metrics.sum_by_name(LEFT)).map_or(0, |count| count.as_usize());
            Ok(TreeNodeRecursion::Continue)
        });
        sorts.unwrap();
        (pretty_format_batches(&batches).unwrap().to_string(), displayable(plan.as_ref()).indent(false).to_string(), left)
    }

    const PLENTY: usize = 100_000_000;

    #[tokio::test]
    async fn rows_come_in_the_order_of_the_engine() {
        for (sql, is_left) in [
            ("select customer, id, amount from lines order by customer, id", false),
            ("select * from lines order by customer desc nulls last, id desc", false),
            ("select id, customer, sum(id) over (partition by customer order by id) as s from lines order by customer nulls first, id", false),
            ("select customer, count(*) as n from lines group by customer order by n desc, customer", false),
            ("select customer, id from lines where id < 0 order by id", false),
            // These amounts need more bits than there are.
            ("select amount, id from lines order by amount, id", true),
        ] {
            for partitions in [1, 2] {
                let (expected, ..) = answer(sql, false, partitions, PLENTY).await;
                let (found, plan, left) = answer(sql, true, partitions, PLENTY).await;
                assert!(plan.contains("OrdinalSortExec"), "{plan}");
                assert_eq!((found, left > 0), (expected, is_left), "{sql}");
            }
        }
    }

    #[tokio::test]
    async fn what_does_not_fit_into_memory_is_left_to_the_engine() {
        let sql = "select customer, id, amount from lines order by customer, id";
        let (expected, _, left) = answer(sql, true, 1, PLENTY).await;
        assert_eq!(left, 0);
        for memory in [600_000, 2_600_000, 3_500_000] {
            let (found, _, left) = answer(sql, true, 1, memory).await;
            assert_eq!((found, left), (expected.clone(), 1), "{memory}");
        }
    }

    #[tokio::test]
    async fn the_first_of_an_order_are_left_to_the_engine() {
        let (_, plan, _) = answer("select id from lines order by id limit 5", true, 1, PLENTY).await;
        assert!(!plan.contains("OrdinalSortExec"), "{plan}");
    }
}
