//! Where a report's files stand, as paths below the store.

use chrono::NaiveDate;
use takings_definitions::Report;

/// The paths of one report for one instance and tick.
///
/// The first revision has the report's own file name; a restatement stands beside it as `<stem>.r2.csv`, `<stem>.r3.csv` …
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Layout {
    folder: String,
    data_sets: String,
    stem: String,
    /// With its point.
    extension: String,
    date: NaiveDate,
}

impl Layout {
    /// `several`: whether the report's channel has more than one instance; then each has folders of its own. `date` is the tick's.
    pub fn new(report: &Report, instance: &str, several: bool, date: NaiveDate) -> Self {
        let of_instance = if several { format!("{instance}/") } else { String::new() };
        let file = report.file.replace("{tick}", &date.to_string());
        let point = file.rfind('.').unwrap_or(file.len());
        Self {
            folder: format!("reports/{}/{of_instance}", report.name),
            data_sets: format!("datasets/{of_instance}"),
            stem: file[..point].to_owned(),
            extension: file[point..].to_owned(),
            date,
        }
    }

    /// The folder of the report's files, with a `/` at its end.
    pub fn folder(&self) -> &str {
        &self.folder
    }

    /// What the paths of all its files begin with, of all revisions.
    pub fn beginning(&self) -> String {
        format!("{}{}", self.folder, self.stem)
    }

    /// The report file's name.
    pub fn file(&self, revision: u32) -> String {
        format!("{}{}{}", self.stem, suffix(revision), self.extension)
    }

    pub fn report_path(&self, revision: u32) -> String {
        format!("{}{}", self.folder, self.file(revision))
    }

    pub fn manifest_path(&self, revision: u32) -> String {
        format!("{}.manifest.json", self.report_path(revision))
    }

    /// Which revision's manifest stands at a path; `None` for everything else.
    pub fn revision_of_manifest(&self, path: &str) -> Option<u32> {
        let revision = path.strip_prefix(&self.folder)?.strip_prefix(&self.stem)?.strip_suffix(".manifest.json")?.strip_suffix(&self.extension)?;
        if revision.is_empty() {
            return Some(1);
        }
        let revision: u32 = revision.strip_prefix(".r")?.parse().ok()?;
        (revision > 1 && self.manifest_path(revision) == path).then_some(revision)
    }

    /// The file that says which revision of a restated tick is the newest; one per report and instance.
    pub fn latest_path(&self) -> String {
        format!("{}latest.json", self.folder)
    }

    pub fn data_set_path(&self, data_set: &str, revision: u32) -> String {
        format!("{}{data_set}_{}{}.csv", self.data_sets, self.date, suffix(revision))
    }

    pub fn meta_path(&self, data_set: &str, revision: u32) -> String {
        format!("{}{data_set}_{}{}.meta.json", self.data_sets, self.date, suffix(revision))
    }
}

fn suffix(revision: u32) -> String {
    if revision > 1 { format!(".r{revision}") } else { String::new() }
}
