//! The codec against the definition, on every path that this processor has.

use super::*;
use crate::lattice::cases::oracle;

const SOA: Form = Form::Digits(Layout::Soa);

fn encode(codec: &Codec, x: &[f32]) -> Result<Encoded, Error> {
    let mut codes = Encoded::new(codec, SOA, x.len() / codec.lattice().dim());
    codec.encode(x, Layout::Soa, &mut codes)?;
    Ok(codes)
}

/// Decodes digits of shape `[M][d][n]`.
fn decode(codec: &Codec, digits: &[u8], t: &[u8]) -> Result<Vec<f32>, Error> {
    let n = digits.len() / codec.word().digits;
    let mut codes = Encoded::new(codec, SOA, n);
    codes.digits_mut().copy_from_slice(digits);
    codes.scalings_mut().copy_from_slice(t);
    let mut x = vec![f32::NAN; codec.lattice().dim() * n];
    codec.decode(&codes, &mut x, Layout::Soa)?;
    Ok(x)
}

#[test]
fn worked_by_hand() {
    // lam_0 = (2, 0, -4, 2), of coordinates (0, 2, 2, -2), of digit (0, 2, 2, 2), the digit of
    // (2, 0, 0, -2). Q of a quarter of that is 0 or (1, 0, 0, -1), and 0 is farther along u.
    // Hence lam_1 = (0, 0, -1, 1), of coordinates (0, 0, 0, -1).
    let codec = Codec::new(Lattice::D4, 4, 2, 0.5, false).unwrap();
    let codes = encode(&codec, &[0.85, -0.05, -2.0, 0.8]).unwrap();
    assert_eq!(codes.digits(), [0, 2, 2, 2, 0, 0, 0, 3], "codes");
    assert!(!codes.is_overloaded(0), "in the codebook");
    let decoded = decode(&codec, codes.digits(), &[]).unwrap();
    crate::close::bits("Q(x)", &decoded, &[1.0, 0.0, -2.0, 1.0]).unwrap();

    // Leaders are -1 to 2 along x and -2 to 1 along y, so the codebook is -5..=10 by -10..=5.
    // The half of (11, 1) is a corner of four squares, and (5, 1) is farthest along u.
    let codec = Codec::new(Lattice::Z2, 4, 2, 1.0, true).unwrap();
    assert_eq!(
        encode(&codec, &[10.0, -10.0]).unwrap().scalings(),
        [0],
        "the corner of the codebook"
    );
    let codes = encode(&codec, &[11.0, 1.0]).unwrap();
    assert_eq!((codes.digits(), codes.scalings()), (&[1, 1, 1, 0][..], &[1][..]), "scaled");
    assert!(!codes.is_overloaded(0), "so it fits");
    assert_eq!(decode(&codec, &[1, 1, 1, 0], &[1]).unwrap(), [10.0, 2.0], "decoded");
    let codes = encode(&codec, &[4e6, 1.0]).unwrap();
    assert_eq!((codes.scaling(0), codes.overload()), (10, &[1][..]), "scaled, in vain");
}

#[test]
fn parameters_out_of_range_are_rejected() {
    let new = |q, m, beta| Codec::new(Lattice::Z2, q, m, beta, false).map(|_| ());
    for q in [0, 1, 17, 255] {
        assert_eq!(new(q, 1, 1.0), Err(Error::Q { found: q }), "q");
    }
    for m in [0, 9, usize::MAX] {
        assert_eq!(new(2, m, 1.0), Err(Error::Levels { found: m }), "M");
    }
    let (low, high) = (2f32.powi(-100), 2f32.powi(100));
    assert_eq!((new(16, 8, low), new(2, 1, high)), (Ok(()), Ok(())), "the edges");
    for beta in [0.0, -1.0, low.next_down(), high.next_up(), f32::INFINITY, f32::NAN] {
        assert!(matches!(new(2, 1, beta), Err(Error::Beta { .. })), "beta {beta}");
    }
}

/// Encodes `n` awkward vectors, decodes `n` random codes, and compares with the definition.
fn check(codec: &Codec, n: usize) {
    let d = codec.lattice().dim();
    let mut x = oracle::awkward(n as u64, d, n);
    x.iter_mut().for_each(|v| *v *= codec.beta().min(1.0));
    let mut codes = encode(codec, &x).unwrap();
    oracle::check_encoded(codec, &x, Layout::Soa, &codes)
        .unwrap_or_else(|e| panic!("{codec:?}, encode, n {n}: {e}"));

    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "below 17")]
    let random = |seed, len, end: u8| -> Vec<u8> {
        let values = crate::input::uniform(seed, len, 0.0, end.into());
        values.into_iter().map(|v| v as u8).collect()
    };
    let len = codes.digits().len();
    codes.digits_mut().copy_from_slice(&random(1, len, codec.q()));
    let t = codes.scalings_mut();
    t.copy_from_slice(&random(2, t.len(), codec.max_scaling() + 1));
    codec.decode(&codes, &mut x, Layout::Soa).unwrap();
    oracle::check_decoded(codec, &codes, &x, Layout::Soa)
        .unwrap_or_else(|e| panic!("{codec:?}, decode, n {n}: {e}"));
}

#[test]
fn every_code_agrees_with_the_definition() {
    for (lattice, q) in Lattice::ALL.into_iter().flat_map(|l| (2..=16).map(move |q| (l, q))) {
        for (m, protected) in (1..=8).flat_map(|m| [(m, false), (m, true)]) {
            check(&Codec::new(lattice, q, m, 1.0, protected).unwrap(), 24);
            check(&Codec::new(lattice, q, m, 0.35, protected).unwrap(), 24);
        }
    }
}

#[test]
fn every_batch_size_agrees_with_the_definition() {
    for lattice in Lattice::ALL {
        let codec = Codec::new(lattice, 3, 2, 1.25, true).unwrap();
        (0..=33).for_each(|n| check(&codec, n));
    }
}

#[test]
fn what_is_no_vector_and_what_is_no_code_is_named() {
    let codec = Codec::new(Lattice::D4, 5, 2, 0.25, true).unwrap();
    let edge = 0.25 * 4_194_304.0;
    let mut x = vec![edge; 12];
    assert!(encode(&codec, &x).is_ok(), "the edge is in the domain");
    for bad in [f32::NAN, f32::NEG_INFINITY, edge.next_up()] {
        (x[5], x[10]) = (bad, bad);
        let err = encode(&codec, &x).unwrap_err();
        assert_eq!(err, Error::Domain { vector: 1, beta: 0.25 }, "{bad}");
    }
    let small = Codec::new(Lattice::Z2, 2, 1, 2f32.powi(-100), false).unwrap();
    let err = encode(&small, &[0.0, 1e30, 0.0, 0.0]).unwrap_err();
    assert_eq!(err, Error::Domain { vector: 1, beta: 2f32.powi(-100) }, "x / beta overflows");

    let mut codes = vec![4; 24];
    assert!(decode(&codec, &codes, &[0, 10, 3]).is_ok(), "the edges are codes");
    let err = decode(&codec, &codes, &[0, 11, 255]).unwrap_err();
    assert_eq!(err, Error::Scaling { vector: 1, found: 11, max: 10 }, "scaling");
    codes[4 * 3 + 2 * 3 + 2] = 5;
    let err = decode(&codec, &codes, &[0; 3]).unwrap_err();
    assert_eq!(err, Error::Code { vector: 2, level: 1, k: 2, found: 5, q: 5 }, "code");
}
