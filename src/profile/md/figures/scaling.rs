//! How the time of a step grows with the number of atoms.

use super::super::scaling::{Point, Scaling};
use super::{Caption, panel};
use crate::draw::figure::{Axis, Colour, Figure, Scale, Series, Shape, Unit};
use crate::draw::numbers::time;
use crate::profile::line::Slope;

/// Time of a step and of an atom over the number of atoms, with the fitted power.
pub(super) fn scaling(caption: &Caption<'_>, found: &Scaling) -> Figure {
    let over = |of: &dyn Fn(&Point) -> f64| -> Vec<(f64, f64)> {
        found.points.iter().map(|point| (point.n_atoms as f64, 1e-3 * of(point))).collect()
    };
    let median = over(&|point| point.median_ms);
    let atoms = || Axis::new("atoms", Scale::Log, Unit::Count);
    let mut steps = vec![
        Series::new("99 % quantile", Colour::Orange, Shape::Markers, over(&|p| p.p99_ms)),
        Series::new("median", Colour::Blue, Shape::Markers, median.clone()),
    ];
    let mut title = "Time of a step".to_owned();
    if let Some(Slope { value, low, high }) = found.exponent {
        title = format!("Time of a step: exponent {value:.3} ({low:.3} to {high:.3})");
        let label = format!("atoms^{value:.3}");
        steps.insert(0, Series::new(label, Colour::Black, Shape::Dashes, fitted(&median, value)));
    }
    let per_atom = over(&|point| point.median_ms / point.n_atoms as f64);
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
    fn sizes_and_one_alone_are_drawn() {
        let point = |n_atoms, median_ms| Point {
            requested_atoms: None,
            n_atoms,
            mean_ms: median_ms,
            median_ms,
            p99_ms: median_ms,
            ns_per_atom_per_step: 1e6 * median_ms / n_atoms as f64,
            ns_per_day: None,
        };
        let caption = Caption { subject: "s", conditions: "c" };
        let found = Scaling {
            model: "sw".into(),
            system: "silicon".into(),
            exponent: Some(Slope { value: 1.107, low: 1.1, high: 1.2 }),
            exponent_reason: None,
            points: vec![point(64, 8e-3), point(512, 80e-3)],
        };
        let got = scaling(&caption, &found);
        assert!(got.panels[0].title.ends_with("exponent 1.107 (1.100 to 1.200)"), "{got:?}");
        assert_eq!(got.panels[0].series[2].points, [(64.0, 8e-6), (512.0, 80e-6)], "{got:?}");
        assert_eq!(got.panels[1].series[1].texts, ["125 ns at 64"], "{got:?}");
        let one = Scaling { exponent: None, points: found.points[..1].to_vec(), ..found };
        assert_eq!(scaling(&caption, &one).panels[0].series.len(), 2, "one");
    }
}
