//! The history of a chapter as a figure: all cases of a record in one panel, then each case that
//! changed most in one of its own.

use super::{History, Point, Track, percent};
use crate::report::plot::{Axis, Colour, Figure, Panel, Scale, Series, Shape, Unit};

/// So many changed cases of a record are drawn in colour, and in panels of their own.
const COLOURS: [Colour; 5] =
    [Colour::Blue, Colour::Orange, Colour::Green, Colour::Purple, Colour::Black];
/// An axis of changes covers at least as much on either side.
const LEAST_CHANGE: f64 = 0.005;
/// A case whose numbers differ by this factor is drawn on a logarithmic axis.
const LOGARITHMIC: f64 = 2.5;

/// The cases of `chapter` in `histories`; `None` if there are none.
pub fn figure(chapter: &str, histories: &[History]) -> Option<Figure> {
    let prefix = format!("{chapter}/");
    let panels: Vec<Panel> = histories
        .iter()
        .flat_map(|history| {
            let tracks: Vec<&Track> =
                history.tracks.iter().filter(|track| track.id.starts_with(&prefix)).collect();
            panels(history, &tracks)
        })
        .collect();
    if panels.is_empty() {
        return None;
    }
    Some(Figure {
        title: format!("{chapter}: the committed baselines over time"),
        subtitle: "each case relative to its first revision; less is better".to_owned(),
        panels,
    })
}

/// The panels of one record; none without cases.
fn panels(history: &History, tracks: &[&Track]) -> Vec<Panel> {
    if tracks.is_empty() {
        return Vec::new();
    }
    let mut changed: Vec<&Track> =
        tracks.iter().copied().filter(|track| !track.changes.is_empty()).collect();
    changed.sort_by(|a, b| largest(b).total_cmp(&largest(a)));
    let drawn = &changed[..changed.len().min(COLOURS.len())];
    let mut panels = vec![overview(history, tracks, drawn, changed.len())];
    panels.extend(drawn.iter().map(|track| detail(history, track)));
    panels
}

/// The largest change of a case, up or down, as the logarithm of its factor.
fn largest(track: &Track) -> f64 {
    let sizes = track.changes.iter().map(|change| (change.to / change.from).ln().abs());
    sizes.fold(0.0, f64::max)
}

/// All cases: those that changed most in colour, with a marker at each change.
fn overview(history: &History, tracks: &[&Track], drawn: &[&Track], changed: usize) -> Panel {
    let mut series = Vec::new();
    let others = tracks.len() - drawn.len();
    let is_drawn = |track: &Track| drawn.iter().any(|other| other.id == track.id);
    let first = format!("{others} other{}", if others == 1 { "" } else { "s" });
    let labels = [first].into_iter().chain(std::iter::repeat(String::new()));
    let rest = tracks.iter().filter(|track| !is_drawn(track));
    let scale = scale(tracks);
    for (track, label) in rest.zip(labels) {
        series.push(Series::new(label, Colour::Grey, Shape::Thin, curve(track, scale)));
    }
    for (track, colour) in drawn.iter().zip(COLOURS) {
        let points = curve(track, scale);
        let name = track.id.split_once('/').map_or(track.id.as_str(), |(_, name)| name);
        let label = format!("{name} ({})", percent(track.first(), track.last()));
        let marks = track.changes.iter().map(|change| points[change.point]).collect();
        series.push(Series::new(label, colour, Shape::Line, points));
        series.push(Series::new("", colour, Shape::Dots, marks));
    }
    let title = match history.folder.as_str() {
        "" => history.instrument.to_owned(),
        folder => format!("{}, {folder}", history.instrument),
    };
    let note = format!("{changed} of {} cases changed", tracks.len());
    panel(title, history, scale.axis(tracks), series, vec![note])
}

/// One case, with its levels and a line where each change was committed.
fn detail(history: &History, track: &Track) -> Panel {
    let scale = scale(&[track]);
    let points = curve(track, scale);
    let first = track.first();
    let starts = track.changes.iter().map(|change| change.point);
    let starts: Vec<usize> = [0].into_iter().chain(starts).collect();
    let ends = starts.iter().skip(1).copied().chain([points.len()]);
    let values = track.changes.first().map(|change| change.from).into_iter();
    let values = values.chain(track.changes.iter().map(|change| change.to));
    let mut levels = Vec::new();
    for ((&start, end), value) in starts.iter().zip(ends).zip(values) {
        let y = scale.place(value / first);
        levels.push((points[start].0 - 0.3, y));
        levels.push((points[end - 1].0 + 0.3, y));
    }
    let at = |change: &super::Change| &track.points[change.point];
    let lines = track.changes.iter().map(|change| (at(change).revision as f64, 0.0)).collect();
    let texts = track.changes.iter().map(|change| {
        format!("{} {}", history.revision(at(change)).short(), percent(change.from, change.to))
    });
    let series = vec![
        Series::new("change", Colour::Orange, Shape::Verticals, lines).with_texts(texts.collect()),
        Series::new("level", Colour::Grey, Shape::Line, levels),
        Series::new(history.instrument, Colour::Blue, Shape::Markers, points),
    ];
    let note = format!("{} -> {}", history.written(first), history.written(track.last()));
    panel(track.id.clone(), history, scale.axis(&[track]), series, vec![note])
}

fn panel(
    title: String,
    history: &History,
    y: Axis,
    series: Vec<Series>,
    note: Vec<String>,
) -> Panel {
    let name = |revision: &super::Revision| format!("{}\n{}", revision.short(), revision.date);
    let x = Axis::of(history.revisions.iter().map(name).collect());
    Panel { title, x, y, series, note }
}

/// How numbers relative to the first are drawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Relative {
    /// As a change in percent, on a linear axis.
    Percent,
    /// As a factor, on a logarithmic axis.
    Factor,
}

impl Relative {
    /// Where a number `ratio` times the first is drawn.
    fn place(self, ratio: f64) -> f64 {
        if self == Self::Percent { ratio - 1.0 } else { ratio }
    }

    /// The axis that shows all numbers of `tracks`.
    fn axis(self, tracks: &[&Track]) -> Axis {
        let (low, high) = ends(tracks);
        if self == Self::Factor {
            let pad = (high / low).powf(0.08);
            let label = "times the first revision";
            return Axis::new(label, Scale::Log, Unit::Times).between(low / pad, high * pad);
        }
        let (low, high) = (low - 1.0, high - 1.0);
        let pad = 0.1 * (high - low);
        let (low, high) = ((low - pad).min(-LEAST_CHANGE), (high + pad).max(LEAST_CHANGE));
        Axis::new("change since the first revision", Scale::Linear, Unit::Percent)
            .between(low, high)
    }
}

fn scale(tracks: &[&Track]) -> Relative {
    let (low, high) = ends(tracks);
    if high / low > LOGARITHMIC { Relative::Factor } else { Relative::Percent }
}

/// The least and the largest number of all cases, relative to the first of its case.
fn ends(tracks: &[&Track]) -> (f64, f64) {
    let ratios = tracks
        .iter()
        .flat_map(|track| track.points.iter().map(|point| point.value / track.first()));
    ratios.fold((1.0, 1.0), |(low, high), ratio| (low.min(ratio), high.max(ratio)))
}

fn curve(track: &Track, scale: Relative) -> Vec<(f64, f64)> {
    let first = track.first();
    let place = |point: &Point| (point.revision as f64, scale.place(point.value / first));
    track.points.iter().map(place).collect()
}
