//! Chunks of one file → batches and rejects.
//!
//! A chunk is read column by column. Where that finds records with problems, they become rejects and the chunk is read again
//! without them: the batch and its control totals come from one reading that found nothing wrong.

use std::sync::{Arc, Mutex, PoisonError};

use arrow::array::{Array, ArrayRef, Int64Array, RecordBatch, StringArray};
use arrow::buffer::{Buffer, OffsetBuffer};
use arrow::compute::cast;
use arrow::datatypes::{DataType, FieldRef, Schema, SchemaRef};
use arrow::error::ArrowError;

use crate::cells::Cells;
use crate::column::Columns;
use crate::dating::{NO_MONTH, UNKNOWN};
use crate::header::Header;
use crate::layout::ExclusionRule;
use crate::layout::Layout;
use crate::reject::{Finding, HEADER_AGAIN, Problem, lossy, reason, rule};
use crate::splitter::{Chunk, Ending};
use crate::texts::{Coder, constant, first_key};
use crate::tokens::{Broken, Index, Shape};
use crate::{ColumnTotal, Error, Reject, Result, add_totals};

/// Arrow's text offsets have 31 bits.
const CHUNK_LIMIT: usize = 1 << 30;

/// Which file the bytes are of.
#[derive(Debug, Clone)]
pub struct FileIdentity {
    pub instance: String,
    pub file_id: String,
    /// For messages.
    pub path: String,
}

/// Decodes the chunks of one file. Chunks may be decoded in any order and from several threads.
#[derive(Debug)]
pub struct Decoder {
    layout: Arc<Layout>,
    file: FileIdentity,
    header: Header,
    /// Of earlier chunks, for their memory.
    spare: Mutex<Vec<Scratch>>,
}

#[derive(Debug, Default)]
struct Scratch {
    index: Index,
    coder: Coder,
}

/// What a chunk held: `records` = the batch's rows + `rejects` + `excluded`.
#[derive(Debug)]
pub struct Decoded {
    /// Of the layout's [`coded_schema`](Layout::coded_schema), but for columns whose texts hardly repeat, which stand there plain;
    /// [`Decoder::plain`] gives it the table's types.
    pub batch: RecordBatch,
    /// By line.
    pub rejects: Vec<Reject>,
    /// Records read; blank lines are none.
    pub records: u64,
    /// Sums of the batch's money columns (those with a currency), by column and currency.
    pub totals: Vec<ColumnTotal>,
    /// Records that a named rule leaves out; none where no rule took any.
    pub excluded: Vec<Excluded>,
}

/// How many records a rule left out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Excluded {
    pub rule: String,
    pub records: u64,
}

impl Decoder {
    /// Maps a file's header (its first record, as [`header_end`](crate::header_end) cuts it) to the layout's columns. An error stops the file.
    pub fn new(layout: Arc<Layout>, file: FileIdentity, header_record: &[u8]) -> Result<Self> {
        let header = Header::new(&layout, &file.path, header_record)?;
        Ok(Self { layout, file, header, spare: Mutex::new(Vec::new()) })
    }

    /// What the user should know of the header: columns that are left out.
    pub fn warnings(&self) -> &[String] {
        &self.header.warnings
    }

    /// The batch, rejects and control totals of one chunk. An error stops the file.
    pub fn decode(&self, chunk: &Chunk) -> Result<Decoded> {
        if chunk.ending == Ending::TooLong {
            let batch = RecordBatch::new_empty(self.layout.coded_schema().clone());
            return Ok(Decoded { batch, rejects: vec![too_long(chunk)], records: 1, totals: Vec::new(), excluded: Vec::new() });
        }
        if chunk.bytes.len() > CHUNK_LIMIT {
            return Err(Error::config(format!("{}: a chunk of {} bytes is too large", self.file.path, chunk.bytes.len()))
                .next("cut the file into chunks of at most 1 GiB"));
        }
        let mut scratch = self.spare.lock().unwrap_or_else(PoisonError::into_inner).pop().unwrap_or_default();
        let decoded = self.decode_with(chunk, &mut scratch);
        self.spare.lock().unwrap_or_else(PoisonError::into_inner).push(scratch);
        decoded
    }

    /// A batch with the types of the layout's [`schema`](Layout::schema).
    pub fn plain(&self, batch: &RecordBatch) -> Result<RecordBatch> {
        let schema = self.layout.schema();
        let arrays = schema.fields().iter().zip(batch.columns()).map(|(field, array)| cast(array, field.data_type()));
        let plain = arrays.collect::<Result<Vec<_>, _>>().and_then(|arrays| RecordBatch::try_new(schema.clone(), arrays));
        plain.map_err(|error| self.failed(&error))
    }

    fn decode_with(&self, chunk: &Chunk, Scratch { index, coder }: &mut Scratch) -> Result<Decoded> {
        index.fill(&chunk.bytes, self.layout.delimiter, self.header.width);
        let records = (index.rows() + index.broken.len()) as u64;
        let mut rejects: Vec<Reject> = index.broken.iter().map(|broken| self.misshapen(chunk, broken)).collect();
        let excluded = self.exclude(chunk, index);
        self.refuse_headers(chunk, index, &mut rejects);
        let reading = loop {
            let mut reading = self.read(chunk, index, coder)?;
            if reading.problems.is_empty() {
                break reading;
            }
            let mut marked = vec![false; index.rows()];
            reading.problems.sort_by_key(|problem| (problem.row, problem.column.unwrap_or(usize::MAX)));
            for problems in reading.problems.chunk_by(|one, next| one.row == next.row) {
                marked[problems[0].row] = true;
                rejects.push(self.rejected(chunk, index, problems));
            }
            index.drop_marked(&marked);
        };
        rejects.sort_by_key(|reject| reject.line);
        let schema = with_plain_texts(self.layout.coded_schema(), &reading.arrays);
        let batch = RecordBatch::try_new(schema, reading.arrays).map_err(|error| self.failed(&error))?;
        let mut totals = Vec::new();
        add_totals(&mut totals, &reading.totals)?;
        Ok(Decoded { batch, rejects, records, totals, excluded })
    }

    /// Drops the records that the export's rules leave out; the first rule that fits counts a record.
    fn exclude(&self, chunk: &Chunk, index: &mut Index) -> Vec<Excluded> {
        if self.layout.exclude.is_empty() || index.rows() == 0 {
            return Vec::new();
        }
        let mut marked = vec![false; index.rows()];
        let mut counts = vec![0u64; self.layout.exclude.len()];
        let cells = Cells::new(&chunk.bytes, index, &self.layout.nulls);
        let mut scratch = Vec::new();
        for (row, marked) in marked.iter_mut().enumerate() {
            let fits = |rule: &ExclusionRule, scratch: &mut Vec<u8>| {
                let source = self.header.sources[rule.column]?;
                let text = cells.value(row, source, scratch).ok()??;
                rule.equals.iter().any(|value| value.as_slice() == text).then_some(())
            };
            if let Some(rule) = self.layout.exclude.iter().position(|rule| fits(rule, &mut scratch).is_some()) {
                *marked = true;
                counts[rule] += 1;
            }
        }
        index.drop_marked(&marked);
        let counted = self.layout.exclude.iter().zip(counts).filter(|(_, records)| *records > 0);
        counted.map(|(rule, records)| Excluded { rule: rule.name.clone(), records }).collect()
    }

    /// Rejects records that are the header again.
    fn refuse_headers(&self, chunk: &Chunk, index: &mut Index, rejects: &mut Vec<Reject>) {
        let header = &self.header.record;
        let is_header = |row: usize| index.record(row).len() == header.len() && chunk.bytes[index.record(row)] == header[..];
        let again: Vec<usize> = (0..index.rows()).filter(|row| is_header(*row)).collect();
        if again.is_empty() {
            return;
        }
        let mut marked = vec![false; index.rows()];
        for row in again {
            marked[row] = true;
            rejects.push(self.rejected(chunk, index, &[Problem { row, column: None, finding: Finding::new(rule::HEADER, HEADER_AGAIN) }]));
        }
        index.drop_marked(&marked);
    }

    fn read(&self, chunk: &Chunk, index: &Index, coder: &mut Coder) -> Result<Reading> {
        let layout = &*self.layout;
        let rows = index.rows();
        let mut columns = Columns::new(layout, &self.header.sources, Cells::new(&chunk.bytes, index, &layout.nulls), coder);
        let mut arrays = (0..layout.columns.len()).map(|at| columns.read(at)).collect::<Result<Vec<_>>>()?;
        columns.control(&arrays)?;
        let (mut problems, totals) = (columns.problems, columns.totals);
        if !problems.is_empty() {
            return Ok(Reading { arrays, problems, totals });
        }
        let known_at = layout.dating.known_at_column(&arrays, rows);
        let months = layout.dating.month_column(&arrays, rows);
        problems.extend(undated(&known_at, rule::KNOWN_AT, UNKNOWN));
        problems.extend(months.iter().flat_map(|months| undated(months, rule::PARTITION, NO_MONTH)));
        let line = |row| i64::try_from(chunk.first_line.saturating_add(u64::from(index.line(row)))).unwrap_or(i64::MAX);
        let keys = first_key(rows);
        let constant = |text| constant(text, &keys).map_err(|error| self.failed(&error));
        arrays.push(constant(&self.file.instance)?);
        arrays.push(constant(&self.file.file_id)?);
        arrays.push(Arc::new(Int64Array::from_iter_values((0..rows).map(line))));
        arrays.push(known_at);
        if layout.parts {
            arrays.push(constant("")?);
        }
        arrays.extend(months);
        Ok(Reading { arrays, problems, totals })
    }

    fn failed(&self, error: &ArrowError) -> Error {
        Error::data(format!("{}: {error}", self.file.path))
    }

    fn misshapen(&self, chunk: &Chunk, broken: &Broken) -> Reject {
        let (rule, reason) = match broken.shape {
            Shape::Ragged(found) => (rule::RAGGED, format!("the record has {found} cells, the header has {}", self.header.width)),
            Shape::StrayQuote(cell) => {
                (rule::QUOTING, format!("cell {} has a quote where none may stand: a quoted cell starts and ends with \", quotes inside are doubled", cell + 1))
            }
            Shape::OpenQuote => (rule::UNCLOSED_QUOTE, "a quote is opened and the file ends without the one that closes it".to_owned()),
        };
        let line = chunk.first_line.saturating_add(u64::from(broken.line));
        Reject { part: String::new(), line, column: None, rule, text: String::new(), raw: lossy(&chunk.bytes[broken.bytes.clone()]), reason }
    }

    /// The reject of one record with its problems, in the order of the layout's columns.
    fn rejected(&self, chunk: &Chunk, index: &Index, problems: &[Problem]) -> Reject {
        let describe = |problem: &Problem| {
            let column = problem.column.map(|at| self.layout.columns[at].name.as_str());
            let source = problem.column.and_then(|at| self.header.sources[at]);
            let text = source.map(|source| lossy(&chunk.bytes[index.cell(problem.row, source)])).unwrap_or_default();
            (reason(column, &text, &problem.finding.what), column.map(str::to_owned), text)
        };
        let row = problems[0].row;
        let (first, column, text) = describe(&problems[0]);
        let reasons: Vec<String> = std::iter::once(first).chain(problems[1..].iter().map(|problem| describe(problem).0)).collect();
        let line = chunk.first_line.saturating_add(u64::from(index.line(row)));
        let raw = lossy(&chunk.bytes[index.record(row)]);
        Reject { part: String::new(), line, column, rule: problems[0].finding.rule, text, raw, reason: reasons.join("; ") }
    }
}

/// The schema of arrays whose texts may be plain where the schema has codes.
fn with_plain_texts(schema: &SchemaRef, arrays: &[ArrayRef]) -> SchemaRef {
    let is_plain = |field: &FieldRef, array: &ArrayRef| array.data_type() == &DataType::Utf8 && field.data_type() != &DataType::Utf8;
    let fields = schema.fields();
    if !fields.iter().zip(arrays).any(|(field, array)| is_plain(field, array)) {
        return schema.clone();
    }
    let fields = fields
        .iter()
        .zip(arrays)
        .map(|(field, array)| if is_plain(field, array) { Arc::new(field.as_ref().clone().with_data_type(DataType::Utf8)) } else { field.clone() });
    Arc::new(Schema::new_with_metadata(fields.collect::<Vec<_>>(), schema.metadata().clone()))
}

/// One reading of the records that an index holds. With problems its arrays are not whole.
struct Reading {
    arrays: Vec<ArrayRef>,
    problems: Vec<Problem>,
    totals: Vec<ColumnTotal>,
}

fn too_long(chunk: &Chunk) -> Reject {
    Reject {
        part: String::new(),
        line: chunk.first_line,
        column: None,
        rule: rule::TOO_LONG,
        text: String::new(),
        raw: lossy(&chunk.bytes),
        reason: format!("the record is longer than {} bytes: most likely a quote is opened and not closed", crate::RECORD_LIMIT),
    }
}

fn undated(found: &ArrayRef, rule: &'static str, what: &'static str) -> impl Iterator<Item = Problem> {
    let nulls = found.nulls().filter(|nulls| nulls.null_count() > 0);
    let rows = nulls.into_iter().flat_map(|nulls| nulls.iter().enumerate().filter(|(_, there)| !there).map(|(row, _)| row));
    rows.map(move |row| Problem { row, column: None, finding: Finding::new(rule, what) })
}

pub(crate) fn repeated(text: &str, rows: usize) -> ArrayRef {
    let offsets = OffsetBuffer::from_repeated_length(text.len(), rows);
    Arc::new(StringArray::new(offsets, Buffer::from_vec(text.as_bytes().repeat(rows)), None))
}
