//! How near decoded vectors are: mean squared errors and overloads that theory or long runs give.
//!
//! Every statement has a standard error, and four of them are allowed.

use stepmark::input;
use stepmark::lattice::{Codec, Lattice};
use stepmark::machine::isa::Isa;

use super::{decode, encode, gaussian, lattices_and_isas, points};

/// Mean and standard error.
fn mean(values: &[f64]) -> (f64, f64) {
    let n = values.len() as f64;
    let mean = values.iter().sum::<f64>() / n;
    let variance = values.iter().map(|v| (v - mean).powi(2)).sum::<f64>() / (n - 1.0);
    (mean, (variance / n).sqrt())
}

/// The mean squared error per component, of each vector.
fn errors(d: usize, x: &[f32], y: &[f32]) -> Vec<f64> {
    let square = |(x, y): (&f32, &f32)| (f64::from(*x) - f64::from(*y)).powi(2);
    let of = |(x, y): (&[f32], &[f32])| x.iter().zip(y).map(square).sum::<f64>() / d as f64;
    x.chunks(d).zip(y.chunks(d)).map(of).collect()
}

#[test]
fn second_moments_of_the_cells_are_those_of_theory() {
    // Normalised by the volume of the cell, which is 1 except for D4: 2^(2/4).
    let theory = [1.0 / 12.0, 13.0 / 120.0 / 2f64.sqrt(), 929.0 / 12960.0];
    for (lattice, isa) in lattices_and_isas() {
        let d = lattice.dim();
        // A cube of whole cells: 2 Z^d is in every one of these lattices.
        let x = input::uniform(11, d * 500_000, -2.0, 2.0);
        let volume = if lattice == Lattice::D4 { 2f64.sqrt() } else { 1.0 };
        let (moment, se) = mean(&errors(d, &x, &points(lattice, isa, &x)));
        let off = moment / volume - theory[lattice as usize];
        assert!(se / volume < 1e-4, "{lattice}: standard error {se}");
        assert!(off.abs() < 4.0 * se / volume, "{lattice}, {isa:?}: {moment}, off by {off}");
    }
}

/// Of unit Gaussian vectors, from 300,000 of them: the part that overloads without protection,
/// the mean squared error of the rest, and that of all with protection.
const GAUSSIAN: [(Lattice, u8, usize, f32, [f64; 3]); 14] = [
    (Lattice::Z2, 4, 2, 0.25, [0.1698, 0.005_190, 0.007_834]),
    (Lattice::D4, 4, 2, 0.25, [0.0930, 0.006_775, 0.008_674]),
    (Lattice::D4, 4, 2, 0.35, [0.0084, 0.013_257, 0.013_590]),
    (Lattice::E8, 4, 2, 0.25, [0.3139, 0.004_480, 0.008_702]),
    (Lattice::E8, 4, 2, 0.30, [0.1217, 0.006_455, 0.008_790]),
    (Lattice::Z2, 3, 3, 0.15, [0.0840, 0.001_875, 0.002_301]),
    (Lattice::D4, 3, 3, 0.15, [0.1254, 0.002_437, 0.003_361]),
    (Lattice::E8, 3, 3, 0.15, [0.3974, 0.001_613, 0.003_583]),
    (Lattice::Z2, 8, 2, 0.0625, [0.1046, 0.000_326, 0.000_429]),
    (Lattice::D4, 8, 2, 0.0625, [0.0517, 0.000_423, 0.000_489]),
    (Lattice::E8, 8, 2, 0.0625, [0.2267, 0.000_280, 0.000_470]),
    (Lattice::Z2, 16, 1, 0.25, [0.0921, 0.005_203, 0.006_595]),
    (Lattice::D4, 16, 1, 0.25, [0.0450, 0.006_757, 0.007_671]),
    (Lattice::E8, 16, 1, 0.25, [0.2047, 0.004_480, 0.007_234]),
];

#[test]
fn gaussian_vectors_overload_and_err_as_often_and_as_much_as_in_long_runs() {
    let n = 300_000;
    for (lattice, q, m, beta, want) in GAUSSIAN {
        let d = lattice.dim();
        let x = gaussian(12, d * n, 1.0);
        let run = |protected| {
            let codec = Codec::new(lattice, q, m, beta, protected).expect("in range");
            let codec = codec.with_isa(Isa::best());
            let codes = encode(&codec, &x);
            let errors = errors(d, &x, &decode(&codec, &codes));
            let overload: Vec<bool> = (0..n).map(|i| codes.is_overloaded(i)).collect();
            (errors, overload)
        };
        let (plain, overload) = run(false);
        let (protected, lost) = run(true);
        assert!(!lost.contains(&true), "{lattice} q {q} M {m}: overloaded at every scaling");
        let flags: Vec<f64> = overload.iter().map(|&o| f64::from(u8::from(o))).collect();
        let fitting: Vec<f64> =
            plain.iter().zip(&overload).filter(|(_, o)| !**o).map(|(e, _)| *e).collect();
        // Half a unit of the last place that is given.
        let rounding = [5e-5, 5e-7, 5e-7];
        for (k, (got, se)) in
            [mean(&flags), mean(&fitting), mean(&protected)].into_iter().enumerate()
        {
            // Both runs have the same number of vectors, so that their difference errs by sqrt 2.
            let allowed = 4.0 * se * 2f64.sqrt() + rounding[k];
            let what = ["overload", "error that fits", "error with protection"][k];
            let off = (got - want[k]).abs();
            assert!(off < allowed, "{lattice} q {q} M {m} beta {beta}: {what} {got}, off by {off}");
        }
    }
}
