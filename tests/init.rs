//! A project made by the binary alone: it runs, gives the repository's bytes, and is brought up to date without touching an edit.

use std::fs;

use crate::support::place::{repository, sample, scratch};
use crate::support::{Place, bytes_under};

#[test]
fn a_project_made_by_the_binary_runs_as_the_repository_does() {
    let folder = scratch();
    let project = folder.path().join("mine");
    let name = project.to_str().unwrap();
    let said = Place::new().takings(&["init", name]).ok().out;
    assert!(said.contains("takings run nightly --at 2026-03-15"), "{said}");
    for part in ["config", "jobs", "sql"] {
        let mut made = bytes_under(&project.join(part));
        made.remove("shipped.sha256");
        assert!(made == bytes_under(&repository().join(part)), "{part}");
    }
    assert!(bytes_under(&project.join("data/sample/aws_marketplace")) == bytes_under(&sample()), "the sample is another one");

    let made = Place::on(&project.join("data/sample/aws_marketplace")).project(&project);
    made.run("nightly", "2026-03-15").ok();
    let here = Place::new();
    here.run("nightly", "2026-03-15").ok();
    assert!(bytes_under(&made.store("reports")) == bytes_under(&here.store("reports")));

    let again = here.takings(&["init", name]).ends_with(2);
    assert!(again.err.contains("is not an empty folder") && again.err.contains("--upgrade"), "{}", again.err);
}

#[test]
fn an_upgrade_shows_what_changed_and_leaves_edits_alone() {
    let folder = scratch();
    let project = folder.path().join("mine");
    let name = project.to_str().unwrap();
    let place = Place::new();
    place.takings(&["init", name]).ok();
    let same = place.takings(&["init", name, "--upgrade"]).ok().out;
    assert!(same.contains("is as this program ships it"), "{same}");

    // An older program gave another text, and the user has edited it; what it gave of another file the user left alone.
    let (edited, left, record) = (project.join("jobs/nightly.toml"), project.join("jobs/weekly.toml"), project.join("config/shipped.sha256"));
    let shipped = fs::read_to_string(&left).unwrap();
    fs::write(&edited, fs::read_to_string(&edited).unwrap() + "# mine\n").unwrap();
    let older = shipped.replace("Monday", "the first day of the week");
    fs::write(&left, &older).unwrap();
    let hash = |text: &str| {
        let file = folder.path().join("text");
        fs::write(&file, text).unwrap();
        let output = std::process::Command::new("sha256sum").arg(&file).output().unwrap();
        String::from_utf8(output.stdout).unwrap().split_whitespace().next().unwrap().to_owned()
    };
    let noted: String = fs::read_to_string(&record)
        .unwrap()
        .lines()
        .map(|line| match line.split_once("  ").unwrap().1 {
            "jobs/weekly.toml" => format!("{}  jobs/weekly.toml\n", hash(&older)),
            "jobs/nightly.toml" => format!("{}  jobs/nightly.toml\n", hash("older")),
            _ => format!("{line}\n"),
        })
        .collect();
    fs::write(&record, noted).unwrap();

    let shown = place.takings(&["init", name, "--upgrade"]).ok().out;
    for words in
        ["-description = \"The reports of the seven days before, made on the first day", "-# mine", "edited by you, and newer one shipped", "is replaced"]
    {
        assert!(shown.contains(words), "{words:?} is missing in\n{shown}");
    }
    assert_eq!(fs::read_to_string(&left).unwrap(), older, "showing wrote");
    place.takings(&["init", name, "--upgrade", "--apply"]).ok();
    assert_eq!(fs::read_to_string(&left).unwrap(), shipped);
    assert!(fs::read_to_string(&edited).unwrap().ends_with("# mine\n"));
    assert!(project.join("jobs/nightly.toml.shipped").is_file());
    Place::on(&sample()).project(&project).takings(&["check"]).ok();
    let rest = place.takings(&["--json", "init", name, "--upgrade"]).ok().json();
    assert_eq!(rest["files"].as_array().unwrap().len(), 1, "{rest}");

    let none = place.takings(&["init", folder.path().join("nowhere").to_str().unwrap(), "--upgrade"]).ends_with(2);
    assert!(none.err.contains("is no project"), "{}", none.err);
}
