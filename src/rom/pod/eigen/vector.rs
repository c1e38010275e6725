//! Sums of vectors, arranged for the compiler to use vector units.
//!
//! With `FUSED`, a product is fused with the sum that it enters, for callers that have such instructions.

/// Partial sums of a product.
pub(super) const LANES: usize = 8;

/// Calls `$plain::<FUSED>` with what an instruction set has.
macro_rules! dispatch {
    ($(#[$note:meta])* $visible:vis fn $name:ident = $plain:ident($($x:ident: $type:ty),*) $(-> $to:ty)?) => {
        $(#[$note])*
        $visible fn $name(isa: $crate::machine::isa::Isa, $($x: $type),*) $(-> $to)? {
            use $crate::machine::isa::Isa;

            #[cfg(target_arch = "x86_64")]
            #[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx2,fma")]
            fn avx512($($x: $type),*) $(-> $to)? {
                $plain::<true>($($x),*)
            }

            #[cfg(target_arch = "x86_64")]
            #[target_feature(enable = "avx2,fma")]
            fn avx2($($x: $type),*) $(-> $to)? {
                $plain::<true>($($x),*)
            }

            assert!(isa.is_available(), "this processor has no {}", isa.name());
            match isa {
                #[cfg(target_arch = "x86_64")]
                // SAFETY: this processor has it, see above.
                Isa::Avx512 => unsafe { avx512($($x),*) },
                #[cfg(target_arch = "x86_64")]
                // SAFETY: as above.
                Isa::Avx2 => unsafe { avx2($($x),*) },
                _ => $plain::<false>($($x),*),
            }
        }
    };
}
pub(super) use dispatch;

/// a b + c.
#[inline(always)]
pub(super) fn fused<const FUSED: bool>(a: f64, b: f64, c: f64) -> f64 {
    if FUSED { a.mul_add(b, c) } else { a * b + c }
}

/// Adds a multiple of a vector.
#[inline(always)]
pub(super) fn add<const FUSED: bool>(to: &mut [f64], factor: f64, x: &[f64]) {
    to.iter_mut().zip(x).for_each(|(to, x)| *to = fused::<FUSED>(factor, *x, *to));
}

/// The product of two vectors of one length.
#[inline(always)]
pub(super) fn dot<const FUSED: bool>(a: &[f64], b: &[f64]) -> f64 {
    // Four of each, since a sum waits for the one before it.
    let mut sums = [[0.0; LANES]; 4];
    let (a_whole, a_rest) = a.as_chunks::<LANES>();
    let (b_whole, b_rest) = b.as_chunks::<LANES>();
    let (a_fours, a_whole) = a_whole.as_chunks::<4>();
    let (b_fours, b_whole) = b_whole.as_chunks::<4>();
    for (a, b) in a_fours.iter().zip(b_fours) {
        for k in 0..4 {
            for l in 0..LANES {
                sums[k][l] = fused::<FUSED>(a[k][l], b[k][l], sums[k][l]);
            }
        }
    }
    for (k, (a, b)) in a_whole.iter().zip(b_whole).enumerate() {
        for l in 0..LANES {
            sums[k][l] = fused::<FUSED>(a[l], b[l], sums[k][l]);
        }
    }
    let rest: f64 = a_rest.iter().zip(b_rest).map(|(a, b)| a * b).sum();
    let mut lanes = [0.0; LANES];
    for l in 0..LANES {
        lanes[l] = (sums[0][l] + sums[1][l]) + (sums[2][l] + sums[3][l]);
    }
    rest + sum(&lanes)
}

/// By halves.
#[inline(always)]
pub(super) fn sum(x: &[f64; LANES]) -> f64 {
    let [a, b, c, d] = [x[0] + x[4], x[1] + x[5], x[2] + x[6], x[3] + x[7]];
    (a + c) + (b + d)
}

/// Reflects `x` onto its number `at`: returns what that becomes, and tau, with v in `x`, which is 1 at `at`.
/// The other numbers become 0. With tau = 0 nothing is reflected, and v is 0.
///
/// The reflection is I - tau v v^T. Squares of the numbers must be in the range of `f64`; numbers of which
/// they are below it count as 0.
#[inline(always)]
pub(super) fn reflection<const FUSED: bool>(x: &mut [f64], at: usize) -> (f64, f64) {
    let first = x[at];
    x[at] = 0.0;
    let squares = dot::<FUSED>(x, x);
    if squares == 0.0 {
        x.fill(0.0);
        return (first, 0.0);
    }
    let norm = fused::<FUSED>(first, first, squares).sqrt();
    let beta = if first > 0.0 { -norm } else { norm };
    let scale = 1.0 / (first - beta);
    x.iter_mut().for_each(|x| *x *= scale);
    x[at] = 1.0;
    (beta, (beta - first) / beta)
}

dispatch! {
    /// Reflects a row onto its last number, and the rows before it, which have the same `width`, by the
    /// same: see [`reflection`].
    pub(super) fn reflect_rows = reflect_rows_plain(
        before: &mut [f64], width: usize, row: &mut [f64]
    ) -> (f64, f64)
}

#[inline(always)]
fn reflect_rows_plain<const FUSED: bool>(
    before: &mut [f64],
    width: usize,
    row: &mut [f64],
) -> (f64, f64) {
    let (beta, tau) = reflection::<FUSED>(row, row.len() - 1);
    if tau != 0.0 {
        for other in before.chunks_exact_mut(width) {
            let other = &mut other[..row.len()];
            let part = dot::<FUSED>(other, row);
            add::<FUSED>(other, -tau * part, row);
        }
    }
    (beta, tau)
}

dispatch! {
    /// Takes the part along a vector of norm 1 off another.
    pub(super) fn take_off = take_off_plain(x: &mut [f64], along: &[f64])
}

#[inline(always)]
fn take_off_plain<const FUSED: bool>(x: &mut [f64], along: &[f64]) {
    let part = dot::<FUSED>(x, along);
    add::<FUSED>(x, -part, along);
}
