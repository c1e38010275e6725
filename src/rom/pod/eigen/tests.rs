use super::*;
use crate::input;
use ndarray::{Array1, s};

fn symmetric(n: usize, seed: u64) -> Array2<f64> {
    let half = Array2::from_shape_vec((n, n), input::gaussian(seed, n * n, 1.0)).unwrap();
    &half + &half.t()
}

/// Requires all vectors, by each instruction set, to have small residuals and to be orthonormal: then the
/// values are all there are. Returns those of the best.
fn judge(what: &str, matrix: &Array2<f64>) -> Vec<f64> {
    let all = Isa::available().map(|isa| judge_one(isa, what, matrix));
    all.last().unwrap()
}

fn judge_one(isa: Isa, what: &str, matrix: &Array2<f64>) -> Vec<f64> {
    let (n, what) = (matrix.nrows(), format!("{what} by {}", isa.name()));
    // In rows, whatever the product that made it.
    let mut copy = matrix.as_standard_layout().into_owned();
    // Nothing above the diagonal is read.
    for i in 0..n {
        copy.slice_mut(s![i, i + 1..]).fill(f64::NAN);
    }
    let eigen = Eigen::by(isa, copy.view_mut()).unwrap();
    let vectors = eigen.vectors(n).unwrap();
    assert!(eigen.values().is_sorted_by(|a, b| a >= b), "{what}: {:?}", eigen.values());
    for (value, x) in eigen.values().iter().zip(vectors.outer_iter()) {
        let residual = matrix.dot(&x) - *value * &x;
        let residual = residual.dot(&residual).sqrt();
        assert!(
            residual <= 4.0 * eigen.bound(),
            "{what}, {value}: {residual:e}, {:e}",
            eigen.bound()
        );
    }
    let apart = vectors.dot(&vectors.t()) - Array2::<f64>::eye(n);
    let apart = apart.iter().fold(0.0, |most: f64, x| most.max(x.abs()));
    assert!(apart < 1e-12, "{what}: off orthonormal by {apart:e}");
    eigen.values().to_vec()
}

#[test]
fn random_matrices_of_all_sizes_have_vectors_with_small_residuals() {
    for n in (1..=34).chain([49, 100, 131]) {
        judge(&format!("random {n}"), &symmetric(n, n as u64));
    }
}

#[test]
fn equal_eigenvalues_have_orthogonal_vectors() {
    assert_eq!(judge("identity", &Array2::eye(30)), [1.0; 30], "identity");
    assert_eq!(judge("zero", &Array2::zeros((9, 9))), [0.0; 9], "zero");
    let signs =
        Array2::from_diag(&Array1::from_shape_fn(40, |i| if i % 3 == 0 { -2.0 } else { 5.0 }));
    assert_eq!(judge("two values", &signs)[25..28], [5.0, -2.0, -2.0], "26 of one");
    // A ring: every eigenvalue but two is there twice.
    let ring = Array2::from_shape_fn((64, 64), |(i, j)| {
        let apart = (i + 64 - j) % 64;
        if apart == 1 || apart == 63 { 1.0 } else { 0.0 }
    });
    let values = judge("ring", &ring);
    for (k, value) in values.iter().enumerate() {
        let want = 2.0 * (std::f64::consts::TAU * k.div_ceil(2) as f64 / 64.0).cos();
        assert!((value - want).abs() < 1e-13, "{k}: {value} {want}");
    }
    let half = Array2::from_shape_vec((60, 4), input::gaussian(3, 240, 1.0)).unwrap();
    let values = judge("rank 4", &half.dot(&half.t()));
    assert!(values[3] > 1.0 && values[4] < 1e-12, "{values:?}");
    // Runge-Wilkinson: pairs that agree to many digits, with vectors that mix.
    let wilkinson = Array2::from_shape_fn((41, 41), |(i, j)| match i.abs_diff(j) {
        0 => (i as f64 - 20.0).abs(),
        1 => 1.0,
        _ => 0.0,
    });
    judge("Wilkinson", &wilkinson);
}

#[test]
fn values_that_fall_to_rounding_are_found() {
    for rate in [0.5, 3.0, 10.0] {
        let mut half = Array2::from_shape_vec((90, 90), input::gaussian(4, 8100, 1.0)).unwrap();
        for (k, mut column) in half.columns_mut().into_iter().enumerate() {
            column *= (-(k as f64) / rate).exp();
        }
        let forth = half.dot(&half.t());
        judge("falling", &forth);
        judge("falling, turned around", &forth.slice(s![..;-1, ..;-1]).to_owned());
        judge("falling, of the other side", &half.t().dot(&half));
        judge(
            "rising, of the other side",
            &half.slice(s![.., ..;-1]).t().dot(&half.slice(s![.., ..;-1])),
        );
    }
}

#[test]
fn the_largest_come_without_the_others() {
    let mut matrix = symmetric(50, 7);
    let eigen = Eigen::of(matrix.view_mut()).unwrap();
    let (all, some) = (eigen.vectors(50).unwrap(), eigen.vectors(3).unwrap());
    assert_eq!(some, all.slice(s![..3, ..]), "the same vectors");
}

#[test]
fn magnitudes_near_the_ends_of_the_range_are_fine_and_nan_is_named() {
    for scale in [1e-140, 1e140] {
        let matrix = symmetric(12, 2);
        let values = judge("scaled", &(&matrix * scale));
        let plain = judge("plain", &matrix);
        for (a, b) in values.iter().zip(plain) {
            assert!((a / scale - b).abs() < 1e-13, "{a:e} {b}");
        }
    }
    let mut bad = Array2::eye(5);
    bad[[3, 1]] = f64::NAN;
    assert!(matches!(Eigen::of(bad.view_mut()), Err(Error::Value { .. })), "NaN");
}
