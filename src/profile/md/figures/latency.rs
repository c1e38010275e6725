//! How long steps take: a histogram, and the tail.

use super::super::record::Kind;
use super::{Caption, Steps, look, panel};
use crate::draw::figure::{Axis, Colour, Figure, Panel, Scale, Series, Shape, Unit};
use crate::draw::numbers::time;
use crate::stats::{Method, Samples};

/// Bins, whose ends have equal ratios.
const BINS: usize = 60;

/// Points of the curve of the tail.
const POINTS: usize = 400;

/// The histogram of latencies and the tail of their distribution.
///
/// # Panics
///
/// If there is no step.
pub(super) fn latency(caption: &Caption<'_>, steps: &Steps<'_>) -> Figure {
    let all = Samples::new(steps.latencies_ms.iter().map(|ms| 1e-3 * ms));
    caption.figure("Latency of a step", vec![histogram(steps, &all), tail(&all)])
}

/// Where the bins start, and the ratio of both ends of each.
fn bins(all: &Samples) -> (f64, f64) {
    let low = all.min().max(1e-12);
    let reach = (all.max() / low).max(1.05);
    (low, reach.powf(1.0 / BINS as f64))
}

/// Number and count of the bins that hold some of `values`.
fn binned(values: impl Iterator<Item = f64>, (low, ratio): (f64, f64)) -> Vec<(usize, u32)> {
    let mut counts = [0_u32; BINS];
    for value in values {
        let nth = (value / low).ln() / ratio.ln();
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "0 to BINS")]
        let nth = nth.clamp(0.0, BINS as f64 - 1.0) as usize;
        counts[nth] += 1;
    }
    counts.into_iter().enumerate().filter(|(_, count)| *count > 0).collect()
}

fn histogram(steps: &Steps<'_>, all: &Samples) -> Panel {
    let (low, ratio) = bins(all);
    let end = |nth: usize| low * ratio.powf(nth as f64);
    let (mut series, mut kinds) = (Vec::new(), 0);
    for kind in Kind::ALL {
        let (mut label, colour) = look(kind);
        // Bars in front are narrower, so that they hide none.
        let share = [1.0, 0.6, 0.3][kinds];
        let held = binned(steps.of(kind).into_iter().map(|(_, s)| s), (low, ratio));
        kinds += usize::from(!held.is_empty());
        for (nth, count) in held {
            let (from, to) = (end(nth), end(nth + 1));
            let middle = vec![(0.5 * (from + to), f64::from(count))];
            series.push(Series::new(label, colour, Shape::Bars(share * (to - from)), middle));
            label = "";
        }
    }
    let marks = [("median", 0.5), ("95 %", 0.95), ("99 %", 0.99), ("99.9 %", 0.999)];
    let at = |p| all.quantile(p, Method::Linear);
    let most = series.iter().flat_map(|s| &s.points).map(|p| p.1).fold(1.0, f64::max);
    let lines = marks[..3].iter().map(|(_, p)| (at(*p), 1.0)).collect();
    let label = "median, 95 %, 99 %";
    series.push(Series::new(label, Colour::Grey, Shape::Verticals, lines));
    let x = Axis::new("time of a step", Scale::Log, Unit::Seconds);
    let label = format!("steps in a bin of {:.1} %", 100.0 * (ratio - 1.0));
    let y = Axis::new(label, Scale::Log, Unit::Count);
    // Room for the note beside the slowest steps.
    let x = x.between(low / ratio.powi(2), end(BINS + BINS / 3));
    let mut drawn = panel("Histogram", x, y.between(0.7, 2.0 * most), series);
    let said = |name: &str, seconds: f64| format!("{name} {}", time(1e9 * seconds));
    drawn.note = vec![format!("{} steps", all.len()), said("mean", all.mean())];
    drawn.note.extend(marks.map(|(name, p)| said(name, at(p))));
    drawn.note.push(said("max", all.max()));
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
        .map(|(name, one_in)| ((one_in, quantile(one_in)), name.to_owned()))
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
    fn every_step_is_in_one_bin_however_far_it_lies() {
        let values: Vec<f64> = (0..1000).map(|k| 1.0 + f64::from(k) / 1000.0).collect();
        let all = Samples::new(values.iter().copied().chain([50.0]));
        let (low, ratio) = bins(&all);
        let held = binned(all.values().iter().copied(), (low, ratio));
        assert_eq!(held.iter().map(|bin| bin.1).sum::<u32>(), 1001, "{held:?}");
        assert_eq!(held.last(), Some(&(BINS - 1, 1)), "{held:?}");
        assert!((low * ratio.powf(BINS as f64) / 50.0 - 1.0).abs() < 1e-9, "{ratio}");
        let equal = Samples::new([2.0; 7]);
        assert_eq!(binned([2.0; 7].into_iter(), bins(&equal)), [(0, 7)], "equal");
    }

    #[test]
    fn steps_of_all_kinds_are_drawn_and_named_once() {
        let latencies_ms = [1.0, 1.0, 2.0, 9.0, 9.5];
        let kinds = [Kind::Quiet, Kind::Quiet, Kind::Quiet, Kind::Rebuilt, Kind::Rebuilt];
        let steps = Steps { latencies_ms: &latencies_ms, kinds: &kinds };
        let got = latency(&Caption { subject: "s", conditions: "c" }, &steps);
        let of = |colour| {
            let series = got.panels[0].series.iter().filter(move |s| s.colour == colour);
            let count: f64 = series.clone().flat_map(|s| &s.points).map(|p| p.1).sum();
            (series.filter(|s| !s.label.is_empty()).count(), count)
        };
        assert_eq!((of(Colour::Blue), of(Colour::Orange)), ((1, 3.0), (1, 2.0)), "{got:?}");
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
