//! Cargo, told to compile all that may differ between the two sides.

use std::io::{BufRead as _, BufReader, Read as _};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus, Stdio};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::time::{Duration, Instant};
use std::{env, fs, thread};

use serde::Deserialize;

use super::compiler::Compiler;
use super::environment::{ALIGNED, Toolchain};
use super::sources::Places;
use super::{Error, at, tail};
use crate::machine;
use crate::machine::metadata::{self, Metadata, Package};

const PROFILE: [&str; 2] = ["--profile", "bench"];

/// How long the user waits for a word at most.
const SILENCE: Duration = Duration::from_secs(10);

/// The packages of a state.
pub(super) struct Packages {
    local: Vec<Local>,
    /// The features to build instead of those by default.
    features: Option<String>,
}

/// A package of the state, of which cargo has a copy that may differ between the sides.
struct Local {
    id: String,
    /// Files that have a say in it and that no compiler lists.
    more: Vec<PathBuf>,
}

/// An executable, and what it was built from and by.
pub(super) struct Built {
    pub(super) exe: PathBuf,
    pub(super) sources: Vec<PathBuf>,
    pub(super) compiler: Compiler,
}

/// A message of cargo: something is built.
#[derive(Deserialize)]
struct Message {
    package_id: String,
    target: Target,
    executable: Option<PathBuf>,
    fresh: bool,
}

#[derive(Deserialize)]
struct Target {
    name: String,
}

/// Cargo over the package of a state.
pub(super) struct Cargo<'a> {
    package: &'a Path,
    into: &'a Path,
    probe: &'a Path,
    toolchain: Toolchain,
}

impl<'a> Cargo<'a> {
    /// Builds `package` into the folder `into`; `probe` is a folder for a package without code.
    pub(super) fn new(
        package: &'a Path,
        into: &'a Path,
        probe: &'a Path,
        toolchain: Toolchain,
    ) -> Self {
        Self { package, into, probe, toolchain }
    }

    fn command(&self) -> Command {
        let mut cargo = self.toolchain.cargo(self.package);
        cargo.env("CARGO_BUILD_BUILD_DIR", self.into);
        cargo
    }

    /// The packages that no registry and no commit tells: those of the state, and those elsewhere.
    ///
    /// # Errors
    ///
    /// If one lies in another place of the repository.
    pub(super) fn packages(&self, program: &str, places: &Places) -> Result<Packages, Error> {
        let metadata = Metadata::read(&mut self.command(), &[]).map_err(|why| match why {
            metadata::Error::NoCargo(source) => Error::NoCargo(source),
            metadata::Error::Refused(said) => {
                Error::Broken { what: String::new(), said: tail(said.as_bytes()) }
            }
        })?;
        let own = metadata
            .packages
            .iter()
            .find(|of| of.has_program(program) && places.is_inside(&of.manifest_path));
        let features = own.map_or(Ok(None), |own| {
            own.paired_features().map_err(|why| {
                let manifest = &own.manifest_path;
                let inside = manifest.strip_prefix(&places.state).unwrap_or(manifest);
                Error::Settings {
                    what: String::new(),
                    path: inside.to_owned(),
                    found: why.to_string(),
                }
            })
        });
        let features = features?.map(|all| all.join(","));
        let mut local = Vec::new();
        for Package { id, source, manifest_path, .. } in metadata.packages {
            let is_outside = places.is_outside(&manifest_path)?;
            // A vendored package has a registry for its source, and files that may change.
            let more = match (is_outside, &source) {
                (false, Some(_)) if !places.is_inside(&manifest_path) => continue,
                (false, _) => Vec::new(),
                (true, None) => self.manifests(manifest_path)?,
                (true, Some(_)) => manifest_path.parent().map(Path::to_owned).into_iter().collect(),
            };
            local.push(Local { id, more });
        }
        Ok(Packages { local, features })
    }

    /// The manifest of a package and that of its workspace, from which it may inherit.
    fn manifests(&self, manifest: PathBuf) -> Result<Vec<PathBuf>, Error> {
        let mut root = self.command();
        root.args(["locate-project", "--workspace", "--message-format", "plain"]);
        let root = root.arg("--manifest-path").arg(&manifest).output().map_err(Error::NoCargo)?;
        let root = PathBuf::from(String::from_utf8_lossy(&root.stdout).trim_end());
        let mut all = vec![manifest, root];
        all.retain(|path| path.is_file());
        all.dedup();
        Ok(all)
    }

    /// Makes cargo forget what it built of these packages.
    pub(super) fn forget(&self, packages: &Packages) -> Result<(), Error> {
        let ids = packages.local.iter().flat_map(|of| ["-p", &of.id]);
        let mut clean = self.command();
        clean.arg("clean").args(PROFILE).arg("--target-dir").arg(self.into);
        let out = clean.args(ids).output().map_err(Error::NoCargo)?;
        if out.status.success() {
            return Ok(());
        }
        Err(Error::Broken { what: String::new(), said: tail(&out.stderr) })
    }

    /// Builds the program.
    ///
    /// # Errors
    ///
    /// If it does not build, or a package was not compiled.
    pub(super) fn build(
        &self,
        program: &str,
        features: &str,
        Packages { local, features: instead }: &Packages,
        watch: &mut dyn FnMut(String),
    ) -> Result<Built, Error> {
        let broken = |said: String| Error::Broken { what: String::new(), said };
        let mut cargo = self.command();
        cargo.arg("build").args(PROFILE).args(["--bin", program, "--features", features]);
        if let Some(features) = instead {
            cargo.args(["--no-default-features", "--features", features]);
        }
        cargo.args(["--message-format", "json-render-diagnostics", "--target-dir"]).arg(self.into);
        self.align(&mut cargo)?;
        cargo.env("CARGO_INCREMENTAL", "0").env("CARGO_PROFILE_BENCH_DEBUG", "false");
        // Small, and the names of symbols say nothing of times.
        cargo.env("CARGO_PROFILE_BENCH_STRIP", "symbols");
        let (mut exe, mut fresh, mut count, start) = (None, None, 0, Instant::now());
        let (status, said) = told(&mut cargo, &mut |line| {
            let Some(line) = line else {
                watch(format!("{count} crates so far, {} s", start.elapsed().as_secs()));
                return;
            };
            let Ok(message) = serde_json::from_slice::<Message>(line.as_bytes()) else { return };
            count += 1;
            if message.fresh && local.iter().any(|of| of.id == message.package_id) {
                fresh = Some(message.package_id);
            }
            if message.target.name == program {
                exe = message.executable.or(exe.take());
            }
        })?;
        if !status.success() {
            return Err(broken(tail(&said)));
        }
        if let Some(package) = fresh {
            let (what, folder) = (String::new(), self.into.to_owned());
            return Err(Error::Fresh { what, package, folder });
        }
        let exe = exe.ok_or_else(|| broken("cargo names no executable".to_owned()))?;
        let list = exe.with_extension("d");
        let text = fs::read_to_string(&list).map_err(at(&list))?;
        let listed = machine::built::listed(&text, |_| true);
        let listed = listed.into_iter().map(|path| self.package.join(path));
        let sources = listed.chain(local.iter().flat_map(|of| of.more.clone())).collect();
        Ok(Built { exe, sources, compiler: Compiler::of(&self.probed(&[])?) })
    }

    /// Appends to the flags of the compiler, wherever the state has them: in a variable, else for
    /// its target, else for every build. Cargo reads only the first of these.
    fn align(&self, build: &mut Command) -> Result<(), Error> {
        for (name, between) in [("CARGO_ENCODED_RUSTFLAGS", "\u{1f}"), ("RUSTFLAGS", " ")] {
            let Some(mut flags) = env::var_os(name) else { continue };
            if !flags.is_empty() {
                flags.push(between);
            }
            flags.push(ALIGNED);
            build.env(name, flags);
            return Ok(());
        }
        for place in ["build".to_owned(), format!("target.{}", machine::TARGET)] {
            let setting = format!("{place}.rustflags=[{ALIGNED:?}]");
            if self.probed(&["--config", &setting])?.contains(ALIGNED) {
                build.args(["--config", &setting]);
                return Ok(());
            }
        }
        Err(Error::Flags { what: String::new() })
    }

    /// The compiler that cargo runs, by its own words, with these options, without code.
    fn probed(&self, options: &[&str]) -> Result<String, Error> {
        let probe = self.probe;
        let _ = fs::remove_dir_all(probe);
        fs::create_dir_all(probe).map_err(at(probe))?;
        let manifest = "[package]\nname = \"probe\"\nversion = \"0.0.0\"\nedition = \"2021\"\n\
                        [lib]\npath = \"lib.rs\"\n[workspace]\n";
        for (name, text) in [("Cargo.toml", manifest), ("lib.rs", "")] {
            fs::write(probe.join(name), text).map_err(at(probe))?;
        }
        let mut check = self.command();
        check.args(["check", "--verbose"]).args(options).arg("--manifest-path");
        check.arg(probe.join("Cargo.toml")).arg("--target-dir").arg(probe.join("target"));
        let out = check
            .env("CARGO_BUILD_BUILD_DIR", probe.join("target"))
            .output()
            .map_err(Error::NoCargo)?;
        if !out.status.success() {
            return Err(Error::Broken { what: String::new(), said: tail(&out.stderr) });
        }
        Ok(String::from_utf8_lossy(&out.stderr).into_owned())
    }
}

/// Runs a command to its end and hands each line that it prints to `line`, and every while none;
/// returns its errors.
fn told(
    command: &mut Command,
    line: &mut dyn FnMut(Option<&str>),
) -> Result<(ExitStatus, Vec<u8>), Error> {
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().map_err(Error::NoCargo)?;
    let output = BufReader::new(child.stdout.take().expect("its output is a pipe"));
    let mut errors = child.stderr.take().expect("its errors are a pipe");
    let (sender, lines) = mpsc::channel();
    thread::spawn(move || output.lines().map_while(Result::ok).try_for_each(|l| sender.send(l)));
    let said = thread::spawn(move || {
        let mut said = Vec::new();
        let _ = errors.read_to_end(&mut said);
        said
    });
    let mut last = Instant::now();
    loop {
        match lines.recv_timeout(SILENCE.saturating_sub(last.elapsed())) {
            Ok(text) => line(Some(&text)),
            Err(RecvTimeoutError::Timeout) => {
                last = Instant::now();
                line(None);
            }
            Err(RecvTimeoutError::Disconnected) => break,
        }
    }
    let status = child.wait().map_err(Error::NoCargo)?;
    Ok((status, said.join().unwrap_or_default()))
}
