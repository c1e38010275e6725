//! Properties that hold for every input, on up to a million of them.

use std::collections::HashSet;

use proptest::prelude::*;
use stepmark::input;
use stepmark::lattice::{Codec, Encoded, Error, Form, Lattice, Layout, nearest};

/// Codes of shape `[M][d][n]`, scalings and flags.
struct Coded {
    codes: Vec<u8>,
    t: Vec<u8>,
    overload: Vec<bool>,
}

const SOA: Form = Form::Digits(Layout::Soa);

fn encode(codec: &Codec, x: &[f32]) -> Result<Coded, Error> {
    let n = x.len() / codec.lattice().dim();
    let mut codes = Encoded::new(codec, SOA, n);
    codec.encode(x, Layout::Soa, &mut codes)?;
    let (t, overload) = (0..n).map(|i| (codes.scaling(i), codes.is_overloaded(i))).unzip();
    Ok(Coded { codes: codes.digits().to_vec(), t, overload })
}

fn decode(codec: &Codec, coded: &Coded) -> Vec<f32> {
    let mut codes = Encoded::new(codec, SOA, coded.t.len());
    codes.digits_mut().copy_from_slice(&coded.codes);
    for (slot, t) in codes.scalings_mut().iter_mut().zip(&coded.t) {
        *slot = *t;
    }
    let mut x = vec![0.0; codec.lattice().dim() * coded.t.len()];
    codec.decode(&codes, &mut x, Layout::Soa).expect("codes of a codec");
    x
}

/// Q(x) as floats.
fn points(lattice: Lattice, x: &[f32]) -> Vec<f32> {
    let mut y = vec![0; x.len()];
    nearest(lattice, x, &mut y).expect("in the domain");
    y.iter().map(|&y| y as f32 / f32::from(lattice.scale())).collect()
}

#[expect(clippy::cast_possible_truncation, reason = "inputs are f32")]
fn gaussian(seed: u64, len: usize, sigma: f64) -> Vec<f32> {
    input::gaussian(seed, len, sigma).into_iter().map(|v| v as f32).collect()
}

/// On a grid of eighths, so that ties are common and sums are exact.
fn eighths(seed: u64, len: usize, range: f32) -> Vec<f32> {
    input::uniform(seed, len, -range, range).into_iter().map(|v| (8.0 * v).round() / 8.0).collect()
}

fn is_point(lattice: Lattice, y: &[f32]) -> bool {
    let whole = |v: f32| v.fract() == 0.0;
    let even = whole(y.iter().sum::<f32>() / 2.0);
    match lattice {
        Lattice::Z2 => y.iter().all(|&v| whole(v)),
        Lattice::D4 => y.iter().all(|&v| whole(v)) && even,
        Lattice::E8 => (y.iter().all(|&v| whole(v)) || y.iter().all(|&v| whole(v + 0.5))) && even,
    }
}

/// The shortest vectors: 4, 24 or 240. The faces of the cells are half-way along them.
fn roots(lattice: Lattice) -> Vec<Vec<f32>> {
    let d = lattice.dim();
    let with = |pairs: &[(usize, f32)]| {
        let mut r = vec![0.0; d];
        pairs.iter().for_each(|&(k, v)| r[k] = v);
        r
    };
    let signs = [(1.0, 1.0), (1.0, -1.0), (-1.0, 1.0), (-1.0, -1.0)];
    if lattice == Lattice::Z2 {
        return (0..2).flat_map(|k| [with(&[(k, 1.0)]), with(&[(k, -1.0)])]).collect();
    }
    let places = (0..d).flat_map(|j| (0..j).map(move |k| (j, k)));
    let mut roots: Vec<_> =
        places.flat_map(|(j, k)| signs.map(|(a, b)| with(&[(j, a), (k, b)]))).collect();
    if lattice == Lattice::E8 {
        let even = (0..256_u32).filter(|minus| minus.count_ones() % 2 == 0);
        let half = |minus: u32, k: u32| if minus >> k & 1 == 0 { 0.5 } else { -0.5 };
        roots.extend(even.map(|minus| (0..8).map(|k| half(minus, k)).collect()));
    }
    roots
}

#[test]
fn nearest_points_are_points_and_no_root_leads_nearer() {
    for (lattice, count) in [(Lattice::Z2, 4), (Lattice::D4, 24), (Lattice::E8, 240)] {
        let (d, n) = (lattice.dim(), 200_000);
        let x = gaussian(1, d * n, 10.0);
        let y = points(lattice, &x);
        let roots = roots(lattice);
        assert_eq!(roots.len(), count, "roots of {lattice}");
        for i in 0..n {
            let at = |v: &[f32]| (0..d).map(|k| v[k * n + i]).collect::<Vec<_>>();
            let (x, y) = (at(&x), at(&y));
            assert!(is_point(lattice, &y), "{y:?} is not in {lattice}");
            for r in &roots {
                let dot = |v: &[f32]| v.iter().zip(r).map(|(v, r)| v * r).sum::<f32>();
                let off: Vec<f32> = x.iter().zip(&y).map(|(x, y)| x - y).collect();
                // The grid of Q moves x by up to 2^-23 in d components; f32 sums err by less.
                let most = dot(r) / 2.0 + 1e-6;
                assert!(dot(&off) <= most, "{y:?} is not nearest to {x:?}, see {r:?}");
            }
        }
    }
}

#[test]
fn q_commutes_with_points_also_on_boundaries_and_leaves_points_alone() {
    for lattice in Lattice::ALL {
        let (d, n) = (lattice.dim(), 100_000);
        let x = eighths(2, d * n, 6.0);
        let v = points(lattice, &eighths(3, d * n, 1000.0));
        let moved: Vec<f32> = x.iter().zip(&v).map(|(x, v)| x + v).collect();
        let want: Vec<f32> = points(lattice, &x).iter().zip(&v).map(|(y, v)| y + v).collect();
        assert_eq!(points(lattice, &moved), want, "Q(x + v) and Q(x) + v in {lattice}");
        assert_eq!(points(lattice, &v), v, "Q(v) and v in {lattice}");
    }
}

/// Every code decodes to a point of its own, and that encodes to the code.
fn assert_bijective(codec: &Codec, codes: Vec<u8>, n: usize) -> Vec<f32> {
    let coded = Coded { codes, t: vec![0; n], overload: vec![false; n] };
    let x = decode(codec, &coded);
    let again = encode(codec, &x).expect("in the domain");
    assert!(again.overload.iter().all(|overload| !overload), "a point of the codebook overloads");
    assert!(again.codes == coded.codes, "a code is not that of its point");
    x
}

#[test]
fn the_codebook_of_d4_q4_m2_has_65536_points() {
    let codec = Codec::new(Lattice::D4, 4, 2, 1.0, false).expect("in range");
    let n = 1 << 16;
    let codes = (0..8).flat_map(|j| (0..n).map(move |b: u32| (b >> (2 * j) & 3) as u8)).collect();
    let x = assert_bijective(&codec, codes, n as usize);
    let n = n as usize;
    let distinct: HashSet<[u32; 4]> =
        (0..n).map(|i| std::array::from_fn(|k| x[k * n + i].to_bits())).collect();
    assert_eq!(distinct.len(), n, "distinct points");
}

#[test]
fn random_codes_of_every_codebook_are_those_of_their_points() {
    let random = |seed, len, q: u8| -> Vec<u8> {
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "in 0..q")]
        let code = |v: f32| v as u8;
        input::uniform(seed, len, 0.0, f32::from(q)).into_iter().map(code).collect()
    };
    let n = 1_000_000;
    let e8 = Codec::new(Lattice::E8, 4, 2, 1.0, false).expect("in range");
    assert_bijective(&e8, random(1, 16 * n, 4), n);
    let n = 1000;
    for (lattice, q) in Lattice::ALL.into_iter().flat_map(|l| (2..=16).map(move |q| (l, q))) {
        // 16^5 is within the domain, and in f32 exact.
        for m in 1..=5 {
            let codec = Codec::new(lattice, q, m, 0.5, true).expect("in range");
            assert_bijective(&codec, random(m as u64, m * lattice.dim() * n, q), n);
        }
    }
}

#[test]
fn what_is_not_overloaded_decodes_to_the_nearest_point() {
    const CODES: [(u8, usize); 10] =
        [(4, 2), (3, 3), (8, 2), (2, 4), (16, 1), (5, 3), (7, 2), (13, 2), (16, 4), (9, 8)];
    for lattice in Lattice::ALL {
        let (d, n) = (lattice.dim(), 120_000);
        let mut fitting = 0;
        for (q, m) in CODES {
            let codec = Codec::new(lattice, q, m, 1.0, false).expect("in range");
            let sigma = f64::from(q).powi(i32::try_from(m).expect("small")).min(1e6) / 5.0;
            let mut x = gaussian(u64::from(q), d * n, sigma);
            // Half of them on boundaries.
            x.iter_mut().step_by(2).for_each(|x| *x = (4.0 * *x).round() / 4.0);
            let coded = encode(&codec, &x).expect("in the domain");
            let (decoded, y) = (decode(&codec, &coded), points(lattice, &x));
            for i in 0..n {
                let same = (0..d).all(|k| decoded[k * n + i] == y[k * n + i]);
                // What is overloaded has aliased, so the two are never equal.
                let at: Vec<f32> = (0..d).map(|k| x[k * n + i]).collect();
                assert_ne!(same, coded.overload[i], "{lattice} q {q} M {m}, vector {at:?}");
                fitting += usize::from(same);
            }
        }
        assert!(fitting > 1_000_000, "{lattice}: only {fitting} vectors fit");
    }
}

#[test]
fn twice_a_vector_is_scaled_once_more_if_at_all() {
    for (lattice, q, m) in
        [(Lattice::Z2, 4, 2), (Lattice::D4, 3, 3), (Lattice::E8, 4, 2), (Lattice::D4, 2, 4)]
    {
        let codec = Codec::new(lattice, q, m, 0.25, true).expect("in range");
        let n = 20_000;
        // Of all sizes: some need no scaling, and for some ten are not enough.
        let mut x = gaussian(4, lattice.dim() * n, 1.0);
        for (j, x) in x.iter_mut().enumerate() {
            *x *= f32::from(1_u16 << (j % n % 16));
        }
        let twice: Vec<f32> = x.iter().map(|x| 2.0 * x).collect();
        let (one, two) = (encode(&codec, &x).unwrap(), encode(&codec, &twice).unwrap());
        for i in 0..n {
            let next = (one.t[i] + 1).min(10);
            assert!([0, next].contains(&two.t[i]), "{lattice}: T {}, then {}", one.t[i], two.t[i]);
        }
        let seen: HashSet<u8> = one.t.iter().copied().collect();
        assert_eq!(seen.len(), 11, "{lattice} q {q} M {m}: scalings {seen:?}");
    }
}

proptest! {
    #[test]
    fn any_float_is_encoded_or_rejected(
        lattice in prop::sample::select(&Lattice::ALL[..]),
        q in 2..=16_u8,
        m in 1..=8_usize,
        beta in (-100..100_i32, 1.0..2.0_f32).prop_map(|(e, f)| f * 2f32.powi(e)),
        protected: bool,
        any: [f32; 8],
        steps in prop::array::uniform8(-100.0..100.0_f32),
        use_any: bool,
    ) {
        let codec = Codec::new(lattice, q, m, beta, protected).unwrap();
        let x = if use_any { any } else { steps.map(|step| step * beta) };
        let x = &x[..lattice.dim()];
        let fits = x.iter().all(|x| (x / beta).abs() <= 4_194_304.0);
        match encode(&codec, x) {
            Err(e) => {
                prop_assert_eq!(e, Error::Domain { vector: 0, beta });
                prop_assert!(!fits);
            }
            Ok(coded) => {
                prop_assert!(fits && coded.codes.iter().all(|&b| b < q));
                prop_assert!(coded.t[0] <= codec.max_scaling());
                let y = decode(&codec, &coded);
                let norm = |v: f32| f64::from(v / beta / f32::from(1_u16 << coded.t[0])).powi(2);
                let off: f64 = x.iter().zip(&y).map(|(x, y)| norm(x - y)).sum();
                // One cell has a radius of at most 1; x / beta and x_hat are rounded to 2^-24.
                prop_assert!(coded.overload[0] || off <= 2.0, "off by {}", off);
            }
        }
    }
}
