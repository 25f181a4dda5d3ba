//! The JSON schema knows what the loader knows, no less and no more, and the shipped channel files keep to it.

use std::collections::BTreeSet;
use std::path::Path;

use serde_json::{Value, json};
use takings_definitions::Channel;

use crate::support::project;

/// What of a value does not keep to a schema; knows the words that our schema uses, and no others.
fn problems(whole: &Value, schema: &Value, value: &Value, at: &str, found: &mut Vec<String>) {
    let words = schema.as_object().unwrap();
    for (word, rule) in words {
        match word.as_str() {
            "$schema" | "$id" | "$defs" | "title" | "description" | "format" => {}
            "$ref" => problems(whole, whole.pointer(rule.as_str().unwrap().trim_start_matches('#')).unwrap(), value, at, found),
            "const" if value == rule => {}
            "enum" if rule.as_array().unwrap().contains(value) => {}
            "const" | "enum" => found.push(format!("{at}: {value} is not {rule}")),
            "type" => {
                let fits = match rule.as_str().unwrap() {
                    "object" => value.is_object(),
                    "array" => value.is_array(),
                    "string" => value.is_string(),
                    "boolean" => value.is_boolean(),
                    "integer" => value.is_i64() || value.is_u64(),
                    other => panic!("type {other}"),
                };
                if !fits {
                    found.push(format!("{at}: {value} is no {rule}"));
                }
            }
            "minimum" => found.extend(value.as_i64().filter(|value| *value < rule.as_i64().unwrap()).map(|value| format!("{at}: {value} < {rule}"))),
            "maximum" => found.extend(value.as_i64().filter(|value| *value > rule.as_i64().unwrap()).map(|value| format!("{at}: {value} > {rule}"))),
            "required" => {
                let missing = rule.as_array().unwrap().iter().filter(|name| value.get(name.as_str().unwrap()).is_none());
                found.extend(missing.map(|name| format!("{at}: lacks {name}")));
            }
            "properties" => {
                for (name, value) in value.as_object().into_iter().flatten() {
                    if let Some(schema) = rule.get(name) {
                        problems(whole, schema, value, &format!("{at}/{name}"), found);
                    }
                }
            }
            "additionalProperties" => {
                for (name, value) in value.as_object().into_iter().flatten() {
                    if words.get("properties").is_some_and(|known| known.get(name).is_some()) {
                        continue;
                    }
                    match rule {
                        Value::Bool(false) => found.push(format!("{at}: {name} is not known")),
                        rule => problems(whole, rule, value, &format!("{at}/{name}"), found),
                    }
                }
            }
            "items" => {
                for (place, value) in value.as_array().into_iter().flatten().enumerate() {
                    problems(whole, rule, value, &format!("{at}/{place}"), found);
                }
            }
            "anyOf" | "oneOf" => {
                let fitting = |schema: &&Value| {
                    let mut inner = Vec::new();
                    problems(whole, schema, value, at, &mut inner);
                    inner.is_empty()
                };
                let count = rule.as_array().unwrap().iter().filter(fitting).count();
                if count == 0 || (word == "oneOf" && count > 1) {
                    found.push(format!("{at}: {value} fits {count} of {word}"));
                }
            }
            other => panic!("the schema says `{other}`, which this test does not know"),
        }
    }
}

fn judged(text: &str) -> Vec<String> {
    let value: toml::Value = toml::from_str(text).unwrap();
    let schema = takings_draft::schema();
    let mut found = Vec::new();
    problems(&schema, &schema, &serde_json::to_value(value).unwrap(), "", &mut found);
    found
}

#[test]
fn shipped_channel_files_keep_to_the_schema() {
    let project = project();
    assert!(project.channels.len() > 10);
    for channel in project.channels.values() {
        assert_eq!(judged(&channel.text), [] as [String; 0], "{}", channel.name);
    }
}

const PLAIN: &str = "version = 1\nchannel = \"c\"\ntitle = \"C\"\n[[exports]]\nname = \"e\"\ntable = \"t\"\nmode = \"append\"\npath = 'x'\n";

#[test]
fn the_schema_refuses() {
    assert_eq!(judged(PLAIN), [] as [String; 0]);
    for wrong in [
        "colour = \"red\"",
        "unknown_columns = \"keep\"",
        "quarantine_limit = -1",
        "part_of = \"f\"",
        "frame = { header_row = 0 }",
        "nulls = \"x\"",
        "columns.a = { fill = \"up\" }",
    ] {
        assert!(!judged(&format!("{PLAIN}{wrong}\n")).is_empty(), "{wrong}");
    }
    assert!(!judged(&PLAIN.replace("version = 1", "version = 2")).is_empty());
}

/// Where the loader reads a table of the file, as TOML in which `KEY` stands for one more key of it, and where the schema says what it may hold.
const PLACES: [(&str, &str); 22] = [
    ("KEY\nversion = 1\nchannel = \"c\"\ntitle = \"C\"\nexports = []", ""),
    ("EXPORT\nKEY", "/$defs/export"),
    ("EXPORT\n[exports.delete]\nKEY", "/$defs/delete"),
    ("EXPORT\n[[exports.layouts]]\nname = \"l\"\n[exports.layouts.header]\nKEY", "/$defs/header_rule"),
    ("EXPORT\n[exports.text]\nKEY", "/$defs/text"),
    ("EXPORT\n[exports.unpack]\nKEY", "/$defs/unpack"),
    ("EXPORT\n[exports.frame]\nKEY", "/$defs/frame"),
    ("EXPORT\n[[exports.frame.sections]]\nKEY", "/$defs/frame/properties/sections/items"),
    ("EXPORT\n[exports.frame.records]\nKEY", "/$defs/frame/properties/records"),
    ("EXPORT\n[[exports.frame.trailer]]\nKEY", "/$defs/frame/properties/trailer/items"),
    ("EXPORT\n[exports.frame.parent]\nKEY", "/$defs/frame/properties/parent"),
    ("EXPORT\n[exports.frame.parent.parent_when]\nKEY", "/$defs/condition"),
    ("EXPORT\n[[exports.exclude]]\nKEY", "/$defs/exclude"),
    ("EXPORT\n[[exports.exclude]]\nname = \"x\"\n[[exports.exclude.all]]\nKEY", "/$defs/condition"),
    ("EXPORT\n[exports.unpivot]\nKEY", "/$defs/unpivot"),
    ("EXPORT\n[[exports.calculate]]\nKEY", "/$defs/calculate"),
    ("EXPORT\n[[exports.checks]]\nKEY", "/$defs/check"),
    ("EXPORT\n[[exports.checks]]\nname = \"x\"\nkind = \"rows\"\n[exports.checks.expect]\nKEY", "/$defs/check/properties/expect"),
    ("EXPORT\n[exports.columns.a]\nKEY", "/$defs/column"),
    ("EXPORT\n[exports.columns.a.split]\nKEY", "/$defs/column/properties/split"),
    ("EXPORT\n[exports.columns.a.negative]\nKEY", "/$defs/condition"),
    ("EXPORT\n[exports.columns.a.bool]\nKEY", "/$defs/bool_words"),
];

/// The keys that the loader names when it meets one that it does not know.
fn known(place: &str) -> BTreeSet<String> {
    let text = place.replace("EXPORT", PLAIN).replace("KEY", "qqqqqqqqqqqqqqqqqqqqqqqq = 1");
    let error = Channel::parse(Path::new("c.toml"), &text).unwrap_err().to_string();
    let (_, list) = error.split_once("known: ").unwrap_or_else(|| panic!("{place}: {error}"));
    list.split(", ").map(|key| key.trim().to_owned()).collect()
}

fn declared(pointer: &str) -> BTreeSet<String> {
    let schema = takings_draft::schema();
    schema.pointer(pointer).unwrap()["properties"].as_object().unwrap().keys().cloned().collect()
}

#[test]
fn the_schema_and_the_loader_know_the_same_keys() {
    for (place, pointer) in PLACES {
        let mut known = known(place);
        if pointer == "/$defs/export" {
            // The loader reads layouts by the same keys, and tells what belongs where.
            known.retain(|key| !["header", "file"].contains(&key.as_str()));
        }
        assert_eq!(declared(pointer), known, "{place}");
    }
}

#[test]
fn layouts_may_say_what_the_loader_lets_them() {
    let layout = format!("{PLAIN}[[exports.layouts]]\nname = \"l\"\nKEY\n");
    let mut allowed = BTreeSet::new();
    for key in known("EXPORT\nKEY") {
        // Values of a fitting type, so that only the place is judged.
        let schema = takings_draft::schema();
        let rule = ["export", "layout"].iter().find_map(|one| schema.pointer(&format!("/$defs/{one}/properties/{key}"))).unwrap().clone();
        let value = sample(&schema, &rule, &key);
        let text = if key == "name" { PLAIN.to_owned() } else { layout.replace("KEY", &format!("{key} = {value}")) };
        match Channel::parse(Path::new("c.toml"), &text) {
            Err(error) if error.to_string().contains("can't differ between layouts") => {}
            _ => drop(allowed.insert(key)),
        }
    }
    assert_eq!(declared("/$defs/layout"), allowed);
}

/// A value that the loader can at least read.
fn sample(whole: &Value, rule: &Value, key: &str) -> String {
    if key == "bool" {
        return "{ yes = [\"a\"], no = [\"b\"] }".to_owned();
    }
    if key == "zone" {
        return "\"UTC\"".to_owned();
    }
    if let Some(first) = rule.get("enum").and_then(|words| words.get(0)) {
        return first.to_string();
    }
    if let Some(name) = rule.get("$ref").and_then(Value::as_str) {
        let target = whole.pointer(name.trim_start_matches('#')).unwrap();
        let required = target["required"].as_array().unwrap().iter().map(|name| {
            let name = name.as_str().unwrap();
            format!("{name} = {}", sample(whole, &target["properties"][name], name))
        });
        return format!("{{ {} }}", required.collect::<Vec<_>>().join(", "));
    }
    match rule["type"].as_str() {
        Some("string") => "\"a\"".to_owned(),
        Some("boolean") => "true".to_owned(),
        Some("integer") => "1".to_owned(),
        Some("object") => "{}".to_owned(),
        _ => "[]".to_owned(),
    }
}

#[test]
fn the_schema_says_its_version() {
    let schema = takings_draft::schema();
    assert_eq!(schema["$id"], json!(takings_draft::SCHEMA_ID));
    assert_eq!(schema["properties"]["version"]["const"], json!(1));
}
