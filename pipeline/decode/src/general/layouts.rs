//! Which version of an export's layout a part has: exactly one must fit, by the file's name and by the header.

use std::collections::BTreeMap;

use regex::Regex;
use takings_definitions::{Export, HeaderRule, LayoutVersion};

use super::frame::short;
use super::header::{Header, source_names};
use crate::delimiter;
use crate::layout::folded;
use crate::{Error, Result};

/// What keeps a header from fitting.
#[derive(Debug, Default)]
struct Misfit {
    lacks: Vec<String>,
    besides: Vec<String>,
    order: bool,
}

impl Misfit {
    fn is_none(&self) -> bool {
        self.lacks.is_empty() && self.besides.is_empty() && !self.order
    }

    fn size(&self) -> usize {
        self.lacks.len() + self.besides.len()
    }

    fn shown(&self) -> String {
        let list = |names: &[String]| {
            let more = if names.len() > 5 { ", …" } else { "" };
            names.iter().take(5).map(|name| format!("{:?}", short(name))).collect::<Vec<_>>().join(", ") + more
        };
        let mut parts = Vec::new();
        if !self.lacks.is_empty() {
            parts.push(format!("it lacks {}", list(&self.lacks)));
        }
        if !self.besides.is_empty() {
            parts.push(format!("it has {} besides", list(&self.besides)));
        }
        if parts.is_empty() {
            parts.push("its columns stand in another order".to_owned());
        }
        parts.join(" and ")
    }
}

/// A layout, and the header that it finds; None: it finds none.
pub(crate) type Tried<'a> = (&'a LayoutVersion, Option<Header>);

/// The layouts whose patterns the file's name fits, and the others.
pub(crate) fn by_name<'a>(export: &'a Export, groups: &BTreeMap<String, String>) -> (Vec<&'a LayoutVersion>, Vec<&'a LayoutVersion>) {
    export.layouts.iter().partition(|layout| unlike(layout, groups).is_none())
}

/// The group of the path that is not as the layout says, and its pattern.
fn unlike<'a>(layout: &'a LayoutVersion, groups: &BTreeMap<String, String>) -> Option<(&'a str, &'a Regex)> {
    let fits = |group: &String, pattern: &Regex| pattern.is_match(groups.get(group).map_or("", String::as_str));
    layout.file.iter().find(|(group, pattern)| !fits(group, pattern)).map(|(group, pattern)| (group.as_str(), pattern))
}

/// The one layout whose header rule the header fits that it finds; None: there is none.
pub(crate) fn choose<'a>(name: &str, export: &Export, found: &[Tried<'a>]) -> Result<Option<&'a LayoutVersion>> {
    match fitting(found).as_slice() {
        [] => Ok(None),
        [(one, _)] => Ok(Some(one)),
        several => {
            let names: Vec<String> = several.iter().map(|(layout, _)| format!("`{}`", layout.name)).collect();
            Err(Error::data(format!("{name}: the header fits several layouts of export `{}`: {}", export.name, names.join(", ")))
                .next("make their `header` or `file` differ"))
        }
    }
}

fn fitting<'a, 'f>(tried: &'f [Tried<'a>]) -> Vec<(&'a LayoutVersion, &'f Header)> {
    let headers = tried.iter().filter_map(|(layout, header)| Some((*layout, header.as_ref()?)));
    headers.filter(|(layout, header)| misfit(layout, header).is_none()).collect()
}

/// Why no layout fits: those of another file name whose header fits, else those whose header is nearest.
pub(crate) fn none_fits(name: &str, export: &Export, groups: &BTreeMap<String, String>, found: &[Tried<'_>], others: &[Tried<'_>]) -> Error {
    let mut told = fitting(others);
    // The columns that must be there are those of many headers.
    told.retain(|(layout, _)| layout.header.is_some());
    if let [(layout, header), more @ ..] = told.as_slice()
        && let Some((group, pattern)) = unlike(layout, groups)
    {
        let also: String = more.iter().map(|(other, _)| format!(", or `{}`", other.name)).collect();
        let says = groups.get(group).map_or_else(|| format!("this path has no `{group}`"), |text| format!("in this path it is {text:?}"));
        return Error::data(format!(
            "{name}:{}: the header is that of layout `{}`{also}, which is for files whose `{group}` is like {:?}; {says}",
            header.line,
            layout.name,
            pattern.as_str()
        ))
        .next("give the file or its folder such a name, or change `file` of the layout");
    }
    let headers = found.iter().chain(others).filter_map(|(layout, header)| Some((*layout, header.as_ref()?)));
    let misfits = headers.map(|(layout, header)| (layout, header, misfit(layout, header)));
    let tried: Vec<(&LayoutVersion, &Header, Misfit)> = misfits.filter(|(_, _, misfit)| !misfit.is_none()).collect();
    let Some(least) = tried.iter().map(|(_, _, misfit)| misfit.size()).min() else {
        let names: Vec<&str> = export.layouts.iter().map(|layout| layout.name.as_str()).collect();
        if !found.is_empty() {
            return Error::data(format!("{name}: no line of it is the header of a layout of export `{}` ({})", export.name, names.join(", ")))
                .next("see whether it is empty or was cut off; else add [[exports.layouts]] with its `header`");
        }
        return Error::data(format!("{name}: none of the layouts of export `{}` ({}) is for it", export.name, names.join(", ")))
            .next("add [[exports.layouts]] with its `header` or `file`");
    };
    let nearest: Vec<&(&LayoutVersion, &Header, Misfit)> = tried.iter().filter(|(_, _, misfit)| misfit.size() == least).collect();
    let shown: Vec<String> = nearest.iter().take(NEAREST_SHOWN).map(|(layout, _, misfit)| format!("`{}`: {}", layout.name, misfit.shown())).collect();
    let more = nearest.len().saturating_sub(NEAREST_SHOWN);
    let more = if more == 0 { String::new() } else { format!("; and {more} more are as near") };
    let are = if nearest.len() == 1 { "the nearest is" } else { "as near are" };
    let line = nearest.first().map_or(0, |(_, header, _)| header.line);
    let other = tried.iter().find_map(|(layout, header, _)| delimiter::hint(&header.found, must_have(layout)));
    let error = Error::data(format!("{name}:{line}: the header fits no layout of export `{}`; {are} {}{more}", export.name, shown.join("; ")));
    error.next(other.unwrap_or_else(|| "if the channel has changed its export, add [[exports.layouts]] with this header".to_owned()))
}

/// So many layouts that are as near are told with what keeps each from fitting.
const NEAREST_SHOWN: usize = 3;

/// Of each column that a layout's header must have the names that it may have.
fn must_have(layout: &LayoutVersion) -> Vec<Vec<&str>> {
    match &layout.header {
        None => layout.export.required.iter().map(|column| layout.export.header_names(column)).collect(),
        Some(HeaderRule::Exact(names) | HeaderRule::Has { has: names, .. }) => names.iter().map(|name| vec![name.as_str()]).collect(),
    }
}

fn misfit(layout: &LayoutVersion, header: &Header) -> Misfit {
    let lacks = |names: &mut dyn Iterator<Item = &String>| names.filter(|name| header.place(name).is_none()).cloned().collect();
    match &layout.header {
        None => {
            let missing = |column: &&String| source_names(&layout.export, column).iter().all(|name| header.place(name).is_none());
            Misfit { lacks: layout.export.required.iter().filter(missing).cloned().collect(), ..Misfit::default() }
        }
        Some(HeaderRule::Has { has, lacks: unwanted }) => {
            Misfit { lacks: lacks(&mut has.iter()), besides: unwanted.iter().filter(|name| header.place(name).is_some()).cloned().collect(), order: false }
        }
        Some(HeaderRule::Exact(names)) => {
            let same = |found: &[String]| found.iter().map(|name| folded(name)).eq(names.iter().map(|name| folded(name)));
            if same(&header.found) || same(&header.names) {
                return Misfit::default();
            }
            let wanted: Vec<String> = names.iter().map(|name| folded(name)).collect();
            let besides = header.names.iter().zip(&header.found).filter(|(name, found)| !wanted.contains(&folded(name)) && !wanted.contains(&folded(found)));
            Misfit { lacks: lacks(&mut names.iter()), besides: besides.map(|(name, _)| name.clone()).collect(), order: true }
        }
    }
}
