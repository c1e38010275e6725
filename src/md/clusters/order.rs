//! The order of the atoms: neighbours in space become neighbours in memory.
//!
//! A k-d tree splits the atoms at the median along the longer edge of their box until two are left,
//! in whole clusters while there are more. So each four that follow each other are a compact
//! cluster, and so are the halves of it. The cost is that of sorting.

use crate::md::lanes::CLUSTER;
use crate::md::system::Vector;

/// Sorts `atoms`, numbers of `positions`.
pub(super) fn sort(atoms: &mut [u32], positions: &[Vector]) {
    if atoms.len() <= 2 {
        return;
    }
    let middle =
        if atoms.len() > CLUSTER { atoms.len().div_ceil(CLUSTER) / 2 * CLUSTER } else { 2 };
    let axis = longest_edge(atoms, positions);
    let along = |k: &u32| positions[*k as usize][axis];
    atoms.select_nth_unstable_by(middle, |a, b| along(a).total_cmp(&along(b)).then(a.cmp(b)));
    let (low, high) = atoms.split_at_mut(middle);
    sort(low, positions);
    sort(high, positions);
}

/// The axis along which the box of these atoms is longest.
fn longest_edge(atoms: &[u32], positions: &[Vector]) -> usize {
    let (mut low, mut high) = ([f64::INFINITY; 3], [f64::NEG_INFINITY; 3]);
    for &k in atoms {
        let x = positions[k as usize];
        for a in 0..3 {
            low[a] = x[a].min(low[a]);
            high[a] = x[a].max(high[a]);
        }
    }
    let edge = |a: &usize| high[*a] - low[*a];
    (0..3).max_by(|a, b| edge(a).total_cmp(&edge(b))).expect("three axes")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::input::uniform;

    #[test]
    fn clusters_are_compact_and_hold_each_atom_once() {
        for n in (0..20).chain([63, 64, 500]) {
            let x = uniform(7, 3 * n, 0.0, 10.0);
            let x: Vec<Vector> =
                x.chunks_exact(3).map(|x| [x[0].into(), x[1].into(), x[2].into()]).collect();
            let mut atoms: Vec<u32> = (0..u32::try_from(n).unwrap()).collect();
            sort(&mut atoms, &x);
            let edges = |chunk: &[u32]| {
                let edge = |a: usize| {
                    let along = chunk.iter().map(|&k| x[k as usize][a]);
                    along.clone().fold(0.0, f64::max) - along.fold(10.0, f64::min)
                };
                edge(0).max(edge(1)).max(edge(2))
            };
            let mean = |size: usize| {
                let clusters = atoms.chunks_exact(size);
                clusters.clone().map(edges).sum::<f64>() / clusters.len() as f64
            };
            // Four of 500 atoms in a box of 1000 angstrom^3 have a cube of 2 angstrom to themselves.
            assert!(n < 500 || mean(4) < 2.5 && mean(2) < 2.0, "{} and {}", mean(4), mean(2));
            atoms.sort_unstable();
            assert!(atoms.iter().copied().eq(0..u32::try_from(n).unwrap()), "{n} atoms");
        }
    }
}
