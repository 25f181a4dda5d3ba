//! `[ledger]`: where the ledger is kept, and how its password is come by. A password is never shown.

use std::fmt;
use std::path::Path;

use serde::Deserialize;
use url::Url;

use crate::{Error, Result, Secret};

const DEFAULT: &str = "state/ledger.sqlite";
const NEXT: &str = "write ledger.password = \"env:NAME\" or \"file:PATH\"; the value itself never stands in a file of the project";

/// Where the ledger is: a path, `sqlite:path` or `postgres://user@host:port/database`.
#[derive(Clone, PartialEq, Eq)]
pub struct LedgerSettings {
    /// As it was given. It holds a password only where a variable gave it.
    pub url: String,
    pub password: Option<Secret>,
}

impl fmt::Debug for LedgerSettings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LedgerSettings").field("url", &url_without_secrets(&self.url)).field("password", &self.password).finish()
    }
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct RawLedger {
    url: Option<String>,
    password: Option<String>,
}

impl RawLedger {
    pub(crate) fn overlay(&mut self, over: Self) {
        for (under, over) in [(&mut self.url, over.url), (&mut self.password, over.password)] {
            if over.is_some() {
                *under = over;
            }
        }
    }

    /// What may not stand in a file, but in a variable.
    pub(crate) fn check_file(&self, path: &Path) -> Result<()> {
        if self.url.as_deref().is_some_and(holds_secret) {
            return Err(Error::in_file(path, "ledger.url holds a password").next(NEXT));
        }
        Ok(())
    }

    pub(crate) fn checked(self, path: &Path) -> Result<LedgerSettings> {
        let url = self.url.unwrap_or_else(|| DEFAULT.to_owned());
        let password = self.password.as_deref().map(|text| Secret::parse(path, "ledger.password", text)).transpose()?;
        if password.is_some() && holds_secret(&url) {
            return Err(Error::in_file(path, "ledger.url holds a password, and ledger.password names another").next("keep one of them"));
        }
        Ok(LedgerSettings { url, password })
    }
}

/// Is there a password in it, or what could be one?
fn holds_secret(url: &str) -> bool {
    match Url::parse(url) {
        Ok(parsed) if is_remote(&parsed) => parsed.password().is_some() || parsed.query_pairs().any(|(key, _)| key == "password") || strays(&parsed),
        Ok(_) => false,
        Err(_) => authority(url).is_some_and(|rest| rest.contains('@')),
    }
}

/// A url as it may be shown: without password, and without all that may be a part of one.
pub fn url_without_secrets(url: &str) -> String {
    match Url::parse(url) {
        Ok(parsed) if is_remote(&parsed) && !strays(&parsed) => {
            let user = if parsed.username().is_empty() { String::new() } else { format!("{}@", parsed.username()) };
            let port = parsed.port().map(|port| format!(":{port}")).unwrap_or_default();
            format!("{}://{user}{}{port}{}", parsed.scheme(), parsed.host_str().unwrap_or_default(), parsed.path())
        }
        _ if authority(url).is_some_and(|rest| rest.contains(['@', '#'])) => format!("{}://…", url.split("://").next().unwrap_or_default()),
        _ => url.to_owned(),
    }
}

/// A url that names a server.
fn is_remote(url: &Url) -> bool {
    url.scheme() != "sqlite" && !url.cannot_be_a_base()
}

/// A password with a `/`, `?` or `#` that is not escaped ends the authority too early: the rest of it is taken for something else.
fn strays(url: &Url) -> bool {
    url.path().contains('@') || url.query().is_some_and(|query| query.contains('@')) || url.fragment().is_some()
}

fn authority(url: &str) -> Option<&str> {
    url.split_once("://").filter(|(scheme, _)| *scheme != "sqlite").map(|(_, rest)| rest)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_is_never_shown() {
        let shown = [
            ("state/ledger.sqlite", "state/ledger.sqlite"),
            ("sqlite:///srv/a@b/ledger.db", "sqlite:///srv/a@b/ledger.db"),
            ("postgres://takings@db.example:5433/books", "postgres://takings@db.example:5433/books"),
            ("postgres://takings:hunter2@db.example/books?sslmode=require", "postgres://takings@db.example/books"),
            ("postgres://db.example/books?user=takings&password=hunter2", "postgres://db.example/books"),
            ("postgres://takings:1/hunter2@db.example/books", "postgres://…"),
            ("postgres://takings:hun/ter2@db.example/books", "postgres://…"),
            ("postgres://takings:hun#ter2@db.example/books", "postgres://…"),
            ("postgres://takings:1#hunter2@db.example/books", "postgres://…"),
            ("postgres://takings:1?port=hunter2@db.example/books", "postgres://…"),
            ("postgres://takings:hunter2@db example/books", "postgres://…"),
        ];
        for (url, expected) in shown {
            assert_eq!(url_without_secrets(url), expected);
            let settings = LedgerSettings { url: url.to_owned(), password: None };
            assert!(!format!("{settings:?}").contains("ter2"), "{settings:?}");
            assert_eq!(holds_secret(url), url.contains("ter2"), "{url}");
        }
    }
}
