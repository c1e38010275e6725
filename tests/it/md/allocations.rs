//! The forms of a potential that no case steps with allocate nothing either, nor do steps that build
//! or prune their list.

use stepmark::md::boxes::{self, Substance, silicon_crystal, water};
use stepmark::md::field::Source as _;
use stepmark::md::potentials::water::Molecule;
use stepmark::md::potentials::{Electrostatics, Mixed, Paths, Truncation};
use stepmark::md::{
    EmbeddedAtom, Field, FinnisSinclair, Langevin, LennardJones, Potential, StillingerWeber,
    SuttonChen, System, Water, integrate,
};

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

/// Runs from a crystal at rest, whose pairs within the cutoff become more, with a skin so thin that lists are
/// built, and those of clusters pruned, on the way.
fn assert_none_in_a_run<P: Potential>(potential: P, substance: Substance) {
    let name = substance.name();
    let mut system = substance.at_rest(96, 1);
    boxes::thermalise(&mut system, 1, 2.0 * substance.kelvin());
    let mut field = Field::new(potential, &system, 0.3).unwrap();
    let (bath, dt_ps) =
        (Langevin { kelvin: substance.kelvin(), friction_per_ps: 1.0, seed: 1 }, substance.dt_ps());
    integrate::run(&mut system, &mut field, dt_ps, 1);
    let blocks = blocks(|| {
        integrate::run(&mut system, &mut field, dt_ps, 150);
        bath.run(&mut system, &mut field, dt_ps, 0..150);
    });
    let upkeep = field.upkeep();
    assert!(upkeep.builds >= 3, "{name}: {upkeep:?}");
    assert!(upkeep.prunings == 0 || upkeep.prunings > upkeep.builds, "{name}: {upkeep:?}");
    assert_eq!((blocks, upkeep.dangerous_builds), (0, 0), "{name}: {upkeep:?}");
}

#[test]
fn a_run_that_builds_and_prunes_its_list_allocates_nothing() {
    let argon = LennardJones::argon(Truncation::ForceShifted);
    assert_none_in_a_run(StillingerWeber::SILICON, Substance::Silicon);
    assert_none_in_a_run(Mixed(StillingerWeber::SILICON), Substance::Silicon);
    assert_none_in_a_run(argon, Substance::Argon);
    assert_none_in_a_run(Mixed(argon), Substance::Argon);
    assert_none_in_a_run(EmbeddedAtom(SuttonChen::ALUMINIUM), Substance::Aluminium);
    assert_none_in_a_run(EmbeddedAtom(FinnisSinclair::IRON), Substance::Iron);
    assert_none_in_a_run(boxes::damped_water(), Substance::Water);
}
