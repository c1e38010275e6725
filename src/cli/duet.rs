//! `stepmark duet`: compares the times of two builds, run side by side.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};
use std::{fs, io};

use super::base::{Base, tolerance};
use super::outputs::{self, Outputs};
use super::shell::quoted;
use super::{Context, Exit, Selection, Stop};
use crate::file;
use crate::gate::duet::decide::LOOKS;
use crate::gate::duet::{self, Build, Checkout, Limits, Lock, Plan, ROUNDS, Samples};
use crate::gate::{Duet, Outcome, Parts, Slower, Tolerance};

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
    /// Build both with these features, besides those by default or those that each names for pairs;
    /// as cargo takes them
    #[arg(long, value_name = "LIST", default_value = "")]
    features: String,
    /// Allow cases that only the old build has
    #[arg(long)]
    pub(super) allow_removed: bool,
    /// Allow other output bits of cases whose definition fixes them
    #[arg(long)]
    allow_changed: bool,
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
        let Self { strict, features, allow_removed, allow_changed, max_pairs, seed, samples } =
            self;
        let given = max_pairs.is_some() || seed.is_some() || samples.is_some();
        *strict || *allow_removed || *allow_changed || given || !features.is_empty()
    }

    /// The arguments of a run that decides as this one, of one case or of all that were selected.
    pub(super) fn again(&self, id: Option<&str>, selection: &Selection) -> String {
        let mut text = selection.again(id);
        if !self.features.is_empty() {
            text += &format!(" --features {}", quoted(&self.features));
        }
        for (flag, said) in [
            ("strict", self.strict),
            ("allow-removed", self.allow_removed),
            ("allow-changed", self.allow_changed),
        ] {
            if said {
                text += &format!(" --{flag}");
            }
        }
        text + &self.max_pairs.as_ref().map_or_else(String::new, |n| format!(" --max-pairs {n}"))
    }
}

/// The two builds.
struct Builds {
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
    let is_taken = |id: &str| args.selection.holds(id);
    let ask = Ask { pairs: &args.pairs, selection: Some(&args.selection), is_taken: &is_taken };
    let slower = match executables {
        Some(builds) => ask.slower(tolerance().map(|margins| (builds, margins)), &again, |_| ())?,
        None => match base(&against, false, &args.pairs, &context.target) {
            Ok(base) => ask.since(&base, &again, |_| ())?,
            Err(stop) => unanswered(stop, &again)?,
        },
    };
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

/// The builds of a commit and of the working tree.
fn of_commit(base: &Base) -> Result<Builds, Stop> {
    let builds = base.builds(&mut |what| tell(what));
    let duet::Builds { old, new, mut notes } = builds.map_err(no_build)?;
    if new.dirty {
        tell("the working tree has uncommitted changes");
    }
    let note = |file: &PathBuf| {
        format!("{} is another in {}: builds may differ", file.display(), old.name)
    };
    notes.extend(old.settings.iter().map(note));
    Ok(Builds { notes, old: old.exe, new: new.exe, against: old.name })
}

fn no_build(why: duet::build::Error) -> Stop {
    let exit = why.exit();
    Stop { exit, ..Stop::from(why) }
}

/// The commit that a revision names, or where that parted from what is checked out: found before
/// anything is built or checked.
pub(super) fn base(
    revision: &str,
    merge_base: bool,
    pairs: &PairOptions,
    target: &Path,
) -> Result<Base, Stop> {
    // A fault of the package comes before one of the repository.
    let checkout = Checkout::find(target, &pairs.features).map_err(no_build)?;
    Base::find(checkout, revision, merge_base)
}

/// The question whether the new one of two builds is slower.
pub(super) struct Ask<'a> {
    pub(super) pairs: &'a PairOptions,
    /// The selection that must name a case of either build; `None` where it selects one here.
    pub(super) selection: Option<&'a Selection>,
    /// Whether a case is timed: one that is selected, and not known to be wrong.
    pub(super) is_taken: &'a dyn Fn(&str) -> bool,
}

/// Makes the shell line of a run that answers again, of one case or of all.
type Again<'a> = &'a dyn Fn(Option<&str>) -> String;

impl Ask<'_> {
    /// Answers for the build of a commit and that of the working tree.
    pub(super) fn since(
        &self,
        base: &Base,
        again: Again<'_>,
        note: impl FnOnce(&mut Duet),
    ) -> Result<Slower, Stop> {
        let builds = base.tolerance().and_then(|(tolerance, wider)| {
            let mut builds = of_commit(base)?;
            builds.notes.extend(wider);
            Ok((builds, tolerance))
        });
        self.slower(builds, again, note)
    }

    /// Answers for two builds by these margins. That they cannot be run is found beside what else was;
    /// `again` makes the shell line of such a run, and `note` may add to what is said of the pairs.
    fn slower(
        &self,
        builds: Result<(Builds, Tolerance), Stop>,
        again: Again<'_>,
        note: impl FnOnce(&mut Duet),
    ) -> Result<Slower, Stop> {
        let pairs = self.pairs;
        match builds.and_then(|(builds, tolerance)| self.run_pairs(builds, tolerance)) {
            Ok(mut duet) => {
                note(&mut duet);
                let findings = duet::findings(&duet, pairs.strict, pairs.allow_removed, again);
                Ok(Slower::Answered { duet, findings })
            }
            Err(stop) => unanswered(stop, again),
        }
    }

    /// Takes the pairs of two builds, and writes the samples where that is asked for.
    fn run_pairs(&self, builds: Builds, tolerance: Tolerance) -> Result<Duet, Stop> {
        let pairs = self.pairs;
        let most = pairs.max_pairs.as_ref().and_then(|most| most.parse().ok());
        let most = most.unwrap_or(usize::MAX);
        let mut notes = builds.notes;
        if matches!((fs::read(&builds.old), fs::read(&builds.new)), (Ok(old), Ok(new)) if old == new)
        {
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
            tolerance,
            allow_changed: pairs.allow_changed,
            limits,
        };
        let sampled = duet::run(&plan, self.is_taken, &mut |what| tell(what))?;
        let mut duet = sampled.duet;
        duet.notes.extend(notes.into_iter().map(|note| ("paired".to_owned(), note)));
        let others = duet.dropped.len() + duet.added.len() + duet.removed.len();
        let none = self.selection.and_then(|all| all.none("case id of either build"));
        if let (Some(none), 0) = (none, duet.cases.len() + others) {
            return Err(Stop::new(Exit::Usage, none));
        }
        if let Some(path) = &pairs.samples {
            write_samples(&sampled.samples, path)?;
        }
        Ok(duet)
    }
}

/// A question that has no answer for a reason that is a finding; a wrong command line is none.
pub(super) fn unanswered(stop: Stop, again: Again<'_>) -> Result<Slower, Stop> {
    let Stop { exit: exit @ (Exit::Failure | Exit::Incomparable), why } = stop else {
        return Err(stop);
    };
    let mut lines = why.lines();
    let first = lines.next().unwrap_or_default().trim_end_matches(':').to_owned();
    if lines.next().is_some() {
        // A finding is one line, and a compiler says more.
        tell(&why);
    }
    Ok(Slower::Failed { exit, why: first, next: again(None) })
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
