//! Cells of several windows at a time, and the head.
//!
//! A gate is one chain of additions: the bias, the inputs in ascending order, the hidden state in
//! ascending order; what is known to be zero is left out. So a gate has the same bits whatever
//! windows are computed beside it, and whether or not its first part was summed before.

use super::buffers::{Buffers, Flight, States};
use super::head::head;
use super::{Layer, Packed};
use crate::lstm::activation::activate;
use crate::lstm::lanes::Lanes;
use crate::machine::isa::Isa;

/// Rows of numbers, one of each window.
#[derive(Clone, Copy)]
struct Rows<'a> {
    all: &'a [f32],
    stride: usize,
}

impl<'a> Rows<'a> {
    /// N rows from `first` on.
    #[inline(always)]
    fn take<const N: usize>(self, first: usize) -> [&'a [f32]; N] {
        let mut rows = [self.all; N];
        for i in 0..N {
            rows[i] = &self.all[(first + i) * self.stride..];
        }
        rows
    }
}

/// Adds the inputs `x` of N windows, but those before `SKIP`, times the weights of four gates.
#[inline(always)]
fn add<V: Lanes, const N: usize, const SKIP: usize>(
    weights: &[[V::Array; 4]],
    x: &[&[f32]; N],
    sums: &mut [[V; 4]; N],
) {
    let mut rows = *x;
    for x in &mut rows {
        *x = &x[..weights.len()];
    }
    for k in 0..weights.len() {
        let mut inputs = [V::splat(0.0); N];
        for r in SKIP..N {
            inputs[r] = V::splat(rows[r][k]);
        }
        for g in 0..4 {
            let weight = V::load(&weights[k][g]);
            for r in SKIP..N {
                sums[r][g] = weight.mul_add(inputs[r], sums[r][g]);
            }
        }
    }
}

/// The gates of a block of units.
#[inline(always)]
fn gates<V: Lanes>(of: &[f32], block: usize) -> &[V::Array; 4] {
    &V::arrays(of).as_chunks().0[block]
}

/// The weights of a block of units, for `inputs` inputs.
#[inline(always)]
fn weights<V: Lanes>(of: &[f32], block: usize, inputs: usize) -> &[[V::Array; 4]] {
    &V::arrays(of).as_chunks().0[block * inputs..][..inputs]
}

#[inline(always)]
fn load<V: Lanes, const N: usize>(from: &[V::Array; 4]) -> [[V; 4]; N] {
    let mut sums = [[V::splat(0.0); 4]; N];
    for sums in &mut sums {
        for g in 0..4 {
            sums[g] = V::load(&from[g]);
        }
    }
    sums
}

/// Work that is done for at most [`Lanes::ROWS`] windows at a time.
trait Work<V: Lanes> {
    fn of<const N: usize>(&mut self, block: usize, first: usize);
}

/// Does `work` for `n` windows and every block of units, from the last block on if `back`.
///
/// A block's weights are read for all windows before those of the next one.
#[inline(always)]
fn each<V: Lanes>(layer: &Layer, n: usize, back: bool, work: &mut impl Work<V>) {
    let blocks = layer.padded / V::LEN;
    for i in 0..blocks {
        let block = if back { blocks - 1 - i } else { i };
        let mut first = 0;
        while first < n {
            let left = n - first;
            let now = if left > V::ROWS { left.div_ceil(left.div_ceil(V::ROWS)) } else { left };
            // Branches that are constant are not compiled for lanes that never take them.
            if now == 1 || V::ROWS == 1 {
                work.of::<1>(block, first);
            } else if now == 2 || V::ROWS == 2 {
                work.of::<2>(block, first);
            } else if now == 3 || V::ROWS == 3 {
                work.of::<3>(block, first);
            } else if now == 4 || V::ROWS == 4 {
                work.of::<4>(block, first);
            } else {
                work.of::<5>(block, first);
            }
            first += now;
        }
    }
}

/// The part of the gates that the bias and inputs `x` make, to rows of `to`.
struct Project<'a> {
    layer: &'a Layer,
    x: Rows<'a>,
    to: &'a mut [f32],
}

impl<V: Lanes> Work<V> for Project<'_> {
    #[inline(always)]
    fn of<const N: usize>(&mut self, block: usize, first: usize) {
        let Layer { inputs, padded, .. } = *self.layer;
        let mut sums = load::<V, N>(gates::<V>(&self.layer.bias, block));
        let of_x = weights::<V>(&self.layer.of_x, block, inputs);
        add::<V, N, 0>(of_x, &self.x.take(first), &mut sums);
        for i in 0..N {
            let row = &mut self.to[(first + i) * 4 * padded..][..4 * padded];
            let to = &mut V::arrays_mut(row)[4 * block..][..4];
            for g in 0..4 {
                sums[i][g].store(&mut to[g]);
            }
        }
    }
}

/// So many windows have their gates activated one after the other, that their latencies overlap.
const WAITING: usize = 6;

/// One cell of some windows.
struct Cells<'a, V: Lanes> {
    layer: &'a Layer,
    /// How many windows there are.
    n: usize,
    /// The gates of the windows that wait for their activation, and the first of them.
    gates: [[V::Array; 4]; WAITING],
    waiting: usize,
    /// The gates as far as they are the same for all windows: the bias, or a projection.
    from: &'a [f32],
    /// Inputs that `from` lacks.
    x: Option<Rows<'a>>,
    /// Leading windows whose states are zero: none, one, or all.
    fresh: usize,
    /// The hidden states of the other windows.
    past: Rows<'a>,
    /// Cell states before and after, in padded rows.
    c: &'a mut [f32],
    /// Hidden states after, in padded rows.
    h: &'a mut [f32],
}

impl<V: Lanes> Work<V> for Cells<'_, V> {
    #[inline(always)]
    fn of<const N: usize>(&mut self, block: usize, first: usize) {
        let Layer { inputs, units, .. } = *self.layer;
        let mut sums = load::<V, N>(gates::<V>(self.from, block));
        if let Some(x) = self.x {
            let of_x = weights::<V>(&self.layer.of_x, block, inputs);
            add::<V, N, 0>(of_x, &x.take(first), &mut sums);
        }
        let of_h = weights::<V>(&self.layer.of_h, block, units);
        if first >= self.fresh {
            add::<V, N, 0>(of_h, &self.past.take(first - self.fresh), &mut sums);
        } else if first + N > self.fresh {
            // One window is fresh, and it is the first.
            let mut past = [self.past.all; N];
            for i in 1..N {
                past[i] = &self.past.all[(i - 1) * self.past.stride..];
            }
            add::<V, N, 1>(of_h, &past, &mut sums);
        }
        for i in 0..N {
            let gates = &mut self.gates[first - self.waiting + i];
            for g in 0..4 {
                sums[i][g].store(&mut gates[g]);
            }
        }
        let end = first + N;
        if end == self.n || end - self.waiting + V::ROWS > WAITING {
            self.activate(block, end);
            self.waiting = if end == self.n { 0 } else { end };
        }
    }
}

impl<V: Lanes> Cells<'_, V> {
    /// Activates the gates of the windows that wait.
    #[inline(always)]
    fn activate(&mut self, block: usize, end: usize) {
        let padded = self.layer.padded;
        for (gates, row) in self.gates.iter().zip(self.waiting..end) {
            let c = &mut V::arrays_mut(&mut self.c[row * padded..][..padded])[block];
            let past = if row < self.fresh { V::splat(0.0) } else { V::load(c) };
            let [sums] = load::<V, 1>(gates);
            let (next, h) = activate(sums, past);
            next.store(c);
            h.store(&mut V::arrays_mut(&mut self.h[row * padded..][..padded])[block]);
        }
    }
}

/// Runs one window through the layers.
#[inline(always)]
fn states<V: Lanes>(packed: &Packed, window: &[f32], buffers: &mut Buffers) {
    let (lag, padded) = (buffers.lag, packed.padded);
    let size = (lag + 1) * padded;
    let (all_h, all_c) = (&mut *buffers.h, &mut *buffers.c);
    for (l, layer) in packed.layers.iter().enumerate() {
        let (below, h) = all_h.split_at_mut(l * size);
        let x = match l.checked_sub(1) {
            None => Rows { all: window, stride: packed.d },
            // The layer below, without its zero state.
            Some(l) => Rows { all: &below[l * size + padded..], stride: padded },
        };
        let to = &mut *buffers.gates;
        each::<V>(layer, lag, false, &mut Project { layer, x, to });
        let c = &mut all_c[l * size..][..size];
        for t in 0..lag {
            let (past, h) = h[t * padded..].split_at_mut(padded);
            c.copy_within(t * padded..(t + 1) * padded, (t + 1) * padded);
            let mut cells = Cells::<V> {
                layer,
                n: 1,
                gates: [*gates::<V>(&layer.bias, 0); WAITING],
                waiting: 0,
                from: &buffers.gates[t * 4 * padded..][..4 * padded],
                x: None,
                fresh: usize::from(t == 0),
                past: Rows { all: past, stride: padded },
                c: &mut c[(t + 1) * padded..],
                h,
            };
            // The weights that were read last are nearest.
            each::<V>(layer, 1, t % 2 == 1, &mut cells);
        }
    }
}

/// The output for the window that [`states`] went through.
#[inline(always)]
fn last<V: Lanes>(packed: &Packed, window: &[f32], buffers: &mut Buffers, y: &mut [f32]) {
    let h = &buffers.h[buffers.h.len() - packed.padded..];
    let last = &window[window.len() - packed.d..];
    head::<V>(packed, h, last, &mut buffers.z, y);
}

/// Takes the state `x`: every window that holds it goes on by one cell.
#[inline(always)]
fn tick<V: Lanes>(packed: &Packed, x: &[f32], flight: &mut Flight) {
    let (lag, padded) = (flight.lag, packed.padded);
    let (n, size) = ((flight.seen + 1).min(lag), lag * padded);
    let States { old, new, c } = &mut flight.states;
    std::mem::swap(old, new);
    for (l, layer) in packed.layers.iter().enumerate() {
        let (below, h) = new.split_at_mut(l * size);
        let c = &mut c[l * size..][..size];
        // Windows are in the order of their age.
        c.copy_within(..(n - 1) * padded, padded);
        let (from, x) = match l.checked_sub(1) {
            None => {
                let (x, to) = (Rows { all: x, stride: packed.d }, &mut *flight.gates);
                each::<V>(layer, 1, false, &mut Project { layer, x, to });
                (&*flight.gates, None)
            }
            Some(l) => (&*layer.bias, Some(Rows { all: &below[l * size..], stride: padded })),
        };
        let past = Rows { all: &old[l * size..], stride: padded };
        let (gates, waiting) = ([*gates::<V>(&layer.bias, 0); WAITING], 0);
        let mut cells = Cells::<V> { layer, n, gates, waiting, from, x, fresh: 1, past, c, h };
        each::<V>(layer, n, flight.seen % 2 == 1, &mut cells);
    }
    flight.seen += 1;
}

/// The output for the oldest window in flight, which ends with `x`.
#[inline(always)]
fn land<V: Lanes>(packed: &Packed, x: &[f32], flight: &mut Flight, y: &mut [f32]) {
    let all = &flight.states.new;
    head::<V>(packed, &all[all.len() - packed.padded..], x, &mut flight.z, y);
}

/// Forecasts from `n` windows, at most as many as the states have room for.
#[inline(always)]
fn chunk<V: Lanes>(packed: &Packed, x: &[f32], n: usize, buffers: &mut Buffers, y: &mut [f32]) {
    let (d, padded, lag) = (packed.d, packed.padded, buffers.lag);
    let size = Buffers::MANY * padded;
    let States { old, new, c } = &mut buffers.many;
    for t in 0..lag {
        std::mem::swap(old, new);
        for (l, layer) in packed.layers.iter().enumerate() {
            let (below, h) = new.split_at_mut(l * size);
            let x = match l.checked_sub(1) {
                None => Rows { all: &x[t * d..], stride: lag * d },
                Some(l) => Rows { all: &below[l * size..], stride: padded },
            };
            let mut cells = Cells::<V> {
                layer,
                n,
                gates: [*gates::<V>(&layer.bias, 0); WAITING],
                waiting: 0,
                from: &layer.bias,
                x: Some(x),
                fresh: if t == 0 { n } else { 0 },
                past: Rows { all: &old[l * size..], stride: padded },
                c: &mut c[l * size..],
                h,
            };
            each::<V>(layer, n, false, &mut cells);
        }
    }
    let top = &new[(packed.layers.len() - 1) * size..];
    for (i, y) in y.chunks_exact_mut(d).enumerate() {
        let last = &x[(i * lag + lag - 1) * d..][..d];
        head::<V>(packed, &top[i * padded..], last, &mut buffers.z, y);
    }
}

/// Something to compute. An empty `y` is left alone.
pub(super) enum Job<'a> {
    /// The states of a window, and the state `y` that follows it.
    Window { window: &'a [f32], buffers: &'a mut Buffers, y: &'a mut [f32] },
    /// The states `y` (B, d) that follow the windows `x` (B, lag, d).
    Batch { x: &'a [f32], buffers: &'a mut Buffers, y: &'a mut [f32] },
    /// The windows in flight after `x`, and the state `y` that follows the oldest one.
    Advance { x: &'a [f32], flight: &'a mut Flight, y: &'a mut [f32] },
}

/// Each kernel stands here once, since it is compiled for every number of windows.
#[inline(always)]
fn work<V: Lanes>(packed: &Packed, job: Job<'_>) {
    let d = packed.d;
    match job {
        Job::Window { window, buffers, y } => {
            states::<V>(packed, window, buffers);
            if !y.is_empty() {
                last::<V>(packed, window, buffers, y);
            }
        }
        Job::Batch { x, buffers, y } => {
            let window = buffers.lag * d;
            let windows = x.chunks(Buffers::MANY * window);
            for (x, y) in windows.zip(y.chunks_mut(Buffers::MANY * d)) {
                chunk::<V>(packed, x, y.len() / d, buffers, y);
            }
        }
        Job::Advance { x, flight, y } => {
            tick::<V>(packed, x, flight);
            if !y.is_empty() {
                land::<V>(packed, x, flight, y);
            }
        }
    }
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,fma")]
fn avx2(packed: &Packed, job: Job<'_>) {
    work::<std::arch::x86_64::__m256>(packed, job);
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx2,fma")]
fn avx512(packed: &Packed, job: Job<'_>) {
    work::<std::arch::x86_64::__m512>(packed, job);
}

/// Does a job by the instruction set that the network is laid out for.
pub(super) fn run(packed: &Packed, job: Job<'_>) {
    match packed.isa {
        // SAFETY: `Packed::with_isa` requires that this processor has it.
        #[cfg(target_arch = "x86_64")]
        Isa::Avx2 => unsafe { avx2(packed, job) },
        // SAFETY: as above.
        #[cfg(target_arch = "x86_64")]
        Isa::Avx512 => unsafe { avx512(packed, job) },
        _ => work::<[f32; 8]>(packed, job),
    }
}
