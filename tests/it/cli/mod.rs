//! The `stepmark` command as its users meet it: exit codes and messages.

use std::fs;
use std::process::Command;

use stepmark::case::{Case, Step, Work};
use stepmark::cli::Exit;
use stepmark::gate::WORST_FIRST;
use stepmark::machine;
use stepmark::record::{PEERS, Record, Row};

use crate::setup::bench::{Bench, few, origin, path, set};

mod gate;
#[cfg(unix)]
mod judge;
mod outputs;
#[cfg(unix)]
mod right;
mod selection;
mod walls;

/// Computes x -> -x, and the oracle knows better.
pub(super) struct WrongSign(f64);

impl Step for WrongSign {
    fn run(&mut self) {
        self.0 = -1.0;
    }
    fn spoil(&mut self) {
        self.0 = f64::NAN;
    }
    fn digest(&self) -> u64 {
        self.0.to_bits()
    }
    fn check(&self) -> Result<(), String> {
        stepmark::close::within("y", &[self.0], &[1.0], &[1e-12])
    }
}

pub(super) fn wrong_sign() -> Case {
    let work = Work { units: 1, unit: "step", flops: 1, bytes: 8, resident_bytes: 8 };
    Case::new("test/wrong-sign/n1", "scalar", work, || WrongSign(0.0))
}

/// All that are counted, and one that is wrong.
pub(super) fn with_wrong_sign() -> Vec<Case> {
    let mut cases = few();
    cases.push(wrong_sign());
    cases
}

#[test]
fn nothing_measured_is_nothing_to_record_accept_or_report() {
    let dir = tempfile::tempdir().unwrap();
    let bench = Bench { dir, ..Bench::of_few() };
    bench.run("record").expect(Exit::Incomparable, &["nothing was recorded", "cargo bench"]);
    bench.run("accept --reason why").expect(Exit::Incomparable, &["no record to accept"]);
    bench
        .run("report")
        .expect(Exit::Incomparable, &["stepmark/wall holds no selected case; run `cargo bench`"]);
    let said = bench.run("report --peers");
    said.expect(
        Exit::Incomparable,
        &["stepmark/peers holds no selected case; run `ci/peers.sh` first"],
    );
    let said = bench.run("record --peers");
    said.expect(Exit::Incomparable, &["no run of `peers`", "run `ci/peers.sh` first"]);
    bench.run("record --peers --scaling").expect(Exit::Usage, &["cannot be used with"]);
}

#[test]
fn accept_writes_what_the_gate_then_finds() {
    let bench = Bench::of_few();
    bench.measured(|record| set(&mut record.cases[0], "instructions", |n| 2 * n));
    bench.run("gate").expect(Exit::Regression, &[]);
    bench
        .run("accept --reason why")
        .expect(Exit::Pass, &["cases -> ", "wall: it gets no baseline"]);
    bench.run("gate").expect(Exit::Pass, &["no findings"]);
}

#[test]
fn a_record_of_peers_is_printed_and_accepted_though_it_holds_few_cases() {
    let bench = Bench::of_few();
    let numbers = [
        ("theirs_ns", 30.0.into()),
        ("ours_ns", 10.0.into()),
        ("ratio_min", 3.0.into()),
        ("ratio", 3.0.into()),
        ("ratio_max", 3.0.into()),
        ("rounds", 1.into()),
    ];
    let peer = Row {
        id: format!("{} other", bench.first()),
        implementation: "other 1.0".to_owned(),
        metrics: numbers.map(|(name, value)| (name.to_owned(), value)).into(),
        origin: origin(),
    };
    let mut record = Record::new(&PEERS, machine::wall()).with(vec![peer]);
    bench.put(&PEERS, &record);
    bench.run("report --peers").expect(Exit::Pass, &["other 1.0", "3.00 (3.00 - 3.00)"]);
    bench.run("accept --reason why").expect(Exit::Pass, &["1 case -> ", "peers/"]);
    let accepted = bench.baseline(&PEERS, &record, bench.chapter());
    record.cases[0].origin.reason = Some("why".to_owned());
    assert_eq!(Record::read(&PEERS, &accepted).unwrap(), record, "{}", accepted.display());
    let said = bench.run(&format!("report --peers {}", path(&accepted)));
    said.expect(Exit::Pass, &["other 1.0"]);
    let said = bench.run(&format!("report --peers {} --filter no-such", path(&accepted)));
    assert!(!said.out.contains("other 1.0"), "{}", said.out);

    // Another program measures the case, on another machine.
    record.cases[0].id = format!("{} newer", bench.first());
    record.environment.insert("kernel".to_owned(), "7".to_owned());
    bench.put(&PEERS, &record);
    bench.run("accept --reason why").expect(Exit::Pass, &["1 new, 1 gone", "kernel was `"]);
    assert_eq!(Record::read(&PEERS, &accepted).unwrap().cases.len(), 1, "the other is gone");
}

#[test]
fn help_and_readme_state_every_exit_code() {
    let bench = Bench::of_few();
    let readme = fs::read_to_string("README.md").unwrap();
    let names = WORST_FIRST.into_iter().chain([Exit::Usage]).map(|exit| (exit.code(), exit.name()));
    for (code, name) in names {
        let row = format!("\n| {code} | {name}");
        assert!(readme.contains(&row), "`{row}` in README.md");
        for command in ["", "gate ", "duet ", "accept "] {
            let said = bench.run(&format!("{command}--help"));
            said.expect(Exit::Pass, &[&format!("\n  {code}  {name}"), "1, 4, 5, 3, 6"]);
        }
    }
    for command in ["list", "check", "record", "report"] {
        bench.run(&format!("{command} --help")).expect(Exit::Pass, &["Usage:"]);
    }
}

#[test]
fn a_panic_in_a_check_is_a_wrong_result_of_that_case() {
    struct Panics;
    impl Step for Panics {
        fn run(&mut self) {
            panic!("out of range");
        }
        fn spoil(&mut self) {}
        fn digest(&self) -> u64 {
            0
        }
        fn check(&self) -> Result<(), String> {
            Ok(())
        }
    }
    let work = Work { units: 1, unit: "step", flops: 0, bytes: 0, resident_bytes: 0 };
    let cases = vec![Case::new("test/panics/n1", "scalar", work, || Panics)];
    let said = Bench::of_few().run_with(cases, "check");
    said.expect(Exit::Wrong, &["WRONG  test/panics/n1: panicked: out of range"]);
}

#[test]
fn the_program_itself_exits_with_these_codes() {
    let stepmark = |args: &[&str]| {
        let out = Command::new(env!("CARGO_BIN_EXE_stepmark")).args(args).output();
        out.unwrap().status.code()
    };
    assert_eq!(stepmark(&["list"]), Some(0), "list");
    assert_eq!(stepmark(&["list", "--filter", "no-such-case"]), Some(2), "filter");
    assert_eq!(stepmark(&["gate", "--target-dir", "/no/such/folder"]), Some(1), "no record");
}
