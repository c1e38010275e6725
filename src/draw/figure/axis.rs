//! Axes: ranges, ticks and their labels.

use crate::draw::numbers::short;

/// How values are laid out along an axis.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scale {
    /// Equal steps for equal differences.
    Linear,
    /// Equal steps for equal ratios; values must be positive.
    Log,
}

/// The unit of the values of an axis.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unit {
    /// Plain numbers.
    Number,
    /// Large counts and rates: `10k`, `5M`.
    Count,
    /// Times: `10 us`.
    Seconds,
    /// Ratios: `5x`.
    Times,
    /// Fractions: `25 %`.
    Percent,
}

/// One axis of a panel.
#[derive(Debug, Clone, PartialEq)]
pub struct Axis {
    /// Name of the quantity, with its unit.
    pub label: String,
    /// How values are laid out.
    pub scale: Scale,
    /// How values are written.
    pub unit: Unit,
    /// Both ends; those of the data if there are none.
    pub range: Option<(f64, f64)>,
    /// Names at 0, 1, 2, ... instead of numbers, of one or two lines; none for an axis of numbers.
    pub names: Vec<String>,
}

impl Axis {
    /// An axis that fits its data.
    pub fn new(label: impl Into<String>, scale: Scale, unit: Unit) -> Self {
        Self { label: label.into(), scale, unit, range: None, names: Vec::new() }
    }

    /// The axis with both ends given.
    #[must_use]
    pub fn between(mut self, low: f64, high: f64) -> Self {
        self.range = Some((low, high));
        self
    }

    /// An axis of names.
    pub fn of(names: Vec<String>) -> Self {
        let high = names.len() as f64 - 0.5;
        let axis = Self::new("", Scale::Linear, Unit::Number).between(-0.5, high);
        Self { names, ..axis }
    }

    /// Whether `value` has a place on such an axis.
    pub(super) fn shows(&self, value: f64) -> bool {
        value.is_finite() && (self.scale == Scale::Linear || value > 0.0)
    }

    /// The axis laid out for `values`.
    pub(super) fn fit(&self, values: impl Iterator<Item = f64>) -> Fitted<'_> {
        let place = |v: f64| if self.scale == Scale::Log { v.log10() } else { v };
        let (low, high) = match self.range {
            Some((low, high)) => (place(low), place(high)),
            None => {
                let seen = values.filter(|v| self.shows(*v)).map(place);
                let (low, high) = seen
                    .fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), v| {
                        (low.min(v), high.max(v))
                    });
                let (low, high) = if low <= high { (low, high) } else { (0.0, 1.0) };
                let pad = match self.scale {
                    Scale::Log => (0.06 * (high - low)).max(0.1),
                    Scale::Linear if low == high => 0.5 * low.abs().max(1e-300),
                    Scale::Linear => 0.08 * (high - low),
                };
                // An axis of amounts starts at none.
                let from = if self.scale == Scale::Linear && low >= 0.0 { 0.0 } else { low - pad };
                let room = if self.scale == Scale::Linear { 0.12 * (high - from) } else { pad };
                (from, high + room.max(1e-300))
            }
        };
        Fitted { axis: self, low, high }
    }
}

/// An axis laid out for data.
#[derive(Debug)]
pub(super) struct Fitted<'a> {
    axis: &'a Axis,
    low: f64,
    high: f64,
}

impl Fitted<'_> {
    /// Where `value` lies: 0 at the low end, 1 at the high end.
    pub(super) fn place(&self, value: f64) -> f64 {
        let value = if self.axis.scale == Scale::Log { value.log10() } else { value };
        (value - self.low) / (self.high - self.low)
    }

    /// The places of labelled ticks, with their labels.
    pub(super) fn ticks(&self) -> Vec<(f64, String)> {
        if !self.axis.names.is_empty() {
            let named = self.axis.names.iter().enumerate();
            return named.map(|(at, name)| (self.place(at as f64), name.clone())).collect();
        }
        let values = match self.axis.scale {
            Scale::Linear => self.linear(),
            Scale::Log => self.log(),
        };
        values.into_iter().map(|v| (self.place(v), written(v, self.axis.unit))).collect()
    }

    /// The places of grid lines without a label: 2 to 9 of every decade, if there are few.
    pub(super) fn minor(&self) -> Vec<f64> {
        if self.axis.scale == Scale::Linear || self.high - self.low > 6.0 {
            return Vec::new();
        }
        self.decades().flat_map(|ten| (2..10).map(move |k| f64::from(k) * ten)).places(self)
    }

    fn decades(&self) -> impl Iterator<Item = f64> + use<> {
        #[expect(clippy::cast_possible_truncation, reason = "exponents of f64")]
        let (from, to) = (self.low.floor() as i32, self.high.ceil() as i32);
        (from..=to).map(|k| 10f64.powi(k))
    }

    fn log(&self) -> Vec<f64> {
        let span = self.high - self.low;
        let steps: &[f64] = match span {
            ..0.45 => &[1.0, 1.2, 1.5, 2.0, 2.5, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0, 9.0],
            ..0.75 => &[1.0, 1.5, 2.0, 3.0, 4.0, 5.0, 7.0],
            ..1.4 => &[1.0, 2.0, 5.0],
            _ => &[1.0],
        };
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "small")]
        let every = (span / 8.0).ceil().max(1.0) as usize;
        let ticks = |steps: &[f64]| {
            let decades = self.decades().step_by(every);
            let all = decades.flat_map(|ten| steps.iter().map(move |k| k * ten));
            all.filter(|v| (0.0..=1.0).contains(&self.place(*v))).collect::<Vec<_>>()
        };
        // A single label is no scale.
        Some(ticks(steps)).filter(|all| all.len() > 1).unwrap_or_else(|| ticks(&[1.0, 2.0, 5.0]))
    }

    fn linear(&self) -> Vec<f64> {
        let rough = (self.high - self.low) / 5.0;
        let ten = 10f64.powf(rough.log10().floor());
        let step = [1.0, 2.0, 2.5, 5.0, 10.0].into_iter().find(|k| k * ten >= rough);
        let step = step.unwrap_or(10.0) * ten;
        let first = (self.low / step - 1e-9).ceil();
        (0..20)
            .map(|k| (first + f64::from(k)) * step)
            .take_while(|v| *v <= self.high + 1e-9 * step)
            .collect()
    }
}

/// Values to those places that lie on the axis.
trait Places: Iterator<Item = f64> + Sized {
    fn places(self, axis: &Fitted<'_>) -> Vec<f64> {
        self.map(|v| axis.place(v)).filter(|at| (0.0..=1.0).contains(at)).collect()
    }
}

impl<I: Iterator<Item = f64>> Places for I {}

/// A value as a tick's label.
fn written(value: f64, unit: Unit) -> String {
    let prefixed = |prefixes: &[(f64, &str)]| {
        let (size, prefix) = prefixes
            .iter()
            .find(|(size, _)| value.abs() >= size * 0.999)
            .or(prefixes.last())
            .copied()
            .unwrap_or((1.0, ""));
        format!("{}{prefix}", short(value / size))
    };
    match unit {
        Unit::Number => short(value),
        Unit::Count if value == 0.0 => "0".to_owned(),
        Unit::Count => prefixed(&[(1e12, "T"), (1e9, "G"), (1e6, "M"), (1e3, "k"), (1.0, "")]),
        Unit::Seconds if value == 0.0 => "0 s".to_owned(),
        Unit::Seconds => {
            prefixed(&[(1.0, " s"), (1e-3, " ms"), (1e-6, " us"), (1e-9, " ns"), (1e-12, " ps")])
        }
        Unit::Times => format!("{}x", short(value)),
        Unit::Percent => format!("{} %", short(100.0 * value)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn labels(axis: &Axis, values: [f64; 2]) -> Vec<String> {
        axis.fit(values.into_iter()).ticks().into_iter().map(|(_, label)| label).collect()
    }

    #[test]
    fn ticks_are_round_numbers_with_their_unit() {
        let linear = Axis::new("", Scale::Linear, Unit::Seconds);
        assert_eq!(labels(&linear, [1e-6, 4e-6])[..2], ["0 s", "1 us"]);
        let time = Axis::new("", Scale::Log, Unit::Seconds);
        assert_eq!(
            labels(&time, [2e-8, 3e-3]),
            ["10 ns", "100 ns", "1 us", "10 us", "100 us", "1 ms"]
        );
        let rate = Axis::new("", Scale::Log, Unit::Count);
        assert_eq!(labels(&rate, [9e5, 3e7]), ["1M", "10M"], "decades");
        assert_eq!(
            labels(&rate, [2.3e6, 7e7]),
            ["2M", "5M", "10M", "20M", "50M"],
            "around a single decade"
        );
        assert_eq!(labels(&rate, [3e5, 3e6]), ["500k", "1M", "2M"], "parts of one");
        assert_eq!(labels(&rate, [3e5, 1e6]), ["300k", "400k", "500k", "700k", "1M"], "finer");
        let share = Axis::new("", Scale::Linear, Unit::Percent);
        assert_eq!(labels(&share, [0.0, 0.24]), ["0 %", "10 %", "20 %"], "percent");
        let ratio = Axis::new("", Scale::Linear, Unit::Times).between(0.0, 10.0);
        assert_eq!(labels(&ratio, [3.0, 4.0]), ["0x", "2x", "4x", "6x", "8x", "10x"], "given");
        assert_eq!(labels(&Axis::of(vec!["a".into(), "b".into()]), [0.0; 2]), ["a", "b"], "names");
    }

    #[test]
    fn data_lie_between_the_ends() {
        for scale in [Scale::Linear, Scale::Log] {
            let axis = Axis::new("", scale, Unit::Number);
            for values in [[1.0, 1.0], [3.0, 700.0], [1e-9, 1e9]] {
                let fitted = axis.fit(values.into_iter().chain([f64::NAN, f64::INFINITY]));
                for v in values {
                    assert!((0.0..=1.0).contains(&fitted.place(v)), "{v} on {axis:?}");
                }
            }
            assert!(!axis.fit([].into_iter()).ticks().is_empty(), "an axis of nothing");
        }
    }
}
