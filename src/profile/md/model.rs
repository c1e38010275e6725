//! The models by name, the systems that each knows, and the boxes that they start from.
//!
//! | name | potential | system |
//! |---|---|---|
//! | `sw` | Stillinger-Weber | silicon |
//! | `lj` | Lennard-Jones | argon |
//! | `sc` | Sutton-Chen | aluminium |
//! | `fs` | Finnis-Sinclair | iron |
//! | `spcfw`, `spcfw-rf`, `spcfw-ewald` | SPC/Fw, charges damped, in a dielectric, with all images | water |
//! | `sw-mixed`, `lj-mixed`, `spcfw-mixed` | the same with pairs in `f32` | |
//! | a file of LAMMPS | as its ending says | those of one element that it has |

use std::path::Path;

use super::Error;
use crate::md::boxes::{self, Substance};
use crate::md::field::AnyPotential;
use crate::md::lammps::{FilePotential, Kind};
use crate::md::potentials::{Mixed, Truncation};
use crate::md::run::{self, Choice, Watched};
use crate::md::system::System;
use crate::md::{Langevin, LennardJones, StillingerWeber};

/// Each name, that of the same potential for `stepmark md run`, and the system.
const MODELS: [(&str, &str, Substance); 10] = [
    ("sw", "sw", Substance::Silicon),
    ("lj", "lj", Substance::Argon),
    ("sc", "sc", Substance::Aluminium),
    ("fs", "fs", Substance::Iron),
    ("spcfw", "spcfw-dsf", Substance::Water),
    ("spcfw-rf", "spcfw-rf", Substance::Water),
    ("spcfw-ewald", "spcfw-ewald", Substance::Water),
    ("sw-mixed", "sw", Substance::Silicon),
    ("lj-mixed", "lj", Substance::Argon),
    ("spcfw-mixed", "spcfw-dsf", Substance::Water),
];

/// Names of the original that nobody can profile offline, and those that are still to come.
const ORB: &str = "orb-";
const PLANNED: [&str; 2] = ["ani-2x", "chgnet"];

/// Picoseconds in a bath before anything is timed, and its friction.
const SETTLED_PS: f64 = 0.5;
const FRICTION_PER_PS: f64 = 10.0;
/// Steps of that, at least.
const FEWEST_STEPS: u64 = 200;

/// A model.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Model {
    /// Its name, or that of its file.
    pub name: String,
    /// The systems that it knows.
    pub knows: Vec<Substance>,
}

impl Model {
    /// Finds the model of a name.
    ///
    /// # Errors
    ///
    /// If there is none, or its file cannot be read.
    pub fn find(name: &str) -> Result<Self, Error> {
        let known = |(_, _, substance): &(_, _, Substance)| Self {
            name: name.to_owned(),
            knows: vec![*substance],
        };
        if let Some(model) = MODELS.iter().find(|(own, ..)| *own == name) {
            return Ok(known(model));
        }
        let unavailable = |why: &str| Error::Unavailable { name: name.to_owned(), why: why.into() };
        if name.starts_with(ORB) {
            return Err(unavailable("its weights cannot be had offline"));
        }
        if PLANNED.contains(&name) {
            return Err(unavailable("it is not implemented yet"));
        }
        let path = Path::new(name);
        if Kind::of(path).is_none() {
            let expected = MODELS.map(|(name, ..)| name).join(", ");
            return Err(Error::NoModel { name: name.to_owned(), expected });
        }
        let read = |substance: &Substance| {
            let rest = substance.at_rest(1, 1);
            FilePotential::read(path, None, &rest.elements).map(|_| *substance)
        };
        let found: Vec<_> = Substance::ALL.iter().map(read).collect();
        let knows: Vec<_> = found.iter().filter_map(|one| one.as_ref().ok().copied()).collect();
        match found.into_iter().find_map(Result::err) {
            Some(why) if knows.is_empty() => Err(Error::Run(run::Error::Lammps(why))),
            _ => Ok(Self { name: name.to_owned(), knows }),
        }
    }

    /// All built-in models of a system, the first one first.
    pub fn of(substance: Substance) -> impl Iterator<Item = Self> {
        let own = MODELS.iter().filter(move |(.., other)| *other == substance);
        own.map(move |(name, ..)| Self { name: (*name).to_owned(), knows: vec![substance] })
    }

    /// The system that is meant, or the first one that the model knows.
    ///
    /// # Errors
    ///
    /// If the model does not know the system.
    pub fn system(&self, wanted: Option<Substance>) -> Result<Substance, Error> {
        let Some(wanted) = wanted else { return Ok(self.knows[0]) };
        if self.knows.contains(&wanted) {
            return Ok(wanted);
        }
        let knows = self.knows.iter().map(|substance| substance.name()).collect::<Vec<_>>();
        Err(Error::NoSystem {
            model: self.name.clone(),
            system: wanted.name().to_owned(),
            knows: knows.join(", "),
        })
    }

    /// The potential for the species of `system`, which gets the charges and bonds that it asks for;
    /// `file` is its name in messages.
    ///
    /// # Errors
    ///
    /// If it is not for these atoms.
    pub fn potential(
        &self,
        file: &str,
        system: &mut System,
    ) -> Result<Box<dyn AnyPotential>, Error> {
        let run_name = MODELS.iter().find(|(own, ..)| *own == self.name);
        let name = run_name.map_or(&*self.name, |(_, name, _)| name).to_owned();
        let model = Choice { name, elements: Vec::new() }.model(file, system)?;
        let potential: Box<dyn AnyPotential> = match &*self.name {
            "sw-mixed" => Box::new(Mixed(StillingerWeber::SILICON)),
            "lj-mixed" => Box::new(Mixed(LennardJones::argon(Truncation::ForceShifted))),
            "spcfw-mixed" => Box::new(Mixed(boxes::damped_water())),
            _ => model.into_any(),
        };
        run::check(file, system, potential.cutoff())?;
        Ok(potential)
    }
}

/// The name of a model in the names of files: that of its file without the folder.
pub(super) fn file_name(model: &str) -> String {
    let name = Path::new(model).file_name().unwrap_or_default();
    name.to_string_lossy().into_owned()
}

/// The system of a name.
///
/// # Errors
///
/// Says which there are.
pub fn system(name: &str) -> Result<Substance, String> {
    let american = if name == "aluminum" { "aluminium" } else { name };
    let found = Substance::ALL.into_iter().find(|substance| substance.name() == american);
    let names = || Substance::ALL.map(Substance::name).join(", ");
    found.ok_or_else(|| format!("expected one of {}", names()))
}

/// Skin of the list of a system, in angstrom: what moves further gets more.
pub fn skin(substance: Substance) -> f64 {
    match substance {
        Substance::Argon => 2.0,
        Substance::Water => 1.5,
        _ => 1.0,
    }
}

/// A box that has come near equilibrium under a potential.
#[derive(Debug)]
pub struct Settled {
    /// The atoms, in motion.
    pub system: System,
    /// The potential.
    pub potential: Box<dyn AnyPotential>,
    /// Steps that it took.
    pub steps: u64,
}

/// The box of about `atoms` atoms under the potential of `model`, after half a picosecond in a bath.
///
/// # Errors
///
/// If it cannot be started from, or a step leads nowhere.
pub fn settle(
    model: &Model,
    substance: Substance,
    atoms: usize,
    seed: u64,
) -> Result<Settled, Error> {
    let mut system = substance.at_rest(atoms, seed);
    let potential = model.potential(substance.name(), &mut system)?;
    boxes::thermalise(&mut system, seed, substance.kelvin());
    let skin = skin(substance);
    let mut source = Watched::new(potential.field(&system, skin)?, &system, skin);
    let bath = Langevin { kelvin: substance.kelvin(), friction_per_ps: FRICTION_PER_PS, seed };
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "hundreds")]
    let steps = FEWEST_STEPS.max((SETTLED_PS / substance.dt_ps()).round() as u64);
    for step in 0..steps {
        bath.run(&mut system, &mut source, substance.dt_ps(), step..step + 1);
        if let Some(why) = crate::md::field::Source::fault(&source) {
            let name = substance.name();
            let why = format!("{name} cannot be settled under {}: {why}", model.name);
            return Err(Error::Stopped { step: usize::try_from(step).unwrap_or(0) + 1, why });
        }
    }
    Ok(Settled { system, potential, steps })
}
