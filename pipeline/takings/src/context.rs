//! One project, opened: definitions, model graph, store, ledger, lake and engine.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Mutex;

use chrono::{DateTime, Utc};
use takings_definitions::Project;
use takings_engine::{Engine, Graph};
use takings_faults::Faults;
use takings_lake::Lake;
use takings_runs::Ledger;
use takings_sources::Landing;
use takings_storage::Store;

use crate::cli::Cli;
use crate::failure::Result;

/// The one clock of the program. It says when things happened; it never decides content.
pub fn now() -> DateTime<Utc> {
    #[cfg(test)]
    if let Some(now) = crate::simulation::clock::simulated() {
        return now;
    }
    Utc::now()
}

/// Loads the project that the flags name.
pub fn project(cli: &Cli) -> Result<Project> {
    let root = match &cli.project {
        Some(folder) => folder.clone(),
        None => Project::find(&std::env::current_dir()?)?,
    };
    let root = std::path::absolute(&root)?;
    Ok(Project::load(&root, cli.env.as_deref(), std::env::vars())?)
}

/// An opened project.
pub struct Context {
    pub project: Project,
    pub graph: Graph,
    pub store: Store,
    pub ledger: Ledger,
    pub lake: Lake,
    pub landing: Landing,
    pub engine: Engine,
    pub threads: usize,
    /// What exports said against landed files that others read parts of.
    pub verdicts: Mutex<BTreeMap<String, Option<String>>>,
}

impl Context {
    pub async fn open(cli: &Cli) -> Result<Self> {
        Self::open_with(cli, Faults::default()).await
    }

    /// The same, with a gate before each operation of the store and the ledger.
    pub async fn open_with(cli: &Cli, faults: Faults) -> Result<Self> {
        let project = project(cli)?;
        let graph = Graph::new(&project)?;
        let store = Store::open_or_create(&project.settings.store, &project.root)?;
        Self::on(project, graph, store, faults).await
    }

    /// A project on a store.
    pub async fn on(project: Project, graph: Graph, store: Store, faults: Faults) -> Result<Self> {
        let store = store.with_faults(faults.clone());
        let ledger = open_ledger(&project, &store, faults).await?;
        let threads = project.settings.threads.unwrap_or_else(|| std::thread::available_parallelism().map_or(2, usize::from));
        let engine = engine(&project, &store, threads)?;
        let lake = Lake::new(store.clone(), project.settings.retention_days, now);
        let landing = Landing::new(store.clone());
        Ok(Self { graph, lake, landing, engine, threads, store, ledger, project, verdicts: Mutex::default() })
    }

    /// A named fault point: the next step of a run begins.
    pub fn reach(&self, step: &str) -> Result<()> {
        Ok(self.store.faults().reach(step)?)
    }

    pub fn root(&self) -> &Path {
        &self.project.root
    }
}

/// An engine over a store; it spills to the system's folder for temporary files.
pub fn engine(project: &Project, store: &Store, threads: usize) -> Result<Engine> {
    Ok(Engine::new(store.object_store(), project.settings.memory, threads, &std::env::temp_dir())?)
}

/// The ledger belongs to one store: a store carries an id, and a ledger that knows another is refused.
async fn open_ledger(project: &Project, store: &Store, faults: Faults) -> Result<Ledger> {
    let settings = &project.settings.ledger;
    let password = settings.password.as_ref().map(|secret| secret.line("ledger.password", &project.root)).transpose()?;
    let ledger = Ledger::open_with(&settings.url, password.as_deref(), &project.root, faults).await?;
    let bound = async { Ok(ledger.check_store(&store_id(store).await?).await?) };
    if let Err(failure) = bound.await {
        ledger.close().await;
        return Err(failure);
    }
    Ok(ledger)
}

/// The store's id, made on first use.
async fn store_id(store: &Store) -> Result<String> {
    const ID: &str = "store.id";
    if !store.exists(ID).await? {
        match store.put_new(ID, uuid::Uuid::new_v4().to_string()).await {
            Ok(()) => {}
            Err(error) if error.is_already_exists() => {}
            Err(error) => return Err(error.into()),
        }
    }
    let bytes = store.get(ID).await?;
    Ok(String::from_utf8_lossy(&bytes).trim().to_owned())
}
