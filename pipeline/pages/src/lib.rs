//! Arrow batches → the bytes of a Parquet file, page by page: dictionary codes from the first look at a text on, byte-stream-split
//! integers, zstd.
//!
//! Equal rows give equal bytes, however they are cut into batches: pages and row groups end at fixed numbers of rows and bytes. Only
//! compressed pages and the dictionaries of the open row group are held. It must not know tables, months, files or a store.

mod chunk;
mod column;
mod hybrid;
mod number;
mod numbers;
mod page;
mod text;
mod texts;

use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use parquet::arrow::{ArrowSchemaConverter, add_encoded_arrow_schema_to_metadata};
pub use parquet::errors::ParquetError as Error;
use parquet::errors::Result;
use parquet::file::properties::WriterProperties;
use parquet::file::writer::SerializedFileWriter;

use crate::column::Column;
pub use crate::page::Press;

/// Rows of a row group, at most.
const ROW_GROUP_ROWS: usize = 1 << 20;
/// Bytes of a row group, about.
const ROW_GROUP_BYTES: usize = 128 << 20;

/// Writes one file into memory; what is finished can be taken away at any time.
pub struct FileEncoder {
    writer: SerializedFileWriter<Vec<u8>>,
    columns: Vec<Column>,
    /// Rows of the open row group.
    rows: usize,
}

/// The least and the greatest value of a column, over the whole file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ColumnRange {
    /// The column is all null, or holds neither numbers nor texts.
    None,
    /// Integers, days, microseconds, decimals at their scale.
    Numbers(i128, i128),
    /// Bytewise.
    Texts(Vec<u8>, Vec<u8>),
}

impl FileEncoder {
    pub fn new(schema: &SchemaRef) -> Result<Self> {
        // Nothing in a file tells when, where or by which version of a library it was written.
        let mut properties = WriterProperties::builder().set_created_by("takings".to_owned()).build();
        add_encoded_arrow_schema_to_metadata(schema, &mut properties);
        let parquet_schema = ArrowSchemaConverter::new().convert(schema)?;
        let columns =
            parquet_schema.columns().iter().zip(schema.fields()).map(|(column, field)| Column::new(column, field.data_type())).collect::<Result<_>>()?;
        Ok(Self { writer: SerializedFileWriter::new(Vec::new(), parquet_schema.root_schema_ptr(), Arc::new(properties))?, columns, rows: 0 })
    }

    /// Takes the rows of a batch of the file's schema. Texts may come as views, or as dictionaries with keys of 32 bits, decimals
    /// of up to 18 digits in 64 bits.
    pub fn write(&mut self, batch: &RecordBatch, press: &mut Press) -> Result<()> {
        let mut from = 0;
        while from < batch.num_rows() {
            // Row groups end at multiples of a page, so that their end does not depend on how the batches are cut.
            let rows = (page::ROWS - self.rows % page::ROWS).min(batch.num_rows() - from);
            for (column, values) in self.columns.iter_mut().zip(batch.columns()) {
                column.write(values, from, rows, press)?;
            }
            from += rows;
            self.rows += rows;
            if self.rows.is_multiple_of(page::ROWS) {
                self.columns.iter_mut().try_for_each(|column| column.end_page(press))?;
            }
            let full = self.rows >= ROW_GROUP_ROWS || (self.rows.is_multiple_of(page::ROWS) && self.group_bytes() >= ROW_GROUP_BYTES);
            if full {
                self.end_row_group(press)?;
            }
        }
        Ok(())
    }

    /// Bytes of memory that the open row group and what was not taken away hold.
    pub fn memory(&self) -> usize {
        self.group_bytes() + self.pending()
    }

    fn group_bytes(&self) -> usize {
        self.columns.iter().map(Column::memory).sum()
    }

    /// Bytes of the file that wait to be taken.
    pub fn pending(&self) -> usize {
        self.writer.inner().len()
    }

    /// The bytes of the file that are finished and were not taken yet.
    pub fn take(&mut self) -> Vec<u8> {
        std::mem::take(self.writer.inner_mut())
    }

    /// Ends the open row group before it is full and gives back all memory that it had: the file may not be written to for a long time.
    pub fn release(&mut self, press: &mut Press) -> Result<()> {
        self.end_row_group(press)?;
        self.columns.iter_mut().for_each(Column::release);
        Ok(())
    }

    fn end_row_group(&mut self, press: &mut Press) -> Result<()> {
        if self.rows == 0 {
            return Ok(());
        }
        let mut group = self.writer.next_row_group()?;
        for column in &mut self.columns {
            let (bytes, close) = column.end_chunk(self.rows, press)?;
            group.append_column(&bytes, close)?;
        }
        group.close()?;
        self.rows = 0;
        Ok(())
    }

    /// Completes the file: the bytes that were not taken yet, and the range of each column.
    pub fn finish(mut self, press: &mut Press) -> Result<(Vec<u8>, Vec<ColumnRange>)> {
        self.end_row_group(press)?;
        let ranges = self.columns.into_iter().map(Column::range).collect();
        Ok((self.writer.into_inner()?, ranges))
    }
}
