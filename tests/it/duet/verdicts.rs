//! The verdicts from pairs of samples of two builds.

use std::fs;
use std::process::Stdio;

use stepmark::gate::duet::{self, Build, Plan};
use stepmark::gate::{Change, Exit, Tolerance};

use crate::setup::repository::expect;

use super::{Fake, against, changes, findings, findings_if, on_gpu, plan, program, run};

#[test]
fn a_slower_build_is_slower_a_faster_one_faster_and_the_same_one_the_same() {
    let (fast, slow) = (Fake::new(1000), Fake::new(1100));
    let run = against(&fast, &fast).unwrap();
    assert_eq!(changes(&run), [Change::Same; 2], "{run:?}");
    assert_eq!(findings(&run), (Exit::Pass, String::new()), "no findings");
    assert_eq!(run.duet.advisory, None, "the build is like itself");
    assert_eq!(run.samples[0].blocks.len(), 10, "settled at the first look");

    let run = against(&fast, &slow).unwrap();
    assert_eq!(changes(&run), [Change::Slower; 2], "{run:?}");
    let case = &run.duet.cases[0];
    assert!(case.low <= case.ratio && case.ratio <= case.high, "{case:?}");
    assert!((case.ratio - 1.1).abs() < 0.01 && (case.new_ns - 1100.0).abs() < 10.0, "{case:?}");
    let (exit, said) = findings(&run);
    assert_eq!(exit, Exit::Regression, "{said}");
    assert!(
        said.contains("toy/a/n1: slower: CPU and wait time +")
            && said.contains("; again --filter toy/a/n1"),
        "{said}"
    );

    let run = against(&slow, &fast).unwrap();
    assert_eq!(changes(&run), [Change::Faster; 2], "{run:?}");
    assert_eq!(findings(&run).0, Exit::Pass, "a gain passes");
}

#[test]
fn a_case_is_judged_by_its_own_clock_and_margin() {
    let judged = |new: &Fake| {
        let mut old = Fake::new(1000);
        if new.list.contains("\"wall\"") {
            old.list = old.list.replace("cpu-wait", "wall");
        }
        changes(&against(&old, new).unwrap())
    };
    let mut waits = Fake::new(1000);
    waits.sample = waits.sample.replace("$t 0 $t", "$t 0 $((t * 11 / 10))");
    assert_eq!(judged(&waits), [Change::Same; 2], "CPU and wait time");
    waits.list = waits.list.replace("cpu-wait", "cuda-event");
    assert_eq!(judged(&waits), [Change::Same; 2], "CUDA event time");
    waits.list = waits.list.replace("cuda-event", "wall");
    assert_eq!(judged(&waits), [Change::Slower; 2], "wall");
    waits.sample = waits.sample.replace("$t 0 $((t * 11 / 10))", "$t $((t / 10)) $t");
    assert_eq!(judged(&waits), [Change::Same; 2], "by the wall, what waits is in it");
    waits.list = waits.list.replace("wall", "cuda-event");
    assert_eq!(judged(&waits), [Change::Same; 2], "a launch waits for nothing");
    waits.list = waits.list.replace("cuda-event", "cpu-wait");
    assert_eq!(judged(&waits), [Change::Slower; 2], "CPU and wait time");
    let mut slow = Fake::new(1040);
    assert_eq!(judged(&slow), [Change::Slower; 2], "margin 3 %");
    slow.list = slow.list.replace("false", "true");
    assert_eq!(judged(&slow), [Change::Slower; 2], "margin 3 %: only the new one says otherwise");
    let mut old = Fake::new(1000);
    old.list.clone_from(&slow.list);
    let changes = changes(&against(&old, &slow).unwrap());
    assert!(!changes.contains(&Change::Slower), "margin 5 %");
}

#[test]
fn outputs_without_a_digest_are_compared_by_each_worker() {
    let mut fake = Fake::new(1000);
    fake.hello = format!("[ $# = 1 ] || exit 9; {}", fake.hello.replace("\"7\"", "\"\""));
    assert_eq!(
        changes(&against(&fake, &fake).unwrap()),
        [Change::Same; 2],
        "no worker is told one"
    );
}

#[test]
fn a_seed_draws_an_order_and_another_seed_another() {
    // Answers that count up tell the order in which they were asked for.
    let dir = tempfile::tempdir().unwrap();
    let samples = |seed| {
        let fake = Fake::counting(dir.path(), "echo \"$((n + 1000000)) 0 1000000\"");
        run(&Plan { seed, ..plan(dir.path(), &fake, &fake) }).unwrap().samples
    };
    let drawn = samples(1);
    assert_eq!(drawn, samples(1), "drawn again");
    assert_ne!(drawn, samples(2), "another seed");
    let [a, b] = &drawn[..] else { panic!("two cases: {drawn:?}") };
    let old_first = a.blocks.iter().flatten().filter(|[old, new]| old < new).count();
    assert!((10..=40).contains(&old_first), "{old_first} of 50 pairs");
    let a_first = a.blocks.iter().zip(&b.blocks).filter(|(a, b)| a < b).count();
    assert!((1..=9).contains(&a_first), "{a_first} of 10 blocks");
}

#[test]
fn what_is_unclear_fails_only_where_that_is_asked_for() {
    let dir = tempfile::tempdir().unwrap();
    // The second of a pair takes half as long, whichever it is.
    let sample = "t=$((1000000 * (1 + n % 2))); echo $t 0 $t";
    let noisy = Fake::counting(dir.path(), sample);
    let plan = plan(dir.path(), &noisy, &noisy);
    let run = run(&plan).unwrap();
    assert_eq!(changes(&run), [Change::Unclear; 2], "{run:?}");
    assert_eq!(run.duet.advisory, None, "noise is not one-sided");
    assert!(run.samples.iter().all(|case| case.blocks.len() == 20), "two looks");
    let (exit, said) = findings(&run);
    assert_eq!(exit, Exit::Pass, "{said}");
    assert!(said.contains("unclear"), "{said}");
    assert_eq!(findings_if(&run, true, false).0, Exit::Unclear, "--strict");

    let exe = &plan.old.exe;
    let args = ["--seed", "1", "--filter", "toy/a", "--max-pairs", "100"];
    let out = program(dir.path(), exe, exe).args(args).output().unwrap();
    expect(&out, 0, &["toy/a/n1: unclear", "100 pairs"]);
}

#[test]
fn a_build_that_differs_from_itself_decides_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let mut unlike = Fake::unlike_itself(dir.path());
    unlike.list += &format!("; {}; {}", on_gpu("toy/c-cuda/n1"), Fake::listed("box/a/n1"));
    let run = against(&unlike, &unlike).unwrap();
    let tested: Vec<_> = run.duet.self_tests.iter().map(|test| &*test.timed.id).collect();
    assert_eq!(tested, ["box/a/n1", "toy/a/n1", "toy/c-cuda/n1"], "one of each chapter");
    assert!(run.duet.advisory.is_some(), "{run:?}");
    let exe = unlike.write(dir.path(), "unlike");
    let alone = duet::self_test(&Build::new(&exe), &Tolerance::default());
    assert!(alone.unwrap().is_some(), "without another build");

    let mut program = program(dir.path(), &exe, &exe);
    program.args(["--seed", "1", "--filter", "toy/a"]);
    let out = program.output().unwrap();
    expect(&out, 0, &["advisory (exit 0)"]);
    let said = String::from_utf8(out.stdout).unwrap();
    assert!(
        said.lines().next().unwrap().contains("advisory: paired times only inform: "),
        "{said}"
    );
    assert!(!said.to_lowercase().contains("pass"), "{said}");

    program.arg("--strict");
    expect(&program.output().unwrap(), 6, &["paired times only inform"]);
    let mut unread = program.stdout(Stdio::piped()).spawn().unwrap();
    drop(unread.stdout.take());
    assert_eq!(unread.wait().unwrap().code(), Some(6), "the reader is gone, the verdict stays");
    if cfg!(target_os = "linux") {
        let full = fs::File::options().write(true).open("/dev/full").unwrap();
        expect(&program.stdout(full).output().unwrap(), 1, &["No space left"]);
    }
}

#[test]
fn without_a_self_test_nothing_is_trusted() {
    let dir = tempfile::tempdir().unwrap();
    let trusted = |change: &dyn Fn(&mut Fake)| {
        let mut fake = Fake::new(1000);
        change(&mut fake);
        let build = Build::new(fake.write(dir.path(), "build"));
        duet::self_test(&build, &Tolerance::default()).unwrap()
    };
    assert_eq!(trusted(&|_| ()), None, "it is like itself");
    let untested = Some("no case could be compared with itself".to_owned());
    assert_eq!(trusted(&|fake| fake.list = "true".to_owned()), untested, "no case");
    assert_eq!(trusted(&|fake| fake.list = on_gpu("toy/a-cuda/n1")), untested, "only a GPU");
    assert_eq!(trusted(&|fake| fake.hello = "echo 'wrong x'".to_owned()), untested, "wrong");
    assert_eq!(trusted(&|fake| fake.end = "echo 'wrong x'".to_owned()), untested, "wrong late");

    let mut slow = Fake::new(1100);
    slow.end = "[ $1 = toy/b/n1 ] && echo right || echo wrong x".to_owned();
    let run = against(&Fake::new(1000), &slow).unwrap();
    assert_eq!(changes(&run), [Change::Slower], "the other case is compared: {run:?}");
    assert_eq!(run.duet.advisory, untested, "but its chapter was not");
    assert_eq!(findings_if(&run, false, false).0, Exit::Wrong, "{run:?}");
}

#[test]
fn a_wrong_answer_has_no_time() {
    let right = Fake::new(1000);
    let mut wrong = right.clone();
    wrong.hello = "echo 'wrong y[0] is 1, expected 2'".to_owned();
    let run = against(&right, &wrong).unwrap();
    assert!(run.duet.cases.is_empty() && run.samples.is_empty(), "{run:?}");
    let (exit, said) = findings(&run);
    assert_eq!(exit, Exit::Wrong, "{said}");
    assert!(said.contains("the answer of NEW is wrong: y[0] is 1, expected 2"), "{said}");
    assert_eq!(said.lines().count(), 2, "each case, and nothing that follows from it: {said}");
    assert_eq!(run.duet.advisory, None, "{run:?}");
    let (exit, said) = findings(&against(&wrong, &right).unwrap());
    assert_eq!(exit, Exit::Incomparable, "{said}");
    assert!(said.contains("the answer of OLD is wrong"), "{said}");
    let mut late = right.clone();
    late.end = "echo 'wrong the timed runs left other bits'".to_owned();
    assert_eq!(findings(&against(&right, &late).unwrap()).0, Exit::Wrong, "late");
    late = right.clone();
    late.sample = "echo 'wrong the timed runs left other bits'".to_owned();
    let (exit, said) = findings(&against(&right, &late).unwrap());
    assert_eq!((exit, said.lines().count()), (Exit::Wrong, 2), "in a sample: {said}");
    let (exit, said) = findings(&against(&late, &right).unwrap());
    assert_eq!((exit, said.lines().count()), (Exit::Incomparable, 2), "of OLD: {said}");
}

#[test]
fn the_only_case_is_wrong_and_that_is_all_there_is_to_say() {
    let dir = tempfile::tempdir().unwrap();
    let (right, mut wrong) = (Fake::new(1000), Fake::new(1000));
    wrong.sample = "echo wrong x".to_owned();
    let (old, new) = (right.write(dir.path(), "old"), wrong.write(dir.path(), "new"));
    let out = program(dir.path(), old, new).args(["--filter", "toy/a"]).output().unwrap();
    expect(&out, 4, &["toy/a/n1: the answer of NEW is wrong: x", "wrong result by `slower`"]);
    let said = String::from_utf8(out.stdout).unwrap();
    assert_eq!(said.matches("FAIL").count(), 1, "{said}");
    for untrue in ["advisory", "only inform", "no selected case", "no case could be"] {
        assert!(!said.contains(untrue), "`{untrue}` in {said}");
    }
}

#[test]
fn an_older_build_is_compared_by_the_clock_that_it_has() {
    let (older, mut new) = (Fake::new(1000).older(), Fake::new(1100));
    // Waits are more than the margin, and not seen.
    let sample = new.sample.replace("$t 0 $t", "$t $t");
    let hello = new.hello.replace("\"protocol\":2", "\"protocol\":1");
    new.hello = format!("[ \"$1 $2\" = '--protocol 1' ] || exit 9; shift 2; {hello}");
    new.sample.clone_from(&sample);
    let run = against(&older, &new).unwrap();
    assert_eq!(changes(&run), [Change::Slower; 2], "{run:?}");
    let (exit, said) = findings(&run);
    assert_eq!(exit, Exit::Regression, "{said}");
    assert!(said.contains("toy/a/n1: slower: thread CPU time +"), "{said}");
    assert_eq!(said.matches("a build is of an older stepmark: ").count(), 1, "{said}");

    let run = against(&new, &older).unwrap();
    assert_eq!(changes(&run), [Change::Faster; 2], "the other way round: {run:?}");
    let run = against(&older, &older).unwrap();
    assert_eq!(changes(&run), [Change::Same; 2], "two of them: {run:?}");
    let (_, said) = findings(&against(&Fake::new(1000), &Fake::new(1000)).unwrap());
    assert_eq!(said, "", "two later ones");
}

#[test]
fn a_step_that_became_much_faster_is_faster() {
    let step = |ns: u64| {
        let mut fake = Fake::new(ns);
        fake.hello = fake.hello.replace("1000}", &format!("{ns}}}"));
        fake.sample = format!("t=$((steps * {ns})); echo \"$t 0 $t\"");
        fake
    };
    let run = against(&step(3_000_000), &step(30)).unwrap();
    assert_eq!(changes(&run), [Change::Faster; 2], "{run:?}");
    assert!(run.samples.iter().all(|case| case.steps == 1), "as the slower one needs: {run:?}");
    assert_eq!(findings(&run).0, Exit::Pass, "{run:?}");
    let run = against(&step(30), &step(3_000_000)).unwrap();
    assert_eq!(changes(&run), [Change::Slower; 2], "{run:?}");
}

#[test]
fn a_build_that_lost_its_processor_while_it_tried_a_step_is_asked_again() {
    let says = |step_ns: u64| {
        let mut fake = Fake::new(1000);
        fake.hello = fake.hello.replace("1000}", &format!("{step_ns}}}"));
        fake.sample = "t=$((steps * 1000)); echo \"$t 0 $t\"".to_owned();
        fake
    };
    for [old, new] in [[5_000_000, 1000], [1000, 5_000_000], [1000, 1900]] {
        let run = against(&says(old), &says(new)).unwrap();
        let steps: Vec<u64> = run.samples.iter().map(|case| case.steps).collect();
        let want = if new == 1900 { 1579 } else { 3000 };
        assert_eq!(steps, [want; 2], "{old} and {new}");
    }
}

#[test]
fn a_sample_follows_up_to_fifteen_steps_that_nobody_times() {
    let dir = tempfile::tempdir().unwrap();
    let mut fake = Fake::new(1000);
    let leads = dir.path().join("leads");
    fake.sample += &format!("; echo $lead >> {}", leads.display());
    run(&plan(dir.path(), &fake, &fake)).unwrap();
    let read = || -> Vec<u64> {
        let text = fs::read_to_string(&leads).unwrap();
        fs::remove_file(&leads).unwrap();
        text.lines().map(|lead| lead.parse().unwrap()).collect()
    };
    let seen = read();
    assert!((0..=15).all(|lead| seen.contains(&lead)) && seen.iter().all(|&lead| lead <= 15));
    // No more than the sample has itself.
    fake.hello = fake.hello.replace("1000}", "3000000}");
    run(&plan(dir.path(), &fake, &fake)).unwrap();
    assert!(read().iter().all(|&lead| lead <= 1), "a step takes as long as a sample");
}
