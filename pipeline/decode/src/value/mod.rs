//! Text records of one part → typed rows, by the columns that a channel file declares.
//!
//! [`Values`] is an export compiled once; [`Typing`] binds it to the header and facts of a part and types its [`Block`](crate::Block)s
//! in order; [`Values::finish`] looks again at rows that calculations have changed. A record is typed whole and exactly or rejected
//! with all that is wrong with it. These modules must not know where the text comes from.

mod binding;
mod cell;
mod countries;
mod currency;
mod duration;
mod exact;
mod finish;
mod fold;
mod found;
mod lookup;
mod moment;
#[cfg(test)]
mod moment_tests;
mod names;
mod numbers;
mod reading;
mod times;
mod trial;
mod typing;
mod values;
mod written;

pub(crate) use currency::{is_code, no_code};
pub use finish::{Finished, Unfit};
pub use trial::DateFormat;
pub use typing::{Typed, Typing};
pub use values::Values;
pub(crate) use written::NumberForm;
