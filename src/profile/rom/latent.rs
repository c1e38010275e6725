//! Latent states: the window that forecasts start from, and why none is new to the models.

use std::path::{Path, PathBuf};

use ndarray::{Array2, s};

use super::Error;
use super::find::{Found, Wanted, longest};
use crate::file::npz;
use crate::input;
use crate::rom::dataset::Dataset;

/// The windows of the fit, in an output folder.
pub(super) const DATASET: &str = "rom_common/latent_dataset.npz";

/// Finds the window that forecasts start from: the one given, or the first states of the windows of
/// the fit, or seeded ones where there are none.
pub(super) fn start(found: &mut Found, wanted: &Wanted, files: &[PathBuf]) -> Result<(), Error> {
    let (longest, d) = (longest(&found.models), found.models[0].model.window().1);
    let beside = files.iter().map(|file| {
        let folder = file.parent().unwrap_or(file);
        folder.join("..").join(DATASET)
    });
    let own = wanted.folder.iter().map(|folder| folder.join(DATASET));
    let dataset = own.chain(beside).find(|file| file.is_file());
    if let Some(file) = &dataset {
        let data = Dataset::load(file)?;
        if data.d() != d {
            return Err(Error::Components {
                file: file.display().to_string(),
                found: data.d(),
                first: found.models[0].source.clone(),
                expected: d,
            });
        }
        found.held = Err(format!(
            "{}: the models were fitted to all of its states; --train DATA fits new ones to four \
             fifths of each run",
            file.display()
        ));
        if let Some(run) = data.runs().iter().find(|run| run.nrows() >= longest) {
            found.z0 = run.slice(s![..longest, ..]).to_owned();
            found.z0_source = file.display().to_string();
        }
    }
    if let Some(path) = &wanted.z0 {
        return given(found, path);
    }
    if found.z0.is_empty() {
        let states = input::gaussian(1, longest * d, 1.0);
        found.z0 = Array2::from_shape_vec((longest, d), states).expect("as many as asked for");
        "seeded Gaussian states: there are no latent data beside the models"
            .clone_into(&mut found.z0_source);
    }
    Ok(())
}

/// Takes the window of a file.
pub(super) fn given(found: &mut Found, path: &Path) -> Result<(), Error> {
    let window: Array2<f64> = npz::Archive::open(path)?.widened("window")?;
    let expected = (longest(&found.models), found.models[0].model.window().1);
    if window.dim() != expected {
        return Err(Error::Z0 { path: path.to_owned(), found: window.dim(), expected });
    }
    found.z0 = window;
    found.z0_source = path.display().to_string();
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::super::find::find;
    use super::super::find::tests::{dataset, files, model, saved, why};
    use super::*;

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
