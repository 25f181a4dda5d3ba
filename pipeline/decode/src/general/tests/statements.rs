//! Statements that were made for the eye: groups under lines of their own, headers of several lines, pages, footnotes, loose quotes.

use expect_test::expect;

use super::{check, zip};

#[test]
fn rows_stand_under_lines_that_say_whose_they_are() {
    check(
        r#"
path = 'x'
[exports.text]
ragged = "pad"
[exports.frame]
header_row = 2
[exports.frame.parent]
parent_when = { column = "Title", matches = '^Territory: ' }
give = { territory = "Title" }
[[exports.exclude]]
name = "subtotals"
column = "Title"
matches = '^(Subtotal|Territory: )'
"#,
        "Sales report\nTitle,Units\nTerritory: Germany\nTide,1\nFog,2\nSubtotal,3\nTerritory: Malta\nTerritory: France\nTide,4\n",
        &expect![[r#"
        ==  (header 2)
           Title|Units|territory
         4 Tide|1|Territory: Germany
         5 Fog|2|Territory: Germany
         9 Tide|4|Territory: France
        excluded 2 by parent
        excluded 2 by subtotals
    "#]],
    );
    // Whose the first row is, is not known.
    check(
        "path = 'x'\n[exports.frame.parent]\nparent_when = { column = \"a\", matches = '^>' }\ngive = { group = \"a\" }\n",
        "a,b\n1,2\n>x,\n3,4\n",
        &expect![[r#"
        ==  (header 1)
           a|b|group
         2 ! parent: is a child record without a parent before it
         4 3|4|>x
        excluded 1 by parent
    "#]],
    );
}

#[test]
fn titles_of_sections_say_what_their_rows_have_in_common() {
    check(
        r#"
path = 'x'
[[exports.frame.sections]]
name = "sales"
title = '^Currency: (?<currency>[A-Z]{3})$'
"#,
        "Currency: EUR\nDay,Amount\n1,2.50\n\nCurrency: USD\nDay,Amount\n1,3.50\n2,4.50\n",
        &expect![[r#"
        == #sales (header 2)
           Day|Amount|currency
         3 1|2.50|EUR
        == #sales (header 6)
           Day|Amount|currency
         7 1|3.50|USD
         8 2|4.50|USD
    "#]],
    );
}

#[test]
fn a_header_of_two_lines() {
    check(
        r#"
path = 'x'
[exports.frame]
header_rows = 2
[exports.unpivot]
headers = '^(?<month>\d{4} [A-Z][a-z]{2})$'
value = "amount"
name = "metric"
"#,
        ",,2024,,2025,\nTitle,Territory,Nov,Dec,Jan,Total\nTide,DE,1,,3,4\n",
        &expect![[r#"
        ==  (header 1)
           Title|Territory|2024 Nov|2024 Dec|2025 Jan|2025 Total|amount|metric|month
         3 Tide|DE|1||3|4|1|2024 Nov|2024 Nov
         3 Tide|DE|1||3|4|3|2025 Jan|2025 Jan
    "#]],
    );
    check(
        "path = 'x'\n[exports.frame]\nheader_rows = 2\n",
        "Title\n",
        &expect![[r#"
        stopped: f_2026.csv: the part has no header; a part without rows has the header alone; if there are other lines before it, say so in [exports.frame]
    "#]],
    );
}

#[test]
fn pairs_of_columns_make_one_row() {
    let export = r#"
path = 'x'
[exports.unpivot]
headers = '^Net (?<field>Units|Royalties) (?<plan>\w+)$'
fields = { units = "Units", royalty = "Royalties" }
"#;
    check(
        export,
        "Title,Net Units AL,Net Royalties AL,Net Units ALC,Net Royalties ALC,Net Royalties X\nTide,1,2.50,,,\nFog,,,3,4.50,0.10\nSurf,,,,,\n",
        &expect![[r#"
        ==  (header 1)
           Title|Net Units AL|Net Royalties AL|Net Units ALC|Net Royalties ALC|Net Royalties X|royalty|units|plan
         2 Tide|1|2.50||||2.50|1|AL
         3 Fog|||3|4.50|0.10|4.50|3|ALC
         3 Fog|||3|4.50|0.10|0.10||X
        excluded 1 by unpivot
    "#]],
    );
    check(
        &export.replace("units = \"Units\", ", ""),
        "Title,Net Units AL\nTide,1\n",
        &expect![[r#"
        stopped: f_2026.csv:1: the header "Net Units AL" has the field "Units", which `fields` of unpivot lack; add it to `fields` in [exports.unpivot], or make the pattern narrower
    "#]],
    );
    check(
        export,
        "Title,Net Units AL,Net Units AL\nTide,1,2\n",
        &expect![[r#"
        stopped: f_2026.csv:1: the headers "Net Units AL" and "Net Units AL" are the same field of one row; tell them apart by a named group of the pattern in [exports.unpivot]
    "#]],
    );
}

#[test]
fn what_is_left_out_may_have_any_shape() {
    check(
        "path = 'x'\n[[exports.exclude]]\nname = \"note\"\ncolumn = \"a\"\nmatches = '^[*]'\n",
        "a,b,c\n1,2,3\n* a footnote\n1,2\n",
        &expect![[r#"
        ==  (header 1)
           a|b|c
         4 ! ragged: the record has 2 cells, the header has 3
         2 1|2|3
        excluded 1 by note
    "#]],
    );
}

#[test]
fn loose_quotes_are_text() {
    check(
        "path = 'x'\n[exports.text]\nloose_quotes = true\n",
        "a,b\r\n12\" disc,\"The \"Best\" of\"\r\n\"a \"\"b\"\", c\",\"two\nlines\"\r\n=\"007\",\"\"\r\n\"open,2\r\n",
        &expect![[r#"
        ==  (header 1)
           a|b
         6 ! unclosed_quote: a quote is opened and the file ends without the one that closes it
         2 12" disc|The "Best" of
         3 a "b", c|two\nlines
         5 ="007"|
    "#]],
    );
}

#[test]
fn records_end_with_a_mark_of_their_own() {
    check(
        "path = 'x'\n[exports.text]\ndelimiter = \"*\"\nquote = \"\"\nline_end = \"~\"\nragged = \"pad\"\n[exports.frame]\nheader = [\"segment\", \"number\", \"amount\"]\n[exports.frame.records]\ntypes = [\"REV\"]\nignore = [\"LX\", \"SE\"]\n",
        "LX*1~\r\nREV*1*2.50~LX*2~\nREV*2*3.50~SE*4~\n",
        &expect![[r#"
        == 
           segment|number|amount
         2 REV|1|2.50
         4 REV|2|3.50
        excluded 2 by type LX
        excluded 1 by type SE
    "#]],
    );
}

#[test]
fn litter_of_archives_and_documents_that_are_no_tables() {
    check(
        "path = 'x'\n",
        zip(&[("a.csv", b"a\n1\n"), ("__MACOSX/._a.csv", b"\0\x05"), ("b/.DS_Store", b"\0")]),
        &expect![[r#"
        == a.csv (header 1)
           a
         2 1
        ignored __MACOSX/._a.csv
        ignored b/.DS_Store
    "#]],
    );
    check(
        "path = 'x'\n",
        "\u{feff}\n<HTML><table><tr><td>a</td></tr></table></HTML>",
        &expect![[r#"
        stopped: f_2026.csv is a web page (HTML), whatever its name says; text, gzip, zip and workbooks (xlsx, xls, ods) can be read: open it in a spreadsheet and save it as xlsx
    "#]],
    );
    check(
        "path = 'x'\n",
        "[{\"a\": 1}]",
        &expect![[r#"
        stopped: f_2026.csv is JSON, whatever its name says; text, gzip, zip and workbooks (xlsx, xls, ods) can be read: open it in a spreadsheet and save it as xlsx
    "#]],
    );
}

#[test]
fn a_byte_order_mark_and_other_bytes_behind_it() {
    check(
        "path = 'x'\n[exports.text]\nencoding = [\"utf-8\", \"windows-1252\"]\nmixed = true\n",
        b"\xEF\xBB\xBFa\nCaf\xC3\xA9\nCaf\xE9\n",
        &expect![[r#"
        ==  (header 1)
           a
         2 Café
         3 Café
    "#]],
    );
}
