//! The inner loops in f32, compiled for each instruction set.

use super::product::{pack, product};
use super::{Job, plain};
use crate::lstm::activation::{GATE_SCALE, power_less_one, power_plus_one};
use crate::lstm::lanes::Lanes;
use crate::machine::isa::Isa;

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
    // Sums of six rows leave no room for weights and numbers: the compiler stores some at each step.
    work::<std::arch::x86_64::__m512, 5, 4>(job);
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
