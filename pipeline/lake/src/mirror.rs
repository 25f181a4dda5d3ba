//! The plain mirror for tools without a Delta reader: one Parquet file per partition under `bi/`, replaced in one step.
//!
//! The same rows in the same order give the same bytes, however they come in batches. The mirror is written after the commits
//! that it shows, and pruned last; whoever is killed between just does it again.

use std::collections::BTreeSet;

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use chrono::NaiveDate;
use takings_pages::Press;

use crate::parquet_file::ParquetFile;
use crate::schema::file_schema;
use crate::writer::conform;
use crate::{Error, Lake, PARTITION_COLUMN, Result};

/// Writes one partition of a table's mirror.
pub struct MirrorWriter {
    table: String,
    month: Option<NaiveDate>,
    schema: SchemaRef,
    file: ParquetFile,
    press: Press,
    rows: u64,
}

impl Lake {
    /// Starts the mirror of a month (or of a table without partitions). `schema`: the columns as the mirror shows them; the
    /// partition column is left out of the file where there is a month. Nothing changes before [`MirrorWriter::commit`].
    pub async fn mirror_writer(&self, table: &str, month: Option<NaiveDate>, schema: &SchemaRef) -> Result<MirrorWriter> {
        let schema = file_schema(schema, month.is_some());
        let file = ParquetFile::create(&self.store, mirror_path(table, month), &schema).await?;
        let press = Press::new().map_err(|source| Error::Parquet { path: mirror_path(table, month), source })?;
        Ok(MirrorWriter { table: table.to_owned(), month, schema, file, press, rows: 0 })
    }

    /// Writes a month (or a table without partitions) from batches in their final order; gives the number of rows.
    pub async fn mirror_partition(
        &self,
        table: &str,
        month: Option<NaiveDate>,
        schema: &SchemaRef,
        batches: impl IntoIterator<Item = RecordBatch>,
    ) -> Result<u64> {
        let mut writer = self.mirror_writer(table, month, schema).await?;
        for batch in batches {
            writer.write(&batch).await?;
        }
        writer.commit().await
    }

    /// Deletes the files of a table's mirror that are not one of `keep`; gives their paths. An empty `keep` removes the table.
    pub async fn mirror_prune(&self, table: &str, keep: &[Option<NaiveDate>]) -> Result<Vec<String>> {
        let keep: BTreeSet<String> = keep.iter().map(|month| mirror_path(table, *month)).collect();
        let mut deleted = Vec::new();
        for object in self.store.list(&format!("bi/{table}")).await? {
            let path = object.location.as_ref();
            if !keep.contains(path) {
                self.store.delete(path).await?;
                deleted.push(path.to_owned());
            }
        }
        Ok(deleted)
    }

    /// The tables that have a mirror, sorted.
    pub async fn mirrored_tables(&self) -> Result<Vec<String>> {
        let listed = self.store.list("bi").await?;
        let tables: BTreeSet<&str> =
            listed.iter().filter_map(|object| object.location.as_ref().strip_prefix("bi/")?.split_once('/')).map(|(table, _)| table).collect();
        Ok(tables.into_iter().map(str::to_owned).collect())
    }
}

impl MirrorWriter {
    /// Takes the next rows; the columns are found by name. Texts may come as views.
    pub async fn write(&mut self, batch: &RecordBatch) -> Result<()> {
        let batch = conform(&self.table, &self.schema, batch)?;
        self.rows += batch.num_rows() as u64;
        self.file.write(&batch, &mut self.press).await
    }

    /// Puts the file in place of the old one; gives the number of rows.
    pub async fn commit(mut self) -> Result<u64> {
        tracing::debug!(table = self.table, month = ?self.month, rows = self.rows, "mirror replaced");
        let (staged, path, _) = self.file.finish(&mut self.press).await?;
        staged.commit(&path).await?;
        Ok(self.rows)
    }
}

fn mirror_path(table: &str, month: Option<NaiveDate>) -> String {
    match month {
        Some(month) => format!("bi/{table}/{PARTITION_COLUMN}={month}/part.parquet"),
        None => format!("bi/{table}/part.parquet"),
    }
}
