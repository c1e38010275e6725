//! The parameters of a codec, as kernels take them.

use cudarc::driver::DeviceRepr;

use crate::lattice::{Codec, Lattice};

/// `Code` in codes.cuh.
#[derive(Clone, Copy)]
#[repr(C)]
pub(super) struct Parameters {
    beta: f32,
    inverse: f32,
    scale: f32,
    scaled: f32,
    unscaled: f32,
    h: f32,
    h_inverse: f32,
    q: u32,
    levels: u32,
    width: u32,
    magic: u32,
    shift: u32,
    max_scaling: u32,
    bytes: u32,
    top: i64,
}

// SAFETY: integers and floats without padding, laid out as the struct in codes.cuh.
unsafe impl DeviceRepr for Parameters {}

impl Parameters {
    pub(super) fn new(codec: &Codec) -> Self {
        let (q, levels) = (u32::from(codec.q()), codec.levels());
        let beta = codec.beta();
        // A rest x - p beta has bits down to 2^-94 beta where x / beta matters.
        let scale = if beta < 2f32.powi(-40) { 2f32.powi(64) } else { 1.0 };
        let k: u16 = match codec.lattice() {
            Lattice::Z2 => 8,
            Lattice::D4 => 16,
            Lattice::E8 => 512,
        };
        let h = f32::from(k) * f32::from(codec.q());
        // The least s with 2^s >= q, at least 1. Then floor(v magic / 2^(31 + s)) = floor(v / q) for
        // v < 2^31, since magic q - 2^(31 + s) < q <= 2^s.
        let s = (q - 1).ilog2() + 1;
        let magic = (1_u64 << (31 + s)).div_ceil(q.into());
        let count = |n: usize| u32::try_from(n).expect("at most 32");
        Self {
            beta,
            inverse: 1.0 / beta,
            scale,
            scaled: beta * scale,
            unscaled: 1.0 / beta / scale,
            h,
            h_inverse: 1.0 / h,
            q,
            levels: count(levels),
            width: count(codec.digit_bits()),
            magic: magic.try_into().expect("2^s is less than 2 q"),
            shift: s - 1,
            max_scaling: codec.max_scaling().into(),
            bytes: count(codec.vector_bytes()),
            top: i64::from(q).pow(count(levels)),
        }
    }

    /// Whether division goes through larger numbers; only the general kernels can.
    pub(super) fn is_scaled(&self) -> bool {
        self.scale != 1.0
    }

    /// q^M.
    pub(super) fn top(&self) -> i64 {
        self.top
    }
}
