//! Vectors of the LSTM: single steps, predictions and rollouts.

use std::path::{Path, PathBuf};

use ndarray::{Array, Array1, Array2, Array3, ArrayView2, Axis, s};
use stepmark::lstm::cell::{self, Forecast};
use stepmark::lstm::model::{Options, load_scale};
use stepmark::lstm::net::Scale;
use stepmark::lstm::train::{self, Config, Session, Windows};
use stepmark::{close, lstm};

use super::{F64_TOLERANCE, Vectors, file_name, holds, is_damaged, near, wide};
use crate::conformance::{Kind, Role};

pub(crate) const LSTM: Kind = Kind { name: "rom lstm", role, check };

const F32_TOLERANCE: f64 = 2e-6;

/// The files of torch beside the safetensors: all facts, and a state dictionary alone.
const WHOLE: &str = "lstm_state_dict.pt";
const BARE: &str = "lstm_state_dict_raw.pt";

/// The normalisation beside them.
const NORMALISATION: &str = "lstm_normalization.npz";

/// Relative to the largest value of a rollout of 100 steps in f32.
const F32_ROLLOUT_TOLERANCE: f64 = 1e-4;

/// The recorded inputs and outputs of a network, if there are any, even if they are damaged.
fn io_of(path: &Path) -> Option<PathBuf> {
    if path.extension().is_none_or(|e| e != "safetensors") {
        return None;
    }
    let stem = path.file_stem()?.to_str()?;
    let beside = [format!("{stem}_io.npz"), "io.npz".to_owned()].map(|n| path.with_file_name(n));
    beside.into_iter().find(|io| is_io(io) || is_damaged(io))
}

fn is_io(path: &Path) -> bool {
    holds(path, &["y_f32"]) || holds(path, &["pred_all_norm_f32"])
}

fn role(path: &Path) -> Role {
    let folder = || path.parent().and_then(|p| p.read_dir().ok()).into_iter().flatten().flatten();
    let ios = || folder().filter_map(|entry| io_of(&entry.path()));
    let companion = [NORMALISATION, WHOLE, BARE].contains(&file_name(path));
    if io_of(path).is_some() {
        Role::Case
    } else if ios().any(|io| companion || io == path) {
        Role::Part
    } else {
        Role::Other
    }
}

fn scale_of(path: &Path) -> Result<Scale, String> {
    load_scale(path).map_err(|e| e.to_string())
}

fn check(path: &Path) -> Result<(), String> {
    let mut io = Vectors::open(&io_of(path).ok_or("no recorded outputs")?)?;
    let window: Array2<f64> = io.array("window")?;
    let scale = if io.has("input_mean") {
        Scale::new(io.array("input_mean")?, io.array("input_std")?).map_err(|e| format!("{e:?}"))?
    } else {
        scale_of(&path.with_file_name(NORMALISATION))?
    };
    let load =
        |path: &Path, options: &_| lstm::Model::load(path, options).map_err(|e| e.to_string());
    let [whole, bare] = [WHOLE, BARE].map(|name| path.with_file_name(name));
    let saved = if whole.exists() { Some(load(&whole, &Options::default())?) } else { None };
    let residual = saved.as_ref().map(|model| model.net().parts().residual);
    let options = Options { lag: Some(window.nrows()), residual, scale: Some(scale) };
    let model = load(path, &options)?;
    if saved.is_some_and(|saved| saved != model) {
        return Err(format!("{WHOLE} and the safetensors are of other numbers"));
    }
    if bare.exists() && load(&bare, &options)? != model {
        return Err(format!("{BARE} and the safetensors are of other numbers"));
    }

    if io.has("split_perm") {
        let beside = path.with_file_name(NORMALISATION);
        let saved = if beside.exists() { scale_of(&beside)? } else { model.scale() };
        training_windows(&mut io, &saved)?;
    }
    rollouts(&model, &window, &mut io)?;
    if io.has("pred_all_norm_f32") {
        predictions(&model, &mut io)?;
    }
    if io.has("x") { single_steps(&model, &mut io) } else { Ok(()) }
}

/// Our order of windows, as an array of `NumPy` has it.
fn split(samples: usize) -> Array1<i64> {
    let order = train::split(samples).into_iter();
    order.map(|at| i64::try_from(at).expect("few windows")).collect()
}

/// The windows that the network was trained on: which of them, and their normalisation.
fn training_windows(io: &mut Vectors, scale: &Scale) -> Result<(), String> {
    let (x, y): (Array3<f64>, Array2<f64>) = (io.array("X_all")?, io.array("Y_all")?);
    let order: Array1<i64> = io.array("split_perm")?;
    if order != split(x.len_of(Axis(0))) {
        return Err("split_perm is another order than ours".to_owned());
    }
    let windows = Windows::new(x, y.insert_axis(Axis(1))).map_err(|e| e.to_string())?;
    let session = Session::new(&Config::new(1, 1, 1e-3, 1, 1), &windows);
    let found = session.map_err(|e| e.to_string())?.scale();
    near("input_mean", found.mean(), scale.mean(), F64_TOLERANCE, 0.0)?;
    near("input_std", found.std(), scale.std(), F64_TOLERANCE, 0.0)
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
        let n = want.nrows();
        let mut x = vec![0.0; (lag + n) * d];
        let flat: Vec<f64> = window.iter().copied().collect();
        model.scale().apply(&flat, &mut x[..lag * d]);
        packed.rollout(&mut x, &mut packed.flight(lag));
        let windows: Vec<f32> = x.windows(lag * d).step_by(d).take(n).flatten().copied().collect();
        let mut batch = vec![0.0; n * d];
        packed.batch(&windows, &mut packed.buffers(lag), &mut batch);
        close::bits("a batch", &batch, &x[lag * d..])?;
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
    let (mut all_x, mut all_y) = (Vec::new(), Vec::new());
    for (n, (window, want)) in windows.outer_iter().zip(want.outer_iter()).enumerate() {
        let (mut x, mut y) = (vec![0.0; window.len()], vec![0.0; want.len()]);
        model.scale().apply(&window.iter().copied().collect::<Vec<_>>(), &mut x);
        packed.forecast(&x, &mut buffers, &mut y);
        let what = format!("pred_all_norm_f32[{n}]");
        all_x.extend(x);
        all_y.extend_from_slice(&y);
        near(&what, &wide(&Array1::from(y)), &wide(&want.to_owned()), F32_TOLERANCE, 1.0)?;
    }
    let mut batch = vec![0.0; all_y.len()];
    packed.batch(&all_x, &mut buffers, &mut batch);
    close::bits("a batch", &batch, &all_y)
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

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::{Array, arr1};
    use stepmark::file::npz::Writer;
    use stepmark::input;

    #[test]
    fn another_split_or_normalisation_of_the_training_windows_is_found() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("io.npz");
        let x = Array::from_shape_vec((20, 3, 2), input::gaussian(1, 120, 2.0)).unwrap();
        let y = Array::from_shape_vec((20, 2), input::gaussian(2, 40, 2.0)).unwrap();
        let order = split(20);
        // The first 16 of the order train.
        let rows = train::split(20)[..16].to_vec();
        let rows = x.select(Axis(0), &rows).into_shape_with_order((48, 2)).unwrap();
        let (mean, std) = (rows.mean_axis(Axis(0)).unwrap(), rows.std_axis(Axis(0), 0.0));
        let said = |order: &Array1<i64>, mean: &Array1<f64>, std: &Array1<f64>| {
            let mut npz = Writer::new(&path);
            npz.add("X_all", x.view()).unwrap();
            npz.add("Y_all", y.view()).unwrap();
            npz.add("split_perm", order.view()).unwrap();
            npz.finish().unwrap();
            let scale = Scale::new(mean.clone(), std.clone()).unwrap();
            training_windows(&mut Vectors::open(&path).unwrap(), &scale)
        };
        assert_eq!(said(&order, &mean, &std), Ok(()), "ours");
        let mut other = order.clone();
        other.swap(16, 17);
        assert!(said(&other, &mean, &std).unwrap_err().contains("split_perm"), "two swapped");
        let part = arr1(&[1e-9, 0.0]);
        assert!(said(&order, &(&mean + &part), &std).unwrap_err().contains("input_mean"), "mean");
        assert!(said(&order, &mean, &(&std + &part)).unwrap_err().contains("input_std"), "std");
    }
}
