//! Framing of plain CSV: the index of the bytes against the general tokeniser and a plain count, and chunks against the whole.

use std::sync::LazyLock;

use arrow::array::AsArray;
use arrow::datatypes::Int64Type;
use takings_decode::general::{Row, text_records};
use takings_decode::rule;
use takings_definitions::TextForm;

use crate::flat::{Flat, Output, chunks, decode};
use crate::read::channel;

const DELIMITERS: [char; 4] = [',', ';', '\t', '|'];

struct Dialect {
    flat: Flat,
    form: TextForm,
    header: String,
}

static DIALECTS: LazyLock<Vec<Dialect>> = LazyLock::new(|| {
    let dialect = |delimiter: &char| {
        let export = format!("path = 'x'\nnulls = []\ndelimiter = \"{}\"\n", delimiter.escape_default());
        let columns = r#"{ name = "a", type = "text" }, { name = "b", type = "text" }, { name = "c", type = "text" }"#;
        Dialect { flat: Flat::new(&export, columns), form: channel(&export).exports[0].text.clone(), header: format!("a{delimiter}b{delimiter}c\n") }
    };
    DELIMITERS.iter().map(dialect).collect()
});

/// A record: its line, and its cells, or the rule that refuses it and the reason.
type Record = (u64, Result<Vec<String>, (&'static str, String)>);

/// The first byte: delimiter, size of chunks, size of pieces. Behind it a file after its header.
pub fn csv(bytes: &[u8]) -> bool {
    let Some((choice, body)) = bytes.split_first() else { return false };
    let dialect = &DIALECTS[usize::from(choice & 3)];
    let (target, piece) = (1 + usize::from(choice >> 2 & 7) * 5, 1 + usize::from(choice >> 5));
    let file = [dialect.header.as_bytes(), body].concat();
    let whole = dialect.flat.read(&file, 1 << 20).unwrap_or_else(|error| panic!("{error}"));
    assert_eq!(whole.records, plain_count(body), "records by a plain count");
    let records = records_of(&whole);
    chunks_agree(dialect, body, target, piece, &records);
    match text_records("sale.csv", &file, &dialect.form, usize::MAX) {
        Ok(general) => ways_agree(&records, general.into_iter().skip(1).filter(|row| !row.raw.is_empty())),
        Err(error) => assert!(error.to_string().contains("more than the 16384 that a table may have"), "{error}"),
    }
    records.iter().any(|(_, record)| record.is_ok())
}

/// Chunks of any size, from a stream in pieces of any size, decoded in any order, give what the whole gives.
fn chunks_agree(dialect: &Dialect, body: &[u8], target: usize, piece: usize, whole: &[Record]) {
    let cut = chunks(body, 2, target, piece);
    assert_eq!(cut, chunks(body, 2, target, usize::MAX), "chunks of {target} from pieces of {piece}");
    assert_eq!(cut.iter().flat_map(|chunk| chunk.bytes.iter().copied()).collect::<Vec<_>>(), body, "bytes of the chunks");
    let decoder = dialect.flat.decoder(dialect.header.as_bytes()).unwrap_or_else(|error| panic!("{error}"));
    let mut found = Vec::new();
    for chunk in cut.iter().rev() {
        let mut output = Output::default();
        let decoded = decode(&decoder, chunk).and_then(|decoded| output.add(decoded));
        decoded.unwrap_or_else(|error| panic!("{error}"));
        let mut records = records_of(&output);
        records.append(&mut found);
        found = records;
    }
    assert_eq!(found, whole, "chunks of {target}");
}

/// By line.
fn records_of(output: &Output) -> Vec<Record> {
    let mut records: Vec<Record> = Vec::new();
    for batch in &output.batches {
        let lines = batch["_line"].as_primitive::<Int64Type>();
        let columns = ["a", "b", "c"].map(|name| batch[name].as_string::<i32>());
        for row in 0..batch.num_rows() {
            let line = u64::try_from(lines.value(row)).expect("lines begin at 1");
            records.push((line, Ok(columns.iter().map(|column| column.value(row).to_owned()).collect())));
        }
    }
    records.extend(output.rejects.iter().map(|reject| (reject.line, Err((reject.rule, reject.reason.clone())))));
    records.sort_by_key(|(line, _)| *line);
    records
}

/// Both ways read the same records up to the first whose quotes are broken; what such a quote swallows, each way tells for itself.
fn ways_agree(plain: &[Record], mut general: impl Iterator<Item = Row>) {
    for (line, record) in plain {
        let Some(row) = general.next() else { panic!("line {line} is no record to the tokeniser") };
        assert_eq!(*line, row.line, "line of {:?}", row.raw);
        match record {
            Ok(cells) => assert_eq!((cells, None), (&row.cells, row.wrong.as_ref()), "line {line}"),
            Err((rule::QUOTING | rule::UNCLOSED_QUOTE, reason)) => {
                assert!(row.wrong.is_some(), "line {line}: {reason}, and the tokeniser takes it");
                return;
            }
            Err((rule::RAGGED, reason)) => {
                let same = row.wrong.is_some() || reason == &format!("the record has {} cells, the header has 3", row.cells.len());
                assert!(same && (row.cells.len() != 3 || row.wrong.is_some()), "line {line}: {reason}, and the tokeniser has {} cells", row.cells.len());
                assert!(!row.wrong.is_some_and(|wrong| wrong.contains("quote")), "line {line}: {reason}");
            }
            Err((rule::HEADER, _)) => assert_eq!((row.cells, row.wrong), (["a", "b", "c"].map(str::to_owned).to_vec(), None), "line {line}"),
            Err((_, reason)) => assert!(row.wrong.is_some(), "line {line}: {reason}, and the tokeniser takes it"),
        }
    }
    assert_eq!(general.next(), None, "records of the tokeniser alone");
}

/// Records by the book, byte for byte: a newline outside of quotes ends one, an empty one is none.
fn plain_count(body: &[u8]) -> u64 {
    let (mut records, mut quotes, mut record) = (0, 0usize, Vec::new());
    for byte in body.iter().chain(b"\n") {
        quotes += usize::from(*byte == b'"');
        if *byte == b'\n' && quotes.is_multiple_of(2) {
            records += u64::from(!matches!(record[..], [] | [b'\r']));
            record.clear();
        } else {
            record.push(*byte);
        }
    }
    records + u64::from(!quotes.is_multiple_of(2))
}
