//! A forecast step in f32, on weights laid out for vector units; see `cell` for its definition.
//!
//! Eight units are computed together. Their 32 gates are sums that run side by side over the
//! inputs, in order, so that no sum waits for another; then come eight activations at a time. The
//! head takes 32 outputs together in the same way. Mean and variance are summed in f64, and the
//! normalised state is rounded to f32 once.
//!
//! Each cell and the head are within the bounds of `bound` of the definition, given the same
//! inputs.

use super::activation::{sigmoid, tanh};
use super::cell::NORM_EPS;
use super::net::{Layer, LayerNorm, Net, Scale};

/// Units that are computed together.
const LANES: usize = 8;
/// Sums that run side by side.
const SUMS: usize = 4 * LANES;

/// A network as [`Packed::forecast`] wants it.
#[derive(Debug, Clone)]
pub struct Packed {
    d: usize,
    units: usize,
    layers: Vec<Panels>,
    norm: Option<LayerNorm>,
    head: Panels,
    residual: bool,
}

/// A matrix (rows, inputs) and a bias, 32 rows at a time, the last ones filled up with zeros.
#[derive(Debug, Clone)]
struct Panels {
    inputs: usize,
    biases: Vec<[f32; SUMS]>,
    /// One matrix (inputs, 32) after the other.
    weights: Vec<f32>,
}

impl Panels {
    /// `row` gives the matrix row of a panel's column, and `weight` and `bias` its numbers.
    fn new(
        panels: usize,
        inputs: usize,
        row: impl Fn(usize, usize) -> Option<usize>,
        weight: impl Fn(usize, usize) -> f32,
        bias: impl Fn(usize) -> f32,
    ) -> Self {
        let mut biases = vec![[0.0; SUMS]; panels];
        let mut weights = vec![0.0; panels * inputs * SUMS];
        for (panel, column) in (0..panels).flat_map(|p| (0..SUMS).map(move |c| (p, c))) {
            let Some(row) = row(panel, column) else { continue };
            biases[panel][column] = bias(row);
            for input in 0..inputs {
                weights[(panel * inputs + input) * SUMS + column] = weight(row, input);
            }
        }
        Self { inputs, biases, weights }
    }

    /// Rows i, f, g and o of units 8 b to 8 b + 7 in panel b; inputs are x and then h.
    fn layer(layer: &Layer) -> Self {
        let (inputs, units) = (layer.w_ih.ncols(), layer.w_hh.ncols());
        let row = |panel: usize, column: usize| {
            let unit = panel * LANES + column % LANES;
            (unit < units).then_some(column / LANES * units + unit)
        };
        let weight = |row, input: usize| match input.checked_sub(inputs) {
            None => layer.w_ih[[row, input]],
            Some(unit) => layer.w_hh[[row, unit]],
        };
        let bias = |row| layer.b_ih[row] + layer.b_hh[row];
        Self::new(units.div_ceil(LANES), inputs + units, row, weight, bias)
    }

    /// Outputs 32 b to 32 b + 31 in panel b.
    fn head(net: &Net) -> Self {
        let (d, parts) = (net.d(), net.parts());
        let row = |panel: usize, column: usize| Some(panel * SUMS + column).filter(|r| *r < d);
        let weight = |row, unit| parts.out_w[[row, unit]];
        Self::new(d.div_ceil(SUMS), net.units(), row, weight, |row| parts.out_b[row])
    }

    /// The biases and weights of each panel.
    fn iter(&self) -> impl Iterator<Item = (&[f32; SUMS], &[f32])> {
        self.biases.iter().zip(self.weights.chunks_exact(self.inputs * SUMS))
    }
}

/// Hidden and cell states of every layer after every row of a window.
#[derive(Debug, Clone)]
pub struct Buffers {
    lag: usize,
    units: usize,
    /// Both of shape (layers, lag + 1, h); the first row of each layer stays zero.
    h: Vec<f32>,
    c: Vec<f32>,
    z: Vec<f32>,
}

impl Buffers {
    /// The hidden state (h) of a layer before row `t` of the window; `t` = lag is the last.
    ///
    /// # Panics
    ///
    /// If there is no such layer or row.
    pub fn hidden(&self, layer: usize, t: usize) -> &[f32] {
        self.row(&self.h, layer, t)
    }

    /// The cell state (h) of a layer before row `t` of the window.
    ///
    /// # Panics
    ///
    /// If there is no such layer or row.
    pub fn cell(&self, layer: usize, t: usize) -> &[f32] {
        self.row(&self.c, layer, t)
    }

    /// Zeroes all states.
    pub fn clear(&mut self) {
        [&mut self.h, &mut self.c, &mut self.z].into_iter().for_each(|states| states.fill(0.0));
    }

    fn row<'a>(&self, states: &'a [f32], layer: usize, t: usize) -> &'a [f32] {
        assert!(t <= self.lag, "the window has no such row");
        &states[(layer * (self.lag + 1) + t) * self.units..][..self.units]
    }
}

impl Packed {
    /// Packs a network.
    pub fn new(net: &Net) -> Self {
        let parts = net.parts();
        Self {
            d: net.d(),
            units: net.units(),
            layers: parts.layers.iter().map(Panels::layer).collect(),
            norm: parts.norm.clone(),
            head: Panels::head(net),
            residual: parts.residual,
        }
    }

    /// Buffers for windows of `lag` states.
    ///
    /// # Panics
    ///
    /// If `lag` is 0.
    pub fn buffers(&self, lag: usize) -> Buffers {
        assert!(lag > 0, "the window is empty");
        let zeros = vec![0.0; self.layers.len() * (lag + 1) * self.units];
        let z = vec![0.0; self.units];
        Buffers { lag, units: self.units, h: zeros.clone(), c: zeros, z }
    }

    /// Writes the state that follows a normalised `window` into `y`.
    ///
    /// `window` is (lag, d) in rows, oldest first; `y` is (d).
    ///
    /// # Panics
    ///
    /// If the lengths fit neither the network nor the buffers.
    pub fn forecast(&self, window: &[f32], buffers: &mut Buffers, y: &mut [f32]) {
        assert_eq!(y.len(), self.d, "y is not of shape (d)");
        self.states(window, buffers);
        let h = &buffers.h[buffers.h.len() - self.units..];
        let z = match &self.norm {
            None => h,
            Some(norm) => {
                normalise(h, norm, &mut buffers.z);
                &buffers.z
            }
        };
        for ((biases, weights), y) in self.head.iter().zip(y.chunks_mut(SUMS)) {
            let mut sums = *biases;
            accumulate(&mut sums, weights, z);
            y.copy_from_slice(&sums[..y.len()]);
        }
        if self.residual {
            let last = &window[window.len() - self.d..];
            y.iter_mut().zip(last).for_each(|(y, last)| *y += last);
        }
    }

    /// Runs a normalised `window` through the layers, without the head.
    ///
    /// # Panics
    ///
    /// If the lengths fit neither the network nor the buffers.
    pub fn states(&self, window: &[f32], buffers: &mut Buffers) {
        let (units, Buffers { lag, h, c, .. }) = (self.units, buffers);
        assert_eq!(window.len(), *lag * self.d, "window is not of shape (lag, d)");
        let size = (*lag + 1) * units;
        assert_eq!(h.len(), self.layers.len() * size, "the buffers are of another network");
        for (l, layer) in self.layers.iter().enumerate() {
            let (below, h) = h.split_at_mut(l * size);
            // The layer below, without its zero state.
            let input = if l == 0 { window } else { &below[(l - 1) * size + units..] };
            let (mut past_h, mut next_h) = h[..size].split_at_mut(units);
            let (mut past_c, mut next_c) = c[l * size..][..size].split_at_mut(units);
            for x in input.chunks_exact(layer.inputs - units) {
                let (h, later_h) = next_h.split_at_mut(units);
                let (c, later_c) = next_c.split_at_mut(units);
                cell(layer, x, past_h, past_c, h, c);
                (past_h, next_h, past_c, next_c) = (h, later_h, c, later_c);
            }
        }
    }

    /// Fills a normalised trajectory `x` (lag + n, d) of which the first lag rows are given.
    ///
    /// # Panics
    ///
    /// If the lengths fit neither the network nor the buffers.
    pub fn rollout(&self, x: &mut [f32], buffers: &mut Buffers) {
        let past = buffers.lag * self.d;
        assert_eq!(x.len() % self.d, 0, "x is not of shape (lag + n, d)");
        assert!(x.len() >= past, "x does not hold a window");
        for end in (past..x.len()).step_by(self.d) {
            let (before, after) = x.split_at_mut(end);
            self.forecast(&before[end - past..], buffers, &mut after[..self.d]);
        }
    }

    /// Forecasts n states `y` (n, d) from a `window` (lag, d), both in the units of the data.
    ///
    /// `x` (lag + n, d) receives the normalised trajectory.
    ///
    /// # Panics
    ///
    /// If the lengths fit neither each other, nor the network, nor the buffers.
    pub fn forecast_scaled(
        &self,
        scale: &Scale,
        window: &[f64],
        x: &mut [f32],
        buffers: &mut Buffers,
        y: &mut [f64],
    ) {
        assert_eq!(x.len(), window.len() + y.len(), "x is not of shape (lag + n, d)");
        scale.apply(window, &mut x[..window.len()]);
        self.rollout(x, buffers);
        scale.undo(&x[window.len()..], y);
    }
}

/// One cell: the next `h` and `c` from the input and the states before.
fn cell(layer: &Panels, x: &[f32], past_h: &[f32], past_c: &[f32], h: &mut [f32], c: &mut [f32]) {
    let states = past_c.chunks(LANES).zip(h.chunks_mut(LANES).zip(c.chunks_mut(LANES)));
    for ((biases, weights), (past_c, (h, c))) in layer.iter().zip(states) {
        let mut gates = *biases;
        let (of_x, of_h) = weights.split_at(x.len() * SUMS);
        accumulate(&mut gates, of_x, x);
        accumulate(&mut gates, of_h, past_h);
        let (mut wide_c, mut wide_h) = ([0.0; LANES], [0.0; LANES]);
        wide_c[..c.len()].copy_from_slice(past_c);
        for k in 0..LANES {
            let [i, f, g, o] = [0, 1, 2, 3].map(|gate| gates[gate * LANES + k]);
            wide_c[k] = sigmoid(f) * wide_c[k] + sigmoid(i) * tanh(g);
            wide_h[k] = sigmoid(o) * tanh(wide_c[k]);
        }
        c.copy_from_slice(&wide_c[..c.len()]);
        h.copy_from_slice(&wide_h[..h.len()]);
    }
}

/// Adds `x` times the rows of a panel to its sums.
fn accumulate(sums: &mut [f32; SUMS], weights: &[f32], x: &[f32]) {
    let mut local = *sums;
    for (x, row) in x.iter().zip(weights.chunks_exact(SUMS)) {
        for (sum, w) in local.iter_mut().zip(row) {
            *sum += w * x;
        }
    }
    *sums = local;
}

/// Layer normalisation of `h` into `z`.
fn normalise(h: &[f32], norm: &LayerNorm, z: &mut [f32]) {
    let n = h.len() as f64;
    let mean = h.iter().fold(0.0, |sum, v| sum + f64::from(*v)) / n;
    let square = |v: &f32| (f64::from(*v) - mean) * (f64::from(*v) - mean);
    let var = h.iter().fold(0.0, |sum, v| sum + square(v)) / n;
    let inverse = 1.0 / (var + NORM_EPS).sqrt();
    for (((z, h), weight), bias) in z.iter_mut().zip(h).zip(&norm.weight).zip(&norm.bias) {
        let wide = (f64::from(*h) - mean) * inverse * f64::from(*weight) + f64::from(*bias);
        #[expect(clippy::cast_possible_truncation, reason = "the network works in f32")]
        let rounded = wide as f32;
        *z = rounded;
    }
}

#[cfg(test)]
mod tests {
    use super::super::cases::{Size, judge, synthetic};
    use super::super::cell::{forecast_scalar, rollout_scalar};
    use super::*;
    use crate::input::uniform;
    use ndarray::{Array2, ArrayView2, s};

    fn wide(x: &[f32], d: usize) -> Array2<f64> {
        ArrayView2::from_shape((x.len() / d, d), x).unwrap().mapv(f64::from)
    }

    /// The judgement on a forecast of `run`, with packed weights, of a window of `judged`.
    fn verdict(run: &Net, judged: &Net, lag: usize, window: &[f32]) -> Result<(), String> {
        let packed = Packed::new(run);
        let (mut buffers, mut y) = (packed.buffers(lag), vec![9.0; run.d()]);
        packed.forecast(window, &mut buffers, &mut y);
        judge(judged, window, &buffers, Some(&y))
    }

    #[test]
    fn every_part_is_within_its_bound_at_every_size() {
        let sizes =
            (1..=33).flat_map(|h| [(1 + (7 * h) % 33, h, 1 + h % 3), (h, 1 + (5 * h) % 33, 1)]);
        for (d, h, layers) in sizes.chain([(64, 8, 1), (65, 40, 2)]) {
            let (norm, residual) = (h % 2 == 0, d % 2 == 0);
            let net = synthetic(h as u64, Size { d, h, layers }, norm, residual);
            let lag = 1 + (d + h) % 6;
            let window = uniform(d as u64, lag * d, -2.0, 2.0);
            let verdict = verdict(&net, &net, lag, &window);
            assert_eq!(verdict, Ok(()), "d {d}, h {h}, layers {layers}, lag {lag}");
        }
    }

    #[test]
    fn a_forecast_is_near_the_oracle_from_end_to_end() {
        let net = synthetic(3, Size { d: 20, h: 64, layers: 2 }, true, true);
        let packed = Packed::new(&net);
        let window = uniform(4, 5 * 20, -2.0, 2.0);
        let (mut buffers, mut y) = (packed.buffers(5), vec![0.0; 20]);
        packed.forecast(&window, &mut buffers, &mut y);
        let want = forecast_scalar(&net, wide(&window, 20).view());
        let far = y.iter().zip(&want.y).map(|(y, w)| (f64::from(*y) - w).abs()).fold(0.0, f64::max);
        assert!(far < 2e-6, "off by {far:e}");
        let last = buffers.cell(1, 5).iter().zip(want.c.slice(s![1, 4, ..]));
        assert!(last.into_iter().all(|(c, w)| (f64::from(*c) - w).abs() < 1e-6), "last cell state");
    }

    #[test]
    fn one_changed_weight_or_a_stale_state_is_found() {
        let net = synthetic(5, Size { d: 3, h: 9, layers: 2 }, true, true);
        let window = uniform(6, 4 * 3, -2.0, 2.0);
        let change = |f: &dyn Fn(&mut super::super::net::Parts)| {
            let mut parts = net.parts().clone();
            f(&mut parts);
            verdict(&Net::new(parts).unwrap(), &net, 4, &window)
        };
        assert_eq!(change(&|_| ()), Ok(()), "unchanged");
        assert!(change(&|p| p.layers[0].w_ih[[35, 2]] += 1e-3).is_err(), "last gate row");
        assert!(change(&|p| p.layers[1].w_hh[[0, 8]] += 1e-3).is_err(), "last unit");
        assert!(change(&|p| p.layers[1].b_hh[10] += 1e-3).is_err(), "bias");
        assert!(change(&|p| p.norm.as_mut().unwrap().bias[8] += 1e-3).is_err(), "norm");
        assert!(change(&|p| p.out_w[[2, 0]] += 1e-3).is_err(), "head");
        assert!(change(&|p| p.residual = false).is_err(), "residual");
        assert!(change(&|p| p.norm = None).is_err(), "no norm");
        let packed = Packed::new(&net);
        let (mut buffers, mut y) = (packed.buffers(4), vec![0.0; 3]);
        packed.forecast(&window, &mut buffers, &mut y);
        buffers.h[0] = 0.5;
        assert!(judge(&net, &window, &buffers, Some(&y)).is_err(), "start is not zero");
    }

    #[test]
    fn a_rollout_feeds_outputs_back_and_leaves_no_trace() {
        let (d, lag, n) = (5, 3, 12);
        let net = synthetic(7, Size { d, h: 10, layers: 2 }, true, false);
        let packed = Packed::new(&net);
        let mut x = uniform(8, (lag + n) * d, -1.0, 1.0);
        let mut want = wide(&x, d);
        let (mut buffers, mut y) = (packed.buffers(lag), vec![0.0; d]);
        packed.rollout(&mut x, &mut buffers);
        rollout_scalar(&net, lag, &mut want);
        for t in lag..lag + n {
            packed.forecast(&x[(t - lag) * d..t * d], &mut packed.buffers(lag), &mut y);
            assert_eq!(y, x[t * d..(t + 1) * d], "row {t} from fresh buffers");
        }
        let far = (wide(&x, d) - want).mapv(f64::abs).fold(0.0, |a: f64, b| a.max(*b));
        assert!(far < 1e-5, "off by {far:e}");
    }

    #[test]
    fn a_scaled_forecast_is_a_rollout_in_normalised_states() {
        let (d, lag, n) = (2, 2, 3);
        let net = synthetic(9, Size { d, h: 4, layers: 1 }, false, true);
        let packed = Packed::new(&net);
        let scale = Scale::new(ndarray::array![3.0, -1.0], ndarray::array![2.0, 0.5]).unwrap();
        let window = [4.0, -1.0, 2.0, 0.0];
        let (mut x, mut y) = (vec![0.0; (lag + n) * d], vec![0.0; n * d]);
        packed.forecast_scaled(&scale, &window, &mut x, &mut packed.buffers(lag), &mut y);
        let mut want = vec![0.5, 0.0, -0.5, 2.0];
        want.resize((lag + n) * d, 0.0);
        packed.rollout(&mut want, &mut packed.buffers(lag));
        assert_eq!(x, want, "normalised");
        let first = [f64::from(want[4]) * 2.0 + 3.0, f64::from(want[5]) * 0.5 - 1.0];
        assert_eq!(y[..2], first, "in the units of the data");
    }
}
