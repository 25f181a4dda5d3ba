//! The end of a history: nothing goes wrong any more, and all comes to where a project would be that had only seen the end.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use chrono::{DateTime, NaiveDate, NaiveTime, TimeDelta, Utc};
use takings_faults::{Fault, Faults, Nth};
use takings_runs::{RunFilter, RunState, TickFilter, TickState};

use super::chance::Chance;
use super::history::World;
use super::process::{Did, Process};
use super::readers::{TABLES, mirror, rows};
use super::source::Source;
use super::turns::{Door, Turns};
use crate::context::Context;
use crate::crash::place::{Place, runtime};
use crate::crash::state::State;
use crate::failure::Result;

/// So many of the last days' ticks are made again in a project that sees the end alone. The reports of all ticks are reckoned from the rows.
const TICKS_AGAIN: i64 = 2;

impl World {
    /// Runs until nothing is due, a person helps where the program asks for one, and a last run is like any other.
    pub fn come_to_rest(&mut self) -> Vec<String> {
        let mut wrong = Vec::new();
        for _ in 0..30 {
            let did = self.undisturbed(self.place.path());
            let failed = self.failed();
            self.tell(&did);
            wrong.extend(did.iter().filter(|did| !is_well(did) && !asks_for_a_person(did)).map(|did| format!("undisturbed, a scheduler {did}")));
            if failed.is_empty() || !wrong.is_empty() {
                break;
            }
            for (tick, state) in failed {
                self.told.lock().unwrap().count(if state == TickState::GivenUp { "a tick was given up" } else { "a report was refused: it has other bytes" });
                let did = self.process(0, &Arc::new(Turns::alone())).by_hand(tick).did;
                self.told.lock().unwrap().lines.extend(did.iter().map(|did| format!("a person {did}")));
                wrong.extend(did.iter().filter(|did| !is_well(did)).map(|did| format!("a person {did}")));
            }
        }
        self.clock.jump(TimeDelta::days(1));
        let did = self.undisturbed(self.place.path());
        self.tell(&did);
        if !matches!(&did[..], [Did::Ran(_, failures)] if failures.is_empty()) {
            wrong.push(format!("the last run is not like any other: {did:?}"));
        }
        if wrong.is_empty() { self.compare() } else { wrong }
    }

    fn tell(&self, did: &[Did]) {
        self.told.lock().unwrap().lines.extend(did.iter().map(|did| format!("undisturbed: {did}")));
    }

    fn undisturbed(&self, place: &Path) -> Vec<Did> {
        let turns = Arc::new(Turns::alone());
        let none = Arc::new(Nth::new(Fault::Fail, 0));
        let door = Door::new(0, turns.clone(), none.clone(), u64::MAX, Chance::of(0), None);
        Process { place, ..self.process(0, &turns) }.live(door, &none).did
    }

    /// The ticks that nobody runs any more, and those that fail again and again.
    fn failed(&self) -> Vec<(DateTime<Utc>, TickState)> {
        self.within(&self.place, async |context| {
            let ticks = context.ledger.ticks(&TickFilter::default()).await?;
            Ok(ticks.into_iter().filter(|tick| matches!(tick.state, TickState::GivenUp | TickState::Failed)).map(|tick| (tick.tick, tick.state)).collect())
        })
        .unwrap()
    }

    fn within<T>(&self, place: &Place, look: impl AsyncFnOnce(&Context) -> Result<T>) -> Result<T> {
        runtime().block_on(async {
            let context = place.open(&self.scene, Faults::default()).await?;
            let seen = look(&context).await;
            context.ledger.close().await;
            seen
        })
    }

    /// All that differs from the rows themselves, and from a project that has seen nothing but the last state of the source.
    fn compare(&self) -> Vec<String> {
        let source = self.states.lock().unwrap().last().unwrap().clone();
        let mut wrong = match self.within(&self.place, async |context| self.reckon(context, &source).await) {
            Ok(wrong) => wrong,
            Err(failure) => vec![failure.to_string()],
        };
        let fresh = Place::new();
        let first = (self.clock.now() - TimeDelta::days(TICKS_AGAIN)).date_naive();
        self.start_job_on(first);
        let did = self.undisturbed(fresh.path());
        wrong.extend(did.iter().filter(|did| !is_well(did)).map(|did| format!("in a project that has seen the end alone a scheduler {did}")));
        let (is, should) = (State::of(&self.place, &self.scene), State::of(&fresh, &self.scene));
        wrong.extend(is.shows_otherwise(&should, |path| self.may_differ(path, &source, first)));
        wrong.extend(is.leftovers());
        wrong
    }

    /// A report that was made of another state of the source, and its revisions, stay. Of ticks before `first` there is nothing to compare.
    fn may_differ(&self, path: &str, source: &Source, first: NaiveDate) -> bool {
        // Manifests name what was there when they were made.
        if path.ends_with(".json") || path.contains(".r") || !(path.starts_with("reports/") || path.starts_with("datasets/")) {
            return !path.starts_with("bi/");
        }
        let day = path.trim_end_matches(".csv").rsplit_once('_').map_or("", |(_, day)| day);
        let day: NaiveDate = day.parse().unwrap();
        let tick = day.and_time(NaiveTime::MIN).and_utc();
        day < first || self.states.lock().unwrap().iter().any(|state| state.report(tick) != source.report(tick))
    }

    /// Counts again, from the rows of the source alone.
    async fn reckon(&self, context: &Context, source: &Source) -> Result<Vec<String>> {
        let (mut wrong, store) = (Vec::new(), self.store());
        for (table, columns) in TABLES {
            let files = context.lake.state(context.project.table(table)?, None).await?.map(|state| state.files.clone()).unwrap_or_default();
            if rows(&store, table, &files, columns).as_ref() != Ok(&source.rows(table)) {
                wrong.push(format!("{table} has other rows than the source"));
            }
        }
        if mirror(&store).as_ref() != Ok(&source.rows("fct_sale")) {
            wrong.push("bi/ has other rows than the source".to_owned());
        }
        let units = context.ledger.units("mini_sale").await?;
        let mut sums = BTreeMap::<String, i128>::new();
        for (name, sum) in units.iter().filter_map(|unit| unit.totals.as_object()).flatten() {
            let currency = name.strip_prefix("amount ").unwrap_or(name);
            *sums.entry(currency.to_owned()).or_default() += sum.as_str().and_then(|sum| sum.parse::<i128>().ok()).unwrap_or(i128::MAX / 2);
        }
        let accounts = (units.iter().map(|unit| unit.published).sum::<u64>(), sums);
        if accounts != source.money() || units.iter().any(|unit| unit.records != unit.published) {
            wrong.push(format!("the accounts say {accounts:?}, the source has {:?}", source.money()));
        }
        wrong.extend(context.store.list("quarantine/").await?.iter().map(|object| format!("{} is left", object.location)));
        self.ticks(context, &mut wrong).await?;
        Ok(wrong)
    }

    /// Each tick is done, and once.
    async fn ticks(&self, context: &Context, wrong: &mut Vec<String>) -> Result<()> {
        let job = context.project.job("nightly")?;
        let start = job.day(job.start.unwrap()).start;
        let due = job.calendar.between(start, self.clock.now() - job.settle + TimeDelta::seconds(1));
        let known = context.ledger.ticks(&TickFilter::default()).await?;
        let runs = context.ledger.list_runs(&RunFilter { limit: Some(10_000), ..RunFilter::default() }).await?;
        let reports = self.readers.newest_reports();
        if known.iter().map(|tick| tick.tick).ne(due.iter().map(|tick| tick.at)) {
            wrong.push(format!("{} ticks are known, {} were due", known.len(), due.len()));
        }
        for tick in &known {
            let done = runs.iter().filter(|run| run.tick == tick.tick && matches!(run.state, RunState::Delivered | RunState::Nothing)).count();
            if done != 1 || !matches!(tick.state, TickState::Delivered | TickState::Nothing) {
                wrong.push(format!("tick {} is {} and was done {done} times", tick.tick, tick.state));
            }
            // The readers have not seen what the last runs made.
            let is_new = known.last().is_some_and(|last| last.tick == tick.tick);
            if !is_new && tick.state == TickState::Nothing && reports.contains_key(&tick.tick.format("%Y-%m-%d").to_string()) {
                wrong.push(format!("tick {} had nothing to deliver, and there is its report", tick.tick));
            }
        }
        Ok(())
    }
}

fn is_well(did: &Did) -> bool {
    matches!(did, Did::Ran(_, failures) if failures.is_empty()) || matches!(did, Did::Waits(_))
}

/// A report was delivered by a run that died before it was recorded, and is another now.
fn asks_for_a_person(did: &Did) -> bool {
    matches!(did, Did::Ran(_, failures) if failures.iter().all(|why| why.contains("was delivered with other bytes")))
}
