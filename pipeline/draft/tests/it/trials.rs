//! What a trial keeps of a file. The files are read without their SQL: this crate knows none.

use takings_definitions::{Channel, Project};
use takings_draft::{Error, Trial, Tried, trial};

use crate::support::{Fixture, fixtures, project, read};

fn trials(project: &Project, channel: &Channel, fixture: &Fixture, bytes: &[u8], rows: usize) -> Vec<Trial> {
    let export = channel.recognise(&fixture.path)[0];
    trial(channel, export, &project.tables, &fixture.path, rows, |export, table, _, first| {
        match read(channel, export, table, &project.references, &fixture.path, bytes) {
            Ok((outcome, kept)) => {
                kept.batches.iter().for_each(|batch| first.add("", batch));
                let stopped = outcome.stopped().or_else(|| (outcome.quarantined > 0).then(|| format!("{} records are bad", outcome.quarantined)));
                Ok(Tried { outcome: Some(outcome), rejects: kept.rejects, stopped })
            }
            Err(error) if error.is_data() => Ok(Tried { outcome: None, rejects: Vec::new(), stopped: Some(error.to_string()) }),
            Err(error) => Err(Error::new(error.to_string())),
        }
    })
    .unwrap()
}

fn tried(name: &str, change: impl Fn(String) -> String) -> Vec<Trial> {
    let project = project();
    let fixture = fixtures().into_iter().find(|fixture| fixture.name() == name).unwrap();
    let bytes = change(String::from_utf8_lossy(&fixture.bytes).into_owned()).into_bytes();
    trials(&project, &project.channels[&fixture.channel], &fixture, &bytes, 2)
}

fn shown(trials: &[Trial]) -> String {
    let mut text = String::new();
    for trial in trials {
        text += &format!("{} -> {}\n", trial.export, trial.table);
        for row in &trial.rows {
            text += &format!("  {} {}\n", row.line, row.cells.join("|"));
        }
        trial.totals.iter().for_each(|(column, currency, sum)| text += &format!("  total {column} {currency} {sum}\n"));
        if let Some(outcome) = &trial.outcome {
            text += &format!("  {} records, {} rows, excluded {:?}\n", outcome.records, outcome.rows, outcome.excluded);
            outcome.checks.iter().for_each(|check| text += &format!("  {check}\n"));
        }
        trial.rejects.iter().for_each(|reject| text += &format!("  reject {} {:?} {:?}: {}\n", reject.line, reject.column, reject.text, reject.reason));
        trial.stopped.iter().for_each(|why| text += &format!("  STOPPED {why}\n"));
    }
    text
}

#[test]
fn a_file_that_is_right() {
    expect_test::expect![[r#"
        performance -> amazon_prime_video_direct_performance
          2 2026-02-01||B0TIDE0001||The Tide||||United States|US||Included with Prime|1234.5|87||
          3 2026-02-01||B0TIDE0001||The Tide||||United Kingdom|GB||Included with Prime|60|4||
          total minutes_streamed  34836.083333
          total unique_streams  1599
          5 records, 5 rows, excluded {}
    "#]]
    .assert_eq(&shown(&tried("amazon_prime_video_direct/performance_2026-02.csv", |text| text)));
    expect_test::expect![[r#"
        balance -> stripe_balance
          2 txn_1|2026-02-03T10:11:12Z|2026-02-10T00:00:00Z|eur|49.9|1.02|48.88|charge|Order, first||||
          3 txn_2|2026-02-04T08:00:00Z|2026-02-10T00:00:00Z|jpy|1200|43|1157|charge|Order, first||||
          4 records, 4 rows, excluded {}
          check `once`: holds
    "#]]
    .assert_eq(&shown(&tried("stripe/itemized_balance.csv", |text| text)));
}

#[test]
fn a_file_with_a_bad_record_is_stopped() {
    expect_test::expect![[r#"
        balance -> stripe_balance
          3 txn_2|2026-02-04T08:00:00Z|2026-02-10T00:00:00Z|jpy|1200|43|1157|charge|Order, first||||
          4 txn_3|2026-02-05T00:00:01Z|2026-02-10T00:00:00Z|eur|-49.9|0|-49.9|refund|Order, first||||
          4 records, 3 rows, excluded {}
          check `once`: holds
          reject 2 None "": the record has 10 cells, the header has 9
          STOPPED 1 records are bad
    "#]]
    .assert_eq(&shown(&tried("stripe/itemized_balance.csv", |text| text.replace("48.88", "48,88x"))));
    expect_test::expect![[r#"
        financial -> apple_financial
          2 80012345|CH|2026-02-01|2026-02-28|||||tide.hd|12|2.1|25.3|CHF|S|900000001|A. Director|The Tide|Tidefilms||M||CH||||3|CHF
          3 80012345|CH|2026-02-01|2026-02-28|||||tide.hd|8|0.7|5.6|CHF|S|900000001|A. Director|The Tide|Tidefilms||M||CH||||1|CHF
          total customer_price CHF 1
          total extended_partner_share CHF 28.8
          total partner_share CHF 4.9
          total quantity  19
          3 records, 3 rows, excluded {}
          check `rows`: 3 as expected
          check `amount`: expected 28.7 (trailer `Total_Amount` on line 6), found 28.8: a difference of 0.1
          check `units`: expected 20 (trailer `Total_Units` on line 7), found 19: a difference of -1
          check `one_currency`: holds
          STOPPED check `amount`: expected 28.7 (trailer `Total_Amount` on line 6), found 28.8: a difference of 0.1
    "#]]
    .assert_eq(&shown(&tried("apple/80012345_0226_CH.txt", |text| text.replace("25.20", "25.30"))));
    expect_test::expect![[r#"
        balance -> stripe_balance
          STOPPED itemized_balance.csv:1: the header lacks net (nearest: "nett"); correct the file, or name the header under [exports.headers] of export `balance`
    "#]].assert_eq(&shown(&tried("stripe/itemized_balance.csv", |text| text.replace("net,", "nett,"))));
}

#[test]
fn instants_are_compared_by_checks() {
    let project = project();
    let known = &project.channels["stripe"];
    let text = known.text.replace("columns = [\"balance_transaction_id\"]", "columns = [\"available_on\"]");
    let channel = takings_definitions::Channel::parse(&known.path, &text).unwrap();
    let fixture = fixtures().into_iter().find(|fixture| fixture.name() == "stripe/itemized_balance.csv").unwrap();
    let trials = trials(&project, &channel, &fixture, &fixture.bytes, 0);
    assert_eq!(trials[0].stopped.as_deref(), Some("check `once`: line 3 repeats available_on \"2026-02-10 00:00:00 UTC\""));
}
