//! Bytes of a text → how it is written: encoding, delimiter, quotes. It must not know what the cells mean.

use std::collections::BTreeSet;

use chardetng::{EncodingDetector, Iso2022JpDetection, Utf8Detection};
use encoding_rs::{Encoding, UTF_8, UTF_16BE, UTF_16LE};
use takings_decode::general::{Row, text_records};
use takings_definitions::{Delimiter, LastLine, Ragged, TextForm};

use crate::grid::filled;

/// Records looked at to tell delimiters apart.
const TRIED: usize = 400;

/// How a text is written.
#[derive(Debug, Clone)]
pub(crate) struct TextGuess {
    pub encoding: &'static Encoding,
    /// The file says it itself.
    pub marked: bool,
    /// The user said it.
    pub said: bool,
    pub delimiter: u8,
    pub sep_line: bool,
    pub quoting: Quoting,
    /// The mark of lines that are none, and these lines.
    pub comment: Option<String>,
    pub comments: Vec<String>,
}

/// What quotes are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Quoting {
    Strict,
    /// Those inside of a cell are text.
    Loose,
    None,
}

impl TextGuess {
    pub fn form(&self) -> TextForm {
        form(self.encoding, self.delimiter, self.quoting, self.comment.clone())
    }
}

fn form(encoding: &'static Encoding, delimiter: u8, quoting: Quoting, comment: Option<String>) -> TextForm {
    TextForm {
        encodings: vec![encoding],
        mixed: false,
        delimiter: Delimiter::Byte(delimiter),
        quote: (quoting != Quoting::None).then_some(b'"'),
        escape: None,
        loose_quotes: quoting == Quoting::Loose,
        line_end: None,
        last_line: LastLine::Open,
        strip: vec!['\0', '\u{ad}', '\u{feff}', '\u{200b}'],
        strip_cells: Vec::new(),
        ragged: Ragged::Refuse,
        comment,
        sep_line: true,
    }
}

/// How the bytes are written, and their records.
pub(crate) fn guess(name: &str, bytes: &[u8], limit: usize, said: Option<&'static Encoding>) -> takings_decode::Result<(TextGuess, Vec<Row>)> {
    let (guessed, marked) = encoding(bytes);
    let said = said.filter(|_| !marked);
    let (encoding, said) = (said.unwrap_or(guessed), said.is_some());
    let (text, _, _) = encoding.decode(&bytes[..bytes.len().min(1 << 20)]);
    let first = text.trim_start_matches('\u{feff}').lines().next().unwrap_or_default().to_owned();
    let sep = first.strip_prefix("sep=").and_then(|rest| rest.trim_end().bytes().next());
    let comments = comments(&text);
    let comment = (!comments.is_empty()).then(|| "#".to_owned());
    let candidates: Vec<u8> = sep.map_or_else(|| vec![b',', b'\t', b';', b'|'], |byte| vec![byte]);
    let mut best: Option<(u64, TextGuess)> = None;
    for delimiter in candidates {
        for quoting in [Quoting::Strict, Quoting::Loose, Quoting::None] {
            let guess = TextGuess { encoding, marked, said, delimiter, sep_line: sep.is_some(), quoting, comment: comment.clone(), comments: comments.clone() };
            let rows = text_records(name, bytes, &guess.form(), TRIED)?;
            let score = score(&rows);
            if best.as_ref().is_none_or(|(known, _)| score > *known) {
                best = Some((score, guess));
            }
            // Quotes that keep to the rule are quotes.
            if quoting == Quoting::Strict && !rows.iter().any(is_broken) {
                break;
            }
        }
    }
    let comma = TextGuess { encoding, marked, said, delimiter: b',', sep_line: false, quoting: Quoting::Strict, comment, comments };
    let guess = best.filter(|(score, _)| *score > 0).map_or(comma, |(_, guess)| guess);
    let rows = text_records(name, bytes, &guess.form(), limit)?;
    Ok((guess, rows))
}

/// A line of one cell alone is none of a table, whatever quotes it has.
fn is_broken(row: &Row) -> bool {
    row.wrong.is_some() && filled(row) > 1
}

/// Many records of the same width, and wide ones; a record that breaks the form weighs against it.
fn score(rows: &[Row]) -> u64 {
    let widths: Vec<usize> = rows.iter().filter(|row| row.wrong.is_none() && row.cells.len() > 1).map(|row| row.cells.len()).collect();
    let width = widths.iter().copied().max_by_key(|width| (widths.iter().filter(|other| *other == width).count(), *width)).unwrap_or(0);
    let same = widths.iter().filter(|other| **other == width).count() as u64;
    let wrong = rows.iter().filter(|row| is_broken(row)).count() as u64;
    let all = rows.iter().filter(|row| !row.cells.is_empty()).count().max(1) as u64;
    same.saturating_sub(10 * wrong) * same * 1000 / all * (width.saturating_sub(1) as u64)
}

fn encoding(bytes: &[u8]) -> (&'static Encoding, bool) {
    if let Some((encoding, _)) = Encoding::for_bom(bytes) {
        return (encoding, true);
    }
    let head = &bytes[..bytes.len().min(4096)];
    let zeros = |parity: usize| head.iter().skip(parity).step_by(2).filter(|byte| **byte == 0).count();
    let half = head.len() / 2;
    if half > 8 && zeros(1) * 10 > half * 7 {
        return (UTF_16LE, false);
    }
    if half > 8 && zeros(0) * 10 > half * 7 {
        return (UTF_16BE, false);
    }
    // A character may be cut off at the end of the sample.
    let whole = std::str::from_utf8(bytes).map_or_else(|error| error.error_len().is_none() && bytes.len() > 8, |_| true);
    if whole {
        return (UTF_8, false);
    }
    let mut detector = EncodingDetector::new(Iso2022JpDetection::Deny);
    detector.feed(bytes, false);
    (detector.guess(None, Utf8Detection::Deny), false)
}

/// Lines that begin with `#` among others that don't; none, where one of them may be a header or a row.
fn comments(text: &str) -> Vec<String> {
    let lines: Vec<&str> = text.lines().filter(|line| !line.trim().is_empty()).collect();
    let marked: Vec<&str> = lines.iter().copied().filter(|line| line.starts_with('#')).collect();
    let begin = lines.iter().take_while(|line| line.starts_with('#')).count();
    let cells = |line: &str| [',', '\t', ';', '|'].iter().map(|mark| line.matches(*mark).count()).max().unwrap_or(0);
    let header = begin == 1 && marked.len() == 1 && lines.len() > 1 && cells(lines[0]) > 0;
    let width = lines.iter().filter(|line| !line.starts_with('#')).map(|line| cells(line)).min().unwrap_or(0);
    // `#AS01` names the cells of lines that begin with `AS01`.
    let kinds: BTreeSet<&str> = lines.iter().map(|line| first_cell(line)).filter(|cell| !cell.starts_with('#')).collect();
    let names_kinds = marked.iter().filter(|line| kinds.contains(&first_cell(line)[1..])).count() > 1;
    let row = !names_kinds && marked[begin..].iter().any(|line| cells(line) >= width.max(1));
    if header || row || marked.len() * 2 >= lines.len() { Vec::new() } else { marked.into_iter().map(str::to_owned).collect() }
}

fn first_cell(line: &str) -> &str {
    line.split([',', '\t', ';', '|']).next().unwrap_or(line)
}

#[cfg(test)]
mod tests {
    use encoding_rs::{SHIFT_JIS, WINDOWS_1251};

    use super::*;

    fn shown(bytes: &[u8]) -> String {
        let (guess, rows) = guess("x", bytes, 100, None).unwrap();
        format!("{} {:?} {:?} {}", guess.encoding.name(), char::from(guess.delimiter), guess.quoting, rows[0].cells.len())
    }

    #[test]
    fn what_may_be_a_row_is_no_comment() {
        assert_eq!(comments("# made, by hand\n# for us\na,b\n1,2\n3,4\n5,6\n# end\n"), ["# made, by hand", "# for us", "# end"]);
        assert_eq!(comments("order,amount\n#1001,1\n1002,2\n1003,3\n1004,4\n"), Vec::<String>::new());
        let typed = "HEAD\tx\n#HEAD\tName\n#SU03\tId\tUnits\n#FOOT\tLines\nSU03\t1\t2\nSU03\t2\t2\nSU03\t3\t2\nFOOT\t5\n";
        assert_eq!(comments(typed).len(), 3);
        assert_eq!(comments("#,title\n1,x\n2,y\n"), Vec::<String>::new());
    }

    #[test]
    fn texts_are_told_by_what_they_hold() {
        assert_eq!(shown(b"a,b\n1,2\n"), "UTF-8 ',' Strict 2");
        assert_eq!(shown(&SHIFT_JIS.encode("日付,商品名,売上\n2026/02/01,夏の果物のかご,1200\n").0), "Shift_JIS ',' Strict 3");
        assert_eq!(shown(&WINDOWS_1251.encode("дата;название;сумма\n01.02.2026;Летние фрукты;12,00\n").0), "windows-1251 ';' Strict 3");
        assert_eq!(shown(b"Land;Titel;Erl\xf6s\nDE;K\xf6nig der \xc4pfel;1,20\n"), "windows-1252 ';' Strict 3");
        assert_eq!(shown(b"a;b;c\n1,5;2,5;3,5\n2,5;3,5;4,5\n"), "UTF-8 ';' Strict 3");
        assert_eq!(shown(b"a\tb\n5\" disc\t2,1\n"), "UTF-8 '\\t' Loose 2");
        assert_eq!(shown(b"a\tb\tc\n\"A\" 1\t2\t3\n\"B\" 2\t3\t4\n"), "UTF-8 '\\t' None 3");
        assert_eq!(shown(b"a;b\nthe \"A\" of;\"1,5\"\nB;\"2,5\"\n"), "UTF-8 ';' Loose 2");
        // Wider without quotes, but the quotes keep to the rule.
        assert_eq!(shown(b"id,names,x\n1,\"A, B\",2\n2,\"C, D\",3\n3,\"E, F\",4\n"), "UTF-8 ',' Strict 3");
        assert_eq!(shown(b"a,b,\n1,\"1,234\",\n,,\n,\"1,234\" EUR,\n"), "UTF-8 ',' Strict 3");
        assert_eq!(shown(b"sep=|\na|b\n1|2\n"), "UTF-8 '|' Strict 2");
        assert_eq!(shown(b"a,b\ncaf\xE9,2\n"), "windows-1252 ',' Strict 2");
        let wide: Vec<u8> = "name,amount\nTide,2.50\n".encode_utf16().flat_map(u16::to_le_bytes).collect();
        assert_eq!(shown(&wide), "UTF-16LE ',' Strict 2");
        assert_eq!(guess("x", b"", 100, None).unwrap().1, []);
    }
}
