//! Number formats: whether a number is a date, and dates and numbers as text.

/// What a number format shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum Shows {
    #[default]
    Number,
    /// A day, perhaps with a time.
    Date,
    /// A time of day or a length of time.
    Time,
}

impl Shows {
    /// The formats that have a number and no text; dates of East Asian calendars among them.
    pub fn built_in(id: u32) -> Self {
        match id {
            14..=17 | 22 | 27..=31 | 36 | 50..=54 | 57 | 58 => Self::Date,
            18..=21 | 32..=35 | 45..=47 | 55 | 56 => Self::Time,
            _ => Self::Number,
        }
    }

    /// By the format's text, as `dd/mm/yyyy` or `[h]:mm`.
    pub fn of(code: &str) -> Self {
        let (mut days, mut times) = (false, false);
        let mut characters = code.chars();
        while let Some(character) = characters.next() {
            match character.to_ascii_lowercase() {
                '"' => {
                    characters.by_ref().find(|other| *other == '"');
                }
                '\\' | '_' | '*' => {
                    characters.next();
                }
                '[' => {
                    let inside: String = characters.by_ref().take_while(|other| *other != ']').collect();
                    times |= !inside.is_empty() && inside.chars().all(|other| matches!(other.to_ascii_lowercase(), 'h' | 'm' | 's'));
                }
                ';' => break,
                'y' | 'd' => days = true,
                'h' | 's' => times = true,
                // Months, unless hours or seconds say that they are minutes.
                'm' if !times => days |= !code.to_ascii_lowercase().contains(['h', 's']),
                // General and numbers.
                'g' | '0' | '#' | '?' | '@' if !days && !times => return Self::Number,
                _ => {}
            }
        }
        match (days, times) {
            (true, _) => Self::Date,
            (false, true) => Self::Time,
            (false, false) => Self::Number,
        }
    }
}

/// A number as it was typed: the fewest digits that mean the same double.
pub(super) fn number(value: f64, shows: Shows, from_1904: bool) -> String {
    match shows {
        Shows::Date => moment(value, from_1904),
        Shows::Time => time(value),
        Shows::Number => None,
    }
    .unwrap_or_else(|| format!("{value}"))
}

/// A number that stands in a file as text. One with more digits than any double needs was never one: it is kept as it stands.
pub(super) fn written(text: &str, shows: Shows, from_1904: bool) -> Option<String> {
    let text = text.trim();
    let value = text.parse::<f64>().ok().filter(|value| value.is_finite())?;
    Some(if shows == Shows::Number && digits(text) > 17 { text.to_owned() } else { number(value, shows, from_1904) })
}

/// Significant digits: without zeros before and behind.
fn digits(text: &str) -> usize {
    let mantissa = text.split(['e', 'E']).next().unwrap_or(text);
    let digits: String = mantissa.chars().filter(char::is_ascii_digit).collect();
    digits.trim_matches('0').len()
}

const DAY: i64 = 86_400;

/// Days and seconds of a serial number, to the nearest second.
fn parts(value: f64) -> Option<(i64, i64)> {
    if !(0.0..2_958_466.0).contains(&value) {
        return None;
    }
    // Both are below 2^53: exact.
    let days = value.floor();
    let seconds = ((value - days) * DAY as f64).round() as i64;
    let days = days as i64;
    Some(if seconds == DAY { (days + 1, 0) } else { (days, seconds) })
}

fn moment(value: f64, from_1904: bool) -> Option<String> {
    let (days, seconds) = parts(value)?;
    let days = match days {
        days if from_1904 => days + 1462,
        // The 29th of February 1900, which never was, counts as a day.
        60 => return None,
        days if days < 60 => days + 1,
        days => days,
    };
    let day = chrono::NaiveDate::from_ymd_opt(1899, 12, 30)?.checked_add_days(chrono::Days::new(u64::try_from(days).ok()?))?;
    Some(if seconds == 0 { day.format("%Y-%m-%d").to_string() } else { format!("{}T{}", day.format("%Y-%m-%d"), clock(seconds)) })
}

fn time(value: f64) -> Option<String> {
    let (days, seconds) = parts(value)?;
    Some(clock(days * DAY + seconds))
}

fn clock(seconds: i64) -> String {
    format!("{:02}:{:02}:{:02}", seconds / 3600, seconds / 60 % 60, seconds % 60)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_in_text_keeps_every_digit() {
        let plain = |text| written(text, Shows::Number, false);
        for (text, typed) in [
            ("1.1000000000000001", "1.1"),
            ("0.30000000000000004", "0.30000000000000004"),
            ("1.2345678901234567891", "1.2345678901234567891"),
            ("90071992547409931234", "90071992547409931234"),
            ("1E3", "1000"),
            ("-0.00139510587933175", "-0.00139510587933175"),
        ] {
            assert_eq!(plain(text).as_deref(), Some(typed));
        }
        assert_eq!((plain("x"), plain("1E999"), written("45000", Shows::Date, false).as_deref()), (None, None, Some("2023-03-15")));
    }

    #[test]
    fn a_format_shows_a_number_a_date_or_a_time() {
        for code in ["General", "0.00", "#,##0.00_);[Red](#,##0.00)", "\"days\" 0", "0.00E+00", "@", "[$-409]#,##0", "\\d0"] {
            assert_eq!(Shows::of(code), Shows::Number, "{code}");
        }
        for code in ["yyyy-mm-dd", "dd/mm/yyyy hh:mm", "mmm-yy", "mmmm", "[$-409]d-mmm-yy;@", "\"on\" d"] {
            assert_eq!(Shows::of(code), Shows::Date, "{code}");
        }
        for code in ["h:mm", "[h]:mm:ss", "mm:ss", "hh:mm AM/PM"] {
            assert_eq!(Shows::of(code), Shows::Time, "{code}");
        }
    }

    #[test]
    fn numbers_are_as_they_were_typed() {
        let date = |value| number(value, Shows::Date, false);
        assert_eq!(
            [1.0, 59.0, 61.0, 45_658.0, 45_658.5, 45_658.999_999].map(date),
            ["1900-01-01", "1900-02-28", "1900-03-01", "2025-01-01", "2025-01-01T12:00:00", "2025-01-02"]
        );
        assert_eq!(number(0.0, Shows::Date, true), "1904-01-01");
        assert_eq!([60.0, -1.0, 1e300].map(date)[..2], ["60", "-1"]);
        assert_eq!([0.5, 1.5].map(|value| number(value, Shows::Time, false)), ["12:00:00", "36:00:00"]);
        let plain = |value| number(value, Shows::Number, false);
        assert_eq!([0.1 + 0.2, 0.1, 5.0, 1e21, -1.25].map(plain), ["0.30000000000000004", "0.1", "5", "1000000000000000000000", "-1.25"]);
    }
}
