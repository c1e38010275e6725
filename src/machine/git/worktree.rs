//! The repository: which commit a revision is, and a worktree of it under the target folder.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::{fs, io};

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
    /// The folder of the package.
    package: PathBuf,
    /// The same, from the root of the repository.
    prefix: PathBuf,
}

impl Repository {
    /// The repository of a package.
    pub(crate) fn of(package: &Path) -> Result<Self, Error> {
        let said = git(package, ["rev-parse", "--show-prefix"])?;
        let prefix = said.map_err(|said| {
            let folder = package.to_owned();
            Error::NoRepository { folder, said }
        })?;
        Ok(Self { package: package.to_owned(), prefix: prefix.into() })
    }

    /// The commit that `revision` names.
    pub(crate) fn commit(&self, revision: &str) -> Result<String, Error> {
        let peeled = format!("{revision}^{{commit}}");
        let args = ["rev-parse", "--verify", "--quiet", "--end-of-options", &peeled];
        git(&self.package, args)?.or_else(|_| Err(self.missing(revision)?))
    }

    /// The last commit that `revision` and the checked-out one have in common.
    pub(crate) fn merge_base(&self, revision: &str) -> Result<String, Error> {
        let commit = self.commit(revision)?;
        git(&self.package, ["merge-base", &commit, "HEAD"])?.or_else(|_| {
            Err(match self.missing(revision)? {
                Error::Unknown { revision } => Error::Unrelated { revision },
                shallow => shallow,
            })
        })
    }

    fn missing(&self, revision: &str) -> Result<Error, Error> {
        let revision = revision.to_owned();
        let shallow = git(&self.package, ["rev-parse", "--is-shallow-repository"])?;
        Ok(if shallow.is_ok_and(|said| said == "true") {
            Error::Shallow { revision }
        } else {
            Error::Unknown { revision }
        })
    }

    /// Whether the working tree differs from the checked-out commit.
    pub(crate) fn is_dirty(&self) -> Result<bool, Error> {
        Ok(!ran(&self.package, ["status", "--porcelain"])?.is_empty())
    }

    /// Checks `commit` out into `folder`, and returns where the package lies there.
    ///
    /// One folder serves every commit: files that differ get a new time, and cargo builds them
    /// again. Folders by commit would share a build, where older files look as if they were built.
    pub(crate) fn worktree(&self, commit: &str, folder: &Path) -> Result<PathBuf, Error> {
        if !is_worktree(folder)? || switch(commit, folder).is_err() {
            match fs::remove_dir_all(folder) {
                Err(err) if err.kind() != io::ErrorKind::NotFound => {
                    return Err(Error::Io { path: folder.to_owned(), source: err });
                }
                _ => ran(&self.package, ["worktree", "prune"])?,
            };
            let args = [OsStr::new("worktree"), "add".as_ref(), "--force".as_ref()];
            let to = ["--detach".as_ref(), folder.as_os_str(), commit.as_ref()];
            ran(&self.package, args.into_iter().chain(to))?;
        }
        self.lend_lock(folder).map_err(|(path, source)| Error::Io { path, source })?;
        Ok(folder.join(&self.prefix))
    }

    /// Copies a `Cargo.lock` that is not committed into the worktree: both builds are to have the
    /// same dependencies.
    fn lend_lock(&self, worktree: &Path) -> Result<(), (PathBuf, io::Error)> {
        // The package and the folders around it, down to the root.
        for (here, inside) in self.package.ancestors().zip(self.prefix.ancestors()) {
            let (from, to) = (here.join("Cargo.lock"), worktree.join(inside).join("Cargo.lock"));
            if from.is_file() && to.parent().is_some_and(Path::is_dir) && !to.exists() {
                fs::copy(&from, &to).map_err(|why| (to, why))?;
            }
        }
        Ok(())
    }

    /// Settings of cargo that are others at `commit`.
    pub(crate) fn settings(&self, commit: &str) -> Result<Vec<String>, Error> {
        let of = ["diff", "--name-only", commit, "--", ":/.cargo", ".cargo"];
        Ok(ran(&self.package, of)?.lines().map(str::to_owned).collect())
    }
}

/// Whether the folder is a worktree of its own, and not just within one.
fn is_worktree(folder: &Path) -> Result<bool, Error> {
    if !folder.join(".git").is_file() {
        return Ok(false);
    }
    let top = git(folder, ["rev-parse", "--show-prefix"])?;
    Ok(top.is_ok_and(|prefix| prefix.is_empty()))
}

fn switch(commit: &str, folder: &Path) -> Result<(), Error> {
    ran(folder, ["checkout", "--quiet", "--force", "--detach", commit])?;
    ran(folder, ["clean", "--quiet", "-ffdx"])?;
    Ok(())
}

fn ran<S: AsRef<OsStr>>(folder: &Path, args: impl IntoIterator<Item = S>) -> Result<String, Error> {
    let args: Vec<_> = args.into_iter().map(|arg| arg.as_ref().to_owned()).collect();
    git(folder, &args)?.map_err(|said| {
        let command = args.join(OsStr::new(" ")).to_string_lossy().into_owned();
        Error::Failed { command, said }
    })
}

/// What git prints in `folder`; the inner error is what it complains of.
fn git<S: AsRef<OsStr>>(
    folder: &Path,
    args: impl IntoIterator<Item = S>,
) -> Result<Result<String, String>, Error> {
    let out = super::git(folder)
        // A hook of the user is not for this worktree.
        .args(["-c", "core.hooksPath=/dev/null"])
        .args(args)
        .output()
        .map_err(Error::Missing)?;
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).trim_end().to_owned();
    Ok(if out.status.success() { Ok(text(&out.stdout)) } else { Err(text(&out.stderr)) })
}
