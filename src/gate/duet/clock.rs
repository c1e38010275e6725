//! The clocks that a sample is read from, and the time that it waited.
//!
//! The cost of a sample is the CPU time of the process and the time that its thread waited: for a
//! disk, a lock, a sleep, another process. A thread also stands still where others have its
//! processor, which is no cost of a kernel; Linux tells both apart:
//!
//! ```text
//! waited = wall time - CPU time of the thread - its run delay, at least 0
//! waited = 0, where the thread never gave its processor away
//! ```
//!
//! The run delay is the time for which the thread was ready but had no processor, the second
//! number of `/proc/thread-self/schedstat`; `voluntary_ctxt_switches` of `/proc/thread-self/status`
//! counts how often it gave its processor away. A virtual machine that stops between the clocks does
//! not seem to wait, unless the thread did so too. A thread that waits for others of its process
//! waits, though their CPU time is in that of the process: a case that uses several says so, and is
//! timed by the wall.

use std::fs::File;
use std::path::Path;
use std::time::{Duration, Instant};

/// Where Linux tells for how long this thread was ready without a processor.
const SCHEDSTAT: &str = "/proc/thread-self/schedstat";

/// Where Linux tells how often this thread gave its processor away.
const STATUS: &str = "/proc/thread-self/status";

/// The room for a status: Linux writes about 1,500 bytes.
const STATUS_LEN_BYTES: usize = 8192;

/// Says what this system does not tell of waits; `None` where it tells all.
pub(super) fn blind_spot() -> Option<&'static str> {
    unseen(Path::new(SCHEDSTAT), Path::new(STATUS))
}

/// The same of a system that has these files, or lacks them.
fn unseen(schedstat: &Path, status: &Path) -> Option<&'static str> {
    if schedstat.exists() && status.exists() {
        None
    } else if status.exists() {
        Some(
            "this system has no /proc/thread-self/schedstat: in a sample that waited, the time for \
             which others had its processor counts as waited",
        )
    } else {
        Some("this system does not tell whether a thread waits: only its CPU time counts")
    }
}

/// The clocks of the thread that made them.
#[derive(Debug)]
pub(crate) struct Clocks {
    schedstat: Option<File>,
    status: Option<File>,
}

/// Time that something took.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Took {
    /// By the clock that was named; of this thread, unless the work ran on a device.
    pub(crate) clock: Duration,
    /// CPU time of all threads of the process.
    pub(crate) process: Duration,
    /// Time that this thread waited; see the head of this file.
    pub(crate) waited: Duration,
    pub(crate) wall: Duration,
}

impl Clocks {
    pub(crate) fn of_this_thread() -> Self {
        Self::reading(Path::new(SCHEDSTAT), Path::new(STATUS))
    }

    /// Reads these files, where they are.
    fn reading(schedstat: &Path, status: &Path) -> Self {
        Self { schedstat: File::open(schedstat).ok(), status: File::open(status).ok() }
    }

    /// The same, but for what is waited, which always is zero.
    pub(crate) fn blind() -> Self {
        Self { schedstat: None, status: None }
    }

    /// Times `work`, which returns its CPU time on this thread.
    pub(crate) fn time<E>(&self, work: impl FnOnce() -> Result<Duration, E>) -> Result<Took, E> {
        let (delay, switches) = (self.run_delay(), self.switches());
        let (start, before) = (Instant::now(), process());
        let clock = work()?;
        let process = process().saturating_sub(before);
        let wall = start.elapsed();
        let switched = self.switches() != switches;
        let delay = self.run_delay().saturating_sub(delay);
        let standing = wall.saturating_sub(clock).saturating_sub(delay);
        let waited = if switched { standing } else { Duration::ZERO };
        Ok(Took { clock, process, waited, wall })
    }

    /// For how long the thread was ready without a processor so far; 0 if nobody tells.
    fn run_delay(&self) -> Duration {
        let text = self.schedstat.as_ref().and_then(|file| read(file, 100));
        let delay = text.and_then(|text| text.split(' ').nth(1)?.parse().ok());
        Duration::from_nanos(delay.unwrap_or(0))
    }

    /// How often the thread gave its processor away so far; `None` if nobody tells.
    fn switches(&self) -> Option<u64> {
        let text = read(self.status.as_ref()?, STATUS_LEN_BYTES)?;
        let (_, rest) = text.split_once("\nvoluntary_ctxt_switches:")?;
        rest.lines().next()?.trim().parse().ok()
    }
}

/// The start of a file that Linux writes anew for each read.
fn read(file: &File, len_bytes: usize) -> Option<String> {
    #[cfg(unix)]
    {
        use std::os::unix::fs::FileExt as _;
        let mut bytes = vec![0; len_bytes];
        let len = file.read_at(&mut bytes, 0).ok()?;
        bytes.truncate(len);
        String::from_utf8(bytes).ok()
    }
    #[cfg(not(unix))]
    {
        let _ = (file, len_bytes);
        None
    }
}

/// CPU time of this thread so far; always the same where there is no such clock.
pub(crate) fn thread() -> Duration {
    #[cfg(unix)]
    return time(rustix::time::ClockId::ThreadCPUTime);
    #[cfg(not(unix))]
    Duration::ZERO
}

/// CPU time of all threads of this process so far; always the same where there is no such clock.
fn process() -> Duration {
    #[cfg(unix)]
    return time(rustix::time::ClockId::ProcessCPUTime);
    #[cfg(not(unix))]
    Duration::ZERO
}

#[cfg(unix)]
fn time(clock: rustix::time::ClockId) -> Duration {
    Duration::try_from(rustix::time::clock_gettime(clock)).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: Duration = Duration::from_millis(1);

    /// Times `work` by the CPU time of this thread.
    fn took(work: impl FnOnce()) -> Took {
        took_by(&Clocks::of_this_thread(), work)
    }

    fn took_by(clocks: &Clocks, work: impl FnOnce()) -> Took {
        let work = || {
            let start = thread();
            work();
            Ok::<_, ()>(thread().saturating_sub(start))
        };
        clocks.time(work).unwrap()
    }

    fn spin(cpu: Duration) {
        let start = thread();
        while thread().saturating_sub(start) < cpu {}
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn a_sleep_is_waited_and_a_busy_loop_never_is() {
        assert_eq!(blind_spot(), None, "Linux tells");
        let spun = took(|| spin(20 * MS));
        assert!(spun.clock >= 20 * MS && spun.process >= spun.clock, "{spun:?}");
        // Beside others the wall goes on, and a page that is read from a disk is a wait.
        assert!(spun.waited < MS, "{spun:?}");
        let slept = took(|| {
            spin(5 * MS);
            std::thread::sleep(10 * MS);
        });
        assert!(slept.waited >= 9 * MS && slept.clock < 10 * MS, "{slept:?}");
        assert!(slept.waited <= slept.wall, "{slept:?}");
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn without_a_run_delay_all_that_is_no_cpu_time_of_a_sample_that_waits_is_waited() {
        let none = Path::new("/no/such/file");
        let clocks = Clocks::reading(none, Path::new(STATUS));
        let slept = took_by(&clocks, || std::thread::sleep(10 * MS));
        assert_eq!(slept.waited, slept.wall - slept.clock, "{slept:?}");
        assert_eq!(took_by(&clocks, || spin(MS)).waited, Duration::ZERO, "it never gave way");
        let said = unseen(none, Path::new(STATUS)).unwrap();
        assert!(said.contains("no /proc/thread-self/schedstat"), "{said}");
        // Nobody tells whether it gave way.
        for (schedstat, status) in [(none, none), (Path::new(SCHEDSTAT), none)] {
            let clocks = Clocks::reading(schedstat, status);
            let slept = took_by(&clocks, || std::thread::sleep(10 * MS));
            assert_eq!(slept.waited, Duration::ZERO, "{slept:?}");
            assert!(unseen(schedstat, status).unwrap().contains("only its CPU time"), "said");
        }
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn the_work_of_another_thread_is_time_of_the_process() {
        let took = took(|| std::thread::spawn(|| spin(20 * MS)).join().unwrap());
        assert!(took.clock < 10 * MS && took.process >= 20 * MS, "{took:?}");
        // This one stands still for as long, but for what it takes to start the other.
        assert!(took.waited >= 19 * MS, "{took:?}");
    }
}
