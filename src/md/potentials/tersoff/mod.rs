//! Tersoff: pairs whose attraction depends on the angles around them.
//!
//! ```text
//! E = 1/2 sum over i and j != i of fc(r) (A exp(-lambda1 r) - b B exp(-lambda2 r)),    r = r_ij
//! b = (1 + (beta zeta)^n)^(-1 / 2n)
//! zeta = sum over k != i, j of fc(r_ik) g(cos theta_jik) exp((lambda3 (r - r_ik))^m)
//! g(x) = gamma (1 + c^2/d^2 - c^2 / (d^2 + (x - cos0)^2))
//! fc(r) = 1 below R - D, 0 above R + D, (1 - sin(pi/2 (r - R) / D)) / 2 between
//! ```
//!
//! with m = 3 or 1. A pair of species takes all but zeta from the entry (i, j, j); a term of zeta
//! has gamma, lambda3, c, d, cos0, m, R and D of the entry (i, j, k). So the two halves of a pair may
//! differ. Where A, lambda1, R or D do, the repulsion is that of one entry alone, by the numbers of the
//! atoms (`halves.rs`), as in LAMMPS. The derivative of b, which may be infinite at zeta = 0,
//! is 0 there.
//!
//! The forms share the functions and differ in their loops; `bound.rs` derives the bound.
//!
//! Sources: J. Tersoff, "New empirical approach for the structure and energy of covalent systems",
//! Phys. Rev. B 37 (1988) 6991-7000; "Modeling solid-state chemistry: interatomic potentials for
//! multicomponent systems", Phys. Rev. B 39 (1989) 5566-5568; the manual of LAMMPS,
//! `pair_style tersoff`, for the entries.

mod bound;
mod fast;
mod functions;

pub use fast::Scratch;
pub use functions::Entry;

use super::angles::{Bend, check_species};
use super::halves::Halves;
use super::{Forces, Potential};
use crate::md::neighbours::{Bond, NeighbourList, bonds};
use crate::md::system::{Atoms, Vector, dot};

/// The potential; the species of atoms are those of its entries, by number.
#[derive(Debug, Clone, PartialEq)]
pub struct Tersoff {
    species: usize,
    /// By i, j and k.
    entries: Vec<Entry>,
    /// Repulsions of both halves of a pair.
    halves: Halves,
    cutoff: f64,
}

impl Tersoff {
    /// The potential of so many species; the entry (i, j, k) has the place
    /// `(i * species + j) * species + k`.
    ///
    /// # Panics
    ///
    /// If there are other than `species`^3 entries, or no atoms interact.
    pub fn new(species: usize, entries: Vec<Entry>) -> Self {
        assert_eq!(entries.len(), species.pow(3), "entries for {species} species");
        let cutoff = entries.iter().map(Entry::cutoff).fold(0.0, f64::max);
        assert!(cutoff > 0.0 && cutoff.is_finite(), "cutoff {cutoff} is not positive");
        let halves = Halves::new(species, |i, j| {
            let Entry { repulsion, lambda1, middle, width, .. } =
                entries[(i * species + j) * species + j];
            if repulsion == 0.0 { [0.0; 4] } else { [repulsion, lambda1, middle, width] }
        });
        Self { species, entries, halves, cutoff }
    }

    /// The entries (i, j, j) and (j, i, i) whose repulsions differ, so that a pair takes that of one.
    pub fn unlike_pairs(&self) -> Vec<[[usize; 3]; 2]> {
        self.halves.unlike()
    }

    fn entry(&self, i: usize, j: usize, k: usize) -> &Entry {
        &self.entries[(i * self.species + j) * self.species + k]
    }
}

/// A term of zeta: its value, and its derivatives by the ways from i to j and to k.
fn term(entry: &Entry, j: &Bond, k: &Bond) -> (f64, [Vector; 2]) {
    let cos = dot(j.d, k.d) / (j.r * k.r);
    let (value, bend) = entry.term(j.r, k.r, cos);
    (value, bend.by_ways(cos, [j, k].map(|b| b.d.map(|d| d / b.r)), [j.r, k.r]))
}

impl Potential for Tersoff {
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
        let of = |atom: usize| species[atom] as usize;
        let mut out = Forces::zeros(positions.len());
        for (i, bonds) in bonds(cell, positions, self.cutoff).iter().enumerate() {
            for (n, j) in bonds.iter().enumerate() {
                let pair = self.entry(of(i), of(j.atom), of(j.atom));
                if j.r >= pair.cutoff() {
                    continue;
                }
                let others = || bonds.iter().enumerate().filter(|(m, _)| *m != n);
                let terms: Vec<_> = others()
                    .map(|(_, k)| (k, term(self.entry(of(i), of(j.atom), of(k.atom)), j, k)))
                    .collect();
                let zeta = terms.iter().map(|(_, (value, _))| value).sum();
                let (repulsion, attraction) = (pair.repulsion(j.r), pair.attraction(j.r));
                let order = pair.order(zeta);
                let share = self.halves.share([i, j.atom], [of(i), of(j.atom)]);
                out.energy += share * repulsion.value - 0.5 * (order.value * attraction.value);
                let pull = share * repulsion.slope - 0.5 * (order.value * attraction.slope);
                out.pull(i, j.atom, j.d, j.d.map(|d| -pull * d / j.r));
                let by_zeta = -0.5 * attraction.value * order.slope;
                for (k, (_, [by_j, by_k])) in terms {
                    out.pull(i, j.atom, j.d, by_j.map(|by| -by_zeta * by));
                    out.pull(i, k.atom, k.d, by_k.map(|by| -by_zeta * by));
                }
            }
        }
        out
    }

    fn bound(&self, atoms: Atoms<'_>) -> Forces {
        bound::bound(self, atoms)
    }
}

#[cfg(test)]
pub(in crate::md::potentials) mod tests;
