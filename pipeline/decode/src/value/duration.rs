//! Durations → exact seconds.

use takings_definitions::{DurationForm, is_blank};

use super::exact::{Exact, ONE};
use crate::number::NumberProblem;

/// By the first form that fits. Minutes and seconds behind a larger unit are two digits under 60; seconds may have decimals.
pub(crate) fn seconds(text: &str, forms: &[DurationForm]) -> Result<Exact, NumberProblem> {
    let (negative, text) = match text.strip_prefix(['-', '\u{2212}']) {
        Some(rest) => (true, rest),
        None => (false, text),
    };
    let mut problem = NumberProblem::Form;
    for form in forms {
        let read = match form {
            DurationForm::HoursMinutesSeconds => clock(text, &[3600, 60, 1]),
            DurationForm::MinutesSeconds => clock(text, &[60, 1]),
            DurationForm::HoursMinutes => clock(text, &[3600, 60]),
            DurationForm::Iso => iso(text),
            DurationForm::Words => words(text),
            DurationForm::Seconds => clock(text, &[1]),
        };
        match read {
            Ok(value) => return Ok(if negative { value.negated() } else { value }),
            Err(NumberProblem::Form) => {}
            Err(other) => problem = other,
        }
    }
    Err(problem)
}

fn clock(text: &str, units: &[i128]) -> Result<Exact, NumberProblem> {
    let fields: Vec<&str> = text.split(':').collect();
    if fields.len() != units.len() {
        return Err(NumberProblem::Form);
    }
    let last = fields.len() - 1;
    let (seconds, decimals) = match fields[last].split_once('.') {
        Some((seconds, decimals)) if units[last] == 1 && !decimals.is_empty() => (seconds, decimals),
        Some(_) => return Err(NumberProblem::Form),
        None => (fields[last], ""),
    };
    let mut sum = Sum::default();
    for (at, field) in fields[..last].iter().copied().chain([seconds]).enumerate() {
        if !is_digits(field) || (at > 0 && (field.len() != 2 || field >= "60")) {
            return Err(NumberProblem::Form);
        }
        sum.add(field, units[at])?;
    }
    sum.with_decimals(decimals)
}

/// `P1DT2H3M4.5S`, `P2W`. Years and months have no certain length and are refused.
fn iso(text: &str) -> Result<Exact, NumberProblem> {
    let form = NumberProblem::Form;
    let body = text.strip_prefix(['P', 'p']).ok_or(form)?;
    let (date, time) = match body.split_once(['T', 't']) {
        Some((_, "")) => return Err(form),
        Some((date, time)) => (date, time),
        None => (body, ""),
    };
    if date.is_empty() && time.is_empty() {
        return Err(form);
    }
    let mut sum = Sum::default();
    let mut decimals = "";
    for (part, units) in [(date, &[('W', 604_800), ('D', 86_400)][..]), (time, &[('H', 3600), ('M', 60), ('S', 1)])] {
        let (mut rest, mut units) = (part, units.iter());
        while !rest.is_empty() {
            let end = rest.find(|character: char| character.is_ascii_alphabetic()).ok_or(form)?;
            let (number, behind) = (&rest[..end], &rest[end + 1..]);
            let unit = rest[end..].chars().next().map(|unit| unit.to_ascii_uppercase()).ok_or(form)?;
            let (_, seconds) = units.find(|(known, _)| *known == unit).ok_or(form)?;
            let whole = match number.split_once(['.', ',']) {
                Some((whole, fraction)) if unit == 'S' && is_digits(fraction) => {
                    decimals = fraction;
                    whole
                }
                Some(_) => return Err(form),
                None => number,
            };
            if !is_digits(whole) {
                return Err(form);
            }
            sum.add(whole, *seconds)?;
            rest = behind;
        }
    }
    sum.with_decimals(decimals)
}

/// `1h 30m`, `2 hours 5 mins`, `90 min`, `45.5 s`: larger units first, each once.
fn words(text: &str) -> Result<Exact, NumberProblem> {
    const UNITS: [(&[&str], i128); 4] = [
        (&["d", "day", "days"], 86_400),
        (&["h", "hr", "hrs", "hour", "hours"], 3600),
        (&["m", "min", "mins", "minute", "minutes"], 60),
        (&["s", "sec", "secs", "second", "seconds"], 1),
    ];
    let form = NumberProblem::Form;
    let (mut rest, mut units) = (text.trim_start(), UNITS.iter());
    let (mut sum, mut decimals) = (Sum::default(), "");
    if rest.is_empty() {
        return Err(form);
    }
    while !rest.is_empty() {
        let number = rest.find(|character: char| !character.is_ascii_digit() && character != '.').ok_or(form)?;
        let behind = rest[number..].trim_start_matches(is_blank);
        let length = behind.find(|character: char| !character.is_alphabetic()).unwrap_or(behind.len());
        let unit = behind[..length].to_lowercase();
        let (_, seconds) = units.find(|(names, _)| names.contains(&unit.as_str())).ok_or(form)?;
        let whole = match rest[..number].split_once('.') {
            Some((whole, fraction)) if *seconds == 1 && is_digits(fraction) => {
                decimals = fraction;
                whole
            }
            Some(_) => return Err(form),
            None => &rest[..number],
        };
        if !is_digits(whole) {
            return Err(form);
        }
        sum.add(whole, *seconds)?;
        rest = behind[length..].trim_start_matches(|between| is_blank(between) || between == '.' || between == ',');
    }
    sum.with_decimals(decimals)
}

fn is_digits(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

/// Whole seconds.
#[derive(Default)]
struct Sum(i128);

impl Sum {
    fn add(&mut self, digits: &str, unit: i128) -> Result<(), NumberProblem> {
        let value = Exact::of_digits(digits.bytes(), b"")?.at_scale(ONE, 38, 0)?;
        self.0 = value.checked_mul(unit).and_then(|value| self.0.checked_add(value)).ok_or(NumberProblem::Size)?;
        Ok(())
    }

    fn with_decimals(self, decimals: &str) -> Result<Exact, NumberProblem> {
        if !decimals.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(NumberProblem::Form);
        }
        Exact::of_digits(self.0.to_string().bytes(), decimals.as_bytes())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use DurationForm::{HoursMinutes, HoursMinutesSeconds, Iso, MinutesSeconds, Seconds, Words};

    #[test]
    fn durations_are_seconds() {
        let all = [HoursMinutesSeconds, MinutesSeconds, Iso];
        for (text, millis) in [
            ("0:03:25", Ok(205_000)),
            ("100:00:00", Ok(360_000_000)),
            ("3:25", Ok(205_000)),
            ("90:00", Ok(5_400_000)),
            ("-0:00:01.5", Ok(-1_500)),
            ("PT0H0M0S", Ok(0)),
            ("PT1H2M3.250S", Ok(3_723_250)),
            ("P1DT1S", Ok(86_401_000)),
            ("P1W", Ok(604_800_000)),
            ("pt5m", Ok(300_000)),
            ("PT90M", Ok(5_400_000)),
            ("PT1.0005S", Err(NumberProblem::Digits)),
            ("PT", Err(NumberProblem::Form)),
            ("P", Err(NumberProblem::Form)),
            ("P1M", Err(NumberProblem::Form)),
            ("PT1S1M", Err(NumberProblem::Form)),
            ("PT1.5M", Err(NumberProblem::Form)),
            ("0:3:25", Err(NumberProblem::Form)),
            ("0:60:00", Err(NumberProblem::Form)),
            ("3:25:", Err(NumberProblem::Form)),
            (":25", Err(NumberProblem::Form)),
            ("3", Err(NumberProblem::Form)),
            ("", Err(NumberProblem::Form)),
            ("٣:25", Err(NumberProblem::Form)),
            ("9999999999999999999999999999999999999999:00", Err(NumberProblem::Size)),
        ] {
            assert_eq!(seconds(text, &all).and_then(|value| value.at_scale(ONE, 38, 3)), millis, "{text}");
        }
        for (text, tenths) in [
            ("1h 30m", Ok(54_000)),
            ("1h30m5.5s", Ok(54_055)),
            ("90 min", Ok(54_000)),
            ("2 Hours, 5 mins.", Ok(75_000)),
            ("1 day 1 s", Ok(864_010)),
            ("-45 sec", Ok(-450)),
            ("5m 1h", Err(NumberProblem::Form)),
            ("1h 1h", Err(NumberProblem::Form)),
            ("1.5 h", Err(NumberProblem::Form)),
            ("90", Err(NumberProblem::Form)),
            ("min", Err(NumberProblem::Form)),
            ("1 month", Err(NumberProblem::Form)),
            ("1h,", Ok(36_000)),
            ("", Err(NumberProblem::Form)),
        ] {
            assert_eq!(seconds(text, &[Words]).and_then(|value| value.at_scale(ONE, 38, 1)), tenths, "{text}");
        }
        assert_eq!(seconds("205.5", &[MinutesSeconds, Seconds]).and_then(|value| value.at_scale(ONE, 38, 1)), Ok(2055));
        assert_eq!(seconds("5 s", &[Seconds]), Err(NumberProblem::Form));
        assert_eq!(seconds("1:05", &[HoursMinutes]).and_then(|value| value.at_scale(ONE, 38, 0)), Ok(3900));
        assert_eq!(seconds("1:05.5", &[HoursMinutes]), Err(NumberProblem::Form));
    }
}
