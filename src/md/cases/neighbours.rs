//! The cases of neighbour lists: one build each.

use super::models::Model;
use super::sized;
use crate::case::{Case, Step, Work};
use crate::close::digest;
use crate::machine::isa::Isa;
use crate::md::clusters::ClusterList;
use crate::md::neighbours::{List, NeighbourList, bonds};
use crate::md::potentials::Potential;
use crate::md::system::System;

/// A pair of atoms, with the cells that the second one is away.
type Pair = (usize, usize, [i32; 3]);

/// A list whose builds are measured.
trait Built: List {
    fn build(&mut self, system: &System);
    fn clear(&mut self);
    /// The pairs, in the order of the list.
    fn pairs(&self) -> impl Iterator<Item = Pair>;
    /// Whether it holds a pair from both of its ends.
    const BOTH_ENDS: bool;
    /// Whether it may hold pairs out of reach.
    const LOOSE: bool;
}

impl Built for NeighbourList {
    const BOTH_ENDS: bool = true;
    const LOOSE: bool = false;

    fn build(&mut self, system: &System) {
        self.build(&system.positions);
    }

    fn clear(&mut self) {
        self.clear();
    }

    fn pairs(&self) -> impl Iterator<Item = Pair> {
        (0..self.len()).flat_map(|i| self.offsets(i).map(move |(j, offset)| (i, j, offset)))
    }
}

impl Built for ClusterList {
    const BOTH_ENDS: bool = false;
    const LOOSE: bool = true;

    fn build(&mut self, system: &System) {
        self.build(&system.positions);
    }

    fn clear(&mut self) {
        self.clear();
    }

    fn pairs(&self) -> impl Iterator<Item = Pair> {
        self.pairs()
    }
}

/// A build of so many pairs per atom looks at six or seven images for each one that it lists, with
/// nine operations. It keeps at hand the list, two positions of each atom, and 100 bytes of each
/// image in its bins, of which an atom has about two.
pub(super) fn neighbours<P: Potential + Copy + 'static>(
    id: &str,
    atoms: u64,
    model: Model<P>,
    pairs: u64,
    start: impl Fn() -> System + 'static,
) -> Case {
    let listed = 2 * pairs;
    let flops = atoms * 6 * 9 * listed;
    let bytes = atoms * (4 * listed + 24);
    let resident_bytes = atoms * (4 * listed + 8 + 48 + 200);
    let work = Work { units: atoms, unit: "atom", flops, bytes, resident_bytes };
    let start = sized(id, atoms, start);
    Case::new(id, "portable", work, move || Build::<NeighbourList>::new(&model, start()))
}

/// A build looks at about four clusters of four atoms for each one that it lists: 9 operations for the
/// centres, and for half of them 9 for each of 16 pairs. It keeps at hand both lists, three positions
/// of each atom, and 100 bytes of each cluster.
pub(super) fn clusters<P: Potential + Copy + 'static>(
    id: &str,
    atoms: u64,
    model: Model<P>,
    start: impl Fn() -> System + 'static,
) -> Case {
    let flops = atoms * model.list_bytes / 4 * 2 * (2 * 9 + 9 * 16);
    let bytes = atoms * (model.list_bytes + 24);
    let resident_bytes = atoms * (2 * model.list_bytes + 72 + 25);
    let work = Work { units: atoms, unit: "atom", flops, bytes, resident_bytes };
    let start = sized(id, atoms, start);
    let name = Isa::best().vectorised_name();
    Case::new(id, name, work, move || Build::<ClusterList>::new(&model, start()))
}

/// One build of a list.
struct Build<L> {
    system: System,
    list: L,
    reach: f64,
}

impl<L: Built> Build<L> {
    fn new<P: Potential>(model: &Model<P>, system: System) -> Self {
        let (cutoff, skin) = (model.potential.cutoff(), model.skin);
        let list = L::new(&system.cell, &system.positions, cutoff, skin)
            .expect("a cell as large as the cutoff");
        Self { system, list, reach: cutoff + skin }
    }
}

impl<L: Built> Step for Build<L> {
    fn run(&mut self) {
        self.list.build(&self.system);
    }

    fn spoil(&mut self) {
        self.list.clear();
    }

    fn digest(&self) -> u64 {
        let of = |(i, j, offset): Pair| {
            let [i, j] = [i, j].map(|k| u64::try_from(k).expect("a 64-bit machine at most"));
            [i, j].into_iter().chain(offset.map(|o| o.cast_unsigned().into()))
        };
        digest(self.list.pairs().flat_map(of))
    }

    /// All images of all atoms that the reference finds in reach, none of them twice, in whatever
    /// order.
    fn check(&self) -> Result<(), String> {
        let mut got: Vec<Pair> = self.list.pairs().collect();
        if !L::BOTH_ENDS {
            got.extend(self.list.pairs().map(|(i, j, away)| (j, i, away.map(|o| -o))));
        }
        got.sort_unstable();
        if let Some(twice) = got.windows(2).find(|pair| pair[0] == pair[1]) {
            return Err(format!("the pair {:?} is listed twice", twice[0]));
        }
        let mut found = 0;
        for (i, bonds) in
            bonds(&self.system.cell, &self.system.positions, self.reach).iter().enumerate()
        {
            for b in bonds {
                let pair = (i, b.atom, b.offset);
                if got.binary_search(&pair).is_err() {
                    return Err(format!("the pair {pair:?}, {} apart, is not listed", b.r));
                }
                found += 1;
            }
        }
        if got.len() > found && !L::LOOSE {
            return Err(format!("{} pairs are listed, not the {found} in reach", got.len()));
        }
        Ok(())
    }
}
