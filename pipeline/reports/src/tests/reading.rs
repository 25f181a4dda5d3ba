//! Report file → sections and rows, for every file the writer makes; and what is refused.

use expect_test::{Expect, expect};
use takings_definitions::Report;

use super::{batch, report, texts, write};
use crate::read_report;

const NASTY: [&str; 14] =
    ["", "a,b", "\"", "\"\"", "line\nbreak", "\n", "\n\n", "cr\rlf\r\n", "Two", "\nTwo\n", "  x  ", "ünï\u{0}", "'=x", "Two\nX,Y\n\"\n\n"];

#[test]
fn nasty_cells_survive() {
    for titles in [["One", "Two"], ["a,\"b\"", "Two\n\nX,Y"], ["", ""]] {
        for columns in ["{ header = \"X\" }", "{ header = \"X\" }, { header = \"Y\" }"] {
            let report = report(&[("one", titles[0], columns), ("two", titles[1], columns)]);
            let x: Vec<_> = NASTY.iter().flat_map(|cell| NASTY.map(|_| Some(*cell))).collect();
            let y: Vec<_> = NASTY.iter().flat_map(|_| NASTY.map(Some)).collect();
            let rows = batch(vec![("x", texts(&x)), ("y", texts(&y))]);
            for lengths in [[x.len(), x.len()], [0, x.len()], [x.len(), 0], [0, 0]] {
                let made = write(&report, false, &[vec![rows.slice(0, lengths[0])], vec![rows.slice(0, lengths[1])]]).unwrap();
                let read = read_report(&made.file, &report).unwrap();
                for (section, length) in read.iter().zip(lengths) {
                    let expected: Vec<Vec<String>> = x
                        .iter()
                        .zip(&y)
                        .take(length)
                        .map(|(x, y)| [*x, *y].into_iter().flatten().take(section.header.len()).map(str::to_owned).collect())
                        .collect();
                    assert_eq!(section.rows, expected);
                }
                assert_eq!(read.iter().map(|section| section.name.as_str()).collect::<Vec<_>>(), ["one", "two"]);
            }
        }
    }
}

#[test]
fn one_section_survives_without_a_title() {
    let report = report(&[("one", "One", "{ header = \"X\" }")]);
    let made = write(&report, false, &[vec![batch(vec![("x", texts(&[None, Some("One"), Some("-1"), None]))])]]).unwrap();
    let read = read_report(&made.file, &report).unwrap();
    assert_eq!(
        (read[0].header.as_slice(), &read[0].rows),
        (["X".to_owned()].as_slice(), &vec![vec![String::new()], vec!["One".to_owned()], vec!["'-1".to_owned()], vec![String::new()]])
    );
}

#[test]
fn a_file_that_was_cut_off_is_refused_or_ends_with_a_row() {
    let columns = "{ header = \"X\" }";
    let report = report(&[("one", "One", columns), ("two", "Two", columns)]);
    let rows = batch(vec![("x", texts(&NASTY.map(Some)))]);
    let whole = write(&report, false, &[vec![rows.clone()], vec![rows]]).unwrap().file;
    let read = read_report(&whole, &report).unwrap();
    let mut accepted = 0;
    for end in (0..whole.len()).filter(|end| whole.is_char_boundary(*end)) {
        if let Ok(sections) = read_report(&whole[..end], &report) {
            assert_eq!(sections[0], read[0]);
            assert_eq!(sections[1].rows, read[1].rows[..sections[1].rows.len()]);
            accepted += 1;
        }
    }
    assert_eq!(accepted, NASTY.len(), "after the header and after each row but the last");
}

fn check(report: &Report, text: &str, expected: Expect) {
    let outcome = match read_report(text, report) {
        Ok(sections) => format!("{} sections", sections.len()),
        Err(error) => {
            assert!(error.is_data());
            error.to_string().split("; ").next().unwrap_or_default().to_owned()
        }
    };
    expected.assert_eq(&outcome);
}

#[test]
fn an_edited_file_is_refused() {
    let two = report(&[("one", "One", "{ header = \"X\" }, { header = \"Y\" }"), ("two", "Two", "{ header = \"X\" }")]);
    check(&two, "One\nX,Y\na,b\n\nTwo\nX\nc\n", expect!["2 sections"]);
    check(&two, "One\nX,Y\n\"a\n\",b\nc\n\nTwo\nX\nc\n", expect!["report fees, line 5: a row of section one has 1 cells where its header has 2"]);
    check(&two, "Eins\nX,Y\na,b\n\nTwo\nX\nc\n", expect![[r#"report fees, line 1: not the title of section one, but "Eins""#]]);
    check(&two, "One\nX\na\n\nTwo\nX\nc\n", expect![[r#"report fees, line 2: not the header of section one, but "X""#]]);
    check(&two, "One\nX,Y\na,b\nTwo\nX\nc\n", expect!["report fees, line 4: a row of section one has 1 cells where its header has 2"]);
    check(&two, "One\nX,Y\na,b\n", expect!["report fees, line 4: exactly one empty line must follow here, before or in section two"]);
    check(&two, "One\nX,Y\na,b\n\n", expect!["report fees, line 5: the file ends before the title of section two"]);
    check(&two, "One\nX,Y\na,b\n\n\nTwo\nX\nc\n", expect!["report fees, line 3: exactly one empty line must follow here, before or in section two"]);
    check(&two, "One\n\nX,Y\na,b\n\nTwo\nX\nc\n", expect!["report fees, line 1: no empty line may follow here, before or in section one"]);
    check(&two, "\nOne\nX,Y\na,b\n\nTwo\nX\nc\n", expect!["report fees, line 1: no empty line may follow here, before or in section one"]);
    check(&two, "One\nX,Y\na,b\n\nTwo\nX\nc\n\n", expect!["report fees, line 7: more lines after the last section"]);
    check(&two, "One\nX,Y\na,b\n\nTwo\nX\nc\n\nThree\n", expect!["report fees, line 7: more lines after the last section"]);
    check(&two, "One\r\nX,Y\r\na,b\r\n\r\nTwo\r\nX\r\nc\r\n", expect![[r#"report fees, line 1: not the title of section one, but "One\r""#]]);
    check(&two, "", expect!["report fees, line 1: the file's end is cut off"]);
    assert!(read_report("Y\n", &report(&[("one", "One", "{ header = \"X\" }")])).unwrap_err().to_string().contains("SHA-256"));
}
