//! Vectors of the reduced-order models.
//!
//! A vector is told by what its files hold. Companions that a case is read together with are
//! parts; a model without recorded forecasts is neither.

mod dataset;
mod eval;
mod kde;
mod lstm;
mod lstm_train;
mod mvar;
mod mvar_train;
mod pipeline;
mod pod;
mod runtime;
mod sim;
mod text;
mod tree;

pub(crate) use dataset::DATASET;
pub(crate) use eval::EVAL;
pub(crate) use kde::KDE;
pub(crate) use lstm::LSTM;
pub(crate) use lstm_train::LSTM_TRAIN;
pub(crate) use mvar::MVAR;
pub(crate) use mvar_train::MVAR_TRAIN;
pub(crate) use pipeline::PIPELINE;
pub(crate) use pod::POD;
pub(crate) use runtime::RUNTIME;
pub(crate) use sim::SIM;
use text::text;
pub(crate) use tree::TREE;

use std::path::Path;

use ndarray::{Array, Dimension};
use stepmark::file::npz::{Archive, Element};

use crate::conformance::{Kind, Role};

/// The names of the arrays of an archive; none if it cannot be read.
pub(super) fn names(path: &Path) -> Vec<String> {
    let is_npz = path.extension().is_some_and(|e| e == "npz");
    let archive = is_npz.then(|| Archive::open(path).ok()).flatten();
    archive.map_or(Vec::new(), |npz| npz.names())
}

pub(super) fn holds(path: &Path, arrays: &[&str]) -> bool {
    let names = names(path);
    arrays.iter().all(|array| names.iter().any(|name| name == array))
}

/// Whether it is there, but is no archive.
pub(super) fn is_damaged(path: &Path) -> bool {
    path.exists() && path.extension().is_some_and(|e| e == "npz") && Archive::open(path).is_err()
}

pub(super) fn file_name(path: &Path) -> &str {
    path.file_name().and_then(|n| n.to_str()).unwrap_or_default()
}

/// The rest of one check, in which every error is a message.
pub(super) struct Vectors(Archive);

impl Vectors {
    pub(super) fn open(path: &Path) -> Result<Self, String> {
        Archive::open(path).map(Self).map_err(|e| e.to_string())
    }

    pub(super) fn array<A: Element, D: Dimension>(
        &mut self,
        name: &str,
    ) -> Result<Array<A, D>, String> {
        self.0.array(name).map_err(|e| e.to_string())
    }

    /// Whole numbers of four or eight bytes.
    pub(super) fn whole<D: Dimension>(path: &Path, name: &str) -> Result<Array<i64, D>, String> {
        let file = std::fs::File::open(path).map_err(|e| e.to_string())?;
        let mut npz = ndarray_npy::NpzReader::new(file).map_err(|e| e.to_string())?;
        if let Ok(short) = npz.by_name::<ndarray::OwnedRepr<i32>, D>(name) {
            return Ok(short.mapv(i64::from));
        }
        npz.by_name::<ndarray::OwnedRepr<i64>, D>(name).map_err(|e| e.to_string())
    }

    pub(super) fn has(&self, name: &str) -> bool {
        self.0.contains(name)
    }
}

/// Requires `|got - want| <= tolerance * max(largest |want|, floor)` everywhere.
pub(super) fn near<D: Dimension>(
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
        if m.is_nan() || far <= m { m } else { far }
    });
    if far <= bound {
        Ok(())
    } else {
        Err(format!("{what} is off by {far:e}, more than {bound:e}"))
    }
}

pub(super) fn wide<D: Dimension>(x: &Array<f32, D>) -> Array<f64, D> {
    x.mapv(f64::from)
}

/// Of one forecast step and of hidden states.
pub(super) const F64_TOLERANCE: f64 = 1e-12;

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

    /// The projection of [3, -1, 2] onto its own mass and onto that of 3, as if these were vectors.
    #[test]
    fn projections_onto_the_simplex_pass_and_wrong_ones_fail() {
        let file = |own: [f64; 3]| {
            let folder = tempfile::tempdir().unwrap();
            let path = folder.path().join("x.npz");
            let mut npz = stepmark::file::npz::Writer::new(&path);
            for (name, x) in [("v", [3.0, -1.0, 2.0]), ("own", own), ("to_3", [2.0, 0.0, 1.0])] {
                npz.add(name, ndarray::arr1(&x).view()).unwrap();
            }
            npz.finish().unwrap();
            std::fs::read(path).unwrap()
        };
        let why = |own| roles(&POD, &[("simplex.npz", &*file(own))]).remove(0).1;
        assert_eq!(why([2.5, 0.0, 1.5]), "", "right");
        assert!(why([2.4, 0.0, 1.6]).contains("own is off by 1.0"), "{}", why([2.4, 0.0, 1.6]));
        let none = archive(&["v"]);
        let why = roles(&POD, &[("simplex.npz", &*none)]).remove(0).1;
        assert!(why.contains("no projection"), "{why}");
    }

    /// A swarm of which all head to the right at a speed of 2, and series by other names.
    #[test]
    fn order_parameters_are_found_by_name_and_without_one_by_value() {
        let file = |arrays: &[(&str, f64)]| {
            let folder = tempfile::tempdir().unwrap();
            let path = folder.path().join("x.npz");
            let mut npz = stepmark::file::npz::Writer::new(&path);
            let x = ndarray::Array3::from_shape_fn((3, 4, 2), |(_, i, a)| (i + 2 * a) as f32);
            let v = ndarray::Array3::from_shape_fn((3, 4, 2), |(.., a)| 2.0 * (1 - a) as f32);
            npz.add("traj", x.view()).unwrap();
            npz.add("vel", v.view()).unwrap();
            for (name, value) in arrays {
                npz.add(name, ndarray::arr1(&[*value; 3]).view()).unwrap();
            }
            npz.finish().unwrap();
            std::fs::read(path).unwrap()
        };
        let why = |arrays: &[(&str, f64)]| {
            roles(&SIM, &[("order_params_x.npz", &*file(arrays))]).remove(0).1
        };
        assert_eq!(why(&[("polarization", 1.0), ("mean_speed", 2.0), ("total_mass", 1.0)]), "");
        assert!(why(&[("polarization", 1.0), ("mean_speed", 2.1)]).contains("mean_speed is off"));
        assert_eq!(why(&[("speed", 2.0), ("more", 7.0)]), "", "a series of another name");
        assert!(why(&[("speed", 2.1), ("more", 7.0)]).contains("no order parameter among"));
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
