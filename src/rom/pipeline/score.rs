//! The fourth stage: forecasts of test runs, and their scores.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::Mutex;

use ndarray::{Array1, Array3, ArrayView3, Axis, Ix1, Ix3, arr0, s};
use rayon::iter::{IntoParallelRefIterator as _, ParallelIterator as _};

use super::journal::{Line, Row};
use super::tree::{Kind, Set};
use super::{Error, Progress, Task, make, replace, say};
use crate::file::npz;
use crate::lstm::model::Options as Stated;
use crate::rom::config::{Config, Stage};
use crate::rom::evaluate::{self, Density, Evaluation, evaluate};
use crate::rom::files::{basis, evaluation};
use crate::rom::forecast::Model;
use crate::rom::pod::Basis;
use crate::rom::swarm::order::Order;

/// What all runs are evaluated by.
struct Judge<'a> {
    config: &'a Config,
    basis: Basis,
    models: Vec<(Kind, Model)>,
    options: evaluate::Options,
    /// Frames up to the end of forecasts.
    end: Option<usize>,
}

/// The rows of a run, its files, and what is to be said.
type Scored = (Vec<Row>, Vec<PathBuf>, Vec<String>);

/// Evaluates the runs that are not scored; says whether there was one.
pub(super) fn run(task: &mut Task<'_>, out: &mut dyn Write) -> Result<bool, Error> {
    let numbers = task.tree.runs(Set::Test)?;
    if numbers.is_empty() {
        let expected = "test_000/density_true.npz";
        return Err(Error::Missing { folder: task.tree.set(Set::Test), expected });
    }
    let mut open = Vec::new();
    for number in &numbers {
        if let Some((_, files)) = task.journal.scores(*number) {
            let Some(damage) = task.tree.damage(files) else { continue };
            say(out, &format!("{damage}: {} is scored again", Set::Test.run(*number)))?;
        }
        open.push(*number);
    }
    if open.is_empty() && task.journal.ended(Stage::Evaluate).is_some() {
        return Ok(false);
    }
    if !open.is_empty() {
        let judge = Judge::new(task, numbers[0], out)?;
        let (tree, watch, of) = (task.tree, task.watch, numbers.len());
        let shared = Mutex::new((&mut *task.journal, of - open.len(), Vec::new()));
        let one = |number: &usize| -> Result<(), Error> {
            let folder = tree.run(Set::Test, *number);
            let (rows, paths, notes) = judge.score(*number, &folder)?;
            let files = tree.held(&paths)?;
            let mut shared = shared.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
            shared.0.add(Line::Scores { run: *number, rows, files })?;
            shared.1 += 1;
            shared.2.extend(notes);
            let what = "test runs".to_owned();
            watch(&Progress { stage: Stage::Evaluate, done: shared.1, of, what });
            Ok(())
        };
        task.pool.install(|| open.par_iter().try_for_each(one))?;
        let (_, _, mut notes) =
            shared.into_inner().unwrap_or_else(std::sync::PoisonError::into_inner);
        notes.sort();
        notes.iter().try_for_each(|note| say(out, note))?;
    }
    tables(task, &numbers)?;
    Ok(true)
}

/// Writes `test_results.csv` of each model, and that of all.
fn tables(task: &Task<'_>, numbers: &[usize]) -> Result<(), Error> {
    let head = evaluation::COLUMNS.join(",");
    let mut all = format!("model,{head}\n");
    for kind in Kind::ALL {
        let mut own = format!("{head}\n");
        let scores = numbers.iter().filter_map(|number| task.journal.scores(*number));
        let mut is_there = false;
        for row in scores.flat_map(|(rows, _)| rows).filter(|row| row.model == kind) {
            own += &format!("{}\n", row.fields);
            all += &format!("{},{}\n", kind.name(), row.fields);
            is_there = true;
        }
        if is_there {
            make(&task.tree.root(kind.name()))?;
            replace(&task.tree.root(kind.name()).join("test_results.csv"), own.as_bytes())?;
        }
    }
    replace(&task.tree.set(Set::Test).join("test_results.csv"), all.as_bytes())
}

impl<'a> Judge<'a> {
    fn new(task: &Task<'a>, first: usize, out: &mut dyn Write) -> Result<Self, Error> {
        let config = task.options.config;
        let path = task.tree.run(Set::Test, first).join(Set::Test.density());
        let (_, rows, columns) = npz::Archive::open(&path)?.widened::<Ix3>("rho")?.dim();
        let folder = task.tree.common("");
        let is_aligned = config.pod.align.is_some();
        let basis = basis::load(&folder, [rows, columns], config.pod.transform, is_aligned)?;
        let mut models = Vec::new();
        for (kind, is_on) in
            [(Kind::Mvar, config.mvar.is_some()), (Kind::Lstm, config.lstm.is_some())]
        {
            let path = task.tree.root(kind.file());
            if is_on && !path.is_file() {
                let folder = task.tree.root(kind.name());
                return Err(Error::Missing { folder, expected: kind.file() });
            }
            if is_on {
                models.push((kind, Model::load(&path, &Stated::default(), out)?));
            }
        }
        let longest = models.iter().map(|(_, model)| model.window().0).max().unwrap_or(1);
        let (scoring, seconds) = (&config.scoring, config.frame_seconds());
        let unfit = |source| Error::NoStart { source };
        let start = evaluate::start(scoring.forecast_start, seconds, longest).map_err(unfit)?;
        let (clamp, mass, kstep_reset) = (scoring.clamp, scoring.mass, scoring.kstep_reset);
        let options = evaluate::Options { start, clamp, mass, kstep_reset };
        let last = scoring.forecast_end.map(|end| evaluate::start(end, seconds, 0));
        let last = last.transpose().map_err(unfit)?;
        Ok(Self { config, basis, models, options, end: last.map(|last| last + 1) })
    }

    /// Scores a run, whose files are in this folder.
    fn score(&self, number: usize, folder: &Path) -> Result<Scored, Error> {
        let path = folder.join(Set::Test.density());
        let mut archive = npz::Archive::open(&path)?;
        let rho: Array3<f64> = self.frames(&archive.widened::<Ix3>("rho")?);
        let times: Array1<f32> = self.times(&archive.array::<f32, Ix1>("times")?);
        let grid = [archive.widened::<Ix1>("xgrid")?, archive.widened::<Ix1>("ygrid")?];
        let (start, frames) = (self.options.start, rho.dim().0);
        if start >= frames {
            let seconds = self.config.frame_seconds();
            return Err(Error::Late { path, start, frames, seconds });
        }
        let (mut rows, mut paths, mut notes) = (Vec::new(), Vec::new(), Vec::new());
        let mut write = |name: String, text: &str| -> Result<(), Error> {
            let to = folder.join(name);
            evaluation::save(&to, text)?;
            paths.push(to);
            Ok(())
        };
        let order = self.orders(&rho, times.as_slice().unwrap_or_default(), folder)?;
        write("order_params.csv".to_owned(), &order)?;
        for (kind, model) in &self.models {
            let mut ready = model.ready(frames - start);
            let found = match evaluate(rho.view(), &self.basis, &mut ready, &self.options) {
                Ok(found) => found,
                Err(why @ evaluate::Error::Diverged { .. }) => {
                    notes.push(format!("{}: {}: {why}", Set::Test.run(number), kind.name()));
                    rows.push(Row::without(*kind, number));
                    continue;
                }
                Err(source) => return Err(Error::Score { path, source }),
            };
            let (scores, options, basis) = (&found.scores, &self.options, &self.basis);
            let run = evaluation::Run { test_id: number, scores, options, basis };
            let (name, lower) = (kind.name(), kind.lower());
            write(format!("metrics_summary_{lower}.json"), &evaluation::summary(name, &run))?;
            let all = times.as_slice().unwrap_or_default();
            let text = evaluation::densities(all, &found.densities);
            write(format!("density_metrics_{lower}.csv"), &text)?;
            if self.config.scoring.is_time_resolved {
                let text = evaluation::over_time(&all[start..], &found.over_time);
                write(format!("r2_vs_time_{lower}.csv"), &text)?;
            }
            let text = evaluation::results(&[run]);
            rows.push(Row {
                model: *kind,
                fields: text.lines().nth(1).unwrap_or_default().to_owned(),
                r2: scores.r2_reconstructed,
                r2_1step: scores.r2_1step,
                negativity: Some(scores.negativity_frac),
            });
            predictions(
                &folder.join(format!("density_pred_{lower}.npz")),
                &found,
                &grid,
                &times,
                start,
            )?;
        }
        let kinds = self.models.iter().map(|(kind, _)| kind.lower());
        let archives = kinds.map(|kind| folder.join(format!("density_pred_{kind}.npz")));
        paths.extend(archives.filter(|path| path.is_file()));
        Ok((rows, paths, notes))
    }

    /// Every so many frames, up to the end of forecasts.
    fn frames(&self, all: &Array3<f64>) -> Array3<f64> {
        let every = isize::try_from(self.config.pod.subsample).unwrap_or(isize::MAX);
        let taken = all.slice(s![..;every, .., ..]);
        let end = self.end.unwrap_or(usize::MAX).min(taken.dim().0);
        taken.slice(s![..end, .., ..]).to_owned()
    }

    fn times(&self, all: &Array1<f32>) -> Array1<f32> {
        let every = isize::try_from(self.config.pod.subsample).unwrap_or(isize::MAX);
        let taken = all.slice(s![..;every]);
        let end = self.end.unwrap_or(usize::MAX).min(taken.len());
        taken.slice(s![..end]).to_owned()
    }

    /// The order parameters of a run, as a table.
    fn orders(&self, rho: &Array3<f64>, times: &[f32], folder: &Path) -> Result<String, Error> {
        let path = folder.join("trajectory.npz");
        let mut archive = npz::Archive::open(&path)?;
        let [traj, vel] = ["traj", "vel"].map(|name| archive.widened::<Ix3>(name));
        let [traj, vel] = [self.frames(&traj?), self.frames(&vel?)];
        let (found, expected) = (traj.dim().0, rho.dim().0);
        if found != expected || times.len() != expected || traj.dim() != vel.dim() {
            return Err(Error::Frames { path, found, expected });
        }
        let orders: Vec<_> = (0..found)
            .map(|frame| Order::of(&vectors(traj.view(), frame), &vectors(vel.view(), frame)))
            .collect();
        let of = |frame: ndarray::ArrayView2<'_, f64>| {
            let (deviation, mass) = (frame.std(0.0), frame.sum());
            Density { deviation: [deviation; 2], mass: [mass; 2] }
        };
        let densities: Vec<_> = rho.axis_iter(Axis(0)).map(of).collect();
        Ok(evaluation::orders(times, &orders, &densities))
    }
}

impl Row {
    /// The row of a model whose forecast is no number.
    fn without(model: Kind, number: usize) -> Self {
        let fields = number.to_string() + &",".repeat(evaluation::COLUMNS.len() - 1);
        Self { model, fields, r2: None, r2_1step: None, negativity: None }
    }
}

/// The vectors of a frame, of an array (frames, particles, 2).
fn vectors(of: ArrayView3<'_, f64>, frame: usize) -> Vec<[f64; 2]> {
    of.index_axis(Axis(0), frame).outer_iter().map(|x| [x[0], x[1]]).collect()
}

fn predictions(
    path: &Path,
    found: &Evaluation,
    [xgrid, ygrid]: &[Array1<f64>; 2],
    times: &Array1<f32>,
    start: usize,
) -> Result<(), Error> {
    let mut file = npz::Writer::new(path);
    file.add("rho", found.prediction.view())?;
    file.add("xgrid", xgrid.view())?;
    file.add("ygrid", ygrid.view())?;
    file.add("times", times.view())?;
    file.add("forecast_start_idx", arr0(i64::try_from(start).unwrap_or(i64::MAX)).view())?;
    Ok(file.finish()?)
}
