//! Embedded atoms of several species, whose functions are tables.
//!
//! ```text
//! E = sum over i of F_i(rho_i) + 1/2 sum over i, j of z_ij(r) / r,    r < cutoff
//! rho_i = sum over j of f_ij(r)
//! ```
//!
//! F is continued by a straight line, z and f by their last values ([`Table`]). What the tables have
//! at the cutoff is cut off. The density f depends on the species of the neighbour j and, in
//! Finnis-Sinclair form, on that of the host i.
//!
//! Bound: as in `eam`, with the largest magnitudes of a table between the knots around a number.
//!
//! Sources: M. S. Daw, M. I. Baskes, "Embedded-atom method", Phys. Rev. B 29 (1984) 6443-6453;
//! the manual of LAMMPS, `pair_style eam`, for what is in the tables.

mod fast;
mod table;

pub use fast::Scratch;
pub use table::Table;

use super::angles::check_species;
use super::eam::Radial;
use super::errors::{Errors, Off, Size};
use super::{Forces, Potential};
use crate::md::neighbours::{NeighbourList, bonds, displacement_error};
use crate::md::system::Atoms;

/// The potential; the species of atoms are those of its tables, by number.
#[derive(Debug, Clone, PartialEq)]
pub struct TabulatedEam {
    cutoff: f64,
    embedding: Vec<Table>,
    densities: Vec<Table>,
    pairs: Vec<Table>,
}

impl TabulatedEam {
    /// The potential of n species, that is of as many tables F in eV.
    ///
    /// The `densities` f are n by neighbour or, host after host, n x n by host and neighbour. The
    /// `pairs` z in eV angstrom are those of species 0 and 0, 1 and 0, 1 and 1, 2 and 0, and so on.
    ///
    /// # Panics
    ///
    /// If there are other numbers of tables, or the cutoff is not positive.
    pub fn new(
        cutoff: f64,
        embedding: Vec<Table>,
        densities: Vec<Table>,
        pairs: Vec<Table>,
    ) -> Self {
        let n = embedding.len();
        assert!(cutoff > 0.0 && cutoff.is_finite(), "cutoff {cutoff} is not positive");
        assert!(n > 0 && [n, n * n].contains(&densities.len()), "{} densities", densities.len());
        assert_eq!(pairs.len(), n * (n + 1) / 2, "tables of pairs of {n} species");
        Self { cutoff, embedding, densities, pairs }
    }

    /// Distance in angstrom from which on tables hold their last values, if that is more than two steps
    /// before the cutoff: files with a cutoff at their end leave out one or two.
    pub fn shortfall(&self) -> Option<f64> {
        let mut radial = self.densities.iter().chain(&self.pairs);
        let short = radial.find(|table| self.cutoff > table.end() + 2.001 * table.step())?;
        Some(short.end())
    }

    /// The density of a neighbour at its host.
    fn density(&self, host: usize, neighbour: usize) -> &Table {
        let n = self.embedding.len();
        let row = if self.densities.len() == n { 0 } else { host * n };
        &self.densities[row + neighbour]
    }

    /// z of two species.
    fn pair(&self, i: usize, j: usize) -> &Table {
        let (low, high) = (i.min(j), i.max(j));
        &self.pairs[high * (high + 1) / 2 + low]
    }

    /// Energy of a pair, and its derivative.
    fn pair_at(&self, i: usize, j: usize, r: f64) -> Radial {
        let Radial { value, slope } = self.pair(i, j).at(r);
        let energy = value / r;
        Radial { value: energy, slope: (slope - energy) / r }
    }
}

impl Potential for TabulatedEam {
    type List = NeighbourList;
    type Scratch = Scratch;

    fn cutoff(&self) -> f64 {
        self.cutoff
    }

    fn compute(
        &self,
        atoms: Atoms<'_>,
        list: &NeighbourList,
        scratch: &mut Scratch,
        out: &mut Forces,
    ) {
        check_species(atoms.species, self.embedding.len());
        out.start(self.cutoff, atoms.positions, list, &mut scratch.images);
        fast::add(self, atoms.species, list, scratch, out);
    }

    fn reference(&self, Atoms { cell, positions, species, .. }: Atoms<'_>) -> Forces {
        check_species(species, self.embedding.len());
        let mut out = Forces::zeros(positions.len());
        for (i, bonds) in bonds(cell, positions, self.cutoff).iter().enumerate() {
            let host = species[i] as usize;
            let density = |atom: usize| self.density(host, species[atom] as usize);
            let rho = bonds.iter().map(|b| density(b.atom).at(b.r).value).sum();
            let embedded = self.embedding[host].straight_at(rho);
            let mut energy = embedded.value;
            for b in bonds {
                // A pair is met from both ends.
                let pair = self.pair_at(host, species[b.atom] as usize, b.r);
                energy += 0.5 * pair.value;
                let pull = 0.5 * pair.slope + embedded.slope * density(b.atom).at(b.r).slope;
                out.pull(i, b.atom, b.d, b.d.map(|d| -pull * d / b.r));
            }
            out.energy += energy;
        }
        out
    }

    fn bound(&self, Atoms { cell, positions, species, .. }: Atoms<'_>) -> Forces {
        let (eps, cutoff) = (f64::EPSILON, self.cutoff);
        // A distance in steps is rounded once more.
        let apart = displacement_error(cell, positions, cutoff) + 4.0 * eps * cutoff;
        let bonds = bonds(cell, positions, cutoff);
        let most = bonds.iter().map(Vec::len).max().unwrap_or(0) as f64;
        let all = bonds.iter().map(Vec::len).sum::<usize>() as f64;
        let bound = Forces::zeros(positions.len());
        let mut errors = Errors { bound, eps, apart, places: 0.0, all, own: 2.0 * most };
        for (i, bonds) in bonds.iter().enumerate() {
            let host = species[i] as usize;
            let density = |atom: usize| self.density(host, species[atom] as usize);
            let (mut rho, mut sum, mut off) = (0.0, 0.0, 0.0);
            for b in bonds {
                let size = density(b.atom).size(b.r, apart);
                rho += density(b.atom).at(b.r).value;
                sum += size.value;
                off += size.value_off(apart, eps);
            }
            let off = off + (most + 4.0) * eps * sum;
            let embedded = self.embedding[host].straight_size(rho, off);
            errors.energy(Off { size: embedded.value, off: embedded.value_off(off, eps) });
            for b in bonds {
                let pair =
                    over_distance(self.pair(host, species[b.atom] as usize).size(b.r, apart), b.r);
                let phi = density(b.atom).size(b.r, apart);
                errors
                    .energy(Off { size: 0.5 * pair.value, off: 0.5 * pair.value_off(apart, eps) });
                let pull = 0.5 * pair.slope + embedded.slope * phi.slope;
                let off = 0.5 * pair.slope_off(apart, eps)
                    + embedded.slope * phi.slope_off(apart, eps)
                    + embedded.slope_off(off, eps) * phi.slope;
                errors.pull([i, b.atom], b.r, Off { size: pull, off });
            }
        }
        errors.bound
    }
}

/// The size of z / r from that of z.
fn over_distance(z: Size, r: f64) -> Size {
    Size {
        value: z.value / r,
        slope: z.slope / r + z.value / (r * r),
        curvature: z.curvature / r + 2.0 * z.slope / (r * r) + 2.0 * z.value / (r * r * r),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::md::{Cell, EmbeddedAtom, Field, SuttonChen, System, boxes};

    /// Tables of Sutton-Chen aluminium.
    fn tabulated(points: u32) -> TabulatedEam {
        use crate::md::potentials::eam::Law as _;
        let law = SuttonChen::ALUMINIUM;
        let steps = f64::from(points - 1);
        let (dr, drho) = (7.5 / steps, 200.0 / steps);
        let table = |step: f64, f: &dyn Fn(f64) -> f64| {
            Table::new(step, &(0..points).map(|m| f(step * f64::from(m))).collect::<Vec<_>>())
        };
        // Nearer than an angstrom nobody comes.
        let near = |r: f64| law.at(r.max(1.0));
        let embedding = table(drho, &|rho| -law.strength() * rho.sqrt());
        let density = table(dr, &|r| near(r)[1].value);
        let pair = table(dr, &|r| r * near(r)[0].value);
        TabulatedEam::new(7.5, vec![embedding], vec![density], vec![pair])
    }

    /// The interpolation is of fourth order for values and of third for slopes.
    #[test]
    fn finer_tables_come_closer_to_the_law() {
        let mut al = boxes::aluminium_crystal(2, 4.05);
        boxes::rattle(&mut al, 3, 0.1);
        let want = EmbeddedAtom(SuttonChen::ALUMINIUM).reference(al.atoms());
        let off = |points: u32| {
            let got = tabulated(points).reference(al.atoms());
            let pairs = got.forces.as_flattened().iter().zip(want.forces.as_flattened());
            let force = pairs.map(|(g, w)| (g - w).abs()).fold(0.0, f64::max);
            [(got.energy - want.energy).abs(), force]
        };
        let ([coarse, coarse_force], [fine, fine_force]) = (off(1000), off(4000));
        assert!(fine < 1e-6 && fine_force < 1e-7, "{fine:e} eV, {fine_force:e} eV/angstrom");
        assert!(coarse > 50.0 * fine, "{coarse:e} eV, then {fine:e}");
        assert!(coarse_force > 15.0 * fine_force, "{coarse_force:e}, then {fine_force:e}");
    }

    /// Two species, of which each table is a straight line of its own; forces are worked by hand.
    #[test]
    fn each_pair_of_species_has_tables_of_its_own() {
        let line = |at_0: f64, slope: f64| {
            Table::new(1.0, &(0..8).map(|m| at_0 + slope * f64::from(m)).collect::<Vec<_>>())
        };
        let embedding = vec![line(0.0, 2.0), line(0.0, 3.0)];
        // By host and neighbour; the mixed ones are 5 - r at host 0, and 4 - r/2 at host 1.
        let densities = vec![line(9.0, 0.0), line(5.0, -1.0), line(4.0, -0.5), line(9.0, 0.0)];
        let pairs = vec![line(9.0, 0.0), line(0.0, 0.25), line(9.0, 0.0)];
        let eam = TabulatedEam::new(6.0, embedding, densities, pairs);
        let cell = Cell::orthorhombic([20.0; 3]).unwrap();
        let two = System::new(cell, &["A", "B"], vec![1.0; 2], vec![[0.0; 3], [2.0, 0.0, 0.0]]);
        // Energy 2 (5 - r) + 3 (4 - r/2) + 1/4 at r = 2.
        let field = Field::new(eam, &two, 0.3).unwrap();
        for out in [&field.potential().reference(two.atoms()), field.forces()] {
            assert!((out.energy - 15.25).abs() < 1e-13, "{}", out.energy);
            assert!((out.forces[1][0] - 3.5).abs() < 1e-13, "{:?}", out.forces);
        }
    }

    #[test]
    #[should_panic(expected = "species 1, parameters for 1")]
    fn an_atom_of_a_species_without_tables_is_refused() {
        let cell = Cell::orthorhombic([20.0; 3]).unwrap();
        let two = System::new(cell, &["Al", "X"], vec![1.0; 2], vec![[0.0; 3], [3.0; 3]]);
        let _ = Field::new(tabulated(50), &two, 0.0);
    }
}
