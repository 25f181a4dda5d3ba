//! Headers that fit, headers that stop a file, layouts that can't be.

use expect_test::{Expect, expect};

use crate::feed::{CHANNEL, HEADER, TABLE, show};

fn check(file: impl AsRef<[u8]>, expected: Expect) {
    expected.assert_eq(&show(CHANNEL, TABLE, file.as_ref()));
}

#[test]
fn columns_are_found_by_name() {
    check(
        "\u{feff}\"COUNTRY code\", Amount ,Currency,sold_at,extra,\"ID\",\r\nDE,1,USD,2026-03-15,x,a,\r\n",
        expect![[r#"
            warning sales.csv:1: export `sale` does not know column "extra", header cell 7; they are left out
            row id="a" amount=1.0000 currency="USD" sold_at=2026-03-15T00:00:00Z country="DE" _instance="main" _file_id="f1" _line=2 _known_at=2026-03-16T00:00:00Z period_month=2026-03-01
            total amount USD 10000
        "#]],
    );
}

#[test]
fn a_header_with_newlines_and_blank_lines_before_it() {
    check(
        "\n\r\nid,amount,currency,sold_at,\"a\nb\"\nx,1,USD,2026-03-15,\n",
        expect![[r#"
            warning sales.csv:3: column "a\nb" is not known to export `sale`; it is left out
            row id="x" amount=1.0000 currency="USD" sold_at=2026-03-15T00:00:00Z _instance="main" _file_id="f1" _line=5 _known_at=2026-03-16T00:00:00Z period_month=2026-03-01
            total amount USD 10000
        "#]],
    );
}

#[test]
fn a_header_that_comes_again_is_no_row() {
    check(
        "id,amount,currency,sold_at\r\nx,1,USD,2026-03-15\r\nid,amount,currency,sold_at\r\ny,2,USD,2026-03-15\r\n",
        expect![[r#"
        row id="x" amount=1.0000 currency="USD" sold_at=2026-03-15T00:00:00Z _instance="main" _file_id="f1" _line=2 _known_at=2026-03-16T00:00:00Z period_month=2026-03-01
        row id="y" amount=2.0000 currency="USD" sold_at=2026-03-15T00:00:00Z _instance="main" _file_id="f1" _line=4 _known_at=2026-03-16T00:00:00Z period_month=2026-03-01
        reject line 3 - header "": is the header again: two exports stand in one file, or pages of one
          of "id,amount,currency,sold_at"
        total amount USD 30000
    "#]],
    );
    // Nothing but texts: no type tells it.
    let channel = r#"
        version = 1
        channel = "shop"
        title = "Shop"
        exports = [{ name = "title", table = "shop_title", path = 'titles\.csv$', mode = "versioned", required = ["id"] }]
    "#;
    let table = r#"
        table = "shop_title"
        layer = "raw"
        description = "Titles."
        grain = "One row per title."
        key = ["id"]
        known_at = "always"
        columns = [{ name = "id", type = "text" }, { name = "name", type = "text" }]
    "#;
    expect![[r#"
        row id="a" name="A" _instance="main" _file_id="f1" _line=2 _known_at=0001-01-01T00:00:00Z
        row id="id" name="other" _instance="main" _file_id="f1" _line=4 _known_at=0001-01-01T00:00:00Z
        reject line 3 - header "": is the header again: two exports stand in one file, or pages of one
          of "id,\"name\""
    "#]]
    .assert_eq(&show(channel, table, b"id,\"name\"\na,A\nid,\"name\"\nid,other\n"));
}

#[test]
fn a_file_that_is_stopped() {
    check(
        "id,amuont,currency\n",
        expect![[r#"
        stopped (data): sales.csv:1: the header lacks amount (nearest: "amuont"); correct the file, or name the header under [exports.headers] of export `sale`
    "#]],
    );
    check(
        "amount,currency\n",
        expect![[r#"
        stopped (data): sales.csv:1: the header lacks id; correct the file, or name the header under [exports.headers] of export `sale`
    "#]],
    );
    check(
        "id,amount,country,Country Code\n",
        expect![[r#"
        stopped (data): sales.csv:1: header cells 3 "country" and 4 "Country Code" are both country; leave one of them out of the file
    "#]],
    );
    check(
        "id,amo\"unt\n",
        expect![[r#"
        stopped (data): sales.csv:1: the header's quotes don't match; a quoted name starts and ends with ", quotes inside are doubled
    "#]],
    );
    check(
        "id,\"amount\n",
        expect![[r#"
        stopped (data): sales.csv:1: the header's quotes don't match; a quoted name starts and ends with ", quotes inside are doubled
    "#]],
    );
    check(
        "",
        expect![[r#"
        stopped (data): sales.csv: the file has no header; the first record of a file names its columns
    "#]],
    );
    check(
        "\n\n",
        expect![[r#"
        stopped (data): sales.csv: the file has no header; the first record of a file names its columns
    "#]],
    );
    check(
        b"\xff\xfei\0d\0",
        expect![[r#"
        stopped (data): sales.csv: the file is UTF-16 text; save it as UTF-8
    "#]],
    );
    check(
        b"id,\x1f\x8b\n",
        expect![[r#"
        stopped (data): sales.csv:1: header cell 2 "\u{1f}�" is not UTF-8 text; save the file as UTF-8; packed files have to be unpacked
    "#]],
    );
}

#[test]
fn unknown_columns_stop_a_file_where_the_layout_says_so() {
    let channel = CHANNEL.replace("unknown_columns = \"warn\"", "unknown_columns = \"stop\"");
    expect![[r#"
        stopped (data): sales.csv:1: column "currrency" is not known to export `sale` (nearest: "currency"), header cell 4 has no name, column "zzz" is not known to export `sale`; add them to the contract of shop_sale, or set unknown_columns = "warn" to leave them out
    "#]].assert_eq(&show(&channel, TABLE, b"id,amount,currrency,,zzz\n"));
}

#[test]
fn a_layout_that_cannot_be() {
    let stopped = |channel: &str, table: &str| show(channel, table, HEADER.as_bytes());
    let channel = |from: &str, to: &str| stopped(&CHANNEL.replace(from, to), TABLE);
    let table = |from: &str, to: &str| stopped(CHANNEL, &TABLE.replace(from, to));
    let all = [
        channel("required = [\"id\"", "required = [\"idd\""),
        channel("country = [", "amont = ["),
        channel("\"Country Code\"", "\"Amount\""),
        channel("thousands = \",\"", "delimiter = \"\\\"\""),
        channel("\"%d-%b-%Y\"", "\"%d-%b-%Y %Z\""),
        channel("table = \"shop_sale\"", "table = \"other\""),
        table("layer = \"raw\"", "layer = \"mart\""),
        table("from = [\"day\"", "from = [\"id\""),
        table("known_at = [\"updated_at\"", "known_at = [\"_line\""),
        table("name = \"currency\", type = \"text\"", "name = \"currency\", type = \"int64\""),
    ];
    expect![[r#"
        stopped (config): export `sale` into shop_sale: `idd` is not a column of shop_sale (nearest: `id`); names under `required` and `headers` are columns of the contract
        stopped (config): export `sale` into shop_sale: `amont` is not a column of shop_sale (nearest: `amount`); names under `required` and `headers` are columns of the contract
        stopped (config): export `sale` into shop_sale: header "amount" belongs to amount and to country
        stopped (config): export `sale` into shop_sale: delimiter '"' can't be told from quotes and line breaks
        stopped (config): export `sale` into shop_sale: timestamps: "%d-%b-%Y %Z" has %Z, a zone's name, which gives no offset: use %z
        stopped (config): export `sale` into shop_sale: the export's table is other
        stopped (config): export `sale` into shop_sale: only a raw table takes an export; set layer = "raw" in the contract
        stopped (config): export `sale` into shop_sale: partition: id is text, a timestamp or a date is needed
        stopped (config): export `sale` into shop_sale: known_at: `_line` is not a column of shop_sale
        stopped (config): export `sale` into shop_sale: column amount: a currency is text and stands beside a decimal
    "#]].assert_eq(&all.concat());
}
