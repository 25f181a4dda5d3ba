//! What a report is made from: the exports whose raw tables it reads, of all channels, and their landed files.
//!
//! Of its own channel a report sees one instance; what it reads of other channels is seen of all their instances.

use std::collections::{BTreeMap, BTreeSet};

use takings_definitions::{Channel, Export, Instance, Report};
use takings_sources::LandingRecord;

use crate::context::Context;
use crate::failure::Result;
use crate::run_key::names_of_report;

/// A file that was stopped or could not be fetched.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Stopped {
    pub instance: String,
    pub export: String,
    pub reason: String,
    pub channel: String,
}

/// What one report of one instance reads.
pub struct Inputs<'a> {
    instance: &'a Instance,
    pub exports: Vec<(&'a Channel, &'a Export)>,
    /// Of its own channel first.
    pub records: Vec<&'a LandingRecord>,
}

impl<'a> Inputs<'a> {
    pub fn new(context: &'a Context, report: &Report, instance: &'a Instance, landed: &'a BTreeMap<String, Vec<LandingRecord>>) -> Result<Self> {
        let names = names_of_report(&context.project, &context.graph, report)?;
        let channels = context.project.channels.values().filter(|channel| channel.name == report.channel);
        let others = context.project.channels.values().filter(|channel| channel.name != report.channel);
        let read = |channel: &'a Channel| channel.exports.iter().filter(|export| names.contains(&export.table)).map(move |export| (channel, export));
        let mut inputs = Self { instance, exports: channels.chain(others).flat_map(read).collect(), records: Vec::new() };
        let of_channels: BTreeSet<&str> = inputs.exports.iter().map(|(channel, _)| channel.name.as_str()).collect();
        let own = landed.get(&report.channel).into_iter().flatten();
        let others = of_channels.into_iter().filter(|name| *name != report.channel).filter_map(|name| landed.get(name)).flatten();
        inputs.records = own.chain(others).filter(|record| inputs.has(&record.channel, &record.instance, &record.export)).collect();
        Ok(inputs)
    }

    /// Does the report read this export of this instance?
    pub fn has(&self, channel: &str, instance: &str, export: &str) -> bool {
        (channel != self.instance.channel || instance == self.instance.name)
            && self.exports.iter().any(|(of, read)| of.name == channel && (read.name == export || read.landed_as() == export))
    }

    /// Does the report read anything of this instance?
    pub fn reads(&self, instance: &Instance) -> bool {
        *instance == *self.instance || instance.channel != self.instance.channel && self.exports.iter().any(|(channel, _)| channel.name == instance.channel)
    }

    /// Of exports of its own channel, those without a file.
    pub fn missing(&self, exports: &[String]) -> Vec<String> {
        let channel = self.exports.iter().find(|(channel, _)| channel.name == self.instance.channel).map(|(channel, _)| *channel);
        let there = |export: &&String| {
            let landed = channel.map_or(export.as_str(), |channel| channel.landed_as(export));
            self.records.iter().any(|record| record.channel == self.instance.channel && record.export == landed)
        };
        exports.iter().filter(|export| !there(export)).cloned().collect()
    }

    /// The other channels of which something is landed.
    pub fn other_channels(&self, own: &str) -> Vec<&'a Channel> {
        let landed: BTreeSet<&str> = self.records.iter().map(|record| record.channel.as_str()).filter(|name| *name != own).collect();
        let mut channels: Vec<&Channel> = self.exports.iter().map(|(channel, _)| *channel).filter(|channel| landed.contains(channel.name.as_str())).collect();
        channels.dedup_by(|one, next| one.name == next.name);
        channels
    }
}
