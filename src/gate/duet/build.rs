//! The two builds: a revision in a worktree, and the working tree in place, with the same flags.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::{env, fs, io};

use serde::Deserialize;

use crate::machine::git::worktree::Repository;
use crate::machine::{self, git};

/// Why there is no build.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// There is no source of the old build.
    #[error(transparent)]
    Git(#[from] git::worktree::Error),
    /// There is no cargo.
    #[error("cargo does not start")]
    NoCargo(#[source] io::Error),
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

/// Functions start with a cache line of 64 bytes. Without it, code that moves elsewhere in an
/// executable moves loops across cache lines, which took up to 18 % of the time of a kernel.
const ALIGNED: &str = "-Cllvm-args=-align-all-functions=6";

/// How much of the compiler's complaint is kept.
const SAID_LEN_LINES: usize = 40;

/// A package under version control, of which two builds are wanted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Checkout {
    repository: Repository,
    package: PathBuf,
    program: String,
    /// Worktree and builds lie here.
    folder: PathBuf,
    /// Features of both builds, as cargo takes them.
    features: String,
}

/// The executable of a revision, and which commit that is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Old {
    /// The executable.
    pub exe: PathBuf,
    /// `main (0123456789ab)`
    pub name: String,
    /// Settings of cargo and margins of the working tree that are others in that commit.
    pub settings: Vec<String>,
}

/// The executable of the working tree.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct New {
    /// The executable.
    pub exe: PathBuf,
    /// Whether the tree differs from its commit.
    pub dirty: bool,
}

impl Checkout {
    /// The package that this executable was built from, as found from the current folder; builds
    /// go under the folder `target`, with these features besides those by default.
    ///
    /// # Errors
    ///
    /// If there is no such package, or no repository around it.
    pub fn find(target: &Path, features: &str) -> Result<Self, Error> {
        let io = |path: &Path| {
            let path = path.to_owned();
            |source| Error::Io { path, source }
        };
        let program = env::current_exe().map_err(io(Path::new("this executable")))?;
        let program = program.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        let package = package(&program)?;
        let repository = Repository::of(&package)?;
        let folder = target.join("stepmark/duet");
        fs::create_dir_all(&folder).map_err(io(&folder))?;
        // Git and cargo run in other folders.
        let folder = folder.canonicalize().map_err(io(&folder))?;
        Ok(Self { repository, package, program, folder, features: features.to_owned() })
    }

    /// Builds `revision`, or where it parted from what is checked out.
    ///
    /// # Errors
    ///
    /// If there is no such revision, or it does not build.
    pub fn revision(&self, revision: &str, merge_base: bool) -> Result<Old, Error> {
        let commit = if merge_base {
            self.repository.merge_base(revision)?
        } else {
            self.repository.commit(revision)?
        };
        let package = self.repository.worktree(&commit, &self.folder.join("old"))?;
        let of = if merge_base { "merge base with " } else { "" };
        let name = format!("{of}{revision} ({})", &commit[..12]);
        let settings = self.repository.settings(&commit)?;
        Ok(Old { exe: self.build(&package, "build-old", &name)?, name, settings })
    }

    /// Builds the working tree.
    ///
    /// # Errors
    ///
    /// If it does not build.
    pub fn working_tree(&self) -> Result<New, Error> {
        let dirty = self.repository.is_dirty()?;
        Ok(New { exe: self.build(&self.package, "build-new", "the working tree")?, dirty })
    }

    /// Builds a package. What is built holds no path of its sources: the same sources in another
    /// folder give the same bytes.
    fn build(&self, package: &Path, into: &str, what: &str) -> Result<PathBuf, Error> {
        let broken = |said: String| Error::Broken { what: what.to_owned(), said };
        if !package.join("Cargo.toml").is_file() {
            return Err(broken("it has no such package".to_owned()));
        }
        let flags = machine::ENCODED_RUSTFLAGS.split('\u{1f}').filter(|flag| !flag.is_empty());
        let flags: Vec<&str> = flags.chain([ALIGNED]).collect();
        let out = cargo()
            .current_dir(package)
            .args(["build", "--profile", "bench", "--bin", &self.program])
            .args(["--features", &self.features])
            .args(["--message-format", "json-render-diagnostics", "--target-dir"])
            .arg(self.folder.join(into))
            // Were it shared, the two builds would be one.
            .env("CARGO_BUILD_BUILD_DIR", self.folder.join(into))
            // As this executable was built, whatever the folder says.
            .env("CARGO_ENCODED_RUSTFLAGS", flags.join("\u{1f}"))
            .env("CARGO_PROFILE_BENCH_DEBUG", "false")
            // Names of symbols tell the folder of the build.
            .env("CARGO_PROFILE_BENCH_STRIP", "symbols")
            .env("STEPMARK_BUILD_ROOT", "/stepmark")
            .output()
            .map_err(Error::NoCargo)?;
        if !out.status.success() {
            return Err(broken(tail(&out.stderr)));
        }
        let messages = String::from_utf8_lossy(&out.stdout);
        let built = messages.lines().filter_map(|line| serde_json::from_str::<Built>(line).ok());
        let mut built = built.filter(|built| built.target.name == self.program);
        built
            .find_map(|built| built.executable)
            .ok_or_else(|| broken("cargo names no executable".to_owned()))
    }
}

/// A message of cargo: something is built.
#[derive(Deserialize)]
struct Built {
    target: Target,
    executable: Option<PathBuf>,
}

#[derive(Deserialize)]
struct Target {
    name: String,
    kind: Vec<String>,
}

#[derive(Deserialize)]
struct Metadata {
    packages: Vec<Package>,
}

#[derive(Deserialize)]
struct Package {
    manifest_path: PathBuf,
    targets: Vec<Target>,
}

/// The folder of the package that has the program, the one around the current folder first.
fn package(program: &str) -> Result<PathBuf, Error> {
    let args = ["metadata", "--no-deps", "--format-version", "1"];
    let out = cargo().args(args).output().map_err(Error::NoCargo)?;
    if !out.status.success() {
        return Err(Error::NoPackage { said: tail(&out.stderr) });
    }
    let metadata: Metadata = serde_json::from_slice(&out.stdout)
        .map_err(|err| Error::NoPackage { said: err.to_string() })?;
    let has = |package: &Package| {
        package.targets.iter().any(|t| t.name == program && t.kind.iter().any(|kind| kind == "bin"))
    };
    let here = env::current_dir().and_then(|here| here.canonicalize()).unwrap_or_default();
    let found = metadata.packages.into_iter().filter(has);
    let mut folders: Vec<PathBuf> =
        found.filter_map(|package| Some(package.manifest_path.parent()?.to_owned())).collect();
    folders.sort_by_key(|folder| !here.starts_with(folder));
    let folder = folders.into_iter().next();
    folder.ok_or_else(|| Error::NoProgram { program: program.to_owned() })
}

/// The cargo that runs this, or else the one on the path.
fn cargo() -> Command {
    Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()))
}

/// The last lines.
fn tail(said: &[u8]) -> String {
    let said = String::from_utf8_lossy(said);
    let lines: Vec<&str> = said.lines().collect();
    lines[lines.len().saturating_sub(SAID_LEN_LINES)..].join("\n")
}
