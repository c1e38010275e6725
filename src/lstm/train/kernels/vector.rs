//! The inner loops in f32, compiled for each instruction set.
//!
//! A tile of the product, some rows by some registers, stays in registers while k runs: each step
//! loads a row of the panel, and multiplies it by one number of each row of the left factor. k is cut
//! so that what a tile rereads stays in the first cache: 128 rows of a panel, or 32 rows of a left
//! factor that is read down its columns.

use super::{Job, Panels, plain};
use crate::lstm::activation::{GATE_SCALE, power_less_one, power_plus_one};
use crate::lstm::lanes::Lanes;
use crate::machine::isa::Isa;

/// Numbers of the widest tile: four registers of sixteen.
const WIDEST: usize = 64;

/// Registers of the panel that starts at column `first`: 2 where the columns left fit.
#[inline(always)]
fn registers<V: Lanes, const W: usize>(first: usize, n: usize) -> usize {
    if n - first <= 2 * V::LEN { 2 } else { W }
}

/// See `Job::Pack`.
#[inline(always)]
fn pack<V: Lanes, const W: usize>(of: &[f32], rows: usize, turned: bool, to: &mut Panels<f32>) {
    let columns = of.len() / rows;
    (to.k, to.n) = if turned { (columns, rows) } else { (rows, columns) };
    let (k, n) = (to.k, to.n);
    let padded = (n.div_ceil(V::LEN) + W) * V::LEN;
    if to.values.len() < k * padded {
        to.values.resize(k * padded, 0.0);
    }
    let mut at = 0;
    for first in (0..n).step_by(W * V::LEN) {
        let width = registers::<V, W>(first, n) * V::LEN;
        let used = width.min(n - first);
        let panel = &mut to.values[at..][..k * width];
        if turned {
            for (j, row) in of[first * k..].chunks_exact(k).take(used).enumerate() {
                for (line, x) in panel.chunks_exact_mut(width).zip(row) {
                    line[j] = *x;
                }
            }
        } else {
            for (line, row) in panel.chunks_exact_mut(width).zip(of.chunks_exact(n)) {
                line[..used].copy_from_slice(&row[first..][..used]);
            }
        }
        for line in panel.chunks_exact_mut(width) {
            line[used..].fill(0.0);
        }
        at += k * width;
    }
}

/// The operands of a product.
struct Product<'a> {
    a: &'a [f32],
    m: usize,
    k: usize,
    c: &'a mut [f32],
    n: usize,
    add: bool,
}

/// Rows `row..row + N` and columns from `first` on, for the rows of a panel from `from` on.
#[inline(always)]
fn tile<V: Lanes, const TURNED: bool, const N: usize, const W: usize>(
    product: &mut Product<'_>,
    panel: &[[V::Array; W]],
    [from, row, first]: [usize; 3],
) {
    let Product { a, m, k, n, add, .. } = *product;
    let mut rows = [a; N];
    if !TURNED {
        for r in 0..N {
            rows[r] = &a[(row + r) * k + from..][..panel.len()];
        }
    }
    let mut sums = [[V::splat(0.0); W]; N];
    for t in 0..panel.len() {
        let mut x = [0.0; N];
        if TURNED {
            x.copy_from_slice(&a[(from + t) * m + row..][..N]);
        } else {
            for r in 0..N {
                x[r] = rows[r][t];
            }
        }
        for j in 0..W {
            let w = V::load(&panel[t][j]);
            for r in 0..N {
                sums[r][j] = w.mul_add(V::splat(x[r]), sums[r][j]);
            }
        }
    }
    let is_added = add || from > 0;
    let used = (W * V::LEN).min(n - first);
    for r in 0..N {
        let to = &mut product.c[(row + r) * n + first..][..used];
        if used == W * V::LEN {
            let to = V::arrays_mut(to);
            for j in 0..W {
                let sum = if is_added { V::load(&to[j]).plus(sums[r][j]) } else { sums[r][j] };
                sum.store(&mut to[j]);
            }
        } else {
            let mut all = [0.0; WIDEST];
            let arrays = V::arrays_mut(&mut all);
            for j in 0..W {
                sums[r][j].store(&mut arrays[j]);
            }
            for (to, x) in to.iter_mut().zip(all) {
                *to = if is_added { *to + x } else { x };
            }
        }
    }
}

/// All rows of the columns from `first` on.
#[inline(always)]
fn columns<V: Lanes, const TURNED: bool, const M: usize, const W: usize>(
    product: &mut Product<'_>,
    panel: &[f32],
    first: usize,
) {
    let panel = &V::arrays(panel).as_chunks::<W>().0[..product.k];
    let cut = if TURNED { 32 } else { 128 };
    for (block, panel) in panel.chunks(cut).enumerate() {
        let mut row = 0;
        while row < product.m {
            let left = product.m - row;
            let now = if left > M { left.div_ceil(left.div_ceil(M)) } else { left };
            let at = [block * cut, row, first];
            // Branches that are constant are not compiled for lanes that never take them.
            if now == 1 || M == 1 {
                tile::<V, TURNED, 1, W>(product, panel, at);
            } else if now == 2 || M == 2 {
                tile::<V, TURNED, 2, W>(product, panel, at);
            } else if now == 3 || M == 3 {
                tile::<V, TURNED, 3, W>(product, panel, at);
            } else if now == 4 || M == 4 {
                tile::<V, TURNED, 4, W>(product, panel, at);
            } else if now == 5 || M == 5 {
                tile::<V, TURNED, 5, W>(product, panel, at);
            } else {
                tile::<V, TURNED, 6, W>(product, panel, at);
            }
            row += now;
        }
    }
}

/// See `Job::Product`.
#[inline(always)]
fn product<V: Lanes, const TURNED: bool, const M: usize, const W: usize>(
    a: &[f32],
    b: &Panels<f32>,
    c: &mut [f32],
    add: bool,
) {
    let (m, k, n) = (a.len() / b.k, b.k, b.n);
    assert_eq!((a.len(), c.len()), (m * k, m * n), "shapes of a product");
    let mut product = Product { a, m, k, c, n, add };
    let mut at = 0;
    for first in (0..n).step_by(W * V::LEN) {
        let registers = registers::<V, W>(first, n);
        let panel = &b.values[at..][..k * registers * V::LEN];
        if W == 2 || registers == 2 {
            columns::<V, TURNED, M, 2>(&mut product, panel, first);
        } else {
            columns::<V, TURNED, M, W>(&mut product, panel, first);
        }
        at += panel.len();
    }
}

/// Activated gates i, f, g, o, the cell state, its tanh and the hidden state.
#[inline(always)]
#[expect(clippy::cast_possible_truncation, reason = "the kernel's numbers")]
fn cell<V: Lanes>(sums: [V; 4], before: V) -> ([V; 4], [V; 3]) {
    let two = V::splat(2.0);
    let scale = GATE_SCALE.map(|scale| scale as f32);
    let a = power_plus_one(sums[0].times(V::splat(scale[0])));
    let b = power_plus_one(sums[1].times(V::splat(scale[1])));
    let m = power_less_one(sums[2].times(V::splat(scale[2])));
    let o = power_plus_one(sums[3].times(V::splat(scale[3])));
    // Two divisions for four functions: see `activation` for why nothing overflows.
    let inverse = V::splat(1.0).over(a.times(b));
    let (i, f) = (b.times(inverse), a.times(inverse));
    let m2 = m.plus(two);
    let inverse = V::splat(1.0).over(m2.times(o));
    let (g, o) = (m.times(o).times(inverse), m2.times(inverse));
    let c = f.mul_add(before, i.times(g));
    let m = power_less_one(c.times(V::splat(scale[2])));
    let tanh_c = m.over(m.plus(two));
    ([i, f, g, o], [c, tanh_c, o.times(tanh_c)])
}

/// See `Job::Cells`.
#[inline(always)]
fn cells<V: Lanes>(
    units: usize,
    gates: &mut [f32],
    before: Option<&[f32]>,
    after: [&mut [f32]; 3],
) {
    let [c, tanh_c, h] = after;
    let whole = units / V::LEN;
    for b in 0..gates.len() / (4 * units) {
        let row = &mut gates[4 * b * units..][..4 * units];
        let past = before.map_or(&[][..], |before| &before[b * units..][..units]);
        let after = [&mut *c, &mut *tanh_c, &mut *h].map(|of| &mut of[b * units..][..units]);
        for j in 0..whole {
            let mut sums = [V::splat(0.0); 4];
            for g in 0..4 {
                sums[g] = V::load(&V::arrays(&row[g * units..][..units])[j]);
            }
            let past = if past.is_empty() { V::splat(0.0) } else { V::load(&V::arrays(past)[j]) };
            let (active, states) = cell(sums, past);
            for g in 0..4 {
                active[g].store(&mut V::arrays_mut(&mut row[g * units..][..units])[j]);
            }
            for s in 0..3 {
                states[s].store(&mut V::arrays_mut(after[s])[j]);
            }
        }
        // The units past the last whole register, in plain code.
        for k in whole * V::LEN..units {
            let sums = [0, 1, 2, 3].map(|g| [row[g * units + k]; 8]);
            let past = [past.get(k).copied().unwrap_or(0.0); 8];
            let (active, states) = cell(sums, past);
            for g in 0..4 {
                row[g * units + k] = active[g][0];
            }
            for s in 0..3 {
                after[s][k] = states[s][0];
            }
        }
    }
}

/// Each loop stands here once, since it is compiled for every tile of its lanes.
#[inline(always)]
fn work<V: Lanes, const M: usize, const W: usize>(job: Job<'_, f32>) {
    match job {
        Job::Pack { of, rows, turned, to } => pack::<V, W>(of, rows, turned, to),
        Job::Product { a, turned: true, b, c, add } => product::<V, true, M, W>(a, b, c, add),
        Job::Product { a, turned: false, b, c, add } => product::<V, false, M, W>(a, b, c, add),
        Job::Cells { units, gates, before, after } => cells::<V>(units, gates, before, after),
        Job::CellsBack { gates, states, dh, dc, bias } => {
            plain::cells_back(gates, states, dh, dc, bias);
        }
        Job::Adam { state, gradient, factors } => plain::adam(state, gradient, factors),
    }
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,fma")]
fn avx2(job: Job<'_, f32>) {
    work::<std::arch::x86_64::__m256, 6, 2>(job);
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx2,fma")]
fn avx512(job: Job<'_, f32>) {
    work::<std::arch::x86_64::__m512, 6, 4>(job);
}

/// Does a job by an instruction set.
///
/// # Panics
///
/// If this processor lacks it, or shapes do not fit.
pub(super) fn run(isa: Isa, job: Job<'_, f32>) {
    assert!(isa.is_available(), "this processor has no {}", isa.name());
    match isa {
        // SAFETY: the line above.
        #[cfg(target_arch = "x86_64")]
        Isa::Avx2 => unsafe { avx2(job) },
        // SAFETY: as above.
        #[cfg(target_arch = "x86_64")]
        Isa::Avx512 => unsafe { avx512(job) },
        _ => work::<[f32; 8], 2, 2>(job),
    }
}
