//! The pipeline: simulate, decompose, fit and evaluate, from one configuration into one folder.
//!
//! | stage      | reads                        | writes                                                |
//! |------------|------------------------------|-------------------------------------------------------|
//! | `simulate` | the configuration            | `train/train_000/..`, `test/test_000/..`              |
//! | `pod`      | `train/*/density.npz`        | `rom_common/`                                         |
//! | `fit`      | `rom_common/latent_dataset.npz` | `MVAR/mvar_model.npz`, `LSTM/lstm_state_dict.pt` ..|
//! | `evaluate` | `test/`, `rom_common/`, models  | scores and forecasts in `test/`, `summary.json`    |
//!
//! The files are those of wsindy-manifold, so that a folder that it wrote can be taken up at a later stage.
//! Each is there whole or not at all. What is finished stands in `pipeline.jsonl`, a line for each run,
//! model and stage: a pipeline that was killed goes on from there, and ends with the same files, measured
//! times aside. The number of jobs changes nothing but times.
//!
//! | module     | holds                                                                 |
//! |------------|-----------------------------------------------------------------------|
//! | `tree`     | the names of files, and the runs that a folder has                    |
//! | `journal`  | `pipeline.jsonl`: what is finished, and for which configuration       |
//! | `simulate`, `decompose`, `train`, `score` | the stages                             |
//! | `starts`   | `metadata.json` and `index_mapping.csv`                               |
//! | `summary`  | `summary.json`                                                        |
//! | `explain`  | what a configuration would run                                        |

mod decompose;
mod error;
pub mod explain;
mod journal;
mod score;
mod simulate;
mod starts;
mod summary;
#[cfg(test)]
mod tests;
mod train;
mod tree;

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::Instant;

use rayon::{ThreadPool, ThreadPoolBuilder};

use super::config::{Config, Stage};
use crate::file;

pub use error::Error;

use journal::Journal;
use tree::Tree;

/// What a pipeline runs, and where.
#[derive(Debug, Clone)]
pub struct Options<'a> {
    /// The configuration.
    pub config: &'a Config,
    /// The text that it was read from, which becomes `config_used.yaml`.
    pub text: &'a str,
    /// The name of the file that it was read from.
    pub file: &'a str,
    /// The name of the experiment.
    pub name: &'a str,
    /// The folder of all files; made if it is missing.
    pub folder: &'a Path,
    /// How many threads simulate and evaluate.
    pub jobs: usize,
    /// The first stage that runs; files of those before it are taken as they are.
    pub from: Stage,
}

/// Where a stage stands.
#[derive(Debug, Clone, PartialEq)]
pub struct Progress {
    /// The stage.
    pub stage: Stage,
    /// Units that are done: runs, batches.
    pub done: usize,
    /// All units.
    pub of: usize,
    /// What a unit is, and more.
    pub what: String,
}

/// Sees where stages stand.
pub type Watch<'a> = &'a (dyn Fn(&Progress) + Sync);

/// Runs all stages from the first that is asked for; what is finished is not done again.
///
/// # Errors
///
/// If the folder is of another configuration or another pipeline writes to it, a file cannot be read
/// or written, or a stage finds that its options do not fit its data.
pub fn run(options: &Options<'_>, watch: Watch<'_>, out: &mut dyn Write) -> Result<(), Error> {
    let tree = Tree::new(options.folder);
    make(options.folder)?;
    let is_first = !tree.journal().exists();
    if options.from == Stage::Simulate {
        simulate::check(options.config)?;
        if is_first {
            tree.is_free()?;
        }
    }
    let mut journal = Journal::open(&tree, options)?;
    if is_first {
        // The files of another program, which are never made here unless they are asked for.
        Stage::ALL
            .into_iter()
            .filter(|stage| *stage < options.from)
            .try_for_each(|stage| journal.end(stage, 0.0))?;
    }
    let pool = pool(options.jobs)?;
    replace(&tree.root(tree::CONFIG), options.text.as_bytes())?;
    let mut is_any_new = !file::is_newer(options.folder, tree::SUMMARY, &[tree::JOURNAL]);
    for stage in Stage::ALL.into_iter().filter(|stage| *stage >= options.from) {
        let start = Instant::now();
        let is_taken = options.from == Stage::Simulate && journal.is_taken_over(stage);
        let mut task = Task { options, tree: &tree, journal: &mut journal, pool: &pool, watch };
        let is_new = match stage {
            _ if is_taken => false,
            Stage::Simulate => simulate::run(&mut task, out)?,
            Stage::Pod => decompose::run(&mut task)?,
            Stage::Fit => train::run(&mut task, out)?,
            Stage::Evaluate => score::run(&mut task, out)?,
        };
        let name = stage.name();
        is_any_new |= is_new;
        if is_new {
            journal.end(stage, start.elapsed().as_secs_f64())?;
            say(out, &format!("{name}: {:.1} s", start.elapsed().as_secs_f64()))?;
        } else {
            say(out, &format!("{name}: done before"))?;
        }
    }
    if !is_any_new {
        return Ok(());
    }
    summary::write(options, &tree, &journal)?;
    say(out, &format!("wrote {}", tree.root(tree::SUMMARY).display()))
}

/// What all stages need.
struct Task<'a> {
    options: &'a Options<'a>,
    tree: &'a Tree,
    journal: &'a mut Journal,
    pool: &'a ThreadPool,
    watch: Watch<'a>,
}

impl Task<'_> {
    fn config(&self) -> &Config {
        self.options.config
    }
}

fn pool(jobs: usize) -> Result<ThreadPool, Error> {
    let built = ThreadPoolBuilder::new().num_threads(jobs.max(1)).build();
    built.map_err(|why| Error::Threads { jobs, reason: why.to_string() })
}

fn say(out: &mut dyn Write, line: &str) -> Result<(), Error> {
    writeln!(out, "{line}").map_err(Error::Output)
}

/// Makes a folder.
fn make(folder: &Path) -> Result<(), Error> {
    fs::create_dir_all(folder).map_err(|source| Error::Io { path: folder.to_owned(), source })
}

/// Writes a file whole.
fn replace(path: &Path, bytes: &[u8]) -> Result<(), Error> {
    let io = |source| Error::Io { path: PathBuf::from(path), source };
    file::replace(path, bytes).map_err(io)
}
