//! Times that no bench sees: tails of single steps, builds of lists, and ratios within one process.
//!
//! They are processor time of the thread, for a turn of another process would be in some medians and not in others.
//!
//! `taskset -c 1 cargo test --release --lib -- --ignored --nocapture md::cases::timing`

use std::time::Duration;

use super::models::{
    ALUMINIUM, ARGON_OFF, IRON, Model, SILICON, SILICON_OFF, WATER_OFF, argon, water,
    water_in_a_field,
};
use super::steps::Steps;
use super::{Isa, System, aluminium, field, fixtures, iron, silicon};
use crate::case::Step as _;
use crate::md::clusters::ClusterList;
use crate::md::neighbours::List;
use crate::md::potentials::Potential;
use crate::md::{NeighbourList, run};

fn now() -> Duration {
    run::thread().expect("a clock of this thread")
}

fn ns_since(start: Duration) -> f64 {
    (now() - start).as_secs_f64() * 1e9
}

fn sorted(mut times: Vec<f64>) -> Vec<f64> {
    times.sort_by(f64::total_cmp);
    times
}

/// The 99th percentile over the mean of the steps that leave the list as it is, of `steps`.
fn tail<P: Potential + Copy>(name: &str, model: &Model<P>, mut system: System, steps: u64) -> f64 {
    let mut field = field(model, &system);
    let (mut quiet, mut others) = (Vec::new(), Vec::new());
    for step in 0..steps {
        let before = (field.list().builds(), field.list().prunings());
        let start = now();
        model.advance(&mut system, &mut field, step..step + 1);
        let ns = ns_since(start);
        let after = (field.list().builds(), field.list().prunings());
        if before == after { &mut quiet } else { &mut others }.push(ns);
    }
    let (quiet, others) = (sorted(quiet), sorted(others));
    let mean = quiet.iter().sum::<f64>() / quiet.len() as f64;
    let at = |percent: usize| quiet[(quiet.len() - 1) * percent / 100];
    println!(
        "{name}: {} steps of {mean:.0} ns, median {:.0}, p99 {:.0}, most {:.0}; {} others, most {:.0}",
        quiet.len(),
        at(50),
        at(99),
        at(100),
        others.len(),
        others.last().unwrap_or(&0.0),
    );
    at(99) / mean
}

#[test]
#[ignore = "wants a quiet core"]
fn steps_that_leave_the_list_alone_have_short_tails() {
    let ratios = [
        tail("silicon", &SILICON, fixtures::silicon_512(), 8000),
        tail("argon", &argon(), fixtures::argon_256(), 8000),
        tail("aluminium", &ALUMINIUM, fixtures::aluminium_500(), 4000),
        tail("iron", &IRON, fixtures::iron_1024(), 4000),
        tail("water", &water(), fixtures::water_648(), 4000),
    ];
    assert!(ratios.iter().all(|ratio| *ratio < 1.5), "p99 over mean: {ratios:?}");
}

/// Median time of ten steps of the first model over that of the second, in turn.
fn ratio<P, Q>(name: &str, slow: Model<P>, fast: Model<Q>, start: impl Fn() -> System) -> f64
where
    P: Potential + Copy,
    Q: Potential + Copy,
{
    let (mut slow, mut fast) = (Steps::new(slow, 10, start()), Steps::new(fast, 10, start()));
    let atoms = slow.system.len() as f64;
    let (mut slow_ns, mut fast_ns) = (Vec::new(), Vec::new());
    for _ in 0..1000 {
        let from = now();
        slow.run();
        slow_ns.push(ns_since(from));
        let from = now();
        fast.run();
        fast_ns.push(ns_since(from));
    }
    let [slow, fast] = [slow_ns, fast_ns].map(|ns| sorted(ns)[500] / (10.0 * atoms));
    println!("{name}: {slow:.1} and {fast:.1} ns per atom and step, {:.3}", slow / fast);
    slow / fast
}

#[test]
#[ignore = "wants a quiet core with AVX-512"]
fn avx2_takes_at_most_twice_as_long_as_avx512() {
    let ratios = [
        ratio("silicon", SILICON.on(Isa::Avx2), SILICON, fixtures::silicon_512),
        ratio("argon", argon().on(Isa::Avx2), argon(), fixtures::argon_256),
        ratio("aluminium", ALUMINIUM.on(Isa::Avx2), ALUMINIUM, aluminium(5)),
        ratio("iron", IRON.on(Isa::Avx2), IRON, iron(8)),
        ratio("damped water", water().on(Isa::Avx2), water(), fixtures::water_648),
        ratio(
            "water in a field",
            water_in_a_field().on(Isa::Avx2),
            water_in_a_field(),
            fixtures::water_648,
        ),
    ];
    assert!(ratios.iter().all(|ratio| *ratio < 2.0), "{ratios:?}");
}

#[test]
#[ignore = "wants a quiet core"]
fn argon_in_mixed_precision_is_faster_by_three_tenths() {
    ratio("silicon", SILICON, SILICON.mixed(SILICON_OFF), fixtures::silicon_512);
    ratio("damped water", water(), water().mixed(WATER_OFF), fixtures::water_648);
    let gain = ratio("argon", argon(), argon().mixed(ARGON_OFF), fixtures::argon_256);
    assert!(gain > 1.3, "{gain}");
}

/// Shortest of ten builds of a list, per atom.
fn build_ns<L: List>(system: &System, build: impl Fn(&mut L)) -> f64 {
    let (cell, x) = (&system.cell, &system.positions);
    let mut list = L::new(cell, x, SILICON.potential.cutoff(), SILICON.skin).unwrap();
    let times = (0..10).map(|_| {
        let from = now();
        build(&mut list);
        ns_since(from) / system.len() as f64
    });
    times.fold(f64::INFINITY, f64::min)
}

/// 64 times as many atoms take about 64 times as long: the caches hold less of them, and fewer are near a
/// face.
#[test]
#[ignore = "wants a quiet core"]
fn lists_are_built_in_linear_time() {
    let [few, many] = [4, 16].map(|repeat| silicon(repeat)());
    let by_atom =
        |system: &System| build_ns::<NeighbourList>(system, |list| list.build(&system.positions));
    let by_cluster =
        |system: &System| build_ns::<ClusterList>(system, |list| list.build(&system.positions));
    for (name, ns) in
        [("neighbours", [&few, &many].map(by_atom)), ("clusters", [&few, &many].map(by_cluster))]
    {
        println!("{name}: {:.0} and {:.0} ns per atom", ns[0], ns[1]);
        assert!(ns[1] < 2.0 * ns[0], "{name}: {ns:?} ns per atom");
    }
}
