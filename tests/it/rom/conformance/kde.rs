//! Vectors of densities: frames of trajectories on grids, and their masses.

use std::path::Path;

use ndarray::{Array1, Array2, Array3, Axis};
use stepmark::rom::density::Density;
use stepmark::rom::swarm::{Boundary, Domain, Vector};

use super::{Vectors, names, near};
use crate::conformance::{Kind, Role};

pub(crate) const KDE: Kind = Kind { name: "rom kde", role, check };

/// Relative to the largest density of a case.
const TOLERANCE: f64 = 1e-12;

/// The names of the cases of a file.
fn tags(path: &Path) -> Vec<String> {
    let names = names(path);
    let tag = |name: &String| {
        let tag = name.strip_suffix("_rho")?;
        names.contains(&format!("{tag}_traj")).then(|| tag.to_owned())
    };
    names.iter().filter_map(tag).collect()
}

fn role(path: &Path) -> Role {
    let is_named_so = || super::is_damaged(path) && super::file_name(path).starts_with("kde");
    if !tags(path).is_empty() || is_named_so() { Role::Case } else { Role::Other }
}

fn check(path: &Path) -> Result<(), String> {
    let mut io = Vectors::open(path)?;
    tags(path).iter().try_for_each(|tag| one(&mut io, tag).map_err(|why| format!("{tag}: {why}")))
}

fn one(io: &mut Vectors, tag: &str) -> Result<(), String> {
    let parameters: Array1<f64> = io.array(&format!("{tag}_par"))?;
    let [lx, ly, nx, ny, bandwidth, periodic] =
        parameters.to_vec()[..].try_into().map_err(|_| "other than six parameters".to_owned())?;
    let boundary = if periodic == 0.0 { Boundary::Reflecting } else { Boundary::Periodic };
    let domain = Domain { size: [lx, ly], boundary };
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "saturates")]
    let grid = [nx as usize, ny as usize];
    let mut density = Density::new(&domain, grid, bandwidth).map_err(|e| e.to_string())?;
    let traj: Array3<f32> = io.array(&format!("{tag}_traj"))?;
    let movie = density.movie(traj.view()).map_err(|e| e.to_string())?;
    let want: Array3<f64> = io.array(&format!("{tag}_rho"))?;
    near("rho", &movie, &want, TOLERANCE, 0.0)?;
    for (traj, want) in traj.outer_iter().zip(want.outer_iter()) {
        let x: Vec<Vector> =
            traj.outer_iter().map(|x| [f64::from(x[0]), f64::from(x[1])]).collect();
        let plain = Array2::from_shape_vec(want.dim(), density.reference(&x));
        near("rho by the definition", &plain.expect("(ny, nx)"), &want.to_owned(), TOLERANCE, 0.0)?;
    }
    let mass = movie.axis_iter(Axis(0)).map(|frame| density.mass(frame)).collect();
    near("mass", &mass, &io.array(&format!("{tag}_mass"))?, TOLERANCE, 1.0)
}
