//! Digest of the sources of a package; `build.rs` compiles this file too.

use std::fs;
use std::path::{Path, PathBuf};

/// Everything that decides what a bench executes, fixtures included.
pub(crate) const SOURCES: [&str; 7] =
    ["src", "benches", "fixtures", ".cargo", "build.rs", "Cargo.toml", "Cargo.lock"];

/// The file by which cargo marks a folder that it builds into: no source lies in there.
pub(crate) const BUILT: &str = "CACHEDIR.TAG";

/// FNV-1a over names and contents, in order of name, as 16 hexadecimal digits.
///
/// A file that cannot be read counts as empty.
pub(crate) fn digest(root: &Path) -> String {
    let mut files = Vec::new();
    SOURCES.iter().for_each(|name| collect(&root.join(name), &mut files));
    files.sort();
    let mut hash = 0xcbf2_9ce4_8422_2325_u64;
    for file in files {
        let name = file.strip_prefix(root).unwrap_or(&file).to_string_lossy().replace('\\', "/");
        for byte in name.bytes().chain(fs::read(&file).unwrap_or_default()) {
            hash = (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3);
        }
    }
    format!("{hash:016x}")
}

fn collect(path: &Path, files: &mut Vec<PathBuf>) {
    if path.join(BUILT).exists() {
        return;
    }
    if let Ok(entries) = fs::read_dir(path) {
        entries.flatten().for_each(|entry| collect(&entry.path(), files));
    } else if path.is_file() {
        files.push(path.to_owned());
    }
}
