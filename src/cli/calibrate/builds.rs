//! The executables of a calibration, and how a suite of them is sampled.

use std::path::{Path, PathBuf};
use std::time::{Instant, SystemTime};
use std::{env, fs};

use crate::cli::{BASELINES, Exit, Stop};
use crate::gate::calibrate::planted::Plant;
use crate::gate::calibrate::{Kind, PARTS, SCHEMA, Suite, Taken};
use crate::gate::duet::protocol::Listed;
use crate::gate::duet::{self, Build};
use crate::gate::{Dropped, Tolerance};
use crate::machine::{self, Environment};
use crate::run;

/// The executables, and what does not change between suites.
pub(super) struct Builds {
    exe: PathBuf,
    digest: String,
    /// The padded one, and its digest.
    pad: Option<(PathBuf, String)>,
    environment: Environment,
}

impl Builds {
    pub(super) fn new(pad: Option<&Path>) -> Result<Self, Stop> {
        let exe = env::current_exe()?;
        let own = digest(&exe)?;
        let pad = pad.map(|path| Ok::<_, Stop>((path.to_owned(), digest(path)?))).transpose()?;
        if let Some((path, _)) = pad.as_ref().filter(|(_, digest)| *digest == own) {
            let why = format!("{}: is this very executable, not a padded one", path.display());
            return Err(Stop::new(Exit::Usage, why));
        }
        Ok(Self { exe, digest: own, pad, environment: machine::wall() })
    }

    /// Whether there is a padded executable.
    pub(super) fn has_pad(&self) -> bool {
        self.pad.is_some()
    }

    /// Requires the executables to be those that the run began with: a build may replace them.
    fn unchanged(&self) -> Result<(), Stop> {
        let own = Some((&self.exe, &self.digest));
        for (path, was) in own.into_iter().chain(self.pad.as_ref().map(|(path, was)| (path, was))) {
            if digest(path)? != *was {
                let why = "was replaced while its suites ran; calibrate a copy of it";
                return Err(Stop::new(Exit::Failure, format!("{}: {why}", path.display())));
            }
        }
        Ok(())
    }

    /// A suite that starts now, without samples.
    pub(super) fn head(
        &self,
        kind: Kind,
        seed: u64,
        cases: &[Listed],
        tolerance: &Tolerance,
    ) -> Suite {
        let (commit, dirty) = machine::revision(&machine::package::file(BASELINES)).unzip();
        let new = match (&self.pad, kind) {
            (Some((_, digest)), Kind::Pad) => digest,
            _ => &self.digest,
        };
        let empty = |case: &Listed| Taken {
            id: case.id.clone(),
            memory_bound: case.memory_bound,
            metric: case.metric,
            margin: tolerance.margin(case.memory_bound),
            steps: 0,
            unit_ns: 0,
            blocks: Vec::new(),
        };
        Suite {
            schema: SCHEMA,
            kind,
            seed,
            started: humantime::format_rfc3339_seconds(SystemTime::now()).to_string(),
            seconds: 0.0,
            load: load(),
            commit,
            dirty: dirty.unwrap_or(true),
            source: machine::SOURCE.to_owned(),
            executables: [self.digest.clone(), new.clone()],
            environment: self.environment.clone(),
            cases: cases.iter().map(empty).collect(),
        }
    }

    /// Takes the samples of a suite.
    pub(super) fn run(
        &self,
        head: Suite,
        cases: &[Listed],
        tolerance: &Tolerance,
    ) -> Result<Suite, Stop> {
        let start = Instant::now();
        let build = |exe: &Path, plant: Plant| {
            let args = [("--plant", plant.permille), ("--sleep", plant.sleep_us)];
            let args = args.iter().flat_map(|(name, n)| [(*name).to_owned(), n.to_string()]);
            Build { exe: exe.to_owned(), args: args.collect() }
        };
        let new = match (&self.pad, head.kind) {
            (Some((pad, _)), Kind::Pad) => pad,
            _ => &self.exe,
        };
        let plant = Plant { permille: head.kind.permille(), sleep_us: head.kind.sleep_us() };
        let (old, new) = (build(&self.exe, Plant::NONE), build(new, plant));
        let samples = duet::suite([&old, &new], cases, tolerance, head.seed, PARTS);
        let samples =
            samples.map_err(|Dropped { id, exit, why }| Stop::new(exit, format!("{id}: {why}")))?;
        self.unchanged()?;
        let taken = samples.into_iter().zip(cases);
        let taken = taken.map(|((s, unit_ns), case)| Taken::new(s, unit_ns, case.memory_bound));
        Ok(Suite { seconds: start.elapsed().as_secs_f64(), cases: taken.collect(), ..head })
    }
}

fn digest(path: &Path) -> Result<String, Stop> {
    let failed = |err| Stop::new(Exit::Failure, format!("{}: {err}", path.display()));
    fs::read(path).map(|bytes| run::digest(&bytes)).map_err(failed)
}

/// How many processes want to run, on average over 1, 5 and 15 minutes.
fn load() -> Option<[f64; 3]> {
    let text = fs::read_to_string("/proc/loadavg").ok()?;
    let numbers: Vec<f64> = text.split(' ').take(3).map_while(|n| n.parse().ok()).collect();
    numbers.try_into().ok()
}
