//! Blocks of one part → batches, rejects and control totals.
//!
//! A block is read column by column. Where that finds records with problems, they become rejects and the block is read again without
//! them: batch and totals come from one reading that found nothing wrong.

use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, BooleanArray, Date32Array, Decimal128Array, Int64Array, RecordBatch, RecordBatchOptions, StringArray, StringBuilder,
    TimestampMicrosecondArray,
};
use arrow::datatypes::SchemaRef;
use takings_definitions::ColumnType;

use super::binding::{Bound, bind};
use super::currency::{is_code, no_code};
use super::numbers::Beside;
use super::reading::{Cells, Findings, Problem, beside, boolean, read_values, texts_of};
use super::values::{Reader, ValueColumn, Values};
use crate::dating::{NO_MONTH, UNKNOWN};
use crate::decoder::repeated;
use crate::reject::{Finding, reason, rule};
use crate::totals::Sums;
use crate::{Block, ColumnTotal, Error, FileIdentity, PartFacts, Reject, Result, add_totals};

/// An export's columns bound to one part of one file. Blocks are typed in the order of the file: `fill = "down"` looks back.
#[derive(Debug)]
pub struct Typing {
    values: Arc<Values>,
    file: FileIdentity,
    part: Arc<PartFacts>,
    bound: Vec<Bound>,
    warnings: Vec<String>,
    /// Per column the last text, where empty cells take it.
    above: Vec<Option<String>>,
}

/// What a block became: `records` = records with rows in the batch + `rejects`.
#[derive(Debug)]
pub struct Typed {
    /// Rows in the order of the file. Where calculations come behind ([`Values::is_final`]), calculated columns, `_known_at` and
    /// `period_month` may still be null.
    pub batch: RecordBatch,
    /// The scratch columns of the same rows.
    pub scratch: RecordBatch,
    /// By line.
    pub rejects: Vec<Reject>,
    pub records: u64,
    /// Rows of the block, those of rejected records too.
    pub rows: u64,
    /// Sums of the batch's money columns by column and currency; without those that calculations set.
    pub totals: Vec<ColumnTotal>,
}

/// One reading of the rows that are not skipped. With problems its arrays are not whole.
struct Reading {
    arrays: Vec<ArrayRef>,
    problems: Vec<Problem>,
    totals: Vec<ColumnTotal>,
}

impl Typing {
    /// Binds the columns to a part. An error stops the file.
    pub fn new(values: Arc<Values>, file: FileIdentity, part: Arc<PartFacts>) -> Result<Self> {
        let (bound, warnings) = bind(&values, &file.path, &part)?;
        Ok(Self { above: vec![None; bound.len()], values, file, part, bound, warnings })
    }

    /// What the user should know of the header: columns that are left out.
    pub fn warnings(&self) -> &[String] {
        &self.warnings
    }

    /// The schema of the batches: that of the table, with nulls where calculations come behind.
    pub fn batch_schema(&self) -> &SchemaRef {
        &self.values.draft
    }

    /// The batch, rejects and control totals of the part's next block. An error stops the file.
    pub fn decode(&mut self, block: &Block) -> Result<Typed> {
        let rows = block.rows();
        let mut skip = vec![false; rows];
        let before = self.above.clone();
        let mut reading = self.read(block, &skip)?;
        let mut rejects: Vec<Reject> = Vec::new();
        while !reading.problems.is_empty() {
            reading.problems.sort_by_key(|problem| block.line(problem.row));
            for problems in reading.problems.chunk_by(|one, next| block.line(one.row) == block.line(next.row)) {
                let line = block.line(problems[0].row);
                rejects.push(self.rejected(block, problems));
                let first = skip_from(block, problems[0].row, line);
                (first..rows).take_while(|row| block.line(*row) == line).for_each(|row| skip[row] = true);
            }
            self.above.clone_from(&before);
            reading = self.read(block, &skip)?;
        }
        rejects.sort_by_key(|reject| reject.line);
        let mut arrays = reading.arrays;
        let kept = skip.iter().filter(|skip| !**skip).count();
        let own = arrays.split_off(self.values.columns.len());
        let scratch = arrays.split_off(self.values.contract);
        arrays.extend(own);
        let broken = |error: arrow::error::ArrowError| Error::data(format!("{}: {error}", self.file.path));
        let batch = RecordBatch::try_new(self.values.draft.clone(), arrays).map_err(broken)?;
        let scratch = RecordBatch::try_new_with_options(self.values.scratch.clone(), scratch, &RecordBatchOptions::new().with_row_count(Some(kept)));
        let mut totals = Vec::new();
        add_totals(&mut totals, &reading.totals)?;
        Ok(Typed { batch, scratch: scratch.map_err(broken)?, rejects, records: block.records(), rows: rows as u64, totals })
    }

    /// Columns of text first: currencies are among them, and maps fill columns of reasons.
    fn read(&mut self, block: &Block, skip: &[bool]) -> Result<Reading> {
        let values = self.values.clone();
        let kept: Vec<usize> = (0..block.rows()).filter(|row| !skip[*row]).collect();
        let mut arrays: Vec<Option<ArrayRef>> = vec![None; values.columns.len()];
        let mut problems = Vec::new();
        let mut totals = Vec::new();
        let text = |at: &usize| values.columns[*at].kind == ColumnType::Text && values.columns[*at].reason_of.is_none();
        let (texts, others): (Vec<usize>, Vec<usize>) = (0..values.columns.len()).filter(|at| values.columns[*at].reason_of.is_none()).partition(text);
        for at in texts.into_iter().chain(others) {
            let column = &values.columns[at];
            let Bound { source, with, condition, unit } = &self.bound[at];
            let mut above = self.above[at].take();
            let mut cells = Cells { column, block, source, with: with.as_ref(), above: &mut above, reasons: column.reason.map(|_| StringBuilder::new()) };
            let mut found =
                Findings { problems: &mut problems, column: at, cells: block, source, with: with.as_ref(), nullable: column.nullable || column.calculated };
            let array: ArrayRef = match &column.reader {
                Reader::Text { whole_decimals } => Arc::new(texts_of(&mut cells, &mut found, skip, *whole_decimals)),
                Reader::Day(reader) => Arc::new(Date32Array::from(read_values(&mut cells, &mut found, skip, |_, _, text| reader.day(text)))),
                Reader::Instant(reader) => {
                    let instants = read_values(&mut cells, &mut found, skip, |_, _, text| reader.instant(text));
                    Arc::new(TimestampMicrosecondArray::from(instants).with_timezone("UTC"))
                }
                Reader::Bool { yes, no } => Arc::new(BooleanArray::from(read_values(&mut cells, &mut found, skip, |_, _, text| boolean(text, yes, no)))),
                Reader::Number(reader) => {
                    let currencies = column.currency.and_then(|at| arrays[at].as_ref()).and_then(|array| array.as_any().downcast_ref::<StringArray>());
                    let any = column.currency.is_some_and(|at| values.columns[at].means_its_texts());
                    let settled = column.currency.is_some_and(|currency| !column.calculated && !values.columns[currency].calculated);
                    let mut sums = Sums::default();
                    let numbers = read_values(&mut cells, &mut found, skip, |row, place, text| {
                        let currency = currencies.map(|texts| if texts.is_valid(place) { texts.value(place) } else { "" });
                        let value = reader
                            .read(text, Beside { condition: beside(condition.as_ref(), block, row), unit: beside(unit.as_ref(), block, row), currency })?;
                        if column.bound.is_some_and(|bound| !column.calculated && value.unsigned_abs() > bound.unsigned_abs()) {
                            return Err(Finding::new(rule::BOUND, "is beyond the bound that the contract sets"));
                        }
                        if settled {
                            match currency {
                                // Nothing is nothing in any currency.
                                _ if value == 0 => {}
                                Some(currency) if any || is_code(currency.as_bytes()) => sums.add(currency.as_bytes(), value),
                                Some(currency) if !currency.is_empty() => return Err(no_code(currency.as_bytes())),
                                _ => return Err(no_currency(&values, column)),
                            }
                        }
                        Ok(value)
                    });
                    if problems.is_empty() {
                        totals.extend(sums.finish(&column.name)?);
                    }
                    number_array(column, numbers)?
                }
            };
            let reasons = cells.reasons.take();
            self.above[at] = above;
            if let (Some(to), Some(mut reasons)) = (column.reason, reasons) {
                arrays[to] = Some(Arc::new(reasons.finish()));
            }
            arrays[at] = Some(array);
        }
        let mut arrays: Vec<ArrayRef> = arrays.into_iter().flatten().collect();
        if problems.is_empty() {
            self.append_own(block, &kept, &mut arrays, &mut problems);
        }
        Ok(Reading { arrays, problems, totals })
    }

    /// The columns that every raw table carries.
    fn append_own(&self, block: &Block, kept: &[usize], arrays: &mut Vec<ArrayRef>, problems: &mut Vec<Problem>) {
        let values = &*self.values;
        let rows = kept.len();
        let known_at = values.dating.known_at(&arrays[..values.contract], rows);
        let months = values.dating.months(&arrays[..values.contract], rows);
        if !values.calculated {
            let undated = |place: usize, rule, what: &str| Problem { row: kept[place], column: None, text: String::new(), finding: Finding::new(rule, what) };
            problems.extend((0..rows).filter(|place| known_at[*place].is_none()).map(|place| undated(place, rule::KNOWN_AT, UNKNOWN)));
            if let Some(months) = &months {
                problems.extend((0..rows).filter(|place| months[*place].is_none()).map(|place| undated(place, rule::PARTITION, NO_MONTH)));
            }
        }
        let line = |row: &usize| i64::try_from(block.line(*row)).unwrap_or(i64::MAX);
        arrays.push(repeated(&self.file.instance, rows));
        arrays.push(repeated(&self.file.file_id, rows));
        arrays.push(Arc::new(Int64Array::from_iter_values(kept.iter().map(line))));
        arrays.push(Arc::new(TimestampMicrosecondArray::from(known_at).with_timezone("UTC")));
        if values.parts {
            arrays.push(repeated(&self.part.part, rows));
        }
        arrays.extend(months.map(|months| Arc::new(Date32Array::from(months)) as ArrayRef));
    }

    /// The reject of one record, with the problems of all its rows.
    fn rejected(&self, block: &Block, problems: &[Problem]) -> Reject {
        let name = |problem: &Problem| problem.column.map(|at| self.values.columns[at].name.clone());
        let mut reasons: Vec<String> = Vec::new();
        for problem in problems {
            let words = reason(name(problem).as_deref(), &problem.text, &problem.finding.what);
            if !reasons.contains(&words) {
                reasons.push(words);
            }
        }
        let first = &problems[0];
        Reject {
            part: self.part.part.clone(),
            line: block.line(first.row),
            column: name(first),
            rule: first.finding.rule,
            text: first.text.clone(),
            raw: block.raw(first.row).to_owned(),
            reason: reasons.join("; "),
        }
    }
}

/// The first row of the record that a row is of.
fn skip_from(block: &Block, row: usize, line: u64) -> usize {
    (0..row).rev().take_while(|before| block.line(*before) == line).last().unwrap_or(row)
}

fn number_array(column: &ValueColumn, numbers: Vec<Option<i128>>) -> Result<ArrayRef> {
    Ok(match column.kind {
        ColumnType::Decimal { precision, scale } => {
            let array = Decimal128Array::from(numbers).with_precision_and_scale(precision, scale);
            Arc::new(array.map_err(|error| Error::config(format!("column {}: {error}", column.name)))?)
        }
        // Values beyond 64 bits were problems.
        _ => Arc::new(Int64Array::from_iter(numbers.into_iter().map(|number| number.and_then(|number| i64::try_from(number).ok())))),
    })
}

#[cold]
pub(crate) fn no_currency(values: &Values, column: &ValueColumn) -> Finding {
    let currency = column.currency.map_or("", |at| values.columns[at].name.as_str());
    Finding::new(rule::CURRENCY, format!("is an amount without a currency: {currency} is empty"))
}
