//! Reading landed files back, across the pieces in which large files are read.

use futures::TryStreamExt;
use takings_sources::{Change, LandingRecord};

use super::{Bench, record};

async fn landed(bench: &Bench, text: impl AsRef<[u8]>) -> LandingRecord {
    bench.put("sales/a.csv", text);
    bench.pull().await.records.remove(0)
}

#[tokio::test]
async fn the_header_is_the_first_record() {
    let bench = Bench::new();
    for (text, header) in [
        ("a,b\n1,2\n", "a,b\n"),
        ("a,b\r\n1,2\r\n", "a,b\r\n"),
        ("a,\"b\nc\"\n1,2\n", "a,\"b\nc\"\n"),
        ("\u{feff}a\n1\n", "\u{feff}a\n"),
        ("\n\r\na\n1\n", "\n\r\na\n"),
        ("\u{feff}\na\n1\n", "\u{feff}\na\n"),
        ("a,b", "a,b"),
        ("\n\n", "\n\n"),
        ("", ""),
    ] {
        let record = landed(&bench, text).await;
        assert_eq!(bench.landing.header(&record).await.unwrap(), header, "{text:?}");
    }
}

#[tokio::test]
async fn a_record_is_found_by_its_line_in_every_segment() {
    let bench = Bench::new();
    landed(&bench, "id,note\n1,a\n").await;
    let record = landed(&bench, "id,note\n1,a\n2,\"x\ny \"\"z\"\"\"\r\n3,é\n\"4\n,").await;
    assert_eq!(record.segments.len(), 3);
    let raw = async |line| bench.landing.raw_record(&record, line).await.map_err(|error| error.to_string());
    assert_eq!(raw(1).await.unwrap(), "id,note");
    assert_eq!(raw(2).await.unwrap(), "1,a");
    assert_eq!(raw(3).await.unwrap(), "2,\"x\ny \"\"z\"\"\"");
    assert_eq!(raw(5).await.unwrap(), "3,é");
    assert_eq!(raw(6).await.unwrap(), "\"4\n,");
    assert_eq!(raw(4).await.unwrap_err(), "sales/a.csv, version 2: line 4 is inside of a record that starts on an earlier line");
    assert_eq!(raw(8).await.unwrap_err(), "sales/a.csv, version 2: line 8 is not in the file");
    assert_eq!(raw(0).await.unwrap_err(), "sales/a.csv, version 2: line 0 is not in the file");
    let closed = landed(&bench, b"id\n\xff1\n").await;
    assert_eq!(bench.landing.raw_record(&closed, 2).await.unwrap(), "\u{fffd}1");
    assert!(bench.landing.raw_record(&closed, 3).await.is_err(), "behind the last newline nothing starts");
}

/// Lines of different lengths, some with quoted newlines, so that pieces end anywhere.
fn lines(from: usize, to: usize) -> String {
    use std::fmt::Write;
    let mut text = String::new();
    for n in from..to {
        match n % 7 {
            0 => write!(text, "{n},\"two\nlines, \"\"quoted\"\"\"\n").unwrap(),
            m => writeln!(text, "{n},{}", "x".repeat(m * 11)).unwrap(),
        }
    }
    text
}

#[tokio::test]
async fn large_files_are_read_in_pieces_and_reassemble() {
    let bench = Bench::new();
    let (first, more) = (lines(0, 400_000), lines(400_000, 500_000));
    assert!(first.len() > 16 << 20, "{}", first.len());
    let before = landed(&bench, &first).await;
    let whole = first + &more;
    bench.put("sales/a.csv", &whole);
    let pulled = bench.pull().await;
    let grown = record(&pulled, "sales/a.csv");
    assert_eq!((pulled.changes["sales/a.csv"], grown.segments.len()), (Change::Grown, 2));
    assert_eq!(grown.segments[0], before.segments[0]);
    assert_eq!(grown.segments[1].first_line as usize, before.segments[0].newlines as usize + 1);
    let pieces: Vec<_> = bench.landing.read(grown, 0).try_collect().await.unwrap();
    assert!(pieces.len() >= 4 && pieces.iter().all(|piece| piece.len() <= 8 << 20));
    assert!(pieces.concat() == whole.as_bytes());
    assert!(bench.text(grown, 1).await == more);
    // Behind several pieces, by its line; record n starts one line later for each quoted newline before it.
    let line = |n: usize| (1 + n + n.div_ceil(7)) as u64;
    for n in [0, 7, 399_998, 399_999, 400_001, 499_995] {
        let expected = lines(n, n + 1);
        assert_eq!(bench.landing.raw_record(grown, line(n)).await.unwrap(), expected.trim_end_matches('\n'), "{n}");
    }
}

#[tokio::test]
async fn a_record_without_an_end_is_said_to_be_one() {
    let bench = Bench::new();
    let mut text = b"id\n\"never closed\n".to_vec();
    text.resize(40 << 20, b'x');
    let record = landed(&bench, &text).await;
    assert_eq!(record.segments.iter().map(|segment| segment.finished).collect::<Vec<_>>(), [false], "it is one segment, which the next version replaces");
    assert_eq!(bench.landing.header(&record).await.unwrap(), "id\n");
    let error = bench.landing.raw_record(&record, 2).await.unwrap_err();
    assert_eq!(error.to_string(), "sales/a.csv, version 1: line 2 starts a record that does not end; a quote may never be closed");
    text.extend_from_slice(b"\"\n2\n");
    bench.put("sales/a.csv", &text);
    let pulled = bench.pull().await;
    assert_eq!(pulled.changes["sales/a.csv"], Change::Grown);
    assert_eq!(pulled.records[0].segments.iter().map(|segment| segment.finished).collect::<Vec<_>>(), [true]);
}

#[tokio::test]
async fn damage_is_found_and_named() {
    let bench = Bench::new();
    bench.put("sales/a.csv", "id\n1\n");
    let record = bench.pull().await.records.remove(0);
    let sha256 = &record.segments[0].sha256;
    let blob = format!("landing/blobs/{}/{sha256}", &sha256[..2]);
    let verify = async || bench.landing.verify(&record).await.unwrap_err();
    let next = "restore it from a backup: the landing zone is the only copy that the lake is made from";
    std::fs::write(bench.stored(&blob), "id\n2\n").unwrap();
    assert_eq!(verify().await.to_string(), format!("{blob} (of sales/a.csv, version 1) has other bytes than its name says; {next}"));
    std::fs::write(bench.stored(&blob), "id\n").unwrap();
    assert_eq!(verify().await.to_string(), format!("{blob} (of sales/a.csv, version 1) has 3 bytes instead of 5; {next}"));
    let read = async || bench.landing.read(&record, 0).try_collect::<Vec<_>>().await.unwrap_err().to_string();
    assert_eq!(read().await, format!("{blob} (of sales/a.csv, version 1) is too short; {next}"));
    std::fs::write(bench.stored(&blob), "").unwrap();
    assert_eq!(read().await, format!("{blob} (of sales/a.csv, version 1) is too short; {next}"));
    std::fs::remove_file(bench.stored(&blob)).unwrap();
    let error = verify().await;
    assert_eq!(error.to_string(), format!("{blob} (of sales/a.csv, version 1) is missing; {next}"));
    assert!(error.is_data() && !error.is_retryable() && !error.is_config());
    assert_eq!(read().await, error.to_string());
}
