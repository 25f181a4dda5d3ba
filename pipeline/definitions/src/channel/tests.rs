use std::path::Path;

use expect_test::{Expect, expect};

use super::*;

fn channel(exports: &str) -> Result<Channel> {
    Channel::parse(Path::new("c.toml"), &format!("version = 1\nchannel = \"c\"\ntitle = \"C\"\n{exports}"))
}

fn refused(exports: &str, expected: Expect) {
    expected.assert_eq(&channel(exports).unwrap_err().to_string());
}

const PLAIN: &str = "[[exports]]\nname = \"e\"\ntable = \"t\"\npath = '_(?<period>\\d{6})_.*csv$'\nmode = \"append\"\n";

#[test]
fn a_plain_export_stays_plain() {
    let exclude = "[[exports.exclude]]\nname = \"x\"\ncolumn = \"a\"\nequals = [\"1\"]\n";
    for (more, general) in
        [("", false), (exclude, false), ("[exports.text]\nquote = \"\"\n", true), ("[[exports.exclude]]\nname = \"x\"\nblank = true\n", true)]
    {
        assert_eq!(channel(&format!("{PLAIN}{more}")).unwrap().exports[0].is_general(), general, "{more}");
    }
}

#[test]
fn a_layout_overrides_key_by_key() {
    let text = format!(
        "{PLAIN}required = [\"a\"]\nnulls = [\"-\"]\n[exports.headers]\na = [\"A\"]\nb = [\"B\"]\n[exports.text]\ndelimiter = \";\"\nragged = \"pad\"\n
        [[exports.layouts]]\nname = \"old\"\nheader = {{ exact = [\"a\", \"b\"] }}\nheaders = {{ b = [\"Bee\"] }}\n
        [[exports.layouts]]\nname = \"new\"\nheader = {{ has = [\"c\"], lacks = [\"b\"] }}\nfile = {{ period = '^2026' }}\ntext = {{ ragged = \"fit\" }}\nnulls = [\"\"]\n"
    );
    let export = &channel(&text).unwrap().exports[0];
    let shown: Vec<_> =
        export.effective().map(|one| (one.header_names("a"), one.header_names("b"), one.text.ragged, one.text.delimiter, one.nulls.join(","))).collect();
    assert_eq!(shown[0], (vec!["A"], vec!["Bee"], Ragged::Pad, Delimiter::Byte(b';'), "-".into()));
    assert_eq!(shown[1], (vec!["A"], vec!["B"], Ragged::Fit, Delimiter::Byte(b';'), String::new()));
    assert_eq!(export.layouts[0].header, Some(HeaderRule::Exact(vec!["a".into(), "b".into()])));
    assert_eq!(export.layouts[1].file.keys().collect::<Vec<_>>(), ["period"]);
}

#[test]
fn an_export_has_its_parts() {
    let part = "[[exports]]\nname = \"fees\"\ntable = \"f\"\npart_of = \"e\"\nmode = \"append\"\n";
    let found = channel(&format!("{PLAIN}{part}")).unwrap();
    assert_eq!(found.family(&found.exports[1]).iter().map(|export| export.name.as_str()).collect::<Vec<_>>(), ["e", "fees"]);
    assert_eq!(found.recognise("x_202601_y.csv").len(), 1);
    refused(
        &format!("{PLAIN}{}", part.replace("\"e\"", "\"ee\"")),
        expect!["c.toml:12:11: export `fees`: part_of names `ee`, which is no export with a path; did you mean `e`?"],
    );
}

#[test]
fn a_mistake_is_told_with_its_place_and_the_nearest_right_key() {
    for (more, expected) in [
        ("[exports.frame]\nskip_line = 1\n", expect!["c.toml:10:1: unknown key `skip_line`; did you mean `skip_lines`?"]),
        (
            "[exports.frame]\nheader_row = 1\nheader = [\"a\"]\n",
            expect!["c.toml:9:1: export `e`: header_has, header_row and header each say where the header is; keep one of them"],
        ),
        ("[exports.frame.cells]\nperiod = \"1B\"\n", expect![[r#"c.toml:10:10: export `e`: "1B" is no cell; column letters and row, like "B1""#]]),
        (
            "[[exports.frame.trailer]]\nname = \"n\"\nline = '^Total (.*)$'\n",
            expect![[r#"c.toml:11:8: export `e`: the pattern "^Total (.*)$" captures no `value`; write (?<value>…) around what is meant"#]],
        ),
        (
            "[exports.frame.records]\ntypes = [\"A\"]\n",
            expect!["c.toml:9:1: export `e`: records of several types have no common header; name the cells of these types with `header`"],
        ),
        (
            "[exports.text]\nencoding = [\"utf-8\", \"windows-1253x\"]\n",
            expect![[r#"c.toml:10:22: export `e`: encoding "windows-1253x" is not known; did you mean `windows-1252`?"#]],
        ),
        (
            "[exports.text]\nencoding = [\"utf-16le\"]\nmixed = true\n",
            expect!["c.toml:11:9: export `e`: UTF-16LE can't be mixed with others: its characters have more than one byte"],
        ),
        ("[exports.text]\ndelimiter = \"::\"\n", expect![[r#"c.toml:10:13: export `e`: delimiter "::" is not one ASCII character"#]]),
        ("[exports.text]\nragged = \"pda\"\n", expect!["c.toml:10:10: unknown value `pda`; did you mean `pad`?"]),
        ("[exports.unpack]\nmembers = ['(']\n", expect![[r#"c.toml:10:12: export `e`: "(" is no regular expression: unclosed group"#]]),
        (
            "[exports.unpack]\nmax_bytes = \"2 gigs\"\n",
            expect![[r#"c.toml:10:13: export `e`: max_bytes "2 gigs" is no size; write for example "500MB" or "2GB""#]],
        ),
        (
            "[[exports.exclude]]\nname = \"x\"\ncolumn = \"a\"\n",
            expect![[
                r#"c.toml:9:1: export `e`: exclude rule `x` doesn't say what the cell has to be; write `column` with one of equals, matches and empty = true; or all = [conditions]; or blank = true; or where = "SQL""#
            ]],
        ),
        (
            "[[exports.exclude]]\nname = \"x\"\nblank = true\ncolumn = \"a\"\nempty = true\n",
            expect![[
                r#"c.toml:9:1: export `e`: exclude rule `x` names no column, or mixes two kinds of rule; write `column` with one of equals, matches and empty = true; or all = [conditions]; or blank = true; or where = "SQL""#
            ]],
        ),
        (
            "[[exports.checks]]\nname = \"x\"\nkind = \"summ\"\n",
            expect![[r#"c.toml:11:8: export `e`: check `x`: kind "summ" is not known; did you mean `sum`?"#]],
        ),
        (
            "[[exports.checks]]\nname = \"x\"\nkind = \"rows\"\nexpect = { trailer = \"Total\" }\n[[exports.frame.trailer]]\nname = \"Totals\"\nline = '^T (?<value>.*)$'\n",
            expect!["c.toml:12:22: export `e`: check `x`: the frame has no trailer `Total`; did you mean `Totals`?"],
        ),
        (
            "[[exports.checks]]\nname = \"x\"\nkind = \"rows\"\nby = [\"a\"]\nexpect = { trailer = \"T\" }\n[[exports.frame.trailer]]\nname = \"T\"\nline = '^T (?<value>.*)$'\n",
            expect!["c.toml:12:7: export `e`: check `x`: by `a` needs a trailer whose pattern captures `a` too; write (?<a>…) in the trailer's pattern"],
        ),
        ("[[exports.checks]]\nname = \"x\"\nkind = \"sum\"\ncolumn = \"a\"\n", expect!["c.toml:9:1: export `e`: check `x` doesn't say what to `expect`"]),
        (
            "[[exports.layouts]]\nname = \"x\"\nmode = \"append\"\n",
            expect!["c.toml:11:8: export `e`, layout `x`: `mode` can't differ between layouts; it belongs to the export"],
        ),
        (
            "[[exports.layouts]]\nname = \"x\"\nfile = { perod = '1' }\n",
            expect!["c.toml:11:18: export `e`, layout `x`: `perod` is no named group of the path; did you mean `period`?"],
        ),
        (
            "[[exports.layouts]]\nname = \"x\"\nheader = { has = [] }\n",
            expect![[r#"c.toml:11:10: export `e`, layout `x`: `header` must say what stands in it; { exact = ["…"] } or { has = ["…"], lacks = ["…"] }"#]],
        ),
        (
            "[[exports.layouts]]\nname = \"x\"\nframe = { end = \"blanc\" }\n",
            expect![[r#"c.toml:11:17: export `e`, layout `x`: end = "blanc" is not known; write end = "blank" or end = { first = '^Total' }"#]],
        ),
        ("period_key = [\"period\"]\n", expect![[r#"c.toml:9:14: export `e`: a period_key goes with mode = "replace_period""#]]),
        (
            "[exports.unpivot]\nheaders = '^R (?<value>.*)$'\nvalue = \"value\"\nname = \"n\"\n",
            expect!["c.toml:9:1: export `e`: unpivot gives two things the name `value`"],
        ),
    ] {
        refused(&format!("{PLAIN}{more}"), expected);
    }
}

#[test]
fn a_rule_of_several_conditions_and_a_check_of_a_trailer_are_told_when_wrong() {
    let exclude = |keys: &str| format!("{PLAIN}[[exports.exclude]]\nname = \"x\"\n{keys}\n");
    refused(&exclude("all = []"), expect!["c.toml:11:7: export `e`: `all` is an empty list"]);
    refused(
        &exclude("column = \"a\"\nall = [{ column = \"b\", is = \"empty\" }]"),
        expect![[
            r#"c.toml:9:1: export `e`: exclude rule `x` must be of exactly one kind; write `column` with one of equals, matches and empty = true; or all = [conditions]; or blank = true; or where = "SQL""#
        ]],
    );
    refused(
        &exclude("all = [{ column = \"b\", is = \"empty\" }, { column = \"c\" }]"),
        expect!["c.toml:11:40: export `e`: `all` needs one of `equals`, `matches` and `is`"],
    );
    let check = |keys: &str| format!("{PLAIN}[[exports.checks]]\nname = \"x\"\nkind = \"rows\"\nexpect = {{ constant = \"1\" }}\n{keys}\n");
    refused(&check("missing = \"stop\""), expect!["c.toml:9:1: export `e`: check `x` has `missing` or `several`, which only checks against a trailer have"]);
    refused(&check("several = \"sum\""), expect!["c.toml:9:1: export `e`: check `x` has `missing` or `several`, which only checks against a trailer have"]);
}
