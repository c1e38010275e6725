//! Latent states: the window that forecasts start from, and why none is new to the models.

use std::path::{Path, PathBuf};

use ndarray::{Array2, s};

use super::Error;
use super::accuracy::HeldOut;
use super::named::{Named, longest};
use crate::file::npz;
use crate::input;
use crate::rom::dataset::Dataset;

/// The windows of the fit, in an output folder.
pub(super) const DATASET: &str = "rom_common/latent_dataset.npz";

/// States that forecasts start from, where they are from, and states that no model has seen, or why
/// there are none.
pub(super) type Start = (Array2<f64>, String, Result<HeldOut, String>);

/// The windows of the fit, if the model in `file` lies in a folder of its kind.
pub(super) fn beside(file: &Path) -> PathBuf {
    let folder = file.parent().unwrap_or(file);
    // A folder that is named without its name has an unknown one above it.
    let above = folder.file_name().and(folder.parent());
    above.map_or_else(|| folder.join(".."), Path::to_owned).join(DATASET)
}

/// Finds the window that forecasts start from: the one given, or the first states of the first of
/// the `datasets` that is there, or seeded ones where there is none.
pub(super) fn start(
    models: &[Named],
    datasets: &[PathBuf],
    z0: Option<&Path>,
) -> Result<Start, Error> {
    let (longest, d) = (longest(models), models[0].model.window().1);
    let mut held = Err("there are no latent data beside the models".to_owned());
    let mut first = None;
    if let Some(file) = datasets.iter().find(|file| file.is_file()) {
        let (data, shown) = (Dataset::load(file)?, file.display().to_string());
        if data.d() != d {
            let (found, first) = (data.d(), models[0].source.clone());
            return Err(Error::Components { file: shown, found, first, expected: d });
        }
        held = Err(format!(
            "{shown}: the models beside it were fitted to all of its states; `--train {shown}` fits new \
             ones to the first four fifths of each run"
        ));
        let run = data.runs().iter().find(|run| run.nrows() >= longest);
        first = run.map(|run| (run.slice(s![..longest, ..]).to_owned(), shown));
    }
    let (z0, source) = match (z0, first) {
        (Some(path), _) => given(models, path)?,
        (None, Some(first)) => first,
        (None, None) => {
            let states = input::gaussian(1, longest * d, 1.0);
            let states = Array2::from_shape_vec((longest, d), states);
            let source = "seeded Gaussian states: there are no latent data beside the models";
            (states.expect("as many as asked for"), source.to_owned())
        }
    };
    Ok((z0, source, held))
}

/// The window of a file, and its name.
pub(super) fn given(models: &[Named], path: &Path) -> Result<(Array2<f64>, String), Error> {
    let window: Array2<f64> = npz::Archive::open(path)?.widened("window")?;
    let expected = (longest(models), models[0].model.window().1);
    if window.dim() != expected {
        return Err(Error::Z0 { path: path.to_owned(), found: window.dim(), expected });
    }
    Ok((window, path.display().to_string()))
}

#[cfg(test)]
mod tests {
    use super::super::find::tests::{dataset, files, model, saved, why};
    use super::super::find::{Wanted, find};
    use super::*;

    #[test]
    fn the_windows_of_the_fit_lie_beside_the_folder_of_the_model() {
        for (file, want) in [
            ("out/MVAR/m.npz", "out/rom_common/latent_dataset.npz"),
            ("MVAR/m.npz", "rom_common/latent_dataset.npz"),
            ("m.npz", "../rom_common/latent_dataset.npz"),
            ("../m.npz", "../../rom_common/latent_dataset.npz"),
        ] {
            assert_eq!(beside(Path::new(file)), Path::new(want), "{file}");
        }
    }

    #[test]
    fn a_window_of_another_shape_and_data_of_other_models_are_named() {
        let folder = tempfile::tempdir().unwrap();
        let path = saved(folder.path(), "MVAR/x.npz", &model(1, 3, 2));
        let z0 = folder.path().join("z0.npz");
        for (rows, fits) in [(3, true), (4, false)] {
            let mut npz = npz::Writer::new(&z0);
            npz.add("window", Array2::<f64>::ones((rows, 2)).view()).unwrap();
            npz.finish().unwrap();
            let wanted = Wanted { z0: Some(z0.clone()), ..files(std::slice::from_ref(&path)) };
            if fits {
                assert_eq!(find(&wanted).unwrap().z0, Array2::<f64>::ones((3, 2)), "the window");
            } else {
                let text = why(&wanted);
                assert!(
                    text.contains("z0.npz: `window`: found shape (4, 2), expected (3, 2)"),
                    "{text}"
                );
            }
        }
        dataset(folder.path(), 30, 3, 7);
        let text = why(&files(&[path]));
        assert!(text.contains("latent_dataset.npz: found states of 7 components"), "{text}");
    }
}
