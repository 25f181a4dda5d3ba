//! `takings sql`: a read-only query on a recorded snapshot.

use std::path::Path;
use std::process::ExitCode;

use arrow::array::{Array, RecordBatch};
use arrow::util::display::{ArrayFormatter, FormatOptions};
use chrono::DateTime;
use futures::TryStreamExt;
use takings_engine::{Parameters, Tables};
use uuid::Uuid;

use crate::cli::{Cli, Format, SqlArgs};
use crate::context::Context;
use crate::failure::{Failure, Result};
use crate::{output, transform};

pub async fn sql(cli: &Cli, args: &SqlArgs) -> Result<ExitCode> {
    let context = Context::open(cli).await?;
    let tables = snapshot_tables(&context, args.snapshot.as_deref()).await?;
    let known_at = match &args.known_at {
        Some(text) => super::instant(text, "--known-at")?,
        None => DateTime::parse_from_rfc3339("9999-12-31T00:00:00Z").map_err(Failure::run)?.to_utc(),
    };
    let seller =
        context.project.settings.instances.iter().find(|instance| instance.name == args.instance).map_or("", |instance| instance.seller_account.as_str());
    let parameters = Parameters::constants(&context.project.settings.parameters)
        .timestamp("known_at", known_at)
        .text("instance", &args.instance)
        .text("seller_account", seller);
    let mut session = context.engine.session(&context.project, &context.graph, tables, parameters);
    let frame = session.plan_text(Path::new("query"), &args.query).await?;
    let names: Vec<String> = frame.schema().fields().iter().map(|field| field.name().clone()).collect();
    let mut rows = session.stream("query", frame).await?;
    let format = if cli.json { Format::Json } else { args.format };
    let mut printer = Printer::new(format, names);
    while let Some(batch) = rows.try_next().await.map_err(|error| takings_engine::Error::running("query", &error))? {
        printer.rows(&batch)?;
    }
    printer.end()?;
    Ok(ExitCode::SUCCESS)
}

/// The files of a recorded snapshot; nothing newer is seen.
pub async fn snapshot_tables(context: &Context, id: Option<&str>) -> Result<Tables> {
    let snapshot = match id {
        None => context.ledger.latest_snapshot().await?,
        Some(text) => {
            let id = Uuid::parse_str(text).map_err(|_| Failure::usage(format!("\"{text}\" is not a snapshot id; `takings runs show RUN` lists them")))?;
            Some(context.ledger.snapshot(id).await?.ok_or_else(|| Failure::usage(format!("there is no snapshot {id}")))?)
        }
    };
    let Some(snapshot) = snapshot else {
        return Err(Failure::run("there is no snapshot yet; run a job first, for example `takings run nightly`"));
    };
    let mut tables = Tables::new();
    for (name, version) in &snapshot.tables {
        let Some(table) = context.project.tables.get(name) else { continue };
        let Some(state) = context.lake.state(table, Some(*version)).await? else { continue };
        tables.insert(name.clone(), transform::scan_files(name, &state.files));
    }
    Ok(tables)
}

/// Prints rows as they come, except for the table, whose widths need them all.
struct Printer {
    format: Format,
    names: Vec<String>,
    held: Vec<Vec<String>>,
    csv: csv::Writer<std::io::Stdout>,
    first: bool,
}

impl Printer {
    fn new(format: Format, names: Vec<String>) -> Self {
        Self { format, names, held: Vec::new(), csv: csv::Writer::from_writer(std::io::stdout()), first: true }
    }

    fn rows(&mut self, batch: &RecordBatch) -> Result<()> {
        let options = FormatOptions::default().with_null("").with_timestamp_tz_format(Some("%Y-%m-%dT%H:%M:%S%.fZ"));
        let formatters =
            batch.columns().iter().map(|column| ArrayFormatter::try_new(column, &options)).collect::<std::result::Result<Vec<_>, _>>().map_err(Failure::run)?;
        for row in 0..batch.num_rows() {
            let cells: Vec<Option<String>> =
                batch.columns().iter().zip(&formatters).map(|(column, formatter)| column.is_valid(row).then(|| formatter.value(row).to_string())).collect();
            match self.format {
                Format::Table => self.held.push(cells.into_iter().map(Option::unwrap_or_default).collect()),
                Format::Csv => {
                    if std::mem::take(&mut self.first) {
                        self.csv.write_record(&self.names).map_err(Failure::run)?;
                    }
                    self.csv.write_record(cells.iter().map(|cell| cell.as_deref().unwrap_or_default())).map_err(Failure::run)?;
                }
                Format::Json => {
                    let object: serde_json::Map<String, serde_json::Value> = self.names.iter().cloned().zip(cells.into_iter().map(Into::into)).collect();
                    println!("{}", serde_json::Value::Object(object));
                }
            }
        }
        Ok(())
    }

    fn end(mut self) -> Result<()> {
        match self.format {
            Format::Table => {
                let names: Vec<&str> = self.names.iter().map(String::as_str).collect();
                let count = self.held.len();
                println!("{}", output::table(&names, self.held, &[]));
                println!("({} rows)", output::thousands(count as u64));
            }
            Format::Csv => {
                if self.first {
                    self.csv.write_record(&self.names).map_err(Failure::run)?;
                }
                self.csv.flush()?;
            }
            Format::Json => {}
        }
        Ok(())
    }
}
