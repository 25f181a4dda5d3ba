//! Every report against the recomputation in `tests/independent`, which shares neither SQL nor configuration with the product.

use crate::support::python::independent;
use crate::support::{Feeds, Place, shared};

/// Holds the reports of the three jobs against the feeds they were made from.
#[track_caller]
fn compare(place: &Place, sharing: bool) {
    let (feeds, reports) = (place.feeds().to_str().unwrap(), place.store("reports"));
    let mut differences = Vec::new();
    for (tick, jobs) in [("2026-03-15", ["nightly", "monthly"].as_slice()), ("2026-03-16", &["weekly"])] {
        let mut arguments = vec!["--feeds", feeds, "--reports", reports.to_str().unwrap(), "--tick", tick];
        arguments.extend(jobs.iter().flat_map(|job| ["--job", job]));
        arguments.extend(sharing.then_some("--sharing"));
        let ran = independent("compare.py", &arguments);
        if ran.code != Some(0) || !ran.out.contains("all equal") {
            differences.push(format!("{tick} {jobs:?}\n{}{}", ran.out, ran.err));
        }
    }
    assert!(differences.is_empty(), "sharing {sharing}: {}", differences.join("\n"));
}

/// Makes the reports of other feeds, without and with sharing.
#[track_caller]
fn compare_both(feeds: &Feeds) {
    let place = Place::on(feeds.root());
    place.run_all();
    compare(&place, false);
    std::fs::remove_dir_all(place.store("reports")).unwrap();
    std::fs::remove_dir_all(place.store("datasets")).unwrap();
    let place = place.sharing();
    place.run_all();
    compare(&place, true);
}

#[test]
fn the_sample_is_recomputed_to_the_cent_and_row() {
    compare(&shared::demo().place, false);
}

#[test]
fn the_sample_with_sharing_is_recomputed_to_the_cent_and_row() {
    compare(&shared::sharing().place, true);
}

#[test]
fn generated_feeds_are_recomputed_to_the_cent_and_row() {
    compare_both(&Feeds::generated(7, 2_000));
}

#[test]
fn awkward_feeds_are_recomputed_to_the_cent_and_row() {
    compare_both(&Feeds::awkward(1, 60));
}

#[test]
fn other_awkward_feeds_are_recomputed_to_the_cent_and_row() {
    compare_both(&Feeds::awkward(2, 90));
}

#[test]
fn the_recomputation_is_held_to_figures_made_by_hand() {
    let folder = crate::support::place::repository().join("tests/independent");
    let output = std::process::Command::new("python3")
        .env("PYTHONDONTWRITEBYTECODE", "1")
        .args(["-m", "unittest", "discover", "-s", "."])
        .current_dir(folder)
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

#[test]
fn a_wrong_cent_is_a_difference() {
    // The comparison itself can fail: one cent more in one cell of a copied report.
    let finished = shared::demo();
    let folder = crate::support::place::scratch();
    crate::support::files::copy_folder(&finished.place.store("reports"), folder.path());
    let path = folder.path().join("disbursement/disbursement_report_2026-03-15.csv");
    let text = std::fs::read_to_string(&path).unwrap();
    let at = text.rfind(",USD").unwrap();
    let digit = text[..at].rfind(|character: char| character.is_ascii_digit()).unwrap();
    let other = if &text[digit..=digit] == "1" { "2" } else { "1" };
    std::fs::write(&path, format!("{}{other}{}", &text[..digit], &text[digit + 1..])).unwrap();
    let arguments =
        ["--feeds", finished.place.feeds().to_str().unwrap(), "--reports", folder.path().to_str().unwrap(), "--tick", "2026-03-15", "--job", "nightly"];
    let ran = independent("compare.py", &arguments).ends_with(1);
    assert!(ran.out.contains("disbursement_report_2026-03-15.csv"), "{}", ran.out);
}
