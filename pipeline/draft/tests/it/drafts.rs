//! A draft of every fixture loads and reads that fixture: as many records, the same sums. What a draft can't know stands here by name.

use std::collections::BTreeMap;
use std::path::Path;

use expect_test::expect;
use takings_definitions::{Channel, Table};

use crate::support::{Figures, Fixture, figures, fixtures, read};

/// What of a fixture a draft can't know, and why.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Unknown {
    /// A question stands open: no value tells it.
    Asks(&'static str),
    /// Only that all records are read is compared.
    Records(&'static str),
}

const UNKNOWN: [(&str, Unknown); 26] = [
    ("amazon_prime_video_direct/earnings_2026-03.csv", Unknown::Records("that a film is called Totals")),
    ("apple/80012345_0326_ZZ.txt", Unknown::Records("that countries are added up behind the rows")),
    ("apple/FD_80012345_0426_Z1.txt", Unknown::Records("that countries are added up behind the rows")),
    ("apple/financial_report_2025-11.csv", Unknown::Records("that a header comes again")),
    ("apple/Subscription_80012345_20260715_1_4.txt", Unknown::Records("that a code in a header may be one by which is counted")),
    ("apple/financial_report_2025-12.csv", Unknown::Records("that a header comes again")),
    ("apple/sales_2009-03.txt", Unknown::Asks("03/02/2009 may be March or February")),
    ("bandcamp/20260301_bandcamp_raw_data.csv", Unknown::Records("that a net amount may have to be worked out")),
    ("believe/believe_en.csv", Unknown::Asks("01/02/2026 may be January or February")),
    ("believe/believe_fr.csv", Unknown::Asks("01/02/2026 may be January or February")),
    ("filmhub/performance_2026-02.csv", Unknown::Asks("whose dollar $ is")),
    ("filmhub/statement_2025-Q4.csv", Unknown::Asks("whose dollar $ is")),
    ("google_play/installs_films.tide_202511_country.csv", Unknown::Records("that each metric is a row of its own is a choice")),
    ("google_play/store_performance_films.tide_202607_country.csv", Unknown::Records("that each metric is a row of its own is a choice")),
    ("google_play/store_performance_films.tide_202607_traffic_source.csv", Unknown::Records("that each metric is a row of its own is a choice")),
    ("google_play/subscriptions_films.tide_202607_country.csv", Unknown::Records("that each metric is a row of its own is a choice")),
    ("kdp/KDP_Dashboard-2025-08.xlsx", Unknown::Records("which sheets repeat the money of others")),
    ("kdp/KDP_Prior_Month_Royalties-2025-01-01.xlsx", Unknown::Records("which sheets repeat the money of others")),
    ("kdp/KDP_Prior_Month_Royalties-2026-06-01.xlsx", Unknown::Records("which sheets repeat the money of others")),
    ("kdp/KDP_Orders-2026-06.xlsx", Unknown::Records("which sheets repeat the money of others")),
    ("symphonic/royalties_JUN-25.csv", Unknown::Records("that a void takes back what it counts")),
    ("symphonic/royalties_Q417.csv", Unknown::Records("that a void takes back what it counts")),
    ("youtube/Content 2026-02-01_2026-03-01 My channel.zip", Unknown::Records("which members repeat the money of others")),
    ("youtube/Content 2026-03-01_2026-04-01 My channel.zip", Unknown::Records("which members repeat the money of others")),
    ("youtube/Content 2026-04-01_2026-05-01 My channel/Table data.csv", Unknown::Records("that hours are told in seconds")),
    ("youtube/Content 2026-05-01_2026-06-01 My channel.zip", Unknown::Records("which members repeat the money of others")),
];

/// What a draft reads.
fn drafted(fixture: &Fixture) -> Result<(BTreeMap<String, Figures>, u64), String> {
    let file = fixture.path.rsplit('/').next().unwrap();
    let draft = takings_draft::channel(&fixture.bytes, file, &fixture.channel).map_err(|error| error.to_string())?;
    let channel = Channel::parse(Path::new("draft.toml"), &draft.channel_toml).map_err(|error| error.to_string())?;
    let tables: Vec<Table> = draft
        .table_tomls
        .iter()
        .map(|(name, text)| Table::parse(Path::new(&format!("{name}.toml")), text))
        .collect::<Result<_, _>>()
        .map_err(|error| error.to_string())?;
    let (mut all, mut rejects) = (BTreeMap::new(), 0);
    for (export, table) in channel.exports.iter().zip(&tables) {
        let (outcome, kept) = read(&channel, export, table, &BTreeMap::new(), file, &fixture.bytes).map_err(|error| error.to_string())?;
        if let Some(why) = outcome.stopped() {
            return Err(why);
        }
        if let Some(first) = kept.rejects.first() {
            eprintln!("{}: {}:{} {}", fixture.name(), first.part, first.line, first.reason);
        }
        rejects += kept.rejects.len() as u64;
        all.insert(table.name.clone(), figures(&kept.batches));
    }
    Ok((all, rejects))
}

#[test]
fn a_draft_reads_its_sample() {
    let unknown: BTreeMap<&str, Unknown> = UNKNOWN.into_iter().collect();
    let mut wrong = Vec::new();
    for fixture in fixtures().iter().filter(|fixture| fixture.refused().is_none()) {
        let name = fixture.name();
        let known = unknown.get(name.as_str()).copied();
        if let Some(Unknown::Asks(_)) = known {
            match drafted(fixture) {
                Err(why) if why.contains("is a question that a draft left open") => {}
                other => wrong.push(format!("{name}: a question was expected, got {other:?}")),
            }
            continue;
        }
        match drafted(fixture) {
            Err(why) => wrong.push(format!("{name}: {why}")),
            Ok((_, rejects)) if rejects > 0 => wrong.push(format!("{name}: {rejects} rejects")),
            Ok((found, _)) => compare(fixture, &found, known, &mut wrong),
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

fn compare(fixture: &Fixture, found: &BTreeMap<String, Figures>, known: Option<Unknown>, wrong: &mut Vec<String>) {
    let name = fixture.name();
    let found_rows: u64 = found.values().map(|figures| figures.rows).sum();
    let wanted_rows: u64 = fixture.tables().values().map(|figures| figures.rows).sum();
    if let Some(Unknown::Records(_)) = known {
        // Sheets that repeat others are read too, and metrics stay beside each other.
        if found_rows == 0 {
            wrong.push(format!("{name}: nothing was read"));
        }
        return;
    }
    let mut sums: Vec<&String> = found.values().flat_map(|figures| figures.sums.values()).collect();
    for (table, figures) in fixture.tables() {
        for (column, sum) in &figures.sums {
            match sums.iter().position(|known| *known == sum) {
                Some(at) => drop(sums.remove(at)),
                None => wrong.push(format!("{name}: {table}.{column} = {sum}, drafted {sums:?}")),
            }
        }
    }
    if wanted_rows != found_rows {
        wrong.push(format!("{name}: {found_rows} rows instead of {wanted_rows}"));
    }
}

/// What is cut off, or changed in places, is drafted or refused; and what is drafted without a question loads.
#[test]
fn any_bytes_give_a_draft_that_loads_or_a_reason() {
    let mut drafts = 0;
    for fixture in fixtures() {
        let file = fixture.path.rsplit('/').next().unwrap();
        let length = fixture.bytes.len();
        for round in 0..24 {
            let mut bytes = fixture.bytes[..length - length * round / 24].to_vec();
            // Another byte here and there, the same each time.
            for at in (round..bytes.len()).step_by(37 + 11 * round).skip(1) {
                bytes[at] = bytes[at].wrapping_mul(31).wrapping_add(u8::try_from(round).unwrap());
            }
            let Ok(draft) = takings_draft::channel(&bytes, file, "shop") else { continue };
            drafts += 1;
            match Channel::parse(Path::new("draft.toml"), &draft.channel_toml) {
                Ok(_) => assert_eq!(draft.questions, 0, "{}\n{}", fixture.name(), draft.channel_toml),
                Err(error) => {
                    let asked = error.to_string().contains("is a question that a draft left open");
                    assert!(draft.questions > 0 && asked, "{} {round}: {error}\n{}", fixture.name(), draft.channel_toml);
                }
            }
            for (name, text) in &draft.table_tomls {
                let table = Table::parse(Path::new(&format!("{name}.toml")), text);
                assert!(table.is_ok(), "{} {round}: {}\n{text}", fixture.name(), table.unwrap_err());
            }
        }
    }
    assert!(drafts > 500, "{drafts} drafts");
}

fn draft(file: &str, text: &str) -> takings_draft::Draft {
    takings_draft::channel(text.as_bytes(), file, "Fruit Store").unwrap()
}

#[test]
fn a_draft_teaches() {
    let draft = draft(
        "fruit_2026-02.csv",
        "Sales of February 2026\nSold on,Fruit ID,Fruit,Units,Amount (EUR),Share\n2026-02-27,00012,\"Apple, red\",\"1,200\",12.50,80%\n2026-02-28,00013,Pear,--,(0.25),20%\nTotal,,,,12.25,\n",
    );
    assert_eq!(draft.questions, 0, "{:?}", draft.notes);
    expect![[r##"
        # First draft from the sample fruit_2026-02.csv. It says what every value of that file bears out, and no more:
        # - say here what is certain, what is inferred, and from where; that text heads the channel's page in docs/channels/;
        # - read the comments, rename columns (here and in the contract), then run `takings channel test FILE` and `takings check`;
        # - all that a channel file can say: docs/channel-files.md.
        version = 1
        channel = "fruit_store"
        title = "Fruit Store"

        # NOTE: left out, as it stands above the header: line 1 ("Sales of February 2026")
        # NOTE: left out, as it repeats the money of other rows: line 5 ("Total 12.25")
        [[exports]]
        name = "fruit"
        table = "fruit_store_fruit"
        # over the path below the instance's url; what differs from file to file is a named group or a \d+
        path = '(?i)(^|/)fruit_(?<period>\d{4}[-_]\d{2})\.csv(\.gz)?$'
        # a newer version of the same path replaces the older one's rows; other modes: append, replace_period, versioned
        mode = "replace_file"
        # a file that lacks one of these headers is stopped; take out what may be missing
        required = ["sold_on", "fruit_id", "fruit", "units", "amount_eur", "share"]
        # a column that is not named here stops the file; "warn" leaves it out
        unknown_columns = "stop"
        # no number of the sample has a mark of thousands; where larger ones do: thousands = ","
        # how many records may be bad before the whole file is stopped
        quarantine_limit = 0

        [exports.text]
        encoding = ["utf-8"]
        delimiter = ","

        [exports.frame]
        # what stands before the record with these cells is left out
        header_has = ["Sold on", "Fruit ID", "Fruit"]

        # values that stand outside of the table
        [exports.frame.cells]
        period = { line = 1, match = '(?<value>[A-Z][a-z]+,? \d{4})' } # February 2026

        [[exports.exclude]]
        # it repeats the money of the other rows
        name = "totals"
        column = "Sold on"
        equals = ["Total"]

        # table column = the names that its header may have (other languages and years included)
        [exports.headers]
        sold_on = ["Sold on"]
        fruit_id = ["Fruit ID"]
        fruit = ["Fruit"]
        units = ["Units"]
        amount_eur = ["Amount (EUR)"]
        share = ["Share"]

        [exports.columns.sold_on]
        formats = ["%Y-%m-%d"]

        [exports.columns.units]
        nulls = ["", "--"] # texts that mean no value
        thousands = ","

        [exports.columns.amount_eur]
        parentheses = true # (1.20) is -1.20

        [exports.columns.share]
        percent = true # 85% is 0.85

        [exports.columns.currency]
        constant = "EUR"

        [exports.columns.period]
        cell = "period"
        formats = ["%B %Y"]
    "##]]
    .assert_eq(&draft.channel_toml);
    expect![[r#"
        table = "fruit_store_fruit"
        layer = "raw"
        description = "Fruit of Fruit Store: say what a row means."
        grain = "One row per line of the file."
        # columns that are unique together, for those who look for a row
        key = []
        # the month that a row belongs to
        partition = { from = ["sold_on"] }
        # when a row is known: a report for a tick uses what was known by then. When does the channel hand the file out?
        known_at = [{ column = "sold_on", plus_days = 1 }]
        # amounts are decimal(precision,scale) and name the column of their currency; what has more digits goes to quarantine
        columns = [
          { name = "sold_on", type = "date", nullable = false, description = "Sold on." },
          { name = "fruit_id", type = "text", description = "Fruit ID; text: zeros in front are kept." },
          { name = "fruit", type = "text", description = "Fruit." },
          { name = "units", type = "int64", description = "Units." },
          { name = "amount_eur", type = "decimal(28,10)", currency = "currency", bound = "1000000000000", description = "Amount (EUR)." },
          { name = "share", type = "decimal(28,10)", description = "Share." },
          { name = "currency", type = "text", nullable = false, description = "EUR, as the headers say." },
          { name = "period", type = "date", description = "Above the table." },
        ]
    "#]]
    .assert_eq(&draft.table_tomls[0].1);
    expect![[r#"
        fruit: left out, as it stands above the header: line 1 ("Sales of February 2026")
        fruit: left out, as it repeats the money of other rows: line 5 ("Total 12.25")"#]]
    .assert_eq(&draft.notes.join("\n"));
}

#[test]
fn what_the_sample_leaves_open_stops_the_file_at_its_line() {
    for (text, line) in [
        (
            "Day,Amount\n01/02/2026,1.50\n03/04/2026,2.50\n",
            expect![[r#"
            config/channels/a.toml:37:1: `choose_1_formats` is a question that a draft left open; the sample doesn't tell it: keep the line that is right without its `choose_…_`, and delete the others
            # QUESTION: no value of the sample tells the order of day and month: none has a day behind the 12th
            # Keep what is right without its `choose_…_`, and delete the others: until then this file does not load.
            choose_1_formats = ["%m/%d/%Y"] # month first
            choose_2_formats = ["%d/%m/%Y"] # day first
        "#]],
        ),
        (
            "Day,Amount\n2026-02-01,\"1,234\"\n",
            expect![[r#"
            config/channels/a.toml:40:1: `choose_1_decimal` is a question that a draft left open; the sample doesn't tell it: keep the line that is right without its `choose_…_`, and delete the others
            # QUESTION: the values of the sample read as thousands and as decimals, and no other column tells which
            # Keep what is right without its `choose_…_`, and delete the others: until then this file does not load.
            choose_1_decimal = "." # ',' is a mark of thousands
            choose_1_thousands = "," # ',' is a mark of thousands
            choose_2_decimal = "," # ',' is the mark of decimals
        "#]],
        ),
        (
            "Day,Amount\n2026-02-01,$5\n",
            expect![[r#"
            config/channels/a.toml:42:1: `choose_1_constant` is a question that a draft left open; the sample doesn't tell it: keep the line that is right without its `choose_…_`, and delete the others
            # QUESTION: the amounts have the sign $, which several currencies have
            # Keep what is right without its `choose_…_`, and delete the others: until then this file does not load.
            choose_1_constant = "USD" # $ is USD
            choose_2_constant = "CAD" # $ is CAD
            choose_3_constant = "AUD" # $ is AUD
        "#]],
        ),
    ] {
        let draft = draft("a.csv", text);
        let error = Channel::parse(Path::new("config/channels/a.toml"), &draft.channel_toml).unwrap_err().to_string();
        let at: usize = error.split(':').nth(1).unwrap().parse().unwrap();
        let shown = draft.channel_toml.lines().skip(at.saturating_sub(3)).take(5).collect::<Vec<_>>().join("\n");
        line.assert_eq(&format!("{error}\n{shown}\n"));
    }
    // Another column of the file tells it.
    let draft = draft("a.csv", "Day,Paid,Amount,Tax\n01/02/2026,02/14/2026,\"1,234\",0.5\n");
    assert_eq!(draft.questions, 0, "{:?}", draft.notes);
}
