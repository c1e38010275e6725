//! Findings, and the exit code that follows from them.

use std::collections::BTreeSet;
use std::fmt;

use serde::Serialize;

use crate::exit::Exit;

/// A question that the gate asks; they stand in the order in which they are answered.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Question {
    /// May the records be compared?
    #[default]
    Comparable,
    /// Are the answers of the kernels right?
    Right,
    /// Do the kernels execute more instructions, miss more caches or use more heap?
    Hungrier,
    /// Do the kernels take more time than those of another build, run in pairs?
    Slower,
    /// Does the new build take as long as itself, so that times on this machine can be trusted?
    SelfTest,
}

impl Question {
    /// Every question, in order.
    pub const ALL: [Self; 5] =
        [Self::Comparable, Self::Right, Self::Hungrier, Self::Slower, Self::SelfTest];

    /// The name that every output calls it by.
    pub fn name(self) -> &'static str {
        match self {
            Self::Comparable => "comparable",
            Self::Right => "right",
            Self::Hungrier => "hungrier",
            Self::Slower => "slower",
            Self::SelfTest => "self-test",
        }
    }
}

/// One thing that the gate has to say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// The question that it answers.
    pub question: Question,
    /// Exit code that it asks for; [`Exit::Pass`] is a note.
    pub exit: Exit,
    /// The case, or what else it is about.
    pub about: String,
    /// The found and the expected value, in one line.
    pub what: String,
    /// The shell line that shows it again, or mends it.
    pub next: Option<String>,
}

impl Finding {
    /// Kind of the finding: `note`, or the name of its exit code.
    pub fn kind(&self) -> &'static str {
        if self.exit == Exit::Pass { "note" } else { self.exit.name() }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let fail = if self.exit == Exit::Pass { "" } else { "FAIL " };
        let label = format!("{fail}{}", self.kind());
        write!(f, "{label:<17}  {}: {}", self.about, self.what)?;
        self.next.as_ref().map_or(Ok(()), |next| write!(f, "; {next}"))
    }
}

/// All that was found.
#[derive(Debug, Default)]
pub struct Findings {
    question: Question,
    list: Vec<Finding>,
}

impl Findings {
    /// None yet; [`Findings::push`] adds answers to `question`.
    pub fn of(question: Question) -> Self {
        Self { question, list: Vec::new() }
    }

    /// Adds a finding, its text in one line whatever a panic or a file put into it.
    pub fn push(
        &mut self,
        exit: Exit,
        about: impl Into<String>,
        what: impl Into<String>,
        next: Option<String>,
    ) {
        let (about, what) = (one_line(&about.into()), one_line(&what.into()));
        self.list.push(Finding { question: self.question, exit, about, what, next });
    }

    /// The question that [`Findings::push`] adds answers to.
    pub fn question(&self) -> Question {
        self.question
    }

    /// These, less what was `said` before in the same words of the same thing.
    #[must_use]
    pub fn without(mut self, said: &mut BTreeSet<(String, String)>) -> Self {
        self.list.retain(|found| said.insert((found.about.clone(), found.what.clone())));
        self
    }

    /// These, less those about what `leaves_out` holds of.
    #[must_use]
    pub fn less(mut self, leaves_out: impl Fn(&str) -> bool) -> Self {
        self.list.retain(|found| !leaves_out(&found.about));
        self
    }

    /// Adds what was found in answer to another question.
    pub fn append(&mut self, other: Self) {
        self.list.extend(other.list);
    }

    /// Puts them into the order of the questions, those of one as they were found.
    pub(super) fn sort(&mut self) {
        self.list.sort_by_key(|found| found.question);
    }

    /// All of them.
    pub fn iter(&self) -> impl Iterator<Item = &Finding> {
        self.list.iter()
    }

    /// The exit code of several at once: the first of 1, 4, 5, 3, 6 that occurs.
    pub fn exit(&self) -> Exit {
        WORST_FIRST.into_iter().find(|&exit| self.count(exit) > 0).unwrap_or(Exit::Pass)
    }

    /// How many findings mean `exit`.
    pub fn count(&self, exit: Exit) -> usize {
        self.list.iter().filter(|finding| finding.exit == exit).count()
    }
}

/// The exits of a run; the first of several decides.
pub const WORST_FIRST: [Exit; 6] =
    [Exit::Failure, Exit::Wrong, Exit::Incomparable, Exit::Regression, Exit::Unclear, Exit::Pass];

fn one_line(text: &str) -> String {
    let parts = text.split(char::is_control).map(str::trim).filter(|part| !part.is_empty());
    parts.collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_worst_of_several_decides() {
        let mut findings = Findings::default();
        let mut after = |exit: Exit| {
            findings.push(exit, "a/b/n1", "x", None);
            findings.exit().code()
        };
        assert_eq!(after(Exit::Pass), 0, "a note passes");
        assert_eq!(after(Exit::Unclear), 6, "unclear under --strict");
        assert_eq!(after(Exit::Regression), 3, "regression");
        assert_eq!(after(Exit::Incomparable), 5, "incomparable before regression");
        assert_eq!(after(Exit::Wrong), 4, "wrong before incomparable");
        assert_eq!(after(Exit::Failure), 1, "failure before all");
    }

    #[test]
    fn a_question_has_the_same_name_in_json_and_in_text() {
        for question in Question::ALL {
            let json = serde_json::to_string(&question).unwrap();
            assert_eq!(json, format!("{:?}", question.name()));
        }
    }

    #[test]
    fn a_finding_is_one_line_whatever_a_panic_says() {
        let mut findings = Findings::of(Question::Right);
        let what = "assertion failed\r\n  left: \u{1b}[31m1\n::error::planted";
        findings.push(Exit::Wrong, "a/b/n1", what, Some("cargo bench".to_owned()));
        let mut all = Findings::default();
        all.append(findings);
        let finding = all.iter().next().unwrap();
        assert_eq!(finding.question, Question::Right, "the question stays");
        let want = "FAIL wrong result  a/b/n1: assertion failed left: [31m1 ::error::planted; \
                    cargo bench";
        assert_eq!(finding.to_string(), want, "text");
    }
}
