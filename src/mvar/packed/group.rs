//! Sums of weights times states: one chain of additions per output, in ascending order of the
//! inputs, whatever is computed beside it. All paths of an instruction set thus leave the same bits.
//!
//! A group of outputs is summed side by side: of several windows, so that a weight is loaded once for
//! them, or of several lags of one state, so that the state is.

use super::Panels;
use super::lanes::{Lanes, Real};

/// A row of G registers and, where there is a tail, half a one.
#[derive(Clone, Copy)]
pub(super) struct Row<V: Lanes, const G: usize> {
    wide: [V; G],
    tail: V::Half,
}

/// Rows of a matrix as [`Panels`] has it, in memory. Without a tail its rows are none.
#[derive(Clone, Copy)]
pub(super) struct Rows<'a, V: Lanes, const G: usize> {
    pub(super) wide: &'a [[V::Array; G]],
    pub(super) tail: &'a [<V::Half as Lanes>::Array],
}

/// The same, to be written.
pub(super) struct RowsMut<'a, V: Lanes, const G: usize> {
    pub(super) wide: &'a mut [[V::Array; G]],
    pub(super) tail: &'a mut [<V::Half as Lanes>::Array],
}

/// G panels from `first` on and, if `TAIL`, the tail.
#[derive(Clone, Copy)]
pub(super) struct Group<'a, R, const G: usize, const TAIL: bool> {
    pub(super) all: &'a Panels<R>,
    pub(super) first: usize,
}

impl<R: Real, const G: usize, const TAIL: bool> Group<'_, R, G, TAIL> {
    /// Some of the rows.
    #[inline(always)]
    pub(super) fn slice<'m, V: Lanes<Real = R>>(
        all: Rows<'m, V, G>,
        from: usize,
        n: usize,
    ) -> Rows<'m, V, G> {
        let tail = if TAIL { &all.tail[from..][..n] } else { &[] };
        Rows { wide: &all.wide[from..][..n], tail }
    }

    /// Its part of a matrix of so many rows.
    #[inline(always)]
    pub(super) fn part<'m, V: Lanes<Real = R>>(&self, of: &'m [R], rows: usize) -> Rows<'m, V, G> {
        let (wide, tail) = of.split_at(self.all.wide * V::LEN * rows);
        let wide = &V::arrays(&wide[self.first * V::LEN * rows..]).as_chunks().0[..rows];
        Rows { wide, tail: if TAIL { &V::Half::arrays(tail)[..rows] } else { &[] } }
    }

    /// The same, to be written.
    #[inline(always)]
    pub(super) fn part_mut<'m, V: Lanes<Real = R>>(
        &self,
        of: &'m mut [R],
        rows: usize,
    ) -> RowsMut<'m, V, G> {
        let (wide, tail) = of.split_at_mut(self.all.wide * V::LEN * rows);
        let wide = V::arrays_mut(&mut wide[self.first * V::LEN * rows..]).as_chunks_mut().0;
        let tail = if TAIL { &mut V::Half::arrays_mut(tail)[..rows] } else { &mut [] };
        RowsMut { wide: &mut wide[..rows], tail }
    }

    /// Row `i`.
    #[inline(always)]
    pub(super) fn load<V: Lanes<Real = R>>(rows: &Rows<'_, V, G>, i: usize) -> Row<V, G> {
        let mut row = Row { wide: [V::splat(R::default()); G], tail: V::Half::splat(R::default()) };
        for g in 0..G {
            row.wide[g] = V::load(&rows.wide[i][g]);
        }
        if TAIL {
            row.tail = V::Half::load(&rows.tail[i]);
        }
        row
    }

    /// Overwrites row `i`.
    #[inline(always)]
    pub(super) fn store<V: Lanes<Real = R>>(
        row: &Row<V, G>,
        rows: &mut RowsMut<'_, V, G>,
        i: usize,
    ) {
        for g in 0..G {
            row.wide[g].store(&mut rows.wide[i][g]);
        }
        if TAIL {
            row.tail.store(&mut rows.tail[i]);
        }
    }

    /// Stores its part of a state at the start of `y`. What is written beyond is overwritten by the next
    /// state, where there is one; else it goes to `row` first.
    #[inline(always)]
    pub(super) fn finish<V: Lanes<Real = R>>(&self, sums: &Row<V, G>, y: &mut [R], row: &mut [R]) {
        let is_last = y.len() < self.all.padded();
        let to = if is_last { &mut *row } else { &mut *y };
        Self::store(sums, &mut self.part_mut(to, 1), 0);
        if is_last {
            y[..self.all.d].copy_from_slice(&row[..self.all.d]);
        }
    }

    /// Stores its part of a state at the start of `to`, as much as it has room for.
    #[inline(always)]
    pub(super) fn store_part<V: Lanes<Real = R>>(&self, sums: &Row<V, G>, to: &mut [R]) {
        for g in 0..G {
            sums.wide[g].store_part(&mut to[(self.first + g) * V::LEN..]);
        }
        if TAIL {
            sums.tail.store_part(&mut to[self.all.wide * V::LEN..]);
        }
    }

    /// The constant.
    #[inline(always)]
    pub(super) fn constant<V: Lanes<Real = R>>(&self) -> Row<V, G> {
        Self::load(&self.part(&self.all.c, 1), 0)
    }

    /// Adds S windows of whole rows, with the weights `of` them.
    #[inline(always)]
    pub(super) fn windows<V: Lanes<Real = R>, const S: usize>(
        of: Rows<'_, V, G>,
        x: &[&[R]; S],
        sums: &mut [Row<V, G>; S],
    ) {
        let inputs = of.wide.len();
        let mut same = *x;
        for x in &mut same {
            *x = &x[..inputs];
        }
        for k in 0..inputs {
            // The fewer of the two stay in registers.
            if const { S <= G } {
                let mut x = [V::splat(same[0][k]); S];
                for s in 1..S {
                    x[s] = V::splat(same[s][k]);
                }
                for g in 0..G {
                    let weight = V::load(&of.wide[k][g]);
                    for s in 0..S {
                        sums[s].wide[g] = weight.mul_add(x[s], sums[s].wide[g]);
                    }
                }
                if TAIL {
                    let weight = V::Half::load(&of.tail[k]);
                    for s in 0..S {
                        sums[s].tail = weight.mul_add(x[s].half(), sums[s].tail);
                    }
                }
            } else {
                let weights = Self::load(&of, k);
                for s in 0..S {
                    let x = V::splat(same[s][k]);
                    for g in 0..G {
                        sums[s].wide[g] = weights.wide[g].mul_add(x, sums[s].wide[g]);
                    }
                    if TAIL {
                        sums[s].tail = weights.tail.mul_add(x.half(), sums[s].tail);
                    }
                }
            }
        }
    }

    /// Adds the state `x` to the sums of L states, of which the last one has it at `lag`. They lie in
    /// `rows` after row `at`, and move up by one; the first of them is returned.
    #[inline(always)]
    pub(super) fn scatter<V: Lanes<Real = R>, const L: usize>(
        weights: Rows<'_, V, G>,
        [lag, at]: [usize; 2],
        x: &[R],
        rows: &mut RowsMut<'_, V, G>,
    ) -> Row<V, G> {
        let tail = if TAIL { &mut rows.tail[at..][..L + 1] } else { &mut [] };
        let mut rows = RowsMut { wide: &mut rows.wide[at..][..L + 1], tail };
        let known = Rows { wide: rows.wide, tail: rows.tail };
        let mut sums = [Self::load(&known, 1); L];
        for l in 1..L {
            sums[l] = Self::load(&known, l + 1);
        }
        let mut of = [weights; L];
        for l in 0..L {
            of[l] = Self::slice(weights, (lag + L - 1 - l) * x.len(), x.len());
        }
        for k in 0..x.len() {
            let x = V::splat(x[k]);
            for l in 0..L {
                for g in 0..G {
                    let weight = V::load(&of[l].wide[k][g]);
                    sums[l].wide[g] = weight.mul_add(x, sums[l].wide[g]);
                }
                if TAIL {
                    let weight = V::Half::load(&of[l].tail[k]);
                    sums[l].tail = weight.mul_add(x.half(), sums[l].tail);
                }
            }
        }
        for l in 0..L {
            Self::store(&sums[l], &mut rows, l);
        }
        sums[0]
    }

    /// Rows of the trajectory `x` from `t` on, as many as are followed by room for a padded one, by
    /// [`Self::scatter`] for all P lags, with sums and states in registers. Returns the row after them.
    #[inline(always)]
    pub(super) fn glide<V: Lanes<Real = R>, const P: usize>(
        weights: Rows<'_, V, G>,
        mut t: usize,
        x: &mut [R],
        rows: &mut RowsMut<'_, V, G>,
    ) -> usize {
        let d = weights.wide.len() / P;
        let mut of = [weights; P];
        for l in 0..P {
            of[l] = Self::slice(weights, (P - 1 - l) * d, d);
        }
        let known = Rows { wide: &rows.wide[..P + 1], tail: &[] };
        let mut sums = [Self::load(&known, 1); P];
        for l in 1..P {
            sums[l] = Self::load(&known, l + 1);
        }
        let constant = sums[P - 1];
        let Some(state) = x[(t - 1) * d..].get(..G * V::LEN) else {
            return t;
        };
        let wide = V::arrays(state).as_chunks().0;
        let mut state = Self::load::<V>(&Rows { wide, tail: &[] }, 0).wide;
        while let Some(y) = x[t * d..].get_mut(..G * V::LEN) {
            for g in 0..G {
                for k in g * V::LEN..d.min((g + 1) * V::LEN) {
                    let x = state[g].pick(k - g * V::LEN);
                    for l in 0..P {
                        for g in 0..G {
                            let weight = V::load(&of[l].wide[k][g]);
                            sums[l].wide[g] = weight.mul_add(x, sums[l].wide[g]);
                        }
                    }
                }
            }
            state = sums[0].wide;
            let wide = V::arrays_mut(y).as_chunks_mut().0;
            Self::store(&sums[0], &mut RowsMut { wide, tail: &mut [] }, 0);
            // Arrays that are shifted in place would be kept in memory.
            let mut next = [constant; P];
            next[..P - 1].copy_from_slice(&sums[1..]);
            sums = next;
            t += 1;
        }
        for l in 0..P {
            Self::store(&sums[l], rows, l + 1);
        }
        t
    }

    /// Whether registers hold the sums of so many states.
    pub(super) const fn fits<V: Lanes>(states: usize) -> bool {
        states * (G + TAIL as usize) <= V::SUMS
    }
}
