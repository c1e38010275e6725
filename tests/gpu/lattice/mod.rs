//! The lattice codec on the GPU against the scalar reference.

mod dot;

use std::sync::Arc;

use cudarc::driver::CudaSlice;
use stepmark::gpu::Device;
use stepmark::lattice::cuda::{self, DeviceEncoded};
use stepmark::lattice::{Codec, Encoded, Error, Form, Lattice, Layout};
use stepmark::machine::isa::Isa;
use stepmark::{close, input};

use crate::device;

const FORMS: [Form; 3] = [Form::Packed, Form::Digits(Layout::Soa), Form::Digits(Layout::Rows)];

const LAYOUTS: [Layout; 2] = [Layout::Soa, Layout::Rows];

/// `n` vectors, row by row: Gaussian, on the borders of cells and beside them, huge, tiny.
fn awkward(seed: u64, codec: &Codec, n: usize) -> Vec<f32> {
    let (d, beta) = (codec.lattice().dim(), codec.beta());
    let top = f32::from(codec.q()).powi(codec.levels().try_into().unwrap());
    let normal = input::gaussian(seed, d * n, 1.0);
    let uniform = input::uniform(seed, d * n, -1.0, 1.0);
    #[expect(clippy::cast_possible_truncation, reason = "a test value")]
    let steps = |i: usize| match i / d % 7 {
        0 => normal[i] as f32,
        1 => (normal[i] as f32 * top / 5.0).clamp(-4e6, 4e6),
        2 => (uniform[i] * 6.0).round() / 2.0,
        3 => (uniform[i] * 4.0 * top).round().clamp(-8e6, 8e6) / 2.0,
        4 => (uniform[i] * 6.0).round() / 2.0 + [0.0, 1.2e-7, -1.2e-7, 2.4e-7][i % 4],
        5 => uniform[i] * 2f32.powi(i32::try_from(i % 23).unwrap()),
        _ => [0.0, -0.0, 1e-40, -4_194_304.0, 4_194_304.0, 0.5, 0.25 + 1e-7, -1.5][i * 5 % 8],
    };
    // The product may round up to a step more than the domain allows.
    (0..d * n)
        .map(|i| steps(i) * beta)
        .map(|v| v.clamp(-4_194_303.0 * beta, 4_194_303.0 * beta))
        .collect()
}

fn transpose(rows: &[f32], d: usize) -> Vec<f32> {
    let n = rows.len() / d;
    (0..rows.len()).map(|i| rows[i % n * d + i / n]).collect()
}

fn upload(device: &Device, x: &[f32]) -> CudaSlice<f32> {
    // An empty buffer has no address, so one more element than is used.
    let stream = device.stream();
    if x.is_empty() { stream.null().unwrap() } else { stream.clone_htod(x).unwrap() }
}

fn same_codes(what: &str, got: &Encoded, want: &Encoded) {
    for k in 0..want.planes() {
        close::bits(&format!("{what}: plane {k}"), got.plane(k), want.plane(k)).unwrap();
    }
    close::bits(&format!("{what}: T"), got.scalings(), want.scalings()).unwrap();
    close::bits(&format!("{what}: overload"), got.overload(), want.overload()).unwrap();
}

/// Encodes, decodes and quantizes `x`, vectors in `layout`, on both sides.
fn compare(device: &Arc<Device>, codec: &Codec, x: &[f32], layout: Layout, form: Form) {
    let what = format!("{codec:?}, {form:?}, floats {layout:?}");
    let n = x.len() / codec.lattice().dim();
    let mut gpu = cuda::DeviceCodec::new(device, codec).unwrap();
    let mut want = Encoded::new(codec, form, n);
    codec.encode(x, layout, &mut want).unwrap();
    let x_gpu = upload(device, x);
    let mut codes = DeviceEncoded::new(device, codec, form, n).unwrap();
    codes.spoil(device).unwrap();
    gpu.encode(&x_gpu, layout, &mut codes).unwrap();
    same_codes(&what, &codes.download(device, codec).unwrap(), &want);

    let mut want_x = vec![0.0; x.len()];
    codec.decode(&want, &mut want_x, layout).unwrap();
    let mut out = upload(device, &vec![f32::NAN; x.len()]);
    let codes = DeviceEncoded::upload(device, codec, &want).unwrap();
    gpu.decode(&codes, &mut out, layout).unwrap();
    let download = |out: &CudaSlice<f32>| match n {
        0 => Vec::new(),
        _ => device.stream().clone_dtoh(out).unwrap(),
    };
    close::bits(&format!("{what}: decoded"), &download(&out), &want_x).unwrap();

    let mut out = upload(device, &vec![f32::NAN; x.len()]);
    let overloaded = gpu.quantize(&x_gpu, &mut out, layout).unwrap();
    close::bits(&format!("{what}: quantized"), &download(&out), &want_x).unwrap();
    assert_eq!(overloaded, want.overloaded(), "{what}: overloaded vectors");
}

fn scalar(lattice: Lattice, q: u8, levels: usize, beta: f32, protected: bool) -> Codec {
    Codec::new(lattice, q, levels, beta, protected).unwrap().with_isa(Isa::Scalar)
}

/// 100 800 vectors of a lattice, over all (q, M), forms, layouts and betas, with and without
/// protection.
fn every_code(lattice: Lattice) {
    let Some(device) = device() else { return };
    let betas = [1.0, 0.35, 2f32.powi(-100), 2f32.powi(100), 1e-13, 0.1, 7.7e-25];
    let mut turn = 0;
    for (q, levels) in (2..=16).flat_map(|q| (1..=8).map(move |m| (q, m))) {
        for protected in [false, true] {
            let codec = scalar(lattice, q, levels, betas[turn % 7], protected);
            let mut x = awkward(turn as u64, &codec, 420);
            let (form, layout) = (FORMS[turn / 2 % 3], LAYOUTS[turn / 6 % 2]);
            if layout == Layout::Soa {
                x = transpose(&x, lattice.dim());
            }
            compare(&device, &codec, &x, layout, form);
            turn += 1;
        }
    }
}

#[test]
fn z2_is_the_scalar_reference_for_every_code() {
    every_code(Lattice::Z2);
}

#[test]
fn d4_is_the_scalar_reference_for_every_code() {
    every_code(Lattice::D4);
}

#[test]
fn e8_is_the_scalar_reference_for_every_code() {
    every_code(Lattice::E8);
}

#[test]
fn packed_words_of_q4_m2_are_those_of_the_scalar_reference() {
    let Some(device) = device() else { return };
    for (k, lattice) in (0..).zip(Lattice::ALL) {
        for (beta, protected) in [(0.35, false), (0.25, true), (1.0, true)] {
            let codec = scalar(lattice, 4, 2, beta, protected);
            let x = awkward(k, &codec, 5000);
            compare(&device, &codec, &x, Layout::Rows, Form::Packed);
            let x = transpose(&x, lattice.dim());
            compare(&device, &codec, &x, Layout::Soa, Form::Packed);
        }
    }
}

#[test]
fn every_batch_size_is_that_of_the_scalar_reference() {
    let Some(device) = device() else { return };
    for (lattice, n) in Lattice::ALL.into_iter().flat_map(|l| (0..=33).map(move |n| (l, n))) {
        // Sums of 16^8 take f64.
        for (q, levels, form) in [
            (4, 2, Form::Packed),
            (5, 2, Form::Packed),
            (5, 2, FORMS[1 + n % 2]),
            (16, 8, Form::Packed),
        ] {
            let codec = scalar(lattice, q, levels, 0.35, true);
            compare(&device, &codec, &awkward(n as u64, &codec, n), Layout::Rows, form);
        }
    }
}

#[test]
fn vectors_outside_the_domain_are_named() {
    let Some(device) = device() else { return };
    for (lattice, q) in Lattice::ALL.into_iter().flat_map(|l| [(l, 4), (l, 7)]) {
        for beta in [0.25, 2f32.powi(-90)] {
            let codec = scalar(lattice, q, 2, beta, true);
            let d = lattice.dim();
            let edge = 4_194_304.0 * beta;
            for bad in [f32::NAN, f32::INFINITY, -f32::INFINITY, edge.next_up(), f32::MIN] {
                let mut x = vec![edge; 600 * d];
                (x[599 * d], x[300 * d + 1]) = (bad, bad);
                let x = upload(&device, &x);
                let mut gpu = cuda::DeviceCodec::new(&device, &codec).unwrap();
                let mut codes = DeviceEncoded::new(&device, &codec, Form::Packed, 600).unwrap();
                let mut y = upload(&device, &vec![0.0; 600 * d]);
                let want = Error::Domain { vector: 300, beta };
                for err in [
                    gpu.encode(&x, Layout::Rows, &mut codes).unwrap_err(),
                    gpu.quantize(&x, &mut y, Layout::Rows).unwrap_err(),
                ] {
                    assert!(matches!(err, cuda::Error::Batch(err) if err == want), "{bad}: {err}");
                }
                let fine = upload(&device, &vec![-edge; 600 * d]);
                gpu.encode(&fine, Layout::Rows, &mut codes).unwrap();
            }
        }
    }
}

#[test]
fn wrong_codes_are_named_as_the_cpu_names_them() {
    let Some(device) = device() else { return };
    let refuse = |codec: &Codec, codes: &Encoded| {
        let mut x = vec![0.0; codec.lattice().dim() * codes.len()];
        let want = codec.decode(codes, &mut x, Layout::Soa).unwrap_err();
        let codes = DeviceEncoded::upload(&device, codec, codes).unwrap();
        let mut gpu = cuda::DeviceCodec::new(&device, codec).unwrap();
        let err = gpu.decode(&codes, &mut upload(&device, &x), Layout::Soa).unwrap_err();
        assert!(matches!(err, cuda::Error::Batch(err) if err == want), "{err}, expected {want}");
        want
    };
    for lattice in Lattice::ALL {
        let codec = scalar(lattice, 5, 3, 0.5, true);
        let digits = 3 * lattice.dim();
        for form in [FORMS[1], FORMS[2]] {
            let mut codes = Encoded::new(&codec, form, 40);
            codes.digits_mut()[if form == FORMS[1] { 33 } else { 33 * digits }] = 5;
            let err = refuse(&codec, &codes);
            assert_eq!(err, Error::Code { vector: 33, level: 0, k: 0, found: 5, q: 5 }, "a code");
        }
        for form in FORMS {
            let mut codes = Encoded::new(&codec, form, 40);
            (codes.scalings_mut()[20], codes.scalings_mut()[30]) = (11, 255);
            let err = refuse(&codec, &codes);
            assert_eq!(err, Error::Scaling { vector: 20, found: 11, max: 10 }, "a scaling");
        }
        let mut codes = Encoded::new(&codec, Form::Packed, 40);
        let last = codes.planes() - 1;
        let end = codes.plane_width(last) * 18;
        codes.plane_mut(last)[end - 1] = 0xe0;
        // Of 18, 36 and 72 bits, E8 fills its bytes: there the bits are a digit.
        let err = refuse(&codec, &codes);
        let padding = err == Error::Padding { vector: 17 };
        assert!(padding || matches!(err, Error::Code { vector: 17, level: 2, .. }), "{err}");
    }
    // The kernels of their own look at scalings too.
    let codec = scalar(Lattice::D4, 4, 2, 0.5, true);
    let mut codes = Encoded::new(&codec, Form::Packed, 40);
    codes.scalings_mut()[39] = 11;
    refuse(&codec, &codes);
}

/// Random digits, and with protection scalings.
fn random_codes(codec: &Codec, form: Form, seed: u64, n: usize) -> Encoded {
    let mut digits = Encoded::new(codec, Form::Digits(Layout::Rows), n);
    let (len, q) = (digits.digits().len(), f32::from(codec.q()));
    let random = input::uniform(seed, len + n, 0.0, 1.0);
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "at most 16")]
    let below = |v: f32, top: f32| (v * top) as u8 % (top as u8);
    digits.digits_mut().iter_mut().zip(&random).for_each(|(b, &v)| *b = below(v, q));
    digits.scalings_mut().iter_mut().zip(&random[len..]).for_each(|(t, &v)| *t = below(v, 11.0));
    if form == Form::Digits(Layout::Rows) {
        return digits;
    }
    let mut codes = Encoded::new(codec, form, n);
    codes.scalings_mut().copy_from_slice(digits.scalings());
    let (per, w) = (len.checked_div(n).unwrap_or(0), codec.digit_bits());
    for (at, &b) in digits.digits().iter().enumerate() {
        let (i, j) = (at / per, at % per);
        if form == Form::Digits(Layout::Soa) {
            codes.digits_mut()[j * n + i] = b;
            continue;
        }
        for bit in (0..w).filter(|bit| b >> bit & 1 == 1) {
            let (mut byte, mut plane) = ((w * j + bit) / 8, 0);
            while byte >= codes.plane_width(plane) {
                byte -= codes.plane_width(plane);
                plane += 1;
            }
            let width = codes.plane_width(plane);
            codes.plane_mut(plane)[i * width + byte] |= 1 << ((w * j + bit) % 8);
        }
    }
    codes
}

#[test]
fn a_part_of_a_vector_is_refused_as_by_the_cpu() {
    let Some(device) = device() else { return };
    for (lattice, dim) in Lattice::ALL.map(|lattice| (lattice, lattice.dim())) {
        let codec = scalar(lattice, 4, 2, 0.35, false);
        let mut gpu = cuda::DeviceCodec::new(&device, &codec).unwrap();
        let found = 3 * dim + 1;
        let (x, mut y) = (upload(&device, &vec![0.0; found]), upload(&device, &vec![0.0; found]));
        let mut codes = DeviceEncoded::new(&device, &codec, Form::Packed, 3).unwrap();
        let want = Error::Batch { found, dim, n: 3 };
        for err in [
            gpu.encode(&x, Layout::Rows, &mut codes).unwrap_err(),
            gpu.decode(&codes, &mut y, Layout::Rows).unwrap_err(),
            gpu.quantize(&x, &mut y, Layout::Rows).map(drop).unwrap_err(),
        ] {
            assert!(matches!(err, cuda::Error::Batch(err) if err == want), "{err}");
        }
    }
}

#[test]
fn more_vectors_than_a_launch_counts_are_refused() {
    let Some(device) = device() else { return };
    let codec = scalar(Lattice::Z2, 4, 2, 0.35, false);
    let err = DeviceEncoded::new(&device, &codec, Form::Packed, 1 << 31).unwrap_err();
    assert!(err.to_string().starts_with("2147483648 are too many for one launch"), "{err}");
}
