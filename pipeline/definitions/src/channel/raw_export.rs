//! The keys of an export as they stand in a channel file, and what layouts set over them.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::check::RawCheck;
use super::column::ColumnSpec;
use super::export::{Delete, DuplicateContent, Export, Mode, UnknownColumns};
use super::frame::RawFrame;
use super::layout::{LayoutVersion, RawHeaderRule};
use super::parse_keys::{self, BoolWords, Decimals, Grouping, ParseKeys, Thousands};
use super::place::Place;
use super::rows::{RawCalculation, RawExclusion, RawUnpivot, test};
use super::text::{Delimiter, RawText};
use super::unpack::RawUnpack;
use crate::Result;

/// The keys of an export, and of a layout: of an export's keys a layout may set those that say how records are read.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawExport {
    name: String,
    table: Option<String>,
    path: Option<String>,
    part_of: Option<String>,
    mode: Option<Mode>,
    period_key: Option<Vec<String>>,
    newest: Option<Vec<String>>,
    delete: Option<RawDelete>,
    duplicate_content: Option<DuplicateContent>,
    unpack: Option<RawUnpack>,
    unknown_columns: Option<UnknownColumns>,
    quarantine_limit: Option<u64>,
    layouts: Option<Vec<RawExport>>,

    // Only a layout's.
    header: Option<RawHeaderRule>,
    file: Option<BTreeMap<String, String>>,

    // Both; a layout's go before those of the export.
    text: Option<RawText>,
    frame: Option<RawFrame>,
    required: Option<Vec<String>>,
    #[serde(default)]
    headers: BTreeMap<String, Vec<String>>,
    #[serde(default)]
    columns: BTreeMap<String, ColumnSpec>,
    nulls: Option<Vec<String>>,
    timestamps: Option<Vec<String>>,
    delimiter: Option<String>,
    thousands: Option<Thousands>,
    decimal: Option<Decimals>,
    grouping: Option<Grouping>,
    currency_signs: Option<bool>,
    percent: Option<bool>,
    parentheses: Option<bool>,
    trailing_minus: Option<bool>,
    exponent: Option<bool>,
    whole_decimals: Option<bool>,
    #[serde(default, deserialize_with = "parse_keys::zone")]
    zone: Option<chrono_tz::Tz>,
    #[serde(default, deserialize_with = "parse_keys::zones")]
    zones: Option<BTreeMap<String, chrono::FixedOffset>>,
    years_from: Option<u16>,
    #[serde(default, deserialize_with = "parse_keys::languages")]
    languages: Option<Vec<String>>,
    bool: Option<BoolWords>,
    exclude: Option<Vec<RawExclusion>>,
    unpivot: Option<RawUnpivot>,
    calculate: Option<Vec<RawCalculation>>,
    checks: Option<Vec<RawCheck>>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct RawDelete {
    column: String,
    equals: Option<Vec<String>>,
    matches: Option<String>,
    into: String,
}

fn default_nulls() -> Vec<String> {
    vec![String::new()]
}

fn default_timestamps() -> Vec<String> {
    ["%Y-%m-%dT%H:%M:%SZ", "%Y-%m-%d %H:%M:%S%.f", "%Y-%m-%d"].map(str::to_owned).to_vec()
}

impl RawExport {
    pub fn name(&self) -> &str {
        &self.name
    }

    /// What a layout says over what its export says.
    fn over(self, base: Self) -> Self {
        let text = match (self.text, base.text) {
            (Some(own), Some(base)) => Some(own.over(base)),
            (own, base) => own.or(base),
        };
        let frame = match (self.frame, base.frame) {
            (Some(own), Some(base)) => Some(own.over(base)),
            (own, base) => own.or(base),
        };
        let (mut headers, mut columns) = (base.headers, base.columns);
        headers.extend(self.headers);
        columns.extend(self.columns);
        Self {
            text,
            frame,
            headers,
            columns,
            required: self.required.or(base.required),
            nulls: self.nulls.or(base.nulls),
            timestamps: self.timestamps.or(base.timestamps),
            delimiter: self.delimiter.or(base.delimiter),
            thousands: self.thousands.or(base.thousands),
            decimal: self.decimal.or(base.decimal),
            grouping: self.grouping.or(base.grouping),
            currency_signs: self.currency_signs.or(base.currency_signs),
            percent: self.percent.or(base.percent),
            parentheses: self.parentheses.or(base.parentheses),
            trailing_minus: self.trailing_minus.or(base.trailing_minus),
            exponent: self.exponent.or(base.exponent),
            whole_decimals: self.whole_decimals.or(base.whole_decimals),
            zone: self.zone.or(base.zone),
            zones: self.zones.or(base.zones),
            years_from: self.years_from.or(base.years_from),
            languages: self.languages.or(base.languages),
            bool: self.bool.or(base.bool),
            exclude: self.exclude.or(base.exclude),
            unpivot: self.unpivot.or(base.unpivot),
            calculate: self.calculate.or(base.calculate),
            checks: self.checks.or(base.checks),
            layouts: None,
            header: None,
            file: None,
            name: base.name,
            table: base.table,
            path: base.path,
            part_of: base.part_of,
            mode: base.mode,
            period_key: base.period_key,
            newest: base.newest,
            delete: base.delete,
            duplicate_content: base.duplicate_content,
            unpack: base.unpack,
            unknown_columns: base.unknown_columns,
            quarantine_limit: base.quarantine_limit,
        }
    }

    /// Keys that say more than the plain way through decode reads.
    fn is_general(&self) -> bool {
        self.part_of.is_some()
            || self.unpack.is_some()
            || self.layouts.is_some()
            || self.text.is_some()
            || self.frame.is_some()
            || !self.columns.is_empty()
            || self.unpivot.is_some()
            || self.calculate.is_some()
            || self.delete.is_some()
            || self.checks.is_some()
            || !self.parse_keys().is_plain()
            || self.exclude.iter().flatten().any(|rule| !rule.is_plain())
    }

    fn parse_keys(&self) -> ParseKeys {
        ParseKeys {
            decimal: self.decimal,
            thousands: self.thousands,
            grouping: self.grouping,
            currency_signs: self.currency_signs,
            percent: self.percent,
            parentheses: self.parentheses,
            trailing_minus: self.trailing_minus,
            exponent: self.exponent,
            whole_decimals: self.whole_decimals,
            nulls: Some(self.nulls.clone().unwrap_or_else(default_nulls)),
            formats: Some(self.timestamps.clone().unwrap_or_else(default_timestamps)),
            zone: self.zone,
            zones: self.zones.clone(),
            years_from: self.years_from,
            languages: self.languages.clone(),
            bool: self.bool.clone(),
        }
    }

    pub fn checked(self, place: Place<'_>) -> Result<Export> {
        for (key, given) in [("header", self.header.is_some()), ("file", self.file.is_some())] {
            if given {
                return Err(place.wrong(key, format!("`{key}` tells layouts apart")).next("it belongs under [[exports.layouts]]"));
            }
        }
        let mut export = self.clone().one(place)?;
        if let Some(layouts) = &self.layouts {
            place.filled("layouts", layouts)?;
            for (at, layout) in layouts.iter().enumerate() {
                let base = format!("{}/layouts/{at}", place.base);
                let called = format!("{}, layout `{}`", place.called, layout.name);
                let version = layout.clone().version(&self, Place { file: place.file, base: &base, called: &called }, &export)?;
                if export.layouts.iter().any(|other| other.name == version.name) {
                    return Err(place.wrong(&format!("layouts/{at}/name"), format!("layout `{}` is declared twice", version.name)));
                }
                export.layouts.push(version);
            }
        }
        Ok(export)
    }

    fn version(self, export: &Self, place: Place<'_>, checked: &Export) -> Result<LayoutVersion> {
        let misplaced = [
            ("table", self.table.is_some()),
            ("path", self.path.is_some()),
            ("part_of", self.part_of.is_some()),
            ("mode", self.mode.is_some()),
            ("period_key", self.period_key.is_some()),
            ("newest", self.newest.is_some()),
            ("delete", self.delete.is_some()),
            ("duplicate_content", self.duplicate_content.is_some()),
            ("unpack", self.unpack.is_some()),
            ("unknown_columns", self.unknown_columns.is_some()),
            ("quarantine_limit", self.quarantine_limit.is_some()),
            ("layouts", self.layouts.is_some()),
        ];
        if let Some((key, _)) = misplaced.iter().find(|(_, given)| *given) {
            return Err(place.wrong(key, format!("`{key}` can't differ between layouts")).next("it belongs to the export"));
        }
        let header = self.header.as_ref().map(|header| header.checked(place)).transpose()?;
        let mut file = BTreeMap::new();
        for (group, pattern) in self.file.iter().flatten() {
            let known: Vec<&str> = checked.path.iter().flat_map(|path| path.capture_names().flatten()).collect();
            if checked.path.is_some() && !known.contains(&group.as_str()) {
                return Err(place.unknown(&format!("file/{group}"), format!("`{group}` is no named group of the path"), group, known));
            }
            file.insert(group.clone(), place.regex(&format!("file/{group}"), pattern)?);
        }
        let name = self.name.clone();
        Ok(LayoutVersion { name, header, file, export: self.over(export.clone()).one(place)? })
    }

    /// The export without its layouts.
    fn one(self, place: Place<'_>) -> Result<Export> {
        let path = self.path.as_deref().map(|path| place.regex("path", path)).transpose()?;
        match (&path, &self.part_of) {
            (Some(_), None) | (None, Some(_)) => {}
            (Some(_), Some(_)) => return Err(place.wrong("part_of", "an export has a path of its own or is part of another").next("leave one of the two out")),
            (None, None) => return Err(place.wrong("", "neither `path` nor `part_of` says which files are meant").next("write path = '…/name\\.csv$'")),
        }
        let mode = self.mode.ok_or_else(|| place.wrong("", "`mode` is missing").next("append, replace_file, replace_period or versioned"))?;
        let table = self.table.clone().ok_or_else(|| place.wrong("", "`table` is missing").next("the raw table that its rows go to"))?;
        let delimiter = self.delimiter.as_deref().map_or(Ok(b','), |text| {
            let byte = text.as_bytes().first().filter(|_| text.len() == 1);
            byte.copied().ok_or_else(|| place.wrong("delimiter", format!("delimiter {text:?} is not one byte")))
        })?;
        let general = self.is_general();
        let parse = self.parse_keys();
        if let Some((key, what)) = parse.problem() {
            return Err(place.wrong(key, what));
        }
        let text = self.text.clone().unwrap_or_default().checked(place, delimiter)?;
        let exclude = self.exclude.iter().flatten().enumerate();
        let exclude = exclude.map(|(at, rule)| rule.checked(place, &format!("exclude/{at}"))).collect::<Result<Vec<_>>>()?;
        let checks = self.checks.iter().flatten().enumerate();
        let checks = checks.map(|(at, check)| check.checked(place, &format!("checks/{at}"))).collect::<Result<Vec<_>>>()?;
        let export = Export {
            general,
            unpack: self.unpack.clone().unwrap_or_default().checked(place)?,
            frame: self.frame.clone().unwrap_or_default().checked(place)?,
            unpivot: self.unpivot.as_ref().map(|unpivot| unpivot.checked(place)).transpose()?,
            calculate: self.calculate.iter().flatten().map(RawCalculation::checked).collect(),
            delete: self.delete.as_ref().map(|delete| delete.checked(place)).transpose()?,
            name: self.name,
            table,
            path,
            part_of: self.part_of,
            mode,
            period_key: self.period_key.unwrap_or_default(),
            newest: self.newest.unwrap_or_default(),
            duplicate_content: self.duplicate_content.unwrap_or_default(),
            required: self.required.unwrap_or_default(),
            unknown_columns: self.unknown_columns.unwrap_or_default(),
            headers: self.headers,
            columns: self.columns,
            nulls: self.nulls.unwrap_or_else(default_nulls),
            timestamps: self.timestamps.unwrap_or_else(default_timestamps),
            delimiter: match text.delimiter {
                Delimiter::Byte(byte) => byte,
                Delimiter::Auto => delimiter,
            },
            thousands: parse.thousands_mark(),
            parse,
            text,
            exclude,
            checks,
            quarantine_limit: self.quarantine_limit.unwrap_or(0),
            layouts: Vec::new(),
        };
        export.check_names(place)?;
        Ok(export)
    }
}

impl RawDelete {
    fn checked(&self, place: Place<'_>) -> Result<Delete> {
        let test = test(place, "delete", self.equals.as_ref(), self.matches.as_ref(), None)?;
        let test = test.ok_or_else(|| place.wrong("delete", "`delete` doesn't say what the cell has to be").next("equals = [\"1\"] or matches = '…'"))?;
        Ok(Delete { column: self.column.clone(), test, into: self.into.clone() })
    }
}
