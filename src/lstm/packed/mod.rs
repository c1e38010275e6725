//! A forecast step in f32, on weights laid out for vector units; see `cell` for its definition.
//!
//! | path | what it saves |
//! |---|---|
//! | [`Packed::forecast`] | the inputs of all rows of a window go through the weights of a layer together |
//! | [`Packed::rollout`], [`Packed::advance`] | all windows that hold the newest state go on by one cell together: weights are read once a step, not once a row, and the part that inputs have in the gates of the first layer is shared |
//! | [`Packed::batch`] | weights are read once for several windows |
//!
//! The paths add in one order, so they leave the same bits; AVX2 and AVX-512 leave the same, too.
//! Plain code does not: it rounds each product.
//!
//! Each cell and the head are within the bounds of `bound` of the definition, given the same inputs.

use super::activation::GATE_SCALE;
use super::lanes::Lanes;
use super::net::{self, LayerNorm, Net, Scale};
use crate::machine::aligned::Aligned;
use crate::machine::isa::Isa;
pub use buffers::{Buffers, Flight};
use kernels::Job;

mod buffers;
mod head;
mod kernels;

/// A network as [`Packed::forecast`] wants it.
#[derive(Debug, Clone)]
pub struct Packed {
    isa: Isa,
    d: usize,
    units: usize,
    /// Units, filled up to whole registers.
    padded: usize,
    layers: Vec<Layer>,
    norm: Option<LayerNorm>,
    /// Panels of as many outputs as a register holds, one matrix (h, outputs) after the other.
    out_w: Aligned<f32>,
    out_b: Aligned<f32>,
    residual: bool,
}

/// Weights by blocks of units, as many as a register holds: shape (blocks, inputs, 4, units), the
/// gates in the order i, f, g, o and scaled for their activation.
#[derive(Debug, Clone)]
struct Layer {
    inputs: usize,
    units: usize,
    padded: usize,
    of_x: Aligned<f32>,
    of_h: Aligned<f32>,
    /// Both biases, shape (blocks, 4, units).
    bias: Aligned<f32>,
}

#[expect(clippy::cast_possible_truncation, reason = "the one rounding")]
const fn narrow(x: f64) -> f32 {
    x as f32
}

impl Layer {
    fn new<V: Lanes>(layer: &net::Layer) -> Self {
        let (inputs, units) = (layer.w_ih.ncols(), layer.w_hh.ncols());
        let padded = units.next_multiple_of(V::LEN);
        let pack = |inputs: usize, weight: &dyn Fn(usize, usize) -> f64| {
            let mut packed = Aligned::zeros(4 * padded * inputs);
            for (gate, unit) in (0..4).flat_map(|gate| (0..units).map(move |unit| (gate, unit))) {
                let (block, lane) = (unit / V::LEN, unit % V::LEN);
                for input in 0..inputs {
                    let at = ((block * inputs + input) * 4 + gate) * V::LEN + lane;
                    let weight = weight(gate * units + unit, input);
                    packed[at] = narrow(weight * GATE_SCALE[gate]);
                }
            }
            packed
        };
        Self {
            inputs,
            units,
            padded,
            of_x: pack(inputs, &|row, input| layer.w_ih[[row, input]].into()),
            of_h: pack(units, &|row, unit| layer.w_hh[[row, unit]].into()),
            bias: pack(1, &|row, _| f64::from(layer.b_ih[row]) + f64::from(layer.b_hh[row])),
        }
    }
}

impl Packed {
    /// Packs a network for the best instruction set of this processor.
    pub fn new(net: &Net) -> Self {
        Self::with_isa(net, Isa::best())
    }

    /// Packs for `isa`.
    ///
    /// # Panics
    ///
    /// If this processor does not have `isa`.
    pub fn with_isa(net: &Net, isa: Isa) -> Self {
        assert!(isa.is_available(), "this processor has no {}", isa.name());
        match isa {
            #[cfg(target_arch = "x86_64")]
            Isa::Avx2 => Self::of::<std::arch::x86_64::__m256>(net, isa),
            #[cfg(target_arch = "x86_64")]
            Isa::Avx512 => Self::of::<std::arch::x86_64::__m512>(net, isa),
            _ => Self::of::<[f32; 8]>(net, isa),
        }
    }

    fn of<V: Lanes>(net: &Net, isa: Isa) -> Self {
        let (parts, d, units) = (net.parts(), net.d(), net.units());
        let outputs = d.next_multiple_of(V::LEN);
        let (mut out_w, mut out_b) = (Aligned::zeros(outputs * units), Aligned::zeros(outputs));
        for ((i, k), weight) in parts.out_w.indexed_iter() {
            out_w[(i / V::LEN * units + k) * V::LEN + i % V::LEN] = *weight;
        }
        out_b.iter_mut().zip(&parts.out_b).for_each(|(to, bias)| *to = *bias);
        Self {
            isa,
            d,
            units,
            padded: units.next_multiple_of(V::LEN),
            layers: parts.layers.iter().map(Layer::new::<V>).collect(),
            norm: parts.norm.as_ref().map(|norm| LayerNorm {
                weight: norm.weight.as_standard_layout().into_owned(),
                bias: norm.bias.as_standard_layout().into_owned(),
            }),
            out_w,
            out_b,
            residual: parts.residual,
        }
    }

    /// The instruction set of its kernels.
    pub fn isa(&self) -> Isa {
        self.isa
    }

    /// Buffers for windows of `lag` states.
    ///
    /// # Panics
    ///
    /// If `lag` is 0.
    pub fn buffers(&self, lag: usize) -> Buffers {
        assert!(lag > 0, "the window is empty");
        Buffers::zeros(lag, self.layers.len(), self.units, self.padded)
    }

    /// Room for the windows of `lag` states that hold the newest state; they start with
    /// [`Packed::start`].
    ///
    /// # Panics
    ///
    /// If `lag` is 0.
    pub fn flight(&self, lag: usize) -> Flight {
        assert!(lag > 0, "the window is empty");
        Flight::zeros(lag, self.layers.len(), self.units, self.padded)
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
        self.fits(window, 1, buffers);
        kernels::run(self, Job::Window { window, buffers, y });
    }

    /// Runs a normalised `window` through the layers, without the head.
    ///
    /// # Panics
    ///
    /// If the lengths fit neither the network nor the buffers.
    pub fn states(&self, window: &[f32], buffers: &mut Buffers) {
        self.fits(window, 1, buffers);
        kernels::run(self, Job::Window { window, buffers, y: &mut [] });
    }

    /// Writes the states that follow the normalised windows `x` (B, lag, d) into `y` (B, d).
    ///
    /// # Panics
    ///
    /// If the lengths fit neither the network nor the buffers.
    pub fn batch(&self, x: &[f32], buffers: &mut Buffers, y: &mut [f32]) {
        assert_eq!(y.len() % self.d, 0, "y is not of shape (B, d)");
        self.fits(x, y.len() / self.d, buffers);
        kernels::run(self, Job::Batch { x, buffers, y });
    }

    /// Starts the windows in flight with the normalised states `past` (lag - 1, d), oldest first.
    ///
    /// # Panics
    ///
    /// If the lengths fit neither the network nor `flight`.
    pub fn start(&self, past: &[f32], flight: &mut Flight) {
        self.owns(flight);
        assert_eq!(past.len(), (flight.lag - 1) * self.d, "past is not of shape (lag - 1, d)");
        flight.seen = 0;
        for x in past.chunks_exact(self.d) {
            kernels::run(self, Job::Advance { x, flight: &mut *flight, y: &mut [] });
        }
    }

    /// Writes the state that follows `x` (d) into `y` (d), both normalised: `x` follows those that
    /// `flight` has taken, and then is one of them.
    ///
    /// # Panics
    ///
    /// If the lengths fit neither the network nor `flight`, or it was not started.
    pub fn advance(&self, x: &[f32], y: &mut [f32], flight: &mut Flight) {
        self.owns(flight);
        assert_eq!((x.len(), y.len()), (self.d, self.d), "x and y are not of shape (d)");
        assert!(flight.seen + 1 >= flight.lag, "the windows in flight were not started");
        kernels::run(self, Job::Advance { x, flight, y });
    }

    /// Fills a normalised trajectory `x` (lag + n, d) of which the first lag rows are given.
    ///
    /// The windows in flight start anew.
    ///
    /// # Panics
    ///
    /// If the lengths fit neither the network nor `flight`.
    pub fn rollout(&self, x: &mut [f32], flight: &mut Flight) {
        let (d, lag) = (self.d, flight.lag);
        assert_eq!(x.len() % d, 0, "x is not of shape (lag + n, d)");
        assert!(x.len() >= lag * d, "x does not hold a window");
        self.start(&x[..(lag - 1) * d], flight);
        for end in (lag * d..x.len()).step_by(d) {
            let (past, next) = x.split_at_mut(end);
            self.advance(&past[end - d..], &mut next[..d], flight);
        }
    }

    /// Forecasts n states `y` (n, d) from a `window` (lag, d), both in the units of the data.
    ///
    /// `x` (lag + n, d) receives the normalised trajectory.
    ///
    /// # Panics
    ///
    /// If the lengths fit neither each other, nor the network, nor `flight`.
    pub fn forecast_scaled(
        &self,
        scale: &Scale,
        window: &[f64],
        x: &mut [f32],
        flight: &mut Flight,
        y: &mut [f64],
    ) {
        assert_eq!(x.len(), window.len() + y.len(), "x is not of shape (lag + n, d)");
        assert_eq!(window.len(), flight.lag * self.d, "window is not of shape (lag, d)");
        scale.apply(window, &mut x[..window.len()]);
        self.rollout(x, flight);
        scale.undo(&x[window.len()..], y);
    }

    fn fits(&self, windows: &[f32], n: usize, buffers: &Buffers) {
        let fit = buffers.fit(self.layers.len(), self.units, self.padded);
        assert!(fit, "the buffers are of another network");
        assert_eq!(windows.len(), n * buffers.lag * self.d, "a window is not of shape (lag, d)");
    }

    fn owns(&self, flight: &Flight) {
        let fit = flight.fit(self.layers.len(), self.units, self.padded);
        assert!(fit, "the windows in flight are of another network");
    }
}

#[cfg(test)]
mod tests;
