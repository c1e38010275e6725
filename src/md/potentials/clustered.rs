//! What kernels over pairs of clusters have in common: forces and the virial by runs.

use super::{Forces, is_narrow};
use crate::md::clusters::{Apart, Block, ClusterList};
use crate::md::lanes::{CLUSTER, Real, Room, Tile};
use crate::md::system::Vector;

/// Requires the list to reach as far as `cutoff`; zeroes `out`. The blocks are where the atoms are, and
/// zeroes for the forces on them.
pub(super) fn start<R: Real>(
    cutoff: f64,
    positions: &[Vector],
    list: &ClusterList,
    blocks: &mut Vec<Block<R>>,
    forces: &mut ForceRoom<R>,
    out: &mut Forces,
) {
    out.clear_for(positions.len(), [list.cutoff(), cutoff]);
    list.place(positions, blocks);
    forces.by_atom.zeros(3 * CLUSTER * blocks.len());
}

/// Room for the forces on clusters.
#[derive(Debug, Clone, Default)]
pub(super) struct ForceRoom<R: Real> {
    /// By cluster: x, y, z.
    by_atom: Room<f64>,
    /// The same by lane of a register.
    by_lane: Room<R>,
}

impl<R: Real> ForceRoom<R> {
    /// The forces that [`start`] zeroed, to add to.
    #[inline(always)]
    pub(super) fn on_clusters<V: Tile<Real = R>>(&mut self, clusters: usize) -> OnClusters<'_, V> {
        let lanes = if by_lane::<V>() { 3 * V::LEN * clusters } else { 0 };
        OnClusters {
            by_atom: self.by_atom.quads(3 * clusters).as_chunks_mut().0,
            by_lane: V::arrays_mut(self.by_lane.zeros(lanes)).as_chunks_mut().0,
        }
    }

    /// The forces.
    pub(super) fn of(&mut self, clusters: usize) -> &[Block<f64>] {
        self.by_atom.quads(3 * clusters).as_chunks().0
    }
}

/// Whether forces on clusters are added up by lane.
#[inline(always)]
fn by_lane<V: Tile>() -> bool {
    is_narrow::<V>() && V::ROWS > 1
}

/// The forces on clusters, as they add up.
///
/// Of narrow numbers in several rows these are sums by lane, over the parts that list a cluster. They end
/// with the loops over all parts, and go on in `f64`. To add a register takes less than to add up its rows
/// and to widen them.
pub(super) struct OnClusters<'a, V: Tile> {
    by_atom: &'a mut [Block<f64>],
    by_lane: &'a mut [[V::Array; 3]],
}

impl<'a, V: Tile> OnClusters<'a, V> {
    /// The forces on the atoms of a cluster, to which sums over rows are added.
    #[inline(always)]
    pub(super) fn of(&mut self, cluster: usize) -> &mut Block<f64> {
        &mut self.by_atom[cluster]
    }

    /// The forces, with the sums by lane.
    #[inline(always)]
    pub(super) fn finish(self) -> &'a [Block<f64>] {
        for (to, lanes) in self.by_atom.iter_mut().zip(&*self.by_lane) {
            for a in 0..3 {
                V::load(&lanes[a]).add_across(&mut to[a]);
            }
        }
        self.by_atom
    }
}

/// Adds to squared distances of a cluster to itself: a number beyond every cutoff where an atom does
/// not come after a row, the first of which is `first`.
#[inline(always)]
pub(super) fn not_after<V: Tile>(first: usize) -> V {
    const FAR: f64 = 1e18;
    let mut table = [V::Real::default(); CLUSTER * CLUSTER];
    for row in 0..V::ROWS {
        for lane in 0..=(first + row).min(CLUSTER - 1) {
            table[CLUSTER * row + lane] = V::Real::from_f64(FAR);
        }
    }
    V::load(&V::arrays(&table)[0])
}

/// The forces on rows, by lane.
#[derive(Clone, Copy)]
pub(super) struct Pull<V, const R: usize>([[V; R]; 3]);

impl<V: Tile, const R: usize> Pull<V, R> {
    #[inline(always)]
    pub(super) fn new() -> Self {
        Self([[V::splat(0.0); R]; 3])
    }

    /// Adds the force `f d` to a cluster, and its opposite to the rows.
    #[inline(always)]
    pub(super) fn add(
        &mut self,
        d: &Apart<V, R>,
        f: &[V; R],
        to: &mut OnClusters<'_, V>,
        cluster: usize,
    ) {
        if by_lane::<V>() {
            let lanes = &mut to.by_lane[cluster];
            for a in 0..3 {
                let mut sum = V::load(&lanes[a]);
                for r in 0..R {
                    sum = f[r].mul_add(d[a][r], sum);
                    self.0[a][r] = f[r].mul_sub_from(d[a][r], self.0[a][r]);
                }
                sum.store(&mut lanes[a]);
            }
        } else {
            let atoms = &mut to.by_atom[cluster];
            let mut sums = [V::splat(0.0); 3];
            for a in 0..3 {
                sums[a] = f[0].times(d[a][0]);
                self.0[a][0] = f[0].mul_sub_from(d[a][0], self.0[a][0]);
                for r in 1..R {
                    sums[a] = f[r].mul_add(d[a][r], sums[a]);
                    self.0[a][r] = f[r].mul_sub_from(d[a][r], self.0[a][r]);
                }
            }
            for a in 0..3 {
                sums[a].add_across(&mut atoms[a]);
            }
        }
    }

    /// Adds the forces to the atoms of the rows.
    #[inline(always)]
    pub(super) fn finish(&self, to: &mut Block<f64>, first: usize) {
        for a in 0..3 {
            for r in 0..R {
                self.0[a][r].add_along(&mut to[a], first + r * V::ROWS);
            }
        }
    }
}

/// A sum over registers. Where their numbers are narrow it goes on in `f64` from time to time.
#[derive(Clone, Copy)]
pub(super) struct Sum<V> {
    pub(super) lanes: V,
    moved: [f64; 2 * CLUSTER],
}

impl<V: Tile> Sum<V> {
    #[inline(always)]
    pub(super) fn new() -> Self {
        Self { lanes: V::splat(0.0), moved: [0.0; 2 * CLUSTER] }
    }

    /// Moves the sum of narrow numbers to `f64`.
    #[inline(always)]
    pub(super) fn move_narrow(&mut self) {
        if is_narrow::<V>() {
            self.lanes.add_lanes(&mut self.moved);
            self.lanes = V::splat(0.0);
        }
    }

    #[inline(always)]
    pub(super) fn finish(&self) -> f64 {
        let moved = if is_narrow::<V>() { self.moved.iter().sum() } else { 0.0 };
        moved + self.lanes.sum()
    }
}

/// The part of the virial that shifted clusters have.
#[derive(Clone, Copy)]
pub(super) struct Virial<V>([[Sum<V>; 3]; 3]);

impl<V: Tile> Virial<V> {
    #[inline(always)]
    pub(super) fn new() -> Self {
        Self([[Sum::new(); 3]; 3])
    }

    /// Adds a run of clusters that are `shift` away, over which the pull on the rows changed.
    #[inline(always)]
    pub(super) fn add_run<const R: usize>(
        &mut self,
        shift: Vector,
        before: &Pull<V, R>,
        after: &Pull<V, R>,
    ) {
        if shift == [0.0; 3] {
            return;
        }
        for b in 0..3 {
            let mut force = before.0[b][0].minus(after.0[b][0]);
            for r in 1..R {
                force = force.plus(before.0[b][r].minus(after.0[b][r]));
            }
            for a in 0..3 {
                let sum = &mut self.0[a][b].lanes;
                *sum = force.mul_add(V::splat(shift[a]), *sum);
            }
        }
    }

    /// Moves the sums of narrow numbers to `f64`.
    #[inline(always)]
    pub(super) fn move_narrow(&mut self) {
        for row in &mut self.0 {
            for sum in row {
                sum.move_narrow();
            }
        }
    }

    /// The whole virial as xx, yy, zz, xy, xz, yz, from where atoms are and the forces on them.
    #[inline(always)]
    pub(super) fn finish(&self, at: &[Block<V::Real>], forces: &[Block<f64>]) -> [f64; 6] {
        let mut own = [[[0.0; CLUSTER]; 3]; 3];
        for (x, f) in at.iter().zip(forces) {
            for a in 0..3 {
                for b in 0..3 {
                    for l in 0..CLUSTER {
                        let x: f64 = x[a][l].into();
                        own[a][b][l] += x * f[b][l];
                    }
                }
            }
        }
        let of = |a: usize, b: usize| own[a][b].iter().sum::<f64>() + self.0[a][b].finish();
        let mean = |a: usize, b: usize| 0.5 * (of(a, b) + of(b, a));
        [of(0, 0), of(1, 1), of(2, 2), mean(0, 1), mean(0, 2), mean(1, 2)]
    }
}
