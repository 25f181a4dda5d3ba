//! Files of exports that are read whole: any bytes, one segment, no part of a version kept by the next.

use std::path::Path;

use takings_definitions::Channel;
use takings_sources::{Change, LandingRecord};

use super::{Bench, changes};

const CHANNEL: &str = r#"
version = 1
channel = "shop"
title = "Shop"
[[exports]]
name = "reports"
table = "shop_reports"
path = '^reports/'
mode = "replace_file"
[exports.unpack]
members = ['csv$']
[[exports]]
name = "fees"
table = "shop_fees"
part_of = "reports"
mode = "replace_file"
[exports.unpack]
members = ['fees']
"#;

fn bench() -> Bench {
    let mut bench = Bench::new();
    bench.channel = Channel::parse(Path::new("config/channels/shop.toml"), CHANNEL).unwrap();
    bench
}

async fn bytes(bench: &Bench, record: &LandingRecord) -> Vec<u8> {
    use futures::TryStreamExt;
    let pieces: Vec<_> = bench.landing.read(record, 0).try_collect().await.unwrap();
    pieces.concat()
}

#[tokio::test]
async fn any_bytes_are_one_segment() {
    let bench = bench();
    let file = [b"PK\x03\x04\0\"\n\xFF\n".as_slice(), &vec![b'"'; 100_000], b"\na,\n\n"].concat();
    bench.put("reports/a.zip", &file);
    let pulled = bench.pull().await;
    assert_eq!(changes(&pulled), [("reports/a.zip", Change::New)]);
    assert_eq!(pulled.missing_exports, Vec::<String>::new());
    let record = &pulled.records[0];
    let [segment] = record.segments.as_slice() else { panic!("{:?}", record.segments) };
    assert_eq!((segment.length, segment.first_line, segment.finished), (file.len() as u64, 1, false));
    assert_eq!((&segment.sha256, bytes(&bench, record).await), (&record.sha256, file));
}

#[tokio::test]
async fn a_file_that_grew_is_landed_whole_again() {
    let bench = bench();
    bench.put("reports/a.csv", "a\n1\n");
    bench.pull().await;
    bench.put("reports/a.csv", "a\n1\n2\n");
    let pulled = bench.pull().await;
    assert_eq!(changes(&pulled), [("reports/a.csv", Change::Rewritten)]);
    let record = &pulled.records[0];
    assert_eq!((record.version, record.segments.len(), bytes(&bench, record).await), (2, 1, b"a\n1\n2\n".to_vec()));
    bench.put("reports/a.csv", "a\n1\n2\n");
    assert_eq!(changes(&bench.pull().await), [("reports/a.csv", Change::Unchanged)]);
    bench.put("reports/a.csv", "");
    let pulled = bench.pull().await;
    assert_eq!((changes(&pulled), pulled.records[0].segments.len()), (vec![("reports/a.csv", Change::Shrunk)], 0));
}

#[tokio::test]
async fn without_its_file_no_part_is_there() {
    assert_eq!(bench().pull().await.missing_exports, ["reports", "fees"]);
}
