//! Builds a list: the images, their bins, and the pairs of adjacent ones.

use super::{NeighbourList, product, whole};
use crate::md::system::{Vector, dot, sub};

/// Images sorted by bin; bin b holds `sorted[first[b]..first[b + 1]]`.
#[derive(Debug, Clone, Default)]
pub(super) struct Bins {
    fractional: Vec<Vector>,
    of_image: Vec<u32>,
    pub(super) first: Vec<u32>,
    pub(super) sorted: Vec<(Vector, u32)>,
    pub(super) backward: Vec<u32>,
}

impl Bins {
    /// Makes room for so many more images, and neighbours of one atom.
    pub(super) fn reserve(&mut self, images: usize, neighbours: usize) {
        self.fractional.reserve(images);
        self.of_image.reserve(images);
        self.first.reserve(self.first.len() / 4);
        self.sorted.reserve(images);
        self.backward.reserve(neighbours);
    }
}

impl NeighbourList {
    fn push_image(&mut self, atom: usize, offset: [i32; 3], fractional: Vector) {
        self.atoms.push(u32::try_from(atom).expect("at most 2^23 images"));
        self.offsets.push(offset);
        self.shifts.push(self.cell.cartesian(offset.map(f64::from)));
        self.bins.fractional.push(fractional);
    }

    /// The atoms, moved into the cell, then their images no more than `margin` outside it.
    pub(super) fn find_images(&mut self, margin: Vector) {
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
    pub(super) fn sort_into_bins(&mut self, margin: Vector) -> [usize; 3] {
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

    pub(super) fn collect(&mut self, counts: [usize; 3]) {
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

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "saturates at 0")]
fn index(x: f64) -> usize {
    x as usize
}
