//! How the time of a step grows with the number of atoms.

use super::{Caption, panel};
use crate::draw::figure::{Axis, Colour, Figure, Scale, Series, Shape, Unit};
use crate::draw::numbers::time;

/// The time of one size.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Point {
    /// Atoms that there are, not those that were asked for.
    pub atoms: usize,
    /// Seconds of the median step.
    pub median_seconds: f64,
    /// The 99 % quantile in seconds.
    pub p99_seconds: f64,
}

/// The power of the number of atoms that the time grows by, with its 95 % interval.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Exponent {
    /// The exponent.
    pub value: f64,
    /// The lower end.
    pub low: f64,
    /// The upper end.
    pub high: f64,
}

/// Time of a step and of an atom over the number of atoms, with the fitted power.
pub fn scaling(caption: &Caption<'_>, points: &[Point], exponent: Option<Exponent>) -> Figure {
    let over = |of: &dyn Fn(&Point) -> f64| {
        let mut all: Vec<_> = points.iter().map(|point| (point.atoms as f64, of(point))).collect();
        all.sort_by(|a, b| a.0.total_cmp(&b.0));
        all
    };
    let median = over(&|point| point.median_seconds);
    let atoms = || Axis::new("atoms", Scale::Log, Unit::Count);
    let mut steps = vec![
        Series::new("99 % quantile", Colour::Orange, Shape::Markers, over(&|p| p.p99_seconds)),
        Series::new("median", Colour::Blue, Shape::Markers, median.clone()),
    ];
    let mut title = "Time of a step".to_owned();
    if let Some(Exponent { value, low, high }) = exponent {
        title = format!("Time of a step: exponent {value:.3} ({low:.3} to {high:.3})");
        let label = format!("atoms^{value:.3}");
        steps.insert(0, Series::new(label, Colour::Black, Shape::Dashes, fitted(&median, value)));
    }
    let per_atom = over(&|point| point.median_seconds / point.atoms as f64);
    let least = per_atom.iter().copied().min_by(|a, b| a.1.total_cmp(&b.1));
    let mut atom = vec![Series::new("", Colour::Blue, Shape::Markers, per_atom)];
    if let Some((at, seconds)) = least {
        let text = format!("{} at {at}", time(1e9 * seconds));
        let dot = Series::new("least", Colour::Green, Shape::Dots, vec![(at, seconds)]);
        atom.push(dot.with_texts(vec![text]));
    }
    let seconds = |label: &str| Axis::new(label, Scale::Log, Unit::Seconds);
    let each = Axis::new("median step over atoms", Scale::Linear, Unit::Seconds);
    let panels = vec![
        panel(title, atoms(), seconds("time of a step"), steps),
        panel("Time for each atom", atoms(), each, atom),
    ];
    caption.figure("Scaling", panels)
}

/// The line of that slope through the middle of the logarithms of `points`, between their ends.
fn fitted(points: &[(f64, f64)], slope: f64) -> Vec<(f64, f64)> {
    let len = points.len() as f64;
    let middle = |of: &dyn Fn(&(f64, f64)) -> f64| points.iter().map(of).sum::<f64>() / len;
    let (x, y) = (middle(&|p| p.0.ln()), middle(&|p| p.1.ln()));
    let ends = points.first().into_iter().chain(points.last());
    ends.map(|p| (p.0, (y + slope * (p.0.ln() - x)).exp())).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_power_law_lies_on_its_line() {
        let points: Vec<_> = [64.0, 216.0, 512.0].map(|n: f64| (n, 3e-8 * n.powf(1.1))).to_vec();
        let line = fitted(&points, 1.1);
        assert_eq!((line[0].0, line[1].0), (64.0, 512.0), "ends");
        assert!((line[0].1 / points[0].1 - 1.0).abs() < 1e-12, "{line:?}");
        assert!((line[1].1 / points[2].1 - 1.0).abs() < 1e-12, "{line:?}");
    }

    #[test]
    fn sizes_in_any_order_and_one_alone_are_drawn() {
        let point =
            |atoms, median_seconds| Point { atoms, median_seconds, p99_seconds: median_seconds };
        let caption = Caption { subject: "s", conditions: "c" };
        let points = [point(512, 80e-6), point(64, 8e-6)];
        let exponent = Some(Exponent { value: 1.107, low: 1.1, high: 1.2 });
        let got = scaling(&caption, &points, exponent);
        assert!(got.panels[0].title.ends_with("exponent 1.107 (1.100 to 1.200)"), "{got:?}");
        assert_eq!(got.panels[0].series[2].points, [(64.0, 8e-6), (512.0, 80e-6)], "{got:?}");
        assert_eq!(got.panels[1].series[1].texts, ["125 ns at 64"], "{got:?}");
        assert_eq!(scaling(&caption, &points[..1], None).panels[0].series.len(), 2, "one");
    }
}
