//! Views that several queries read, and that are made once: small ones for all reports of a run, those that a report names for its sections.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, PoisonError};

use takings_definitions::{Instance, Interval, Report, Section};
use takings_engine::{HeldView, Session};
use tokio::sync::OnceCell;

use super::Night;
use crate::context::Context;
use crate::failure::Result;

/// A view is small that is made from so many rows at most: accounts, products, offers, their old ids.
const SMALL: u64 = 100_000;

/// Small views by channel, instance and name. All reports of a run know the same rows of them.
#[derive(Debug, Default)]
pub struct SmallViews(Mutex<BTreeMap<[String; 3], Arc<OnceCell<HeldView>>>>);

impl SmallViews {
    fn of(&self, instance: &Instance, view: &str) -> Arc<OnceCell<HeldView>> {
        let mut views = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(views.entry([instance.channel.clone(), instance.name.clone(), view.to_owned()]).or_default())
    }

    /// Gives their memory back as soon as nobody reads them; who wants one again makes it again.
    pub fn forget(&self) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }
}

/// What the sections of one report share.
pub(super) struct Shared<'a> {
    context: &'a Context,
    night: &'a Night<'a>,
    report: &'a Report,
    instance: &'a Instance,
    small: BTreeSet<String>,
    held: Vec<(String, Interval, HeldView)>,
}

impl<'a> Shared<'a> {
    pub(super) fn new(context: &'a Context, night: &'a Night<'a>, report: &'a Report, instance: &'a Instance) -> Result<Self> {
        Ok(Self { context, night, report, instance, small: small_views(context, night, report)?, held: Vec::new() })
    }

    /// Lets a section read what is shared, as it was made for the first that reads it: of the views that the report names, the first of the same
    /// interval.
    pub(super) async fn share(&mut self, session: &mut Session<'_>, section: &Section, interval: Interval) -> Result<()> {
        let Some(sql) = self.context.graph.section(&self.context.project, self.report, section)? else { return Ok(()) };
        // Inner ones first: a view is made from those that are there.
        for view in self.context.graph.views(sql.references()) {
            if self.small.contains(&view) {
                let cell = self.night.small.of(self.instance, &view);
                let held = cell.get_or_try_init(async || session.hold(&view).await).await?;
                session.read_held(held)?;
            } else if self.report.shared.contains(&view) {
                let there = self.held.iter().position(|(name, made_for, _)| (name, *made_for) == (&view, interval));
                let at = match there {
                    Some(at) => at,
                    None => {
                        self.held.push((view.clone(), interval, session.hold(&view).await?));
                        self.held.len() - 1
                    }
                };
                session.read_held(&self.held[at].2)?;
            }
        }
        Ok(())
    }
}

/// The small views that two or more of a report's sections, and of the views that these read, name.
fn small_views(context: &Context, night: &Night<'_>, report: &Report) -> Result<BTreeSet<String>> {
    let graph = &context.graph;
    let mut named = Vec::new();
    for section in &report.sections {
        named.extend(graph.section(&context.project, report, section)?.map(|sql| sql.references()));
    }
    let views = graph.views(&named.iter().copied().flatten().cloned().collect());
    named.extend(views.iter().filter_map(|view| graph.references_of(view)));
    let is_small = |view: &String| {
        let inputs = graph.stored_inputs(&BTreeSet::from([view.clone()]));
        inputs.iter().filter_map(|input| night.tables.get(input)).flatten().map(|file| file.rows).sum::<u64>() <= SMALL
    };
    let often = |view: &String| named.iter().filter(|names| names.contains(view)).count() > 1;
    Ok(views.into_iter().filter(|view| often(view) && graph.is_timeless(view) && is_small(view)).collect())
}
