//! The general way: whole files of any packing, encoding and frame → blocks of text records → typed batches.
//!
//! ```text
//! bytes ─ unpack ─► parts ─ encoding, tokeniser or workbook ─► records ─ frame, rows ─► blocks ─ typing ─► batches
//! ```
//!
//! Every record of a file ends published, as a [`Reject`](crate::Reject), or excluded under the name of a rule.

mod cell;
mod checks;
mod encoding;
mod family;
mod file;
mod frame;
mod header;
mod layouts;
mod outcome;
mod peek;
mod reader;
mod record;
mod rows;
mod seen;
#[cfg(test)]
mod tests;
mod tokeniser;
mod unpack;
mod workbook;

pub use outcome::{CheckOutcome, FileOutcome, PartRead};
pub use peek::{Peeked, Row, Sample, peek, text_records};
pub use reader::{Layout, Opener, RawRecord, Reader, Sink, Taken};
