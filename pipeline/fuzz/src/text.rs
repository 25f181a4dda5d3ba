//! Texts of the general way: encodings, quotes and escapes, frames, parents, record types, sections, unpivot.

use std::sync::LazyLock;

use crate::read::General;

/// Columns that the exports below fill; what else a header has is left out.
const COLUMNS: &str = r#"
    { name = "a", type = "text" },
    { name = "b", type = "decimal(20,4)", currency = "currency" },
    { name = "currency", type = "text" },
    { name = "v", type = "text" },
"#;

const EXPORTS: [&str; 10] = [
    "[exports.text]\nragged = \"fit\"\n",
    "[exports.text]\nquote = \"\"\nescape = '\\'\ndelimiter = \"\\t\"\ncomment = '#'\n",
    "[exports.text]\nescape = '\\'\nquote = \"'\"\ndelimiter = \"auto\"\n",
    "[exports.text]\nencoding = [\"utf-8\", \"windows-1252\"]\nmixed = true\n",
    "[exports.text]\nencoding = [\"utf-8\", \"shift_jis\"]\n[exports.frame]\nheader_has = [\"a\"]\nend = \"blank\"\n",
    "[exports.frame.parent]\nparent_when = { column = \"#1\", is = \"filled\" }\ninherit = [\"#1\"]\n[[exports.exclude]]\nname = \"blank\"\nblank = true\n",
    "[exports.unpivot]\nheaders = '^[bv]'\nvalue = \"v\"\nname = \"n\"\n",
    "[exports.frame]\nheader = [\"t\", \"b\"]\n[exports.frame.records]\ntypes = [\"1\", \"a\", \"\"]\nignore = [\"b\", \"c\"]\n[exports.columns.v]\ntrailer = \"t\"\n[[exports.frame.trailer]]\nname = \"t\"\nline = '(?<value>x)'\noptional = true\n",
    "[[exports.frame.sections]]\nname = \"a\"\ntitle = 'a'\n[[exports.frame.sections]]\nname = \"b\"\ntitle = 'b'\nignore = true\n",
    "[exports.frame]\nskip_lines = 1\nheader_row = 3\n[exports.columns.a]\nfill = \"down\"\n[exports.columns.v]\njoin = [\"{a}\", \"-\", \"{b}\"]\n",
];

static READERS: LazyLock<Vec<General>> =
    LazyLock::new(|| EXPORTS.iter().map(|export| General::new(&format!("path = 'x'\nunknown_columns = \"warn\"\n{export}"), COLUMNS)).collect());

/// The first byte: an export. Behind it a file.
pub fn text(bytes: &[u8]) -> bool {
    let Some((choice, file)) = bytes.split_first() else { return false };
    let read = READERS[usize::from(*choice) % READERS.len()].read("x.txt", file);
    read.is_ok_and(|(outcome, _)| outcome.published > 0)
}
