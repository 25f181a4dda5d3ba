//! `[[exports.layouts]]`: versions of an export's layout, told apart by the header or the file's name.

use std::collections::BTreeMap;

use regex::Regex;
use serde::Deserialize;

use super::export::Export;
use super::place::Place;
use crate::Result;

#[derive(Debug, Clone)]
pub struct LayoutVersion {
    pub name: String,
    /// None: the export's `required` columns.
    pub header: Option<HeaderRule>,
    /// Named group of the path → what it must look like.
    pub file: BTreeMap<String, Regex>,
    /// The export with what this layout overrides.
    pub export: Export,
}

/// What a header must hold. Names are compared without case and outer white space.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum HeaderRule {
    /// These, in this order.
    Exact(Vec<String>),
    Has {
        has: Vec<String>,
        lacks: Vec<String>,
    },
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawHeaderRule {
    exact: Option<Vec<String>>,
    has: Option<Vec<String>>,
    lacks: Option<Vec<String>>,
}

impl RawHeaderRule {
    pub fn checked(&self, place: Place<'_>) -> Result<HeaderRule> {
        match (&self.exact, &self.has, &self.lacks) {
            (Some(names), None, None) if !names.is_empty() => Ok(HeaderRule::Exact(names.clone())),
            (None, has, lacks) if has.as_ref().or(lacks.as_ref()).is_some_and(|names| !names.is_empty()) => {
                Ok(HeaderRule::Has { has: has.clone().unwrap_or_default(), lacks: lacks.clone().unwrap_or_default() })
            }
            _ => Err(place.wrong("header", "`header` must say what stands in it").next("{ exact = [\"…\"] } or { has = [\"…\"], lacks = [\"…\"] }")),
        }
    }
}
