//! What was found, and the exit code that follows.

use std::collections::BTreeSet;
use std::fmt;

use serde::Serialize;

use crate::exit::Exit;

/// What a finding is found by, in the order in which the tiers run.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
#[repr(u8)]
pub enum Tier {
    /// Whether two records may be compared.
    #[default]
    Comparable = 0,
    /// Whether the answers are right.
    Check = 1,
    /// Instruction counts and heap use.
    Instructions = 2,
    /// Times of two builds, in pairs.
    Paired = 3,
    /// Times beside saved ones.
    Wall = 4,
    /// Cases compared with themselves.
    SelfTest = 5,
}

/// All tiers, in order.
pub const TIERS: [Tier; 6] =
    [Tier::Comparable, Tier::Check, Tier::Instructions, Tier::Paired, Tier::Wall, Tier::SelfTest];

impl Tier {
    /// Its number.
    pub fn number(self) -> u8 {
        self as u8
    }
}

/// One thing that the gate has to say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// What found it.
    pub tier: Tier,
    /// What it means for the exit code; [`Exit::Pass`] is a note.
    pub exit: Exit,
    /// The case, or what else it is about.
    pub about: String,
    /// What was found and what was expected, in one line.
    pub what: String,
    /// The shell line that shows it again, or mends it.
    pub next: Option<String>,
}

impl Finding {
    /// What kind of finding it is: `note`, or the name of its exit code.
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
    tier: Tier,
    list: Vec<Finding>,
}

impl Findings {
    /// None yet; [`Findings::push`] adds those of `tier`.
    pub fn of(tier: Tier) -> Self {
        Self { tier, list: Vec::new() }
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
        self.list.push(Finding { tier: self.tier, exit, about, what, next });
    }

    /// The tier of those that [`Findings::push`] adds.
    pub fn tier(&self) -> Tier {
        self.tier
    }

    /// These, less what was `said` before in the same words of the same thing.
    #[must_use]
    pub fn without(mut self, said: &mut BTreeSet<(String, String)>) -> Self {
        self.list.retain(|found| said.insert((found.about.clone(), found.what.clone())));
        self
    }

    /// Adds what another tier found.
    pub fn append(&mut self, other: Self) {
        self.list.extend(other.list);
    }

    /// In the order in which they were found.
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

/// What a run can end with, the one that decides first.
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
    fn a_finding_is_one_line_whatever_a_panic_says() {
        let mut findings = Findings::of(Tier::Check);
        let what = "assertion failed\r\n  left: \u{1b}[31m1\n::error::planted";
        findings.push(Exit::Wrong, "a/b/n1", what, Some("cargo bench".to_owned()));
        let mut all = Findings::default();
        all.append(findings);
        let finding = all.iter().next().unwrap();
        assert_eq!(finding.tier, Tier::Check, "the tier stays");
        let want = "FAIL wrong result  a/b/n1: assertion failed left: [31m1 ::error::planted; \
                    cargo bench";
        assert_eq!(finding.to_string(), want, "text");
    }
}
