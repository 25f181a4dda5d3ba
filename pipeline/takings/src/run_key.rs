//! The run key: a hash over what decides a report's content, and nothing else.
//!
//! In: job, tick, known-at, content hashes of the landed versions, normalized SQL, and of the definitions only what shapes content.
//! Out: urls, store, ledger, credentials, tuning, comments, program version, time.

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};
use sha2::{Digest, Sha256};
use takings_definitions::{Instance, Job, Project, Report, Tick};
use takings_engine::{Graph, Parsed};

use crate::failure::Result;
use crate::inputs::Inputs;

/// A hash whose parts cannot run into each other.
#[derive(Default)]
pub struct KeyHash(Sha256);

impl KeyHash {
    #[must_use]
    pub fn part(mut self, text: &str) -> Self {
        self.0.update((text.len() as u64).to_be_bytes());
        self.0.update(text.as_bytes());
        self
    }

    pub fn finish(self) -> String {
        data_encoding::HEXLOWER.encode(&self.0.finalize())
    }
}

/// A TOML text without comments, key order and white space.
pub fn canonical(text: &str) -> String {
    toml::from_str::<toml::Table>(text)
        .map_or_else(|_| text.to_owned(), |table| serde_json::Value::from_iter(table.into_iter().map(|(key, value)| (key, json(value)))).to_string())
}

fn json(value: toml::Value) -> serde_json::Value {
    match value {
        toml::Value::Table(table) => table.into_iter().map(|(key, value)| (key, json(value))).collect(),
        toml::Value::Array(values) => values.into_iter().map(json).collect(),
        toml::Value::String(text) => text.into(),
        toml::Value::Integer(number) => number.into(),
        toml::Value::Boolean(value) => value.into(),
        other => other.to_string().into(),
    }
}

/// The names of all tables and models that a report reads, directly or not.
pub fn names_of_report(project: &Project, graph: &Graph, report: &Report) -> Result<BTreeSet<String>> {
    let mut open: Vec<String> = Vec::new();
    for section in &report.sections {
        if let Some(parsed) = graph.section(project, report, section)? {
            open.extend(parsed.references().iter().cloned());
        }
    }
    if let Some(sql) = &report.made_when {
        open.extend(Parsed::new(&report.path, sql)?.references().iter().cloned());
    }
    let mut seen = BTreeSet::new();
    while let Some(name) = open.pop() {
        if let Some(references) = graph.references_of(&name) {
            open.extend(references.iter().filter(|reference| !seen.contains(*reference)).cloned());
        }
        seen.insert(name);
    }
    Ok(seen)
}

/// The key of one report for one tick and instance.
pub struct ReportKey<'a> {
    pub project: &'a Project,
    pub graph: &'a Graph,
    pub job: &'a Job,
    pub report: &'a Report,
    pub instance: &'a Instance,
    pub tick: Tick,
    pub known_at: DateTime<Utc>,
    pub inputs: &'a Inputs<'a>,
}

impl ReportKey<'_> {
    pub fn hash(&self) -> Result<String> {
        let mut key = KeyHash::default()
            .part("takings run key 1")
            .part(&self.job.content())
            .part(&self.tick.to_string())
            .part(&self.known_at.to_rfc3339())
            .part(&self.instance.channel)
            .part(&self.instance.name)
            .part(&self.instance.seller_account)
            .part(if self.instance.enhanced_data_sharing { "sharing" } else { "no sharing" })
            .part(&canonical(&self.report.text));
        if let Some(channel) = self.project.channels.get(&self.report.channel) {
            key = key.part(&canonical(&channel.text));
        }
        for record in &self.inputs.records {
            if record.channel != self.report.channel {
                key = key.part(&record.channel).part(&record.instance);
            }
            key = key.part(&record.source_path).part(&record.sha256);
        }
        for channel in self.inputs.other_channels(&self.report.channel) {
            key = key.part(&canonical(&channel.text));
        }
        let mut parameters = BTreeSet::new();
        for section in &self.report.sections {
            if let Some(parsed) = self.graph.section(self.project, self.report, section)? {
                key = key.part(&format!("{}/{}", self.report.name, section.name)).part(&parsed.normalized());
                parameters.extend(parsed.parameters());
            }
        }
        for name in names_of_report(self.project, self.graph, self.report)? {
            key = key.part(&name);
            if let Some(model) = self.graph.model(&name) {
                key = key.part(&model.normalized());
                parameters.extend(model.parameters());
            }
            if let Some(table) = self.project.tables.get(&name) {
                key = key.part(&canonical(&table.text));
            }
        }
        for name in parameters {
            if let Some(value) = self.project.settings.parameters.get(&name) {
                key = key.part(&name).part(&format!("{value:?}"));
            }
        }
        Ok(key.finish())
    }
}
