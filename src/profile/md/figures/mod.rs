//! The figures of a profile, each of plain slices.

mod energy;
mod latency;
mod phases;
mod scaling;
mod timeline;

pub use energy::{Drift, Energy, energy};
pub use latency::latency;
pub use phases::{Bar, phases};
pub use scaling::{Exponent, Point, scaling};
pub use timeline::{Memory, Slope, timeline};

use crate::draw::figure::{Axis, Figure, Panel, Scale, Series, Unit};

/// What stands above a figure.
#[derive(Debug, Clone, Copy)]
pub struct Caption<'a> {
    /// Model and system: `Stillinger-Weber silicon, 64 atoms`.
    pub subject: &'a str,
    /// Circumstances: processor, instruction set, steps.
    pub conditions: &'a str,
}

impl Caption<'_> {
    fn figure(&self, what: &str, panels: Vec<Panel>) -> Figure {
        let (title, subtitle) = (format!("{what}: {}", self.subject), self.conditions.to_owned());
        Figure { title, subtitle, panels }
    }
}

/// The steps that were timed.
#[derive(Debug, Clone, Copy)]
pub struct Steps<'a> {
    /// The time of each, in ms.
    pub latencies_ms: &'a [f64],
    /// Whether each built the list of neighbours, in the same order; empty where that is not known.
    pub rebuilt: &'a [bool],
}

impl Steps<'_> {
    /// Index and latency in seconds of the steps that did, or did not, build the list.
    fn of(&self, rebuilt: bool) -> Vec<(usize, f64)> {
        let is = |at: usize| self.rebuilt.get(at).copied().unwrap_or_default();
        let steps = self.latencies_ms.iter().map(|ms| 1e-3 * ms).enumerate();
        steps.filter(|(at, _)| is(*at) == rebuilt).collect()
    }
}

fn panel(title: impl Into<String>, x: Axis, y: Axis, series: Vec<Series>) -> Panel {
    Panel { title: title.into(), x, y, series, note: Vec::new() }
}

fn number(label: &str) -> Axis {
    Axis::new(label, Scale::Linear, Unit::Number)
}
