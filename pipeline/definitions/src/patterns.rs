//! Patterns of paths.

use regex::RegexSet;
use serde::{Deserialize, Deserializer};

/// Regular expressions; written as a list, or as the text of one.
#[derive(Debug, Clone, Default)]
pub struct Patterns(RegexSet);

impl Patterns {
    /// Does one of them match?
    pub fn matches(&self, path: &str) -> bool {
        self.0.is_match(path)
    }
}

impl PartialEq for Patterns {
    fn eq(&self, other: &Self) -> bool {
        self.0.patterns() == other.0.patterns()
    }
}

impl Eq for Patterns {}

#[derive(Deserialize)]
#[serde(untagged, expecting = "expected regular expressions, such as ['^old/', '\\.tmp$']")]
enum Written {
    One(String),
    Several(Vec<String>),
}

impl<'de> Deserialize<'de> for Patterns {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let texts = match Written::deserialize(deserializer)? {
            Written::One(text) => vec![text],
            Written::Several(texts) => texts,
        };
        RegexSet::new(texts).map(Self).map_err(serde::de::Error::custom)
    }
}
