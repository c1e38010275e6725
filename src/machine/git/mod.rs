//! Git: the only place that runs it.
//!
//! | | |
//! | --- | --- |
//! | [`revision`] | the commit that is checked out, and whether the tree differs from it |
//! | `worktree` | the commit that a revision names, its files, and a worktree of its own |
//! | `snapshot` | a commit or a working tree, submodules included, and its files in another folder |
//! | `log` | the commits that changed a folder, and its files as they were |

pub(crate) mod log;
pub(crate) mod snapshot;
pub mod worktree;

use std::path::Path;
use std::process::Command;

pub use log::Revision;

/// The commit checked out around the folder `baselines`, and whether the tree differs from it
/// anywhere else; `None` outside git.
///
/// Baselines are no part of what is measured, and are written one after another. The folder need
/// not exist yet.
pub fn revision(baselines: &Path) -> Option<(String, bool)> {
    let baselines = std::path::absolute(baselines).ok()?;
    let around = baselines.ancestors().find(|folder| folder.is_dir())?;
    let git = |args: &[&str]| {
        let out = git(around).args(args).output().ok()?;
        out.status.success().then(|| String::from_utf8_lossy(&out.stdout).trim().to_owned())
    };
    let commit = git(&["rev-parse", "HEAD"])?;
    let inside = baselines.strip_prefix(around).ok()?.join(".");
    let except = format!(":(exclude,literal){}", inside.display());
    let changes = git(&["status", "--porcelain", "--", ":/", &except]);
    Some((commit, changes.is_none_or(|changes| !changes.is_empty())))
}

/// Why git refuses the repository around `folder`, if it does although there is one.
pub fn refusal(folder: &Path) -> Option<worktree::Error> {
    let folder = std::path::absolute(folder).ok()?;
    let around = folder.ancestors().find(|folder| folder.is_dir())?;
    worktree::Repository::of(around)
        .err()
        .filter(|why| matches!(why, worktree::Error::Dubious { .. }))
}

/// Git, in a folder.
fn git(folder: &Path) -> Command {
    let mut git = Command::new("git");
    // Its output is searched for words.
    git.current_dir(folder).env("LC_ALL", "C");
    // Git sets them where it runs a hook, and there they may name another worktree.
    for name in [
        "GIT_DIR",
        "GIT_COMMON_DIR",
        "GIT_WORK_TREE",
        "GIT_INDEX_FILE",
        "GIT_PREFIX",
        "GIT_OBJECT_DIRECTORY",
        "GIT_ALTERNATE_OBJECT_DIRECTORIES",
        "GIT_LITERAL_PATHSPECS",
    ] {
        git.env_remove(name);
    }
    git
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    #[test]
    fn a_tree_is_dirty_by_any_change_but_of_its_baselines() {
        let dir = tempfile::tempdir().unwrap();
        let at = |path: &str| dir.path().join(path);
        let git = |args: &str| {
            let mut git = Command::new("git");
            git.current_dir(&dir).args(["-c", "user.name=t", "-c", "user.email=t@localhost"]);
            // A hook's variables name the repository that the hook belongs to.
            git.env_remove("GIT_DIR").env_remove("GIT_INDEX_FILE").env_remove("GIT_WORK_TREE");
            assert!(git.args(args.split(' ')).output().unwrap().status.success(), "git {args}");
        };
        let dirty = || revision(&at("crate/baselines")).unwrap().1;
        assert_eq!(revision(&at("crate/baselines")), None, "outside git");
        git("init --quiet");
        assert_eq!(revision(&at("crate/baselines")), None, "no commit");
        git("commit --quiet --allow-empty --message first");
        assert!(!dirty(), "neither the folder nor its parent exists");
        fs::create_dir_all(at("crate/baselines/machine")).unwrap();
        fs::write(at("crate/baselines/machine/wall.json"), "1").unwrap();
        assert!(!dirty(), "a new baseline");
        git("add .");
        git("commit --quiet --message second");
        fs::write(at("crate/baselines/machine/wall.json"), "2").unwrap();
        assert!(!dirty(), "another baseline");
        for file in ["README.md", "crate/baselines.rs"] {
            fs::write(at(file), "x").unwrap();
            assert!(dirty(), "{file}, outside the folder");
            fs::remove_file(at(file)).unwrap();
        }
        assert_eq!(revision(&at("crate/baselines")).unwrap().0.len(), 40, "commit");
    }
}
