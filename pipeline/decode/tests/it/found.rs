//! What files say of themselves in several places, and headers that go by several names.

use expect_test::expect;

use crate::whole::check;

const PAYMENTS: &str = r#"
path = '(?<period>\d+)\.csv$'
[exports.text]
ragged = "pad"
[[exports.frame.trailer]]
name = "paid"
line = '^Paid (?<value>[\d.]+) (?<currency>[A-Z]{3})'
optional = true
[[exports.exclude]]
name = "estimated"
column = "day"
empty = true
[[exports.checks]]
name = "paid"
kind = "sum"
column = "amount"
by = ["currency"]
missing = "stop"
several = "sum"
expect = { trailer = "paid" }
"#;

#[test]
fn several_payments_and_one_that_is_cut_off() {
    let header = "day,title,units,amount,currency\n";
    let (first, second) = ("2026-02-01,A,1,5.00,EUR\nPaid 5.00 EUR\n", "2026-02-02,B,1,2.50,EUR\n2026-02-02,C,1,1.00,USD\nPaid 2.50 EUR\nPaid 1.00 USD\n");
    check(
        PAYMENTS,
        "202602.csv",
        format!("{header}{first}{second}"),
        &expect![[r#"
        row day=2026-02-01 title="A" units=1 amount=5.000000 currency="EUR" _line=2
        row day=2026-02-02 title="B" units=1 amount=2.500000 currency="EUR" _line=4
        row day=2026-02-02 title="C" units=1 amount=1.000000 currency="USD" _line=5
        3 records: 3 published in 3 rows, 0 quarantined, excluded {}
        total amount EUR 7500000
        total amount USD 1000000
        ok check `paid` (EUR): 7.5 as expected
        ok check `paid` (USD): 1 as expected
    "#]],
    );
    check(
        PAYMENTS,
        "202602.csv",
        format!("{header}{first}{second}").replace("2.50 EUR", "2.40 EUR"),
        &expect![[r#"
        row day=2026-02-01 title="A" units=1 amount=5.000000 currency="EUR" _line=2
        row day=2026-02-02 title="B" units=1 amount=2.500000 currency="EUR" _line=4
        row day=2026-02-02 title="C" units=1 amount=1.000000 currency="USD" _line=5
        3 records: 3 published in 3 rows, 0 quarantined, excluded {}
        total amount EUR 7500000
        total amount USD 1000000
        NO check `paid` (EUR): expected 7.4 (2 lines of trailer `paid`, the first is line 3), found 7.5: a difference of 0.1
        ok check `paid` (USD): 1 as expected
        STOPPED check `paid` (EUR): expected 7.4 (2 lines of trailer `paid`, the first is line 3), found 7.5: a difference of 0.1
    "#]],
    );
    check(
        PAYMENTS,
        "202602.csv",
        format!("{header}{second}").split("Paid").next().unwrap(),
        &expect![[r#"
        row day=2026-02-02 title="B" units=1 amount=2.500000 currency="EUR" _line=2
        row day=2026-02-02 title="C" units=1 amount=1.000000 currency="USD" _line=3
        2 records: 2 published in 2 rows, 0 quarantined, excluded {}
        total amount EUR 2500000
        total amount USD 1000000
        NO check `paid`: the file has rows and no trailer `paid`: it was cut off, ask for it again
        STOPPED check `paid`: the file has rows and no trailer `paid`: it was cut off, ask for it again
    "#]],
    );
    // Nothing was paid.
    check(
        PAYMENTS,
        "202602.csv",
        format!("{header},D,1,9.00,EUR\n"),
        &expect![[r#"
        1 records: 0 published in 0 rows, 0 quarantined, excluded {"estimated": 1}
        -- check `paid`: the file doesn't say what it should be
    "#]],
    );
    // Without the two words several lines must say the same, and none says nothing.
    let lenient = PAYMENTS.replace("missing = \"stop\"\nseveral = \"sum\"\n", "");
    check(
        &lenient,
        "202602.csv",
        format!("{header}{first}{second}"),
        &expect![[r#"
        row day=2026-02-01 title="A" units=1 amount=5.000000 currency="EUR" _line=2
        row day=2026-02-02 title="B" units=1 amount=2.500000 currency="EUR" _line=4
        row day=2026-02-02 title="C" units=1 amount=1.000000 currency="USD" _line=5
        3 records: 3 published in 3 rows, 0 quarantined, excluded {}
        total amount EUR 7500000
        total amount USD 1000000
        NO check `paid` (EUR): the file says "5.00" on line 3 and "2.50" on line 6
        STOPPED check `paid` (EUR): the file says "5.00" on line 3 and "2.50" on line 6
    "#]],
    );
    check(
        &lenient,
        "202602.csv",
        format!("{header}{first}").split("Paid").next().unwrap(),
        &expect![[r#"
        row day=2026-02-01 title="A" units=1 amount=5.000000 currency="EUR" _line=2
        1 records: 1 published in 1 rows, 0 quarantined, excluded {}
        total amount EUR 5000000
        -- check `paid`: the file doesn't say what it should be
    "#]],
    );
}

#[test]
fn a_file_that_was_saved_with_another_delimiter() {
    let export = "path = 'x'\n[exports.columns.units]\nheader = [\"Count\", \"Units\"]\n";
    let required = "required = [\"title\", \"units\", \"amount\"]\n";
    check(
        &format!("{required}{export}"),
        "x.csv",
        "Title;Units;Amount;Currency\nA;1;2;EUR\n",
        &expect![[r#"
        stopped (data): x.csv:1: the header lacks title, units, amount; its header has them where it is cut at ';': the file was saved with another delimiter, most likely by a spreadsheet; ask for the file as it was exported, or say delimiter = ";"
    "#]],
    );
}

#[test]
fn a_joined_header_may_have_several_names() {
    let export = "path = 'x'\nunknown_columns = \"warn\"\n[exports.columns.title]\njoin = [\"{Name|Title of}\", \" / \", \"{Store}\"]\n";
    check(
        export,
        "x.csv",
        "Name,Store\nA,S\n",
        &expect![[r#"
        row title="A / S" _line=2
        1 records: 1 published in 1 rows, 0 quarantined, excluded {}
    "#]],
    );
    check(
        export,
        "x.csv",
        "Title of,Store\nA,S\n",
        &expect![[r#"
        row title="A / S" _line=2
        1 records: 1 published in 1 rows, 0 quarantined, excluded {}
    "#]],
    );
    check(
        export,
        "x.csv",
        "Title of,Store,Name\nA,S,B\n",
        &expect![[r#"
        stopped (data): x.csv:1: title: `join` names "Name|Title of", and header cells 3 "Name" and 1 "Title of" are both that; leave one of them out of the column's `join`
    "#]],
    );
    check(
        export,
        "x.csv",
        "Titel,Store\nA,S\n",
        &expect![[r#"
        stopped (data): x.csv:1: title: `join` names "Name|Title of", which the header lacks; correct the file, or the column's `join`
    "#]],
    );
}

#[test]
fn an_amount_is_in_a_currency_of_three_letters() {
    let file = "title,units,amount,currency\nA,1,2.5,USD\nB,1,3,eur\nC,0,0,?\nD,1,1,US\nE,1,1,$\n";
    check(
        "path = 'x'\n[exports.text]\nragged = \"pad\"\n",
        "x.csv",
        file,
        &expect![[r#"
        reject 5 currency: amount: "1" is an amount in "US", which is no currency of three letters: where the export writes others, `map` gives their codes
        reject 6 currency: amount: "1" is an amount in "$", which is no currency of three letters: where the export writes others, `map` gives their codes
        row title="A" units=1 amount=2.500000 currency="USD" _line=2
        row title="B" units=1 amount=3.000000 currency="eur" _line=3
        row title="C" units=0 amount=0.000000 currency="?" _line=4
        5 records: 3 published in 3 rows, 2 quarantined, excluded {}
        total amount USD 2500000
        total amount eur 3000000
    "#]],
    );
    // What the channel file says itself is meant.
    let said = "path = 'x'\nunknown_columns = \"warn\"\n[exports.columns.currency]\nconstant = \"USDC\"\n";
    check(
        said,
        "x.csv",
        "title,amount\nA,2.5\n",
        &expect![[r#"
        row title="A" amount=2.500000 currency="USDC" _line=2
        1 records: 1 published in 1 rows, 0 quarantined, excluded {}
        total amount USDC 2500000
    "#]],
    );
    let mapped = "path = 'x'\n[exports.columns.currency]\nmap = \"currencies\"\n";
    check(
        mapped,
        "x.csv",
        "title,amount,currency\nA,2.5,Euro\nB,1,€\nC,1,US\n",
        &expect![[r#"
        reject 4 map: currency: "US" is not in the reference table; add it there, or say `unknown`
        row title="A" amount=2.500000 currency="EUR" _line=2
        row title="B" amount=1.000000 currency="EUR" _line=3
        3 records: 2 published in 2 rows, 1 quarantined, excluded {}
        total amount EUR 3500000
    "#]],
    );
}

#[test]
fn a_file_without_the_columns_that_make_rows() {
    let unpivot = |more: &str| {
        format!(
            "path = 'x'\n[exports.unpivot]\nheaders = '^Revenue \\((?<money>[A-Z]{{3}})\\)$'\nvalue = \"revenue\"\nname = \"metric\"\n{more}[exports.columns.amount]\nfrom = \"revenue\"\n[exports.columns.currency]\nfrom = \"money\"\n"
        )
    };
    check(
        &unpivot("keep_empty = true\n"),
        "x.csv",
        "title,units\nA,1\nB,2\n",
        &expect![[r#"
        row title="A" units=1 _line=2
        row title="B" units=2 _line=3
        2 records: 2 published in 2 rows, 0 quarantined, excluded {}
        warning x.csv:1: no header fits the pattern of unpivot, "^Revenue \\((?<money>[A-Z]{3})\\)$": each record is one row without its values
    "#]],
    );
    check(
        &unpivot("keep_empty = true\n"),
        "x.csv",
        "title,units,Revenue (EUR)\nA,1,2.5\nB,2,\n",
        &expect![[r#"
        row title="A" units=1 amount=2.500000 currency="EUR" _line=2
        row title="B" units=2 _line=3
        2 records: 2 published in 2 rows, 0 quarantined, excluded {}
        total amount EUR 2500000
    "#]],
    );
    check(
        &unpivot(""),
        "x.csv",
        "title,units\nA,1\n",
        &expect![[r#"
        stopped (data): x.csv:1: no header fits the pattern of unpivot, "^Revenue \\((?<money>[A-Z]{3})\\)$"; correct the pattern in [exports.unpivot]
    "#]],
    );
}
