use expect_test::expect;

use super::{check, check_at};

#[test]
fn the_header_stands_behind_some_lines() {
    check(
        "[exports.frame]\nskip_lines = 2",
        "\"Account\nUUID\na,b\n1,2\n",
        &expect![[r#"
        ==  (header 3)
           a|b
         4 1|2
    "#]],
    );
    check(
        "[exports.frame]\nheader_has = [\"region (currency)\", \"Earned\"]",
        "\"Payments\t(Sep, 2014)\"\n\nRegion (Currency),Units,Earned\nEU,1,2\n",
        &expect![[r#"
            ==  (header 3)
               Region (Currency)|Units|Earned
             4 EU|1|2
        "#]],
    );
    check(
        "[exports.frame]\nheader_row = 3\nstart_row = 5",
        "x\ny\na,b\nunits,EUR\n1,2\n",
        &expect![[r#"
        ==  (header 3)
           a|b
         5 1|2
    "#]],
    );
    check(
        "[exports.frame]\nheader_row = 2",
        "x\n\na,b\n",
        &expect![[r#"
        stopped: f_2026.csv:2: the header should stand here, and nothing does; correct header_row in [exports.frame]
    "#]],
    );
    check(
        "[exports.frame]\nheader_has = [\"nowhere\"]",
        "a,b\n1,2\n",
        &expect![[r#"
            stopped: f_2026.csv: none of its 2 lines has the cells nowhere; correct header_has in [exports.frame]
        "#]],
    );
    check(
        "[exports.frame]\nheader = [\"t\", \"amount\"]",
        "x,1\ny,2\nz\n",
        &expect![[r#"
        == 
           t|amount
         3 ! ragged: the record has 1 cells, the header has 2
         1 x|1
         2 y|2
    "#]],
    );
}

#[test]
fn trailers_are_lines_of_their_own() {
    let frame = "[[exports.frame.trailer]]\nname = \"rows\"\nline = '^Total_Rows\\t(?<value>.*)$'\n[[exports.frame.trailer]]\nname = \"note\"\nline = '^Showing (?<value>.*)$'\noptional = true\n";
    check(
        &format!("{frame}[exports.text]\ndelimiter = \"\\t\"\n"),
        "a\tb\n1\t2\nTotal_Rows\t1\nShowing top 500 results\n",
        &expect![[r#"
        ==  (header 1)
           a|b
         2 1|2
    "#]],
    );
    check(
        &format!("{frame}[exports.text]\ndelimiter = \"\\t\"\n"),
        "a\tb\n1\t2\n",
        &expect![[r#"
        ==  (header 1)
           a|b
         2 1|2
        stopped: f_2026.csv: the trailer `rows` is missing behind line 2: the file was cut off; ask for the file again; a trailer that not all files have is `optional = true`
    "#]],
    );
    let column = "[exports.columns.rows]\ntrailer = \"rows\"\n";
    check(
        &format!("{frame}{column}"),
        "a\n1\nTotal_Rows\t7\n",
        &expect![[r#"
        ==  (header 1)
        trailer rows = 7
           a
         2 1
    "#]],
    );
}

#[test]
fn target_cells_stand_outside() {
    let frame =
        "[exports.frame]\nheader_row = 3\n[exports.frame.cells]\nperiod = \"B1\"\npaid = { line = 2, match = 'Paid: (?<value>[\\d.,]+)' }\nlate = \"A6\"\n";
    check(
        frame,
        "Sales Period,January 2025\nPaid: 1,234.50 EUR\na,b\n1,2\n\nbehind\n",
        &expect![[r#"
        ==  (header 3)
        cell paid = 1,234.50
        cell period = January 2025
           a|b
         6 ! ragged: the record has 1 cells, the header has 2
         4 1|2
    "#]],
    );
    let columns = "[exports.columns.late]\ncell = \"late\"\n";
    check(
        &format!("{frame}{columns}[exports.text]\nragged = \"pad\"\n"),
        "Sales Period,January 2025\nPaid: 1,234.50 EUR\na,b\n1,2\n\nbehind\n",
        &expect![[r#"
        ==  (header 3)
        cell late = behind
        cell paid = 1,234.50
        cell period = January 2025
           a|b
         4 1|2
         6 behind|
    "#]],
    );
}

const SECTIONS: &str = r#"
path = '(?<year>\d+)'
[[exports.frame.sections]]
name = "sales"
title = '^Sales$'
[[exports.frame.sections]]
name = "old"
title = '^Old sales'
ignore = true
[[exports]]
name = "fees"
table = "f"
mode = "append"
part_of = "e"
[exports.frame]
end = "blank"
[[exports.frame.sections]]
name = "fees"
title = '^Fees$'
"#;

#[test]
fn sections_are_read_by_their_exports() {
    let file = "Sales\nid,amount\n1,2\n\nFees,,\nid,fee,currency\n1,0.5,USD\n\nOld sales of 2020\nwhat,ever\nSales\nid,amount\n3,4\n";
    check_at(
        "f_2026.csv",
        SECTIONS,
        None,
        file,
        &expect![[r#"
        == #sales (header 2)
           id|amount
         3 1|2
        == #sales (header 12)
           id|amount
        13 3|4
    "#]],
    );
    check_at(
        "f_2026.csv",
        SECTIONS,
        Some("fees"),
        file,
        &expect![[r#"
        == #fees (header 6)
           id|fee|currency
         7 1|0.5|USD
    "#]],
    );
    check_at(
        "f_2026.csv",
        SECTIONS,
        Some("fees"),
        "Fees\nid\n1\n\nNew things\nid\n",
        &expect![[r#"
        == #fees (header 2)
           id
         3 1
        stopped: f_2026.csv:5: "New things" stands outside of the sections and is the title of none; the titles are ^Sales$, ^Old sales, ^Fees$; add what is new to [[exports.frame.sections]]
    "#]],
    );
    check_at(
        "f_2026.csv",
        SECTIONS,
        Some("fees"),
        "Sales\nid\n1\n",
        &expect![[r#"
        note: f_2026.csv: there is no section `fees`
    "#]],
    );
    check_at(
        "f_2026.csv",
        SECTIONS,
        None,
        "Sales\nFees\nid\n",
        &expect![[r#"
        stopped: f_2026.csv: section `sales` has no header; a part without rows has the header alone; if there are other lines before it, say so in [exports.frame]
    "#]],
    );
}

const TYPES: &str = r#"
path = '(?<year>\d+)'
[exports.frame]
header = ["type", "block", "amount"]
[exports.frame.records]
types = ["SU01"]
ignore = ["HEAD", "FOOT"]
[exports.text]
quote = ""
delimiter = "\t"
comment = '#'
[[exports.checks]]
name = "lines"
kind = "lines"
expect = { record = "FOOT", field = 2 }
[[exports]]
name = "assets"
table = "f"
mode = "append"
part_of = "e"
[exports.text]
quote = ""
delimiter = "\t"
comment = '#'
[exports.frame]
header = ["type", "block", "title", "isan"]
[exports.frame.records]
types = ["AS01", "AS02"]
"#;

#[test]
fn records_of_several_types() {
    let file = "#HEAD\tcomment\nHEAD\tx\tsender\nAS01\tB1\tA \"film\"\t1\nSU01\tB1\t2.50\nAS02\tB2\t\t\nSU01\tB2\t1\t\nFOOT\t7\n";
    check_at(
        "f_2026.csv",
        TYPES,
        None,
        file,
        &expect![[r#"
        == 
           type|block|amount
         6 ! ragged: the record has 4 cells, the header has 3
         4 SU01|B1|2.50
        excluded 1 by type FOOT
        excluded 1 by type HEAD
    "#]],
    );
    check_at(
        "f_2026.csv",
        TYPES,
        Some("assets"),
        file,
        &expect![[r#"
        == 
           type|block|title|isan
         3 AS01|B1|A "film"|1
         5 AS02|B2||
    "#]],
    );
    check_at(
        "f_2026.csv",
        TYPES,
        None,
        "HEAD\nSU02\tB1\t1\n",
        &expect![[r#"
        == 
           type|block|amount
        excluded 1 by type HEAD
        stopped: f_2026.csv:2: record type "SU02" is neither read nor ignored (nearest: "SU01"); add it to `types` or `ignore` in [exports.frame.records]
    "#]],
    );
}

#[test]
fn parents_and_children() {
    let base = "[exports.frame.parent]\nparent_when = { column = \"Payment\", is = \"filled\" }\ninherit = [\"Payment\", \"Month\"]\n";
    let file = "Payment,Month,Source,Amount\nP1,Jan,,30\n,,Sales,10\n,Feb,KENP,20\nP2,Mar,,5\nP3,Apr,,7\n,,Sales,7\n";
    check(
        base,
        file,
        &expect![[r#"
        ==  (header 1)
           Payment|Month|Source|Amount
         3 P1|Jan|Sales|10
         4 P1|Feb|KENP|20
         5 P2|Mar||5
         7 P3|Apr|Sales|7
        excluded 2 by parent
    "#]],
    );
    check(
        &format!("{base}keep = \"parents\"\n"),
        file,
        &expect![[r#"
        ==  (header 1)
           Payment|Month|Source|Amount
         2 P1|Jan||30
         5 P2|Mar||5
         6 P3|Apr||7
        excluded 3 by child
    "#]],
    );
    check(
        &format!("{base}keep = \"both\"\n"),
        file,
        &expect![[r#"
        ==  (header 1)
           Payment|Month|Source|Amount
         2 P1|Jan||30
         3 P1|Jan|Sales|10
         4 P1|Feb|KENP|20
         5 P2|Mar||5
         6 P3|Apr||7
         7 P3|Apr|Sales|7
    "#]],
    );
    // A record that can't be read may be anybody's.
    check(
        base,
        "Payment,Month,Source,Amount\n,,Sales,1\nP1,Jan,,30\nbad\n,,Sales,10\nP2,Mar,,5\n",
        &expect![[r#"
        ==  (header 1)
           Payment|Month|Source|Amount
         2 ! parent: is a child record without a parent before it
         3 ! parent: is a parent record before one that could not be read and may be its child
         4 ! ragged: the record has 1 cells, the header has 4
         5 ! parent: is a child record behind one that could not be read: whose it is, is not known
         6 P2|Mar||5
    "#]],
    );
    check(
        "[exports.frame.parent]\nparent_when = { column = \"Paymnt\", is = \"filled\" }\ninherit = []\n",
        file,
        &expect![[r#"
        stopped: f_2026.csv:1: [exports.frame.parent] looks at "Paymnt", which the header lacks (nearest: "Payment"); correct the name in the channel file
    "#]],
    );
}

#[test]
fn columns_become_rows() {
    let rule = "nulls = [\"\", \"N/A\"]\n[exports.unpivot]\nheaders = '^Royalty \\((?<currency>[A-Z]{3})\\)$'\nvalue = \"royalty\"\nname = \"metric\"\n";
    let file = "Title,Royalty (USD),Royalty (EUR),Units\nA,1,2,3\nB,N/A,,4\nC,,5,6\n";
    check(
        rule,
        file,
        &expect![[r#"
        ==  (header 1)
           Title|Royalty (USD)|Royalty (EUR)|Units|royalty|metric|currency
         2 A|1|2|3|1|Royalty (USD)|USD
         2 A|1|2|3|2|Royalty (EUR)|EUR
         4 C||5|6|5|Royalty (EUR)|EUR
        excluded 1 by unpivot
    "#]],
    );
    check(
        &format!("{rule}keep_empty = true\n"),
        file,
        &expect![[r#"
        ==  (header 1)
           Title|Royalty (USD)|Royalty (EUR)|Units|royalty|metric|currency
         2 A|1|2|3|1|Royalty (USD)|USD
         2 A|1|2|3|2|Royalty (EUR)|EUR
         3 B|N/A||4|||
         4 C||5|6|5|Royalty (EUR)|EUR
    "#]],
    );
    check(
        rule,
        "Title,Units\nA,1\n",
        &expect![[r#"
        stopped: f_2026.csv:1: no header fits the pattern of unpivot, "^Royalty \\((?<currency>[A-Z]{3})\\)$"; correct the pattern in [exports.unpivot]
    "#]],
    );
}
