//! A swarm: particles in a rectangle that align with their neighbours (Vicsek) and attract and repel
//! each other (Morse).
//!
//! Particle i is at x\[i\] in \[0, Lx\] x \[0, Ly\] and heads along the unit vector p\[i\]. In a periodic
//! box the displacement of j from i is that of the nearest image of j, and each j counts once, however
//! small the box is; between reflecting walls it is x\[j\] - x\[i\]. With r its length, a step of dt is
//!
//! ```text
//! a = sum of p[j] over all j with r <= R, i included     b = a / |a|, or p[i] where |a| <= 1e-12
//! F = -sum over j of (x[j] - x[i]) / r (Cr/lr exp(-s/lr) - Ca/la exp(-s/la)),
//!     over all j with 1e-12 < r <= rcut; s = max(r, 1e-6)
//! constant              p = Rot(phi) b                                           x += dt v0 p
//! constant_with_forces  c = b + mu F/|F|, p = Rot(phi) c/|c|, or 0 where c is    x += dt v0 p
//! variable              v += dt mu F, v = max(|v|, 1e-12) Rot(phi) b             x += dt v, p = v/|v|
//! ```
//!
//! with an angle phi for each particle: uniform in +-eta/2, or normal of standard deviation
//! eta/sqrt(12) or eta. Then a periodic box takes x modulo L; a reflecting one mirrors at the wall
//! what left, and turns around that component of p (and v).
//!
//! Headings, lengths and times have the units of the configuration: nothing here depends on them.
//!
//! | module | holds |
//! |---|---|
//! | [`config`] | what a run is: particles, box, forces, noise, steps; refuses what is out of range |
//! | [`domain`] | the box: nearest images and walls |
//! | [`sums`] | the sums of a step over neighbours: the definition, over all pairs, and error bounds |
//! | [`motion`] | the rest of a step |
//! | [`stepper`] | steps by cells and vector units |
//! | [`start`] | the four initial conditions |
//! | [`random`] | the generator and the normal deviates of `NumPy` |
//! | [`runs`] | trajectories by seed, one or many side by side |
//! | [`order`] | order parameters |
//!
//! Sources: T. Vicsek et al., "Novel type of phase transition in a system of self-driven particles",
//! Phys. Rev. Lett. 75 (1995) 1226-1229; M. R. D'Orsogna et al., "Self-propelled particles with
//! soft-core interactions", Phys. Rev. Lett. 96 (2006) 104302; the modes, the limits of small numbers
//! and the defaults are those of wsindy-manifold.

pub mod config;
pub mod domain;
mod error;
pub(super) mod lanes;
pub mod motion;
pub mod order;
mod pairs;
pub mod random;
mod ranges;
pub mod runs;
mod sorted;
pub mod start;
pub mod stepper;
pub mod sums;

pub use config::{Config, Mode, Morse, Noise, Spread};
pub use domain::{Boundary, Domain};
pub use error::Error;
pub use motion::State;
pub use runs::{Trajectory, run, run_all};
pub use start::Start;
pub use stepper::Stepper;
pub use sums::Sums;

/// A point or a direction in the plane.
pub type Vector = [f64; 2];

#[cfg(test)]
mod tests;
