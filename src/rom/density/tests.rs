use super::*;
use proptest::prelude::*;

use crate::rom::swarm::random::Generator;

const PERIODIC: Domain = Domain { size: [10.0, 8.0], boundary: Boundary::Periodic };
const WALLS: Domain = Domain { boundary: Boundary::Reflecting, ..PERIODIC };

fn frame(density: &mut Density, x: &[Vector]) -> Vec<f64> {
    let mut frame = vec![f64::NAN; density.shape().iter().product()];
    density.frame(x, &mut frame);
    frame
}

/// On the edges, outside, and far outside.
#[test]
fn without_a_bandwidth_it_counts_the_particles_of_each_cell() {
    let x = [[0.0, 0.0], [9.99, 0.1], [10.0, 8.0], [2.5, 2.0], [-0.5, 1.0], [12.0, 25.0]];
    let mut walls = Density::new(&WALLS, [4, 2], 0.0).unwrap();
    let assert_counts = |density: &mut Density, want: [f64; 8]| {
        let found = frame(density, &x);
        let off = found.iter().zip(want).map(|(rho, n)| (10.0 * rho - n).abs());
        assert!(off.fold(0.0, f64::max) < 1e-14, "{found:?}, expected {want:?} over 10");
    };
    assert_counts(&mut walls, [1., 1., 0., 1., 0., 0., 0., 1.]);
    let mut periodic = Density::new(&PERIODIC, [4, 2], 0.0).unwrap();
    assert_counts(&mut periodic, [3., 1., 0., 2., 0., 0., 0., 0.]);
}

#[test]
fn a_particle_becomes_a_gaussian_across_the_seam_and_piles_up_at_a_wall() {
    let (b, x) = (1.0_f64, [[0.5, 3.5]]);
    let weight = |k: f64| (-0.5 * k * k / (b * b)).exp();
    let sum: f64 = (-4..=4).map(|k| weight(f64::from(k))).sum();
    let mut periodic = Density::new(&PERIODIC, [10, 8], b).unwrap();
    let found = frame(&mut periodic, &x);
    let at = |row: usize, column: usize| found[row * 10 + column] * sum * sum;
    assert!((at(3, 0) - 1.0).abs() < 1e-14, "centre {}", at(3, 0));
    for (row, column, dy, dx) in [(4, 0, 1., 0.), (3, 9, 0., 1.), (1, 8, 2., 2.), (6, 4, 3., 4.)] {
        let want = weight(dy) * weight(dx);
        assert!((at(row, column) - want).abs() < 1e-15, "{row}, {column}");
    }
    assert_eq!(at(3, 5), 0.0, "beyond four bandwidths");
    let mut walls = Density::new(&WALLS, [10, 8], b).unwrap();
    let found = frame(&mut walls, &x);
    let want: f64 = (0..=4).map(|k| weight(f64::from(k))).sum::<f64>() / sum / sum;
    assert!((found[30] - want).abs() < 1e-14, "what lies beyond the wall: {}", found[30]);
}

/// Of edges that are rounded, and bandwidths between whole cells.
#[test]
fn cells_begin_at_their_edges_and_gaussians_end_at_four_bandwidths_rounded() {
    for cells in 1..200 {
        for side in [0.7, 10.0, 25.0] {
            let axis = Smoothing::new(side, cells, 0.0, Boundary::Reflecting);
            let width = side / cells as f64;
            for cell in 1..cells {
                let edge = cell as f64 * width;
                let found = [edge.next_down(), edge].map(|x| axis.cell(x));
                assert_eq!(found, [Some(cell - 1), Some(cell)], "{cells} cells of {side}");
            }
            assert_eq!(axis.cell(side), Some(cells - 1), "the end");
        }
    }
    for (bandwidth, radius) in [(0.1, 0), (0.13, 1), (0.87, 3), (0.9, 4), (5.0, 20)] {
        let axis = Smoothing::new(10.0, 50, bandwidth, Boundary::Periodic);
        assert_eq!(axis.weights.len(), 2 * radius + 1, "bandwidth {bandwidth}");
    }
}

#[test]
fn a_periodic_grid_holds_the_mass_of_all_particles() {
    let x = crate::rom::swarm::Start::Uniform.draw(&PERIODIC, 90, &mut Generator::new(1));
    for bandwidth in [0.0, 0.3, 2.0, 40.0] {
        let mut density = Density::new(&PERIODIC, [20, 12], bandwidth).unwrap();
        let found = frame(&mut density, &x);
        let mass = density.mass(ArrayView2::from_shape((12, 20), &found).unwrap());
        assert!((mass - 90.0).abs() < 1e-11, "bandwidth {bandwidth}: {mass}");
    }
}

#[test]
fn centres_are_those_of_the_cells() {
    let [x, y] = Density::new(&PERIODIC, [4, 2], 0.0).unwrap().centres();
    assert_eq!((x.to_vec(), y.to_vec()), (vec![1.25, 3.75, 6.25, 8.75], vec![2.0, 6.0]));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(60))]

    /// Also where the Gaussian is wider than the grid.
    #[test]
    fn every_path_is_within_its_error_of_the_definition(
        nx in 1_usize..80,
        ny in 1_usize..30,
        bandwidth in prop_oneof![Just(0.0), 0.1_f64..6.0],
        walls: bool,
        n in 0_usize..60,
        seed: u64,
    ) {
        let domain = if walls { WALLS } else { PERIODIC };
        let mut random = Generator::new(seed);
        let x: Vec<Vector> =
            (0..n).map(|_| [random.uniform(-3.0, 13.0), random.uniform(-3.0, 13.0)]).collect();
        let density = Density::new(&domain, [nx, ny], bandwidth).unwrap();
        let (want, error) = (density.reference(&x), density.relative_error(n));
        let plain = frame(&mut density.clone().on(Isa::Scalar), &x);
        for isa in Isa::available() {
            let found = frame(&mut density.clone().on(isa), &x);
            prop_assert_eq!(&found, &plain, "bits of {}", isa.name());
            for (found, want) in found.iter().zip(&want) {
                prop_assert!((found - want).abs() <= error * want, "{found}, expected {want}");
            }
        }
    }
}

#[test]
fn a_movie_is_its_frames() {
    let mut density = Density::new(&PERIODIC, [16, 12], 1.5).unwrap();
    let traj = Array3::from_shape_fn((3, 5, 2), |(t, i, a)| (t + 2 * i + 3 * a) as f32 * 0.7);
    let movie = density.movie(traj.view()).unwrap();
    assert_eq!(movie.dim(), (3, 12, 16), "frames, rows, columns");
    let x: Vec<Vector> = (0..5).map(|i| [0, 1].map(|a| f64::from(traj[[2, i, a]]))).collect();
    let want = frame(&mut density, &x);
    assert_eq!(movie.index_axis(Axis(0), 2).iter().copied().collect::<Vec<_>>(), want, "the last");
}

#[test]
fn what_has_no_density_is_named() {
    let new = |domain: Domain, grid, bandwidth| match Density::new(&domain, grid, bandwidth) {
        Err(why) => why.to_string(),
        Ok(_) => panic!("accepted {domain:?}, {grid:?}, {bandwidth}"),
    };
    for bad in [f64::NAN, f64::INFINITY, 0.0, -1.0] {
        let why = new(Domain { size: [bad, 1.0], ..PERIODIC }, [4, 4], 1.0);
        assert!(why.starts_with(&format!("Lx: found {bad}")), "{why}");
        if bad != 0.0 {
            let why = new(PERIODIC, [4, 4], bad);
            assert!(why.starts_with(&format!("bandwidth: found {bad}")), "{why}");
        }
    }
    assert_eq!(new(PERIODIC, [0, 4], 1.0), "nx: found 0, expected 1 to 2048 cells");
    assert_eq!(new(PERIODIC, [4, 2049], 1.0), "ny: found 2049, expected 1 to 2048 cells");
    let mut density = Density::new(&PERIODIC, [4, 4], 1.0).unwrap();
    let mut traj = Array3::<f32>::zeros((2, 3, 2));
    traj[[1, 2, 0]] = f32::NAN;
    let why = density.movie(traj.view()).unwrap_err().to_string();
    assert!(why.starts_with("frame 1: particle 2 is at [NaN, 0.0]"), "{why}");
    let why = density.movie(Array3::zeros((2, 3, 3)).view()).unwrap_err().to_string();
    assert!(why.contains("found the shape [2, 3, 3], expected (frames, particles, 2)"), "{why}");
}
