//! What a pipeline found, for people: a figure of its first test run, and a summary in Markdown.

use std::fs;
use std::path::Path;

use super::Error;
use crate::draw::numbers::{percent, three_digits};
use crate::draw::table::Table;
use crate::file::npz;

/// The summary.
pub(super) const SUMMARY: &str = "pipeline_summary.md";
/// The figure.
#[cfg(feature = "figures")]
pub(super) const FIGURE: &str = "pipeline_scores.png";

/// Models by the names of their folders, and their names in files.
const MODELS: [(&str, &str); 2] = [("MVAR", "mvar"), ("LSTM", "lstm")];

/// The columns of a run in the summary.
const SHOWN: [&str; 7] = [
    "test_id",
    "r2_reconstructed",
    "r2_latent",
    "r2_1step",
    "rmse_recon",
    "negativity_frac",
    "max_mass_violation",
];

/// A table of numbers; fields that are none are not.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Columns {
    names: Vec<String>,
    rows: Vec<Vec<String>>,
}

impl Columns {
    /// Reads a CSV file; `None` if it is not there.
    pub(super) fn read(path: &Path) -> Result<Option<Self>, Error> {
        let bytes = match fs::read(path) {
            Ok(bytes) => bytes,
            Err(why) if why.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            Err(source) => return Err(Error::Io { path: path.to_owned(), source }),
        };
        let flaw = || Error::Io {
            path: path.to_owned(),
            source: std::io::Error::other("found no table of comma-separated values"),
        };
        let mut table = csv::Reader::from_reader(&*bytes);
        let owned = |row: &csv::StringRecord| row.iter().map(str::to_owned).collect();
        let names = table.headers().map(owned).map_err(|_| flaw())?;
        let rows = table.records().map(|row| row.map(|row| owned(&row)));
        let rows = rows.collect::<Result<_, _>>().map_err(|_| flaw())?;
        Ok(Some(Self { names, rows }))
    }

    fn at(&self, name: &str) -> Option<usize> {
        self.names.iter().position(|known| known == name)
    }

    /// The fields of a column.
    fn texts(&self, name: &str) -> Vec<&str> {
        let at = self.at(name);
        self.rows.iter().map(|row| at.map_or("", |at| &row[at])).collect()
    }

    /// The numbers of a column over those of another, where both are there.
    #[cfg(feature = "figures")]
    pub(super) fn points(&self, x: &str, y: &str) -> Vec<(f64, f64)> {
        let pairs = self.texts(x).into_iter().zip(self.texts(y));
        pairs.filter_map(|(x, y)| Some((x.parse().ok()?, y.parse().ok()?))).collect()
    }
}

/// The scores of a folder in Markdown.
///
/// # Errors
///
/// If a file cannot be read.
pub(super) fn markdown(folder: &Path, name: &str) -> Result<String, Error> {
    let mut basis = npz::Archive::open(&folder.join("rom_common/pod_basis.npz"))?;
    let modes = basis.widened::<ndarray::Ix1>("singular_values")?.len();
    let energy = basis.widened::<ndarray::Ix0>("energy_ratio")?.into_scalar();
    let mut text = format!(
        "# {name}\n\n{modes} modes hold {} of the energy of the densities.\n",
        percent(energy)
    );
    let (mut means, mut runs) = (Vec::new(), Vec::new());
    for (model, _) in MODELS {
        let Some(own) = Columns::read(&folder.join(model).join("test_results.csv"))? else {
            continue;
        };
        let mut row = vec![model.to_owned(), own.rows.len().to_string()];
        row.extend(SHOWN[1..].iter().map(|name| mean(&own.texts(name))));
        means.push(row);
        for at in 0..own.rows.len() {
            let mut row = vec![model.to_owned()];
            row.extend(SHOWN.iter().map(|name| rounded(own.texts(name)[at])));
            runs.push(row);
        }
    }
    let head: Vec<_> = ["model", "runs"].into_iter().chain(SHOWN[1..].iter().copied()).collect();
    text +=
        &format!("\n## Means over test runs\n\n{}", Table::new(&head, means).markdown("lrrrrrrr"));
    let head: Vec<_> = std::iter::once("model").chain(SHOWN).collect();
    text += &format!("\n## Test runs\n\n{}", Table::new(&head, runs).markdown("lrrrrrrr"));
    text += "\n`r2_reconstructed` compares forecast densities with true ones from the start of the forecast \
             to its end, about the mean of all numbers; 1 is right, 0 is as good as that mean. `-`: not defined.\n";
    Ok(text)
}

fn mean(fields: &[&str]) -> String {
    let numbers: Vec<f64> = fields.iter().filter_map(|field| field.parse().ok()).collect();
    if numbers.is_empty() {
        return "-".to_owned();
    }
    short(numbers.iter().sum::<f64>() / numbers.len() as f64)
}

/// A number with three digits, also where it is small.
fn short(number: f64) -> String {
    let is_small = number != 0.0 && number.abs() < 0.01;
    if is_small { format!("{number:.1e}") } else { three_digits(number) }
}

fn rounded(field: &str) -> String {
    match (field.parse::<usize>(), field.parse()) {
        (Ok(_), _) => field.to_owned(),
        (_, Ok(number)) => short(number),
        _ => "-".to_owned(),
    }
}

#[cfg(feature = "figures")]
pub(super) mod picture {
    //! The figure.

    use std::path::PathBuf;

    use super::{Columns, Error, MODELS, Path, fs, npz};
    use crate::draw::figure::{Axis, Colour, Figure, Panel, Scale, Series, Shape, Unit};

    /// A curve of R2 ends where it falls below this.
    const LEAST_R2: f64 = -1.0;

    const COLOURS: [Colour; 2] = [Colour::Blue, Colour::Orange];

    /// R2 and mass over time, singular values, and order parameters; `None` without a scored run.
    ///
    /// # Errors
    ///
    /// If a file cannot be read.
    pub(in super::super) fn figure(folder: &Path, name: &str) -> Result<Option<Figure>, Error> {
        let Some(run) = first(folder) else { return Ok(None) };
        let of = run.file_name().map_or_else(String::new, |name| name.to_string_lossy().into());
        let panels = [over_time(&run)?, mass(&run)?, values(folder)?, order(&run)?];
        let panels = panels.into_iter().flatten().collect();
        let subtitle = format!("{name}, {of}");
        Ok(Some(Figure { title: "Forecasts of densities".to_owned(), subtitle, panels }))
    }

    /// Densities of the first test run, true and forecast; `None` without a scored run.
    ///
    /// # Errors
    ///
    /// If a file cannot be read.
    pub(in super::super) fn densities(folder: &Path, name: &str) -> Result<Option<Figure>, Error> {
        let Some(run) = first(folder) else { return Ok(None) };
        let of = run.file_name().map_or_else(String::new, |name| name.to_string_lossy().into());
        super::super::frames::figure(&run, &MODELS, &format!("{name}, {of}"))
    }

    /// The folder of the first test run with scores.
    fn first(folder: &Path) -> Option<PathBuf> {
        let entries = fs::read_dir(folder.join("test")).ok()?.flatten().map(|entry| entry.path());
        let mut runs: Vec<_> =
            entries.filter(|path| path.join("order_params.csv").is_file()).collect();
        runs.sort();
        runs.into_iter().next()
    }

    fn time() -> Axis {
        Axis::new("time", Scale::Linear, Unit::Number)
    }

    fn number(label: &str) -> Axis {
        Axis::new(label, Scale::Linear, Unit::Number)
    }

    fn panel(title: &str, x: Axis, y: Axis, series: Vec<Series>) -> Panel {
        Panel { title: title.to_owned(), x, y, series, note: Vec::new() }
    }

    fn over_time(run: &Path) -> Result<Option<Panel>, Error> {
        let mut series = Vec::new();
        for ((model, lower), colour) in MODELS.into_iter().zip(COLOURS) {
            let Some(table) = Columns::read(&run.join(format!("r2_vs_time_{lower}.csv")))? else {
                continue;
            };
            if series.is_empty() {
                let pod = table.points("time", "r2_pod");
                series.push(Series::new("the modes alone", Colour::Grey, Shape::Dashes, pod));
            }
            let points = table.points("time", "r2_reconstructed");
            let points = points.into_iter().take_while(|(_, r2)| *r2 >= LEAST_R2).collect();
            series.push(Series::new(model, colour, Shape::Line, points));
        }
        let lowest = series.iter().flat_map(|x| &x.points).map(|x| x.1).fold(0.0, f64::min);
        let y = number("R2 up to this time, down to -1").between(lowest - 0.05, 1.05);
        Ok((!series.is_empty()).then(|| panel("R2 over time", time(), y, series)))
    }

    fn mass(run: &Path) -> Result<Option<Panel>, Error> {
        let mut series = Vec::new();
        for ((model, lower), colour) in MODELS.into_iter().zip(COLOURS) {
            let Some(table) = Columns::read(&run.join(format!("density_metrics_{lower}.csv")))?
            else {
                continue;
            };
            if series.is_empty() {
                let truth = table.points("t", "mass_true");
                series.push(Series::new("truth", Colour::Black, Shape::Line, truth));
            }
            let points = table.points("t", "mass_pred");
            series.push(Series::new(model, colour, Shape::Dashes, points));
        }
        let all = || series.iter().flat_map(|x| &x.points).map(|x| x.1);
        let (low, high) = all().fold((f64::MAX, f64::MIN), |(l, h), x| (l.min(x), h.max(x)));
        // Rounding alone is a flat line.
        let pad = (0.1 * (high - low)).max(0.01 * high.abs()).max(1e-9);
        let y = number("sum over the cells").between(low - pad, high + pad);
        Ok((!series.is_empty()).then(|| panel("Mass over time", time(), y, series)))
    }

    fn values(folder: &Path) -> Result<Option<Panel>, Error> {
        let mut basis = npz::Archive::open(&folder.join("rom_common/pod_basis.npz"))?;
        let all = basis.widened::<ndarray::Ix1>("all_singular_values")?;
        let kept = basis.widened::<ndarray::Ix1>("singular_values")?.len();
        let largest = all.iter().copied().fold(f64::MIN_POSITIVE, f64::max);
        // Below this the values are rounding.
        let points = all.iter().map(|x| x / largest).take_while(|part| *part > 1e-7);
        let points = (1..).map(f64::from).zip(points).collect();
        let series = vec![
            Series::new("", Colour::Blue, Shape::Line, points),
            Series::new("", Colour::Grey, Shape::Verticals, vec![(kept as f64, 0.0)])
                .with_texts(vec![format!("{kept} modes are kept")]),
        ];
        let y = Axis::new("singular value, the first is 1", Scale::Log, Unit::Number);
        Ok(Some(panel("Singular values", number("mode"), y, series)))
    }

    fn order(run: &Path) -> Result<Option<Panel>, Error> {
        let Some(table) = Columns::read(&run.join("order_params.csv"))? else { return Ok(None) };
        let curves = [
            ("phi", "polarisation", Colour::Blue),
            ("angular_momentum", "angular momentum", Colour::Orange),
            ("nematic_order", "nematic order", Colour::Green),
        ];
        let curve = |(column, label, colour): (&str, &str, Colour)| {
            Series::new(label, colour, Shape::Line, table.points("t", column))
        };
        let y = number("order parameter").between(-0.05, 1.05);
        Ok(Some(panel("Order of the swarm", time(), y, curves.map(curve).to_vec())))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_counts_numbers_and_none() {
        assert_eq!(
            ["12", "4.1e-16", "-0.25", "", "0.0"].map(rounded),
            ["12", "4.1e-16", "-0.25", "-", "0.00"]
        );
        assert_eq!((mean(&["1.0", "", "0.5"]), mean(&[""])), ("0.75".to_owned(), "-".to_owned()));
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("table.csv");
        assert_eq!(Columns::read(&path).unwrap(), None, "no file");
        fs::write(&path, "a,b\n1,2\n3\n").unwrap();
        let why = Columns::read(&path).unwrap_err().to_string();
        assert!(why.contains("table.csv: found no table"), "{why}");
        fs::write(&path, "a,b\n1,x\n3,4\n").unwrap();
        let table = Columns::read(&path).unwrap().unwrap();
        assert_eq!((table.texts("b"), table.texts("c")), (vec!["x", "4"], vec!["", ""]), "columns");
    }
}
