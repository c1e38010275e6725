//! The sums of a step by cells and vector units.
//!
//! Each pair is met once, by the particle that comes first in the order of cells, eight others at
//! a time. One body is compiled for each instruction set. It has neither fused operations nor sums
//! whose order depends on the registers, so all instruction sets leave the same bits.
//!
//! exp(x) = 2^n exp(r) with n = round(x / ln 2) and |r| <= ln(2)/2, where ln 2 is split in two so that
//! r is exact to eps/2, and exp(r) is its Taylor polynomial of degree 13, short by less than 5e-18:
//! a relative error under 2 eps (W. J. Cody, W. Waite, "Software Manual for the Elementary
//! Functions", 1980, ch. 6). Arguments below -700 are moved there.

use super::lanes::{LANES, Lanes};
use super::sorted::{MOST_RANGES, Sorted};
use super::sums::{LEAST, SAME};
use super::{Domain, Morse};
use crate::machine::isa::Isa;

/// Sums in the order of cells, x and y apart, with [`LANES`] more numbers.
#[derive(Debug, Clone)]
pub(super) struct Room {
    pub(super) headings: [Vec<f64>; 2],
    pub(super) forces: [Vec<f64>; 2],
}

impl Room {
    pub(super) fn new(n: usize) -> Self {
        let numbers = || [vec![0.0; n + LANES], vec![0.0; n + LANES]];
        Self { headings: numbers(), forces: numbers() }
    }
}

/// What a pass over all pairs needs to know.
#[derive(Debug, Clone, Copy)]
pub(super) struct Pass {
    periods: [f64; 2],
    /// The square of the radius of alignment; negative if headings are not wanted.
    radius: f64,
    /// The square of the cutoff; negative if there are no forces.
    cutoff: f64,
    /// Strengths and inverse lengths of repulsion and attraction.
    slopes: [f64; 2],
    rates: [f64; 2],
}

impl Pass {
    pub(super) fn new(domain: &Domain, radius: Option<f64>, morse: Option<&Morse>) -> Self {
        let lengths = |m: &Morse| [1.0 / m.repulsion_length, 1.0 / m.attraction_length];
        Self {
            periods: domain.periods(),
            radius: radius.map_or(-1.0, |r| r * r),
            cutoff: morse.map_or(-1.0, |m| m.cutoff * m.cutoff),
            slopes: morse.map_or([0.0; 2], Morse::slopes),
            rates: morse.map_or([1.0; 2], lengths),
        }
    }

    /// Leaves the sums over all neighbours in `room`; those of headings include a particle's own.
    ///
    /// # Panics
    ///
    /// If the processor lacks `isa`.
    pub(super) fn run(&self, isa: Isa, sorted: &Sorted, room: &mut Room) {
        assert!(isa.is_available(), "this processor has no {}", isa.name());
        match isa {
            #[cfg(target_arch = "x86_64")]
            // SAFETY: the processor has the instructions, as just checked.
            Isa::Avx512 => unsafe { avx512(self, sorted, room) },
            #[cfg(target_arch = "x86_64")]
            // SAFETY: as above.
            Isa::Avx2 => unsafe { avx2(self, sorted, room) },
            _ => body::<[f64; LANES]>(self, sorted, room),
        }
    }
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl")]
fn avx512(pass: &Pass, sorted: &Sorted, room: &mut Room) {
    body::<[std::arch::x86_64::__m512d; 1]>(pass, sorted, room);
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2")]
fn avx2(pass: &Pass, sorted: &Sorted, room: &mut Room) {
    body::<[std::arch::x86_64::__m256d; 2]>(pass, sorted, room);
}

#[inline(always)]
fn body<V: Lanes>(pass: &Pass, sorted: &Sorted, room: &mut Room) {
    let n = sorted.order.len();
    for a in 0..2 {
        room.headings[a][..n].copy_from_slice(&sorted.headings[a][..n]);
        room.forces[a][..n].fill(0.0);
    }
    let mut ranges = [(0, 0); MOST_RANGES];
    for cell in 0..sorted.cells() {
        let (from, to) = sorted.of(cell);
        if from == to {
            continue;
        }
        let count = sorted.near(cell, &mut ranges);
        for i in from..to {
            one::<V>(pass, sorted, room, i, &ranges[..count]);
        }
    }
}

/// The pairs of a particle with all that stand behind it in these ranges.
#[inline(always)]
fn one<V: Lanes>(
    pass: &Pass,
    sorted: &Sorted,
    room: &mut Room,
    i: usize,
    ranges: &[(usize, usize)],
) {
    let at = [V::splat(sorted.x[0][i]), V::splat(sorted.x[1][i])];
    let own = [V::splat(sorted.headings[0][i]), V::splat(sorted.headings[1][i])];
    let (radius, cutoff) = (V::splat(pass.radius), V::splat(pass.cutoff));
    let mut headings = [V::splat(0.0); 2];
    let mut forces = [V::splat(0.0); 2];
    for &(from, to) in ranges {
        let mut j = from.max(i + 1);
        while j < to {
            let d = [
                nearest(V::load(lanes(&sorted.x[0], j)).minus(at[0]), pass.periods[0]),
                nearest(V::load(lanes(&sorted.x[1], j)).minus(at[1]), pass.periods[1]),
            ];
            let mut squares = d[0].times(d[0]).plus(d[1].times(d[1]));
            if to - j < LANES {
                squares = squares.plus(V::load(lanes(&BEHIND, LANES - (to - j))));
            }
            let near = squares.within(radius);
            if V::any(near) {
                for a in 0..2 {
                    let there = V::load(lanes(&sorted.headings[a], j));
                    headings[a] = headings[a].plus(there.only(near));
                    add(lanes_mut(&mut room.headings[a], j), own[a].only(near));
                }
            }
            if V::any(squares.within(cutoff)) {
                let scales = scales(pass, squares);
                for a in 0..2 {
                    let force = scales.times(d[a]);
                    forces[a] = forces[a].minus(force);
                    add(lanes_mut(&mut room.forces[a], j), force);
                }
            }
            j += LANES;
        }
    }
    for a in 0..2 {
        room.headings[a][i] += headings[a].sum();
        room.forces[a][i] += forces[a].sum();
    }
}

/// From `LANES - k` on, what moves all lanes but the first k out of reach.
const BEHIND: [f64; 2 * LANES] = {
    let mut numbers = [0.0; 2 * LANES];
    let mut k = LANES;
    while k < numbers.len() {
        numbers[k] = f64::INFINITY;
        k += 1;
    }
    numbers
};

/// The components of displacements by one period nearer, where they are longer than half of it.
#[inline(always)]
fn nearest<V: Lanes>(d: V, period: f64) -> V {
    let (half, period) = (0.5 * period, V::splat(period));
    let (above, below) = (V::splat(half).less(d), d.less(V::splat(-half)));
    d.minus(period.only(above)).plus(period.only(below))
}

/// What a displacement is multiplied by to give the force on the other particle; 0 out of reach.
#[inline(always)]
fn scales<V: Lanes>(pass: &Pass, squares: V) -> V {
    let r = squares.root();
    let s = r.at_least(V::splat(LEAST));
    let repulsion = exp(s.times(V::splat(-pass.rates[0]))).times(V::splat(pass.slopes[0]));
    let attraction = exp(s.times(V::splat(-pass.rates[1]))).times(V::splat(pass.slopes[1]));
    let scales = repulsion.minus(attraction).over(r);
    let apart = V::splat(SAME * SAME).less(squares);
    scales.only(squares.within(V::splat(pass.cutoff))).only(apart)
}

#[inline(always)]
fn add<V: Lanes>(to: &mut [f64; LANES], by: V) {
    V::load(to).plus(by).store(to);
}

#[inline(always)]
fn lanes(numbers: &[f64], at: usize) -> &[f64; LANES] {
    numbers[at..].first_chunk().expect("numbers past the last particle")
}

#[inline(always)]
fn lanes_mut(numbers: &mut [f64], at: usize) -> &mut [f64; LANES] {
    numbers[at..].first_chunk_mut().expect("numbers past the last particle")
}

/// exp(x) for x <= 0.
#[inline(always)]
fn exp<V: Lanes>(x: V) -> V {
    /// Adding it rounds to an integer, which then stands in the low bits: 1.5 * 2^52.
    const ROUND: f64 = 6_755_399_441_055_744.0;
    /// The first 32 bits of ln 2, and the rest.
    const LN2: [f64; 2] = [6.931_471_803_691_238e-1, 1.908_214_929_270_587_7e-10];
    let x = x.at_least(V::splat(-700.0));
    let rounded = x.times(V::splat(std::f64::consts::LOG2_E)).plus(V::splat(ROUND));
    let n = rounded.minus(V::splat(ROUND));
    let r = x.minus(n.times(V::splat(LN2[0]))).minus(n.times(V::splat(LN2[1])));
    let mut p = V::splat(INVERSE_FACTORIALS[13]);
    for term in (0..13).rev() {
        p = p.times(r).plus(V::splat(INVERSE_FACTORIALS[term]));
    }
    p.times(rounded.power())
}

/// 1/k! from k = 0 on.
const INVERSE_FACTORIALS: [f64; 14] = {
    let mut c = [1.0; 14];
    let (mut k, mut factorial) = (1, 1.0);
    while k < c.len() {
        factorial *= k as f64;
        c[k] = 1.0 / factorial;
        k += 1;
    }
    c
};

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exponentials_are_within_two_eps_of_the_library() {
        // The library's own error is under eps.
        for i in 0..200_000_i32 {
            let x = -f64::from(i) * 3.4e-3;
            let (got, want) = (exp([x; LANES])[3], x.exp());
            assert!((got - want).abs() <= 3.0 * f64::EPSILON * want, "exp({x}) = {got:e}");
        }
        assert_eq!(exp([f64::NEG_INFINITY; LANES]), exp([-700.0; LANES]), "the end");
        assert_eq!(exp([0.0; LANES]), [1.0; LANES], "exactly");
    }
}
