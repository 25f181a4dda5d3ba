//! An export and its table's contract, compiled once for all parts of all files that the general way reads.

use std::collections::BTreeMap;
use std::sync::Arc;

use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use regex::Regex;
use takings_definitions::{ColumnSpec, ColumnType, Delete, ExcludeWhen, Export, Layer, PART_COLUMN, ParseKeys, Reference, Table, UnknownColumns, ValueSource};

use super::cell::{NO, TextRules, YES};
use super::lookup::Lookup;
use super::numbers::NumberReader;
use super::times::TimeReader;
use crate::dating::Dating;
use crate::layout::{column, data_type, folded};
use crate::{Error, Result};

/// How text records of an export become rows of its table.
#[derive(Debug)]
pub struct Values {
    pub(crate) export: String,
    pub(crate) table: String,
    /// Those of the contract, then the scratch columns.
    pub(crate) columns: Vec<ValueColumn>,
    /// How many are of the contract.
    pub(crate) contract: usize,
    pub(crate) dating: Dating,
    pub(crate) parts: bool,
    pub(crate) unknown: UnknownColumns,
    /// Header names (folded) that other stages look at.
    pub(crate) mentioned: Vec<String>,
    pub(crate) unpivoted: Option<Regex>,
    /// Whether calculations come behind.
    pub(crate) calculated: bool,
    schema: SchemaRef,
    pub(crate) draft: SchemaRef,
    pub(crate) scratch: SchemaRef,
}

#[derive(Debug)]
pub(crate) struct ValueColumn {
    pub(crate) name: String,
    pub(crate) kind: ColumnType,
    pub(crate) nullable: bool,
    /// A calculation sets it: what must hold of it is looked at behind that.
    pub(crate) calculated: bool,
    /// A part that has no source for it is stopped.
    pub(crate) required: bool,
    pub(crate) spec: Option<ColumnSpec>,
    /// Names of its header, as declared.
    pub(crate) headers: Vec<String>,
    pub(crate) rules: TextRules,
    pub(crate) map: Option<Lookup>,
    /// The column that says why a value is unknown.
    pub(crate) reason: Option<usize>,
    /// It is filled by the map of this column.
    pub(crate) reason_of: Option<usize>,
    pub(crate) currency: Option<usize>,
    pub(crate) bound: Option<i128>,
    pub(crate) reader: Reader,
    /// The test that fills it.
    pub(crate) deletes: Option<Delete>,
}

impl ValueColumn {
    /// Whether the channel file itself says which texts stand in it.
    pub(crate) fn means_its_texts(&self) -> bool {
        self.spec.as_ref().is_some_and(|spec| spec.map.is_some() || matches!(spec.source, ValueSource::Constant(_)))
    }
}

#[derive(Debug)]
pub(crate) enum Reader {
    Text { whole_decimals: bool },
    Number(Box<NumberReader>),
    Day(Box<TimeReader>),
    Instant(Box<TimeReader>),
    Bool { yes: Vec<String>, no: Vec<String> },
}

impl Values {
    /// Every error is one of the channel file, the contract or a reference table.
    pub fn new(export: &Export, table: &Table, references: &BTreeMap<String, Reference>) -> Result<Self> {
        let wrong = |what: String| Error::config(format!("export `{}` into {}: {what}", export.name, table.name));
        if export.table != table.name {
            return Err(wrong(format!("the export's table is {}", export.table)));
        }
        if table.layer != Layer::Raw {
            return Err(wrong("only a raw table takes an export".to_owned()).next("set layer = \"raw\" in the contract"));
        }
        for name in export.required.iter().chain(export.headers.keys()) {
            column(table, name).map_err(|what| wrong(what).next("names under `required` and `headers` are columns of the contract"))?;
        }
        for name in export.calculate.iter().map(|calculation| &calculation.column).filter(|name| !export.columns.contains_key(*name)) {
            column(table, name).map_err(|what| wrong(what).next("a calculation sets a column of the contract or a scratch column"))?;
        }
        let scratch = export.columns.iter().filter(|(name, _)| table.column(name).is_none());
        let scratch = scratch.map(|(name, spec)| match spec.kind {
            Some(kind) if name.starts_with('_') => Ok((name.as_str(), kind)),
            _ => Err(column(table, name).err().unwrap_or_default()),
        });
        let scratch = scratch.collect::<Result<Vec<_>, _>>().map_err(wrong)?;
        let names: Vec<&str> = table.columns.iter().map(|column| column.name.as_str()).chain(scratch.iter().map(|(name, _)| *name)).collect();
        let kinds: Vec<ColumnType> = table.columns.iter().map(|column| column.kind).chain(scratch.iter().map(|(_, kind)| *kind)).collect();
        let mut columns = Vec::with_capacity(names.len());
        for (name, kind) in names.iter().zip(&kinds) {
            let compiled = ValueColumn::new(export, table, &names, name, *kind, references);
            columns.push(compiled.map_err(|what| wrong(format!("column {name}: {what}")))?);
        }
        for at in 0..columns.len() {
            if let Some(reason) = columns[at].reason {
                if columns[reason].kind != ColumnType::Text || columns[reason].reason_of.is_some() || reason == at {
                    return Err(wrong(format!("column {}: `{}` can't hold its reasons", columns[at].name, columns[reason].name)));
                }
                columns[reason].reason_of = Some(at);
            }
        }
        let dating = Dating::new(table).map_err(wrong)?;
        let contract = table.columns.len();
        let unpivot = export.unpivot.as_ref();
        Ok(Self {
            export: export.name.clone(),
            table: table.name.clone(),
            contract,
            parts: table.parts,
            unknown: export.unknown_columns,
            mentioned: mentioned(export),
            unpivoted: unpivot.map(|unpivot| unpivot.headers.clone()),
            calculated: !export.calculate.is_empty(),
            schema: schema(&columns[..contract], &dating, table.parts, false),
            draft: schema(&columns[..contract], &dating, table.parts, !export.calculate.is_empty()),
            scratch: Arc::new(Schema::new(columns[contract..].iter().map(|column| Field::new(&column.name, data_type(column.kind), true)).collect::<Vec<_>>())),
            columns,
            dating,
        })
    }

    /// The contract's columns, then `_instance`, `_file_id`, `_line`, `_known_at`, `_part` where the contract says `parts = true`, and
    /// `period_month` where the table is partitioned.
    pub fn schema(&self) -> &SchemaRef {
        &self.schema
    }

    /// The scratch columns.
    pub fn scratch_schema(&self) -> &SchemaRef {
        &self.scratch
    }

    /// Whether rows are final as they are typed; otherwise calculations change them, and [`Self::finish`] must look at them.
    pub fn is_final(&self) -> bool {
        !self.calculated
    }
}

impl ValueColumn {
    fn new(export: &Export, table: &Table, names: &[&str], name: &str, kind: ColumnType, references: &BTreeMap<String, Reference>) -> Result<Self, String> {
        let contract = table.column(name);
        let spec = export.columns.get(name);
        if let Some((_, what)) = spec.and_then(|spec| spec.misfit(kind)) {
            return Err(what);
        }
        let keys = spec.map_or_else(ParseKeys::default, |spec| spec.parse.clone()).over(&export.parse);
        let place = |wanted: &str| names.iter().position(|name| *name == wanted);
        let currency = match contract.and_then(|column| column.currency.as_deref()) {
            None => None,
            Some(currency) => {
                let at = column(table, currency).map_err(|what| format!("its currency: {what}"))?;
                if table.columns[at].kind != ColumnType::Text || !matches!(kind, ColumnType::Decimal { .. }) {
                    return Err("a currency is text and stands beside a decimal".to_owned());
                }
                Some(at)
            }
        };
        let reason = match spec.and_then(|spec| spec.reason.as_deref()) {
            None => None,
            Some(reason) => Some(place(reason).ok_or_else(|| format!("`{reason}`, which shall hold its reasons, is no column"))?),
        };
        let calculated = export.calculate.iter().any(|calculation| calculation.column == name);
        let nullable = contract.is_none_or(|column| column.nullable);
        let defaulted = spec.is_some_and(|spec| spec.default.is_some() || spec.unknown.is_some());
        let deletes = export.delete.as_ref().filter(|delete| delete.into == name);
        let headers = match spec.map(|spec| &spec.source) {
            Some(ValueSource::Headers(names)) => names.clone(),
            _ => export.header_names(name).into_iter().map(str::to_owned).collect(),
        };
        Ok(Self {
            required: export.required.iter().any(|required| required == name) || (!nullable && !calculated && !defaulted),
            calculated,
            nullable,
            headers,
            rules: TextRules::new(keys.nulls.as_deref().unwrap_or_default(), kind != ColumnType::Text, spec),
            map: spec.and_then(|spec| spec.map.as_ref()).map(|map| Lookup::new(map, references)).transpose()?,
            reason,
            reason_of: None,
            currency,
            bound: contract.and_then(|column| column.bound),
            reader: match kind {
                ColumnType::Text => {
                    Reader::Text { whole_decimals: keys.whole_decimals.unwrap_or(false) && spec.is_some_and(|spec| spec.parse.whole_decimals.is_some()) }
                }
                ColumnType::Int64 | ColumnType::Decimal { .. } => Reader::Number(Box::new(NumberReader::new(kind, &keys, spec))),
                ColumnType::Date => Reader::Day(Box::new(TimeReader::new(&keys, spec, references)?)),
                ColumnType::Timestamp => Reader::Instant(Box::new(TimeReader::new(&keys, spec, references)?)),
                ColumnType::Bool => {
                    let words =
                        |given: Option<&Vec<String>>, usual: &[&str]| given.cloned().unwrap_or_else(|| usual.iter().map(|word| (*word).to_owned()).collect());
                    // What a test says is written in the usual words, whatever those of the file are.
                    let keys = keys.bool.as_ref().filter(|_| deletes.is_none());
                    Reader::Bool {
                        yes: words(keys.map(|words| &words.yes), &[YES, "yes", "t", "y", "1"]),
                        no: words(keys.map(|words| &words.no), &[NO, "no", "f", "n", "0"]),
                    }
                }
            },
            deletes: deletes.cloned(),
            spec: spec.cloned(),
            name: name.to_owned(),
            kind,
        })
    }
}

/// Header names that other keys of the export speak of: they are no unknown columns.
fn mentioned(export: &Export) -> Vec<String> {
    let mut names: Vec<&str> = Vec::new();
    let conditions = export.exclude.iter().filter_map(|rule| if let ExcludeWhen::Cells(conditions) = &rule.when { Some(conditions) } else { None });
    names.extend(conditions.flatten().map(|condition| condition.column.as_str()));
    if let Some(parent) = &export.frame.parent {
        names.push(&parent.when.column);
        names.extend(parent.inherit.iter().chain(parent.give.values()).map(String::as_str));
    }
    names.extend(export.frame.given());
    names.extend(export.delete.iter().map(|delete| delete.column.as_str()));
    if let Some(unpivot) = &export.unpivot {
        names.extend(unpivot.given());
    }
    names.into_iter().map(folded).collect()
}

/// `draft`: calculations come behind, until then calculated columns and dates may lack.
fn schema(columns: &[ValueColumn], dating: &Dating, parts: bool, draft: bool) -> SchemaRef {
    let mut fields: Vec<Field> =
        columns.iter().map(|column| Field::new(&column.name, data_type(column.kind), column.nullable || (draft && column.calculated))).collect();
    fields.push(Field::new("_instance", DataType::Utf8, false));
    fields.push(Field::new("_file_id", DataType::Utf8, false));
    fields.push(Field::new("_line", DataType::Int64, false));
    fields.push(Field::new("_known_at", data_type(ColumnType::Timestamp), draft));
    if parts {
        fields.push(Field::new(PART_COLUMN, DataType::Utf8, false));
    }
    if dating.is_partitioned() {
        fields.push(Field::new("period_month", DataType::Date32, draft));
    }
    Arc::new(Schema::new(fields))
}
