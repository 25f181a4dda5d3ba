//! What is run and where: a project with its job and tick, a store with its ledger, and a run of the one on the other.

use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

use chrono::TimeDelta;
use object_store::memory::InMemory;
use takings_definitions::{Job, Project, Tick};
use takings_engine::Graph;
use takings_faults::Faults;
use takings_runs::Claim;
use takings_scheduler::Scheduler;
use takings_storage::Store;
use tempfile::TempDir;
use tokio::runtime::{Builder, Runtime};
use url::Url;

use crate::context::{Context, now};
use crate::failure::Result;
use crate::holder::{self, AtWork};
use crate::job::{self, Order};
use crate::output::Progress;
use crate::simulation::clock::Clock;
use crate::stop::Stop;
use crate::watch;

const PREFIX: &str = "takings-crash-";

/// A folder in memory, where there is one: durable writes are slow on a disk. What a killed test left there is removed.
pub fn scratch() -> TempDir {
    static BASE: OnceLock<PathBuf> = OnceLock::new();
    let base = BASE.get_or_init(|| {
        let memory = Path::new("/dev/shm");
        let base = if memory.is_dir() { memory.to_owned() } else { std::env::temp_dir() };
        for entry in std::fs::read_dir(&base).unwrap().flatten() {
            let name = entry.file_name().to_string_lossy().into_owned();
            let pid = name.strip_prefix(PREFIX).and_then(|rest| rest.split_once('-')).map(|(pid, _)| pid);
            if pid.is_some_and(|pid| !Path::new("/proc").join(pid).exists()) {
                let _ = std::fs::remove_dir_all(entry.path());
            }
        }
        base
    });
    tempfile::Builder::new().prefix(&format!("{PREFIX}{}-", std::process::id())).tempdir_in(base).unwrap()
}

/// For a run, which has threads of its own.
pub fn runtime() -> Runtime {
    Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap()
}

/// To read what is there.
pub fn reading() -> Runtime {
    Builder::new_current_thread().enable_all().build().unwrap()
}

/// What is run.
#[derive(Debug, Clone)]
pub struct Scene {
    pub project: PathBuf,
    /// The variable that says where the feeds are.
    pub variable: String,
    pub feeds: PathBuf,
    pub job: &'static str,
    pub tick: String,
    /// Whether the scheduler finds out what is due. The tick is not said then.
    pub scheduled: bool,
    /// With more than one, files are decoded while others land.
    pub threads: u32,
}

impl Scene {
    /// The folder of the store.
    pub fn store(&self, place: &Place) -> PathBuf {
        place.path().join("data")
    }

    fn load(&self, place: &Place) -> Project {
        let text = |path: &Path| path.to_str().unwrap().to_owned();
        let variables = [
            ("TAKINGS_STORE__URL".to_owned(), text(&self.store(place))),
            ("TAKINGS_LEDGER__URL".to_owned(), text(&place.path().join("ledger.sqlite"))),
            ("TAKINGS_ENGINE__THREADS".to_owned(), self.threads.to_string()),
            (self.variable.clone(), format!("file://{}", self.feeds.display())),
        ];
        Project::load(&self.project, None, variables).unwrap()
    }
}

/// How a run ended.
#[derive(Debug, PartialEq, Eq)]
pub enum Ended {
    Well,
    Badly(String),
}

/// A store and its ledger.
pub struct Place {
    folder: Folder,
    bucket: Option<Arc<InMemory>>,
}

enum Folder {
    Own(TempDir),
    Of(PathBuf),
}

impl Place {
    pub fn new() -> Self {
        Self { folder: Folder::Own(scratch()), bucket: None }
    }

    pub fn bucket() -> Self {
        Self { folder: Folder::Own(scratch()), bucket: Some(Arc::default()) }
    }

    /// The place of another process.
    pub fn at(folder: &Path) -> Self {
        Self { folder: Folder::Of(folder.to_owned()), bucket: None }
    }

    /// The same place, as another process sees it.
    pub fn again(&self) -> Self {
        Self { folder: Folder::Of(self.path().to_owned()), bucket: self.bucket.clone() }
    }

    pub fn path(&self) -> &Path {
        match &self.folder {
            Folder::Own(folder) => folder.path(),
            Folder::Of(path) => path,
        }
    }

    pub fn copy(&self) -> Self {
        let copy = Self { folder: Folder::Own(scratch()), bucket: self.bucket.as_ref().map(|bucket| Arc::new(bucket.fork())) };
        copy_folder(self.path(), copy.path());
        copy
    }

    pub async fn open(&self, scene: &Scene, faults: Faults) -> Result<Context> {
        let project = scene.load(self);
        let graph = Graph::new(&project)?;
        let store = match &self.bucket {
            Some(bucket) => Store::on(Url::parse("s3://bucket/").unwrap(), bucket.clone()),
            None => Store::open_or_create(&project.settings.store, &project.root)?,
        };
        Context::on(project, graph, store, faults).await
    }

    /// Runs the scene's job once, from opening the project to closing it, as a process of its own would.
    pub fn run(&self, scene: &Scene, faults: Faults) -> Ended {
        self.run_in(&runtime(), scene, faults)
    }

    /// The same by another clock than the machine's.
    pub fn run_by(&self, clock: &Clock, scene: &Scene, faults: Faults) -> Ended {
        let by_clock = || {
            clock.rules_here();
            self.run_in(&clock.runtime(), scene, faults)
        };
        std::thread::scope(|scope| scope.spawn(by_clock).join().unwrap())
    }

    fn run_in(&self, runtime: &Runtime, scene: &Scene, faults: Faults) -> Ended {
        runtime.block_on(async {
            let context = match self.open(scene, faults).await {
                Ok(context) => context,
                Err(failure) => return Ended::Badly(failure.to_string()),
            };
            let done = if scene.scheduled { by_scheduler(&context).await } else { by_hand(&context, scene).await };
            context.ledger.close().await;
            match done {
                Ok(failures) if failures.is_empty() => Ended::Well,
                Ok(failures) => Ended::Badly(failures.join("; ")),
                Err(failure) => Ended::Badly(failure.to_string()),
            }
        })
    }
}

async fn by_hand(context: &Context, scene: &Scene) -> Result<Vec<String>> {
    let job = context.project.job(scene.job)?;
    one(context, job, job.tick_at(&scene.tick)?, Claim::Asked, None).await
}

/// As a scheduler does that ends when it knows of nothing to run.
async fn by_scheduler(context: &Context) -> Result<Vec<String>> {
    let at_work = AtWork::new();
    let scheduler = Scheduler { ledger: context.ledger.clone(), holder: at_work.holder.clone(), retry_after: TimeDelta::zero() };
    scheduler.ledger.recover(&scheduler.holder, now(), holder::alive_in(&context.store)).await?;
    loop {
        let woken = scheduler.wake(&context.project.jobs, now(), true, async |job| watch::look(context, job).await).await?;
        let Some(due) = woken.run else { return Ok(woken.waiting.into_iter().map(|waiting| waiting.why).collect()) };
        let failures = one(context, context.project.job(&due.job)?, due.tick, Claim::Due, due.warning).await?;
        if !failures.is_empty() {
            return Ok(failures);
        }
    }
}

async fn one(context: &Context, job: &Job, tick: Tick, claim: Claim, warning: Option<String>) -> Result<Vec<String>> {
    let order = Order { job, tick, known_at: job.known_at(tick), force: false, restate: false, claim, warning, stop: Stop::default() };
    Ok(job::run(context, &order, &Progress::new(true)).await?.failures())
}

fn copy_folder(from: &Path, to: &Path) {
    for entry in std::fs::read_dir(from).unwrap().map(std::result::Result::unwrap) {
        let target = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            std::fs::create_dir_all(&target).unwrap();
            copy_folder(&entry.path(), &target);
        } else {
            std::fs::copy(entry.path(), target).unwrap();
        }
    }
}
