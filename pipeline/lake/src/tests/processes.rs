//! Eight processes publish one partition five hundred times: each time one of them wins, and nothing is doubled.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use serde_json::Value;

use super::*;
use crate::Error;

const PROCESSES: usize = 8;
const TIMES: i64 = 500;
const VARIABLE: &str = "TAKINGS_TEST_PUBLISHER";

fn lake_in(folder: &Path) -> Lake {
    let store = Store::open(folder.to_str().unwrap(), Path::new("/")).unwrap();
    Lake::new(store, 35, || DateTime::from_timestamp(START, 0).unwrap())
}

/// Not a test by itself: what each of the processes does. It leaves a file with the commits it won, and one line for each it lost.
#[tokio::test]
#[ignore = "started by the test of eight processes"]
async fn publisher() {
    let Ok(folder) = std::env::var(VARIABLE) else { return };
    let folder = PathBuf::from(folder);
    let (lake, table) = (lake_in(&folder), table());
    let (mut won, mut lost) = (Vec::new(), 0_usize);
    loop {
        let state = lake.state(&table, None).await.unwrap();
        let planned = state.as_ref().map(|state| state.app_version);
        let next = planned.unwrap_or(0) + 1;
        if next > TIMES {
            break;
        }
        let mut writer = lake.writer(&table, Some("unit")).unwrap();
        writer.write(&charges(&[("2026-03-01", i128::from(next))])).await.unwrap();
        let adds = writer.finish().await.unwrap();
        let removes = state.map(|state| state.files.clone()).unwrap_or_default();
        match lake.commit(&table, planned, adds, removes, BTreeMap::new()).await {
            Ok(committed) => {
                assert_eq!(committed, Committed { version: next - 1, app_version: next });
                won.push(next.to_string());
            }
            Err(Error::Conflict { .. }) => lost += 1,
            Err(error) => panic!("{error}"),
        }
    }
    std::fs::write(folder.join(format!("{}.won", std::process::id())), format!("{lost}\n{}", won.join("\n"))).unwrap();
}

#[tokio::test]
async fn of_eight_processes_one_wins_each_of_five_hundred_times() {
    let memory = Path::new("/dev/shm");
    let folder = if memory.is_dir() { tempfile::tempdir_in(memory).unwrap() } else { tempfile::tempdir().unwrap() };
    let start = |_| {
        Command::new(std::env::current_exe().unwrap())
            .args(["tests::processes::publisher", "--exact", "--ignored", "--nocapture"])
            .env(VARIABLE, folder.path())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap()
    };
    let processes: Vec<_> = (0..PROCESSES).map(start).collect();
    for process in processes {
        let output = process.wait_with_output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    }
    let (mut won, mut lost, mut winners) = (Vec::new(), 0, 0);
    for entry in std::fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().path()).filter(|path| path.extension().is_some_and(|end| end == "won")) {
        let text = std::fs::read_to_string(entry).unwrap();
        let mut lines = text.lines();
        lost += lines.next().unwrap().parse::<usize>().unwrap();
        let before = won.len();
        won.extend(lines.map(|line| line.parse::<i64>().unwrap()));
        winners += usize::from(won.len() > before);
    }
    won.sort_unstable();
    assert_eq!(won, (1..=TIMES).collect::<Vec<_>>(), "each commit was won once");
    assert!(winners > 1 && lost > 0, "{winners} processes won and {lost} tries were lost: they did not meet");

    // Each version has its own row and no other; each log entry took one file out and put one in.
    let lake = lake_in(folder.path());
    let place = Place { lake, clock: Arc::new(AtomicI64::new(START)), folder };
    for version in [0, 1, 249, TIMES - 1] {
        assert_eq!(place.amounts(Some(version)).await, [i128::from(version + 1)]);
    }
    let log = place.folder.path().join("lake/aws_charge/_delta_log");
    let (mut before, mut names) = (None::<String>, BTreeSet::new());
    for version in 0..TIMES {
        let text = std::fs::read_to_string(log.join(format!("{version:020}.json"))).unwrap();
        let actions: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        let of = |action: &str| actions.iter().map(|entry| entry[action].clone()).filter(|found| !found.is_null()).collect::<Vec<_>>();
        let paths = |action: &str| of(action).iter().map(|file| file["path"].as_str().unwrap().to_owned()).collect::<Vec<_>>();
        let added = paths("add");
        assert_eq!((added.len(), paths("remove")), (1, before.into_iter().collect()), "version {version}");
        let statistics: Value = serde_json::from_str(of("add")[0]["stats"].as_str().unwrap()).unwrap();
        assert_eq!((&statistics["numRecords"], &of("txn")[0]["version"]), (&Value::from(1), &Value::from(version + 1)), "version {version}");
        assert!(names.insert(added[0].clone()), "{} comes twice", added[0]);
        before = added.into_iter().next();
    }
    assert!(!log.join(format!("{TIMES:020}.json")).exists());
    assert_eq!(place.lake.state(&table(), None).await.unwrap().unwrap().app_version, TIMES);
}
