//! Which atoms are bonded to each other.

use super::{Atoms, Vector, sub};

/// Bonds and angles between atoms: numbers of atoms. A bond leads to the nearest image of an atom.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Topology {
    /// Two atoms each.
    pub bonds: Vec<[u32; 2]>,
    /// Three atoms each, the one at the corner in the middle.
    pub angles: Vec<[u32; 3]>,
}

impl Atoms<'_> {
    /// The pairs of atoms one or two bonds apart, with the vector from one to that image of the
    /// other which the bonds lead to: those of each bond, and the outer two of each angle.
    pub fn excluded(&self) -> impl Iterator<Item = ([usize; 2], Vector)> + '_ {
        let along = |[i, j]: [usize; 2]| self.cell.nearest(self.positions[i], self.positions[j]);
        let bonds = self.topology.bonds.iter().map(move |bond| {
            let bond = bond.map(|i| i as usize);
            (bond, along(bond))
        });
        let angles = self.topology.angles.iter().map(move |angle| {
            let [i, corner, k] = angle.map(|i| i as usize);
            ([i, k], sub(along([corner, k]), along([corner, i])))
        });
        bonds.chain(angles)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::md::system::{Cell, System, norm};

    #[test]
    fn an_angle_excludes_the_images_that_its_bonds_lead_to() {
        let topology = Topology { bonds: vec![[0, 1], [0, 2]], angles: vec![[1, 0, 2]] };
        // The outer two are 1.8 apart by way of the corner, and 1.2 across the face.
        let cell = Cell::orthorhombic([3.0; 3]).unwrap();
        let positions = vec![[0.1, 0.0, 0.0], [2.2, 0.0, 0.0], [1.0, 3.0, -3.0]];
        let water = System::new(cell, &["O", "H", "H"], vec![1.0; 3], positions);
        let water = System { topology, ..water };
        let want = [([0, 1], -0.9), ([0, 2], 0.9), ([1, 2], 1.8)];
        assert_eq!(water.atoms().excluded().count(), 3, "pairs");
        for ((atoms, d), (pair, x)) in water.atoms().excluded().zip(want) {
            assert_eq!(atoms, pair, "atoms");
            assert!(norm(sub(d, [x, 0.0, 0.0])) < 1e-14, "{atoms:?}: {d:?}");
        }
    }
}
