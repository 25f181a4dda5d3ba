//! A project folder, loaded whole: settings, channels, contracts, jobs, reports and the SQL files beside them.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use crate::channel::against;
use crate::job_file::Names;
use crate::{Channel, Error, Instance, Job, Layer, Reference, Report, Result, Settings, Table, TestKind};

/// Everything that data engineers write, with what belongs together checked against each other.
#[derive(Debug, Clone)]
pub struct Project {
    pub root: PathBuf,
    pub settings: Settings,
    pub channels: BTreeMap<String, Channel>,
    /// By the names of their files: drafts with open questions, which no instance uses yet.
    pub drafts: BTreeMap<String, Error>,
    pub tables: BTreeMap<String, Table>,
    /// The CSV files of `config/reference/`, for maps and calendars.
    pub references: BTreeMap<String, Reference>,
    pub jobs: BTreeMap<String, Job>,
    pub reports: Vec<Report>,
    /// Model name → SQL file, from `sql/staging`, `sql/intermediate`, `sql/marts` and `sql/known`.
    pub models: BTreeMap<String, Source>,
    /// `<report>/<section>` → SQL file.
    pub report_sql: BTreeMap<String, Source>,
}

/// A SQL file: its path relative to the project and its text.
#[derive(Debug, Clone)]
pub struct Source {
    pub path: PathBuf,
    pub text: String,
}

impl Project {
    /// The folder that holds `config/takings.toml`, searched upward.
    pub fn find(from: &Path) -> Result<PathBuf> {
        from.ancestors().find(|folder| folder.join("config/takings.toml").is_file()).map(Path::to_path_buf).ok_or_else(|| {
            Error::new(format!("no config/takings.toml in {} or above it", from.display())).next("go to a project folder or name one with --project")
        })
    }

    /// Loads and checks a project.
    pub fn load(root: &Path, environment: Option<&str>, variables: impl IntoIterator<Item = (String, String)>) -> Result<Self> {
        let mut files = vec![read(root, Path::new("config/takings.toml"))?];
        if let Some(name) = environment {
            files.push(read(root, &Path::new("config/env").join(format!("{name}.toml")))?);
        }
        let settings = Settings::layered(&files, variables)?;
        let (channels, drafts) = channels(root, &settings.instances)?;
        let tables = each(root, "config/tables", "toml", Table::parse)?.into_iter().map(|table| (table.name.clone(), table)).collect();
        let references = each(root, "config/reference", "csv", Reference::parse)?.into_iter().map(|reference| (reference.name.clone(), reference)).collect();
        let jobs = each(root, "jobs", "toml", Job::parse)?.into_iter().map(|job| (job.name.clone(), job)).collect();
        let reports = each(root, "config/reports", "toml", Report::parse)?;
        let models = models(root)?;
        let report_sql = report_sql(root)?;
        let project = Self { root: root.to_owned(), settings, channels, drafts, tables, references, jobs, reports, models, report_sql };
        project.check()?;
        Ok(project)
    }

    pub fn instances_of<'a>(&'a self, channel: &'a str) -> impl Iterator<Item = &'a Instance> {
        self.settings.instances.iter().filter(move |instance| instance.channel == channel)
    }

    pub fn channel(&self, name: &str) -> Result<&Channel> {
        self.channels
            .get(name)
            .ok_or_else(|| self.drafts.get(name).cloned().unwrap_or_else(|| unknown("channel", name, self.channels.keys().map(String::as_str))))
    }

    pub fn job(&self, name: &str) -> Result<&Job> {
        self.jobs.get(name).ok_or_else(|| unknown("job", name, self.jobs.keys().map(String::as_str)))
    }

    pub fn table(&self, name: &str) -> Result<&Table> {
        self.tables.get(name).ok_or_else(|| unknown("table", name, self.tables.keys().map(String::as_str)))
    }

    pub fn report(&self, name: &str) -> Result<&Report> {
        self.reports.iter().find(|report| report.name == name).ok_or_else(|| unknown("report", name, self.reports.iter().map(|report| report.name.as_str())))
    }

    pub fn reports_of<'a>(&'a self, job: &'a str) -> impl Iterator<Item = &'a Report> {
        self.reports.iter().filter(move |report| report.job == job)
    }

    fn check(&self) -> Result<()> {
        for instance in &self.settings.instances {
            if !self.channels.contains_key(&instance.channel) {
                return Err(unknown("channel", &instance.channel, self.channels.keys().map(String::as_str))
                    .next("each [instances.<channel>.<name>] needs config/channels/<channel>.toml"));
            }
        }
        for channel in self.channels.values() {
            for (at, export) in channel.exports.iter().enumerate() {
                let table = self.tables.get(&export.table).filter(|table| table.layer == Layer::Raw);
                let Some(table) = table else {
                    let error = channel
                        .file()
                        .wrong(&format!("exports/{at}/table"), format!("export `{}` goes to `{}`, which is no raw table", export.name, export.table));
                    let raw = self.tables.values().filter(|table| table.layer == Layer::Raw).map(|table| table.name.as_str());
                    let hint = crate::nearest(&export.table, raw).map_or_else(String::new, |best| format!("did you mean `{best}`? Else "));
                    return Err(error.next(format!("{hint}write config/tables/{}.toml", export.table)));
                };
                let layouts = export.layouts.iter().enumerate().map(|(place, layout)| (format!("exports/{at}/layouts/{place}"), &layout.export));
                for (base, one) in std::iter::once((format!("exports/{at}"), export)).chain(layouts) {
                    let required = one.required.iter().enumerate().map(|(place, name)| (format!("{base}/required/{place}"), name));
                    let mut named = required.chain(one.headers.keys().map(|name| (format!("{base}/headers/{name}"), name)));
                    if let Some((value, wrong)) = named.find(|(_, name)| table.column(name).is_none()) {
                        let message = format!("export `{}`: `{wrong}` is not a column of {}", export.name, table.name);
                        return Err(channel.file().unknown(&value, message, wrong, table.columns.iter().map(|column| column.name.as_str())));
                    }
                    against::check_columns(channel.file(), &base, one, table, &self.references)?;
                }
            }
        }
        for job in self.jobs.values() {
            self.check_job(job)?;
        }
        for report in &self.reports {
            self.check_report(report)?;
        }
        for table in self.tables.values() {
            self.check_relationships(table)?;
            self.check_inputs(table)?;
        }
        for table in self.tables.values().filter(|table| table.layer.is_made()) {
            if !self.models.contains_key(&table.name) {
                let (layer, folder) = (table.layer.name(), if table.layer == Layer::Mart { "marts" } else { "intermediate" });
                return Err(
                    Error::in_file(&table.path, format!("{layer} table `{}` has no SQL", table.name)).next(format!("write sql/{folder}/{}.sql", table.name))
                );
            }
        }
        Ok(())
    }

    fn check_job(&self, job: &Job) -> Result<()> {
        for needed in &job.needs {
            if !self.jobs.contains_key(needed) {
                let error = job.wrong_name(Names::Jobs, needed, format!("needs `{needed}`, which is no job"));
                return Err(with_nearest(error, needed, self.jobs.keys().map(String::as_str)));
            }
            if self.reaches(needed, &job.name) {
                let error = job.wrong_name(Names::Jobs, needed, format!("needs `{needed}`, which needs `{}`", job.name));
                return Err(error.next("one of the two must come first: leave out one `needs`"));
            }
        }
        let known: Vec<&str> = self.channels.values().flat_map(|channel| &channel.exports).map(|export| export.name.as_str()).collect();
        for export in job.ready.iter().flat_map(|ready| &ready.exports).chain(&job.expects) {
            if !known.contains(&export.as_str()) {
                let error = job.wrong_name(Names::Exports, export, format!("`{export}` is not an export of any channel"));
                return Err(with_nearest(error, export, known.iter().copied()));
            }
        }
        Ok(())
    }

    /// Whether a job needs another, directly or through others.
    fn reaches(&self, from: &str, to: &str) -> bool {
        let (mut open, mut seen) = (vec![from], std::collections::BTreeSet::new());
        while let Some(name) = open.pop() {
            if name == to {
                return true;
            }
            if seen.insert(name) {
                open.extend(self.jobs.get(name).iter().flat_map(|job| &job.needs).map(String::as_str));
            }
        }
        false
    }

    fn check_report(&self, report: &Report) -> Result<()> {
        if !self.jobs.contains_key(&report.job) {
            let message = format!("job `{}` is not known", report.job);
            return Err(report.file().unknown("job", message, &report.job, self.jobs.keys().map(String::as_str)));
        }
        let Some(channel) = self.channels.get(&report.channel) else {
            let message = format!("channel `{}` is not known", report.channel);
            return Err(report.file().unknown("channel", message, &report.channel, self.channels.keys().map(String::as_str)));
        };
        let unknown = report.exports.iter().enumerate().find(|(_, export)| channel.export(export).is_none());
        if let Some((at, export)) = unknown {
            let message = format!("`{export}` is not an export of {}", channel.name);
            return Err(report.file().unknown(&format!("exports/{at}"), message, export, channel.exports.iter().map(|export| export.name.as_str())));
        }
        for (at, section) in report.sections.iter().enumerate() {
            let name = format!("{}/{}", report.name, section.name);
            if !self.report_sql.contains_key(&name) {
                let error = report.file().wrong(&format!("sections/{at}/name"), format!("section `{}` has no SQL", section.name));
                let hint = crate::nearest(&name, self.report_sql.keys().map(String::as_str))
                    .map_or_else(String::new, |best| format!("did you mean `{}`? Else ", best.rsplit('/').next().unwrap_or(best)));
                return Err(error.next(format!("{hint}write sql/reports/{name}.sql")));
            }
        }
        Ok(())
    }

    /// An input that is read only with a channel is a table, and the channel is there.
    fn check_inputs(&self, table: &Table) -> Result<()> {
        for (input, channel) in &table.inputs_with {
            let place = format!("inputs_with/{input}");
            if !self.tables.contains_key(input) {
                let message = format!("there is no table `{input}`");
                return Err(table.file().unknown(&place, message, input, self.tables.keys().map(String::as_str)));
            }
            if !self.channels.contains_key(channel) {
                let message = format!("channel `{channel}` is not known");
                return Err(table.file().unknown(&place, message, channel, self.channels.keys().map(String::as_str)));
            }
        }
        Ok(())
    }

    /// A data test that looks into another table names one, and a column of it.
    fn check_relationships(&self, table: &Table) -> Result<()> {
        for (at, test) in table.tests.iter().enumerate() {
            let TestKind::Relationship { to_table, to_column, .. } = &test.kind else { continue };
            if self.models.contains_key(to_table) && !self.tables.contains_key(to_table) {
                continue;
            }
            let Some(other) = self.tables.get(to_table) else {
                let message = format!("test `{}`: there is no table `{to_table}`", test.name);
                return Err(table.file().unknown(&format!("tests/{at}/to_table"), message, to_table, self.tables.keys().map(String::as_str)));
            };
            if other.column(to_column).is_none() && !other.implies(to_column) {
                let message = format!("test `{}`: `{to_column}` is not a column of {to_table}", test.name);
                return Err(table.file().unknown(
                    &format!("tests/{at}/to_column"),
                    message,
                    to_column,
                    other.columns.iter().map(|column| column.name.as_str()),
                ));
            }
        }
        Ok(())
    }
}

fn unknown<'a>(what: &str, name: &str, known: impl Iterator<Item = &'a str> + Clone) -> Error {
    with_nearest(Error::new(format!("there is no {what} `{name}`")), name, known)
}

fn with_nearest<'a>(error: Error, name: &str, known: impl Iterator<Item = &'a str> + Clone) -> Error {
    match crate::nearest(name, known.clone()) {
        Some(best) => error.next(format!("did you mean `{best}`?")),
        None => error.next(format!("known: {}", known.collect::<Vec<_>>().join(", "))),
    }
}

fn read(root: &Path, path: &Path) -> Result<(PathBuf, String)> {
    let text = std::fs::read_to_string(root.join(path)).map_err(|error| Error::in_file(path, format!("cannot be read: {error}")))?;
    Ok((path.to_owned(), text))
}

/// Files of one ending below a folder, sorted, with paths relative to the project.
fn files(root: &Path, folder: &str, ending: &str) -> Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    let mut folders = vec![PathBuf::from(folder)];
    while let Some(folder) = folders.pop() {
        let entries = match std::fs::read_dir(root.join(&folder)) {
            Ok(entries) => entries,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => continue,
            Err(error) => return Err(Error::in_file(&folder, format!("cannot be listed: {error}"))),
        };
        for entry in entries {
            let entry = entry.map_err(|error| Error::in_file(&folder, format!("cannot be listed: {error}")))?;
            let path = folder.join(entry.file_name());
            if root.join(&path).is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == ending) {
                found.push(path);
            }
        }
    }
    found.sort();
    Ok(found)
}

fn each<T>(root: &Path, folder: &str, ending: &str, parse: impl Fn(&Path, &str) -> Result<T>) -> Result<Vec<T>> {
    files(root, folder, ending)?
        .iter()
        .map(|path| {
            let (path, text) = read(root, path)?;
            parse(&path, &text)
        })
        .collect()
}

/// The channel files, without those that nothing uses and whose draft still asks.
fn channels(root: &Path, instances: &[Instance]) -> Result<(BTreeMap<String, Channel>, BTreeMap<String, Error>)> {
    let (mut channels, mut drafts) = (BTreeMap::new(), BTreeMap::new());
    for channel in each(root, "config/channels", "toml", |path, text| Ok(Channel::parse(path, text)))? {
        match channel {
            Ok(channel) => {
                channels.insert(channel.name.clone(), channel);
            }
            Err(error) => {
                let stem = error.path().and_then(Path::file_stem).and_then(|stem| stem.to_str()).unwrap_or_default().to_owned();
                if !error.is_question() || instances.iter().any(|instance| instance.channel == stem) {
                    return Err(error);
                }
                drafts.insert(stem, error);
            }
        }
    }
    Ok((channels, drafts))
}

fn models(root: &Path) -> Result<BTreeMap<String, Source>> {
    let mut models: BTreeMap<String, Source> = BTreeMap::new();
    for folder in ["sql/staging", "sql/intermediate", "sql/marts", "sql/known"] {
        for path in files(root, folder, "sql")? {
            let (path, text) = read(root, &path)?;
            let name = path.file_stem().and_then(|stem| stem.to_str()).unwrap_or_default().to_owned();
            if let Some(other) = models.get(&name) {
                return Err(
                    Error::in_file(&path, format!("model `{name}` is also in {}", other.path.display())).next("a model's name is its file name: rename one")
                );
            }
            models.insert(name, Source { path, text });
        }
    }
    Ok(models)
}

fn report_sql(root: &Path) -> Result<BTreeMap<String, Source>> {
    let mut found = BTreeMap::new();
    for path in files(root, "sql/reports", "sql")? {
        let (path, text) = read(root, &path)?;
        let name = path.strip_prefix("sql/reports").unwrap_or(&path).with_extension("").to_string_lossy().into_owned();
        found.insert(name, Source { path, text });
    }
    Ok(found)
}
