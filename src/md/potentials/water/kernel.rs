//! Charges and oxygens over pairs of clusters, as if no pair were of one molecule.
//!
//! With y = 1/r, and u and g = -u'/r of the charges as `smooth.rs` has them:
//!
//! ```text
//! E = q u + o (y^6 (c12 y^6 - c6) - shift)
//! F = d (q g + o y^8 (12 c12 y^6 - 6 c6))
//! ```
//!
//! where q is the product of two charges, and o is 1 for two oxygens and 0 otherwise. Out of reach
//! both are zero, and distances are the cutoff, so that no polynomial grows.
//!
//! Two loops over the clusters around one: the first has the roots, the second all that follows from
//! them. The virial is summed by runs, as in `lj/kernel.rs`.

use super::smooth::{Damped, InField, Law, Smooth};
use super::{Coulomb, Water};
use crate::machine::isa::Isa;
use crate::md::COULOMB;
use crate::md::clusters::{Block, ClusterList, Rows, parts, squared};
use crate::md::lanes::{Kernel, Quad, Real, Room, Tile};
use crate::md::potentials::Forces;
use crate::md::potentials::clustered::{ForceRoom, Pull, Sum, Virial, not_after, start};
use crate::md::system::Atoms;

/// Buffers of one evaluation, whose pairs are computed in such numbers.
#[derive(Debug, Clone, Default)]
pub struct Scratch<R: Real> {
    blocks: Vec<Block<R>>,
    forces: ForceRoom<R>,
    /// By cluster: charges, and 1 for each oxygen.
    kinds: Vec<[Quad<R>; 2]>,
    /// Of the pairs of one cluster: r^2, at most the square of the cutoff, and 1/r.
    distances: Room<R>,
    /// Of the waves of an Ewald sum, by atom.
    phases: Vec<[f64; 2]>,
}

impl<R: Real> Scratch<R> {
    pub(super) fn phases(&mut self) -> &mut Vec<[f64; 2]> {
        &mut self.phases
    }
}

#[inline(always)]
fn evaluate<V: Tile, const R: usize, L: Law<V>>(
    water: &Water,
    law: L,
    list: &ClusterList,
    Scratch { blocks, forces, kinds, distances, .. }: &mut Scratch<V::Real>,
    out: &mut Forces,
) {
    let entries = list.entries();
    // On the stack: no number that is written in the loops could change where it is.
    let (blocks, kinds) = (&blocks[..], &kinds[..]);
    let mut forces = forces.on_clusters::<V>(blocks.len());
    let distances = V::arrays_mut(distances.numbers(entries.most() * 2 * R * V::LEN));
    let cutoff2 = V::splat(water.cutoff * water.cutoff);
    let [c12, c6, shift] = water.dispersion;
    let (twelve, six) = (V::splat(12.0 * c12), V::splat(-6.0 * c6));
    let (c12, c6) = (V::splat(c12), V::splat(-c6));
    let zero = V::splat(0.0);
    // Of q u, of o y^6 (c12 y^6 - c6), and of o.
    let mut sums = [Sum::<V>::new(); 3];
    let mut virial = Virial::new();
    for (part, own, first) in parts::<V, R>(entries) {
        let rows = Rows::<V, R>::new(blocks, own, first);
        let (mut own_later, mut charges, mut oxygens) = ([zero; R], [zero; R], [zero; R]);
        for r in 0..R {
            let first = first + r * V::ROWS;
            own_later[r] = not_after(first);
            charges[r] = V::along(&kinds[own][0], first).times(V::splat(COULOMB));
            oxygens[r] = V::along(&kinds[own][1], first);
        }
        let mut at = 0;
        for (shift, clusters) in entries.runs(part) {
            let rows = rows.seen_from(shift);
            for &c in clusters {
                let d = rows.to(&blocks[c as usize]);
                let to = &mut distances[at..][..2 * R];
                for r in 0..R {
                    let s = squared(&d, r).plus(own_later[r]).min(cutoff2);
                    s.store(&mut to[2 * r]);
                    s.inverse_root().store(&mut to[2 * r + 1]);
                    // Only the first entry is the cluster itself.
                    own_later[r] = zero;
                }
                at += 2 * R;
            }
        }
        let mut pull = Pull::<V, R>::new();
        let mut at = 0;
        for (shift, clusters) in entries.runs(part) {
            let rows = rows.seen_from(shift);
            let before = pull;
            for &c in clusters {
                let d = rows.to(&blocks[c as usize]);
                let [charge, oxygen] = &kinds[c as usize];
                let (charge, oxygen) = (V::across(charge), V::across(oxygen));
                let from = &distances[at..][..2 * R];
                let (mut s, mut y, mut f) = ([zero; R], [zero; R], [zero; R]);
                for r in 0..R {
                    (s[r], y[r]) = (V::load(&from[2 * r]), V::load(&from[2 * r + 1]));
                }
                let [u, g] = law.at(s, y);
                for r in 0..R {
                    let near = s[r].below(cutoff2);
                    let q = charge.times(charges[r]).keep(near);
                    let o = oxygen.times(oxygens[r]).keep(near);
                    let y2 = y[r].times(y[r]);
                    let y6 = y2.times(y2).times(y2);
                    let o6 = o.times(y6);
                    sums[0].lanes = q.mul_add(u[r], sums[0].lanes);
                    sums[1].lanes = o6.mul_add(c12.mul_add(y6, c6), sums[1].lanes);
                    sums[2].lanes = sums[2].lanes.plus(o);
                    f[r] = o6.times(y2).mul_add(twelve.mul_add(y6, six), q.times(g[r]));
                }
                pull.add(&d, &f, &mut forces, c as usize);
                at += 2 * R;
            }
            virial.add_run(shift, &before, &pull);
        }
        pull.finish(forces.of(own), first);
        for sum in &mut sums {
            sum.move_narrow();
        }
        virial.move_narrow();
    }
    let [charges, oxygens, pairs] = [sums[0].finish(), sums[1].finish(), sums[2].finish()];
    out.energy = charges + oxygens - shift * pairs;
    out.add_virial(virial.finish(blocks, forces.finish()));
}

/// By `N` terms of `smooth` or more, or in a field.
#[inline(always)]
fn either<V: Tile, const R: usize, const N: usize>(
    water: &Water,
    smooth: &Smooth,
    list: &ClusterList,
    scratch: &mut Scratch<V::Real>,
    out: &mut Forces,
) {
    match water.coulomb {
        Coulomb::Damped { .. } => {
            evaluate::<V, R, _>(water, Damped::<V, N>::new(smooth), list, scratch, out);
        }
        Coulomb::Field { k, c } => {
            evaluate::<V, R, _>(water, InField::<V>::new(k, c), list, scratch, out);
        }
    }
}

/// The arguments of [`either`].
struct Evaluation<'a, R: Real, const N: usize> {
    water: &'a Water,
    smooth: &'a Smooth,
    list: &'a ClusterList,
    scratch: &'a mut Scratch<R>,
    out: &'a mut Forces,
}

impl<R: Real, const N: usize> Kernel<R> for Evaluation<'_, R, N> {
    #[inline(always)]
    fn run<V: Tile<Real = R>>(self) {
        let Self { water, smooth, list, scratch, out } = self;
        // As many registers as hold the rows of a part.
        if V::ROWS == V::PART {
            either::<V, 1, N>(water, smooth, list, scratch, out);
        } else {
            either::<V, 2, N>(water, smooth, list, scratch, out);
        }
    }
}

/// Writes what the pairs within the cutoff do, by `N` terms of `smooth` or more.
pub(super) fn compute<R: Real, const N: usize>(
    isa: Isa,
    water: &Water,
    smooth: &Smooth,
    atoms: &Atoms<'_>,
    list: &ClusterList,
    scratch: &mut Scratch<R>,
    out: &mut Forces,
) {
    let Scratch { blocks, forces, .. } = scratch;
    start(water.cutoff, atoms.positions, list, blocks, forces, out);
    let oxygen = |species| if species == 0 { 1.0 } else { 0.0 };
    list.spread(|k| [atoms.charges[k], oxygen(atoms.species[k])], &mut scratch.kinds);
    R::on(isa, Evaluation::<R, N> { water, smooth, list, scratch, out });
    list.take_back(scratch.forces.of(scratch.blocks.len()), &mut out.forces);
}
