//! What files become, seen from outside: bytes in, rows, rejects, totals and messages out.

mod cases;
mod exclusions;
mod feed;
mod found;
mod headers;
mod hostile;
mod random;
mod values;
mod whole;
