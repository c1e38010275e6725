//! Files of other runs in the same folder: of models, pictures or sizes that this run has not.
//!
//! They stay, since nobody else knows what they are worth, and are named, since nothing in them says
//! that they belong to another run.

use std::fs;
use std::path::{Path, PathBuf};

use super::names::{PICTURES, PROFILE, SCALING};

/// The files in `folder` that a run writes and this one, which writes `now`, did not.
pub(super) fn left(folder: &Path, now: &[(String, Vec<u8>)]) -> Vec<PathBuf> {
    // A folder that cannot be read was none to write to.
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let names = entries.filter_map(|entry| entry.file_name().into_string().ok());
    let files = names.filter_map(|name| match name.split('-').next() {
        Some("MVAR" | "LSTM") => Some(format!("{name}/{PROFILE}")),
        _ => (name == SCALING || PICTURES.contains(&&*name)).then_some(name),
    });
    let others = files.filter(|name| now.iter().all(|(own, _)| own != name));
    let mut left: Vec<_> =
        others.map(|name| folder.join(name)).filter(|path| path.is_file()).collect();
    left.sort();
    left
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_files_of_other_runs_are_named() {
        let dir = tempfile::tempdir().unwrap();
        assert_eq!(left(&dir.path().join("none"), &[]), [""; 0].map(PathBuf::from), "no folder");
        let of_runs = ["LSTM/runtime_profile.json", "MVAR-a/runtime_profile.json", PICTURES[0]];
        let others = ["MVAR/mvar_model.npz", "mine/runtime_profile.json", "mine.png"];
        for name in of_runs.iter().chain(&others) {
            let path = dir.path().join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, "x").unwrap();
        }
        let now = [(of_runs[1].to_owned(), Vec::new())];
        let want = [of_runs[0], of_runs[2]].map(|name| dir.path().join(name));
        assert_eq!(left(dir.path(), &now), want, "of other runs");
    }
}
