//! What no simulation can start from.

use super::{Error, unfit};
use crate::md::files::extxyz::FURTHEST;
use crate::md::neighbours::{List as _, NeighbourList, check_size};
use crate::md::system::{self, Cell, System, Vector, norm, sub};

/// Atoms nearer than this, in angstrom, are taken for damage.
const NEAREST: f64 = 0.1;

/// A cutoff of more heights of the cell than this takes more images than such a cell is worth.
const MOST_HEIGHTS: f64 = 5.0;

/// Requires of a system that forces up to `cutoff` can be found; `name` is its name in messages.
///
/// # Errors
///
/// If its cell is left-handed or too thin, an atom is lost, or two lie on top of each other.
pub fn check(name: &str, system: &System, cutoff: f64) -> Result<(), Error> {
    let cell = &system.cell;
    if !cell.is_right_handed() {
        let found = format!("the left-handed lattice vectors {:?}", cell.rows());
        return Err(unfit(name, found, "a right-handed cell: exchange two of them"));
    }
    let least = cell.heights().iter().fold(f64::INFINITY, |m, h| m.min(*h));
    if cutoff > MOST_HEIGHTS * least {
        let found = format!("a cell of height {least} A for a cutoff of {cutoff} A");
        let expected = format!("at least a {MOST_HEIGHTS}th of the cutoff: repeat the cell");
        return Err(unfit(name, found, expected));
    }
    if let Some(atom) = system.positions.iter().position(|x| is_lost(cell, x)) {
        let found = format!("atom {} at {:?}", atom + 1, system.positions[atom]);
        return Err(unfit(name, found, "an atom within a million cells and 1e6 A"));
    }
    let list = NeighbourList::new(cell, &system.positions, NEAREST, 0.0)
        .map_err(|why| unfit(name, why.to_string(), "a cell as large as its atoms"))?;
    let Some(i) = (0..system.len()).find(|&i| !list.of(i).is_empty()) else { return Ok(()) };
    let mut images = Vec::new();
    list.place(&system.positions, &mut images);
    let k = list.of(i)[0];
    let r = norm(sub(images[k as usize], images[i]));
    let found = match list.atom(k) {
        own if own == i => format!("atom {} and its own image {r:.4} A apart", i + 1),
        other => format!("atoms {} and {} {r:.4} A apart", i + 1, other + 1),
    };
    Err(unfit(name, found, format!("at least {NEAREST} A")))
}

/// Whether an atom is where no list can find it, so many cells away, or no file holds it.
pub(super) fn is_lost(cell: &Cell, x: &Vector) -> bool {
    let is_in = |x: &f64| x.abs() < FURTHEST;
    !(x.iter().all(is_in) && cell.fractional(*x).iter().all(is_in))
}

/// Whether an atom is surely not lost: a coordinate in cells is at most the length over a height.
pub(super) fn is_near(cell: &Cell, x: &Vector) -> bool {
    let least = cell.heights().iter().fold(1.0, |m: f64, h| m.min(*h));
    let limit = 0.5 * FURTHEST * least;
    x[0].abs() < limit && x[1].abs() < limit && x[2].abs() < limit
}

/// Why a list is too long: for the skin, if there is one without.
pub(super) fn too_long(
    name: &str,
    system: &System,
    [cutoff, skin]: [f64; 2],
    why: &system::Error,
) -> Error {
    let atoms = system.len();
    if check_size(&system.cell, atoms, cutoff, 0.0).is_ok() {
        let expected = format!(
            "less: with the cutoff of {cutoff} A the list of {atoms} atoms in this cell is too long"
        );
        return unfit("--skin", format!("{skin} A"), expected);
    }
    unfit(name, why.to_string(), "another cell")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::md::boxes;
    use crate::md::system::Cell;

    fn refusal(system: &System, cutoff: f64) -> String {
        check("a", system, cutoff).unwrap_err().to_string()
    }

    #[test]
    fn atoms_on_top_of_each_other_are_named_also_across_a_face() {
        let mut si = boxes::silicon_crystal(2, 5.43);
        check("a", &si, 4.0).unwrap();
        si.positions[63] = [10.86 - 0.03, 10.86 - 0.03, 0.04];
        let why = refusal(&si, 4.0);
        assert_eq!(why, "a: found atoms 1 and 64 0.0583 A apart, expected at least 0.1 A");
        si.positions[63] = [10.86 - 0.07, 10.86 - 0.07, 0.04];
        check("a", &si, 4.0).unwrap();
        let thin = Cell::orthorhombic([0.09, 50.0, 50.0]).unwrap();
        let thin = System { cell: thin, ..boxes::argon_crystal(1, 5.3) };
        let why = refusal(&thin, 0.4);
        assert!(why.starts_with("a: found atom 1 and its own image 0.0900 A apart"), "{why}");
    }

    #[test]
    fn cells_that_are_left_handed_or_too_thin_are_refused() {
        let si = boxes::silicon_crystal(1, 5.0);
        let [a, b, c] = si.cell.rows();
        let turned = System { cell: Cell::new([b, a, c]).unwrap(), ..si.clone() };
        assert!(refusal(&turned, 4.0).contains("the left-handed lattice vectors"), "turned");
        check("a", &si, 25.0).unwrap();
        let why = refusal(&si, 25.1);
        let want = "a: found a cell of height 5 A for a cutoff of 25.1 A, expected at least a 5th";
        assert!(why.starts_with(want), "{why}");
    }

    #[test]
    fn a_lost_atom_is_named() {
        for x in [f64::NAN, f64::INFINITY, -1e6] {
            let mut si = boxes::silicon_crystal(1, 5.43);
            si.positions[3][1] = x;
            assert!(refusal(&si, 4.0).starts_with("a: found atom 4 at ["), "{x}");
            assert!(!is_near(&si.cell, &si.positions[3]), "{x}");
        }
        let thin = Cell::orthorhombic([0.5, 9.0, 9.0]).unwrap();
        for (x, is_found) in [([2e5, 9.0, 9.0], true), ([6e5, 9.0, 9.0], false)] {
            assert_eq!([is_near(&thin, &x), !is_lost(&thin, &x)], [is_found; 2], "{x:?}");
        }
    }
}
