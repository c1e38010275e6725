//! Outcomes of every kind, for the tests of what is made of them.

use std::collections::BTreeSet;

use crate::gate::{
    Change, Counts, Duet, Exit, Findings, Head, Matched, NOT_ASKED, Outcome, Parts, Question,
    SelfTest, Slower, Timed, Walls, duet, duet_of, instructions, timed_case,
};
use crate::record::{Row, counted, wall};

const AGAIN: &str = "cargo bench --bench instructions";
const IDS: [&str; 2] = ["lattice/encode/n1", "lattice/encode/n2"];

fn head() -> Head {
    Head {
        command: "gate",
        harness: "0.1.0".to_owned(),
        started: "2026-01-02T03:04:05.678Z".to_owned(),
        commit: Some("0123456789abcdef0123456789abcdef01234567".to_owned()),
        dirty: false,
        against: "baselines".to_owned(),
        strict: false,
    }
}

/// Two cases, compared and the same; of the second the wall time is three times the old one.
fn parts() -> Parts {
    let matched = |old, new| Matched { old, new };
    let [first, second] = IDS.map(|id| [100.0, 105.0, 300.0].map(|ns| wall(id, ns)));
    Parts {
        selected: IDS.map(str::to_owned).into(),
        counted: 2,
        right: Some(Findings::of(Question::Right)),
        counts: compared([1000, 1000]),
        walls: Walls {
            rows: Ok(vec![
                matched(first[0].clone(), first[1].clone()),
                matched(second[0].clone(), second[2].clone()),
            ]),
            gone: Findings::default(),
        },
        slower: Slower::NotAsked(NOT_ASKED),
        loosened: Findings::default(),
    }
}

/// The same, but for what `change` does.
pub(super) fn with(change: impl FnOnce(&mut Parts)) -> Outcome {
    let mut parts = parts();
    change(&mut parts);
    Outcome::new(head(), parts)
}

pub(super) fn pass() -> Outcome {
    with(|_| ())
}

/// The first case executes a tenth more instructions, the second a tenth fewer.
pub(super) fn regression() -> Outcome {
    with(|parts| parts.counts = compared([1100, 900]))
}

/// The first case is wrong, and its oracle says so in awkward characters.
pub(super) fn wrong() -> Outcome {
    with(|parts| parts.right = Some(wrong_answer()))
}

/// Nothing was compared.
pub(super) fn incomparable() -> Outcome {
    let mut findings = Findings::of(Question::Comparable);
    for (about, what) in [("instructions", "no baseline"), ("md/gone/n1", "is gone")] {
        let next = "cargo run --release -- accept";
        findings.push(Exit::Incomparable, about, what, Some(next.to_owned()));
    }
    let mut parts = parts();
    parts.counts = Counts::Missing { why: "no baseline".to_owned(), findings };
    parts.walls.rows = Err("no such file".to_owned());
    Outcome::new(Head { commit: None, dirty: true, ..head() }, parts)
}

/// Paired times: one case of each kind, one that is new.
pub(super) fn duet() -> Outcome {
    let cases = vec![
        timed_case("lattice/encode/n1", 1.05, Change::Slower),
        timed_case("lattice/encode/n2", 0.9, Change::Faster),
        timed_case("md/forces/n1", 1.02, Change::Unclear),
        timed_case("md/forces/n2", 1.2, Change::Slower),
    ];
    let duet = Duet { added: vec!["md/new/n1".to_owned()], ..tested(cases, None) };
    of_duet(duet, None, false)
}

/// An unclear case under `--strict`.
pub(super) fn strict() -> Outcome {
    let [first, second] = IDS;
    let cases =
        vec![timed_case(first, 1.02, Change::Unclear), timed_case(second, 1.0, Change::Same)];
    of_duet(tested(cases, None), None, true)
}

/// A slower case in a run whose self-test failed.
pub(super) fn advisory() -> Outcome {
    of_duet(untrusted(), None, false)
}

/// The same, and the other case is wrong.
pub(super) fn advisory_and_wrong() -> Outcome {
    of_duet(untrusted(), Some(wrong_answer()), false)
}

/// Counts were left out, and saved times inform.
pub(super) fn informed() -> Outcome {
    with(|parts| parts.counts = Counts::Skipped("--skip instructions"))
}

/// One of each.
pub(super) fn all() -> [Outcome; 8] {
    [pass(), regression(), wrong(), incomparable(), duet(), strict(), advisory(), informed()]
}

fn wrong_answer() -> Findings {
    let mut findings = Findings::of(Question::Right);
    let what = "y[0] is <b>-1|`x`</b> & \"1\", @all #1\n::error::no\u{0}\u{fffe}\u{1b}[31m]]>";
    let next = "cargo run --release -- check --filter lattice/encode/n1";
    findings.push(Exit::Wrong, IDS[0], what, Some(next.to_owned()));
    findings
}

/// A case that is slower, on a machine that is not to be trusted.
fn untrusted() -> Duet {
    let [first, second] = IDS;
    let cases =
        vec![timed_case(first, 1.05, Change::Slower), timed_case(second, 1.0, Change::Same)];
    tested(cases, Some("lattice/encode/n1 differs from itself".to_owned()))
}

/// Every pair of the self-test is a tie.
fn tested(cases: Vec<Timed>, advisory: Option<String>) -> Duet {
    let timed = timed_case("lattice/encode/n1", 1.0, Change::Same);
    let self_tests = vec![SelfTest { timed, one_sided: 0.0 }];
    Duet { against: "origin/main".to_owned(), advisory, self_tests, ..duet_of(cases) }
}

fn of_duet(duet: Duet, right: Option<Findings>, strict: bool) -> Outcome {
    let head = Head { command: "duet", against: duet.against.clone(), strict, ..head() };
    let again = |id: Option<&str>| {
        format!("cargo run --release -- duet main --filter {}", id.unwrap_or("lattice/"))
    };
    let findings = duet::findings(&duet, strict, false, &again);
    let slower = Slower::Answered { duet, findings };
    let selected = BTreeSet::new();
    Outcome::new(head, Parts { selected, right, slower, ..parts() })
}

/// The counts of both cases, of which each was 1000.
fn compared(now: [u64; 2]) -> Counts {
    let mut findings = Findings::of(Question::Hungrier);
    let pairs = IDS.into_iter().zip(now);
    let rows: Vec<_> =
        pairs.map(|(id, now)| Matched { old: counts(id, 1000), new: counts(id, now) }).collect();
    for Matched { old, new } in &rows {
        instructions(old, new, AGAIN, &mut findings);
    }
    Counts::Compared { rows, findings }
}

fn counts(id: &str, instructions: u64) -> Row {
    let mut row = counted(id, instructions, 3);
    row.metrics.insert("ll_misses".to_owned(), 1.into());
    row
}
