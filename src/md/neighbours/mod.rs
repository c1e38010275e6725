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
mod size;
mod skin;

use std::fmt::Debug;

pub use bonds::{Bond, bonds, displacement_error};
pub(super) use size::check_size;
pub(super) use skin::Skin;

use super::system::{self, Cell, Vector, dot, norm, sub};

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

    /// Builds the list anew if an atom has moved more than half the skin; says whether it did.
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

/// Images sorted by bin; bin b holds `sorted[first[b]..first[b + 1]]`.
#[derive(Debug, Clone, Default)]
struct Bins {
    fractional: Vec<Vector>,
    of_image: Vec<u32>,
    first: Vec<u32>,
    sorted: Vec<(Vector, u32)>,
    backward: Vec<u32>,
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
        list.bins.fractional.reserve(images);
        list.bins.of_image.reserve(images);
        list.bins.first.reserve(list.bins.first.len() / 4);
        list.bins.sorted.reserve(images);
        let most = list.most();
        list.bins.backward.reserve(most + most / 4);
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
    pub(super) fn place_rows(&self, positions: &[Vector], into: &mut [[f64; 4]]) {
        assert_eq!(positions.len(), self.len(), "not one position per atom");
        assert_eq!(into.len(), self.images(), "not one row per image");
        for ((to, &atom), s) in into.iter_mut().zip(&self.atoms).zip(&self.shifts) {
            let x = positions[atom as usize];
            *to = [x[0] + s[0], x[1] + s[1], x[2] + s[2], 0.0];
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

    fn push_image(&mut self, atom: usize, offset: [i32; 3], fractional: Vector) {
        self.atoms.push(u32::try_from(atom).expect("at most 2^23 images"));
        self.offsets.push(offset);
        self.shifts.push(self.cell.cartesian(offset.map(f64::from)));
        self.bins.fractional.push(fractional);
    }

    /// The atoms, moved into the cell, then their images no more than `margin` outside it.
    fn find_images(&mut self, margin: Vector) {
        self.atoms.clear();
        self.offsets.clear();
        self.shifts.clear();
        self.bins.fractional.clear();
        for i in 0..self.len() {
            let s = self.cell.fractional(self.skin.built_at()[i]);
            assert!(
                s.iter().all(|s| s.abs() < 1e6),
                "atom {i} is lost, at {:?}",
                self.skin.built_at()[i]
            );
            let home = s.map(|s| -whole(s.floor()));
            self.push_image(i, home, std::array::from_fn(|a| s[a] + f64::from(home[a])));
        }
        for i in 0..self.len() {
            let (home, s) = (self.offsets[i], self.bins.fractional[i]);
            let range = |a: usize| {
                whole((-margin[a] - s[a]).ceil())..=whole((1.0 + margin[a] - s[a]).floor())
            };
            for (x, y, z) in product(range(0), range(1), range(2)) {
                if (x, y, z) != (0, 0, 0) {
                    let offset = [home[0] + x, home[1] + y, home[2] + z];
                    let [x, y, z] = [x, y, z].map(f64::from);
                    self.push_image(i, offset, [s[0] + x, s[1] + y, s[2] + z]);
                }
            }
        }
    }

    /// A counting sort of the images; returns the number of bins along each lattice vector.
    fn sort_into_bins(&mut self, margin: Vector) -> [usize; 3] {
        let Bins { fractional, of_image, first, sorted, .. } = &mut self.bins;
        // A bin is at least `margin` wide, so only adjacent bins hold neighbours.
        let mut counts = margin.map(|m| index(((1.0 + 2.0 * m) / m).min(1e6)).max(1));
        // Few atoms in a large cell would leave most bins empty.
        while counts.iter().product::<usize>() > 27 + 4 * fractional.len() {
            let largest = counts.iter_mut().max().expect("three axes");
            *largest = largest.div_ceil(2);
        }
        let scale: Vector = std::array::from_fn(|a| counts[a] as f64 / (1.0 + 2.0 * margin[a]));
        of_image.clear();
        of_image.extend(fractional.iter().map(|s| {
            let [x, y, z] =
                std::array::from_fn(|a| index((s[a] + margin[a]) * scale[a]).min(counts[a] - 1));
            let bin = (x * counts[1] + y) * counts[2] + z;
            u32::try_from(bin).expect("at most 2^26 bins")
        }));
        first.clear();
        first.resize(counts.iter().product::<usize>() + 1, 0);
        of_image.iter().for_each(|&b| first[b as usize] += 1);
        let mut end = 0;
        for f in first.iter_mut() {
            end += *f;
            *f = end;
        }
        // Filled from the end of each bin, in reverse, so that images stay in order.
        sorted.clear();
        sorted.resize(of_image.len(), ([0.0; 3], 0));
        for (k, &b) in of_image.iter().enumerate().rev() {
            first[b as usize] -= 1;
            let (x, s) = (self.skin.built_at()[self.atoms[k] as usize], self.shifts[k]);
            let image = u32::try_from(k).expect("at most 2^23 images");
            sorted[first[b as usize] as usize] = ([x[0] + s[0], x[1] + s[1], x[2] + s[2]], image);
        }
        counts
    }

    fn collect(&mut self, counts: [usize; 3]) {
        let Bins { of_image, first, sorted, backward, .. } = &mut self.bins;
        let reach2 = (self.cutoff + self.skin.width()).powi(2);
        let end = |index: &Vec<u32>| u32::try_from(index.len()).expect("at most 2^32 pairs");
        self.start.clear();
        self.middle.clear();
        self.index.clear();
        self.start.push(0);
        for (i, (x, s)) in self.skin.built_at().iter().zip(&self.shifts).enumerate() {
            let here = [x[0] + s[0], x[1] + s[1], x[2] + s[2]];
            let bin = of_image[i] as usize;
            let at = [bin / (counts[1] * counts[2]), bin / counts[2] % counts[1], bin % counts[2]];
            let around = |a: usize| at[a].saturating_sub(1)..=(at[a] + 1).min(counts[a] - 1);
            for (bx, by) in around(0).flat_map(|bx| around(1).map(move |by| (bx, by))) {
                // Bins along the last axis are adjacent in `sorted`.
                let row = (bx * counts[1] + by) * counts[2];
                let (from, to) = (row + around(2).start(), row + around(2).end() + 1);
                for &(there, k) in &sorted[first[from] as usize..first[to] as usize] {
                    let d = sub(there, here);
                    if dot(d, d) < reach2 && k as usize != i {
                        let atom = self.atoms[k as usize] as usize;
                        let ahead = (atom, self.offsets[k as usize]) > (i, self.offsets[i]);
                        if ahead { &mut self.index } else { &mut *backward }.push(k);
                    }
                }
            }
            self.middle.push(end(&self.index));
            self.index.append(backward);
            self.start.push(end(&self.index));
        }
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

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "saturates at 0")]
fn index(x: f64) -> usize {
    x as usize
}

#[cfg(test)]
mod tests;
