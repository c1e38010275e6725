//! Inner products of codes on the GPU against those of the CPU.

use std::sync::Arc;

use cudarc::driver::CudaSlice;
use stepmark::close;
use stepmark::gpu::Device;
use stepmark::lattice::cuda::{self, DeviceEncoded};
use stepmark::lattice::{Codec, Encoded, Form, Lattice};

use super::{FORMS, random_codes, scalar};
use crate::device;

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
    let result = cuda::DeviceCodec::new(device, codec).unwrap().dot(&a, &b, &mut out);
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
    // The tables that `dot.rs` proves of the CPU.
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
