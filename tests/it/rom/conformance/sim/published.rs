//! The search for neighbours as it is published, with its errors, to replay what was made with it.
//!
//! A side has ceil(L / reach) cells, so that a cell may be narrower than the reach, and a particle looks
//! at 3 x 3 of them, so that pairs are missed; with fewer than three cells a side, the same cell is
//! looked at again, and pairs are repeated. Where headings are summed up to less than the reach, their
//! distance is not that of the nearest image. Cells may be those of an earlier step.

use std::collections::BTreeSet;

use stepmark::rom::swarm::{Boundary, Config, Domain, Morse, Sums, Vector};

/// The cells of some step.
pub(super) struct Published {
    domain: Domain,
    reach: f64,
    counts: [usize; 2],
    cells: Vec<[usize; 2]>,
}

/// Two particles, the displacement of the second from the first, and its length.
pub(super) struct Pair {
    pub(super) i: usize,
    pub(super) j: usize,
    d: Vector,
    r: f64,
}

impl Published {
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "small counts")]
    pub(super) fn new(domain: &Domain, reach: f64, x: &[Vector]) -> Self {
        let counts = domain.size.map(|side| (side / reach).ceil().max(1.0) as usize);
        let cell = |x: &Vector| {
            std::array::from_fn(|a| {
                let width = domain.size[a] / counts[a] as f64;
                ((x[a] / width).floor() as usize).min(counts[a] - 1)
            })
        };
        Self { domain: *domain, reach, counts, cells: x.iter().map(cell).collect() }
    }

    /// The cell that is one step to the left or right of another on a side, if there is one.
    fn beside(&self, a: usize, cell: usize, step: isize) -> Option<usize> {
        let (cell, count) = (cell.cast_signed() + step, self.counts[a].cast_signed());
        match self.domain.boundary {
            Boundary::Periodic => Some(cell.rem_euclid(count).cast_unsigned()),
            Boundary::Reflecting => (0..count).contains(&cell).then(|| cell.cast_unsigned()),
        }
    }

    /// All pairs within the reach that it finds, as often as it finds them.
    pub(super) fn pairs(&self, x: &[Vector]) -> Vec<Pair> {
        let mut pairs = Vec::new();
        for (i, cell) in self.cells.iter().enumerate() {
            for step in 0..9 {
                let [column, row] = [step / 3 - 1, step % 3 - 1];
                let (Some(column), Some(row)) =
                    (self.beside(0, cell[0], column), self.beside(1, cell[1], row))
                else {
                    continue;
                };
                for j in i + 1..x.len() {
                    if self.cells[j] != [column, row] {
                        continue;
                    }
                    let d = self.displacement(x[i], x[j]);
                    let r = d[0].hypot(d[1]);
                    if 0.0 < r && r <= self.reach {
                        pairs.push(Pair { i, j, d, r });
                    }
                }
            }
        }
        pairs
    }

    fn displacement(&self, from: Vector, to: Vector) -> Vector {
        std::array::from_fn(|a| {
            let (d, side) = (to[a] - from[a], self.domain.size[a]);
            match self.domain.boundary {
                Boundary::Periodic => d - side * (d / side).round_ties_even(),
                Boundary::Reflecting => d,
            }
        })
    }

    /// The sums of a step over these neighbours.
    pub(super) fn sums(&self, config: &Config, x: &[Vector], headings: &[Vector]) -> Sums {
        let mut sums = Sums { headings: headings.to_vec(), forces: vec![[0.0; 2]; x.len()] };
        let pairs = self.pairs(x);
        for Pair { i, j, r, .. } in &pairs {
            let plain = (x[*j][0] - x[*i][0]).hypot(x[*j][1] - x[*i][1]);
            let distance = if config.radius < self.reach { plain } else { *r };
            if distance <= config.radius {
                for a in 0..2 {
                    sums.headings[*i][a] += headings[*j][a];
                    sums.headings[*j][a] += headings[*i][a];
                }
            }
        }
        if let Some(morse) = config.forces() {
            sums.forces = forces(morse, &pairs, x.len());
        }
        sums
    }
}

/// The forces of pairs within the cutoff on `n` particles.
pub(super) fn forces(morse: &Morse, pairs: &[Pair], n: usize) -> Vec<Vector> {
    let mut forces = vec![[0.0; 2]; n];
    for Pair { i, j, d, r } in pairs.iter().filter(|pair| pair.r <= morse.cutoff) {
        let s = r.max(1e-6);
        let repulsion =
            morse.repulsion / morse.repulsion_length * (-s / morse.repulsion_length).exp();
        let attraction =
            morse.attraction / morse.attraction_length * (-s / morse.attraction_length).exp();
        for a in 0..2 {
            let force = (repulsion - attraction) / r * d[a];
            forces[*i][a] -= force;
            forces[*j][a] += force;
        }
    }
    forces
}

/// How many particles, itself included, each of `n` has as a neighbour.
pub(super) fn counts(pairs: &[Pair], n: usize) -> Vec<i64> {
    let mut near: Vec<BTreeSet<usize>> = (0..n).map(|i| BTreeSet::from([i])).collect();
    for Pair { i, j, .. } in pairs {
        near[*i].insert(*j);
        near[*j].insert(*i);
    }
    near.iter().map(|near| i64::try_from(near.len()).expect("few particles")).collect()
}
