//! Whether what was timed is right: forces by the definition, energy that stays.
//!
//! Sampled steps are compared with the definition of the potential, within the bound that it derives;
//! a profile of forces that differ by more is refused. The total energy of velocity Verlet oscillates
//! around a line, by an amount that grows as the square of the step: the root mean square around that
//! line tells whether the step is short enough, and the slope is the drift. Its interval is by the
//! means of 20 blocks, for steps that follow each other depend on each other.

use serde::{Deserialize, Serialize};

use super::Error;
use super::record::Record;
use crate::md::field::AnyPotential;
use crate::md::{BOLTZMANN, Forces, System};
use crate::profile::line::{Slope, detrended_rms, slope_of_blocks};

/// The root mean square of the energy around its line, in kT per atom, beyond which a step is too
/// long. A choice of this crate: the boxes of its fixtures stay below a fiftieth of it.
pub const MOST_RMS_KT: f64 = 0.01;
const BLOCKS: usize = 20;

/// How far the timed forces are from the definition.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Agreement {
    /// Steps that were compared.
    pub steps: usize,
    /// The largest difference of a component of a force, eV/angstrom.
    pub force_ev_per_angstrom: f64,
    /// The largest difference of the energy, eV.
    pub energy_ev: f64,
    /// The largest difference of a component of the virial, eV.
    pub virial_ev: f64,
    /// The largest of all differences as a share of its bound.
    pub bound_share: f64,
}

/// How well the energy is kept.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Kept {
    /// The mean temperature, K.
    pub kelvin: f64,
    /// The root mean square of the total energy around its line, meV per atom.
    pub detrended_rms_mev_per_atom: f64,
    /// The same in kT per atom.
    pub detrended_rms_kt_per_atom: f64,
    /// The slope of the total energy, kT per atom and nanosecond; null of fewer than three steps.
    pub drift_kt_per_atom_ns: Option<Slope>,
    /// Whether the root mean square is below [`MOST_RMS_KT`].
    pub is_kept: bool,
}

/// How far another potential is from the one that was timed, on the same steps.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Against {
    /// The other one.
    pub model: String,
    /// Steps that were compared.
    pub steps: usize,
    /// The root mean square of the differences of components of forces, eV/angstrom.
    pub force_rmse_ev_per_angstrom: f64,
    /// The same over the root mean square of the other one's components.
    pub force_rmse_share: Option<f64>,
    /// The root mean square of the differences of energies, meV per atom; energies that differ by a
    /// constant count as equal.
    pub energy_rmse_mev_per_atom: f64,
}

/// Compares sampled steps with the definition.
///
/// # Errors
///
/// If something is further off than its bound.
pub fn agreement(
    potential: &dyn AnyPotential,
    compared: &[(System, Forces)],
) -> Result<Agreement, Error> {
    let mut found = Agreement {
        steps: compared.len(),
        force_ev_per_angstrom: 0.0,
        energy_ev: 0.0,
        virial_ev: 0.0,
        bound_share: 0.0,
    };
    for (system, timed) in compared {
        let want = potential.reference(system.atoms());
        let bound = potential.bound(system.atoms());
        let mut judge = |what: &dyn Fn() -> String, [got, want, bound]: [f64; 3]| {
            let off = (got - want).abs();
            if off > 0.0 {
                found.bound_share = found.bound_share.max(off / bound);
            }
            let is_fine = off <= bound;
            let refusal = || Error::Differs { what: what(), found: got, expected: want, bound };
            if is_fine { Ok(off) } else { Err(refusal()) }
        };
        let energy = [timed.energy, want.energy, bound.energy];
        found.energy_ev = found.energy_ev.max(judge(&|| "the energy".to_owned(), energy)?);
        for (k, force) in timed.forces.iter().enumerate() {
            for a in 0..3 {
                let what = || format!("the force on atom {} along {}", k + 1, ["x", "y", "z"][a]);
                let all = [force[a], want.forces[k][a], bound.forces[k][a]];
                let off = judge(&what, all)?;
                found.force_ev_per_angstrom = found.force_ev_per_angstrom.max(off);
            }
        }
        for a in 0..3 {
            for b in 0..3 {
                let what = || format!("the virial, row {}, column {}", a + 1, b + 1);
                let off =
                    judge(&what, [timed.virial[a][b], want.virial[a][b], bound.virial[a][b]])?;
                found.virial_ev = found.virial_ev.max(off);
            }
        }
    }
    Ok(found)
}

/// Compares sampled steps with another potential; `model` is its name.
pub fn against(model: &str, other: &dyn AnyPotential, compared: &[(System, Forces)]) -> Against {
    let (mut square, mut size, mut components) = (0.0, 0.0, 0.0);
    let mut energies = Vec::new();
    for (system, timed) in compared {
        let want = other.reference(system.atoms());
        for (a, b) in timed.forces.iter().flatten().zip(want.forces.iter().flatten()) {
            square += (a - b).powi(2);
            size += b * b;
            components += 1.0;
        }
        energies.push(1000.0 * (timed.energy - want.energy) / system.len() as f64);
    }
    let steps = energies.len();
    let mean = energies.iter().sum::<f64>() / steps.max(1) as f64;
    let spread: f64 = energies.iter().map(|e| (e - mean).powi(2)).sum();
    Against {
        model: model.to_owned(),
        steps,
        force_rmse_ev_per_angstrom: (square / f64::max(components, 1.0)).sqrt(),
        force_rmse_share: (size > 0.0).then(|| (square / size).sqrt()),
        energy_rmse_mev_per_atom: (spread / steps.max(1) as f64).sqrt(),
    }
}

/// How well the energy of `atoms` atoms is kept over all repeats.
///
/// # Errors
///
/// Says why there is none to keep.
pub fn kept(repeats: &[Record], atoms: usize, dt_ps: f64) -> Result<Kept, String> {
    let kinetic: Vec<f64> =
        repeats.iter().flat_map(|record| record.kinetic_ev.iter().copied()).collect();
    let potential = repeats.iter().flat_map(|record| record.potential_ev.iter());
    let total: Vec<f64> = potential.zip(&kinetic).map(|(a, b)| a + b).collect();
    if total.is_empty() {
        return Err("the frames are not integrated: no energy has to stay".to_owned());
    }
    if atoms < 2 {
        return Err("one atom has no temperature".to_owned());
    }
    let freedom = 3.0 * (atoms - 1) as f64;
    let kt = 2.0 * kinetic.iter().sum::<f64>() / kinetic.len() as f64 / freedom;
    if kt <= 0.0 {
        return Err("the atoms are at rest".to_owned());
    }
    let per_atom = detrended_rms(&total) / atoms as f64;
    // Per step, then per nanosecond.
    let unit = 1000.0 / dt_ps / (atoms as f64 * kt);
    let drift = slope_of_blocks(&total, BLOCKS).map(|Slope { value, low, high }| Slope {
        value: unit * value,
        low: unit * low,
        high: unit * high,
    });
    Ok(Kept {
        kelvin: kt / BOLTZMANN,
        detrended_rms_mev_per_atom: 1000.0 * per_atom,
        detrended_rms_kt_per_atom: per_atom / kt,
        drift_kt_per_atom_ns: drift,
        is_kept: per_atom < MOST_RMS_KT * kt,
    })
}
