//! The waves of an Ewald sum.
//!
//! ```text
//! E = 2 pi/V COULOMB sum over waves k of exp(-k^2/(4 a^2))/k^2 |S(k)|^2
//! S(k) = sum over atoms of q exp(i k.x)
//! ```
//!
//! over k = 2 pi (l a + m b + n c) but 0, with the reciprocal vectors a, b, c of the cell.
//! Half of them are visited, as -k adds what k does. Under a strain |S| stays, k and V do not: k adds
//! `E_k (delta_ab - 2 k_a k_b (1/k^2 + 1/(4 a^2)))` to the virial.
//!
//! Source: M. P. Allen, D. J. Tildesley, "Computer Simulation of Liquids", 2nd ed. (2017), ch. 6.

use std::f64::consts::{PI, TAU};

use crate::md::COULOMB;
use crate::md::neighbours::whole;
use crate::md::potentials::Forces;
use crate::md::system::{Atoms, add_scaled, dot, norm};

/// Adds energy, forces and virial of the waves not longer than `longest`, in 1/angstrom. What `phases`
/// holds is lost.
pub(super) fn add(
    [alpha, longest]: [f64; 2],
    atoms: Atoms<'_>,
    phases: &mut Vec<[f64; 2]>,
    out: &mut Forces,
) {
    let Atoms { cell, positions, charges, .. } = atoms;
    // A coordinate of k is k.a / (2 pi).
    let [most_l, most_m, most_n] = cell.rows().map(|a| whole(longest / TAU * norm(a)));
    let (narrow, prefactor) = (0.25 / (alpha * alpha), 4.0 * PI / cell.volume() * COULOMB);
    phases.clear();
    phases.resize(positions.len(), [0.0; 2]);
    for l in 0..=most_l {
        for m in if l > 0 { -most_m } else { 0 }..=most_m {
            for n in if (l, m) > (0, 0) { -most_n } else { 1 }..=most_n {
                let k = cell.wave([l, m, n]).map(|k| TAU * k);
                let k2 = dot(k, k);
                if k2 > longest * longest {
                    continue;
                }
                let strength = prefactor * (-narrow * k2).exp() / k2;
                let mut s = [0.0; 2];
                for ((phase, x), q) in phases.iter_mut().zip(positions).zip(charges) {
                    let (sin, cos) = dot(k, *x).sin_cos();
                    *phase = [q * cos, q * sin];
                    (0..2).for_each(|c| s[c] += phase[c]);
                }
                let energy = strength * (s[0] * s[0] + s[1] * s[1]);
                out.energy += energy;
                for (force, [cos, sin]) in out.forces.iter_mut().zip(&*phases) {
                    add_scaled(force, 2.0 * strength * (sin * s[0] - cos * s[1]), k);
                }
                for (a, row) in out.virial.iter_mut().enumerate() {
                    row[a] += energy;
                    add_scaled(row, -2.0 * energy * (1.0 / k2 + narrow) * k[a], k);
                }
            }
        }
    }
}
