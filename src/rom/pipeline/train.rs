//! The third stage: models of the latent states.

use std::fs;
use std::io::Write;
use std::ops::ControlFlow;
use std::path::Path;

use super::journal::Line;
use super::tree::Kind;
use super::{Error, Progress, Task, make, say};
use crate::file::npz;
use crate::lstm::train::{Checkpoint, Session, Windows};
use crate::rom::config::{Lstm, Mvar, Stage};
use crate::rom::dataset::Dataset;
use crate::rom::fit;

const DATASET: &str = "latent_dataset.npz";

/// Fits the models that are not there; says whether there was one to fit.
pub(super) fn run(task: &mut Task<'_>, out: &mut dyn Write) -> Result<bool, Error> {
    let mut is_new = task.journal.ended(Stage::Fit).is_none();
    let data = task.tree.common(DATASET);
    if !data.is_file() {
        return Err(Error::Missing { folder: task.tree.common(""), expected: DATASET });
    }
    let config = task.options.config;
    for (kind, is_on) in [(Kind::Mvar, config.mvar.is_some()), (Kind::Lstm, config.lstm.is_some())]
    {
        let held = task.journal.model(kind).map(|(files, _)| task.tree.damage(files));
        match held {
            _ if !is_on => continue,
            Some(None) => continue,
            Some(Some(damage)) => say(out, &format!("{damage}: the model is fitted again"))?,
            None => {}
        }
        is_new = true;
        if relag(&data, config)? {
            let files = task.journal.modes().map(|files| task.tree.anew(files)).transpose()?;
            files.map_or(Ok(()), |files| task.journal.add(Line::Modes { files }))?;
        }
        let folder = task.tree.root(kind.name());
        make(&folder)?;
        let (val_loss, names) = match (&config.mvar, &config.lstm) {
            (Some(mvar), _) if kind == Kind::Mvar => {
                autoregression(&data, &folder, mvar, out)?;
                (None, &["mvar_model.npz"][..])
            }
            (_, Some(lstm)) if kind == Kind::Lstm => {
                (Some(network(task, &data, &folder, lstm, out)?), &LSTM_FILES[..])
            }
            _ => continue,
        };
        let paths: Vec<_> = names.iter().map(|name| folder.join(name)).collect();
        let files = task.tree.held(&paths)?;
        task.journal.add(Line::Model { model: kind, val_loss, files })?;
    }
    // Only once the model is noted, so that no epoch is done twice.
    let checkpoint = task.tree.root("LSTM/checkpoint.npz");
    if checkpoint.exists() && config.lstm.is_some() {
        fs::remove_file(&checkpoint).map_err(|source| Error::Io { path: checkpoint, source })?;
    }
    Ok(is_new)
}

const LSTM_FILES: [&str; 4] =
    ["lstm_state_dict.pt", "lstm.safetensors", "training_log.csv", "lstm_normalization.npz"];

/// Saves the dataset with the lag of the configuration, if it has another one; says whether it did.
fn relag(data: &Path, config: &crate::rom::config::Config) -> Result<bool, Error> {
    let dataset = Dataset::load(data)?;
    let shortest = dataset.runs().iter().map(ndarray::Array2::nrows).min().unwrap_or(0);
    let lag = super::decompose::lag(config, shortest);
    let is_other = lag != dataset.lag();
    if is_other {
        Dataset::new(dataset.runs().to_vec(), lag)?.save(data)?;
    }
    Ok(is_other)
}

fn autoregression(
    data: &Path,
    folder: &Path,
    mvar: &Mvar,
    out: &mut dyn Write,
) -> Result<(), Error> {
    let Mvar { lag, ridge_alpha, eigenvalue_threshold } = *mvar;
    let options = fit::Mvar { lag: Some(lag), max_lag: None, ridge_alpha, eigenvalue_threshold };
    Ok(fit::mvar(data, folder, &options, out)?)
}

/// Trains the network, from its checkpoint if there is one; the least loss of validation.
fn network(
    task: &Task<'_>,
    data: &Path,
    folder: &Path,
    lstm: &Lstm,
    out: &mut dyn Write,
) -> Result<f64, Error> {
    let dataset = Dataset::load(data)?;
    let runs: Vec<_> = dataset.runs().iter().map(|run| run.view()).collect();
    let windows = Windows::from_runs(&runs, lstm.lag, lstm.training.states_after())?;
    let session = Session::new(&lstm.training, &windows)?;
    let checkpoint = Checkpoint::new(&folder.join("checkpoint.npz"));
    if checkpoint.file.exists() {
        say(out, &format!("{}: goes on from there", checkpoint.file.display()))?;
    }
    let trained = session.train(Some(&checkpoint), |now| {
        let loss = now.losses.map_or(String::new(), |last| {
            format!(", val_loss {:.6}, best {:.6}", last.validation, now.best)
        });
        let what = format!("batches, epoch {} of {}{loss}", now.epoch + 1, now.epochs);
        let (done, of) = (now.epoch * now.batches + now.batch, now.epochs * now.batches);
        (task.watch)(&Progress { stage: Stage::Fit, done, of, what });
        ControlFlow::Continue(())
    })?;
    trained.save(folder)?;
    let scale = trained.model.scale();
    let mut file = npz::Writer::new(&folder.join("lstm_normalization.npz"));
    file.add("input_mean", scale.mean().view())?;
    file.add("input_std", scale.std().view())?;
    file.finish()?;
    let (epochs, loss) = (trained.log.len(), trained.val_loss);
    let why = trained.ending;
    say(out, &format!("LSTM: {epochs} epochs, {why}; best val_loss {loss:.6}"))?;
    Ok(loss)
}
