//! The lines that host and worker exchange.
//!
//! A worker is `stepmark worker ID`. It says a [`Hello`] once its outputs are right. To
//! `sample STEPS LEAD` it runs `LEAD` steps, which nobody times, and then `STEPS` that it times; it
//! answers three numbers of nanoseconds: by the clock of the case's [`Metric`], of waiting beside
//! it, and by the wall. To `end` it answers `right`. Instead of any of these it may say
//! `wrong TEXT`, as soon as it finds its outputs so, or `failed TEXT` where it cannot go on, and
//! ends. `stepmark worker --list` prints a [`Listed`] per case.
//!
//! Version 1 knows no lead, no `failed` and no waiting: a worker answers two numbers, CPU time of its
//! thread and time by the wall, and looks at its outputs at the end only. Of two builds that speak
//! different versions, the later one is told `--protocol 1`.

use serde::{Deserialize, Serialize};

use crate::gate::Metric;

/// The version of this protocol.
pub const PROTOCOL: u32 = 2;

/// The version that older builds speak.
pub const FIRST: u32 = 1;

fn first() -> u32 {
    FIRST
}

/// A case as a worker lists it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Listed {
    /// The case.
    pub id: String,
    /// Which implementation runs on this machine.
    pub implementation: String,
    /// The clock that its samples are read from.
    pub metric: Metric,
    /// Whether it waits for memory rather than computes.
    pub memory_bound: bool,
    /// How many units of work a step does; older builds do not say.
    pub units: Option<u64>,
    /// How many floating-point operations a step does; older builds do not say.
    pub flops: Option<u64>,
    /// How many bytes a step must at least move; older builds do not say.
    pub bytes: Option<u64>,
    /// Whether its output bits are part of its definition; older builds do not say.
    #[serde(default)]
    pub exact: bool,
    /// The latest version of this protocol that the worker speaks.
    #[serde(default = "first")]
    pub protocol: u32,
}

impl Listed {
    /// Whether both are the same case: the steps of one id may have changed, and a change cannot choose a
    /// clock that sees less of it.
    pub(super) fn is_same(&self, other: &Self) -> bool {
        let same =
            |this: Option<u64>, that: Option<u64>| this.is_none() || that.is_none() || this == that;
        let is_wall = |case: &Self| case.metric == Metric::Wall;
        self.id == other.id
            && is_wall(self) == is_wall(other)
            && same(self.units, other.units)
            && same(self.flops, other.flops)
            && same(self.bytes, other.bytes)
    }

    /// The work of a step, as far as the build says it: `10 units, 20 flops`.
    pub(super) fn work(&self) -> String {
        let of = [(self.units, "units"), (self.flops, "flops"), (self.bytes, "bytes")];
        let said = of.iter().filter_map(|(count, name)| Some(format!("{} {name}", (*count)?)));
        said.collect::<Vec<_>>().join(", ")
    }
}

/// The first line of a worker: its case is prepared, and its answer is right.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Hello {
    /// The version that it speaks.
    pub protocol: u32,
    /// The case.
    pub id: String,
    /// Which implementation runs.
    pub implementation: String,
    /// Digest of the right outputs, in hexadecimal; empty where outputs are compared each time.
    pub digest: String,
    /// About how long a step takes, in nanoseconds: by CUDA events on a GPU, else by the wall.
    pub step_ns: f64,
    /// Whether other threads of the worker do part of a step, which the case does not say.
    #[serde(default)]
    pub threads: bool,
}

/// The most steps that lead a sample.
pub const LEAD: u64 = 15;

/// A request to run `lead` steps, and to time `steps` that follow.
pub fn sample(steps: u64, lead: u64, protocol: u32) -> String {
    if protocol == FIRST { format!("sample {steps}") } else { format!("sample {steps} {lead}") }
}

/// How many steps a request of [`sample`] asks for, at least one, and how many lead them.
pub fn steps(line: &str) -> Option<(u64, u64)> {
    let counts = line.strip_prefix("sample ")?;
    let (steps, lead) = counts.split_once(' ').unwrap_or((counts, "0"));
    let (steps, lead) = (steps.parse().ok()?, lead.parse().ok()?);
    (steps > 0 && lead <= LEAD).then_some((steps, lead))
}

/// The last request.
pub const END: &str = "end";
/// The outputs are right.
pub const RIGHT: &str = "right";
/// Starts a line that says how the outputs are wrong.
pub const WRONG: &str = "wrong ";
/// Starts a line that says why the worker cannot go on, though its outputs are not wrong.
pub const FAILED: &str = "failed ";

/// The answer to [`sample`], in nanoseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Times {
    /// By the clock of the case.
    pub clock: u64,
    /// Time that the thread waited; 0 in version 1.
    pub waited: u64,
    /// By the wall.
    pub wall: u64,
}

impl Times {
    /// The line that says it.
    pub fn line(self, protocol: u32) -> String {
        let Self { clock, waited, wall } = self;
        if protocol == FIRST {
            format!("{clock} {wall}")
        } else {
            format!("{clock} {waited} {wall}")
        }
    }
}

/// The numbers of a line that answers [`sample`].
pub fn times(line: &str, protocol: u32) -> Option<Times> {
    let numbers: Option<Vec<u64>> = line.split(' ').map(|number| number.parse().ok()).collect();
    match numbers?[..] {
        [clock, wall] if protocol == FIRST => Some(Times { clock, waited: 0, wall }),
        [clock, waited, wall] if protocol != FIRST => Some(Times { clock, waited, wall }),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_and_nothing_else() {
        for protocol in [FIRST, PROTOCOL] {
            let lead = if protocol == FIRST { 0 } else { 15 };
            assert_eq!(steps(&sample(3, 15, protocol)), Some((3, lead)), "{protocol}");
            let sent = Times { clock: 5, waited: lead, wall: 7 };
            assert_eq!(times(&sent.line(protocol), protocol), Some(sent), "{protocol}");
            assert_eq!(times(&sent.line(3 - protocol), protocol), None, "of the other version");
        }
        for bad in ["sample 0 1", "sample 1 16", "sample 1 -1", "sample 1 2 3", "sample", "end 1"] {
            assert_eq!(steps(bad), None, "{bad}");
        }
        for bad in ["", "1 2 x", "1 2 3 4", "1  2", "-1 2 3"] {
            assert_eq!(times(bad, PROTOCOL), None, "{bad}");
        }
    }

    #[test]
    fn other_work_is_another_case_and_what_an_older_build_does_not_say_is_not() {
        let old = r#"{"id":"a/b/n1","implementation":"scalar","metric":"thread-cpu","memory_bound":false}"#;
        let old: Listed = serde_json::from_str(old).unwrap();
        assert_eq!((old.protocol, old.exact), (FIRST, false), "{old:?}");
        let new = Listed { units: Some(1), flops: Some(20), bytes: Some(30), ..old.clone() };
        assert_eq!(new.work(), "1 units, 20 flops, 30 bytes", "work");
        assert!(new.is_same(&old) && new.is_same(&new), "{new:?}");
        for other in [
            Listed { units: Some(2), ..new.clone() },
            Listed { flops: Some(60), ..new.clone() },
            Listed { bytes: Some(29), ..new.clone() },
            Listed { id: "a/b/n2".to_owned(), ..new.clone() },
        ] {
            assert!(!new.is_same(&other) && !other.is_same(&new), "{other:?}");
        }
    }
}
