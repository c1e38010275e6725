//! `stepmark profile lattice`: what the lattice codec costs and what it loses.

mod args;
#[cfg(feature = "figures")]
mod plots;
mod progress;
mod summary;

use std::fs;
use std::io::Write;
use std::path::Path;

pub(super) use self::args::Args;
use self::args::{Chapter, LatticeArgs, MOST_ELEMENTS, What};
use self::progress::Progress;
use super::{Exit, Stop};
use crate::file;
use crate::lattice::Lattice;
use crate::machine::isa::Isa;
use crate::profile::codec::{self, Measurement};
use crate::profile::output::{self, Run};
use crate::profile::quality::{Rates, quality};
use crate::profile::sweep::{self, Sweep};
use crate::profile::tiles::{self, Tiles};
use crate::profile::{Error, Setup, roof};
use crate::report::csv::csv;
use crate::report::table;

/// Vectors that overload and distortion are measured on.
const QUALITY_VECTORS: usize = 100_000;
/// Vectors at each step of a sweep.
const SWEEP_VECTORS: usize = 100_000;
/// Standard deviation of the data.
const SIGMA: f64 = 0.5;

/// All that a run found.
struct Found {
    run: Run,
    operations: Vec<Vec<Measurement>>,
    tiles: Option<Tiles>,
    sweep: Option<Sweep>,
}

pub(super) fn run(args: &Args, out: &mut dyn Write) -> Result<Exit, Stop> {
    let Chapter::Lattice(args) = &args.chapter;
    let alone = if args.operation == What::Error { Lattice::E8 } else { Lattice::D4 };
    let setup = Setup {
        lattice: args.lattice.unwrap_or(alone),
        q: args.q,
        levels: usize::from(args.levels),
        beta: args.beta,
        protected: args.protected,
        sigma: SIGMA,
        seed: args.seed,
    };
    setup.codec(Isa::Scalar).map_err(stop)?;
    // Rows are padded to whole vectors.
    let (rows, columns, d) = (args.batch_size, args.matrix_size, setup.lattice.dim());
    let padded = columns.checked_next_multiple_of(d).unwrap_or(usize::MAX);
    if rows.saturating_mul(padded) > MOST_ELEMENTS {
        let why = format!(
            "a matrix of {rows} by {columns}, in vectors of {d}, exceeds {MOST_ELEMENTS} elements"
        );
        return Err(Stop::new(Exit::Usage, why));
    }
    writable(&args.output_dir)?;
    let found = measure(args, setup).map_err(stop)?;
    let files = files(args, &found);
    print(&found, out)?;
    fs::create_dir_all(&args.output_dir).map_err(|why| unwritable(&args.output_dir, &why))?;
    file::replace_all(&args.output_dir, &files).map_err(|(path, why)| unwritable(&path, &why))?;
    for (name, _) in &files {
        writeln!(out, "wrote {}", args.output_dir.join(name).display())?;
    }
    Ok(Exit::Pass)
}

fn stop(why: Error) -> Stop {
    let exit = match why {
        Error::Codec(_) => Exit::Usage,
        Error::Differs { .. } => Exit::Wrong,
    };
    Stop::new(exit, why.to_string())
}

/// Requires that files can be made in `folder`, or in what there is of the way to it, before anything
/// is measured.
fn writable(folder: &Path) -> Result<(), Stop> {
    let there = folder.ancestors().find(|dir| dir.exists()).unwrap_or(Path::new("."));
    tempfile::tempfile_in(there).map(drop).map_err(|why| unwritable(folder, &why))
}

fn unwritable(path: &Path, why: &std::io::Error) -> Stop {
    Stop::new(Exit::Failure, format!("cannot write {}: {why}", path.display()))
}

fn measure(args: &LatticeArgs, setup: Setup) -> Result<Found, Error> {
    let operations = args.operation.operations();
    let (tiled, swept) = [What::Error, What::Sweep].map(|w| args.operation.includes(w)).into();
    let steps = operations.len() * args.batch_sizes.len()
        + 2
        + usize::from(tiled)
        + if swept { sweep::STEPS } else { 0 };
    let mut progress = Progress::new(steps);
    progress.step("roofs");
    let roofs = roof::measure(roof::BUFFER_BYTES);
    progress.step("quality");
    let best = setup.codec(Isa::best())?;
    let data = setup.data(QUALITY_VECTORS * setup.lattice.dim());
    let run = Run { setup, rates: Rates::of(&best), quality: quality(&best, &data)?, roofs };
    let mut found = Found { run, operations: Vec::new(), tiles: None, sweep: None };
    for &operation in operations {
        let mut sizes = Vec::new();
        for &batch in &args.batch_sizes {
            progress.step(&format!("{}, batch {batch}", operation.name()));
            sizes.push(codec::measure(&setup, operation, batch)?);
        }
        found.operations.push(sizes);
    }
    if tiled {
        progress.step("error");
        found.tiles = Some(tiles::measure(&setup, args.batch_size, args.matrix_size)?);
    }
    if swept {
        let sweep = sweep::sweep(&setup, SWEEP_VECTORS, || progress.step("sweep"))?;
        found.sweep = Some(sweep);
    }
    Ok(found)
}

/// Names and contents of all files.
fn files(args: &LatticeArgs, found: &Found) -> Vec<(String, Vec<u8>)> {
    let Setup { lattice, q, levels, .. } = found.run.setup;
    let code = format!("{lattice}_q{q}_M{levels}");
    let mut files = Vec::new();
    for sizes in &found.operations {
        let name = sizes[0].operation.name();
        let rows: Vec<_> = sizes.iter().map(|m| m.columns(&found.run)).collect();
        files.push((format!("{name}_results_{code}.json"), output::json(&found.run, sizes)));
        files.push((format!("{name}_summary_{code}.csv"), csv(&rows)));
        #[cfg(feature = "figures")]
        if !args.no_plot {
            let figure = plots::operation(&found.run, sizes);
            files.push((format!("{name}_profile_{code}.png"), figure.png()));
        }
    }
    if let Some(tiles) = &found.tiles {
        let size = format!("{code}_B{}_N{}", tiles.rows, tiles.columns);
        let json = output::matrix_json(&found.run, tiles);
        let row = output::matrix_columns(&found.run, tiles);
        files.push((format!("quantization_error_results_{size}.json"), json));
        files.push((format!("quantization_error_summary_{size}.csv"), csv(&[row])));
        #[cfg(feature = "figures")]
        if !args.no_plot {
            let figure = plots::error(&found.run, tiles);
            files.push((format!("quantization_error_histogram_{size}.png"), figure.png()));
        }
    }
    if let Some(sweep) = &found.sweep {
        let rows = output::sweep_columns(sweep);
        files.push((format!("rate_distortion_{code}.json"), output::sweep_json(sweep)));
        files.push((format!("rate_distortion_{code}.csv"), csv(&rows)));
        #[cfg(feature = "figures")]
        if !args.no_plot {
            let figure = plots::sweep(&found.run.setup, sweep);
            files.push((format!("rate_distortion_{code}.png"), figure.png()));
        }
    }
    if args.operation == What::All {
        #[cfg(feature = "figures")]
        if !args.no_plot {
            let figure = plots::comprehensive(&found.run, &found.operations);
            files.push((format!("comprehensive_profile_{code}.png"), figure.png()));
        }
        let names: Vec<String> = files.iter().map(|(name, _)| name.clone()).collect();
        let report = summary::summary(found, &names);
        files.push((format!("summary_report_{code}.md"), report.into_bytes()));
    }
    files
}

fn print(found: &Found, out: &mut dyn Write) -> Result<(), Stop> {
    writeln!(out, "{}", summary::configuration(&found.run))?;
    for sizes in &found.operations {
        let first = &sizes[0];
        let (operation, isa) = (first.operation, first.isa.name());
        let share = format!("of {} roof", summary::roof(operation));
        let head = ["batch", "scalar", isa, "speedup", "vectors/s", &share];
        let row = |m: &Measurement| {
            vec![
                m.batch.to_string(),
                table::time(m.scalar.quantile(0.5)),
                table::time(m.best.quantile(0.5)),
                format!("{:.1}x", m.scalar.quantile(0.5) / m.best.quantile(0.5)),
                table::count(m.batch as f64 / m.best.quantile(0.5)),
                format!("{:.0} %", 100.0 * m.roof_share(&m.best, &found.run.roofs)),
            ]
        };
        let rows: Vec<_> = sizes.iter().map(row).collect();
        write!(out, "\n{}, medians\n{}", operation.name(), table::aligned(&head, &rows))?;
        if let Err(why) = &first.cuda {
            writeln!(out, "cuda: not measured: {why}")?;
        }
    }
    if let Some(tiles) = &found.tiles {
        writeln!(out, "\n{}", summary::errors(tiles).join("\n"))?;
    }
    if let Some(sweep) = &found.sweep {
        let rows: Vec<_> = sweep.points.iter().step_by(4).map(summary::point).collect();
        let table = table::aligned(&summary::POINT, &rows);
        writeln!(out, "\nrate and distortion, unit Gaussian, protected\n{table}")?;
        writeln!(out, "{}", summary::best(sweep))?;
    }
    writeln!(out)?;
    Ok(())
}
