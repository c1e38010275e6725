//! The outcome of one run of the gate, as plain data: whatever is printed or written comes from it.

mod parts;
#[cfg(test)]
mod tests;

use std::collections::BTreeSet;

use super::comparable::Matched;
use super::timed::Duet;
use super::verdict::{Finding, Findings, Question, WORST_FIRST};
use super::wall::Ratio;
use crate::exit::Exit;
use crate::record::Row;
pub use parts::{Answer, Counts, Head, Parts, Slower, State, Walls};

/// All that one run of `stepmark gate` or `stepmark duet` found.
#[derive(Debug)]
pub struct Outcome {
    /// The head of the run.
    pub head: Head,
    /// The ids of the selected cases, sorted.
    pub selected: Vec<String>,
    /// How many of them a question that decides can compare; the others are only timed.
    pub comparable: usize,
    /// The counts that were compared, sorted by id.
    pub counts: Vec<Matched>,
    /// The wall times of right cases that were compared, sorted by id, or why there are none.
    pub walls: Result<Vec<Matched>, String>,
    /// The paired times of right cases, where another build was asked for.
    pub duet: Option<Duet>,
    answers: [Answer; 5],
    findings: Findings,
}

/// Times every case in pairs; needs no instrument, so that every crate has it.
const PAIR: &str = "cargo run --release -- gate --skip instructions --against REV";

impl Outcome {
    /// Puts the parts of a run together: times of wrong cases are left out, saved ones decide
    /// nothing, and a run in which nothing that decides was compared is incomparable, unless
    /// counts were left out on request and saved times inform.
    pub fn new(head: Head, parts: Parts) -> Self {
        let answers = parts.answers();
        let Parts { mut selected, counted, right, counts, walls, slower } = parts;
        let right = right.unwrap_or_default();
        let is_wrong = |id: &str| right.iter().any(|found| found.about == id);
        let is_skipped = matches!(counts, Counts::Skipped(_));
        let (counts, mut findings) = match counts {
            Counts::Skipped(_) => (Vec::new(), Findings::default()),
            Counts::Missing { findings, .. } => (Vec::new(), findings),
            Counts::Compared { rows, findings } => (rows, findings),
        };
        let Walls { rows: mut walls, gone } = walls;
        findings.append(gone);
        if let Ok(walls) = &mut walls {
            walls.retain(|matched| !is_wrong(&matched.new.id));
        }
        let (duet, slower) = match slower {
            Slower::NotAsked => (None, Findings::default()),
            Slower::Failed { exit, why, next } => {
                let mut findings = Findings::of(Question::Slower);
                findings.push(exit, "paired", why, Some(next));
                (None, findings)
            }
            Slower::Answered { mut duet, findings } => {
                duet.cases.retain(|case| !is_wrong(&case.id));
                duet.dropped.retain(|case| !is_wrong(&case.id));
                (Some(duet), findings.less(is_wrong))
            }
        };
        findings.append(right);
        findings.append(slower);
        selected.extend(duet.iter().flat_map(Duet::ids).cloned());
        let comparable = if duet.is_some() { selected.len() } else { counted };
        let selected = selected.into_iter().collect();
        let mut outcome =
            Self { head, selected, comparable, counts, walls, duet, answers, findings };
        let informs = is_skipped && outcome.walls.is_ok();
        if outcome.exit() == Exit::Pass && outcome.compared().is_empty() && !informs {
            let what = "nothing that decides was compared";
            let next = Some(PAIR.to_owned());
            let mut nothing = Findings::of(Question::Comparable);
            nothing.push(Exit::Incomparable, outcome.head.command, what, next);
            outcome.findings.append(nothing);
        }
        outcome.findings.sort();
        outcome
    }

    /// The answer to each question, in order.
    pub fn answers(&self) -> &[Answer; 5] {
        &self.answers
    }

    /// All findings, question by question.
    pub fn findings(&self) -> &Findings {
        &self.findings
    }

    /// The wall times beside the saved ones, in their order; none where there are no times.
    pub fn ratios(&self) -> Vec<Ratio> {
        let walls = self.walls.iter().flatten();
        walls.map(|matched| Ratio::new(&matched.old, &matched.new)).collect()
    }

    /// How the run ends.
    pub fn exit(&self) -> Exit {
        self.findings.exit()
    }

    /// How the run ends, in words.
    pub fn verdict(&self) -> &'static str {
        match self.exit() {
            Exit::Pass if self.advisory().is_some() => "advisory",
            exit => exit.name(),
        }
    }

    /// Why this run is never called a pass: its paired times only inform, or nothing that decides
    /// was compared.
    pub fn advisory(&self) -> Option<String> {
        let inform = self.duet.as_ref().and_then(|duet| duet.advisory.as_ref());
        let inform = inform.map(|why| format!("paired times only inform: {why}"));
        let nothing = self.exit() == Exit::Pass && self.compared().is_empty();
        inform.or_else(|| nothing.then(|| "nothing that decides was compared".to_owned()))
    }

    /// The question whose answer decided, or all that were answered if none failed.
    pub fn decided(&self) -> Vec<Question> {
        let exit = self.exit();
        if exit == Exit::Pass {
            let ran = self.answers.iter().filter(|answer| answer.state == State::Ran);
            return ran.map(|answer| answer.question).collect();
        }
        let found = self.findings.iter().find(|found| found.exit == exit);
        found.map(|found| found.question).into_iter().collect()
    }

    /// The ids of the cases that were compared by what can decide.
    pub fn compared(&self) -> BTreeSet<&str> {
        let timed = self.duet.iter().flat_map(|duet| &duet.cases);
        let counted = self.counts.iter().map(|matched| matched.new.id.as_str());
        counted.chain(timed.map(|case| case.id.as_str())).collect()
    }

    /// Whether a case gives a wrong result.
    pub fn is_wrong(&self, id: &str) -> bool {
        self.findings.iter().any(|finding| finding.exit == Exit::Wrong && finding.about == id)
    }

    /// The findings, the worst first: by what they mean, then by how much slower or hungrier.
    pub fn worst_first(&self) -> Vec<&Finding> {
        let rank = |found: &Finding| WORST_FIRST.iter().position(|&exit| exit == found.exit);
        let mut all: Vec<_> =
            self.findings.iter().map(|found| (self.change(found), found)).collect();
        all.sort_by(|(x, a), (y, b)| {
            rank(a).cmp(&rank(b)).then(y.total_cmp(x)).then_with(|| a.about.cmp(&b.about))
        });
        all.into_iter().map(|(_, found)| found).collect()
    }

    /// New over old of what a finding is about, as its question measures it; 1 where nothing was.
    fn change(&self, finding: &Finding) -> f64 {
        let id = &finding.about;
        if finding.question == Question::Slower {
            let mut cases = self.duet.iter().flat_map(|duet| &duet.cases);
            return cases.find(|case| case.id == *id).map_or(1.0, |case| case.ratio);
        }
        let matched = self.counts.iter().find(|matched| matched.new.id == *id);
        let of = |row: &Row| row.number("instructions");
        matched.map_or(1.0, |matched| of(&matched.new) / of(&matched.old))
    }
}
