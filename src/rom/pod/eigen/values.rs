//! Eigenvalues of a symmetric tridiagonal matrix by QL with implicit shifts.

use super::Error;

/// Sweeps that an eigenvalue may take; two are usual.
const SWEEPS: usize = 60;

/// The eigenvalues of the matrix with these numbers on and beside its diagonal, the largest first.
pub(super) fn descending(diagonal: &[f64], beside: &[f64]) -> Result<Vec<f64>, Error> {
    let (mut d, mut e) = (diagonal.to_vec(), beside.to_vec());
    let n = d.len();
    e.resize(n, 0.0);
    // The largest magnitude, but for a factor of two: what is lost below is far less than it rounds.
    let largest = d.iter().chain(&e).fold(0.0, |most: f64, x| most.max(x.abs()));
    let least = f64::EPSILON / 64.0 * largest;
    for first in 0..n {
        let mut sweeps = 0;
        loop {
            let is_small = |m: &usize| {
                let beside = (d[*m].abs() * d[*m + 1].abs()).sqrt();
                e[*m].abs() <= least.max(f64::EPSILON * beside)
            };
            let last = (first..n - 1).find(is_small).unwrap_or(n - 1);
            if last == first {
                break;
            }
            sweeps += 1;
            if sweeps > SWEEPS {
                return Err(Error::Value { at: first });
            }
            sweep(&mut d[first..=last], &mut e[first..=last]);
        }
    }
    if let Some(at) = d.iter().position(|value| !value.is_finite()) {
        return Err(Error::Value { at });
    }
    d.sort_by(|a, b| b.total_cmp(a));
    Ok(d)
}

/// One sweep over a block that does not fall apart, from its last row to its first.
fn sweep(d: &mut [f64], e: &mut [f64]) {
    let last = d.len() - 1;
    // Wilkinson's shift: the eigenvalue of the first two rows that is nearer to the first.
    let half = (d[1] - d[0]) / (2.0 * e[0]);
    let root = half.hypot(1.0).copysign(half);
    let mut g = d[last] - d[0] + e[0] / (half + root);
    let (mut sin, mut cos, mut shift) = (1.0, 1.0, 0.0);
    for i in (0..last).rev() {
        let (f, b) = (sin * e[i], cos * e[i]);
        #[expect(clippy::imprecise_flops, reason = "hypot takes far longer, and the squares fit")]
        let r = (f * f + g * g).sqrt();
        e[i + 1] = r;
        if r == 0.0 {
            // The block falls apart here.
            d[i + 1] -= shift;
            e[last] = 0.0;
            return;
        }
        sin = f / r;
        cos = g / r;
        g = d[i + 1] - shift;
        let t = (d[i] - g) * sin + 2.0 * cos * b;
        shift = sin * t;
        d[i + 1] = g + shift;
        g = cos * t - b;
    }
    d[0] -= shift;
    e[0] = g;
    e[last] = 0.0;
}
