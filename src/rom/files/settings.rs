//! The objects `rom` and `eval` of a configuration, as JSON.
//!
//! Known keys are checked; others are not read. Where a key has an older name, both are read, and the
//! newer one counts.

use serde_json::{Map, Value};
use thiserror::Error;

use crate::rom::evaluate::{Clamp, Mass};
use crate::rom::pod::{Config, Modes, Reference, Transform};

/// Why settings cannot be read.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum Error {
    /// It is no JSON.
    #[error("found no JSON ({0}), expected an object of settings")]
    Json(#[from] serde_json::Error),
    /// A value is of another type or out of its domain.
    #[error("{key}: found {found}, expected {expected}")]
    Value {
        /// The key.
        key: &'static str,
        /// Its value, as JSON.
        found: String,
        /// Its domain.
        expected: &'static str,
    },
}

/// The settings of the decomposition in the object `rom`.
///
/// # Errors
///
/// If it is no JSON object, or names a value that is out of its domain.
pub fn decomposition(json: &str) -> Result<Config, Error> {
    let object = Settings::of(json)?;
    let fixed = object.count(["fixed_modes", "fixed_d"], 1)?;
    let energy = object.number(["pod_energy", "energy_threshold"])?;
    let default = Config::default();
    let modes = match (fixed, energy) {
        (Some(modes), _) => Modes::Fixed(modes),
        (None, Some(part)) => Modes::Energy(part),
        (None, None) => default.modes,
    };
    let eps = object.number(["density_transform_eps"; 2])?.unwrap_or(Transform::EPS);
    let key = "density_transform";
    let transform =
        object.named(key, "raw, log, sqrt or meansub", |name| Transform::named(name, eps))?;
    let key = "shift_align_ref";
    let reference = object.named(key, "mean, first or median", Reference::named)?;
    let is_aligned = object.flag("shift_align")?.unwrap_or(false);
    Ok(Config {
        subsample: object.count(["subsample", "rom_subsample"], 1)?.unwrap_or(1),
        transform: transform.unwrap_or(default.transform),
        align: is_aligned.then_some(reference.unwrap_or(Reference::Mean)),
        modes,
        standardize: object.flag("latent_standardize")?.unwrap_or(default.standardize),
    })
}

/// What the object `eval` says of an evaluation.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Evaluation {
    /// When the forecast starts, in seconds.
    pub forecast_start: Option<f64>,
    /// What is done to densities below zero.
    pub clamp: Clamp,
    /// What is done to the mass after that.
    pub mass: Mass,
    /// After how many steps the scores of k steps go on from the truth.
    pub kstep_reset: Option<usize>,
}

/// The settings of the evaluation in the object `eval`; `mass_postprocess` may stand in `rom` instead.
///
/// With `mass_postprocess` = `simplex`, `clamp_mode` = `C2` becomes `C0`, as in wsindy-manifold: the nearest
/// frame of the simplex has no cell below zero, and a clamp before it would lead to another frame.
///
/// # Errors
///
/// If one is no JSON object, or names a value that is out of its domain.
pub fn evaluation(eval: &str, rom: &str) -> Result<Evaluation, Error> {
    let (eval, rom) = (Settings::of(eval)?, Settings::of(rom)?);
    let clamp = eval.named("clamp_mode", "C0, C1, C2 or simplex", Clamp::named)?;
    let clamp = match (clamp, eval.flag("clamp_negative")?) {
        (Some(clamp), _) => clamp,
        (None, Some(false)) => Clamp::Keep,
        (None, _) => Clamp::default(),
    };
    let mass = |of: &Settings| of.named("mass_postprocess", "none, scale or simplex", Mass::named);
    let mass = match mass(&eval)? {
        Some(mass) => mass,
        None => mass(&rom)?.unwrap_or_default(),
    };
    let is_projected = eval.flag("mass_project")?.unwrap_or(false);
    let is_redundant = clamp == Clamp::Rescale && mass == Mass::Simplex;
    Ok(Evaluation {
        forecast_start: eval.number(["forecast_start"; 2])?,
        clamp: if is_redundant { Clamp::Keep } else { clamp },
        mass: if is_projected && mass == Mass::Keep { Mass::Scale } else { mass },
        kstep_reset: eval.count(["kstep_reset"; 2], 0)?.filter(|k| *k > 0),
    })
}

/// An object of settings.
struct Settings(Map<String, Value>);

impl Settings {
    fn of(json: &str) -> Result<Self, Error> {
        Ok(Self(serde_json::from_str(json)?))
    }

    /// The value of a key; `null` is none.
    fn get(&self, key: &str) -> Option<&Value> {
        self.0.get(key).filter(|value| !value.is_null())
    }

    /// The value of the first key that is there, read by `read`.
    fn read<T>(
        &self,
        keys: [&'static str; 2],
        expected: &'static str,
        read: impl Fn(&Value) -> Option<T>,
    ) -> Result<Option<T>, Error> {
        let Some((key, value)) = keys.iter().find_map(|key| Some((key, self.get(key)?))) else {
            return Ok(None);
        };
        let wrong = || Error::Value { key, found: value.to_string(), expected };
        read(value).map(Some).ok_or_else(wrong)
    }

    fn count(&self, keys: [&'static str; 2], least: u64) -> Result<Option<usize>, Error> {
        let expected =
            if least > 0 { "a whole number above 0" } else { "a whole number, 0 or more" };
        self.read(keys, expected, |value| {
            value.as_u64().filter(|n| *n >= least).and_then(|n| usize::try_from(n).ok())
        })
    }

    fn number(&self, keys: [&'static str; 2]) -> Result<Option<f64>, Error> {
        self.read(keys, "a number", Value::as_f64)
    }

    fn flag(&self, key: &'static str) -> Result<Option<bool>, Error> {
        self.read([key; 2], "true or false", Value::as_bool)
    }

    fn named<T>(
        &self,
        key: &'static str,
        expected: &'static str,
        named: impl Fn(&str) -> Option<T>,
    ) -> Result<Option<T>, Error> {
        self.read([key; 2], expected, |value| named(value.as_str()?))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_and_their_older_names_are_read() {
        assert_eq!(decomposition("{}").unwrap(), Config::default(), "defaults");
        let json = r#"{"fixed_d": 7, "rom_subsample": 3, "density_transform": "log", "more": [1],
                      "shift_align": true, "pod_energy": 0.9, "density_transform_eps": 1e-10,
                      "latent_standardize": true}"#;
        let found = decomposition(json).unwrap();
        let transform = Transform::Log { eps: 1e-10 };
        let (align, modes) = (Some(Reference::Mean), Modes::Fixed(7));
        assert_eq!(found, Config { subsample: 3, transform, align, modes, standardize: true });
        let found = decomposition(r#"{"energy_threshold": 0.9, "pod_energy": null}"#).unwrap();
        assert_eq!(found.modes, Modes::Energy(0.9));
        let (clamp, mass) = (Clamp::Rescale, Mass::Keep);
        let default = Evaluation { forecast_start: None, clamp, mass, kstep_reset: None };
        assert_eq!(evaluation("{}", "{}").unwrap(), default);
        let json = r#"{"clamp_negative": false, "forecast_start": 3, "kstep_reset": 0}"#;
        let found = evaluation(json, r#"{"mass_postprocess": "simplex"}"#).unwrap();
        let (clamp, mass) = (Clamp::Keep, Mass::Simplex);
        assert_eq!(found, Evaluation { forecast_start: Some(3.0), clamp, mass, kstep_reset: None });
        let found = evaluation(r#"{"mass_project": true, "kstep_reset": 5}"#, "{}").unwrap();
        assert_eq!((found.mass, found.kstep_reset), (Mass::Scale, Some(5)));
        for (clamp, want) in [("C2", Clamp::Keep), ("C1", Clamp::Zero), ("simplex", Clamp::Simplex)]
        {
            let json = format!(r#"{{"mass_postprocess": "simplex", "clamp_mode": "{clamp}"}}"#);
            assert_eq!(evaluation(&json, "{}").unwrap().clamp, want, "{clamp} and the simplex");
        }
    }

    #[test]
    fn values_out_of_their_domain_are_named() {
        for (json, words) in [
            ("[]", "found no JSON"),
            (r#"{"fixed_modes": 0}"#, "fixed_modes: found 0, expected a whole number above 0"),
            (r#"{"fixed_d": "x"}"#, "fixed_d: found \"x\""),
            (r#"{"subsample": 1.5}"#, "subsample: found 1.5"),
            (
                r#"{"density_transform": "cube"}"#,
                "found \"cube\", expected raw, log, sqrt or meansub",
            ),
            (r#"{"shift_align": 1}"#, "shift_align: found 1, expected true or false"),
            (r#"{"shift_align_ref": "max"}"#, "expected mean, first or median"),
            (r#"{"latent_standardize": 2}"#, "latent_standardize: found 2, expected true or false"),
            (r#"{"pod_energy": "most"}"#, "pod_energy: found \"most\", expected a number"),
        ] {
            let why = decomposition(json).unwrap_err().to_string();
            assert!(why.contains(words), "{why}");
        }
        for (json, words) in [
            (r#"{"clamp_mode": "C3"}"#, "clamp_mode: found \"C3\", expected C0, C1, C2 or simplex"),
            (r#"{"mass_postprocess": "l2"}"#, "expected none, scale or simplex"),
            (r#"{"kstep_reset": -1}"#, "kstep_reset: found -1"),
        ] {
            let why = evaluation(json, "{}").unwrap_err().to_string();
            assert!(why.contains(words), "{why}");
        }
    }
}
