//! Stillinger-Weber for several species.
//!
//! ```text
//! E = 1/2 sum over i, j of phi2(r_ij)
//!   + sum over atoms i, and over pairs j < k of its neighbours, of
//!     lambda eps (cos theta_jik - cos0)^2 g(r_ij) g(r_ik)
//!
//! phi2(r) = A eps (B (sigma/r)^p - (sigma/r)^q) exp(sigma / (r - a sigma))
//! g(r)    = exp(gamma sigma / (r - a sigma))        for r < cutoff <= a sigma
//! ```
//!
//! A pair of species takes phi2, g and the cutoff from the entry (i, j, j). Where the halves of a pair
//! differ, phi2 is that of one entry alone, by the numbers of the atoms (`halves.rs`), as in
//! LAMMPS. Lambda, eps and cos0 of an angle are those of the entry (i, j, k). Where (i, k, j) has others,
//! the angle costs the mean of both, for nothing says which neighbour comes first; LAMMPS takes one of
//! the two, by the order in its list.
//!
//! The forms share the functions and differ in their loops. Bound: with the sizes of phi2, g and the
//! squared cosine, as `angles.rs` and `errors.rs` say.
//!
//! Sources: that of [`sw`](super::sw); the manual of LAMMPS, `pair_style sw`, for the entries.

mod fast;

pub use fast::Scratch;

use super::angles::{Bend, check_species};
use super::eam::Radial;
use super::errors::{Errors, Off, Size};
use super::halves::Halves;
use super::{Forces, Potential};
use crate::md::neighbours::{NeighbourList, bonds, displacement_error};
use crate::md::system::{Atoms, dot};

/// The parameters of three species, in the notation of [the chapter](self).
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Entry {
    /// Unit of energy, eV.
    pub epsilon: f64,
    /// Unit of length, angstrom.
    pub sigma: f64,
    /// Distance over sigma at which everything vanishes.
    pub a: f64,
    /// Strength of the angular term.
    pub lambda: f64,
    /// Range of the angular term.
    pub gamma: f64,
    /// Cosine of the angle that costs nothing.
    pub cos0: f64,
    /// Strength of a bond, A.
    pub bond: f64,
    /// Strength of its repulsion, B.
    pub repulsion: f64,
    /// Exponents p of the repulsion and q of the attraction.
    pub exponents: [f64; 2],
    /// Distance in angstrom from which on atoms do not interact; not above a sigma.
    pub cutoff: f64,
}

impl Entry {
    /// sigma / (r - a sigma), and its derivative.
    #[inline]
    fn gap(&self, r: f64) -> Radial {
        let value = self.sigma / (r - self.a * self.sigma);
        Radial { value, slope: -value * value / self.sigma }
    }

    /// phi2 below the cutoff.
    #[inline]
    fn phi2(&self, r: f64) -> Radial {
        let (gap, x, [p, q]) = (self.gap(r), self.sigma / r, self.exponents);
        let (high, low) = (self.repulsion * x.powf(p), x.powf(q));
        let strength = self.bond * self.epsilon * gap.value.exp();
        let slope = (high - low) * gap.slope - (p * high - q * low) / r;
        Radial { value: strength * (high - low), slope: strength * slope }
    }

    /// g below the cutoff.
    #[inline]
    fn g(&self, r: f64) -> Radial {
        let gap = self.gap(r);
        let value = (self.gamma * gap.value).exp();
        Radial { value, slope: value * self.gamma * gap.slope }
    }

    /// exp(weight sigma / (r - a sigma)), the argument of which is rounded.
    fn decay_size(&self, r: f64, weight: f64) -> Size {
        let w = -self.gap(r).value;
        let e = (-weight * w).exp() * (1.0 + weight * w);
        let (slope, curvature) = (weight * w * w / self.sigma, 2.0 * weight * w.powi(3));
        let curvature = curvature / (self.sigma * self.sigma) + slope * slope;
        Size { value: e, slope: slope * e, curvature: curvature * e }
    }

    fn phi2_size(&self, r: f64) -> Size {
        let [high, low] = [(self.repulsion.abs(), 0), (1.0, 1)].map(|(strength, n)| {
            let p = self.exponents[n];
            let power = strength * (self.sigma / r).powf(p);
            let (slope, curvature) = (p * power / r, p * (p + 1.0) * power / (r * r));
            Size { value: power, slope, curvature }
        });
        (self.bond * self.epsilon).abs() * ((high + low) * self.decay_size(r, 1.0))
    }
}

/// The potential; the species of atoms are those of its entries, by number.
#[derive(Debug, Clone, PartialEq)]
pub struct StillingerWeberCompound {
    species: usize,
    /// By i, j and k.
    entries: Vec<Entry>,
    /// What phi2 is of in both halves of a pair.
    halves: Halves,
    cutoff: f64,
}

impl StillingerWeberCompound {
    /// The potential of so many species; the entry (i, j, k) has the place
    /// `(i * species + j) * species + k`.
    ///
    /// # Panics
    ///
    /// If there are other than `species`^3 entries, a cutoff is above a sigma, or no atoms interact.
    pub fn new(species: usize, entries: Vec<Entry>) -> Self {
        assert_eq!(entries.len(), species.pow(3), "entries for {species} species");
        let pair = |i: usize, j: usize| entries[(i * species + j) * species + j];
        let mut most = 0.0_f64;
        for (i, j) in (0..species * species).map(|n| (n / species, n % species)) {
            let Entry { cutoff, a, sigma, .. } = pair(i, j);
            assert!(cutoff <= a * sigma, "cutoff {cutoff} above {}", a * sigma);
            most = most.max(cutoff);
        }
        assert!(most > 0.0 && most.is_finite(), "cutoff {most} is not positive");
        let halves = Halves::new(species, |i, j| {
            let Entry { epsilon, sigma, a, bond, repulsion, exponents: [p, q], cutoff, .. } =
                pair(i, j);
            let all = [epsilon, sigma, a, bond, repulsion, p, q, cutoff];
            if cutoff > 0.0 { all } else { [0.0; 8] }
        });
        Self { species, entries, halves, cutoff: most }
    }

    /// The entries (i, j, j) and (j, i, i) that differ in phi2, so that a pair takes that of one.
    pub fn unlike_pairs(&self) -> Vec<[[usize; 3]; 2]> {
        self.halves.unlike()
    }

    /// The entries (i, j, k) and (i, k, j) that differ, so that an angle takes the mean of both.
    pub fn unlike_angles(&self) -> Vec<[[usize; 3]; 2]> {
        let angle = |[i, j, k]: [usize; 3]| {
            let Entry { epsilon, lambda, cos0, .. } = *self.entry(i, j, k);
            let strength = epsilon * lambda;
            if strength == 0.0 { [0.0; 2] } else { [strength, cos0] }
        };
        let is_bent = |i: usize, j: usize, k: usize| {
            self.pair(i, j).cutoff > 0.0 && self.pair(i, k).cutoff > 0.0
        };
        let mut unlike = Vec::new();
        for j in 0..self.species {
            for k in 0..j {
                for i in 0..self.species {
                    let both = [[i, k, j], [i, j, k]];
                    let differ = is_bent(i, j, k) && angle(both[0]) != angle(both[1]);
                    unlike.extend(differ.then_some(both));
                }
            }
        }
        unlike
    }

    fn entry(&self, i: usize, j: usize, k: usize) -> &Entry {
        &self.entries[(i * self.species + j) * self.species + k]
    }

    /// The entry of phi2, g and the cutoff.
    fn pair(&self, i: usize, j: usize) -> &Entry {
        self.entry(i, j, j)
    }

    /// lambda eps (cos - cos0)^2, by the cosine.
    #[inline]
    fn angle(&self, i: usize, j: usize, k: usize, cos: f64) -> Radial {
        let of = |entry: &Entry| {
            let (strength, off) = (entry.lambda * entry.epsilon, cos - entry.cos0);
            Radial { value: strength * off * off, slope: 2.0 * strength * off }
        };
        let one = of(self.entry(i, j, k));
        if j == k {
            return one;
        }
        let other = of(self.entry(i, k, j));
        Radial { value: 0.5 * (one.value + other.value), slope: 0.5 * (one.slope + other.slope) }
    }

    /// The sizes of the mean of both.
    fn angle_size(&self, i: usize, j: usize, k: usize, cos: f64) -> Size {
        let both = [self.entry(i, j, k), self.entry(i, k, j)].map(|entry| {
            let (strength, off) = ((entry.lambda * entry.epsilon).abs(), (cos - entry.cos0).abs());
            let (value, slope) = (strength * off * off, 2.0 * strength * off);
            0.5 * Size { value, slope, curvature: 2.0 * strength }
        });
        both[0] + both[1]
    }
}

impl Potential for StillingerWeberCompound {
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
        check_species(atoms.species, self.species);
        out.start(self.cutoff, atoms.positions, list, &mut scratch.images);
        fast::add(self, atoms.species, list, scratch, out);
    }

    fn reference(&self, Atoms { cell, positions, species, .. }: Atoms<'_>) -> Forces {
        check_species(species, self.species);
        let mut out = Forces::zeros(positions.len());
        for (i, bonds) in bonds(cell, positions, self.cutoff).iter().enumerate() {
            let host = species[i] as usize;
            let pair = |atom: usize| self.pair(host, species[atom] as usize);
            for (n, j) in bonds.iter().enumerate().filter(|(_, j)| j.r < pair(j.atom).cutoff) {
                // Each pair is met from both ends.
                let phi2 = pair(j.atom).phi2(j.r);
                let share = self.halves.share([i, j.atom], [host, species[j.atom] as usize]);
                out.energy += share * phi2.value;
                out.pull(i, j.atom, j.d, j.d.map(|d| -share * phi2.slope * d / j.r));
                for k in bonds[n + 1..].iter().filter(|k| k.r < pair(k.atom).cutoff) {
                    let cos = dot(j.d, k.d) / (j.r * k.r);
                    let [g_j, g_k] = [j, k].map(|b| pair(b.atom).g(b.r));
                    let kinds = [j, k].map(|b| species[b.atom] as usize);
                    let angle = self.angle(host, kinds[0], kinds[1], cos);
                    out.energy += angle.value * g_j.value * g_k.value;
                    let bend = Bend {
                        by_j: angle.value * g_j.slope * g_k.value,
                        by_k: angle.value * g_j.value * g_k.slope,
                        by_cos: angle.slope * g_j.value * g_k.value,
                    };
                    let u = [j, k].map(|b| b.d.map(|d| d / b.r));
                    for (b, by) in [j, k].into_iter().zip(bend.by_ways(cos, u, [j.r, k.r])) {
                        out.pull(i, b.atom, b.d, by.map(|by| -by));
                    }
                }
            }
        }
        out
    }

    fn bound(&self, Atoms { cell, positions, species, .. }: Atoms<'_>) -> Forces {
        let apart =
            displacement_error(cell, positions, self.cutoff) + 2.0 * f64::EPSILON * self.cutoff;
        let bonds = bonds(cell, positions, self.cutoff);
        let most = bonds.iter().map(Vec::len).max().unwrap_or(0) as f64;
        let all = bonds.iter().map(|bonds| bonds.len().pow(2)).sum::<usize>() as f64;
        let bound = Forces::zeros(positions.len());
        let mut errors =
            Errors { bound, eps: f64::EPSILON, apart, places: 0.0, all, own: 3.0 * most * most };
        for (i, bonds) in bonds.iter().enumerate() {
            let host = species[i] as usize;
            let pair = |atom: usize| self.pair(host, species[atom] as usize);
            for (n, j) in bonds.iter().enumerate().filter(|(_, j)| j.r < pair(j.atom).cutoff) {
                let share = self.halves.share([i, j.atom], [host, species[j.atom] as usize]);
                let share = Off { size: share, off: 0.0 };
                let [energy, pull] = pair(j.atom).phi2_size(j.r).off(apart);
                errors.energy(share * energy);
                errors.pull([i, j.atom], j.r, share * pull);
                for k in bonds[n + 1..].iter().filter(|k| k.r < pair(k.atom).cutoff) {
                    let cos = dot(j.d, k.d) / (j.r * k.r);
                    let kinds = [j, k].map(|b| species[b.atom] as usize);
                    let [angle, turned] =
                        self.angle_size(host, kinds[0], kinds[1], cos).off(errors.turn([j.r, k.r]));
                    let [[g_j, steep_j], [g_k, steep_k]] =
                        [j, k].map(|b| pair(b.atom).decay_size(b.r, pair(b.atom).gamma).off(apart));
                    errors.energy(angle * g_j * g_k);
                    let bend = Bend {
                        by_j: angle * steep_j * g_k,
                        by_k: angle * g_j * steep_k,
                        by_cos: turned * g_j * g_k,
                    };
                    errors.bend([i, j.atom, k.atom], [j.r, k.r], bend);
                }
            }
        }
        errors.bound
    }
}

#[cfg(test)]
pub(in crate::md::potentials) mod tests;
