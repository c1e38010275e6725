//! A case: one kernel on one input, with the check that must pass before its time means anything.
//!
//! A kernel never knows that it is timed; a chapter's `cases.rs` wraps it into a [`Step`]. A case
//! runs on the CPU, or on a device that may be missing: see [`OnDevice`].

mod device;

use std::collections::BTreeSet;
use std::fmt;
use std::time::{Duration, Instant};

pub use device::{EMULATED, Facts, OnDevice, Ready, Trouble};

/// A kernel that is ready to run: it owns its inputs and its output buffers.
///
/// The harness runs a step, checks its outputs against the oracle, spoils them, runs it again, and
/// only then times it. Every run must leave the same output bits.
pub trait Step {
    /// Computes the outputs from the stored inputs; allocates nothing.
    ///
    /// Every run leaves the same output bits, however often the step ran before.
    fn run(&mut self);

    /// Overwrites the outputs, for example with NaN, so that only another run makes them right again.
    fn spoil(&mut self);

    /// Returns a hash over every output bit of the last run; see [`crate::close::digest`].
    fn digest(&self) -> u64;

    /// Compares the outputs of the last run with the chapter's oracle.
    ///
    /// # Errors
    ///
    /// If an output is wrong; the text names it, its value, the expected one and the bound.
    fn check(&self) -> Result<(), String>;
}

/// Amounts of work of one run of a step; they turn a time into rates.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Work {
    /// Number of units that one run handles, at least 1.
    pub units: u64,
    /// Name of a unit, in the singular: `vector`, `step`, `atom-step`.
    pub unit: &'static str,
    /// Floating-point operations of one run; 0 for integer kernels.
    pub flops: u64,
    /// Traffic of one run: the bytes that it must at least read and write.
    pub bytes: u64,
    /// Working set of a step: every byte that a run touches, counted once. Above 4 MiB the case is
    /// bound by memory, and the gate allows it the wider margin.
    pub resident_bytes: u64,
}

/// The time that a bench spends on a case, and its number of samples.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sampling {
    /// Time before the first sample.
    pub warm_up: Duration,
    /// Time of all samples together.
    pub measuring: Duration,
    /// Number of samples.
    pub samples: usize,
}

impl Sampling {
    /// Sampling on the CPU: long enough for a steady median.
    pub const CPU: Self = Self {
        warm_up: Duration::from_millis(300),
        measuring: Duration::from_millis(1500),
        samples: 60,
    };

    /// Sampling on a device.
    pub const DEVICE: Self = Self {
        warm_up: Duration::from_millis(300),
        measuring: Duration::from_millis(1000),
        samples: 30,
    };

    /// Returns the seconds of a case, without its preparation and its check.
    pub fn seconds(&self) -> f64 {
        (self.warm_up + self.measuring).as_secs_f64()
    }
}

/// Returns the first flaw of a list of ids: each is `chapter/kernel/size`, and stands once.
pub fn flaw<'a>(ids: impl Iterator<Item = &'a str>) -> Option<String> {
    let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    let mut seen = BTreeSet::new();
    for id in ids {
        let named = id.split('/').all(|part| !part.is_empty() && part.chars().all(plain));
        if !named || id.split('/').count() != 3 || id.len() >= 60 {
            return Some(format!(
                "`{id}` is no id: chapter/kernel/size, of a-z, 0-9 and hyphens, under 60 bytes"
            ));
        }
        if !seen.insert(id) {
            return Some(format!("two cases have the id `{id}`"));
        }
    }
    None
}

/// Says how many cases: `1 case`, `2 cases`.
pub fn count(cases: usize) -> String {
    format!("{cases} case{}", if cases == 1 { "" } else { "s" })
}

/// A working set above this does not fit the first two levels of cache of a core.
const PRIVATE_LEN_BYTES: u64 = 4 << 20;

/// Number of runs of a check after the second one: a fault may come with every seventh.
pub const REPEATS: u32 = 32;

/// Time after which a check stops to repeat a step, however often it ran.
pub const REPEATING: Duration = Duration::from_millis(100);

/// One kernel at one size: an entry of the list of cases.
pub struct Case {
    /// Id, `chapter/kernel/size`: lower-case letters, digits and hyphens, under 60 bytes.
    pub id: String,
    /// Name of the code that runs on this machine: `scalar` is plain code, `portable` is arranged
    /// for the compiler to vectorise, `avx2` and `avx512` are written for an instruction set, `cuda`
    /// runs on a GPU. Numbers of different implementations are never compared.
    pub implementation: &'static str,
    /// Work of one run.
    pub work: Work,
    /// True if its instructions are not counted, since a smaller case like it stands for it.
    pub timed_only: bool,
    /// True if its steps run on several threads; they are timed by the wall clock.
    pub threaded: bool,
    /// True if its output bits are part of its definition, so that no change may alter them.
    pub exact: bool,
    place: Place,
}

/// Where a case runs.
enum Place {
    Cpu(Box<dyn Fn() -> Box<dyn Step>>),
    Device(Box<dyn OnDevice>),
}

impl Case {
    /// Makes a case on the CPU; `prepare` builds its step, inputs and buffers included.
    pub fn new<S: Step + 'static>(
        id: impl Into<String>,
        implementation: &'static str,
        work: Work,
        prepare: impl Fn() -> S + 'static,
    ) -> Self {
        let prepare = Box::new(move || Box::new(prepare()) as Box<dyn Step>);
        Self::at(id.into(), implementation, work, Place::Cpu(prepare))
    }

    /// Makes a case on a device; `work` is that of a real device, not of an emulated one.
    pub fn on_device(
        id: impl Into<String>,
        implementation: &'static str,
        work: Work,
        device: impl OnDevice + 'static,
    ) -> Self {
        Self::at(id.into(), implementation, work, Place::Device(Box::new(device)))
    }

    fn at(id: String, implementation: &'static str, work: Work, place: Place) -> Self {
        Self { id, implementation, work, timed_only: false, threaded: false, exact: false, place }
    }

    /// Returns the same case, whose instructions are not counted.
    #[must_use]
    pub fn timed_only(self) -> Self {
        Self { timed_only: true, ..self }
    }

    /// Returns the same case, whose steps run on several threads.
    #[must_use]
    pub fn threaded(self) -> Self {
        Self { threaded: true, ..self }
    }

    /// Returns the same case, whose output bits are part of its definition: those of an integer
    /// kernel.
    #[must_use]
    pub fn exact(self) -> Self {
        Self { exact: true, ..self }
    }

    /// Returns the device part of the case; `None` for one on the CPU.
    pub fn device(&self) -> Option<&dyn OnDevice> {
        match &self.place {
            Place::Cpu(_) => None,
            Place::Device(device) => Some(device.as_ref()),
        }
    }

    /// Returns true if the case runs on a device, which may be missing.
    pub fn is_on_device(&self) -> bool {
        self.device().is_some()
    }

    /// Returns true if its instructions are counted.
    pub fn is_counted(&self) -> bool {
        !self.is_on_device() && !self.timed_only
    }

    /// Returns the time that a bench spends on the case.
    pub fn sampling(&self) -> Sampling {
        if self.is_on_device() { Sampling::DEVICE } else { Sampling::CPU }
    }

    /// Returns true if the working set exceeds 4 MiB, more than the private caches of a core hold.
    /// For a case on a device, [`Facts`] tell.
    pub fn is_memory_bound(&self) -> bool {
        self.work.resident_bytes > PRIVATE_LEN_BYTES
    }

    /// Returns the first part of the id: the workload, which is Criterion's group.
    ///
    /// # Panics
    ///
    /// If the id has no slash.
    pub fn chapter(&self) -> &str {
        self.parts().0
    }

    /// Returns the rest of the id, which is Criterion's function.
    ///
    /// # Panics
    ///
    /// If the id has no slash.
    pub fn function(&self) -> &str {
        self.parts().1
    }

    fn parts(&self) -> (&str, &str) {
        self.id.split_once('/').expect("an id is chapter/kernel/size")
    }

    /// Checks the case wherever it runs; returns whether it ran, which it does not where its device
    /// is missing.
    ///
    /// # Errors
    ///
    /// If the outputs are wrong, or the device fails.
    pub fn check(&self) -> Result<bool, Trouble> {
        let Some(device) = self.device() else {
            return self.checked().map(|_| true).map_err(Trouble::Wrong);
        };
        let there = device.facts().map_err(Trouble::Failed)?.is_some();
        if there {
            device.ready()?;
        }
        Ok(there)
    }

    /// Prepares the step of a case on the CPU, runs it, checks it against the oracle, runs it again
    /// on spoiled outputs, and then [`REPEATS`] times or for [`REPEATING`].
    ///
    /// Returns the warm step and the digest that every later run must reproduce.
    ///
    /// # Errors
    ///
    /// If the outputs are wrong, a later run leaves other bits than the first, or the case is on
    /// a device.
    pub fn checked(&self) -> Result<(Box<dyn Step>, u64), String> {
        let (mut step, digest) = self.checked_skipping_oracle(None)?;
        let start = Instant::now();
        for run in 3..3 + REPEATS {
            if start.elapsed() >= REPEATING {
                break;
            }
            step.run();
            replayed(digest, step.digest(), run)?;
        }
        Ok((step, digest))
    }

    /// Does as [`Case::checked`], but asks neither the oracle nor for a second run where the first
    /// leaves the digest `right`, which a process before this one found.
    ///
    /// # Errors
    ///
    /// Those of [`Case::checked`].
    pub fn checked_skipping_oracle_and_replay(
        &self,
        right: u64,
    ) -> Result<(Box<dyn Step>, u64), String> {
        let mut step = self.prepare()?;
        step.run();
        if step.digest() == right { Ok((step, right)) } else { self.checked() }
    }

    /// Does as [`Case::checked`], but does not ask the oracle where the first run leaves the digest
    /// `right`, which the oracle approved of before.
    ///
    /// # Errors
    ///
    /// Those of [`Case::checked`].
    pub fn checked_skipping_oracle(
        &self,
        right: Option<u64>,
    ) -> Result<(Box<dyn Step>, u64), String> {
        let mut step = self.prepare()?;
        step.run();
        let digest = step.digest();
        if right != Some(digest) {
            step.check()?;
        }
        step.spoil();
        if step.digest() == digest {
            return Err(
                "its outputs cannot be spoiled, so a run that does nothing would pass".into()
            );
        }
        step.run();
        replayed(digest, step.digest(), 2)?;
        Ok((step, digest))
    }

    fn prepare(&self) -> Result<Box<dyn Step>, String> {
        match &self.place {
            Place::Cpu(prepare) => Ok(prepare()),
            Place::Device(_) => Err("it has no step on the CPU: it runs on a device".to_owned()),
        }
    }
}

/// Requires a later run to leave the digest of the first.
fn replayed(first: u64, later: u64, run: u32) -> Result<(), String> {
    if first == later {
        return Ok(());
    }
    Err(format!(
        "not replayable: the first run leaves the digest {first:016x}, run {run} leaves {later:016x}; a \
         step must start from the same state every time"
    ))
}

impl fmt::Debug for Case {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { id, implementation, work, timed_only, threaded, exact, place: _ } = self;
        f.debug_struct("Case")
            .field("id", id)
            .field("implementation", implementation)
            .field("work", work)
            .field("timed_only", timed_only)
            .field("threaded", threaded)
            .field("exact", exact)
            .field("on_device", &self.is_on_device())
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
pub(crate) mod tests;
