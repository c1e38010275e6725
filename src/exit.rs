//! How a command ends: the exit codes.

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

    /// In words.
    pub fn name(self) -> &'static str {
        match self {
            Self::Pass => "pass",
            Self::Failure => "tool failure",
            Self::Usage => "usage",
            Self::Regression => "regression",
            Self::Wrong => "wrong result",
            Self::Incomparable => "incomparable",
            Self::Unclear => "unclear",
        }
    }
}

impl fmt::Display for Exit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
