//! Potentials by name.
//!
//! | name | potential | species |
//! |---|---|---|
//! | `sw` | Stillinger-Weber | Si |
//! | `lj` | Lennard-Jones, shifted so that energy and force are continuous at 8.51 angstrom | Ar |
//! | `sc` | Sutton-Chen, switched off between 6.5 and 7.5 angstrom | Al |
//! | `fs` | Finnis-Sinclair | Fe |
//! | `spcfw-dsf` | SPC/Fw, charges damped by 0.2/angstrom and shifted | O H H of each molecule |
//! | `spcfw-rf` | the same in a dielectric of 78.3 | |
//! | `spcfw-ewald` | the same with all images, to about 1e-5 of the force | |
//!
//! Water is cut at 9 angstrom. Every other name is that of a file of LAMMPS
//! ([`lammps`](crate::md::lammps)), whose kind its ending shows.

use std::path::Path;

use super::{Error, unfit};
use crate::md::field::{AnyPotential, Source};
use crate::md::files::lammps::{FilePotential, Kind};
use crate::md::potentials::water::{Molecule, topology};
use crate::md::potentials::{
    Electrostatics, EmbeddedAtom, FinnisSinclair, LennardJones, StillingerWeber, SuttonChen,
    Truncation, Water,
};
use crate::md::system::{self, System, norm, sub};

/// The potential that is asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Choice {
    /// Its name, or that of its file.
    pub name: String,
    /// Chemical symbols of species that have another name in the potential, and that name.
    pub elements: Vec<(String, String)>,
}

/// A potential.
#[derive(Debug, Clone)]
pub enum Model {
    /// `sw`.
    StillingerWeber(StillingerWeber),
    /// `lj`.
    LennardJones(LennardJones),
    /// `sc`.
    SuttonChen(EmbeddedAtom<SuttonChen>),
    /// `fs`.
    FinnisSinclair(EmbeddedAtom<FinnisSinclair>),
    /// One of the three `spcfw`.
    Water(Box<Water>),
    /// That of a file.
    File(FilePotential),
}

/// Each name with the species that it is for, in their order in a molecule.
const BUILT_IN: [(&str, &[&str]); 7] = [
    ("sw", &["Si"]),
    ("lj", &["Ar"]),
    ("sc", &["Al"]),
    ("fs", &["Fe"]),
    ("spcfw-dsf", &WATER),
    ("spcfw-rf", &WATER),
    ("spcfw-ewald", &WATER),
];

const WATER: [&str; 3] = ["O", "H", "H"];

/// Bonds of water are not longer, in angstrom.
const LONGEST_BOND: f64 = 1.6;

/// The names of all potentials, for people.
pub fn names() -> String {
    BUILT_IN.map(|(name, _)| name).join(", ")
}

impl Choice {
    /// The names in the potential of the species of `system`, in their order there.
    pub(super) fn elements<'a>(&'a self, system: &'a System) -> Vec<&'a str> {
        let named = |symbol: &'a String| {
            let given = self.elements.iter().find(|(own, _)| own == symbol);
            given.map_or(symbol.as_str(), |(_, name)| name)
        };
        system.elements.iter().map(named).collect()
    }

    /// The potential for the species of `system`, which gets the charges and bonds that it asks for;
    /// `file` is its name in messages.
    ///
    /// # Errors
    ///
    /// If there is no such potential, or it is not for these atoms.
    pub fn model(&self, file: &str, system: &mut System) -> Result<Model, Error> {
        let model = self.load(file, system)?;
        self.complete(file, &model, system)?;
        Ok(model)
    }

    /// The potential for the species of `system`.
    pub(super) fn load(&self, file: &str, system: &System) -> Result<Model, Error> {
        let elements = self.elements(system);
        let Some((name, species)) = BUILT_IN.iter().find(|(name, _)| *name == self.name) else {
            return self.read(&elements);
        };
        if let Some(k) = elements.iter().position(|element| !species.contains(element)) {
            let expected = format!("{} of the potential {name}", species.join(", "));
            return Err(unfit(file, format!("the species {}", system.elements[k]), expected));
        }
        let water = |electrostatics| {
            Model::Water(Box::new(Water::new(Molecule::SPC_FW, electrostatics, 9.0)))
        };
        Ok(match *name {
            "sw" => Model::StillingerWeber(StillingerWeber::SILICON),
            "lj" => Model::LennardJones(LennardJones::argon(Truncation::ForceShifted)),
            "sc" => Model::SuttonChen(EmbeddedAtom(SuttonChen::ALUMINIUM)),
            "fs" => Model::FinnisSinclair(EmbeddedAtom(FinnisSinclair::IRON)),
            "spcfw-dsf" => water(Electrostatics::DampedShifted { alpha: 0.2 }),
            "spcfw-rf" => water(Electrostatics::ReactionField { dielectric: 78.3 }),
            _ => water(Electrostatics::Ewald { alpha: 0.4, longest: 3.2 }),
        })
    }

    /// Gives atoms the charges and bonds that the potential asks for.
    pub(super) fn complete(
        &self,
        file: &str,
        model: &Model,
        system: &mut System,
    ) -> Result<(), Error> {
        if let Model::Water(_) = model {
            let elements = self.elements(system);
            // The potential knows oxygen by its number.
            if let Some(k) = (1..elements.len()).find(|&k| elements[k] == WATER[0]) {
                let found = format!("the species {} as an oxygen", system.elements[k]);
                return Err(unfit(file, found, "one species of oxygen, which comes first"));
            }
            let atoms: Vec<_> = system.species.iter().map(|&s| elements[s as usize]).collect();
            check_molecules(file, &atoms, system)?;
            let molecules = system.len() / 3;
            system.charges = Molecule::SPC_FW.charges().repeat(molecules);
            system.topology = topology(molecules);
        }
        Ok(())
    }

    /// The potential of a file.
    fn read(&self, elements: &[&str]) -> Result<Model, Error> {
        let path = Path::new(&self.name);
        if Kind::of(path).is_none() && !path.exists() {
            let expected = format!("one of {}, or a file of LAMMPS as Si.sw", names());
            return Err(unfit(&self.name, "no potential of this name", expected));
        }
        Ok(Model::File(FilePotential::read(path, None, elements)?))
    }
}

/// Requires an oxygen and the two hydrogens bonded to it, again and again.
fn check_molecules(file: &str, atoms: &[&str], system: &System) -> Result<(), Error> {
    let expected = "O, H and H of each molecule of water, one after the other";
    if let Some(k) = (0..atoms.len()).find(|&k| atoms[k] != WATER[k % 3]) {
        return Err(unfit(file, format!("{} as atom {}", atoms[k], k + 1), expected));
    }
    if !atoms.len().is_multiple_of(3) {
        return Err(unfit(file, format!("{} atoms", atoms.len()), expected));
    }
    let least = system.cell.heights().iter().fold(f64::INFINITY, |m, h| m.min(*h));
    let limit = LONGEST_BOND.min(0.5 * least);
    for k in (0..atoms.len()).filter(|k| k % 3 > 0) {
        let oxygen = k - k % 3;
        let bond = system.cell.nearest(system.positions[oxygen], system.positions[k]);
        let r = norm(sub(bond, [0.0; 3]));
        if r.is_nan() || r >= limit {
            let found = format!("atoms {} and {} at {r:.3} A", oxygen + 1, k + 1);
            return Err(unfit(file, found, format!("a bond of less than {limit:.3} A")));
        }
    }
    Ok(())
}

impl Model {
    /// The potential, of whatever type it is.
    pub fn any(&self) -> &dyn AnyPotential {
        match self {
            Self::StillingerWeber(p) => p,
            Self::LennardJones(p) => p,
            Self::SuttonChen(p) => p,
            Self::FinnisSinclair(p) => p,
            Self::Water(p) => &**p,
            Self::File(p) => p,
        }
    }

    /// Does as [`Model::any`].
    pub fn into_any(self) -> Box<dyn AnyPotential> {
        match self {
            Self::StillingerWeber(p) => Box::new(p),
            Self::LennardJones(p) => Box::new(p),
            Self::SuttonChen(p) => Box::new(p),
            Self::FinnisSinclair(p) => Box::new(p),
            Self::Water(p) => p,
            Self::File(p) => Box::new(p),
        }
    }

    /// Distance in angstrom from which on atoms do not interact.
    pub(super) fn cutoff(&self) -> f64 {
        self.any().cutoff()
    }

    /// What users of LAMMPS would not expect of the potential of these elements.
    pub(super) fn notes(&self, elements: &[&str]) -> Vec<String> {
        match self {
            Self::File(p) => p.notes(elements),
            _ => Vec::new(),
        }
    }

    /// The forces on `system`, by a list with that skin.
    pub(super) fn field(
        &self,
        system: &System,
        skin: f64,
    ) -> Result<Box<dyn Source>, system::Error> {
        self.any().field(system, skin)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::md::{Field, boxes, fixtures};

    fn choice(name: &str, elements: &[(&str, &str)]) -> Choice {
        let owned = |(a, b): &(&str, &str)| ((*a).to_owned(), (*b).to_owned());
        Choice { name: name.to_owned(), elements: elements.iter().map(owned).collect() }
    }

    fn refusal(name: &str, system: &System) -> String {
        choice(name, &[]).model("a", &mut system.clone()).unwrap_err().to_string()
    }

    #[test]
    fn every_name_is_a_potential_for_its_species_and_no_other() {
        let worlds = [
            ("sw", boxes::silicon_crystal(1, 5.43)),
            ("lj", boxes::argon_crystal(1, 5.3)),
            ("sc", boxes::aluminium_crystal(2, 4.05)),
            ("fs", boxes::iron_crystal(2, 2.87)),
            ("spcfw-dsf", boxes::water(8, 1)),
            ("spcfw-rf", boxes::water(8, 1)),
            ("spcfw-ewald", boxes::water(8, 1)),
        ];
        assert_eq!(worlds.len(), BUILT_IN.len(), "all of them");
        for (name, system) in &worlds {
            let mut system = system.clone();
            let model = choice(name, &[]).model("a", &mut system).unwrap();
            let forces = model.field(&system, 0.5).unwrap().forces().clone();
            assert!(forces.energy < 0.0, "{name}: {} eV", forces.energy);
            let other = if *name == "sw" { &worlds[1].1 } else { &worlds[0].1 };
            let why = refusal(name, other);
            assert!(
                why.starts_with(&format!("a: found the species {}", other.elements[0])),
                "{why}"
            );
        }
        let why = refusal("nope", &worlds[0].1);
        assert!(why.starts_with("nope: found no potential of this name"), "{why}");
    }

    #[test]
    fn a_species_may_have_another_name_in_the_potential() {
        let argon = boxes::argon_crystal(2, 5.3);
        let mut krypton = System { elements: vec!["Kr".to_owned()], ..argon.clone() };
        let model = choice("lj", &[("Kr", "Ar"), ("Xe", "Ar")]).model("a", &mut krypton).unwrap();
        let of_argon = choice("lj", &[]).model("a", &mut argon.clone()).unwrap();
        let [got, want] = [(model, krypton), (of_argon, argon)]
            .map(|(model, system)| model.field(&system, 0.5).unwrap().forces().energy);
        assert_eq!(got, want, "energy");
    }

    #[test]
    fn the_dsf_and_rf_water_of_a_file_are_those_of_the_cases() {
        let full = fixtures::water_192();
        let mut bare = full.clone();
        (bare.charges, bare.topology) = (vec![0.0; 192], system::Topology::default());
        for (name, water) in
            [("spcfw-dsf", boxes::damped_water()), ("spcfw-rf", boxes::water_in_a_field())]
        {
            let mut system = bare.clone();
            let model = choice(name, &[]).model("a", &mut system).unwrap();
            assert_eq!(system, full, "charges and bonds");
            let got = model.field(&system, 0.5).unwrap().forces().energy;
            let want = Field::new(water, &full, 0.5).unwrap().forces().energy;
            // Constants that a compiler folds may round otherwise.
            assert!((got / want - 1.0).abs() < 1e-13, "{name}: {got} eV, not {want}");
        }
    }

    /// All images and the damped sum differ by what the damping leaves out; waves that end too early
    /// would differ by more.
    #[test]
    fn the_waves_of_ewald_water_are_long_enough() {
        let mut system = fixtures::water_192();
        let model = choice("spcfw-ewald", &[]).model("a", &mut system).unwrap();
        let exact = Electrostatics::Ewald { alpha: 0.5, longest: 5.0 };
        let exact = Field::new(Water::new(Molecule::SPC_FW, exact, 9.0), &system, 0.5).unwrap();
        let field = model.field(&system, 0.5).unwrap();
        let pairs = field.forces().forces.iter().zip(&exact.forces().forces);
        let off = pairs.map(|(a, b)| norm(sub(*a, *b))).fold(0.0, f64::max);
        assert!(off < 1e-4, "{off} eV/A");
    }

    #[test]
    fn atoms_that_are_no_molecules_of_water_are_named() {
        let water = boxes::water(27, 2);
        let with = |change: &dyn Fn(&mut System)| {
            let mut system = water.clone();
            change(&mut system);
            refusal("spcfw-dsf", &system)
        };
        let why = with(&|s| s.species.swap(3, 4));
        assert!(why.starts_with("a: found H as atom 4, expected O, H and H of each"), "{why}");
        let why = with(&|s| {
            s.species.pop();
            s.positions.pop();
        });
        assert!(why.starts_with("a: found 80 atoms, expected O, H and H"), "{why}");
        let mut two = water.clone();
        two.elements.push("S".to_owned());
        two.species[3] = 2;
        let why = choice("spcfw-dsf", &[("S", "O")]).model("a", &mut two).unwrap_err().to_string();
        assert!(why.starts_with("a: found the species S as an oxygen"), "{why}");
        let why = with(&|s| s.positions[5][1] += 1.9);
        assert!(why.starts_with("a: found atoms 4 and 6 at "), "{why}");
        assert!(why.contains("expected a bond of less than 1.600 A"), "{why}");
    }
}
