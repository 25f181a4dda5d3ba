//! Every shipped channel file reads its fixtures: rows, exclusions and exact sums as expected.json says; what must be refused is
//! refused with file, line and reason. Calculations and rules in SQL are the engine's, so what they decide is looked at there.

use std::collections::{BTreeMap, BTreeSet};

use takings_definitions::{CheckKind, ExcludeWhen, Export};

use crate::support::{Figures, figures, fixtures, project, read};

/// What of an export only the engine knows.
#[derive(Default)]
struct Engine {
    columns: BTreeSet<String>,
    /// Rules that take rows away.
    rules: bool,
    equations: bool,
}

fn engine(export: &Export) -> Engine {
    let mut engine = Engine::default();
    for one in export.effective() {
        engine.columns.extend(one.calculate.iter().map(|calculation| calculation.column.clone()));
        engine.rules |= one.exclude.iter().any(|rule| matches!(rule.when, ExcludeWhen::Where(_)));
        engine.equations |= one.checks.iter().any(|check| matches!(check.kind, CheckKind::Equation { .. }));
    }
    engine
}

#[test]
fn fixtures_become_what_they_hold() {
    let project = project();
    let mut wrong = Vec::new();
    let mut skipped = Vec::new();
    let mut compared = 0;
    for fixture in fixtures().iter().filter(|fixture| fixture.refused().is_none()) {
        let channel = &project.channels[&fixture.channel];
        let [export] = channel.recognise(&fixture.path)[..] else {
            wrong.push(format!(
                "{}: recognised by {:?}",
                fixture.name(),
                channel.recognise(&fixture.path).iter().map(|export| &export.name).collect::<Vec<_>>()
            ));
            continue;
        };
        let mut expected = fixture.tables();
        let mut excluded = BTreeMap::new();
        for member in channel.family(export) {
            let table = &project.tables[&member.table];
            match read(channel, member, table, &project.references, &fixture.path, &fixture.bytes) {
                Err(error) => wrong.push(format!("{} by {}: {error}", fixture.name(), member.name)),
                Ok((outcome, kept)) => {
                    for reject in &kept.rejects {
                        wrong.push(format!("{} by {}: {}:{} {}", fixture.name(), member.name, reject.part, reject.line, reject.reason));
                    }
                    if let Some(why) = outcome.stopped() {
                        wrong.push(format!("{} by {}: {why}", fixture.name(), member.name));
                    }
                    for (rule, records) in &outcome.excluded {
                        *excluded.entry(rule.clone()).or_insert(0) += records;
                    }
                    let of_engine = engine(member);
                    let mut found = figures(&kept.batches);
                    let Some(mut wanted) = expected.remove(&member.table).or_else(|| (found.rows > 0).then(Figures::default)) else { continue };
                    if of_engine.rules {
                        skipped.push(format!("{} {}: rows are left out by SQL", fixture.name(), member.table));
                        continue;
                    }
                    for column in &of_engine.columns {
                        if wanted.sums.remove(column).is_some() | found.sums.remove(column).is_some() {
                            skipped.push(format!("{} {}.{column}: calculated", fixture.name(), member.table));
                        }
                    }
                    compared += wanted.sums.len();
                    for (column, sum) in &wanted.sums {
                        let got = found.sums.get(column);
                        if got != Some(sum) {
                            wrong.push(format!("{} {}.{column}: {got:?} instead of {sum}", fixture.name(), member.table));
                        }
                    }
                    if found.rows != wanted.rows {
                        wrong.push(format!("{} {}: {} rows instead of {}", fixture.name(), member.table, found.rows, wanted.rows));
                    }
                }
            }
        }
        for table in expected.keys() {
            wrong.push(format!("{}: nothing went to {table}", fixture.name()));
        }
        let wanted: BTreeMap<String, u64> =
            fixture.expected["excluded"].as_object().into_iter().flatten().map(|(rule, records)| (rule.clone(), records.as_u64().unwrap())).collect();
        // Blank lines and records of other types are no figures.
        excluded.retain(|rule, _| wanted.contains_key(rule) || !(rule == "blank_lines" || rule.starts_with("type ")));
        if excluded != wanted {
            wrong.push(format!("{}: excluded {excluded:?} instead of {wanted:?}", fixture.name()));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(compared > 100, "{compared} sums were compared");
    println!("{compared} sums compared; left to the engine:\n{}", skipped.join("\n"));
}

#[test]
fn what_must_be_refused_is_refused() {
    let project = project();
    let mut refused = 0;
    for fixture in fixtures() {
        let Some(word) = fixture.refused() else { continue };
        let channel = &project.channels[&fixture.channel];
        let [export] = channel.recognise(&fixture.path)[..] else { panic!("{} is not recognised", fixture.name()) };
        let members = channel.family(export);
        let left_to_engine = members.iter().any(|member| {
            engine(member).equations
                && member.effective().flat_map(|one| &one.checks).any(|check| check.name == word && matches!(check.kind, CheckKind::Equation { .. }))
        });
        let why: Vec<String> = members
            .iter()
            .filter_map(|member| match read(channel, member, &project.tables[&member.table], &project.references, &fixture.path, &fixture.bytes) {
                Err(error) => Some(error.to_string()),
                Ok((outcome, kept)) => {
                    let rejects = kept.rejects.first().map(|reject| format!("{}:{}: {}", fixture.path, reject.line, reject.reason));
                    outcome.stopped().map(|why| format!("{}: {why}", fixture.path)).or(rejects)
                }
            })
            .collect();
        if left_to_engine {
            println!("{}: check `{word}` is an equation, the engine's", fixture.name());
            continue;
        }
        assert!(why.iter().any(|why| why.contains(word) && why.contains(&fixture.path)), "{}: {word} is wanted, got {why:?}", fixture.name());
        println!("{}: {}", fixture.name(), why.join(" | "));
        refused += 1;
    }
    assert!(refused >= 4, "{refused} were refused");
}
