//! Densities that are nowhere below zero and have the mass that they should have.
//!
//! Source of the projection: J. Duchi, S. Shalev-Shwartz, Y. Singer, T. Chandra, ICML 2008, 272-279.

use ndarray::Array2;

/// What is done to cells below zero.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Clamp {
    /// `C0`: nothing.
    Keep,
    /// `C1`: they become zero.
    Zero,
    /// `C2`: they become zero, and the frame is scaled to the mass that it had.
    #[default]
    Rescale,
    /// `simplex`: the frame becomes the nearest one without such cells that has its mass.
    Simplex,
}

/// What is done to the mass of each frame after that.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Mass {
    /// `none`: nothing.
    #[default]
    Keep,
    /// `scale`: the frame is scaled to the mass before the forecast.
    Scale,
    /// `simplex`: the frame becomes the nearest one without cells below zero that has the mass before
    /// the forecast.
    Simplex,
}

impl Clamp {
    /// All, by the names that they have in files.
    const NAMES: [(Self, &'static str); 4] =
        [(Self::Keep, "C0"), (Self::Zero, "C1"), (Self::Rescale, "C2"), (Self::Simplex, "simplex")];

    /// The clamp of a name.
    pub fn named(name: &str) -> Option<Self> {
        Self::NAMES.into_iter().find(|(_, known)| *known == name).map(|(clamp, _)| clamp)
    }

    /// Its name in files.
    pub fn name(self) -> &'static str {
        Self::NAMES.into_iter().find(|(clamp, _)| *clamp == self).map_or("", |(_, name)| name)
    }
}

impl Mass {
    /// All, by the names that they have in files.
    const NAMES: [(Self, &'static str); 3] =
        [(Self::Keep, "none"), (Self::Scale, "scale"), (Self::Simplex, "simplex")];

    /// What is done by the name of it.
    pub fn named(name: &str) -> Option<Self> {
        Self::NAMES.into_iter().find(|(_, known)| *known == name).map(|(mass, _)| mass)
    }

    /// Its name in files.
    pub fn name(self) -> &'static str {
        Self::NAMES.into_iter().find(|(mass, _)| *mass == self).map_or("", |(_, name)| name)
    }
}

/// Makes `v` the nearest vector without numbers below zero that sums to `mass`, and zero if `mass` is not
/// above zero; `room` is used for sorting.
///
/// The nearest one is max(v - theta, 0): with the numbers in descending order, theta is that of the
/// longest start of k numbers, theta = (their sum - mass) / k, whose last number is above it.
pub fn simplex(v: &mut [f64], mass: f64, room: &mut Vec<f64>) {
    // So that a mass of NaN is no mass either.
    let has_mass = mass > 0.0;
    if !has_mass {
        v.fill(0.0);
        return;
    }
    room.clear();
    room.extend(v.iter().map(|x| x / mass));
    room.sort_unstable_by(|a, b| b.total_cmp(a));
    let (mut sum, mut theta) = (0.0, 0.0);
    for (k, x) in room.iter().enumerate() {
        sum += x;
        let next = (sum - 1.0) / super::count(k + 1);
        if *x > next {
            theta = next;
        }
    }
    v.iter_mut().for_each(|x| *x = (*x / mass - theta).max(0.0) * mass);
}

/// What is done to densities, in room that is used again.
pub(super) struct Repair {
    clamp: Clamp,
    mass: Mass,
    /// The mass before the forecast.
    target: f64,
    room: Vec<f64>,
}

impl Repair {
    pub(super) fn new(clamp: Clamp, mass: Mass, target: f64) -> Self {
        Self { clamp, mass, target, room: Vec::new() }
    }

    /// Repairs frames (frames, cells).
    pub(super) fn all(&mut self, frames: &mut Array2<f64>) {
        for mut frame in frames.outer_iter_mut() {
            self.one(frame.as_slice_mut().expect("in rows"));
        }
    }

    fn one(&mut self, frame: &mut [f64]) {
        if frame.iter().any(|x| *x < 0.0) {
            self.clamp(frame);
        }
        let target = self.target;
        match self.mass {
            Mass::Scale if target > 0.0 => scale(frame, target),
            Mass::Simplex if target > 0.0 => simplex(frame, target, &mut self.room),
            _ => {}
        }
    }

    fn clamp(&mut self, frame: &mut [f64]) {
        let mass: f64 = frame.iter().sum();
        match self.clamp {
            Clamp::Keep => {}
            Clamp::Simplex => simplex(frame, mass, &mut self.room),
            Clamp::Zero | Clamp::Rescale => {
                frame.iter_mut().for_each(|x| *x = x.max(0.0));
                if self.clamp == Clamp::Rescale && mass > 0.0 {
                    scale(frame, mass);
                }
            }
        }
    }
}

/// Scales a frame to a mass, unless it has none.
fn scale(frame: &mut [f64], mass: f64) {
    let sum: f64 = frame.iter().sum();
    if sum > 0.0 {
        frame.iter_mut().for_each(|x| *x *= mass / sum);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::input;

    #[test]
    fn the_projection_is_nearer_than_what_is_beside_it() {
        for (seed, n) in (0..).zip([1, 2, 3, 7, 40]) {
            let v = input::gaussian(seed, n, 1.0);
            for mass in [0.3, 1.0, 50.0] {
                let (mut x, mut room) = (v.clone(), Vec::new());
                simplex(&mut x, mass, &mut room);
                assert!(x.iter().all(|x| *x >= 0.0), "{x:?}");
                assert!((x.iter().sum::<f64>() - mass).abs() < 1e-12 * mass, "{x:?}");
                // Along every edge of the simplex the distance grows: (x - v).(e_j - x) >= 0.
                let slope: f64 = x.iter().zip(&v).map(|(x, v)| (x - v) * x).sum();
                for (x, v) in x.iter().zip(&v) {
                    assert!((x - v) * mass >= slope - 1e-10 * mass * mass, "of {n} to {mass}");
                }
            }
        }
    }

    #[test]
    fn a_point_of_the_simplex_stays_and_no_mass_is_zero() {
        let mut room = Vec::new();
        let mut v = [0.25, 0.0, 0.5, 0.25];
        simplex(&mut v, 1.0, &mut room);
        assert_eq!(v, [0.25, 0.0, 0.5, 0.25], "already there");
        for mass in [0.0, -1.0, f64::NAN] {
            let mut v = [1.0, -2.0];
            simplex(&mut v, mass, &mut room);
            assert_eq!(v, [0.0; 2], "{mass}");
        }
    }

    #[test]
    fn each_clamp_and_each_mass_does_what_it_says() {
        let after = |clamp, mass, target| {
            let mut frames = ndarray::array![[3.0, -1.0, 2.0], [1.0, 0.5, 0.5]];
            Repair::new(clamp, mass, target).all(&mut frames);
            (frames.row(0).to_vec(), frames.row(1).to_vec())
        };
        let positive = vec![1.0, 0.5, 0.5];
        let kept = |clamp| after(clamp, Mass::Keep, 8.0);
        assert_eq!(kept(Clamp::Keep), (vec![3.0, -1.0, 2.0], positive.clone()));
        assert_eq!(kept(Clamp::Zero), (vec![3.0, 0.0, 2.0], positive.clone()));
        assert_eq!(kept(Clamp::Rescale), (vec![3.0 * 0.8, 0.0, 2.0 * 0.8], positive.clone()));
        assert_eq!(kept(Clamp::Simplex), (vec![2.5, 0.0, 1.5], positive.clone()));
        let scaled = after(Clamp::Zero, Mass::Scale, 10.0);
        assert_eq!(scaled, (vec![6.0, 0.0, 4.0], vec![5.0, 2.5, 2.5]));
        assert_eq!(after(Clamp::Keep, Mass::Simplex, 3.0).0, [2.0, 0.0, 1.0], "moved down by 1");
        assert_eq!(after(Clamp::Keep, Mass::Scale, 0.0).1, positive, "no mass to have");
        for name in ["C0", "C1", "C2", "simplex"] {
            assert_eq!(Clamp::named(name).map(Clamp::name), Some(name));
        }
        for name in ["none", "scale", "simplex"] {
            assert_eq!(Mass::named(name).map(Mass::name), Some(name));
        }
        assert_eq!((Clamp::named("C3"), Mass::named("C0")), (None, None), "unknown");
    }
}
