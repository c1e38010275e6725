//! The box of a swarm: which image of a particle is nearest, and what its walls do.

use super::{Error, Vector};

/// What happens at the sides of a box.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Boundary {
    /// What leaves comes back at the other side.
    Periodic,
    /// What leaves is mirrored at the wall and turns around.
    Reflecting,
}

/// A rectangle with a corner at the origin.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Domain {
    /// The sides Lx and Ly.
    pub size: Vector,
    /// What happens at its sides.
    pub boundary: Boundary,
}

impl Domain {
    /// A square of side `side`.
    pub const fn square(side: f64, boundary: Boundary) -> Self {
        Self { size: [side; 2], boundary }
    }

    /// Requires sides of which squares are finite and not zero.
    ///
    /// # Errors
    ///
    /// Names the side that has none.
    pub fn check(&self) -> Result<(), Error> {
        for (name, found) in ["Lx", "Ly"].into_iter().zip(self.size) {
            if !(1e-100..=1e100).contains(&found) {
                let expected = "a length from 1e-100 to 1e100";
                return Err(Error::Parameter { name, found, expected });
            }
        }
        Ok(())
    }

    /// The lengths after which positions repeat; infinite between walls.
    pub fn periods(&self) -> Vector {
        match self.boundary {
            Boundary::Periodic => self.size,
            Boundary::Reflecting => [f64::INFINITY; 2],
        }
    }

    /// The displacement of `to` from `from`, of the nearest image of `to` in a periodic box.
    ///
    /// Both are in the box. Of two images at the same distance it is the one in the box.
    pub fn displacement(&self, from: Vector, to: Vector) -> Vector {
        let periods = self.periods();
        std::array::from_fn(|a| nearest(to[a] - from[a], periods[a], 0.5 * periods[a]))
    }

    /// The place of a particle that moved to `x`, and which components of its motion turn around.
    pub fn place(&self, x: Vector) -> (Vector, [bool; 2]) {
        let mut turned = [false; 2];
        let place = std::array::from_fn(|a| {
            let (x, side) = (x[a], self.size[a]);
            match self.boundary {
                Boundary::Periodic => modulo(x, side),
                Boundary::Reflecting => {
                    turned[a] = x < 0.0 || x > side;
                    let mirrored = if x < 0.0 { -x } else { x };
                    let mirrored = if mirrored > side { 2.0 * side - mirrored } else { mirrored };
                    mirrored.clamp(0.0, side)
                }
            }
        });
        (place, turned)
    }
}

/// The component of a displacement in (-period, period), moved by one period where that is nearer.
#[inline(always)]
pub(super) fn nearest(d: f64, period: f64, half: f64) -> f64 {
    let above = if d > half { period } else { 0.0 };
    let below = if d < -half { period } else { 0.0 };
    d - above + below
}

/// The remainder with the sign of the period, as Python has it: in [0, period], whose end a tiny
/// negative number rounds to.
#[inline]
pub(in crate::rom) fn modulo(x: f64, period: f64) -> f64 {
    if (0.0..period).contains(&x) {
        // As it is, without a division.
        return x;
    }
    let rest = x % period;
    if rest < 0.0 { rest + period } else { rest }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const PERIODIC: Domain = Domain { size: [10.0, 4.0], boundary: Boundary::Periodic };
    const WALLS: Domain = Domain { boundary: Boundary::Reflecting, ..PERIODIC };

    #[test]
    fn walls_mirror_once_and_turn_the_motion_around() {
        assert_eq!(WALLS.place([-1.0, 2.0]), ([1.0, 2.0], [true, false]), "left");
        assert_eq!(WALLS.place([10.5, 4.25]), ([9.5, 3.75], [true, true]), "corner");
        assert_eq!(WALLS.place([0.0, 4.0]), ([0.0, 4.0], [false, false]), "on the walls");
        assert_eq!(WALLS.place([25.0, -9.0]), ([0.0, 0.0], [true, true]), "far out: clipped");
    }

    #[test]
    fn a_periodic_box_takes_positions_modulo_its_sides() {
        assert_eq!(PERIODIC.place([-1.0, 9.0]), ([9.0, 1.0], [false, false]), "both sides");
        assert_eq!(PERIODIC.place([-1e-30, 4.0]), ([10.0, 0.0], [false, false]), "rounded");
    }

    proptest! {
        #[test]
        fn the_image_is_the_nearest_of_nine(
            from in [0.0..=10.0, 0.0..=4.0],
            to in [0.0..=10.0, 0.0..=4.0],
        ) {
            let found = PERIODIC.displacement(from, to);
            let length = |d: Vector| d[0].hypot(d[1]);
            for i in -1..=1 {
                for j in -1..=1 {
                    let image = [to[0] + 10.0 * f64::from(i), to[1] + 4.0 * f64::from(j)];
                    let other = [image[0] - from[0], image[1] - from[1]];
                    prop_assert!(length(found) <= length(other) + 1e-12, "{found:?}, {other:?}");
                }
            }
            let back = PERIODIC.displacement(to, from);
            prop_assert!((0..2).all(|a| back[a] == -found[a]), "{back:?}, {found:?}");
            prop_assert_eq!(WALLS.displacement(from, to), [to[0] - from[0], to[1] - from[1]]);
        }
    }
}
