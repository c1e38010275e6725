//! The rows of a run, with columns that LAMMPS has in its logs, in its `metal` units.
//!
//! `Step`, `Time` (ps), `Temp` (K, of 3N - 3 degrees of freedom), `PotEng`, `KinEng`, `TotEng` (eV),
//! `Press` (bar) and `Volume` (angstrom^3); numbers have as many digits as bring the same bits back.
//! The pressure is (2 K + tr W) / (3 V), with the kinetic energy K and the virial W.

use std::io::BufRead as _;
use std::path::Path;

use super::{Error, unfit};
use crate::file::lines::{self, Growing};
use crate::md::potentials::Forces;
use crate::md::system::System;

/// Bars in one eV/angstrom^3.
const BAR: f64 = 1.602_176_634e6;

const HEADER: &str = "Step Time Temp PotEng KinEng TotEng Press Volume\n";

/// The log of a run.
pub(super) struct Log {
    file: Growing,
}

impl Log {
    /// Opens the log of a run of which so many frames, one every `every` steps, are there. The row of
    /// each is kept, and what else a killed run left is cut off.
    pub(super) fn open(path: &Path, frames: u64, every: u64) -> Result<Self, Error> {
        let mut file = Growing::open(path)?;
        let (name, mut end, mut rows) = (path.display().to_string(), 0, 0);
        let mut reader = file.reader()?;
        let mut line = Vec::new();
        let failed = |source| lines::Error::Io { path: path.to_owned(), source };
        let mut expected = HEADER.to_owned();
        loop {
            line.clear();
            let len = reader.read_until(b'\n', &mut line).map_err(failed)? as u64;
            if len == 0 {
                break;
            }
            let is_whole = line.ends_with(b"\n");
            let is_ours = if is_whole {
                line.starts_with(expected.as_bytes())
            } else {
                let both = line.len().min(expected.len());
                line[..both] == expected.as_bytes()[..both]
            };
            // One row may be there whose frame is not.
            if !is_ours || rows > frames + 1 {
                let found = format!("another line than row {rows} of this run");
                let expected = "the log of that trajectory, or a file that is not there";
                return Err(unfit(&name, found, expected));
            }
            if !is_whole {
                break;
            }
            if rows <= frames {
                end += len;
            }
            expected = format!("{} ", rows * every);
            rows += 1;
        }
        drop(reader);
        if rows <= frames && frames > 0 {
            let found = format!("{} of the rows of the trajectory", rows.saturating_sub(1));
            return Err(unfit(&name, found, format!("all {frames}, or other files for a new run")));
        }
        file.cut(end)?;
        if rows == 0 {
            file.append(HEADER.as_bytes())?;
        }
        Ok(Self { file })
    }

    /// Appends a row.
    pub(super) fn append(&mut self, row: &str) -> Result<(), Error> {
        Ok(self.file.append(row.as_bytes())?)
    }
}

/// The row of a step.
pub(super) fn row(step: u64, dt_ps: f64, system: &System, forces: &Forces) -> String {
    let (potential, kinetic) = (forces.energy, system.kinetic_energy());
    let (kelvin, volume) = (system.temperature(), system.cell.volume());
    let trace = forces.virial[0][0] + forces.virial[1][1] + forces.virial[2][2];
    let bar = (2.0 * kinetic + trace) / (3.0 * volume) * BAR;
    let (time, total) = (step as f64 * dt_ps, potential + kinetic);
    format!("{step} {time} {kelvin} {potential} {kinetic} {total} {bar} {volume}\n")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::md::{BOLTZMANN, boxes};
    use std::fs;

    #[test]
    fn the_pressure_is_that_of_a_gas_without_forces() {
        let mut gas = boxes::argon_crystal(2, 20.0);
        boxes::thermalise(&mut gas, 1, 300.0);
        let row = row(30, 0.002, &gas, &Forces::zeros(32));
        let numbers: Vec<f64> = row.split_whitespace().map(|word| word.parse().unwrap()).collect();
        assert_eq!(numbers.len(), HEADER.split_whitespace().count(), "columns");
        // n k T in pascal, of the 31 atoms that the degrees of freedom are worth.
        let pascal = 31.0 / 64_000e-30 * (BOLTZMANN * 1.602_176_634e-19) * 300.0;
        assert!((numbers[6] / (pascal / 1e5) - 1.0).abs() < 1e-9, "{} bar", numbers[6]);
        assert!((numbers[2] - 300.0).abs() < 1e-9 && numbers[0] == 30.0, "{row}");
        assert_eq!([numbers[1], numbers[3], numbers[7]], [0.06, 0.0, 64_000.0], "{row}");
    }

    #[test]
    fn rows_beyond_the_frames_are_cut_and_missing_ones_refused() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("log");
        let all = format!("{HEADER}0 a\n20 b\n40 c\n60 d\n");
        let opened = |text: &str, frames| {
            fs::write(&path, text).unwrap();
            Log::open(&path, frames, 20).map(drop).map_err(|why| why.to_string())?;
            Ok::<_, String>(fs::read_to_string(&path).unwrap())
        };
        let after = |rows: usize| all.split_inclusive('\n').take(1 + rows).collect::<String>();
        for cut in 0..=all.len() {
            let rows = all[..cut].matches('\n').count().saturating_sub(1);
            let begun = all[..cut].lines().count().saturating_sub(1);
            for frames in 0..6 {
                let got = opened(&all[..cut], frames as u64);
                if rows >= frames && begun <= frames + 1 {
                    assert_eq!(got, Ok(after(frames)), "{cut} bytes, {frames} frames");
                } else {
                    let why = got.unwrap_err();
                    assert!(why.contains("of this run") || why.contains("of the rows"), "{why}");
                }
            }
        }
        for foreign in ["x", "Step Time\n", &all.replace("20 b", "10 b"), &all.replace("Temp", "T")]
        {
            let why = opened(foreign, 3).unwrap_err();
            assert!(why.contains("found another line than row"), "{why}");
        }
    }
}
