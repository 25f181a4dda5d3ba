//! Workbooks: documents inside of archives that are whole, and streams inside of compound files that are.

use std::sync::LazyLock;

use takings_decode::general::{Sample, peek};
use zip::CompressionMethod;

use crate::pack::{compound, zip};
use crate::read::General;

static READER: LazyLock<General> = LazyLock::new(|| {
    let export = "path = 'x'\nunknown_columns = \"warn\"\n[exports.text]\nragged = \"fit\"\n[exports.unpack]\nmax_bytes = \"4MB\"\n";
    General::new(
        export,
        r#"{ name = "a", type = "text" }, { name = "b", type = "decimal(38,18)", currency = "c" }, { name = "c", type = "text" }, { name = "d", type = "date" }"#,
    )
});

/// Members of an xlsx, and what stands in those that the input leaves out.
const XLSX: [(&str, &str); 8] = [
    ("xl/worksheets/sheet1.xml", "<worksheet><sheetData><row><c t=\"inlineStr\"><is><t>a</t></is></c></row></sheetData></worksheet>"),
    ("xl/sharedStrings.xml", "<sst><si><t>a</t></si><si><t>b</t></si></sst>"),
    (
        "xl/styles.xml",
        "<styleSheet><numFmts><numFmt numFmtId=\"164\" formatCode=\"yyyy\\-mm\\-dd hh:mm\"/></numFmts><cellXfs><xf numFmtId=\"0\"/><xf numFmtId=\"14\"/><xf numFmtId=\"164\"/><xf numFmtId=\"46\"/></cellXfs></styleSheet>",
    ),
    ("xl/workbook.xml", "<workbook><sheets><sheet name=\"S\" r:id=\"1\"/></sheets></workbook>"),
    (
        "xl/_rels/workbook.xml.rels",
        "<Relationships><Relationship Id=\"1\" Type=\"x/worksheet\" Target=\"worksheets/sheet1.xml\"/><Relationship Id=\"2\" Type=\"x/sharedStrings\" Target=\"sharedStrings.xml\"/><Relationship Id=\"3\" Type=\"x/styles\" Target=\"/xl/styles.xml\"/></Relationships>",
    ),
    ("_rels/.rels", "<Relationships><Relationship Id=\"r\" Type=\"x/officeDocument\" Target=\"xl/workbook.xml\"/></Relationships>"),
    ("[Content_Types].xml", "<Types/>"),
    ("xl/worksheets/sheet2.xml", "<worksheet/>"),
];

/// Members of a workbook, parted by NUL; the first byte of each says which it is.
pub fn xlsx(bytes: &[u8]) -> bool {
    let mut members: Vec<(String, &[u8])> = XLSX.iter().map(|(name, content)| ((*name).to_owned(), content.as_bytes())).collect();
    for part in bytes.split(|byte| *byte == 0) {
        if let Some((choice, content)) = part.split_first() {
            members[usize::from(*choice) % XLSX.len()].1 = content;
        }
    }
    zip(&members, CompressionMethod::Stored).is_some_and(|file| book(&file))
}

/// The content of an `OpenDocument` spreadsheet.
pub fn ods(content: &[u8]) -> bool {
    let mimetype = &b"application/vnd.oasis.opendocument.spreadsheet"[..];
    zip(&[("mimetype".to_owned(), mimetype), ("content.xml".to_owned(), content)], CompressionMethod::Stored).is_some_and(|file| book(&file))
}

/// A compound file, or the stream of the workbook in one.
pub fn xls(bytes: &[u8]) -> bool {
    if bytes.starts_with(b"\xD0\xCF\x11\xE0\xA1\xB1\x1A\xE1") { book(bytes) } else { book(&compound(bytes)) }
}

/// How many rows of a sheet are looked at.
const LOOK: usize = 2000;

/// Read, and looked into: both say the same of the rows that there are.
fn book(file: &[u8]) -> bool {
    let peeked = peek("x", file, 0, LOOK);
    let read = READER.read("x", file);
    let (outcome, _) = match (&peeked, read) {
        (Err(error), Ok(_)) => panic!("a look into the file fails ({error}), its reading does not"),
        (_, Err(_)) => return false,
        (Ok(_), Ok(read)) => read,
    };
    let filled = peeked.into_iter().flatten().map(|part| match part.sample {
        Sample::Sheet { cut: true, .. } => u64::MAX,
        Sample::Sheet { rows, .. } => (rows.iter().filter(|row| !row.cells.is_empty()).count() as u64).saturating_sub(1),
        Sample::Text { .. } => 0,
    });
    assert!(outcome.records <= filled.fold(0, u64::saturating_add), "{} records, which is more than there are rows", outcome.records);
    outcome.published > 0
}
