//! All paths give the same bits: instruction sets, forms, layouts, batch sizes, and the way through
//! codes and around them.

use stepmark::input;
use stepmark::lattice::{Codec, Encoded, Form, Lattice, Layout};
use stepmark::machine::isa::Isa;

use super::{FORMS, LAYOUTS, PAIRS, all_pairs, digits, transposed};

/// A batch and all that belongs to it, vector by vector.
struct Batch {
    n: usize,
    x: Vec<f32>,
    digits: Vec<u8>,
    t: Vec<u8>,
    overload: Vec<u8>,
    decoded: Vec<f32>,
}

/// `n` vectors of every kind: some blocks are of one kind, in others they mix.
fn vectors(seed: u64, codec: &Codec, n: usize) -> Vec<f32> {
    let reach = f32::from(codec.q()).powi(i32::try_from(codec.levels()).expect("small"));
    // Ranges and grids, in steps: without ties, most with ties, and to the ends of the domain.
    let kinds = [
        (reach / 3.0, 0.0),
        (1.5 * reach, 0.0),
        (4.0, 1.0 / 1_048_576.0),
        (reach / 3.0, 0.5),
        (8.0, 0.25),
        (1.5 * reach, 1.0),
        (16.0, 1.0 / f32::from(codec.q())),
        (4096.0, 1.0 / 1024.0),
        (4_194_304.0, 0.5),
        (1e-38, 1e-42),
        (0.0, 1.0),
    ];
    let d = codec.lattice().dim();
    let unit = input::uniform(seed, d * n, -1.0, 1.0);
    let pick = digits(seed + 1, n, 11);
    let mut x = Vec::with_capacity(d * n);
    for (i, unit) in unit.chunks(d).enumerate() {
        let block = i / 64;
        let (range, step) = kinds[usize::from(pick[if block % 2 == 0 { block } else { i }])];
        x.extend(unit.iter().map(|&unit| {
            let steps = unit * range.min(4_194_304.0);
            let steps = if step > 0.0 { (steps / step).round() * step } else { steps };
            steps.clamp(-4_194_000.0, 4_194_000.0) * codec.beta()
        }));
    }
    if codec.beta() == 1.0 && n > 0 {
        // The last float of the domain itself.
        x[0] = 4_194_304.0;
        x[d * n - 1] = -4_194_304.0;
    }
    x
}

fn floats(x: &[f32], layout: Layout, d: usize) -> Vec<f32> {
    match layout {
        Layout::Rows => x.to_vec(),
        Layout::Soa => transposed(x, d),
    }
}

fn bits(x: &[f32]) -> Vec<u32> {
    x.iter().map(|x| x.to_bits()).collect()
}

fn same_bits(x: &[f32], bits: &[u32]) -> bool {
    x.len() == bits.len() && x.iter().zip(bits).all(|(x, bits)| x.to_bits() == *bits)
}

/// The result of the plain definition for `x`.
fn reference(codec: &Codec, x: Vec<f32>) -> Batch {
    let codec = codec.clone().with_isa(Isa::Scalar);
    let codes = super::encode(&codec, &x);
    let decoded = super::decode(&codec, &codes);
    Batch {
        n: codes.len(),
        x,
        digits: codes.digits().to_vec(),
        t: codes.scalings().to_vec(),
        overload: codes.overload().to_vec(),
        decoded,
    }
}

/// The planes of a form, from digits `[n][M][d]`: packed as the definition says, bit by bit.
fn planes(codec: &Codec, form: Form, digits: &[u8]) -> Vec<Vec<u8>> {
    let per_vector = codec.levels() * codec.lattice().dim();
    match form {
        Form::Digits(Layout::Rows) => vec![digits.to_vec()],
        Form::Digits(Layout::Soa) => vec![transposed(digits, per_vector)],
        Form::Packed => {
            let width = (1..=4).find(|&w| 1 << w >= codec.q()).expect("q is at most 16");
            let len = (per_vector * width).div_ceil(8);
            let widths: Vec<usize> = std::iter::repeat_n(8, len / 8)
                .chain([4, 2, 1].into_iter().filter(|part| len & part != 0))
                .collect();
            let mut planes: Vec<Vec<u8>> = widths.iter().map(|_| Vec::new()).collect();
            for digits in digits.chunks(per_vector) {
                let mut word = vec![0; len];
                for bit in 0..per_vector * width {
                    word[bit / 8] |= (digits[bit / width] >> (bit % width) & 1) << (bit % 8);
                }
                let mut rest = word.as_slice();
                for (plane, &width) in planes.iter_mut().zip(&widths) {
                    let (part, next) = rest.split_at(width);
                    plane.extend(part);
                    rest = next;
                }
            }
            planes
        }
    }
}

/// The j-th way through a codec; the first six are all.
fn way(j: usize) -> (Layout, Form) {
    (LAYOUTS[j % 2], FORMS[j % 3])
}

/// Encodes and decodes all of `batch` in each of the `ways` with each of the instruction sets.
fn assert_same(
    codec: &Codec,
    isas: &[Isa],
    batch: &Batch,
    ways: impl Iterator<Item = (Layout, Form)>,
) {
    let (d, n) = (codec.lattice().dim(), batch.n);
    let count = batch.overload.iter().map(|byte| byte.count_ones() as usize).sum::<usize>();
    for (layout, form) in ways {
        let (x, decoded) = (floats(&batch.x, layout, d), bits(&floats(&batch.decoded, layout, d)));
        let planes = planes(codec, form, &batch.digits);
        let mut y = vec![f32::NAN; x.len()];
        for codec in isas.iter().map(|&isa| codec.clone().with_isa(isa)) {
            let at = || format!("{codec:?}, n {n}, {layout:?} to {form:?}");
            let mut codes = Encoded::new(&codec, form, n);
            codec.encode(&x, layout, &mut codes).expect("in the domain");
            assert_eq!(codes.planes(), planes.len(), "{}: planes", at());
            for (k, plane) in planes.iter().enumerate() {
                assert!(codes.plane(k) == plane, "{}: plane {k}", at());
            }
            assert!(codes.scalings() == batch.t, "{}: scalings", at());
            assert!(codes.overload() == batch.overload, "{}: overload", at());
            assert_eq!(codes.overloaded(), count, "{}: overloaded", at());
            y.fill(f32::NAN);
            codec.decode(&codes, &mut y, layout).expect("codes of a codec");
            assert!(same_bits(&y, &decoded), "{}: decoded", at());
            if form == Form::Packed {
                y.fill(f32::NAN);
                let overloaded = codec.quantize(&x, &mut y, layout).expect("in the domain");
                assert_eq!(overloaded, count, "{}: overloaded, quantized", at());
                assert!(same_bits(&y, &decoded), "{}: quantized", at());
            }
        }
    }
}

/// A code for the k-th batch: the betas take turns.
fn codec(lattice: Lattice, (q, m): (u8, usize), k: usize, protected: bool) -> Codec {
    let betas = [1.0, 0.35, 0.25, 3e-20, 2f32.powi(-100), 2f32.powi(100), 1.7];
    Codec::new(lattice, q, m, betas[k % betas.len()], protected).expect("in range")
}

/// Compares all instruction sets on `n` vectors in two ways, and on a few of them in all ways.
fn assert_same_on_all_isas(codec: &Codec, seed: usize, n: usize) {
    let x = vectors(seed as u64, codec, n);
    let few = reference(codec, x[..codec.lattice().dim() * n.min(101)].to_vec());
    let all = reference(codec, x);
    let mut isas: Vec<Isa> = Isa::available().collect();
    assert_same(codec, &isas, &few, (0..6).map(way));
    isas.retain(|isa| *isa != Isa::Scalar);
    assert_same(codec, &isas, &all, (seed..seed + 2).map(way));
}

fn compare_all_pairs(lattice: Lattice) {
    for (k, pair) in all_pairs().enumerate() {
        for protected in [false, true] {
            let codec = codec(lattice, pair, k, protected);
            // 240 times 4201 vectors.
            assert_same_on_all_isas(&codec, 2 * k + usize::from(protected), 4201);
        }
    }
}

#[test]
fn a_million_vectors_of_z2_over_all_q_and_m_have_the_same_bits_on_all_paths() {
    compare_all_pairs(Lattice::Z2);
}

#[test]
fn a_million_vectors_of_d4_over_all_q_and_m_have_the_same_bits_on_all_paths() {
    compare_all_pairs(Lattice::D4);
}

#[test]
fn a_million_vectors_of_e8_over_all_q_and_m_have_the_same_bits_on_all_paths() {
    compare_all_pairs(Lattice::E8);
}

fn compare_a_million(pair: (u8, usize)) {
    for (k, lattice) in Lattice::ALL.into_iter().enumerate() {
        for (j, protected) in [false, true].into_iter().enumerate() {
            for round in 0..3 {
                let codec = codec(lattice, pair, j + round, protected);
                // 18 times 56003 vectors.
                assert_same_on_all_isas(&codec, 6 * k + 3 * j + round, 56_003);
            }
        }
    }
}

#[test]
fn a_million_vectors_with_q4_m2_have_the_same_bits_on_all_paths() {
    compare_a_million(PAIRS[0]);
}

#[test]
fn a_million_vectors_with_q3_m3_have_the_same_bits_on_all_paths() {
    compare_a_million(PAIRS[1]);
}

#[test]
fn a_million_vectors_with_q8_m2_have_the_same_bits_on_all_paths() {
    compare_a_million(PAIRS[2]);
}

#[test]
fn a_million_vectors_with_q2_m4_have_the_same_bits_on_all_paths() {
    compare_a_million(PAIRS[3]);
}

#[test]
fn a_million_vectors_with_q16_m1_have_the_same_bits_on_all_paths() {
    compare_a_million(PAIRS[4]);
}

#[test]
fn every_batch_size_has_the_same_bits_on_all_paths() {
    let isas: Vec<Isa> = Isa::available().collect();
    let pairs = PAIRS.into_iter().chain([(4, 1), (5, 3), (7, 8), (9, 2), (16, 4), (4, 8)]);
    for (k, pair) in pairs.enumerate() {
        for (lattice, protected) in Lattice::ALL.into_iter().flat_map(|l| [(l, false), (l, true)]) {
            let codec = codec(lattice, pair, k, protected);
            for n in (0..=70).chain([127, 128, 129, 255, 257]) {
                let batch = reference(&codec, vectors(n as u64, &codec, n));
                assert_same(&codec, &isas, &batch, (0..6).map(way));
            }
        }
    }
}

/// Decoding stores large batches round the caches: the same vectors again and again, as one batch.
fn compare_32_mib(lattice: Lattice) {
    for (k, pair) in PAIRS.into_iter().chain([(5, 2), (7, 8)]).enumerate() {
        let codec = codec(lattice, pair, k, (lattice.dim() / 2 + k).is_multiple_of(2));
        let few = reference(&codec, vectors(k as u64, &codec, 4201));
        // An odd number of vectors of a lattice in two dimensions.
        let times = (1 << 25) / size_of_val(few.x.as_slice()) + 1;
        let want = bits(&few.decoded);
        for form in [Form::Packed, Form::Digits(Layout::Rows)] {
            let mut codes = Encoded::new(&codec, form, few.n * times);
            for (k, plane) in planes(&codec, form, &few.digits).iter().enumerate() {
                codes.plane_mut(k).copy_from_slice(&plane.repeat(times));
            }
            codes.scalings_mut().copy_from_slice(&few.t.repeat(times));
            for isa in Isa::available().filter(|isa| *isa != Isa::Scalar) {
                let codec = codec.clone().with_isa(isa);
                let mut y = vec![f32::NAN; want.len() * times];
                codec.decode(&codes, &mut y, Layout::Rows).expect("codes of a codec");
                let same = y.chunks(want.len()).all(|y| same_bits(y, &want));
                assert!(same, "{codec:?}, {form:?}");
                if isa != Isa::best() || form != Form::Packed {
                    continue;
                }
                // At another address than streaming stores take.
                let mut y = vec![f32::NAN; want.len() * times + 1];
                codec.decode(&codes, &mut y[1..], Layout::Rows).expect("codes of a codec");
                let same = y[1..].chunks(want.len()).all(|y| same_bits(y, &want));
                assert!(same, "{codec:?}, {form:?}, at an odd address");
                let (x, y) = (few.x.repeat(times), &mut y[..want.len() * times]);
                y.fill(f32::NAN);
                codec.quantize(&x, y, Layout::Rows).expect("in the domain");
                assert!(y.chunks(want.len()).all(|y| same_bits(y, &want)), "{codec:?}, again");
            }
        }
    }
}

#[test]
fn a_batch_of_32_mib_of_z2_has_the_same_bits_as_the_small_one_that_it_repeats() {
    compare_32_mib(Lattice::Z2);
}

#[test]
fn a_batch_of_32_mib_of_d4_has_the_same_bits_as_the_small_one_that_it_repeats() {
    compare_32_mib(Lattice::D4);
}

#[test]
fn a_batch_of_32_mib_of_e8_has_the_same_bits_as_the_small_one_that_it_repeats() {
    compare_32_mib(Lattice::E8);
}

#[test]
fn random_codes_and_scalings_decode_to_the_same_bits_on_all_paths() {
    for (k, (lattice, pair)) in
        Lattice::ALL.into_iter().flat_map(|l| all_pairs().map(move |pair| (l, pair))).enumerate()
    {
        let codec = codec(lattice, pair, k, k % 2 == 0);
        let (d, n) = (lattice.dim(), 500 + k % 64);
        let seed = k as u64;
        let digits = digits(seed, codec.levels() * d * n, codec.q());
        let t = super::digits(seed, n, codec.max_scaling() + 1);
        let load = |form| {
            let mut codes = Encoded::new(&codec, form, n);
            for (k, plane) in planes(&codec, form, &digits).iter().enumerate() {
                codes.plane_mut(k).copy_from_slice(plane);
            }
            let len = codes.scalings().len();
            codes.scalings_mut().copy_from_slice(&t[..len]);
            codes
        };
        let rows = load(FORMS[2]);
        let want = super::decode(&codec.clone().with_isa(Isa::Scalar), &rows);
        for (isa, form) in Isa::available().flat_map(|isa| FORMS.map(|form| (isa, form))) {
            let (codec, codes) = (codec.clone().with_isa(isa), load(form));
            for layout in LAYOUTS {
                let mut y = vec![f32::NAN; want.len()];
                codec.decode(&codes, &mut y, layout).expect("codes of a codec");
                let want = bits(&floats(&want, layout, d));
                assert!(bits(&y) == want, "{codec:?}, n {n}, {form:?} to {layout:?}");
            }
        }
    }
}
