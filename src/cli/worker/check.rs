//! `stepmark worker --check`: checks one case after another on request.

use std::io::{BufRead, Write};
use std::panic;
use std::sync::{Mutex, PoisonError};

use super::super::check::here;
use super::super::{Exit, Stop};
use super::say;
use crate::case::{Case, Trouble};
use crate::gate::duet::right::{READY, answer, requested};

/// The place of the last panic.
static PANICKED: Mutex<Option<String>> = Mutex::new(None);

/// Has every panic of this process note its place, which only its own line tells otherwise.
pub(super) fn note_panics() {
    let say = panic::take_hook();
    panic::set_hook(Box::new(move |panic| {
        *PANICKED.lock().unwrap_or_else(PoisonError::into_inner) =
            panic.location().map(ToString::to_string);
        say(panic);
    }));
}

/// Checks a case; where it panicked, says at which place.
fn checked(case: &Case) -> Result<bool, Trouble> {
    let checked = here(case);
    let place = PANICKED.lock().unwrap_or_else(PoisonError::into_inner).take();
    match (checked, place) {
        (Err(Trouble::Wrong(why)), Some(place)) => Err(Trouble::Wrong(format!("{why} ({place})"))),
        (checked, _) => checked,
    }
}

/// Answers requests until there are no more.
pub(super) fn serve(
    cases: &[&Case],
    requests: impl BufRead,
    out: &mut dyn Write,
) -> Result<Exit, Stop> {
    say(out, READY)?;
    for request in requests.lines() {
        let request = request?;
        let asked = requested(&request);
        let case = asked.and_then(|(_, id)| cases.iter().find(|case| case.id == id));
        let (Some((token, _)), Some(case)) = (asked, case) else {
            return Err(Stop::new(Exit::Failure, format!("`{request}` is no request")));
        };
        say(out, &answer(token, &checked(case)))?;
    }
    Ok(Exit::Pass)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::case::tests::{on_device, right};

    #[test]
    fn each_request_is_answered_with_its_token_and_an_unknown_one_is_a_failure() {
        let device = |id, found, right| on_device(id, found, right);
        let cases = [
            right("a/b/n1"),
            device("a/b/n2", Ok(false), true),
            device("a/b/n3", Ok(true), false),
            device("a/b/n4", Err("no driver"), true),
        ];
        let cases: Vec<_> = cases.iter().collect();
        let mut out = Vec::new();
        let requests = "check 1 a/b/n2\ncheck 2 a/b/n1\ncheck 3 a/b/n3\ncheck 4 a/b/n4\n";
        let exit = serve(&cases, requests.as_bytes(), &mut out).ok().unwrap();
        let said = String::from_utf8(out).unwrap();
        let lines: Vec<&str> = said.lines().collect();
        assert_eq!((exit, lines[..3].to_vec()), (Exit::Pass, vec![READY, "1 missing", "2 right"]));
        assert!(lines[3].starts_with("3 wrong x[0]") && lines[4] == "4 failed no driver", "{said}");
        for request in ["check 1 a/b/n5", "check a/b/n1", "sample 1", ""] {
            let stop = serve(&cases, format!("{request}\n").as_bytes(), &mut Vec::new());
            assert_eq!(stop.unwrap_err().exit, Exit::Failure, "{request}");
        }
    }
}
