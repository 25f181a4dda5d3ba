//! The shapes of exports that sellers get, with made-up contents.

use expect_test::expect;

use super::{check, check_at, gzip, utf16};

#[test]
fn a_financial_report_with_totals_behind_it() {
    let export = r#"
path = '(?<vendor>\d+)_(?<period>\d{4})_(?<region>[A-Z]{2})\.txt(\.gz)?$'
[exports.text]
delimiter = "\t"
quote = ""
[[exports.frame.trailer]]
name = "Total_Rows"
line = '^Total_Rows\t(?<value>.*)$'
[[exports.frame.trailer]]
name = "Total_Amount"
line = '^Total_Amount\t(?<value>.*)$'
[[exports.frame.trailer]]
name = "Total_Units"
line = '^Total_Units\t(?<value>.*)$'
"#;
    let file = "Start Date\tQuantity\tExtended Partner Share\tTitle\n08/31/2014\t1\t2.10\tA \"Quoted\" Film\n08/31/2014\t-1\t-2.10\tAnother\n\nTotal_Rows\t2\nTotal_Amount\t0.00\nTotal_Units\t0\n";
    check_at(
        "12345678_0914_CH.txt",
        export,
        None,
        file,
        &expect![[r#"
        ==  (header 1)
           Start Date|Quantity|Extended Partner Share|Title
         2 08/31/2014|1|2.10|A "Quoted" Film
         3 08/31/2014|-1|-2.10|Another
    "#]],
    );
    check_at(
        "12345678_0914_CH.txt.gz",
        export,
        None,
        gzip(file.as_bytes()),
        &expect![[r#"
        ==  (header 1)
           Start Date|Quantity|Extended Partner Share|Title
         2 08/31/2014|1|2.10|A "Quoted" Film
         3 08/31/2014|-1|-2.10|Another
    "#]],
    );
}

#[test]
fn an_extra_line_above_the_header() {
    let frame = "[exports.frame]\nheader_has = [\"Adjustment Type\", \"Day\"]\n";
    check(
        frame,
        "YouTube report\nAdjustment Type,Day,Views\nNone,20260101,5\n",
        &expect![[r#"
        ==  (header 2)
           Adjustment Type|Day|Views
         3 None|20260101|5
    "#]],
    );
    check(
        frame,
        "Adjustment Type,Day,Views\nNone,20260101,5\n",
        &expect![[r#"
        ==  (header 1)
           Adjustment Type|Day|Views
         2 None|20260101|5
    "#]],
    );
}

#[test]
fn a_title_behind_a_separator_line() {
    let frame = "[exports.frame]\nheader_has = [\"Date\", \"Bundle(ID#)\"]\n";
    check(
        frame,
        "sep=,\nSales data for Someone\n\nDate,Bundle(ID#),Gross\n2026-01-01,1,2\n",
        &expect![[r#"
        ==  (header 4)
           Date|Bundle(ID#)|Gross
         5 2026-01-01|1|2
    "#]],
    );
}

#[test]
fn a_duplicate_currency_column() {
    check(
        "[exports.text]\nragged = \"fit\"",
        "Currency,Accrued,FX Rate,Currency,Payout\nGBP,10,1.25,USD,12.5\n",
        &expect![[r#"
        ==  (header 1)
           Currency|Accrued|FX Rate|Currency#2|Payout
         2 GBP|10|1.25|USD|12.5
    "#]],
    );
}

#[test]
fn semicolons_and_decimal_commas() {
    check(
        "decimal = \",\"\n[exports.text]\ndelimiter = \";\"",
        "\u{feff}Mois de vente;Revenu net\n2026-01;0,005521855338613\n",
        &expect![[r#"
        ==  (header 1)
           Mois de vente|Revenu net
         2 2026-01|0,005521855338613
    "#]],
    );
}

#[test]
fn a_wide_text_that_calls_itself_csv() {
    check(
        "[exports.text]\ndelimiter = \"\\t\"",
        utf16("Tag\tRevenue\r\n1/2/26\t\"1,5\"\r\n"),
        &expect![[r#"
        ==  (header 1)
           Tag|Revenue
         2 1/2/26|1,5
    "#]],
    );
}
