//! Distances from the rows of a cluster to the atoms of another.

use super::{Block, Entries};
use crate::md::lanes::{CLUSTER, Tile};
use crate::md::system::Vector;

/// R registers of rows.
#[derive(Clone, Copy)]
pub(in crate::md) struct Rows<V, const R: usize>([[V; R]; 3]);

/// Coordinates of displacements, by register.
pub(in crate::md) type Apart<V, const R: usize> = [[V; R]; 3];

impl<V: Tile, const R: usize> Rows<V, R> {
    /// Atoms of cluster `own` from `first` on, of `blocks` as `ClusterList::place` writes them.
    #[inline(always)]
    pub(in crate::md) fn new(blocks: &[Block<V::Real>], own: usize, first: usize) -> Self {
        // The last cluster stands there twice.
        let block = &blocks[own + usize::from(own + 2 == blocks.len())];
        let mut rows = [[V::splat(0.0); R]; 3];
        for a in 0..3 {
            for r in 0..R {
                rows[a][r] = V::along(&block[a], first + r * V::ROWS);
            }
        }
        Self(rows)
    }

    /// As seen from the images that are `shift` away from the atoms.
    #[inline(always)]
    pub(in crate::md) fn seen_from(mut self, shift: Vector) -> Self {
        for a in 0..3 {
            let shift = V::splat(shift[a]);
            for r in 0..R {
                self.0[a][r] = self.0[a][r].minus(shift);
            }
        }
        self
    }

    /// From each row to each atom of `block`.
    #[inline(always)]
    pub(in crate::md) fn to(&self, block: &Block<V::Real>) -> Apart<V, R> {
        let mut apart = self.0;
        for a in 0..3 {
            let there = V::across(&block[a]);
            for r in 0..R {
                apart[a][r] = there.minus(apart[a][r]);
            }
        }
        apart
    }
}

/// The rows of all clusters, as many at a time as R registers hold: the part that they belong to, the
/// cluster, and the first row there.
#[inline(always)]
pub(in crate::md) fn parts<V: Tile, const R: usize>(
    entries: &Entries,
) -> impl Iterator<Item = (usize, usize, usize)> + use<V, R> {
    let (rows, of_part) = (R * V::ROWS, entries.rows);
    assert!(of_part.is_multiple_of(rows), "a list of {of_part} rows for a kernel of {rows}");
    (0..entries.parts() * of_part / rows).map(move |k| {
        let row = k * rows;
        (row / of_part, row / CLUSTER, row % CLUSTER)
    })
}

/// Squares of the distances in register `r`.
#[inline(always)]
pub(in crate::md) fn squared<V: Tile, const R: usize>(d: &Apart<V, R>, r: usize) -> V {
    d[0][r].mul_add(d[0][r], d[1][r].mul_add(d[1][r], d[2][r].times(d[2][r])))
}
