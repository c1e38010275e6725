//! Vectors of windowed datasets: runs, and the windows of all of them.

use std::path::Path;

use ndarray::{Array2, Array3, Axis};
use stepmark::rom::dataset::Dataset;

use super::{Vectors, holds};
use crate::conformance::{Kind, Role};

pub(crate) const DATASET: Kind = Kind { name: "rom dataset", role, check };

fn role(path: &Path) -> Role {
    if holds(path, &["traj0", "X_all", "Y_all"]) { Role::Case } else { Role::Other }
}

fn check(path: &Path) -> Result<(), String> {
    let mut io = Vectors::open(path)?;
    let names = (0..).map(|run| format!("traj{run}"));
    let names: Vec<_> = names.take_while(|name| io.has(name)).collect();
    let runs = names.iter().map(|name| io.array(name)).collect::<Result<Vec<Array2<f64>>, _>>()?;
    let x: Array3<f64> = io.array("X_all")?;
    let y: Array2<f64> = io.array("Y_all")?;
    let dataset = Dataset::new(runs, x.dim().1).map_err(|e| e.to_string())?;
    let found = dataset.windows(1).map_err(|e| e.to_string())?;
    same("X_all", found.x() == x)?;
    same("Y_all", found.y().index_axis(Axis(1), 0) == y)?;
    if io.has("X_multi") {
        let (x, y): (Array3<f64>, Array3<f64>) = (io.array("X_multi")?, io.array("Y_multi")?);
        let found = dataset.windows(y.dim().1).map_err(|e| e.to_string())?;
        same("X_multi", found.x() == x)?;
        same("Y_multi", found.y() == y)?;
    }
    Ok(())
}

fn same(what: &str, is_same: bool) -> Result<(), String> {
    if is_same { Ok(()) } else { Err(format!("{what} differs")) }
}
