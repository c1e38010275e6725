//! The options of `stepmark compare`.

use std::io::Write;
use std::path::PathBuf;

use crate::cli::{Exit, Stop};
use crate::file;
use crate::profile::compare::{self, Error, Verdict};

const LONG: &str = "Compare two profiles of one chapter: what became slower, and what else changed.

The files are told by their keys: *_results_*.json of `profile lattice`; runtime_profile.json,
runtime_comparison.json, runtime_scaling.json and pipeline_summary.json of `profile rom`; *_profile.json
of `profile md`, with the *.extended.json beside it. Entries of the same case, size and model are compared.
Intervals hold what varied within each run, not what differs from one process to the next: a build is
judged by `stepmark duet` and `stepmark gate`.

  stepmark compare before/sw_profile.json after/sw_profile.json";

/// Compare two profiles of one chapter
#[derive(Debug, clap::Parser)]
#[command(name = "compare", long_about = LONG)]
pub(super) struct Args {
    /// The first profile
    #[arg(value_name = "A.json")]
    a: PathBuf,
    /// The second profile, whose times are over those of the first
    #[arg(value_name = "B.json")]
    b: PathBuf,
    /// Times that differ by less count as the same, in percent
    #[arg(long, value_name = "PERCENT", default_value = "3", value_parser = percent,
          allow_hyphen_values = true)]
    margin_pct: f64,
    /// End with exit code 3 if something is slower, and with 6 if that is unclear
    #[arg(long)]
    strict: bool,
    /// Write all that was found, as JSON
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
}

pub(super) fn run(args: &Args, out: &mut dyn Write) -> Result<Exit, Stop> {
    let found = compare::compare(&args.a, &args.b, args.margin_pct).map_err(|why| {
        let exit = match why {
            Error::NotJson { .. }
            | Error::Foreign { .. }
            | Error::NoTimes { .. }
            | Error::Chapters { .. } => Exit::Usage,
            Error::Nothing { .. } => Exit::Incomparable,
            Error::Io { .. } | Error::Number { .. } => Exit::Failure,
        };
        Stop::new(exit, why.to_string())
    })?;
    write!(out, "{}", compare::text(&found))?;
    if let Some(path) = &args.json {
        let mut bytes = serde_json::to_vec_pretty(&found)?;
        bytes.push(b'\n');
        let unwritable = |why| format!("{}: cannot be written: {why}", path.display());
        let written = file::replace(path, &bytes);
        written.map_err(|why| Stop::new(Exit::Failure, unwritable(why)))?;
    }
    Ok(match () {
        () if args.strict && found.has(Verdict::Slower) => Exit::Regression,
        () if args.strict && found.has(Verdict::Unclear) => Exit::Unclear,
        () => Exit::Pass,
    })
}

/// A margin from 0 to 100 percent.
fn percent(text: &str) -> Result<f64, String> {
    let value = text.parse().ok().filter(|value| (0.0..=100.0).contains(value));
    value.ok_or_else(|| "expected a number from 0 to 100".to_owned())
}
