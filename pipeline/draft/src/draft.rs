//! A first draft of a channel file and its contracts, tried on the sample itself before it is handed out.

use std::collections::BTreeMap;
use std::path::Path;

use encoding_rs::{Encoding, REPLACEMENT};
use takings_decode::general::{Layout, Reader, Sink, Taken};
use takings_decode::{Error, FileIdentity, PartFacts, Reject, Result, Typed};
use takings_definitions::{Channel, Table};

use crate::assemble::assemble;
use crate::plan::{ChannelPlan, ExcludePlan, ExportPlan, Question};
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
    draft(sample, file, name, None)
}

/// The same for a sample whose encoding is known: `shift_jis`. A byte order mark wins all the same.
pub fn channel_in(sample: &[u8], file: &str, name: &str, encoding: &str) -> Result<Draft, crate::Error> {
    let known = Encoding::for_label(encoding.as_bytes()).filter(|known| *known != REPLACEMENT);
    let unknown =
        || crate::Error::new(format!("{encoding:?} is no encoding that is known; names are utf-8, utf-16le, windows-1252, iso-8859-2, shift_jis, gbk, big5 …"));
    draft(sample, file, name, Some(known.ok_or_else(unknown)?))
}

fn draft(sample: &[u8], file: &str, name: &str, encoding: Option<&'static Encoding>) -> Result<Draft, crate::Error> {
    let mut plan = assemble(sample, file, name, encoding)?;
    let mut notes = Vec::new();
    try_out(&mut plan, sample, file, &mut notes);
    let questions = questions(&plan);
    for export in &plan.exports {
        notes.extend(export.notes.iter().chain(&export.questions).map(|note| format!("{}: {note}", export.name)));
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
    let asks = |rule: &&ExcludePlan| matches!(rule, ExcludePlan::Total { asks: true, .. });
    let rows = plan.exports.iter().flat_map(|export| &export.exclude).filter(asks).count();
    rows + plan.exports.iter().flat_map(|export| &export.columns).filter(|column| column.question.is_some()).count()
}

/// So many combinations of answers are tried; with more, the first answers of all, the second of all, …
const COMBINATIONS: usize = 32;

/// The plan under each combination of answers to its questions. Which currency a sign is makes no other reading.
fn answered(plan: &ChannelPlan) -> Vec<ChannelPlan> {
    let asked = plan.exports.iter().flat_map(|export| &export.columns).filter_map(|column| column.question.as_ref());
    let reads = |question: &Question| question.answers.iter().all(|(keys, _)| keys.iter().all(|(key, _)| *key != "constant"));
    let answers: Vec<usize> = asked.map(|question| if reads(question) { question.answers.len().max(1) } else { 1 }).collect();
    let most = answers.iter().copied().max().unwrap_or(1);
    let all = answers.iter().try_fold(1usize, |all, count| all.checked_mul(*count)).filter(|all| *all <= COMBINATIONS);
    let chosen = |mut at: usize| {
        let digit = |count: &usize| {
            let own = if all.is_some() { at % count } else { at.min(count - 1) };
            at /= if all.is_some() { *count } else { 1 };
            own
        };
        with_answers(plan, answers.iter().map(digit))
    };
    (0..all.unwrap_or(most)).map(chosen).collect()
}

/// The plan with these answers to its questions, in their order.
fn with_answers(plan: &ChannelPlan, mut answers: impl Iterator<Item = usize>) -> ChannelPlan {
    let mut plan = plan.clone();
    for rule in plan.exports.iter_mut().flat_map(|export| &mut export.exclude) {
        // A row that is read all the same is tried by its reader: what it lacks must not make texts of columns.
        if let ExcludePlan::Total { asks, .. } = rule {
            *asks = false;
        }
    }
    for column in plan.exports.iter_mut().flat_map(|export| &mut export.columns) {
        let Some(question) = column.question.take() else { continue };
        let Some((keys, _)) = answers.next().and_then(|at| question.answers.get(at)) else { continue };
        column.keys.extend(keys.iter().map(|(key, value)| (*key, value.clone(), String::new())));
    }
    plan
}

/// Reads the sample by the draft, under each answer of its questions. A column that the sample does not bear out becomes text, an amount
/// without a currency loses its tie.
fn try_out(plan: &mut ChannelPlan, sample: &[u8], file: &str, notes: &mut Vec<String>) {
    for _ in 0..ROUNDS {
        let (mut found, mut published) = (Vec::new(), Vec::new());
        for answered in answered(plan) {
            match read(&answered, sample, file) {
                Ok((rejected, rows)) => {
                    for one in rejected {
                        if found.iter().all(|known: &Rejected| (known.export, &known.column) != (one.export, &one.column)) {
                            found.push(one);
                        }
                    }
                    published = rows;
                }
                Err(error) => {
                    notes.push(format!("the draft can't read its sample yet: {error}"));
                    return;
                }
            }
        }
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
            plan.exports.iter_mut().for_each(without_unused_currency);
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

/// Takes back the column of a currency that was added for amounts which are none.
fn without_unused_currency(export: &mut ExportPlan) {
    let used: Vec<String> = export.columns.iter().filter_map(|column| column.currency.clone()).collect();
    export.columns.retain(|column| !column.adds_currency() || used.contains(&column.name));
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::Column;

    /// The answers of each combination that is tried, for questions with so many answers; 0 is one for the currency of a sign.
    fn tried(questions: &[usize]) -> Vec<String> {
        let column = |(at, count): (usize, &usize)| {
            let (key, count) = if *count == 0 { ("constant", 3) } else { ("formats", *count) };
            let answers = (0..count).map(|answer| (vec![(key, format!("{at}{answer}"))], String::new())).collect();
            Column { question: Some(Question { why: String::new(), answers }), ..Column::default() }
        };
        let export = ExportPlan { columns: questions.iter().enumerate().map(column).collect(), ..ExportPlan::default() };
        let plans = answered(&ChannelPlan { name: String::new(), exports: vec![export] });
        let keys = |plan: &ChannelPlan| plan.exports[0].columns.iter().flat_map(|column| &column.keys).map(|(_, value, _)| value.clone()).collect::<Vec<_>>();
        plans.iter().map(|plan| keys(plan).join(" ")).collect()
    }

    #[test]
    fn all_combinations_of_answers_are_tried_up_to_a_bound() {
        assert_eq!(tried(&[]), [""]);
        assert_eq!(tried(&[2, 0, 3]), ["00 10 20", "01 10 20", "00 10 21", "01 10 21", "00 10 22", "01 10 22"]);
        assert_eq!(tried(&[2, 2, 2, 2, 2]).len(), COMBINATIONS);
        assert_eq!(tried(&[2, 2, 2, 2, 3]), ["00 10 20 30 40", "01 11 21 31 41", "01 11 21 31 42"]);
    }
}
