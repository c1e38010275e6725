//! Lennard-Jones: V(r) = 4 eps ((sigma/r)^12 - (sigma/r)^6) for r < cutoff.
//!
//! Cut there, V jumps; shifted by V(cutoff), its slope jumps; shifted by the tangent,
//! V(r) - V(cutoff) - (r - cutoff) V'(cutoff), neither does. All three are
//! c12/r^12 - c6/r^6 - shift - slope (r - cutoff) with suitable constants.
//!
//! Bound: let |V'| = 12 c12/r^13 + 6 c6/r^7 + |slope| with no cancellation. A distance off by d
//! changes a term's magnitude by at most 14 d/r and its direction by d/r; computing it takes under
//! 40 roundings; summing n of them adds n eps/2 of the sum of magnitudes (N. J. Higham, "Accuracy
//! and Stability of Numerical Algorithms", 2nd ed., ch. 4). In mixed precision the sums in `f32` are those
//! of a row over the clusters around its part, and those of a lane of a cluster over the parts that list
//! it. Both go on in `f64`: of the n terms of a force none passes through more than n + 3 of those additions.
//!
//! Source: M. P. Allen, D. J. Tildesley, "Computer Simulation of Liquids", 2nd ed. (2017), ch. 1
//! and 5; argon by L. Verlet, Phys. Rev. 159 (1967) 98-103.

mod kernel;

pub use kernel::Scratch;

use super::{Forces, Narrow, Paths, Potential};
use crate::machine::isa::Isa;
use crate::md::BOLTZMANN;
use crate::md::clusters::ClusterList;
use crate::md::neighbours::{bonds, place_error};
use crate::md::system::Atoms;

/// Treatment of the potential at the cutoff.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Truncation {
    /// It jumps to zero: good for energies only.
    Cut,
    /// Shifted to be continuous.
    EnergyShifted,
    /// Shifted, and tilted so that the force is continuous.
    ForceShifted,
}

/// The potential of one species.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct LennardJones {
    cutoff: f64,
    c12: f64,
    c6: f64,
    shift: f64,
    slope: f64,
}

impl LennardJones {
    /// The potential of depth `epsilon` (eV) and diameter `sigma` (angstrom).
    ///
    /// # Panics
    ///
    /// If `sigma` or `cutoff` (angstrom) is not positive.
    pub fn new(epsilon: f64, sigma: f64, cutoff: f64, truncation: Truncation) -> Self {
        assert!(sigma > 0.0 && cutoff > 0.0, "sigma {sigma} or cutoff {cutoff} is not positive");
        let (c12, c6) = (4.0 * epsilon * sigma.powi(12), 4.0 * epsilon * sigma.powi(6));
        let at_cutoff = c12 / cutoff.powi(12) - c6 / cutoff.powi(6);
        let tangent = -12.0 * c12 / cutoff.powi(13) + 6.0 * c6 / cutoff.powi(7);
        let (shift, slope) = match truncation {
            Truncation::Cut => (0.0, 0.0),
            Truncation::EnergyShifted => (at_cutoff, 0.0),
            Truncation::ForceShifted => (at_cutoff, tangent),
        };
        Self { cutoff, c12, c6, shift, slope }
    }

    /// Argon: epsilon = 119.8 K, sigma = 3.405 angstrom, cut at 2.5 sigma.
    pub fn argon(truncation: Truncation) -> Self {
        Self::new(119.8 * BOLTZMANN, 3.405, 2.5 * 3.405, truncation)
    }

    /// The bound of pairs that are computed with this `eps`.
    fn bound_by(&self, Atoms { cell, positions, .. }: Atoms<'_>, eps: f64) -> Forces {
        // Coordinates of images in `f64` and, times `eps`, by how much they round.
        let narrow = eps > f64::EPSILON;
        let placed = if narrow { &[] } else { positions };
        let places = place_error(cell, placed, self.cutoff) * (eps / f64::EPSILON);
        // In `f32` both positions, the shift, the row less the shift, and the difference round:
        // 5/2 of it, and sqrt(3) of that for the length.
        let apart = places * if narrow { 4.5 } else { 18.0 };
        let mut out = Forces::zeros(positions.len());
        let bonds = bonds(cell, positions, self.cutoff + apart);
        let total: usize = bonds.iter().map(Vec::len).sum();
        let most = bonds.iter().map(Vec::len).max().unwrap_or(0) as f64;
        for (bonds, force) in bonds.iter().zip(&mut out.forces) {
            // A force sums twice its own bonds in the reference. In `f32` the longest sums are over the
            // bonds of a row, or of four rows for the totals; the zeros of pairs out of reach round
            // nothing.
            let own = bonds.len() as f64 * if narrow { 0.5 } else { 2.0 } + 2.0;
            let all = if narrow { 2.0 * most + 2.0 } else { total as f64 };
            for b in bonds {
                let (r12, r6) = (self.c12 / b.r.powi(12), self.c6 / b.r.powi(6));
                let steep = (12.0 * r12 + 6.0 * r6) / b.r + self.slope.abs();
                let high = r12 + r6 + self.shift.abs() + self.slope.abs() * (b.r + self.cutoff);
                let mut relative = 15.0 * apart / b.r + 40.0 * eps;
                if (b.r - self.cutoff).abs() <= apart {
                    // It may count for one form only.
                    let (energy, slope) = self.pair(b.r);
                    relative += slope.abs() / steep;
                    out.energy += 0.5 * energy.abs();
                }
                force.iter_mut().for_each(|f| *f += steep * (relative + own * eps));
                out.energy += 0.5 * (steep * apart + high * (40.0 + all) * eps);
                // By forces, which stand at these places, or by pairs.
                let w = 0.5 * steep * b.r * (relative + apart / b.r + all * eps)
                    + steep * places * (own + all);
                out.virial.iter_mut().flatten().for_each(|v| *v += w);
            }
        }
        out
    }

    /// Energy of a pair, and its derivative.
    fn pair(&self, r: f64) -> (f64, f64) {
        let (r12, r6) = (self.c12 / r.powi(12), self.c6 / r.powi(6));
        let energy = r12 - r6 - self.shift - self.slope * (r - self.cutoff);
        (energy, (-12.0 * r12 + 6.0 * r6) / r - self.slope)
    }
}

impl Potential for LennardJones {
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

    fn reference(&self, Atoms { cell, positions, .. }: Atoms<'_>) -> Forces {
        let mut out = Forces::zeros(positions.len());
        for (i, bonds) in bonds(cell, positions, self.cutoff).iter().enumerate() {
            for b in bonds {
                let (energy, slope) = self.pair(b.r);
                // Each pair is met twice.
                out.energy += 0.5 * energy;
                out.pull(i, b.atom, b.d, b.d.map(|d| -0.5 * slope * d / b.r));
            }
        }
        out
    }

    fn bound(&self, atoms: Atoms<'_>) -> Forces {
        self.bound_by(atoms, f64::EPSILON)
    }
}

impl Paths for LennardJones {
    fn compute_on(
        &self,
        isa: Isa,
        atoms: Atoms<'_>,
        list: &ClusterList,
        scratch: &mut Scratch<f64>,
        out: &mut Forces,
    ) {
        kernel::compute(isa, self, atoms.positions, list, scratch, out);
    }
}

impl Narrow for LennardJones {
    type NarrowScratch = Scratch<f32>;

    fn compute_narrow_on(
        &self,
        isa: Isa,
        atoms: Atoms<'_>,
        list: &ClusterList,
        scratch: &mut Scratch<f32>,
        out: &mut Forces,
    ) {
        kernel::compute(isa, self, atoms.positions, list, scratch, out);
    }

    fn narrow_bound(&self, atoms: Atoms<'_>) -> Forces {
        self.bound_by(atoms, f32::EPSILON.into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::md::{Cell, Field, System, boxes};

    #[test]
    fn a_pair_worked_by_hand() {
        let argon = LennardJones::new(2.0, 1.0, 2.5, Truncation::Cut);
        let (v, slope) = argon.pair(2.0_f64.powf(1.0 / 6.0));
        assert!((v + 2.0).abs() < 1e-14 && slope.abs() < 1e-13, "the minimum is -epsilon: {v}");
        assert_eq!(argon.pair(1.0), (0.0, -48.0), "at sigma: 24 epsilon / sigma");
    }

    #[test]
    fn the_truncations_differ_as_they_should() {
        let ends = [Truncation::Cut, Truncation::EnergyShifted, Truncation::ForceShifted]
            .map(|t| LennardJones::argon(t).pair(8.5125));
        assert!(ends[0].0 < -1e-4 && ends[0].1 > 1e-5, "cut: {:?}", ends[0]);
        assert!(ends[1].0.abs() < 1e-18 && ends[1].1 == ends[0].1, "energy: {:?}", ends[1]);
        assert!(ends[2].0.abs() < 1e-18 && ends[2].1.abs() < 1e-18, "force: {:?}", ends[2]);
    }

    /// Energies of the crystal per epsilon, at its lattice constant for this cutoff.
    #[test]
    fn the_argon_crystal_has_its_known_energy() {
        let crystal = boxes::argon_crystal(4, 5.276_40);
        let of = |t: Truncation| {
            let energy = LennardJones::argon(t).reference(crystal.atoms()).energy;
            energy / 256.0 / (119.8 * BOLTZMANN)
        };
        assert!((of(Truncation::Cut) + 8.0996).abs() < 1e-4, "cut {}", of(Truncation::Cut));
        let shifted = of(Truncation::EnergyShifted);
        assert!((shifted + 7.4633).abs() < 1e-4, "shifted {shifted}");
    }

    #[test]
    fn two_atoms_repel_when_near_and_attract_when_far() {
        let cell = Cell::orthorhombic([30.0; 3]).expect("a box");
        let argon = LennardJones::argon(Truncation::ForceShifted);
        for (r, sign) in [(3.0, -1.0), (5.0, 1.0)] {
            let x = vec![[1.0, 2.0, 3.0], [1.0 + r, 2.0, 3.0]];
            let pair = System::new(cell, &["Ar"; 2], vec![1.0; 2], x);
            let field = Field::new(argon, &pair, 0.0).unwrap();
            let out = field.forces();
            let (energy, slope) = argon.pair(r);
            assert!((out.energy - energy).abs() < 1e-15, "energy at {r}");
            assert!((out.forces[0][0] - slope).abs() < 1e-14, "force at {r}");
            assert!(out.forces[0][0] * sign > 0.0, "sign at {r}");
            assert!((out.virial[0][0] + slope * r).abs() < 1e-14, "virial at {r}");
        }
    }
}
