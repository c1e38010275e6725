//! A model with all the room that its forecasts take: the one function that evaluates and is timed.

use ndarray::{Array2, ArrayView2};

use crate::machine::isa::Isa;
use crate::{lstm, mvar};

/// A model made ready for forecasts, each of up to a number of steps; none asks the heap for memory.
#[derive(Debug)]
pub struct Ready {
    lag: usize,
    d: usize,
    kind: Kind,
}

#[derive(Debug)]
enum Kind {
    Mvar {
        packed: mvar::Packed<f64>,
        sums: mvar::packed::Sums<f64>,
        /// The window, then the forecast.
        x: Vec<f64>,
    },
    Lstm {
        packed: Box<lstm::packed::Packed>,
        scale: lstm::net::Scale,
        flight: Box<lstm::packed::Flight>,
        /// The normalised window, then the normalised forecast.
        x: Vec<f32>,
        y: Vec<f64>,
    },
}

impl Ready {
    /// An autoregression ready for forecasts of up to `steps` steps.
    pub fn mvar(model: &mvar::Model, steps: usize) -> Self {
        let (lag, d, packed) = (model.p(), model.d(), model.pack());
        let (sums, x) = (packed.sums(), vec![0.0; (lag + steps) * d]);
        Self { lag, d, kind: Kind::Mvar { packed, sums, x } }
    }

    /// A network ready for forecasts of up to `steps` steps.
    pub fn lstm(model: &lstm::Model, steps: usize) -> Self {
        let (lag, d, packed) = (model.lag(), model.net().d(), model.pack());
        let (flight, scale) = (Box::new(packed.flight(lag)), model.scale());
        let packed = Box::new(packed);
        let (x, y) = (vec![0.0; (lag + steps) * d], vec![0.0; steps * d]);
        Self { lag, d, kind: Kind::Lstm { packed, scale, flight, x, y } }
    }

    /// How many states a window has.
    pub fn lag(&self) -> usize {
        self.lag
    }

    /// How many components a state has.
    pub fn d(&self) -> usize {
        self.d
    }

    /// The instruction set of its kernels, by the name that records have.
    pub fn isa(&self) -> Isa {
        match &self.kind {
            Kind::Mvar { packed, .. } => packed.isa(),
            Kind::Lstm { packed, .. } => packed.isa(),
        }
    }

    /// Forecasts `steps` states (steps, d) from a window (lag, d), oldest first.
    ///
    /// # Panics
    ///
    /// If the window is of another shape, or there is no room for so many steps.
    pub fn forecast(&mut self, window: ArrayView2<'_, f64>, steps: usize) -> ArrayView2<'_, f64> {
        let (lag, d) = (self.lag, self.d);
        assert_eq!(window.dim(), (lag, d), "window is not of shape (lag, d)");
        let (first, all) = (lag * d, (lag + steps) * d);
        let states = match &mut self.kind {
            Kind::Mvar { packed, sums, x } => {
                x[..first].iter_mut().zip(&window).for_each(|(to, state)| *to = *state);
                packed.rollout(&mut x[..all], sums);
                &x[first..all]
            }
            Kind::Lstm { packed, scale, flight, x, y } => {
                let y = &mut y[..steps * d];
                match window.as_slice() {
                    Some(states) => {
                        packed.forecast_scaled(scale, states, &mut x[..all], flight, y);
                    }
                    None => {
                        let states: Vec<f64> = window.iter().copied().collect();
                        packed.forecast_scaled(scale, &states, &mut x[..all], flight, y);
                    }
                }
                &*y
            }
        };
        ArrayView2::from_shape((steps, d), states).expect("as many states as asked for")
    }

    /// The forecast as an array of its own.
    ///
    /// # Panics
    ///
    /// Those of [`Ready::forecast`].
    pub fn states(&mut self, window: ArrayView2<'_, f64>, steps: usize) -> Array2<f64> {
        self.forecast(window, steps).to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::close;
    use ndarray::s;

    #[test]
    fn forecasts_have_the_bits_of_the_models_whatever_came_before() {
        let states = mvar::fixtures::states();
        let (mvar, lstm) = (mvar::fixtures::lorenz96(), lstm::fixtures::lorenz96());
        let mut ready = [Ready::mvar(&mvar, 100), Ready::lstm(&lstm, 100)];
        for (at, steps) in [(0, 100), (7, 1), (3, 99), (0, 100), (2, 0)] {
            let window = states.slice(s![at..at + 5, ..]);
            let want = [mvar.forecast(window, steps), lstm.forecast(window, steps)];
            for (ready, want) in ready.iter_mut().zip(want) {
                let got = ready.states(window, steps);
                assert_eq!(got.dim(), (steps, 20), "shape");
                let (got, want) = (got.as_slice().unwrap(), want.as_slice().unwrap());
                close::bits("forecast", got, want).unwrap();
            }
        }
        // A window whose states do not lie one behind the other.
        let turned = states.slice(s![..5, ..]).reversed_axes().as_standard_layout().into_owned();
        let window = turned.view().reversed_axes();
        for ready in &mut ready {
            let want = ready.states(states.slice(s![..5, ..]), 3);
            assert_eq!(ready.states(window, 3), want, "another layout");
        }
    }
}
