//! Drafts of exports that were made for the eye: what is no row is left out, what repeats money too, and no row is lost.

use std::collections::BTreeMap;
use std::path::Path;

use takings_definitions::{Channel, Table};

use crate::support::{figures, read};

/// What the first export of a draft reads of its sample: rows and sums, or why it can't.
fn drafted(file: &str, sample: &str) -> String {
    let draft = takings_draft::channel(sample.as_bytes(), file, "shop").unwrap_or_else(|error| panic!("{error}"));
    let channel = Channel::parse(Path::new("draft.toml"), &draft.channel_toml).unwrap_or_else(|error| panic!("{error}\n{}", draft.channel_toml));
    let (name, text) = &draft.table_tomls[0];
    let table = Table::parse(Path::new(&format!("{name}.toml")), text).unwrap_or_else(|error| panic!("{error}\n{text}"));
    let read = read(&channel, &channel.exports[0], &table, &BTreeMap::new(), file, sample.as_bytes());
    let (outcome, kept) = read.unwrap_or_else(|error| panic!("{error}\n{}", draft.channel_toml));
    let found = figures(&kept.batches);
    let sums: Vec<String> = found.sums.iter().map(|(column, sum)| format!("{column} {sum}")).collect();
    let excluded: Vec<String> = outcome.excluded.iter().map(|(rule, records)| format!("{rule} {records}")).collect();
    format!("{} rows, {} bad; {}; {}", found.rows, kept.rejects.len(), sums.join(", "), excluded.join(", "))
}

#[test]
fn blank_lines_inside_and_notes_behind() {
    let sample = "Royalty statement,,\n\nDay,Title,Net (EUR)\n2026-01-01,Tide,1.50\n2026-01-02,Fog,2.50\n,Subtotal,4.00\n\n2026-02-01,Tide,3.00\n2026-02-02,Fog,4.00\n,Subtotal,7.00\n\nGrand total,,11.00\n\n* Subject to audit.,,\n";
    assert_eq!(drafted("statement.csv", sample), "4 rows, 0 bad; net_eur 11; totals 2, totals_2 1");
}

#[test]
fn names_and_values_above_the_table() {
    let sample =
        "Statement for:,Tide Films\nCurrency:,EUR\nTotal due:,\"€1,100.50\"\n\nPlatform,Title,Views,Revenue\nTubi,Tide,10,\"€1,000.25\"\nTubi,Fog,20,€100.25\n";
    assert_eq!(drafted("statement.csv", sample), "2 rows, 0 bad; revenue 1100.5, views 30; ");
}

#[test]
fn sums_between_the_rows_and_pages() {
    let group = "Title,Units,Amount\nTide,1,2.50\nSubtotal Malta,1,2.50\nFog,2,3.50\nSubtotal Chile,2,3.50\nSubtotal Fiji,0,0\nTotal Recall,5,1.00\n";
    assert_eq!(drafted("groups.csv", group), "3 rows, 0 bad; amount 7, units 8; totals 3");
    let pages = "Date,Title,Amount\n2026-01-01,Tide,1.50\n\u{feff}Date,Title,Amount\n2026-01-02,Fog,2.50\n";
    assert_eq!(drafted("pages.csv", pages), "2 rows, 0 bad; amount 4; repeated_header 1");
}

#[test]
fn a_header_of_dates_and_no_header() {
    let wide = "Title;Jan 2026;Feb 2026;Mar 2026;Total\nTide;1,234.50;2.00;3.00;1,239.50\nFog;4.00;5.00;6.00;15.00\n";
    assert_eq!(drafted("wide.csv", wide), "2 rows, 0 bad; feb_2026 7, jan_2026 1238.5, mar_2026 9, total 1254.5; ");
    let bare = "S,M,Tide,Fox,GB,2026-01-11,1.25,GBP\nS,P,Fog,Fox,GB,2026-02-11,2.25,GBP\nT,M,Forward,,,,3.50,GBP\n";
    assert_eq!(drafted("bare.csv", bare), "3 rows, 0 bad; column_7 7; ");
}

#[test]
fn quotes_and_ids_as_spreadsheets_leave_them() {
    let quotes = "Title;Amount\nThe \"Best\" of;\"1,50\"\nFog;\"2,50\"\n";
    assert_eq!(drafted("quotes.csv", quotes), "2 rows, 0 bad; amount 4; ");
    let ids = "Payout ID,Currency,Total\n700.0,EUR,1.50\n701.0,EUR,2.50\n";
    assert_eq!(drafted("ids.csv", ids), "2 rows, 0 bad; total 4; ");
}

#[test]
fn currencies_in_a_column_and_in_headers() {
    let sample = "Date,Sale Price,Currency,Net Sales (USD)\n2026-01-01,10.00,EUR,9.00\n2026-01-02,1000,JPY,5.00\n";
    let draft = takings_draft::channel(sample.as_bytes(), "sales.csv", "shop").unwrap();
    let table = Table::parse(Path::new("t.toml"), &draft.table_tomls[0].1).unwrap();
    let currency = |name: &str| table.column(name).unwrap().currency.clone();
    assert_eq!([currency("sale_price"), currency("net_sales_usd")], [Some("currency".to_owned()), Some("currency_usd".to_owned())]);
}

#[test]
fn amounts_of_any_name_are_in_the_currency_of_the_file() {
    let currencies = |sample: &str| {
        let draft = takings_draft::channel(sample.as_bytes(), "a.csv", "shop").unwrap();
        let table = Table::parse(Path::new("t.toml"), &draft.table_tomls[0].1).unwrap();
        let tied = table.columns.iter().filter_map(|column| Some(format!("{} {}", column.name, column.currency.as_ref()?)));
        (tied.collect::<Vec<_>>(), draft.notes.join("\n"))
    };
    let dutch = "Datum;Valuta;Bedrag;Uitbetalingsvaluta;Uitbetalingsbedrag\n2026-02-01;USD;10,50;EUR;9,75\n2026-02-02;EUR;3,25;EUR;3,25\n";
    assert_eq!(currencies(dutch), (vec!["bedrag valuta".to_owned(), "uitbetalingsbedrag uitbetalingsvaluta".to_owned()], String::new()));
    let pledges = "Day,Pledge,VAT,Usage,FX Rate,Currency\n2026-02-01,5.00,0.95,1.5,1.08,USD\n";
    assert_eq!(currencies(pledges), (vec!["pledge currency".to_owned(), "vat currency".to_owned()], String::new()));
    let (tied, notes) = currencies("Tag;Andere\n01.02.2026;10,50\n");
    assert_eq!((tied, notes.contains("whether andere are amounts can't be told")), (Vec::<String>::new(), true), "{notes}");
    // A currency of transactions is that of all amounts; `NC` is the net currency; what is measured is no money.
    let german = "Transaktionswährung;Betrag abzügl. Kosten;Fixer Anteil\nEUR;10,50;0,35\n";
    assert_eq!(currencies(german), (vec!["betrag_abzugl_kosten transaktionswahrung".to_owned(), "fixer_anteil transaktionswahrung".to_owned()], String::new()));
    let both = "Gross Currency,Net Currency,Gross Debit (GC),Markup (NC),File Size (MB)\nUSD,EUR,10.50,0.25,1.5\n";
    assert_eq!(currencies(both), (vec!["gross_debit_gc gross_currency".to_owned(), "markup_nc net_currency".to_owned()], String::new()));
    // Codes tell a column of currencies whatever its name; one that is named for a payout is none of the sales'.
    let wallet = "Fecha,Cartera,Importe,Otros\n2026-02-01,EUR,10.00,1.50\n2026-02-02,USD,9.00,0.50\n";
    assert_eq!(currencies(wallet), (vec!["importe cartera".to_owned(), "otros cartera".to_owned()], String::new()));
    let (tied, notes) = currencies("Day,Payout Currency,Sale Price\n2026-02-01,EUR,10.00\n");
    assert_eq!((tied, notes.contains("the currency of sale_price can't be told")), (Vec::<String>::new(), true), "{notes}");
}

#[test]
fn zones_of_times_and_a_column_that_has_a_value() {
    let draft = |sample: &str| takings_draft::channel(sample.as_bytes(), "a.csv", "shop").unwrap();
    let amazon = "date/time,order id,total\n\"Jan 5, 2026 1:23:45 PM PST\",A-1,\"1,210.50\"\n\"Jul 6, 2026 1:23:45 PM PDT\",A-2,2.50\n";
    assert!(draft(amazon).channel_toml.contains("zones = { PST = \"-08:00\", PDT = \"-07:00\" }"), "{}", draft(amazon).channel_toml);
    assert_eq!(drafted("amazon.csv", amazon), "2 rows, 0 bad; total 1213; ");
    let beside = draft("Creation Date,TimeZone,Net\n2026-09-15 10:22:31,CEST,1.50\n");
    assert!(beside.notes.iter().any(|note| note.contains("creation_date is taken as UTC, and the column \"TimeZone\"")), "{:?}", beside.notes);
    // A line of delimiters alone is no row, and none is a line that has a total's word in front.
    let bare = draft("Settlement,Kind,Net\nA-1,Sale,1.50\nA-2,Sale,2.50\n");
    assert!(bare.table_tomls[0].1.contains("name = \"kind\", type = \"text\", nullable = false"), "{}", bare.table_tomls[0].1);
    let constant = draft("ISBN,Title,Net (EUR)\n9781000000019,Ebb,1.50\n9781000000019,Tide,2.50\n");
    assert!(constant.table_tomls[0].1.contains("name = \"title\", type = \"text\", nullable = false"), "{}", constant.table_tomls[0].1);
    assert!(constant.channel_toml.contains("[exports.columns.isbn]\nwhole_decimals = true"), "{}", constant.channel_toml);
}
