//! `pipeline.jsonl`: what is finished, and for which configuration.
//!
//! A line follows the files that it names, so that these are whole where it stands. Settings that follow
//! others take back what depends on the keys that differ.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::tree::{Held, Kind, Set, Tree};
use super::{Error, Options};
use crate::file::lines::LineFile;
use crate::rom::config::Stage;

/// The values that decide each stage.
pub(super) type Settings = BTreeMap<String, BTreeMap<String, String>>;

/// A line.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase", deny_unknown_fields)]
pub(super) enum Line {
    /// What all that follows was made from.
    Settings(Settings),
    /// A run with its densities.
    Run { set: Set, run: usize, files: Vec<Held> },
    /// Modes and latent states.
    Modes { files: Vec<Held> },
    /// A model.
    Model { model: Kind, val_loss: Option<f64>, files: Vec<Held> },
    /// The scores of a run.
    Scores { run: usize, rows: Vec<Row>, files: Vec<Held> },
    /// A stage.
    Stage { stage: String, seconds: f64 },
}

/// The scores of a model on a run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Row {
    pub(super) model: Kind,
    /// The fields of `test_results.csv`.
    pub(super) fields: String,
    pub(super) r2: Option<f64>,
    pub(super) r2_1step: Option<f64>,
    pub(super) negativity: Option<f64>,
}

type Check = fn(&Line, &[Line]) -> Result<(), String>;

/// The journal of a pipeline, locked while it is open.
#[derive(Debug)]
pub(super) struct Journal {
    file: LineFile<Check>,
    lines: Vec<Line>,
}

impl Journal {
    /// Opens the journal of a folder for a configuration.
    pub(super) fn open(tree: &Tree, options: &Options<'_>) -> Result<Self, Error> {
        let check: Check = |_, _| Ok(());
        let (file, held) = LineFile::open(&tree.journal(), check)?;
        let mut journal = Self { file, lines: held.values };
        let own = &options.config.settings;
        let own: Settings =
            own.iter().map(|(stage, values)| ((*stage).to_owned(), values.clone())).collect();
        let former = journal.settings();
        if former == Some(&own) {
            return Ok(journal);
        }
        if let Some(former) = former {
            let changed: Vec<_> =
                Stage::ALL.iter().filter(|stage| differs(former, &own, **stage)).collect();
            let early = |stage: &&&Stage| ***stage < options.from;
            if changed.iter().any(|stage| early(&stage)) || options.from == Stage::Simulate {
                let keys = differences(former, &own);
                let stage = changed.first().map_or("", |stage| stage.name());
                return Err(Error::Other { folder: options.folder.to_owned(), keys, stage });
            }
        }
        journal.add(Line::Settings(own))?;
        Ok(journal)
    }

    /// Appends a line, which is on the disk when this returns.
    pub(super) fn add(&mut self, line: Line) -> Result<(), Error> {
        self.file.append(&line, &self.lines)?;
        self.lines.push(line);
        Ok(())
    }

    /// Notes the end of a stage.
    pub(super) fn end(&mut self, stage: Stage, seconds: f64) -> Result<(), Error> {
        self.add(Line::Stage { stage: stage.name().to_owned(), seconds })
    }

    fn settings(&self) -> Option<&Settings> {
        self.lines.iter().rev().find_map(|line| match line {
            Line::Settings(settings) => Some(settings),
            _ => None,
        })
    }

    /// The lines that still hold of a stage, the newest first.
    fn of(&self, stage: Stage) -> impl Iterator<Item = &Line> {
        let now = self.settings();
        // Settings that decide this stage by other values than those of now.
        let is_other = |line: &Line| match (line, now) {
            (Line::Settings(then), Some(now)) => {
                Stage::ALL.iter().any(|up_to| *up_to <= stage && differs(then, now, *up_to))
            }
            _ => false,
        };
        let other = self.lines.iter().rposition(is_other).map_or(0, |at| at + 1);
        let own = self.lines[other..].iter().position(|line| matches!(line, Line::Settings(_)));
        self.lines[other + own.unwrap_or(0)..].iter().rev()
    }

    /// Whether a stage is over, and the seconds that it took.
    pub(super) fn ended(&self, stage: Stage) -> Option<f64> {
        self.of(stage).find_map(|line| match line {
            Line::Stage { stage: name, seconds } if name == stage.name() => Some(*seconds),
            _ => None,
        })
    }

    /// Whether the files of a stage are those of another program.
    pub(super) fn is_taken_over(&self, stage: Stage) -> bool {
        let is_own = |line: &Line| match line {
            Line::Settings(_) | Line::Stage { .. } => false,
            Line::Run { .. } => stage == Stage::Simulate,
            Line::Modes { .. } => stage == Stage::Pod,
            Line::Model { .. } => stage == Stage::Fit,
            Line::Scores { .. } => stage == Stage::Evaluate,
        };
        self.ended(stage).is_some() && !self.of(stage).any(is_own)
    }

    /// The files of a run that is done.
    pub(super) fn run(&self, set: Set, number: usize) -> Option<&[Held]> {
        self.of(Stage::Simulate).find_map(|line| match line {
            Line::Run { set: of, run, files } if (*of, *run) == (set, number) => Some(&**files),
            _ => None,
        })
    }

    /// The files of the modes.
    pub(super) fn modes(&self) -> Option<&[Held]> {
        self.of(Stage::Pod).find_map(|line| match line {
            Line::Modes { files } => Some(&**files),
            _ => None,
        })
    }

    /// The files of a model, and its loss.
    pub(super) fn model(&self, kind: Kind) -> Option<(&[Held], Option<f64>)> {
        self.of(Stage::Fit).find_map(|line| match line {
            Line::Model { model, val_loss, files } if *model == kind => Some((&**files, *val_loss)),
            _ => None,
        })
    }

    /// The scores of a run, and its files.
    pub(super) fn scores(&self, number: usize) -> Option<(&[Row], &[Held])> {
        self.of(Stage::Evaluate).find_map(|line| match line {
            Line::Scores { run, rows, files } if *run == number => Some((&**rows, &**files)),
            _ => None,
        })
    }
}

fn of(settings: &Settings, stage: Stage) -> BTreeMap<String, String> {
    settings.get(stage.name()).cloned().unwrap_or_default()
}

fn differs(a: &Settings, b: &Settings, stage: Stage) -> bool {
    of(a, stage) != of(b, stage)
}

/// The keys whose values differ, with the former value and the own.
fn differences(former: &Settings, own: &Settings) -> Vec<String> {
    let mut keys = Vec::new();
    for stage in Stage::ALL {
        let (former, own) = (of(former, stage), of(own, stage));
        let mut names: Vec<_> = former.keys().chain(own.keys()).collect();
        names.sort();
        names.dedup();
        let value = |of: &BTreeMap<String, String>, key: &String| {
            of.get(key).map_or("no value".to_owned(), Clone::clone)
        };
        for name in names.into_iter().filter(|name| former.get(*name) != own.get(*name)) {
            keys.push(format!("{name} was {}, is {}", value(&former, name), value(&own, name)));
        }
    }
    keys
}
