//! Python: the standard library for the independent recomputation, and a virtual environment with other readers of the lake.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use super::place::{Ran, repository};

/// Runs a script of `tests/independent`.
pub fn independent(script: &str, arguments: &[&str]) -> Ran {
    let path = repository().join("tests/independent").join(script);
    let output = Command::new("python3").env("PYTHONDONTWRITEBYTECODE", "1").arg(path).args(arguments).output();
    Ran::new(&[script], output.expect("python3 (3.11 or newer) is needed on the path"))
}

const PACKAGES: [&str; 4] = ["duckdb", "polars", "pyarrow", "deltalake"];

/// The interpreter of an environment with DuckDB, Polars, pyarrow and deltalake, made once under the cache folder. `None` where it can't be
/// made: said loudly, and a failure in CI.
pub fn with_clients() -> Option<PathBuf> {
    static PYTHON: OnceLock<Result<PathBuf, String>> = OnceLock::new();
    match PYTHON.get_or_init(environment) {
        Ok(python) => Some(python.clone()),
        Err(why) => {
            assert!(std::env::var("CI").as_deref() != Ok("true"), "the clients' environment can't be made: {why}");
            eprintln!("\nNOT RUN: the lake was not read with {}: {why}\n", PACKAGES.join(", "));
            None
        }
    }
}

/// The program of an OpenTelemetry collector from the same environment. `None` where it can't be had: said loudly.
pub fn with_collector() -> Option<PathBuf> {
    const WHERE: &str = "import os, rotel; print(os.path.join(os.path.dirname(rotel.__file__), 'rotel-agent'))";
    let python = with_clients()?;
    let program = run(&python, &["-c", WHERE]).or_else(|_| {
        run(&python, &["-m", "pip", "install", "--quiet", "rotel"])?;
        run(&python, &["-c", WHERE])
    });
    match program {
        Ok(program) => Some(PathBuf::from(program)),
        Err(why) => {
            eprintln!("\nNOT RUN: no collector got spans: {why}\n");
            None
        }
    }
}

fn environment() -> Result<PathBuf, String> {
    let home = std::env::var("HOME").map_err(|_| "HOME is not set".to_owned())?;
    let folder = Path::new(&home).join(".cache/takings/venv");
    let python = folder.join("bin/python");
    if run(&python, &["-c", &format!("import {}", PACKAGES.join(", "))]).is_err() {
        run(Path::new("python3"), &["-m", "venv", &folder.to_string_lossy()])?;
        run(&python, &[&["-m", "pip", "install", "--quiet"], PACKAGES.as_slice()].concat())?;
    }
    Ok(python)
}

fn run(program: &Path, arguments: &[&str]) -> Result<String, String> {
    let output = Command::new(program).args(arguments).output().map_err(|error| format!("{}: {error}", program.display()))?;
    if output.status.success() {
        Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
    } else {
        Err(String::from_utf8_lossy(&output.stderr).trim().to_owned())
    }
}
