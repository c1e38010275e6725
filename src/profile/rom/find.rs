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
use std::path::{Path, PathBuf};

use ndarray::{Array2, s};

use super::accuracy::HeldOut;
use super::{Error, latent};
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

/// A model and where it is from.
#[derive(Debug, Clone, PartialEq)]
pub struct Named {
    /// Its name in files: the kind, and the stem of the file where there are several of a kind.
    pub name: String,
    /// The file.
    pub source: String,
    /// The model.
    pub model: Model,
    /// Seconds of its training, if the file tells.
    pub training_seconds: Option<f64>,
    /// The losses of its training, `training_log.csv`, if there are any.
    pub log: Option<PathBuf>,
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
const LOG: &str = "training_log.csv";
const STATES: &str = "fixtures/lorenz96-states.npz";

/// Finds all that `wanted` asks for.
///
/// # Errors
///
/// If there is no model, a file cannot be read or contradicts itself, or models differ in their
/// number of components.
pub fn find(wanted: &Wanted) -> Result<Found, Error> {
    let mut found = Found {
        models: Vec::new(),
        z0: Array2::zeros((0, 0)),
        z0_source: String::new(),
        held: Err("no states that no model has seen".to_owned()),
        warnings: Vec::new(),
    };
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
        return fixtures(found, wanted);
    }
    for (kind, files) in [("MVAR", &mvar), ("LSTM", &lstm)] {
        for file in files {
            let name = named(kind, file, files.len(), &found.models);
            let loaded = load(kind, name, file, &wanted.stated, &mut found.warnings)?;
            found.models.push(loaded);
        }
    }
    same_components(&found.models)?;
    latent::start(&mut found, wanted, &[mvar, lstm].concat())?;
    Ok(found)
}

fn fixtures(mut found: Found, wanted: &Wanted) -> Result<Found, Error> {
    let models = [
        ("MVAR", "fixtures/mvar-lorenz96-d20-p5.npz", Model::Mvar(mvar::fixtures::lorenz96())),
        (
            "LSTM",
            "fixtures/lstm-lorenz96-d20-h64-l1.safetensors",
            Model::Lstm(Box::new(lstm::fixtures::lorenz96())),
        ),
    ];
    found.models = models
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
    found.z0 = states.slice(s![..longest(&found.models), ..]).to_owned();
    STATES.clone_into(&mut found.z0_source);
    let name = format!("the last fifth of {STATES}");
    found.held = Ok(HeldOut::last_fifth(&name, &[states]));
    if let Some(path) = &wanted.z0 {
        latent::given(&mut found, path)?;
    }
    Ok(found)
}

/// A name that no other model has.
fn named(kind: &str, file: &Path, of_kind: usize, others: &[Named]) -> String {
    if of_kind == 1 {
        return kind.to_owned();
    }
    let stem = file.file_stem().unwrap_or_default().to_string_lossy();
    let mut names = (1..).map(|nth| match nth {
        1 => format!("{kind}-{stem}"),
        nth => format!("{kind}-{stem}-{nth}"),
    });
    let is_free = |name: &String| others.iter().all(|other| other.name != *name);
    names.find(is_free).expect("numbers do not run out")
}

fn load(
    kind: &str,
    name: String,
    file: &Path,
    stated: &Options,
    warnings: &mut Vec<String>,
) -> Result<Named, Error> {
    let source = file.display().to_string();
    if kind == "MVAR" {
        let loaded = mvar::Model::load(file)?;
        warnings.extend(loaded.warnings.iter().map(|flaw| format!("{source}: {flaw}")));
        let training_seconds = loaded.training_seconds;
        return Ok(Named {
            name,
            source,
            model: Model::Mvar(loaded.model),
            training_seconds,
            log: None,
        });
    }
    let model = lstm::Model::load(file, stated)?;
    let training_seconds = model.training().map(|training| training.time.as_secs_f64());
    let log = Some(file.with_file_name(LOG)).filter(|log| log.is_file());
    Ok(Named { name, source, model: Model::Lstm(Box::new(model)), training_seconds, log })
}

fn same_components(models: &[Named]) -> Result<(), Error> {
    let d = |named: &Named| named.model.window().1;
    match models.iter().find(|named| d(named) != d(&models[0])) {
        None => Ok(()),
        Some(other) => Err(Error::Components {
            file: other.source.clone(),
            found: d(other),
            first: models[0].source.clone(),
            expected: d(&models[0]),
        }),
    }
}

/// The longest window of all models.
pub(super) fn longest(models: &[Named]) -> usize {
    models.iter().map(|named| named.model.window().0).max().unwrap_or_default()
}

#[cfg(test)]
pub(super) mod tests {
    use super::super::latent::DATASET;
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
