//! `stepmark worker`: runs the steps of one case on request, for paired runs of two builds.

use std::io::{self, BufRead, Write};
use std::panic::{self, AssertUnwindSafe};
use std::time::{Duration, Instant};

use super::{Context, Exit, Stop, panic_message};
use crate::calibration;
use crate::case::{Case, Step};
use crate::gate::Metric;
use crate::gate::duet::protocol::{self, END, Hello, Listed, PROTOCOL, RIGHT, WRONG};

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The case to run
    #[arg(required_unless_present = "list", conflicts_with = "list")]
    id: Option<String>,
    /// Print every case, one line of JSON each
    #[arg(long)]
    list: bool,
    /// The digest of outputs that are known to be right, in hexadecimal
    #[arg(long, value_parser = |text: &str| u64::from_str_radix(text, 16))]
    digest: Option<u64>,
    /// Know the cases of calibrations too, each with so many thousandths more to do
    #[arg(long, value_name = "PERMILLE", value_parser = clap::value_parser!(u32).range(..=1000))]
    plant: Option<u32>,
}

pub(super) fn run(args: &Args, context: &mut Context<'_>) -> Result<Exit, Stop> {
    die_with_parent();
    let planted = args.plant.map(calibration::cases).unwrap_or_default();
    let mut cases = context.cases.iter().chain(&planted);
    let Some(id) = &args.id else {
        for case in cases {
            say(context.out, &serde_json::to_string(&listed(case))?)?;
        }
        return Ok(Exit::Pass);
    };
    let Some(case) = cases.find(|case| case.id == *id) else {
        return Err(Stop::new(Exit::Usage, format!("there is no case {id}")));
    };
    match Subject::prepare(case, args.digest) {
        Ok(mut subject) => {
            let hello = subject.hello(case)?;
            serve(&mut subject, &hello, io::stdin().lock(), context.out)
        }
        Err(why) => {
            say(context.out, &wrong(&why))?;
            Ok(Exit::Wrong)
        }
    }
}

pub(super) fn listed(case: &Case) -> Listed {
    Listed {
        id: case.id.clone(),
        implementation: case.implementation.to_owned(),
        metric: metric(case),
        memory_bound: case.is_memory_bound(),
        units: Some(case.work.units),
    }
}

/// Only Unix has a clock for one thread.
fn metric(case: &Case) -> Metric {
    if case.threaded || !cfg!(unix) { Metric::Wall } else { Metric::ThreadCpu }
}

/// Has the system end this process as soon as the one that started it is gone. Should that be gone
/// before, its end of the pipe is closed, and no request ever comes.
fn die_with_parent() {
    #[cfg(target_os = "linux")]
    {
        use rustix::process::{Signal, set_parent_process_death_signal};
        // Where that is forbidden, the end of the requests still ends this process.
        let _ = set_parent_process_death_signal(Some(Signal::KILL));
    }
}

/// A case on the CPU that is right, and the digest that its samples must leave.
struct Subject {
    step: Box<dyn Step>,
    digest: u64,
}

/// Steps that are shorter run once before they are timed, so that what another process left in
/// the caches matters less.
const SHORT: Duration = Duration::from_micros(500);

/// How long a step is tried for, to learn how long it takes.
const TRIAL: Duration = Duration::from_millis(1);

impl Subject {
    fn prepare(case: &Case, digest: Option<u64>) -> Result<Self, String> {
        let checked = panic::catch_unwind(AssertUnwindSafe(|| match digest {
            Some(right) => case.checked_again(right),
            None => case.checked(),
        }));
        let checked =
            checked.unwrap_or_else(|panic| Err(format!("panicked: {}", panic_message(&*panic))));
        checked.map(|(step, digest)| Self { step, digest })
    }

    /// Says how long a step takes.
    ///
    /// Refuses a step that hides its time: other threads than this one do the work, and the case
    /// does not say so.
    fn hello(&mut self, case: &Case) -> Result<Hello, Stop> {
        let (mut steps, mut step_ns) = (1, f64::INFINITY);
        let took = loop {
            let took = self.time(steps);
            // The least of several: something else may run meanwhile.
            step_ns = step_ns.min(took.wall.as_nanos() as f64 / steps as f64);
            if took.wall >= TRIAL {
                break took;
            }
            steps *= 2;
        };
        let elsewhere = took.process.saturating_sub(took.thread);
        if metric(case) == Metric::ThreadCpu && elsewhere > took.thread / 5 + TRIAL {
            let why = format!(
                "{} runs on several threads but does not say so, which hides its time: add \
                 `.threaded()` to the case",
                case.id
            );
            return Err(Stop::new(Exit::Failure, why));
        }
        self.step.spoil();
        Ok(Hello {
            protocol: PROTOCOL,
            id: case.id.clone(),
            implementation: case.implementation.to_owned(),
            digest: format!("{:016x}", self.digest),
            step_ns: step_ns.max(1.0),
        })
    }

    fn time(&mut self, steps: u64) -> Took {
        let (thread, process, wall) = (clock(Clock::Thread), clock(Clock::Process), Instant::now());
        for _ in 0..steps {
            self.step.run();
        }
        let wall = wall.elapsed();
        Took {
            thread: clock(Clock::Thread).saturating_sub(thread),
            process: clock(Clock::Process).saturating_sub(process),
            wall,
        }
    }
}

/// What some steps took, by each clock.
#[derive(Clone, Copy)]
struct Took {
    thread: Duration,
    process: Duration,
    wall: Duration,
}

#[derive(Clone, Copy)]
enum Clock {
    Thread,
    Process,
}

/// CPU time so far; always the same where there is no such clock.
fn clock(clock: Clock) -> Duration {
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

/// Answers requests until there are no more.
fn serve(
    subject: &mut Subject,
    hello: &Hello,
    requests: impl BufRead,
    out: &mut dyn Write,
) -> Result<Exit, Stop> {
    say(out, &serde_json::to_string(hello)?)?;
    for request in requests.lines() {
        let request = request?;
        if request == END {
            let right = subject.step.digest() == subject.digest;
            say(
                out,
                &if right { RIGHT.to_owned() } else { wrong("the timed runs left other bits") },
            )?;
            return Ok(if right { Exit::Pass } else { Exit::Wrong });
        }
        let Some(steps) = protocol::steps(&request) else {
            let why = format!("`{request}` is no request");
            return Err(Stop::new(Exit::Failure, why));
        };
        if hello.step_ns < SHORT.as_nanos() as f64 {
            subject.step.run();
        }
        let took = subject.time(steps);
        say(out, &format!("{} {}", took.thread.as_nanos(), took.wall.as_nanos()))?;
    }
    Ok(Exit::Pass)
}

fn wrong(why: &str) -> String {
    format!("{WRONG}{}", why.replace('\n', " "))
}

fn say(out: &mut dyn Write, line: &str) -> Result<(), Stop> {
    writeln!(out, "{line}")?;
    Ok(out.flush()?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::case::Work;

    /// Leaves what a function returns, where 7 is right.
    struct Leaves<F> {
        output: u64,
        compute: F,
    }

    impl<F: FnMut() -> u64> Step for Leaves<F> {
        fn run(&mut self) {
            self.output = (self.compute)();
        }
        fn spoil(&mut self) {
            self.output = 0;
        }
        fn digest(&self) -> u64 {
            self.output
        }
        fn check(&self) -> Result<(), String> {
            if self.output == 7 { Ok(()) } else { Err("not 7".to_owned()) }
        }
    }

    fn case<F: FnMut() -> u64 + 'static>(compute: impl Fn() -> F + 'static) -> Case {
        let work = Work { units: 1, unit: "step", flops: 0, bytes: 0 };
        let prepare = move || Leaves { output: 0, compute: compute() };
        Case::new("test/seven/n1", "scalar", work, prepare)
    }

    /// Serves requests for a case that is right so many times; the check takes two of them.
    fn served(right: u32, step_ns: f64, requests: &str) -> (Result<Exit, Stop>, Vec<String>) {
        let case = case(move || {
            let mut runs = 0;
            move || {
                runs += 1;
                if runs <= right { 7 } else { 8 }
            }
        });
        let mut subject = Subject::prepare(&case, None).unwrap();
        let hello = Hello {
            protocol: PROTOCOL,
            id: case.id.clone(),
            implementation: case.implementation.to_owned(),
            digest: "7".to_owned(),
            step_ns,
        };
        let mut out = Vec::new();
        let exit = serve(&mut subject, &hello, requests.as_bytes(), &mut out);
        let lines = String::from_utf8(out).unwrap().lines().map(str::to_owned).collect();
        (exit, lines)
    }

    #[test]
    fn timed_runs_that_leave_other_bits_end_wrong() {
        let ends = |right, step_ns| {
            let (exit, lines) = served(right, step_ns, "sample 3\nend\n");
            let [_, times, last] = &lines[..] else { panic!("three lines: {lines:?}") };
            assert!(protocol::times(times).is_some(), "{times}");
            (exit.unwrap(), last.clone())
        };
        assert_eq!(ends(5, 1e9), (Exit::Pass, RIGHT.to_owned()), "right to the end");
        let (exit, last) = ends(4, 1e9);
        assert_eq!(exit, Exit::Wrong, "{last}");
        assert!(last.starts_with(WRONG), "{last}");
        assert_eq!(ends(5, 1e3).0, Exit::Wrong, "a short step runs once more, untimed");
    }

    #[test]
    fn the_end_of_the_requests_ends_a_worker_and_an_unknown_one_is_a_failure() {
        let (exit, lines) = served(9, 1e9, "sample 1\nsample 1\n");
        assert_eq!((exit.unwrap(), lines.len()), (Exit::Pass, 3), "{lines:?}");
        for request in ["stop\n", "sample 0\n", "sample -1\n", "\n"] {
            let stop = served(9, 1e9, request).0.unwrap_err();
            assert_eq!(stop.exit, Exit::Failure, "{stop:?}");
            assert!(stop.why.ends_with("is no request"), "{stop:?}");
        }
    }

    #[test]
    #[cfg(unix)]
    fn a_step_on_other_threads_is_refused_unless_the_case_says_so() {
        // By CPU time, of which a busy machine takes nothing away.
        let spin = || {
            while clock(Clock::Thread) < Duration::from_millis(20) {}
            7
        };
        let elsewhere = case(move || move || std::thread::spawn(spin).join().unwrap());
        let hello = |case: &Case| Subject::prepare(case, None).unwrap().hello(case);
        assert_eq!(listed(&elsewhere).metric, Metric::ThreadCpu, "undeclared");
        let stop = hello(&elsewhere).unwrap_err();
        assert_eq!(stop.exit, Exit::Failure, "{stop:?}");
        assert!(stop.why.contains("add `.threaded()` to the case"), "{stop:?}");
        let declared = elsewhere.threaded();
        assert_eq!(listed(&declared).metric, Metric::Wall, "declared");
        let step_ns = hello(&declared).unwrap().step_ns;
        assert!(step_ns > 1e7, "{step_ns} ns by the wall");
    }
}
