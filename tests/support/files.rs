//! Folders as bytes, and where two of them differ.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::SystemTime;

/// Every file below a folder, by its path from there. A folder that is not there has none.
pub fn bytes_under(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut files = BTreeMap::new();
    walk(folder, "", &mut |path, file| {
        files.insert(path, std::fs::read(file).unwrap());
    });
    files
}

/// When each file below a folder was last written.
pub fn times_under(folder: &Path) -> BTreeMap<String, SystemTime> {
    let mut files = BTreeMap::new();
    walk(folder, "", &mut |path, file| {
        files.insert(path, std::fs::metadata(file).unwrap().modified().unwrap());
    });
    files
}

fn walk(folder: &Path, prefix: &str, see: &mut impl FnMut(String, &Path)) {
    let Ok(entries) = std::fs::read_dir(folder) else { return };
    for entry in entries.map(Result::unwrap) {
        let path = format!("{prefix}{}", entry.file_name().to_string_lossy());
        if entry.file_type().unwrap().is_dir() {
            walk(&entry.path(), &format!("{path}/"), see);
        } else {
            see(path, &entry.path());
        }
    }
}

pub fn copy_folder(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    walk(from, "", &mut |path, file| {
        let target = to.join(path);
        std::fs::create_dir_all(target.parent().unwrap()).unwrap();
        std::fs::copy(file, target).unwrap();
    });
}

/// The two folders hold the same files with the same bytes, and at least one.
#[track_caller]
pub fn assert_same(ours: &Path, theirs: &Path) {
    let (left, right) = (bytes_under(ours), bytes_under(theirs));
    assert!(!right.is_empty(), "{} holds no file", theirs.display());
    assert_same_files(&left, &right);
}

#[track_caller]
pub fn assert_same_files(left: &BTreeMap<String, Vec<u8>>, right: &BTreeMap<String, Vec<u8>>) {
    let names: Vec<&String> = left.keys().filter(|name| !right.contains_key(*name)).collect();
    assert!(names.is_empty(), "only in the first: {names:?}");
    let names: Vec<&String> = right.keys().filter(|name| !left.contains_key(*name)).collect();
    assert!(names.is_empty(), "only in the second: {names:?}");
    let differing: Vec<&String> = left.iter().filter(|(name, bytes)| right[*name] != **bytes).map(|(name, _)| name).collect();
    if let Some(first) = differing.first() {
        panic!("{} files differ, among them {first}:\n{}", differing.len(), first_difference(&left[*first], &right[*first]));
    }
}

/// The first line that differs.
pub fn first_difference(left: &[u8], right: &[u8]) -> String {
    let (left, right) = (String::from_utf8_lossy(left), String::from_utf8_lossy(right));
    let at = left.lines().zip(right.lines()).position(|(left, right)| left != right).unwrap_or_else(|| left.lines().count().min(right.lines().count()));
    let show = |text: &str| text.lines().nth(at).map_or("(ends)".to_owned(), |line| line.chars().take(400).collect());
    format!("line {}\n  first:  {}\n  second: {}", at + 1, show(&left), show(&right))
}
