//! Cases on the CPU: CPU time of the thread that runs the steps, and the digest of their outputs.

use std::time::Duration;

use super::{Listed, Metric, Prepared, Stop, Subject, caught};
use crate::case::{Case, Step};

pub(crate) fn listed(case: &Case) -> Listed {
    Listed {
        id: case.id.clone(),
        implementation: case.implementation.to_owned(),
        // Only Unix has a clock for one thread.
        metric: if case.threaded || !cfg!(unix) { Metric::Wall } else { Metric::ThreadCpu },
        memory_bound: case.is_memory_bound(),
        units: Some(case.work.units),
    }
}

/// A case, and the digest that its samples must leave.
struct Cpu {
    step: Box<dyn Step>,
    digest: u64,
}

/// Prepares a case, whose outputs are known to be right where their digest is `digest`.
pub(super) fn prepare(case: &Case, digest: Option<u64>) -> Prepared {
    let checked = caught(|| match digest {
        Some(right) => case.checked_again(right),
        None => case.checked(),
    });
    checked.map(|(step, digest)| Box::new(Cpu { step, digest }) as Box<dyn Subject>)
}

impl Subject for Cpu {
    fn run(&mut self, steps: u64) -> Result<Duration, Stop> {
        let start = time(Clock::Thread);
        for _ in 0..steps {
            self.step.run();
        }
        Ok(time(Clock::Thread).saturating_sub(start))
    }

    fn spoil(&mut self) -> Result<(), Stop> {
        self.step.spoil();
        Ok(())
    }

    fn wrong(&self) -> Result<Option<String>, Stop> {
        let right = self.step.digest() == self.digest;
        Ok((!right).then(|| "the timed runs left other bits".to_owned()))
    }

    fn digest(&self) -> String {
        format!("{:016x}", self.digest)
    }
}

#[derive(Clone, Copy)]
pub(super) enum Clock {
    Thread,
    Process,
}

/// CPU time so far; always the same where there is no such clock.
pub(super) fn time(clock: Clock) -> Duration {
    #[cfg(unix)]
    {
        use rustix::time::{ClockId, clock_gettime};
        let time = clock_gettime(match clock {
            Clock::Thread => ClockId::ThreadCPUTime,
            Clock::Process => ClockId::ProcessCPUTime,
        });
        Duration::try_from(time).unwrap_or_default()
    }
    #[cfg(not(unix))]
    {
        let _ = clock;
        Duration::ZERO
    }
}
