//! Any bytes: no panic, no hang, no record that is neither published nor told of.

use super::books::{rows, xls, xlsx};
use super::{family, gzip, shown, text_of, utf16, zip};

const EXPORTS: [&str; 8] = [
    "path = 'f'\n[exports.text]\nragged = \"fit\"\n",
    "path = 'f'\n[exports.text]\nquote = \"\"\nescape = \"\\\\\"\ndelimiter = \"\\t\"\ncomment = '#'\n",
    "path = 'f'\n[exports.text]\nencoding = [\"utf-8\", \"windows-1252\"]\nmixed = true\n",
    "path = 'f'\n[exports.text]\nencoding = [\"utf-8\", \"shift_jis\"]\n[exports.frame]\nheader_has = [\"a\"]\nend = \"blank\"\n",
    "path = 'f'\n[exports.frame.parent]\nparent_when = { column = \"#1\", is = \"filled\" }\ninherit = [\"#1\"]\n[[exports.exclude]]\nname = \"blank\"\nblank = true\n",
    "path = 'f'\n[exports.unpivot]\nheaders = '.'\nvalue = \"v\"\nname = \"n\"\n",
    "path = 'f'\n[exports.frame]\nheader = [\"t\", \"b\"]\n[exports.frame.records]\ntypes = [\"1\", \"a\", \"\"]\nignore = [\"b\", \"c\"]\n[exports.columns.x]\ntrailer = \"t\"\n[[exports.frame.trailer]]\nname = \"t\"\nline = '(?<value>x)'\noptional = true\n",
    "path = 'f'\n[[exports.frame.sections]]\nname = \"a\"\ntitle = 'a'\n[[exports.frame.sections]]\nname = \"b\"\ntitle = 'b'\nignore = true\n",
];

/// The next of a row of numbers that only looks like chance.
struct Dice(u64);

impl Dice {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    fn below(&mut self, limit: usize) -> usize {
        (self.next() % limit as u64) as usize
    }
}

fn accounts_hold(bytes: &[u8]) {
    for export in EXPORTS {
        let (shown, read) = shown(&family(export, None), "f", bytes);
        if read.is_ok() {
            assert_eq!(shown.records, shown.published + shown.rejected + shown.excluded.values().sum::<u64>(), "{export}{bytes:?}");
        }
    }
}

fn samples() -> Vec<Vec<u8>> {
    let text = b"a,b,Currency\n1,\"x \"\"y\"\"\",USD\r\n2,z,EUR\n\n\"3\n4\",,\nTotal,3,x\n";
    let sheet = rows(&[&["a", "b"], &["1", "x"], &["2"]]);
    vec![
        text.to_vec(),
        utf16("a\tb\n1\t2\n"),
        gzip(text),
        zip(&[("x.csv", text), ("y.csv", &gzip(text))]),
        xlsx(&[("S", &sheet)], &["<t>a</t>"]),
        xls(&[(0x00FC, [&1u32.to_le_bytes()[..], &1u32.to_le_bytes(), &[1, 0, 0], b"a"].concat())], &[(0x00FD, vec![0; 10])]),
        super::books::ods(
            "<table:table table:name=\"S\"><table:table-row table:number-rows-repeated=\"3\"><table:table-cell office:value-type=\"float\" office:value=\"1\"/></table:table-row></table:table>",
        ),
    ]
}

#[test]
fn garbage_is_published_or_told_of() {
    let mut dice = Dice(0x5eed);
    for _ in 0..2000 {
        let alphabet = b"ab,\t;\"\\\n\r#x1\0\xFF\xE9";
        let length = dice.below(60);
        let bytes: Vec<u8> = (0..length).map(|_| alphabet[dice.below(alphabet.len())]).collect();
        accounts_hold(&bytes);
    }
}

#[test]
fn damaged_files_are_published_or_told_of() {
    let mut dice = Dice(0xfee1);
    for sample in samples() {
        accounts_hold(&sample);
        for _ in 0..150 {
            let mut bytes = sample.clone();
            for _ in 0..=dice.below(4) {
                let at = dice.below(bytes.len());
                match dice.below(4) {
                    0 => bytes[at] = dice.next().to_le_bytes()[0],
                    1 => bytes[at] ^= 1 << dice.below(8),
                    2 => bytes.truncate(at.max(1)),
                    _ => bytes.extend_from_within(at..),
                }
            }
            accounts_hold(&bytes);
        }
    }
}

#[test]
fn bombs_are_stopped() {
    let plain = family("path = 'f'\n[exports.unpack]\nmax_bytes = \"5MB\"\n", None);
    let stopped = |bytes: &[u8]| text_of(&plain, "f", bytes).lines().last().unwrap_or_default().to_owned();
    let rows = [b"a\n".to_vec(), b"1234567890\n".repeat(1 << 20)].concat();
    assert!(stopped(&gzip(&rows)).ends_with("f unpacks to more than 5000000 bytes; if the file is right, raise max_bytes in [exports.unpack]"));
    assert!(stopped(&zip(&[("a.csv", &rows)])).ends_with("f unpacks to more than 5000000 bytes; if the file is right, raise max_bytes in [exports.unpack]"));
    let lines = vec![b'\n'; 4_500_000];
    assert!(stopped(&gzip(&lines)).ends_with("f unpacks to more than 200 times its size; if the file is right, raise max_ratio in [exports.unpack]"));
    assert!(stopped(&zip(&[("a.csv", &lines)])).contains("f has a member \"a.csv\" that unpacks to more than 200 times its size"));
    // Half a file.
    let half = gzip(b"a\n1\n2\n3\n");
    assert!(stopped(&half[..half.len() - 9]).contains("f can't be read: "), "{}", stopped(&half[..half.len() - 9]));
    // A member that says it is smaller than it is.
    let mut lying = zip(&[("a.csv", b"a\n1\n2\n3\n4\n5\n6\n")]);
    let directory = lying.windows(4).rposition(|window| window == b"PK\x01\x02").unwrap();
    lying[directory + 24] = 4;
    assert!(stopped(&lying).ends_with("f!a.csv is damaged: it is longer than the archive says; ask for the file again"), "{}", stopped(&lying));
    let mut broken = zip(&[("a.csv", b"a\n1\n2\n3\n4\n5\n6\n")]);
    let directory = broken.windows(4).rposition(|window| window == b"PK\x01\x02").unwrap();
    broken[directory + 16] ^= 1;
    assert!(stopped(&broken).ends_with("f!a.csv is damaged: its checksum is wrong; ask for the file again"), "{}", stopped(&broken));
}

/// Little that would become much: repeats, references and rows made of one record.
#[test]
fn what_would_grow_beyond_the_memory_is_stopped() {
    let plain = family(EXPORTS[0], None);
    let stopped = |bytes: &[u8]| text_of(&plain, "f", bytes).lines().last().unwrap_or_default().to_owned();
    let table = |rows: &str| super::books::ods(&format!("<table:table table:name=\"S\">{rows}</table:table>"));
    let text = "x".repeat(1 << 20);
    let cell = |times: u32| {
        format!("<table:table-row><table:table-cell table:number-columns-repeated=\"{times}\"><text:p>{text}</text:p></table:table-cell></table:table-row>")
    };
    assert!(stopped(&table(&cell(4_000_000))).contains("row 1: column 4000000 is beyond the 16384 of a sheet"));
    assert!(stopped(&table(&cell(17))).contains("row 1: the row is longer than 16777216 bytes"));
    let spaces = "<text:s text:c=\"65536\"/>".repeat(257);
    let spaces = format!("<table:table-row><table:table-cell><text:p>{spaces}</text:p></table:table-cell></table:table-row>");
    assert!(stopped(&table(&spaces)).contains("a cell of the workbook is longer than 16777216 bytes"));
    let cells = "<c t=\"s\"><v>0</v></c>".repeat(17);
    let shared = xlsx(&[("S", &format!("<row r=\"1\">{cells}</row>"))], &[&format!("<t>{text}</t>")]);
    assert!(stopped(&shared).contains("row 1: the row is longer than 16777216 bytes"));
    let unpivot = family("path = 'f'\n[exports.unpivot]\nheaders = '^[0-9]'\nvalue = \"v\"\nname = \"n\"\n", None);
    let names: Vec<String> = (0..100).map(|at| at.to_string()).collect();
    let file = format!("a,{}\n{text},{}\n", names.join(","), names.join(","));
    let stopped = text_of(&unpivot, "f", file.as_bytes());
    assert!(
        stopped.ends_with(
            "stopped: f:2: the 100 rows that unpivot makes of the record come to more than 67108864 bytes; make the pattern in [exports.unpivot] narrower\n"
        ),
        "{stopped}"
    );
}

#[test]
fn rows_are_numbered_within_limits() {
    let plain = family(EXPORTS[0], None);
    let stopped = |bytes: &[u8]| text_of(&plain, "f", bytes).lines().last().unwrap_or_default().to_owned();
    let row = |number: u64| xlsx(&[("S", &format!("<row r=\"{number}\"><c t=\"str\"><v>a</v></c></row><row><c t=\"str\"><v>1</v></c></row>"))], &[]);
    assert!(stopped(&row(u64::MAX)).contains("the workbook is damaged: a row has no number"));
    assert!(stopped(&row(1 << 32)).contains("a row has no number"));
    assert!(stopped(&row((1 << 32) - 1)).contains("a row is beyond the 4294967295 that a sheet may have"));
    let far = format!(
        "<table:table table:name=\"S\"><table:table-row table:number-rows-repeated=\"{}\"/><table:table-row><table:table-cell><text:p>a</text:p></table:table-cell></table:table-row></table:table>",
        u64::MAX
    );
    assert!(stopped(&super::books::ods(&far)).contains("a row is beyond the 4294967295 that a sheet may have"));
}

#[test]
fn sheets_of_one_name_are_none() {
    let sheet = rows(&[&["a"], &["1"]]);
    let stopped = text_of(&family(EXPORTS[0], None), "f", &xlsx(&[("S", &sheet), ("S", &sheet)], &[]));
    assert!(stopped.contains("the workbook is damaged: two of its sheets are named \"S\""), "{stopped}");
}

#[test]
fn a_million_columns_are_no_table() {
    let wide = family(EXPORTS[0], None);
    let stopped = text_of(&wide, "f", ",".repeat(1_000_000).as_bytes());
    assert_eq!(
        stopped,
        "stopped: f:1: the record has 1000001 cells, more than the 16384 that a table may have; look whether the delimiter in [exports.text] is that of the file\n"
    );
}

#[test]
fn an_endless_record_stops_the_file() {
    let open = family(EXPORTS[0], None);
    let mut bytes = b"a\n\"".to_vec();
    bytes.resize(40 << 20, b'x');
    let stopped = text_of(&open, "f", &bytes);
    assert!(stopped.contains("stopped: f:2: the record is longer than 16777216 bytes; most likely a quote is opened and not closed"), "{stopped}");
}

#[test]
fn many_nuls_are_rejects() {
    let (shown, read) = shown(&family(EXPORTS[0], None), "f", &[b"a\n".to_vec(), b"\0\n".repeat(1000)].concat());
    assert!(read.is_ok());
    assert_eq!((shown.records, shown.rejected), (1000, 1000));
}
