//! `takings init`: a project from what the binary carries, and what a newer binary would change in one.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::ExitCode;

use serde_json::json;
use similar::TextDiff;

use crate::cli::{Cli, InitArgs};
use crate::failure::{Failure, Result};
use crate::output;
use crate::shipped::{self, Standing};

/// As the sample that the repository ships.
const SAMPLE: (&str, u64, u64) = ("data/sample/aws_marketplace", 1, 775);

pub fn init(cli: &Cli, args: &InitArgs) -> Result<ExitCode> {
    if args.upgrade { upgrade(cli, args) } else { create(cli, &args.dir) }
}

fn create(cli: &Cli, folder: &Path) -> Result<ExitCode> {
    let files = shipped::create(folder)?;
    let (path, seed, events) = SAMPLE;
    takings_sample::write(&takings_sample::Options::new(folder.join(path), seed, events), &mut |_| {})?;
    if cli.json {
        output::json(&json!({"dir": folder, "files": files, "sample": path}));
        return Ok(ExitCode::SUCCESS);
    }
    println!("{files} files of channels, contracts, SQL, jobs and reports are in {}; made-up feeds in its {path}", folder.display());
    println!("\nnext:\n  cd {}\n  takings run nightly --at 2026-03-15      a first run, on the made-up feeds", folder.display());
    println!("  edit config/takings.toml                 your own account: [instances.aws_marketplace.main]\n  takings check");
    Ok(ExitCode::SUCCESS)
}

fn upgrade(cli: &Cli, args: &InitArgs) -> Result<ExitCode> {
    let folder = &args.dir;
    if !folder.join("config/takings.toml").is_file() {
        return Err(Failure::usage(format!(
            "{} is no project: it has no config/takings.toml; `takings init {}` makes one",
            folder.display(),
            folder.display()
        )));
    }
    let standings = shipped::compare(folder)?;
    let changes: BTreeMap<&String, Standing> =
        standings.iter().filter(|(_, standing)| **standing != Standing::Same).map(|(path, standing)| (path, *standing)).collect();
    if cli.json {
        let files: Vec<_> = changes.iter().map(|(path, standing)| json!({"file": path, "state": word(*standing)})).collect();
        output::json(&json!({"dir": folder, "files": files, "applied": args.apply}));
    } else {
        show(folder, &changes, args.apply)?;
    }
    if args.apply {
        shipped::apply(folder, &standings)?;
    }
    Ok(ExitCode::SUCCESS)
}

fn show(folder: &Path, changes: &BTreeMap<&String, Standing>, apply: bool) -> Result<()> {
    if changes.is_empty() {
        println!("{} is as this program ships it", folder.display());
        return Ok(());
    }
    for (path, standing) in changes.iter().filter(|(_, standing)| matches!(standing, Standing::Outdated | Standing::Both)) {
        let own = shipped::read(folder, path)?.unwrap_or_default();
        let own = String::from_utf8_lossy(&own);
        let diff = TextDiff::from_lines(own.as_ref(), shipped::text(path).unwrap_or_default());
        let yours = if *standing == Standing::Both { "yours, edited" } else { "yours" };
        print!("{}", diff.unified_diff().header(&format!("{path} ({yours})"), &format!("{path} (shipped)")));
    }
    let rows = changes.iter().map(|(path, standing)| vec![(*path).clone(), word(*standing).to_owned(), consequence(*standing, apply).to_owned()]).collect();
    println!("{}", output::table(&["file", "state", if apply { "done" } else { "with --apply" }], rows, &[]));
    Ok(())
}

fn word(standing: Standing) -> &'static str {
    match standing {
        Standing::Same => "same",
        Standing::Edited => "edited by you",
        Standing::Deleted => "deleted by you",
        Standing::New => "new",
        Standing::Outdated => "newer one shipped",
        Standing::Dropped => "no longer shipped",
        Standing::Both => "edited by you, and newer one shipped",
    }
}

fn consequence(standing: Standing, apply: bool) -> &'static str {
    match (standing, apply) {
        (Standing::Same | Standing::Edited | Standing::Deleted, _) => "left as it is",
        (Standing::New, false) => "is written",
        (Standing::New, true) => "written",
        (Standing::Outdated, false) => "is replaced",
        (Standing::Outdated, true) => "replaced",
        (Standing::Dropped, false) => "is deleted",
        (Standing::Dropped, true) => "deleted",
        (Standing::Both, false) => "yours stays; the shipped one comes beside it as .shipped",
        (Standing::Both, true) => "yours stays; merge the .shipped beside it and delete that",
    }
}
