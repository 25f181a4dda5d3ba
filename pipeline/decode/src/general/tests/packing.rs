use expect_test::expect;

use super::{check, check_at, gzip, zip};

const MEMBERS: &str = "path = '(?<year>\\d+)'\n[exports.unpack]\nmembers = ['^data_\\d+\\.csv$']\nignore = ['^summary/']\n";

#[test]
fn packings_are_told_by_their_first_bytes() {
    check(
        "[exports.unpack]\nmembers = ['x']\n",
        "a\n1\n",
        &expect![[r#"
        ==  (header 1)
           a
         2 1
    "#]],
    );
    check(
        "[exports.unpack]\nmembers = ['x']\n",
        gzip(b"a\n1\n"),
        &expect![[r#"
        ==  (header 1)
           a
         2 1
    "#]],
    );
    check(
        MEMBERS,
        zip(&[("data_1.csv", b"a\n1\n"), ("summary/x.txt", b"no table"), ("data_2.csv", b"a\n2\n")]),
        &expect![[r#"
        == data_1.csv (header 1)
           a
         2 1
        == data_2.csv (header 1)
           a
         2 2
        ignored summary/x.txt
    "#]],
    );
    check(
        MEMBERS,
        zip(&[("data_1.csv", &gzip(b"a\n1\n"))]),
        &expect![[r#"
        == data_1.csv (header 1)
           a
         2 1
    "#]],
    );
    check(
        MEMBERS,
        gzip(&zip(&[("data_1.csv", b"a\n1\n")])),
        &expect![[r#"
        == data_1.csv (header 1)
           a
         2 1
    "#]],
    );
    check(
        MEMBERS,
        zip(&[("data_1.csv", b"a\n1\n"), ("other.csv", b"b\n2\n")]),
        &expect![[r#"
        stopped: f_2026.csv: the archive's member "other.csv" is neither read nor ignored; add it to `members` or `ignore` in [exports.unpack]
    "#]],
    );
    check(
        MEMBERS,
        zip(&[("summary/x.txt", b"no table")]),
        &expect![[r#"
        stopped: f_2026.csv: no part of the file is read by export `e`; look at `members`, `sheets` and `ignore` in [exports.unpack]
    "#]],
    );
    check(
        MEMBERS,
        gzip(&gzip(&gzip(b"a\n"))),
        &expect![[r#"
        stopped: f_2026.csv is packed more than 2 times; unpack it and hand in what is inside
    "#]],
    );
    check(
        MEMBERS,
        b"%PDF-1.4 x",
        &expect![[r#"
        stopped: f_2026.csv is a PDF document; text, gzip, zip and workbooks (xlsx, xls, ods) can be read: hand it in as one of these
    "#]],
    );
}

const TWO: &str = r#"
path = '(?<year>\d+)'
[exports.unpack]
members = ['^table']
[[exports.checks]]
name = "views"
kind = "sum"
column = "views"
expect = { part = "totals.csv", column = "Views", row = 1 }
[[exports]]
name = "totals"
table = "f"
mode = "append"
part_of = "e"
[exports.unpack]
members = ['^totals']
"#;

#[test]
fn members_are_read_by_their_exports() {
    let file = zip(&[("table.csv", b"views\n1\n2\n"), ("totals.csv", b"Views,x\n3,y\n")]);
    check_at(
        "f_2026.zip",
        TWO,
        None,
        &file,
        &expect![[r#"
        == table.csv (header 1)
           views
         2 1
         3 2
        asked totals.csv Views 1 = 3
    "#]],
    );
    check_at(
        "f_2026.zip",
        TWO,
        Some("totals"),
        &file,
        &expect![[r#"
        == totals.csv (header 1)
           Views|x
         2 3|y
    "#]],
    );
    let both = TWO.replace("['^totals']", "['^t']");
    check_at(
        "f_2026.zip",
        &both,
        Some("totals"),
        &file,
        &expect![[r#"
        stopped: f_2026.zip: part "table.csv" is read by the exports e and totals, and nothing tells what is whose; give them `members`, `sheets`, sections or record types
    "#]],
    );
}

#[test]
fn zeros_may_stand_behind_a_gzip() {
    let members = [gzip(b"a\n1\n"), gzip(b""), gzip(b"2\n")].concat();
    check(
        "[exports.unpack]\nmax_ratio = 200\n",
        &members,
        &expect![[r#"
        ==  (header 1)
           a
         2 1
         3 2
    "#]],
    );
    check(
        "[exports.unpack]\nmax_ratio = 200\n",
        [members.clone(), vec![0; 100_000]].concat(),
        &expect![[r#"
        ==  (header 1)
           a
         2 1
         3 2
    "#]],
    );
    check(
        "[exports.unpack]\nmax_ratio = 200\n",
        [members.clone(), vec![0; 100_000], gzip(b"3\n")].concat(),
        &expect![[r#"
        stopped: f_2026.csv can't be read: other bytes stand behind the zeros at the end of its gzip; if the file is damaged, ask for it again
    "#]],
    );
    check(
        "[exports.unpack]\nmax_ratio = 200\n",
        [members.clone(), b"3\n".to_vec()].concat(),
        &expect![[r#"
        stopped: f_2026.csv can't be read: unexpected end of file; if the file is damaged, ask for it again
    "#]],
    );
    // Cut off in its last member.
    check(
        "[exports.unpack]\nmax_ratio = 200\n",
        &members[..members.len() - 4],
        &expect![[r#"
        stopped: f_2026.csv can't be read: unexpected end of file; if the file is damaged, ask for it again
    "#]],
    );
}
