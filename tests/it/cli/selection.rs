//! `stepmark gate` with filters: which cases are compared.

use stepmark::case::Case;
use stepmark::cli::Exit;
use stepmark::record::{INSTRUCTIONS, Record, WALL};
use stepmark::registry;

use crate::setup::bench::{Bench, counted, few, origin};
use crate::setup::walls::{environment, wall};

use super::WrongSign;

#[test]
fn a_filter_without_a_case_is_a_usage_error_everywhere() {
    let bench = Bench::of_few();
    for command in ["list", "check", "record", "gate"] {
        let said = bench.run(&format!("{command} --filter no-such-case"));
        said.expect(Exit::Usage, &["no case id contains `no-such-case`", "stepmark list"]);
    }
    bench.run("gate --filer x").expect(Exit::Usage, &["--filer"]);
    bench.run("fly").expect(Exit::Usage, &["fly"]);
    for option in
        ["--strict", "--allow-removed", "--seed 1", "--max-pairs 50", "--samples x", "--features x"]
    {
        bench.run(&format!("gate {option}")).expect(Exit::Usage, &["go with --against REV"]);
    }
}

#[test]
fn an_empty_selection_is_incomparable() {
    let bench = Bench::of_few();
    for command in ["list", "check", "record", "gate"] {
        bench.run_with(Vec::new(), command).expect(Exit::Incomparable, &["there are no cases"]);
    }
    bench.run("accept --reason why").expect(Exit::Pass, &[]);
    bench.measured(|record| record.cases.clear());
    bench.run("gate").expect(Exit::Failure, &["target/stepmark/instructions does not exist"]);
    bench.run("accept --reason why").expect(Exit::Incomparable, &["no record to accept"]);
    bench.measured(|record| record.cases.retain(|case| !case.id.contains("mvar/rollout-d20")));
    bench
        .run("gate")
        .expect(Exit::Incomparable, &["was not measured: the instructions record lacks it"]);
    bench.run("accept --reason why").expect(Exit::Pass, &["instructions/mvar: its", "lacks mvar/"]);
    bench.measured(|_| ());
    let older = bench.record_of(|record| record.cases.retain(|case| case.chapter() != "mvar"));
    bench.accepted(&INSTRUCTIONS, &older);
    let file = bench.baseline(&INSTRUCTIONS, &bench.record, "mvar");
    bench.record.with(Vec::new()).write(&file).unwrap();
    let what = "no selected case is in both the record and the baseline";
    bench
        .run("gate --filter mvar/")
        .expect(Exit::Incomparable, &[what, "by `comparable` (exit 5)"]);
}

#[test]
fn cases_that_are_only_timed_need_another_build() {
    let bench = Bench::of_few();
    let said = bench.run_with(registry::cases(), "gate --filter stream/write");
    said.expect(Exit::Incomparable, &["nothing that decides was compared", "--against REV"]);
    assert!(!said.out.contains("accept"), "{}", said.out);
}

#[test]
fn a_removed_case_is_incomparable_and_a_new_one_a_note() {
    let bench = Bench::of_few();
    let mut cases = few();
    cases.retain(|case| case.id != bench.first());
    bench.run_with(cases, "gate").expect(Exit::Incomparable, &["is gone", bench.first()]);

    let mut older = bench.record.clone();
    let new = older.cases.remove(0);
    bench.accepted(&INSTRUCTIONS, &older);
    bench.run("gate").expect(Exit::Pass, &["note", &new.id, "is new", "-- accept"]);
}

#[test]
fn a_filter_narrows_what_is_compared() {
    let bench = Bench::of_few();
    let mvar = |id: &str| id.starts_with("mvar/");
    let kept = few().iter().filter(|case| mvar(&case.id)).count();
    bench.measured(|record| record.cases.retain(|case| mvar(&case.id)));
    bench.run("gate").expect(Exit::Incomparable, &["was not measured"]);
    bench.run("gate --filter mvar/").expect(Exit::Pass, &[&format!("gate: {kept} cases")]);
}

#[test]
fn a_filter_of_a_case_that_is_gone_says_so() {
    let bench = Bench::of_few();
    let gone = format!("{}-gone", bench.first());
    let older = bench.record_of(|record| record.cases.push(counted(&gone, "scalar", 1000)));
    bench.accepted(&INSTRUCTIONS, &older);
    let says = format!("FAIL incomparable  {gone}: is gone, but the baseline ");
    for select in [format!("--filter {gone}"), format!("--exact {gone}")] {
        let said = bench.run(&format!("gate {select}"));
        said.expect(Exit::Incomparable, &[&says, ".json has it; cargo run --release -- accept"]);
        let said = bench.run(&format!("gate --skip instructions {select}"));
        said.expect(Exit::Incomparable, &[&says, "by `comparable` (exit 5)"]);
        bench.run(&format!("check {select}")).expect(Exit::Usage, &["no case id"]);
    }
    // A whole chapter is gone, and only saved times know it.
    let old = "gone/step/n1";
    let walls = Record::new(&WALL, environment()).with(vec![wall(old, 1.0, &origin())]);
    bench.accepted(&WALL, &walls);
    let says = format!("{old}: is gone, but the baseline ");
    bench.run("gate --filter gone/").expect(Exit::Incomparable, &[&says]);
    bench.run("gate --exact gone/step").expect(Exit::Usage, &["no case id is `gone/step`"]);
}

#[test]
fn one_case_is_selected_though_the_ids_of_others_contain_its_own() {
    let bench = Bench::of_few();
    let longer = format!("{}0", bench.first());
    let mut all = few();
    all.retain(|case| case.id == bench.first());
    let work = all[0].work;
    all.push(Case::new(longer.clone(), "scalar", work, || -> WrongSign { panic!("not selected") }));
    let exact = format!("check --exact {}", bench.first());
    bench.run_with(all, &exact).expect(Exit::Pass, &["1 case, 0 wrong"]);
    bench.run(&format!("gate --exact {longer}")).expect(Exit::Usage, &["no case id is"]);
    bench.run(&format!("gate --exact {}", bench.first())).expect(Exit::Pass, &["gate: 1 case "]);
}
