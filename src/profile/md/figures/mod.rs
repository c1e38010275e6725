//! The figures of a profile.

mod energy;
mod latency;
mod phases;
mod scaling;
mod timeline;

use energy::Energy;
use phases::Bar;

use super::profile::Profile;
use super::record::{Kind, Record};
use super::scaling::Scaling;
use crate::draw::figure::{Axis, Colour, Figure, Panel, Scale, Series, Unit};

/// The figures of the steps: `<name>_latency.png` and others.
pub(super) fn of_steps(name: &str, profile: &Profile) -> Vec<(String, Vec<u8>)> {
    let extended = &profile.extended;
    let subject = subject(profile);
    let conditions = conditions(profile);
    let caption = Caption { subject: &subject, conditions: &conditions };
    let latencies = of(profile, |record| &record.latency_ns, |ns| *ns as f64 / 1e6);
    let kinds = of(profile, |record| &record.kinds, |kind| *kind);
    let steps = Steps { latencies_ms: &latencies, kinds: &kinds };
    let mut all = vec![
        ("latency", latency::latency(&caption, &steps)),
        ("timeline", timeline::timeline(&caption, &steps, &extended.memory)),
        ("phases", phases::phases(&caption, &bars(profile))),
    ];
    all.extend(kept(profile, &caption).map(|figure| ("energy", figure)));
    all.into_iter().map(|(what, figure)| (format!("{name}_{what}.png"), figure.png())).collect()
}

/// `<name>_scaling.png`; `one` is one of the profiles.
pub(super) fn of_scaling(name: &str, found: &Scaling, one: &Profile) -> (String, Vec<u8>) {
    let subject = format!("{}, {}", found.model, found.system);
    let conditions = conditions(one);
    let caption = Caption { subject: &subject, conditions: &conditions };
    (format!("{name}_scaling.png"), scaling::scaling(&caption, found).png())
}

fn subject(profile: &Profile) -> String {
    let trajectory = &profile.extended.trajectory;
    format!("{}, {} atoms of {}", profile.extended.model, trajectory.n_atoms, trajectory.source)
}

fn conditions(profile: &Profile) -> String {
    let extended = &profile.extended;
    let cpu = extended.machine.get("cpu_name").map_or("an unknown processor", String::as_str);
    let build = if extended.is_debug_build { ", built for tests" } else { "" };
    format!("{} steps on {cpu}{build}", extended.latency.steps)
}

/// Values of all steps of all repeats.
fn of<T, V>(
    profile: &Profile,
    list: impl Fn(&Record) -> &Vec<T>,
    value: impl Fn(&T) -> V,
) -> Vec<V> {
    profile.repeats.iter().flat_map(|record| list(record).iter().map(&value)).collect()
}

/// The mean of each part, over steps in which the thread kept its processor.
fn bars(profile: &Profile) -> Vec<Bar> {
    let mean = |part: usize, kind: Kind| {
        let steps = profile.repeats.iter().flat_map(|record| {
            let steps = record.spent_ns[part].iter().zip(&record.kinds).enumerate();
            let steps = steps.filter(|(step, (_, found))| **found == kind && record.is_busy(*step));
            steps.map(|(_, (ns, _))| *ns as f64 / 1e9)
        });
        let steps: Vec<f64> = steps.collect();
        (!steps.is_empty()).then(|| steps.iter().sum::<f64>() / steps.len() as f64)
    };
    let bar = |(part, name): (usize, &String)| Bar {
        name: name.clone(),
        mean_seconds: Kind::ALL.map(|kind| mean(part, kind)),
    };
    profile.parts.iter().enumerate().map(bar).collect()
}

/// The energy over time, where atoms move by their velocities.
fn kept(profile: &Profile, caption: &Caption<'_>) -> Option<Figure> {
    let dt_ps = profile.extended.trajectory.dt_ps?;
    let potential = of(profile, |record| &record.potential_ev, |e| *e);
    let kinetic = of(profile, |record| &record.kinetic_ev, |e| *e);
    let time: Vec<f64> = (1..=potential.len()).map(|step| dt_ps * step as f64).collect();
    let held = Energy {
        atoms: profile.extended.trajectory.n_atoms,
        time_ps: &time,
        potential_ev: &potential,
        kinetic_ev: &kinetic,
        kept: profile.extended.validity.energy,
    };
    Some(energy::energy(caption, &held))
}

/// What stands above a figure.
#[derive(Debug, Clone, Copy)]
struct Caption<'a> {
    /// Model and system: `Stillinger-Weber silicon, 64 atoms`.
    subject: &'a str,
    /// Circumstances: processor, instruction set, steps.
    conditions: &'a str,
}

impl Caption<'_> {
    fn figure(&self, what: &str, panels: Vec<Panel>) -> Figure {
        let (title, subtitle) = (format!("{what}: {}", self.subject), self.conditions.to_owned());
        Figure { title, subtitle, panels }
    }
}

/// The steps that were timed.
#[derive(Debug, Clone, Copy)]
struct Steps<'a> {
    /// The time of each, in ms.
    latencies_ms: &'a [f64],
    /// The upkeep of the list in each, in the same order; empty where that is not known.
    kinds: &'a [Kind],
}

impl Steps<'_> {
    /// Index and latency in seconds of the steps of one kind.
    fn of(&self, kind: Kind) -> Vec<(usize, f64)> {
        let is = |at: usize| self.kinds.get(at).copied().unwrap_or(Kind::Quiet);
        let steps = self.latencies_ms.iter().map(|ms| 1e-3 * ms).enumerate();
        steps.filter(|(at, _)| is(*at) == kind).collect()
    }
}

/// The words and the colour of the steps of one kind.
fn look(kind: Kind) -> (&'static str, Colour) {
    match kind {
        Kind::Quiet => ("leave the list as it is", Colour::Blue),
        Kind::Pruned => ("prune the list", Colour::Green),
        Kind::Rebuilt => ("build the list", Colour::Orange),
    }
}

fn panel(title: impl Into<String>, x: Axis, y: Axis, series: Vec<Series>) -> Panel {
    Panel { title: title.into(), x, y, series, note: Vec::new() }
}

fn number(label: &str) -> Axis {
    Axis::new(label, Scale::Linear, Unit::Number)
}
