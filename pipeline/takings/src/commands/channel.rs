//! `takings channel`: a first draft of a channel file, a trial of a file, the JSON schema, the pages of documentation. It needs no store
//! and no ledger, and writes nothing but what is asked for.

use std::fs::{File, OpenOptions};
use std::io::{self, BufReader, Read, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use serde_json::{Value, json};
use takings_decode::general::Opener;
use takings_definitions::{Channel, Export, Project};
use takings_draft::{Draft, Trial};
use takings_storage::Store;

use crate::cli::{ChannelAction, ChannelArgs, ChannelNewArgs, ChannelTestArgs, Cli};
use crate::context;
use crate::failure::{Failure, Result};
use crate::general::General;
use crate::output::{self, thousands};

/// Text of a cell that is shown at most.
const SHOWN: usize = 40;

/// A sample is held in memory.
const SAMPLE_LIMIT: u64 = 512 << 20;

pub fn channel(cli: &Cli, args: &ChannelArgs) -> Result<ExitCode> {
    match &args.action {
        ChannelAction::New(args) => new(cli, args),
        ChannelAction::Test(args) => test(cli, args),
        ChannelAction::Schema => {
            output::json(&takings_draft::schema());
            Ok(ExitCode::SUCCESS)
        }
        ChannelAction::Docs { out } => docs(cli, out),
    }
}

fn new(cli: &Cli, args: &ChannelNewArgs) -> Result<ExitCode> {
    let file = args.sample.to_string_lossy();
    let size = args.sample.metadata().map_err(|error| unreadable(&args.sample, &error))?.len();
    if size > SAMPLE_LIMIT {
        return Err(Failure::usage(format!("{file} has {} bytes: cut a sample of it, with its header and some thousand lines", thousands(size))));
    }
    let sample = std::fs::read(&args.sample).map_err(|error| unreadable(&args.sample, &error))?;
    let name = args.name.clone().unwrap_or_else(|| takings_draft::channel_name(&file));
    let base = args.sample.file_name().map_or_else(|| file.to_string(), |name| name.to_string_lossy().into_owned());
    let draft = match &args.encoding {
        None => takings_draft::channel(&sample, &base, &name),
        Some(encoding) => takings_draft::channel_in(&sample, &base, &name, encoding),
    };
    let draft = draft.map_err(Failure::run)?;
    let root = match (&args.out, &cli.project) {
        (Some(folder), _) | (None, Some(folder)) => folder.clone(),
        (None, None) => Project::find(&std::env::current_dir()?)?,
    };
    let written = write_draft(&root, &draft)?;
    if cli.json {
        output::json(&json!({"files": written, "notes": draft.notes, "questions": draft.questions}));
        return Ok(ExitCode::SUCCESS);
    }
    for path in &written {
        println!("{}", path.display());
    }
    if !draft.notes.is_empty() {
        println!();
        draft.notes.iter().for_each(|note| println!("- {note}"));
    }
    if draft.questions > 0 {
        println!(
            "\nthe sample leaves {} open: look for QUESTION in the channel file; it does not load before they are answered",
            counted(draft.questions, "question")
        );
    }
    println!("\nnext:\n  takings channel test {file} --channel {}\n  takings check", draft.name);
    Ok(ExitCode::SUCCESS)
}

/// All files of a draft, or none: what is there is never overwritten.
fn write_draft(root: &Path, draft: &Draft) -> Result<Vec<PathBuf>> {
    let name = draft.name.as_str();
    let mut files = vec![(root.join(format!("config/channels/{name}.toml")), draft.channel_toml.as_str())];
    files.extend(draft.table_tomls.iter().map(|(table, text)| (root.join(format!("config/tables/{table}.toml")), text.as_str())));
    if let Some((path, _)) = files.iter().find(|(path, _)| path.exists()) {
        return Err(Failure::usage(format!("{} is there already and stays as it is; choose another --name or another --out", path.display())));
    }
    for (path, text) in &files {
        let failed = |error: io::Error| Failure::run(format!("{} can't be written: {error}", path.display()));
        if let Some(folder) = path.parent() {
            std::fs::create_dir_all(folder).map_err(failed)?;
        }
        let mut file = OpenOptions::new().write(true).create_new(true).open(path).map_err(failed)?;
        file.write_all(text.as_bytes()).map_err(failed)?;
    }
    Ok(files.into_iter().map(|(path, _)| path).collect())
}

fn test(cli: &Cli, args: &ChannelTestArgs) -> Result<ExitCode> {
    args.file.metadata().map_err(|error| unreadable(&args.file, &error))?;
    let project = context::project(cli)?;
    let (channel, export, path) = export_of(&project, args)?;
    let open = || -> io::Result<Box<dyn Read>> { Ok(Box::new(BufReader::new(File::open(&args.file)?))) };
    let trials = tried(&project, channel, export, &path, &open, args.rows)?;
    let stopped = trials.iter().any(|trial| trial.stopped.is_some());
    if cli.json {
        output::json(&json!({"channel": channel.name, "path": path, "stopped": stopped, "exports": trials.iter().map(as_json).collect::<Vec<_>>()}));
    } else {
        println!("{path} is read by channel {}, export {}", channel.name, export.name);
        trials.iter().for_each(show);
        if stopped {
            println!("\nthe file would be STOPPED: nothing of it is published");
        }
    }
    Ok(if stopped { ExitCode::from(1) } else { ExitCode::SUCCESS })
}

/// A file as a run reads it, calculations and checks included.
fn tried(project: &Project, channel: &Channel, export: &Export, path: &str, open: Opener<'_>, rows: usize) -> Result<Vec<Trial>> {
    // Nothing is stored: any folder serves as the store.
    let engine = context::engine(project, &Store::open(".", &project.root)?, 1)?;
    takings_draft::trial(channel, export, &project.tables, path, rows, |export, table, file, first| {
        let general = General::new(&engine, project, channel, export, table);
        general
            .and_then(|general| general.try_out(export.quarantine_limit, file, open, first))
            .map_err(|failure| takings_draft::Error::new(failure.to_string()))
    })
    .map_err(Failure::usage)
}

/// The export that reads a file, and the path by which it knows it: the longest end of the file's path that an export matches.
fn export_of<'p>(project: &'p Project, args: &ChannelTestArgs) -> Result<(&'p Channel, &'p Export, String)> {
    let channels: Vec<&Channel> = match &args.channel {
        None => project.channels.values().collect(),
        Some(name) => vec![project.channel(name)?],
    };
    let whole = args.file.to_string_lossy().replace('\\', "/");
    let ends = std::iter::once(0).chain(whole.match_indices('/').map(|(at, _)| at + 1)).map(|at| &whole[at..]).filter(|end| !end.is_empty());
    if let Some(name) = &args.export {
        let found: Vec<_> = channels.iter().filter_map(|channel| Some((*channel, channel.export(name)?))).collect();
        let [(channel, export)] = found[..] else {
            let names = channels.iter().flat_map(|channel| channel.exports.iter().map(|export| export.name.as_str()));
            return Err(if found.is_empty() {
                unknown("export", name, names)
            } else {
                Failure::usage(format!("several channels have an export `{name}`; say --channel"))
            });
        };
        // Parts are read with the export that has the path.
        let first = channel.family(export)[0];
        let fits = |end: &&str| first.path.as_ref().is_some_and(|path| path.is_match(end));
        let path = ends.clone().find(|end| fits(end)).or_else(|| ends.clone().next_back()).unwrap_or(&whole);
        return Ok((channel, first, path.to_owned()));
    }
    for end in ends {
        let found: Vec<(&Channel, &Export)> =
            channels.iter().flat_map(|channel| channel.recognise(end).into_iter().map(move |export| (*channel, export))).collect();
        match found[..] {
            [] => {}
            [(channel, export)] => return Ok((channel, export, end.to_owned())),
            _ => {
                if let Some((channel, export)) = only_reader(project, &args.file, end, &found)? {
                    return Ok((channel, export, end.to_owned()));
                }
                let names: Vec<String> = found.iter().map(|(channel, export)| format!("{}/{}", channel.name, export.name)).collect();
                let one = found.iter().all(|(channel, _)| channel.name == found[0].0.name);
                let next = if one { "make their `path` patterns differ, or say --export" } else { "say --channel" };
                return Err(Failure::usage(format!("{end} fits several exports: {}; {next}", names.join(", "))));
            }
        }
    }
    if let Some(draft) = project.drafts.values().next().filter(|_| args.channel.is_none()) {
        return Err(Failure::usage(format!("{whole} fits no `path` of the channels that load; {draft}")));
    }
    let names: Vec<&str> = channels.iter().map(|channel| channel.name.as_str()).collect();
    Err(Failure::run(format!("{whole} fits no `path` of {}; correct the pattern, or say --channel and --export to read it all the same", names.join(", "))))
}

/// Of exports that a file's name fits in several channels the only one that can read it.
fn only_reader<'p>(project: &'p Project, file: &Path, path: &str, found: &[(&'p Channel, &'p Export)]) -> Result<Option<(&'p Channel, &'p Export)>> {
    if found.iter().any(|(channel, _)| found.iter().filter(|(other, _)| other.name == channel.name).count() > 1) {
        return Ok(None);
    }
    let open = || -> io::Result<Box<dyn Read>> { Ok(Box::new(BufReader::new(File::open(file)?))) };
    let mut readers = Vec::new();
    for (channel, export) in found {
        let trials = tried(project, channel, export, path, &open, 0)?;
        if trials.iter().all(|trial| trial.stopped.is_none()) {
            readers.push((*channel, *export));
        }
    }
    Ok(if let [one] = readers[..] { Some(one) } else { None })
}

fn show(trial: &Trial) {
    println!("\n== {} → {}", trial.export, trial.table);
    if let Some(outcome) = &trial.outcome {
        for part in &outcome.parts {
            let layout = part.layout.as_ref().map_or_else(String::new, |layout| format!(", layout {layout}"));
            println!("read: {}{layout}", if part.part.is_empty() { "the file" } else { &part.part });
        }
        if !outcome.ignored.is_empty() {
            println!("left out on purpose: {}", outcome.ignored.join(", "));
        }
    }
    if !trial.rows.is_empty() {
        println!("\n{}", first_rows(trial));
    }
    if let Some(outcome) = &trial.outcome {
        println!(
            "\n{} records: {} published as {} rows, {} quarantined, {} excluded",
            thousands(outcome.records),
            thousands(outcome.published),
            thousands(outcome.rows),
            thousands(outcome.quarantined),
            thousands(outcome.excluded.values().sum())
        );
        outcome.excluded.iter().for_each(|(rule, records)| println!("  excluded by {rule}: {}", thousands(*records)));
        if !trial.totals.is_empty() {
            let rows = trial.totals.iter().map(|(column, currency, sum)| vec![column.clone(), currency.clone(), sum.clone()]).collect();
            println!("{}", output::table(&["total of", "currency", "sum"], rows, &[2]));
        }
        for check in &outcome.checks {
            let sign = match check.holds {
                Some(true) => "holds",
                Some(false) => "DOES NOT HOLD",
                None => "not compared",
            };
            let found = if check.message.is_empty() { format!("{check}{}", check.found) } else { check.to_string() };
            println!("{found} ({sign})");
        }
        outcome.warnings.iter().for_each(|warning| println!("warning: {warning}"));
    }
    for reject in &trial.rejects {
        let part = if reject.part.is_empty() { String::new() } else { format!("{} ", reject.part) };
        let column = reject.column.as_ref().map_or_else(String::new, |column| format!(", column {column}"));
        println!("rejected: {part}line {}{column}, {:?}: {} ({})", reject.line, short(&reject.text), reject.reason, reject.rule);
        println!("  {}", short(&reject.raw));
    }
    if let Some(why) = &trial.stopped {
        println!("STOPPED: {why}");
    }
}

/// Columns that have a value in one of the rows; what is empty in all is named behind.
fn first_rows(trial: &Trial) -> String {
    let filled = |at: &usize| trial.rows.iter().any(|row| row.cells.get(*at).is_some_and(|cell| !cell.is_empty()));
    let (shown, empty): (Vec<usize>, Vec<usize>) = (0..trial.header.len()).partition(filled);
    let parts = trial.rows.iter().any(|row| !row.part.is_empty());
    let header: Vec<&str> = parts.then_some("part").into_iter().chain(["line"]).chain(shown.iter().map(|at| trial.header[*at].as_str())).collect();
    let rows = trial.rows.iter().map(|row| {
        let cells = shown.iter().map(|at| row.cells.get(*at).map_or_else(String::new, |cell| short(cell)));
        parts.then(|| row.part.clone()).into_iter().chain([row.line.to_string()]).chain(cells).collect()
    });
    let table = output::table(&header, rows.collect(), &[]);
    let empty: Vec<&str> = empty.into_iter().map(|at| trial.header[at].as_str()).collect();
    if empty.is_empty() { table } else { format!("{table}\nwithout a value here: {}", empty.join(", ")) }
}

fn as_json(trial: &Trial) -> Value {
    let rows: Vec<Value> = trial.rows.iter().map(|row| json!({"part": row.part, "line": row.line, "cells": row.cells})).collect();
    let rejects: Vec<Value> = trial
        .rejects
        .iter()
        .map(|reject| json!({"part": reject.part, "line": reject.line, "column": reject.column, "rule": reject.rule, "text": reject.text, "reason": reject.reason, "raw": reject.raw}))
        .collect();
    let outcome = trial.outcome.as_ref().map(|outcome| {
        let parts: Vec<Value> = outcome.parts.iter().map(|part| json!({"part": part.part, "layout": part.layout})).collect();
        let checks: Vec<Value> = outcome
            .checks
            .iter()
            .map(|check| json!({"name": check.name, "part": check.part, "group": check.group, "expected": check.expected, "found": check.found, "holds": check.holds, "message": check.message}))
            .collect();
        json!({
            "records": outcome.records, "published": outcome.published, "rows": outcome.rows, "quarantined": outcome.quarantined, "excluded": outcome.excluded,
            "parts": parts, "ignored": outcome.ignored, "checks": checks, "warnings": outcome.warnings,
        })
    });
    let totals: Vec<Value> = trial.totals.iter().map(|(column, currency, sum)| json!({"column": column, "currency": currency, "sum": sum})).collect();
    json!({
        "export": trial.export, "table": trial.table, "stopped": trial.stopped, "outcome": outcome, "header": trial.header, "rows": rows, "totals": totals,
        "rejects": rejects,
    })
}

fn docs(cli: &Cli, out: &Path) -> Result<ExitCode> {
    let project = context::project(cli)?;
    std::fs::create_dir_all(out)?;
    let mut written = Vec::new();
    for channel in project.channels.values() {
        let path = out.join(format!("{}.md", channel.name));
        std::fs::write(&path, takings_draft::page(channel, &project.tables))
            .map_err(|error| Failure::run(format!("{} can't be written: {error}", path.display())))?;
        written.push(path);
    }
    if cli.json {
        output::json(&json!({"files": written}));
    } else {
        written.iter().for_each(|path| println!("{}", path.display()));
    }
    Ok(ExitCode::SUCCESS)
}

fn unreadable(path: &Path, error: &io::Error) -> Failure {
    Failure::usage(format!("{} can't be read: {error}", path.display()))
}

fn unknown<'a>(what: &str, name: &str, known: impl Iterator<Item = &'a str> + Clone) -> Failure {
    Failure::usage(match takings_definitions::nearest(name, known.clone()) {
        Some(best) => format!("there is no {what} `{name}`; did you mean `{best}`?"),
        None => format!("there is no {what} `{name}`; known: {}", known.collect::<Vec<_>>().join(", ")),
    })
}

fn counted(number: usize, what: &str) -> String {
    if number == 1 { format!("one {what}") } else { format!("{number} {what}s") }
}

/// The beginning of a text, on one line.
fn short(text: &str) -> String {
    let line = text.replace(['\n', '\r', '\t'], " ");
    match line.char_indices().nth(SHOWN) {
        Some((end, _)) => format!("{}…", &line[..end]),
        None => line,
    }
}
