//! One Parquet file on its way into the store, with memory that does not grow with the file.

use arrow::datatypes::SchemaRef;
use arrow::record_batch::RecordBatch;
use parquet::errors::ParquetError;
use takings_pages::{ColumnRange, FileEncoder, Press};
use takings_storage::{StagedFile, Store};

use crate::{Error, Result};

/// Encoded bytes that wait before they go to the store.
const DRAIN_BYTES: usize = 4 << 20;

/// A Parquet file that nobody sees until it is committed to a path.
pub(crate) struct ParquetFile {
    /// The path that the file will have, for errors.
    path: String,
    encoder: FileEncoder,
    staged: StagedFile,
}

impl ParquetFile {
    pub(crate) async fn create(store: &Store, path: String, schema: &SchemaRef) -> Result<Self> {
        let encoder = FileEncoder::new(schema).map_err(|source| Error::Parquet { path: path.clone(), source })?;
        Ok(Self { encoder, staged: store.stage().await?, path })
    }

    pub(crate) async fn write(&mut self, batch: &RecordBatch, press: &mut Press) -> Result<()> {
        let written = self.encoder.write(batch, press);
        written.map_err(|source| self.error(source))?;
        if self.encoder.pending() >= DRAIN_BYTES {
            self.drain().await?;
        }
        Ok(())
    }

    /// Bytes of memory that the open row group holds.
    pub(crate) fn memory(&self) -> usize {
        self.encoder.memory()
    }

    /// Ends the open row group and gives its memory back.
    pub(crate) async fn release(&mut self, press: &mut Press) -> Result<()> {
        let ended = self.encoder.release(press);
        ended.map_err(|source| self.error(source))?;
        self.drain().await
    }

    /// Completes the file; gives it with the path that it is to have, and the ranges of its columns.
    pub(crate) async fn finish(mut self, press: &mut Press) -> Result<(StagedFile, String, Vec<ColumnRange>)> {
        let path = self.path;
        let (rest, ranges) = self.encoder.finish(press).map_err(|source| Error::Parquet { path: path.clone(), source })?;
        self.staged.write(rest.into()).await?;
        Ok((self.staged, path, ranges))
    }

    pub(crate) async fn discard(self) -> Result<()> {
        Ok(self.staged.discard().await?)
    }

    async fn drain(&mut self) -> Result<()> {
        let bytes = self.encoder.take();
        if !bytes.is_empty() {
            self.staged.write(bytes.into()).await?;
        }
        Ok(())
    }

    fn error(&self, source: ParquetError) -> Error {
        Error::Parquet { path: self.path.clone(), source }
    }
}
