//! What holds for every case of this crate.

use std::collections::{BTreeMap, BTreeSet};
use std::hint::black_box;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::thread;

use stepmark::case::{self, Case};
use stepmark::registry::{cases, scaling};

use crate::rom::allocations::blocks;

/// Seconds that a bench may take for the cases of some chapters.
const BUDGETS: [(&[&str], f64); 4] =
    [(&["lattice"], 75.0), (&["md"], 60.0), (&["mvar", "lstm", "rom"], 60.0), (&["stream"], 10.0)];

fn both() -> Vec<Case> {
    cases().into_iter().chain(scaling()).collect()
}

/// Kernels whose steps may allocate: epochs, decompositions and shifts work in memory of their own.
const ALLOCATING: [&str; 3] = ["lstm/train-epoch-", "rom/pod-align/", "rom/pod-r"];

#[test]
fn every_case_is_right_that_can_run_here_and_its_steps_allocate_nothing() {
    assert_eq!(blocks(|| drop(black_box(Box::new(1)))), 1, "the counter is blind");
    let (next, allocating) = (AtomicUsize::new(0), Mutex::new(BTreeSet::new()));
    let check = || {
        let cases = both();
        while let Some(case) = cases.get(next.fetch_add(1, Relaxed)) {
            if case.is_on_device() {
                case.check().unwrap_or_else(|err| panic!("{}: {err}", case.id));
                continue;
            }
            let (mut step, _) = case.checked().unwrap_or_else(|err| panic!("{}: {err}", case.id));
            if blocks(|| step.run()) + blocks(|| step.run()) > 0 {
                allocating.lock().unwrap().insert(case.id.clone());
            }
        }
    };
    // More would need more memory than some machines have.
    let threads = thread::available_parallelism().map_or(1, usize::from).min(4);
    thread::scope(|scope| (0..threads).for_each(|_| drop(scope.spawn(check))));
    assert!(next.into_inner() >= both().len(), "all were checked");
    let mut found = allocating.into_inner().unwrap();
    found.retain(|id| !ALLOCATING.iter().any(|kernel| id.starts_with(kernel)));
    assert!(found.is_empty(), "their warm steps allocate: {found:?}");
}

#[test]
fn ids_are_three_plain_parts_short_and_unique_over_both_lists() {
    let cases = both();
    for Case { id, work, .. } in &cases {
        assert!(work.units > 0 && !work.unit.is_empty(), "{id}: {work:?}");
        assert!(work.resident_bytes > 0, "{id}: {work:?}");
    }
    assert_eq!(case::flaw(cases.iter().map(|case| case.id.as_str())), None, "all of them");
}

#[test]
fn no_change_may_alter_the_bits_of_an_integer_kernel() {
    let integer = |case: &Case| ["lattice", "stream"].contains(&case.chapter());
    for case in both().iter().filter(|case| !case.is_on_device()) {
        assert_eq!(case.exact, integer(case), "{}", case.id);
    }
}

#[test]
fn a_chapter_is_one_run_of_cases() {
    for cases in [cases(), scaling()] {
        let runs = cases.chunk_by(|a, b| a.chapter() == b.chapter()).count();
        let chapters: BTreeSet<&str> = cases.iter().map(Case::chapter).collect();
        assert_eq!(runs, chapters.len(), "benches/wall.rs makes one group of a run");
    }
}

#[test]
fn each_bench_of_a_chapter_stays_within_its_budget() {
    let mut seconds = BTreeMap::new();
    for case in cases() {
        let budget = BUDGETS.iter().find(|(chapters, _)| chapters.contains(&case.chapter()));
        // Of chapters without an agreed budget each has as much as the smallest.
        let (name, most) = match budget {
            Some((chapters, most)) => (chapters.join(", "), *most),
            None => (case.chapter().to_owned(), 10.0),
        };
        let sum = seconds.entry((name.clone(), case.is_on_device())).or_insert(0.0);
        *sum += case.sampling().seconds();
        assert!(*sum <= most, "{name}: {} brings it to {sum} s, over {most} s", case.id);
    }
}

#[test]
fn the_instruction_bench_has_the_same_list() {
    let counted = cases().into_iter().filter(Case::is_counted);
    let list: String = counted.map(|case| case.id + "\n").collect();
    let file = include_str!("../../benches/cases.txt");
    assert!(list == file, "run `cargo run -- list --cpu > benches/cases.txt`");
}
