//! The frames of a run, and where it goes on.

use std::path::Path;

use super::{Error, unfit};
use crate::file::{
    self,
    lines::{self, Growing},
};
use crate::md::files::extxyz::{Extent, Frame, Frames, Motion, Value};
use crate::md::potentials::Forces;
use crate::md::system::System;

/// The keys of a frame that say which step of which run it is.
const STEP: &str = "step";
const RUN: &str = "run";

/// The keys of energy and stress of ASE, whose sign the stress has: positive under tension.
pub(super) const ENERGY: &str = "energy";
pub(super) const STRESS: &str = "stress";

/// Puts energy, forces and stress into a frame by the names that ASE has for them.
pub(super) fn put(frame: &mut Frame, forces: &Forces) {
    let stress = forces.stress(frame.cell.volume());
    let stress: Vec<_> = stress.iter().flatten().map(f64::to_string).collect();
    frame.forces = Some(forces.forces.clone());
    frame.info.insert(ENERGY.to_owned(), Value::Text(forces.energy.to_string()));
    frame.info.insert(STRESS.to_owned(), Value::Text(stress.join(" ")));
}

/// The frame of a step; `run` says of which run.
pub(super) fn frame(run: &str, step: u64, system: &System, forces: &Forces) -> Frame {
    let said = [(STEP, step.to_string()), (RUN, run.to_owned())];
    let info = said.map(|(key, value)| (key.to_owned(), Value::Text(value))).into();
    let motion = Some(Motion::momenta(system));
    let mut frame = Frame { motion, info, ..Frame::of(system) };
    put(&mut frame, forces);
    frame
}

/// A frame of a trajectory, as the last one, which a run goes on from.
#[derive(Debug)]
pub(super) struct Kept {
    /// Its step.
    pub(super) step: u64,
    /// Its name in messages.
    pub(super) name: String,
    pub(super) frame: Frame,
}

impl Kept {
    /// Its energy in eV, and that as it is written.
    pub(super) fn energy(&self) -> (f64, &str) {
        (number(&self.frame, ENERGY).unwrap_or(f64::NAN), text(&self.frame, ENERGY))
    }
}

/// The trajectory of a run.
pub(super) struct Trajectory {
    file: Growing,
    every: u64,
}

impl Trajectory {
    /// Opens the trajectory of the run that has `first` as its first frame and one every `every`
    /// steps. A torn frame at its end is cut off.
    pub(super) fn open(
        path: &Path,
        first: &Frame,
        every: u64,
    ) -> Result<(Self, Option<Kept>), Error> {
        let mut file = Growing::open(path)?;
        let name = path.display().to_string();
        let mut frames = Frames::new(name.clone(), file.reader()?);
        let (mut count, mut last) = (0, Vec::new());
        while let Some(extent) = frames.advance()? {
            match extent {
                Extent::Whole => {
                    if count == 0 {
                        check_first(&frames.name(), &frames.frame()?, first)?;
                    }
                    count += 1;
                    last = frames.text().to_vec();
                }
                Extent::Torn if count == 0 && !starts(frames.text(), first, &name)? => {
                    return Err(foreign(&name, first));
                }
                Extent::Torn => {}
                Extent::Unknown => {
                    // The reader says more.
                    frames.frame()?;
                    return Err(foreign(&name, first));
                }
            }
        }
        let end = frames.end();
        drop(frames);
        let mut found = None;
        if count > 0 {
            let (step, name) = ((count - 1) * every, format!("{name}, frame {count}"));
            let frame = Frame::parse(&name, &last)?;
            if number(&frame, STEP) != Some(step as f64) {
                let found = format!("{STEP}={}", text(&frame, STEP));
                return Err(unfit(&name, found, format!("step {step}, {every} after the last")));
            }
            found = Some(Kept { step, name, frame });
        }
        file.cut(end)?;
        Ok((Self { file, every }, found))
    }

    /// Its frames, without the first so many.
    pub(super) fn frames(
        &self,
        skip: u64,
    ) -> Result<impl Iterator<Item = Result<Kept, Error>> + '_, Error> {
        let name = self.file.path().display().to_string();
        let mut frames = Frames::new(name, self.file.reader()?);
        let (mut count, every) = (0, self.every);
        let mut next = move || {
            while frames.advance()?.is_some() {
                count += 1;
                if count > skip {
                    let (step, name) = ((count - 1) * every, frames.name());
                    return Ok(Some(Kept { step, name, frame: frames.frame()? }));
                }
            }
            Ok(None)
        };
        Ok(std::iter::from_fn(move || next().transpose()))
    }

    /// Puts all frames on the disk.
    pub(super) fn sync(&self) -> Result<(), lines::Error> {
        self.file.sync()
    }

    /// Removes the file if the run made it and it has no frame.
    pub(super) fn discard(self) {
        self.file.discard();
    }

    /// Appends a frame.
    pub(super) fn append(&mut self, text: &str) -> Result<(), lines::Error> {
        self.file.append(text.as_bytes())
    }
}

/// Requires trajectory and log to be two files.
pub(super) fn check_apart(out: &Path, log: &Path) -> Result<(), Error> {
    if file::is_same(out, log) {
        let found = format!("the file {} of --out", out.display());
        return Err(unfit("--log", found, "another file"));
    }
    Ok(())
}

/// Whether a torn file is the start of a trajectory of this run.
fn starts(torn: &[u8], first: &Frame, name: &str) -> Result<bool, Error> {
    Ok(first.to_text(name)?.as_bytes().starts_with(torn))
}

/// Requires the first frame to be that of the run.
fn check_first(name: &str, frame: &Frame, first: &Frame) -> Result<(), Error> {
    let [found, wanted] = [frame, first].map(|frame| text(frame, RUN));
    if found.is_empty() {
        return Err(foreign(name, first));
    }
    if found != wanted {
        let found = format!("a run of {found}");
        return Err(unfit(name, found, format!("{wanted}: name another file for another run")));
    }
    let atoms = |frame: &Frame| {
        let Frame { cell, species, positions, masses, motion, .. } = frame.clone();
        (cell, species, positions, masses, motion)
    };
    if atoms(frame) != atoms(first) {
        let expected = "those that this run starts from: name another file for another run";
        return Err(unfit(name, "a run of other atoms", expected));
    }
    Ok(())
}

fn foreign(name: &str, first: &Frame) -> Error {
    let expected = format!(
        "one of the run {}, or a file that is not there: nothing of it is cut",
        text(first, RUN)
    );
    unfit(name, "frames of no run", expected)
}

/// The value of a key; empty where there is none.
fn text<'a>(frame: &'a Frame, key: &str) -> &'a str {
    frame.info.get(key).map_or("", Value::text)
}

fn number(frame: &Frame, key: &str) -> Option<f64> {
    text(frame, key).parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::md::boxes;
    use std::fs;

    const RUN_ONE: &str = "potential=sw dt_ps=0.001";

    fn frames() -> Vec<Frame> {
        let mut si = boxes::silicon_crystal(1, 5.43);
        boxes::thermalise(&mut si, 1, 300.0);
        (0..3).map(|k| frame(RUN_ONE, 20 * k, &si, &Forces::zeros(8))).collect()
    }

    #[test]
    fn a_trajectory_cut_anywhere_goes_on_from_its_last_whole_frame() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("t.extxyz");
        let frames = frames();
        let texts: Vec<_> = frames.iter().map(|frame| frame.to_text("a").unwrap()).collect();
        let all = texts.concat();
        for cut in (0..all.len()).step_by(7).chain([texts[0].len(), all.len() - 1, all.len()]) {
            fs::write(&path, &all[..cut]).unwrap();
            let (trajectory, last) = Trajectory::open(&path, &frames[0], 20).unwrap();
            let ends = [texts[0].len(), texts[0].len() + texts[1].len(), all.len()];
            let whole = ends.iter().filter(|end| **end <= cut).count();
            assert_eq!(last.map(|last| last.step), (20 * whole as u64).checked_sub(20), "{cut}");
            let left = fs::read_to_string(&path).unwrap();
            assert_eq!(left, texts[..whole].concat(), "{cut} bytes");
            let rest = trajectory.frames(1).unwrap().map(|kept| kept.unwrap().step);
            let want: Vec<_> = [20, 40].into_iter().take(whole.saturating_sub(1)).collect();
            assert_eq!(rest.collect::<Vec<_>>(), want, "frames but the first");
        }
    }

    #[test]
    fn nothing_of_a_file_of_something_else_is_cut() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("t.extxyz");
        let own = frames();
        let text = |frame: &Frame| frame.to_text("a").unwrap();
        let other = |change: &dyn Fn(&mut Frame)| {
            let mut frame = own[0].clone();
            change(&mut frame);
            text(&frame)
        };
        let no_run = other(&|frame| _ = frame.info.remove(RUN));
        let run = other(&|frame| {
            frame.info.insert(RUN.to_owned(), Value::Text("potential=lj".to_owned()));
        });
        let moved = other(&|frame| frame.positions[3][0] += 1e-9);
        let skipped = format!("{}{}", text(&own[0]), text(&own[2]));
        for (file, want) in [
            ("dear diary", "t.extxyz, frame 1, line 1: found \"dear diary\""),
            (&no_run[..], "frame 1: found frames of no run, expected one of the run potential=sw"),
            (&no_run[..no_run.len() - 1], "t.extxyz: found frames of no run"),
            (&run, "found a run of potential=lj, expected potential=sw dt_ps=0.001: name another"),
            (&moved, "frame 1: found a run of other atoms"),
            (&skipped, "frame 2: found step=40, expected step 20"),
            (&format!("{}diary\n", text(&own[0])), "frame 2, line 1: found \"diary\""),
        ] {
            fs::write(&path, file).unwrap();
            let why = Trajectory::open(&path, &own[0], 20).err().unwrap().to_string();
            assert!(why.contains(want), "{why}");
            assert_eq!(fs::read_to_string(&path).unwrap(), file, "the file");
        }
    }
}
