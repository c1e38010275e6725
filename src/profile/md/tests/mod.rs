//! Profiles of potentials with and without faults.

mod original;
mod planted;

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use planted::{Fault, Planted};

use super::measure::Plan;
use super::profile::{Motion, Profile, Properties, Subject, profile_frames, profile_potential};
use super::record::{Kind, Measured, Record};
use super::{Error, sums};
use crate::md::boxes::{self, Substance};
use crate::md::{StillingerWeber, System, fixtures};

/// 64 atoms of silicon near 300 K.
fn silicon() -> System {
    Substance::Silicon.prepare(64, 3, 200)
}

fn short(steps: usize) -> Plan {
    Plan { steps, ..Plan::default() }
}

fn profile(fault: Fault, plan: &Plan) -> Profile {
    profile_potential("sw", &Planted::new(fault), silicon(), 0.001, 1.0, plan).unwrap()
}

/// Frames of a trajectory of `system`.
fn frames(mut system: System, count: usize, every: usize) -> Vec<System> {
    let mut field = crate::md::Field::new(StillingerWeber::SILICON, &system, 1.0).unwrap();
    let mut next = || {
        crate::md::integrate::run(&mut system, &mut field, 0.001, every);
        system.clone()
    };
    (0..count).map(|_| next()).collect()
}

/// Whether a verdict is good.
#[track_caller]
fn verdict(profile: &Profile, name: &str) -> Option<bool> {
    let all = &profile.extended.verdicts;
    let found = all.iter().find(|verdict| verdict.name == name);
    found.unwrap_or_else(|| panic!("no verdict on {name}: {all:?}")).is_good
}

#[test]
fn parts_add_up_to_the_step_whatever_it_holds() {
    let properties = Properties { stress: true, ..Properties::default() };
    for (potential, system) in [
        (boxes::damped_water(), fixtures::water_192()),
        (boxes::ewald_water(), fixtures::water_192()),
    ] {
        let motion = Motion::Dynamics { dt_ps: 0.000_5 };
        let mut subject = Subject::of("spcfw", &potential, system, motion, 1.0);
        subject.properties = properties;
        let found = subject.profile(&short(12)).unwrap();
        let names: Vec<_> = found.extended.phases.iter().map(|phase| &*phase.name).collect();
        let passes = found.extended.phases.iter().filter(|phase| phase.is_pass).count();
        assert_eq!(names[..4], ["neighbours", "pairs", "own molecule", "springs"], "{names:?}");
        assert_eq!(names[1 + passes..], ["integrate", "check", "other", "stress"], "{names:?}");
        for record in &found.repeats {
            for (step, latency) in record.latency_ns.iter().enumerate() {
                let parts: u64 = record.spent_ns.iter().map(|part| part[step]).sum();
                assert_eq!(parts, *latency, "step {step}");
            }
        }
        assert_eq!(found.extended.phases_ms, found.extended.steps_ms, "all steps");
        assert!(found.extended.phases.iter().all(|phase| phase.calls == 36), "calls");
        let share: f64 = found.extended.phases.iter().map(|phase| phase.share_pct).sum();
        assert!((share - 100.0).abs() < 1e-9, "{share} %");
        let (document, stress) = (&found.document, found.document.stress_time_ms.unwrap());
        let forces = document.forces_time_ms.unwrap();
        assert!(stress > 0.0 && stress < 0.01 * forces && forces < document.mean_latency_ms);
        assert_eq!(document.energy_time_ms, None, "energy");
        assert!(found.extended.energy_reason.unwrap().contains("one evaluation"), "reason");
    }
}

#[test]
fn positions_that_come_twice_are_refused() {
    let frames = frames(silicon(), 8, 1);
    let sw = StillingerWeber::SILICON;
    let found = profile_frames("sw", &sw, &frames, 1.0, &short(8)).unwrap();
    assert_eq!((found.document.n_steps, found.repeats.len()), (8, 3), "steps, repeats");
    let mut twice = frames.clone();
    twice[5] = twice[2].clone();
    let why = profile_frames("sw", &sw, &twice, 1.0, &short(8)).unwrap_err().to_string();
    assert!(why.starts_with("warm-up 3 and warm-up 6 have the same positions"), "{why}");
    let same = vec![frames[0].clone(); 20];
    let plan = Plan { warmup: 0, ..short(20) };
    let why = profile_frames("sw", &sw, &same, 1.0, &plan).unwrap_err().to_string();
    assert!(why.starts_with("step 1 and step 2 have the same positions: a result"), "{why}");
    let rest = boxes::silicon_crystal(2, 5.43);
    let cold = System { velocities: vec![[0.0; 3]; 64], ..rest };
    // A crystal at rest is moved by rounding alone, if at all.
    let still = crate::md::LennardJones::argon(crate::md::potentials::Truncation::ForceShifted);
    let far = System { positions: cold.positions[..1].to_vec(), ..boxes::argon_crystal(1, 40.0) };
    let one = System { species: vec![0], masses: vec![40.0], charges: vec![0.0], ..far };
    let one = System { velocities: vec![[0.0; 3]], ..one };
    let found = profile_potential("lj", &still, one, 0.001, 1.0, &short(5));
    assert!(matches!(found, Err(Error::Repeated { .. })), "{found:?}");
}

#[test]
fn frames_are_evaluated_with_the_list_at_hand_or_a_new_one() {
    // 0.05 ps from frame to frame, in which no atom moves half an angstrom.
    let near = frames(silicon(), 12, 5);
    let sw = StillingerWeber::SILICON;
    let plan = Plan { repeat: 2, ..short(12) };
    let found = profile_frames("sw", &sw, &near, 1.0, &plan).unwrap();
    for record in &found.repeats {
        let rebuilt = record.kinds.iter().filter(|kind| **kind == Kind::Rebuilt).count();
        assert!(rebuilt < 6, "{rebuilt} of 12");
    }
    let far = profile_frames("sw", &sw, &near, 0.01, &plan).unwrap();
    let kinds = far.repeats[0].kinds.iter();
    assert_eq!(kinds.filter(|kind| **kind == Kind::Rebuilt).count(), 12, "all are too far");
    // The list that is at hand has the forces of a new one.
    for (a, b) in far.repeats.iter().zip(&found.repeats) {
        for (a, b) in a.potential_ev.iter().zip(&b.potential_ev) {
            assert!((a - b).abs() < 1e-10, "{a} eV, {b} eV");
        }
    }
    // A cell of its own for each frame.
    let mut grown = near.clone();
    for (k, frame) in grown.iter_mut().enumerate() {
        let edge = 10.862 * (1.0 + 1e-3 * k as f64);
        frame.cell = crate::md::Cell::orthorhombic([edge; 3]).unwrap();
    }
    let found = profile_frames("sw", &sw, &grown, 1.0, &plan).unwrap();
    assert_eq!(found.extended.neighbours.builds, 24, "a cell each");
    assert!(found.extended.validity.energy_reason.unwrap().contains("not integrated"), "energy");
    let mut other = near;
    other[3].positions.pop();
    other[3].species.pop();
    let why = profile_frames("sw", &sw, &other, 1.0, &plan).unwrap_err().to_string();
    assert!(why.starts_with("frame 4: found other atoms"), "{why}");
}

#[test]
fn wrong_forces_are_refused() {
    let wrong = Planted::new(Fault::Wrong(1.0 + 1e-9));
    let why = profile_potential("sw", &wrong, silicon(), 0.001, 1.0, &short(5)).unwrap_err();
    assert!(matches!(&why, Error::Differs { what, .. } if what.contains("atom")), "{why}");
}

#[test]
fn a_step_that_leads_nowhere_ends_it() {
    let sw = StillingerWeber::SILICON;
    let why = profile_potential("sw", &sw, silicon(), 1.0, 0.4, &short(50)).unwrap_err();
    assert!(matches!(&why, Error::Stopped { why, .. } if why.contains("half the skin")), "{why}");
    for plan in [short(0), Plan { repeat: 0, ..short(5) }] {
        let why = profile_potential("sw", &sw, silicon(), 0.001, 1.0, &plan).unwrap_err();
        assert!(matches!(why, Error::Nothing { .. }), "{why}");
    }
    let why = profile_frames("sw", &sw, &[], 1.0, &short(5)).unwrap_err().to_string();
    assert_eq!(why, "frames: found none, expected at least one");
}

/// Steps that are put together by hand.
fn measured(parts: &[&str], repeats: Vec<Record>) -> Measured {
    Measured {
        parts: parts.iter().map(|part| (*part).to_owned()).collect(),
        passes: 1,
        repeats,
        builds: 0,
        dangerous_builds: 0,
        prunings: 0,
        memory_reason: None,
        heap_reason: None,
        first_positions: String::new(),
        last_positions: String::new(),
        compared: Vec::new(),
    }
}

#[test]
fn few_builds_of_the_list_tell_no_part_of_a_step() {
    // Of frames the first build is that of atoms which the profile has moved.
    for (builds, moves, share) in [(4, true, 10.0), (5, true, 1900.0 / 109.0), (5, false, 10.0)] {
        let mut record = Record::touched(50, 2, 0, moves);
        record.waited_ns.fill(0);
        record.kinds.fill(Kind::Quiet);
        record.spent_ns = vec![vec![100; 50], vec![900; 50]];
        record.latency_ns.fill(1000);
        for step in 0..builds {
            record.kinds[step] = Kind::Rebuilt;
            record.spent_ns[0][step] = 1000;
            record.latency_ns[step] = 1900;
        }
        let found = sums::phases(&measured(&["neighbours", "forces"], vec![record]));
        assert!((found[0].busy_share_pct - share).abs() < 1e-9, "{builds}: {found:?}");
    }
}

#[test]
fn a_heap_that_grows_is_a_leak_even_where_no_page_is_new() {
    let plan = Plan { repeat: 2, ..short(1000) };
    let mut nth = 0;
    let repeats = (0..plan.repeat).map(|_| {
        let mut record = Record::touched(plan.steps, 0, plan.steps / 10, false);
        record.resident_bytes.fill(50 << 20);
        for bytes in &mut record.heap_bytes {
            *bytes = (1 << 20) + 10_240 * nth;
            nth += 1;
        }
        record
    });
    let found = sums::memory(&plan, &measured(&[], repeats.collect()));
    let [heap, resident] = [found.heap, found.resident].map(Option::unwrap);
    assert!(heap.is_leak && heap.bytes_per_step == 1024.0, "{heap:?}");
    assert!(!resident.is_leak && resident.bytes_per_step == 0.0, "{resident:?}");
}

/// Faults by what is resident, in a process of their own: other tests take memory, too.
#[test]
#[cfg(target_os = "linux")]
fn planted_faults_are_named_beside_a_load_and_clean_runs_have_none() {
    let own = std::env::current_exe().unwrap();
    let name = "profile::md::tests::faults_and_none_on_a_busy_machine";
    let child = std::process::Command::new(own)
        .args(["--exact", name, "--ignored", "--nocapture", "--test-threads=1"])
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&child.stdout);
    assert!(child.status.success(), "{said}{}", String::from_utf8_lossy(&child.stderr));
    assert!(said.contains("1 passed"), "{said}");
}

/// A kilobyte a step for 2,000 steps, a list and a tail that are slow, and 20 runs without a fault, none
/// of which is called faulty: all beside two threads that keep the processors busy.
#[test]
#[ignore = "runs in a process of its own"]
fn faults_and_none_on_a_busy_machine() {
    let is_over = AtomicBool::new(false);
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                while !is_over.load(Ordering::Relaxed) {
                    std::hint::spin_loop();
                }
            });
        }
        let found = std::panic::catch_unwind(faults_and_none);
        is_over.store(true, Ordering::Relaxed);
        found.unwrap_or_else(|why| std::panic::resume_unwind(why));
    });
}

fn faults_and_none() {
    // Integration takes a tenth of so short a step; a slow part takes more than a quarter.
    let profile = |fault, plan: &Plan| {
        let (potential, motion) = (Planted::new(fault), Motion::Dynamics { dt_ps: 0.001 });
        let subject = Subject::of("sw", &potential, silicon(), motion, 1.0);
        Subject { threshold_pct: 25.0, ..subject }.profile(plan).unwrap()
    };
    for clean in 0..20 {
        let found = profile(Fault::None, &short(200));
        for name in ["resident memory", "change of memory", "parts", "list", "forces", "energy"] {
            let all = (&found.extended.verdicts, &found.extended.memory);
            assert_eq!(verdict(&found, name), Some(true), "run {clean}, {name}: {all:?}");
        }
        let tail = (verdict(&found, "tail"), &found.extended.tail);
        assert_ne!(tail.0, Some(false), "run {clean}: {tail:?}");
    }
    for _ in 0..3 {
        let found = profile(Fault::Tail(5), &short(200));
        let tail = &found.extended.tail;
        assert_eq!(
            (verdict(&found, "tail"), tail.period_steps),
            (Some(false), Some(50)),
            "{tail:?}"
        );
        let slow = Fault::SlowList(Duration::from_micros(100));
        let found = profile(slow, &short(20));
        assert_eq!(verdict(&found, "neighbours"), Some(false), "{:?}", found.extended.phases);
    }
    let found = profile(Fault::Leak(1024), &Plan { repeat: 1, ..short(2000) });
    let memory = &found.extended.memory;
    assert_eq!(verdict(&found, "resident memory"), Some(false), "{memory:?}");
    let rate = memory.resident.unwrap().bytes_per_step;
    assert!((800.0..1400.0).contains(&rate), "{rate} bytes per step");
    assert!(memory.is_stable.unwrap(), "2 MB are below 10");
}
