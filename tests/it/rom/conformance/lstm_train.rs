//! Vectors of LSTM training: fifty steps of Adam from given weights on given batches.

use std::path::{Path, PathBuf};

use ndarray::{Array0, Array1, Array2, Array3, arr1};
use safetensors::{Dtype, SafeTensors};
use stepmark::lstm::train::{Adam, Batch, Multistep, Real, Shape, Tape, clip, loss};
use stepmark::machine::isa::Isa;

use super::{Vectors, file_name, holds, near};
use crate::conformance::{Kind, Role};

pub(crate) const LSTM_TRAIN: Kind = Kind { name: "rom lstm_train", role, check };

fn role(path: &Path) -> Role {
    let name = file_name(path);
    let weights = name.strip_suffix("_initial.safetensors");
    let weights = weights.or_else(|| name.strip_suffix("_final.safetensors"));
    let run = weights.map(|case| path.with_file_name(format!("{case}_run.npz")));
    if holds(path, &["batches", "grad_norm"]) {
        Role::Case
    } else if run.is_some_and(|run| run.exists()) {
        Role::Part
    } else {
        Role::Other
    }
}

fn beside(path: &Path, end: &str) -> PathBuf {
    let name = file_name(path);
    path.with_file_name(name.replace("_run.npz", &format!("_{end}.safetensors")))
}

fn check(path: &Path) -> Result<(), String> {
    let bytes = std::fs::read(beside(path, "initial")).map_err(|e| e.to_string())?;
    let tensors = SafeTensors::deserialize(&bytes).map_err(|e| e.to_string())?;
    match tensors.tensor("out.bias").map_err(|e| e.to_string())?.dtype() {
        Dtype::F64 => steps::<f64>(path, &bytes, 1e-10),
        Dtype::F32 => steps::<f32>(path, &bytes, 1e-4),
        other => Err(format!("weights of type {other:?}")),
    }
}

/// The sizes that tensors and metadata show.
fn shape(bytes: &[u8]) -> Result<Shape, String> {
    let tensors = SafeTensors::deserialize(bytes).map_err(|e| e.to_string())?;
    let (_, header) = SafeTensors::read_metadata(bytes).map_err(|e| e.to_string())?;
    let metadata = header.metadata().clone().unwrap_or_default();
    let out = tensors.tensor("out.weight").map_err(|e| e.to_string())?;
    let names = tensors.names();
    Ok(Shape {
        d: out.shape()[0],
        units: out.shape()[1],
        layers: names.iter().filter(|name| name.starts_with("lstm.weight_ih_l")).count(),
        norm: names.iter().any(|name| name.starts_with("layer_norm.")),
        residual: metadata.get("residual").ok_or("no `residual`")?.eq_ignore_ascii_case("true"),
    })
}

fn weights(shape: &Shape, bytes: &[u8]) -> Result<Array1<f64>, String> {
    let tensors = SafeTensors::deserialize(bytes).map_err(|e| e.to_string())?;
    let mut all = Vec::new();
    for tensor in shape.tensors() {
        let found = tensors.tensor(&tensor.name).map_err(|e| e.to_string())?;
        match found.dtype() {
            Dtype::F64 => {
                all.extend(found.data().as_chunks().0.iter().map(|x| f64::from_le_bytes(*x)));
            }
            _ => all.extend(
                found.data().as_chunks().0.iter().map(|x| f64::from(f32::from_le_bytes(*x))),
            ),
        }
        if all.len() != tensor.range.end {
            return Err(format!("{} has another size", tensor.name));
        }
    }
    Ok(Array1::from(all))
}

fn steps<R: Real>(path: &Path, initial: &[u8], tolerance: f64) -> Result<(), String> {
    let mut io = Vectors::open(path)?;
    let (x, y): (Array3<f64>, Array3<f64>) = (io.array("X")?, io.array("Y")?);
    let batches: Array2<i64> = io.array("batches")?;
    let scalar = |value: Array0<f64>| value[()];
    let (rate, decay) = (scalar(io.array("lr")?), scalar(io.array("weight_decay")?));
    let (most, alpha) = (scalar(io.array("clip")?), scalar(io.array("alpha")?));
    let k: Array0<i64> = io.array("multistep")?;
    let k_steps = usize::try_from(k[()]).map_err(|e| e.to_string())?;
    let multistep = (k_steps > 0).then_some(Multistep { k_steps, alpha });

    let shape = shape(initial)?;
    let mut parameters: Vec<R> =
        weights(&shape, initial)?.iter().map(|w| R::from_f64(*w)).collect();
    let mut tape = Tape::new(shape, x.dim().1, batches.ncols());
    let mut adam = Adam::new(parameters.len());
    let (mut losses, mut norms) = (Array2::zeros((0, 2)), Vec::new());
    for rows in batches.outer_iter() {
        let rows: Vec<_> = rows
            .iter()
            .map(|row| usize::try_from(*row).map_err(|e| e.to_string()))
            .collect::<Result<_, _>>()?;
        let take = |from: &Array3<f64>, t: usize| -> Vec<R> {
            let states = rows.iter().flat_map(|&row| from.slice(ndarray::s![row, t, ..]));
            states.map(|x| R::from_f64(*x)).collect()
        };
        let mut batch = Batch {
            x: rows
                .iter()
                .flat_map(|&row| x.slice(ndarray::s![row, .., ..]))
                .map(|x| R::from_f64(*x))
                .collect(),
            y: (0..k_steps.max(1)).map(|t| take(&y, t)).collect(),
            spare: Vec::new(),
        };
        let mut gradient = vec![R::default(); parameters.len()];
        let found = loss(&mut tape, &parameters, &mut batch, multistep, None, Some(&mut gradient));
        losses.push_row(arr1(&found).view()).map_err(|e| e.to_string())?;
        norms.push(clip(&mut gradient, most));
        adam.step(Isa::best(), &mut parameters, &gradient, rate, decay);
    }
    near("loss", &losses, &io.array("loss")?, tolerance, 0.0)?;
    near("grad_norm", &Array1::from(norms), &io.array("grad_norm")?, tolerance, 0.0)?;
    let bytes = std::fs::read(beside(path, "final")).map_err(|e| e.to_string())?;
    let want = weights(&shape, &bytes)?;
    for tensor in shape.tensors() {
        let part = ndarray::s![tensor.range.clone()];
        let found = parameters[tensor.range.clone()].iter().map(|w| (*w).into()).collect();
        near(
            &tensor.name,
            &Array1::<f64>::from_vec(found),
            &want.slice(part).to_owned(),
            tolerance,
            0.0,
        )?;
    }
    Ok(())
}
