//! The ledger's tables, as they grew. One text for both databases.

use sqlx::SqlSafeStr;
use sqlx::migrate::{Migration, MigrationType, Migrator};

const MIGRATIONS: [(i64, &str, &str); 3] = [
    (1, "ledger", include_str!("../migrations/0001_ledger.sql")),
    (2, "ticks", include_str!("../migrations/0002_ticks.sql")),
    (3, "turns", include_str!("../migrations/0003_turns.sql")),
];

/// Text is ordered by its bytes in SQLite. In PostgreSQL the columns say so: else the order of what is read would hang on how
/// the database was made.
const BYTEWISE: (&str, &str) = (" TEXT", " TEXT COLLATE \"C\"");

pub(crate) enum Dialect {
    Sqlite,
    Postgres,
}

pub(crate) fn migrations(dialect: &Dialect) -> Migrator {
    let all = MIGRATIONS.iter().map(|(version, name, text)| {
        let mut migration = Migration::new(*version, (*name).into(), MigrationType::Simple, text.into_sql_str(), false);
        if matches!(dialect, Dialect::Postgres) {
            // The checksum stays that of the common text.
            migration.sql = sqlx::AssertSqlSafe(text.replace(BYTEWISE.0, BYTEWISE.1)).into_sql_str();
        }
        migration
    });
    Migrator::with_migrations(all.collect())
}
