//! A history, drawn from a seed: day after day the source changes, the clock moves, one scheduler or two look after the project, and something
//! goes wrong. After each day readers look; at the end all must be as if nothing had ever gone wrong.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use chrono::{DateTime, NaiveDate, TimeDelta, Utc};
use takings_faults::{Fault, Faults, Kind, Nth};
use tempfile::TempDir;

use super::chance::Chance;
use super::clock::Clock;
use super::process::{Did, Lived, Process};
use super::readers::Readers;
use super::source::{Source, second, start_of};
use super::turns::{Door, Moment, Stall, Turns};
use crate::crash::feeds;
use crate::crash::place::{Place, Scene, runtime, scratch};
use crate::crash::state::nameless;

/// The day on which it begins. One tick is due then.
const FIRST_DAY: i64 = 8;
/// The job's ticks begin on this day.
const START: &str = "2026-02-27";
/// The clock goes no further while things go wrong.
const LAST_DAY: i64 = 13;
/// Longer than a lease.
const STALLED: TimeDelta = TimeDelta::minutes(6);

/// Where a scheduler may stand still: between the steps of a run, and in the middle of some.
const MOMENTS: [(Kind, &str); 10] = [
    (Kind::Step, "pull"),
    (Kind::Place, "landing/records/"),
    (Kind::Step, "publish"),
    (Kind::Place, "lake/mini_sale/_delta_log/"),
    (Kind::Step, "transform"),
    (Kind::Place, "lake/fct_sale/_delta_log/"),
    (Kind::Step, "snapshot"),
    (Kind::Step, "mirror"),
    (Kind::Step, "emit"),
    (Kind::Step, "stale"),
];

/// Files that are replaced for readers.
const REPLACED: [(Kind, &str); 3] = [(Kind::Place, "bi/"), (Kind::Place, "datasets/"), (Kind::Place, "reports/")];

/// What of the ledger matters most.
const COMMITS: [(Kind, &str); 8] = [
    (Kind::Commit, "begin_run"),
    (Kind::Commit, "move_run"),
    (Kind::Commit, "record_landing"),
    (Kind::Commit, "save_units"),
    (Kind::Commit, "set_model_state"),
    (Kind::Commit, "record_snapshot"),
    (Kind::Commit, "record_delivery"),
    (Kind::Commit, "release"),
];

/// As [`Fault`] says them.
pub const FAULTS: [&str; 3] = ["fails", "is done by half", "is where the process ends"];

pub type Counts = BTreeMap<String, u64>;

/// What happens, one line each, and how often each kind of it did.
#[derive(Debug, Default)]
pub struct Told {
    pub lines: Vec<String>,
    pub counts: Counts,
}

impl Told {
    pub fn count(&mut self, what: impl Into<String>) {
        *self.counts.entry(what.into()).or_default() += 1;
    }
}

/// A project with its source folder, its store and its time.
pub struct World {
    /// The project's definitions and the source folder.
    folder: TempDir,
    pub place: Place,
    pub scene: Scene,
    pub clock: Clock,
    /// So many bad records of a file are let pass.
    pub limit: u64,
    pub told: Arc<Mutex<Told>>,
    /// What the source held, one after the other; the last is what it holds.
    pub states: Arc<Mutex<Vec<Source>>>,
    pub readers: Readers,
    chance: Chance,
}

impl World {
    pub fn new(seed: u64) -> Self {
        let mut chance = Chance::of(seed);
        let folder = scratch();
        let limit = *chance.pick(&[0, 0, 5]);
        let retries = *chance.pick(&[1, 9]);
        for (path, text) in feeds::definitions() {
            let text = match path {
                "config/channels/mini.toml" => text.replace("quarantine_limit = 1", &format!("quarantine_limit = {limit}\nduplicate_content = \"refuse\"")),
                "jobs/nightly.toml" => format!("{text}start = \"{START}\"\nretries = {retries}\n"),
                _ => text,
            };
            let path = folder.path().join(path);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, text).unwrap();
        }
        let scene = Scene {
            job: "nightly",
            project: folder.path().to_owned(),
            variable: "TAKINGS_INSTANCES__MINI__MAIN__URL".to_owned(),
            feeds: folder.path().join("feeds"),
            tick: String::new(),
            scheduled: true,
            threads: 1,
        };
        let source = Source::new(&mut chance);
        for path in source.paths() {
            source.write(&scene.feeds, path);
        }
        let told = Told { lines: vec![format!("{limit} bad records of a file are let pass, a failed tick is tried {retries} times more")], ..Told::default() };
        Self {
            folder,
            place: Place::new(),
            scene,
            clock: Clock::at(start_of(FIRST_DAY) + TimeDelta::minutes(30)),
            limit,
            told: Arc::new(Mutex::new(told)),
            states: Arc::new(Mutex::new(vec![source])),
            readers: Readers::default(),
            chance,
        }
    }

    /// Lives through the days; all that is wrong.
    pub fn live(&mut self) -> Vec<String> {
        let mut latest = self.clock.now();
        for _ in 0..self.chance.between(3, 4) {
            let from = self.change_source();
            self.move_clock();
            self.look_after();
            latest = latest.max(self.clock.now());
            let wrong = self.readers_look(from);
            if !wrong.is_empty() {
                return wrong;
            }
        }
        let from = self.settle(latest);
        let wrong = self.come_to_rest();
        if wrong.is_empty() { self.readers_look(from) } else { wrong }
    }

    /// Up to two events; from which state on the source can be read from now on.
    fn change_source(&mut self) -> usize {
        let today = today(&self.clock);
        for _ in 0..self.chance.below(3) {
            change(&self.states, &self.told, &self.scene, &mut self.chance, today);
        }
        self.states.lock().unwrap().len() - 1
    }

    fn move_clock(&mut self) {
        let (kind, hours) = match self.chance.below(10) {
            0..=3 => ("a day later", 24),
            4 => ("some hours later", self.chance.between(1, 9)),
            5..=7 => ("days later: the clock jumps over ticks", self.chance.between(2, 3) * 24),
            8 => ("earlier: the clock jumps back", -self.chance.between(1, 40)),
            _ => return,
        };
        let far = today(&self.clock) + hours / 24 > LAST_DAY;
        if !far {
            self.clock.jump(TimeDelta::hours(hours));
            let mut told = self.told.lock().unwrap();
            told.lines.push(format!("{kind}, it is {}", second(self.clock.now())));
            told.count(kind);
        }
    }

    /// One scheduler looks after the project, or two that meet.
    fn look_after(&mut self) {
        let two = self.chance.one_in(2);
        let stall = (two && self.chance.one_in(2)).then(|| self.stall());
        let turns = Arc::new(if two { Turns::of_two() } else { Turns::alone() });
        let one_in = *self.chance.pick(&[3, 12, 40]);
        let faults: Vec<Arc<Nth>> = (0..=usize::from(two)).map(|_| Arc::new(self.fault())).collect();
        let mut stalls = stall.into_iter();
        let doors: Vec<Door> =
            faults.iter().enumerate().map(|(me, fault)| Door::new(me, turns.clone(), fault.clone(), one_in, self.chance.branch(), stalls.next())).collect();
        let lived: Vec<Lived> = std::thread::scope(|scope| {
            let lives: Vec<_> = doors
                .into_iter()
                .zip(&faults)
                .enumerate()
                .map(|(me, (door, fault))| {
                    let process = self.process(me, &turns);
                    scope.spawn(move || process.live(door, fault))
                })
                .collect();
            lives.into_iter().map(|life| life.join().unwrap()).collect()
        });
        let mut told = self.told.lock().unwrap();
        for (name, (lived, fault)) in ["A", "B"].iter().zip(lived.iter().zip(&faults)) {
            if let Some(fired) = fault.fired() {
                told.lines.push(format!("scheduler {name}: {fault:?}, a {:?} of {}", fired.kind, nameless(&fired.on)));
                told.count(format!("an operation {}", kind_of_fault(fault)));
            }
            told.lines.extend(lived.did.iter().map(|did| format!("scheduler {name} {did}")));
            for did in &lived.did {
                told.count(kind(did));
            }
        }
        if turns.changes() > 0 {
            told.count("two schedulers changed turns");
        }
    }

    /// The first scheduler stands still for longer than its lease, and maybe the source changes meanwhile.
    fn stall(&mut self) -> Stall {
        let (states, told, scene, clock) = (self.states.clone(), self.told.clone(), self.scene.clone(), self.clock.clone());
        let mut chance = self.chance.branch();
        let at = match self.chance.below(4) {
            // While it looks what is due.
            0 => Moment::Number(1 + self.chance.below(12)),
            1 => self.moment(&REPLACED),
            _ => self.moment(&MOMENTS),
        };
        let meanwhile = move || {
            {
                let mut told = told.lock().unwrap();
                told.lines.push(format!("scheduler A stands still for {} minutes, at {at:?}", STALLED.num_minutes()));
                told.count("a scheduler stood still");
            }
            clock.jump(STALLED);
            if chance.one_in(2) {
                change(&states, &told, &scene, &mut chance, today(&clock));
                told.lock().unwrap().count("the source changed while a scheduler stood still");
            }
        };
        Stall { at, meanwhile: Box::new(meanwhile) }
    }

    fn moment(&mut self, of: &[(Kind, &'static str)]) -> Moment {
        let (kind, on) = *self.chance.pick(of);
        Moment::First(kind, on)
    }

    /// In two of three lives one operation goes wrong: the N-th, or one that matters.
    fn fault(&mut self) -> Nth {
        let fault = match self.chance.below(6) {
            0 => Fault::Fail,
            1 => Fault::Tear,
            2 | 3 => Fault::End,
            _ => return Nth::new(Fault::Fail, 0),
        };
        if self.chance.one_in(2) {
            return Nth::new(fault, 1 + self.chance.below(400));
        }
        let (kind, on) = *self.chance.pick(&[&MOMENTS[..], &REPLACED, &COMMITS].concat());
        Nth::new(fault, 1 + self.chance.below(2)).counting(move |operation| operation.kind == kind && operation.on.starts_with(on))
    }

    pub fn process<'a>(&'a self, me: usize, turns: &Arc<Turns>) -> Process<'a> {
        Process { me, place: self.place.path(), scene: &self.scene, clock: self.clock.clone(), turns: turns.clone() }
    }

    /// From now on the job's ticks begin on another day.
    pub fn start_job_on(&self, day: NaiveDate) {
        let path = self.folder.path().join("jobs/nightly.toml");
        let text = std::fs::read_to_string(&path).unwrap();
        std::fs::write(&path, text.replace(START, &day.to_string())).unwrap();
    }

    pub fn store(&self) -> PathBuf {
        self.scene.store(&self.place)
    }

    fn readers_look(&mut self, from: usize) -> Vec<String> {
        let store = self.store();
        let states = self.states.lock().unwrap().clone();
        let (place, scene, readers, limit) = (&self.place, &self.scene, &mut self.readers, self.limit);
        runtime().block_on(async {
            match place.open(scene, Faults::default()).await {
                Err(failure) => vec![format!("readers can't open the project: {failure}")],
                Ok(context) => {
                    let wrong = readers.look(&context, &store, &states, from, limit).await.unwrap_or_else(|failure| vec![failure.to_string()]);
                    context.ledger.close().await;
                    wrong
                }
            }
        })
    }

    /// What was cut comes whole, and the clock is right.
    fn settle(&mut self, latest: DateTime<Utc>) -> usize {
        let mut source = self.states.lock().unwrap().last().unwrap().clone();
        for path in source.settle(&mut self.chance, today(&self.clock)) {
            source.write(&self.scene.feeds, &path);
        }
        self.states.lock().unwrap().push(source);
        self.clock.jump(latest - self.clock.now() + TimeDelta::hours(1));
        self.told.lock().unwrap().lines.push(format!("all files are whole, nothing goes wrong any more, it is {}", second(self.clock.now())));
        self.states.lock().unwrap().len() - 1
    }
}

/// One event in the source folder.
fn change(states: &Mutex<Vec<Source>>, told: &Mutex<Told>, scene: &Scene, chance: &mut Chance, today: i64) {
    let mut source = states.lock().unwrap().last().unwrap().clone();
    let (event, path) = source.change(chance, today);
    source.write(&scene.feeds, &path);
    states.lock().unwrap().push(source);
    let mut told = told.lock().unwrap();
    told.lines.push(format!("{path}: {event:?}"));
    told.count(format!("source: {event:?}"));
}

pub fn today(clock: &Clock) -> i64 {
    (clock.now() - start_of(0)).num_days()
}

fn kind_of_fault(fault: &Nth) -> &'static str {
    let said = format!("{fault:?}");
    FAULTS.into_iter().find(|kind| said.ends_with(kind)).unwrap_or("goes wrong otherwise")
}

fn kind(did: &Did) -> &'static str {
    match did {
        Did::Ran(_, failures) if failures.is_empty() => "a run went well",
        Did::Ran(..) => "a run failed",
        Did::Broke(_, why) if why.contains("took it") => "a run was taken over",
        Did::Broke(..) => "a run broke off",
        Did::Busy(_) => "a run was refused, for another had the project or the tick",
        Did::Stuck(_) => "a scheduler could not look",
        Did::Waits(_) => "a scheduler waited",
    }
}
