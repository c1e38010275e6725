//! The figures of a profile, filled in.

use super::figures::{
    Bar, Caption, Drift, Energy, Exponent, Memory, Point, Steps, energy, latency, phases, scaling,
    timeline,
};
use super::profile::Profile;
use super::record::Kind;
use super::scaling::Scaling;
use crate::draw::figure::Figure;

/// The figures of the steps: `<name>_latency.png` and others.
pub(super) fn of_steps(name: &str, profile: &Profile) -> Vec<(String, Vec<u8>)> {
    let extended = &profile.extended;
    let subject = subject(profile);
    let conditions = conditions(profile);
    let caption = Caption { subject: &subject, conditions: &conditions };
    let latencies = of(profile, |record| &record.latency_ns, |ns| *ns as f64 / 1e6);
    let kinds = of(profile, |record| &record.kinds, |kind| *kind);
    let steps = Steps { latencies_ms: &latencies, kinds: &kinds };
    let memory = Memory {
        every: extended.memory.sampled_every,
        resident_bytes: extended.memory.resident_bytes.values(),
        heap_bytes: extended.memory.heap_bytes.values(),
        resident: extended.memory.resident,
        heap: extended.memory.heap,
    };
    let mut all = vec![
        ("latency", latency(&caption, &steps)),
        ("timeline", timeline(&caption, &steps, Some(&memory))),
        ("phases", phases(&caption, &bars(profile))),
    ];
    all.extend(kept(profile, &caption).map(|figure| ("energy", figure)));
    all.into_iter().map(|(what, figure)| (format!("{name}_{what}.png"), figure.png())).collect()
}

/// `<name>_scaling.png`; `one` is one of the profiles.
pub(super) fn of_scaling(name: &str, found: &Scaling, one: &Profile) -> (String, Vec<u8>) {
    let subject = format!("{}, {}", found.model, found.system);
    let conditions = conditions(one);
    let caption = Caption { subject: &subject, conditions: &conditions };
    let point = |point: &super::scaling::Point| Point {
        atoms: point.n_atoms,
        median_seconds: 1e-3 * point.median_ms,
        p99_seconds: 1e-3 * point.p99_ms,
    };
    let points: Vec<_> = found.points.iter().map(point).collect();
    let exponent = found.exponent.map(|slope| Exponent {
        value: slope.value,
        low: slope.low,
        high: slope.high,
    });
    (format!("{name}_scaling.png"), scaling(&caption, &points, exponent).png())
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
    list: impl Fn(&super::record::Record) -> &Vec<T>,
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
    let drift = profile.extended.validity.energy.as_ref().and_then(Drift::of);
    let held = Energy {
        atoms: profile.extended.trajectory.n_atoms,
        time_ps: &time,
        potential_ev: &potential,
        kinetic_ev: &kinetic,
        drift,
    };
    Some(energy(caption, &held))
}
