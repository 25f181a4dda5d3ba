//! Puts the repository's `config`, `jobs` and `sql` into the binary, for `takings init`.
//!
//! The texts themselves are written, not their paths: checkouts may share a target folder.

use std::path::{Path, PathBuf};
use std::{env, fs, io};

fn main() -> io::Result<()> {
    let root = PathBuf::from(env::var_os("CARGO_MANIFEST_DIR").unwrap_or_default()).join("../..");
    let mut files = Vec::new();
    for folder in ["config", "jobs", "sql"] {
        println!("cargo::rerun-if-changed={}", root.join(folder).display());
        collect(&root, Path::new(folder), &mut files)?;
    }
    files.sort();
    let entries: String = files.iter().map(|(path, text)| format!("({path:?}, {text:?}),\n")).collect();
    let out = PathBuf::from(env::var_os("OUT_DIR").unwrap_or_default()).join("shipped.rs");
    fs::write(out, format!("&[\n{entries}]\n"))
}

fn collect(root: &Path, folder: &Path, files: &mut Vec<(String, String)>) -> io::Result<()> {
    for entry in fs::read_dir(root.join(folder))? {
        let entry = entry?;
        let path = folder.join(entry.file_name());
        if entry.file_type()?.is_dir() {
            collect(root, &path, files)?;
        } else {
            let name = path.to_string_lossy().replace('\\', "/");
            let text = fs::read_to_string(root.join(&path)).map_err(|error| io::Error::other(format!("{name}: {error}")))?;
            files.push((name, text));
        }
    }
    Ok(())
}
