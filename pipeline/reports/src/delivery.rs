//! What to do with a report that was just made, given what its tick already delivered. Decides; writes nothing.
//!
//! Files are put in this order: data sets with their metadata, report file, manifest, and last `latest.json` where the decision
//! has a text for it. Whatever a killed run left is then either overwritten or completed by the next.

use std::collections::{BTreeMap, BTreeSet};

use crate::manifest::{pretty, what};
use crate::{Error, Layout, Manifest, ReportRun, Result, Written};

/// Differences that a refusal names before it says "and so many more".
const DIFFERENCES_NAMED: usize = 5;

/// What a tick's report has delivered so far.
#[derive(Debug, Clone, Default)]
pub struct Delivered {
    revisions: BTreeMap<u32, Manifest>,
    /// First file → newest file, of every tick that was restated.
    latest: BTreeMap<String, String>,
}

/// What to do, and the text that `latest.json` must have afterwards if that is another than now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Delivery {
    pub decision: Decision,
    pub latest: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Decision {
    /// The same run key delivered `file`.
    Nothing { file: String },
    /// Another run key, the same bytes: `file` and its manifest stay.
    Unchanged { file: String },
    /// No section has a row, and nothing was delivered: nothing is.
    NoData,
    /// The first delivery, as revision 1.
    Write,
    /// Other bytes for a delivered tick, which the user asked for: `file` is written beside the earlier ones.
    Restate { revision: u32, file: String },
    /// Other bytes for a delivered tick, which nobody asked for.
    Refuse { message: String },
}

impl Decision {
    /// The revision whose files are to be written, if any are.
    pub fn revision(&self) -> Option<u32> {
        match self {
            Self::Write => Some(1),
            Self::Restate { revision, .. } => Some(*revision),
            Self::Nothing { .. } | Self::Unchanged { .. } | Self::NoData | Self::Refuse { .. } => None,
        }
    }
}

impl Delivered {
    /// `manifests`: path and text of manifests of this layout (see [`Layout::revision_of_manifest`]) whose report file stands
    /// beside them; others are passed over. `latest`: the text of `latest.json`, if there is one.
    pub fn read<'a>(layout: &Layout, manifests: impl IntoIterator<Item = (&'a str, &'a str)>, latest: Option<&str>) -> Result<Self> {
        let mut revisions = BTreeMap::new();
        for (path, text) in manifests {
            if let Some(revision) = layout.revision_of_manifest(path) {
                revisions.insert(revision, Manifest::parse(path, text)?);
            }
        }
        let latest = match latest {
            None => BTreeMap::new(),
            Some(text) => serde_json::from_str(text).map_err(|error| Error::File {
                place: format!("{}:{}:{}", layout.latest_path(), error.line(), error.column()),
                message: format!("not a list of the newest files: {}", what(&error)),
                next: "delete it: the next run of a restated tick writes it again".to_owned(),
            })?,
        };
        Ok(Self { revisions, latest })
    }

    /// The newest delivered revision.
    pub fn newest(&self) -> Option<&Manifest> {
        self.revisions.values().next_back()
    }

    /// What is known before the report is made: nothing is to be done where the run key has delivered already. Under `restate`
    /// only the newest revision counts, so that an earlier state can be restated, too.
    pub fn before(&self, layout: &Layout, run_key: &str, restate: bool) -> Option<Delivery> {
        let same = self.eligible(restate).find(|manifest| manifest.run_key == run_key)?;
        Some(self.keep(layout, Decision::Nothing { file: same.file.clone() }))
    }

    /// What to do with the report that was made.
    pub fn decide(&self, layout: &Layout, run: &ReportRun, written: &Written, restate: bool) -> Delivery {
        if let Some(done) = self.before(layout, run.run_key, restate) {
            return done;
        }
        if let Some(same) = self.eligible(restate).find(|manifest| manifest.sha256 == written.file.sha256) {
            return self.keep(layout, Decision::Unchanged { file: same.file.clone() });
        }
        let Some(newest) = self.newest() else {
            return if written.is_empty() {
                self.keep(layout, Decision::NoData)
            } else {
                Delivery { decision: Decision::Write, latest: self.latest(layout, 1) }
            };
        };
        if !restate {
            return Delivery { decision: Decision::Refuse { message: refusal(layout, newest, run, written) }, latest: None };
        }
        let revision = self.revisions.keys().next_back().map_or(1, |newest| newest + 1);
        Delivery { decision: Decision::Restate { revision, file: layout.file(revision) }, latest: self.latest(layout, revision) }
    }

    /// Manifests that a run may be the same as, newest first.
    fn eligible(&self, restate: bool) -> impl Iterator<Item = &Manifest> {
        self.revisions.values().rev().take(if restate { 1 } else { usize::MAX })
    }

    /// Nothing is written, but a run that was killed before it wrote `latest.json` is completed.
    fn keep(&self, layout: &Layout, decision: Decision) -> Delivery {
        let newest = self.revisions.keys().next_back().copied();
        Delivery { decision, latest: newest.and_then(|newest| self.latest(layout, newest)) }
    }

    /// The text of `latest.json` with `newest` as this tick's newest revision, if that changes it.
    fn latest(&self, layout: &Layout, newest: u32) -> Option<String> {
        let mut latest = self.latest.clone();
        if newest > 1 {
            latest.insert(layout.file(1), layout.file(newest));
        } else {
            latest.remove(&layout.file(1));
        }
        (latest != self.latest).then(|| pretty(&latest))
    }
}

fn refusal(layout: &Layout, newest: &Manifest, run: &ReportRun, written: &Written) -> String {
    let mut differences = differences(newest, run, written);
    let more = differences.len().saturating_sub(DIFFERENCES_NAMED);
    differences.truncate(DIFFERENCES_NAMED);
    if more > 0 {
        differences.push(format!("and {more} more"));
    }
    if differences.is_empty() {
        differences.push("the same rows and totals, other cells".to_owned());
    }
    format!(
        "{folder}{file} was delivered with other bytes (SHA-256 {then} then, {now} now): {differences}. Look at {folder}{file}.manifest.json, \
         and deliver the new one beside it with `takings run {job} --at {tick} --restate`",
        folder = layout.folder(),
        file = newest.file,
        then = short(&newest.sha256),
        now = short(&written.file.sha256),
        differences = differences.join("; "),
        job = run.job,
        tick = run.tick,
    )
}

fn short(sha256: &str) -> &str {
    sha256.get(..12).unwrap_or(sha256)
}

fn differences(newest: &Manifest, run: &ReportRun, written: &Written) -> Vec<String> {
    let mut found = Vec::new();
    for now in &written.sections {
        let Some(then) = newest.sections.iter().find(|then| then.name == now.name) else {
            found.push(format!("section {}: new", now.name));
            continue;
        };
        if then.rows != now.rows {
            found.push(format!("section {}: rows {} then, {} now", now.name, then.rows, now.rows));
        }
        for total in &now.totals {
            let before = then.totals.iter().find(|before| (&before.column, &before.currency) == (&total.column, &total.currency));
            match before {
                Some(before) if before.sum != total.sum => {
                    let currency = total.currency.as_deref().map_or(String::new(), |currency| format!(" {currency}"));
                    found.push(format!("section {}: \"{}\"{currency} {} then, {} now", now.name, total.column, before.sum, total.sum));
                }
                _ => {}
            }
        }
    }
    for then in &newest.sections {
        if !written.sections.iter().any(|now| now.name == then.name) {
            found.push(format!("section {}: gone", then.name));
        }
    }
    let then: BTreeSet<_> = newest.inputs.iter().collect();
    let now: BTreeSet<_> = run.inputs.iter().collect();
    let paths: BTreeSet<&str> = then.symmetric_difference(&now).map(|input| input.path.as_str()).collect();
    found.extend(paths.into_iter().map(|path| format!("input {path}: another file")));
    found
}
