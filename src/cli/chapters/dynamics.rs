//! The options of `stepmark profile md`.

use std::io::Write;
use std::path::PathBuf;

use clap::{CommandFactory as _, ValueEnum};

use crate::cli::{Exit, Stop};
use crate::md::boxes::Substance;
use crate::md::extxyz::VelocityUnit;
use crate::profile::md::Error;
use crate::profile::md::measure::Plan;
use crate::profile::md::model;
use crate::profile::md::profile::Properties;
use crate::profile::md::run::{self, Options, What};

/// Largest box, longest run: what is kept of a step takes a hundred bytes.
const MOST_ATOMS: usize = 1 << 20;
const MOST_STEPS: usize = 10_000_000;

const LONG: &str = "Time the steps of molecular dynamics: latency, tail, memory, parts of a step, energy.

A trajectory is integrated from a seeded box near equilibrium, or read from a file; no two evaluations
are of the same positions, so nothing that was found before is timed. <model>_profile.json has the keys
of mlff-distiller's MDProfileResult; all else is in <model>_profile.extended.json, tables and pictures.
Without --model, --system-sizes and --compare-all this help is printed.

  stepmark profile md --model sw
  stepmark profile md --model spcfw --n-atoms 192 --n-steps 2000 --export-traces
  stepmark profile md --model sw --system-sizes 32,64,128,256,512,1024,2048,4096
  stepmark profile md --compare-all --system water
  stepmark profile md --model sw --trajectory frames.extxyz

A run that was killed resumes where it was when it is started again with the same options.";

/// Time the steps of molecular dynamics, and judge tail, memory and energy
#[derive(Debug, clap::Args)]
#[command(long_about = LONG)]
pub(super) struct Args {
    /// sw, lj, sc, fs, spcfw, spcfw-rf, spcfw-ewald; sw-mixed, lj-mixed, spcfw-mixed; or a file of
    /// LAMMPS that ends with .sw, .tersoff, .eam, .funcfl, .alloy, .setfl or .fs
    #[arg(long, value_name = "NAME|FILE")]
    model: Option<String>,
    /// silicon, aluminum, iron, argon or water [default: the first one that the model knows]
    #[arg(long, value_name = "SYSTEM", value_parser = model::system)]
    system: Option<Substance>,
    /// About how many atoms
    #[arg(long, value_name = "N", default_value = "64", value_parser = atoms,
          allow_hyphen_values = true)]
    n_atoms: usize,
    /// Profile one model over these numbers of atoms, separated by commas
    #[arg(long, value_name = "LIST", value_delimiter = ',', value_parser = atoms,
          allow_hyphen_values = true)]
    system_sizes: Vec<usize>,
    /// Profile all models of the system, and --model
    #[arg(long)]
    compare_all: bool,
    /// Steps of a repeat [default: 100; of a file all frames]
    #[arg(long, value_name = "N", value_parser = steps, allow_hyphen_values = true)]
    n_steps: Option<usize>,
    /// Steps before the first that is timed
    #[arg(long, value_name = "N", default_value = "10", value_parser = warmup,
          allow_hyphen_values = true)]
    warmup: usize,
    /// Repeats, each of the steps that follow; the profile is of the median one
    #[arg(long, value_name = "N", default_value = "3", value_parser = repeat,
          allow_hyphen_values = true)]
    repeat: usize,
    /// The properties that are timed, of energy, forces and stress, separated by commas
    #[arg(long, value_name = "LIST", value_delimiter = ',', default_value = "energy,forces")]
    properties: Vec<Property>,
    /// Sample no memory
    #[arg(long)]
    no_memory: bool,
    /// A share of a step in percent beyond which a part is named, 0 to 100
    #[arg(long, value_name = "PCT", default_value = "10", value_parser = percent,
          allow_hyphen_values = true)]
    threshold_pct: f64,
    /// Also write traces, which Perfetto opens
    #[arg(long)]
    export_traces: bool,
    /// Compare forces and energies with those of this model
    #[arg(long, value_name = "NAME|FILE")]
    reference: Option<String>,
    /// Evaluate the frames of this extended XYZ file, instead of steps of dynamics
    #[arg(long, value_name = "FILE", conflicts_with = "system_sizes")]
    trajectory: Option<PathBuf>,
    /// The unit of the velocities in that file, A/ps or A/fs, where it does not show it
    #[arg(long, value_name = "UNIT", requires = "trajectory")]
    velocity_unit: Option<VelocityUnit>,
    /// Seed of places and velocities
    #[arg(long, default_value = "1", allow_hyphen_values = true)]
    seed: u64,
    /// The device
    #[arg(long, value_enum, default_value = "cpu")]
    device: Device,
    /// The folder that all files are written to; made if it is missing
    #[arg(long, value_name = "DIR", default_value = "benchmarks/profiling_reports")]
    output_dir: PathBuf,
    #[command(flatten)]
    figures: super::Figures,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Device {
    /// One core of the processor
    Cpu,
    /// A GPU
    Cuda,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Property {
    Energy,
    Forces,
    Stress,
}

pub(super) fn run(args: &Args, out: &mut dyn Write) -> Result<Exit, Stop> {
    let what = if !args.system_sizes.is_empty() {
        What::Sizes(args.system_sizes.clone())
    } else if args.compare_all {
        What::All(args.n_atoms)
    } else if args.model.is_some() {
        What::Model(args.n_atoms)
    } else {
        let mut profile = super::Profile::command();
        let own = profile.find_subcommand_mut("md").expect("it is one of them");
        write!(out, "{}", own.render_long_help())?;
        return Ok(Exit::Pass);
    };
    if args.device == Device::Cuda {
        let why = "--device cuda: molecular dynamics has no kernel for a GPU yet, and a CPU never stands \
                   in for one; leave it out";
        return Err(Stop::new(Exit::Usage, why));
    }
    let has = |property| args.properties.contains(&property);
    let options = Options {
        what,
        model: args.model.clone(),
        system: args.system,
        reference: args.reference.clone(),
        trajectory: args.trajectory.clone(),
        velocity_unit: args.velocity_unit,
        steps: args.n_steps,
        plan: Plan {
            warmup: args.warmup,
            repeat: args.repeat,
            memory: !args.no_memory,
            ..Plan::default()
        },
        properties: Properties {
            energy: has(Property::Energy),
            forces: has(Property::Forces),
            stress: has(Property::Stress),
        },
        threshold_pct: args.threshold_pct,
        seed: args.seed,
        traces: args.export_traces,
        figures: args.figures.are_wanted(),
        output: args.output_dir.clone(),
    };
    match run::run(&options, out) {
        Ok(()) => Ok(Exit::Pass),
        Err(why @ Error::Differs { .. }) => Err(Stop::new(Exit::Wrong, why.to_string())),
        Err(why) if why.is_usage() => Err(Stop::new(Exit::Usage, why.to_string())),
        Err(why) => Err(why.into()),
    }
}

fn atoms(text: &str) -> Result<usize, String> {
    super::whole(text, 1..=MOST_ATOMS)
}

fn steps(text: &str) -> Result<usize, String> {
    super::whole(text, 1..=MOST_STEPS)
}

fn warmup(text: &str) -> Result<usize, String> {
    super::whole(text, 0..=MOST_STEPS)
}

fn repeat(text: &str) -> Result<usize, String> {
    super::whole(text, 1..=1000)
}

fn percent(text: &str) -> Result<f64, String> {
    let number = text.trim().parse().ok().filter(|pct| (0.0..=100.0).contains(pct));
    number.ok_or_else(|| "expected a number from 0 to 100".to_owned())
}
