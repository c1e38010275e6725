//! Vectors of the reduced-order models.
//!
//! A vector is told by what its files hold. Companions that a case is read together with are
//! parts; a model without recorded forecasts is neither.

use std::fs::File;
use std::io::Read as _;
use std::path::{Path, PathBuf};

use ndarray::{Array, Array1, Array2, Array3, ArrayView2, Axis, Dimension, Ix1, s};
use stepmark::file::npz::{Archive, Element};
use stepmark::lstm::cell::{self, Forecast};
use stepmark::lstm::model::{Options, load_scale};
use stepmark::lstm::net::Scale;
use stepmark::mvar::step;
use stepmark::{lstm, mvar};

use crate::{Kind, Role};

pub(crate) const MVAR: Kind = Kind { name: "rom mvar", role: mvar_role, check: mvar_check };
pub(crate) const LSTM: Kind = Kind { name: "rom lstm", role: lstm_role, check: lstm_check };

/// The models that have their recorded forecasts beside them, in `io.npz`.
const MVAR_MODELS: [&str; 2] = ["mvar_model.npz", "mvar_params.npz"];

/// Relative to the largest value of a rollout of 100 steps.
const MVAR_TOLERANCE: f64 = 1e-9;
/// Of one forecast step and of hidden states.
const F64_TOLERANCE: f64 = 1e-12;
const F32_TOLERANCE: f64 = 2e-6;
/// Relative to the largest value of a rollout of 100 steps in f32.
const F32_ROLLOUT_TOLERANCE: f64 = 1e-4;

/// The names of the arrays of an archive; none if it cannot be read.
fn names(path: &Path) -> Vec<String> {
    let is_npz = path.extension().is_some_and(|e| e == "npz");
    let archive = is_npz.then(|| Archive::open(path).ok()).flatten();
    archive.map_or(Vec::new(), |npz| npz.names())
}

fn holds(path: &Path, arrays: &[&str]) -> bool {
    let names = names(path);
    arrays.iter().all(|array| names.iter().any(|name| name == array))
}

/// Whether it is there, but is no archive.
fn is_damaged(path: &Path) -> bool {
    path.exists() && path.extension().is_some_and(|e| e == "npz") && Archive::open(path).is_err()
}

fn file_name(path: &Path) -> &str {
    path.file_name().and_then(|n| n.to_str()).unwrap_or_default()
}

/// The rest of one check, in which every error is a message.
struct Vectors(Archive);

impl Vectors {
    fn open(path: &Path) -> Result<Self, String> {
        Archive::open(path).map(Self).map_err(|e| e.to_string())
    }

    fn array<A: Element, D: Dimension>(&mut self, name: &str) -> Result<Array<A, D>, String> {
        self.0.array(name).map_err(|e| e.to_string())
    }

    fn has(&self, name: &str) -> bool {
        self.0.contains(name)
    }
}

/// Requires `|got - want| <= tolerance * max(largest |want|, floor)` everywhere.
fn near<D: Dimension>(
    what: &str,
    got: &Array<f64, D>,
    want: &Array<f64, D>,
    tolerance: f64,
    floor: f64,
) -> Result<(), String> {
    if got.shape() != want.shape() {
        return Err(format!("{what} has shape {:?}, expected {:?}", got.shape(), want.shape()));
    }
    let bound = tolerance * want.iter().fold(floor, |m: f64, v| m.max(v.abs()));
    let far = got.iter().zip(want).fold(0.0, |m: f64, (g, w)| {
        let far = (g - w).abs();
        if far <= m { m } else { far }
    });
    if far <= bound {
        Ok(())
    } else {
        Err(format!("{what} is off by {far:e}, more than {bound:e}"))
    }
}

fn wide<D: Dimension>(x: &Array<f32, D>) -> Array<f64, D> {
    x.mapv(f64::from)
}

fn mvar_role(path: &Path) -> Role {
    let io = path.with_file_name("io.npz");
    let is = |arrays: &[&str]| holds(path, arrays);
    // What cannot be read is told by its name, so that it is reported.
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

fn mvar_check(path: &Path) -> Result<(), String> {
    if holds(path, &["A_j"]) {
        return mvar_mock(path);
    }
    let loaded = mvar::Model::load(path).map_err(|e| e.to_string())?;
    let mut io = Vectors::open(&path.with_file_name("io.npz"))?;
    if io.has("forecast_rom_mvar") { legacy(&loaded, &mut io) } else { fitted(path, &loaded, io) }
}

/// Forecasts from `window` as recorded, by the kernel and by the reference.
fn rollout(
    what: &str,
    model: &mvar::Model,
    window: &Array2<f64>,
    want: &Array2<f64>,
) -> Result<(), String> {
    let got = model.forecast(window.view(), want.nrows());
    near(what, &got, want, MVAR_TOLERANCE, 0.0)?;
    let p = model.p();
    let mut x = Array2::zeros((p + want.nrows(), model.d()));
    x.slice_mut(s![..p, ..]).assign(window);
    step::rollout_scalar(model.coefficients(), model.intercept(), x.view_mut());
    near(what, &x.slice(s![p.., ..]).to_owned(), want, MVAR_TOLERANCE, 0.0)
}

/// A fit whose file leaves the intercept out.
fn fitted(path: &Path, loaded: &mvar::model::Loaded, mut io: Vectors) -> Result<(), String> {
    let bare = &loaded.model;
    if loaded.warning != Some(mvar::model::Warning::NoIntercept) {
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
    if loaded.warning.is_some() {
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
fn mvar_mock(path: &Path) -> Result<(), String> {
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

/// The recorded inputs and outputs of a network, if there are any, even if they are damaged.
fn lstm_io(path: &Path) -> Option<PathBuf> {
    if path.extension().is_none_or(|e| e != "safetensors") {
        return None;
    }
    let stem = path.file_stem()?.to_str()?;
    let beside = [format!("{stem}_io.npz"), "io.npz".to_owned()].map(|n| path.with_file_name(n));
    beside.into_iter().find(|io| is_lstm_io(io) || is_damaged(io))
}

fn is_lstm_io(path: &Path) -> bool {
    holds(path, &["y_f32"]) || holds(path, &["pred_all_norm_f32"])
}

fn lstm_role(path: &Path) -> Role {
    let folder = || path.parent().and_then(|p| p.read_dir().ok()).into_iter().flatten().flatten();
    let ios = || folder().filter_map(|entry| lstm_io(&entry.path()));
    let companion = ["lstm_normalization.npz", "lstm_state_dict.pt"].contains(&file_name(path));
    if lstm_io(path).is_some() {
        Role::Case
    } else if ios().any(|io| companion || io == path) {
        Role::Part
    } else {
        Role::Other
    }
}

fn lstm_check(path: &Path) -> Result<(), String> {
    let mut io = Vectors::open(&lstm_io(path).ok_or("no recorded outputs")?)?;
    let window: Array2<f64> = io.array("window")?;
    let scale = if io.has("input_mean") {
        Scale::new(io.array("input_mean")?, io.array("input_std")?).map_err(|e| format!("{e:?}"))?
    } else {
        load_scale(&path.with_file_name("lstm_normalization.npz")).map_err(|e| e.to_string())?
    };
    let pickle = path.with_file_name("lstm_state_dict.pt");
    let residual = if pickle.exists() { Some(pickled_residual(&pickle)?) } else { None };
    let options = Options { lag: Some(window.nrows()), residual, scale: Some(scale) };
    let model = lstm::Model::load(path, &options).map_err(|e| e.to_string())?;

    rollouts(&model, &window, &mut io)?;
    if io.has("pred_all_norm_f32") {
        predictions(&model, &mut io)?;
    }
    if io.has("x") { single_steps(&model, &mut io) } else { Ok(()) }
}

/// Forecasts of many steps, in the units of the data and normalised.
fn rollouts(model: &lstm::Model, window: &Array2<f64>, io: &mut Vectors) -> Result<(), String> {
    let (lag, d) = window.dim();
    let want: Array2<f64> = io.array("rollout_f32")?;
    let n = want.nrows();
    let got = model.forecast(window.view(), n);
    near("rollout_f32", &got, &want, F32_ROLLOUT_TOLERANCE, 0.0)?;
    if io.has("rollout_norm_f32") {
        let want: Array2<f32> = io.array("rollout_norm_f32")?;
        let packed = model.pack();
        let mut x = vec![0.0; (lag + want.nrows()) * d];
        let flat: Vec<f64> = window.iter().copied().collect();
        model.scale().apply(&flat, &mut x[..lag * d]);
        packed.rollout(&mut x, &mut packed.buffers(lag));
        let got = ArrayView2::from_shape(want.dim(), &x[lag * d..]).map_err(|e| e.to_string())?;
        let (got, want) = (wide(&got.to_owned()), wide(&want));
        near("rollout_norm_f32", &got, &want, F32_ROLLOUT_TOLERANCE, 0.0)?;
    }
    if io.has("rollout_f64") {
        let want: Array2<f64> = io.array("rollout_f64")?;
        let (mean, std) = (model.scale().mean().clone(), model.scale().std().clone());
        let mut x = Array2::zeros((lag + want.nrows(), d));
        x.slice_mut(s![..lag, ..]).assign(&((window - &mean) / &std));
        cell::rollout_scalar(model.net(), lag, &mut x);
        let got = x.slice(s![lag.., ..]).to_owned() * &std + &mean;
        near("rollout_f64", &got, &want, F64_TOLERANCE, 0.0)?;
    }
    Ok(())
}

/// Normalised one-step predictions of the training windows.
fn predictions(model: &lstm::Model, io: &mut Vectors) -> Result<(), String> {
    let windows: Array3<f64> = io.array("X_all")?;
    let want: Array2<f32> = io.array("pred_all_norm_f32")?;
    let packed = model.pack();
    let mut buffers = packed.buffers(model.lag());
    for (n, (window, want)) in windows.outer_iter().zip(want.outer_iter()).enumerate() {
        let (mut x, mut y) = (vec![0.0; window.len()], vec![0.0; want.len()]);
        model.scale().apply(&window.iter().copied().collect::<Vec<_>>(), &mut x);
        packed.forecast(&x, &mut buffers, &mut y);
        let what = format!("pred_all_norm_f32[{n}]");
        near(&what, &wide(&Array1::from(y)), &wide(&want.to_owned()), F32_TOLERANCE, 1.0)?;
    }
    Ok(())
}

/// Outputs and states of single forecast steps, by the kernel in f32 and by the oracle in f64.
fn single_steps(model: &lstm::Model, io: &mut Vectors) -> Result<(), String> {
    let x: Array3<f32> = io.array("x")?;
    let (net, lag) = (model.net(), x.len_of(Axis(1)));
    let (samples, layers, h) = (x.len_of(Axis(0)), net.parts().layers.len(), net.units());
    let packed = model.pack();
    let mut buffers = packed.buffers(lag);

    let exact: Vec<Forecast> =
        x.outer_iter().map(|x| cell::forecast_scalar(net, x.mapv(f64::from).view())).collect();
    let mut single = exact.clone();
    for (x, f) in x.outer_iter().zip(&mut single) {
        let mut y = vec![0.0; net.d()];
        packed.forecast(&x.iter().copied().collect::<Vec<_>>(), &mut buffers, &mut y);
        let row = |states: &[f32], k: usize| f64::from(states[k]);
        f.h = Array::from_shape_fn((layers, lag, h), |(l, t, k)| row(buffers.hidden(l, t + 1), k));
        f.c = Array::from_shape_fn((layers, lag, h), |(l, t, k)| row(buffers.cell(l, t + 1), k));
        f.y = y.into_iter().map(f64::from).collect();
    }
    let mut recorded = |name: &str, f32s: bool| -> Result<Array<f64, ndarray::IxDyn>, String> {
        Ok(if f32s { wide(&io.array(name)?) } else { io.array(name)? })
    };
    let last = |states: &Array3<f64>, l, k| states[[l, lag - 1, k]];
    for (found, names, tolerance, f32s) in [
        (&exact, ["y_f64", "seq_out_f64", "h_n_f64", "c_n_f64"], F64_TOLERANCE, false),
        (&single, ["y_f32", "seq_out_f32", "h_n_f32", "c_n_f32"], F32_TOLERANCE, true),
        (&single, ["y_f64", "seq_out_f64", "h_n_f64", "c_n_f64"], F32_TOLERANCE, false),
    ] {
        let y = Array::from_shape_fn((samples, net.d()), |(n, i)| found[n].y[i]).into_dyn();
        near(names[0], &y, &recorded(names[0], f32s)?, tolerance, 1.0)?;
        let want = recorded(names[1], f32s)?;
        let shape = (want.len_of(Axis(0)).min(samples), lag, h);
        let sequence = Array::from_shape_fn(shape, |(n, t, k)| found[n].h[[layers - 1, t, k]]);
        near(names[1], &sequence.into_dyn(), &want, tolerance, 1.0)?;
        let states = (layers, samples, h);
        let h_n = Array::from_shape_fn(states, |(l, n, k)| last(&found[n].h, l, k)).into_dyn();
        near(names[2], &h_n, &recorded(names[2], f32s)?, tolerance, 1.0)?;
        let c_n = Array::from_shape_fn(states, |(l, n, k)| last(&found[n].c, l, k)).into_dyn();
        near(names[3], &c_n, &recorded(names[3], f32s)?, tolerance, 1.0)?;
    }
    Ok(())
}

/// The flag `residual` of a `torch.save` file: the first bool after that key in its pickle.
fn pickled_residual(path: &Path) -> Result<bool, String> {
    let file = File::open(path).map_err(|e| e.to_string())?;
    let mut zip = zip::ZipArchive::new(file).map_err(|e| e.to_string())?;
    let index = zip.file_names().position(|name| name.ends_with("/data.pkl"));
    let mut entry = zip.by_index(index.ok_or("no data.pkl")?).map_err(|e| e.to_string())?;
    let mut pickle = Vec::new();
    entry.read_to_end(&mut pickle).map_err(|e| e.to_string())?;
    let key = b"residual";
    let at = pickle.windows(key.len()).position(|w| w == key).ok_or("no key `residual`")?;
    // Between the two the key may be put into the memo: `q` and a byte, or `r` and four.
    let after = &pickle[at + key.len()..];
    let skip = match after.first() {
        Some(b'q') => 2,
        Some(b'r') => 5,
        Some(0x94) => 1,
        _ => 0,
    };
    match after.get(skip) {
        Some(0x88) => Ok(true),
        Some(0x89) => Ok(false),
        other => Err(format!("found {other:02x?} after `residual`, expected a bool")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The roles of the files of a folder for a kind; those of cases with what the check says.
    fn roles<'a>(kind: &Kind, files: &[(&'a str, &[u8])]) -> Vec<(&'a str, String)> {
        let folder = tempfile::tempdir().unwrap();
        for (name, bytes) in files {
            std::fs::write(folder.path().join(name), bytes).unwrap();
        }
        let role = |name| match (kind.role)(&folder.path().join(name)) {
            Role::Case => (kind.check)(&folder.path().join(name)).err().unwrap_or_default(),
            Role::Part => "part".to_owned(),
            Role::Other => "other".to_owned(),
        };
        files.iter().map(|&(name, _)| (name, role(name))).collect()
    }

    fn archive(arrays: &[&str]) -> Vec<u8> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x.npz");
        let mut npz = stepmark::file::npz::Writer::new(&path);
        arrays.iter().for_each(|name| npz.add(name, ndarray::arr1(&[1.0]).view()).unwrap());
        npz.finish().unwrap();
        std::fs::read(path).unwrap()
    }

    #[test]
    fn a_model_whose_recorded_outputs_are_damaged_fails() {
        let (model, io) = (archive(&["A_matrices", "p"]), archive(&["forecast_ridge"]));
        for (name, model, io) in [
            ("mvar_model.npz", &*model, &b"cut"[..]),
            ("mvar_params.npz", &*model, b"cut"),
            ("mvar_model.npz", b"cut", &*io),
        ] {
            let files = [(name, model), ("io.npz", io), ("model.json", b"{}")];
            let [case, parts @ ..] = &*roles(&MVAR, &files) else { panic!("three files") };
            assert!(!["other", "part", ""].contains(&&*case.1), "{case:?}");
            assert!(parts.iter().all(|(_, role)| role == "part"), "{parts:?}");
        }
        for io in ["a_io.npz", "io.npz"] {
            let files = [("a.safetensors", &b"cut"[..]), (io, b"cut")];
            let roles = roles(&LSTM, &files);
            assert!(roles[0].1.contains("found no whole zip archive"), "{roles:?}");
            assert_eq!(roles[1], (io, "part".to_owned()), "its outputs");
        }
    }

    #[test]
    fn a_model_without_recorded_outputs_is_none_of_these() {
        let model = archive(&["A_matrices", "p"]);
        let files = [("mvar_model.npz", &*model), ("model.json", b"{}"), ("b_io.npz", b"cut")];
        assert!(roles(&MVAR, &files).iter().all(|(_, role)| role == "other"), "no io.npz");
        let files = [("a.safetensors", &b"cut"[..]), ("b_io.npz", b"cut"), ("b.npz", b"")];
        assert!(roles(&LSTM, &files).iter().all(|(_, role)| role == "other"), "of another");
        assert!(
            roles(&MVAR, &[("io.npz", b"cut")]).iter().all(|(_, role)| role == "other"),
            "alone"
        );
    }
}
