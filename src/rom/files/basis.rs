//! A basis in `pod_basis.npz`, its mean in `X_train_mean.npy`, and the field that densities are shifted
//! onto in `shift_align.npz`.
//!
//! `pod_basis.npz` holds `U` (cells, modes), `singular_values` of the modes, `all_singular_values`,
//! `total_energy`, `explained_energy`, `energy_ratio` and `cumulative_ratio`. It says neither the shape of
//! a frame nor the transform, which stand in the configuration. Where latent states are standardised it
//! also holds `latent_mean` and `latent_std` (modes), which wsindy-manifold saves nowhere.
//! `shift_align.npz` holds `ref` (rows, columns), `shifts` (frames, 2), the name `ref_method` of the kind of
//! reference, and `density_shape_2d`, the rows and columns.

use std::path::Path;

use ndarray::{Array1, Array2, ArrayView1, arr0};
use thiserror::Error;

use crate::file::npz;
use crate::rom::pod::{Basis, Reference, Spectrum, Standard, Transform};

/// The names of the files.
const FILES: [&str; 3] = ["pod_basis.npz", "X_train_mean.npy", "shift_align.npz"];

/// Why a basis cannot be read or written.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum Error {
    /// An array cannot be read or written.
    #[error(transparent)]
    Npz(#[from] npz::Error),
    /// The parts contradict each other.
    #[error("{file}: {what}: found {found}, expected {expected}")]
    Unfit {
        /// The file.
        file: String,
        /// The array that does not fit.
        what: &'static str,
        /// Its shape.
        found: String,
        /// The shape that fits.
        expected: String,
    },
}

/// Saves the files of a basis into `folder`; the last only where frames were shifted, onto a kind of
/// reference and by these rows and columns (frames, 2).
///
/// # Errors
///
/// If a file cannot be written.
pub fn save(
    folder: &Path,
    basis: &Basis,
    shifts: Option<(Reference, &Array2<i64>)>,
) -> Result<(), Error> {
    let [basis_file, mean_file, shift_file] = FILES.map(|name| folder.join(name));
    let spectrum = basis.spectrum();
    let (modes, cumulative) = (basis.len(), spectrum.cumulative());
    let ratio = spectrum.ratio(modes);
    npz::save_npy(&mean_file, basis.mean())?;
    let mut file = npz::Writer::new(&basis_file);
    file.add("U", basis.modes().t())?;
    file.add("singular_values", ArrayView1::from(&spectrum.values[..modes]))?;
    file.add("all_singular_values", ArrayView1::from(&spectrum.values))?;
    for (name, value) in [
        ("total_energy", spectrum.total_energy),
        ("explained_energy", ratio * spectrum.total_energy),
        ("energy_ratio", ratio),
    ] {
        file.add(name, arr0(value).view())?;
    }
    file.add("cumulative_ratio", ArrayView1::from(&cumulative))?;
    if let Some(standard) = basis.standard() {
        file.add("latent_mean", standard.mean())?;
        file.add("latent_std", standard.deviation())?;
    }
    file.finish()?;
    if let (Some(field), Some((method, shifts))) = (basis.reference(), shifts) {
        let mut file = npz::Writer::new(&shift_file);
        file.add("ref", field)?;
        file.add("shifts", shifts.view())?;
        file.add_text("ref_method", method.name());
        let shape = basis.shape().map(|n| i64::try_from(n).unwrap_or(i64::MAX));
        file.add("density_shape_2d", ArrayView1::from(&shape))?;
        file.finish()?;
    }
    Ok(())
}

/// Loads the basis of `folder` for frames of `shape` (rows, columns); it shifts densities if
/// `is_aligned`, and standardises latent states if the file says how.
///
/// # Errors
///
/// If a file cannot be read, or they do not fit together.
pub fn load(
    folder: &Path,
    shape: [usize; 2],
    transform: Transform,
    is_aligned: bool,
) -> Result<Basis, Error> {
    let [basis_file, mean_file, shift_file] = FILES.map(|name| folder.join(name));
    let unfit = |path: &Path, what, found: String, expected: String| Error::Unfit {
        file: path.display().to_string(),
        what,
        found,
        expected,
    };
    let mean: Array1<f64> = npz::load_npy(&mean_file)?;
    let mut file = npz::Archive::open(&basis_file)?;
    let modes: Array2<f64> = file.widened("U")?;
    let values: Array1<f64> = file.widened("all_singular_values")?;
    let total_energy = file.widened::<ndarray::Ix0>("total_energy")?.into_scalar();
    let (dim, count) = (modes.dim(), values.len());
    let cells = shape[0].saturating_mul(shape[1]);
    if mean.len() != cells {
        let (found, expected) = (format!("{} numbers", mean.len()), format!("{cells}, the cells"));
        return Err(unfit(&mean_file, "mean", found, expected));
    }
    let spectrum = Spectrum { values: values.to_vec(), total_energy };
    let mut basis =
        Basis::new(shape, modes.view(), mean, spectrum, transform).ok_or_else(|| {
            let expected = format!("({cells}, modes), with 1 to {count} modes");
            unfit(&basis_file, "U", format!("shape {dim:?}"), expected)
        })?;
    if file.contains("latent_std") {
        let (mean, deviation) = (file.widened("latent_mean")?, file.widened("latent_std")?);
        let modes = basis.len();
        let counts = [&mean, &deviation].map(Array1::len);
        let standard = Standard::new(mean, deviation).filter(|standard| standard.len() == modes);
        basis = basis.standardised(standard.ok_or_else(|| {
            let found = format!("{} means and {} deviations", counts[0], counts[1]);
            let expected = format!("{modes} of each, finite, the deviations above 0");
            unfit(&basis_file, "latent_std", found, expected)
        })?);
    }
    if !is_aligned {
        return Ok(basis);
    }
    let field: Array2<f64> = npz::Archive::open(&shift_file)?.widened("ref")?;
    let dim = field.dim();
    basis.with_reference(field).ok_or_else(|| {
        unfit(&shift_file, "ref", format!("shape {dim:?}"), format!("{:?}", (shape[0], shape[1])))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::input;
    use crate::rom::pod::{Config, Modes, Pod};
    use ndarray::{Array3, arr1};

    #[test]
    fn a_basis_comes_back_and_what_does_not_fit_is_named() {
        let run = Array3::from_shape_vec((9, 3, 4), input::gaussian(1, 108, 1.0)).unwrap();
        let transform = Transform::Meansub;
        let (align, modes) = (Some(Reference::Mean), Modes::Fixed(3));
        let config = Config { transform, align, modes, standardize: true, ..Config::default() };
        let pod = Pod::of(&[run.view()], &config).unwrap();
        let folder = tempfile::tempdir().unwrap();
        let folder = folder.path();
        let shifts = pod.shifts.as_ref().unwrap();
        save(folder, &pod.basis, Some((Reference::Mean, shifts))).unwrap();
        let mut aligned = npz::Archive::open(&folder.join(FILES[2])).unwrap();
        assert_eq!(aligned.names(), ["density_shape_2d", "ref", "ref_method", "shifts"]);
        assert_eq!(aligned.array::<i64, _>("density_shape_2d").unwrap(), arr1(&[3, 4]), "shape");
        assert_eq!(aligned.array::<i64, _>("shifts").unwrap(), *shifts, "shifts");
        assert_eq!(load(folder, [3, 4], transform, true).unwrap(), pod.basis, "as it was");
        let plain = load(folder, [3, 4], transform, false).unwrap();
        assert_eq!((plain.reference(), plain.modes()), (None, pod.basis.modes()), "not aligned");
        let refused = |shape, words: &str| {
            let why = load(folder, shape, transform, true).unwrap_err().to_string();
            assert!(why.contains(words), "{why}");
        };
        refused([3, 5], "X_train_mean.npy: mean: found 12 numbers, expected 15, the cells");
        refused([4, 3], "shift_align.npz: ref: found shape (3, 4), expected (4, 3)");
        let mut bad = pod.basis.clone();
        bad = bad.standardised(Standard::new(arr1(&[0.0; 2]), arr1(&[1.0; 2])).unwrap());
        save(folder, &bad, None).unwrap();
        let words = "pod_basis.npz: latent_std: found 2 means and 2 deviations, expected 3 of each";
        refused([3, 4], words);
        npz::save_npy(&folder.join(FILES[1]), arr1(&[0.0; 6]).view()).unwrap();
        refused([3, 2], "pod_basis.npz: U: found shape (12, 3), expected (6, modes)");
        std::fs::remove_file(folder.join(FILES[0])).unwrap();
        refused([3, 2], "pod_basis.npz: ");
    }
}
