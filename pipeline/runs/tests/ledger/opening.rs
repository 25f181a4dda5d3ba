//! Opening, bringing up to date, and belonging to one store.

use expect_test::expect;
use sqlx::SqlSafeStr;
use sqlx::migrate::{Migration, MigrationType, Migrator};
use takings_runs::{Ledger, RunFilter};
use tempfile::TempDir;

use super::begun;
use super::place::{Place, on_both};

const FIRST: &str = include_str!("../../migrations/0001_ledger.sql");

on_both!(
    opening_makes_the_folder_and_opening_again_keeps_the_records,
    eight_open_a_new_ledger_at_once,
    a_ledger_belongs_to_one_store,
    an_older_ledger_keeps_its_runs_and_gets_ticks_for_them,
);

async fn opening_makes_the_folder_and_opening_again_keeps_the_records(place: &Place) {
    let first = place.open().await;
    let run = begun(&first).await.run;
    first.close().await;
    let again = match &place.database {
        Some(_) => place.open().await,
        None => Ledger::open(&format!("sqlite://{}", place.folder.path().join("state/ledger.db").display()), place.folder.path()).await.unwrap(),
    };
    assert_eq!(again.list_runs(&RunFilter::default()).await.unwrap(), [run]);
}

async fn eight_open_a_new_ledger_at_once(place: &Place) {
    let opens: Vec<_> = (0..8)
        .map(|_| {
            let (url, folder) = (place.url(), place.folder.path().to_owned());
            tokio::spawn(async move { Ledger::open(&url, &folder).await })
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
    for given in ["mysql://host/takings", "sqlite:", "sqlite::memory:"] {
        let error = Ledger::open(given, folder.path()).await.unwrap_err();
        assert!(error.is_config() && !error.is_retryable());
        said += &format!("{error}\n");
    }
    expect![[r#"
        ledger "mysql://host/takings": this program keeps its ledger in SQLite or PostgreSQL, not in `mysql`; write a path such as state/ledger.sqlite, or postgres://user@host/database
        ledger "sqlite:": it names no file; write a path such as state/ledger.sqlite, or postgres://user@host/database
        ledger "sqlite::memory:": a ledger in memory forgets everything; write a path such as state/ledger.sqlite, or postgres://user@host/database
    "#]].assert_eq(&said);
    std::fs::write(folder.path().join("notes.txt"), "this is a text file and no ledger, long enough to have a header").unwrap();
    assert!(Ledger::open("notes.txt", folder.path()).await.unwrap_err().is_config());
    assert!(Ledger::open("notes.txt/ledger.db", folder.path()).await.unwrap_err().to_string().starts_with("can't make the folder "));
}

async fn a_ledger_belongs_to_one_store(place: &Place) {
    let ledger = place.open().await;
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
async fn an_older_ledger_keeps_its_runs_and_gets_ticks_for_them(place: &Place) {
    let first = |text: String| {
        // Known by the file's own text, whichever text was run.
        let mut first = Migration::new(1, "ledger".into(), MigrationType::Simple, FIRST.into_sql_str(), false);
        first.sql = sqlx::AssertSqlSafe(text).into_sql_str();
        Migrator::with_migrations(vec![first])
    };
    let runs = [
        (1, "nightly", 14, 1, "delivered"),
        (2, "nightly", 14, 2, "failed"),
        (3, "nightly", 15, 1, "failed"),
        (4, "nightly", 15, 2, "failed"),
        (5, "rebuild fct_tax", 15, 1, "nothing"),
    ];
    let insert = runs.map(|(id, job, day, attempt, state)| {
        let (id, at) = (takings_runs::Uuid::from_u128(id), format!("2026-03-{day}T00:00:00.000000Z"));
        format!("INSERT INTO runs VALUES ('{id}', '{job}', '{at}', '{at}', '{at}', '{at}', {attempt}, '{state}', '{at}', '{at}', 'host', '0.1.0', 'why');")
    });
    let insert = sqlx::AssertSqlSafe(insert.concat());
    if let Some(database) = &place.database {
        let pool = sqlx::PgPool::connect(&database.url()).await.unwrap();
        first(FIRST.replace(" TEXT", " TEXT COLLATE \"C\"")).run(&pool).await.unwrap();
        sqlx::raw_sql(insert).execute(&pool).await.unwrap();
        pool.close().await;
    } else {
        let file = place.folder.path().join("state/ledger.db");
        std::fs::create_dir_all(file.parent().unwrap()).unwrap();
        let pool = sqlx::SqlitePool::connect_with(sqlx::sqlite::SqliteConnectOptions::new().filename(&file).create_if_missing(true)).await.unwrap();
        first(FIRST.to_owned()).run(&pool).await.unwrap();
        sqlx::raw_sql(insert).execute(&pool).await.unwrap();
        pool.close().await;
    }
    let ledger = place.open().await;
    let runs = ledger.list_runs(&RunFilter { job: Some("nightly".into()), ..RunFilter::default() }).await.unwrap();
    assert_eq!(runs.iter().map(|run| (run.attempt, run.retry)).collect::<Vec<_>>(), [(2, 0), (1, 0), (2, 0), (1, 0)]);
    let ticks = ledger.ticks(&takings_runs::TickFilter::default()).await.unwrap();
    let ticks: Vec<String> =
        ticks.iter().map(|tick| format!("{} {} {} {}", tick.job, tick.tick.format("%d"), tick.state, tick.run.unwrap().as_u128())).collect();
    assert_eq!(ticks, ["nightly 14 delivered 1", "nightly 15 failed 4"]);
}
