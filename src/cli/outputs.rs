//! Where an outcome goes: the terminal, annotations on GitHub, and files for other programs.

use std::path::{Path, PathBuf};
use std::time::SystemTime;
use std::{env, fs, io};

use super::{Context, Exit, Stop};
use crate::file;
use crate::gate::{Head, Outcome};
use crate::machine::{self, workspace};
use crate::report::outcome as render;

#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Outputs")]
pub(super) struct Outputs {
    /// Write all that was found, as JSON of the schema src/report/gate.schema.json
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
    /// Write a comment for a pull request
    #[arg(long, value_name = "FILE")]
    markdown: Option<PathBuf>,
    /// Write `JUnit` XML: a suite for each chapter, a test for each case
    #[arg(long, value_name = "FILE")]
    junit: Option<PathBuf>,
    /// Write the new numbers in Bencher Metric Format
    #[arg(long, value_name = "FILE")]
    bencher: Option<PathBuf>,
}

/// Makes the text of a file.
type Render = fn(&Outcome) -> String;

impl Outputs {
    /// Requires that every file can be written, and removes what an earlier run left there: nobody
    /// shall read it as the result of this one, which may end before it has any.
    pub(super) fn ready(&self) -> Result<(), Stop> {
        let (files, mut old) = (self.files(), Vec::new());
        for (k, (path, _)) in files.iter().enumerate() {
            if files[..k].iter().any(|(other, _)| other == path) {
                let why = format!("two outputs go to {}; name two files", path.display());
                return Err(Stop::new(Exit::Usage, why));
            }
            if can_be_written(path)? {
                old.push(path);
            }
        }
        for &path in &old {
            fs::remove_file(path).map_err(|why| unwritable(path, &why))?;
        }
        Ok(())
    }

    /// Prints the outcome, annotates the run on GitHub, writes the files; returns the exit code.
    pub(super) fn finish(
        &self,
        outcome: &Outcome,
        context: &mut Context<'_>,
    ) -> Result<Exit, Stop> {
        write!(context.out, "{}", render::terminal(outcome))?;
        if env::var_os("GITHUB_ACTIONS").is_some_and(|value| value == "true") {
            write!(context.out, "{}", render::annotations(outcome))?;
        }
        self.write(outcome)?;
        Ok(outcome.exit())
    }

    fn write(&self, outcome: &Outcome) -> Result<(), Stop> {
        for (path, render) in self.files() {
            let text = render(outcome);
            file::replace(path, text.as_bytes()).map_err(|why| unwritable(path, &why))?;
        }
        Ok(())
    }

    fn files(&self) -> Vec<(&Path, Render)> {
        let all: [(&Option<PathBuf>, Render); 4] = [
            (&self.json, render::json),
            (&self.markdown, render::markdown),
            (&self.junit, render::junit),
            (&self.bencher, render::bencher),
        ];
        all.into_iter().filter_map(|(path, render)| Some((path.as_deref()?, render))).collect()
    }
}

/// The head of a run of this process that starts now.
pub(super) fn head(command: &'static str, against: String, strict: bool) -> Head {
    let (commit, dirty) = machine::revision(&workspace::at_package("baselines")).unzip();
    Head {
        command,
        harness: env!("CARGO_PKG_VERSION").to_owned(),
        started: humantime::format_rfc3339_millis(SystemTime::now()).to_string(),
        commit,
        dirty: dirty.unwrap_or(true),
        against,
        strict,
    }
}

/// Requires that a file can be written, and returns whether there is one.
pub(super) fn can_be_written(path: &Path) -> Result<bool, Stop> {
    let folder = path.parent().filter(|dir| !dir.as_os_str().is_empty());
    let folder = folder.unwrap_or(Path::new("."));
    tempfile::tempfile_in(folder).map_err(|why| unwritable(path, &why))?;
    match fs::symlink_metadata(path) {
        Err(why) if why.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(why) => Err(unwritable(path, &why)),
        Ok(there) if there.is_file() => Ok(true),
        Ok(_) => Err(unwritable(path, &io::Error::other("it is no plain file"))),
    }
}

pub(super) fn unwritable(path: &Path, why: &io::Error) -> Stop {
    let why =
        format!("cannot write {}: {why}; name a file in a folder that exists", path.display());
    Stop::new(Exit::Failure, why)
}
