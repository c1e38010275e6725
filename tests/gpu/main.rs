//! The GPU twins against the scalar reference, on the first GPU or on the emulator of tests/cuda.
//!
//! Without a device each test says so and passes; with `STEPMARK_REQUIRE_GPU=1` it fails, so that a
//! run that means to test them cannot miss them silently. The program is the one that lies beside
//! this test, or else the one that cargo built with it.

#![cfg(feature = "cuda")]
#![expect(clippy::unwrap_used, reason = "a test may panic")]

mod lattice;
#[cfg(unix)]
#[path = "../it/setup/script.rs"]
mod script;
mod worker;

use std::array::from_fn;
use std::env;
use std::sync::Arc;

use stepmark::case::Trouble;
use stepmark::gpu::Device;
use stepmark::registry;

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
fn a_machine_without_a_gpu_is_no_error() {
    let found: [bool; 2] = from_fn(|_| Device::open().unwrap().is_some());
    assert_eq!(found[0], found[1], "asked twice");
}
