//! CPU time so far; always the same where there is no such clock.

use std::time::Duration;

/// Of this thread.
pub(super) fn thread() -> Duration {
    #[cfg(unix)]
    return time(rustix::time::ClockId::ThreadCPUTime);
    #[cfg(not(unix))]
    Duration::ZERO
}

/// Of all threads of this process.
pub(super) fn process() -> Duration {
    #[cfg(unix)]
    return time(rustix::time::ClockId::ProcessCPUTime);
    #[cfg(not(unix))]
    Duration::ZERO
}

#[cfg(unix)]
fn time(clock: rustix::time::ClockId) -> Duration {
    Duration::try_from(rustix::time::clock_gettime(clock)).unwrap_or_default()
}
