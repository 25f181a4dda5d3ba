//! Numbers: the plain way against a reading by the digits, the general way against the plain one, and what is printed against what is read.

use std::sync::{Arc, LazyLock, Mutex, PoisonError};

use arrow::array::{Array, AsArray, RecordBatch};
use arrow::datatypes::{DataType, Decimal128Type, Int64Type};
use takings_decode::{Block, Chunk, Decoder, PartFacts, Typing};
use takings_definitions::is_blank;

use crate::flat::{Flat, decode};
use crate::read::{General, identity};

/// A type of number that both ways read alike, with or without a mark of thousands.
struct Kind {
    precision: usize,
    scale: usize,
    whole: bool,
    thousands: bool,
    plain: Decoder,
    general: Cells,
}

/// Columns of the general way, one text at a time.
struct Cells(Mutex<Typing>, Arc<PartFacts>);

static KINDS: LazyLock<Vec<Kind>> = LazyLock::new(|| {
    let kinds = [("int64", 19, 0), ("decimal(38,18)", 38, 18), ("decimal(12,4)", 12, 4), ("decimal(38,0)", 38, 0), ("decimal(18,18)", 18, 18)];
    let kind = |(at, (name, precision, scale)): (usize, &(&str, usize, usize))| {
        [false, true].map(|thousands| {
            let column = format!("{{ name = \"n\", type = \"{name}\" }}");
            let plain = format!("path = 'x'\nnulls = []\n{}", if thousands { "thousands = \",\"\n" } else { "" });
            let decoder = Flat::new(&plain, &column).decoder(b"n\n").expect("the header has the column");
            Kind {
                precision: *precision,
                scale: *scale,
                whole: at == 0,
                thousands,
                plain: decoder,
                general: Cells::new(&format!("{plain}decimal = \".\"\n"), &column),
            }
        })
    };
    kinds.iter().enumerate().flat_map(kind).collect()
});

/// The dialects that shops write, each with another mark of decimals, and whether its texts hold with the marks exchanged.
static DIALECTS: LazyLock<Vec<[Cells; 2]>> = LazyLock::new(|| {
    let forms = [
        "parentheses = true\ntrailing_minus = true\n",
        "percent = true\nexponent = true\n",
        "grouping = \"any\"\ntrailing_minus = true\nexponent = true\n",
        "currency_signs = true\nparentheses = true\ntrailing_minus = true\npercent = true\nexponent = true\n",
    ];
    let marks = [(".", ","), (",", ".")];
    let dialect = |form: &&str| {
        marks.map(|(decimal, thousands)| {
            let export = format!("path = 'x'\nnulls = []\ndecimal = \"{decimal}\"\nthousands = \"{thousands}\"\n{form}");
            Cells::new(&export, r#"{ name = "n", type = "decimal(38,9)", currency = "c" }, { name = "c", type = "text" }"#)
        })
    };
    forms.iter().map(dialect).collect()
});

/// How many of the dialects know no signs of currencies: those may have a point of their own.
const EXCHANGED: usize = 3;
const SCALE: usize = 9;

/// The first byte: a type or a dialect. Behind it the text of a cell.
pub fn numbers(bytes: &[u8]) -> bool {
    let Some((choice, text)) = bytes.split_first() else { return false };
    let choice = usize::from(*choice) % (KINDS.len() + DIALECTS.len());
    match KINDS.get(choice) {
        Some(kind) => kind.check(text),
        None => dialect(choice - KINDS.len(), &String::from_utf8_lossy(text)),
    }
}

impl Kind {
    fn check(&self, text: &[u8]) -> bool {
        let by_digits = self.by_digits(text);
        assert_eq!(self.plain(text), by_digits, "{:?} by its digits", String::from_utf8_lossy(text));
        let Ok(text) = std::str::from_utf8(text) else { return false };
        let general = self.general.read(&[text]);
        match (by_digits, general) {
            (Some(value), general) => assert_eq!(general, Some(value), "{text:?}, the general way"),
            // It takes off white space and knows more signs.
            (None, Some(value)) => {
                let printed = printed(value, self.scale, '.');
                assert_eq!(self.by_digits(printed.as_bytes()), Some(value), "{text:?}, the general way, printed {printed}");
            }
            (None, None) => {}
        }
        by_digits.is_some()
    }

    fn plain(&self, text: &[u8]) -> Option<i128> {
        let cell =
            [b"\"", text.iter().flat_map(|byte| if *byte == b'"' { vec![b'"'; 2] } else { vec![*byte] }).collect::<Vec<_>>().as_slice(), b"\"\n"].concat();
        let decoded = decode(&self.plain, &Chunk::new(cell, 2)).unwrap_or_else(|error| panic!("{error}"));
        assert_eq!(decoded.records, 1);
        number(&decoded.batch)
    }

    /// The value by the definition alone: sign, digits in groups or not, digits behind the point. No arithmetic.
    fn by_digits(&self, text: &[u8]) -> Option<i128> {
        let text = std::str::from_utf8(text).ok()?;
        let (sign, digits) = match text.as_bytes().first()? {
            b'-' => ("-", &text[1..]),
            b'+' => ("", &text[1..]),
            _ => ("", text),
        };
        let (whole, decimals) = match digits.split_once('.') {
            Some((_, "")) => return None,
            Some(parts) => parts,
            None if digits.is_empty() => return None,
            None => (digits, ""),
        };
        if self.whole && digits.contains('.') {
            return None;
        }
        let mut groups = whole.split(',');
        let first = groups.next().unwrap_or_default();
        let rest: Vec<&str> = groups.collect();
        let grouped = !rest.is_empty();
        if grouped && (self.whole || !self.thousands || !(1..=3).contains(&first.len()) || rest.iter().any(|group| group.len() != 3)) {
            return None;
        }
        // No thousands begin with a zero.
        if grouped && first.starts_with('0') {
            return None;
        }
        let whole = whole.replace(',', "");
        let decimals_used = decimals.trim_end_matches('0');
        if !whole.bytes().chain(decimals.bytes()).all(|byte| byte.is_ascii_digit()) || decimals_used.len() > self.scale {
            return None;
        }
        let digits = format!("{whole}{decimals_used:0<width$}", width = self.scale);
        let digits = digits.trim_start_matches('0');
        if digits.len() > self.precision {
            return None;
        }
        let value: i128 = if digits.is_empty() { 0 } else { format!("{sign}{digits}").parse().ok()? };
        if self.whole && i64::try_from(value).is_err() { None } else { Some(value) }
    }
}

/// What a dialect reads it also prints, and with its marks exchanged it is the other dialect.
fn dialect(at: usize, text: &str) -> bool {
    let [point, comma] = &DIALECTS[at];
    let exchanged: String = text
        .chars()
        .map(|mark| {
            if mark == '.' {
                ','
            } else if mark == ',' {
                '.'
            } else {
                mark
            }
        })
        .collect();
    let read = |cells: &Cells, text: &str| cells.read(&[text, "EUR"]);
    let found = read(point, text);
    if at < EXCHANGED {
        assert_eq!(found, read(comma, &exchanged), "{text:?} and {exchanged:?}");
    }
    for (cells, mark, found) in [(point, '.', found), (comma, ',', read(comma, text))] {
        let Some(value) = found else { continue };
        let printed = printed(value, SCALE, mark);
        assert_eq!(read(cells, &printed), Some(value), "{text:?} printed {printed}");
        assert_eq!(read(cells, &format!("-{}", printed.trim_start_matches('-'))), Some(-value.abs()), "{text:?} printed {printed}, negative");
    }
    found.is_some()
}

impl Cells {
    fn new(export: &str, columns: &str) -> Self {
        let general = General::new(export, columns);
        let header: Vec<String> = if columns.contains("\"c\"") { vec!["n".to_owned(), "c".to_owned()] } else { vec!["n".to_owned()] };
        let facts = Arc::new(PartFacts { header_line: 1, header, ..PartFacts::default() });
        let values = Arc::clone(&general.reader().layouts()[0].values);
        Self(Mutex::new(Typing::new(values, identity("sale.csv"), Arc::clone(&facts)).expect("the header has the columns")), facts)
    }

    fn read(&self, cells: &[&str]) -> Option<i128> {
        let mut block = Block::new(Arc::clone(&self.1));
        block.push(2, &cells.join(","), cells.iter().copied());
        let typed = self.0.lock().unwrap_or_else(PoisonError::into_inner).decode(&block).unwrap_or_else(|error| panic!("{error}"));
        assert_eq!(typed.batch.num_rows() + typed.rejects.len(), 1);
        // An empty cell is no number, whatever `nulls` says.
        let is_null = typed.batch.column_by_name("n").is_some_and(|array| array.null_count() > 0);
        if is_null && cells[0].chars().all(is_blank) { None } else { number(&typed.batch) }
    }
}

/// The one number of a batch; None: its record was refused.
fn number(batch: &RecordBatch) -> Option<i128> {
    let array = batch.column_by_name("n").filter(|array| array.len() == 1)?;
    assert!(array.is_valid(0), "a text that is no null has no value");
    Some(match array.data_type() {
        DataType::Int64 => i128::from(array.as_primitive::<Int64Type>().value(0)),
        _ => array.as_primitive::<Decimal128Type>().value(0),
    })
}

fn printed(value: i128, scale: usize, mark: char) -> String {
    let digits = format!("{:0>width$}", value.unsigned_abs(), width = scale + 1);
    let (whole, decimals) = digits.split_at(digits.len() - scale);
    let sign = if value < 0 { "-" } else { "" };
    if decimals.is_empty() { format!("{sign}{whole}") } else { format!("{sign}{whole}{mark}{decimals}") }
}
