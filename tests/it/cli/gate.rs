//! The findings of `stepmark gate` in counts and saved wall times, planted here.

use std::fs;

use stepmark::case::Case;
use stepmark::cli::Exit;
use stepmark::record::{INSTRUCTIONS, Record, Row, WALL};
use stepmark::registry;

use crate::setup::bench::{Bench, cases, counted, few, origin, path, set};
use crate::setup::walls::{environment, wall};

use super::{WrongSign, with_wrong_sign, wrong_sign};

#[test]
fn unchanged_code_passes() {
    let bench = Bench::committed();
    let all = cases().len();
    let compared = format!("{all} of {all} cases compared, no findings");
    bench.run("gate").expect(Exit::Pass, &["pass (exit 0)", &compared]);
}

#[test]
fn two_percent_more_instructions_are_a_regression() {
    let bench = Bench::of_few();
    bench.measured(|record| set(&mut record.cases[0], "instructions", |n| n + n / 50));
    let said = bench.run("gate");
    said.expect(
        Exit::Regression,
        &[bench.first(), "+2.00 %, limit +0.50 %", "regression by `hungrier`"],
    );
    let line = said.out.lines().find(|line| line.starts_with("FAIL")).unwrap();
    let reproduce =
        format!("gate --exact {} --baseline {}", bench.first(), bench.baselines().display());
    assert!(line.ends_with(&reproduce), "a FAIL line ends with how to see it again: {line}");
}

#[test]
fn a_traversal_by_columns_misses_more_at_the_same_count_and_is_a_regression() {
    let bench = Bench::of_few();
    let with = |d1_misses| {
        bench.record_of(|record| {
            set(&mut record.cases[0], "instructions", |_| 62_957_607);
            set(&mut record.cases[0], "d1_misses", |_| d1_misses);
        })
    };
    bench.accepted(&INSTRUCTIONS, &with(524_288));
    bench.put(&INSTRUCTIONS, &with(8 * 524_288));
    let what = "D1 misses 524288 -> 4194304 (+700.00 %, limit +10.00 % and 1000 more)";
    let said = bench.run("gate");
    said.expect(Exit::Regression, &[bench.first(), what, "1 regression", "by `hungrier`"]);
    bench.put(&INSTRUCTIONS, &with(524_288 + 1000));
    bench.run("gate").expect(Exit::Pass, &["no findings"]);
}

#[test]
fn one_heap_block_more_is_a_regression() {
    let bench = Bench::of_few();
    bench.measured(|record| {
        set(&mut record.cases[0], "heap_blocks", |n| n + 1);
        set(&mut record.cases[0], "heap_bytes", |n| n + 8);
    });
    bench.run("gate").expect(Exit::Regression, &["heap blocks per step 0 -> 1", "2 regressions"]);
}

#[test]
fn a_gain_passes_and_asks_for_accept() {
    let bench = Bench::of_few();
    bench.measured(|record| set(&mut record.cases[0], "instructions", |n| n - n / 50));
    bench
        .run("gate")
        .expect(Exit::Pass, &["note", "to keep the gain: cargo run --release -- accept"]);
}

#[test]
fn a_wrong_sign_is_a_wrong_result_whatever_the_counts_say() {
    let bench = Bench::of_few();
    let said = bench.run_with(with_wrong_sign(), "gate");
    said.expect(Exit::Wrong, &["test/wrong-sign/n1: y[0] is -1e0, expected 1e0", "by `right`"]);
    bench
        .run_with(with_wrong_sign(), "check --filter wrong")
        .expect(Exit::Wrong, &["WRONG", "1 wrong"]);
    bench.measured(|record| record.cases.push(counted("test/wrong-sign/n1", "scalar", 1000)));
    bench
        .run_with(with_wrong_sign(), "accept --reason why")
        .expect(Exit::Wrong, &["a wrong kernel has no baseline"]);
}

#[test]
fn wrong_comes_before_regressed() {
    let bench = Bench::of_few();
    bench.measured(|record| {
        set(&mut record.cases[0], "instructions", |n| 2 * n);
        record.cases.push(counted("test/wrong-sign/n1", "scalar", 1000));
    });
    let said = bench.run_with(with_wrong_sign(), "gate");
    said.expect(Exit::Wrong, &["1 wrong result", "1 regression"]);
}

#[test]
fn a_deleted_baseline_is_incomparable() {
    let bench = Bench::of_few();
    let file = bench.baseline(&INSTRUCTIONS, &bench.record, bench.chapter());
    fs::remove_file(&file).unwrap();
    let chapter = format!("gate --filter {}/", bench.chapter());
    bench.run(&chapter).expect(Exit::Incomparable, &["no baseline", "-- accept --reason TEXT"]);
    bench.run("gate").expect(Exit::Pass, &[bench.first(), "is new: the baseline does not have it"]);
    // Those of the other chapters were accepted after a new toolchain, this one was forgotten.
    let old = bench.baselines().join("old-toolchain/instructions").join(file.file_name().unwrap());
    bench.record.by_chapter()[bench.chapter()].write(&old).unwrap();
    bench.run("gate").expect(Exit::Incomparable, &["no baseline", "old-toolchain", "-- accept"]);
    fs::remove_file(old).unwrap();
    fs::remove_dir_all(file.parent().unwrap()).unwrap();
    bench.run("gate").expect(Exit::Incomparable, &["no baseline", "-- accept --reason TEXT"]);
    fs::remove_dir_all(bench.baselines()).unwrap();
    bench.run("gate").expect(Exit::Incomparable, &["no baseline", "holds nothing"]);
}

#[test]
fn a_foreign_toolchain_is_incomparable() {
    let bench = Bench::of_few();
    bench.measured(|record| {
        record.environment.insert("rustc".to_owned(), "1.0.0".to_owned());
    });
    let said = bench.run("gate");
    said.expect(Exit::Incomparable, &["rustc-1.0.0/instructions", "holds", "-- accept"]);
    let file = bench.baseline(&INSTRUCTIONS, &bench.record, "mvar");
    let said = bench.run(&format!("gate --filter mvar/ --baseline {}", path(&file)));
    said.expect(Exit::Incomparable, &["rustc is `", "` in the baseline but `1.0.0` in the record"]);
    // Nor may record and baseline agree on a compiler that did not build what is checked here.
    let both = bench.record_of(|record| {
        record.environment.insert("llvm".to_owned(), "1.0.0".to_owned());
    });
    bench.accepted(&INSTRUCTIONS, &both);
    bench.put(&INSTRUCTIONS, &both);
    bench.run("gate").expect(Exit::Incomparable, &["llvm is `1.0.0` in the record but `"]);
}

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

#[test]
fn a_chapter_that_is_only_timed_and_has_no_saved_times_is_told_which_are_missing() {
    let bench = Bench::of_few();
    let walls = walls(&bench, 100.0);
    bench.put(&WALL, &walls);
    let others =
        walls.with(walls.cases.iter().filter(|r| r.chapter() != "mvar").cloned().collect());
    bench.accepted(&WALL, &others);
    let file = bench.baseline(&WALL, &walls, "mvar");
    let none = format!(
        "nothing that decides was compared, and no saved times inform: no baseline {}; cargo ",
        file.display()
    );
    let gate = "gate --skip instructions --filter mvar/";
    bench.run(gate).expect(Exit::Incomparable, &[&none]);
    fs::remove_file(bench.fresh(&WALL, "mvar")).unwrap();
    let none =
        ["record of a selected chapter, and there is no baseline of mvar in ", "; run `cargo"];
    bench.run(gate).expect(Exit::Incomparable, &none);
}

#[test]
fn another_implementation_or_other_sources_are_incomparable() {
    let bench = Bench::of_few();
    bench.measured(|record| record.cases[0].implementation = "other".to_owned());
    bench.run("gate").expect(Exit::Incomparable, &["but `other` now"]);
    bench.measured(|record| {
        for case in &mut record.cases {
            case.origin.source = "0123456789abcdef".to_owned();
        }
    });
    bench.run("gate").expect(Exit::Incomparable, &["the record is of sources 0123456789abcdef"]);
    bench.run("accept --reason why").expect(Exit::Incomparable, &["is of other sources"]);
}

#[test]
fn another_schema_is_incomparable_and_a_damaged_file_a_failure() {
    let bench = Bench::of_few();
    let file = bench.baseline(&INSTRUCTIONS, &bench.record, "mvar");
    let text = fs::read_to_string(&file).unwrap();
    let newer = text.replace("\"schema\": 2", "\"schema\": 3");
    fs::write(&file, &newer).unwrap();
    bench.run("gate").expect(Exit::Incomparable, &["schema 3, expected 2", "stepmark accept"]);
    fs::write(&file, &text[..text.len() / 2]).unwrap();
    bench.run("gate").expect(Exit::Failure, &["mvar.json", "expected a stepmark record"]);
    fs::write(&file, &text).unwrap();
    fs::write(bench.fresh(&INSTRUCTIONS, "mvar"), newer).unwrap();
    bench.run("gate").expect(Exit::Incomparable, &["schema 3, expected 2"]);
}

#[test]
fn an_instrument_that_did_not_run_is_a_failure_unless_skipped_aloud() {
    let bench = Bench::of_few();
    bench.measured(|record| record.cases.clear());
    let said = bench.run("gate");
    said.expect(Exit::Failure, &["cargo bench --features instructions", "ci/install.sh"]);
    let said = bench.run("gate --skip instructions");
    said.expect(Exit::Incomparable, &["nothing that decides was compared"]);
    let first = said.out.lines().next().unwrap();
    assert!(first.contains("without instructions (--skip instructions)"), "{first}");
}

/// Wall times of all cases of a bench.
fn walls(bench: &Bench, median_ns: f64) -> Record {
    let wall = |row: &Row| wall(&row.id, median_ns, &row.origin);
    Record::new(&WALL, environment()).with(bench.record.cases.iter().map(wall).collect())
}

/// Makes the one record the baselines of wall times, and the other the fresh ones.
fn put_walls(bench: &Bench, old: &Record, new: &Record) {
    bench.accepted(&WALL, old);
    bench.put(&WALL, new);
}

#[test]
fn wall_times_inform_but_neither_fail_nor_pass() {
    let bench = Bench::of_few();
    put_walls(&bench, &walls(&bench, 100.0), &walls(&bench, 300.0));
    let texts = ["3.000x  UNCLEAR", "ranges apart", "wall times (inform only)"];
    bench.run("gate --filter mvar/").expect(Exit::Pass, &texts);
    let alone = bench.run("gate --filter mvar/ --skip instructions");
    alone.expect(Exit::Pass, &["3.000x  UNCLEAR", "advisory (exit 0): 0 of "]);
    let first = alone.out.lines().next().unwrap();
    assert!(first.ends_with("; advisory: nothing that decides was compared"), "{first}");
}

#[test]
fn wall_times_of_another_machine_or_of_an_unknown_one_are_not_compared() {
    let bench = Bench::of_few();
    let of = |field: &str, value: &str| {
        let mut walls = walls(&bench, 100.0);
        walls.environment.insert(field.to_owned(), value.to_owned());
        walls
    };
    for (field, old, new, why) in [
        ("cpu_name", "1", "Another", "no baseline"),
        ("caches", "L1d 32K", "L1d 48K", "caches is `L1d 32K` in the baseline but `L1d 48K` in"),
        ("cpu_model", "unknown", "unknown", "cpu_model is `unknown`: it may be any processor"),
    ] {
        put_walls(&bench, &of(field, old), &of(field, new));
        let why = format!("(inform only): not compared: {why}");
        bench.run("gate --filter mvar/").expect(Exit::Pass, &[&why]);
    }
}

#[test]
fn the_wall_time_of_a_wrong_case_is_not_shown() {
    let bench = Bench::of_few();
    let with_wrong = |median_ns| {
        let mut walls = walls(&bench, 100.0);
        walls.cases.push(wall("test/wrong-sign/n1", median_ns, &origin()));
        walls
    };
    put_walls(&bench, &with_wrong(100.0), &with_wrong(300.0));
    let mut cases = few();
    cases.retain(|case| case.id == bench.first());
    cases.push(wrong_sign());
    let right = "wall times (inform only): 0 of 1 case";
    bench.run_with(cases, "gate").expect(Exit::Wrong, &[right]);
}

#[test]
fn a_case_that_neither_side_holds_is_not_passed_over() {
    let bench = Bench::of_few();
    let without = bench.record_of(|record| {
        record.cases.remove(0);
    });
    bench.accepted(&INSTRUCTIONS, &without);
    bench.put(&INSTRUCTIONS, &without);
    bench.run("gate").expect(Exit::Incomparable, &[bench.first(), "was not measured"]);
}

#[test]
fn a_baseline_of_wall_times_does_not_stand_in_for_the_counts() {
    let bench = Bench::of_few();
    bench.measured(|record| set(&mut record.cases[0], "instructions", |n| 2 * n));
    let file = bench.dir.path().join("wall.json");
    fs::write(&file, "{\"schema\": 2, \"instrument\": \"wall\"}").unwrap();
    let said = bench.run(&format!("gate --baseline {}", path(&file)));
    said.expect(Exit::Incomparable, &["is a baseline of `wall`"]);
}

#[test]
fn a_damaged_wall_record_neither_fails_the_gate_nor_hides_what_it_found() {
    let bench = Bench::of_few();
    let walls = bench.fresh(&WALL, bench.chapter());
    fs::create_dir_all(walls.parent().unwrap()).unwrap();
    fs::write(&walls, "garbage").unwrap();
    let texts = ["wall times (inform only): not compared", &path(&walls)];
    bench.run("gate").expect(Exit::Pass, &texts);
    bench.measured(|record| set(&mut record.cases[0], "instructions", |n| 2 * n));
    bench.run("gate").expect(Exit::Regression, &["+100.00 %"]);
    fs::write(bench.fresh(&INSTRUCTIONS, bench.chapter()), "garbage").unwrap();
    bench
        .run_with(with_wrong_sign(), "gate")
        .expect(Exit::Failure, &["1 tool failure", "1 wrong result"]);
}
