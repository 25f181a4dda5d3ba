//! From where the exports are to the landing zone: list, recognise, fetch what is new, keep it for ever.
//!
//! The landing zone is immutable: blobs by their SHA-256, and for each source path a row of numbered records that say which blobs
//! make up the file. A file that grew keeps its old segments and gets a new one. This crate must not know what stands in a file
//! beyond where its records end, nor the lake, the ledger or the time.

mod cutter;
mod error;
mod fetch;
mod index;
mod landing;
mod look;
mod pull;
mod read;
mod record;
mod source;

pub use error::{Error, Result};
pub use landing::Landing;
pub use look::{Left, Seen};
pub use pull::{Ambiguous, Change, Failure, Follow, Ignored, Progress, Pulled};
pub use record::{LandingRecord, Segment, file_id};
