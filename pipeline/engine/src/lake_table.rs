//! A lake table as the engine sees it: exactly the Parquet files it is given, pruned by their month.

use std::sync::Arc;

use async_trait::async_trait;
use chrono::{DateTime, Datelike, NaiveDate};
use datafusion::arrow::array::{Array, BooleanArray, Date32Array, RecordBatch};
use datafusion::arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use datafusion::catalog::{Session, TableProvider};
use datafusion::common::stats::Precision;
use datafusion::common::{DFSchema, Result, ScalarValue, Statistics};
use datafusion::datasource::TableType;
use datafusion::datasource::listing::PartitionedFile;
use datafusion::datasource::physical_plan::parquet::CachedParquetFileReaderFactory;
use datafusion::datasource::physical_plan::{FileGroup, FileScanConfigBuilder, ParquetSource};
use datafusion::datasource::source::DataSourceExec;
use datafusion::datasource::table_schema::TableSchema;
use datafusion::execution::object_store::ObjectStoreUrl;
use datafusion::logical_expr::utils::conjunction;
use datafusion::logical_expr::{Expr, TableProviderFilterPushDown};
use datafusion::physical_plan::ExecutionPlan;
use object_store::ObjectMeta;

/// The partition column of every partitioned table.
const MONTH: &str = "period_month";

/// One Parquet file of a table; its path is relative to the store.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ScanFile {
    pub path: String,
    pub size: u64,
    pub rows: u64,
    pub month: Option<NaiveDate>,
}

/// A table made of a fixed list of files.
#[derive(Debug)]
pub(crate) struct LakeTable {
    /// The columns in the contract's order: `select *` gives them so, and a union goes by position.
    columns: SchemaRef,
    /// Where each of them stands in the scan, which gives the partition column last.
    places: Vec<usize>,
    schema: TableSchema,
    partitioned: bool,
    files: Vec<ScanFile>,
    store: ObjectStoreUrl,
}

impl LakeTable {
    /// `schema` is the table's whole schema in the contract's order.
    pub(crate) fn new(schema: &Schema, partitioned: bool, files: Vec<ScanFile>, store: ObjectStoreUrl) -> Self {
        let in_files: Vec<Field> = schema.fields().iter().filter(|field| !(partitioned && field.name() == MONTH)).map(|field| viewed(field)).collect();
        let months: Vec<_> = schema.fields().iter().filter(|field| partitioned && field.name() == MONTH).cloned().collect();
        let columns: Vec<Field> = schema.fields().iter().map(|field| viewed(field)).collect();
        let scanned = TableSchema::builder(Arc::new(Schema::new(in_files))).with_table_partition_cols(months).build();
        let places = columns.iter().filter_map(|column| scanned.table_schema().index_of(column.name()).ok()).collect();
        Self { columns: Arc::new(Schema::new(columns)), places, schema: scanned, partitioned, files, store }
    }

    /// The files whose month can pass the filters that speak of the month alone.
    pub(crate) fn pruned(&self, state: &dyn Session, filters: &[Expr]) -> Result<Vec<&ScanFile>> {
        let mut kept: Vec<&ScanFile> = self.files.iter().collect();
        if !self.partitioned {
            return Ok(kept);
        }
        let schema = Arc::new(Schema::new(vec![Field::new(MONTH, DataType::Date32, true)]));
        let df_schema = DFSchema::try_from(Arc::clone(&schema))?;
        for filter in filters.iter().filter(|filter| only_month(filter)) {
            let months = Date32Array::from_iter(kept.iter().map(|file| file.month.map(days)));
            let batch = RecordBatch::try_new(Arc::clone(&schema), vec![Arc::new(months)])?;
            let verdict = state.create_physical_expr(filter.clone(), &df_schema)?.evaluate(&batch)?.into_array(kept.len())?;
            let Some(verdict) = verdict.as_any().downcast_ref::<BooleanArray>() else { continue };
            let mut at = 0;
            kept.retain(|_| {
                at += 1;
                verdict.is_valid(at - 1) && verdict.value(at - 1)
            });
        }
        Ok(kept)
    }

    /// Whole files dealt to the given number of groups, largest first.
    fn groups(&self, files: &[&ScanFile], wanted: usize) -> Vec<FileGroup> {
        let mut sorted: Vec<&&ScanFile> = files.iter().collect();
        sorted.sort_by(|a, b| b.size.cmp(&a.size).then_with(|| a.path.cmp(&b.path)));
        let mut groups: Vec<(u64, Vec<PartitionedFile>)> = (0..wanted.min(files.len()).max(1)).map(|_| (0, Vec::new())).collect();
        for file in sorted {
            if let Some(lightest) = groups.iter_mut().min_by_key(|group| group.0) {
                lightest.0 += file.size;
                lightest.1.push(self.partitioned_file(file));
            }
        }
        groups.into_iter().map(|(_, files)| FileGroup::new(files)).collect()
    }

    fn partitioned_file(&self, file: &ScanFile) -> PartitionedFile {
        let meta = ObjectMeta { location: file.path.as_str().into(), last_modified: DateTime::UNIX_EPOCH, size: file.size, e_tag: None, version: None };
        let mut partitioned = PartitionedFile::new_from_meta(meta);
        if self.partitioned {
            partitioned.partition_values = vec![ScalarValue::Date32(file.month.map(days))];
        }
        partitioned
    }
}

/// Text is read as views: no copy out of the page.
fn viewed(field: &Field) -> Field {
    match field.data_type() {
        DataType::Utf8 => field.clone().with_data_type(DataType::Utf8View),
        _ => field.clone(),
    }
}

fn only_month(filter: &Expr) -> bool {
    let columns = filter.column_refs();
    !columns.is_empty() && columns.iter().all(|column| column.name() == MONTH) && !filter.is_volatile()
}

fn days(date: NaiveDate) -> i32 {
    date.num_days_from_ce() - NaiveDate::default().num_days_from_ce()
}

#[async_trait]
impl TableProvider for LakeTable {
    fn schema(&self) -> SchemaRef {
        Arc::clone(&self.columns)
    }

    fn table_type(&self) -> TableType {
        TableType::Base
    }

    async fn scan(&self, state: &dyn Session, projection: Option<&Vec<usize>>, filters: &[Expr], limit: Option<usize>) -> Result<Arc<dyn ExecutionPlan>> {
        let files = self.pruned(state, filters)?;
        let projection: Vec<usize> = match projection {
            Some(wanted) => wanted.iter().filter_map(|column| self.places.get(*column).copied()).collect(),
            None => self.places.clone(),
        };
        let mut statistics = Statistics::new_unknown(self.schema.table_schema());
        let sum = |value: fn(&ScanFile) -> u64| files.iter().map(|file| usize::try_from(value(file)).unwrap_or(usize::MAX)).fold(0, usize::saturating_add);
        statistics.num_rows = Precision::Exact(sum(|file| file.rows));
        statistics.total_byte_size = Precision::Inexact(sum(|file| file.size.saturating_mul(4)));
        let mut source = ParquetSource::new(self.schema.clone()).with_table_parquet_options(state.default_table_options().parquet.clone());
        // Row groups that can't hold a row are skipped; the rows themselves are filtered above the scan. Of the month nothing is left to ask: a month
        // that the plan knows to be one would count as an order of the rows, and rows in order are grouped one by one.
        let asked = filters.iter().filter(|filter| !(filter.is_volatile() || self.partitioned && only_month(filter)));
        if let Some(filter) = conjunction(asked.cloned()) {
            let schema = DFSchema::try_from(Arc::clone(self.schema.table_schema()))?;
            source = source.with_predicate(state.create_physical_expr(filter, &schema)?);
        }
        // Footers are read once: a file of a version never changes.
        let runtime = state.runtime_env();
        let footers = runtime.cache_manager.get_file_metadata_cache();
        let readers = CachedParquetFileReaderFactory::new(runtime.object_store(&self.store)?, footers);
        let source = Arc::new(source.with_parquet_file_reader_factory(Arc::new(readers)));
        let groups = self.groups(&files, state.config().target_partitions());
        let scan = FileScanConfigBuilder::new(self.store.clone(), source)
            .with_file_groups(groups)
            .with_statistics(statistics)
            .with_projection_indices(Some(projection))?
            .with_limit(limit)
            .build();
        Ok(DataSourceExec::from_data_source(scan))
    }

    fn supports_filters_pushdown(&self, filters: &[&Expr]) -> Result<Vec<TableProviderFilterPushDown>> {
        Ok(filters
            .iter()
            .map(|filter| if self.partitioned && only_month(filter) { TableProviderFilterPushDown::Exact } else { TableProviderFilterPushDown::Inexact })
            .collect())
    }
}
