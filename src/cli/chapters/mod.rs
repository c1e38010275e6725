//! The commands that this crate's chapters add to those of the harness.

mod lattice;

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
}

/// `profile`: what a chapter costs and loses, over sizes and parameters.
pub fn profile() -> Command {
    Command {
        command: Profile::command(),
        run: |matches, out| match Profile::from_arg_matches(matches)?.chapter {
            Chapter::Lattice(args) => lattice::run(&args, out),
        },
    }
}
