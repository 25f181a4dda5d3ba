//! Checks of a file against what it says of itself, exactly: sums in checked integers, compared at a common scale.
//!
//! Rows are looked at as they are published. `equation` is not evaluated here.

mod number;
mod state;

use std::collections::BTreeMap;

use arrow::array::RecordBatch;
use takings_definitions::{Check, CheckKind, ColumnType, Expect, Export, Level, Missing, ParseKeys, Several, Table};

use super::outcome::CheckOutcome;
use super::seen::{Found, Seen};
use crate::{Error, Result};
use number::Number;
use state::State;

/// The checks of one file while it is read.
pub(crate) struct Checks {
    running: Vec<Running>,
    done: Vec<CheckOutcome>,
}

struct Running {
    check: Check,
    /// How the expected number is written.
    keys: ParseKeys,
    /// Whether its layout is that of the part that is being read.
    active: bool,
    state: State,
}

/// Every column that a check names is one of the table, and of a kind that it can look at.
pub(crate) fn check_columns(export: &Export, table: &Table) -> Result<()> {
    for check in &export.checks {
        let wrong = |what: String| Error::config(format!("export `{}`, check `{}`: {what}", export.name, check.name));
        let column = |name: &str| {
            table.column(name).ok_or_else(|| {
                let nearest = takings_definitions::nearest(name, table.columns.iter().map(|column| column.name.as_str()));
                let hint = nearest.map_or_else(String::new, |best| format!(" (nearest: `{best}`)"));
                wrong(format!("`{name}` is not a column of {}{hint}", table.name))
            })
        };
        for name in &check.by {
            column(name)?;
        }
        match &check.kind {
            CheckKind::Sum { column: name } | CheckKind::NoRepeat { column: name } => {
                let found = column(name)?;
                if !matches!(found.kind, ColumnType::Decimal { .. } | ColumnType::Int64) {
                    return Err(wrong(format!("{name} is {}, and only numbers have a sum", found.kind)));
                }
            }
            CheckKind::Unique { columns } => {
                for name in columns {
                    column(name)?;
                }
            }
            CheckKind::Single { column: name } => {
                column(name)?;
            }
            CheckKind::Rows | CheckKind::Lines | CheckKind::Equation { .. } => {}
        }
    }
    Ok(())
}

impl Checks {
    pub fn new() -> Self {
        Self { running: Vec::new(), done: Vec::new() }
    }

    /// The rows that follow are of this layout.
    pub fn layout(&mut self, export: &Export) {
        for running in &mut self.running {
            running.active = export.checks.iter().any(|check| check.name == running.check.name);
        }
        for check in &export.checks {
            if matches!(check.kind, CheckKind::Equation { .. }) || self.running.iter().any(|running| running.check.name == check.name) {
                continue;
            }
            let own = match &check.kind {
                CheckKind::Sum { column } => export.columns.get(column).map(|spec| spec.parse.over(&export.parse)),
                _ => None,
            };
            let keys = own.unwrap_or_else(|| export.parse.clone());
            self.running.push(Running { check: check.clone(), keys, active: true, state: State::default() });
        }
    }

    /// Rows that are published, of a table of the part that is being read.
    pub fn rows(&mut self, table: &str, batch: &RecordBatch) -> Result<()> {
        for running in self.running.iter_mut().filter(|running| running.active) {
            running.state.rows(&running.check, table, batch)?;
        }
        Ok(())
    }

    /// The end of a part: what it says of itself is compared.
    pub fn end(&mut self, part: &str, seen: &Seen) {
        for running in self.running.iter_mut().filter(|running| running.active) {
            running.state.lines(seen.lines);
            let values = match &running.check.expect {
                Some(Expect::Trailer(name)) => seen.trailers.get(name).map(Vec::as_slice).unwrap_or_default().to_vec(),
                Some(Expect::Cell(name)) => plain(seen.cells.get(name)),
                Some(Expect::Record { record, field }) => plain(seen.records.get(record).and_then(|fields| fields.get(field - 1))),
                Some(Expect::Part { .. } | Expect::Constant(_)) | None => continue,
            };
            running.compare(part, &values, &mut self.done);
            running.state.part_ended();
        }
    }

    /// The end of the file.
    pub fn finish(mut self, asked: &BTreeMap<(String, String, u64), String>) -> Vec<CheckOutcome> {
        for running in &mut self.running {
            let values = match &running.check.expect {
                Some(Expect::Part { part, column, row }) => plain(asked.get(&(part.clone(), column.clone(), *row))),
                Some(Expect::Constant(text)) => plain(Some(text)),
                Some(_) => continue,
                None => {
                    let (found, wrong) = running.state.alone(&running.check);
                    self.done.push(running.outcome("", Vec::new(), None, found, Some(wrong.is_none()), wrong.unwrap_or_else(|| "holds".to_owned())));
                    continue;
                }
            };
            running.compare("", &values, &mut self.done);
        }
        self.done
    }
}

fn plain(text: Option<&String>) -> Vec<Found> {
    text.map(|text| Found { line: 0, value: text.trim().to_owned(), groups: BTreeMap::new() }).into_iter().collect()
}

impl Running {
    fn compare(&self, part: &str, values: &[Found], done: &mut Vec<CheckOutcome>) {
        let mut expected: BTreeMap<Vec<String>, Vec<&Found>> = BTreeMap::new();
        for value in values {
            let group: Vec<String> = self.check.by.iter().map(|name| value.groups.get(name).cloned().unwrap_or_default()).collect();
            expected.entry(group).or_default().push(value);
        }
        for (group, said) in expected.iter().filter(|_| self.check.several == Several::Same) {
            if let Some(other) = said.iter().find(|other| other.value != said[0].value) {
                let message = format!("the file says {:?} on line {} and {:?} on line {}", said[0].value, said[0].line, other.value, other.line);
                done.push(self.outcome(part, group.clone(), None, String::new(), Some(false), message));
                return;
            }
        }
        let found = self.state.found(&self.check);
        if expected.is_empty() {
            let shown = found.values().map(Number::shown).collect::<Vec<_>>().join(", ");
            let (holds, message) = match &self.check.expect {
                Some(Expect::Trailer(name)) if self.check.missing == Missing::Stop && self.state.has_rows() => {
                    (Some(false), format!("the file has rows and no trailer `{name}`: it was cut off, ask for it again"))
                }
                // A trailer that must be there in any file stops it before.
                Some(Expect::Trailer(_)) => (None, "the file doesn't say what it should be".to_owned()),
                _ => (Some(false), "the file doesn't say what it should be".to_owned()),
            };
            done.push(self.outcome(part, Vec::new(), None, shown, holds, message));
            return;
        }
        let groups: std::collections::BTreeSet<&Vec<String>> = expected.keys().chain(found.keys()).collect();
        for group in groups {
            done.push(self.compare_group(part, group, expected.get(group).map(Vec::as_slice).unwrap_or_default(), found.get(group)));
        }
    }

    /// `said`: the lines of the group, of which the first counts, or all together.
    fn compare_group(&self, part: &str, group: &[String], said: &[&Found], found: Option<&Number>) -> CheckOutcome {
        let zero = Number::zero();
        let found = found.unwrap_or(&zero);
        let shown = found.shown();
        let outcome = |expected: Option<String>, holds, message: String| self.outcome(part, group.to_vec(), expected, shown.clone(), holds, message);
        let Some(first) = said.first() else {
            return outcome(None, Some(false), format!("found {shown}, and the file says nothing of it"));
        };
        let said = if self.check.several == Several::Sum { said } else { &said[..1] };
        let mut number = Number::zero();
        for value in said {
            let Some(read) = Number::read(&value.value, &self.keys) else {
                return outcome(Some(value.value.clone()), Some(false), format!("{:?} is not a number", value.value));
            };
            number = number.plus(&read);
        }
        let holds = found.is_near(&number, self.check.tolerance);
        let message = match holds {
            Some(true) if number.shown() == shown => format!("{shown} as expected"),
            Some(true) => format!("{shown}, and {} is expected: near enough", number.shown()),
            Some(false) => {
                let from = self.said(first, said.len());
                match found.minus(&number) {
                    Some(difference) => format!("expected {}{from}, found {shown}: a difference of {}", number.shown(), difference.shown()),
                    None => format!("expected {}{from}, found {shown}", number.shown()),
                }
            }
            None => "the sum is larger than 128 bits hold".to_owned(),
        };
        outcome(Some(number.shown()), Some(holds == Some(true)), message)
    }

    /// Where the file says it: the first of so many lines.
    fn said(&self, value: &Found, lines: usize) -> String {
        match &self.check.expect {
            Some(Expect::Trailer(name)) if lines > 1 => format!(" ({lines} lines of trailer `{name}`, the first is line {})", value.line),
            Some(Expect::Trailer(name)) => format!(" (trailer `{name}` on line {})", value.line),
            Some(Expect::Cell(name)) => format!(" (cell `{name}`)"),
            Some(Expect::Record { record, field }) => format!(" (field {field} of record {record})"),
            Some(Expect::Part { part, column, row }) => format!(" ({column:?} of row {row} in {part})"),
            Some(Expect::Constant(_)) | None => String::new(),
        }
    }

    fn outcome(&self, part: &str, group: Vec<String>, expected: Option<String>, found: String, holds: Option<bool>, message: String) -> CheckOutcome {
        let level = self.check.level;
        let holds = if level == Level::Display { None } else { holds };
        CheckOutcome { name: self.check.name.clone(), level, part: part.to_owned(), group, expected, found, holds, message }
    }
}
