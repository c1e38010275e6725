use std::collections::BTreeSet;

use super::*;
use crate::input::uniform;
use crate::md::neighbours::bonds;
use crate::md::neighbours::tests::scattered;

fn cells() -> [Cell; 5] {
    [
        Cell::orthorhombic([12.0, 13.0, 14.0]).unwrap(),
        Cell::orthorhombic([3.0, 30.0, 3.5]).unwrap(),
        Cell::new([[0.0, 4.0, 4.1], [4.2, 0.0, 4.0], [4.0, 4.3, 0.0]]).unwrap(),
        Cell::new([[9.0, 0.0, 0.0], [-8.0, 7.0, 0.0], [5.0, 6.0, 8.0]]).unwrap(),
        Cell::orthorhombic([31.0, 29.0, 33.0]).unwrap(),
    ]
}

/// A pair as the earlier of its two ends sees it.
fn canonical(i: usize, j: usize, away: [i32; 3]) -> (usize, usize, [i32; 3]) {
    (i, j, away).min((j, i, away.map(|o| -o)))
}

/// Requires that each pair within `reach` is among `found`, and none twice.
fn assert_complete(
    found: impl Iterator<Item = (usize, usize, [i32; 3])>,
    cell: &Cell,
    x: &[Vector],
    reach: f64,
) {
    let mut pairs = BTreeSet::new();
    for (i, j, away) in found {
        assert!(pairs.insert(canonical(i, j, away)), "{i}, {j}, {away:?} twice in {cell:?}");
    }
    for (i, bonds) in bonds(cell, x, reach).iter().enumerate() {
        for b in bonds {
            let pair = canonical(i, b.atom, b.offset);
            assert!(pairs.contains(&pair), "{pair:?} at {} is missing in {cell:?}", b.r);
        }
    }
}

#[test]
fn both_lists_hold_all_pairs_in_reach_once() {
    for (seed, cell) in (1..).zip(cells()) {
        for (n, reach) in [(0, 5.0), (1, 6.0), (2, 3.0), (5, 9.0), (40, 2.5), (41, 7.0), (203, 4.0)]
        {
            let x = scattered(seed, n, &cell, 3.0);
            for (isa, rows) in Isa::available().flat_map(|isa| [(isa, 2), (isa, CLUSTER)]) {
                if rows == CLUSTER && isa != Isa::Avx512 {
                    continue;
                }
                let reaches = [0.6 * reach, 0.4 * reach];
                let list = ClusterList::of_parts(isa, rows, &cell, &x, reaches).unwrap();
                assert_complete(list.pairs(), &cell, &x, reach);
                assert_complete(list.pairs_of(&list.inner), &cell, &x, 0.66 * reach);
                assert!(list.tried()[0] <= list.tried()[1], "{:?}", list.tried());
            }
        }
    }
}

#[test]
fn an_atom_alone_sees_half_of_its_own_images() {
    let cell = Cell::orthorhombic([2.0; 3]).unwrap();
    let list = ClusterList::new(&cell, &[[0.5; 3]], 2.9, 0.0).unwrap();
    // Six faces at 2 and twelve edges at 2 sqrt(2) = 2.83.
    assert_eq!(list.pairs().count(), 9, "half of 18");
}

#[test]
fn the_inner_list_is_complete_while_atoms_move() {
    for (seed, cell) in (10..).zip(cells()) {
        let mut x = scattered(seed, 50, &cell, 1.0);
        let mut list = ClusterList::new(&cell, &x, 4.0, 1.2).unwrap();
        let kick = uniform(seed, 150, -0.03, 0.03);
        for _ in 0..60 {
            for (x, k) in x.iter_mut().flatten().zip(&kick) {
                *x += f64::from(*k);
            }
            let before = list.builds();
            assert_eq!(list.update(&x), list.builds() > before, "update says whether it builds");
            assert_complete(list.pairs_of(&list.inner), &cell, &x, 4.0);
        }
        assert!((2..=6).contains(&list.builds()), "{} builds in 60 moves", list.builds());
        assert!(list.prunings() > 2 * list.builds(), "{} prunings", list.prunings());
        assert_eq!(list.dangerous_builds(), 0, "dangerous builds");
    }
}

#[test]
fn a_list_without_skin_is_built_whenever_an_atom_moves() {
    let cell = cells()[0];
    let mut x = scattered(1, 30, &cell, 1.0);
    let mut list = ClusterList::new(&cell, &x, 4.0, 0.0).unwrap();
    assert!(!list.update(&x), "nothing moved");
    x[7][1] += 1e-9;
    assert!(list.update(&x), "an atom moved");
    x[7][1] = f64::NAN;
    let lost = std::panic::catch_unwind(move || list.update(&x)).unwrap_err();
    assert!(lost.downcast_ref::<String>().unwrap().starts_with("atom 7 is lost"), "NaN");
}

#[test]
fn a_build_at_the_first_update_is_dangerous() {
    let cell = cells()[0];
    let mut x = scattered(1, 30, &cell, 1.0);
    let mut list = ClusterList::new(&cell, &x, 4.0, 0.4).unwrap();
    x[7][1] += 0.21;
    assert!(list.update(&x), "an atom moved more than half the skin");
    assert_eq!((list.builds(), list.dangerous_builds()), (2, 1), "in one step");
    x[7][1] += 0.01;
    assert!(!list.update(&x), "an atom moved less than half the margin");
    x[7][1] += 0.2;
    assert!(list.update(&x), "an atom moved more than half the skin");
    assert_eq!((list.builds(), list.dangerous_builds()), (3, 1), "in two steps");
}

#[test]
fn a_copy_is_pruned_and_built_as_its_origin() {
    let cell = cells()[3];
    let mut x = scattered(3, 200, &cell, 1.0);
    let list = ClusterList::new(&cell, &x, 2.5, 0.5).unwrap();
    let mut copy = ClusterList::new(&cell, &x, 2.5, 0.5).unwrap();
    let moved: Vec<Vector> = x.iter().map(|x| x.map(|c| c + 1.1)).collect();
    assert!(copy.update(&moved), "moved by more than the skin");
    copy.copy_from(&list);
    let mut list = list;
    for _ in 0..5 {
        x.iter_mut().for_each(|x| x[0] += 0.05);
        assert_eq!(list.update(&x), copy.update(&x), "builds");
        assert_eq!((list.builds(), list.prunings()), (copy.builds(), copy.prunings()));
        assert_eq!(list.inner.clusters, copy.inner.clusters, "entries");
    }
    assert!(list.prunings() > 2, "{} prunings", list.prunings());
}

#[test]
fn vectors_come_back_to_their_atoms() {
    let cell = cells()[0];
    let x = scattered(5, 30, &cell, 2.0);
    let list = ClusterList::new(&cell, &x, 3.0, 0.0).unwrap();
    let (mut blocks, mut back) = (Vec::<Block<f64>>::new(), vec![[0.0; 3]; 30]);
    list.place(&x, &mut blocks);
    assert_eq!(blocks.len(), 8 + 1, "clusters, the last one twice");
    list.take_back(&blocks, &mut back);
    for (x, back) in x.iter().zip(&back) {
        let inside = cell.fractional(*back);
        let cells = sub(cell.fractional(*x), inside);
        assert!(inside.iter().all(|s| (-1e-12..1.0 + 1e-12).contains(s)), "{inside:?}");
        assert!(cells.iter().all(|c| (c - c.round()).abs() < 1e-12), "{cells:?} cells away");
    }
    // Two places are empty, and out of reach of everything.
    let [.., first, second] = blocks[7][0];
    assert!(first > 100.0 && second > first + 100.0, "nowhere: {first} and {second}");
    assert_eq!((blocks[8][0][2], blocks[8][0][3]), (-first, -second), "not where the rows are");
}

#[test]
fn a_cell_much_thinner_than_the_cutoff_is_an_error() {
    let cell = Cell::orthorhombic([0.001, 9.0, 0.001]).unwrap();
    let err = ClusterList::new(&cell, &[[0.0; 3]], 5.0, 0.5).unwrap_err().to_string();
    assert!(err.contains("images within 5.5 angstrom"), "{err}");
}
