//! What is profiled: a model of ours, or any function from a window and a number of steps to states.

use std::fmt;

use ndarray::{Array2, ArrayView2};

use super::complexity::Kind;
use crate::rom::ready::Ready;
use crate::{input, lstm, mvar};

/// A model under the clock.
pub struct Forecaster<'a> {
    /// Its name in files.
    pub name: String,
    /// Its kind and sizes.
    pub kind: Kind,
    /// States of a window.
    pub lag: usize,
    /// Components of a state.
    pub d: usize,
    /// Parameters.
    pub parameters: usize,
    /// Bytes of a parameter, in the type that forecasts read.
    pub parameter_len_bytes: usize,
    /// Multiplications and additions of a step, with all states of the window and the head, if they are
    /// known.
    pub flops_per_step: Option<u64>,
    /// Bytes of the parameters that a step of a trajectory reads.
    pub bytes_per_step: usize,
    /// Additions of such a step that wait for each other, and for the step before.
    pub waits_per_step: usize,
    /// The instruction set of the forecasts, if it is known.
    pub isa: Option<&'static str>,
    /// Seconds of its training, if they are known.
    pub training_seconds: Option<f64>,
    source: Source<'a>,
}

enum Source<'a> {
    Own { make: Box<dyn Fn() -> Ready>, ready: Box<Ready>, pad: Vec<u8> },
    Other { call: Box<Call<'a>>, last: Array2<f64> },
}

impl Source<'_> {
    fn own(make: impl Fn() -> Ready + 'static) -> Self {
        let ready = Box::new(make());
        Self::Own { make: Box::new(make), ready, pad: Vec::new() }
    }

    fn isa(&self) -> Option<&'static str> {
        match self {
            Self::Own { ready, .. } => Some(ready.isa().vectorised_name()),
            Self::Other { .. } => None,
        }
    }
}

/// Units of memory, 16 bytes each, that a model may be moved by.
const PLACES: u32 = 4096;

/// A forecast: from a window (lag, d) and n to states (n, d).
type Call<'a> = dyn FnMut(ArrayView2<'_, f64>, usize) -> Array2<f64> + 'a;

// A function has no text.
impl fmt::Debug for Forecaster<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Forecaster").field("name", &self.name).finish_non_exhaustive()
    }
}

impl<'a> Forecaster<'a> {
    /// Any model: `call` forecasts n states (n, d) from a window (lag, d), oldest first.
    pub fn of(
        name: &str,
        lag: usize,
        d: usize,
        parameters: usize,
        call: impl FnMut(ArrayView2<'_, f64>, usize) -> Array2<f64> + 'a,
    ) -> Self {
        Self {
            name: name.to_owned(),
            kind: Kind::of_name(name, Some(lag), None, None),
            lag,
            d,
            parameters,
            parameter_len_bytes: size_of::<f64>(),
            flops_per_step: None,
            bytes_per_step: parameters * size_of::<f64>(),
            waits_per_step: 0,
            isa: None,
            training_seconds: None,
            source: Source::Other { call: Box::new(call), last: Array2::zeros((0, d)) },
        }
    }

    /// An autoregression, for forecasts of up to `steps` steps.
    pub fn mvar(name: &str, model: &mvar::Model, steps: usize) -> Self {
        let (lag, d, model) = (model.p(), model.d(), model.clone());
        let source = Source::own(move || Ready::mvar(&model, steps));
        Self {
            name: name.to_owned(),
            kind: Kind::Mvar { lag },
            lag,
            d,
            parameters: d + lag * d * d,
            parameter_len_bytes: size_of::<f64>(),
            flops_per_step: Some(2 * (lag * d * d) as u64),
            // Two steps read all lags but the newest once.
            bytes_per_step: size_of::<f64>() * (d + (lag + 1) * d * d / 2),
            // The newest state comes last in every sum.
            waits_per_step: d,
            isa: source.isa(),
            training_seconds: None,
            source,
        }
    }

    /// A network, for forecasts of up to `steps` steps.
    pub fn lstm(name: &str, model: &lstm::Model, steps: usize) -> Self {
        let (lag, d, h) = (model.lag(), model.net().d(), model.net().units());
        let (parts, own) = (model.net().parts(), model.clone());
        let source = Source::own(move || Ready::lstm(&own, steps));
        let inputs = (0..parts.layers.len()).map(|layer| if layer == 0 { d } else { h });
        let weights: usize = inputs.map(|inputs| 4 * h * (inputs + h)).sum();
        // Gates add the newest state or the layer below, then the units; four sums make an output.
        let waits = d + h + (parts.layers.len() - 1) * 2 * h + h / 4;
        let norm = if parts.norm.is_some() { 2 * h } else { 0 };
        let parameters = weights + 8 * h * parts.layers.len() + norm + h * d + d;
        Self {
            name: name.to_owned(),
            kind: Kind::Lstm { hidden: h, layers: parts.layers.len() },
            lag,
            d,
            parameters,
            parameter_len_bytes: size_of::<f32>(),
            flops_per_step: Some(2 * (lag * weights + h * d) as u64),
            // All windows that hold the newest state go on by one cell together.
            bytes_per_step: size_of::<f32>() * parameters,
            waits_per_step: waits,
            isa: source.isa(),
            training_seconds: model.training().map(|training| training.time.as_secs_f64()),
            source,
        }
    }

    /// The model with the seconds of its training.
    #[must_use]
    pub fn trained_in(self, seconds: Option<f64>) -> Self {
        Self { training_seconds: seconds, ..self }
    }

    /// Bytes of all parameters.
    pub fn parameter_bytes(&self) -> usize {
        self.parameters * self.parameter_len_bytes
    }

    /// Puts a model of ours to another place in memory, which `seed` chooses; says whether it did.
    ///
    /// Two copies of one model can differ by a hundredth in speed, for where they lie: that is no
    /// property of the model.
    pub fn move_to(&mut self, seed: u64) -> bool {
        let Source::Own { make, ready, pad } = &mut self.source else { return false };
        let units = input::integers(seed, 1, 0..=PLACES)[0] as usize;
        *pad = vec![0; 16 * units];
        // The old one is there until the new one is, which cannot take its place.
        let next = Box::new(make());
        *ready = next;
        true
    }

    /// Forecasts `steps` states from a window (lag, d), oldest first.
    pub fn forecast(&mut self, window: ArrayView2<'_, f64>, steps: usize) -> ArrayView2<'_, f64> {
        match &mut self.source {
            Source::Own { ready, .. } => ready.forecast(window, steps),
            Source::Other { call, last } => {
                *last = call(window, steps);
                last.view()
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::close;
    use ndarray::s;

    #[test]
    fn operations_and_parameters_are_counted_with_lag_head_and_intercept() {
        let (mvar, lstm) = (mvar::fixtures::lorenz96(), lstm::fixtures::lorenz96());
        let mvar = Forecaster::mvar("MVAR", &mvar, 1);
        assert_eq!((mvar.parameters, mvar.flops_per_step), (2020, Some(4000)), "mvar");
        assert_eq!(mvar.parameter_bytes(), 16_160, "f64");
        // Six of ten blocks of 400 numbers in two steps.
        assert_eq!(mvar.bytes_per_step, 8 * (6 * 400 / 2 + 20), "read");
        assert_eq!(mvar.waits_per_step, 20, "the newest of five lags");
        let lstm = Forecaster::lstm("LSTM", &lstm, 1);
        // Five cells of 43,008 operations and a head of 2 * 64 * 20.
        assert_eq!((lstm.parameters, lstm.flops_per_step), (23_444, Some(217_600)), "lstm");
        assert_eq!(lstm.parameter_bytes(), 93_776, "f32");
        assert_eq!(lstm.waits_per_step, 20 + 64 + 16, "state, units, a fourth of the head");
    }

    #[test]
    fn the_timed_forecast_has_the_bits_of_the_saved_model() {
        let folder = tempfile::tempdir().unwrap();
        let states = mvar::fixtures::states();
        let window = states.slice(s![..5, ..]);
        let path = folder.path().join("mvar.npz");
        let model = mvar::fixtures::lorenz96();
        model.save(&path).unwrap();
        let saved = mvar::Model::load(&path).unwrap().model.forecast(window, 100);
        let mut forecaster = Forecaster::mvar("MVAR", &model, 100);
        assert!(forecaster.move_to(1) && forecaster.move_to(2), "to another place");
        let got = forecaster.forecast(window, 100);
        close::bits("mvar", got.as_slice().unwrap(), saved.as_slice().unwrap()).unwrap();
        let path = folder.path().join("lstm.pt");
        let model = lstm::fixtures::lorenz96();
        model.save(&path).unwrap();
        let saved = lstm::Model::load(&path, &lstm::model::Options::default()).unwrap();
        let saved = saved.forecast(window, 100);
        let mut forecaster = Forecaster::lstm("LSTM", &model, 100);
        assert!(forecaster.move_to(1), "to another place");
        let got = forecaster.forecast(window, 100);
        close::bits("lstm", got.as_slice().unwrap(), saved.as_slice().unwrap()).unwrap();
    }
}
