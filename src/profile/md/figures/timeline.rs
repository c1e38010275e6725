//! Latency and memory of the process, step by step.

use super::super::document::MEGABYTE;
use super::super::extended::Memory;
use super::super::growth::Growth;
use super::super::record::Kind;
use super::{Caption, Steps, look, panel};
use crate::draw::figure::{Axis, Colour, Figure, Panel, Scale, Series, Shape, Unit};
use crate::draw::numbers::short;

/// Columns of the picture: more steps than these are drawn as the least and the most of each column.
const COLUMNS: usize = 500;

/// Steps that prune or build the list are marked one by one up to so many.
const MARKED: usize = 150;

/// Latency of every step, with those marked that prune or build the list; below each step the memory, if any
/// was sampled.
pub(super) fn timeline(caption: &Caption<'_>, steps: &Steps<'_>, memory: &Memory) -> Figure {
    let mut panels = vec![latencies(steps)];
    if !memory.resident_bytes.is_empty() {
        panels.push(resident(memory));
    }
    caption.figure("Timeline", panels)
}

fn step() -> Axis {
    Axis::new("step", Scale::Linear, Unit::Count)
}

fn latencies(steps: &Steps<'_>) -> Panel {
    let points = |found: Vec<(usize, f64)>| found.into_iter().map(|(at, s)| (at as f64, s));
    let all: Vec<_> = steps.latencies_ms.iter().map(|ms| 1e-3 * ms).enumerate().collect();
    let last = all.len().saturating_sub(1).max(1) as f64;
    let mut marks = Vec::new();
    for kind in [Kind::Pruned, Kind::Rebuilt] {
        let (few, of) = few(&points(steps.of(kind)).collect::<Vec<_>>());
        let (words, colour) = look(kind);
        let label =
            if of > few.len() { format!("{words}, {} of {of}", few.len()) } else { words.into() };
        if of > 0 {
            marks.push(Series::new(label, colour, Shape::Dots, few));
        }
    }
    let line = thinned(&points(all).collect::<Vec<_>>());
    let mut series = vec![Series::new("step", Colour::Blue, Shape::Thin, line)];
    series.extend(marks);
    let y = Axis::new("time of a step", Scale::Log, Unit::Seconds);
    panel("Latency", step().between(-0.02 * last, 1.02 * last), y, series)
}

/// Up to [`MARKED`] of the points, equally far from each other, and how many there are.
fn few(points: &[(f64, f64)]) -> (Vec<(f64, f64)>, usize) {
    let len = points.len();
    let every = len.div_ceil(MARKED).max(1);
    (points.iter().copied().step_by(every).collect(), len)
}

/// The least and the most of each column, so that no peak is lost.
fn thinned(points: &[(f64, f64)]) -> Vec<(f64, f64)> {
    let wide = points.len().div_ceil(COLUMNS);
    if wide <= 2 {
        return points.to_vec();
    }
    let ends = |column: &[(f64, f64)]| {
        let by = |a: &&(f64, f64), b: &&(f64, f64)| a.1.total_cmp(&b.1);
        let low = column.iter().min_by(by).copied();
        let high = column.iter().max_by(by).copied();
        let mut ends = [low, high];
        ends.sort_by(|a, b| {
            a.map(|p| p.0).partial_cmp(&b.map(|p| p.0)).expect("steps are numbers")
        });
        ends.into_iter().flatten()
    };
    points.chunks(wide).flat_map(ends).collect()
}

fn resident(memory: &Memory) -> Panel {
    let over = |bytes: &[f64]| {
        let at =
            |(nth, bytes): (usize, &f64)| ((nth * memory.sampled_every) as f64, bytes / MEGABYTE);
        bytes.iter().enumerate().map(at).collect::<Vec<_>>()
    };
    let found = over(memory.resident_bytes.values());
    let first = found[0].1;
    let last = found.last().map_or(1.0, |p| p.0).max(1.0);
    let mut note = vec![format!("resident at first {first:.1} MiB")];
    let mut series = Vec::new();
    if let Some(Growth { bytes_per_step, .. }) = memory.resident {
        let middle = found.iter().map(|p| p.1 - first).sum::<f64>() / found.len() as f64;
        let line = [0.0, last];
        let line = line.map(|at| (at, middle + bytes_per_step / MEGABYTE * (at - 0.5 * last)));
        series.push(Series::new("rate of growth", Colour::Black, Shape::Dashes, line.to_vec()));
    }
    for (name, growth) in [("resident", memory.resident), ("heap", memory.heap)] {
        if let Some(Growth { bytes_per_step, low, high, .. }) = growth {
            note.push(format!("{name} grows {} B a step", short(bytes_per_step)));
            note.push(format!("({} to {})", short(low), short(high)));
        }
    }
    let grown = found.iter().map(|(at, mib)| (*at, mib - first)).collect();
    series.push(Series::new("resident", Colour::Blue, Shape::Line, grown));
    let heap = over(memory.heap_bytes.values());
    if let Some(begin) = heap.first().map(|p| p.1) {
        let grown = heap.iter().map(|(at, mib)| (*at, mib - begin)).collect();
        series.push(Series::new("heap", Colour::Green, Shape::Line, grown));
    }
    let ys = series.iter().flat_map(|s| &s.points).map(|p| p.1);
    let (least, most) = ys.fold((0.0_f64, 0.0_f64), |(l, h), y| (l.min(y), h.max(y)));
    // Room for the note; what is flat is drawn flat.
    let room = (0.75 * (most - least)).max(0.5);
    let y = Axis::new("MiB more than at the first step", Scale::Linear, Unit::Number)
        .between(least - 0.2 * room, most + room);
    let x = step().between(-0.02 * last, 1.02 * last);
    Panel { note, ..panel("Memory of the process", x, y, series) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stats::Samples;

    #[test]
    fn no_peak_of_many_steps_is_lost() {
        let mut points: Vec<_> = (0..100_000).map(|k| (f64::from(k), 1.0)).collect();
        points[777].1 = 5.0;
        points[99_999].1 = 0.5;
        let few = thinned(&points);
        assert!(few.len() <= 2 * COLUMNS, "{}", few.len());
        assert!(few.contains(&points[777]) && few.contains(&points[99_999]), "{few:?}");
        assert!(few.windows(2).all(|pair| pair[0].0 <= pair[1].0), "in order");
        assert_eq!(thinned(&points[..900]), points[..900], "few are drawn as they are");
    }

    #[test]
    fn a_growth_is_drawn_through_the_middle_of_the_samples() {
        let bytes: Vec<f64> =
            (0..21).map(|k| 64.0 * MEGABYTE + 1000.0 * 10.0 * f64::from(k)).collect();
        let (low, high) = (990.0, 1010.0);
        let growth = Growth { bytes_per_step: 1000.0, low, high, blocks: 10, is_leak: true };
        let memory = Memory {
            sampled_every: 10,
            delta_mb: None,
            is_stable: None,
            resident: Some(growth),
            resident_reason: None,
            heap: None,
            heap_reason: None,
            resident_bytes: Samples::new(bytes),
            heap_bytes: Samples::new([]),
        };
        let got = resident(&memory);
        let (line, samples) = (&got.series[0].points, &got.series[1].points);
        for (line, sample) in [(line[0], samples[0]), (line[1], samples[20])] {
            assert_eq!(line.0, sample.0, "step");
            assert!((line.1 - sample.1).abs() < 1e-9, "{line:?} {sample:?}");
        }
        assert_eq!(
            got.note[1..],
            ["resident grows 1000 B a step", "(990 to 1010)"],
            "{:?}",
            got.note
        );
    }
}
