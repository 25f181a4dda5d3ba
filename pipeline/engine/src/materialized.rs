//! `with step as materialized (…)`: a step whose rows are made first and held, so that what reads them is planned by how many there are.
//!
//! For steps that give few rows of many: the engine can't know that, and would hold the large side of a join with them. A view that several
//! queries read can be held in the same way.

use std::collections::BTreeSet;
use std::sync::Arc;

use datafusion::arrow::array::RecordBatch;
use datafusion::arrow::compute::concat_batches;
use datafusion::arrow::datatypes::{Field, Schema, SchemaRef};
use datafusion::dataframe::DataFrame;
use datafusion::datasource::MemTable;
use datafusion::execution::memory_pool::{MemoryConsumer, MemoryReservation};
use datafusion::prelude::SessionContext;
use datafusion::sql::parser::Statement as DfStatement;
use datafusion::sql::sqlparser::ast::{Cte, CteAsMaterialized, Query, SetExpr, Statement, With};
use futures::TryStreamExt;

use crate::own_memory::own_columns;
use crate::statement::position;
use crate::{Error, Parsed, Result};

/// Tables of one statement's materialized steps, and the memory that they take.
#[derive(Debug, Default)]
pub(crate) struct Steps {
    names: Vec<String>,
    pub(crate) memory: Vec<MemoryReservation>,
}

impl Steps {
    /// Makes the steps of a bound statement and takes them out of it. They stand as tables until they are [removed](Self::remove).
    pub(crate) async fn make(context: &SessionContext, parsed: &Parsed, bound: &mut DfStatement, taken: &BTreeSet<String>) -> Result<Self> {
        let mut steps = Self::default();
        let DfStatement::Statement(statement) = bound else { return Ok(steps) };
        let Statement::Query(query) = statement.as_mut() else { return Ok(steps) };
        let shell = Query { with: None, order_by: None, limit_clause: None, fetch: None, ..query.as_ref().clone() };
        let Some(with) = query.with.as_mut() else { return Ok(steps) };
        let mut before: Vec<Cte> = Vec::new();
        for cte in std::mem::take(&mut with.cte_tables) {
            if cte.materialized != Some(CteAsMaterialized::Materialized) {
                before.push(cte);
                continue;
            }
            let made = steps.step(context, parsed, with, &before, cte, &shell, taken).await;
            if let Err(error) = made {
                steps.remove(context);
                return Err(error);
            }
        }
        with.cte_tables = before;
        if with.cte_tables.is_empty() {
            query.with = None;
        }
        Ok(steps)
    }

    #[expect(clippy::too_many_arguments, reason = "the parts of one statement")]
    async fn step(
        &mut self,
        context: &SessionContext,
        parsed: &Parsed,
        with: &With,
        before: &[Cte],
        cte: Cte,
        shell: &Query,
        taken: &BTreeSet<String>,
    ) -> Result<()> {
        let name = cte.alias.name.value.to_lowercase();
        let at = position(cte.alias.name.span.start);
        if taken.contains(&name) || !cte.alias.columns.is_empty() {
            let what = "a materialized step needs a name that no table or model has, and names its columns in its SELECT";
            return Err(Error::sql(&parsed.path, at, format!("`{name}`: {what}")));
        }
        let with = (!before.is_empty()).then(|| With { cte_tables: before.to_vec(), ..with.clone() });
        let query = Query { with, body: Box::new(SetExpr::Query(cte.query)), ..shell.clone() };
        let state = context.state();
        let plan = state.statement_to_plan(DfStatement::Statement(Box::new(Statement::Query(Box::new(query))))).await;
        let frame = DataFrame::new(state, plan.map_err(|error| Error::planning(&parsed.path, &error))?);
        let what = format!("{}, step {name}", parsed.path.display());
        let failed = |error: &datafusion::common::DataFusionError| Error::running(&what, error);
        let gathered = Gathered::of(context, &what, frame).await?;
        let batch = concat_batches(&gathered.schema, &gathered.batches).map_err(|error| failed(&error.into()))?;
        let table = MemTable::try_new(gathered.schema, vec![vec![batch]]).map_err(|error| failed(&error))?;
        context.register_table(&name, Arc::new(table)).map_err(|error| failed(&error))?;
        self.names.push(name);
        self.memory.push(gathered.memory);
        Ok(())
    }

    /// The names are free again; plans that were made with the tables keep them.
    pub(crate) fn remove(&mut self, context: &SessionContext) {
        for name in self.names.drain(..) {
            let _ = context.deregister_table(&name);
        }
    }
}

/// The rows of a query, in memory that is accounted for.
struct Gathered {
    schema: SchemaRef,
    batches: Vec<RecordBatch>,
    memory: MemoryReservation,
}

impl Gathered {
    async fn of(context: &SessionContext, what: &str, frame: DataFrame) -> Result<Self> {
        let failed = |error: &datafusion::common::DataFusionError| Error::running(what, error);
        let memory = MemoryConsumer::new(what).register(&context.runtime_env().memory_pool);
        let mut rows = frame.execute_stream().await.map_err(|error| failed(&error))?;
        // What runs a plan may give another form of text, and call a column nullable, where the plan does not.
        let fields: Vec<Field> = rows.schema().fields().iter().map(|field| field.as_ref().clone().with_nullable(true)).collect();
        let schema = Arc::new(Schema::new(fields));
        let mut batches = Vec::new();
        while let Some(batch) = rows.try_next().await.map_err(|error| failed(&error))? {
            if batch.num_rows() > 0 {
                let batch = own_columns(&batch).and_then(|columns| Ok(RecordBatch::try_new(Arc::clone(&schema), columns)?)).map_err(|error| failed(&error))?;
                memory.try_grow(batch.get_array_memory_size()).map_err(|error| failed(&error))?;
                batches.push(batch);
            }
        }
        Ok(Self { schema, batches, memory })
    }
}

/// The rows of a view, made once for all that read it.
#[derive(Debug)]
pub struct HeldView {
    pub(crate) view: String,
    pub(crate) table: Arc<MemTable>,
    /// Given back with the rows.
    _memory: MemoryReservation,
}

impl HeldView {
    /// The rows are dealt to as many parts as threads will read them.
    pub(crate) async fn rows_of(context: &SessionContext, view: &str, frame: DataFrame, threads: usize) -> Result<Self> {
        let Gathered { schema, batches, memory } = Gathered::of(context, &format!("rows of {view}"), frame).await?;
        let mut parts = vec![Vec::new(); threads.max(1)];
        for (at, batch) in batches.into_iter().enumerate() {
            parts[at % threads.max(1)].push(batch);
        }
        let table = MemTable::try_new(schema, parts).map_err(|error| Error::running(view, &error))?;
        Ok(Self { view: view.to_owned(), table: Arc::new(table), _memory: memory })
    }
}
