//! Velocities and the units that they may be in.
//!
//! No writer but ASE states a unit. LAMMPS writes `vel` in angstrom/ps or angstrom/fs, after its
//! own `units`; GPUMD writes `vel` and QUIP `velo`, both in angstrom/fs. A wrong guess is a factor
//! of a million in the temperature, so nothing is guessed: the unit is the one that the caller
//! states, else that of the key `velocity_unit`, else the one in which the atoms have the
//! `Temperature` of line 2.
//!
//! `momenta` of ASE are in amu angstrom per sqrt(amu angstrom^2 / eV), a time of 10.18 fs:
//! v = p / (m sqrt([`MVV2E`])) in angstrom/ps.

use std::fmt;
use std::str::FromStr;

use super::{Error, Frame, Value};
use crate::md::system::{System, Vector};
use crate::md::{BOLTZMANN, MVV2E};

/// The column of ASE's momenta.
pub(super) const MOMENTA: &str = "momenta";

/// The key of line 2 that states the unit of velocities.
pub(super) const UNIT: &str = "velocity_unit";

/// The key of line 2 that states a temperature in K.
pub(super) const TEMPERATURE: &str = "Temperature";

/// How far the temperature of the atoms may be from that of line 2, as a share of the latter.
const TOLERANCE: f64 = 0.05;

/// The unit of a column of velocities.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum VelocityUnit {
    /// Angstrom per picosecond.
    PerPicosecond,
    /// Angstrom per femtosecond.
    PerFemtosecond,
}

impl VelocityUnit {
    const ALL: [Self; 2] = [Self::PerPicosecond, Self::PerFemtosecond];

    /// One of it in angstrom/ps.
    fn factor(self) -> f64 {
        match self {
            Self::PerPicosecond => 1.0,
            Self::PerFemtosecond => 1000.0,
        }
    }
}

impl fmt::Display for VelocityUnit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::PerPicosecond => "A/ps",
            Self::PerFemtosecond => "A/fs",
        })
    }
}

impl FromStr for VelocityUnit {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let known = Self::ALL.into_iter().find(|unit| unit.to_string() == text);
        known.ok_or_else(|| format!("found {text:?}, expected A/ps or A/fs"))
    }
}

/// The columns that say how the atoms move.
#[derive(Debug, Clone, PartialEq)]
pub struct Motion {
    /// Their name: `momenta`, or a name of velocities.
    pub column: String,
    /// The numbers as they stand in the file.
    pub values: Vec<Vector>,
}

/// How a column is to be taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// Three numbers per atom.
    Motion,
    /// A number per atom along this axis.
    Component(usize),
    /// A name that speaks of motion, without a known meaning.
    Unread,
    /// No motion.
    Other,
}

/// What a column of this name and type is.
pub(super) fn kind(name: &str, is_number: bool, columns: usize) -> Kind {
    let name = name.to_ascii_lowercase();
    let is_vector = is_number && columns == 3;
    let is_component = is_number && columns == 1;
    match name.as_str() {
        "velo" | "vel" | "velocities" | "velocity" | MOMENTA if is_vector => Kind::Motion,
        "v" => {
            if is_vector {
                Kind::Motion
            } else {
                Kind::Other
            }
        }
        "vx" if is_component => Kind::Component(0),
        "vy" if is_component => Kind::Component(1),
        "vz" if is_component => Kind::Component(2),
        "vx" | "vy" | "vz" => Kind::Unread,
        _ if name.starts_with("vel") || name.starts_with("momen") => Kind::Unread,
        _ => Kind::Other,
    }
}

impl Frame {
    /// The velocities of the atoms in angstrom/ps; `system` is the frame with atoms at rest.
    pub(super) fn velocities(
        &self,
        file: &str,
        system: &System,
        stated: Option<VelocityUnit>,
    ) -> Result<Vec<Vector>, Error> {
        let unfit = |found: String, expected: &str| super::unfit(file, found, expected);
        let Some(Motion { column, values }) = &self.motion else {
            if let Some(name) = self.unread.first() {
                let expected = "velocities as velo:R:3 or vel:R:3, momenta of ASE as momenta:R:3, \
                                or no such column";
                return Err(unfit(format!("the column {name}"), expected));
            }
            return Ok(system.velocities.clone());
        };
        if column.eq_ignore_ascii_case(MOMENTA) {
            let velocity = |(p, m): (&Vector, &f64)| p.map(|p| p / (m * MVV2E.sqrt()));
            return Ok(values.iter().zip(&system.masses).map(velocity).collect());
        }
        if values.iter().flatten().all(|v| *v == 0.0) {
            return Ok(values.clone());
        }
        let named = match self.pair(UNIT) {
            None => None,
            Some(value) => Some(
                value
                    .text()
                    .parse()
                    .map_err(|_| unfit(format!("{UNIT}={:?}", value.text()), "A/ps or A/fs"))?,
            ),
        };
        let kinetic = |unit: VelocityUnit| {
            let scale = |v: &Vector| v.map(|v| v * unit.factor());
            let velocities = values.iter().map(scale).collect();
            System { velocities, ..system.clone() }.kinetic_energy()
        };
        let n = values.len() as f64;
        // Some writers leave the degrees of freedom of the centre in.
        let kelvin = |unit| [3.0 * n - 3.0, 3.0 * n].map(|f| 2.0 * kinetic(unit) / (f * BOLTZMANN));
        let written = self.pair(TEMPERATURE).and_then(Value::numbers);
        let written = written.filter(|t| t.len() == 1).map(|t| t[0]);
        let meets = |unit: &VelocityUnit| {
            let near = |t: f64| written.is_some_and(|w| (t - w).abs() <= TOLERANCE * w);
            kelvin(*unit).into_iter().any(near)
        };
        let measured = VelocityUnit::ALL.into_iter().find(meets);
        let says = |unit| format!("{:.4} K in {unit}", kelvin(unit)[usize::from(n < 2.0)]);
        let both = VelocityUnit::ALL.map(says).join(", ");
        match (stated.or(named), measured) {
            (Some(unit), _) if stated.is_some() && named.is_some_and(|named| named != unit) => {
                let found = format!("{UNIT} in the file and the stated unit {unit} differ");
                Err(unfit(found, "one of the two"))
            }
            (Some(unit), Some(other)) if unit != other => {
                let found = format!("velocities {column} of {both}");
                let written = written.unwrap_or_default();
                let expected = format!("{unit} and the {TEMPERATURE} of {written} K to agree");
                Err(unfit(found, &expected))
            }
            (Some(unit), _) | (None, Some(unit)) => {
                Ok(values.iter().map(|v| v.map(|v| v * unit.factor())).collect())
            }
            (None, None) => {
                let header = written.map_or(String::new(), |w| format!("; line 2 says {w} K"));
                let found = format!("velocities {column} without a unit: {both}{header}");
                let expected = format!(
                    "the unit: state A/ps or A/fs, or write {UNIT}=A/ps or {UNIT}=A/fs in line 2"
                );
                Err(unfit(found, &expected))
            }
        }
    }
}
