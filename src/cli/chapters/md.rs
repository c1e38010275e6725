//! The options of `stepmark md`.

use std::io::Write;
use std::path::PathBuf;

use clap::ValueEnum;

use crate::cli::{Exit, Stop};
use crate::md::Langevin;
use crate::md::extxyz::VelocityUnit;
use crate::md::run::{self, Choice, Ensemble, Options};
use crate::profile::md::summary::{self, Lists, Loop, Phase};
use crate::profile::progress::Line;

/// Steps longer than this, in ps, are taken for femtoseconds.
const LONGEST_PS: f64 = 0.1;
const WIDEST_SKIN: f64 = 10.0;

#[derive(Debug, clap::Subcommand)]
pub(super) enum Verb {
    Run(Run),
    Label(Label),
}

const RUN: &str = "Run the atoms of a file, and write a trajectory and a log.

The trajectory is extended XYZ: positions and momenta in the units of ASE with all their digits, and
energy, forces and stress by ASE's names. The log has columns of LAMMPS, in its `metal` units: Step,
Time (ps), Temp (K), PotEng, KinEng, TotEng (eV), Press (bar), Volume (A^3).

A run that was killed goes on from its last frame when it is started again with the same options, and
ends with the same bits; so does one with more --steps, or one that found the disk full. Rows of the log
that were lost are made again from the frames. Frames are put on the disk about once a second: a machine
that loses its power loses no older ones. A run whose energy is not finite stops, and says at which step;
its frames stay.

  stepmark md run silicon.extxyz --potential sw --dt 0.001 --steps 10000
  stepmark md run water.extxyz --potential spcfw-dsf --dt 0.0005 --steps 20000 --every 200 \\
      --ensemble langevin --temperature 300";

/// Run the atoms of a file, and write a trajectory and a log
#[derive(Debug, clap::Args)]
#[command(long_about = RUN)]
pub(super) struct Run {
    /// The atoms, as extended XYZ; of several frames the last
    #[arg(value_name = "FILE")]
    file: PathBuf,
    #[command(flatten)]
    potential: Potential,
    /// A step in ps: 0.001 is 1 fs
    #[arg(long, value_name = "PS", value_parser = dt, allow_hyphen_values = true)]
    dt: f64,
    /// Steps of the whole run, a multiple of --every
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..),
          allow_hyphen_values = true)]
    steps: u64,
    /// The equations of motion
    #[arg(long, value_enum, default_value = "nve")]
    ensemble: Kind,
    /// Temperature of the bath in K; required with langevin
    #[arg(long, value_name = "K", value_parser = at_least_0, allow_hyphen_values = true)]
    temperature: Option<f64>,
    /// Rate at which the bath makes velocities forgotten, 1/ps [default: 1]
    #[arg(long, value_name = "RATE", value_parser = at_least_0, allow_hyphen_values = true)]
    friction: Option<f64>,
    /// Seed of the bath [default: 1]
    #[arg(long, allow_hyphen_values = true)]
    seed: Option<u64>,
    /// Steps from frame to frame
    #[arg(long, value_name = "N", default_value = "100",
          value_parser = clap::value_parser!(u64).range(1..), allow_hyphen_values = true)]
    every: u64,
    /// Skin of the list of neighbours in angstrom, 0 to 10
    #[arg(long, value_name = "A", default_value = "1", value_parser = skin,
          allow_hyphen_values = true)]
    skin: f64,
    /// The trajectory
    #[arg(long, value_name = "FILE", default_value = "trajectory.extxyz")]
    out: PathBuf,
    /// The log [default: that of --out with the ending .log]
    #[arg(long, value_name = "FILE")]
    log: Option<PathBuf>,
}

/// The equations of motion.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Kind {
    /// Velocity Verlet: constant energy
    Nve,
    /// A bath: constant temperature
    Langevin,
}

/// The options that `run` and `label` have in common.
#[derive(Debug, clap::Args)]
struct Potential {
    /// One of sw (Si), lj (Ar), sc (Al), fs (Fe), spcfw-dsf, spcfw-rf, spcfw-ewald (water), or a file
    /// of LAMMPS that ends with .sw, .tersoff, .eam, .funcfl, .alloy, .setfl or .fs
    #[arg(long, value_name = "NAME|FILE")]
    potential: String,
    /// Names in the potential of species that it calls otherwise, as Kr=Ar; separated by commas
    #[arg(long, value_name = "SYMBOL=NAME", value_delimiter = ',', value_parser = element)]
    elements: Vec<(String, String)>,
    /// The unit of velocities, A/ps or A/fs, where the file does not show it
    #[arg(long, value_name = "UNIT")]
    velocity_unit: Option<VelocityUnit>,
}

impl Potential {
    fn choice(&self) -> Result<Choice, Stop> {
        let all = &self.elements;
        for (n, (own, name)) in all.iter().enumerate() {
            if let Some((_, first)) = all[..n].iter().find(|(s, other)| s == own && other != name) {
                let both = format!("{own}={first} and {own}={name}");
                let why = format!("--elements: found {both}, expected one of them");
                return Err(Stop::new(Exit::Usage, why));
            }
        }
        Ok(Choice { name: self.potential.clone(), elements: all.clone() })
    }
}

const LABEL: &str = "Write the frames of a file with energy, forces and stress of a potential.

The names and signs are ASE's: energy (eV), forces (eV/A), stress (eV/A^3, positive under tension).
Velocities become momenta in the unit of ASE. Other columns and values stay, but for energies, forces
and stresses of another potential.

  stepmark md label --potential sw --frames silicon.extxyz --out labelled.extxyz";

/// Write the frames of a file with energy, forces and stress of a potential
#[derive(Debug, clap::Args)]
#[command(long_about = LABEL)]
pub(super) struct Label {
    #[command(flatten)]
    potential: Potential,
    /// The frames, as extended XYZ
    #[arg(long, value_name = "FILE")]
    frames: PathBuf,
    /// The file that they are written to, which is replaced
    #[arg(long, value_name = "FILE", default_value = "labelled.extxyz")]
    out: PathBuf,
}

pub(super) fn run(verb: &Verb, out: &mut dyn Write) -> Result<Exit, Stop> {
    match verb {
        Verb::Run(args) => trajectory(args, out),
        Verb::Label(args) => {
            let Label { potential, frames, out: to } = args;
            run::label(frames, &potential.choice()?, potential.velocity_unit, to, out)?;
            Ok(Exit::Pass)
        }
    }
}

fn trajectory(args: &Run, out: &mut dyn Write) -> Result<Exit, Stop> {
    if !args.steps.is_multiple_of(args.every) {
        let why = format!(
            "--steps: found {}, expected a multiple of --every {}: a run ends with a frame",
            args.steps, args.every
        );
        return Err(Stop::new(Exit::Usage, why));
    }
    let options = Options {
        potential: args.potential.choice()?,
        dt_ps: args.dt,
        steps: args.steps,
        every: args.every,
        ensemble: args.ensemble().map_err(|why| Stop::new(Exit::Usage, why))?,
        skin: args.skin,
        unit: args.potential.velocity_unit,
        out: args.out.clone(),
        log: args.log.clone().unwrap_or_else(|| args.out.with_extension("log")),
    };
    let mut line = Line::new();
    let mut watch = |now: Option<&run::Progress>| match now {
        Some(now) => line.show(|| text(now)),
        None => line.wipe(),
    };
    let ended = run::run(&args.file, &options, &mut watch, out);
    drop(line);
    if let Some(timing) = ended? {
        write!(out, "{}", summary::text(&spent(&timing)))?;
    }
    Ok(Exit::Pass)
}

/// The time of a run as it is printed.
fn spent(timing: &run::Timing) -> Loop {
    let phase = |part: &run::Spent| Phase {
        name: part.name.clone(),
        calls: part.calls,
        min_seconds: part.min.as_secs_f64(),
        max_seconds: part.max.as_secs_f64(),
        total_seconds: part.total.as_secs_f64(),
    };
    Loop {
        atoms: timing.atoms,
        steps: timing.steps,
        dt_ps: Some(timing.dt_ps),
        seconds: timing.wall.as_secs_f64(),
        cpu_seconds: timing.cpu.map(|time| time.as_secs_f64()),
        threads: 1,
        phases: timing.parts.iter().map(phase).collect(),
        lists: timing.neighbours_per_atom.map(|neighbours_per_atom| Lists {
            neighbours_per_atom,
            builds: timing.upkeep.builds,
            prunings: Some(timing.upkeep.prunings).filter(|count| *count > 0),
            dangerous_builds: timing.upkeep.dangerous_builds,
        }),
    }
}

/// Where a run stands.
fn text(now: &run::Progress) -> String {
    let run::Progress { step, steps, ns_per_day } = now;
    format!("step {step} of {steps}, {ns_per_day:.3} ns/day")
}

impl Run {
    fn ensemble(&self) -> Result<Ensemble, String> {
        let Self { temperature, friction, seed, .. } = self;
        match self.ensemble {
            Kind::Nve => {
                let given = [
                    ("temperature", temperature.is_some()),
                    ("friction", friction.is_some()),
                    ("seed", seed.is_some()),
                ];
                match given.iter().find(|(_, is_given)| *is_given) {
                    Some((name, _)) => Err(format!(
                        "--{name}: an option of --ensemble langevin, found --ensemble nve"
                    )),
                    None => Ok(Ensemble::Nve),
                }
            }
            Kind::Langevin => {
                let kelvin = temperature.ok_or("--ensemble langevin needs --temperature")?;
                let (friction_per_ps, seed) = (friction.unwrap_or(1.0), seed.unwrap_or(1));
                Ok(Ensemble::Langevin(Langevin { kelvin, friction_per_ps, seed }))
            }
        }
    }
}

fn number(text: &str) -> Option<f64> {
    text.trim().parse().ok().filter(|number: &f64| number.is_finite())
}

fn at_least_0(text: &str) -> Result<f64, String> {
    let number = number(text).filter(|number| *number >= 0.0);
    number.ok_or_else(|| "expected a finite number, 0 or more".to_owned())
}

fn dt(text: &str) -> Result<f64, String> {
    let dt = number(text).filter(|dt| *dt > 0.0 && *dt <= LONGEST_PS);
    dt.ok_or_else(|| format!("expected ps, above 0 and at most {LONGEST_PS}; 1 fs is 0.001"))
}

fn skin(text: &str) -> Result<f64, String> {
    let skin = number(text).filter(|skin| (0.0..=WIDEST_SKIN).contains(skin));
    skin.ok_or_else(|| format!("expected angstrom, 0 to {WIDEST_SKIN}"))
}

fn element(text: &str) -> Result<(String, String), String> {
    let parts = text.split_once('=').unwrap_or((text, text));
    let [own, name] = [parts.0, parts.1].map(|part| part.trim().to_owned());
    let is_whole = !own.is_empty() && !name.is_empty();
    is_whole.then_some((own, name)).ok_or_else(|| "expected SYMBOL=NAME, as Kr=Ar".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_line_of_a_terminal_says_where_a_run_stands() {
        let now = run::Progress { step: 40, steps: 1000, ns_per_day: 12.34567 };
        assert_eq!(text(&now), "step 40 of 1000, 12.346 ns/day", "text");
    }

    #[test]
    fn the_help_names_every_potential() {
        let help = <Wrapped as clap::CommandFactory>::command().render_long_help().to_string();
        for name in run::names().split(", ") {
            assert!(help.contains(name), "{name}: {help}");
        }
    }

    #[derive(clap::Parser)]
    struct Wrapped {
        #[command(flatten)]
        _potential: Potential,
    }
}
