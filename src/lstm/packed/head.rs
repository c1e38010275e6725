//! The head: layer normalisation, and a sum of four chains of additions per output, of every fourth unit.

use super::Packed;
use crate::lstm::cell::NORM_EPS;
use crate::lstm::lanes::Lanes;
use crate::lstm::net::LayerNorm;

/// Layer normalisation of `h` into `z`, in f64, rounded once.
#[inline(always)]
#[expect(clippy::cast_possible_truncation, reason = "the network works in f32")]
fn normalise(h: &[f32], norm: &LayerNorm, z: &mut [f32]) {
    /// Sums side by side.
    const SUMS: usize = 16;

    let (n, (wide, rest)) = (h.len() as f64, h.as_chunks::<SUMS>());
    let mut sums = [0.0; SUMS];
    for h in wide {
        for i in 0..SUMS {
            sums[i] += f64::from(h[i]);
        }
    }
    for (sum, h) in sums.iter_mut().zip(rest) {
        *sum += f64::from(*h);
    }
    let mean = total(sums) / n;
    let mut sums = [0.0; SUMS];
    for h in wide {
        for i in 0..SUMS {
            let far = f64::from(h[i]) - mean;
            sums[i] += far * far;
        }
    }
    for (sum, h) in sums.iter_mut().zip(rest) {
        let far = f64::from(*h) - mean;
        *sum += far * far;
    }
    let inverse = 1.0 / (total(sums) / n + NORM_EPS).sqrt();
    let (weight, bias) = (norm.weight.as_slice(), norm.bias.as_slice());
    let (weight, bias) = (weight.expect("a vector"), bias.expect("a vector"));
    for (((z, h), weight), bias) in z.iter_mut().zip(h).zip(weight).zip(bias) {
        *z = ((f64::from(*h) - mean) * inverse * f64::from(*weight) + f64::from(*bias)) as f32;
    }
}

/// The sum of all, by halves.
#[inline(always)]
fn total(mut sums: [f64; 16]) -> f64 {
    for half in [8, 4, 2, 1] {
        for i in 0..half {
            sums[i] += sums[i + half];
        }
    }
    sums[0]
}

/// Outputs of G panels from `panel` on.
#[inline(always)]
fn outputs<V: Lanes, const G: usize>(packed: &Packed, panel: usize, z: &[f32], y: &mut [f32]) {
    let (n, weights) = (z.len(), V::arrays(&packed.out_w));
    let mut panels = [weights; G];
    for g in 0..G {
        panels[g] = &weights[(panel + g) * n..][..n];
    }
    let mut sums = [[V::splat(0.0); G]; 4];
    for k in 0..n / 4 {
        for j in 0..4 {
            let z = V::splat(z[4 * k + j]);
            for g in 0..G {
                sums[j][g] = V::load(&panels[g][4 * k + j]).mul_add(z, sums[j][g]);
            }
        }
    }
    for k in n / 4 * 4..n {
        for g in 0..G {
            sums[k % 4][g] = V::load(&panels[g][k]).mul_add(V::splat(z[k]), sums[k % 4][g]);
        }
    }
    for g in 0..G {
        let sum = sums[0][g].plus(sums[1][g]).plus(sums[2][g].plus(sums[3][g]));
        let sum = sum.plus(V::load(&V::arrays(&packed.out_b)[panel + g]));
        let mut all = [0.0; 16];
        sum.store(&mut V::arrays_mut(&mut all)[0]);
        let to = &mut y[(panel + g) * V::LEN..];
        let len = to.len().min(V::LEN);
        to[..len].copy_from_slice(&all[..len]);
    }
}

/// The output for a hidden state and the last state of the window.
#[inline(always)]
pub(super) fn head<V: Lanes>(
    packed: &Packed,
    h: &[f32],
    last: &[f32],
    z: &mut [f32],
    y: &mut [f32],
) {
    let h = &h[..packed.units];
    let z = match &packed.norm {
        None => h,
        Some(norm) => {
            normalise(h, norm, z);
            z
        }
    };
    let (panels, mut panel) = (packed.d.div_ceil(V::LEN), 0);
    while panel + 2 <= panels {
        outputs::<V, 2>(packed, panel, z, y);
        panel += 2;
    }
    if panel < panels {
        outputs::<V, 1>(packed, panel, z, y);
    }
    if packed.residual {
        y.iter_mut().zip(last).for_each(|(y, last)| *y += last);
    }
}
