//! Vectors of swarms: trajectories with the angles that were drawn, forces, starts and order
//! parameters.
//!
//! The published search for neighbours misses pairs and repeats others. Where the exact one does not
//! give what a file holds, the published one must, the exact one must be that of all pairs, and both
//! must differ.

mod forces;
mod parts;
mod published;
mod trajectory;

use std::path::Path;

use stepmark::rom::swarm::Vector;

use super::{Vectors, file_name, holds, is_damaged, names};
use crate::conformance::{Kind, Role};

pub(crate) const SIM: Kind = Kind { name: "rom sim", role, check };

type Check = fn(&Path) -> Result<(), String>;

/// How a file is checked, if it is one of these.
fn kind(path: &Path) -> Option<Check> {
    if holds(path, &["x0", "theta0", "phi", "traj", "config"]) {
        Some(trajectory::check)
    } else if !forces::tags(path).is_empty() {
        Some(forces::check)
    } else if holds(path, &["x", "p", "par"]) {
        Some(parts::steps)
    } else if names(path).iter().any(|name| name.ends_with("_draw0")) {
        Some(parts::starts)
    } else if parts::is_order(path) {
        Some(parts::order)
    } else {
        None
    }
}

fn role(path: &Path) -> Role {
    let is_ours = || {
        let folder = path.parent().and_then(Path::file_name);
        folder.is_some_and(|name| name == "sim") && is_damaged(path)
    };
    if kind(path).is_some() || is_ours() { Role::Case } else { Role::Other }
}

fn check(path: &Path) -> Result<(), String> {
    let Some(check) = kind(path) else {
        return Err(format!("{} is damaged", file_name(path)));
    };
    check(path)
}

/// The rows of an array.
fn vectors<'a>(rows: impl IntoIterator<Item = ndarray::ArrayView1<'a, f64>>) -> Vec<Vector> {
    rows.into_iter().map(|row| [row[0], row[1]]).collect()
}

/// Requires numbers to be within `bound` of each other, modulo a period.
fn close(
    what: &str,
    found: &[Vector],
    want: &[Vector],
    period: Vector,
    bound: impl Fn(f64) -> f64,
) -> Result<(), String> {
    if found.len() != want.len() {
        return Err(format!("{what}: {} rows, expected {}", found.len(), want.len()));
    }
    for (row, (found, want)) in found.iter().zip(want).enumerate() {
        for a in 0..2 {
            let off = (found[a] - want[a]).abs();
            let off = off.min((off - period[a]).abs());
            if off > bound(want[a]) || off.is_nan() {
                return Err(format!(
                    "{what}: row {row} is {found:?}, expected {want:?}: {off:e} off"
                ));
            }
        }
    }
    Ok(())
}
