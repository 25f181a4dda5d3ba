//! Who may open a ledger on a server: names, passwords, encryption; and that a password is never shown.

use expect_test::expect;
use takings_faults::Faults;
use takings_runs::{Error, Ledger};
use tempfile::TempDir;

use super::place::{Database, Place};
use super::server::{self, Server};

async fn refused(url: &str) -> String {
    let folder = TempDir::new().unwrap();
    let error = Ledger::open(url, folder.path()).await.unwrap_err();
    assert!(error.is_config() && !error.is_retryable(), "{error}");
    error.to_string()
}

#[tokio::test]
async fn what_names_no_database_is_refused_with_the_next_step() {
    let mut said = String::new();
    for url in [
        "postgres://takings:hunter2@db.example",
        "postgres://takings:hun/ter2@db.example/books",
        "postgres://takings:1/hunter2@db.example/books",
        "postgres://takings:1?port=hunter2@db.example/books",
        "postgres:books",
        "postgres://db.example/books?sslmode=allow",
        "postgres://db.example/books?sslmode=on",
        "postgres://db.example/books?pasword=hunter2",
        "postgres://db.example/books?port=many",
    ] {
        said += &format!("{}\n", refused(url).await);
    }
    assert!(!said.contains("ter2"), "{said}");
    expect![[r#"
        ledger "postgres://takings@db.example": it names no database; write postgres://user@host:5432/database; within a name or a password / ? # @ : % are %2F %3F %23 %40 %3A %25
        ledger "postgres://…": it is no url: invalid port number; write postgres://user@host:5432/database; within a name or a password / ? # @ : % are %2F %3F %23 %40 %3A %25
        ledger "postgres://…": it names no database; write postgres://user@host:5432/database; within a name or a password / ? # @ : % are %2F %3F %23 %40 %3A %25
        ledger "postgres://…": it names no database; write postgres://user@host:5432/database; within a name or a password / ? # @ : % are %2F %3F %23 %40 %3A %25
        ledger "postgres:books": it names no database; write postgres://user@host:5432/database; within a name or a password / ? # @ : % are %2F %3F %23 %40 %3A %25
        ledger "postgres://db.example/books": sslmode=allow is not known to this program; write disable, prefer (encrypted if the server can), require, verify-ca or verify-full
        ledger "postgres://db.example/books": sslmode=on is not known to this program; write disable, prefer (encrypted if the server can), require, verify-ca or verify-full
        ledger "postgres://db.example/books": `pasword` is not known to this program; it knows sslmode, sslrootcert, sslcert, sslkey, host, hostaddr, port, dbname, user, application_name and options
        ledger "postgres://db.example/books": port=many is no port; write a number up to 65535
    "#]].assert_eq(&said);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_server_that_can_t_be_used_says_what_to_do() {
    let Some(server) = server::shared() else { return };
    let said = refused("postgres://takings@127.0.0.1:1/books").await;
    assert!(
        said.ends_with("postgres://127.0.0.1:1/books can't be opened: error communicating with database: Connection refused (os error 111); check that the server runs and can be reached, or set ledger.url"),
        "{said}"
    );
    let said = refused(&server.url("no_such")).await;
    assert!(said.ends_with("make the database first, with: createdb --encoding=UTF8 --template=template0 NAME"), "{said}");
    server.sql("postgres", "CREATE DATABASE latin TEMPLATE template0 ENCODING 'LATIN1' LC_COLLATE 'C' LC_CTYPE 'C'");
    let said = refused(&server.url("latin")).await;
    assert!(said.contains("the database holds texts as LATIN1; make a database"), "{said}");
    let database = Database::new(server);
    database.sql("CREATE ROLE reader LOGIN; REVOKE CREATE ON SCHEMA public FROM PUBLIC");
    let said = refused(&database.url().replace("takings@", "reader@")).await;
    assert!(said.contains("permission denied for schema public; let its user own the database, or give it the right to make tables there"), "{said}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_password_opens_and_is_never_shown() {
    let Some(place) = Place::postgres() else { return };
    let database = place.database.as_ref().unwrap();
    database.sql("CREATE ROLE guarded LOGIN PASSWORD 'hunter2/x'; GRANT ALL ON SCHEMA public TO guarded; GRANT SELECT ON test_clock TO guarded");
    let url = |user: &str| database.url().replace("takings@", &format!("{user}@"));
    let open = async |user: &str, password: Option<&str>| Ledger::open_with(&url(user), password, place.folder.path(), Faults::default()).await;
    let ledger = open("guarded", Some("hunter2/x")).await.unwrap();
    ledger.check_store("one").await.unwrap();
    assert_eq!(ledger.name(), format!("postgres://127.0.0.1:{}/{}", database.server.port, database.name));
    open("guarded:hunter2%2Fx", None).await.unwrap().check_store("one").await.unwrap();
    let mut said = format!("{ledger:?} {}", ledger.check_store("two").await.unwrap_err());
    for (user, password) in [("guarded", None), ("guarded", Some("hunter3")), ("guarded:hunter4", None)] {
        let error = open(user, password).await.unwrap_err();
        assert!(
            matches!(error, Error::Open { .. }) && error.to_string().ends_with("check the user in ledger.url and what ledger.password refers to"),
            "{error}"
        );
        said += &format!("{error} {error:?}\n");
    }
    assert!(!said.contains("hunter"), "{said}");
    let folder = TempDir::new().unwrap();
    let error = Ledger::open_with("ledger.db", Some("hunter2"), folder.path(), Faults::default()).await.unwrap_err();
    assert_eq!(error.to_string(), "ledger \"ledger.db\": a file has no password; leave ledger.password out");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_connection_is_encrypted_as_the_url_says() {
    let Some(plain) = Place::postgres() else { return };
    let require = |url: &str| format!("{url}?sslmode=require");
    let said = refused(&require(&plain.url())).await;
    assert!(said.ends_with("server does not support TLS; check sslmode and sslrootcert in ledger.url"), "{said}");
    let Some(server) = server::own("-c ssl=on") else { return };
    let server: &'static Server = Box::leak(Box::new(server));
    let database = Database::new(server);
    let folder = TempDir::new().unwrap();
    std::fs::copy(server.certificate(), folder.path().join("root.crt")).unwrap();
    for (mode, encrypted) in [("disable", "f"), ("prefer", "t"), ("require", "t"), ("verify-full&sslrootcert=root.crt", "t")] {
        let ledger = Ledger::open(&format!("{}?sslmode={mode}", database.url()), folder.path()).await.unwrap();
        ledger.store_id().await.unwrap();
        let found = database.sql("SELECT DISTINCT ssl FROM pg_stat_ssl JOIN pg_stat_activity USING (pid) WHERE application_name = 'takings'");
        assert_eq!(found, encrypted, "{mode}");
        ledger.close().await;
    }
    let said = refused(&format!("{}?sslmode=verify-full", database.url())).await;
    assert!(said.contains("check sslmode and sslrootcert in ledger.url"), "{said}");
}
