//! Files of a former run into the same folder, of models or pictures that are gone.
//!
//! They are those that its summary lists under [`HEAD`] and that a run may write; nothing else is ever
//! removed, and a folder only if that leaves it empty.

use std::path::{Path, PathBuf};
use std::{fs, io};

use super::Error;
use super::names::{self, HEAD, PICTURES, PROFILE, SCALING};

/// The files that the summary in a folder lists, as far as a run may leave them out; none if there is
/// no summary.
pub(super) fn listed(summary: &Path) -> Vec<String> {
    let text = fs::read_to_string(summary).unwrap_or_default();
    let lines = text.lines().skip_while(|line| *line != HEAD);
    let names = lines.filter_map(names::listed);
    names.filter(|name| is_of_some_runs(name)).map(str::to_owned).collect()
}

/// Whether a run writes such a file, and another may not.
fn is_of_some_runs(name: &str) -> bool {
    match name.split_once('/') {
        None => name == SCALING || PICTURES.contains(&name),
        Some((model, file)) => {
            let kind = model.split('-').next();
            file == PROFILE && matches!(kind, Some("MVAR" | "LSTM"))
        }
    }
}

/// Removes what is `listed` and not written now; returns what was there.
///
/// # Errors
///
/// If a file cannot be removed.
pub(super) fn remove(
    folder: &Path,
    listed: &[String],
    now: &[(String, Vec<u8>)],
) -> Result<Vec<PathBuf>, Error> {
    let mut removed = Vec::new();
    for name in listed.iter().filter(|name| now.iter().all(|(own, _)| own != *name)) {
        let path = folder.join(name);
        match fs::remove_file(&path) {
            Ok(()) => {}
            Err(why) if why.kind() == io::ErrorKind::NotFound => continue,
            Err(source) => return Err(Error::Io { path, source }),
        }
        if let Some(own) = path.parent().filter(|own| *own != folder) {
            // A folder with files of others stays.
            let _ = fs::remove_dir(own);
        }
        removed.push(path);
    }
    Ok(removed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_removed_that_no_run_writes_or_no_summary_lists() {
        let dir = tempfile::tempdir().unwrap();
        let folder = dir.path().join("to");
        let ours = ["MVAR-a/runtime_profile.json", "LSTM/runtime_profile.json", PICTURES[0]];
        let others = [
            "../outside.png",
            "MVAR/../mine/runtime_profile.json",
            "MVAR-a/mvar_model.npz",
            "mine/runtime_profile.json",
            "mine.png",
        ];
        for name in ours.iter().chain(&others).chain(&["MVAR-b/runtime_profile.json"]) {
            let path = folder.join(name.replace("MVAR/../", ""));
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, "x").unwrap();
        }
        let summary = folder.join("runtime_summary.md");
        assert_eq!(listed(&summary), [""; 0], "there is none");
        let lines = ours.iter().chain(&others).map(|name| names::line(name) + "\n");
        let head = format!("{}\n{HEAD}\n\n", names::line("LSTM-c/runtime_profile.json"));
        fs::write(&summary, head + &lines.collect::<String>()).unwrap();
        let listed = listed(&summary);
        assert_eq!(listed, ours, "listed");
        let now = [(ours[1].to_owned(), Vec::new())];
        let removed = remove(&folder, &listed, &now).unwrap();
        assert_eq!(removed, [ours[0], ours[2]].map(|name| folder.join(name)), "removed");
        assert_eq!(remove(&folder, &listed, &now).unwrap(), [""; 0].map(PathBuf::from), "again");
        let stays = |name: &str| folder.join(name).exists();
        assert!(stays("MVAR-a/mvar_model.npz") && stays("MVAR-b/runtime_profile.json"), "MVAR");
        assert!(stays("mine/runtime_profile.json") && stays("mine.png"), "of others");
        assert!(stays("../outside.png") && stays(ours[1]), "outside, and written now");
        let now = [];
        remove(&folder, &listed, &now).unwrap();
        assert!(!stays("LSTM"), "the folder is empty");
    }
}
