//! DataFusion over the lake: sessions, the model graph, contracts and data tests.
//!
//! SQL names tables, never paths; it is SELECT only; its parameters are typed literals before anything is planned.
//! This crate must not know a channel's file format, how files are committed, or the time.

mod apart;
mod build_side;
mod calculate;
mod check;
mod contract;
mod data_tests;
mod error;
mod graph;
mod hints;
mod lake_table;
mod literal;
mod materialized;
mod memory;
mod ordinal_sort;
mod ordinals;
mod own_memory;
mod parameters;
mod runs;
mod session;
mod statement;

pub use apart::{RowsOfMonths, months_apart};
pub use calculate::{Calculated, Calculator, Equation, Failed};
pub use check::{Finding, check_project};
pub use contract::{conform, output_schema};
pub use data_tests::{TestFailure, run_tests};
pub use datafusion::dataframe::DataFrame;
pub use datafusion::execution::SendableRecordBatchStream;
pub use error::{Error, Result};
pub use graph::Graph;
pub use lake_table::ScanFile;
pub use literal::same_value;
pub use materialized::HeldView;
pub use parameters::Parameters;
pub use session::{Engine, Session, Tables, only_months, ordered, other_months, sorted};
pub use statement::Parsed;
