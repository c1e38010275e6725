//! The options of `stepmark rom --config`, and the line of a terminal that says where it stands.

use std::io::Write;
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::thread::available_parallelism;
use std::time::{Duration, Instant};

use clap::ValueEnum;

use crate::cli::{Exit, Stop};
use crate::profile::progress::Line;
use crate::profile::rom::pipeline::{self as profiled, Options};
use crate::profile::rom::{Error as Profile, trials::Plan};
use crate::rom::config::{Config, Stage};
use crate::rom::pipeline::{self, Error, Progress, explain};

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The configuration, a YAML file of wsindy-manifold
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// The name of the experiment [default: `experiment_name` of the configuration]
    #[arg(long, aliases = ["experiment_name", "experiment-name"], value_name = "NAME",
          requires = "config", value_parser = super::runtime::name)]
    name: Option<String>,
    /// The folder of all files; made if it is missing [default: `oscar_output/NAME`]
    #[arg(long, aliases = ["output_dir", "output-dir"], value_name = "DIR", requires = "config")]
    output: Option<PathBuf>,
    /// Threads that simulate and evaluate [default: as many as there are processors]
    #[arg(long, value_name = "N", value_parser = super::rom::count, requires = "config",
          allow_hyphen_values = true)]
    jobs: Option<usize>,
    /// The first stage; files of those before it are taken as they are
    #[arg(long, value_name = "STAGE", requires = "config")]
    from: Option<From>,
    /// Say what would run, how large it is and how long it takes, and run nothing
    #[arg(long, requires = "config")]
    explain: bool,
    /// Do not read keys that nobody knows, instead of refusing them
    #[arg(long, aliases = ["allow_unknown"], requires = "config")]
    allow_unknown: bool,
    /// Do not profile the models
    #[arg(long, requires = "config")]
    no_profile: bool,
    #[command(flatten)]
    figures: super::Figures,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum From {
    /// Trajectories and densities
    Simulate,
    /// Modes and latent states, from train/*/density.npz
    Pod,
    /// Models, from `rom_common/latent_dataset.npz`
    Fit,
    /// Scores, from the models
    Evaluate,
}

pub(super) fn run(args: &Args, out: &mut dyn Write) -> Result<Exit, Stop> {
    let Some(file) = &args.config else {
        return Err(usage("found no --config, expected one, or a subcommand: fit or forecast"));
    };
    let loaded = Config::load(file, args.allow_unknown).map_err(|why| usage(why.to_string()))?;
    let name = args.name.as_ref().or(loaded.config.name.as_ref()).ok_or_else(|| {
        usage("found no --name, and the configuration has no experiment_name; give one of them")
    })?;
    let name =
        super::runtime::name(name).map_err(|why| usage(format!("experiment_name: {why}")))?;
    for line in loaded.notes.lines() {
        writeln!(out, "{}: {line}", file.display())?;
    }
    let jobs = args.jobs.unwrap_or_else(|| available_parallelism().map_or(1, NonZeroUsize::get));
    let folder = args.output.clone().unwrap_or_else(|| Path::new("oscar_output").join(&name));
    if args.explain {
        let lines = explain::lines(&loaded.config, &folder, jobs)?;
        lines.iter().try_for_each(|line| writeln!(out, "{line}"))?;
        return Ok(Exit::Pass);
    }
    let from = match args.from {
        None | Some(From::Simulate) => Stage::Simulate,
        Some(From::Pod) => Stage::Pod,
        Some(From::Fit) => Stage::Fit,
        Some(From::Evaluate) => Stage::Evaluate,
    };
    let (config, text, folder) = (&loaded.config, &*loaded.text, &*folder);
    let short = file.file_name().map_or_else(String::new, |name| name.to_string_lossy().into());
    let pipeline =
        pipeline::Options { config, text, file: &short, name: &name, folder, jobs, from };
    let plan = Plan { n_steps: 100, n_trials: 50, warmup: 5 };
    let plan = (!args.no_profile).then_some(plan);
    let options = Options { pipeline, plan, figures: args.figures.are_wanted() };
    let bar = Mutex::new(Bar::new());
    let watch = |now: &Progress| {
        bar.lock().unwrap_or_else(PoisonError::into_inner).show(now, Instant::now());
    };
    match profiled::run(&options, &watch, &mut Wiping { bar: &bar, out }) {
        Ok(()) => Ok(Exit::Pass),
        Err(Profile::Pipeline(why)) if why.is_usage() => Err(usage(why.to_string())),
        Err(Profile::Pipeline(Error::Output(why))) => Err(why.into()),
        Err(why) => Err(why.into()),
    }
}

fn usage(why: impl Into<String>) -> Stop {
    Stop::new(Exit::Usage, why)
}

/// Empties the line of the terminal before anything is written.
struct Wiping<'a> {
    bar: &'a Mutex<Bar>,
    out: &'a mut dyn Write,
}

impl Write for Wiping<'_> {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.bar.lock().unwrap_or_else(PoisonError::into_inner).line.wipe();
        self.out.write(bytes)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        self.out.flush()
    }
}

/// The bar of a stage, with an estimate of what is left.
struct Bar {
    line: Line,
    /// The stage, when it was first seen, and how much was done then.
    since: Option<(Stage, Instant, usize)>,
}

impl Bar {
    fn new() -> Self {
        Self { line: Line::new(), since: None }
    }

    fn show(&mut self, now: &Progress, at: Instant) {
        let (_, start, before) = *match &mut self.since {
            Some(since) if since.0 == now.stage => since,
            since => since.insert((now.stage, at, now.done)),
        };
        self.line.show(|| text(now, before, at - start));
    }
}

/// A bar, the units that are done, and the time that is left by those done since `before`.
fn text(now: &Progress, before: usize, took: Duration) -> String {
    let filled = (20 * now.done / now.of.max(1)).min(20);
    let (bar, done, of, what) = ("#".repeat(filled), now.done, now.of, &now.what);
    let left = match now.done.saturating_sub(before) {
        0 => String::new(),
        new => {
            #[expect(clippy::cast_precision_loss, reason = "an estimate")]
            let left = took.mul_f64(of.saturating_sub(done) as f64 / new as f64);
            format!(", {} left", humantime::format_duration(Duration::from_secs(left.as_secs())))
        }
    };
    format!("{} [{bar:<20}] {done} of {of} {what}{left}", now.stage.name())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bar_says_what_is_left_by_what_was_done_since_it_started() {
        let (stage, what) = (Stage::Simulate, "runs".to_owned());
        let now = Progress { stage, done: 10, of: 40, what };
        let second = Duration::from_secs(1);
        let bar = format!("simulate [#####{:15}] 10 of 40 runs", "");
        assert_eq!(text(&now, 10, second), bar, "nothing yet");
        assert_eq!(text(&now, 5, 10 * second), format!("{bar}, 1m left"), "30 at 2 s each");
        let over = Progress { done: 40, ..now };
        assert!(text(&over, 10, second).ends_with("] 40 of 40 runs, 0s left"), "over");
    }
}
