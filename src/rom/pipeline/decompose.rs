//! The second stage: modes of the densities of training runs, and their latent states.

use std::fs;

use ndarray::{Array3, Ix3, s};
use rayon::iter::{IntoParallelRefIterator as _, ParallelIterator as _};

use super::journal::Line;
use super::tree::Set;
use super::{Error, Progress, Task, make};
use crate::file::npz;
use crate::rom::config::{Config, Stage};
use crate::rom::dataset::Dataset;
use crate::rom::files::basis;
use crate::rom::fit::Lag;
use crate::rom::pod::{self, Pod};

/// The longest lag that a criterion chooses.
const LONGEST: usize = 20;

/// Makes modes and latent states, unless they are there; says whether it did.
pub(super) fn run(task: &mut Task<'_>) -> Result<bool, Error> {
    let is_whole = task.journal.modes().is_some_and(|files| task.tree.damage(files).is_none());
    if is_whole {
        // The runs may have been removed in part already.
        clean(task)?;
        return Ok(task.journal.ended(Stage::Pod).is_none());
    }
    let runs = densities(task)?;
    let config = task.config();
    let views: Vec<_> = runs.iter().map(|run| run.view()).collect();
    // Every so many frames were loaded.
    let pod = Pod::of(&views, &pod::Config { subsample: 1, ..config.pod })?;
    drop(views);
    drop(runs);
    let shortest = pod.latent.iter().map(ndarray::Array2::nrows).min().unwrap_or(0);
    let dataset = Dataset::new(pod.latent, lag(config, shortest))?;
    make(&task.tree.common(""))?;
    let shifts = config.pod.align.zip(pod.shifts.as_ref());
    basis::save(&task.tree.common(""), &pod.basis, shifts)?;
    let path = task.tree.common("latent_dataset.npz");
    dataset.save(&path)?;
    let mut paths = vec![path];
    let aligned = pod.basis.reference().map(|_| "shift_align.npz");
    let names = ["pod_basis.npz", "X_train_mean.npy"].into_iter().chain(aligned);
    paths.extend(names.map(|name| task.tree.common(name)));
    let files = task.tree.held(&paths)?;
    task.journal.add(Line::Modes { files })?;
    clean(task)?;
    Ok(true)
}

/// States of a window of the dataset, where the shortest run has so many.
pub(super) fn lag(config: &Config, shortest: usize) -> usize {
    match (&config.mvar, &config.lstm) {
        (Some(mvar), _) => match mvar.lag {
            Lag::States(lag) => lag,
            Lag::By(_) => LONGEST.min(shortest.saturating_sub(2)).max(1),
        },
        (None, Some(lstm)) => lstm.lag,
        (None, None) => 1,
    }
}

/// The frames of all training runs that the decomposition takes.
fn densities(task: &Task<'_>) -> Result<Vec<Array3<f64>>, Error> {
    let numbers = task.tree.runs(Set::Train)?;
    if numbers.is_empty() {
        let expected = "train_000/density.npz";
        return Err(Error::Missing { folder: task.tree.set(Set::Train), expected });
    }
    let every = isize::try_from(task.config().pod.subsample).unwrap_or(isize::MAX);
    let load = |number: &usize| -> Result<_, Error> {
        let path = task.tree.run(Set::Train, *number).join(Set::Train.density());
        let rho = npz::Archive::open(&path)?.widened::<Ix3>("rho")?;
        Ok(rho.slice(s![..;every, .., ..]).to_owned())
    };
    let of = numbers.len();
    let what = format!("modes of {of} runs");
    (task.watch)(&Progress { stage: Stage::Pod, done: 0, of: 1, what });
    task.pool.install(|| numbers.par_iter().map(load).collect())
}

/// Removes trajectories and densities of training runs, if the configuration asks for it.
fn clean(task: &Task<'_>) -> Result<(), Error> {
    if !task.config().cleans_up {
        return Ok(());
    }
    for number in task.tree.runs(Set::Train)? {
        let folder = task.tree.run(Set::Train, number);
        fs::remove_dir_all(&folder).map_err(|source| Error::Io { path: folder, source })?;
    }
    Ok(())
}
