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
//! The fast form takes all pairs alike, then takes off what those of one molecule count less.
//!
//! Source: Y. Wu, H. L. Tepper, G. A. Voth, "Flexible simple point-charge water model with improved
//! liquid-state properties", J. Chem. Phys. 124 (2006) 024503.

mod bound;
mod electrostatics;
mod ewald;
mod kernel;
mod molecules;
mod smooth;

pub use electrostatics::Electrostatics;
pub use kernel::Scratch;

use electrostatics::Coulomb;
use smooth::Smooth;

use super::{Forces, Narrow, Paths, Potential};
use crate::machine::isa::Isa;
use crate::md::COULOMB;
use crate::md::clusters::ClusterList;
use crate::md::lanes::Real;
use crate::md::neighbours::{Bond, bonds};
use crate::md::system::{Atoms, Topology, Vector, norm, sub};

/// Terms of the polynomials of damped charges that kernels in `f64` and `f32` always take, and how far
/// off they may be, over their largest values. Water needs no more: 0.2/angstrom and 9 angstrom.
const WIDE: (usize, f64) = (14, 2e-13);
const NARROW: (usize, f64) = (9, 3e-7);

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
    /// Of the charges, for kernels in `f64` and in `f32`.
    smooth: [Smooth; 2],
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
        let smooth = [WIDE, NARROW].map(|(least, off)| coulomb.smooth(cutoff, least, off));
        Self { molecule, cutoff, electrostatics, coulomb, smooth, dispersion }
    }

    /// Energy of two oxygens, and its derivative.
    fn oxygens(&self, r: f64) -> [f64; 2] {
        let [c12, c6, shift] = self.dispersion;
        let (r12, r6) = (c12 / r.powi(12), c6 / r.powi(6));
        [r12 - r6 - shift, (6.0 * r6 - 12.0 * r12) / r]
    }

    /// The fast form, by one instruction set, in numbers of this type, by `N` terms of `smooth` or
    /// more.
    fn compute_in<R: Real, const N: usize>(
        &self,
        isa: Isa,
        smooth: &Smooth,
        atoms: Atoms<'_>,
        list: &ClusterList,
        scratch: &mut Scratch<R>,
        out: &mut Forces,
    ) {
        kernel::compute::<R, N>(isa, self, smooth, &atoms, list, scratch, out);
        molecules::take_off(self, &atoms, out);
        self.add_rest(atoms, scratch.phases(), out);
    }

    /// Adds what belongs to no pair within the cutoff: springs, self energy and waves, which take room
    /// for their phases.
    fn add_rest(&self, atoms: Atoms<'_>, phases: &mut Vec<[f64; 2]>, out: &mut Forces) {
        self.add_springs(atoms, out);
        self.add_waves(atoms, phases, out);
    }

    /// Adds the springs and the self energy.
    #[inline(always)]
    fn add_springs(&self, atoms: Atoms<'_>, out: &mut Forces) {
        molecules::add(&self.molecule, atoms, out);
        let square: f64 = atoms.charges.iter().map(|q| q * q).sum();
        out.energy += COULOMB * self.coulomb.own() * square;
    }

    #[inline(always)]
    fn add_waves(&self, atoms: Atoms<'_>, phases: &mut Vec<[f64; 2]>, out: &mut Forces) {
        if let Electrostatics::Ewald { alpha, longest } = self.electrostatics {
            ewald::add([alpha, longest], atoms, phases, out);
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
    type List = ClusterList;
    type Scratch = Scratch<f64>;

    fn cutoff(&self) -> f64 {
        self.cutoff
    }

    fn compute(
        &self,
        atoms: Atoms<'_>,
        list: &ClusterList,
        scratch: &mut Scratch<f64>,
        out: &mut Forces,
    ) {
        self.compute_on(Isa::best(), atoms, list, scratch, out);
    }

    fn passes(&self) -> &'static [&'static str] {
        let all = &["pairs", "own molecule", "springs", "waves"];
        let waves = matches!(self.electrostatics, Electrostatics::Ewald { .. });
        if waves { all } else { &all[..3] }
    }

    fn compute_pass(
        &self,
        pass: usize,
        atoms: Atoms<'_>,
        list: &ClusterList,
        scratch: &mut Scratch<f64>,
        out: &mut Forces,
    ) {
        match pass {
            0 => {
                let (isa, smooth) = (Isa::best(), &self.smooth[0]);
                kernel::compute::<f64, { WIDE.0 }>(isa, self, smooth, &atoms, list, scratch, out);
            }
            1 => molecules::take_off(self, &atoms, out),
            2 => self.add_springs(atoms, out),
            3 => self.add_waves(atoms, scratch.phases(), out),
            _ => panic!("water has no pass {pass}"),
        }
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
        self.add_rest(atoms, &mut Vec::new(), &mut out);
        out
    }

    fn bound(&self, atoms: Atoms<'_>) -> Forces {
        self.bound_in::<f64>(atoms, &self.smooth[0])
    }
}

impl Paths for Water {
    fn compute_on(
        &self,
        isa: Isa,
        atoms: Atoms<'_>,
        list: &ClusterList,
        scratch: &mut Scratch<f64>,
        out: &mut Forces,
    ) {
        self.compute_in::<f64, { WIDE.0 }>(isa, &self.smooth[0], atoms, list, scratch, out);
    }
}

impl Narrow for Water {
    type NarrowScratch = Scratch<f32>;

    fn compute_narrow_on(
        &self,
        isa: Isa,
        atoms: Atoms<'_>,
        list: &ClusterList,
        scratch: &mut Scratch<f32>,
        out: &mut Forces,
    ) {
        self.compute_in::<f32, { NARROW.0 }>(isa, &self.smooth[1], atoms, list, scratch, out);
    }

    fn narrow_bound(&self, atoms: Atoms<'_>) -> Forces {
        self.bound_in::<f32>(atoms, &self.smooth[1])
    }
}

/// A force along `d` with the derivative `slope` of the energy by its length `r`.
fn along(d: Vector, r: f64, slope: f64) -> Vector {
    d.map(|d| -slope * d / r)
}
