use super::*;
use crate::mvar::step::{bound, step_scalar};
use crate::{close, input};
use ndarray::{Array1, Array2, Array3, ArrayView2, array, s};
use proptest::prelude::*;

/// Coefficients and constant of a model by seed, rounded to f32.
fn model(p: usize, d: usize) -> (Array3<f64>, Array1<f64>) {
    let values = rounded(input::gaussian((100 * p + d) as u64, p * d * d + d, 1.0));
    let (a, c) = values.split_at(p * d * d);
    let scale = 0.5 / (p * d) as f64;
    let a = a.iter().map(|w| f64::from_f64(*w) * scale).collect();
    let a = Array3::from_shape_vec((p, d, d), rounded(a)).unwrap();
    (a, Array1::from(c.to_vec()))
}

fn rounded(values: Vec<f64>) -> Vec<f64> {
    values.into_iter().map(|x| f32::from_f64(x).into()).collect()
}

fn reals<R: Real>(values: &[f64]) -> Vec<R> {
    values.iter().map(|x| R::from_f64(*x)).collect()
}

fn floats<R: Real>(values: &[R]) -> Vec<f64> {
    values.iter().map(|&x| x.into()).collect()
}

/// Requires every path at one size to be within the bound of the oracle, and of the same bits.
fn agree<R: Real>(isa: Isa, p: usize, d: usize) {
    let what = |path: &str| format!("{path}, {}, p = {p}, d = {d}", isa.name());
    let (a, c) = model(p, d);
    let packed = Packed::<R>::with_isa(a.view(), c.view(), isa);
    let n = 9;
    let mut x = vec![R::from_f64(f64::NAN); (p + n) * d];
    let start: Vec<R> = reals(&rounded(input::gaussian(d as u64, p * d, 1.0)));
    x[..p * d].copy_from_slice(&start);
    let mut sums = packed.sums();
    packed.rollout(&mut x, &mut sums);
    assert_eq!(x[..p * d], start, "{}", what("the start"));

    for t in p..p + n {
        let window = &x[(t - p) * d..t * d];
        let (mut want, past) = (Array1::zeros(d), floats(window));
        let past = ArrayView2::from_shape((p, d), &past).unwrap();
        step_scalar(a.view(), c.view(), past, want.view_mut());
        let bound = bound(a.view(), c.view(), past, R::EPSILON).to_vec();
        let row = &x[t * d..][..d];
        let within = close::within("y", &floats(row), &want.to_vec(), &bound);
        assert_eq!(within, Ok(()), "{}", what("a rollout"));
        let mut y = vec![R::default(); d];
        packed.step(window, &mut y);
        assert_eq!(
            close::bits("y", &floats(&y), &floats(row)),
            Ok(()),
            "{}",
            what("a step from a window")
        );
    }

    for n in 0..3 {
        let mut short = x[..(p + n) * d].to_vec();
        short[p * d..].fill(R::default());
        packed.rollout(&mut short, &mut sums);
        let same = close::bits("x", &floats(&short), &floats(&x[..short.len()]));
        assert_eq!(same, Ok(()), "{}", what("a short rollout"));
    }

    packed.start(&x[..(p - 1) * d], &mut sums);
    for t in p..p + n {
        let mut y = vec![R::default(); d];
        packed.advance(&x[(t - 1) * d..][..d], &mut y, &mut sums);
        assert_eq!(
            close::bits("y", &floats(&y), &floats(&x[t * d..][..d])),
            Ok(()),
            "{}, row {t}",
            what("a step from sums")
        );
    }

    for batch in 1..=n {
        let windows: Vec<R> = (0..batch).flat_map(|t| x[t * d..][..p * d].to_vec()).collect();
        let mut y = vec![R::default(); batch * d];
        packed.batch(&windows, &mut y);
        let same = close::bits("y", &floats(&y), &floats(&x[p * d..][..batch * d]));
        assert_eq!(same, Ok(()), "{}", what("a batch"));
    }
}

#[test]
fn every_path_agrees_with_the_oracle_and_with_each_other_at_every_size() {
    for (p, d) in (1..=6).flat_map(|p| (1..=40).map(move |d| (p, d))) {
        for isa in Isa::available() {
            agree::<f64>(isa, p, d);
            agree::<f32>(isa, p, d);
        }
    }
    // Several groups of panels, with and without a tail.
    for (isa, d) in Isa::available().flat_map(|isa| [64, 67, 100, 133].map(|d| (isa, d))) {
        agree::<f64>(isa, 2, d);
        agree::<f32>(isa, 2, d);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn every_path_agrees_at_sizes_drawn((p, d) in (1_usize..=30, 1_usize..=150)) {
        for isa in Isa::available() {
            agree::<f64>(isa, p, d);
            agree::<f32>(isa, p, d);
        }
    }

    #[test]
    fn avx2_and_avx_512_leave_the_same_bits((p, d) in (1_usize..=6, 1_usize..=150)) {
        let fused = Isa::available().filter(|isa| *isa != Isa::Scalar);
        let all: Vec<_> = fused.map(|isa| (trajectory::<f64>(isa, p, d), trajectory::<f32>(isa, p, d))).collect();
        prop_assert!(all.windows(2).all(|pair| pair[0] == pair[1]), "p = {}, d = {}", p, d);
    }
}

/// A rollout of nine steps.
fn trajectory<R: Real>(isa: Isa, p: usize, d: usize) -> Vec<R> {
    let (a, c) = model(p, d);
    let packed = Packed::<R>::with_isa(a.view(), c.view(), isa);
    let mut x: Vec<R> = reals(&rounded(input::gaussian(d as u64, (p + 9) * d, 1.0)));
    packed.rollout(&mut x, &mut packed.sums());
    x
}

#[test]
fn worked_by_hand() {
    let a = array![[[0.5, 0.0], [0.0, 0.5]], [[1.0, 2.0], [0.0, -1.0]]];
    let c = array![10.0, 20.0];
    let packed = Packed::<f64>::new(a.view(), c.view());
    // 10 + 2 + (1 + 6) and 20 + 4 - 3, then 10 + 0.5 + (19 + 42) and 20 + 1.5 - 21
    let mut x = [4.0, 8.0, 1.0, 3.0, 0.0, 0.0, 0.0, 0.0];
    packed.rollout(&mut x, &mut packed.sums());
    assert_eq!(x[4..], [19.0, 21.0, 71.5, 0.5], "a rollout");
}

#[test]
fn a_weight_acts_on_its_own_lag_and_component() {
    let (p, d) = (3, 5);
    for (k, i, j) in [(0, 0, 4), (1, 4, 2), (2, 3, 3)] {
        let mut a = Array3::zeros((p, d, d));
        a[[k, i, j]] = 2.0;
        let window = Array2::from_shape_fn((p, d), |(k, j)| (10 * k + j) as f64);
        let mut y = [0.0; 5];
        let packed = Packed::<f64>::new(a.view(), Array1::zeros(d).view());
        packed.step(window.as_slice().unwrap(), &mut y);
        let mut want = [0.0; 5];
        want[i] = 2.0 * window[[k, j]];
        assert_eq!(y, want, "lag {k}, {j} on {i}");
    }
}

#[test]
fn the_order_of_the_lags_and_the_constant_matter() {
    let a = Array3::from_shape_vec((2, 3, 3), input::gaussian(3, 18, 0.3)).unwrap();
    let (c, zero) = (array![1.0, -2.0, 0.5], Array1::zeros(3));
    let window = Array2::from_shape_vec((2, 3), input::gaussian(4, 6, 1.0)).unwrap();
    let next = |a: ArrayView3<'_, f64>, c: &Array1<f64>| {
        let mut y = vec![0.0; 3];
        Packed::new(a, c.view()).step(window.as_slice().unwrap(), &mut y);
        y
    };
    let bound = bound(a.view(), c.view(), window.view(), f64::EPSILON).to_vec();
    let right = next(a.view(), &c);
    let swapped = next(a.slice(s![..;-1, .., ..]), &c);
    assert!(close::within("y", &swapped, &right, &bound).is_err(), "lags swapped");
    assert!(close::within("y", &next(a.view(), &zero), &right, &bound).is_err(), "no constant");
}

#[test]
fn what_is_not_finite_goes_where_the_oracle_takes_it() {
    for isa in Isa::available() {
        for bad in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
            for (p, d) in [(1, 1), (2, 11), (3, 8), (5, 20), (4, 37), (2, 67)] {
                for at in [[0, 0], [0, d - 1], [p / 2, d / 2], [p - 1, d - 1]] {
                    follows_the_oracle::<f64>(isa, (p, d), at, bad);
                    follows_the_oracle::<f32>(isa, (p, d), at, bad);
                }
            }
        }
    }
}

fn follows_the_oracle<R: Real>(isa: Isa, (p, d): (usize, usize), at: [usize; 2], bad: f64) {
    let (mut a, c) = model(p, d);
    a.slice_mut(s![.., d / 2, ..]).fill(0.0);
    let mut window = Array2::from_elem((p, d), 1.0);
    window[at] = bad;
    let mut want = Array1::zeros(d);
    step_scalar(a.view(), c.view(), window.view(), want.view_mut());
    assert!(want[d / 2].is_nan(), "0 times {bad}");
    let far = bound(a.view(), c.view(), Array2::ones((p, d)).view(), R::EPSILON);
    let follows = |y: &[R], path: &str| {
        for (i, (got, want)) in floats(y).into_iter().zip(&want).enumerate() {
            // Bits of NaN may differ.
            let same = got == *want || got.is_nan() && want.is_nan();
            let near = (got - want).abs() <= far[i];
            let what = format!("{bad} at {at:?} of {p}, {d}, {}, {path}", isa.name());
            assert!(same || near, "{what}: y[{i}] is {got}, not {want}");
        }
    };
    let window: Vec<R> = reals(window.as_slice().unwrap());
    let packed = Packed::<R>::with_isa(a.view(), c.view(), isa);
    let (mut y, mut sums) = (vec![R::default(); d], packed.sums());
    packed.step(&window, &mut y);
    follows(&y, "a step from a window");
    let mut x = [&window[..], &vec![R::default(); d]].concat();
    packed.rollout(&mut x, &mut sums);
    follows(&x[p * d..], "a rollout");
    packed.start(&x[..(p - 1) * d], &mut sums);
    packed.advance(&x[(p - 1) * d..p * d], &mut y, &mut sums);
    follows(&y, "a step from sums");

    // Among others, which it leaves as they are.
    let mut windows = vec![R::from_f64(1.0); 9 * p * d];
    let (mut all, mut others) = (vec![R::default(); 9 * d], vec![R::default(); 9 * d]);
    packed.batch(&windows, &mut others);
    windows[4 * p * d..5 * p * d].copy_from_slice(&window);
    packed.batch(&windows, &mut all);
    follows(&all[4 * d..5 * d], "a batch");
    all[4 * d..5 * d].copy_from_slice(&others[4 * d..5 * d]);
    assert_eq!(close::bits("y", &floats(&all), &floats(&others)), Ok(()), "{bad}, a batch");
}

#[test]
fn a_nan_is_gone_once_no_window_holds_it() {
    for (isa, (p, d)) in
        Isa::available().flat_map(|isa| [(1, 3), (3, 8), (5, 20), (2, 67)].map(|s| (isa, s)))
    {
        let (a, c) = model(p, d);
        let packed = Packed::<f64>::with_isa(a.view(), c.view(), isa);
        let mut x = input::gaussian(d as u64, (3 * p + 2) * d, 1.0);
        x[p * d + d / 2] = f64::NAN;
        let (mut y, mut want, mut sums) = (vec![0.0; d], vec![0.0; d], packed.sums());
        packed.start(&x[..(p - 1) * d], &mut sums);
        for t in p - 1..3 * p + 2 {
            packed.advance(&x[t * d..][..d], &mut y, &mut sums);
            packed.step(&x[(t + 1 - p) * d..][..p * d], &mut want);
            let what = format!("after row {t} of {p}, {d}, {}", isa.name());
            assert_eq!(y.iter().all(|y| y.is_nan()), (p..2 * p).contains(&t), "{what}");
            let same = y.iter().zip(&want).all(|(a, b)| a == b || a.is_nan() && b.is_nan());
            assert!(same, "{what}: {y:?}, not {want:?}");
        }
    }
}

#[test]
#[should_panic(expected = "the sums were not started")]
fn a_rollout_leaves_no_sums_to_go_on_from() {
    let (a, c) = model(2, 3);
    let packed = Packed::<f64>::new(a.view(), c.view());
    let mut sums = packed.sums();
    packed.start(&[0.0; 3], &mut sums);
    packed.rollout(&mut [0.0; 9], &mut sums);
    packed.advance(&[0.0; 3], &mut [0.0; 3], &mut sums);
}

#[test]
#[should_panic(expected = "the sums are of another size")]
fn sums_of_another_lag_are_refused() {
    // As many numbers: rows of 16 at lag 2, of 8 at lag 5.
    let packed = |p, d| {
        let (a, c) = model(p, d);
        Packed::<f64>::new(a.view(), c.view())
    };
    let mut sums = packed(5, 8).sums();
    packed(2, 16).start(&[0.0; 16], &mut sums);
}
