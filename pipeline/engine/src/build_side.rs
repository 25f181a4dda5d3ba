//! Which side of a join is held in memory.
//!
//! The engine's own choice goes by estimated bytes, or does nothing where an estimate is missing; a wide fact table is then
//! held to look up a few accounts. Here the smaller side is held, by rows times their width: row counts of scans are exact,
//! filters are taken to drop nothing, and a join to have the rows of its larger side. Between equals the order of the SQL
//! decides: the side that is written first is held.

use std::sync::Arc;

use datafusion::arrow::datatypes::FieldRef;
use datafusion::common::JoinSide;
use datafusion::common::config::ConfigOptions;
use datafusion::common::tree_node::{Transformed, TransformedResult, TreeNode};
use datafusion::error::Result;
use datafusion::logical_expr::JoinType;
use datafusion::physical_optimizer::PhysicalOptimizerRule;
use datafusion::physical_plan::ExecutionPlan;
use datafusion::physical_plan::aggregates::AggregateExec;
use datafusion::physical_plan::joins::{CrossJoinExec, HashJoinExec, NestedLoopJoinExec};
use datafusion::physical_plan::statistics::{StatisticsArgs, StatisticsContext};
use datafusion::physical_plan::union::UnionExec;

/// What a text takes in memory, about: ids are most of them.
const TEXT_BYTES: usize = 48;

/// Puts the smaller side first. Runs before the engine chooses how joins are partitioned.
#[derive(Debug)]
pub(crate) struct BuildSide;

impl PhysicalOptimizerRule for BuildSide {
    fn optimize(&self, plan: Arc<dyn ExecutionPlan>, _config: &ConfigOptions) -> Result<Arc<dyn ExecutionPlan>> {
        plan.transform_up(|plan| {
            Ok(match swapped(&plan)? {
                Some(swapped) => Transformed::yes(swapped),
                None => Transformed::no(plan),
            })
        })
        .data()
    }

    fn name(&self) -> &'static str {
        "build_side"
    }

    fn schema_check(&self) -> bool {
        true
    }
}

fn swapped(plan: &Arc<dyn ExecutionPlan>) -> Result<Option<Arc<dyn ExecutionPlan>>> {
    if let Some(join) = plan.downcast_ref::<HashJoinExec>() {
        let may = join.join_type().supports_swap() && !join.null_aware;
        return (may && size(join.left()) > size(join.right())).then(|| join.swap_inputs(*join.partition_mode())).transpose();
    }
    if let Some(join) = plan.downcast_ref::<NestedLoopJoinExec>() {
        return (join.join_type().supports_swap() && size(join.left()) > size(join.right())).then(|| join.swap_inputs()).transpose();
    }
    if let Some(join) = plan.downcast_ref::<CrossJoinExec>() {
        return (size(join.left()) > size(join.right())).then(|| join.swap_inputs()).transpose();
    }
    Ok(None)
}

/// About how many bytes the rows of a plan take.
fn size(plan: &Arc<dyn ExecutionPlan>) -> usize {
    let width = |field: &FieldRef| field.data_type().primitive_width().unwrap_or(TEXT_BYTES);
    rows(plan).saturating_mul(plan.schema().fields().iter().map(width).sum::<usize>().max(1))
}

/// How many rows a plan gives, at most or about.
fn rows(plan: &Arc<dyn ExecutionPlan>) -> usize {
    let children: Vec<usize> = plan.children().into_iter().map(rows).collect();
    if children.is_empty() {
        let statistics = StatisticsContext::new().compute(plan.as_ref(), &StatisticsArgs::new());
        return statistics.ok().and_then(|statistics| statistics.num_rows.get_value().copied()).unwrap_or(1);
    }
    if plan.downcast_ref::<UnionExec>().is_some() {
        return children.iter().fold(0, |sum, rows| sum.saturating_add(*rows));
    }
    if plan.downcast_ref::<AggregateExec>().is_some_and(|aggregate| aggregate.group_expr().is_empty()) {
        return 1;
    }
    let kept = match plan.downcast_ref::<HashJoinExec>().and_then(|join| kept_side(*join.join_type())) {
        Some(JoinSide::Left) => children.first().copied(),
        Some(JoinSide::Right) => children.last().copied(),
        _ => children.iter().max().copied(),
    };
    kept.unwrap_or(0).min(plan.fetch().unwrap_or(usize::MAX))
}

/// The side whose rows a join gives, if it gives those of one only.
fn kept_side(kind: JoinType) -> Option<JoinSide> {
    match kind {
        JoinType::LeftSemi | JoinType::LeftAnti | JoinType::LeftMark => Some(JoinSide::Left),
        JoinType::RightSemi | JoinType::RightAnti | JoinType::RightMark => Some(JoinSide::Right),
        JoinType::Inner | JoinType::Left | JoinType::Right | JoinType::Full => None,
    }
}

#[cfg(test)]
mod tests {
    use datafusion::arrow::array::{Int64Array, RecordBatch};
    use datafusion::execution::SessionStateBuilder;
    use datafusion::physical_optimizer::optimizer::PhysicalOptimizer;
    use datafusion::physical_plan::displayable;
    use datafusion::prelude::{SessionConfig, SessionContext};

    use super::*;

    /// The joins of a plan, outer first; tables `big` and `also_big` have 100 rows, `small` has 3.
    async fn joins(sql: &str) -> Vec<String> {
        let mut config = SessionConfig::new().with_target_partitions(2);
        config.options_mut().optimizer.join_reordering = false;
        let rules = std::iter::once(Arc::new(BuildSide) as Arc<dyn PhysicalOptimizerRule + Send + Sync>).chain(PhysicalOptimizer::new().rules).collect();
        let state = SessionStateBuilder::new().with_config(config).with_default_features().with_physical_optimizer_rules(rules).build();
        let context = SessionContext::new_with_state(state);
        for (name, rows) in [("big", 100), ("also_big", 100), ("small", 3)] {
            let batch = RecordBatch::try_from_iter([("id", Arc::new(Int64Array::from_iter_values(0..rows)) as _)]).unwrap();
            context.register_batch(name, batch).unwrap();
        }
        let plan = context.sql(sql).await.unwrap().create_physical_plan().await.unwrap();
        let text = displayable(plan.as_ref()).indent(false).to_string();
        let kind = |line: &str| Some(line.split_once("join_type=")?.1.split(',').next()?.to_owned());
        text.lines().filter_map(kind).collect()
    }

    #[tokio::test]
    async fn the_smaller_side_is_held_however_it_is_filtered_or_joined() {
        assert_eq!(joins("select * from big as b left join small as s on b.id = s.id").await, ["Right"]);
        assert_eq!(joins("select * from small as s left join big as b on b.id = s.id").await, ["Left"]);
        assert_eq!(joins("select * from (select * from big where id > 90) as b left join small as s on b.id = s.id").await, ["Right"]);
        assert_eq!(joins("select * from (select distinct id from small union select 7) as s right join big as b on b.id = s.id").await, ["Right"]);
        let looked_up_twice = "select * from big as b left join small as s on b.id = s.id left join small as t on b.id = t.id";
        assert_eq!(joins(looked_up_twice).await, ["Right", "Right"]);
        assert_eq!(joins("select * from big as b where not exists (select 1 from small as s where s.id = b.id)").await, ["RightAnti"]);
    }

    #[tokio::test]
    async fn between_equals_the_first_is_held() {
        assert_eq!(joins("select * from big as b left join also_big as a on b.id = a.id").await, ["Left"]);
    }
}
