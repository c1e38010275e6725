//! Cells and Adam in plain code: the reference in f64; what the compiler vectorises, also in f32.

use crate::lstm::train::real::Real;

/// Constants of Adam: how much of each mean is kept, and what is added to a root.
const BETAS: [f64; 2] = [0.9, 0.999];
const EPS: f64 = 1e-8;

/// Cells of one time, see `Job::Cells`.
pub(super) fn cells(
    units: usize,
    gates: &mut [f64],
    before: Option<&[f64]>,
    after: [&mut [f64]; 3],
) {
    let sigmoid = |x: f64| 1.0 / (1.0 + (-x).exp());
    let [c, tanh_c, h] = after;
    for (b, gates) in gates.chunks_exact_mut(4 * units).enumerate() {
        for k in 0..units {
            let at = b * units + k;
            for gate in [0, 1, 3] {
                gates[gate * units + k] = sigmoid(gates[gate * units + k]);
            }
            let g = gates[2 * units + k].tanh();
            gates[2 * units + k] = g;
            let kept = before.map_or(0.0, |before| gates[units + k] * before[at]);
            c[at] = gates[k] * g + kept;
            tanh_c[at] = c[at].tanh();
            h[at] = gates[3 * units + k] * tanh_c[at];
        }
    }
}

/// Derivatives of cells of one time, see `Job::CellsBack`.
#[inline(always)]
pub(super) fn cells_back<R: Real>(
    gates: &mut [R],
    (before, tanh_c): (Option<&[R]>, &[R]),
    dh: [&[R]; 2],
    dc: &mut [R],
    bias: &mut [R],
) {
    let (h, one) = (bias.len() / 4, R::one());
    for b in 0..gates.len() / (4 * h) {
        let row = &mut gates[4 * b * h..][..4 * h];
        {
            let (i, rest) = row.split_at_mut(h);
            let (f, rest) = rest.split_at_mut(h);
            let (g, o) = rest.split_at_mut(h);
            let (i, f, g, o) = (&mut i[..h], &mut f[..h], &mut g[..h], &mut o[..h]);
            let (above, later) = (&dh[0][b * h..][..h], &dh[1][b * h..][..h]);
            let (dc, tanh_c) = (&mut dc[b * h..][..h], &tanh_c[b * h..][..h]);
            for k in 0..h {
                let dh = above[k] + later[k];
                let d = dc[k] + dh * o[k] * (one - tanh_c[k] * tanh_c[k]);
                o[k] = dh * tanh_c[k] * o[k] * (one - o[k]);
                dc[k] = d * f[k];
                // The derivative by the forget gate, but for the cell state that it multiplies.
                f[k] = d * f[k] * (one - f[k]);
                let input = i[k];
                i[k] = d * g[k] * input * (one - input);
                g[k] = d * input * (one - g[k] * g[k]);
            }
            if let Some(before) = before {
                let before = &before[b * h..][..h];
                for k in 0..h {
                    f[k] = f[k] * before[k];
                }
            } else {
                f.fill(R::zero());
            }
        }
        for k in 0..4 * h {
            bias[k] += row[k];
        }
    }
}

/// One step of Adam, see `Job::Adam`.
#[inline(always)]
pub(super) fn adam<R: Real>(state: [&mut [R]; 3], gradient: &[R], factors: [f64; 3]) {
    let n = gradient.len();
    let [parameters, mean, square] = state;
    let (parameters, mean, square) = (&mut parameters[..n], &mut mean[..n], &mut square[..n]);
    let [b0, b1] = BETAS.map(R::from_f64);
    let [n0, n1] = BETAS.map(|beta| R::from_f64(1.0 - beta));
    let [step, root, decay] = factors.map(R::from_f64);
    let eps = R::from_f64(EPS);
    for k in 0..n {
        let g = gradient[k] + decay * parameters[k];
        mean[k] = b0 * mean[k] + n0 * g;
        square[k] = b1 * square[k] + n1 * g * g;
        parameters[k] = parameters[k] - step * (mean[k] / (square[k].sqrt() * root + eps));
    }
}

/// One minus each constant of Adam to the power of the steps so far.
pub(in super::super) fn corrections(steps: i32) -> [f64; 2] {
    BETAS.map(|beta| 1.0 - beta.powi(steps))
}

/// The sum of squares, in f64 and in eight parts, of which none waits for another.
pub(in super::super) fn sum_of_squares<R: Real>(of: &[R]) -> f64 {
    let (blocks, rest) = of.as_chunks::<8>();
    let mut sums = [0.0; 8];
    for block in blocks {
        for k in 0..8 {
            let x: f64 = block[k].into();
            sums[k] += x * x;
        }
    }
    let square = |x: &R| {
        let x: f64 = (*x).into();
        x * x
    };
    sums.iter().sum::<f64>() + rest.iter().map(square).sum::<f64>()
}
