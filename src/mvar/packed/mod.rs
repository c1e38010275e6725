//! The step on coefficients laid out for vector units.
//!
//! Every path adds in one order: the constant, then the inputs from the oldest lag to the newest, each
//! product and sum rounded once by AVX2 and AVX-512, twice in plain code. So a step from a window, a
//! rollout, a batch and a step from partial sums leave the same bits.
//!
//! | path | what it saves |
//! |---|---|
//! | [`Packed::batch`] | a weight is loaded once for several windows |
//! | [`Packed::rollout`] | of a small model as the next; else a weight is loaded once for two steps: of all lags but the newest, both are known |
//! | [`Packed::advance`] | a state is added to the sums of all coming steps at once: only the newest lag is left when the next is asked for |
//!
//! The trajectory is its own window. Where a caller keeps none, [`Sums`] take the place of a window:
//! moving one costs a copy in every step (p 5: 15 ns at d 20, 63 ns at d 100 on an EPYC of family 26,
//! where a ring's one row takes 3 and 6 ns), and the panels of a ring would start anywhere in it.

use std::ops::Range;

use ndarray::{ArrayView1, ArrayView3, Axis};

use crate::machine::aligned::Aligned;
use crate::machine::isa::Isa;
use kernels::{Job, Path};
use lanes::Lanes;
pub use lanes::Real;

mod group;
mod kernels;
pub(super) mod lanes;

/// Coefficients of a model, in `f64` or `f32`.
#[derive(Debug)]
pub struct Packed<R> {
    panels: Panels<R>,
}

/// Coefficients by groups of outputs that are summed side by side.
///
/// A group is a matrix (p d, outputs): row k d + j has the weights of component j at lag k. Its outputs
/// fill panels, as many as a register holds. Those that are left over after whole ones fill a panel half
/// as wide where that is enough, else one that is padded; the half one is a matrix by itself, and of the
/// last group.
#[derive(Debug)]
struct Panels<R> {
    isa: Isa,
    p: usize,
    d: usize,
    /// Panels of whole registers.
    wide: usize,
    /// Whether a panel of half a register follows.
    tail: bool,
    /// How many panels a group has, at most.
    most: usize,
    /// The constant, padded.
    c: Aligned<R>,
    /// The groups, and the half panel.
    weights: Aligned<R>,
    /// Sums of no state.
    sums: Aligned<R>,
}

/// A first-level data cache has as many bytes at least.
const NEAR_BYTES: usize = 32 << 10;

impl<R: Real> Panels<R> {
    fn new<V: Lanes<Real = R>>(isa: Isa, a: ArrayView3<'_, f64>, c: ArrayView1<'_, f64>) -> Self {
        let (inputs, d) = (a.len_of(Axis(0)) * c.len(), c.len());
        let (whole, rest, half) = (d / V::LEN, d % V::LEN, V::Half::LEN);
        let tail = whole > 0 && half < V::LEN && (1..=half).contains(&rest);
        let wide = if tail { whole } else { d.div_ceil(V::LEN) };
        let padded = wide * V::LEN + if tail { half } else { 0 };
        let mut panels = Self {
            isa,
            p: inputs / d,
            d,
            wide,
            tail,
            most: V::PANELS,
            c: Aligned::zeros(padded),
            weights: Aligned::zeros(padded * inputs),
            sums: Aligned::zeros(padded * (inputs / d + 1)),
        };
        for ((k, i, j), &weight) in a.indexed_iter() {
            let at = panels.place::<V>(inputs, k * d + j, i);
            panels.weights[at] = R::from_f64(weight);
        }
        for (i, &c) in c.iter().enumerate() {
            panels.c[i] = R::from_f64(c);
            let at = panels.place::<V>(panels.p + 1, panels.p, i);
            panels.sums[at] = panels.c[i];
        }
        panels
    }

    /// Where row `k` of a matrix (rows, outputs) has output `i`.
    fn place<V: Lanes>(&self, rows: usize, k: usize, i: usize) -> usize {
        if i >= self.wide * V::LEN {
            return self.wide * V::LEN * rows + k * V::Half::LEN + i - self.wide * V::LEN;
        }
        let (panel, mut first) = (i / V::LEN, 0);
        loop {
            let now = self.group_len(first);
            if panel < first + now {
                return (first * rows + k * now) * V::LEN + i - first * V::LEN;
            }
            first += now;
        }
    }

    /// Weights of an output.
    #[inline(always)]
    fn inputs(&self) -> usize {
        self.p * self.d
    }

    /// The length of a padded row.
    #[inline(always)]
    fn padded(&self) -> usize {
        self.c.len()
    }

    /// Whether all outputs are summed side by side.
    #[inline(always)]
    fn is_one_group(&self) -> bool {
        self.wide <= self.most
    }

    /// How many panels the group from `first` on has: all have about as many.
    #[inline(always)]
    fn group_len(&self, first: usize) -> usize {
        let left = self.wide - first;
        if left > self.most { left.div_ceil(left.div_ceil(self.most)) } else { left }
    }

    /// Whether the weights stay in the nearest cache.
    #[inline(always)]
    fn is_near(&self) -> bool {
        size_of_val(&*self.weights) <= NEAR_BYTES
    }
}

/// Partial sums of the coming states: the state of [`Packed::advance`], scratch space of
/// [`Packed::rollout`].
#[derive(Debug, Clone)]
pub struct Sums<R: Real> {
    /// A matrix (p + 1, outputs): the state that was computed last, sums of the next p - 1 states, which
    /// lack only states to come, and the constant.
    sums: Aligned<R>,
    /// A padded row of scratch space.
    row: Aligned<R>,
    /// Whether the sums are of states.
    started: bool,
    /// Instruction set, lag and components of their model.
    of: (Isa, usize, usize),
}

impl<R: Real> Packed<R> {
    /// Packs coefficients `a` (p, d, d), oldest lag first, and the constant `c` (d), for the best
    /// instruction set of this processor.
    ///
    /// # Panics
    ///
    /// If the shapes do not fit together, or p or d is 0.
    pub fn new(a: ArrayView3<'_, f64>, c: ArrayView1<'_, f64>) -> Self {
        Self::with_isa(a, c, Isa::best())
    }

    /// Packs for `isa`.
    ///
    /// # Panics
    ///
    /// Those of [`Packed::new`]; or if this processor does not have `isa`.
    pub fn with_isa(a: ArrayView3<'_, f64>, c: ArrayView1<'_, f64>, isa: Isa) -> Self {
        let (p, d) = (a.len_of(Axis(0)), c.len());
        assert_eq!(a.dim(), (p, d, d), "a is not of shape (p, d, d)");
        assert!(p > 0 && d > 0, "a model needs a lag and a component");
        assert!(isa.is_available(), "this processor has no {}", isa.name());
        let panels = match isa {
            #[cfg(target_arch = "x86_64")]
            Isa::Avx2 => Panels::new::<R::Avx2>(isa, a, c),
            #[cfg(target_arch = "x86_64")]
            Isa::Avx512 => Panels::new::<R::Avx512>(isa, a, c),
            _ => Panels::new::<R::Portable>(isa, a, c),
        };
        Self { panels }
    }

    /// The instruction set of its kernels.
    pub fn isa(&self) -> Isa {
        self.panels.isa
    }

    /// Writes the state that follows `window` (p, d), oldest first, into `y` (d).
    ///
    /// # Panics
    ///
    /// If the lengths do not fit the model.
    pub fn step(&self, window: &[R], y: &mut [R]) {
        assert_eq!(y.len(), self.panels.d, "y is not of shape (d)");
        self.batch(window, y);
    }

    /// Writes the states that follow the windows `x` (B, p, d) into `y` (B, d).
    ///
    /// # Panics
    ///
    /// If the lengths do not fit the model.
    pub fn batch(&self, x: &[R], y: &mut [R]) {
        let (p, d) = (self.panels.p, self.panels.d);
        assert_eq!(y.len() % d, 0, "y is not of shape (B, d)");
        assert_eq!(x.len(), y.len() * p, "x is not of shape (B, p, d)");
        kernels::run(&self.panels, &mut Job::Windows { x, y });
    }

    /// Fills a trajectory: each row after the first p is the step from the p rows before it.
    ///
    /// `x` is (p + n, d) in rows, in time order; `sums` are overwritten: [`Packed::start`] them before the
    /// next [`Packed::advance`].
    ///
    /// # Panics
    ///
    /// If `x` is not whole rows, or has fewer than p of them; or if `sums` are of another size.
    pub fn rollout(&self, x: &mut [R], sums: &mut Sums<R>) {
        let (p, d) = (self.panels.p, self.panels.d);
        assert_eq!(x.len() % d, 0, "x is not of shape (p + n, d)");
        assert!(x.len() >= p * d, "x does not hold a window");
        self.clear(sums);
        let n = x.len() / d;
        if self.panels.is_one_group() && self.panels.is_near() {
            self.steps(Path::All(x), 1..p, 0, sums);
            let mut t = p;
            kernels::run(&self.panels, &mut Job::Glide { x, t: &mut t, sums: &mut sums.sums });
            self.steps(Path::All(x), t..n, 0, sums);
            return;
        }
        for t in (p..n).step_by(2) {
            let (past, y) = x.split_at_mut(t * d);
            let Sums { sums: all, row, .. } = &mut *sums;
            kernels::run(&self.panels, &mut Job::First { past, y, sums: all, row });
            if t + 1 < n {
                let (x, y) = y.split_at_mut(d);
                self.steps(Path::One { x, y }, p..p + 1, p - 1, sums);
            }
        }
    }

    /// Room for the sums of this model; they start with [`Packed::start`].
    pub fn sums(&self) -> Sums<R> {
        let row = Aligned::zeros(self.panels.padded());
        Sums { sums: self.panels.sums.clone(), row, started: false, of: self.shape() }
    }

    /// Starts the sums with the states `past` (p - 1, d), oldest first.
    ///
    /// # Panics
    ///
    /// If the length does not fit the model, or `sums` are of another.
    pub fn start(&self, past: &[R], sums: &mut Sums<R>) {
        let (p, d) = (self.panels.p, self.panels.d);
        assert_eq!(past.len(), (p - 1) * d, "past is not of shape (p - 1, d)");
        self.clear(sums);
        for x in past.chunks_exact(d) {
            self.steps(Path::One { x, y: &mut [] }, p..p + 1, 0, sums);
        }
        sums.started = true;
    }

    /// Writes the state that follows `x` (d) into `y` (d): `x` follows those that `sums` know, and then
    /// is one of them. This model must have started them: one of the same size is not told apart.
    ///
    /// # Panics
    ///
    /// If a length does not fit the model, or `sums` are of another or were not started.
    pub fn advance(&self, x: &[R], y: &mut [R], sums: &mut Sums<R>) {
        let Panels { p, d, .. } = self.panels;
        assert_eq!((x.len(), y.len()), (d, d), "x and y are not of shape (d)");
        self.assert_own(sums);
        assert!(sums.started, "the sums were not started");
        self.steps(Path::One { x, y }, p..p + 1, 0, sums);
    }

    fn steps(&self, path: Path<'_, R>, rows: Range<usize>, oldest: usize, sums: &mut Sums<R>) {
        let Sums { sums, row, .. } = sums;
        kernels::run(&self.panels, &mut Job::Steps { path, rows, sums, row, oldest });
    }

    /// Forgets all states. A sum that a state completes before p of them are there is of no one; one that
    /// it begins is right.
    fn clear(&self, sums: &mut Sums<R>) {
        self.assert_own(sums);
        sums.sums.copy_from_slice(&self.panels.sums);
        sums.started = false;
    }

    fn assert_own(&self, sums: &Sums<R>) {
        assert_eq!(sums.of, self.shape(), "the sums are of another size or instruction set");
    }

    fn shape(&self) -> (Isa, usize, usize) {
        (self.panels.isa, self.panels.p, self.panels.d)
    }
}

#[cfg(test)]
mod tests;
