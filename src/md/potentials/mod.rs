//! Potentials: energy, forces and virial of atoms at rest.
//!
//! Each potential has two forms. [`Potential::reference`] is the definition, written plainly over
//! all pairs (and triplets) of all images. [`Potential::compute`] is the fast form over a
//! neighbour list. Floating-point sums depend on their order and, near the cutoff, on the last
//! bits of a distance, so the two agree to [`Potential::bound`], which is derived to first order
//! in eps = 2^-52: a rounding is off by at most eps/2, and both forms round. A pair within rounding
//! of the cutoff may count for one form only; that matters where the potential jumps there, as the
//! plainly cut Lennard-Jones potential does.

mod angles;
mod clustered;
pub mod eam;
mod erfc;
mod errors;
mod exp;
mod halves;
pub mod lj;
pub mod sw;
pub mod sw_compound;
pub mod tabulated;
pub mod tersoff;
pub mod water;

pub use eam::{EmbeddedAtom, FinnisSinclair, SuttonChen};
pub use lj::{LennardJones, Truncation};
pub use sw::StillingerWeber;
pub use sw_compound::StillingerWeberCompound;
pub use tabulated::TabulatedEam;
pub use tersoff::Tersoff;
pub use water::{Electrostatics, Water};

use std::fmt::Debug;

use super::lanes;
use super::neighbours::{List, NeighbourList};
use super::system::{Atoms, Cell, Error, Matrix, Vector, add_scaled};
use crate::machine::isa::Isa;

/// A potential. It reads of its atoms what its formula asks for: positions always, and species,
/// charges, bonds and angles if it is one for compounds or molecules.
pub trait Potential {
    /// The form of neighbour list that the fast form runs over.
    type List: List;

    /// Space that the fast form works in. Its contents are no result.
    type Scratch: Clone + Debug + Default;

    /// Distance in angstrom from which on atoms do not interact.
    fn cutoff(&self) -> f64;

    /// Builds the list that the fast form wants of `positions` in `cell`, with a `skin` in angstrom.
    ///
    /// # Errors
    ///
    /// If the cell is far too small for the cutoff.
    fn list(&self, cell: &Cell, positions: &[Vector], skin: f64) -> Result<Self::List, Error> {
        Self::List::new(cell, positions, self.cutoff(), skin)
    }

    /// The fast form: writes energy, forces and virial of `atoms` into `out`.
    ///
    /// Does not allocate if `scratch` and `out` were last used with a list of as many images and
    /// neighbours.
    ///
    /// # Panics
    ///
    /// If `list` has a shorter cutoff or another number of atoms.
    fn compute(
        &self,
        atoms: Atoms<'_>,
        list: &Self::List,
        scratch: &mut Self::Scratch,
        out: &mut Forces,
    );

    /// The names of the passes of the fast form, in their order: parts of the code that run one after
    /// the other, such as a sum over pairs and one over waves.
    fn passes(&self) -> &'static [&'static str] {
        &["forces"]
    }

    /// One pass of the fast form. All of them, in their order, have the bits of
    /// [`Potential::compute`].
    ///
    /// # Panics
    ///
    /// If there is no such pass, or as [`Potential::compute`].
    fn compute_pass(
        &self,
        pass: usize,
        atoms: Atoms<'_>,
        list: &Self::List,
        scratch: &mut Self::Scratch,
        out: &mut Forces,
    ) {
        assert_eq!(pass, 0, "the potential has one pass");
        self.compute(atoms, list, scratch, out);
    }

    /// The definition. No two atoms may coincide.
    fn reference(&self, atoms: Atoms<'_>) -> Forces;

    /// How far [`Potential::compute`] and [`Potential::reference`] may be apart, entry by entry.
    fn bound(&self, atoms: Atoms<'_>) -> Forces;
}

/// A potential whose fast form is written for several instruction sets. [`Potential::compute`] takes
/// the best one that the processor has.
pub trait Paths: Potential {
    /// Does as [`Potential::list`], for one instruction set.
    ///
    /// # Errors
    ///
    /// As [`Potential::list`].
    ///
    /// # Panics
    ///
    /// If the processor lacks `isa`.
    fn list_on(
        &self,
        isa: Isa,
        cell: &Cell,
        positions: &[Vector],
        skin: f64,
    ) -> Result<Self::List, Error> {
        Self::List::on(isa, cell, positions, self.cutoff(), skin)
    }

    /// Does as [`Potential::compute`], by one instruction set.
    ///
    /// # Panics
    ///
    /// If the processor lacks `isa`, or as [`Potential::compute`].
    fn compute_on(
        &self,
        isa: Isa,
        atoms: Atoms<'_>,
        list: &Self::List,
        scratch: &mut Self::Scratch,
        out: &mut Forces,
    );
}

/// A potential whose pairs are computed in `f32`, from positions rounded to that.
///
/// Sums are in `f64`, but for those over the pairs of one atom, which may be added lane by lane, or over a few
/// registers: these are added to the others when they end.
#[derive(Debug, Clone, Copy)]
pub struct Mixed<P>(pub P);

/// A potential whose pairs can be computed in `f32`: as [`Mixed`].
pub trait Narrow: Potential {
    /// Space that this form works in.
    type NarrowScratch: Clone + Debug + Default;

    /// Does as [`Paths::compute_on`] for [`Mixed`].
    fn compute_narrow_on(
        &self,
        isa: Isa,
        atoms: Atoms<'_>,
        list: &Self::List,
        scratch: &mut Self::NarrowScratch,
        out: &mut Forces,
    );

    /// Does as [`Potential::bound`] for [`Mixed`].
    fn narrow_bound(&self, atoms: Atoms<'_>) -> Forces;
}

impl<P: Narrow> Potential for Mixed<P> {
    type List = P::List;
    type Scratch = P::NarrowScratch;

    fn cutoff(&self) -> f64 {
        self.0.cutoff()
    }

    fn compute(
        &self,
        atoms: Atoms<'_>,
        list: &P::List,
        scratch: &mut P::NarrowScratch,
        out: &mut Forces,
    ) {
        self.compute_on(Isa::best(), atoms, list, scratch, out);
    }

    fn reference(&self, atoms: Atoms<'_>) -> Forces {
        self.0.reference(atoms)
    }

    fn bound(&self, atoms: Atoms<'_>) -> Forces {
        self.0.narrow_bound(atoms)
    }
}

impl<P: Narrow> Paths for Mixed<P> {
    fn compute_on(
        &self,
        isa: Isa,
        atoms: Atoms<'_>,
        list: &P::List,
        scratch: &mut P::NarrowScratch,
        out: &mut Forces,
    ) {
        self.0.compute_narrow_on(isa, atoms, list, scratch, out);
    }
}

/// A potential by one instruction set, be it the best or not.
#[derive(Debug, Clone, Copy)]
pub struct On<P> {
    /// The potential.
    pub potential: P,
    /// The instruction set.
    pub isa: Isa,
}

impl<P: Paths> Potential for On<P> {
    type List = P::List;
    type Scratch = P::Scratch;

    fn cutoff(&self) -> f64 {
        self.potential.cutoff()
    }

    fn list(&self, cell: &Cell, positions: &[Vector], skin: f64) -> Result<P::List, Error> {
        self.potential.list_on(self.isa, cell, positions, skin)
    }

    fn compute(
        &self,
        atoms: Atoms<'_>,
        list: &P::List,
        scratch: &mut P::Scratch,
        out: &mut Forces,
    ) {
        self.potential.compute_on(self.isa, atoms, list, scratch, out);
    }

    fn reference(&self, atoms: Atoms<'_>) -> Forces {
        self.potential.reference(atoms)
    }

    fn bound(&self, atoms: Atoms<'_>) -> Forces {
        self.potential.bound(atoms)
    }
}

/// Energy, forces and virial of a system.
#[derive(Debug, Clone, Default)]
pub struct Forces {
    /// Potential energy in eV.
    pub energy: f64,
    /// Force on each atom in eV/angstrom.
    pub forces: Vec<Vector>,
    /// Sum over atoms of `x[a] F[b]`, which is `-dE/d(strain[a, b])`, in eV.
    pub virial: Matrix,
}

impl Forces {
    /// Zeros for `atoms` atoms.
    pub fn zeros(atoms: usize) -> Self {
        Self { forces: vec![[0.0; 3]; atoms], ..Self::default() }
    }

    /// Stress in eV/angstrom^3 of a cell of the given volume: -W/V, positive under tension.
    pub fn stress(&self, volume: f64) -> Matrix {
        self.virial.map(|row| row.map(|w| -w / volume))
    }

    /// Copies energy, forces and virial of `other`, as many atoms, without allocating.
    pub fn copy_from(&mut self, other: &Self) {
        (self.energy, self.virial) = (other.energy, other.virial);
        self.forces.clone_from(&other.forces);
    }

    /// Checks the list, zeroes the results and places the images.
    fn start(
        &mut self,
        cutoff: f64,
        positions: &[Vector],
        list: &NeighbourList,
        images: &mut Vec<Vector>,
    ) {
        self.clear_for(positions.len(), [list.cutoff(), cutoff]);
        list.place(positions, images);
    }

    /// What is not finite, if anything is.
    pub fn fault(&self) -> Option<String> {
        if !self.energy.is_finite() {
            return Some(format!("the energy is not finite: {} eV", self.energy));
        }
        let is_bad = |f: &Vector| !f.iter().all(|f| f.is_finite());
        let k = self.forces.iter().position(is_bad)?;
        Some(format!("the force on atom {} is not finite: {:?} eV/A", k + 1, self.forces[k]))
    }

    /// Zeroes the results, for `atoms` atoms. The cutoff of the list may not be the shorter one.
    fn clear_for(&mut self, atoms: usize, [list, cutoff]: [f64; 2]) {
        assert!(list >= cutoff, "list cutoff {list} under {cutoff}");
        self.clear(atoms);
    }

    /// Zeroes the results, for `atoms` atoms.
    fn clear(&mut self, atoms: usize) {
        (self.energy, self.virial) = (0.0, [[0.0; 3]; 3]);
        self.forces.clear();
        self.forces.resize(atoms, [0.0; 3]);
    }

    /// A force `f` from atom `i` on an image of atom `j` at `d` from it, and its opposite on `i`.
    fn pull(&mut self, i: usize, j: usize, d: Vector, f: Vector) {
        add_scaled(&mut self.forces[i], -1.0, f);
        add_scaled(&mut self.forces[j], 1.0, f);
        for (row, d) in self.virial.iter_mut().zip(d) {
            add_scaled(row, d, f);
        }
    }

    /// Adds a symmetric virial, as xx, yy, zz, xy, xz, yz.
    fn add_virial(&mut self, w: [f64; 6]) {
        for (a, b, k) in [(0, 0, 0), (1, 1, 1), (2, 2, 2), (0, 1, 3), (0, 2, 4), (1, 2, 5)] {
            self.virial[a][b] += w[k];
            if a != b {
                self.virial[b][a] += w[k];
            }
        }
    }
}

/// Whether long sums of these numbers are made in `f64`.
#[inline(always)]
fn is_narrow<V: lanes::Lanes>() -> bool {
    <V::Real as lanes::Real>::EPSILON > f64::EPSILON
}

/// Numbers handled side by side, so that the compiler can use vector instructions.
const LANES: usize = 4;
type Lanes = [f64; LANES];

/// Sum of the lanes, in pairs.
fn sum(x: Lanes) -> f64 {
    (x[0] + x[2]) + (x[1] + x[3])
}

#[cfg(test)]
mod paths;
#[cfg(test)]
mod tests;
