//! Blocks of one part → batches, rejects and control totals.
//!
//! A block is read column by column. Where that finds records with problems, they become rejects and the block is read again without
//! them: batch and totals come from one reading that found nothing wrong.

use std::borrow::Cow;
use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, BooleanArray, Date32Array, Decimal128Array, Int64Array, RecordBatch, RecordBatchOptions, StringArray, StringBuilder,
    TimestampMicrosecondArray,
};
use arrow::datatypes::SchemaRef;
use takings_definitions::ColumnType;

use super::binding::{Bound, bind};
use super::blank::trimmed;
use super::cell::Source;
use super::numbers::Beside;
use super::values::{Reader, ValueColumn, Values};
use crate::dating::{NO_MONTH, UNKNOWN};
use crate::decoder::repeated;
use crate::reject::{Finding, RAW_LIMIT, reason, rule};
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

/// Something that is wrong with a row.
struct Problem {
    row: usize,
    column: Option<usize>,
    text: String,
    finding: Finding,
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
                                Some(currency) if !currency.is_empty() => sums.add(currency.as_bytes(), value),
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

/// One column's texts, row by row.
struct Cells<'a> {
    column: &'a ValueColumn,
    block: &'a Block,
    source: &'a Source,
    with: Option<&'a Source>,
    above: &'a mut Option<String>,
    reasons: Option<StringBuilder>,
}

impl<'a> Cells<'a> {
    /// The text that is to be read. Rows that are skipped still fill those below them.
    fn next(&mut self, row: usize, skipped: bool) -> Result<Option<Cow<'a, str>>, Finding> {
        let column = self.column;
        let rules = &column.rules;
        let mut text = rules.raw(self.source, self.block, row);
        if rules.fill_down {
            match &text {
                Some(text) => *self.above = Some(text.clone().into_owned()),
                None => text = self.above.clone().map(Cow::Owned),
            }
        }
        if skipped {
            return Ok(None);
        }
        let text = rules.shaped(text)?;
        let text = match (&column.map, text) {
            (None, text) => text,
            (Some(map), Some(text)) => match map.get(&text) {
                Some(value) => {
                    let value = Cow::Borrowed(value);
                    self.note(None);
                    Some(value)
                }
                None => {
                    Some(self.unknown(Some(&text)).ok_or_else(|| Finding::new(rule::MAP, "is not in the reference table; add it there, or say `unknown`"))?)
                }
            },
            (Some(_), None) => self.unknown(None),
        };
        match (self.with.and_then(|with| rules.raw(with, self.block, row)), text) {
            (Some(with), Some(text)) => Ok(Some(Cow::Owned(format!("{text} {with}")))),
            (_, text) => Ok(text),
        }
    }

    /// The value of what the map does not know, and the note why.
    fn unknown(&mut self, text: Option<&str>) -> Option<Cow<'a, str>> {
        let unknown = self.column.spec.as_ref().and_then(|spec| spec.unknown.as_deref());
        if unknown.is_some() {
            match text {
                Some(text) => self.note(Some(&format!("unknown: {text}"))),
                None => self.note(Some("no value")),
            }
        } else {
            self.note(None);
        }
        unknown.map(Cow::Borrowed)
    }

    fn note(&mut self, reason: Option<&str>) {
        if let Some(reasons) = &mut self.reasons {
            reasons.append_option(reason);
        }
    }

    /// A row without a text still has a place among the reasons.
    fn keep_place(&mut self, places: usize) {
        if let Some(reasons) = &mut self.reasons {
            while arrow::array::ArrayBuilder::len(reasons) < places {
                reasons.append_null();
            }
        }
    }
}

/// Where a column's problems go.
struct Findings<'a> {
    problems: &'a mut Vec<Problem>,
    column: usize,
    cells: &'a Block,
    source: &'a Source,
    with: Option<&'a Source>,
    nullable: bool,
}

impl Findings<'_> {
    #[cold]
    fn add(&mut self, row: usize, finding: Finding) {
        let text = match self.source {
            Source::Join(_) => String::new(),
            source => [Some(source), self.with].into_iter().flatten().map(|source| plain(source, self.cells, row)).collect::<Vec<_>>().join(" "),
        };
        let shown = text[..text.floor_char_boundary(RAW_LIMIT)].to_owned();
        self.problems.push(Problem { row, column: Some(self.column), text: shown, finding });
    }

    fn null(&mut self, row: usize) {
        if !self.nullable {
            self.add(row, Finding::new(rule::NULL, "is no value, and the column must have one"));
        }
    }
}

/// A cell as it stands, without outer white space.
fn plain<'a>(source: &'a Source, block: &'a Block, row: usize) -> &'a str {
    match source {
        Source::Cell(at) => trimmed(block.cell(row, *at)),
        Source::Fixed(text) => text.as_deref().unwrap_or_default(),
        Source::Absent | Source::Join(_) => "",
    }
}

fn beside<'a>(source: Option<&'a Source>, block: &'a Block, row: usize) -> &'a str {
    source.map_or("", |source| plain(source, block, row))
}

/// Values of the rows that are not skipped. `parse` gets the row and its place among those.
fn read_values<T>(
    cells: &mut Cells<'_>,
    found: &mut Findings<'_>,
    skip: &[bool],
    mut parse: impl FnMut(usize, usize, &str) -> Result<T, Finding>,
) -> Vec<Option<T>> {
    let mut values = Vec::with_capacity(skip.len());
    for (row, skipped) in skip.iter().enumerate() {
        let text = cells.next(row, *skipped);
        if *skipped {
            continue;
        }
        let value = match text {
            Ok(Some(text)) => parse(row, values.len(), &text).map(Some),
            Ok(None) => {
                found.null(row);
                Ok(None)
            }
            Err(finding) => Err(finding),
        };
        values.push(value.unwrap_or_else(|finding| {
            found.add(row, finding);
            None
        }));
        cells.keep_place(values.len());
    }
    values
}

fn texts_of(cells: &mut Cells<'_>, found: &mut Findings<'_>, skip: &[bool], whole_decimals: bool) -> StringArray {
    let mut builder = StringBuilder::with_capacity(skip.len(), skip.len() * 8);
    for (row, skipped) in skip.iter().enumerate() {
        let text = cells.next(row, *skipped);
        if *skipped {
            continue;
        }
        let text = match text {
            Ok(Some(text)) if whole_decimals => whole(&text).map(|whole| Some(Cow::Owned(whole.to_owned()))),
            other => other,
        };
        match text
            .and_then(|text| if text.as_ref().is_some_and(|text| text.contains('\0')) { Err(Finding::new(rule::NUL, "holds a NUL byte")) } else { Ok(text) })
        {
            Ok(Some(text)) => builder.append_value(text),
            Ok(None) => {
                found.null(row);
                builder.append_null();
            }
            Err(finding) => {
                found.add(row, finding);
                builder.append_null();
            }
        }
        cells.keep_place(arrow::array::ArrayBuilder::len(&builder));
    }
    builder.finish()
}

/// An id that a spreadsheet took for a number: `123.0` is 123, and what it cut (`1.2E+11`) is refused.
fn whole(text: &str) -> Result<&str, Finding> {
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    if let Some((whole, decimals)) = text.split_once('.')
        && digits(whole)
        && digits(decimals)
        && decimals.bytes().all(|digit| digit == b'0')
    {
        return Ok(whole);
    }
    let cut = text.split_once(['E', 'e']).is_some_and(|(number, tens)| {
        let (whole, decimals) = number.split_once('.').unwrap_or((number, "0"));
        digits(whole) && digits(decimals) && tens.strip_prefix('+').is_some_and(digits)
    });
    if cut { Err(Finding::new(rule::DIGITS, "is an id that a spreadsheet cut to a few digits; export the file again")) } else { Ok(text) }
}

fn boolean(text: &str, yes: &[String], no: &[String]) -> Result<bool, Finding> {
    let is = |words: &[String]| words.iter().any(|word| word.eq_ignore_ascii_case(text));
    match (is(yes), is(no)) {
        (true, false) => Ok(true),
        (false, true) => Ok(false),
        _ => Err(Finding::new(rule::BOOLEAN, format!("is neither true ({}) nor false ({})", yes.join(", "), no.join(", ")))),
    }
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
