//! The history of a folder by git: the commits that changed its files, and the files as they were.

use std::io::{self, BufRead as _, BufReader, Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

/// No record comes near this size.
const MOST_BYTES: u64 = 16 << 20;

/// Why git does not tell.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    /// Git cannot be started.
    #[error("cannot run git, which knows the history; install it")]
    NoGit {
        /// The complaint of the system.
        source: io::Error,
    },
    /// Git ends with an error.
    #[error("`git {command}` in {}: {said}", dir.display())]
    Failed {
        /// Its subcommand.
        command: String,
        /// Where it ran.
        dir: PathBuf,
        /// Its output.
        said: String,
    },
    /// There are commits that are not here.
    #[error("{} is in a shallow clone, which lacks history; run `git fetch --unshallow`", dir.display())]
    Shallow {
        /// The folder.
        dir: PathBuf,
    },
    /// Git prints what it should not.
    #[error("`git {command}` printed {found:?}")]
    Unexpected {
        /// Its subcommand.
        command: &'static str,
        /// Its output.
        found: String,
    },
    /// Git went away.
    #[error("talking to `git cat-file`")]
    Pipe {
        /// The complaint of the system.
        source: io::Error,
    },
}

/// A folder in the working tree of a repository with its whole history.
pub(crate) struct Repository {
    dir: PathBuf,
}

/// A commit that wrote or removed a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Revision {
    /// Its whole hash.
    pub commit: String,
    /// The day of the commit: `2026-01-02`.
    pub date: String,
}

impl Revision {
    /// The first digits of the hash, as git prints them.
    pub fn short(&self) -> &str {
        self.commit.get(..7).unwrap_or(&self.commit)
    }
}

/// One file as one commit left it.
pub(crate) struct Version {
    /// The commit.
    pub(crate) revision: Revision,
    /// The file, from the folder on.
    pub(crate) path: String,
    /// Its contents' hash; `None` where the commit removed the file.
    pub(crate) blob: Option<String>,
}

/// The contents of a file.
pub(crate) enum Blob {
    /// Text of a usual size.
    Text(String),
    /// Something else, said in words.
    Other(String),
}

impl Repository {
    /// Looks for the repository that `dir` is in.
    ///
    /// # Errors
    ///
    /// If there is none, or its history is cut off.
    pub(crate) fn open(dir: &Path) -> Result<Self, Error> {
        let repository = Self { dir: dir.to_owned() };
        let said = repository.said(&["rev-parse", "--is-shallow-repository"])?;
        if said.trim_ascii() == b"true" {
            return Err(Error::Shallow { dir: repository.dir });
        }
        Ok(repository)
    }

    /// The versions of all files in the folder, oldest first; none before the first commit.
    ///
    /// Follows the first parents: a merge counts as one change, when it was merged.
    pub(crate) fn versions(&self) -> Result<Vec<Version>, Error> {
        let head = self.command(&["rev-parse", "--verify", "--quiet", "HEAD"]).output();
        if !head.map_err(|source| Error::NoGit { source })?.status.success() {
            return Ok(Vec::new());
        }
        let said = self.said(&[
            "log",
            "--first-parent",
            "-m",
            "--reverse",
            "--raw",
            "-z",
            "--no-abbrev",
            "--no-renames",
            "--no-show-signature",
            "--relative",
            "--format=%H%x00%cs",
            "HEAD",
            "--",
            ".",
        ])?;
        versions(&String::from_utf8_lossy(&said))
            .map_err(|found| Error::Unexpected { command: "log", found })
    }

    /// A reader of contents.
    pub(crate) fn blobs(&self) -> Result<Blobs, Error> {
        let mut command = self.command(&["cat-file", "--batch"]);
        let mut child = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .map_err(|source| Error::NoGit { source })?;
        let asks = child.stdin.take().expect("its input is a pipe");
        let answers = BufReader::new(child.stdout.take().expect("its output is a pipe"));
        Ok(Blobs { child, asks: Some(asks), answers })
    }

    fn command(&self, args: &[&str]) -> Command {
        let mut command = super::git(&self.dir);
        command.args(args);
        command
    }

    fn said(&self, args: &[&str]) -> Result<Vec<u8>, Error> {
        let out = self.command(args).output().map_err(|source| Error::NoGit { source })?;
        if !out.status.success() {
            let said = String::from_utf8_lossy(&out.stderr).trim().to_owned();
            let command = args[0].to_owned();
            return Err(Error::Failed { command, dir: self.dir.clone(), said });
        }
        Ok(out.stdout)
    }
}

/// The versions in the output of `git log --raw -z`; else the part that makes no sense.
///
/// Each commit is its hash and its date, then for each file a line of modes, hashes and a letter,
/// then its path.
fn versions(said: &str) -> Result<Vec<Version>, String> {
    let mut versions = Vec::new();
    let mut revision = None;
    let mut parts =
        said.split('\0').map(|part| part.trim_start_matches('\n')).filter(|part| !part.is_empty());
    while let Some(part) = parts.next() {
        let next = parts.next().ok_or_else(|| part.to_owned())?;
        let Some(file) = part.strip_prefix(':') else {
            revision = Some(Revision { commit: part.to_owned(), date: next.to_owned() });
            continue;
        };
        let fields: Vec<&str> = file.split(' ').collect();
        let ([_, mode, _, blob, _], Some(revision)) = (&fields[..], &revision) else {
            return Err(part.to_owned());
        };
        // A file that was removed has no mode; what is neither has no contents to follow.
        let blob = mode.starts_with("100").then(|| (*blob).to_owned());
        versions.push(Version { revision: revision.clone(), path: next.to_owned(), blob });
    }
    Ok(versions)
}

/// `git cat-file`, asked for one object at a time.
pub(crate) struct Blobs {
    child: Child,
    /// Open while there may be another question.
    asks: Option<ChildStdin>,
    answers: BufReader<ChildStdout>,
}

impl Blobs {
    /// The contents with this hash.
    pub(crate) fn read(&mut self, hash: &str) -> Result<Blob, Error> {
        let pipe = |source| Error::Pipe { source };
        let asks = self.asks.as_mut().expect("open until it is dropped");
        writeln!(asks, "{hash}").and_then(|()| asks.flush()).map_err(pipe)?;
        let mut head = String::new();
        self.answers.read_line(&mut head).map_err(pipe)?;
        let head = head.trim_end();
        let len = match head.split(' ').collect::<Vec<_>>()[..] {
            [_, "blob", len] => len.parse::<u64>().ok(),
            _ => None,
        };
        let Some(len) = len else {
            return Err(Error::Unexpected { command: "cat-file", found: head.to_owned() });
        };
        // A line feed follows the contents.
        let mut rest = self.answers.by_ref().take(len + 1);
        if len > MOST_BYTES {
            io::copy(&mut rest, &mut io::sink()).map_err(pipe)?;
            return Ok(Blob::Other(format!("{len} bytes, expected at most {MOST_BYTES}")));
        }
        let mut bytes = Vec::new();
        if rest.read_to_end(&mut bytes).map_err(pipe)? as u64 != len + 1 {
            return Err(Error::Pipe { source: io::ErrorKind::UnexpectedEof.into() });
        }
        bytes.pop();
        Ok(match String::from_utf8(bytes) {
            Ok(text) => Blob::Text(text),
            Err(_) => Blob::Other("bytes that are no text".to_owned()),
        })
    }
}

impl Drop for Blobs {
    fn drop(&mut self) {
        // It ends when nothing more can be asked.
        self.asks = None;
        let _ = self.child.wait();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_log_is_read_commit_by_commit_and_file_by_file() {
        let said = "aa\x002026-01-02\0\n:000000 100644 00 11 A\0m/wall.json\0\
            :100644 000000 22 00 D\0n/wall.json\0bb\x002026-01-03\0\n:100644 100644 11 33 M\0m/wall.json\0";
        let versions = versions(said).unwrap();
        let found: Vec<_> = versions
            .iter()
            .map(|v| (v.revision.commit.as_str(), v.path.as_str(), v.blob.as_deref()))
            .collect();
        assert_eq!(
            found,
            [
                ("aa", "m/wall.json", Some("11")),
                ("aa", "n/wall.json", None),
                ("bb", "m/wall.json", Some("33")),
            ],
            "versions"
        );
        assert_eq!(versions[2].revision.date, "2026-01-03", "date");
    }

    #[test]
    fn another_output_is_an_error_and_never_a_panic() {
        assert!(versions("").unwrap().is_empty(), "no commits");
        for said in [":100644 100644 11 22 M\0a", "aa", "aa\0d\0:1 2\0p", "aa\0d\0:1 2 3 4 5"] {
            assert!(versions(said).is_err(), "{said}");
        }
    }
}
