//! A periodic cell and the atoms in it.
//!
//! The rows of a cell are its lattice vectors a, b, c; fractional coordinates (u, v, w) stand for
//! the point x = u a + v b + w c. Then u = x . (b x c) / det, and so on: these reciprocal vectors
//! are normal to the faces, and one over their lengths are the heights of the cell.

use super::{BOLTZMANN, MVV2E};

/// A point, a velocity or a force.
pub type Vector = [f64; 3];

/// Three rows.
pub type Matrix = [Vector; 3];

/// Why a cell cannot be used.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum Error {
    /// A component is NaN or infinite, or so large that the volume is.
    #[error("the cell {rows:?} has no finite volume, expected three finite lattice vectors")]
    NotFinite {
        /// The lattice vectors.
        rows: Matrix,
    },
    /// The lattice vectors span no volume.
    #[error("the lattice vectors {rows:?} span no volume, expected three independent ones")]
    Singular {
        /// The lattice vectors.
        rows: Matrix,
    },
    /// A neighbour list would need too many periodic images.
    #[error(
        "{atoms} atoms in a cell of heights {heights:?} angstrom have about {images:.0} images \
         within {reach} angstrom, expected at most {limit}: repeat the cell or shorten the cutoff"
    )]
    TooManyImages {
        /// Atoms in the cell.
        atoms: usize,
        /// Heights of the cell.
        heights: Vector,
        /// Cutoff and skin.
        reach: f64,
        /// Images wanted.
        images: f64,
        /// Images allowed.
        limit: u32,
    },
    /// A neighbour list would need too many pairs.
    #[error(
        "{atoms} atoms in a cell of {volume} angstrom^3 have about {pairs:.0} pairs within \
         {reach} angstrom, expected at most {limit}: are cell and positions in angstrom?"
    )]
    TooManyPairs {
        /// Atoms in the cell.
        atoms: usize,
        /// Volume of the cell.
        volume: f64,
        /// Cutoff and skin.
        reach: f64,
        /// Directed pairs expected at the mean density.
        pairs: f64,
        /// Pairs allowed.
        limit: u32,
    },
}

/// A parallelepiped that repeats along its three lattice vectors, of either handedness.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Cell {
    rows: Matrix,
    reciprocal: Matrix,
    heights: Vector,
    volume: f64,
}

impl Cell {
    /// The cell with lattice vectors `rows`, in angstrom.
    ///
    /// # Errors
    ///
    /// If a component is not finite, or the volume is under 1e-9 of the product of the lengths.
    pub fn new(rows: Matrix) -> Result<Self, Error> {
        let normals = [cross(rows[1], rows[2]), cross(rows[2], rows[0]), cross(rows[0], rows[1])];
        let det = dot(rows[0], normals[0]);
        let lengths = rows.map(norm);
        if !(det.is_finite() && lengths.iter().all(|l| l.is_finite())) {
            return Err(Error::NotFinite { rows });
        }
        // Divided one by one, so that the product of three lengths cannot overflow.
        let flatness = lengths.iter().fold(det.abs(), |d, l| d / l);
        let flat = flatness.is_nan() || flatness < 1e-9;
        let reciprocal = normals.map(|n| n.map(|c| c / det));
        let heights = reciprocal.map(|b| 1.0 / norm(b));
        if flat || heights.iter().any(|h| !h.is_normal()) {
            return Err(Error::Singular { rows });
        }
        Ok(Self { rows, reciprocal, heights, volume: det.abs() })
    }

    /// A box with right angles and the given edges, in angstrom.
    ///
    /// # Errors
    ///
    /// Those of [`Cell::new`].
    pub fn orthorhombic(edges: Vector) -> Result<Self, Error> {
        let [a, b, c] = edges;
        Self::new([[a, 0.0, 0.0], [0.0, b, 0.0], [0.0, 0.0, c]])
    }

    /// The lattice vectors, in angstrom.
    pub fn rows(&self) -> Matrix {
        self.rows
    }

    /// Volume, in angstrom^3.
    pub fn volume(&self) -> f64 {
        self.volume
    }

    /// Distance between opposite faces, in angstrom; entry k belongs to lattice vector k.
    pub fn heights(&self) -> Vector {
        self.heights
    }

    /// Fractional coordinates of the point `x`.
    pub fn fractional(&self, x: Vector) -> Vector {
        self.reciprocal.map(|b| dot(x, b))
    }

    /// The point with fractional coordinates `s`: the inverse of [`Cell::fractional`].
    pub fn cartesian(&self, s: Vector) -> Vector {
        times(s, self.rows)
    }
}

/// Atoms in a periodic cell. All vectors have one entry per atom.
#[derive(Debug, Clone, PartialEq)]
pub struct System {
    /// The box.
    pub cell: Cell,
    /// Chemical symbols.
    pub species: Vec<String>,
    /// Positions in angstrom, inside the cell or not.
    pub positions: Vec<Vector>,
    /// Velocities in angstrom/ps.
    pub velocities: Vec<Vector>,
    /// Masses in amu.
    pub masses: Vec<f64>,
}

impl System {
    /// Number of atoms.
    pub fn len(&self) -> usize {
        self.positions.len()
    }

    /// True without atoms.
    pub fn is_empty(&self) -> bool {
        self.positions.is_empty()
    }

    /// Kinetic energy in eV.
    pub fn kinetic_energy(&self) -> f64 {
        let twice: f64 =
            self.velocities.iter().zip(&self.masses).map(|(&v, m)| m * dot(v, v)).sum();
        0.5 * MVV2E * twice
    }

    /// Temperature in K, from the 3N - 3 degrees of freedom of atoms whose centre is at rest.
    ///
    /// Zero for fewer than two atoms.
    pub fn temperature(&self) -> f64 {
        let freedom = 3.0 * self.len().saturating_sub(1) as f64;
        if freedom > 0.0 { 2.0 * self.kinetic_energy() / (freedom * BOLTZMANN) } else { 0.0 }
    }
}

pub(super) fn dot(a: Vector, b: Vector) -> f64 {
    a[0] * b[0] + a[1] * b[1] + a[2] * b[2]
}

pub(super) fn norm(a: Vector) -> f64 {
    dot(a, a).sqrt()
}

pub(super) fn sub(a: Vector, b: Vector) -> Vector {
    [a[0] - b[0], a[1] - b[1], a[2] - b[2]]
}

/// a += t b
pub(super) fn add_scaled(a: &mut Vector, t: f64, b: Vector) {
    a.iter_mut().zip(b).for_each(|(a, b)| *a += t * b);
}

/// The row vector `s` times the matrix `m`.
pub(super) fn times(s: Vector, m: Matrix) -> Vector {
    std::array::from_fn(|c| s[0] * m[0][c] + s[1] * m[1][c] + s[2] * m[2][c])
}

fn cross(a: Vector, b: Vector) -> Vector {
    [a[1] * b[2] - a[2] * b[1], a[2] * b[0] - a[0] * b[2], a[0] * b[1] - a[1] * b[0]]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_triclinic_cell_worked_by_hand() {
        let cell = Cell::new([[2.0, 0.0, 0.0], [1.0, 3.0, 0.0], [0.0, 4.0, 5.0]]).unwrap();
        assert_eq!(cell.volume(), 30.0, "determinant");
        // Faces: |a1 x a2| = |(15, -5, 4)|, |a2 x a0| = |(0, 10, -8)|, |a0 x a1| = 6.
        let want = [30.0 / 266_f64.sqrt(), 30.0 / 164_f64.sqrt(), 5.0];
        for (h, want) in cell.heights().into_iter().zip(want) {
            assert!((h - want).abs() < 1e-14, "height {h}, expected {want}");
        }
        let x = cell.cartesian([0.5, -1.0, 2.0]);
        assert_eq!(x, [0.0, 5.0, 10.0], "point");
        for (s, want) in cell.fractional(x).into_iter().zip([0.5, -1.0, 2.0]) {
            assert!((s - want).abs() < 1e-15, "fractional {s}, expected {want}");
        }
    }

    #[test]
    fn a_left_handed_cell_has_a_positive_volume() {
        let cell = Cell::new([[0.0, 2.0, 2.0], [2.0, 2.0, 0.0], [2.0, 0.0, 2.0]]).unwrap();
        assert!((cell.volume() - 16.0).abs() < 1e-14, "{}", cell.volume());
        assert!(cell.heights().iter().all(|&h| h > 0.0), "{:?}", cell.heights());
    }

    #[test]
    fn flat_and_foreign_cells_are_errors_that_say_so() {
        for x in [f64::NAN, f64::INFINITY, 1e200] {
            let err = Cell::orthorhombic([x, x, 1.0]).unwrap_err();
            assert!(err.to_string().contains("no finite volume"), "{err}");
        }
        let flat = [[1.0, 0.0, 0.0], [1.0, 1e-12, 0.0], [0.0, 0.0, 1.0]];
        for rows in [flat, [[0.0; 3]; 3], [[1e-200; 3], [1e-200, 0.0, 0.0], [0.0, 1e-200, 0.0]]] {
            let err = Cell::new(rows).unwrap_err();
            assert!(err.to_string().contains("span no volume"), "{err}");
        }
    }

    #[test]
    fn temperature_counts_the_degrees_of_freedom_at_rest() {
        let mut system = System {
            cell: Cell::orthorhombic([9.0; 3]).unwrap(),
            species: vec!["Ar".into(), "Ar".into()],
            positions: vec![[0.0; 3], [4.0; 3]],
            velocities: vec![[1.0, 0.0, 0.0], [-1.0, 0.0, 0.0]],
            masses: vec![40.0; 2],
        };
        let kinetic = 40.0 * MVV2E;
        assert_eq!(system.kinetic_energy(), kinetic, "kinetic energy");
        let want = 2.0 * kinetic / (3.0 * BOLTZMANN);
        assert!((system.temperature() - want).abs() < 1e-12, "{}", system.temperature());
        system.velocities.clear();
        system.positions.clear();
        assert_eq!(system.temperature(), 0.0, "no atoms");
    }
}
