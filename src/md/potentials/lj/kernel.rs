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
use crate::md::lanes::{CLUSTER, Real, Room, Tile};
use crate::md::potentials::clustered::{Pull, Virial, not_after, start};
use crate::md::potentials::{Forces, is_narrow};
use crate::md::system::Vector;

/// Buffers of one evaluation, whose forces are of this type.
#[derive(Debug, Clone, Default)]
pub struct Scratch<R: Real> {
    blocks: Vec<Block<R>>,
    forces: Vec<Block<R>>,
    /// Of the pairs of one cluster: 1/r, or 1/r^2 where the slope is zero.
    inverses: Room<R>,
}

/// Sums over all pairs.
#[derive(Clone, Copy)]
struct Sums<V> {
    /// Of (c12 s - c6) s.
    energy: V,
    pairs: V,
    /// Of distances, where the slope is not zero.
    r: V,
}

impl<V: Tile> Sums<V> {
    #[inline(always)]
    fn move_to(&mut self, totals: &mut [f64; 3]) {
        let zero = V::splat(0.0);
        for (total, sum) in totals.iter_mut().zip([self.energy, self.pairs, self.r]) {
            *total += sum.sum();
        }
        *self = Self { energy: zero, pairs: zero, r: zero };
    }
}

/// 1/r of these pairs, or 1/r^2 unless `TILTED`; zero out of reach.
#[inline(always)]
fn inverse<V: Tile, const TILTED: bool>(r2: V, cutoff2: V, sums: &mut Sums<V>) -> V {
    let near = r2.below(cutoff2);
    let one = V::splat(1.0);
    sums.pairs = sums.pairs.plus(one.keep(near));
    if TILTED {
        let inverse = r2.inverse_root().keep(near);
        sums.r = r2.mul_add(inverse, sums.r);
        inverse
    } else {
        one.over(r2).keep(near)
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
    let inverses = V::arrays_mut(inverses.numbers(entries.most() * R * V::LEN));
    let cutoff2 = V::splat(lj.cutoff * lj.cutoff);
    let (c12, c6) = (V::splat(lj.c12), V::splat(-lj.c6));
    let (twelve, six, slope) =
        (V::splat(12.0 * lj.c12), V::splat(-6.0 * lj.c6), V::splat(lj.slope));
    let zero = V::splat(0.0);
    let mut sums = Sums { energy: zero, pairs: zero, r: zero };
    let mut totals = [0.0; 3];
    let mut virial = Virial::new();
    for (part, own, first) in parts::<V, R>(entries) {
        let rows = Rows::<V, R>::new(blocks, own, first);
        let d = rows.to(&blocks[own]);
        for r in 0..R {
            let r2 = squared(&d, r).plus(not_after(first + r * V::ROWS));
            inverse::<V, TILTED>(r2, cutoff2, &mut sums).store(&mut inverses[r]);
        }
        let mut at = R;
        for (k, (shift, clusters)) in entries.runs(part).enumerate() {
            let rows = rows.seen_from(shift);
            for &c in &clusters[usize::from(k == 0)..] {
                let d = rows.to(&blocks[c as usize]);
                let to = &mut inverses[at..][..R];
                for r in 0..R {
                    let r2 = squared(&d, r);
                    inverse::<V, TILTED>(r2, cutoff2, &mut sums).store(&mut to[r]);
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
                    let inverse = V::load(&from[r]);
                    let q = if TILTED { inverse.times(inverse) } else { inverse };
                    let s = q.times(q).times(q);
                    sums.energy = c12.mul_add(s, c6).mul_add(s, sums.energy);
                    f[r] = s.times(q).times(twelve.mul_add(s, six));
                    if TILTED {
                        f[r] = slope.mul_add(inverse, f[r]);
                    }
                }
                pull.add(&d, &f, &mut forces[c as usize]);
                at += R;
            }
            virial.add_run(shift, &before, &pull);
        }
        pull.finish(&mut forces[own], first);
        if is_narrow::<V>() {
            sums.move_to(&mut totals);
            virial.move_narrow();
        }
    }
    sums.move_to(&mut totals);
    let [energy, pairs, r] = totals;
    out.energy = energy - lj.shift * pairs - lj.slope * (r - lj.cutoff * pairs);
    out.add_virial(virial.finish(blocks, forces));
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

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,fma,popcnt")]
fn avx2<R: Real>(
    lj: &LennardJones,
    list: &ClusterList,
    scratch: &mut Scratch<R>,
    out: &mut Forces,
) {
    // The two rows of a part.
    if R::Avx2::ROWS == 2 {
        either::<R::Avx2, 1>(lj, list, scratch, out);
    } else {
        either::<R::Avx2, 2>(lj, list, scratch, out);
    }
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx2,fma,popcnt")]
fn avx512<R: Real>(
    lj: &LennardJones,
    list: &ClusterList,
    scratch: &mut Scratch<R>,
    out: &mut Forces,
) {
    // As many registers as hold the rows of a cluster.
    if R::Avx512::ROWS == CLUSTER {
        either::<R::Avx512, 1>(lj, list, scratch, out);
    } else {
        either::<R::Avx512, 2>(lj, list, scratch, out);
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
    start(isa, lj.cutoff, positions, list, [blocks, forces], out);
    match isa {
        // SAFETY: the processor has it, as just asserted.
        #[cfg(target_arch = "x86_64")]
        Isa::Avx2 => unsafe { avx2(lj, list, scratch, out) },
        // SAFETY: as above.
        #[cfg(target_arch = "x86_64")]
        Isa::Avx512 => unsafe { avx512(lj, list, scratch, out) },
        _ => either::<R::Portable, 2>(lj, list, scratch, out),
    }
    list.take_back(&scratch.forces, &mut out.forces);
}
