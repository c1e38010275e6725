//! The error bound of Tersoff.
//!
//! A distance is off by `apart`, a difference of two by twice that, a cosine by what
//! [`Errors::turn`] says. Each function has its size, slope and curvature; with
//! x = ln (beta zeta)^n and q = e^x / (1 + e^x),
//!
//! ```text
//! |b'| = b q / (2 zeta),    |b''| <= |b'| (q/2 + n (1 - q) + 1) / zeta
//! ```
//!
//! and the powers in both are off by |x| roundings beside. Zeta is off by the sum of what its terms
//! are off; forces are products of the derivative by zeta with those of the terms.

use std::f64::consts::FRAC_PI_2;

use super::{Entry, Tersoff};
use crate::md::neighbours::{Bond, bonds, displacement_error};
use crate::md::potentials::Forces;
use crate::md::potentials::angles::Bend;
use crate::md::potentials::errors::{Errors, Off, Size};
use crate::md::system::{Atoms, dot};

const EPS: f64 = f64::EPSILON;

impl Entry {
    /// Value and slope of fc. Beyond the width they are known; within it a sine and its argument
    /// are rounded.
    fn switch_off(&self, r: f64, apart: f64) -> [Off; 2] {
        let known = |size: f64| [Off { size, off: 0.0 }, Off { size: 0.0, off: 0.0 }];
        if r < self.middle - self.width - apart {
            return known(1.0);
        }
        if r >= self.cutoff() + apart {
            return known(0.0);
        }
        let steep = FRAC_PI_2 / self.width;
        let (at, curvature) = (self.switch(r), 0.5 * steep * steep);
        let slope = at.slope.abs();
        [
            Off { size: at.value, off: (slope + curvature * apart) * apart + 4.0 * EPS },
            Off { size: slope, off: curvature * apart + 10.0 * EPS * steep },
        ]
    }

    /// The same of fc times a decaying exponential, whose argument is rounded.
    fn decaying_off(&self, r: f64, strength: f64, decay: f64, apart: f64) -> [Off; 2] {
        let [switch, steep] = self.switch_off(r, apart);
        let e = strength.abs() * (-decay * r).exp();
        let off = e * (decay * apart + 100.0 * EPS * (1.0 + decay * r));
        let (e, decay) = (Off { size: e, off }, Off { size: decay, off: 0.0 });
        [switch * e, steep * e + switch * e * decay]
    }

    fn angle_size(&self, cos: f64) -> Size {
        let (h, d2) = ((cos - self.cos0).abs(), self.d * self.d);
        let (wide, depth) = (d2 + h * h, self.gamma * self.c * self.c);
        Size {
            value: self.gamma + depth / d2 * h * h / wide,
            slope: 2.0 * depth * h / (wide * wide),
            curvature: 6.0 * depth / (wide * wide),
        }
    }

    fn lag_size(&self, s: f64) -> Size {
        let (x, lambda) = ((self.lambda3 * s).abs(), self.lambda3.abs());
        let (power, slope, curvature) = if self.is_cubic {
            (x.powi(3), 3.0 * x * x * lambda, 6.0 * x * lambda * lambda)
        } else {
            (x, lambda, 0.0)
        };
        let e = self.lag(s).value * (1.0 + power);
        Size { value: e, slope: slope * e, curvature: (slope * slope + curvature) * e }
    }

    /// b and its derivative, at a zeta that is off.
    fn order_off(&self, zeta: Off) -> [Off; 2] {
        let order = self.order(zeta.size);
        let slope = order.slope.abs();
        let (x, per_zeta) = if slope > 0.0 {
            (self.n * (self.beta * zeta.size).ln(), 1.0 / zeta.size)
        } else {
            (0.0, 0.0)
        };
        let roundings = (100.0 + 4.0 * x.abs()) * EPS;
        let curvature = slope * per_zeta * (1.5 + self.n);
        [
            Off { size: order.value, off: slope * zeta.off + roundings * order.value },
            Off { size: slope, off: curvature * zeta.off + roundings * slope },
        ]
    }
}

/// Does as [`Potential::bound`](super::Potential::bound).
pub(super) fn bound(
    tersoff: &Tersoff,
    Atoms { cell, positions, species, .. }: Atoms<'_>,
) -> Forces {
    let cutoff = tersoff.cutoff;
    let of = |atom: usize| species[atom] as usize;
    let apart = displacement_error(cell, positions, cutoff) + 2.0 * EPS * cutoff;
    let bonds = bonds(cell, positions, cutoff + apart);
    let groups = groups(tersoff, &bonds, species, apart);
    let (most, own, all) = counts(&groups, positions.len());
    let bound = Forces::zeros(positions.len());
    let mut errors = Errors { bound, eps: EPS, apart, places: 0.0, all, own };
    for Group { i, j, others } in groups {
        let mut zeta = Off { size: 0.0, off: 0.0 };
        let mut terms = Vec::new();
        for k in others {
            let entry = tersoff.entry(of(i), of(j.atom), of(k.atom));
            let cos = dot(j.d, k.d) / (j.r * k.r);
            let [switch, steep] = entry.switch_off(k.r, apart);
            let [angle, turned] = entry.angle_size(cos).off(errors.turn([j.r, k.r]));
            let [lag, lagging] = entry.lag_size(j.r - k.r).off(2.0 * apart);
            let by_j = switch * angle * lagging;
            let bend =
                Bend { by_j, by_k: steep * angle * lag + by_j, by_cos: switch * turned * lag };
            let term = switch * angle * lag;
            let (value, _) = entry.term(j.r, k.r, cos);
            zeta.size += value;
            zeta.off += term.off + most * EPS * term.size;
            terms.push((k, bend));
        }
        let pair = tersoff.entry(of(i), of(j.atom), of(j.atom));
        let [order, order_slope] = pair.order_off(zeta);
        let sizes = [(pair.repulsion, pair.lambda1), (pair.attraction, pair.lambda2)];
        let [repulsion, attraction] =
            sizes.map(|(strength, decay)| pair.decaying_off(j.r, strength, decay, apart));
        let half = Off { size: 0.5, off: 0.0 };
        let share = tersoff.halves.share([i, j.atom], [of(i), of(j.atom)]);
        let share = Off { size: share, off: 0.0 };
        errors.energy(share * repulsion[0] + half * attraction[0] * order);
        errors.pull([i, j.atom], j.r, share * repulsion[1] + half * attraction[1] * order);
        let by_zeta = half * attraction[0] * order_slope;
        for (k, Bend { by_j, by_k, by_cos }) in terms {
            let bend =
                Bend { by_j: by_zeta * by_j, by_k: by_zeta * by_k, by_cos: by_zeta * by_cos };
            errors.bend([i, j.atom, k.atom], [j.r, k.r], bend);
        }
    }
    errors.bound
}

/// A bond from i to j, and those that have a term in its zeta.
struct Group<'a> {
    i: usize,
    j: &'a Bond,
    others: Vec<&'a Bond>,
}

/// The bonds that are not beyond their cutoff, or not by more than `apart`.
fn groups<'a>(
    tersoff: &Tersoff,
    bonds: &'a [Vec<Bond>],
    species: &[u32],
    apart: f64,
) -> Vec<Group<'a>> {
    let of = |atom: usize| species[atom] as usize;
    let mut groups = Vec::new();
    for (i, bonds) in bonds.iter().enumerate() {
        for (n, j) in bonds.iter().enumerate() {
            let reaches =
                |k: &Bond| k.r < tersoff.entry(of(i), of(j.atom), of(k.atom)).cutoff() + apart;
            if !reaches(j) {
                continue;
            }
            let others = bonds.iter().enumerate().filter(|(m, k)| *m != n && reaches(k));
            groups.push(Group { i, j, others: others.map(|(_, k)| k).collect() });
        }
    }
    groups
}

/// The most terms in a zeta, in the sum over an atom, and in the one over all.
fn counts(groups: &[Group<'_>], atoms: usize) -> (f64, f64, f64) {
    let mut own = vec![0_usize; atoms];
    for Group { i, j, others } in groups {
        own[*i] += 1 + 2 * others.len();
        own[j.atom] += 1 + others.len();
        others.iter().for_each(|k| own[k.atom] += 1);
    }
    let most = groups.iter().map(|group| group.others.len()).max().unwrap_or(0);
    let all: usize = groups.iter().map(|group| 1 + group.others.len()).sum();
    (most as f64, own.into_iter().max().unwrap_or(0) as f64, all as f64)
}
