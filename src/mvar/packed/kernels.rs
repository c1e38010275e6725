//! Sums of weights times states: one chain of additions per output, in ascending order of the
//! inputs, whatever is computed beside it. All paths of an instruction set thus leave the same bits.
//!
//! Panels of outputs are summed side by side, for one, two or four windows at a time, so that a weight
//! is loaded once for several of them.

use super::Panels;
use super::lanes::{Lanes, Real};
use crate::machine::isa::Isa;

/// Adds the inputs `x` of S windows, times the weights of G panels and, if `TAIL`, of the tail.
#[inline(always)]
fn add<V: Lanes, const G: usize, const S: usize, const TAIL: bool>(
    panels: &[&[V::Array]; G],
    tail: &[<V::Half as Lanes>::Array],
    x: &[&[V::Real]; S],
    sums: &mut [[V; G]; S],
    tail_sums: &mut [V::Half; S],
) {
    for k in 0..x[0].len() {
        let mut inputs = [V::splat(x[0][k]); S];
        for s in 1..S {
            inputs[s] = V::splat(x[s][k]);
        }
        for g in 0..G {
            let weight = V::load(&panels[g][k]);
            for s in 0..S {
                sums[s][g] = weight.mul_add(inputs[s], sums[s][g]);
            }
        }
        if TAIL {
            let weight = V::Half::load(&tail[k]);
            for s in 0..S {
                tail_sums[s] = weight.mul_add(V::Half::splat(x[s][k]), tail_sums[s]);
            }
        }
    }
}

/// G panels from `first` on and, if `TAIL`, the tail.
#[derive(Clone, Copy)]
struct Group<'a, R, const G: usize, const TAIL: bool> {
    all: &'a Panels<R>,
    first: usize,
}

impl<R: Real, const G: usize, const TAIL: bool> Group<'_, R, G, TAIL> {
    /// Starts the sums of a row with `from`, which is padded.
    #[inline(always)]
    fn load<V: Lanes<Real = R>>(&self, from: &[R]) -> ([V; G], V::Half) {
        let wide = &V::arrays(from)[self.first..][..G];
        let mut sums = [V::splat(R::default()); G];
        for g in 0..G {
            sums[g] = V::load(&wide[g]);
        }
        let mut tail = V::Half::splat(R::default());
        if TAIL {
            tail = V::Half::load(&V::Half::arrays(&from[self.all.wide * V::LEN..])[0]);
        }
        (sums, tail)
    }

    /// Stores the sums of a row into `to`, which is padded.
    #[inline(always)]
    fn store<V: Lanes<Real = R>>(&self, sums: &[V; G], tail: V::Half, to: &mut [R]) {
        let (wide, last) = to.split_at_mut(self.all.wide * V::LEN);
        let wide = &mut V::arrays_mut(wide)[self.first..][..G];
        for g in 0..G {
            sums[g].store(&mut wide[g]);
        }
        if TAIL {
            tail.store(&mut V::Half::arrays_mut(last)[0]);
        }
    }

    /// Stores the sums of a row at the start of `to`, and those of its padding where there is room.
    #[inline(always)]
    fn store_row<V: Lanes<Real = R>>(&self, sums: &[V; G], tail: V::Half, to: &mut [R]) {
        for g in 0..G {
            sums[g].store_part(&mut to[(self.first + g) * V::LEN..]);
        }
        if TAIL {
            tail.store_part(&mut to[self.all.wide * V::LEN..]);
        }
    }

    /// Adds S windows of whole rows, the first of them at `lag`.
    #[inline(always)]
    fn add<V: Lanes<Real = R>, const S: usize>(
        &self,
        lag: usize,
        x: &[&[R]; S],
        sums: &mut [[V; G]; S],
        tail_sums: &mut [V::Half; S],
    ) {
        let (all, n) = (self.all, x[0].len());
        let mut same = *x;
        for x in &mut same {
            *x = &x[..n];
        }
        let (inputs, from) = (all.inputs(), lag * all.d);
        let (wide, last) = all.weights().split_at(all.wide * inputs * V::LEN);
        let mut panels = [V::arrays(&[]); G];
        for g in 0..G {
            panels[g] = &V::arrays(wide)[(self.first + g) * inputs + from..][..n];
        }
        let mut tail = V::Half::arrays(&[]);
        if TAIL {
            tail = &V::Half::arrays(last)[from..][..n];
        }
        add::<V, G, S, TAIL>(&panels, tail, &same, sums, tail_sums);
    }

    /// The sums `from` and the rows `x` from `lag` on.
    #[inline(always)]
    fn with_rows<V: Lanes<Real = R>>(&self, lag: usize, x: &[R], from: &[R]) -> ([V; G], V::Half) {
        let (sums, tail) = self.load::<V>(from);
        let (mut sums, mut tail) = ([sums], [tail]);
        self.add::<V, 1>(lag, &[x], &mut sums, &mut tail);
        (sums[0], tail[0])
    }

    /// Writes the states that follow S windows, one after the other in `x`, into rows of `y`.
    #[inline(always)]
    fn windows<V: Lanes<Real = R>, const S: usize>(&self, x: &[R], y: &mut [R]) {
        let (inputs, d) = (self.all.inputs(), self.all.d);
        let (sums, tail) = self.load::<V>(&self.all.c);
        let (mut sums, mut tail) = ([sums; S], [tail; S]);
        let mut windows = [x; S];
        for s in 0..S {
            windows[s] = &x[s * inputs..][..inputs];
        }
        self.add::<V, S>(0, &windows, &mut sums, &mut tail);
        for s in 0..S {
            let y = &mut y[s * d..];
            // Beyond its end lies the next row, which another group may have written.
            let row = if self.all.is_one_group::<V>() { y } else { &mut y[..d] };
            self.store_row(&sums[s], tail[s], row);
        }
    }

    /// The first of two steps of the trajectory `x`, to row `t`; `next` becomes the sums of the second,
    /// which lack the newest row.
    #[inline(always)]
    fn first<V: Lanes<Real = R>>(&self, x: &mut [R], t: usize, next: &mut [R]) {
        let (all, d) = (self.all, self.all.d);
        let (past, y) = x.split_at_mut(t * d);
        let (window, newest) = past[(t - all.p) * d..].split_at((all.p - 1) * d);
        let later = &past[(t - all.p + 1) * d..];
        let (sums, tail) = self.load::<V>(&all.c);
        let (mut sums, mut tail) = ([sums; 2], [tail; 2]);
        self.add::<V, 2>(0, &[window, later], &mut sums, &mut tail);
        self.store(&sums[1], tail[1], next);
        let (mut sums, mut tail) = ([sums[0]], [tail[0]]);
        self.add::<V, 1>(all.p - 1, &[newest], &mut sums, &mut tail);
        self.store_row(&sums[0], tail[0], y);
    }

    /// The second step, to row `t`.
    #[inline(always)]
    fn second<V: Lanes<Real = R>>(&self, x: &mut [R], t: usize, next: &[R]) {
        let (all, d) = (self.all, self.all.d);
        let (past, y) = x.split_at_mut(t * d);
        let (sums, tail) = self.with_rows::<V>(all.p - 1, &past[(t - 1) * d..], next);
        self.store_row(&sums, tail, y);
    }
}

/// Work that is done for one group of panels after the other.
trait Work<V: Lanes> {
    fn of<const G: usize, const TAIL: bool>(&mut self, group: Group<'_, V::Real, G, TAIL>);
}

/// Does `work` for every panel, at most `most` of them at a time; `MANY` where there are more than that.
#[inline(always)]
fn each<V: Lanes, const MANY: bool>(all: &Panels<V::Real>, most: usize, work: &mut impl Work<V>) {
    let mut first = 0;
    loop {
        let left = all.wide - first;
        let now = if left > most { left.div_ceil(left.div_ceil(most)) } else { left };
        let is_last = now == left;
        // Branches that are constant are not compiled for lanes that never take them, nor are single
        // panels where there are many, since these are split evenly.
        if const { V::Half::LEN < V::LEN } && is_last && all.tail {
            match now {
                0 if !MANY => work.of(Group::<_, 0, true> { all, first }),
                1 if !MANY => work.of(Group::<_, 1, true> { all, first }),
                2 => work.of(Group::<_, 2, true> { all, first }),
                3 => work.of(Group::<_, 3, true> { all, first }),
                _ => work.of(Group::<_, 4, true> { all, first }),
            }
        } else if const { V::MOST[0] > 2 } && now > 2 {
            match now {
                3 => work.of(Group::<_, 3, false> { all, first }),
                _ => work.of(Group::<_, 4, false> { all, first }),
            }
        } else {
            match now {
                1 if !MANY || V::MOST[0] == 2 => work.of(Group::<_, 1, false> { all, first }),
                _ => work.of(Group::<_, 2, false> { all, first }),
            }
        }
        first += now;
        if first == all.wide {
            return;
        }
    }
}

/// The states that follow the windows in `x`, one after the other, go to the rows of `y`.
struct Windows<'a, R> {
    x: &'a [R],
    y: &'a mut [R],
}

impl<V: Lanes> Work<V> for Windows<'_, V::Real> {
    #[inline(always)]
    fn of<const G: usize, const TAIL: bool>(&mut self, group: Group<'_, V::Real, G, TAIL>) {
        let (inputs, d) = (group.all.inputs(), group.all.d);
        let n = self.y.len() / d;
        let mut i = 0;
        while i + 4 <= n {
            group.windows::<V, 4>(&self.x[i * inputs..], &mut self.y[i * d..]);
            i += 4;
        }
        while i < n {
            group.windows::<V, 1>(&self.x[i * inputs..], &mut self.y[i * d..]);
            i += 1;
        }
    }
}

/// Pairs of steps of the trajectory `x`, from its first window to its end.
struct Pairs<'a, R> {
    x: &'a mut [R],
    next: &'a mut [R],
}

impl<V: Lanes> Work<V> for Pairs<'_, V::Real> {
    #[inline(always)]
    fn of<const G: usize, const TAIL: bool>(&mut self, group: Group<'_, V::Real, G, TAIL>) {
        let start = group.all.p;
        let pairs = (self.x.len() / group.all.d - start) / 2;
        for t in (start..).step_by(2).take(pairs) {
            group.first::<V>(self.x, t, self.next);
            group.second::<V>(self.x, t + 1, self.next);
        }
    }
}

/// The first of two steps of the trajectory `x`, to row `t`.
struct First<'a, R> {
    x: &'a mut [R],
    t: usize,
    next: &'a mut [R],
}

impl<V: Lanes> Work<V> for First<'_, V::Real> {
    #[inline(always)]
    fn of<const G: usize, const TAIL: bool>(&mut self, group: Group<'_, V::Real, G, TAIL>) {
        group.first::<V>(self.x, self.t, self.next);
    }
}

/// The second step, to row `t`.
struct Second<'a, R> {
    x: &'a mut [R],
    t: usize,
    next: &'a [R],
}

impl<V: Lanes> Work<V> for Second<'_, V::Real> {
    #[inline(always)]
    fn of<const G: usize, const TAIL: bool>(&mut self, group: Group<'_, V::Real, G, TAIL>) {
        group.second::<V>(self.x, self.t, self.next);
    }
}

/// The rows `x` from `lag` on are added to `sums`, which are padded, or to the constant if `fresh`.
struct Rows<'a, R> {
    lag: usize,
    x: &'a [R],
    sums: &'a mut [R],
    fresh: bool,
}

impl<V: Lanes> Work<V> for Rows<'_, V::Real> {
    #[inline(always)]
    fn of<const G: usize, const TAIL: bool>(&mut self, group: Group<'_, V::Real, G, TAIL>) {
        let from = if self.fresh { &group.all.c } else { &*self.sums };
        let (sums, tail) = group.with_rows::<V>(self.lag, self.x, from);
        group.store(&sums, tail, self.sums);
    }
}

/// Something to compute.
pub(super) enum Job<'a, R> {
    /// The states that follow the windows (B, p, d) in `x`, to the rows of `y` (B, d).
    Windows { x: &'a [R], y: &'a mut [R] },
    /// Rows p and on of the trajectory `x`, as many as are even; `next` has room for a padded row.
    Pairs { x: &'a mut [R], next: &'a mut [R] },
    /// The state `y` after `x`, from the partial sums in `slots`, to which `x` is added. Slot `at` has
    /// those of `y`, the next one those of the state after it, and so on around. Nothing is written to
    /// an empty `y`.
    Advance { slots: &'a mut [R], at: usize, x: &'a [R], y: &'a mut [R] },
}

/// Each kind of work stands here once, since it is compiled for every size of group.
#[inline(always)]
fn work<V: Lanes>(all: &Panels<V::Real>, job: Job<'_, V::Real>) {
    let (p, d, padded) = (all.p, all.d, all.padded());
    match job {
        Job::Windows { x, y } => {
            let most = V::MOST[usize::from(y.len() >= 4 * d)];
            each::<V, false>(all, most, &mut Windows { x, y });
        }
        Job::Pairs { x, next } => {
            // A step needs all outputs of the one before it.
            if all.wide <= V::MOST[0] {
                return each::<V, false>(all, V::MOST[0], &mut Pairs { x, next });
            }
            let pairs = (x.len() / d - p) / 2;
            for t in (p..).step_by(2).take(pairs) {
                each::<V, true>(all, V::MOST[0], &mut First { x, t, next });
                each::<V, true>(all, V::MOST[0], &mut Second { x, t: t + 1, next });
            }
        }
        Job::Advance { slots, at, x, y } => {
            let mut slot = at;
            for lag in (0..p).rev() {
                let sums = &mut slots[slot * padded..][..padded];
                each::<V, false>(all, V::MOST[0], &mut Rows { lag, x, sums, fresh: lag == 0 });
                if lag + 1 == p {
                    y.copy_from_slice(&slots[slot * padded..][..y.len()]);
                }
                slot = if slot + 2 >= p { 0 } else { slot + 1 };
            }
        }
    }
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,fma")]
fn avx2<R: Real>(all: &Panels<R>, job: Job<'_, R>) {
    work::<R::Avx2>(all, job);
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx2,fma")]
fn avx512<R: Real>(all: &Panels<R>, job: Job<'_, R>) {
    work::<R::Avx512>(all, job);
}

/// Does a job by the instruction set that the panels are laid out for.
pub(super) fn run<R: Real>(all: &Panels<R>, job: Job<'_, R>) {
    match all.isa {
        // SAFETY: `Panels::new` requires that this processor has it.
        #[cfg(target_arch = "x86_64")]
        Isa::Avx2 => unsafe { avx2(all, job) },
        // SAFETY: as above.
        #[cfg(target_arch = "x86_64")]
        Isa::Avx512 => unsafe { avx512(all, job) },
        _ => work::<R::Portable>(all, job),
    }
}
