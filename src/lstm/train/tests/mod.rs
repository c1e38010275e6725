use proptest::prelude::*;

use super::loss::{states, weight};
use super::*;
use crate::input;
use crate::lstm::cell::forecast_scalar;
use crate::lstm::net::Scale;
use crate::machine::isa::Isa;

mod fit;

fn parameters(shape: &Shape, seed: u64) -> Vec<f64> {
    input::gaussian(seed, shape.len(), 0.4)
}

/// Numbers in steps of `d` that are shifted and stretched, then normalised as windows are.
fn normalised(raw: &[f64], d: usize) -> Vec<f64> {
    let mean: ndarray::Array1<f64> = (0..d).map(|i| 3.0 * i as f64 - 2.0).collect();
    let scale = Scale::new(mean.clone(), mean.mapv(|m| 0.5 + m.abs())).unwrap();
    let stretched: Vec<_> =
        raw.iter().zip((0..d).cycle()).map(|(x, i)| mean[i] + (1.0 + mean[i].abs()) * x).collect();
    let mut to = vec![0.0; raw.len()];
    scale.apply(&stretched, &mut to);
    to.into_iter().map(f64::from).collect()
}

fn shapes() -> impl Strategy<Value = Shape> {
    (1_usize..4, 2_usize..5, 1_usize..5, any::<bool>(), any::<bool>())
        .prop_map(|(d, units, layers, norm, residual)| Shape { d, units, layers, norm, residual })
}

proptest! {
    #[test]
    fn outputs_are_those_of_the_definition(shape in shapes(), lag in 1_usize..5, seed in 0_u64..999) {
        let narrow: Vec<f32> = parameters(&shape, seed).into_iter().map(f32::from_f64).collect();
        let wide: Vec<f64> = narrow.iter().map(|x| f64::from(*x)).collect();
        let net = shape.net(&narrow).unwrap();
        let x = input::gaussian(seed + 1, lag * 2 * shape.d, 1.0);
        let mut tape = Tape::new(shape, lag, 2);
        tape.load(&wide);
        let y = tape.forward(&x, None).to_vec();
        for b in 0..2 {
            let window = ndarray::Array2::from_shape_fn((lag, shape.d), |(t, i)| {
                x[(b * lag + t) * shape.d + i]
            });
            let want = forecast_scalar(&net, window.view()).y;
            for i in 0..shape.d {
                let far = (y[b * shape.d + i] - want[i]).abs();
                prop_assert!(far < 1e-12, "component {i} of sample {b} is off by {far:e}");
            }
        }
    }

    #[test]
    fn gradients_are_those_of_central_differences(
        shape in shapes(),
        lag in 1_usize..5,
        samples in 1_usize..4,
        seed in 0_u64..999,
        multistep in proptest::option::of((2_usize..5, 0.0_f64..=1.0)),
        rate in proptest::option::of(0.1_f64..0.6),
        sampled in any::<bool>(),
        is_normalised in any::<bool>(),
        limit in proptest::option::of(0.01_f64..5.0),
        decay in prop_oneof![Just(0.0), 1e-5..0.5],
    ) {
        let multistep = multistep.map(|(k_steps, alpha)| Multistep { k_steps, alpha });
        let (p, step) = (parameters(&shape, seed), samples * shape.d);
        let weights: Vec<_> = (0..states(multistep)).map(|j| weight(multistep, j)).collect();
        let numbers = |seed, n| {
            let raw = input::gaussian(seed, n, 1.0);
            if is_normalised { normalised(&raw, shape.d) } else { raw }
        };
        let x = numbers(seed + 1, lag * step);
        let y: Vec<_> =
            (0..weights.len() as u64).map(|j| numbers(seed + 2 + j, step)).collect();
        let mut tape = Tape::new(shape, lag, samples);
        let mut generator = Generator::new(7);
        let mut batch = Batch { x, y, spare: Vec::new() };
        if sampled {
            sample(&mut tape, &p, &mut batch, 0.5, rate, &mut generator);
        }
        tape.load(&p);
        // What a rollout appends is data, so it stays while parameters move.
        let mut windows = vec![batch.x.clone()];
        let mut draws = generator.clone();
        for _ in 1..weights.len() {
            let last = windows.last().unwrap();
            let y = tape.forward(last, rate.map(|rate| (rate, &mut draws))).to_vec();
            let rows = last.chunks(lag * shape.d).zip(y.chunks(shape.d));
            windows.push(rows.flat_map(|(x, y)| [&x[shape.d..], y].concat()).collect());
        }
        let mut at = |p: &[f64]| {
            tape.load(p);
            let mut draws = generator.clone();
            let mut total = 0.0;
            for (j, window) in windows.iter().enumerate() {
                let found = tape.forward(window, rate.map(|rate| (rate, &mut draws)));
                let squares = found.iter().zip(&batch.y[j]).map(|(f, y)| (f - y) * (f - y)).sum::<f64>();
                total += weights[j] * squares / step as f64;
            }
            total
        };
        let numeric: Vec<_> = (0..p.len()).map(|k| {
            // Of fourth order, since normalising two units bends the loss sharply.
            let mut moved = |by: f64| {
                let mut p = p.clone();
                p[k] += by;
                at(&p)
            };
            let h = 2e-5;
            (8.0 * (moved(h) - moved(-h)) - (moved(2.0 * h) - moved(-2.0 * h))) / (12.0 * h)
        }).collect();
        let here = at(&p);
        let mut gradient = vec![0.0; p.len()];
        let mut draws = generator.clone();
        let dropout = rate.map(|rate| (rate, &mut draws));
        let [total, _] =
            loss(&mut tape, &p, &mut batch, multistep, dropout, Some(&mut gradient));
        prop_assert!((total - here).abs() <= 1e-12 * here.max(1.0), "loss {total} and {here}");
        let largest = numeric.iter().fold(1.0, |m: f64, g| m.max(g.abs()));
        for (tensor, k) in
            shape.tensors().iter().flat_map(|t| t.range.clone().map(move |k| (&t.name, k)))
        {
            let far = (gradient[k] - numeric[k]).abs() / largest;
            prop_assert!(far < 1e-7, "{tensor}: {} and {}", gradient[k], numeric[k]);
        }
        // What Adam takes as the gradient: clipped, then with the decay.
        let limit = limit.unwrap_or(f64::INFINITY);
        let norm = numeric.iter().map(|g| g * g).sum::<f64>().sqrt();
        // With the small number that PyTorch adds to the norm.
        let shrunk = (limit / (norm + 1e-6)).min(1.0);
        clip(&mut gradient, limit);
        let mut adam = Adam::new(p.len());
        adam.step(Isa::best(), &mut p.clone(), &gradient, 1e-3, decay);
        for (k, mean) in adam.mean.iter().enumerate() {
            let (found, want) = (mean / (1.0 - 0.9), shrunk * numeric[k] + decay * p[k]);
            let far = (found - want).abs() / largest;
            prop_assert!(far < 1e-7, "parameter {k} for Adam: {found} and {want}");
        }
    }
}

#[test]
fn a_batch_of_several_passes_has_the_loss_and_the_gradient_of_one_pass() {
    let shape = Shape { d: 3, units: 5, layers: 2, norm: true, residual: true };
    let (p, multistep) = (parameters(&shape, 5), Some(Multistep::default()));
    let run = |capacity| {
        let x = input::gaussian(6, 11 * 4 * 3, 1.0);
        let y = (0..5).map(|j| input::gaussian(7 + j, 11 * 3, 1.0)).collect();
        let mut batch = Batch { x, y, spare: Vec::new() };
        let (mut tape, mut gradient) = (Tape::new(shape, 4, capacity), vec![0.0; p.len()]);
        let found = loss(&mut tape, &p, &mut batch, multistep, None, Some(&mut gradient));
        gradient.extend(found);
        gradient
    };
    for (found, want) in run(4).iter().zip(run(11)) {
        assert!((found - want).abs() < 1e-13, "{found} and {want}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn gradients_in_f32_are_those_in_f64_by_every_instruction_set(
        shape in (1_usize..6, 1_usize..40, 1_usize..5, any::<bool>(), any::<bool>())
            .prop_map(|(d, units, layers, norm, residual)| Shape { d, units, layers, norm, residual }),
        lag in 1_usize..6,
        samples in 1_usize..9,
        seed in 0_u64..999,
        is_multistep in any::<bool>(),
        rate in proptest::option::of(0.1_f64..0.6),
    ) {
        // Normalising one or two units divides by almost nothing.
        let shape = Shape { norm: shape.norm && shape.units > 3, ..shape };
        let multistep = is_multistep.then(Multistep::default);
        let states = states(multistep) as u64;
        let step = samples * shape.d;
        let numbers = |seed, n| -> Vec<f32> {
            input::gaussian(seed, n, 0.4).into_iter().map(f32::from_f64).collect()
        };
        let p = numbers(seed, shape.len());
        let batch = Batch {
            x: numbers(seed + 1, lag * step),
            y: (0..states).map(|j| numbers(seed + 2 + j, step)).collect(),
            spare: Vec::new(),
        };
        fn gradient<R: Real>(
            mut tape: Tape<R>,
            p: &[R],
            mut batch: Batch<R>,
            multistep: Option<Multistep>,
            rate: Option<f64>,
        ) -> Vec<f64> {
            let (mut gradient, mut draws) = (vec![R::default(); p.len()], Generator::new(1));
            let dropout = rate.map(|rate| (rate, &mut draws));
            loss(&mut tape, p, &mut batch, multistep, dropout, Some(&mut gradient));
            gradient.into_iter().map(Into::into).collect()
        }
        let wide = |of: &[f32]| of.iter().map(|x| f64::from(*x)).collect::<Vec<_>>();
        let same = Batch {
            x: wide(&batch.x),
            y: batch.y.iter().map(|y| wide(y)).collect(),
            spare: Vec::new(),
        };
        // The second in several passes.
        let tape = Tape::new(shape, lag, samples);
        let want = gradient(tape, &wide(&p), same, multistep, rate.filter(|_| samples < 4));
        let most = want.iter().fold(1e-3, |m: f64, g| m.max(g.abs()));
        for isa in Isa::available() {
            let capacity = if samples < 4 { samples } else { 3 };
            let tape = Tape::with_isa(shape, lag, capacity, isa);
            let rate = rate.filter(|_| samples < 4);
            let found = gradient(tape, &p, batch.clone(), multistep, rate);
            for (k, (found, want)) in found.iter().zip(&want).enumerate() {
                let far = (found - want).abs() / most;
                prop_assert!(far < 1e-4, "{} of {}: {found} and {want}", k, isa.name());
            }
        }
    }
}
