//! Writes the rows of one table into new files that nobody sees before they are committed.

use std::sync::Arc;

use arrow::array::{ArrayRef, RecordBatch};
use arrow::datatypes::{DataType, Field, FieldRef, Schema, SchemaRef};
use chrono::NaiveDate;
use takings_definitions::Table;
use takings_pages::Press;
use tokio::task::JoinHandle;
use uuid::Uuid;

use crate::parquet_file::ParquetFile;
use crate::schema::file_schema;
use crate::state::file_name;
use crate::statistics::FileStatistics;
use crate::{DataFile, Error, Lake, Result, months, table_schema};

/// Months that are written at the same time; a further one completes the file that was used the longest time ago.
const OPEN_MONTHS: usize = 32;
/// Memory of all open row groups of a writer, or of the writers of one unit; above it the largest is ended.
const MEMORY: usize = 128 << 20;

/// Files that are made durable at the same time, beside the work that goes on.
pub(crate) const PLACED_AT_ONCE: usize = 8;

/// A file that is complete, but not in the table before a commit names it.
#[derive(Debug)]
pub struct NewFile {
    pub file: DataFile,
    /// Delta statistics, exact.
    pub statistics: String,
    /// The sum of each decimal column at its scale, by its name.
    pub totals: Vec<(String, i128)>,
    /// It is made durable and put into its place meanwhile.
    pub(crate) placing: Option<JoinHandle<takings_storage::Result<()>>>,
}

impl NewFile {
    /// Waits until the file is in its place. A commit does so too.
    pub async fn placed(&mut self) -> Result<()> {
        let Some(placing) = self.placing.take() else { return Ok(()) };
        match placing.await {
            Ok(placed) => Ok(placed?),
            Err(error) => match error.try_into_panic() {
                Ok(panic) => std::panic::resume_unwind(panic),
                Err(error) => Err(Error::Place { path: self.file.path.clone(), reason: error.to_string() }),
            },
        }
    }
}

/// Takes batches and deals their rows to one file per month.
pub struct TableWriter {
    lake: Lake,
    table: String,
    unit: Option<String>,
    /// What its one file takes over.
    parts: Vec<String>,
    partitioned: bool,
    schema: SchemaRef,
    file_schema: SchemaRef,
    /// The file used last stands last.
    open: Vec<OpenFile>,
    done: Vec<NewFile>,
    press: Press,
    /// Bytes of open row groups.
    memory: usize,
}

struct OpenFile {
    path: String,
    month: Option<NaiveDate>,
    parquet: ParquetFile,
    statistics: FileStatistics,
}

impl Lake {
    /// Starts new files of a table. `unit` names what they are made from, so that a later commit can find and replace them:
    /// letters, digits, `-`, `_` and `.`.
    pub fn writer(&self, table: &Table, unit: Option<&str>) -> Result<TableWriter> {
        let fits = |unit: &str| !unit.is_empty() && unit.len() <= 120 && unit.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte));
        if let Some(unit) = unit.filter(|unit| !fits(unit)) {
            return Err(Error::data(&table.name, format!("the unit \"{unit}\" can't stand in a file's name")));
        }
        let schema = table_schema(table);
        let file_schema = file_schema(&schema, table.is_partitioned());
        Ok(TableWriter {
            lake: self.clone(),
            table: table.name.clone(),
            unit: unit.map(str::to_owned),
            parts: Vec::new(),
            partitioned: table.is_partitioned(),
            schema,
            file_schema,
            open: Vec::new(),
            done: Vec::new(),
            press: Press::new().map_err(|source| Error::Parquet { path: Self::table_path(&table.name), source })?,
            memory: MEMORY,
        })
    }
}

impl Lake {
    /// Deletes files that no commit will name.
    pub async fn discard(&self, table: &str, files: Vec<NewFile>) -> Result<()> {
        for mut new in files {
            // What could not be put into its place need not be deleted there.
            let _ = new.placed().await;
            self.store.delete(&Self::file_path(table, &new.file)).await?;
        }
        Ok(())
    }
}

/// The columns of a schema, found by name, in its order. A null where the contract allows none is an error.
pub(crate) fn conform(table: &str, schema: &Schema, batch: &RecordBatch) -> Result<RecordBatch> {
    let column = |field: &FieldRef| {
        let found = batch.column_by_name(field.name()).ok_or_else(|| Error::data(table, format!("a batch lacks the column `{}`", field.name())))?;
        if !says(found.data_type(), field.data_type()) {
            return Err(Error::data(table, format!("column `{}` of a batch is {}, not {}", field.name(), found.data_type(), field.data_type())));
        }
        Ok((field.as_ref().clone().with_data_type(found.data_type().clone()), found.clone()))
    };
    let (fields, columns): (Vec<Field>, Vec<ArrayRef>) = schema.fields().iter().map(column).collect::<Result<Vec<_>>>()?.into_iter().unzip();
    RecordBatch::try_new(Arc::new(Schema::new(fields)), columns).map_err(|error| Error::data(table, error.to_string()))
}

/// Whether a type is another form of the table's.
fn says(found: &DataType, wanted: &DataType) -> bool {
    match (found, wanted) {
        (DataType::Dictionary(key, value), DataType::Utf8) => **key == DataType::Int32 && **value == DataType::Utf8,
        (DataType::Utf8View, DataType::Utf8) => true,
        (DataType::Decimal64(precision, scale), DataType::Decimal128(most, digits)) => (precision, scale) == (most, digits),
        _ => found == wanted,
    }
}

impl TableWriter {
    /// Its file takes over the rows of others.
    #[must_use]
    pub(crate) fn taking_over(self, parts: Vec<String>) -> Self {
        Self { parts, ..self }
    }

    /// As many writers work side by side on one unit, and share what memory one would have.
    #[must_use]
    pub fn one_of(self, writers: usize) -> Self {
        Self { memory: MEMORY / writers.max(1), ..self }
    }

    /// The schema of the batches, see [`table_schema`]; their columns are found by name. Texts may come as views, or as dictionaries
    /// with keys of 32 bits, decimals of up to 18 digits in 64 bits: what stands in the files is the same.
    pub fn schema(&self) -> &SchemaRef {
        &self.schema
    }

    pub async fn write(&mut self, batch: &RecordBatch) -> Result<()> {
        let batch = conform(&self.table, &self.schema, batch)?;
        if batch.num_rows() == 0 {
            return Ok(());
        }
        if !self.partitioned {
            return self.write_to(None, &batch).await;
        }
        for (month, rows) in months::split(&self.table, &batch)? {
            self.write_to(Some(month), &rows).await?;
        }
        Ok(())
    }

    /// Completes the files, sorted by month.
    pub async fn finish(self) -> Result<Vec<NewFile>> {
        let mut files = self.hand_over().await?;
        for new in &mut files {
            new.placed().await?;
        }
        Ok(files)
    }

    /// The same, and does not wait until they are in their places.
    pub async fn hand_over(mut self) -> Result<Vec<NewFile>> {
        while let Some(file) = self.open.pop() {
            self.close(file).await?;
        }
        self.done.sort_by(|a, b| (a.file.period_month, &a.file.path).cmp(&(b.file.period_month, &b.file.path)));
        Ok(self.done)
    }

    /// Deletes what was written. A writer that is dropped leaves complete files to a later vacuum.
    pub async fn abort(self) -> Result<()> {
        for file in self.open {
            file.parquet.discard().await?;
        }
        self.lake.discard(&self.table, self.done).await
    }

    /// The schema within the files.
    pub(crate) fn file_schema(&self) -> &SchemaRef {
        &self.file_schema
    }

    /// Rows of one month, as they stand in a file.
    pub(crate) async fn write_to(&mut self, month: Option<NaiveDate>, rows: &RecordBatch) -> Result<()> {
        let open = self.open.iter().position(|file| file.month == month);
        let mut file = match open {
            Some(at) => self.open.remove(at),
            None => self.create(month).await?,
        };
        file.statistics.update(&self.table, rows)?;
        file.parquet.write(rows, &mut self.press).await?;
        self.open.push(file);
        self.end_largest_row_groups().await
    }

    async fn create(&mut self, month: Option<NaiveDate>) -> Result<OpenFile> {
        if self.open.len() >= OPEN_MONTHS {
            let oldest = self.open.remove(0);
            self.close(oldest).await?;
        }
        let path = file_name(month, self.unit.as_deref(), Uuid::new_v4());
        let parquet = ParquetFile::create(&self.lake.store, format!("{}/{path}", Lake::table_path(&self.table)), &self.file_schema).await?;
        Ok(OpenFile { path, month, parquet, statistics: FileStatistics::new(&self.file_schema) })
    }

    async fn end_largest_row_groups(&mut self) -> Result<()> {
        while self.open.iter().map(|file| file.parquet.memory()).sum::<usize>() > self.memory {
            let Some(largest) = self.open.iter_mut().max_by_key(|file| file.parquet.memory()) else { break };
            let before = largest.parquet.memory();
            largest.parquet.release(&mut self.press).await?;
            if largest.parquet.memory() >= before {
                break;
            }
        }
        Ok(())
    }

    async fn close(&mut self, file: OpenFile) -> Result<()> {
        let OpenFile { mut statistics, .. } = file;
        let (staged, path, ranges) = file.parquet.finish(&mut self.press).await?;
        let size = staged.written();
        let turn = self.lake.places.clone().acquire_owned().await;
        let placing = tokio::spawn(async move {
            let placed = staged.commit(&path).await;
            drop(turn);
            placed
        });
        statistics.set_ranges(ranges);
        let data_file = DataFile { path: file.path, size, rows: statistics.rows(), period_month: file.month, parts: self.parts.clone() };
        self.done.push(NewFile { file: data_file, statistics: statistics.json(), totals: statistics.totals(), placing: Some(placing) });
        Ok(())
    }
}
