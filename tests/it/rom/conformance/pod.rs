//! Vectors of decompositions: the basis of snapshots that lie beside it, files of a basis, and
//! projections onto the simplex.

use std::path::Path;

use ndarray::{
    Array, Array0, Array1, Array2, Array3, Array4, ArrayView2, Axis, Ix1, Ix2, IxDyn, arr0, s,
};
use stepmark::file::npz::load_npy;
use stepmark::rom::evaluate::mass::simplex;
use stepmark::rom::files::{basis, settings};
use stepmark::rom::pod::{Basis, Config, Modes, Pod, Transform};

use super::{Vectors, file_name, holds, near, text};
use crate::conformance::{Kind, Role};

pub(crate) const POD: Kind = Kind { name: "rom pod", role, check };

/// Relative to the largest number.
const TOLERANCE: f64 = 1e-9;

/// Singular values below this part of the first are rounding, in the vectors and here.
const NOISE: f64 = 1e-7;

/// A vector of projections onto the simplex.
const SIMPLEX: &str = "simplex.npz";

/// The snapshots that a basis is of.
const SNAPSHOTS: &str = "snapshots_train.npz";

fn role(path: &Path) -> Role {
    let is_saved = || holds(path, &["U", "all_singular_values"]) && mean_of(path).exists();
    if holds(path, &["U_r", "S", "rom_config"]) && !holds(path, &["rho_pred"]) || is_saved() {
        return Role::Case;
    }
    match file_name(path) {
        SIMPLEX => Role::Case,
        SNAPSHOTS | "X_train_mean.npy" => Role::Part,
        _ => Role::Other,
    }
}

fn mean_of(path: &Path) -> std::path::PathBuf {
    path.with_file_name("X_train_mean.npy")
}

fn check(path: &Path) -> Result<(), String> {
    match file_name(path) {
        SIMPLEX => projection(path),
        _ if holds(path, &["U_r"]) => basis_of(path),
        _ => saved(path),
    }
}

/// What is projected, `v` or the one array with a number below zero, and what it becomes at some masses,
/// which are the sums of the projections.
fn projection(path: &Path) -> Result<(), String> {
    let mut io = Vectors::open(path)?;
    let names = super::names(path);
    let mut is_projected = |name: &&String| {
        let v = io.array::<f64, IxDyn>(name);
        *name == "v" || v.is_ok_and(|v| v.iter().any(|x| *x < 0.0))
    };
    let projected = names.iter().rev().find(&mut is_projected).ok_or("nothing below zero")?;
    let v: Array<f64, IxDyn> = io.array(projected)?;
    let mut checked = 0;
    for name in names.iter().filter(|name| *name != projected) {
        let Ok(want) = io.array::<f64, IxDyn>(name) else { continue };
        if want.shape() != v.shape() {
            continue;
        }
        let mut found = v.clone();
        let flat = found.as_slice_mut().ok_or("not in rows")?;
        simplex(flat, want.sum(), &mut Vec::new());
        near(name, &found, &want, 1e-12, 0.0)?;
        checked += 1;
    }
    if checked == 0 { Err("no projection".to_owned()) } else { Ok(()) }
}

fn snapshots(path: &Path) -> Result<Vec<Array3<f64>>, String> {
    let all: Array4<f64> = Vectors::open(path)?.array("rho")?;
    Ok(all.outer_iter().map(|run| run.to_owned()).collect())
}

fn pod(runs: &[Array3<f64>], config: &Config) -> Result<Pod, String> {
    let views: Vec<_> = runs.iter().map(|run| run.view()).collect();
    Pod::of(&views, config).map_err(|e| e.to_string())
}

fn basis_of(path: &Path) -> Result<(), String> {
    let runs = snapshots(&path.with_file_name(SNAPSHOTS))?;
    let config = settings::decomposition(&text(path, "rom_config")?);
    let config = config.map_err(|e| e.to_string())?;
    let found = pod(&runs, &config)?;
    let (basis, mut io) = (&found.basis, Vectors::open(path)?);
    let wanted: Array2<f64> = io.array("U_r")?;
    let modes = signed(basis, wanted.view())?;
    near("X_mean", &basis.mean().to_owned(), &io.array("X_mean")?, TOLERANCE, 0.0)?;
    values("S", &basis.spectrum().values, &io.array("S")?)?;
    let cumulative = Array1::from(basis.spectrum().cumulative());
    near("cumulative_energy", &cumulative, &io.array("cumulative_energy")?, TOLERANCE, 0.0)?;
    for (name, number) in [
        ("total_energy", basis.spectrum().total_energy),
        ("energy_captured", basis.spectrum().ratio(basis.len())),
    ] {
        near(name, &arr0(number), &io.array(name)?, TOLERANCE, 0.0)?;
    }
    let latent: Vec<_> = found.latent.iter().map(|latent| latent.view()).collect();
    let latent = ndarray::concatenate(Axis(0), &latent).map_err(|e| e.to_string())?;
    near("X_latent", &(latent * &modes), &io.array("X_latent")?, TOLERANCE, 0.0)?;
    let recon: Array2<f64> = io.array("recon")?;
    let lifted =
        basis.lift(found.latent[0].slice(s![..recon.nrows().min(found.latent[0].nrows()), ..]));
    let recon = recon.slice(s![..lifted.nrows(), ..]).to_owned();
    near("recon", &lifted, &recon, TOLERANCE, 0.0)?;
    if let Some(shifts) = &found.shifts {
        let wanted = Vectors::whole::<Ix2>(path, "shifts")?;
        if *shifts != wanted {
            return Err("shifts differ".to_owned());
        }
        let field = basis.reference().ok_or("no reference")?.to_owned();
        near("ref", &field, &io.array("ref")?, TOLERANCE, 0.0)?;
        if io.has("S_unaligned") {
            let unaligned =
                pod(&runs, &Config { align: None, transform: Transform::Raw, ..config })?;
            let values_of = &unaligned.basis.spectrum().values;
            values("S_unaligned", values_of, &io.array("S_unaligned")?)?;
        }
    }
    Ok(())
}

/// Requires modes to be those of the vectors up to their signs, which it returns.
fn signed(basis: &Basis, wanted: ArrayView2<'_, f64>) -> Result<Array1<f64>, String> {
    let modes = basis.modes();
    if modes.t().dim() != wanted.dim() {
        return Err(format!("{:?} cells and modes, expected {:?}", modes.t().dim(), wanted.dim()));
    }
    let along = modes.outer_iter().zip(wanted.columns());
    let signs: Array1<f64> = along.map(|(a, b)| a.dot(&b).signum()).collect();
    near("U_r", &(&modes.t() * &signs), &wanted.to_owned(), TOLERANCE, 1.0)?;
    Ok(signs)
}

fn values(what: &str, found: &[f64], wanted: &Array1<f64>) -> Result<(), String> {
    if found.len() != wanted.len() {
        return Err(format!("{what} has {} numbers, expected {}", found.len(), wanted.len()));
    }
    let is_sure = wanted.iter().take_while(|value| **value > NOISE * wanted[0]).count();
    let found = Array1::from(found[..is_sure].to_vec());
    near(what, &found, &wanted.slice(s![..is_sure]).to_owned(), TOLERANCE, 0.0)
}

/// A basis comes back from its files as it is, and is that of the snapshots if there are any.
fn saved(path: &Path) -> Result<(), String> {
    let cells = load_npy::<f64, Ix1>(&mean_of(path)).map_err(|e| e.to_string())?.len();
    let folder = path.parent().ok_or("no folder")?;
    let load = |folder: &Path| {
        basis::load(folder, [1, cells], Transform::Raw, false).map_err(|e| e.to_string())
    };
    let loaded = load(folder)?;
    let copy = tempfile::tempdir().map_err(|e| e.to_string())?;
    basis::save(copy.path(), &loaded, None).map_err(|e| e.to_string())?;
    if load(copy.path())? != loaded {
        return Err("another basis comes back".to_owned());
    }
    let (mut found, mut io) =
        (Vectors::open(&copy.path().join("pod_basis.npz"))?, Vectors::open(path)?);
    for name in super::names(path) {
        let dynamic = |io: &mut Vectors| io.array::<f64, IxDyn>(&name);
        near(&name, &dynamic(&mut found)?, &dynamic(&mut io)?, TOLERANCE, 0.0)?;
    }
    let beside = folder.join("..").join(SNAPSHOTS);
    if !beside.exists() {
        return Ok(());
    }
    let config = Config { modes: Modes::Fixed(loaded.len()), ..Config::default() };
    let pod = pod(&snapshots(&beside)?, &config)?;
    let wanted: Array2<f64> = io.array("U")?;
    signed(&pod.basis, wanted.view())?;
    let energy: Array0<f64> = io.array("total_energy")?;
    near("total_energy", &arr0(pod.basis.spectrum().total_energy), &energy, TOLERANCE, 0.0)
}
