//! Containers around bytes of a target: what a fuzzer can't make itself are checksums, sizes and directories that fit.

use std::io::{Cursor, Read, Write};

use flate2::Compression;
use flate2::read::{DeflateEncoder, GzEncoder};
use zip::CompressionMethod;
use zip::write::SimpleFileOptions;

/// A zip archive of these members; None where two have the same name, which the writer refuses.
pub(crate) fn zip(members: &[(String, &[u8])], method: CompressionMethod) -> Option<Vec<u8>> {
    let mut writer = zip::ZipWriter::new(Cursor::new(Vec::new()));
    for (name, bytes) in members {
        writer.start_file(name.as_str(), SimpleFileOptions::default().compression_method(method)).ok()?;
        writer.write_all(bytes).ok()?;
    }
    Some(writer.finish().ok()?.into_inner())
}

/// Whether the first bytes are those of a container.
pub(crate) fn is_packed(bytes: &[u8]) -> bool {
    [&b"\x1F\x8B"[..], b"PK\x03\x04", b"PK\x05\x06", b"\xD0\xCF\x11\xE0\xA1\xB1\x1A\xE1"].iter().any(|mark| bytes.starts_with(mark))
}

pub(crate) fn gzip(bytes: &[u8]) -> Vec<u8> {
    all(GzEncoder::new(bytes, Compression::fast()))
}

/// Bytes taken as a deflated stream, under the header of a gzip.
pub(crate) fn as_gzip(stream: &[u8]) -> Vec<u8> {
    [b"\x1F\x8B\x08\0\0\0\0\0\0\xFF", stream].concat()
}

/// As many zeros, deflated.
pub(crate) fn zeros(length: usize) -> Vec<u8> {
    all(DeflateEncoder::new(std::io::repeat(b'0').take(length as u64), Compression::fast()))
}

fn all(mut packed: impl Read) -> Vec<u8> {
    let mut bytes = Vec::new();
    packed.read_to_end(&mut bytes).expect("what is in memory can be read");
    bytes
}

/// A compound file (the container of xls) with this one stream.
pub(crate) fn compound(stream: &[u8]) -> Vec<u8> {
    const FREE: u32 = 0xFFFF_FFFF;
    const END: u32 = 0xFFFF_FFFE;
    let size = stream.len().max(4096);
    let sectors = size.div_ceil(512);
    // Each sector of the table says what follows 128 sectors.
    let tables = (sectors + 1).div_ceil(127);
    let first = tables + 1;
    let number = |at: usize| u32::try_from(at).unwrap_or(FREE);
    let mut header = vec![0u8; 512];
    header[..8].copy_from_slice(b"\xD0\xCF\x11\xE0\xA1\xB1\x1A\xE1");
    (header[30], header[32]) = (9, 6);
    header[44..48].copy_from_slice(&number(tables).to_le_bytes());
    header[48..52].copy_from_slice(&number(tables).to_le_bytes());
    header[56..60].copy_from_slice(&4096u32.to_le_bytes());
    for at in [60, 68] {
        header[at..at + 4].copy_from_slice(&END.to_le_bytes());
    }
    for at in 0..109 {
        header[76 + 4 * at..80 + 4 * at].copy_from_slice(&if at < tables { number(at) } else { FREE }.to_le_bytes());
    }
    let mut next: Vec<u32> = vec![0xFFFF_FFFD; tables];
    next.push(END);
    next.extend((1..=sectors).map(|at| if at == sectors { END } else { number(first + at) }));
    next.resize(tables * 128, FREE);
    let entry = |name: &str, kind: u8, start: u32, size: usize| {
        let mut entry = vec![0u8; 128];
        let wide: Vec<u8> = name.encode_utf16().flat_map(u16::to_le_bytes).collect();
        entry[..wide.len()].copy_from_slice(&wide);
        (entry[64], entry[66]) = (u8::try_from(wide.len() + 2).unwrap_or(0), kind);
        entry[116..120].copy_from_slice(&start.to_le_bytes());
        entry[120..124].copy_from_slice(&number(size).to_le_bytes());
        entry
    };
    let mut directory = [entry("Root Entry", 5, END, 0), entry("Workbook", 2, number(first), size)].concat();
    directory.resize(512, 0);
    let table: Vec<u8> = next.iter().flat_map(|sector| sector.to_le_bytes()).collect();
    let mut file = [header, table, directory, stream.to_vec()].concat();
    file.resize(512 * (1 + first + sectors), 0);
    file
}
