//! The fast form of the sum over pairs: all pairs of a list alike, then less for those of one
//! molecule.

use super::{Coulomb, Water, along};
use crate::md::COULOMB;
use crate::md::neighbours::NeighbourList;
use crate::md::potentials::{Forces, LANES, Lanes, sum};
use crate::md::system::{Atoms, Vector, add_scaled, norm};

/// Space for [`Water`].
#[derive(Debug, Clone, Default)]
pub struct Scratch {
    /// Where the images are.
    pub(super) images: Vec<Vector>,
}

/// Adds what the pairs within the cutoff do, as if none were of one molecule.
pub(super) fn add(
    water: &Water,
    atoms: &Atoms<'_>,
    list: &NeighbourList,
    Scratch { images }: &Scratch,
    out: &mut Forces,
) {
    match water.coulomb {
        u @ Coulomb::Damped { .. } => add_with(water, atoms, list, images, out, |r| u.at(r)),
        u @ Coulomb::Field { .. } => add_with(water, atoms, list, images, out, |r| u.at(r)),
    }
}

#[inline(always)]
fn add_with(
    water: &Water,
    atoms: &Atoms<'_>,
    list: &NeighbourList,
    images: &[Vector],
    out: &mut Forces,
    coulomb: impl Fn(f64) -> [f64; 2],
) {
    let Atoms { species, charges, .. } = atoms;
    let (cutoff2, [c12, c6, shift]) = (water.cutoff * water.cutoff, water.dispersion);
    for i in 0..charges.len() {
        let (here, charge, oxygen) = (images[i], COULOMB * charges[i], species[i] == 0);
        let (mut e, mut f, mut w) = ([0.0; LANES], [[0.0; LANES]; 3], [[0.0; LANES]; 6]);
        for near in list.forward(i).chunks(LANES) {
            // Missing lanes have no charge.
            let mut d = [[water.cutoff; LANES]; 3];
            let (mut q, mut both): (Lanes, Lanes) = ([0.0; LANES], [0.0; LANES]);
            for (l, &k) in near.iter().enumerate() {
                let (there, j) = (images[k as usize], list.atom(k));
                (0..3).for_each(|a| d[a][l] = there[a] - here[a]);
                q[l] = charge * charges[j];
                both[l] = if oxygen && species[j] == 0 { 1.0 } else { 0.0 };
            }
            let [x, y, z] = d;
            let (mut energy, mut pull): (Lanes, Lanes) = ([0.0; LANES], [0.0; LANES]);
            for l in 0..LANES {
                let r2 = x[l] * x[l] + y[l] * y[l] + z[l] * z[l];
                let r = r2.sqrt();
                let [u, slope] = coulomb(r);
                energy[l] = q[l] * u;
                pull[l] = q[l] * slope / r;
            }
            if oxygen {
                for l in 0..LANES {
                    let inverse2 = 1.0 / (x[l] * x[l] + y[l] * y[l] + z[l] * z[l]);
                    let inverse6 = inverse2 * inverse2 * inverse2;
                    let (r12, r6) = (c12 * inverse6 * inverse6, c6 * inverse6);
                    energy[l] += both[l] * (r12 - r6 - shift);
                    pull[l] += both[l] * (6.0 * r6 - 12.0 * r12) * inverse2;
                }
            }
            for l in 0..LANES {
                let r2 = x[l] * x[l] + y[l] * y[l] + z[l] * z[l];
                energy[l] = if r2 < cutoff2 { energy[l] } else { 0.0 };
                pull[l] = if r2 < cutoff2 { pull[l] } else { 0.0 };
            }
            for (l, &k) in near.iter().enumerate() {
                add_scaled(&mut out.forces[list.atom(k)], -pull[l], [x[l], y[l], z[l]]);
            }
            for l in 0..LANES {
                let [fx, fy, fz] = [pull[l] * x[l], pull[l] * y[l], pull[l] * z[l]];
                e[l] += energy[l];
                f[0][l] += fx;
                f[1][l] += fy;
                f[2][l] += fz;
                w[0][l] += fx * x[l];
                w[1][l] += fy * y[l];
                w[2][l] += fz * z[l];
                w[3][l] += fx * y[l];
                w[4][l] += fx * z[l];
                w[5][l] += fy * z[l];
            }
        }
        add_scaled(&mut out.forces[i], 1.0, f.map(sum));
        out.energy += sum(e);
        out.add_virial(w.map(|w| -sum(w)));
    }
}

/// Takes off by how much less the pairs of one molecule count, if they are within the cutoff.
pub(super) fn correct(water: &Water, atoms: &Atoms<'_>, out: &mut Forces) {
    for ([i, j], d) in atoms.excluded() {
        let r = norm(d);
        if r < water.cutoff {
            let q = COULOMB * atoms.charges[i] * atoms.charges[j];
            let [less, slope] = water.coulomb.correction(r);
            out.energy -= q * less;
            out.pull(i, j, d, along(d, r, -q * slope));
        }
    }
}
