//! Cases that are not the same on both sides.

use stepmark::gate::duet::Plan;
use stepmark::gate::{Change, Exit};

use super::{Fake, against, changes, findings, findings_if, plan, run};

#[test]
fn other_bits_of_an_exact_case_are_incomparable_unless_allowed_and_else_a_note() {
    let dir = tempfile::tempdir().unwrap();
    let with = |digest: &str, exact: bool| {
        let mut fake = Fake::new(1000);
        fake.hello = fake.hello.replace("\"7\"", &format!("\"{digest}\""));
        fake.list = fake.list.replace("false", &format!("false,\"exact\":{exact}"));
        fake
    };
    let said = |old: &Fake, new: &Fake, allow_changed| {
        let run = run(&Plan { allow_changed, ..plan(dir.path(), old, new) }).unwrap();
        findings(&run)
    };
    let what = "toy/a/n1: leaves other bits in NEW (8) than in OLD (7)";
    // The change cannot take it back.
    for exact in [[true, true], [true, false], [false, true]] {
        let (exit, text) = said(&with("7", exact[0]), &with("8", exact[1]), false);
        assert_eq!(exit, Exit::Incomparable, "{exact:?}: {text}");
        assert!(text.contains(&format!("FAIL incomparable  {what}")), "{text}");
        assert!(text.contains("; --allow-changed accepts them; again --filter toy/a/n1"), "{text}");
    }
    for (exact, allowed) in [(true, true), (false, false)] {
        let (exit, text) = said(&with("7", exact), &with("8", exact), allowed);
        assert_eq!(exit, Exit::Pass, "{text}");
        assert!(text.contains(&format!("note               {what}\n")), "{text}");
    }
    assert_eq!(said(&with("7", true), &with("7", true), false), (Exit::Pass, String::new()));
    let (exit, text) = said(&with("", true), &with("8", true), false);
    assert_eq!((exit, &*text), (Exit::Pass, ""), "one that compares each time");
}

#[test]
fn threads_that_a_case_does_not_declare_are_a_note() {
    let (one, mut several) = (Fake::new(1000), Fake::new(1000));
    several.hello = several.hello.replace("1000}", "1000,\"threads\":true}");
    let (exit, said) = findings(&against(&one, &several).unwrap());
    assert_eq!((exit, said.lines().count()), (Exit::Pass, 2), "{said}");
    assert!(said.contains("note               toy/b/n1: runs on several threads"), "{said}");
    assert_eq!(findings(&against(&several, &one).unwrap()).1, "", "the change mends it");
    let mut declared = Fake::new(1000);
    declared.list = declared.list.replace("cpu-wait", "wall");
    let (exit, said) = findings(&against(&one, &declared).unwrap());
    assert_eq!(exit, Exit::Incomparable, "another clock is another case: {said}");
    let clock = "toy/a/n1: is timed by wall time, as NEW says, where OLD says CPU and wait time";
    assert!(said.contains(clock), "{said}");
}

#[test]
fn a_case_that_one_build_lacks_is_named() {
    let (both, mut one) = (Fake::new(1000), Fake::new(1000));
    one.list = one.list.split("; ").next().unwrap().replace("scalar", "avx2");
    let run = against(&both, &one).unwrap();
    let (exit, said) = findings(&run);
    assert_eq!(exit, Exit::Incomparable, "{said}");
    assert!(said.contains("toy/b/n1: is gone") && said.contains("--allow-removed"), "{said}");
    assert!(
        said.contains("note               toy/a/n1: is `scalar` in OLD but `avx2` in NEW"),
        "{said}"
    );
    assert_eq!(findings_if(&run, false, true).0, Exit::Pass, "allowed");
    let (exit, said) = findings(&against(&one, &both).unwrap());
    assert_eq!(exit, Exit::Pass, "{said}");
    assert!(said.contains("toy/b/n1: is new"), "{said}");
    one.list = one.list.replace("toy/a", "toy/c");
    let (exit, said) = findings_if(&against(&both, &one).unwrap(), false, true);
    assert_eq!(exit, Exit::Incomparable, "{said}");
    assert!(said.contains("no selected case is both here and in old"), "{said}");
}

#[test]
fn a_case_whose_step_does_other_work_is_another_case() {
    let with = |units: u64| {
        let mut fake = Fake::new(1000 * units);
        let a = fake.list.split("; ").next().unwrap();
        let a = a.replace("false", &format!("false,\"units\":{units}"));
        fake.list = format!("{a}; {}", Fake::listed("toy/b/n1"));
        fake.hello = fake.hello.replace("1000", &(1000 * units).to_string());
        fake
    };
    let (one, two) = (with(1), with(2));
    let run = against(&one, &two).unwrap();
    let (exit, said) = findings(&run);
    assert_eq!(exit, Exit::Incomparable, "{said}");
    assert_eq!(findings_if(&run, false, true).0, Exit::Regression, "toy/b does not say: {run:?}");
    for text in
        ["toy/a/n1: is gone", "toy/a/n1: is new", "does 1 units a step in OLD but 2 units in NEW"]
    {
        assert!(said.contains(text), "`{text}` in {said}");
    }
    assert!(run.duet.cases.iter().all(|case| case.id == "toy/b/n1"), "{run:?}");
    let run = against(&one, &one).unwrap();
    assert_eq!(changes(&run), [Change::Same; 2], "the same work: {run:?}");
}

#[test]
fn a_smaller_input_with_more_work_a_point_is_not_faster() {
    // A quarter of the points at three times the work each: as many units, fewer bytes, less time.
    let with = |step_ns, flops, bytes| {
        let mut fake = Fake::new(step_ns);
        let work = format!("false,\"units\":1,\"flops\":{flops},\"bytes\":{bytes}");
        fake.list = fake.list.replace("false", &work);
        fake
    };
    let whole = with(1000, 400, 1600);
    for quarter in [with(750, 300, 400), with(750, 400, 400), with(750, 300, 1600)] {
        let run = against(&whole, &quarter).unwrap();
        let (exit, said) = findings_if(&run, false, true);
        assert_eq!(exit, Exit::Incomparable, "{said}");
        assert!(said.contains("toy/a/n1: does 1 units, 400 flops, 1600 bytes a step"), "{said}");
        assert!(!said.contains("faster"), "{said}");
    }
    assert_eq!(findings(&against(&whole, &Fake::new(1000)).unwrap()).1, "", "it does not say");
}
