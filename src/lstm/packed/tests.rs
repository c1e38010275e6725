use super::*;
use crate::close;
use crate::input::uniform;
use crate::lstm::cases::{Size, judge, synthetic};
use crate::lstm::cell::{forecast_scalar, rollout_scalar};
use ndarray::{Array2, ArrayView2, s};
use proptest::prelude::*;

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

/// Requires every part of a forecast within its bound, and a rollout, steps of their own, and batches
/// of 1 to `most` windows to have the bits of forecasts; returns those.
fn agree(net: &Net, lag: usize, most: usize, isa: Isa) -> Result<Vec<f32>, String> {
    let d = net.d();
    let packed = Packed::with_isa(net, isa);
    let mut x = vec![f32::NAN; (lag + most) * d];
    x[..lag * d].copy_from_slice(&uniform((lag * d) as u64, lag * d, -2.0, 2.0));
    let (mut flight, mut buffers) = (packed.flight(lag), packed.buffers(lag));
    packed.rollout(&mut x, &mut flight);
    let mut y = vec![0.0; d];
    for t in 0..most {
        let (window, next) = (&x[t * d..][..lag * d], &x[(t + lag) * d..][..d]);
        packed.forecast(window, &mut buffers, &mut y);
        close::bits("a rollout", next, &y)?;
        judge(net, window, &buffers, Some(&y))?;
    }
    packed.start(&x[..(lag - 1) * d], &mut flight);
    for t in lag - 1..lag - 1 + most {
        packed.advance(&x[t * d..][..d], &mut y, &mut flight);
        close::bits("a step", &y, &x[(t + 1) * d..][..d])?;
    }
    for n in 1..=most {
        let windows: Vec<f32> = (0..n).flat_map(|t| x[t * d..][..lag * d].to_vec()).collect();
        let mut y = vec![0.0; n * d];
        packed.batch(&windows, &mut buffers, &mut y);
        close::bits("a batch", &y, &x[lag * d..][..n * d])?;
    }
    Ok(x)
}

/// Requires that of every instruction set, and the same bits of those that round alike.
fn agree_everywhere(size: Size, lag: usize, most: usize, norm: bool, residual: bool) {
    let net = synthetic((size.h + size.d) as u64, size, norm, residual);
    let mut fused: Option<Vec<f32>> = None;
    for isa in Isa::available() {
        let what = format!("{size:?}, lag {lag}, {}", isa.name());
        let x = agree(&net, lag, most, isa).unwrap_or_else(|e| panic!("{what}: {e}"));
        if isa != Isa::Scalar {
            let want = fused.get_or_insert_with(|| x.clone());
            assert_eq!(close::bits("x", &x, want), Ok(()), "{what}");
        }
    }
}

#[test]
fn every_path_agrees_with_the_oracle_and_the_others_at_every_width() {
    for h in 1..=40 {
        let size = Size { d: 1 + (7 * h) % 40, h, layers: 1 + h % 3 };
        agree_everywhere(size, 1 + h % 5, 3, h % 2 == 0, h % 3 == 0);
    }
}

#[test]
fn every_path_agrees_at_every_number_of_layers_lag_and_batch() {
    for (layers, lag) in (1..=4).flat_map(|layers| (1..=8).map(move |lag| (layers, lag))) {
        agree_everywhere(Size { d: 3, h: 17, layers }, lag, 9, lag % 2 == 0, layers % 2 == 0);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn every_path_agrees_at_sizes_drawn(
        (d, h, layers) in (1_usize..=70, 1_usize..=70, 1_usize..=4),
        (lag, most) in (1_usize..=12, 1_usize..=9),
        (norm, residual) in any::<(bool, bool)>(),
    ) {
        agree_everywhere(Size { d, h, layers }, lag, most, norm, residual);
    }
}

#[test]
fn a_batch_of_several_chunks_has_the_bits_of_forecasts() {
    let size = Size { d: 5, h: 20, layers: 2 };
    let (net, lag) = (synthetic(2, size, true, true), 3);
    for isa in Isa::available() {
        let packed = Packed::with_isa(&net, isa);
        let (mut buffers, mut one) = (packed.buffers(lag), packed.buffers(lag));
        for n in [0, Buffers::MANY - 1, Buffers::MANY, Buffers::MANY + 1, 2 * Buffers::MANY + 7] {
            let x = uniform(n as u64, n * lag * 5, -2.0, 2.0);
            let (mut y, mut want) = (vec![0.0; n * 5], vec![0.0; n * 5]);
            packed.batch(&x, &mut buffers, &mut y);
            for (x, want) in x.chunks(lag * 5).zip(want.chunks_mut(5)) {
                packed.forecast(x, &mut one, want);
            }
            assert_eq!(close::bits("y", &y, &want), Ok(()), "{n} windows, {}", isa.name());
        }
    }
}

#[test]
fn the_largest_weights_saturate_gates() {
    let mut parts = synthetic(8, Size { d: 3, h: 11, layers: 2 }, true, true).parts().clone();
    for (row, sign) in [(2, 1.0), (13, -1.0), (24, 1.0), (35, -1.0)] {
        for layer in &mut parts.layers {
            layer.b_ih[row] = sign * net::LARGEST;
            layer.b_hh[row] = sign * net::LARGEST;
            layer.w_hh[[row, 1]] = sign * net::LARGEST;
        }
    }
    let net = Net::new(parts).unwrap();
    for isa in Isa::available() {
        agree(&net, 4, 5, isa).unwrap_or_else(|e| panic!("{}: {e}", isa.name()));
    }
}

#[test]
fn what_is_not_finite_goes_where_the_oracle_takes_it() {
    let (d, h, lag) = (3, 11, 4);
    for (layers, norm, residual) in [(1, false, false), (2, true, true)] {
        let mut parts = synthetic(8, Size { d, h, layers }, norm, residual).parts().clone();
        // A weight of zero makes NaN of infinity.
        parts.layers[0].w_ih[[4, 1]] = 0.0;
        for (bad, t) in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY, 1e30]
            .into_iter()
            .flat_map(|bad| [(bad, 0), (bad, lag - 1)])
        {
            for zero in [true, false] {
                if !zero {
                    parts.layers[0].w_ih[[4, 1]] = 0.5;
                }
                let net = Net::new(parts.clone()).unwrap();
                let mut window = uniform(9, lag * d, -1.0, 1.0);
                window[t * d + 1] = bad;
                let want = forecast_scalar(&net, wide(&window, d).view());
                for isa in Isa::available() {
                    let packed = Packed::with_isa(&net, isa);
                    let (mut buffers, mut y) = (packed.buffers(lag), vec![0.0; d]);
                    packed.forecast(&window, &mut buffers, &mut y);
                    let what = format!("{bad} at {t}, {}, layers {layers}", isa.name());
                    same("y", &y, want.y.iter().copied(), &what);
                    for l in 0..layers {
                        let h = want.h.slice(s![l, lag - 1, ..]);
                        same("h", buffers.hidden(l, lag), h.iter().copied(), &what);
                    }
                    let mut x = [window.clone(), vec![0.0; d]].concat();
                    packed.rollout(&mut x, &mut packed.flight(lag));
                    same("a rollout", &x[lag * d..], want.y.iter().copied(), &what);
                    // Among others, which it leaves as they are.
                    let mut windows = uniform(10, 9 * lag * d, -1.0, 1.0);
                    let mut others = vec![0.0; 9 * d];
                    packed.batch(&windows, &mut buffers, &mut others);
                    windows[4 * lag * d..5 * lag * d].copy_from_slice(&window);
                    let mut all = vec![0.0; 9 * d];
                    packed.batch(&windows, &mut buffers, &mut all);
                    same("a batch", &all[4 * d..5 * d], want.y.iter().copied(), &what);
                    for i in (0..9 * d).filter(|i| i / d != 4) {
                        assert_eq!(all[i].to_bits(), others[i].to_bits(), "a batch, {what}");
                    }
                }
            }
        }
    }
}

/// Requires NaN for NaN, infinity for infinity, and numbers that are near.
fn same(part: &str, got: &[f32], want: impl Iterator<Item = f64>, what: &str) {
    for (i, (got, want)) in got.iter().map(|x| f64::from(*x)).zip(want).enumerate() {
        let near = (got - want).abs() <= 1e-5 * want.abs().max(1.0);
        let same =
            if want.is_finite() { near } else { got == want || got.is_nan() && want.is_nan() };
        assert!(same, "{part}[{i}], {what}: {got}, not {want}");
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
    let far = y.iter().zip(&want.y).map(|(y, w)| (f64::from(*y) - w).abs());
    let far = far.fold(0.0, |a: f64, b| if b <= a { a } else { b });
    assert!(far < 2e-6, "off by {far:e}");
    let last = buffers.cell(1, 5).iter().zip(want.c.slice(s![1, 4, ..]));
    assert!(last.into_iter().all(|(c, w)| (f64::from(*c) - w).abs() < 1e-6), "last cell state");
}

#[test]
fn one_changed_weight_or_a_stale_state_is_found() {
    let net = synthetic(5, Size { d: 3, h: 9, layers: 2 }, true, true);
    let window = uniform(6, 4 * 3, -2.0, 2.0);
    let change = |f: &dyn Fn(&mut net::Parts)| {
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
    let start = uniform(8, (lag + n) * d, -1.0, 1.0);
    let (mut x, mut again, mut want) = (start.clone(), start.clone(), wide(&start, d));
    let mut flight = packed.flight(lag);
    packed.rollout(&mut x, &mut flight);
    packed.rollout(&mut again, &mut flight);
    assert_eq!(close::bits("x", &again, &x), Ok(()), "the same room again");
    rollout_scalar(&net, lag, &mut want);
    let far =
        (wide(&x, d) - want).mapv(f64::abs).fold(0.0, |a: f64, b| if *b <= a { a } else { *b });
    assert!(far < 1e-5, "off by {far:e}");
}

#[test]
#[should_panic(expected = "were not started")]
fn windows_that_know_too_little_do_not_advance() {
    let net = synthetic(7, Size { d: 2, h: 3, layers: 1 }, true, false);
    let packed = Packed::new(&net);
    packed.advance(&[0.0; 2], &mut [0.0; 2], &mut packed.flight(3));
}

#[test]
fn a_scaled_forecast_is_a_rollout_in_normalised_states() {
    let (d, lag, n) = (2, 2, 3);
    let net = synthetic(9, Size { d, h: 4, layers: 1 }, false, true);
    let packed = Packed::new(&net);
    let scale = Scale::new(ndarray::array![3.0, -1.0], ndarray::array![2.0, 0.5]).unwrap();
    let window = [4.0, -1.0, 2.0, 0.0];
    let (mut x, mut y) = (vec![0.0; (lag + n) * d], vec![0.0; n * d]);
    packed.forecast_scaled(&scale, &window, &mut x, &mut packed.flight(lag), &mut y);
    let mut want = vec![0.5, 0.0, -0.5, 2.0];
    want.resize((lag + n) * d, 0.0);
    packed.rollout(&mut want, &mut packed.flight(lag));
    assert_eq!(x, want, "normalised");
    let first = [f64::from(want[4]) * 2.0 + 3.0, f64::from(want[5]) * 0.5 - 1.0];
    assert_eq!(y[..2], first, "in the units of the data");
}
