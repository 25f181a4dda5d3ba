//! Helps those who write channel files: a first draft from a sample, a trial of a file, the documentation page of a channel, the JSON
//! schema of channel files.
//!
//! A draft says only what every value of the sample bears out. What the sample leaves open stands in it as a question, and until that is
//! answered the file does not load. This crate must not know a storage, an SQL engine or the time.

mod assemble;
mod column;
mod dates;
mod draft;
mod error;
mod grid;
mod money;
mod named;
mod names;
mod norows;
mod numbers;
mod page;
mod plan;
mod rollups;
mod sample;
mod schema;
mod sections;
mod sorts;
mod sums;
mod texts;
mod trial;
mod typed;
mod write;

pub use draft::{Draft, channel, channel_in};
pub use error::Error;
pub use names::channel_name;
pub use page::page;
pub use schema::{SCHEMA_ID, schema};
pub use trial::{FirstRows, REJECTS, Trial, TrialRow, Tried, trial};
