//! Stillinger-Weber silicon, the definition: bonds, and an angle between every two of them.
//!
//! ```text
//! E = sum over pairs of phi2(r)
//!   + sum over atoms, and over pairs j < k of their neighbours, of
//!     lambda eps (cos theta_jk - cos0)^2 g(r_j) g(r_k)
//!
//! phi2(r) = A eps (B (sigma/r)^4 - 1) exp(sigma / (r - a sigma))
//! g(r)    = exp(gamma sigma / (r - a sigma))        for r < cutoff = a sigma
//! ```
//!
//! Both vanish at the cutoff with all their derivatives. The fast forms are in `moments.rs`
//! (plain) and `pairs.rs`.
//!
//! Source: F. H. Stillinger, T. A. Weber, "Computer simulation of local order in condensed phases
//! of silicon", Phys. Rev. B 31 (1985) 5262-5271.

mod moments;
#[cfg(target_arch = "x86_64")]
mod pairs;
#[cfg(target_arch = "x86_64")]
mod terms;

use super::{Forces, Narrow, Paths, Potential};
use crate::machine::isa::Isa;
use crate::md::lanes::Real;
use crate::md::neighbours::{Bond, NeighbourList, bonds};
use crate::md::system::{Atoms, Vector, add_scaled, dot};

/// Buffers of the fast forms, whose pairs are computed in such numbers.
#[derive(Debug, Clone, Default)]
pub struct Scratch<R: Real> {
    moments: moments::Buffers,
    pairs: PairBuffers<R>,
}

#[cfg(target_arch = "x86_64")]
type PairBuffers<R> = pairs::Buffers<R>;
#[cfg(not(target_arch = "x86_64"))]
type PairBuffers<R> = std::marker::PhantomData<R>;

/// The parameters, in the notation of the paper; its p is 4 and its q is 0.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct StillingerWeber {
    /// Unit of energy, eV.
    pub epsilon: f64,
    /// Unit of length, angstrom.
    pub sigma: f64,
    /// Cutoff over sigma.
    pub a: f64,
    /// Strength of the angular term.
    pub lambda: f64,
    /// Range of the angular term.
    pub gamma: f64,
    /// Cosine of the angle that costs nothing.
    pub cos0: f64,
    /// Strength of a bond, A in the paper.
    pub bond: f64,
    /// Strength of its repulsion, B in the paper.
    pub repulsion: f64,
}

impl StillingerWeber {
    /// Silicon, as published, with 2.1683 eV and 2.0951 angstrom.
    pub const SILICON: Self = Self {
        epsilon: 2.1683,
        sigma: 2.0951,
        a: 1.80,
        lambda: 21.0,
        gamma: 1.20,
        cos0: -1.0 / 3.0,
        bond: 7.049_556_277,
        repulsion: 0.602_224_558_4,
    };

    /// phi2 and its derivative.
    fn phi2(&self, r: f64) -> (f64, f64) {
        let w = self.sigma / (r - self.cutoff());
        let (strength, repulsion) =
            (self.bond * self.epsilon * w.exp(), self.repulsion * (self.sigma / r).powi(4));
        let slope = (repulsion - 1.0) * (-w * w / self.sigma) - 4.0 * repulsion / r;
        (strength * (repulsion - 1.0), strength * slope)
    }

    /// g and its derivative.
    fn g(&self, r: f64) -> (f64, f64) {
        let w = self.sigma / (r - self.cutoff());
        let g = (self.gamma * w).exp();
        (g, g * self.gamma * (-w * w / self.sigma))
    }

    /// Energy of the angle between two bonds of an atom, and its derivatives by their vectors.
    fn angle(&self, j: &Bond, k: &Bond) -> (f64, Vector, Vector) {
        let ((gj, slope_j), (gk, slope_k)) = (self.g(j.r), self.g(k.r));
        let strength = self.lambda * self.epsilon;
        let cos = dot(j.d, k.d) / (j.r * k.r);
        let off = cos - self.cos0;
        // d(cos)/d(d_j) = (d_k/r_k - cos d_j/r_j) / r_j
        let by = |b: &Bond, other: &Bond, slope: f64, g_other: f64| {
            let along = strength * off * off * slope * g_other;
            let across = 2.0 * strength * off * gj * gk / b.r;
            let mut v = b.d.map(|d| (along - across * cos) * d / b.r);
            add_scaled(&mut v, across / other.r, other.d);
            v
        };
        (strength * off * off * gj * gk, by(j, k, slope_j, gk), by(k, j, slope_k, gj))
    }
}

impl Potential for StillingerWeber {
    type List = NeighbourList;
    type Scratch = Scratch<f64>;

    fn cutoff(&self) -> f64 {
        self.a * self.sigma
    }

    fn compute(
        &self,
        atoms: Atoms<'_>,
        list: &NeighbourList,
        scratch: &mut Scratch<f64>,
        out: &mut Forces,
    ) {
        self.compute_on(Isa::best(), atoms, list, scratch, out);
    }

    fn reference(&self, Atoms { cell, positions, .. }: Atoms<'_>) -> Forces {
        let mut out = Forces::zeros(positions.len());
        let negative = |v: Vector| v.map(|c| -c);
        for (i, bonds) in bonds(cell, positions, self.cutoff()).iter().enumerate() {
            for (n, j) in bonds.iter().enumerate() {
                // Each pair is met twice.
                let (energy, slope) = self.phi2(j.r);
                out.energy += 0.5 * energy;
                out.pull(i, j.atom, j.d, j.d.map(|d| -0.5 * slope * d / j.r));
                for k in &bonds[n + 1..] {
                    let (energy, by_j, by_k) = self.angle(j, k);
                    out.energy += energy;
                    out.pull(i, j.atom, j.d, negative(by_j));
                    out.pull(i, k.atom, k.d, negative(by_k));
                }
            }
        }
        out
    }

    fn bound(&self, Atoms { cell, positions, .. }: Atoms<'_>) -> Forces {
        moments::bound(self, cell, positions, f64::EPSILON)
    }
}

impl Paths for StillingerWeber {
    fn compute_on(
        &self,
        isa: Isa,
        atoms: Atoms<'_>,
        list: &NeighbourList,
        scratch: &mut Scratch<f64>,
        out: &mut Forces,
    ) {
        compute(isa, self, atoms, list, scratch, out);
    }
}

/// The moments of atoms and the forces on them are summed in `f64`. Where a processor has no vector
/// instructions, all is computed in `f64`.
impl Narrow for StillingerWeber {
    type NarrowScratch = Scratch<f32>;

    fn compute_narrow_on(
        &self,
        isa: Isa,
        atoms: Atoms<'_>,
        list: &NeighbourList,
        scratch: &mut Scratch<f32>,
        out: &mut Forces,
    ) {
        compute(isa, self, atoms, list, scratch, out);
    }

    fn narrow_bound(&self, Atoms { cell, positions, .. }: Atoms<'_>) -> Forces {
        moments::bound(self, cell, positions, f32::EPSILON.into())
    }
}

fn compute<R: Real>(
    isa: Isa,
    sw: &StillingerWeber,
    atoms: Atoms<'_>,
    list: &NeighbourList,
    scratch: &mut Scratch<R>,
    out: &mut Forces,
) {
    out.clear_for(atoms.positions.len(), [list.cutoff(), sw.cutoff()]);
    match isa {
        #[cfg(target_arch = "x86_64")]
        Isa::Avx2 | Isa::Avx512 => {
            pairs::compute(isa, sw, atoms.positions, list, &mut scratch.pairs, out);
        }
        _ => moments::compute(sw, atoms.positions, list, &mut scratch.moments, out),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::md::potentials::tests::difference;
    use crate::md::{Cell, System, boxes};

    fn energy_per_atom(lattice: f64) -> f64 {
        let si = boxes::silicon_crystal(2, lattice);
        StillingerWeber::SILICON.reference(si.atoms()).energy / si.len() as f64
    }

    #[test]
    fn the_crystal_has_its_known_energy_and_lattice_constant() {
        let a0 = 5.430_949_8;
        let at = energy_per_atom(a0);
        assert!((at + 2.0 * 2.1683).abs() < 1e-7, "cohesive energy {at}, expected -2 epsilon");
        assert!(energy_per_atom(a0 - 1e-3) > at && energy_per_atom(a0 + 1e-3) > at, "no minimum");
    }

    #[test]
    fn a_right_angle_worked_by_hand() {
        let cell = Cell::orthorhombic([20.0; 3]).unwrap();
        let (si, r) = (StillingerWeber::SILICON, 2.5);
        // The outer atoms are 2.5 sqrt(2) = 3.54 apart; angles at them have cosine sqrt(1/2).
        let x = vec![[5.0, 5.0, 5.0], [5.0 + r, 5.0, 5.0], [5.0, 5.0 + r, 5.0]];
        let three = System::new(cell, &["Si"; 3], vec![1.0; 3], x);
        let far = r * 2.0_f64.sqrt();
        let (near, g, g_far) = (si.phi2(r).0, si.g(r).0, si.g(far).0);
        let angles = g * g / 9.0 + 2.0 * (0.5_f64.sqrt() + 1.0 / 3.0).powi(2) * g * g_far;
        let want = 2.0 * near + si.phi2(far).0 + 21.0 * 2.1683 * angles;
        let got = si.reference(three.atoms()).energy;
        assert!((got - want).abs() < 1e-13, "{got}, expected {want}");
    }

    #[test]
    fn slopes_are_derivatives() {
        let si = StillingerWeber::SILICON;
        for r in [2.0, 2.35, 3.0, 3.7] {
            let slope = |f: &dyn Fn(f64) -> f64| difference(1e-4, |x| f(r + x));
            assert!((slope(&|r| si.phi2(r).0) - si.phi2(r).1).abs() < 1e-9, "phi2 at {r}");
            assert!((slope(&|r| si.g(r).0) - si.g(r).1).abs() < 1e-9, "g at {r}");
        }
    }
}
