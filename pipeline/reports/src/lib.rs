//! Rows and a report's definition in; named CSV files, their metadata and manifests out.
//!
//! The way of a report: a [`ReportWriter`] takes each section's record batches in their final order and writes the report file and
//! the section's data set as it goes; what it wrote ([`Written`]) is compared with what the tick already [`Delivered`]; a
//! [`Decision`] says under which revision the files of the [`Layout`] are put, with [`meta_json`] beside each data set and the
//! [`Manifest`] last. [`read_report`] reads such a file back.
//!
//! This crate must not know an SQL engine, a store, a ledger or the time: the same batches, definition and [`ReportRun`] give the
//! same bytes.

mod cells;
mod data_set;
mod decimal;
mod delivery;
mod error;
mod fingerprint;
mod layout;
mod manifest;
mod pseudonym;
mod reader;
mod run;
mod totals;
mod writer;

#[cfg(test)]
mod tests;

pub use data_set::meta_json;
pub use delivery::{Decision, Delivered, Delivery};
pub use error::{Error, Result};
pub use fingerprint::Fingerprint;
pub use layout::Layout;
pub use manifest::{DataSetFile, Manifest, Period, SectionManifest};
pub use pseudonym::Pseudonymiser;
pub use reader::{SectionRows, read_report};
pub use run::{Input, ReportRun, Withheld};
pub use totals::Total;
pub use writer::{ReportWriter, SectionWriter, Written, WrittenSection};
