//! The wide file of usage lines: its shape, and that it can be made again and go on.

use std::collections::BTreeMap;
use std::path::Path;

use takings_sample::{WIDE_DISBURSEMENT_HEADER, WIDE_HEADER, WideOptions, append_wide_day, write_wide};

fn options(out: &Path) -> WideOptions {
    WideOptions { out: out.to_owned(), seed: 7, rows: 5_000, files: 3, days: 40, seller_of: 5_000 }
}

fn texts(options: &WideOptions) -> Vec<String> {
    write_wide(options).unwrap();
    (0..options.files).map(|file| std::fs::read_to_string(options.out.join(format!("usage_{file:03}.csv"))).unwrap()).collect()
}

#[test]
fn every_line_has_the_columns_and_the_money_is_exact() {
    let folder = tempfile::tempdir().unwrap();
    let texts = texts(&options(folder.path()));
    let (mut rows, mut without_tag, mut refunds, mut quotes) = (0, 0, 0, 0);
    for text in &texts {
        assert!(text.starts_with(WIDE_HEADER));
        let mut reader = csv::Reader::from_reader(text.as_bytes());
        for record in reader.records() {
            let record = record.unwrap();
            assert_eq!(record.len(), 17);
            let number = |at: usize| record[at].replace('.', "").parse::<i128>().unwrap();
            let exact = number(11) * number(12);
            assert_eq!(number(13), exact / 1_000_000, "{record:?}");
            rows += 1;
            without_tag += usize::from(record[15].is_empty());
            refunds += usize::from(record[13].starts_with('-'));
            quotes += usize::from(record[4].contains('"') && record[4].contains(','));
        }
    }
    assert_eq!(rows, 5_000);
    assert!((1_700..2_300).contains(&without_tag), "{without_tag}");
    assert!((30..250).contains(&refunds), "{refunds}");
    assert!(quotes > 100, "{quotes}");
}

#[test]
fn equal_options_give_equal_bytes_and_a_day_more_is_appended() {
    let folders = [tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap()];
    let first = texts(&options(folders[0].path()));
    assert_eq!(first, texts(&options(folders[1].path())));
    let added = append_wide_day(&options(folders[1].path())).unwrap();
    let longer = std::fs::read_to_string(folders[1].path().join("usage_002.csv")).unwrap();
    let new = longer.strip_prefix(first[2].as_str()).unwrap();
    assert_eq!((added.rows, added.bytes), (5_000 / 40, new.len() as u64));
    assert_eq!(new.lines().count(), 5_000 / 40);
    assert!(new.lines().all(|line| line.starts_with("2024-02-10,")), "{new}");
}

/// Ten-thousandths.
fn amount(text: &str) -> i64 {
    text.replace('.', "").parse().unwrap()
}

#[test]
fn a_third_of_the_transactions_is_disbursed_thirty_days_later() {
    let folder = tempfile::tempdir().unwrap();
    let options = options(folder.path());
    let mut billed = BTreeMap::<String, (String, String, i64)>::new();
    for text in texts(&options) {
        for record in csv::Reader::from_reader(text.as_bytes()).records() {
            let record = record.unwrap();
            let of = billed.entry(record[16].to_owned()).or_insert_with(|| (record[0].to_owned(), record[7].to_owned(), 0));
            assert_eq!((&of.0, &of.1), (&record[0].to_owned(), &record[7].to_owned()), "a transaction has one day and one currency");
            of.2 += amount(&record[13]);
        }
    }
    append_wide_day(&options).unwrap();
    let mut lines = Vec::new();
    for file in 0..options.files {
        let text = std::fs::read_to_string(folder.path().join(format!("disbursement/disbursement_{file:03}.csv"))).unwrap();
        let rows = text.strip_prefix(WIDE_DISBURSEMENT_HEADER).unwrap();
        lines.extend(rows.lines().map(|line| line.split(',').map(str::to_owned).collect::<Vec<_>>()));
    }
    let mut statuses = BTreeMap::<String, usize>::new();
    for line in &lines {
        let (day, currency, gross) = billed.remove(&line[2]).expect("each is disbursed once, and was billed");
        assert_eq!((&line[0], &line[3]), (&day, &currency));
        let wanted = match line[4].as_str() {
            "paid" => gross,
            "short" => gross - gross / 10,
            _ => 0,
        };
        assert_eq!(amount(&line[5]), wanted, "{line:?}");
        *statuses.entry(line[4].clone()).or_default() += 1;
    }
    assert_eq!(statuses.len(), 3, "{statuses:?}");
    // Ten of forty days and the one that was appended lie thirty days back.
    assert_eq!((lines[0][1].as_str(), lines[lines.len() - 1][1].as_str()), ("2024-01-31", "2024-02-10"));
    assert!(lines.is_sorted_by_key(|line| &line[1]));
    assert!((80..160).contains(&lines.len()), "{}", lines.len());
}
