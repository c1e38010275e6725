//! Whole output trees of the original: the density that its autoregression forecast for the first test
//! run, and the scores and series of that.
//!
//! The models, the intercept that the file of the autoregression lacks and the window come from the
//! tree as a profile finds them.

use std::fs::File;
use std::path::Path;

use ndarray::{Array1, Array3, Ix0};
use serde_json::Value;
use stepmark::profile::rom::find::{Wanted, find};
use stepmark::rom::evaluate::{Clamp, Mass, Options, evaluate};
use stepmark::rom::files::basis;
use stepmark::rom::forecast::Model;
use stepmark::rom::pod::Transform;

use super::eval::Files;
use super::{Vectors, file_name, near};
use crate::conformance;

pub(crate) const PIPELINE: conformance::Kind =
    conformance::Kind { name: "rom pipeline", role, check };

/// Relative to the largest density.
const TOLERANCE: f64 = 1e-9;

/// The tree that `test/test_000/density_pred_mvar.npz` lies in.
fn tree(path: &Path) -> Option<&Path> {
    path.parent()?.parent()?.parent()
}

/// What the summary says of the reduction and of what is done to forecasts; nothing where it is of
/// another form.
fn settings(tree: &Path) -> Option<(Transform, Clamp, Mass)> {
    let summary: Value =
        serde_json::from_reader(File::open(tree.join("summary.json")).ok()?).ok()?;
    let pod = &summary["pod"];
    let eps = pod["density_transform_eps"].as_f64()?;
    Some((
        Transform::named(pod["density_transform"].as_str()?, eps)?,
        Clamp::named(summary["clamp_mode"].as_str()?)?,
        Mass::named(summary["mass_postprocess"].as_str()?)?,
    ))
}

fn role(path: &Path) -> conformance::Role {
    use conformance::Role::{Case, Other, Part};
    let Some(tree) = tree(path).filter(|tree| settings(tree).is_some()) else { return Other };
    let basis = tree.join("rom_common/pod_basis.npz");
    match file_name(path) {
        "density_pred_mvar.npz" if basis.exists() => Case,
        "density_true.npz" if path.with_file_name("density_pred_mvar.npz").exists() => Part,
        _ => Other,
    }
}

fn check(path: &Path) -> Result<(), String> {
    let tree = tree(path).ok_or("no tree")?;
    let (transform, clamp, mass) = settings(tree).ok_or("no summary")?;
    let mut wanted = Vectors::open(path)?;
    let want: Array3<f64> = wanted.array("rho")?;
    let start = wanted.array::<i64, Ix0>("forecast_start_idx")?.into_scalar();
    let start = usize::try_from(start).map_err(|e| e.to_string())?;
    let mut known = Vectors::open(&path.with_file_name("density_true.npz"))?;
    let (truth, times): (Array3<f64>, Array1<f32>) = (known.array("rho")?, known.array("times")?);
    let (frames, rows, columns) = truth.dim();
    let basis = basis::load(&tree.join("rom_common"), [rows, columns], transform, false);
    let basis = basis.map_err(|e| e.to_string())?;

    let folder = Wanted { folder: Some(tree.to_owned()), ..Wanted::default() };
    let models = find(&folder).map_err(|e| e.to_string())?;
    if models.warnings.iter().all(|said| !said.contains("got back from the windows")) {
        return Err("the intercept was not got back".to_owned());
    }
    let model = &models.models[0].model;
    let Model::Mvar(_) = model else { return Err("no autoregression".into()) };
    let options = Options { start, clamp, mass, kstep_reset: None };
    let found = evaluate(truth.view(), &basis, &mut model.ready(frames), &options);
    let found = found.map_err(|e| e.to_string())?;
    near("density", &found.prediction, &want, TOLERANCE, 0.0)?;

    let mut swarm = Vectors::open(&path.with_file_name("trajectory.npz"))?;
    let (x, v): (Array3<f32>, Array3<f32>) = (swarm.array("traj")?, swarm.array("vel")?);
    let beside = |name: &str| path.with_file_name(name);
    Files {
        results: tree.join("MVAR/test_results.csv"),
        over_time: beside("r2_vs_time_mvar.csv"),
        densities: beside("density_metrics_mvar.csv"),
        orders: beside("order_params.csv"),
        summary: beside("metrics_summary_mvar.json"),
    }
    .check(&[found], [x.view(), v.view()], &options, &basis, &times.to_vec())
}
