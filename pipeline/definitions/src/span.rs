//! Lengths of time as people write them: `1 day`, `90 minutes`, `2s`.

use chrono::TimeDelta;

/// What a span may look like, for messages.
pub(crate) const EXAMPLES: &str = "for example \"1 day\", \"6 hours\", \"90 minutes\" or \"30 seconds\"";

/// A whole number and a unit; never negative.
pub(crate) fn span(text: &str) -> Option<TimeDelta> {
    let text = text.trim();
    let digits = text.find(|character: char| !character.is_ascii_digit())?;
    let number: i64 = text[..digits].parse().ok()?;
    let seconds = match text[digits..].trim() {
        "s" | "second" | "seconds" => 1,
        "m" | "min" | "minute" | "minutes" => 60,
        "h" | "hour" | "hours" => 3_600,
        "d" | "day" | "days" => 86_400,
        "w" | "week" | "weeks" => 604_800,
        _ => return None,
    };
    // A century is more than anybody waits for, and keeps sums of spans and instants in range.
    let seconds = number.checked_mul(seconds).filter(|seconds| *seconds <= 100 * 366 * 86_400)?;
    TimeDelta::try_seconds(seconds)
}

#[cfg(test)]
mod tests {
    use super::span;

    #[test]
    fn a_number_and_a_unit_or_nothing() {
        let seconds = |text| span(text).map(|span| span.num_seconds());
        assert_eq!(["1 day", "6 hours", "90 minutes", "2s", " 0 s ", "1week"].map(seconds), [86_400, 21_600, 5_400, 2, 0, 604_800].map(Some));
        assert_eq!(["", "1", "day", "-1 day", "1.5 hours", "1 fortnight", "99999999999 weeks", "1 dayss"].map(seconds), [None; 8]);
    }
}
