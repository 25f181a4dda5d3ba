//! Opening, bringing up to date, and belonging to one store.

use expect_test::expect;
use takings_runs::{Ledger, RunFilter};
use tempfile::TempDir;

use super::{begun, open};

#[tokio::test]
async fn opening_makes_the_folder_and_opening_again_keeps_the_records() {
    let folder = TempDir::new().unwrap();
    let first = open(&folder).await;
    let run = begun(&first).await.run;
    first.close().await;
    let again = Ledger::open(&format!("sqlite://{}", folder.path().join("state/ledger.db").display()), folder.path()).await.unwrap();
    assert_eq!(again.list_runs(&RunFilter::default()).await.unwrap(), [run]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn eight_open_a_new_ledger_at_once() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().to_owned();
    let opens: Vec<_> = (0..8)
        .map(|_| {
            let path = path.clone();
            tokio::spawn(async move { Ledger::open("ledger.db", &path).await })
        })
        .collect();
    for open in opens {
        open.await.unwrap().unwrap().check_store("one").await.unwrap();
    }
}

#[tokio::test]
async fn what_is_no_ledger_is_refused_with_the_next_step() {
    let folder = TempDir::new().unwrap();
    let mut said = String::new();
    for given in ["postgres://host/takings", "sqlite:", "sqlite::memory:"] {
        let error = Ledger::open(given, folder.path()).await.unwrap_err();
        assert!(error.is_config() && !error.is_retryable());
        said += &format!("{error}\n");
    }
    expect![[r#"
        ledger "postgres://host/takings": this program keeps its ledger in SQLite, not in `postgres`; write a path such as state/ledger.db, or sqlite:path
        ledger "sqlite:": it names no file; write a path such as state/ledger.db, or sqlite:path
        ledger "sqlite::memory:": a ledger in memory forgets everything; write a path such as state/ledger.db, or sqlite:path
    "#]]
    .assert_eq(&said);
    std::fs::write(folder.path().join("notes.txt"), "this is a text file and no ledger, long enough to have a header").unwrap();
    assert!(Ledger::open("notes.txt", folder.path()).await.unwrap_err().is_config());
    assert!(Ledger::open("notes.txt/ledger.db", folder.path()).await.unwrap_err().to_string().starts_with("can't make the folder "));
}

#[tokio::test]
async fn a_ledger_belongs_to_one_store() {
    let folder = TempDir::new().unwrap();
    let ledger = open(&folder).await;
    assert_eq!(ledger.store_id().await.unwrap(), None);
    ledger.check_store("store-1").await.unwrap();
    ledger.check_store("store-1").await.unwrap();
    let error = ledger.check_store("store-2").await.unwrap_err();
    assert!(error.is_config());
    assert_eq!(
        error.to_string(),
        format!(
            "ledger {} belongs to store store-1, but the settings name store store-2; set ledger.url to that store's own ledger, or store.url back",
            ledger.name()
        )
    );
    assert_eq!(ledger.store_id().await.unwrap().as_deref(), Some("store-1"));
}

/// A ledger of the first version, with runs in it.
#[tokio::test]
async fn an_older_ledger_keeps_its_runs_and_gets_ticks_for_them() {
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("ledger.db");
    let pool = sqlx::SqlitePool::connect_with(sqlx::sqlite::SqliteConnectOptions::new().filename(&file).create_if_missing(true)).await.unwrap();
    let mut first = sqlx::migrate!("./migrations");
    first.migrations = first.migrations.iter().filter(|migration| migration.version == 1).cloned().collect::<Vec<_>>().into();
    first.run(&pool).await.unwrap();
    for (id, job, day, attempt, state) in [
        (1, "nightly", 14, 1, "delivered"),
        (2, "nightly", 14, 2, "failed"),
        (3, "nightly", 15, 1, "failed"),
        (4, "nightly", 15, 2, "failed"),
        (5, "rebuild fct_tax", 15, 1, "nothing"),
    ] {
        let at = format!("2026-03-{day}T00:00:00.000000Z");
        sqlx::query("INSERT INTO runs VALUES ($1, $2, $3, $3, $3, $3, $4, $5, $3, $3, 'host', '0.1.0', 'why')")
            .bind(takings_runs::Uuid::from_u128(id).to_string())
            .bind(job)
            .bind(at)
            .bind(attempt)
            .bind(state)
            .execute(&pool)
            .await
            .unwrap();
    }
    pool.close().await;
    let ledger = Ledger::open("ledger.db", folder.path()).await.unwrap();
    let runs = ledger.list_runs(&RunFilter { job: Some("nightly".into()), ..RunFilter::default() }).await.unwrap();
    assert_eq!(runs.iter().map(|run| (run.attempt, run.retry)).collect::<Vec<_>>(), [(2, 0), (1, 0), (2, 0), (1, 0)]);
    let ticks = ledger.ticks(&takings_runs::TickFilter::default()).await.unwrap();
    let ticks: Vec<String> =
        ticks.iter().map(|tick| format!("{} {} {} {}", tick.job, tick.tick.format("%d"), tick.state, tick.run.unwrap().as_u128())).collect();
    assert_eq!(ticks, ["nightly 14 delivered 1", "nightly 15 failed 4"]);
}
