//! Outcomes of every kind, for the tests of what is made of them.

use crate::gate::{
    Change, Duet, Exit, Findings, Outcome, Pair, Paired, SelfTest, Stage, State, TIERS, Tier,
    again, duet_of, instructions, paired_case,
};
use crate::record::{Row, counted, wall};

const AGAIN: &str = "cargo bench --bench instructions";

/// Two cases, compared and the same; of the second the wall time is three times the old one.
pub(super) fn pass() -> Outcome {
    let ids = ["lattice/encode/n1", "lattice/encode/n2"];
    let mut outcome = Outcome {
        command: "gate",
        harness: "0.1.0".to_owned(),
        started: "2026-01-02T03:04:05.678Z".to_owned(),
        commit: Some("0123456789abcdef0123456789abcdef01234567".to_owned()),
        dirty: false,
        against: "baselines".to_owned(),
        strict: false,
        selected: ids.map(str::to_owned).to_vec(),
        comparable: 2,
        stages: TIERS
            .map(|tier| Stage { tier, state: State::NotRun, why: Some("not asked for".to_owned()) })
            .into(),
        findings: Findings::default(),
        counts: ids.map(|id| Pair { old: counts(id, 1000), new: counts(id, 1000) }).into(),
        walls: Ok(vec![
            Pair { old: wall(ids[0], 100.0), new: wall(ids[0], 105.0) },
            Pair { old: wall(ids[1], 100.0), new: wall(ids[1], 300.0) },
        ]),
        duet: None,
    };
    for tier in [Tier::Comparable, Tier::Check, Tier::Instructions] {
        outcome.stage(tier, State::Ran, None);
    }
    outcome.stage(Tier::Wall, State::Advisory, Some("saved times inform only".to_owned()));
    outcome
}

/// The first case executes a tenth more instructions, the second a tenth fewer.
pub(super) fn regression() -> Outcome {
    let mut outcome = pass();
    let mut findings = Findings::of(Tier::Instructions);
    for (pair, now) in outcome.counts.iter_mut().zip([1100_u64, 900]) {
        pair.new.metrics.insert("instructions".to_owned(), now.into());
        instructions(&pair.old, &pair.new, AGAIN, &mut findings);
    }
    outcome.findings.append(findings);
    outcome
}

/// The first case is wrong, and its oracle says so in awkward characters.
pub(super) fn wrong() -> Outcome {
    let mut outcome = pass();
    let mut findings = Findings::of(Tier::Check);
    let what = "y[0] is <b>-1|`x`</b> & \"1\", @all #1\n::error::no\u{0}\u{fffe}\u{1b}[31m]]>";
    let next = "cargo run --release -- check --filter lattice/encode/n1";
    findings.push(Exit::Wrong, "lattice/encode/n1", what, Some(next.to_owned()));
    outcome.findings.append(findings);
    outcome
}

/// Nothing was compared.
pub(super) fn incomparable() -> Outcome {
    let mut outcome = pass();
    (outcome.counts, outcome.walls) = (Vec::new(), Err("no such file".to_owned()));
    let mut findings = Findings::of(Tier::Comparable);
    for (about, what) in [("instructions", "no baseline"), ("md/gone/n1", "is gone")] {
        let next = "cargo run --release -- accept";
        findings.push(Exit::Incomparable, about, what, Some(next.to_owned()));
    }
    outcome.findings.append(findings);
    outcome.stage(Tier::Instructions, State::NotRun, Some("no baseline".to_owned()));
    (outcome.commit, outcome.dirty) = (None, true);
    outcome
}

/// Paired times: one case of each kind, one that is new, one that was removed.
pub(super) fn duet() -> Outcome {
    paired(
        vec![
            paired_case("lattice/encode/n1", 1.05, Change::Slower),
            paired_case("lattice/encode/n2", 0.9, Change::Faster),
            paired_case("md/forces/n1", 1.02, Change::Unclear),
            paired_case("md/forces/n2", 1.2, Change::Slower),
        ],
        None,
        false,
    )
}

/// An unclear case under `--strict`.
pub(super) fn strict() -> Outcome {
    let cases = vec![
        paired_case("lattice/encode/n1", 1.02, Change::Unclear),
        paired_case("lattice/encode/n2", 1.0, Change::Same),
    ];
    paired(cases, None, true)
}

/// A slower case in a run whose self-test failed.
pub(super) fn advisory() -> Outcome {
    let cases = vec![
        paired_case("lattice/encode/n1", 1.05, Change::Slower),
        paired_case("lattice/encode/n2", 1.0, Change::Same),
    ];
    paired(cases, Some("lattice/encode/n1 differs from itself".to_owned()), false)
}

/// Counts were left out, and saved times only inform.
pub(super) fn informed() -> Outcome {
    let mut outcome = pass();
    outcome.counts.clear();
    for tier in [Tier::Comparable, Tier::Instructions] {
        outcome.stage(tier, State::Skipped, Some("--skip instructions".to_owned()));
    }
    outcome
}

/// One of each.
pub(super) fn all() -> [Outcome; 8] {
    [pass(), regression(), wrong(), incomparable(), duet(), strict(), advisory(), informed()]
}

fn paired(cases: Vec<Paired>, advisory: Option<String>, strict: bool) -> Outcome {
    let mut outcome = pass();
    outcome.command = "duet";
    outcome.against = "origin/main".to_owned();
    outcome.strict = strict;
    let added = if cases.len() == 4 { vec!["md/new/n1".to_owned()] } else { Vec::new() };
    outcome.selected = cases.iter().map(|case| &case.id).chain(&added).cloned().collect();
    let same = paired_case("lattice/encode/n1", 1.0, Change::Same);
    // Every pair is a tie.
    let self_tests = vec![SelfTest { paired: same, one_sided: 0.0 }];
    let against = outcome.against.clone();
    let duet = Duet { against, advisory, self_tests, added, ..duet_of(cases) };
    outcome.pair(duet, false, &again);
    outcome
}

fn counts(id: &str, instructions: u64) -> Row {
    let mut row = counted(id, instructions, 3);
    row.metrics.insert("ll_misses".to_owned(), 1.into());
    row
}
