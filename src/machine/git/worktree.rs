//! The repository: which commit a revision is, and a worktree of its own that sources are laid out
//! in.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::{fs, io};

use crate::machine::source::BUILT;

/// Why there is no source of the old build.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// There is no git.
    #[error("git does not start; install it, or compare executables with --exe OLD --exe NEW")]
    Missing(#[source] io::Error),
    /// There is no repository.
    #[error("{}: not in a git repository: {said}", folder.display())]
    NoRepository {
        /// The folder of the package.
        folder: PathBuf,
        /// What git says.
        said: String,
    },
    /// The repository belongs to another user.
    #[error(
        "git refuses {}, which belongs to another user; if you trust it, run \
         `git config --global --add safe.directory {}`", folder.display(), folder.display()
    )]
    Dubious {
        /// The folder of the package.
        folder: PathBuf,
    },
    /// There is no such commit.
    #[error("`{revision}` is no revision of this repository; `git fetch` may bring it")]
    Unknown {
        /// What was asked for.
        revision: String,
    },
    /// There is no such commit in a clone that lacks most of them.
    #[error(
        "`{revision}` is not in this shallow clone; run `git fetch --unshallow`, or check out with \
         `fetch-depth: 0`"
    )]
    Shallow {
        /// What was asked for.
        revision: String,
    },
    /// The commits between two are not in a clone that lacks most of them.
    #[error(
        "this shallow clone lacks the commit at which `{revision}` and HEAD parted; run \
         `git fetch --unshallow`, or check out with `fetch-depth: 0`"
    )]
    Parted {
        /// What was asked for.
        revision: String,
    },
    /// A submodule lacks the commit that it shall be at.
    #[error(
        "the submodule {} lacks commit {commit}, which {of} names; run \
         `git -C {} fetch origin {commit}`", path.display(), path.display()
    )]
    Submodule {
        /// Its folder.
        path: PathBuf,
        /// The commit.
        commit: String,
        /// The commit around it.
        of: String,
    },
    /// Two commits have no ancestor in common.
    #[error("`{revision}` and HEAD have no commit in common")]
    Unrelated {
        /// What was asked for.
        revision: String,
    },
    /// Git refuses.
    #[error("`git {command}`: {said}")]
    Failed {
        /// Its arguments.
        command: String,
        /// What it says.
        said: String,
    },
    /// The worktree cannot be made way for.
    #[error("{}", path.display())]
    Io {
        /// The folder.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
}

/// A repository, and where in it a package lies.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Repository {
    /// The root of the working tree.
    top: PathBuf,
    /// The folder of the package, from there.
    prefix: PathBuf,
}

impl Repository {
    /// The repository of a package.
    pub(crate) fn of(package: &Path) -> Result<Self, Error> {
        let folder = package.to_owned();
        let said = git(package, ["rev-parse", "--show-toplevel", "--show-prefix"])?;
        let said = said.map_err(|said| match said {
            said if said.contains("dubious ownership") => Error::Dubious { folder },
            said => Error::NoRepository { folder, said },
        })?;
        // Of the root itself, the second line is empty.
        let (top, prefix) = said.split_once('\n').unwrap_or((&said, ""));
        Ok(Self { top: top.into(), prefix: prefix.trim_end().into() })
    }

    /// The root of the working tree.
    pub(crate) fn top(&self) -> &Path {
        &self.top
    }

    /// The folder of the package, from the root.
    pub(crate) fn prefix(&self) -> &Path {
        &self.prefix
    }

    /// The commit that `revision` names.
    pub(crate) fn commit(&self, revision: &str) -> Result<String, Error> {
        let parse = |what: &str| {
            git(&self.top, ["rev-parse", "--verify", "--quiet", "--end-of-options", what])
        };
        // In two steps: what follows `:/` is text to its end.
        let commit = match parse(revision)? {
            Ok(object) => parse(&format!("{object}^{{commit}}"))?,
            refused => refused,
        };
        commit.or_else(|_| {
            let revision = revision.to_owned();
            let is_shallow = self.is_shallow()?;
            Err(if is_shallow { Error::Shallow { revision } } else { Error::Unknown { revision } })
        })
    }

    /// The last commit that `revision` and the checked-out one have in common.
    pub(crate) fn merge_base(&self, revision: &str) -> Result<String, Error> {
        let commit = self.commit(revision)?;
        git(&self.top, ["merge-base", &commit, "HEAD"])?.or_else(|_| {
            let revision = revision.to_owned();
            let is_shallow = self.is_shallow()?;
            Err(if is_shallow { Error::Parted { revision } } else { Error::Unrelated { revision } })
        })
    }

    fn is_shallow(&self) -> Result<bool, Error> {
        let said = git(&self.top, ["rev-parse", "--is-shallow-repository"])?;
        Ok(said.is_ok_and(|said| said == "true"))
    }

    /// The roots of all working trees of the repository.
    pub(crate) fn places(&self) -> Result<Vec<PathBuf>, Error> {
        let said = ran(&self.top, ["worktree", "list", "--porcelain", "-z"])?;
        let places = said.split('\0').filter_map(|line| line.strip_prefix("worktree "));
        Ok(places.map(PathBuf::from).collect())
    }

    /// The files of at least `len_bytes` that are neither committed nor ignored, with their sizes.
    pub(crate) fn large_untracked(&self, len_bytes: u64) -> Result<Vec<(PathBuf, u64)>, Error> {
        let sized = Untracked::of(&self.top)?.files.into_iter().filter_map(|path| {
            let len = fs::symlink_metadata(self.top.join(&path)).ok()?.len();
            Some((path, len))
        });
        Ok(sized.filter(|(_, len)| *len >= len_bytes).collect())
    }

    /// Makes `folder` a worktree of the repository whose `HEAD` is `commit`; which files are in it
    /// is another matter.
    pub(crate) fn link(&self, folder: &Path, commit: &str) -> Result<(), Error> {
        // A git that was killed leaves locks behind.
        if self.is_linked(folder)? && Self::set_head(folder, commit).is_ok() {
            return Ok(());
        }
        remove(folder)?;
        let args = ["worktree", "add", "--force", "--no-checkout", "--detach"].map(OsStr::new);
        ran(&self.top, args.into_iter().chain([folder.as_os_str(), commit.as_ref()]))?;
        Self::set_head(folder, commit)
    }

    fn set_head(folder: &Path, commit: &str) -> Result<(), Error> {
        let quiet = ["-c", "core.logAllRefUpdates=false"];
        ran(folder, quiet.into_iter().chain(["update-ref", "--no-deref", "HEAD", commit]))?;
        // What collects garbage reads it, and knows only objects of the repository.
        ran(folder, ["read-tree", commit]).map(drop)
    }

    /// Whether the folder is a worktree of this repository, and not just within one.
    fn is_linked(&self, folder: &Path) -> Result<bool, Error> {
        let of = |folder: &Path| {
            let args = ["--path-format=absolute", "--git-common-dir", "--show-prefix"];
            git(folder, ["rev-parse"].into_iter().chain(args))
        };
        let is_root = folder.join(".git").is_file();
        Ok(is_root
            && match (of(folder)?, of(&self.top)?) {
                (Ok(theirs), Ok(ours)) => theirs == ours,
                _ => false,
            })
    }

    /// The folder of the package.
    pub(crate) fn package(&self) -> PathBuf {
        self.top.join(&self.prefix)
    }

    /// The files below `path`, or the file of that name, as `commit` holds them: paths as seen from
    /// the package, each with its text but for blanks at its end. None if there is no such path.
    pub(crate) fn files(&self, commit: &str, path: &str) -> Result<Vec<(String, String)>, Error> {
        let package = self.package();
        let said = ran(&package, ["ls-tree", "-r", "-z", commit, "--", path])?;
        // `<mode> blob <hash>\t<path>`
        let entries = said.split('\0').filter_map(|entry| entry.split_once('\t'));
        let blobs = entries.filter_map(|(about, path)| {
            let hash = about.split(' ').nth(2).filter(|_| about.contains(" blob "))?;
            Some((path.to_owned(), hash))
        });
        blobs.map(|(path, hash)| Ok((path, ran(&package, ["cat-file", "blob", hash])?))).collect()
    }

    /// Whether the working tree is as it was committed.
    pub(crate) fn is_clean(&self) -> Result<bool, Error> {
        let of = ["status", "--porcelain", "--untracked-files=all", "--", ":/"];
        Ok(ran(&self.top, of)?.is_empty())
    }
}

/// What is neither committed nor ignored in a working tree, from its root.
#[derive(Debug, Default)]
pub(super) struct Untracked {
    pub(super) files: Vec<PathBuf>,
    /// Folders that cargo builds into: what lies in there is no source.
    pub(super) built: Vec<PathBuf>,
    /// Repositories within this one that are no submodules: git would note their commit alone.
    pub(super) nested: Vec<PathBuf>,
}

impl Untracked {
    pub(super) fn of(work: &Path) -> Result<Self, Error> {
        let said = ran(work, ["ls-files", "--others", "--exclude-standard", "-z", "--", ":/"])?;
        let mut new = Self::default();
        for path in said.split('\0').filter(|path| !path.is_empty()) {
            match path.strip_suffix('/') {
                Some(nested) => new.nested.push(nested.into()),
                None => new.files.push(path.into()),
            }
        }
        let mark = |path: &&PathBuf| path.file_name().is_some_and(|name| name == BUILT);
        let built = new.files.iter().filter(mark).filter_map(|path| path.parent());
        new.built = built.map(Path::to_owned).collect();
        let is_within = |path: &PathBuf, built: &[PathBuf]| {
            built.iter().any(|folder| path != folder && path.starts_with(folder))
        };
        let all = new.built.clone();
        for paths in [&mut new.files, &mut new.built, &mut new.nested] {
            paths.retain(|path| !is_within(path, &all));
        }
        Ok(new)
    }
}

/// Removes what is at `path`, if anything.
pub(super) fn remove(path: &Path) -> Result<(), Error> {
    let removed = if fs::symlink_metadata(path).is_ok_and(|at| at.is_dir()) {
        fs::remove_dir_all(path)
    } else {
        fs::remove_file(path)
    };
    match removed {
        Err(source) if source.kind() != io::ErrorKind::NotFound => {
            Err(Error::Io { path: path.to_owned(), source })
        }
        _ => Ok(()),
    }
}

/// What git prints in `folder`, where it must not complain.
pub(super) fn ran<S: AsRef<OsStr>>(
    folder: &Path,
    args: impl IntoIterator<Item = S>,
) -> Result<String, Error> {
    done(command(folder).args(args))
}

/// What a command prints, which must not complain.
pub(super) fn done(command: &mut Command) -> Result<String, Error> {
    said(command)?.map_err(|said| {
        let places = ["--git-dir", "--work-tree"];
        let mut args: Vec<_> = command.get_args().skip(SETTINGS.len()).collect();
        while args.first().is_some_and(|arg| places.iter().any(|place| arg == place)) {
            args.drain(..2);
        }
        let command = args.join(OsStr::new(" ")).to_string_lossy().into_owned();
        Error::Failed { command, said }
    })
}

/// What git prints in `folder`; the inner error is what it complains of.
pub(super) fn git<S: AsRef<OsStr>>(
    folder: &Path,
    args: impl IntoIterator<Item = S>,
) -> Result<Result<String, String>, Error> {
    said(command(folder).args(args))
}

/// A hook of the user is not for these worktrees, and nothing but the files says what changed.
const SETTINGS: [&str; 10] = [
    "-c",
    "core.hooksPath=/dev/null",
    "-c",
    "core.fsmonitor=false",
    "-c",
    "core.ignoreStat=false",
    "-c",
    "core.sparseCheckout=false",
    "-c",
    "advice.addEmbeddedRepo=false",
];

pub(super) fn command(folder: &Path) -> Command {
    let mut git = super::git(folder);
    git.args(SETTINGS);
    git
}

fn said(command: &mut Command) -> Result<Result<String, String>, Error> {
    let out = command.output().map_err(Error::Missing)?;
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).trim_end().to_owned();
    Ok(if out.status.success() { Ok(text(&out.stdout)) } else { Err(why(&text(&out.stderr))) })
}

/// The line of a complaint that says why; git tells first what it is about to do.
fn why(said: &str) -> String {
    let of = |head: &str| said.lines().find(|line| line.starts_with(head));
    let line = of("fatal:").or_else(|| of("error:")).or_else(|| said.lines().last());
    line.unwrap_or("it says nothing").to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_reason_of_a_complaint_is_its_fatal_line() {
        let said =
            "Preparing worktree (detached HEAD 1)\nerror: x\nfatal: invalid reference: 1\nhint";
        assert_eq!(why(said), "fatal: invalid reference: 1", "fatal");
        assert_eq!(why("warning: w\nerror: unable to write\n"), "error: unable to write", "error");
        assert_eq!(why("a\nb"), "b", "neither");
    }

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
        let repository = Repository::of(&folder).unwrap();
        assert!(repository.is_clean().unwrap(), "as committed");
        fs::write(dir.path().join("new"), "").unwrap();
        assert!(!repository.is_clean().unwrap(), "a new file, outside the folder");
        fs::write(folder.join("ci/a b.json"), "3").unwrap();
        let of = |path| repository.files("HEAD", path).unwrap();
        let file = |path: &str, text: &str| (path.to_owned(), text.to_owned());
        assert_eq!(of("ci/a b.json"), [file("ci/a b.json", "1")], "not as it is now");
        assert_eq!(of("ci"), [file("ci/a b.json", "1"), file("ci/deep/c.json", "2")], "all");
        assert_eq!(of("ci/d.json"), [], "none");
        let err = repository.files("no-such-commit", "ci").unwrap_err().to_string();
        assert!(err.contains("git ls-tree") && err.contains("no-such-commit"), "{err}");
    }
}
