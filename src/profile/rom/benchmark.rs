//! One call from models to profiles: what the original's `quick_benchmark` does.

use std::hint::black_box;
use std::time::Instant;

use ndarray::Array2;

use super::Error;
use super::comparison::Comparison;
use super::document::Profile;
use super::extended::Rates;
use super::forecaster::Forecaster;
use super::report::{self, Measured};
use super::trials::{Clock, Plan};
use super::windows::window;
use crate::machine::isa::Isa;
use crate::profile::core;
use crate::profile::memory::{self, Resident};

/// Trajectories whose memory is measured.
const TRAJECTORIES: usize = 10;

/// Runs an operation once, and returns its result and its seconds.
pub fn time_operation<T>(run: impl FnOnce() -> T) -> (T, f64) {
    let start = Instant::now();
    let result = black_box(run());
    (result, start.elapsed().as_secs_f64())
}

/// Profiles models from a window `z0` (longest lag, d), oldest state first, and compares them with the
/// first. Accuracy and energy are not measured.
///
/// # Errors
///
/// If a forecast is of another shape, not finite, not of its window alone or the same from any window;
/// or if the memory of this process is not known.
///
/// # Panics
///
/// If `z0` has fewer states than a window, other components than a model, or the plan has no step or
/// no trial.
pub fn benchmark(
    forecasters: &mut [Forecaster<'_>],
    z0: &Array2<f64>,
    plan: &Plan,
) -> Result<(Vec<Profile>, Comparison), Error> {
    assert!(plan.n_steps > 0 && plan.n_trials > 0, "a plan needs a step and a trial");
    let times = Clock::new(forecasters, z0, plan)?.trials(plan.n_trials)?;
    let arithmetic = core::arithmetic(Isa::best());
    let mut profiles = Vec::new();
    for (forecaster, times) in forecasters.iter_mut().zip(&times) {
        let read = core::read(Isa::best(), forecaster.parameter_bytes());
        let measured = Measured {
            times,
            used: used(forecaster, z0, plan)?,
            accuracy: Err("no states were given that the model has not seen".to_owned()),
            energy: Err("not measured by this call".to_owned()),
            rates: Rates::of(forecaster.parameter_len_bytes, &arithmetic, read),
        };
        profiles.push(report::profile(forecaster, measured, plan, ("a call", "a call")));
    }
    let comparison = report::comparison(&profiles, &times, &[]);
    Ok((profiles, comparison))
}

/// Memory during forecasts: bytes that are resident, and that a step asks the heap for.
pub(super) type Used = ((u64, u64), Result<f64, String>);

pub(super) fn used(
    forecaster: &mut Forecaster<'_>,
    z0: &Array2<f64>,
    plan: &Plan,
) -> Result<Used, Error> {
    let window = window(z0, forecaster);
    memory::forget_peak();
    for _ in 0..TRAJECTORIES {
        black_box(forecaster.forecast(window, plan.n_steps));
    }
    let Resident { peak_bytes, current_bytes } =
        memory::resident().map_err(|why| Error::Memory { why })?;
    let asked = memory::asked(|| {
        black_box(forecaster.forecast(window, plan.n_steps));
    });
    Ok(((peak_bytes, current_bytes), asked.map(|bytes| bytes as f64 / plan.n_steps as f64)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mvar;
    use ndarray::s;

    #[test]
    fn a_model_of_a_user_is_compared_with_one_of_ours() {
        let model = mvar::fixtures::lorenz96();
        let z0 = mvar::fixtures::states().slice(s![..5, ..]).to_owned();
        let plan = Plan { n_steps: 10, n_trials: 4, warmup: 1 };
        let mut forecasters = [
            Forecaster::mvar("MVAR", &model, plan.n_steps),
            Forecaster::of("mine", 5, 20, 7, |window, n| {
                let newest = window.row(4);
                let factor = |t: usize| (-0.1 * t as f64).exp();
                Array2::from_shape_fn((n, 20), |(t, k)| factor(t + 1) * newest[k])
            }),
        ];
        let (profiles, comparison) = benchmark(&mut forecasters, &z0, &plan).unwrap();
        let e = profiles[1].extended.as_ref().unwrap();
        assert_eq!((e.roof.is_none(), e.roof_reason.is_some()), (true, true), "{e:?}");
        assert_eq!((e.isa.is_none(), e.isa_reason.is_some()), (true, true), "{e:?}");
        assert_eq!(profiles[1].complexity.total_parameters, 7, "parameters");
        let Comparison::Of(compared) = comparison else { panic!("two models") };
        assert!(compared.inference_speedup["mine_vs_MVAR"] > 0.0, "{compared:?}");
    }

    #[test]
    fn an_operation_has_its_result_and_its_seconds() {
        let (result, seconds) = time_operation(|| {
            std::thread::sleep(std::time::Duration::from_millis(2));
            7
        });
        assert!(result == 7 && seconds >= 0.002, "{seconds}");
    }
}
