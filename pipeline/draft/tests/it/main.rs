//! The crate's promises, held against every shipped channel file and every fixture.

mod shipped;
mod support;
