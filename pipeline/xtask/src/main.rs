//! The repository's own chores: `cargo xtask tidy | sim | fuzz | bench`.

mod bench;
mod fuzz;
mod sim;

use std::path::Path;
use std::process::{Command, ExitCode};

/// The largest file that may be committed.
const LARGEST: u64 = 1 << 20;

/// Words that no source file may contain, and why.
const FORBIDDEN: [(&str, &str); 3] = [
    (concat!("to", "do!("), "finish it or leave it out"),
    (concat!("unimple", "mented!("), "finish it or leave it out"),
    (concat!("db", "g!("), "left over from debugging"),
];

fn main() -> ExitCode {
    let mut arguments = std::env::args().skip(1);
    match arguments.next().as_deref() {
        Some("tidy") => tidy(),
        Some("bench") => bench::run(arguments),
        Some("fuzz") => fuzz::run(arguments),
        Some("sim") => sim::sim(arguments),
        _ => {
            eprintln!(
                "usage: cargo xtask tidy\n       cargo xtask bench [--rows N] [--stage a|b|c|d] [--growth N] [--vendor-query FILE] | --micro\n       cargo xtask sim --seeds N [--from SEED]\n       cargo xtask fuzz [TARGET] [--minutes M] [--minimize]"
            );
            ExitCode::from(2)
        }
    }
}

/// Cargo, as the shell would start it.
fn cargo() -> Command {
    let mut cargo = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    // What it told this program of itself would make crates that look at it be built again.
    for (name, _) in std::env::vars_os() {
        if name.to_str().is_some_and(|name| name.starts_with("CARGO_PKG_") || name.starts_with("CARGO_MANIFEST_")) {
            cargo.env_remove(name);
        }
    }
    cargo
}

/// Checks what is tracked: sizes, unfinished code, clocks and floats where they must not be.
fn tidy() -> ExitCode {
    let tracked = match Command::new("git").args(["ls-files", "-z"]).output() {
        Ok(output) if output.status.success() => output.stdout,
        _ => {
            eprintln!("error: `git ls-files` failed; run this inside the repository");
            return ExitCode::FAILURE;
        }
    };
    let mut problems = Vec::new();
    for path in tracked.split(|byte| *byte == 0).filter_map(|name| std::str::from_utf8(name).ok()).filter(|name| !name.is_empty()) {
        check(Path::new(path), &mut problems);
    }
    for problem in &problems {
        eprintln!("error: {problem}");
    }
    if problems.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn check(path: &Path, problems: &mut Vec<String>) {
    let name = path.display();
    match std::fs::metadata(path) {
        Ok(metadata) if metadata.len() > LARGEST => problems.push(format!("{name} is larger than {LARGEST} bytes")),
        Ok(_) => {}
        Err(_) => return,
    }
    if path.extension().is_none_or(|extension| extension != "rs") || path.starts_with("pipeline/xtask") {
        return;
    }
    let Ok(text) = std::fs::read_to_string(path) else { return };
    for (number, line) in text.lines().enumerate() {
        let place = || format!("{name}:{}", number + 1);
        for (word, why) in FORBIDDEN {
            if line.contains(word) {
                problems.push(format!("{}: `{word}`: {why}", place()));
            }
        }
        let clock = ["Utc::now(", "SystemTime::now("].iter().any(|call| line.contains(call));
        if clock && path != Path::new("pipeline/takings/src/context.rs") && !path.to_string_lossy().contains("tests") {
            problems.push(format!("{}: the clock is read only in pipeline/takings/src/context.rs", place()));
        }
    }
}
