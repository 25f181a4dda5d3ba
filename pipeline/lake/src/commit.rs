//! The commit: one log entry that adds new files and removes old ones, exactly once, or not at all.
//!
//! Each commit raises the table's application version by one and says which version it was planned on. It is compared before
//! the commit, the log entry's number can be taken once only, and nothing is retried here: of two that planned on the same
//! state one wins and the other gets [`Error::Conflict`].

use std::collections::{BTreeMap, BTreeSet, HashMap};

use deltalake_core::DeltaTableError;
use deltalake_core::kernel::transaction::{CommitBuilder, CommitProperties, TableReference};
use deltalake_core::kernel::{Action, Add, Metadata, Protocol, Remove, Transaction};
use deltalake_core::protocol::{DeltaOperation, SaveMode};
use serde_json::{Value, json};
use takings_definitions::Table;
use uuid::Uuid;

use crate::compact::TARGET;
use crate::known::Version;
use crate::log::{APPLICATION, Log};
use crate::schema::{delta_schema, misfit};
use crate::state::{PARTS_TAG, version_number};
use crate::{DataFile, Error, Lake, NewFile, PARTITION_COLUMN, Result, table_schema};

/// Where a log entry names the commit that wrote it.
const COMMIT_KEY: &str = "takings.commit";
/// Log entries between two checkpoints.
const CHECKPOINT_INTERVAL: &str = "10";

/// Files that come and go.
pub(crate) struct Change {
    pub adds: Vec<NewFile>,
    pub removes: Vec<DataFile>,
    /// The rows stay what they are.
    pub rearranges: bool,
}

/// What a commit made of the table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Committed {
    pub version: i64,
    pub app_version: i64,
}

impl Lake {
    /// Adds and removes files in one step, and makes the table where there is none. `expected_app_version` is that of the
    /// state the caller planned on, `None` where there was no table (or 0, no commit of ours). `info` goes into the log entry as `takings.<key>`, for readers of its history.
    pub async fn commit(
        &self,
        table: &Table,
        expected_app_version: Option<i64>,
        adds: Vec<NewFile>,
        removes: Vec<DataFile>,
        info: BTreeMap<String, String>,
    ) -> Result<Committed> {
        self.commit_as(table, expected_app_version, Change { adds, removes, rearranges: false }, info).await
    }

    pub(crate) async fn commit_as(
        &self,
        table: &Table,
        expected_app_version: Option<i64>,
        change: Change,
        info: BTreeMap<String, String>,
    ) -> Result<Committed> {
        let Change { mut adds, removes, rearranges } = change;
        for new in &mut adds {
            new.placed().await?;
        }
        let log = self.log(&table.name)?;
        let current = self.known.read(&log, None).await?;
        let app_version = current.as_ref().map(|current| current.state.app_version).filter(|&version| version > 0);
        if app_version != expected_app_version.filter(|&version| version > 0) {
            let count = |version: Option<i64>| version.map_or("no commit".to_owned(), |version| format!("commit {version}"));
            return Err(Error::conflict(&table.name, format!("planned on {}, the table is at {}", count(expected_app_version), count(app_version))));
        }
        let next = app_version.unwrap_or(0) + 1;

        let mut actions = self.table_actions(table, current.as_ref(), &adds, &removes)?;
        let now = self.now().timestamp_millis();
        actions.extend(adds.iter().map(|new| Action::Add(add(new, now, !rearranges))));
        actions.extend(removes.iter().map(|file| Action::Remove(remove(file, now, !rearranges))));

        let id = Uuid::new_v4().to_string();
        let mut metadata: HashMap<String, Value> = info.into_iter().map(|(key, value)| (format!("takings.{key}"), Value::from(value))).collect();
        metadata.insert(COMMIT_KEY.into(), Value::from(id.as_str()));
        let properties = CommitProperties::default()
            .with_max_retries(0)
            .with_cleanup_expired_logs(Some(false))
            .with_application_transaction(Transaction::new_with_last_update(APPLICATION, next, Some(now)))
            .with_metadata(metadata);
        let operation = if rearranges {
            DeltaOperation::Optimize { predicate: None, target_size: signed(TARGET) }
        } else {
            DeltaOperation::Write {
                mode: if removes.is_empty() { SaveMode::Append } else { SaveMode::Overwrite },
                partition_by: table.is_partitioned().then(|| vec![PARTITION_COLUMN.to_owned()]),
                predicate: None,
            }
        };
        let number = current.as_ref().map_or(0, |current| current.log.version() + 1);
        let on = current.as_ref().map(|current| &current.log as &dyn TableReference);
        let outcome = CommitBuilder::from(properties).with_actions(actions).build(on, log.store.clone(), operation).await;
        match outcome {
            Ok(done) => {
                let version = version_number(&table.name, done.version)?;
                self.known.committed(&table.name, done.snapshot, next);
                Ok(Committed { version, app_version: next })
            }
            Err(error) if log.holds(number, &id).await? => {
                // The log entry is there: what failed came after it, such as a checkpoint, and is done by a later commit.
                tracing::warn!(table = table.name, version = number, %error, "committed, but not all of the work after it was done");
                self.known.moved_on(&table.name);
                Ok(Committed { version: version_number(&table.name, number)?, app_version: next })
            }
            Err(error) if log.exists(number).await? => Err(Error::conflict(&table.name, format!("somebody else wrote version {number} ({error})"))),
            Err(error) => Err(Error::delta(&table.name, "commit", error)),
        }
    }

    /// Protocol and metadata, where the table is new or its contract or retention changed.
    fn table_actions(&self, table: &Table, current: Option<&Version>, adds: &[NewFile], removes: &[DataFile]) -> Result<Vec<Action>> {
        let Some(current) = current else {
            if let Some(file) = removes.first() {
                return Err(Error::conflict(&table.name, format!("the file {} is to be removed, but there is no table", file.path)));
            }
            return Ok(vec![Action::Protocol(self.protocol(table)?), Action::Metadata(self.metadata(table, None)?)]);
        };
        let mut left: BTreeSet<&str> = current.state.files.iter().map(|file| file.path.as_str()).collect();
        if let Some(file) = adds.iter().find(|new| left.contains(new.file.path.as_str())) {
            return Err(Error::conflict(&table.name, format!("the file {} is in the table already", file.file.path)));
        }
        if let Some(file) = removes.iter().find(|file| !left.remove(file.path.as_str())) {
            return Err(Error::conflict(&table.name, format!("the file {} is not in the table (any more)", file.path)));
        }

        let wanted = self.metadata(table, Some(current.log.metadata()))?;
        let (old, new) = (current.state.schema.clone(), table_schema(table));
        let same_partition = current.log.metadata().partition_columns() == wanted.partition_columns();
        if !left.is_empty() {
            let reason = if same_partition { misfit(&old, &new) } else { Some("it is partitioned otherwise".to_owned()) };
            if let Some(reason) = reason {
                return Err(Error::Contract { table: table.name.clone(), contract: table.path.display().to_string(), reason });
            }
        }
        let same = old == new && same_partition && current.log.metadata().configuration() == wanted.configuration();
        Ok(if same { Vec::new() } else { vec![Action::Metadata(wanted)] })
    }

    fn protocol(&self, table: &Table) -> Result<Protocol> {
        parsed(table, json!({ "minReaderVersion": 1, "minWriterVersion": 2 }))
    }

    fn metadata(&self, table: &Table, old: Option<&Metadata>) -> Result<Metadata> {
        let retention = format!("interval {} days", self.retention_days);
        let partition: &[&str] = if table.is_partitioned() { &[PARTITION_COLUMN] } else { &[] };
        let value = json!({
            "id": old.map_or_else(|| Uuid::new_v4().to_string(), |old| old.id().to_owned()),
            "name": table.name,
            "description": table.description,
            "format": { "provider": "parquet", "options": {} },
            "schemaString": delta_schema(table).to_string(),
            "partitionColumns": partition,
            "configuration": {
                "delta.logRetentionDuration": retention,
                "delta.deletedFileRetentionDuration": retention,
                "delta.enableExpiredLogCleanup": "false",
                "delta.checkpointInterval": CHECKPOINT_INTERVAL,
            },
            "createdTime": old.map_or_else(|| Some(self.now().timestamp_millis()), Metadata::created_time),
        });
        parsed(table, value)
    }
}

impl Log {
    /// Was this version written by this commit?
    async fn holds(&self, version: u64, commit: &str) -> Result<bool> {
        let entry = self.entry(version).await?;
        let of_commit = |line: &str| serde_json::from_str::<Value>(line).is_ok_and(|action| action["commitInfo"][COMMIT_KEY] == commit);
        Ok(entry.is_some_and(|entry| entry.lines().any(of_commit)))
    }

    async fn exists(&self, version: u64) -> Result<bool> {
        Ok(self.entry(version).await?.is_some())
    }

    async fn entry(&self, version: u64) -> Result<Option<String>> {
        let bytes = self.store.read_commit_entry(version).await.map_err(|error| Error::delta(&self.table, "read the log entry of its commit", error))?;
        Ok(bytes.map(|bytes| String::from_utf8_lossy(&bytes).into_owned()))
    }
}

fn parsed<T: serde::de::DeserializeOwned>(table: &Table, value: Value) -> Result<T> {
    serde_json::from_value(value).map_err(|error| Error::delta(&table.name, "describe it", DeltaTableError::generic(error.to_string())))
}

fn partition_values(file: &DataFile) -> HashMap<String, Option<String>> {
    file.period_month.iter().map(|month| (PARTITION_COLUMN.to_owned(), Some(month.to_string()))).collect()
}

fn add(new: &NewFile, now: i64, data_change: bool) -> Add {
    let parts = &new.file.parts;
    Add {
        tags: (!parts.is_empty()).then(|| HashMap::from([(PARTS_TAG.to_owned(), Some(parts.join("\n")))])),
        path: new.file.path.clone(),
        partition_values: partition_values(&new.file),
        size: signed(new.file.size),
        modification_time: now,
        data_change,
        stats: Some(new.statistics.clone()),
        ..Add::default()
    }
}

fn remove(file: &DataFile, now: i64, data_change: bool) -> Remove {
    Remove {
        path: file.path.clone(),
        data_change,
        deletion_timestamp: Some(now),
        extended_file_metadata: Some(true),
        partition_values: Some(partition_values(file)),
        size: Some(signed(file.size)),
        ..Remove::default()
    }
}

fn signed(size: u64) -> i64 {
    i64::try_from(size).unwrap_or(i64::MAX)
}
