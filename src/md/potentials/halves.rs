//! Pairs of species whose entries differ: which of both a pair of atoms takes.

/// Whether the entries of both atoms of a pair agree, for each pair of species.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Halves {
    species: usize,
    /// By i and j.
    do_agree: Vec<bool>,
}

impl Halves {
    /// Compares what `of` says of the entry (i, j, j) and of (j, i, i).
    pub(super) fn new<T: PartialEq>(species: usize, of: impl Fn(usize, usize) -> T) -> Self {
        let pairs = (0..species * species).map(|n| (n / species, n % species));
        Self { species, do_agree: pairs.map(|(i, j)| of(i, j) == of(j, i)).collect() }
    }

    /// The entries (i, j, j) and (j, i, i) that differ, so that a pair takes that of one.
    pub(super) fn unlike(&self) -> Vec<[[usize; 3]; 2]> {
        let pairs = (0..self.species).flat_map(|j| (0..j).map(move |i| (i, j)));
        let differ = pairs.filter(|&(i, j)| !self.do_agree[i * self.species + j]);
        differ.map(|(i, j)| [[i, j, j], [j, i, i]]).collect()
    }

    /// The part of the energy of a pair that the entry of its atom i stands for: half where the entries of
    /// both atoms agree, else all or nothing. As in LAMMPS the numbers of the atoms decide: of two with an
    /// odd sum the entry of the higher one counts, of two with an even one that of the lower.
    #[inline]
    pub(super) fn share(&self, [i, j]: [usize; 2], species: [usize; 2]) -> f64 {
        if self.do_agree[species[0] * self.species + species[1]] {
            return 0.5;
        }
        let is_odd = (i + j) % 2 == 1;
        if (i > j) == is_odd { 1.0 } else { 0.0 }
    }
}
