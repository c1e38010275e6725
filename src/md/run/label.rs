//! Energies, forces and stresses of frames.

use std::io::{self, Write};
use std::path::Path;

use super::model::{Choice, Model};
use super::trajectory::{self, ENERGY, STRESS};
use super::{Error, fit, unfit};
use crate::file::{self, lines};
use crate::md::files::extxyz::{self, About, Frame, Frames, Motion, UNIT, VelocityUnit};

/// Keys of line 2 that speak of a potential, as ASE and QUIP have them. Those of another one go.
const OF_A_POTENTIAL: [&str; 4] = [ENERGY, "free_energy", STRESS, "virial"];

/// Columns that do.
const OF_EACH_ATOM: [&str; 3] = ["energies", "stresses", "virials"];

/// Writes all frames of the file `from` to `to`, with energy, forces and stress of the potential.
///
/// Velocities in `unit`, or in the one that the file shows, become momenta in the unit of ASE; the
/// other columns and pairs of a frame stay, but for those of another potential.
///
/// # Errors
///
/// If a file cannot be read or written, a run writes to it, it has no frames, or one of them is no
/// start of a simulation; then `to` stays as it was.
pub fn label(
    from: &Path,
    potential: &Choice,
    unit: Option<VelocityUnit>,
    to: &Path,
    out: &mut dyn Write,
) -> Result<(), Error> {
    let mut count = 0_u64;
    let mut labels = Labels { potential, unit, loaded: None, notes: Vec::new() };
    // They may be one file.
    let _held = [lines::hold(from)?, lines::hold(to)?];
    let written = file::replace_by(to, |to| {
        let mut frames = Frames::open(from)?;
        while let Some(frame) = frames.next() {
            let name = frames.name();
            let text = labels.label(&name, frame?)?.to_text(&name)?;
            to.write_all(text.as_bytes())?;
            count += 1;
        }
        let name = from.display().to_string();
        if count > 0 { Ok(()) } else { Err(unfit(&name, "no frames", "at least one").into()) }
    });
    written.map_err(|why| match why {
        Fault::Refused(why) => why,
        Fault::Io(source) => Error::Write { path: to.to_owned(), source },
    })?;
    for note in labels.notes {
        writeln!(out, "{}: {note}", potential.name).map_err(Error::Output)?;
    }
    let s = if count == 1 { "" } else { "s" };
    writeln!(out, "{}: {count} frame{s} by {}", to.display(), potential.name).map_err(Error::Output)
}

/// Why there is no file.
enum Fault {
    Refused(Error),
    Io(io::Error),
}

impl From<io::Error> for Fault {
    fn from(why: io::Error) -> Self {
        Self::Io(why)
    }
}

impl From<Error> for Fault {
    fn from(why: Error) -> Self {
        Self::Refused(why)
    }
}

impl From<extxyz::Error> for Fault {
    fn from(why: extxyz::Error) -> Self {
        Self::Refused(why.into())
    }
}

/// A potential for frame after frame.
struct Labels<'a> {
    potential: &'a Choice,
    unit: Option<VelocityUnit>,
    /// The potential as it is for these species: a file of tables takes longer to read than a frame.
    loaded: Option<(Vec<String>, Model)>,
    /// What users of LAMMPS would not expect of it, each once.
    notes: Vec<String>,
}

impl Labels<'_> {
    /// The frame with what the potential says of it.
    fn label(&mut self, name: &str, mut frame: Frame) -> Result<Frame, Error> {
        let mut system = frame.clone().into_system(name, self.unit)?;
        let model = match self.loaded.take().filter(|(of, _)| *of == system.elements) {
            Some((_, model)) => model,
            None => {
                let model = self.potential.load(name, &system)?;
                for note in model.notes(&self.potential.elements(&system)) {
                    if !self.notes.contains(&note) {
                        self.notes.push(note);
                    }
                }
                model
            }
        };
        self.potential.complete(name, &model, &mut system)?;
        fit::check(name, &system, model.cutoff())?;
        let field = model.field(&system, 0.0);
        let field = field.map_err(|why| unfit(name, why.to_string(), "another cell"))?;
        let forces = field.forces();
        if let Some(why) = forces.fault() {
            return Err(unfit(name, why, "finite numbers: are positions and cell in angstrom?"));
        }
        let moves = frame.motion.is_some();
        if moves {
            frame.motion = Some(Motion::momenta(&system));
        }
        let goes = |key: &str| {
            let mut gone = OF_A_POTENTIAL.into_iter().chain(moves.then_some(UNIT));
            gone.any(|known| known.eq_ignore_ascii_case(key))
        };
        frame.info.retain(|key, _| !goes(key));
        frame.overruled.retain(|(key, _)| !goes(key));
        frame.unread.retain(|column| {
            let name = column.declared.split(':').next().unwrap_or_default();
            let is_another = OF_EACH_ATOM.iter().any(|known| known.eq_ignore_ascii_case(name));
            column.about != About::Forces && !is_another
        });
        trajectory::put(&mut frame, forces);
        self.loaded = Some((system.elements, model));
        Ok(frame)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::md::boxes;
    use crate::md::files::extxyz::{Unread, Value};

    #[test]
    fn what_another_potential_said_goes_and_the_rest_stays() {
        let mut si = boxes::silicon_crystal(1, 5.5);
        si.velocities[2] = [1.0, 2.0, 3.0];
        let mut frame = Frame::of(&si);
        frame.forces = Some(vec![[9.0; 3]; 8]);
        for key in ["Energy", "free_energy", "stress", "virial", "config"] {
            frame.info.insert(key.to_owned(), Value::Text("9".to_owned()));
        }
        frame.overruled.push(("Energy".to_owned(), Value::Text("8".to_owned())));
        let sw = Choice { name: "sw".to_owned(), elements: Vec::new() };
        let column = |declared: &str, field: &str| {
            let fields = vec![field.to_owned(); 8];
            Unread { declared: declared.to_owned(), about: About::Other, fields }
        };
        let tags = column("tags:I:2", "7 -1");
        frame.unread = vec![column("Energies:R:1", "9"), tags.clone(), column("virials:R:1", "9")];
        let mut labels = Labels { potential: &sw, unit: None, loaded: None, notes: Vec::new() };
        let got = labels.label("a", frame).unwrap();
        assert_eq!(got.unread, [tags], "columns");
        let keys: Vec<_> = got.info.keys().map(String::as_str).collect();
        assert_eq!(keys, ["config", "energy", "stress"], "keys");
        assert!(got.overruled.is_empty(), "another energy");
        assert!(got.forces.unwrap().iter().flatten().all(|f| f.abs() < 1e-9), "of a crystal");
        assert_eq!(got.motion.unwrap().column, "momenta", "velocities");
        // A crystal that is too wide pulls: tension is positive.
        let stress = got.info["stress"].numbers().unwrap();
        assert!(stress[0] > 0.01 && (stress[0] - stress[8]).abs() < 1e-12, "{stress:?}");
    }
}
