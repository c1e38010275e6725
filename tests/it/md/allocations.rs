//! The forms of a potential that no case steps with allocate nothing either.

use stepmark::md::boxes::{silicon_crystal, water};
use stepmark::md::potentials::water::Molecule;
use stepmark::md::potentials::{Electrostatics, Mixed, Paths};
use stepmark::md::{Field, StillingerWeber, System, Water};

use crate::rom::allocations::blocks;

fn assert_none<P: Paths>(name: &str, potential: P, system: &System) {
    let mut field = Field::new(potential, system, 1.0).unwrap();
    field.update(system.atoms());
    assert_eq!(blocks(|| field.update(system.atoms())), 0, "{name}");
}

#[test]
fn an_update_allocates_nothing() {
    let molecules = water(8, 1);
    for electrostatics in [
        Electrostatics::DampedShifted { alpha: 0.2 },
        Electrostatics::ReactionField { dielectric: 78.3 },
        Electrostatics::Ewald { alpha: 0.5, longest: 3.0 },
    ] {
        let water = Water::new(Molecule::SPC_FW, electrostatics, 6.0);
        assert_none(&format!("{electrostatics:?}"), water, &molecules);
        assert_none(&format!("{electrostatics:?}, mixed"), Mixed(water), &molecules);
    }
    let silicon = Mixed(StillingerWeber::SILICON);
    assert_none("silicon, mixed", silicon, &silicon_crystal(2, 5.43));
}
