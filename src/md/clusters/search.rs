//! Finds the pairs of clusters, and prunes them.
//!
//! Clusters are binned by the fractional coordinates of their centres. Around the centre of each
//! cluster all bins that may hold a cluster in reach are visited, a bin of a neighbouring cell as the
//! same bin of this one, so many cells away. The cost is linear in the number of clusters.

use super::{Block, Entries, Rows, parts, squared};
use crate::machine::isa::Isa;
use crate::md::lanes::{CLUSTER, Kernel, Real as _, Tile};
use crate::md::neighbours::whole;
use crate::md::system::{Cell, Vector, dot, sub};

/// Where the clusters are; buffers.
#[derive(Debug, Clone, Default)]
pub(super) struct Search {
    blocks: Vec<Block<f64>>,
    /// By cluster.
    spheres: Vec<Sphere>,
    bin_of: Vec<u32>,
    /// Bin b has the clusters `sorted[first[b]..first[b + 1]]`.
    first: Vec<u32>,
    sorted: Vec<u32>,
}

/// Holds the atoms of a cluster.
#[derive(Debug, Clone, Copy, Default)]
struct Sphere {
    centre: Vector,
    radius: f64,
}

impl Sphere {
    /// Around the atoms of `block` in these places.
    fn around(block: &Block<f64>, places: std::ops::Range<usize>) -> Self {
        let n = places.len() as f64;
        let centre = block.map(|x| x[places.clone()].iter().sum::<f64>() / n);
        let radius2 = places.map(|l| {
            let d = sub([block[0][l], block[1][l], block[2][l]], centre);
            dot(d, d)
        });
        // A little more than the largest, for its rounding.
        Self { centre, radius: radius2.fold(0.0, f64::max).sqrt() * (1.0 + 1e-12) }
    }
}

impl Search {
    /// The blocks of the clusters, to be placed.
    pub(super) fn blocks(&mut self) -> &mut Vec<Block<f64>> {
        &mut self.blocks
    }

    /// Makes room for a quarter more bins.
    pub(super) fn reserve(&mut self) {
        self.first.reserve(self.first.len() / 4);
    }

    /// Finds the clusters within `reach` of each cluster of `atoms` atoms.
    pub(super) fn collect(
        &mut self,
        isa: Isa,
        cell: &Cell,
        atoms: usize,
        reach: f64,
        into: &mut Entries,
    ) {
        f64::on(isa, Collect { by: self, cell, atoms, reach, into });
    }

    #[inline(always)]
    fn collect_by<V: Tile<Real = f64>, const R: usize>(
        &mut self,
        cell: &Cell,
        atoms: usize,
        reach: f64,
        into: &mut Entries,
    ) {
        let filled = |from: usize, most: usize| most.min(atoms - from);
        self.spheres.clear();
        let clusters = self.blocks.iter().take(atoms.div_ceil(CLUSTER)).enumerate();
        self.spheres.extend(
            clusters.map(|(c, block)| Sphere::around(block, 0..filled(c * CLUSTER, CLUSTER))),
        );
        let counts = self.sort_into_bins(cell);
        let largest = self.spheres.iter().map(|s| s.radius).fold(0.0, f64::max);
        into.start_parts(CLUSTER);
        for own in 0..atoms.div_ceil(CLUSTER) {
            let around = Around {
                own,
                rows: Rows::<V, R>::new(&self.blocks, own, 0),
                sphere: self.spheres[own],
                reach,
            };
            let s = cell.fractional(around.sphere.centre);
            let near = |a: usize| {
                let margin = (reach + around.sphere.radius + largest) / cell.heights()[a] + 1e-9;
                [s[a] - margin, s[a] + margin].map(|s| whole((s * f64::from(counts[a])).floor()))
            };
            let bins = [near(0), near(1), near(2)];
            let offsets = |a: usize| {
                let [low, high] = bins[a].map(|b| b.div_euclid(counts[a]));
                low..=high
            };
            into.clusters.push(u32::try_from(own).expect("at most 2^23 atoms"));
            self.visit(&around, counts, bins, [0; 3], [0.0; 3], into);
            into.end_run([0; 3], [0.0; 3]);
            for x in offsets(0) {
                for y in offsets(1) {
                    for z in offsets(2) {
                        let offset = [x, y, z];
                        if offset != [0; 3] {
                            let shift = cell.cartesian(offset.map(f64::from));
                            self.visit(&around, counts, bins, offset, shift, into);
                            into.end_run(offset, shift);
                        }
                    }
                }
            }
            into.end_part();
        }
    }

    /// A counting sort of the clusters; returns the number of bins along each lattice vector.
    fn sort_into_bins(&mut self, cell: &Cell) -> [i32; 3] {
        // A bin has about two clusters.
        let edge = (2.0 * cell.volume() / self.spheres.len().max(1) as f64).cbrt();
        let mut counts = cell.heights().map(|h| whole((h / edge).min(1e3)).max(1));
        let bins = |counts: [i32; 3]| counts.into_iter().map(index).product::<usize>();
        while bins(counts) > 27 + 4 * self.spheres.len() {
            let largest = counts.iter_mut().max().expect("three axes");
            *largest = (*largest + 1) / 2;
        }
        self.bin_of.clear();
        self.bin_of.extend(self.spheres.iter().map(|sphere| {
            let s = cell.fractional(sphere.centre);
            // The centre of atoms in the cell is in the cell, but for rounding.
            let at = |a: usize| whole(s[a] * f64::from(counts[a])).clamp(0, counts[a] - 1);
            let bin = (at(0) * counts[1] + at(1)) * counts[2] + at(2);
            bin.cast_unsigned()
        }));
        self.first.clear();
        self.first.resize(bins(counts) + 1, 0);
        self.bin_of.iter().for_each(|&b| self.first[b as usize] += 1);
        let mut end = 0;
        for first in &mut self.first {
            end += *first;
            *first = end;
        }
        self.sorted.clear();
        self.sorted.resize(self.spheres.len(), 0);
        // Filled from the end of each bin, in reverse, so that clusters stay in order.
        for (c, &b) in self.bin_of.iter().enumerate().rev() {
            let first = &mut self.first[b as usize];
            *first -= 1;
            self.sorted[*first as usize] = u32::try_from(c).expect("at most 2^23 atoms");
        }
        counts
    }

    /// Adds the clusters in reach that are `offset` cells away.
    #[inline(always)]
    fn visit<V: Tile<Real = f64>, const R: usize>(
        &self,
        around: &Around<V, R>,
        counts: [i32; 3],
        bins: [[i32; 2]; 3],
        offset: [i32; 3],
        shift: Vector,
        into: &mut Entries,
    ) {
        let range = |a: usize| {
            let start = offset[a] * counts[a];
            let [low, high] = bins[a];
            (low.max(start) - start)..(high.min(start + counts[a] - 1) + 1 - start)
        };
        let rows = around.rows.seen_from(shift);
        let centre = sub(around.sphere.centre, shift);
        // A cluster lists half of its own images.
        let least = around.own + usize::from(offset <= [0; 3]);
        for x in range(0) {
            for y in range(1) {
                // Bins along the last axis are adjacent in `sorted`.
                let row = (x * counts[1] + y) * counts[2];
                let z = range(2);
                if z.is_empty() {
                    continue;
                }
                let (from, to) = (self.first[index(row + z.start)], self.first[index(row + z.end)]);
                for &c in &self.sorted[from as usize..to as usize] {
                    let there = &self.spheres[c as usize];
                    let (d, far) = (
                        sub(there.centre, centre),
                        around.reach + around.sphere.radius + there.radius,
                    );
                    if c as usize >= least
                        && dot(d, d) <= far * far
                        && is_near(&rows, &self.blocks[c as usize], around.reach)
                    {
                        into.clusters.push(c);
                    }
                }
            }
        }
    }

    /// Keeps, for each part, the entries with a pair closer than `reach`, and its own cluster.
    pub(super) fn prune(
        &self,
        isa: Isa,
        rows: usize,
        reach: f64,
        from: &Entries,
        into: &mut Entries,
    ) {
        f64::on(isa, Prune { blocks: &self.blocks, rows, reach, from, into });
    }
}

/// What the clusters around are compared with.
struct Around<V, const R: usize> {
    own: usize,
    rows: Rows<V, R>,
    sphere: Sphere,
    reach: f64,
}

/// Whether an atom of `block` is closer than `reach` to one of the rows.
#[inline(always)]
fn is_near<V: Tile<Real = f64>, const R: usize>(
    rows: &Rows<V, R>,
    block: &Block<f64>,
    reach: f64,
) -> bool {
    let d = rows.to(block);
    let mut least = squared(&d, 0);
    for r in 1..R {
        least = least.min(squared(&d, r));
    }
    V::any(least.below(V::splat(reach * reach)))
}

#[inline(always)]
fn prune<V: Tile<Real = f64>, const R: usize>(
    blocks: &[Block<f64>],
    reach: f64,
    from: &Entries,
    into: &mut Entries,
) {
    into.start_parts(R * V::ROWS);
    for (part, own, row) in parts::<V, R>(from) {
        let rows = Rows::<V, R>::new(blocks, own, row);
        let first = from.first_run[part] as usize;
        for k in first..from.first_run[part + 1] as usize {
            let run = from.runs[k];
            let (clusters, rows) =
                (&from.clusters[from.start(k)..run.end as usize], rows.seen_from(run.shift));
            let start = into.clusters.len();
            into.clusters.extend_from_slice(clusters);
            let kept = &mut into.clusters[start..];
            let mut n = usize::from(k == first);
            for &c in &clusters[n..] {
                // Written whether or not it is kept: a branch here is often mispredicted.
                kept[n] = c;
                n += usize::from(is_near(&rows, &blocks[c as usize], reach));
            }
            into.clusters.truncate(start + n);
            into.end_run(run.offset, run.shift);
        }
        into.end_part();
    }
}

/// The arguments of [`Search::collect_by`].
struct Collect<'a> {
    by: &'a mut Search,
    cell: &'a Cell,
    atoms: usize,
    reach: f64,
    into: &'a mut Entries,
}

impl Kernel<f64> for Collect<'_> {
    #[inline(always)]
    fn run<V: Tile<Real = f64>>(self) {
        let Self { by, cell, atoms, reach, into } = self;
        // All rows of a cluster.
        if V::ROWS == 2 {
            by.collect_by::<V, 2>(cell, atoms, reach, into);
        } else {
            by.collect_by::<V, CLUSTER>(cell, atoms, reach, into);
        }
    }
}

/// The arguments of [`prune`], and the rows of a part.
struct Prune<'a> {
    blocks: &'a [Block<f64>],
    rows: usize,
    reach: f64,
    from: &'a Entries,
    into: &'a mut Entries,
}

impl Kernel<f64> for Prune<'_> {
    #[inline(always)]
    fn run<V: Tile<Real = f64>>(self) {
        let Self { blocks, rows, reach, from, into } = self;
        if V::ROWS == 2 && rows == 2 {
            prune::<V, 1>(blocks, reach, from, into);
        } else {
            prune::<V, 2>(blocks, reach, from, into);
        }
    }
}

/// An index that is not negative.
fn index(x: i32) -> usize {
    usize::try_from(x).expect("a bin of this cell")
}
