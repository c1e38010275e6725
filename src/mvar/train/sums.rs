//! Sums of products over all windows, by vector units.
//!
//! Of blocks of equal m only the first is summed over the whole run, as outer products of a state and
//! the states that follow it:
//!
//! ```text
//! sums[m d + r][c] = sum over i = 0..n of y[i + m][r] y[i][c]
//! ```
//!
//! A tile of these sums stays in registers while the kernel walks over some rows, which stay in the
//! first cache: a row is loaded once for the whole tile.

use crate::machine::isa::Isa;
use crate::mvar::packed::lanes::{Lanes, Real};

/// How far a kernel reads past the last row, in numbers.
const PAD: usize = 32;

/// What a pass over rows keeps in the first cache, in numbers.
const PASS_LEN: usize = 2048;

/// Sums over the windows of runs that are shifted.
#[derive(Debug, Clone)]
pub(super) struct Sums {
    isa: Isa,
    p: usize,
    d: usize,
    /// Numbers of a window with the state after it.
    size: usize,
    /// Length of a padded row of `sums`.
    width: usize,
    sums: Vec<f64>,
    /// How many windows a pass has at most.
    most: usize,
    /// The shifted rows of a pass, padded.
    rows: Vec<f64>,
    /// The shifted first `p` rows of a run, and its last.
    ends: [Vec<f64>; 2],
    /// Sums of the states at the first place; at the others, what they have more than at the one
    /// before. [`Sums::finish`] makes them the means.
    means: Vec<f64>,
    /// Upper blocks (a, b), a > 0: what they have more than (a - 1, b - 1). [`Sums::finish`] makes
    /// them the products about the means.
    products: Vec<f64>,
}

impl Sums {
    pub(super) fn new(p: usize, d: usize, isa: Isa) -> Self {
        assert!(isa.is_available(), "this processor has no {}", isa.name());
        let (size, width) = ((p + 1) * d, d.next_multiple_of(8));
        let most = (PASS_LEN / d).clamp(32, 128);
        Self {
            isa,
            p,
            d,
            size,
            width,
            sums: vec![0.0; size.next_multiple_of(8) * width],
            most,
            rows: vec![0.0; (most + p) * d + PAD],
            ends: [vec![0.0; p * d], vec![0.0; p * d]],
            means: vec![0.0; size],
            products: vec![0.0; size * size],
        }
    }

    /// Forgets all runs.
    pub(super) fn clear(&mut self) {
        for sums in [&mut self.sums, &mut self.means, &mut self.products] {
            sums.fill(0.0);
        }
    }

    /// Adds a run of more than p states, from which `shift` is taken.
    pub(super) fn add(&mut self, run: &[f64], shift: &[f64]) {
        match self.isa {
            #[cfg(target_arch = "x86_64")]
            // SAFETY: this processor has it, see `new`.
            Isa::Avx512 => unsafe { add_avx512(self, run, shift) },
            #[cfg(target_arch = "x86_64")]
            // SAFETY: as above.
            Isa::Avx2 => unsafe { add_avx2(self, run, shift) },
            _ => add::<<f64 as Real>::Portable, 4>(self, run, shift),
        }
    }

    /// Turns the sums over `windows` windows into their means, and the products about these.
    pub(super) fn finish(&mut self, windows: usize) {
        #[expect(clippy::cast_precision_loss, reason = "counts are far below 2^53")]
        let windows = windows as f64;
        let (d, size) = (self.d, self.size);
        for i in d..size {
            self.means[i] += self.means[i - d];
        }
        self.means.iter_mut().for_each(|mean| *mean /= windows);
        for i in 0..size {
            let (before, from) = self.products.split_at_mut(i * size);
            if let Some(before) = i.checked_sub(d).map(|i| &before[i * size..]) {
                for j in i / d * d..size {
                    from[j] += before[j - d];
                }
            } else {
                for j in 0..size {
                    from[j] = self.sums[j * self.width + i];
                }
            }
        }
        for (i, row) in self.products.chunks_exact_mut(size).enumerate() {
            for j in i / d * d..size {
                row[j] -= windows * self.means[i] * self.means[j];
            }
        }
        for i in d..size {
            for j in 0..i / d * d {
                self.products[i * size + j] = self.products[j * size + i];
            }
        }
    }

    /// Means of the shifted windows with the states after them.
    pub(super) fn means(&self) -> &[f64] {
        &self.means
    }

    /// Products about the means: rows of a square matrix.
    pub(super) fn products(&self) -> &[f64] {
        &self.products
    }
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx2,fma")]
fn add_avx512(sums: &mut Sums, run: &[f64], shift: &[f64]) {
    add::<<f64 as Real>::Avx512, 8>(sums, run, shift);
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,fma")]
fn add_avx2(sums: &mut Sums, run: &[f64], shift: &[f64]) {
    add::<<f64 as Real>::Avx2, 4>(sums, run, shift);
}

#[inline(always)]
fn add<V: Lanes<Real = f64>, const R: usize>(sums: &mut Sums, run: &[f64], shift: &[f64]) {
    let (p, d) = (sums.p, sums.d);
    let n = run.len() / d - p;
    for first in (0..n).step_by(sums.most) {
        let now = sums.most.min(n - first);
        less(&run[first * d..][..(now + p) * d], shift, &mut sums.rows);
        let (rows, totals) = (&sums.rows[..now * d], &mut sums.means[..d]);
        for row in rows.chunks_exact(d) {
            for j in 0..d {
                totals[j] += row[j];
            }
        }
        tiles::<V, R>(sums, now);
    }
    less(&run[..p * d], shift, &mut sums.ends[0]);
    less(&run[n * d..], shift, &mut sums.ends[1]);
    let [head, tail] = &sums.ends;
    for at in 0..p * d {
        sums.means[d + at] += tail[at] - head[at];
        // Row `at` of the places after the first, from the start of its own block on.
        let block = at / d * d;
        let row = &mut sums.products[(d + at) * sums.size + d + block..][..p * d - block];
        let (entering, leaving) = (&tail[block..][..row.len()], &head[block..][..row.len()]);
        for j in 0..row.len() {
            row[j] += tail[at] * entering[j] - head[at] * leaving[j];
        }
    }
}

/// Puts rows less `shift` at the start of `to`.
#[inline(always)]
fn less(rows: &[f64], shift: &[f64], to: &mut [f64]) {
    let d = shift.len();
    for (row, to) in rows.chunks_exact(d).zip(to.chunks_exact_mut(d)) {
        for j in 0..d {
            to[j] = row[j] - shift[j];
        }
    }
}

/// Adds the first `n` windows of the pass: R rows of sums at a time, in up to three registers of
/// columns, of which the last may be half as wide.
#[inline(always)]
fn tiles<V: Lanes<Real = f64>, const R: usize>(sums: &mut Sums, n: usize) {
    let (rest, half) = (sums.d % V::LEN, V::Half::LEN);
    let tail = half < V::LEN && (1..=half).contains(&rest);
    let all = sums.d.div_ceil(V::LEN);
    for r in (0..sums.size).step_by(R) {
        let mut column = 0;
        while column < all {
            let left = all - column;
            let now = left.div_ceil(left.div_ceil(3));
            let at = (r, column * V::LEN);
            match (now, tail && now == left) {
                (1, false) => tile::<V, R, 1, false>(sums, n, at),
                (2, false) => tile::<V, R, 2, false>(sums, n, at),
                (_, false) => tile::<V, R, 3, false>(sums, n, at),
                (1, true) => tile::<V, R, 0, true>(sums, n, at),
                (2, true) => tile::<V, R, 1, true>(sums, n, at),
                (_, true) => tile::<V, R, 2, true>(sums, n, at),
            }
            column += now;
        }
    }
}

/// Adds `n` windows to R rows and G registers of columns of the sums from `at` on, and to half a
/// register if `TAIL`.
#[inline(always)]
fn tile<V: Lanes<Real = f64>, const R: usize, const G: usize, const TAIL: bool>(
    sums: &mut Sums,
    n: usize,
    at: (usize, usize),
) {
    let len = G * V::LEN + if TAIL { V::Half::LEN } else { 0 };
    let (mut wide, mut half) = ([[V::splat(0.0); G]; R], [V::Half::splat(0.0); R]);
    for r in 0..R {
        let row = &sums.sums[(at.0 + r) * sums.width + at.1..][..len];
        for g in 0..G {
            wide[r][g] = V::load(&V::arrays(row)[g]);
        }
        if TAIL {
            half[r] = V::Half::load(&V::Half::arrays(&row[G * V::LEN..])[0]);
        }
    }
    for i in 0..n {
        let row = &sums.rows[i * sums.d..];
        let (state, later) = (&row[at.1..][..len], &row[at.0..][..R]);
        let mut lanes = [V::splat(0.0); G];
        for g in 0..G {
            lanes[g] = V::load(&V::arrays(state)[g]);
        }
        let mut last = V::Half::splat(0.0);
        if TAIL {
            last = V::Half::load(&V::Half::arrays(&state[G * V::LEN..])[0]);
        }
        for r in 0..R {
            let factor = V::splat(later[r]);
            for g in 0..G {
                wide[r][g] = lanes[g].mul_add(factor, wide[r][g]);
            }
            if TAIL {
                half[r] = last.mul_add(V::Half::splat(later[r]), half[r]);
            }
        }
    }
    for r in 0..R {
        let row = &mut sums.sums[(at.0 + r) * sums.width + at.1..][..len];
        let (whole, rest) = row.split_at_mut(G * V::LEN);
        for g in 0..G {
            wide[r][g].store(&mut V::arrays_mut(whole)[g]);
        }
        if TAIL {
            half[r].store(&mut V::Half::arrays_mut(rest)[0]);
        }
    }
}
