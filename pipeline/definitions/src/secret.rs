//! Secrets by reference: a setting says where the value is; it never stands in a file of the project, the ledger or a log.

use std::path::{Path, PathBuf};

use crate::{Error, Result};

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Secret {
    Variable(String),
    File(PathBuf),
}

impl Secret {
    pub(crate) fn parse(path: &Path, setting: &str, text: &str) -> Result<Self> {
        if let Some(name) = text.strip_prefix("env:") {
            return Ok(Self::Variable(name.to_owned()));
        }
        if let Some(file) = text.strip_prefix("file:") {
            return Ok(Self::File(PathBuf::from(file)));
        }
        Err(Error::in_file(path, format!("{setting} is not a reference"))
            .next("write env:NAME or file:PATH; the value itself never stands in a file of the project"))
    }

    /// The value itself. `setting` names what refers to it; a path counts from `root`.
    pub fn value(&self, setting: &str, root: &Path) -> Result<Vec<u8>> {
        match self {
            Self::Variable(name) => {
                std::env::var(name).map(String::into_bytes).map_err(|_| Error::new(format!("{setting} refers to variable {name}, which is not set")))
            }
            Self::File(path) => {
                let path = root.join(path);
                std::fs::read(&path).map_err(|error| Error::new(format!("{setting} refers to {}, which cannot be read: {error}", path.display())))
            }
        }
    }

    /// The same for one line of text, such as a password; the end of the line is no part of it.
    pub fn line(&self, setting: &str, root: &Path) -> Result<String> {
        let value = String::from_utf8(self.value(setting, root)?).map_err(|_| Error::new(format!("{setting} refers to something that is not UTF-8")))?;
        Ok(value.trim_end_matches(['\r', '\n']).to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_is_read_where_the_setting_says() {
        // Where the test runs, not where it was built: checkouts may share a target folder.
        let package = std::env::var_os("CARGO_MANIFEST_DIR").unwrap_or_else(|| env!("CARGO_MANIFEST_DIR").into());
        let root = Path::new(&package);
        let line = |text: &str| Secret::parse(Path::new("takings.toml"), "ledger.password", text).and_then(|secret| secret.line("ledger.password", root));
        assert_eq!(line("env:CARGO_PKG_NAME").unwrap(), "takings-definitions");
        assert!(line("file:Cargo.toml").unwrap().starts_with("[package]\n") && !line("file:Cargo.toml").unwrap().ends_with('\n'));
        assert_eq!(line("env:NO_SUCH_NAME").unwrap_err().to_string(), "ledger.password refers to variable NO_SUCH_NAME, which is not set");
        assert!(line("file:none").unwrap_err().to_string().contains("pipeline/definitions/none, which cannot be read: "));
        assert!(!line("hunter2").unwrap_err().to_string().contains("hunter2"));
    }
}
