//! Whether a text has a format, for those who don't know the format yet. The answer is that of reading.

use chrono::FixedOffset;
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
        Self::with_zones(format, languages, &[])
    }

    /// The same, with names of zones that the text may have and their hours ahead of UTC.
    pub fn with_zones(format: &str, languages: &[String], zones: &[(&str, i32)]) -> Result<Self, String> {
        let zones = zones.iter().filter_map(|(name, hours)| Some(((*name).to_owned(), FixedOffset::east_opt(hours * 3600)?))).collect();
        Ok(Self { format: MomentFormat::new(format)?, meaning: Meaning { years_from: 1970, zones, names: Names::of(languages) } })
    }

    /// Microseconds since 1970 on the text's own clock; None: the text is not of this format.
    pub fn read(&self, text: &str) -> Option<i64> {
        self.format.read(trimmed(text), &self.meaning).ok().map(|moment| moment.civil().and_utc().timestamp_micros())
    }
}
