//! Distances from the rows of a cluster to the atoms of another.

use super::{Block, GROUPS, ROWS};
use crate::md::lanes::Tile;
use crate::md::system::Vector;

/// R registers of rows.
#[derive(Clone, Copy)]
pub(in crate::md) struct Rows<V, const R: usize>([[V; R]; 3]);

/// Coordinates of displacements, by register.
pub(in crate::md) type Apart<V, const R: usize> = [[V; R]; 3];

impl<V: Tile<Real = f64>, const R: usize> Rows<V, R> {
    /// The atoms of a group, of `blocks` as [`ClusterList::place`](super::ClusterList) writes them.
    #[inline(always)]
    pub(in crate::md) fn new(blocks: &[Block<f64>], group: usize) -> Self {
        let (own, first) = (group / GROUPS, group % GROUPS * ROWS);
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
    pub(in crate::md) fn to(&self, block: &Block<f64>) -> Apart<V, R> {
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

/// Squares of the distances in register `r`.
#[inline(always)]
pub(in crate::md) fn squared<V: Tile, const R: usize>(d: &Apart<V, R>, r: usize) -> V {
    d[0][r].mul_add(d[0][r], d[1][r].mul_add(d[1][r], d[2][r].times(d[2][r])))
}
