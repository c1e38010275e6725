//! How long steps take: a histogram, and the tail.

use super::super::record::Kind;
use super::{Caption, Steps, look, panel};
use crate::draw::figure::{Axis, Colour, Figure, Panel, Scale, Series, Shape, Unit};
use crate::draw::numbers::time;
use crate::stats::{Method, Samples};

const BINS: usize = 60;

/// The histogram ends here: that many times the distance from the least latency to the 95 %
/// quantile. What lies beyond is counted in the last bin.
const REACH: f64 = 3.0;

/// Points of the curve of the tail.
const POINTS: usize = 400;

/// The histogram of latencies and the tail of their distribution.
///
/// # Panics
///
/// If there is no step.
pub fn latency(caption: &Caption<'_>, steps: &Steps<'_>) -> Figure {
    let all = Samples::new(steps.latencies_ms.iter().map(|ms| 1e-3 * ms));
    caption.figure("Latency of a step", vec![histogram(steps, &all), tail(&all)])
}

/// Where the bins start, and how wide each is.
fn bins(all: &Samples) -> (f64, f64) {
    let low = all.min();
    let reach = low + REACH * (all.p95() - low);
    let high = all.max().min(reach).max(low * (1.0 + 1e-3)).max(low + 1e-9);
    (low, (high - low) / BINS as f64)
}

/// Centres and counts of the bins that hold some of `values`; the last holds what lies beyond, too.
fn binned(values: impl Iterator<Item = f64>, (low, width): (f64, f64)) -> Vec<(f64, f64)> {
    let mut counts = [0_u32; BINS];
    for value in values {
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "0 to BINS")]
        let nth = ((value - low) / width).clamp(0.0, BINS as f64 - 1.0) as usize;
        counts[nth] += 1;
    }
    let centre = |k: u32| low + (f64::from(k) + 0.5) * width;
    let held = counts.iter().zip(0..).filter(|(count, _)| **count > 0);
    held.map(|(count, k)| (centre(k), f64::from(*count))).collect()
}

fn histogram(steps: &Steps<'_>, all: &Samples) -> Panel {
    let (low, width) = bins(all);
    let high = low + BINS as f64 * width;
    let mut series = Vec::new();
    for kind in Kind::ALL {
        let points = binned(steps.of(kind).into_iter().map(|(_, s)| s), (low, width));
        let (words, colour) = look(kind);
        if !points.is_empty() {
            // Bars in front are narrower, so that they hide none.
            let share = [1.0, 0.6, 0.3][series.len()];
            series.push(Series::new(words, colour, Shape::Bars(share * width), points));
        }
    }
    let marks = [("median", 0.5), ("95 %", 0.95), ("99 %", 0.99)];
    let at = |p| all.quantile(p, Method::Linear);
    let lines = marks.iter().map(|(_, p)| (at(*p), 1.0)).filter(|(at, _)| *at <= high);
    let label = "median, 95 %, 99 %";
    series.push(Series::new(label, Colour::Grey, Shape::Verticals, lines.collect()));
    let most = series.iter().flat_map(|s| &s.points).map(|p| p.1).fold(1.0, f64::max);
    let x = Axis::new("time of a step", Scale::Linear, Unit::Seconds);
    let y = Axis::new(format!("steps in a bin of {}", time(1e9 * width)), Scale::Log, Unit::Count);
    let pad = 2.0 * width;
    let x = x.between((low - pad).max(0.0), high + pad);
    let mut drawn = panel("Histogram", x, y.between(0.7, 2.0 * most), series);
    let beyond = all.values().iter().filter(|s| **s > high).count();
    let said = |name: &str, seconds: f64| format!("{name} {}", time(1e9 * seconds));
    drawn.note = vec![format!("{} steps", all.len()), said("mean", all.mean())];
    drawn.note.extend(marks.map(|(name, p)| said(name, at(p))));
    drawn.note.push(said("max", all.max()));
    if beyond > 0 {
        drawn.note.push(format!("{beyond} beyond, in the last bin"));
    }
    drawn
}

/// The latency that one step in so many reaches: quantiles on the line between two steps, and at
/// the end the slowest step.
fn tail(all: &Samples) -> Panel {
    let len = all.len();
    let quantile = |one_in: f64| all.quantile(1.0 - 1.0 / one_in, Method::Linear);
    let points = (0..=POINTS).map(|k| (len as f64).powf(k as f64 / POINTS as f64));
    let mut curve: Vec<_> = points.map(|one_in| (one_in, quantile(one_in))).collect();
    curve.push((len as f64, all.max()));
    let marks = [("median", 2.0), ("95 %", 20.0), ("99 %", 100.0), ("99.9 %", 1000.0)];
    let shown = marks.into_iter().filter(|(_, one_in)| *one_in <= len as f64);
    let (points, texts) = shown
        .map(|(name, one_in)| {
            let at = quantile(one_in);
            ((one_in, at), format!("{name} {}", time(1e9 * at)))
        })
        .unzip::<_, _, Vec<_>, Vec<_>>();
    let series = vec![
        Series::new("", Colour::Blue, Shape::Line, curve),
        Series::new("", Colour::Orange, Shape::Dots, points).with_texts(texts),
    ];
    let x = Axis::new("one step in so many ..", Scale::Log, Unit::Count);
    let y = Axis::new(".. takes at least this long", Scale::Log, Unit::Seconds);
    panel("Tail", x.between(0.95, 1.4 * len as f64), y, series)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_step_is_in_one_bin_and_far_ones_are_in_the_last() {
        let values: Vec<f64> = (0..1000).map(|k| 1.0 + f64::from(k) / 1000.0).collect();
        let all = Samples::new(values.iter().copied().chain([50.0]));
        let bins = bins(&all);
        let points = binned(all.values().iter().copied(), bins);
        assert_eq!(points.iter().map(|p| p.1).sum::<f64>(), 1001.0, "{points:?}");
        let last = points.last().unwrap();
        assert!(last.0 < 4.0 && last.1 == 1.0, "{points:?}");
        let equal = Samples::new([2.0; 7]);
        let (low, width) = super::bins(&equal);
        assert!(low == 2.0 && width > 0.0, "{width}");
        assert_eq!(binned([2.0; 7].into_iter(), (low, width)), [(low + width / 2.0, 7.0)], "one");
    }

    #[test]
    fn the_tail_ends_at_the_slowest_step() {
        let all = Samples::new((1..=2000).map(f64::from));
        let panel = tail(&all);
        let curve = &panel.series[0].points;
        assert_eq!((curve[0], *curve.last().unwrap()), ((1.0, 1.0), (2000.0, 2000.0)), "ends");
        let nth = |one_in: f64| curve.iter().find(|p| p.0 >= one_in).unwrap().1;
        assert!((nth(100.0) - 1981.0).abs() < 2.0, "{}", nth(100.0));
        assert_eq!(panel.series[1].texts.len(), 4, "marks");
        assert_eq!(tail(&Samples::new([1.0; 50])).series[1].texts.len(), 2, "of few steps");
    }
}
