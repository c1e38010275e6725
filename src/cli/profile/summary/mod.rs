//! The summary report, and the lines that are printed too.

mod advice;

use std::fmt::Write as _;
use std::time::SystemTime;

use super::Found;
use crate::machine;
use crate::profile::codec::{Measurement, Operation};
use crate::profile::output::Run;
use crate::profile::sweep::{Point, Sweep};
use crate::profile::tiles::{Distances, Tiles};
use crate::profile::timing;
use crate::report::table;

/// The columns of [`point`].
pub(super) const POINT: [&str; 6] = ["beta", "overload", "bits", "MSE", "Shannon MSE", "gap dB"];

/// A point of a sweep as the fields of a row.
pub(super) fn point(point: &Point) -> Vec<String> {
    vec![
        step(point.beta),
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
    let beta = step(best.beta);
    format!("best beta {beta}, {:.2} dB from the Shannon bound{edge}", best.gap_db)
}

/// A step beta, which is small where q^M is large.
pub(super) fn step(beta: f64) -> String {
    if beta < 0.01 { format!("{beta:.3e}") } else { format!("{beta:.4}") }
}

pub(super) fn percent(share: f64) -> String {
    match share {
        0.0 => "0 %".to_owned(),
        share if share < 1e-3 => format!("{:.1e} %", 100.0 * share),
        share => format!("{:.2} %", 100.0 * share),
    }
}

pub(super) fn mean(values: impl Iterator<Item = f64>) -> f64 {
    let (sum, n) = values.fold((0.0, 0.0), |(sum, n), v| (sum + v, n + 1.0));
    sum / n
}

/// The codec, its data and what it loses, in one line.
pub(super) fn codec(run: &Run) -> String {
    let (setup, quality) = (&run.setup, &run.quality);
    let protection = if setup.protected { "on" } else { "off" };
    format!(
        "beta {}, protection {protection}, Gaussian of deviation {}; overload {}",
        setup.beta,
        setup.sigma,
        percent(quality.overload_probability),
    )
}

/// Codec, quality, rates and machine, in a few lines.
pub(super) fn configuration(run: &Run) -> String {
    let (setup, quality, rates, roofs) = (&run.setup, &run.quality, &run.rates, &run.roofs);
    let nsm = quality.nsm.map_or_else(|| "none".to_owned(), |nsm| format!("{nsm:.6}"));
    format!(
        "{}, q {}, M {}, {}\n\
         MSE {:.6}, NSM of vectors not overloaded {nsm}; bits per dimension: information {:.3}, \
         stored {:.3}, with scaling {:.3}; compression {:.3}x\n\
         roofs of one core: read {}B/s, copy {}B/s, non-temporal write {}B/s",
        setup.lattice,
        setup.q,
        setup.levels,
        codec(run),
        quality.mse,
        rates.information_bits,
        rates.stored_bits,
        rates.stored_bits_with_scaling,
        rates.compression,
        table::count(roofs.read),
        table::count(roofs.copy),
        table::count(roofs.non_temporal_write),
    )
}

/// The errors of a matrix, in a few lines.
pub(super) fn errors(tiles: &Tiles) -> Vec<String> {
    let snr = tiles.snr_db.map_or_else(|| "no error".to_owned(), |snr| format!("SNR {snr:.2} dB"));
    let mut lines = vec![format!(
        "error of {} rows of {}: MSE {:.3e}, {snr}; of the tiles {} are overloaded and {} become \
         zero; {} vectors/s",
        tiles.rows,
        tiles.columns,
        tiles.mse,
        percent(tiles.quality.overload_probability),
        percent(tiles.zero_fraction),
        table::count(tiles.timing.throughput),
    )];
    for (what, values) in [("tile", &tiles.tile_distances), ("row", &tiles.row_distances)] {
        let Distances { mean, std, min, median, q95, q99, max, .. } = Distances::of(values);
        lines.push(format!(
            "distance of a {what}: mean {mean:.4}, std {std:.4}, min {min:.4}, median {median:.4}, \
             95 % {q95:.4}, 99 % {q99:.4}, max {max:.4}"
        ));
    }
    lines
}

/// The whole report, with the names of the other files.
pub(super) fn summary(found: &Found, files: &[String]) -> String {
    let setup = &found.run.setup;
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
        found.operations[0][0].isa.name(),
        timing::ITERATIONS,
    );
    for line in configuration(&found.run).lines() {
        put(&mut text, &format!("- {line}"));
    }
    text += "\n## Results Summary\n\n";
    for sizes in &found.operations {
        text += &results(&found.run, sizes);
    }
    text += "## Key Findings\n\n";
    for line in findings(found) {
        put(&mut text, &format!("- {line}"));
    }
    text += "\n## Recommendations\n\nBased on the profiling results:\n\n";
    for line in advice::recommendations(found) {
        put(&mut text, &format!("- {line}"));
    }
    text += "\n## Files Generated\n\n";
    for name in files {
        put(&mut text, &format!("- `{name}`"));
    }
    text
}

fn put(text: &mut String, line: &str) {
    writeln!(text, "{line}").expect("a String grows");
}

fn results(run: &Run, sizes: &[Measurement]) -> String {
    let (operation, isa) = (sizes[0].operation, sizes[0].isa.name());
    let title = match operation {
        Operation::Encoding => "Encoding",
        Operation::Decoding => "Decoding",
        Operation::Combined => "Combined",
    };
    let batches: Vec<String> = sizes.iter().map(|m| m.batch.to_string()).collect();
    let mut text = format!("### {title}\n\n- **Batch sizes tested:** {}\n", batches.join(", "));
    let (average, most) = speedups(sizes.iter());
    put(&mut text, &format!("- **Average speedup:** {average:.2}x ({isa} over baseline)"));
    put(&mut text, &format!("- **Maximum speedup:** {most:.2}x ({isa} over baseline)"));
    put(&mut text, &format!("- **Peak throughput:** {} vectors/sec ({isa})", peak(sizes)));
    match cuda_speedups(sizes) {
        Ok((average, most)) => put(
            &mut text,
            &format!("- **CUDA:** {average:.2}x on average, {most:.2}x at most, over baseline"),
        ),
        Err(why) => put(&mut text, &format!("- **CUDA:** not measured: {why}")),
    }
    let (simd, rate) = (format!("{isa} Time (ms)"), format!("{isa} Throughput (vec/s)"));
    let (faster, share) = (format!("{isa} Speedup"), format!("Share of {} roof", roof(operation)));
    let head = [
        "Batch Size",
        "Baseline Time (ms)",
        "CUDA Time (ms)",
        "Speedup",
        "Throughput (vec/s)",
        &simd,
        &faster,
        &rate,
        &share,
    ];
    let none = || "-".to_owned();
    let row = |m: &Measurement| {
        let cuda = m.cuda_timing();
        vec![
            m.batch.to_string(),
            format!("{:.6}", 1e3 * m.scalar.mean_time),
            cuda.map_or_else(none, |t| format!("{:.6}", 1e3 * t.mean_time)),
            cuda.map_or_else(none, |t| format!("{:.2}", m.speedup(t))),
            cuda.map_or_else(none, |t| format!("{:.0}", t.throughput)),
            format!("{:.6}", 1e3 * m.best.mean_time),
            format!("{:.2}", m.speedup(&m.best)),
            format!("{:.0}", m.best.throughput),
            format!("{:.1} %", 100.0 * m.roof_share(&m.best, &run.roofs)),
        ]
    };
    let rows: Vec<_> = sizes.iter().map(row).collect();
    text + "\n" + &table::markdown(&head, &rows) + "\n"
}

/// The name of the roof, in words.
pub(super) fn roof(operation: Operation) -> &'static str {
    match operation {
        Operation::Encoding => "read",
        Operation::Decoding => "non-temporal write",
        Operation::Combined => "copy",
    }
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

fn peak(sizes: &[Measurement]) -> String {
    format!("{:.0}", highest(sizes))
}

fn highest(sizes: &[Measurement]) -> f64 {
    sizes.iter().map(|m| m.best.throughput).fold(0.0, f64::max)
}

fn findings(found: &Found) -> Vec<String> {
    let isa = found.operations[0][0].isa.name();
    let (average, most) = speedups(found.operations.iter().flatten());
    let mut lines = vec![
        format!("**Overall average speedup:** {average:.2}x ({isa} over baseline)"),
        format!("**Best speedup achieved:** {most:.2}x ({isa} over baseline)"),
    ];
    for sizes in &found.operations {
        let name = sizes[0].operation.name();
        lines.push(format!("**Peak throughput achieved, {name}:** {} vectors/sec", peak(sizes)));
    }
    lines.extend(found.tiles.iter().flat_map(errors));
    lines.extend(found.sweep.as_ref().map(|sweep| format!("unit Gaussian: {}", best(sweep))));
    lines
}
