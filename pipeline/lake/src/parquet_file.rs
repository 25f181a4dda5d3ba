//! One Parquet file on its way into the store, with memory that does not grow with the file.

use arrow::compute::BatchCoalescer;
use arrow::datatypes::SchemaRef;
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
/// A dictionary that grows beyond this is given up: ids repeat too seldom to pay for it.
const DICTIONARY_BYTES: usize = 256 << 10;

/// A Parquet file that nobody sees until it is committed to a path.
pub(crate) struct ParquetFile {
    /// The path that the file will have, for errors.
    path: String,
    /// Small batches are gathered: encoding costs per call, and equal rows give equal bytes however they came.
    steps: BatchCoalescer,
    writer: ArrowWriter<Vec<u8>>,
    staged: StagedFile,
}

impl ParquetFile {
    pub(crate) async fn create(store: &Store, path: String, schema: &SchemaRef) -> Result<Self> {
        let writer =
            ArrowWriter::try_new(Vec::new(), schema.clone(), Some(properties(schema))).map_err(|source| Error::Parquet { path: path.clone(), source })?;
        let staged = store.stage().await?;
        Ok(Self { path, steps: BatchCoalescer::new(schema.clone(), STEP_ROWS), writer, staged })
    }

    pub(crate) async fn write(&mut self, batch: &RecordBatch) -> Result<()> {
        self.steps.push_batch(batch.clone()).map_err(|source| self.error(source.into()))?;
        self.write_steps()?;
        if self.writer.inner().len() >= DRAIN_BYTES {
            self.drain().await?;
        }
        Ok(())
    }

    /// Bytes of memory that the open row group holds.
    pub(crate) fn memory(&self) -> usize {
        self.writer.memory_size() + self.writer.inner().len()
    }

    fn write_steps(&mut self) -> Result<()> {
        while let Some(step) = self.steps.next_completed_batch() {
            self.writer.write(&step).map_err(|source| self.error(source))?;
        }
        Ok(())
    }

    /// Ends the open row group and gives its memory back.
    pub(crate) async fn end_row_group(&mut self) -> Result<()> {
        self.writer.flush().map_err(|source| self.error(source))?;
        self.drain().await
    }

    /// Completes the file and puts it onto its path; gives its size.
    pub(crate) async fn commit(mut self) -> Result<u64> {
        self.steps.finish_buffered_batch().map_err(|source| self.error(source.into()))?;
        self.write_steps()?;
        let rest = self.writer.into_inner().map_err(|source| Error::Parquet { path: self.path.clone(), source })?;
        self.staged.write(rest.into()).await?;
        let size = self.staged.written();
        self.staged.commit(&self.path).await?;
        Ok(size)
    }

    pub(crate) async fn discard(self) -> Result<()> {
        Ok(self.staged.discard().await?)
    }

    async fn drain(&mut self) -> Result<()> {
        let bytes = std::mem::take(self.writer.inner_mut());
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
fn properties(schema: &SchemaRef) -> WriterProperties {
    let mut properties = WriterProperties::builder()
        .set_created_by("takings".to_owned())
        .set_compression(Compression::ZSTD(ZstdLevel::default()))
        // Readers prune by month and row group; page statistics and page indexes would cost more than they save.
        .set_statistics_enabled(EnabledStatistics::Chunk)
        .set_offset_index_disabled(true)
        .set_dictionary_page_size_limit(DICTIONARY_BYTES)
        .set_max_row_group_row_count(Some(ROW_GROUP_ROWS))
        .set_max_row_group_bytes(Some(ROW_GROUP_BYTES));
    if schema.field_with_name("_line").is_ok() {
        // Line numbers rise by one: differences take almost no space, a dictionary would take much.
        let line = ColumnPath::from("_line");
        properties = properties.set_column_dictionary_enabled(line.clone(), false).set_column_encoding(line, Encoding::DELTA_BINARY_PACKED);
    }
    properties.build()
}
