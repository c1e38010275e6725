//! The frames of a file, ready for a potential.

use std::path::Path;

use super::Error;
use super::model::Model;
use crate::md::extxyz::{Frames, VelocityUnit};
use crate::md::field::AnyPotential;
use crate::md::run;
use crate::md::system::System;

/// Frames, and the potential that they are for.
pub(super) struct Loaded {
    pub(super) frames: Vec<System>,
    pub(super) potential: Box<dyn AnyPotential>,
}

/// Reads the first `most` frames of a file, or all of them. Velocities are in `unit` where the file
/// does not show it; none are needed.
///
/// # Errors
///
/// If there are no frames, or a frame cannot be read or is none of such atoms.
pub(super) fn load(
    path: &Path,
    unit: Option<VelocityUnit>,
    most: Option<usize>,
    model: &Model,
) -> Result<Loaded, Error> {
    let mut file = Frames::open(path)?;
    let mut loaded: Option<Loaded> = None;
    while loaded.as_ref().is_none_or(|loaded| Some(loaded.frames.len()) != most) {
        let Some(frame) = file.next() else { break };
        let name = file.name();
        let mut system = frame?.into_system(&name, unit)?;
        match &mut loaded {
            None => {
                let potential = model.potential(&name, &mut system)?;
                loaded = Some(Loaded { frames: vec![system], potential });
            }
            Some(Loaded { frames, potential }) => {
                let first = &frames[0];
                if !first.symbols().eq(system.symbols()) {
                    return Err(Error::OtherAtoms { frame: frames.len() + 1 });
                }
                (system.charges, system.topology) = (first.charges.clone(), first.topology.clone());
                (system.elements, system.species) = (first.elements.clone(), first.species.clone());
                run::check(&name, &system, potential.cutoff())?;
                frames.push(system);
            }
        }
    }
    loaded.ok_or_else(|| Error::nothing(&format!("{}: frames", path.display())))
}
