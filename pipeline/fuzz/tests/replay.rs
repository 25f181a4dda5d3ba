//! Every input that fuzzing has kept, replayed: what was mended stays so, and each corpus still gets to values.

use std::path::Path;

use takings_fuzz::TARGETS;

/// What all corpora may come to.
const LARGEST: u64 = 200_000;

#[test]
fn the_corpora_hold() {
    let package = std::env::var_os("CARGO_MANIFEST_DIR").unwrap_or_else(|| env!("CARGO_MANIFEST_DIR").into());
    let mut size = 0;
    for (name, target) in TARGETS {
        let folder = Path::new(&package).join("corpus").join(name);
        let files = std::fs::read_dir(&folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
        let mut files: Vec<_> = files.map(|entry| entry.unwrap().path()).collect();
        files.sort();
        let mut taken = 0;
        for file in &files {
            let bytes = std::fs::read(file).unwrap();
            size += bytes.len() as u64;
            // The last line of a failed test says which input it was.
            println!("{}", file.display());
            taken += usize::from(target(&bytes));
        }
        assert!(taken > 0, "none of the {} inputs of {name} gets as far as a value", files.len());
    }
    assert!(size < LARGEST, "the corpora have {size} bytes: make them smaller with `cargo run -p xtask -- fuzz TARGET --minimize`");
}
