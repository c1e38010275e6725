//! `stepmark worker`: runs the steps of one case on request, for paired runs of two builds.

mod check;
mod clock;

use std::io::{self, BufRead, Write};
use std::time::{Duration, Instant};

use super::{Context, Exit, Stop, caught};
use crate::case::{Case, Facts, Ready, Step, Trouble};
use crate::gate::Metric;
use crate::gate::calibrate::planted;
use crate::gate::duet::protocol::{self, END, Hello, Listed, PROTOCOL, RIGHT, WRONG};

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The case to run
    #[arg(required_unless_present_any = ["list", "check"], conflicts_with_all = ["list", "check"])]
    id: Option<String>,
    /// Check the cases that the standard input names, one after another
    #[arg(long, conflicts_with = "list")]
    check: bool,
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
    if args.check {
        check::note_panics();
        let cases = context.cases.iter().chain(context.scaling);
        return check::serve(&cases.collect::<Vec<_>>(), io::stdin().lock(), context.out);
    }
    let planted = args.plant.map(planted::cases).unwrap_or_default();
    let mut cases = context.cases.iter().chain(&planted);
    let Some(id) = &args.id else {
        // Those on a device come last, as they always did.
        let (on_device, on_cpu): (Vec<_>, Vec<_>) = cases.partition(|case| case.is_on_device());
        let listed =
            on_cpu.into_iter().chain(on_device).filter_map(|case| listed(case).transpose());
        for case in listed.collect::<Result<Vec<_>, Stop>>()? {
            say(context.out, &serde_json::to_string(&case)?)?;
        }
        return Ok(Exit::Pass);
    };
    let Some(case) = cases.find(|case| case.id == *id) else {
        return Err(Stop::new(Exit::Usage, format!("there is no case {id}")));
    };
    let Some(listed) = listed(case)? else {
        return Err(Stop::new(Exit::Failure, format!("there is no CUDA device for {id}")));
    };
    match prepare(case, args.digest) {
        Ok(mut ready) => {
            let hello = hello(&mut *ready, listed)?;
            serve(&mut *ready, &hello, io::stdin().lock(), context.out)
        }
        Err(Trouble::Wrong(why)) => {
            say(context.out, &wrong(&why))?;
            Ok(Exit::Wrong)
        }
        Err(failed) => Err(failed.into()),
    }
}

/// The line of a case in the list; `None` where its device is missing.
fn listed(case: &Case) -> Result<Option<Listed>, Stop> {
    let Some(device) = case.device() else { return Ok(Some(on_cpu(case))) };
    let failed = |why| Stop::new(Exit::Failure, why);
    Ok(device.facts().map_err(failed)?.map(|facts| on_device(case, &facts)))
}

/// The line of a case on the CPU.
pub(super) fn on_cpu(case: &Case) -> Listed {
    Listed {
        id: case.id.clone(),
        implementation: case.implementation.to_owned(),
        // Only Unix has a clock for one thread.
        metric: if case.threaded || !cfg!(unix) { Metric::Wall } else { Metric::ThreadCpu },
        memory_bound: case.is_memory_bound(),
        units: Some(case.work.units),
    }
}

fn on_device(case: &Case, facts: &Facts) -> Listed {
    Listed {
        id: case.id.clone(),
        implementation: facts.implementation.to_owned(),
        metric: Metric::CudaEvent,
        memory_bound: facts.memory_bound,
        units: Some(facts.units),
    }
}

/// Prepares a case, whose outputs on the CPU are known to be right where their digest is `digest`.
fn prepare(case: &Case, digest: Option<u64>) -> Result<Box<dyn Ready>, Trouble> {
    if let Some(device) = case.device() {
        return device.ready();
    }
    let checked = caught(|| {
        let checked = digest
            .map_or_else(|| case.checked(), |right| case.checked_skipping_oracle_and_replay(right));
        checked.map_err(Trouble::Wrong)
    });
    checked.map(|(step, digest)| Box::new(OnCpu { step, digest }) as Box<dyn Ready>)
}

/// A step on the CPU, and the digest that its runs must leave.
struct OnCpu {
    step: Box<dyn Step>,
    digest: u64,
}

impl Ready for OnCpu {
    fn time(&mut self, steps: u64) -> Result<Duration, Trouble> {
        let start = clock::thread();
        for _ in 0..steps {
            self.step.run();
        }
        Ok(clock::thread().saturating_sub(start))
    }

    fn spoil(&mut self) -> Result<(), Trouble> {
        self.step.spoil();
        Ok(())
    }

    fn check(&self) -> Result<(), Trouble> {
        match self.step.digest() {
            found if found == self.digest => Ok(()),
            found => Err(Trouble::Wrong(format!("digest {found:016x}, not {:016x}", self.digest))),
        }
    }

    fn digest(&self) -> Option<u64> {
        Some(self.digest)
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

/// Steps that are shorter run once before they are timed, so that what another process left in
/// the caches matters less.
const SHORT: Duration = Duration::from_micros(500);

/// How long a step is tried for, to learn how long it takes.
const TRIAL: Duration = Duration::from_millis(1);

/// Number of times that a step must seem to hide its time before it is refused.
const SUSPICIONS: usize = 5;

/// Durations of some steps.
struct Took {
    /// By the clock of the case's metric.
    clock: Duration,
    /// CPU time of all threads.
    process: Duration,
    wall: Duration,
}

fn time(ready: &mut dyn Ready, steps: u64) -> Result<Took, Trouble> {
    let (process, wall) = (clock::process(), Instant::now());
    let clock = ready.time(steps)?;
    let wall = wall.elapsed();
    Ok(Took { clock, process: clock::process().saturating_sub(process), wall })
}

/// Says how long a step takes.
///
/// Refuses a step that hides its time: other threads than this one do the work, and the case
/// does not say so.
fn hello(ready: &mut dyn Ready, case: Listed) -> Result<Hello, Stop> {
    let (mut steps, mut step_ns, mut suspicions) = (1, f64::INFINITY, 0);
    loop {
        let took = time(ready, steps)?;
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
    ready.spoil()?;
    Ok(Hello {
        protocol: PROTOCOL,
        id: case.id,
        implementation: case.implementation,
        digest: ready.digest().map_or_else(String::new, |digest| format!("{digest:016x}")),
        step_ns: step_ns.max(1.0),
    })
}

/// Answers requests until there are no more.
fn serve(
    ready: &mut dyn Ready,
    hello: &Hello,
    requests: impl BufRead,
    out: &mut dyn Write,
) -> Result<Exit, Stop> {
    say(out, &serde_json::to_string(hello)?)?;
    for request in requests.lines() {
        let request = request?;
        if request == END {
            let (answer, exit) = match ready.check() {
                Ok(()) => (RIGHT.to_owned(), Exit::Pass),
                Err(Trouble::Wrong(why)) => {
                    (wrong(&format!("the timed runs left other bits: {why}")), Exit::Wrong)
                }
                Err(failed) => return Err(failed.into()),
            };
            say(out, &answer)?;
            return Ok(exit);
        }
        let Some(steps) = protocol::steps(&request) else {
            let why = format!("`{request}` is no request");
            return Err(Stop::new(Exit::Failure, why));
        };
        if hello.step_ns < SHORT.as_nanos() as f64 {
            ready.time(1)?;
        }
        let took = time(ready, steps)?;
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
        let work = Work { units: 1, unit: "step", flops: 0, bytes: 0, resident_bytes: 0 };
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
        let mut ready = prepare(&case, None).unwrap();
        let hello = Hello {
            protocol: PROTOCOL,
            id: case.id.clone(),
            implementation: case.implementation.to_owned(),
            digest: "7".to_owned(),
            step_ns,
        };
        let mut out = Vec::new();
        let exit = serve(&mut *ready, &hello, requests.as_bytes(), &mut out);
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
            while clock::thread() < Duration::from_millis(20) {}
            7
        };
        let elsewhere = case(move || move || thread::spawn(spin).join().unwrap());
        let hello = |case: &Case| hello(&mut *prepare(case, None).unwrap(), on_cpu(case));
        assert_eq!(on_cpu(&elsewhere).metric, Metric::ThreadCpu, "undeclared");
        let stop = hello(&elsewhere).unwrap_err();
        assert_eq!(stop.exit, Exit::Failure, "{stop:?}");
        assert!(stop.why.contains("add `.threaded()` to the case"), "{stop:?}");
        let declared = elsewhere.threaded();
        assert_eq!(on_cpu(&declared).metric, Metric::Wall, "declared");
        let step_ns = hello(&declared).unwrap().step_ns;
        assert!(step_ns > 1e7, "{step_ns} ns by the wall");

        static STOLEN: AtomicBool = AtomicBool::new(false);
        let once = move || {
            if STOLEN.swap(false, Relaxed) { thread::spawn(spin).join().unwrap() } else { 7 }
        };
        let once = case(move || once);
        let mut ready = prepare(&once, None).unwrap();
        STOLEN.store(true, Relaxed);
        let step_ns = super::hello(&mut *ready, on_cpu(&once)).unwrap().step_ns;
        assert!(step_ns < 1e6, "{step_ns} ns, though 20 ms were lost once");
    }
}
