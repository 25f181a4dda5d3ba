//! Decode accounting: of each unit of each raw table, what became of the records that were read.

use serde_json::Value;
use uuid::Uuid;

use crate::query::{Row, query};
use crate::row::{self, figure};
use crate::{Error, Ledger, Result};

/// A unit of a raw table: the rows that are published and replaced together.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct UnitKey {
    pub table: String,
    pub unit: String,
}

/// What became of a unit's records. `records = published + quarantined + duplicate + excluded`; anything else is refused.
#[derive(Debug, Clone, PartialEq)]
pub struct Unit {
    pub key: UnitKey,
    pub export: String,
    pub instance: String,
    pub file_id: String,
    pub source_path: String,
    /// The version of the landing record.
    pub version: u64,
    pub records: u64,
    pub published: u64,
    pub quarantined: u64,
    pub duplicate: u64,
    pub excluded: u64,
    /// Money totals per column and currency, sums as text; and what else the caller keeps per unit.
    pub totals: Value,
}

impl Unit {
    fn check(&self) -> Result<()> {
        let accounted = [self.published, self.quarantined, self.duplicate, self.excluded].into_iter().map(u128::from).sum::<u128>();
        if accounted == u128::from(self.records) {
            return Ok(());
        }
        Err(Error::Accounting {
            table: self.key.table.clone(),
            path: self.source_path.clone(),
            unit: self.key.unit.clone(),
            records: self.records,
            accounted: accounted.to_string(),
        })
    }
}

impl Ledger {
    /// Records units and forgets those that they replace, all or none.
    pub async fn save_units(&self, run: Option<Uuid>, units: &[Unit], replaced: &[UnitKey]) -> Result<()> {
        units.iter().try_for_each(Unit::check)?;
        if units.is_empty() && replaced.is_empty() {
            return Ok(());
        }
        let mut transaction = self.write("save_units").await?;
        for key in replaced {
            transaction.execute(query("DELETE FROM units WHERE table_name = $1 AND unit = $2").bind(&key.table).bind(&key.unit)).await?;
        }
        for unit in units {
            transaction
                .execute(
                    query(
                        "INSERT INTO units (table_name, unit, export, instance, file_id, source_path, version, records, published, quarantined, duplicate,
                     excluded, totals, run_id)
                 VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)
                 ON CONFLICT (table_name, unit) DO UPDATE SET export = excluded.export, instance = excluded.instance, file_id = excluded.file_id,
                     source_path = excluded.source_path, version = excluded.version, records = excluded.records, published = excluded.published,
                     quarantined = excluded.quarantined, duplicate = excluded.duplicate, excluded = excluded.excluded, totals = excluded.totals,
                     run_id = excluded.run_id",
                    )
                    .bind(&unit.key.table)
                    .bind(&unit.key.unit)
                    .bind(&unit.export)
                    .bind(&unit.instance)
                    .bind(&unit.file_id)
                    .bind(&unit.source_path)
                    .bind(figure("version", unit.version)?)
                    .bind(figure("records", unit.records)?)
                    .bind(figure("published", unit.published)?)
                    .bind(figure("quarantined", unit.quarantined)?)
                    .bind(figure("duplicate", unit.duplicate)?)
                    .bind(figure("excluded", unit.excluded)?)
                    .bind(row::json("totals", &unit.totals)?)
                    .bind(run.map(|run| run.to_string())),
                )
                .await?;
        }
        transaction.commit().await?;
        Ok(())
    }

    /// The units of a table, by file and unit.
    pub async fn units(&self, table: &str) -> Result<Vec<Unit>> {
        let rows = self.rows("units", query("SELECT * FROM units WHERE table_name = $1 ORDER BY instance, source_path, unit").bind(table)).await?;
        rows.iter().map(read).collect()
    }

    /// Those of them with records in quarantine.
    pub async fn withheld_units(&self, table: &str) -> Result<Vec<Unit>> {
        let sql = "SELECT * FROM units WHERE table_name = $1 AND quarantined > 0 ORDER BY instance, source_path, unit";
        let rows = self.rows("withheld_units", query(sql).bind(table)).await?;
        rows.iter().map(read).collect()
    }

    /// The units that came from a file, in whatever table.
    pub async fn units_of_file(&self, file_id: &str) -> Result<Vec<Unit>> {
        let rows = self.rows("units_of_file", query("SELECT * FROM units WHERE file_id = $1 ORDER BY table_name, unit").bind(file_id)).await?;
        rows.iter().map(read).collect()
    }
}

fn read(row: &Row) -> Result<Unit> {
    Ok(Unit {
        key: UnitKey { table: row::text(row, "table_name")?, unit: row::text(row, "unit")? },
        export: row::text(row, "export")?,
        instance: row::text(row, "instance")?,
        file_id: row::text(row, "file_id")?,
        source_path: row::text(row, "source_path")?,
        version: row::count(row, "version")?,
        records: row::count(row, "records")?,
        published: row::count(row, "published")?,
        quarantined: row::count(row, "quarantined")?,
        duplicate: row::count(row, "duplicate")?,
        excluded: row::count(row, "excluded")?,
        totals: row::from_json(row, "totals")?,
    })
}
