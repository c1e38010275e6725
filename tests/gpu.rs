//! The GPU twins against the scalar reference, on the first GPU or on the emulator of tests/cuda.
//!
//! Without a device each test says so and passes; with `STEPMARK_REQUIRE_GPU=1` it fails, so that a
//! run that means to test them cannot miss them silently. The program is the one that lies beside
//! this test, or else the one that cargo built with it.

#![cfg(feature = "cuda")]
#![expect(clippy::unwrap_used, reason = "a test may panic")]

#[cfg(unix)]
#[path = "common/script.rs"]
mod script;

use std::array::from_fn;
use std::env;
use std::io::Write as _;
use std::path::PathBuf;
use std::process::{Command, Output, Stdio};
use std::sync::Arc;

use cudarc::driver::CudaSlice;
use stepmark::case::{Case, Trouble};
use stepmark::gate::Metric;
use stepmark::gate::duet::protocol::{self, Hello, Listed, RIGHT};
use stepmark::gpu::Device;
use stepmark::lattice::cuda::{self, DeviceEncoded};
use stepmark::lattice::{Codec, Encoded, Error, Form, Lattice, Layout};
use stepmark::machine::isa::Isa;
use stepmark::{close, input, registry};

const FORMS: [Form; 3] = [Form::Packed, Form::Digits(Layout::Soa), Form::Digits(Layout::Rows)];
const LAYOUTS: [Layout; 2] = [Layout::Soa, Layout::Rows];

/// The device, with a stream for this test alone, since nobody may wait for one that captures;
/// `None`, and a line that says so, without one.
fn device() -> Option<Arc<Device>> {
    let device = Device::open().unwrap();
    if device.is_none() {
        assert!(env::var_os("STEPMARK_REQUIRE_GPU").is_none(), "a GPU is required, there is none");
        println!("no CUDA device: skipped");
    }
    device
}

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
    let mut gpu = cuda::Codec::new(device, codec).unwrap();
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
                let mut gpu = cuda::Codec::new(&device, &codec).unwrap();
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
        let mut gpu = cuda::Codec::new(&device, codec).unwrap();
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

/// The inner products on the GPU, from digits and, where there is one, by table.
fn dots(
    device: &Arc<Device>,
    codec: &Codec,
    a: &Encoded,
    b: &Encoded,
) -> Vec<Result<Vec<i64>, cuda::Error>> {
    let stream = device.stream();
    let [a, b] = [a, b].map(|codes| DeviceEncoded::upload(device, codec, codes).unwrap());
    let mut out = match a.len() {
        0 => stream.null().unwrap(),
        n => stream.clone_htod(&vec![i64::MIN; n]).unwrap(),
    };
    let mut dots = Vec::new();
    let mut keep = |result: Result<(), _>, out: &CudaSlice<i64>| {
        dots.push(result.map(|()| match out.len() {
            0 => Vec::new(),
            _ => stream.clone_dtoh(out).unwrap(),
        }));
    };
    let result = cuda::Codec::new(device, codec).unwrap().dot(&a, &b, &mut out);
    keep(result, &out);
    if let Ok(table) = codec.dot_table() {
        if !out.is_empty() {
            stream.memcpy_htod(&vec![i64::MIN; out.len()], &mut out).unwrap();
        }
        let result = cuda::DotTable::new(device, &table).unwrap().dot(&a, &b, &mut out);
        keep(result, &out);
    }
    dots
}

#[test]
fn inner_products_are_those_of_the_cpu_for_every_code() {
    let Some(device) = device() else { return };
    let (mut refused, mut tables, mut turn) = (0, 0, 0);
    for lattice in Lattice::ALL {
        for (q, levels) in (2..=16).flat_map(|q| (1..=8).map(move |m| (q, m))) {
            turn += 1;
            let codec = scalar(lattice, q, levels, 2.0, turn % 2 == 0);
            let n = turn % 40;
            let a = random_codes(&codec, FORMS[turn % 3], 1, n);
            let b = random_codes(&codec, FORMS[turn / 3 % 3], 2, n);
            let mut want = vec![0; n];
            let expected = codec.dot(&a, &b, &mut want);
            let got = dots(&device, &codec, &a, &b);
            tables += got.len() - 1;
            for got in got {
                match (got, expected) {
                    (Ok(got), Ok(())) => close::bits(&format!("{codec:?}"), &got, &want).unwrap(),
                    (Err(cuda::Error::Batch(got)), Err(want)) if got == want => refused += 1,
                    (got, want) => panic!("{codec:?}: {got:?}, expected {want:?}"),
                }
            }
        }
    }
    // What `dot.rs` proves of the CPU.
    assert_eq!((refused, tables), (8, 15 * 8 - 2 + 4 * 8 + 8), "refused, by table");
}

#[test]
fn inner_products_name_wrong_codes_as_the_cpu_does() {
    let Some(device) = device() else { return };
    let (codec, n) = (scalar(Lattice::D4, 5, 3, 2.0, true), 300);
    let good = random_codes(&codec, Form::Packed, 1, n);
    let mut wrong = Vec::new();
    for form in FORMS {
        let mut codes = random_codes(&codec, form, 2, n);
        codes.scalings_mut()[170] = 11;
        wrong.push(codes);
        let mut codes = random_codes(&codec, form, 3, n);
        match form {
            // 36 bits of 40 are digits.
            Form::Packed => *codes.plane_mut(1).last_mut().unwrap() |= 0x80,
            Form::Digits(_) => *codes.digits_mut().last_mut().unwrap() = 255,
        }
        wrong.push(codes);
    }
    for wrong in &wrong {
        for (a, b) in [(wrong, &good), (&good, wrong), (wrong, wrong)] {
            let want = codec.dot(a, b, &mut vec![0; n]).unwrap_err();
            let got = dots(&device, &codec, a, b);
            assert_eq!(got.len(), 2, "from digits and by table");
            for got in got {
                let err = got.unwrap_err();
                assert!(matches!(err, cuda::Error::Batch(err) if err == want), "{err}, not {want}");
            }
        }
    }
}

#[test]
fn every_case_is_right_and_can_be_timed() {
    let Some(_) = device() else { return };
    for case in registry::cases() {
        let Some(device) = case.device() else { continue };
        let mut ready = device.ready().unwrap_or_else(|err| panic!("{}: {err}", case.id));
        ready.spoil().unwrap();
        let err = ready.check().expect_err("spoilt outputs do not pass");
        assert!(matches!(err, Trouble::Wrong(_)), "{}: {err}", case.id);
        let time = ready.time(2).unwrap();
        assert!(!time.is_zero(), "{}: {time:?}", case.id);
        ready.check().unwrap_or_else(|err| panic!("{}, after timing: {err}", case.id));
    }
}

#[test]
fn a_part_of_a_vector_is_refused_as_by_the_cpu() {
    let Some(device) = device() else { return };
    for (lattice, dim) in Lattice::ALL.map(|lattice| (lattice, lattice.dim())) {
        let codec = scalar(lattice, 4, 2, 0.35, false);
        let mut gpu = cuda::Codec::new(&device, &codec).unwrap();
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

#[test]
fn a_machine_without_a_gpu_is_no_error() {
    let found: [bool; 2] = from_fn(|_| Device::open().unwrap().is_some());
    assert_eq!(found[0], found[1], "asked twice");
}

const HOT: &str = "lattice/encode-z2-q4-m2-cuda/n10000";
const COLD: &str = "lattice/expand-8x-cuda-cold/n16777216";

fn program() -> PathBuf {
    let beside = env::current_exe().unwrap().with_file_name("stepmark");
    if beside.exists() { beside } else { env!("CARGO_BIN_EXE_stepmark").into() }
}

/// Runs a worker to the end of the requests, with a variable set, if it has a name.
fn worker(arg: &str, requests: &str, (name, value): (&str, &str)) -> Output {
    let mut worker = Command::new(program());
    worker.args(["worker", arg]).envs((!name.is_empty()).then_some((name, value)));
    worker.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut worker = worker.spawn().unwrap();
    // One that fails reads none of them.
    let _ = worker.stdin.take().unwrap().write_all(requests.as_bytes());
    worker.wait_with_output().unwrap()
}

/// The lines of a worker that ends with `code`.
#[track_caller]
fn lines(out: &Output, code: i32) -> Vec<String> {
    assert_eq!(out.status.code(), Some(code), "{out:?}");
    String::from_utf8_lossy(&out.stdout).lines().map(str::to_owned).collect()
}

/// The ids of the cases on a GPU, and of those on the CPU.
fn ids() -> (Vec<String>, Vec<String>) {
    let (on_gpu, on_cpu): (Vec<_>, Vec<_>) =
        registry::cases().into_iter().partition(Case::is_on_device);
    let ids = |cases: Vec<Case>| cases.into_iter().map(|case| case.id).collect();
    (ids(on_gpu), ids(on_cpu))
}

#[test]
fn a_worker_lists_the_cases_of_a_device_after_those_of_the_cpu() {
    let device = device();
    let lines = lines(&worker("--list", "", ("", "")), 0);
    let listed: Vec<Listed> =
        lines.iter().map(|line| serde_json::from_str(line).unwrap()).collect();
    let (on_gpu, on_cpu) = ids();
    let ids = on_cpu.iter().chain(on_gpu.iter().filter(|_| device.is_some()));
    assert!(listed.iter().map(|case| &case.id).eq(ids), "{listed:?}");
    let Some(device) = device else { return };
    let (_, on_gpu) = listed.split_at(on_cpu.len());
    let implementation = if device.is_emulated() { "emulated" } else { "cuda" };
    for case in on_gpu {
        assert_eq!((case.metric, &*case.implementation), (Metric::CudaEvent, implementation));
    }
    let memory_bound = |id| on_gpu.iter().find(|case| case.id == id).unwrap().memory_bound;
    assert!(memory_bound(COLD) && !memory_bound(HOT), "the L2 cache holds the smaller one");
}

#[test]
fn a_worker_times_launches_and_verifies_what_they_left() {
    let Some(_) = device() else { return };
    for id in [HOT, COLD] {
        let lines_of = |requests, code| lines(&worker(id, requests, ("", "")), code);
        let said = lines_of("sample 1\nsample 1000\nend\n", 0);
        let [hello, one, many, end] = &said[..] else { panic!("four lines: {said:?}") };
        let hello: Hello = serde_json::from_str(hello).unwrap();
        assert_eq!((&*hello.id, &*hello.digest), (id, ""), "compared each time");
        let (one, many) = (protocol::times(one).unwrap(), protocol::times(many).unwrap());
        assert!(one.0 > 0 && one.0 <= one.1 && many.0 <= many.1, "{said:?}");
        // Something else may run meanwhile, but not always.
        assert!(many.0 as f64 >= 10.0 * hello.step_ns, "a thousand launches: {said:?}");
        assert_eq!(end, RIGHT, "{said:?}");

        let said = lines_of("end\n", 4);
        assert!(said[1].starts_with("wrong the timed runs left other bits: "), "{said:?}");
    }
}

#[test]
fn a_gpu_that_cannot_be_used_is_a_failure_of_the_tool() {
    let Some(device) = device() else { return };
    if !device.is_emulated() {
        println!("the driver is a real one: skipped");
        return;
    }
    let fails = |arg, variable, why: &str| {
        let out = worker(arg, "", variable);
        assert_eq!(lines(&out, 1).len(), 0, "{out:?}");
        let said = String::from_utf8_lossy(&out.stderr);
        assert!(said.contains("tool failure: ") && said.contains(why), "{said}");
    };
    let unknown = ("STEPMARK_CUDA_INIT", "999");
    fails("--list", unknown, "the CUDA driver refuses: DriverError(CUDA_ERROR_UNKNOWN");
    fails(HOT, unknown, "CUDA_ERROR_UNKNOWN");
    fails(HOT, ("STEPMARK_CLOCK_KHZ", "2000000"), "the GPU is throttled: its clock ran at 50 %");
    let (_, cpu) = ids();
    assert_eq!(lines(&worker(&cpu[0], "", unknown), 0).len(), 1, "nothing but a hello");

    let none = ("STEPMARK_CUDA_INIT", "100");
    assert_eq!(lines(&worker("--list", "", none), 0).len(), cpu.len(), "without a device");
    fails(HOT, none, "there is no CUDA device for lattice/");
    lines(&worker("lattice/none-cuda/n1", "", none), 2);

    let check = |(name, value): (&str, &str)| {
        Command::new(program())
            .args(["check", "--filter", COLD])
            .envs((!name.is_empty()).then_some((name, value)))
            .output()
            .unwrap()
    };
    let [skipped, count] = &lines(&check(none), 0)[..] else { panic!("two lines") };
    assert_eq!(*skipped, format!("skip   {COLD}: no CUDA device"));
    assert_eq!(count, "1 cases, 0 wrong, 1 skipped");
    assert_eq!(lines(&check(("", "")), 0)[0], format!("ok     {COLD}"));
    assert_eq!(lines(&check(unknown), 1).len(), 0, "a device that cannot be used");
}

#[test]
#[cfg(unix)]
fn paired_runs_compare_launches_by_cuda_events() {
    let Some(_) = device() else { return };
    let dir = tempfile::tempdir().unwrap();
    let old = program();
    let mut duet = Command::new(&old);
    duet.current_dir(dir.path()).args(["duet", "--target-dir", "target", "--exe"]).arg(&old);
    duet.arg("--exe").arg(script::slower(dir.path(), &old));
    let out = duet.args(["--filter", "-8x-cuda", "--max-pairs", "50"]).output().unwrap();
    let said = String::from_utf8_lossy(&out.stdout);
    assert_eq!(out.status.code(), Some(3), "{out:?}");
    for id in ["lattice/expand-8x-cuda/n16777216", COLD] {
        let slower = format!("FAIL regression    {id}: slower: CUDA event time +");
        assert!(said.contains(&slower), "`{slower}` in {said}");
    }
}
