//! `stepmark calibrate`: measures how often paired runs err on this machine.

use std::collections::BTreeMap;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};
use std::time::{Instant, SystemTime};
use std::{env, fs};

use serde::Serialize;

use super::{Context, Exit, Selection, Stop, worker};
use crate::gate::Tolerance;
use crate::gate::calibrate::{
    self, Kind, Margins, PARTS, Row, SCHEMA, SampleFile, Suite, Suites, Taken,
};
use crate::gate::duet::protocol::Listed;
use crate::gate::duet::{self, Build, Lock, Stopped};
use crate::machine::{self, Environment};
use crate::{calibration, file, report, run};

/// A suite is a paired run of the same executable, or of two, over a selection of cases and two
/// more that slowdowns are planted in. Each verdict of each suite is counted.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    #[command(flatten)]
    selection: Selection,
    /// How many suites of a kind: none, pad, plant2, plant5 or plant10; repeatable
    /// [default: none=3 plant5=2 plant10=2]
    #[arg(long, value_name = "KIND=N", value_parser = quota)]
    suites: Vec<(Kind, u64)>,
    /// An executable of the same sources, built with the feature `pad`
    #[arg(long, value_name = "FILE")]
    pad: Option<PathBuf>,
    /// Seed of the first suite; each next one has the next
    #[arg(long, value_name = "N", default_value_t = 0)]
    seed: u64,
    /// Append each suite to this file, and count those that it holds
    #[arg(long, value_name = "FILE")]
    samples: Option<PathBuf>,
    /// Judge the suites of this file, or of the standard input for `-`, and run none
    #[arg(long, value_name = "FILE", conflicts_with_all = ["suites", "samples", "filter"])]
    from: Option<PathBuf>,
    /// Write the rates and what they belong to to this file
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
    /// Write the margins to ci/tolerance.json
    #[arg(long)]
    write: bool,
}

const TOLERANCE: &str = "ci/tolerance.json";

/// A suite has at least so many cases of the registry, where there are so many.
const CASES: usize = 18;

/// A suite takes about so long.
const SUITE_SECONDS: f64 = 20.0;

const DEFAULT: [(Kind, u64); 3] = [(Kind::None, 3), (Kind::Plant5, 2), (Kind::Plant10, 2)];

fn quota(text: &str) -> Result<(Kind, u64), String> {
    let (kind, count) = text.split_once('=').ok_or("expected KIND=N, as in none=10")?;
    match count.parse() {
        Ok(count @ 1..=100_000) => Ok((kind.parse()?, count)),
        _ => Err(format!("`{count}` is no number of suites, from 1 to 100000")),
    }
}

pub(super) fn run(args: &Args, context: &mut Context<'_>) -> Result<Exit, Stop> {
    let suites = match &args.from {
        Some(path) => read(path)?,
        None => sample(args, context)?,
    };
    let Some(first) = suites.first() else {
        return Err(Stop::new(Exit::Incomparable, "there are no suites to judge"));
    };
    let rows = calibrate::rows(&suites);
    let margins = calibrate::choose(&suites);
    let why = |row: &Row| {
        let pad = row.change == Kind::Pad.title() && args.from.is_none();
        if pad && args.pad.is_none() { "not run: needs --pad" } else { "not run" }.to_owned()
    };
    let (cases, began) = (first.cases.len(), &first.started);
    writeln!(context.out, "{} suites of {cases} cases, from {began}", suites.len())?;
    write!(context.out, "{}", report::calibration(&rows, &why))?;
    if let Some(margins) = &margins {
        write!(context.out, "{}", report::margins(margins))?;
    }
    if let Some(path) = &args.json {
        let text = serde_json::to_string_pretty(&Record::new(&suites, rows, margins.clone()))?;
        let failed = |err| Stop::new(Exit::Failure, format!("{}: {err}", path.display()));
        file::replace(path, (text + "\n").as_bytes()).map_err(failed)?;
    }
    if args.write {
        let Some(tolerance) = margins.and_then(|margins| margins.tolerance()) else {
            let why = format!("{TOLERANCE} stays: the suites support no margins");
            return Err(Stop::new(Exit::Incomparable, why));
        };
        tolerance.write(Path::new(TOLERANCE))?;
        writeln!(context.out, "wrote {TOLERANCE}")?;
    }
    Ok(Exit::Pass)
}

/// The suites of a file.
fn read(path: &Path) -> Result<Vec<Suite>, Stop> {
    let mut text = String::new();
    let read = if path == Path::new("-") {
        io::stdin().read_to_string(&mut text).map(drop)
    } else {
        fs::read_to_string(path).map(|read| text = read)
    };
    read.map_err(|err| Stop::new(Exit::Failure, format!("{}: {err}", path.display())))?;
    let suites = calibrate::read(path, &text)?;
    note(path, &suites);
    Ok(suites.suites)
}

fn note(path: &Path, suites: &Suites) {
    if suites.partial_len_bytes > 0 {
        let (path, len) = (path.display(), suites.partial_len_bytes);
        eprintln!("stepmark: {path}: dropped {len} bytes of a suite that was not finished");
    }
}

/// Runs what the file of samples does not hold yet.
fn sample(args: &Args, context: &Context<'_>) -> Result<Vec<Suite>, Stop> {
    let wanted = quotas(&args.suites)?;
    let cases = suite_cases(&args.selection, context)?;
    let builds = Builds::new(args.pad.as_deref())?;
    if wanted.contains_key(&Kind::Pad) && builds.pad.is_none() {
        let why = "suites of the kind pad need --pad FILE; ci/calibrate.sh builds one";
        return Err(Stop::new(Exit::Usage, why));
    }
    let tolerance = Tolerance::read(Path::new(TOLERANCE))?;
    let _lock = Lock::take(&context.target)?;
    let (mut samples, mut suites) = (None, Vec::new());
    if let Some(path) = &args.samples {
        let (opened, held) = SampleFile::open(path)?;
        note(path, &held);
        (samples, suites) = (Some(opened), held.suites);
    }
    let order = order(&wanted, &suites);
    let seconds = suites.iter().map(|suite| suite.seconds).sum::<f64>() / suites.len() as f64;
    let seconds = if suites.is_empty() { SUITE_SECONDS } else { seconds };
    eprintln!(
        "stepmark: {} suites of {} cases, about {:.0} min",
        order.len(),
        cases.len(),
        (order.len() as f64 * seconds / 60.0).ceil()
    );
    for (at, kind) in order.iter().enumerate() {
        let head = builds.head(*kind, args.seed + suites.len() as u64, &cases);
        if let Some(samples) = &samples {
            samples.admits(&head, &suites)?;
        }
        let suite = builds.run(head, &cases, &tolerance)?;
        if let Some(samples) = &mut samples {
            samples.append(&suite)?;
        }
        let (at, of) = (at + 1, order.len());
        eprintln!("stepmark: suite {at} of {of}, {kind}: {}", said(&suite));
        suites.push(suite);
    }
    Ok(suites)
}

/// What a suite found, in one line.
fn said(suite: &Suite) -> String {
    let changes = suite.changes();
    let told = suite.cases.iter().zip(&changes).filter_map(|(case, change)| {
        let change = match change {
            crate::gate::Change::Same => return None,
            crate::gate::Change::Slower => "slower",
            crate::gate::Change::Faster => "faster",
            crate::gate::Change::Unclear => "unclear",
        };
        Some(format!("{} {change}", case.id))
    });
    let told = told.collect::<Vec<_>>();
    let rest = changes.len() - told.len();
    format!("{:.0} s; {rest} same; {}", suite.seconds, told.join(", "))
}

/// How many suites of each kind.
fn quotas(suites: &[(Kind, u64)]) -> Result<BTreeMap<Kind, u64>, Stop> {
    let suites = if suites.is_empty() { &DEFAULT } else { suites };
    let mut wanted = BTreeMap::new();
    for (kind, count) in suites {
        if wanted.insert(*kind, *count).is_some() {
            return Err(Stop::new(Exit::Usage, format!("--suites {kind} is said twice")));
        }
    }
    Ok(wanted)
}

/// What is still to be run, the kinds interleaved, so that each has its share whenever it ends.
fn order(wanted: &BTreeMap<Kind, u64>, held: &[Suite]) -> Vec<Kind> {
    let count = |kind| held.iter().filter(|suite| suite.kind == kind).count() as u64;
    let mut done: Vec<(Kind, u64, u64)> =
        wanted.iter().map(|(kind, wanted)| (*kind, count(*kind), *wanted)).collect();
    let mut order = Vec::new();
    loop {
        let open = done.iter_mut().filter(|(_, done, wanted)| done < wanted);
        // The kind that lags behind most: done / wanted is least.
        let Some((kind, done, _)) = open.min_by(|a, b| (a.1 * b.2).cmp(&(b.1 * a.2))) else {
            return order;
        };
        *done += 1;
        order.push(*kind);
    }
}

/// Every so many cases of those that are counted, which are small and soon prepared, and the
/// planted ones.
fn suite_cases(selection: &Selection, context: &Context<'_>) -> Result<Vec<Listed>, Stop> {
    let counted: Vec<_> = context.cases.iter().filter(|case| !case.timed_only).collect();
    let every = (counted.len() / CASES).max(1);
    let planted = calibration::cases(0);
    let chosen = counted.into_iter().step_by(every).chain(&planted);
    let chosen: Vec<Listed> =
        chosen.filter(|case| selection.holds(&case.id)).map(worker::listed).collect();
    match &selection.filter {
        Some(text) if chosen.is_empty() => {
            Err(Stop::new(Exit::Usage, format!("no case id of a suite contains `{text}`")))
        }
        _ => Ok(chosen),
    }
}

/// The executables, and what does not change between suites.
struct Builds {
    exe: PathBuf,
    digest: String,
    /// The padded one, and its digest.
    pad: Option<(PathBuf, String)>,
    environment: Environment,
}

impl Builds {
    fn new(pad: Option<&Path>) -> Result<Self, Stop> {
        let exe = env::current_exe()?;
        let own = digest(&exe)?;
        let pad = pad.map(|path| Ok::<_, Stop>((path.to_owned(), digest(path)?))).transpose()?;
        if let Some((path, _)) = pad.as_ref().filter(|(_, digest)| *digest == own) {
            let why = format!("{}: is this very executable, not a padded one", path.display());
            return Err(Stop::new(Exit::Usage, why));
        }
        Ok(Self { exe, digest: own, pad, environment: machine::wall() })
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
    fn head(&self, kind: Kind, seed: u64, cases: &[Listed]) -> Suite {
        let (commit, dirty) = machine::revision(Path::new("baselines")).unzip();
        let new = match (&self.pad, kind) {
            (Some((_, digest)), Kind::Pad) => digest,
            _ => &self.digest,
        };
        let empty = |case: &Listed| Taken {
            id: case.id.clone(),
            memory_bound: case.memory_bound,
            metric: case.metric,
            margin: 0.0,
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
    fn run(&self, head: Suite, cases: &[Listed], tolerance: &Tolerance) -> Result<Suite, Stop> {
        let start = Instant::now();
        let build = |exe: &Path, plant: u32| Build {
            exe: exe.to_owned(),
            args: vec!["--plant".to_owned(), plant.to_string()],
        };
        let new = match (&self.pad, head.kind) {
            (Some((pad, _)), Kind::Pad) => pad,
            _ => &self.exe,
        };
        let (old, new) = (build(&self.exe, 0), build(new, head.kind.plant()));
        let samples = duet::suite([&old, &new], cases, tolerance, head.seed, PARTS);
        let samples = samples.map_err(|stopped| match stopped {
            Stopped::Wrong(dropped) => {
                Stop::new(Exit::Wrong, format!("{}: {}", dropped.id, dropped.why))
            }
            Stopped::Failed(err) => Stop::from(err),
        })?;
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

/// The rates, and what they belong to.
#[derive(Debug, Serialize)]
struct Record {
    schema: u32,
    harness: &'static str,
    /// When the first and the last suite started, in UTC.
    started: [String; 2],
    /// The least, the median and the most of the loads of one minute.
    load: Option<[f64; 3]>,
    commit: Option<String>,
    dirty: bool,
    source: String,
    executable: String,
    environment: Environment,
    cases: Vec<String>,
    margins: Option<Margins>,
    rows: Vec<Row>,
}

impl Record {
    fn new(suites: &[Suite], rows: Vec<Row>, margins: Option<Margins>) -> Self {
        let first = suites.first().expect("there are suites");
        let started = || suites.iter().map(|suite| &suite.started);
        let range = [started().min(), started().max()];
        let load = crate::stats::sorted(suites.iter().filter_map(|suite| Some(suite.load?[0])));
        let quantile = |p| crate::stats::quantile(&load, p);
        Self {
            schema: SCHEMA,
            harness: env!("CARGO_PKG_VERSION"),
            started: range.map(|at| at.expect("there are suites").clone()),
            load: (!load.is_empty()).then(|| [0.0, 0.5, 1.0].map(quantile)),
            commit: first.commit.clone(),
            dirty: suites.iter().any(|suite| suite.dirty),
            source: first.source.clone(),
            executable: first.executables[0].clone(),
            environment: first.environment.clone(),
            cases: first.cases.iter().map(|case| case.id.clone()).collect(),
            margins,
            rows,
        }
    }
}
