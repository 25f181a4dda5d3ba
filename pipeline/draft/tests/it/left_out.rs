//! A draft leaves no money out in silence: what it leaves out it says, and what it can't tell it asks.

use crate::samples::{draft, read_of, reads};

/// What a draft reads of a sample, and its notes.
fn said(sample: &str) -> (String, String) {
    let (draft, shown) = read_of("a.csv", sample);
    (shown.join("; "), draft.notes.join("\n"))
}

#[test]
fn a_total_that_adds_up_to_nothing_is_asked_for() {
    // The first line of an export that shows the best titles only.
    let sample = "Titel,Aufrufe,Dauer,Umsatz (EUR)\nGesamt,2234,0:00:15,30.25\nTide,1000,0:01:15,12.50\nFog,40,0:00:10,3.99\n";
    let draft = draft("a.csv", sample);
    assert_eq!(draft.questions, 1, "{:?}", draft.notes);
    assert!(draft.notes.iter().any(|note| note.contains("line 2 (\"Gesamt 2234 0:00:15 30.25\") is called a total")), "{:?}", draft.notes);
    assert!(reads(&draft, "a.csv", sample.as_bytes(), 0).is_ok_and(|read| read == ["a: 2 rows, aufrufe 1040, umsatz_eur 16.49, without 1 totals"]));
    let typed =
        crate::samples::draft("a.csv", "T,M,Tide,Fox,2026-01-03,10.00\nT,P,Fog,Fox,2026-01-04,2.50\nS,M,Total,,,10.00\nS,P,Total incl. balance,,,4.50\n");
    assert_eq!(typed.questions, 1, "{:?}", typed.notes);
    // The other answer: without the rule it is read.
    let mut without = draft.clone();
    let rule = without.channel_toml.find("\n[[exports.exclude]]").unwrap()..without.channel_toml.find("\n# table column").unwrap();
    without.channel_toml.replace_range(rule, "");
    assert!(reads(&without, "a.csv", sample.as_bytes(), 0).is_ok_and(|read| read == ["a: 3 rows, aufrufe 3274, umsatz_eur 46.74"]));
}

#[test]
fn a_booking_or_a_title_is_no_total_by_one_equal_number() {
    let booking = "Date,Type,Details,Order,Amount,Currency\n2026-01-01,Sale,Tide,O-1,10.00,EUR\n2026-01-02,Balance adjustment,,,10.00,EUR\n2026-01-03,Sale,Fog,O-2,5.00,EUR\n";
    assert_eq!(said(booking).0, "a: 3 rows, amount 25");
    let title = "Date,Title,Studio,Units,Amount,Currency\n2026-01-01,Tide,Fox,1,10.00,EUR\n2026-01-02,Total War,,1,10.00,EUR\n2026-01-03,Fog,Fox,2,5.00,EUR\n";
    assert_eq!(said(title).0, "a: 3 rows, amount 25, units 4");
    // A rule that begins as a title does would take it along.
    let begins = "Title,Units,Amount,Note\nTide,2,2.50,x\nFog,1,1.25,x\nTotal May,3,3.75,\nTide,2,1.50,x\nFog,1,1.00,x\nTotal June,3,2.50,\nTide,2,3.50,x\nTotal War,1,0.25,x\nTotal July,3,3.75,\n";
    assert_eq!(said(begins).0, "a: 6 rows, amount 10, units 9, without 3 totals");
}

#[test]
fn rows_of_one_word_go_together() {
    // One transfer happens to be what was sold, and no rule tells it from the other.
    let sample = "Day;Kind;Order;Buyer;Amount (EUR)\n2026-02-01;Sale;O1;A;12,50\n2026-02-02;Sale;O2;B;2,50\n2026-02-03;Balance;;;15,00\n2026-02-04;Sale;O3;A;4,00\n2026-02-05;Balance;;;-7,00\n";
    assert_eq!(said(sample).0, "a: 5 rows, amount_eur 27");
}

#[test]
fn a_count_of_rows_is_no_row() {
    let sample = "Title\tUnits\tAmount\tNote\nTide\t1\t2.50\tx\nFog\t2\t3.50\tx\nMist\t2\t4.50\tx\nTotal_Rows\t3\t\t\n";
    let (read, notes) = said(sample);
    assert_eq!(read, "a: 3 rows, amount 10.5, units 5, without 1 totals");
    assert!(notes.contains("line 5 (\"Total_Rows 3\")"), "{notes}");
}

#[test]
fn rows_that_begin_with_a_mark_are_no_comments() {
    let orders = "Order,Title,Amount\n#1001,Tide,1.50\n1002,Fog,2.50\n1003,Fog,2.50\n1004,Fog,2.50\n";
    assert_eq!(said(orders).0, "a: 4 rows, amount 9");
    let (read, notes) = said("# made on a Monday\nOrder,Title,Amount\n1001,Tide,1.50\n1002,Fog,2.50\n# end\n");
    assert_eq!(read, "a: 2 rows, amount 4, order 2003");
    assert!(notes.contains("left out, as it begins with \"#\": \"# made on a Monday\", \"# end\""), "{notes}");
}

#[test]
fn lines_above_the_header_and_below_the_table() {
    let sample = "Seller;X\n\nDay;Order;Net (EUR)\n\n2026-01-01;A1;1,50\n2026-01-02;A2;2,50\n\n2 results\nMember : x\n";
    let (read, notes) = said(sample);
    assert_eq!(read, "a: 2 rows, net_eur 4");
    assert!(notes.contains("left out, as it stands above the header: line 1 (\"Seller X\")"), "{notes}");
    assert!(notes.contains("what stands behind the table is not read, from line 8: \"2 results\""), "{notes}");
    let (_, notes) = said("Order,Title,Kind,Amount\nO1,Tide,S,1.50\nO2,Fog,S,2.50\nRefund,-1.00\n");
    assert!(notes.contains("the number of line 4 (\"Refund -1.00\") is no sum and no count"), "{notes}");
}

#[test]
fn what_keeps_a_column_of_amounts_or_days_text_is_said() {
    let (_, notes) = said("Item,Price\nTide,3.50\nFog,2.00\nMist,\"12,00\"\n");
    let styles = "price stays text, though all its values are numbers, but of two styles, as \"3.50\" shows";
    assert!(notes.contains(styles) && notes.contains("line 4: \"12,00\""), "{notes}");
    let (_, notes) = said("Item,Price\nTide,3.50 EUR\nFog,2.00 USD\n");
    assert!(notes.contains("price stays text, though its header names an amount: line 2: \"3.50 EUR\""), "{notes}");
    let (_, notes) = said("Sale Date,Item\n45658,Tide\n13/02/2026,Fog\n45690,Mist\n");
    assert!(notes.contains("sale_date stays text, though other values of it are dates: line 2: \"45658\""), "{notes}");
}

#[test]
fn times_and_numbers_that_name_something() {
    let draft = |sample: &str| read_of("a.csv", sample).0;
    let french = draft("Date,Net (EUR)\n1 août 2026 15:44:19 UTC,1.50\n12 févr. 2026 15:44:19 UTC,2.50\n");
    assert!(french.channel_toml.contains("formats = [\"%d %b %Y %H:%M:%S %Z\"]\nlanguages = [\"fr\"]"), "{}", french.channel_toml);
    let german = draft("Datum;Netto EUR\n01. August 2026 15:44:19 MESZ;1,50\n");
    assert!(german.channel_toml.contains("languages = [\"de\"]") || german.channel_toml.contains("%d. %b %Y %H:%M:%S %Z"), "{}", german.channel_toml);
    assert!(german.channel_toml.contains("zones = { MESZ = \"+02:00\" }"), "{}", german.channel_toml);
    let serial = draft("Zahlungsdatum;Netto EUR\n45658;0,50\n45689;0,12\n");
    assert!(serial.channel_toml.contains("[exports.columns.zahlungsdatum]\nformats = [\"excel\"]"), "{}", serial.channel_toml);
    let numbers = draft("Vorgang,Menge,Stand\n1000231,10000,3\n1000232,20000,14\n1000233,30000,9\n");
    assert!(numbers.table_tomls[0].1.contains("name = \"vorgang\", type = \"text\""), "{}", numbers.table_tomls[0].1);
    assert!(numbers.table_tomls[0].1.contains("name = \"menge\", type = \"int64\""), "{}", numbers.table_tomls[0].1);
    assert!(numbers.notes.iter().any(|note| note.contains("vorgang stays text, as each of its values has as many digits")), "{:?}", numbers.notes);
}

#[test]
fn a_header_alone_is_no_sample() {
    let error = takings_draft::channel(b"Date,Title,Amount\n", "a.csv", "shop").unwrap_err().to_string();
    assert!(error.ends_with("a sample needs a header and rows below it"), "{error}");
}
