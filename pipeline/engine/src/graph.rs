//! The model graph, from the parsed SQL: who reads whom, in which order, and what is wrong with it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::OnceLock;

use takings_definitions::{Project, Report, Section};

use crate::{Error, Parsed, Result};

/// All models of a project, parsed, with their references resolved, and the SQL of reports, which is parsed when it is first asked for.
#[derive(Debug)]
pub struct Graph {
    models: BTreeMap<String, Parsed>,
    references: BTreeMap<String, BTreeSet<String>>,
    raw: BTreeSet<String>,
    marts: BTreeSet<String>,
    sections: BTreeMap<String, OnceLock<Parsed>>,
}

impl Graph {
    /// Parses every model; unknown names and cycles are errors that name the line.
    pub fn new(project: &Project) -> Result<Self> {
        let tables =
            |made: bool| project.tables.values().filter(|table| table.layer.is_made() == made).map(|table| table.name.clone()).collect::<BTreeSet<_>>();
        let (raw, marts) = (tables(false), tables(true));
        let mut graph = Self { models: BTreeMap::new(), references: BTreeMap::new(), raw, marts, sections: BTreeMap::new() };
        graph.sections = project.report_sql.keys().map(|name| (name.clone(), OnceLock::new())).collect();
        for (name, source) in &project.models {
            let parsed = Parsed::new(&source.path, &source.text)?;
            graph.references.insert(name.clone(), parsed.references().clone());
            graph.models.insert(name.clone(), parsed);
        }
        for (name, parsed) in &graph.models {
            graph.check_references(parsed, &graph.references[name])?;
        }
        graph.check_cycles()?;
        Ok(graph)
    }

    pub fn model(&self, name: &str) -> Option<&Parsed> {
        self.models.get(name)
    }

    /// The SQL of a report's section, if there is any.
    pub fn section(&self, project: &Project, report: &Report, section: &Section) -> Result<Option<&Parsed>> {
        let name = format!("{}/{}", report.name, section.name);
        let (Some(parsed), Some(source)) = (self.sections.get(&name), project.report_sql.get(&name)) else { return Ok(None) };
        match parsed.get() {
            Some(parsed) => Ok(Some(parsed)),
            None => Parsed::new(&source.path, &source.text).map(|new| Some(parsed.get_or_init(|| new))),
        }
    }

    pub fn is_stored(&self, name: &str) -> bool {
        self.raw.contains(name) || self.marts.contains(name)
    }

    /// Every name of a statement must be a table or a model.
    pub fn check_references(&self, parsed: &Parsed, references: &BTreeSet<String>) -> Result<()> {
        for name in references {
            if self.is_stored(name) || self.models.contains_key(name) {
                continue;
            }
            let known = self.raw.iter().chain(self.models.keys()).map(String::as_str);
            let hint = takings_definitions::nearest(name, known)
                .map_or_else(|| "`takings tables` lists the names".to_owned(), |best| format!("did you mean `{best}`?"));
            return Err(Error::sql(&parsed.path, parsed.place_of(name), format!("there is no table or model `{name}`; {hint}")));
        }
        Ok(())
    }

    /// The stored tables that a set of names needs, through any number of views.
    pub fn stored_inputs(&self, names: &BTreeSet<String>) -> BTreeSet<String> {
        self.reachable(names, |name| !self.is_stored(name)).into_iter().filter(|name| self.is_stored(name)).collect()
    }

    /// The views (models that are not stored) that a set of names needs, inner ones first.
    pub fn views(&self, names: &BTreeSet<String>) -> Vec<String> {
        let needed = self.reachable(names, |name| !self.is_stored(name));
        self.order().into_iter().filter(|name| needed.contains(name) && !self.is_stored(name)).collect()
    }

    /// What a set of names needs beside what is there already: stored tables, and views, inner ones first.
    pub(crate) fn missing(&self, names: &BTreeSet<String>, there: &BTreeSet<String>) -> (Vec<String>, Vec<String>) {
        let mut needed = self.reachable(names, |name| !self.is_stored(name) && !there.contains(name));
        needed.retain(|name| !there.contains(name));
        let views = self.order().into_iter().filter(|name| needed.contains(name) && !self.is_stored(name)).collect();
        (needed.into_iter().filter(|name| self.is_stored(name)).collect(), views)
    }

    /// Whether the rows of a view are the same whatever the tick is and the interval that a report covers.
    pub fn is_timeless(&self, view: &str) -> bool {
        const OF_TICKS: [&str; 3] = ["tick", "interval_start", "interval_end"];
        let views = self.views(&BTreeSet::from([view.to_owned()]));
        let mut models = views.iter().filter_map(|name| self.model(name));
        models.all(|model| model.parameters().iter().all(|name| !OF_TICKS.contains(&name.as_str())))
    }

    /// What a model reads directly: the names in its SQL.
    pub fn references_of(&self, name: &str) -> Option<&BTreeSet<String>> {
        self.references.get(name)
    }

    /// The marts that a set of names needs, each after its inputs.
    pub fn marts_for(&self, names: &BTreeSet<String>) -> Vec<String> {
        let needed = self.reachable(names, |_| true);
        self.order().into_iter().filter(|name| needed.contains(name) && self.marts.contains(name)).collect()
    }

    /// Everything that a model is made from, directly or not.
    pub fn all_inputs(&self, name: &str) -> BTreeSet<String> {
        self.reachable(&BTreeSet::from([name.to_owned()]), |_| true)
    }

    /// All names reachable from a set; `through` says whether a name's own references are followed.
    fn reachable(&self, names: &BTreeSet<String>, through: impl Fn(&str) -> bool) -> BTreeSet<String> {
        let mut seen = BTreeSet::new();
        let mut open: Vec<&String> = names.iter().collect();
        while let Some(name) = open.pop() {
            if seen.insert(name.clone()) && through(name) {
                open.extend(self.references.get(name).into_iter().flatten());
            }
        }
        seen
    }

    /// All models, each after what it reads.
    fn order(&self) -> Vec<String> {
        let mut order = Vec::new();
        let mut done = BTreeSet::new();
        for name in self.models.keys() {
            self.visit(name, &mut done, &mut order);
        }
        order
    }

    /// All models in layers: a view stands above the views that it reads. Of stored tables only the contract is read.
    pub(crate) fn layers(&self) -> Vec<Vec<&str>> {
        let mut layer_of: BTreeMap<&str, usize> = BTreeMap::new();
        let mut layers: Vec<Vec<&str>> = Vec::new();
        for name in self.order() {
            let Some((name, _)) = self.models.get_key_value(&name) else { continue };
            let views = self.references[name].iter().filter(|reference| !self.is_stored(reference));
            let layer = views.filter_map(|view| layer_of.get(view.as_str())).max().map_or(0, |below| below + 1);
            layer_of.insert(name, layer);
            layers.resize_with(layers.len().max(layer + 1), Vec::new);
            layers[layer].push(name);
        }
        layers
    }

    fn visit(&self, name: &str, done: &mut BTreeSet<String>, order: &mut Vec<String>) {
        if !self.models.contains_key(name) || !done.insert(name.to_owned()) {
            return;
        }
        for reference in &self.references[name] {
            self.visit(reference, done, order);
        }
        order.push(name.to_owned());
    }

    fn check_cycles(&self) -> Result<()> {
        let mut safe = BTreeSet::new();
        for name in self.models.keys() {
            self.walk(name, &mut Vec::new(), &mut safe)?;
        }
        Ok(())
    }

    fn walk(&self, name: &str, path: &mut Vec<String>, safe: &mut BTreeSet<String>) -> Result<()> {
        let Some(parsed) = self.models.get(name) else { return Ok(()) };
        if safe.contains(name) {
            return Ok(());
        }
        path.push(name.to_owned());
        for reference in &self.references[name] {
            if let Some(start) = path.iter().position(|seen| seen == reference) {
                let circle = path[start..].iter().map(String::as_str).chain([reference.as_str()]).collect::<Vec<_>>().join(" → ");
                return Err(Error::sql(&parsed.path, parsed.place_of(reference), format!("models read each other in a circle: {circle}")));
            }
            self.walk(reference, path, safe)?;
        }
        path.pop();
        safe.insert(name.to_owned());
        Ok(())
    }
}
