//! The crate's promises, held against every shipped channel file and every fixture.

mod drafts;
mod left_out;
mod pages;
mod samples;
mod schema;
mod shipped;
mod statements;
mod support;
mod trials;
