//! TOML text into types, with errors that name line, column and the nearest right key.

use std::path::Path;

use serde::de::DeserializeOwned;

use crate::{Error, Result};

/// Parses one TOML file. An unknown key or a wrong type names file, line, column and the nearest right key.
pub fn parse<T: DeserializeOwned>(path: &Path, text: &str) -> Result<T> {
    toml::from_str(text).map_err(|error| describe(path, text, &error))
}

fn describe(path: &Path, text: &str, error: &toml::de::Error) -> Error {
    let message = error.message().trim().replace('\n', " ");
    let (short, hint) = with_hint(&message);
    let located = match error.span() {
        Some(span) => {
            let (line, column) = position(text, span.start);
            Error::at(path, line, column, short)
        }
        None => Error::in_file(path, short),
    };
    match hint {
        Some(hint) => located.next(hint),
        None => located,
    }
}

/// Turns serde's "unknown field `x`, expected one of `a`, `b`" into a short message and the nearest right key.
pub(crate) fn with_hint(message: &str) -> (String, Option<String>) {
    let Some(rest) = message.strip_prefix("unknown field `") else {
        let Some(rest) = message.strip_prefix("unknown variant `") else { return (message.to_owned(), None) };
        return split_unknown(rest, "value");
    };
    split_unknown(rest, "key")
}

fn split_unknown(rest: &str, what: &str) -> (String, Option<String>) {
    let Some((unknown, expected)) = rest.split_once('`') else { return (format!("unknown {what} {rest}"), None) };
    let known: Vec<&str> = expected.split('`').skip(1).step_by(2).collect();
    let hint = match nearest(unknown, known.iter().copied()) {
        Some(best) => format!("did you mean `{best}`?"),
        None if known.is_empty() => return (format!("unknown {what} `{unknown}`"), None),
        None => format!("known: {}", known.join(", ")),
    };
    (format!("unknown {what} `{unknown}`"), Some(hint))
}

/// The known word nearest to a wrong one, if any is near enough to be meant.
pub fn nearest<'a>(wrong: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    known
        .into_iter()
        .map(|candidate| (strsim::damerau_levenshtein(wrong, candidate), candidate))
        .filter(|(distance, candidate)| *distance <= 2.max(candidate.len() / 3))
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}

/// Line and column (both from 1) of a byte offset.
pub(crate) fn position(text: &str, offset: usize) -> (usize, usize) {
    let before = &text.as_bytes()[..offset.min(text.len())];
    let line = before.iter().filter(|byte| **byte == b'\n').count() + 1;
    let start = before.iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1);
    (line, String::from_utf8_lossy(&before[start..]).chars().count() + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, serde::Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Sample {
        #[allow(dead_code)]
        schedule: String,
        #[allow(dead_code)]
        settle: Option<u32>,
    }

    fn message(text: &str) -> String {
        parse::<Sample>(Path::new("jobs/x.toml"), text).unwrap_err().to_string()
    }

    #[test]
    fn an_unknown_key_names_line_and_nearest_key() {
        assert_eq!(message("schedule = \"x\"\nsetle = 1\n"), "jobs/x.toml:2:1: unknown key `setle`; did you mean `settle`?");
    }

    #[test]
    fn a_wrong_type_names_its_place() {
        let text = message("schedule = \"x\"\nsettle = \"one\"\n");
        assert!(text.starts_with("jobs/x.toml:2:10: "), "{text}");
        assert!(text.contains("invalid type"), "{text}");
    }

    #[test]
    fn broken_toml_names_its_place() {
        let text = message("schedule = \n");
        assert!(text.starts_with("jobs/x.toml:1:"), "{text}");
    }
}
