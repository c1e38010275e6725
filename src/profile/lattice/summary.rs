//! The summary report, and the lines that are printed too.

use std::io::{self, Write};
use std::time::SystemTime;

use super::advice;
use super::found::{Conditions, Found};
use super::sweep::{Point, Sweep, shown};
use super::tiles::Tiles;
use super::times::{Measurement, peak};
use crate::draw::Table;
use crate::draw::numbers::{count, percent, time};
use crate::machine;
use crate::profile::timing::{self, Timing};

/// The columns of [`point`].
const POINT: [&str; 6] = ["beta", "overload", "bits", "MSE", "Shannon MSE", "gap dB"];

/// A point of a sweep as the fields of a row.
fn point(point: &Point) -> Vec<String> {
    vec![
        shown(point.beta),
        percent(point.overload_probability),
        format!("{:.3}", point.rate_bits),
        format!("{:.3e}", point.mse),
        format!("{:.3e}", point.shannon_mse),
        format!("{:.2}", point.gap_db),
    ]
}

/// The best step in one sentence.
pub(super) fn best(sweep: &Sweep) -> String {
    let best = &sweep.best;
    let edge = if best.is_inside { "" } else { ", at the edge of the sweep or not a clear one" };
    let beta = shown(best.beta);
    format!("best beta {beta}, {:.2} dB from the Shannon bound{edge}", best.gap_db)
}

pub(super) fn mean(values: impl Iterator<Item = f64>) -> f64 {
    let (sum, n) = values.fold((0.0, 0.0), |(sum, n), v| (sum + v, n + 1.0));
    sum / n
}

/// The codec, its data and what it loses, in one line.
pub(super) fn codec(conditions: &Conditions) -> String {
    let (setup, quality) = (&conditions.setup, &conditions.quality);
    let protection = if setup.protected { "on" } else { "off" };
    format!(
        "beta {}, protection {protection}, Gaussian of deviation {}; overload {}",
        setup.beta,
        setup.sigma,
        percent(quality.overload_probability),
    )
}

/// Codec, quality, rates and machine, in a few lines.
fn configuration(conditions: &Conditions) -> String {
    let (setup, quality, rates, roofs) =
        (&conditions.setup, &conditions.quality, &conditions.rates, &conditions.roofs);
    let nsm = quality.nsm.map_or_else(|| "none".to_owned(), |nsm| format!("{nsm:.6}"));
    format!(
        "{}, q {}, M {}, {}\n\
         MSE {:.6}, NSM of vectors not overloaded {nsm}; bits per dimension: information {:.3}, \
         stored {:.3}, with scaling {:.3}; compression {:.3}x\n\
         roofs of one core: read {}B/s, copy {}B/s, non-temporal write {}B/s",
        setup.lattice,
        setup.q,
        setup.levels,
        codec(conditions),
        quality.mse,
        rates.information_bits,
        rates.stored_bits,
        rates.stored_bits_with_scaling,
        rates.compression,
        count(roofs.read),
        count(roofs.copy),
        count(roofs.non_temporal_write),
    )
}

/// The errors of a matrix, in a few lines.
fn errors(tiles: &Tiles) -> Vec<String> {
    let snr = tiles.snr_db.map_or_else(|| "no error".to_owned(), |snr| format!("SNR {snr:.2} dB"));
    let mut lines = vec![format!(
        "error of {} rows of {}: MSE {:.3e}, {snr}; of the tiles {} are overloaded and {} become \
         zero; {} vectors/s",
        tiles.rows,
        tiles.columns,
        tiles.mse,
        percent(tiles.quality.overload_probability),
        percent(tiles.zero_fraction),
        count(tiles.timing.throughput()),
    )];
    for (what, of) in [("tile", &tiles.tile_distances), ("row", &tiles.row_distances)] {
        lines.push(format!(
            "distance of a {what}: mean {:.4}, std {:.4}, min {:.4}, median {:.4}, 95 % {:.4}, \
             99 % {:.4}, max {:.4}",
            of.mean(),
            of.std(0),
            of.min(),
            of.median(),
            of.p95(),
            of.p99(),
            of.max()
        ));
    }
    lines
}

/// The whole report, with the names of the other files.
pub(super) fn summary(found: &Found, files: &[String]) -> String {
    let setup = &found.conditions.setup;
    let environment = machine::wall();
    let get = |name: &str| environment.get(name).map_or("unknown", String::as_str);
    let mut text = format!(
        "# Performance Profiling Summary Report\n\n\
         **Configuration:** {} lattice, q={}, M={}\n\n\
         **Generated:** {}\n\n\
         **Machine:** {}, {} cores, {}, rustc {}\n\n\
         ## Overview\n\n\
         This report compares implementations of the nested-lattice codec. `Baseline` is the \
         scalar one; {} is the best of this processor, found equal to it bit for bit before it \
         was timed. CUDA columns hold times measured on a GPU or nothing. Times are means of {} \
         iterations; medians and quantiles are in the CSV and JSON files.\n\n\
         1. **Encoding**: vectors to packed codes\n\
         2. **Decoding**: packed codes to vectors\n\
         3. **Combined**: vectors to what their codes stand for\n\n",
        setup.lattice,
        setup.q,
        setup.levels,
        humantime::format_rfc3339_seconds(SystemTime::now()),
        get("cpu_name"),
        get("cpu_cores"),
        get("kernel"),
        get("rustc"),
        found.operations[0][0].isa,
        timing::ITERATIONS,
    );
    let list =
        |lines: Vec<String>| -> String { lines.iter().map(|line| format!("- {line}\n")).collect() };
    text += &list(configuration(&found.conditions).lines().map(str::to_owned).collect());
    text += "\n## Results Summary\n\n";
    for sizes in &found.operations {
        text += &results(&found.conditions, sizes);
    }
    text += &format!("## Key Findings\n\n{}", list(findings(found)));
    text += "\n## Recommendations\n\nBased on the profiling results:\n\n";
    text += &list(advice::recommendations(found));
    let files = files.iter().map(|name| format!("`{name}`")).collect();
    text + "\n## Files Generated\n\n" + &list(files)
}

fn results(conditions: &Conditions, sizes: &[Measurement]) -> String {
    let (operation, isa) = (sizes[0].operation, sizes[0].isa.as_str());
    let batches: Vec<String> = sizes.iter().map(|m| m.batch.to_string()).collect();
    let (average, most) = speedups(sizes.iter());
    let cuda = match cuda_speedups(sizes) {
        Ok((average, most)) => {
            format!("{average:.2}x on average, {most:.2}x at most, over baseline")
        }
        Err(why) => format!("not measured: {why}"),
    };
    let text = format!(
        "### {}\n\n\
         - **Batch sizes tested:** {}\n\
         - **Average speedup:** {average:.2}x ({isa} over baseline)\n\
         - **Maximum speedup:** {most:.2}x ({isa} over baseline)\n\
         - **Peak throughput:** {:.0} vectors/sec ({isa})\n\
         - **CUDA:** {cuda}\n\n",
        operation.title(),
        batches.join(", "),
        peak(sizes),
    );
    let head = [
        "Batch Size",
        "Baseline Time (ms)",
        "CUDA Time (ms)",
        "Speedup",
        "Throughput (vec/s)",
        &format!("{isa} Time (ms)"),
        &format!("{isa} Speedup"),
        &format!("{isa} Throughput (vec/s)"),
        &format!("Share of {} roof", operation.roof_words()),
    ];
    let times = |m: &Measurement, timing: Option<&Timing>| {
        let shown = |value: Option<String>| value.unwrap_or_else(|| "-".to_owned());
        [
            shown(timing.map(|t| format!("{:.6}", 1e3 * t.mean()))),
            shown(timing.map(|t| format!("{:.2}", m.speedup(t)))),
            shown(timing.map(|t| format!("{:.0}", t.throughput()))),
        ]
    };
    let row = |m: &Measurement| {
        let [baseline, ..] = times(m, Some(&m.scalar));
        let mut row = vec![m.batch.to_string(), baseline];
        row.extend(times(m, m.cuda_timing()));
        row.extend(times(m, Some(&m.best)));
        row.push(format!("{:.1} %", 100.0 * m.roof_share(&m.best, &conditions.roofs)));
        row
    };
    text + &Table::new(&head, sizes.iter().map(row).collect()).markdown("r") + "\n"
}

/// The mean and the largest speedup of the best implementation.
fn speedups<'a>(sizes: impl Iterator<Item = &'a Measurement> + Clone) -> (f64, f64) {
    let each = sizes.map(|m| m.speedup(&m.best));
    (mean(each.clone()), each.fold(0.0, f64::max))
}

/// The same on a GPU, or why there is none.
fn cuda_speedups(sizes: &[Measurement]) -> Result<(f64, f64), &str> {
    let each = sizes.iter().map(|m| m.cuda.as_ref().map(|cuda| m.speedup(&cuda.timing)));
    let each = each.collect::<Result<Vec<_>, _>>().map_err(String::as_str)?;
    Ok((mean(each.iter().copied()), each.into_iter().fold(0.0, f64::max)))
}

fn findings(found: &Found) -> Vec<String> {
    let isa = &found.operations[0][0].isa;
    let (average, most) = speedups(found.operations.iter().flatten());
    let mut lines = vec![
        format!("**Overall average speedup:** {average:.2}x ({isa} over baseline)"),
        format!("**Best speedup achieved:** {most:.2}x ({isa} over baseline)"),
    ];
    for sizes in &found.operations {
        let name = sizes[0].operation.name();
        lines.push(format!("**Peak throughput achieved, {name}:** {:.0} vectors/sec", peak(sizes)));
    }
    lines.extend(found.tiles.iter().flat_map(errors));
    lines.extend(found.sweep.as_ref().map(|sweep| format!("unit Gaussian: {}", best(sweep))));
    lines
}

/// Prints the tables and sentences of a conditions.
pub(super) fn print(found: &Found, out: &mut dyn Write) -> io::Result<()> {
    writeln!(out, "{}", configuration(&found.conditions))?;
    for sizes in &found.operations {
        let first = &sizes[0];
        let (operation, isa) = (first.operation, first.isa.as_str());
        let share = format!("of {} roof", operation.roof_words());
        let head = ["batch", "scalar", isa, "speedup", "vectors/s", &share];
        let row = |m: &Measurement| {
            let (scalar, best) = (m.scalar.quantile(0.5), m.best.quantile(0.5));
            vec![
                m.batch.to_string(),
                time(1e9 * scalar),
                time(1e9 * best),
                format!("{:.1}x", scalar / best),
                count(m.batch as f64 / best),
                format!("{:.0} %", 100.0 * m.roof_share(&m.best, &found.conditions.roofs)),
            ]
        };
        let table = Table::new(&head, sizes.iter().map(row).collect());
        write!(out, "\n{}, medians\n{}", operation.name(), table.text())?;
        if let Err(why) = &first.cuda {
            writeln!(out, "cuda: not measured: {why}")?;
        }
    }
    if let Some(tiles) = &found.tiles {
        writeln!(out, "\n{}", errors(tiles).join("\n"))?;
    }
    if let Some(sweep) = &found.sweep {
        let table = Table::new(&POINT, sweep.points.iter().step_by(4).map(point).collect());
        writeln!(out, "\nrate and distortion, unit Gaussian, protected\n{}", table.text())?;
        writeln!(out, "{}", best(sweep))?;
    }
    writeln!(out)
}
