//! Bytes that nobody meant to be read: no panic, no lost record, the same result however the bytes arrive.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;

use takings_decode::{Layout, Splitter};

use crate::feed::{CHANNEL, HEADER, Output, TABLE, decode_file, layout};
use crate::random::Random;

const PIECES: [&[u8]; 34] = [
    b"a",
    b"0",
    b"1.5",
    b"-2",
    b"1,234",
    b"1.23456",
    b"USD",
    b"EUR",
    b"null",
    b"true",
    b"2026-03-15",
    b"2026-03-15T01:02:03Z",
    b"2026-02-30",
    b",",
    b",",
    b",",
    b",",
    b",",
    b",",
    b"\n",
    b"\n",
    b"\r\n",
    b"\r",
    b"\"",
    b"\"\"",
    b"\"x,y\"",
    b"\"l\nm\"",
    b"\0",
    b"\xff",
    b"\xc3\xa9",
    b"\xef\xbb\xbf",
    b" ",
    b"id,1,USD,,,,2026-03-15,,\n",
    b"id,2,EUR,7,no,2026-03-01,2026-03-15 00:00:00.0,null,\"q\"\"q\"\n",
];

fn shop() -> Arc<Layout> {
    Arc::new(layout(CHANNEL, TABLE).unwrap())
}

/// Decodes a file in chunks of several sizes and holds the outcomes against each other and against a plain count of its records.
fn check(layout: &Arc<Layout>, body: &[u8], reached: &mut BTreeSet<&'static str>) {
    let file = [HEADER.as_bytes(), body].concat();
    let whole = decode_file(layout, &file, 1 << 20).unwrap();
    assert_eq!(whole.records, plain_count(body), "{:?}", String::from_utf8_lossy(body));
    reached.extend(whole.rejects.iter().map(|reject| reject.rule));
    if !whole.rows.is_empty() {
        reached.insert("published");
    }
    for target in [1, 7, 64] {
        let cut = decode_file(layout, &file, target).unwrap();
        let parts = |output: &Output| (output.rows.clone(), output.lines.clone(), output.rejects.clone(), output.records, output.totals.clone());
        assert_eq!(parts(&cut), parts(&whole), "chunks of {target}: {:?}", String::from_utf8_lossy(body));
    }
}

/// Records by the book, byte for byte: a newline outside of quotes ends one, an empty one is none.
fn plain_count(body: &[u8]) -> u64 {
    let (mut records, mut quotes, mut record) = (0, 0, Vec::new());
    for byte in body.iter().chain(b"\n") {
        quotes += u32::from(*byte == b'"');
        if *byte == b'\n' && quotes % 2 == 0 {
            records += u64::from(!matches!(record[..], [] | [b'\r']));
            record.clear();
        } else {
            record.push(*byte);
        }
    }
    records + u64::from(quotes % 2 == 1)
}

#[test]
fn random_garbage_is_published_or_rejected() {
    let (layout, mut random, mut reached) = (shop(), Random::new(1), BTreeSet::new());
    for _ in 0..4000 {
        let body: Vec<u8> = (0..random.below(60)).flat_map(|_| random.pick(&PIECES).to_vec()).collect();
        check(&layout, &body, &mut reached);
    }
    for rule in ["published", "ragged", "quoting", "unclosed_quote"] {
        assert!(reached.contains(rule), "{rule} was never reached: {reached:?}");
    }
}

#[test]
fn mutations_of_the_corpus_are_published_or_rejected() {
    let (layout, mut random, mut reached) = (shop(), Random::new(2), BTreeSet::new());
    let package = std::env::var_os("CARGO_MANIFEST_DIR").unwrap_or_else(|| env!("CARGO_MANIFEST_DIR").into());
    let mut files: Vec<_> = std::fs::read_dir(Path::new(&package).join("tests/corpus")).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    assert!(files.len() >= 5, "{files:?}");
    for file in files {
        let seed = std::fs::read(&file).unwrap();
        check(&layout, &seed, &mut reached);
        for _ in 0..800 {
            let mut body = seed.clone();
            for _ in 0..=random.below(3) {
                mutate(&mut body, &mut random);
            }
            check(&layout, &body, &mut reached);
        }
    }
    let rules = [
        "published",
        "ragged",
        "quoting",
        "unclosed_quote",
        "utf8",
        "nul",
        "timestamp",
        "date",
        "integer",
        "boolean",
        "decimal",
        "digits",
        "size",
        "bound",
        "null",
        "currency",
        "partition",
        "known_at",
    ];
    for rule in rules {
        assert!(reached.contains(rule), "{rule} was never reached: {reached:?}");
    }
}

fn mutate(body: &mut Vec<u8>, random: &mut Random) {
    let at = random.below(body.len() + 1);
    let to = (at + random.below(12)).min(body.len());
    match random.below(4) {
        0 => drop(body.drain(at..to)),
        1 => drop(body.splice(at..at, random.pick(&PIECES).iter().copied())),
        2 => drop(body.splice(at..to, random.pick(&PIECES).iter().copied())),
        _ if at < body.len() => body[at] = random.below(256) as u8,
        _ => {}
    }
}

#[test]
fn a_header_of_garbage_never_panics() {
    let (layout, mut random, mut taken) = (shop(), Random::new(3), 0);
    for _ in 0..4000 {
        let mut file = [HEADER.as_bytes(), b"a,1,USD,,,,2026-03-15,,\n"].concat();
        let limit = HEADER.len();
        let at = random.below(limit);
        let piece = random.pick(&PIECES);
        file.splice(at..(at + random.below(4)).min(limit), piece.iter().copied());
        taken += usize::from(decode_file(&layout, &file, 16).is_ok());
    }
    assert!((1..4000).contains(&taken), "{taken}");
}

#[test]
fn the_sizes_of_pushes_make_no_difference() {
    let mut random = Random::new(4);
    for round in 0..2000 {
        let body: Vec<u8> = (0..random.below(80)).flat_map(|_| random.pick(&PIECES).to_vec()).collect();
        let target = 1 + random.below(50);
        let mut splitter = Splitter::new(5, target);
        let mut expected = splitter.push(body.as_slice());
        expected.extend(splitter.finish());
        assert_eq!(expected.iter().flat_map(|chunk| chunk.bytes.to_vec()).collect::<Vec<_>>(), body);
        let mut line = 5;
        for chunk in &expected {
            assert_eq!(chunk.first_line, line);
            line += chunk.bytes.iter().filter(|byte| **byte == b'\n').count() as u64;
        }
        let (mut splitter, mut chunks, mut rest) = (Splitter::new(5, target), Vec::new(), &body[..]);
        while !rest.is_empty() {
            let (piece, more) = rest.split_at(1 + random.below(rest.len().min(9)));
            chunks.extend(splitter.push(piece));
            rest = more;
        }
        chunks.extend(splitter.finish());
        assert_eq!(chunks, expected, "round {round}");
    }
}

#[test]
fn quoted_text_reads_as_another_csv_reader_reads_it() {
    let table = "table = \"shop_sale\"\nlayer = \"raw\"\ndescription = \"d\"\ngrain = \"g\"\nknown_at = \"always\"\n\
                 columns = [{ name = \"a\", type = \"text\" }, { name = \"b\", type = \"text\" }, { name = \"c\", type = \"text\" }]\n";
    let channel = CHANNEL
        .replace("required = [\"id\", \"amount\"]", "")
        .replace("[exports.headers]", "")
        .replace("country = [\"country\", \"Country Code\"]", "")
        .replace("nulls = [\"\", \"null\"]", "nulls = []");
    let layout = Arc::new(layout(&channel, table).unwrap());
    let mut random = Random::new(5);
    for _ in 0..500 {
        let mut body = String::new();
        for _ in 0..=random.below(20) {
            let cells: Vec<String> = (0..3).map(|at| cell(at == 0, &mut random)).collect();
            body += &cells.join(",");
            body += random.pick(&["\n", "\r\n"]);
        }
        let file = format!("a,b,c\n{body}");
        let output = decode_file(&layout, file.as_bytes(), 1 + random.below(100)).unwrap();
        assert_eq!(output.rejects, []);
        let found: Vec<&str> = output.rows.iter().map(|row| row.split(" _instance=").next().unwrap()).collect();
        assert_eq!(found, by_csv_core(body.as_bytes()), "{body:?}");
    }
}

fn cell(first: bool, random: &mut Random) -> String {
    let text: String = (0..random.below(6)).map(|_| random.pick(&["x", "é", "\"", ",", "\n", "\r\n", " ", "="])).collect();
    if first || text.contains(['"', ',', '\n', '\r']) || random.below(3) == 0 { format!("\"{}\"", text.replace('"', "\"\"")) } else { text }
}

fn by_csv_core(mut body: &[u8]) -> Vec<String> {
    let (mut reader, mut rows, mut cells, mut text, mut used) = (csv_core::Reader::new(), Vec::new(), Vec::new(), [0; 1000], 0);
    loop {
        let (result, read, written) = reader.read_field(body, &mut text[used..]);
        body = &body[read..];
        used += written;
        match result {
            csv_core::ReadFieldResult::Field { record_end } => {
                let name = ["a", "b", "c"][cells.len()];
                cells.push(format!("{name}={:?}", std::str::from_utf8(&text[..used]).unwrap()));
                used = 0;
                if record_end {
                    rows.push(cells.join(" "));
                    cells.clear();
                }
            }
            csv_core::ReadFieldResult::InputEmpty => {}
            csv_core::ReadFieldResult::OutputFull => panic!("a cell of the test is too long"),
            csv_core::ReadFieldResult::End => return rows,
        }
    }
}
