//! The steps of a run.

use std::fmt;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use super::clock::{Clock, Timed};
use super::log::{self, Log};
use super::model::{Choice, Model};
use super::spent::{Running, Timing};
use super::trajectory::{self, Kept, Trajectory};
use super::watched::Watched;
use super::{Error, fit, unfit};
use crate::file::lines;
use crate::md::field::{ForceSource as _, Source as _};
use crate::md::files::extxyz::{Frames, VelocityUnit};
use crate::md::system::System;
use crate::md::{Langevin, integrate};

/// The equations of motion.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Ensemble {
    /// Velocity Verlet: constant energy.
    Nve,
    /// A bath that holds the temperature.
    Langevin(Langevin),
}

impl fmt::Display for Ensemble {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Nve => f.write_str("ensemble=nve"),
            Self::Langevin(Langevin { kelvin, friction_per_ps, seed }) => write!(
                f,
                "ensemble=langevin kelvin={kelvin} friction_per_ps={friction_per_ps} seed={seed}"
            ),
        }
    }
}

/// Options of a run.
#[derive(Debug, Clone, PartialEq)]
pub struct Options {
    /// The potential.
    pub potential: Choice,
    /// A step in ps, positive.
    pub dt_ps: f64,
    /// Steps of the whole run, a multiple of `every`.
    pub steps: u64,
    /// Steps from frame to frame, at least 1.
    pub every: u64,
    /// The equations of motion.
    pub ensemble: Ensemble,
    /// Skin of the list of neighbours, angstrom.
    pub skin: f64,
    /// The unit of velocities in the file, where it does not show it.
    pub unit: Option<VelocityUnit>,
    /// The trajectory.
    pub out: PathBuf,
    /// The log.
    pub log: PathBuf,
}

impl Options {
    /// What decides the bits of a run besides the atoms that it starts from.
    fn said(&self) -> String {
        let Self { potential, dt_ps, every, ensemble, skin, .. } = self;
        let name = Path::new(&potential.name).file_name().unwrap_or_default().to_string_lossy();
        let elements = potential.elements.iter().map(|(own, name)| format!(" {own}={name}"));
        let elements: String = elements.collect();
        format!("potential={name}{elements} dt_ps={dt_ps} every={every} skin={skin} {ensemble}")
    }
}

/// Where a run stands.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Progress {
    /// Steps that are done.
    pub step: u64,
    /// Steps of the whole run.
    pub steps: u64,
    /// Nanoseconds of the atoms in a day of the clock, since the command began.
    pub ns_per_day: f64,
}

/// How far a recomputed energy may be from that of a frame, as a share of it: other instruction sets
/// add in another order.
const SAME_ENERGY: f64 = 1e-9;

/// Frames are put on the disk this often, and take at most one part in so many of the time for it.
const SYNCED_EVERY: Duration = Duration::from_secs(1);
const SYNCED_SHARE: u32 = 20;

/// Runs the atoms of the file `from`, of its last frame if it has several, or goes on with the run
/// whose trajectory is there.
///
/// `watch` sees every step, and then nothing before more is said. What the time of the steps was spent
/// on is returned, if there were any.
///
/// # Errors
///
/// If a file cannot be read or written, the atoms are no start, the trajectory or the log is of
/// something else, or a step leads nowhere. What was written stays.
pub fn run(
    from: &Path,
    options: &Options,
    watch: &mut dyn FnMut(Option<&Progress>),
    out: &mut dyn Write,
) -> Result<Option<Timing>, Error> {
    let mut say = |line: String| writeln!(out, "{line}").map_err(Error::Output);
    let held = lines::hold(from)?;
    let mut frames = Frames::open(from)?;
    let start = frames.final_frame()?;
    let name = frames.name();
    drop(held);
    let mut system = start.into_system(&name, options.unit)?;
    let model = options.potential.model(&name, &mut system)?;
    fit::check(&name, &system, model.cutoff())?;
    say(format!("{name}: {} atoms, {}", system.len(), options.said()))?;
    for note in model.notes(&options.potential.elements(&system)) {
        say(format!("{}: {note}", options.potential.name))?;
    }
    let (mut flight, last) = Flight::new(options, &name, &model, system)?;
    if let Some(Kept { step, name, .. }) = last {
        if step > options.steps {
            let expected = format!("at most --steps {}", options.steps);
            return Err(unfit(&name, format!("step {step}"), expected));
        }
        say(format!("{name}: goes on from step {step} of {}", options.steps))?;
        let (log, from) = (options.log.display(), flight.log.rows());
        match flight.complete_log()? {
            0 => {}
            rows => say(format!("{log}: rows {from} to {} are made again", from + rows - 1))?,
        }
    }
    let (mut running, first) = (Running::new(&flight.forces), flight.step);
    let mut fly = || {
        while flight.step < options.steps {
            flight.advance(&mut running)?;
            let per_second = (flight.step - first) as f64 / running.seconds().max(1e-9);
            let ns_per_day = per_second * options.dt_ps * 86.4;
            watch(Some(&Progress { step: flight.step, steps: options.steps, ns_per_day }));
        }
        watch(None);
        Ok(())
    };
    // However it ends, what was written is to last.
    let (flown, synced) = (fly(), flight.sync());
    flown.and(synced)?;
    let (done, dt_ps) = (flight.step - first, options.dt_ps);
    let timing = (done > 0)
        .then(|| running.finish(done, dt_ps, &flight.system, model.any().cutoff(), &flight.forces));
    say(format!("{}: {} frames", options.out.display(), 1 + options.steps / options.every))?;
    Ok(timing)
}

/// A run between two steps.
struct Flight<'a> {
    options: &'a Options,
    said: String,
    system: System,
    forces: Watched,
    clock: Clock,
    step: u64,
    /// The step of the last frame.
    kept: u64,
    trajectory: Trajectory,
    log: Log,
    /// When frames are next put on the disk.
    due: Instant,
}

impl<'a> Flight<'a> {
    /// The run with its files open, at its first frame or at the last one of its trajectory, which is
    /// returned, too. `start` is the name of its first frame in messages.
    fn new(
        options: &'a Options,
        start: &str,
        model: &Model,
        system: System,
    ) -> Result<(Self, Option<Kept>), Error> {
        let source = model.field(&system, options.skin);
        let source = source
            .map_err(|why| fit::too_long(start, &system, [model.cutoff(), options.skin], &why))?;
        let forces = Watched::new(source, &system, options.skin);
        let said = options.said();
        if let Some(why) = forces.fault() {
            return Err(unfit(start, why, "atoms with a finite energy and finite forces"));
        }
        let Options { out, log, every, .. } = options;
        trajectory::check_apart(out, log)?;
        let first = trajectory::frame(&said, 0, &system, forces.forces());
        let (trajectory, last) = Trajectory::open(out, &first, *every)?;
        // A link to a file that was not there is one now.
        let log = trajectory::check_apart(out, log).and_then(|()| {
            let frames = last.as_ref().map_or(0, |last| last.step / every + 1);
            let energy = |row: u64| match &last {
                Some(last) if last.step == row * every => Ok(last.energy().1.to_owned()),
                _ => match trajectory.frames(row)?.next() {
                    Some(kept) => Ok(kept?.energy().1.to_owned()),
                    None => Ok(String::new()),
                },
            };
            Log::open(log, frames, *every, energy)
        });
        let log = match log {
            Ok(log) => log,
            Err(why) => {
                trajectory.discard();
                return Err(why);
            }
        };
        let clock = Clock::new(forces.passes().len());
        let (step, kept, due) = (0, 0, Instant::now());
        let mut flight =
            Self { options, said, system, forces, clock, step, kept, trajectory, log, due };
        match &last {
            None => flight.write()?,
            Some(last) => {
                take(&mut flight.system, &mut flight.forces, last)?;
                (flight.step, flight.kept) = (last.step, last.step);
                flight.compare(last)?;
            }
        }
        Ok((flight, last))
    }

    /// Writes rows of frames that have none, since the log was lost, or its end where the power was;
    /// returns how many.
    fn complete_log(&mut self) -> Result<u64, Error> {
        let Self { options, system, forces, trajectory, log, step, .. } = self;
        let from = log.rows();
        if from > *step / options.every {
            return Ok(0);
        }
        for kept in trajectory.frames(from)? {
            let kept = kept?;
            take(system, forces, &kept)?;
            log.append(&log::row(kept.step, options.dt_ps, system, forces.forces()))?;
        }
        Ok(log.rows() - from)
    }

    /// Requires that the frame has the energy of this potential.
    fn compare(&self, last: &Kept) -> Result<(), Error> {
        let (found, wanted) = (last.energy().0, self.forces.forces().energy);
        let is_same = (found - wanted).abs() <= SAME_ENERGY * wanted.abs().max(1.0);
        let expected = || format!("{wanted} eV, which this potential gives its atoms");
        if is_same { Ok(()) } else { Err(unfit(&last.name, format!("{found} eV"), expected())) }
    }

    /// Makes a step, and writes a frame if it is time for one.
    fn advance(&mut self, running: &mut Running) -> Result<(), Error> {
        let Self { system, forces, step, clock, .. } = self;
        let dt_ps = self.options.dt_ps;
        clock.start();
        let mut timed = Timed { source: forces, clock };
        match self.options.ensemble {
            Ensemble::Nve => integrate::run(system, &mut timed, dt_ps, 1),
            Ensemble::Langevin(bath) => bath.run(system, &mut timed, dt_ps, *step..*step + 1),
        }
        clock.moved();
        running.step(clock);
        self.step += 1;
        if let Some(why) = self.forces.fault() {
            return Err(self.stopped(why));
        }
        if self.step.is_multiple_of(self.options.every) {
            let began = Instant::now();
            let kinetic = self.system.kinetic_energy();
            if !kinetic.is_finite() {
                return Err(self.stopped(format!("the energy is not finite: {kinetic} eV kinetic")));
            }
            let renewed = self.forces.renew(&self.system);
            renewed.map_err(|why| self.stopped(why.to_string()))?;
            self.write()?;
            running.output(began.elapsed());
        }
        Ok(())
    }

    fn stopped(&self, why: String) -> Error {
        let (step, kept, path) = (self.step, self.kept, self.options.out.clone());
        Error::Stopped { step, why, kept, path }
    }

    /// Writes the frame of this step, and goes on from what it holds.
    fn write(&mut self) -> Result<(), Error> {
        let forces = self.forces.forces();
        let name = self.options.out.display().to_string();
        let frame = trajectory::frame(&self.said, self.step, &self.system, forces);
        let text = frame.to_text(&name).map_err(|why| self.stopped(why.to_string()))?;
        let read = frame.into_system(&name, None);
        let read = read.map_err(|why| self.stopped(why.to_string()))?;
        self.system.velocities = read.velocities;
        // A row without its frame is cut off later; that of a frame without one is made again.
        let row = log::row(self.step, self.options.dt_ps, &self.system, forces);
        let written = self.log.append(&row).and_then(|()| self.trajectory.append(&text));
        written.map_err(|source| match (self.step, self.kept) {
            (0, _) => source.into(),
            (step, kept) => Error::Unwritten { step, kept, source },
        })?;
        self.kept = self.step;
        if self.step == 0 || Instant::now() >= self.due { self.sync() } else { Ok(()) }
    }

    /// Puts all that was written on the disk.
    fn sync(&mut self) -> Result<(), Error> {
        let began = Instant::now();
        self.log.sync()?;
        self.trajectory.sync()?;
        let wait = SYNCED_EVERY.max(began.elapsed() * SYNCED_SHARE);
        self.due = Instant::now() + wait;
        Ok(())
    }
}

/// Takes the atoms of a frame, and finds the forces on them.
fn take(system: &mut System, forces: &mut Watched, kept: &Kept) -> Result<(), Error> {
    let read = kept.frame.clone().into_system(&kept.name, None)?;
    (system.positions, system.velocities) = (read.positions, read.velocities);
    let found = forces.renew(system);
    found.map_err(|why| unfit(&kept.name, why.to_string(), "another cell"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::md::boxes;

    #[test]
    fn a_kinetic_energy_that_is_not_finite_ends_a_run_and_keeps_its_frames() {
        let folder = tempfile::tempdir().unwrap();
        let [out, log] = ["t.extxyz", "t.log"].map(|name| folder.path().join(name));
        let options = Options {
            potential: Choice { name: "sw".to_owned(), elements: Vec::new() },
            dt_ps: 1e-200,
            steps: 2,
            every: 1,
            ensemble: Ensemble::Nve,
            skin: 1.0,
            unit: None,
            out: out.clone(),
            log,
        };
        let mut si = boxes::silicon_crystal(1, 5.43);
        let model = options.potential.model("a", &mut si).unwrap();
        let (mut flight, last) = Flight::new(&options, "a", &model, si).unwrap();
        let mut running = Running::new(&flight.forces);
        flight.advance(&mut running).unwrap();
        let two_frames = std::fs::read_to_string(&out).unwrap();
        flight.system.velocities[3] = [1e160, 0.0, 0.0];
        let why = flight.advance(&mut running).unwrap_err().to_string();
        let want =
            "step 2: the energy is not finite: inf eV kinetic; the frames up to step 1 are in";
        assert!(why.starts_with(want) && last.is_none(), "{why}");
        assert_eq!(std::fs::read_to_string(&out).unwrap(), two_frames, "the trajectory");
    }

    #[test]
    fn a_run_is_known_by_all_that_decides_its_bits() {
        let (name, elements) = ("a/b/Si.sw".to_owned(), vec![("Kr".to_owned(), "Ar".to_owned())]);
        let bath = Langevin { kelvin: 300.0, friction_per_ps: 0.5, seed: 7 };
        let options = Options {
            potential: Choice { name, elements },
            dt_ps: 0.001,
            steps: 400,
            every: 20,
            ensemble: Ensemble::Langevin(bath),
            skin: 1.5,
            unit: None,
            out: PathBuf::from("t.extxyz"),
            log: PathBuf::from("t.log"),
        };
        let want = "potential=Si.sw Kr=Ar dt_ps=0.001 every=20 skin=1.5 ensemble=langevin kelvin=300 \
                    friction_per_ps=0.5 seed=7";
        assert_eq!(options.said(), want, "langevin");
        let nve = Options { ensemble: Ensemble::Nve, ..options };
        assert!(nve.said().ends_with("skin=1.5 ensemble=nve"), "{}", nve.said());
    }
}
