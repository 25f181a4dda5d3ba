use expect_test::expect;

use super::{check, utf16};

#[test]
fn quotes_line_breaks_and_blank_lines() {
    check(
        "[exports.text]\nragged = \"refuse\"",
        "\u{feff}a,b\r\n1,\"x, \"\"y\"\"\"\r\n\r\n\"two\nlines\",3\r\n5\" disk,6\n\"q\"r,7\n8\n9,10,\n\"open,1\n",
        &expect![[r#"
            ==  (header 1)
               a|b
             6 ! quoting: cell 1 has a quote where none may stand: a quoted cell starts and ends with the quote, quotes inside are doubled: "5\" disk"
             7 ! quoting: cell 1 has a quote where none may stand: a quoted cell starts and ends with the quote, quotes inside are doubled: "\"q\"r"
             8 ! ragged: the record has 1 cells, the header has 2
             9 ! ragged: the record has 3 cells, the header has 2
            10 ! unclosed_quote: a quote is opened and the file ends without the one that closes it
             2 1|x, "y"
             4 two\nlines|3
        "#]],
    );
}

#[test]
fn lone_carriage_returns_end_lines() {
    check(
        "[exports.text]\nragged = \"refuse\"",
        "a,b\r1,2\r\"3\r4\",5\r6,7",
        &expect![[r#"
        ==  (header 1)
           a|b
         2 1|2
         3 3\r4|5
         5 6|7
    "#]],
    );
}

#[test]
fn no_quoting_and_an_escape() {
    let text = "[exports.text]\nquote = \"\"\nescape = \"\\\\\"\ndelimiter = \"\\t\"\ncomment = \"#\"";
    check(
        text,
        "# comment \"\na\tb\n5\" disk\ty\\\tz\\\\\n# another\n1\t2\\",
        &expect![[r#"
        ==  (header 2)
           a|b
         3 5" disk|y	z\
         5 1|2\
    "#]],
    );
}

#[test]
fn an_escape_inside_of_quotes() {
    check(
        "[exports.text]\nescape = \"\\\\\"",
        "a,b\n\"say \\\"hi\\\"\",2\n\"a\"\"b\",\\,\n",
        &expect![[r#"
        ==  (header 1)
           a|b
         2 say "hi"|2
         3 a"b|,
    "#]],
    );
}

#[test]
fn a_separator_line_gives_the_delimiter() {
    check(
        "[exports.text]\ndelimiter = \"auto\"",
        "sep=;\r\na;b\r\n1;2\r\n",
        &expect![[r#"
        ==  (header 2)
           a|b
         3 1|2
    "#]],
    );
    check(
        "[exports.text]\ndelimiter = \"auto\"",
        "a;b\n1;2\n",
        &expect![[r#"
        stopped: f_2026.csv:1: the file doesn't begin with a `sep=` line, and the delimiter is to be taken from there; say the delimiter in [exports.text]
    "#]],
    );
    check(
        "[exports.text]\nsep_line = false",
        "sep=,\na\n",
        &expect![[r#"
        ==  (header 1)
           sep=|#2
         2 ! ragged: the record has 1 cells, the header has 2
    "#]],
    );
}

#[test]
fn records_of_another_width() {
    for ragged in ["refuse", "pad", "trim", "fit"] {
        let expected = match ragged {
            "refuse" => expect![[r#"
                ==  (header 1)
                   a|b|#3
                 3 ! ragged: the record has 2 cells, the header has 3
                 4 ! ragged: the record has 5 cells, the header has 3
                 5 ! ragged: the record has 4 cells, the header has 3
                 2 1|2|
            "#]],
            "pad" => expect![[r#"
                ==  (header 1)
                   a|b|#3
                 4 ! ragged: the record has 5 cells, the header has 3
                 5 ! ragged: the record has 4 cells, the header has 3
                 2 1|2|
                 3 3|4|
            "#]],
            "trim" => expect![[r#"
                ==  (header 1)
                   a|b
                 5 ! ragged: the record has 4 cells, the header has 2
                 2 1|2
                 3 3|4
                 4 5|6
            "#]],
            _ => expect![[r#"
                ==  (header 1)
                   a|b
                 5 ! ragged: the record has 4 cells, the header has 2
                 2 1|2
                 3 3|4
                 4 5|6
            "#]],
        };
        check(&format!("[exports.text]\nragged = \"{ragged}\""), "a,b,\n1,2,\n3,4\n5,6,,, \n7,8,9,10\n", &expected);
    }
}

#[test]
fn headers_are_cleaned_and_unique() {
    check(
        "[exports.text]\nragged = \"refuse\"",
        "\u{200b}Day , Cur\u{ad}rency,Amount,Currency,\n1,EUR,2,USD,x\n",
        &expect![[r#"
        ==  (header 1)
           Day|Currency|Amount|Currency#2|#5
         2 1|EUR|2|USD|x
    "#]],
    );
}

#[test]
fn encodings() {
    check(
        "[exports.text]\ndelimiter = \"\\t\"",
        utf16("dáy\tname\n1\tŁódź\n2\t\"a\tb\"\n"),
        &expect![[r#"
        ==  (header 1)
           dáy|name
         2 1|Łódź
         3 2|a	b
    "#]],
    );
    // ISO-8859-1 where no UTF-8 can be read; the order decides.
    check(
        "[exports.text]\nencoding = [\"utf-8\", \"iso-8859-1\"]",
        b"name\nBeyonc\xE9\n",
        &expect![[r#"
        ==  (header 1)
           name
         2 Beyoncé
    "#]],
    );
    check(
        "[exports.text]\nencoding = [\"utf-8\", \"iso-8859-1\"]",
        "name\nBeyoncé\n",
        &expect![[r#"
        ==  (header 1)
           name
         2 Beyoncé
    "#]],
    );
    // Without a mark UTF-16 would read any even number of bytes.
    check(
        "[exports.text]\nencoding = [\"utf-8\", \"utf-16le\", \"iso-8859-1\"]",
        b"name\nBeyonc\xE9\n\n",
        &expect![[r#"
        ==  (header 1)
           name
         2 Beyoncé
    "#]],
    );
    check(
        "[exports.text]\nencoding = [\"utf-8\", \"utf-16le\", \"iso-8859-1\"]",
        "name\nBeyonc\u{e9}\n".encode_utf16().flat_map(u16::to_le_bytes).collect::<Vec<u8>>(),
        &expect![[r#"
        ==  (header 1)
           name
         2 Beyoncé
    "#]],
    );
    check(
        "[exports.text]\nragged = \"refuse\"",
        b"name,x\nBeyonc\xE9,1\nb,2\n",
        &expect![[r#"
        ==  (header 1)
           name|x
         2 ! utf8: cell 1 can't be read as UTF-8 text: "Beyonc�"
         3 b|2
    "#]],
    );
    check(
        "[exports.text]\nencoding = [\"utf-8\", \"windows-1252\"]\nmixed = true",
        b"name,x\nBeyonc\xE9,\xC5\x81\nb,2\n",
        &expect![[r#"
        ==  (header 1)
           name|x
         2 Beyoncé|Ł
         3 b|2
    "#]],
    );
    check(
        "[exports.text]\nencoding = \"shift_jis\"\ndelimiter = \"|\"",
        b"name|x\n\x83\x5c|1\n\x83\n",
        &expect![[r#"
        ==  (header 1)
           name|x
         3 ! utf8: cell 1 can't be read as Shift_JIS text: "�"
         2 ソ|1
    "#]],
    );
    check(
        "[exports.text]\nragged = \"refuse\"",
        b"a,b\n1,\0\n2,3\n",
        &expect![[r#"
        ==  (header 1)
           a|b
         2 ! nul: cell 2 holds a NUL byte: "\0"
         3 2|3
    "#]],
    );
    check(
        "[exports.text]\nragged = \"refuse\"",
        b"a,\xFFb\n1,2\n",
        &expect![[r#"
        stopped: f_2026.csv:1: the header can't be read: cell 2 can't be read as UTF-8 text; correct the file, or say its encoding and quotes in [exports.text]
    "#]],
    );
}

#[test]
fn an_empty_text_has_no_header() {
    check(
        "[exports.text]\nragged = \"refuse\"",
        "",
        &expect![[r#"
        stopped: f_2026.csv: the part has no header; a part without rows has the header alone; if there are other lines before it, say so in [exports.frame]
    "#]],
    );
    check(
        "[exports.text]\nragged = \"refuse\"",
        "\n\n",
        &expect![[r#"
        stopped: f_2026.csv: the part has no header; a part without rows has the header alone; if there are other lines before it, say so in [exports.frame]
    "#]],
    );
    check(
        "[exports.text]\nragged = \"refuse\"",
        "a,b",
        &expect![[r#"
        ==  (header 1)
           a|b
    "#]],
    );
}

#[test]
fn a_last_line_that_is_cut_off() {
    let text = "[exports.text]\nlast_line = \"ended\"\ncomment = \"#\"";
    check(
        text,
        "a,b\n1,2\n3,4",
        &expect![[r#"
        ==  (header 1)
           a|b
        stopped: f_2026.csv:3: the last line, "3,4", has no line end: the file was cut off in it; ask for the file again; where the exporter does not end its last line, take `last_line` out of [exports.text]
    "#]],
    );
    check(
        text,
        "a,b\r\n1,2\r\n3,4\r",
        &expect![[r#"
        ==  (header 1)
           a|b
        stopped: f_2026.csv:3: the last line, "3,4\r", has no line end: the file was cut off in it; ask for the file again; where the exporter does not end its last line, take `last_line` out of [exports.text]
    "#]],
    );
    check(
        text,
        "a,b\n1,2\n3,\"4",
        &expect![[r#"
        ==  (header 1)
           a|b
        stopped: f_2026.csv:3: the last line, "3,\"4", has no line end: the file was cut off in it; ask for the file again; where the exporter does not end its last line, take `last_line` out of [exports.text]
    "#]],
    );
    check(
        text,
        "a,b\n1,2\n# no",
        &expect![[r##"
        ==  (header 1)
           a|b
        stopped: f_2026.csv:3: the last line, "# no", has no line end: the file was cut off in it; ask for the file again; where the exporter does not end its last line, take `last_line` out of [exports.text]
    "##]],
    );
    check(
        text,
        "a,",
        &expect![[r#"
        stopped: f_2026.csv:1: the last line, "a,", has no line end: the file was cut off in it; ask for the file again; where the exporter does not end its last line, take `last_line` out of [exports.text]
    "#]],
    );
    check(
        text,
        "a,b\n1,2\n3,4\n",
        &expect![[r#"
        ==  (header 1)
           a|b
         2 1|2
         3 3|4
    "#]],
    );
    check(
        text,
        "a,b\r1,2\r3,4\r",
        &expect![[r#"
        ==  (header 1)
           a|b
         2 1|2
         3 3|4
    "#]],
    );
    check(
        text,
        "a,b\n1,2\n# end\n",
        &expect![[r#"
        ==  (header 1)
           a|b
         2 1|2
    "#]],
    );
    // The default takes it as it stands.
    check(
        "[exports.text]\nquote = \"\"",
        "a,b\n1,2\n3,4",
        &expect![[r#"
        ==  (header 1)
           a|b
         2 1|2
         3 3|4
    "#]],
    );
    check(
        "[exports.text]\nlast_line = \"ended\"\nline_end = \"~\"",
        "a,b~\n1,2~\n3,4~\n",
        &expect![[r#"
        ==  (header 1)
           a|b
         2 1|2
         3 3|4
    "#]],
    );
    check(
        "[exports.text]\nlast_line = \"ended\"\nline_end = \"~\"",
        "a,b~\n1,2~\n3,4\n",
        &expect![[r#"
        ==  (header 1)
           a|b
        stopped: f_2026.csv:3: the last line, "3,4\n", has no line end: the file was cut off in it; ask for the file again; where the exporter does not end its last line, take `last_line` out of [exports.text]
    "#]],
    );
}

#[test]
fn characters_that_are_taken_out_of_cells() {
    let bytes = "a,b\0\n1\0,2\nx\u{ad}y,\0\n";
    check(
        "[exports.text]\nstrip_cells = [\"\\u0000\", \"\\u00AD\"]",
        bytes,
        &expect![[r#"
        ==  (header 1)
           a|b
         2 1|2
         3 xy|
    "#]],
    );
    check(
        "[exports.text]\nstrip_cells = [\"\\u00AD\"]",
        bytes,
        &expect![[r#"
        ==  (header 1)
           a|b
         2 ! nul: cell 1 holds a NUL byte: "1\0"
         3 ! nul: cell 2 holds a NUL byte: "\0"
    "#]],
    );
}
