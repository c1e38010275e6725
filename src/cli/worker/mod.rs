//! `stepmark worker`: runs the steps of one case on request, for paired runs of two builds.

mod check;

use std::io::{self, BufRead, Write};
use std::time::{Duration, Instant};

use super::{Context, Exit, Stop, caught};
use crate::case::{Case, Facts, Ready, Step, Trouble};
use crate::gate::Metric;
use crate::gate::calibrate::planted::{self, Plant};
use crate::gate::duet::clock::{self, Clocks, Took};
use crate::gate::duet::protocol::{
    self, END, FAILED, FIRST, Hello, Listed, PROTOCOL, RIGHT, Times, WRONG,
};

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
    /// The version of the protocol to speak
    #[arg(long, default_value_t = PROTOCOL,
          value_parser = clap::value_parser!(u32).range(i64::from(FIRST)..=i64::from(PROTOCOL)))]
    protocol: u32,
    /// Know the cases of calibrations too, each with so many thousandths more to do
    #[arg(long, value_name = "PERMILLE", value_parser = clap::value_parser!(u32).range(..=1000))]
    plant: Option<u32>,
    /// Have these cases sleep so many microseconds
    #[arg(long, value_name = "US", requires = "plant", default_value_t = 0)]
    sleep: u32,
}

pub(super) fn run(args: &Args, context: &mut Context<'_>) -> Result<Exit, Stop> {
    die_with_parent();
    if args.check {
        check::note_panics();
        let cases = context.cases.iter().chain(context.scaling);
        return check::serve(&cases.collect::<Vec<_>>(), io::stdin().lock(), context.out);
    }
    let plant = args.plant.map(|permille| Plant { permille, sleep_us: args.sleep });
    let planted = plant.map(planted::cases).unwrap_or_default();
    let mut cases = context.cases.iter().chain(&planted);
    let Some(id) = &args.id else {
        // Those on a device come last, as they always did.
        let (on_device, on_cpu): (Vec<_>, Vec<_>) = cases.partition(|case| case.is_on_device());
        let listed =
            on_cpu.into_iter().chain(on_device).filter_map(|case| listed(case).transpose());
        for case in listed.collect::<Result<Vec<_>, Trouble>>()? {
            say(context.out, &serde_json::to_string(&case)?)?;
        }
        return Ok(Exit::Pass);
    };
    let Some(case) = cases.find(|case| case.id == *id) else {
        return Err(Stop::new(Exit::Usage, format!("there is no case {id}")));
    };
    // A panic is a wrong answer, whenever it comes.
    let ended = caught(|| {
        let none = || Trouble::Failed(format!("there is no CUDA device for {id}"));
        let listed = listed(case)?.ok_or_else(none)?;
        let mut worker = Worker::prepare(case, listed, args.digest, args.protocol)?;
        worker.hello(context.out)?;
        worker.serve(io::stdin().lock(), context.out)
    });
    match ended {
        Ok(()) => Ok(Exit::Pass),
        Err(Trouble::Wrong(why)) => {
            say(context.out, &format!("{WRONG}{}", why.replace('\n', " ")))?;
            Ok(Exit::Wrong)
        }
        Err(Trouble::Failed(why)) => {
            if args.protocol != FIRST {
                say(context.out, &format!("{FAILED}{}", why.replace('\n', " ")))?;
            }
            Err(Stop::new(Exit::Failure, why))
        }
    }
}

/// The line of a case in the list; `None` where its device is missing.
fn listed(case: &Case) -> Result<Option<Listed>, Trouble> {
    let Some(device) = case.device() else { return Ok(Some(on_cpu(case))) };
    let facts = device.facts().map_err(Trouble::Failed)?;
    Ok(facts.map(|facts| on_device(case, &facts)))
}

/// The line of a case on the CPU.
pub(super) fn on_cpu(case: &Case) -> Listed {
    Listed {
        id: case.id.clone(),
        implementation: case.implementation.to_owned(),
        // Only Unix has a clock for one thread.
        metric: if case.threaded || !cfg!(unix) { Metric::Wall } else { Metric::CpuWait },
        memory_bound: case.is_memory_bound(),
        units: Some(case.work.units),
        flops: Some(case.work.flops),
        bytes: Some(case.work.bytes),
        exact: case.exact,
        protocol: PROTOCOL,
    }
}

fn on_device(case: &Case, facts: &Facts) -> Listed {
    Listed {
        id: case.id.clone(),
        implementation: facts.implementation.to_owned(),
        metric: Metric::CudaEvent,
        memory_bound: facts.memory_bound,
        units: Some(facts.units),
        // An emulated device does a part of the work.
        flops: (facts.units == case.work.units).then_some(case.work.flops),
        bytes: (facts.units == case.work.units).then_some(case.work.bytes),
        exact: case.exact,
        protocol: PROTOCOL,
    }
}

/// Prepares a case, whose outputs on the CPU are known to be right where their digest is `digest`.
fn prepare(case: &Case, digest: Option<u64>) -> Result<Box<dyn Ready>, Trouble> {
    if let Some(device) = case.device() {
        return device.ready();
    }
    let checked = digest
        .map_or_else(|| case.checked(), |right| case.checked_skipping_oracle_and_replay(right));
    let (step, digest) = checked.map_err(Trouble::Wrong)?;
    Ok(Box::new(OnCpu { step, digest }))
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

/// Number of times that a step must seem to use other threads before that is said.
const SUSPICIONS: usize = 5;

/// A case that is right and ready to be timed.
struct Worker {
    ready: Box<dyn Ready>,
    case: Listed,
    protocol: u32,
    clocks: Clocks,
    /// About how long a step takes.
    step_ns: f64,
    /// About how long it takes to check the outputs.
    check: Duration,
}

impl Worker {
    fn prepare(
        case: &Case,
        listed: Listed,
        digest: Option<u64>,
        protocol: u32,
    ) -> Result<Self, Trouble> {
        Ok(Self {
            ready: prepare(case, digest)?,
            case: listed,
            protocol,
            // Older hosts ask for no waits, and what tells of them cools the caches a little.
            clocks: if protocol == FIRST { Clocks::blind() } else { Clocks::of_this_thread() },
            step_ns: f64::INFINITY,
            check: Duration::ZERO,
        })
    }

    fn time(&mut self, steps: u64) -> Result<Took, Trouble> {
        self.clocks.time(|| self.ready.time(steps))
    }

    /// Tries how long a step and its check take, and says so.
    fn hello(&mut self, out: &mut dyn Write) -> Result<(), Trouble> {
        let (mut steps, mut suspicions) = (1, 0);
        while suspicions < SUSPICIONS {
            let took = self.time(steps)?;
            let (steps_took, tried) = match self.case.metric {
                // The waits of a GPU between its launches are no part of them.
                Metric::CudaEvent => (took.clock, took.wall),
                Metric::Wall => (took.wall, took.wall),
                // A thread that loses its processor meanwhile is no slower for it.
                Metric::CpuWait | Metric::ThreadCpu => {
                    (took.clock + took.waited, (took.clock + took.waited).max(took.wall / 100))
                }
            };
            // The least of several: the first may be cold.
            self.step_ns = self.step_ns.min(steps_took.as_nanos() as f64 / steps as f64);
            if tried < TRIAL {
                steps *= 2;
                continue;
            }
            let elsewhere = took.process.saturating_sub(took.clock);
            if self.case.metric != Metric::CpuWait || elsewhere <= took.clock / 5 + TRIAL / 10 {
                break;
            }
            // Threads do so each time; a virtual machine that stops between two clocks does so once.
            suspicions += 1;
        }
        let threads = suspicions == SUSPICIONS;
        if threads && self.protocol == FIRST {
            let why = format!(
                "{} runs on several threads but does not say so, which hides its time: add \
                 `.threaded()` to the case",
                self.case.id
            );
            return Err(Trouble::Failed(why));
        }
        let start = Instant::now();
        self.check()?;
        self.check = start.elapsed();
        self.ready.spoil()?;
        let digest = self.ready.digest();
        let hello = Hello {
            protocol: self.protocol,
            id: self.case.id.clone(),
            implementation: self.case.implementation.clone(),
            digest: digest.map_or_else(String::new, |digest| format!("{digest:016x}")),
            step_ns: self.step_ns.max(1.0),
            threads,
        };
        let hello =
            serde_json::to_string(&hello).map_err(|err| Trouble::Failed(err.to_string()))?;
        say(out, &hello)
    }

    /// Answers requests until there are no more.
    fn serve(&mut self, requests: impl BufRead, out: &mut dyn Write) -> Result<(), Trouble> {
        let mut is_checked = false;
        for request in requests.lines() {
            let request = request.map_err(|err| Trouble::Failed(err.to_string()))?;
            if request == END {
                self.check()?;
                return say(out, RIGHT);
            }
            let Some((steps, lead)) = protocol::steps(&request) else {
                return Err(Trouble::Failed(format!("`{request}` is no request")));
            };
            if is_checked {
                // A result that is checked must have been computed since.
                self.ready.spoil()?;
            }
            let took = self.sample(steps, lead)?;
            is_checked = self.protocol != FIRST && self.check < took.wall;
            if is_checked {
                self.check()?;
            }
            say(out, &self.times(&took).line(self.protocol))?;
        }
        Ok(())
    }

    /// Times steps that follow others.
    fn sample(&mut self, steps: u64, lead: u64) -> Result<Took, Trouble> {
        let lead = lead + u64::from(self.step_ns < SHORT.as_nanos() as f64);
        if lead > 0 {
            self.ready.time(lead)?;
        }
        self.time(steps)
    }

    /// The numbers that answer a request.
    fn times(&self, took: &Took) -> Times {
        let on_gpu = self.case.metric == Metric::CudaEvent;
        let clock = if on_gpu || self.protocol == FIRST { took.clock } else { took.process };
        let waited = if on_gpu { Duration::ZERO } else { took.waited };
        let ns = |time: Duration| u64::try_from(time.as_nanos()).unwrap_or(u64::MAX);
        Times { clock: ns(clock), waited: ns(waited), wall: ns(took.wall) }
    }

    /// Checks what the timed runs left.
    fn check(&self) -> Result<(), Trouble> {
        self.ready.check().map_err(|trouble| match trouble {
            Trouble::Wrong(why) => Trouble::Wrong(format!("the timed runs left other bits: {why}")),
            failed @ Trouble::Failed(_) => failed,
        })
    }
}

fn say(out: &mut dyn Write, line: &str) -> Result<(), Trouble> {
    let said = writeln!(out, "{line}").and_then(|()| out.flush());
    said.map_err(|err| Trouble::Failed(err.to_string()))
}

#[cfg(test)]
mod tests;
