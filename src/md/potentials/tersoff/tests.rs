//! Silicon, carbon and their compound, with the parameters of the paper of 1989.

use super::*;
use crate::md::potentials::angles::tests::{assert_consistent, of_two};
use crate::md::potentials::eam::Radial;
use crate::md::potentials::tests::difference;
use crate::md::{Cell, Field, System, boxes};

/// Silicon and carbon: A, B, lambda, mu, beta, n, c, d, cos0, R and S. Phys. Rev. B 39, table I.
const OF_1989: [[f64; 11]; 2] = [
    [1830.8, 471.18, 2.4799, 1.7322, 1.1e-6, 0.78734, 1.0039e5, 16.217, -0.59825, 2.7, 3.0],
    [1393.6, 346.74, 3.4879, 2.2119, 1.5724e-7, 0.72751, 3.8049e4, 4.3484, -0.57058, 1.8, 2.1],
];

/// The factor of the attraction between silicon and carbon.
const CHI: f64 = 0.9776;

/// The entry of the species i, j and k, by the rules of the paper.
fn mixed([i, j, k]: [usize; 3]) -> Entry {
    let [own, second, third] = [i, j, k].map(|s| OF_1989[s]);
    let mean = |n: usize| 0.5 * (own[n] + second[n]);
    let root = |n: usize| (own[n] * second[n]).sqrt();
    // The cutoff is that of the bond (i, k).
    let [inner, outer] = [9, 10].map(|n| (own[n] * third[n]).sqrt());
    Entry {
        is_cubic: true,
        gamma: 1.0,
        lambda3: 0.0,
        c: own[6],
        d: own[7],
        cos0: own[8],
        n: own[5],
        beta: own[4],
        lambda2: mean(3),
        attraction: if i == j { 1.0 } else { CHI } * root(1),
        middle: 0.5 * (inner + outer),
        width: 0.5 * (outer - inner),
        lambda1: mean(2),
        repulsion: root(0),
    }
}

/// Silicon and carbon, species 0 and 1.
pub(in crate::md::potentials) fn silicon_carbide() -> Tersoff {
    let all = (0..8).map(|n| mixed([n / 4, n / 2 % 2, n % 2]));
    Tersoff::new(2, all.collect())
}

/// Silicon with lambda3, as `T2` of Phys. Rev. B 37 has it.
pub(in crate::md::potentials) fn silicon_of_1988() -> Tersoff {
    Tersoff::new(
        1,
        vec![Entry {
            lambda3: 1.3258,
            c: 4.8381,
            d: 2.0417,
            cos0: 0.0,
            n: 22.956,
            beta: 0.33675,
            lambda2: 1.3258,
            attraction: 95.373,
            middle: 3.0,
            width: 0.2,
            lambda1: 3.2394,
            repulsion: 3264.7,
            ..mixed([0; 3])
        }],
    )
}

/// A crystal of the diamond structure of cubic cells with this edge; the second half of each pair of
/// atoms is of the species `other`.
fn diamond(edge: f64, other: &str) -> System {
    let all = boxes::silicon_crystal(2, edge);
    let symbols: Vec<_> = (0..all.len()).map(|i| if i % 2 == 0 { "Si" } else { other }).collect();
    System::new(all.cell, &symbols, all.masses, all.positions)
}

/// Energy per atom, and the edge at which it is least.
fn equilibrium(tersoff: &Tersoff, crystal: impl Fn(f64) -> System, near: f64) -> [f64; 2] {
    let each = |edge: f64| {
        let crystal = crystal(edge);
        tersoff.reference(crystal.atoms()).energy / crystal.len() as f64
    };
    let (mut edge, h) = (near, 1e-3);
    for _ in 0..6 {
        let [low, at, high] = [edge - h, edge, edge + h].map(each);
        edge -= 0.5 * h * (high - low) / (high - 2.0 * at + low);
    }
    [each(edge), edge]
}

/// The values of the papers: silicon 4.63 eV and 5.432 angstrom, diamond 7.37 eV and 3.566 angstrom,
/// silicon carbide 4.32 angstrom; the older set of silicon 4.63 eV and 5.431 angstrom.
#[test]
fn crystals_have_their_published_energies_and_lattice_constants() {
    let both = silicon_carbide();
    let [energy, edge] = equilibrium(&both, |edge| diamond(edge, "Si"), 5.43);
    assert!((energy + 4.63).abs() < 0.005 && (edge - 5.432).abs() < 0.001, "{energy}, {edge}");
    let carbon = Tersoff::new(1, vec![mixed([1; 3])]);
    let [energy, edge] = equilibrium(&carbon, |edge| diamond(edge, "Si"), 3.56);
    assert!((energy + 7.37).abs() < 0.005 && (edge - 3.566).abs() < 0.001, "{energy}, {edge}");
    let [energy, edge] = equilibrium(&both, |edge| diamond(edge, "C"), 4.32);
    assert!((edge - 4.32).abs() < 0.005 && energy < -6.0, "{energy}, {edge}");
    let [energy, edge] = equilibrium(&silicon_of_1988(), |edge| diamond(edge, "Si"), 5.43);
    assert!((energy + 4.63).abs() < 0.005 && (edge - 5.431).abs() < 0.002, "{energy}, {edge}");
}

/// In the crystal each bond has three others at the angle whose cosine is -1/3.
#[test]
fn the_energy_of_a_crystal_is_worked_by_hand() {
    let (edge, e) = (5.2, mixed([0; 3]));
    let r = 3.0_f64.sqrt() / 4.0 * edge;
    let h = -1.0 / 3.0 + 0.59825_f64;
    let square = |x: f64| x * x;
    let g = 1.0 + square(e.c / e.d) - square(e.c) / (square(e.d) + square(h));
    let b = (1.0 + (1.1e-6 * 3.0 * g).powf(0.78734)).powf(-0.5 / 0.78734);
    let want = 2.0 * (1830.8 * (-2.4799 * r).exp() - b * 471.18 * (-1.7322 * r).exp());
    let crystal = diamond(edge, "Si");
    let got = silicon_carbide().reference(crystal.atoms()).energy / crystal.len() as f64;
    assert!((got - want).abs() < 1e-11 * want.abs(), "{got}, expected {want}");
}

#[test]
fn slopes_are_derivatives() {
    let check = |what: &str, f: &dyn Fn(f64) -> (f64, f64), at: f64| {
        let slope = difference(1e-4, |x| f(at + x).0);
        let off = (slope - f(at).1).abs();
        assert!(off < 1e-7 * (1.0 + slope.abs()), "{what} at {at}: {}, {slope}", f(at).1);
    };
    let e = silicon_of_1988().entries[0];
    let linear = Entry { is_cubic: false, ..e };
    for r in [2.3, 2.81, 2.95, 3.1, 3.19, 3.3] {
        for (what, of) in [
            ("fc", &(|r| e.switch(r)) as &dyn Fn(f64) -> _),
            ("repulsion", &|r| e.repulsion(r)),
            ("attraction", &|r| e.attraction(r)),
            ("exp of a cube", &|r| e.lag(r - 2.7)),
            ("exp", &|r| linear.lag(r - 2.7)),
            ("b", &|r| e.order(r - 1.1)),
            ("b of a small n", &|r| {
                let b = mixed([0; 3]).order(1e6 * (r - 2.2));
                Radial { slope: 1e6 * b.slope, ..b }
            }),
            ("g", &|r| e.angle(r - 2.9)),
        ] {
            check(what, &|r| (of(r).value, of(r).slope), r);
        }
    }
}

/// Of one pair and a third atom that just enters, or that is far too near.
#[test]
fn nothing_is_infinite_at_the_ends_of_the_functions() {
    let e = Entry { lambda3: 9.0, ..mixed([0; 3]) };
    let wide = Tersoff::new(1, vec![Entry { middle: 9.0, width: 0.5, ..e }]);
    let cell = Cell::orthorhombic([40.0; 3]).unwrap();
    for third in [3.0 - 1e-15, 3.0 - 1e-9, 2.9, 0.2] {
        let x = vec![[0.0; 3], [2.3, 0.0, 0.0], [0.0, third, 0.0]];
        let three = System::new(cell, &["Si"; 3], vec![1.0; 3], x);
        for tersoff in [&silicon_carbide(), &wide] {
            let field = Field::new(tersoff.clone(), &three, 0.2).unwrap();
            let out = field.forces();
            let mut all = out.forces.as_flattened().iter().chain([&out.energy]);
            assert!(all.all(|x| x.is_finite()), "{out:?}");
        }
    }
    for zeta in [0.0, 1e-300, 1e-20, 1.0, 1e20, 1e300] {
        let Radial { value, slope } = e.order(zeta);
        assert!((0.0..=1.0).contains(&value) && slope.is_finite() && slope <= 0.0, "{value}");
    }
    assert_eq!(e.lag(50.0).value, 600.0_f64.exp(), "held");
}

#[test]
#[should_panic(expected = "entries for 2 species")]
fn a_missing_entry_is_refused() {
    let _ = Tersoff::new(2, vec![mixed([0; 3])]);
}

/// Of atoms 0, 1 and 2 the pair 0, 1 is that of atom 1, and the pair 0, 2 that of atom 0.
#[test]
fn repulsions_that_differ_are_those_of_one_atom_by_their_numbers() {
    let mut unlike = silicon_carbide().entries;
    unlike[4].repulsion += 100.0;
    let unlike = Tersoff::new(2, unlike);
    assert_eq!(unlike.unlike_pairs(), [[[0, 1, 1], [1, 0, 0]]], "pairs");
    let halves = [[0, 1], [1, 0]].map(|[i, j]| {
        let e = *unlike.entry(i, j, j);
        // Of two atoms b is 1.
        let each = |i: usize, j: usize| unlike.entry(i, j, j).attraction(2.2).value;
        e.repulsion(2.2).value - 0.5 * (each(0, 1) + each(1, 0))
    });
    assert!((halves[1] - halves[0]).abs() > 0.1, "{halves:?}");
    for (at, host) in [([0, 1], 1), ([1, 0], 0), ([0, 2], 0), ([2, 0], 1), ([3, 4], 1), ([1, 3], 0)]
    {
        let got = of_two(&unlike, [0, 1], at);
        assert!((got - halves[host]).abs() < 1e-12, "atoms {at:?}: {got}, {halves:?}");
    }
    assert_consistent(&unlike);
}
