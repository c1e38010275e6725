//! Scores and series of evaluated runs as files.
//!
//! One list of fields gives the columns of `test_results.csv` and the keys of `metrics_summary_*.json`.
//! What is not defined is an empty field, and `null`.

use std::io;
use std::path::{Path, PathBuf};

use serde::ser::SerializeMap as _;
use serde::{Serialize, Serializer};
use thiserror::Error;

use crate::file;
use crate::rom::evaluate::{Density, Options, Scores, UpTo};
use crate::rom::pod::Basis;
use crate::rom::swarm::order::Order;

/// Why a file cannot be written.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum Error {
    /// The operating system refused.
    #[error("{}: {source}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// Error of the system.
        source: io::Error,
    },
}

/// The columns of `test_results.csv`, in order.
pub const COLUMNS: [&str; 22] = [
    "test_id",
    "r2_reconstructed",
    "r2_latent",
    "r2_pod",
    "r2_1step",
    "negativity_frac",
    "clamp_mode",
    "density_transform",
    "rmse_recon",
    "rmse_latent",
    "rmse_pod",
    "rel_error_recon",
    "rel_error_pod",
    "max_mass_violation",
    "T_forecast",
    "T_conditioning",
    "r2_kstep_density",
    "r2_kstep_latent",
    "kstep_reset",
    "mass_postprocess",
    "mass_target_M0",
    "shift_align",
];

/// A run with its scores, and how it was evaluated.
#[derive(Debug, Clone, Copy)]
pub struct Run<'a> {
    /// The number of the run.
    pub test_id: usize,
    /// Its scores.
    pub scores: &'a Scores,
    /// How it was evaluated.
    pub options: &'a Options,
    /// What its densities were reduced by.
    pub basis: &'a Basis,
}

/// A value of a field.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    /// A number, where it is defined.
    Number(Option<f64>),
    /// A time, in seconds.
    Time(f32),
    /// A whole number.
    Count(usize),
    /// A name.
    Text(&'static str),
    /// `True` or `False`, and `true` or `false` in JSON.
    Flag(bool),
}

impl Value {
    /// Its text in a table.
    fn text(&self) -> String {
        match self {
            // With a point or an exponent, as Python writes it.
            Self::Number(Some(x)) if x.is_finite() => format!("{x:?}"),
            Self::Number(_) => String::new(),
            Self::Time(seconds) => format!("{seconds:?}"),
            Self::Count(n) => n.to_string(),
            Self::Text(text) => (*text).to_owned(),
            Self::Flag(flag) => if *flag { "True" } else { "False" }.to_owned(),
        }
    }
}

impl Serialize for Value {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        match self {
            // Of a number that is not finite it makes `null`.
            Self::Number(x) => x.serialize(to),
            Self::Time(seconds) => seconds.serialize(to),
            Self::Count(n) => n.serialize(to),
            Self::Text(text) => text.serialize(to),
            Self::Flag(flag) => flag.serialize(to),
        }
    }
}

/// A column, and the key under which it is in the summary of a run, if it is there.
#[derive(Debug, Clone, PartialEq)]
pub struct Field {
    /// Name of the column.
    pub column: &'static str,
    /// Name of the key.
    pub key: Option<&'static str>,
    /// The value.
    pub value: Value,
}

impl Run<'_> {
    /// All fields, in order.
    pub fn fields(&self) -> Vec<Field> {
        use Value::{Count, Flag, Number, Text};
        let (scores, options) = (self.scores, self.options);
        let number = |x: f64| Number(Some(x));
        let column = |column, value| Field { column, key: None, value };
        let both = |column, value| Field { column, key: Some(column), value };
        let as_key = |column, key, value| Field { column, key: Some(key), value };
        vec![
            column("test_id", Count(self.test_id)),
            as_key("r2_reconstructed", "r2_recon", Number(scores.r2_reconstructed)),
            both("r2_latent", Number(scores.r2_latent)),
            both("r2_pod", Number(scores.r2_pod)),
            both("r2_1step", Number(scores.r2_1step)),
            both("negativity_frac", number(scores.negativity_frac)),
            column("clamp_mode", Text(options.clamp.name())),
            column("density_transform", Text(self.basis.transform().name())),
            both("rmse_recon", number(scores.rmse_recon)),
            both("rmse_latent", number(scores.rmse_latent)),
            both("rmse_pod", number(scores.rmse_pod)),
            both("rel_error_recon", number(scores.rel_error_recon)),
            both("rel_error_pod", number(scores.rel_error_pod)),
            both("max_mass_violation", number(scores.max_mass_violation)),
            column("T_forecast", Count(scores.forecast)),
            column("T_conditioning", Count(scores.conditioning)),
            both("r2_kstep_density", Number(scores.r2_kstep_density)),
            both("r2_kstep_latent", Number(scores.r2_kstep_latent)),
            both("kstep_reset", Count(options.kstep_reset.unwrap_or(0))),
            both("mass_postprocess", Text(options.mass.name())),
            both("mass_target_M0", number(scores.mass_target)),
            both("shift_align", Flag(self.basis.reference().is_some())),
        ]
    }
}

/// `test_results.csv`: a row for each run.
pub fn results(runs: &[Run<'_>]) -> String {
    let rows: Vec<_> = runs.iter().map(Run::fields).collect();
    let head =
        rows.first().map_or(Vec::new(), |row| row.iter().map(|field| field.column).collect());
    table(&head, rows.into_iter().map(|row| row.into_iter().map(|field| field.value)))
}

/// `metrics_summary_<model>.json` of a run.
///
/// # Panics
///
/// Never: the keys are texts.
pub fn summary(model: &str, run: &Run<'_>) -> String {
    struct Summary<'a>(&'a str, Vec<Field>);
    impl Serialize for Summary<'_> {
        fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
            let mut map = to.serialize_map(None)?;
            map.serialize_entry("model", self.0)?;
            for Field { key, value, .. } in &self.1 {
                if let Some(key) = key {
                    map.serialize_entry(key, value)?;
                }
            }
            map.end()
        }
    }
    serde_json::to_string_pretty(&Summary(model, run.fields())).expect("keys are texts")
}

/// `r2_vs_time_<model>.csv`: the scores up to each forecast frame, at times in seconds.
///
/// # Panics
///
/// If there is not one time for each frame.
pub fn over_time(times: &[f32], scores: &[UpTo]) -> String {
    let head = ["time", "r2_reconstructed", "r2_latent", "r2_pod"];
    let of = |x: &UpTo| [x.r2_reconstructed, x.r2_latent, x.r2_pod];
    series(&head, times, scores.iter().map(of))
}

/// `density_metrics_<model>.csv`: spread and mass of each frame, at times in seconds. The columns of
/// variances hold standard deviations.
///
/// # Panics
///
/// If there is not one time for each frame.
pub fn densities(times: &[f32], densities: &[Density]) -> String {
    let head = ["t", "density_variance_true", "density_variance_pred", "mass_true", "mass_pred"];
    let of = |x: &Density| {
        let ([a, b], [c, d]) = (x.deviation, x.mass);
        [a, b, c, d].map(Some)
    };
    series(&head, times, densities.iter().map(of))
}

/// `order_params.csv`: order parameters, and spread and mass of the true density, at times in seconds.
///
/// The columns `density_variance` and `spatial_order` both hold the standard deviation.
///
/// # Panics
///
/// If there are not one time and one density for each frame.
pub fn orders(times: &[f32], orders: &[Order], densities: &[Density]) -> String {
    let head = [
        "t",
        "phi",
        "mean_speed",
        "angular_momentum",
        "nematic_order",
        "density_variance",
        "total_mass",
        "spatial_order",
    ];
    assert_eq!(orders.len(), densities.len(), "a density for each frame");
    let of = |at: usize| {
        let Order { polarization, mean_speed, angular_momentum, nematic_order } = orders[at];
        let (deviation, mass) = (densities[at].deviation[0], densities[at].mass[0]);
        [polarization, mean_speed, angular_momentum, nematic_order, deviation, mass, deviation]
            .map(Some)
    };
    series(&head, times, (0..orders.len()).map(of))
}

/// Rows of numbers with their times.
fn series<const N: usize>(
    head: &[&str],
    times: &[f32],
    rows: impl ExactSizeIterator<Item = [Option<f64>; N]>,
) -> String {
    assert_eq!(times.len(), rows.len(), "a time for each frame");
    let row = |(time, row): (&f32, [Option<f64>; N])| {
        [Value::Time(*time)].into_iter().chain(row.map(Value::Number))
    };
    table(head, times.iter().zip(rows).map(row))
}

/// The values are names and numbers, so that no field has a comma.
fn table<R: Iterator<Item = Value>>(head: &[&str], rows: impl Iterator<Item = R>) -> String {
    let mut text = head.join(",") + "\n";
    for row in rows {
        let fields: Vec<_> = row.map(|value| value.text()).collect();
        text += &fields.join(",");
        text.push('\n');
    }
    text
}

/// Writes a text, which replaces `path` once it is whole.
///
/// # Errors
///
/// If the file cannot be written.
pub fn save(path: &Path, text: &str) -> Result<(), Error> {
    file::replace(path, text.as_bytes())
        .map_err(|source| Error::Io { path: path.to_owned(), source })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rom::evaluate::{Clamp, Mass};
    use crate::rom::pod::{Spectrum, Transform};
    use ndarray::{Array1, Array2};

    fn basis() -> Basis {
        let spectrum = Spectrum { values: vec![1.0], total_energy: 1.0 };
        let (modes, mean) = (Array2::from_elem((1, 1), 1.0), Array1::zeros(1));
        Basis::new([1, 1], modes.view(), mean, spectrum, Transform::Sqrt { eps: 0.0 }).unwrap()
    }

    fn scores() -> Scores {
        Scores {
            r2_reconstructed: Some(0.5),
            r2_latent: None,
            r2_pod: Some(f64::NAN),
            r2_1step: Some(-1e-17),
            negativity_frac: 0.0,
            rmse_recon: 1.0,
            rmse_latent: f64::INFINITY,
            rmse_pod: 0.25,
            rel_error_recon: 2.0,
            rel_error_pod: 3.0,
            max_mass_violation: 1e-16,
            forecast: 7,
            conditioning: 5,
            r2_kstep_density: None,
            r2_kstep_latent: Some(0.75),
            mass_target: 1e16,
        }
    }

    #[test]
    fn one_list_of_fields_is_a_row_and_a_summary() {
        let (scores, basis) = (scores(), basis());
        let options =
            Options { start: 5, clamp: Clamp::Zero, mass: Mass::Scale, kstep_reset: Some(3) };
        let run = Run { test_id: 4, scores: &scores, options: &options, basis: &basis };
        let text = results(&[run, run]);
        let lines: Vec<_> = text.lines().collect();
        assert_eq!(lines.len(), 3, "a head and two rows");
        assert!(lines[0].starts_with("test_id,r2_reconstructed,r2_latent,"), "{}", lines[0]);
        assert_eq!(
            lines[1],
            "4,0.5,,,-1e-17,0.0,C1,sqrt,1.0,,0.25,2.0,3.0,1e-16,7,5,,0.75,3,scale,1e16,False"
        );
        let json: serde_json::Value = serde_json::from_str(&summary("MVAR", &run)).unwrap();
        let null = ["r2_latent", "r2_pod", "rmse_latent", "r2_kstep_density"];
        assert!(null.iter().all(|key| json[key].is_null()), "{json}");
        assert_eq!((&json["model"], &json["r2_recon"]), (&"MVAR".into(), &0.5.into()), "{json}");
        assert_eq!(json["shift_align"], false, "a flag of JSON");
        assert!(json.get("clamp_mode").is_none() && json.get("test_id").is_none(), "{json}");
        assert_eq!(results(&[]), "\n", "no run, no column");
        assert_eq!(text.lines().next().unwrap(), COLUMNS.join(","), "all columns");
    }

    #[test]
    fn series_have_a_time_for_each_row() {
        let up_to = UpTo { r2_reconstructed: Some(0.5), r2_latent: None, r2_pod: Some(1.0) };
        let text = over_time(&[3.1], &[up_to]);
        assert_eq!(text, "time,r2_reconstructed,r2_latent,r2_pod\n3.1,0.5,,1.0\n");
        let density = Density { deviation: [0.5, 0.25], mass: [8.0, 9.0] };
        let text = densities(&[0.0], &[density]);
        assert!(text.ends_with("mass_true,mass_pred\n0.0,0.5,0.25,8.0,9.0\n"), "{text}");
        let order = Order::of(&[[1.0, 2.0], [2.0, 2.0]], &[[0.0, 3.0], [0.0, 1.0]]);
        let text = orders(&[0.5], &[order], &[density]);
        assert!(text.contains("spatial_order\n0.5,1.0,2.0,0.5,0."), "{text}");
        assert!(text.ends_with(",0.5,8.0,0.5\n"), "{text}");
    }

    #[test]
    fn a_text_is_saved_whole_or_the_folder_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("test_results.csv");
        save(&path, "a\n1\n").unwrap();
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "a\n1\n");
        let why = save(&folder.path().join("none/x.csv"), "").unwrap_err().to_string();
        assert!(why.contains("none/x.csv"), "{why}");
    }
}
