//! DDEX sales reports by the shipped channel file: each record of a file is read by one of its exports, or told of.

use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use takings_decode::general::text_records;
use takings_definitions::{Channel, Table, TextForm};

use crate::pack::is_packed;
use crate::read::General;

const NAME: &str = "DSR_PADPIDA0000000001R_PADPIDA0000000002S_TideVod_2026-02_US_1of1_20260310T101500.tsv";

struct Dsrf {
    form: TextForm,
    exports: Vec<General>,
}

static DSRF: LazyLock<Dsrf> = LazyLock::new(|| {
    let channel = shipped_channel("ddex_dsrf");
    let whole = channel.recognise(NAME);
    assert_eq!(whole.len(), 1, "exports that know {NAME}");
    let exports = channel.family(whole[0]).into_iter().map(|export| {
        let table = shipped_table(&export.table);
        General::of(&channel, export, &table).unwrap_or_else(|error| panic!("{error}"))
    });
    Dsrf { form: whole[0].text.clone(), exports: exports.collect() }
});

/// A file.
pub fn dsrf(file: &[u8]) -> bool {
    let read: Vec<_> = DSRF.exports.iter().map(|export| export.read_once(NAME, file)).collect();
    let Ok(outcomes) = read.into_iter().collect::<Result<Vec<_>, _>>() else { return false };
    if is_packed(file) {
        return outcomes.iter().any(|(outcome, _)| outcome.published > 0);
    }
    let rows = text_records(NAME, file, &DSRF.form, usize::MAX).unwrap_or_else(|error| panic!("{error}"));
    let trailer = |raw: &str| raw.strip_prefix("FOOT\t").or_else(|| raw.strip_prefix("SRFO\t")).is_some_and(|lines| lines.starts_with(char::is_numeric));
    let records = rows.iter().filter(|row| !row.cells.is_empty() && !trailer(&row.raw)).count() as u64;
    assert_eq!(outcomes.iter().map(|(outcome, _)| outcome.records).sum::<u64>(), records, "records of all exports");
    outcomes.iter().any(|(outcome, _)| outcome.published > 0)
}

/// A channel file as it is shipped.
pub(crate) fn shipped_channel(name: &str) -> Channel {
    let path = config().join(format!("channels/{name}.toml"));
    Channel::parse(&path, &text(&path)).unwrap_or_else(|error| panic!("{error}"))
}

fn shipped_table(name: &str) -> Table {
    let path = config().join(format!("tables/{name}.toml"));
    Table::parse(&path, &text(&path)).unwrap_or_else(|error| panic!("{error}"))
}

/// Where the tests run may be another place than where they were built.
fn config() -> PathBuf {
    let package = std::env::var_os("CARGO_MANIFEST_DIR").filter(|package| Path::new(package).join("../../config").is_dir());
    Path::new(&package.unwrap_or_else(|| env!("CARGO_MANIFEST_DIR").into())).join("../../config")
}

fn text(path: &Path) -> String {
    std::fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}
