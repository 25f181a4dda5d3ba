//! One Parquet file on its way into the store, with memory that does not grow with the file.

use std::collections::HashSet;

use arrow::array::{Array, AsArray};
use arrow::compute::BatchCoalescer;
use arrow::datatypes::{DataType, Decimal128Type, SchemaRef};
use arrow::record_batch::RecordBatch;
use parquet::arrow::ArrowWriter;
use parquet::basic::{Compression, Encoding, ZstdLevel};
use parquet::errors::ParquetError;
use parquet::file::properties::{EnabledStatistics, WriterProperties};
use parquet::schema::types::ColumnPath;
use takings_storage::{StagedFile, Store};

use crate::{Error, Result};

/// Rows of a row group, at most.
const ROW_GROUP_ROWS: usize = 1 << 20;
/// Encoded bytes of a row group, about.
const ROW_GROUP_BYTES: usize = 128 << 20;
/// Encoded bytes that wait before they go to the store.
const DRAIN_BYTES: usize = 4 << 20;
/// Rows that are encoded at once.
const STEP_ROWS: usize = 4096;
/// So many values have a dictionary whether they repeat or not.
const FEW_VALUES: usize = 256;
/// A dictionary that grows beyond this is given up: ids repeat too seldom to pay for it.
const DICTIONARY_BYTES: usize = 256 << 10;

/// A Parquet file that nobody sees until it is committed to a path.
pub(crate) struct ParquetFile {
    /// The path that the file will have, for errors.
    path: String,
    schema: SchemaRef,
    /// Small batches are gathered: encoding costs per call, and equal rows give equal bytes however they came.
    steps: BatchCoalescer,
    /// Started with the first rows: they say how the columns are encoded.
    writer: Option<ArrowWriter<Vec<u8>>>,
    staged: StagedFile,
}

impl ParquetFile {
    pub(crate) async fn create(store: &Store, path: String, schema: &SchemaRef) -> Result<Self> {
        let staged = store.stage().await?;
        Ok(Self { path, schema: schema.clone(), steps: BatchCoalescer::new(schema.clone(), STEP_ROWS), writer: None, staged })
    }

    pub(crate) async fn write(&mut self, batch: &RecordBatch) -> Result<()> {
        self.steps.push_batch(batch.clone()).map_err(|source| self.error(source.into()))?;
        self.write_steps()?;
        if self.writer.as_ref().is_some_and(|writer| writer.inner().len() >= DRAIN_BYTES) {
            self.drain().await?;
        }
        Ok(())
    }

    /// Bytes of memory that the open row group holds.
    pub(crate) fn memory(&self) -> usize {
        self.writer.as_ref().map_or(0, |writer| writer.memory_size() + writer.inner().len())
    }

    fn write_steps(&mut self) -> Result<()> {
        while let Some(step) = self.steps.next_completed_batch() {
            let written = self.writer(&step).and_then(|writer| writer.write(&step));
            written.map_err(|source| self.error(source))?;
        }
        Ok(())
    }

    /// The writer; `first` are the rows that it starts with.
    fn writer(&mut self, first: &RecordBatch) -> Result<&mut ArrowWriter<Vec<u8>>, ParquetError> {
        let writer = match self.writer.take() {
            Some(writer) => writer,
            None => ArrowWriter::try_new(Vec::new(), self.schema.clone(), Some(properties(first)))?,
        };
        Ok(self.writer.insert(writer))
    }

    /// Ends the open row group and gives its memory back.
    pub(crate) async fn end_row_group(&mut self) -> Result<()> {
        if let Some(writer) = &mut self.writer {
            let ended = writer.flush();
            ended.map_err(|source| self.error(source))?;
        }
        self.drain().await
    }

    /// Completes the file and puts it onto its path; gives its size.
    pub(crate) async fn commit(mut self) -> Result<u64> {
        self.steps.finish_buffered_batch().map_err(|source| self.error(source.into()))?;
        self.write_steps()?;
        let empty = RecordBatch::new_empty(self.schema.clone());
        let ended = self.writer(&empty).map(|_| ()).and_then(|()| self.writer.take().map_or_else(|| Ok(Vec::new()), ArrowWriter::into_inner));
        let rest = ended.map_err(|source| self.error(source))?;
        self.staged.write(rest.into()).await?;
        let size = self.staged.written();
        self.staged.commit(&self.path).await?;
        Ok(size)
    }

    pub(crate) async fn discard(self) -> Result<()> {
        Ok(self.staged.discard().await?)
    }

    async fn drain(&mut self) -> Result<()> {
        let bytes = self.writer.as_mut().map(|writer| std::mem::take(writer.inner_mut())).unwrap_or_default();
        if !bytes.is_empty() {
            self.staged.write(bytes.into()).await?;
        }
        Ok(())
    }

    fn error(&self, source: ParquetError) -> Error {
        Error::Parquet { path: self.path.clone(), source }
    }
}

/// Nothing in a file tells when, where or by which version of a library it was written: equal rows give equal bytes.
fn properties(first: &RecordBatch) -> WriterProperties {
    let mut properties = WriterProperties::builder()
        .set_created_by("takings".to_owned())
        .set_compression(Compression::ZSTD(ZstdLevel::default()))
        // Readers prune by month and row group; page statistics and page indexes would cost more than they save.
        .set_statistics_enabled(EnabledStatistics::Chunk)
        .set_offset_index_disabled(true)
        .set_dictionary_page_size_limit(DICTIONARY_BYTES)
        .set_max_row_group_row_count(Some(ROW_GROUP_ROWS))
        .set_max_row_group_bytes(Some(ROW_GROUP_BYTES));
    for (field, values) in first.schema_ref().fields().iter().zip(first.columns()) {
        let column = ColumnPath::from(field.name().as_str());
        if field.name() == "_line" {
            // Line numbers rise by one: differences take almost no space, a dictionary would take much.
            properties = properties.set_column_dictionary_enabled(column.clone(), false).set_column_encoding(column, Encoding::DELTA_BINARY_PACKED);
        } else if seldom_repeats(values) {
            // Ids: a dictionary would hold them all, and their least and greatest tell nothing.
            let statistics = if field.data_type() == &DataType::Utf8 { EnabledStatistics::None } else { EnabledStatistics::Chunk };
            properties = properties.set_column_dictionary_enabled(column.clone(), false).set_column_statistics_enabled(column, statistics);
        }
    }
    properties.build()
}

/// Whether more than half of the values are there once.
fn seldom_repeats(values: &dyn Array) -> bool {
    let distinct = match values.data_type() {
        DataType::Utf8 => values.as_string::<i32>().iter().flatten().collect::<HashSet<_>>().len(),
        DataType::Decimal128(..) => values.as_primitive::<Decimal128Type>().iter().flatten().collect::<HashSet<_>>().len(),
        _ => return false,
    };
    distinct > FEW_VALUES && distinct * 2 > values.len() - values.null_count()
}
