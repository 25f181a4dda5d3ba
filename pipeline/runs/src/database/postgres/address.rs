//! `postgres://user@host:port/database?…`, read strictly: what a driver would pass over in silence is refused.

use std::net::IpAddr;
use std::path::Path;

use sqlx::ConnectOptions;
use sqlx::postgres::{PgConnectOptions, PgSslMode};
use url::Url;

use super::code;

const ESCAPE: &str = "write postgres://user@host:5432/database; within a name or a password / ? # @ : % are %2F %3F %23 %40 %3A %25";

/// What may stand behind the `?`.
const KEYS: [&str; 11] = ["sslmode", "sslrootcert", "sslcert", "sslkey", "host", "hostaddr", "port", "dbname", "user", "application_name", "options"];

const WRITE_KEY: &str = "it knows sslmode, sslrootcert, sslcert, sslkey, host, hostaddr, port, dbname, user, application_name and options";

/// `allow` would be taken for `disable`.
const MODES: [&str; 5] = ["disable", "prefer", "require", "verify-ca", "verify-full"];
const WRITE_MODE: &str = "write disable, prefer (encrypted if the server can), require, verify-ca or verify-full";

/// How to connect, and what the ledger is called in messages: host and database, no user, no password. Paths count from `base`.
pub(crate) fn parse(given: &str, password: Option<&str>, base: &Path) -> Result<(PgConnectOptions, String), (String, &'static str)> {
    let url = Url::parse(given).map_err(|error| (format!("it is no url: {error}"), ESCAPE))?;
    // A password that is not escaped ends too early: the rest of it must not be taken for anything else, or be told.
    let strays = url.fragment().is_some() || url.path().contains('@') || url.query().is_some_and(|query| query.contains('@'));
    if url.cannot_be_a_base() || strays || url.path().rfind('/') > Some(0) {
        return Err(("it names no database".to_owned(), ESCAPE));
    }
    for (key, value) in url.query_pairs() {
        match &*key {
            "sslmode" if !MODES.contains(&&*value) => return Err((format!("sslmode={value} is not known to this program"), WRITE_MODE)),
            "port" if value.parse::<u16>().is_err() => return Err((format!("port={value} is no port"), "write a number up to 65535")),
            "hostaddr" if value.parse::<IpAddr>().is_err() => {
                return Err((format!("hostaddr={value} is no address"), "write one such as 127.0.0.1, or host=NAME"));
            }
            "password" => {}
            key if KEYS.contains(&key) || key.starts_with("options[") && key.ends_with(']') => {}
            key => return Err((format!("`{key}` is not known to this program"), WRITE_KEY)),
        }
    }
    let mut options = PgConnectOptions::from_url(&url).map_err(|error| (error.to_string(), ESCAPE))?;
    for (key, value) in url.query_pairs() {
        options = match &*key {
            "sslrootcert" => options.ssl_root_cert(base.join(&*value)),
            "sslcert" => options.ssl_client_cert(base.join(&*value)),
            "sslkey" => options.ssl_client_key(base.join(&*value)),
            _ => options,
        };
    }
    if let Some(password) = password {
        options = options.password(password);
    }
    // `PGSSLMODE` counts where the url says nothing.
    if matches!(options.get_ssl_mode(), PgSslMode::Allow) {
        return Err(("sslmode=allow is not known to this program".to_owned(), WRITE_MODE));
    }
    if options.get_application_name().is_none() {
        options = options.application_name("takings");
    }
    let Some(database) = options.get_database() else { return Err(("it names no database".to_owned(), ESCAPE)) };
    let name = match options.get_socket() {
        Some(socket) => format!("postgres:{}/{database}", socket.display()),
        None if options.get_host().starts_with('/') => format!("postgres:{}/{database}", options.get_host()),
        None => format!("postgres://{}:{}/{database}", options.get_host(), options.get_port()),
    };
    Ok((options, name))
}

const ENCRYPTION: &str = "check sslmode and sslrootcert in ledger.url";

/// What to do when no connection can be had.
pub(super) fn next_step(error: &sqlx::Error) -> &'static str {
    match (code(error), error) {
        (Some("28P01" | "28000"), _) => "check the user in ledger.url and what ledger.password refers to",
        (Some("3D000"), _) => "make the database first, with: createdb --encoding=UTF8 --template=template0 NAME",
        (Some("42501"), _) => "give its user the right to connect to the database",
        (Some("53300" | "57P03"), _) => "wait until the server has started or has room for another connection, then run again",
        (None, sqlx::Error::Tls(_)) => ENCRYPTION,
        (None, sqlx::Error::Io(error)) if error.kind() == std::io::ErrorKind::InvalidData => ENCRYPTION,
        _ => "check that the server runs and can be reached, or set ledger.url",
    }
}
