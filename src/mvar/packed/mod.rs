//! The step on coefficients laid out for vector units.
//!
//! Every path adds in one order: the constant, then the inputs from the oldest lag to the newest, each
//! product and sum rounded once by AVX2 and AVX-512, twice in plain code. So a step from a window, a
//! rollout, a batch and a step from partial sums leave the same bits.
//!
//! | path | what it saves |
//! |---|---|
//! | [`Packed::batch`] | a weight is loaded once for four windows |
//! | [`Packed::rollout`] | a weight is loaded once for two steps: of all lags but the newest, both are known |
//! | [`Packed::advance`] | a state is added to the sums of all coming steps at once: only the newest lag is left when the next is asked for |
//!
//! The trajectory is its own window. Where a caller keeps none, [`Sums`] take the place of a window:
//! moving one costs a copy in every step (p 5: 15 ns at d 20, 63 ns at d 100 on an EPYC of family 26,
//! where a ring's one row takes 3 and 6 ns), and the panels of a ring would start anywhere in it.

use ndarray::{ArrayView1, ArrayView3, Axis};

use crate::machine::isa::Isa;
use kernels::Job;
use lanes::Lanes;
pub use lanes::Real;

mod kernels;
pub(super) mod lanes;

/// Coefficients of a model, in `f64` or `f32`.
#[derive(Debug)]
pub struct Packed<R> {
    panels: Panels<R>,
}

/// Coefficients by panels of outputs, as many as a register holds.
///
/// A panel is a matrix (p d, outputs): row k d + j has the weights of component j at lag k. Outputs
/// that are left over fill a panel half as wide where that is enough, else one that is padded. There
/// is no clone, since the weights start where a cache line does.
#[derive(Debug)]
struct Panels<R> {
    isa: Isa,
    p: usize,
    d: usize,
    /// Panels of whole registers.
    wide: usize,
    /// Whether a panel of half a register follows.
    tail: bool,
    /// The constant, padded.
    c: Vec<R>,
    /// The panels from where a cache line starts.
    lines: Vec<R>,
}

/// A cache line has so many bytes.
const LINE_LEN_BYTES: usize = 64;

impl<R: Real> Panels<R> {
    fn new<V: Lanes<Real = R>>(isa: Isa, a: ArrayView3<'_, f64>, c: ArrayView1<'_, f64>) -> Self {
        let (p, d) = (a.len_of(Axis(0)), c.len());
        let (rest, half) = (d % V::LEN, V::Half::LEN);
        let tail = half < V::LEN && (1..=half).contains(&rest);
        let wide = if tail { d / V::LEN } else { d.div_ceil(V::LEN) };
        let padded = wide * V::LEN + if tail { half } else { 0 };
        let mut lines = vec![R::default(); padded * p * d + LINE_LEN_BYTES / size_of::<R>()];
        let start = lines.as_ptr().align_offset(LINE_LEN_BYTES);
        for ((k, i, j), &weight) in a.indexed_iter() {
            let (panel, lane) = (i / V::LEN, i % V::LEN);
            let len = if panel < wide { V::LEN } else { half };
            let at = panel * V::LEN * p * d + (k * d + j) * len + lane;
            lines[start + at] = R::from_f64(weight);
        }
        let mut constant = vec![R::default(); padded];
        constant.iter_mut().zip(&c).for_each(|(to, c)| *to = R::from_f64(*c));
        Self { isa, p, d, wide, tail, c: constant, lines }
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

    #[inline(always)]
    fn weights(&self) -> &[R] {
        &self.lines[self.lines.as_ptr().align_offset(LINE_LEN_BYTES)..]
    }

    /// Whether four windows are computed for all outputs at a time.
    #[inline(always)]
    fn is_one_group<V: Lanes>(&self) -> bool {
        self.wide <= V::MOST[1]
    }
}

/// Partial sums of the coming states: the state of [`Packed::advance`], scratch space of
/// [`Packed::rollout`].
#[derive(Debug, Clone)]
pub struct Sums<R> {
    /// Padded rows of the next p - 1 states, which lack only states to come.
    slots: Vec<R>,
    /// The slot of the next state; `None` where the sums are not started.
    at: Option<usize>,
    /// The lag p of their model.
    lag: usize,
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
        kernels::run(&self.panels, Job::Windows { x, y });
    }

    /// Fills a trajectory: each row after the first p is the step from the p rows before it.
    ///
    /// `x` is (p + n, d) in rows, in time order; `sums` are scratch space, and must then be started.
    ///
    /// # Panics
    ///
    /// If `x` is not whole rows, or has fewer than p of them; or if `sums` are of another size.
    pub fn rollout(&self, x: &mut [R], sums: &mut Sums<R>) {
        let (p, d) = (self.panels.p, self.panels.d);
        assert_eq!(x.len() % d, 0, "x is not of shape (p + n, d)");
        assert!(x.len() >= p * d, "x does not hold a window");
        let sums = self.own(sums);
        sums.at = None;
        let next = &mut sums.slots[..self.panels.padded()];
        kernels::run(&self.panels, Job::Pairs { x: &mut *x, next });
        let rows = x.len() / d;
        if (rows - p) % 2 == 1 {
            let (past, y) = x.split_at_mut((rows - 1) * d);
            self.step(&past[(rows - 1 - p) * d..], y);
        }
    }

    /// Room for the sums of this model; they start with [`Packed::start`].
    pub fn sums(&self) -> Sums<R> {
        Sums { slots: vec![R::default(); self.slots_len()], at: None, lag: self.panels.p }
    }

    /// Starts the sums with the states `past` (p - 1, d), oldest first.
    ///
    /// # Panics
    ///
    /// If the length does not fit the model, or `sums` are of another.
    pub fn start(&self, past: &[R], sums: &mut Sums<R>) {
        let (p, d) = (self.panels.p, self.panels.d);
        assert_eq!(past.len(), (p - 1) * d, "past is not of shape (p - 1, d)");
        let sums = self.own(sums);
        // A sum that a state completes at the start is of no one; one that it begins is right.
        sums.slots.fill(R::default());
        sums.at = Some(0);
        for x in past.chunks_exact(d) {
            self.add(x, &mut [], sums);
        }
    }

    /// Writes the state that follows `x` (d) into `y` (d): `x` follows those that `sums` know, and then
    /// is one of them.
    ///
    /// # Panics
    ///
    /// If a length does not fit the model, or `sums` are of another or were not started.
    pub fn advance(&self, x: &[R], y: &mut [R], sums: &mut Sums<R>) {
        let d = self.panels.d;
        assert_eq!((x.len(), y.len()), (d, d), "x and y are not of shape (d)");
        self.add(x, y, self.own(sums));
    }

    /// Adds the state `x` to the sums of all that it bears on.
    fn add(&self, x: &[R], y: &mut [R], Sums { slots, at, .. }: &mut Sums<R>) {
        let row = at.expect("the sums were not started");
        kernels::run(&self.panels, Job::Advance { slots, at: row, x, y });
        *at = Some(if row + 2 >= self.panels.p { 0 } else { row + 1 });
    }

    fn own<'a>(&self, sums: &'a mut Sums<R>) -> &'a mut Sums<R> {
        let own = (self.panels.p, self.slots_len());
        assert_eq!((sums.lag, sums.slots.len()), own, "the sums are of another size");
        sums
    }

    /// The length of all sums; one row is scratch space in any case.
    fn slots_len(&self) -> usize {
        self.panels.padded() * (self.panels.p - 1).max(1)
    }
}

#[cfg(test)]
mod tests;
