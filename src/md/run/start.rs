//! The frame that a run starts from.

use std::path::Path;

use super::Error;
use crate::md::files::extxyz::{Frames, VelocityUnit};
use crate::md::system::System;

/// Reads the atoms of a file: of several frames the last, so that a run can start where another one
/// ended. Returns the name of that frame in messages, too.
pub(super) fn read(path: &Path, unit: Option<VelocityUnit>) -> Result<(String, System), Error> {
    let mut frames = Frames::open(path)?;
    let frame = frames.final_frame()?;
    let name = frames.name();
    let system = frame.into_system(&name, unit)?;
    Ok((name, system))
}
