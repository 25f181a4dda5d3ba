//! Workbooks → sheets → rows of text. Values become text as they were typed; this module must not know what they mean.

mod formats;
mod ods;
mod rows;
mod xls;
mod xlsx;
mod xml;

use std::collections::HashSet;

use super::record::Records;
use super::unpack::Content;
use crate::{Error, Result};

/// An opened workbook.
pub(crate) enum Workbook {
    Xlsx(xlsx::Xlsx),
    Ods(ods::Ods),
    Xls(xls::Xls),
}

impl Workbook {
    /// None: the content is text.
    pub fn open(name: &str, content: &Content<'_>) -> Result<Option<Self>> {
        let book = match content {
            Content::Text(_) => return Ok(None),
            Content::Zipped(archive) if archive.is_open_document() => Self::Ods(ods::Ods::open(archive.clone())?),
            Content::Zipped(archive) => Self::Xlsx(xlsx::Xlsx::open(archive.clone())?),
            Content::Binary(bytes) => Self::Xls(xls::Xls::open(name, bytes)?),
        };
        // Sheets are told by their names.
        let mut names = HashSet::new();
        match book.sheets().into_iter().find(|sheet| !names.insert(sheet.clone())) {
            Some(twice) => Err(damaged(name, format!("two of its sheets are named {twice:?}"))),
            None => Ok(Some(book)),
        }
    }

    /// In the workbook's order.
    pub fn sheets(&self) -> Vec<String> {
        match self {
            Self::Xlsx(book) => book.sheets(),
            Self::Ods(book) => book.sheets(),
            Self::Xls(book) => book.sheets(),
        }
    }

    pub fn rows(&self, sheet: &str) -> Result<Box<dyn Records + '_>> {
        match self {
            Self::Xlsx(book) => book.rows(sheet),
            Self::Ods(book) => book.rows(sheet),
            Self::Xls(book) => book.rows(sheet),
        }
    }
}

fn damaged(name: &str, what: impl std::fmt::Display) -> Error {
    Error::data(format!("{name}: the workbook is damaged: {what}")).next("open it, save it again as xlsx, and hand that in")
}
