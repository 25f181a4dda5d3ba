//! The bytes of one cell → text, as the encoding of its file says. It must not know how records are cut.

use super::encoding::Cells;
use super::record::Record;
use crate::reject::rule;

/// A cell's bytes as the record's next cell; what can't be read breaks the record. `nul_goes`: NUL is taken out of cells, and breaks none.
pub(super) fn push(record: &mut Record, cells: &Cells, at: usize, bytes: &[u8], nul_goes: bool) {
    let nul = !nul_goes && memchr::memchr(0, bytes).is_some();
    match cells {
        Cells::As(encoding) => match std::str::from_utf8(bytes) {
            Ok(text) => record.push(text),
            Err(_) => {
                let text = String::from_utf8_lossy(bytes);
                record.refuse(rule::UTF8, format!("cell {} can't be read as {} text", at + 1, encoding.name()), text.clone());
                record.push(&text);
            }
        },
        Cells::Mixed(encodings) => match mixed(encodings, bytes) {
            Some(text) => record.push(&text),
            None => {
                let names: Vec<&str> = encodings.iter().map(|encoding| encoding.name()).collect();
                let text = String::from_utf8_lossy(bytes);
                record.refuse(rule::UTF8, format!("cell {} can't be read as {} text", at + 1, names.join(" or ")), text.clone());
                record.push(&text);
            }
        },
    }
    if nul {
        let text = record.cell(at).to_owned();
        record.refuse(rule::NUL, format!("cell {} holds a NUL byte", at + 1), text);
    }
}

fn mixed<'b>(encodings: &[&'static encoding_rs::Encoding], bytes: &'b [u8]) -> Option<std::borrow::Cow<'b, str>> {
    encodings.iter().find_map(|encoding| encoding.decode_without_bom_handling_and_without_replacement(bytes))
}

/// Bytes for the eye.
pub(super) fn shown<'b>(cells: &Cells, bytes: &'b [u8]) -> std::borrow::Cow<'b, str> {
    match cells {
        Cells::As(_) => String::from_utf8_lossy(bytes),
        Cells::Mixed(encodings) => mixed(encodings, bytes).unwrap_or_else(|| String::from_utf8_lossy(bytes)),
    }
}
