//! Figures of what a codec loses: errors of a matrix, and rate and distortion.

use super::super::batches::Setup;
use super::super::found::Conditions;
use super::super::quality::{normalisation, second_moment};
use super::super::summary;
use super::super::sweep::{Point, Sweep, VECTORS, shown};
use super::super::tiles::{STATISTICS, Tiles};
use super::{code, panel};
use crate::draw::figure::{Axis, Colour, Figure, Panel, Scale, Series, Shape, Unit};
use crate::draw::numbers::percent;
use crate::stats::{Method, Samples};

const BINS: usize = 50;

/// Histograms and cumulative distributions of the errors of tiles and rows.
pub(in super::super) fn error(conditions: &Conditions, tiles: &Tiles) -> Figure {
    let Tiles { rows, columns, tiles_per_row, .. } = tiles;
    let quality = &tiles.quality;
    let title = format!("Lattice quantization error: {}", code(&conditions.setup));
    let snr = tiles.snr_db.map_or_else(|| "no error".to_owned(), |snr| format!("SNR {snr:.2} dB"));
    let subtitle = format!(
        "{rows} rows of {columns}, norm 1, scaled by {tiles_per_row}; beta {}; {snr}; {} of the \
         tiles overloaded",
        conditions.setup.beta,
        percent(quality.overload_probability),
    );
    let of_tiles = (&tiles.tile_distances, "tiles", Colour::Blue);
    let of_rows = (&tiles.row_distances, "rows", Colour::Orange);
    let x = |what: &str| {
        let label = format!("distance of a {}, Euclidean", what.trim_end_matches('s'));
        Axis::new(label, Scale::Linear, Unit::Number)
    };
    let ends = |values: &Samples| {
        let (min, max) = (values.min(), values.max());
        let pad = 0.02 * BINS as f64 * bin(min, max);
        (min - pad, max + pad)
    };
    let histogram = |(values, what, colour): (&Samples, &str, Colour)| {
        let (low, high) = ends(values);
        let (points, width) = binned(values);
        let y = Axis::new(format!("{what} in a bin, {BINS} bins"), Scale::Linear, Unit::Count);
        let bars = Series::new("", colour, Shape::Bars(width), points);
        Panel {
            note: box_of(values),
            ..panel(
                format!("Error of {what}"),
                x(what).between(low, high + 0.35 * (high - low)),
                y,
                vec![bars],
            )
        }
    };
    let cumulative = |(values, what, colour): (&Samples, &str, Colour)| {
        let at = |p| values.quantile(p, Method::Linear);
        let curve = (0..=500).map(|k| f64::from(k) / 500.0).map(|p| (at(p), p));
        let marks = [0.5, 0.9, 0.95, 0.99];
        let lines = marks.map(|p| (at(p), 0.0)).to_vec();
        let texts = marks.map(|p| format!("{:.0} %: {:.4}", 100.0 * p, at(p)));
        let (low, high) = ends(values);
        let y = Axis::new(format!("share of the {what}"), Scale::Linear, Unit::Percent);
        let series = vec![
            Series::new("", Colour::Grey, Shape::Verticals, lines).with_texts(texts.to_vec()),
            Series::new("", colour, Shape::Line, curve.collect()),
        ];
        panel(
            format!("Cumulative error of {what}"),
            x(what).between(low, high),
            y.between(0.0, 1.0),
            series,
        )
    };
    let panels =
        vec![histogram(of_tiles), histogram(of_rows), cumulative(of_tiles), cumulative(of_rows)];
    Figure { title, subtitle, panels }
}

/// Centres and counts of equal bins from the least to the largest value, and their width.
fn binned(values: &Samples) -> (Vec<(f64, f64)>, f64) {
    let (min, max) = (values.min(), values.max());
    let width = bin(min, max);
    let mut counts = [0_u32; BINS];
    for value in values.values() {
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "0 to BINS")]
        let nth = ((value - min) / width) as usize;
        counts[nth.min(BINS - 1)] += 1;
    }
    let centre = |k: u32| min + (f64::from(k) + 0.5) * width;
    let points = counts.iter().zip(0..).map(|(count, k)| (centre(k), f64::from(*count)));
    (points.collect(), width)
}

/// The width of a bin; of equal values, which have no spread, one that can be seen.
fn bin(min: f64, max: f64) -> f64 {
    let (spread, size) = (max - min, max.abs());
    let seen = if spread > 1e-9 * size { spread } else { size.max(1.0) };
    seen / BINS as f64
}

fn box_of(values: &Samples) -> Vec<String> {
    let lines = STATISTICS[..5].iter().map(|(name, of)| format!("{name} {:.4}", of(values)));
    lines.chain([format!("of {}", values.len())]).collect()
}

/// Distortion against rate, and both over the step.
pub(in super::super) fn sweep(setup: &Setup, sweep: &Sweep) -> Figure {
    let best = &sweep.best;
    let over = |value: fn(&Point) -> Option<f64>| {
        sweep.points.iter().filter_map(|p| Some((p.beta, value(p)?))).collect::<Vec<_>>()
    };
    let nearest = sweep
        .points
        .iter()
        .min_by(|a, b| (a.beta / best.beta).ln().abs().total_cmp(&(b.beta / best.beta).ln().abs()))
        .expect("a sweep has points");
    let beta = || Axis::new("step beta", Scale::Log, Unit::Number);
    let curve = sweep.points.iter().map(|p| (p.rate_bits, p.mse)).collect();
    let rates = sweep.points.iter().map(|p| p.rate_bits);
    let (low, high) = rates.fold((f64::INFINITY, 0.0_f64), |(l, h), r| (l.min(r), h.max(r)));
    let margin = (0.08 * (high - low)).max(0.05);
    let (low, high) = ((low - margin).max(0.0), high + margin);
    let bound = (0..=100).map(|k| low + (high - low) * f64::from(k) / 100.0);
    let bound = bound.map(|r| (r, (-2.0 * r).exp2())).collect();
    let dots = Shape::Dots;
    let (isolated, orange) = (Series::new, Colour::Orange);
    let second =
        |beta: f64| beta * beta * second_moment(setup.lattice) * normalisation(setup.lattice);
    let cell = sweep.points.iter().map(|p| (p.beta, second(p.beta))).collect();
    Figure {
        title: format!("Rate and distortion: {}", code(setup)),
        subtitle: format!(
            "unit Gaussian, protected, {} vectors at each step; {}",
            VECTORS,
            summary::best(sweep)
        ),
        panels: vec![
            panel(
                "Distortion against rate",
                Axis::new("bits per dimension, M log2 q + H(T) / d", Scale::Linear, Unit::Number)
                    .between(low, high),
                Axis::new("mean squared error per dimension", Scale::Log, Unit::Number),
                vec![
                    Series::new("Shannon bound", Colour::Black, Shape::Dashes, bound),
                    Series::new("codec, beta swept", Colour::Blue, Shape::Line, curve),
                    isolated("best beta", orange, dots, vec![(nearest.rate_bits, nearest.mse)]),
                ],
            ),
            panel(
                "Distance to the Shannon bound",
                beta(),
                Axis::new("decibels", Scale::Linear, Unit::Number),
                vec![
                    Series::new("codec", Colour::Blue, Shape::Line, over(|p| Some(p.gap_db))),
                    isolated("best", orange, dots, vec![(best.beta, best.gap_db)])
                        .with_texts(vec![format!("{:.2} dB at {}", best.gap_db, shown(best.beta))]),
                ],
            ),
            panel(
                "Distortion over the step",
                beta(),
                Axis::new("mean squared error per dimension", Scale::Log, Unit::Number),
                vec![
                    Series::new("all vectors", Colour::Blue, Shape::Line, over(|p| Some(p.mse))),
                    Series::new(
                        "not overloaded",
                        Colour::Green,
                        Shape::Line,
                        over(|p| p.mse_not_overloaded),
                    ),
                    Series::new("second moment of the cell", Colour::Black, Shape::Dashes, cell),
                    isolated("best beta", orange, dots, vec![(best.beta, nearest.mse)]),
                ],
            ),
            panel(
                "Overload",
                beta(),
                Axis::new("share of the vectors that need scaling", Scale::Linear, Unit::Percent)
                    .between(0.0, 1.0),
                vec![
                    Series::new(
                        "overload",
                        Colour::Blue,
                        Shape::Line,
                        over(|p| Some(p.overload_probability)),
                    ),
                    isolated(
                        "best beta",
                        orange,
                        dots,
                        vec![(best.beta, nearest.overload_probability)],
                    )
                    .with_texts(vec![percent(nearest.overload_probability)]),
                ],
            ),
        ],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_value_is_in_one_bin() {
        let squares = Samples::new((0..1000).map(|k| f64::from(k * k)));
        let (points, width) = binned(&squares);
        assert_eq!(points.iter().map(|p| p.1).sum::<f64>(), 1000.0, "count");
        assert!((points[0].0 - width / 2.0).abs() < 1e-9, "first centre");
        let (points, width) = binned(&Samples::new([2.0; 7]));
        assert_eq!((points[0].1, width), (7.0, 0.04), "all equal");
    }
}
