//! Named parameters of SQL: `$tick`, `$known_at`, … and the constants of `[parameters]`, as typed literals.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use takings_definitions::Parameter;

/// Values by name, without the `$`. Each is kept as the SQL literal that takes the parameter's place.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Parameters {
    literals: BTreeMap<String, String>,
}

impl Parameters {
    /// The constants of the settings.
    pub fn constants(parameters: &BTreeMap<String, Parameter>) -> Self {
        let mut all = Self::default();
        for (name, value) in parameters {
            let literal = match value {
                Parameter::Text(text) => quoted(text),
                Parameter::Integer(number) => format!("CAST({number} AS BIGINT)"),
                Parameter::Bool(value) => value.to_string(),
            };
            all.literals.insert(name.clone(), literal);
        }
        all
    }

    #[must_use]
    pub fn text(mut self, name: &str, value: &str) -> Self {
        self.literals.insert(name.to_owned(), quoted(value));
        self
    }

    #[must_use]
    pub fn timestamp(mut self, name: &str, value: DateTime<Utc>) -> Self {
        let text = value.format("%Y-%m-%dT%H:%M:%S%.fZ");
        self.literals.insert(name.to_owned(), format!("arrow_cast('{text}', 'Timestamp(Microsecond, Some(\"UTC\"))')"));
        self
    }

    pub(crate) fn literal(&self, name: &str) -> Option<&str> {
        self.literals.get(name).map(String::as_str)
    }

    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.literals.keys().map(String::as_str)
    }
}

fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}
