//! The parts of an outcome, each of them found by itself.

use std::collections::BTreeSet;

use serde::Serialize;

use crate::exit::Exit;
use crate::gate::comparable::Matched;
use crate::gate::timed::Duet;
use crate::gate::verdict::{Findings, Question};

/// Whether a question was answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum State {
    /// It was, and the findings decide.
    Ran,
    /// It was left out on request.
    Skipped,
    /// There was nothing to compare, or it could not be compared.
    NotRun,
    /// It was, and the findings only inform.
    Advisory,
}

/// The answer to one question.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// The question.
    pub question: Question,
    /// Whether it was answered.
    pub state: State,
    /// Why it was not, or only informs.
    pub why: Option<String>,
}

/// The head of a run: all that is known before it finds anything.
#[derive(Debug, Clone)]
pub struct Head {
    /// The subcommand.
    pub command: &'static str,
    /// The version of this crate.
    pub harness: String,
    /// When the run started, in UTC, as RFC 3339.
    pub started: String,
    /// The commit that was checked out; absent outside git.
    pub commit: Option<String>,
    /// Whether the tree differed from it.
    pub dirty: bool,
    /// Name of the other side: baselines, a revision or a file.
    pub against: String,
    /// Whether paired times must tell.
    pub strict: bool,
}

/// The exact counts of a run: whether a kernel is hungrier.
#[derive(Debug)]
pub enum Counts {
    /// They were left out by this option.
    Skipped(&'static str),
    /// There are none.
    Missing {
        /// Why.
        why: String,
        /// The findings that follow.
        findings: Findings,
    },
    /// They were compared as far as that is possible.
    Compared {
        /// Those that may be compared, sorted by id.
        rows: Vec<Matched>,
        /// Findings: rows that cannot be compared, and those beyond their limits.
        findings: Findings,
    },
}

/// The wall times of a run beside the saved ones.
#[derive(Debug)]
pub struct Walls {
    /// Those that may be compared, sorted by id, or why there are none.
    pub rows: Result<Vec<Matched>, String>,
    /// The cases that the baseline has and nobody measures any more.
    pub gone: Findings,
}

/// The paired times of a run: whether a kernel is slower.
#[derive(Debug)]
pub enum Slower {
    /// No other build was named.
    NotAsked,
    /// The builds could not be made, compared or run.
    Failed {
        /// How the command ends for that.
        exit: Exit,
        /// Why, in one line.
        why: String,
        /// The shell line that tries again.
        next: String,
    },
    /// They were run.
    Answered {
        /// The times.
        duet: Duet,
        /// The findings that follow from them, as [`duet::findings`](crate::gate::duet::findings()) says.
        findings: Findings,
    },
}

/// All that one run learned, each part by itself; [`Outcome::new`](super::Outcome::new) puts the parts together.
#[derive(Debug)]
pub struct Parts {
    /// The ids of the selected cases, but for those that only the duet knows.
    pub selected: BTreeSet<String>,
    /// How many of them an exact instrument counts.
    pub counted: usize,
    /// The cases whose answers are wrong; `None` where no answer was checked.
    pub right: Option<Findings>,
    /// The exact counts.
    pub counts: Counts,
    /// The wall times.
    pub walls: Walls,
    /// The paired times.
    pub slower: Slower,
}

const NOT_ASKED: &str = "not asked for";

impl Default for Parts {
    /// Nothing was asked.
    fn default() -> Self {
        let (why, findings) = (NOT_ASKED.to_owned(), Findings::default());
        Self {
            selected: BTreeSet::new(),
            counted: 0,
            right: None,
            counts: Counts::Missing { why, findings },
            walls: Walls { rows: Err("no record was read".to_owned()), gone: Findings::default() },
            slower: Slower::NotAsked,
        }
    }
}

impl Parts {
    /// The answer to each question.
    pub(super) fn answers(&self) -> [Answer; 5] {
        use State::{Advisory, NotRun, Ran, Skipped};
        let not_run = |why: &str| (NotRun, Some(why.to_owned()));
        let hungrier = match &self.counts {
            Counts::Skipped(option) => (Skipped, Some((*option).to_owned())),
            Counts::Missing { why, .. } => not_run(why),
            Counts::Compared { rows, .. } if rows.is_empty() => not_run("nothing is comparable"),
            Counts::Compared { .. } => (Ran, None),
        };
        let saved = self.walls.rows.is_ok() || self.walls.gone.iter().next().is_some();
        let comparable = match &self.counts {
            Counts::Skipped(_) | Counts::Missing { .. } if !saved => hungrier.clone(),
            _ => (Ran, None),
        };
        let right = if self.right.is_some() { (Ran, None) } else { not_run(NOT_ASKED) };
        let (slower, self_test) = match &self.slower {
            Slower::NotAsked => (not_run(NOT_ASKED), not_run(NOT_ASKED)),
            Slower::Failed { why, .. } => (not_run(why), not_run(why)),
            Slower::Answered { duet, .. } => {
                let why = duet.advisory.clone();
                let state = if why.is_some() { Advisory } else { Ran };
                let tested =
                    if duet.self_tests.is_empty() { (NotRun, why.clone()) } else { (Ran, None) };
                ((state, why), tested)
            }
        };
        let mut each = [comparable, right, hungrier, slower, self_test].into_iter();
        Question::ALL.map(|question| {
            let (state, why) = each.next().expect("an answer for each question");
            Answer { question, state, why }
        })
    }
}
