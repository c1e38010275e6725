//! What a step is made of.

use super::{Caption, panel};
use crate::draw::figure::{Axis, Colour, Figure, Panel, Scale, Series, Shape, Unit};
use crate::draw::numbers::time;

/// The time of one phase.
#[derive(Debug, Clone, PartialEq)]
pub struct Bar {
    /// Name of the phase.
    pub name: String,
    /// Mean seconds in a step that leaves the list as it is.
    pub plain_seconds: f64,
    /// Mean seconds in a step that builds the list, where there is one.
    pub rebuild_seconds: Option<f64>,
}

const COLOURS: [Colour; 5] =
    [Colour::Blue, Colour::Orange, Colour::Green, Colour::Purple, Colour::Grey];

/// The phases of steps that leave the list as it is, and of those that build it.
pub fn phases(caption: &Caption<'_>, bars: &[Bar]) -> Figure {
    let plain = bars.iter().map(|bar| (bar.name.as_str(), bar.plain_seconds)).collect::<Vec<_>>();
    let mut panels = vec![parts("Steps that leave the list as it is", &plain)];
    let built = bars.iter().map(|bar| Some((bar.name.as_str(), bar.rebuild_seconds?)));
    let built = built.collect::<Option<Vec<_>>>();
    if let Some(built) = built.filter(|built| !built.is_empty()) {
        panels.push(parts("Steps that build the list", &built));
    }
    caption.figure("Phases of a step", panels)
}

/// A bar for each part, with its time and share.
fn parts(title: &str, parts: &[(&str, f64)]) -> Panel {
    let sum: f64 = parts.iter().map(|(_, seconds)| seconds).sum();
    let most = parts.iter().map(|(_, seconds)| *seconds).fold(0.0, f64::max);
    let bar = |(nth, (_, seconds)): (usize, &(&str, f64))| {
        let text = match sum > 0.0 {
            true => format!("{}, {:.1} %", time(1e9 * seconds), 100.0 * seconds / sum),
            false => time(1e9 * seconds),
        };
        let colour = COLOURS[nth % COLOURS.len()];
        Series::new("", colour, Shape::Bars(0.6), vec![(nth as f64, *seconds)])
            .with_texts(vec![text])
    };
    let series = parts.iter().enumerate().map(bar).collect();
    let names = parts.iter().map(|(name, _)| (*name).to_owned()).collect();
    let y = Axis::new("mean time in a step", Scale::Linear, Unit::Seconds);
    let title = format!("{title}: {}", time(1e9 * sum));
    panel(title, Axis::of(names), y.between(0.0, 1.18 * most.max(1e-12)), series)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bar(name: &str, plain_seconds: f64, rebuild_seconds: Option<f64>) -> Bar {
        Bar { name: name.to_owned(), plain_seconds, rebuild_seconds }
    }

    #[test]
    fn shares_are_of_the_sum_and_rebuilds_have_a_panel_of_their_own() {
        let caption = Caption { subject: "s", conditions: "c" };
        let bars = [bar("forces", 3e-6, Some(3e-6)), bar("other", 1e-6, Some(9e-6))];
        let got = phases(&caption, &bars);
        let texts = |nth: usize| {
            let bars = got.panels[nth].series.iter();
            bars.map(|s| s.texts[0].clone()).collect::<Vec<_>>()
        };
        assert_eq!(texts(0), ["3.00 us, 75.0 %", "1.00 us, 25.0 %"], "plain");
        assert_eq!(texts(1), ["3.00 us, 25.0 %", "9.00 us, 75.0 %"], "rebuilds");
        let none = phases(&caption, &[bar("forces", 0.0, None)]);
        assert_eq!(none.panels.len(), 1, "no rebuild");
    }
}
