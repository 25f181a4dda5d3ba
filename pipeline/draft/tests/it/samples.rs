//! Samples as sellers get them: what is no sale is left out, whatever language says so, and each answer of a question reads the sample.

use std::collections::BTreeMap;
use std::path::Path;

use takings_definitions::{Channel, Table};
use takings_draft::Draft;

use crate::support::{figures, fixtures, read};

/// A draft whose questions are all answered: by the first answer, by the second, … or by the last that there is.
fn answered(text: &str, answer: usize) -> String {
    let number = |line: &str| line.strip_prefix("choose_").and_then(|rest| rest.split('_').next()?.parse::<usize>().ok());
    let lines: Vec<&str> = text.lines().collect();
    let mut out = String::new();
    for (at, line) in lines.iter().enumerate() {
        let Some(own) = number(line) else {
            out += &format!("{line}\n");
            continue;
        };
        let last = lines[at..].iter().map_while(|line| number(line)).last().unwrap();
        if own == (answer + 1).min(last) {
            out += &format!("{}\n", line.splitn(3, '_').nth(2).unwrap());
        }
    }
    out
}

fn answers(text: &str) -> usize {
    text.lines().filter_map(|line| line.strip_prefix("choose_")?.split('_').next()?.parse::<usize>().ok()).max().unwrap_or(1)
}

/// What each export of a draft reads of its sample: rows and sums, what is left out.
pub(crate) fn reads(draft: &Draft, file: &str, sample: &[u8], answer: usize) -> Result<Vec<String>, String> {
    let text = answered(&draft.channel_toml, answer);
    let channel = Channel::parse(Path::new("draft.toml"), &text).map_err(|error| format!("{error}\n{text}"))?;
    let mut shown = Vec::new();
    for (export, (name, table)) in channel.exports.iter().zip(&draft.table_tomls) {
        let table = Table::parse(Path::new(&format!("{name}.toml")), table).map_err(|error| format!("{error}\n{table}"))?;
        let (outcome, kept) = read(&channel, export, &table, &BTreeMap::new(), file, sample).map_err(|error| format!("{error}\n{text}"))?;
        if let Some(why) = outcome.stopped().or_else(|| kept.rejects.first().map(|reject| reject.reason.clone())) {
            return Err(format!("{}: {why}\n{text}", export.name));
        }
        let found = figures(&kept.batches);
        let sums = found.sums.iter().map(|(column, sum)| format!(", {column} {sum}")).collect::<String>();
        let excluded = outcome.excluded.iter().map(|(rule, records)| format!(", without {records} {rule}")).collect::<String>();
        shown.push(format!("{}: {} rows{sums}{excluded}", export.name, found.rows));
    }
    Ok(shown)
}

pub(crate) fn draft(file: &str, sample: impl AsRef<[u8]>) -> Draft {
    takings_draft::channel(sample.as_ref(), file, "shop").unwrap_or_else(|error| panic!("{error}"))
}

/// The draft of a sample without questions, and what it reads.
pub(crate) fn read_of(file: &str, sample: impl AsRef<[u8]>) -> (Draft, Vec<String>) {
    let draft = draft(file, &sample);
    assert_eq!(draft.questions, 0, "{:?}", draft.notes);
    let reads = reads(&draft, file, sample.as_ref(), 0).unwrap_or_else(|error| panic!("{error}"));
    (draft, reads)
}

/// An archive of members that are not packed.
fn zip(members: &[(&str, &str)]) -> Vec<u8> {
    let crc = |bytes: &[u8]| {
        let step = |crc: u32, byte: &u8| (0..8).fold(crc ^ u32::from(*byte), |crc, _| if crc & 1 == 1 { crc >> 1 ^ 0xEDB8_8320 } else { crc >> 1 });
        !bytes.iter().fold(u32::MAX, step)
    };
    let (mut out, mut index) = (Vec::new(), Vec::new());
    for (name, text) in members {
        let size = u32::try_from(text.len()).unwrap().to_le_bytes();
        let mut head = vec![20, 0, 0, 0, 0, 0, 0, 0, 0x21, 0];
        head.extend(crc(text.as_bytes()).to_le_bytes());
        head.extend([size, size].concat());
        head.extend([u16::try_from(name.len()).unwrap().to_le_bytes(), [0, 0]].concat());
        index.extend(b"PK\x01\x02\x14\0".iter().chain(&head));
        index.extend([0; 10]);
        index.extend(u32::try_from(out.len()).unwrap().to_le_bytes());
        index.extend(name.bytes());
        out.extend(b"PK\x03\x04".iter().chain(&head));
        out.extend(name.bytes().chain(text.bytes()));
    }
    let at = u32::try_from(out.len()).unwrap().to_le_bytes();
    let (count, size) = (u16::try_from(members.len()).unwrap().to_le_bytes(), u32::try_from(index.len()).unwrap().to_le_bytes());
    out.extend(index);
    out.extend(b"PK\x05\x06\0\0\0\0");
    out.extend([count, count].concat());
    out.extend([size, at].concat());
    out.extend([0, 0]);
    out
}

#[test]
fn sums_are_left_out_whatever_they_are_called() {
    let polish = "Data,Kraj,Sztuk,Kwota (EUR),Kurs\n2026-02-01,PL,3,10.25,0.5\n2026-02-02,DE,4,1000.05,0.5\nRazem,,7,1010.30,\nPrzeciętnie,,3.5,505.15,\n";
    let (draft, shown) = read_of("a.csv", polish);
    assert_eq!(shown, ["a: 2 rows, kurs 1, kwota_eur 1010.3, sztuk 7, without 2 totals"]);
    assert!(draft.notes.iter().any(|note| note.contains("left out, as it stands beside totals") && note.contains("Przeciętnie")), "{:?}", draft.notes);
    let withheld = "Artist,Title,Service,Plays,Amount (USD)\nFox,Tide,Tubi,\"1,042\",2.1885\nFox,Fog,Tubi,17,0.0340\n,,,Total Gross,2.2225\n,,,Tax kept,-0.2225\n,,,Total Net,2.0000\n";
    assert_eq!(read_of("a.csv", withheld).1, ["a: 2 rows, amount_usd 2.2225, plays 1059, without 3 totals"]);
    let bare = "Day,Title,Units,Amount,Currency\n2026-02-01,Tide,1,1.10,USD\n2026-02-02,Fog,2,2.25,USD\n,,3,3.35,\n";
    assert_eq!(read_of("a.csv", bare).1, ["a: 2 rows, amount 3.35, units 3, without 1 totals"]);
    let filled = "Title;Units;Amount (EUR)\nTide;2;1.234,50\nFog;1;3,00\nYhteensä;3;1.237,50\n";
    assert_eq!(read_of("a.csv", filled).1, ["a: 2 rows, amount_eur 1237.5, units 3, without 1 totals"]);
    let groups = "Day,Title,Store,Amount (EUR)\n2026-01-01,Tide,A,1.50\n2026-01-02,Fog,A,2.50\n,,,4.00\n2026-02-01,Tide,B,3.00\n2026-02-02,Fog,B,4.00\n,,,7.00\n,,,11.00\n";
    assert_eq!(read_of("a.csv", groups).1, ["a: 4 rows, amount_eur 11, without 3 totals"]);
    let each = "Title,Units,Net,Currency\nTide,1,1.50,EUR\nFog,2,2.50,EUR\nSurf,1,1.00,USD\nEUR,3,4.00,\nUSD,1,1.00,\n";
    assert_eq!(read_of("a.csv", each).1, ["a: 3 rows, net 5, units 4, without 2 totals"]);
    let narrow = "Boutique;Montant\nA;1 234,50 €\nB;12,00 €\n;1 246,50 €\n";
    assert_eq!(read_of("a.csv", narrow).1, ["a: 2 rows, montant 1246.5, without 1 totals"]);
    let above = "Day,Title,Store,Amount (EUR)\nKaikki,,,8.00\n2026-01-01,Tide,A,1.50\n2026-01-02,Fog,A,2.50\n2026-02-01,Tide,B,4.00\n";
    assert_eq!(read_of("a.csv", above).1, ["a: 3 rows, amount_eur 8, without 1 totals"]);
}

#[test]
fn sparse_rows_that_are_no_sums_stay() {
    let fee = "Day,Title,Store,Amount (EUR)\n2026-01-01,Tide,A,12.50\n2026-01-02,Fog,A,2.50\nFee,,,-1.25\n";
    assert_eq!(read_of("a.csv", fee).1, ["a: 3 rows, amount_eur 13.75"]);
    let turned = "Day,Title,Store,Amount (EUR)\n2026-01-01,Tide,A,12.50\nTransfer,,,12.50\n2026-01-02,Fog,A,2.50\n";
    assert_eq!(read_of("a.csv", turned).1, ["a: 3 rows, amount_eur 27.5"]);
}

#[test]
fn money_that_is_called_a_total_is_read() {
    let read_with = |sample: &str, said: &str| {
        let (draft, shown) = read_of("a.csv", sample);
        assert!(draft.notes.iter().any(|note| note.contains(said)), "{said}: {:?}", draft.notes);
        shown.join("; ")
    };
    // A transfer to the bank, in the words of a carry-over.
    let transfer = "Datum;Typ;Artikel;Betrag (EUR)\n01.02.2026;Bestellung;Tide;996,52\n02.02.2026;Erstattung;Fog;-10,00\n15.02.2026;Übertrag;;-700,00\n16.02.2026;Bestellung;Fog;25,00\n";
    assert_eq!(read_with(transfer, "line 4 (\"15.02.2026 Übertrag -700,00\") has the word"), "a: 4 rows, betrag_eur 311.52");
    let adjusted =
        "Day,Kind,Title,Amount (EUR)\n2026-02-01,Sale,Tide,12.50\n2026-02-02,Balance adjustment,,-3.25\n2026-02-03,Sale,Total War,7.00\n,Total,,16.25\n";
    assert_eq!(read_with(adjusted, "line 3 (\"2026-02-02 Balance adjustment -3.25\") has the word"), "a: 3 rows, amount_eur 16.25, without 1 totals");
    assert_eq!(
        read_with(adjusted, "left out, as it repeats the money of other rows: line 5 (\"Total 16.25\")"),
        "a: 3 rows, amount_eur 16.25, without 1 totals"
    );
    // What was there before and what is there now are no movements.
    let balances = "Day,Kind,Title,Amount (EUR)\n,Opening balance,,100.00\n2026-02-01,Sale,Tide,12.50\n2026-02-02,Fee,Tide,-2.00\n,Closing balance,,110.50\n";
    assert_eq!(read_with(balances, "line 2 (\"Opening balance 100.00\"), line 5"), "a: 2 rows, amount_eur 10.5, without 2 totals");
    // A total for the eye comes near.
    let near = "Title,Views,Amount (EUR)\nTotal,1043,16.49\nTide,1000,12.50\nFog,40,3.99\n";
    assert_eq!(read_with(near, "line 2 (\"Total 1043 16.49\")"), "a: 2 rows, amount_eur 16.49, views 1040, without 1 totals");
}

#[test]
fn a_last_row_that_may_be_a_sum_is_said() {
    let sample = "Store;Amount (EUR)\nNorth;1,50\nSouth;2,50\nWest;4,25\nRazem;8,25\n";
    let (draft, shown) = read_of("a.csv", sample);
    assert_eq!(shown, ["a: 4 rows, amount_eur 16.5"]);
    assert!(draft.notes.iter().any(|note| note.contains("line 5 (\"Razem 8,25\") has the sums of rows above")), "{:?}", draft.notes);
}

#[test]
fn members_that_repeat_others_are_left_out() {
    let sample = zip(&[
        ("by_country.csv", "Country,Royalty\nGB,1.25\nDE,2.50\n"),
        ("details.csv", "ISRC,Country,Store,Units,Royalty\nX1,GB,A,3,1.25\nX2,DE,A,4,1.50\nX3,DE,B,5,1.00\n"),
        ("overview.csv", "Royalty total,3.75\nUnits total,12\n"),
    ]);
    let (draft, shown) = read_of("a_2026-02.zip", &sample);
    assert_eq!(shown, ["details: 3 rows, royalty 3.75, units 12"]);
    assert!(draft.channel_toml.contains("ignore = ['^by_country\\.csv$', '^overview\\.csv$']"), "{}", draft.channel_toml);
    assert_eq!(draft.notes.iter().filter(|note| note.contains("is left out")).count(), 2, "{:?}", draft.notes);
    // The same sum under another name: it is said, and both are read.
    let sample =
        zip(&[("orders.csv", "ID,Country,Store,Royalty\n1,GB,A,1.25\n2,DE,A,2.50\n"), ("payouts.csv", "Bank,Day,Status,Paid\nX,2026-02-01,sent,3.75\n")]);
    let (draft, shown) = read_of("a.zip", &sample);
    assert_eq!(shown, ["orders: 2 rows, royalty 3.75", "payouts: 1 rows, paid 3.75"]);
    assert!(draft.notes.iter().any(|note| note.contains("have the same sum")), "{:?}", draft.notes);
}

#[test]
fn several_tables_of_a_text_are_sections() {
    let sample = "Usage by product\nTitle,Units,Revenue,Currency\nTide,10,1.25,USD\nFog,1,0.5,USD\n\nFees of 2026\nTitle,Amount,Currency\nTide,99.00,USD\nTide,(9.00),USD\n\nNew products\nTitle,Count\n";
    let (draft, shown) = read_of("portal_2026-02-01.csv", sample);
    assert_eq!(shown, ["usage_by_product: 2 rows, revenue 1.75, units 11", "fees_of: 2 rows, amount 90"]);
    assert!(draft.channel_toml.contains("title = '^Fees of \\d+$'"), "{}", draft.channel_toml);
    assert!(draft.channel_toml.contains("title = '^New products$'\n# left out, see above\nignore = true\n"), "{}", draft.channel_toml);
    assert!(draft.notes.iter().any(|note| note.contains("below \"New products\" the sample has no rows")), "{:?}", draft.notes);
}

#[test]
fn numbers_as_other_countries_and_accounts_write_them() {
    let swiss = "Datum;Titel;Betrag;Währung\n13.02.2026;a;1'234.50;CHF\n14.02.2026;b;1’000’000.05;CHF\n";
    assert_eq!(read_of("a.csv", swiss).1, ["a: 2 rows, betrag 1001234.55"]);
    let indian = "Date,Title,Amount,Currency\n2026-02-13,a,\"1,23,456.78\",INR\n2026-02-14,b,\"12,34,567.00\",INR\n2026-02-14,c,999.50,INR\n";
    assert_eq!(read_of("a.csv", indian).1, ["a: 3 rows, amount 1359023.28"]);
    let accounts = "Date,Title,Amount,Currency\n2026-02-13,a,\" $1,234.50 \",USD\n2026-02-14,b, $-   ,USD\n2026-02-14,c, $(12.00),USD\n";
    assert_eq!(read_of("a.csv", accounts).1, ["a: 3 rows, amount 1222.5"]);
}

#[test]
fn what_keeps_a_column_text_is_said() {
    let sample = "Date,Title,Amount (EUR)\n2026-02-13,a,1.50\n2026-02-14,b,2.50\n2026-02-15,c,3.50\n2026-02-16,d,1.5O\n";
    let (draft, shown) = read_of("a.csv", sample);
    assert_eq!(shown, ["a: 4 rows"]);
    assert!(draft.notes.iter().any(|note| note.contains("amount_eur stays text") && note.contains("\"1.5O\"")), "{:?}", draft.notes);
}

#[test]
fn signs_of_currency_tell_the_currency() {
    let euro = "Jour,Titre,Ventes nettes\n2026-02-01,Chaise,\"-49,90 €\"\n2026-02-02,Table,\"-1 234,56 €\"\n";
    let (draft, shown) = read_of("a.csv", euro);
    assert_eq!(shown, ["a: 2 rows, ventes_nettes -1284.46"]);
    assert!(draft.channel_toml.contains("constant = \"EUR\""), "{}", draft.channel_toml);
    let both = "Day,Title,Price,Paid\n2026-02-01,a,£5.00,€6.00\n2026-02-02,b,£6.00,€7.25\n";
    let (draft, shown) = read_of("a.csv", both);
    assert_eq!(shown, ["a: 2 rows, paid 13.25, price 11"]);
    assert!(draft.channel_toml.contains("[exports.columns.currency_gbp]\nconstant = \"GBP\""), "{}", draft.channel_toml);
    let real = "Data;Produto;Moeda;Taxa\n14/02/2026;Curso;BRL;R$ 1.497,00\n15/02/2026;Curso;BRL;R$ 97,00\n";
    let (draft, shown) = read_of("a.csv", real);
    assert_eq!(shown, ["a: 2 rows, taxa 1594"]);
    assert!(draft.table_tomls[0].1.contains("currency = \"moeda\""), "{}", draft.table_tomls[0].1);
}

#[test]
fn months_with_a_point_are_months() {
    let sample = "Period,Title,Amount (EUR)\n2026.01,Tide,2.50\n2026.10,Fog,3.25\n";
    let (draft, shown) = read_of("a.csv", sample);
    assert_eq!(shown, ["a: 2 rows, amount_eur 5.75"]);
    assert!(draft.channel_toml.contains("formats = [\"%Y.%m\"]"), "{}", draft.channel_toml);
}

#[test]
fn a_header_of_two_lines() {
    let sample = ",,Sales,,Returns,\nTitle,Month,Units,Amount,Units,Amount\nTide,2026-01,3,4.5,-1,-1.5\nFog,2026-01,1,1.5,0,0\n";
    assert_eq!(read_of("a.csv", sample).1, ["a: 2 rows, returns_amount -1.5, returns_units -1, sales_amount 6, sales_units 4"]);
    let behind = format!("Report of all titles\n\n{sample}");
    assert_eq!(read_of("a.csv", behind).1, ["a: 2 rows, returns_amount -1.5, returns_units -1, sales_amount 6, sales_units 4"]);
}

#[test]
fn an_encoding_that_the_user_knows() {
    let (sample, _, _) = encoding_rs::SHIFT_JIS.encode("Title,金額\nTide,1.50\nFog,2.50\n");
    let draft = takings_draft::channel_in(&sample, "a.csv", "shop", "shift_jis").unwrap();
    assert!(draft.channel_toml.contains("encoding = [\"shift_jis\"]"), "{}", draft.channel_toml);
    assert!(draft.channel_toml.contains("\"金額\""), "{}", draft.channel_toml);
    let error = takings_draft::channel_in(&sample, "a.csv", "shop", "shift").unwrap_err().to_string();
    assert!(error.contains("\"shift\" is no encoding that is known"), "{error}");
}

const ASKING: [&str; 4] = [
    "Date,Gross,Discounts,Card,Place\n02/14/2026,\"$1,200.00\",($20.00),\"$1,274.40\",Main\n02/15/2026,-$5.00,$0.00,-$5.40,Main\n",
    "Date,Title,Amount\n01/02/2026,Tide,$5\n03/04/2026,Fog,$6.50\n",
    "Date,Title,Amount,Tip\n01/02/2026,Tide,\"1,234\",\"2,500\"\n03/04/2026,Fog,\"5,678\",\"1,250\"\n",
    "Date,Title,Amount\n01/02/2026,Tide,kr 5\n03/04/2026,Fog,\"kr 1,234\"\n",
];

#[test]
fn any_answer_reads_the_sample() {
    let own = ASKING.iter().enumerate().map(|(at, text)| (format!("asking {at}"), "a.csv".to_owned(), text.as_bytes().to_vec()));
    let known = fixtures().into_iter().filter(|fixture| fixture.refused().is_none());
    let known = known.map(|fixture| (fixture.name(), fixture.path.rsplit('/').next().unwrap().to_owned(), fixture.bytes));
    let (mut wrong, mut asked) = (Vec::new(), 0);
    for (name, file, bytes) in own.chain(known) {
        let draft = draft(&file, &bytes);
        asked += usize::from(draft.questions > 0);
        let mut rows = Vec::new();
        for answer in 0..answers(&draft.channel_toml) {
            match reads(&draft, &file, &bytes, answer) {
                Err(why) => wrong.push(format!("{name}, answer {}: {why}", answer + 1)),
                Ok(shown) => rows.push(shown.iter().map(|line| line.split(" rows").next().unwrap().to_owned()).collect::<Vec<_>>()),
            }
        }
        rows.dedup();
        if rows.len() != 1 {
            wrong.push(format!("{name}: answers read other rows: {rows:?}"));
        }
    }
    assert!(asked >= ASKING.len(), "{asked} asked");
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
