//! Whether a text has a format, for those who don't know the format yet. The answer is that of reading.

use std::collections::BTreeMap;
use takings_definitions::trimmed;

use super::moment::{Meaning, MomentFormat};
use super::names::Names;

/// A format of dates or times, as channel files declare them.
#[derive(Debug, Clone)]
pub struct DateFormat {
    format: MomentFormat,
    meaning: Meaning,
}

impl DateFormat {
    /// With names of months in these languages, English where there are none. The error says what is wrong with the format.
    pub fn new(format: &str, languages: &[String]) -> Result<Self, String> {
        Ok(Self { format: MomentFormat::new(format)?, meaning: Meaning { years_from: 1970, zones: BTreeMap::new(), names: Names::of(languages) } })
    }

    /// Microseconds since 1970 on the text's own clock; None: the text is not of this format.
    pub fn read(&self, text: &str) -> Option<i64> {
        self.format.read(trimmed(text), &self.meaning).ok().map(|moment| moment.civil().and_utc().timestamp_micros())
    }
}
