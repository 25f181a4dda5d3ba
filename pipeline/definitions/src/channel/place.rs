//! Where in a channel file a value stands, for messages; small readers of values that several keys share.

use regex::Regex;

use crate::{Error, File, Result};

/// One table of a channel file: `exports/2` or `exports/2/layouts/0`, and what it is called in messages.
#[derive(Debug, Clone, Copy)]
pub(super) struct Place<'a> {
    pub file: File<'a>,
    pub base: &'a str,
    pub called: &'a str,
}

impl Place<'_> {
    pub fn wrong(&self, key: &str, what: impl std::fmt::Display) -> Error {
        self.file.wrong(&format!("{}/{key}", self.base), format!("{}: {what}", self.called))
    }

    pub fn unknown<'k>(&self, key: &str, what: impl std::fmt::Display, name: &str, known: impl IntoIterator<Item = &'k str> + Clone) -> Error {
        self.file.unknown(&format!("{}/{key}", self.base), format!("{}: {what}", self.called), name, known)
    }

    pub fn regex(&self, key: &str, text: &str) -> Result<Regex> {
        Regex::new(text).map_err(|error| self.wrong(key, format!("{text:?} is no regular expression: {}", one_line(&error.to_string()))))
    }

    /// A pattern that has to capture something under a name.
    pub fn capturing(&self, key: &str, text: &str, name: &str) -> Result<Regex> {
        let pattern = self.regex(key, text)?;
        if pattern.capture_names().flatten().all(|known| known != name) {
            return Err(self.wrong(key, format!("the pattern {text:?} captures no `{name}`")).next(format!("write (?<{name}>…) around what is meant")));
        }
        Ok(pattern)
    }

    pub fn regexes(&self, key: &str, texts: &[String]) -> Result<Vec<Regex>> {
        texts.iter().enumerate().map(|(at, text)| self.regex(&format!("{key}/{at}"), text)).collect()
    }

    /// A list that says something.
    pub fn filled<T>(&self, key: &str, list: &[T]) -> Result<()> {
        if list.is_empty() { Err(self.wrong(key, format!("`{}` is an empty list", last(key)))) } else { Ok(()) }
    }

    pub fn one_byte(&self, key: &str, text: &str) -> Result<u8> {
        match text.as_bytes() {
            [byte] if byte.is_ascii() && !matches!(byte, b'\n' | b'\r') => Ok(*byte),
            _ => Err(self.wrong(key, format!("{} {text:?} is not one ASCII character", last(key)))),
        }
    }
}

fn last(key: &str) -> &str {
    key.rsplit('/').next().unwrap_or(key)
}

fn one_line(text: &str) -> String {
    text.lines().last().unwrap_or_default().trim().trim_start_matches("error: ").to_owned()
}
