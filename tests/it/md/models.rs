//! The potentials of the vectors of molecular dynamics, and the boxes that they act on.

use serde_json::Value;
use stepmark::md::potentials::water::{Molecule, topology};
use stepmark::md::potentials::{Electrostatics, Truncation};
use stepmark::md::{
    COULOMB, Cell, EmbeddedAtom, FinnisSinclair, LennardJones, Potential, StillingerWeber,
    SuttonChen, System, Water,
};

use super::conformance::{close, matrix, number, vectors};

/// The name of the water model.
pub(crate) const WATER: &str = "SPC/Fw";

/// The kinds of model that [`with_potential`] knows.
pub(crate) const KNOWN: [&str; 5] =
    ["lennard-jones", "stillinger-weber", "sutton-chen", "finnis-sinclair", WATER];

/// Something done with a potential, whatever its type.
pub(crate) trait Use {
    fn with<P: Potential + Copy>(self, potential: P) -> Result<(), String>;
}

pub(crate) fn with_potential(model: &Value, cell: &Cell, task: impl Use) -> Result<(), String> {
    let get = |key| number(model, key);
    match model["kind"].as_str() {
        Some("lennard-jones") => {
            let truncation = match model["variant"].as_str() {
                Some("cut") => Truncation::Cut,
                Some("shift") => Truncation::EnergyShifted,
                Some("fshift") => Truncation::ForceShifted,
                other => return Err(format!("variant {other:?}")),
            };
            let (epsilon, sigma, cutoff) = (get("epsilon_eV")?, get("sigma")?, get("cutoff")?);
            task.with(LennardJones::new(epsilon, sigma, cutoff, truncation))
        }
        Some("stillinger-weber") => {
            if (get("p")?, get("q")?) != (4.0, 0.0) {
                return Err("exponents other than p = 4 and q = 0".to_owned());
            }
            task.with(StillingerWeber {
                epsilon: get("eps")?,
                sigma: get("sig")?,
                a: get("a")?,
                lambda: get("lam")?,
                gamma: get("gam")?,
                cos0: get("c0")?,
                bond: get("A")?,
                repulsion: get("B")?,
            })
        }
        Some("sutton-chen") => {
            if (get("n")?, get("m")?) != (7.0, 6.0) {
                return Err("exponents other than n = 7 and m = 6".to_owned());
            }
            task.with(EmbeddedAtom(SuttonChen {
                epsilon: get("eps")?,
                a: get("a")?,
                c: get("c")?,
                on: get("ron")?,
                cutoff: get("rc")?,
            }))
        }
        Some("finnis-sinclair") => task.with(EmbeddedAtom(FinnisSinclair {
            strength: get("A")?,
            d: get("d")?,
            beta: get("beta")?,
            c: get("c")?,
            coefficients: [get("c0")?, get("c1")?, get("c2")?],
        })),
        Some(WATER) => task.with(water(model, cell.heights())?),
        other => Err(format!("model kind {other:?}")),
    }
}

fn water(model: &Value, edges: [f64; 3]) -> Result<Water, String> {
    let get = |key| number(model, key);
    close("coulomb_eV_A", &[COULOMB], &[get("coulomb_eV_A")?], 1e-13)?;
    let electrostatics = match model["elec"].as_str() {
        Some("dsf") => Electrostatics::DampedShifted { alpha: get("alpha")? },
        // The permittivity that OpenMM takes unless told otherwise.
        Some("rf") => Electrostatics::ReactionField { dielectric: 78.3 },
        Some("ewald") => {
            // The most waves along an edge.
            let edge = edges.iter().fold(f64::INFINITY, |m, edge| m.min(*edge));
            let longest = std::f64::consts::TAU * get("kmax")? / edge;
            Electrostatics::Ewald { alpha: get("ewa")?, longest }
        }
        other => return Err(format!("elec {other:?}")),
    };
    let (kcal, given) = (get("kcal_mol_eV")?, &model["params"]);
    let get = |key| number(given, key);
    close("qO", &[get("qO")?], &[-2.0 * get("qH")?], 1e-15)?;
    let molecule = Molecule {
        bond: kcal * get("kb_kcal")?,
        length: get("r0")?,
        bend: kcal * get("ka_kcal")?,
        angle: get("theta0_deg")?.to_radians(),
        epsilon: kcal * get("eps_kcal")?,
        sigma: get("sigma")?,
        charge: get("qH")?,
    };
    Ok(Water::new(molecule, electrostatics, number(model, "rc")?))
}

/// The atoms of a box, with the charges and bonds of its model.
pub(crate) fn system(file: &Value) -> Result<System, String> {
    let cell = Cell::new(matrix(file, "cell")?).map_err(|e| e.to_string())?;
    let species: Vec<String> = file["species"]
        .as_array()
        .and_then(|all| all.iter().map(|s| s.as_str().map(str::to_owned)).collect())
        .ok_or("species is not a list of names")?;
    let positions = vectors(file, "positions")?;
    let n = positions.len();
    if species.len() != n {
        return Err(format!("{} species for {n} positions", species.len()));
    }
    let mut system = System::new(cell, &species, vec![1.0; n], positions);
    if file["model"]["kind"] == WATER {
        let molecules = species.chunks(3);
        if !molecules.clone().all(|atoms| atoms == ["O", "H", "H"]) {
            return Err("species other than O, H, H of one molecule after another".to_owned());
        }
        let hydrogen = number(&file["model"]["params"], "qH")?;
        let charges = [-2.0 * hydrogen, hydrogen, hydrogen];
        system.charges = molecules.flat_map(|_| charges).collect();
        system.topology = topology(n / 3);
    }
    Ok(system)
}
