use expect_test::expect;

use super::check_at;

const LAYOUTS: &str = r#"
path = '_(?<period>\d+)'
required = ["a"]
[[exports.layouts]]
name = "old"
header = { exact = ["a", "b"] }
[[exports.layouts]]
name = "new"
header = { has = ["a", "c"], lacks = ["b"] }
text = { delimiter = ";" }
[[exports.layouts]]
name = "newest"
file = { period = '^2027' }
"#;

#[test]
fn exactly_one_layout_fits() {
    check_at(
        "f_2026.csv",
        LAYOUTS,
        None,
        "A, b\n1,2\n",
        &expect![[r#"
        ==  (header 1)
           A|b
         2 1|2
    "#]],
    );
    check_at(
        "f_2026.csv",
        LAYOUTS,
        None,
        "a;c;d\n1;2;3\n",
        &expect![[r#"
        ==  (header 1)
           a|c|d
         2 1|2|3
    "#]],
    );
    check_at(
        "f_2027.csv",
        LAYOUTS,
        None,
        "a,x\n1,2\n",
        &expect![[r#"
        ==  (header 1)
           a|x
         2 1|2
    "#]],
    );
    check_at(
        "f_2027.csv",
        LAYOUTS,
        None,
        "a,b\n1,2\n",
        &expect![[r#"
        stopped: f_2027.csv: the header fits several layouts of export `e`: `old`, `newest`; make their `header` or `file` differ
    "#]],
    );
    check_at(
        "f_2026.csv",
        LAYOUTS,
        None,
        "b,a\n1,2\n",
        &expect![[r#"
        stopped: f_2026.csv:1: the header fits no layout of export `e`; the nearest is `old`: its columns stand in another order; if the channel has changed its export, add [[exports.layouts]] with this header
    "#]],
    );
    check_at(
        "f_2026.csv",
        LAYOUTS,
        None,
        "a,b,new one\n1,2,3\n",
        &expect![[r#"
        stopped: f_2026.csv:1: the header fits no layout of export `e`; the nearest is `old`: it has "new one" besides; if the channel has changed its export, add [[exports.layouts]] with this header
    "#]],
    );
    check_at(
        "f_2026.csv",
        LAYOUTS,
        None,
        "q\n1\n",
        &expect![[r#"
            stopped: f_2026.csv:1: the header fits no layout of export `e`; the nearest is `newest`: it lacks "a"; if the channel has changed its export, add [[exports.layouts]] with this header
        "#]],
    );
    check_at(
        "f_2026.csv",
        LAYOUTS,
        None,
        "",
        &expect![[r#"
        stopped: f_2026.csv: no line of it is the header of a layout of export `e` (old, new, newest); see whether it is empty or was cut off; else add [[exports.layouts]] with its `header`
    "#]],
    );
}

#[test]
fn a_header_that_one_layout_cannot_read_may_be_of_another() {
    let layouts = LAYOUTS.replace("text = { delimiter = \";\" }", "text = { delimiter = \"\\t\" }");
    check_at(
        "f_2026.csv",
        &layouts,
        None,
        "\"a\",\"b\"\n1,2\n",
        &expect![[r#"
        ==  (header 1)
           a|b
         2 1|2
    "#]],
    );
    check_at(
        "f_2026.csv",
        &layouts,
        None,
        "\"a\"x,\"b\"\n1,2\n",
        &expect![[r#"
        stopped: f_2026.csv:1: the header can't be read: cell 1 has a quote where none may stand: a quoted cell starts and ends with the quote, quotes inside are doubled; correct the file, or say its encoding and quotes in [exports.text]
    "#]],
    );
}

#[test]
fn a_layout_of_another_file_name_and_layouts_that_are_as_near_are_told() {
    let layouts = r#"
path = '^(?:.*(?<language>en-us|en-gb))?.*csv$'
[[exports.layouts]]
name = "de"
header = { has = ["Datum", "Brutto"] }
[[exports.layouts]]
name = "fr"
header = { has = ["Date", "Brut"] }
[[exports.layouts]]
name = "us"
header = { has = ["Date", "Gross"] }
file = { language = '^en-us$' }
[[exports.layouts]]
name = "gb"
header = { has = ["Date", "Gross"] }
file = { language = '^en-gb$' }
"#;
    check_at(
        "f.csv",
        layouts,
        None,
        "Date,Gross\n1,2\n",
        &expect![[r#"
        stopped: f.csv:1: the header is that of layout `us`, or `gb`, which is for files whose `language` is like "^en-us$"; this path has no `language`; give the file or its folder such a name, or change `file` of the layout
    "#]],
    );
    check_at(
        "en-gb/f.csv",
        layouts,
        None,
        "Date,Gross\n1,2\n",
        &expect![[r#"
        ==  (header 1)
           Date|Gross
         2 1|2
    "#]],
    );
    check_at(
        "f.csv",
        layouts,
        None,
        "Data,Gross\n1,2\n",
        &expect![[r#"
        stopped: f.csv:1: the header fits no layout of export `e`; as near are `us`: it lacks "Date"; `gb`: it lacks "Date"; if the channel has changed its export, add [[exports.layouts]] with this header
    "#]],
    );
    check_at(
        "f.csv",
        layouts,
        None,
        "Data,Lordo\n1,2\n",
        &expect![[r#"
        stopped: f.csv:1: the header fits no layout of export `e`; as near are `de`: it lacks "Datum", "Brutto"; `fr`: it lacks "Date", "Brut"; `us`: it lacks "Date", "Gross"; and 1 more are as near; if the channel has changed its export, add [[exports.layouts]] with this header
    "#]],
    );
}

#[test]
fn another_delimiter_is_told() {
    check_at(
        "f_2026.csv",
        LAYOUTS,
        None,
        "a;b\n1;2\n",
        &expect![[r#"
        stopped: f_2026.csv:1: the header fits no layout of export `e`; the nearest is `newest`: it lacks "a"; its header has them where it is cut at ';': the file was saved with another delimiter, most likely by a spreadsheet; ask for the file as it was exported, or say delimiter = ";"
    "#]],
    );
}
