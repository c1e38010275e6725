use proptest::prelude::*;

use super::loss::weights;
use super::*;
use crate::input;
use crate::lstm::cell::forecast_scalar;

fn parameters(shape: &Shape, seed: u64) -> Vec<f64> {
    input::gaussian(seed, shape.len(), 0.4)
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
    ) {
        let multistep = multistep.map(|(k_steps, alpha)| Multistep { k_steps, alpha });
        let (p, step) = (parameters(&shape, seed), samples * shape.d);
        let x = input::gaussian(seed + 1, lag * step, 1.0);
        let weights = weights(multistep);
        let y: Vec<_> = (0..weights.len() as u64)
            .map(|j| input::gaussian(seed + 2 + j, step, 1.0))
            .collect();
        let mut tape = Tape::new(shape, lag, samples);
        let mut generator = Generator::new(7);
        let mut batch = Batch { x, y, spare: Vec::new() };
        if sampled {
            sample(&mut tape, &p, &mut batch, 0.5, &mut generator);
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
            let h = 1e-4;
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
    }
}

#[test]
fn the_rate_of_sampling_rises_as_stated() {
    for (epoch, rate) in [(0, 0.0), (20, 0.0), (110, 0.15), (200, 0.3), (300, 0.4), (900, 0.5)] {
        assert!((sampling_rate(epoch) - rate).abs() < 1e-12, "epoch {epoch}");
    }
}

#[test]
fn sampling_replaces_all_states_but_the_first() {
    let shape = Shape { d: 2, units: 3, layers: 1, norm: true, residual: false };
    let p = parameters(&shape, 3);
    let (before, mut tape) = (input::gaussian(4, 5 * 6, 1.0), Tape::new(shape, 5, 2));
    let mut batch = Batch { x: before.clone(), ..Batch::default() };
    sample(&mut tape, &p, &mut batch, 1.0, &mut Generator::new(1));
    for (x, before) in batch.x.chunks(10).zip(before.chunks(10)) {
        assert_eq!(x[..2], before[..2], "the first");
        assert!(x[2..].iter().zip(&before[2..]).all(|(x, before)| x != before), "all others");
        let prefix = x[..2].repeat(5);
        assert_eq!(tape.forward(&prefix, None), &x[2..4], "the second is a forecast");
    }
    batch.x.clone_from(&before);
    sample(&mut tape, &p, &mut batch, 0.0, &mut Generator::new(1));
    assert_eq!(batch.x, before, "rate 0");
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
