//! Lennard-Jones over pairs of clusters.
//!
//! With q = 1/r^2 and s = q^3:
//!
//! ```text
//! V = (c12 s - c6) s - shift - slope (r - cutoff)
//! F = d (s q (12 c12 s - 6 c6) + slope/r)
//! ```
//!
//! Two loops over the clusters around one: the first has the divisions, or the roots where the slope
//! is not zero, and leaves zero for each pair out of reach; the second has the powers and the forces.
//! So neither waits for the other, and no mask is needed beyond the first.
//!
//! The virial is a sum over pairs of d times F, where `d = x_j + shift - x_i`. By the forces on atoms it
//! is the sum of x F over atoms, and of shift times force over the runs of shifted clusters. The
//! force on the clusters of a run is how much that on the rows changed, with the opposite sign.

use super::LennardJones;
use crate::machine::isa::Isa;
use crate::md::clusters::{Block, ClusterList, Rows, parts, squared};
use crate::md::lanes::{Kernel, Real, Room, Tile};
use crate::md::potentials::Forces;
use crate::md::potentials::clustered::{ForceRoom, Pull, Sum, Virial, not_after, start};
use crate::md::system::Vector;

/// Buffers of one evaluation, whose pairs are computed in such numbers.
#[derive(Debug, Clone, Default)]
pub struct Scratch<R: Real> {
    blocks: Vec<Block<R>>,
    forces: ForceRoom<R>,
    /// Of the pairs of one cluster: 1/r, or 1/r^2 where the slope is zero.
    inverses: Room<R>,
}

/// Sums over all pairs.
#[derive(Clone, Copy)]
struct Sums<V> {
    /// Of (c12 s - c6) s.
    energy: Sum<V>,
    pairs: Sum<V>,
    /// Of distances, where the slope is not zero.
    r: Sum<V>,
}

/// 1/r of these pairs, or 1/r^2 unless `TILTED`; zero out of reach.
#[inline(always)]
fn inverse<V: Tile, const TILTED: bool>(r2: V, cutoff2: V, sums: &mut Sums<V>) -> V {
    let near = r2.below(cutoff2);
    let one = V::splat(1.0);
    sums.pairs.lanes = sums.pairs.lanes.plus(one.keep(near));
    if TILTED {
        let inverse = r2.inverse_root().keep(near);
        sums.r.lanes = r2.mul_add(inverse, sums.r.lanes);
        inverse
    } else {
        one.over(r2).keep(near)
    }
}

/// The numbers of the formula.
#[derive(Clone, Copy)]
struct Law<V> {
    cutoff2: V,
    /// c12 and -c6, and both times the exponent.
    c12: V,
    c6: V,
    twelve: V,
    six: V,
    slope: V,
}

impl<V: Tile> Law<V> {
    #[inline(always)]
    fn new(lj: &LennardJones) -> Self {
        Self {
            cutoff2: V::splat(lj.cutoff * lj.cutoff),
            c12: V::splat(lj.c12),
            c6: V::splat(-lj.c6),
            twelve: V::splat(12.0 * lj.c12),
            six: V::splat(-6.0 * lj.c6),
            slope: V::splat(lj.slope),
        }
    }

    /// F over d of pairs, whose energy it adds up.
    #[inline(always)]
    fn force<const TILTED: bool>(&self, inverse: V, energy: &mut V) -> V {
        let q = if TILTED { inverse.times(inverse) } else { inverse };
        let s = q.times(q).times(q);
        *energy = self.c12.mul_add(s, self.c6).mul_add(s, *energy);
        let f = s.times(q).times(self.twelve.mul_add(s, self.six));
        if TILTED { self.slope.mul_add(inverse, f) } else { f }
    }
}

#[inline(always)]
fn evaluate<V: Tile, const R: usize, const TILTED: bool>(
    lj: &LennardJones,
    list: &ClusterList,
    Scratch { blocks, forces, inverses }: &mut Scratch<V::Real>,
    out: &mut Forces,
) {
    let entries = list.entries();
    // On the stack: no number that is written in the loops could change where it is.
    let blocks = &blocks[..];
    let mut forces = forces.on_clusters::<V>(blocks.len());
    let inverses = V::arrays_mut(inverses.numbers(entries.most() * R * V::LEN));
    let law = Law::<V>::new(lj);
    let zero = V::splat(0.0);
    let mut sums = Sums { energy: Sum::new(), pairs: Sum::new(), r: Sum::new() };
    let mut virial = Virial::new();
    for (part, own, first) in parts::<V, R>(entries) {
        let rows = Rows::<V, R>::new(blocks, own, first);
        let d = rows.to(&blocks[own]);
        for r in 0..R {
            let r2 = squared(&d, r).plus(not_after(first + r * V::ROWS));
            inverse::<V, TILTED>(r2, law.cutoff2, &mut sums).store(&mut inverses[r]);
        }
        let mut at = R;
        for (k, (shift, clusters)) in entries.runs(part).enumerate() {
            let rows = rows.seen_from(shift);
            for &c in &clusters[usize::from(k == 0)..] {
                let d = rows.to(&blocks[c as usize]);
                let to = &mut inverses[at..][..R];
                for r in 0..R {
                    let r2 = squared(&d, r);
                    inverse::<V, TILTED>(r2, law.cutoff2, &mut sums).store(&mut to[r]);
                }
                at += R;
            }
        }
        let mut pull = Pull::<V, R>::new();
        let mut at = 0;
        for (shift, clusters) in entries.runs(part) {
            let rows = rows.seen_from(shift);
            let before = pull;
            for &c in clusters {
                let d = rows.to(&blocks[c as usize]);
                let from = &inverses[at..][..R];
                let mut f = [zero; R];
                for r in 0..R {
                    f[r] = law.force::<TILTED>(V::load(&from[r]), &mut sums.energy.lanes);
                }
                pull.add(&d, &f, &mut forces, c as usize);
                at += R;
            }
            virial.add_run(shift, &before, &pull);
        }
        pull.finish(forces.of(own), first);
        sums.energy.move_narrow();
        sums.pairs.move_narrow();
        sums.r.move_narrow();
        virial.move_narrow();
    }
    let [energy, pairs, r] = [sums.energy.finish(), sums.pairs.finish(), sums.r.finish()];
    out.energy = energy - lj.shift * pairs - lj.slope * (r - lj.cutoff * pairs);
    out.add_virial(virial.finish(blocks, forces.finish()));
}

#[inline(always)]
fn either<V: Tile, const R: usize>(
    lj: &LennardJones,
    list: &ClusterList,
    scratch: &mut Scratch<V::Real>,
    out: &mut Forces,
) {
    if lj.slope == 0.0 {
        evaluate::<V, R, false>(lj, list, scratch, out);
    } else {
        evaluate::<V, R, true>(lj, list, scratch, out);
    }
}

/// The arguments of [`evaluate`].
struct Evaluation<'a, R: Real> {
    lj: &'a LennardJones,
    list: &'a ClusterList,
    scratch: &'a mut Scratch<R>,
    out: &'a mut Forces,
}

impl<R: Real> Kernel<R> for Evaluation<'_, R> {
    #[inline(always)]
    fn run<V: Tile<Real = R>>(self) {
        let Self { lj, list, scratch, out } = self;
        // As many registers as hold the rows of a part.
        if V::ROWS == V::PART {
            either::<V, 1>(lj, list, scratch, out);
        } else {
            either::<V, 2>(lj, list, scratch, out);
        }
    }
}

/// Does as [`Potential::compute`](super::Potential::compute) into `out`.
pub(super) fn compute<R: Real>(
    isa: Isa,
    lj: &LennardJones,
    positions: &[Vector],
    list: &ClusterList,
    scratch: &mut Scratch<R>,
    out: &mut Forces,
) {
    let Scratch { blocks, forces, .. } = scratch;
    start(lj.cutoff, positions, list, blocks, forces, out);
    R::on(isa, Evaluation { lj, list, scratch, out });
    list.take_back(scratch.forces.of(scratch.blocks.len()), &mut out.forces);
}
