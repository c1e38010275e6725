//! A case: one kernel on one input, with the check that must pass before its time means anything.
//!
//! A kernel never knows that it is timed; a chapter's `cases.rs` wraps it into a [`Step`].

use std::collections::BTreeSet;
use std::fmt;

/// A prepared kernel with its inputs and its output buffers.
pub trait Step {
    /// Computes the outputs, always from the same stored inputs, without allocating.
    ///
    /// However often it ran before, it leaves the same output bits.
    fn run(&mut self);

    /// Overwrites the outputs, so that only another run can make them right again.
    fn spoil(&mut self);

    /// Hash of every output bit of the last run; see [`crate::close::digest`].
    fn digest(&self) -> u64;

    /// Compares the outputs of the last run with the chapter's oracle.
    ///
    /// # Errors
    ///
    /// Says which output differs, by how much, and what bound it should have met.
    fn check(&self) -> Result<(), String>;
}

/// What one run of a step does, so that a time can be read as a rate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Work {
    /// How many of [`Work::unit`] one run handles.
    pub units: u64,
    /// What is counted, in the singular: `vector`, `step`, `atom-step`.
    pub unit: &'static str,
    /// Floating-point operations of one run; 0 for integer kernels.
    pub flops: u64,
    /// Bytes that one run must read and write at least.
    pub bytes: u64,
}

/// Why ids cannot name cases, if so: each is `chapter/kernel/size`, and stands once.
pub(crate) fn flaw<'a>(ids: impl Iterator<Item = &'a str>) -> Option<String> {
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

/// More than the first two levels of cache of a core hold.
const PRIVATE_LEN_BYTES: u64 = 4 << 20;

/// One entry of the registry.
pub struct Case {
    /// `chapter/kernel/size`, lower case with hyphens, under 60 bytes.
    pub id: String,
    /// Which implementation runs on this machine: `scalar`, plain code; `portable`, arranged for
    /// the compiler to vectorise; or the instruction set that it is written for.
    pub implementation: &'static str,
    /// What one run does.
    pub work: Work,
    /// Whether only its time is taken: instructions are counted of smaller cases like it.
    pub timed_only: bool,
    /// Whether its steps run on several threads, so that only the wall tells how long they take.
    pub threaded: bool,
    prepare: Box<dyn Fn() -> Box<dyn Step>>,
}

impl Case {
    /// A case whose `prepare` builds the inputs and buffers of its step.
    pub fn new<S: Step + 'static>(
        id: impl Into<String>,
        implementation: &'static str,
        work: Work,
        prepare: impl Fn() -> S + 'static,
    ) -> Self {
        let prepare = Box::new(move || Box::new(prepare()) as Box<dyn Step>);
        Self { id: id.into(), implementation, work, timed_only: false, threaded: false, prepare }
    }

    /// The same case, of which only the time is taken.
    #[must_use]
    pub fn timed_only(self) -> Self {
        Self { timed_only: true, ..self }
    }

    /// The same case, whose steps run on several threads.
    #[must_use]
    pub fn threaded(self) -> Self {
        Self { threaded: true, ..self }
    }

    /// Whether a step moves more than 4 MiB, which the private caches of a core do not hold.
    pub fn is_memory_bound(&self) -> bool {
        self.work.bytes > PRIVATE_LEN_BYTES
    }

    /// The first part of the id: the workload, and Criterion's group.
    ///
    /// # Panics
    ///
    /// If the id has no slash.
    pub fn chapter(&self) -> &str {
        self.parts().0
    }

    /// The rest of the id: Criterion's function.
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

    /// Prepares the step, runs it, checks it against the oracle, and runs it again on spoiled
    /// outputs.
    ///
    /// Returns the warm step and the digest that every later run must reproduce.
    ///
    /// # Errors
    ///
    /// If the outputs are wrong, or the second run leaves other bits than the first.
    pub fn checked(&self) -> Result<(Box<dyn Step>, u64), String> {
        self.checked_knowing(None)
    }

    /// As [`Case::checked`] in a process before this one, which found the digest `right`: where
    /// one run leaves it again, nothing else is checked.
    ///
    /// # Errors
    ///
    /// As [`Case::checked`].
    pub fn checked_again(&self, right: u64) -> Result<(Box<dyn Step>, u64), String> {
        let mut step = (self.prepare)();
        step.run();
        if step.digest() == right { Ok((step, right)) } else { self.checked() }
    }

    /// As [`Case::checked`], but outputs with the digest `right` are not compared with the oracle:
    /// such outputs were.
    ///
    /// # Errors
    ///
    /// As [`Case::checked`].
    pub fn checked_knowing(&self, right: Option<u64>) -> Result<(Box<dyn Step>, u64), String> {
        let mut step = (self.prepare)();
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
        match step.digest() {
            again if again == digest => Ok((step, digest)),
            again => Err(format!("not replayable: digest {digest:016x}, then {again:016x}")),
        }
    }
}

impl fmt::Debug for Case {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { id, implementation, work, timed_only, threaded, prepare: _ } = self;
        f.debug_struct("Case")
            .field("id", id)
            .field("implementation", implementation)
            .field("work", work)
            .field("timed_only", timed_only)
            .field("threaded", threaded)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// Leaves `value` on its first run and what `later` says on the others; `None` does nothing.
    struct Runs {
        output: u64,
        first: bool,
        later: Option<u64>,
        spoilt: u64,
    }

    impl Step for Runs {
        fn run(&mut self) {
            self.output = if self.first { 7 } else { self.later.unwrap_or(self.output) };
            self.first = false;
        }
        fn spoil(&mut self) {
            self.output = self.spoilt;
        }
        fn digest(&self) -> u64 {
            self.output
        }
        fn check(&self) -> Result<(), String> {
            if self.output == 7 { Ok(()) } else { Err("not 7".to_owned()) }
        }
    }

    fn runs(id: &str, later: Option<u64>, spoilt: u64) -> Case {
        let work = Work { units: 1, unit: "step", flops: 0, bytes: 0 };
        Case::new(id, "scalar", work, move || Runs { output: 0, first: true, later, spoilt })
    }

    /// A case that is right.
    pub(crate) fn right(id: &str) -> Case {
        runs(id, Some(7), 0)
    }

    #[test]
    fn an_id_is_three_plain_parts_short_and_stands_once() {
        let flaw = |ids: &[&str]| flaw(ids.iter().copied()).unwrap_or_default();
        assert_eq!(flaw(&["a/b/n1", "a/b-2/n1"]), "", "two ids");
        let long = format!("a/b/{}", "n".repeat(56));
        for bad in ["", "a", "a/b", "a//n1", "a/b/n1/c", "a/B/n1", "a/b c/n1", &long] {
            assert!(flaw(&["a/b/n1", bad]).contains("is no id"), "{bad}");
        }
        assert_eq!(flaw(&["a/b/n1", "a/b/n2", "a/b/n1"]), "two cases have the id `a/b/n1`");
    }

    #[test]
    fn a_step_that_is_not_replayable_is_wrong() {
        let case = right("test/seven/n1");
        assert_eq!((case.chapter(), case.function()), ("test", "seven/n1"), "parts of the id");
        assert!(case.checked().is_ok(), "the digest stays");
        assert!(case.checked_again(7).is_ok(), "known");
        assert_eq!(case.checked_again(8).ok().map(|(_, digest)| digest), Some(7), "checked");
        let err = runs("test/drifting/n1", Some(8), 0).checked().err().expect("it drifts");
        assert!(err.contains("not replayable"), "{err}");
    }

    #[test]
    fn a_step_that_remembers_its_answer_is_wrong() {
        let err = runs("test/cached/n1", None, 0).checked().err().expect("it does nothing");
        assert!(err.contains("not replayable"), "{err}");
        let err = runs("test/unspoilt/n1", None, 7).checked().err().expect("it cannot tell");
        assert!(err.contains("cannot be spoiled"), "{err}");
    }
}
