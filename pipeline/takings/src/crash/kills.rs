//! The same with a real `kill -9`: this test program starts itself, and the copy kills itself at the N-th operation, or at one that is named.

use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::Instant;

use takings_faults::{Fault, Faults, Nth, Operation};

use super::feeds::Mini;
use super::place::{Ended, Place, Scene};
use super::state::State;
use super::{STEPS, Stage};

const VICTIM: &str = "crash::kills::victim";
const VARIABLE: &str = "TAKINGS_TEST_VICTIM";

/// Not a test by itself: what a copy of this program does. It leaves a mark that says at which operation it died.
#[test]
#[ignore = "started by the kill tests"]
fn victim() {
    let Ok(order) = std::env::var(VARIABLE) else { return };
    let words: Vec<&str> = order.split('\n').collect();
    let [place, project, variable, feeds, tick, threads, moment, mark] = words[..] else { panic!("{order:?}") };
    let scene = Scene {
        project: project.into(),
        variable: variable.into(),
        feeds: feeds.into(),
        job: "nightly",
        tick: tick.into(),
        scheduled: false,
        threads: threads.parse().unwrap(),
    };
    let mark = PathBuf::from(mark);
    let die = move |fired: &takings_faults::Fired| {
        std::fs::write(&mark, format!("{fired:?}")).unwrap();
        let _ = Command::new("sh").args(["-c", "kill -9 $PPID"]).status();
    };
    let die = Fault::Call(Box::new(die));
    let gate = match moment.parse() {
        Ok(number) => Nth::new(die, number),
        Err(_) => {
            let name = moment.to_owned();
            Nth::new(die, 1).counting(move |operation| named(operation).starts_with(&name))
        }
    };
    let gate = Arc::new(gate);
    let ended = Place::at(Path::new(place)).run(&scene, Faults::through(gate));
    assert_eq!(ended, Ended::Well);
}

/// What an operation is called where a kill is ordered by name.
fn named(operation: &Operation<'_>) -> String {
    format!("{:?} {}", operation.kind, operation.on)
}

/// Kills a run at its N-th operation or at the first whose name begins so; at which one it died. `None`: there was none, and the run went well.
fn kill(place: &Place, scene: &Scene, moment: &str) -> Option<String> {
    let mark = place.path().join("mark");
    let text = |path: &Path| path.to_str().unwrap().to_owned();
    let (variable, tick, threads) = (scene.variable.clone(), scene.tick.clone(), scene.threads.to_string());
    let order = [text(place.path()), text(&scene.project), variable, text(&scene.feeds), tick, threads, moment.to_owned(), text(&mark)];
    let output = Command::new(std::env::current_exe().unwrap())
        .args([VICTIM, "--exact", "--ignored", "--nocapture"])
        .env(VARIABLE, order.join("\n"))
        .stdin(Stdio::null())
        .output()
        .unwrap();
    let fired = std::fs::read_to_string(&mark).ok();
    let _ = std::fs::remove_file(&mark);
    match (output.status.signal(), &fired) {
        (Some(9), Some(_)) => fired,
        (None, None) if output.status.success() => None,
        _ => panic!("the copy ended with {:?}, mark {fired:?}\n{}", output.status, String::from_utf8_lossy(&output.stderr)),
    }
}

/// How many operations a run has.
fn count(stage: &Stage) -> u64 {
    let counter = Arc::new(Nth::new(Fault::Fail, 0));
    assert_eq!(stage.template.copy().run(&stage.scene, Faults::through(counter.clone())), Ended::Well);
    counter.count()
}

fn every_twentieth(stage: &Stage) {
    let start = Instant::now();
    let (mut wrong, mut killed) = (Vec::new(), 0);
    let operations = count(stage);
    for number in (1..).step_by(20) {
        let place = stage.template.copy();
        let Some(fired) = kill(&place, &stage.scene, &number.to_string()) else {
            // As many operations as ever, but for the few that depend on which of two files is read first.
            assert!(number + 20 > operations, "the kill at operation {number} of {operations} did not fire");
            wrong.extend(State::of(&place, &stage.scene).is(&stage.end).into_iter().map(|what| format!("undisturbed: {what}")));
            break;
        };
        killed += 1;
        // Its process is dead, and nothing has closed its files.
        wrong.extend(stage.violations(&place, &Ended::Badly("killed".to_owned())).into_iter().map(|what| format!("{fired}: {what}")));
    }
    eprintln!("{}, killed: {killed} times, each at its operation, {} violations, {:.0} s", stage.name, wrong.len(), start.elapsed().as_secs_f32());
    assert!(wrong.is_empty(), "{} violations:\n{}", wrong.len(), wrong.join("\n"));
}

#[test]
fn first_run_killed_at_every_twentieth_operation() {
    every_twentieth(&Stage::first(&Mini::new()));
}

#[test]
fn tenth_run_killed_at_every_twentieth_operation() {
    every_twentieth(&Stage::tenth(&Mini::new()));
}

#[test]
fn killed_by_name_at_each_step() {
    let (start, mini) = (Instant::now(), Mini::new());
    let stage = Stage::first(&mini);
    let mut wrong = Vec::new();
    for (kind, on) in STEPS {
        let place = stage.template.copy();
        let point = named(&Operation { kind, on });
        let fired = kill(&place, &stage.scene, &point).unwrap_or_else(|| panic!("no run reaches {point}"));
        wrong.extend(stage.violations(&place, &Ended::Badly("killed".to_owned())).into_iter().map(|what| format!("{fired}: {what}")));
    }
    eprintln!("killed at each of {} named points, {} violations, {:.0} s", STEPS.len(), wrong.len(), start.elapsed().as_secs_f32());
    assert!(wrong.is_empty(), "{} violations:\n{}", wrong.len(), wrong.join("\n"));
}

const KILLS_ON_THE_SAMPLE: u32 = 50;

/// One store is killed again and again, each time a random number of operations on, until a run comes through; then a new one.
#[test]
fn the_shipped_sample_killed_fifty_times() {
    let start = Instant::now();
    // Where the test runs, not where it was built: checkouts may share a target folder.
    let package = std::env::var_os("CARGO_MANIFEST_DIR").unwrap_or_else(|| env!("CARGO_MANIFEST_DIR").into());
    let repository = Path::new(&package).join("../..").canonicalize().unwrap();
    let scene = Scene {
        job: "nightly",
        variable: "TAKINGS_INSTANCES__AWS_MARKETPLACE__MAIN__URL".to_owned(),
        feeds: repository.join("data/sample/aws_marketplace"),
        project: repository,
        tick: "2026-03-15".to_owned(),
        scheduled: false,
        threads: 2,
    };
    let stage = Stage::on("shipped sample", scene, Place::new());
    let operations = count(&stage);
    let (mut killed, mut through, mut state) = (0, 0, 20_260_315_u64);
    let mut place = Place::new();
    while killed < KILLS_ON_THE_SAMPLE {
        // A linear congruential generator: the same moments every time.
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let number = 1 + (state >> 33) % (operations / 5);
        if let Some(fired) = kill(&place, &stage.scene, &number.to_string()) {
            killed += 1;
            assert_eq!(State::of_files(&place, &stage.scene).is_between(&stage.before, &stage.end), Vec::<String>::new(), "{fired}");
        } else {
            through += 1;
            assert_eq!(State::of(&place, &stage.scene).is(&stage.end), Vec::<String>::new());
            place = Place::new();
        }
    }
    assert_eq!(place.run(&stage.scene, Faults::default()), Ended::Well);
    assert_eq!(State::of(&place, &stage.scene).is(&stage.end), Vec::<String>::new());
    eprintln!("shipped sample: {operations} operations, killed {killed} times, {through} runs came through, {:.0} s", start.elapsed().as_secs_f32());
}
