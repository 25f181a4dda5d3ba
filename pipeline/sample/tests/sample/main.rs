//! What the made-up feeds promise: layout, determinism, consistent money and references, and every trouble that real feeds make.

mod phenomena;
mod promises;
mod reports;
mod set;
mod wide;
