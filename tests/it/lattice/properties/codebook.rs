//! The codebook, what M digits can say: all different, decoded to themselves, and scaled to fit.

use std::collections::HashSet;

use stepmark::input;
use stepmark::lattice::{Codec, Encoded, Form, Lattice, Layout};
use stepmark::machine::isa::Isa;

use super::{all_pairs, codec, decode, digits, encode, gaussian, lattices_and_isas, points};

/// Checks that every code decodes to a point that is encoded by it, and returns the points.
fn assert_bijective(codec: &Codec, digits: &[u8]) -> Vec<f32> {
    let n = digits.len() / (codec.levels() * codec.lattice().dim());
    let mut codes = Encoded::new(codec, Form::Digits(Layout::Rows), n);
    codes.digits_mut().copy_from_slice(digits);
    let x = decode(codec, &codes);
    let again = encode(codec, &x);
    assert_eq!(again.overloaded(), 0, "{codec:?}: a point of the codebook overloads");
    assert!(again.digits() == digits, "{codec:?}: a code is not that of its point");
    x
}

#[test]
fn the_codebook_of_d4_q4_m2_has_65536_points() {
    for isa in Isa::available() {
        let codec = codec(Lattice::D4, 4, 2, isa);
        let code = |b: u32| (0..8).map(move |j| (b >> (2 * j) & 3) as u8);
        let x = assert_bijective(&codec, &(0..1 << 16).flat_map(code).collect::<Vec<_>>());
        let distinct: HashSet<[u32; 4]> =
            x.as_chunks().0.iter().map(|x| x.map(f32::to_bits)).collect();
        assert_eq!(distinct.len(), 1 << 16, "distinct points");
    }
}

#[test]
fn random_codes_of_every_codebook_are_those_of_their_points() {
    for (lattice, isa) in lattices_and_isas() {
        let d = lattice.dim();
        let n = if isa == Isa::best() { 4_000_000 } else { 300_000 };
        assert_bijective(&codec(lattice, 4, 2, isa), &digits(1, 2 * d * n, 4));
        // Those within the domain, and in f32 exact.
        for (q, m) in all_pairs().filter(|&(q, m)| f64::from(q).powf(m as f64) <= 2_097_152.0) {
            let codec = Codec::new(lattice, q, m, 0.5, true).expect("in range").with_isa(isa);
            assert_bijective(&codec, &digits(m as u64, m * d * 1000, q));
        }
    }
}

#[test]
fn what_fits_decodes_to_the_nearest_point_and_what_overloads_to_another() {
    for (lattice, isa) in lattices_and_isas() {
        let (d, n) = (lattice.dim(), 2000);
        let mut fitting = 0;
        for (q, m) in all_pairs() {
            let codec = codec(lattice, q, m, isa);
            let reach = f64::from(q).powi(i32::try_from(m).expect("small"));
            let mut x = gaussian(u64::from(q), d * n, reach.min(4e6) / 5.0);
            // Half of them on boundaries, and all in the domain.
            x.iter_mut().step_by(2).for_each(|x| *x = (4.0 * *x).round() / 4.0);
            x.iter_mut().for_each(|x| *x = x.clamp(-4e6, 4e6));
            let (codes, y) = (encode(&codec, &x), points(lattice, isa, &x));
            let same = encode(&codec, &y);
            assert!(same.digits() == codes.digits(), "{codec:?}: a vector and its point");
            assert_eq!(same.overload(), codes.overload(), "{codec:?}: a vector and its point");
            let decoded = decode(&codec, &codes);
            for (i, (decoded, y)) in decoded.chunks(d).zip(y.chunks(d)).enumerate() {
                // An overloaded vector has aliased, so the two are never equal.
                let fits = decoded == y;
                assert_ne!(fits, codes.is_overloaded(i), "{codec:?}: {y:?} and {decoded:?}");
                fitting += usize::from(fits);
            }
        }
        assert!(fitting > 200_000, "{lattice}: only {fitting} vectors fit");
    }
}

/// G^-1 y mod q, from the columns of G: solved by elimination from the last coordinate.
fn coordinates(lattice: Lattice, y: &[f32]) -> Vec<f32> {
    let sum = |v: &[f32]| v.iter().sum::<f32>();
    match lattice {
        Lattice::Z2 => y.to_vec(),
        Lattice::D4 => {
            vec![-sum(y) / 2.0, (y[0] - sum(&y[1..])) / 2.0, -(y[2] + y[3]), -y[3]]
        }
        Lattice::E8 => {
            let z: Vec<f32> = y.iter().map(|v| v - y[7]).collect();
            let mut c: Vec<f32> = (0..7).map(|k| sum(&z[k..7])).collect();
            c[0] /= 2.0;
            c.push(2.0 * y[7]);
            c
        }
    }
}

#[test]
fn digits_are_below_q_and_the_finest_are_the_coordinates_of_the_point() {
    for (lattice, isa) in lattices_and_isas() {
        let (d, n) = (lattice.dim(), 2000);
        let x = gaussian(8, d * n, 20.0);
        let y = points(lattice, isa, &x);
        for (q, m) in all_pairs() {
            let codes = encode(&codec(lattice, q, m, isa), &x);
            assert!(codes.digits().iter().all(|&b| b < q), "{lattice} q {q} M {m}: a digit");
            for (b, y) in codes.digits().chunks(m * d).zip(y.chunks(d)) {
                let c = coordinates(lattice, y);
                assert!(c.iter().all(|c| c.fract() == 0.0), "{y:?} has coordinates {c:?}");
                let mod_q = |c: f32| c.rem_euclid(q.into());
                assert!(c.iter().zip(b).all(|(&c, &b)| mod_q(c) == f32::from(b)), "{y:?} is {b:?}");
            }
        }
    }
}

#[test]
fn twice_a_vector_is_scaled_once_more_if_at_all() {
    for (lattice, isa) in lattices_and_isas() {
        for (q, m) in super::PAIRS {
            let codec = Codec::new(lattice, q, m, 0.25, true).expect("in range").with_isa(isa);
            let n = 10_000;
            // Of all sizes: some need no scaling, and for some ten are not enough.
            let mut x = gaussian(4, lattice.dim() * n, 1.0);
            for (i, x) in x.chunks_mut(lattice.dim()).enumerate() {
                x.iter_mut().for_each(|x| *x *= f32::from(1_u16 << (i % 16)));
            }
            let twice: Vec<f32> = x.iter().map(|x| 2.0 * x).collect();
            let (one, two) = (encode(&codec, &x), encode(&codec, &twice));
            for (t, twice) in one.scalings().iter().zip(two.scalings()) {
                assert!([0, (t + 1).min(10)].contains(twice), "{codec:?}: T {t}, then {twice}");
            }
            let seen: HashSet<&u8> = one.scalings().iter().collect();
            assert_eq!(seen.len(), 11, "{codec:?}: scalings {seen:?}");
        }
    }
}

#[test]
fn protection_stops_at_the_first_scaling_that_fits() {
    for (lattice, isa) in lattices_and_isas() {
        let (d, n) = (lattice.dim(), 4000);
        let mut x = input::uniform(9, d * n, -1.0, 1.0);
        for (i, x) in x.chunks_mut(d).enumerate() {
            x.iter_mut().for_each(|x| *x *= f32::from(1_u16 << (i % 15)));
        }
        for (q, m) in super::PAIRS {
            let protected = Codec::new(lattice, q, m, 1.0, true).expect("in range").with_isa(isa);
            let plain = codec(lattice, q, m, isa);
            let codes = encode(&protected, &x);
            let scaled: Vec<Encoded> = (0..=10)
                .map(|t| encode(&plain, &x.iter().map(|x| x / 2f32.powi(t)).collect::<Vec<_>>()))
                .collect();
            for i in 0..n {
                let first = (0..10).find(|&t| !scaled[t].is_overloaded(i)).unwrap_or(10);
                assert_eq!(usize::from(codes.scaling(i)), first, "{protected:?}, vector {i}");
                let of = |codes: &Encoded| codes.digits()[i * m * d..][..m * d].to_vec();
                assert_eq!(of(&codes), of(&scaled[first]), "{protected:?}, vector {i}");
                let overload = (codes.is_overloaded(i), scaled[first].is_overloaded(i));
                assert_eq!(overload.0, overload.1, "{protected:?}, vector {i}");
            }
        }
    }
}

#[test]
fn the_order_of_a_batch_and_its_neighbours_do_not_matter() {
    for (lattice, isa) in lattices_and_isas() {
        let (d, n) = (lattice.dim(), 997);
        let x = super::grid(10, d * n, 30.0, 4.0);
        for (q, m) in super::PAIRS {
            let codec = Codec::new(lattice, q, m, 0.5, true).expect("in range").with_isa(isa);
            let one = encode(&codec, &x);
            // 100 has no factor in common with 997.
            let order: Vec<usize> = (0..n).map(|i| 100 * i % n).collect();
            let mixed: Vec<f32> = order.iter().flat_map(|&i| &x[i * d..][..d]).copied().collect();
            let mixed = encode(&codec, &mixed);
            for (at, &i) in order.iter().enumerate() {
                let all = |codes: &Encoded, i: usize| {
                    let digits = codes.digits()[i * m * d..][..m * d].to_vec();
                    (digits, codes.scaling(i), codes.is_overloaded(i))
                };
                assert_eq!(all(&mixed, at), all(&one, i), "{codec:?}, vector {i}");
            }
        }
    }
}

#[test]
fn zeros_of_either_sign_and_what_is_tiny_are_zero_and_what_is_huge_is_not_lost() {
    for (lattice, isa) in lattices_and_isas() {
        let d = lattice.dim();
        let n = 40;
        let tiny = [0.0, -0.0, f32::MIN_POSITIVE, -1e-45, 1e-40, -1e-9, 2f32.powi(-24)];
        let x: Vec<f32> = (0..d * n).map(|j| tiny[j % 7]).collect();
        let huge: Vec<f32> = (0..d * n).map(|j| if j % 2 == 0 { 4e6 } else { -4e6 }).collect();
        for (q, m) in all_pairs() {
            let codec = Codec::new(lattice, q, m, 1.0, true).expect("in range").with_isa(isa);
            let codes = encode(&codec, &x);
            let zero = |bytes: &[u8]| bytes.iter().all(|&b| b == 0);
            assert!(zero(codes.digits()) && zero(codes.scalings()), "{codec:?}: not zero");
            assert_eq!(codes.overloaded(), 0, "{codec:?}: zero overloads");
            let y = decode(&codec, &codes);
            assert!(y.iter().all(|y| y.to_bits() == 0), "{codec:?}: not +0");

            let codes = encode(&codec, &huge);
            let y = decode(&codec, &codes);
            for (i, (x, y)) in huge.chunks(d).zip(y.chunks(d)).enumerate() {
                let step = f32::from(1_u16 << codes.scaling(i));
                let far = x.iter().zip(y).any(|(x, y)| (x - y).abs() > step);
                assert!(!far || codes.is_overloaded(i), "{codec:?}: {x:?} and {y:?}");
            }
        }
    }
}
