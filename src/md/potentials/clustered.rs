//! What kernels over pairs of clusters have in common: forces and the virial by runs.

use super::{Forces, is_narrow};
use crate::md::clusters::{Apart, Block, ClusterList};
use crate::md::lanes::{CLUSTER, Quad, Real, Room, Tile};
use crate::md::system::Vector;

/// Requires the list to reach as far as `cutoff`; zeroes `out`. The blocks are where the atoms are, and
/// zeroes for the forces on them.
pub(super) fn start<R: Real>(
    cutoff: f64,
    positions: &[Vector],
    list: &ClusterList,
    blocks: &mut Vec<Block<R>>,
    forces: &mut Room<f64>,
    out: &mut Forces,
) {
    out.clear_for(positions.len(), [list.cutoff(), cutoff]);
    list.place(positions, blocks);
    forces.zeros(R::FORCES * CLUSTER * blocks.len());
}

/// The forces on a cluster.
#[inline(always)]
pub(super) fn on<R: Real>(forces: &mut [Quad<f64>], cluster: usize) -> &mut Block<f64> {
    let quads = &mut forces[R::FORCES * cluster..][..3];
    quads.try_into().expect("three quads")
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
    pub(super) fn add(&mut self, d: &Apart<V, R>, f: &[V; R], to: &mut Block<f64>) {
        let mut sums = [V::splat(0.0); 3];
        for a in 0..3 {
            sums[a] = f[0].times(d[a][0]);
            self.0[a][0] = f[0].mul_sub_from(d[a][0], self.0[a][0]);
            for r in 1..R {
                sums[a] = f[r].mul_add(d[a][r], sums[a]);
                self.0[a][r] = f[r].mul_sub_from(d[a][r], self.0[a][r]);
            }
        }
        V::add_block(sums, to);
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
    pub(super) fn finish(&self, at: &[Block<V::Real>], forces: &[Quad<f64>]) -> [f64; 6] {
        let mut own = [[[0.0; CLUSTER]; 3]; 3];
        for (x, f) in at.iter().zip(forces.chunks_exact(V::Real::FORCES)) {
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
