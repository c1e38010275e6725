//! Finds the models that are profiled; `latent` has the window that they start from.
//!
//! Without arguments these are the fixtures of this crate. A folder is one that wsindy-manifold wrote,
//! or `stepmark rom fit`:
//!
//! | file | holds |
//! |---|---|
//! | `MVAR/mvar_model.npz` or `MVAR/mvar_params.npz` | an autoregression |
//! | `LSTM/lstm_state_dict.pt` or `LSTM/lstm.safetensors` | a network |
//! | `LSTM/training_log.csv` | its losses, which are drawn |
//! | `rom_common/latent_dataset.npz` | the windows that both were fitted to |

use std::fs;
use std::path::PathBuf;

use ndarray::{Array2, s};

use super::Error;
use super::accuracy::HeldOut;
use super::latent::{DATASET, beside, given, start};
use super::named::{Named, load, longest, named, same_components};
use crate::lstm::model::Options;
use crate::rom::forecast::Model;
use crate::{lstm, mvar};

/// What is to be profiled.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Wanted {
    /// An output folder.
    pub folder: Option<PathBuf>,
    /// Files of autoregressions.
    pub mvar: Vec<PathBuf>,
    /// Files of networks.
    pub lstm: Vec<PathBuf>,
    /// What the files of networks may not say themselves.
    pub stated: Options,
    /// An archive with `window`, the states that forecasts start from.
    pub z0: Option<PathBuf>,
}

/// Models with one number of components.
#[derive(Debug, Clone, PartialEq)]
pub struct Found {
    /// The models; the first is what the others are compared with.
    pub models: Vec<Named>,
    /// States that forecasts start from (longest lag, d), oldest first.
    pub z0: Array2<f64>,
    /// Where they are from.
    pub z0_source: String,
    /// States that no model has seen, or why there are none.
    pub held: Result<HeldOut, String>,
    /// Flaws of files.
    pub warnings: Vec<String>,
}

const MVAR: [&str; 2] = ["MVAR/mvar_model.npz", "MVAR/mvar_params.npz"];
const LSTM: [&str; 2] = ["LSTM/lstm_state_dict.pt", "LSTM/lstm.safetensors"];
const STATES: &str = "fixtures/lorenz96-states.npz";

/// Finds all that `wanted` asks for.
///
/// # Errors
///
/// If there is no model, a file cannot be read or contradicts itself, or models differ in their
/// number of components.
pub fn find(wanted: &Wanted) -> Result<Found, Error> {
    let (mut mvar, mut lstm) = (wanted.mvar.clone(), wanted.lstm.clone());
    if let Some(folder) = &wanted.folder {
        let first = |names: [&str; 2]| {
            names.map(|name| folder.join(name)).into_iter().find(|f| f.is_file())
        };
        let (own_mvar, own_lstm) = (first(MVAR), first(LSTM));
        if own_mvar.is_none() && own_lstm.is_none() {
            fs::read_dir(folder).map_err(|source| Error::Io { path: folder.clone(), source })?;
            return Err(Error::NoModels {
                folder: folder.clone(),
                expected: [MVAR, LSTM].concat(),
            });
        }
        mvar.splice(..0, own_mvar);
        lstm.splice(..0, own_lstm);
    }
    if let Some(what) = wanted.stated.first_stated().filter(|_| lstm.is_empty()) {
        return Err(Error::Stated { what });
    }
    if mvar.is_empty() && lstm.is_empty() {
        return fixtures(wanted);
    }
    let (mut models, mut warnings) = (Vec::new(), Vec::new());
    for (kind, files) in [("MVAR", &mvar), ("LSTM", &lstm)] {
        for file in files {
            let name = named(kind, file, files.len(), &models);
            models.push(load(kind, name, file, &wanted.stated, &mut warnings)?);
        }
    }
    same_components(&models)?;
    let own = wanted.folder.iter().map(|folder| folder.join(DATASET));
    let beside = mvar.iter().chain(&lstm).map(|file| beside(file));
    let datasets: Vec<_> = own.chain(beside).collect();
    let (z0, z0_source, held) = start(&models, &datasets, wanted.z0.as_deref())?;
    Ok(Found { models, z0, z0_source, held, warnings })
}

fn fixtures(wanted: &Wanted) -> Result<Found, Error> {
    let models = [
        ("MVAR", "fixtures/mvar-lorenz96-d20-p5.npz", Model::Mvar(mvar::fixtures::lorenz96())),
        (
            "LSTM",
            "fixtures/lstm-lorenz96-d20-h64-l1.safetensors",
            Model::Lstm(Box::new(lstm::fixtures::lorenz96())),
        ),
    ];
    let models: Vec<_> = models
        .into_iter()
        .map(|(name, source, model)| Named {
            name: name.to_owned(),
            source: source.to_owned(),
            model,
            training_seconds: None,
            log: None,
        })
        .collect();
    let states = mvar::fixtures::states();
    let (z0, z0_source) = match &wanted.z0 {
        Some(path) => given(&models, path)?,
        None => (states.slice(s![..longest(&models), ..]).to_owned(), STATES.to_owned()),
    };
    let held = Ok(HeldOut::last_fifth(&format!("the last fifth of {STATES}"), &[states]));
    Ok(Found { models, z0, z0_source, held, warnings: Vec::new() })
}

#[cfg(test)]
pub(super) mod tests {
    use std::path::Path;

    use super::super::named::LOG;
    use super::*;
    use crate::file::npz;
    use crate::input;
    use ndarray::{Array1, Array3, Axis, arr0};

    pub(in super::super) fn model(seed: u64, p: usize, d: usize) -> mvar::Model {
        let a = input::gaussian(seed, p * d * d, 0.1);
        mvar::Model::new(Array3::from_shape_vec((p, d, d), a).unwrap(), Array1::zeros(d)).unwrap()
    }

    /// Saves a model in a folder.
    pub(in super::super) fn saved(folder: &Path, name: &str, model: &mvar::Model) -> PathBuf {
        let path = folder.join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        model.save(&path).unwrap();
        path
    }

    /// Saves the windows of a run of so many states.
    pub(in super::super) fn dataset(folder: &Path, rows: usize, lag: usize, d: usize) {
        let states = input::gaussian(3, rows * d, 1.0);
        let run = Array2::from_shape_vec((rows, d), states).unwrap();
        let mut x = Array3::zeros((0, lag, d));
        for t in lag..rows {
            x.push(Axis(0), run.slice(s![t - lag..t, ..])).unwrap();
        }
        fs::create_dir_all(folder.join("rom_common")).unwrap();
        let mut npz = npz::Writer::new(&folder.join(DATASET));
        npz.add("X_all", x.view()).unwrap();
        npz.add("Y_all", run.slice(s![lag.., ..])).unwrap();
        npz.add("lag", arr0(i64::try_from(lag).unwrap()).view()).unwrap();
        npz.finish().unwrap();
    }

    pub(in super::super) fn files(mvar: &[PathBuf]) -> Wanted {
        Wanted { mvar: mvar.to_vec(), ..Wanted::default() }
    }

    pub(in super::super) fn why(wanted: &Wanted) -> String {
        find(wanted).unwrap_err().to_string()
    }

    #[test]
    fn without_arguments_the_fixtures_are_found() {
        let found = find(&Wanted::default()).unwrap();
        let names: Vec<_> = found.models.iter().map(|named| &*named.name).collect();
        assert_eq!((names, found.z0.dim()), (vec!["MVAR", "LSTM"], (5, 20)), "models and window");
        assert_eq!(found.z0.row(4), mvar::fixtures::states().row(4), "states");
        assert_eq!(found.held.unwrap().runs[0].nrows(), 21, "the last fifth");
    }

    #[test]
    fn a_folder_gives_models_window_and_why_no_state_is_new() {
        let folder = tempfile::tempdir().unwrap();
        saved(folder.path(), MVAR[0], &model(1, 3, 2));
        dataset(folder.path(), 30, 4, 2);
        lstm_file(folder.path());
        fs::write(folder.path().join("LSTM").join(LOG), "epoch,train_loss,val_loss\n").unwrap();
        let wanted = Wanted { folder: Some(folder.path().to_owned()), ..Wanted::default() };
        let why = why(&wanted);
        let parts = ["lstm_state_dict.pt: found states of 20", "mvar_model.npz has 2"];
        assert!(parts.iter().all(|part| why.contains(part)), "{why}");
        fs::remove_dir_all(folder.path().join("LSTM")).unwrap();
        let found = find(&wanted).unwrap();
        assert_eq!((found.models.len(), found.z0.dim()), (1, (3, 2)), "model and window");
        assert!(found.z0_source.ends_with(DATASET), "{}", found.z0_source);
        assert!(found.held.unwrap_err().contains("fitted to all of its states"), "held out");
    }

    fn lstm_file(folder: &Path) {
        fs::create_dir_all(folder.join("LSTM")).unwrap();
        lstm::fixtures::lorenz96().save(&folder.join(LSTM[0])).unwrap();
    }

    #[test]
    fn a_network_has_its_log_and_several_of_a_kind_have_names_of_their_own() {
        let folder = tempfile::tempdir().unwrap();
        lstm_file(folder.path());
        fs::write(folder.path().join("LSTM").join(LOG), "epoch,train_loss,val_loss\n").unwrap();
        let a = saved(folder.path(), "a/x.npz", &model(1, 3, 20));
        let b = saved(folder.path(), "b/x.npz", &model(2, 2, 20));
        let wanted = Wanted { folder: Some(folder.path().to_owned()), ..files(&[a, b]) };
        let found = find(&wanted).unwrap();
        let names: Vec<_> = found.models.iter().map(|named| &*named.name).collect();
        assert_eq!(names, ["MVAR-x", "MVAR-x-2", "LSTM"], "names");
        assert!(found.models[2].log.is_some(), "log");
        assert_eq!(found.z0.dim(), (5, 20), "the longest window");
        assert!(found.z0_source.contains("seeded"), "{}", found.z0_source);
    }

    #[test]
    fn a_folder_without_models_and_one_that_is_not_there_are_named() {
        let folder = tempfile::tempdir().unwrap();
        let wanted = |path: &Path| Wanted { folder: Some(path.to_owned()), ..Wanted::default() };
        let text = why(&wanted(folder.path()));
        assert!(text.contains("found no model, expected MVAR/mvar_model.npz"), "{text}");
        let text = why(&wanted(&folder.path().join("gone")));
        assert!(text.contains("gone") && text.contains("No such file"), "{text}");
    }
}
