//! What a step is made of.

use super::super::record::Kind;
use super::{Caption, look, panel};
use crate::draw::figure::{Axis, Colour, Figure, Panel, Scale, Series, Shape, Unit};
use crate::draw::numbers::time;

/// The time of one phase.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Bar {
    /// Name of the phase.
    pub(super) name: String,
    /// Mean seconds of it in the steps of each of [`Kind::ALL`], where there are any.
    pub(super) mean_seconds: [Option<f64>; 3],
}

const COLOURS: [Colour; 5] =
    [Colour::Blue, Colour::Orange, Colour::Green, Colour::Purple, Colour::Grey];

/// More bars than these have no room for their times, which the axis tells, too.
const ROOMY: usize = 5;

/// The phases of the steps of each kind.
pub(super) fn phases(caption: &Caption<'_>, bars: &[Bar]) -> Figure {
    let of = |(nth, kind): (usize, Kind)| {
        let all = bars.iter().map(|bar| Some((bar.name.as_str(), bar.mean_seconds[nth]?)));
        let all = all.collect::<Option<Vec<_>>>().filter(|all| !all.is_empty())?;
        Some(parts(&format!("Steps that {}", look(kind).0), &all))
    };
    let panels = Kind::ALL.into_iter().enumerate().filter_map(of).collect();
    caption.figure("Phases of a step", panels)
}

/// A bar for each part, with its time and share.
fn parts(title: &str, parts: &[(&str, f64)]) -> Panel {
    let sum: f64 = parts.iter().map(|(_, seconds)| seconds).sum();
    let most = parts.iter().map(|(_, seconds)| *seconds).fold(0.0, f64::max);
    let is_crowded = parts.len() > ROOMY;
    let bar = |(nth, (_, seconds)): (usize, &(&str, f64))| {
        let share = if sum > 0.0 { 100.0 * seconds / sum } else { 0.0 };
        let text = match is_crowded {
            true => format!("{share:.1} %"),
            false => format!("{}, {share:.1} %", time(1e9 * seconds)),
        };
        let colour = COLOURS[nth % COLOURS.len()];
        Series::new("", colour, Shape::Bars(0.6), vec![(nth as f64, *seconds)])
            .with_texts(vec![text])
    };
    let series = parts.iter().enumerate().map(bar).collect();
    // Names take turns in two lines.
    let line = |nth: usize| if is_crowded && nth % 2 == 1 { "\n" } else { "" };
    let names = (0..).zip(parts).map(|(nth, (name, _))| format!("{}{name}", line(nth))).collect();
    let y = Axis::new("mean time in a step", Scale::Linear, Unit::Seconds);
    let title = format!("{title}: {}", time(1e9 * sum));
    panel(title, Axis::of(names), y.between(0.0, 1.18 * most.max(1e-12)), series)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bar(name: &str, quiet: f64, rebuilt: Option<f64>) -> Bar {
        Bar { name: name.to_owned(), mean_seconds: [Some(quiet), None, rebuilt] }
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
        let many = vec![bar("own molecule", 1e-6, None); 8];
        let many = &phases(&caption, &many).panels[0];
        let (text, name) = (&many.series[7].texts[0], &many.x.names[7]);
        assert_eq!((text.as_str(), name.as_str()), ("12.5 %", "\nown molecule"), "crowded");
        let none = phases(&caption, &[bar("forces", 0.0, None)]);
        assert_eq!(none.panels.len(), 1, "no rebuild");
    }
}
