//! DataFusion sessions over fixed lists of lake files, with settings that keep money exact.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Arc;

use chrono::NaiveDate;
use datafusion::arrow::array::RecordBatch;
use datafusion::arrow::datatypes::{Date32Type, Schema, SchemaRef};
use datafusion::catalog::TableProvider;
use datafusion::catalog::view::ViewTable;
use datafusion::common::ScalarValue;
use datafusion::dataframe::DataFrame;
use datafusion::datasource::empty::EmptyTable;
use datafusion::datasource::provider_as_source;
use datafusion::execution::disk_manager::{DiskManagerBuilder, DiskManagerMode};
use datafusion::execution::memory_pool::{MemoryReservation, TrackConsumersPool};
use datafusion::execution::object_store::ObjectStoreUrl;
use datafusion::execution::runtime_env::{RuntimeEnv, RuntimeEnvBuilder};
use datafusion::execution::{SendableRecordBatchStream, SessionStateBuilder};
use datafusion::logical_expr::{Expr, LogicalPlanBuilder};
use datafusion::physical_optimizer::PhysicalOptimizerRule;
use datafusion::physical_optimizer::optimizer::PhysicalOptimizer;
use datafusion::physical_plan::{displayable, execute_stream};
use datafusion::prelude::{SessionConfig, SessionContext, col, ident, lit};
use object_store::ObjectStore;
use takings_definitions::{Project, SortKey, Table};

use crate::build_side::BuildSide;
use crate::lake_table::LakeTable;
use crate::materialized::{HeldView, Steps};
use crate::memory::SharedPool;
use crate::ordinal_sort::OrdinalSort;
use crate::own_memory::OwnMemory;
use crate::runs::Runs;
use crate::statement::CHANGED;
use crate::{Error, Graph, Parameters, Parsed, Result, ScanFile};

/// Under this address the engine sees the store; the real one never stands in a plan.
const STORE: &str = "takings://store";

/// The files of each stored table that a session sees. A table that is not named is empty.
pub type Tables = BTreeMap<String, Vec<ScanFile>>;

/// What all sessions of a process share: memory limit, spill folder, store.
#[derive(Debug, Clone)]
pub struct Engine {
    runtime: Arc<RuntimeEnv>,
    store: ObjectStoreUrl,
    threads: usize,
    sort_reservation: usize,
    sorted_at_once: usize,
}

impl Engine {
    /// `memory` bounds what sorts, aggregates and joins hold; beyond it they spill to `spill`.
    pub fn new(store: Arc<dyn ObjectStore>, memory: u64, threads: usize, spill: &Path) -> Result<Self> {
        let failed = |error: &datafusion::common::DataFusionError| Error::running("starting the engine", error);
        let memory = usize::try_from(memory).unwrap_or(usize::MAX);
        let pool = TrackConsumersPool::new(SharedPool::new(memory), std::num::NonZeroUsize::MIN);
        let disk = DiskManagerBuilder::default().with_mode(DiskManagerMode::Directories(vec![spill.to_owned()]));
        let runtime = RuntimeEnvBuilder::new().with_memory_pool(Arc::new(pool)).with_disk_manager_builder(disk).build_arc().map_err(|error| failed(&error))?;
        let url = ObjectStoreUrl::parse(STORE).map_err(|error| failed(&error))?;
        runtime.register_object_store(url.as_ref(), store);
        Ok(Self { runtime, store: url, threads, sort_reservation: (memory / 32).clamp(1 << 20, 64 << 20), sorted_at_once: (memory / 8).min(1 << 30) })
    }

    pub(crate) fn threads(&self) -> usize {
        self.threads
    }

    /// The same engine, with another number of threads for each query.
    #[must_use]
    pub fn with_threads(&self, threads: usize) -> Self {
        Self { threads, ..self.clone() }
    }

    /// A session that sees the given files and binds the given parameters.
    pub fn session<'a>(&self, project: &'a Project, graph: &'a Graph, tables: Tables, parameters: Parameters) -> Session<'a> {
        Session {
            context: self.context(true),
            engine: self.clone(),
            project,
            graph,
            tables,
            parameters,
            filters: BTreeMap::new(),
            changed: Tables::new(),
            registered: BTreeSet::new(),
            memory: Vec::new(),
            only_types: false,
        }
    }

    /// A session without tables, for expressions over rows that are at hand.
    pub(crate) fn plain_context(&self) -> SessionContext {
        self.context(true)
    }

    fn context(&self, hash_joins: bool) -> SessionContext {
        let mut config = SessionConfig::new().with_target_partitions(self.threads).with_information_schema(false);
        let options = config.options_mut();
        // 0.15 stays a decimal: no float near money.
        options.sql_parser.parse_float_as_decimal = true;
        options.sql_parser.collect_spans = true;
        options.optimizer.prefer_hash_join = hash_joins;
        // `BuildSide` puts the sides of joins in order.
        options.optimizer.join_reordering = false;
        // What merging spilled runs needs is set aside before the sorters take all there is.
        options.execution.sort_spill_reservation_bytes = self.sort_reservation;
        options.execution.time_zone = Some("+00:00".to_owned());
        options.execution.parquet.pushdown_filters = false;
        // The rule maps columns by name and can drop rows of RIGHT and FULL joins in silence; the scan takes its own filters instead.
        let known = PhysicalOptimizer::new().rules.into_iter().filter(|rule| !rule.name().starts_with("FilterPushdown"));
        let first: Arc<dyn PhysicalOptimizerRule + Send + Sync> = Arc::new(BuildSide);
        let last: [Arc<dyn PhysicalOptimizerRule + Send + Sync>; 3] =
            [Arc::new(Runs), Arc::new(OwnMemory), Arc::new(OrdinalSort { most: self.sorted_at_once })];
        let rules = std::iter::once(first).chain(known).chain(last).collect();
        let state = SessionStateBuilder::new()
            .with_config(config)
            .with_runtime_env(Arc::clone(&self.runtime))
            .with_default_features()
            .with_physical_optimizer_rules(rules)
            .build();
        SessionContext::new_with_state(state)
    }
}

/// One session: tables and models are registered as SQL names them.
pub struct Session<'a> {
    context: SessionContext,
    engine: Engine,
    project: &'a Project,
    graph: &'a Graph,
    tables: Tables,
    parameters: Parameters,
    filters: BTreeMap<String, String>,
    changed: Tables,
    registered: BTreeSet<String>,
    /// Of materialized steps.
    memory: Vec<MemoryReservation>,
    /// Plans are looked at and not run.
    only_types: bool,
}

impl Session<'_> {
    /// Joins by sorting instead of hashing: slower, but it spills. For a second try after the memory limit was reached.
    #[must_use]
    pub fn with_merge_joins(mut self) -> Self {
        self.context = self.engine.context(false);
        self.registered.clear();
        self.memory.clear();
        self
    }

    /// For plans that are looked at and not run: one pass of the optimiser says whether they can be typed. Views are not planned again within what
    /// reads them, see [`Self::stand_in`].
    pub(crate) fn for_checks(mut self) -> Self {
        self.context.state_ref().write().config_mut().options_mut().optimizer.max_passes = 1;
        self.only_types = true;
        self
    }

    /// Only the rows of a table or model that pass a condition are seen, by everything that reads it.
    #[must_use]
    pub fn with_filter(mut self, name: &str, condition: &str) -> Self {
        self.filters.insert(name.to_owned(), condition.to_owned());
        self
    }

    /// `changed_<table>` holds the rows of the given files.
    #[must_use]
    pub fn with_changed(mut self, changed: Tables) -> Self {
        self.changed = changed;
        self
    }

    /// Makes the rows of a view, for this session and others with the same parameters.
    pub async fn hold(&mut self, view: &str) -> Result<HeldView> {
        let frame = self.table(view).await?;
        HeldView::rows_of(&self.context, view, frame, self.engine.threads).await
    }

    /// What reads the view finds the rows that are held, and the view is not planned.
    pub fn read_held(&mut self, held: &HeldView) -> Result<()> {
        // It may be there as a view.
        let _ = self.context.deregister_table(&held.view);
        let table = Arc::clone(&held.table);
        self.context.register_table(&held.view, table).map_err(|error| Error::running(&held.view, &error))?;
        self.registered.insert(held.view.clone());
        Ok(())
    }

    /// Plans a parsed SELECT.
    pub async fn plan(&mut self, parsed: &Parsed) -> Result<DataFrame> {
        let mut references = parsed.references().clone();
        for (name, files) in self.changed.clone() {
            let alias = format!("{CHANGED}{name}");
            if references.remove(&alias) && !self.registered.contains(&alias) {
                let provider = self.stored(&name, files)?;
                self.put(&alias, provider).await?;
            }
        }
        self.graph.check_references(parsed, &references)?;
        self.register(&references).await?;
        self.plan_registered(parsed).await
    }

    /// Plans SQL text that stands in a definition file.
    pub async fn plan_text(&mut self, path: &Path, text: &str) -> Result<DataFrame> {
        let parsed = Parsed::new(path, text)?;
        self.plan(&parsed).await
    }

    /// A table or model as a data frame.
    pub async fn table(&mut self, name: &str) -> Result<DataFrame> {
        self.register(&BTreeSet::from([name.to_owned()])).await?;
        self.context.table(name).await.map_err(|error| Error::running(name, &error))
    }

    /// Runs a planned SELECT; rows come as they are made.
    pub async fn stream(&self, what: &str, frame: DataFrame) -> Result<SendableRecordBatchStream> {
        let failed = |error: &datafusion::common::DataFusionError| Error::running(what, error);
        let task = Arc::new(frame.task_ctx());
        let plan = frame.create_physical_plan().await.map_err(|error| failed(&error))?;
        tracing::trace!("{what}:\n{}", displayable(plan.as_ref()).indent(false));
        execute_stream(plan, task).map_err(|error| failed(&error))
    }

    /// Runs a planned SELECT to its end. For results that are known to be small.
    pub async fn collect(&self, what: &str, frame: DataFrame) -> Result<Vec<RecordBatch>> {
        frame.collect().await.map_err(|error| Error::running(what, &error))
    }

    async fn plan_registered(&mut self, parsed: &Parsed) -> Result<DataFrame> {
        let mut bound = parsed.bind(&self.parameters)?;
        let mut steps = Steps::make(&self.context, parsed, &mut bound, &self.registered).await?;
        let state = self.context.state();
        let plan = state.statement_to_plan(bound).await;
        steps.remove(&self.context);
        self.memory.append(&mut steps.memory);
        Ok(DataFrame::new(state, plan.map_err(|error| Error::planning(&parsed.path, &error))?))
    }

    async fn register(&mut self, names: &BTreeSet<String>) -> Result<()> {
        let (stored, views) = self.graph.missing(names, &self.registered);
        for name in stored {
            let files = self.tables.get(&name).cloned().unwrap_or_default();
            let provider = self.stored(&name, files)?;
            self.put(&name, provider).await?;
        }
        for name in views {
            let Some(parsed) = self.graph.model(&name) else { continue };
            let frame = self.plan_registered(parsed).await?;
            if self.only_types {
                self.stand_in(&name, Arc::clone(optimized(&parsed.path, frame)?.schema().inner())).await?;
            } else {
                self.put(&name, Arc::new(ViewTable::new(frame.into_unoptimized_plan(), None))).await?;
            }
        }
        Ok(())
    }

    /// What reads a view is planned against the types that the view gives.
    pub(crate) async fn stand_in(&mut self, view: &str, types: SchemaRef) -> Result<()> {
        if self.registered.contains(view) { Ok(()) } else { self.put(view, Arc::new(EmptyTable::new(types))).await }
    }

    fn stored(&self, name: &str, files: Vec<ScanFile>) -> Result<Arc<dyn TableProvider>> {
        let table = self.project.table(name).map_err(|error| Error::Data(error.to_string()))?;
        Ok(Arc::new(LakeTable::new(&contract_order(table), table.is_partitioned(), files, self.engine.store.clone())))
    }

    async fn put(&mut self, name: &str, provider: Arc<dyn TableProvider>) -> Result<()> {
        let failed = |error: &datafusion::common::DataFusionError| Error::running(name, error);
        let provider = match self.filters.get(name) {
            None => provider,
            Some(condition) => {
                let scan = LogicalPlanBuilder::scan(name, provider_as_source(provider), None).map_err(|error| failed(&error))?;
                let expression = self.condition(name, condition, &scan)?;
                let plan = scan.filter(expression).and_then(LogicalPlanBuilder::build).map_err(|error| failed(&error))?;
                // The rows themselves, not a plan: known values in a plan would change how what reads it is planned.
                let rows = DataFrame::new(self.context.state(), plan).cache().await.map_err(|error| failed(&error))?;
                rows.into_view()
            }
        };
        self.context.register_table(name, provider).map_err(|error| failed(&error))?;
        self.registered.insert(name.to_owned());
        Ok(())
    }

    fn condition(&self, name: &str, condition: &str, scan: &LogicalPlanBuilder) -> Result<Expr> {
        let path = Path::new(name);
        let select = Parsed::new(path, &format!("select 1 where {condition}"))?.bind(&self.parameters)?.to_string();
        let bound = select.split_once(" WHERE ").map_or("true", |(_, condition)| condition);
        self.context.parse_sql_expr(bound, scan.schema()).map_err(|error| Error::planning(path, &error))
    }
}

/// The optimiser resolves types; what cannot be typed fails here and not at night.
pub(crate) fn optimized(path: &Path, frame: DataFrame) -> Result<DataFrame> {
    let (state, plan) = frame.into_parts();
    let plan = state.optimize(&plan).map_err(|error| Error::planning(path, &error))?;
    Ok(DataFrame::new(state, plan))
}

/// Only the rows of some months.
pub fn only_months(what: &str, frame: DataFrame, months: &BTreeSet<NaiveDate>) -> Result<DataFrame> {
    frame.filter(col("period_month").in_list(literals(months), false)).map_err(|error| Error::running(what, &error))
}

/// The rows of all months but some, and those that have none.
pub fn other_months(what: &str, frame: DataFrame, months: &BTreeSet<NaiveDate>) -> Result<DataFrame> {
    let month = col("period_month");
    frame.filter(month.clone().in_list(literals(months), true).or(month.is_null())).map_err(|error| Error::running(what, &error))
}

fn literals(months: &BTreeSet<NaiveDate>) -> Vec<Expr> {
    months.iter().map(|month| lit(ScalarValue::Date32(Some(Date32Type::from_naive_date(*month))))).collect()
}

/// Rows in the declared order, nulls last.
pub fn ordered(what: &str, frame: DataFrame, keys: &[SortKey]) -> Result<DataFrame> {
    frame.sort(keys.iter().map(|key| ident(&key.column).sort(!key.descending, false)).collect()).map_err(|error| Error::running(what, &error))
}

/// Rows in the declared order, ties by all other columns.
pub fn sorted(what: &str, frame: DataFrame, keys: &[SortKey]) -> Result<DataFrame> {
    let names: Vec<String> = frame.schema().fields().iter().map(|field| field.name().clone()).collect();
    let declared = keys.iter().map(|key| ident(&key.column).sort(!key.descending, false));
    let others = names.iter().filter(|name| !keys.iter().any(|key| key.column == **name)).map(|name| ident(name).sort(true, true));
    frame.sort(declared.chain(others).collect()).map_err(|error| Error::running(what, &error))
}

/// The columns as the contract lists them; those that are implied follow.
fn contract_order(table: &Table) -> Schema {
    let stored = takings_lake::table_schema(table);
    let (mut listed, implied): (Vec<_>, Vec<_>) = stored.fields().iter().cloned().partition(|field| table.column(field.name()).is_some());
    let place = |name: &str| table.columns.iter().position(|column| column.name == name);
    listed.sort_by_key(|field| place(field.name()));
    Schema::new(listed.into_iter().chain(implied).collect::<Vec<_>>())
}
