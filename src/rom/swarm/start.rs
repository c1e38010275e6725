//! Where the particles of a run start.
//!
//! Positions come from random numbers in the order of wsindy-manifold: those of the generator of
//! the same seed are the same.

use std::f64::consts::TAU;

use super::domain::modulo;
use super::random::Generator;
use super::ranges::{ANY, NOT_NEGATIVE, all};
use super::{Domain, Error, Vector};

/// An initial condition, with lengths of its own or those of wsindy-manifold.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Start {
    /// Everywhere in the box.
    Uniform,
    /// Normal around one centre.
    GaussianCluster {
        /// The centre; that of the box if none is given.
        center: Option<Vector>,
        /// Standard deviation; a sixth of the shorter side if none is given.
        sigma: Option<f64>,
    },
    /// Normal around two centres, half of the particles at each; of an odd number, one more at the
    /// second.
    TwoClusters {
        /// Distance of the centres, along x; a third of Lx if none is given.
        separation: Option<f64>,
        /// Standard deviation; an eighth of the shorter side if none is given.
        sigma: Option<f64>,
    },
    /// On a ring around the centre of the box.
    Ring {
        /// Mean radius; a quarter of the shorter side if none is given.
        radius: Option<f64>,
        /// Standard deviation of the radius; a tenth of the radius if none is given.
        width: Option<f64>,
    },
}

impl Start {
    /// Requires every length to be in its range.
    ///
    /// # Errors
    ///
    /// Names the first that is not.
    pub fn check(&self) -> Result<(), Error> {
        let sure = |name, x: Option<f64>, range| (name, x.unwrap_or(1.0), range);
        match *self {
            Self::Uniform => Ok(()),
            Self::GaussianCluster { center, sigma } => {
                let [x, y] = center.unwrap_or([0.0; 2]);
                all(&[("center", x, ANY), ("center", y, ANY), sure("sigma", sigma, NOT_NEGATIVE)])
            }
            Self::TwoClusters { separation, sigma } => {
                all(&[sure("separation", separation, ANY), sure("sigma", sigma, NOT_NEGATIVE)])
            }
            Self::Ring { radius, width } => {
                all(&[sure("radius", radius, ANY), sure("width", width, NOT_NEGATIVE)])
            }
        }
    }

    /// Draws the positions of `n` particles in the box.
    pub fn draw(&self, domain: &Domain, n: usize, random: &mut Generator) -> Vec<Vector> {
        let [lx, ly] = domain.size;
        let (middle, shorter) = ([0.5 * lx, 0.5 * ly], lx.min(ly));
        let mut around = |center: Vector, sigma: f64, n: usize| -> Vec<Vector> {
            (0..n).map(|_| center.map(|c| random.normal(c, sigma))).collect()
        };
        match *self {
            Self::Uniform => {
                (0..n).map(|_| domain.size.map(|side| random.uniform(0.0, side))).collect()
            }
            Self::GaussianCluster { center, sigma } => {
                let sigma = sigma.unwrap_or(shorter / 6.0);
                wrapped(domain, around(center.unwrap_or(middle), sigma, n))
            }
            Self::TwoClusters { separation, sigma } => {
                let half = 0.5 * separation.unwrap_or(lx / 3.0);
                let sigma = sigma.unwrap_or(shorter / 8.0);
                let mut x = around([middle[0] - half, middle[1]], sigma, n / 2);
                x.extend(around([middle[0] + half, middle[1]], sigma, n - n / 2));
                wrapped(domain, x)
            }
            Self::Ring { radius, width } => {
                let radius = radius.unwrap_or(0.25 * shorter);
                let width = width.unwrap_or(0.1 * radius);
                let angles: Vec<f64> = (0..n).map(|_| random.uniform(0.0, TAU)).collect();
                let radii: Vec<f64> = (0..n).map(|_| random.normal(radius, width)).collect();
                ring(domain, &angles, &radii)
            }
        }
    }
}

/// Positions modulo the sides of the box, also between walls.
pub fn wrapped(domain: &Domain, mut x: Vec<Vector>) -> Vec<Vector> {
    for x in &mut x {
        *x = std::array::from_fn(|a| modulo(x[a], domain.size[a]));
    }
    x
}

/// Positions at these angles and distances, whatever their sign, from the centre of the box.
pub fn ring(domain: &Domain, angles: &[f64], radii: &[f64]) -> Vec<Vector> {
    let [lx, ly] = domain.size;
    let place = |(angle, radius): (&f64, &f64)| {
        let radius = radius.abs();
        [0.5 * lx + radius * angle.cos(), 0.5 * ly + radius * angle.sin()]
    };
    wrapped(domain, angles.iter().zip(radii).map(place).collect())
}
