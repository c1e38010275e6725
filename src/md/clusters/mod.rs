//! Pairs of clusters: a neighbour list for kernels that take the distances of many pairs at once.
//!
//! The atoms, moved into the cell, are sorted into clusters of four, each of which is a block: four x,
//! four y, four z. For each cluster the list names the clusters, and images of clusters, that have an
//! atom within reach of one of its atoms, which are called rows then. Each pair of atoms is met once:
//! of two clusters only the earlier one lists the other, a cluster lists those of its own images whose
//! offset is positive (by its first entry that is not zero), and it lists itself first, where only the
//! atoms after a row count. Images that are equally many cells away form a run, so a kernel shifts the
//! rows once for all of them.
//!
//! The list is two lists. The outer one has the whole skin and lasts long. The inner one holds those
//! of its entries that have a pair within cutoff + margin, where the margin is at first a part
//! of the skin. Whenever an atom has moved half the margin, the inner list is pruned from the outer
//! one again. If D is the furthest that an atom has moved since the outer list was built, that one
//! has all pairs within cutoff + skin - 2 D, so the margin is at most skin - 2 D; where that is less
//! than half of what is wanted, the outer list is built anew.
//!
//! The inner list is one of parts: rows of a cluster, as many as the kernels of an instruction set
//! take at once, for the fewer rows, the fewer entries have none of them in reach.
//!
//! Sources: S. Pall, B. Hess, Comput. Phys. Commun. 184 (2013) 2641-2650; dual lists: S. Pall and
//! others, J. Chem. Phys. 153 (2020) 134110.

mod entries;
mod order;
mod rows;
mod search;

pub(super) use rows::{Apart, Rows, parts, squared};

use super::lanes::{CLUSTER, Quad, Real};
use super::neighbours::{List, Skin, check_size, whole};
use super::system::{self, Cell, Vector, add_scaled, dot, sub};
use crate::machine::isa::Isa;
use entries::Entries;
use search::Search;

/// The margin that is wanted, over the skin. Less means fewer entries, and to prune more often.
const MARGIN: f64 = 0.15;

/// x, y and z of the atoms of a cluster.
pub(super) type Block<R> = [Quad<R>; 3];

/// Pairs of clusters within cutoff + skin. All buffers are kept between builds.
#[derive(Debug, Clone)]
pub struct ClusterList {
    cell: Cell,
    cutoff: f64,
    skin: Skin,
    isa: Isa,
    /// Rows of a part of the inner list.
    rows: usize,
    /// The atom in each place of each cluster; places past the last atom are empty.
    atoms: Vec<u32>,
    /// By place: how many cells away the atom is moved into the cell, and the same in angstrom.
    homes: Vec<[i32; 3]>,
    moves: Vec<Vector>,
    /// Where an empty place is: out of reach of all others.
    nowhere: f64,
    outer: Entries,
    inner: Entries,
    margin: f64,
    pruned_at: Vec<Vector>,
    prunings: u64,
    search: Search,
}

impl List for ClusterList {
    fn new(
        cell: &Cell,
        positions: &[Vector],
        cutoff: f64,
        skin: f64,
    ) -> Result<Self, system::Error> {
        Self::on(Isa::best(), cell, positions, cutoff, skin)
    }

    fn on(
        isa: Isa,
        cell: &Cell,
        positions: &[Vector],
        cutoff: f64,
        skin: f64,
    ) -> Result<Self, system::Error> {
        Self::of_parts(
            isa,
            if isa == Isa::Avx512 { CLUSTER } else { 2 },
            cell,
            positions,
            [cutoff, skin],
        )
    }

    fn update(&mut self, positions: &[Vector]) -> bool {
        let limit = 0.25 * self.margin * self.margin;
        // A NaN counts as moved, so that `build` can name the atom.
        if furthest(positions, &self.pruned_at) <= limit {
            self.skin.passed();
            return false;
        }
        let stale = self.skin.check(positions);
        let moved = furthest(positions, self.skin.built_at()).sqrt();
        let left = self.skin.width() - 2.0 * moved;
        let wanted = self.wanted_margin();
        if stale || left < 0.5 * wanted {
            self.build(positions);
            return true;
        }
        self.margin = wanted.min(left);
        self.prune(positions);
        false
    }

    fn copy_from(&mut self, other: &Self) {
        let Self { cell, cutoff, skin, isa, rows, nowhere, margin, prunings, .. } = other;
        (self.cell, self.cutoff, self.isa, self.rows) = (*cell, *cutoff, *isa, *rows);
        (self.nowhere, self.margin, self.prunings) = (*nowhere, *margin, *prunings);
        self.skin.copy_from(skin);
        self.atoms.clone_from(&other.atoms);
        self.homes.clone_from(&other.homes);
        self.moves.clone_from(&other.moves);
        self.pruned_at.clone_from(&other.pruned_at);
        self.outer.copy_from(&other.outer);
        self.inner.copy_from(&other.inner);
    }

    fn builds(&self) -> u64 {
        self.skin.builds()
    }

    fn dangerous_builds(&self) -> u64 {
        self.skin.dangerous_builds()
    }

    fn prunings(&self) -> u64 {
        self.prunings
    }
}

/// The square of the furthest that an atom has moved; infinite if one is NaN.
fn furthest(positions: &[Vector], from: &[Vector]) -> f64 {
    assert_eq!(positions.len(), from.len(), "the number of atoms changed");
    let mut most = 0.0;
    for (&x, &at) in positions.iter().zip(from) {
        let d2 = dot(sub(x, at), sub(x, at));
        most = if d2 <= most {
            most
        } else if d2.is_nan() {
            f64::INFINITY
        } else {
            d2
        };
    }
    most
}

impl ClusterList {
    /// Does as [`List::on`], for kernels that take so many rows at once: 2, or 4 by AVX-512.
    pub(super) fn of_parts(
        isa: Isa,
        rows: usize,
        cell: &Cell,
        positions: &[Vector],
        [cutoff, skin]: [f64; 2],
    ) -> Result<Self, system::Error> {
        assert!(isa.is_available(), "this processor has no {}", isa.name());
        check_size(cell, positions.len(), cutoff, skin)?;
        let n = positions.len();
        let mut list = Self {
            cell: *cell,
            cutoff,
            skin: Skin::new(skin, n),
            isa,
            rows,
            atoms: Vec::with_capacity(n),
            homes: Vec::with_capacity(n),
            moves: Vec::with_capacity(n),
            nowhere: 0.0,
            outer: Entries::default(),
            inner: Entries::default(),
            margin: 0.0,
            pruned_at: vec![[0.0; 3]; n],
            prunings: 0,
            search: Search::default(),
        };
        list.build(positions);
        list.outer.reserve_a_quarter();
        let (runs, clusters) = (list.outer.runs.capacity(), list.outer.clusters.capacity());
        let parts = CLUSTER / rows;
        list.inner.runs.reserve(parts * runs - list.inner.runs.len());
        list.inner.clusters.reserve(parts * clusters - list.inner.clusters.len());
        list.search.reserve();
        Ok(list)
    }

    /// Builds the list anew, for the same atoms at `positions`.
    ///
    /// # Panics
    ///
    /// If the number of atoms changed, or an atom is NaN or a million cells away.
    pub fn build(&mut self, positions: &[Vector]) {
        self.skin.rebuilt(positions);
        self.sort(positions);
        let reach = self.cutoff + self.skin.width();
        let rows = self.cell.rows();
        let widest = (0..3).map(|c| rows.iter().map(|a| a[c].abs()).sum()).fold(0.0, f64::max);
        let cells = self.cell.heights().iter().fold(0.0, |m: f64, h| m.max(reach / h));
        self.nowhere = 4.0 * (reach + (cells + 2.0) * widest);
        let mut search = std::mem::take(&mut self.search);
        self.place(positions, search.blocks());
        search.collect(self.isa, &self.cell, self.atoms.len(), reach, &mut self.outer);
        self.search = search;
        self.margin = self.wanted_margin();
        self.prune(positions);
    }

    /// Forgets every pair; [`ClusterList::build`] finds them again.
    pub fn clear(&mut self) {
        self.outer.clear();
        self.inner.clear();
    }

    fn wanted_margin(&self) -> f64 {
        MARGIN * self.skin.width()
    }

    /// Sorts the atoms into clusters.
    fn sort(&mut self, positions: &[Vector]) {
        let inside = &mut self.pruned_at;
        for (i, (x, to)) in positions.iter().zip(&mut *inside).enumerate() {
            let s = self.cell.fractional(*x);
            assert!(s.iter().all(|s| s.abs() < 1e6), "atom {i} is lost, at {x:?}");
            *to = *x;
            add_scaled(to, 1.0, self.cell.cartesian(s.map(|s| -s.floor())));
        }
        let n = u32::try_from(positions.len()).expect("at most 2^23 atoms");
        self.atoms.clear();
        self.atoms.extend(0..n);
        order::sort(&mut self.atoms, inside);
        self.homes.clear();
        self.moves.clear();
        for &k in &self.atoms {
            let s = self.cell.fractional(positions[k as usize]);
            let home = s.map(|s| -s.floor());
            self.homes.push(home.map(whole));
            self.moves.push(self.cell.cartesian(home));
        }
    }

    /// Prunes the inner list.
    fn prune(&mut self, positions: &[Vector]) {
        self.pruned_at.copy_from_slice(positions);
        self.prunings += 1;
        let mut search = std::mem::take(&mut self.search);
        self.place(positions, search.blocks());
        let reach = self.cutoff + self.margin;
        search.prune(self.isa, self.rows, reach, &self.outer, &mut self.inner);
        self.search = search;
    }

    /// Writes where the atoms of the clusters are when the atoms are at `positions`.
    ///
    /// The last cluster stands there twice, the second time as rows: its empty places are elsewhere
    /// then, or they would be in reach of their own images.
    pub(super) fn place<R: Real>(&self, positions: &[Vector], into: &mut Vec<Block<R>>) {
        assert_eq!(positions.len(), self.len(), "not one position per atom");
        let clusters = self.len().div_ceil(CLUSTER);
        into.resize(clusters + 1, [[R::default(); CLUSTER]; 3]);
        let of_clusters = self.atoms.chunks(CLUSTER).zip(self.moves.chunks(CLUSTER));
        for (block, (atoms, moves)) in into.iter_mut().zip(of_clusters) {
            for (l, (&k, m)) in atoms.iter().zip(moves).enumerate() {
                let x = positions[k as usize];
                (0..3).for_each(|a| block[a][l] = R::from_f64(x[a] + m[a]));
            }
        }
        if let Some(last) = clusters.checked_sub(1) {
            into[clusters] = into[last];
            for l in self.len() - last * CLUSTER..CLUSTER {
                let away = (l + 1) as f64 * self.nowhere;
                for a in 0..3 {
                    into[last][a][l] = R::from_f64(away);
                    into[clusters][a][l] = R::from_f64(-away);
                }
            }
        }
    }

    /// Writes numbers of each atom into their places; those of empty places are zero.
    pub(super) fn spread<R: Real, const K: usize>(
        &self,
        of: impl Fn(usize) -> [f64; K],
        into: &mut Vec<[Quad<R>; K]>,
    ) {
        into.clear();
        into.resize(self.len().div_ceil(CLUSTER), [[R::default(); CLUSTER]; K]);
        for (place, &k) in self.atoms.iter().enumerate() {
            let to = &mut into[place / CLUSTER];
            for (to, x) in to.iter_mut().zip(of(k as usize)) {
                to[place % CLUSTER] = R::from_f64(x);
            }
        }
    }

    /// Takes the vectors of the clusters, such as forces, back to their atoms.
    pub(super) fn take_back(&self, from: &[Block<f64>], to: &mut [Vector]) {
        for (block, atoms) in from.iter().zip(self.atoms.chunks(CLUSTER)) {
            for (l, &k) in atoms.iter().enumerate() {
                to[k as usize] = [block[0][l], block[1][l], block[2][l]];
            }
        }
    }

    /// The entries that hold all pairs within the cutoff.
    pub(super) fn entries(&self) -> &Entries {
        &self.inner
    }

    /// The cutoff in angstrom, without the skin.
    pub fn cutoff(&self) -> f64 {
        self.cutoff
    }

    /// Number of atoms.
    pub fn len(&self) -> usize {
        self.pruned_at.len()
    }

    /// True without atoms.
    pub fn is_empty(&self) -> bool {
        self.pruned_at.is_empty()
    }

    /// Pairs of atoms that a kernel tries by the inner and by the outer list, empty places included.
    pub fn tried(&self) -> [usize; 2] {
        [self.inner.pairs(), self.outer.pairs()]
    }

    /// The pairs of atoms of the outer list, each once: (atom, atom, cells that the second one is
    /// away, counted from the positions given). Those of its clusters that are out of reach are
    /// among them.
    pub fn pairs(&self) -> impl Iterator<Item = (usize, usize, [i32; 3])> + '_ {
        self.pairs_of(&self.outer)
    }

    fn pairs_of<'a>(
        &'a self,
        of: &'a Entries,
    ) -> impl Iterator<Item = (usize, usize, [i32; 3])> + 'a {
        let places = |first: usize, count: usize| first..(first + count).min(self.atoms.len());
        let runs = (0..of.parts()).flat_map(move |part| {
            let runs = of.first_run[part] as usize..of.first_run[part + 1] as usize;
            runs.map(move |run| (part * of.rows, run))
        });
        let entries = runs.flat_map(move |(row, run)| {
            let entries = of.start(run)..of.runs[run].end as usize;
            entries.map(move |e| (row, of.runs[run].offset, of.clusters[e] as usize))
        });
        entries.flat_map(move |(row, offset, cluster)| {
            let own = cluster == row / CLUSTER && offset == [0; 3];
            places(row, of.rows).flat_map(move |p| {
                let from = if own { p + 1 } else { cluster * CLUSTER };
                let end = places(cluster * CLUSTER, CLUSTER).end;
                (from..end).map(move |q| {
                    let (here, there) = (self.homes[p], self.homes[q]);
                    let away = std::array::from_fn(|a| there[a] + offset[a] - here[a]);
                    (self.atoms[p] as usize, self.atoms[q] as usize, away)
                })
            })
        })
    }
}

#[cfg(test)]
mod tests;
