use super::*;
use crate::input::uniform;
use std::f64::consts::PI;

/// `n` atoms up to so many cells away on either side.
pub(in crate::md) fn scattered(seed: u64, n: usize, cell: &Cell, cells: f32) -> Vec<Vector> {
    let s = uniform(seed, 3 * n, -cells, cells);
    s.chunks_exact(3)
        .map(|s| cell.cartesian([f64::from(s[0]), f64::from(s[1]), f64::from(s[2])]))
        .collect()
}

fn cells() -> [Cell; 4] {
    [
        Cell::orthorhombic([12.0, 13.0, 14.0]).unwrap(),
        Cell::orthorhombic([3.0, 30.0, 3.5]).unwrap(),
        Cell::new([[0.0, 4.0, 4.1], [4.2, 0.0, 4.0], [4.0, 4.3, 0.0]]).unwrap(),
        Cell::new([[9.0, 0.0, 0.0], [-8.0, 7.0, 0.0], [5.0, 6.0, 8.0]]).unwrap(),
    ]
}

fn sorted<T: Ord>(items: impl Iterator<Item = T>) -> Vec<T> {
    let mut items: Vec<T> = items.collect();
    items.sort();
    items
}

fn assert_same(list: &NeighbourList, cell: &Cell, positions: &[Vector], reach: f64) {
    for (i, want) in bonds(cell, positions, reach).iter().enumerate() {
        let want = sorted(want.iter().map(|b| (b.atom, b.offset)));
        assert_eq!(sorted(list.offsets(i)), want, "atom {i} in {cell:?}");
    }
    // Each pair is forward from one end only.
    let forward = |i: usize| list.offsets(i).take(list.forward(i).len()).map(move |n| (i, n));
    let ahead = sorted((0..list.len()).flat_map(forward));
    let reversed = ahead.iter().map(|&(i, (j, o))| (j, (i, o.map(|o| -o))));
    let both = sorted(ahead.iter().copied().chain(reversed));
    let all = sorted((0..list.len()).flat_map(|i| list.offsets(i).map(move |n| (i, n))));
    assert_eq!(both, all, "forward pairs and their opposites");
}

#[test]
fn the_list_holds_all_pairs_of_all_images() {
    for (seed, cell) in (1..).zip(cells()) {
        for (n, reach) in [(0, 5.0), (1, 6.0), (2, 3.0), (40, 2.5), (40, 7.0)] {
            let x = scattered(seed, n, &cell, 3.0);
            let list = NeighbourList::new(&cell, &x, 0.75 * reach, 0.25 * reach).unwrap();
            assert_same(&list, &cell, &x, reach);
        }
    }
}

#[test]
fn an_atom_alone_sees_its_own_images() {
    let cell = Cell::orthorhombic([2.0; 3]).unwrap();
    let list = NeighbourList::new(&cell, &[[0.5; 3]], 2.9, 0.0).unwrap();
    // Six faces at 2 and twelve edges at 2 sqrt(2) = 2.83.
    assert_eq!((list.of(0).len(), list.counts(&[[0.5; 3]])), (18, vec![18]), "neighbours");
    assert!(list.of(0).iter().all(|&k| list.atom(k) == 0), "all are images of atom 0");
}

#[test]
fn a_few_atoms_in_a_vast_cell_do_not_need_vast_memory() {
    let cell = Cell::orthorhombic([1e5; 3]).unwrap();
    let x = vec![[1.0; 3], [2.0; 3], [99_999.0; 3]];
    let list = NeighbourList::new(&cell, &x, 4.0, 0.0).unwrap();
    assert_same(&list, &cell, &x, 4.0);
    assert!(list.bins.first.capacity() < 1000, "{} bins", list.bins.first.capacity());
}

#[test]
fn a_list_with_skin_is_complete_until_it_is_stale() {
    for (seed, cell) in (10..).zip(cells()) {
        let mut x = scattered(seed, 30, &cell, 1.0);
        let (cutoff, skin) = (4.0, 1.0);
        let mut list = NeighbourList::new(&cell, &x, cutoff, skin).unwrap();
        let kick = uniform(seed, 90, -0.05, 0.05);
        let mut builds = 0;
        for _ in 0..30 {
            for (x, k) in x.iter_mut().flatten().zip(&kick) {
                *x += f64::from(*k);
            }
            builds += u64::from(list.update(&x));
            let want: Vec<usize> = bonds(&cell, &x, cutoff).iter().map(Vec::len).collect();
            assert_eq!(list.counts(&x), want, "after {builds} builds in {cell:?}");
        }
        assert!((2..=10).contains(&builds), "{builds} builds in 30 moves");
        assert_eq!((list.builds(), list.dangerous_builds()), (builds + 1, 0), "counts");
    }
}

#[test]
fn building_again_allocates_nothing_and_changes_nothing() {
    let cell = cells()[3];
    let x = scattered(3, 200, &cell, 1.0);
    let mut list = NeighbourList::new(&cell, &x, 2.5, 0.5).unwrap();
    let before = list.clone();
    let capacities = |list: &NeighbourList| {
        let bins = &list.bins;
        let kept = (list.index.capacity(), list.atoms.capacity(), bins.sorted.capacity());
        (kept, bins.backward.capacity())
    };
    let room = capacities(&list);
    assert!(room.1 >= 2 * list.most(), "room for pairs backward");
    let moved: Vec<Vector> = x.iter().map(|x| x.map(|c| c + 1.1)).collect();
    list.build(&moved);
    assert_eq!(list.pairs(), before.pairs(), "a translation changed the number of pairs");
    list.build(&x);
    assert_eq!((&list.index, &list.offsets), (&before.index, &before.offsets), "the list");
    list.build(&moved);
    list.copy_from(&before);
    assert_eq!((&list.index, &list.shifts), (&before.index, &before.shifts), "the copy");
    assert_eq!(capacities(&list), room, "capacities");
}

#[test]
fn a_cell_much_thinner_than_the_cutoff_is_an_error() {
    let cell = Cell::orthorhombic([0.001, 9.0, 0.001]).unwrap();
    let err = NeighbourList::new(&cell, &[[0.0; 3]], 5.0, 0.5).unwrap_err().to_string();
    assert!(err.contains("images within 5.5 angstrom"), "{err}");
}

#[test]
fn a_cell_much_too_dense_for_a_list_is_an_error() {
    let cell = Cell::orthorhombic([0.5; 3]).unwrap();
    let x = scattered(1, 1000, &cell, 1.0);
    let err = NeighbourList::new(&cell, &x, 3.8, 0.5).unwrap_err().to_string();
    assert!(err.starts_with("1000 atoms in a cell of 0.125 angstrom^3"), "{err}");
    assert!(err.contains("266") && err.contains("pairs within 4.3 angstrom"), "{err}");
    // The estimate: n^2 / V times the sphere, 4/3 pi 27 = 36 pi.
    let cell = Cell::orthorhombic([10.0; 3]).unwrap();
    let x = scattered(2, 1000, &cell, 1.0);
    let list = NeighbourList::new(&cell, &x, 3.0, 0.0).unwrap();
    let ratio = list.pairs() as f64 / (1000.0 * 36.0 * PI);
    assert!((ratio - 1.0).abs() < 0.05, "{ratio}");
}

#[test]
#[should_panic(expected = "atom 1 is lost")]
fn an_atom_at_infinity_is_lost() {
    let cell = Cell::orthorhombic([9.0; 3]).unwrap();
    drop(NeighbourList::new(&cell, &[[0.0; 3], [f64::INFINITY; 3]], 3.0, 0.0));
}
