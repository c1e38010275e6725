//! Velocities and the units that they may be in.
//!
//! The `momenta` of ASE have its own unit. LAMMPS writes `vel` in angstrom/ps or angstrom/fs, after its
//! own `units`; GPUMD writes `vel` and QUIP `velo`, both in angstrom/fs. A wrong guess is a factor
//! of a million in the temperature, so nothing is guessed: the unit is the one that the caller
//! states, else that of the key `velocity_unit`, else the one in which the atoms have the
//! `Temperature` of line 2. A key with two values says nothing, which is an error if the unit hangs
//! on it.
//!
//! `momenta` of ASE are in amu angstrom per sqrt(amu angstrom^2 / eV), a time of 10.18 fs:
//! v = p / (m sqrt([`MVV2E`])) in angstrom/ps.
//!
//! Atoms at rest beside a `Temperature` are an error: their velocities were left out.

use std::fmt;
use std::str::FromStr;

use super::{About, Error, Frame, Value, quote};
use crate::md::system::{System, Vector};
use crate::md::{BOLTZMANN, MVV2E};

/// The column of ASE's momenta.
pub(super) const MOMENTA: &str = "momenta";

/// The key of line 2 that states the unit of velocities.
pub(in crate::md) const UNIT: &str = "velocity_unit";

/// The key of line 2 that states a temperature in K.
pub(super) const TEMPERATURE: &str = "Temperature";

/// How far the temperature of the atoms may be from that of line 2, as a share of the latter.
const TOLERANCE: f64 = 0.05;

/// What a frame at rest lacks.
const REST: &str =
    "velocities or momenta of the atoms; without that key they are taken to be at rest";

/// Speeds beyond this many angstrom/ps, about that of light, are taken for damage.
const FASTEST: f64 = 3e6;

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

/// A temperature in K, if the value is one number.
fn kelvin(value: &Value) -> Option<f64> {
    value.numbers().filter(|t| t.len() == 1).map(|t| t[0])
}

/// The columns that say how the atoms move.
#[derive(Debug, Clone, PartialEq)]
pub struct Motion {
    /// Their name: `momenta`, or a name of velocities.
    pub column: String,
    /// The numbers as they stand in the file.
    pub values: Vec<Vector>,
}

impl Motion {
    /// The momenta of a system in the unit of ASE. Velocities read from them differ from those of the
    /// system by a rounding or two.
    pub fn momenta(system: &System) -> Self {
        let atoms = system.velocities.iter().zip(&system.masses);
        let values = atoms.map(|(v, m)| v.map(|v| v * m * MVV2E.sqrt())).collect();
        Self { column: MOMENTA.to_owned(), values }
    }
}

impl Frame {
    /// Requires that line 2 gives no temperature to the atoms, which are at rest.
    fn check_rest(&self, file: &str, how: &str) -> Result<(), Error> {
        match self.values(TEMPERATURE).filter_map(kelvin).find(|kelvin| *kelvin != 0.0) {
            Some(kelvin) => Err(super::unfit(file, format!("{TEMPERATURE}={kelvin} {how}"), REST)),
            None => Ok(()),
        }
    }

    /// The velocities of the atoms in angstrom/ps; `system` is the frame with atoms at rest.
    pub(super) fn velocities(
        &self,
        file: &str,
        system: &System,
        stated: Option<VelocityUnit>,
    ) -> Result<Vec<Vector>, Error> {
        let unfit = |found: String, expected: &str| super::unfit(file, found, expected);
        let Some(Motion { column, values }) = &self.motion else {
            if let Some(unread) = self.unread(About::Motion) {
                let expected = "velocities as velo:R:3 or vel:R:3, momenta of ASE as momenta:R:3, \
                                or no such column";
                return Err(unfit(format!("the column {}", unread.declared), expected));
            }
            self.check_rest(file, "without velocities")?;
            return Ok(system.velocities.clone());
        };
        if values.iter().flatten().all(|v| *v == 0.0) {
            self.check_rest(file, &format!("beside {column} that are all zero"))?;
            return Ok(values.clone());
        }
        let temperature = self.only(file, TEMPERATURE).map(|value| value.and_then(kelvin));
        let written = temperature.as_ref().ok().copied().flatten();
        // Temperatures of these numbers as velocities that are so many angstrom/ps each.
        let is_momenta = column.eq_ignore_ascii_case(MOMENTA);
        let per_mass = |(v, m): (&Vector, &f64)| v.map(|v| if is_momenta { v / m } else { v });
        let velocities: Vec<_> = values.iter().zip(&system.masses).map(per_mass).collect();
        let kinetic = System { velocities: velocities.clone(), ..system.clone() }.kinetic_energy();
        let n = values.len() as f64;
        // Some writers leave the degrees of freedom of the centre in.
        let freedom = [3.0 * n - 3.0, 3.0 * n];
        let in_kelvin =
            |factor: f64| freedom.map(|f| 2.0 * kinetic * factor * factor / (f * BOLTZMANN));
        let meets = |factor: f64| {
            let near = |t: f64| written.is_some_and(|w| (t - w).abs() <= TOLERANCE * w);
            in_kelvin(factor).into_iter().any(near)
        };
        let says = |factor| format!("{:.4} K", in_kelvin(factor)[usize::from(n < 2.0)]);
        let read = |factor: f64| {
            let read: Vec<_> = velocities.iter().map(|v| v.map(|v| v * factor)).collect();
            match read.iter().flatten().find(|v| v.abs() > FASTEST) {
                Some(v) => Err(unfit(format!("{column} of {v:e} A/ps"), "less than that of light")),
                None => Ok(read),
            }
        };
        let measured = VelocityUnit::ALL.into_iter().find(|unit| meets(unit.factor()));
        if is_momenta {
            let factor = 1.0 / MVV2E.sqrt();
            return match (measured, written) {
                (Some(unit), Some(written)) if !meets(factor) => {
                    let found = format!("{column} of {} in the unit of ASE", says(factor));
                    let expected =
                        format!("that unit; of amu {unit} they are {written} K, as line 2 says");
                    Err(unfit(found, &expected))
                }
                _ => read(factor),
            };
        }
        let named = match self.only(file, UNIT) {
            Err(_) if stated.is_some() => None,
            named => named?,
        };
        let parsed = |value: &Value| {
            let text = value.text();
            text.parse().map_err(|_| unfit(format!("{UNIT}={}", quote(text)), "A/ps or A/fs"))
        };
        let named = named.map(parsed).transpose()?;
        if stated.or(named).is_none() {
            temperature?;
        }
        let both = VelocityUnit::ALL.map(|unit| format!("{} in {unit}", says(unit.factor())));
        let both = both.join(", ");
        match (stated.or(named), measured) {
            (Some(unit), _) if stated.is_some() && named.is_some_and(|named| named != unit) => {
                let found = format!("{UNIT} in the file and the stated unit {unit} differ");
                Err(unfit(found, super::ONE))
            }
            (Some(unit), Some(other)) if unit != other => {
                let found = format!("velocities {column} of {both}");
                let written = written.unwrap_or_default();
                let expected = format!("{unit} and the {TEMPERATURE} of {written} K to agree");
                Err(unfit(found, &expected))
            }
            (Some(unit), _) | (None, Some(unit)) => read(unit.factor()),
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
