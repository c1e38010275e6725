//! Vectors of MVAR: fitted models, those of the legacy format, and the mock.

use std::fs::File;
use std::path::Path;

use ndarray::{Array1, Array2, Array3, Ix1, s};
use stepmark::mvar::step;
use stepmark::{close, mvar};

use super::{Vectors, file_name, holds, is_damaged, near};
use crate::conformance::{Kind, Role};

pub(crate) const MVAR: Kind = Kind { name: "rom mvar", role, check };

/// The models that have their recorded forecasts beside them, in `io.npz`.
const MVAR_MODELS: [&str; 2] = ["mvar_model.npz", "mvar_params.npz"];

/// Relative to the largest value of a rollout of 100 steps.
const MVAR_TOLERANCE: f64 = 1e-9;

fn role(path: &Path) -> Role {
    let io = path.with_file_name("io.npz");
    let is = |arrays: &[&str]| holds(path, arrays);
    // A file that cannot be read is told by its name, so that it is reported.
    let named = MVAR_MODELS.contains(&file_name(path)) && io.exists();
    let damaged = named && (is_damaged(path) || is_damaged(&io));
    let fitted = is(&["A_matrices", "p"]) && holds(&io, &["forecast_ridge"]);
    let legacy = is(&["A_coeffs", "A0"]) && holds(&io, &["forecast_rom_mvar"]);
    let beside = || MVAR_MODELS.iter().any(|name| path.with_file_name(name).exists());
    let outputs = |path: &Path| {
        holds(path, &["forecast_ridge"])
            || holds(path, &["forecast_rom_mvar"])
            || path == io && is_damaged(path) && beside()
    };
    if damaged || fitted || legacy || is(&["A_0", "A_j", "forecast_from_window"]) {
        Role::Case
    } else if outputs(path) || file_name(path) == "model.json" && outputs(&io) {
        Role::Part
    } else {
        Role::Other
    }
}

fn check(path: &Path) -> Result<(), String> {
    if holds(path, &["A_j"]) {
        return mock(path);
    }
    let loaded = mvar::Model::load(path).map_err(|e| e.to_string())?;
    let mut io = Vectors::open(&path.with_file_name("io.npz"))?;
    if io.has("forecast_rom_mvar") { legacy(&loaded, &mut io) } else { fitted(path, &loaded, io) }
}

/// Forecasts from `window` as recorded, by the kernels, which leave the same bits, and by the reference.
fn rollout(
    what: &str,
    model: &mvar::Model,
    window: &Array2<f64>,
    want: &Array2<f64>,
) -> Result<(), String> {
    let got = model.forecast(window.view(), want.nrows());
    near(what, &got, want, MVAR_TOLERANCE, 0.0)?;
    let (p, d, packed) = (model.p(), model.d(), model.pack::<f64>());
    let states: Vec<f64> = window.iter().chain(&got).copied().collect();
    let (mut sums, mut y) = (packed.sums(), vec![0.0; d]);
    packed.start(&states[..(p - 1) * d], &mut sums);
    let mut windows = Vec::new();
    for (t, next) in got.outer_iter().enumerate() {
        let (window, next) = (&states[t * d..][..p * d], next.to_vec());
        packed.step(window, &mut y);
        close::bits(&format!("{what}: forecast {t}"), &y, &next)?;
        packed.advance(&window[(p - 1) * d..], &mut y, &mut sums);
        close::bits(&format!("{what}: step {t}"), &y, &next)?;
        windows.extend_from_slice(window);
    }
    let mut batch = vec![0.0; got.len()];
    packed.batch(&windows, &mut batch);
    close::bits(&format!("{what}: batch"), &batch, &states[p * d..])?;
    let mut x = Array2::zeros((p + want.nrows(), d));
    x.slice_mut(s![..p, ..]).assign(window);
    step::rollout_scalar(model.coefficients(), model.intercept(), x.view_mut());
    near(what, &x.slice(s![p.., ..]).to_owned(), want, MVAR_TOLERANCE, 0.0)
}

/// A fit whose file leaves the intercept out.
fn fitted(path: &Path, loaded: &mvar::model::Loaded, mut io: Vectors) -> Result<(), String> {
    let bare = &loaded.model;
    if loaded.warnings != [mvar::model::Warning::NoIntercept] {
        return Err("loaded without a warning that the intercept is missing".to_owned());
    }
    let model = mvar::Model::new(bare.coefficients().to_owned(), io.array("intercept")?);
    let model = model.map_err(|e| e.to_string())?;
    let all = [
        ("forecast_ridge", "window", &model),
        ("forecast2_ridge", "window2", &model),
        ("forecast_companion_only", "window", bare),
    ];
    for (forecast, window, model) in all {
        rollout(forecast, model, &io.array(window)?, &io.array(forecast)?)?;
    }
    let json = path.with_file_name("model.json");
    if json.exists() { same_as_json(&model, &json) } else { Ok(()) }
}

/// The copy in JSON has the same numbers.
fn same_as_json(model: &mvar::Model, path: &Path) -> Result<(), String> {
    let file = File::open(path).map_err(|e| e.to_string())?;
    let json: serde_json::Value = serde_json::from_reader(file).map_err(|e| e.to_string())?;
    for (i, intercept) in model.intercept().iter().enumerate() {
        let row: Vec<f64> = model.coefficients().slice(s![.., i, ..]).iter().copied().collect();
        if json["A_companion"][i] != serde_json::json!(row) || json["intercept"][i] != *intercept {
            return Err(format!("row {i} differs from {}", path.display()));
        }
    }
    Ok(())
}

/// The older lineage: one fit loaded from its file, and another recorded beside it.
fn legacy(loaded: &mvar::model::Loaded, io: &mut Vectors) -> Result<(), String> {
    if !loaded.warnings.is_empty() {
        return Err("loaded with a warning, but nothing is missing".to_owned());
    }
    let window = io.array("window")?;
    rollout("forecast_rom_mvar", &loaded.model, &window, &io.array("forecast_rom_mvar")?)?;
    if io.has("forecast_from_runs") {
        let (a, c) = (io.array("A_from_runs")?, io.array("A0_from_runs")?);
        let model = mvar::Model::from_newest_first(&a, c).map_err(|e| e.to_string())?;
        rollout("forecast_from_runs", &model, &window, &io.array("forecast_from_runs")?)?;
    }
    Ok(())
}

/// The mock of the original's test: newest lag first; a single state is put at the oldest place.
fn mock(path: &Path) -> Result<(), String> {
    let mut npz = Vectors::open(path)?;
    let (a, c): (Array3<f64>, Array1<f64>) = (npz.array("A_j")?, npz.array("A_0")?);
    let model = mvar::Model::from_newest_first(&a, c).map_err(|e| e.to_string())?;
    let window = npz.array("z0_window")?;
    rollout("forecast_from_window", &model, &window, &npz.array("forecast_from_window")?)?;
    if npz.has("forecast_from_vector") {
        let mut window = Array2::zeros((model.p(), model.d()));
        window.row_mut(0).assign(&npz.array::<f64, Ix1>("z0_vector")?);
        rollout("forecast_from_vector", &model, &window, &npz.array("forecast_from_vector")?)?;
    }
    Ok(())
}
