//! The fast form: around each atom, g of each bond is computed once.

use super::{Radial, StillingerWeberCompound};
use crate::md::neighbours::NeighbourList;
use crate::md::potentials::Forces;
use crate::md::potentials::angles::{Bend, Near, gather, scatter};
use crate::md::system::{Vector, add_scaled, dot};

/// Space for [`StillingerWeberCompound`].
#[derive(Debug, Clone, Default)]
pub struct Scratch {
    /// Where the images are.
    pub(super) images: Vec<Vector>,
    near: Vec<Near>,
    g: Vec<Radial>,
}

/// Adds everything into `out`, which is zero.
pub(super) fn add(
    sw: &StillingerWeberCompound,
    species: &[u32],
    list: &NeighbourList,
    Scratch { images, near, g }: &mut Scratch,
    out: &mut Forces,
) {
    near.reserve(list.most());
    g.reserve(list.most());
    for i in 0..species.len() {
        let host = species[i] as usize;
        gather(i, images, list, species, sw.cutoff, near);
        near.retain(|n| n.r < sw.pair(host, n.species).cutoff);
        g.clear();
        for n in &mut *near {
            let pair = sw.pair(host, n.species);
            let (phi2, share) = (pair.phi2(n.r), sw.halves.share([i, n.atom], [host, n.species]));
            out.energy += share * phi2.value;
            add_scaled(&mut n.by, share * phi2.slope, n.u);
            g.push(pair.g(n.r));
        }
        for j in 0..near.len() {
            let (first, rest) = near[j..].split_first_mut().expect("j is in range");
            for (other, g_k) in rest.iter_mut().zip(&g[j + 1..]) {
                let (cos, g_j) = (dot(first.u, other.u), g[j]);
                let angle = sw.angle(host, first.species, other.species, cos);
                out.energy += angle.value * g_j.value * g_k.value;
                let bend = Bend {
                    by_j: angle.value * g_j.slope * g_k.value,
                    by_k: angle.value * g_j.value * g_k.slope,
                    by_cos: angle.slope * g_j.value * g_k.value,
                };
                let [by_j, by_k] = bend.by_ways(cos, [first.u, other.u], [first.r, other.r]);
                add_scaled(&mut first.by, 1.0, by_j);
                add_scaled(&mut other.by, 1.0, by_k);
            }
        }
        scatter(i, near, out);
    }
}
