//! Atoms in a periodic cell.
//!
//! An atom has a species, which is a number into a table of chemical symbols, a mass and a charge.
//! What the atoms are bonded to stands in a [`Topology`]. A potential sees all of it but masses and
//! velocities, as [`Atoms`], and reads what its formula asks for.

mod cell;
mod topology;

use std::collections::BTreeMap;

#[cfg(test)]
pub(in crate::md) use cell::times;
pub use cell::{Cell, Error, Matrix, Vector};
pub(in crate::md) use cell::{add_scaled, dot, norm, sub};
pub use topology::Topology;

use super::{BOLTZMANN, MVV2E};

/// Atoms in a periodic cell. All vectors but `elements` have one entry per atom.
#[derive(Debug, Clone, PartialEq)]
pub struct System {
    /// The box.
    pub cell: Cell,
    /// Chemical symbols of the species, by number.
    pub elements: Vec<String>,
    /// Numbers of the species, each below the length of `elements`.
    pub species: Vec<u32>,
    /// Positions in angstrom, inside the cell or not.
    pub positions: Vec<Vector>,
    /// Velocities in angstrom/ps.
    pub velocities: Vec<Vector>,
    /// Masses in amu.
    pub masses: Vec<f64>,
    /// Charges in units of the elementary charge.
    pub charges: Vec<f64>,
    /// Bonds and angles; empty where there are no molecules.
    pub topology: Topology,
}

impl System {
    /// Atoms at rest, without charges or bonds; `symbols` names the species of each.
    ///
    /// Species are numbered as they appear.
    ///
    /// # Panics
    ///
    /// If there are not as many symbols and masses as positions.
    pub fn new<S: AsRef<str>>(
        cell: Cell,
        symbols: &[S],
        masses: Vec<f64>,
        positions: Vec<Vector>,
    ) -> Self {
        let n = positions.len();
        assert_eq!((symbols.len(), masses.len()), (n, n), "not one symbol and mass per position");
        let (mut elements, mut numbers) = (Vec::new(), BTreeMap::new());
        let species = symbols.iter().map(|symbol| {
            *numbers.entry(symbol.as_ref()).or_insert_with_key(|symbol| {
                elements.push((*symbol).to_owned());
                u32::try_from(elements.len() - 1).expect("fewer than 2^32 atoms")
            })
        });
        let species = species.collect();
        Self {
            cell,
            elements,
            species,
            positions,
            velocities: vec![[0.0; 3]; n],
            masses,
            charges: vec![0.0; n],
            topology: Topology::default(),
        }
    }

    /// What a potential sees of the system.
    pub fn atoms(&self) -> Atoms<'_> {
        let Self { cell, species, positions, charges, topology, .. } = self;
        Atoms { cell, species, positions, charges, topology }
    }

    /// The chemical symbol of each atom.
    pub fn symbols(&self) -> impl ExactSizeIterator<Item = &str> {
        self.species.iter().map(|&s| &*self.elements[s as usize])
    }

    /// Number of atoms.
    pub fn len(&self) -> usize {
        self.positions.len()
    }

    /// True without atoms.
    pub fn is_empty(&self) -> bool {
        self.positions.is_empty()
    }

    /// Kinetic energy in eV.
    pub fn kinetic_energy(&self) -> f64 {
        let twice: f64 =
            self.velocities.iter().zip(&self.masses).map(|(&v, m)| m * dot(v, v)).sum();
        0.5 * MVV2E * twice
    }

    /// Temperature in K, from the 3N - 3 degrees of freedom of atoms whose centre is at rest.
    ///
    /// Zero for fewer than two atoms.
    pub fn temperature(&self) -> f64 {
        let freedom = 3.0 * self.len().saturating_sub(1) as f64;
        if freedom > 0.0 { 2.0 * self.kinetic_energy() / (freedom * BOLTZMANN) } else { 0.0 }
    }
}

/// What a potential sees of a system. The slices have one entry per atom.
#[derive(Debug, Clone, Copy)]
pub struct Atoms<'a> {
    /// The box.
    pub cell: &'a Cell,
    /// Numbers of the species.
    pub species: &'a [u32],
    /// Positions in angstrom, inside the cell or not.
    pub positions: &'a [Vector],
    /// Charges in units of the elementary charge.
    pub charges: &'a [f64],
    /// Bonds and angles.
    pub topology: &'a Topology,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn species_are_numbered_as_they_appear() {
        let cell = Cell::orthorhombic([9.0; 3]).unwrap();
        let of = |symbols: &[&str]| {
            let n = symbols.len();
            System::new(cell, symbols, vec![1.0; n], vec![[0.0; 3]; n])
        };
        let water = of(&["O", "H", "H", "O", "H", "H"]);
        assert_eq!(water.elements, ["O", "H"], "table");
        assert_eq!(water.species, [0, 1, 1, 0, 1, 1], "numbers");
        assert!(water.symbols().eq(["O", "H", "H", "O", "H", "H"]), "symbols");
        assert!(of(&[]).elements.is_empty(), "no atoms");
    }

    #[test]
    fn temperature_counts_the_degrees_of_freedom_at_rest() {
        let cell = Cell::orthorhombic([9.0; 3]).unwrap();
        let mut system = System::new(cell, &["Ar"; 2], vec![40.0; 2], vec![[0.0; 3], [4.0; 3]]);
        system.velocities = vec![[1.0, 0.0, 0.0], [-1.0, 0.0, 0.0]];
        let kinetic = 40.0 * MVV2E;
        assert_eq!(system.kinetic_energy(), kinetic, "kinetic energy");
        let want = 2.0 * kinetic / (3.0 * BOLTZMANN);
        assert!((system.temperature() - want).abs() < 1e-12, "{}", system.temperature());
        system.velocities.clear();
        system.positions.clear();
        assert_eq!(system.temperature(), 0.0, "no atoms");
    }
}
