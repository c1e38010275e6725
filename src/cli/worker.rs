//! `stepmark worker`: runs the steps of one case on request, for paired runs of two builds.

mod cpu;
#[cfg(feature = "cuda")]
mod gpu;

use std::io::{self, BufRead, Write};
use std::time::{Duration, Instant};

use super::{Context, Exit, Stop, caught};
use crate::gate::Metric;
use crate::gate::calibrate::planted;
use crate::gate::duet::protocol::{self, END, Hello, Listed, PROTOCOL, RIGHT, WRONG};

pub(super) use cpu::listed;
pub(super) use gpu::{Cases as GpuCases, ids as gpu_ids};

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The case to run
    #[arg(required_unless_present = "list", conflicts_with = "list")]
    id: Option<String>,
    /// Print every case that can run here, one line of JSON each
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
    let planted = args.plant.map(planted::cases).unwrap_or_default();
    let mut cases = context.cases.iter().chain(&planted);
    let Some(id) = &args.id else {
        for case in cases.map(listed).chain(gpu::listed(context.gpu)?) {
            say(context.out, &serde_json::to_string(&case)?)?;
        }
        return Ok(Exit::Pass);
    };
    let prepared = match cases.find(|case| case.id == *id) {
        Some(case) => Some((listed(case), cpu::prepare(case, args.digest))),
        None => gpu::prepare(id, context.gpu)?,
    };
    match prepared {
        Some((case, Ok(mut subject))) => {
            let hello = hello(&mut *subject, case)?;
            serve(&mut *subject, &hello, io::stdin().lock(), context.out)
        }
        Some((_, Err(why))) => {
            say(context.out, &wrong(&why))?;
            Ok(Exit::Wrong)
        }
        None => Err(Stop::new(Exit::Usage, format!("there is no case {id}"))),
    }
}

/// Without the feature `cuda` there are no cases on a GPU.
#[cfg(not(feature = "cuda"))]
mod gpu {
    use super::{Listed, Prepared, Stop};

    pub(crate) enum Case {}

    pub(crate) type Cases = fn() -> Vec<Case>;

    pub(crate) fn ids(_: Cases) -> Vec<String> {
        Vec::new()
    }

    pub(super) fn listed(_: Cases) -> Result<Vec<Listed>, Stop> {
        Ok(Vec::new())
    }

    pub(super) fn prepare(_: &str, _: Cases) -> Result<Option<(Listed, Prepared)>, Stop> {
        Ok(None)
    }
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

/// A case that was right, ready to be timed.
trait Subject {
    /// Runs so many steps, and reads what they took from the clock of the case's metric; that of
    /// the wall is the caller's.
    fn run(&mut self, steps: u64) -> Result<Duration, Stop>;

    /// Overwrites the outputs, so that only another run can make them right again.
    fn spoil(&mut self) -> Result<(), Stop>;

    /// How the outputs of the last run are wrong, if they are.
    fn wrong(&self) -> Result<Option<String>, Stop>;

    /// The digest of the right outputs; empty where they are compared each time.
    fn digest(&self) -> String;
}

/// A subject, or how its outputs are wrong.
type Prepared = Result<Box<dyn Subject>, String>;

/// Steps that are shorter run once before they are timed, so that what another process left in
/// the caches matters less.
const SHORT: Duration = Duration::from_micros(500);

/// How long a step is tried for, to learn how long it takes.
const TRIAL: Duration = Duration::from_millis(1);

/// So often a step must seem to hide its time, to be refused.
const SUSPICIONS: usize = 5;

/// What some steps took.
struct Took {
    /// By the clock of the case's metric.
    clock: Duration,
    /// CPU time of all threads.
    process: Duration,
    wall: Duration,
}

fn time(subject: &mut dyn Subject, steps: u64) -> Result<Took, Stop> {
    let (process, wall) = (cpu::time(cpu::Clock::Process), Instant::now());
    let clock = subject.run(steps)?;
    let wall = wall.elapsed();
    Ok(Took { clock, process: cpu::time(cpu::Clock::Process).saturating_sub(process), wall })
}

/// Says how long a step takes.
///
/// Refuses a step that hides its time: other threads than this one do the work, and the case
/// does not say so.
fn hello(subject: &mut dyn Subject, case: Listed) -> Result<Hello, Stop> {
    let (mut steps, mut step_ns, mut suspicions) = (1, f64::INFINITY, 0);
    loop {
        let took = time(subject, steps)?;
        // What a GPU waits for between its launches is no part of them.
        let on_gpu = case.metric == Metric::CudaEvent;
        let steps_took = if on_gpu { took.clock } else { took.wall };
        // The least of several: something else may run meanwhile.
        step_ns = step_ns.min(steps_took.as_nanos() as f64 / steps as f64);
        if took.wall < TRIAL {
            steps *= 2;
            continue;
        }
        let elsewhere = took.process.saturating_sub(took.clock);
        if case.metric != Metric::ThreadCpu || elsewhere <= took.clock / 5 + TRIAL {
            break;
        }
        // Threads do so each time; a virtual machine that stops between two clocks does so once.
        suspicions += 1;
        if suspicions == SUSPICIONS {
            let why = format!(
                "{} runs on several threads but does not say so, which hides its time: add \
                 `.threaded()` to the case",
                case.id
            );
            return Err(Stop::new(Exit::Failure, why));
        }
    }
    subject.spoil()?;
    Ok(Hello {
        protocol: PROTOCOL,
        id: case.id,
        implementation: case.implementation,
        digest: subject.digest(),
        step_ns: step_ns.max(1.0),
    })
}

/// Answers requests until there are no more.
fn serve(
    subject: &mut dyn Subject,
    hello: &Hello,
    requests: impl BufRead,
    out: &mut dyn Write,
) -> Result<Exit, Stop> {
    say(out, &serde_json::to_string(hello)?)?;
    for request in requests.lines() {
        let request = request?;
        if request == END {
            let (answer, exit) = match subject.wrong()? {
                None => (RIGHT.to_owned(), Exit::Pass),
                Some(why) => (wrong(&why), Exit::Wrong),
            };
            say(out, &answer)?;
            return Ok(exit);
        }
        let Some(steps) = protocol::steps(&request) else {
            let why = format!("`{request}` is no request");
            return Err(Stop::new(Exit::Failure, why));
        };
        if hello.step_ns < SHORT.as_nanos() as f64 {
            subject.run(1)?;
        }
        let took = time(subject, steps)?;
        say(out, &format!("{} {}", took.clock.as_nanos(), took.wall.as_nanos()))?;
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
    use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
    use std::thread;

    use super::*;
    use crate::case::{Case, Step, Work};

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
        let mut subject = cpu::prepare(&case, None).unwrap();
        let hello = Hello {
            protocol: PROTOCOL,
            id: case.id.clone(),
            implementation: case.implementation.to_owned(),
            digest: "7".to_owned(),
            step_ns,
        };
        let mut out = Vec::new();
        let exit = serve(&mut *subject, &hello, requests.as_bytes(), &mut out);
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
            while cpu::time(cpu::Clock::Thread) < Duration::from_millis(20) {}
            7
        };
        let elsewhere = case(move || move || thread::spawn(spin).join().unwrap());
        let hello = |case: &Case| hello(&mut *cpu::prepare(case, None).unwrap(), listed(case));
        assert_eq!(listed(&elsewhere).metric, Metric::ThreadCpu, "undeclared");
        let stop = hello(&elsewhere).unwrap_err();
        assert_eq!(stop.exit, Exit::Failure, "{stop:?}");
        assert!(stop.why.contains("add `.threaded()` to the case"), "{stop:?}");
        let declared = elsewhere.threaded();
        assert_eq!(listed(&declared).metric, Metric::Wall, "declared");
        let step_ns = hello(&declared).unwrap().step_ns;
        assert!(step_ns > 1e7, "{step_ns} ns by the wall");

        static STOLEN: AtomicBool = AtomicBool::new(false);
        let once = move || {
            if STOLEN.swap(false, Relaxed) { thread::spawn(spin).join().unwrap() } else { 7 }
        };
        let once = case(move || once);
        let mut subject = cpu::prepare(&once, None).unwrap();
        STOLEN.store(true, Relaxed);
        let step_ns = super::hello(&mut *subject, listed(&once)).unwrap().step_ns;
        assert!(step_ns < 1e6, "{step_ns} ns, though 20 ms were lost once");
    }
}
