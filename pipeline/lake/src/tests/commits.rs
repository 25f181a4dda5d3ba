//! One log entry, exactly once, or not at all.

use std::collections::BTreeMap;

use super::*;
use crate::Error;
use takings_faults::{Fault, Faults, Kind, Nth};

#[tokio::test]
async fn the_first_commit_makes_the_table() {
    let place = place();
    assert!(place.lake.state(&table(), None).await.unwrap().is_none());
    let adds = place.write(Some("u1"), &[("2026-03-01", 7), ("2026-02-01", 5), ("2026-03-01", 1)]).await;
    assert!(place.lake.state(&table(), None).await.unwrap().is_none(), "uncommitted files are no table");
    assert_eq!(place.commit(None, adds, vec![]).await.unwrap(), Committed { version: 0, app_version: 1 });

    let state = place.lake.state(&table(), None).await.unwrap().unwrap();
    assert_eq!((state.version, state.app_version), (0, 1));
    assert_eq!(state.schema, table_schema(&table()));
    let seen: Vec<_> = state.files.iter().map(|file| (file.period_month.unwrap().to_string(), file.rows, file.units().next())).collect();
    assert_eq!(seen, [("2026-02-01".to_owned(), 1, Some("u1")), ("2026-03-01".to_owned(), 2, Some("u1"))]);
    assert_eq!(place.amounts(None).await, [1, 5, 7]);
}

#[tokio::test]
async fn a_replaced_file_is_gone_and_older_versions_still_have_it() {
    let place = place();
    let adds = place.write(Some("old"), &[("2026-02-01", 1), ("2026-03-01", 2)]).await;
    place.commit(None, adds, vec![]).await.unwrap();
    let march: Vec<DataFile> = place.files(None).await.into_iter().filter(|file| file.period_month == Some(month("2026-03-01"))).collect();
    let adds = place.write(Some("new"), &[("2026-03-01", 30)]).await;
    assert_eq!(place.commit(Some(1), adds, march).await.unwrap(), Committed { version: 1, app_version: 2 });
    assert_eq!(place.amounts(None).await, [1, 30]);
    assert_eq!(place.amounts(Some(0)).await, [1, 2]);
    assert_eq!(place.lake.state(&table(), Some(0)).await.unwrap().unwrap().app_version, 1);

    let error = place.lake.state(&table(), Some(2)).await.unwrap_err();
    assert!(matches!(error, Error::NoVersion { version: 2, .. }), "{error}");
    assert!(place.lake.state_of("aws_nothing", Some(3)).await.unwrap().is_none());
}

#[tokio::test]
async fn a_commit_planned_on_an_older_state_is_refused() {
    let place = place();
    let first = place.write(None, &[("2026-02-01", 1)]).await;
    place.commit(None, copied(&first), vec![]).await.unwrap();

    let again = place.commit(None, place.write(None, &[("2026-02-01", 2)]).await, vec![]).await.unwrap_err();
    assert!(again.is_retryable());
    assert_eq!(
        again.to_string(),
        "table aws_charge: planned on no commit, the table is at commit 1; nothing was committed, read its state again and plan again"
    );
    for wrong in [Some(2), Some(0)] {
        assert!(place.commit(wrong, vec![], vec![]).await.unwrap_err().is_retryable());
    }
    let twice = place.commit(Some(1), copied(&first), vec![]).await.unwrap_err();
    assert!(twice.to_string().contains("is in the table already"), "{twice}");
    place.commit(Some(1), vec![], vec![first[0].file.clone()]).await.unwrap();
    let gone = place.commit(Some(2), vec![], vec![first[0].file.clone()]).await.unwrap_err();
    assert!(gone.to_string().contains("is not in the table (any more)"), "{gone}");
    assert!(place.amounts(None).await.is_empty());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_eight_that_commit_at_once_one_wins() {
    const ROUNDS: i64 = 25;
    let place = Arc::new(place());
    let mut expected = Vec::new();
    for round in 0..ROUNDS {
        let planned = (round > 0).then_some(round);
        let start = Arc::new(tokio::sync::Barrier::new(8));
        let tries = (0..8).map(|task| {
            let (place, start) = (place.clone(), start.clone());
            tokio::spawn(async move {
                let amount = i128::from(round * 8 + task);
                let adds = place.write(None, &[("2026-03-01", amount)]).await;
                start.wait().await;
                (amount, place.commit(planned, adds, vec![]).await)
            })
        });
        let mut winners = Vec::new();
        for done in futures::future::join_all(tries).await {
            match done.unwrap() {
                (amount, Ok(committed)) => {
                    assert_eq!(committed, Committed { version: round, app_version: round + 1 });
                    winners.push(amount);
                }
                (_, Err(error)) => assert!(error.is_retryable() && matches!(error, Error::Conflict { .. }), "{error}"),
            }
        }
        assert_eq!(winners.len(), 1, "round {round}");
        expected.extend(winners);
    }
    // More than two checkpoints lie in between.
    assert!(place.folder.path().join("lake/aws_charge/_delta_log/_last_checkpoint").exists());
    assert_eq!(place.amounts(None).await, expected);
    assert_eq!(place.amounts(Some(11)).await, expected[..12]);
    assert_eq!(place.lake.state(&table(), None).await.unwrap().unwrap().app_version, ROUNDS);
}

#[tokio::test]
async fn what_fails_after_the_log_entry_does_not_undo_the_commit() {
    let place = place();
    for round in 0..9 {
        let adds = place.write(None, &[("2026-03-01", round)]).await;
        place.commit((round > 0).then_some(round as i64), adds, vec![]).await.unwrap();
    }
    // A folder stands where the tenth commit's checkpoint is to be written.
    let checkpoint = place.folder.path().join("lake/aws_charge/_delta_log/00000000000000000009.checkpoint.parquet");
    std::fs::create_dir_all(checkpoint.join("in the way")).unwrap();
    let committed = place.commit(Some(9), place.write(None, &[("2026-03-01", 9)]).await, vec![]).await.unwrap();
    assert_eq!(committed, Committed { version: 9, app_version: 10 });
    assert!(!place.folder.path().join("lake/aws_charge/_delta_log/_last_checkpoint").exists(), "the fault did not happen");
    assert_eq!(place.amounts(None).await, (0..10).collect::<Vec<i128>>());
}

#[tokio::test]
async fn a_log_entry_says_who_made_it_and_how_long_files_are_kept() {
    let place = place();
    let adds = place.write(None, &[("2026-03-01", 1_234_567_890_123_456_789_012_345_678)]).await;
    place.commit(None, adds, vec![]).await.unwrap();
    let file = place.files(None).await.remove(0);
    place.clock.store(START + 60, Ordering::SeqCst);
    place.commit(Some(1), vec![], vec![file]).await.unwrap();
    let entry = |version: u32| {
        let path = place.folder.path().join(format!("lake/aws_charge/_delta_log/{version:020}.json"));
        let lines: Vec<serde_json::Value> = std::fs::read_to_string(path).unwrap().lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        move |key: &str| lines.iter().find_map(|line| line.get(key)).cloned()
    };
    let (first, second) = (entry(0), entry(1));
    assert_eq!(first("commitInfo").unwrap()["takings.run_key"], "k1");
    assert_eq!(first("txn").unwrap()["version"], 1);
    let configuration = &first("metaData").unwrap()["configuration"];
    assert_eq!(configuration["delta.deletedFileRetentionDuration"], "interval 35 days");
    assert_eq!(configuration["delta.logRetentionDuration"], "interval 35 days");
    assert_eq!(configuration["delta.enableExpiredLogCleanup"], "false");
    let statistics = first("add").unwrap()["stats"].as_str().unwrap().to_owned();
    assert!(statistics.contains(r#""amount":123456789012345678.9012345678"#), "{statistics}");
    assert!(statistics.contains(r#""charged_at":"2026-03-01T03:04:05.123456Z""#), "{statistics}");
    assert_eq!(second("remove").unwrap()["deletionTimestamp"], (START + 60) * 1000);
    assert!(second("metaData").is_none(), "nothing about the table changed");
}

#[tokio::test]
async fn a_contract_may_gain_columns_and_otherwise_needs_a_rebuild() {
    let place = place();
    place.commit(None, place.write(None, &[("2026-03-01", 1)]).await, vec![]).await.unwrap();
    let commit =
        async |contract: &Table, expected: i64, removes: Vec<DataFile>| place.lake.commit(contract, Some(expected), vec![], removes, BTreeMap::new()).await;

    let wider = contract(&CONTRACT.replace(r#"{ name = "rate""#, r#"{ name = "memo", type = "text" }, { name = "rate""#));
    commit(&wider, 1, vec![]).await.unwrap();
    let state = place.lake.state(&wider, None).await.unwrap().unwrap();
    assert_eq!(state.schema, table_schema(&wider));
    assert_eq!(place.amounts(None).await, [1]);

    let retyped = contract(&CONTRACT.replace("decimal(28,10)", "decimal(30,10)"));
    let error = commit(&retyped, 2, vec![]).await.unwrap_err();
    assert!(error.is_config() && !error.is_retryable());
    assert_eq!(
        error.to_string(),
        "table aws_charge: its contract config/tables/aws_charge.toml does not fit the files it has: column `amount` was Decimal128(28, 10), is Decimal128(30, 10); run `takings rebuild aws_charge`"
    );
    let whole = contract(&CONTRACT.replace(r#"partition = { from = ["charged_at"] }"#, ""));
    assert!(commit(&whole, 2, vec![]).await.unwrap_err().to_string().contains("it is partitioned otherwise"));

    // Without its files it may become anything.
    commit(&whole, 2, state.files.clone()).await.unwrap();
    assert_eq!(place.lake.state(&whole, None).await.unwrap().unwrap().schema, table_schema(&whole));
    assert_eq!(place.amounts(Some(1)).await, [1]);
}

#[tokio::test]
async fn a_version_is_read_once_and_what_others_commit_is_seen() {
    let place = place();
    let first = place.write(None, &[("2026-03-01", 1)]).await;
    place.commit(None, first, vec![]).await.unwrap();
    let gate = Arc::new(Nth::new(Fault::Fail, 0));
    let lake = Lake::new(place.lake.store().clone().with_faults(Faults::through(gate.clone())), 35, DateTime::default);
    let entries_read = || gate.seen().iter().filter(|(kind, path)| *kind == Kind::Read && path.ends_with("0.json")).count();
    let version = async |version| lake.state(&table(), version).await.unwrap().unwrap();
    assert_eq!(version(None).await.version, 0);
    let read = entries_read();
    assert!(read > 0);
    assert_eq!((version(None).await.files.len(), version(Some(0)).await.app_version), (1, 1));
    assert_eq!(entries_read(), read);

    let second = place.write(None, &[("2026-04-01", 2)]).await;
    place.commit(Some(1), second, vec![]).await.unwrap();
    let newest = version(None).await;
    assert_eq!((newest.version, newest.app_version, newest.files.len()), (1, 2, 2));
    assert_eq!((version(Some(0)).await.files.len(), version(Some(1)).await.files.len()), (1, 2));

    // Its own commit is known without reading it.
    let third = place.write(None, &[("2026-05-01", 3)]).await;
    let committed = lake.commit(&table(), Some(2), third, vec![], BTreeMap::new()).await.unwrap();
    let read = gate.seen().len();
    let known = version(Some(committed.version)).await;
    assert_eq!((gate.seen().len(), known.app_version), (read, 3));
    let fresh = place.lake.state(&table(), None).await.unwrap().unwrap();
    assert_eq!((&known.files, known.app_version, &known.schema), (&fresh.files, fresh.app_version, &fresh.schema));
}

#[tokio::test]
async fn the_known_state_is_the_latest_of_the_last_look() {
    let place = place();
    let other = |lake: &Lake| Lake::new(lake.store().clone(), 35, DateTime::default);
    let known = async |lake: &Lake| lake.known_state(&table()).await.unwrap().map(|state| state.version);
    let early = other(&place.lake);
    assert_eq!(known(&early).await, None);
    for (expected, amount) in [(None, 1), (Some(1), 2)] {
        let rows = place.write(None, &[("2026-03-01", amount)]).await;
        place.commit(expected, rows, vec![]).await.unwrap();
    }
    assert_eq!(known(&early).await, None, "it has not looked again");
    let planned = early.writer(&table(), None).unwrap().finish().await.unwrap();
    let error = early.commit(&table(), None, planned, vec![], BTreeMap::new()).await.unwrap_err();
    assert!(error.to_string().contains("planned on no commit, the table is at commit 2"), "{error}");
    assert_eq!(known(&early).await, Some(1), "the commit looked");

    let late = other(&place.lake);
    assert_eq!(late.state(&table(), Some(0)).await.unwrap().unwrap().version, 0);
    assert_eq!(known(&late).await, Some(1), "an older version is not taken for the latest");
    assert_eq!(late.states([&table()]).await.unwrap().values().map(|state| state.version).collect::<Vec<_>>(), [1]);
}

#[tokio::test]
async fn a_file_that_does_not_get_its_place_is_not_committed() {
    let place = place();
    let fault = Arc::new(Nth::new(Fault::Fail, 2).counting(|operation| operation.kind == Kind::Place));
    let lake = Lake::new(place.lake.store().clone().with_faults(Faults::through(fault)), 35, DateTime::default);
    let mut writer = lake.writer(&table(), None).unwrap();
    writer.write(&charges(&[("2026-02-01", 1), ("2026-03-01", 2)])).await.unwrap();
    // They are on their way; that one failed is found when they are waited for.
    let files = writer.hand_over().await.unwrap();
    assert_eq!(files.len(), 2);
    let error = lake.commit(&table(), None, files, vec![], BTreeMap::new()).await.unwrap_err();
    assert!(error.to_string().contains("injected fault"), "{error}");
    assert!(place.lake.state(&table(), None).await.unwrap().is_none());
}
