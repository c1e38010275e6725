//! Which images of which atoms lie near an atom.
//!
//! The atoms, moved into the cell, and those of their images that lie within reach of the cell are
//! the list's *images*; the first n are the atoms themselves. For atom i the list names every
//! image k != i at a distance under reach from it, where reach = cutoff + skin: several images of
//! one atom, and images of i itself, each in its own right. Both directions of a pair are listed.
//!
//! The list stays complete until some atom has moved more than skin/2 since it was built.
//! Building bins the images by fractional coordinates into bins at least reach wide, so its cost
//! is linear in the number of images. [`bonds()`] is the reference: all pairs of all images.
//!
//! Source: M. P. Allen, D. J. Tildesley, "Computer Simulation of Liquids", 2nd ed. (2017), ch. 5.

mod bonds;
mod build;
mod size;
mod skin;

use std::fmt::Debug;

pub use bonds::{Bond, bonds, displacement_error, place_error};
pub(super) use size::check_size;
pub(super) use skin::Skin;

use self::build::Bins;
use super::lanes::{Quad, Real};
use super::system::{self, Cell, Vector, norm, sub};
use crate::machine::isa::Isa;

/// Pairs of atoms within cutoff + skin, of whatever form, kept up to date as atoms move.
pub trait List: Clone + Debug + Sized {
    /// The list of `positions` in `cell`; `cutoff` and `skin` in angstrom.
    ///
    /// It has room to grow by a quarter, so that a later build need not allocate.
    ///
    /// # Errors
    ///
    /// If the cell is so small that more than 2^23 images would be in reach, or, at the mean
    /// density of the atoms, more than 2^28 pairs.
    ///
    /// # Panics
    ///
    /// If `cutoff` is not positive or `skin` is negative, or as [`List::update`].
    fn new(
        cell: &Cell,
        positions: &[Vector],
        cutoff: f64,
        skin: f64,
    ) -> Result<Self, system::Error>;

    /// Does as [`List::new`], for kernels of one instruction set, which keeps the list up to date too
    /// if it can.
    ///
    /// # Errors
    ///
    /// As [`List::new`].
    ///
    /// # Panics
    ///
    /// If the processor lacks `isa`, or as [`List::new`].
    fn on(
        isa: Isa,
        cell: &Cell,
        positions: &[Vector],
        cutoff: f64,
        skin: f64,
    ) -> Result<Self, system::Error> {
        assert!(isa.is_available(), "this processor has no {}", isa.name());
        Self::new(cell, positions, cutoff, skin)
    }

    /// Builds the list anew if an atom has moved more than half the skin, or before that where it pays;
    /// says whether it did.
    ///
    /// # Panics
    ///
    /// If the number of atoms changed, or an atom is NaN or a million cells away.
    fn update(&mut self, positions: &[Vector]) -> bool;

    /// Copies `other` into the buffers of `self`, which must be a list of as many atoms.
    fn copy_from(&mut self, other: &Self);

    /// How often the list was built; a copy has the count of what it was copied from.
    fn builds(&self) -> u64;

    /// How many of the builds were dangerous: an atom had moved more than half the skin, which is
    /// not zero, by the first [`List::update`] after the build before.
    ///
    /// A list that is updated before every use is complete even so, but one that is updated every
    /// second step would not have been.
    fn dangerous_builds(&self) -> u64;

    /// How often the list was pruned, builds included; 0 for a list that is not.
    fn prunings(&self) -> u64 {
        0
    }
}

/// Neighbours of every atom within cutoff + skin. All buffers are kept between builds.
#[derive(Debug, Clone)]
pub struct NeighbourList {
    cell: Cell,
    cutoff: f64,
    skin: Skin,
    /// Per image: whose it is, how many cells away, and the same in angstrom.
    atoms: Vec<u32>,
    offsets: Vec<[i32; 3]>,
    shifts: Vec<Vector>,
    /// Atom i has the neighbours `index[start[i]..start[i + 1]]`, those before `middle[i]` forward.
    start: Vec<u32>,
    middle: Vec<u32>,
    index: Vec<u32>,
    bins: Bins,
}

impl List for NeighbourList {
    fn new(
        cell: &Cell,
        positions: &[Vector],
        cutoff: f64,
        skin: f64,
    ) -> Result<Self, system::Error> {
        let atoms = positions.len();
        check_size(cell, atoms, cutoff, skin)?;
        let mut list = Self {
            cell: *cell,
            cutoff,
            skin: Skin::new(skin, atoms),
            atoms: Vec::new(),
            offsets: Vec::new(),
            shifts: Vec::new(),
            start: Vec::new(),
            middle: Vec::new(),
            index: Vec::new(),
            bins: Bins::default(),
        };
        list.build(positions);
        let (images, pairs) = (list.atoms.len() / 4 + 8, list.index.len() / 4 + 64);
        list.atoms.reserve(images);
        list.offsets.reserve(images);
        list.shifts.reserve(images);
        list.index.reserve(pairs);
        // The number of one atom varies more than that of all.
        list.bins.reserve(images, 2 * list.most());
        Ok(list)
    }

    fn update(&mut self, positions: &[Vector]) -> bool {
        let stale = self.skin.check(positions);
        if stale {
            self.build(positions);
        }
        stale
    }

    fn copy_from(&mut self, other: &Self) {
        let Self { skin, atoms, offsets, shifts, start, middle, index, .. } = other;
        (self.cell, self.cutoff) = (other.cell, other.cutoff);
        self.skin.copy_from(skin);
        self.atoms.clone_from(atoms);
        self.offsets.clone_from(offsets);
        self.shifts.clone_from(shifts);
        self.start.clone_from(start);
        self.middle.clone_from(middle);
        self.index.clone_from(index);
    }

    fn builds(&self) -> u64 {
        self.skin.builds()
    }

    fn dangerous_builds(&self) -> u64 {
        self.skin.dangerous_builds()
    }
}

impl NeighbourList {
    /// Builds the list anew, for the same atoms at `positions`.
    ///
    /// # Panics
    ///
    /// If the number of atoms changed, or an atom is NaN or a million cells away.
    pub fn build(&mut self, positions: &[Vector]) {
        self.skin.rebuilt(positions);
        let margin = self.cell.heights().map(|h| (self.cutoff + self.skin.width()) / h + 1e-9);
        self.find_images(margin);
        let counts = self.sort_into_bins(margin);
        self.collect(counts);
    }

    /// Forgets every pair; [`NeighbourList::build`] finds them again.
    pub fn clear(&mut self) {
        self.start.fill(0);
        self.middle.fill(0);
        self.index.clear();
    }

    /// Writes where the images are when the atoms are at `positions`; `into` has one entry each.
    ///
    /// # Panics
    ///
    /// If `positions` has other than one entry per atom.
    pub fn place(&self, positions: &[Vector], into: &mut Vec<Vector>) {
        assert_eq!(positions.len(), self.len(), "not one position per atom");
        into.clear();
        into.reserve(self.atoms.capacity());
        into.extend(self.atoms.iter().zip(&self.shifts).map(|(&atom, s)| {
            let x = positions[atom as usize];
            [x[0] + s[0], x[1] + s[1], x[2] + s[2]]
        }));
    }

    /// Does as [`NeighbourList::place`], into rows of x, y, z and zero, one for each image.
    pub(super) fn place_rows<R: Real>(&self, positions: &[Vector], into: &mut [Quad<R>]) {
        assert_eq!(positions.len(), self.len(), "not one position per atom");
        assert_eq!(into.len(), self.images(), "not one row per image");
        for ((to, &atom), s) in into.iter_mut().zip(&self.atoms).zip(&self.shifts) {
            let x = positions[atom as usize];
            *to = [x[0] + s[0], x[1] + s[1], x[2] + s[2], 0.0].map(R::from_f64);
        }
    }

    /// Whose each image is.
    pub(super) fn owners(&self) -> &[u32] {
        &self.atoms
    }

    /// The cutoff in angstrom, without the skin.
    pub fn cutoff(&self) -> f64 {
        self.cutoff
    }

    /// Number of atoms.
    pub fn len(&self) -> usize {
        self.skin.built_at().len()
    }

    /// True without atoms.
    pub fn is_empty(&self) -> bool {
        self.skin.built_at().is_empty()
    }

    /// Number of images, the atoms included.
    pub fn images(&self) -> usize {
        self.atoms.len()
    }

    /// Number of images that the list has room for.
    pub(super) fn most_images(&self) -> usize {
        self.atoms.capacity()
    }

    /// Number of directed pairs in the list.
    pub fn pairs(&self) -> usize {
        self.index.len()
    }

    /// The images within reach of atom `i`.
    pub fn of(&self, i: usize) -> &[u32] {
        &self.index[self.start[i] as usize..self.start[i + 1] as usize]
    }

    /// One direction of each pair: of the images within reach of atom `i`, those of later atoms,
    /// and one of each two opposite images of `i` itself. The first part of [`NeighbourList::of`].
    pub fn forward(&self, i: usize) -> &[u32] {
        &self.index[self.start[i] as usize..self.middle[i] as usize]
    }

    /// Whose image `k` is.
    pub fn atom(&self, k: u32) -> usize {
        self.atoms[k as usize] as usize
    }

    /// The most neighbours that an atom has.
    pub fn most(&self) -> usize {
        (0..self.len()).map(|i| self.of(i).len()).max().unwrap_or(0)
    }

    /// The neighbours of atom `i` as (atom, cells away), in the order of [`NeighbourList::of`].
    ///
    /// Counted from the positions given, not from those moved into the cell.
    pub fn offsets(&self, i: usize) -> impl Iterator<Item = (usize, [i32; 3])> + '_ {
        self.of(i).iter().map(move |&k| {
            let (here, there) = (self.offsets[i], self.offsets[k as usize]);
            (self.atom(k), std::array::from_fn(|a| there[a] - here[a]))
        })
    }

    /// Neighbours of each atom closer than the cutoff, without the skin, at `positions`.
    ///
    /// # Panics
    ///
    /// If `positions` has other than one entry per atom.
    pub fn counts(&self, positions: &[Vector]) -> Vec<usize> {
        let mut images = Vec::new();
        self.place(positions, &mut images);
        let near = |i: usize, k: u32| norm(sub(images[k as usize], images[i])) < self.cutoff;
        (0..self.len()).map(|i| self.of(i).iter().filter(|&&k| near(i, k)).count()).collect()
    }
}

fn product(
    x: std::ops::RangeInclusive<i32>,
    y: std::ops::RangeInclusive<i32>,
    z: std::ops::RangeInclusive<i32>,
) -> impl Iterator<Item = (i32, i32, i32)> {
    x.flat_map(move |x| {
        let z = z.clone();
        y.clone().flat_map(move |y| z.clone().map(move |z| (x, y, z)))
    })
}

#[expect(clippy::cast_possible_truncation, reason = "saturates; the arguments are small integers")]
pub(super) fn whole(x: f64) -> i32 {
    x as i32
}

#[cfg(test)]
pub(super) mod tests;
