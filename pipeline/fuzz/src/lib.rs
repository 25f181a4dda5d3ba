//! What must hold of every parser, and of the page encoder, for any bytes: one function per target, called by libFuzzer, by the replay of the
//! corpora and by nobody else.
//!
//! A target panics where something does not hold, and gives back whether its bytes got as far as a value: a corpus in which none does
//! tests nothing. Targets go through what the crates make public. This crate must not know a storage, an SQL engine or the time.

mod channel;
mod csv;
mod dates;
mod dsrf;
mod flat;
mod numbers;
mod pack;
mod packings;
mod pages;
mod read;
mod scan;
mod sheets;
mod text;

pub use channel::channel;
pub use csv::csv;
pub use dates::dates;
pub use dsrf::dsrf;
pub use flat::{Flat, Output};
pub use numbers::numbers;
pub use packings::zip;
pub use pages::pages;
pub use read::{General, Kept};
pub use scan::scan;
pub use sheets::{ods, xls, xlsx};
pub use text::text;

/// Any bytes; whether they got as far as a value.
pub type Target = fn(&[u8]) -> bool;

/// All targets by the names of their corpora.
pub const TARGETS: [(&str, Target); 12] = [
    ("channel", channel),
    ("csv", csv),
    ("dates", dates),
    ("dsrf", dsrf),
    ("numbers", numbers),
    ("ods", ods),
    ("pages", pages),
    ("scan", scan),
    ("text", text),
    ("xls", xls),
    ("xlsx", xlsx),
    ("zip", zip),
];
