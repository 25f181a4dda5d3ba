//! Where a table ends, and which of its records are none.

use expect_test::expect;

use super::check;

#[test]
fn the_table_ends() {
    check(
        "[exports.frame]\nend = \"blank\"",
        "a,b\n1,2\n,\nBank: X,\nPaid 3,\n",
        &expect![[r#"
            ==  (header 1)
               a|b
             2 1|2
            note: f_2026.csv: 2 lines at and behind the end of the table are left out, the first is line 4
        "#]],
    );
    check(
        "[exports.frame]\nend = { first = '^Total' }",
        "a,b\n1,2\nTotal,2\n",
        &expect![[r#"
            ==  (header 1)
               a|b
             2 1|2
            note: f_2026.csv: 1 lines at and behind the end of the table are left out, the first is line 3
        "#]],
    );
}

#[test]
fn a_blank_line_below_the_header_ends_no_table() {
    let end = "[exports.frame]\nend = \"blank\"";
    check(
        end,
        "\na,b\n\n1,2\n3,4\n\n2 results\n",
        &expect![[r#"
        ==  (header 2)
           a|b
         4 1|2
         5 3|4
        note: f_2026.csv: 1 lines at and behind the end of the table are left out, the first is line 7
    "#]],
    );
    check(
        end,
        "a,b\n,\n1,2\n",
        &expect![[r#"
        ==  (header 1)
           a|b
         3 1|2
    "#]],
    );
    // A month without sales.
    check(
        end,
        "a,b\n\n0 results\nMember: x,\n",
        &expect![[r#"
        ==  (header 1)
           a|b
        note: f_2026.csv: 2 lines at and behind the end of the table are left out, the first is line 3
    "#]],
    );
}

#[test]
fn a_header_that_comes_again_is_no_record() {
    check(
        "[exports.text]\nragged = \"refuse\"",
        "a,b\n1,2\n\u{feff}a, b\n3,4\n",
        &expect![[r#"
        ==  (header 1)
           a|b
         3 ! header: is the header again: two exports stand in one file, or pages of one
         2 1|2
         4 3|4
    "#]],
    );
    let rule = "[[exports.exclude]]\nname = \"pages\"\ncolumn = \"a\"\nequals = [\"a\"]\n";
    check(
        rule,
        "a,b\n1,2\na,b\n3,4\n",
        &expect![[r#"
        ==  (header 1)
           a|b
         2 1|2
         4 3|4
        excluded 1 by pages
    "#]],
    );
    check(
        "[exports.text]\nragged = \"refuse\"",
        "a\na\n",
        &expect![[r#"
        ==  (header 1)
           a
         2 a
    "#]],
    );
}

#[test]
fn records_are_left_out_by_name() {
    let rules = "[[exports.exclude]]\nname = \"totals\"\ncolumn = \"Store\"\nmatches = '^Total'\n[[exports.exclude]]\nname = \"empty\"\nblank = true\n[[exports.exclude]]\nname = \"no_day\"\ncolumn = \"day\"\nempty = true\n[exports.headers]\nday = [\"Date\"]\n";
    check(
        rules,
        "Store,Date\nA,1\nTotal EU,2\n,\nB, \n\nC,3\n",
        &expect![[r#"
        ==  (header 1)
           Store|Date
         2 A|1
         7 C|3
        excluded 1 by empty
        excluded 1 by no_day
        excluded 1 by totals
    "#]],
    );
    let all = "[[exports.exclude]]\nname = \"totals\"\nall = [{ column = \"Store\", equals = \"Total\" }, { column = \"day\", is = \"empty\" }]\n[exports.headers]\nday = [\"Date\"]\n";
    check(
        all,
        "Date,Store,Amount\n,Total,9\n2026-01-01,Total,3\n,Other,2\n,Total\n",
        &expect![[r#"
        ==  (header 1)
           Date|Store|Amount
         3 2026-01-01|Total|3
         4 |Other|2
        excluded 2 by totals
    "#]],
    );
    check(
        "[[exports.exclude]]\nname = \"totals\"\ncolumn = \"Stoer\"\nempty = true\n",
        "Store,Date\nA,1\n",
        &expect![[r#"
        stopped: f_2026.csv:1: exclude rule `totals` looks at "Stoer", which the header lacks (nearest: "Store"); correct the name in the channel file
    "#]],
    );
}
