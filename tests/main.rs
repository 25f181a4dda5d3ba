//! End-to-end tests: the binary as a user starts it, on feeds, stores and projects in temporary folders.
//!
//! They know the command line and the files it reads and writes, and no crate of the pipeline. `UPDATE_EXPECT=1` writes the golden files anew.

mod backfill;
mod bad_input;
mod billed_revenue;
mod books;
mod channels;
mod clients;
mod collector;
mod command_line;
mod demo;
mod documented_example;
mod earned;
mod growing;
mod independent;
mod init;
mod kill;
mod known_at;
mod large_file;
mod marts;
mod mistakes;
mod postgres;
mod rebuild;
mod repeatable;
mod serve;
mod support;
mod trace;
mod trouble;
mod two_at_once;
mod untied;
