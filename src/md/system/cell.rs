//! A periodic cell.
//!
//! The rows of a cell are its lattice vectors a, b, c; fractional coordinates (u, v, w) stand for
//! the point x = u a + v b + w c. Then u = x . (b x c) / det, and so on: these reciprocal vectors
//! are normal to the faces, and one over their lengths are the heights of the cell.

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

    /// Whether a, b, c follow each other as thumb, index and middle finger of the right hand do.
    pub fn is_right_handed(&self) -> bool {
        dot(self.rows[0], cross(self.rows[1], self.rows[2])) > 0.0
    }

    /// Distance between opposite faces, in angstrom; entry k belongs to lattice vector k.
    pub fn heights(&self) -> Vector {
        self.heights
    }

    /// Fractional coordinates of the point `x`.
    pub fn fractional(&self, x: Vector) -> Vector {
        self.reciprocal.map(|b| dot(x, b))
    }

    /// The reciprocal lattice vector with the coordinates `n`, in 1/angstrom, without 2 pi.
    pub fn wave(&self, n: [i32; 3]) -> Vector {
        times(n.map(f64::from), self.reciprocal)
    }

    /// From `from` to the nearest image of `to`, if that is nearer than half the least height.
    ///
    /// Fractional coordinates are moved by whole numbers to within 1/2 of zero. Those of a nearer
    /// image are there already: |s| = |d . b| <= |d| / height < 1/2 along each axis.
    pub fn nearest(&self, from: Vector, to: Vector) -> Vector {
        let d = sub(to, from);
        let s = self.fractional(d);
        if s.iter().all(|s| s.abs() < 0.5) {
            return d;
        }
        sub(d, self.cartesian(s.map(f64::round)))
    }

    /// The point with fractional coordinates `s`: the inverse of [`Cell::fractional`].
    pub fn cartesian(&self, s: Vector) -> Vector {
        times(s, self.rows)
    }
}

pub(in crate::md) fn dot(a: Vector, b: Vector) -> f64 {
    a[0] * b[0] + a[1] * b[1] + a[2] * b[2]
}

pub(in crate::md) fn norm(a: Vector) -> f64 {
    dot(a, a).sqrt()
}

pub(in crate::md) fn sub(a: Vector, b: Vector) -> Vector {
    [a[0] - b[0], a[1] - b[1], a[2] - b[2]]
}

/// a += t b
pub(in crate::md) fn add_scaled(a: &mut Vector, t: f64, b: Vector) {
    a.iter_mut().zip(b).for_each(|(a, b)| *a += t * b);
}

/// The row vector `s` times the matrix `m`.
pub(in crate::md) fn times(s: Vector, m: Matrix) -> Vector {
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
        let [a, b, c] = cell.rows();
        let turned = Cell::new([b, a, c]).unwrap();
        assert_eq!([cell, turned].map(|cell| cell.is_right_handed()), [false, true], "handedness");
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
    fn the_nearest_image_is_found_across_faces_and_corners() {
        let cell = Cell::new([[6.0, 0.0, 0.0], [2.0, 7.0, 0.0], [-1.0, 3.0, 8.0]]).unwrap();
        for (k, d) in [[2.0, -1.5, 0.5], [-0.3, 2.9, 0.0], [0.0; 3]].into_iter().enumerate() {
            let from = [5.9, 0.1, 7.5];
            let cells = cell.cartesian([k as f64 - 1.0, 3.0, -2.0]);
            let to = std::array::from_fn(|a| from[a] + d[a] + cells[a]);
            let off = sub(cell.nearest(from, to), d);
            assert!(off.iter().all(|o| o.abs() < 1e-13), "{off:?} off {d:?}");
        }
    }
}
