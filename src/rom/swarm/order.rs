//! Order parameters: how much of a swarm moves as one.
//!
//! With v the velocities of N particles, n = v / |v| and r the positions less their mean, all images
//! taken as they are:
//!
//! ```text
//! polarization      |mean of n|, over the particles that move
//! angular momentum  |sum of r x v| / (N mean|r| mean|v|)
//! nematic order     the larger eigenvalue of mean(n n) - 1/2
//! ```
//!
//! Each is 0 for a swarm at rest. Source: T. Vicsek, A. Zafeiris, "Collective motion", Phys. Rep. 517
//! (2012) 71-140; the limits of small numbers are those of wsindy-manifold.

use super::Vector;

/// Below this there is no motion, or no distance.
const NONE: f64 = 1e-10;

/// The order parameters of one frame.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Order {
    /// 0 to 1: one direction.
    pub polarization: f64,
    /// 0 to 1, or more where the fast are far out: one rotation.
    pub angular_momentum: f64,
    /// The mean of |v|.
    pub mean_speed: f64,
    /// 0 to 1/2: one axis.
    pub nematic_order: f64,
}

impl Order {
    /// The order parameters of particles at `x` that move by `v`; zeros if there are none.
    ///
    /// # Panics
    ///
    /// If there is not one velocity for each position.
    pub fn of(x: &[Vector], v: &[Vector]) -> Self {
        assert_eq!(x.len(), v.len(), "not one velocity for each position");
        let n = (x.len() as f64).max(1.0);
        let mean_speed = v.iter().copied().map(length).sum::<f64>() / n;
        Self {
            polarization: polarization(v),
            angular_momentum: angular_momentum(x, v, mean_speed),
            mean_speed,
            nematic_order: nematic_order(v),
        }
    }
}

fn polarization(v: &[Vector]) -> f64 {
    let moving = v.iter().filter(|v| length(**v) > NONE);
    let (sum, count) = moving.fold(([0.0; 2], 0.0), |([x, y], count), v| {
        let speed = length(*v);
        ([x + v[0] / speed, y + v[1] / speed], count + 1.0)
    });
    if count == 0.0 { 0.0 } else { length(sum) / count }
}

fn angular_momentum(x: &[Vector], v: &[Vector], mean_speed: f64) -> f64 {
    let n = x.len() as f64;
    let [cx, cy] = x.iter().fold([0.0; 2], |[a, b], x| [a + x[0], b + x[1]]).map(|sum| sum / n);
    let (mut turning, mut distance) = (0.0, 0.0);
    for (x, v) in x.iter().zip(v) {
        let r = [x[0] - cx, x[1] - cy];
        turning += r[0] * v[1] - r[1] * v[0];
        distance += length(r) / n;
    }
    let is_none = x.is_empty() || distance < NONE || mean_speed < NONE;
    if is_none { 0.0 } else { turning.abs() / (n * distance * mean_speed) }
}

fn nematic_order(v: &[Vector]) -> f64 {
    if v.is_empty() {
        return 0.0;
    }
    let n = v.len() as f64;
    let [mut xx, mut yy, mut xy] = [0.0; 3];
    for v in v {
        let speed = length(*v) + NONE;
        let [x, y] = v.map(|v| v / speed);
        xx += x * x / n;
        yy += y * y / n;
        xy += x * y / n;
    }
    0.5 * (xx + yy) - 0.5 + (0.5 * (xx - yy)).hypot(xy)
}

fn length([x, y]: Vector) -> f64 {
    x.hypot(y)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Four particles on a circle around (3, 3).
    const SQUARE: [Vector; 4] = [[4.0, 3.0], [3.0, 4.0], [2.0, 3.0], [3.0, 2.0]];

    #[test]
    fn one_direction_one_axis_and_one_rotation_are_told_apart() {
        let found = Order::of(&SQUARE, &[[2.0, 0.0]; 4]);
        assert_eq!([found.polarization, found.mean_speed], [1.0, 2.0], "flock: {found:?}");
        assert!((found.nematic_order - 0.5).abs() < 1e-9, "flock: {found:?}");
        assert!(found.angular_momentum < 1e-15, "flock: {found:?}");
        let lanes = Order::of(&SQUARE, &[[0.0, 1.0], [0.0, 1.0], [0.0, -1.0], [0.0, -1.0]]);
        assert!(lanes.polarization < 1e-15, "lanes: {lanes:?}");
        assert!((lanes.nematic_order - 0.5).abs() < 1e-9, "lanes: {lanes:?}");
        let mill = Order::of(&SQUARE, &[[0.0, 3.0], [-3.0, 0.0], [0.0, -3.0], [3.0, 0.0]]);
        assert_eq!([mill.polarization, mill.angular_momentum], [0.0, 1.0], "mill: {mill:?}");
        assert!(mill.nematic_order.abs() < 1e-9, "mill: {mill:?}");
        let back = Order::of(&SQUARE, &[[0.0, -3.0], [3.0, 0.0], [0.0, 3.0], [-3.0, 0.0]]);
        assert_eq!(back.angular_momentum, 1.0, "the other way around: {back:?}");
    }

    #[test]
    fn rest_has_no_order_and_does_not_count() {
        let rest = Order::of(&SQUARE, &[[0.0; 2]; 4]);
        assert_eq!([rest.polarization, rest.angular_momentum, rest.mean_speed], [0.0; 3], "rest");
        let none = Order::of(&[], &[]);
        assert_eq!([none.polarization, none.nematic_order, none.mean_speed], [0.0; 3], "none");
        let half = Order::of(&SQUARE, &[[1.0, 0.0], [0.0; 2], [0.0; 2], [1.0, 0.0]]);
        assert_eq!([half.polarization, half.mean_speed], [1.0, 0.5], "two of four move");
    }
}
