//! Files that change or break while they are read, what kills leave behind, and pulls at the same time.

use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

use takings_sources::{Change, Failure, Progress};

use super::{Bench, changes, put};

fn failed(path: &str, reason: &str) -> Failure {
    Failure { path: path.into(), reason: reason.into() }
}

#[tokio::test]
async fn a_file_that_changes_while_it_is_read_is_read_again() {
    let bench = Bench::new();
    bench.put("sales/a.csv", "id\n1\n");
    for (version, (text, size_after)) in [("id\n1\n2\n", 7), ("id\n3\n4\n", 7), ("id\n", 3)].into_iter().enumerate() {
        if version > 0 {
            bench.put("sales/a.csv", format!("{version} before\n"));
        }
        let reads = AtomicUsize::new(0);
        let pulled = bench
            .try_pull(|progress| {
                if matches!(progress, Progress::Read { .. }) && reads.fetch_add(1, Relaxed) == 0 {
                    bench.put("sales/a.csv", text);
                }
            })
            .await
            .unwrap();
        assert_eq!(pulled.failed, []);
        assert_eq!((pulled.records[0].version, pulled.records[0].size), (version as u64 + 1, size_after));
        assert_eq!(bench.text(&pulled.records[0], 0).await, text);
        assert!(reads.into_inner() >= 2);
    }
    assert_eq!(bench.pull().await.bytes, 0);
    assert_eq!(bench.files("staging").len(), 0);
}

#[tokio::test]
async fn a_file_that_keeps_changing_is_named_and_the_others_are_landed() {
    let bench = Bench::new();
    bench.put("sales/a.csv", "id\n");
    bench.put("sales/b.csv", "id\n1\n");
    let pulled = bench
        .try_pull(|progress| {
            if let Progress::Read { path: "sales/a.csv", .. } = progress {
                let text = std::fs::read_to_string(bench.export("sales/a.csv")).unwrap();
                bench.put("sales/a.csv", text + "2\n");
            }
        })
        .await
        .unwrap();
    assert_eq!(pulled.failed, [failed("sales/a.csv", "it changed twice while it was read; run again when it is written completely")]);
    assert_eq!(changes(&pulled), [("sales/b.csv", Change::New)]);
    assert_eq!(changes(&bench.pull().await), [("sales/a.csv", Change::New), ("sales/b.csv", Change::Unchanged)]);
}

#[tokio::test]
async fn a_file_that_vanishes_while_it_is_read_is_named() {
    let bench = Bench::new();
    bench.put("sales/a.csv", "id\n1\n");
    let before = bench.pull().await;
    bench.put("sales/a.csv", "id\n1\n2\n");
    let pulled = bench
        .try_pull(|progress| {
            if let Progress::Started { .. } = progress {
                std::fs::remove_file(bench.export("sales/a.csv")).unwrap();
            }
        })
        .await
        .unwrap();
    assert_eq!(pulled.failed, [failed("sales/a.csv", "it vanished while it was read; run again when it is back")]);
    assert_eq!(pulled.records, before.records, "the version before stays current");
}

#[tokio::test]
async fn a_file_that_can_not_be_read_does_not_stop_the_others() {
    use std::os::unix::ffi::OsStrExt;
    let mut bench = Bench::new();
    bench.channel = takings_definitions::Channel::parse("c.toml".as_ref(), &super::CHANNEL.replace(r"csv$'", r"csv.*$'")).unwrap();
    bench.put("sales/a.csv", "id\n");
    // Names that the store behind the source refuses: there is a file, it can be looked at, and it can't be read.
    bench.put("sales/b.csv#1", "id\n");
    bench.put("sales/c\u{1}.csv", "id\n");
    let name = std::ffi::OsStr::from_bytes(b"d\xff.csv");
    std::fs::write(bench.export("sales").join(name), "id\n").unwrap();
    bench.put("sales/e.csv", "id\n");
    let pulled = bench.pull().await;
    assert_eq!(changes(&pulled), [("sales/a.csv", Change::New), ("sales/e.csv", Change::New)]);
    let paths: Vec<&str> = pulled.failed.iter().map(|failure| failure.path.as_str()).collect();
    assert_eq!(paths, ["sales/b.csv#1", "sales/c\u{1}.csv", "sales/d\u{fffd}.csv"]);
    assert_eq!(pulled.failed[2].reason, "its name is not UTF-8; rename it");
    assert!(pulled.failed[0].reason.contains("sales/b.csv#1"), "{}", pulled.failed[0].reason);
}

#[tokio::test]
async fn a_source_that_can_not_be_opened_names_its_instance() {
    let mut bench = Bench::new();
    bench.instance.url = "no/such/folder".into();
    let error = bench.try_pull(|_| {}).await.unwrap_err();
    assert!(error.is_config());
    let text = error.to_string();
    assert!(
        text.starts_with("instance shop.main: store \"no/such/folder\": the folder ") && text.ends_with("; check the path, or create the folder"),
        "{text}"
    );
}

#[tokio::test]
async fn what_a_kill_leaves_behind_is_harmless() {
    let bench = Bench::new();
    bench.put("sales/a.csv", "id\n1\n2");
    let clean = bench.pull().await;
    let files = bench.files("landing");
    let removable = |ending: &str| {
        let name = files.iter().find(|name| name.ends_with(ending)).unwrap();
        std::fs::remove_file(bench.stored("landing").join(name)).unwrap();
    };
    // Killed before what was seen was written.
    removable("seen.json");
    removable("index/shop/main.json");
    assert_eq!(changes(&bench.pull().await), [("sales/a.csv", Change::Unchanged)]);
    // Killed before the record was: blobs without a record, a staged file.
    removable("seen.json");
    removable("v00001.json");
    put(&bench.stored("staging/0a1b"), b"half a");
    assert_eq!(bench.landing.records("shop", "main").await.unwrap(), []);
    let again = bench.pull().await;
    assert_eq!((changes(&again), &again.records), (vec![("sales/a.csv", Change::New)], &clean.records));
    assert_eq!(bench.files("landing"), files);
    // A blob that another tool cut short is put right.
    removable("seen.json");
    removable("v00001.json");
    let blob = files.iter().find(|name| name.starts_with("blobs/")).unwrap();
    std::fs::write(bench.stored("landing").join(blob), "").unwrap();
    assert_eq!(bench.pull().await.records, clean.records);
    // What was seen belongs to the version before: killed between a new record and it.
    let seen = files.iter().find(|name| name.ends_with("seen.json")).unwrap();
    let old = std::fs::read(bench.stored("landing").join(seen)).unwrap();
    bench.put("sales/a.csv", "id\n1\n2\n3\n");
    bench.pull().await;
    std::fs::write(bench.stored("landing").join(seen), old).unwrap();
    removable("index/shop/main.json");
    let pulled = bench.pull().await;
    assert_eq!((changes(&pulled), pulled.bytes, pulled.records[0].version), (vec![("sales/a.csv", Change::Unchanged)], 9, 2));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn pulls_at_the_same_time_land_each_version_once() {
    let bench = std::sync::Arc::new(Bench::new());
    for text in ["id\n1\n", "id\n1\n2\n", "id\n9\n"] {
        bench.put("sales/a.csv", text);
        let pulls: Vec<_> = (0..8)
            .map(|_| {
                let bench = bench.clone();
                tokio::spawn(async move { bench.try_pull(|_| {}).await.unwrap() })
            })
            .collect();
        for pull in pulls {
            let pulled = pull.await.unwrap();
            assert_eq!(pulled.failed, []);
            assert_eq!(bench.text(&pulled.records[0], 0).await, text);
        }
    }
    let pulled = bench.pull().await;
    assert_eq!(pulled.records[0].version, 3);
    assert_eq!(bench.files("landing/records").len(), 4);
}

#[tokio::test]
async fn another_pull_that_landed_other_bytes_is_not_overwritten() {
    let bench = Bench::new();
    bench.put("sales/a.csv", "id\n1\n");
    bench.pull().await;
    let first = bench.files("landing/records").into_iter().find(|name| name.ends_with("v00001.json")).unwrap();
    let place = bench.stored("landing/records").join(&first);
    let second = place.with_file_name("v00002.json");
    bench.put("sales/a.csv", "id\n2\n");
    let pulled = bench
        .try_pull(|progress| {
            if let Progress::Read { .. } = progress {
                let other = std::fs::read_to_string(&place).unwrap().replace("\"version\": 1", "\"version\": 2");
                std::fs::write(&second, other).unwrap();
            }
        })
        .await
        .unwrap();
    assert_eq!(pulled.failed, [failed("sales/a.csv", "another pull landed its version 2 meanwhile; run again")]);
    assert!(std::fs::read_to_string(&second).unwrap().contains("\"version\": 2"));
    let again = bench.pull().await;
    assert_eq!((again.records[0].version, again.records[0].size), (3, 5));
}
