//! Vectors of evaluations: a model and a basis, runs that it forecasts, and all files of them.

use std::path::{Path, PathBuf};

use ndarray::{Array1, Array2, Array3, Array4, ArrayView2, ArrayView3, Axis, Ix0};
use serde_json::Value;
use stepmark::mvar;
use stepmark::rom::evaluate::{Evaluation, Options, evaluate, start};
use stepmark::rom::files::{evaluation, settings};
use stepmark::rom::pod::{Basis, Spectrum};
use stepmark::rom::ready::Ready;
use stepmark::rom::swarm::Vector;
use stepmark::rom::swarm::order::Order;

use super::{Vectors, file_name, holds, near, text};
use crate::conformance::{Kind, Role};

pub(crate) const EVAL: Kind = Kind { name: "rom eval", role, check };

/// Relative to the largest number, or 1.
const TOLERANCE: f64 = 1e-9;

/// Of order parameters, for which the original sums positions in single precision.
const SINGLE_TOLERANCE: f64 = 1e-5;

/// The model of a case.
const MODEL: &str = "model_and_pred.npz";

fn role(path: &Path) -> Role {
    let truth =
        |path: &Path| holds(path, &["rho", "times"]) && file_name(path) == "density_true.npz";
    let beside = |name: &str| path.with_file_name(name);
    if file_name(path) == MODEL {
        return Role::Case;
    }
    let is_part = beside(MODEL).exists()
        || !beside("density_pred_mvar.npz").exists()
            && (truth(path)
                || file_name(path) == "trajectory.npz" && truth(&beside("density_true.npz")));
    if is_part { Role::Part } else { Role::Other }
}

fn check(path: &Path) -> Result<(), String> {
    let folder = path.parent().ok_or("no folder")?;
    let mut io = Vectors::open(path)?;
    let mut truth = Vectors::open(&folder.join("../density_true.npz"))?;
    let runs: Array4<f64> = truth.array("rho")?;
    let times: Array1<f32> = truth.array("times")?;
    let basis = basis(path, &mut io, [runs.dim().2, runs.dim().3])?;
    let options = options(path, &mut io, &times)?;
    let mut ready = Ready::mvar(&model(&mut io)?, runs.dim().1);
    let wanted: Array4<f64> = io.array("rho_pred")?;
    let mut found = Vec::new();
    for (run, wanted) in runs.outer_iter().zip(wanted.outer_iter()) {
        let one = evaluate(run, &basis, &mut ready, &options).map_err(|e| e.to_string())?;
        near("rho_pred", &one.prediction, &wanted.to_owned(), TOLERANCE, 0.0)?;
        found.push(one);
    }
    let mut swarm = Vectors::open(&folder.join("../trajectory.npz"))?;
    let (x, v): (Array4<f32>, Array4<f32>) = (swarm.array("traj")?, swarm.array("vel")?);
    let [x, v] = [&x, &v].map(|all| all.index_axis(Axis(0), 0));
    let file = |name: &str| folder.join(name);
    let table = std::fs::read_to_string(file("test_results.csv")).map_err(|e| e.to_string())?;
    if table.lines().count() != 1 + found.len() {
        return Err(format!("scores of {} runs, expected those of the table", found.len()));
    }
    Files {
        results: file("test_results.csv"),
        over_time: file("r2_vs_time_mvar_test_000.csv"),
        densities: file("density_metrics_mvar_test_000.csv"),
        orders: file("order_params_test_000.csv"),
        summary: file("metrics_summary_mvar_test_000.json"),
    }
    .check(&found, [x, v], &options, &basis, &times.to_vec())
}

fn basis(path: &Path, io: &mut Vectors, shape: [usize; 2]) -> Result<Basis, String> {
    let rom = settings::decomposition(&text(path, "rom_config")?);
    let rom = rom.map_err(|e| e.to_string())?;
    if rom.align.is_some() || rom.subsample != 1 {
        return Err("no reference field and no subsampling of these vectors is known".to_owned());
    }
    let (modes, mean): (Array2<f64>, Array1<f64>) = (io.array("U_r")?, io.array("X_mean")?);
    // Which are not in the vectors, and of no use here.
    let spectrum = Spectrum { values: vec![1.0; modes.ncols()], total_energy: 1.0 };
    let basis = Basis::new(shape, modes.view(), mean, spectrum, rom.transform);
    basis.ok_or_else(|| "the basis is of other frames".to_owned())
}

fn options(path: &Path, io: &mut Vectors, times: &Array1<f32>) -> Result<Options, String> {
    let (eval, rom) = (text(path, "eval_config")?, text(path, "rom_config")?);
    let settings = settings::evaluation(&eval, &rom).map_err(|e| e.to_string())?;
    let index: Array1<i64> =
        Vectors::whole::<Ix0>(path, "forecast_start_idx")?.into_iter().collect();
    let first = usize::try_from(index[0]).map_err(|e| e.to_string())?;
    let lag = model(io)?.p();
    if let Some(seconds) = settings.forecast_start
        && start(seconds, f64::from(times[1] - times[0]), lag) != Ok(first)
    {
        return Err(format!("a forecast from {seconds} s does not start at frame {first}"));
    }
    let (clamp, mass, kstep_reset) = (settings.clamp, settings.mass, settings.kstep_reset);
    Ok(Options { start: first, clamp, mass, kstep_reset })
}

fn model(io: &mut Vectors) -> Result<mvar::Model, String> {
    let (rows, c): (Array2<f64>, Array1<f64>) = (io.array("coef")?, io.array("intercept")?);
    let (d, all) = rows.dim();
    let a = Array3::from_shape_fn((all / d, d, d), |(k, i, j)| rows[[i, k * d + j]]);
    mvar::Model::new(a, c).map_err(|e| e.to_string())
}

/// Where the files of an evaluation are: the table of all runs, and those of the first.
pub(super) struct Files {
    pub(super) results: PathBuf,
    pub(super) over_time: PathBuf,
    pub(super) densities: PathBuf,
    pub(super) orders: PathBuf,
    pub(super) summary: PathBuf,
}

impl Files {
    /// Requires them to hold what was found of the first runs, and of the positions and velocities of the
    /// first.
    pub(super) fn check(
        &self,
        found: &[Evaluation],
        swarm: [ArrayView3<'_, f32>; 2],
        options: &Options,
        basis: &Basis,
        times: &[f32],
    ) -> Result<(), String> {
        let run = |test_id: usize| {
            let scores = &found[test_id].scores;
            evaluation::Run { test_id, scores, options, basis }
        };
        let runs: Vec<_> = (0..found.len()).map(run).collect();
        let first = &found[0];
        let of = |all: ArrayView2<'_, f32>| -> Vec<Vector> {
            all.outer_iter().map(|row| [row[0], row[1]].map(f64::from)).collect()
        };
        let frames = swarm[0].outer_iter().zip(swarm[1].outer_iter());
        let orders: Vec<_> = frames.map(|(x, v)| Order::of(&of(x), &of(v))).collect();
        for (path, text, tolerance) in [
            (&self.results, evaluation::results(&runs), TOLERANCE),
            (
                &self.over_time,
                evaluation::over_time(&times[options.start..], &first.over_time),
                TOLERANCE,
            ),
            (&self.densities, evaluation::densities(times, &first.densities), TOLERANCE),
            (&self.orders, evaluation::orders(times, &orders, &first.densities), SINGLE_TOLERANCE),
        ] {
            let named = |why: String| format!("{}: {why}", file_name(path));
            let mut wanted = std::fs::read_to_string(path).map_err(|e| named(e.to_string()))?;
            if *path == self.results {
                // Of the runs that are there.
                wanted = wanted
                    .lines()
                    .take(1 + found.len())
                    .map(|line| line.to_owned() + "\n")
                    .collect();
            }
            same_table(&text, &wanted, tolerance).map_err(named)?;
        }
        let wanted = std::fs::read_to_string(&self.summary).map_err(|e| e.to_string())?;
        // The original writes what is no JSON.
        let wanted = wanted.replace("NaN", "null");
        let parse = |text: &str| serde_json::from_str::<Value>(text).map_err(|e| e.to_string());
        same_summary(&parse(&evaluation::summary("MVAR", &runs[0]))?, &parse(&wanted)?)
    }
}

/// Requires fields to be equal texts, or near numbers.
fn same_table(found: &str, wanted: &str, tolerance: f64) -> Result<(), String> {
    let lines = |text: &str| text.lines().map(str::to_owned).collect::<Vec<_>>();
    let (found, wanted) = (lines(found), lines(wanted));
    if found.len() != wanted.len() || found[0] != wanted[0] {
        return Err(format!("{} rows of {}, expected {}", found.len(), found[0], wanted.len()));
    }
    let head: Vec<_> = wanted[0].split(',').collect();
    for (row, (found, wanted)) in found.iter().zip(&wanted).enumerate().skip(1) {
        let (found, wanted): (Vec<_>, Vec<_>) =
            (found.split(',').collect(), wanted.split(',').collect());
        if found.len() != wanted.len() {
            return Err(format!("row {row} has {} fields", found.len()));
        }
        for ((name, found), wanted) in head.iter().zip(found).zip(wanted) {
            let is_same = match (found.parse::<f64>(), wanted.parse::<f64>()) {
                (Ok(found), Ok(wanted)) => is_near(found, wanted, tolerance),
                _ => found == wanted,
            };
            if !is_same {
                return Err(format!("row {row}, {name}: {found}, expected {wanted}"));
            }
        }
    }
    Ok(())
}

fn same_summary(found: &Value, wanted: &Value) -> Result<(), String> {
    let (Value::Object(found), Value::Object(wanted)) = (found, wanted) else {
        return Err("a summary is no object".to_owned());
    };
    if !found.keys().eq(wanted.keys()) {
        return Err(format!("keys {:?}, expected {:?}", found.keys(), wanted.keys()));
    }
    for (key, wanted) in wanted {
        let is_same = match (found[key].as_f64(), wanted.as_f64()) {
            (Some(found), Some(wanted)) => is_near(found, wanted, TOLERANCE),
            _ => found[key] == *wanted,
        };
        if !is_same {
            return Err(format!("{key}: {}, expected {wanted}", found[key]));
        }
    }
    Ok(())
}

fn is_near(found: f64, wanted: f64, tolerance: f64) -> bool {
    (found - wanted).abs() <= tolerance * wanted.abs().max(1.0)
}
