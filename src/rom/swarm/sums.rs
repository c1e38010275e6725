//! The sums of a step over neighbours: the plain definition, over all pairs, and its error bounds.

use super::config::Morse;
use super::{Config, Domain, Vector};

/// Below this distance two particles are in the same place, and there is no force.
pub(super) const SAME: f64 = 1e-12;

/// The least distance that the exponentials see.
pub(super) const LEAST: f64 = 1e-6;

/// For each particle, the sums over its neighbours.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Sums {
    /// The sum of the headings within the radius of alignment, its own included.
    pub headings: Vec<Vector>,
    /// The force on it; zero where there are no forces.
    pub forces: Vec<Vector>,
}

impl Sums {
    /// Zeros for `n` particles.
    pub fn zeros(n: usize) -> Self {
        Self { headings: vec![[0.0; 2]; n], forces: vec![[0.0; 2]; n] }
    }
}

/// The sums by the definition, over all pairs.
pub fn reference(config: &Config, x: &[Vector], headings: &[Vector]) -> Sums {
    let forces = match config.forces() {
        Some(morse) => forces(&config.domain, morse, x),
        None => vec![[0.0; 2]; x.len()],
    };
    Sums { headings: aligned(&config.domain, config.radius, x, headings), forces }
}

/// The sum of the headings within `radius` of each particle, its own included.
pub fn aligned(domain: &Domain, radius: f64, x: &[Vector], headings: &[Vector]) -> Vec<Vector> {
    let sum = |from: &Vector| {
        let near = x.iter().zip(headings).filter(|(to, _)| {
            let [dx, dy] = domain.displacement(*from, **to);
            dx * dx + dy * dy <= radius * radius
        });
        near.fold([0.0; 2], |[a, b], (_, p)| [a + p[0], b + p[1]])
    };
    x.iter().map(sum).collect()
}

/// The force on each particle.
pub fn forces(domain: &Domain, morse: &Morse, x: &[Vector]) -> Vec<Vector> {
    let cutoff = morse.cutoff * morse.cutoff;
    let force = |from: &Vector| {
        x.iter().fold([0.0; 2], |[fx, fy], to| {
            let [dx, dy] = domain.displacement(*from, *to);
            let square = dx * dx + dy * dy;
            if square <= SAME * SAME || square > cutoff {
                return [fx, fy];
            }
            let r = square.sqrt();
            let [repulsion, attraction] = terms(morse, r);
            let scale = (repulsion - attraction) / r;
            [fx - scale * dx, fy - scale * dy]
        })
    };
    x.iter().map(force).collect()
}

/// Cr/lr exp(-s/lr) and Ca/la exp(-s/la), with s = max(r, 1e-6).
fn terms(morse: &Morse, r: f64) -> Vector {
    let [repulsion, attraction] = morse.slopes();
    let s = r.max(LEAST);
    [
        repulsion * (-s / morse.repulsion_length).exp(),
        attraction * (-s / morse.attraction_length).exp(),
    ]
}

/// The most by which each component of sums that are formed in another order, with exponentials
/// within two eps, may differ from [`reference()`].
///
/// The displacements of both have the same bits. A sum of n terms in any order is off by at most
/// (n - 1) eps/2 times the sum of their magnitudes; headings are at most 1 in magnitude. A term of
/// a force is a difference of two exponentials, each within 2 eps, of an argument s/l that is off by
/// eps where it is a product with 1/l, which the exponential multiplies by s/l; then follow a product
/// with the slope, which may be off by eps, a difference, a quotient and a product. That is less than
/// (8 + s/l) eps of the sum of both magnitudes, in each of the two forces; (16 + 2 s/l + n) eps allow
/// for both, and for the terms of second order.
pub fn bound(config: &Config, x: &[Vector]) -> Sums {
    let mut bound = Sums::zeros(x.len());
    for (i, from) in x.iter().enumerate() {
        let (mut near, mut count, mut sum) = (0.0, 0.0, 0.0);
        for to in x {
            let [dx, dy] = config.domain.displacement(*from, *to);
            let square = dx * dx + dy * dy;
            near += if square <= config.radius * config.radius { 1.0 } else { 0.0 };
            let Some(morse) = config.forces() else { continue };
            if square <= SAME * SAME || square > morse.cutoff * morse.cutoff {
                continue;
            }
            let r = square.sqrt();
            let lengths = [morse.repulsion_length, morse.attraction_length];
            let parts = terms(morse, r).map(f64::abs);
            sum += parts.iter().zip(lengths).map(|(p, l)| p * (16.0 + 2.0 * r / l)).sum::<f64>();
            count += parts.iter().sum::<f64>();
        }
        let terms = x.len() as f64;
        bound.headings[i] = [near * near * f64::EPSILON; 2];
        bound.forces[i] = [(sum + terms * count) * f64::EPSILON; 2];
    }
    bound
}

#[cfg(test)]
mod tests {
    use super::super::Boundary;
    use super::*;

    const MORSE: Morse = Morse {
        repulsion: 2.0,
        attraction: 1.0,
        repulsion_length: 0.5,
        attraction_length: 1.5,
        cutoff: 3.0,
        mobility: 0.5,
    };

    /// Two particles across the seam, and one beyond the cutoff.
    #[test]
    fn a_force_is_that_of_the_formula_along_the_nearest_image() {
        let domain = Domain::square(20.0, Boundary::Periodic);
        let x = [[0.25, 10.0], [19.75, 10.0], [6.0, 10.0]];
        let want = 4.0 * (-1.0_f64).exp() - (-1.0_f64 / 3.0).exp() / 1.5;
        let found = forces(&domain, &MORSE, &x);
        assert!((found[0][0] - want).abs() < 1e-15, "repelled to the right: {found:?}");
        assert_eq!(found[1], found[0].map(|f| -f), "action and reaction");
        assert_eq!(found[2], [0.0; 2], "too far");
        let walls = Domain { boundary: Boundary::Reflecting, ..domain };
        assert_eq!(forces(&walls, &MORSE, &x), [[0.0; 2]; 3], "no images between walls");
    }

    #[test]
    fn particles_in_one_place_do_not_push_each_other() {
        let domain = Domain::square(20.0, Boundary::Periodic);
        assert_eq!(forces(&domain, &MORSE, &[[1.0; 2]; 2]), [[0.0; 2]; 2], "same place");
        let close = forces(&domain, &MORSE, &[[1.0, 1.0], [1.0 + 1e-9, 1.0]]);
        let floored = 4.0 * (-2e-6_f64).exp() - (-1e-6 / 1.5_f64).exp() / 1.5;
        assert!((close[0][0] + floored).abs() < 1e-9, "as at 1e-6: {close:?}");
    }

    /// Smaller than the radius: each particle counts once.
    #[test]
    fn headings_are_summed_across_the_seam_and_once_each() {
        let p = [[1.0, 0.0], [0.0, 1.0], [-1.0, 0.0]];
        let x = [[0.1, 0.5], [9.9, 0.5], [5.0, 0.5]];
        let large = Domain { size: [10.0, 1.0], boundary: Boundary::Periodic };
        assert_eq!(aligned(&large, 1.0, &x, &p), [[1.0, 1.0], [1.0, 1.0], [-1.0, 0.0]], "seam");
        assert_eq!(aligned(&large, 20.0, &x, &p), [[0.0, 1.0]; 3], "all");
    }
}
