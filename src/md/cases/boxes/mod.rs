//! Boxes of atoms to start from: crystals, thermal motion, and the recipes of the fixtures.
//!
//! A recipe heats a crystal by random velocities, holds it at a temperature by scaling the
//! velocities of each step by (1 + dt/tau (T0/T - 1))^(1/2), and then lets it run freely.
//!
//! Source of the scaling: H. J. C. Berendsen and others, J. Chem. Phys. 81 (1984) 3684-3690.

mod shape;
mod sized;
mod water;

pub use sized::{Substance, damped_water, ewald_water, water_in_a_field};
pub use water::{closest, water};

use crate::input::gaussian;
use crate::md::integrate;
use crate::md::potentials::{
    EmbeddedAtom, FinnisSinclair, LennardJones, Potential, StillingerWeber, SuttonChen, Truncation,
};
use crate::md::system::{Cell, System, Vector};
use crate::md::{BOLTZMANN, Field, MVV2E};

/// Standard atomic mass of silicon, amu.
const SILICON_AMU: f64 = 28.085;
/// Standard atomic mass of aluminium, amu.
const ALUMINIUM_AMU: f64 = 26.981_538_5;
/// Standard atomic mass of iron, amu.
const IRON_AMU: f64 = 55.845;
/// Standard atomic mass of argon, amu.
const ARGON_AMU: f64 = 39.948;

const FCC: [Vector; 4] = [[0.0, 0.0, 0.0], [0.0, 0.5, 0.5], [0.5, 0.0, 0.5], [0.5, 0.5, 0.0]];

/// A perfect silicon crystal of `repeat`^3 diamond cells of edge `lattice` angstrom, at rest.
///
/// # Panics
///
/// If there are no cells, or `lattice` is not positive.
pub fn silicon_crystal(repeat: usize, lattice: f64) -> System {
    silicon([repeat; 3], lattice)
}

/// A perfect argon crystal of `repeat`^3 face-centred cells of edge `lattice` angstrom, at rest.
///
/// # Panics
///
/// Those of [`silicon_crystal`].
pub fn argon_crystal(repeat: usize, lattice: f64) -> System {
    argon([repeat; 3], lattice)
}

/// A perfect aluminium crystal of `repeat`^3 face-centred cells of edge `lattice` angstrom, at rest.
///
/// # Panics
///
/// Those of [`silicon_crystal`].
pub fn aluminium_crystal(repeat: usize, lattice: f64) -> System {
    aluminium([repeat; 3], lattice)
}

/// A perfect iron crystal of `repeat`^3 body-centred cells of edge `lattice` angstrom, at rest.
///
/// # Panics
///
/// Those of [`silicon_crystal`].
pub fn iron_crystal(repeat: usize, lattice: f64) -> System {
    iron([repeat; 3], lattice)
}

fn silicon(repeats: [usize; 3], lattice: f64) -> System {
    let basis: Vec<Vector> = FCC.iter().flat_map(|&s| [s, s.map(|c| c + 0.25)]).collect();
    crystal("Si", SILICON_AMU, &basis, repeats, lattice)
}

fn argon(repeats: [usize; 3], lattice: f64) -> System {
    crystal("Ar", ARGON_AMU, &FCC, repeats, lattice)
}

fn aluminium(repeats: [usize; 3], lattice: f64) -> System {
    crystal("Al", ALUMINIUM_AMU, &FCC, repeats, lattice)
}

fn iron(repeats: [usize; 3], lattice: f64) -> System {
    crystal("Fe", IRON_AMU, &[[0.0; 3], [0.5; 3]], repeats, lattice)
}

fn crystal(symbol: &str, mass: f64, basis: &[Vector], repeats: [usize; 3], lattice: f64) -> System {
    let cell = Cell::orthorhombic(repeats.map(|n| n as f64 * lattice)).expect("a positive edge");
    let within = |corner: Vector| {
        basis.iter().map(move |s| std::array::from_fn(|a| lattice * (corner[a] + s[a])))
    };
    let positions: Vec<Vector> = shape::grid(repeats).flat_map(within).collect();
    let n = positions.len();
    System::new(cell, &vec![symbol; n], vec![mass; n], positions)
}

/// Moves every coordinate by a normal deviate of standard deviation `sigma` angstrom.
pub fn rattle(system: &mut System, seed: u64, sigma: f64) {
    let moves = gaussian(seed, 3 * system.len(), sigma);
    system.positions.iter_mut().flatten().zip(moves).for_each(|(x, d)| *x += d);
}

/// Draws velocities from Maxwell's distribution, then removes the motion of the centre of mass
/// and scales them so that the temperature is exactly `kelvin`.
///
/// A single atom is left at rest.
pub fn thermalise(system: &mut System, seed: u64, kelvin: f64) {
    let unit = gaussian(seed, 3 * system.len(), 1.0);
    for ((v, unit), m) in system.velocities.iter_mut().zip(unit.chunks_exact(3)).zip(&system.masses)
    {
        let sigma = (BOLTZMANN * kelvin / (m * MVV2E)).sqrt();
        *v = std::array::from_fn(|a| sigma * unit[a]);
    }
    stop(system);
    let found = system.temperature();
    let scale = if found > 0.0 { (kelvin / found).sqrt() } else { 0.0 };
    system.velocities.iter_mut().flatten().for_each(|v| *v *= scale);
}

/// Removes the motion of the centre of mass.
fn stop(system: &mut System) {
    let mass: f64 = system.masses.iter().sum();
    for a in 0..3 {
        let p: f64 = system.velocities.iter().zip(&system.masses).map(|(v, m)| m * v[a]).sum();
        system.velocities.iter_mut().for_each(|v| v[a] -= p / mass);
    }
}

/// Holds `system` near `kelvin` for `held` steps, then lets it run freely for `free` steps.
///
/// Steps are of `dt_ps`; the thermostat has a time constant of 0.1 ps.
///
/// # Panics
///
/// If the cell is far too small for the cutoff.
pub fn equilibrate<P: Potential>(
    system: &mut System,
    potential: P,
    kelvin: f64,
    dt_ps: f64,
    [held, free]: [usize; 2],
) {
    const TAU_PS: f64 = 0.1;
    let mut field = Field::new(potential, system, 1.0).expect("a cell as large as the cutoff");
    for _ in 0..held {
        integrate::run(system, &mut field, dt_ps, 1);
        let found = system.temperature().max(1e-3 * kelvin);
        let scale = (1.0 + dt_ps / TAU_PS * (kelvin / found - 1.0)).sqrt();
        system.velocities.iter_mut().flatten().for_each(|v| *v *= scale);
    }
    integrate::run(system, &mut field, dt_ps, free);
}

/// The fixture `silicon-512`: a silicon crystal at about 300 K, 4 ps held and 4 ps free.
pub fn silicon_512() -> System {
    let mut system = silicon_crystal(4, 5.431);
    thermalise(&mut system, 300, 600.0);
    equilibrate(&mut system, StillingerWeber::SILICON, 300.0, 0.001, [4000, 4000]);
    system
}

/// The fixture `argon-256`: an argon crystal at about 82 K and little pressure, 20 ps held and
/// 20 ps free.
pub fn argon_256() -> System {
    let mut system = argon_crystal(4, 5.40);
    thermalise(&mut system, 82, 164.0);
    let argon = LennardJones::argon(Truncation::ForceShifted);
    equilibrate(&mut system, argon, 82.0, 0.005, [4000, 4000]);
    system
}

/// The fixture `aluminium-500`: an aluminium crystal at about 300 K, 4 ps held and 4 ps free.
pub fn aluminium_500() -> System {
    let mut system = aluminium_crystal(5, 4.06);
    thermalise(&mut system, 300, 600.0);
    equilibrate(&mut system, EmbeddedAtom(SuttonChen::ALUMINIUM), 300.0, 0.001, [4000, 4000]);
    system
}

/// The fixture `iron-1024`: an iron crystal at about 300 K, 4 ps held and 4 ps free.
pub fn iron_1024() -> System {
    let mut system = iron_crystal(8, 2.87);
    thermalise(&mut system, 300, 600.0);
    equilibrate(&mut system, EmbeddedAtom(FinnisSinclair::IRON), 300.0, 0.001, [4000, 4000]);
    system
}

/// The fixture `water-192`: 64 molecules, 10 ps at 300 K.
pub fn water_192() -> System {
    Substance::Water.prepare(192, 192, 20_000)
}

/// The fixture `water-648`: 216 molecules, 5 ps at 300 K.
pub fn water_648() -> System {
    Substance::Water.prepare(648, 648, 10_000)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::md::Water;
    use crate::md::extxyz::Frame;
    use crate::md::neighbours::List as _;
    use crate::md::{Forces, NeighbourList, fixtures};
    use std::path::Path;

    /// `cargo test --release -- --ignored writes_the_md_fixtures` makes them anew.
    #[test]
    #[ignore = "writes to fixtures/"]
    fn writes_the_md_fixtures() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures");
        for (name, system) in [
            ("silicon-512", silicon_512()),
            ("argon-256", argon_256()),
            ("aluminium-500", aluminium_500()),
            ("iron-1024", iron_1024()),
            ("water-192", water_192()),
            ("water-648", water_648()),
        ] {
            let path = folder.join(name).with_extension("extxyz");
            Frame::of(&system).write(&path).unwrap();
            println!("{name}: {:.2} K", system.temperature());
            let each =
                |potential: Water| potential.reference(system.atoms()).energy / system.len() as f64;
            if name.starts_with("water") {
                let [damped, field] = [damped_water(), water_in_a_field()].map(each);
                println!("{name}: {damped:.6} eV per atom, {field:.6} in a reaction field");
            }
        }
    }

    /// Bit for bit only with the same mathematical library and order of additions: a last bit
    /// more or less grows to other positions within picoseconds.
    #[test]
    #[ignore = "takes seconds, and depends on the platform"]
    fn fixtures_are_reproduced() {
        assert_eq!(silicon_512(), fixtures::silicon_512(), "silicon");
        assert_eq!(argon_256(), fixtures::argon_256(), "argon");
        assert_eq!(aluminium_500(), fixtures::aluminium_500(), "aluminium");
        assert_eq!(iron_1024(), fixtures::iron_1024(), "iron");
        assert_eq!(water_192(), fixtures::water_192(), "water");
        assert_eq!(water_648(), fixtures::water_648(), "more water");
    }

    #[test]
    fn fixtures_are_near_equilibrium() {
        let (si, ar) = (fixtures::silicon_512(), fixtures::argon_256());
        assert_eq!((si.len(), ar.len()), (512, 256), "atoms");
        let energy = |out: Forces, system: &System| {
            let pressure = out.virial.iter().enumerate().map(|(a, row)| row[a]).sum::<f64>()
                / (3.0 * system.cell.volume());
            (out.energy / system.len() as f64, pressure)
        };
        let (each, virial) = energy(StillingerWeber::SILICON.reference(si.atoms()), &si);
        // Equipartition: 3 k T above the crystal's -4.3366 eV, half of it potential energy.
        let (kinetic, third) = (si.kinetic_energy() / 512.0, BOLTZMANN * 300.0);
        assert!((kinetic - 1.5 * third).abs() < 0.15 * third, "silicon: kinetic {kinetic} eV");
        let above = each + kinetic + 4.3366;
        assert!(
            (above - 3.0 * third).abs() < 0.05 * third,
            "silicon: {above} eV above the crystal"
        );
        assert!((si.temperature() - 300.0).abs() < 25.0, "silicon: {} K", si.temperature());
        assert!(virial.abs() < 0.01, "silicon: {virial} eV/angstrom^3");
        let argon = LennardJones::argon(Truncation::ForceShifted);
        let (each, virial) = energy(argon.reference(ar.atoms()), &ar);
        assert!((-0.075..-0.055).contains(&each), "argon: {each} eV per atom");
        assert!((ar.temperature() - 82.0).abs() < 12.0, "argon: {} K", ar.temperature());
        assert!(virial.abs() < 0.001, "argon: {virial} eV/angstrom^3");
    }

    #[test]
    fn no_fixture_moves_as_a_whole() {
        for system in [
            fixtures::silicon_512(),
            fixtures::argon_256(),
            fixtures::aluminium_500(),
            fixtures::iron_1024(),
            fixtures::water_192(),
            fixtures::water_648(),
        ] {
            for a in 0..3 {
                let momenta = system.velocities.iter().zip(&system.masses).map(|(v, m)| m * v[a]);
                let p: f64 = momenta.sum();
                assert!(p.abs() < 1e-6, "{} atoms: {p} amu angstrom/ps along {a}", system.len());
            }
        }
    }

    #[test]
    fn thermal_velocities_have_the_temperature_and_no_momentum() {
        let mut si = silicon_crystal(2, 5.43);
        si.masses.iter_mut().step_by(2).for_each(|m| *m = 100.0);
        thermalise(&mut si, 1, 450.0);
        assert!((si.temperature() - 450.0).abs() < 1e-9, "{} K", si.temperature());
        let px: f64 = si.velocities.iter().zip(&si.masses).map(|(v, m)| v[0] * m).sum();
        assert!(px.abs() < 1e-9, "momentum {px}");
        let again = {
            let mut si = si.clone();
            thermalise(&mut si, 1, 450.0);
            si.velocities
        };
        assert_eq!(again, si.velocities, "the same seed");
        thermalise(&mut si, 2, 450.0);
        assert_ne!(again, si.velocities, "another seed");
        let mut one = argon_crystal(1, 9.0);
        [&mut one.positions, &mut one.velocities].into_iter().for_each(|v| v.truncate(1));
        one.masses.truncate(1);
        thermalise(&mut one, 1, 450.0);
        assert_eq!(one.velocities, [[0.0; 3]], "one atom is at rest");
    }

    #[test]
    fn the_thermostat_reaches_its_temperature() {
        let mut si = silicon_crystal(2, 5.43);
        thermalise(&mut si, 1, 1500.0);
        equilibrate(&mut si, StillingerWeber::SILICON, 300.0, 0.001, [1000, 0]);
        assert!((si.temperature() - 300.0).abs() < 40.0, "{} K", si.temperature());
    }

    #[test]
    fn crystals_have_their_nearest_neighbours() {
        let si = silicon_crystal(2, 5.43);
        let list = NeighbourList::new(&si.cell, &si.positions, 2.4, 0.0).unwrap();
        assert_eq!((si.len(), list.counts(&si.positions)), (64, vec![4; 64]), "diamond");
        let ar = argon_crystal(3, 5.4);
        let list = NeighbourList::new(&ar.cell, &ar.positions, 3.9, 0.0).unwrap();
        assert_eq!((ar.len(), list.counts(&ar.positions)), (108, vec![12; 108]), "fcc");
    }
}
