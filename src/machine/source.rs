//! Digest of the sources of a package; `build.rs` compiles this file too.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Component, Path, PathBuf};

/// What every package has that decides what a bench executes, fixtures included.
pub(crate) const SOURCES: [&str; 7] =
    ["src", "benches", "fixtures", ".cargo", "build.rs", "Cargo.toml", "Cargo.lock"];

/// The file by which cargo marks a folder that it builds into: no source lies in there.
pub(crate) const BUILT: &str = "CACHEDIR.TAG";

/// Files of these kinds count only where they are compiled in.
const TEXTS: [&str; 2] = ["md", "py"];

/// How a source names another file that is compiled with it.
const NAMING: [&str; 4] = ["include!(", "include_str!(", "include_bytes!(", "#[path ="];

/// FNV-1a over names, lengths and contents of [`files`], in order of name, as 16 hexadecimal digits.
///
/// A file that cannot be read counts as empty.
pub(crate) fn digest(root: &Path, targets: &[PathBuf], compiled: &[PathBuf]) -> String {
    let files = files(root, targets, compiled);
    let named = files.iter().flat_map(|file| {
        let name = name(file, root).to_string_lossy().replace('\\', "/");
        let content = fs::read(file).unwrap_or_default();
        [format!("{name}\n{}\n", content.len()).into_bytes(), content].concat()
    });
    digest_of(named)
}

/// FNV-1a, as 16 hexadecimal digits.
pub(crate) fn digest_of(bytes: impl IntoIterator<Item = u8>) -> String {
    let mut hash = 0xcbf2_9ce4_8422_2325_u64;
    for byte in bytes {
        hash = (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3);
    }
    format!("{hash:016x}")
}

/// The sources of a package: [`SOURCES`], the folders of its targets, whose first files are
/// `targets`, and what these name in turn; and the files `compiled`, which a compiler read.
pub(crate) fn files(root: &Path, targets: &[PathBuf], compiled: &[PathBuf]) -> BTreeSet<PathBuf> {
    let mut files = BTreeSet::new();
    SOURCES.iter().for_each(|name| collect(&root.join(name), false, &mut files));
    for folder in targets.iter().filter_map(|file| file.parent()) {
        // A package or more lies around it, with whatever else it has.
        collect(folder, root.starts_with(folder), &mut files);
    }
    files.retain(|file| !TEXTS.iter().any(|end| file.extension().is_some_and(|of| of == *end)));
    let mut open: Vec<PathBuf> = files.iter().cloned().collect();
    let compiled = compiled.iter().map(|file| plain(file));
    open.extend(compiled.filter(|file| file.is_file() && !is_built(file)));
    files.extend(open.iter().cloned());
    while let Some(file) = open.pop() {
        for file in named(&file) {
            if files.insert(file.clone()) {
                open.push(file);
            }
        }
    }
    files
}

/// Whether a file lies in a folder that cargo builds into.
fn is_built(file: &Path) -> bool {
    file.ancestors().skip(1).any(|folder| folder.join(BUILT).exists())
}

/// Collects the files of a folder; where that is the folder of a package, only those in Rust, and of
/// no other package.
fn collect(path: &Path, of_package: bool, files: &mut BTreeSet<PathBuf>) {
    if path.join(BUILT).exists() {
        return;
    }
    if let Ok(entries) = fs::read_dir(path) {
        for path in entries.flatten().map(|entry| entry.path()) {
            let is_rust = path.extension().is_some_and(|end| end == "rs");
            if !of_package || !path.is_dir() && is_rust || is_module(&path) {
                collect(&path, of_package, files);
            }
        }
    } else if path.is_file() {
        files.insert(path.to_owned());
    }
}

/// Whether a folder of a package may hold modules of a target beside it.
fn is_module(path: &Path) -> bool {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let others = ["tests", "examples"].contains(&&*name) || name.starts_with('.');
    path.is_dir() && !others && !path.join("Cargo.toml").exists()
}

/// The files that a source in Rust names as part of it, by a literal; its own tests name others.
fn named(file: &Path) -> Vec<PathBuf> {
    if file.extension().is_none_or(|end| end != "rs") {
        return Vec::new();
    }
    let text = fs::read_to_string(file).unwrap_or_default();
    let text = text.split("\n#[cfg(test)]\nmod tests {").next().unwrap_or_default();
    let folder = file.parent().unwrap_or(Path::new(""));
    let mut all = Vec::new();
    for naming in NAMING {
        for rest in text.split(naming).skip(1) {
            let literal = rest.trim_start().strip_prefix('"').and_then(|rest| rest.split_once('"'));
            all.extend(literal.map(|(path, _)| plain(&folder.join(path))));
        }
    }
    all.retain(|path| path.is_file() && !is_built(path));
    all
}

/// A path without what leads back, as far as it has the folders for that.
pub(crate) fn plain(path: &Path) -> PathBuf {
    let mut plain = PathBuf::new();
    for part in path.components() {
        let back = part == Component::ParentDir;
        if back && matches!(plain.components().next_back(), Some(Component::Normal(_))) {
            plain.pop();
        } else if part != Component::CurDir || plain.as_os_str().is_empty() {
            plain.push(part);
        }
    }
    plain
}

/// The name of a file from `root`, also where it lies beside that.
fn name(file: &Path, root: &Path) -> PathBuf {
    let mut name = PathBuf::new();
    for folder in root.ancestors() {
        if let Ok(inside) = file.strip_prefix(folder) {
            return name.join(inside);
        }
        name.push("..");
    }
    file.to_owned()
}
