//! Single steps without noise, starts from their draws, and order parameters.

use std::path::{Path, PathBuf};

use ndarray::{Array1, Array2, Array3, Axis, Ix1};
use stepmark::rom::swarm::order::Order;
use stepmark::rom::swarm::{Boundary, Config, Domain, Mode, State, Stepper, Vector, start};

use super::super::{near, wide};
use super::{Vectors, close, file_name, holds, names, vectors};

const INFINITE: Vector = [f64::INFINITY; 2];

/// Of one step, or one position; and of ten steps.
const TOLERANCE: f64 = 1e-12;
const ALL_STEPS: f64 = 1e-10;

/// Of order parameters, for which the original sums positions in single precision.
const NARROW: f64 = 1e-5;

/// Steps of headings alone, in a periodic box: one by one, and all from the first frame on.
pub(super) fn steps(path: &Path) -> Result<(), String> {
    let mut io = Vectors::open(path)?;
    let (x, p): (Array3<f64>, Array3<f64>) = (io.array("x")?, io.array("p")?);
    let parameters: Array1<f64> = io.array("par")?;
    let [speed, dt, lx, ly, radius] =
        parameters.to_vec()[..].try_into().map_err(|_| "other than five parameters".to_owned())?;
    let config = Config {
        particles: x.dim().1,
        domain: Domain { size: [lx, ly], boundary: Boundary::Periodic },
        duration: dt,
        dt,
        save_every: 1,
        speed,
        mode: Mode::Constant,
        radius,
        morse: None,
        ..Config::default()
    };
    let mut stepper = Stepper::new(&config).map_err(|e| e.to_string())?;
    let frame = |of: &Array3<f64>, t: usize| vectors(of.index_axis(Axis(0), t).outer_iter());
    let state = |t: usize| State {
        x: frame(&x, t),
        headings: frame(&p, t),
        velocities: vec![[0.0; 2]; config.particles],
    };
    let angles = vec![0.0; config.particles];
    let mut all = state(0);
    for t in 1..x.dim().0 {
        let mut one = state(t - 1);
        stepper.step(&mut one, &angles);
        stepper.step(&mut all, &angles);
        for (state, tolerance) in [(&one, TOLERANCE), (&all, ALL_STEPS)] {
            close(&format!("x {t}"), &state.x, &frame(&x, t), [lx, ly], |_| tolerance)?;
            close(&format!("p {t}"), &state.headings, &frame(&p, t), INFINITE, |_| tolerance)?;
        }
    }
    Ok(())
}

/// Positions from the numbers that were drawn for them, in the order of their drawing.
pub(super) fn starts(path: &Path) -> Result<(), String> {
    let mut io = Vectors::open(path)?;
    let mut size = [20.0; 2];
    if io.has("ring_draw1") {
        let (angles, radii): (Array1<f64>, Array1<f64>) =
            (io.array("ring_draw0")?, io.array("ring_draw1")?);
        let want: Array2<f64> = io.array("ring")?;
        size = [0, 1].map(|a| {
            // The centre, seen from each particle, of which few are beyond the seam.
            let seen = want.column(a).into_iter().zip(angles.iter().zip(&radii));
            let mut seen: Vec<f64> =
                seen.map(|(x, (angle, r))| x - r.abs() * [angle.cos(), angle.sin()][a]).collect();
            seen.sort_by(f64::total_cmp);
            // Sides are multiples of a hundredth.
            (200.0 * seen[seen.len() / 2]).round() / 100.0
        });
        let domain = Domain { size, boundary: Boundary::Periodic };
        let found = start::ring(&domain, &angles.to_vec(), &radii.to_vec());
        close("ring", &found, &vectors(want.outer_iter()), size, |_| TOLERANCE)?;
    }
    let domain = Domain { size, boundary: Boundary::Periodic };
    for (name, draws) in [("uniform", 1), ("gaussian_cluster", 1), ("two_clusters", 2)] {
        if !io.has(&format!("{name}_draw0")) {
            continue;
        }
        let mut drawn = Vec::new();
        for k in 0..draws {
            let draw: Array2<f64> = io.array(&format!("{name}_draw{k}"))?;
            drawn.extend(vectors(draw.outer_iter()));
        }
        let want: Array2<f64> = io.array(name)?;
        let found = start::wrapped(&domain, drawn);
        close(name, &found, &vectors(want.outer_iter()), size, |_| TOLERANCE)?;
    }
    Ok(())
}

type Parameter = fn(&Order) -> f64;

/// Order parameters by the names of `compute_metrics_series` of the original, and by that of the column of
/// its `order_params.csv`. Its other series are no order parameters: without a density, it fills
/// `density_variance` with 0, `total_mass` with 1 and `spatial_order` with NaN.
const PARAMETERS: [(&str, Parameter); 5] = [
    ("polarization", |order| order.polarization),
    ("phi", |order| order.polarization),
    ("angular_momentum", |order| order.angular_momentum),
    ("mean_speed", |order| order.mean_speed),
    ("nematic_order", |order| order.nematic_order),
];

/// Where the particles of a file with order parameters are: in it, or in the file of the run.
fn swarm_of(path: &Path) -> PathBuf {
    if holds(path, &["traj", "vel"]) {
        return path.to_owned();
    }
    path.with_file_name(file_name(path).replacen("order_params", "traj", 1))
}

pub(super) fn is_order(path: &Path) -> bool {
    let names = names(path);
    let is_known = PARAMETERS.iter().any(|(name, _)| names.iter().any(|n| n == name));
    (is_known || file_name(path).starts_with("order_params"))
        && !holds(path, &["config"])
        && holds(&swarm_of(path), &["traj", "vel"])
}

/// Every series of a known name must be what is computed. Of a file without one, some series must be an
/// order parameter.
pub(super) fn order(path: &Path) -> Result<(), String> {
    let mut run = Vectors::open(&swarm_of(path))?;
    let (traj, vel): (Array3<f32>, Array3<f32>) = (run.array("traj")?, run.array("vel")?);
    let rows = |of: ndarray::ArrayView2<'_, f32>| vectors(wide(&of.to_owned()).outer_iter());
    let all: Vec<Order> = traj
        .outer_iter()
        .zip(vel.outer_iter())
        .map(|(x, v)| Order::of(&rows(x), &rows(v)))
        .collect();
    let series = |parameter: Parameter| -> Array1<f64> { all.iter().map(parameter).collect() };
    let mut io = Vectors::open(path)?;
    let mut checked = 0;
    for (name, parameter) in PARAMETERS {
        if io.has(name) {
            near(name, &series(parameter), &io.array(name)?, NARROW, 1.0)?;
            checked += 1;
        }
    }
    let names = names(path);
    let mut is_one = |name: &String| {
        let Ok(want) = io.array::<f64, Ix1>(name) else { return false };
        let mut all = PARAMETERS.iter().map(|(_, parameter)| series(*parameter));
        all.any(|found| near(name, &found, &want, NARROW, 1.0).is_ok())
    };
    if checked == 0 && !names.iter().any(&mut is_one) {
        return Err(format!("no order parameter among {names:?}"));
    }
    Ok(())
}
