//! `stepmark duet`: compares the times of two builds, run side by side.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};
use std::{fs, io};

use super::outputs::{self, Outputs};
use super::shell::quoted;
use super::{Context, Exit, Selection, Stop};
use crate::file;
use crate::gate::duet::decide::LOOKS;
use crate::gate::duet::{self, Build, Checkout, Limits, Lock, Plan, ROUNDS, Samples};
use crate::gate::{Duet, Outcome, Parts, Slower, Tolerance};
use crate::machine::workspace;

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The revision of the old build; the new one is the working tree
    #[arg(value_name = "REV", required_unless_present = "exe", conflicts_with = "exe")]
    revision: Option<String>,
    #[command(flatten)]
    selection: Selection,
    /// An executable on disk: once for the old build, then for the new one
    #[arg(long, value_name = "FILE")]
    exe: Vec<PathBuf>,
    #[command(flatten)]
    pairs: PairOptions,
    #[command(flatten)]
    outputs: Outputs,
}

/// How pairs are taken, and what they must say.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Paired times")]
pub(super) struct PairOptions {
    /// Fail (exit 6) if a case stays unclear, or the self-test fails so that times only inform
    #[arg(long)]
    pub(super) strict: bool,
    /// Build both with these features, besides those by default; as cargo takes them
    #[arg(long, value_name = "LIST", default_value = "")]
    features: String,
    /// Allow cases that only the old build has
    #[arg(long)]
    pub(super) allow_removed: bool,
    /// How many pairs of samples to take of a case that stays unclear; with 50, one slower case
    /// among more than ten cannot fail [default: 400]
    #[arg(long, value_name = "N", value_parser = ["50", "100", "400"])]
    max_pairs: Option<String>,
    /// Seed of the order of the samples [default: another one every time]
    #[arg(long, value_name = "N")]
    seed: Option<u64>,
    /// Write the raw samples to this file, one line of JSON per case
    #[arg(long, value_name = "FILE")]
    samples: Option<PathBuf>,
}

impl PairOptions {
    /// Requires that the samples can be written.
    pub(super) fn ready(&self) -> Result<(), Stop> {
        self.samples.as_deref().map_or(Ok(()), |path| outputs::can_be_written(path).map(drop))
    }

    /// Whether any of it was said.
    pub(super) fn are_asked_for(&self) -> bool {
        let Self { strict, features, allow_removed, max_pairs, seed, samples } = self;
        let given = max_pairs.is_some() || seed.is_some() || samples.is_some();
        *strict || *allow_removed || given || !features.is_empty()
    }

    /// The arguments of a run that decides as this one, of one case or of all that were selected.
    pub(super) fn again(&self, id: Option<&str>, selection: &Selection) -> String {
        let mut text = String::new();
        if let Some(filter) = id.or(selection.filter.as_deref()) {
            text += &format!(" --filter {}", quoted(filter));
        }
        if !self.features.is_empty() {
            text += &format!(" --features {}", quoted(&self.features));
        }
        for (flag, said) in [("strict", self.strict), ("allow-removed", self.allow_removed)] {
            if said {
                text += &format!(" --{flag}");
            }
        }
        text + &self.max_pairs.as_ref().map_or_else(String::new, |n| format!(" --max-pairs {n}"))
    }
}

/// Where a repository says which margins it wants.
pub(super) const TOLERANCE: &str = "ci/tolerance.json";

/// The two builds.
pub(super) struct Builds {
    old: PathBuf,
    new: PathBuf,
    /// Name of the old one.
    against: String,
    /// Notes on them.
    notes: Vec<String>,
}

pub(super) fn run(args: &Args, context: &mut Context<'_>) -> Result<Exit, Stop> {
    args.outputs.ready()?;
    args.pairs.ready()?;
    if !args.exe.is_empty() && !args.pairs.features.is_empty() {
        return Err(Stop::new(Exit::Usage, "--features is for builds, which --exe does without"));
    }
    let (against, named, executables) = match (&args.revision, args.exe.as_slice()) {
        (Some(revision), _) => (revision.clone(), quoted(revision), None),
        (None, [old, new]) => {
            let word = |exe: &Path| quoted(&exe.display().to_string());
            let named = format!("--exe {} --exe {}", word(old), word(new));
            let builds = of_executables(old, new);
            (builds.against.clone(), named, Some(builds))
        }
        (None, _) => {
            return Err(Stop::new(Exit::Usage, "name two executables: --exe OLD --exe NEW"));
        }
    };
    let _lock = Lock::take(&context.target)?;
    let again = |id: Option<&str>| {
        let more = args.pairs.again(id, &args.selection);
        format!("cargo run --release -- duet {named}{more}")
    };
    let mut head = outputs::head("duet", against.clone(), args.pairs.strict);
    let of_revision = || of_revision(&against, false, &args.pairs, &context.target);
    let builds = executables.map_or_else(of_revision, Ok);
    let slower = slower(builds, &args.pairs, &args.selection, &again, |_| ())?;
    if let Slower::Answered { duet, .. } = &slower {
        head.against.clone_from(&duet.against);
    }
    let outcome = Outcome::new(head, Parts { slower, ..Parts::default() });
    args.outputs.finish(&outcome, context)
}

fn of_executables(old: &Path, new: &Path) -> Builds {
    // A name alone is a file here, and not on the path.
    let here = Path::new(".");
    Builds {
        old: here.join(old),
        new: here.join(new),
        against: old.display().to_string(),
        notes: Vec::new(),
    }
}

/// The builds of a revision, or of where it parted from what is checked out, and of the working
/// tree.
pub(super) fn of_revision(
    revision: &str,
    merge_base: bool,
    pairs: &PairOptions,
    target: &Path,
) -> Result<Builds, Stop> {
    let builds = Checkout::find(target, &pairs.features)
        .and_then(|checkout| checkout.builds(revision, merge_base, &mut |what| tell(what)));
    let duet::Builds { old, new, mut notes } = builds.map_err(|why| {
        let exit = why.exit();
        Stop { exit, ..Stop::from(why) }
    })?;
    if new.dirty {
        tell("the working tree has uncommitted changes");
    }
    let note = |file| format!("{file} is another in {}: builds or margins may differ", old.name);
    notes.extend(old.settings.iter().map(note));
    Ok(Builds { notes, old: old.exe, new: new.exe, against: old.name })
}

/// Asks whether the new one of two builds is slower. That they cannot be run is a failure of the
/// tool, found beside what else was; `again` makes the shell line of such a run, and `note` may add
/// to what is said of the pairs.
pub(super) fn slower(
    builds: Result<Builds, Stop>,
    pairs: &PairOptions,
    selection: &Selection,
    again: &dyn Fn(Option<&str>) -> String,
    note: impl FnOnce(&mut Duet),
) -> Result<Slower, Stop> {
    match builds.and_then(|builds| run_pairs(builds, pairs, selection)) {
        Ok(mut duet) => {
            note(&mut duet);
            let findings = duet::findings(&duet, pairs.strict, pairs.allow_removed, again);
            Ok(Slower::Answered { duet, findings })
        }
        Err(Stop { exit: exit @ (Exit::Failure | Exit::Incomparable), why }) => {
            // A finding is one line, and a compiler says more.
            tell(&why);
            let first = why.lines().next().unwrap_or_default().trim_end_matches(':');
            Ok(Slower::Failed { exit, why: first.to_owned(), next: again(None) })
        }
        Err(stop) => Err(stop),
    }
}

/// Takes the pairs of two builds, and writes the samples where that is asked for.
fn run_pairs(builds: Builds, pairs: &PairOptions, selection: &Selection) -> Result<Duet, Stop> {
    let most = pairs.max_pairs.as_ref().and_then(|most| most.parse().ok()).unwrap_or(usize::MAX);
    let mut notes = builds.notes;
    if matches!((fs::read(&builds.old), fs::read(&builds.new)), (Ok(old), Ok(new)) if old == new) {
        notes.push("both builds are the same, byte for byte".to_owned());
    }
    let mut limits = Limits::default();
    if pairs.strict {
        (limits.look, limits.last_look) = (Duration::MAX, Duration::MAX);
    }
    let plan = Plan {
        old: Build::new(builds.old),
        new: Build::new(builds.new),
        against: builds.against,
        seed: pairs.seed.unwrap_or_else(seed),
        looks: LOOKS.iter().filter(|look| look.blocks * ROUNDS <= most).count(),
        tolerance: Tolerance::read(&workspace::at_package(TOLERANCE))?,
        limits,
    };
    let sampled = duet::run(&plan, &|id| selection.holds(id), &mut |what| tell(what))?;
    let mut duet = sampled.duet;
    duet.notes.extend(notes.into_iter().map(|note| ("paired".to_owned(), note)));
    let others = duet.dropped.len() + duet.added.len() + duet.removed.len();
    if let (Some(text), 0) = (&selection.filter, duet.cases.len() + others) {
        let why = format!("no case id of either build contains `{text}`");
        return Err(Stop::new(Exit::Usage, why));
    }
    if let Some(path) = &pairs.samples {
        write_samples(&sampled.samples, path)?;
    }
    Ok(duet)
}

/// Says what goes on to who waits; a log without it is as good.
fn tell(what: &str) {
    let _ = writeln!(io::stderr(), "stepmark: {what}");
}

fn write_samples(all: &[Samples], path: &Path) -> Result<(), Stop> {
    let mut lines = String::new();
    for samples in all {
        lines += &(serde_json::to_string(samples)? + "\n");
    }
    file::replace(path, lines.as_bytes()).map_err(|why| outputs::unwritable(path, &why))
}

/// Another one every time, small enough for whoever reads numbers of JSON as floating-point ones.
#[expect(clippy::cast_possible_truncation, reason = "the low bits are those that differ")]
fn seed() -> u64 {
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    (now.as_nanos() as u32).into()
}
