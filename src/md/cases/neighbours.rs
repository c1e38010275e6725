//! The cases of neighbour lists: one build each.

use super::{IMAGES, Model, SKIN, list};
use crate::case::{Case, Step, Work};
use crate::close::digest;
use crate::md::neighbours::{NeighbourList, bonds};
use crate::md::potentials::Potential;
use crate::md::system::System;

/// A build looks at six or seven images for each one that it lists, with nine operations. It keeps
/// at hand the list, two positions of each atom, and 100 bytes of each image in its bins.
pub(super) fn neighbours<P: Potential<List = NeighbourList> + Copy + 'static>(
    id: &str,
    atoms: u64,
    model: Model<P>,
    start: impl Fn() -> System + 'static,
) -> Case {
    let flops = atoms * 6 * 9 * model.listed;
    let bytes = atoms * (4 * model.listed + 24);
    let resident_bytes = atoms * (4 * model.listed + 8 + 48 + 100 * IMAGES);
    let work = Work { units: atoms, unit: "atom", flops, bytes, resident_bytes };
    Case::new(id, "portable", work, move || Build::new(model, start()))
}

/// One build of a list.
struct Build {
    system: System,
    list: NeighbourList,
    reach: f64,
}

impl Build {
    fn new<P: Potential<List = NeighbourList>>(model: Model<P>, system: System) -> Self {
        let list = list(&model.potential, &system);
        Self { system, list, reach: model.potential.cutoff() + SKIN }
    }
}

impl Step for Build {
    fn run(&mut self) {
        self.list.build(&self.system.positions);
    }

    fn spoil(&mut self) {
        self.list.clear();
    }

    fn digest(&self) -> u64 {
        let of = |i| {
            self.list.offsets(i).flat_map(|(atom, offset)| {
                let atom = u64::try_from(atom).expect("a 64-bit machine at most");
                std::iter::once(atom).chain(offset.map(|o| o.cast_unsigned().into()))
            })
        };
        digest((0..self.list.len()).flat_map(of))
    }

    /// The same images of the same atoms as the reference finds, in whatever order.
    fn check(&self) -> Result<(), String> {
        let want = bonds(&self.system.cell, &self.system.positions, self.reach);
        for (i, want) in want.iter().enumerate() {
            let mut want: Vec<_> = want.iter().map(|b| (b.atom, b.offset)).collect();
            let mut got: Vec<_> = self.list.offsets(i).collect();
            want.sort_unstable();
            got.sort_unstable();
            if got != want {
                let (got, want) = (got.len(), want.len());
                return Err(format!(
                    "atom {i} has {got} neighbours, not the {want} of the reference"
                ));
            }
        }
        Ok(())
    }
}
