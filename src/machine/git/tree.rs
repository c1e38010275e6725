//! The files of a commit, without checking it out.

use std::io;
use std::path::Path;

use super::git;

/// Why git does not give a file.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    /// Git cannot be started.
    #[error("git does not start")]
    NoGit(#[from] io::Error),
    /// Git ends with an error.
    #[error("`git {command}`: {said}")]
    Failed {
        /// Its arguments.
        command: String,
        /// What it printed.
        said: String,
    },
}

/// The files below `path`, or the file of that name, as `commit` holds them: paths as seen from
/// `folder`, each with its text. None if there is no such path.
///
/// # Errors
///
/// If git fails.
pub(crate) fn files(
    folder: &Path,
    commit: &str,
    path: &str,
) -> Result<Vec<(String, String)>, Error> {
    let said = said(folder, &["ls-tree", "-r", "-z", commit, "--", path])?;
    // `<mode> blob <hash>\t<path>`
    let entries = said.split('\0').filter_map(|entry| entry.split_once('\t'));
    let blobs = entries.filter_map(|(about, path)| {
        let hash = about.split(' ').nth(2).filter(|_| about.contains(" blob "))?;
        Some((path.to_owned(), hash))
    });
    blobs.map(|(path, hash)| Ok((path, self::said(folder, &["cat-file", "blob", hash])?))).collect()
}

/// Whether the working tree around a folder is as it was committed.
///
/// # Errors
///
/// If git fails.
pub(crate) fn is_clean(folder: &Path) -> Result<bool, Error> {
    Ok(said(folder, &["status", "--porcelain", "--untracked-files=all", "--", ":/"])?.is_empty())
}

fn said(folder: &Path, args: &[&str]) -> Result<String, Error> {
    let out = git(folder).args(args).output()?;
    if !out.status.success() {
        let said = String::from_utf8_lossy(&out.stderr).trim().to_owned();
        return Err(Error::Failed { command: args.join(" "), said });
    }
    Ok(String::from_utf8_lossy(&out.stdout).into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;
    use std::process::Command;

    #[test]
    fn a_file_is_read_as_a_commit_holds_it_from_within_a_folder() {
        let dir = tempfile::tempdir().unwrap();
        let folder = dir.path().join("kernels");
        let git = |args: &str| {
            let mut git = Command::new("git");
            git.current_dir(&dir).args(["-c", "user.name=t", "-c", "user.email=t@localhost"]);
            git.env_remove("GIT_DIR").env_remove("GIT_INDEX_FILE").env_remove("GIT_WORK_TREE");
            assert!(git.args(args.split(' ')).output().unwrap().status.success(), "git {args}");
        };
        fs::create_dir_all(folder.join("ci/deep")).unwrap();
        fs::write(folder.join("ci/a b.json"), "1").unwrap();
        fs::write(folder.join("ci/deep/c.json"), "2").unwrap();
        git("init --quiet");
        git("add .");
        git("commit --quiet --message first");
        assert!(is_clean(&folder).unwrap(), "as committed");
        fs::write(dir.path().join("new"), "").unwrap();
        assert!(!is_clean(&folder).unwrap(), "a new file, outside the folder");
        fs::write(folder.join("ci/a b.json"), "3").unwrap();
        let of = |path| files(&folder, "HEAD", path).unwrap();
        let file = |path: &str, text: &str| (path.to_owned(), text.to_owned());
        assert_eq!(of("ci/a b.json"), [file("ci/a b.json", "1")], "not as it is now");
        assert_eq!(of("ci"), [file("ci/a b.json", "1"), file("ci/deep/c.json", "2")], "all");
        assert_eq!(of("ci/d.json"), [], "none");
        let err = files(&folder, "no-such-commit", "ci").unwrap_err().to_string();
        assert!(err.contains("git ls-tree") && err.contains("no-such-commit"), "{err}");
    }
}
