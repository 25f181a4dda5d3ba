//! Bytes of an export → typed Arrow batches and rejects, by the table's contract.
//!
//! The way through: [`Splitter`] cuts a stream into [`Chunk`]s of whole records, [`Decoder`] (made from a [`Layout`] and a file's
//! header) turns each chunk into a [`Decoded`] batch. Chunks are independent, so a caller may decode them in parallel; bytes in the
//! same order give the same chunks and the same batches. Exports that say more than a plain CSV needs go through [`general`].
//!
//! Nothing is guessed: a record is in the batch with every cell exact, or it is a [`Reject`]. There is no third way.
//! This crate must not know a storage, an SQL engine, an async runtime or the time.

mod block;
mod cells;
mod column;
mod dating;
mod decoder;
mod delimiter;
mod error;
pub mod general;
mod header;
mod iso;
mod layout;
mod number;
mod reject;
mod scan;
mod splitter;
mod texts;
mod time;
mod tokens;
mod totals;
mod value;
mod word;

pub use block::{Block, PartFacts};
pub use dating::ALWAYS_KNOWN;
pub use decoder::{Decoded, Decoder, Excluded, FileIdentity};
pub use error::{Error, Result};
pub use layout::Layout;
pub use reject::{RAW_LIMIT, Reject, rule};
#[doc(hidden)]
pub use scan::all_ways_agree;
pub use splitter::{Chunk, Ending, RECORD_LIMIT, Splitter, header_end};
pub use totals::{ColumnTotal, add_totals};
pub use value::{DateFormat, Finished, Typed, Typing, Unfit, Values};
