//! What is smooth in the energy of two damped charges, as polynomials in the square of the distance.
//!
//! ```text
//! u = 1/r - f r + q(s)        -u'/r = 1/r^3 + f/r + p(s)        s = r^2
//! q = -erf(a r)/r - e         p = -2 q'
//! ```
//!
//! with the e and f of `electrostatics.rs`. There is no root in erf(a r)/r: let M(m, z) be the integral
//! over t from 0 to 1 of t^(2m) exp(-z t^2), whose derivative by z is -M(m + 1, z); then
//!
//! ```text
//! erf(a r)/r = 2a/sqrt(pi) M(0, a^2 s)        p = -4a^3/sqrt(pi) M(1, a^2 s)
//! ```
//!
//! For s from 0 to S let t = 2 s/S - 1 and h = a^2 S/2. The Taylor series about the middle, of M(m, .),
//! is the sum over k of (-h)^k/k! M(m + k, h) t^k. Its magnitudes add up to M(m, 0) = 1/(2m + 1), so
//! nothing cancels. Of 64 terms the last ones are then economized: instead of c t^k stands the
//! polynomial of lower degree that is closest to it, which is off by |c| 2^(1-k).
//!
//! Where a r exceeds 6 nothing is left of erfc(a r) < 3e-17, so S is at most (6/a)^2 and h at most 18.
//!
//! Source of the economization: C. Lanczos, "Applied Analysis" (1956), ch. 7.

use std::f64::consts::FRAC_2_SQRT_PI;

use crate::md::lanes::Lanes;

/// Most terms of a polynomial.
const MOST: usize = 48;

/// Terms of the Taylor series.
const TAYLOR: usize = 64;

/// a r from which on nothing is left.
const FADED: f64 = 6.0;

/// q and p.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Smooth {
    /// Coefficients of q and p, by power of t; zero from `len` on.
    terms: [[f64; 2]; MOST],
    len: usize,
    /// How far q, in 1/angstrom, and p, in 1/angstrom^3, may be off.
    pub(super) off: [f64; 2],
    /// f, in 1/angstrom^2.
    tilt: f64,
    /// The root of S, in angstrom.
    reach: f64,
}

impl Smooth {
    /// No polynomials.
    pub(super) const NOTHING: Self =
        Self { terms: [[0.0; 2]; MOST], len: 0, off: [0.0; 2], tilt: 0.0, reach: 0.0 };

    /// The polynomials for charges that are damped by `alpha`, up to a distance of `cutoff`.
    ///
    /// They have at least `least` terms. No more are economized than keeps each of them within
    /// `tolerance` of its largest value.
    pub(super) fn damped(
        [alpha, energy, force]: [f64; 3],
        cutoff: f64,
        least: usize,
        tolerance: f64,
    ) -> Self {
        let reach = cutoff.min(FADED / alpha);
        let h = 0.5 * (alpha * reach).powi(2);
        let moments = moments(h);
        let scale = -FRAC_2_SQRT_PI * alpha;
        let (mut terms, mut len, mut off) = ([[0.0; 2]; MOST], least, [0.0; 2]);
        for (m, scale) in [scale, 2.0 * alpha * alpha * scale].into_iter().enumerate() {
            let (mut series, mut power) = ([0.0; TAYLOR], scale);
            for (k, term) in series.iter_mut().enumerate() {
                *term = power * moments[m + k];
                power *= -h / (k + 1) as f64;
            }
            // Terms beyond the last one have one sign at t = -1; each is less than h/k times the
            // one before.
            let next = h / TAYLOR as f64;
            let beyond = series[TAYLOR - 1].abs() * next / (1.0 - next);
            let largest = scale.abs() / (2 * m + 1) as f64;
            let (kept, by) = economized(&mut series, least, tolerance * largest - beyond);
            assert!(kept <= MOST, "{kept} terms");
            for (to, term) in terms.iter_mut().zip(&series[..kept]) {
                to[m] = *term;
            }
            (len, off[m]) = (len.max(kept), beyond + by);
        }
        terms[0][0] -= energy;
        Self { terms, len, off, tilt: force, reach }
    }
}

/// M(0, z), M(1, z) and so on, for z up to 18.
///
/// By parts, (2m + 1) M(m, z) = exp(-z) + 2 z M(m + 1, z). Downwards this forgets where it started.
fn moments(z: f64) -> [f64; TAYLOR + 1] {
    let (mut all, mut above, end) = ([0.0; TAYLOR + 1], 0.0, (-z).exp());
    for m in (0..4 * TAYLOR).rev() {
        above = (end + 2.0 * z * above) / (2 * m + 1) as f64;
        if let Some(to) = all.get_mut(m) {
            *to = above;
        }
    }
    all
}

/// Replaces terms from the last one down while the sum of what they are off stays within `most`.
/// Returns how many are left, at least `least`, and that sum.
///
/// A Chebyshev polynomial, of magnitudes up to 1, is 2^(k-1) (t^k - rest): c t^k becomes c rest.
fn economized(series: &mut [f64; TAYLOR], least: usize, most: f64) -> (usize, f64) {
    let mut off = 0.0;
    for k in (least..TAYLOR).rev() {
        let c = series[k];
        let more = off + 2.0 * c.abs() * (-(k as f64)).exp2();
        if more > most {
            return (k + 1, off);
        }
        (off, series[k]) = (more, 0.0);
        let mut term = c;
        for j in 1..=k / 2 {
            let n = (k - 2 * j) as f64;
            term *= -(n + 2.0) * (n + 1.0) / (4.0 * j as f64 * (k - j) as f64);
            series[k - 2 * j] -= term;
        }
    }
    (least, off)
}

/// u(r) and its derivative, in registers.
pub(super) trait Law<V>: Copy {
    /// u and -u'/r of pairs whose distances have these squares and inverses.
    fn at<const R: usize>(&self, s: [V; R], inverse: [V; R]) -> [[V; R]; 2];
}

/// Two charges in a dielectric: u = 1/r + k r^2 - c.
#[derive(Clone, Copy)]
pub(super) struct InField<V> {
    k: V,
    c: V,
    twice: V,
}

impl<V: Lanes> InField<V> {
    #[inline(always)]
    pub(super) fn new(k: f64, c: f64) -> Self {
        Self { k: V::splat(k), c: V::splat(-c), twice: V::splat(-2.0 * k) }
    }
}

impl<V: Lanes> Law<V> for InField<V> {
    #[inline(always)]
    fn at<const R: usize>(&self, s: [V; R], inverse: [V; R]) -> [[V; R]; 2] {
        let (mut u, mut pull) = (s, s);
        for r in 0..R {
            let y = inverse[r];
            u[r] = self.k.mul_add(s[r], self.c).plus(y);
            pull[r] = y.times(y).mul_add(y, self.twice);
        }
        [u, pull]
    }
}

/// Two damped charges, by the first `N` terms of polynomials and, if there are any, by more of them.
#[derive(Clone, Copy)]
pub(super) struct Damped<'a, V, const N: usize> {
    first: [[V; 2]; N],
    more: &'a [[f64; 2]],
    scale: V,
    tilt: V,
    reach2: V,
}

impl<'a, V: Lanes, const N: usize> Damped<'a, V, N> {
    /// The polynomials `smooth`, which have at least `N` terms.
    #[inline(always)]
    pub(super) fn new(smooth: &'a Smooth) -> Self {
        let (first, more) = smooth.terms[..smooth.len].split_at(N);
        let mut own = [[V::splat(0.0); 2]; N];
        for k in 0..N {
            own[k] = [V::splat(first[k][0]), V::splat(first[k][1])];
        }
        let reach2 = smooth.reach * smooth.reach;
        let (scale, tilt) = (V::splat(2.0 / reach2), V::splat(smooth.tilt));
        Self { first: own, more, scale, tilt, reach2: V::splat(reach2) }
    }

    /// By Horner's rule: the sums so far times t, plus the next coefficients.
    #[inline(always)]
    fn add<const R: usize>([q, p]: &mut [[V; R]; 2], t: &[V; R], term: [V; 2]) {
        for r in 0..R {
            q[r] = q[r].mul_add(t[r], term[0]);
            p[r] = p[r].mul_add(t[r], term[1]);
        }
    }
}

impl<V: Lanes, const N: usize> Law<V> for Damped<'_, V, N> {
    #[inline(always)]
    fn at<const R: usize>(&self, s: [V; R], inverse: [V; R]) -> [[V; R]; 2] {
        let one = V::splat(1.0);
        let mut t = s;
        for r in 0..R {
            t[r] = s[r].mul_add(self.scale, V::splat(-1.0));
        }
        let [q, p] = self.first[N - 1];
        let mut sums = [[q; R], [p; R]];
        if !self.more.is_empty() {
            for r in 0..R {
                t[r] = t[r].min(one);
            }
            sums = [[V::splat(0.0); R]; 2];
            for term in self.more.iter().rev() {
                Self::add(&mut sums, &t, [V::splat(term[0]), V::splat(term[1])]);
            }
            Self::add(&mut sums, &t, self.first[N - 1]);
        }
        for k in (0..N - 1).rev() {
            Self::add(&mut sums, &t, self.first[k]);
        }
        let [mut u, mut pull] = sums;
        for r in 0..R {
            let y = inverse[r];
            u[r] = s[r].mul_sub_from(self.tilt, one).mul_add(y, u[r]);
            pull[r] = y.times(y).plus(self.tilt).mul_add(y, pull[r]);
        }
        if !self.more.is_empty() {
            for r in 0..R {
                let charged = s[r].below(self.reach2);
                (u[r], pull[r]) = (u[r].keep(charged), pull[r].keep(charged));
            }
        }
        [u, pull]
    }
}

#[cfg(test)]
mod tests {
    use super::super::electrostatics::{Coulomb, Electrostatics};
    use super::super::{NARROW, WIDE};
    use super::*;
    use crate::md::potentials::erfc::erfc;

    fn smooth(alpha: f64, cutoff: f64, (least, tolerance): (usize, f64)) -> Smooth {
        Electrostatics::DampedShifted { alpha }.coulomb(cutoff).smooth(cutoff, least, tolerance)
    }

    #[test]
    fn moments_are_those_of_their_integrals() {
        for z in [0.0, 0.3, 1.62, 7.0, 18.0] {
            let found = moments(z);
            for m in [0_u8, 1, 2, 9, 40] {
                // Simpson's rule; at the ends the integrand is 0 or 1 and exp(-z).
                let n = 20_000;
                let f = |k: i32| {
                    let t = f64::from(k) / f64::from(n);
                    t.powi(2 * i32::from(m)) * (-z * t * t).exp()
                };
                let inner: f64 = (1..n).map(|k| f(k) * if k % 2 == 1 { 4.0 } else { 2.0 }).sum();
                let want = (f(0) + inner + f(n)) / (3.0 * f64::from(n));
                let got = found[usize::from(m)];
                assert!((got / want - 1.0).abs() < 1e-11, "M({m}, {z}) = {got}, expected {want}");
            }
        }
    }

    /// Against erfc, over a dense grid.
    #[test]
    fn polynomials_are_within_what_they_say_they_are_off() {
        for (alpha, cutoff) in [(0.2, 9.0), (0.2, 12.0), (0.05, 9.0), (0.75, 6.2), (2.0, 9.0)] {
            let wide = smooth(alpha, cutoff, WIDE);
            let u = Electrostatics::DampedShifted { alpha }.coulomb(cutoff);
            let law = Damped::<[f64; 4], { WIDE.0 }>::new(&wide);
            for k in 1..=9000 {
                let r = cutoff * f64::from(k) / 9000.5;
                let [got, pull] = law.at([[r * r; 4]], [[1.0 / r; 4]]).map(|x| x[0][0]);
                let Coulomb::Damped { energy, force, .. } = u else { unreachable!("damped") };
                let (screened, gauss) = erfc(alpha * r);
                let want = screened / r - energy - force * r;
                let slope = -(screened / r + FRAC_2_SQRT_PI * alpha * gauss) / r - force;
                let size = u.size(r);
                let [off, pull_off] = wide.off;
                let rounded = 100.0 * f64::EPSILON;
                let most = off + rounded * size.value;
                assert!((got - want).abs() <= most, "{alpha}: u({r}) = {got:e}, {want:e}");
                let most = pull_off * r + rounded * size.slope;
                assert!((pull * r + slope).abs() <= most, "{alpha}: u'({r}) = {slope:e}");
            }
        }
    }

    #[test]
    fn as_many_terms_are_kept_as_are_needed() {
        let terms = |alpha, cutoff, form| smooth(alpha, cutoff, form).len;
        assert_eq!(terms(0.2, 9.0, WIDE), 14, "water");
        assert_eq!(terms(0.2, 9.0, NARROW), 9, "in `f32`");
        assert!((16..20).contains(&terms(0.2, 12.0, WIDE)), "a longer cutoff");
        // The worst there is; a larger alpha has a shorter reach.
        let worst = smooth(0.7, 9.0, WIDE);
        assert!(worst.len > 30 && worst.len <= MOST, "{} terms", worst.len);
        let beyond = smooth(3.0, 9.0, WIDE);
        assert_eq!((beyond.len, beyond.reach), (worst.len, 2.0), "beyond");
    }
}
