//! SPC/Fw water: three charges on two springs.
//!
//! ```text
//! E = sum over bonds of k_b/2 (r - r_0)^2 + sum over angles of k_a/2 (theta - theta_0)^2
//!   + sum over pairs of oxygen of V(r) - V(cutoff)     V = 4 eps ((sigma/r)^12 - (sigma/r)^6)
//!   + electrostatics
//! ```
//!
//! The electrostatics is one of three ([`Electrostatics`]); all of them are a sum over pairs within
//! the cutoff of `q_i q_j` u(r), in which the pairs of one molecule count otherwise. What is meant
//! is the image of an atom that belongs to the molecule. In a small box its other images are within
//! the cutoff, too, and are pairs like any other.
//!
//! Species 0 is oxygen, and the charges are those of the atoms. Bonds and angles stand in the
//! topology; the corner of an angle is its oxygen.
//!
//! Bound: as `errors.rs` says, with the sizes of V and u; bonds and angles are computed by the same
//! code in both forms.
//!
//! Source: Y. Wu, H. L. Tepper, G. A. Voth, "Flexible simple point-charge water model with improved
//! liquid-state properties", J. Chem. Phys. 124 (2006) 024503.

mod electrostatics;
mod ewald;
mod molecules;
mod pairs;

pub use electrostatics::Electrostatics;
pub use pairs::Scratch;

use electrostatics::Coulomb;

use super::errors::{Errors, Off, Size};
use super::{Forces, Potential};
use crate::md::COULOMB;
use crate::md::neighbours::{Bond, NeighbourList, bonds, displacement_error};
use crate::md::system::{Atoms, Topology, Vector, norm, sub};

/// One kcal/mol in eV: 4184 J over the Faraday constant.
const KCAL_PER_MOL: f64 = 4184.0 / 96_485.332_123_31;

/// The parameters of the molecule, in eV, angstrom, radian and elementary charges.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Molecule {
    /// Stiffness of a bond, eV/angstrom^2.
    pub bond: f64,
    /// Length of a bond at rest.
    pub length: f64,
    /// Stiffness of the angle, eV.
    pub bend: f64,
    /// The angle at rest.
    pub angle: f64,
    /// Depth of the potential between oxygens, eV.
    pub epsilon: f64,
    /// Its diameter.
    pub sigma: f64,
    /// Charge of hydrogen; oxygen has minus twice that.
    pub charge: f64,
}

impl Molecule {
    /// SPC/Fw as published.
    pub const SPC_FW: Self = Self {
        bond: 1059.162 * KCAL_PER_MOL,
        length: 1.012,
        bend: 75.90 * KCAL_PER_MOL,
        angle: 113.24 / 180.0 * std::f64::consts::PI,
        epsilon: 0.155_425_3 * KCAL_PER_MOL,
        sigma: 3.165_492,
        charge: 0.41,
    };

    /// Charges of oxygen and of two hydrogens.
    pub fn charges(&self) -> [f64; 3] {
        [-2.0 * self.charge, self.charge, self.charge]
    }
}

/// The bonds and angles of `molecules` molecules, each an oxygen before its two hydrogens.
///
/// # Panics
///
/// If there are more than 2^30.
pub fn topology(molecules: usize) -> Topology {
    let oxygens = || {
        let molecules = u32::try_from(molecules).expect("at most 2^30 molecules");
        (0..molecules).map(|m| 3 * m)
    };
    Topology {
        bonds: oxygens().flat_map(|o| [[o, o + 1], [o, o + 2]]).collect(),
        angles: oxygens().map(|o| [o + 1, o, o + 2]).collect(),
    }
}

/// The potential.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Water {
    molecule: Molecule,
    cutoff: f64,
    electrostatics: Electrostatics,
    coulomb: Coulomb,
    /// Of V: 4 eps sigma^12, 4 eps sigma^6, and V(cutoff).
    dispersion: [f64; 3],
}

impl Water {
    /// Water whose pairs interact up to `cutoff` angstrom.
    ///
    /// # Panics
    ///
    /// If the cutoff is not positive.
    pub fn new(molecule: Molecule, electrostatics: Electrostatics, cutoff: f64) -> Self {
        assert!(cutoff > 0.0, "cutoff {cutoff} is not positive");
        let Molecule { epsilon, sigma, .. } = molecule;
        let (c12, c6) = (4.0 * epsilon * sigma.powi(12), 4.0 * epsilon * sigma.powi(6));
        let dispersion = [c12, c6, c12 / cutoff.powi(12) - c6 / cutoff.powi(6)];
        let coulomb = electrostatics.coulomb(cutoff);
        Self { molecule, cutoff, electrostatics, coulomb, dispersion }
    }

    /// Energy of two oxygens, and its derivative.
    fn oxygens(&self, r: f64) -> [f64; 2] {
        let [c12, c6, shift] = self.dispersion;
        let (r12, r6) = (c12 / r.powi(12), c6 / r.powi(6));
        [r12 - r6 - shift, (6.0 * r6 - 12.0 * r12) / r]
    }

    fn oxygens_size(&self, r: f64) -> Size {
        let [c12, c6, shift] = self.dispersion;
        let (r12, r6) = (c12 / r.powi(12), c6 / r.powi(6));
        Size {
            value: r12 + r6 + shift.abs(),
            slope: (12.0 * r12 + 6.0 * r6) / r,
            curvature: (156.0 * r12 + 42.0 * r6) / (r * r),
        }
    }

    /// What belongs to no pair within the cutoff: springs, self energy and waves.
    fn add_rest(&self, atoms: Atoms<'_>, out: &mut Forces) {
        molecules::add(&self.molecule, atoms, out);
        let square: f64 = atoms.charges.iter().map(|q| q * q).sum();
        out.energy += COULOMB * self.coulomb.own() * square;
        if let Electrostatics::Ewald { alpha, longest } = self.electrostatics {
            ewald::add(alpha, longest, atoms, out);
        }
    }
}

/// The atoms that each atom shares a molecule with, and the ways to them.
fn excluded(atoms: &Atoms<'_>) -> Vec<Vec<(usize, Vector)>> {
    let mut excluded = vec![Vec::new(); atoms.positions.len()];
    for ([i, j], d) in atoms.excluded() {
        excluded[i].push((j, d));
        excluded[j].push((i, d.map(|d| -d)));
    }
    excluded
}

/// Whether a bond leads to one of these.
fn leads_to(b: &Bond, excluded: &[(usize, Vector)]) -> bool {
    excluded.iter().any(|&(atom, d)| atom == b.atom && norm(sub(d, b.d)) < 1e-6)
}

impl Potential for Water {
    type List = NeighbourList;
    type Scratch = Scratch;

    fn cutoff(&self) -> f64 {
        self.cutoff
    }

    fn compute(
        &self,
        atoms: Atoms<'_>,
        list: &NeighbourList,
        scratch: &mut Scratch,
        out: &mut Forces,
    ) {
        out.start(self.cutoff, atoms.positions, list, &mut scratch.images);
        pairs::add(self, &atoms, list, scratch, out);
        pairs::correct(self, &atoms, out);
        self.add_rest(atoms, out);
    }

    fn reference(&self, atoms: Atoms<'_>) -> Forces {
        let Atoms { cell, species, positions, charges, .. } = atoms;
        let mut out = Forces::zeros(positions.len());
        let excluded = excluded(&atoms);
        for (i, bonds) in bonds(cell, positions, self.cutoff).iter().enumerate() {
            let mut energy = 0.0;
            for b in bonds {
                let q = COULOMB * charges[i] * charges[b.atom];
                let [u, slope] = self.coulomb.reference(b.r);
                let [less, less_slope] = if leads_to(b, &excluded[i]) {
                    self.coulomb.correction(b.r)
                } else {
                    [0.0, 0.0]
                };
                let [v, v_slope] = if (species[i], species[b.atom]) == (0, 0) {
                    self.oxygens(b.r)
                } else {
                    [0.0, 0.0]
                };
                // Each pair is met twice.
                energy += 0.5 * (v + q * (u - less));
                let pull = 0.5 * (v_slope + q * (slope - less_slope));
                out.pull(i, b.atom, b.d, b.d.map(|d| -pull * d / b.r));
            }
            out.energy += energy;
        }
        self.add_rest(atoms, &mut out);
        out
    }

    fn bound(&self, atoms: Atoms<'_>) -> Forces {
        let Atoms { cell, species, positions, charges, .. } = atoms;
        let apart = displacement_error(cell, positions, self.cutoff);
        let excluded = excluded(&atoms);
        let bonds = bonds(cell, positions, self.cutoff);
        let most = bonds.iter().map(Vec::len).max().unwrap_or(0) as f64;
        let all = bonds.iter().map(Vec::len).sum::<usize>() as f64;
        let bound = Forces::zeros(positions.len());
        // Springs and waves are terms of the same sums.
        let mut errors = Errors { bound, apart, all: all + 16.0, own: 2.0 * most + 16.0 };
        for (i, bonds) in bonds.iter().enumerate() {
            for b in bonds {
                let q = COULOMB * (charges[i] * charges[b.atom]).abs();
                let mut size = q * self.coulomb.size(b.r);
                if leads_to(b, &excluded[i]) {
                    size = size + q * self.coulomb.correction_size(b.r);
                }
                if (species[i], species[b.atom]) == (0, 0) {
                    size = size + self.oxygens_size(b.r);
                }
                errors.energy(Off { size: 0.5 * size.value, off: 0.5 * size.value_off(apart) });
                let pull = Off { size: 0.5 * size.slope, off: 0.5 * size.slope_off(apart) };
                errors.pull([i, b.atom], b.r, pull);
            }
        }
        let (eps, own, all) = (f64::EPSILON, errors.own, errors.all);
        let mut bound = errors.bound;
        let mut rest = Forces::zeros(positions.len());
        self.add_rest(atoms, &mut rest);
        let square: f64 = charges.iter().map(|q| q * q).sum();
        bound.energy +=
            16.0 * eps * (rest.energy.abs() + COULOMB * self.coulomb.own().abs() * square);
        for (bound, rest) in bound.forces.iter_mut().zip(&rest.forces) {
            let size = norm(*rest);
            bound.iter_mut().for_each(|f| *f += own * eps * size);
        }
        let size = rest.virial.iter().flatten().fold(0.0, |m: f64, w| m.max(w.abs()));
        bound.virial.iter_mut().flatten().for_each(|w| *w += all * eps * size);
        bound
    }
}

/// A force along `d` with the derivative `slope` of the energy by its length `r`.
fn along(d: Vector, r: f64, slope: f64) -> Vector {
    d.map(|d| -slope * d / r)
}
