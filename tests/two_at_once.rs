//! One run at a time changes a project; the other says who holds it.

use std::io::{BufRead, BufReader, Read};

use crate::support::{Feeds, Place, Ran};

const RUN: [&str; 4] = ["run", "nightly", "--at", "2026-03-15"];

#[test]
fn a_second_run_says_who_holds_the_project_and_leaves() {
    let feeds = Feeds::awkward(51, 25);
    let place = Place::on(feeds.root());
    let mut first = place.spawn(&RUN);
    let mut said = BufReader::new(first.stderr.take().unwrap());
    let mut line = String::new();
    while said.read_line(&mut line).unwrap() > 0 && !line.contains("publish") {
        line.clear();
    }
    let pid = format!("process {}", first.id());
    place.takings(&RUN).ends_with(1).says(&["another run holds the project", "nightly", &pid]);
    // Another job is another run of the same project; to make a table again is one too.
    place.takings(&["run", "weekly", "--at", "2026-03-16"]).ends_with(1).says(&["another run holds the project", &pid]);
    place.takings(&["rebuild", "aws_account"]).ends_with(1).says(&["another run holds the project", &pid]);
    place.takings(&["vacuum"]).ends_with(1).says(&["another run holds the project", &pid]);
    assert_eq!(first.try_wait().unwrap(), None, "the first run ended too early to prove anything");
    let mut rest = String::new();
    said.read_to_string(&mut rest).unwrap();
    assert!(first.wait().unwrap().success(), "{rest}");

    place.takings(&["run", "weekly", "--at", "2026-03-16"]).ok();
    let alone = Place::on(feeds.root());
    alone.takings(&RUN).ok();
    alone.takings(&["run", "weekly", "--at", "2026-03-16"]).ok();
    place.shows_the_same_as(&alone);
}

#[test]
fn of_two_that_start_a_new_project_together_one_runs() {
    let feeds = Feeds::awkward(52, 10);
    let place = Place::on(feeds.root());
    let both = [place.spawn(&RUN), place.spawn(&RUN)];
    let ended = both.map(|child| Ran::new(&RUN, child.wait_with_output().unwrap()));
    let mut codes: Vec<Option<i32>> = ended.iter().map(|ran| ran.code).collect();
    codes.sort();
    assert_eq!(codes, [Some(0), Some(1)], "{}\n{}", ended[0].err, ended[1].err);
    for ran in ended.into_iter().filter(|ran| ran.code == Some(1)) {
        ran.says(&["another run holds the project"]);
    }
    let alone = Place::on(feeds.root());
    alone.takings(&RUN).ok();
    place.shows_the_same_as(&alone);
}

#[test]
fn reading_is_possible_while_a_run_is_at_work() {
    let feeds = Feeds::awkward(53, 10);
    let place = Place::on(feeds.root());
    place.takings(&RUN).ok();
    let before = place.rows("select count(*) as n, sum(amount) as amount from fct_invoice");
    let mut running = place.spawn(&["run", "nightly", "--at", "2026-03-15", "--force"]);
    let mut reads = 0;
    while running.try_wait().unwrap().is_none() {
        assert_eq!(place.rows("select count(*) as n, sum(amount) as amount from fct_invoice"), before);
        reads += 1;
    }
    assert!(running.wait().unwrap().success());
    assert!(reads > 0, "nobody read while it ran");
}
