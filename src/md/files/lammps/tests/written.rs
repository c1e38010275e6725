//! Tables that this test writes, of Sutton-Chen aluminium and of numbers that tell where they went.

use std::fmt::Write as _;

use super::*;
use crate::md::potentials::eam::Law as _;
use crate::md::{Cell, EmbeddedAtom, SuttonChen};

/// The line of sizes.
#[derive(Clone, Copy)]
pub(super) struct Grid {
    pub(super) points: u32,
    pub(super) cutoff: f64,
    pub(super) density: f64,
}

impl Grid {
    /// A file short enough to look at.
    pub(super) const SMALL: Self = Self { points: 8, cutoff: 7.5, density: 200.0 };

    fn steps(self) -> [f64; 2] {
        [self.density, self.cutoff].map(|end| end / f64::from(self.points - 1))
    }

    fn header(self) -> String {
        let [drho, dr] = self.steps();
        format!("{} {drho:?} {} {dr:?} {:?}\n", self.points, self.points, self.cutoff)
    }

    /// A list of values at equal steps, five on a line.
    fn list(self, step: f64, f: impl Fn(f64) -> f64) -> String {
        let mut text = String::new();
        for m in 0..self.points {
            let end = if m % 5 == 4 || m == self.points - 1 { '\n' } else { ' ' };
            write!(text, "{:?}{end}", f(step * f64::from(m))).unwrap();
        }
        text
    }
}

/// Nearer than an angstrom nobody comes.
fn near(r: f64) -> [f64; 2] {
    SuttonChen::ALUMINIUM.at(r.max(1.0)).map(|f| f.value)
}

fn embedding(rho: f64) -> f64 {
    -SuttonChen::ALUMINIUM.strength() * rho.sqrt()
}

/// Aluminium as a setfl file.
pub(super) fn setfl(grid: Grid) -> String {
    let [drho, dr] = grid.steps();
    [
        "UNITS: metal\n13 comments\n# more\n1 Al\n".to_owned(),
        grid.header(),
        "13 26.98 4.05 fcc\n".to_owned(),
        grid.list(drho, embedding),
        grid.list(dr, |r| near(r)[1]),
        grid.list(dr, |r| r * near(r)[0]),
    ]
    .concat()
}

/// Aluminium as a funcfl file: one step more, for the last is left out.
pub(super) fn funcfl(grid: Grid) -> String {
    let [drho, dr] = grid.steps();
    let more = Grid { points: grid.points + 1, ..grid };
    [
        "Al UNITS: metal\n13 26.98 4.05 fcc\n".to_owned(),
        format!("{} {drho:?} {} {dr:?} {:?}\n", more.points, more.points, grid.cutoff),
        more.list(drho, embedding),
        more.list(dr, |r| (r * near(r)[0] / (27.2 * 0.529)).sqrt()),
        more.list(dr, |r| near(r)[1]),
    ]
    .concat()
}

/// Two elements, all of whose functions are constants.
pub(super) fn constant(by_host: bool) -> String {
    let grid = Grid::SMALL;
    let all = |value: f64| grid.list(1.0, |_| value);
    // F is rho times 2 or 3.
    let [drho, _] = grid.steps();
    let line = |slope: f64| grid.list(drho, |rho| slope * rho);
    let own = |values: [f64; 2]| {
        if by_host { values.map(all).concat() } else { all(values[0]) }
    };
    [
        "\n\n\n2 A B\n".to_owned(),
        grid.header(),
        "13 27 4 fcc\n".to_owned(),
        line(2.0),
        own([10.0, 0.5]),
        "14 28 5 hcp # as it is\n".to_owned(),
        line(3.0),
        own([0.25, 20.0]),
        all(0.0),
        all(6.0),
        all(0.0),
    ]
    .concat()
}

pub(super) fn assert_like_aluminium(text: &str, kind: Kind) {
    let mut al = boxes::aluminium_crystal(2, 4.05);
    boxes::rattle(&mut al, 3, 0.1);
    let want = EmbeddedAtom(SuttonChen::ALUMINIUM).reference(al.atoms());
    let got = parse(text, kind, &["Al"]).unwrap().reference(al.atoms());
    assert!((got.energy - want.energy).abs() < 1e-5, "{}, {}", got.energy, want.energy);
    for (g, w) in got.forces.as_flattened().iter().zip(want.forces.as_flattened()) {
        assert!((g - w).abs() < 5e-7, "{g}, expected {w}");
    }
}

#[test]
fn a_funcfl_file_of_aluminium_gives_its_forces() {
    let grid = Grid { points: 2000, ..Grid::SMALL };
    assert_like_aluminium(&funcfl(grid), Kind::Funcfl);
    let small = funcfl(Grid::SMALL);
    assert_refused(
        &small,
        Kind::Funcfl,
        &["Ni"],
        "a, line 2: found the tables of Al, by its atomic number",
    );
    assert_refused(&small.replacen("13 ", "0 ", 1), Kind::Funcfl, &["Al"], "line 2: found \"0\"");
}

/// The density of a neighbour B at a host A stands with B, at the place of A.
#[test]
fn each_function_is_found_by_its_elements() {
    let cell = Cell::orthorhombic([30.0; 3]).unwrap();
    let at = vec![[0.0; 3], [3.0, 0.0, 0.0]];
    let energy = |by_host: bool, species: [&str; 2], names: [&str; 2]| {
        let kind = if by_host { Kind::FinnisSinclair } else { Kind::Setfl };
        let file = parse(&constant(by_host), kind, &names).unwrap();
        let two = System::new(cell, &species, vec![1.0; 2], at.clone());
        file.reference(two.atoms()).energy
    };
    for (species, names) in [(["A", "B"], ["A", "B"]), (["B", "A"], ["B", "A"])] {
        // At A the neighbour B has 0.25, at B the neighbour A has 0.5; 6 / r of the pair.
        let got = energy(true, species, names);
        assert!((got - (2.0 * 0.25 + 3.0 * 0.5 + 2.0)).abs() < 1e-12, "fs: {got}");
        // Of A 10, of B 0.25.
        let got = energy(false, species, names);
        assert!((got - (2.0 * 0.25 + 3.0 * 10.0 + 2.0)).abs() < 1e-12, "alloy: {got}");
    }
    assert!((energy(true, ["A", "A"], ["A", "A"]) - 2.0 * 2.0 * 10.0).abs() < 1e-12, "A alone");
    assert!((energy(true, ["B", "B"], ["B", "A"]) - 2.0 * 3.0 * 20.0).abs() < 1e-12, "B alone");
}

/// F of a metal is 2 rho, f is 10 and z is 6 up to the last knot at 7.5, and so they stay.
#[test]
fn a_cutoff_beyond_the_tables_holds_their_last_values_and_is_told() {
    let (near, far) = (constant(false), constant(false).replacen(" 7.5\n", " 9.9\n", 1));
    let cell = Cell::orthorhombic([30.0; 3]).unwrap();
    let energy = |text: &str, r: f64| {
        let file = parse(text, Kind::Setfl, &["B", "A"]).unwrap();
        let two = System::new(cell, &["B", "A"], vec![1.0; 2], vec![[0.0; 3], [r, 0.0, 0.0]]);
        file.reference(two.atoms()).energy
    };
    let want = |r: f64| 2.0 * 0.25 + 3.0 * 10.0 + 6.0 / r;
    for r in [7.4, 8.6, 9.8] {
        let got = energy(&far, r);
        assert!((got - want(r)).abs() < 1e-12, "{got} eV at {r}");
    }
    assert_eq!(energy(&near, 8.6), 0.0, "behind the cutoff");
    let notes = |text: &str| parse(text, Kind::Setfl, &["A"]).unwrap().notes(&["A"]);
    let want =
        "the cutoff of 9.9 A is beyond the tables, which hold their last values from 7.5 A on";
    assert!(notes(&far)[0].starts_with(want), "{:?}", notes(&far));
    assert!(notes(&near).is_empty(), "{:?}", notes(&near));
    // One value is left out, and the cutoff is a step behind the last one of the file.
    let grid = Grid { cutoff: 7.5 + 15.0 / 7.0, ..Grid::SMALL };
    let funcfl = funcfl(Grid::SMALL).replacen(" 7.5\n", &format!(" {}\n", grid.cutoff), 1);
    let file = parse(&funcfl, Kind::Funcfl, &["Al"]).unwrap();
    assert_eq!((file.cutoff(), file.notes(&["Al"])), (grid.cutoff, Vec::new()), "a usual one");
}

#[test]
fn tables_that_are_wrong_are_refused_by_line() {
    let good = setfl(Grid::SMALL);
    let edit = |from: &str, to: &str| {
        assert!(good.contains(from), "{from} is not in {good}");
        good.replacen(from, to, 1)
    };
    let al = |text: &str, want: &str| assert_refused(text, Kind::Setfl, &["Al"], want);
    assert!(parse(&good, Kind::Setfl, &["Al"]).is_ok(), "{good}");
    al(&edit("1 Al", "2 Al"), "a, line 4: found 1 names for 2 elements, expected as many names");
    al(&edit("1 Al", "2 Al Al"), "line 4: found the element \"Al\" twice");
    al(&edit("1 Al", "0"), "line 4: found \"0\", expected the number of elements, their names");
    al(&edit("1 Al", "x Al"), "expected a whole number of elements, at least 1");
    al(&edit("1 Al", "1 Ni"), "a: found no tables of Al, expected one of \"Ni\"");
    // Without an end of its own: the file has not that many bytes.
    al(
        &edit("\n8 ", "\n1000000000 "),
        "line 5: found \"1000000000\", expected a whole number of densi",
    );
    al(&edit("\n8 ", "\n99999999999999999999 "), "line 5: found");
    al(&edit("\n8 ", "\n4 "), "a whole number of densities, at least 5");
    al(&edit(" 8 ", " -8 "), "a whole number of distances");
    al(&edit(" 7.5\n", " -7.5\n"), "line 5: found a cutoff of -7.5, expected one above 0");
    al(&edit(" 7.5\n", " inf\n"), "found \"inf\", expected a finite number for the cutoff");
    al(&edit(" 7.5\n", " 100.5\n"), "a cutoff of 100.5, expected one above 0 and at most 100");
    al(&edit(" 7.5\n", "\n"), "expected nrho, drho, nr, dr, cutoff");
    al(&edit(" 28.57", " -28.57"), "expected a number above zero for drho");
    al(&edit(" 28.57", " 0e28.57"), "for drho");
    al(&edit("13 26.98 4.05 fcc", "13"), "line 6: found \"13\"");
    let lines: Vec<_> = good.lines().collect();
    let lines = |n: usize| lines[..n].join("\n");
    al(&lines(3), "line 3: found the end of the file, expected the number of elements");
    al(
        &lines(7),
        "line 7: found the end of the file after 5 of 8 values, expected the energies of",
    );
    al(&lines(11), "line 11: found the end of the file after 5 of 8 values, expected the pair ene");
    al(&format!("{good}7\n"), "line 13: found \"7\", expected the end of the file");
    let joined = good
        .lines()
        .enumerate()
        .fold(String::new(), |all, (n, line)| all + line + if n == 7 { " " } else { "\n" });
    al(&joined, "line 8: found 8 values after 5, expected 8 for the energies of Al by density");
    al(&edit("13 26.98 4.05 fcc\n-0.0", "13 26.98 4.05 fcc\nnan"), "line 7: found \"nan");
}
