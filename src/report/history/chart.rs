//! The history of a chapter as a figure: all cases of a record in one panel, then each case that
//! changed most in one of its own.

use super::{History, Point, Revision, Track, percent};
use crate::case;
use crate::draw::figure::{Axis, Colour, Figure, Panel, Scale, Series, Shape, Unit};

/// Colours of the cases of a record that have panels of their own.
const COLOURS: [Colour; 5] =
    [Colour::Blue, Colour::Orange, Colour::Green, Colour::Purple, Colour::Black];
/// A smaller change makes no case stand out: the gate lets it pass.
const LEAST_DRAWN: f64 = 0.005;
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
        tracks.iter().copied().filter(|track| largest(track) > LEAST_DRAWN).collect();
    changed.sort_by(|a, b| largest(b).total_cmp(&largest(a)));
    let drawn = &changed[..changed.len().min(COLOURS.len())];
    let mut panels = vec![overview(history, tracks, drawn)];
    panels.extend(drawn.iter().map(|track| detail(history, track)));
    panels
}

/// The largest change of a case, up or down, as the logarithm of its factor.
fn largest(track: &Track) -> f64 {
    let sizes = track.changes.iter().map(|change| (change.to / change.from).ln().abs());
    sizes.fold(0.0, f64::max)
}

/// All cases: those that changed most in colour, with a marker at each change.
fn overview(history: &History, tracks: &[&Track], drawn: &[&Track]) -> Panel {
    let scale = scale(tracks);
    let is_drawn = |track: &Track| drawn.iter().any(|other| other.id == track.id);
    let others = tracks.len() - drawn.len();
    let label = format!("{others} other{}", if others == 1 { "" } else { "s" });
    let labels = [label].into_iter().chain(std::iter::repeat(String::new()));
    let rest = tracks.iter().filter(|track| !is_drawn(track));
    let line = |track: &Track| {
        let points = curve(track, scale);
        if history.exact { stairs(&points) } else { points }
    };
    let mut series: Vec<Series> = rest
        .zip(labels)
        .map(|(track, label)| Series::new(label, Colour::Grey, Shape::Thin, line(track)))
        .collect();
    for (track, colour) in drawn.iter().zip(COLOURS) {
        let points = curve(track, scale);
        let name = track.id.split_once('/').map_or(track.id.as_str(), |(_, name)| name);
        let label = format!("{name} ({})", percent(track.first(), track.last()));
        let marks = track.changes.iter().map(|change| points[change.point]).collect();
        series.push(Series::new(label, colour, Shape::Line, line(track)));
        series.push(Series::new("", colour, Shape::Dots, marks));
    }
    let moved: Vec<_> = history.moves.iter().map(|moved| (moved.revision as f64, 0.0)).collect();
    if !moved.is_empty() {
        series.push(Series::new("other environment", Colour::Black, Shape::Verticals, moved));
    }
    let changed = tracks.iter().filter(|track| !track.changes.is_empty()).count();
    // The folder of a target is long, and its toolchain what tells it from another.
    let folder = history.folder.split_once("-rustc-").map_or(history.folder.as_str(), |(_, of)| of);
    let title = format!(
        "{}, {folder}: {changed} of {} changed",
        history.instrument,
        case::count(tracks.len())
    );
    panel(title, history, scale.axis(tracks), series)
}

/// One case: its numbers, its levels, and a line and a text where each change was committed.
fn detail(history: &History, track: &Track) -> Panel {
    let scale = scale(&[track]);
    let points = curve(track, scale);
    let first = track.first();
    let before = track.changes.first().map_or(first, |change| change.from);
    let mut levels = vec![(points[0].0, scale.place(before / first))];
    for change in &track.changes {
        levels.push((points[change.point].0, scale.place(change.to / first)));
    }
    let marks: Vec<_> = levels[1..].to_vec();
    let end = points.last().map_or(0.0, |point| point.0);
    levels.push((end, levels[levels.len() - 1].1));
    let texts = track.changes.iter().map(|change| {
        let commit = history.revision(&track.points[change.point]).short();
        format!("{commit} {}", percent(change.from, change.to))
    });
    let series = vec![
        Series::new("", Colour::Orange, Shape::Verticals, marks.clone()),
        Series::new("level", Colour::Grey, Shape::Line, stairs(&levels)),
        Series::new(history.instrument, Colour::Blue, Shape::Dots, points),
        Series::new("change", Colour::Orange, Shape::Dots, marks).with_texts(texts.collect()),
    ];
    let ends = [first, track.last()].map(|value| history.written(value));
    let title = format!("{}: {}", track.id, ends.join(" -> "));
    panel(title, history, scale.axis(&[track]), series)
}

fn panel(title: String, history: &History, y: Axis, series: Vec<Series>) -> Panel {
    let name = |revision: &Revision| format!("{}\n{}", revision.short(), revision.date);
    let x = Axis::of(history.revisions.iter().map(name).collect());
    Panel { title, x, y, series, note: Vec::new() }
}

/// How numbers relative to the first are drawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Relative {
    /// A change in percent, on a linear axis.
    Percent,
    /// A factor, on a logarithmic axis.
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

/// Each number until the next one.
fn stairs(points: &[(f64, f64)]) -> Vec<(f64, f64)> {
    let corners = points.windows(2).flat_map(|pair| [pair[0], (pair[1].0, pair[0].1)]);
    corners.chain(points.last().copied()).collect()
}
