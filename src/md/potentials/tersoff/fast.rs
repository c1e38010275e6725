//! The fast form: around each atom, the terms of zeta of a bond are computed once and kept until
//! zeta is known.

use super::Tersoff;
use crate::md::neighbours::NeighbourList;
use crate::md::potentials::Forces;
use crate::md::potentials::angles::{Bend, Near, gather, scatter};
use crate::md::system::{Vector, add_scaled, dot};

/// Space for [`Tersoff`].
#[derive(Debug, Clone, Default)]
pub struct Scratch {
    /// Where the images are.
    pub(super) images: Vec<Vector>,
    near: Vec<Near>,
    /// The cosine with each neighbour, and the derivatives of that term.
    terms: Vec<(f64, Bend)>,
}

/// Adds everything into `out`, which is zero.
pub(super) fn add(
    tersoff: &Tersoff,
    species: &[u32],
    list: &NeighbourList,
    Scratch { images, near, terms }: &mut Scratch,
    out: &mut Forces,
) {
    near.reserve(list.most());
    terms.reserve(list.most());
    for i in 0..species.len() {
        gather(i, images, list, species, tersoff.cutoff, near);
        let host = species[i] as usize;
        for j in 0..near.len() {
            let Near { atom, species: second, r, u, .. } = near[j];
            let pair = tersoff.entry(host, second, second);
            if r >= pair.cutoff() {
                continue;
            }
            let mut zeta = 0.0;
            terms.clear();
            for (k, other) in near.iter().enumerate() {
                let cos = dot(u, other.u);
                let entry = tersoff.entry(host, second, other.species);
                let (value, bend) = if k == j {
                    (0.0, Bend { by_j: 0.0, by_k: 0.0, by_cos: 0.0 })
                } else {
                    entry.term(r, other.r, cos)
                };
                zeta += value;
                terms.push((cos, bend));
            }
            let (repulsion, attraction) = (pair.repulsion(r), pair.attraction(r));
            let order = pair.order(zeta);
            let share = tersoff.halves.share([i, atom], [host, second]);
            out.energy += share * repulsion.value - 0.5 * (order.value * attraction.value);
            let pull = share * repulsion.slope - 0.5 * (order.value * attraction.slope);
            let mut by = u.map(|u| pull * u);
            let by_zeta = -0.5 * attraction.value * order.slope;
            for (k, (cos, bend)) in terms.iter().enumerate() {
                if k == j {
                    continue;
                }
                let other = &mut near[k];
                let [by_j, by_k] = bend.by_ways(*cos, [u, other.u], [r, other.r]);
                add_scaled(&mut by, by_zeta, by_j);
                add_scaled(&mut other.by, by_zeta, by_k);
            }
            add_scaled(&mut near[j].by, 1.0, by);
        }
        scatter(i, near, out);
    }
}
