//! `stepmark duet`: compares the times of two builds, run side by side.

use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use super::{Context, Exit, Selection, Stop};
use crate::file;
use crate::gate::duet::decide::LOOKS;
use crate::gate::duet::{self, Build, Checkout, Limits, Lock, Outcome, Plan, ROUNDS, Rules};
use crate::gate::{Change, Findings, Tolerance};

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
    /// Fail where the pairs do not tell
    #[arg(long)]
    strict: bool,
    /// Seed of the order of the samples [default: another one every time]
    #[arg(long, value_name = "N")]
    seed: Option<u64>,
    /// Write the raw samples to this file, one line of JSON per case
    #[arg(long, value_name = "FILE")]
    samples: Option<PathBuf>,
    /// Allow cases that only the old build has
    #[arg(long)]
    allow_removed: bool,
    /// How many pairs of samples to take of a case that stays unclear
    #[arg(long, value_name = "N", default_value = "400", value_parser = ["50", "100", "400"])]
    max_pairs: String,
}

const TOLERANCE: &str = "ci/tolerance.json";

/// The two builds.
struct Builds {
    old: PathBuf,
    new: PathBuf,
    /// What the old one is.
    against: String,
    /// What the new one is.
    of: String,
    /// The argument that names both again.
    again: String,
}

pub(super) fn run(args: &Args, context: &mut Context<'_>) -> Result<Exit, Stop> {
    if args.revision.is_none() && args.exe.len() != 2 {
        return Err(Stop::new(Exit::Usage, "name two executables: --exe OLD --exe NEW"));
    }
    let tolerance = Tolerance::read(Path::new(TOLERANCE))?;
    let _lock = Lock::take(&context.target)?;
    let builds = builds(args, &context.target)?;
    let most = args.max_pairs.parse().unwrap_or(usize::MAX);
    let plan = Plan {
        old: Build::new(builds.old),
        new: Build::new(builds.new),
        against: builds.against,
        seed: args.seed.unwrap_or_else(seed),
        looks: LOOKS.iter().filter(|look| look.blocks * ROUNDS <= most).count(),
        tolerance,
        limits: Limits::default(),
    };
    let outcome = duet::run(&plan, &|id| args.selection.holds(id), &mut |what| tell(what))?;
    let duet = &outcome.duet;
    let (some, filter) = (duet.added.len() + duet.removed.len(), &args.selection.filter);
    if let (Some(text), 0) = (filter, duet.cases.len() + outcome.dropped.len() + some) {
        let why = format!("no case id of either build contains `{text}`");
        return Err(Stop::new(Exit::Usage, why));
    }
    if let Some(path) = &args.samples {
        write_samples(&outcome, path)?;
    }
    let again = |id: &str| format!("cargo run --release -- duet {} --filter {id}", builds.again);
    let mut findings = Findings::default();
    let rules = Rules { strict: args.strict, allow_removed: args.allow_removed };
    outcome.findings(rules, &again, &mut findings);
    print(&outcome, &builds.of, &findings, context)
}

fn builds(args: &Args, target: &Path) -> Result<Builds, Stop> {
    if let (None, [old, new]) = (&args.revision, args.exe.as_slice()) {
        let (against, of) = (old.display().to_string(), new.display().to_string());
        let again = format!("--exe {against} --exe {of}");
        // A name alone is a file here, and not on the path.
        let [old, new] = [old, new].map(|exe| Path::new(".").join(exe));
        return Ok(Builds { old, new, against, of, again });
    }
    let revision = args.revision.as_deref().expect("clap asks for a revision or executables");
    let checkout = Checkout::find(target)?;
    tell(&format!("building {revision}"));
    let old = checkout.revision(revision, false)?;
    tell("building the working tree");
    let new = checkout.working_tree()?;
    let changed = if new.dirty { " with uncommitted changes" } else { "" };
    let of = format!("the working tree{changed}");
    Ok(Builds { old: old.exe, new: new.exe, against: old.name, of, again: revision.to_owned() })
}

/// Says what goes on to who waits; a log without it is as good.
fn tell(what: &str) {
    let _ = writeln!(io::stderr(), "stepmark: {what}");
}

fn print(
    outcome: &Outcome,
    new: &str,
    findings: &Findings,
    context: &mut Context<'_>,
) -> Result<Exit, Stop> {
    let duet = &outcome.duet;
    let advisory = duet.advisory.as_ref().map(|why| format!("advisory: {why}; "));
    writeln!(
        context.out,
        "{}duet: {} cases of {new} against {}, seed {}",
        advisory.unwrap_or_default(),
        duet.cases.len(),
        duet.against,
        duet.seed
    )?;
    for finding in findings.iter() {
        writeln!(context.out, "{finding}")?;
    }
    let exit = findings.exit();
    let verdict = match exit {
        Exit::Pass if duet.advisory.is_some() => "advisory".to_owned(),
        exit => exit.to_string(),
    };
    let count = |change| duet.cases.iter().filter(|case| case.change == change).count();
    writeln!(
        context.out,
        "{verdict} (exit {}): {} slower, {} faster, {} same, {} unclear, {} not compared",
        exit.code(),
        count(Change::Slower),
        count(Change::Faster),
        count(Change::Same),
        count(Change::Unclear),
        outcome.dropped.len() + duet.added.len() + duet.removed.len()
    )?;
    Ok(exit)
}

fn write_samples(outcome: &Outcome, path: &Path) -> Result<(), Stop> {
    let mut lines = String::new();
    for samples in &outcome.samples {
        lines += &(serde_json::to_string(samples)? + "\n");
    }
    let failed = |err| Stop::new(Exit::Failure, format!("{}: {err}", path.display()));
    file::replace(path, lines.as_bytes()).map_err(failed)
}

/// Another one every time.
#[expect(clippy::cast_possible_truncation, reason = "the low bits are those that differ")]
fn seed() -> u64 {
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    now.as_nanos() as u64
}

#[cfg(test)]
mod tests {
    use std::slice;

    use super::*;
    use crate::gate::{Duet, Metric, Paired, SelfTest};

    fn paired(change: Change) -> Paired {
        Paired {
            id: "a/b/n1".to_owned(),
            metric: Metric::ThreadCpu,
            margin: 0.03,
            pairs: 50,
            old_ns: 100.0,
            new_ns: 110.0,
            ratio: 1.1,
            low: 1.09,
            high: 1.11,
            slower_p: 0.005,
            slower_q: 0.005,
            faster_p: 1.0,
            faster_q: 1.0,
            change,
        }
    }

    /// What is printed of a slower case, and how the run ends.
    fn said(self_test: SelfTest, strict: bool) -> (Exit, String) {
        let duet = Duet {
            against: "main (0123456789ab)".to_owned(),
            seed: 1,
            advisory: duet::advisory(slice::from_ref(&self_test)),
            self_tests: vec![self_test],
            cases: vec![paired(Change::Slower)],
            added: Vec::new(),
            removed: Vec::new(),
        };
        let (samples, dropped, notes) = (Vec::new(), Vec::new(), Vec::new());
        let outcome = Outcome { duet, samples, dropped, notes };
        let mut findings = Findings::default();
        let rules = Rules { strict, allow_removed: false };
        outcome.findings(rules, &|id| format!("again {id}"), &mut findings);
        let mut out = Vec::new();
        let mut context = Context { cases: &[], target: PathBuf::new(), out: &mut out };
        let exit = print(&outcome, "the working tree", &findings, &mut context).unwrap();
        (exit, String::from_utf8(out).unwrap())
    }

    #[test]
    fn a_build_that_differs_from_itself_makes_the_verdicts_advisory() {
        let good = SelfTest { paired: paired(Change::Same), one_sided: 0.9 };
        let (exit, text) = said(good.clone(), false);
        assert_eq!(exit, Exit::Regression, "{text}");
        assert!(text.starts_with("duet: 1 cases of the working tree against main (0"), "{text}");
        let slower = SelfTest { paired: paired(Change::Slower), ..good };
        let leaning = SelfTest { paired: paired(Change::Same), one_sided: 0.92 };
        for (odd, why) in [(slower, "a/b/n1 is 1.100x as slow"), (leaning, "92 % of the samples")] {
            let (exit, text) = said(odd.clone(), false);
            assert_eq!(exit, Exit::Pass, "{text}");
            assert!(text.starts_with(&format!("advisory: {why}")), "{text}");
            assert!(!text.contains("pass") && text.contains("\nadvisory (exit 0): 1 s"), "{text}");
            let (exit, text) = said(odd, true);
            assert_eq!(exit, Exit::Unclear, "{text}");
            assert!(!text.contains("pass") && text.contains("unclear (exit 6)"), "{text}");
        }
    }
}
