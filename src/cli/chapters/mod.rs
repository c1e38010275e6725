//! The commands that this crate's chapters add to those of the harness.

mod compare;
mod dynamics;
mod lattice;
mod md;
mod pipeline;
mod rom;
mod runtime;

use std::fmt::Display;
use std::ops::RangeInclusive;
use std::str::FromStr;

use clap::{CommandFactory as _, FromArgMatches as _};

use super::Command;

/// Measure what a chapter costs and loses, over sizes and parameters
#[derive(Debug, clap::Parser)]
#[command(name = "profile")]
struct Profile {
    #[command(subcommand)]
    chapter: Chapter,
}

#[derive(Debug, clap::Subcommand)]
enum Chapter {
    Lattice(lattice::Args),
    Md(Box<dynamics::Args>),
    Rom(Box<runtime::Args>),
}

/// `profile`: what a chapter costs and loses, over sizes and parameters.
pub fn profile() -> Command {
    Command {
        command: Profile::command(),
        run: |matches, out| match Profile::from_arg_matches(matches)?.chapter {
            Chapter::Lattice(args) => lattice::run(&args, out),
            Chapter::Md(args) => dynamics::run(&args, out),
            Chapter::Rom(args) => runtime::run(&args, out),
        },
    }
}

/// `compare`: two profiles of one chapter.
pub fn compare() -> Command {
    Command {
        command: compare::Args::command(),
        run: |matches, out| compare::run(&compare::Args::from_arg_matches(matches)?, out),
    }
}

/// The number that `text` is, if it is one of `range`.
fn whole<T: FromStr + PartialOrd + Display>(
    text: &str,
    range: RangeInclusive<T>,
) -> Result<T, String> {
    let number = text.trim().parse().ok().filter(|number| range.contains(number));
    number
        .ok_or_else(|| format!("expected a whole number from {} to {}", range.start(), range.end()))
}

/// Whether a profile draws.
#[derive(Debug, clap::Args)]
struct Figures {
    /// Write no PNG files
    #[cfg(feature = "figures")]
    #[arg(long)]
    no_plot: bool,
}

impl Figures {
    #[cfg(feature = "figures")]
    fn are_wanted(&self) -> bool {
        !self.no_plot
    }

    #[cfg(not(feature = "figures"))]
    fn are_wanted(&self) -> bool {
        false
    }
}

const ROM: &str = "Simulate swarms, reduce their densities to a few modes, fit models to these, forecast, evaluate, profile.

With --config all of it runs, from one YAML file of wsindy-manifold into one folder with its files. A
pipeline that was killed goes on where it was when it is started again; one that was started with another
configuration is refused. The subcommands fit and forecast work on single files.

  stepmark rom --config fixtures/rom/tiny.yaml --name tiny
  stepmark rom --config fixtures/rom/tiny.yaml --name tiny --explain";

/// Reduced-order models of swarms: simulate, compress, fit, forecast, evaluate, profile
#[derive(Debug, clap::Parser)]
#[command(name = "rom", long_about = ROM, args_conflicts_with_subcommands = true,
          arg_required_else_help = true)]
struct Rom {
    #[command(subcommand)]
    verb: Option<rom::Verb>,
    #[command(flatten)]
    pipeline: pipeline::Args,
}

/// `rom`: reduced-order models in the files of wsindy-manifold.
pub fn rom() -> Command {
    Command {
        command: Rom::command(),
        run: |matches, out| {
            let Rom { verb, pipeline } = Rom::from_arg_matches(matches)?;
            match verb {
                Some(verb) => rom::run(&verb, out),
                None => pipeline::run(&pipeline, out),
            }
        },
    }
}

/// Run atoms, and label frames with energies and forces
#[derive(Debug, clap::Parser)]
#[command(name = "md")]
struct Md {
    #[command(subcommand)]
    verb: md::Verb,
}

/// `md`: trajectories and labelled frames in extended XYZ.
pub fn md() -> Command {
    Command {
        command: Md::command(),
        run: |matches, out| md::run(&Md::from_arg_matches(matches)?.verb, out),
    }
}
