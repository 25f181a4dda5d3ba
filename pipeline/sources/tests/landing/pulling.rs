//! New, unchanged, grown, rewritten, shrunk and vanished files; records and blobs.

use std::sync::Arc;

use expect_test::expect;
use takings_faults::{Fault, Faults, Kind, Nth};
use takings_sources::{Change, Landing, Progress, Pulled, Segment};

use super::{Bench, changes, put, record};

/// A segment's first line, length and whether it is finished.
type Shape = (u64, u64, bool);

fn shape(segments: &[Segment]) -> Vec<Shape> {
    segments.iter().map(|segment| (segment.first_line, segment.length, segment.finished)).collect()
}

async fn only(bench: &Bench, change: Change) -> Pulled {
    let pulled = bench.pull().await;
    assert_eq!(changes(&pulled), [("sales/a.csv", change)]);
    pulled
}

#[tokio::test]
async fn a_record_is_readable_and_says_nothing_of_place_or_time() {
    let bench = Bench::new();
    bench.put("sales/a.csv", "id,amount\n1,2\n3,");
    only(&bench, Change::New).await;
    let names = bench.files("landing");
    expect![[r#"
        blobs/3b/3bbb031ae8ca57517a89cc79462a85a6f9479b168eb95928cffad238fd5c8310
        blobs/bf/bf7bd500807d7596a4c688f9aa5848993033a34c499d1c99fa1980335cc4e4bf
        index/shop/main.json
        records/shop/main/ba2422d6c10433994930e4bd0b1bf189/seen.json
        records/shop/main/ba2422d6c10433994930e4bd0b1bf189/v00001.json
    "#]]
    .assert_eq(&(names.join("\n") + "\n"));
    let json = names.iter().find(|name| name.ends_with("v00001.json")).unwrap();
    expect![[r#"
        {
          "channel": "shop",
          "export": "sales",
          "instance": "main",
          "source_path": "sales/a.csv",
          "file_id": "910b68fe6e8c04e30abf834b7d5405be",
          "version": 1,
          "size": 16,
          "sha256": "97b6aa41aac3c5040936ebf13d1c58a0f9a418d625ab0307ff1baf6b2ab700e7",
          "segments": [
            {
              "sha256": "3bbb031ae8ca57517a89cc79462a85a6f9479b168eb95928cffad238fd5c8310",
              "length": 14,
              "first_line": 1,
              "newlines": 2,
              "finished": true
            },
            {
              "sha256": "bf7bd500807d7596a4c688f9aa5848993033a34c499d1c99fa1980335cc4e4bf",
              "length": 2,
              "first_line": 3,
              "newlines": 0,
              "finished": false
            }
          ]
        }
    "#]]
    .assert_eq(&std::fs::read_to_string(bench.stored("landing").join(json)).unwrap());
}

#[tokio::test]
async fn an_unchanged_file_is_not_read_and_a_touched_one_gets_no_new_version() {
    let bench = Bench::new();
    bench.put("sales/a.csv", "id\n1\n2");
    let first = only(&bench, Change::New).await;
    let before = bench.files("landing");
    let again = only(&bench, Change::Unchanged).await;
    assert_eq!((again.bytes, &again.records), (0, &first.records));
    bench.put("sales/a.csv", "id\n1\n2");
    let touched = only(&bench, Change::Unchanged).await;
    assert_eq!((touched.bytes, &touched.records), (6, &first.records));
    let after = only(&bench, Change::Unchanged).await;
    assert_eq!(after.bytes, 0, "the new fingerprint is remembered");
    assert_eq!(bench.files("landing"), before);
}

#[tokio::test]
async fn a_file_that_grows_keeps_its_finished_segments() {
    let bench = Bench::new();
    let mut text = String::new();
    let mut kept: Vec<Segment> = Vec::new();
    // Each step is the text so far plus this, and the shape that must come out.
    let steps: [(&str, &[Shape]); 6] = [
        ("id,note\n1,a\n2,", &[(1, 12, true), (3, 2, false)]),
        ("b\n3,\"x\ny\"\n", &[(1, 12, true), (3, 12, true)]),
        ("4,\"open\n", &[(1, 12, true), (3, 12, true), (6, 8, false)]),
        ("closed\"\n", &[(1, 12, true), (3, 12, true), (6, 16, true)]),
        ("5,e", &[(1, 12, true), (3, 12, true), (6, 16, true), (8, 3, false)]),
        ("\n6,f\n", &[(1, 12, true), (3, 12, true), (6, 16, true), (8, 8, true)]),
    ];
    for (at, (more, expected)) in steps.into_iter().enumerate() {
        text += more;
        bench.put("sales/a.csv", &text);
        let pulled = only(&bench, if at == 0 { Change::New } else { Change::Grown }).await;
        let record = record(&pulled, "sales/a.csv");
        assert_eq!((record.version, shape(&record.segments).as_slice()), (at as u64 + 1, expected));
        assert_eq!(bench.text(record, 0).await, text);
        assert_eq!(record.segments[..kept.len()], kept);
        kept = record.segments.iter().filter(|segment| segment.finished).cloned().collect();
    }
    let last = &bench.pull().await.records[0];
    let first = bench.landing.version(last, 1).await.unwrap().unwrap();
    assert_eq!((first.file_id == last.file_id, bench.text(&first, 0).await.as_str()), (true, "id,note\n1,a\n2,"));
    assert_eq!(bench.landing.version(last, 7).await.unwrap(), None);
}

#[tokio::test]
async fn other_bytes_are_a_new_version_with_new_segments() {
    let bench = Bench::new();
    bench.put("sales/a.csv", "id\n1\n2\n");
    only(&bench, Change::New).await;
    for (version, (text, change)) in [
        ("id\n1\n3\n", Change::Rewritten), // same size
        ("id\n9\n3\n4\n", Change::Rewritten),
        ("id\n9\n", Change::Shrunk), // its own beginning
        ("", Change::Shrunk),
        ("id\n", Change::Grown), // a header only
    ]
    .into_iter()
    .enumerate()
    {
        bench.put("sales/a.csv", text);
        let pulled = only(&bench, change).await;
        let record = record(&pulled, "sales/a.csv");
        assert_eq!((record.version, record.size, record.segments.len()), (version as u64 + 2, text.len() as u64, usize::from(!text.is_empty())));
        assert_eq!(bench.text(record, 0).await, text);
        assert_eq!(pulled.shrunk().count(), usize::from(change == Change::Shrunk));
    }
}

#[tokio::test]
async fn a_rewritten_unfinished_end_is_a_rewritten_file() {
    let bench = Bench::new();
    bench.put("sales/a.csv", "id\n1\n2");
    only(&bench, Change::New).await;
    bench.put("sales/a.csv", "id\n1\n3\n");
    let pulled = only(&bench, Change::Rewritten).await;
    assert_eq!(shape(&record(&pulled, "sales/a.csv").segments), [(1, 7, true)]);
}

#[tokio::test]
async fn the_same_bytes_under_two_names_are_two_records_and_one_blob() {
    let bench = Bench::new();
    bench.put("sales/a.csv", "id\n1\n");
    bench.put("sales/2026/b.csv", "id\n1\n");
    bench.put("prices_eu.csv", "id\n1\n");
    let pulled = bench.pull().await;
    assert_eq!(pulled.count(Change::New), 3);
    let [prices, deep, flat] = pulled.records.as_slice() else { panic!("{:?}", pulled.records) };
    assert_eq!([&prices.source_path, &deep.source_path, &flat.source_path], ["prices_eu.csv", "sales/2026/b.csv", "sales/a.csv"]);
    assert_eq!([&prices.export, &deep.export], ["prices", "sales"]);
    assert_eq!((&prices.segments, &deep.segments), (&flat.segments, &flat.segments));
    assert!(prices.file_id != deep.file_id && deep.file_id != flat.file_id);
    assert_eq!(bench.files("landing/blobs").len(), 1);
    assert_eq!(bench.files("landing/records").len(), 6);
}

#[tokio::test]
async fn the_same_files_elsewhere_give_the_same_landing_records() {
    let (one, two) = (Bench::new(), Bench::new());
    for bench in [&one, &two] {
        for name in ["b", "a"] {
            bench.put(&format!("sales/{name}.csv"), format!("id\n{name}\n"));
        }
        bench.pull().await;
    }
    let records: Vec<_> = one.files("landing").into_iter().filter(|name| !name.ends_with("seen.json") && !name.starts_with("index/")).collect();
    assert_eq!(records.len(), 4);
    for name in records {
        let read = |bench: &Bench| std::fs::read(bench.stored("landing").join(&name)).unwrap();
        assert_eq!(read(&one), read(&two), "{name}");
    }
}

#[tokio::test]
async fn every_name_is_accounted_for() {
    let bench = Bench::new();
    bench.put("sales/a.csv", "id\n");
    bench.put("sales/prices_b.csv", "id\n"); // both exports match
    for hidden in [".DS_Store", "_SUCCESS", "sales/.a.csv.swp", "sales/_tmp/x.csv", ".git/sales/y.csv"] {
        bench.put(hidden, "x");
    }
    bench.put("notes.txt", "x");
    std::os::unix::fs::symlink(bench.export("sales/a.csv"), bench.export("sales/link.csv")).unwrap();
    std::os::unix::fs::symlink(bench.export("sales"), bench.export("linked")).unwrap();
    std::os::unix::fs::symlink("nowhere", bench.export("dangling")).unwrap();
    let looked = bench.look().await;
    let seen: Vec<_> = looked.iter().map(|seen| (seen.path.as_str(), seen.change, seen.left.as_ref().map(ToString::to_string))).collect();
    let left = |why: &str| Some(why.to_owned());
    assert_eq!(
        seen,
        [
            ("notes.txt", None, left("fits no export")),
            ("sales/a.csv", Some(Change::New), None),
            ("sales/link.csv", None, left("a link, and links are not followed")),
            ("sales/prices_b.csv", None, left("fits several exports (sales, prices); make their path patterns differ")),
        ]
    );
    let pulled = bench.pull().await;
    assert_eq!(changes(&pulled), [("sales/a.csv", Change::New)]);
    assert_eq!(pulled.unknown, ["notes.txt"]);
    let ambiguous: Vec<_> = pulled.ambiguous.iter().map(|found| (found.path.as_str(), found.exports.join("+"))).collect();
    assert_eq!(ambiguous, [("sales/prices_b.csv", "sales+prices".to_owned())]);
    let ignored: Vec<_> = pulled.ignored.iter().map(|found| (found.path.as_str(), found.reason)).collect();
    assert_eq!(ignored, [("sales/link.csv", "a link, and links are not followed")]);
    assert_eq!(pulled.missing_exports, ["prices"]);
    assert!(pulled.failed.is_empty() && pulled.vanished.is_empty());
}

#[tokio::test]
async fn a_vanished_file_stays_landed() {
    let bench = Bench::new();
    bench.put("sales/a.csv", "id\n1\n");
    bench.put("sales/b.csv", "id\n2\n");
    bench.pull().await;
    std::fs::remove_file(bench.export("sales/a.csv")).unwrap();
    for _ in 0..2 {
        let pulled = bench.pull().await;
        assert_eq!(pulled.vanished, ["sales/a.csv"]);
        assert_eq!(pulled.records.len(), 2);
        assert_eq!(bench.text(record(&pulled, "sales/a.csv"), 0).await, "id\n1\n");
    }
    bench.put("sales/a.csv", "id\n1\n");
    let back = bench.pull().await;
    assert_eq!((back.vanished.len(), back.changes["sales/a.csv"]), (0, Change::Unchanged));
}

#[tokio::test]
async fn a_file_that_another_export_takes_over_is_landed_for_it() {
    let mut bench = Bench::new();
    bench.put("sales/a.csv", "id\n1\n");
    let first = bench.pull().await;
    bench.channel = takings_definitions::Channel::parse("c.toml".as_ref(), &super::CHANNEL.replace("sales\"\ntable", "orders\"\ntable")).unwrap();
    let second = only(&bench, Change::Rewritten).await;
    let (before, after) = (&first.records[0], &second.records[0]);
    assert_eq!((after.version, after.export.as_str(), &after.segments), (2, "orders", &before.segments));
    assert_ne!(after.file_id, before.file_id);
    only(&bench, Change::Unchanged).await;
}

#[tokio::test]
async fn instances_do_not_mix() {
    let mut bench = Bench::new();
    bench.put("sales/a.csv", "id\n1\n");
    bench.pull().await;
    bench.instance.name = "zweite/Ü".into();
    put(&bench.folder.path().join("other/sales/z.csv"), b"id\n");
    bench.instance.url = format!("file://{}", bench.folder.path().join("other").display());
    let pulled = bench.try_pull(|_| {}).await.unwrap();
    assert_eq!(pulled.records.iter().map(|record| record.source_path.as_str()).collect::<Vec<_>>(), ["sales/z.csv"]);
    assert_eq!(bench.landing.records("shop", "zweite/Ü").await.unwrap(), pulled.records);
    assert_eq!(bench.landing.records("shop", "main").await.unwrap().len(), 1);
}

#[tokio::test]
async fn progress_tells_what_is_read() {
    let bench = Bench::new();
    bench.put("sales/a.csv", "id\n1\n");
    bench.put("sales/b.csv", "");
    bench.pull().await;
    bench.put("sales/a.csv", "id\n1\n2\n");
    let said = std::sync::Mutex::new(Vec::new());
    let say = |progress: Progress<'_>| match progress {
        Progress::Landed { record, fresh } => {
            format!("Landed {} version {}, {} segments, new from {fresh} on", record.source_path, record.version, record.segments.len())
        }
        other => format!("{other:?}"),
    };
    bench.try_pull(|progress| said.lock().unwrap().push(say(progress))).await.unwrap();
    expect![[r#"
        Listed { files: 1, bytes: 7 }
        Started { path: "sales/a.csv", size: 7 }
        Read { path: "sales/a.csv", bytes: 7 }
        Landed sales/a.csv version 2, 2 segments, new from 1 on
        Done { path: "sales/a.csv", size: 7 }"#]]
    .assert_eq(&said.into_inner().unwrap().join("\n"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_pull_may_run_on_any_thread() {
    let bench = Bench::new();
    bench.put("sales/a.csv", "id\n");
    let pulled = tokio::spawn(async move { bench.try_pull(|_| {}).await.unwrap().count(Change::New) });
    assert_eq!(pulled.await.unwrap(), 1);
}

#[tokio::test]
async fn records_that_the_pull_before_knew_are_not_read_again() {
    let bench = Bench::new();
    for name in ["a", "b", "c"] {
        bench.put(&format!("sales/{name}.csv"), format!("id\n{name}\n"));
    }
    bench.pull().await;
    let read = async || {
        let gate = Arc::new(Nth::new(Fault::Fail, 0));
        let store = bench.landing.store().clone().with_faults(Faults::through(gate.clone()));
        let pulled = Landing::new(store).pull(&bench.instance, &bench.channel, bench.folder.path(), &|_: Progress<'_>| {}).await.unwrap();
        assert_eq!(bench.landing.records("shop", "main").await.unwrap(), pulled.records);
        let of_records = |(kind, path): &(Kind, String)| *kind == Kind::Read && path.starts_with("landing/records/");
        (pulled.count(Change::Unchanged), gate.seen().iter().filter(|seen| of_records(seen)).count())
    };
    assert_eq!(read().await, (3, 0));
    let index = bench.stored("landing/index/shop/main.json");
    let old = std::fs::read(&index).unwrap();
    bench.put("sales/a.csv", "id\na\nb\n");
    assert_eq!(read().await, (2, 0), "what it was before stands in the index too");
    assert_eq!(read().await, (3, 0));
    // A pull that was killed before it wrote the index: of the file that it landed, record and fingerprint are read.
    std::fs::write(&index, old).unwrap();
    assert_eq!(read().await, (3, 2));
    assert_eq!(read().await, (3, 0));
    for rubbish in ["", "[{]", "{\"record\": 1}"] {
        std::fs::write(&index, rubbish).unwrap();
        assert_eq!(read().await, (3, 6), "{rubbish}");
        assert_eq!(read().await, (3, 0));
    }
    // A record that is there no more is not current, whatever the index says.
    let first = bench.files("landing/records").into_iter().find(|name| name.ends_with("v00002.json")).unwrap();
    std::fs::remove_file(bench.stored("landing/records").join(first)).unwrap();
    bench.put("sales/a.csv", "id\na\nc\n");
    // Nor once another record has its number, though the pull that landed it is killed right then.
    let named = |text: &str| std::fs::read_to_string(&index).unwrap().contains(text);
    assert!(named("\"version\":2"));
    let landed = bench.try_pull(|progress| assert!(!matches!(progress, Progress::Landed { .. }) || !named("\"version\":2"))).await.unwrap();
    assert_eq!((landed.records[0].version, bench.text(&landed.records[0], 0).await), (2, "id\na\nc\n".to_owned()));
    assert!(named("\"version\":2"));
}
