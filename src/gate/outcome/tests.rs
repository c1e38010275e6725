//! The parts of a run, put together.

use super::*;
use crate::gate::{Change, SelfTest, duet, duet_of, timed_case};
use crate::record::{counted, wall};

const ID: &str = "a/b/n1";

fn head() -> Head {
    Head {
        command: "gate",
        harness: "0.1.0".to_owned(),
        started: "2026-01-02T03:04:05.678Z".to_owned(),
        commit: None,
        dirty: true,
        against: "main".to_owned(),
        strict: false,
    }
}

fn outcome(parts: Parts) -> Outcome {
    Outcome::new(head(), parts)
}

fn answered(duet: Duet) -> Slower {
    let findings = duet::findings(&duet, false, false, &|_| "cargo run".to_owned());
    Slower::Answered { duet, findings }
}

/// Paired times of one case whose self-test passed, or did not.
fn tested(change: Change, passed: bool) -> Slower {
    let mut duet = duet_of(vec![timed_case(ID, 1.5, change)]);
    let timed = timed_case(ID, 1.0, Change::Same);
    duet.self_tests = vec![SelfTest { timed, one_sided: 0.5 }];
    duet.advisory = (!passed).then(|| "it differs from itself".to_owned());
    answered(duet)
}

fn wrong() -> Option<Findings> {
    let mut wrong = Findings::of(Question::Right);
    wrong.push(Exit::Wrong, ID, "x", None);
    Some(wrong)
}

/// Wall times that are `factor` times the saved ones.
fn walls(factor: f64) -> Walls {
    let matched = Matched { old: wall(ID, 100.0), new: wall(ID, 100.0 * factor) };
    Walls { rows: Ok(vec![matched]), gone: Findings::default() }
}

fn state(outcome: &Outcome, question: Question) -> State {
    let answers = outcome.answers();
    assert!(answers.iter().map(|answer| answer.question).eq(Question::ALL), "{answers:?}");
    answers.iter().find(|answer| answer.question == question).unwrap().state
}

#[test]
fn the_time_of_a_wrong_case_is_neither_kept_nor_judged() {
    let cases = [ID, "a/b/n2"].map(|id| timed_case(id, 1.5, Change::Slower));
    let slower = answered(duet_of(cases.into()));
    let outcome = outcome(Parts { right: wrong(), walls: walls(2.0), slower, ..Parts::default() });
    assert_eq!(outcome.compared().into_iter().collect::<Vec<_>>(), ["a/b/n2"], "compared");
    assert_eq!(outcome.findings().count(Exit::Regression), 1, "{:?}", outcome.findings());
    assert_eq!((outcome.exit(), outcome.decided()), (Exit::Wrong, vec![Question::Right]));
    assert_eq!(outcome.ratios(), [], "saved times");
    assert_eq!(outcome.selected, ["a/b/n2"], "what only the duet knows");
}

#[test]
fn saved_times_never_decide_whatever_the_self_test_says() {
    for slower in [Slower::NotAsked, tested(Change::Same, true), tested(Change::Same, false)] {
        let what = format!("{slower:?}");
        let counts = || Counts::Skipped("--skip instructions");
        let parts = Parts { walls: walls(3.0), counts: counts(), slower, ..Parts::default() };
        let outcome = outcome(parts);
        assert_eq!((outcome.ratios()[0].ratio, outcome.ratios()[0].same), (3.0, false));
        assert_eq!(outcome.exit(), Exit::Pass, "{what}");
        let passes = outcome.duet.as_ref().is_some_and(|duet| duet.advisory.is_none());
        assert_eq!(outcome.verdict(), if passes { "pass" } else { "advisory" }, "{what}");
    }
}

#[test]
fn a_case_that_is_gone_from_the_saved_times_is_incomparable() {
    let mut gone = Findings::of(Question::Comparable);
    gone.push(Exit::Incomparable, "a/b/n2", "is gone", None);
    let walls = Walls { gone, ..walls(1.0) };
    let counts = Counts::Skipped("--skip instructions");
    let outcome = outcome(Parts { walls, counts, ..Parts::default() });
    assert_eq!(outcome.exit(), Exit::Incomparable);
    assert_eq!(outcome.decided(), [Question::Comparable]);
    assert_eq!(state(&outcome, Question::Comparable), State::Ran, "it is answered");
    assert_eq!(state(&outcome, Question::Hungrier), State::Skipped, "left out");
}

#[test]
fn nothing_compared_is_no_pass() {
    let right = || Some(Findings::of(Question::Right));
    let nothing = outcome(Parts { right: right(), ..Parts::default() });
    assert_eq!(nothing.exit(), Exit::Incomparable, "{nothing:?}");
    let informed = outcome(Parts { right: right(), walls: walls(1.0), ..Parts::default() });
    assert_eq!(informed.exit(), Exit::Incomparable, "counts were not left out on request");
    let row = || Matched { old: counted(ID, 1000, 0), new: counted(ID, 1000, 0) };
    let counts = Counts::Compared { rows: vec![row()], findings: Findings::default() };
    let compared = outcome(Parts { right: right(), counts, ..Parts::default() });
    assert_eq!((compared.exit(), compared.verdict()), (Exit::Pass, "pass"));
    let all = [Question::Comparable, Question::Right, Question::Hungrier];
    assert_eq!(compared.decided(), all);
}

#[test]
fn a_question_whose_answer_only_informs_is_not_among_those_that_decided() {
    let of = |slower| outcome(Parts { slower, ..Parts::default() });
    let sure = of(tested(Change::Same, true));
    assert_eq!(sure.decided(), [Question::Slower, Question::SelfTest], "decided");
    assert_eq!((sure.verdict(), sure.comparable), ("pass", 1), "verdict");

    let mut advisory = duet_of(vec![timed_case(ID, 1.0, Change::Same)]);
    advisory.advisory = Some("the clock jumps".to_owned());
    let unsure = of(answered(advisory));
    assert_eq!(unsure.decided(), [], "nothing decided");
    assert_eq!((unsure.verdict(), unsure.exit()), ("advisory", Exit::Pass), "verdict");
    assert_eq!(state(&unsure, Question::Slower), State::Advisory, "paired");
    assert_eq!(state(&unsure, Question::SelfTest), State::NotRun, "no self-test");
}

#[test]
fn a_failure_of_the_tool_is_found_beside_the_rest() {
    let (why, next) = ("it does not build".to_owned(), "cargo run".to_owned());
    let slower = Slower::Failed { exit: Exit::Failure, why, next };
    let outcome = outcome(Parts { right: wrong(), slower, ..Parts::default() });
    assert_eq!((outcome.exit(), outcome.decided()), (Exit::Failure, vec![Question::Slower]));
    let first = outcome.findings().iter().next().unwrap();
    assert_eq!(first.question, Question::Right, "question by question");
}
