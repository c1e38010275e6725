//! The models of the cases of water.

use super::{Model, boxes};
use crate::md::potentials::Water;

/// The charges of hydrogen and oxygen move with the stretching of the bonds between them, at
/// 3700/cm or 110 THz, m w^2 = 50 eV/angstrom^2; two bonds of one oxygen together have more. Each
/// pair is met once: 12 operations for the distance, 110 for the exponential and the polynomial of
/// erfc, 30 for energy, force and virial.
pub(super) fn water() -> Model<Water> {
    Model {
        potential: boxes::damped_water(),
        dt_ps: 0.000_5,
        bath: None,
        stiffness: 160.0,
        listed: 416,
        read: 208,
        near: 304,
        flops: [152, 0, 60],
    }
}

/// Water in a reaction field: no exponential, no polynomial.
pub(super) fn water_in_a_field() -> Model<Water> {
    Model { potential: boxes::water_in_a_field(), flops: [50, 0, 60], ..water() }
}
