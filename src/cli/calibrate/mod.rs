//! `stepmark calibrate`: measures how often paired runs err on this machine.

use std::collections::BTreeMap;
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::{fs, io};

use super::base::tolerance;
use super::{Context, Exit, Selection, Stop, outputs, worker};
use crate::file::lines::Lines;
use crate::gate::Change;
use crate::gate::calibrate::planted::{self, Plant};
use crate::gate::calibrate::{self, Kind, Rates, Row, Suite};
use crate::gate::duet::Lock;
use crate::gate::duet::protocol::Listed;
use crate::stats::Samples;
use crate::{file, report};

mod builds;

use builds::Builds;

/// A suite is a paired run of the same executable, or of two, over a selection of cases and two
/// more that slowdowns are planted in. Each verdict of each suite is counted.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    #[command(flatten)]
    selection: Selection,
    /// How many suites of a kind: none, pad, plant2, plant5, plant10 or wait; repeatable
    /// [default: none=3 plant2=2 plant5=2 plant10=2 wait=2]
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
    #[arg(long, value_name = "FILE", conflicts_with_all = ["suites", "samples", "filter", "exact"])]
    from: Option<PathBuf>,
    /// Write the rates and what they belong to to this file
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
}

/// A suite has at least so many cases of the registry, where there are so many.
const CASES: usize = 18;

/// A suite takes about so long.
const SUITE_SECONDS: f64 = 20.0;

const DEFAULT: [(Kind, u64); 5] =
    [(Kind::None, 3), (Kind::Plant2, 2), (Kind::Plant5, 2), (Kind::Plant10, 2), (Kind::Wait, 2)];

fn quota(text: &str) -> Result<(Kind, u64), String> {
    let (kind, count) = text.split_once('=').ok_or("expected KIND=N, as in none=10")?;
    match count.parse() {
        Ok(count @ 1..=100_000) => Ok((kind.parse()?, count)),
        _ => Err(format!("`{count}` is no number of suites, from 1 to 100000")),
    }
}

pub(super) fn run(args: &Args, context: &mut Context<'_>) -> Result<Exit, Stop> {
    if let Some(path) = &args.json {
        outputs::can_be_written(path)?;
    }
    let suites = match &args.from {
        Some(path) => read(path)?,
        None => sample(args, context)?,
    };
    let Some(first) = suites.first() else {
        return Err(Stop::new(Exit::Incomparable, "there are no suites to judge"));
    };
    let rows = calibrate::rows(&suites);
    let why = |row: &Row| {
        let pad = row.change == Kind::Pad.title() && args.from.is_none();
        if pad && args.pad.is_none() {
            "not run: needs --pad; ci/calibrate.sh builds one"
        } else {
            "not run"
        }
        .to_owned()
    };
    let (cases, began) = (first.cases.len(), &first.started);
    writeln!(context.out, "{} suites of {cases} cases, from {began}", suites.len())?;
    write!(context.out, "{}", report::calibration(&rows, &why))?;
    if let Some(path) = &args.json {
        let text = serde_json::to_string_pretty(&Rates::new(&suites, rows))?;
        file::replace(path, (text + "\n").as_bytes())
            .map_err(|why| outputs::unwritable(path, &why))?;
    }
    Ok(Exit::Pass)
}

/// The suites of a file.
fn read(path: &Path) -> Result<Vec<Suite>, Stop> {
    let bytes = if path == Path::new("-") {
        let mut bytes = Vec::new();
        io::stdin().read_to_end(&mut bytes).map(|_| bytes)
    } else {
        fs::read(path)
    };
    let failed = |err| Stop::new(Exit::Failure, format!("{}: {err}", path.display()));
    let suites = calibrate::read(path, &bytes.map_err(failed)?)?;
    note(path, &suites);
    Ok(suites.values)
}

fn note(path: &Path, suites: &Lines<Suite>) {
    if suites.torn_len_bytes > 0 {
        let (path, len) = (path.display(), suites.torn_len_bytes);
        eprintln!("stepmark: {path}: dropped {len} bytes of a suite that was not finished");
    }
}

/// Runs what the file of samples does not hold yet.
fn sample(args: &Args, context: &Context<'_>) -> Result<Vec<Suite>, Stop> {
    let wanted = quotas(&args.suites)?;
    let cases = suite_cases(&args.selection, context)?;
    let builds = Builds::new(args.pad.as_deref())?;
    if wanted.contains_key(&Kind::Pad) && !builds.has_pad() {
        let why = "suites of the kind pad need --pad FILE; ci/calibrate.sh builds one";
        return Err(Stop::new(Exit::Usage, why));
    }
    let tolerance = tolerance()?;
    let _lock = Lock::take(&context.target)?;
    let (mut samples, mut suites) = (None, Vec::new());
    if let Some(path) = &args.samples {
        let (opened, held) = calibrate::open(path)?;
        note(path, &held);
        (samples, suites) = (Some(opened), held.values);
    }
    let order = order(&wanted, &suites);
    let seconds = Samples::new(suites.iter().map(|suite| suite.seconds));
    let seconds = if seconds.is_empty() { SUITE_SECONDS } else { seconds.mean() };
    eprintln!(
        "stepmark: {} suites of {} cases, about {:.0} min",
        order.len(),
        cases.len(),
        (order.len() as f64 * seconds / 60.0).ceil()
    );
    for (at, kind) in order.iter().enumerate() {
        let head = builds.head(*kind, args.seed + suites.len() as u64, &cases, &tolerance);
        if let Some(path) = &args.samples {
            calibrate::admits(path, &head, &suites)?;
        }
        let suite = builds.run(head, &cases, &tolerance)?;
        if let Some(samples) = &mut samples {
            samples.append(&suite, &suites)?;
        }
        let (at, of) = (at + 1, order.len());
        eprintln!("stepmark: suite {at} of {of}, {kind}: {}", said(&suite));
        suites.push(suite);
    }
    Ok(suites)
}

/// The findings of a suite, in one line.
fn said(suite: &Suite) -> String {
    let mut text = format!("{:.0} s", suite.seconds);
    let changes = suite.changes();
    for (case, change) in suite.cases.iter().zip(&changes) {
        text += &match change {
            Change::Same => continue,
            Change::Slower => format!(", {} slower", case.id),
            Change::Faster => format!(", {} faster", case.id),
            Change::Unclear => format!(", {} unclear", case.id),
        };
    }
    let same = changes.iter().filter(|change| **change == Change::Same).count();
    format!("{text}, {same} the same")
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

/// The suites that are still to be run, the kinds interleaved, so that each has its share whenever it ends.
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
    let counted: Vec<_> = context.cases.iter().filter(|case| case.is_counted()).collect();
    let every = (counted.len() / CASES).max(1);
    let planted = planted::cases(Plant::NONE);
    let chosen = counted.into_iter().step_by(every).chain(&planted);
    let chosen: Vec<Listed> =
        chosen.filter(|case| selection.holds(&case.id)).map(worker::on_cpu).collect();
    match selection.none("case id of a suite") {
        Some(none) if chosen.is_empty() => Err(Stop::new(Exit::Usage, none)),
        _ => Ok(chosen),
    }
}

#[cfg(test)]
mod tests {
    #[cfg(feature = "chapters")]
    use super::super::Checks;
    use super::*;

    #[cfg(feature = "chapters")]
    #[test]
    fn a_suite_is_twenty_small_cases_and_the_planted_ones_last() {
        let cases = crate::registry::cases();
        let (target, out) = (PathBuf::new(), &mut io::sink());
        let context = Context { cases: &cases, scaling: &[], checks: Checks::Here, target, out };
        let chosen = suite_cases(&Selection::default(), &context).ok().unwrap();
        assert!((20..=40).contains(&chosen.len()), "{} cases", chosen.len());
        let uncounted = |id: &str| cases.iter().any(|case| case.id == id && !case.is_counted());
        assert!(!chosen.iter().any(|case| uncounted(&case.id)), "{chosen:?}");
        let planted = chosen.iter().map(|case| case.id.starts_with(calibrate::PLANTED));
        let last_two = (1..=chosen.len()).map(|at| at > chosen.len() - 2);
        assert!(planted.eq(last_two), "{chosen:?}");
    }

    #[test]
    fn kinds_are_interleaved_and_those_held_are_not_run_again() {
        let wanted = quotas(&[(Kind::Plant5, 2), (Kind::None, 4)]).ok().unwrap();
        let all = order(&wanted, &[]);
        let (none, plant) = (Kind::None, Kind::Plant5);
        assert_eq!(all, [none, plant, none, none, plant, none], "by the share that is done");
        assert!(quotas(&[(none, 1), (plant, 1), (none, 2)]).is_err(), "twice");
        assert_eq!(quotas(&[]).ok().unwrap().len(), DEFAULT.len(), "the default");
    }
}
