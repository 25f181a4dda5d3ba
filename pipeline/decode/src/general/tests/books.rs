//! Small workbooks, written by hand.

use std::fmt::Write as _;

use super::zip;

/// Sheets with their rows as XML; style 1 shows days, 2 moments, 3 times.
pub(super) fn xlsx(sheets: &[(&str, &str)], strings: &[&str]) -> Vec<u8> {
    let mut book = "<?xml version=\"1.0\"?><workbook xmlns:r=\"r\"><sheets>".to_owned();
    let mut links = "<Relationships>".to_owned();
    let mut members: Vec<(String, String)> = Vec::new();
    for (at, (name, rows)) in sheets.iter().enumerate() {
        let at = at + 1;
        let _ = write!(book, "<sheet name=\"{name}\" sheetId=\"{at}\" r:id=\"rId{at}\"/>");
        let _ = write!(links, "<Relationship Id=\"rId{at}\" Type=\"x/worksheet\" Target=\"worksheets/sheet{at}.xml\"/>");
        members.push((format!("xl/worksheets/sheet{at}.xml"), format!("<worksheet><sheetData>{rows}</sheetData></worksheet>")));
    }
    book.push_str("</sheets></workbook>");
    links.push_str("<Relationship Id=\"s\" Type=\"x/sharedStrings\" Target=\"sharedStrings.xml\"/><Relationship Id=\"f\" Type=\"x/styles\" Target=\"/xl/styles.xml\"/></Relationships>");
    let shared: String = strings.iter().map(|text| format!("<si>{text}</si>")).collect();
    let styles = "<styleSheet><numFmts><numFmt numFmtId=\"164\" formatCode=\"yyyy\\-mm\\-dd hh:mm\"/></numFmts><cellStyleXfs><xf numFmtId=\"9\"/></cellStyleXfs><cellXfs><xf numFmtId=\"0\"/><xf numFmtId=\"14\"/><xf numFmtId=\"164\"/><xf numFmtId=\"46\"/></cellXfs></styleSheet>";
    members.extend([
        ("[Content_Types].xml".to_owned(), "<Types/>".to_owned()),
        ("_rels/.rels".to_owned(), "<Relationships><Relationship Id=\"r\" Type=\"x/officeDocument\" Target=\"xl/workbook.xml\"/></Relationships>".to_owned()),
        ("xl/workbook.xml".to_owned(), book),
        ("xl/_rels/workbook.xml.rels".to_owned(), links),
        ("xl/sharedStrings.xml".to_owned(), format!("<sst uniqueCount=\"99999999999\">{shared}</sst>")),
        ("xl/styles.xml".to_owned(), styles.to_owned()),
    ]);
    let members: Vec<(&str, &[u8])> = members.iter().map(|(name, text)| (name.as_str(), text.as_bytes())).collect();
    zip(&members)
}

/// Rows of texts, each cell an inline one.
pub(super) fn rows(rows: &[&[&str]]) -> String {
    let mut out = String::new();
    for (at, cells) in rows.iter().enumerate() {
        let _ = write!(out, "<row r=\"{}\">", at + 1);
        for (column, cell) in cells.iter().enumerate().filter(|(_, cell)| !cell.is_empty()) {
            let place = format!("{}{}", char::from(b'A' + u8::try_from(column).unwrap()), at + 1);
            match cell.parse::<f64>() {
                Ok(_) => write!(out, "<c r=\"{place}\"><v>{cell}</v></c>"),
                Err(_) => write!(out, "<c r=\"{place}\" t=\"inlineStr\"><is><t>{cell}</t></is></c>"),
            }
            .unwrap();
        }
        out.push_str("</row>");
    }
    out
}

pub(super) fn ods(tables: &str) -> Vec<u8> {
    let content = format!("<office:document-content><office:body><office:spreadsheet>{tables}</office:spreadsheet></office:body></office:document-content>");
    zip(&[("mimetype", b"application/vnd.oasis.opendocument.spreadsheet"), ("content.xml", content.as_bytes())])
}

/// A workbook of Excel 97: the records of its one sheet behind the globals.
pub(super) fn xls(globals: &[(u16, Vec<u8>)], sheet: &[(u16, Vec<u8>)]) -> Vec<u8> {
    let record = |(kind, data): &(u16, Vec<u8>)| [&kind.to_le_bytes()[..], &u16::try_from(data.len()).unwrap().to_le_bytes(), data].concat();
    let begin = |kind: u16| (0x0809u16, [0x0600u16.to_le_bytes(), kind.to_le_bytes(), [0, 0], [0, 0]].concat());
    let mut stream = record(&begin(5));
    globals.iter().for_each(|one| stream.extend(record(one)));
    let name = [&[0u8, 0, 5, 0][..], b"Sales"].concat();
    let offset = u32::try_from(stream.len() + 4 + 4 + name.len() + 4).unwrap();
    stream.extend(record(&(0x0085, [&offset.to_le_bytes()[..], &name].concat())));
    stream.extend(record(&(0x000A, Vec::new())));
    stream.extend(record(&begin(16)));
    sheet.iter().for_each(|one| stream.extend(record(one)));
    stream.extend(record(&(0x000A, Vec::new())));
    let size = stream.len().max(4096);
    stream.resize(size.div_ceil(512) * 512, 0);
    compound(&stream, size)
}

/// A compound file of one stream: header, one table of sectors, one sector of the directory, the stream.
fn compound(stream: &[u8], size: usize) -> Vec<u8> {
    let sectors = u32::try_from(stream.len() / 512).unwrap();
    let mut header = vec![0u8; 512];
    header[..8].copy_from_slice(b"\xD0\xCF\x11\xE0\xA1\xB1\x1A\xE1");
    header[30] = 9;
    header[32] = 6;
    header[44] = 1;
    header[48] = 1;
    header[56..60].copy_from_slice(&4096u32.to_le_bytes());
    for at in [60, 68] {
        header[at..at + 4].copy_from_slice(&0xFFFF_FFFEu32.to_le_bytes());
    }
    for at in 0..109 {
        let table: u32 = if at == 0 { 0 } else { 0xFFFF_FFFF };
        header[76 + 4 * at..80 + 4 * at].copy_from_slice(&table.to_le_bytes());
    }
    let mut next: Vec<u32> = vec![0xFFFF_FFFD, 0xFFFF_FFFE];
    next.extend((0..sectors).map(|at| if at + 1 == sectors { 0xFFFF_FFFE } else { at + 3 }));
    next.resize(128, 0xFFFF_FFFF);
    let entry = |name: &str, kind: u8, start: u32, size: usize| {
        let mut entry = vec![0u8; 128];
        let wide: Vec<u8> = name.encode_utf16().flat_map(u16::to_le_bytes).collect();
        entry[..wide.len()].copy_from_slice(&wide);
        entry[64] = u8::try_from(wide.len() + 2).unwrap();
        entry[66] = kind;
        entry[116..120].copy_from_slice(&start.to_le_bytes());
        entry[120..124].copy_from_slice(&u32::try_from(size).unwrap().to_le_bytes());
        entry
    };
    let mut directory = [entry("Root Entry", 5, 0xFFFF_FFFE, 0), entry("Workbook", 2, 2, size)].concat();
    directory.resize(512, 0);
    let table: Vec<u8> = next.iter().flat_map(|sector| sector.to_le_bytes()).collect();
    [header, table, directory, stream.to_vec()].concat()
}
