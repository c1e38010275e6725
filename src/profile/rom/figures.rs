//! The figures of a run: only those whose data there are.

use super::document::Profile;
use super::names::PICTURES;
use super::report::Report;
use super::summary::extended;
use crate::draw::figure::{Axis, Colour, Figure, Panel, Scale, Series, Shape, Unit};
use crate::draw::numbers::time;
use crate::stats::{Method, Samples};

const COLOURS: [Colour; 5] =
    [Colour::Blue, Colour::Orange, Colour::Green, Colour::Purple, Colour::Grey];

fn colour(nth: usize) -> Colour {
    COLOURS[nth % COLOURS.len()]
}

fn panel(title: impl Into<String>, x: Axis, y: Axis, series: Vec<Series>) -> Panel {
    Panel { title: title.into(), x, y, series, note: Vec::new() }
}

fn figure(report: &Report, title: &str, panels: Vec<Panel>) -> Figure {
    let first = report.profiles.first().map(extended);
    let said = first.map_or_else(String::new, |e| {
        let cpu = e.machine.get("cpu_name").map_or("unknown processor", String::as_str);
        format!("{cpu}, one core, {}", e.isa.as_deref().unwrap_or("unknown instructions"))
    });
    Figure {
        title: title.to_owned(),
        subtitle: format!("{}; {said}", report.experiment_name),
        panels,
    }
}

/// Names and figures.
pub(super) fn figures(report: &Report) -> Vec<(&'static str, Figure)> {
    let all = [
        speed(report),
        accuracy(report),
        Some(latency(report)),
        training(report),
        forecast(report),
    ];
    PICTURES.into_iter().zip(all).filter_map(|(name, figure)| Some((name, figure?))).collect()
}

fn microseconds() -> Axis {
    Axis::new("time of a step, microseconds", Scale::Log, Unit::Number)
}

fn with_models(report: &Report, of: impl Fn(&Profile) -> Option<(f64, f64)>) -> Vec<Series> {
    let dot = |(nth, profile): (usize, &Profile)| {
        let name = profile.model_name.clone();
        Some(Series::new(name, colour(nth), Shape::Dots, vec![of(profile)?]))
    };
    report.profiles.iter().enumerate().filter_map(dot).collect()
}

/// Points that are marked; more of them are a line.
const MARKED: usize = 40;

fn curve(points: &[(f64, f64)]) -> Shape {
    if points.len() > MARKED { Shape::Line } else { Shape::Markers }
}

/// The time of a step over its operations, the share of the roof, and times while one size grows.
fn speed(report: &Report) -> Option<Figure> {
    let seconds = || Axis::new("time of a step", Scale::Log, Unit::Seconds);
    let flops = || Axis::new("multiplications and additions of a step", Scale::Log, Unit::Count);
    let of = |profile: &Profile| {
        let e = extended(profile);
        Some((e.flops_per_step? as f64, 1e-6 * e.microseconds_per_step))
    };
    let bound = |profile: &Profile| {
        let e = extended(profile);
        Some((e.flops_per_step? as f64, 1e-6 * e.roof.as_ref()?.bound_microseconds))
    };
    let mut dots = with_models(report, of);
    if dots.is_empty() {
        return None;
    }
    let roofs: Vec<_> = report.profiles.iter().filter_map(bound).collect();
    let mut panels = Vec::new();
    let share = |profile: &Profile| Some(extended(profile).roof.as_ref()?.share);
    let bar = |(nth, profile): (usize, &Profile)| {
        let (name, share) = (profile.model_name.clone(), share(profile)?);
        let bar = Series::new(name, colour(nth), Shape::Bars(0.5), vec![(nth as f64, share)]);
        Some(bar.with_texts(vec![format!("{:.0} %", 100.0 * share)]))
    };
    let mut bars: Vec<_> = report.profiles.iter().enumerate().filter_map(bar).collect();
    let one = Series::new("", Colour::Black, Shape::Horizontals, vec![(0.0, 1.0)]);
    let y = Axis::new("share of the roof", Scale::Linear, Unit::Percent);
    bars.push(one);
    // The legend has the names, which may be long.
    let x = Axis::of(vec![String::new(); report.profiles.len()]);
    let share = panel("Share of the roof", x, y, bars);
    dots.push(Series::new("roof of each", Colour::Black, Shape::Dots, roofs));
    panels.push(panel("Time of a step", flops(), seconds(), dots));
    panels.push(share);
    for axis in &report.scaling {
        let (point, roof): (Vec<_>, Vec<_>) = axis
            .points
            .iter()
            .map(|point| {
                let value = point.value as f64;
                ((value, point.seconds), (value, 1e-6 * point.roof.bound_microseconds))
            })
            .unzip();
        let x = Axis::new(format!("{} of {}", axis.size, axis.model), Scale::Log, Unit::Count);
        let title =
            format!("{}: exponent of {} is {:.2}", axis.model, axis.size, axis.exponent.ratio);
        let series = vec![
            Series::new("roof", Colour::Black, Shape::Dashes, roof),
            Series::new("measured", Colour::Blue, Shape::Markers, point),
        ];
        panels.push(panel(title, x, seconds(), series));
    }
    Some(figure(report, "Speed against size", panels))
}

/// A curve of R2 ends where it falls below this: forecasts are worse than the mean by then.
const LEAST_R2: f64 = -1.0;

/// R2 over the horizon, and steps of valid forecast over the time of a step.
fn accuracy(report: &Report) -> Option<Figure> {
    let horizons = |(nth, profile): (usize, &Profile)| {
        let found = extended(profile).accuracy.as_ref()?;
        let drawn = found.r2_by_horizon.iter().take_while(|r2| **r2 >= LEAST_R2);
        let points: Vec<_> = (1..).zip(drawn).map(|(h, r2)| (f64::from(h), *r2)).collect();
        Some(Series::new(profile.model_name.clone(), colour(nth), curve(&points), points))
    };
    let curves: Vec<_> = report.profiles.iter().enumerate().filter_map(horizons).collect();
    if curves.is_empty() {
        return None;
    }
    let cost = |profile: &Profile| {
        let e = extended(profile);
        Some((e.microseconds_per_step, e.accuracy.as_ref()?.valid_steps as f64))
    };
    let lowest = curves.iter().flat_map(|series| &series.points).map(|p| p.1).fold(0.0, f64::min);
    let label = format!("R2 in latent space, down to {LEAST_R2}");
    let y = Axis::new(label, Scale::Linear, Unit::Number);
    let horizon = Axis::new("steps ahead", Scale::Linear, Unit::Number);
    let valid = Axis::new("steps before the error is too large", Scale::Linear, Unit::Number);
    let panels = vec![
        panel("R2 by horizon", horizon, y.between(lowest - 0.05, 1.05), curves),
        panel("Accuracy against cost", microseconds(), valid, with_models(report, cost)),
    ];
    Some(figure(report, "Accuracy against cost", panels))
}

/// The distribution of the times of trials.
fn latency(report: &Report) -> Figure {
    let curve = |samples: &Samples| -> Vec<(f64, f64)> {
        let at = |p| (samples.quantile(p, Method::Linear), p);
        (0..=100).map(|k| at(f64::from(k) / 100.0)).collect()
    };
    let share = || Axis::new("share of the trials", Scale::Linear, Unit::Percent).between(0.0, 1.0);
    let mut panels = Vec::new();
    for (nth, profile) in report.profiles.iter().enumerate() {
        let e = extended(profile);
        for (what, spread) in
            [("one step", &e.single_step), (&*format!("{} steps", e.n_steps), &e.full_trajectory)]
        {
            let marks = [spread.p5_seconds, spread.median_seconds, spread.p95_seconds];
            let texts = ["5 %", "median", "95 %"].iter().zip(marks);
            let texts = texts.map(|(name, mark)| format!("{name} {}", time(1e9 * mark))).collect();
            let lines = marks.map(|mark| (mark, 0.0)).to_vec();
            let series = vec![
                Series::new("", colour(nth), Shape::Line, curve(&spread.seconds)),
                Series::new("", Colour::Grey, Shape::Verticals, lines).with_texts(texts),
            ];
            let (low, high) = (spread.seconds.min(), spread.seconds.max());
            let pad = 0.05 * (high - low).max(0.02 * high);
            let x = Axis::new("time of a forecast", Scale::Linear, Unit::Seconds);
            let title = format!("{}, {what}", profile.model_name);
            let x = x.between((low - pad).max(0.0), high + pad);
            panels.push(panel(title, x, share(), series));
        }
    }
    figure(report, "Distribution of latencies", panels)
}

/// Losses over epochs.
fn training(report: &Report) -> Option<Figure> {
    let of = |(profile, pictures): (&Profile, &super::report::Pictures)| {
        if pictures.losses.is_empty() {
            return None;
        }
        let curve = |k: usize| pictures.losses.iter().map(|row| (row[0], row[k])).collect();
        let series = vec![
            Series::new("training", Colour::Blue, Shape::Line, curve(1)),
            Series::new("validation", Colour::Orange, Shape::Line, curve(2)),
        ];
        let x = Axis::new("epoch", Scale::Linear, Unit::Number);
        let y = Axis::new("mean squared error", Scale::Log, Unit::Number);
        Some(panel(profile.model_name.clone(), x, y, series))
    };
    let panels: Vec<_> = report.profiles.iter().zip(&report.pictures).filter_map(of).collect();
    (!panels.is_empty()).then(|| figure(report, "Training curves", panels))
}

/// Components that are drawn.
const COMPONENTS: usize = 4;

/// Forecasts beside the states that came.
fn forecast(report: &Report) -> Option<Figure> {
    let examples: Vec<_> = report
        .profiles
        .iter()
        .zip(&report.pictures)
        .enumerate()
        .filter_map(|(nth, (profile, pictures))| Some((nth, profile, pictures.example.as_ref()?)))
        .collect();
    let (_, _, (_, truth)) = examples.first()?;
    let column = |states: &ndarray::Array2<f64>, k: usize| {
        (1..).zip(states.column(k)).map(|(t, x)| (f64::from(t), *x)).collect::<Vec<_>>()
    };
    let component = |k: usize| {
        let mut series = vec![Series::new("truth", Colour::Black, Shape::Line, column(truth, k))];
        for (nth, profile, (states, _)) in &examples {
            let points = column(states, k);
            series.push(Series::new(
                profile.model_name.clone(),
                colour(*nth),
                curve(&points),
                points,
            ));
        }
        let all = series.iter().flat_map(|series| &series.points).map(|p| p.1);
        let (low, high) = all.fold((f64::MAX, f64::MIN), |(l, h), x| (l.min(x), h.max(x)));
        let pad = 0.08 * (high - low).max(1e-9);
        let x = Axis::new("steps ahead", Scale::Linear, Unit::Number);
        let y =
            Axis::new("latent state", Scale::Linear, Unit::Number).between(low - pad, high + pad);
        panel(format!("Component {k}"), x, y, series)
    };
    let panels = (0..truth.ncols().min(COMPONENTS)).map(component).collect();
    Some(figure(report, "Forecast against truth", panels))
}
