//! Which landed files of an export count: the newest of each period, and each content once where the channel file says so.
//!
//! The order of landing is the order of the records; nothing here knows the time.

use std::collections::{BTreeMap, BTreeSet};

use takings_definitions::{Channel, DuplicateContent, Export, Mode};
use takings_sources::LandingRecord;

/// The same bytes under a second path, where the channel file refuses that.
#[derive(Debug, Clone, Copy)]
pub struct Copy<'a> {
    pub record: &'a LandingRecord,
    pub first: &'a LandingRecord,
}

impl Copy<'_> {
    /// Why it is not read. Two files without rows may be the same: this is said of others alone.
    pub fn why(&self) -> String {
        let first = &self.first.source_path;
        format!("it has the same content as {first}, and the channel file says duplicate_content = \"refuse\"; remove one of them")
    }
}

/// The files that count, and the copies of those.
pub fn files<'a>(channel: &Channel, export: &Export, landed: &'a [LandingRecord]) -> (Vec<&'a LandingRecord>, Vec<Copy<'a>>) {
    let mut files: Vec<&LandingRecord> = landed.iter().filter(|record| record.export == export.landed_as()).collect();
    if export.mode == Mode::ReplacePeriod {
        files = newest(channel, export, files);
    }
    let mut copies = Vec::new();
    if export.duplicate_content == DuplicateContent::Refuse {
        let mut seen: BTreeMap<(&str, &str), &LandingRecord> = BTreeMap::new();
        files.retain(|record| match seen.get(&(record.instance.as_str(), record.sha256.as_str())) {
            Some(first) => {
                copies.push(Copy { record, first });
                false
            }
            None => {
                seen.insert((&record.instance, &record.sha256), record);
                true
            }
        });
    }
    (files, copies)
}

/// Of the files that all count, those which were read now and are the same to the byte as another one: their money may count twice.
pub fn copies(files: &[&LandingRecord], read_now: impl Fn(&LandingRecord) -> bool) -> Vec<String> {
    let mut by_content: BTreeMap<(&str, &str), Vec<&LandingRecord>> = BTreeMap::new();
    for record in files {
        by_content.entry((&record.instance, &record.sha256)).or_default().push(record);
    }
    let doubled = by_content.into_values().filter(|same| same.len() > 1 && same.iter().any(|record| read_now(record)));
    doubled
        .map(|same| {
            let paths: Vec<&str> = same.iter().map(|record| record.source_path.as_str()).collect();
            format!(
                "{} have the same content, and each counts; if one is a copy, remove it or name it in `ignore` of [instances.{}.{}]",
                paths.join(" and "),
                same[0].channel,
                same[0].instance
            )
        })
        .collect()
}

/// Of the files of an instance with the same period the newest: by the groups that `newest` names, then by path.
fn newest<'a>(channel: &Channel, export: &Export, files: Vec<&'a LandingRecord>) -> Vec<&'a LandingRecord> {
    // Parts of a file come and go with it.
    let whole = channel.export(export.landed_as()).unwrap_or(export);
    let path = whole.path.as_ref();
    let groups = |record: &LandingRecord, names: &[String]| -> Vec<String> {
        let found = path.and_then(|pattern| pattern.captures(&record.source_path));
        names.iter().map(|name| found.as_ref().and_then(|found| found.name(name)).map_or(String::new(), |group| group.as_str().to_owned())).collect()
    };
    // By instance and period.
    let mut best = BTreeMap::<(&str, Vec<String>), (Vec<String>, &LandingRecord)>::new();
    for record in &files {
        let period = (record.instance.as_str(), groups(record, &whole.period_key));
        let age = groups(record, &whole.newest);
        let newer = best.get(&period).is_none_or(|(known, other)| (known, &other.source_path) <= (&age, &record.source_path));
        if newer {
            best.insert(period, (age, *record));
        }
    }
    let kept: BTreeSet<&str> = best.values().map(|(_, record)| record.file_id.as_str()).collect();
    files.into_iter().filter(|record| kept.contains(record.file_id.as_str())).collect()
}
