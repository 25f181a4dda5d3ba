//! A store that can't be written or is full, and a ledger of another store: a clear message, exit 1, and the next run mends it.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::support::feeds::BILLING;
use crate::support::place::{scratch, through};
use crate::support::{Feeds, Place, Ran};

const RUN: [&str; 4] = ["run", "nightly", "--at", "2026-03-15"];

/// A small file system of its own. Needs the right to mount.
struct Mount(PathBuf);

impl Mount {
    fn new(at: &Path, options: &str) -> Option<Self> {
        mount(&["-t", "tmpfs", "-o", options, "takings-test", &at.to_string_lossy()]).then(|| Self(at.to_owned())).or_else(|| {
            assert!(std::env::var("CI").as_deref() != Ok("true") || !may_mount(), "mounting is allowed here and failed");
            eprintln!("\nNOT RUN: a file system of {options} can't be mounted here; run as root where mounting is allowed\n");
            None
        })
    }

    fn again(&self, options: &str) {
        assert!(mount(&["-o", &format!("remount,{options}"), &self.0.to_string_lossy()]), "remount {options}");
    }
}

impl Drop for Mount {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("-l").arg(&self.0).status();
    }
}

fn mount(arguments: &[&str]) -> bool {
    Command::new("mount").args(arguments).output().is_ok_and(|output| output.status.success())
}

fn may_mount() -> bool {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let granted = status.lines().find_map(|line| line.strip_prefix("CapEff:")).and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok());
    granted.is_some_and(|mask| mask & (1 << 21) != 0)
}

/// The same as a project that never had trouble.
fn same_as_untroubled(place: &Place, feeds: &Feeds) {
    place.takings(&RUN).ok();
    let other = Place::on(feeds.root());
    other.takings(&RUN).ok();
    place.shows_the_same_as(&other);
}

#[test]
fn a_full_disk_ends_the_run_and_the_next_one_goes_on() {
    let (folder, feeds) = (scratch(), Feeds::awkward(61, 10));
    let Some(disk) = Mount::new(folder.path(), "size=1m") else { return };
    let place = Place::on(feeds.root()).stored_in(folder.path());
    // At three fill levels: each time a bit more is done before there is no room.
    for size in ["1m", "2m", "3m"] {
        disk.again(&format!("size={size}"));
        let ran = place.takings(&RUN).ends_with(1);
        assert!(["No space left on device", "disk is full"].iter().any(|words| ran.err.contains(words)), "{}", ran.err);
        assert!(!ran.err.contains("panicked"), "{}", ran.err);
        // A ledger that is full says which file, and what to do.
        assert!(!ran.err.contains("disk is full") || ran.err.contains("ledger.sqlite") && ran.err.contains("make room"), "{}", ran.err);
    }
    disk.again("size=256m");
    same_as_untroubled(&place, &feeds);
}

#[test]
fn a_read_only_store_ends_the_run_and_the_next_one_goes_on() {
    let (folder, feeds) = (scratch(), Feeds::awkward(62, 10));
    let Some(disk) = Mount::new(folder.path(), "size=256m") else { return };
    let place = Place::on(feeds.root());
    let ledger = place.ledger().to_string_lossy().into_owned();
    let place = place.stored_in(folder.path()).variable("TAKINGS_LEDGER__URL", &ledger);
    // Where a store can't even be made, its place is wrong; nothing is left behind.
    disk.again("ro");
    let ran = place.takings(&RUN);
    assert!(matches!(ran.code, Some(1 | 2)) && !ran.err.contains("panicked"), "{:?} {}", ran.code, ran.err);
    ran.says(&["error", "Read-only file system", "data"]);
    disk.again("rw");
    place.takings(&RUN).ok();
    // Later, with everything in place: queries still work, a run with something to write does not.
    disk.again("ro");
    place.takings(&["run", "weekly", "--at", "2026-03-16"]).ends_with(1).says(&["error", "Read-only file system"]);
    assert!(place.rows("select count(*) as n from fct_usage")[1][0] != "0");
    disk.again("rw");
    same_as_untroubled(&place, &feeds);
}

/// As somebody whom the rights on files bind, root included.
const BOUND: [&str; 2] = ["setpriv", "--bounding-set=-dac_override,-dac_read_search"];

/// Files and folders of a tree that nobody may write, or may write again.
fn may_write(tree: &Path, allowed: bool) {
    let status = Command::new("chmod").args(["-R", if allowed { "u+w" } else { "a-w" }]).arg(tree).status().unwrap();
    assert!(status.success());
}

#[test]
fn what_may_not_be_written_or_read_is_named_and_the_next_run_goes_on() {
    let feeds = Feeds::awkward(66, 10);
    let place = Place::on(feeds.root());
    let probe = scratch();
    may_write(probe.path(), false);
    let mut touch = Command::new("touch");
    if through(&BOUND, touch.arg(probe.path().join("x"))).status().map_or(true, |status| status.success()) {
        return eprintln!("\nNOT RUN: rights on files don't bind this process (setpriv is missing or not allowed)\n");
    }
    let bound = |arguments: &[&str]| Ran::new(arguments, through(&BOUND, &place.command(arguments)).output().unwrap());
    // In the order in which a run comes to them: each time it gets a bit further.
    for part in ["landing", "lake", "bi", "reports"] {
        std::fs::create_dir_all(place.store(part)).unwrap();
        may_write(&place.store(part), false);
        let ran = bound(&RUN);
        may_write(&place.store(part), true);
        assert!(matches!(ran.code, Some(1 | 2)) && !ran.err.contains("panicked"), "{part}: {:?} {}", ran.code, ran.err);
        ran.says(&["Permission denied", &format!("/data/{part}/"), "check the rights on it and on its folder"]);
    }
    let state = place.ledger().parent().unwrap();
    may_write(state, false);
    let ran = bound(&RUN);
    may_write(state, true);
    assert!(matches!(ran.code, Some(1 | 2)), "{:?}", ran.code);
    ran.says(&["ledger.sqlite", "check the path and its rights"]);

    same_as_untroubled(&place, &feeds);

    let place = Place::on(feeds.root());
    let feed = feeds.path(BILLING);
    let mode = |mode: &str| assert!(Command::new("chmod").arg(mode).arg(&feed).status().unwrap().success());
    mode("000");
    let ran = Ran::new(&RUN, through(&BOUND, &place.command(&RUN)).output().unwrap());
    ran.ends_with(1).says(&["Permission denied", feed.file_name().unwrap().to_str().unwrap()]);
    mode("644");
    same_as_untroubled(&place, &feeds);
}

#[test]
fn too_little_memory_ends_the_run_in_words_and_more_of_it_mends_it() {
    let feeds = Feeds::awkward(65, 10);
    let mut place = Place::on(feeds.root()).variable("TAKINGS_ENGINE__MEMORY", "1 MiB");
    let ran = place.takings(&RUN).ends_with(1).says(&["error: ", "the memory limit is reached", "of 1 MiB", "raise engine.memory"]);
    assert!(!ran.err.contains("panicked"), "{}", ran.err);
    assert!(!place.store("reports").exists() && !place.store("bi").exists(), "something of it is shown");
    place.set("TAKINGS_ENGINE__MEMORY", "64 MiB");
    same_as_untroubled(&place, &feeds);
}

#[test]
fn a_store_that_is_a_file_is_named() {
    let (folder, feeds) = (scratch(), Feeds::awkward(63, 5));
    std::fs::write(folder.path().join("data"), "not a folder").unwrap();
    let place = Place::on(feeds.root()).stored_in(folder.path());
    let ran = place.takings(&RUN);
    assert!(matches!(ran.code, Some(1 | 2)), "{:?}", ran.code);
    ran.says(&["error", "data"]);
}

#[test]
fn a_ledger_refuses_another_store() {
    let feeds = Feeds::awkward(64, 5);
    let first = Place::on(feeds.root());
    first.takings(&["run", "weekly", "--at", "2026-03-16"]).ok();
    let other = Place::on(feeds.root()).variable("TAKINGS_LEDGER__URL", &first.ledger().to_string_lossy());
    let ran = other.takings(&["run", "weekly", "--at", "2026-03-16"]);
    assert!(matches!(ran.code, Some(1 | 2)), "{:?}", ran.code);
    ran.says(&["error", "ledger", "store"]);
    assert!(!other.store("reports").exists());
}
