//! Bad vectors, codes and batches are refused by every path, and the first one is named.

use proptest::prelude::*;
use stepmark::lattice::{Codec, Encoded, Error, Form, Lattice, Layout};
use stepmark::machine::isa::Isa;

use super::{FORMS, LAYOUTS, encode, lattices_and_isas};

/// The place of component k of vector i.
fn place(layout: Layout, d: usize, n: usize, i: usize, k: usize) -> usize {
    match layout {
        Layout::Soa => k * n + i,
        Layout::Rows => i * d + k,
    }
}

#[test]
fn the_first_vector_out_of_the_domain_is_named() {
    let edge: f32 = 0.5 * 4_194_304.0;
    let bad = [f32::NAN, f32::INFINITY, f32::NEG_INFINITY, edge.next_up(), -edge.next_up(), 1e38];
    for ((lattice, isa), protected) in lattices_and_isas().flat_map(|l| [(l, false), (l, true)]) {
        let d = lattice.dim();
        for (j, (q, m)) in super::PAIRS.into_iter().chain([(7, 3)]).enumerate() {
            let codec = Codec::new(lattice, q, m, 0.5, protected).expect("in range").with_isa(isa);
            for n in (1..=70).chain([1000]) {
                for (form, layout) in FORMS.into_iter().flat_map(|f| LAYOUTS.map(|l| (f, l))) {
                    let (first, second) = (31 * j % n, n - 1);
                    let mut x = vec![edge; d * n];
                    let mut codes = Encoded::new(&codec, form, n);
                    let fine = codec.encode(&x, layout, &mut codes);
                    assert_eq!(fine, Ok(()), "{codec:?}: the edge is in the domain");
                    x[place(layout, d, n, second, 0)] = bad[(n + 1) % 6];
                    x[place(layout, d, n, first, n % d)] = bad[n % 6];
                    let err = Error::Domain { vector: first, beta: 0.5 };
                    let got = codec.encode(&x, layout, &mut codes);
                    assert_eq!(got, Err(err), "{codec:?}, n {n}, {layout:?} to {form:?}");
                    let mut y = vec![0.0; x.len()];
                    let got = codec.quantize(&x, &mut y, layout);
                    assert_eq!(got, Err(err), "{codec:?}, n {n}, {layout:?}, quantized");
                }
            }
        }
    }
}

/// Makes vector `i` no code: 0 by its scaling, 1 by a digit, 2 by a bit past its last digit. Returns
/// whether that can be.
fn spoil(codec: &Codec, codes: &mut Encoded, i: usize, kind: usize) -> bool {
    let (d, n, q) = (codec.lattice().dim(), codes.len(), codec.q());
    let digits = codec.levels() * d;
    let padded = !(codec.digit_bits() * digits).is_multiple_of(8);
    let last = codes.planes() - 1;
    let (low, high) = (codes.plane_width(0), codes.plane_width(last));
    match (kind, codes.form()) {
        (0, _) => codes.scalings_mut()[i] = 11,
        // All ones is a digit if q is a power of 2.
        (1, Form::Packed) if !q.is_power_of_two() => codes.plane_mut(0)[low * i] = 255,
        (1, Form::Digits(Layout::Soa)) => codes.digits_mut()[(digits - 1) * n + i] = q,
        (1, Form::Digits(Layout::Rows)) => codes.digits_mut()[digits * i + d - 1] = 255,
        (2, Form::Packed) if padded => codes.plane_mut(last)[high * i + high - 1] |= 128,
        _ => return false,
    }
    true
}

#[test]
fn the_first_vector_that_is_no_code_is_named() {
    let mut kinds = std::collections::HashSet::new();
    for lattice in Lattice::ALL {
        for (q, m) in super::all_pairs().filter(|(q, m)| (usize::from(*q) + m) % 3 == 0) {
            let scalar = Codec::new(lattice, q, m, 0.5, true).expect("in range");
            let scalar = scalar.with_isa(Isa::Scalar);
            for (form, n) in FORMS.into_iter().flat_map(|f| [1, 7, 16, 33, 70, 200].map(|n| (f, n)))
            {
                let x = super::gaussian(n as u64, lattice.dim() * n, 2.0);
                let mut good = Encoded::new(&scalar, form, n);
                scalar.encode(&x, Layout::Rows, &mut good).expect("in the domain");
                for kind in [&[0][..], &[1], &[2], &[0, 1], &[2, 1], &[1, 0]] {
                    let mut bad = good.clone();
                    // Two faults are in two vectors, the first of them later; or in one, if n is 1.
                    let at = |k: usize| if k == 0 { n - 1 } else { n / 2 };
                    let spoiled = kind.iter().enumerate();
                    let spoiled = spoiled.map(|(k, &kind)| spoil(&scalar, &mut bad, at(k), kind));
                    if spoiled.filter(|&spoiled| spoiled).count() == 0 {
                        continue;
                    }
                    let mut y = vec![0.0; x.len()];
                    let want = scalar.decode(&bad, &mut y, Layout::Rows).unwrap_err();
                    let (Error::Scaling { vector, .. }
                    | Error::Code { vector, .. }
                    | Error::Padding { vector }) = want
                    else {
                        panic!("{want}")
                    };
                    assert!([n - 1, n / 2].contains(&vector), "{scalar:?}, n {n}: {want}");
                    kinds.insert(std::mem::discriminant(&want));
                    for (isa, layout) in Isa::available().flat_map(|i| LAYOUTS.map(|l| (i, l))) {
                        let codec = scalar.clone().with_isa(isa);
                        let got = codec.decode(&bad, &mut y, layout);
                        assert_eq!(got, Err(want), "{codec:?}, n {n}, {form:?} to {layout:?}");
                        let mut out = vec![0; n];
                        let dot = codec.dot(&good, &bad, &mut out);
                        let refused = matches!(dot, Err(Error::DotOverflow { .. }));
                        assert!(refused || dot == Err(want), "{codec:?}, n {n}: {dot:?}");
                    }
                }
            }
        }
    }
    assert_eq!(kinds.len(), 3, "kinds of faults");
}

#[test]
fn what_is_not_a_whole_number_of_vectors_or_not_as_many_as_there_is_room_for_is_refused() {
    for (lattice, isa) in lattices_and_isas() {
        let dim = lattice.dim();
        let codec = super::codec(lattice, 4, 2, isa);
        let mut codes = Encoded::new(&codec, Form::Packed, 3);
        for found in [0, 1, 3 * dim - 1, 3 * dim + 1, 4 * dim] {
            let mut x = vec![0.0; found];
            let err = Err(Error::Batch { found, dim, n: 3 });
            for layout in LAYOUTS {
                assert_eq!(codec.encode(&x, layout, &mut codes), err, "{codec:?}: encode");
                assert_eq!(codec.decode(&codes, &mut x, layout), err, "{codec:?}: decode");
                let whole = codec.quantize(&x.clone(), &mut x, layout);
                let err = Err(Error::Batch { found, dim, n: found / dim });
                let want = if found % dim == 0 { Ok(0) } else { err };
                assert_eq!(whole, want, "{codec:?}: quantize");
            }
        }
    }
}

#[test]
fn a_code_that_the_lattice_does_not_have_is_not_made() {
    for lattice in Lattice::ALL {
        let new = |q, m, beta| Codec::new(lattice, q, m, beta, false).map(|_| ());
        assert_eq!(new(1, 2, 1.0), Err(Error::Q { found: 1 }), "{lattice}");
        assert_eq!(new(17, 2, 1.0), Err(Error::Q { found: 17 }), "{lattice}");
        assert_eq!(new(4, 0, 1.0), Err(Error::Levels { found: 0 }), "{lattice}");
        assert_eq!(new(4, 9, 1.0), Err(Error::Levels { found: 9 }), "{lattice}");
        assert_eq!(new(4, 2, -0.0), Err(Error::Beta { found: -0.0 }), "{lattice}");
    }
}

proptest! {
    #[test]
    fn any_float_is_encoded_or_rejected(
        lattice in prop::sample::select(&Lattice::ALL[..]),
        isa in prop::sample::select(Isa::available().collect::<Vec<_>>()),
        q in 2..=16_u8,
        m in 1..=8_usize,
        beta in (-100..100_i32, 1.0..2.0_f32).prop_map(|(e, f)| f * 2f32.powi(e)),
        protected: bool,
        any: [f32; 8],
        steps in prop::array::uniform8(-100.0..100.0_f32),
        use_any: bool,
    ) {
        let codec = Codec::new(lattice, q, m, beta, protected).unwrap().with_isa(isa);
        let x = if use_any { any } else { steps.map(|step| step * beta) };
        let x = &x[..lattice.dim()];
        let fits = x.iter().all(|x| (x / beta).abs() <= 4_194_304.0);
        let mut codes = Encoded::new(&codec, Form::Digits(Layout::Soa), 1);
        if let Err(e) = codec.encode(x, Layout::Soa, &mut codes) {
            prop_assert_eq!(e, Error::Domain { vector: 0, beta });
            prop_assert!(!fits);
        } else {
            prop_assert!(fits && codes.digits().iter().all(|&b| b < q));
            prop_assert!(codes.scaling(0) <= codec.max_scaling());
            let y = super::decode(&codec, &encode(&codec, x));
            let norm = |v: f32| f64::from(v / beta / f32::from(1_u16 << codes.scaling(0))).powi(2);
            let off: f64 = x.iter().zip(&y).map(|(x, y)| norm(x - y)).sum();
            // One cell has a radius of at most 1; x / beta and x_hat are rounded to 2^-24.
            prop_assert!(codes.is_overloaded(0) || off <= 2.0, "off by {}", off);
        }
    }
}
