//! Measures all points of a profile, and makes the files of them.

use std::io::Write;
use std::path::PathBuf;

use super::batches::{Operation, Setup};
#[cfg(feature = "figures")]
use super::figures;
use super::found::{Conditions, Found};
use super::quality::{Rates, quality};
use super::sweep::{self, Steps, Sweep};
use super::{Error, files, summary, tiles, times};
use crate::draw::Table;
use crate::file;
use crate::machine::isa::Isa;
use crate::profile::files::{Fields, Value, json};
use crate::profile::points::{Origin, Points};
use crate::profile::progress::Progress;
use crate::profile::roof;

/// Vectors that overload and distortion are measured on.
const QUALITY_VECTORS: usize = 100_000;

/// The measurements of a run, and where it writes.
#[derive(Debug, Clone, PartialEq)]
pub struct Options {
    /// The word for what is measured, with which the file of points begins.
    pub name: String,
    /// The codec and its data.
    pub setup: Setup,
    /// The operations that are timed.
    pub operations: Vec<Operation>,
    /// Vectors in each call of an operation.
    pub batch_sizes: Vec<usize>,
    /// Rows and columns of the matrix whose errors are measured.
    pub matrix: Option<(usize, usize)>,
    /// Whether distortion and rate are measured over the step.
    pub sweep: bool,
    /// Whether there are a report and a figure of all operations.
    pub report: bool,
    /// Whether there are figures; there are none without the feature `figures`.
    pub figures: bool,
    /// The folder that all files are written to; made if it is missing.
    pub folder: PathBuf,
}

impl Options {
    /// All that the points depend on.
    fn origin(&self) -> Origin {
        let Setup { lattice, q, levels, beta, protected, sigma, seed } = self.setup;
        let sizes: Vec<String> = self.batch_sizes.iter().map(ToString::to_string).collect();
        let mut origin = vec![
            ("operation", self.name.clone()),
            ("lattice", lattice.to_string()),
            ("q", q.to_string()),
            ("M", levels.to_string()),
            ("beta", beta.to_string()),
            ("protected", protected.to_string()),
            ("sigma", sigma.to_string()),
            ("seed", seed.to_string()),
        ];
        if !self.operations.is_empty() {
            origin.push(("batch sizes", sizes.join(",")));
        }
        if let Some((rows, columns)) = self.matrix {
            origin.push(("matrix", format!("{rows} by {columns}")));
        }
        origin.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
    }
}

/// Measures what a killed run with the same options left over, prints the results, and writes all
/// files.
///
/// # Errors
///
/// If the codec refuses the options or the data, implementations disagree, an unfinished run with
/// other options or sources lies in the folder, or a file cannot be written.
pub fn run(options: &Options, out: &mut dyn Write) -> Result<(), Error> {
    options.setup.codec(Isa::Scalar)?;
    let unwritable = |source| Error::Unwritable { path: options.folder.clone(), source };
    file::writable(&options.folder).map_err(unwritable)?;
    let name = format!("{}_points_{}.jsonl", options.name, options.setup.code());
    let mut points = Points::open(&options.folder.join(name), options.origin())?;
    let found = match measure(options, &mut points) {
        // Another try would find the same.
        Err(why @ (Error::Codec(_) | Error::Differs { .. })) => {
            points.remove()?;
            return Err(why);
        }
        found => found?,
    };
    let files = files(options, &found);
    summary::print(&found, out)?;
    file::replace_all(&options.folder, &files)
        .map_err(|(path, source)| Error::Unwritable { path, source })?;
    points.remove()?;
    for (name, _) in &files {
        writeln!(out, "wrote {}", options.folder.join(name).display())?;
    }
    Ok(())
}

fn measure(options: &Options, points: &mut Points) -> Result<Found, Error> {
    let Options { setup, operations, batch_sizes, .. } = options;
    let steps = operations.len() * batch_sizes.len()
        + 2
        + usize::from(options.matrix.is_some())
        + if options.sweep { sweep::STEPS } else { 0 };
    let mut progress = Progress::new(steps);
    progress.step("quality");
    let best = setup.codec(Isa::best())?;
    let quality = points.point("quality", || {
        let data = setup.data(QUALITY_VECTORS * setup.lattice.dim());
        Ok::<_, Error>(quality(&best, &data)?)
    })?;
    progress.step("roofs");
    let roofs = points.point("roofs", || Ok::<_, Error>(roof::measure(roof::BUFFER_BYTES)))?;
    let conditions = Conditions { setup: *setup, rates: Rates::of(&best), quality, roofs };
    let mut found = Found { conditions, operations: Vec::new(), tiles: None, sweep: None };
    for &operation in operations {
        let mut sizes = Vec::new();
        for (&batch, nth) in batch_sizes.iter().zip(0..) {
            progress.step(&format!("{}, batch {batch}", operation.name()));
            let name = format!("{}/{nth}/n{batch}", operation.name());
            sizes.push(points.point(&name, || times::measure(setup, operation, batch))?);
        }
        found.operations.push(sizes);
    }
    if let Some((rows, columns)) = options.matrix {
        progress.step("error");
        found.tiles = Some(points.point("error", || tiles::measure(setup, rows, columns))?);
    }
    if options.sweep {
        let steps = Steps::new(setup, sweep::VECTORS);
        let step = |nth| {
            progress.step("sweep");
            points.point(&format!("sweep/{nth}"), || Ok::<_, Error>(steps.measure(nth)?))
        };
        found.sweep = Some(Sweep::new((0..sweep::STEPS).map(step).collect::<Result<_, _>>()?));
    }
    Ok(found)
}

/// Names and contents of all files.
fn files(options: &Options, found: &Found) -> Vec<(String, Vec<u8>)> {
    let (run, setup, code) = (&found.conditions, &options.setup, options.setup.code());
    let mut files = Vec::new();
    let csv = |rows: &[Fields]| Table::named(rows.iter().map(Fields::columns).collect()).csv();
    for sizes in &found.operations {
        let name = sizes[0].operation.name();
        let rows: Vec<_> = sizes.iter().map(|m| files::times(run, m)).collect();
        let list = Value::List(rows.iter().map(Fields::object).collect());
        files.push((format!("{name}_results_{code}.json"), json(&list)));
        files.push((format!("{name}_summary_{code}.csv"), csv(&rows)));
        #[cfg(feature = "figures")]
        if options.figures {
            let figure = figures::operation(run, sizes);
            files.push((format!("{name}_profile_{code}.png"), figure.png()));
        }
    }
    if let Some(tiles) = &found.tiles {
        let size = format!("{code}_B{}_N{}", tiles.rows, tiles.columns);
        let fields = files::matrix(run, tiles);
        files.push((format!("quantization_error_results_{size}.json"), json(&fields.object())));
        files.push((format!("quantization_error_summary_{size}.csv"), csv(&[fields])));
        #[cfg(feature = "figures")]
        if options.figures {
            let figure = figures::error(run, tiles);
            files.push((format!("quantization_error_histogram_{size}.png"), figure.png()));
        }
    }
    if let Some(sweep) = &found.sweep {
        files.push((format!("rate_distortion_{code}.json"), json(&files::sweep(setup, sweep))));
        files.push((format!("rate_distortion_{code}.csv"), csv(&files::points(setup, sweep))));
        #[cfg(feature = "figures")]
        if options.figures {
            let figure = figures::sweep(setup, sweep);
            files.push((format!("rate_distortion_{code}.png"), figure.png()));
        }
    }
    if options.report {
        #[cfg(feature = "figures")]
        if options.figures {
            let figure = figures::comprehensive(run, &found.operations);
            files.push((format!("comprehensive_profile_{code}.png"), figure.png()));
        }
        let names: Vec<String> = files.iter().map(|(name, _)| name.clone()).collect();
        let report = summary::summary(found, &names);
        files.push((format!("summary_report_{code}.md"), report.into_bytes()));
    }
    files
}
