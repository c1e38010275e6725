//! The figures of a profile.

mod losses;

use super::batches::{Operation, Setup};
use super::found::Conditions;
use super::summary;
use super::times::Measurement;
use crate::draw::figure::{Axis, Colour, Figure, Panel, Scale, Series, Shape, Unit};
use crate::draw::numbers::{count, trimmed};
use crate::profile::timing::Timing;
pub(super) use losses::{error, sweep};

fn code(setup: &Setup) -> String {
    format!("{}, q {}, M {}", setup.lattice, setup.q, setup.levels)
}

/// The subtitle of figures with times: where they are from, and what is missing.
fn subtitle(conditions: &Conditions, first: &Measurement) -> String {
    let cuda = first.cuda.as_ref().err().map(|why| format!("; CUDA not measured: {why}"));
    format!("{}{}", summary::codec(conditions), cuda.unwrap_or_default())
}

fn batches() -> Axis {
    Axis::new("batch size, vectors per call", Scale::Log, Unit::Count)
}

const CUDA: &str = "CUDA";

/// A series over batch sizes, ascending.
fn over_batches(
    label: &str,
    colour: Colour,
    shape: Shape,
    sizes: &[Measurement],
    value: &dyn Fn(&Measurement) -> Option<f64>,
) -> Series {
    let mut points: Vec<_> =
        sizes.iter().filter_map(|m| Some((m.batch as f64, value(m)?))).collect();
    points.sort_by(|a, b| a.0.total_cmp(&b.0));
    Series::new(label, colour, shape, points)
}

/// One series for each implementation that was measured.
fn implementations(
    sizes: &[Measurement],
    value: &dyn Fn(&Measurement, &Timing) -> f64,
) -> Vec<Series> {
    let marks = Shape::Markers;
    let isa = sizes[0].isa.as_str();
    let two = |m: &Measurement| m.scalar_two_calls.as_ref().map(|t| value(m, t));
    let cuda = |m: &Measurement| m.cuda_timing().map(|t| value(m, t));
    let all = [
        over_batches("scalar", Colour::Grey, marks, sizes, &|m| Some(value(m, &m.scalar))),
        over_batches("scalar, two calls", Colour::Purple, marks, sizes, &two),
        over_batches(isa, Colour::Blue, marks, sizes, &|m| Some(value(m, &m.best))),
        over_batches(CUDA, Colour::Green, marks, sizes, &cuda),
    ];
    all.into_iter().filter(|series| !series.points.is_empty()).collect()
}

fn one() -> Series {
    Series::new("", Colour::Black, Shape::Horizontals, vec![(0.0, 1.0)])
}

fn panel(title: impl Into<String>, x: Axis, y: Axis, series: Vec<Series>) -> Panel {
    Panel { title: title.into(), x, y, series, note: Vec::new() }
}

fn seconds() -> Axis {
    Axis::new("mean time of a call", Scale::Log, Unit::Seconds)
}

fn rate() -> Axis {
    Axis::new("vectors per second", Scale::Log, Unit::Count)
}

fn speedup() -> Axis {
    Axis::new("times faster than the scalar implementation", Scale::Linear, Unit::Times)
}

/// Time, speedup, throughput, and size or memory traffic of one operation.
pub(super) fn operation(conditions: &Conditions, sizes: &[Measurement]) -> Figure {
    let operation = sizes[0].operation;
    let what = match operation {
        Operation::Combined => "encoding and decoding",
        single => single.name(),
    };
    let mut faster = implementations(sizes, &Measurement::speedup);
    faster.retain(|series| series.label != "scalar");
    faster.insert(0, one());
    let last = if operation == Operation::Decoding {
        traffic(conditions, sizes)
    } else {
        sizes_of(conditions)
    };
    Figure {
        title: format!("Lattice codec, {what}: {}", code(&conditions.setup)),
        subtitle: subtitle(conditions, &sizes[0]),
        panels: vec![
            panel("Time", batches(), seconds(), implementations(sizes, &|_, t| t.mean())),
            panel("Speedup", batches(), speedup(), faster),
            panel("Throughput", batches(), rate(), implementations(sizes, &|_, t| t.throughput())),
            last,
        ],
    }
}

fn traffic(conditions: &Conditions, sizes: &[Measurement]) -> Panel {
    let mut rates = implementations(sizes, &|m, t| m.bytes as f64 / t.mean());
    // A GPU has other memory, and other roofs.
    rates.retain(|series| series.label != CUDA);
    let roof = |label: &str, colour, value| {
        let label = format!("{label} roof, {}B/s", count(value));
        Series::new(label, colour, Shape::Horizontals, vec![(0.0, value)])
    };
    let mut series = vec![
        roof("write", Colour::Black, conditions.roofs.non_temporal_write),
        roof("copy", Colour::Orange, conditions.roofs.copy),
    ];
    series.extend(rates);
    let y = Axis::new("bytes per second, codes read and floats written", Scale::Log, Unit::Count);
    panel("Memory bandwidth", batches(), y, series)
}

fn sizes_of(conditions: &Conditions) -> Panel {
    let (rates, digits) = (&conditions.rates, 8.0 * conditions.setup.levels as f64);
    let bars = [
        ("f32", 32.0),
        ("one byte a digit", digits),
        ("packed, scaling", rates.stored_bits_with_scaling),
        ("packed", rates.stored_bits),
        ("information", rates.information_bits),
    ];
    let names = bars.map(|(name, _)| name.to_owned()).to_vec();
    let points = bars.iter().zip(0_u32..).map(|((_, bits), k)| (f64::from(k), *bits)).collect();
    let texts = bars.map(|(_, bits)| format!("{bits:.3}")).map(|text| trimmed(&text)).to_vec();
    let series = Series::new("", Colour::Blue, Shape::Bars(0.6), points).with_texts(texts);
    let y = Axis::new("bits per dimension", Scale::Linear, Unit::Number).between(0.0, 36.0);
    let note = vec![
        format!("compression {}x", trimmed(&format!("{:.3}", rates.compression))),
        "(f32 to packed)".to_owned(),
    ];
    Panel { note, ..panel("Size of a code", Axis::of(names), y, vec![series]) }
}

/// All operations in one figure.
pub(super) fn comprehensive(conditions: &Conditions, operations: &[Vec<Measurement>]) -> Figure {
    let colours = [Colour::Blue, Colour::Orange, Colour::Green];
    let isa = operations[0][0].isa.as_str();
    let (mut times, mut speedups, mut rates) = (Vec::new(), vec![one()], Vec::new());
    let (mut names, mut bars, mut texts) = (Vec::new(), Vec::new(), Vec::new());
    for ((sizes, colour), k) in operations.iter().zip(colours).zip(0_u32..) {
        let name = sizes[0].operation.name();
        let best = format!("{name}, {isa}");
        let scalar = format!("{name}, scalar");
        let (line, dashes) = (Shape::Markers, Shape::Dashes);
        times.push(over_batches(&best, colour, line, sizes, &|m| Some(m.best.mean())));
        times.push(over_batches(&scalar, colour, dashes, sizes, &|m| Some(m.scalar.mean())));
        rates.push(over_batches(&best, colour, line, sizes, &|m| Some(m.best.throughput())));
        rates.push(over_batches(&scalar, colour, dashes, sizes, &|m| Some(m.scalar.throughput())));
        speedups.push(over_batches(&best, colour, line, sizes, &|m| Some(m.speedup(&m.best))));
        let cuda = |m: &Measurement| m.cuda_timing().map(|t| m.speedup(t));
        let dots = over_batches(&format!("{name}, CUDA"), colour, Shape::Dots, sizes, &cuda);
        if !dots.points.is_empty() {
            speedups.push(dots);
        }
        let mean = summary::mean(sizes.iter().map(|m| m.speedup(&m.best)));
        names.push(sizes[0].operation.title());
        bars.push(Series::new("", colour, Shape::Bars(0.55), vec![(f64::from(k), mean)]));
        texts.push(format!("{mean:.2}x"));
    }
    let bars = bars.into_iter().zip(texts).map(|(bar, text)| bar.with_texts(vec![text])).collect();
    let y = Axis::new(format!("mean over batch sizes, {isa}"), Scale::Linear, Unit::Times);
    Figure {
        title: format!("Lattice codec: {}", code(&conditions.setup)),
        subtitle: subtitle(conditions, &operations[0][0]),
        panels: vec![
            panel("Time", batches(), seconds(), times),
            panel("Speedup", batches(), speedup(), speedups),
            panel("Throughput", batches(), rate(), rates),
            panel("Mean speedup over scalar", Axis::of(names), y, bars),
        ],
    }
}
