//! `stepmark gate` and saved wall times, which inform and never decide.

use std::fs;

use stepmark::cli::Exit;
use stepmark::record::{INSTRUCTIONS, Record, Row, WALL};

use crate::setup::bench::{Bench, few, origin, path, set};
use crate::setup::walls::{environment, wall};

use super::{with_wrong_sign, wrong_sign};

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
