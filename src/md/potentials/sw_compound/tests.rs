//! Silicon, and a compound whose parameters are made up.

use super::*;
use crate::md::potentials::angles::tests::{assert_consistent, of_two};
use crate::md::potentials::tests::difference;
use crate::md::{Cell, Field, StillingerWeber, System, boxes};

/// Silicon as its own chapter has it.
fn silicon() -> Entry {
    let si = StillingerWeber::SILICON;
    Entry {
        epsilon: si.epsilon,
        sigma: si.sigma,
        a: si.a,
        lambda: si.lambda,
        gamma: si.gamma,
        cos0: si.cos0,
        bond: si.bond,
        repulsion: si.repulsion,
        exponents: [4.0, 0.0],
        cutoff: si.cutoff(),
    }
}

/// Two species that differ in everything; entries with two unlike neighbours agree with each other,
/// and so do both halves of a pair but for gamma.
pub(in crate::md::potentials) fn made_up() -> StillingerWeberCompound {
    let entry = |n: usize| {
        let [i, j, k] = [n / 4, n / 2 % 2, n % 2];
        let (pair, all) = ((i + j) as f64, (i + j + k) as f64);
        let sigma = 2.1 - 0.1 * pair;
        Entry {
            epsilon: if j == k { 2.0 - 0.2 * pair } else { 1.7 },
            sigma,
            lambda: 20.0 + all,
            gamma: 1.2 + 0.05 * i as f64,
            cos0: -1.0 / 3.0 + 0.05 * i as f64,
            bond: 7.0 + 0.3 * pair,
            repulsion: 0.6 + 0.02 * pair,
            exponents: [4.0 + 0.5 * pair, 0.25 * pair],
            cutoff: 1.8 * sigma,
            ..silicon()
        }
    };
    StillingerWeberCompound::new(2, (0..8).map(entry).collect())
}

#[test]
fn one_species_of_silicon_is_silicon() {
    let compound = StillingerWeberCompound::new(1, vec![silicon()]);
    for seed in 0..4 {
        let mut si = boxes::silicon_crystal(2, 5.3);
        boxes::rattle(&mut si, seed, 0.2);
        let (want, bound) =
            (StillingerWeber::SILICON.reference(si.atoms()), compound.bound(si.atoms()));
        let field = Field::new(compound.clone(), &si, 0.4).unwrap();
        for got in [field.forces(), &compound.reference(si.atoms())] {
            assert!((got.energy - want.energy).abs() <= bound.energy, "{}", got.energy);
            for ((g, w), b) in got.forces.iter().zip(&want.forces).zip(&bound.forces) {
                assert!((0..3).all(|a| (g[a] - w[a]).abs() <= b[a]), "{g:?}, expected {w:?}");
            }
        }
    }
}

/// Atom 0 has neighbours of both species at a right angle; the outer two are out of reach.
#[test]
fn an_angle_of_three_species_is_worked_by_hand() {
    let compound = made_up();
    let cell = Cell::orthorhombic([20.0; 3]).unwrap();
    let x = vec![[0.0; 3], [2.6, 0.0, 0.0], [0.0, 2.5, 0.0]];
    let three = System::new(cell, &["A", "A", "B"], vec![1.0; 3], x);
    let [near, far] = [compound.pair(0, 0), compound.pair(0, 1)];
    let angle = 21.0 * 1.7 / 9.0 * near.g(2.6).value * far.g(2.5).value;
    let want = near.phi2(2.6).value + far.phi2(2.5).value + angle;
    // 3.607 apart: beyond 1.8 * 2.0 = 3.6.
    let got = compound.reference(three.atoms()).energy;
    assert!((got - want).abs() < 1e-13, "{got}, expected {want}");
}

#[test]
fn angles_that_disagree_count_half_each() {
    let mut compound = made_up();
    compound.entries[1].lambda = 10.0;
    compound.entries[2].lambda = 30.0;
    let angle = compound.angle(0, 0, 1, 0.4);
    let want = 20.0 * 1.7 * (0.4_f64 + 1.0 / 3.0).powi(2);
    assert!((angle.value - want).abs() < 1e-13, "{}", angle.value);
    assert_eq!(angle, compound.angle(0, 1, 0, 0.4), "whichever comes first");
}

/// Of atoms 0, 1 and 2 the pair 0, 1 is that of atom 1, and the pair 0, 2 that of atom 0.
#[test]
fn bonds_that_differ_are_those_of_one_atom_by_their_numbers() {
    let mut unlike = made_up().entries;
    unlike[4].repulsion += 0.1;
    unlike[4].sigma -= 0.02;
    unlike[4].cutoff = 1.8 * unlike[4].sigma;
    let unlike = StillingerWeberCompound::new(2, unlike);
    assert_eq!(unlike.unlike_pairs(), [[[0, 1, 1], [1, 0, 0]]], "pairs");
    let halves = [unlike.pair(0, 1).phi2(2.2).value, unlike.pair(1, 0).phi2(2.2).value];
    assert!((halves[1] - halves[0]).abs() > 0.1, "{halves:?}");
    for (at, host) in [([0, 1], 1), ([1, 0], 0), ([0, 2], 0), ([2, 0], 1), ([3, 4], 1), ([1, 3], 0)]
    {
        let got = of_two(&unlike, [0, 1], at);
        assert!((got - halves[host]).abs() < 1e-12, "atoms {at:?}: {got}, {halves:?}");
    }
    assert_consistent(&unlike);
}

#[test]
fn slopes_are_derivatives() {
    let compound = made_up();
    for (n, entry) in compound.entries.iter().enumerate() {
        for r in [2.0, 2.35, 2.9, 3.3] {
            for (what, of) in
                [("phi2", &(|r| entry.phi2(r)) as &dyn Fn(f64) -> _), ("g", &|r| entry.g(r))]
            {
                let slope = difference(1e-4, |x| of(r + x).value);
                let off = (slope - of(r).slope).abs();
                assert!(off < 1e-8 * (1.0 + slope.abs()), "{what} of entry {n} at {r}: {off:e}");
            }
        }
    }
}

#[test]
#[should_panic(expected = "cutoff 4 above 3.77")]
fn a_cutoff_beyond_the_pole_is_refused() {
    let _ = StillingerWeberCompound::new(1, vec![Entry { cutoff: 4.0, ..silicon() }]);
}
