//! Why there is no build, or none that can be compared.

use std::io;
use std::path::PathBuf;

use crate::exit::Exit;
use crate::machine::git;

/// A failure to make the two builds.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// There is no source of a build.
    #[error(transparent)]
    Git(#[from] git::worktree::Error),
    /// There is no cargo.
    #[error("cargo does not start")]
    NoCargo(#[source] io::Error),
    /// There is no compiler.
    #[error("rustc does not start")]
    NoRustc(#[source] io::Error),
    /// The compiler says nothing of itself, such as one that is not installed.
    #[error("`rustc -vV` fails: {said}")]
    SilentRustc {
        /// Its complaint.
        said: String,
    },
    /// There is no package here.
    #[error("no cargo package here: {said}")]
    NoPackage {
        /// Output of cargo.
        said: String,
    },
    /// The package has no such program.
    #[error(
        "no package here has the program `{program}`, which runs now; go to the folder of its \
         package, or compare executables with --exe OLD --exe NEW"
    )]
    NoProgram {
        /// The file name of this executable.
        program: String,
    },
    /// Cargo started this executable for one package, and another one lies here.
    #[error(
        "this program was started for {}, but the current folder is in {}, which has one of this \
         name, too; go to the folder of the one that you mean, and unset CARGO_MANIFEST_DIR unless \
         `cargo run` sets it", started.display(), here.display()
    )]
    TwoPackages {
        /// The root of the workspace that cargo names.
        started: PathBuf,
        /// The root of the workspace around the current folder.
        here: PathBuf,
    },
    /// The workspace is larger than the repository.
    #[error(
        "the package belongs to a workspace outside its repository, {}, whose profiles and \
         dependencies no revision holds; add `[workspace]` to the package's own Cargo.toml, or make \
         it a part of that repository", root.display()
    )]
    Workspace {
        /// The root of the workspace.
        root: PathBuf,
    },
    /// Something above the folder of the sources would have a say in both builds.
    #[error(
        "{} lies above {}, where both sides are built, and would have a say in it; name another \
         folder by STEPMARK_CACHE", path.display(), folder.display()
    )]
    Above {
        /// A manifest, settings of cargo, or a working tree.
        path: PathBuf,
        /// The folder of the sources.
        folder: PathBuf,
    },
    /// There is no folder for the sources.
    #[error(
        "both sides are built outside the checkout, but {} cannot be made; name a folder that can \
         be written by STEPMARK_CACHE", folder.display()
    )]
    NoCache {
        /// The folder.
        folder: PathBuf,
        /// Error of the system.
        source: io::Error,
    },
    /// A build read sources that are not its own.
    #[error(
        "{what} uses {}, which lies in this repository but is the same file for both sides; write \
         its path relative to the package", path.display()
    )]
    Elsewhere {
        /// Which side.
        what: String,
        /// The file.
        path: PathBuf,
    },
    /// A source is not there, but a placeholder is.
    #[error(
        "{what} was built from {}, which is a Git LFS pointer and not the file; run `git lfs fetch \
         --all` and `git lfs install`", path.display()
    )]
    Pointer {
        /// Which side.
        what: String,
        /// The file, from the root.
        path: PathBuf,
    },
    /// Cargo did not compile what it was told to.
    #[error("{what}: cargo took {package} for unchanged and did not compile it; run again after \
             removing {}", folder.display())]
    Fresh {
        /// Which side.
        what: String,
        /// The package.
        package: String,
        /// The folder that it builds into.
        folder: PathBuf,
    },
    /// Flags of the compiler have no place.
    #[error(
        "{what}: the flags of the compiler cannot be appended to those of its settings; set them \
         by `build.rustflags` or `target.{}.rustflags`",
        crate::machine::TARGET
    )]
    Flags {
        /// Which side.
        what: String,
    },
    /// A manifest says something else to this program than it may.
    #[error("{what}: {}: `[package.metadata.stepmark]`: {found}", path.display())]
    Settings {
        /// Which side.
        what: String,
        /// The manifest, from the root.
        path: PathBuf,
        /// The flaw.
        found: String,
    },
    /// A folder cannot be made or found.
    #[error("{}", path.display())]
    Io {
        /// The folder.
        path: PathBuf,
        /// Error of the system.
        source: io::Error,
    },
    /// The source does not build.
    #[error("{what} does not build:\n{said}")]
    Broken {
        /// Which source.
        what: String,
        /// The end of what cargo says.
        said: String,
    },
}

impl Error {
    /// How a command ends for this reason.
    pub fn exit(&self) -> Exit {
        match self {
            Self::TwoPackages { .. }
            | Self::Workspace { .. }
            | Self::Above { .. }
            | Self::Elsewhere { .. } => Exit::Incomparable,
            _ => Exit::Failure,
        }
    }

    /// The same, of this side.
    pub(super) fn of(mut self, side: &str) -> Self {
        if let Self::Elsewhere { what, .. }
        | Self::Pointer { what, .. }
        | Self::Fresh { what, .. }
        | Self::Flags { what }
        | Self::Settings { what, .. }
        | Self::Broken { what, .. } = &mut self
        {
            what.clear();
            what.push_str(side);
        }
        self
    }
}
