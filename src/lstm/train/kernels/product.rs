//! Products in f32.
//!
//! A tile of the product, some rows by some registers, stays in registers while k runs: each step
//! loads a row of the panel, and multiplies it by one number of each row of the left factor. k is
//! cut into blocks of 128, so that their part of a panel stays in the first cache; into blocks of
//! 256 where the left factor is read down its columns, as it is where the product is large and k
//! counts samples: each block loads and stores all of the product.

use super::Panels;
use crate::lstm::lanes::Lanes;
use crate::machine::aligned::Aligned;

/// Numbers of the widest tile: four registers of sixteen.
const WIDEST: usize = 64;

/// Registers of the panel that starts at column `first`: 2 where the columns left fit.
#[inline(always)]
fn registers<V: Lanes, const W: usize>(first: usize, n: usize) -> usize {
    if n - first <= 2 * V::LEN { 2 } else { W }
}

/// See `Job::Pack`.
#[inline(always)]
pub(super) fn pack<V: Lanes, const W: usize>(
    of: &[f32],
    rows: usize,
    turned: bool,
    to: &mut Panels<f32>,
) {
    let columns = of.len() / rows;
    (to.k, to.n) = if turned { (columns, rows) } else { (rows, columns) };
    let (k, n) = (to.k, to.n);
    let padded = (n.div_ceil(V::LEN) + W) * V::LEN;
    if to.values.len() < k * padded {
        to.values = Aligned::zeros(k * padded);
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
        let mut weights = [V::splat(0.0); W];
        for j in 0..W {
            weights[j] = V::load(&panel[t][j]);
        }
        // A number at a time: those of all rows would not fit into registers beside the sums.
        for r in 0..N {
            let x = V::splat(x[r]);
            for j in 0..W {
                sums[r][j] = weights[j].mul_add(x, sums[r][j]);
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
    let cut = if TURNED { 256 } else { 128 };
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
pub(super) fn product<V: Lanes, const TURNED: bool, const M: usize, const W: usize>(
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
