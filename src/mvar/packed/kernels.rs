//! The kernels: what is done with a group of outputs, for every size of group and instruction set.

use std::ops::Range;

use super::Panels;
use super::group::{Group, Rows, RowsMut};
use super::lanes::{Lanes, Real};
use crate::machine::isa::Isa;

/// States, each of which follows those before it.
pub(super) enum Path<'a, R> {
    /// The state `y` after `x`.
    One { x: &'a [R], y: &'a mut [R] },
    /// The rows of a trajectory.
    All(&'a mut [R]),
}

impl<R> Path<'_, R> {
    /// The state before row `t`, and what starts with that row.
    #[inline(always)]
    fn at(&mut self, t: usize, d: usize) -> (&[R], &mut [R]) {
        match self {
            Self::One { x, y } => (x, y),
            Self::All(x) => {
                let (past, y) = x.split_at_mut(t * d);
                (&past[(t - 1) * d..], y)
            }
        }
    }
}

/// Something to compute.
pub(super) enum Job<'a, R> {
    /// The states that follow the windows (B, p, d) in `x`, to the rows of `y` (B, d).
    Windows { x: &'a [R], y: &'a mut [R] },
    /// The first of two steps after the trajectory `past`, to `y`; the sums of the second one lack it.
    First { past: &'a [R], y: &'a mut [R], sums: &'a mut [R], row: &'a mut [R] },
    /// Some `rows` of a path; those before row p are known. Each state is added to the sums of those after
    /// it, as far as they have it at lag `oldest` or a newer one.
    ///
    /// The rows of `sums` are the newest state, the sums of the p - 1 after it, and the constant; `row` is
    /// scratch space, and padded.
    Steps {
        path: Path<'a, R>,
        rows: Range<usize>,
        sums: &'a mut [R],
        row: &'a mut [R],
        oldest: usize,
    },
    /// Rows of the trajectory `x` from `t` on, if there are few outputs and lags; `t` then is the row
    /// after those.
    Glide { x: &'a mut [R], t: &'a mut usize, sums: &'a mut [R] },
}

impl<R: Real, const G: usize, const TAIL: bool> Group<'_, R, G, TAIL> {
    /// The states that follow S windows, from the one at `at` on.
    #[inline(always)]
    fn side_by_side<V: Lanes<Real = R>, const S: usize>(&self, at: usize, x: &[R], y: &mut [R]) {
        let (inputs, d) = (self.all.inputs(), self.all.d);
        let mut sums = [self.constant::<V>(); S];
        let mut windows = [x; S];
        for s in 0..S {
            windows[s] = &x[(at + s) * inputs..][..inputs];
        }
        Self::windows(self.part(&self.all.weights, inputs), &windows, &mut sums);
        // What a loop that is not unrolled indexes is in memory. Were that `sums`, each addition above
        // would be stored.
        let c = self.part::<V>(&self.all.c, 1);
        let (mut wide, mut tail) = ([c.wide[0]; S], [V::Half::arrays(&self.all.c)[0]; S]);
        let mut done = RowsMut { wide: &mut wide, tail: &mut tail };
        for s in 0..S {
            Self::store(&sums[s], &mut done, s);
        }
        for s in 0..S {
            let sums = Self::load::<V>(&Rows { wide: done.wide, tail: done.tail }, s);
            let y = &mut y[(at + s) * d..];
            // Beyond its end lies the next row, which another group may have written.
            let row = if self.all.is_one_group() { y } else { &mut y[..d] };
            self.store_part(&sums, row);
        }
    }

    /// All windows, S at a time; the last of them again beside those before it.
    #[inline(always)]
    fn batch<V: Lanes<Real = R>, const S: usize>(&self, x: &[R], y: &mut [R]) {
        let n = y.len() / self.all.d;
        if n < S {
            for at in 0..n {
                self.side_by_side::<V, 1>(at, x, y);
            }
            return;
        }
        for at in (0..n).step_by(S) {
            self.side_by_side::<V, S>(at.min(n - S), x, y);
        }
    }

    /// Does its part of a job.
    #[inline(always)]
    fn run<V: Lanes<Real = R>>(&self, job: &mut Job<'_, R>) {
        let Panels { p, d, .. } = *self.all;
        let weights = self.part::<V>(&self.all.weights, p * d);
        match job {
            Job::Windows { x, y } => match const { V::WINDOWS[G + TAIL as usize] } {
                2 => self.batch::<V, 2>(x, y),
                3 => self.batch::<V, 3>(x, y),
                4 => self.batch::<V, 4>(x, y),
                _ => self.batch::<V, 6>(x, y),
            },
            Job::First { past, y, sums, row } => {
                let (window, newest) = past[past.len() - p * d..].split_at((p - 1) * d);
                let later = &past[past.len() - (p - 1) * d..];
                let mut both = [self.constant::<V>(); 2];
                let of_window = Self::slice(weights, 0, window.len());
                Self::windows(of_window, &[window, later], &mut both);
                Self::store(&both[1], &mut self.part_mut(sums, p + 1), 1);
                let mut sums = [both[0]];
                Self::windows(Self::slice(weights, window.len(), d), &[newest], &mut sums);
                self.finish(&sums[0], y, row);
            }
            Job::Steps { path, rows, sums, row, oldest } => {
                let mut sums = self.part_mut::<V>(sums, p + 1);
                for t in rows.clone() {
                    let (x, y) = path.at(t, d);
                    let y = if t < p { &mut [] } else { y };
                    let mut lags = p;
                    // Branches that are constant are not compiled.
                    while lags > *oldest {
                        let (at, left) = (p - lags, lags - *oldest);
                        let (newest, now) = if const { Self::fits::<V>(5) } && left >= 5 {
                            (Self::scatter::<V, 5>(weights, [lags - 5, at], x, &mut sums), 5)
                        } else if const { Self::fits::<V>(3) } && left % 3 == 0 {
                            (Self::scatter::<V, 3>(weights, [lags - 3, at], x, &mut sums), 3)
                        } else if const { Self::fits::<V>(2) } && left > 1 {
                            (Self::scatter::<V, 2>(weights, [lags - 2, at], x, &mut sums), 2)
                        } else {
                            (Self::scatter::<V, 1>(weights, [lags - 1, at], x, &mut sums), 1)
                        };
                        if at == 0 && !y.is_empty() {
                            self.finish(&newest, y, row);
                        }
                        lags -= now;
                    }
                }
            }
            Job::Glide { x, t, sums } if const { G <= 2 && !TAIL } => {
                let mut sums = self.part_mut::<V>(sums, p + 1);
                **t = match p {
                    1 => Self::glide::<V, 1>(weights, **t, x, &mut sums),
                    2 if const { Self::fits::<V>(2) } => {
                        Self::glide::<V, 2>(weights, **t, x, &mut sums)
                    }
                    3 if const { Self::fits::<V>(3) } => {
                        Self::glide::<V, 3>(weights, **t, x, &mut sums)
                    }
                    5 if const { Self::fits::<V>(5) } => {
                        Self::glide::<V, 5>(weights, **t, x, &mut sums)
                    }
                    _ => **t,
                };
            }
            Job::Glide { .. } => {}
        }
    }
}

/// Does the part of `now` panels from `first` on.
#[inline(always)]
fn work<V: Lanes>(all: &Panels<V::Real>, first: usize, now: usize, job: &mut Job<'_, V::Real>) {
    // Branches that are constant are not compiled for lanes that never take them.
    if const { V::Half::LEN < V::LEN } && all.tail && first + now == all.wide {
        match now {
            1 => Group::<_, 1, true> { all, first }.run::<V>(job),
            2 => Group::<_, 2, true> { all, first }.run::<V>(job),
            3 => Group::<_, 3, true> { all, first }.run::<V>(job),
            _ => Group::<_, 4, true> { all, first }.run::<V>(job),
        }
    } else if const { V::PANELS > 4 } && now > 4 {
        Group::<_, 5, false> { all, first }.run::<V>(job);
    } else if const { V::PANELS > 2 } && now > 2 {
        match now {
            3 => Group::<_, 3, false> { all, first }.run::<V>(job),
            _ => Group::<_, 4, false> { all, first }.run::<V>(job),
        }
    } else {
        match now {
            1 => Group::<_, 1, false> { all, first }.run::<V>(job),
            _ => Group::<_, 2, false> { all, first }.run::<V>(job),
        }
    }
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,fma")]
fn avx2<R: Real>(all: &Panels<R>, first: usize, now: usize, job: &mut Job<'_, R>) {
    work::<R::Avx2>(all, first, now, job);
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx2,fma")]
fn avx512<R: Real>(all: &Panels<R>, first: usize, now: usize, job: &mut Job<'_, R>) {
    work::<R::Avx512>(all, first, now, job);
}

/// Does a job by the instruction set that the panels are laid out for, for one group after the other.
///
/// The loop is here, since what a compiler takes out of it to before it costs more than a small job.
pub(super) fn run<R: Real>(all: &Panels<R>, job: &mut Job<'_, R>) {
    let mut first = 0;
    while first < all.wide {
        let now = all.group_len(first);
        match all.isa {
            // SAFETY: `Packed::with_isa` requires that this processor has it.
            #[cfg(target_arch = "x86_64")]
            Isa::Avx2 => unsafe { avx2(all, first, now, job) },
            // SAFETY: as above.
            #[cfg(target_arch = "x86_64")]
            Isa::Avx512 => unsafe { avx512(all, first, now, job) },
            _ => portable(all, first, now, job),
        }
        first += now;
    }
}

#[inline(never)]
fn portable<R: Real>(all: &Panels<R>, first: usize, now: usize, job: &mut Job<'_, R>) {
    work::<R::Portable>(all, first, now, job);
}
