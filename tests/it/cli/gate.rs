//! The findings of `stepmark gate` in counts, planted here.

use std::fs;

use stepmark::cli::Exit;
use stepmark::record::INSTRUCTIONS;

use crate::setup::bench::{Bench, cases, counted, path, set};

use super::with_wrong_sign;

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
    said.expect(
        Exit::Failure,
        &["cargo bench --no-default-features --features chapters,instructions", "ci/install.sh"],
    );
    let said = bench.run("gate --skip instructions");
    said.expect(Exit::Incomparable, &["nothing that decides was compared"]);
    let first = said.out.lines().next().unwrap();
    assert!(first.contains("without instructions (--skip instructions)"), "{first}");
}
