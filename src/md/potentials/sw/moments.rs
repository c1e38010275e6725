//! Stillinger-Weber without its loop over angles, and the distance between the two forms.
//!
//! With unit vectors `u_j` to the neighbours of an atom and `g_j = g(r_j)`,
//! `cos theta_jk = u_j . u_k` turns the loop over pairs of neighbours into sums
//! over neighbours:
//!
//! ```text
//! G = sum g_j    P = sum g_j u_j    Q = sum g_j u_j u_j^T    S = sum g_j^2
//!
//! sum over j < k of g_j g_k (cos theta_jk - cos0)^2
//!     = (Q:Q - 2 cos0 P.P + cos0^2 G^2 - (1 - cos0)^2 S) / 2
//! d/dg_j = u_j.Q.u_j - 2 cos0 u_j.P + cos0^2 G - (1 - cos0)^2 g_j
//! d/du_j = 2 g_j (Q u_j - cos0 P), of which the part across u_j counts, over r_j
//! ```
//!
//! Bound: both forms add terms of at most m G^2 in all, m = (1 + |cos0|)^2. Let eta be the relative
//! error of what belongs to one bond: a distance off by d moves exp(w), w = sigma/(r - cutoff), by
//! w^2 d/sigma, and other factors by a few d/r; and let H = sum of g eta be the error of a moment.
//! [`bound`] adds up the errors of the products above to first order.
//!
//! Source: the square expanded; R. Drautz, Phys. Rev. B 99 (2019) 014104, writes many-body sums as
//! products of one-body sums in general.

use super::StillingerWeber;
use crate::md::neighbours::{NeighbourList, bonds, displacement_error, place_error};
use crate::md::potentials::exp::exp;
use crate::md::potentials::{Forces, LANES, Lanes, Potential, sum};
use crate::md::system::{Cell, Vector};

/// Registers whose sums in `f32` are moved to `f64`, and the lanes of each that are summed first.
const NARROW_TERMS: f64 = 8.0 + 4.0;

/// Where the images are, and the neighbours of one atom within the cutoff.
#[derive(Debug, Clone, Default)]
pub(super) struct Buffers {
    images: Vec<Vector>,
    near: Near,
}

#[derive(Debug, Clone, Default)]
struct Near {
    blocks: Vec<Block>,
    index: Vec<u32>,
}

/// [`LANES`] neighbours: displacement (made a unit vector), distance, 1/r, g, g', half of phi2'.
#[derive(Debug, Clone, Copy)]
struct Block {
    u: [Lanes; 3],
    r: Lanes,
    inverse: Lanes,
    g: Lanes,
    g_slope: Lanes,
    half_slope: Lanes,
}

/// The sums over the neighbours of one atom.
#[derive(Debug, Clone, Copy, Default)]
struct Moments {
    g: f64,
    g2: f64,
    p: Vector,
    /// xx, yy, zz, xy, xz, yz
    q: [f64; 6],
    phi2: f64,
}

impl Near {
    /// Room for `most` neighbours and, if it must grow, for a quarter more.
    fn reserve(&mut self, most: usize) {
        if most <= self.index.len() {
            return;
        }
        let zero = [0.0; LANES];
        let empty = Block {
            u: [zero; 3],
            r: zero,
            inverse: zero,
            g: zero,
            g_slope: zero,
            half_slope: zero,
        };
        self.blocks.resize((most + most / 4).div_ceil(LANES), empty);
        self.index.resize(self.blocks.len() * LANES, 0);
    }

    /// Stores displacement and squared distance of the neighbours within the cutoff; counts them.
    fn gather(&mut self, images: &[Vector], i: usize, list: &[u32], cutoff2: f64) -> usize {
        let here = images[i];
        let mut n = 0;
        for &k in list {
            let there = images[k as usize];
            let [x, y, z] = [there[0] - here[0], there[1] - here[1], there[2] - here[2]];
            let r2 = x * x + y * y + z * z;
            // Written whether or not it is kept: a branch here is often mispredicted.
            let (block, l) = (&mut self.blocks[n / LANES], n % LANES);
            (block.u[0][l], block.u[1][l], block.u[2][l], block.r[l]) = (x, y, z, r2);
            self.index[n] = k;
            n += usize::from(r2 < cutoff2);
        }
        // The rest of the last block is beyond the cutoff.
        for l in n..n.next_multiple_of(LANES) {
            let (block, l) = (&mut self.blocks[n / LANES], l % LANES);
            (block.u[0][l], block.u[1][l], block.u[2][l], block.r[l]) =
                (0.0, 0.0, 0.0, 4.0 * cutoff2);
        }
        n
    }
}

impl Block {
    /// From squared distances to everything that depends on one bond; adds it to the moments.
    ///
    /// Beyond the cutoff everything is 1e-290 or less.
    #[inline]
    fn evaluate(&mut self, sw: &StillingerWeber, m: &mut Moments) {
        let Self { u, r, inverse, g, g_slope, half_slope } = self;
        let (cutoff, strength) = (sw.cutoff(), sw.bond * sw.epsilon);
        let [mut phi2, mut w, mut gaps] = [[0.0; LANES]; 3];
        for l in 0..LANES {
            r[l] = r[l].sqrt();
            inverse[l] = 1.0 / r[l];
            // Not nearer to the cutoff than where the exponentials are as good as zero.
            gaps[l] = 1.0 / (r[l] - cutoff).min(sw.sigma * -1.4e-3);
            w[l] = sw.sigma * gaps[l];
        }
        let e = exp(w);
        *g = exp(w.map(|w| sw.gamma * w));
        for l in 0..LANES {
            let w_slope = -w[l] * gaps[l];
            let s = sw.sigma * inverse[l];
            let repulsion = sw.repulsion * (s * s) * (s * s);
            let e = strength * e[l];
            phi2[l] = e * (repulsion - 1.0);
            half_slope[l] = 0.5 * e * ((repulsion - 1.0) * w_slope - 4.0 * repulsion * inverse[l]);
            g_slope[l] = g[l] * sw.gamma * w_slope;
            (0..3).for_each(|a| u[a][l] *= inverse[l]);
        }
        let of = |f: &dyn Fn(usize) -> f64| sum(std::array::from_fn(f));
        m.g += sum(*g);
        m.g2 += of(&|l| g[l] * g[l]);
        m.phi2 += sum(phi2);
        (0..3).for_each(|a| m.p[a] += of(&|l| g[l] * u[a][l]));
        for (q, (a, b)) in m.q.iter_mut().zip([(0, 0), (1, 1), (2, 2), (0, 1), (0, 2), (1, 2)]) {
            *q += of(&|l| g[l] * u[a][l] * u[b][l]);
        }
    }
}

impl Moments {
    /// Energy of the atom.
    fn energy(&self, sw: &StillingerWeber) -> f64 {
        let [xx, yy, zz, xy, xz, yz] = self.q;
        let qq = xx * xx + yy * yy + zz * zz + 2.0 * (xy * xy + xz * xz + yz * yz);
        let pp: f64 = self.p.iter().map(|p| p * p).sum();
        let angles = qq - 2.0 * sw.cos0 * pp + (sw.cos0 * self.g).powi(2)
            - (1.0 - sw.cos0).powi(2) * self.g2;
        0.5 * (self.phi2 + sw.lambda * sw.epsilon * angles)
    }

    /// Derivatives of the energy by the displacements of a block.
    #[inline]
    fn gradient(&self, sw: &StillingerWeber, block: &Block) -> [Lanes; 3] {
        let strength = sw.lambda * sw.epsilon;
        let [xx, yy, zz, xy, xz, yz] = self.q;
        let p = self.p.map(|p| -sw.cos0 * p);
        let (base, own) = (sw.cos0 * sw.cos0 * self.g, (1.0 - sw.cos0).powi(2));
        let ([x, y, z], mut out) = (block.u, [[0.0; LANES]; 3]);
        for l in 0..LANES {
            // Half the derivative by u over g: Q u - cos0 P.
            let ax = xx * x[l] + xy * y[l] + xz * z[l] + p[0];
            let ay = xy * x[l] + yy * y[l] + yz * z[l] + p[1];
            let az = xz * x[l] + yz * y[l] + zz * z[l] + p[2];
            let along = ax * x[l] + ay * y[l] + az * z[l];
            let up = p[0] * x[l] + p[1] * y[l] + p[2] * z[l];
            let by_g = along + up + base - own * block.g[l];
            let across = 2.0 * strength * block.g[l] * block.inverse[l];
            let radial = strength * by_g * block.g_slope[l] + block.half_slope[l] - across * along;
            out[0][l] = radial * x[l] + across * ax;
            out[1][l] = radial * y[l] + across * ay;
            out[2][l] = radial * z[l] + across * az;
        }
        out
    }
}

/// Does as [`Potential::compute`] into `out`, which is zero.
pub(super) fn compute(
    sw: &StillingerWeber,
    positions: &[Vector],
    list: &NeighbourList,
    Buffers { images, near }: &mut Buffers,
    out: &mut Forces,
) {
    list.place(positions, images);
    let Forces { energy, forces, virial } = out;
    near.reserve(list.most());
    let cutoff2 = sw.cutoff().powi(2);
    for i in 0..positions.len() {
        let n = near.gather(images, i, list.of(i), cutoff2);
        let blocks = &mut near.blocks[..n.div_ceil(LANES)];
        let mut m = Moments::default();
        blocks.iter_mut().for_each(|b| b.evaluate(sw, &mut m));
        *energy += m.energy(sw);
        for (block, index) in blocks.iter().zip(near.index[..n].chunks(LANES)) {
            let gradient = m.gradient(sw, block);
            for a in 0..3 {
                forces[i][a] += sum(gradient[a]);
                for b in a..3 {
                    virial[a][b] -=
                        sum(std::array::from_fn(|l| block.r[l] * block.u[a][l] * gradient[b][l]));
                }
            }
            for (l, &k) in index.iter().enumerate() {
                let force = &mut forces[list.atom(k)];
                (0..3).for_each(|a| force[a] -= gradient[a][l]);
            }
        }
    }
    (virial[1][0], virial[2][0], virial[2][1]) = (virial[0][1], virial[0][2], virial[1][2]);
}

/// Does as [`Potential::bound`] for pairs that are computed with this `eps`.
///
/// In `f32` the two positions and their difference round, by 5/4 eps of the largest coordinate in
/// sight together, and sqrt(3) of that for the length; moments and forces are summed in `f64`, and the
/// sums over registers go on there after a few; and a pair at the cutoff may leave 1e-30 of what is zero.
pub(super) fn bound(sw: &StillingerWeber, cell: &Cell, positions: &[Vector], eps: f64) -> Forces {
    let (cutoff, narrow) = (sw.cutoff(), eps > f64::EPSILON);
    let (strength, m) = (sw.lambda * sw.epsilon, (1.0 + sw.cos0.abs()).powi(2));
    let places = if narrow {
        2.2 * eps / f64::EPSILON * place_error(cell, &[], cutoff)
    } else {
        displacement_error(cell, positions, cutoff)
    };
    // The gap to the cutoff is off by this much.
    let apart = places + 2.0 * eps * cutoff;
    let bonds = bonds(cell, positions, cutoff);
    let most = bonds.iter().map(Vec::len).max().unwrap_or(0) as f64;
    // Terms in the longest sum over all atoms, and of the one over an atom: angles of an atom and
    // of its neighbours, or pairs.
    // In `f32` there are only sums over registers; a sum of moments rounds once, when it is used.
    let [all, own, of_moments] = if narrow {
        [NARROW_TERMS, 1.0, 1.0]
    } else {
        [bonds.len() as f64 * most * (1.0 + most), most * (1.0 + most) * 3.0, most]
    };
    let mut out = Forces::zeros(positions.len());
    if narrow {
        out.energy = 1e-20;
        out.forces.fill([1e-20; 3]);
        out.virial = [[1e-20; 3]; 3];
    }
    for (i, bonds) in bonds.iter().enumerate() {
        // Per bond: eta, g, |g'|, and the magnitudes of phi2 and phi2'.
        let term = |r: f64| {
            let w = sw.sigma / (cutoff - r);
            let moved = sw.gamma.max(1.0) * (w * w * apart / sw.sigma + 3.0 * eps * w);
            let eta = moved + 2.0 * w * apart / sw.sigma + 5.0 * apart / r + 30.0 * eps;
            let (g, e) = ((-sw.gamma * w).exp(), sw.bond * sw.epsilon * (-w).exp());
            let repulsion = sw.repulsion * (sw.sigma / r).powi(4);
            let steep = e * ((repulsion + 1.0) * w * w / sw.sigma + 4.0 * repulsion / r);
            (eta, g, sw.gamma * g * w * w / sw.sigma, e * (repulsion + 1.0), steep)
        };
        let terms: Vec<_> = bonds.iter().map(|b| (b, term(b.r))).collect();
        let g_sum: f64 = terms.iter().map(|(_, t)| t.1).sum();
        let h: f64 = terms.iter().map(|(_, t)| t.1 * (t.0 + of_moments * eps)).sum();
        let angles = strength * m * g_sum;
        out.energy += angles * (2.0 * h + (16.0 + all) * eps * g_sum);
        for &(b, (eta, g, g_slope, high, steep)) in &terms {
            out.energy += 0.5 * high * (eta + all * eps);
            let radial = strength * m * g_slope * ((g_sum + g) * (eta + 16.0 * eps) + h + g * eta);
            let across = 4.0 * strength * m * g / b.r * (g_sum * (2.0 * eta + 16.0 * eps) + h);
            let force = 2.0 * angles * (g_slope + 2.0 * g / b.r) + 0.5 * steep;
            let off = radial + across + 0.5 * steep * eta + own * eps * force;
            out.forces[i].iter_mut().for_each(|f| *f += off);
            out.forces[b.atom].iter_mut().for_each(|f| *f += off);
            let w = b.r * off + force * (apart + all * eps * b.r);
            out.virial.iter_mut().flatten().for_each(|v| *v += w);
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::md::{Field, System, boxes};

    /// The identity holds for any angle that costs nothing, and for atoms anywhere.
    #[test]
    fn the_moments_equal_the_loop_over_angles() {
        for (seed, cos0, sigma) in [(1, -1.0 / 3.0, 2.0951), (2, 0.2, 2.0951), (3, -0.5, 2.8)] {
            let sw = StillingerWeber { cos0, sigma, ..StillingerWeber::SILICON };
            let mut si = boxes::silicon_crystal(2, 5.3);
            boxes::rattle(&mut si, seed, 0.2);
            let field = Field::new(sw, &si, 0.4).unwrap();
            let (got, want, bound) =
                (field.forces(), sw.reference(si.atoms()), sw.bound(si.atoms()));
            assert!((got.energy - want.energy).abs() <= bound.energy, "energy, cos0 {cos0}");
            assert!(bound.energy < 1e-7 * want.energy.abs(), "bound {}", bound.energy);
            for ((g, w), b) in got.forces.iter().zip(&want.forces).zip(&bound.forces) {
                assert!((0..3).all(|a| (g[a] - w[a]).abs() <= b[a]), "{g:?}, expected {w:?}");
                assert!(b[0] < 1e-7, "the bound {} is not tight", b[0]);
            }
        }
    }

    #[test]
    fn a_neighbour_at_the_cutoff_does_nothing() {
        let sw = StillingerWeber::SILICON;
        let cell = Cell::orthorhombic([20.0; 3]).unwrap();
        for r in [sw.cutoff(), sw.cutoff() * (1.0 - f64::EPSILON), sw.cutoff() - 1e-9] {
            let x = vec![[0.0; 3], [r, 0.0, 0.0]];
            let pair = System::new(cell, &["Si"; 2], vec![1.0; 2], x);
            let field = Field::new(sw, &pair, 0.4).unwrap();
            let out = field.forces();
            assert!(out.energy.abs() < 1e-250 && out.forces[0][0].abs() < 1e-250, "{out:?}");
        }
    }
}
