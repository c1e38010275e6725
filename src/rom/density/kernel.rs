//! Sums of rows of numbers by vector units.
//!
//! Each number of the result is summed in the same order by all of them, without fused operations.

use crate::machine::isa::Isa;

pub(super) use crate::rom::swarm::lanes::LANES;
use crate::rom::swarm::lanes::Lanes;

/// Rows of whole registers, and what their sums are multiplied by.
#[derive(Debug, Clone, Copy)]
pub(super) struct Rows<'r> {
    pub(super) numbers: &'r [f64],
    pub(super) stride: usize,
    pub(super) scale: f64,
}

/// Adds one row to another.
pub(super) fn add(isa: Isa, to: &mut [f64], by: &[f64]) {
    match isa {
        #[cfg(target_arch = "x86_64")]
        // SAFETY: whoever chose the instruction set has found that the processor has it.
        Isa::Avx512 => unsafe { add_avx512(to, by) },
        #[cfg(target_arch = "x86_64")]
        // SAFETY: as above.
        Isa::Avx2 => unsafe { add_avx2(to, by) },
        _ => add_body::<[f64; LANES]>(to, by),
    }
}

/// Leaves the sum of rows by their numbers and weights, times the scale.
pub(super) fn sum(isa: Isa, rows: &Rows<'_>, weighted: (&[u32], &[f64]), into: &mut [f64]) {
    match isa {
        #[cfg(target_arch = "x86_64")]
        // SAFETY: whoever chose the instruction set has found that the processor has it.
        Isa::Avx512 => unsafe { sum_avx512(rows, weighted, into) },
        #[cfg(target_arch = "x86_64")]
        // SAFETY: as above.
        Isa::Avx2 => unsafe { sum_avx2(rows, weighted, into) },
        _ => sum_body::<[f64; LANES]>(rows, weighted, into),
    }
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl")]
fn add_avx512(to: &mut [f64], by: &[f64]) {
    add_body::<[std::arch::x86_64::__m512d; 1]>(to, by);
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2")]
fn add_avx2(to: &mut [f64], by: &[f64]) {
    add_body::<[std::arch::x86_64::__m256d; 2]>(to, by);
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl")]
fn sum_avx512(rows: &Rows<'_>, weighted: (&[u32], &[f64]), into: &mut [f64]) {
    sum_body::<[std::arch::x86_64::__m512d; 1]>(rows, weighted, into);
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2")]
fn sum_avx2(rows: &Rows<'_>, weighted: (&[u32], &[f64]), into: &mut [f64]) {
    sum_body::<[std::arch::x86_64::__m256d; 2]>(rows, weighted, into);
}

#[inline(always)]
fn add_body<V: Lanes>(to: &mut [f64], by: &[f64]) {
    let (to, by) = (to.as_chunks_mut::<LANES>().0, by.as_chunks::<LANES>().0);
    for (to, by) in to.iter_mut().zip(by) {
        V::load(to).plus(V::load(by)).store(to);
    }
}

#[inline(always)]
fn sum_body<V: Lanes>(rows: &Rows<'_>, weighted: (&[u32], &[f64]), into: &mut [f64]) {
    let mut start = 0;
    while start < into.len() {
        if rows.stride - start >= 8 * LANES {
            block::<V, 8>(rows, weighted, start, into);
            start += 8 * LANES;
        } else {
            block::<V, 1>(rows, weighted, start, into);
            start += LANES;
        }
    }
}

/// The sums of `B` registers from column `start` on, or of those columns that there are.
#[inline(always)]
fn block<V: Lanes, const B: usize>(
    rows: &Rows<'_>,
    (from, weights): (&[u32], &[f64]),
    start: usize,
    into: &mut [f64],
) {
    let mut sums = [V::splat(0.0); B];
    for (row, w) in from.iter().zip(weights) {
        let row = &rows.numbers[*row as usize * rows.stride + start..][..B * LANES];
        let (row, w) = (row.as_chunks::<LANES>().0, V::splat(*w));
        for b in 0..B {
            sums[b] = sums[b].plus(w.times(V::load(&row[b])));
        }
    }
    let (mut numbers, scale) = ([0.0; LANES], V::splat(rows.scale));
    for b in 0..B {
        let rest = into.get_mut(start + b * LANES..).unwrap_or_default();
        if let Some(to) = rest.first_chunk_mut() {
            sums[b].times(scale).store(to);
        } else {
            sums[b].times(scale).store(&mut numbers);
            rest.copy_from_slice(&numbers[..rest.len()]);
        }
    }
}
