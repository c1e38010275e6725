//! A worker as the host sees it: a child process that answers line by line, or is killed.

use std::ffi::OsStr;
use std::io::{BufRead as _, BufReader, Read, Write as _};
use std::path::PathBuf;
use std::process::{Child, ChildStderr, ChildStdin, Command, Stdio};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::thread;
use std::time::{Duration, Instant};

use super::protocol::{self, END, FAILED, FIRST, Hello, Listed, PROTOCOL, RIGHT, Times, WRONG};
use super::{Build, Error};
use crate::case::Trouble;
use crate::gate::{Exit, Metric};

/// How long a worker may take to answer, and a run to ask.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// To list its cases, or to prepare and check one.
    pub prepare: Duration,
    /// To take a sample, or to compare its outputs at the end.
    pub sample: Duration,
    /// The pairs of one case at a look; beyond that the case stays where it is, unclear.
    pub look: Duration,
    /// All pairs of the last look together; the cases that seem slowest go first.
    pub last_look: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            prepare: Duration::from_secs(300),
            sample: Duration::from_secs(60),
            // A large case costs more to prepare than to run.
            look: Duration::from_secs(30),
            // On a machine so busy that hardly anything is settled before, a run of 100 cases
            // still ends within six minutes.
            last_look: Duration::from_secs(120),
        }
    }
}

/// No line of the protocol comes near this length.
const LINE_LEN_BYTES: u64 = 1 << 14;

/// How much of its error stream is kept.
const SAID_LEN_BYTES: usize = 1000;

/// How long a process whose output has ended may take to exit.
const EXIT: Duration = Duration::from_secs(2);

/// A clock that gains so much in a sample, and twice the time that passed, has jumped.
const JUMP_NS: u128 = 10_000_000;

/// A child process that runs steps on request; killed and reaped when dropped.
#[derive(Debug)]
pub(super) struct Process {
    exe: PathBuf,
    id: String,
    limits: Limits,
    protocol: u32,
    child: Child,
    input: ChildStdin,
    lines: Receiver<String>,
    said: Receiver<String>,
}

/// Why a worker has no answer.
#[derive(Debug)]
pub(super) enum Lost {
    /// Its outputs are wrong.
    Wrong(String),
    /// It cannot go on, and says why.
    Failed(String),
    /// Anything else.
    Error(Box<Error>),
}

impl From<Error> for Lost {
    fn from(err: Error) -> Self {
        Self::Error(Box::new(err))
    }
}

impl Lost {
    /// The consequence for the case of the worker, and why, where the build is the new one.
    pub(super) fn of_case(self, build: &str) -> (Exit, String) {
        match self {
            Self::Wrong(why) => (Exit::Wrong, format!("the answer of {build} is wrong: {why}")),
            Self::Failed(why) => (Exit::Failure, format!("the worker of {build} failed: {why}")),
            Self::Error(err) => match err.of_case() {
                Trouble::Wrong(why) => (Exit::Wrong, format!("{build}: {why}")),
                Trouble::Failed(why) => (Exit::Failure, format!("{build}: {why}")),
            },
        }
    }
}

/// The cost of some steps, in nanoseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Cost {
    /// By the clock of the case, with what was waited.
    pub(super) ns: u64,
    /// The part that was waited.
    pub(super) waited_ns: u64,
}

impl Process {
    /// Starts the worker of the case `id`, whose outputs are known to be right where their digest
    /// is `digest`, and which is to speak a version of the protocol.
    pub(super) fn start(
        build: &Build,
        id: &str,
        digest: Option<&str>,
        limits: Limits,
        protocol: u32,
    ) -> Result<Self, Error> {
        let digest = digest.into_iter().flat_map(|digest| ["--digest", digest]);
        Self::spawn(build, id, [id].into_iter().chain(digest), limits, protocol)
    }

    pub(super) fn spawn<'a>(
        Build { exe, args: more }: &Build,
        id: &str,
        args: impl IntoIterator<Item = &'a str>,
        limits: Limits,
        protocol: u32,
    ) -> Result<Self, Error> {
        let mut child = Command::new(exe)
            .arg("worker")
            .args(more)
            .args(args.into_iter().map(OsStr::new))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .map_err(|source| Error::Start { exe: exe.to_owned(), source })?;
        let input = child.stdin.take().expect("piped");
        let lines = lines(child.stdout.take().expect("piped"));
        let said = tail(child.stderr.take().expect("piped"));
        let (exe, id) = (exe.to_owned(), id.to_owned());
        Ok(Self { exe, id, limits, protocol, child, input, lines, said })
    }

    /// Waits until the case is prepared and checked.
    pub(super) fn hello(&mut self) -> Result<Hello, Lost> {
        let line = self.answer(self.limits.prepare)?;
        let hello = serde_json::from_slice::<Hello>(line.as_bytes()).ok();
        let hello = hello.filter(|hello| hello.step_ns.is_finite() && hello.step_ns > 0.0);
        let is_known = |hello: &Hello| [FIRST, PROTOCOL].contains(&hello.protocol);
        let hello = hello.filter(|hello| !is_known(hello) || hello.id == self.id);
        let Some(hello) = hello else {
            return Err(self.garbage(line, "the hello of this case").into());
        };
        if hello.protocol != self.protocol {
            return Err(Error::Protocol { exe: self.exe.clone(), found: hello.protocol }.into());
        }
        Ok(hello)
    }

    /// Runs `lead` steps and then so many that are timed; returns their cost by `metric`.
    pub(super) fn sample(&mut self, steps: u64, lead: u64, metric: Metric) -> Result<Cost, Lost> {
        let start = Instant::now();
        self.ask(&protocol::sample(steps, lead, self.protocol))?;
        let line = self.answer(self.limits.sample)?;
        let host_ns = start.elapsed().as_nanos();
        let Some(Times { clock, waited, wall }) = protocol::times(&line, self.protocol) else {
            return Err(self.garbage(line, "the nanoseconds by each clock").into());
        };
        let cost = match metric {
            Metric::Wall => Cost { ns: wall, waited_ns: 0 },
            Metric::CpuWait => Cost { ns: clock.saturating_add(waited), waited_ns: waited },
            Metric::ThreadCpu | Metric::CudaEvent => Cost { ns: clock, waited_ns: 0 },
        };
        // The worker's clocks are read between the request and the answer, but tick on their own;
        // that of a process ticks once for each processor.
        let threads = if metric == Metric::CpuWait { processors() } else { 1 };
        let most = 2 * host_ns + JUMP_NS;
        if cost.ns == 0 || u128::from(cost.ns) > threads * most || u128::from(wall) > most {
            let (exe, id) = (self.exe.clone(), self.id.clone());
            let (clock_ns, wall_ns) = (cost.ns, wall);
            return Err(Error::Clock { exe, id, steps, clock_ns, wall_ns, host_ns }.into());
        }
        Ok(cost)
    }

    /// Asks what the samples left in the outputs, and ends the worker.
    pub(super) fn end(mut self) -> Result<(), Lost> {
        self.ask(END)?;
        match self.answer(self.limits.sample)? {
            line if line == RIGHT => Ok(()),
            line => Err(self.garbage(line, "`right` or `wrong`").into()),
        }
    }

    /// The next line, unless it says that there are no more.
    fn answer(&mut self, limit: Duration) -> Result<String, Lost> {
        let line = self.line(limit)?;
        if let Some(why) = line.strip_prefix(WRONG) {
            return Err(Lost::Wrong(why.to_owned()));
        }
        match line.strip_prefix(FAILED) {
            Some(why) => Err(Lost::Failed(why.to_owned())),
            None => Ok(line),
        }
    }

    pub(super) fn ask(&mut self, request: &str) -> Result<(), Error> {
        let sent = writeln!(self.input, "{request}").and_then(|()| self.input.flush());
        sent.map_err(|_| self.died())
    }

    pub(super) fn line(&mut self, limit: Duration) -> Result<String, Error> {
        self.lines.recv_timeout(limit).map_err(|err| match err {
            RecvTimeoutError::Timeout => self.hung(limit),
            RecvTimeoutError::Disconnected => self.died(),
        })
    }

    fn hung(&self, limit: Duration) -> Error {
        let (exe, id) = (self.exe.clone(), self.id.clone());
        Error::Hung { exe, id, seconds: limit.as_secs_f64() }
    }

    pub(super) fn garbage(&self, line: String, expected: &'static str) -> Error {
        let line = line.chars().take(200).collect();
        Error::Garbage { exe: self.exe.clone(), id: self.id.clone(), line, expected }
    }

    /// Why there is no answer: the status of the process, if it ended.
    fn died(&mut self) -> Error {
        let status = self.status();
        let said = self.said();
        let said = if said.is_empty() { said } else { format!("; it said: {said}") };
        let status = status.map_or_else(|| "it closed its output".to_owned(), |s| s.to_string());
        Error::Died { exe: self.exe.clone(), id: self.id.clone(), status, said }
    }

    /// Waits a moment for the process to end.
    fn status(&mut self) -> Option<std::process::ExitStatus> {
        let start = Instant::now();
        loop {
            match self.child.try_wait() {
                Ok(None) if start.elapsed() < EXIT => thread::sleep(Duration::from_millis(5)),
                ended => return ended.ok().flatten(),
            }
        }
    }

    fn said(&self) -> String {
        self.said.recv_timeout(EXIT).unwrap_or_default()
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // It may have ended by itself; reaped it must be.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// How many processors there are.
fn processors() -> u128 {
    thread::available_parallelism().map_or(1, |count| count.get() as u128)
}

/// The cases of an executable, in its order.
pub(super) fn list(build: &Build, limits: Limits) -> Result<Vec<Listed>, Error> {
    let mut worker = Process::spawn(build, "--list", ["--list"], limits, PROTOCOL)?;
    let start = Instant::now();
    let mut cases = Vec::new();
    loop {
        let left = limits.prepare.saturating_sub(start.elapsed());
        match worker.lines.recv_timeout(left) {
            Ok(line) => match serde_json::from_slice(line.as_bytes()) {
                Ok(case) => cases.push(case),
                Err(_) => return Err(worker.garbage(line, "a case in JSON")),
            },
            Err(RecvTimeoutError::Timeout) => return Err(worker.hung(limits.prepare)),
            Err(RecvTimeoutError::Disconnected) => break,
        }
    }
    match worker.status() {
        Some(status) if status.success() => Ok(cases),
        // The exit code of a usage error: there is no such subcommand.
        Some(status) if status.code() == Some(2) && cases.is_empty() => {
            Err(Error::Older { exe: build.exe.clone() })
        }
        _ => Err(worker.died()),
    }
}

/// Reads lines on a thread of its own, so that waiting for one can end.
fn lines(output: impl Read + Send + 'static) -> Receiver<String> {
    let (send, lines) = mpsc::channel();
    thread::spawn(move || {
        let mut output = BufReader::new(output);
        loop {
            let mut line = Vec::new();
            // A line without an end must not fill the memory: it is cut, and garbage.
            let read = output.by_ref().take(LINE_LEN_BYTES).read_until(b'\n', &mut line);
            if !read.is_ok_and(|len| len > 0) {
                return;
            }
            let line = String::from_utf8_lossy(line.strip_suffix(b"\n").unwrap_or(&line));
            if send.send(line.into_owned()).is_err() {
                return;
            }
        }
    });
    lines
}

/// Reads an error stream to its end, and keeps the end.
fn tail(mut stream: ChildStderr) -> Receiver<String> {
    let (send, said) = mpsc::channel();
    thread::spawn(move || {
        let (mut kept, mut bytes) = (Vec::new(), [0; 4096]);
        while let Ok(len @ 1..) = stream.read(&mut bytes) {
            kept.extend_from_slice(&bytes[..len]);
            kept.drain(..kept.len().saturating_sub(SAID_LEN_BYTES));
        }
        // Nobody may wait for it.
        let _ = send.send(String::from_utf8_lossy(&kept).trim().to_owned());
    });
    said
}
