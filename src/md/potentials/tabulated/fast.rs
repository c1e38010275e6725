//! The fast form: each pair once.
//!
//! 1. Of each pair the tables are read; densities and the energy are summed, slopes are kept.
//! 2. Of each atom the energy of its density, and the derivative of that.
//! 3. Of each pair the force.

use super::TabulatedEam;
use crate::md::neighbours::NeighbourList;
use crate::md::potentials::Forces;
use crate::md::potentials::eam::Radial;
use crate::md::system::{Vector, dot, sub};

/// Space for [`TabulatedEam`].
#[derive(Debug, Clone, Default)]
pub struct Scratch {
    /// Where the images are.
    pub(super) images: Vec<Vector>,
    pairs: Vec<Pair>,
    /// Densities, then derivatives of the energy by them.
    densities: Vec<f64>,
}

#[derive(Debug, Clone)]
struct Pair {
    atoms: [usize; 2],
    d: Vector,
    r: f64,
    /// Derivatives of the energy of the pair, and of the densities that it makes at both atoms.
    slope: f64,
    densities: [f64; 2],
}

/// Adds everything into `out`, which is zero.
pub(super) fn add(
    eam: &TabulatedEam,
    species: &[u32],
    list: &NeighbourList,
    Scratch { images, pairs, densities }: &mut Scratch,
    out: &mut Forces,
) {
    let cutoff2 = eam.cutoff * eam.cutoff;
    pairs.clear();
    pairs.reserve(list.pairs() / 2 + species.len());
    densities.clear();
    densities.resize(species.len(), 0.0);
    for i in 0..species.len() {
        let host = species[i] as usize;
        for &k in list.forward(i) {
            let d = sub(images[k as usize], images[i]);
            let r2 = dot(d, d);
            if r2 >= cutoff2 {
                continue;
            }
            let (r, j) = (r2.sqrt(), list.atom(k));
            let other = species[j] as usize;
            let Radial { value, slope } = eam.pair_at(host, other, r);
            let here = eam.density(host, other).at(r);
            let there = if host == other { here } else { eam.density(other, host).at(r) };
            out.energy += value;
            densities[i] += here.value;
            densities[j] += there.value;
            pairs.push(Pair { atoms: [i, j], d, r, slope, densities: [here.slope, there.slope] });
        }
    }
    for (density, &species) in densities.iter_mut().zip(species) {
        let Radial { value, slope } = eam.embedding[species as usize].straight_at(*density);
        out.energy += value;
        *density = slope;
    }
    for Pair { atoms: [i, j], d, r, slope, densities: [here, there] } in &*pairs {
        let pull = slope + densities[*i] * here + densities[*j] * there;
        out.pull(*i, *j, *d, d.map(|d| -pull * d / r));
    }
}
