//! Fuzzing with the limits that every parser keeps: `cargo run -p xtask -- fuzz [TARGET] [--minutes M] [--minimize]`.
//!
//! Needs a nightly toolchain and cargo-fuzz (`cargo install cargo-fuzz --locked`). Each target runs for five million executions or ten
//! minutes; a panic, an input that takes longer than five seconds or more than 256 MiB ends the run and is kept under
//! `pipeline/fuzz/libfuzzer/artifacts`. New inputs go to the target folder; `--minimize` makes the committed corpus again from both.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

const CRATE: &str = "pipeline/fuzz/libfuzzer";
const CORPORA: &str = "pipeline/fuzz/corpus";
const DICTIONARIES: &str = "pipeline/fuzz/dictionaries";
const LIMITS: [&str; 5] = ["-runs=5000000", "-timeout=5", "-rss_limit_mb=256", "-max_len=4096", "-print_final_stats=1"];

pub fn run(arguments: impl Iterator<Item = String>) -> ExitCode {
    match fuzz(arguments) {
        Ok(()) => ExitCode::SUCCESS,
        Err(what) => {
            eprintln!("error: {what}");
            ExitCode::FAILURE
        }
    }
}

fn fuzz(mut arguments: impl Iterator<Item = String>) -> Result<(), String> {
    let (mut asked, mut minutes, mut minimize) = (None, 10u64, false);
    while let Some(argument) = arguments.next() {
        match argument.as_str() {
            "--minimize" => minimize = true,
            "--minutes" => {
                minutes = arguments.next().and_then(|text| text.parse().ok()).filter(|minutes| *minutes > 0).ok_or("--minutes takes a number from 1")?
            }
            target if !target.starts_with('-') && asked.is_none() => asked = Some(argument),
            other => return Err(format!("{other} is not known: fuzz [TARGET] [--minutes M] [--minimize]")),
        }
    }
    let known = targets()?;
    if let Some(name) = asked.as_ref().filter(|name| !known.contains(name)) {
        return Err(format!("{name} is no target: {}", known.join(", ")));
    }
    for target in known.iter().filter(|target| asked.as_ref().is_none_or(|asked| asked == *target)) {
        one(target, minutes, minimize)?;
    }
    Ok(())
}

/// Each has a corpus of its name.
fn targets() -> Result<Vec<String>, String> {
    let entries = std::fs::read_dir(CORPORA).map_err(|error| format!("{CORPORA}: {error}; run this in the repository's folder"))?;
    let mut names: Vec<String> = entries.filter_map(|entry| entry.ok()?.file_name().into_string().ok()).collect();
    names.sort();
    Ok(names)
}

fn one(target: &str, minutes: u64, minimize: bool) -> Result<(), String> {
    let folder = std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| Path::new("target").to_owned(), PathBuf::from).join("fuzz").join(target);
    let (found, small) = (folder.join("found"), folder.join("small"));
    make(&found)?;
    let committed = Path::new(CORPORA).join(target);
    let mut flags: Vec<OsString> = LIMITS.iter().map(OsString::from).collect();
    let dictionary = Path::new(DICTIONARIES).join(target).with_extension("dict");
    if dictionary.exists() {
        flags.push(format!("-dict={}", dictionary.display()).into());
    }
    let corpora = if minimize {
        make(&small)?;
        flags.extend(["-set_cover_merge=1".into(), "-use_counters=0".into()]);
        vec![&small, &found, &committed]
    } else {
        flags.push(format!("-max_total_time={}", minutes * 60).into());
        vec![&found, &committed]
    };
    let mut command = Command::new("cargo");
    // Safe code alone: a sanitizer would find nothing and use the memory that is measured.
    command.args(["+nightly", "fuzz", "run", "--fuzz-dir", CRATE, "--sanitizer", "none", target]).args(corpora).arg("--").args(flags);
    let status = command.status().map_err(|error| format!("cargo fuzz: {error}; install it with `cargo install cargo-fuzz --locked`"))?;
    if !status.success() {
        return Err(format!("{target}: {status}; the input is named above"));
    }
    if minimize { replace(&committed, &small) } else { Ok(()) }
}

fn make(folder: &Path) -> Result<(), String> {
    std::fs::create_dir_all(folder).map_err(|error| format!("{}: {error}", folder.display()))
}

fn replace(committed: &Path, small: &Path) -> Result<(), String> {
    let moved = || {
        std::fs::remove_dir_all(committed)?;
        std::fs::create_dir(committed)?;
        for entry in std::fs::read_dir(small)? {
            let entry = entry?;
            std::fs::copy(entry.path(), committed.join(entry.file_name()))?;
        }
        std::fs::remove_dir_all(small)
    };
    moved().map_err(|error| format!("{}: {error}", committed.display()))
}
