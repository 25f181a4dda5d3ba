//! Which version of an export's layout a part has: exactly one must fit, by the file's name and by the header.

use std::collections::BTreeMap;

use takings_definitions::{Export, HeaderRule, LayoutVersion};

use super::frame::short;
use super::header::{Header, source_names};
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

/// The layouts whose patterns the file's name fits.
pub(crate) fn by_name<'a>(export: &'a Export, groups: &BTreeMap<String, String>) -> Vec<&'a LayoutVersion> {
    let fits = |layout: &&LayoutVersion| layout.file.iter().all(|(group, pattern)| pattern.is_match(groups.get(group).map_or("", String::as_str)));
    export.layouts.iter().filter(fits).collect()
}

/// The one layout whose header rule the header fits that it finds; None for a header: that layout finds none.
pub(crate) fn choose<'a>(name: &str, export: &Export, found: &[(&'a LayoutVersion, Option<Header>)]) -> Result<&'a LayoutVersion> {
    let tried: Vec<(&LayoutVersion, &Header, Misfit)> =
        found.iter().filter_map(|(layout, header)| Some((*layout, header.as_ref()?, misfit(layout, header.as_ref()?)))).collect();
    let fitting: Vec<&LayoutVersion> = tried.iter().filter(|(_, _, misfit)| misfit.is_none()).map(|(layout, _, _)| *layout).collect();
    match fitting.as_slice() {
        [one] => Ok(one),
        [] => {
            let Some((layout, header, misfit)) = tried.iter().min_by_key(|(_, _, misfit)| misfit.size()) else {
                let names: Vec<&str> = export.layouts.iter().map(|layout| layout.name.as_str()).collect();
                if !found.is_empty() {
                    return Err(Error::data(format!("{name}: no line of it is the header of a layout of export `{}` ({})", export.name, names.join(", ")))
                        .next("see whether it is empty or was cut off; else add [[exports.layouts]] with its `header`"));
                }
                return Err(Error::data(format!("{name}: none of the layouts of export `{}` ({}) is for it", export.name, names.join(", ")))
                    .next("add [[exports.layouts]] with its `header` or `file`"));
            };
            Err(Error::data(format!(
                "{name}:{}: the header fits no layout of export `{}`; the nearest is `{}`: {}",
                header.line,
                export.name,
                layout.name,
                misfit.shown()
            ))
            .next("if the channel has changed its export, add [[exports.layouts]] with this header"))
        }
        several => {
            let names: Vec<String> = several.iter().map(|layout| format!("`{}`", layout.name)).collect();
            Err(Error::data(format!("{name}: the header fits several layouts of export `{}`: {}", export.name, names.join(", ")))
                .next("make their `header` or `file` differ"))
        }
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
