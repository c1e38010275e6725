//! Checks of cases in a worker: a kernel may end its process, and the command goes on.
//!
//! A worker is `stepmark worker --check`. It says [`READY`]. To `check TOKEN ID` it answers one line: the
//! token, then what the check found. Nobody knows the token but who asked, so no kernel can print a verdict.
//!
//! One worker checks case after case, until one is not right: what that left behind blames no other.

use std::collections::hash_map::RandomState;
use std::hash::BuildHasher as _;
use std::time::Duration;

use super::process::Process;
use super::protocol::{FAILED, PROTOCOL, RIGHT, WRONG};
use super::{Build, Error, Limits};
use crate::case::Trouble;

/// The first line of a worker: whatever comes later is of a kernel, or in answer to a request.
pub const READY: &str = "ready to check";

const MISSING: &str = "missing";

/// How much of a reason is told: an answer is one line that the host reads whole.
const WHY_LEN_CHARS: usize = 2000;

/// A request to check a case.
fn request(token: &str, id: &str) -> String {
    format!("check {token} {id}")
}

/// The token and the case of a request.
pub fn requested(line: &str) -> Option<(&str, &str)> {
    line.strip_prefix("check ")?.split_once(' ')
}

/// The answer to the request with this token: whether the case is right, or its device is missing.
pub fn answer(token: &str, checked: &Result<bool, Trouble>) -> String {
    let (word, why) = match checked {
        Ok(true) => (RIGHT, ""),
        Ok(false) => (MISSING, ""),
        Err(Trouble::Wrong(why)) => (WRONG, why.as_str()),
        Err(Trouble::Failed(why)) => (FAILED, why.as_str()),
    };
    let why: String = why.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    let why: String = why.chars().take(WHY_LEN_CHARS).collect();
    format!("{token} {word}{why}")
}

/// What an answer to the request with this token says; `None` where it is none.
fn answered(token: &str, line: &str) -> Option<Result<bool, Trouble>> {
    let said = line.strip_prefix(token)?.strip_prefix(' ')?;
    let wrong = |why: &str| Err(Trouble::Wrong(why.to_owned()));
    let failed = |why: &str| Err(Trouble::Failed(why.to_owned()));
    match said {
        RIGHT => Some(Ok(true)),
        MISSING => Some(Ok(false)),
        said => {
            said.strip_prefix(WRONG).map(wrong).or_else(|| said.strip_prefix(FAILED).map(failed))
        }
    }
}

/// Checks cases of an executable, one after another.
#[derive(Debug)]
pub struct Checker {
    build: Build,
    limit: Duration,
    /// One that found every case right so far.
    worker: Option<Process>,
}

impl Checker {
    /// Allows each check `limit`, its preparation included; starts nothing yet.
    pub fn new(build: Build, limit: Duration) -> Self {
        Self { build, limit, worker: None }
    }

    /// Checks a case; returns whether it ran, which it does not where its device is missing.
    ///
    /// # Errors
    ///
    /// [`Trouble::Wrong`] if the case is wrong, ends its process or prints where only the answer
    /// belongs; [`Trouble::Failed`] if it takes longer than the limit, or no worker starts.
    pub fn check(&mut self, id: &str) -> Result<bool, Trouble> {
        let held = self.worker.take();
        let is_shared = held.is_some();
        let mut said =
            held.map_or_else(|| self.start(id), Ok).map(|worker| self.ask(worker, id))?;
        if is_shared && matches!(said, Err(Error::Died { .. } | Error::Garbage { .. })) {
            // That may be the doing of a case before it.
            said = self.start(id).map(|worker| self.ask(worker, id))?;
        }
        said.unwrap_or_else(|why| Err(self.blame(why)))
    }

    /// Starts a worker and waits until it can be asked.
    fn start(&self, id: &str) -> Result<Process, Trouble> {
        let start = || {
            let mut worker =
                Process::spawn(&self.build, id, ["--check"], Limits::default(), PROTOCOL)?;
            match worker.line(self.limit)? {
                line if line == READY => Ok(worker),
                line => Err(worker.garbage(line, READY)),
            }
        };
        start().map_err(|why: Error| Trouble::Failed(format!("no worker checks it: {why}")))
    }

    /// Asks a worker, and keeps it if the case is right.
    fn ask(&mut self, mut worker: Process, id: &str) -> Result<Result<bool, Trouble>, Error> {
        let token = format!("{:016x}", RandomState::new().hash_one(id));
        worker.ask(&request(&token, id))?;
        let line = worker.line(self.limit)?;
        let Some(checked) = answered(&token, &line) else {
            return Err(worker.garbage(line, "its verdict"));
        };
        if checked.is_ok() {
            self.worker = Some(worker);
        }
        Ok(checked)
    }

    /// What it means for a case that its worker gave no answer.
    fn blame(&self, why: Error) -> Trouble {
        match why {
            Error::Hung { .. } => Trouble::Failed(format!(
                "no verdict within {} s; where it is only slow, --check-timeout SECONDS allows more",
                self.limit.as_secs_f64()
            )),
            why => why.of_case(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_an_answer_with_the_token_is_a_verdict() {
        let failed = |why: &str| Err(Trouble::Failed(why.to_owned()));
        let wrong = |why: &str| Err(Trouble::Wrong(why.to_owned()));
        for checked in [Ok(true), Ok(false), wrong("y[0] is 1"), failed("no driver"), wrong("")] {
            let line = answer("0123", &checked);
            assert_eq!(answered("0123", &line), Some(checked), "{line}");
            assert_eq!(answered("0124", &line), None, "of another request: {line}");
        }
        for forged in
            ["right", "0123right", " 0123 right", "0123 right ", "0123", "0123  right", ""]
        {
            assert_eq!(answered("0123", forged), None, "{forged}");
        }
        let (token, id) = requested("check 0123 a/b/n1").unwrap();
        assert_eq!((token, id), ("0123", "a/b/n1"), "{}", request(token, id));
        assert_eq!(requested("sample 3"), None, "another request");
    }

    #[test]
    fn a_reason_stays_one_line_however_long_it_is() {
        let why = "x\r\n".repeat(10_000);
        let line = answer("0123", &Err(Trouble::Wrong(why)));
        assert!(line.len() < 2 * WHY_LEN_CHARS && !line.contains(['\n', '\r']), "{line}");
    }
}
