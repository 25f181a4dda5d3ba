//! The binary; see the library of the same name.

use std::process::ExitCode;

/// Gives memory back between the steps of a run, where the system's allocator keeps most of it.
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

fn main() -> ExitCode {
    takings::main()
}
