//! Embedded atoms over pairs of clusters.
//!
//! 1. Of each pair V, phi and their derivatives over r; the derivatives are kept, V is summed, and phi
//!    goes into the densities of both atoms.
//! 2. Of each atom the root of its density, and the derivative of that.
//! 3. Of each pair the force, from the derivatives kept and those of the two atoms.
//!
//! The functions of a law are zero beyond the cutoff, so no pair is masked. The virial is summed by
//! runs, as in `lj/kernel.rs`.

use super::{EmbeddedAtom, Law, Radial};
use crate::machine::isa::Isa;
use crate::md::clusters::{Block, ClusterList, Rows, parts, squared};
use crate::md::lanes::{CLUSTER, Kernel, Quad, Real as _, Room, Tile};
use crate::md::potentials::Forces;
use crate::md::potentials::clustered::{ForceRoom, Pull, Virial, not_after, start};
use crate::md::system::Vector;

/// Rows that a kernel takes at once: few, for the pairs of a metal are near.
pub(super) const ROWS: usize = 2;

/// Buffers of one evaluation.
#[derive(Debug, Clone, Default)]
pub struct Scratch {
    blocks: Vec<Block<f64>>,
    forces: ForceRoom<f64>,
    /// By cluster: densities, then derivatives of the energy by them.
    densities: Vec<Quad<f64>>,
    /// By register of pairs: V'/r and phi'/r.
    slopes: Room<f64>,
}

#[inline(always)]
fn evaluate<V: Tile<Real = f64>, const R: usize, L: Law>(
    eam: &EmbeddedAtom<L>,
    list: &ClusterList,
    Scratch { blocks, forces, densities, slopes }: &mut Scratch,
    out: &mut Forces,
) {
    let entries = list.entries();
    let mut forces = forces.on_clusters::<V>(blocks.len());
    let slopes = V::arrays_mut(slopes.numbers(2 * entries.pairs()));
    // On the stack: no number that is written in the loops could change one of these.
    let (eam, blocks, densities) = (*eam, &blocks[..], &mut densities[..]);
    let zero = V::splat(0.0);
    let mut energy = zero;
    let mut kept = slopes.chunks_exact_mut(2 * R);
    for (part, own, first) in parts::<V, R>(entries) {
        let rows = Rows::<V, R>::new(blocks, own, first);
        let mut densities_of_rows = [zero; R];
        let mut own_later = [zero; R];
        for r in 0..R {
            own_later[r] = not_after(first + r * V::ROWS);
        }
        for (shift, clusters) in entries.runs(part) {
            let rows = rows.seen_from(shift);
            for (&c, kept) in clusters.iter().zip(&mut kept) {
                let d = rows.to(&blocks[c as usize]);
                let mut density = zero;
                for r in 0..R {
                    let r2 = squared(&d, r).plus(own_later[r]);
                    let [v, phi] = eam.0.lanes(r2, r2.inverse_root());
                    v.slope.store(&mut kept[2 * r]);
                    phi.slope.store(&mut kept[2 * r + 1]);
                    energy = energy.plus(v.value);
                    density = density.plus(phi.value);
                    densities_of_rows[r] = densities_of_rows[r].plus(phi.value);
                    // Only the first entry is the cluster itself.
                    own_later[r] = zero;
                }
                density.add_across(&mut densities[c as usize]);
            }
        }
        for r in 0..R {
            densities_of_rows[r].add_along(&mut densities[own], first + r * V::ROWS);
        }
    }
    out.energy = energy.sum();
    let mut embedded = [0.0; CLUSTER];
    for densities in densities.iter_mut() {
        for l in 0..CLUSTER {
            let Radial { value, slope } = eam.embed(densities[l]);
            embedded[l] += value;
            densities[l] = slope;
        }
    }
    out.energy += embedded.iter().sum::<f64>();
    let mut kept = slopes.chunks_exact(2 * R);
    let mut virial = Virial::new();
    for (part, own, first) in parts::<V, R>(entries) {
        let rows = Rows::<V, R>::new(blocks, own, first);
        let mut of_rows = [zero; R];
        for r in 0..R {
            of_rows[r] = V::along(&densities[own], first + r * V::ROWS);
        }
        let mut pull = Pull::<V, R>::new();
        for (shift, clusters) in entries.runs(part) {
            let rows = rows.seen_from(shift);
            let before = pull;
            for (&c, kept) in clusters.iter().zip(&mut kept) {
                let d = rows.to(&blocks[c as usize]);
                let of_cluster = V::across(&densities[c as usize]);
                let mut f = [zero; R];
                for r in 0..R {
                    let (v, phi) = (V::load(&kept[2 * r]), V::load(&kept[2 * r + 1]));
                    let embedded = of_cluster.plus(of_rows[r]);
                    f[r] = embedded.mul_sub_from(phi, zero.minus(v));
                }
                pull.add(&d, &f, &mut forces, c as usize);
            }
            virial.add_run(shift, &before, &pull);
        }
        pull.finish(forces.of(own), first);
    }
    out.add_virial(virial.finish(blocks, forces.finish()));
}

/// The arguments of [`evaluate`].
struct Evaluation<'a, L> {
    eam: &'a EmbeddedAtom<L>,
    list: &'a ClusterList,
    scratch: &'a mut Scratch,
    out: &'a mut Forces,
}

impl<L: Law> Kernel<f64> for Evaluation<'_, L> {
    #[inline(always)]
    fn run<V: Tile<Real = f64>>(self) {
        let Self { eam, list, scratch, out } = self;
        if V::ROWS == ROWS {
            evaluate::<V, 1, L>(eam, list, scratch, out);
        } else {
            evaluate::<V, ROWS, L>(eam, list, scratch, out);
        }
    }
}

/// Does as [`Potential::compute`](crate::md::Potential::compute) into `out`.
pub(super) fn compute<L: Law>(
    isa: Isa,
    eam: &EmbeddedAtom<L>,
    positions: &[Vector],
    list: &ClusterList,
    scratch: &mut Scratch,
    out: &mut Forces,
) {
    let Scratch { blocks, forces, .. } = scratch;
    start(eam.0.cutoff(), positions, list, blocks, forces, out);
    scratch.densities.clear();
    scratch.densities.resize(scratch.blocks.len(), [0.0; CLUSTER]);
    f64::on(isa, Evaluation { eam, list, scratch, out });
    list.take_back(scratch.forces.of(scratch.blocks.len()), &mut out.forces);
}
