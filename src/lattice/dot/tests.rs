use std::iter;

use super::*;
use crate::input;
use crate::lattice::{Codec, Form, Layout};

const FORMS: [Form; 3] = [Form::Packed, Form::Digits(Layout::Soa), Form::Digits(Layout::Rows)];

fn codec(lattice: Lattice, q: u8, m: usize) -> Codec {
    Codec::new(lattice, q, m, 1.0, true).unwrap()
}

fn codecs() -> impl Iterator<Item = Codec> {
    let all = (2..=16).flat_map(|q| (1..=8).map(move |m| (q, m)));
    Lattice::ALL.into_iter().flat_map(move |l| all.clone().map(move |(q, m)| codec(l, q, m)))
}

/// Random digits of shape `[n][M][d]`.
fn random(codec: &Codec, seed: u64, n: usize) -> Vec<u8> {
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "below q")]
    let digit = |v: f32| v as u8;
    let len = codec.levels() * codec.lattice().dim() * n;
    input::uniform(seed, len, 0.0, codec.q().into()).into_iter().map(digit).collect()
}

/// Codes of the digits, shape `[n][M][d]`.
fn encoded(codec: &Codec, form: Form, digits: &[u8]) -> Encoded {
    let (len, w) = (codec.levels() * codec.lattice().dim(), codec.digit_bits());
    let n = digits.len() / len;
    let mut codes = Encoded::new(codec, form, n);
    for (j, &b) in digits.iter().enumerate() {
        let (i, j) = (j / len, j % len);
        match form {
            Form::Packed => (0..w).for_each(|bit| or(&mut codes, i, w * j + bit, b >> bit & 1)),
            Form::Digits(Layout::Soa) => codes.digits_mut()[j * n + i] = b,
            Form::Digits(Layout::Rows) => codes.digits_mut()[i * len + j] = b,
        }
    }
    codes
}

/// Sets a bit of the packed word of vector `i`, if `bit` is set.
fn or(codes: &mut Encoded, i: usize, at: usize, bit: u8) {
    let (mut byte, mut k) = (at / 8, 0);
    while byte >= codes.plane_width(k) {
        byte -= codes.plane_width(k);
        k += 1;
    }
    let width = codes.plane_width(k);
    codes.plane_mut(k)[i * width + byte] |= bit << (at % 8);
}

/// The points of digits, doubled, shape `[n][d]`: the leaders are what a single level decodes to.
fn points(codec: &Codec, digits: &[u8]) -> Vec<i128> {
    let (d, leaders) = (codec.lattice().dim(), self::codec(codec.lattice(), codec.q(), 1));
    let mut x = vec![0.0; digits.len()];
    let rows = Form::Digits(Layout::Rows);
    leaders.decode(&encoded(&leaders, rows, digits), &mut x, Layout::Rows).unwrap();
    #[expect(clippy::cast_possible_truncation, reason = "halves, of at most 16")]
    let doubled = |x: f32| (2.0 * x) as i128;
    let point = |x: &[f32]| {
        x.chunks(d).rev().fold(vec![0; d], |y, a| {
            y.iter().zip(a).map(|(y, &a)| i128::from(codec.q()) * y + doubled(a)).collect()
        })
    };
    x.chunks(codec.levels() * d).flat_map(point).collect()
}

fn inner_products(codec: &Codec, y: &[i128], z: &[i128]) -> Vec<i128> {
    let d = codec.lattice().dim();
    let inner = |(y, z): (&[i128], &[i128])| y.iter().zip(z).map(|(y, z)| y * z).sum();
    y.chunks(d).zip(z.chunks(d)).map(inner).collect()
}

#[test]
fn worked_by_hand() {
    // (2, 0, -4, 2) and (0, 0, 1, -1).
    let d4 = codec(Lattice::D4, 4, 2);
    let a = encoded(&d4, FORMS[0], &[0, 2, 2, 2, 0, 0, 0, 3, 0, 0, 0, 1, 0, 0, 0, 0]);
    let b = encoded(&d4, FORMS[1], &[0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0]);
    let mut out = [0; 2];
    d4.dot(&a, &b, &mut out).unwrap();
    assert_eq!(out, [4 * -6, 4 * 2], "four times the inner products");
    assert_eq!(d4.dot_scale(0, 3), 2.0, "a quarter of 2^3");
    assert_eq!(d4.dot_table().unwrap().len_bytes(), 2 << 16, "256 by 256 entries");
}

#[test]
fn every_code_has_the_inner_products_of_its_points_from_every_form() {
    let mut tables = 0;
    for codec in codecs().filter(|codec| check(codec.code()).is_ok()) {
        let n = 130;
        let (a, b) = (random(&codec, 1, n), random(&codec, 2, n));
        let (y, z) = (points(&codec, &a), points(&codec, &b));
        let want = inner_products(&codec, &y, &z);
        if reach(codec.code()) < 1 << 23 {
            let mut x = vec![0.0; y.len()];
            codec.decode(&encoded(&codec, FORMS[0], &a), &mut x, Layout::Rows).unwrap();
            assert!(x.iter().zip(y).all(|(&x, y)| 2.0 * x == y as f32), "{codec:?}: points");
        }
        let table = codec.dot_table().ok();
        tables += usize::from(table.is_some());
        for (left, right) in FORMS.into_iter().zip(FORMS.into_iter().cycle().skip(1)) {
            let (a, b) = (encoded(&codec, left, &a), encoded(&codec, right, &b));
            let mut out = vec![0; n];
            codec.dot(&a, &b, &mut out).unwrap();
            assert!(out.iter().map(|&v| i128::from(v)).eq(want.clone()), "{codec:?}, {left:?}");
            let Some(table) = &table else { continue };
            let mut looked_up = vec![0; n];
            table.dot(&a, &b, &mut looked_up).unwrap();
            assert_eq!(looked_up, out, "{table:?}, {left:?}");
        }
    }
    // 15 of Z2, two of them refused for M = 8; q of 2 to 5 of D4; q of 2 of E8.
    assert_eq!(tables, 15 * 8 - 2 + 4 * 8 + 8, "tables");
}

#[test]
fn every_batch_size_and_every_pair_of_forms_agree() {
    let pairs = FORMS.into_iter().flat_map(|l| FORMS.map(|r| (l, r)));
    for (codec, n) in [codec(Lattice::E8, 3, 3), codec(Lattice::D4, 5, 2)]
        .iter()
        .flat_map(|codec| (0..=66).map(move |n| (codec, n)))
    {
        let (a, b) = (random(codec, 3, n), random(codec, 4, n));
        let want = inner_products(codec, &points(codec, &a), &points(codec, &b));
        for (left, right) in pairs.clone() {
            let mut out = vec![0; n];
            let (a, b) = (encoded(codec, left, &a), encoded(codec, right, &b));
            codec.dot(&a, &b, &mut out).unwrap();
            assert!(out.iter().map(|&v| i128::from(v)).eq(want.clone()), "{codec:?}, n {n}");
        }
    }
}

#[test]
fn what_can_exceed_64_bits_is_refused_and_nothing_else_does() {
    let mut refused = Vec::new();
    for codec in codecs() {
        let (lattice, q, levels) = (codec.lattice(), codec.q(), codec.levels());
        let d = lattice.dim();
        // The leaders of many digits, the deep hole (q, 0, ..) among them if q is even and it
        // is a point; Z2 has the digit (q/2, q/2).
        let single = self::codec(lattice, q, 1);
        let mut digits = random(&single, 1, 1000);
        let hole: &[u8] = match lattice {
            Lattice::Z2 => &[q / 2, q / 2],
            // -c1 + c2 = q, -c1 - c2 + c3 = 0, c4 = c3 = 0.
            Lattice::D4 => &[q / 2, q / 2, 0, 0],
            Lattice::E8 => &[q / 2, 0, 0, 0, 0, 0, 0, 0],
        };
        digits[..d].copy_from_slice(hole);
        let leaders = points(&single, &digits);
        let square = |a: &&[i128]| a.iter().map(|a| a * a).sum::<i128>();
        let (at, longest) =
            leaders.chunks(d).map(|a| square(&a)).enumerate().max_by_key(|&(_, s)| s).unwrap();
        if q % 2 == 0 {
            let attained = i128::from(q).pow(2) * if lattice == Lattice::Z2 { 2 } else { 4 };
            assert_eq!(longest, attained, "{lattice} q {q}: a hole");
        }
        let digits = digits[at * d..][..d].repeat(levels);
        let y = points(&codec, &digits);
        let most = inner_products(&codec, &y, &y)[0];
        let (mut out, codes) = ([0], encoded(&codec, Form::Packed, &digits));
        match codec.dot(&codes, &codes, &mut out) {
            Ok(()) => assert_eq!(i128::from(out[0]), most, "{codec:?}"),
            Err(e) => {
                assert!(i64::try_from(most).is_err(), "{codec:?}: {most} fits");
                assert_eq!(e, Error::DotOverflow { lattice, q, levels }, "{codec:?}");
                assert_eq!(codec.dot_table().unwrap_err(), e, "the table of {codec:?}");
                refused.push((lattice, q, levels));
            }
        }
    }
    let eight = |(l, q)| (l, q, 8);
    let all = [(Lattice::D4, 14), (Lattice::E8, 14)]
        .into_iter()
        .chain(Lattice::ALL.into_iter().flat_map(|l| [(l, 15), (l, 16)]));
    let mut all: Vec<_> = all.map(eight).collect();
    all.sort_by_key(|&(l, q, _)| (l.dim(), q));
    assert_eq!(refused, all, "refused");
}

#[test]
fn tables_too_large_name_the_way_without() {
    for (lattice, most) in [(Lattice::Z2, 16), (Lattice::D4, 5), (Lattice::E8, 2)] {
        for q in 2..=16 {
            let table = codec(lattice, q, 1).dot_table().map(|table| table.len_bytes());
            let bytes = || 2 * usize::from(q).pow(2 * u32::try_from(lattice.dim()).unwrap());
            let want = if q <= most { Ok(bytes()) } else { Err(Error::DotTable { lattice, q }) };
            assert_eq!(table, want, "{lattice} q {q}");
        }
    }
    let err = codec(Lattice::E8, 4, 1).dot_table().unwrap_err().to_string();
    assert!(err.contains("E8 leaders with q 4") && err.contains("use Codec::dot"), "{err}");
}

#[test]
fn what_is_no_code_is_named_as_in_decoding() {
    let (codec, n) = (codec(Lattice::D4, 5, 3), 150);
    let table = codec.dot_table().unwrap();
    let good = encoded(&codec, FORMS[1], &random(&codec, 1, n));
    let mut bad = Vec::new();
    for form in FORMS {
        let codes = encoded(&codec, form, &random(&codec, 2, n));
        for i in [n - 1, 70, 0] {
            let mut scaled = codes.clone();
            scaled.scalings_mut()[i] = 11;
            let mut wrong = codes.clone();
            match form {
                Form::Packed => (0..3).for_each(|bit| or(&mut wrong, i, 21 + bit, 1)),
                Form::Digits(Layout::Soa) => wrong.digits_mut()[5 * n + i] = 255,
                Form::Digits(Layout::Rows) => wrong.digits_mut()[12 * i + 11] = 5,
            }
            bad.extend([scaled, wrong]);
        }
    }
    let mut padded = encoded(&codec, Form::Packed, &random(&codec, 2, n));
    // 36 bits of 40 are digits.
    or(&mut padded, 149, 39, 1);
    or(&mut padded, 80, 36, 1);
    bad.push(padded);
    let (mut x, mut out) = (vec![0.0; 4 * n], vec![0; n]);
    let mut kinds = std::collections::HashSet::new();
    for bad in &bad {
        let want = codec.decode(bad, &mut x, Layout::Soa).unwrap_err();
        kinds.insert(std::mem::discriminant(&want));
        for (a, b) in [(bad, &good), (&good, bad)] {
            assert_eq!(codec.dot(a, b, &mut out), Err(want), "{bad:?}");
            assert_eq!(table.dot(a, b, &mut out), Err(want), "{bad:?} by table");
        }
    }
    assert_eq!(kinds.len(), 3, "kinds of faults");
    let both = [&bad[0], &bad[1]].map(|codes| codec.decode(codes, &mut x, Layout::Soa));
    assert_eq!(codec.dot(&bad[0], &bad[1], &mut out), both[0], "the left one first");
    assert_ne!(both[0], both[1], "two faults");
}

#[test]
fn scaled_it_is_the_inner_product_of_decoded_vectors() {
    for lattice in Lattice::ALL {
        let codec = Codec::new(lattice, 3, 3, 0.375, true).unwrap();
        let (d, n) = (lattice.dim(), 300);
        let x = input::uniform(1, 2 * d * n, -20.0, 20.0);
        let (mut left, mut right) = (vec![0.0; d * n], vec![0.0; d * n]);
        let mut a = Encoded::new(&codec, Form::Packed, n);
        let mut b = a.clone();
        for ((x, codes), y) in x.chunks(d * n).zip([&mut a, &mut b]).zip([&mut left, &mut right]) {
            codec.encode(x, Layout::Rows, codes).unwrap();
            codec.decode(codes, y, Layout::Rows).unwrap();
        }
        let mut out = vec![0; n];
        codec.dot(&a, &b, &mut out).unwrap();
        let mut scalings = std::collections::HashSet::new();
        for (i, (y, z)) in iter::zip(left.chunks(d), right.chunks(d)).enumerate() {
            // 0.375 has two bits, so that all of this is exact.
            let want: f64 = y.iter().zip(z).map(|(y, z)| f64::from(*y) * f64::from(*z)).sum();
            let (t_a, t_b) = (a.scaling(i), b.scaling(i));
            scalings.insert((t_a, t_b));
            assert_eq!(out[i] as f64 * codec.dot_scale(t_a, t_b), want, "{lattice}, {i}");
        }
        assert!(scalings.len() > 3, "scalings {scalings:?}");
    }
}
