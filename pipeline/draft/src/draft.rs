//! A first draft of a channel file and its contracts, tried on the sample itself before it is handed out.

use std::collections::BTreeMap;
use std::path::Path;

use takings_decode::general::{Layout, Reader, Sink, Taken};
use takings_decode::{Error, FileIdentity, PartFacts, Reject, Result, Typed};
use takings_definitions::{Channel, Table};

use crate::assemble::assemble;
use crate::plan::ChannelPlan;
use crate::write;

/// Rounds of reading the sample and taking back what it does not bear out.
const ROUNDS: usize = 8;

/// What was drafted.
#[derive(Debug, Clone)]
pub struct Draft {
    /// The channel's name, as it may stand in a file.
    pub name: String,
    /// For config/channels/<name>.toml.
    pub channel_toml: String,
    /// Name and text, for config/tables/<name>.toml.
    pub table_tomls: Vec<(String, String)>,
    /// What the user should know or decide.
    pub notes: Vec<String>,
    /// Questions that stand open: the channel file does not load before they are answered.
    pub questions: usize,
}

/// Drafts a channel file for a sample. An error says why nothing can be drafted.
pub fn channel(sample: &[u8], file: &str, name: &str) -> Result<Draft, crate::Error> {
    let mut plan = assemble(sample, file, name)?;
    let questions = questions(&plan);
    let mut notes = Vec::new();
    if questions == 0 {
        try_out(&mut plan, sample, file, &mut notes);
    }
    for export in &plan.exports {
        notes.extend(export.notes.iter().map(|note| format!("{}: {note}", export.name)));
        for column in &export.columns {
            if let Some(question) = &column.question {
                notes.push(format!("{}.{}: {}", export.name, column.name, question.why));
            }
        }
    }
    Ok(Draft {
        name: plan.name.clone(),
        channel_toml: write::channel(&plan, file),
        table_tomls: plan.exports.iter().map(|export| (export.table.clone(), write::table(export, &plan.name))).collect(),
        notes,
        questions,
    })
}

fn questions(plan: &ChannelPlan) -> usize {
    plan.exports.iter().flat_map(|export| &export.columns).filter(|column| column.question.is_some()).count()
}

/// Reads the sample by the draft. A column that the sample does not bear out becomes text, an amount without a currency loses its tie.
fn try_out(plan: &mut ChannelPlan, sample: &[u8], file: &str, notes: &mut Vec<String>) {
    for _ in 0..ROUNDS {
        let (found, published) = match read(plan, sample, file) {
            Ok(read) => read,
            Err(error) => {
                notes.push(format!("the draft can't read its sample yet: {error}"));
                return;
            }
        };
        let mut changed = false;
        for Rejected { export, column, currency, why } in &found {
            let export = &mut plan.exports[*export];
            let Some(column) = column.as_ref().and_then(|name| export.columns.iter_mut().find(|column| column.name == *name)) else { continue };
            if *currency && column.currency.take().is_some() {
                export.notes.push(format!("{} has amounts without a currency, so it names none in the contract: {why}", column.name));
                changed = true;
            } else if column.kind != "text" {
                export.notes.push(format!("{} stays text, as not all values of the sample are {}: {why}", column.name, column.kind));
                column.as_text("Text: its values are of several forms.");
                // A text says no month.
                if export.partition.as_deref() == Some(column.name.as_str()) {
                    export.partition = None;
                }
                changed = true;
            } else if !column.nullable {
                column.nullable = true;
                changed = true;
            }
        }
        if !changed {
            for (export, published) in plan.exports.iter().zip(published) {
                if published + (found.len() as u64) < export.records_seen {
                    notes.push(format!(
                        "{}: {published} records are read, and the sample seems to have {}: look at `end` and `exclude`",
                        export.name, export.records_seen
                    ));
                }
            }
            notes.extend(found.into_iter().take(5).map(|rejected| format!("not read yet: {}", rejected.why)));
            return;
        }
    }
}

struct Rejected {
    /// Which of the draft's exports.
    export: usize,
    column: Option<String>,
    currency: bool,
    why: String,
}

/// The first reject of each column, and how many records of each export were published.
fn read(plan: &ChannelPlan, sample: &[u8], file: &str) -> Result<(Vec<Rejected>, Vec<u64>), String> {
    let text = write::channel(plan, file);
    let channel = Channel::parse(Path::new("draft.toml"), &text).map_err(|error| error.to_string())?;
    let (mut all, mut published) = (Vec::new(), Vec::new());
    for (at, export) in plan.exports.iter().enumerate() {
        let table = Table::parse(Path::new("table.toml"), &write::table(export, &plan.name)).map_err(|error| error.to_string())?;
        let parsed = channel.export(&export.name).ok_or("an export is missing")?;
        let reader = Reader::new(&channel, parsed, &table, &BTreeMap::new()).map_err(|error| error.to_string())?;
        let identity = FileIdentity { instance: "main".to_owned(), file_id: "draft".to_owned(), path: file.to_owned() };
        let mut rejects = Rejects::default();
        let outcome = reader.read(&identity, &|| Ok(Box::new(sample)), &mut rejects).map_err(|error| error.to_string())?;
        if let Some(why) = outcome.stopped() {
            return Err(why);
        }
        published.push(outcome.published);
        all.extend(rejects.first.into_iter().map(|(column, reject)| {
            let place = if reject.part.is_empty() { format!("line {}", reject.line) } else { format!("{} line {}", reject.part, reject.line) };
            Rejected {
                export: at,
                column: Some(column).filter(|name| !name.is_empty()),
                currency: reject.rule == takings_decode::rule::CURRENCY && reject.reason.contains("without a currency"),
                why: format!("{place}: {}", reject.reason),
            }
        }));
    }
    Ok((all, published))
}

#[derive(Default)]
struct Rejects {
    first: BTreeMap<String, Reject>,
}

impl Sink for Rejects {
    type Error = Error;

    fn rows(&mut self, _: &Layout, _: &PartFacts, typed: Typed) -> Result<Taken> {
        Ok(Taken::all(typed))
    }

    fn reject(&mut self, reject: Reject) -> Result<()> {
        self.first.entry(reject.column.clone().unwrap_or_default()).or_insert(reject);
        Ok(())
    }
}
