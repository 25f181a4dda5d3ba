//! Channel files: any text is refused with its place, or means the same each time; what is accepted can be compiled and read with.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use takings_decode::Layout;
use takings_definitions::{Channel, Export, Table};

use crate::flat::Flat;
use crate::read::General;

/// A channel file, and behind a NUL a file for its exports.
pub fn channel(bytes: &[u8]) -> bool {
    let mut parts = bytes.splitn(2, |byte| *byte == 0);
    let Ok(text) = std::str::from_utf8(parts.next().unwrap_or_default()) else { return false };
    let file = parts.next().unwrap_or(b"a,b,c\n1,2.50,x\n");
    let path = Path::new("config/channels/c.toml");
    let channel = match Channel::parse(path, text) {
        Err(error) => {
            let again = Channel::parse(path, text).map_or_else(|error| error.to_string(), |_| String::new());
            assert_eq!(error.to_string(), again, "another error");
            named(&again, text);
            return false;
        }
        Ok(channel) => channel,
    };
    let again = Channel::parse(path, &channel.text).unwrap_or_else(|error| panic!("accepted, and then refused: {error}"));
    assert_eq!(format!("{channel:?}"), format!("{again:?}"), "another channel");
    for export in &channel.exports {
        read(&channel, export, file);
    }
    !channel.exports.is_empty()
}

/// The message names the file, and the line and column of a place that is there.
fn named(message: &str, text: &str) {
    let place = message.strip_prefix("config/channels/c.toml:").unwrap_or_else(|| panic!("no file in {message}"));
    let mut numbers = place.split(':').map_while(|number| number.parse::<usize>().ok());
    let (Some(line), Some(column)) = (numbers.next(), numbers.next()) else { panic!("no place in {message}") };
    assert!((1..=text.split('\n').count()).contains(&line) && column >= 1, "no such place: {message}");
}

/// With contracts that have the columns which the export names.
fn read(channel: &Channel, export: &Export, file: &[u8]) {
    for numbers in [false, true] {
        let Some(table) = contract(export, numbers) else { return };
        if !export.is_general() {
            if let Ok(layout) = Layout::new(export, &table) {
                let read = Flat::of(Arc::new(layout)).read(file, 8);
                assert!(read.as_ref().map_or_else(takings_decode::Error::is_data, |_| true), "{read:?}");
            }
            continue;
        }
        if let Ok(general) = General::of(channel, export, &table) {
            let path = "2026/a_2026-02_1.csv";
            let first = general.read(path, file).map(|(outcome, _)| outcome);
            let second = general.read(path, file).map(|(outcome, _)| outcome);
            assert_eq!(first, second, "two readings");
        }
    }
}

fn contract(export: &Export, numbers: bool) -> Option<Table> {
    let names = export.headers.keys().chain(export.columns.keys()).chain(&export.required).map(String::as_str);
    let mut columns: BTreeMap<&str, &str> =
        names.filter(|name| !name.starts_with('_')).map(|name| (name, if numbers { "decimal(38,18)" } else { "text" })).collect();
    for (name, kind) in [("a", "text"), ("b", "decimal(20,4)"), ("c", "date"), ("d", "bool"), ("e", "int64"), ("f", "timestamp")] {
        columns.insert(name, kind);
    }
    let columns: String = columns.iter().map(|(name, kind)| format!("  {{ name = {name:?}, type = \"{kind}\" }},\n")).collect();
    let text = format!(
        "table = {:?}\nlayer = \"raw\"\ndescription = \"d\"\ngrain = \"g\"\nknown_at = \"always\"\nparts = true\ncolumns = [\n{columns}]\n",
        export.table
    );
    Table::parse(Path::new("t.toml"), &text).ok()
}
