//! Products of frames and modes by vector units: projection and lifting, four modes at a time.
//!
//! Sums are kept in eight lanes, whatever the instruction set, so that the bits are the same on all. A
//! sum of n products differs from the exact one by at most n epsilon of the sum of the magnitudes.

use ndarray::{ArrayView1, ArrayView2, ArrayViewMut2};

use crate::machine::isa::Isa;

/// Lanes of a sum.
const LANES: usize = 8;

/// Frames and modes that are taken together, so that each is read once for all of the other.
const FRAMES: usize = 2;
const MODES: usize = 4;

/// Puts the products of frames (frames, cells) and modes (modes, cells), less `offset`, into `to`
/// (frames, modes).
///
/// # Panics
///
/// If shapes do not fit, or an array is not in rows.
pub(super) fn project(
    isa: Isa,
    frames: ArrayView2<'_, f64>,
    modes: ArrayView2<'_, f64>,
    offset: &[f64],
    mut to: ArrayViewMut2<'_, f64>,
) {
    assert!(isa.is_available(), "this processor has no {}", isa.name());
    assert_eq!((frames.nrows(), modes.nrows()), to.dim(), "room for the states");
    assert_eq!((frames.ncols(), modes.nrows()), (modes.ncols(), offset.len()), "shapes");
    let sizes = [frames.ncols(), offset.len()];
    let frames = frames.to_slice().expect("in rows");
    let modes = modes.to_slice().expect("in rows");
    let to = to.as_slice_mut().expect("in rows");
    match isa {
        #[cfg(target_arch = "x86_64")]
        // SAFETY: this processor has it, see above.
        Isa::Avx512 => unsafe { project_avx512(frames, modes, sizes, to) },
        #[cfg(target_arch = "x86_64")]
        // SAFETY: as above.
        Isa::Avx2 => unsafe { project_avx2(frames, modes, sizes, to) },
        _ => project_plain(frames, modes, sizes, to),
    }
    for state in to.chunks_exact_mut(offset.len().max(1)) {
        state.iter_mut().zip(offset).for_each(|(to, offset)| *to -= offset);
    }
}

/// Puts `mean` and the modes (modes, cells), times the numbers of each state (frames, modes), into `to`
/// (frames, cells).
///
/// # Panics
///
/// If shapes do not fit, or an array is not in rows.
pub(super) fn lift(
    isa: Isa,
    states: ArrayView2<'_, f64>,
    modes: ArrayView2<'_, f64>,
    mean: ArrayView1<'_, f64>,
    mut to: ArrayViewMut2<'_, f64>,
) {
    assert!(isa.is_available(), "this processor has no {}", isa.name());
    assert_eq!((states.nrows(), modes.ncols()), to.dim(), "room for the frames");
    assert_eq!((states.ncols(), mean.len()), modes.dim(), "shapes");
    let (modes, mean) = (modes.to_slice().expect("in rows"), mean.to_slice().expect("in a row"));
    for (state, mut to) in states.outer_iter().zip(to.outer_iter_mut()) {
        let (state, to) = (state.to_slice().expect("in rows"), to.as_slice_mut().expect("in rows"));
        to.copy_from_slice(mean);
        match isa {
            #[cfg(target_arch = "x86_64")]
            // SAFETY: this processor has it, see above.
            Isa::Avx512 => unsafe { lift_avx512(state, modes, to) },
            #[cfg(target_arch = "x86_64")]
            // SAFETY: as above.
            Isa::Avx2 => unsafe { lift_avx2(state, modes, to) },
            _ => lift_plain(state, modes, to),
        }
    }
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx2,fma")]
fn project_avx512(frames: &[f64], modes: &[f64], sizes: [usize; 2], to: &mut [f64]) {
    project_plain(frames, modes, sizes, to);
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,fma")]
fn project_avx2(frames: &[f64], modes: &[f64], sizes: [usize; 2], to: &mut [f64]) {
    project_plain(frames, modes, sizes, to);
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx2,fma")]
fn lift_avx512(state: &[f64], modes: &[f64], to: &mut [f64]) {
    lift_plain(state, modes, to);
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,fma")]
fn lift_avx2(state: &[f64], modes: &[f64], to: &mut [f64]) {
    lift_plain(state, modes, to);
}

/// By blocks of frames and modes; the modes of a block stay in the nearest caches for all frames.
#[inline(always)]
fn project_plain(frames: &[f64], modes: &[f64], [n, count]: [usize; 2], to: &mut [f64]) {
    let rows = to.len() / count.max(1);
    let mut first = 0;
    while first < count {
        let many = if first + MODES <= count { MODES } else { 1 };
        let block = &modes[first * n..][..many * n];
        let mut row = 0;
        while row < rows {
            let pair = many == MODES && row + FRAMES <= rows;
            let taken = if pair { FRAMES } else { 1 };
            let frame = &frames[row * n..][..taken * n];
            if pair {
                let sums = products::<FRAMES, MODES>(frame, block, n);
                for f in 0..FRAMES {
                    to[(row + f) * count + first..][..MODES].copy_from_slice(&sums[f]);
                }
            } else if many == MODES {
                let sums = products::<1, MODES>(frame, block, n);
                to[row * count + first..][..MODES].copy_from_slice(&sums[0]);
            } else {
                to[row * count + first] = products::<1, 1>(frame, block, n)[0][0];
            }
            row += taken;
        }
        first += many;
    }
}

/// The products of F frames and M modes of `n` numbers.
#[inline(always)]
fn products<const F: usize, const M: usize>(x: &[f64], modes: &[f64], n: usize) -> [[f64; M]; F] {
    let whole = n / LANES * LANES;
    let mut lanes = [[[0.0; LANES]; M]; F];
    let mut at = 0;
    while at < whole {
        for k in 0..M {
            let mode = &modes[k * n + at..][..LANES];
            for f in 0..F {
                let x = &x[f * n + at..][..LANES];
                for l in 0..LANES {
                    lanes[f][k][l] += mode[l] * x[l];
                }
            }
        }
        at += LANES;
    }
    let mut sums = [[0.0; M]; F];
    for f in 0..F {
        for k in 0..M {
            for i in whole..n {
                lanes[f][k][i - whole] += modes[k * n + i] * x[f * n + i];
            }
            for l in 0..LANES {
                sums[f][k] += lanes[f][k][l];
            }
        }
    }
    sums
}

#[inline(always)]
fn lift_plain(state: &[f64], modes: &[f64], to: &mut [f64]) {
    let n = to.len();
    let mut at = 0;
    while at + MODES <= state.len() {
        let f = &state[at..][..MODES];
        let modes = &modes[at * n..][..MODES * n];
        let (a, b) = (&modes[..n], &modes[n..][..n]);
        let (c, d) = (&modes[2 * n..][..n], &modes[3 * n..][..n]);
        for i in 0..n {
            to[i] += (f[0] * a[i] + f[1] * b[i]) + (f[2] * c[i] + f[3] * d[i]);
        }
        at += MODES;
    }
    while at < state.len() {
        let (f, mode) = (state[at], &modes[at * n..][..n]);
        for i in 0..n {
            to[i] += f * mode[i];
        }
        at += 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::input;
    use ndarray::{Array1, Array2};

    fn random(seed: u64, rows: usize, columns: usize) -> Array2<f64> {
        let numbers = input::gaussian(seed, rows * columns, 1.0);
        Array2::from_shape_vec((rows, columns), numbers).unwrap()
    }

    #[test]
    fn all_sizes_are_within_the_bound_and_have_the_bits_of_other_instruction_sets() {
        for (modes, cells) in
            (0..=33).map(|cells| (1 + cells % 6, cells)).chain([(8, 100), (11, 129), (5, 64)])
        {
            let (basis, frames) = (random(1, modes, cells), random(2, 3, cells));
            let (states, mean) =
                (random(3, 3, modes), Array1::from(input::gaussian(4, cells, 1.0)));
            let offset = input::gaussian(5, modes, 1.0);
            let mut first: Option<(Array2<f64>, Array2<f64>)> = None;
            for isa in Isa::available() {
                let mut found = Array2::from_elem((3, modes), f64::NAN);
                project(isa, frames.view(), basis.view(), &offset, found.view_mut());
                let mut lifted = Array2::from_elem((3, cells), f64::NAN);
                lift(isa, states.view(), basis.view(), mean.view(), lifted.view_mut());
                for ((t, k), x) in found.indexed_iter() {
                    let terms = || frames.row(t).into_iter().zip(basis.row(k)).map(|(a, b)| a * b);
                    let want = terms().sum::<f64>() - offset[k];
                    let size = terms().map(f64::abs).sum::<f64>() + offset[k].abs();
                    let bound = 2.0 * (cells + 2) as f64 * f64::EPSILON * size;
                    assert!((x - want).abs() <= bound, "{modes} modes, {cells} cells: {x} {want}");
                }
                for ((t, i), x) in lifted.indexed_iter() {
                    let terms =
                        || states.row(t).into_iter().zip(basis.column(i)).map(|(a, b)| a * b);
                    let want = terms().sum::<f64>() + mean[i];
                    let size = terms().map(f64::abs).sum::<f64>() + mean[i].abs();
                    let bound = 2.0 * (modes + 2) as f64 * f64::EPSILON * size;
                    assert!((x - want).abs() <= bound, "{modes} modes, {cells} cells: {x} {want}");
                }
                let all = (found, lifted);
                assert!(first.as_ref().is_none_or(|first| *first == all), "{}", isa.name());
                first = Some(all);
            }
        }
    }
}
