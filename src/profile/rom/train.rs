//! Training under the clock: models of the sizes of others, fitted to four fifths of each run.

use std::fs;
use std::ops::ControlFlow;
use std::path::Path;

use ndarray::{Array2, ArrayView2, s};
use serde::{Deserialize, Serialize};

use super::Error;
use super::accuracy::HeldOut;
use super::find::Found;
use super::named::{Named, longest};
use crate::lstm::model::Options;
use crate::lstm::train::{self as lstm_train, Checkpoint, Config, Windows};
use crate::mvar::train as mvar_train;
use crate::profile::points::Points;
use crate::rom::dataset::Dataset;
use crate::rom::forecast::Model;
use crate::{lstm, mvar};

/// Options of a network that no file tells: learning rate, epochs, patience.
const LEARNING_RATE: f64 = 1e-3;
const EPOCHS: usize = 50;
const PATIENCE: usize = 20;

/// The time of a training whose model was saved.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Trained {
    seconds: f64,
}

/// Where the models are saved, in the output folder: beside no model of another.
const FOLDER: &str = "trained";

/// Puts models that are trained on `data` in the place of those that were found, one after the other;
/// each is saved in `trained`, in the folder of its name, and read from there.
///
/// # Errors
///
/// If the data are unfit for a model, or a file cannot be read or written.
pub(super) fn train(
    found: &mut Found,
    data: &Path,
    folder: &Path,
    points: &mut Points,
    mut step: impl FnMut(&str),
) -> Result<(), Error> {
    let dataset = Dataset::load(data)?;
    let first = |run: &Array2<f64>| run.slice(s![..run.nrows() - run.nrows() / 5, ..]).to_owned();
    let runs: Vec<_> = dataset.runs().iter().map(first).collect();
    for named in &mut found.models {
        let own = folder.join(FOLDER).join(&named.name);
        fs::create_dir_all(&own).map_err(|source| Error::Io { path: own.clone(), source })?;
        step(&format!("training {}", named.name));
        let point = format!("train/{}", named.name);
        let Trained { seconds } = points.point(&point, || fit(named, &runs, &own))?;
        load(named, &own)?;
        named.training_seconds = Some(seconds);
    }
    let (name, longest) = (data.display().to_string(), longest(&found.models));
    let run = runs.iter().find(|run| run.nrows() >= longest);
    // Every run is longer than the windows that were fitted to it.
    let run = run.ok_or_else(|| Error::Short { path: data.to_owned(), lag: longest })?;
    found.z0 = run.slice(s![..longest, ..]).to_owned();
    found.held =
        Ok(HeldOut::last_fifth(&format!("the last fifth of each run of {name}"), dataset.runs()));
    found.z0_source = name;
    Ok(())
}

const MVAR: &str = "mvar_model.npz";
const LSTM: &str = "lstm_state_dict.pt";

/// Fits a model of the same sizes, and saves it into `folder`.
fn fit(named: &Named, runs: &[Array2<f64>], folder: &Path) -> Result<Trained, Error> {
    match &named.model {
        Model::Mvar(model) => {
            let config = mvar_train::Config { lag: model.p(), ..mvar_train::Config::default() };
            let fit = mvar_train::fit(runs, &config)?;
            fit.save(&folder.join(MVAR))?;
            Ok(Trained { seconds: fit.training_seconds })
        }
        Model::Lstm(model) => {
            let parts = model.net().parts();
            let (units, layers) = (model.net().units(), parts.layers.len());
            let config = Config {
                residual: parts.residual,
                use_layer_norm: parts.norm.is_some(),
                ..Config::new(units, layers, LEARNING_RATE, EPOCHS, PATIENCE)
            };
            let views: Vec<ArrayView2<'_, f64>> = runs.iter().map(|run| run.view()).collect();
            let windows = Windows::from_runs(&views, model.lag(), config.states_after())?;
            let checkpoint = Checkpoint::new(&folder.join("checkpoint.npz"));
            let trained = lstm_train::fit(&config, &windows, Some(&checkpoint), |_| {
                ControlFlow::Continue(())
            })?;
            trained.save(folder)?;
            let path = checkpoint.file;
            fs::remove_file(&path).map_err(|source| Error::Io { path, source })?;
            let training = trained.model.training();
            Ok(Trained { seconds: training.map_or(0.0, |training| training.time.as_secs_f64()) })
        }
    }
}

/// Takes the model that was saved.
fn load(named: &mut Named, folder: &Path) -> Result<(), Error> {
    let is_mvar = matches!(named.model, Model::Mvar(_));
    let path = folder.join(if is_mvar { MVAR } else { LSTM });
    named.source = path.display().to_string();
    if is_mvar {
        named.model = Model::Mvar(mvar::Model::load(&path)?.model);
    } else {
        let model = lstm::Model::load(&path, &Options::default())?;
        named.model = Model::Lstm(Box::new(model));
        named.log = Some(folder.join("training_log.csv"));
    }
    Ok(())
}
