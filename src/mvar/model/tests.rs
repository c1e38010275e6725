use super::*;
use crate::input;
use ndarray::{ArrayView, Dimension, array};
use proptest::prelude::*;
use proptest::sample::Index;
use std::fs;

fn model(p: usize, d: usize) -> Model {
    let a = Array3::from_shape_vec((p, d, d), input::gaussian(1, p * d * d, 0.2)).unwrap();
    Model::new(a, Array1::from(input::gaussian(2, d, 1.0))).unwrap()
}

/// What a file that lacks nothing gives.
fn whole(m: &Model) -> Loaded {
    Loaded { model: m.clone(), warnings: vec![], training_seconds: None }
}

/// The bytes of an archive that `fill` writes.
fn archive(fill: impl FnOnce(&mut npz::Writer)) -> Vec<u8> {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("m.npz");
    let mut npz = npz::Writer::new(&path);
    fill(&mut npz);
    npz.finish().unwrap();
    fs::read(path).unwrap()
}

fn add<A: npz::Element, D: Dimension>(
    npz: &mut npz::Writer,
    name: &str,
    values: ArrayView<'_, A, D>,
) {
    npz.add(name, values).unwrap();
}

/// A file of the second kind, with these sizes and this companion stated.
fn second_kind(m: &Model, [p, r]: [i64; 2], companion: &Array2<f64>) -> Vec<u8> {
    archive(|npz| {
        add(npz, "A_matrices", m.coefficients());
        add(npz, "A_companion", companion.view());
        add(npz, "p", arr0(p).view());
        add(npz, "r", arr0(r).view());
    })
}

fn companion(m: &Model) -> Array2<f64> {
    let d = m.d();
    Array2::from_shape_fn((d, m.p() * d), |(i, kj)| m.coefficients()[[kj / d, i, kj % d]])
}

#[test]
fn a_saved_model_is_loaded_bit_for_bit() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("model.npz");
    let m = model(3, 4);
    m.save(&path).unwrap();
    let loaded = Model::load(&path).unwrap();
    let bits = |m: &Model| m.a.iter().chain(&m.c).map(|v| v.to_bits()).collect::<Vec<_>>();
    assert_eq!(bits(&loaded.model), bits(&m), "bits");
    assert_eq!(loaded.warnings, [], "warnings");
    let first = fs::read(&path).unwrap();
    m.save(&path).unwrap();
    assert_eq!(fs::read(&path).unwrap(), first, "the same model gives the same file");
    assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1, "nothing else is left behind");
}

#[test]
fn a_file_without_intercept_loads_with_a_warning() {
    let m = model(2, 3);
    let bytes = second_kind(&m, [2, 3], &companion(&m));
    let loaded = Model::from_bytes("m.npz", bytes).unwrap();
    assert_eq!(loaded.model.coefficients(), m.coefficients(), "coefficients");
    assert_eq!(loaded.model.intercept(), array![0.0, 0.0, 0.0], "intercept");
    assert_eq!(loaded.warnings, [Warning::NoIntercept], "warnings");
    let warning = loaded.warnings[0].to_string();
    assert!(warning.contains("no `intercept`"), "{warning}");
}

#[test]
fn the_legacy_file_is_turned_around() {
    let m = model(3, 2);
    let bytes = archive(|npz| {
        add(npz, "A_coeffs", m.coefficients().slice(s![..;-1, .., ..]));
        add(npz, "A0", m.intercept());
        add(npz, "order", arr0(3_i64).view());
        add(npz, "latent_dim", arr0(2_i64).view());
    });
    let loaded = Model::from_bytes("m.npz", bytes).unwrap();
    assert_eq!(loaded, whole(&m), "loaded");
    let newest_first = reversed(&m.a);
    assert_ne!(newest_first, m.a, "the order shows");
    assert_eq!(Model::from_newest_first(&newest_first, m.c.clone()).unwrap(), m, "in memory");
}

#[expect(clippy::cast_possible_truncation, reason = "rounding is the point")]
fn single(v: &f64) -> f32 {
    *v as f32
}

/// A file of a kind with the newest lag first, `p` under this name and as this type.
fn newest_first<A: npz::Element>(m: &Model, [a, p]: [&str; 2], order: A) -> Vec<u8> {
    archive(|npz| {
        add(npz, a, m.coefficients().slice(s![..;-1, .., ..]));
        add(npz, if a == "A_j" { "A_0" } else { "A0" }, m.intercept());
        add(npz, p, ndarray::arr1(&[order]).view());
        add(npz, "latent_dim", arr0(2_i64).view());
        add(npz, "ridge", arr0(1e-6).view());
    })
}

#[test]
fn the_other_writers_of_wsindy_manifold_are_read() {
    let m = model(3, 2);
    for names in [["A", "order"], ["A", "w"], ["A_coeffs", "order"], ["A_j", "order"]] {
        let loaded = Model::from_bytes("m.npz", newest_first(&m, names, 3_i64)).unwrap();
        assert_eq!(loaded, whole(&m), "{names:?}");
        let err = Model::from_bytes("m.npz", newest_first(&m, names, 2_i64)).unwrap_err();
        assert!(err.to_string().contains(&format!("{}: found 2, expected 3", names[1])), "{err}");
    }
    let err = Model::from_bytes("m.npz", newest_first(&m, ["A", "order"], 3.0)).unwrap_err();
    assert!(err.to_string().contains("array `order`: found type <f8, expected <i8"), "{err}");
}

#[test]
fn a_model_in_single_precision_is_widened_with_a_warning() {
    let m = model(2, 3);
    let bytes = archive(|npz| {
        add(npz, "A_matrices", m.coefficients().map(single).view());
        add(npz, "intercept", m.intercept());
        add(npz, "p", arr0(2_i64).view());
        add(npz, "r", arr0(3_i64).view());
    });
    let loaded = Model::from_bytes("m.npz", bytes).unwrap();
    assert_eq!(loaded.warnings, [Warning::SinglePrecision], "said");
    assert!(loaded.warnings[0].to_string().contains("single precision"), "in words");
    let rounded = m.coefficients().map(|v| f64::from(single(v)));
    assert_eq!(loaded.model.coefficients(), rounded, "widened");
    assert_ne!(loaded.model.coefficients(), m.coefficients(), "rounding shows");
}

#[test]
fn an_array_that_does_not_fit_is_blamed_by_its_name() {
    let m = model(2, 3);
    for (names, intercept, words) in [
        (["A_matrices", "intercept"], 0, "intercept: found length 0, expected 3, as A_matrices"),
        (["A_matrices", "intercept"], 2, "intercept: found length 2, expected 3, as A_matrices"),
        (["A_coeffs", "A0"], 0, "A0: found length 0, expected 3, as A_coeffs"),
        (["A", "A0"], 4, "A0: found length 4, expected 3, as A"),
    ] {
        let bytes = archive(|npz| {
            add(npz, names[0], m.coefficients());
            add(npz, names[1], Array1::<f64>::zeros(intercept).view());
        });
        let err = Model::from_bytes("m.npz", bytes).unwrap_err().to_string();
        assert!(err.contains(words), "{err}");
    }
    let bytes = archive(|npz| {
        add(npz, "A_matrices", Array3::<f64>::zeros((2, 3, 2)).view());
        add(npz, "intercept", m.intercept());
    });
    let err = Model::from_bytes("m.npz", bytes).unwrap_err().to_string();
    assert!(err.contains("A_matrices: found shape (2, 3, 2), expected (p, d, d)"), "{err}");
}

#[test]
fn what_contradicts_itself_is_an_error_that_says_so() {
    let m = model(2, 3);
    let good = companion(&m);
    let mut other = good.clone();
    other[[1, 4]] += 1e-9;
    let swapped = ndarray::concatenate![Axis(1), good.slice(s![.., 3..]), good.slice(s![.., ..3])];
    for (bytes, words) in [
        (second_kind(&m, [3, 3], &good), "p: found 3, expected 2"),
        (second_kind(&m, [2, -3], &good), "r: found -3, expected 3"),
        (second_kind(&m, [2, 3], &other), "A_companion: found other numbers in block 1"),
        (second_kind(&m, [2, 3], &swapped), "A_companion: found other numbers in block 0"),
        (second_kind(&m, [2, 3], &good.t().to_owned()), "A_companion: found shape (6, 3)"),
        (archive(|npz| add(npz, "coef", good.view())), "found the arrays [\"coef\"]"),
    ] {
        let err = Model::from_bytes("m.npz", bytes).unwrap_err().to_string();
        assert!(err.starts_with("m.npz: ") && err.contains(words), "{err}");
    }
}

#[test]
fn a_companion_in_another_precision_agrees_once_rounded() {
    let m = model(2, 3);
    let companion = companion(&m);
    let load = |in_single: [bool; 2], companion: &Array2<f64>| {
        let bytes = archive(|npz| {
            let (a, [first, second]) = (m.coefficients(), in_single);
            if first {
                add(npz, "A_matrices", a.map(single).view());
            } else {
                add(npz, "A_matrices", a);
            }
            if second {
                add(npz, "A_companion", companion.map(single).view());
            } else {
                add(npz, "A_companion", companion.view());
            }
            add(npz, "p", arr0(2_i64).view());
            add(npz, "r", arr0(3_i64).view());
        });
        Model::from_bytes("m.npz", bytes).map_err(|e| e.to_string())
    };
    let mut other = companion.clone();
    other[[1, 4]] *= 1.0 + 1e-6;
    for in_single in [[true, false], [false, true], [true, true]] {
        assert!(load(in_single, &companion).is_ok(), "{in_single:?}");
        let err = load(in_single, &other).unwrap_err();
        let want =
            "m.npz: A_companion: found other numbers in block 1, expected those of A_matrices";
        assert_eq!(err, want, "{in_single:?}");
    }
}

#[test]
fn of_many_arrays_a_message_lists_ten() {
    let bytes = archive(|npz| {
        (0..12).for_each(|k| add(npz, &format!("a{k:02}"), arr0(1.0).view()));
    });
    let err = Model::from_bytes("m.npz", bytes).unwrap_err().to_string();
    assert!(err.contains("\"a09\"] and 2 more, expected `A_matrices`"), "{err}");
}

#[test]
fn shapes_and_numbers_that_make_no_model_are_refused() {
    let c = Array1::zeros(2);
    for shape in [(0, 2, 2), (1, 2, 3), (1, 3, 2), (1, 3, 3)] {
        assert!(Model::new(Array3::zeros(shape), c.clone()).is_err(), "{shape:?}");
    }
    assert!(Model::new(Array3::zeros((1, 0, 0)), Array1::zeros(0)).is_err(), "d = 0");
    assert!(Model::new(Array3::zeros((1, 2, 2)), array![0.0, f64::NAN]).is_err(), "NaN");
}

proptest! {
    #[test]
    fn no_bytes_make_it_panic(
        kind in 0..3,
        cut in prop::option::weighted(0.2, any::<Index>()),
        flips in prop::collection::vec((any::<Index>(), any::<u8>()), 0..5),
    ) {
        let m = model(2, 3);
        let mut bytes = match kind {
            0 => second_kind(&m, [2, 3], &companion(&m)),
            1 => newest_first(&m, ["A", "order"], 2_i64),
            _ => archive(|npz| {
                add(npz, "A_matrices", m.coefficients().map(single).view());
                add(npz, "intercept", m.intercept());
            }),
        };
        for (at, value) in flips {
            let at = at.index(bytes.len());
            bytes[at] = value;
        }
        bytes.truncate(cut.map_or(bytes.len(), |cut| cut.index(bytes.len())));
        let _ = Model::from_bytes("m.npz", bytes);
    }
}
