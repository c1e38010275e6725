//! What was found, and the exit code that follows.

use std::fmt;

/// How a command ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum Exit {
    /// All is well.
    Pass = 0,
    /// The tool failed: input or output, a panic, a missing program.
    Failure = 1,
    /// The command line makes no sense.
    Usage = 2,
    /// A kernel became slower or hungrier.
    Regression = 3,
    /// A kernel gives a wrong result.
    Wrong = 4,
    /// Nothing could be compared, or not all of it.
    Incomparable = 5,
    /// Paired times do not tell, where `--strict` asks that they do.
    Unclear = 6,
}

impl Exit {
    /// The number that the process exits with.
    pub fn code(self) -> u8 {
        self as u8
    }
}

impl fmt::Display for Exit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Pass => "pass",
            Self::Failure => "tool failure",
            Self::Usage => "usage",
            Self::Regression => "regression",
            Self::Wrong => "wrong result",
            Self::Incomparable => "incomparable",
            Self::Unclear => "unclear",
        })
    }
}

/// One thing that the gate has to say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// What it means for the exit code; [`Exit::Pass`] is a note.
    pub exit: Exit,
    /// The case, or what else it is about.
    pub about: String,
    /// What was found and what was expected.
    pub what: String,
    /// The shell line that shows it again, or mends it.
    pub next: Option<String>,
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let label = match self.exit {
            Exit::Pass => "note",
            Exit::Regression => "FAIL regression",
            Exit::Wrong => "FAIL wrong result",
            Exit::Incomparable => "FAIL incomparable",
            Exit::Unclear => "FAIL unclear",
            Exit::Failure | Exit::Usage => "FAIL tool failure",
        };
        write!(f, "{label:<17}  {}: {}", self.about, self.what)?;
        self.next.as_ref().map_or(Ok(()), |next| write!(f, "; {next}"))
    }
}

/// All that was found.
#[derive(Debug, Default)]
pub struct Findings(Vec<Finding>);

impl Findings {
    /// Adds a finding.
    pub fn push(
        &mut self,
        exit: Exit,
        about: impl Into<String>,
        what: impl Into<String>,
        next: Option<String>,
    ) {
        self.0.push(Finding { exit, about: about.into(), what: what.into(), next });
    }

    /// In the order in which they were found.
    pub fn iter(&self) -> impl Iterator<Item = &Finding> {
        self.0.iter()
    }

    /// The exit code of several at once: the first of 1, 4, 5, 3, 6 that occurs.
    pub fn exit(&self) -> Exit {
        let order =
            [Exit::Failure, Exit::Wrong, Exit::Incomparable, Exit::Regression, Exit::Unclear];
        order.into_iter().find(|&exit| self.count(exit) > 0).unwrap_or(Exit::Pass)
    }

    /// How many findings mean `exit`.
    pub fn count(&self, exit: Exit) -> usize {
        self.0.iter().filter(|finding| finding.exit == exit).count()
    }
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
}
