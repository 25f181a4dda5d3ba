//! Packings: archives, gzip and streams of any bytes. What comes out is within the limits, and is what went in.

use std::sync::LazyLock;

use takings_decode::general::peek;
use zip::CompressionMethod;

use crate::pack::{as_gzip, gzip, is_packed, zeros, zip as archive};
use crate::read::{General, Kept};

const MAX_BYTES: usize = 2_000_000;

static READER: LazyLock<General> = LazyLock::new(|| {
    let export =
        format!("path = 'x'\nunknown_columns = \"warn\"\n[exports.text]\nragged = \"fit\"\n[exports.unpack]\nmax_bytes = \"{MAX_BYTES}\"\nmax_members = 20\n");
    General::new(&export, r#"{ name = "a", type = "text" }, { name = "b", type = "int64" }"#)
});

/// The first byte: what the rest is.
pub fn zip(bytes: &[u8]) -> bool {
    let Some((choice, rest)) = bytes.split_first() else { return false };
    let (file, plain) = match choice % 6 {
        0 => (rest.to_vec(), None),
        1 => (gzip(rest), Some(rest)),
        2 => (as_gzip(rest), None),
        // The longer the bytes, the more there is of what is packed best.
        3 => (as_gzip(&zeros(rest.len().min(1024) << 12)), None),
        4 => match members(rest, CompressionMethod::Deflated) {
            Some(packed) => packed,
            None => return false,
        },
        _ => match members(rest, CompressionMethod::Stored) {
            Some(packed) => packed,
            None => return false,
        },
    };
    let read = READER.read("x", &file);
    if let Ok((_, kept)) = &read {
        let cells: usize = kept.batches.iter().map(|batch| batch["a"].get_array_memory_size()).sum();
        assert!(cells < 4 * MAX_BYTES, "{cells} bytes of cells");
        assert!(peek("x", &file, 100, 10).is_ok(), "a look into the file fails, its reading does not");
    }
    if let Some(plain) = plain.filter(|plain| !is_packed(plain)) {
        let alone = READER.read("x", plain).ok().map(|(_, kept)| (rows(&kept), rejects(&kept)));
        let Ok((outcome, kept)) = read else {
            assert!(alone.is_none() || plain.len() > MAX_BYTES, "a packed file can't be read, unpacked it can");
            return false;
        };
        assert_eq!(Some((rows(&kept), rejects(&kept))), alone, "packed and unpacked");
        return outcome.published > 0;
    }
    read.is_ok_and(|(outcome, _)| outcome.published > 0)
}

/// Members parted by NUL, the name of each before its first line break; the whole one, where there is one alone.
fn members(bytes: &[u8], method: CompressionMethod) -> Option<(Vec<u8>, Option<&[u8]>)> {
    let member = |part| {
        let (name, content) = split_line(part);
        (String::from_utf8_lossy(name).into_owned(), content)
    };
    let all: Vec<(String, &[u8])> = bytes.split(|byte| *byte == 0).map(member).collect();
    let alone = match all.as_slice() {
        // A name that ends so is a folder's.
        [(name, content)] if !name.ends_with(['/', '\\']) => Some(*content),
        _ => None,
    };
    let file = archive(&all, method)?;
    Some((file, alone))
}

fn split_line(bytes: &[u8]) -> (&[u8], &[u8]) {
    match bytes.iter().position(|byte| *byte == b'\n') {
        Some(at) => (&bytes[..at], &bytes[at + 1..]),
        None => (b"m", bytes),
    }
}

/// The contract's columns.
fn rows(kept: &Kept) -> Vec<arrow::array::ArrayRef> {
    kept.batches.iter().flat_map(|batch| batch.columns()[..2].to_vec()).collect()
}

fn rejects(kept: &Kept) -> Vec<(u64, &'static str, String)> {
    kept.rejects.iter().map(|reject| (reject.line, reject.rule, reject.reason.clone())).collect()
}
