//! The first stage: trajectories and densities of all runs.

use std::io::Write;
use std::path::PathBuf;
use std::sync::Mutex;

use rayon::iter::{
    IndexedParallelIterator as _, IntoParallelRefIterator as _, ParallelIterator as _,
};

use super::journal::Line;
use super::tree::Set;
use super::{Error, Progress, Task, Watch, make, say, starts};
use crate::file::npz;
use crate::rom::config::{Config, Run, Runs, Stage};
use crate::rom::density::Density;
use crate::rom::swarm::{self, Trajectory};

/// A run that is to be done.
struct Open<'a> {
    set: Set,
    number: usize,
    run: &'a Run,
    swarm: swarm::Config,
}

impl Config {
    /// The runs of a kind.
    fn runs(&self, set: Set) -> &Runs {
        match set {
            Set::Train => &self.train,
            Set::Test => &self.test,
        }
    }
}

/// Requires training and test runs.
pub(super) fn check(config: &Config) -> Result<(), Error> {
    for (set, section) in [(Set::Train, "train_ic"), (Set::Test, "test_ic")] {
        if config.runs(set).runs.is_empty() {
            return Err(Error::NoRuns { section });
        }
    }
    Ok(())
}

/// Simulates the runs that are not done; says which are done again, and whether there was any to do.
pub(super) fn run(task: &mut Task<'_>, out: &mut dyn Write) -> Result<bool, Error> {
    let config = task.options.config;
    let mut open = Vec::new();
    for set in Set::ALL {
        let runs = config.runs(set);
        // Once there are latent states nothing reads the training runs, which may have been removed.
        let is_whole = |files| task.tree.damage(files).is_none();
        if set == Set::Train && task.journal.modes().is_some_and(is_whole) {
            continue;
        }
        for (number, run) in runs.runs.iter().enumerate() {
            if let Some(files) = task.journal.run(set, number) {
                let Some(damage) = task.tree.damage(files) else { continue };
                say(out, &format!("{}: {damage}: it is done again", set.run(number)))?;
            }
            let swarm = swarm::Config { start: run.start, ..runs.swarm };
            open.push(Open { set, number, run, swarm });
        }
    }
    if open.is_empty() && task.journal.ended(Stage::Simulate).is_some() {
        return Ok(false);
    }
    // The longest first, so that no thread is left alone with one.
    open.sort_by_key(|run| std::cmp::Reverse(run.swarm.steps()));
    let density = density(config)?;
    let all: usize = Set::ALL.iter().map(|set| config.runs(*set).runs.len()).sum();
    let (tree, watch) = (task.tree, task.watch);
    let shared = Mutex::new((&mut *task.journal, all - open.len()));
    show(watch, all - open.len(), all);
    let one = |run: &Open<'_>| -> Result<(), Error> {
        let files = simulate(run, &mut density.clone(), &tree.run(run.set, run.number))?;
        let files = tree.held(&files)?;
        let mut shared = shared.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        shared.0.add(Line::Run { set: run.set, run: run.number, files })?;
        shared.1 += 1;
        show(watch, shared.1, all);
        Ok(())
    };
    task.pool.install(|| open.par_iter().with_max_len(1).try_for_each(one))?;
    for set in Set::ALL {
        starts::save(&task.tree.set(set), set, config.runs(set))?;
    }
    Ok(true)
}

fn show(watch: Watch<'_>, done: usize, of: usize) {
    watch(&Progress { stage: Stage::Simulate, done, of, what: "runs".to_owned() });
}

fn density(config: &Config) -> Result<Density, Error> {
    let density = Density::new(&config.train.swarm.domain, config.grid, config.bandwidth);
    density.map_err(|source| Error::Density { run: "outputs".to_owned(), source })
}

/// Simulates a run, and writes its files into its folder.
fn simulate(
    run: &Open<'_>,
    density: &mut Density,
    folder: &std::path::Path,
) -> Result<[PathBuf; 2], Error> {
    let name = || run.set.run(run.number);
    let trajectory = swarm::run(&run.swarm, run.run.seed)
        .map_err(|source| Error::Swarm { run: name(), source })?;
    let Trajectory { times, traj, vel, .. } = &trajectory;
    let rho =
        density.movie(traj.view()).map_err(|source| Error::Density { run: name(), source })?;
    make(folder)?;
    let [path, densities] = ["trajectory.npz", run.set.density()].map(|name| folder.join(name));
    let mut file = npz::Writer::new(&path);
    file.add("traj", traj.view())?;
    file.add("vel", vel.view())?;
    file.add("times", times.view())?;
    file.finish()?;
    let [xgrid, ygrid] = density.centres();
    let mut file = npz::Writer::new(&densities);
    file.add("rho", rho.view())?;
    file.add("xgrid", xgrid.view())?;
    file.add("ygrid", ygrid.view())?;
    file.add("times", times.view())?;
    file.finish()?;
    Ok([path, densities])
}
