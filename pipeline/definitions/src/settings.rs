//! `takings.toml`, `env/<env>.toml` and `TAKINGS_…` variables, laid over each other into one `Settings`.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Deserializer};

use crate::ledger_settings::RawLedger;
use crate::scheduler_settings::RawScheduler;
use crate::{Error, LedgerSettings, Patterns, Result, SchedulerSettings, Secret};

/// Variables that start with this overrule the files; `__` separates the levels.
pub const VARIABLE_PREFIX: &str = "TAKINGS_";

/// Variables of the prefix that are flags of the command line, not settings.
const NOT_SETTINGS: [&str; 4] = ["TAKINGS_PROJECT", "TAKINGS_ENV", "TAKINGS_LOG", "TAKINGS_LOG_FORMAT"];

/// All settings of one project and environment.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Folder or url under which landing, lake, reports … lie.
    pub store: String,
    pub ledger: LedgerSettings,
    /// Memory that the engine may use, in bytes.
    pub memory: u64,
    pub threads: Option<usize>,
    pub retention_days: u32,
    pub scheduler: SchedulerSettings,
    pub pseudonym_key: Option<Secret>,
    pub parameters: BTreeMap<String, Parameter>,
    pub instances: Vec<Instance>,
}

/// One seller account on a channel.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Instance {
    pub channel: String,
    pub name: String,
    /// Where its exports are.
    pub url: String,
    pub seller_account: String,
    /// May reports show account numbers and e-mail domains.
    pub enhanced_data_sharing: bool,
    /// Which files of its source are none of its exports.
    pub ignore: Patterns,
}

/// A constant that SQL reads as `$name`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Parameter {
    Text(String),
    Integer(i64),
    Bool(bool),
}

impl Settings {
    /// Lays the files (path and text, weakest first) and the variables over each other.
    pub fn layered(files: &[(PathBuf, String)], variables: impl IntoIterator<Item = (String, String)>) -> Result<Self> {
        let mut merged = RawSettings::default();
        for (path, text) in files {
            let file: RawSettings = crate::parse(path, text)?;
            file.ledger.check_file(path)?;
            merged.overlay(file);
        }
        let mut variables: Vec<(String, String)> = variables.into_iter().filter(|(name, _)| is_setting(name)).collect();
        variables.sort();
        for (name, value) in &variables {
            merged.overlay(from_variable(name, value)?);
        }
        merged.checked(files.first().map_or(Path::new("config/takings.toml"), |(path, _)| path))
    }
}

fn is_setting(name: &str) -> bool {
    name.starts_with(VARIABLE_PREFIX) && !NOT_SETTINGS.contains(&name)
}

fn from_variable(name: &str, value: &str) -> Result<RawSettings> {
    let path = name[VARIABLE_PREFIX.len()..].to_lowercase();
    let levels: Vec<&str> = path.split("__").collect();
    // Text stays text: a value of digits keeps its leading zeros. Fields that are numbers parse it themselves.
    let nested = levels
        .iter()
        .rev()
        .fold(toml::Value::String(value.to_owned()), |inner, level| toml::Value::Table(std::iter::once(((*level).to_owned(), inner)).collect()));
    RawSettings::deserialize(nested).map_err(|error| {
        let (message, hint) = crate::toml_text::with_hint(error.message().trim());
        let error = Error::in_variable(name, message);
        match hint {
            Some(hint) => error.next(hint),
            None => error,
        }
    })
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct RawSettings {
    store: RawStore,
    ledger: RawLedger,
    engine: RawEngine,
    lake: RawLake,
    scheduler: RawScheduler,
    secrets: RawSecrets,
    parameters: BTreeMap<String, Parameter>,
    instances: BTreeMap<String, BTreeMap<String, RawInstance>>,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct RawStore {
    url: Option<String>,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct RawEngine {
    memory: Option<String>,
    #[serde(deserialize_with = "number")]
    threads: Option<u64>,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct RawLake {
    #[serde(deserialize_with = "number")]
    retention_days: Option<u64>,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct RawSecrets {
    pseudonym_key: Option<String>,
}

#[derive(Default, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct RawInstance {
    url: Option<String>,
    seller_account: Option<String>,
    #[serde(deserialize_with = "yes_or_no")]
    enhanced_data_sharing: Option<bool>,
    ignore: Option<Patterns>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum NumberOrText {
    Number(u64),
    Text(String),
}

fn number<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<u64>, D::Error> {
    match NumberOrText::deserialize(deserializer) {
        Ok(NumberOrText::Number(number)) => Ok(Some(number)),
        Ok(NumberOrText::Text(text)) => text.trim().parse().map(Some).map_err(|_| serde::de::Error::custom(format!("\"{text}\" is not a whole number"))),
        Err(_) => Err(serde::de::Error::custom("expected a whole number")),
    }
}

#[derive(Deserialize)]
#[serde(untagged)]
enum BoolOrText {
    Bool(bool),
    Text(String),
}

fn yes_or_no<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<bool>, D::Error> {
    match BoolOrText::deserialize(deserializer) {
        Ok(BoolOrText::Bool(value)) => Ok(Some(value)),
        Ok(BoolOrText::Text(text)) => match text.trim() {
            "true" => Ok(Some(true)),
            "false" => Ok(Some(false)),
            other => Err(serde::de::Error::custom(format!("\"{other}\" is neither true nor false"))),
        },
        Err(_) => Err(serde::de::Error::custom("expected true or false")),
    }
}

impl<'de> Deserialize<'de> for Parameter {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match toml::Value::deserialize(deserializer)? {
            toml::Value::String(text) => Ok(Self::Text(text)),
            toml::Value::Integer(number) => Ok(Self::Integer(number)),
            toml::Value::Boolean(value) => Ok(Self::Bool(value)),
            other => Err(serde::de::Error::custom(format!("a parameter is a text, a whole number or true/false, not a {}", other.type_str()))),
        }
    }
}

impl RawSettings {
    fn overlay(&mut self, over: Self) {
        fn take<T>(under: &mut Option<T>, over: Option<T>) {
            if over.is_some() {
                *under = over;
            }
        }
        take(&mut self.store.url, over.store.url);
        self.ledger.overlay(over.ledger);
        take(&mut self.engine.memory, over.engine.memory);
        take(&mut self.engine.threads, over.engine.threads);
        take(&mut self.lake.retention_days, over.lake.retention_days);
        self.scheduler.overlay(over.scheduler);
        take(&mut self.secrets.pseudonym_key, over.secrets.pseudonym_key);
        for (name, value) in over.parameters {
            let value = match (self.parameters.get(&name), value) {
                // A variable is text; it takes the type of the value it overrules.
                (Some(Parameter::Integer(_)), Parameter::Text(text)) => text.parse().map_or(Parameter::Text(text), Parameter::Integer),
                (Some(Parameter::Bool(_)), Parameter::Text(text)) => text.parse().map_or(Parameter::Text(text), Parameter::Bool),
                (_, value) => value,
            };
            self.parameters.insert(name, value);
        }
        for (channel, instances) in over.instances {
            let known = self.instances.entry(channel).or_default();
            for (name, instance) in instances {
                let under = known.entry(name).or_default();
                take(&mut under.url, instance.url);
                take(&mut under.seller_account, instance.seller_account);
                take(&mut under.enhanced_data_sharing, instance.enhanced_data_sharing);
                take(&mut under.ignore, instance.ignore);
            }
        }
    }

    fn checked(self, path: &Path) -> Result<Settings> {
        let mut instances = Vec::new();
        for (channel, named) in self.instances {
            for (name, instance) in named {
                let missing = |key: &str| {
                    Error::in_file(path, format!("instance {channel}.{name} has no {key}")).next(format!("set {key} under [instances.{channel}.{name}]"))
                };
                instances.push(Instance {
                    url: instance.url.ok_or_else(|| missing("url"))?,
                    seller_account: instance.seller_account.ok_or_else(|| missing("seller_account"))?,
                    enhanced_data_sharing: instance.enhanced_data_sharing.unwrap_or(false),
                    ignore: instance.ignore.unwrap_or_default(),
                    channel: channel.clone(),
                    name,
                });
            }
        }
        let memory = match self.engine.memory.as_deref() {
            None => DEFAULT_MEMORY,
            Some(text) => bytes(text).ok_or_else(|| Error::in_file(path, format!("engine.memory = \"{text}\" is not a size")).next("for example \"2 GiB\""))?,
        };
        let retention_days = self.lake.retention_days.unwrap_or(35);
        Ok(Settings {
            store: self.store.url.unwrap_or_else(|| "data".to_owned()),
            ledger: self.ledger.checked(path)?,
            memory,
            threads: self.engine.threads.map(|threads| usize::try_from(threads).unwrap_or(1).max(1)),
            retention_days: u32::try_from(retention_days).map_err(|_| Error::in_file(path, format!("lake.retention_days = {retention_days} is too large")))?,
            scheduler: self.scheduler.checked(path)?,
            pseudonym_key: self.secrets.pseudonym_key.as_deref().map(|text| Secret::parse(path, "secrets.pseudonym_key", text)).transpose()?,
            parameters: zones_known(self.parameters, path)?,
            instances,
        })
    }
}

const DEFAULT_MEMORY: u64 = 2304 << 20;

/// A constant that is named a time zone is one.
fn zones_known(parameters: BTreeMap<String, Parameter>, path: &Path) -> Result<BTreeMap<String, Parameter>> {
    for (name, value) in parameters.iter().filter(|(name, _)| name.ends_with("time_zone")) {
        let text = match value {
            Parameter::Text(text) => text.clone(),
            Parameter::Integer(number) => number.to_string(),
            Parameter::Bool(value) => value.to_string(),
        };
        if text.parse::<chrono_tz::Tz>().is_err() {
            let error = Error::in_file(path, format!("parameters.{name} = \"{text}\" is no time zone"));
            return Err(error.next(match crate::nearest(&text, chrono_tz::TZ_VARIANTS.iter().map(|zone| zone.name())) {
                Some(best) => format!("did you mean \"{best}\"?"),
                None => "for example \"Europe/Berlin\"".to_owned(),
            }));
        }
    }
    Ok(parameters)
}

fn bytes(text: &str) -> Option<u64> {
    let text = text.trim();
    let digits = text.find(|character: char| !character.is_ascii_digit()).unwrap_or(text.len());
    let number: u64 = text[..digits].parse().ok()?;
    let unit = match text[digits..].trim() {
        "" | "B" => 1,
        "KiB" => 1 << 10,
        "MiB" => 1 << 20,
        "GiB" => 1 << 30,
        _ => return None,
    };
    number.checked_mul(unit)
}

#[cfg(test)]
mod tests {
    use super::*;

    const FILE: &str = "[instances.aws_marketplace.main]\nurl = \"data/sample\"\nseller_account = \"012345678901\"\n[parameters]\nref_tag_lookback_days = 30\n";

    fn layered(file: &str, variables: &[(&str, &str)]) -> Result<Settings> {
        let variables = variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        Settings::layered(&[(PathBuf::from("config/takings.toml"), file.to_owned())], variables)
    }

    #[test]
    fn a_variable_overrules_and_text_stays_text() {
        let settings = layered(
            FILE,
            &[
                ("TAKINGS_INSTANCES__AWS_MARKETPLACE__MAIN__SELLER_ACCOUNT", "000000000042"),
                ("TAKINGS_INSTANCES__AWS_MARKETPLACE__MAIN__ENHANCED_DATA_SHARING", "true"),
                ("TAKINGS_PARAMETERS__REF_TAG_LOOKBACK_DAYS", "7"),
                ("TAKINGS_ENGINE__THREADS", "3"),
            ],
        )
        .unwrap();
        let instance = &settings.instances[0];
        assert_eq!((instance.seller_account.as_str(), instance.url.as_str(), instance.enhanced_data_sharing), ("000000000042", "data/sample", true));
        assert_eq!(settings.parameters["ref_tag_lookback_days"], Parameter::Integer(7));
        assert_eq!(settings.threads, Some(3));
    }

    #[test]
    fn an_instance_ignores_what_its_patterns_match() {
        let ignores = |file: &str, variable: &[(&str, &str)], path: &str| layered(file, variable).unwrap().instances[0].ignore.matches(path);
        let file = FILE.replace("[parameters]", "ignore = ['^old/', '\\.tmp$']\n[parameters]");
        assert!(ignores(&file, &[], "old/data.csv") && ignores(&file, &[], "data.csv.tmp") && !ignores(&file, &[], "new/old/data.csv"));
        assert!(!ignores(FILE, &[], "old/data.csv"));
        let variable = [("TAKINGS_INSTANCES__AWS_MARKETPLACE__MAIN__IGNORE", "^new/")];
        assert!(ignores(&file, &variable, "new/old/data.csv") && !ignores(&file, &variable, "old/data.csv"));
        let error = layered(&FILE.replace("[parameters]", "ignore = ['(']\n[parameters]"), &[]).unwrap_err().to_string();
        assert!(error.starts_with("config/takings.toml:4:10: ") && error.contains("unclosed group"), "{error}");
    }

    #[test]
    fn mistakes_name_their_place_and_the_nearest_key() {
        let cases = [
            ("[stor]\nurl = \"x\"\n", vec![], "config/takings.toml:1:2: unknown key `stor`; did you mean `store`?"),
            (FILE, vec![("TAKINGS_STORE__URI", "x")], "variable TAKINGS_STORE__URI: unknown key `uri`; did you mean `url`?"),
            (
                "[instances.aws_marketplace.main]\nurl = \"x\"\n",
                vec![],
                "config/takings.toml: instance aws_marketplace.main has no seller_account; set seller_account under [instances.aws_marketplace.main]",
            ),
            (
                "[parameters]\nperformance_time_zone = \"Europe/Berln\"\n",
                vec![],
                "config/takings.toml: parameters.performance_time_zone = \"Europe/Berln\" is no time zone; did you mean \"Europe/Berlin\"?",
            ),
            (
                "[secrets]\npseudonym_key = \"hunter2\"\n",
                vec![],
                "config/takings.toml: secrets.pseudonym_key is not a reference; write env:NAME or file:PATH; the value itself never stands in a file of the project",
            ),
            (
                "[ledger]\nurl = \"postgres://takings:hunter2@db.example/books\"\n",
                vec![],
                "config/takings.toml: ledger.url holds a password; write ledger.password = \"env:NAME\" or \"file:PATH\"; the value itself never stands in a file of the project",
            ),
            (
                "[ledger]\npassword = \"env:LEDGER_PASSWORD\"\n",
                vec![("TAKINGS_LEDGER__URL", "postgres://takings:hunter2@db.example/books")],
                "config/takings.toml: ledger.url holds a password, and ledger.password names another; keep one of them",
            ),
        ];
        for (file, variables, message) in cases {
            assert_eq!(layered(file, &variables).unwrap_err().to_string(), message);
        }
    }

    #[test]
    fn the_ledger_s_password_is_a_reference_or_comes_in_a_variable() {
        assert_eq!(layered("", &[]).unwrap().ledger, LedgerSettings { url: "state/ledger.sqlite".into(), password: None });
        let file = "[ledger]\nurl = \"postgres://takings@db.example/books\"\npassword = \"file:secrets/ledger\"\n";
        let ledger = layered(file, &[]).unwrap().ledger;
        assert_eq!((ledger.url.as_str(), ledger.password), ("postgres://takings@db.example/books", Some(Secret::File("secrets/ledger".into()))));
        let url = "postgres://takings:hunter2@db.example/books";
        let settings = layered(FILE, &[("TAKINGS_LEDGER__URL", url)]).unwrap();
        assert_eq!(settings.ledger.url, url);
        assert!(!format!("{settings:?}").contains("hunter2"));
    }

    #[test]
    fn an_account_written_as_a_number_is_refused() {
        let error = layered("[instances.aws_marketplace.main]\nurl = \"x\"\nseller_account = 12345\n", &[]).unwrap_err().to_string();
        assert!(error.starts_with("config/takings.toml:3:18: invalid type: integer"), "{error}");
    }
}
