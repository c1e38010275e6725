//! The commands that this crate's chapters add to those of the harness.

use clap::{CommandFactory as _, FromArgMatches as _};

use super::{Command, profile};

/// `profile`: what a chapter costs and loses, over sizes and parameters.
pub fn profile() -> Command {
    Command {
        command: profile::Args::command(),
        run: |matches, out| profile::run(&profile::Args::from_arg_matches(matches)?, out),
    }
}
