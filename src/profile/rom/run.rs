//! Measures all models, a line for each finished point, and makes the files of the lines.

use std::convert::Infallible;
use std::fs;
use std::hint::black_box;
use std::io::Write;
use std::path::{Path, PathBuf};

use super::accuracy::{self, Accuracy, MOST_STEPS, Resampled};
use super::benchmark::used;
use super::extended::Rates;
use super::find::{self, Found, Wanted};
use super::forecaster::Forecaster;
use super::named::{Named, longest};
use super::report::{self, Measured, Pictures, Report};
use super::scaling::{self, Axis};
use super::sweeps::SWEEPS;
use super::times::Times;
use super::trials::{Clock, Plan};
use super::windows::{check, window};
use super::{Error, files, former, names, summary, train};
use crate::file::{self, npz};
use crate::lstm;
use crate::machine;
use crate::machine::isa::Isa;
use crate::profile::core::{self, Arithmetic};
use crate::profile::energy::{self, Energy};
use crate::profile::points::{Origin, Points};
use crate::profile::progress::Progress;
use crate::rom::forecast::Model;

/// Trials of a line.
const ROUND: usize = 10;
pub(super) const POINTS: &str = "runtime_points.jsonl";
const SLOW: &str = "this program was built for tests, and models are slower in it than in one that \
                    `cargo build --release` makes";

/// What a run measures, and where it writes.
#[derive(Debug, Clone, PartialEq)]
pub struct Options {
    /// The models, and the window that they start from.
    pub wanted: Wanted,
    /// How much is timed.
    pub plan: Plan,
    /// The name in `pipeline_summary.json`.
    pub experiment_name: String,
    /// The folder that all files are written to; made if it is missing.
    pub output: PathBuf,
    /// Data that models of the same sizes are trained on, and take the place of those.
    pub train: Option<PathBuf>,
    /// Whether times over sizes are measured, too.
    pub scaling: bool,
    /// Whether `summary.json` of the folder of the models gets the results.
    pub update_summary: bool,
    /// Whether there are figures; there are none without the feature `figures`.
    pub figures: bool,
}

/// Profiles all models; measures what a killed run with the same options left over.
///
/// # Errors
///
/// If a model, its data or its forecasts are unfit, an unfinished run of something else lies in the
/// folder, or a file cannot be read or written.
pub fn run(options: &Options, out: &mut dyn Write) -> Result<(), Error> {
    let mut found = find::find(&options.wanted)?;
    let (d, most) = (found.z0.ncols(), npz::FREE_BYTES / size_of::<f64>());
    if options.plan.n_steps.saturating_mul(d) > most {
        return Err(Error::Steps { steps: options.plan.n_steps, d, most });
    }
    if cfg!(debug_assertions) {
        found.warnings.push(SLOW.to_owned());
    }
    let summary = options.summary()?;
    let unwritable = |source| Error::Io { path: options.output.clone(), source };
    file::writable(&options.output).map_err(unwritable)?;
    let mut points = Points::open(&options.output.join(POINTS), options.origin(&found)?)?;
    let report = match measure(options, &mut found, &mut points) {
        Ok(report) => report,
        Err(why) => {
            // Another try would find the same.
            if why.is_of_model() {
                points.remove()?;
            }
            return Err(why);
        }
    };
    let mut files = files::files(&report, options.figures)?;
    let text = summary::markdown(&report, &files);
    files.push((names::SUMMARY.to_owned(), text.into_bytes()));
    for (name, _) in &files {
        let folder = options.output.join(name);
        let folder = folder.parent().unwrap_or(&options.output).to_owned();
        fs::create_dir_all(&folder).map_err(|source| Error::Io { path: folder, source })?;
    }
    file::replace_all(&options.output, &files)
        .map_err(|(path, source)| Error::Io { path, source })?;
    let mut updated = None;
    if let Some((path, held)) = summary {
        let bytes = files::updated(held, &report)?;
        file::replace(&path, &bytes).map_err(|source| Error::Io { path: path.clone(), source })?;
        updated = Some(path);
    }
    points.remove()?;
    for line in report.warnings.iter().cloned().chain(summary::lines(&report)) {
        writeln!(out, "{line}").map_err(Error::Print)?;
    }
    for (name, _) in &files {
        let path = options.output.join(name);
        writeln!(out, "wrote {}", path.display()).map_err(Error::Print)?;
    }
    for path in former::left(&options.output, &files) {
        writeln!(out, "left {}, of another run", path.display()).map_err(Error::Print)?;
    }
    if let Some(path) = updated {
        writeln!(out, "updated {}", path.display()).map_err(Error::Print)?;
    }
    Ok(())
}

impl Options {
    /// All that the points depend on.
    fn origin(&self, found: &Found) -> Result<Origin, Error> {
        let Plan { n_steps, n_trials, warmup } = self.plan;
        let digest = |path: &Path| match fs::read(path) {
            Ok(bytes) => Ok(machine::digest(&bytes)),
            Err(source) => Err(Error::Io { path: path.to_owned(), source }),
        };
        let mut origin = vec![
            ("steps".to_owned(), n_steps.to_string()),
            ("trials".to_owned(), n_trials.to_string()),
            ("warm-up".to_owned(), warmup.to_string()),
            ("scaling".to_owned(), self.scaling.to_string()),
        ];
        let z0: Vec<u8> = found.z0.iter().flat_map(|x| x.to_le_bytes()).collect();
        origin.push(("window".to_owned(), machine::digest(&z0)));
        for named in &found.models {
            let path = Path::new(&named.source);
            // The fixtures belong to the sources.
            let held = if path.is_file() { digest(path)? } else { "fixture".to_owned() };
            origin.push((format!("model {}", named.name), format!("{} {held}", named.source)));
        }
        let lstm::model::Options { lag, residual, scale } = &self.wanted.stated;
        let scale = scale.as_ref().map(|scale| machine::digest(format!("{scale:?}").as_bytes()));
        for (name, stated) in [
            ("stated lag", lag.map(|lag| lag.to_string())),
            ("stated residual", residual.map(|residual| residual.to_string())),
            ("stated normalization", scale),
        ] {
            origin.extend(stated.map(|stated| (name.to_owned(), stated)));
        }
        if let Some(path) = &self.train {
            origin.push(("training data".to_owned(), digest(path)?));
        }
        Ok(origin.into_iter().collect())
    }

    /// The summary that is to be updated, read, and known to be writable, before anything is measured.
    fn summary(&self) -> Result<Option<(PathBuf, files::Ordered)>, Error> {
        let folder = self.wanted.folder.as_ref().filter(|_| self.update_summary);
        let Some(path) = folder.map(|folder| folder.join("summary.json")) else { return Ok(None) };
        let io = |source| Error::Io { path: path.clone(), source };
        let bytes = fs::read(&path).map_err(io)?;
        file::writable(path.parent().unwrap_or(&path)).map_err(io)?;
        match files::Ordered::read(&bytes) {
            Ok(held) => Ok(Some((path, held))),
            Err(why) => Err(Error::Summary { path, why }),
        }
    }
}

/// A model under the clock, with room for the longest of its forecasts.
fn forecaster<'a>(named: &Named, plan: &Plan) -> Forecaster<'a> {
    let steps = plan.n_steps.max(MOST_STEPS);
    let forecaster = match &named.model {
        Model::Mvar(model) => Forecaster::mvar(&named.name, model, steps),
        Model::Lstm(model) => Forecaster::lstm(&named.name, model, steps),
    };
    forecaster.trained_in(named.training_seconds)
}

fn measure(options: &Options, found: &mut Found, points: &mut Points) -> Result<Report, Error> {
    let plan = &options.plan;
    let (rounds, models) = (plan.n_trials.div_ceil(ROUND), found.models.len());
    let sizes: usize = SWEEPS.iter().map(|sweep| sweep.values.len()).sum();
    let trained = if options.train.is_some() { models } else { 0 };
    let scaled = if options.scaling { sizes } else { 0 };
    let mut progress = Progress::new(trained + 1 + rounds + 3 * models + scaled);
    if let Some(data) = &options.train {
        train::train(found, data, &options.output, points, |name| progress.step(name))?;
    }
    let mut forecasters: Vec<_> =
        found.models.iter().map(|named| forecaster(named, plan)).collect();
    for (forecaster, named) in forecasters.iter_mut().zip(&found.models) {
        check(forecaster, &found.z0, plan.n_steps).map_err(|why| why.of(&named.source))?;
    }
    let longest = longest(&found.models);
    progress.step("roofs");
    let roofs: Arithmetic = points.point("arithmetic", || fine(core::arithmetic(Isa::best())))?;
    let times = times(&mut forecasters, found, plan, points, |name| progress.step(name))?;
    let (mut profiles, mut pictures, mut resampled) = (Vec::new(), Vec::new(), Vec::new());
    for ((forecaster, times), named) in forecasters.iter_mut().zip(&times).zip(&found.models) {
        let name = forecaster.name.clone();
        progress.step(&format!("memory, {name}"));
        let bytes = forecaster.parameter_bytes();
        let read =
            points.point(&format!("reading/{bytes}"), || fine(core::read(Isa::best(), bytes)))?;
        let used = points.point(&format!("memory/{name}"), || used(forecaster, &found.z0, plan))?;
        progress.step(&format!("accuracy, {name}"));
        let accuracy: Result<(Accuracy, Resampled), String> =
            points.point(&format!("accuracy/{name}"), || {
                let held = found.held.as_ref().map_err(Clone::clone);
                fine(held.and_then(|held| accuracy::measure(forecaster, held, longest)))
            })?;
        let accuracy = accuracy.map(|(accuracy, drawn)| {
            resampled.push(drawn);
            accuracy
        });
        progress.step(&format!("energy, {name}"));
        let energy: Result<Energy, String> = points.point(&format!("energy/{name}"), || {
            fine(energy::measure(Path::new(energy::COUNTERS), energy::SPAN, || {
                black_box(forecaster.forecast(window(&found.z0, forecaster), plan.n_steps));
                plan.n_steps as u64
            }))
        })?;
        let rates = Rates::of(forecaster.parameter_len_bytes, &roofs, read);
        let measured = Measured { times, used, accuracy, energy, rates };
        profiles.push(report::profile(
            forecaster,
            measured,
            plan,
            (&named.source, &found.z0_source),
        ));
        let held = found.held.as_ref().ok();
        pictures.push(Pictures {
            losses: named.log.as_deref().map_or(Ok(Vec::new()), files::losses)?,
            example: held.and_then(|held| accuracy::example(forecaster, held, longest, MOST_STEPS)),
        });
    }
    let mut axes = Vec::new();
    for sweep in SWEEPS.iter().filter(|_| options.scaling) {
        let mut measured = Vec::new();
        for &value in sweep.values {
            progress.step(&format!("scaling, {} {}", sweep.model, sweep.size));
            let name = format!("scaling/{}/{}/{value}", sweep.model, sweep.size);
            let point: scaling::Point =
                points.point(&name, || fine(sweep.measure(value, &roofs)))?;
            measured.push(point);
        }
        axes.push(Axis::new(sweep, measured));
    }
    Ok(Report {
        experiment_name: options.experiment_name.clone(),
        comparison: report::comparison(&profiles, &times, &resampled),
        profiles,
        scaling: axes,
        warnings: found.warnings.clone(),
        pictures,
    })
}

fn fine<T>(value: T) -> Result<T, Error> {
    Ok::<_, Infallible>(value).map_err(|never| match never {})
}

/// The times of all trials of each model.
fn times(
    forecasters: &mut [Forecaster<'_>],
    found: &Found,
    plan: &Plan,
    points: &mut Points,
    mut step: impl FnMut(&str),
) -> Result<Vec<Times>, Error> {
    let mut all = vec![Times::default(); forecasters.len()];
    let mut clock = Clock::new(forecasters, &found.z0, plan)?;
    for from in (0..plan.n_trials).step_by(ROUND) {
        let to = (from + ROUND).min(plan.n_trials);
        step(&format!("trials {from} to {to}"));
        let name = format!("trials/{from}");
        let round: Vec<Times> = points.point(&name, || clock.trials(to - from))?;
        all.iter_mut().zip(&round).for_each(|(all, round)| all.extend(round));
    }
    Ok(all)
}
