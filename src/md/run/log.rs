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

/// The column of the potential energy, from 0.
const POTENTIAL: usize = 3;

/// The log of a run.
pub(super) struct Log {
    file: Growing,
    /// Rows that are there.
    rows: u64,
}

/// What is left of a log: whole rows in front, of which so many have a frame.
struct Left {
    lines: u64,
    /// Bytes up to the end of the last row with a frame, and the energy there.
    end: u64,
    energy: String,
}

impl Log {
    /// Opens the log of a run of which so many frames, one every `every` steps, are there; `energy`
    /// gives that of a frame as it is written. Rows without a frame are cut off. A device has all
    /// rows that anybody asks for.
    pub(super) fn open(
        path: &Path,
        frames: u64,
        every: u64,
        energy: impl FnOnce(u64) -> Result<String, Error>,
    ) -> Result<Self, Error> {
        let mut file = Growing::open(path)?;
        let left = left(&file, frames, every)?;
        let rows = frames.min(left.lines.saturating_sub(1));
        if rows > 0 {
            let wanted = energy(rows - 1)?;
            if left.energy != wanted {
                let found = format!("{:?} as the energy of row {}", left.energy, rows - 1);
                let expected = format!("{wanted} eV as in the frame, or another log");
                return Err(unfit(&path.display().to_string(), found, expected));
            }
        }
        file.cut(left.end)?;
        if left.lines == 0
            && let Err(why) = file.append(HEADER.as_bytes())
        {
            file.discard();
            return Err(why.into());
        }
        let rows = if file.is_file() { rows } else { frames };
        Ok(Self { file, rows })
    }

    /// Rows that are there, or on their way through a device.
    pub(super) fn rows(&self) -> u64 {
        self.rows
    }

    /// Appends a row.
    pub(super) fn append(&mut self, row: &str) -> Result<(), lines::Error> {
        self.file.append(row.as_bytes())?;
        self.rows += 1;
        Ok(())
    }

    /// Puts all rows on the disk.
    pub(super) fn sync(&self) -> Result<(), lines::Error> {
        self.file.sync()
    }
}

/// Reads a log to its end, and requires each line to be that of its step.
fn left(file: &Growing, frames: u64, every: u64) -> Result<Left, Error> {
    let failed = |source| lines::Error::Io { path: file.path().to_owned(), source };
    let mut reader = file.reader()?;
    let (mut line, mut expected) = (Vec::new(), HEADER.to_owned());
    let mut left = Left { lines: 0, end: 0, energy: String::new() };
    loop {
        line.clear();
        let len = reader.read_until(b'\n', &mut line).map_err(failed)? as u64;
        if len == 0 {
            return Ok(left);
        }
        let is_whole = line.ends_with(b"\n");
        let both = if is_whole { expected.len() } else { line.len().min(expected.len()) };
        let is_ours = line.starts_with(&expected.as_bytes()[..both]);
        // Frame 0 is on the disk before a second row is written.
        if !is_ours || frames == 0 && left.lines > 1 {
            let found = format!("another line than row {} of this run", left.lines);
            let expected = "the log of that trajectory, or a file that is not there";
            return Err(unfit(&file.path().display().to_string(), found, expected));
        }
        if !is_whole {
            return Ok(left);
        }
        if left.lines <= frames {
            left.end += len;
            let energy = line.split(|byte| *byte == b' ').nth(POTENTIAL).unwrap_or_default();
            left.energy = String::from_utf8_lossy(energy).into_owned();
        }
        expected = format!("{} ", left.lines * every);
        left.lines += 1;
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
    fn rows_beyond_the_frames_are_cut_and_those_of_another_run_refused() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("log");
        let all = format!("{HEADER}0 0 9 -1 9\n20 1 9 -2 9\n40 2 9 -3 9\n60 3 9 -4 9\n");
        let opened = |text: &str, frames| {
            fs::write(&path, text).unwrap();
            let energy = |row: u64| Ok(format!("-{}", row + 1));
            let opened = Log::open(&path, frames, 20, energy).map_err(|why| why.to_string());
            let left = fs::read_to_string(&path).unwrap();
            assert!(opened.is_ok() || left == text, "nothing is cut of what is refused");
            Ok::<_, String>((opened?.rows(), left))
        };
        let after = |rows: usize| all.split_inclusive('\n').take(1 + rows).collect::<String>();
        for cut in 0..=all.len() {
            let rows = all[..cut].matches('\n').count().saturating_sub(1);
            let begun = all[..cut].lines().count().saturating_sub(1);
            for frames in 0..6 {
                let (got, kept) = (opened(&all[..cut], frames as u64), rows.min(frames));
                if frames > 0 || begun <= 1 {
                    assert_eq!(got, Ok((kept as u64, after(kept))), "{cut} bytes, {frames} frames");
                } else {
                    let why = got.unwrap_err();
                    assert!(why.contains("found another line than row 2 of this run"), "{why}");
                }
            }
        }
        for foreign in ["x", "Step Time\n", &all.replace("20 1", "10 1"), &all.replace("Temp", "T")]
        {
            let why = opened(foreign, 3).unwrap_err();
            assert!(why.contains("found another line than row"), "{why}");
        }
        for (row, frames) in [(0, 1), (1, 2), (3, 4), (3, 9)] {
            let other = all.replace(&format!(" -{} ", row + 1), " -7 ");
            let why = opened(&other, frames).unwrap_err();
            let want =
                format!("log: found \"-7\" as the energy of row {row}, expected -{} eV", row + 1);
            assert!(why.contains(&want), "{why}");
        }
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn a_device_lacks_no_row() {
        let energy = |_| unreachable!("a device has no row");
        let null = Log::open(Path::new("/dev/null"), 7, 20, energy).unwrap();
        assert_eq!(null.rows(), 7, "rows");
    }
}
