//! Q, the nearest point: of the lattice, in whose cell the vector is, and moving with it.

use stepmark::lattice::{Lattice, nearest};

use super::{gaussian, grid, lattices_and_isas, points, transposed};

fn is_point(lattice: Lattice, y: &[f32]) -> bool {
    let whole = |v: f32| v.fract() == 0.0;
    let even = whole(y.iter().sum::<f32>() / 2.0);
    match lattice {
        Lattice::Z2 => y.iter().all(|&v| whole(v)),
        Lattice::D4 => y.iter().all(|&v| whole(v)) && even,
        Lattice::E8 => (y.iter().all(|&v| whole(v)) || y.iter().all(|&v| whole(v + 0.5))) && even,
    }
}

/// The shortest vectors: 4, 24 or 240. The faces of the cells are half-way along them.
fn roots(lattice: Lattice) -> Vec<Vec<f32>> {
    let d = lattice.dim();
    let with = |pairs: &[(usize, f32)]| {
        let mut r = vec![0.0; d];
        pairs.iter().for_each(|&(k, v)| r[k] = v);
        r
    };
    let signs = [(1.0, 1.0), (1.0, -1.0), (-1.0, 1.0), (-1.0, -1.0)];
    if lattice == Lattice::Z2 {
        return (0..2).flat_map(|k| [with(&[(k, 1.0)]), with(&[(k, -1.0)])]).collect();
    }
    let places = (0..d).flat_map(|j| (0..j).map(move |k| (j, k)));
    let mut roots: Vec<_> =
        places.flat_map(|(j, k)| signs.map(|(a, b)| with(&[(j, a), (k, b)]))).collect();
    if lattice == Lattice::E8 {
        let even = (0..256_u32).filter(|minus| minus.count_ones() % 2 == 0);
        let half = |minus: u32, k: u32| if minus >> k & 1 == 0 { 0.5 } else { -0.5 };
        roots.extend(even.map(|minus| (0..8).map(|k| half(minus, k)).collect()));
    }
    roots
}

#[test]
fn nearest_points_are_points_within_the_covering_radius_and_no_root_leads_nearer() {
    for (lattice, isa) in lattices_and_isas() {
        let (d, n) = (lattice.dim(), 100_000);
        let x = gaussian(1, d * n, 10.0);
        let y = points(lattice, isa, &x);
        let roots = roots(lattice);
        assert_eq!(roots.len(), [4, 24, 240][lattice as usize], "roots of {lattice}");
        let square = if lattice == Lattice::Z2 { 0.5 } else { 1.0 };
        for (x, y) in x.chunks(d).zip(y.chunks(d)) {
            assert!(is_point(lattice, y), "{y:?} is not in {lattice}");
            let off: Vec<f32> = x.iter().zip(y).map(|(x, y)| x - y).collect();
            let dot = |v: &[f32], r: &[f32]| v.iter().zip(r).map(|(v, r)| v * r).sum::<f32>();
            // The grid of Q moves x by up to 2^-23 in d components; f32 sums err by less.
            for r in &roots {
                let most = dot(r, r) / 2.0 + 1e-6;
                assert!(dot(&off, r) <= most, "{isa:?}: {y:?} is not nearest to {x:?}, see {r:?}");
            }
            assert!(dot(&off, &off) <= square + 2e-6, "{isa:?}: {y:?} is too far from {x:?}");
        }
    }
}

#[test]
fn codes_of_wide_range_find_the_same_points_as_the_search_without_codes() {
    for (lattice, isa) in lattices_and_isas() {
        let (d, n) = (lattice.dim(), 20_000);
        for (range, parts) in [(4.0, 1024.0), (8.0, 2.0), (1e3, 4.0), (4e6, 1.0)] {
            let x = grid(5, d * n, range, parts);
            let mut y = vec![0; x.len()];
            nearest(lattice, &transposed(&x, d), &mut y).expect("in the domain");
            let y: Vec<f32> =
                transposed(&y, n).iter().map(|&y| y as f32 / f32::from(lattice.scale())).collect();
            assert!(points(lattice, isa, &x) == y, "{lattice}, {isa:?}, range {range}");
        }
    }
}

/// Checks Q(x + v) = Q(x) + v where x + v is exact, Q(Q(x)) = Q(x), and how often it is exact.
fn assert_equivariant((lattice, isa): (Lattice, super::Isa), x: &[f32], v: &[f32], often: f64) {
    let d = lattice.dim();
    let exact = |x: &f32, v: &f32| f64::from(*x) + f64::from(*v) == f64::from(x + v);
    let fits = |(x, v): &(&[f32], &[f32])| x.iter().zip(*v).all(|(x, v)| exact(x, v));
    let (x, v): (Vec<_>, Vec<_>) = x.chunks(d).zip(v.chunks(d)).filter(fits).unzip();
    assert!(x.len() as f64 >= often * v.len() as f64, "only {} sums are exact", x.len());
    let (x, v) = (x.concat(), v.concat());
    let add = |x: &[f32]| x.iter().zip(&v).map(|(x, v)| x + v).collect::<Vec<_>>();
    let y = points(lattice, isa, &x);
    let moved = points(lattice, isa, &add(&x));
    let want = add(&y);
    for (i, (got, want)) in moved.chunks(d).zip(want.chunks(d)).enumerate() {
        let (x, v) = (&x[i * d..][..d], &v[i * d..][..d]);
        assert_eq!(got, want, "{lattice}, {isa:?}: Q({x:?} + {v:?})");
    }
    assert!(points(lattice, isa, &y) == y, "{lattice}, {isa:?}: Q(Q(x)) is not Q(x)");
}

#[test]
fn q_commutes_with_points_also_on_boundaries_and_leaves_points_alone() {
    for (lattice, isa) in lattices_and_isas() {
        let (d, n) = (lattice.dim(), 50_000);
        let v = points(lattice, isa, &grid(3, d * n, 1000.0, 8.0));
        assert_equivariant((lattice, isa), &grid(2, d * n, 6.0, 8.0), &v, 1.0);
        assert_equivariant((lattice, isa), &grid(4, d * n, 6.0, 4096.0), &v, 1.0);
    }
}

#[test]
fn q_commutes_with_points_at_fractions_of_points() {
    for (lattice, isa) in lattices_and_isas() {
        let (d, n) = (lattice.dim(), 10_000);
        let v = points(lattice, isa, &grid(6, d * n, 12.0, 1.0));
        for q in 2..=16_u8 {
            // A third is no float: its sum with a point of the other sign is, and by luck some.
            let lam = points(lattice, isa, &grid(q.into(), d * n, 2.0 * f32::from(q), 1.0));
            let x: Vec<f32> = lam.iter().map(|lam| lam / f32::from(q)).collect();
            let often = if q.is_power_of_two() { 1.0 } else { 1e-3 };
            assert_equivariant((lattice, isa), &x, &v, often);
            // Cut to a grid, as near to a boundary, all of them are exact.
            let cut: Vec<f32> = x.iter().map(|x| (x * 65536.0).round() / 65536.0).collect();
            assert_equivariant((lattice, isa), &cut, &v, 1.0);
        }
    }
}
