use expect_test::expect;

use super::books::{ods, rows, xls, xlsx};
use super::{check, check_at, zip};

#[test]
fn values_of_sheets_are_as_they_were_typed() {
    let sheet = r#"<row r="1"><c r="A1" t="s"><v>0</v></c><c r="B1" t="s"><v>1</v></c><c r="C1" t="inlineStr"><is><t>Day</t></is></c></row>
        <row r="3"><c r="A3" t="s"><v>2</v></c><c r="B3"><v>0.30000000000000004</v></c><c r="C3" s="1"><v>45658</v></c></row>
        <row r="4"><c r="A4" t="str"><f>A1&amp;B1</f><v>x&lt;y_x000D_</v></c><c r="B4"><f>SUM(B3)</f></c><c r="C4" s="2"><v>45658.75</v></c></row>
        <row><c t="b"><v>1</v></c><c t="e"><v>#N/A</v></c><c s="3"><v>1.5</v></c></row>
        <row r="7"><c r="B7"><v>1E-3</v></c><c r="D7" t="inlineStr"><is><t>too far</t></is></c></row>"#;
    let book =
        xlsx(&[("Sales", sheet)], &["<t>Name</t>", "<r><t>Amo</t></r><r><t>unt</t></r><rPh><t>phonetic</t></rPh>", "<t xml:space=\"preserve\"> A\nB </t>"]);
    check(
        "[exports.unpack]\nsheets = ['^Sales$']",
        book,
        &expect![[r#"
        == Sales (header 1)
           Name|Amount|Day
         7 ! ragged: the record has 4 cells, the header has 3
         3  A\nB |0.30000000000000004|2025-01-01
         4 x<y\r|=SUM(B3)|2025-01-01T18:00:00
         5 TRUE|#N/A|36:00:00
    "#]],
    );
}

const KDP: &str = r#"
path = '(?<year>\d+)'
[exports.unpack]
sheets = ['^eBook Royalty$', '^Paperback Royalty$']
ignore_sheets = ['^Total Earnings$', '^Report Definitions$']
[exports.frame]
header_row = 2
[exports.frame.cells]
period = "B1"
[[exports]]
name = "pages"
table = "p"
mode = "append"
part_of = "e"
[exports.unpack]
sheets = ['^KENP Read$']
[exports.frame]
header_row = 2
"#;

#[test]
fn sheets_are_read_by_their_exports() {
    let books = rows(&[&["Sales Period", "January 2025"], &["Title", "Royalty"], &["A", "1.5"], &["B"]]);
    let pages = rows(&[&["Sales Period", "January 2025"], &["Title", "Pages"], &["A", "100"]]);
    let prose = rows(&[&["Royalty: what you get"]]);
    let only = rows(&[&["Sales Period", "January 2025"], &["Title", "Royalty"]]);
    let sheets =
        [("eBook Royalty", books.as_str()), ("KENP Read", &pages), ("Paperback Royalty", &only), ("Total Earnings", &books), ("Report Definitions", &prose)];
    check_at(
        "2025.xlsx",
        KDP,
        None,
        xlsx(&sheets, &[]),
        &expect![[r#"
        == eBook Royalty (header 2)
        cell period = January 2025
           Title|Royalty
         3 A|1.5
         4 B|
        == Paperback Royalty (header 2)
        cell period = January 2025
           Title|Royalty
        ignored Total Earnings
        ignored Report Definitions
    "#]],
    );
    check_at(
        "2025.xlsx",
        KDP,
        Some("pages"),
        xlsx(&sheets, &[]),
        &expect![[r#"
        == KENP Read (header 2)
           Title|Pages
         3 A|100
        ignored Total Earnings
        ignored Report Definitions
    "#]],
    );
    check_at(
        "2025.xlsx",
        KDP,
        None,
        xlsx(&[("eBook Royalty", &books), ("Hardcover Royalty", &books)], &[]),
        &expect![[r#"
        == eBook Royalty (header 2)
        cell period = January 2025
           Title|Royalty
         3 A|1.5
         4 B|
        stopped: 2025.xlsx: the sheet "Hardcover Royalty" is neither read nor ignored; add it to `sheets` or `ignore_sheets` in [exports.unpack]
    "#]],
    );
    let zipped = zip(&[("2025/book.xlsx", &xlsx(&sheets[..1], &[]))]);
    check_at(
        "2025.zip",
        KDP,
        None,
        zipped,
        &expect![[r#"
        == 2025/book.xlsx!eBook Royalty (header 2)
        cell period = January 2025
           Title|Royalty
         3 A|1.5
         4 B|
    "#]],
    );
}

#[test]
fn parents_and_children_of_a_sheet() {
    let sheet = rows(&[
        &["Payment Number", "Currency", "Royalty", "Source", "Currency", "Payout"],
        &["77", "USD", "30", "", "EUR", "27"],
        &["", "USD", "10", "Sales"],
        &["", "USD", "20", "KENP"],
    ]);
    let frame = "[exports.frame.parent]\nparent_when = { column = \"Payment Number\", is = \"filled\" }\ninherit = [\"Payment Number\", \"Currency#2\"]\n";
    check(
        frame,
        xlsx(&[("Payments", &sheet)], &[]),
        &expect![[r#"
        == Payments (header 1)
           Payment Number|Currency|Royalty|Source|Currency#2|Payout
         3 77|USD|10|Sales|EUR|
         4 77|USD|20|KENP|EUR|
        excluded 1 by parent
    "#]],
    );
}

#[test]
fn open_documents() {
    let table = r#"<table:table table:name="Other"/><table:table table:name="Sales">
        <table:table-row><table:table-cell office:value-type="string"><text:p>Name</text:p></table:table-cell><table:table-cell table:number-columns-repeated="2" office:value-type="string"><text:p>X</text:p></table:table-cell></table:table-row>
        <table:table-row table:number-rows-repeated="2"><table:table-cell office:value-type="string"><office:annotation><text:p>note</text:p></office:annotation><text:p>a<text:s text:c="2"/>b</text:p><text:p>c</text:p></table:table-cell><table:table-cell office:value-type="float" office:value="1.50"><text:p>1,5</text:p></table:table-cell><table:table-cell office:value-type="date" office:date-value="2025-01-31"><text:p>31.01.25</text:p></table:table-cell></table:table-row>
        <table:table-row table:number-rows-repeated="1048570"><table:table-cell table:number-columns-repeated="16384"/></table:table-row>
        <table:table-row><table:table-cell/><table:table-cell office:value-type="boolean" office:boolean-value="true"/><table:table-cell office:value-type="time" office:time-value="PT01H02M03S"/></table:table-row>
        </table:table>"#;
    check(
        "[exports.unpack]\nsheets = ['^Sales$']\nignore_sheets = ['^Other$']",
        ods(table),
        &expect![[r#"
        == Sales (header 1)
           Name|X|X#2
         2 a  b\nc|1.5|2025-01-31
         3 a  b\nc|1.5|2025-01-31
        1048574 |TRUE|01:02:03
        ignored Other
    "#]],
    );
}

fn cell(row: u16, column: u16, style: u16, data: &[u8]) -> Vec<u8> {
    [&row.to_le_bytes()[..], &column.to_le_bytes(), &style.to_le_bytes(), data].concat()
}

#[test]
fn workbooks_of_excel_97() {
    // Shared texts, the second one cut by a record in its middle, where it turns to two bytes a character.
    let strings = [&2u32.to_le_bytes()[..], &2u32.to_le_bytes(), &[4, 0, 0], b"Name", &[6, 0, 0], b"Amo"].concat();
    let more = [&[1u8][..], &"uńt".encode_utf16().flat_map(u16::to_le_bytes).collect::<Vec<_>>()].concat();
    let format = |id: u16| [&[0u8, 0][..], &id.to_le_bytes(), &[0; 16]].concat();
    let globals = [(0x00E0, format(0)), (0x00E0, format(14)), (0x00FC, strings), (0x003C, more)];
    let packed = |value: i32| (((value << 2) | 2) as u32).to_le_bytes();
    let several =
        [&2u16.to_le_bytes()[..], &0u16.to_le_bytes(), &0u16.to_le_bytes(), &packed(7), &1u16.to_le_bytes(), &packed(45_658), &1u16.to_le_bytes()].concat();
    let formula = |result: &[u8]| [result, &[0; 8]].concat();
    let sheet = [
        (0x00FD, cell(0, 0, 0, &0u32.to_le_bytes())),
        (0x00FD, cell(0, 1, 0, &1u32.to_le_bytes())),
        (0x0204, cell(1, 0, 0, &[&[2u8, 0, 0][..], b"ab"].concat())),
        (0x0203, cell(1, 1, 0, &0.1f64.to_le_bytes())),
        (0x00BD, several),
        (0x0006, cell(3, 0, 0, &formula(&[0, 0, 0, 0, 0, 0, 0xFF, 0xFF]))),
        (0x0207, [&[3u8, 0, 0][..], b"sum"].concat()),
        (0x0006, cell(3, 1, 0, &formula(&2.5f64.to_le_bytes()))),
        (0x027E, cell(4, 0, 0, &(((1234i32 << 2) | 3) as u32).to_le_bytes())),
        (0x0205, cell(4, 1, 0, &[0x07, 1])),
    ];
    check(
        "[exports.unpack]\nsheets = ['^Sales$']",
        xls(&globals, &sheet),
        &expect![[r#"
        == Sales (header 1)
           Name|Amouńt
         2 ab|0.1
         3 7|2025-01-01
         4 sum|2.5
         5 12.34|#DIV/0!
    "#]],
    );
    check(
        "[exports.unpack]\nsheets = ['^Sales$']",
        xls(&[(0x002F, vec![0; 6])], &sheet),
        &expect![[r#"
        stopped: f_2026.csv is encrypted; save it without a password
    "#]],
    );
}

#[test]
fn damaged_workbooks_are_refused() {
    let sheets = "[exports.unpack]\nsheets = ['^S']";
    check(
        sheets,
        xlsx(&[("S", "<row r=\"1\"><c r=\"A1\" t=\"s\"><v>5</v></c></row>")], &[]),
        &expect![[r#"
        stopped: f_2026.csv, sheet "S": the workbook is damaged: row 1 has a text that is not in the workbook; open it, save it again as xlsx, and hand that in
    "#]],
    );
    check(
        sheets,
        xlsx(&[("S", "<row r=\"2\"><c r=\"A2\"><v>1</v></c></row><row r=\"1\"><c r=\"A1\"><v>1</v></c></row>")], &[]),
        &expect![[r#"
        stopped: f_2026.csv, sheet "S", row 2: the cells are not in order; open the workbook, save it again as xlsx, and hand that in
    "#]],
    );
    check(
        sheets,
        xlsx(&[("S", "<row r=\"1\"><c r=\"XFE1\"><v>1</v></c></row>")], &[]),
        &expect![[r#"
        stopped: f_2026.csv, sheet "S", row 1: column 16385 is beyond the 16384 of a sheet; open the workbook, save it again as xlsx, and hand that in
    "#]],
    );
    check(
        sheets,
        xlsx(&[("S", "<row r=\"1\"><c r=\"A1\"><v>1</v>")], &[]),
        &expect![[r#"
        stopped: f_2026.csv, sheet "S": the workbook is damaged: ill-formed document: expected `</c>`, but `</sheetData>` was found; open it, save it again as xlsx, and hand that in
    "#]],
    );
    check(
        sheets,
        zip(&[("[Content_Types].xml", b"<Types/>"), ("xl/workbook.xml", b"<!DOCTYPE a [<!ENTITY b 'c'>]><workbook/>")]),
        &expect![[r#"
        stopped: f_2026.csv: the workbook is damaged: it declares a document type; open it, save it again as xlsx, and hand that in
    "#]],
    );
    check(
        sheets,
        zip(&[("[Content_Types].xml", b"<Types/>"), ("xl/workbook.bin", b"x")]),
        &expect![[r#"
        stopped: f_2026.csv: the workbook lacks xl/workbook.xml; save it again as xlsx or ods
    "#]],
    );
    check(
        sheets,
        b"\xD0\xCF\x11\xE0\xA1\xB1\x1A\xE1 and nothing more",
        &expect![[r#"
        stopped: f_2026.csv: the workbook is damaged: it holds no workbook that can be read; open it, save it again as xlsx, and hand that in
    "#]],
    );
}
