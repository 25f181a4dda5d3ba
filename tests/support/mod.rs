//! What the tests share: places to run in, feeds to change, files to compare. It asserts nothing about reports.

pub mod feeds;
pub mod files;
pub mod place;
#[path = "../../pipeline/runs/tests/ledger/server.rs"]
pub mod postgres;
pub mod python;
pub mod reports;
pub mod shared;

pub use feeds::Feeds;
pub use files::{assert_same, assert_same_files, bytes_under};
pub use place::{Place, Ran};
