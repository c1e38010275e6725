//! Tests of cases that run on the CPU.

pub(crate) use super::device::tests::on_device;
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
    let work = Work { units: 1, unit: "step", flops: 0, bytes: 0, resident_bytes: 0 };
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
    assert!(case.checked_skipping_oracle_and_replay(7).is_ok(), "known");
    assert_eq!(
        case.checked_skipping_oracle_and_replay(8).ok().map(|(_, digest)| digest),
        Some(7),
        "checked"
    );
    let err = runs("test/drifting/n1", Some(8), 0).checked().err().expect("it drifts");
    assert!(err.contains("not replayable"), "{err}");
}

#[test]
fn a_step_that_is_wrong_at_every_seventh_run_is_wrong() {
    let every = |nth: u32| {
        let work = Work { units: 1, unit: "step", flops: 0, bytes: 0, resident_bytes: 0 };
        let case = Case::new("test/seventh/n1", "scalar", work, move || Nth {
            nth,
            runs: 0,
            spoilt: false,
        });
        case.checked().map(|(_, digest)| digest)
    };
    let err = every(7).expect_err("the seventh is wrong");
    assert!(err.contains("run 7 leaves 0000000000000008"), "{err}");
    assert!(every(34).is_err(), "the last that is looked at");
    assert_eq!(every(35), Ok(7), "later ones are looked at after samples");
}

/// Leaves 7, but 8 at every nth run.
struct Nth {
    nth: u32,
    runs: u32,
    spoilt: bool,
}

impl Step for Nth {
    fn run(&mut self) {
        self.runs += 1;
        self.spoilt = false;
    }
    fn spoil(&mut self) {
        self.spoilt = true;
    }
    fn digest(&self) -> u64 {
        match self.runs.is_multiple_of(self.nth) {
            _ if self.spoilt => 0,
            true => 8,
            false => 7,
        }
    }
    fn check(&self) -> Result<(), String> {
        Ok(())
    }
}

#[test]
fn a_step_that_remembers_its_answer_is_wrong() {
    let err = runs("test/cached/n1", None, 0).checked().err().expect("it does nothing");
    assert!(err.contains("not replayable"), "{err}");
    let err = runs("test/unspoilt/n1", None, 7).checked().err().expect("it cannot tell");
    assert!(err.contains("cannot be spoiled"), "{err}");
}
